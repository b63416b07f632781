"""Seed 000: computing with gates, and the cost as a composition of functions."""

import math

import numpy as np
import pytest

from chainrule import Network, backward, forward


def test_the_add_gate_worked_by_hand():
    # E = desired - predicted = 20 - 14. The figure shows an add gate over hidden units; the text keeps only its output,
    # 14, so let the units be 6 and 8: 6 + 8 = 14, E = 6. An add gate passes the error on unchanged: dE/dh = -1 each.
    # Raising h_1 by 0.5 lowers E by 0.5, to 5.5.
    gate = Network.dense([2, 1], "identity", bias=False, weights=[[[1.0], [1.0]]])
    record = forward(gate, [[6.0, 8.0]])
    grads = backward(gate, record, [[20.0]], "absolute_error")
    assert record.output.item() == 14
    assert grads.cost == 20 - 14
    assert grads.activations[0].tolist() == [[-1, -1]]
    raised = backward(gate, forward(gate, [[6.5, 8.0]]), [[20.0]], "absolute_error")
    assert raised.cost == 5.5


def test_against_the_derivative_the_error_falls():
    # "We move in the direction opposite to the derivative": every weight's step lowers the cost.
    net = Network.dense([2, 3, 2, 1], "logistic", init="uniform(-1,1)", seed=0)
    X, Y = np.array([[0.6, -0.8]]), np.array([[0.9]])
    grads = backward(net, forward(net, X), Y, "sum_of_squares")
    for number, gradient in enumerate(grads.parameters):
        assert np.any(gradient != 0)
        moved = [p - 0.1 * gradient if i == number else p for i, p in enumerate(net.parameters)]
        there = net.with_parameters(moved)
        assert backward(there, forward(there, X), Y, "sum_of_squares").cost < grads.cost


def test_a_cell():
    # z_j = sum_i w_ji a_i, a_j = g(z_j). The document writes w_ji, to j from i: our weights[i, j].
    W = np.array([[0.5, -1.0], [2.0, 0.25]])
    net = Network.dense([2, 2], "logistic", bias=False, weights=[W])
    a = [0.3, -0.7]
    record = forward(net, [a])
    w = W.T  # the document's
    for j in range(2):
        z = sum(w[j, i] * a[i] for i in range(2))
        assert record.z[1][0, j] == pytest.approx(z, rel=1e-14)
        assert record.a[1][0, j] == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-14)
    assert record.z[1][0] == pytest.approx([0.15 - 1.4, -0.3 - 0.175])


def test_the_cost_sums_over_the_output_nodes():
    # C_j = (a_j - y_j)^2, C = sum_j C_j: outputs 0.5, -1, 2 and targets 1, 1, 2.5 give 0.25 + 4 + 0.25 = 4.5
    net = Network.dense([3, 3], "identity", bias=False, weights=[np.eye(3)])
    grads = backward(net, forward(net, [[0.5, -1.0, 2.0]]), [[1.0, 1.0, 2.5]], "sum_of_squares")
    assert grads.costs.tolist() == [4.5]
    assert grads.cost == 4.5
    assert grads.activations[1].tolist() == [[-1, -4, -1]]  # 2 (a_j - y_j)


# Nodes are counted from 0 in the document's sums, while its figures speak of node 2 and node 3; both readings hold.
@pytest.mark.parametrize(("i", "j"), [(2, 3), (1, 2)], ids=["from 0", "from 1"])
def test_the_three_factors_of_dC_dW_32(i, j):
    # dC/dW_32^3 = dC/da_3^3 . da_3^3/dz_3^3 . dz_3^3/dW_32^3, from node 2 of layer 2 to node 3 of layer 3.
    # (One heading writes W_32^2; and in "putting it all together" z sums over j where i is meant, and C loses its
    # square. The product below is the one that the text defines before.)
    net = Network.dense([2, 3, 4, 4], "logistic", bias=False, init="uniform(-1,1)", seed=5)
    y = np.array([[0.2, 0.9, 0.4, 0.7]])
    record = forward(net, [[0.4, -1.2]])
    grads = backward(net, record, y, "sum_of_squares")
    a = record.a[3][0, j]
    dC_da = 2 * (a - y[0, j])
    da_dz = a * (1 - a)
    dz_dw = record.a[2][0, i]
    assert grads.activations[3][0, j] == pytest.approx(dC_da, rel=1e-13)
    assert grads.delta[3][0, j] == pytest.approx(dC_da * da_dz, rel=1e-13)
    assert grads.weights[3][i, j] == pytest.approx(dC_da * da_dz * dz_dw, rel=1e-13)
    assert abs(grads.weights[3][i, j]) > 1e-3

    # and by nudging that one weight
    costs = []
    for h in (1e-6, -1e-6):
        W = net.weights[3].copy()
        W[i, j] += h
        there = net.with_parameters([net.weights[1], net.weights[2], W])
        costs.append(backward(there, forward(there, [[0.4, -1.2]]), y, "sum_of_squares").cost)
    assert (costs[0] - costs[1]) / 2e-6 == pytest.approx(dC_da * da_dz * dz_dw, rel=1e-7)


def test_weights_of_every_layer_change_but_the_input_has_none():
    # "We can change weights in any layer except input. (why?)": layer 0 computes nothing, no weights lead into it.
    net = Network.dense([2, 3, 2, 1], "logistic", bias=False, init="uniform(-1,1)", seed=0)
    grads = backward(net, forward(net, [[0.6, -0.8]]), [[0.9]], "sum_of_squares")
    assert net.weights[0] is None
    assert grads.weights[0] is None
    assert len(net.parameters) == 3  # two hidden layers, three weight matrices
    assert all(np.all(grads.weights[l] != 0) for l in (1, 2, 3))
    assert np.all(grads.activations[0] != 0)  # the inputs have a derivative all the same
