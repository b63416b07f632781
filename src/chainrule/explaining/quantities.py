"""The names of numbers: what every quantity of a forward and a backward pass is called inside.

Layer 0 is the input, units and examples count from 0, and a weight has the unit that it comes from first. `grammar`
reads and writes them as a person does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

Index = Any  # an int; a letter in a derivation without numbers; None where there is none


@dataclass(frozen=True)
class Quantity:
    """One number, or the whole array where `units` is empty.

    Attributes
    ----------
    kind : str
        "x" never stands here: an input is "a" of layer 0.
    layer : int, str or None
    units : tuple
        (unit,), or (from, to) for a weight.
    example : int, str or None
        Row, counted from 0; None is the example that is explained.
    """

    kind: str
    layer: Index = None
    units: tuple[Index, ...] = ()
    example: Index = None


@dataclass(frozen=True)
class Derivative:
    """d top / d bottom."""

    top: Quantity
    bottom: Quantity


@dataclass(frozen=True)
class Path:
    """One path of a derivative: the units it passes in the layers after the bottom's, up to the top's."""

    derivative: Derivative
    via: tuple[int, ...]


@dataclass(frozen=True)
class Change:
    """What an update adds to a weight or a bias."""

    parameter: Quantity


@dataclass(frozen=True)
class State:
    """What an update rule remembers of a weight or a bias: its velocity, its running means, its step.

    Attributes
    ----------
    kind : str
        "v", "mean", "mean_square", "step", "gradient" for its derivative as the rule receives it, "inverse" for an
        entry of Levenberg-Marquardt's inverse matrix, "moved" and "turned" for what L-BFGS remembers.
    parameter : Quantity
    column : Quantity or None
        The other parameter of such an entry.
    step : int or None
        Of an earlier update: its number; for L-BFGS how many remembered steps back.
    """

    kind: str
    parameter: Quantity
    column: Quantity | None = None
    step: int | None = None


@dataclass(frozen=True)
class OfMember:
    """A quantity of one of several networks that answer together, counted from 0; of None, their mean."""

    quantity: Quantity
    member: int | None = None


SETTINGS = ("eta", "lambda", "N", "share")  # numbers that an equation takes from outside the network
STATE_KINDS = ("v", "mean", "mean_square", "step", "inverse")

Name = Quantity | Derivative | Path | Change | State | OfMember

# ---- the quantities that formulas are made of -------------------------------------------------------------------

COST, BATCH_COST = Quantity("C"), Quantity("J")


def cost_of(example: Index) -> Quantity:
    """The cost of one example."""
    return Quantity("C", example=example)


def a(layer: Index, unit: Index, example: Index = None) -> Quantity:
    """An activation; an input for layer 0."""
    return Quantity("a", layer, (unit,), example)


def z(layer: Index, unit: Index, example: Index = None) -> Quantity:
    """A pre-activation."""
    return Quantity("z", layer, (unit,), example)


def y(unit: Index, example: Index = None) -> Quantity:
    """A target."""
    return Quantity("y", None, (unit,), example)


def weight(layer: Index, i: Index, k: Index) -> Quantity:
    """The weight on the connection from unit i of the layer before to unit k."""
    return Quantity("W", layer, (i, k))


def bias(layer: Index, k: Index) -> Quantity:
    """A bias."""
    return Quantity("b", layer, (k,))


def delta(layer: Index, unit: Index, example: Index = None) -> Quantity:
    """The derivative of C with respect to a pre-activation."""
    return Quantity("delta", layer, (unit,), example)


def variable(name: str) -> Quantity:
    """A name that belongs to no network: of a formula that a person typed, or an index by itself."""
    return Quantity("variable", None, (name,))


def of_example(name: Name, example: Index) -> Name:
    """Return the same quantity of one example; weights and J belong to none. A derivative's example is its top's."""
    match name:
        case Quantity():
            return name if name.kind in ("W", "b", "J") else replace(name, example=example)
        case Derivative():
            return name if name.top.kind == "J" else replace(name, top=replace(name.top, example=example))
        case Path():
            return replace(name, derivative=of_example(name.derivative, example))  # type: ignore[arg-type]
    return name


def example_of(name: Name) -> Index:
    """The example that a name points at, None for the one explained."""
    match name:
        case Quantity():
            return name.example
        case Derivative():
            return name.top.example
        case Path():
            return name.derivative.top.example
    return None


@dataclass(frozen=True)
class Counting:
    """How a notation counts.

    Attributes
    ----------
    input_layer : int
        The number of the inputs.
    first_weights : int
        The number of the weights out of the inputs.
    first_unit : int
        0 or 1.
    from_to : bool
        Whether a weight's first index is the unit it comes from.
    """

    input_layer: int = 0
    first_weights: int = 1
    first_unit: int = 1
    from_to: bool = True

    def layer(self, l: Index, kind: str = "a") -> Index:
        """The number that this notation gives a layer, or its weights and biases."""
        return shifted(l, self.first_weights - 1 if kind in ("W", "b") else self.input_layer)

    def units(self, quantity: Quantity) -> tuple[Index, ...]:
        """The units as this notation counts and orders them."""
        counted = tuple(shifted(u, self.first_unit) if isinstance(u, int) else u for u in quantity.units)
        return counted[::-1] if quantity.kind == "W" and not self.from_to else counted


def shifted(l: Index, by: int) -> Index:
    """Add to a layer number, also to one that is a letter.

    >>> shifted("l+1", -1), shifted("L", -1), shifted(2, 1)
    ('l', 'L-1', 3)
    """
    if isinstance(l, int):
        return l + by
    letter, sign, number = re.fullmatch(r"([^+-]+)(?:([+-])(\d+))?", l).groups()  # type: ignore[union-attr]
    offset = by + int((sign or "+") + (number or "0"))
    return f"{letter}{offset:+d}" if offset else letter


CORE = Counting()


# ---- what kind of name it is -----------------------------------------------------------------------------------


def is_array(name: Name) -> bool:
    """Whether a name stands for a whole array."""
    match name:
        case Quantity():
            return not name.units and name.kind not in ("C", "J", *SETTINGS)
        case Derivative():
            return not name.bottom.units
        case Change():
            return not name.parameter.units
    return False


def has_examples(name: Name) -> bool:
    """Whether a name stands for the array of all examples: a whole layer's numbers without an example of their own."""
    if isinstance(name, Derivative):
        whole = name.bottom.kind == "a" and not name.bottom.units
        return whole and name.top.kind == "C" and name.top.example is None
    whole = isinstance(name, Quantity) and not name.units and name.kind in ("a", "z", "y", "delta", "beta", "slope")
    return whole and isinstance(name, Quantity) and name.example is None


def is_backward(name: Name) -> bool:
    """Whether a quantity belongs to the backward pass."""
    return isinstance(name, (Derivative, Path, Change)) or (
        isinstance(name, Quantity) and name.kind in ("delta", "beta", "slope")
    )


def has_paths(name: Name) -> bool:
    """Whether a quantity is a sum over paths: a derivative of one example's cost, or of a unit."""
    if isinstance(name, Quantity):
        return name.kind == "delta"
    return isinstance(name, Derivative) and name.top.kind != "J"


def as_derivative(name: Name) -> Derivative:
    """Write delta as the derivative that it is."""
    if isinstance(name, Derivative):
        return name
    assert isinstance(name, Quantity)
    return Derivative(Quantity("C", example=name.example), Quantity("z", name.layer, name.units))
