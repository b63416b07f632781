"""A formula that a person typed, differentiated rule by rule and proved against central differences."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from itertools import pairwise

from chainrule.errors import UsageError, did_you_mean
from chainrule.explaining.calculus import derivative, worked
from chainrule.explaining.expressions import DerivativeOf, Equation, Expression, Number, Symbol
from chainrule.explaining.naming import Naming
from chainrule.explaining.notation import Notation
from chainrule.explaining.presets import notation_named
from chainrule.explaining.quantities import Derivative, Quantity, variable
from chainrule.explaining.symbolic import Textbook
from chainrule.explaining.text_form import TextWriter
from chainrule.explaining.tidy import tidied
from chainrule.explaining.trees import evaluate, parts, rebuilt, substituted, symbols, with_values
from chainrule.explaining.typed_formulas import PI, parse_formula
from chainrule.numerals import significant_digits

_TRIED, _ENOUGH, _NEEDED = 400, 12, 3  # points that are tried, that prove, that must do where others have no value
_TOLERANCE = 1e-4
_STEPS = [10.0**-k for k in range(1, 13)]  # relative to the point


def derive_formula(
    text: str,
    by: str | None = None,
    at: Mapping[str, float] | None = None,
    *,
    notation: str | Notation = "chainrule",
) -> Textbook:
    """Differentiate a formula, one named rule a line, down to a tidy result.

    Parameters
    ----------
    text : str
        Such as ``x**3 * sin(x)``, ``2^x`` or ``1 / (1 + e^-z)``: numbers, names, ``+ - * / ^`` (or ``**``), brackets,
        e, pi, exp, ln, log10, log2, sqrt, abs, sign, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, Phi, phi, and
        the activations of one number (logistic, relu, softplus, ...).
    by : str, optional
        What varies; all other names are constants. By default the only name, or x.
    at : dict of str to float, optional
        A value for each name: every line is then evaluated there.
    notation : str
        Only for the forms; names stand as they were typed.

    Returns
    -------
    Textbook

    Raises
    ------
    UsageError
        If it cannot be read (the message says where), has no derivative by the rules, or cannot be proved: before it is
        returned, the derivative is compared with central differences at random points.

    Examples
    --------
    >>> print(derive_formula("x**3 * sin(x)"))
    the formula, by x
      f = x³ · sin(x)
    product rule
      ∂f/∂x = x³ · (∂/∂x [sin(x)]) + ∂/∂x [x³] · sin(x)
    sin u has the derivative cos u
      ∂f/∂x = x³ · cos(x) + ∂/∂x [x³] · sin(x)
    power rule
      ∂f/∂x = x³ · cos(x) + 3 · x² · sin(x)
    """
    e = parse_formula(text)
    names = sorted({_letters(symbol) for symbol in _variables(e)})
    by = _chosen(by, names)
    given = _checked(at, names, by)
    x = variable(by)
    steps = [(step.expression, step.rule) for step in worked(e, x)]
    naming = Naming(notation_named(notation))
    if _shown(tidy := tidied(steps[-1][0]), naming) != _shown(steps[-1][0], naming):
        steps.append((tidy, "tidied up"))
    _prove(e, steps[-1][0], by, names, given)
    f = next(letter for letter in ("f", "g", "h", "F", "G", "H", "formula") if letter not in names)
    constants = [name for name in names if name != by]
    head = f"the formula, by {by}" + (f"; constant: {', '.join(constants)}" if constants else "")
    left = Symbol(Derivative(variable(f), x))
    lines = [(Symbol(variable(f)), e, head), *((left, line, rule) for line, rule in steps)]
    equations = tuple(Equation(what, (line, *_numbers(line, given)), rule) for what, line, rule in lines)
    digits = max([6, *(significant_digits(n) for n in _typed_numbers(e) if math.isfinite(n))])
    return Textbook(equations, naming, digits)


def _shown(e: Expression, naming: Naming) -> str:
    return TextWriter(naming, None).write(e)


def _variables(e: Expression) -> list[Symbol]:
    return [symbol for symbol in symbols(e) if symbol != PI]


def _letters(symbol: Symbol) -> str:
    assert isinstance(symbol.name, Quantity)
    return str(symbol.name.units[0])


def _typed_numbers(e: Expression) -> list[float]:
    return [e.value] if isinstance(e, Number) else [n for part in parts(e) for n in _typed_numbers(part)]


def _chosen(by: str | None, names: list[str]) -> str:
    """What varies."""
    if by is None:
        if len(names) > 1 and "x" not in names:
            raise UsageError(
                f"the formula has the names {', '.join(names)}: say which one varies, such as {names[0]} (by, --by)."
            )
        return names[0] if len(names) == 1 else "x"
    if by in names:
        return by
    if names:
        raise UsageError(
            f'"{by}" does not stand in the formula. {did_you_mean(by, names)}Its names: {", ".join(names)}; e and pi '
            "are numbers."
        )
    if not by.isidentifier() or not _variables(parse_formula(by)):
        raise UsageError(f'"{by}" is no name that can vary.')
    return by


def _checked(at: Mapping[str, float] | None, names: list[str], by: str) -> dict[str, float]:
    """The values that were given, one for each name."""
    try:
        given = {name: float(value) for name, value in (at or {}).items()}
    except (TypeError, ValueError):
        raise UsageError(f"values must be numbers, such as x = 2; received {dict(at or {})}.") from None
    if not given:
        return {}
    for name in given:
        if name not in names and name != by:
            raise UsageError(
                f"there is no {name} in the formula, whose names are {', '.join(names) or 'none'}. "
                f"{did_you_mean(name, names)}".strip()
            )
    missing = [name for name in names if name not in given]
    if missing:
        raise UsageError(f"values are needed for all names: {', '.join(missing)} has none.")
    if not all(map(math.isfinite, given.values())):
        raise UsageError(f"values must be finite numbers; received {given}.")
    return given


def _at(e: Expression, point: Mapping[str, float]) -> Expression:
    """Put values in; pi keeps its own."""
    return substituted(e, lambda symbol: symbol if symbol == PI else Symbol(symbol.name, point[_letters(symbol)]))


def _numbers(e: Expression, given: dict[str, float]) -> tuple[Expression, ...]:
    """A line with the numbers put in, derivatives still pending among them, and its value."""
    if not given:
        return ()

    def settled(part: Expression) -> Expression:
        if isinstance(part, DerivativeOf):
            return Number(evaluate(_at(derivative(part.of, part.by), given)))
        return rebuilt(part, settled)

    there = _at(settled(e), given)
    value = evaluate(there)
    if not math.isfinite(value):
        where = ", ".join(f"{name} = {number:g}" for name, number in given.items())
        raise UsageError(f"at {where} the formula or its derivative has no finite value.")
    return with_values(there), Number(value)


def _prove(e: Expression, slope: Expression, by: str, names: list[str], given: dict[str, float]) -> None:
    """Compare the derivative with central differences at random points, and near the one that was given.

    Raises
    ------
    UsageError
        If they differ, or there are too few points where the formula has a value.
    """
    draw = random.Random(0)
    right = wrong = 0
    sizes = [size for n in map(abs, _typed_numbers(e)) if n for size in (n, n**0.5, 1 / n)]
    centres = [sign * size for size in sizes for sign in (-1, 1)]
    for number in range(_TRIED):
        anywhere = 2 * number < _TRIED or not centres  # else near the formula's own numbers, and their roots
        point = {
            name: _drawn(draw, number) if anywhere else _near(draw, draw.choice(centres))
            for name in sorted({*names, by})
        }
        if given and number % 2:
            reach = 0.01 if number % 4 == 1 else 10 ** draw.uniform(-6, -2)
            point |= {name: v + reach * draw.uniform(-1, 1) * (abs(v) or 1.0) for name, v in given.items()}
        verdict = _verdict(e, slope, by, point)
        right, wrong = right + (verdict == "right"), wrong + (verdict == "wrong")
        if right >= _ENOUGH and not wrong:
            return
    if wrong:
        raise UsageError(
            f"the derivative that the rules give differs from central differences at {wrong} of {right + wrong} "
            "points, so it is not returned. Does the formula jump at many places, or are its numbers very large?"
        )
    if right < _NEEDED:
        raise UsageError(
            f"central differences can be trusted at only {right} of {_TRIED} points tried, so the derivative "
            "cannot be proved. Is a logarithm or a root taken of negative numbers everywhere, or is a power very "
            f"large? If the formula has values in a narrow place only, give a point there (at, --at {by}=...)."
        )


def _drawn(draw: random.Random, number: int) -> float:
    """A value to try: of either sign, small and large, and close to 1, where large powers stay finite."""
    kind = number // 2 % 4
    if kind == 0:
        return draw.uniform(-3, 3)
    if kind == 1:
        return draw.uniform(0.1, 2)
    return 10 ** draw.uniform(-3, 3) if kind == 2 else draw.choice([-1, 1]) * (1 + 10 ** draw.uniform(-10, -2))


def _near(draw: random.Random, centre: float) -> float:
    """A value within 1 of a number, close to it, or between it and 0."""
    kind = draw.randrange(3)
    if kind == 0:
        return centre + draw.uniform(-1, 1)
    return centre * (1 + 0.1 * draw.uniform(-1, 1)) if kind == 1 else centre * draw.uniform(0.05, 0.95)


def _verdict(e: Expression, slope: Expression, by: str, point: dict[str, float]) -> str:
    """Say whether a slope is "right" or "wrong" at a point; "" where central differences cannot tell.

    A formula may be as steep as x^1000, so the step is the one at which neighbouring steps agree best.
    """

    def f(value: float) -> float:
        return evaluate(_at(e, {**point, by: value}))

    p = point[by]
    here, analytic = f(p), evaluate(_at(slope, point))
    if not math.isfinite(here) or not math.isfinite(analytic):
        return ""
    differences = []
    for step in _STEPS:
        above, below = p + step * abs(p), p - step * abs(p)
        up, down = f(above), f(below)
        if math.isfinite(up) and math.isfinite(down):
            noise = 1e-15 * max(abs(up), abs(down)) / (above - below)
            differences.append(((up - down) / (above - below), noise))
    least = 1e-8 * abs(here / p)  # what cannot be told from 0
    trials = [(abs(a[0] - b[0]) + b[1], b[0]) for a, b in pairwise(differences)]
    if not trials:
        return ""
    doubt, numeric = min(trials, key=lambda trial: trial[0] / max(abs(trial[1]), least, 1e-300))
    if doubt > 1e-3 * max(abs(numeric), least):
        return ""
    size = max(abs(numeric), abs(analytic), least)
    return "right" if abs(numeric - analytic) <= _TOLERANCE * size + 10 * doubt else "wrong"
