"""Columns of text that hold something else: numbers as people write them, dates, times of day, durations.

What a column holds is decided from its different cells, whatever the source: a column of text becomes numbers only if
every cell is one. In a column of which most cells are numbers or dates, a cell that is none is a mistake, and an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from chainrule.data.columns import Column, Origin, Table, Writing, name_list
from chainrule.data.moment_cells import BadCell, Moments, Order, read_moments
from chainrule.data.number_cells import (
    CODE,
    DIGITS,
    Doubt,
    Marks,
    Numbers,
    common_unit,
    complete,
    evidence,
    numbers_among,
    read_numbers,
    take_apart,
)
from chainrule.data.reading_notes import CODES_NOTE, DATE_NOTE, reading_notes
from chainrule.errors import DataError

# A column with at least this share of numbers or dates holds these and mistakes, and not names.
MOSTLY = 0.8
# So many different cells show whether a column may hold anything but names.
LOOKED_AT = 1000


@dataclass(frozen=True)
class Hints:
    """What is known of a text's cells before they are read.

    Attributes
    ----------
    marks : Marks
        Decimal mark and mark of thousands, as the user says.
    dates : {"dmy", "mdy", "ymd"} or None
        As the user says.
    delimiter : str
        What stands between the cells.
    shown : Marks
        What columns show that are numbers already.
    known : mapping of str to Writing
        How training's columns were written.
    origins : mapping of str to str
        What they held.
    """

    marks: Marks = Marks()
    dates: Order | None = None
    delimiter: str = ""
    shown: Marks = Marks()
    known: Mapping[str, Writing] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def choosing(self) -> bool:
        """Whether it is still open which columns are names: no model has decided it."""
        return not self.origins

    def marks_of(self, name: str) -> Marks:
        """The marks that training's column had, or else those that its columns have in common."""
        own = self.known.get(name, Writing())
        if own.decimal or own.thousands:
            return complete(Marks(own.decimal, own.thousands))
        return self._in_common

    @cached_property
    def _in_common(self) -> Marks:
        return agreed(Marks(writing.decimal, writing.thousands) for writing in self.known.values())


