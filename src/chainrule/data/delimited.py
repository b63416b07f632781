"""Delimited text (CSV, TSV and their kin) to a Table: what it looks like, its cells, and what each column holds."""

from __future__ import annotations

import csv
import shutil
import tempfile
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chainrule.data.cell_sql import literal
from chainrule.data.columns import Table
from chainrule.data.connections import connect
from chainrule.data.dialect import find_dialect
from chainrule.data.layout import NOTHING, ROW_NAMES, Layout, find_layout, line_numbers, parse_error, uneven
from chainrule.data.other_rows import without_other_rows
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.text_columns import Hints, read_text_columns
from chainrule.data.text_files import LONGEST, TextFile, open_text
from chainrule.data.typed_cells import Cells, read_cells
from chainrule.errors import DataError, readable


def read_delimited(path: Path, source: str, reading: ReadingPlan, as_text: Sequence[str], hints: Hints) -> Table:
    """Read delimited text.

    Parameters
    ----------
    path : Path
    source : str
        What the user calls it.
    reading : ReadingPlan
    as_text : sequence of str
        Columns to read as names.
    hints : Hints
        What the user and a model's training say of the cells.

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
    # What is no text, or holds a zero byte, stands in no text file.
    tokens = tuple(token for token in reading.tokens if token == readable(token) and "\0" not in token)
    with tempfile.TemporaryDirectory() as folder:
        file = open_text(path, source, reading.encoding, folder, tokens)
        dialect, found = find_dialect(file.first_lines, source, reading.delimiter, reading.skip, reading.comment)
        comma = reading.decimal != "." and dialect.delimiter != ","
        layout, notes = find_layout(file, source, dialect, reading.header, tokens, comma)
        plain, lines, separator = file.path, None, dialect.delimiter
        if _is_awkward(file, layout):
            plain, separator = Path(folder) / "cells.csv", ","
            lines = _write_plainly(file, layout, source, plain)
        elif layout.begin > 1 + layout.header:
            plain = _copy_rows(file, layout, Path(folder) / "rows.csv")
        with connect(plain) as (connection, (name,)):
            skipped = int(layout.header) if plain == file.path else 0
            quotes = lines is not None or b'"' in file.contents.found
            reader = _reader(name, separator, len(layout.names), skipped, quotes)
            words = tuple(token for token in tokens if token and token.encode() in file.contents.found)
            cells = Cells(connection, reader, tokens, words)
            hints = replace(hints, delimiter=dialect.delimiter)
            columns, shown = read_cells(cells, file, layout, source, hints, {*as_text, ROW_NAMES, NOTHING})
        n_rows = len(columns[0].values)
        if n_rows == 0:
            raise DataError(f"{source} has column names but no rows.")
        if lines is None:
            lines = line_numbers(layout, file, source, n_rows)
    table = Table(tuple(columns), source, (*file.notes, *found, *notes), lines)
    table = without_other_rows(_without(table, layout))
    return read_text_columns(table, as_text, replace(hints, shown=shown), "all")


def _is_awkward(file: TextFile, layout: Layout) -> bool:
    """Whether rows must be written again for DuckDB: it would take a row for a comment, or lose an empty one."""
    dialect = layout.dialect
    return dialect.spaced or bool(dialect.comment) or len(layout.names) == 1


def _copy_rows(file: TextFile, layout: Layout, path: Path) -> Path:
    """Copy the rows alone: DuckDB's versions differ in which lines before them they count."""
    with file.path.open("rb") as stored, path.open("wb") as out:
        lines = file.lines()
        before = sum(len(next(lines).encode()) for _ in range(layout.begin - 1))
        mark = stored.read(len(BOM_UTF8))
        stored.seek(before + len(BOM_UTF8) * (mark == BOM_UTF8))
        shutil.copyfileobj(stored, out)
    return path


def _write_plainly(file: TextFile, layout: Layout, source: str, path: Path) -> np.ndarray:
    """Write the rows with commas between their cells, and return the line of each."""
    lines = []
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            write = csv.writer(out, lineterminator="\n").writerow
            for line, cells in layout.records(file):
                if len(cells) != len(layout.names):
                    raise uneven(layout, source, line, len(cells))
                write(cells)
                lines.append(line)
    except csv.Error as error:
        raise parse_error(layout, file, source, str(error)) from None
    return np.array(lines, dtype=np.int64)


def _reader(name: str, delimiter: str, width: int, skip: int, quotes: bool) -> str:
    """The SQL that reads the text: every cell as text, or NULL where it is one of the TOKENS."""
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    mark = "'\"'" if quotes else "''"
    # A small buffer, which is enough for the longest record: the default takes 32 MB, several times.
    return (
        f"read_csv({literal(name)}, auto_detect=false, header=false, skip={skip}, delim={literal(delimiter)}, "
        f"quote={mark}, escape={mark}, strict_mode=true, compression='none', nullstr=[TOKENS], "
        f"max_line_size={LONGEST}, buffer_size={LONGEST}, columns={{{types}}})"
    )


def _without(table: Table, layout: Layout) -> Table:
    """The table without the columns that are none: names of rows, and what a delimiter at the end makes."""
    if layout.trailing and not table.columns[-1].missing.all():
        row = int(np.argmin(table.columns[-1].missing))
        raise uneven(layout, table.source, int(table.row_numbers[row]), len(layout.names))
    kept = tuple(column for column in table.columns if column.name not in (ROW_NAMES, NOTHING))
    return replace(table, columns=kept)
