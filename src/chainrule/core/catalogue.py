"""The equations by name: what `activation="tanh"` and `loss="huber(0.5)"` mean, and your own beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf, isfinite
from typing import Any

from chainrule.core import curvatures as cv
from chainrule.core import equations as eq
from chainrule.core.arrays import Array
from chainrule.core.loss_names import own_name
from chainrule.errors import UsageError, unknown_name


@dataclass(frozen=True)
class Activation:
    """An activation function: its value and its pullback.

    Parameters
    ----------
    name : str
        How it is called in plans, reports and model files.
    value : callable (Z) -> A
        Arrays of shape (N, n).
    pullback : callable (Z, A, dC_dA) -> dC_dZ
        The link of the chain rule; it may use Z, not only A. All of shape (N, n).
    range : (float, float)
        The values it can approach; `chainrule check` compares targets with it.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> square = cr.Activation("square", lambda Z: Z * Z, lambda Z, A, dC_dA: dC_dA * 2 * Z, range=(0, float("inf")))
    >>> net = cr.Network.dense([2, 3, 1], activation=[square, "identity"], seed=0)
    >>> cr.check_gradients(net, np.ones((4, 2)), np.zeros((4, 1))).passed
    True
    """

    name: str
    value: Callable[[Array], Array] = field(compare=False)
    pullback: Callable[[Array, Array, Array], Array] = field(compare=False)
    range: tuple[float, float] = (-inf, inf)


@dataclass(frozen=True)
class Loss:
    """A loss: the cost of each example, and its derivative with respect to the outputs.

    Parameters
    ----------
    name : str
        How it is called.
    value : callable (A, Y) -> C
        Outputs and targets of shape (N, n) to costs of shape (N,).
    pullback : callable (A, Y) -> dC_dA
        Shape (N, n), per example, without any factor of the batch.
    curvature : callable (A, Y) -> d2C_dA2, optional
        Shape (N, n, n), per example; only solver="lm" asks for it.
    """

    name: str
    value: Callable[[Array, Array], Array] = field(compare=False)
    pullback: Callable[[Array, Array], Array] = field(compare=False)
    curvature: Callable[[Array, Array], Array] | None = field(compare=False, default=None)

    def cost(self, Z: Array, A: Array, Y: Array) -> Array:
        """Return the cost of each example, shape (N,)."""
        return self.value(A, Y)


@dataclass(frozen=True)
class FusedLoss:
    """An output activation and a loss as one equation, from Z to C and straight back to delta.

    Parameters
    ----------
    name : str
        How it is called; it is chosen by this name only, never put in silently for an activation and a loss.
    activation : str
        The output activation that it contains; the network's last layer must have it.
    value : callable (Z, Y) -> C
    delta : callable (Z, A, Y) -> dC_dZ
    curvature : callable (Z, A, Y) -> d2C_dZ2, optional
        Shape (N, n, n), per example; only solver="lm" asks for it.
    """

    name: str
    activation: str
    value: Callable[[Array, Array], Array] = field(compare=False)
    delta: Callable[[Array, Array, Array], Array] = field(compare=False)
    curvature: Callable[[Array, Array, Array], Array] | None = field(compare=False, default=None)

    def cost(self, Z: Array, A: Array, Y: Array) -> Array:
        """Return the cost of each example, shape (N,)."""
        return self.value(Z, Y)


def _leaky_relu(slope: float = 0.01) -> Activation:
    forward, back = partial(eq.leaky_relu, slope=slope), partial(eq.leaky_relu_pullback, slope=slope)
    return Activation("leaky_relu", forward, back)


def _elu(alpha: float = 1.0) -> Activation:
    forward, back = partial(eq.elu, alpha=alpha), partial(eq.elu_pullback, alpha=alpha)
    return Activation("elu", forward, back, range=(-alpha, inf))


def _huber(width: float = 1.0) -> Loss:
    if not width > 0:
        raise UsageError(f"huber(width) needs a width above 0; received {width}.")
    value, back, curvature = eq.huber, eq.huber_pullback, cv.huber_curvature
    return Loss("huber", partial(value, width=width), partial(back, width=width), partial(curvature, width=width))


def _quantile(q: float = 0.5) -> Loss:
    if not 0 < q < 1:
        raise UsageError(f"quantile(q) needs q between 0 and 1, such as 0.9; received {q}.")
    return Loss("quantile", partial(eq.quantile, q=q), partial(eq.quantile_pullback, q=q))


_SELU_FLOOR = -eq.SELU_ALPHA * eq.SELU_SCALE

ACTIVATIONS: Mapping[str, Callable[..., Activation]] = {
    "identity": lambda: Activation("identity", eq.identity, eq.identity_pullback),
    "step": lambda: Activation("step", eq.step, eq.step_pullback, (0, 1)),
    "logistic": lambda: Activation("logistic", eq.logistic, eq.logistic_pullback, (0, 1)),
    "tanh": lambda: Activation("tanh", eq.tanh, eq.tanh_pullback, (-1, 1)),
    "relu": lambda: Activation("relu", eq.relu, eq.relu_pullback, (0, inf)),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": lambda: Activation("selu", eq.selu, eq.selu_pullback, (_SELU_FLOOR, inf)),
    "gelu": lambda: Activation("gelu", eq.gelu, eq.gelu_pullback, (-0.17, inf)),
    "silu": lambda: Activation("silu", eq.silu, eq.silu_pullback, (-0.2785, inf)),
    "softplus": lambda: Activation("softplus", eq.softplus, eq.softplus_pullback, (0, inf)),
    "exponential": lambda: Activation("exponential", eq.exponential, eq.exponential_pullback, (0, inf)),
    "softmax": lambda: Activation("softmax", eq.softmax, eq.softmax_pullback, (0, 1)),
}

LOSSES: Mapping[str, Callable[..., Loss | FusedLoss]] = {
    "half_squared_error": lambda: Loss(
        "half_squared_error", eq.half_squared_error, eq.half_squared_error_pullback, cv.half_squared_error_curvature
    ),
    "sum_of_squares": lambda: Loss(
        "sum_of_squares", eq.sum_of_squares, eq.sum_of_squares_pullback, cv.sum_of_squares_curvature
    ),
    "mean_of_squares": lambda: Loss(
        "mean_of_squares", eq.mean_of_squares, eq.mean_of_squares_pullback, cv.mean_of_squares_curvature
    ),
    "absolute_error": lambda: Loss("absolute_error", eq.absolute_error, eq.absolute_error_pullback),
    "huber": _huber,
    "quantile": _quantile,
    "poisson": lambda: Loss("poisson", eq.poisson, eq.poisson_pullback, cv.poisson_curvature),
    "binary_cross_entropy": lambda: Loss(
        "binary_cross_entropy",
        eq.binary_cross_entropy,
        eq.binary_cross_entropy_pullback,
        cv.binary_cross_entropy_curvature,
    ),
    "categorical_cross_entropy": lambda: Loss(
        "categorical_cross_entropy",
        eq.categorical_cross_entropy,
        eq.categorical_cross_entropy_pullback,
        cv.categorical_cross_entropy_curvature,
    ),
    "logistic_binary_cross_entropy": lambda: FusedLoss(
        "logistic_binary_cross_entropy",
        "logistic",
        eq.logistic_binary_cross_entropy,
        eq.logistic_binary_cross_entropy_delta,
        cv.logistic_binary_cross_entropy_curvature,
    ),
    "softmax_categorical_cross_entropy": lambda: FusedLoss(
        "softmax_categorical_cross_entropy",
        "softmax",
        eq.softmax_categorical_cross_entropy,
        eq.softmax_categorical_cross_entropy_delta,
        cv.softmax_categorical_cross_entropy_curvature,
    ),
    "perceptron_criterion": lambda: FusedLoss(
        "perceptron_criterion",
        "step",
        eq.perceptron_criterion,
        eq.perceptron_criterion_delta,
    ),
}


def activation_named(name: str | Activation) -> Activation:
    """Return the activation of that name; `leaky_relu(0.2)` and `elu(0.5)` take their parameter in parentheses.

    >>> activation_named("leaky_relu(0.2)").name
    'leaky_relu(0.2)'
    """
    return name if isinstance(name, Activation) else made_by_name("activation", ACTIVATIONS, name)


def loss_named(name: str | Loss | FusedLoss) -> Loss | FusedLoss:
    """Return the loss of that name; `huber(0.5)` and `quantile(0.9)` take their parameter in parentheses.

    >>> loss_named("quantile(0.9)").name, loss_named("mse").name
    ('quantile(0.9)', 'mean_of_squares')
    """
    if isinstance(name, (Loss, FusedLoss)):
        return name
    made: Loss | FusedLoss = made_by_name("loss", LOSSES, own_name(name) if isinstance(name, str) else name)
    return made


def is_of_the_catalogue(loss: Loss | FusedLoss) -> bool:
    """Whether a loss is one of ours, and not one of your own that has such a name.

    >>> huber = loss_named("huber(2)")
    >>> is_of_the_catalogue(huber), is_of_the_catalogue(Loss("huber(2)", lambda A, Y: abs(A - Y), huber.pullback))
    (True, False)
    """
    try:
        ours = loss_named(loss.name)
    except UsageError:
        return False
    return bool(_equation(ours.value) == _equation(loss.value))


def _equation(value: Any) -> Any:
    """What tells one equation from another: the function, and the numbers it has by its name."""
    return (value.func, value.args, value.keywords) if isinstance(value, partial) else value


def head_and_numbers(kind: str, text: str) -> tuple[str, tuple[float, ...]]:
    """Split `step(50, 0.5)` into its name and its numbers.

    >>> head_and_numbers("schedule", "step(50, 0.5)")
    ('step', (50.0, 0.5))
    """
    if not isinstance(text, str):
        raise UsageError(f"{kind} must be a name; received {text!r}.")
    head, parenthesis, rest = text.strip().partition("(")
    if not parenthesis:
        return head, ()
    try:
        if not rest.endswith(")"):
            raise ValueError
        numbers = tuple(float(part) for part in rest[:-1].split(",") if part.strip())
        if not all(isfinite(number) for number in numbers):
            raise ValueError
    except ValueError:
        raise UsageError(
            f'{kind} "{text}" cannot be read. Write a name, or a name with numbers, as in {head}(0.5).'
        ) from None
    return head, numbers


def made_by_name(kind: str, makers: Mapping[str, Callable[..., Any]], name: Any) -> Any:
    """Make the entry of a catalogue that `name` describes, with the numbers kept in its name.

    Raises
    ------
    UsageError
        If the name is unknown, or its numbers are too many or out of range.
    """
    if not isinstance(name, str):
        raise UsageError(f"{kind} must be a name or an object of that kind; received {name!r}.")
    head, numbers = head_and_numbers(kind, name)
    if head not in makers:
        raise unknown_name(kind, head, makers)
    try:
        made = makers[head](*numbers)
    except TypeError:
        raise UsageError(f'{kind} "{name}": {head} does not take {len(numbers)} numbers.') from None
    if not numbers:
        return made
    exact = ",".join(repr(number).removesuffix(".0") for number in numbers)  # a model file keeps only the name
    exact_name = f"{head}({exact})"
    return made._replace(name=exact_name) if hasattr(made, "_replace") else replace(made, name=exact_name)
