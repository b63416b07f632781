"""How a person asks for a number of a network: as the grammar has it, or as a derivation printed it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from chainrule.explaining.grammar import written
from chainrule.explaining.name_reader import KINDS, Reader, Refused, read_or_refuse
from chainrule.explaining.naming import Naming
from chainrule.explaining.printed_names import PrintedNames, flat
from chainrule.explaining.quantities import (
    BATCH_COST,
    COST,
    Change,
    Derivative,
    Name,
    Path,
    Quantity,
    State,
    of_example,
)
from chainrule.explaining.text_form import name_text
from chainrule.options import whole_number


def ask(
    text: str, naming: Naming, askable: Callable[[Name], bool] = lambda name: True, x0: Sequence[bool] = ()
) -> Name:
    """Read a name in the grammar, or as this notation prints it.

    Where a text is both, as C is in a notation that calls the batch's cost C, what is printed counts.

    Parameters
    ----------
    text : str
    naming : Naming
        The notation, applied to the network.
    askable : callable
        Whether a name that may have been meant is there.
    x0 : sequence of bool
        Which layers have their biases among their weights.

    Raises
    ------
    UsageError
        If it is neither; with the nearest text that can be asked for.
    """
    return read_or_refuse(text, lambda candidate: _Asked(candidate, naming, x0).read(), askable)


def ask_array(text: str, naming: Naming) -> Name:
    """Read a name as `ask` does; what is printed for an only output and for their array alike is the array."""
    name = ask(text, naming)
    array = replace(name, units=()) if isinstance(name, Quantity) else name
    return array if flat(name_text(array, naming)) == flat(text.strip()) else name


def asked_as(name: Name, naming: Naming) -> str:
    """Write a name so that `ask` reads it back in this notation."""
    if name == COST and _shared(naming) == "C" and naming.example is not None:
        # C alone is the batch's there
        return name_text(name, naming) if isinstance(naming.example, str) else f"C @ {naming.example + 1}"
    return written(name, naming.notation.counting)


def _shared(naming: Naming) -> str:
    """The letter of both C and J, where a notation has one for both."""
    letter = naming.notation.letter("J")
    return letter if letter == naming.notation.letter("C") else ""


class _Asked:
    def __init__(self, text: str, naming: Naming, x0: Sequence[bool]) -> None:
        self.text, self.naming, self.x0 = text.strip(), naming, x0
        self.printed = PrintedNames(naming)

    def read(self) -> Name:
        letters = self.naming.notation.layers == "letters"  # Y is a layer there, where the grammar has the targets
        batch = self.text == _shared(self.naming) and self.naming.example is not None
        if not self.text.isascii() or batch or letters:
            found = self.as_printed(self.text)
            if found is not None:
                return found
        try:
            return self.reader(self.text).read()
        except Refused:
            found = self.as_printed(self.text) or self.as_variable(self.text)
            if found is None:
                raise
            return found

    def reader(self, text: str) -> Reader:
        """The grammar's reader, with the letters of this notation."""
        n = self.naming.notation
        words = {n.letter(kind): kind for kind in ("z", "a", "y", "W", "b", "delta", "beta")} | {
            n.letter("matrix"): "W"
        }
        words = {letter: kind for letter, kind in words.items() if letter not in KINDS and n.layers != "letters"}
        words[n.letter("C")] = "C"
        if n.letter("J") != n.letter("C") or self.naming.example is not None:
            words[n.letter("J")] = "J"
        first = n.counting.first_unit
        return Reader(
            text, self.printed.sizes, n.counting, words,
            lambda l: first == 1 and (n.bias == "w0" or (len(self.x0) >= l and self.x0[l - 1])),
        )  # fmt: skip

    def as_printed(self, text: str) -> Name | None:
        """Read what a derivation prints, or return None."""
        text = text.strip()
        if " via " in text:
            return self.path(*text.split(" via ", 1))
        if text.startswith(("Δ", "change ")):
            parameter = self.quantity(text.removeprefix("Δ").removeprefix("change "))
            return Change(parameter) if parameter is not None and parameter.kind in ("W", "b") else None
        applied = re.fullmatch(r"([^(\[]+)\((.*)\)", text)
        if applied and flat(applied[1]) in self.printed.functions():
            return self.applied(self.printed.functions()[flat(applied[1])], applied[2])
        fraction = re.fullmatch(r"[∂d](.+?)\s*/\s*[∂d](.+)", text)
        if fraction:
            return self.derivative(self.quantity(fraction[1]), self.quantity(fraction[2]))
        return self.quantity(text)

    def as_variable(self, text: str) -> Name | None:
        """Read a derivative of the cost as programs name it where delta is dz: dW[1], db[1], dA[1], dZ[1]."""
        n = self.naming.notation
        if n.letter("delta") != "d" + n.letter("z") or not text.startswith("d"):
            return None
        of = self.quantity(text[1:])
        if of is None or of.kind not in ("W", "b", "a", "z"):
            return None
        return self.derivative(BATCH_COST if of.kind in ("W", "b") else replace(COST, example=of.example), of)

    def quantity(self, text: str) -> Quantity | None:
        found = self.printed.quantity(text)
        if found is None:
            try:
                read = self.reader(text).read()
            except Refused:
                return None
            found = read if isinstance(read, Quantity) else None
        return found

    def applied(self, kind: str, inner: str) -> Name | None:
        of = [found for part in inner.split(", ") if (found := self.quantity(part)) is not None]
        if len(of) != inner.count(", ") + 1:
            return None
        first = of[0]
        if kind == "slope":
            return replace(first, kind="slope") if first.kind == "z" and len(of) == 1 else None
        if any(q.kind not in ("W", "b") or not q.units for q in of) or len(of) != 1 + (kind == "inverse"):
            return None
        return State(kind, first, of[1] if kind == "inverse" else None)

    def derivative(self, top: Quantity | None, bottom: Quantity | None) -> Name | None:
        """A fraction: what is below belongs to the example of what is above."""
        if top is None or bottom is None:
            return None
        if bottom.example is not None and bottom.example != top.example:
            return None
        if top.kind == "J" and bottom.kind == "a":
            bottom = self.whole(bottom)
            top = top if bottom.units else COST  # the array of all examples, in a notation with one letter for C and J
        if top.kind == "a" and not bottom.units:
            top = self.whole(top)  # the Jacobian
        made = self.reader(self.text).derivative(replace(top, example=None), replace(bottom, example=None))
        return made if top.example is None else of_example(made, top.example)

    def whole(self, q: Quantity) -> Quantity:
        """The array, for an only output that is printed without its number."""
        array = replace(q, units=())
        return array if name_text(array, self.naming) == name_text(q, self.naming) else q

    def path(self, whole: str, via: str) -> Name | None:
        name = self.as_printed(whole)
        via, at, example = via.partition("@")
        units = [part.strip() for part in via.split(",")]
        if not isinstance(name, (Derivative, Quantity)) or None in map(whole_number, units):
            return None
        made: Path = self.reader(self.text).path(name, ",".join(units))
        number = whole_number(example) if at else None
        return made if number is None else of_example(made, number - 1)
