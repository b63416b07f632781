"""Labels to output units and back: binary, multi-class, multi-label, and several columns of classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from chainrule.core.arrays import Array
from chainrule.core.catalogue import Activation, FusedLoss
from chainrule.core.equations import (
    softmax,
    softmax_categorical_cross_entropy,
    softmax_categorical_cross_entropy_delta,
    softmax_pullback,
)
from chainrule.errors import UsageError


@dataclass(frozen=True)
class ClassTargets:
    """What the output units stand for.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel", "multioutput"}
        One unit for the second class; one for each class; one for each label; one for each class of each column.
    columns : tuple of arrays
        The classes of each column of y, sorted: one array, for "multioutput" several. The labels of "multilabel" are
        its one array.
    """

    kind: str
    columns: tuple[np.ndarray, ...]

    @property
    def classes(self) -> Any:
        """What `classes_` shows: an array, or for several columns a list of arrays."""
        return list(self.columns) if self.kind == "multioutput" else self.columns[0]

    @property
    def n_outputs(self) -> int:
        """Output units."""
        return 1 if self.kind == "binary" else sum(map(len, self.columns))

    @property
    def output_activation(self) -> str | Activation:
        """The activation whose outputs are probabilities."""
        if self.kind == "multioutput":
            return softmax_by_column(self._sizes)
        return "softmax" if self.kind == "multiclass" else "logistic"

    @property
    def log_loss(self) -> str | FusedLoss:
        """The cross-entropy that belongs to that activation: minus the log of the probability of the true labels."""
        if self.kind == "multioutput":
            return cross_entropy_by_column(self._sizes)
        return f"{self.output_activation}_{'categorical' if self.kind == 'multiclass' else 'binary'}_cross_entropy"

    @property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(map(len, self.columns))

    def encode(self, y: np.ndarray, dtype: Any) -> np.ndarray:
        """Return the targets of the output units, (N, n_outputs), of 0 and 1.

        Raises
        ------
        UsageError
            For a label that is none of the classes.
        """
        if self.kind == "multilabel":
            if y.shape != (len(y), self.n_outputs) or not np.isin(y, (0, 1)).all():
                raise UsageError(
                    f"y must be 0 or 1 for each of {self.n_outputs} labels, as when the network was fitted; received "
                    f"shape {y.shape} with the values {np.unique(y)[:5].tolist()}."
                )
            return np.asarray(y, dtype=dtype)
        blocks = []
        y = np.reshape(y, (len(y), -1))
        if y.shape[1] != len(self.columns):
            raise UsageError(
                f"y has {y.shape[1]} columns of labels, but the network was fitted with {len(self.columns)}. Give the "
                "same targets, or fit a new estimator."
            )
        for column, labels in zip(self.columns, map(typed, y.T), strict=True):
            positions, new = _places(column, labels)
            if new.any():
                raise UsageError(
                    f"y has the label {labels[new].tolist()[0]!r}, which is none of the classes known so far: "
                    f"{column.tolist()}. Name all classes in the first call of partial_fit, or fit anew without "
                    "warm_start."
                )
            blocks.append(positions[:, None] == np.arange(len(column)))
        if self.kind == "binary":  # with a single class the unit learns that there is no second
            blocks = [positions[:, None] == 1]
        return np.hstack(blocks).astype(dtype)

    def labels(self, A: np.ndarray) -> np.ndarray:
        """Return the most probable labels for outputs A (N, n_outputs): (N,), or (N, columns)."""
        if self.kind == "multilabel":
            return (A > 0.5).astype(int)
        if self.kind == "binary":
            second = (A[:, 0] > 0.5).astype(int) if len(self.columns[0]) > 1 else np.zeros(len(A), dtype=int)
            return np.asarray(self.columns[0][second])
        chosen = [column[np.argmax(part, axis=1)] for column, part in zip(self.columns, self._parts(A), strict=True)]
        if self.kind == "multiclass":
            return np.asarray(chosen[0])
        alike = len({column.dtype.kind == "U" for column in chosen} | {column.dtype.kind == "b" for column in chosen})
        return np.stack(chosen if alike == 1 else [column.astype(object) for column in chosen], axis=1)

    def probabilities(self, A: np.ndarray) -> Any:
        """Return the probability of each class: (N, classes), for several columns a list of such arrays."""
        if self.kind == "binary":
            return np.ones_like(A) if len(self.columns[0]) == 1 else np.hstack([1 - A, A])
        return self._parts(A) if self.kind == "multioutput" else A

    def _parts(self, A: np.ndarray) -> list[np.ndarray]:
        return np.split(A, np.cumsum(self._sizes)[:-1], axis=1)


def class_targets(y: Any, classes: Any = None) -> ClassTargets:
    """Find out what kind of labels y holds.

    Parameters
    ----------
    y : array (N,) or (N, columns)
    classes : array or list of arrays, optional
        All labels that there will be, where y may not have them all; a list of arrays for several columns.

    Raises
    ------
    ValueError
        If y holds continuous numbers, or anything else that is no label.
    """
    if isinstance(y, np.ndarray) and y.dtype == object and y.ndim == 2:
        columns = [typed(column) for column in y.T]
        if len({column.dtype.kind for column in columns}) > 1:  # each column has labels of its own type
            for column in columns:
                check_classification_targets(column)
            known = columns if classes is None else classes
            return ClassTargets("multioutput", tuple(np.unique(typed(column)) for column in known))
        y = np.stack(columns, axis=1)
    y = typed(y) if np.ndim(y) == 1 else y
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if isinstance(classes, (list, tuple)) and all(np.ndim(column) == 1 for column in classes):
        kind = "multiclass-multioutput"  # a batch may have but two of a column's classes, and look like labels
    elif kind == "multilabel-indicator" and not np.isin(y, (0, 1)).all():
        kind = "multiclass-multioutput"  # two classes in each column, but not no and yes
    if kind == "multilabel-indicator":
        return ClassTargets("multilabel", (np.arange(y.shape[1]),))
    if kind == "multiclass-multioutput":
        known = classes if classes is not None else list(np.asarray(y).T)
        return ClassTargets("multioutput", tuple(np.unique(typed(column)) for column in known))
    found = np.unique(typed(y if classes is None else classes))
    return ClassTargets("multiclass" if len(found) > 2 else "binary", (found,))


def softmax_by_column(sizes: Sequence[int]) -> Activation:
    """A softmax for each group of so many units: probabilities of the classes of several columns.

    >>> softmax_by_column((2, 3)).value(np.zeros((1, 5))).round(2)
    array([[0.5 , 0.5 , 0.33, 0.33, 0.33]])
    """
    cuts = tuple(np.cumsum(sizes)[:-1].tolist())
    name = f"softmax_by_column({','.join(map(str, sizes))})"
    return Activation(name, partial(_softmaxes, cuts=cuts), partial(_softmaxes_pullback, cuts=cuts), range=(0, 1))


def cross_entropy_by_column(sizes: Sequence[int]) -> FusedLoss:
    """The sum of the columns' categorical cross-entropies, with their softmaxes."""
    cuts = tuple(np.cumsum(sizes)[:-1].tolist())
    activation = softmax_by_column(sizes).name
    value, delta = partial(_cross_entropies, cuts=cuts), partial(_cross_entropies_delta, cuts=cuts)
    return FusedLoss(f"{activation}_cross_entropy", activation, value, delta)


