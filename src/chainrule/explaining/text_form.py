"""Derivations as Unicode text for the terminal, aligned at the sign."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from chainrule.explaining.expressions import Cases, Condition, DerivativeOf, Equation, Expression, Number, SumOver
from chainrule.explaining.naming import Applied, Fraction, Naming, Scripted, Shown
from chainrule.explaining.quantities import Name
from chainrule.explaining.writing import ATOM, PRODUCT, Writer, sides_written
from chainrule.numerals import MINUS, number

WIDTH = 110
_UNBROKEN = re.compile(r"\[[^\[\]]*\]|\S+ via \S+")
RAISED = dict(zip("0123456789()+-=ijklmnLxyabcdeorstuvw⟨⟩", "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾⁺⁻⁼ⁱʲᵏˡᵐⁿᴸˣʸᵃᵇᶜᵈᵉᵒʳˢᵗᵘᵛʷ⟨⟩", strict=True))
LOWERED = dict(zip("0123456789()+-=ijklmnxaehoprstuv", "₀₁₂₃₄₅₆₇₈₉₍₎₊₋₌ᵢⱼₖₗₘₙₓₐₑₕₒₚᵣₛₜᵤᵥ", strict=True))


class TextWriter(Writer):
    """Unicode on a line."""

    drawn = False
    names: ClassVar = {"sqrt": "√", "Phi": "Φ", "phi": "φ"}
    signs: ClassVar = {"<=": "≤", ">=": "≥"}

    def number(self, value: float) -> str:
        return "NaN" if math.isnan(value) else number(value, self.digits)

    def shown(self, shown: Shown) -> str:
        match shown:
            case Fraction():
                via = f" via {shown.via}" if shown.via else ""
                return f"∂{self.scripted(shown.top)}/∂{self.scripted(shown.bottom)}{via}"
            case Applied():
                return f"{shown.function}({', '.join(map(self.scripted, shown.to))})"
        return self.scripted(shown)

    def scripted(self, s: Scripted) -> str:
        if s.brackets:
            return s.base + s.brackets
        return s.base + _script(s.sup, RAISED, "^") + _script(s.sub, LOWERED, "_")

    def parentheses(self, inner: str) -> str:
        return f"({inner})"

    def between(self, sign: str) -> str:
        return " " if sign == "@" else f" {sign} "

    def minus(self) -> str:
        return MINUS

    def fraction(self, top: str, bottom: str) -> str:
        return f"{top} / {bottom}"

    def power(self, base: str, exponent: Expression) -> str:
        if isinstance(exponent, Number) and float(exponent.value).is_integer() and exponent.value >= 0:
            return base + _script(f"{exponent.value:.0f}", RAISED, "^")
        return f"{base}^{self.write(exponent, ATOM)}"

    def exp(self, exponent: Expression) -> tuple[str, int]:
        return f"exp({self.write(exponent)})", ATOM

    def apply(self, name: str, inner: str) -> str:
        return f"|{inner}|" if name == "abs" and "|" not in inner else f"{self.names.get(name, name)}({inner})"

    def condition(self, c: Condition) -> str:
        return f"{self.write(c.left)} {self.signs.get(c.sign, c.sign)} {self.write(c.right)}"

    def cases(self, e: Cases) -> str:
        branches = [f"{self.write(branch)} if {self.condition(c)}" for c, branch in e.branches]
        return "{" + "; ".join([*branches, f"{self.write(e.otherwise)} otherwise"]) + "}"

    def rest(self, words: str, value: str) -> str:
        return f"[{words}: {value}]"

    def sum_over(self, e: SumOver) -> str:
        return f"Σ{_script(e.index, LOWERED, '_')} {self.write(e.term, PRODUCT)}"

    def derivative_of(self, e: DerivativeOf) -> str:
        return f"∂/∂{self.shown(self.naming.show(e.by))} [{self.write(e.of)}]"

    def transpose(self, inner: str) -> str:
        return inner + "ᵀ"

    def matrix(self, rows: list[list[str]]) -> str:
        return "[" + "; ".join("  ".join(row) for row in rows) + "]"


def text(equations: Sequence[Equation], naming: Naming, digits: int | None) -> str:
    """Write equations with their rules, one below the other, aligned at the sign."""
    writer = TextWriter(naming, digits)
    return "\n".join(_equation_text(equation, writer) for equation in equations)


def _equation_text(equation: Equation, writer: TextWriter) -> str:
    left = writer.write(equation.left)
    indent = " " * (len(left) + 2)
    rows = [equation.rule] if equation.rule else []
    for i, side in enumerate(sides_written(equation, writer)):
        rows += _wrapped(f"  {left} = {side}" if i == 0 else f"{indent} = {side}", indent + "     ")
    return "\n".join(rows)


def _wrapped(row: str, indent: str) -> list[str]:
    """Break a long row between terms and factors, not within a name or a bracket that is short."""
    if len(row) <= WIDTH:
        return [row]

    def whole(match: re.Match[str]) -> str:
        return match.group(0).replace(" ", "\0") if len(match.group(0)) <= WIDTH // 2 else match.group(0)

    held = _UNBROKEN.sub(whole, row)
    lines = textwrap.wrap(held, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def name_text(name: Name, naming: Naming) -> str:
    """Write a name as text."""
    return TextWriter(naming, None).shown(naming.show(name))


def array_text(name: Name, values: np.ndarray, naming: Naming, digits: int) -> str:
    """Write an array with its name, its shape and, where they fit, its numbers; of a tensor matrix after matrix."""
    head = f"{name_text(name, naming)}, shape {values.shape}"
    if values.size > 400:
        return f"{head}: {number(float(values.min()), digits)} to {number(float(values.max()), digits)}"
    cells = np.vectorize(lambda v: number(float(v), digits), otypes=[object])(np.atleast_2d(values))
    width = max(map(len, cells.flat))
    blocks = cells.reshape(-1, *cells.shape[-2:])
    lines = [["  " + "  ".join(cell.rjust(width) for cell in row) for row in block] for block in blocks]
    return "\n".join([head, "\n\n".join("\n".join(block) for block in lines)])


def _script(letters: str, table: dict[str, str], sign: str) -> str:
    """Raise or lower letters where Unicode can, else write ^{...} or _{...}."""
    if all(letter in table for letter in letters):
        return "".join(table[letter] for letter in letters)
    return f"{sign}{{{letters}}}" if len(letters) > 1 else f"{sign}{letters}"
