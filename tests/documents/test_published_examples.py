"""Worked examples that others have published with numbers: every printed digit comes out.

M. Mazur, "A Step by Step Backpropagation Example", 2015,
https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/: two inputs, two hidden and two output units,
one bias a layer that is not trained, half the squared error, learning rate 0.5.

Udacity, Deep Learning Nanodegree, "Implementing backpropagation" (exercise backprop.py, its printed solution): three
inputs, two hidden units, one output, no biases, learning rate 0.5.
"""

import numpy as np
import pytest

import chainrule as cr

MAZUR = cr.Network.dense(
    [2, 2, 2],
    weights=[np.array([[0.15, 0.25], [0.20, 0.30]]), np.array([[0.40, 0.50], [0.45, 0.55]])],
    biases=[np.array([0.35, 0.35]), np.array([0.60, 0.60])],
)
X, Y = [[0.05, 0.10]], [[0.01, 0.99]]


def printed(text):
    """A number to all its printed digits: at most one unit of the last, which was rounded or cut."""
    decimals = len(text.partition(".")[2].partition("e")[0])
    exponent = int(text.partition("e")[2] or 0)
    return pytest.approx(float(text), rel=0, abs=1.0001 * 10.0 ** (exponent - decimals))


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("z[1][1]", "0.3775"),
        ("a[1][1]", "0.593269992"),
        ("a[1][2]", "0.596884378"),
        ("z[2][1]", "1.105905967"),
        ("a[2][1]", "0.75136507"),
        ("a[2][2]", "0.772928465"),
        ("C", "0.298371109"),
        ("dC/da[2][1]", "0.74136507"),
        ("da[2][1]/dz[2][1]", "0.186815602"),
        ("dz[2][1]/dW[2][1,1]", "0.593269992"),
        ("dC/dW[2][1,1]", "0.082167041"),
        ("delta[2][1]", "0.138498562"),
        ("dC/da[1][1]", "0.036350306"),
        ("da[1][1]/dz[1][1]", "0.241300709"),
        ("dC/dW[1][1,1]", "0.000438568"),
        ("dC/da[1][1] via 1", "0.055399425"),
        ("dC/da[1][1] via 2", "-0.019049119"),
    ],
)
def test_mazur_every_number_of_the_two_passes(quantity, value):
    assert cr.explain(MAZUR, X, Y)[quantity].value == printed(value)


def test_mazur_the_weights_after_one_update():
    why = cr.explain(MAZUR, X, Y, update="gradient_descent", learning_rate=0.5)
    after = {
        "W[1][1,1]": "0.149780716", "W[1][2,1]": "0.19956143", "W[1][1,2]": "0.24975114", "W[1][2,2]": "0.29950229",
        "W[2][1,1]": "0.35891648", "W[2][2,1]": "0.408666186", "W[2][1,2]": "0.511301270", "W[2][2,2]": "0.561370121",
    }  # fmt: skip
    for weight, value in after.items():
        assert why[weight].value + why[f"change {weight}"].value == printed(value)


def updated(net, how="at once"):
    """The weights after an update; the biases are not trained there."""
    grads = cr.backward(net, cr.forward(net, X), Y)
    W1, W2 = net.weights[1] - 0.5 * grads.weights[1], net.weights[2] - 0.5 * grads.weights[2]
    if how == "one after the other":  # the error goes back through output weights that have changed already
        A = cr.forward(net, X).a[1]
        W1 = net.weights[1] - 0.5 * np.array(X).T @ (grads.delta[2] @ W2.T * A * (1 - A))
    return cr.Network.dense([2, 2, 2], weights=[W1, W2], biases=list(net.biases[1:]))


def test_mazur_the_error_after_one_update():
    # The weights printed there are those of the test above, changed at once, and their error is 0.291027774. The
    # printed 0.291027924 comes from an update that changes the output weights first and sends the error back through
    # the new ones.
    after = {how: cr.cost(net, cr.forward(net, X), Y)
             for how in ("at once", "one after the other") for net in [updated(MAZUR, how)]}  # fmt: skip
    assert after["at once"] == printed("0.291027774")
    assert after["one after the other"] == printed("0.291027924")


def test_mazur_the_error_at_the_ten_thousandth_update():
    net = MAZUR
    for _ in range(9_999):
        net = updated(net)
    assert cr.cost(net, cr.forward(net, X), Y) == printed("0.0000351085")  # as measured in the 10,000th update


def test_udacity():
    net = cr.Network.dense(
        [3, 2, 1], bias=False, weights=[np.array([[0.5, -0.6], [0.1, -0.2], [0.1, 0.7]]), np.array([[0.1], [-0.3]])]
    )
    why = cr.explain(net, [[0.5, 0.1, -0.2]], [[0.6]], update="gradient_descent", learning_rate=0.5, notation="rows")
    changes = {
        "W[2][1,1]": "0.00804047", "W[2][2,1]": "0.00555918",
        "W[1][1,1]": "1.77005547e-04", "W[1][1,2]": "-5.11178506e-04",
        "W[1][2,1]": "3.54011093e-05", "W[1][2,2]": "-1.02235701e-04",
        "W[1][3,1]": "-7.08022187e-05", "W[1][3,2]": "2.04471402e-04",
    }  # fmt: skip
    for weight, value in changes.items():
        assert why[f"change {weight}"].value == printed(value)
