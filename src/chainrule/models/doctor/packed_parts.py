"""The doctor on cells whose digits, letters or words each say something: 101 for three answers, "light blue" for two.

Seed 004: "don't combine too much info into a single node's activation value". A column is taken for packed where all
its cells have the same number of parts, several of which vary, and the parts are marks (two symbols in all) or every
combination of their values is there, which no list of plain names or numbers has by chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainrule.data.columns import Column
from chainrule.models.doctor.findings import Finding, finding
from chainrule.models.doctor.patient import Patient

MOST_CELLS, MOST_PARTS, MOST_VALUES = 500, 16, 5
FEWEST_CELLS = 4  # different ones, for every combination of two parts with two values
BETWEEN = r"[\s_/,;|+:.&-]+"  # what may separate parts
BRACKETS = "[](){}<>"
TIME = re.compile(r"\d?\d:\d\d(:\d\d)?")


@dataclass(frozen=True)
class Parts:
    """How a column is packed.

    Attributes
    ----------
    column : Column
    cell : str
        One of its cells, as it is shown.
    count : int
        How many parts each cell has.
    varying : tuple of int
        Those that differ between cells, counted from 0.
    numbers : tuple of int
        Those of them that are always a digit.
    separated : bool
        Whether something stands between the parts; otherwise each is one character.
    """

    column: Column
    cell: str
    count: int
    varying: tuple[int, ...]
    numbers: tuple[int, ...]
    separated: bool

    def what(self) -> str:
        """Say what the cells hold."""
        kind = "parts" if self.separated else "digits" if self.cell.isdigit() else "characters"
        return f'"{self.column.name}" packs {self.count} {kind} into one cell, such as "{self.cell}"'

    def queries(self) -> list[str]:
        """Return what a query selects to take the varying parts out."""
        name = _quoted(self.column.name)
        text = f"cast({name} as varchar)"
        if self.column.kind == "number":
            text = f"lpad(cast(cast({name} as bigint) as varchar), {self.count}, '0')"
        else:
            text = f"trim({text}, '{BRACKETS} ')" if self.cell[:1] in BRACKETS else f"trim({text})"
        parts = []
        for i in self.varying:
            part = f"substr({text}, {i + 1}, 1)"
            if self.separated:
                part = f"regexp_split_to_array({text}, '{BETWEEN}')[{i + 1}]"
            part = f"cast({part} as integer)" if i in self.numbers else part
            parts.append(f"{part} as {_quoted(self.new_name(i))}")
        return parts

    def new_name(self, i: int) -> str:
        """What the column of a part is called."""
        return f"{self.column.name} {i + 1}"


def packed_parts(patient: Patient) -> Iterator[Finding]:
    """Find the columns whose cells are made of parts, and write the query that takes them apart."""
    inputs = [parts for column in patient.inputs if (parts := parts_of(column, patient))]
    regression = patient.task == "regression"
    targets = [parts for column in patient.targets if regression and (parts := parts_of(column, patient))]
    found = [*inputs, *targets]
    if not found:
        return
    options: dict[str, Any] = {}
    names = [parts.column.name for parts in inputs if parts.column.kind == "number"]
    if patient.file:
        options["sql"] = _query(inputs, targets)
        if targets:
            others = [column.name for column in patient.targets if column not in [parts.column for parts in targets]]
            options["target"] = (*others, *(parts.new_name(i) for parts in targets for i in parts.varying))
        remedy = "Make a column of each part; this query does."
    elif names and not targets:
        options["nominal"] = patient.as_names(names)
        remedy = "Make a column of each part before training; or at least read the cells as names."
    else:
        remedy = "Make a column of each part before training (a query can, with --sql)."
    what = "; ".join(parts.what() for parts in found[:5]) + f"; and {len(found) - 5} more" * (len(found) > 5)
    yield finding(
        "packed columns",
        "warning",
        f"{what}.",
        "As one number, or one name, the parts are hidden: the network must learn what each of them says, if it can.",
        remedy,
        **options,
    )


def parts_of(column: Column, patient: Patient) -> Parts | None:
    """Return how a column is packed, or None for one that is not."""
    if column.name in patient.encoding_plan.nominal:  # it was said what it is
        return None
    values = column.values[patient.rows]
    if column.kind == "number":
        return _digits(column, values) if column.origin in ("integer", "float") else None
    cells = [str(value).strip() for value in dict.fromkeys(values.tolist()) if value is not None][: MOST_CELLS + 1]
    if not 3 <= len(cells) <= MOST_CELLS or all(TIME.fullmatch(cell) for cell in cells):
        return None
    bare = [cell.strip(BRACKETS + " ") for cell in cells]
    for separated in (True, False):
        split = [re.split(BETWEEN, cell) if separated else list(cell) for cell in bare]
        if _packed(split):
            varying = _varying(split)
            return Parts(column, cells[0], len(split[0]), varying, _numbers(split, varying), separated)
    return None


def _digits(column: Column, values: np.ndarray) -> Parts | None:
    """Digits that each take few values: not a range of numbers, nor steps of one size."""
    known = values[values == values]
    if len(known) == 0 or not (known == np.floor(known)).all() or known.min() < 0 or not 10 <= known.max() < 1e12:
        return None
    distinct = np.unique(known).astype(np.int64)
    if not 3 <= len(distinct) <= MOST_CELLS or len(known) < 3 * len(distinct) or len(set(np.diff(distinct))) == 1:
        return None
    width = len(str(distinct[-1]))
    split = [list(str(number).zfill(width)) for number in distinct.tolist()]
    shown = max(("".join(cell) for cell in split), key=lambda cell: (cell[0] != "0", len(set(cell))))
    marks = {digit for cell in split for digit in cell} == {"0", "1"}
    if marks and sum(cell.count("1") > 1 for cell in split) < 2 and not _complete(split):
        return None  # powers of ten
    if not marks and not (_complete(split) and all(_counted_up(split, i) for i in _varying(split))):
        return None
    varying = _varying(split)
    return Parts(column, shown, width, varying, varying, False) if len(varying) > 1 else None


def _packed(split: Sequence[Sequence[str]]) -> bool:
    """Whether cells of several parts are packed."""
    count = len(split[0])
    if not 2 <= count <= MOST_PARTS or any(len(parts) != count or not all(parts) for parts in split):
        return False
    if len(_varying(split)) < 2:
        return False
    marks = len({part for parts in split for part in parts}) <= 2
    return (marks and count > 2) or _complete(split)  # AA, AG and GG are three kinds of one thing


def _complete(split: Sequence[Sequence[str]]) -> bool:
    """Whether every combination of the parts' values is there."""
    values = [len(set(column)) for column in zip(*split, strict=True)]
    cells = len({tuple(parts) for parts in split})
    several = sum(n > 1 for n in values) > 1
    return several and cells >= FEWEST_CELLS and prod(values) == cells and max(values) <= MOST_VALUES


def _counted_up(split: Sequence[Sequence[str]], i: int) -> bool:
    """Whether the digits of a place are 0, 1, 2, ... or 1, 2, 3, ..., as those of codes are."""
    digits = sorted({int(parts[i]) for parts in split})
    return digits[0] <= 1 and digits == list(range(digits[0], digits[0] + len(digits)))


def _varying(split: Sequence[Sequence[str]]) -> tuple[int, ...]:
    return tuple(i for i, column in enumerate(zip(*split, strict=True)) if len(set(column)) > 1)


def _numbers(split: Sequence[Sequence[str]], varying: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(i for i in varying if all(len(parts[i]) == 1 and "0" <= parts[i] <= "9" for parts in split))


def _query(inputs: Sequence[Parts], targets: Sequence[Parts]) -> str:
    """A query with the parts of inputs in front and those of targets at the end, where a target is looked for."""
    gone = ", ".join(_quoted(parts.column.name) for parts in (*inputs, *targets))
    front = [query for parts in inputs for query in parts.queries()]
    back = [query for parts in targets for query in parts.queries()]
    return f"select {', '.join([*front, f'* exclude ({gone})', *back])} from data"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