def _softmaxes(Z: Array, cuts: tuple[int, ...]) -> Array:
    return np.hstack([softmax(z) for z in np.split(Z, cuts, axis=1)])


def _softmaxes_pullback(Z: Array, A: Array, dC_dA: Array, cuts: tuple[int, ...]) -> Array:
    return np.hstack([softmax_pullback(z, a, d) for z, a, d in _columns(cuts, Z, A, dC_dA)])


def _cross_entropies(Z: Array, Y: Array, cuts: tuple[int, ...]) -> Array:
    return np.sum([softmax_categorical_cross_entropy(z, y) for z, y in _columns(cuts, Z, Y)], axis=0)


def _cross_entropies_delta(Z: Array, A: Array, Y: Array, cuts: tuple[int, ...]) -> Array:
    return np.hstack([softmax_categorical_cross_entropy_delta(z, a, y) for z, a, y in _columns(cuts, Z, A, Y)])


def _columns(cuts: tuple[int, ...], *arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The units of each column, of all arrays."""
    return zip(*(np.split(M, cuts, axis=1) for M in arrays), strict=True)


def rows_of_labels(y: Any) -> Any:
    """Return a list of rows that hold text and numbers as an array of objects: NumPy would make text of them all."""
    first = y[0] if isinstance(y, (list, tuple)) and len(y) else None
    if isinstance(first, (list, tuple)) and len({_kind_of_label(label) for label in first}) > 1:
        return np.array(y, dtype=object)
    return y


def _kind_of_label(label: Any) -> str:
    return "text" if isinstance(label, str) else "truth" if isinstance(label, (bool, np.bool_)) else "number"


def _places(column: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each label stands among the classes, (N,), and which are none of them, (N,)."""
    if (column.dtype.kind in "US") != (labels.dtype.kind in "US"):
        return np.zeros(len(labels), dtype=int), np.ones(len(labels), dtype=bool)
    positions = np.minimum(np.searchsorted(column, labels), len(column) - 1)
    return positions, np.asarray(column[positions] != labels)


def typed(labels: Any) -> np.ndarray:
    """Labels in NumPy's own type: text that came as objects as text.

    Raises
    ------
    UsageError
        If some are text and others are not.
    """
    labels = np.asarray(labels)
    if labels.dtype != object:
        return labels
    values = labels.tolist()
    texts = [isinstance(value, str) for value in np.ravel(labels).tolist()]
    if any(texts) and not all(texts):
        kinds = sorted({type(value).__name__ for value in np.ravel(labels).tolist()})
        raise UsageError(
            f"y has labels of several types in one column, {' and '.join(kinds)}, which have no order. Make them all "
            "text."
        )
    return np.array(values)
