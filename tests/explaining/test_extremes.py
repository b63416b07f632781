"""At saturation and at the ends of what floats hold, a derivation still evaluates to what it says."""

import itertools
import json
import math
import random as python_random
import warnings

import numpy as np
import pytest
from shown import jacobian_names, number_shown

from chainrule import Network, UsageError, explain
from chainrule.explaining.expressions import Function, Number, Power, Quotient, Sum
from chainrule.explaining.grammar import parse
from chainrule.explaining.text_form import TextWriter
from chainrule.explaining.trees import evaluate

ACTIVATIONS = ["identity", "step", "logistic", "tanh", "relu", "leaky_relu(0.2)", "elu(0.5)", "selu", "gelu", "silu",
               "softplus", "exponential", "softmax"]  # fmt: skip
OUTPUTS = {
    "half_squared_error": "tanh", "sum_of_squares": "softplus", "mean_of_squares": "identity",
    "absolute_error": "identity", "huber(0.5)": "identity", "quantile(0.9)": "identity", "poisson": "exponential",
    "binary_cross_entropy": "logistic", "categorical_cross_entropy": "softmax",
    "logistic_binary_cross_entropy": "logistic", "softmax_categorical_cross_entropy": "softmax",
    "perceptron_criterion": "step",
}  # fmt: skip
EXTREMES = [(0.0, -0.0), (5e-324, 1.0), (1e-200, -1e-200), (12.0, -12.0), (35.0, 1.0), (-35.0, -35.0), (800.0, 1.0),
            (-800.0, 1.0), (-800.0, -800.0), (800.0, 800.0), (-740.0, 3.0), (1e200, 1.0), (-1e200, -1e200),
            (1.7e308, -1.7e308)]  # fmt: skip
ROUNDED, BEYOND = "what rounding leaves", "numbers on the way are beyond floats"


def check(hidden, loss, x, count):
    """Every line of some derivations: its tree, its printed numbers, and that nothing warns or fails."""
    net = Network.dense([2, 2, 2], [hidden, OUTPUTS[loss]], weights=[np.eye(2), np.eye(2)], bias=False)
    why = explain(net, [x], [[1.0, 0.0]], loss=loss, update="gradient_descent", learning_rate=0.1)
    random = python_random.Random(f"{hidden} {loss} {x}")
    names = [parse(name, net.sizes) for name in why.names()] + list(jacobian_names(net.sizes))
    told = 0
    for name, factors in itertools.product(random.sample(names, min(count, len(names))), (False, True)):
        line = why.definitions.of(name, factors=factors)
        found, value = evaluate(line.expression), line.value
        if not math.isfinite(value):  # the same, and with the reason
            assert found == value or (math.isnan(found) and math.isnan(value)), line
            assert "(not finite" in line.rule, line
        if ROUNDED in line.rule:
            assert abs(found - value) < 1e-9
        elif math.isfinite(value):
            assert found == pytest.approx(value, rel=1e-6, abs=0), line
            told += value != 0 and BEYOND not in line.rule
        writer = TextWriter(why.definitions.naming, 5)
        sides = [writer.write(side) for side in line.equation.sides]
        assert not any("−0" in side.replace("−0.", "") for side in sides), sides
        readable = all(c not in sides[1] for c in "|∞^") and "NaN" not in sides[1] and "sign" not in sides[1]
        if readable and math.isfinite(value) and ROUNDED not in line.rule and BEYOND not in line.rule:
            shown = number_shown(sides[1])
            assert shown == pytest.approx(value, rel=3e-3, abs=1e-307), sides
    return told


@pytest.mark.parametrize("count", [5, pytest.param(14, marks=pytest.mark.long)])
@pytest.mark.parametrize("x", EXTREMES)
def test_every_activation_and_every_loss_at_an_extreme(x, count):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = [check(hidden, "half_squared_error", x, count) for hidden in ACTIVATIONS]
        told += [check("identity", loss, x, count) for loss in OUTPUTS]
    assert sum(told) > 7 * count  # numbers other than 0, compared


@pytest.mark.long
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_every_pair_at_every_extreme(hidden):
    for loss, x in itertools.product(OUTPUTS, EXTREMES):
        check(hidden, loss, x, 200)


def one(z, activation="logistic", **options):
    return explain(Network.dense([1, 1], activation, weights=[[[1.0]]], bias=False), [[z]], [[0.0]], **options)


def test_a_saturated_unit_shows_the_digits_that_carry_its_slope():
    # a = 1 / (1 + e^-35) is 1 - 6.66e-16 in floats
    shown = one(35.0)["da[1][1]/dz[1][1]"].text("line").splitlines()
    assert shown[2].strip() == "= 1 · (1 − 0.9999999999999993)"
    assert shown[3].strip() == "= 6.6613·10⁻¹⁶"


def test_a_softmax_of_very_low_z():
    net = Network.dense([1, 2], "softmax", weights=[[[1.0, 1.001]]], bias=False)
    line = explain(net, [[-800.0]])["a[1][1]"].line
    assert "largest z" in line.rule
    assert evaluate(line.expression) == pytest.approx(1 / (1 + math.exp(-0.8)), rel=1e-9)


def test_squares_beyond_floats_are_infinite():
    assert one(1e200, "identity")["C"].value == math.inf
    assert "= ∞" in one(1e200, "identity")["C"].text()


