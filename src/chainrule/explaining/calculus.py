"""Differentiation one rule at a time: the table of seed 001, and the chain rule of seeds 002 and 004.

`worked(e, x)` returns the lines that a person would write: each applies one rule to the derivatives still pending,
until none is left, and ends with what remains after tidying up.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.core.catalogue import ACTIVATIONS
from chainrule.errors import UsageError
from chainrule.explaining.expressions import (
    ONE,
    Cases,
    DerivativeOf,
    Expression,
    Function,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    add,
    multiply,
    square,
    subtract,
)
from chainrule.explaining.formulas import activation_formula
from chainrule.explaining.quantities import Name
from chainrule.explaining.trees import parts, rebuilt, symbols

ZERO = Number(0.0)
MOST_PARTS = 2000  # of a line; beyond it nobody reads on


@dataclass(frozen=True)
class Step:
    """A line of a derivation: what stands there now, and the rule that led to it."""

    expression: Expression
    rule: str


def worked(expression: Expression, by: Name) -> tuple[Step, ...]:
    """Differentiate an expression, one rule a line.

    Parameters
    ----------
    expression : Expression
    by : Name
        The quantity that varies; all others are constants.

    Examples
    --------
    >>> from chainrule.explaining.typed_formulas import parse_formula
    >>> from chainrule.explaining.quantities import variable
    >>> for step in worked(parse_formula("3*x^2 + 1"), variable("x")):
    ...     print(step.rule)
    sum rule
    multiplication by a constant
    power rule
    """
    pending: Expression = DerivativeOf(expression, by)
    steps: list[Step] = []
    while (found := _first_pending(pending)) is not None:
        if _size(pending) > MOST_PARTS:
            raise UsageError(f"a line grows beyond {MOST_PARTS} parts: derive the formula piece by piece.")
        rule, result = differentiated_once(found)
        pending = simplified(_replaced(pending, found, result))
        trivial = rule in ("constant rule", "the variable itself")
        if trivial and steps:
            steps[-1] = Step(pending, steps[-1].rule)
        else:
            steps.append(Step(pending, rule))
    return tuple(steps)


def derivative(expression: Expression, by: Name) -> Expression:
    """Return the derivative of an expression, tidied up.

    >>> from chainrule.explaining.trees import evaluate
    >>> from chainrule.explaining.typed_formulas import parse_formula
    >>> from chainrule.explaining.quantities import variable
    >>> evaluate(derivative(parse_formula("x^3", x=2.0), variable("x")))
    12.0
    """
    return worked(expression, by)[-1].expression


def differentiated_once(d: DerivativeOf) -> tuple[str, Expression]:
    """Apply the one rule that fits a pending derivative; the derivatives of its parts stay pending."""
    e, by = d.of, d.by

    def of(part: Expression) -> Expression:
        return DerivativeOf(part, by)

    if not _contains(e, by):
        return "constant rule", ZERO
    match e:
        case Symbol():
            return "the variable itself", ONE
        case Sum():
            minus = any(isinstance(term, Negative) for term in e.terms)
            terms = [Negative(of(term.of)) if isinstance(term, Negative) else of(term) for term in e.terms]
            return "difference rule" if minus else "sum rule", add(*terms)
        case Negative():
            return "multiplication by a constant", Negative(of(e.of))
        case Product():
            return _product(e, by)
        case Quotient():
            return _quotient(e, by)
        case Power(base, exponent) if not _contains(exponent, by):
            less = Number(exponent.value - 1) if isinstance(exponent, Number) else subtract(exponent, ONE)
            outer = multiply(exponent, Power(base, less))
            if isinstance(base, Symbol):
                return "power rule", outer
            return "power rule and chain rule", multiply(outer, of(base))
        case Power(base, exponent) if not _contains(base, by):
            slope = multiply(e, Function("ln", base))
            if isinstance(exponent, Symbol):
                return "a^u has the derivative a^u ln a", slope
            return "a^u has the derivative a^u ln a; chain rule", multiply(slope, of(exponent))
        case Power(base, exponent):
            inner = Sum((multiply(of(exponent), Function("ln", base)), Quotient(multiply(exponent, of(base)), base)))
            return "u^v is e^(v ln u): chain rule and product rule", multiply(e, inner)
        case Function():
            return _function(e, by)
        case Cases():
            branches = tuple((condition, of(branch)) for condition, branch in e.branches)
            return "piece by piece", Cases(branches, of(e.otherwise))
    raise UsageError(f"there is no rule here for {type(e).__name__}.")


def _product(e: Product, by: Name) -> tuple[str, Expression]:
    constant = [factor for factor in e.factors if not _contains(factor, by)]
    varying = [factor for factor in e.factors if _contains(factor, by)]
    if constant:
        return "multiplication by a constant", multiply(*constant, DerivativeOf(multiply(*varying), by))
    f, g = varying[0], multiply(*varying[1:])
    return "product rule", Sum((multiply(f, DerivativeOf(g, by)), multiply(DerivativeOf(f, by), g)))


def _quotient(e: Quotient, by: Name) -> tuple[str, Expression]:
    f, g = e.top, e.bottom
    if not _contains(g, by):
        return "multiplication by a constant", Quotient(DerivativeOf(f, by), g)
    if not _contains(f, by):
        reciprocal = Negative(Quotient(DerivativeOf(g, by), square(g)))
        return "reciprocal rule", reciprocal if f == ONE else Negative(multiply(f, reciprocal.of))
    top = Sum((multiply(DerivativeOf(f, by), g), Negative(multiply(DerivativeOf(g, by), f))))
    return "quotient rule", Quotient(top, square(g))


def _function(e: Function, by: Name) -> tuple[str, Expression]:
    u = e.of
    leg = Function("sqrt", subtract(ONE, square(u)))
    outer: dict[str, tuple[str, Expression]] = {
        "exp": ("e^u is its own derivative", e),
        "ln": ("ln u has the derivative 1/u", Quotient(ONE, u)),
        "tanh": ("tanh u has the derivative 1 - tanh^2 u", subtract(ONE, square(e))),
        "sqrt": ("power rule, exponent 1/2", Quotient(ONE, multiply(Number(2.0), e))),
        "sin": ("sin u has the derivative cos u", Function("cos", u)),
        "cos": ("cos u has the derivative -sin u", Negative(Function("sin", u))),
        "tan": ("tan u has the derivative 1 + tan^2 u", Sum((ONE, square(e)))),
        "asin": ("arcsin u has the derivative 1/sqrt(1 - u^2)", Quotient(ONE, leg)),
        "acos": ("arccos u has the derivative -1/sqrt(1 - u^2)", Negative(Quotient(ONE, leg))),
        "atan": ("arctan u has the derivative 1/(1 + u^2)", Quotient(ONE, Sum((ONE, square(u))))),
        "sinh": ("sinh u has the derivative cosh u", Function("cosh", u)),
        "cosh": ("cosh u has the derivative sinh u", Function("sinh", u)),
        "sign": ("sign u is constant between its jumps", ZERO),
        "abs": ("|u| has the derivative sign u (0 at 0, where it has none)", Function("sign", u)),
        "Phi": ("the distribution function has its density as derivative", Function("phi", u)),
        "phi": ("the density has the derivative -u times itself", Negative(multiply(u, e))),
    }
    formula = activation_formula(e.name) if e.name in ACTIVATIONS and e.name not in outer else None
    if formula is not None:
        outer[e.name] = f"derivative of {e.name}", formula.slope(u, e)
    if e.name not in outer:
        return "chain rule", multiply(Function(e.name + "′", u), DerivativeOf(u, by))
    rule, slope = outer[e.name]
    if isinstance(u, Symbol):
        return rule, slope
    return f"{rule}; chain rule", multiply(slope, DerivativeOf(u, by))


def simplified(e: Expression) -> Expression:
    """Tidy up: terms 0, factors 0 and 1, minus before minus, powers 1 and 0, numbers multiplied with each other."""
    e = rebuilt(e, simplified) if not isinstance(e, DerivativeOf) else e
    match e:
        case Sum():
            flat: list[Expression] = []
            for term in e.terms:
                flat += term.terms if isinstance(term, Sum) else [term]
            terms = [term for term in flat if term not in (ZERO, Negative(ZERO))]
            return add(*terms)
        case Product():
            return _simplified_product(e)
        case Negative(of):
            return ZERO if of == ZERO else of.of if isinstance(of, Negative) else e
        case Quotient(top, bottom):
            if top == ZERO:
                return ZERO
            if bottom == ONE:
                return top
            if isinstance(top, Negative):
                return Negative(Quotient(top.of, bottom))
        case Power(base, Number(n)):
            return ONE if n == 0 else base if n == 1 else e
    return e


def _simplified_product(e: Product) -> Expression:
    flat: list[Expression] = []
    sign, number = 1, 1.0
    for factor in e.factors:
        if isinstance(factor, Negative):
            sign, factor = -sign, factor.of
        inner = factor.factors if isinstance(factor, Product) else (factor,)
        for part in inner:
            if isinstance(part, Number):
                number *= part.value
            else:
                flat.append(part)
    if number == 0:
        return ZERO
    if number < 0:
        sign, number = -sign, -number
    whole = multiply(*([Number(number)] if number != 1 or not flat else []), *flat)
    return whole if sign > 0 else Negative(whole)


def _size(e: Expression) -> int:
    return 1 + sum(map(_size, parts(e)))


def _contains(e: Expression, by: Name) -> bool:
    return any(symbol.name == by for symbol in symbols(e))


def _first_pending(e: Expression) -> DerivativeOf | None:
    """The first derivative that is still to be taken, from left to right, an outer one before what is inside it."""
    if isinstance(e, DerivativeOf):
        return e
    return next((found for part in parts(e) if (found := _first_pending(part)) is not None), None)


def _replaced(e: Expression, old: DerivativeOf, new: Expression) -> Expression:
    """Put the result in for every occurrence of a pending derivative."""
    if e == old:
        return new
    return e if isinstance(e, DerivativeOf) else rebuilt(e, lambda part: _replaced(part, old, new))
