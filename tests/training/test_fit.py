"""`chainrule.fit`: training on arrays as they are."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UsageError

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
AND = np.array([[0.0], [0], [0], [1]])


def test_a_neuron_brings_its_own_rule():
    """The perceptron rule by hand: w <- w + (y - a) x after each example, from zeros, in the same orders."""
    state = cr.fit(cr.neurons.perceptron(2), X, AND, learning_rate=1, epochs=10, shuffle=False)
    w, b = np.zeros(2), 0.0
    for _ in range(10):
        for x, y in zip(X, AND[:, 0], strict=True):
            error = y - (w @ x + b >= 0)
            w, b = w + error * x, b + error
    assert state.network.weights[1][:, 0].tolist() == w.tolist() != [0, 0]
    assert state.network.biases[1].tolist() == [b]


def test_linear_regression_finds_the_least_squares():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(30, 3))
    targets = inputs @ np.array([[1.0], [-2], [0.5]]) + 4
    state = cr.fit(cr.neurons.linear_regression(3), inputs, targets, learning_rate=0.1, epochs=200)
    exact, *_ = np.linalg.lstsq(np.column_stack([inputs, np.ones(30)]), targets, rcond=None)
    np.testing.assert_allclose(state.network.weights[1], exact[:3], rtol=1e-6)
    np.testing.assert_allclose(state.network.biases[1], exact[3], rtol=1e-6)


def test_validation_and_callbacks():
    seen = []
    network = cr.Network.dense([2, 3, 1], seed=0)
    state = cr.fit(network, X, AND, validation=(X[:2], AND[:2]), on_epoch=seen.append)
    assert len(seen) == state.epoch == 200
    assert state.best_cost == min(row.validation_cost for row in state.history)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"starts": 5}, 'option "starts" has no effect here'),
        ({"dtype": "float32"}, 'option "dtype" has no effect here'),
        ({"hidden": 3}, 'option "hidden" has no effect here'),
        ({"epoch": 3}, 'option "epoch" is unknown. Did you mean "epochs"?'),
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(UsageError) as caught:
        cr.fit(cr.Network.dense([2, 1]), X, AND, **options)
    assert message in str(caught.value)
