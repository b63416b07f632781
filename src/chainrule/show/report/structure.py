"""The structure in a report: the network with its weights, and what was done to each column."""

from __future__ import annotations

import numpy as np

from chainrule.core.layers import Layer
from chainrule.data.columns import count
from chainrule.models.model import Model
from chainrule.numerals import MISSING, number
from chainrule.show.markup import Html, element, text
from chainrule.show.network_drawing import network_drawing
from chainrule.show.report.page import figure, paragraph, section, table

MOST_COLUMNS = 500


def network_section(model: Model) -> Html:
    """Draw the network, and list its layers."""
    network, encoding = model.network, model.encoding
    picture, left_out = network_drawing(network, encoding.node_names, encoding.output_names)
    keys = [("plus", "positive weight"), ("minus", "negative weight")]
    words = (
        "The wider a line, the larger the weight beside the largest of its layer. Point at a line or a unit for its "
        "value: W[l][i,k] leads from unit i of layer l−1 to unit k of layer l, and b[l][k] is the bias of unit k."
    )
    rows: list[tuple[object, ...]] = [("inputs", f"{network.sizes[0]:,}", MISSING, MISSING, MISSING, MISSING, MISSING)]
    for number_, layer in enumerate(network.layers, start=1):
        name = "outputs" if number_ == len(network.layers) else f"layer {number_}"
        rows.append(_layer_row(name if layer.trainable else f"{name} (frozen)", layer))
    columns = [
        ("layer", ""), ("units", "n"), ("activation", ""), ("weights", "n"), ("biases", "n"), ("range of weights", "n"),
        ("typical size", "n"),
    ]  # fmt: skip
    return section(
        "The network",
        paragraph(f"{count(network.n_parameters, 'weight and bias', 'weights and biases')} in all. {words}"),
        figure("Weights", picture, keys, wide=True),
        paragraph(left_out),
        table("Layers; the typical size of a weight is its root mean square", columns, rows),
    )


def _layer_row(name: str, layer: Layer) -> tuple[object, ...]:
    W = np.asarray(layer.weights, dtype=np.float64)
    biases = layer.fan_out if layer.x0 or layer.biases is not None else 0
    W = W[1:] if layer.x0 else W
    size = float(np.sqrt(np.mean(W * W)))
    return (
        name, f"{layer.fan_out:,}", layer.activation.name, f"{W.shape[0]:,} × {W.shape[1]:,}",
        f"{biases:,}" if biases else "none", f"{number(float(W.min()), 3)} to {number(float(W.max()), 3)}",
        number(size, 3),
    )  # fmt: skip


def columns_section(model: Model) -> Html:
    """List what was done to each column, what was left out, and what was decided without being asked for."""
    described = model.encoding.describe()
    used = [row for row in described if row["role"] != "left out"]
    left_out = [(name, reason) for name, reason in model.encoding.left_out]
    content = []
    if len(used) > MOST_COLUMNS:
        targets = [row for row in used if row["role"] == "target"]
        content.append(paragraph(f"The first {MOST_COLUMNS} of {len(used):,} columns, and the targets."))
        used = [row for row in used if row["role"] != "target"][:MOST_COLUMNS] + targets
    columns = [("column", ""), ("role", ""), ("read as", ""), ("nodes", "n"), ("what was done", "wide")]
    rows = [(row["column"], row["role"], row["read_as"], f"{row['nodes']:,}", row["done"]) for row in used]
    content.append(table("Columns; scales come from the training rows alone", columns, rows))
    if left_out:
        shown = left_out[:MOST_COLUMNS]
        caption = f"Left out: {count(len(left_out), 'column')}"
        content.append(table(caption, [("column", ""), ("why", "wide")], shown))
    notes = model.provenance.notes
    if notes:
        content.append(element("p", text("Decided without being asked for:")))
        content.append(element("ul", *(element("li", text(note)) for note in notes)))
    return section("The columns", *content)
