"""Expressions as immutable trees: what every derivation is made of, whatever notation shows it.

A leaf is a `Number` or a `Symbol` (a named quantity, with its value where there is one). Everything else combines
expressions. `trees` evaluates them and puts values in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
