"""What a network gives in exact arithmetic, as far as float64 is that, and how far rounding may lead from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chainrule.core.catalogue import Activation
from chainrule.core.network import Network

# PyTorch and Keras continue softplus as a straight line from z = 20 on: e^-20 away from it.
_SOFTPLUS_TAIL = 2.1e-9
_KINKED = ("relu", "leaky_relu", "elu", "selu")


class Expected(NamedTuple):
    """Outputs (N, n), and the typical size of what rounding does to each; `largest` is each row's largest number.

    `sharp` are the rows whose derivatives rounding leaves as they are: no unit stands at a kink.
    """

    outputs: np.ndarray
    error: np.ndarray
    largest: np.ndarray
    sharp: np.ndarray


def expected(network: Network, X: np.ndarray, sizes: Sequence[np.ndarray], precision: str) -> Expected:
    """Compute outputs in float64, and the errors of a program that computes in a precision such as "float32".

    Every product and sum is off by a share of its parts; the errors of different units are taken as independent, so
    that squares add up. `sizes` has for each layer how large the parts of its biases were.

    >>> net = Network.dense([2, 1], "identity", weights=[np.ones((2, 1))])
    >>> expected(net, np.array([[1.0, 3.0]]), [np.zeros(1)], "float32").outputs
    array([[4.]])
    """
    unit = float(np.finfo(precision).eps) / 2  # the largest error of one rounding, as a share
    A = X.astype(np.float64)
    variance = np.zeros_like(A)
    largest = np.abs(A).max(axis=1)
    sharp = np.ones(len(A), bool)
    with np.errstate(all="ignore"):
        for layer, size in zip(network.layers, sizes, strict=True):
            W = np.asarray(layer.weights, np.float64)
            b = np.zeros(W.shape[1]) if layer.biases is None else np.asarray(layer.biases, np.float64)
            parts = np.abs(A) @ np.abs(W) + size
            variance = variance @ W**2 + (unit * parts) ** 2
            Z = A @ W + b
            A = np.asarray(layer.activation.value(Z))
            error = np.sqrt(variance)
            name = layer.activation.name.partition("(")[0]
            if name in _KINKED:
                sharp &= (np.abs(Z) > 30 * error).all(axis=1)
            error = _through(layer.activation, Z, A, error) + 4 * unit * (np.abs(A) + np.minimum(np.abs(Z), 20))
            variance = error**2
            sharp &= error.max(axis=1) < 2e-5
            largest = np.maximum(largest, np.maximum(parts.max(axis=1), np.abs(A).max(axis=1)))
    return Expected(A, error, largest, sharp)


def derivatives(network: Network, X: np.ndarray, R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dC/dX for C = sum of R * outputs, in float64, and for each row how large its numbers can be."""
    A = [X.astype(np.float64)]
    Z: list[np.ndarray] = []
    for layer in network.layers:
        W = np.asarray(layer.weights, np.float64)
        Z.append(A[-1] @ W + (0 if layer.biases is None else np.asarray(layer.biases, np.float64)))
        A.append(np.asarray(layer.activation.value(Z[-1])))
    D, most = R, R**2
    for l in range(len(Z), 0, -1):
        layer = network.layers[l - 1]
        W = np.asarray(layer.weights, np.float64)
        D = np.asarray(layer.activation.pullback(Z[l - 1], A[l], D)) @ W.T
        name = layer.activation.name
        slope = A[l] if name == "exponential" else 1.0 if name == "softmax" else _steepest(layer.activation)
        most = (most * slope**2) @ (W**2).T
    return D, np.sqrt(most.max(axis=1))


def _through(activation: Activation, Z: np.ndarray, A: np.ndarray, error: np.ndarray) -> np.ndarray:
    """What an activation makes of errors in z."""
    if activation.name == "softmax":
        most = error.max(axis=1, keepdims=True)
        return np.where(most > 0.5, 1.0, A * np.expm1(2 * most))
    off = [np.abs(activation.value(Z + shift) - A) for shift in (-3 * error, 3 * error)]
    tail = _SOFTPLUS_TAIL if activation.name == "softplus" else 0.0
    return np.asarray(np.where(np.isfinite(error), np.maximum(*off) / 3, np.inf)) + tail


def _steepest(activation: Activation) -> float:
    Z = np.linspace(-30, 30, 2401)[None, :]
    return float(np.abs(activation.pullback(Z, activation.value(Z), np.ones_like(Z))).max())
