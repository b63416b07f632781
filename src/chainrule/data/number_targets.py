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
from chainrule.data.skew import log_unit, skewed
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
    """Numbers: a node for each target, with (value - center) / scale, or (arsinh(value / unit) - center) / scale.

    Attributes
    ----------
    names : tuple of str
    centers, scales : tuple of float
        From the training rows.
    log_units : tuple of (float or None)
        Of each target, the unit of its logarithmic scale, or None; empty where no target has one.
    """

    names: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]
    log_units: tuple[float | None, ...] = ()

    def unit(self, i: int) -> float | None:
        """The unit of the i-th target's logarithmic scale, or None."""
        return self.log_units[i] if self.log_units else None

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
        values = self.values(columns, table)
        for i, unit in enumerate(self.log_units):
            if unit is not None:
                values[:, i] = np.arcsinh(values[:, i] / unit)
        scaled: np.ndarray = (values - np.array(self.centers)) / np.array(self.scales)
        return scaled

    def decode(self, A: np.ndarray) -> np.ndarray:
        """Return values in the targets' own units: shape (n_rows,), or (n_rows, n_nodes) for several targets.

        Of a target on a logarithmic scale, infinite where the value is beyond float64.
        """
        values: np.ndarray = A * np.array(self.scales) + np.array(self.centers)
        for i, unit in enumerate(self.log_units):
            if unit is not None:
                with np.errstate(over="ignore"):
                    values[:, i] = unit * np.sinh(values[:, i])
        return values[:, 0] if len(self.names) == 1 else values

    def describe(self, i: int) -> tuple[str, str]:
        """Say how the i-th target was read, and what was done with it."""
        unit = self.unit(i)
        words = scaling_in_words(self.centers[i], self.scales[i])
        if unit is None:
            return "number", words
        bent = f"arsinh(value / {unit:.6g})"
        return "number", words.replace("value", bent) if "value" in words else bent

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        record = {"names": list(self.names), "centers": list(self.centers), "scales": list(self.scales)}
        return {"kind": "numbers", **record, **({"log_units": list(self.log_units)} if self.log_units else {})}


def fit_numbers(
    columns: tuple[Column, ...],
    fit_rows: np.ndarray,
    plan: EncodingPlan,
    output_activation: str,
    table: Table,
    squares: bool = False,
) -> NumberTargets:
    """Choose the scaling of numeric targets from the training rows, so that the output activation reaches them.

    Parameters
    ----------
    squares : bool
        Whether the loss squares the errors: then "auto" puts skewed targets on a logarithmic scale, if the output is
        the identity.

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
    reach = AUTO_SCALE.get(output_activation, "standard")
    kind = reach if plan.target_scale == "auto" else plan.target_scale
    if kind == "log":
        if reach != "standard":
            raise UsageError(
                f"target_scale log makes targets of any size and either sign, which {output_activation} outputs do not "
                f"reach. Use {remedy('output_activation', 'identity')}."
            )
        kind = "standard"
    centers, scales, units = [], [], []
    for column in columns:
        values = column.values[fit_rows]
        unit = _unit(column, values, plan, output_activation, squares)
        units.append(unit)
        center, scale = _target_scaling(values if unit is None else np.arcsinh(values / unit), kind, output_activation)
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
    log_units = tuple(units) if any(unit is not None for unit in units) else ()
    return NumberTargets(tuple(column.name for column in columns), tuple(centers), tuple(scales), log_units)


def log_notes(target: Any, plan: EncodingPlan) -> list[str]:
    """Say which numeric targets were put on a logarithmic scale without being asked."""
    if not isinstance(target, NumberTargets):
        return []
    names = [f'"{name}"' for i, name in enumerate(target.names) if target.unit(i) is not None]
    if not names or plan.target_scale != "auto":
        return []
    return [
        f"{', '.join(names)}: skewed, so learnt on a logarithmic scale; predictions are medians, in its own unit. "
        "--target-scale standard forbids it."
    ]


def _unit(
    column: Column, values: np.ndarray, plan: EncodingPlan, output_activation: str, squares: bool
) -> float | None:
    if plan.target_scale == "log":
        return log_unit(values)
    may = plan.target_scale == "auto" and output_activation in ("auto", "identity") and squares
    return skewed(values) if may and column.origin in ("float", "integer") else None


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
    units = stored.several(_unit_or_none)(record.get("log_units", []), f'"log_units" of {where}')
    if len(units) not in (0, len(names)):
        raise stored.wrong(where, "as many log_units as names", len(units))
    return NumberTargets(names, centers, scales, units)


def _unit_or_none(value: Any, where: str) -> float | None:
    return None if value is None else stored.scale(value, where)
