"""Keras's elementary operations as steps of a chain; every other one is refused by its name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.foreign.chain import ALLOWED, Chain
from chainrule.models.foreign.torch_operations import elu, leaky_relu

_PLAIN = {"Relu": "relu", "Sigmoid": "logistic", "Tanh": "tanh", "Silu": "silu", "Exp": "exponential",
          "Softplus": "softplus", "Selu": "selu"}  # fmt: skip
_ARITHMETIC = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative")
_SHAPES = ("Reshape", "Squeeze", "ExpandDims", "Ravel")


class Operation(NamedTuple):
    """One node of a graph: the operation's name and object, its arguments by name, which of them comes from the inputs,
    the shapes before and after it (the rows first, None), and where it stands.
    """

    name: str
    itself: Any
    given: Mapping[str, Any]
    traced: str
    shape: tuple[int | None, ...]
    after: tuple[int | None, ...]
    place: str


def applied(chain: Chain, op: Operation) -> Chain:
    """Return the chain with one operation more.

    Raises
    ------
    UsageError
        If no network of dense layers can do that, with the operation's name and place.
    """
    name, itself = op.name, op.itself
    if name in ("ConvertToTensor", "Cast", "Identity"):
        if getattr(itself, "dtype", None) not in (None, "float32", "float64"):
            raise refused(op, f"It changes the type to {itself.dtype}.")
        return chain
    if name == "Maximum" and np.all(_each_feature(_other(op), op) == 0):
        return chain.activated("relu", op.place)
    if name in _SHAPES:
        return _reshaped(chain, op)
    if name in ("Matmul", "Dot"):
        return _dense(chain, op)
    if name in _ARITHMETIC:
        return _arithmetic(chain, op)
    if name == "BatchNorm":
        return _batch_norm(chain, op)
    if name == "Softmax":
        if itself.axis not in (-1, 1) or len(op.shape) != 2:
            raise refused(op, f"Softmax(axis={itself.axis}) does not go over the units of a row; axis=-1 does.")
        return chain.activated("softmax", op.place)
    return chain.activated(_activation(op), op.place)


def known_layer(layer: Any, chain: Chain, place: str) -> Chain | None:
    """Return the chain behind a layer that computes by other means than `keras.ops`; None for any other."""
    kind = f"{type(layer).__module__}.{type(layer).__name__}"
    if kind == "keras.src.layers.preprocessing.rescaling.Rescaling":
        return chain.affine(as_numpy(layer.scale), as_numpy(layer.offset), place)
    if kind == "keras.src.layers.preprocessing.normalization.Normalization":
        floor = float(sys.modules["keras"].config.epsilon())
        mean, deviation = as_numpy(layer.mean), np.maximum(np.sqrt(as_numpy(layer.variance)), floor)
        if mean.size not in (1, mean.shape[-1]) or layer.axis not in ((1,), (-1,), ()):
            raise UsageError(f"{place} does not normalise by columns; axis=-1 is taken. {ALLOWED}")
        if layer.invert:
            return chain.affine(deviation, mean, place)
        return chain.affine(1 / deviation, -mean / deviation, place)
    return None


def refused(op: Operation, why: str = "") -> UsageError:
    """Build the error for an operation that no network of dense layers has."""
    return UsageError(f"{op.place} is no step of a network of dense layers. {why + ' ' if why else ''}{ALLOWED}")


def _activation(op: Operation) -> str:
    """The catalogue's name for an element-wise operation with its parameters."""
    name, itself = op.name, op.itself
    if name in _PLAIN:
        return _PLAIN[name]
    if name == "ReLU":  # the one of keras.activations
        if itself.max_value is None and itself.threshold == 0:
            return leaky_relu(float(itself.negative_slope))
        raise refused(op, "ReLU is taken without max_value and threshold.")
    if name == "LeakyRelu":
        return leaky_relu(float(itself.negative_slope))
    if name == "Elu":
        return elu(float(itself.alpha))
    if name == "Celu" and itself.alpha == 1:
        return "elu"
    if name == "Gelu":
        if not itself.approximate:
            return "gelu"
        raise refused(op, "gelu(approximate=True) is another function; only the exact GELU is taken.")
    if name == "LogSoftmax":
        raise refused(op, "Read the model without it, and with softmax behind its last layer where that is meant.")
    raise refused(op)


