"""PyTorch's operations (its ATen names) as steps of a chain; every other one is refused by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.equations import SELU_ALPHA, SELU_SCALE
from chainrule.errors import UsageError
from chainrule.models.foreign.chain import ALLOWED, Chain

_PLAIN = {"relu": "relu", "sigmoid": "logistic", "tanh": "tanh", "silu": "silu", "exp": "exponential"}
_SAME_VALUES = ("clone", "_to_copy", "dropout", "native_dropout", "contiguous", "alias", "detach", "lift_fresh")
_ADVICE = {
    "log_softmax": "Read the module without it, and with softmax behind its last layer where that is meant.",
    "convolution": "Only dense layers are taken.",
    "layer_norm": "It divides by what each row has, which no weights can do.",
}


class Operation(NamedTuple):
    """One call that PyTorch made: its name, its arguments by name, which of them comes from the inputs, and where."""

    name: str
    given: Mapping[str, Any]
    traced: str
    shape: tuple[int, ...]
    rows: int
    place: str


def applied(chain: Chain, op: Operation) -> Chain:
    """Return the chain with one operation more.

    Raises
    ------
    UsageError
        If no network of dense layers can do that, with the operation's name and place.
    """
    name, given = op.name, op.given
    plain = name if name in _SAME_VALUES else name.removesuffix("_")
    if plain in _SAME_VALUES:
        if given.get("train") or given.get("dtype") not in (None, given[op.traced].dtype):
            raise refused(op)
        return chain
    if plain == "_softmax":
        return _softmax(chain, op)
    if plain in ("linear", "addmm", "mm", "matmul", "mv"):
        return _dense(chain, op, plain)
    if plain in ("add", "sub", "rsub", "mul", "div", "neg"):
        return _arithmetic(chain, op, plain)
    if "batch_norm" in plain:
        return _batch_norm(chain, op)
    return chain.activated(_activation(op, plain), op.place)


def refused(op: Operation, why: str = "") -> UsageError:
    """Build the error for an operation that no network of dense layers has."""
    why = why or _ADVICE.get(shown(op.name), "")
    return UsageError(f"{op.place} is no step of a network of dense layers. {why + ' ' if why else ''}{ALLOWED}")


def shown(name: str) -> str:
    """An operation's name without what marks its variants.

    >>> shown("_log_softmax"), shown("relu_"), shown("native_batch_norm")
    ('log_softmax', 'relu', 'batch_norm')
    """
    return name.strip("_").removeprefix("native_")


def _activation(op: Operation, plain: str) -> str:
    """The catalogue's name for an element-wise operation with its parameters."""
    given = op.given
    if plain in _PLAIN:
        return _PLAIN[plain]
    if plain == "leaky_relu":
        return leaky_relu(float(given["negative_slope"]))
    if plain == "elu" and given["input_scale"] == 1:
        alpha, scale = float(given["alpha"]), float(given["scale"])
        if scale == 1:
            return elu(alpha)
        if abs(alpha - SELU_ALPHA) < 1e-6 and abs(scale - SELU_SCALE) < 1e-6:
            return "selu"
    if plain == "celu" and given["alpha"] == 1:
        return "elu"
    if plain == "gelu":
        if given["approximate"] == "none":
            return "gelu"
        form = given["approximate"]
        raise refused(op, f'GELU(approximate="{form}") is another function; only the exact GELU is taken.')
    if plain == "softplus":
        if given["beta"] == 1 and given["threshold"] >= 20:
            return "softplus"
        raise refused(
            op,
            f"Softplus(beta={given['beta']}, threshold={given['threshold']}) is another function; beta=1 with a "
            "threshold of 20 or more is taken.",
        )
    if plain in ("clamp", "clamp_min") and _is(given["min"], 0) and given.get("max") is None:
        return "relu"
    if plain == "threshold" and _is(given["threshold"], 0) and _is(given["value"], 0):
        return "relu"
    raise refused(op)


def leaky_relu(slope: float) -> str:
    """Return the catalogue's name of a leaky ReLU."""
    return "relu" if slope == 0 else "leaky_relu" if slope == 0.01 else f"leaky_relu({slope!r})"


def elu(alpha: float) -> str:
    """Return the catalogue's name of an ELU."""
    return "elu" if alpha == 1 else f"elu({alpha!r})"


def _is(value: Any, number: float) -> bool:
    return isinstance(value, (int, float)) and value == number


