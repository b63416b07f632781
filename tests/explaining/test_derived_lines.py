"""Which lines a derivation without numbers has, and what they say: beside test_every_step, which holds their values."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from chainrule import derive
from chainrule.explaining.mathml_form import MathmlWriter
from chainrule.explaining.naming import Naming
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.symbolic import backpropagation_equations, derive_loss
from chainrule.explaining.tensor_level import MOST_ENTRIES

SQUARES = {"half_squared_error": "", "sum_of_squares": "2 · ", "mean_of_squares": "2 / n · "}


@pytest.mark.parametrize(("loss", "front"), SQUARES.items())
def test_delta_of_the_outputs_in_matrices(loss, front):
    lines = derive([2, 3, 2], "delta[2]", level="matrix", loss=loss).text()
    assert f"at the outputs\n  δ[2] = {front}(A[2] − Y) ⊙ f′(Z[2])" in lines


@pytest.mark.parametrize(("loss", "output", "rule"), [
    ("softmax_categorical_cross_entropy", "softmax",
     "at the outputs: loss and activation together, for targets that sum to 1"),
    ("logistic_binary_cross_entropy", "logistic", "at the outputs: loss and activation together"),
    ("categorical_cross_entropy", "softmax", "\ntargets that sum to 1"),
    ("binary_cross_entropy", "logistic", "at the outputs: loss and activation together"),
])  # fmt: skip
def test_loss_and_activation_together(loss, output, rule):
    lines = derive([2, 3, 2], "delta[2]", level="matrix", loss=loss, output_activation=output).text()
    assert f"{rule}\n  δ[2] = A[2] − Y" in lines


@pytest.mark.parametrize("loss", sorted([*SQUARES, "absolute_error", "huber(0.5)", "poisson", "binary_cross_entropy"]))
def test_a_loss_is_differentiated_by_the_outputs_and_a_fused_one_by_the_sums(loss):
    assert "∂C/∂a" in str(derive_loss(loss))
    assert "∂C/∂z" not in str(derive_loss(loss))
    assert "∂C/∂z" in str(derive_loss("logistic_binary_cross_entropy"))


@pytest.mark.parametrize("l", [1, 2, 3])
def test_the_slope_of_every_layer_on_the_way_is_given_once(l):
    lines = derive([2, 3, 2, 2], f"delta[{l}]", loss="half_squared_error").text()
    assert re.findall(r"^  f′\(z\[(\d)\]", lines, re.MULTILINE) == [str(m) for m in range(l, 4)]


@pytest.mark.parametrize("wanted", ["da[3]/dx", "da[4]/da[1]", "dz[4]/dz[1]", "da[4]/dW[1]"])
@pytest.mark.parametrize("activation", ["softmax", "tanh"])
def test_each_sum_of_a_jacobian_has_the_next_letter(wanted, activation):
    book = derive([2, 3, 2, 3, 2], wanted, activation=activation, output_activation=activation)
    (whole,) = re.findall(r"all together\n(.*)", book.text().replace("\n    ", " "), re.DOTALL)
    letters = re.findall(r"Σ(.)", whole)
    assert len(letters) == len(set(letters)) >= 2
    alphabet = "ᵢⱼₖₘₚₛₜᵤᵥ"
    places = [alphabet.index(letter) for letter in letters]
    assert places == list(range(3, 3 + len(places)))
    lines = re.findall(r"= Σ(.)", book.text())
    assert [letter for letter in lines if letter in letters][: len(letters)] == letters  # line by line, the same


@pytest.mark.parametrize(
    "sizes", [(2, 4, 2), (4, 4, 2), (5, 4, 2), (2, 5, 2), (2, 6, 2), (1, 8, 1), (1, 9, 1), (7, 3, 1), (8, 3, 1)]
)
def test_tensors_are_written_out_up_to_a_size(sizes):
    fan_in, fan_out = sizes[:2]
    words = "the two multiplied, inner vector by inner vector"
    lines = derive(sizes, "dC/dW[1]", level="tensor").text()
    assert (words in lines) == (fan_in * fan_out**2 <= MOST_ENTRIES)
    assert ("the layer before, times each inner matrix" in lines) == (fan_in * fan_out**2 <= MOST_ENTRIES)
    assert ("the identity" in derive(sizes, "dC/db[1]", level="tensor").text()) == (fan_out**2 <= MOST_ENTRIES)
    assert ("four-dimensional" in lines) == ((fan_in * fan_out) ** 2 <= MOST_ENTRIES)


@pytest.mark.parametrize("size", range(2, 11))
def test_jacobians_are_written_out_up_to_a_size(size):
    """Of a softmax each entry may be a sum over its units."""
    for activation, largest in (("tanh", size * size), ("softmax", size**3)):
        lines = derive((size, size), "da[1]/dz[1]", output_activation=activation, level="tensor").equations
        assert bool(lines) == (largest <= MOST_ENTRIES), activation


@pytest.mark.parametrize("value", [3.0, -3.0, 0.5, -1e-20, 2e30, -2e30, float("inf"), -float("inf"), float("nan"), 0.0])
def test_a_number_with_a_sign_is_one_element(value):
    """So that it may be the base of a power or the top of a fraction."""
    writer = MathmlWriter(Naming(PRESETS["chainrule"]), 5)
    tree = ElementTree.fromstring(writer.number(value))
    assert ("−" in "".join(tree.itertext())[:1]) == (value < 0)
    assert tree.tag == ("mtext" if value != value else "mn" if 0 <= value < 1e15 or value == float("inf") else "mrow")


@pytest.mark.parametrize(("wanted", "line"), [
    ("da[1]/dx", "z[1][k] = Σᵢ x[i] · W[1][i,k] + b[1][k]"),  # of the unit itself
    ("da[2]/da[1]", "z[2][k] = Σᵢ a[1][i] · W[2][i,k] + b[2][k]"),
    ("da[2]/dx", "z[1][j] = Σᵢ x[i] · W[1][i,j] + b[1][j]"),  # of any unit of the first layer on the way
])  # fmt: skip
def test_the_first_line_is_the_sum_that_the_input_enters(wanted, line):
    assert derive([2, 3, 2], wanted, level="scalar").text().splitlines()[1].strip() == line


@pytest.mark.parametrize(("outputs", "written"), [(MOST_ENTRIES // 4, True), (MOST_ENTRIES // 4 + 1, False)])
def test_the_derivative_of_the_loss_is_written_out_up_to_a_size(outputs, written):
    lines = derive([2, outputs], "dC/dW[1]", level="tensor", loss="half_squared_error").text()
    assert ("derivative of the loss half_squared_error" in lines) == written


@pytest.mark.parametrize(("loss", "slope"), [
    *((loss, f"{front}(A[L] − Y) ⊙ f′(Z[L])") for loss, front in SQUARES.items()),
    ("huber(0.5)", "∂C/∂A[L] ⊙ f′(Z[L])"), ("softmax_categorical_cross_entropy", "A[L] − Y"),
])  # fmt: skip
def test_the_equation_of_the_outputs_for_any_depth(loss, slope):
    assert f"  δ[L] = {slope}\n" in backpropagation_equations("chainrule", loss).text() + "\n"


@pytest.mark.parametrize("loss", ["quantile", "quantile(0.9)", "absolute_error"])
def test_the_value_at_a_corner_is_called_a_convention(loss):
    assert "at a = y, where there is a corner" in derive_loss(loss).equations[-1].rule
    assert "a convention" in derive_loss(loss).equations[-1].rule
    assert "convention" not in str(derive_loss("huber"))  # whose pieces meet
