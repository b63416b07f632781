"""The activations as nodes of ONNX: from operators that runtimes have in float32 and float64 alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.equations import SELU_ALPHA, SELU_SCALE
from chainrule.core.special import ERFC
from chainrule.models.export.onnx_builder import GraphBuilder

# ONNX has Elu, Selu, LeakyRelu, Softplus and Erf, but onnxruntime computes none of them in float64.


def activation_nodes(
    graph: GraphBuilder, z: str, activation: str, parameters: tuple[float, ...], dtype: np.dtype[Any]
) -> str:
    """Add the nodes of an activation to a graph, and return the name of its value.

    Parameters
    ----------
    graph : GraphBuilder
    z : str
        The pre-activations, (N, units).
    activation : str
        One of the catalogue's names.
    parameters : tuple of float
    dtype : dtype
        Of z: float32 or float64.
    """
    if activation in _OPERATORS:
        return graph.add(_OPERATORS[activation], z)
    if activation == "softmax":
        return graph.add("Softmax", z, axis=1)
    return _COMPOSED[activation](graph, z, dtype, *parameters)


_OPERATORS = {"identity": "Identity", "logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "exponential": "Exp"}


def _step(graph: GraphBuilder, z: str, dtype: np.dtype[Any]) -> str:
    return graph.cast(graph.add("GreaterOrEqual", z, np.array(0, dtype)), dtype)


def _leaky_relu(graph: GraphBuilder, z: str, dtype: np.dtype[Any], slope: float) -> str:
    return _above_0_or(graph, z, graph.add("Mul", z, np.array(slope, dtype)), dtype)


def _elu(graph: GraphBuilder, z: str, dtype: np.dtype[Any], alpha: float) -> str:
    """z above 0, alpha (e^z - 1) below; e^z - 1 as 2 tanh(z/2) / (1 - tanh(z/2)) keeps its digits where z is small."""
    half = graph.add("Tanh", graph.add("Mul", _at_most_0(graph, z, dtype), np.array(0.5, dtype)))
    doubled = graph.add("Mul", half, np.array(2 * alpha, dtype))
    return _above_0_or(graph, z, graph.add("Div", doubled, graph.add("Sub", np.array(1, dtype), half)), dtype)


def _selu(graph: GraphBuilder, z: str, dtype: np.dtype[Any]) -> str:
    return graph.add("Mul", _elu(graph, z, dtype, SELU_ALPHA), np.array(SELU_SCALE, dtype))


def _silu(graph: GraphBuilder, z: str, dtype: np.dtype[Any]) -> str:
    """z / (1 + e^-z); older onnxruntimes take z Sigmoid(z) for an operator that they lack in float64."""
    fall = graph.add("Exp", graph.add("Neg", z))
    return graph.add("Div", z, graph.add("Add", fall, np.array(1, dtype)))


def _softplus(graph: GraphBuilder, z: str, dtype: np.dtype[Any]) -> str:
    """max(z, 0) + log(1 + e^-|z|), which never overflows."""
    tail = graph.add("Exp", graph.add("Neg", graph.add("Abs", z)))
    return graph.add("Add", graph.add("Relu", z), graph.add("Log", graph.add("Add", tail, np.array(1, dtype))))


def _gelu(graph: GraphBuilder, z: str, dtype: np.dtype[Any]) -> str:
    return graph.add("Mul", z, (_phi_by_erf if dtype == np.float32 else _phi_by_series)(graph, z, dtype))


def _phi_by_erf(graph: GraphBuilder, z: str, dtype: np.dtype[Any]) -> str:
    """(1 + erf(z / sqrt 2)) / 2."""
    erf = graph.add("Erf", graph.add("Mul", z, np.array(math.sqrt(0.5), dtype)))
    return graph.add("Mul", graph.add("Add", erf, np.array(1, dtype)), np.array(0.5, dtype))


def _phi_by_series(graph: GraphBuilder, z: str, dtype: np.dtype[Any]) -> str:
    """The normal distribution function as core/special.py has it, its series in t multiplied out."""
    x = graph.add("Mul", graph.add("Abs", z), np.array(math.sqrt(0.5), dtype))
    x = graph.add("Min", x, np.array(1e3, dtype))
    t = graph.add("Div", graph.add("Sub", x, np.array(3.75, dtype)), graph.add("Add", x, np.array(3.75, dtype)))
    c = np.polynomial.chebyshev.cheb2poly(ERFC)
    powers = graph.add("Pow", graph.add("Unsqueeze", t, np.array([2])), np.arange(len(c), dtype=dtype))
    series = graph.add("Squeeze", graph.add("MatMul", powers, c.astype(dtype)[:, None]), np.array([2]))
    fall = graph.add("Exp", graph.add("Neg", graph.add("Mul", x, x)))
    width = graph.add("Add", graph.add("Mul", x, np.array(4, dtype)), np.array(2, dtype))  # 2 (1 + 2x)
    tail = graph.add("Div", graph.add("Mul", series, fall), width)
    negative = graph.add("Less", z, np.array(0, dtype))
    return graph.add("Where", negative, tail, graph.add("Sub", np.array(1, dtype), tail))


def _above_0_or(graph: GraphBuilder, z: str, otherwise: str, dtype: np.dtype[Any]) -> str:
    return graph.add("Where", graph.add("Greater", z, np.array(0, dtype)), z, otherwise)


def _at_most_0(graph: GraphBuilder, z: str, dtype: np.dtype[Any]) -> str:
    return graph.add("Min", z, np.array(0, dtype))


_COMPOSED: dict[str, Callable[..., str]] = {
    "step": _step,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": _silu,
    "softplus": _softplus,
}
