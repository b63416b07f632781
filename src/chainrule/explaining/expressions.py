"""Expressions as immutable trees: what every derivation is made of, whatever notation shows it.

A leaf is a `Number` or a `Symbol` (a named quantity, with its value where there is one). Everything else combines
expressions. `evaluate` computes what a tree says; `with_values` puts the values in for the symbols.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from chainrule.explaining.quantities import Name


@dataclass(frozen=True)
class Number:
    """A number that stands in a formula."""

    value: float


@dataclass(frozen=True)
class Symbol:
    """A named quantity; its value is None in a derivation without numbers."""

    name: Name
    value: float | None = None


@dataclass(frozen=True)
class Sum:
    """Terms added; a `Negative` term is subtracted."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Product:
    """Factors multiplied."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Quotient:
    """One expression over another."""

    top: Expression
    bottom: Expression


@dataclass(frozen=True)
class Power:
    """A base and its exponent."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True)
class Negative:
    """Minus an expression."""

    of: Expression


@dataclass(frozen=True)
class Function:
    """A function of `FUNCTIONS` (exp, ln, tanh, ...), or f, sigma or g as a notation calls its activation."""

    name: str
    of: Expression
    value: float | None = None


@dataclass(frozen=True)
class Cases:
    """A formula in pieces: the first branch whose condition holds. Each is (condition, expression)."""

    branches: tuple[tuple[Condition, Expression], ...]
    otherwise: Expression


@dataclass(frozen=True)
class Condition:
    """left, a sign of "<", "<=", ">", ">=" or "=", right."""

    left: Expression
    sign: str
    right: Expression


@dataclass(frozen=True)
class Rest:
    """The terms of a long sum that are not shown: how many, and what they add up to."""

    count: int
    value: float


@dataclass(frozen=True)
class SumOver:
    """A sum over an index, in a derivation without numbers: sum over `index` from `first` to `last` of `term`."""

    index: str
    first: str
    last: str
    term: Expression


@dataclass(frozen=True)
class DerivativeOf:
    """The derivative of an expression that has not been worked out yet: d/d by (of)."""

    of: Expression
    by: Name


@dataclass(frozen=True)
class Matmul:
    """Matrices multiplied, in this order."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Hadamard:
    """Arrays multiplied element by element."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Transpose:
    """A matrix with its rows as columns."""

    of: Expression


@dataclass(frozen=True)
class Matrix:
    """A matrix written out; its entries may be matrices, which makes a tensor of more than two dimensions."""

    rows: tuple[tuple[Expression, ...], ...]


Expression = (
    Number | Symbol | Sum | Product | Quotient | Power | Negative | Function | Cases | Rest | SumOver | DerivativeOf
    | Matmul | Hadamard | Transpose | Matrix
)  # fmt: skip


@dataclass(frozen=True)
class Equation:
    """What stands on the left, what it equals one step after the other, and the rule that the first follows from."""

    left: Expression
    sides: tuple[Expression, ...]
    rule: str = ""


ONE, TWO, HALF = Number(1.0), Number(2.0), Quotient(Number(1.0), Number(2.0))

FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "exp": math.exp,
    "ln": lambda x: math.log(x) if x > 0 else -math.inf if x == 0 else math.nan,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "abs": abs,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
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


def add(*terms: Expression) -> Expression:
    """Return the sum of terms, without a sum around a single one."""
    return terms[0] if len(terms) == 1 else Sum(terms) if terms else Number(0.0)


def multiply(*factors: Expression) -> Expression:
    """Return the product of factors, products among them taken apart."""
    flat: list[Expression] = []
    for factor in factors:
        flat += factor.factors if isinstance(factor, Product) else [factor]
    return flat[0] if len(flat) == 1 else Product(tuple(flat)) if flat else ONE


def subtract(left: Expression, right: Expression) -> Expression:
    """Return left - right."""
    return Sum((left, Negative(right)))


def square(base: Expression) -> Expression:
    """Return base^2."""
    return Power(base, TWO)


def minus_outside(e: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Apply a change, and leave a minus in front where it stands there."""
    return Negative(change(e.of)) if isinstance(e, Negative) else change(e)


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
            return float(evaluate(e.base) ** evaluate(e.exponent))
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
    return math.fsum(map(evaluate, e.terms))


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
    try:
        return FUNCTIONS[e.name](evaluate(e.of))
    except OverflowError:
        return math.inf


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
