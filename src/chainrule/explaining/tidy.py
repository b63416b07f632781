"""What a person does last: like terms and equal factors put together, numbers reckoned exactly, fractions cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, isqrt

from chainrule.explaining.expressions import (
    ONE,
    Cases,
    Expression,
    Function,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    add,
    multiply,
)
from chainrule.explaining.trees import parts, rebuilt

_LARGEST = 10**12  # numbers beyond it stay as they were written
_AT_0 = {"exp": 1, "sin": 0, "cos": 1, "tan": 0, "asin": 0, "atan": 0, "sinh": 0, "cosh": 1, "tanh": 0, "sqrt": 0}
ZERO = Number(0.0)


def tidied(e: Expression) -> Expression:
    """Return an expression of the same value with like terms collected.

    >>> from chainrule.explaining.typed_formulas import parse_formula
    >>> tidied(parse_formula("x * 2 * x^3 / x + 0*y")) == parse_formula("2 * x^3")
    True
    """
    return Tidier(decimals=_has_decimals(e)).tidy(e)


@dataclass(frozen=True)
class Tidier:
    """Tidies up; where decimals stand in a formula, exact ones are written as decimals, else as fractions."""

    decimals: bool

    def tidy(self, e: Expression) -> Expression:
        """Tidy up the parts, then what is made of them."""
        e = rebuilt(e, self.tidy)
        match e:
            case Sum():
                return self.sum(e.terms)
            case Product() | Quotient() | Negative():
                return self.product(e)
            case Power(base, exponent):
                return self.power(base, exponent)
            case Function(name, Number(0.0)) if name in _AT_0:
                return Number(float(_AT_0[name]))
            case Function("ln", Number(1.0)):
                return ZERO
            case Function("ln", Function("exp", of)):
                return of
            case Function("sqrt", of) if (root := _root(rational(of))) is not None:
                return self.written(root)
            case Cases() if all(branch == e.otherwise for _, branch in e.branches):
                return e.otherwise
        return e

    def written(self, q: Fraction) -> Expression:
        """A rational number as an expression."""
        if q < 0:
            whole = self.written(-q)
            return Number(-whole.value) if isinstance(whole, Number) else Negative(whole)
        if q.denominator == 1 or (self.decimals and 10**12 % q.denominator == 0):
            return Number(float(q))
        return Quotient(Number(float(q.numerator)), Number(float(q.denominator)))

    def sum(self, terms: tuple[Expression, ...]) -> Expression:
        """Collect like terms, in the order in which they first stand."""
        kinds: dict[object, tuple[Fraction, Expression]] = {}
        for term in terms:
            inner: list[Expression] = list(term.terms) if isinstance(term, Sum) else [term]
            if isinstance(term, Negative) and isinstance(term.of, Sum):
                inner = [self.product(Negative(part)) for part in term.of.terms]
            for part in inner:
                factor, rest = self._split(part)
                kind = _kind(rest)
                before, rest = kinds.get(kind, (Fraction(0), rest))  # written as it first stood
                if not _fits(before + factor):  # too large to be reckoned with: it stays by itself
                    kind, before = (len(kinds), kind), Fraction(0)
                kinds[kind] = before + factor, rest
        return add(*(self._times(factor, rest) for factor, rest in kinds.values() if factor))

    def _split(self, e: Expression) -> tuple[Fraction, Expression]:
        """A term as a number times the rest."""
        number, powers = self._factors(e)
        return number, self._assembled(Fraction(1), powers)

    def _times(self, factor: Fraction, rest: Expression) -> Expression:
        number, powers = self._factors(rest)
        return self._assembled(factor * number, powers)

    def product(self, e: Expression) -> Expression:
        """Put equal factors together; what is left below stands below one line."""
        return self._assembled(*self._factors(e))

    def _factors(self, e: Expression) -> tuple[Fraction, list[tuple[Expression, Fraction]]]:
        """A number, and the other factors with their exponents."""
        number, powers = Fraction(1), dict[Expression, Fraction]()

        def take(part: Expression, exponent: int) -> None:
            nonlocal number
            match part:
                case Product():
                    for factor in part.factors:
                        take(factor, exponent)
                    return
                case Negative():
                    number = -number
                    take(part.of, exponent)
                    return
                case Quotient():
                    take(part.top, exponent)
                    take(part.bottom, -exponent)
                    return
            value = rational(part)
            if value is not None and (value or exponent > 0) and _fits(number * value**exponent):
                number *= value**exponent
                return
            power = rational(part.exponent) if isinstance(part, Power) else None
            base = part.base if isinstance(part, Power) and power is not None else part
            powers[base] = powers.get(base, Fraction(0)) + exponent * (Fraction(1) if power is None else power)

        take(e, 1)
        return number, [(base, exponent) for base, exponent in powers.items() if exponent]

    def _assembled(self, number: Fraction, powers: list[tuple[Expression, Fraction]]) -> Expression:
        if number == 0 and not any(exponent < 0 and rational(base) == 0 for base, exponent in powers):
            return ZERO
        above = [self._power(base, exponent) for base, exponent in powers if exponent > 0]
        below = [self._power(base, -exponent) for base, exponent in powers if exponent < 0]
        size = abs(number)
        if not self.decimals or 10**12 % size.denominator or below:
            top, bottom = Fraction(size.numerator), Fraction(size.denominator)
        else:
            top, bottom = size, Fraction(1)
        above = [self.written(top), *above] if top != 1 or not above else above
        below = [self.written(bottom), *below] if bottom != 1 else below
        whole = Quotient(multiply(*above), multiply(*below)) if below else multiply(*above)
        if number >= 0:
            return whole
        return Number(-whole.value) if isinstance(whole, Number) else Negative(whole)

    def _power(self, base: Expression, exponent: Fraction) -> Expression:
        return base if exponent == 1 else Power(base, self.written(exponent))

    def power(self, base: Expression, exponent: Expression) -> Expression:
        """Powers 0 and 1, of 1 and of numbers, and powers of powers with whole exponents."""
        q, of = rational(exponent), rational(base)
        if q == 0 or of == 1:
            return ONE
        if q == 1:
            return base
        if q is not None and q.denominator == 1:
            if of and abs(q) <= 40 and _fits(of**q.numerator):
                return self.written(of**q.numerator)
            inner = rational(base.exponent) if isinstance(base, Power) else None
            if isinstance(base, Power) and inner is not None and inner.denominator == 1 and q > 0 and inner > 0:
                return Power(base.base, self.written(inner * q))
        return Power(base, exponent)


def rational(e: Expression) -> Fraction | None:
    """The number that an expression is, exactly as it was written; None for others, and for very long ones."""
    match e:
        case Number(value) if isfinite(value):
            q = Fraction(repr(float(value)))
            return q if _fits(q) else None
        case Quotient(top, bottom):
            above, below = rational(top), rational(bottom)
            return above / below if above is not None and below else None
        case Negative(of):
            q_of = rational(of)
            return None if q_of is None else -q_of
    return None


def _fits(q: Fraction) -> bool:
    return abs(q.numerator) <= _LARGEST and q.denominator <= _LARGEST


def _root(q: Fraction | None) -> Fraction | None:
    """The square root of a number that has an exact one."""
    if q is None or q < 0:
        return None
    root = Fraction(isqrt(q.numerator), isqrt(q.denominator))
    return root if root * root == q else None


def _kind(e: Expression) -> object:
    """The same for products of the same factors in any order."""
    if isinstance(e, Quotient):
        return "quotient", _kind(e.top), _kind(e.bottom)
    if isinstance(e, Product):
        return tuple(sorted(map(repr, e.factors)))
    return repr(e)


def _has_decimals(e: Expression) -> bool:
    if isinstance(e, Number):
        return isfinite(e.value) and not float(e.value).is_integer()
    return any(map(_has_decimals, parts(e)))
