"""Seed 001: gradient descent, the three links of the chain rule, and backpropagation with beta."""

import math

import numpy as np
import pytest

from chainrule import Loss, Network, backward, check_gradient_function, forward


def test_the_simple_network_worked_by_hand():
    # C = (a - y)^2 = (0.88 - 1)^2 = 0.0144 with a = sigma(z), z = w a_before.
    # The document gives neither w nor a_before. Let a_before = 0.5 and w = 2 log(0.88 / 0.12) = 3.984860, for which
    # z = log(0.88 / 0.12) = 1.992430 and sigma(z) = 0.88.
    #   dz/dw = a_before                         = 0.5
    #   da/dz = sigma'(z) = 0.88 (1 - 0.88)      = 0.1056
    #   dC/da = 2 (a - y) = 2 (0.88 - 1)         = -0.24
    #   dC/dw = 0.5 * 0.1056 * -0.24             = -0.012672
    # and towards the layer before, with dz/da_before = w:
    #   dC/da_before = 3.984860 * 0.1056 * -0.24 = -0.100992
    w = 2 * math.log(0.88 / 0.12)
    net = Network.dense([1, 1], "logistic", bias=False, weights=[[[w]]])
    record = forward(net, [[0.5]])
    grads = backward(net, record, [[1.0]], "sum_of_squares")
    assert record.output.item() == pytest.approx(0.88, rel=1e-14)
    assert grads.cost == pytest.approx(0.0144, rel=1e-13)
    assert grads.activations[1].item() == pytest.approx(-0.24, rel=1e-13)
    assert grads.delta[1].item() / grads.activations[1].item() == pytest.approx(0.1056, rel=1e-13)
    assert grads.weights[1].item() / grads.delta[1].item() == pytest.approx(0.5, rel=1e-13)
    assert grads.weights[1].item() == pytest.approx(-0.012672, rel=1e-13)
    assert grads.activations[0].item() == pytest.approx(-0.100992, abs=5e-7)


def test_a_change_of_0_001_in_the_weight():
    # "How sensitive the loss is to small changes (e.g. 0.001) in the weight": about -0.012672 * 0.001.
    w = 2 * math.log(0.88 / 0.12)
    costs = []
    for weight in (w, w + 0.001):
        net = Network.dense([1, 1], "logistic", bias=False, weights=[[[weight]]])
        costs.append(backward(net, forward(net, [[0.5]]), [[1.0]], "sum_of_squares").cost)
    assert costs[1] - costs[0] == pytest.approx(-0.012672e-3, rel=1e-3)


def test_the_gradient_read_as_sensitivities():
    # Gradient [2.1, ..., 0.1]: the same change in w1 changes the loss 21 times as much as in w2. For a loss that is
    # linear in the weights, L = 2.1 w1 + 0.7 w2 + 0.1 w3, that is exact for any change.
    linear = Loss("output", lambda A, Y: A.sum(axis=1), lambda A, Y: np.ones_like(A))
    X, W = np.array([[2.1, 0.7, 0.1]]), np.array([[0.4], [-0.2], [0.3]])

    def cost_and_gradient(W):
        net = Network.dense([3, 1], "identity", bias=False, weights=[W])
        grads = backward(net, forward(net, X), [[0.0]], linear)
        return grads.cost, grads.weights[1]

    L, gradient = cost_and_gradient(W)
    assert gradient[:, 0] == pytest.approx([2.1, 0.7, 0.1])
    changes = []
    for i in range(3):
        nudged = W.copy()
        nudged[i] += 0.001
        changes.append(cost_and_gradient(nudged)[0] - L)
    assert changes == pytest.approx([0.0021, 0.0007, 0.0001], rel=1e-9)
    assert changes[0] / changes[2] == pytest.approx(21, rel=1e-9)


# ---- backpropagation with beta ------------------------------------------------------------------------------------


