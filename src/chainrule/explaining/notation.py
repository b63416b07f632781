"""Notations as data: what a course calls its numbers, how it counts them, and which way it writes its formulas.

A notation changes how a derivation is written, never what its numbers are. `presets` holds those that are known by
name, `naming` applies one to a network.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.core.weight_layouts import WeightLayout
from chainrule.explaining.quantities import Counting


@dataclass(frozen=True)
class Notation:
    """The conventions of one course, book or program.

    Attributes
    ----------
    name, title, source : str
        What it is called, what it is, and where it comes from.
    counting : Counting
        How layers and units are counted, and which of a weight's units comes first.
    letters : dict
        Names that differ from the common ones of `COMMON`: z, a, x, y, W (a weight), matrix (all of a layer's weights),
        b, C, J, f (an activation function), delta, beta, eta, lambda, N, and `output` where the outputs have a name
        of their own.
    layers : "brackets", "parens", "square", "plain", "appended" or "letters"
        A layer's number as W[1], in a superscript with parentheses, square brackets or nothing around it, behind the
        letter (W1), or none: then layers are called x, y and z, and their weights v and w.
    examples : "rows" or "columns"
        Z = A W with an example a row, or z = W a with an example a column.
    example_index : "above", "parens", "first" or "last"
        Where the number of an example stands: in angle brackets or in parentheses above, or before or after the unit's.
    error : "a-y" or "y-a"
        Which way the error is written; y - a leaves a minus in front of the derivative.
    error_term : "delta" or "beta"
        What is sent back: dC/dz, or minus dC/da (seed 001).
    order : "outer first" or "inner first"
        dC/da da/dz dz/dw, or dz/dw da/dz dC/da.
    bias : "b" or "w0"
        A number by itself, or the weight of a constant input x0 = 1.
    slope : "prime" or "fraction"
        f'(z), or da/dz.
    share : "front" or "inside"
        Where 1/N stands: before the sum over the examples, or in each of its terms.
    decay : "half" or "over 2N"
        Weight decay as lambda / 2 or as lambda / (2 N) times the squared weights; what it adds to J is the same number,
        so lambda is N times as large in the second.
    momentum : "velocity" or "mean"
        The memory of momentum as the last change, v = mu v - eta g, or as a running mean of the gradient, v = beta v +
        (1 - beta) g, which is the same step with eta = (1 - beta) alpha.
    layout : "numerator" or "denominator"
        Of Jacobians.
    capitals : bool
        Whether whole arrays have capital letters.
    example : str
        The letter of an example in derivations without numbers.
    loss, reduction : str
        What this course minimises, where a person has not said.
    remarks : dict
        By kind of quantity, what differs from the course's own in a batch whose mean is taken; said with its equation.
    """

    name: str
    title: str
    source: str
    counting: Counting = field(default_factory=Counting)
    letters: dict[str, str] = field(default_factory=dict, hash=False)
    layers: str = "parens"
    examples: str = "rows"
    example_index: str = "above"
    error: str = "a-y"
    error_term: str = "delta"
    order: str = "outer first"
    bias: str = "b"
    slope: str = "prime"
    share: str = "front"
    decay: str = "half"
    momentum: str = "velocity"
    layout: str = "numerator"
    capitals: bool = False
    example: str = "n"
    loss: str = "half_squared_error"
    reduction: str = "mean"
    remarks: dict[str, str] = field(default_factory=dict, hash=False)

    def letter(self, key: str) -> str:
        """What this notation calls something."""
        return self.letters.get(key, COMMON.get(key, key))

    @property
    def weight_layout(self) -> WeightLayout:
        """How this notation writes a layer's weights."""
        return WeightLayout(self.counting.from_to, self.examples, self.bias)

    @property
    def activation_first(self) -> bool:
        """Whether a product is written a w, as in Z = A W, rather than w a."""
        return self.examples == "rows"


COMMON = {
    "z": "z", "a": "a", "x": "x", "y": "y", "output": "", "W": "w", "matrix": "W", "b": "b", "C": "C", "J": "J",
    "f": "f", "delta": "δ", "beta": "β", "eta": "η", "lambda": "λ", "N": "N", "L": "L", "mask": "m", "share": "r",
    "mu": "μ", "rho": "ρ", "beta_1": "β₁", "beta_2": "β₂", "epsilon": "ε", "t": "t", "v": "v", "mean": "m",
    "mean_square": "s", "step": "d", "total": "Σ", "inverse": "H⁻¹", "slope": "f′",
    "gradient": "g", "moved": "s", "turned": "Δg",
}  # fmt: skip
