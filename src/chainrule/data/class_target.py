"""Classes as output nodes, and output nodes as classes again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.columns import Column, Table, name_list, number_text
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import missing_target
from chainrule.data.name_input import name_order
from chainrule.errors import DataError, did_you_mean

Label = bool | int | float | str
LABEL_TYPES: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}
# Soft targets leave a tenth, as in the seeds' 0.1 and 0.9.
SOFTNESS = 0.1


# The least probability: no finite set of examples shows that a class is impossible, and its logarithm is finite.
ALMOST_0 = 1e-15


@dataclass(frozen=True)
class ClassTarget:
    """Classes: one node for each, or a single node that tells two classes apart.

    Attributes
    ----------
    name : str
    classes : tuple of bool, int, float or str
        In ascending order, in the type they came in.
    low, high : float
        Target of a node for "another class" and for "this class".
    one_node : bool
        Two classes on one node: `low` is the first, `high` the second.
    spellings : tuple of (str, str)
        Other spellings of a class, as training had them, and the class.
    """

    name: str
    classes: tuple[Label, ...]
    low: float = 0.0
    high: float = 1.0
    one_node: bool = False
    spellings: tuple[tuple[str, str], ...] = ()

    @property
    def n_nodes(self) -> int:
        """The number of output nodes."""
        return 1 if self.one_node else len(self.classes)

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of the output nodes, such as "species=setosa"."""
        named = self.classes[1:] if self.one_node else self.classes
        return tuple(f"{self.name}={label_text(label)}" for label in named)

    def codes(self, column: Column, table: Table) -> np.ndarray:
        """Return each row's class as a position in `classes`.

        Raises
        ------
        DataError
            For a missing value, or a class that training did not have.
        """
        if column.missing.any():
            raise missing_target(table, column)
        texts = [label_text(label) for label in self.classes]
        position = {text: i for i, text in enumerate(texts)}
        position |= {spelling: position[label] for spelling, label in self.spellings}
        if column.kind == "number" and not isinstance(self.classes[0], str):
            distinct, inverse = np.unique(column.values, return_inverse=True)
            known = {float(label): i for i, label in enumerate(self.classes)}
            codes = np.array([known.get(value, -1) for value in distinct.tolist()], dtype=np.intp)[inverse]
        else:
            values = column.as_text().values.tolist()
            if isinstance(self.classes[0], bool):
                values = [value.lower() for value in values]
            codes = np.array([position.get(value, -1) for value in values], dtype=np.intp)
        if (codes < 0).any():
            row = int(np.argmax(codes < 0))
            received = column.as_text().values[row]
            raise DataError(
                f'{table.at(row, column.name)}: "{received}" is not among the classes of the model. '
                f"{did_you_mean(received, texts)}Classes: {name_list(texts)}."
            )
        return codes

    def encode(self, columns: tuple[Column, ...], table: Table) -> np.ndarray:
        """Return the nodes' targets, shape (n_rows, n_nodes), float64."""
        codes = self.codes(columns[0], table)
        if self.one_node:
            return np.where(codes == 1, self.high, self.low)[:, None]
        return np.where(codes[:, None] == np.arange(len(self.classes)), self.high, self.low)

    def probabilities(self, A: np.ndarray) -> np.ndarray:
        """Return shape (n_rows, n_classes), rows adding up to 1, from the output nodes.

        Outputs at `low` or below count as all but 0 and at `high` or above as 1; several nodes are divided by their
        sum.
        """
        P = np.clip((A - self.low) / (self.high - self.low), ALMOST_0, 1 - ALMOST_0)
        if self.one_node:
            return np.column_stack([1.0 - P[:, 0], P[:, 0]])
        shares: np.ndarray = P / P.sum(axis=1, keepdims=True)
        return shares

    def labels(self, A: np.ndarray) -> np.ndarray:
        """Return each row's class, shape (n_rows,): the highest node, or the side of the middle for one node."""
        labels: np.ndarray = np.asarray(self.classes)[self.positions(A)]
        return labels

    def positions(self, A: np.ndarray) -> np.ndarray:
        """Return the position in `classes` of each row's class, shape (n_rows,)."""
        return (A[:, 0] > (self.low + self.high) / 2).astype(np.intp) if self.one_node else A.argmax(axis=1)

    def describe(self) -> tuple[str, str]:
        """Say how the column was read, and what was done with it."""
        names = name_list([label_text(label) for label in self.classes], limit=10)
        nodes = f"one node, {self.low:g} or {self.high:g}" if self.one_node else f"{self.low:.3g} and {self.high:.3g}"
        return "classes", f"{names}; {nodes}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": "classes",
            "name": self.name,
            "label_type": type(self.classes[0]).__name__,
            "classes": list(self.classes),
            "low": self.low,
            "high": self.high,
            "one_node": self.one_node,
            "spellings": [list(pair) for pair in self.spellings],
        }


