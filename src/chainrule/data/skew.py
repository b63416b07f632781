"""Skewed targets: a logarithm for large values of either sign that is a straight line around 0."""

from __future__ import annotations

import numpy as np

# Measured on tables, real and generated; see docs/tables.md.
SKEWED = 2.0  # above it (or below minus it), targets are put on that scale
EXTREME = 0.01  # share of the rows at each end, at least one, without which values must be skewed too ...
SKEWED_WITHOUT = 1.0  # ... beyond this: otherwise a few errors would bend the scale for all
STILL_SKEWED = 0.5  # share of the skewness that may be left; otherwise it is no help
FEWEST_ROWS = 30
BOTH_SIGNS = 0.9  # quantile of |y| that is the unit where values have both signs; otherwise it is the median
LARGEST = 1e150  # beyond it, squares and cubes are no numbers


def skewness(values: np.ndarray) -> float:
    """Return the third standardised moment, mean((y - m)^3) / s^3; 0 for values that are all the same.

    >>> round(skewness(np.array([0.0, 0.0, 0.0, 1.0])), 3)
    1.155
    """
    largest = float(np.abs(values).max())
    deviations = values / largest if largest else values
    deviations = deviations - deviations.mean()
    spread = float(deviations.std())
    return float(np.mean((deviations / spread) ** 3)) if spread > 1e-12 else 0.0


def log_unit(values: np.ndarray) -> float | None:
    """Return the unit u of the scale arsinh(y / u), or None where no value is different from 0.

    It is the median size of the values that are not 0; where they have both signs, it is the size below which nine
    tenths of them are, as the sign of small ones says little.
    """
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return None
    both = bool((values < 0).any() and (values > 0).any())
    return float(np.quantile(sizes, BOTH_SIGNS if both else 0.5))


def skewed(values: np.ndarray) -> float | None:
    """Return the unit where a scale like a logarithm suits the values, or None.

    They must have a skewness beyond 2, of which the scale leaves no more than half; and one beyond 1 with the hundredth
    at each end moved to the next value.

    >>> rng = np.random.default_rng(0)
    >>> skewed(rng.normal(size=500)) is None, skewed(np.exp(2 * rng.normal(size=500))) is None
    (True, False)
    """
    if len(values) < FEWEST_ROWS or not float(np.abs(values).max()) < LARGEST:
        return None
    before, unit = abs(skewness(values)), log_unit(values)
    ordered = np.sort(values)
    k = int(np.ceil(EXTREME * len(values)))
    inner = np.clip(values, ordered[k], ordered[-k - 1])
    if before <= SKEWED or abs(skewness(inner)) <= SKEWED_WITHOUT or unit is None:
        return None
    return unit if abs(skewness(np.arcsinh(values / unit))) <= STILL_SKEWED * before else None
