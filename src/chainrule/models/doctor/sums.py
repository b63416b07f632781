"""The doctor's check of a target that is computed from inputs: a sum, a difference or a multiple of columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.data.columns import Column
from chainrule.models.doctor.findings import Finding, finding
from chainrule.models.doctor.patient import Check, Patient

FEW_TO_JUDGE = 20
MOST_COLUMNS = 400
EXACT = 1e-7  # of the target's largest value: the error that rounding leaves
SHOWN = 6


def computed_target(patient: Patient) -> Iterator[Finding]:
    """An input from which the target was computed teaches nothing: at prediction it will not be there."""
    for target in patient.targets:
        if target.kind != "number" or target.missing.any():
            continue
        terms = _terms(patient, target)
        names = [column.name for column, _ in terms]
        used = [column for column in patient.inputs if column.name not in patient.left_out]
        if len(names) < 2 or len(names) == len(used):  # of one column another check says it; of all it is the task
            continue
        yield finding(
            "computed target",
            "problem",
            f'The target, "{target.name}", is {_formula(terms)} in every row.',
            "These columns are known when the target is known, and not before: on new rows there is nothing to add up.",
            "Leave out what is not known at prediction.",
            ignore=patient.ignoring(names),
        )


def _terms(patient: Patient, target: Column) -> list[tuple[Column, float]]:
    """Return the inputs and their factors that make up the target exactly (but for a constant); empty if none do."""
    columns = [c for c in patient.inputs if c.name in patient.numbers and c.origin != "date" and not c.missing.any()]
    rows = patient.rows
    y = target.values
    size = float(np.abs(y).max())
    if not 2 <= len(columns) <= MOST_COLUMNS or len(rows) < 2 * len(columns) + FEW_TO_JUDGE or size == 0:
        return []
    spread = float(np.std(y[rows] / size))
    if spread <= EXACT:
        return []
    with np.errstate(all="ignore"):  # of numbers too large to be squared nothing is found
        return _exact(columns, y, size, spread, rows)


def _exact(
    columns: list[Column], y: np.ndarray, size: float, spread: float, rows: np.ndarray
) -> list[tuple[Column, float]]:
    factors = _factors(columns, y[rows] / size, rows)
    kept = [c for c, f in zip(columns, factors, strict=True) if abs(f) * float(np.std(c.values[rows])) > 1e-6 * spread]
    if len(kept) < 2:
        return []
    factors = _factors(kept, y[rows] / size, rows)
    left = y / size - sum(f * c.values for c, f in zip(kept, factors, strict=True))
    if not float(np.ptp(left)) <= 2 * EXACT:
        return []
    return [(column, float(factor * size)) for column, factor in zip(kept, factors, strict=True)]


def _factors(columns: list[Column], y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The factors of a least-squares fit of y, with a constant."""
    X = np.column_stack([column.values[rows] for column in columns])
    center = X.mean(axis=0)
    width = X.std(axis=0)
    width[width == 0] = 1.0
    Z = (X - center) / width
    if not np.isfinite(Z).all():
        return np.zeros(len(columns))
    found: np.ndarray = np.linalg.lstsq(Z, y - y.mean(), rcond=None)[0] / width
    return found


def _formula(terms: list[tuple[Column, float]]) -> str:
    parts = []
    for column, factor in terms[:SHOWN]:
        sign = "-" if factor < 0 else "+"
        size = abs(factor)
        times = "" if abs(size - 1) < 1e-6 else f"{size:.6g} times "
        parts.append(f'{sign} {times}"{column.name}"')
    more = f" and {len(terms) - SHOWN} more terms" if len(terms) > SHOWN else ""
    return " ".join(parts).removeprefix("+ ") + more


SUM_CHECKS = (
    Check(
        computed_target, "The target is no sum of inputs.", task="regression", least_rows=FEW_TO_JUDGE, least_inputs=2,
        parts=True,
    ),
)  # fmt: skip
