"""The network as a picture: units as circles by layer, weights as lines whose width and colour say how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chainrule.core.layers import Layer
from chainrule.core.network import Network
from chainrule.numerals import number
from chainrule.show.axes import group
from chainrule.show.confusion import cut
from chainrule.show.markup import Html, element, text
from chainrule.show.svg import drawing

MOST_UNITS, LAST_UNITS = 24, 4
MOST_LAYERS = 9
MOST_LINES = 1500
EASY_TO_POINT_AT = 400  # up to so many lines, each gets a wide unseen one that takes the pointer
STEP, RADIUS, TOP = 27.0, 7.5, 52.0
PAGE = 970.0  # the drawing is made as wide as the page, if that suits its layers
LEAST_GAP, LARGEST_GAP = 170.0, 360.0
CHARACTER = 7.2
SHORTEST_CUT, LONGEST_CUT = 22, 44  # characters


@dataclass(frozen=True)
class Place:
    """A layer in the drawing: the units that are shown, at their heights; `skipped` units after them is a gap."""

    layer: int
    x: float
    units: tuple[int, ...]
    heights: tuple[float, ...]
    gap: float | None = None


@dataclass(frozen=True)
class Connection:
    """A weight to draw: its strength is its size beside the largest of its layer."""

    weight: float
    strength: float
    ends: tuple[float, float, float, float]
    words: str


def network_drawing(network: Network, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[Html, str]:
    """Draw a network.

    Parameters
    ----------
    network : Network
    inputs, outputs : sequence of str
        Names of the input and output units.

    Returns
    -------
    (Html, str)
        The drawing, and what it leaves out, in words (empty if nothing).
    """
    sizes = network.sizes
    layers = _layers_shown(len(sizes))
    gaps = len(layers) - 1
    most = _longest_name(inputs, outputs, PAGE - LEAST_GAP * gaps)
    shown_inputs, shown_outputs = [cut(name, most) for name in inputs], [cut(name, most) for name in outputs]
    left = 30 + CHARACTER * max(map(len, shown_inputs))
    right = 30 + CHARACTER * max(map(len, shown_outputs))
    gap = min(LARGEST_GAP, max(LEAST_GAP, (PAGE - left - right) / gaps))
    rows = max(min(size, MOST_UNITS + 1) for size in sizes)
    height = TOP + rows * STEP + 14
    places = [
        _place(layer, left + gap * column, sizes[layer], rows)
        for column, layer in enumerate(layers)
        if layer is not None
    ]
    width = left + gap * gaps + right
    lines, drawn, total = _connections(network, places, inputs, outputs)
    content = [
        group(lines, class_="weights"),
        *(_units(network, place, (inputs, shown_inputs), (outputs, shown_outputs)) for place in places),
        *(_layer_gap(left + gap * column, height) for column, layer in enumerate(layers) if layer is None),
    ]
    picture = drawing(
        f"Network {sizes_in_words(sizes)}: units by layer, from the inputs on the left to the outputs on the right",
        *content, width=round(width), height=round(height),
        class_="network fits" if width <= PAGE + 1 else "network",
    )  # fmt: skip
    return picture, _left_out(sizes, places, layers, drawn, total)


def sizes_in_words(sizes: Sequence[int]) -> str:
    """Write the units of each layer.

    >>> sizes_in_words([13, 16, 3]), sizes_in_words([2] + [30] * 20 + [1])
    ('13-16-3', '2-30-30-…-30-1')
    """
    return "-".join(map(str, sizes if len(sizes) <= 8 else (*sizes[:3], "…", *sizes[-2:])))


def _longest_name(inputs: Sequence[str], outputs: Sequence[str], room: float) -> int:
    """How many characters of the longest names can be shown, the layers between them keeping their distance."""
    longest = [max(map(len, names)) for names in (inputs, outputs)]
    fitting = (
        most
        for most in range(LONGEST_CUT, SHORTEST_CUT, -1)
        if sum(30 + CHARACTER * min(most, n) for n in longest) <= room
    )
    return next(fitting, SHORTEST_CUT)


def _layers_shown(n: int) -> list[int | None]:
    if n <= MOST_LAYERS:
        return list(range(n))
    return [0, 1, 2, 3, None, n - 4, n - 3, n - 2, n - 1]


def _place(layer: int, x: float, size: int, rows: int) -> Place:
    """Spread a layer's units over the height, the first and the last ones if they are too many."""
    if size <= MOST_UNITS:
        start = TOP + STEP * (rows - size + 1) / 2
        return Place(layer, x, tuple(range(size)), tuple(start + STEP * i for i in range(size)))
    head = MOST_UNITS - LAST_UNITS
    units = (*range(head), *range(size - LAST_UNITS, size))
    rows_used = (*range(head), *range(head + 1, MOST_UNITS + 1))
    start = TOP + STEP / 2 + STEP * (rows - MOST_UNITS - 1) / 2
    return Place(layer, x, units, tuple(start + STEP * row for row in rows_used), start + STEP * head)


