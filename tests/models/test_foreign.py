"""Networks from other programs: the same outputs, layer by layer."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule import UsageError

X = np.random.default_rng(0).normal(size=(40, 3))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn(activation):
    y = X[:, 0] + X[:, 1] ** 2
    regressor = MLPRegressor(hidden_layer_sizes=(5, 4), activation=activation, max_iter=20, random_state=0).fit(X, y)
    net = cr.from_sklearn(regressor)
    np.testing.assert_allclose(cr.forward(net, X).output[:, 0], regressor.predict(X), rtol=1e-10)
    classes = (y > 1).astype(int) + (y > 2)
    classifier = MLPClassifier(hidden_layer_sizes=(5,), activation=activation, max_iter=20, random_state=0).fit(
        X, classes
    )
    net = cr.from_sklearn(classifier)
    np.testing.assert_allclose(cr.forward(net, X).output, classifier.predict_proba(X), rtol=1e-10)
    why = cr.explain(net, X, np.eye(3)[classes], loss="softmax_categorical_cross_entropy", example=4)
    assert why["dC/dW[1][2,1]"].value == pytest.approx(why["delta[1][1]"].value * X[4, 1])


class Tensor:
    """As much of a PyTorch tensor as is read."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.values


def module(kind, *children, **attributes):
    made = type(kind, (), {"children": lambda self: children})()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_pytorch_modules_are_read_in_order_and_transposed():
    W1, b1, W2 = np.random.default_rng(1).normal(size=(4, 3)), np.arange(4.0), np.ones((2, 4))
    hidden = module(
        "Sequential", module("Linear", weight=Tensor(W1), bias=Tensor(b1)), module("LeakyReLU", negative_slope=0.2)
    )
    net = cr.from_torch(module("Sequential", hidden, module("Dropout"), module("Linear", weight=Tensor(W2), bias=None)))
    Z = X @ W1.T + b1
    np.testing.assert_allclose(cr.forward(net, X).output, np.where(Z > 0, Z, 0.2 * Z) @ W2.T, rtol=1e-12)
    assert [layer.activation.name for layer in net.layers] == ["leaky_relu(0.2)", "identity"]
    assert net.biases[2] is None


def dense(W, b, activation):
    layer = type("Dense", (), {})()
    layer.get_weights = lambda: [W] if b is None else [W, b]
    layer.activation = SimpleNamespace(__name__=activation)
    return layer


def test_keras_models():
    W1, b1, W2, b2 = np.ones((3, 4)), np.arange(4.0), np.ones((4, 2)), np.zeros(2)
    net = cr.from_keras(SimpleNamespace(layers=[dense(W1, b1, "tanh"), dense(W2, b2, "softmax")]))
    Z = np.tanh(X @ W1 + b1) @ W2
    np.testing.assert_allclose(cr.forward(net, X).output, np.exp(Z) / np.exp(Z).sum(1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cr.from_sklearn(MLPRegressor()), "Call fit first"),
        (lambda: cr.from_torch(module("Sequential", module("Conv2d"))), '"conv2d" is no activation or layer'),
        (lambda: cr.from_torch(module("Sequential", module("Tanh"))), "comes before any dense layer"),
        (lambda: cr.from_torch(module("Sequential")), "no activation or layer"),
        (lambda: cr.from_keras(SimpleNamespace(layers=[])), "no dense layer"),
        (
            lambda: cr.from_torch(module("S", module("Linear", weight=Tensor(np.ones((2, 3))), bias=None),
                                         module("Tanh"), module("ReLU"))),
            "a layer has one activation",
        ),
    ],
)  # fmt: skip
def test_refusals(make, message):
    with pytest.raises(UsageError, match=message):
        make()