@dataclass(frozen=True)
class _Cells:
    """A column's different cells, and in how many rows each stands."""

    column: Column
    cells: list[str]
    counts: list[int]

    @property
    def rows(self) -> int:
        return sum(self.counts)

    def spread(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """One value for each row, from one for each different cell."""
        found = dict(zip(self.cells, np.asarray(values, dtype=np.float64).tolist(), strict=True))
        return np.array([np.nan if text is None else found[text] for text in self.column.values.tolist()])

    def row(self, cell: str) -> int:
        """The first row in which a cell stands."""
        rows: list[str | None] = self.column.values.tolist()
        return rows.index(cell)


def read_text_columns(
    table: Table,
    as_text: Container[str],
    hints: Hints = Hints(),
    numbers: Literal["all", "marked", "none"] = "none",
) -> Table:
    """Return a table that was just read, with text that holds something else as numbers, and notes on all columns.

    Parameters
    ----------
    table : Table
        As read.
    as_text : container of str
        Columns that stay text.
    hints : Hints
    numbers : {"all", "marked", "none"}
        Which text may be numbers: in a file all; in the result of a query those that its types cannot hold, with
        decimal commas, marks of thousands or units; in an object in memory none, where it is text because somebody
        wanted it so.

    Raises
    ------
    DataError
        If a column has two readings, or is numbers or dates but for a few cells.

    Examples
    --------
    >>> table = Table((Column("day", "text", np.array(["1970-01-02", "1970/01/03"], dtype=object)),), "t")
    >>> read_text_columns(table, ()).column("day").values
    array([1., 2.])
    """
    waiting: dict[str, _Cells] = {}
    read: dict[str, Column] = {}
    for column in table.columns:
        if column.kind != "text" or column.note == CODES_NOTE or column.name in as_text:
            continue
        cells = _different(column)
        if not cells.cells:
            continue
        if numbers == "all" and _are_codes(cells.cells):
            read[column.name] = replace(column, note=CODES_NOTE)
        elif (moments := _moments(table, cells, hints)) is not None:
            read[column.name] = moments
        elif numbers == "all" and _mostly_numbers(cells):
            waiting[column.name] = cells
        elif numbers == "marked":
            read[column.name] = _marked_numbers(cells)
    shown = _shown(waiting.values(), hints)
    read |= {name: _numbers(table, cells, hints, shown) for name, cells in waiting.items()}
    columns = tuple(read.get(column.name, column) for column in table.columns)
    notes = reading_notes(columns, numbers == "all")
    return replace(table, columns=columns, notes=(*table.notes, *notes, *_units_of_training(table, columns, hints)))


def _units_of_training(table: Table, columns: Iterable[Column], hints: Hints) -> list[str]:
    """Refuse numbers in another unit than training's, and say where training had a unit and this table none."""
    bare = []
    for column in columns:
        had, has = hints.known.get(column.name, Writing()).unit, column.writing.unit
        if column.kind == "number" and column.name in hints.origins and had != has:
            if has:
                row, trained = int(np.argmin(column.missing)), f'"{had}"' if had else "no unit"
                raise DataError(
                    f'{table.at(row, column.name)}: the numbers of this column have the unit "{has}", and training had '
                    f"{trained}. Write them as in training."
                )
            bare.append(f'"{column.name}" ("{had}")')
    return [f"Training had a unit in {name_list(bare)}, and here is none: it was taken for the same."] if bare else []


def _different(column: Column) -> _Cells:
    counted = Counter(column.values[~column.missing].tolist())
    return _Cells(column, list(counted), list(counted.values()))


def _are_codes(cells: Sequence[str]) -> bool:
    """Whether cells are codes: digits, and some have zeros before them or are longer than a number holds.

    >>> _are_codes(["007", "12"]), _are_codes(["0001E4", "00A3", "0012"]), _are_codes(["007", "2.5"])
    (True, True, False)
    """
    padded = [cell for cell in cells if CODE.fullmatch(cell)]
    if not padded:
        return False
    others = [cell for cell in cells if not DIGITS.fullmatch(cell)]
    return not others or (5 * len(padded) >= len(cells) and all(cell.isalnum() for cell in others))


def _moments(table: Table, cells: _Cells, hints: Hints) -> Column | None:
    """The column as dates, times or durations, or None."""
    if not _looks(cells, lambda some, counts: read_moments(some, counts, 0.5) is not None):
        return None
    name = cells.column.name
    order = hints.dates or hints.known.get(name, Writing()).dates
    found = read_moments(cells.cells, cells.counts, MOSTLY, order, hints.origins.get(name))
    if isinstance(found, Moments):
        values, writing = cells.spread(found.values), Writing(dates=found.order)
        note = DATE_NOTE if found.origin == "date" else ""
        return replace(cells.column, kind="number", values=values, note=note, origin=found.origin, writing=writing)
    if isinstance(found, Doubt):
        raise _doubt(table, cells, found, hints)
    if isinstance(found, BadCell):
        what = {"date": "date", "time": "time of day", "duration": "duration"}[found.origin]
        fits = [
            isinstance(read_moments([cell], [1], 1, found.order, found.origin), Moments | Doubt) for cell in cells.cells
        ]
        raise _mistake(table, cells, fits, what, hints)
    return None


def _mostly_numbers(cells: _Cells) -> bool:
    """Whether a column holds numbers, perhaps with mistakes."""

    def share(some: Sequence[str], counts: Sequence[int]) -> float:
        return numbers_among(some, counts) / sum(counts)

    if all(cell.startswith("(") for cell in cells.cells):  # (3) is a footnote, and a minus only among others
        return False
    return _looks(cells, lambda some, counts: share(some, counts) >= 0.5) and share(cells.cells, cells.counts) >= MOSTLY


def _marked_numbers(cells: _Cells) -> Column:
    """The column as numbers if all have a mark or a unit that no type of SQL has, or as it is."""
    found = read_numbers(cells.cells, Marks())
    if isinstance(found, Numbers) and (found.marks.decimal == "," or found.marks.thousands or found.unit):
        return _as_numbers(cells, found)
    return cells.column


def _looks(cells: _Cells, tried: Callable[[Sequence[str], Sequence[int]], bool]) -> bool:
    """Try a few cells first: a column of a million names is known by a thousand of them."""
    step = -(-len(cells.cells) // LOOKED_AT)
    return step == 1 or tried(cells.cells[::step], cells.counts[::step])


def _shown(waiting: Iterable[_Cells], hints: Hints) -> Marks:
    """What all columns of the file show about its marks, as far as they agree."""
    found = []
    for cells in waiting:
        parts = [part for cell in cells.cells if (part := take_apart(cell))]
        found.append(evidence(parts) or Marks())
    return agreed([hints.shown, *found])


def agreed(shown: Iterable[Marks]) -> Marks:
    """The marks that several columns have in common, where none contradicts.

    >>> agreed([Marks(decimal=","), Marks()]), agreed([Marks(decimal=","), Marks(decimal=".")])
    (Marks(decimal=',', thousands='.'), Marks(decimal=None, thousands=None))
    """
    decimals = {complete(marks).decimal for marks in shown} - {None}
    return complete(Marks(decimals.pop() if len(decimals) == 1 else None))


def _numbers(table: Table, cells: _Cells, hints: Hints, shown: Marks) -> Column:
    """The column as numbers."""
    column, told = cells.column, hints.marks != Marks()
    of_training = hints.marks_of(column.name)
    marks = complete(hints.marks) if told else of_training if of_training != Marks() else shown
    found = read_numbers(cells.cells, marks, told)
    if isinstance(found, Doubt):
        raise _doubt(table, cells, found, hints)
    comma = isinstance(found, Numbers) and found.marks.decimal == "," and hints.delimiter == ","
    if not isinstance(found, Numbers) or (comma and not told and of_training.decimal != ","):
        unit = common_unit(cells.cells, cells.counts)
        fits = [_fits(cell, marks, unit) for cell in cells.cells]
        if all(fits):  # each by itself; so it is the marks that do not agree
            fits = [_fits(cell, Marks("."), unit) for cell in cells.cells]
        raise _mistake(table, cells, fits, "number", hints, comma=not told)
    return _as_numbers(cells, found)


def _as_numbers(cells: _Cells, found: Numbers) -> Column:
    values = cells.spread(found.values)
    writing = Writing(found.marks.decimal, found.marks.thousands, found.unit, found.scaled)
    known = values[~np.isnan(values)]
    origin: Origin = "integer" if (known == np.floor(known)).all() else "float"
    return replace(cells.column, kind="number", values=values, origin=origin, writing=writing)


def _fits(cell: str, marks: Marks, unit: str) -> bool:
    """Whether a cell by itself is a number in this unit, written with these marks."""
    found = read_numbers([cell], marks, marks != Marks())
    return isinstance(found, Numbers) and found.unit == unit


def _doubt(table: Table, cells: _Cells, doubt: Doubt, hints: Hints) -> DataError:
    """Build the error for a column that has two readings."""
    name = cells.column.name
    as_names = f" Or read it as names: {_nominal(name)}." if hints.choosing else ""
    return DataError(f"{table.at(cells.row(doubt.cell), name)}: {doubt.why}{as_names}")


def _mistake(
    table: Table, cells: _Cells, fits: Sequence[bool], what: str, hints: Hints, comma: bool = False
) -> DataError:
    """Build the error for the first cell that is not what the others are."""
    name = cells.column.name
    wrong = {cell: n for cell, n, fit in zip(cells.cells, cells.counts, fits, strict=True) if not fit}
    cell = next(cell for cell in cells.column.values.tolist() if cell in wrong)
    rows = sum(wrong.values())
    share = "" if rows == 1 else f" ({rows:,} of the {cells.rows:,} cells of this column are not.)"
    others = (other for other, fit in zip(cells.cells, fits, strict=True) if fit)
    if (
        comma
        and re.fullmatch(r"[+-]?[0-9]+,[0-9]+", cell)
        and all(_fits(other, Marks(",", "."), "") for other in others)
    ):
        remedy = 'Use --decimal "," or clean the cell.'
    else:
        ways = ["Clean the cell"]
        if "," not in cell:  # which stands between the words of the flag
            ways.append(f'use --missing-tokens "{cell}" if it stands for a missing value')
        if hints.choosing:
            ways.append(f"{'' if len(ways) > 1 else 'use '}{_nominal(name)} to read the column as names")
        remedy = ", or ".join(ways) + "."
    return DataError(f'{table.at(cells.row(cell), name)}: "{cell}" is not a {what}.{share} {remedy}')


def _nominal(name: str) -> str:
    return f'--nominal "{name}"' if " " in name else f"--nominal {name}"