def _connections(
    network: Network, places: Sequence[Place], inputs: Sequence[str], outputs: Sequence[str]
) -> tuple[list[Html], int, int]:
    """Lines for the strongest weights between shown units, the weakest first so that the strong lie on top."""
    found: list[Connection] = []
    for before, after in pairwise(places):
        if after.layer != before.layer + 1:
            continue
        W = _connecting(network.layers[after.layer - 1]).astype(np.float64)
        largest = float(np.abs(W).max(initial=0.0)) or 1.0
        for unit, height in zip(before.units, before.heights, strict=True):
            source = f" on {inputs[unit]}" if before.layer == 0 else ""
            for other, height_after in zip(after.units, after.heights, strict=True):
                weight = float(W[unit, other])
                target = f" to {outputs[other]}" if after.layer == len(network.layers) else ""
                name = f"W[{after.layer}][{unit + 1},{other + 1}] = {number(weight, 6)}{source}{target}"
                ends = (before.x + RADIUS, height, after.x - RADIUS, height_after)
                found.append(Connection(weight, abs(weight) / largest, ends, name))
    strongest = sorted(found, key=lambda connection: -connection.strength)[:MOST_LINES]
    widest = 4.5 if len(strongest) <= 60 else 3.0 if len(strongest) <= EASY_TO_POINT_AT else 2.2
    reach = len(strongest) <= EASY_TO_POINT_AT
    lines = [_line(connection, widest, reach) for connection in reversed(strongest)]
    return lines, len(strongest), sum(_connecting(layer).size for layer in network.layers)


def _line(connection: Connection, widest: float, reach: bool) -> Html:
    x1, y1, x2, y2 = connection.ends
    tone = "plus" if connection.weight > 0 else "minus" if connection.weight < 0 else "zero"
    words = element("title", text(connection.words))
    line = element(
        "line", *(() if reach else (words,)), x1=x1, y1=y1, x2=x2, y2=y2, class_=tone,
        stroke_width=0.4 + (widest - 0.4) * connection.strength, stroke_opacity=0.22 + 0.7 * connection.strength,
    )  # fmt: skip
    if not reach:
        return line
    return element("g", words, element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="reach"), line)


def _units(
    network: Network,
    place: Place,
    inputs: tuple[Sequence[str], Sequence[str]],
    outputs: tuple[Sequence[str], Sequence[str]],
) -> Html:
    """Draw the units of a layer; names come whole and as they are shown."""
    last = len(network.layers)
    parts = [
        element("text", text(_layer_name(place.layer, last)), x=place.x, y=18, class_="word middle"),
        element("text", text(_layer_detail(network, place.layer)), x=place.x, y=35, class_="tick middle"),
    ]
    biases = None if place.layer == 0 else _biases(network.layers[place.layer - 1])
    for unit, at in zip(place.units, place.heights, strict=True):
        words = f"layer {place.layer}, unit {unit + 1}"
        if place.layer == 0:
            words = f"{inputs[0][unit]} (input {unit + 1})"
        elif place.layer == last:
            words = f"{outputs[0][unit]} (output {unit + 1})"
        if biases is not None:
            words += f": b[{place.layer}][{unit + 1}] = {number(float(biases[unit]), 6)}"
        parts.append(element("circle", element("title", text(words)), cx=place.x, cy=at, r=RADIUS, class_="unit"))
        if place.layer == 0:
            name = element("title", text(inputs[0][unit])), text(inputs[1][unit])
            parts.append(element("text", *name, x=place.x - RADIUS - 8, y=at + 4, class_="tick end"))
        if place.layer == last:
            name = element("title", text(outputs[0][unit])), text(outputs[1][unit])
            parts.append(element("text", *name, x=place.x + RADIUS + 8, y=at + 4, class_="tick"))
    if place.gap is not None:
        hidden = network.sizes[place.layer] - len(place.units)
        parts.append(element("text", text(f"… {hidden:,} more"), x=place.x, y=place.gap + 4, class_="word middle"))
    return group(parts)


def _layer_gap(x: float, height: float) -> Html:
    return element("text", text("…"), x=x, y=(TOP + height) / 2, class_="word middle")


def _layer_name(layer: int, last: int) -> str:
    return "inputs" if layer == 0 else "outputs" if layer == last else f"layer {layer}"


def _layer_detail(network: Network, layer: int) -> str:
    return (
        f"{network.sizes[layer]:,}"
        if layer == 0
        else f"{network.sizes[layer]:,} · {network.layers[layer - 1].activation.name}"
    )


def _connecting(layer: Layer) -> np.ndarray:
    """The weights between units: without the bias row that x0 puts first."""
    W: np.ndarray = np.asarray(layer.weights)
    return W[1:] if layer.x0 else W


def _biases(layer: Layer) -> np.ndarray | None:
    if layer.x0:
        row: np.ndarray = np.asarray(layer.weights)[0]
        return row
    return None if layer.biases is None else np.asarray(layer.biases)


def _left_out(
    sizes: Sequence[int], places: Sequence[Place], layers: Sequence[int | None], drawn: int, total: int
) -> str:
    said = []
    missing_layers = len(sizes) - len(places)
    if missing_layers:
        said.append(f"{missing_layers} layers in the middle are not drawn")
    cut = [place for place in places if place.gap is not None]
    if cut:
        said.append(
            f"layers of more than {MOST_UNITS} units show the first {MOST_UNITS - LAST_UNITS} and the last {LAST_UNITS}"
        )
    if drawn < total:
        strongest = "the strongest " if drawn == MOST_LINES else ""
        said.append(f"{strongest}{drawn:,} of {total:,} connections are drawn")
    sentence = "; ".join(said)
    return sentence[:1].upper() + sentence[1:] + "." if said else ""
