"""Derivations as LaTeX: an `aligned` environment, or a whole document."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import ClassVar

from chainrule.explaining.expressions import Cases, Condition, DerivativeOf, Equation, Expression, SumOver
from chainrule.explaining.naming import Applied, Fraction, Naming, Scripted, Shown
from chainrule.explaining.writing import POWER, PRODUCT, Writer, sides_written
from chainrule.numerals import MINUS, number

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_LATEX_LETTERS = {
    **{letter: rf"\{name}" for name, letter in GREEK.items()},
    "ℒ": r"\mathcal{L}", "ŷ": r"\hat{y}", "β₁": r"\beta_1", "β₂": r"\beta_2", "H⁻¹": "H^{-1}", "n_l": "n_l",
}  # fmt: skip
_NUMBERED = re.compile(r"(.+?)(\d*|\[.*\])")


class LatexWriter(Writer):
    """LaTeX with amsmath."""

    functions: ClassVar = {
        **{name: rf"\{name}" for name in ("ln", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
        "asin": r"\arcsin",
        "acos": r"\arccos",
        "atan": r"\arctan",
        "Phi": r"\Phi",
        "phi": r"\varphi",
    }
    signs: ClassVar = {"<=": r"\le", ">=": r"\ge"}

    def number(self, value: float) -> str:
        return latex_number(value, self.digits)

    def is_one_piece(self, written: str) -> bool:
        return r"\cdot" not in written

    def shown(self, shown: Shown) -> str:
        match shown:
            case Fraction():
                whole = rf"\frac{{\partial {self.scripted(shown.top)}}}{{\partial {self.scripted(shown.bottom)}}}"
                return rf"\left.{whole}\right|_{{\text{{via }}{shown.via}}}" if shown.via else whole
            case Applied():
                return f"{self.letter(shown.function)}({', '.join(map(self.scripted, shown.to))})"
        return self.scripted(shown)

    def letter(self, base: str) -> str:
        if base.startswith("Δ") and len(base) > 1:
            return r"\Delta " + self.letter(base[1:])
        primes = len(base) - len(base.rstrip("′"))
        bare = base.rstrip("′")
        bare = GREEK.get(bare, bare)
        if bare in _LATEX_LETTERS:
            return _LATEX_LETTERS[bare] + "'" * primes
        letter, number = _NUMBERED.fullmatch(bare).groups()  # type: ignore[union-attr]
        if letter in _LATEX_LETTERS:  # a layer's number behind its letter, as in delta1
            return _LATEX_LETTERS[letter] + rf"\mathrm{{{number}}}" + "'" * primes
        escaped = bare.replace("_", r"\_")
        return (bare if len(bare) == 1 else rf"\mathrm{{{escaped}}}") + "'" * primes

    def scripted(self, s: Scripted) -> str:
        written = self.letter(s.base)
        if s.sup or s.sub:
            sup = s.sup.replace("⟨", r"\langle ").replace("⟩", r"\rangle")
            return written + (f"^{{{sup}}}" if sup else "") + (f"_{{{s.sub}}}" if s.sub else "")
        return written + s.brackets

    def parentheses(self, inner: str) -> str:
        return rf"\left({inner}\right)"

    def between(self, sign: str) -> str:
        return {"·": r" \cdot ", MINUS: " - ", "@": r" \, ", "⊙": r" \odot "}.get(sign, f" {sign} ")

    def minus(self) -> str:
        return "-"

    def fraction(self, top: str, bottom: str) -> str:
        return rf"\frac{{{top}}}{{{bottom}}}"

    def power(self, base: str, exponent: Expression) -> str:
        return f"{{{base}}}^{{{self.write(exponent)}}}"

    def exp(self, exponent: Expression) -> tuple[str, int]:
        return f"e^{{{self.write(exponent)}}}", POWER

    def apply(self, name: str, inner: str) -> str:
        if name == "abs":
            return rf"\left|{inner}\right|"
        if name == "sqrt":
            return rf"\sqrt{{{inner}}}"
        if name not in self.functions and len(name) > 2 and name.isidentifier():
            escaped = name.replace("_", r"\_")
            return rf"\operatorname{{{escaped}}}" + self.parentheses(inner)
        return self.functions.get(name, self.letter(name)) + self.parentheses(inner)

    def cases(self, e: Cases) -> str:
        rows = [rf"{self.write(b)} & \text{{if }} {self.condition(c)}" for c, b in e.branches]
        rows.append(rf"{self.write(e.otherwise)} & \text{{otherwise}}")
        return r"\begin{cases}" + r" \\ ".join(rows) + r"\end{cases}"

    def condition(self, c: Condition) -> str:
        return f"{self.write(c.left)} {self.signs.get(c.sign, c.sign)} {self.write(c.right)}"

    def rest(self, words: str, value: str) -> str:
        return rf"\underbrace{{{value}}}_{{\text{{{words}}}}}"

    def sum_over(self, e: SumOver) -> str:
        return rf"\sum_{{{e.index}={e.first}}}^{{{e.last}}} {self.write(e.term, PRODUCT)}"

    def derivative_of(self, e: DerivativeOf) -> str:
        return rf"\frac{{\partial}}{{\partial {self.shown(self.naming.show(e.by))}}} \left[{self.write(e.of)}\right]"

    def transpose(self, inner: str) -> str:
        return f"{{{inner}}}^{{\\top}}"

    def matrix(self, rows: list[list[str]]) -> str:
        return r"\begin{pmatrix}" + r" \\ ".join(" & ".join(row) for row in rows) + r"\end{pmatrix}"


def latex(equations: Sequence[Equation], naming: Naming, digits: int | None, further: Sequence[str] = ()) -> str:
    """Write equations as an `aligned` environment, each with its rule behind it, and further rows below."""
    writer = LatexWriter(naming, digits)
    rows = []
    for equation in equations:
        left = writer.write(equation.left)
        for i, side in enumerate(sides_written(equation, writer)):
            rule = rf" && \text{{{latex_words(equation.rule)}}}" if i == 0 and equation.rule else ""
            rows.append(f"{left if i == 0 else ''} &= {side}{rule}")
    return "\\begin{aligned}\n" + " \\\\\n".join([*rows, *further]) + "\n\\end{aligned}"


def latex_document(derivations: Sequence[str], title: str = "Derivation") -> str:
    """Return a whole LaTeX document around derivations."""
    body = "\n\n".join(f"\\[\n{derivation}\n\\]" for derivation in derivations)
    return (
        "\\documentclass{article}\n\\usepackage{amsmath}\n\\usepackage[a3paper,landscape,margin=1.5cm]{geometry}\n"
        f"\\title{{{latex_words(title)}}}\\date{{}}\n\\begin{{document}}\n\\maketitle\n{body}\n\\end{{document}}\n"
    )


def latex_number(value: float, digits: int | None) -> str:
    """Write a number for LaTeX, with the digits that text has.

    >>> latex_number(-0.00001234, 4), latex_number(12345.0, 4)
    ('-1.234 \\\\cdot 10^{-5}', '12{,}345')
    """
    if math.isnan(value):
        return r"\text{NaN}"
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    mantissa, _, power = number(value, digits).replace(MINUS, "-").replace(",", "{,}").partition("·10")
    lowered = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return rf"{mantissa} \cdot 10^{{{lowered}}}" if power else mantissa


_SCRIPT_IN_WORDS = re.compile(r"(\w+)(\^)(-?\w+)|\b([^\W\d_])(_)(\w)\b")
_IN_WORDS = {
    "\\": r"\textbackslash{}", "_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''",
    MINUS: "$-$", "′": "$'$", "·": r"$\cdot$", "∂": r"$\partial$",
    **{letter: f"${command}$" for letter, command in _LATEX_LETTERS.items() if len(letter) == 1},
}  # fmt: skip


def latex_escaped(words: str) -> str:
    r"""Write words for LaTeX's text as they are, with what it takes as a command escaped.

    >>> print(latex_escaped("a_b 100 %"))
    a\_b 100 \%
    """
    return "".join(_IN_WORDS.get(c, c) for c in words)


def latex_words(words: str) -> str:
    r"""Write words for LaTeX's text: what it takes as a command escaped, powers and Greek letters as formulas.

    >>> print(latex_words("e^u is its own derivative; 100 % of z_i"))
    $e^{u}$ is its own derivative; 100 \% of $z_{i}$
    """
    done, at = "", 0
    for script in _SCRIPT_IN_WORDS.finditer(words):
        base, sign, exponent = (part.replace("_", r"\_") if part != "_" else part for part in script.groups() if part)
        shown = base if len(base) == 1 else rf"\mathrm{{{base}}}"
        done += latex_escaped(words[at : script.start()]) + f"${shown}{sign}{{{exponent}}}$"
        at = script.end()
    return done + latex_escaped(words[at:])
