"""Rows that may not be divided at random: of one group, in time, or already marked by a column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data.columns import Column, Table, count, name_list
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.splits import Split, k_folds, split_rows
from chainrule.errors import DataError, UsageError

PARTS = ("train", "validation", "test")
WORDS = {
    "train": ("train", "training", "trn", "fit", "learn", "learning"),
    "validation": ("validation", "validate", "valid", "val", "dev", "development", "eval", "evaluation"),
    "test": ("test", "testing", "tst", "holdout", "hold-out"),
}
ORDERS = 64  # random orders of the groups, of which the best is taken


@dataclass(frozen=True, eq=False)
class Marks:
    """What a column says of how the rows may be divided.

    Attributes
    ----------
    how : {"group", "time", "split"}
    name : str
        The column's.
    codes : int array (N,)
        Of each row: a number for its group, the rank of its time, or the position of its part in `PARTS`.
    levels : Column
        The value of each code.
    """

    how: str
    name: str
    codes: np.ndarray
    levels: Column

    def take(self, rows: np.ndarray) -> Marks:
        """Return what is said of these rows."""
        return replace(self, codes=self.codes[rows])

    def word(self, code: int) -> str:
        """Write the value of a code."""
        return str(self.levels.take([code]).as_text().values[0])


def marks_of(column: Column, table: Table, plan: EncodingPlan) -> Marks:
    """Read the column that the plan names as group, time or split.

    Parameters
    ----------
    column : Column
        Of the rows of `table`, which may no longer hold it.

    Raises
    ------
    DataError
        For a row without a value, a time that is text, or a word that is no part.
    """
    how = next(option for option in ("group", "time", "split") if getattr(plan, option) is not None)
    name, missing = column.name, column.missing
    if missing.any():
        what = {"group": "belongs to no group", "time": "has no time", "split": "is for no part"}[how]
        raise DataError(
            f"{table.at(int(np.argmax(missing)), name)}: the value is missing, so the row {what} "
            f"({count(missing.sum(), 'row')} in all). Complete it, or leave out such rows."
        )
    if how == "split":
        return _parts(column, table)
    if how == "time" and column.kind == "text":
        raise DataError(
            f'{table.at(0, name)}: "{column.values[0]}" was read as text, which has no order in time. --time takes a '
            "column of numbers, or of dates as 2012-01-31 or 2012-01-31 18:30."
        )
    values = column.values.astype(str) if column.kind == "text" else column.values
    levels, codes = np.unique(values, return_inverse=True)
    return Marks(how, name, codes, Column(name, column.kind, levels, "", column.origin))


def _parts(column: Column, table: Table) -> Marks:
    part_of = {word: i for i, part in enumerate(PARTS) for word in WORDS[part]}
    words = column.as_text().values
    codes = np.array([part_of.get(str(word).strip().lower(), -1) for word in words.tolist()], dtype=np.intp)
    if (codes < 0).any():
        row = int(np.argmax(codes < 0))
        raise DataError(
            f'{table.at(row, column.name)}: "{words[row]}" does not say what the row is for. --split takes '
            f"{'; '.join(f'{part} (also {name_list(WORDS[part][1:])})' for part in PARTS)}."
        )
    return Marks("split", column.name, codes, Column(column.name, "text", np.array(PARTS, dtype=object)))


def divide(
    n_rows: int,
    validation: float,
    test: float,
    generator: np.random.Generator,
    labels: Any = None,
    marks: Marks | None = None,
) -> Split:
    """Divide rows as `split_rows` does, or as their marks say.

    Groups: of 64 random orders of the groups, each cut where the parts come nearest to their shares of the rows, the
    one is taken whose parts come nearest to their shares of each class. Times: in their order, cut in the same way,
    with equal times together.

    Raises
    ------
    UsageError
        If a part that was asked for would be empty.

    Examples
    --------
    >>> patients = Column("patient", "text", np.array(["a", "a", "b", "b", "c", "c"], dtype=object))
    >>> marks = marks_of(patients, Table((patients,), "t"), EncodingPlan(group="patient"))
    >>> split = divide(6, 0.3, 0.3, np.random.default_rng(0), marks=marks)
    >>> len(split.train), len(split.validation), len(split.test)
    (2, 2, 2)
    >>> split.notes
    ('Rows of one "patient" stay together: 1 of them train, 1 validate, 1 test. The column is no input.',)
    """
    if marks is None:
        return split_rows(n_rows, validation, test, generator, labels)
    if marks.how == "split":
        part = marks.codes
        if not (part == 0).any():
            raise UsageError(f'"{marks.name}" marks no row for training.')
        counts = [int((part == i).sum()) for i in range(3)]
        note = f"{counts[0]:,} train, {counts[1]:,} validate, {counts[2]:,} test"
        return _split(part, f'"{marks.name}" says which rows are for what: {note}. The column is no input.')
    shares = np.array([1 - validation - test, validation, test])
    _refuse_few(marks, int((shares > 0).sum()), "parts")
    if marks.how == "group":
        part = _by_group(marks.codes, shares, generator, labels)
        counts = [len(np.unique(marks.codes[part == i])) for i in range(3)]
        note = f"{counts[0]:,} of them train, {counts[1]:,} validate, {counts[2]:,} test"
        return _split(part, f'Rows of one "{marks.name}" stay together: {note}. The column is no input.')
    part = _in_time(marks.codes, shares)
    spans = [_span(marks, marks.codes[part == i]) for i in range(3)]
    said = [f"{what} {span}" for what, span in zip(("train", "validate", "test"), spans, strict=True) if span]
    return _split(part, f'Divided by "{marks.name}", in the order of time: the rows {", ".join(said)}.')


def folds_of(
    n_rows: int, k: int, generator: np.random.Generator, labels: Any = None, marks: Marks | None = None
) -> tuple[Split, ...]:
    """Divide rows into folds as `k_folds` does, or as their marks say: groups whole, or each fold after its past.

    With times there are k + 1 blocks of rows in their order: fold i trains on the blocks before its own, which is the
    (i + 1)th.

    Raises
    ------
    UsageError
        If there are too few groups or times.
    """
    if marks is None:
        return k_folds(n_rows, k, generator, labels)
    nothing = np.empty(0, dtype=np.intp)
    if marks.how == "group":
        _refuse_few(marks, k, "folds")
        part = _by_group(marks.codes, np.full(k, 1 / k), generator, labels)
        return tuple(Split(np.flatnonzero(part != i), np.flatnonzero(part == i), nothing) for i in range(k))
    _refuse_few(marks, k + 1, "blocks")
    block = _in_time(marks.codes, np.full(k + 1, 1 / (k + 1)))
    return tuple(Split(np.flatnonzero(block <= i), np.flatnonzero(block == i + 1), nothing) for i in range(k))


def _split(part: np.ndarray, note: str) -> Split:
    train, validation, test = (np.flatnonzero(part == i) for i in range(3))
    return Split(train, validation, test, (note,))


def _span(marks: Marks, codes: np.ndarray) -> str:
    if not len(codes):
        return ""
    first, last = marks.word(int(codes.min())), marks.word(int(codes.max()))
    return f"of {first}" if first == last else f"from {first} to {last}"


def _refuse_few(marks: Marks, needed: int, what: str) -> None:
    found = len(np.unique(marks.codes))
    if found < needed:
        raise UsageError(
            f'"{marks.name}" has {count(found, "different value")}, too few for {needed} {what}: '
            f"{'rows of one value stay together' if marks.how == 'group' else 'rows of one time stay together'}. "
            + ("Use --validation 0 or --test 0, or more rows." if what == "parts" else "Use fewer folds.")
        )


def _by_group(codes: np.ndarray, shares: np.ndarray, generator: np.random.Generator, labels: Any) -> np.ndarray:
    """Return the part of each row: of random orders of the groups, the best is cut."""
    _, group = np.unique(codes, return_inverse=True)
    rows = np.bincount(group)
    stratum = np.zeros(len(group), dtype=np.intp) if labels is None else np.unique(labels, return_inverse=True)[1]
    strata = int(stratum.max()) + 1
    of_stratum = np.bincount(stratum)
    best: tuple[float, float] = (np.inf, np.inf)
    for _ in range(ORDERS):
        order = generator.permutation(len(rows))
        part_of = np.empty(len(rows), dtype=np.intp)
        part_of[order] = _runs(rows[order], shares)
        part = part_of[group]
        got = np.bincount(part * strata + stratum, minlength=len(shares) * strata).reshape(len(shares), strata)
        absent = float((got[0] == 0).sum())  # classes that training would not have
        off = float((((got - np.outer(shares, of_stratum)) ** 2) / of_stratum).sum())
        if (absent, off) < best:
            best, chosen = (absent, off), part
    return chosen


def _in_time(codes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the part of each row, in the order of time."""
    _, rank = np.unique(codes, return_inverse=True)
    part: np.ndarray = _runs(np.bincount(rank), shares)[rank]
    return part


def _runs(rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Cut bundles of rows, in their order, into runs that come nearest to the shares; return the part of each bundle.

    >>> _runs(np.array([5, 1, 1, 3]), np.array([0.6, 0.2, 0.2]))
    array([0, 0, 1, 2])
    """
    asked = np.flatnonzero(shares > 0)
    ends = np.concatenate([[0], np.cumsum(rows)])
    cuts = [0]
    for i, share in enumerate(np.cumsum(shares[asked])[:-1]):
        low, high = cuts[-1] + 1, len(rows) - (len(asked) - 1 - i)
        cuts.append(low + int(np.argmin(np.abs(ends[low : high + 1] - share * ends[-1]))))
    return np.repeat(asked, np.diff([*cuts, len(rows)]))
