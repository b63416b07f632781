"""Reads a name as a derivation prints it: a letter with its indices, in the notation that printed it.

What is read is written again and compared, so that nothing is taken for what it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from chainrule.explaining.naming import Naming
from chainrule.explaining.quantities import SETTINGS, STATE_KINDS, Index, Quantity
from chainrule.explaining.text_form import LOWERED, RAISED, name_text
from chainrule.options import whole_number

_UP = {raised: plain for plain, raised in RAISED.items() if plain not in "⟨⟩"}
_DOWN = {lowered: plain for plain, lowered in LOWERED.items()}
_PLAIN = str.maketrans({**_UP, **_DOWN})
_RAISED = re.compile(rf"(?<=.)[{re.escape(''.join(_UP))}⟨⟩]+")
_LOWERED = re.compile(f"[{re.escape(''.join(_DOWN))}]+")
_ONE_LETTER = re.compile(r"([\^_])([^{])")
_SCRIPTED = re.compile(r"(?P<base>[^\^_\[\]@]+)(?P<rest>.*)")
LAYERED = ("W", "b", "z", "a", "delta", "beta")


def flat(text: str) -> str:
    """Write raised and lowered letters as ^{...} and _{...}, and leave spaces out.

    >>> flat("W⁽¹⁾₂₃"), flat("a^{[1]}_{2}"), flat("w_2")
    ('W^{(1)}_{23}', 'a^{[1]}_{2}', 'w_{2}')
    """
    text = _LOWERED.sub(lambda m: f"_{{{m[0].translate(_PLAIN)}}}", text)
    text = _RAISED.sub(lambda m: f"^{{{m[0].translate(_PLAIN)}}}", text)
    text = _ONE_LETTER.sub(r"\1{\2}", text)
    return text.replace(" ", "").replace("'", "′")


class PrintedNames:
    """The letters of a notation, read back for one network."""

    def __init__(self, naming: Naming) -> None:
        self.naming, self.notation = naming, naming.notation
        assert naming.sizes is not None
        self.sizes = naming.sizes

    def quantity(self, text: str) -> Quantity | None:
        """Return the quantity that is printed so, or None."""
        wanted = flat(text)
        there = filter(self._is_there, dict.fromkeys(self._candidates(wanted)))
        found = [q for q in there if flat(name_text(q, self.naming)) == wanted]
        if not found:
            return None
        first = max(found, key=lambda q: len(q.units))  # of an only output and its array, the output
        return replace(first, example=None) if first.example == self.naming.example else first

    def functions(self) -> dict[str, str]:
        """What is printed before a parenthesis: the slope of an activation function, and what update rules remember."""
        states = {flat(self.notation.letter(kind)): kind for kind in STATE_KINDS}
        slopes = dict.fromkeys((flat(self.notation.letter("f")) + "′", "f′"), "slope")
        return {**{kind: kind for kind in STATE_KINDS}, **states, **slopes}

    def _candidates(self, text: str) -> Iterator[Quantity]:
        """Quantities that may be printed so, by their numbers."""
        for kind in SETTINGS:
            if text in (flat(self.notation.letter(kind)), kind) and kind != "share":
                yield Quantity(kind)
        match = _SCRIPTED.fullmatch(text)
        if match is None:
            return
        numbers = [self._numbers(group) for group in re.findall(r"[\[{]([^\[\]{}]*)[\]}]", match["rest"])]
        at = re.findall(r"@(N)|⟨(N)⟩|\]\((N)\)|\^\{\((N)\)\}".replace("N", r"[0-9]{1,18}"), text)
        examples: list[Index] = [None, *(int("".join(groups)) - 1 for groups in at)]
        last = numbers[-1] if numbers else [()]
        seen: set[tuple[Index, ...]] = {()}
        for units in last:
            seen |= {units, units[1:], units[:-1]}
            examples += [n - 1 for n in (*units[:1], *units[-1:])]
        if self.naming.example is None:
            examples = [n for n in examples if n in (None, 0)]  # of an only example
        if self.sizes[-1] == 1:
            seen.add((self.notation.counting.first_unit,))  # an only output may be printed without its number
        for units in seen:
            yield from self._of_units(units, examples)

    def _numbers(self, group: str) -> list[tuple[int, ...]]:
        """The numbers of an index: 1,12 or 12, which is 1 and 2, or 12."""
        parts = group.split(",")
        numbers = tuple(number for part in parts if (number := whole_number(part)) is not None)
        if len(numbers) < len(parts):
            return [()]
        return [numbers, tuple(map(int, group.strip()))] if len(numbers) == 1 and len(group.strip()) > 1 else [numbers]

    def _of_units(self, printed: tuple[Index, ...], examples: list[Index]) -> Iterator[Quantity]:
        first = self.notation.counting.first_unit
        counted = tuple(n - first for n in printed)
        orders = {counted, counted[::-1]}
        if 0 in printed and self.notation.bias == "w0":
            orders |= {counted[1:], counted[:-1]}
        L = len(self.sizes) - 1
        for units in orders:
            for example in dict.fromkeys(examples):
                for kind in ("C", "J", "y", "share"):
                    yield Quantity(kind, None, units, example)
                for kind in LAYERED:
                    for l in range(L + 1):
                        yield Quantity(kind, l, units, example)

    def _is_there(self, q: Quantity) -> bool:
        """Whether the network has such a quantity, of the right number of units."""
        if q.kind in ("C", "J", *SETTINGS):
            return not q.units and (q.example is None or q.kind in ("C", "share"))
        if q.kind in ("W", "b") and q.example is not None:
            return False
        if q.layer is None:
            return q.kind == "y" and self._within(q.units, (self.sizes[-1],))
        if q.layer == 0 and q.kind != "a":
            return False
        shape = (self.sizes[q.layer - 1], self.sizes[q.layer]) if q.kind == "W" else (self.sizes[q.layer],)
        return self._within(q.units, shape)

    def _within(self, units: tuple[Index, ...], shape: tuple[int, ...]) -> bool:
        return not units or (len(units) == len(shape) and all(0 <= u < n for u, n in zip(units, shape, strict=True)))
