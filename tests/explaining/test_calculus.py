"""Differentiation by rules: every formula against central differences, and the table of seed 001 rule by rule."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.catalogue import ACTIVATIONS, LOSSES, activation_named, loss_named
from chainrule.explaining.calculus import derivative, worked
from chainrule.explaining.expressions import DerivativeOf, Number, Symbol
from chainrule.explaining.formulas import activation_formula, loss_formula
from chainrule.explaining.quantities import Quantity, variable
from chainrule.explaining.symbolic import derive_activation, derive_loss
from chainrule.explaining.trees import evaluate, rebuilt, substituted
from chainrule.explaining.typed_formulas import parse_formula

x = variable("x")
FORMULAS = [
    "5*x", "x**4", "x**2 + exp(x)", "x**2 - 3*x", "x*exp(x)", "x/(1 + x**2)", "1/(1 + exp(-x))", "ln(1 + x**2)",
    "sqrt(1 + x**2)", "tanh(3*x)", "(x**2 + 1)**3", "2/x", "-x**3", "x**-2", "x**(1/2)", "x*x*x", "exp(x)/3",
    "abs(x)*x", "7",
]  # fmt: skip


def at(expression, value):
    """Put a value in for x (and for z)."""
    return evaluate(substituted(expression, lambda s: Symbol(s.name, value)))


@pytest.mark.parametrize("formula", FORMULAS)
@given(value=st.floats(0.2, 2.0))
@settings(max_examples=20, deadline=None)
def test_derivatives_agree_with_differences(formula, value):
    e = parse_formula(formula)
    h = 1e-6
    numeric = (at(e, value + h) - at(e, value - h)) / (2 * h)
    for step in worked(e, x):  # every line, with what is pending differenced
        assert at(differenced(step.expression, value), value) == pytest.approx(numeric, rel=1e-5, abs=1e-7)
    assert at(derivative(e, x), value) == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(
    ("formula", "rule"),
    [
        ("5*exp(x)", "multiplication by a constant"),
        ("x**4", "power rule"),
        ("x + exp(x)", "sum rule"),
        ("exp(x) - x", "difference rule"),
        ("x*exp(x)", "product rule"),
        ("exp(x)/x", "quotient rule"),
        ("1/x", "reciprocal rule"),
    ],
)
def test_the_rules_of_seed_001(formula, rule):
    assert worked(parse_formula(formula), x)[0].rule == rule


def test_the_univariate_example_of_seed_002():
    # f(g) = 2 g^2 - 3 g + 1, g(x) = x^3 + 2x: df/dg = 4g - 3, dg/dx = 3x^2 + 2; at x = 1: g = 3, 9 * 5 = 45
    f, g = parse_formula("2*g**2 - 3*g + 1"), parse_formula("x**3 + 2*x")
    assert at(derivative(f, variable("g")), 3.0) == 9
    assert at(derivative(g, x), 1.0) == 5
    whole = substituted(f, lambda s: g if s.name == variable("g") else s)
    assert at(derivative(whole, x), 1.0) == 45


def differenced(e, value, h=1e-6):
    """Put central differences in for the derivatives that are still pending."""
    if isinstance(e, DerivativeOf):
        return Number((at(e.of, value + h) - at(e.of, value - h)) / (2 * h))
    return rebuilt(e, lambda part: differenced(part, value))


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n != "softmax"] + ["leaky_relu(0.2)", "elu(0.5)"])
def test_every_activation_is_worked_out(name):
    import numpy as np

    activation, formula = activation_named(name), activation_formula(name)
    for value in (-1.3, -0.2, 0.4, 2.1):
        Z = np.array([[value]])
        A = activation.value(Z)
        slope = activation.pullback(Z, A, np.ones((1, 1))).item()
        z_, a_ = Symbol(Quantity("z"), value), Symbol(Quantity("a"), A.item())
        assert evaluate(formula.value(z_)) == pytest.approx(A.item(), rel=1e-12)
        assert evaluate(formula.slope(z_, a_)) == pytest.approx(slope, rel=1e-12)
        for equation in derive_activation(name).equations[1:]:  # every line of the derivation, to its last
            known = substituted(
                differenced(equation.sides[0], value), lambda s, z_=z_, a_=a_: z_ if s.name.kind == "z" else a_
            )
            assert evaluate(known) == pytest.approx(slope, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "softmax_categorical_cross_entropy"])
def test_every_loss_is_worked_out(name):
    import numpy as np

    loss = loss_named(name)
    for error in ("a-y", "y-a"):
        formula = loss_formula(name, error)
        for a_value, y_value in ((0.3, 1.0), (0.7, 0.2), (0.9, 0.0)):
            z_value = math.log(a_value / (1 - a_value))
            A, Y, Z = (np.array([[v]]) for v in (a_value, y_value, z_value))
            symbols = {kind: Symbol(Quantity(kind), v) for kind, v in (("a", a_value), ("y", y_value), ("z", z_value))}
            if formula.slope is None:
                A = activation_named(loss.activation).value(Z)
                symbols["a"] = Symbol(Quantity("a"), A.item())
                right = loss.delta(Z, A, Y).item()
                made = formula.delta(symbols["a"], symbols["y"])
            else:
                right = loss.pullback(A, Y).item()
                made = formula.slope(symbols["a"], symbols["y"], 1)
            assert evaluate(made) == pytest.approx(right, rel=1e-12, abs=1e-15)
            symbols["n"] = Symbol(Quantity("n"), 1.0)  # outputs
            last = derive_loss(name, "rows" if error == "y-a" else "columns").equations[-1].sides[-1]
            known = substituted(last, lambda s, symbols=symbols: symbols[s.name.kind])
            assert evaluate(known) == pytest.approx(right, rel=1e-12, abs=1e-15)


def test_the_logistic_derivation_reads_like_the_notes():
    # seeds 003 (question 6) and 004: ((1 + e^-z)^-1)' = e^-z / (1 + e^-z)^2 = o (1 - o)
    text = str(derive_activation("logistic"))
    assert "reciprocal rule" in text
    assert "exp(−z) / (1 + exp(−z))²" in text
    assert "a · (1 − a)" in text


def test_softmax_and_its_cross_entropy():
    text = str(derive_activation("softmax"))
    assert "quotient rule" in text
    assert "aᵢ · (1 − aᵢ)" in str(derive_activation("softmax", "columns"))
    assert "−(aₖ · aᵢ)" in str(derive_activation("softmax", "columns")).replace("−aₖ · aᵢ", "−(aₖ · aᵢ)")
    assert "a[j] − y[j]" in str(derive_loss("softmax_categorical_cross_entropy"))
