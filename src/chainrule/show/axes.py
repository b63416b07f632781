"""From values to pixels: scales, sensible ticks, and the axes of a chart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from chainrule.numerals import number, plain
from chainrule.show.markup import Html, element, join, pixel, text

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
CHARACTER = 7.5  # pixels, of a tick label
LARGEST = 1e150  # beyond this, differences and squares of values stop being finite numbers


@dataclass(frozen=True)
class Scale:
    """A map from values [low, high] to pixels [start, end], straight or by the logarithm.

    >>> Scale(0, 10, 50, 450)(2.5), Scale(0.01, 1, 0, 100, log=True)(0.1)
    (150.0, 50.0)
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def shows(self, value: float) -> bool:
        """Say whether a value has a place: it is finite, and above 0 on a logarithmic scale."""
        return math.isfinite(value) and abs(value) <= LARGEST and (not self.log or value > 0)

    def ticks(self, most: int = 6, whole: bool = False) -> list[tuple[float, str]]:
        """Return values inside the scale to mark, with their labels."""
        return _log_ticks(self.low, self.high) if self.log else _ticks(self.low, self.high, most, whole)


def spanning(values: Iterable[float], start: float, end: float, log: bool = False) -> Scale | None:
    """Return the scale whose ends are the smallest and the largest value, or None if no value can be shown."""
    probe = Scale(0, 1, start, end, log)
    shown = [value for value in map(float, values) if probe.shows(value)]
    if not shown:
        return None
    low, high = min(shown), max(shown)
    # A range below the precision of its values cannot be divided into ticks.
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = (low / 2, high * 2) if log else (low - (abs(low) / 2 or 1.0), high + (abs(high) / 2 or 1.0))
    return Scale(low, high, start, end, log)


def wants_log(values: Iterable[float]) -> bool:
    """Say whether values are all positive and span more than two decades.

    >>> wants_log([0.001, 1.0]), wants_log([0.1, 1.0]), wants_log([-1.0, 1.0]), wants_log([float("nan")])
    (True, False, False, False)
    """
    shown = [value for value in values if math.isfinite(value) and abs(value) <= LARGEST]
    return bool(shown) and min(shown) > 0 and max(shown) / 100 > min(shown)


def round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `least`.

    >>> round_step(0.03), round_step(2.0), round_step(7)
    (0.05, 2.0, 10.0)
    """
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _ticks(low: float, high: float, most: int, whole: bool) -> list[tuple[float, str]]:
    step = round_step((high - low) / most)
    step = max(step, 1.0) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [k * step for k in range(first, last + 1)]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    largest = max(abs(low), abs(high))
    if largest >= 1e6:
        power = math.floor(math.log10(largest) + 1e-9)
        decimals = max(0, power - math.floor(math.log10(step) + 1e-9))
        if decimals <= 6:
            return [(value, _scientific(value, power, decimals)) for value in values]
    if decimals > 6:
        digits = max(1, math.floor(math.log10(largest)) + 1 - math.floor(math.log10(step) + 1e-9))
        return [(value, number(value, digits)) for value in values]
    return [(value, plain(value, decimals)) for value in values]


def _scientific(value: float, power: int, decimals: int) -> str:
    """Write a tick of a long axis with the power of ten of all of them.

    >>> _scientific(-1_500_000.0, 6, 1), _scientific(0.0, 6, 1)
    ('−1.5·10⁶', '0')
    """
    return f"{plain(value / 10.0**power, decimals)}·10{str(power).translate(_RAISED)}" if value else "0"


def _log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = math.log10(high / low)
    factors = (1, 2, 5) if decades < 2 else (1, 3) if decades < 3 else (1,)
    every = max(1, math.ceil((last - first) / 7))
    values = [factor * 10.0**k for k in range(first, last + 1, every) for factor in factors]
    slack = 1 + 1e-9
    return [(value, number(value, 3)) for value in values if low / slack <= value <= high * slack]


def axes(x: Scale, y: Scale, x_label: str, y_label: str, *, whole_x: bool = False, whole_y: bool = False) -> Html:
    """Draw grid lines, tick labels and axis names; the plot lies between the scales' pixels."""
    left, right, top, bottom = x.start, x.end, y.end, y.start
    parts = []
    for value, label in y.ticks(5, whole_y):
        at = y(value)
        parts.append(element("line", x1=left, x2=right, y1=at, y2=at, class_="grid"))
        parts.append(element("text", text(label), x=left - 8, y=at + 4, class_="tick end"))
    for value, label in _apart(x, whole_x):
        at = x(value)
        parts.append(element("line", x1=at, x2=at, y1=bottom, y2=bottom + 5, class_="axis"))
        parts.append(element("text", text(label), x=at, y=bottom + 19, class_="tick middle"))
    parts.append(element("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    parts.append(element("text", text(x_label), x=right, y=bottom + 37, class_="name end"))
    parts.append(element("text", text(y_label), x=2.0, y=top - 12, class_="name"))
    return element("g", *parts, aria_hidden="true")


def _apart(x: Scale, whole: bool) -> list[tuple[float, str]]:
    """As many ticks as there is room for beside each other."""
    for most in (6, 5, 4, 3):
        ticks = x.ticks(most, whole)
        if CHARACTER * sum(len(label) + 1 for _, label in ticks) <= x.end - x.start + 2 * CHARACTER:
            return ticks
    return x.ticks(2, whole)


def path(points: Iterable[tuple[float, float]], x: Scale, y: Scale) -> str:
    """Return the path data of a line through the points, interrupted where a value has no place.

    >>> path([(0, 0), (1, 1), (2, float("nan")), (3, 0)], Scale(0, 3, 0, 30), Scale(0, 1, 10, 0))
    'M0,10L10,0M30,10h0'
    """
    runs: list[list[str]] = [[]]
    for across, up in points:
        if x.shows(across) and y.shows(up):
            runs[-1].append(f"{pixel(x(across))},{pixel(y(up))}")
        elif runs[-1]:
            runs.append([])
    # A point alone is drawn by its round cap, as a line of no length.
    return "".join("M" + "L".join(run) + ("h0" if len(run) == 1 else "") for run in runs if run)


def thinned(values: np.ndarray, most: int = 400, keep: Iterable[int] = ()) -> list[int]:
    """Return at most `most` positions that keep a curve's looks: the lowest and the highest of each stretch.

    Parameters
    ----------
    values : array (curves, points)
        Positions are chosen by the first curve.
    most : int
    keep : iterable of int
        Positions that must stay.

    >>> len(thinned(np.arange(10_000.0)[None, :], 400, keep=[5])) <= 400
    True
    """
    n = values.shape[1]
    if n <= most:
        return list(range(n))
    keep = list(keep)
    stretches = np.array_split(np.arange(n), (most - 2 - len(keep)) // 2)
    first = np.where(np.isfinite(values[0]), values[0], 0.0)
    chosen = {0, n - 1, *keep}
    for stretch in stretches:
        chosen |= {int(stretch[np.argmin(first[stretch])]), int(stretch[np.argmax(first[stretch])])}
    return sorted(chosen)


def group(parts: Iterable[Html], **attributes: object) -> Html:
    """Return an SVG group."""
    return element("g", join(parts), **attributes)
