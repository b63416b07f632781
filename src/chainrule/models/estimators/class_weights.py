"""class_weight: the weight of each row, from that of its class."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data.class_weights import balanced
from chainrule.errors import UsageError
from chainrule.models.estimators.class_targets import ClassTargets, typed


def weights_by_class(targets: ClassTargets, of_class: Any, y: np.ndarray) -> np.ndarray:
    """Return each row's weight, (N,): that of its class, 1 where none is given; over several columns multiplied.

    Parameters
    ----------
    targets : ClassTargets
    of_class : "balanced", or dict of label to number, or for several columns a list of them
        A pandas Series with the labels as its index is as good as a dict, and so are numbers for the classes in their
        order.
    y : array (N,) or (N, columns)

    Raises
    ------
    UsageError
        If it names no class, or is not one for each column.
    """
    columns = [np.array([0, 1])] * targets.n_outputs if targets.kind == "multilabel" else list(targets.columns)
    weight = np.ones(len(y))
    if isinstance(of_class, str):
        for labels in np.reshape(y, (len(y), -1)).T:
            codes = np.unique(typed(labels), return_inverse=True)[1]
            weight *= balanced(codes, int(codes.max()) + 1)[codes]
        return weight
    several = isinstance(of_class, list) and any(map(_is_by_class, of_class))
    given = of_class if several else [of_class]
    if len(given) != len(columns) or not all(map(_is_by_class, given)):
        raise UsageError(
            f"class_weight must be a dict for each of {len(columns)} columns of targets, in a list where there are "
            f"several; received {of_class!r}."
        )
    for one, column, labels in zip(given, columns, np.reshape(y, (len(y), -1)).T, strict=True):
        for label, number in _by_class(one, column).items():
            if label not in column.tolist():
                raise UsageError(f"class_weight names {label!r}, which is none of the classes {column.tolist()}.")
            weight[typed(labels) == label] *= number
    return weight


def _is_by_class(weights: Any) -> bool:
    return isinstance(weights, dict) or hasattr(weights, "items") or np.ndim(weights) == 1


def _by_class(weights: Any, column: np.ndarray) -> dict[Any, float]:
    """Weights of classes as a dict, whatever they come as."""
    if hasattr(weights, "items"):  # a dict, or a Series
        return dict(weights.items())
    if len(weights) != len(column):
        raise UsageError(
            f"class_weight has {len(weights)} numbers for {len(column)} classes, {column.tolist()}. Give one for each, "
            "in this order, or a dict."
        )
    return dict(zip(column.tolist(), np.asarray(weights).tolist(), strict=True))
