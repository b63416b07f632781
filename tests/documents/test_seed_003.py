"""Seed 003, the guided notes: a 2-3-1 network of sigmoids without biases, worked by hand.

    z2 = X W1,  a2 = f(z2),  z3 = a2 W2,  yhat = f(z3),  J = sum 1/2 (y - yhat)^2

The filled-in copy stops or slips at some figures of question 11. The right ones are here:

                    the copy writes          right
    a2              0.74                     0.785835      (0.79; 3 x 0.79 = 2.37 is the copy's own z3)
    z3              2.37                     2.357505
    yhat            0.92                     0.913529      (f(2.37) is 0.914511: 0.91 either way)
    J               0.015                    0.013371      (its own 1/2 0.17^2 is 0.01445)
    dJ/dW2          (a2)^T = 0.74            (a2)^T delta3 = 0.010151
"""

import math

import numpy as np
import pytest

from chainrule import Network, backward, check_gradients, forward

W1, W2 = np.ones((2, 3)), np.ones((3, 1))
NET = Network.dense([2, 3, 1], "logistic", bias=False, weights=[W1, W2])
LOSS = {"loss": "half_squared_error", "reduction": "sum"}


def f(z):
    return 1 / (1 + math.exp(-z))


def test_question_11_worked_by_hand():
    # z2 = 0.3 * 1 + 1.0 * 1 = 1.3 in each of the three hidden units
    # a2 = 1 / (1 + e^-1.3) = 1 / (1 + 0.272531793) = 0.785834983
    # z3 = 3 * 0.785834983 = 2.357504949
    # yhat = 1 / (1 + e^-2.357504949) = 1 / (1 + 0.094656102) = 0.913528915
    # J = 1/2 (0.75 - 0.913528915)^2 = 1/2 * 0.026741706 = 0.013370853
    # f'(z3) = yhat (1 - yhat) = 0.913528915 * 0.086471085 = 0.078993836
    # delta3 = -(0.75 - 0.913528915) * 0.078993836 = 0.163528915 * 0.078993836 = 0.012917776
    # dJ/dW2 = (a2)^T delta3 = 0.785834983 * 0.012917776 = 0.010151241, three times
    # delta2 = delta3 (W2)^T f'(z2) = 0.012917776 * 0.785834983 * 0.214165017 = 0.002174041
    # dJ/dW1 = X^T delta2: 0.3 * 0.002174041 = 0.000652212, and 1.0 * 0.002174041
    record = forward(NET, [[0.3, 1.0]])
    grads = backward(NET, record, [[0.75]], **LOSS)
    assert record.z[1].ravel() == pytest.approx([1.3] * 3, abs=1e-15)
    assert record.a[1].ravel() == pytest.approx([0.785834983] * 3, abs=5e-10)
    assert record.z[2].item() == pytest.approx(2.357504949, abs=5e-10)
    assert record.output.item() == pytest.approx(0.913528915, abs=5e-10)
    assert grads.cost == pytest.approx(0.013370853, abs=5e-10)
    assert grads.delta[2].item() == pytest.approx(0.012917776, abs=5e-10)
    assert grads.weights[2].ravel() == pytest.approx([0.010151241] * 3, abs=5e-10)
    assert grads.delta[1].ravel() == pytest.approx([0.002174041] * 3, abs=5e-10)
    assert grads.weights[1][0] == pytest.approx([0.000652212] * 3, abs=5e-10)
    assert grads.weights[1][1] == pytest.approx([0.002174041] * 3, abs=5e-10)


def test_what_the_copy_writes_and_what_is_right():
    a2 = forward(NET, [[0.3, 1.0]]).a[1][0, 0]
    assert a2 - 0.74 == pytest.approx(0.0458, abs=5e-5)  # the difference: a 9 read as a 4
    assert round(a2, 2) == 0.79
    assert 3 * 0.79 == pytest.approx(2.37)  # so the copy went on with 0.79 ...
    assert 3 * 0.74 == pytest.approx(2.22)  # ... and not with the 0.74 that it shows
    assert f(2.37) == pytest.approx(0.9145, abs=5e-5)  # nor is 0.92 the sigmoid of its own z3
    assert 0.5 * (0.75 - 0.92) ** 2 == pytest.approx(0.01445)  # 0.014; the copy has 0.015

    # (a2)^T alone is dz3/dW2; dJ/dW2 is that times delta3, about 77 times smaller.
    grads = backward(NET, forward(NET, [[0.3, 1.0]]), [[0.75]], **LOSS)
    delta3 = grads.delta[2].item()
    assert a2 / grads.weights[2][0, 0] == pytest.approx(1 / delta3)
    assert 1 / delta3 == pytest.approx(77.41, abs=5e-3)


