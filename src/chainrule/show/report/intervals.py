"""How far a measure on few rows can be trusted: 95 % intervals of a share of right answers, and of RMSE and R²."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Interval = tuple[float, float]

LEAST_ROWS = 10  # resamples of fewer rows say next to nothing
MOST_RESAMPLES, LEAST_RESAMPLES, MOST_DRAWS = 2000, 200, 20_000_000


def wilson_interval(right: int, rows: int, z: float = 1.959964) -> Interval:
    """Return the 95 % interval of a share (Wilson 1927), which stays sensible near 0 and 1.

    >>> [round(end, 3) for end in wilson_interval(35, 36)]
    [0.858, 0.995]
    """
    if rows == 0:
        return 0.0, 1.0
    p, spread = right / rows, z * z / rows
    middle = (p + spread / 2) / (1 + spread)
    half = z * math.sqrt(p * (1 - p) / rows + spread / (4 * rows)) / (1 + spread)
    return (0.0 if right == 0 else middle - half), (1.0 if right == rows else middle + half)


@dataclass(frozen=True)
class Bootstrap:
    """95 % intervals of a regression's measures; an end is NaN where the measure is not defined.

    Attributes
    ----------
    resamples : int
    rmse, r2 : tuple of (low, high)
        For each target.
    mean_r2 : (low, high)
        Of the mean of R² over the targets.
    """

    resamples: int
    rmse: tuple[Interval, ...]
    r2: tuple[Interval, ...]
    mean_r2: Interval


def bootstrap(truth: np.ndarray, predicted: np.ndarray) -> Bootstrap | None:
    """Measure again on rows drawn from the rows, with replacement (Efron 1979): percentiles 2.5 and 97.5.

    The draws are seeded: the same rows give the same intervals.

    Parameters
    ----------
    truth, predicted : float arrays (N, n targets)

    Returns
    -------
    Bootstrap or None
        None for fewer than 10 rows, or values whose squares are not finite.

    Examples
    --------
    >>> truth = np.arange(100.0)[:, None]
    >>> found = bootstrap(truth, truth + np.tile([1.0, -1.0], 50)[:, None])
    >>> found.resamples, found.rmse
    (2000, ((1.0, 1.0),))
    """
    N, n = truth.shape
    with np.errstate(over="ignore", invalid="ignore"):
        t = truth - truth.mean(axis=0)
        M = np.hstack([(predicted - truth) ** 2, t, t * t])
        usable = N >= LEAST_ROWS and np.isfinite(M.sum(axis=0)).all()
    if not usable:
        return None
    resamples = int(np.clip(MOST_DRAWS // N, LEAST_RESAMPLES, MOST_RESAMPLES))
    generator = np.random.default_rng(0)
    means = np.empty((resamples, 3 * n))
    for drawn in means:
        drawn[:] = np.bincount(generator.integers(0, N, N), minlength=N) @ M / N
    squared_error, t_mean, t_squared = np.hsplit(means, 3)
    variance = t_squared - t_mean**2
    constant = variance <= 1e-12 * t_squared
    r2 = np.where(constant, math.nan, 1 - squared_error / np.where(constant, 1.0, variance))
    rmse = np.sqrt(squared_error)
    return Bootstrap(
        resamples,
        tuple(_percentiles(rmse[:, k]) for k in range(n)),
        tuple(_percentiles(r2[:, k]) for k in range(n)),
        _percentiles(r2.mean(axis=1)),
    )


def _percentiles(values: np.ndarray) -> Interval:
    known = values[np.isfinite(values)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
