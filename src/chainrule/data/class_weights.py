"""Weights of classes, so that rare ones count as much as common ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data.class_target import ClassTarget, label_text
from chainrule.data.columns import name_list
from chainrule.errors import UsageError


def balanced(codes: np.ndarray, classes: int) -> np.ndarray:
    """Return the weight of each class: n / (k n_c) for n rows of k classes, n_c of them of class c.

    All classes then have the same sum of weights, and all rows together n. A class without rows has weight 1.

    Parameters
    ----------
    codes : int array (n,)
        Each row's class, counted from 0.
    classes : int

    Examples
    --------
    >>> balanced(np.array([0, 0, 0, 1]), 2)
    array([0.66666667, 2.        ])
    """
    rows = np.bincount(codes, minlength=classes)
    present = np.count_nonzero(rows)
    return np.where(rows > 0, len(codes) / (max(present, 1) * np.maximum(rows, 1)), 1.0)


def by_class(target: ClassTarget, wanted: Any, codes: np.ndarray) -> np.ndarray:
    """Return the weight of each class of a target.

    Parameters
    ----------
    target : ClassTarget
    wanted : "balanced", or pairs of a class and its weight
        Classes that are not named have weight 1.
    codes : int array (n,)
        The class of each training row.

    Raises
    ------
    UsageError
        If a class is named that is none.
    """
    if wanted == "balanced":
        return balanced(codes, len(target.classes))
    position = {label_text(label): i for i, label in enumerate(target.classes)}
    weights = np.ones(len(target.classes))
    for label, weight in wanted:
        if label_text(label) not in position:
            raise UsageError(f"class_weight names {label!r}, which is none of the classes {name_list(position)}.")
        weights[position[label_text(label)]] = weight
    return weights
