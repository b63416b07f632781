"""Seed 004: delta rule, batch and incremental updates, then the same with Jacobians in both layouts.

In its first half w_ij leads from j to i; from "Matrix notation" on, from i to j, as our weights[i, j] do.
"""

import math

import numpy as np
import pytest

from chainrule import Loss, Network, backward, check_gradients, forward
from chainrule.core.catalogue import activation_named
from chainrule.core.equations import dense_pullback

# The cost is the output itself, so that the gradient of a network is the derivative of its output.
OUTPUT = Loss("output", lambda A, Y: A.sum(axis=1), lambda A, Y: np.ones_like(A))


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def layer_jacobian(net, record, l):
    """J of layer l with respect to layer l - 1, numerator layout: row i is our pullback of the row vector e_i."""
    layer, rows = net.layers[l - 1], []
    for e_i in np.eye(layer.fan_out):
        delta = layer.activation.pullback(record.z[l], record.a[l], e_i[None, :])
        rows.append(dense_pullback(layer.weights, delta)[0])
    return np.array(rows)


# ---- one layer: the delta rule ------------------------------------------------------------------------------------

X = np.array([[1.0, 2.0], [0.5, -1.0], [-2.0, 1.5]])
T = np.array([[0.9], [0.1], [0.9]])
W = np.array([[0.3], [-0.2]])


def test_one_weight_worked_by_hand():
    # E = 1/2 sum_d (t - o)^2, o = f(sum), dE/dw_j = -sum_d (t - o) f'(sum) x_j; w = (0.3, -0.2).
    #   sum:  0.3 - 0.4 = -0.1    0.15 + 0.2 = 0.35    -0.6 - 0.3 = -0.9
    # Identity, t - o: 1.0, -0.25, 1.8.  E = 1/2 (1 + 0.0625 + 3.24) = 2.15125
    #   dE/dw_1 = -(1.0 * 1 - 0.25 * 0.5 + 1.8 * -2) = 2.725
    #   dE/dw_2 = -(1.0 * 2 + 0.25 * 1 + 1.8 * 1.5)  = -4.95
    net = Network.dense([2, 1], "identity", bias=False, weights=[W])
    grads = backward(net, forward(net, X), T, "half_squared_error", reduction="sum")
    assert grads.cost == pytest.approx(2.15125, rel=1e-14)
    assert grads.weights[1][:, 0] == pytest.approx([2.725, -4.95], rel=1e-14)
    # Sigmoid: o = 0.475020813, 0.586617579, 0.289050497; o (1 - o) = 0.249376040, 0.242497395, 0.205500307
    #   (t - o) o (1 - o) = 0.105979627, -0.118003495, 0.125550311
    #   dE/dw_1 = -(0.105979627 - 0.059001748 - 0.251100621) = 0.204122742
    #   dE/dw_2 = -(0.211959254 + 0.118003495 + 0.188325466) = -0.518288215
    net = Network.dense([2, 1], "logistic", bias=False, weights=[W])
    grads = backward(net, forward(net, X), T, "half_squared_error", reduction="sum")
    assert grads.weights[1][:, 0] == pytest.approx([0.204122742, -0.518288215], abs=1e-9)


SLOPES = {"identity": lambda o: 1.0, "logistic": lambda o: o * (1 - o)}
VALUES = {"identity": lambda s: s, "logistic": lambda s: 1 / (1 + math.exp(-s))}


@pytest.mark.parametrize("name", ["identity", "logistic"])
def test_batch_update_by_the_printed_formula(name):
    # Delta w_j = eta sum_d (t_d - o_d) f'(sum_d) x_jd, weights changed at the epoch's end; five epochs.
    eta, w = 0.1, W[:, 0].copy()
    net = Network.dense([2, 1], name, bias=False, weights=[W])
    for _ in range(5):
        o = [VALUES[name](sum(w[j] * x[j] for j in range(2))) for x in X]
        w = np.array(
            [w[j] + eta * sum((T[d, 0] - o[d]) * SLOPES[name](o[d]) * X[d, j] for d in range(3)) for j in range(2)]
        )
        grads = backward(net, forward(net, X), T, "half_squared_error", reduction="sum")
        net = net.with_parameters([p - eta * g for p, g in zip(net.parameters, grads.parameters, strict=True)])
        np.testing.assert_allclose(net.weights[1][:, 0], w, rtol=1e-13)
    assert np.abs(w - W[:, 0]).min() > 0.05