def _softmax(chain: Chain, op: Operation) -> Chain:
    dim = op.given["dim"]
    if len(op.shape) != 2 or op.shape[0] != op.rows or dim not in (1, -1):
        raise refused(op, f"Softmax(dim={dim}) does not go over the units of a row; dim=1 or -1 does.")
    return chain.activated("softmax", op.place)


def _dense(chain: Chain, op: Operation, plain: str) -> Chain:
    given = op.given
    rows, matrix = {
        "linear": ("input", "weight"),
        "addmm": ("mat1", "mat2"),
        "mm": ("self", "mat2"),
        "matmul": ("self", "other"),
        "mv": ("self", "vec"),
    }[plain]
    if op.traced != rows or len(op.shape) != 2 or op.shape[0] != op.rows:
        raise refused(op, "Rows of examples must come from the left, and weights from the right.")
    if given.get("beta", 1) != 1 or given.get("alpha", 1) != 1:
        raise refused(op, "Its alpha and beta must be 1.")
    tensor = given[matrix]
    W = as_numpy(tensor, op.place)
    W = W.T if plain == "linear" else W[:, None] if W.ndim == 1 else W
    chain = chain.dense(
        W, op.place, trainable=bool(tensor.requires_grad), origin=(tensor.untyped_storage().data_ptr(), tuple(W.shape))
    )
    bias = given.get("bias") if plain == "linear" else given["self"] if plain == "addmm" else None
    if bias is None:
        return chain
    return chain.affine(1.0, _each_feature(bias, (op.rows, W.shape[1]), op), op.place, trainable=_trains(bias))


def _arithmetic(chain: Chain, op: Operation, plain: str) -> Chain:
    if plain == "neg":
        return chain.affine(-1.0, 0.0, op.place)
    other = op.given["other" if op.traced == "self" else "self"]
    number, alpha = _each_feature(other, op.shape, op), op.given.get("alpha", 1)
    if plain == "mul":
        return chain.affine(number, 0.0, op.place)
    if plain == "div":
        if op.traced != "self" or op.given.get("rounding_mode") is not None or not np.all(number):
            raise refused(op)
        return chain.affine(1 / number, 0.0, op.place)
    if plain == "add":
        scale, shift = (1.0, number * alpha) if op.traced == "self" else (alpha, number)
    else:  # sub is self - alpha other, rsub is other - alpha self
        plus = (op.traced == "self") == (plain == "sub")
        constant_scaled = op.traced == ("self" if plain == "sub" else "other")
        scale = (1.0 if plus else -1.0) * (1 if constant_scaled else alpha)
        shift = (-1.0 if plus else 1.0) * number * (alpha if constant_scaled else 1)
    return chain.affine(scale, shift, op.place, trainable=_trains(other))


def _batch_norm(chain: Chain, op: Operation) -> Chain:
    given = op.given
    mean, variance = given.get("running_mean"), given.get("running_var")
    if given.get("training") or mean is None or variance is None:
        raise refused(op, "It normalises by the mean and variance of the batch; only running ones are fixed numbers.")
    scale = 1 / np.sqrt(_each_feature(variance, op.shape, op) + float(given["eps"]))
    if given.get("weight") is not None:
        scale = scale * _each_feature(given["weight"], op.shape, op)
    shift = -_each_feature(mean, op.shape, op) * scale
    if given.get("bias") is not None:
        shift = shift + _each_feature(given["bias"], op.shape, op)
    return chain.affine(scale, shift, op.place)


def _each_feature(value: Any, shape: tuple[int, ...], op: Operation) -> np.ndarray:
    """A constant as one number, or one for each feature of rows of that shape."""
    array = np.asarray(as_numpy(value, op.place), np.float64)
    if array.size == 1 and array.ndim <= len(shape):
        return array.reshape(())
    if len(shape) == 2 and shape[0] == op.rows and array.shape in ((shape[1],), (1, shape[1])):
        return array.reshape(-1)
    raise refused(op, f"It computes with numbers of shape {array.shape}: one number, or one for each unit, is taken.")


def as_numpy(value: Any, place: str) -> np.ndarray:
    """Return a tensor's numbers, or a number, as an array."""
    if not hasattr(value, "detach"):
        return np.asarray(value)
    try:
        return np.array(value.detach().cpu().numpy())
    except (TypeError, RuntimeError) as error:
        raise UsageError(f"{place} has numbers that cannot be read ({value.dtype}, {value.layout}: {error}).") from None


def _trains(value: Any) -> bool:
    return bool(getattr(value, "requires_grad", False))
