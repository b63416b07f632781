"""Tables that DuckDB reads: Parquet, JSON, and SQL over files."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data.cell_sql import literal
from chainrule.data.columns import Column, Origin, Table
from chainrule.data.connections import connect, execute, limit, unlimited, what_failed
from chainrule.data.frames import column_from_objects, exact
from chainrule.data.moment_cells import MICROSECONDS_PER_DAY
from chainrule.data.query_tree import refuse_harm
from chainrule.data.reading_notes import DATE_NOTE
from chainrule.data.sqlite_files import quoted
from chainrule.errors import DataError, UsageError

INTEGER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
FLOAT_TYPES = ("FLOAT", "DOUBLE", "DECIMAL")
NO_FORMAT = "no format"
# Endings by which a query that stands alone may name a file as a table.
ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".ndjson")


def read_parquet(path: Path, source: str) -> Table:
    """Read a Parquet file; rows are counted from 1."""
    return _read_file("VIEW", "read_parquet({})", path, source)  # its columns can be read one by one


def read_json(path: Path, source: str) -> Table:
    """Read a JSON array of records, or JSON lines; rows are counted from 1."""
    # DuckDB would also take 01-02-2020 for a date: a format that nothing has leaves all strings text.
    options = f"sample_size=-1, dateformat='{NO_FORMAT}', timestampformat='{NO_FORMAT}'"
    table = _read_file("TABLE", f"read_json({{}}, {options})", path, source)
    if table.n_rows == 1 and all(str(column.values[0]).startswith("[") for column in table.columns):
        raise DataError(
            f"{source} holds one record whose values are lists. "
            'Write one record for each row: [{"x": 1, "y": 2}, {"x": 3, "y": 4}], or one such record a line.'
        )
    return table


def _read_file(kind: str, reader: str, path: Path, source: str) -> Table:
    import duckdb

    with connect(path) as (connection, (name,)):
        try:
            connection.execute(f"CREATE TEMP {kind} result AS SELECT * FROM {reader.format(literal(name))}")
        except duckdb.Error as error:
            raise DataError(f"{source} cannot be read: {what_failed(error)}") from None
        return _result(connection, source)


def read_sql(sql: str, file: Path | None = None, name: str = "", files: Sequence[str] | None = None) -> Table:
    """Run an SQL query by DuckDB.

    Parameters
    ----------
    sql : str
        One query that only reads.
    file : Path, optional
        The query may call it `data`, or by its name.
    name : str
        What the user calls `file`.
    files : sequence of str, optional
        Further files, or patterns of them, that the query may read. Without these and without `file` it reads those
        that it names as tables, as in ``from 'a.csv'``.

    Raises
    ------
    UsageError
        If it does more than read, or reads another file.
    DataError
        If it fails.
    """
    import duckdb

    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the SQL query is not valid text: {error}.") from None
    with unlimited() as (connection, folder):
        tables = refuse_harm(connection, sql)
        named = _named_by_query(tables) if file is None and files is None else _named_beside(files)
        if file is not None:
            named["data"] = [file]
        paths = list(dict.fromkeys(path for found in named.values() for path in found))
        reached = dict(zip(map(os.path.realpath, paths), limit(connection, folder, paths), strict=True))
        for view, found in _views(named, tables, file, name).items():
            try:
                reader = f"{_reader(found)}([{', '.join(literal(reached[os.path.realpath(path)]) for path in found)}])"
                connection.execute(f"CREATE TEMP VIEW {quoted(view)} AS SELECT * FROM {reader}")
            except duckdb.Error as error:
                raise DataError(f"{name if view == 'data' else view} cannot be read: {what_failed(error)}") from None
        try:
            execute(connection, f"CREATE TEMP TABLE result AS {sql.strip().rstrip(';')}")
        except duckdb.PermissionException as error:
            reached_for = re.search(r'"(.*)"', what_failed(error))
            what = f'"{reached_for[1]}"' if reached_for else what_failed(error)
            raise UsageError(
                f"the SQL query reads {what}, which the command does not name. Give the file as DATA or with "
                "--sql-files (sql_files=... in Python); nothing is read from the network."
            ) from None
        except duckdb.Error as error:
            raise DataError(f"the SQL query failed: {what_failed(error)} The query: {sql.strip()}") from None
        return _result(connection, "the SQL query")


def files_read(sql: str, files: Sequence[str] | None = None, *, with_data: bool = False) -> list[Path]:
    """Return the files that a query will read besides its DATA, which it has or not; errors as of `read_sql`."""
    if with_data or files is not None:
        named = _named_beside(files)
    else:
        with unlimited() as (connection, _):
            named = _named_by_query(refuse_harm(connection, sql))
    return [path for found in named.values() for path in found]


def _named_by_query(tables: Sequence[str]) -> dict[str, list[Path]]:
    """The files that a query which stands alone names as tables."""
    asked = [table for table in tables if table.lower().removesuffix(".gz").endswith(ENDINGS)]
    return {text: found for text in asked if (found := _matches(text))}


def _named_beside(files: Sequence[str] | None) -> dict[str, list[Path]]:
    """Further files by their patterns."""
    return {text: _must_match(text) for text in map(os.fspath, files or ())}


def _matches(text: str) -> list[Path]:
    """The file of this name, or those that fit the pattern."""
    if "\0" in text:
        return []
    return [
        Path(found)
        for found in ([text] if _is_file(text) else sorted(glob.glob(text, recursive=True)))
        if _is_file(found)
    ]


def _is_file(text: str) -> bool:
    return "\0" not in text and os.path.isfile(text)


def _must_match(text: str) -> list[Path]:
    found = _matches(text)
    if not found:
        raise UsageError(
            f'sql_files: no file "{text}" was found. Give names of files, or a pattern such as "parts/*.csv".'
        )
    return found


def _views(named: dict[str, list[Path]], tables: list[str], file: Path | None, name: str) -> dict[str, list[Path]]:
    """The tables of the query that are files, as the query writes them."""
    views = {"data": named["data"]} if file is not None else {}
    for table in tables:
        if table.lower() == "data" and file is not None:
            continue
        if file is not None and table == name:
            views[table] = [file]
            continue
        asked = named.get(table) or ([Path(table)] if _is_file(table) else [])
        allowed = {os.path.realpath(path) for found in named.values() for path in found}
        if asked and os.path.realpath(asked[0]) in allowed:  # those of a pattern are named together
            same = [view for view in views if view.lower() == table.lower()]
            if same and views[same[0]] != asked:
                raise UsageError(f'the SQL query reads "{same[0]}" and "{table}", which SQL does not tell apart.')
            views |= {} if same else {table: asked}
    return views


def _reader(files: list[Path]) -> str:
    with files[0].open("rb") as file:
        if file.read(4) == b"PAR1":
            return "read_parquet"
    endings = (".json", ".jsonl", ".ndjson")
    return "read_json" if files[0].name.lower().removesuffix(".gz").endswith(endings) else "read_csv"


def _result(connection: Any, source: str) -> Table:
    """Take the table `result`, column by its place: its names may be any text, and are no part of a statement."""
    import duckdb

    described = connection.execute("DESCRIBE result").fetchall()
    names, types = [row[0] for row in described], [str(row[1]) for row in described]
    cells = [f"c{i}" for i in range(len(names))]
    selected = f"SELECT {{}} FROM result AS result({', '.join(cells)})"
    expressions = [f"{_expression(cell, kind)} AS {cell}" for cell, kind in zip(cells, types, strict=True)]
    try:
        fetched = connection.execute(selected.format(", ".join(expressions))).fetchnumpy()
    except duckdb.Error as error:
        raise DataError(f"{source} cannot be read: {what_failed(error)}") from None
    for name, kind, cell in zip(names, types, cells, strict=True):
        if _origin(kind) == "date":
            _refuse_unreadable_dates(connection, f'{source}, column "{name}"', selected, cell, _expression(cell, kind))
    columns = [_typed_column(name, kind, fetched[cell]) for name, kind, cell in zip(names, types, cells, strict=True)]
    for i, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        if column.origin == "integer" and not exact(column.values):
            cells_as_they_are = [row[0] for row in connection.execute(selected.format(cell)).fetchall()]
            columns[i] = column_from_objects(column.name, cells_as_they_are, source)
    return Table(tuple(columns), source)


def _refuse_unreadable_dates(connection: Any, place: str, selected: str, cell: str, days: str) -> None:
    """Refuse a date that has no number of days: infinity, or beyond the range of times."""
    unreadable = f"{cell} IS NOT NULL AND {days} IS NULL"
    found = connection.execute(selected.format(f"CAST({cell} AS VARCHAR)") + f" WHERE {unreadable} LIMIT 1").fetchone()
    if found:
        raise DataError(
            f"{place}: the date {found[0]} cannot be used. Dates lie between the years -290307 and 294246. Correct it, "
            "or leave the cell empty if the value is missing."
        )


def _expression(column: str, type_name: str) -> str:
    """The SQL that turns a column of this type into doubles or text."""
    origin = _origin(type_name)
    if origin == "date":
        # Only TIMESTAMP WITH TIME ZONE counts from a moment; the others are taken as they are written.
        moment = column if "ZONE" in type_name else f"TRY_CAST({column} AS TIMESTAMP)"
        return f"epoch_us({moment}) / {MICROSECONDS_PER_DAY}.0"
    if origin == "text":
        return f"{column} ->> '$'" if type_name == "JSON" else f"CAST({column} AS VARCHAR)"
    return f"CAST({column} AS DOUBLE)"


def _origin(type_name: str) -> Origin:
    if type_name == "BOOLEAN":
        return "boolean"
    if type_name.endswith("]"):  # a list of any of these
        return "text"
    if type_name.removeprefix("U") in INTEGER_TYPES:
        return "integer"
    if type_name.partition("(")[0] in FLOAT_TYPES:
        return "float"
    if type_name == "DATE" or type_name.startswith("TIMESTAMP"):
        return "date"
    return "text"


def _typed_column(name: str, type_name: str, values: Any) -> Column:
    origin = _origin(type_name)
    if origin == "text":
        plain = type_name in ("VARCHAR", "UUID", "JSON") or type_name.startswith("ENUM")
        return Column(
            name, "text", text_values(values), "" if plain else f"{type_name.lower()} values, read as text", "text"
        )
    return Column(name, "number", number_values(values), DATE_NOTE if origin == "date" else "", origin)


def text_values(fetched: Any) -> np.ndarray:
    """Return what DuckDB fetched as an object array, with None where it was NULL."""
    values = np.ma.getdata(fetched).astype(object)
    values[np.ma.getmaskarray(fetched)] = None
    return values


def number_values(fetched: Any) -> np.ndarray:
    """Return what DuckDB fetched as float64, with NaN where it was NULL."""
    values = np.ma.getdata(fetched).astype(np.float64, copy=False)
    if isinstance(fetched, np.ma.MaskedArray):
        values[np.ma.getmaskarray(fetched)] = np.nan
    return values
