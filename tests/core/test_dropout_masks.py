"""Masks in the two passes: by hand, against autograd and central differences, and what does not fit is refused."""

import array_api_strict as strict
import autograd_oracle as oracle
import numpy as np
import pytest
from autograd import grad

from chainrule.core.gradient_check import check_gradient_function
from chainrule.core.network import Network
from chainrule.core.passes import backward, cost, forward
from chainrule.errors import UsageError

HIDDEN = [name for name in oracle.ACTIVATIONS if name != "step"]
LOSSES = {"half_squared_error": "identity", "softmax_categorical_cross_entropy": "softmax"}
MASKS = {
    "both": (True, True),
    "first": (True, False),
    "second": (False, True),
}


def example(hidden, loss, which="both", bias=True):
    """A 3-4-5-2 network, six examples, and masks that leave out a third of the units."""
    generator = np.random.default_rng(3)
    activations = [hidden, hidden, LOSSES[loss]]
    init = "uniform(-0.3,0.3)" if hidden == "exponential" else "uniform(-1.5,1.5)"
    network = Network.dense([3, 4, 5, 2], activations, bias=bias, init=init, seed=3)
    X = generator.normal(size=(6, 3))
    Y = np.eye(2)[generator.integers(0, 2, 6)]
    masks = [(generator.random((6, n)) >= 1 / 3) * 1.5 for n in (4, 5)]
    assert all(0 < (mask == 0).mean() < 1 for mask in masks)
    return network, activations, X, Y, [m if given else None for m, given in zip(masks, MASKS[which], strict=True)]


def test_by_hand():
    """Three logistic units, the second left out and the others doubled, into an identity output.

    z = 0.3 * 1 + 1.0 * 1 = 1.3 in all three; f = logistic(1.3) = 0.785835; a = (1.571670, 0, 1.571670).
    The output is 3.143340, with target 1: C = 1/2 2.143340^2 = 2.296953 and delta[2] = 2.143340.
    dC/da[1] = 2.143340 for all three, dC/df = (4.286680, 0, 4.286680), f (1 - f) = 0.168298, so that
    delta[1] = (0.721440, 0, 0.721440), and dC/dW[1] has 0.3 and 1 times that in its rows.
    """
    network = Network.dense([2, 3, 1], ["logistic", "identity"], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
    record = forward(network, [[0.3, 1.0]], masks=[[[2, 0, 2]]])
    np.testing.assert_allclose(record.f[1], [[0.785835] * 3], atol=1e-6)
    np.testing.assert_allclose(record.a[1], [[1.571670, 0, 1.571670]], atol=1e-6)
    grads = backward(network, record, [[1.0]])
    assert grads.cost == pytest.approx(2.296953, abs=1e-5)
    np.testing.assert_allclose(grads.activations[1], [[2.143340] * 3], atol=1e-5)
    np.testing.assert_allclose(grads.delta[1], [[0.721440, 0, 0.721440]], atol=1e-5)
    np.testing.assert_allclose(grads.weights[1], np.outer([0.3, 1], [0.721440, 0, 0.721440]), atol=1e-5)
    np.testing.assert_allclose(grads.weights[2].ravel(), 2.143340 * np.array([1.571670, 0, 1.571670]), atol=1e-5)


@pytest.mark.matrix(3)
@pytest.mark.parametrize("which", MASKS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_gradient_is_autograds(hidden, loss, which):
    network, activations, X, Y, masks = example(hidden, loss, which)
    grads = backward(network, forward(network, X, masks), Y, loss)

    def mean_cost(parameters, X):
        return oracle.example_costs(parameters, activations, loss, X, Y, masks).sum() / 6

    parameters = oracle.parameters_of(network)
    expected = [g for pair in grad(mean_cost)(parameters, X) for g in pair]
    for found, automatic in zip(grads.parameters, expected, strict=True):
        np.testing.assert_allclose(found, automatic, rtol=1e-9, atol=1e-14)
        assert np.any(found != 0)
    np.testing.assert_allclose(grads.activations[0] / 6, grad(mean_cost, 1)(parameters, X), rtol=1e-9, atol=1e-14)
    whole = backward(network, forward(network, X), Y, loss)
    assert not np.allclose(grads.weights[1], whole.weights[1], atol=1e-4)


@pytest.mark.matrix(4)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", ["tanh", "logistic", "softmax", "gelu"])
@pytest.mark.parametrize("bias", [True, False, "x0"])
def test_gradient_is_that_of_central_differences(bias, hidden, loss):
    network, _, X, Y, masks = example(hidden, loss, bias=bias)
    options = {"reduction": "sum", "weight_decay": 0.1, "sample_weight": np.linspace(0.5, 2, 6)}

    def cost_and_gradient(parameters):
        there = network.with_parameters(parameters)
        record = forward(there, X, masks)
        return cost(there, record, Y, loss, **options), backward(there, record, Y, loss, **options).parameters

    assert check_gradient_function(cost_and_gradient, network.parameters).passed


def test_the_record():
    network, _, X, _, masks = example("tanh", "half_squared_error", "second")
    plain, record = forward(network, X), forward(network, X, masks)
    assert plain.masks == plain.f == ()
    assert [mask is None for mask in record.masks] == [True, True, False, True]
    np.testing.assert_array_equal(record.f[2], plain.a[2])
    np.testing.assert_array_equal(record.a[2], plain.a[2] * masks[1])
    for l in (0, 1, 3):
        assert record.f[l] is record.a[l]


def test_masks_of_ones_change_nothing():
    network, _, X, Y, _ = example("gelu", "softmax_categorical_cross_entropy")
    ones = [np.ones((6, 4)), np.ones((6, 5))]
    for masks in (ones, [None, None]):
        record = forward(network, X, masks)
        np.testing.assert_array_equal(record.output, forward(network, X).output)
        one, other = (backward(network, r, Y) for r in (record, forward(network, X)))
        for a, b in zip(one.parameters, other.parameters, strict=True):
            np.testing.assert_array_equal(a, b)


def test_array_api_strict():
    network, _, X, Y, masks = example("tanh", "half_squared_error", "second")
    expected = backward(network, forward(network, X, masks), Y)
    elsewhere = network.with_parameters([strict.asarray(p) for p in network.parameters])
    record = forward(elsewhere, strict.asarray(X), [None, strict.asarray(masks[1])])
    for found, g in zip(backward(elsewhere, record, strict.asarray(Y)).parameters, expected.parameters, strict=True):
        np.testing.assert_allclose(np.asarray(found), g, rtol=1e-13)


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ([], "for each of 2 hidden layers; received 0"),
        ([None, None, None], "for each of 2 hidden layers; received 3"),
        ([np.ones((6, 4)), np.ones((6, 4))], r"the mask of layer 2 must have shape \(6, 5\); received \(6, 4\)"),
        ([np.ones(4), None], r"the mask of layer 1 must have shape \(6, 4\); received \(4,\)"),
        ([[["a"]], None], "expected real numbers"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, words):
    network, _, X, _, _ = example("tanh", "half_squared_error")
    with pytest.raises(UsageError, match=words):
        forward(network, X, masks)
