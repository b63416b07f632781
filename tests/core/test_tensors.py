"""Seed 004's tensors by name: against each other, against central differences, and against backward."""

import numpy as np
import pytest

from chainrule import Activation, Network, UsageError, backward, example_jacobians, forward, layer_jacobians
from chainrule.core import tensors as t
from chainrule.core.jacobians import unit_derivatives
from chainrule.core.paths import paths_between

X = np.random.default_rng(3).normal(size=(4, 3))
ELEMENTWISE = ["identity", "logistic", "tanh", "gelu", "silu", "softplus", "exponential", "relu", "elu", "step"]


def network(sizes=(3, 4, 3, 2), activation="logistic", output="tanh", bias=True, seed=0):
    names = [activation] * (len(sizes) - 2) + [output]
    return Network.dense(list(sizes), names, bias=bias, init="uniform(-1,1)", seed=seed)


def differences(function, W, h=1e-6):
    """d function / dW by central differences, the indices of W last."""
    found = np.zeros((*function(W).shape, *W.shape))
    for place in np.ndindex(W.shape):
        up, down = W.copy(), W.copy()
        up[place] += h
        down[place] -= h
        found[(..., *place)] = (function(up) - function(down)) / (2 * h)
    return found


def with_weights(net, l, W):
    parameters = [W if p is net.weights[l] else p for p in net.parameters]
    return net.with_parameters(parameters)


@pytest.mark.parametrize("activation", [*ELEMENTWISE, "softmax"])
def test_j_sum_is_the_pullback_of_every_unit(activation):
    net = network((3, 4, 2), activation)
    record = forward(net, X)
    J = t.activation_jacobian(net, record, 1)
    f = net.layers[0].activation
    for j in range(4):
        h = np.zeros_like(record.z[1])
        h[:, j] = 1e-6
        numeric = (f.value(record.z[1] + h) - f.value(record.z[1] - h)) / 2e-6
        np.testing.assert_allclose(J[:, :, j], numeric, atol=1e-8)
    if activation != "softmax":
        assert not (J * (1 - np.eye(4))).any()


def test_softmax_jacobian_of_seed_004():
    net = network((3, 3), output="softmax")
    record = forward(net, X)
    s = record.a[1]
    J = t.activation_jacobian(net, record, 1)
    for n in range(len(X)):  # s_j - s_j^2 on the diagonal, -s_j s_i beside it
        np.testing.assert_allclose(J[n], np.diag(s[n]) - np.outer(s[n], s[n]), atol=1e-15)


def test_dw_by_dw_is_1_where_both_pairs_of_indices_agree():
    W = np.zeros((3, 2))
    four = t.weight_by_weight(W)
    assert four.shape == (3, 2, 3, 2)
    np.testing.assert_allclose(four, differences(lambda M: M, W))


@pytest.mark.parametrize("bias", [True, False, "x0"])
@pytest.mark.parametrize("activation", ["logistic", "softmax", "gelu"])
def test_weight_jacobians_against_differences(activation, bias):
    net = network((3, 2, 2), activation, bias=bias)
    record = forward(net, X)
    for l in (1, 2):
        numeric = differences(lambda W, l=l: forward(with_weights(net, l, W), X).a[l], net.weights[l])
        numerator = t.weight_jacobian(net, record, l, layout="numerator")
        np.testing.assert_allclose(numerator, numeric, atol=1e-8)
        denominator = t.weight_jacobian(net, record, l)
        np.testing.assert_allclose(denominator, np.moveaxis(numeric, 1, 3), atol=1e-8)
        np.testing.assert_allclose(t.other_layout(numerator, 1), denominator)
        np.testing.assert_allclose(t.other_layout(denominator, 2), numerator)
        sums = differences(lambda W, l=l: forward(with_weights(net, l, W), X).z[l], net.weights[l])
        np.testing.assert_allclose(t.sum_weight_jacobian(net, record, l), np.moveaxis(sums, 1, 3), atol=1e-8)


