"""The doctor's check of extreme values, over all rows: errors, or columns that are skewed by nature."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.data.columns import Column, name_list
from chainrule.data.number_targets import NumberTargets
from chainrule.data.scaling import scaling
from chainrule.models.doctor.findings import Finding, finding
from chainrule.models.doctor.outputs import DISTANCE_LOSSES, head
from chainrule.models.doctor.patient import Check, Patient

OUTLIER = 20.0
FEWEST_VALUES = 20


def outliers(patient: Patient) -> Iterator[Finding]:
    """A few extreme values set the scale for all others."""
    scale = patient.encoding_plan.scale
    if scale in ("standard", "unit", "symmetric"):
        far = {name: cell for name, values in patient.all_numbers.items() if (cell := _far(values))}
        skewed = {name: cell for name, cell in far.items() if _is_skewed(patient.all_numbers[name])}
        lone = {name: cell for name, cell in far.items() if name not in skewed}
        if lone:
            robust = _largest(patient, "robust") < _largest(patient, "standard")
            yield finding(
                "outliers",
                "hint",
                f"Values far from all others: {_listed(lone)} (more than {OUTLIER:g} deviations, measured by the "
                "quartiles).",
                "They stretch the scale, so that all other values crowd together near 0.",
                "If they are errors, correct them or leave their rows out"
                + ("; otherwise scale by the quartiles." if robust else "."),
                **({"scale": "robust"} if robust else {}),
            )
        if skewed:
            yield finding(
                "outliers",
                "hint",
                f"Skewed columns, with many small values and few large ones: {_listed(skewed)}.",
                "The large values stretch the scale, so that all small ones crowd together.",
                "The logarithm of 1 + the value, as a column made before training, may help (a query can, with --sql).",
            )
    loss = patient.settled.loss
    if patient.task == "regression" and patient.setup is not None and head(loss) in DISTANCE_LOSSES:
        if "squared" not in head(loss):
            return
        target = patient.setup.encoding.target
        straight = [
            column
            for i, column in enumerate(patient.targets)
            if not isinstance(target, NumberTargets) or target.unit(i) is None
        ]
        targets = {column.name: cell for column in straight if (cell := _far_target(column))}
        if targets:
            yield finding(
                "outliers",
                "hint",
                f"Targets far from all others: {_listed(targets)}.",
                "The square of a huge error outweighs all others, and the network serves these rows alone.",
                "If they are errors, correct them; otherwise use a loss that grows only in proportion.",
                loss="huber",
            )


def _listed(cells: dict[str, float]) -> str:
    return name_list([f'"{name}" {cell:.4g}' for name, cell in cells.items()], limit=10)


def _far_target(column: Column) -> float:
    return _far(column.values) if column.kind == "number" else 0.0


def _far(values: np.ndarray) -> float:
    """Return the farthest value if it lies far beyond all but a few; otherwise 0."""
    known = values[values == values]
    if len(known) < FEWEST_VALUES:
        return 0.0
    first, middle, third = np.quantile(known, [0.25, 0.5, 0.75])
    low, high = float(known.min()), float(known.max())
    limit = OUTLIER * (third - first) / 1.349
    if third == first or max(high - middle, middle - low) <= limit:
        return 0.0
    # Sparse counts, such as the pixels of an image, have no scale by their quartiles.
    if (np.abs(known - middle) > limit).mean() > 0.02 or len(np.unique(known[:1000])) <= 20:
        return 0.0
    return high if high - middle > middle - low else low


def _is_skewed(values: np.ndarray) -> bool:
    """Say whether values from 0 on stretch far to the right, beyond what a few errors could do."""
    known = values[values == values]
    low, middle, high = np.quantile(known, [0.02, 0.5, 0.98])
    return bool(known.min() >= 0 and high - middle > 3 * (middle - low))


def _largest(patient: Patient, scale: str) -> float:
    """Return the largest value of all numeric inputs, scaled in this way."""
    largest = 0.0
    for values in patient.all_numbers.values():
        known = values[values == values]
        center, width = scaling(known, scale)
        largest = max(largest, float(known.max() - center) / width, float(center - known.min()) / width)
    return largest


OUTLIER_CHECKS = (Check(outliers, "No value lies far from all others."),)
