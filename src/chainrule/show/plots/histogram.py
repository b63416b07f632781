"""Counting numbers into bins, and drawing the counts as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import UsageError
from chainrule.show.plots.style import SOFT, height_of, plain_numbers, whole_numbers, width_of

MOST_BINS = 120
CHARACTER, LINE = 4.7, 13.0  # points, of the facts


class Histogram(NamedTuple):
    """Counts between edges.

    Attributes
    ----------
    counts : int array (bins,)
    edges : float array (bins + 1,)
    """

    counts: np.ndarray
    edges: np.ndarray


def histogram(values: np.ndarray, bins: int | None = None) -> Histogram:
    """Count values into bins of equal width.

    Parameters
    ----------
    values : array of any shape
    bins : int, optional
        By default NumPy's rule "auto", with at most 120: a few far values would otherwise call for thousands.

    Raises
    ------
    UsageError
        If `bins` is not a whole number of at least 1.

    Examples
    --------
    >>> histogram(np.array([0.0, 0.1, 1.0]), 2)
    Histogram(counts=array([2, 1]), edges=array([0. , 0.5, 1. ]))
    """
    values = np.ravel(values)
    if bins is None:
        low, high = float(values.min()), float(values.max())
        # Differences below the precision of the numbers are none.
        if high - low <= 1e-12 * max(abs(low), abs(high)):
            half = max(0.5, 1e-6 * abs(low))
            return Histogram(*np.histogram(values, bins=1, range=(low - half, high + half)))
        bins = min(MOST_BINS, _wanted(values))
    elif isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise UsageError(f"bins must be a whole number of at least 1; received {bins!r}.")
    return Histogram(*np.histogram(values, bins=int(bins)))


def _wanted(values: np.ndarray) -> int:
    """The number of bins of NumPy's rule "auto", worked out without making them: there may be too many to make."""
    n, spread = values.size, float(np.ptp(values))
    sturges = spread / (np.log2(n) + 1.0)
    quarters = np.subtract(*np.percentile(values, [75, 25]))
    freedman_diaconis = 2.0 * float(quarters) / n ** (1 / 3)
    width = min(freedman_diaconis, sturges) if freedman_diaconis > 0 else sturges
    return max(1, int(np.ceil(min(spread / width, 10.0 * MOST_BINS))))


def draw_bars(ax: Any, bars: Histogram, colour: str, facts: Sequence[str]) -> None:
    """Draw the counts as touching bars, and some facts above them, where they cover nothing."""
    ax.bar(
        bars.edges[:-1], bars.counts, width=np.diff(bars.edges), align="edge", color=colour, edgecolor="white",
        linewidth=0.6 if len(bars.counts) <= 60 else 0.3,
    )  # fmt: skip
    ax.grid(False, axis="x")
    whole_numbers(ax.yaxis, most=5)
    plain_numbers(ax.xaxis, most=max(2, int(width_of(ax) / 32)))
    in_a_row = CHARACTER * sum(len(fact) + 2 for fact in facts) <= width_of(ax)
    lines = 1 if in_a_row else len(facts)
    room = min(0.6, (LINE * lines + 8) / height_of(ax))
    ax.set_ylim(0, max(1, bars.counts.max()) / (1 - room))
    ax.annotate(
        (", " if in_a_row else "\n").join(facts), (0, 1), xycoords="axes fraction", xytext=(4, -3),
        textcoords="offset points", va="top", fontsize=9, color=SOFT,
    )  # fmt: skip
