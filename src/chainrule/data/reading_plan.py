"""How to read a table: the options of `data.tables.read_table`, stated once for the command line and for Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from chainrule.errors import UsageError
from chainrule.options import checked, option

Order = Literal["dmy", "mdy", "ymd"]
MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")


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


def _thousands(value: Any) -> Any:
    named = {"space": " ", "apostrophe": "'", "underscore": "_"}.get(value, value)
    if named not in (None, ".", ",", "'", " ", "_"):
        raise UsageError(f'thousands must be ".", ",", "\'", " " or "_"; received {value!r}.')
    return named


def _order(value: Any) -> Any:
    if value not in (None, "dmy", "mdy", "ymd"):
        raise UsageError(f"dates must be dmy, mdy or ymd; received {value!r}.")
    return value


def _comment(value: Any) -> Any:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise UsageError(f'comment is what lines begin with that are no rows, such as "#"; received {value!r}.')
    return value


def _tokens(value: Any) -> tuple[str, ...]:
    """Accept a comma-separated list or a sequence."""
    parts = value.split(",") if isinstance(value, str) else list(value)
    return tuple(token for part in parts if (token := str(part).strip()))


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
    thousands: str | None = option(
        None,
        'Mark of thousands: ".", ",", "\'", space or underscore; found out by default where it is certain.',
        check=_thousands,
    )
    dates: str | None = option(
        None,
        "How day, month and year follow each other in dates such as 05/06/2012: dmy, mdy, or ymd for years of two "
        "digits; found out by default where it is certain.",
        check=_order,
    )
    encoding: str | None = option(None, "Text encoding; by default UTF-8, or Latin-1 where that does not fit.")
    header: bool | None = option(None, "Whether the first line holds names; found out by default.")
    skip: int | None = option(
        None, "Lines before the table to pass over; by default a title or comments that are clear.", low=0
    )
    comment: str | None = option(None, 'What lines begin with that are no rows, such as "#".', check=_comment)
    missing_tokens: Sequence[str] = option(
        (),
        f"Further cells that stand for a missing value, separated by commas; besides {', '.join(MISSING)} and the "
        "empty cell.",
        check=_tokens,
    )
    not_missing: Sequence[str] = option((), "Those of these words that are values.", check=_tokens)
    sheet: str | None = option(None, "Which sheet of an Excel file to read.")

    @property
    def tokens(self) -> tuple[str, ...]:
        """All words that stand for a missing value; the empty cell always does."""
        return ("", *(token for token in MISSING if token not in self.not_missing), *self.missing_tokens)

    @property
    def order(self) -> Order | None:
        """How day, month and year follow each other, if that was said."""
        return cast("Order | None", self.dates)

    def __post_init__(self) -> None:
        checked(self)
