"""Formulas that a person types, such as x^3 * sin(x), read into trees by a grammar of their own.

Numbers, names, + - * / and ^ (or **), brackets, and the functions of `ALLOWED`; e and pi are what they always are. A
number before a name or a bracket multiplies it: 2x, 3(x + 1). What is printed can be typed: x², 2 · x, −1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import combinations

from chainrule.core.catalogue import ACTIVATIONS
from chainrule.errors import UsageError, did_you_mean
from chainrule.explaining.expressions import (
    ONE,
    Expression,
    Function,
    Negative,
    Number,
    Power,
    Quotient,
    Sum,
    Symbol,
    multiply,
)
from chainrule.explaining.quantities import variable

MOST_LETTERS, MOST_SIGNS, MOST_NESTED = 2000, 200, 30
_OTHER_NAMES = {
    "log": "ln", "sigmoid": "logistic", "σ": "logistic", "√": "sqrt", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "Φ": "Phi", "φ": "phi",
}  # fmt: skip
_FUNCTIONS = ("exp", "ln", "sqrt", "abs", "sign", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
              "Phi", "phi")  # fmt: skip
ALLOWED = (*_FUNCTIONS, *(name for name in ACTIVATIONS if name not in ("softmax", *_FUNCTIONS)))
_TOKEN = re.compile(
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>(?![⁰¹²³⁴-⁹])[^\W\d_](?:(?![⁰¹²³⁴-⁹])\w)*|√)|(?P<raised>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    r"|(?P<sign>\*\*|[-+−*·×/÷^()])|(?P<space>\s+)"
)
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_SIGNS = {"−": "-", "·": "*", "×": "*", "÷": "/", "**": "^"}
PI = Symbol(variable("π"), math.pi)


def parse_formula(text: str, **values: float) -> Expression:
    """Read a formula.

    Parameters
    ----------
    text : str
    **values
        Values of names, where the formula is to be evaluated.

    Raises
    ------
    UsageError
        If it cannot be read: the message says where, and what is allowed.

    Examples
    --------
    >>> from chainrule.explaining.trees import evaluate
    >>> evaluate(parse_formula("2g^2 - 3g + 1", g=3.0))
    10.0
    >>> parse_formula("2*x + (1")
    Traceback (most recent call last):
    chainrule.errors.UsageError: "2*x + (1", at its end: a ) is missing.
    """
    return _Reader(text, values).whole()


def is_formula(text: str) -> bool:
    """Whether a text can be read as a formula."""
    try:
        parse_formula(text)
    except UsageError:
        return False
    return True


class _Reader:
    def __init__(self, text: str, values: dict[str, float]) -> None:
        if not isinstance(text, str):
            raise UsageError(f'a formula is a text such as "x**3 * sin(x)"; received {text!r}.')
        self.text, self.values = text, values
        self.tokens: list[tuple[str, str, int]] = []
        self.at, self.nested = 0, 0
        self.names: set[str] = set()
        if len(text) > MOST_LETTERS:
            raise self.error(MOST_LETTERS, f"it is longer than {MOST_LETTERS} letters")
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found:
                raise self.error(place, f'"{text[place]}" cannot be part of a formula. {_allowed()}')
            if re.search(r"__|_$", found.group()):
                raise self.error(place, f'"{found.group()}" is no name: what stands below a letter follows one "_"')
            if found.lastgroup != "space":
                token = _SIGNS.get(found.group(), found.group())
                self.tokens.append((str(found.lastgroup), token, place))
            place = found.end()
        if len(self.tokens) > MOST_SIGNS:
            raise self.error(self.tokens[MOST_SIGNS][2], f"it has more than {MOST_SIGNS} numbers, names and signs")

    def error(self, place: int, what: str) -> UsageError:
        start = max(0, place - 25)
        shown = (
            ("..." if start else "") + self.text[start : place + 25] + ("..." if place + 25 < len(self.text) else "")
        )
        where = f"column {place + 1}" if place < len(self.text) else "at its end"
        return UsageError(f'"{shown.strip()}", {where}: {what}{"" if what.endswith((".", "?")) else "."}')

    def whole(self) -> Expression:
        e = self.sum()
        if self.at < len(self.tokens):
            raise self.error(self.place(), f'"{self.peek()[1]}" is left over')
        for first, second in combinations(sorted(self.names), 2):
            if first.replace("_", "") == second.replace("_", ""):
                raise self.error(0, f"{first} and {second} would look alike: write one of them in another way")
        return e

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("end", "")

    def place(self) -> int:
        return self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)

    def sign(self, *signs: str) -> str | None:
        kind, token = self.peek()
        if kind != "sign" or token not in signs:
            return None
        self.at += 1
        return token

    def sum(self) -> Expression:
        terms = [self.product()]
        while sign := self.sign("+", "-"):
            term = self.product()
            terms.append(term if sign == "+" else Negative(term))
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def product(self) -> Expression:
        left, last = self.signed(), "*"
        while True:
            before = self.tokens[self.at - 1]
            if sign := self.sign("*", "/"):
                right = self.signed()
                left, last = (multiply(left, right) if sign == "*" else Quotient(left, right)), sign
            elif self.peek()[0] in ("number", "name") or self.peek()[1] == "(":
                if before[0] != "number" and before[1] != ")":
                    raise self.error(self.place(), f'a sign is missing between "{before[1]}" and "{self.peek()[1]}"')
                if last == "/" or self.is_exponent(self.at - 1) or self.peek()[0] == "number":
                    raise self.error(self.place(), f'write the * before "{self.peek()[1]}", with brackets where needed')
                self.not_glued()
                left = multiply(left, self.power())
            else:
                return left

    def is_exponent(self, at: int) -> bool:
        """Whether a number is an exponent, perhaps behind signs of its own: 2^-3."""
        before = (token for _, token, _ in reversed(self.tokens[:at]))
        return next((token for token in before if token not in ("+", "-")), "") == "^"

    def not_glued(self) -> None:
        """Refuse 0x10, 0b1 and 1e5x, which look like one number: 2x and 2 · x are products."""
        (kind, number, start), (_, name, place) = self.tokens[self.at - 1 : self.at + 1]
        glued = kind == "number" and start + len(number) == place and self.peek()[0] == "name"
        if glued and (not number.strip("0") or "e" in number.lower()):
            raise self.error(
                place, f'"{number}{name}" looks like one number, which is not read: numbers are decimal, such as 16 or '
                f"1e5, and a product is written {number} * {name}"
            )  # fmt: skip

    def signed(self) -> Expression:
        if self.sign("+"):
            return self.deeper(self.signed)
        if not self.sign("-"):
            return self.power()
        inner = self.deeper(self.signed)
        return Number(-inner.value) if isinstance(inner, Number) and inner.value > 0 else Negative(inner)

    def deeper(self, read: Callable[[], Expression]) -> Expression:
        self.nested += 1
        if self.nested > MOST_NESTED:
            raise self.error(self.place(), f"it is nested more than {MOST_NESTED} deep")
        made = read()
        self.nested -= 1
        return made

    def power(self) -> Expression:
        base = self.atom()
        kind, token = self.peek()
        if kind == "raised":
            self.at += 1
            if not re.fullmatch("-?\\d+", token.translate(_LOWERED)):
                raise self.error(self.tokens[self.at - 1][2], f'"{token}" is no exponent')
            exponent: Expression = self.number(token.translate(_LOWERED))
        elif self.sign("^"):
            exponent = self.deeper(self.signed)
        else:
            return base
        if base == Function("exp", ONE):  # e to a power
            return Function("exp", exponent)
        return Power(base, exponent)

    def atom(self) -> Expression:
        kind, token = self.peek()
        place = self.place()
        self.at += 1
        if kind == "number":
            return self.number(token)
        if kind == "name":
            return self.named(token, place)
        if token == "(":
            inner = self.deeper(self.sum)
            if not self.sign(")"):
                raise self.error(self.place(), "a ) is missing")
            return inner
        raise self.error(place, "something is missing" if kind == "end" else f'"{token}" cannot stand here')

    def number(self, token: str) -> Number:
        token = token.replace(",", "")
        value = float(token)
        if not math.isfinite(value) or Decimal(repr(value)) != Decimal(token):
            place = self.tokens[self.at - 1][2]
            raise self.error(place, f"{token[:30]} has more digits than a number keeps (about 16), or is too large")
        return Number(value)

    def named(self, token: str, place: int) -> Expression:
        function, called = _OTHER_NAMES.get(token, token), self.peek()[1] == "("
        if function in ALLOWED or token in ("log10", "log2"):
            if not called:
                raise self.error(place, f"{token} is a function: write {token}(...)")
            self.at += 1
            inner = self.deeper(self.sum)
            if not self.sign(")"):
                raise self.error(self.place(), "a ) is missing")
            if token in ("log10", "log2"):
                return Quotient(Function("ln", inner), Function("ln", Number(float(token[3:]))))
            return Function(function, inner)
        if called:
            raise self.error(place, f"{token} is no function. {did_you_mean(token, ALLOWED)}{_allowed()}")
        if token in ("pi", "π"):
            return PI
        if token == "e":
            return Function("exp", ONE)
        self.names.add(token)
        return Symbol(variable(token), self.values.get(token))


def _allowed() -> str:
    return f"Allowed: numbers, names, + - * / ^, ( ), e, pi, {', '.join(ALLOWED)}, log10, log2."
