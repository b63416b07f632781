"""What commands print: results on standard output, everything said on the way beside or after it."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import click


def print_json(facts: dict[str, Any]) -> None:
    """Print one JSON object on one line; numbers that JSON does not have become null."""
    click.echo(json.dumps(plain(facts), allow_nan=False))


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


def say(text: str = "", *, quiet: bool = False, aside: bool = False) -> None:
    """Print a line for people: to standard error where standard output is kept for the result.

    A reader that has seen enough, `head` for instance, does not end the work: a training still writes its model.
    """
    if quiet:
        return
    try:
        click.echo(text, err=aside)
    except BrokenPipeError:
        forget(sys.stderr if aside else sys.stdout)


def forget(stream: TextIO) -> None:
    """Send what a stream still holds, and what follows, nowhere; else Python fails once more on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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