def beta_algorithm(X, D, V, W, eta):
    """The algorithm of the slides for a network of sigmoids, node by node; row 0 of each matrix is w_0 (x_0 = 1).

    beta is the error with the other sign than delta, and before f': beta_j = -dE/do_j for E = 1/2 sum (d - o)^2.
    """
    dV, dW = np.zeros_like(V), np.zeros_like(W)
    for x, d in zip(X, D, strict=True):
        o_in = np.concatenate([[1.0], x])
        o_hidden = np.array(
            [1 / (1 + math.exp(-sum(o_in[i] * V[i, j] for i in range(len(o_in))))) for j in range(V.shape[1])]
        )
        o_before = np.concatenate([[1.0], o_hidden])
        o = np.array(
            [1 / (1 + math.exp(-sum(o_before[j] * W[j, k] for j in range(len(o_before))))) for k in range(W.shape[1])]
        )
        beta_z = d - o
        beta = [sum(W[j + 1, k] * o[k] * (1 - o[k]) * beta_z[k] for k in range(len(o))) for j in range(len(o_hidden))]
        for j in range(len(o_before)):
            for k in range(len(o)):
                dW[j, k] += eta * o_before[j] * o[k] * (1 - o[k]) * beta_z[k]
        for i in range(len(o_in)):
            for j in range(len(o_hidden)):
                dV[i, j] += eta * o_in[i] * o_hidden[j] * (1 - o_hidden[j]) * beta[j]
    return dV, dW


def test_the_beta_algorithm_is_gradient_descent_on_half_the_squared_error():
    random = np.random.default_rng(0)
    X, D = random.normal(size=(5, 3)), random.uniform(size=(5, 2))
    V, W, eta = random.normal(size=(4, 4)), random.normal(size=(5, 2)), 0.3
    net = Network.dense([3, 4, 2], "logistic", bias="x0", weights=[V, W])
    record = forward(net, X)
    grads = backward(net, record, D, "half_squared_error", reduction="sum")
    dV, dW = beta_algorithm(X, D, V, W, eta)
    np.testing.assert_allclose(dV, -eta * grads.weights[1], rtol=1e-12)
    np.testing.assert_allclose(dW, -eta * grads.weights[2], rtol=1e-12)
    assert np.all(dV != 0)
    # beta is -dC/da, at the outputs and at the hidden nodes
    np.testing.assert_allclose(grads.activations[2], -(D - record.output), rtol=1e-14)
    O = record.output
    np.testing.assert_allclose(-grads.activations[1], (O * (1 - O) * (D - O)) @ W[1:].T, rtol=1e-12)


def test_repeating_it_until_the_total_error_is_small_enough():
    random = np.random.default_rng(3)
    X, D = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.1], [0.9], [0.9], [0.9]])
    V, W = random.uniform(-0.5, 0.5, (3, 2)), random.uniform(-0.5, 0.5, (3, 1))
    net = Network.dense([2, 2, 1], "logistic", bias="x0", weights=[V, W])
    for _ in range(400):
        dV, dW = beta_algorithm(X, D, V, W, 1.0)
        V, W = V + dV, W + dW
        grads = backward(net, forward(net, X), D, "half_squared_error", reduction="sum")
        net = net.with_parameters([p - g for p, g in zip(net.parameters, grads.parameters, strict=True)])
    np.testing.assert_allclose(net.weights[1], V, rtol=1e-9)
    np.testing.assert_allclose(net.weights[2], W, rtol=1e-9)
    assert grads.cost < 0.01


# ---- larger networks ----------------------------------------------------------------------------------------------