def test_questions_4_to_6_one_link_after_another():
    # dJ/dW2 = -(y - yhat) . dyhat/dz3 . dz3/dW2, with f'(z) = e^-z / (1 + e^-z)^2
    record = forward(NET, [[0.3, 1.0]])
    grads = backward(NET, record, [[0.75]], **LOSS)
    z3, yhat = record.z[2].item(), record.output.item()
    slope = math.exp(-z3) / (1 + math.exp(-z3)) ** 2
    assert slope == pytest.approx(yhat * (1 - yhat), rel=1e-14)
    assert grads.activations[2].item() == pytest.approx(-(0.75 - yhat), rel=1e-14)
    assert grads.delta[2].item() == pytest.approx(-(0.75 - yhat) * slope, rel=1e-14)
    np.testing.assert_allclose(grads.weights[2], record.a[1].T * (-(0.75 - yhat) * slope), rtol=1e-14)
    assert np.all(grads.weights[2] > 0)


# ---- three examples: questions 12 to 17 ---------------------------------------------------------------------------

X3 = np.array([[0.3, 1.0], [0.5, 0.2], [1.0, 0.4]])
Y3 = np.array([[0.75], [0.82], [0.93]])  # chosen here: the document gives no targets for question 16


def test_question_16_worked_by_hand():
    # z2 = 1.3, 0.7, 1.4 (the sums of the rows), the same in each hidden unit
    # a2 = 0.785834983, 0.668187772, 0.802183889
    # z3 = 2.357504949, 2.004563316, 2.406551667
    # yhat = 0.913528915, 0.881275365, 0.917325538
    # delta3 = (yhat - y) yhat (1 - yhat):
    #     0.163528915 * 0.078993836 = 0.012917776
    #     0.061275365 * 0.104629096 = 0.006411186
    #    -0.012674462 * 0.075839396 = -0.000961224
    # dJ/dW2 = sum of a2 delta3 = 0.010151241 + 0.004283876 - 0.000771078 = 0.013664039, for each of the three weights
    # J = 1/2 (0.163528915^2 + 0.061275365^2 + 0.012674462^2) = 0.015328509
    record = forward(NET, X3)
    grads = backward(NET, record, Y3, **LOSS)
    assert record.z[1][:, 0] == pytest.approx([1.3, 0.7, 1.4])
    assert record.a[1][:, 1] == pytest.approx([0.785834983, 0.668187772, 0.802183889], abs=5e-10)
    assert record.z[2][:, 0] == pytest.approx([2.357504949, 2.004563316, 2.406551667], abs=2e-9)
    assert record.output[:, 0] == pytest.approx([0.913528915, 0.881275365, 0.917325538], abs=5e-10)
    assert grads.delta[2][:, 0] == pytest.approx([0.012917776, 0.006411186, -0.000961224], abs=1e-9)
    assert grads.weights[2][:, 0] == pytest.approx([0.013664039] * 3, abs=1e-9)
    assert grads.cost == pytest.approx(0.015328509, abs=1e-9)


