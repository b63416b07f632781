"""What is said of how columns were read: one sentence for each way."""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.data.columns import Column, name_list

CODES_NOTE = "codes, with zeros before them or more digits than a number holds"
DATE_NOTE = "dates, as days since 1970-01-01"
MARK_NAMES = {
    ".": "Points",
    ",": "Commas",
    "'": "Apostrophes",
    "\u2019": "Apostrophes",
    "_": "Underscores",
    **dict.fromkeys(" \u00a0\u2009\u202f", "Spaces"),
}


def row_names_note(source: str) -> str:
    """Say that a first column without a name is no input."""
    return f"The first column of {source} has no name: it was taken for row names and left out."


def reading_notes(columns: Iterable[Column], forbid: bool = False) -> list[str]:
    """Say how columns of text were read.

    Parameters
    ----------
    columns : iterable of Column
    forbid : bool
        Whether there are flags that forbid a reading: not in the result of a query.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.data.columns import Writing
    >>> reading_notes([Column("price", "number", np.array([1.5]), writing=Writing(decimal=",", unit="EUR"))], True)
    ['Commas were read as decimal points in "price"; --decimal "." forbids it.', 'Read without "EUR": "price".']
    """
    columns = list(columns)
    notes = []

    def say(words: str, names: list[str], end: str = "") -> None:
        if names:
            notes.append(f"{words}{name_list(names)}{end}.")

    def those(attribute: str, value: object) -> list[str]:
        return [f'"{column.name}"' for column in columns if getattr(column.writing, attribute) == value]

    def from_text(origin: str) -> list[str]:
        return [f'"{column.name}"' for column in columns if column.origin == origin]

    codes = [f'"{column.name}"' for column in columns if column.note == CODES_NOTE]
    say("Read as names, because of zeros before the numbers or more than 15 digits: ", codes)
    end = '; --decimal "." forbids it' if forbid else ""
    say("Commas were read as decimal points in ", those("decimal", ","), end)
    for mark in dict.fromkeys(column.writing.thousands for column in columns if column.writing.thousands):
        end = f'; --decimal "{mark}" reads them as decimal marks' if mark in ".," and forbid else ""
        say(f"{MARK_NAMES[mark]} were read as marks of thousands in ", those("thousands", mark), end)
    for unit in dict.fromkeys(column.writing.unit for column in columns if column.writing.unit):
        say(f'Read without "{unit}": ', those("unit", unit))
    say("Words for thousands, millions and billions were multiplied out in ", those("scaled", True))
    say("Dates were read as days since 1970-01-01 in ", from_text("date"))
    for order, first in (("dmy", "day"), ("mdy", "month"), ("ymd", "year")):
        say(f"Dates were read with the {first} first in ", those("dates", order))
    say("Times of day were read as hours since midnight in ", from_text("time"))
    say("Durations were read as seconds in ", from_text("duration"))
    return notes