def test_the_two_cases_of_the_general_formula():
    # The last layer: a_k sigma'(z_j) 2 (a_j - y_j). Others: a_k sigma'(z_j) sum over the next layer of
    # w sigma'(z) dC/da. The document writes w_jk, k to j; our weights[k, j] is the same connection.
    random = np.random.default_rng(1)
    net = Network.dense([2, 3, 4, 2], "logistic", init="uniform(-1,1)", seed=0)
    x, y = random.normal(size=2), random.uniform(size=2)
    record = forward(net, x[None, :])
    grads = backward(net, record, y[None, :], "sum_of_squares")
    a = [layer[0] for layer in record.a]
    slope = [None] + [layer * (1 - layer) for layer in a[1:]]
    dC_da = {3: 2 * (a[3] - y)}
    for l in (2, 1):
        W = net.weights[l + 1]
        dC_da[l] = np.array(
            [sum(W[k, j] * slope[l + 1][j] * dC_da[l + 1][j] for j in range(W.shape[1])) for k in range(W.shape[0])]
        )
    for l in (1, 2, 3):
        np.testing.assert_allclose(grads.activations[l][0], dC_da[l], rtol=1e-12)
        for k, j in np.ndindex(net.weights[l].shape):
            assert grads.weights[l][k, j] == pytest.approx(a[l - 1][k] * slope[l][j] * dC_da[l][j], rel=1e-12)
            assert grads.weights[l][k, j] != 0


def test_the_full_loss_is_the_average_and_so_is_its_gradient():
    random = np.random.default_rng(2)
    net = Network.dense([2, 3, 2], "logistic", init="uniform(-1,1)", seed=1)
    X, Y = random.normal(size=(4, 2)), random.uniform(size=(4, 2))
    full = backward(net, forward(net, X), Y, "sum_of_squares", reduction="mean")
    one_by_one = [backward(net, forward(net, X[[i]]), Y[[i]], "sum_of_squares") for i in range(4)]
    assert full.cost == pytest.approx(sum(one.cost for one in one_by_one) / 4, rel=1e-14)
    for l in (1, 2):
        average = sum(one.weights[l] for one in one_by_one) / 4
        np.testing.assert_allclose(full.weights[l], average, rtol=1e-12, atol=1e-16)
        assert np.all(average != 0)


def test_x0_takes_the_bias_among_the_weights():
    # y = sigma(w_1 x_1 + w_2 x_2 + b) = sigma(w_0 x_0 + w_1 x_1 + w_2 x_2) with x_0 = 1, w_0 = b
    X = np.array([[0.4, -1.0], [2.0, 0.3]])
    with_b = Network.dense([2, 1], weights=[[[0.5], [-0.8]]], biases=[[0.2]])
    with_w0 = Network.dense([2, 1], bias="x0", weights=[[[0.2], [0.5], [-0.8]]])
    expected = [1 / (1 + math.exp(-(0.5 * x1 - 0.8 * x2 + 0.2))) for x1, x2 in X]
    for net in (with_b, with_w0):
        np.testing.assert_allclose(forward(net, X).output[:, 0], expected, rtol=1e-14)


def test_the_table_of_derivative_rules():
    # f = sin x, g = e^x; each rule's right side, checked by central differences at a few points.
    sin, cos, exp = np.sin, np.cos, np.exp
    rules = {
        "multiplication by constant": (lambda x: 3 * sin(x), lambda x: 3 * cos(x)),
        "power": (lambda x: x**4, lambda x: 4 * x**3),
        "sum": (lambda x: sin(x) + exp(x), lambda x: cos(x) + exp(x)),
        "difference": (lambda x: sin(x) - exp(x), lambda x: cos(x) - exp(x)),
        "product": (lambda x: sin(x) * exp(x), lambda x: sin(x) * exp(x) + cos(x) * exp(x)),
        "quotient": (lambda x: sin(x) / exp(x), lambda x: (cos(x) * exp(x) - exp(x) * sin(x)) / exp(x) ** 2),
        "reciprocal": (lambda x: 1 / sin(x), lambda x: -cos(x) / sin(x) ** 2),
    }
    points = np.array([0.3, 1.1, 2.5])
    for name, (value, slope) in rules.items():
        report = check_gradient_function(lambda x, f=value, df=slope: (float(f(x).sum()), df(x)), points)
        assert report.passed, f"{name}: {report}"
        assert len(report.entries) == 3
