"""Text that holds something else: dates in text of any source, decimal commas in the result of a query."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace

import numpy as np

from chainrule.data.columns import Column, Table, name_list
from chainrule.data.text_files import DECIMAL_COMMA_NUMBER

CODES_NOTE = "codes, with zeros before them or more digits than a number holds"
COMMA_NOTE = "decimal commas"
DATE_NOTE = "dates, as days since 1970-01-01"
MICROSECONDS_PER_DAY = 86_400_000_000
# As `cell_sql.date_sql` has it.
DATE = re.compile(r"([0-9]{4})([-/])([0-9]{2})\2([0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)Z?)?")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+")


def read_text_columns(table: Table, as_text: Container[str], *, commas: bool = False) -> Table:
    """Return a table that was just read, with dates in text as numbers, and notes on how its columns were read.

    Parameters
    ----------
    table : Table
        As read.
    as_text : container of str
        Columns that stay text.
    commas : bool
        Whether text may also be numbers with decimal commas: the result of a query, which no option can describe.

    Examples
    --------
    >>> table = Table((Column("day", "text", np.array(["1970-01-02", "1970/01/03"], dtype=object)),), "t")
    >>> read_text_columns(table, ()).column("day").values
    array([1., 2.])
    """
    columns = []
    for column in table.columns:
        read = None
        if column.kind == "text" and column.name not in as_text:
            read = dates(column) or (decimal_commas(column) if commas else None)
        columns.append(read or column)
    forbid = "" if commas else '; --decimal "." forbids it'
    return replace(table, columns=tuple(columns), notes=(*table.notes, *_reading_notes(columns, forbid)))


def dates(column: Column) -> Column | None:
    """Return a column of text as days since 1970-01-01, or None unless every value is a date."""
    missing = column.missing
    values = column.values[~missing].tolist()
    if not values or not DATE.fullmatch(values[0].strip()):
        return None
    position: dict[str, int] = {}
    moments: list[str] = []
    for text in values:
        if text in position:
            continue
        found = DATE.fullmatch(text.strip())
        if not found:
            return None
        position[text] = len(moments)
        moments.append(f"{found[1]}-{found[3]}-{found[4]}T{(found[5] or '00:00')[:15]}")  # to the microsecond
    try:
        microseconds = np.array(moments, dtype="datetime64[us]").astype(np.int64)
    except ValueError:  # such as the 30th of February
        return None
    days = np.full(len(missing), np.nan)
    days[~missing] = (microseconds / MICROSECONDS_PER_DAY)[[position[text] for text in values]]
    return Column(column.name, "number", days, DATE_NOTE, "date", column.tokens)


def decimal_commas(column: Column) -> Column | None:
    """Return a column of text as numbers, or None unless every value is one and a comma is surely a decimal one."""
    missing = column.missing
    values = column.values[~missing].tolist()
    if not all(DECIMAL_COMMA_NUMBER.fullmatch(text) for text in values):
        return None
    if not any("," in text and not GROUPED.fullmatch(text.strip()) for text in values):
        return None
    numbers = np.full(len(missing), np.nan)
    numbers[~missing] = [float(text.replace(",", ".")) for text in values]
    whole = bool((numbers[~missing] == np.floor(numbers[~missing])).all())
    return Column(column.name, "number", numbers, COMMA_NOTE, "integer" if whole else "float")


def _reading_notes(columns: list[Column], forbid: str) -> list[str]:
    codes = [f'"{column.name}"' for column in columns if column.note == CODES_NOTE]
    commas = [f'"{column.name}"' for column in columns if column.note == COMMA_NOTE]
    days = [f'"{column.name}"' for column in columns if column.origin == "date"]
    notes = []
    if codes:
        notes.append(f"Read as names, because of zeros before the numbers or more than 15 digits: {name_list(codes)}.")
    if commas:
        notes.append(f"Commas were read as decimal points in {name_list(commas)}{forbid}.")
    if days:
        notes.append(f"Dates were read as days since 1970-01-01 in {name_list(days)}.")
    return notes
