"""Seed 002: forward propagation unrolled and compressed, the regularised cost, and the vectorised algorithm.

Its vectors are columns, its layers count from 1 (the input), and W_ij^(l) leads from unit j of layer l to unit i of
layer l + 1: its W^(l) is our weights[l] transposed, its a^(l) our a[l - 1], its delta^(l) our delta[l - 1].
"""

import math
from itertools import pairwise

import numpy as np
import pytest

from chainrule import Network, backward, check_gradient_function, check_gradients, forward


def f(z):
    return 1 / (1 + math.exp(-z))


def test_the_regularised_cost_worked_by_hand():
    # A 1-1-1 network of logistic neurons: W1 = 0.5, b1 = -1, W2 = 4, b2 = -2; lambda = 0.1; m = 2 examples.
    #   x = 2:               z2 = 0      a2 = 0.5    z3 = 0   h = 0.5          y = 1   J1 = 1/2 0.25     = 0.125
    #   x = 2 + 2 log 3:     z2 = log 3  a2 = 0.75   z3 = 1   h = 0.731058579  y = 0   J2 = 1/2 0.534447 = 0.267223323
    #   J = (0.125 + 0.267223323) / 2 + 0.05 (0.5^2 + 4^2) = 0.196111661 + 0.8125 = 1.008611661
    # delta3 = (h - y) h (1 - h):  -0.5 * 0.25 = -0.125,   0.731058579 * 0.196611933 = 0.143734840
    #   dJ/dW2 = (-0.125 * 0.5 + 0.143734840 * 0.75) / 2 + 0.1 * 4 = 0.022650565 + 0.4 = 0.422650565
    #   dJ/db2 = (-0.125 + 0.143734840) / 2 = 0.009367420, without lambda
    # delta2 = W2 delta3 a2 (1 - a2):  4 * -0.125 * 0.25 = -0.125,   4 * 0.143734840 * 0.1875 = 0.107801130
    #   dJ/dW1 = (-0.125 * 2 + 0.107801130 * 4.197224577) / 2 + 0.1 * 0.5 = 0.101232776 + 0.05 = 0.151232776
    #   dJ/db1 = (-0.125 + 0.107801130) / 2 = -0.008599435
    net = Network.dense([1, 1, 1], "logistic", weights=[[[0.5]], [[4.0]]], biases=[[-1.0], [-2.0]])
    X, Y = [[2.0], [2 + 2 * math.log(3)]], [[1.0], [0.0]]
    record = forward(net, X)
    grads = backward(net, record, Y, "half_squared_error", weight_decay=0.1)
    assert record.a[1].ravel() == pytest.approx([0.5, 0.75])
    assert record.output.ravel() == pytest.approx([0.5, 0.731058579], abs=5e-10)
    assert grads.costs == pytest.approx([0.125, 0.267223323], abs=1e-9)
    assert grads.cost == pytest.approx(1.008611661, abs=2e-9)
    assert grads.delta[2].ravel() == pytest.approx([-0.125, 0.143734840], abs=1e-9)
    assert grads.delta[1].ravel() == pytest.approx([-0.125, 0.107801130], abs=1e-9)
    assert grads.weights[2].item() == pytest.approx(0.422650565, abs=1e-9)
    assert grads.biases[2].item() == pytest.approx(0.009367420, abs=1e-9)
    assert grads.weights[1].item() == pytest.approx(0.151232776, abs=2e-9)
    assert grads.biases[1].item() == pytest.approx(-0.008599435, abs=1e-9)
    assert check_gradients(net, X, Y, weight_decay=0.1).passed


# ---- the chain rule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-1.3, 0.4, 2.0])
def test_the_univariate_example(x):
    # f(g) = 2 g^2 - 3 g + 1, g = x^3 + 2x:  df/dx = df/dg . dg/dx = (4 g - 3)(3 x^2 + 2)
    # At x = 2: g = 12, df/dg = 45, dg/dx = 14, df/dx = 630.
    def value_and_slope(x):
        g = x**3 + 2 * x
        return float(2 * g**2 - 3 * g + 1), (4 * g - 3) * (3 * x**2 + 2)

    report = check_gradient_function(value_and_slope, x)
    assert report.passed, str(report)
    assert report.entries[0].analytic != 0
    # Written out as one polynomial: 2 x^6 + 8 x^4 - 3 x^3 + 8 x^2 - 6 x + 1, and its derivative.
    assert value_and_slope(x)[0] == pytest.approx(2 * x**6 + 8 * x**4 - 3 * x**3 + 8 * x**2 - 6 * x + 1)
    assert value_and_slope(x)[1] == pytest.approx(12 * x**5 + 32 * x**3 - 9 * x**2 + 16 * x - 6)
    assert value_and_slope(2.0)[1] == 630