@pytest.mark.parametrize("name", ["identity", "logistic"])
def test_incremental_update_by_the_printed_formula(name):
    # Delta w_j = eta (t - o) f'(sum) x_j after each case, in a random order each epoch.
    eta, w = 0.05, W[:, 0].copy()
    net = Network.dense([2, 1], name, bias=False, weights=[W])
    random = np.random.default_rng(0)
    for _ in range(5):
        for d in random.permutation(3):
            o = VALUES[name](w @ X[d])
            w = w + eta * (T[d, 0] - o) * SLOPES[name](o) * X[d]
            grads = backward(net, forward(net, X[[d]]), T[[d]], "half_squared_error")
            net = net.with_parameters([p - eta * g for p, g in zip(net.parameters, grads.parameters, strict=True)])
            np.testing.assert_allclose(net.weights[1][:, 0], w, rtol=1e-13)
    assert np.abs(w - W[:, 0]).min() > 0.02


def test_incremental_depends_on_the_order_and_batch_does_not():
    def incremental(order):
        w = W
        for d in order:
            net = Network.dense([2, 1], "logistic", bias=False, weights=[w])
            w = w - 0.5 * backward(net, forward(net, X[[d]]), T[[d]]).weights[1]
        return w

    assert np.abs(incremental([0, 1, 2]) - incremental([2, 1, 0])).max() > 1e-3
    net = Network.dense([2, 1], "logistic", bias=False, weights=[W])
    one = backward(net, forward(net, X), T).weights[1]
    other = backward(net, forward(net, X[::-1]), T[::-1]).weights[1]
    np.testing.assert_allclose(one, other, rtol=1e-14)


def test_the_error_terms_of_every_node_by_the_recursion():
    # delta_jd = o_jd (1 - o_jd) sum_k w_kj delta_kd; Delta w_ij = -eta delta_id o_jd. Here w_kj leads from j to k.
    random = np.random.default_rng(1)
    net = Network.dense([2, 3, 3, 2], "logistic", bias=False, init="uniform(-1,1)", seed=0)
    x, t = random.normal(size=(4, 2)), random.uniform(size=(4, 2))
    record = forward(net, x)
    grads = backward(net, record, t, "half_squared_error", reduction="sum")
    for d in range(4):
        o = [layer[d] for layer in record.a]
        delta = {3: [-(t[d, i] - o[3][i]) * o[3][i] * (1 - o[3][i]) for i in range(2)]}
        for l in (2, 1):
            w = net.weights[l + 1].T
            delta[l] = [
                o[l][j] * (1 - o[l][j]) * sum(w[k, j] * delta[l + 1][k] for k in range(len(w))) for j in range(3)
            ]
        for l in (1, 2, 3):
            np.testing.assert_allclose(grads.delta[l][d], delta[l], rtol=1e-12)
            alone = backward(net, forward(net, x[[d]]), t[[d]], "half_squared_error")
            np.testing.assert_allclose(alone.weights[l], np.outer(o[l - 1], delta[l]), rtol=1e-12)
            assert np.all(alone.weights[l] != 0)


# ---- the 3-2-1 network: dZ/dW and dZ/dV ---------------------------------------------------------------------------

V321 = np.array([[0.5, -0.3], [0.8, 0.1], [-0.6, 0.9]])
W21 = np.array([[1.2], [-0.7]])
X3 = np.array([[1.0, 0.5, -1.5]])
NET = Network.dense([3, 2, 1], "logistic", bias=False, weights=[V321, W21])


def test_the_3_2_1_network_every_entry_by_its_formula():
    # dZ/dw_j1 = z1 (1 - z1) y_j and dZ/dv_ij = z1 (1 - z1) x_i y_j (1 - y_j) w_j1
    x = X3[0]
    y = [1 / (1 + math.exp(-sum(x[i] * V321[i, j] for i in range(3)))) for j in range(2)]
    z = 1 / (1 + math.exp(-sum(y[j] * W21[j, 0] for j in range(2))))
    record = forward(NET, X3)
    assert record.a[1][0] == pytest.approx(y, rel=1e-14)
    assert record.output.item() == pytest.approx(z, rel=1e-14)
    grads = backward(NET, record, [[0.0]], OUTPUT)
    for j in range(2):
        assert grads.weights[2][j, 0] == pytest.approx(z * (1 - z) * y[j], rel=1e-13)
        for i in range(3):
            expected = z * (1 - z) * x[i] * y[j] * (1 - y[j]) * W21[j, 0]
            assert grads.weights[1][i, j] == pytest.approx(expected, rel=1e-13)
            assert abs(expected) > 1e-3
    assert grads.weights[1].shape == (3, 2)
    assert check_gradients(NET, X3, [[0.0]], OUTPUT).passed


