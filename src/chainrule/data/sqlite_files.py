"""Tables of SQLite files, and queries over them; nothing is written, not even beside the file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from chainrule.data.columns import Table, name_list
from chainrule.data.frames import column_from_objects
from chainrule.errors import DataError, UsageError, did_you_mean

MAGIC = b"SQLite format 3\0"
# Virtual tables, as of full-text search, prepare changes when they are opened; to make one, the file is not open.
PREPARED = ("INSERT", "UPDATE", "DELETE")
ALLOWED = {getattr(sqlite3, f"SQLITE_{name}") for name in ("SELECT", "READ", "RECURSIVE", "FUNCTION", *PREPARED)}
FORBIDDEN_FUNCTIONS = ("load_extension", "readfile", "writefile", "edit", "fts3_tokenizer")
ACTIONS = (
    "ATTACH",
    "DETACH",
    "PRAGMA",
    "CREATE_",
    "DROP_",
    "ALTER_",
    "FUNCTION",
    "TRANSACTION",
    "SAVEPOINT",
    "REINDEX",
    "ANALYZE",
)
STEPS = 100_000  # of SQLite's machine between two looks for Ctrl-C


def read_sqlite(path: Path, source: str, sqlite_table: str | None, sql: str | None = None) -> Table:
    """Read one table of an SQLite file, or an SQL query over it; rows are counted from 1.

    Raises
    ------
    UsageError
        If the file has several tables and none was named, or the named one is not there; if the query does more than
        read.
    DataError
        If the file is damaged or the query fails.
    """
    refused: list[str] = []
    try:
        with opened(path, refused) as connection:
            query = sql
            if query is None:
                query = f"SELECT * FROM {quoted(_table(connection, source, sqlite_table))}"
            cursor = _answer(connection, query, source)
            names = [entry[0] for entry in cursor.description or ()]
            rows = cursor.fetchall()
    except (sqlite3.Error, sqlite3.Warning) as error:
        if sql is not None and "readonly" in str(error):
            refused.append("a change")
        if refused:
            raise UsageError(
                f"--sql only reads from {source}; SQLite was asked for more ({refused[0]}) by {(sql or '').strip()!r}."
            ) from None
        if str(error) == "interrupted":  # by `_look_up`, which raised it first
            raise KeyboardInterrupt from None
        broken_off = os.path.exists(f"{path}-journal")
        remedy = " A write to it was broken off: open it once with the program that writes it." if broken_off else ""
        raise DataError(f"{source}: SQLite says: {str(error).rstrip('.')}.{remedy}") from None
    except (UnicodeError, ValueError) as error:  # half a surrogate pair or a zero byte in the query
        if isinstance(error, (DataError, UsageError)):
            raise
        raise UsageError(f"{source}: the query cannot be given to SQLite: {error}.") from None
    if not names:
        raise UsageError(f"--sql takes a query that gives a table, such as SELECT; received {(sql or '').strip()!r}.")
    cells: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [() for _ in names]
    return Table(tuple(column_from_objects(n, c, source) for n, c in zip(names, cells, strict=True)), source)


def quoted(name: str) -> str:
    """Write a name as an SQL identifier.

    >>> print(quoted('the "last" one'))
    "the ""last"" one"
    """
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def opened(path: Path, refused: list[str]) -> Iterator[sqlite3.Connection]:
    """Open a file for reading; what the authorizer refuses is added to `refused`."""
    path = path.resolve()
    log, index = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    with tempfile.TemporaryDirectory() as folder, path.open("rb") as file:
        how = "mode=ro"
        if file.read(20)[18:] == b"\2\2":  # written by way of a log: SQLite would put files beside it to read it
            if index.exists():
                how += "&readonly_shm=1"  # in use: as its writer left it
            elif log.exists():
                path = Path(shutil.copyfile(path, Path(folder) / "copy"))
                shutil.copyfile(log, Path(folder) / "copy-wal")
            else:
                how += "&immutable=1"  # without a log nobody has it open
        with closing(sqlite3.connect(f"{path.as_uri()}?{how}", uri=True)) as connection:
            for pragma in ("query_only = on", "temp_store = memory", "trusted_schema = off", "mmap_size = 0"):
                connection.execute(f"PRAGMA {pragma}")
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.set_authorizer(_authorizer(refused))
            connection.set_progress_handler(_look_up, STEPS)
            yield connection


def _look_up() -> int:
    """Let Python handle the signals that have arrived; Ctrl-C raises KeyboardInterrupt here."""
    return 0


def _authorizer(refused: list[str]) -> Any:
    prefixes = tuple(f"SQLITE_{name}" for name in ACTIONS)
    words = {
        getattr(sqlite3, name): name.removeprefix("SQLITE_").replace("_", " ").lower()
        for name in dir(sqlite3)
        if name.startswith(prefixes)
    }

    def decide(action: int, first: str | None, second: str | None, *_: Any) -> int:
        if action in ALLOWED and not (action == sqlite3.SQLITE_FUNCTION and second in FORBIDDEN_FUNCTIONS):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA and first == "data_version" and second is None:
            return sqlite3.SQLITE_OK  # by which full-text search learns of changes
        on = second if action == sqlite3.SQLITE_FUNCTION else first
        refused.append(" ".join(filter(None, (words.get(action, f"action {action}"), on))))
        return sqlite3.SQLITE_DENY

    return decide


def _answer(connection: sqlite3.Connection, query: str, source: str) -> sqlite3.Cursor:
    try:
        return connection.execute(query)
    except sqlite3.OperationalError as error:
        what, _, name = str(error).partition(": ")
        if what != "no such table":
            raise
        raise UsageError(
            f"--sql: {source} has no table {name}. A query of an SQLite file calls its tables by their own names: "
            f"{name_list(_tables(connection))}."
        ) from None


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [row[0] for row in found]


def _table(connection: sqlite3.Connection, source: str, received: str | None) -> str:
    names = _tables(connection)
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
