"""Reads names of inputs and outputs where a person wrote them in place of numbers: W[1][area,2] is W[1][3,2]."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chainrule.errors import UsageError
from chainrule.explaining.name_reader import KINDS, OTHER_NAMES
from chainrule.explaining.naming import Naming
from chainrule.explaining.quantities import (
    Change,
    Derivative,
    Name,
    OfMember,
    Path,
    Quantity,
    State,
)
from chainrule.explaining.unit_names import NoSuchName, UnitNames, quoted

# "a name", or anything else without brackets and commas.
_PART = r'\s*(?:"(?:[^"]|"")*"\s*|[^\[\],"\s][^\[\],]*|)'
_BRACKET = rf"\[{_PART}(?:,{_PART})*\]"
_QUOTED = r'"(?:[^"]|"")*"'  # of a path, outside brackets
_GROUP = re.compile(
    rf"{_QUOTED}|(?P<letter>[^\W\d_]+['′]?)(?P<number>\d*)\s*(?P<brackets>{_BRACKET}(?:\s*{_BRACKET})*)"
)
_EACH_BRACKET, _EACH_PART = re.compile(rf"\[({_PART}(?:,{_PART})*)\]"), re.compile(rf"({_PART})(?:,|$)")
_NUMBER = re.compile(r"\s*[+-]?\d+\s*")
_VIA = re.compile(r"(.*?\svia\s)((?:\"(?:[^\"]|\"\")*\"|[^\"@])*)(@.*)?", re.DOTALL)
_LAYERED = ("z", "a", "W", "b", "delta", "beta")
Place = tuple[int, int]  # a layer, and a unit of it


def numbered(text: str, naming: Naming, units: UnitNames | None) -> tuple[str, set[Place]]:
    """Write numbers in place of names, as the notation counts.

    A number without quotes is an index, whatever inputs are called.

    Parameters
    ----------
    text : str
        Such as ``dC/dx["net area"]``.
    naming : Naming
        The notation, applied to the network.
    units : UnitNames or None
        None where the network has no names.

    Returns
    -------
    (str, set of (layer, unit))
        The text, and the units that were named, counted from 0.

    Raises
    ------
    UsageError
        If a name is unknown, means several units, or stands where units have no names.

    Examples
    --------
    >>> from chainrule.explaining.presets import PRESETS
    >>> numbered('dC/dW[1]["net area",2]', Naming(PRESETS["chainrule"], (2, 3, 1)), UnitNames(("net area", "age")))
    ('dC/dW[1][1,2]', {(0, 0)})
    """
    reader = _Names(text, naming, units or UnitNames())
    try:
        return reader.read(), reader.named
    except NoSuchName as why:
        raise UsageError(f"{text.strip()}: {why}.") from None


def refuse_misread(text: str, named: set[Place], name: Name, L: int) -> None:
    """Refuse a text whose names are no units of what was read: it would be another quantity than the one meant.

    Raises
    ------
    UsageError
    """
    if not named <= set(places(name, L)):
        raise UsageError(f"{text.strip()}: which unit is named here is not certain. Write its number.")


class _Names:
    def __init__(self, text: str, naming: Naming, units: UnitNames) -> None:
        assert naming.sizes is not None
        self.text, self.notation, self.sizes, self.units = text, naming.notation, naming.sizes, units
        self.counting, self.L = self.notation.counting, len(naming.sizes) - 1
        self.named: set[Place] = set()

    def read(self) -> str:
        text = _GROUP.sub(self.group, self.text)
        via = _VIA.fullmatch(text)
        if via:
            text = via[1] + ",".join(self.passed(part) for part in _parts(via[2])) + (via[3] or "")
        if '"' in text:
            raise NoSuchName(
                'a name in double quotes stands in brackets, as in x["net area"], and a double quote within it is '
                "written twice"
            )
        return text

    def group(self, match: re.Match[str]) -> str:
        """A letter with its brackets, the last of which holds units."""
        if match["letter"] is None:
            return match[0]
        *before, last = _EACH_BRACKET.findall(match["brackets"])
        parts = _parts(last)
        kind = self.kind(match["letter"])
        if kind in (None, "C", "J") or (kind in _LAYERED) != bool(before or match["number"]):
            return match[0]  # whole arrays, and what is no quantity: for the grammar
        number = before[0] if before else match["number"]
        if kind in _LAYERED and (len(before) + bool(match["number"]) > 1 or not _NUMBER.fullmatch(number)):
            return match[0]
        if kind not in _LAYERED:
            layers = [0] if kind == "x" else [self.L]
        else:
            l = int(number) - (self.counting.first_weights - 1 if kind in ("W", "b") else self.counting.input_layer)
            layers = ([l - 1, l] if self.counting.from_to else [l, l - 1]) if kind == "W" else [l]
        if len(parts) != len(layers) and not any(part.strip() and not _NUMBER.fullmatch(part) for part in parts):
            return match[0]
        if len(layers) == 1 and len(parts) > 1 and '"' not in last:
            parts = [last]  # a comma within a name
        if len(parts) != len(layers):
            raise NoSuchName(
                f"{match['letter']} has {'two units' if kind == 'W' else 'one unit'}, and here stand {len(parts)}. A "
                "name with commas stands in double quotes"
            )
        written = ",".join(self.part(part, l) for part, l in zip(parts, layers, strict=True))
        return f"{match[0][: len(match[0]) - len(last) - 2]}[{written}]"

    def kind(self, letter: str) -> str | None:
        """What a letter stands for, behind the sign of a derivative or of a change; None if it is no quantity's."""
        n = self.notation
        own = {n.letter(kind): kind for kind in ("x", "y", *_LAYERED)} | {n.letter("matrix"): "W"}
        if n.layers == "letters":  # x, y and z are layers there: only the grammar's own names have brackets
            own = {}
        known = {**OTHER_NAMES, **own, **{kind: kind for kind in KINDS}}
        for text in dict.fromkeys((letter, letter.removeprefix("Δ").removeprefix("∂"), letter.removeprefix("d"))):
            if text in known:
                return known[text]
        return None

    def passed(self, part: str) -> str:
        """A unit on a path: of the outputs, where it is a name."""
        return part if _NUMBER.fullmatch(part) else self.part(part, self.L)

    def part(self, part: str, l: int) -> str:
        """A unit's number in place of its name, in layer l."""
        text, first = part.strip(), self.counting.first_unit
        side = "input" if l == 0 else "output" if l == self.L else ""
        if _NUMBER.fullmatch(text):
            if side and int(text) >= first + self.sizes[l] and self.units.has(text, side):
                raise NoSuchName(
                    f"a number without quotes counts {side}s, {first} to {first + self.sizes[l] - 1}; the {side} of "
                    f"that name is {quoted(text)}"
                )
            return part
        if not text:
            return part
        if not side:
            there = f"the units of layer {self.counting.layer(l)} have none" if 0 < l < self.L else "this is no layer"
            raise NoSuchName(f"only inputs and outputs have names; {there}")
        unit = self.units.unit(_unquoted(text), side, first)
        self.named.add((l, unit))
        return str(unit + first)


def _parts(inside: str) -> list[str]:
    """What stands between commas, those within quotes left alone."""
    return [match[1] for match in _EACH_PART.finditer(f"{inside},") if match[0]]


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def places(name: Name, L: int) -> Iterator[Place]:
    """The layers and units that a quantity names, of a network of L layers; two of a weight."""
    match name:
        case Quantity(kind="W", layer=int(l), units=(int(i), int(k))):
            yield from ((l - 1, i), (l, k))
        case Quantity(kind="y", units=(int(k),)):
            yield (L, k)
        case Quantity(layer=int(l), units=(int(k),)):
            yield (l, k)
        case Derivative(top, bottom):
            yield from (*places(top, L), *places(bottom, L))
        case Path(derivative, via):
            yield from places(derivative, L)
            yield from enumerate(via, start=int(derivative.bottom.layer) + 1)
        case Change(parameter):
            yield from places(parameter, L)
        case State(parameter=parameter, column=column):
            yield from places(parameter, L)
            yield from () if column is None else places(column, L)
        case OfMember(quantity):
            yield from places(quantity, L)
