"""How far to go along a direction: the line search of Moré and Thuente (1994), by cubics and parabolas.

It ends where both strong Wolfe conditions hold: phi(t) <= phi(0) + c1 t phi'(0), which is a fall worth the way, and
|phi'(t)| <= c2 |phi'(0)|, which is near enough to the bottom; or, with a fall, where the interval that holds such a t
has become narrow. The bounds on how fast the interval grows and shrinks are
the paper's own, and those of the L-BFGS-B code of Zhu, Byrd, Lu and Nocedal (1997), whose path it follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

C1, C2 = 1e-3, 0.9
NARROW = 0.1  # share of its upper end at which an interval is too narrow to go on
LONGEST = 1e10
MOST_TRIALS = 20


class Trial(NamedTuple):
    """A step t, phi(t) and phi'(t)."""

    t: float
    phi: float
    slope: float


def search(at: Callable[[float], tuple[float, float]], phi: float, slope: float, first: float) -> float | None:
    """Return a step that falls far enough, or None after 20 trials.

    Parameters
    ----------
    at : callable (t) -> (phi(t), phi'(t))
        phi may be infinite: such a step is too long.
    phi, slope : float
        phi(0) and phi'(0), which is below 0.
    first : float
        The step to try first.

    Examples
    --------
    >>> search(lambda t: ((t - 3) ** 2, 2 * (t - 3)), 9.0, -6.0, 1.0)
    1.0
    >>> round(search(lambda t: ((t - 3) ** 2, 2 * (t - 3)), 9.0, -6.0, 100.0), 6)
    3.0
    """
    start = Trial(0.0, phi, slope)
    best, other, bracketed, t = start, start, False, min(first, LONGEST)
    width, width_before = LONGEST, 2 * LONGEST
    low, high, falling = 0.0, 5 * t, True
    for _ in range(MOST_TRIALS):
        new = Trial(t, *at(t))
        if not (math.isfinite(new.phi) and math.isfinite(new.slope)):
            t = best.t + 0.1 * (t - best.t)  # no cubic leads back from infinity
            high = new.t
            continue
        wanted = phi + C1 * t * slope
        far_enough = new.phi <= wanted
        if falling and far_enough and new.slope >= C1 * slope:
            falling = False
        if (far_enough and abs(new.slope) <= -C2 * slope) or _no_room(bracketed, t, low, high):
            return t
        if t == LONGEST and far_enough and new.slope <= C1 * slope:
            return t
        if falling and new.phi <= best.phi and not far_enough:
            # Until a step falls far enough, the function less the wanted fall is what has its minimum in the interval.
            best, other, new = (_tilted(one, -C1 * slope) for one in (best, other, new))
            best, other, t, bracketed = _next(best, other, new, bracketed, low, high)
            best, other = (_tilted(one, C1 * slope) for one in (best, other))
        else:
            best, other, t, bracketed = _next(best, other, new, bracketed, low, high)
        if bracketed:
            if abs(other.t - best.t) >= 0.66 * width_before:
                t = best.t + 0.5 * (other.t - best.t)
            width_before, width = width, abs(other.t - best.t)
            low, high = min(best.t, other.t), max(best.t, other.t)
        else:
            low, high = t + 1.1 * (t - best.t), t + 4 * (t - best.t)
        t = min(max(t, 0.0), LONGEST)
        if _no_room(bracketed, t, low, high):
            t = best.t
    return None


def _tilted(one: Trial, by: float) -> Trial:
    return Trial(one.t, one.phi + one.t * by, one.slope + by)


def _no_room(bracketed: bool, t: float, low: float, high: float) -> bool:
    return bracketed and (not low < t < high or high - low <= NARROW * high)


def _next(
    best: Trial, other: Trial, new: Trial, bracketed: bool, low: float, high: float
) -> tuple[Trial, Trial, float, bool]:
    """Return the ends of the interval, the best first, the step to try next, and whether a minimum lies between."""
    turned = new.slope * math.copysign(1.0, best.slope) < 0
    if new.phi > best.phi:  # higher: the minimum lies between
        cubic, parabola = _cubic(best, new), _parabola(best, new)
        nearer = abs(cubic - best.t) < abs(parabola - best.t)
        t, bracketed = (cubic if nearer else cubic + (parabola - cubic) / 2), True
    elif turned:  # lower, and uphill from here on: it lies between as well
        cubic, secant = _cubic(new, best), _secant(best, new)
        t, bracketed = (cubic if abs(cubic - new.t) > abs(secant - new.t) else secant), True
    elif abs(new.slope) < abs(best.slope):  # lower and flatter: onward, by as much as the slopes promise
        cubic, secant = _cubic_ahead(best, new, low, high), _secant(best, new)
        if bracketed:
            t = cubic if abs(cubic - new.t) < abs(secant - new.t) else secant
            bound = new.t + 0.66 * (other.t - new.t)
            t = min(bound, t) if new.t > best.t else max(bound, t)
        else:
            t = cubic if abs(cubic - new.t) > abs(secant - new.t) else secant
            t = max(low, min(high, t))
    elif bracketed:  # lower and no flatter
        t = _cubic(new, other)
    else:
        t = high if new.t > best.t else low
    if new.phi > best.phi:
        return best, new, t, bracketed
    return new, (best if turned else other), t, bracketed


def _cubic(one: Trial, new: Trial) -> float:
    """Where the cubic through both values and slopes has its minimum, from one end."""
    theta = 3 * (one.phi - new.phi) / (new.t - one.t) + one.slope + new.slope
    gamma = math.copysign(_root(theta, one.slope, new.slope), new.t - one.t)
    p, q = (gamma - one.slope) + theta, ((gamma - one.slope) + gamma) + new.slope
    return one.t + p / q * (new.t - one.t)


def _cubic_ahead(one: Trial, new: Trial, low: float, high: float) -> float:
    """That minimum if it lies beyond the new step, and otherwise as far as one may go."""
    theta = 3 * (one.phi - new.phi) / (new.t - one.t) + one.slope + new.slope
    gamma = math.copysign(_root(theta, one.slope, new.slope), one.t - new.t)
    p, q = (gamma - new.slope) + theta, (gamma + (one.slope - new.slope)) + gamma
    if gamma != 0 and q != 0 and p / q < 0:
        return new.t + p / q * (one.t - new.t)
    return high if new.t > one.t else low


def _root(theta: float, slope: float, new_slope: float) -> float:
    """sqrt(theta^2 - slope new_slope), without overflow."""
    s = max(abs(theta), abs(slope), abs(new_slope))
    return s * math.sqrt(max(0.0, (theta / s) ** 2 - (slope / s) * (new_slope / s)))


def _parabola(one: Trial, new: Trial) -> float:
    """Where the parabola through both values and the slope of the first has its minimum."""
    return one.t + one.slope / ((one.phi - new.phi) / (new.t - one.t) + one.slope) / 2 * (new.t - one.t)


def _secant(one: Trial, new: Trial) -> float:
    """Where the line through both slopes is 0."""
    return new.t + new.slope / (new.slope - one.slope) * (one.t - new.t)
