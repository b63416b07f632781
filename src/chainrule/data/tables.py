"""From whatever holds a table to a `Table`: built-in names, files, SQL, data frames and arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from chainrule.data.arrays import table_from_arrays
from chainrule.data.builtin_tables import builtin_names, is_builtin, read_builtin
from chainrule.data.columns import Column, Table, Writing, name_list, refuse_infinite
from chainrule.data.excel_files import is_excel, read_excel
from chainrule.data.frames import table_from_object
from chainrule.data.messages import says
from chainrule.data.number_cells import Marks
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.standard_input import STANDARD_INPUT, regular_file
from chainrule.data.text_columns import Hints, read_text_columns
from chainrule.errors import DataError, UsageError, did_you_mean

__all__ = ["Column", "Table", "read_table", "table_from_arrays"]

JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
# Formats that people try first, and what to do instead.
OTHER_ENDINGS = {
    ".xls": "Save the sheet as CSV.",
    ".ods": "Save the sheet as CSV.",
    ".npy": "Load it with numpy.load and pass the array.",
    ".npz": "Load it with numpy.load and pass the arrays.",
    ".pkl": "Load it yourself and pass the data frame.",
    ".feather": "Load it with pyarrow.feather and pass the table.",
    ".arrow": "Load it with pyarrow and pass the table.",
}


def read_table(
    source: Any,
    *,
    sql: str | None = None,
    sql_files: Sequence[str] | None = None,
    sqlite_table: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    dates: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    skip: int | None = None,
    comment: str | None = None,
    missing_tokens: Sequence[str] = (),
    not_missing: Sequence[str] = (),
    sheet: str | None = None,
    as_text: Sequence[str] = (),
) -> Table:
    """Read a table from a built-in name, a file, a query, or an object in memory.

    Parameters
    ----------
    source : str, path-like, Table, data frame, array, dict, list of dicts or None
        A file's path (CSV and other delimited text, also compressed by gzip, bzip2, xz, zstd or zip; Parquet; JSON;
        JSON lines; SQLite; Excel), "-" for delimited text from standard input, the name of a built-in table if there
        is no file of that name, a pandas, polars or pyarrow table, a NumPy array with two dimensions (columns x1, x2,
        ...) or named fields, a dict of columns, or a list of dicts. None if `sql` names its own files.
    sql : str, optional
        One SQL query, which only reads. Over an SQLite file it is run by SQLite; otherwise by DuckDB, which knows
        `source`, if it is a file, as ``data``, and reads no other file but those of `sql_files`. Without both, the
        query names its files itself, as tables: ``select * from 'a.csv' join 'b.csv' using (key)``.
    sql_files : sequence of str, optional
        Further files that the query may read, or patterns of them. An empty one lets a query without `source` read
        none, for queries that are not your own.
    sqlite_table : str, optional
        Which table of an SQLite file to read, if it has several.
    delimiter : str, optional
        Of delimited text; found from the first records otherwise.
    decimal : {".", ","}, optional
        The decimal mark of delimited text. Otherwise it is found from all cells of a column and of its file, with a
        note on decimal commas.
    thousands : str, optional
        The mark of thousands in delimited text: a point, a comma, an apostrophe, a space or an underscore.
    dates : {"dmy", "mdy", "ymd"}, optional
        How day, month and year follow each other in delimited text where the year does not stand first with four
        digits. Otherwise found from all cells of a column, where they show it.
    encoding : str, optional
        Of delimited text; otherwise UTF-8, or Latin-1 with a note.
    header : bool, optional
        Whether the first line holds names; otherwise it does unless it holds numbers.
    skip : int, optional
        So many lines before the table are passed over; otherwise a title or comments are found where they are clear.
    comment : str, optional
        Lines that begin with this are no rows.
    missing_tokens : sequence of str
        Cells of delimited text that stand for a missing value, besides the empty one and NA, N/A, NaN, nan, null,
        NULL, None and ?.
    not_missing : sequence of str
        Those of these words that are values.
    sheet : str, optional
        Which sheet of an Excel file; otherwise its only one.
    as_text : sequence of str
        Columns to read as names even if they are numbers; names that the table lacks are passed over.

    Returns
    -------
    Table
        Numbers as float64 with NaN where missing, text as str with None. Booleans are the numbers 0 and 1. Dates, also
        in a column of text that holds nothing else, are days since 1970-01-01 (times without a zone count as UTC),
        times of day are hours since midnight, and durations are seconds. The words true and false in delimited text
        stay text. Its method `to_pandas` gives it back as a data frame.

    Raises
    ------
    UsageError
        If the source is not found or an argument is not allowed.
    DataError
        If the content cannot be used, with the file, row and column.

    Examples
    --------
    >>> table = read_table({"size": [1.5, None], "color": ["red", "blue"]})
    >>> table.names, table.column("size").kind, table.column("color").kind
    (('size', 'color'), 'number', 'text')
    >>> read_table("xor").n_rows
    4
    """
    reading = ReadingPlan(
        sql=sql,
        sql_files=sql_files,  # type: ignore[arg-type]
        sqlite_table=sqlite_table,
        delimiter=delimiter,
        decimal=decimal,
        thousands=thousands,
        dates=dates,
        encoding=encoding,
        header=header,
        skip=skip,
        comment=comment,
        missing_tokens=missing_tokens,
        not_missing=not_missing,
        sheet=sheet,
    )
    if isinstance(as_text, str):
        as_text = [name.strip() for name in as_text.split(",")]
    return read_with(source, reading, as_text)


def read_with(
    source: Any,
    reading: ReadingPlan,
    as_text: Sequence[str] = (),
    known: Mapping[str, Writing] | None = None,
    origins: Mapping[str, str] | None = None,
) -> Table:
    """Read a table as a `ReadingPlan` says; see `read_table`.

    Parameters
    ----------
    known, origins : mappings of column names, optional
        How a model's training had its columns written, and what they held: the same holds for this table.
    """
    hints = Hints(Marks(reading.decimal, reading.thousands), reading.order, known=known or {}, origins=origins or {})
    sql, sql_files = reading.sql, reading.sql_files
    if source is None or sql is not None:
        _refuse_without_effect(reading)
        table = read_text_columns(_read_query(source, sql, sql_files), as_text, hints, "marked")
    elif sql_files is not None:
        raise UsageError("sql_files names the files that a query may read, and there is no query. Give sql, too.")
    elif isinstance(source, Table):
        table = source
    elif isinstance(source, (str, os.PathLike)):
        if isinstance(source, str) and not Path(source).is_file() and is_builtin(source):
            table = read_builtin(source)
        else:
            _refuse_unreadable(os.fspath(source))
            with regular_file(os.fspath(source)) as (path, name):
                table = _read_file(path, name, reading, as_text, hints)
    else:
        found = table_from_object(source)
        if found is None:
            raise UsageError(
                f"a table cannot be made from {_described(source)}. Give a file's path, a built-in name, a data frame "
                "(pandas, polars or pyarrow), a NumPy array with two dimensions, a dict of columns or a list of dicts."
            )
        table = read_text_columns(found, as_text, hints)
    if not table.columns:
        raise DataError(f"{says(table.source, 'has')} no columns.")
    if table.n_rows == 0:
        raise DataError(f"{says(table.source, 'has')} no rows.")
    return refuse_infinite(_with_text_columns(table, as_text))


def _read_query(source: Any, sql: str | None, files: Sequence[str] | None) -> Table:
    from chainrule.data.queries import read_sql
    from chainrule.data.sqlite_files import MAGIC, read_sqlite

    if sql is None:
        raise UsageError(
            "no table was named. Name a table (a file or a built-in name), or give --sql (sql=... in Python)."
        )
    if source is None:
        return read_sql(sql, files=files)
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(f"sql works on files; received {_described(source)} with it. Query the object itself first.")
    if not Path(source).is_file() and is_builtin(os.fspath(source)):
        raise UsageError(f'sql works on files; "{source}" is a built-in table, which is used whole. Leave out sql.')
    _refuse_unreadable(os.fspath(source))
    with regular_file(os.fspath(source)) as (path, name):
        if not _starts_with(path, MAGIC):
            return read_sql(sql, path, name, files)
        if files is not None:
            raise UsageError(f"sql_files: SQLite runs the query over {name}, and reads no other file. Leave it out.")
        return read_sqlite(path, name, None, sql)


def _refuse_without_effect(reading: ReadingPlan) -> None:
    """Refuse options of reading that a query passes by: the query itself says how its files are read."""
    own = ("sql", "sql_files", "dates")
    given = [
        field.name
        for field in fields(reading)
        if field.name not in own and getattr(reading, field.name) not in (None, ())
    ]
    if reading.sql is not None and given:
        raise UsageError(
            f"{name_list(given)} would have no effect on the result of sql. Say it in the query, as in "
            "from read_csv('a.csv', delim=';', decimal_separator=','), or leave out sql."
        )


def _read_file(path: Path, source: str, reading: ReadingPlan, as_text: Sequence[str], hints: Hints) -> Table:
    typed = _read_typed_file(path, source, reading)
    if typed is not None:
        return read_text_columns(typed, as_text, hints)
    from chainrule.data.delimited import read_delimited

    return read_delimited(path, source, reading, as_text, hints)


def _read_typed_file(path: Path, source: str, reading: ReadingPlan) -> Table | None:
    """Read a file whose format knows types; None for delimited text."""
    from chainrule.data.sqlite_files import MAGIC, read_sqlite

    if _starts_with(path, MAGIC):
        return read_sqlite(path, source, reading.sqlite_table)
    if reading.sqlite_table is not None:
        raise UsageError(f"sqlite_table is for SQLite files; {source} is none.")
    if _starts_with(path, b"PAR1"):
        from chainrule.data.queries import read_parquet

        return read_parquet(path, source)
    if path.suffix.lower() in JSON_ENDINGS:
        from chainrule.data.queries import read_json

        return read_json(path, source)
    if is_excel(path):
        return read_excel(path, source, reading.sheet)
    if reading.sheet is not None:
        raise UsageError(f"sheet is for Excel files; {source} is none.")
    if path.suffix.lower() in OTHER_ENDINGS:
        remedy = OTHER_ENDINGS[path.suffix.lower()]
        raise DataError(f"{source}: {path.suffix} files are not read. {remedy}")
    return None


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _refuse_unreadable(received: str) -> None:
    path = Path(received)
    if received in STANDARD_INPUT:
        return
    if path.exists() and not path.is_dir():
        if not os.access(path, os.R_OK):
            raise UsageError(f'"{received}": no permission to read this file.')
        return
    if path.is_dir():
        raise UsageError(f'"{received}" is a folder. Give the name of a file in it.')
    if received.lstrip().lower().startswith(("select ", "from ", "with ")):
        raise UsageError(f'"{received}" is no file. To run it as a query, use --sql (sql=... in Python).')
    stem = path.name.partition(".")[0]
    near = f'Did you mean the built-in "{stem}"? ' if is_builtin(stem) else did_you_mean(received, builtin_names())
    if not near and path.parent.is_dir():
        near = did_you_mean(path.name, sorted(entry.name for entry in path.parent.iterdir()))
    raise UsageError(
        f'no file "{received}" was found, and no built-in table has that name. {near}'
        f"Built-in tables: {', '.join(builtin_names())}."
    )


def _with_text_columns(table: Table, as_text: Sequence[str]) -> Table:
    if not any(column.kind == "number" and column.name in as_text for column in table.columns):
        return table
    from dataclasses import replace

    columns = tuple(column.as_text() if column.name in as_text else column for column in table.columns)
    return replace(table, columns=columns)


def _described(source: Any) -> str:
    kind = type(source).__name__
    if isinstance(source, dict):
        return f"a dict with the keys {name_list(map(str, source))}"
    return f"an empty {kind}" if hasattr(source, "__len__") and len(source) == 0 else f"a value of type {kind}"
