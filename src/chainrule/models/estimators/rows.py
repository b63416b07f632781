"""The rows that an estimator is given: checked, weighed, and some of them kept aside."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight

from chainrule.engines.sparse_first_layer import is_sparse
from chainrule.errors import UsageError


class Rows(NamedTuple):
    """Inputs, what a person calls the targets, those of the output units, and weights or None."""

    X: Any
    y: np.ndarray
    Y: np.ndarray
    weight: np.ndarray | None = None


def dense(y: Any) -> np.ndarray:
    """Return targets as an array; indicators of labels may come sparse."""
    array: np.ndarray = y.toarray() if is_sparse(y) else np.asarray(y)
    return array


def checked_weight(name: str, weight: Any, X: Any) -> np.ndarray | None:
    """Return the rows' weights, (N,), in the dtype of X.

    Raises
    ------
    ValueError
        If they are not one finite number of at least 0 for each row, or all 0.
    """
    if weight is None:
        return None
    checked: np.ndarray = _check_sample_weight(weight, X, dtype=X.dtype)
    if not (checked >= 0).all():
        raise UsageError(f"{name} must be at least 0; received {checked.min():g}.")
    if not checked.any():
        raise UsageError(f"{name} is 0 for every row; at least one must be above 0.")
    with np.errstate(over="ignore"):
        total = float(checked.sum(dtype=np.float64))
    if not 1e-200 < total < 1e200:
        raise UsageError(f"{name} adds up to {total:g}, which leaves no room for arithmetic. Give weights around 1.")
    return checked


def kept_aside(rows: Rows, fraction: float, random: np.random.RandomState, strata: Any) -> tuple[Rows, Rows]:
    """Divide rows for training and early stopping, as scikit-learn divides them with that random state.

    Raises
    ------
    UsageError
        If fewer than 2 rows would be kept.
    """
    arrays = [part for part in rows if part is not None]
    split = train_test_split(*arrays, random_state=random, test_size=fraction, stratify=strata)
    train, kept = Rows(*split[::2]), Rows(*split[1::2])
    if kept.X.shape[0] < 2:
        raise UsageError(
            "The validation set is too small: early_stopping needs at least 2 rows to score. Raise "
            "validation_fraction, give more rows, or pass X_val and y_val."
        )
    return train, kept
