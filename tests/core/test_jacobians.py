"""Jacobians against central differences of the forward pass, autograd, and `backward` for one example at a time."""

from functools import partial

import array_api_strict as strict
import autograd
import numpy as np
import pytest
from autograd_oracle import FUSED_OUTPUT, example_costs, layer_values, parameters_of

from chainrule.core.catalogue import ACTIVATIONS, LOSSES, Activation
from chainrule.core.jacobians import example_gradients, example_jacobians, layer_jacobians, output_jacobians
from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.errors import UsageError

SIZES = [3, 4, 3, 2]
X = np.random.default_rng(1).normal(size=(5, 3))


def network(activations=("tanh", "softplus", "softmax"), **options):
    return Network.dense(SIZES, list(activations), init="uniform(-1,1)", seed=2, **options)


def flat(parameters):
    return np.concatenate([p.ravel() for p in parameters])


def moved(net, vector):
    """The network with other trainable parameters."""
    parts = np.split(vector, np.cumsum([p.size for p in net.trainable_parameters])[:-1])
    shaped = [part.reshape(p.shape) for part, p in zip(parts, net.trainable_parameters, strict=True)]
    return net.with_parameters(shaped, trainable_only=True)


def central(function, at, h=1e-6):
    """d function / d at by central differences; the last axis runs over the entries of `at`."""
    columns = []
    for i in range(at.size):
        step = np.zeros(at.size)
        step[i] = h
        columns.append((function(at + step) - function(at - step)) / (2 * h))
    return np.stack(columns, axis=-1)


def outputs(net, vector, pre_activations=False):
    record = forward(moved(net, vector), X)
    return record.z[-1] if pre_activations else record.output


SHAPES = [{}, {"bias": "x0"}, {"bias": False}, {"trainable": [False, True, True]}, {"trainable": [True, False, True]},
          {"trainable": [True, True, False]}, {"trainable": [False, True, False], "bias": "x0"}]  # fmt: skip


@pytest.mark.parametrize("pre_activations", [False, True])
@pytest.mark.parametrize("options", SHAPES, ids=str)
def test_example_jacobians_are_the_slopes_of_the_outputs(options, pre_activations):
    net = network(**options)
    w = flat(net.trainable_parameters)
    found = output_jacobians(net, forward(net, X), pre_activations=pre_activations)
    assert found.shape == (5, 2, w.size)
    np.testing.assert_allclose(found, central(lambda v: outputs(net, v, pre_activations), w), rtol=1e-6, atol=1e-8)
    assert (np.abs(found).max(axis=(0, 1)) > 0).all()  # every parameter moves some output
    if not pre_activations:
        assert (example_jacobians(net, X) == found).all()


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "step"])
def test_every_activation_against_autograd(name):
    """In the middle and at the end, where softmax has a full Jacobian."""
    activations = ["tanh", name, name]
    net = network(activations)
    pairs = parameters_of(net)

    def output(pairs):
        return layer_values(pairs, activations, X)[1][-1]

    columns = []
    for l in range(3):
        for which in (0, 1):

            def of_one(p, l=l, which=which):
                return output([(p, b) if (k, which) == (l, 0) else (W, p) if (k, which) == (l, 1) else (W, b)
                               for k, (W, b) in enumerate(pairs)])  # fmt: skip

            blocks = autograd.jacobian(of_one)(pairs[l][which])
            columns.append(blocks.reshape(5, 2, -1))
    np.testing.assert_allclose(example_jacobians(net, X), np.concatenate(columns, axis=2), rtol=1e-9, atol=1e-12)


def test_own_activations_pass_through_their_pullback():
    def pullback(Z, A, dC_dA):
        return dC_dA * np.cos(Z) + 0.1 * np.sum(dC_dA, axis=1, keepdims=True)

    mixing = Activation("mixing", lambda Z: np.sin(Z) + 0.1 * Z.sum(axis=1, keepdims=True), pullback)
    net = network([mixing, mixing, "identity"])
    w = flat(net.trainable_parameters)
    expected = central(lambda v: outputs(net, v), w)
    np.testing.assert_allclose(example_jacobians(net, X), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "perceptron_criterion"])
