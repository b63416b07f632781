"""One derivative by central differences: is the analytic value right, wrong, or at a kink of the cost?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

# Steps tried for each parameter, relative to its size: a large one suffers from curvature, a small one from
# rounding, and which is best differs from parameter to parameter.
_STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
# Tried before an entry is called wrong: beside a kink, or where inputs in thousands bend the cost.
_FINER_STEPS = (1e-7, 1e-8, 1e-9, 1e-10)
_HARMLESS = 1e-4  # no mistake in a derivative is a factor that close to 1
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class GradientEntry:
    """One parameter of a gradient check.

    `verdict` is "right", "kink" (the cost has a corner there and the analytic value lies between its two slopes, so
    it is as right as any) or "wrong".
    """

    name: str
    analytic: float
    numeric: float
    relative_error: float
    step: float
    verdict: str


def judged_entry(
    name: str, cost: Callable[[float], float], J: float, p: float, analytic: float, tolerance: float
) -> GradientEntry:
    """Judge one parameter, with finer steps before it is called wrong."""
    scale = max(1.0, abs(p))
    trials = [_trial(cost, J, p, relative * scale) for relative in _STEPS]
    entry = _judged(name, trials, J, analytic, tolerance)
    if entry.verdict == "right":
        return entry
    trials += [_trial(cost, J, p, relative * scale) for relative in _FINER_STEPS]
    return _judged(name, trials, J, analytic, tolerance)


def _judged(name: str, trials: list[_Trial], J: float, analytic: float, tolerance: float) -> GradientEntry:
    """Judge by the step at which central differences are most certain."""
    noise = _noise(trials[: len(_STEPS)], J)  # at the finer ones every cost is the same in the end
    # A step's doubt: how far the next smaller step disagrees, plus what rounding can do to either.
    doubts = [abs(this.central - after.central) + noise / this.step for this, after in pairwise(trials)]
    best = trials[int(np.argmin(doubts))]
    numeric = best.central
    size = max(abs(analytic), abs(numeric))
    # Rounding alone must not fail a tiny gradient, nor a doubt too small to hide a mistake one that is not so tiny.
    uncertain = max(noise / best.step, min(min(doubts), _HARMLESS * size))
    relative_error = abs(analytic - numeric) / max(size, uncertain / tolerance)
    if not np.isfinite(relative_error):
        return GradientEntry(name, analytic, numeric, float("inf"), best.step, "wrong")
    if relative_error <= tolerance:
        return GradientEntry(name, analytic, numeric, relative_error, best.step, "right")
    verdict = "kink" if _at_kink(trials, analytic, noise) else "wrong"
    return GradientEntry(name, analytic, numeric, relative_error, best.step, verdict)


class _Trial(NamedTuple):
    """The slopes of the cost around a parameter at one step, and the largest cost met."""

    step: float
    central: float
    below: float
    above: float
    largest: float

    @property
    def gap(self) -> float:
        return abs(self.above - self.below)


def _trial(cost: Callable[[float], float], J: float, p: float, h: float) -> _Trial:
    above, below = p + h, p - h
    J_above, J_below = cost(above), cost(below)
    central = (J_above - J_below) / (above - below)
    return _Trial(h, central, (J - J_below) / (p - below), (J_above - J) / (above - p), max(abs(J_above), abs(J_below)))


def _noise(trials: list[_Trial], J: float) -> float:
    """How far rounding can move the cost.

    At least as the cost's own size says. A cost may be small because large numbers cancelled in it; then steps
    disagree by more, or one finds the very same cost, and that counts as far as rounding of numbers near 1 explains.
    """
    of_size = _EPSILON * max(max(trial.largest for trial in trials), 1e-300)
    of_one = _EPSILON * max(1.0, abs(J))
    if any(trial.above == trial.below == 0 for trial in trials):
        return 8 * max(of_size, of_one)
    seen = max(abs(this.central - after.central) * after.step for this, after in pairwise(trials))
    return 8 * max(of_size, min(seen, 8 * of_one))


def _at_kink(trials: list[_Trial], analytic: float, noise: float) -> bool:
    """Whether the cost has a corner beside the parameter, with the analytic value between the slopes around it.

    Where a cost is smooth, the gap between its two slopes shrinks with the step (it is h times the curvature);
    around a corner it stays, until the step no longer reaches the corner. Where the cost jumps (a step unit at 0), the
    gap times the step stays: the height of the jump. Where a cost is noise, neither does.
    """
    visible = [trial for trial in trials if trial.gap > 4 * noise / trial.step]
    corner = any(after.gap > 0.5 * before.gap for before, after in pairwise(visible))
    noisy = any(
        after.gap > 2 * before.gap and abs(after.gap * after.step / (before.gap * before.step) - 1) > 0.1
        for before, after in pairwise(visible[1:])
    )
    if not corner or noisy:
        return False
    finest = visible[-1]
    margin = 1e-3 * finest.gap + noise / finest.step
    return min(finest.below, finest.above) - margin <= analytic <= max(finest.below, finest.above) + margin
