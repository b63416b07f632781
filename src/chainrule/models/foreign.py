"""Networks from other programs: the weights of scikit-learn's, PyTorch's and Keras's dense networks.

None of them is imported here: the objects that a person holds bring what is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.errors import UsageError

# Their names, in lower case without underscores, and ours.
_ACTIVATIONS = {
    "linear": "identity", "identity": "identity", "sigmoid": "logistic", "logistic": "logistic", "tanh": "tanh",
    "relu": "relu", "leakyrelu": "leaky_relu", "elu": "elu", "selu": "selu", "gelu": "gelu", "silu": "silu",
    "swish": "silu", "softplus": "softplus", "softmax": "softmax", "exponential": "exponential", "exp": "exponential",
}  # fmt: skip
_PASSED_OVER = (
    "dropout",
    "flatten",
    "inputlayer",
    "identity",
)  # they have no weights and do nothing to a network in use


def from_sklearn(estimator: Any) -> Network:
    """Return the network of a fitted scikit-learn `MLPClassifier` or `MLPRegressor`, or of chainrule's own.

    Parameters
    ----------
    estimator
        With `coefs_`, `intercepts_`, `activation` and `out_activation_`; or with `network_`.

    Raises
    ------
    UsageError
        If it is not fitted, or no such estimator.
    """
    network = getattr(estimator, "network_", None)
    if isinstance(network, Network):
        return network
    missing = [
        name for name in ("coefs_", "intercepts_", "activation", "out_activation_") if not hasattr(estimator, name)
    ]
    if missing:
        raise UsageError(
            f"from_sklearn takes a fitted MLPClassifier or MLPRegressor; this {type(estimator).__name__} has no "
            f"{', '.join(missing)}. Call fit first."
        )
    weights = [np.asarray(W) for W in estimator.coefs_]
    names = [estimator.activation] * (len(weights) - 1) + [estimator.out_activation_]
    return _network(weights, [np.asarray(b) for b in estimator.intercepts_], [_named(name) for name in names])


def from_torch(module: Any) -> Network:
    """Return the network of a PyTorch module made of `Linear` layers and activations, in the order of its children.

    Parameters
    ----------
    module
        Such as `torch.nn.Sequential(Linear, Tanh, Linear)`. Weights come transposed: PyTorch has them (out, in).

    Raises
    ------
    UsageError
        If it holds a layer of another kind.
    """
    weights: list[np.ndarray] = []
    biases: list[np.ndarray | None] = []
    names: list[str] = []
    for layer in _leaves(module):
        kind = type(layer).__name__.lower()
        if kind == "linear":
            weights.append(np.array(layer.weight.detach().cpu().numpy()).T)
            biases.append(None if layer.bias is None else np.array(layer.bias.detach().cpu().numpy()))
            names.append("identity")
        elif kind not in _PASSED_OVER:
            _behind(names, _torch_activation(layer, kind), type(layer).__name__)
    return _network(weights, biases, names)


def from_keras(model: Any) -> Network:
    """Return the network of a Keras model made of `Dense` layers and activations.

    Raises
    ------
    UsageError
        If it holds a layer of another kind.
    """
    weights: list[np.ndarray] = []
    biases: list[np.ndarray | None] = []
    names: list[str] = []
    for layer in model.layers:
        kind = type(layer).__name__.lower()
        if kind == "dense":
            arrays = [np.asarray(part) for part in layer.get_weights()]
            weights.append(arrays[0])
            biases.append(arrays[1] if len(arrays) > 1 else None)
            names.append(_keras_activation(layer.activation))
        elif kind == "activation":
            _behind(names, _keras_activation(layer.activation), "Activation")
        elif kind not in _PASSED_OVER:
            _behind(names, _keras_layer(layer, kind), type(layer).__name__)
    return _network(weights, biases, names)


def _leaves(module: Any) -> Iterator[Any]:
    children = list(module.children())
    if not children:
        yield module
    for child in children:
        yield from _leaves(child)


def _torch_activation(layer: Any, kind: str) -> str:
    name = _named(kind)
    if name == "leaky_relu":
        return f"leaky_relu({layer.negative_slope!r})"
    if name == "elu":
        return f"elu({layer.alpha!r})"
    if name == "gelu" and getattr(layer, "approximate", "none") != "none":
        raise UsageError('GELU(approximate="tanh") is another function; only the exact GELU is taken.')
    if name == "softplus" and getattr(layer, "beta", 1) != 1:
        raise UsageError("Softplus is taken with beta=1 only.")
    return name


def _keras_activation(function: Any) -> str:
    name = getattr(function, "__name__", str(function))
    if name == "leaky_relu":
        return "leaky_relu(0.2)"  # Keras's own default
    if name == "gelu":
        return "gelu"
    return _named(name)


def _keras_layer(layer: Any, kind: str) -> str:
    name = _named(kind)
    if name == "relu":
        if layer.max_value is not None or layer.threshold:
            raise UsageError("ReLU is taken without max_value and threshold only.")
        return f"leaky_relu({float(layer.negative_slope)!r})" if layer.negative_slope else "relu"
    if name == "leaky_relu":
        return f"leaky_relu({float(layer.negative_slope)!r})"
    return f"elu({float(layer.alpha)!r})" if name == "elu" else name


def _named(name: str) -> str:
    known = _ACTIVATIONS.get(name.replace("_", "").lower())
    if known is None:
        raise UsageError(
            f'"{name}" is no activation or layer that is known here. Allowed are dense layers and '
            f"{', '.join(dict.fromkeys(_ACTIVATIONS.values()))}."
        )
    return known


def _behind(names: list[str], activation: str, kind: str) -> None:
    """Put an activation behind the last dense layer."""
    if not names:
        raise UsageError(f"{kind} comes before any dense layer; only activations behind one are taken.")
    if names[-1] != "identity":
        raise UsageError(f"{kind} follows {names[-1]}: a layer has one activation here.")
    names[-1] = activation


def _network(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray | None], names: Sequence[str]) -> Network:
    if not weights:
        raise UsageError("there is no dense layer in it.")
    with_bias = [b is not None for b in biases]
    filled = [np.zeros(W.shape[1], W.dtype) if b is None else b for W, b in zip(weights, biases, strict=True)]
    sizes = [weights[0].shape[0], *(W.shape[1] for W in weights)]
    if not any(with_bias):
        return Network.dense(sizes, list(names), bias=False, weights=list(weights))
    network = Network.dense(sizes, list(names), weights=list(weights), biases=filled)
    layers = zip(network.layers, with_bias, strict=True)
    return Network(tuple(layer if has else replace(layer, biases=None) for layer, has in layers))
