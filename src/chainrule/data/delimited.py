"""Delimited text (CSV, TSV and their kin) to a Table.

DuckDB divides the text into cells, all of them text; what each column holds is then decided here by counting
in SQL, so that a million rows need no Python loop and no cell is ever guessed away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from chainrule.data.cell_sql import (
    begins_like_number_sql,
    comma_number_sql,
    date_sql,
    digits_sql,
    grouped_number_sql,
    number_sql,
    padded_sql,
    token_sql,
    trimmed_sql,
)
from chainrule.data.columns import Column, Origin, Table
from chainrule.data.connections import connect
from chainrule.data.layout import ROW_NAMES, Layout, find_layout, line_numbers, parse_error
from chainrule.data.queries import number_values, text_values
from chainrule.data.text_columns import CODES_NOTE, COMMA_NOTE, DATE_NOTE
from chainrule.data.text_files import NUMBER, TextFile, open_text
from chainrule.errors import DataError, UsageError, readable

# A column with at least this share of numbers is a column of numbers with mistakes in it, not one of names.
MOSTLY_NUMBERS = 0.8
# Columns treated by one SQL statement.
BATCH = 64
T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """What a column turned out to hold, and the SQL that yields it from the cells."""

    kind: str
    table: str
    sql: str
    origin: Origin = "text"
    note: str = ""
    tokens: tuple[tuple[str, int], ...] = ()


def read_delimited(
    path: Path,
    source: str,
    *,
    delimiter: str | None,
    decimal: str | None,
    encoding: str | None,
    header: bool | None,
    missing_tokens: Sequence[str],
    as_text: Sequence[str],
) -> Table:
    """Read delimited text; the parameters are those of `read_table`.

    Returns
    -------
    Table
        Rows are numbered by their line in the file, which has its header in line 1.

    Raises
    ------
    DataError
        If the text is empty, has no rows, has records of different lengths, names a column twice or not at all,
        or has cells that are not numbers in a column of numbers.
    """
    if decimal not in (None, ".", ","):
        raise UsageError(f'decimal must be "." or ","; received {decimal!r}.')
    # What is no text, or holds a zero byte, stands in no text file.
    tokens = tuple(token.strip() for token in missing_tokens if token == readable(token) and "\0" not in token)
    file = open_text(path, source, encoding)
    layout, notes = find_layout(file.text, source, delimiter, decimal, header, tokens)
    with tempfile.TemporaryDirectory() as folder, connect(_stored(path, file, folder)) as (connection, (name,)):
        _parse(connection, name, layout, source)
        n_rows = connection.execute("SELECT count(*) FROM cells").fetchone()[0]
        if n_rows == 0:
            raise DataError(f"{source} has column names but no rows.")
        lines = line_numbers(layout, n_rows)
        row_names = {ROW_NAMES} if layout.row_names else set()
        readings = _readings(connection, layout, source, lines, decimal, tokens, {*as_text, *row_names})
        columns = _columns(connection, layout, readings)[len(row_names) :]
    return Table(columns, source, (*file.notes, *notes), lines)


def _stored(path: Path, file: TextFile, folder: str) -> Path:
    """Where the text lies as UTF-8 with one kind of line end."""
    if not file.as_stored:
        path = Path(folder) / "table.csv"
        path.write_text(file.text, encoding="utf-8", newline="")
    return path


def _parse(connection: Any, name: str, layout: Layout, source: str) -> None:
    """Fill the table `cells` with the text of every cell, in columns c0, c1, ..., in the order of the file."""
    import duckdb

    cells = [f"c{i}" for i in range(len(layout.names))]
    types = ", ".join(f"'{cell}': 'VARCHAR'" for cell in cells)
    # A blank line is one missing cell to the parser when there is one column only, and nothing otherwise.
    keep = "WHERE trim(c0) <> ''" if len(cells) == 1 else ""
    try:
        connection.execute(
            f"CREATE TEMP TABLE cells AS SELECT * FROM read_csv(?, auto_detect=false, header=false, delim=?, "
            f"quote='\"', escape='\"', strict_mode=true, compression='none', columns={{{types}}}) {keep} "
            f"OFFSET {int(layout.header)}",
            [name, layout.delimiter],
        )
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise  # no fault of the text; `unlimited` says what it is
    except duckdb.Error as error:
        raise parse_error(layout, source, str(error)) from None


def _readings(
    connection: Any,
    layout: Layout,
    source: str,
    lines: np.ndarray,
    decimal: str | None,
    tokens: tuple[str, ...],
    as_text: set[str],
) -> list[Reading]:
    """Decide what each column holds: plain numbers at once, the others after their missing cells are known."""
    cells = [f"c{i}" for i in range(len(layout.names))]
    asked = [sql for cell in cells for sql in (cell, number_sql(cell), padded_sql(cell))]
    counts = _counts(connection, "cells", asked)
    # A token such as -999 looks like a number, so that no column is plain before it is taken out.
    token_is_number = any(NUMBER.fullmatch(token) for token in tokens)
    plain = {
        i
        for i, name in enumerate(layout.names)
        if counts[3 * i] == counts[3 * i + 1]
        and not counts[3 * i + 2]
        and name not in as_text
        and decimal != ","
        and not token_is_number
    }
    readings = {i: Reading("number", "cells", f"TRY_CAST(c{i} AS DOUBLE)") for i in plain}
    for k, batch in enumerate(_batches([i for i in range(len(cells)) if i not in plain])):
        table = f"trimmed{k}"
        selected = ", ".join(f"{trimmed_sql(f'c{i}', tokens)} AS c{i}" for i in batch)
        connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {selected} FROM cells")
        begins = _counts(connection, table, [sql for i in batch for sql in (f"c{i}", begins_like_number_sql(f"c{i}"))])
        for j, i in enumerate(batch):
            # Most text is known from its first characters, which are quick to ask for.
            if layout.names[i] in as_text or begins[2 * j + 1] < MOSTLY_NUMBERS * begins[2 * j]:
                readings[i] = Reading("text", table, f"c{i}")
            else:
                readings[i] = _reading(connection, table, layout, source, lines, decimal, i)
        gaps = [i for j, i in enumerate(batch) if begins[2 * j] < len(lines)]
        for i, found in zip(gaps, _tokens(connection, gaps, tokens), strict=True):
            readings[i] = replace(readings[i], tokens=found)
    return [readings[i] for i in range(len(cells))]


def _reading(
    connection: Any, table: str, layout: Layout, source: str, lines: np.ndarray, decimal: str | None, i: int
) -> Reading:
    """Decide about one column of trimmed cells: numbers, decimal commas, dates, mistakes or text."""
    cell = f"c{i}"
    number = comma_number_sql(cell) if decimal == "," else number_sql(cell)
    looks_numeric = f"coalesce({number_sql(cell)}, {comma_number_sql(cell)}, {grouped_number_sql(cell)})"
    filled, numbers, commas, dates, nearly, padded, digits = _counts(
        connection,
        table,
        [cell, number, comma_number_sql(cell), date_sql(cell), looks_numeric, padded_sql(cell), digits_sql(cell)],
    )
    if padded and digits == filled:
        return Reading("text", table, cell, note=CODES_NOTE)
    if numbers == filled:
        return Reading("number", table, number)
    if commas == filled and decimal is None and layout.delimiter != ",":
        return Reading("number", table, comma_number_sql(cell), note=COMMA_NOTE)
    if dates == filled:
        return Reading("number", table, date_sql(cell), "date", DATE_NOTE)
    if nearly < MOSTLY_NUMBERS * filled:
        return Reading("text", table, cell)
    row, text, comma, grouped = connection.execute(
        f"SELECT rowid, {cell}, {comma_number_sql(cell)} IS NOT NULL, {grouped_number_sql(cell)} IS NOT NULL "
        f"FROM {table} WHERE {cell} IS NOT NULL AND {number} IS NULL ORDER BY rowid LIMIT 1"
    ).fetchone()
    name, wrong = layout.names[i], filled - numbers
    option = f'--nominal "{name}"' if " " in name else f"--nominal {name}"
    if grouped and not comma:
        remedy = f"Remove the thousands separators, or use {option} to read the column as names."
    elif comma and decimal is None:
        remedy = 'Use --decimal "," or clean the cell.'
    else:
        remedy = (
            f'Clean the cell, use --missing-tokens "{text}" if it stands for a missing value, '
            f"or {option} to read the column as names."
        )
    share = "" if wrong == 1 else f" ({wrong:,} of the {filled:,} cells of this column are not.)"
    raise DataError(f'{source}, row {lines[row]}, column "{name}": "{text}" is not a number.{share} {remedy}')


def _columns(connection: Any, layout: Layout, readings: list[Reading]) -> tuple[Column, ...]:
    fetched = {}
    for table in dict.fromkeys(reading.table for reading in readings):
        for batch in _batches([f"{r.sql} AS c{i}" for i, r in enumerate(readings) if r.table == table]):
            fetched.update(connection.execute(f"SELECT {', '.join(batch)} FROM {table}").fetchnumpy())
    columns = []
    for i, (name, reading) in enumerate(zip(layout.names, readings, strict=True)):
        if reading.kind == "text":
            columns.append(Column(name, "text", text_values(fetched[f"c{i}"]), reading.note, "text", reading.tokens))
            continue
        values, origin = number_values(fetched[f"c{i}"]), reading.origin
        if origin != "date":
            known = values[~np.isnan(values)]
            origin = "integer" if len(known) and (known == np.floor(known)).all() else "float"
        columns.append(Column(name, "number", values, reading.note, origin, reading.tokens))
    return tuple(columns)


def _tokens(connection: Any, columns: list[int], tokens: tuple[str, ...]) -> list[tuple[tuple[str, int], ...]]:
    """Count, for each of these columns, the words that stand for a missing value."""
    words = tuple(token for token in tokens if token)
    if not columns or not words:
        return [()] * len(columns)
    selected = ", ".join(f"histogram({token_sql(f'c{i}', words)})" for i in columns)
    counts = connection.execute(f"SELECT {selected} FROM cells").fetchone()
    return [tuple((counted or {}).items()) for counted in counts]


def _counts(connection: Any, table: str, expressions: list[str]) -> tuple[int, ...]:
    """Count the rows in which each expression is not NULL."""
    counts: list[int] = []
    for batch in _batches(expressions):
        selected = ", ".join(f"count({sql})" for sql in batch)
        counts.extend(connection.execute(f"SELECT {selected} FROM {table}").fetchone())
    return tuple(counts)


def _batches(items: list[T]) -> Iterator[list[T]]:
    """Divide a list: DuckDB holds buffers for every expression of a statement, too many for thousands of columns."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
