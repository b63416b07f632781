"""Random Keras models in random styles are read as what they are; near misses are refused or equal."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from foreign_kit import fresh_rows
from keras import layers, ops

import chainrule as cr
from chainrule import UsageError

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:__array__ implementation")]

# Our name of an activation; Keras's name, a layer, a function.
ACTIVATIONS = {
    "relu": ("relu", layers.ReLU, ops.relu),
    "logistic": ("sigmoid", lambda: layers.Activation("sigmoid"), ops.sigmoid),
    "tanh": ("tanh", lambda: layers.Activation(ops.tanh), ops.tanh),
    "leaky_relu(0.2)": ("leaky_relu", lambda: layers.LeakyReLU(0.2), lambda x: ops.leaky_relu(x, 0.2)),
    "elu": ("elu", layers.ELU, lambda x: ops.elu(x, alpha=1.0)),
    "selu": ("selu", lambda: layers.Activation("selu"), ops.selu),
    "gelu": ("gelu", lambda: layers.Activation("gelu"), lambda x: ops.gelu(x, approximate=False)),
    "silu": ("swish", lambda: layers.Lambda(ops.silu), ops.silu),
    "softplus": ("softplus", lambda: layers.Activation("softplus"), ops.softplus),
    "softmax": ("softmax", layers.Softmax, lambda x: ops.softmax(x, axis=-1)),
    "exponential": ("exponential", lambda: layers.Activation("exponential"), ops.exp),
    "identity": (None, layers.Identity, lambda x: x),
}


def random_model(seed, meddle=None):
    """A model of random depth, widths and activations, in one of three styles, and our names of its activations."""
    random = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    sizes = [int(n) for n in random.integers(2, 6, size=int(random.integers(2, 5)))]
    names = [str(name) for name in random.choice(list(ACTIVATIONS), len(sizes) - 1)]
    steps = []
    for units, name in zip(sizes[1:], names, strict=True):
        word, layer, function = ACTIVATIONS[name]
        way = int(random.integers(4))
        inside = word if way == 0 else function if way == 1 else None
        steps.append(layers.Dense(units, inside, bias_initializer="normal"))
        steps += [layer()] if way == 2 else [function] if way == 3 else []
        steps += [layers.Dropout(0.5)] if random.random() < 0.3 else []
    if meddle is not None:
        steps.insert(int(random.integers(1, len(steps) + 1)), meddle)

    def through(x):
        for step in steps:
            x = step(x)
        return x

    style = int(random.integers(3))
    if style == 0:
        every = [step if isinstance(step, layers.Layer) else layers.Lambda(step) for step in steps]
        return keras.Sequential([keras.Input((sizes[0],)), *every]), names
    if style == 1:
        x = keras.Input((sizes[0],))
        return keras.Model(x, through(x)), names

    class Subclass(keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = [step for step in reversed(steps) if isinstance(step, layers.Layer)]

        def call(self, x):
            return through(x)

    model = Subclass()
    model(np.ones((2, sizes[0]), np.float32))
    return model, names


def assert_same(network, model):
    X = fresh_rows(network.sizes[0]).astype(np.float32)
    given = np.asarray(ops.convert_to_numpy(model(X, training=False)))
    given = given[:, None] if given.ndim == 1 else given
    ours = cr.forward(network.astype("float64"), X.astype(np.float64)).output
    np.testing.assert_allclose(ours, given, rtol=1e-4, atol=2e-5 * np.abs(given).max())


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_random_chains_in_random_styles(first):
    for seed in range(first, first + 10):
        model, names = random_model(seed)
        network = cr.from_keras(model)
        assert [layer.activation.name for layer in network.layers] == names
        assert_same(network, model)


MISSES = {
    "residual": lambda x: x + ops.tanh(x),
    "squared": lambda x: x * x,
    "power": lambda x: x**2,
    "softmax over the rows": lambda x: ops.softmax(x, axis=0),
    "softmax over everything": lambda x: ops.softmax(x, axis=None),
    "relu6": ops.relu6,
    "clipped": lambda x: ops.clip(x, 0, 9),
    "maximum": lambda x: ops.maximum(x, 0.1),
    "gelu, other": lambda x: ops.gelu(x),
    "celu": lambda x: ops.celu(x, alpha=0.5),
    "sine": ops.sin,
    "absolute": ops.abs,
    "rounded": ops.round,
    "flipped": lambda x: ops.flip(x, 1),
    "rows flipped": lambda x: ops.flip(x, 0),
    "some columns": lambda x: x[:, :1],
    "transposed twice": lambda x: ops.transpose(ops.transpose(x)),
    "summed": lambda x: ops.sum(x, axis=1, keepdims=True),
    "sorted": lambda x: ops.sort(x, axis=1),
    "joined": lambda x: ops.concatenate([x, x], axis=1),
    "less the rows' mean": lambda x: x - ops.mean(x, axis=0),
    "normalised": lambda x: ops.normalize(x),
    "chosen": lambda x: ops.where(x > 0, x, 0.1 * x),
    "stopped": lambda x: ops.stop_gradient(x),
    "divided": lambda x: 1 / (ops.abs(x) + 1),
    "scaled": lambda x: 3 * x,
    "scaled backwards": lambda x: 1 - x / 4,
    "noise": lambda x: x + keras.random.normal((1,)),
    "outputs of another shape": lambda x: ops.expand_dims(x, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSES)
def test_near_misses_are_refused_or_equal(name):
    read = refused = 0
    for seed in range(100, 105):
        try:
            model, _ = random_model(seed, MISSES[name])
        except Exception:  # Keras itself does not build such a model
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what was folded
                network = cr.from_keras(model)
        except UsageError:
            refused += 1
            continue
        read += 1
        assert_same(network, model)
    assert read + refused
    assert refused or name in ("scaled", "scaled backwards")