def test_questions_14_and_15_the_sum_over_examples_is_one_product():
    random = np.random.default_rng(0)  # unequal weights, so that every entry differs
    net = Network.dense([2, 3, 1], bias=False, weights=[random.normal(size=(2, 3)), random.normal(size=(3, 1))])
    record = forward(net, X3)
    grads = backward(net, record, Y3, **LOSS)
    a2, delta3 = record.a[1], grads.delta[2]
    written_out = [[a2[0, k] * delta3[0, 0] + a2[1, k] * delta3[1, 0] + a2[2, k] * delta3[2, 0]] for k in range(3)]
    np.testing.assert_allclose(grads.weights[2], written_out, rtol=1e-13)
    np.testing.assert_allclose(grads.weights[2], a2.T @ delta3, rtol=1e-14)
    # The copy's last line has dz3/dW2 where f'(z3) belongs: (a2)^T delta3 = -(a2)^T [(y - yhat) f'(z3)].
    slope = record.output * (1 - record.output)
    np.testing.assert_allclose(grads.weights[2], -a2.T @ ((Y3 - record.output) * slope), rtol=1e-12)
    # With the rows' own gradients added up, one example at a time:
    alone = [backward(net, forward(net, X3[[n]]), Y3[[n]], **LOSS).weights[2] for n in range(3)]
    np.testing.assert_allclose(grads.weights[2], sum(alone), rtol=1e-12)
    assert len({round(float(g), 6) for g in grads.weights[2].ravel()}) == 3


def test_question_17_the_error_goes_on_to_the_first_layer():
    # dJ/dW1 = X^T delta2, delta2 = delta3 (W2)^T f'(z2)
    random = np.random.default_rng(1)
    W1, W2 = random.normal(size=(2, 3)), random.normal(size=(3, 1))
    net = Network.dense([2, 3, 1], bias=False, weights=[W1, W2])
    record = forward(net, X3)
    grads = backward(net, record, Y3, **LOSS)
    delta2 = (grads.delta[2] @ W2.T) * record.a[1] * (1 - record.a[1])
    np.testing.assert_allclose(grads.delta[1], delta2, rtol=1e-13)
    np.testing.assert_allclose(grads.weights[1], X3.T @ delta2, rtol=1e-12)
    assert np.all(grads.weights[1] != 0)
    assert check_gradients(net, X3, Y3, **LOSS).passed


@pytest.mark.parametrize("N", [1, 3])
def test_the_shapes_of_the_symbol_table(N):
    record = forward(NET, X3[:N])
    grads = backward(NET, record, Y3[:N], **LOSS)
    shapes = {
        "X": record.a[0], "y": Y3[:N], "W1": NET.weights[1], "W2": NET.weights[2], "z2": record.z[1],
        "a2": record.a[1], "z3": record.z[2], "dJdz3": grads.delta[2], "dJdW2": grads.weights[2],
        "dJdW1": grads.weights[1], "delta2": grads.delta[1], "delta3": grads.delta[2],
    }  # fmt: skip
    assert {symbol: array.shape for symbol, array in shapes.items()} == {
        "X": (N, 2), "y": (N, 1), "W1": (2, 3), "W2": (3, 1), "z2": (N, 3), "a2": (N, 3), "z3": (N, 1),
        "dJdz3": (N, 1), "dJdW2": (3, 1), "dJdW1": (2, 3), "delta2": (N, 3), "delta3": (N, 1),
    }  # fmt: skip
    # J is (1, outputLayerSize) there: a sum over the examples for each output; with one output, our one number.
    assert np.sum(0.5 * (Y3[:N] - record.output) ** 2, axis=0, keepdims=True).shape == (1, 1)
    assert grads.cost == pytest.approx(np.sum(0.5 * (Y3[:N] - record.output) ** 2), rel=1e-14)


def test_dz3_dz2_has_a_row_an_example_and_a_column_a_hidden_unit():
    # dz3/dz2 = (W2)^T f'(z2), 3 x 3: its row n belongs to z3 of example n, which no other example's z2 moves.
    record = forward(NET, X3)
    dz3_dz2 = NET.weights[2].T * record.a[1] * (1 - record.a[1])
    assert dz3_dz2.shape == (3, 3)
    h = 1e-6
    for n in range(3):
        for k in range(3):
            ends = []
            for nudge in (h, -h):
                z2 = record.z[1].copy()
                z2[n, k] += nudge
                ends.append((1 / (1 + np.exp(-z2)) @ NET.weights[2])[:, 0])
            slope = (ends[0] - ends[1]) / (2 * h)
            assert slope[n] == pytest.approx(dz3_dz2[n, k], rel=1e-8)
            assert np.count_nonzero(slope) == 1
    grads = backward(NET, record, Y3, **LOSS)
    np.testing.assert_allclose(grads.delta[1], grads.delta[2] * dz3_dz2, rtol=1e-13)
