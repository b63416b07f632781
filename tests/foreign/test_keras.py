"""Keras's models: whatever is a chain of dense layers is read as that, and everything else is refused by name."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import torch
from foreign_kit import fresh_rows
from keras import layers, ops

import chainrule as cr
from chainrule import UsageError

pytestmark = pytest.mark.torch
Dense = layers.Dense


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


def stacked(*parts, inputs=(3,)):
    return keras.Sequential([keras.Input(inputs), *parts])


def functional(compute):
    x = keras.Input((3,))
    return keras.Model(x, compute(x))


class Written(keras.Model):
    """A subclass with a `call` of its own."""

    def __init__(self, compute):
        super().__init__()
        self.compute = compute
        self.last, self.middle, self.first = Dense(2), Dense(4), Dense(4)
        self.drop, self.norm = layers.Dropout(0.5), layers.BatchNormalization()

    def build(self, shape):
        self.first.build(shape)
        for layer in (self.middle, self.last, self.drop, self.norm):
            layer.build((None, 4))
        for weights, row in zip(
            self.norm.weights, ([1, 2, 3, 4], [1, 0, -1, 2], [0, 1, 2, 3], [1, 2, 3, 4]), strict=True
        ):
            weights.assign(row)

    def call(self, x):
        return self.compute(self, x)


def written(compute):
    model = Written(compute)
    model.build((None, 3))
    return model


class Twice(Dense):
    def call(self, x):
        return ops.add(ops.matmul(x, self.kernel), self.bias) * 2


def tanh(x):
    return ops.sin(x)


def mine(x):
    return ops.tanh(x)


def shared_layer():
    layer = Dense(3, activation="relu")
    return functional(lambda x: Dense(2)(layer(layer(x))))


def of_middle():
    inner = functional(lambda x: Dense(5, "gelu")(Dense(4, "relu")(x)))
    return keras.Model(inner.inputs, inner.layers[1].output)


CHAINS = {
    "sequential": (lambda: stacked(Dense(4, activation="tanh"), Dense(2, activation="softmax")), ["tanh", "softmax"]),
    "functions": (lambda: functional(lambda x: Dense(2)(ops.relu(Dense(4)(x)))), ["relu", "identity"]),
    "activation layers": (
        lambda: stacked(Dense(4), layers.LeakyReLU(), Dense(4), layers.ELU(alpha=0.5), Dense(4), layers.Softmax()),
        ["leaky_relu(0.3)", "elu(0.5)", "softmax"],
    ),
    "names": (
        lambda: stacked(Dense(4, "leaky_relu"), Dense(4, "selu"), Dense(4, "swish"), Dense(4, "exponential")),
        ["leaky_relu(0.2)", "selu", "silu", "exponential"],
    ),
    "Activation": (
        lambda: stacked(Dense(4), layers.Activation("sigmoid"), Dense(4), layers.Activation("softplus"), Dense(1)),
        ["logistic", "softplus", "identity"],
    ),
    "a slope of ReLU": (lambda: stacked(Dense(4), layers.ReLU(negative_slope=0.1)), ["leaky_relu(0.1)"]),
    "a person's function": (lambda: stacked(Dense(4, activation=mine), Dense(2)), ["tanh", "identity"]),
    "a layer as an activation": (lambda: stacked(Dense(4, activation=layers.ReLU()), Dense(2)), ["relu", "identity"]),
    "maximum": (lambda: stacked(Dense(4, activation=lambda x: ops.maximum(x, 0)), Dense(2)), ["relu", "identity"]),
    "Lambda": (lambda: stacked(Dense(4), layers.Lambda(ops.silu), Dense(2)), ["silu", "identity"]),
    "what does nothing": (
        lambda: stacked(layers.Dropout(0.5), Dense(4, "elu"), layers.GaussianNoise(1.0), layers.Identity(), Dense(1)),
        ["elu", "identity"],
    ),
    "no biases": (lambda: stacked(Dense(4, "tanh", use_bias=False), Dense(1)), ["tanh", "identity"]),
    "nested": (
        lambda: stacked(Dense(4, "relu"), stacked(Dense(5, "gelu"), Dense(2), inputs=(4,)), Dense(1)),
        ["relu", "gelu", "identity", "identity"],
    ),
    "nested functional": (
        lambda: functional(lambda x: Dense(2)(functional(lambda x: Dense(4, "relu")(x))(x))),
        ["relu", "identity"],
    ),
    "a part of a model": (of_middle, ["relu"]),
    "lists of one": (lambda: keras.Model([x := keras.Input((3,))], [Dense(2, "tanh")(x)]), ["tanh"]),
    "flattened": (lambda: stacked(layers.Flatten(), Dense(3, "elu"), Dense(1), inputs=(1, 3)), ["elu", "identity"]),
    "subclassed": (
        lambda: written(lambda s, x: s.last(ops.relu(s.middle(s.drop(ops.sigmoid(s.first(x))))))),
        ["logistic", "relu", "identity"],
    ),
}  # fmt: skip


def assert_same(network, model):
    X = fresh_rows(network.sizes[0]).astype(np.float32)
    rows = X.reshape(len(X), *shape(model))
    answer = model([rows] if isinstance(getattr(model, "_inputs_struct", None), list) else rows, training=False)
    given = np.asarray(ops.convert_to_numpy(keras.tree.flatten(answer)[0]))
    ours = cr.forward(network.astype("float64"), X.astype(np.float64)).output
    np.testing.assert_allclose(ours, given, rtol=0, atol=2e-5 * np.abs(given).max())


def shape(model):
    inputs = getattr(model, "inputs", None)
    return inputs[0].shape[1:] if inputs else (3,)


# What Keras itself asks of NumPy.
pytestmark = [pytestmark, pytest.mark.filterwarnings("ignore:__array__ implementation")]


@pytest.mark.parametrize(("make", "names"), CHAINS.values(), ids=CHAINS)
def test_a_chain_in_any_style(make, names):
    model = make()
    network = cr.from_keras(model)
    assert [layer.activation.name for layer in network.layers] == names
    assert {str(p.dtype) for p in network.parameters} == {"float32"}
    assert_same(network, model)


REFUSED = {
    "a residual": (lambda: written(lambda s, x: (h := s.first(x)) + s.middle(h)), 'Add "add.*" in Written .* joins'),
    "Add": (lambda: functional(lambda x: layers.Add()([Dense(3)(x), x])), 'Add .* in Functional .* joins two values'),
    "two heads": (lambda: functional(lambda x: [Dense(3)(x), Dense(2)(x)]), "returns 2 values"),
    "two inputs": (
        lambda: keras.Model([a := keras.Input((3,)), b := keras.Input((3,))], Dense(2)(layers.concatenate([a, b]))),
        "has 2 inputs",
    ),
    "a function called tanh": (lambda: stacked(Dense(4, activation=tanh)), 'Sin "sin.*" in Dense .* is no step'),
    "softmax over the rows": (lambda: stacked(Dense(4), layers.Softmax(axis=0)), r"Softmax\(axis=0\)"),
    "a ceiling": (lambda: stacked(Dense(4), layers.ReLU(max_value=6)), "ReLU is taken without max_value"),
    "a threshold": (lambda: stacked(Dense(4), layers.ReLU(threshold=1)), "without max_value and threshold"),
    "ReLU6": (lambda: stacked(Dense(4, "relu6")), "Relu6 .* is no step"),
    "the other GELU": (lambda: stacked(Dense(4, lambda x: ops.gelu(x, approximate=True))), "approximate=True"),
    "log-softmax": (lambda: stacked(Dense(4, "log_softmax")), "LogSoftmax .* Read the model without it"),
    "mish": (lambda: stacked(Dense(4, "mish")), "mish|cannot be followed"),
    "PReLU": (lambda: stacked(Dense(4), layers.PReLU()), "in PReLU .* joins two values"),
    "a layer norm": (lambda: stacked(Dense(4), layers.LayerNormalization()), "LayerNorm .* is no step"),
    "a convolution": (lambda: stacked(layers.Conv1D(2, 2), layers.Flatten(), inputs=(5, 3)), "Conv .* is no step"),
    "an embedding": (lambda: stacked(layers.Embedding(9, 2), layers.Flatten(), inputs=(5,)), "Embedding .* is no step"),
    "another order": (
        lambda: stacked(layers.Permute((2, 1)), layers.Flatten(), Dense(1), inputs=(2, 3)), "Transpose .* is no step",
    ),
    "channels first": (
        lambda: stacked(layers.Flatten("channels_first"), Dense(1), inputs=(2, 3)), "Transpose .* is no step",
    ),
    "dense over the last axis": (lambda: stacked(Dense(2), layers.Flatten(), inputs=(2, 3)), "Rows of examples"),
    "two activations": (lambda: stacked(Dense(4, "relu"), layers.Activation("tanh")), "follows relu"),
    "an activation first": (lambda: stacked(layers.Activation("tanh"), Dense(4)), "comes before any dense layer"),
    "scaled outputs": (lambda: stacked(Dense(4, "tanh"), layers.Rescaling(2.0)), "Rescaling .* changes the outputs"),
    "PyTorch inside": (lambda: written(lambda s, x: torch.relu(s.first(x))), "cannot be followed: .*relu"),
    "hidden from Keras": (
        lambda: written(lambda s, x: s.first(x) * (2 if torch.is_tensor(x) else 1)), "gives other outputs",
    ),
    "a choice by values": (
        lambda: written(lambda s, x: s.first(x) if ops.sum(x) > 0 else s.middle(s.first(x))), "choice by values",
    ),
    "dropout in any mode": (lambda: written(lambda s, x: s.first(s.drop(x, training=True))), "Dropout .* cannot be"),
    "no graph": (lambda: written(lambda s, x: s.first(ops.ones((2, 3)))), "returns 1 values"),
    "not built": (lambda: keras.Sequential([Dense(3)]), "is not built"),
    "a subclass not built": (lambda: Written(lambda s, x: x), "is not built"),
    "a layer": (lambda: Dense(3), "received Dense"),
    "the class": (lambda: keras.Model, "the class Model"),
    "its weights": (lambda: stacked(Dense(3)).get_weights(), "received list"),
    "no layer": (lambda: stacked(layers.Identity()), "no dense layer"),
    "any width": (lambda: keras.Sequential([keras.Input((None, 3)), Dense(3)]), "fixed number of inputs"),
    "two precisions": (lambda: stacked(Dense(3, dtype="float64")), "rounds on the way"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_chain_is_refused_by_name(make, message):
    with pytest.raises(UsageError, match=message):
        cr.from_keras(make())


def test_half_precision_and_weights_that_are_not_finite_are_refused():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = stacked(Dense(3))
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(UsageError, match=r"computes in bfloat16 .* new\.set_weights"):
        cr.from_keras(model)
    model = stacked(Dense(3))
    model.layers[0].kernel.assign(np.full((3, 3), np.nan))
    with pytest.raises(UsageError, match="not finite"):
        cr.from_keras(model)


def test_float64():
    keras.config.set_dtype_policy("float64")
    try:
        model = keras.Sequential([keras.Input((3,), dtype="float64"), Dense(4, "tanh"), Dense(1)])
    finally:
        keras.config.set_dtype_policy("float32")
    network = cr.from_keras(model)
    assert {str(p.dtype) for p in network.parameters} == {"float64"}
    X = fresh_rows(3)
    np.testing.assert_allclose(cr.forward(network, X).output, ops.convert_to_numpy(model(X)), rtol=1e-4, atol=1e-5)


def normalised():
    layer = layers.Normalization()
    layer.adapt(np.arange(12.0).reshape(4, 3) ** 2)
    return stacked(layer, layers.Rescaling(0.5, offset=1.0), Dense(4, "tanh"), Dense(2))


SAID = {
    "a layer used twice": (shared_layer, "layers 1 and 2 share weights"),
    "Normalization and Rescaling": (normalised, r"Normalization .* and Rescaling .* of layer 1"),
    "inverted": (lambda: stacked(Dense(3), layers.Normalization(mean=1.0, variance=4.0, invert=True)), "of layer 1"),
    "batch normalisation": (
        lambda: written(lambda s, x: s.last(ops.tanh(s.norm(s.first(x))))), r"BatchNorm .* of layer 1",
    ),
    "batch normalisation behind an activation": (
        lambda: written(lambda s, x: s.last(s.norm(ops.tanh(s.first(x))))), r"BatchNorm .* of layer 2",
    ),
    "scaled": (lambda: written(lambda s, x: s.last(-ops.tanh(s.first((1 - x) / 2)))), "of layer [12]"),
    "a layer that doubles": (lambda: stacked(Twice(4), Dense(1)), "Multiply .* of layer 1"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "message"), SAID.values(), ids=SAID)
def test_what_a_person_must_know_is_said(make, message):
    model = make()
    with pytest.warns(UserWarning, match=message) as told:
        network = cr.from_keras(model)
    assert {warning.filename for warning in told} == {__file__}
    assert_same(network, model)


def test_frozen_layers():
    model = stacked(Dense(4, "relu"), Dense(2))
    model.layers[0].trainable = False
    assert [layer.trainable for layer in cr.from_keras(model).layers] == [False, True]


def test_the_model_stays_as_it_is():
    model = written(lambda s, x: s.last(ops.relu(s.drop(s.first(x)))))
    other = functional(lambda x: Dense(2)(Dense(4, "relu")(x)))
    for made in (model, other):
        every = made._flatten_layers()
        before = [(len(layer._inbound_nodes), len(layer._outbound_nodes), layer.trainable) for layer in every]
        weights = made.get_weights()
        random = torch.get_rng_state()
        cr.from_keras(made)
        assert [(len(l._inbound_nodes), len(l._outbound_nodes), l.trainable) for l in every] == before
        for now, then in zip(made.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(now, then)
        assert torch.equal(torch.get_rng_state(), random)
    assert other.layers[1].output.shape == (None, 4)  # which Keras refuses for a layer that was called twice


def test_weights_are_copies():
    model = stacked(Dense(2))
    network = cr.from_keras(model)
    before = network.weights[1].copy()
    model.layers[0].kernel.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(network.weights[1], before)
