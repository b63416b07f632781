"""Sparse inputs: which of them are made dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.engines.sparse_first_layer import is_sparse
from chainrule.errors import UsageError

MOST_BYTES = 2**30  # of a dense array that a fit may make of sparse rows
THIN, MANY_FEATURES = 0.05, 1000  # share of entries below which, and features from which on, it is not worth it


def densely(X: Any) -> Any:
    """Return X as a dense array, unless it is sparse and would be too large."""
    size = X.shape[0] * X.shape[1] * X.dtype.itemsize
    return X.toarray() if is_sparse(X) and size <= MOST_BYTES else X


def is_thin(X: Any) -> bool:
    """Whether products with the entries of X alone are sooner done than with a dense array, if that fits at all."""
    few = is_sparse(X) and X.shape[1] >= MANY_FEATURES and X.nnz < THIN * X.shape[0] * X.shape[1]
    return few or is_sparse(densely(X))


def all_at_once(X: Any) -> np.ndarray:
    """Return X as a dense array, for solver='lm'.

    Raises
    ------
    UsageError
        If it would be too large.
    """
    X = densely(X)
    if is_sparse(X):
        raise UsageError(
            f"solver='lm' takes all rows at once, and {X.shape[0]} sparse rows of {X.shape[1]} features would take "
            f"{X.shape[0] * X.shape[1] * X.dtype.itemsize / 2**30:.1f} GiB. Use solver='adam', 'sgd' or 'lbfgs', which "
            "take their entries alone."
        )
    dense: np.ndarray = X
    return dense
