"""Derivations as MathML Core, which browsers draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import ClassVar

from chainrule.explaining.expressions import Cases, Condition, DerivativeOf, Equation, Expression, SumOver
from chainrule.explaining.latex_form import GREEK, latex_number
from chainrule.explaining.naming import Applied, Fraction, Naming, Scripted, Shown
from chainrule.explaining.writing import POWER, PRODUCT, Writer, sides_written


class MathmlWriter(Writer):
    """MathML Core, which browsers draw."""

    signs: ClassVar = {"<=": "≤", ">=": "≥"}
    names: ClassVar = {"Phi": "Φ", "phi": "φ"}

    def number(self, value: float) -> str:
        if math.isnan(value):
            return "<mtext>NaN</mtext>"
        mantissa, _, power = latex_number(value, self.digits).partition(r" \cdot ")
        sign, bare = ("<mo>−</mo>", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
        written = f"{sign}<mn>{'∞' if 'infty' in bare else escape(bare.replace('{,}', ','))}</mn>"
        if not power:
            return written if not sign else f"<mrow>{written}</mrow>"
        exponent = power.removeprefix("10^{").removesuffix("}").replace("-", "−")
        return f"<mrow>{written}<mo>·</mo><msup><mn>10</mn><mn>{exponent}</mn></msup></mrow>"

    def is_one_piece(self, written: str) -> bool:
        return "<msup>" not in written

    def shown(self, shown: Shown) -> str:
        match shown:
            case Fraction():
                top, bottom = (f"<mrow><mo>∂</mo>{self.scripted(s)}</mrow>" for s in (shown.top, shown.bottom))
                whole = f"<mfrac>{top}{bottom}</mfrac>"
                if not shown.via:
                    return whole
                return (
                    f"<msub><mrow>{whole}<mo>|</mo></mrow><mrow><mtext>via </mtext><mn>{shown.via}</mn></mrow></msub>"
                )
            case Applied():
                inside = "<mo>,</mo>".join(map(self.scripted, shown.to))
                return f"<mrow>{self.letter(shown.function)}<mo>(</mo>{inside}<mo>)</mo></mrow>"
        return self.scripted(shown)

    def letter(self, base: str) -> str:
        bare = base.rstrip("′")
        letter = f"<mi>{escape(GREEK.get(bare, bare))}</mi>"
        return letter if bare == base else f"<msup>{letter}<mo>{base[len(bare) :]}</mo></msup>"

    def scripted(self, s: Scripted) -> str:
        letter = self.letter(s.base)
        if not s.sup and not s.sub:
            return f"<mrow>{letter}<mtext>{escape(s.brackets)}</mtext></mrow>" if s.brackets else letter
        sub, sup = f"<mrow>{_pieces(s.sub)}</mrow>", f"<mrow>{_pieces(s.sup)}</mrow>"
        if not s.sup:
            return f"<msub>{letter}{sub}</msub>"
        return f"<msubsup>{letter}{sub}{sup}</msubsup>" if s.sub else f"<msup>{letter}{sup}</msup>"

    def parentheses(self, inner: str) -> str:
        return f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"

    def between(self, sign: str) -> str:
        return "<mspace width='0.25em'/>" if sign == "@" else f"<mo>{sign}</mo>"

    def minus(self) -> str:
        return "<mo>−</mo>"

    def fraction(self, top: str, bottom: str) -> str:
        return f"<mfrac><mrow>{top}</mrow><mrow>{bottom}</mrow></mfrac>"

    def power(self, base: str, exponent: Expression) -> str:
        return f"<msup><mrow>{base}</mrow><mrow>{self.write(exponent)}</mrow></msup>"

    def exp(self, exponent: Expression) -> tuple[str, int]:
        return f"<msup><mi>e</mi><mrow>{self.write(exponent)}</mrow></msup>", POWER

    def apply(self, name: str, inner: str) -> str:
        if name == "abs" and "<mo>|</mo>" not in inner:  # bars within bars cannot be told apart
            return f"<mrow><mo>|</mo>{inner}<mo>|</mo></mrow>"
        if name == "sqrt":
            return f"<msqrt>{inner}</msqrt>"
        return f"<mrow>{self.letter(self.names.get(name, name))}{self.parentheses(inner)}</mrow>"

    def cases(self, e: Cases) -> str:
        rows = [
            f"<mtr><mtd>{self.write(b)}</mtd><mtd><mtext>if </mtext>{self.condition(c)}</mtd></mtr>"
            for c, b in e.branches
        ]
        rows.append(f"<mtr><mtd>{self.write(e.otherwise)}</mtd><mtd><mtext>otherwise</mtext></mtd></mtr>")
        return f"<mrow><mo>{{</mo><mtable>{''.join(rows)}</mtable></mrow>"

    def condition(self, c: Condition) -> str:
        sign = escape(self.signs.get(c.sign, c.sign))
        return f"<mrow>{self.write(c.left)}<mo>{sign}</mo>{self.write(c.right)}</mrow>"

    def rest(self, words: str, value: str) -> str:
        return f"<munder><munder><mrow>{value}</mrow><mo>⏟</mo></munder><mtext>{words}</mtext></munder>"

    def sum_over(self, e: SumOver) -> str:
        low = f"<mrow><mi>{e.index}</mi><mo>=</mo>{_pieces(e.first)}</mrow>"
        return f"<munderover><mo>∑</mo>{low}<mrow>{_pieces(e.last)}</mrow></munderover>{self.write(e.term, PRODUCT)}"

    def derivative_of(self, e: DerivativeOf) -> str:
        by = f"<mrow><mo>∂</mo>{self.shown(self.naming.show(e.by))}</mrow>"
        return f"<mfrac><mo>∂</mo>{by}</mfrac><mrow><mo>[</mo>{self.write(e.of)}<mo>]</mo></mrow>"

    def transpose(self, inner: str) -> str:
        return f"<msup><mrow>{inner}</mrow><mo>⊤</mo></msup>"

    def matrix(self, rows: list[list[str]]) -> str:
        cells = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
        return f"<mrow><mo>(</mo><mtable>{cells}</mtable><mo>)</mo></mrow>"


def mathml(equations: Sequence[Equation], naming: Naming, digits: int | None, further: Sequence[str] = ()) -> str:
    """Write equations as one `<math>` element: a table aligned at the sign, with further rows below."""
    writer = MathmlWriter(naming, digits)
    rows = []
    for equation in equations:
        left = writer.write(equation.left)
        if equation.rule:
            rule = f"<mtext>{escape(equation.rule)}</mtext>"
            rows.append(f'<mtr><mtd columnspan="3" style="text-align:left;padding-top:0.8em">{rule}</mtd></mtr>')
        for i, side in enumerate(sides_written(equation, writer)):
            rows.append(
                f'<mtr><mtd style="text-align:right">{left if i == 0 else ""}</mtd><mtd><mo>=</mo></mtd>'
                f'<mtd style="text-align:left"><mrow>{side}</mrow></mtd></mtr>'
            )
    return f'<math display="block"><mtable displaystyle="true">{"".join([*rows, *further])}</mtable></math>'


def _pieces(letters: str) -> str:
    """Scripts as MathML: numbers, letters and signs apart."""
    made = ""
    for letter in letters:
        tag = "mn" if letter.isdigit() else "mi" if letter.isalpha() else "mo"
        made += f"<{tag}>{escape(letter)}</{tag}>"
    return made
