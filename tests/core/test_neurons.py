"""The neurons of the lectures, trained by loops written out here: what each learns, and what none can."""

import numpy as np
import pytest

from chainrule import neurons
from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.core.update_rules import update_rule_named

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND, OR, XOR = (np.array(column, dtype=float)[:, None] for column in ([0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0]))


def train(network, X, Y, loss, *, epochs, learning_rate, rule="gradient_descent", incremental=False, seed=0):
    """Train by batch, with the sum of the costs, or incrementally in a fresh random order every epoch."""
    rule, random = update_rule_named(rule), np.random.default_rng(seed)
    state = rule.init(network.parameters)
    for _ in range(epochs):
        for rows in [[n] for n in random.permutation(len(X))] if incremental else [range(len(X))]:
            rows = list(rows)
            grads = backward(network, forward(network, X[rows]), Y[rows], loss, reduction="sum")
            changes, state = rule.update(grads.parameters, state, learning_rate)
            network = network.with_parameters([p + c for p, c in zip(network.parameters, changes, strict=True)])
    return network


def accuracy(network, X, Y):
    return float(np.mean((forward(network, X).output > 0.5) == (Y > 0.5)))


# ---- the perceptron -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("Y", [AND, OR], ids=["AND", "OR"])
def test_the_perceptron_learns_and_and_or_by_its_rule(Y):
    network, loss = neurons.perceptron(2)
    assert accuracy(network, X, Y) < 1
    trained = train(network, X, Y, loss, epochs=20, learning_rate=1.0, incremental=True)
    assert accuracy(trained, X, Y) == 1
    again = train(trained, X, Y, loss, epochs=1, learning_rate=1.0, incremental=True)
    np.testing.assert_array_equal(again.weights[1], trained.weights[1])  # nothing wrong, nothing changes


def test_each_perceptron_update_is_the_rule():
    # w <- w + eta (y - a) x, b <- b + eta (y - a), with a = 1 where w . x + b >= 0; written out beside ours.
    network, loss = neurons.perceptron(2, init="uniform(-1,1)", seed=3)
    w, b, eta = network.weights[1][:, 0].copy(), float(network.biases[1][0]), 0.3
    changed = 0
    for _ in range(10):
        for x, y in zip(X, AND[:, 0], strict=True):
            grads = backward(network, forward(network, x[None, :]), [[y]], loss)
            network = network.with_parameters(
                [p - eta * g for p, g in zip(network.parameters, grads.parameters, strict=True)]
            )
            a = 1.0 if w @ x + b >= 0 else 0.0
            w, b = w + eta * (y - a) * x, b + eta * (y - a)
            changed += y != a
            np.testing.assert_allclose(network.weights[1][:, 0], w, rtol=1e-14)
            assert network.biases[1][0] == pytest.approx(b, rel=1e-13, abs=1e-15)
    assert changed >= 3


def test_from_zero_the_learning_rate_only_scales_a_perceptron():
    network, loss = neurons.perceptron(2)
    one, two = (train(network, X, AND, loss, epochs=8, learning_rate=rate, incremental=True) for rate in (1.0, 0.25))
    np.testing.assert_array_equal(one.weights[1], 4 * two.weights[1])
    assert np.any(one.weights[1] != 0)


def test_a_perceptron_with_several_outputs_is_several_perceptrons():
    Y = np.hstack([AND, OR])
    network, loss = neurons.perceptron(2, 2)
    both = train(network, X, Y, loss, epochs=20, learning_rate=1.0, incremental=True)
    assert accuracy(both, X, Y) == 1
    for k in (0, 1):
        alone = train(neurons.perceptron(2).network, X, Y[:, [k]], loss, epochs=20, learning_rate=1.0, incremental=True)
        np.testing.assert_array_equal(both.weights[1][:, [k]], alone.weights[1])


# ---- XOR ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "learning_rate"), [(neurons.perceptron, 0.5), (neurons.logistic_regression, 2.0)])
def test_one_neuron_cannot_learn_xor(make, learning_rate):
    # Seed 002: a perceptron cannot represent XOR, a logistic neuron has the same limitation.
    best, starts = 0.0, 25
    for seed in range(starts):
        network, loss = make(2, init="uniform(-2,2)", seed=seed)
        for _ in range(4):
            best = max(best, accuracy(network, X, XOR))
            network = train(network, X, XOR, loss, epochs=10, learning_rate=learning_rate, incremental=True, seed=seed)
        best = max(best, accuracy(network, X, XOR))
    assert best == 0.75  # three of the four can be had, the fourth never


def test_no_line_at_all_separates_xor():
    # Not only training fails: of 20 000 lines none gets more than three right, while many separate AND.
    random = np.random.default_rng(0)
    W, b = random.normal(size=(2, 20_000)), random.normal(size=20_000)
    network = Network.dense([2, 20_000], "step", weights=[W], biases=[b])
    A = forward(network, X).output
    assert np.mean(XOR == A, axis=0).max() == 0.75
    assert np.mean(AND == A, axis=0).max() == 1


def test_two_hidden_logistic_units_learn_xor():
    # Seed 004: 2 x 2 x 1, random weights in [-1, 1], an epoch is all four entries of the truth table. "Each run is
    # different due to random weight init": some end in a local minimum, most learn it.
    learnt = 0
    for seed in range(8):
        network = Network.dense([2, 2, 1], "logistic", init="uniform(-1,1)", seed=seed)
        before = backward(network, forward(network, X), XOR, reduction="sum")
        assert accuracy(network, X, XOR) <= 0.75
        trained = train(network, X, XOR, "half_squared_error", epochs=1500, learning_rate=0.5, rule="momentum(0.9)")
        after = backward(trained, forward(trained, X), XOR, reduction="sum")
        assert after.cost < before.cost
        if accuracy(trained, X, XOR) == 1:
            assert after.cost < 0.01
            learnt += 1
    assert learnt >= 5


