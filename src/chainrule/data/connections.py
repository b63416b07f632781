"""DuckDB connections that read the files they are given, and reach no other file and no network."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chainrule.data.cell_sql import literal
from chainrule.data.room import MORE, room, where
from chainrule.data.watching import watched
from chainrule.errors import DataError
from chainrule.interrupts import interrupts_held

# DuckDB takes these for patterns, for the separators of another system, or cannot be given them.
AWKWARD = "*?[]\\"
PATIENCE = 5.0  # seconds for DuckDB to end a statement once it was told to


@contextmanager
def connect(*files: Path) -> Iterator[tuple[Any, list[str]]]:
    """Open a connection that reads `files` and nothing else, with the names under which it does."""
    with unlimited() as (connection, folder):
        yield connection, limit(connection, folder, files)


@contextmanager
def unlimited() -> Iterator[tuple[Any, Path]]:
    """Open a connection that keeps the order of rows, and a folder that is removed with it; for `limit`.

    One thread, because parallel plans with joins or casts do not promise the order of a file's rows; the CSV
    reader is as fast with one. What it spills goes into the folder, up to a share of the free disk, so that no
    statement fills it. No Python variable can be taken for a table.

    Raises
    ------
    DataError
        If a statement in the block needs more room than there is, and the block does not say so itself.
    """
    import duckdb  # takes longer to import than the rest of the package

    with tempfile.TemporaryDirectory() as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": "1",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
            "temp_directory": str(Path(folder) / "spilled"),
        }
        connection = duckdb.connect(":memory:", config=config)
        try:
            # Not in `config`, where DuckDB takes note of it and does not keep to it.
            connection.execute(f"SET max_temp_directory_size = '{room(folder)}B'")
            # How far it is can be asked for; it is not for DuckDB to print it.
            connection.execute("SET enable_progress_bar = true")
            connection.execute("SET enable_progress_bar_print = false")
            with watched(connection):
                yield connection, Path(folder)
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise DataError(f"the table cannot be read: {what_failed(error)}") from None
        finally:
            with suppress(duckdb.Error):  # it still runs what could not be interrupted
                connection.close()


def limit(connection: Any, folder: Path, files: Sequence[Path]) -> list[str]:
    """Let a connection read these files, no other file, no network and no extension, for as long as it lives.

    DuckDB itself refuses all else, and the statements that would allow it again. It would also let a statement write
    to the files: none of a user's is run that `query_tree.refuse_harm` has not passed.

    Returns
    -------
    list of str
        The name under which the connection reads each file; the user's own will do too where it is plain.
    """
    names = [_plain_name(path, folder, i) for i, path in enumerate(files)]
    as_given = [str(path) for path in files if _is_plain(str(path))]
    allowed = ", ".join(map(literal, dict.fromkeys([*names, *as_given])))
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return names


def execute(connection: Any, statement: str) -> None:
    """Execute a statement that may take any time, so that Ctrl-C ends it at once.

    DuckDB looks for signals between its tasks only, and one task may be a whole join. So the statement runs beside
    this thread, which is there for the signals.
    """
    failed: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            connection.execute(statement)
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    threading.Thread(target=work, daemon=True).start()
    try:
        while not done.wait(0.2):  # by turns, as not every system ends a wait without a limit for a signal
            pass
    except BaseException:
        with interrupts_held():
            connection.interrupt()
            done.wait(PATIENCE)  # and if it is inside of one huge cell, it is left to itself
        raise
    if failed:
        raise failed[0]


def what_failed(error: Exception) -> str:
    """What DuckDB says, in one line that can be printed; it ends as a sentence."""
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        return f"it needs more room than there is, in memory and on {where()}. Ask for fewer rows or columns, or {MORE}"
    # Damaged files come with letters that cannot be printed.
    line = str(error).strip().splitlines()[0].rstrip(". ")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line) + "."


def _plain_name(path: Path, folder: Path, i: int) -> str:
    """The path of a file, or of a link to it where DuckDB could not open the path as it stands."""
    name = os.path.abspath(path)  # in full, as DuckDB also takes a leading ~ for the home folder
    if _is_plain(name):
        return name
    link = folder / f"{i}{path.suffix if path.suffix in ('.gz', '.zst') else ''}"
    try:
        link.symlink_to(name)
    except OSError:  # on Windows not everyone may
        shutil.copyfile(name, link)
    return str(link)


def _is_plain(name: str) -> bool:
    """Whether DuckDB can be given a name as it stands.

    >>> _is_plain("/data/wine.csv"), _is_plain("/data/wine[1].csv"), _is_plain("/data/\\udcff")
    (True, False, False)
    """
    return not any(letter in AWKWARD for letter in name) and name.isprintable()