def _reshaped(chain: Chain, op: Operation) -> Chain:
    """Another shape of each row is harmless where its numbers stay in order, and rows stay rows."""
    before, after = op.shape[1:], op.after[1:]
    if op.shape[0] is not None or op.after[:1] != (None,) or None in (*before, *after):
        raise refused(op, "Rows must stay rows.")
    if prod(map(int, before)) != prod(map(int, after)):  # type: ignore[arg-type]
        raise refused(op, "Rows must stay rows.")
    return chain


def _dense(chain: Chain, op: Operation) -> Chain:
    if op.traced != "x1" or len(op.shape) != 2:
        raise refused(op, "Rows of examples (N, units) must come from the left, and weights from the right.")
    weights = op.given["x2"]
    return chain.dense(
        as_numpy(weights),
        op.place,
        trainable=_trains(weights),
        origin=id(weights) if hasattr(weights, "path") else None,
    )


def _arithmetic(chain: Chain, op: Operation) -> Chain:
    name = op.name
    if name == "Negative":
        return chain.affine(-1.0, 0.0, op.place)
    other = _other(op)
    number = _each_feature(other, op)
    if name == "Multiply":
        return chain.affine(number, 0.0, op.place)
    if name in ("Divide", "TrueDivide"):
        if op.traced != "x1" or not np.all(number):
            raise refused(op)
        return chain.affine(1 / number, 0.0, op.place)
    if name == "Add":
        return chain.affine(1.0, number, op.place, trainable=_trains(other))
    if op.traced == "x1":
        return chain.affine(1.0, -number, op.place, trainable=_trains(other))
    return chain.affine(-1.0, number, op.place, trainable=_trains(other))


def _batch_norm(chain: Chain, op: Operation) -> Chain:
    if op.itself.axis not in (-1, 1) or len(op.shape) != 2:
        raise refused(op, "It is taken for rows of units, with axis=-1.")
    given = op.given
    scale = 1 / np.sqrt(_each_feature(given["variance"], op) + float(op.itself.epsilon))
    if given.get("scale") is not None:
        scale = scale * _each_feature(given["scale"], op)
    shift = -_each_feature(given["mean"], op) * scale
    if given.get("offset") is not None:
        shift = shift + _each_feature(given["offset"], op)
    return chain.affine(scale, shift, op.place)


def _other(op: Operation) -> Any:
    """The argument beside the one that comes from the inputs."""
    return op.given["x2" if op.traced == "x1" else "x1"]


def _each_feature(value: Any, op: Operation) -> np.ndarray:
    """A constant as one number, or one for each feature of rows."""
    array = as_numpy(value).astype(np.float64)
    if array.size == 1 and array.ndim <= len(op.shape):
        return array.reshape(())
    if len(op.shape) == 2 and array.shape in ((op.shape[1],), (1, op.shape[1])):
        return array.reshape(-1)
    raise refused(op, f"It computes with numbers of shape {array.shape}: one number, or one for each unit, is taken.")


def as_numpy(value: Any) -> np.ndarray:
    """Return a variable, a backend's tensor, an array or a number as an array of its own."""
    if isinstance(value, (int, float, list, tuple, np.ndarray)):
        return np.array(value)
    keras = sys.modules["keras"]
    tensor = value.value if isinstance(value, keras.Variable) else value
    return np.array(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else keras.ops.convert_to_numpy(tensor))


def _trains(value: Any) -> bool:
    """Whether training changes it: a variable says so, and what is computed from variables counts as changed."""
    return bool(getattr(value, "trainable", not isinstance(value, (int, float, np.ndarray))))
