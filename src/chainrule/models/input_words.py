"""What the inputs and outputs of a model are called, and how a cell of its table became a node's number, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data.columns import Column, Table
from chainrule.data.encoding import Encoding
from chainrule.errors import ChainruleError
from chainrule.explaining.unit_names import UnitNames, quoted, shown

UNITS = {"date": "days since 1970-01-01", "time": "hours", "duration": "seconds"}  # what such cells are counted in


def names_of(encoding: Encoding, table: Table | None = None) -> UnitNames:
    """Return what a model's inputs and outputs are called; with a table, also what its rows say of them.

    A class's output may be called by the class alone, and an input or output by its column where that has no other.

    Parameters
    ----------
    encoding : Encoding
    table : Table, optional
        The rows that are explained, in their order.

    Examples
    --------
    >>> import chainrule as cr
    >>> names = names_of(cr.train("iris", epochs=1, seed=0).encoding)
    >>> names.inputs[0], names.outputs[2], names.unit("virginica", "output", 1)
    ('sepal_length', 'species=virginica', 2)
    """
    inputs, outputs = encoding.node_names, encoding.output_names
    columns = [row["column"] for row in encoding.describe() if row["role"] == "input" for _ in range(row["nodes"])]
    targets = _target_of_each(encoding)
    shorter = [
        (target, name.removeprefix(f"{target}=")) if name != target else ()
        for target, name in zip(targets, outputs, strict=True)
    ]
    tell = _Cells(encoding, _by_name(encoding, table), table.row_numbers, tuple(columns)) if table is not None else None
    return UnitNames(inputs, outputs, tuple((column,) for column in columns), tuple(shorter), tell)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Says what stands in the table for an input, an output or a target of a row."""

    encoding: Encoding
    table: Mapping[str, Column]
    row_numbers: np.ndarray
    columns: tuple[str, ...]

    def __call__(self, kind: str, unit: int, example: int, numbers: np.ndarray) -> dict[str, Any]:
        if kind == "a":
            return self.output(unit, numbers)
        if kind == "x":
            column, node = self.table[self.columns[unit]], self.encoding.node_names[unit]
            scaling = self.scaling_of_input(unit)
        else:
            column = self.table[_target_of_each(self.encoding)[unit]]
            node, scaling = self.encoding.output_names[unit], _scaling_of_target(self.encoding, unit)
        cell, row = column.take([example]).as_text().values[0], int(self.row_numbers[example])
        facts = {"column": column.name, "row": row, "cell": cell}
        return {"words": _words(column, example, row, node, scaling, float(numbers[unit])), **facts}

    def output(self, unit: int, numbers: np.ndarray) -> dict[str, Any]:
        """What an output means: a probability, or a value in the target's unit."""
        name = self.encoding.output_names[unit]
        try:
            if self.encoding.task == "classification":
                P = self.encoding.probabilities(numbers[None])[0]
                value = float(P[unit + len(P) - self.encoding.n_outputs])  # of two classes on one node, the second
                return {"words": f"{quoted(name)}, probability {value:.6g}", "probability": value}
            value = float(np.ravel(self.encoding.decode_values(numbers[None])[0])[unit])
        except ChainruleError:  # numbers that are not finite
            return {}
        return {"words": f"{quoted(name)}, {value:.6g} in the unit of the target", "prediction": value}

    def scaling_of_input(self, unit: int) -> tuple[float, float, float | None] | None:
        """(center, scale, fill) of a column's own node."""
        item = next(one for one in self.encoding.inputs if one.name == self.columns[unit])
        center, scale = getattr(item, "center", None), getattr(item, "scale", None)
        if self.encoding.node_names[unit] != item.name or center is None or scale is None:
            return None
        return center, scale, getattr(item, "fill", None)


def _words(
    column: Column, example: int, row: int, node: str, scaling: tuple[float, float, float | None] | None, number: float
) -> str:
    """A cell, and how it became the number of its node; a formula only where it gives that number."""
    name, cell = quoted(column.name), column.take([example]).as_text().values[0]
    text = "missing" if cell is None else shown(cell)
    worked = ""
    if scaling is not None and column.kind == "number":
        center, scale, fill = scaling
        value = column.values[example]
        if math.isnan(value) and fill is not None:
            value, text = fill, f"missing, {fill:.6g} in its place"
        worked = _worked(float(value), center, scale, number)
    if worked:
        unit = f"in {UNITS[column.origin]} " if column.origin in UNITS else ""
        return f"{name}, row {row}: {text}, {unit}{worked}"
    if node.startswith(f"{column.name}="):
        return f"{name} is {'missing' if cell is None else quoted(cell)} in row {row} (node {quoted(node)})"
    return f"{name}, row {row}: {text}" + (f" (node {quoted(node)})" if node != column.name else "")


def _worked(value: float, center: float, scale: float, number: float) -> str:
    """A value's scaling with as few digits as give the number; empty where this is not how it was made."""
    if (center, scale) == (0, 1):
        return "as it is" if math.isclose(value, number, rel_tol=1e-5, abs_tol=1e-9) else ""
    for digits in range(6, 18):
        v, c, s = (float(f"{x:.{digits}g}") for x in (value, center, scale))
        if math.isfinite(v) and s and math.isclose((v - c) / s, number, rel_tol=1e-5, abs_tol=1e-7):
            sign = "-" if c >= 0 else "+"
            return f"({v:.{digits}g} {sign} {abs(c):.{digits}g}) / {s:.{digits}g}"
    return ""


def _scaling_of_target(encoding: Encoding, unit: int) -> tuple[float, float, float | None] | None:
    centers, scales = (getattr(encoding.target, name, None) for name in ("centers", "scales"))
    return None if centers is None or scales is None else (centers[unit], scales[unit], None)


def _target_of_each(encoding: Encoding) -> Sequence[str]:
    """The target column of each output."""
    names = encoding.target_names
    return names if encoding.task == "regression" else names * encoding.n_outputs


def _by_name(encoding: Encoding, table: Table) -> dict[str, Column]:
    """The columns by the names that they had in training: those of an array without names stand in its order."""
    named = {column.name: column for column in table.columns}
    if table.positional:
        leading = table.columns[: table.positional]
        unnamed = [column for column in leading if column.name not in encoding.target_names]
        rest = [column for column in table.columns if column not in unnamed]
        named |= dict(zip(encoding.columns, unnamed, strict=False))
        if len(rest) == len(encoding.target_names):
            named |= dict(zip(encoding.target_names, rest, strict=True))
    return named