# ---- adaline and the regressions ----------------------------------------------------------------------------------


def linear_data():
    random = np.random.default_rng(1)
    X = random.normal(size=(20, 3))
    return X, X @ [[1.0, 0.5], [-2.0, 0.0], [0.5, 3.0]] + [[0.7, -1.0]] + 0.1 * random.normal(size=(20, 2))


@pytest.mark.parametrize("make", [neurons.adaline, neurons.linear_regression])
def test_adaline_converges_to_the_least_squares_solution(make):
    X, Y = linear_data()
    network, loss = make(3, 2)
    trained = train(network, X, Y, loss, epochs=600, learning_rate=0.03)
    expected, *_ = np.linalg.lstsq(np.hstack([X, np.ones((20, 1))]), Y, rcond=None)
    np.testing.assert_allclose(trained.weights[1], expected[:3], rtol=1e-8)
    np.testing.assert_allclose(trained.biases[1], expected[3], rtol=1e-8)
    grads = backward(trained, forward(trained, X), Y, loss)
    assert max(np.abs(g).max() for g in grads.parameters) < 1e-9
    assert max(np.abs(g).max() for g in backward(network, forward(network, X), Y, loss).parameters) > 0.1


def test_each_adaline_update_is_the_widrow_hoff_rule():
    # Incremental: w <- w + eta (y - w . x - b) x. It uses the sum before any step.
    X, Y = linear_data()
    network, loss = neurons.adaline(3, seed=1)
    w, b, eta = network.weights[1][:, 0].copy(), float(network.biases[1][0]), 0.05
    for x, y in zip(X, Y[:, 0], strict=True):
        grads = backward(network, forward(network, x[None, :]), [[y]], loss)
        network = network.with_parameters(
            [p - eta * g for p, g in zip(network.parameters, grads.parameters, strict=True)]
        )
        e = y - (w @ x + b)
        w, b = w + eta * e * x, b + eta * e
        np.testing.assert_allclose(network.weights[1][:, 0], w, rtol=1e-12)
    assert abs(w[1] + 2) < 0.9


def test_logistic_regression_follows_its_gradient_to_where_it_vanishes():
    X, Y = linear_data()
    Y = (Y[:, :1] + np.random.default_rng(2).normal(0, 2, (20, 1)) > 0).astype(float)  # not separable
    network, loss = neurons.logistic_regression(3)
    trained = train(network, X, Y, loss, epochs=2000, learning_rate=0.1, rule="momentum(0.9)")
    errors = 1 / (1 + np.exp(-(X @ trained.weights[1] + trained.biases[1]))) - Y  # delta = a - y
    np.testing.assert_allclose(X.T @ errors, 0, atol=1e-8)
    np.testing.assert_allclose(errors.sum(), 0, atol=1e-8)
    assert np.abs(trained.weights[1]).max() > 0.1


# ---- one decision -------------------------------------------------------------------------------------------------


def test_perceptron_and_logistic_neuron_decide_alike():
    # Seed 002: the same decision function, 1 where w . x > 0, since logistic(z) > 1/2 exactly where z > 0.
    random = np.random.default_rng(0)
    W, b, points = random.normal(size=(3, 1)), random.normal(size=1), random.normal(size=(5000, 3))
    z = points @ W + b
    step, logistic = (Network.dense([3, 1], name, weights=[W], biases=[b]) for name in ("step", "logistic"))
    decided = forward(step, points).output == 1
    np.testing.assert_array_equal(decided, z > 0)
    np.testing.assert_array_equal(forward(logistic, points).output > 0.5, z > 0)
    assert 500 < decided.sum() < 4500


def test_exactly_on_the_line():
    # The document's unit step is 1 at z = 0, its decision function 0 there; the logistic neuron says 1/2: undecided.
    W = np.array([[1.0], [-1.0]])
    answers = [forward(Network.dense([2, 1], name, weights=[W]), [[2.0, 2.0]]).output for name in ("step", "logistic")]
    assert [answer.tolist() for answer in answers] == [[[1]], [[0.5]]]


def test_what_each_neuron_is():
    kinds = {make.__name__: make(4, 2) for make in (
        neurons.perceptron, neurons.adaline, neurons.linear_regression, neurons.logistic_regression)}  # fmt: skip
    assert {name: (n.network.layers[0].activation.name, n.loss) for name, n in kinds.items()} == {
        "perceptron": ("step", "perceptron_criterion"),
        "adaline": ("identity", "half_squared_error"),
        "linear_regression": ("identity", "half_squared_error"),
        "logistic_regression": ("logistic", "logistic_binary_cross_entropy"),
    }
    for neuron in kinds.values():
        assert neuron.network.sizes == (4, 2)
        Y = np.array([[0.0, 1.0]])
        record = forward(neuron.network, np.ones((1, 4)))
        grads = backward(neuron.network, record, Y, neuron.loss)
        np.testing.assert_array_equal(grads.delta[1], record.output - Y)  # delta = a - y for all four
    assert not kinds["perceptron"].network.weights[1].any()
    assert 0 < np.abs(kinds["adaline"].network.weights[1]).max() <= 0.1
