"""Reads the name of a number in the grammar of `grammar`, or says what is wrong and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from chainrule.errors import UsageError, did_you_mean
from chainrule.explaining.quantities import (
    COST,
    Change,
    Counting,
    Derivative,
    Name,
    Path,
    Quantity,
    bias,
    of_example,
    weight,
)

KINDS = {"W": "weight", "b": "bias", "z": "pre-activation", "a": "activation", "x": "input", "y": "target",
          "delta": "delta", "beta": "beta", "C": "cost of an example", "J": "cost of the batch"}  # fmt: skip
OTHER_NAMES = {"w": "W", "X": "x", "Y": "y", "t": "y", "d": "y", "net": "z", "sum": "z", "s": "z", "o": "a", "h": "a",
                "δ": "delta", "β": "beta", "E": "C", "L": "C", "A": "a", "Z": "z", "B": "b"}  # fmt: skip
_QUANTITY = re.compile(r"([A-Za-zδβ]+)((?:\[[^\[\]]*\])*)")


class Refused(Exception):
    """A text that is no name: why, and what may have been meant, which is a text to try in turn."""

    def __init__(self, what: str, meant: str = "") -> None:
        super().__init__(what)
        self.what, self.meant = what, meant


def read_or_refuse(text: str, read: Callable[[str], Name], askable: Callable[[Name], bool] = lambda name: True) -> Name:
    """Read a name, or raise UsageError with the nearest text that can be asked for, mending a mistake at a time."""
    try:
        return read(text)
    except Refused as first:
        refused, meant = first, ""
        for _ in range(6):
            if not refused.meant or refused.meant == text:
                break
            try:
                meant = refused.meant if askable(read(refused.meant)) else ""
                break
            except Refused as next_:
                refused = next_
        end = f". Did you mean {meant}?" if meant else "."
        raise UsageError(f"{text.strip() or chr(34) * 2}: {first.what}{end}") from None


class Reader:
    """Reads one name; every refusal says what is allowed, and the nearest thing that exists.

    Parameters
    ----------
    text : str
    sizes : tuple of int
    counting : Counting
    words : dict
        Further letters for kinds of quantities.
    w0 : callable (layer) -> bool
        Whether W[layer][0,k] is the bias of unit k, for which units must count from 1.
    """

    def __init__(
        self, text: str, sizes: tuple[int, ...], counting: Counting, words: Mapping[str, str] | None = None,
        w0: Callable[[int], bool] = lambda l: False,
    ) -> None:  # fmt: skip
        self.sizes, self.counting, self.words, self.w0 = sizes, counting, words or {}, w0
        self.text = text.strip().replace("∂", "d").replace("δ", "delta").replace("β", "beta").replace("Δ", "change ")

    def read(self) -> Name:
        text = self.text
        if not text:
            raise self.error("a quantity is written as z[1][2] or dC/dW[1][2,1]")
        text, at, row = text.partition("@")
        example = self.number(row, "an example, counted from 1, stands after @") - 1 if at else None
        if example is not None and example < 0:
            raise self.error("examples are counted from 1")
        text, through, via = f"{text.strip()} ".partition(" via ")
        name = self.name(text.strip())
        if through:
            name = self.path(name, via)
        if example is None:
            return name
        if of_example(name, example) == name:
            raise self.error("this belongs to no single example; leave @ out")
        return of_example(name, example)

    def name(self, text: str) -> Name:
        if text.startswith(("change ", "update ")):
            parameter = self.quantity(text.split(None, 1)[1])
            if parameter.kind not in ("W", "b"):
                raise self.error("a change is one of a weight or a bias, as in change W[1][2,1]")
            return Change(parameter)
        if "/" not in text:
            return self.quantity(text)
        top, _, bottom = text.partition("/")
        if not (top.strip().startswith("d") and bottom.strip().startswith("d")):
            raise self.error("a derivative is written as dC/dW[1][2,1]")
        return self.derivative(self.quantity(top.strip()[1:]), self.quantity(bottom.strip()[1:]))

    def derivative(self, top: Quantity, bottom: Quantity) -> Name:
        if top.kind not in ("C", "J", "a", "z") or bottom.kind not in ("a", "z", "W", "b"):
            raise self.error("what is differentiated is C, J, a or z; by a, z, x, W or b")
        if top.kind == "J" and bottom.kind not in ("W", "b"):
            raise self.error("J belongs to a batch and is differentiated by W or b; for one example write dC/...")
        if top.kind == "C" and bottom.kind == "z":
            return replace(bottom, kind="delta")
        whole = not top.units and not bottom.units
        if isinstance(top.layer, int) and isinstance(bottom.layer, int) and not top.units and not whole:
            first = self.counting.first_unit
            raise self.error(f"which unit? write d{top.kind}[{self.counting.layer(top.layer)}][{first}]/...")
        if isinstance(top.layer, int) and isinstance(bottom.layer, int):
            after = bottom.layer > top.layer or (top.kind == "z" and bottom.kind == "a" and bottom.layer == top.layer)
            if after:
                raise self.error("what is differentiated must come after what it is differentiated by")
        return Derivative(top, bottom)

    def path(self, name: Name, via: str) -> Path:
        if isinstance(name, Quantity) and name.kind == "delta":
            name = Derivative(COST, replace(name, kind="z"))
        if not isinstance(name, Derivative) or name.top.kind == "J" or not name.bottom.units:
            raise self.error("a path belongs to a derivative of C or of a unit, as in dC/dW[1][2,1] via 3")
        start, L = int(name.bottom.layer or 0), len(self.sizes) - 1
        end = L + 1 if name.top.kind == "C" else int(name.top.layer or 0)
        layers = range(start + 1, end)
        if not layers:
            raise self.error("there is one path only, which passes no other unit; leave via out")
        units = [self.number(part, "units are numbers") - self.counting.first_unit for part in via.split(",")]
        if len(units) != len(layers):
            s = "s" * (len(layers) > 1)
            raise self.error(f"this path passes {len(layers)} layer{s}, so via names {len(layers)} unit{s}")
        for l, unit in zip(layers, units, strict=True):
            self.check(unit, self.sizes[l], f"layer {self.counting.layer(l)}", "")
        return Path(name, tuple(units))

    def quantity(self, text: str) -> Quantity:
        match = _QUANTITY.fullmatch(text.replace(" ", ""))
        if not match:
            raise self.error("a quantity is written as z[1][2] or dC/dW[1][2,1]")
        given, brackets = match.group(1), re.findall(r"\[([^\[\]]*)\]", match.group(2))
        kind = given if given in KINDS else self.words.get(given, OTHER_NAMES.get(given, given))
        if kind not in KINDS:
            near = did_you_mean(kind, KINDS).partition('"')[2].partition('"')[0]
            meant = self.text.replace(text, near + match.group(2), 1) if near else ""
            raise self.error(f'"{kind}" is no quantity. Allowed: {", ".join(KINDS)}', meant)
        if kind in ("C", "J"):
            return self.without_brackets(kind, brackets)
        if kind in ("x", "y"):
            return self.input_or_target(kind, brackets, text)
        if not 1 <= len(brackets) <= 2:
            form = "[1][2,1]" if kind == "W" else "[1][2]"
            article = "an" if KINDS[kind][0] in "aeiou" else "a"
            raise self.error(f"{article} {KINDS[kind]} has a layer and a unit, as in {kind}{form}")
        layer = self.layer(kind, self.number(brackets[0], "a layer is a number"), text)
        if len(brackets) == 1:
            return Quantity("a" if kind == "x" else kind, layer)
        return self.weight(layer, brackets[1], text) if kind == "W" else self.unit(kind, layer, brackets[1], text)

    def without_brackets(self, kind: str, brackets: list[str]) -> Quantity:
        if brackets:
            raise self.error(f"{kind} is one number: write {kind}, or {kind} @ 2 for the second example")
        return Quantity(kind)

    def input_or_target(self, kind: str, brackets: list[str], text: str) -> Quantity:
        if len(brackets) > 1:
            raise self.error(f"{kind} has one index, as in {kind}[2]")
        quantity = Quantity("a", 0) if kind == "x" else Quantity("y")
        if not brackets:
            return quantity
        size = self.sizes[0] if kind == "x" else self.sizes[-1]
        unit = self.number(brackets[0], "a unit is a number") - self.counting.first_unit
        self.check(unit, size, "the input" if kind == "x" else "the output", text)
        return replace(quantity, units=(unit,))

    def layer(self, kind: str, number: int, text: str) -> int:
        c, L = self.counting, len(self.sizes) - 1
        first = 0 if kind == "a" else 1
        layer = number - (c.first_weights - 1 if kind in ("W", "b") else c.input_layer)
        if not first <= layer <= L:
            low, high = c.layer(first, kind), c.layer(L, kind)
            nearest = f"[{min(max(number, int(low)), int(high))}]"
            meant = self.text.replace(text, re.sub(r"\[[^\[\]]*\]", nearest, text, count=1), 1)
            raise self.error(f"{kind} is there for layers {low} to {high} of this network", meant)
        return layer

    def unit(self, kind: str, layer: int, bracket: str, text: str) -> Quantity:
        unit = self.number(bracket, "a unit is one number") - self.counting.first_unit
        self.check(unit, self.sizes[layer], f"layer {self.counting.layer(layer, kind)}", text)
        return Quantity(kind, layer, (unit,))

    def weight(self, layer: int, bracket: str, text: str) -> Quantity:
        c = self.counting
        given = [self.number(part, "a weight has two units") - c.first_unit for part in bracket.split(",")]
        if len(given) != 2:
            raise self.error("a weight has two units, as in W[1][2,1]")
        i, k = given if c.from_to else given[::-1]
        fan_in, fan_out = self.sizes[layer - 1], self.sizes[layer]
        if 0 <= i < fan_in and 0 <= k < fan_out:
            return weight(layer, i, k)
        if i == -1 and c.first_unit == 1 and 0 <= k < fan_out and self.w0(layer):
            return bias(layer, k)
        order = "from, to" if c.from_to else "to, from"
        here = f"W[{c.layer(layer, 'W')}] leads from {fan_in} units to {fan_out}, its indices are [{order}]"
        if 0 <= k < fan_in and 0 <= i < fan_out:
            meant = (k, i)
        else:
            meant, here = (
                (min(max(i, 0), fan_in - 1), min(max(k, 0), fan_out - 1)),
                f"{here}, counted from {c.first_unit}",
            )
        u, v = (n + c.first_unit for n in (meant if c.from_to else meant[::-1]))
        raise self.error(here, self.text.replace(text, text.replace(f"[{bracket}]", f"[{u},{v}]"), 1))

    def check(self, unit: int, size: int, where: str, text: str) -> None:
        first = self.counting.first_unit
        if not 0 <= unit < size:
            nearest = min(max(unit, 0), size - 1) + first
            meant = self.text.replace(text, re.sub(r"\[[^\[\]]*\]$", f"[{nearest}]", text), 1) if text else ""
            raise self.error(f"{where} has {size} unit{'s' * (size > 1)}, {first} to {size - 1 + first}", meant)

    def number(self, text: str, otherwise: str) -> int:
        if not re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text):
            raise self.error(f'{otherwise}; received "{text.strip()}"')
        return int(text)

    def error(self, what: str, meant: str = "") -> Refused:
        return Refused(what, meant)
