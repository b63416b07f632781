"""Names that differ in upper and lower case or in white space alone, and which of them stands for the others."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from chainrule.data.columns import Column, name_list


def variants(names: Iterable[str | None]) -> list[Counter[str]]:
    """Return, for each name that is written in several ways, how often each is there, the most frequent first.

    >>> variants(["Yes", "yes", "no", "Yes", " YES"])
    [Counter({'Yes': 2, ' YES': 1, 'yes': 1})]
    """
    groups: dict[str, Counter[str]] = {}
    for name, cells in Counter(names).items():
        if name is not None:
            groups.setdefault(" ".join(name.split()).casefold(), Counter())[name] = cells
    several = [group for group in groups.values() if len(group) > 1]
    return [Counter(dict(sorted(group.items(), key=lambda item: (-item[1], item[0])))) for group in several]


def one_spelling(names: Iterable[str | None]) -> dict[str, str]:
    """Return each rarer spelling with the most frequent one of the same name; none where a single name would be left.

    >>> one_spelling(["Yes", "yes", "no", "Yes"]), one_spelling(["m", "M", "M"])
    ({'yes': 'Yes'}, {})
    """
    names = list(names)
    changes: dict[str, str] = {}
    for group in variants(names):
        first, *others = group
        changes |= dict.fromkeys(others, first)
    return changes if len({changes.get(name, name) for name in names if name is not None}) > 1 else {}


def respelled(column: Column, changes: dict[str, str]) -> Column:
    """Return a column of text with some names changed."""
    if not changes:
        return column
    return replace(column, values=np.array([changes.get(name, name) for name in column.values.tolist()], dtype=object))


def variants_in_words(column: Column) -> str:
    """Say which names of a column are written in several ways; nothing if none is.

    >>> print(variants_in_words(Column("t", "text", np.array(["Yes", "yes", "no", "Yes"], dtype=object))))
    "t" ("Yes" 2, "yes" 1)
    """
    if column.kind != "text":
        return ""
    groups = [", ".join(f'"{name}" {cells:,}' for name, cells in group.items()) for group in variants(column.values)]
    return f'"{column.name}" ({name_list(groups, limit=5)})' if groups else ""


def joined_note(target: Column) -> str:
    """Say which classes count as one."""
    return (
        "Classes that differ in case or white space alone count as one, in the most frequent spelling: "
        f"{variants_in_words(target)}; --nominal {shlex.quote(target.name)} keeps them apart."
    )


def apart_note(inputs: Iterable[Column]) -> str:
    """Say which names of the inputs are written in several ways, and count as different; nothing if none is."""
    found = [words for column in inputs if (words := variants_in_words(column))]
    if not found:
        return ""
    return (
        f"Names that differ in case or white space alone count as different: {name_list(found, limit=5)}. Correct them "
        "in the table if they are the same, or name the columns with --nominal."
    )
