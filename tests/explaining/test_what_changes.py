"""What a translation says, between every two notations: each convention that differs, and no other."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import translate
from chainrule.explaining.presets import PRESETS

SIZES, N = (2, 3, 4), 5
SQUARES = {  # what a course minimises, of A and Y
    "half_squared_error": lambda A, Y: 0.5 * np.sum((A - Y) ** 2, axis=1),
    "sum_of_squares": lambda A, Y: np.sum((A - Y) ** 2, axis=1),
    "mean_of_squares": lambda A, Y: np.mean((A - Y) ** 2, axis=1),
}
ERROR = {
    "y-a": "the error is written y - a, with a minus before it",
    "a-y": "the error is written a - y, without a minus",
}
TERM = {
    "beta": "beta = -dC/da is sent back, where it was delta = dC/dz",
    "delta": "delta = dC/dz is sent back, where it was beta = -dC/da",
}
BIAS = {"w0": "a bias is the weight w_0 of a constant input 1", "b": "a bias is b"}
A, Y = np.random.default_rng(0).normal(size=(2, N, SIZES[-1]))


def cost(n):
    """J as a course has it."""
    costs = SQUARES[n.loss](A, Y)
    return costs.mean() if n.reduction == "mean" else costs.sum()


@pytest.mark.matrix(4)
@pytest.mark.parametrize("source", sorted(PRESETS))
@pytest.mark.parametrize("target", sorted(PRESETS))
def test_each_convention_that_differs_is_said_and_no_other(source, target):
    a, b = PRESETS[source], PRESETS[target]
    c, d = a.counting, b.counting
    of_arrays = [
        f"a weight's indices are [{'from, to' if d.from_to else 'to, from'}] now, so weight matrices are transposed"
        if c.from_to != d.from_to else "",
        f"the input is layer {d.input_layer}, not {c.input_layer}" if c.input_layer != d.input_layer else "",
        f"the weights out of the input have number {d.first_weights}, not {c.first_weights}"
        if c.first_weights != d.first_weights else "",
        f"units count from {d.first_unit}, not {c.first_unit}" if c.first_unit != d.first_unit else "",
        f"examples are {b.examples}, not {a.examples}" if a.examples != b.examples else "",
    ]  # fmt: skip
    of_letters = [
        ERROR[b.error] if a.error != b.error else "",
        TERM[b.error_term] if a.error_term != b.error_term else "",
        BIAS[b.bias] if a.bias != b.bias else "",
    ]
    said = [words for words in (*of_arrays, *of_letters) if words]
    name = f"W[{c.layer(2, 'W')}]"
    done = translate(name, source=source, target=target, sizes=SIZES)
    assert list(done.changes) == said
    shown = f"    ({done.shown})" if done.shown else ""
    assert str(done) == "\n".join([done.text + shown, *(f"- {words}" for words in said or ["nothing changes"])])
    turned = "x x^T" if a.examples == "rows" else "x^T x"
    formula = translate(turned, source=source, target=target, sizes=SIZES)
    assert [words for words in formula.changes if "transposed" not in words or "weight" in words] == [
        w for w in of_arrays if w
    ]
    # J and its derivatives are as many times as large as J itself is; delta is of one example.
    entry = f"dJ/dW[{c.layer(1, 'W')}]"
    value = np.ones((2, 3) if c.from_to else (3, 2))
    moved = translate(entry, value, source=source, target=target, sizes=SIZES, n_examples=N)
    np.testing.assert_allclose(moved.value, cost(b) / cost(a), rtol=1e-12)
    of_one = translate(f"delta[{c.layer(1)}]", np.ones(3), source=source, target=target, sizes=SIZES)
    np.testing.assert_allclose(of_one.value, SQUARES[b.loss](A, Y)[0] / SQUARES[a.loss](A, Y)[0], rtol=1e-12)
    words = [change for change in moved.changes if ": times" in change]
    assert len(words) == sum((a.reduction != b.reduction, bool(SQUARES[a.loss](A, Y)[0] != SQUARES[b.loss](A, Y)[0])))
    factors = [float(change.rpartition(" ")[2]) for change in words]
    assert np.prod(factors) == pytest.approx(cost(b) / cost(a), rel=1e-5)
    if a.reduction != b.reduction:
        with pytest.raises(cr.UsageError, match="give n_examples"):
            translate(entry, value, source=source, target=target, sizes=SIZES)