def test_example_gradients(loss):
    output = FUSED_OUTPUT.get(loss, "softmax")
    Y = np.eye(2)[[0, 1, 1, 0, 1]]
    net = network(["tanh", "softplus", output])
    found = example_gradients(net, X, Y, loss)
    assert found.shape == (5, net.n_parameters)
    for n in range(5):  # one example at a time, by backward and by autograd
        x, y = X[n : n + 1], Y[n : n + 1]
        alone = backward(net, forward(net, x), y, loss)
        np.testing.assert_allclose(found[n], flat(alone.parameters), rtol=1e-12, atol=1e-14)

        def cost(pairs, x=x, y=y):
            return example_costs(pairs, ["tanh", "softplus", output], loss, x, y)[0]

        by_autograd = autograd.grad(cost)(parameters_of(net))
        expected = np.concatenate([part.ravel() for pair in by_autograd for part in pair])
        np.testing.assert_allclose(found[n], expected, rtol=1e-9, atol=1e-12)
    assert np.abs(found).max() > 0.01
    grads = backward(net, forward(net, X), Y, loss)
    np.testing.assert_allclose(found.mean(axis=0), flat(grads.parameters), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("options", SHAPES, ids=str)
def test_example_gradients_of_the_trainable_layers(options):
    net = network(**options)
    Y = np.eye(2)[[0, 1, 1, 0, 1]]
    grads = backward(net, forward(net, X), Y, reduction="sum")
    wanted = [
        g
        for layer, pair in zip(net.layers, zip(grads.weights[1:], grads.biases[1:], strict=True), strict=True)
        for g in pair
        if layer.trainable and g is not None
    ]
    found = example_gradients(net, X, Y)
    np.testing.assert_allclose(found.sum(axis=0), flat(wanted), rtol=1e-12)
    C = example_jacobians(net, X)
    chained = np.einsum("nk,nkp->np", forward(net, X).output - Y, C)  # dC/dw = dC/da da/dw
    np.testing.assert_allclose(found, chained, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("bias", [True, False, "x0"])
def test_layer_jacobians(bias):
    net = network(bias=bias)
    record = forward(net, X)
    for l in range(4):
        for m in range(l, 4):
            upper = Network(net.layers[l:m]) if m > l else None
            for n in range(5):
                at = record.a[l][n]
                value = (lambda v, upper=upper: forward(upper, v[None]).output[0]) if upper else (lambda v: v)
                found = layer_jacobians(net, record, l, m)
                assert found.shape == (5, SIZES[m], SIZES[l])
                np.testing.assert_allclose(found[n], central(value, at), rtol=1e-6, atol=1e-9)


def test_layer_jacobians_chain():
    """da[3]/da[0] is the product of the three between (seed 004)."""
    net = network()
    record = forward(net, X)
    product = layer_jacobians(net, record, 2, 3) @ layer_jacobians(net, record, 1, 2)
    product = product @ layer_jacobians(net, record, 0, 1)
    np.testing.assert_allclose(layer_jacobians(net, record, 0, 3), product, rtol=1e-12)


def test_masks():
    """With dropout, a[l] stands behind its mask: derivatives with respect to it, and through it."""
    net = network(("softmax", "tanh", "softplus"))
    keep = [np.random.default_rng(l).integers(0, 2, (5, n)) / 0.5 for l, n in enumerate(SIZES[1:-1])]
    record = forward(net, X, keep)

    def above(l, m):
        """a[m] of one example as a function of its a[l]."""

        def value(a, n):
            for k in range(l, m):
                a = forward(Network(net.layers[k : k + 1]), a[None]).output[0] * (keep[k][n] if k < 2 else 1)
            return a

        return value

    for l in range(4):
        for m in range(l, 4):
            found, value = layer_jacobians(net, record, l, m), above(l, m)
            for n in range(5):
                slopes = central(partial(value, n=n), record.a[l][n])
                np.testing.assert_allclose(found[n], slopes, rtol=1e-6, atol=1e-9)
    w = flat(net.trainable_parameters)
    slopes = central(lambda v: forward(moved(net, v), X, keep).output, w)
    np.testing.assert_allclose(output_jacobians(net, record), slopes, rtol=1e-6, atol=1e-8)
    assert not np.allclose(slopes, output_jacobians(net, forward(net, X)))


def test_refusals():
    net = network()
    record = forward(net, X)
    for l, m in ((2, 1), (-1, 2), (0, 4)):
        with pytest.raises(UsageError, match=rf"needs layers 0 <= l <= m <= 3, .*received l={l} and m={m}"):
            layer_jacobians(net, record, l, m)
    with pytest.raises(UsageError, match="other layers"):
        layer_jacobians(Network.dense([3, 2]), record, 0, 1)
    with pytest.raises(UsageError, match="no trainable layer"):
        example_jacobians(network(trainable=[False] * 3), X)


@pytest.mark.parametrize("bias", [True, "x0"])
def test_array_api_strict(bias):
    net = network(bias=bias)
    other = net.with_parameters([strict.asarray(p) for p in net.parameters])
    Y = np.eye(2)[[0, 1, 1, 0, 1]]
    record = forward(other, strict.asarray(X))
    pairs = [
        (example_jacobians(net, X), example_jacobians(other, strict.asarray(X))),
        (example_gradients(net, X, Y), example_gradients(other, strict.asarray(X), strict.asarray(Y))),
        (layer_jacobians(net, forward(net, X), 1, 3), layer_jacobians(other, record, 1, 3)),
    ]
    for ours, theirs in pairs:
        assert isinstance(theirs, type(strict.asarray(0.0)))
        np.testing.assert_allclose(np.asarray(theirs), ours, rtol=1e-12, atol=1e-14)


def test_float32_stays_float32():
    net = network(dtype="float32")
    assert example_jacobians(net, X.astype(np.float32)).dtype == np.float32