def test_one_entry_worked_by_hand():
    # x = (1, 0.5, -1.5): sum to y_1 = 0.5 + 0.4 + 0.9 = 1.8, y_1 = 0.858148935
    #                     sum to y_2 = -0.3 + 0.05 - 1.35 = -1.6, y_2 = 0.167981615
    # sum to z_1 = 1.2 * 0.858148935 - 0.7 * 0.167981615 = 0.912191592, z_1 = 0.713448421
    # dZ/dv_11 = z1 (1 - z1) x1 y1 (1 - y1) w11 = 0.204439772 * 1 * 0.121729340 * 1.2 = 0.029863582
    grads = backward(NET, forward(NET, X3), [[0.0]], OUTPUT)
    assert grads.weights[1][0, 0] == pytest.approx(0.029863582, abs=1e-9)


def test_the_tensors_of_the_derivation():
    # Y . dW/dW = (y1, y2)^T and X . dV/dV, contracted over the index that the product sums.
    record = forward(NET, X3)
    x, y, z = record.a[0][0], record.a[1][0], record.output.item()
    dW_dW = np.eye(2).reshape(2, 1, 2, 1)  # entry [p, q, r, s] = dw_rs / dw_pq, denominator layout
    np.testing.assert_array_equal(np.einsum("r,pqrs->pqs", y, dW_dW)[:, 0, 0], y)
    dV_dV = np.eye(6).reshape(3, 2, 3, 2)
    dR_dV = np.einsum("i,pqij->pqj", x, dV_dV)  # (3, 2) of vectors (dr_1, dr_2)
    for i in range(3):
        assert dR_dV[i, 0].tolist() == [x[i], 0]
        assert dR_dV[i, 1].tolist() == [0, x[i]]
    dY_dV = dR_dV @ np.diag(y * (1 - y))
    for i in range(3):
        assert dY_dV[i, 0].tolist() == pytest.approx([x[i] * y[0] * (1 - y[0]), 0])
        assert dY_dV[i, 1].tolist() == pytest.approx([0, x[i] * y[1] * (1 - y[1])])
    dZ_dV = z * (1 - z) * (dY_dV @ W21)[:, :, 0]  # each of the 6 inner vectors dotted with W
    np.testing.assert_allclose(dZ_dV, backward(NET, record, [[0.0]], OUTPUT).weights[1], rtol=1e-13)
    # The same by J_Y^Z . J_V^Y, with our Jacobian of the output layer
    np.testing.assert_allclose((dY_dV @ layer_jacobian(NET, record, 2).T)[:, :, 0], dZ_dV, rtol=1e-13)


def test_a_minibatch_adds_the_gradients_of_its_cases():
    cases = np.vstack([X3, [[0.2, -0.4, 0.3]], [[-1.0, 2.0, 0.1]]])
    together = backward(NET, forward(NET, cases), np.zeros((3, 1)), OUTPUT, reduction="sum")
    one_by_one = [backward(NET, forward(NET, cases[[k]]), [[0.0]], OUTPUT).weights[1] for k in range(3)]
    np.testing.assert_allclose(together.weights[1], sum(one_by_one), rtol=1e-12)
    assert np.all(together.weights[1] != 0)


# ---- Jacobians ----------------------------------------------------------------------------------------------------

DEEP = Network.dense([3, 4, 2, 3], "logistic", bias=False, init="uniform(-2,2)", seed=4)
RECORD = forward(DEEP, [[0.4, -1.0, 0.7]])


