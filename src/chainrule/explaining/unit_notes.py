"""What is said below a derivation of the inputs and outputs in it: what they are called and were in the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.explaining.asking import asked_as
from chainrule.explaining.expressions import Equation
from chainrule.explaining.names_in_text import places
from chainrule.explaining.naming import Naming
from chainrule.explaining.plain_form import finite
from chainrule.explaining.quantities import Derivative, Name, Path, Quantity, example_of
from chainrule.explaining.trees import symbols

if TYPE_CHECKING:
    from chainrule.explaining.definitions import Definitions

HEADING = "inputs and outputs by name"


@dataclass(frozen=True)
class Note:
    """What is said of one unit.

    Attributes
    ----------
    name : Quantity
        The input, the output or the target.
    called : str
        Its whole name.
    value : float or None
        Its number in the derivation's example; None where the derivation holds its weights or derivatives alone.
    words : str
        Its name as it is shown and, beside a value, what that was in the table.
    facts : dict
        The same for programs.
    """

    name: Quantity
    called: str
    value: float | None
    words: str
    facts: dict[str, Any] = field(default_factory=dict)


def notes_on(equations: Iterable[Equation], definitions: Definitions) -> tuple[Note, ...]:
    """Return a note on each input and output that some equations hold, where the network has names."""
    if definitions.units is None:
        return ()
    found: dict[Name, None] = {}
    for equation in equations:
        for side in (equation.left, *equation.sides):
            found |= dict.fromkeys(symbol.name for symbol in symbols(side))
    return notes_on_names(found, definitions)


def notes_on_names(names: Iterable[Name], definitions: Definitions) -> tuple[Note, ...]:
    """Return a note on each input and output among names, with a value where it is itself among them."""
    units = definitions.units
    if units is None:
        return ()
    L = definitions.values.L
    valued: dict[tuple[str, int, int], None] = {}
    there: dict[tuple[int, int], None] = {}
    for name in names:
        n = example_of(name)
        for q in _quantities(name):
            side = _side(q, L)
            if side:
                example = definitions.values.example if not isinstance(n, int) else n
                valued[side, q.units[0], example] = None
        there |= {place: None for place in places(name, L) if place[0] in (0, L)}
    made = [_of_example(definitions, *key) for key in sorted(valued, key=_order)]
    known = {(0 if kind == "x" else L, unit) for kind, unit, _ in valued}
    for l, unit in sorted(set(there) - known):
        side = "input" if l == 0 else "output"
        if units.of(side):
            q = Quantity("a", l, (unit,))
            made.append(Note(q, units.of(side)[unit], None, units.called(side, unit)))
    return tuple(note for note in made if note.called)


def whole_layers(definitions: Definitions, arrays: Iterable[Quantity]) -> tuple[Note, ...]:
    """Return the names of the units of arrays, and of single units among them: of the inputs and of the outputs."""
    sizes, L = definitions.values.network.sizes, definitions.values.L
    wanted: list[Name] = []
    for q in arrays:
        layers = {"W": (q.layer, int(q.layer or 0) - 1), "y": (L,)}.get(q.kind, (q.layer,))
        if q.units:
            wanted.append(replace(q, kind="z") if q.kind == "a" else q)
        else:
            wanted += [Quantity("z", l, (u,)) for l in layers if l in (0, L) for u in range(sizes[l])]
    return notes_on_names(wanted, definitions)


def called(definitions: Definitions) -> dict[str, str]:
    """Return what the inputs, targets and outputs are called, by what each is asked for by its number."""
    units, sizes, naming = definitions.units, definitions.values.network.sizes, definitions.naming
    if units is None:
        return {}
    found = {Quantity("a", 0, (i,)): name for i, name in enumerate(units.inputs)}
    if definitions.values.Y is not None:
        found |= {Quantity("y", None, (k,)): name for k, name in enumerate(units.outputs)}
    found |= {Quantity("a", len(sizes) - 1, (k,)): name for k, name in enumerate(units.outputs)}
    return {asked_as(q, naming): name for q, name in found.items()}


def plain_notes(notes: Sequence[Note], naming: Naming) -> list[dict[str, Any]]:
    """Write notes as plain data."""
    return [
        {
            "quantity": asked_as(note.name, naming),
            "name": note.called,
            **({} if note.value is None else {"value": finite(note.value)}),
            "says": note.words,
            **note.facts,
        }
        for note in notes
    ]


def _order(key: tuple[str, int, int]) -> tuple[int, int, int]:
    kind, unit, example = key
    return "xay".index(kind), example, unit


def _quantities(name: Name) -> list[Quantity]:
    """The inputs, outputs or targets that a name is itself, or is a derivative of or by."""
    match name:
        case Quantity():
            return [name]
        case Derivative(top, bottom):
            return [top, bottom]
        case Path(derivative):
            return _quantities(derivative)
    return []


def _side(q: Quantity, L: int) -> str:
    """Whether a quantity is one input, output or target: "x", "a", "y", or an empty text."""
    if len(q.units) != 1 or not isinstance(q.units[0], int):
        return ""
    if q.kind == "y":
        return "y"
    return {0: "x", L: "a"}.get(q.layer, "") if q.kind == "a" else ""


def _of_example(definitions: Definitions, kind: str, unit: int, example: int) -> Note:
    units, values = definitions.units, definitions.values
    assert units is not None
    side = "input" if kind == "x" else "output"
    names = units.of(side)
    n = None if example == values.example else example
    q = Quantity("y", None, (unit,), n) if kind == "y" else Quantity("a", 0 if kind == "x" else values.L, (unit,), n)
    numbers = np.asarray(values.array(Quantity(q.kind, q.layer, (), n)), dtype=np.float64)
    told = dict(units.tell(kind, unit, example, numbers)) if units.tell is not None and names else {}
    words = str(told.pop("words", "")) or units.called(side, unit)
    return Note(q, names[unit] if names else "", float(numbers[unit]) + 0.0, words, told)
