"""What commands print: results on standard output, everything said on the way beside or after it."""

from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, TextIO

import click

from chainrule.errors import UsageError


def print_json(facts: dict[str, Any]) -> None:
    """Print one JSON object on one line; numbers that JSON does not have become null."""
    say(json.dumps(plain(facts), allow_nan=False))


def plain(value: Any) -> Any:
    """Return a value as JSON has it: NumPy numbers as Python's, NaN and infinities as None, 0 without a sign.

    >>> plain({"a": (1, float("nan"), -0.0)})
    {'a': [1, None, 0.0]}
    """
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None
    return value


_CONTROLS = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160)) if chr(number) not in "\n\t"}


def printable(text: str) -> str:
    """Write control characters as their numbers: names in a file are not to move a terminal's cursor or rename it.

    >>> print(printable("a\x1b[31mb"))
    a\\x1b[31mb
    """
    return text.translate(_CONTROLS)


def say(text: str = "", *, quiet: bool = False, aside: bool = False) -> None:
    """Print a line for people: to standard error where standard output is kept for the result.

    What cannot be said does not end the work: a training still writes its model. `unsaid` tells of it at the end.
    """
    if quiet:
        return
    try:
        click.echo(printable(text), err=aside)
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeError):
            raise
        lose(error, aside=aside)


_unsaid: dict[bool, Exception] = {}  # by whether it is standard error


def lose(error: Exception, *, aside: bool) -> None:
    """Give up standard output or standard error, which cannot be written to; `unsaid` tells why.

    A reader that has seen enough, `head` for instance, is no failure.
    """
    forget(sys.stderr if aside else sys.stdout)
    if not isinstance(error, BrokenPipeError):
        _unsaid.setdefault(aside, error)


def unsaid(*, aside: bool) -> Exception | None:
    """Why something could not be said on standard output or, aside, on standard error."""
    return _unsaid.get(aside)


def begin() -> None:
    """Begin a command, to which everything can be said."""
    _unsaid.clear()


def show_every_letter(*streams: TextIO) -> None:
    """Let streams write a letter that their encoding lacks as its number, as in \\u2202, and not fail at it."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def print_data(text: str) -> None:
    """Print what other programs read, in which no letter may be changed but for a terminal's sake.

    Raises
    ------
    UsageError
        If standard output's encoding lacks one.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        raise UsageError(
            f"standard output is encoded as {encoding}, which has no {text[error.start]!a}. Write to a file with "
            "-o, or set the environment variable PYTHONIOENCODING to utf-8."
        ) from None
    # In colour, as click would take what looks like a colour out of it.
    click.echo(printable(text) if sys.stdout.isatty() else text, nl=False, color=True)


def forget(stream: TextIO) -> None:
    """Send what a stream still holds, and what follows, nowhere; else Python fails once more on its way out."""
    with suppress(OSError, ValueError):  # no stream of the system's, or closed
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


def table_text(rows: Iterable[Sequence[Any]], head: Sequence[str] = ()) -> str:
    """Align rows in columns.

    >>> print(table_text([("a", 1), ("bcd", 22)], ("name", "n")))
    name  n
    a     1
    bcd   22
    """
    lines = [[str(cell) for cell in row] for row in ([head] if head else [])] + [[str(c) for c in row] for row in rows]
    if not lines:
        return ""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def is_terminal() -> bool:
    """Whether a person watches: standard error is a terminal, as progress goes there."""
    return sys.stderr.isatty()
