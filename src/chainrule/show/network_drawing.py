"""The network as a picture: units as circles by layer, weights as lines whose width and colour say how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chainrule.core.network import Layer, Network
from chainrule.show.axes import group
from chainrule.show.markup import Html, element, text
from chainrule.show.numbers import number
from chainrule.show.svg import drawing

MOST_UNITS, LAST_UNITS = 24, 4
MOST_LAYERS = 9
MOST_LINES = 1500
STEP, GAP, RADIUS, TOP = 27.0, 170.0, 7.5, 52.0


@dataclass(frozen=True)
class Place:
    """A layer in the drawing: the units that are shown, at their heights; `skipped` units after them is a gap."""

    layer: int
    x: float
    units: tuple[int, ...]
    heights: tuple[float, ...]
    gap: float | None = None


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
    left = 30 + 7.2 * max(len(_cut(name)) for name in inputs)
    right = 30 + 7.2 * max(len(_cut(name)) for name in outputs)
    rows = max(min(size, MOST_UNITS + 1) for size in sizes)
    height = TOP + rows * STEP + 14
    places = [
        _place(layer, left + GAP * column, sizes[layer], rows)
        for column, layer in enumerate(layers)
        if layer is not None
    ]
    width = left + GAP * (len(layers) - 1) + right
    lines, drawn, total = _connections(network, places, inputs)
    names = "-".join(map(str, sizes if len(sizes) <= 12 else (*sizes[:6], "…", *sizes[-5:])))
    content = [
        group(lines, class_="weights"),
        *(_units(network, place, inputs, outputs) for place in places),
        *(_layer_gap(left + GAP * column, height) for column, layer in enumerate(layers) if layer is None),
    ]
    picture = drawing(
        f"Network {names}: units by layer, from the inputs on the left to the outputs on the right",
        *content, width=round(width), height=round(height), class_="network",
    )  # fmt: skip
    return picture, _left_out(sizes, places, layers, drawn, total)


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


def _connections(network: Network, places: Sequence[Place], inputs: Sequence[str]) -> tuple[list[Html], int, int]:
    """Lines for the strongest weights between shown units, the weakest first so that the strong lie on top."""
    found: list[tuple[float, float, Place, Place, int, int]] = []
    for before, after in pairwise(places):
        if after.layer != before.layer + 1:
            continue
        W = _connecting(network.layers[after.layer - 1])
        largest = float(np.abs(W).max()) or 1.0
        for i, unit in enumerate(before.units):
            for k, other in enumerate(after.units):
                weight = float(W[unit, other])
                found.append((abs(weight) / largest, weight, before, after, i, k))
    strongest = sorted(found, key=lambda item: -item[0])[:MOST_LINES]
    wide = len(strongest) <= 400
    lines = [_connection(*item, inputs, wide) for item in reversed(strongest)]
    return lines, len(strongest), sum(_connecting(layer).size for layer in network.layers)


def _connection(
    strength: float, weight: float, before: Place, after: Place, i: int, k: int, inputs: Sequence[str], wide: bool
) -> Html:
    unit, other = before.units[i], after.units[k]
    source = f" on {inputs[unit]}" if before.layer == 0 else ""
    words = f"W[{after.layer}][{unit + 1},{other + 1}] = {number(weight, 6)}{source}"
    tone = "plus" if weight > 0 else "minus" if weight < 0 else "zero"
    ends = {
        "x1": before.x + RADIUS, "y1": before.heights[i], "x2": after.x - RADIUS, "y2": after.heights[k],
    }  # fmt: skip
    line = element(
        "line", element("title", text(words)), **ends, class_=tone,
        stroke_width=0.4 + 4.0 * strength, stroke_opacity=0.22 + 0.7 * strength,
    )  # fmt: skip
    if not wide:
        return line
    # A thin line is hard to point at: an unseen wide one under it takes the pointer.
    return element("g", element("title", text(words)), element("line", **ends, class_="reach"), line)


def _units(network: Network, place: Place, inputs: Sequence[str], outputs: Sequence[str]) -> Html:
    last = len(network.layers)
    parts = [
        element("text", text(_layer_name(place.layer, last)), x=place.x, y=18, class_="word middle"),
        element("text", text(_layer_detail(network, place.layer)), x=place.x, y=35, class_="tick middle"),
    ]
    biases = None if place.layer == 0 else _biases(network.layers[place.layer - 1])
    for unit, at in zip(place.units, place.heights, strict=True):
        words = f"layer {place.layer}, unit {unit + 1}"
        if place.layer == 0:
            words = f"{inputs[unit]} (input {unit + 1})"
        elif place.layer == last:
            words = f"{outputs[unit]} (output {unit + 1})"
        if biases is not None:
            words += f": b[{place.layer}][{unit + 1}] = {number(float(biases[unit]), 6)}"
        parts.append(element("circle", element("title", text(words)), cx=place.x, cy=at, r=RADIUS, class_="unit"))
        if place.layer == 0:
            name = element("title", text(inputs[unit])), text(_cut(inputs[unit]))
            parts.append(element("text", *name, x=place.x - RADIUS - 8, y=at + 4, class_="tick end"))
        if place.layer == last:
            name = element("title", text(outputs[unit])), text(_cut(outputs[unit]))
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


def _cut(name: str, most: int = 22) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
