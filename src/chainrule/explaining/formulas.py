"""The formula of every activation and loss as an expression, and the closed form of its derivative beside it.

`equations.py` computes; these say what it computed. A test evaluates each against the engine. An activation or a loss
of the user's own has no formula: it is written f(z) and f'(z), with the values that were computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chainrule.core import equations as eq
from chainrule.core.catalogue import head_and_numbers
from chainrule.explaining.expressions import (
    HALF,
    ONE,
    Cases,
    Condition,
    Expression,
    Function,
    Negative,
    Number,
    Quotient,
    Sum,
    Symbol,
    add,
    multiply,
    square,
    subtract,
)

E = Expression


@dataclass(frozen=True)
class ActivationFormula:
    """a = value(z), and the slope da/dz, which may be written with z or with a."""

    value: Callable[[E], E]
    slope: Callable[[E, E], E]


def exp(x: E) -> E:
    """e^x."""
    return Function("exp", x)


LARGE = 600.0  # e to a larger power, or to minus it, is near the end of what a float can hold


def logistic(z: E) -> E:
    """1 / (1 + e^-z), or e^z / (1 + e^z) for a z so low that e^-z is no float."""
    if _known(z) < -LARGE:
        return Quotient(exp(z), Sum((ONE, exp(z))))
    return Quotient(ONE, Sum((ONE, exp(Negative(z)))))


def softplus(z: E) -> E:
    """ln(1 + e^z), or z + ln(1 + e^-z) for a z so high that e^z is no float."""
    if _known(z) > LARGE:
        return Sum((z, Function("ln", Sum((ONE, exp(Negative(z)))))))
    return Function("ln", Sum((ONE, exp(z))))


def _known(z: E) -> float:
    """The value of z where it is known, else 0."""
    return (z.value or 0.0) if isinstance(z, (Symbol, Number)) else 0.0


def above_0(z: E, then: E, otherwise: E) -> E:
    """A formula in two pieces, for z above 0 and for the rest."""
    return Cases(((Condition(z, ">", Number(0.0)), then),), otherwise)


def _elu(alpha: float, scale: float = 1.0) -> ActivationFormula:
    steep, curve = Number(scale), Number(scale * alpha)

    def scaled(factor: Number, e: E) -> E:
        return e if factor.value == 1 else multiply(factor, e)

    return ActivationFormula(
        lambda z: above_0(z, scaled(steep, z), scaled(curve, Sum((exp(z), Negative(ONE))))),
        lambda z, a: above_0(z, steep, scaled(curve, exp(z))),
    )


def _leaky_relu(slope: float) -> ActivationFormula:
    s = Number(slope)
    return ActivationFormula(lambda z: above_0(z, z, multiply(s, z)), lambda z, a: above_0(z, ONE, s))


def activation_formula(name: str) -> ActivationFormula | None:
    """Return the formula of an activation by name, None for one of the user's own and for softmax.

    >>> from chainrule.explaining.trees import evaluate
    >>> round(evaluate(activation_formula("logistic").value(Number(1.3))), 6)
    0.785835
    """
    head, numbers = head_and_numbers("activation", name)
    if head == "leaky_relu":
        return _leaky_relu((*numbers, 0.01)[0])
    if head == "elu":
        return _elu((*numbers, 1.0)[0])
    return _ACTIVATIONS.get(head)


_ACTIVATIONS: Mapping[str, ActivationFormula] = {
    "identity": ActivationFormula(lambda z: z, lambda z, a: ONE),
    "step": ActivationFormula(
        lambda z: Cases(((Condition(z, ">=", Number(0.0)), ONE),), Number(0.0)), lambda z, a: Number(0.0)
    ),
    "logistic": ActivationFormula(logistic, lambda z, a: multiply(a, subtract(ONE, a))),
    "tanh": ActivationFormula(lambda z: Function("tanh", z), lambda z, a: subtract(ONE, square(a))),
    "relu": ActivationFormula(
        lambda z: Cases(((Condition(z, "<", Number(0.0)), Number(0.0)),), z),
        lambda z, a: Cases(((Condition(z, "<=", Number(0.0)), Number(0.0)),), ONE),
    ),
    "selu": _elu(eq.SELU_ALPHA, eq.SELU_SCALE),
    "gelu": ActivationFormula(
        lambda z: multiply(z, Function("Phi", z)),
        lambda z, a: Sum((Function("Phi", z), multiply(z, Function("phi", z)))),
    ),
    "silu": ActivationFormula(
        lambda z: multiply(z, logistic(z)),
        lambda z, a: multiply(logistic(z), Sum((ONE, multiply(z, subtract(ONE, logistic(z)))))),
    ),
    "softplus": ActivationFormula(softplus, lambda z, a: logistic(z)),
    "exponential": ActivationFormula(exp, lambda z, a: a),
}


def softmax_slope(a_k: E, a_j: E, same: bool) -> E:
    """ds_k/dz_j = s_k (1 - s_k) for k = j, and -s_k s_j otherwise (seed 004)."""
    return multiply(a_k, subtract(ONE, a_k)) if same else Negative(multiply(a_k, a_j))


@dataclass(frozen=True)
class LossFormula:
    """C = front * sum over the outputs of term(a, y); dC/da = slope(a, y, number of outputs).

    A fused loss has terms in z as well, and `delta` = dC/dz in place of the slope.
    """

    term: Callable[[E, E, E], E]
    slope: Callable[[E, E, int | E], E] | None = None
    front: Callable[[int | E], E | None] = lambda n: None
    delta: Callable[[E, E], E] | None = None


def loss_formula(name: str, error: str = "a-y") -> LossFormula | None:
    """Return the formula of a loss by name, None for one of the user's own.

    Parameters
    ----------
    name : str
    error : "a-y" or "y-a"
        Which way the error is written; y - a leaves a minus in front of its derivative.
    """
    head, numbers = head_and_numbers("loss", name)
    q, width = (*numbers, 0.5)[0], (*numbers, 1.0)[0]
    turned = error == "y-a"

    def err(a: E, y: E) -> E:
        return subtract(y, a) if turned else subtract(a, y)

    def back(slope: E) -> E:
        return Negative(slope) if turned else slope

    def odd(function: Callable[[E], E]) -> Callable[[E, E, int | E], E]:
        """The slope of a loss of the error: an odd function of it."""
        return lambda a, y, n: back(function(err(a, y)))

    w = Number(width)
    made: dict[str, Callable[[], LossFormula]] = {
        "half_squared_error": lambda: LossFormula(
            lambda z, a, y: square(err(a, y)), odd(lambda e: e), lambda n: HALF
        ),
        "sum_of_squares": lambda: LossFormula(
            lambda z, a, y: square(err(a, y)), odd(lambda e: multiply(Number(2.0), e))
        ),
        "mean_of_squares": lambda: LossFormula(
            lambda z, a, y: square(err(a, y)),
            lambda a, y, n: back(multiply(_over_n(2.0, n), err(a, y))),
            lambda n: None if n == 1 else _over_n(1.0, n),
        ),
        "absolute_error": lambda: LossFormula(
            lambda z, a, y: Function("abs", err(a, y)), odd(lambda e: Function("sign", e))
        ),
        "huber": lambda: LossFormula(
            lambda z, a, y: _within(
                err(a, y), w, multiply(HALF, square(err(a, y))),
                multiply(w, subtract(Function("abs", err(a, y)), Number(width / 2))),
            ),
            odd(lambda e: _within(e, w, e, multiply(w, Function("sign", e)))),
        ),
        "quantile": lambda: LossFormula(
            lambda z, a, y: Cases(
                ((Condition(a, ">=", y), multiply(Number(1 - q), subtract(a, y))),),
                multiply(Number(q), subtract(y, a)),
            ),
            lambda a, y, n: Cases(
                ((Condition(a, ">", y), Number(1 - q)), (Condition(a, "<", y), Number(-q))), Number(0.0)
            ),
        ),
        "poisson": lambda: LossFormula(
            lambda z, a, y: _difference(a, _times_ln(y, a)), lambda a, y, n: _difference(ONE, _over(y, a))
        ),
        "binary_cross_entropy": lambda: LossFormula(
            lambda z, a, y: _total(_times_ln(y, a), _times_ln(subtract(ONE, y), subtract(ONE, a))),
            lambda a, y, n: _difference(_over(subtract(ONE, y), subtract(ONE, a)), _over(y, a)),
            lambda n: Number(-1.0),
        ),
        "categorical_cross_entropy": lambda: LossFormula(
            lambda z, a, y: _times_ln(y, a),
            lambda a, y, n: _difference(Number(0.0), _over(y, a)),
            lambda n: Number(-1.0),
        ),
        "logistic_binary_cross_entropy": lambda: LossFormula(
            lambda z, a, y: subtract(softplus(z), multiply(y, z)),
            delta=lambda a, y: back(err(a, y)),
        ),
        "softmax_categorical_cross_entropy": lambda: LossFormula(
            lambda z, a, y: z, delta=lambda a, y: back(err(a, y))
        ),
        "perceptron_criterion": lambda: LossFormula(
            lambda z, a, y: multiply(subtract(a, y), z), delta=lambda a, y: back(err(a, y))
        ),
    }  # fmt: skip
    return made[head]() if head in made else None


def _within(e: E, width: E, then: E, otherwise: E) -> E:
    return Cases(((Condition(Function("abs", e), "<=", width), then),), otherwise)


def _is_0(e: E) -> bool:
    """Whether a target, or 1 - target, is known to be 0: then y ln a is 0 even where ln a is not there."""
    match e:
        case Symbol():
            return e.value == 0
        case Sum((Number(one), Negative(Symbol(_, value)))):
            return value is not None and one - value == 0
    return False


def _times_ln(y: E, a: E) -> E:
    return Number(0.0) if _is_0(y) else multiply(y, Function("ln", a))


def _over(y: E, a: E) -> E:
    return Number(0.0) if _is_0(y) else Quotient(y, a)


def _over_n(value: float, n: int | E) -> E:
    """A number over the number of outputs, which may be a symbol."""
    if n == 1:
        return Number(value)
    return Quotient(Number(value), Number(float(n)) if isinstance(n, int) else n)


def _total(left: E, right: E) -> E:
    """A sum without a 0."""
    nothing = Number(0.0)
    return right if left == nothing else left if right == nothing else add(left, right)


def _difference(left: E, right: E) -> E:
    """A difference without a 0."""
    nothing = Number(0.0)
    return Negative(right) if left == nothing else left if right == nothing else subtract(left, right)
