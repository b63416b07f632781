"""A graph of gates as a picture: values run from left to right, derivatives stand beneath them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chainrule.core.gates import Derivatives, Gate, in_order, send_back
from chainrule.errors import UsageError
from chainrule.numerals import number
from chainrule.show.markup import Html, element, text

COLUMN, ROW, RADIUS, MARGIN = 178.0, 92.0, 21.0, 66.0
CHARACTER = 8.0  # the width of a letter
MOST_GATES = 150
STYLE = (
    "text{font:13px system-ui,sans-serif;text-anchor:middle;fill:#222}.value{fill:#1a6b2f}"
    ".slope{fill:#b3261e;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}"
    ".name{font-weight:600}rect{fill:#fff;stroke:#444;stroke-width:1.4}.input{fill:#eef3fb}"
    "path{fill:none;stroke:#8a8f98;stroke-width:1.3}"
)


def draw_gates(output: Gate, *, title: str = "") -> Html:
    """Draw the graph of a gate as a self-contained SVG.

    Each gate shows its operation; above it stands its value (green), below it the derivative of the output with respect
    to it (red). Where a gate is used several times, its edges show what each passes back: the terms of that derivative.

    Parameters
    ----------
    output : Gate
    title : str
        What the picture shows, for those who cannot see it.

    Returns
    -------
    Html
        An `<svg>` element; write it to a file to look at it.

    Raises
    ------
    UsageError
        If there are more than 150 gates.

    Examples
    --------
    >>> from chainrule.core.gates import gate
    >>> picture = draw_gates((gate(-2.0, "x") + gate(5.0, "y")) * 3)
    >>> picture.startswith("<svg"), "−2" in picture
    (True, True)
    """
    gates = in_order(output)
    if len(gates) > MOST_GATES:
        raise UsageError(
            f"the graph has {len(gates)} gates; at most {MOST_GATES} can be drawn so that they can be read."
        )
    flow = send_back(output)
    columns = _columns(gates)
    places = {
        g.key: (MARGIN + COLUMN * x, MARGIN + ROW * (y + 0.5 * (max(map(len, columns)) - len(column))))
        for x, column in enumerate(columns)
        for y, g in enumerate(column)
    }
    width = 2 * MARGIN + COLUMN * (len(columns) - 1) + 40
    height = 2 * MARGIN + ROW * (max(map(len, columns)) - 1)
    shapes = [element("style", Html(STYLE)), element("title", text(title or "a computation as gates"))]
    shapes += [_edge(places[e.source.key], places[e.target.key]) for e in flow.edges]
    uses = Counter(e.source.key for e in flow.edges)
    several = [e for e in flow.edges if uses[e.source.key] > 1]
    shapes += [_edge_words(places[e.source.key], places[e.target.key], e.passed) for e in several]
    shapes += [shape for g in gates for shape in _gate(g, places[g.key], flow)]
    return element(
        "svg", *shapes, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:g} {height:g}", width=f"{width:g}",
        height=f"{height:g}", role="img",
    )  # fmt: skip


def _columns(gates: Sequence[Gate]) -> list[list[Gate]]:
    """Gates by their distance from the output, the inputs first; within a column in the order of what they feed."""
    depth = {gates[-1].key: 0}
    for g in reversed(gates):
        for source in g.inputs:
            depth[source.key] = max(depth.get(source.key, 0), depth[g.key] + 1)
    last = max(depth.values())
    columns: list[list[Gate]] = [[] for _ in range(last + 1)]
    for g in gates:
        columns[last - depth[g.key]].append(g)
    return columns


def _edge(start: tuple[float, float], end: tuple[float, float]) -> Html:
    (x1, y1), (x2, y2) = start, end
    x1, x2 = x1 + RADIUS, x2 - RADIUS
    bend = 0.5 * (x1 + x2)
    return element("path", d=f"M{x1:.1f} {y1:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}")


def _edge_words(start: tuple[float, float], end: tuple[float, float], passed: float) -> Html:
    """What an edge passes back, on the edge, past its middle."""
    t = 0.55
    along, up = t + 0.6 * t * (1 - t) * (2 * t - 1), t * t * (3 - 2 * t)
    x, y = start[0] + (end[0] - start[0]) * along, start[1] + (end[1] - start[1]) * up
    return element("text", text(number(passed, 3)), x=x, y=y + 4, class_="slope")


def _gate(g: Gate, place: tuple[float, float], flow: Derivatives) -> list[Html]:
    x, y = place
    symbol = g.operation.symbol if g.operation else g.name or number(g.value, 3)
    above = [element("text", text(g.name), x=x, y=y - RADIUS - 19, class_="name")] if g.operation and g.name else []
    wide = max(RADIUS, 0.5 * CHARACTER * len(symbol) + 6)
    return [
        element("rect", x=x - wide, y=y - RADIUS, width=2 * wide, height=2 * RADIUS, rx=RADIUS,
                class_=None if g.operation else "input"),
        element("text", text(symbol), x=x, y=y + 5),
        *above,
        element("text", text(number(g.value, 4)), x=x, y=y - RADIUS - 4, class_="value"),
        element("text", text(number(flow[g], 4)), x=x, y=y + RADIUS + 14, class_="slope"),
    ]  # fmt: skip