def test_the_jacobian_between_neighbouring_layers_as_printed():
    # J_Y^Z: row k is z_k, column i is y_i, entry w_ik z_k (1 - z_k). Layer Y has 2 nodes, Z has 3.
    W, z = DEEP.weights[3], RECORD.a[3][0]
    J = layer_jacobian(DEEP, RECORD, 3)
    assert J.shape == (3, 2)
    for k in range(3):
        for i in range(2):
            assert J[k, i] == pytest.approx(W[i, k] * z[k] * (1 - z[k]), rel=1e-13)
            assert J[k, i] != 0
    # J_Y^Z = (W . J_Sum^Z)^T = J_Sum^Z . W^T
    J_sum = np.diag(z * (1 - z))
    np.testing.assert_allclose(J, (W @ J_sum).T, rtol=1e-13)
    np.testing.assert_allclose(J, J_sum @ W.T, rtol=1e-13)


def test_distant_gradients_are_sums_of_path_products_and_products_of_jacobians():
    # dz_i/dx_j = sum over every path of the product along it = entry of J_Y^Z . J_X^Y . ...; R <- R . J, q = n..m+1.
    Js = {l: layer_jacobian(DEEP, RECORD, l) for l in (1, 2, 3)}
    R = np.eye(3)
    for q in (3, 2, 1):
        R = R @ Js[q]
    for i in range(3):
        for j in range(3):
            paths = sum(Js[3][i, k] * Js[2][k, h] * Js[1][h, j] for k in range(2) for h in range(4))  # 8 paths
            assert R[i, j] == pytest.approx(paths, rel=1e-12)
            assert R[i, j] != 0
    # and by nudging the inputs
    h = 1e-6
    for j in range(3):
        nudge = h * np.eye(3)[[j]]
        slope = (forward(DEEP, RECORD.a[0] + nudge).output - forward(DEEP, RECORD.a[0] - nudge).output) / (2 * h)
        np.testing.assert_allclose(R[:, j], slope[0], rtol=1e-6)
    # The denominator layout is the transpose, and its chain runs the other way round.
    np.testing.assert_allclose(Js[1].T @ Js[2].T @ Js[3].T, R.T, rtol=1e-13)


def test_mean_squared_error_and_the_first_jacobian_multiplications_as_printed():
    # L = 1/3 sum (z_i - t_i)^2; J_Z^L = 2/3 (z_i - t_i); J_Y^L = J_Z^L . J_Y^Z, printed entry by entry.
    t, z, W = np.array([0.9, 0.1, 0.1]), RECORD.a[3][0], DEEP.weights[3]
    grads = backward(DEEP, RECORD, t[None, :], "mean_of_squares")
    assert grads.cost == pytest.approx(sum((z[i] - t[i]) ** 2 for i in range(3)) / 3, rel=1e-14)
    J_Z_L = [2 / 3 * (z[i] - t[i]) for i in range(3)]
    assert grads.activations[3][0] == pytest.approx(J_Z_L, rel=1e-13)
    J_Y_L = [sum(2 / 3 * (z[k] - t[k]) * z[k] * (1 - z[k]) * W[i, k] for k in range(3)) for i in range(2)]
    assert grads.activations[2][0] == pytest.approx(J_Y_L, rel=1e-12)
    np.testing.assert_allclose(np.array(J_Z_L) @ layer_jacobian(DEEP, RECORD, 3), J_Y_L, rtol=1e-12)
    assert all(abs(entry) > 1e-6 for entry in J_Y_L)


def test_the_simplified_weight_jacobian_is_an_outer_product():
    # J_W^Z holds for each w_ik a vector with one entry that is not 0: y_i z_k (1 - z_k), at k. The matrix of those
    # entries is hat J_W^Z = Y (x) diag(J_Sum^Z), and J_W^L = J_Z^L x hat J: element k times every item of column k.
    t = np.array([[0.9, 0.1, 0.1]])
    y, z = RECORD.a[2][0], RECORD.a[3][0]
    full = np.zeros((2, 3, 3))
    for i in range(2):
        for k in range(3):
            full[i, k, k] = y[i] * z[k] * (1 - z[k])
    hat = np.outer(y, np.diag(np.diag(z * (1 - z))))
    np.testing.assert_allclose(full.sum(axis=2), hat, rtol=1e-15)
    grads = backward(DEEP, RECORD, t, "mean_of_squares")
    J_Z_L = grads.activations[3][0]
    np.testing.assert_allclose(J_Z_L * hat, grads.weights[3], rtol=1e-13)
    np.testing.assert_allclose(np.dot(full, J_Z_L), grads.weights[3], rtol=1e-13)  # numpy.dot(J_W^Z, J_Z^L)
    assert np.all(grads.weights[3] != 0)


