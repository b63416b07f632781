"""The derivative of every activation and every loss, worked out rule by rule, and why it has its usual form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chainrule.core.catalogue import activation_named, loss_named
from chainrule.errors import UsageError
from chainrule.explaining.calculus import worked
from chainrule.explaining.expressions import (
    ONE,
    Equation,
    Expression,
    Function,
    Negative,
    Number,
    Product,
    Quotient,
    Sum,
    SumOver,
    Symbol,
    multiply,
    square,
    subtract,
)
from chainrule.explaining.formulas import activation_formula, exp, loss_formula
from chainrule.explaining.quantities import COST, Derivative, Quantity


def activation_equations(name: str) -> tuple[Equation, ...]:
    """Differentiate an activation function, one rule a line, down to its usual form.

    >>> [equation.rule for equation in activation_equations("exponential")]
    ['exponential, as a function of z', 'e^u is its own derivative', 'since a = e^z']
    """
    activation = activation_named(name)
    Z, A = _unit("z", ""), _unit("a", "")
    if activation.name == "softmax":
        return tuple(softmax_equations())
    formula = activation_formula(activation.name)
    if formula is None:
        raise UsageError(f'activation "{name}" is one of your own: there is no formula to differentiate.')
    value = _tanh(Symbol(Z)) if activation.name == "tanh" else formula.value(Symbol(Z))
    lines = [Equation(Symbol(A), (value,), f"{activation.name}, as a function of z")]
    left: Expression = Symbol(Derivative(A, Z))
    steps = worked(value, Z)
    lines += [Equation(left, (step.expression,), step.rule) for step in steps]
    usual = formula.slope(Symbol(Z), Symbol(A))
    if usual != steps[-1].expression:
        lines.append(Equation(left, (usual,), _why(activation.name)))
    return tuple(lines)


def loss_equations(name: str, error: str = "a-y") -> tuple[Equation, ...]:
    """Differentiate one output's part of a loss with respect to that output, one rule a line."""
    loss = loss_named(name)
    formula = loss_formula(loss.name, error)
    if formula is None:
        raise UsageError(f'loss "{name}" is one of your own: there is no formula to differentiate.')
    A, Y, Z = (Symbol(_unit(kind, "")) for kind in ("a", "y", "z"))
    if loss.name == "softmax_categorical_cross_entropy":
        return tuple(softmax_cross_entropy_equations())
    outputs = Symbol(Quantity("n"))
    front = formula.front(outputs)
    by = _unit("z" if formula.slope is None else "a", "")
    term = formula.term(Z, A, Y)
    whole = term if front is None else Product((front, term))
    left: Expression = Symbol(Derivative(COST, by))
    lines = [Equation(Symbol(COST), (whole,), f"{loss.name}, one output's part")]
    lines += [Equation(left, (step.expression,), step.rule) for step in worked(whole, by)]
    usual = (
        formula.slope(A, Y, outputs) if formula.slope is not None else formula.delta(A, Y) if formula.delta else None
    )
    if usual is not None and usual != lines[-1].sides[-1]:
        why = "since a is the activation of z" if formula.slope is None else "tidied up"
        lines.append(Equation(left, (usual,), why))
    if loss.name.partition("(")[0] in ("quantile", "absolute_error"):
        corner = "at a = y, where there is a corner and no derivative, the value is a convention"
        lines[-1] = replace(lines[-1], rule=f"{lines[-1].rule}; {corner}")
    return tuple(lines)


def softmax_equations() -> Iterator[Equation]:
    """Seed 004: the effect of z_i on s_i, and on s_k, by the quotient rule."""

    def A(k: str) -> Symbol:
        return Symbol(_unit("a", k))

    def Z(k: str) -> Symbol:
        return Symbol(_unit("z", k))

    total: Expression = Symbol(Quantity("total"))
    yield Equation(total, (SumOver("r", "1", "n", exp(Z("r"))),), "the sum of all exponentials")
    yield Equation(A("i"), (Quotient(exp(Z("i")), total),), "softmax")
    same = Symbol(Derivative(_unit("a", "i"), _unit("z", "i")))
    quotient = Quotient(subtract(multiply(exp(Z("i")), total), multiply(exp(Z("i")), exp(Z("i")))), square(total))
    one = Quotient(exp(Z("i")), total)
    sides: tuple[Expression, ...] = (
        quotient, subtract(one, square(one)), multiply(A("i"), subtract(ONE, A("i"))),
    )  # fmt: skip
    yield Equation(same, sides, "quotient rule; both the top and the sum hold z_i")
    other = Symbol(Derivative(_unit("a", "k"), _unit("z", "i")))
    sides = (
        Quotient(subtract(Number(0.0), multiply(exp(Z("i")), exp(Z("k")))), square(total)),
        Negative(multiply(A("k"), A("i"))),
    )
    yield Equation(other, sides, "quotient rule for k other than i: only the sum holds z_i")


def softmax_cross_entropy_equations() -> Iterator[Equation]:
    """C = sum y_k (ln of the sum of e^z - z_k), and its derivative a - y."""

    def one(kind: str, k: str) -> Symbol:
        return Symbol(_unit(kind, k))

    log_sum = Function("ln", SumOver("r", "1", "n", exp(one("z", "r"))))
    C = SumOver("k", "1", "n", multiply(one("y", "k"), subtract(log_sum, one("z", "k"))))
    yield Equation(Symbol(COST), (C,), "softmax and categorical cross-entropy in one")
    left = Symbol(Derivative(COST, _unit("z", "j")))
    quotient = Quotient(exp(one("z", "j")), SumOver("r", "1", "n", exp(one("z", "r"))))
    all_y = SumOver("k", "1", "n", one("y", "k"))
    yield Equation(
        left, (subtract(multiply(all_y, quotient), one("y", "j")),), "ln u has the derivative 1/u; chain rule"
    )
    yield Equation(left, (subtract(one("a", "j"), one("y", "j")),), "the quotient is a_j, and targets that sum to 1")


def _unit(kind: str, k: str) -> Quantity:
    """A unit of a layer that need not be named."""
    return Quantity(kind, None, (k,))


def _tanh(z_: Expression) -> Expression:
    """(e^z - e^-z) / (e^z + e^-z), which the quotient rule can take."""
    up, down = exp(z_), exp(Negative(z_))
    return Quotient(subtract(up, down), Sum((up, down)))


def _why(name: str) -> str:
    return {
        "logistic": "since a = 1 / (1 + e^-z), and so e^-z / (1 + e^-z) = 1 - a",
        "tanh": "divided out: the second quotient is a^2",
        "exponential": "since a = e^z",
        "softplus": "multiplied above and below by e^-z",
        "relu": "at z = 0, where there is a corner and no derivative, 0 is taken",
    }.get(name, "tidied up")
