"""A notation applied to a network: from a quantity to its letter, its indices and where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import (
    Change,
    Derivative,
    Index,
    Name,
    OfMember,
    Path,
    Quantity,
    State,
    has_examples,
)


@dataclass(frozen=True)
class Scripted:
    """A letter with its subscript and superscript; `brackets` is how text writes both, where it does not raise them."""

    base: str
    sub: str = ""
    sup: str = ""
    brackets: str = ""


@dataclass(frozen=True)
class Fraction:
    """A derivative, d top / d bottom, perhaps along one path only."""

    top: Scripted
    bottom: Scripted
    via: str = ""


@dataclass(frozen=True)
class Applied:
    """A function of names, such as f'(z)."""

    function: str
    to: tuple[Scripted, ...]


Shown = Scripted | Fraction | Applied


@dataclass(frozen=True)
class Naming:
    """A notation applied to a network of some depth.

    Attributes
    ----------
    notation : Notation
    sizes : tuple of int
        Units per layer; None in a derivation for any depth.
    example : int or str, optional
        The row, or the letter for one, that quantities without an example belong to, where there are several. Where C
        and J share a letter, C carries it.
    """

    notation: Notation
    sizes: tuple[int, ...] | None = None
    example: int | str | None = None

    def show(self, name: Name) -> Shown:
        """How a quantity looks in this notation."""
        match name:
            case Derivative():
                bottom = name.bottom
                if name.top.example is not None and bottom.kind in ("a", "z") and bottom.example is None:
                    bottom = replace(bottom, example=name.top.example)
                shared = self.notation.letter("C") == self.notation.letter("J")
                top = Quantity("J") if shared and has_examples(name) else name.top  # of all examples: without a number
                return Fraction(self.scripted(top), self.scripted(bottom))
            case Path():
                inner = self.show(name.derivative)
                assert isinstance(inner, Fraction)
                return Fraction(inner.top, inner.bottom, ",".join(str(self.unit(u)) for u in name.via))
            case Change():
                inner = self.scripted(name.parameter)
                return Scripted("Δ" + inner.base, inner.sub, inner.sup, inner.brackets)
            case State():
                of = (name.parameter,) if name.column is None else (name.parameter, name.column)
                which = () if name.step is None else (Scripted(str(name.step)),)
                return Applied(self.notation.letter(name.kind), (*map(self.scripted, of), *which))
            case OfMember():
                whose = "mean" if name.member is None else f"net{name.member + 1}"
                return Applied(whose, (self.scripted(name.quantity),))
        if name.kind == "slope":
            return Applied(self.notation.letter("f") + "′", (self.scripted(replace(name, kind="z")),))
        return self.scripted(name)

    def unit(self, u: Index) -> Index:
        """A unit's number as counted here."""
        return u + self.notation.counting.first_unit if isinstance(u, int) else u

    def scripted(self, q: Quantity) -> Scripted:
        """A letter with its indices."""
        if q.kind == "variable":
            return _typed(str(q.units[0]))
        n = self.notation
        L = len(self.sizes) - 1 if self.sizes else None
        base, layer, units = self._letter(q, L), q.layer, [str(u) for u in n.counting.units(q) if u != ""]
        inputs = q.kind == "a" and q.layer == 0
        outputs = q.kind == "a" and n.letter("output") and q.layer is not None and q.layer in (L, "L")
        if inputs or outputs:
            layer = None
            if outputs and self.sizes and self.sizes[-1] == 1:
                units = []
        if q.kind == "y" and self.sizes and self.sizes[-1] == 1 and n.letter("output"):
            units = []
        if q.kind == "b" and n.bias == "w0":
            units = ["0", *units] if n.counting.from_to else [*units, "0"]
        n_th = self.example if q.kind == "C" and q.example is None and n.letter("C") == n.letter("J") else q.example
        example = str(n_th + 1) if isinstance(n_th, int) else n_th or ""
        sup, brackets = "", ""
        if layer is not None and not self._lettered(L):
            number = str(n.letter("L") if layer == "L" else n.counting.layer(layer, q.kind))
            if n.layers == "appended":
                base += number if number.isdigit() else f"[{number}]"
            else:
                sup = number if n.layers == "plain" else f"[{number}]" if n.layers == "square" else f"({number})"
            brackets = f"[{number}]"
        if n.layers in ("brackets", "square", "appended"):
            brackets = ("" if n.layers == "appended" else brackets) + _bracket(units) + (f"@{example}" * bool(example))
        else:
            brackets = ""
        array = not q.units and q.kind in ("z", "a", "y", "delta", "beta")  # whose lone index would read as a unit's
        if example and (array or n.example_index in ("above", "parens")):
            sup += f"({example})" if n.example_index == "parens" else f"⟨{example}⟩"
        elif example:
            units = [example, *units] if n.example_index == "first" else [*units, example]
        close = all(len(u) == 1 for u in units) and not (len(units) > 1 and example in units and self._two_digits)
        return Scripted(base, ("" if close else ",").join(units), sup, brackets)

    @property
    def _two_digits(self) -> bool:
        """Whether a unit's number may have two digits, so that 12 could be example 1 and unit 2, or unit 12."""
        return self.sizes is not None and max(self.sizes) - 1 + self.notation.counting.first_unit > 9

    def _letter(self, q: Quantity, L: int | None) -> str:
        n = self.notation
        if q.kind == "a" and q.layer == 0 and not self._lettered(L):
            return self._cased(n.letter("x"), q)
        if q.kind == "a" and n.letter("output") and q.layer is not None and q.layer in (L, "L"):
            return n.letter("output")
        if self._lettered(L) and q.layer is not None and isinstance(q.layer, int) and L is not None:
            back = L - q.layer
            if q.kind == "a":
                return self._cased("xyz"[2 - back], q)
            if q.kind == "z":
                return "RS"[1 - back] if not q.units else "rs"[1 - back]
            if q.kind == "W":
                return self._cased("vw"[1 - back], q)
            return n.letter(q.kind) + ("" if back == 0 else "′")
        if q.kind == "W":
            return n.letter("W") if q.units else n.letter("matrix")
        if q.kind == "b" and n.bias == "w0":
            return n.letter("W")
        return self._cased(n.letter(q.kind), q) if q.kind in ("z", "a", "y", "mask") else n.letter(q.kind)

    def _cased(self, letter: str, q: Quantity) -> str:
        return letter.upper() if self.notation.capitals and not q.units and len(letter) == 1 else letter

    def _lettered(self, L: int | None) -> bool:
        """Whether layers go by letters: only x, y and z are there."""
        return self.notation.layers == "letters" and L is not None and L <= 2


def _typed(name: str) -> Scripted:
    """A name as it was typed; drawn with what follows the letter below it: x1 and x_1 as x with a 1."""
    letter, below = re.fullmatch(r"([^\W\d_]+|.+?)_?(\d+|(?<=_)\w+)?", name).groups()  # type: ignore[union-attr]
    return Scripted(letter, below or "", "", name[len(letter) :])


def _bracket(units: list[str]) -> str:
    return f"[{','.join(units)}]" if units else ""