def test_the_general_algorithm_reaches_every_weight_matrix():
    # R = J_N^L; for q = N .. M + 1: R <- R . J_{q-1}^q; then J_V^L <- R x hat J_V^M.
    t = np.array([[0.9, 0.1, 0.1]])
    grads = backward(DEEP, RECORD, t, "mean_of_squares")
    for M in (1, 2, 3):
        R = 2 / 3 * (RECORD.a[3][0] - t[0])
        for q in range(3, M, -1):
            R = R @ layer_jacobian(DEEP, RECORD, q)
        before, m = RECORD.a[M - 1][0], RECORD.a[M][0]
        np.testing.assert_allclose(R, grads.activations[M][0], rtol=1e-12)
        np.testing.assert_allclose(R * np.outer(before, m * (1 - m)), grads.weights[M], rtol=1e-12)
        assert np.all(grads.weights[M] != 0)


# ---- softmax: one more layer, without weights -----------------------------------------------------------------------


def softmax_jacobian(s):
    """J_Z^S as printed: s_i - s_i^2 on the diagonal, -s_i s_k off it."""
    m = len(s)
    return np.array([[s[i] - s[i] ** 2 if i == k else -s[i] * s[k] for k in range(m)] for i in range(m)])


def test_the_softmax_jacobian_worked_by_hand():
    # z = (0, log 2, log 5): e^z = 1, 2, 5, sum 8; s = (1/8, 1/4, 5/8).
    # J = [ 1/8 - 1/64   -1/32        -5/64       ]   [  7  -2   -5 ]
    #     [ -1/32         1/4 - 1/16  -5/32       ] = [ -2  12  -10 ] / 64
    #     [ -5/64        -5/32         5/8 - 25/64 ]  [ -5 -10   15 ]
    Z = np.log([[1.0, 2.0, 5.0]])
    softmax = activation_named("softmax")
    S = softmax.value(Z)
    expected = np.array([[7, -2, -5], [-2, 12, -10], [-5, -10, 15]]) / 64
    np.testing.assert_allclose(S, [[0.125, 0.25, 0.625]], rtol=1e-14)
    found = np.vstack([softmax.pullback(Z, S, e_i[None, :]) for e_i in np.eye(3)])
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_allclose(softmax_jacobian(S[0]), expected, rtol=1e-13)


def test_the_backward_pass_across_softmax():
    # J_Z^L = J_S^L . J_Z^S for a row vector J_S^L; for a column vector (J_S^L)^T . J_Z^S. Then on as before.
    t = np.array([[0.0, 1.0, 0.0]])
    net = Network.dense([3, 2, 3], ["logistic", "softmax"], bias=False, init="uniform(-2,2)", seed=2)
    record = forward(net, [[0.4, -1.0, 0.7]])
    s = record.output[0]
    for loss, J_S_L in [("mean_of_squares", 2 / 3 * (s - t[0])), ("categorical_cross_entropy", -t[0] / s)]:
        grads = backward(net, record, t, loss)
        J_Z_L = J_S_L @ softmax_jacobian(s)
        np.testing.assert_allclose(grads.delta[2][0], J_Z_L, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose((J_S_L[:, None].T @ softmax_jacobian(s))[0], J_Z_L, rtol=1e-14)
        J_Y_L = J_Z_L @ net.weights[2].T  # the sums feed softmax directly: J_Y^Z is W^T
        np.testing.assert_allclose(grads.activations[1][0], J_Y_L, rtol=1e-12)
        assert np.all(grads.weights[1] != 0)
    # With cross-entropy, all of that is s - t.
    np.testing.assert_allclose(grads.delta[2][0], s - t[0], rtol=1e-12)


def test_targets_of_0_1_and_0_9_keep_a_sigmoid_from_saturating():
    # A sigmoid never reaches 0 or 1: its weights would have to grow for ever; for 0.9 there is a finite best.
    best = math.log(0.9 / 0.1)
    at_best = Network.dense([1, 1], "logistic", bias=False, weights=[[[best]]])
    grads = backward(at_best, forward(at_best, [[1.0]]), [[0.9]])
    assert grads.weights[1].item() == pytest.approx(0, abs=1e-16)
    for w in (best, 2 * best, 10 * best):
        net = Network.dense([1, 1], "logistic", bias=False, weights=[[[w]]])
        assert backward(net, forward(net, [[1.0]]), [[1.0]]).weights[1].item() < 0  # still pulls upwards
