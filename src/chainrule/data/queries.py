"""Tables that DuckDB or SQLite read: Parquet, JSON, SQLite files, and SQL over any of them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data.cell_sql import MICROSECONDS_PER_DAY
from chainrule.data.columns import Column, Origin, Table, name_list
from chainrule.data.frames import column_from_objects
from chainrule.data.text_columns import DATE_NOTE
from chainrule.errors import DataError, UsageError, did_you_mean

INTEGER_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NO_FORMAT = "no format"
FLOAT_TYPES = ("FLOAT", "DOUBLE", "DECIMAL")


def connect() -> Any:
    """Open a DuckDB connection that keeps the order of rows and never reaches for the network.

    One thread, because parallel plans with joins or casts do not promise the order of a file's rows; the CSV
    reader is as fast with one. No extension is fetched, and no Python variable can be taken for a table.
    """
    import duckdb  # takes longer to import than the rest of the package

    return duckdb.connect(
        ":memory:",
        config={
            "threads": "1",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )


def quoted(name: str) -> str:
    """Write a name as an SQL identifier.

    >>> print(quoted('the "last" one'))
    "the ""last"" one"
    """
    return '"' + name.replace('"', '""') + '"'


def file_pattern(path: Path) -> str:
    """Write a path so that DuckDB, which takes paths for patterns, finds this file and no other.

    >>> file_pattern(Path("/data[1].csv"))
    '/data[[]1].csv'
    """
    # In full, as DuckDB also takes a leading ~ for the home folder.
    return re.sub(r"([*?\[])", r"[\1]", os.path.abspath(path))


def read_parquet(path: Path, source: str) -> Table:
    """Read a Parquet file; rows are counted from 1."""
    return _read_sql("SELECT * FROM read_parquet(?)", [file_pattern(path)], source)


def read_json(path: Path, source: str) -> Table:
    """Read a JSON array of records, or JSON lines; rows are counted from 1."""
    # DuckDB would also take 01-02-2020 for a date: a format that nothing has leaves all strings text.
    options = f"sample_size=-1, dateformat='{NO_FORMAT}', timestampformat='{NO_FORMAT}'"
    table = _read_sql(f"SELECT * FROM read_json(?, {options})", [file_pattern(path)], source)
    if table.n_rows == 1 and all(str(column.values[0]).startswith("[") for column in table.columns):
        raise DataError(
            f"{source} holds one record whose values are lists. "
            'Write one record for each row: [{"x": 1, "y": 2}, {"x": 3, "y": 4}], or one such record a line.'
        )
    return table


def read_sql(sql: str, file: Path | None = None) -> Table:
    """Run an SQL query by DuckDB; with `file`, the query may call that file `data`."""
    return _read_sql(sql, [], "the SQL query", file)


def _read_sql(sql: str, parameters: list[str], source: str, file: Path | None = None) -> Table:
    import duckdb

    with connect() as connection:
        try:
            if file is not None:
                path = file_pattern(file).replace("'", "''")
                connection.execute(f"CREATE TEMP VIEW data AS SELECT * FROM '{path}'")
            if not parameters:
                _refuse_other_statements(connection, sql)
            connection.execute(f"CREATE TEMP TABLE result AS {sql.strip().rstrip(';')}", parameters)
        except duckdb.Error as error:
            if parameters:
                raise DataError(f"{source} cannot be read: {_first_line(error)}") from None
            raise DataError(f"the SQL query failed: {_first_line(error)} The query: {sql.strip()}") from None
        described = connection.execute("DESCRIBE result").fetchall()
        names, types = [row[0] for row in described], [str(row[1]) for row in described]
        expressions = [f"{_expression(quoted(n), t)} AS {quoted(n)}" for n, t in zip(names, types, strict=True)]
        fetched = connection.execute(f"SELECT {', '.join(expressions)} FROM result").fetchnumpy()
    columns = [_typed_column(n, t, fetched[n]) for n, t in zip(names, types, strict=True)]
    return Table(tuple(columns), source)


def _refuse_other_statements(connection: Any, sql: str) -> None:
    """A table is read by one query; nothing that writes is run beside it."""
    kinds = [str(statement.type).rpartition(".")[2] for statement in connection.extract_statements(sql)]
    if kinds not in (["SELECT"], ["SELECT_STATEMENT"]):
        raise UsageError(f"--sql takes one query that begins with select, from or with; received {sql.strip()!r}.")


def _expression(column: str, type_name: str) -> str:
    """The SQL that turns a column of this type into doubles or text."""
    origin = _origin(type_name)
    if origin == "date":
        # Only TIMESTAMP WITH TIME ZONE counts from a moment; the others are taken as they are written.
        moment = column if "ZONE" in type_name else f"CAST({column} AS TIMESTAMP)"
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
    values = np.ma.getdata(fetched).astype(np.float64)
    values[np.ma.getmaskarray(fetched)] = np.nan
    return values


def read_sqlite(path: Path, source: str, sqlite_table: str | None, sql: str | None = None) -> Table:
    """Read one table of an SQLite file, or an SQL query over it; rows are counted from 1.

    Raises
    ------
    UsageError
        If the file has several tables and none was named, or the named one is not there.
    DataError
        If the file is damaged or the query fails.
    """
    import sqlite3
    from contextlib import closing

    # Read-only, so that a mistyped query cannot change the user's file.
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            if sql is None:
                sql = f"SELECT * FROM {quoted(_sqlite_table(connection, source, sqlite_table))}"
            cursor = connection.execute(sql)
            names = [entry[0] for entry in cursor.description or ()]
            rows = cursor.fetchall()
    except sqlite3.Error as error:
        raise DataError(f"{source}: SQLite says: {error}.") from None
    cells: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [() for _ in names]
    return Table(tuple(column_from_objects(n, c, source) for n, c in zip(names, cells, strict=True)), source)


def _sqlite_table(connection: Any, source: str, received: str | None) -> str:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    names = [row[0] for row in found]
    if not names:
        raise DataError(f"{source} is an SQLite file without tables.")
    if received is not None:
        if received not in names:
            raise UsageError(
                f'{source} has no table "{received}". {did_you_mean(received, names)}Tables: {name_list(names)}.'
            )
        return received
    if len(names) > 1:
        raise UsageError(
            f"{source} has {len(names)} tables: {name_list(names)}. "
            f"Name one: --sqlite-table {names[0]} (sqlite_table={names[0]!r} in Python)."
        )
    return str(names[0])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(". ") + "."