@pytest.mark.parametrize("x", [-1.3, 0.4, 2.0])
def test_the_multivariate_example(x):
    # f = 2 g1^2 - 3 g1 g2 + 1, g1 = 3x, g2 = x^2 + 2x: df/dx = (4 g1 - 3 g2) . 3 + (-3 g1)(2x + 2)
    # At x = 2: g1 = 6, g2 = 8; (24 - 24) . 3 + (-18) . 6 = -108.
    def value_and_slope(x):
        g1, g2 = 3 * x, x**2 + 2 * x
        return float(2 * g1**2 - 3 * g1 * g2 + 1), (4 * g1 - 3 * g2) * 3 + (-3 * g1) * (2 * x + 2)

    report = check_gradient_function(value_and_slope, x)
    assert report.passed, str(report)
    assert report.entries[0].analytic != 0
    # As one polynomial: 18 x^2 - 9 x^3 - 18 x^2 + 1 = 1 - 9 x^3, so the slope is -27 x^2.
    assert value_and_slope(x)[0] == pytest.approx(1 - 9 * x**3)
    assert value_and_slope(x)[1] == pytest.approx(-27 * x**2)
    assert value_and_slope(2.0)[1] == -108


def test_leaving_out_a_path_of_the_multivariate_rule_is_found():
    def only_through_g1(x):
        g1, g2 = 3 * x, x**2 + 2 * x
        return float(2 * g1**2 - 3 * g1 * g2 + 1), (4 * g1 - 3 * g2) * 3

    assert not check_gradient_function(only_through_g1, 1.0).passed


# ---- forward propagation ------------------------------------------------------------------------------------------

# The document's matrices: row i leads into unit i.
W1, B1 = np.array([[0.4, -1.1, 0.7], [1.3, 0.2, -0.5], [-0.8, 0.6, 1.0]]), np.array([0.1, -0.3, 0.5])
W2, B2 = np.array([[1.5, -0.9, 0.6]]), np.array([-0.2])
NET = Network.dense([3, 3, 1], "logistic", weights=[W1.T, W2.T], biases=[B1, B2])


def test_unrolled_compressed_and_ours_are_one():
    x1, x2, x3 = 0.5, -1.0, 2.0
    # unrolled: one line a unit
    a1 = f(W1[0, 0] * x1 + W1[0, 1] * x2 + W1[0, 2] * x3 + B1[0])
    a2 = f(W1[1, 0] * x1 + W1[1, 1] * x2 + W1[1, 2] * x3 + B1[1])
    a3 = f(W1[2, 0] * x1 + W1[2, 1] * x2 + W1[2, 2] * x3 + B1[2])
    h = f(W2[0, 0] * a1 + W2[0, 1] * a2 + W2[0, 2] * a3 + B2[0])
    # compressed: z(2) = W(1) x + b(1), a(2) = f(z(2)), z(3) = W(2) a(2) + b(2), h = f(z(3))
    x = np.array([[x1], [x2], [x3]])
    a_2 = 1 / (1 + np.exp(-(W1 @ x + B1[:, None])))
    h_compressed = 1 / (1 + np.exp(-(W2 @ a_2 + B2[:, None])))
    record = forward(NET, [[x1, x2, x3]])
    assert record.a[1][0] == pytest.approx([a1, a2, a3], rel=1e-14)
    np.testing.assert_allclose(record.a[1].T, a_2, rtol=1e-14)
    assert record.output.item() == pytest.approx(h, rel=1e-14)
    assert h_compressed.item() == pytest.approx(h, rel=1e-14)