@pytest.mark.parametrize("activation", ELEMENTWISE)
def test_the_simplified_jacobian_is_what_is_not_0_in_the_full_one(activation):
    net = network((3, 4, 2), activation)
    record = forward(net, X)
    full, simple = t.weight_jacobian(net, record, 1), t.simplified_weight_jacobian(net, record, 1)
    for k in range(4):
        np.testing.assert_allclose(full[:, :, k, k], simple[:, :, k], rtol=1e-14)
    assert np.count_nonzero(full) == np.count_nonzero(simple)
    # Y (x) Diag(J_Sum)
    slopes = np.einsum("nkk->nk", t.activation_jacobian(net, record, 1))
    np.testing.assert_allclose(simple, X[:, :, None] * slopes[:, None, :], rtol=1e-14)


def test_the_worked_3_2_1_network_of_seed_004():
    net = network((3, 2, 1), output="logistic", bias=False)
    record = forward(net, X)
    (x, y, z), w = record.a, net.weights[2]
    J = t.distant_weight_jacobian(net, record, 1, 2)
    for n in range(len(X)):
        for i in range(3):
            for k in range(2):
                # J_V^Z(i, k) = z1 (1 - z1) x_i y_k (1 - y_k) w_k1
                by_hand = z[n, 0] * (1 - z[n, 0]) * x[n, i] * y[n, k] * (1 - y[n, k]) * w[k, 0]
                assert J[n, i, k, 0] == pytest.approx(by_hand, rel=1e-13)


@pytest.mark.parametrize(("l", "m"), [(0, 0), (0, 3), (1, 3), (2, 3), (1, 2)])
def test_the_chain_is_the_same_from_either_end(l, m):
    net = network()
    record = forward(net, X)
    backward_, forward_ = (t.jacobian_chain(net, record, l, m, direction=d) for d in ("backward", "forward"))
    np.testing.assert_allclose(backward_, forward_, rtol=1e-12)
    np.testing.assert_allclose(backward_, layer_jacobians(net, record, l, m), rtol=1e-12)


@pytest.mark.parametrize("output", ["tanh", "softmax"])
def test_distant_weight_jacobians_agree_with_example_jacobians(output):
    net = network(output=output, bias=False)
    record = forward(net, X)
    flat = example_jacobians(net, X)
    start = 0
    for l in (1, 2, 3):
        J = t.distant_weight_jacobian(net, record, l, 3)
        size = net.weights[l].size
        ours = np.moveaxis(J, 3, 1).reshape(len(X), 2, size)
        np.testing.assert_allclose(ours, flat[:, :, start : start + size], rtol=1e-11, atol=1e-15)
        start += size


def test_the_general_algorithm_layer_by_layer():
    """R = J_N^L, across every layer; simplified and full agree, and both with backward."""
    net = network(bias=False)
    Y = np.random.default_rng(5).normal(size=(4, 2))
    record = forward(net, X)
    grads = backward(net, record, Y, "mean_of_squares", reduction="sum")
    J = t.loss_jacobian(record, Y, "mean_of_squares")
    np.testing.assert_allclose(J[:, 0, :], 2 / 2 * (record.output - Y), rtol=1e-14)
    for l in (3, 2, 1):
        full, back = t.backward_across_layer(net, record, l, J)
        simple, _ = t.backward_across_layer(net, record, l, J, simplified=True)
        np.testing.assert_allclose(full, simple, rtol=1e-12)
        np.testing.assert_allclose(full.sum(axis=0), grads.weights[l], rtol=1e-11)
        np.testing.assert_allclose(back[:, 0, :], grads.activations[l - 1], rtol=1e-11)
        J = back


