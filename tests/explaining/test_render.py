"""How derivations look: digits, parentheses, scripts, and that each form is well-formed."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import random_networks
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.explaining.expressions import (
    Equation,
    Function,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    Symbol,
)
from chainrule.explaining.latex_form import LatexWriter, latex_number
from chainrule.explaining.mathml_form import MathmlWriter
from chainrule.explaining.naming import Naming
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import COST, Derivative, Path, Quantity, a, bias, delta, weight, y, z
from chainrule.explaining.text_form import TextWriter, name_text, text
from chainrule.explaining.trees import evaluate

SIZES = (2, 3, 1)
CHAINRULE = Naming(PRESETS["chainrule"], SIZES)
two, three, x = Number(2.0), Number(3.0), Number(-0.5)


def written(e, digits=5):
    return TextWriter(CHAINRULE, digits).write(e)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        (Product((two, Sum((three, Negative(x))))), "2 · (3 − (−0.5))"),
        (Sum((two, x)), "2 − 0.5"),
        (Sum((x, two)), "−0.5 + 2"),
        (Product((two, x)), "2 · (−0.5)"),
        (Product((x, two)), "(−0.5) · 2"),
        (Negative(Sum((two, three))), "−(2 + 3)"),
        (Negative(Product((two, three))), "−2 · 3"),
        (Power(Sum((two, three)), two), "(2 + 3)²"),
        (Power(x, two), "(−0.5)²"),
        (Quotient(Product((two, three)), Product((two, three))), "2 · 3 / (2 · 3)"),
        (Product((two, Quotient(two, three))), "2 · (2 / 3)"),
        (Quotient(two, Sum((two, three))), "2 / (2 + 3)"),
        (Function("exp", Negative(two)), "exp(−2)"),
        (Function("sqrt", two), "√(2)"),
        (Function("abs", x), "|−0.5|"),
        (Sum((two, Rest(1200, -0.25))), "2 + [1,200 more: −0.25]"),
        (Power(Number(1e-7), two), "(1·10⁻⁷)²"),
        (Sum((two, Negative(Sum((two, three))))), "2 − (2 + 3)"),
    ],
)
def test_parentheses_where_they_are_needed(expression, shown):
    assert written(expression) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_not_0_is_not_shown_as_0(value):
    shown = written(Number(value), 3)
    assert (shown in ("0", "−0")) == (value == 0)


def test_digits():
    assert written(Number(0.010151240825801285)) == "0.010151"
    assert written(Number(0.010151240825801285), 9) == "0.0101512408"
    assert written(Number(-0.00001234567)) == "−1.2346·10⁻⁵"
    assert latex_number(-0.00001234567, 5) == r"-1.2346 \cdot 10^{-5}"
    assert latex_number(float("inf"), 5) == r"\infty"


NAMES = {
    "chainrule": ["W[1][2,3]", "b[1][3]", "z[1][3]", "a[1][3]", "x[2]", "a[2][1]", "y[1]", "δ[1][3]", "∂C/∂W[1][2,3]"],
    "gates": ["w¹₂₁", "b¹₂", "z¹₂", "a¹₂", "x₁", "a²₀", "y₀", "δ¹₂", "∂C/∂w¹₂₁"],
    "constituents": ["w⁽¹⁾₂₁", "b⁽¹⁾₂", "z⁽¹⁾₂", "a⁽¹⁾₂", "x₁", "a⁽²⁾₀", "y₀", "δ⁽¹⁾₂", "∂C/∂w⁽¹⁾₂₁"],
    "beta": ["w⁽¹⁾₂₃", "w⁽¹⁾₀₃", "z⁽¹⁾₃", "o⁽¹⁾₃", "x₂", "o⁽²⁾₁", "d₁", "δ⁽¹⁾₃", "∂C/∂w⁽¹⁾₂₃"],
    "columns": ["W⁽¹⁾₃₂", "b⁽¹⁾₃", "z⁽²⁾₃", "a⁽²⁾₃", "x₂", "a⁽³⁾₁", "y₁", "δ⁽²⁾₃", "∂J/∂W⁽¹⁾₃₂"],
    "rows": ["W⁽¹⁾₂₃", "b⁽¹⁾₃", "z⁽²⁾₃", "a⁽²⁾₃", "X₂", "ŷ", "y", "δ⁽²⁾₃", "∂J/∂W⁽¹⁾₂₃"],
    "delta-rule": ["w⁽¹⁾₃₂", "b⁽¹⁾₃", "sum⁽¹⁾₃", "o⁽¹⁾₃", "x₂", "o⁽²⁾₁", "t₁", "δ⁽¹⁾₃", "∂E/∂w⁽¹⁾₃₂"],
    "tensors": ["v₂₃", "b′₃", "r₃", "y₃", "x₂", "z₁", "t₁", "δ′₃", "∂L/∂v₂₃"],
    "nielsen": ["w²₃₂", "b²₃", "z²₃", "a²₃", "x₂", "a³₁", "y₁", "δ²₃", "∂C/∂w²₃₂"],
    "ng": ["W[1][3,2]", "b[1][3]", "z[1][3]", "a[1][3]", "x[2]", "a[2][1]", "y[1]", "dz[1][3]", "∂ℒ/∂W[1][3,2]"],
    "cs231n": ["W1[1,2]", "b1[2]", "z1[2]", "h1[2]", "x[1]", "h2[0]", "y[0]", "δ1[2]", "∂L/∂W1[1,2]"],
    "keras": ["kernel0[1,2]", "bias0[2]", "z0[2]", "output0[2]", "x[1]", "output1[0]", "y[0]", "δ0[2]",
              "∂loss/∂kernel0[1,2]"],
    "pytorch": ["weight0[2,1]", "bias0[2]", "z0[2]", "a0[2]", "x[1]", "a1[0]", "y[0]", "δ0[2]", "∂loss/∂weight0[2,1]"],
}  # fmt: skip


@pytest.mark.parametrize("preset", PRESETS)
def test_what_each_notation_calls_the_same_numbers(preset):
    naming = Naming(PRESETS[preset], SIZES)
    names = [weight(1, 1, 2), bias(1, 2), z(1, 2), a(1, 2), a(0, 1), a(2, 0), y(0), delta(1, 2),
             Derivative(COST, weight(1, 1, 2))]  # fmt: skip
    assert [name_text(name, naming) for name in names] == NAMES[preset]


def test_examples_are_marked_where_the_notation_has_them():
    shown = {
        p: name_text(a(1, 2, 4), Naming(PRESETS[p], SIZES)) for p in ("chainrule", "rows", "delta-rule", "columns")
    }
    assert shown == {"chainrule": "a[1][3]@5", "rows": "a⁽²⁾₅₃", "delta-rule": "o⁽¹⁾₃₅", "columns": "a⁽²⁾⟨⁵⟩₃"}


def test_large_indices_are_kept_apart():
    assert name_text(weight(1, 10, 2), Naming(PRESETS["columns"], (20, 3, 1))) == "W⁽¹⁾_{3,11}"


def test_latex_and_mathml_of_a_path():
    path = Path(Derivative(COST, weight(1, 0, 1)), (0,))
    latex = LatexWriter(CHAINRULE, 5).shown(CHAINRULE.show(path))
    assert latex == r"\left.\frac{\partial C}{\partial W^{(1)}_{12}}\right|_{\text{via }1}"
    tree = ElementTree.fromstring(f"<math>{MathmlWriter(CHAINRULE, 5).shown(CHAINRULE.show(path))}</math>")
    assert "".join(tree.itertext()) == "∂C∂W12(1)|via\u00a01"


def braces_match(latex):
    depth = 0
    for c in latex.replace("\\{", "").replace("\\}", ""):
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    return depth == 0 and latex.count(r"\left") == latex.count(r"\right")


@given(random_networks.tasks(layers=(1, 3)), st.sampled_from(sorted(PRESETS)), st.data())
@settings(max_examples=settings.default.max_examples // 2)
def test_every_form_is_well_formed(task, notation, data):
    network, X, Y, options = task
    why = cr.explain(network, X, Y, notation=notation, most=2, update="adam", **options)
    entry = why[data.draw(st.sampled_from(why.names()))]
    detail = data.draw(st.sampled_from(["line", "factors", "layers", "paths", "scalars"]))
    ElementTree.fromstring(entry.mathml(detail))
    assert braces_match(entry.latex(detail))
    assert json.loads(json.dumps(entry.json(detail), allow_nan=False))["value"] == entry.value
    for line in entry.text(detail).splitlines():
        assert len(line) <= 170
    assert entry._repr_html_().startswith("<div")
    assert entry._repr_latex_().startswith("$$")


def test_long_lines_are_wrapped_at_the_sign():
    terms = tuple(Symbol(Quantity("a", 1, (k,)), 0.123456 * k) for k in range(30))
    e = Equation(Symbol(COST, 1.0), (Sum(terms), Number(evaluate(Sum(terms)))), "a long sum")
    lines = text([e], Naming(PRESETS["chainrule"], (2, 30, 1)), 5).splitlines()
    assert lines[0] == "a long sum"
    assert all(len(line) <= 112 for line in lines)
    assert [line.find("=") for line in lines if "=" in line] == [4, 4]


def test_a_column_of_numbers():
    net = cr.Network.dense([2, 3, 1], seed=0)
    why = cr.explain(net, np.ones((2, 2)), np.ones((2, 1)))
    shown = str(why["W[1]"])
    assert shown.splitlines()[0] == "W[1], shape (2, 3)"
    assert len(shown.splitlines()) == 3
    large = cr.Network.dense([30, 30, 1], seed=0)
    assert " to " in str(cr.explain(large, np.ones((2, 30)))["W[1]"])
