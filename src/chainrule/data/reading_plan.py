"""How to read a table: the options of `data.tables.read_table`, stated once for the command line and for Python."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from chainrule.errors import UsageError
from chainrule.options import checked, option


def _one_character(value: Any) -> Any:
    """Accept one character, or its usual names."""
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}.get(value, value)
    if named is not None and (not isinstance(named, str) or len(named) != 1):
        raise UsageError(f'delimiter must be one character, such as ";" or tab; received {value!r}.')
    return named


def _decimal(value: Any) -> Any:
    if value not in (None, ".", ","):
        raise UsageError(f'decimal must be "." or ","; received {value!r}.')
    return value


def _tokens(value: Any) -> tuple[str, ...]:
    """Accept a comma-separated list or a sequence; the empty cell always counts as missing."""
    parts = value.split(",") if isinstance(value, str) else list(value)
    return ("", *(token for part in parts if (token := str(part).strip())))


def _files(value: Any) -> tuple[str, ...] | None:
    """Accept a comma-separated list or a sequence of names."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    return None if value is None else tuple(os.fspath(part) for part in value)


@dataclass(frozen=True)
class ReadingPlan:
    """How to read a table. Every field is an argument of `chainrule.train` and a flag of the commands that read one."""

    sql: str | None = option(
        None,
        "Read the result of this SQL query; it calls DATA data (an SQLite file's tables have "
        "names of their own), or without DATA names files, as in \"from 'a.csv'\".",
    )
    sql_files: tuple[str, ...] | None = option(
        None, "Further files that the query may read, or patterns of them, separated by commas.", check=_files
    )
    sqlite_table: str | None = option(None, "Which table of an SQLite file to read.")
    delimiter: str | None = option(None, "Delimiter of a text file; found out by default.", check=_one_character)
    decimal: str | None = option(None, 'Decimal mark, "." or ","; found out by default.', check=_decimal)
    encoding: str | None = option(None, "Text encoding; by default UTF-8, or Latin-1 where that does not fit.")
    header: bool | None = option(None, "Whether the first line holds names; found out by default.")
    missing_tokens: tuple[str, ...] = option(
        ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"),
        "Cells that stand for a missing value, separated by commas.",
        check=_tokens,
    )

    def __post_init__(self) -> None:
        checked(self)