@pytest.mark.parametrize("form", ["text", "latex", "mathml"])
def test_0_has_no_sign(form):
    why = explain(Network.dense([1, 1], "identity", weights=[[[-1.0]]], bias=False), [[0.0]], [[0.0]], notation="rows")
    for name in ("z[2][1]", "dC/dW[1][1,1]", "dC/dx[1]", "C", "delta[2][1]"):
        written = getattr(why[name], form)("line")
        assert not any(f"{minus}{zero}" in written for minus in "-−" for zero in ("0 ", "0\n", "0<", "0)")), written
        assert math.copysign(1.0, why[name].value) == 1.0
        assert "-0" not in json.dumps(why[name].json())


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("at", ["X", "Y"])
def test_data_that_are_not_finite_are_refused(bad, at):
    data = {"X": [[0.0], [1.0]], "Y": [[0.0], [1.0]]}
    data[at][1][0] = bad
    what = "a NaN" if math.isnan(bad) else "an infinity"
    with pytest.raises(UsageError, match=f"{at} holds {what} in row 1, counted from 0"):
        explain(Network.dense([1, 1], seed=0), **data)


SATURATED = [  # loss, output, z of the outputs, targets: a rounds to 0 or 1
    ("binary_cross_entropy", "logistic", [40.0], [0.0]), ("binary_cross_entropy", "logistic", [-800.0], [1.0]),
    ("categorical_cross_entropy", "softmax", [800.0, -800.0], [0.0, 1.0]),
    ("categorical_cross_entropy", "softmax", [-900.0, 5.0, 6.0], [1.0, 0.0, 0.0]),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "output", "z", "y"), SATURATED)
@pytest.mark.parametrize("detail", ["line", "factors", "layers", "paths", "scalars"])
def test_a_saturated_loss_says_why_and_the_fused_one_that_is_named_answers(loss, output, z, y, detail):
    net = Network.dense([1, len(z)], output, weights=[[z]], bias=False)
    why, fused = explain(net, [[1.0]], [y], loss=loss), f"{output}_{loss}"
    other = explain(net, [[1.0]], [y], loss=fused)
    for name in ("C", "J", "dC/dW[1][1,1]", "dJ/dW[1][1,1]", "delta[1][1]", "dC/dx[1]", "dC/da[1][1]"):
        lines = why[name].lines(detail)
        for line in lines:
            lost = not math.isfinite(line.value)
            assert lost == (f"{fused} is" in line.rule) == ("not finite" in line.rule), line
        assert math.isfinite(why[name].value) or "not finite" in str(why[name])
        if name != "dC/da[1][1]":
            assert all(math.isfinite(line.value) for line in other[name].lines(detail))
    assert any(not math.isfinite(why[name].value) for name in ("C", "dC/dW[1][1,1]"))
    for name in ("dC/dW[1]", "delta[1]"):
        array = why[name]
        assert np.isfinite(array.value).all() == ("not finite" not in str(array))
        assert ("not finite" in str(array)) == ("not finite" in array.json()["lines"][0]["rule"])
    # a true derivative, z known: a - y
    a = [1 / (1 + math.exp(-z[0])) if z[0] > -700 else 0.0] if output == "logistic" else None
    if a is not None:
        assert other["dC/dW[1][1,1]"].value == pytest.approx(a[0] - y[0])


def test_numbers_beyond_floats_and_weights_that_are_not_finite_are_said():
    assert "beyond what float64 holds" in str(one(1e200, "identity")["C"])
    poisson = explain(Network.dense([1, 1], "exponential", weights=[[[-800.0]]], bias=False), [[1.0]], [[2.0]],
                      loss="poisson")  # fmt: skip
    assert "an output is 0 in float64" in poisson["C"].rule
    assert "; " not in poisson["C"].rule  # no loss has it
    lost = explain(Network.dense([1, 1], weights=[[[math.nan]]], bias=False), [[1.0]], [[1.0]])
    assert "as a weight is not" in lost["z[1][1]"].rule
    assert "not finite" not in explain(Network.dense([1, 1], seed=0), [[1.0]], [[1.0]])["C"].rule


def test_powers_and_quotients_are_those_of_floats():
    """As NumPy has them, at every kind of number: signed zeros, infinities, odd and even exponents, overflow."""
    numbers = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 1e200, -1e200, 1e-200, -1e-200, math.inf, -math.inf]
    exponents = [*numbers, 2000.0, 2001.0, -2000.0, -2001.0, -3.0, 0.25]
    with np.errstate(all="ignore"):
        for base, exponent in itertools.product(numbers, exponents):
            if base or exponent >= 0:  # of 0^-3 the sign is that of the 0, which nobody sees
                found = evaluate(Power(Number(base), Number(exponent)))
                np.testing.assert_array_equal(found, np.float_power(base, exponent), f"{base}^{exponent}")
        for top, bottom in itertools.product(numbers, numbers):
            found = evaluate(Quotient(Number(top), Number(bottom)))
            np.testing.assert_array_equal(found, np.divide(top, bottom), f"{top} / {bottom}")
            assert math.copysign(1, found) == math.copysign(1, np.divide(top, bottom)) or math.isnan(found)
        for name, function in (("ln", np.log), ("sqrt", np.sqrt), ("exp", np.exp), ("sinh", np.sinh), ("cosh", np.cosh),
                               ("sin", np.sin), ("sign", np.sign), ("abs", np.abs), ("tanh", np.tanh)):  # fmt: skip
            for x in (*numbers, 800.0, -800.0, math.nan):
                found = evaluate(Function(name, Number(x)))
                np.testing.assert_allclose(found, function(x), rtol=1e-14, err_msg=f"{name} {x}")
        for x in (-2.0, -1.0, -1 + 1e-12, 1e-12, -1e-12, 0.0, 1e300):
            found = evaluate(Function("ln", Sum((Number(1.0), Number(x)))))
            np.testing.assert_allclose(found, np.log1p(x), rtol=1e-14, err_msg=f"ln(1 + {x})")
