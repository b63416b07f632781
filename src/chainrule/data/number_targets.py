"""Numeric targets as output nodes, and output nodes as values again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.class_target import SOFTNESS
from chainrule.data.columns import Column, Table, count
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import missing_target
from chainrule.data.messages import remedy
from chainrule.data.scaling import scaling, scaling_in_words
from chainrule.errors import DataError, UsageError

# What `target_scale="auto"` means: what each output activation can reach. All others reach every number.
AUTO_SCALE = {
    "logistic": "inside",
    "tanh": "inside",
    "relu": "none",
    "softplus": "none",
    "exponential": "none",
    "step": "unit",
    "elu": "unit",
    "selu": "unit",
    "gelu": "unit",
    "silu": "unit",
}
NOT_NEGATIVE = ("relu", "softplus", "exponential")


@dataclass(frozen=True)
class NumberTargets:
    """Numbers: a node for each target, with (value - center) / scale.

    Attributes
    ----------
    names : tuple of str
    centers, scales : tuple of float
        From the training rows.
    """

    names: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]

    @property
    def n_nodes(self) -> int:
        """The number of output nodes."""
        return len(self.names)

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of the output nodes."""
        return self.names

    def values(self, columns: tuple[Column, ...], table: Table) -> np.ndarray:
        """Return the targets in their own units, shape (n_rows, n_nodes), float64.

        Raises
        ------
        DataError
            For text or a missing value.
        """
        for column in columns:
            known = ~column.missing
            if column.kind == "text" and known.any():
                row = int(np.argmax(known))
                raise DataError(
                    f'{table.at(row, column.name)}: "{column.values[row]}" is not a number. Clean the column.'
                )
            if not known.all():
                raise missing_target(table, column)
        return np.column_stack([column.values for column in columns])

    def encode(self, columns: tuple[Column, ...], table: Table) -> np.ndarray:
        """Return the nodes' targets, shape (n_rows, n_nodes), float64."""
        scaled: np.ndarray = (self.values(columns, table) - np.array(self.centers)) / np.array(self.scales)
        return scaled

    def decode(self, A: np.ndarray) -> np.ndarray:
        """Return values in the targets' own units: shape (n_rows,), or (n_rows, n_nodes) for several targets."""
        values: np.ndarray = A * np.array(self.scales) + np.array(self.centers)
        return values[:, 0] if len(self.names) == 1 else values

    def describe(self, i: int) -> tuple[str, str]:
        """Say how the i-th target was read, and what was done with it."""
        return "number", scaling_in_words(self.centers[i], self.scales[i])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        record = {"names": list(self.names), "centers": list(self.centers), "scales": list(self.scales)}
        return {"kind": "numbers", **record}


def fit_numbers(
    columns: tuple[Column, ...], fit_rows: np.ndarray, plan: EncodingPlan, output_activation: str, table: Table
) -> NumberTargets:
    """Choose the scaling of numeric targets from the training rows, so that the output activation reaches them.

    Raises
    ------
    UsageError
        For softmax outputs.
    DataError
        For a target that is constant in the training rows, or negative where the activation never is.
    """
    if output_activation == "softmax":
        raise UsageError(
            "softmax outputs add up to 1 and tell classes apart; a regression needs another output activation, "
            f"such as identity. Or use {remedy('task', 'classification')}."
        )
    kind = AUTO_SCALE.get(output_activation, "standard") if plan.target_scale == "auto" else plan.target_scale
    centers, scales = [], []
    for column in columns:
        values = column.values[fit_rows]
        center, scale = _target_scaling(values, kind, output_activation)
        if scale == 0:
            raise DataError(
                f'{table.source}: the target "{column.name}" is {values[0]:g} in all '
                f"{count(len(values), 'training row')}, so there is nothing to learn. "
                "Use more rows, or another --target."
            )
        if not (np.isfinite(center) and np.isfinite(scale)):
            raise DataError(f'{table.source}: the target "{column.name}" is too large to be scaled. Change its unit.')
        if (
            output_activation in NOT_NEGATIVE
            and ((column.values - center) / scale).min() < 0
            and kind in ("none", "standard")
        ):
            row = int(np.argmin(column.values))
            raise DataError(
                f"{table.at(row, column.name)}: {output_activation} outputs are never negative and cannot reach "
                f"{column.values[row]:g} (target_scale {kind}). "
                "Use --output-activation identity or --target-scale unit."
            )
        centers.append(center)
        scales.append(scale)
    return NumberTargets(tuple(column.name for column in columns), tuple(centers), tuple(scales))


def _target_scaling(values: np.ndarray, kind: str, output_activation: str) -> tuple[float, float]:
    if kind != "inside":
        return scaling(values, kind)
    if output_activation == "tanh":  # [-0.9, 0.9]
        center, half = scaling(values, "symmetric")
        return center, half / (1 - SOFTNESS)
    low, width = scaling(values, "unit")  # [0.1, 0.9]
    scale = width / (1 - 2 * SOFTNESS)
    return low - SOFTNESS * scale, scale


def numbers_from_dict(record: Any, where: str) -> NumberTargets:
    """Rebuild NumberTargets from `to_dict`'s values, or raise ModelFileError."""
    names = stored.distinct(stored.entry(record, "names", stored.several(stored.text), where), f'"names" of {where}')
    centers = stored.entry(record, "centers", stored.several(stored.number), where)
    scales = stored.entry(record, "scales", stored.several(stored.scale), where)
    if not len(names) == len(centers) == len(scales) > 0:
        raise stored.wrong(where, "as many centers and scales as names", [len(names), len(centers), len(scales)])
    return NumberTargets(names, centers, scales)
