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
    assert len(tree.findall(f"{SVG}rect")) == len(in_order(out))
    assert len(tree.findall(f"{SVG}path")) == len(send_back(out).edges)
    words = [e.text for e in tree.findall(f"{SVG}text")]
    for shown in ("w", "x", "b", "σ", "×", "+", "0.006693", "−5", "1", "0.006648"):
        assert shown in words


def test_gates_stand_within_the_frame_and_apart():
    net = Network.dense([2, 2, 1], seed=0)
    tree = ElementTree.fromstring(draw_gates(network_gates(net, [[1.0, 0.5]], [[1.0]]).cost))
    width, height = (float(tree.get(side)) for side in ("width", "height"))
    boxes = [[float(r.get(key)) for key in ("x", "y", "width", "height")] for r in tree.findall(f"{SVG}rect")]
    assert all(x > 5 and y > 20 and x + w < width - 5 and y + h < height - 20 for x, y, w, h in boxes)
    for i, (x, y, w, h) in enumerate(boxes):
        for u, v, p, q in boxes[:i]:  # with room for the two numbers of each
            assert x + w < u or u + p < x or y + h + 36 < v or v + q + 36 < y


def test_edges_show_the_terms_of_a_value_used_twice():
    x = gate(3.0, "x")
    words = [e.text for e in ElementTree.fromstring(draw_gates(x * x + x)).findall(f"{SVG}text")]
    assert words.count("3") >= 3  # its value, and twice what the multiplication passes back
    assert "7" in words


def test_names_are_escaped():
    assert "<b>" not in draw_gates(gate(1.0, "<b>") + 1)
    assert re.search("&lt;b&gt;", draw_gates(gate(1.0, "<b>") + 1))


def test_a_graph_too_large_to_read_is_refused():
    out = gate(0.0)
    for _ in range(200):
        out = out + 1.0
    with pytest.raises(UsageError, match="at most 150"):
        draw_gates(out)
