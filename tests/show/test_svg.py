"""The charts: values land where the axes say, and values without a place break nothing."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from chainrule.core.network import Network
from chainrule.numerals import number, percent, share
from chainrule.show.axes import Scale, spanning, thinned, wants_log
from chainrule.show.confusion import MatrixPlan, confusion_matrix
from chainrule.show.network_drawing import MOST_LINES, MOST_UNITS, PAGE, network_drawing
from chainrule.show.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Curve, histogram, scatter
from chainrule.show.svg import line_chart as draw_lines


def points(data: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", data)]


def line_chart(x, *values, **options):
    curves = [Curve(f"curve {i}", v) for i, v in enumerate(values)]
    return ET.fromstring(draw_lines("costs", x, curves, x_label="epoch", y_label="cost", **options))


def lines_of(svg: ET.Element) -> list[str]:
    return [path.get("d", "") for path in svg.iter("path")]


def test_the_line_chart_maps_smallest_and_largest_to_the_edges_of_the_plot():
    # x from 1 to 5, y from 2 to 10: 2 is at the bottom, 10 at the top, 6 halfway.
    (line,) = lines_of(line_chart([1, 3, 5], [2, 10, 6]))
    bottom, left, right = HEIGHT - BOTTOM, LEFT, WIDTH - RIGHT
    assert points(line) == [(left, bottom), ((left + right) / 2, TOP), (right, (bottom + TOP) / 2)]


def test_a_logarithmic_axis_puts_equal_ratios_at_equal_distances():
    (line,) = lines_of(line_chart([1, 2, 3], [0.001, 0.1, 10.0], log=True))
    heights = [y for _, y in points(line)]
    assert heights == [HEIGHT - BOTTOM, pytest.approx((HEIGHT - BOTTOM + TOP) / 2, abs=0.01), TOP]


@pytest.mark.parametrize("gap", [math.nan, math.inf, -math.inf, 1e300])
def test_a_value_without_a_place_interrupts_the_line(gap):
    (line,) = lines_of(line_chart([1, 2, 3, 4, 5], [1.0, 2.0, gap, 2.0, 1.0]))
    assert line.count("M") == 2
    assert len(points(line)) == 4


def test_zero_interrupts_a_logarithmic_line():
    (line,) = lines_of(line_chart([1, 2, 3], [1.0, 0.0, 10.0], log=True))
    assert line.count("M") == 2


def test_nothing_to_draw_is_no_drawing():
    assert draw_lines("t", [1.0], [Curve("a", [math.nan])], x_label="x", y_label="y") == ""
    assert draw_lines("t", [], [], x_label="x", y_label="y") == ""
    assert scatter("t", np.array([math.nan]), np.array([math.inf]), x_label="x", y_label="y") == ""
    assert histogram("t", np.array([math.inf]), x_label="x") == ""


def test_one_epoch_is_a_dot_in_the_middle():
    (line,) = lines_of(line_chart([1], [0.5]))
    assert line.endswith("h0")
    assert points(line)[0][0] == (LEFT + WIDTH - RIGHT) / 2


def test_the_mark_stands_at_its_epoch_with_a_dot_on_each_curve():
    svg = line_chart([1, 2, 3], [3.0, 2.0, 1.0], [3.0, 1.0, 2.0], mark=(2.0, "kept: epoch 2"))
    (mark,) = [line for line in svg.iter("line") if line.get("class") == "mark"]
    dots = list(svg.iter("circle"))
    assert {mark.get("x1"), *(dot.get("cx") for dot in dots)} == {f"{(LEFT + WIDTH - RIGHT) / 2:g}"}
    assert [float(dot.get("cy", "")) for dot in dots] == [(TOP + HEIGHT - BOTTOM) / 2, HEIGHT - BOTTOM]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3, 7), (1e-9, 3e-9), (0, 1e300 / 1e160), (-1e-3, 1e6), (5, 5.0001), (0.1, 0.3)]
)
def test_ticks_are_few_lie_inside_and_are_labelled_apart(low, high):
    ticks = Scale(low, high, 0, 100).ticks()
    assert 2 <= len(ticks) <= 8
    slack = 1e-6 * (high - low)
    assert all(low - slack <= value <= high + slack for value, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)


@pytest.mark.parametrize(("low", "high"), [(0.003, 0.6), (1e-12, 1.0), (0.02, 5.0), (1e-140, 1e140), (3.0, 30.0)])
def test_ticks_of_a_logarithmic_axis(low, high):
    ticks = Scale(low, high, 0, 100, log=True).ticks()
    assert 2 <= len(ticks) <= 10
    assert all(low * 0.999 <= value <= high * 1.001 for value, _ in ticks)


def test_epochs_are_marked_by_whole_numbers():
    assert [label for _, label in Scale(1, 3, 0, 1).ticks(whole=True)] == ["1", "2", "3"]


def test_equal_values_still_span_a_scale():
    for value in (0.0, 5.0, -5.0, 1e-200):
        scale = spanning([value, value], 0, 100)
        assert scale is not None
        assert scale(value) == pytest.approx(50)
    assert spanning([math.nan], 0, 1) is None


def test_log_is_for_more_than_two_decades_of_positive_values():
    assert wants_log([1.0, 101.0])
    assert not wants_log([1.0, 99.0])
    assert not wants_log([0.0, 1000.0])


def test_thinning_keeps_the_ends_the_extremes_and_what_it_must():
    values = np.sin(np.arange(50_000) / 500.0)[None, :]
    values[0, 12_345], values[0, 23_456], values[0, 111] = 9.0, -9.0, math.nan
    chosen = thinned(values, 400, keep=[777])
    assert len(chosen) <= 400
    assert {0, 49_999, 777, 12_345, 23_456} <= set(chosen)
    assert chosen == sorted(set(chosen))
    assert thinned(values[:, :400]) == list(range(400))


def test_the_scatter_has_one_scale_and_its_diagonal():
    svg = ET.fromstring(scatter("t", np.array([0.0, 10.0]), np.array([10.0, 5.0]), x_label="true", y_label="predicted"))
    first, second = svg.iter("circle")
    (diagonal,) = [line for line in svg.iter("line") if line.get("class") == "mark"]
    assert (first.get("cx"), first.get("cy")) == (diagonal.get("x1"), diagonal.get("y2"))
    assert second.get("cx") == diagonal.get("x2")
    assert float(second.get("cy", "")) == (float(diagonal.get("y1", "")) + float(diagonal.get("y2", ""))) / 2


def test_the_bars_of_a_histogram_count_every_value_and_meet_at_zero():
    values = np.random.default_rng(0).normal(size=500)
    svg = ET.fromstring(histogram("t", values, x_label="error"))
    counts = [int(bar.findtext("title", "").rpartition(": ")[2]) for bar in svg.iter("rect")]
    assert sum(counts) == 500
    ends = [bar.findtext("title", "").partition(":")[0].split(" to ") for bar in svg.iter("rect")]
    assert "0" in {end for pair in ends for end in pair}


@pytest.mark.parametrize("values", [[0.0], [1.0, 1.0, 1.0], [1e-9, 0.0], [-5.0, 1e149]])
def test_odd_histograms(values):
    ET.fromstring(histogram("t", np.array(values), x_label="error"))


def test_the_confusion_matrix_shows_each_count_in_its_cell():
    counts = [[5, 1], [0, 1200]]
    svg = ET.fromstring(confusion_matrix("t", ["no", "yes"], counts))
    cells = [cell for cell in svg.findall("g") if cell.find("rect") is not None]
    assert [cell.findtext("text") for cell in cells] == ["5", "1", "0", "1,200"]
    assert cells[1].findtext("title") == "1 of class no called yes"
    tones = [[rect.get("class") for rect in cell.findall("rect")][1] for cell in cells]
    assert tones == ["right", "wrong", "none", "right"]
    corners = [(float(cell.find("rect").get("x")), float(cell.find("rect").get("y"))) for cell in cells]
    assert corners[0][1] == corners[1][1]
    assert corners[0][0] == corners[2][0]
    assert corners[1][0] > corners[0][0]
    assert corners[2][1] > corners[0][1]


def test_the_names_of_the_axes_stand_in_the_middle_of_the_matrix():
    svg = ET.fromstring(confusion_matrix("t", ["no", "yes"], [[5, 1], [0, 3]]))
    words = {node.text: node for node in svg.findall("text") if node.text}
    rects = [cell.find("rect") for cell in svg.findall("g")]
    for name, axis in (("predicted", "x"), ("true", "y")):
        starts = [float(rect.get(axis)) for rect in rects]
        middle = (min(starts) + max(starts) + float(rects[0].get("width"))) / 2
        assert float(words[name].get(axis)) == pytest.approx(middle)
        assert "middle" in words[name].get("class")


def test_class_names_are_cut_only_where_there_is_no_room():
    name = "Officer-involved shooting"
    few = MatrixPlan.of([name, "Homicide"], [[1, 0], [0, 1]])
    assert few.names == (name, "Homicide")
    assert few.width <= WIDTH  # beside another figure
    many = MatrixPlan.of([name] * 36, [[100] * 36] * 36)
    assert set(many.names) == {"Officer-involve…"}
    assert MatrixPlan.of(["n" * 99], [[1]]).names == ("n" * 39 + "…",)


@pytest.mark.parametrize("largest", [1e6, 3e6, 8.8e6, 2e7, 4e9, 1e140])
def test_labels_of_large_values_fit_beside_the_axis(largest):
    for low in (0.0, -largest):
        for most in (5, 6):
            assert all(len(label) <= 10 for _, label in Scale(low, largest, 0, 1).ticks(most))


def test_long_labels_of_the_x_axis_are_fewer():
    svg = ET.fromstring(histogram("t", np.linspace(-450_000, 900_000, 90), x_label="error"))
    labels = [node for node in svg.iter("text") if node.get("class") == "tick middle"]
    places = [float(node.get("x")) for node in labels]
    assert len(labels) >= 3
    assert min(np.diff(places)) >= 7 * max(len(node.text) for node in labels)


def drawn(network: Network) -> tuple[ET.Element, str]:
    inputs = [f"in {i}" for i in range(network.sizes[0])]
    outputs = [f"out {i}" for i in range(network.sizes[-1])]
    picture, left_out = network_drawing(network, inputs, outputs)
    return ET.fromstring(picture), left_out


def tooltips(svg: ET.Element) -> dict[str, str]:
    words = [title.text or "" for title in svg.iter("title")]
    return dict(found.groups() for word in words if (found := re.search(r"([Wb]\[\d+\]\[[\d,]+\]) = (\S+)", word)))


@pytest.mark.parametrize("bias", [True, False, "x0"])
def test_a_small_network_is_drawn_whole(bias):
    network = Network.dense([2, 3, 1], "tanh", bias=bias, seed=0)
    svg, left_out = drawn(network)
    assert left_out == ""
    assert len(list(svg.iter("circle"))) == 6
    assert len([line for line in svg.iter("line") if line.get("class") in ("plus", "minus")]) == 9
    found = tooltips(svg)
    for l in (1, 2):
        W = np.asarray(network.weights[l])
        W = W[1:] if bias == "x0" else W
        for (i, k), weight in np.ndenumerate(W):
            shown = float(found[f"W[{l}][{i + 1},{k + 1}]"].replace("−", "-"))
            assert shown == pytest.approx(weight, rel=1e-5)
    assert len(found) == (9 if bias is False else 13)


def test_colour_is_the_sign_and_width_the_size():
    network = Network.dense([1, 3], "identity", weights=[np.array([[2.0, -1.0, 0.0]])])
    svg, _ = drawn(network)
    lines = {line.get("class"): float(line.get("stroke-width", "0")) for line in svg.iter("line")}
    assert lines["plus"] > lines["minus"] > lines["zero"]


def test_the_drawing_uses_the_width_of_the_page_and_cuts_names_only_beyond_it():
    network = Network.dense([2, 3, 1], "tanh", seed=0)
    long = "neighborhood=Chesterfield Square"
    picture, _ = network_drawing(network, [long, "age"], ["type=Officer-involved shooting"])
    svg = ET.fromstring(picture)
    assert 0.9 * PAGE <= float(svg.get("width")) <= PAGE
    assert "fits" in svg.get("class")
    assert picture.count(f"</title>{long}<") == 1
    deep = ET.fromstring(network_drawing(Network.dense([1] + [2] * 7 + [1], "tanh", seed=0), [long], ["y"])[0])
    assert deep.get("class") == "network"
    assert "neighborhood=Chesterf…" in "".join(deep.itertext())


def test_a_large_network_is_thinned_out_and_says_so():
    svg, left_out = drawn(Network.dense([500, 300, 200, 100], "tanh", seed=0))
    assert len(list(svg.iter("circle"))) == 4 * MOST_UNITS
    assert len(list(svg.iter("line"))) == MOST_LINES
    assert "the first 20 and the last 4" in left_out
    assert "strongest 1,500 of 230,000 connections" in left_out
    assert "… 476 more" in {node.text for node in svg.iter("text")}
    assert len(ET.tostring(svg)) < 500_000


def test_a_deep_network_shows_its_ends():
    svg, left_out = drawn(Network.dense([3] * 40, "tanh", seed=0))
    assert len(list(svg.iter("circle"))) == 8 * 3
    assert left_out.startswith("32 layers in the middle are not drawn")


def test_numbers_never_round_to_what_they_are_not():
    assert number(1e-12) != "0"
    assert number(-4e-7, 1) == "−4·10⁻⁷"
    assert number(9.9996) == "10"
    assert number(999_999.6) == "1,000,000"
    assert number(math.inf) == "∞"
    assert share(0.0004) == "0.0004"
    assert share(1e-30).startswith("1")
    assert percent(0.99996) == "99.996 %"
    assert percent(1e-9) == "0.0000001 %"
