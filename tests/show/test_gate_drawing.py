"""The picture of a graph of gates: every gate with its value and derivative, within the frame and apart."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from chainrule import Network, UsageError, network_gates
from chainrule.core.gates import apply, gate, in_order, send_back
from chainrule.show.gate_drawing import draw_gates

SVG = "{http://www.w3.org/2000/svg}"


def example():
    w, x, b = gate(2.0, "w"), gate(-1.0, "x"), gate(-3.0, "b")
    return apply("sigmoid", w * x + b)


def test_every_gate_stands_in_the_picture_with_its_numbers():
    out = example()
    tree = ElementTree.fromstring(draw_gates(out, title="a neuron"))
    assert tree.find(f"{SVG}title").text == "a neuron"
    assert len(tree.findall(f"{SVG}circle")) == len(in_order(out))
    assert len(tree.findall(f"{SVG}path")) == len(send_back(out).edges)
    words = [e.text for e in tree.findall(f"{SVG}text")]
    for shown in ("w", "x", "b", "σ", "×", "+", "0.006693", "−5", "1", "0.006648"):
        assert shown in words


def test_gates_stand_within_the_frame_and_apart():
    net = Network.dense([2, 2, 1], seed=0)
    tree = ElementTree.fromstring(draw_gates(network_gates(net, [[1.0, 0.5]], [[1.0]]).cost))
    width, height = (float(tree.get(side)) for side in ("width", "height"))
    places = [(float(c.get("cx")), float(c.get("cy"))) for c in tree.findall(f"{SVG}circle")]
    assert all(20 < x < width - 20 and 20 < y < height - 20 for x, y in places)
    for i, (x, y) in enumerate(places):
        for u, v in places[:i]:
            assert abs(x - u) > 60 or abs(y - v) > 60


def test_names_are_escaped():
    assert "<b>" not in draw_gates(gate(1.0, "<b>") + 1)
    assert re.search("&lt;b&gt;", draw_gates(gate(1.0, "<b>") + 1))


def test_a_graph_too_large_to_read_is_refused():
    out = gate(0.0)
    for _ in range(200):
        out = out + 1.0
    with pytest.raises(UsageError, match="at most 150"):
        draw_gates(out)
