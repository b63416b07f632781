"""Rows among those of a table that are none: its names again, as where files were joined, and units below the names."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from chainrule.data.columns import Column, Table, name_list, numbers_if_empty
from chainrule.data.number_cells import is_unit, take_apart

BRACKETED = re.compile(r"\(.*\)|\[.*\]|<.*>")
TYPES = frozenset(
    ("int", "integer", "float", "double", "number", "numeric", "string", "text", "object", "boolean", "date")
)


def without_other_rows(table: Table) -> Table:
    """Return the table without rows that repeat its names or hold units, and say which these were.

    Examples
    --------
    >>> cells = {"a": ["x", "a"], "b": ["y", "b"]}
    >>> columns = [Column(name, "text", np.array(text, dtype=object)) for name, text in cells.items()]
    >>> table = without_other_rows(Table(tuple(columns), "t.csv"))
    >>> table.n_rows, table.notes
    (1, ('Row 2 of t.csv repeats the names of the columns and was left out.',))
    """
    texts = [column for column in table.columns if column.kind == "text"]
    if len(texts) == len(table.columns) > 1:
        again = np.logical_and.reduce([column.values == column.name for column in texts])
        if again.any() and not again.all():
            rows = name_list(map(str, table.row_numbers[again].tolist()), limit=10)
            words = ("Row", "repeats", "was") if again.sum() == 1 else ("Rows", "repeat", "were")
            note = f"{words[0]} {rows} of {table.source} {words[1]} the names of the columns and {words[2]} left out."
            table = table.take(~again).with_notes(note)
    return _without_units(table)


def _without_units(table: Table) -> Table:
    """The table without a first row of units: where it has no number at all, and units above nothing but numbers."""
    if table.n_rows < 3:
        return table
    units = []
    for column in table.columns:
        first = column.values[0]
        if column.kind == "number":
            if first == first:
                return table
            continue
        if first is not None and _is_unit(first) and _numbers_below(column):
            units.append(first)
        elif first is not None and take_apart(first):
            return table
        elif first is not None and _numbers_below(column):
            return table  # a mistake, and no unit
    if not units:
        return table
    row = int(table.row_numbers[0])
    note = f"Row {row} of {table.source} holds units ({name_list(units, limit=5)}) and was left out."
    rest = table.take(np.arange(1, table.n_rows)).with_notes(note)
    return replace(rest, columns=tuple(map(numbers_if_empty, rest.columns)))


def _is_unit(cell: str) -> bool:
    return is_unit(cell) or cell.lower() in TYPES or bool(BRACKETED.fullmatch(cell))


def _numbers_below(column: Column) -> bool:
    rest = [cell for cell in column.values[1:].tolist() if cell is not None]
    return bool(rest) and all(map(take_apart, rest))
