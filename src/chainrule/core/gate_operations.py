"""The kinds of gates: the value of each, and its local derivatives, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chainrule.errors import UsageError


@dataclass(frozen=True)
class Operation:
    """A kind of gate: its value, and its derivative with respect to each input.

    Attributes
    ----------
    name, symbol : str
    value : callable (*inputs) -> float
    locals : callable (value, *inputs) -> tuple of float
        The local derivatives, one an input.
    """

    name: str
    symbol: str
    value: Callable[..., float]
    locals: Callable[..., tuple[float, ...]]


def _logistic(x: float) -> float:
    e = math.exp(-abs(x))
    return 1 / (1 + e) if x >= 0 else e / (1 + e)


def _tanh_local(x: float) -> float:
    """1 - tanh^2 as 4 e^-2|x| / (1 + e^-2|x|)^2, which is there where the difference is rounded to 0."""
    e = math.exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _normal_density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _power_locals(v: float, a: float, b: float) -> tuple[float, float]:
    """b a^(b-1), and a^b ln a, which is only there for a > 0, and 0 at a = 0 with b > 0."""
    by_b = v * math.log(a) if a > 0 else 0.0 if a == 0 and b > 0 else math.nan
    return _power_local(a, b), by_b


def _power_local(a: float, b: float) -> float:
    """b a^(b-1), NaN where it is not there."""
    try:
        return b * a ** (b - 1) if b else 0.0
    except (ZeroDivisionError, OverflowError):
        return math.nan


def _chosen_locals(v: float, *x: float) -> tuple[float, ...]:
    """1 for the input that was chosen, 0 for the others; of equals the first."""
    chosen = x.index(v)
    return tuple(float(i == chosen) for i in range(len(x)))


# Value and local derivatives side by side: v is the value, a and b are the inputs.
OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("add", "+", lambda *x: math.fsum(x), lambda v, *x: (1.0,) * len(x)),
        Operation("subtract", "−", lambda a, b: a - b, lambda v, a, b: (1.0, -1.0)),
        Operation("multiply", "×", lambda a, b: a * b, lambda v, a, b: (b, a)),
        Operation("divide", "÷", lambda a, b: a / b, lambda v, a, b: (1 / b, -v / b)),
        Operation("power", "^", lambda a, b: a**b, _power_locals),
        Operation("negate", "−", lambda a: -a, lambda v, a: (-1.0,)),
        Operation("reciprocal", "1/x", lambda a: 1 / a, lambda v, a: (-v * v,)),
        Operation("exp", "exp", math.exp, lambda v, a: (v,)),
        Operation("log", "ln", lambda a: math.log(a), lambda v, a: (1 / a,)),
        Operation("sqrt", "√", math.sqrt, lambda v, a: (0.5 / v,)),
        Operation("abs", "|x|", abs, lambda v, a: (math.copysign(1.0, a) if a else 0.0,)),
        Operation("max", "max", max, _chosen_locals),
        Operation("min", "min", min, _chosen_locals),
        Operation("sigmoid", "σ", _logistic, lambda v, a: (v * _logistic(-a),)),
        Operation("tanh", "tanh", math.tanh, lambda v, a: (_tanh_local(a),)),
        Operation("relu", "relu", lambda a: max(a, 0.0), lambda v, a: (float(a > 0),)),
        Operation("softplus", "softplus", lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))),
                  lambda v, a: (_logistic(a),)),
        Operation("step", "step", lambda a: float(a >= 0), lambda v, a: (0.0,)),
        Operation("normal_cdf", "Φ", _normal_cdf, lambda v, a: (_normal_density(a),)),
        Operation("sin", "sin", math.sin, lambda v, a: (math.cos(a),)),
        Operation("cos", "cos", math.cos, lambda v, a: (-math.sin(a),)),
    )
}  # fmt: skip


_RAISED = str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹")


def constant_power(b: float) -> Operation:
    """x^b for a number b, which is no input: nothing flows back to it."""
    symbol = "x" + f"{b:g}".translate(_RAISED)
    return Operation(f"power {b:g}", symbol, lambda a: a**b, lambda v, a: (_power_local(a, b),))


def computed(operation: Operation, inputs: list[float]) -> float:
    """Return the value of an operation.

    Raises
    ------
    UsageError
        If there is none, it is not real or not finite, or the operation takes another number of inputs.
    """
    received = ", ".join(f"{x:g}" for x in inputs)
    try:
        value = operation.value(*inputs)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise UsageError(f"gate {operation.name} has no value at {received} ({error}).") from None
    except TypeError as error:
        raise UsageError(f"gate {operation.name} does not take {len(inputs)} inputs ({error}).") from None
    if isinstance(value, complex):
        raise UsageError(f"gate {operation.name} has no real value at {received}.")
    if not math.isfinite(value):
        raise UsageError(f"gate {operation.name} has no finite value at {received}.")
    return float(value)


def local_derivatives(operation: Operation, value: float, inputs: list[float]) -> tuple[float, ...]:
    """Return the local derivatives of an operation, one an input; NaN or infinite for one that is not there."""
    try:
        return operation.locals(value, *inputs)
    except (ValueError, ZeroDivisionError, OverflowError):
        return (math.nan,) * len(inputs)