def test_across_softmax_is_one_more_layer():
    net = network((3, 4), output="softmax", bias=False)
    record = forward(net, X)
    Y = np.eye(4)[[0, 2, 1, 3]]
    J_S = t.loss_jacobian(record, Y, "categorical_cross_entropy")
    J_Z = t.across_softmax(record.output, J_S)
    delta = backward(net, record, Y, "categorical_cross_entropy").delta[1]
    np.testing.assert_allclose(J_Z[:, 0, :], delta, rtol=1e-12, atol=1e-15)
    linear = Network.dense([3, 4], "identity", bias=False, weights=[net.weights[1]])
    J_W = J_Z * t.simplified_weight_jacobian(linear, forward(linear, X), 1)
    np.testing.assert_allclose(J_W.mean(axis=0), backward(net, record, Y, "categorical_cross_entropy").weights[1])


def test_unit_derivatives_are_rows_of_the_jacobian():
    net = network(output="softmax")
    record = forward(net, X)
    for m, k in ((3, 1), (2, 0), (0, 2)):
        unit = unit_derivatives(net, record, m, k)
        for l in range(m + 1):
            np.testing.assert_allclose(unit.activations[l], layer_jacobians(net, record, l, m)[:, k], rtol=1e-12)
        assert len(unit.delta) == m + 1


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_paths_add_up_to_the_entry(most):
    net = network(output="softmax")
    record = forward(net, X)
    found = paths_between(net, record, (0, 1), (3, 1), example=2, most=most)
    assert found.number == 12
    assert found.total == pytest.approx(layer_jacobians(net, record, 0, 3)[2, 1, 1], rel=1e-12)
    assert len(found.listed) == min(most, 12)
    everything = paths_between(net, record, (0, 1), (3, 1), example=2, most=12).listed
    assert found.listed == everything[: len(found.listed)]  # the largest first
    assert sum(path.product for path in everything) == pytest.approx(found.total, rel=1e-12)
    assert found.rest == pytest.approx(found.total - sum(path.product for path in found.listed), abs=1e-15)


def test_an_own_activation_mixes_units_where_its_jacobian_says_so():
    """Centred outputs, a_k = z_k - mean of z, move with every z; the sine of each does not."""
    centred = Activation(
        "centred",
        lambda Z: Z - Z.mean(axis=1, keepdims=True),
        lambda Z, A, dC_dA: dC_dA - dC_dA.mean(axis=1, keepdims=True),
    )
    sine = Activation("sine", np.sin, lambda Z, A, dC_dA: dC_dA * np.cos(Z))
    net = Network.dense([X.shape[1], 3, 3, 3, 3], [centred, sine, "softmax", "tanh"], seed=0)
    record = forward(net, X)
    assert [t.mixes_units(net, record, l) for l in (1, 2, 3, 4)] == [True, False, True, False]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda net, record: paths_between(net, record, (0, 0), (3, 0), example=len(X)),
            "example must be a row from 0",
        ),
        (lambda net, record: paths_between(net, record, (0, 0), (3, 0), example=-1), "example must be a row from 0"),
        (lambda net, record: paths_between(net, record, (0, X.shape[1]), (3, 0)), "paths lead from a unit"),
        (lambda net, record: paths_between(net, record, (0, 0), (3, 2)), "paths lead from a unit"),
        (lambda net, record: paths_between(net, record, (0, 0), (4, 0)), "paths lead from a unit"),
        (lambda net, record: paths_between(net, record, (1, 0), (1, 0)), "paths lead from a unit"),
        (lambda net, record: t.activation_jacobian(net, record, 0), "a layer with weights has a number from 1 to 3"),
        (lambda net, record: t.weight_jacobian(net, record, 1, layout="rows"), "layout must be"),
        (lambda net, record: t.simplified_weight_jacobian(net, record, 3), "no simplified form"),
        (lambda net, record: t.loss_jacobian(record, X[:, :2], "softmax_categorical_cross_entropy"), "in one step"),
        (lambda net, record: t.jacobian_chain(net, record, 0, 3, direction="up"), "direction must be"),
        (lambda net, record: unit_derivatives(net, record, 3, 2), "one of its units"),
        (lambda net, record: paths_between(net, record, (3, 0), (0, 1)), "paths lead from a unit"),
    ],
)
def test_refusals(make, message):
    net = network(output="softmax")
    with pytest.raises(UsageError, match=message):
        make(net, forward(net, X))
