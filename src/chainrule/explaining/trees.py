"""What is done with expressions: evaluate them, put values or other expressions in, walk through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from chainrule.explaining.expressions import (
    Cases,
    Condition,
    DerivativeOf,
    Expression,
    Function,
    Hadamard,
    Matmul,
    Matrix,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    SumOver,
    Symbol,
    Transpose,
)
from chainrule.explaining.formulas import activation_formula

FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "exp": math.exp,
    "ln": lambda x: math.log(x) if x > 0 else -math.inf if x == 0 else math.nan,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "abs": abs,
    "sign": lambda x: math.copysign(1.0, x) if x and not math.isnan(x) else x + 0.0,
    "Phi": lambda x: 0.5 * math.erfc(-x / math.sqrt(2)),
    "phi": lambda x: math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
}
_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
}


def evaluate(expression: Expression) -> float:
    """Compute what a tree says from the values of its symbols.

    Examples
    --------
    >>> evaluate(Product((Number(3.0), Sum((Number(1.0), Negative(Number(0.5)))))))
    1.5
    """
    e = expression
    match e:
        case Number() | Rest():
            return e.value
        case Symbol():
            if e.value is None:
                raise ValueError(f"{e.name} has no value in this derivation")
            return e.value
        case Sum():
            return _sum(e)
        case Product():
            return math.prod(map(evaluate, e.factors))
        case Quotient():
            return _divided(evaluate(e.top), evaluate(e.bottom))
        case Power():
            return _power(evaluate(e.base), evaluate(e.exponent))
        case Negative():
            return -evaluate(e.of)
        case Function():
            return _function(e) if e.value is None else e.value
        case Cases():
            return evaluate(branch_taken(e))
    raise ValueError(f"{type(e).__name__} stands in derivations without numbers and has no value")


def _sum(e: Sum) -> float:
    """e^x - 1 is computed as one: for small x the difference would lose what is left of e^x."""
    match e.terms:
        case (Function("exp", x), Negative(Number(1.0))):
            return math.expm1(evaluate(x))
    terms = list(map(evaluate, e.terms))
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):  # beyond floats, or infinities of both signs: as floats have it
        return sum(terms)


def _divided(top: float, bottom: float) -> float:
    """A quotient as NumPy has it: infinite or not a number where the bottom is 0."""
    if bottom:
        return top / bottom
    return math.nan if top == 0 or math.isnan(top) else math.copysign(math.inf, top) * math.copysign(1.0, bottom)


def _function(e: Function) -> float:
    """ln(1 + x) is computed as one, and e^x may be infinite."""
    match e:
        case Function("ln", Sum((Number(1.0), x))):
            inner = evaluate(x)
            return math.log1p(inner) if inner > -1 else -math.inf if inner == -1 else math.nan
    if e.name not in FUNCTIONS and (activation := activation_formula(e.name)) is not None:
        return evaluate(activation.value(Number(evaluate(e.of))))
    at = evaluate(e.of)
    try:
        return FUNCTIONS[e.name](at)
    except OverflowError:
        return -math.inf if e.name == "sinh" and at < 0 else math.inf
    except ValueError:  # the root of a negative number, the sine of infinity
        return math.nan


def _power(base: float, exponent: float) -> float:
    """A power as NumPy has it: infinite where it is too large, not a number where there is no real one."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan


def holds(condition: Condition) -> bool:
    """Whether a condition is true for the values of its symbols."""
    return _HOLDS[condition.sign](evaluate(condition.left), evaluate(condition.right))


def branch_taken(cases: Cases) -> Expression:
    """The branch of a formula in pieces that holds."""
    return next((branch for condition, branch in cases.branches if holds(condition)), cases.otherwise)


def parts(expression: Expression) -> tuple[Expression, ...]:
    """The expressions that one is made of."""
    e = expression
    match e:
        case Sum():
            return e.terms
        case Product() | Matmul() | Hadamard():
            return e.factors
        case Quotient():
            return e.top, e.bottom
        case Power():
            return e.base, e.exponent
        case Negative() | Function() | DerivativeOf() | Transpose():
            return (e.of,)
        case Matrix():
            return tuple(entry for row in e.rows for entry in row)
        case Cases():
            sides = [side for condition, branch in e.branches for side in (condition.left, condition.right, branch)]
            return (*sides, e.otherwise)
        case SumOver():
            return (e.term,)
        case _:
            return ()


def rebuilt(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return the expression with `change` applied to each of its parts."""
    e = expression
    match e:
        case Sum():
            return replace(e, terms=tuple(map(change, e.terms)))
        case Product() | Matmul() | Hadamard():
            return replace(e, factors=tuple(map(change, e.factors)))
        case DerivativeOf() | Transpose():
            return replace(e, of=change(e.of))
        case Matrix():
            return Matrix(tuple(tuple(map(change, row)) for row in e.rows))
        case Quotient():
            return Quotient(change(e.top), change(e.bottom))
        case Power():
            return Power(change(e.base), change(e.exponent))
        case Negative():
            return Negative(change(e.of))
        case Function():
            return replace(e, of=change(e.of))
        case Cases():
            branches = tuple(
                (Condition(change(condition.left), condition.sign, change(condition.right)), change(branch))
                for condition, branch in e.branches
            )
            return Cases(branches, change(e.otherwise))
        case SumOver():
            return replace(e, term=change(e.term))
        case _:
            return e


def with_values(expression: Expression) -> Expression:
    """Put the values in for the symbols; of a formula in pieces keep the branch that holds."""
    match expression:
        case Symbol():
            return Number(evaluate(expression))
        case Cases():
            return with_values(branch_taken(expression))
        case Function("exp", Negative(Symbol(_, float(value)))):  # e^-z of a z below 0
            return replace(expression, of=Number(-value) if value < 0 else Negative(Number(value)))
        case _:
            return rebuilt(expression, with_values)


def substituted(expression: Expression, by: Callable[[Symbol], Expression]) -> Expression:
    """Put an expression in for each symbol."""
    if isinstance(expression, Symbol):
        return by(expression)
    return rebuilt(expression, lambda part: substituted(part, by))


def symbols(expression: Expression) -> Iterator[Symbol]:
    """Every symbol of a tree, from left to right, as often as it stands there."""
    if isinstance(expression, Symbol):
        yield expression
    for part in parts(expression):
        yield from symbols(part)
