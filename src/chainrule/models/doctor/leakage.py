"""The doctor's check of inputs that give the target away: copies of it, and single inputs that decide it alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.data.columns import Column, name_list
from chainrule.models.doctor.findings import Finding, finding
from chainrule.models.doctor.patient import Check, Patient, codes_of, standardised

GIVEN_AWAY = 0.999
FEW_TO_JUDGE = 20
# To say that a column decides the class. By chance, eight of 30 rows lie together less than once in 100,000.
FEWEST_ROWS = 30
FEWEST_OTHERS = 8
MOST_WRONG = 0.005
MOST_WRONG_OTHERS = 0.05
MOST_CLASSES = 12
MOST_CODES = 20
ROWS_PER_NAME = 5

Told = tuple[list[tuple[str, str]], list[tuple[str, str]]]


def leakage(patient: Patient) -> Iterator[Finding]:
    """An input that is the target in other words teaches nothing: at prediction it will not be there."""
    for target in patient.targets:
        if target.missing.all():
            continue
        told = _classes_told if patient.task == "classification" else _values_told
        same, tells = told(patient, target)
        for names, severity, what in ((same, "problem", "is the target"), (tells, "warning", "gives the target away")):
            if names:
                detail = name_list([f'"{name}" ({how})' for name, how in names], limit=10)
                yield finding(
                    "leakage",
                    "problem" if severity == "problem" else "warning",
                    f'An input {what}, "{target.name}": {detail}.',
                    "The network will look at nothing else. Where the value is known only afterwards, as a result of "
                    "the target or another name for it, predictions will fail.",
                    "Leave the column out, unless it is known before the target is.",
                    ignore=patient.ignoring(name for name, _ in names),
                )


def _values_told(patient: Patient, target: Column) -> Told:
    """Find the inputs that are a numeric target, or rise and fall with it."""
    same, tells = [], []
    if target.kind != "number":
        return [], []
    y = target.values[patient.rows]
    dates = {column.name for column in patient.inputs if column.origin == "date"}
    for name, x in patient.numbers.items():
        known = ~(np.isnan(x) | np.isnan(y))
        if known.sum() < FEW_TO_JUDGE:
            continue
        if (x[known] == y[known]).all():
            same.append((name, "equal in every row"))
            continue
        r = float(np.mean(standardised(x[known]) * standardised(y[known])))
        if abs(r) > GIVEN_AWAY:
            tells.append((name, f"correlation {r:.5f}"))
        elif name not in dates and abs(r := _rank_correlation(x[known], y[known])) > GIVEN_AWAY:
            tells.append((name, f"the target {'rises' if r > 0 else 'falls'} with it, rank correlation {r:.5f}"))
    return same, tells


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's coefficient, or 0 where more than half of the values are the same."""
    ranks = []
    for values in (x, y):
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        if counts.max() > len(values) / 2:
            return 0.0
        ranks.append((np.cumsum(counts) - (counts - 1) / 2)[inverse])
    return float(np.mean(standardised(ranks[0]) * standardised(ranks[1])))


def _classes_told(patient: Patient, target: Column) -> Told:
    """Find the inputs that are the class, or decide it in nearly all rows."""
    same, tells = [], []
    rows = patient.rows[~target.missing[patient.rows]]
    y = codes_of(target.as_text(), rows)
    classes = int(y.max(initial=0)) + 1
    if classes < 2:
        return [], []
    for column in patient.inputs:
        if column.name in patient.left_out or not (column.name in patient.numbers or column.name in patient.codes):
            continue
        x = codes_of(column, rows)
        distinct = int(x.max()) + 1
        pairs = len(np.unique(x.astype(np.int64) * classes + y))
        if pairs == distinct == classes and distinct <= len(x) // 5:
            same.append((column.name, "one value for each class"))
        elif how := _decides(column, rows, x, y):
            tells.append((column.name, how))
    return same, tells


def _decides(column: Column, rows: np.ndarray, x: np.ndarray, y: np.ndarray) -> str:
    """Say how a column decides the class of nearly all rows, or return nothing.

    At most 0.5 % of the rows may be wrong, and 5 % as many as are not of the commonest class.
    """
    totals = np.bincount(y)
    others = len(y) - int(totals.max())
    if len(y) < FEWEST_ROWS or others < FEWEST_OTHERS:
        return ""
    allowed = min(MOST_WRONG * len(y), MOST_WRONG_OTHERS * others)
    distinct = int(x.max()) + 1
    if column.kind == "text" or distinct <= MOST_CODES:
        counts = _counts(x, y)
        right = int(counts.max(axis=1)[counts.sum(axis=1) >= ROWS_PER_NAME].sum())
        if distinct <= len(y) // ROWS_PER_NAME and len(y) - right <= allowed:
            return f"each of its {distinct} values stands for one class: right in {_share(right, len(y))} of the rows"
    if column.kind == "text" or len(totals) > MOST_CLASSES:
        return ""
    values = column.values[rows]
    missing = np.isnan(values)
    right_missing = int(np.bincount(y[missing]).max()) if missing.any() else 0
    if missing.all():
        return ""
    levels, inverse = np.unique(values[~missing], return_inverse=True)
    counts = _counts(inverse, y[~missing])
    for cuts, right in enumerate(_right_by_cuts(counts, max(2, len(totals) - 1))):
        right += right_missing
        if len(y) - right <= allowed:
            how = "" if cuts == 0 else _one_cut(levels, counts) if cuts == 1 else f"{cuts} cuts"
            parts = [how] * bool(how) + ["whether it is missing"] * bool(right_missing)
            return f"{' and '.join(parts)}: right in {_share(right, len(y))} of the rows"
    return ""


def _counts(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how many rows have each code of x (axis 0) and each class (axis 1)."""
    classes = int(y.max()) + 1
    table: np.ndarray = np.bincount(x * classes + y, minlength=(int(x.max()) + 1) * classes).reshape(-1, classes)
    return table


def _right_by_cuts(counts: np.ndarray, most: int) -> list[int]:
    """Return how many rows are right at best if 0, 1, ... cuts divide the sorted values, each part called by a class.

    With C[i] the class counts below value i, the best of s parts up to i is
    max over c of (C[i, c] + max over j <= i of (best of s - 1 parts up to j - C[j, c])).

    >>> _right_by_cuts(np.array([[3, 0], [0, 4], [2, 0]]), 2)
    [5, 7, 9]
    """
    C = np.vstack([np.zeros(counts.shape[1], dtype=np.int64), np.cumsum(counts, axis=0)])
    best = C.max(axis=1)
    right = [int(best[-1])]
    for _ in range(most):
        best = (C + np.maximum.accumulate(best[:, None] - C, axis=0)).max(axis=1)
        right.append(int(best[-1]))
    return right


def _one_cut(levels: np.ndarray, counts: np.ndarray) -> str:
    below = np.cumsum(counts, axis=0)
    right = below.max(axis=1) + (below[-1] - below).max(axis=1)
    i = int(right[:-1].argmax())
    return f"a cut between {levels[i]:.6g} and {levels[i + 1]:.6g}"


def _share(right: int, rows: int) -> str:
    return f"{np.floor(1000 * right / rows) / 10:g}%"


LEAKAGE_CHECKS = (
    Check(
        leakage,
        "No single input is a copy of the target or decides it.",
        least_rows=FEW_TO_JUDGE,
        least_inputs=2,
        parts=True,
    ),
)
