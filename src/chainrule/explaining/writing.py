"""One walk over a tree decides what needs parentheses; what the pieces look like is for each form to say."""

from __future__ import annotations

import math

from chainrule.explaining.expressions import (
    Cases,
    DerivativeOf,
    Equation,
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
from chainrule.explaining.naming import Applied, Fraction, Naming, Shown
from chainrule.explaining.trees import evaluate, symbols
from chainrule.numerals import MINUS

# How tightly a piece holds together. A slanted fraction is a name such as ∂C/∂a on a line of text.
SUM, NEGATIVE, ELEMENTWISE, PRODUCT, SLANTED, POWER, ATOM = range(7)


class Writer:
    """Walks a tree; what the pieces look like is for its subclasses to say."""

    drawn = True  # fractions with a bar and formulas in pieces with a brace need parentheses only below an exponent

    def __init__(self, naming: Naming, digits: int | None) -> None:
        self.naming, self.digits = naming, digits

    def write(self, e: Expression, at_least: int = SUM) -> str:
        """Write an expression, in parentheses if it holds together less than is needed."""
        written, holds = self._walk(e)
        return self.parentheses(written) if holds < at_least else written

    def _walk(self, e: Expression) -> tuple[str, int]:
        match e:
            case Number():
                return self._number(e.value)
            case Symbol():
                shown = self.naming.show(e.name)
                return self.shown(shown), self._name_holds(shown)
            case Sum():
                return self._sum(e), SUM
            case Product():
                return self._product(e), PRODUCT
            case Quotient():
                return self._quotient(e)
            case Power():
                return self.power(self.write(e.base, ATOM), e.exponent), POWER
            case Negative(Number(value)) if value == 0:
                return self._number(0.0)
            case Negative():
                return self.minus() + self.write(e.of, ATOM if _starts_with_0(e.of) else ELEMENTWISE), NEGATIVE
            case Function():
                return self._function(e)
            case Cases():
                return self.cases(e), POWER if self.drawn else ATOM
            case Rest():
                return self.rest(f"{e.count:,} more", self._number(e.value)[0]), ATOM
            case SumOver():
                return self.sum_over(e), NEGATIVE
            case DerivativeOf():
                return self.derivative_of(e), PRODUCT
            case Matmul():
                least = PRODUCT if self.drawn else POWER
                return self.between("@").join(self.write(f, least) for f in e.factors), PRODUCT
            case Hadamard():
                return self.between("⊙").join(self.write(f, PRODUCT) for f in e.factors), ELEMENTWISE
            case Transpose():
                return self.transpose(self._transposed(e.of)), POWER
            case Matrix():
                return self.matrix([[self.write(entry) for entry in row] for row in e.rows]), ATOM
        raise TypeError(f"{type(e).__name__} is no expression")

    def _name_holds(self, shown: Shown) -> int:
        """A name that ends in a raised number looks like a power: another exponent needs parentheses before it."""
        match shown:
            case Fraction():
                return POWER if self.drawn and not shown.via else SLANTED
            case Applied():
                return ATOM
        return POWER if shown.sup and not (shown.brackets and not self.drawn) else ATOM

    def _transposed(self, e: Expression) -> str:
        """What is transposed; a layer's number in brackets above it cannot be taken for part of the sign."""
        if isinstance(e, Symbol):
            shown = self.naming.show(e.name)
            if not isinstance(shown, (Fraction, Applied)) and shown.sup.endswith(")"):
                return self.shown(shown)
        return self.write(e, ATOM)

    def _sum(self, e: Sum) -> str:
        usual = self.digits
        if usual is not None:  # where terms nearly cancel, enough digits that what is shown adds up
            self.digits = min(usual + lost_digits(e), max(usual, 17))  # 17 tell any two numbers apart
        written = self._terms(e)
        self.digits = usual
        return written

    def _terms(self, e: Sum) -> str:
        written = self.write(e.terms[0], NEGATIVE)
        for term in e.terms[1:]:
            if isinstance(term, Negative):
                written += self.between(MINUS) + self.write(term.of, ELEMENTWISE)
            elif isinstance(term, Number) and term.value < 0:
                written += self.between(MINUS) + self.write(Number(-term.value), ELEMENTWISE)
            else:
                written += self.between("+") + self.write(term, ELEMENTWISE)
        return written

    def _product(self, e: Product) -> str:
        first, *others = e.factors
        least = PRODUCT if self.drawn else SLANTED
        return self.between("·").join([self.write(first, PRODUCT), *(self.write(factor, least) for factor in others)])

    def _quotient(self, e: Quotient) -> tuple[str, int]:
        if self.drawn:
            return self.fraction(self.write(e.top), self.write(e.bottom)), POWER
        return self.fraction(self.write(e.top, PRODUCT), self.write(e.bottom, POWER)), PRODUCT

    def _function(self, e: Function) -> tuple[str, int]:
        usual = self.digits
        if usual is not None:  # enough digits that the function of what is shown is its value
            self.digits = min(usual + steep_digits(e), max(usual, 17))
        written = self._applied(e)
        self.digits = usual
        return written

    def _applied(self, e: Function) -> tuple[str, int]:
        if e.name == "exp":
            return self.exp(e.of)
        if e.name in ("f", "f′"):
            name = self.naming.notation.letter("f") + e.name[1:]
            return self.apply(name, self.write(e.of)), ATOM
        return self.apply(e.name, self.write(e.of)), ATOM

    def _number(self, value: float) -> tuple[str, int]:
        written = self.number(value)
        if value < 0:
            return written, NEGATIVE
        return written, ATOM if self.is_one_piece(written) else PRODUCT

    def is_one_piece(self, written: str) -> bool:
        """Whether a written number is without a power of ten."""
        return "10" not in written or "·" not in written

    # ---- for subclasses ---------------------------------------------------------------------------------------------

    def number(self, value: float) -> str:
        """A number."""
        raise NotImplementedError

    def shown(self, shown: Shown) -> str:
        """A name."""
        raise NotImplementedError

    def parentheses(self, inner: str) -> str:
        """An expression in parentheses."""
        raise NotImplementedError

    def between(self, sign: str) -> str:
        """A sign between two expressions."""
        raise NotImplementedError

    def minus(self) -> str:
        """A minus in front."""
        raise NotImplementedError

    def fraction(self, top: str, bottom: str) -> str:
        """One over another."""
        raise NotImplementedError

    def power(self, base: str, exponent: Expression) -> str:
        """A base with an exponent."""
        raise NotImplementedError

    def exp(self, exponent: Expression) -> tuple[str, int]:
        """e to a power."""
        raise NotImplementedError

    def apply(self, name: str, inner: str) -> str:
        """A function of an expression."""
        raise NotImplementedError

    def cases(self, e: Cases) -> str:
        """A formula in pieces."""
        raise NotImplementedError

    def rest(self, words: str, value: str) -> str:
        """The terms that are not shown."""
        raise NotImplementedError

    def sum_over(self, e: SumOver) -> str:
        """A sum over an index."""
        raise NotImplementedError

    def derivative_of(self, e: DerivativeOf) -> str:
        """A derivative still to be taken."""
        raise NotImplementedError

    def transpose(self, inner: str) -> str:
        """A matrix transposed."""
        raise NotImplementedError

    def matrix(self, rows: list[list[str]]) -> str:
        """A matrix written out."""
        raise NotImplementedError


def _starts_with_0(e: Expression) -> bool:
    """Whether a minus in front would stand before a 0, which has no sign."""
    match e:
        case Product():
            return _starts_with_0(e.factors[0])
        case Number():
            return e.value == 0
    return False


def sides_written(equation: Equation, writer: Writer) -> list[str]:
    """What a quantity equals, each step unless it reads as the one before."""
    sides: list[str] = []
    for side in equation.sides:
        written = writer.write(side)
        if not sides or sides[-1] != written:
            sides.append(written)
    return sides


def steep_digits(e: Function) -> int:
    """How many more digits than its value a function's argument needs: e^x of a large x, ln x near 1.

    >>> steep_digits(Function("ln", Number(0.99995))), steep_digits(Function("exp", Number(-35.0)))
    (5, 2)
    """
    match e:
        case Function("ln", Number(x)) if 0 < abs(x - 1) < 0.1:
            return math.ceil(-math.log10(abs(x - 1)))
        case Function("exp", Number(x) | Negative(Number(x))) if 1 < abs(x) < math.inf:
            return math.ceil(math.log10(abs(x)))
    return 0


def lost_digits(e: Sum) -> int:
    """How many digits of the largest term a sum of numbers loses where terms nearly cancel; 0 without numbers.

    >>> lost_digits(Sum((Number(0.99989), Negative(Number(1.0)))))
    4
    """
    if any(True for _ in symbols(e)):
        return 0
    match e.terms:
        case (Function("exp"), Negative(Number(1.0))):  # as good as its exponent
            return 0
    try:
        total, largest = abs(evaluate(e)), max(abs(evaluate(term)) for term in e.terms)
    except ValueError:
        return 0
    if total == 0 < largest and not all(isinstance(term, Number | Negative) for term in e.terms):
        return 17  # all digits: a function is as large as a number
    if not (0 < total < largest < math.inf):
        return 0
    return math.ceil(math.log10(largest / total)) if largest > 20 * total else 0
