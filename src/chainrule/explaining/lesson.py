"""What a textbook derivation is about: the network, the loss, the parameter, and the conventions."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.core.catalogue import Activation, FusedLoss, Loss
from chainrule.explaining.expressions import Cases, Condition, Expression, Number, Symbol, multiply
from chainrule.explaining.formulas import activation_formula, loss_formula, softmax_slope
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import Derivative, Index, Quantity, a, shifted, variable, z

ZERO = Number(0.0)
TARGETS = "targets that sum to 1"  # of a softmax with the categorical cross-entropy: otherwise delta is a sum(y) - y
# Outputs and losses whose derivatives multiply out to a - y.
PAIRS = {
    "categorical_cross_entropy": "softmax", "binary_cross_entropy": "logistic", "poisson": "exponential",
}  # fmt: skip

INDICES = "ijkmpstuv"  # of a weight's two units, and of the units of the layers after it; r is bound within softmax


@dataclass(frozen=True)
class Lesson:
    """What is to be derived, for which network, and how the notation writes it."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss | FusedLoss
    bias: bool
    notation: Notation
    top: Quantity
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

    @property
    def pair(self) -> bool:
        """Whether loss and output activation, not fused, multiply out to a - y."""
        return PAIRS.get(self.loss.name) == self.activations[-1].name

    @property
    def at_once(self) -> str:
        """What is said where a fused loss gives delta in one step."""
        rule = "loss and activation together"
        return f"{rule}, for {TARGETS}" if self.loss.name == "softmax_categorical_cross_entropy" else rule

    def together(self, A: Expression, Y: Expression) -> Expression | None:
        """What delta is at the outputs where loss and activation simplify: a - y of a pair, or the slope of a loss."""
        formula = loss_formula(self.loss.name, self.notation.error)
        if formula is None or formula.delta is not None:
            return None if formula is None or formula.delta is None else formula.delta(A, Y)
        if self.pair:
            fused = loss_formula("softmax_categorical_cross_entropy", self.notation.error)
            assert fused is not None
            assert fused.delta is not None
            return fused.delta(A, Y)
        if self.activations[-1].name == "identity" and formula.slope is not None:
            return formula.slope(A, Y, self.sizes[-1])
        return None

    def entry(self, l: int, k: Index, j: Index) -> Expression:
        """da[l]_k / dz[l]_j: zero beside the diagonal, but for a softmax; in pieces where an index is a letter."""
        if self.softmax(l):
            same, other = (softmax_slope(Symbol(a(l, k)), Symbol(a(l, j)), same) for same in (True, False))
        else:
            same, other = self.slope(l, j), ZERO
        return self.where_equal(k, j, same, other)

    def where_equal(self, k: Index, j: Index, same: Expression, other: Expression = ZERO) -> Expression:
        """One expression where two indices are equal, and another where they are not."""
        if k == j or (isinstance(k, int) and isinstance(j, int)):
            return same if k == j else other
        return Cases(((Condition(self.letter(k), "=", self.letter(j)), same),), other)

    def letter(self, index: Index) -> Expression:
        """An index by itself, as the notation counts it."""
        if isinstance(index, int):
            return Number(float(shifted(index, self.notation.counting.first_unit)))
        return Symbol(variable(index))

    def slope_formula(self, l: int, j: Index) -> Expression | None:
        """What f'(z) is, written with z or a; None for a softmax and for an activation of the user's own."""
        formula = activation_formula(self.activations[l - 1].name)
        return None if formula is None else formula.slope(Symbol(z(l, j)), Symbol(a(l, j)))

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
