"""Charts as inline SVG, drawn by pure functions. Colours are classes, so that a page's style sheet sets them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.numerals import number
from chainrule.show.axes import LARGEST, Scale, axes, group, path, round_step, spanning
from chainrule.show.markup import EMPTY, Html, element, text

WIDTH, HEIGHT = 480, 280
LEFT, RIGHT, TOP, BOTTOM = 58, 26, 34, 46


@dataclass(frozen=True)
class Curve:
    """A line of a chart: its name, its values, and the class that colours it ("first", "second")."""

    name: str
    values: Sequence[float]
    tone: str = "first"


def drawing(title: str, *content: Html, width: float = WIDTH, height: float = HEIGHT, class_: str = "chart") -> Html:
    """Wrap shapes into an image that says in words what it shows."""
    return element(
        "svg", element("title", text(title)), *content,
        viewBox=f"0 0 {width:g} {height:g}", width=f"{width:g}", height=f"{height:g}",
        role="img", aria_label=title, class_=class_,
    )  # fmt: skip


def line_chart(
    title: str,
    x: Sequence[float],
    curves: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    log: bool = False,
    include: Sequence[float] = (),
    mark: tuple[float, str] | None = None,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Html:
    """Draw curves over common x.

    Parameters
    ----------
    title : str
        What the chart shows, for those who cannot see it.
    x : sequence of n floats
    curves : sequence of Curve, each with n values
        Values that are not finite, or not above 0 on a logarithmic scale, interrupt a line.
    log : bool
        Whether y is logarithmic.
    include : sequence of float
        Values that the y axis must reach, such as 0.
    mark : (x, words), optional
        A vertical line with its name.

    Returns
    -------
    Html
        Empty if there is nothing to draw.
    """
    values = [float(value) for curve in curves for value in curve.values]
    up = spanning(values, height - BOTTOM, TOP, log)
    along = spanning(x, LEFT, width - RIGHT)
    if up is None or along is None:
        return EMPTY
    if include:
        up = spanning([*values, *include], up.start, up.end, log) or up
    lines = [
        element("path", d=path(zip(map(float, x), map(float, curve.values), strict=True), along, up), class_=curve.tone)
        for curve in curves
    ]
    marked = EMPTY if mark is None else _mark(mark, x, curves, along, up)
    content = (axes(along, up, x_label, y_label, whole_x=True), group(lines, class_="curves"), marked)
    return drawing(title, *content, width=width, height=height)


def _mark(mark: tuple[float, str], x: Sequence[float], curves: Sequence[Curve], along: Scale, up: Scale) -> Html:
    where, words = mark
    if not along.low <= where <= along.high:
        return EMPTY
    at = along(where)
    beside = "end" if at > (along.start + along.end) / 2 else "start"
    parts = [
        element("line", x1=at, x2=at, y1=up.end, y2=up.start, class_="mark"),
        element("text", text(words), x=at + (6 if beside == "start" else 0), y=up.end - 12, class_=f"word {beside}"),
    ]
    for curve in curves:
        for across, value in zip(x, curve.values, strict=True):
            if across == where and up.shows(value):
                parts.append(element("circle", cx=at, cy=up(value), r=4, class_=f"dot {curve.tone}"))
    return group(parts)


def scatter(title: str, x: np.ndarray, y: np.ndarray, *, x_label: str, y_label: str) -> Html:
    """Draw points with the same scale on both axes, and the line on which x equals y."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    side = 400
    both = np.concatenate([x, y])
    along, up = spanning(both, LEFT, side - RIGHT), spanning(both, side - BOTTOM, TOP)
    if along is None or up is None:
        return EMPTY
    points = [
        element("circle", cx=along(a), cy=up(b), r=3)
        for a, b in zip(x.tolist(), y.tolist(), strict=True)
        if along.shows(a) and up.shows(b)
    ]
    diagonal = element("line", x1=along.start, y1=up.start, x2=along.end, y2=up.end, class_="mark")
    return drawing(
        title, axes(along, up, x_label, y_label), diagonal, group(points, class_="points"), width=side, height=side
    )


def histogram(title: str, values: np.ndarray, *, x_label: str, y_label: str = "rows") -> Html:
    """Draw how often values occur, with a line at 0."""
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values) & (np.abs(values) <= LARGEST)]
    along = spanning([*values, 0.0], LEFT, 400 - RIGHT) if len(values) else None
    if along is None:
        return EMPTY
    edges = _edges(values, along)
    along = Scale(float(edges[0]), float(edges[-1]), along.start, along.end)
    counts = np.histogram(values, edges)[0]
    up = Scale(0, float(max(1, counts.max())), 400 - BOTTOM, TOP)
    bars = [
        element(
            "rect", element("title", text(f"{number(low)} to {number(high)}: {n:,}")),
            x=along(low) + 0.5, width=max(0.5, along(high) - along(low) - 1), y=up(n), height=up.start - up(n),
        )
        for n, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if n
    ]  # fmt: skip
    zero = element("line", x1=along(0), x2=along(0), y1=up.start, y2=up.end, class_="mark")
    content = (axes(along, up, x_label, y_label, whole_y=True), group(bars, class_="bars"), zero)
    return drawing(title, *content, width=400, height=400)


def _edges(values: np.ndarray, along: Scale) -> np.ndarray:
    """Round multiples of one step, about as wide as the rule of Freedman and Diaconis says."""
    span = along.high - along.low
    quarter, three_quarters = np.percentile(values, [25, 75])
    wanted = 2 * float(three_quarters - quarter) / len(values) ** (1 / 3)
    step = round_step(min(max(wanted, span / 40), span / 8))
    first, last = math.floor(along.low / step + 1e-9), math.ceil(along.high / step - 1e-9)
    return step * np.arange(first, last + 1, dtype=np.float64)


_STYLE = (
    "svg{background:#fff}text{font:12px system-ui,sans-serif;fill:#333}.end{text-anchor:end}.middle{text-anchor:middle}"
    ".name{font-weight:600}.grid{stroke:#e3e5e8}.axis{stroke:#888}.mark{stroke:#888;stroke-dasharray:3 4}"
    ".curves path{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke:#3a6ea5;stroke-opacity:.75}"
    ".curves .second{stroke:#b3541e}.points circle{fill:#3a6ea5}.bars rect{fill:#3a6ea5}"
)


def standalone(picture: Html) -> str:
    """Return a chart as a file of its own: with the namespace and the style that a page would bring.

    >>> standalone(line_chart("two points", [0, 1], [Curve("c", [0, 1])], x_label="x", y_label="y"))[:40]
    '<svg xmlns="http://www.w3.org/2000/svg" '
    """
    head, _, rest = picture.removeprefix("<svg").partition(">")
    return f'<svg xmlns="http://www.w3.org/2000/svg"{head}><style>{_STYLE}</style>{rest}\n'
