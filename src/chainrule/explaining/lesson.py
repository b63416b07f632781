"""What a textbook derivation is about: the network, the loss, the parameter, and the conventions."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.core.catalogue import Activation, FusedLoss, Loss
from chainrule.explaining.expressions import Expression, Symbol, multiply
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import Derivative, Index, Quantity, a, z

INDICES = "ijkmpstuv"  # of a weight's two units, and of the units of the layers after it; r is bound within softmax


@dataclass(frozen=True)
class Lesson:
    """What is to be derived, for which network, and how the notation writes it."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss | FusedLoss
    bias: bool
    notation: Notation
    bottom: Quantity

    @property
    def L(self) -> int:
        """The number of the last layer."""
        return len(self.sizes) - 1

    @property
    def layer(self) -> int:
        """The layer whose parameters are asked about."""
        assert isinstance(self.bottom.layer, int)
        return self.bottom.layer

    @property
    def fused(self) -> bool:
        """Whether the loss contains the output activation."""
        return isinstance(self.loss, FusedLoss)

    def softmax(self, l: int) -> bool:
        """Whether a layer is a softmax."""
        return self.activations[l - 1].name == "softmax"

    def index(self, number: int) -> str:
        """The letter of an index, other than the notation's letters for examples; k9, k10, ... beyond the alphabet."""
        free = [letter for letter in INDICES if letter not in (self.notation.letter("N"), self.notation.example)]
        return free[number] if number < len(free) else f"k{number}"

    def first(self) -> str:
        """The first value of an index."""
        return str(self.notation.counting.first_unit)

    def last(self, l: int) -> str:
        """The last value of an index over the units of a layer."""
        return str(self.sizes[l] - 1 + self.notation.counting.first_unit)

    def weighted(self, unit: Expression, other: Expression) -> Expression:
        """A unit and what it is multiplied with, in the notation's order."""
        return multiply(unit, other) if self.notation.activation_first else multiply(other, unit)

    def ordered(self, chain: tuple[Expression, ...]) -> Expression:
        """A chain of factors, from the outside in or from the inside out."""
        return multiply(*(chain if self.notation.order == "outer first" else chain[::-1]))

    def slope(self, l: int, j: Index) -> Symbol:
        """f'(z) or da/dz."""
        fraction = self.notation.slope == "fraction"
        return Symbol(Derivative(a(l, j), z(l, j)) if fraction else Quantity("slope", l, (j,)))