def test_multiple_hidden_layers_and_outputs():
    # "Write down the forward propagation steps for": z(l+1) = W(l) a(l) + b(l), a(l+1) = f(z(l+1)), as often as needed.
    sizes, random = [3, 4, 2, 3], np.random.default_rng(0)
    Ws = [random.normal(size=(n, m)) for m, n in pairwise(sizes)]
    bs = [random.normal(size=n) for n in sizes[1:]]
    net = Network.dense(sizes, "logistic", weights=[W.T for W in Ws], biases=bs)
    a = np.array([[0.1], [0.2], [-0.3]])
    record = forward(net, a.T)
    for l, (W, b) in enumerate(zip(Ws, bs, strict=True), start=1):
        z = W @ a + b[:, None]
        a = 1 / (1 + np.exp(-z))
        np.testing.assert_allclose(record.z[l], z.T, rtol=1e-13)
        np.testing.assert_allclose(record.a[l], a.T, rtol=1e-13)


# ---- the algorithm ------------------------------------------------------------------------------------------------


def algorithm_in_columns(Ws, bs, x, y):
    """The vectorised algorithm as printed, for one example: the gradients of each W and b, and the deltas."""
    a = [x]
    for W, b in zip(Ws, bs, strict=True):
        a.append(1 / (1 + np.exp(-(W @ a[-1] + b[:, None]))))
    slope = [A * (1 - A) for A in a]
    n_l = len(a) - 1
    delta = {n_l: (a[n_l] - y) * slope[n_l]}
    for l in range(n_l - 1, 0, -1):
        delta[l] = (Ws[l].T @ delta[l + 1]) * slope[l]
    dW = [delta[l + 1] @ a[l].T for l in range(n_l)]
    db = [delta[l + 1] for l in range(n_l)]
    return dW, db, delta


def scalars_by_the_recursion(Ws, a, y):
    """delta_i^(l) = (sum_j W_ji^(l) delta_j^(l+1)) f'(z_i^(l)), one number at a time."""
    n_l = len(a) - 1
    delta = {n_l: [(a[n_l][i] - y[i]) * a[n_l][i] * (1 - a[n_l][i]) for i in range(len(y))]}
    for l in range(n_l - 1, 0, -1):
        delta[l] = [
            sum(Ws[l][j, i] * delta[l + 1][j] for j in range(len(delta[l + 1]))) * a[l][i] * (1 - a[l][i])
            for i in range(len(a[l]))
        ]
    return delta


def test_the_delta_recursion_in_columns_and_in_scalars_is_ours_in_rows():
    sizes, random = [3, 4, 3, 2], np.random.default_rng(1)
    Ws = [random.normal(size=(n, m)) for m, n in pairwise(sizes)]
    bs = [random.normal(size=n) for n in sizes[1:]]
    net = Network.dense(sizes, "logistic", weights=[W.T for W in Ws], biases=bs)
    x, y = random.normal(size=(3, 1)), random.uniform(size=(2, 1))
    record = forward(net, x.T)
    grads = backward(net, record, y.T, "half_squared_error")
    dW, db, delta = algorithm_in_columns(Ws, bs, x, y)
    scalars = scalars_by_the_recursion(Ws, [A[0] for A in record.a], y[:, 0])
    for l in (1, 2, 3):
        np.testing.assert_allclose(grads.delta[l], delta[l].T, rtol=1e-12)
        np.testing.assert_allclose(grads.delta[l][0], scalars[l], rtol=1e-12)
        np.testing.assert_allclose(grads.weights[l], dW[l - 1].T, rtol=1e-12)
        np.testing.assert_allclose(grads.biases[l], db[l - 1][:, 0], rtol=1e-12)
        assert np.all(grads.weights[l] != 0)


def test_the_full_gradient_averages_the_examples_and_decays_weights_alone():
    random, decay = np.random.default_rng(2), 0.2
    X, Y = random.normal(size=(5, 3)), random.uniform(size=(5, 1))
    grads = backward(NET, forward(NET, X), Y, "half_squared_error", weight_decay=decay)
    each = [algorithm_in_columns([W1, W2], [B1, B2], x[:, None], y[:, None])[:2] for x, y in zip(X, Y, strict=True)]
    for l, (W, b) in enumerate(((W1, B1), (W2, B2))):
        dW = sum(dW[l] for dW, _ in each) / 5 + decay * W
        db = sum(db[l] for _, db in each)[:, 0] / 5
        np.testing.assert_allclose(grads.weights[l + 1], dW.T, rtol=1e-11)
        np.testing.assert_allclose(grads.biases[l + 1], db, rtol=1e-11)
        assert np.all(grads.biases[l + 1] != 0)
        assert b.shape == db.shape
