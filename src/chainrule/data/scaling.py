"""Where the scale of a number begins and how long its unit is, from the values of training."""

from __future__ import annotations

import numpy as np


def scaling(values: np.ndarray, kind: str) -> tuple[float, float]:
    """Return (center, scale) for (value - center) / scale; the scale is 0 for values that are all the same.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        Without missing values.
    kind : {"standard", "robust", "unit", "symmetric", "none"}
        The deviation is the one with n, not n - 1. Where the quartiles coincide, robust uses the deviation.

    Examples
    --------
    >>> scaling(np.array([1.0, 3.0]), "standard")
    (2.0, 1.0)
    >>> scaling(np.array([1.0, 3.0]), "unit")
    (1.0, 2.0)
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if kind == "none":
            return 0.0, 1.0
        if kind == "unit":
            return low, high - low
        if kind == "symmetric":
            return (low + high) / 2, (high - low) / 2
        deviation = float(values.std())
        if kind == "robust":
            first, middle, third = np.quantile(values, [0.25, 0.5, 0.75])
            return float(middle), float(third - first) or deviation
        # A deviation so small that its square is 0: the range is of the same size.
        return float(values.mean()), deviation or high - low


def scaling_in_words(center: float, scale: float) -> str:
    """Write a scaling as a formula.

    >>> scaling_in_words(-2.0, 0.5)
    '(value + 2) / 0.5'
    """
    if (center, scale) == (0, 1):
        return "as it is"
    return f"(value {'-' if center >= 0 else '+'} {abs(center):.6g}) / {scale:.6g}"