def fit_classes(column: Column, plan: EncodingPlan, output_activation: str) -> ClassTarget:
    """Choose the classes, the number of nodes and their target values; all rows count."""
    known = column.values[~column.missing]
    classes: tuple[Label, ...]
    if column.kind == "text":
        names: set[str] = set(known.tolist())
        ordered = sorted(names, key=name_order)
        classes = tuple(ordered)
    else:
        of_type = {"integer": int, "boolean": bool}.get(column.origin, float)
        classes = tuple(of_type(value) for value in np.unique(known).tolist())
    one_node = len(classes) == 2 and output_activation != "softmax"
    low, high = (-1.0, 1.0) if output_activation == "tanh" else (0.0, 1.0)
    if plan.soft_targets:
        low, high = low + SOFTNESS, high - SOFTNESS
        if not one_node and output_activation in ("softmax", "auto"):
            low = SOFTNESS / (len(classes) - 1)  # so that a row still adds up to 1
    return ClassTarget(column.name, classes, low, high, one_node)


def classes_from_dict(record: Any, where: str) -> ClassTarget:
    """Rebuild a ClassTarget from `to_dict`'s values, or raise ModelFileError."""
    kind = LABEL_TYPES[stored.entry(record, "label_type", stored.choice(*LABEL_TYPES), where)]

    def label(value: Any, place: str) -> Label:
        if kind is float:
            return stored.number(value, place)  # JSON writers may drop the ".0"
        if type(value) is not kind or not isinstance(value, (bool, int, str)):
            raise stored.wrong(place, f"a label of type {kind.__name__}", value)
        if kind is int:
            stored.number(value, place)  # a whole number beyond float64 cannot be compared with a column's
        return value

    classes = stored.distinct(stored.entry(record, "classes", stored.several(label), where), f'"classes" of {where}')
    low = stored.entry(record, "low", stored.number, where)
    high = stored.entry(record, "high", stored.number, where)
    one_node = stored.entry(record, "one_node", stored.flag, where)
    if len(classes) < 2 or (one_node and len(classes) != 2):
        raise stored.wrong(f'"classes" of {where}', "two classes or more, two for one node", list(classes))
    if not low < high:
        raise stored.wrong(where, 'a target with "low" below "high"', [low, high])
    pairs: tuple[tuple[str, ...], ...] = ()
    if "spellings" in record:  # older files have none
        pairs = stored.entry(record, "spellings", stored.several(stored.several(stored.text)), where)
    if any(len(pair) != 2 or pair[1] not in classes or pair[0] in classes for pair in pairs):
        raise stored.wrong(f'"spellings" of {where}', "pairs of another spelling and a class", pairs)
    spellings = tuple((pair[0], pair[1]) for pair in pairs)
    return ClassTarget(stored.entry(record, "name", stored.text, where), classes, low, high, one_node, spellings)


def label_text(label: Label) -> str:
    if isinstance(label, bool):
        return "true" if label else "false"
    return number_text(label) if isinstance(label, float) else str(label)
