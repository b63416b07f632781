"""The table of shapes, whole arrays in the layout of each notation, and matrices written out."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
import random_networks
from hypothesis import strategies as st
from strength import few_and_many

from chainrule import Network, UsageError, backward, explain, forward, shapes
from chainrule.explaining.expressions import Matmul, Matrix, Sum, Transpose
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import Derivative, Quantity
from chainrule.explaining.trees import evaluate

NOTES = Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
X, Y = np.array([[0.3, 1.0], [0.5, 0.2], [1.0, 0.4]]), np.array([[0.75], [0.82], [0.93]])


def test_the_table_of_the_guided_notes():
    """Seed 003: X (numExamples, inputLayerSize), W1 (2x3), W2 (3x1), delta3 (3x1), dJ/dW1 (2x3), dJ/dW2 (3x1), ..."""
    table = {row.asked: row for row in shapes(NOTES, notation="rows", n_examples=3).rows}
    wanted = {"x": (3, 2), "y": (3, 1), "W[1]": (2, 3), "W[2]": (3, 1), "z[2]": (3, 3), "a[2]": (3, 3), "z[3]": (3, 1),
              "delta[3]": (3, 1), "dJ/dW[2]": (3, 1), "dJ/dW[1]": (2, 3), "delta[2]": (3, 3)}  # fmt: skip
    assert {name: table[name].shape for name in wanted} == wanted
    assert table["x"].dimensions == ("examples", "inputs")
    assert table["x"].symbol == "X"
    assert table["dz[3]/dz[2]"].shape == (1, 3)  # of one example, in numerator layout
    assert "b[1]" not in table


GUIDED_NOTES = """\
name         symbol       what it is                               dimensions                   shape
x            X            inputs                                   examples × inputs            3 × 2
y            y            targets                                  examples × outputs           3 × 1
W[1]         W⁽¹⁾         weights                                  inputs × units of layer 2    2 × 3
b[1]         b⁽¹⁾         biases                                   units of layer 2             3
W[2]         W⁽²⁾         weights                                  units of layer 2 × outputs   3 × 1
z[2]         z⁽²⁾         pre-activations                          examples × units of layer 2  3 × 3
a[2]         a⁽²⁾         activations                              examples × units of layer 2  3 × 3
z[3]         z⁽³⁾         pre-activations                          examples × outputs           3 × 1
a[3]         ŷ            outputs                                  examples × outputs           3 × 1
J            J            cost of the batch                        1                            1
dC/da[3]     ∂J/∂ŷ        derivative of each example's cost by a   examples × outputs           3 × 1
delta[3]     δ⁽³⁾         delta, each example's derivative by z    examples × outputs           3 × 1
dJ/dW[2]     ∂J/∂W⁽²⁾     derivative of the cost by the weights    units of layer 2 × outputs   3 × 1
dC/da[2]     ∂J/∂a⁽²⁾     derivative of each example's cost by a   examples × units of layer 2  3 × 3
delta[2]     δ⁽²⁾         delta, each example's derivative by z    examples × units of layer 2  3 × 3
dJ/dW[1]     ∂J/∂W⁽¹⁾     derivative of the cost by the weights    inputs × units of layer 2    2 × 3
dJ/db[1]     ∂J/∂b⁽¹⁾     derivative of the cost by the biases     units of layer 2             3
dz[3]/dz[2]  ∂z⁽³⁾/∂z⁽²⁾  Jacobian, of one example                 outputs × units of layer 2   1 × 3
da[3]/dx     ∂ŷ/∂X        Jacobian of the network, of one example  outputs × inputs             1 × 2"""


def test_the_whole_table_of_the_guided_notes():
    net = Network.dense([2, 3, 1], seed=0)
    first, last = net.layers
    half = Network((first, replace(last, biases=None)))
    assert str(shapes(half, notation="rows", n_examples=3)) == GUIDED_NOTES
    assert "b[2]" in str(shapes([2, 3, 1], notation="rows"))
    assert "b[1]" not in str(shapes(half, notation="rows", bias=False))
    turned = shapes([2, 3, 1], notation=replace(PRESETS["columns"], name="turned", layout="denominator"), n_examples=4)
    said = {row.asked: (row.dimensions, row.shape) for row in turned.rows}
    assert said["da[3]/dx"] == (("inputs", "outputs"), (2, 1))
    assert said["b[1]"] == (("units of layer 2", "1"), (3, 1))
    assert said["W[1]"] == (("units of layer 2", "inputs"), (3, 2))
    assert said["x"] == (("inputs", "examples"), (2, 4))


@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_a_product_of_matrices_and_its_biases_are_z(notation):
    net = Network.dense([2, 3, 1], "tanh", init="uniform(-1,1)", seed=0)
    net = net.with_parameters([p + 0.1 for p in net.parameters])
    why = explain(net, X, Y, notation=notation)
    for l in (1, 2):
        array = why[f"z[{PRESETS[notation].counting.layer(l)}]"]
        (whole,) = [side for side in array.equations()[0].sides if isinstance(side, Sum)]
        product, spread = whole.terms
        left, right = map(matrix, product.factors)
        np.testing.assert_allclose(left @ right + matrix(spread), array.value, rtol=1e-12)


@few_and_many(20, 200, random_networks.tasks(layers=(1, 3)), st.sampled_from(sorted(PRESETS)))
def test_what_is_asked_for_has_the_shape_of_the_table(task, notation):
    network, X, Y, options = task
    why = explain(network, X, Y, notation=notation, **options)
    for row in shapes(network, notation=notation, n_examples=len(X)).rows:
        if isinstance(row.name, Derivative) and not why._has(row.name):
            continue  # dC/da behind a fused loss
        assert np.shape(why[row.asked].value) == row.shape, row
        assert why[row.asked].name == row.name
        # Some notations print an only output, or its target, without its number: then it is that number that is read,
        # and of an only example (C and J are one number, and print alike) the derivative by that number.
        outputs = (Quantity("y"), Quantity("a", len(network.layers)))
        only = row.name in outputs
        if isinstance(row.name, Derivative) and row.name.top.kind == "C" and why.definitions.naming.example is None:
            only = row.name.bottom in outputs
        if not only or network.sizes[-1] > 1:
            assert np.shape(why[row.symbol].value) == row.shape, row
            np.testing.assert_array_equal(why[row.symbol].value, why[row.asked].value)


test_many_shapes = test_what_is_asked_for_has_the_shape_of_the_table.many


@few_and_many(25, 200, random_networks.tasks(layers=(1, 3)), st.sampled_from(sorted(PRESETS)), st.data())
def test_each_number_of_an_array_is_that_of_its_name(task, notation, data):
    network, X, Y, options = task
    why = explain(network, X, Y, notation=notation, update="momentum", **options)
    L = len(network.layers)
    names = [row.name for row in shapes(network, notation=notation, n_examples=len(X)).rows if row.shape]
    l, m = sorted(data.draw(st.lists(st.integers(1, L), min_size=2, max_size=2)))
    names += [Derivative(Quantity(top, m), Quantity(bottom, l)) for top in "az" for bottom in "Wz"]
    names += [Derivative(Quantity("C"), Quantity("W", l))]
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6)):
        if not why._has(name):
            continue
        array = why[name]
        assert array.names.shape == array.shape
        for place in np.ndindex(array.shape):
            assert array.value[place] == pytest.approx(why.definitions.value(array.names[place]), rel=1e-9, abs=1e-12)
        if array.value.ndim > 2 or array.value.size > 24:
            continue
        (equation,) = array.equations()
        for side in equation.sides:
            if isinstance(side, Matrix):
                found = np.array([[evaluate(entry) for entry in row] for row in side.rows])
                np.testing.assert_allclose(found, np.atleast_2d(array.value), rtol=1e-6, atol=1e-9)


test_many_arrays = test_each_number_of_an_array_is_that_of_its_name.many


def matrix(e):
    if isinstance(e, Transpose):
        return matrix(e.of).T
    return np.array([[evaluate(entry) for entry in row] for row in e.rows])


@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_a_product_of_matrices_is_z(notation):
    why = explain(NOTES, X, Y, notation=notation)
    name = f"z[{PRESETS[notation].counting.layer(2)}]"
    (product,) = [side for side in why[name].equations()[0].sides if isinstance(side, Matmul)]
    left, right = map(matrix, product.factors)
    np.testing.assert_allclose(left @ right, why[name].value, rtol=1e-12)


def test_questions_8_12_and_14_of_the_guided_notes():
    one, three = (explain(NOTES, X[:n], Y[:n], notation="rows") for n in (1, 3))
    assert "[a⁽²⁾₁  a⁽²⁾₂  a⁽²⁾₃] [W⁽²⁾₁₁]" in one["z[3]"].text()  # question 8
    text = three["z[3]"].text()  # question 12
    for row in ("[z⁽³⁾₂₁]", "[a⁽²⁾₁₁  a⁽²⁾₁₂  a⁽²⁾₁₃] [W⁽²⁾₁₁]", "[a⁽²⁾₃₁  a⁽²⁾₃₂  a⁽²⁾₃₃] [W⁽²⁾₃₁]"):
        assert row in text
    gradient = three["dJ/dW[2]"].text()  # question 14: sum across the examples
    for row in ("[∂J/∂W⁽²⁾₁₁]", "[a⁽²⁾₁₂ · δ⁽³⁾₁₁ + a⁽²⁾₂₂ · δ⁽³⁾₂₁ + a⁽²⁾₃₂ · δ⁽³⁾₃₁]"):
        assert row in gradient
    np.testing.assert_allclose(three["dJ/dW[2]"].value, [[0.013664039]] * 3, rtol=1e-6)


def test_all_examples_or_one():
    net = Network.dense([2, 3, 2], "tanh", seed=0)
    targets = np.c_[Y, Y]
    record = forward(net, X)
    grads = backward(net, record, targets)
    why = explain(net, X, targets, example=1)
    np.testing.assert_allclose(why["delta[2]"].value, grads.delta[2])
    np.testing.assert_allclose(why["z[1]"].value, record.z[1])
    np.testing.assert_allclose(why["dC/da[1]"].value, grads.activations[1])
    np.testing.assert_allclose(why["beta[1]"].value, -grads.activations[1])
    np.testing.assert_allclose(why["x"].value, X)
    np.testing.assert_allclose(why["delta[2] @ 3"].value, grads.delta[2][2])
    turned = explain(net, X, targets, notation="columns")
    np.testing.assert_allclose(turned["delta[3]"].value, grads.delta[2].T)
    assert turned["b[1]"].value.shape == (3, 1)
    np.testing.assert_array_equal(np.asarray(why["z[1]"]), why["z[1]"].value)


def test_jacobians_between_any_two_layers():
    net = Network.dense([2, 3, 4, 2], "tanh", seed=0)
    why = explain(net, X)
    J = why["dz[3]/dz[2]"].value
    slopes = 1 - np.tanh(forward(net, X).z[2][0]) ** 2
    np.testing.assert_allclose(J, net.weights[3].T * slopes, rtol=1e-12)
    np.testing.assert_allclose(why["dz[3]/dz[1]"].value, J @ why["dz[2]/dz[1]"].value, rtol=1e-12)
    np.testing.assert_allclose(why["da[3]/dz[3]"].value @ why["dz[3]/da[1]"].value, why["da[3]/da[1]"].value)
    assert why["dz[2]/dW[2]"].shape == (4, 3, 4)
    with pytest.raises(UsageError, match=r"which unit\? write dz\[3\]\[1\]"):
        why["dz[3]/dz[2][1]"]


@pytest.mark.parametrize("name", ["delta[2]", "dJ/dW[1]", "dz[2]/dW[2]", "x", "b[1]", "z[1] @ 2", "change W[1]"])
def test_every_array_in_every_form(name):
    net = Network.dense([2, 3, 1], seed=0)
    array = explain(net, X, Y, update="momentum")[name]
    facts = json.loads(json.dumps(array.json(), allow_nan=False))
    np.testing.assert_allclose(facts["value"], array.value)
    assert facts["shape"] == list(array.shape)
    tree = ElementTree.fromstring(array.mathml())
    assert len(list(tree.iter("mtr"))) > 1
    assert array._repr_html_().count("<math") == 1
    assert array.latex().startswith(r"\begin{aligned}")
    assert r"\begin{pmatrix}" in array.latex("line")
    assert "shape" in array.text()


def test_large_arrays_are_not_written_out():
    net = Network.dense([50, 40, 1], seed=0)
    array = explain(net, np.ones((1, 50)), [[1.0]])["W[1]"]
    assert len(array.text()) < 200
    assert len(array.json()["value"]) == 50
    with pytest.raises(UsageError, match="this array has 2,000 numbers"):
        array.latex()


@pytest.mark.parametrize("form", ["text", "latex", "mathml", "json"])
@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_the_table_in_every_form(notation, form):
    table = shapes([2, 3, 1], notation=notation, n_examples=3)
    made = getattr(table, form)()
    if form == "mathml":
        assert len(ElementTree.fromstring(made).findall("./mtable/mtr")) == len(table.rows)
    elif form == "json":
        assert [row["shape"] for row in json.loads(json.dumps(made))["symbols"]] == [list(r.shape) for r in table.rows]
    else:
        assert len(made.splitlines()) >= len(table.rows)


@pytest.mark.parametrize("options", [{"n_examples": 0}, {"n_examples": 1.5}, {"notation": "nielson"}])
def test_tables_that_are_refused(options):
    with pytest.raises(UsageError):
        shapes([2, 3, 1], **options)
