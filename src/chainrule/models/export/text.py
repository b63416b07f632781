"""What the written languages share: numbers without loss, names that cannot break a comment, lines of some width."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from chainrule import __version__
from chainrule.data.columns import name_list
from chainrule.files import write_whole
from chainrule.models.export.program import (
    Classes,
    Column,
    Labels,
    NumberColumn,
    Program,
    TextColumn,
    UnusedColumn,
    Values,
)

WIDTH = 112
# The second half of */ and /*, of ?? (trigraphs) and of </ and <! (a page of HTML).
_COMMENT_ENDS = re.compile(r"(?<=\*)/|(?<=/)\*|(?<=\?)\?|(?<=<)[/!]")
MADE_BY = f"Made by chainrule {__version__}."


def written(text: str, path: str | os.PathLike[str] | None) -> str:
    """Return `text`, after writing it to `path`, whole or not at all, where one is given."""
    if path is not None:
        write_whole(path, text)
    return text


def number(value: Any) -> str:
    """Write a float32 or float64 in the fewest digits that give it back in its own precision.

    >>> number(np.float32(0.1)), number(0.1), number(1e300)
    ('0.1', '0.1', '1e+300')
    """
    return str(value) if isinstance(value, np.float32) else repr(float(value))


def wrapped(items: Iterable[str], indent: str) -> Iterator[str]:
    """Lay items out in lines of WIDTH characters, with a comma behind each but the last.

    >>> list(wrapped(["1.0", "2.0"], "    "))
    ['    1.0, 2.0']
    """
    line = ""
    for item in items:
        if line and len(indent) + len(line) + len(item) + 3 > WIDTH:
            yield f"{indent}{line},"
            line = item
        else:
            line = f"{line}, {item}" if line else item
    if line:
        yield indent + line


def bracketed(opening: str, items: Iterable[str], closing: str, indent: str = "") -> str:
    """Write a list on one line where it fits, and otherwise on several.

    >>> print(bracketed("W1 = [", ["1.0", "2.0"], "]"))
    W1 = [1.0, 2.0]
    """
    items = list(items)
    line = f"{indent}{opening}{', '.join(items)}{closing}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{indent}{opening}", *wrapped(items, indent + "    "), f"{indent}{closing}"])


def quoted(name: str) -> str:
    """Write a name for a comment of any language: on one line, without what would end or warn about a comment.

    >>> print(quoted('a "b" */ ??/'))
    "a \\"b\\" *\\/ ?\\?/"
    """
    shown = "".join(
        character if character.isprintable() else f"\\u{{{ord(character):x}}}"
        for character in name.replace("\\", "\\\\").replace('"', '\\"')
    )
    shown = _COMMENT_ENDS.sub(lambda found: "\\" + found[0], shown)
    return f'"{shown}"'


def title(program: Program) -> str:
    """Say in a sentence what the file computes."""
    sizes = "-".join(map(str, program.sizes))
    if len(program.networks) > 1:
        return f"The mean of {len(program.networks)} networks: each {_title(program, sizes)[2:]}"
    return _title(program, sizes)


def _title(program: Program, sizes: str) -> str:
    answer = program.answer
    if isinstance(answer, Classes):
        return f"A network of {sizes} units that chooses one of {len(answer.labels)} classes."
    if isinstance(answer, Labels):
        return f"A network of {sizes} units that gives any of {len(answer.labels)} labels."
    if isinstance(answer, Values):
        return f"A network of {sizes} units that predicts {'a value' if len(answer.names) == 1 else 'values'}."
    return f"A network of {sizes} units."


_KINDS = {
    "date": "a date, in days since 1970-01-01",
    "time": "a time of day, in hours",
    "duration": "a duration, in seconds",
}


def what_a_column_takes(column: Column) -> str:
    """Say in words what a cell of a column may be.

    >>> what_a_column_takes(NumberColumn("age", 0, 40.0, 10.0, fill=38.0))
    'a number; 38.0 stands in for a missing one'
    """
    if isinstance(column, UnusedColumn):
        return "not used"
    if isinstance(column, NumberColumn):
        missing = "" if column.fill is None else f"; {number(column.fill)} stands in for a missing one"
        return _KINDS.get(column.origin, "a number") + missing
    if isinstance(column, TextColumn):
        return f"text, such as {name_list(map(quoted, column.names), limit=10)}" if column.names else "text"
    rules = [f"one of {name_list(map(quoted, column.names), limit=10)}"]
    rules += ["it may be missing"] if column.missing != "refused" else []
    rules += ["any other name counts as none of them"] if column.unknown == "none" else []
    rules += ["all other names count as one"] if column.unknown == "node" else []
    return "; ".join(rules)
