"""The notations that are known by name: those of the five lectures, of a book, and of programs."""

from __future__ import annotations

from dataclasses import replace

from chainrule.core.weight_layouts import LAYOUTS, course_named
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import Counting

_MEAN = "one example's: the gradient that the program keeps has the 1/N of the mean in it"


def _laid_out(notation: Notation) -> Notation:
    """A notation with what the core knows of it: which way its weights, biases and examples stand."""
    from_to, examples, bias = LAYOUTS[notation.name]
    return replace(notation, counting=replace(notation.counting, from_to=from_to), examples=examples, bias=bias)


PRESETS = {
    notation.name: _laid_out(notation)
    for notation in (
        Notation(
            "chainrule", "chainrule's own: rows are examples, w[from, to], layer 0 is the input",
            "shared by this project's code and documentation", letters={"W": "W"}, layers="brackets", capitals=True,
        ),
        Notation(
            "gates", "DSCI 572, Backpropagation (M. Abdul-Mageed): w_ji leads from i to j, no half before the squares",
            "seed 000, 000_57c45f56581a1ae0.txt", Counting(first_unit=0), {"f": "g"}, layers="plain",
            slope="fraction", loss="sum_of_squares", reduction="sum",
        ),
        Notation(
            "constituents", "AIML231, Neural Networks (Q. Chen): the constituent derivatives, C averaged over examples",
            "seed 001, 001_0975b10c4ccca1e2.txt", Counting(first_unit=0), {"f": "σ", "J": "C", "N": "n"},
            example_index="first", order="inner first", loss="sum_of_squares", example="i",
        ),
        Notation(
            "beta", "AIML231, Neural Networks (Q. Chen), its algorithm: beta = d - o is sent back, biases are w_0",
            "seed 001, 001_0975b10c4ccca1e2.txt", Counting(),
            {"z": "z", "a": "o", "y": "d", "J": "C", "f": "σ", "N": "n"}, error="y-a",
            error_term="beta", order="inner first", slope="fraction", reduction="sum", example="e",
        ),
        Notation(
            "columns", "Deep Learning, lecture 03: W_ij leads from j to i and has the number of the layer it leaves",
            "seed 002, 002_01cdf86171478bf2.txt", Counting(input_layer=1, first_weights=1),
            {"W": "W", "N": "m", "L": "n_l", "output": "", "C": "J"},
        ),
        Notation(
            "rows", "Backpropagation Guided Notes: z = X W, targets minus outputs with the minus in front",
            "seed 003, 003_864c21fac4f9d984.txt", Counting(input_layer=1, first_weights=1),
            {"W": "W", "output": "ŷ", "x": "X", "C": "J"}, example_index="first", error="y-a",
            reduction="sum",
        ),
        Notation(
            "delta-rule", "The Good, the Bad and the Ugly (K. L. Downing), the delta rule: sum, o, t, w_ij from j to i",
            "seed 004, 004_ff07cd5b1bb64ac7.txt", Counting(),
            {"z": "sum", "a": "o", "y": "t", "C": "E", "J": "E", "f": "f", "N": "n"},
            example_index="last", error="y-a", slope="fraction", reduction="sum", example="d",
        ),
        Notation(
            "tensors", "The Good, the Bad and the Ugly (K. L. Downing), in high heels: layers X, Y, Z, weights V and W",
            "seed 004, 004_ff07cd5b1bb64ac7.txt", Counting(), {"y": "t", "C": "L", "J": "L", "z": "sum", "L": "N"},
            layers="letters", slope="fraction", capitals=True, loss="mean_of_squares", reduction="sum",
        ),
        Notation(
            "nielsen", "Neural Networks and Deep Learning: w^l_jk leads from k to j, layer 1 is the input",
            "M. A. Nielsen, Neural Networks and Deep Learning, Determination Press, 2015, chapter 2",
            Counting(input_layer=1, first_weights=2),
            {"f": "σ", "matrix": "w", "C": "C", "J": "C", "N": "n"},
            layers="plain", example="x",
        ),
        Notation(
            "ng", "Neural Networks and Deep Learning (A. Ng): a^[l], examples are columns, dz, lambda / 2m",
            "A. Ng, Neural Networks and Deep Learning, DeepLearning.AI, 2017",
            Counting(), {"W": "W", "C": "ℒ", "J": "J", "f": "g", "N": "m", "eta": "α", "delta": "dz",
             "mu": "β", "rho": "β₂", "mean": "v", "v": "u", "mean_square": "s"},
            layers="square", example_index="parens", capitals=True, decay="over 2N", momentum="mean", example="i",
        ),
        Notation(
            "cs231n", "the NumPy style of CS231n: X @ W1 + b1, units from 0, the mean loss L",
            "Stanford CS231n, assignment 1, the two-layer network",
            Counting(first_unit=0), {"W": "W", "C": "L", "J": "L", "N": "N", "a": "h", "L": "last"}, layers="appended",
            capitals=True,
            remarks={"delta": "one example's: CS231n's dscores has the 1/N of the mean in it"},
        ),
        Notation(
            "keras", "Keras: kernel (inputs, units), the first layer with weights is layer 0",
            "Keras documentation, Dense layer", Counting(input_layer=-1, first_weights=0, first_unit=0),
            {"W": "kernel", "matrix": "kernel", "b": "bias", "a": "output", "C": "loss", "J": "loss",
             "f": "activation"}, layers="appended", loss="mean_of_squares", remarks={"delta": _MEAN},
        ),
        Notation(
            "pytorch", "PyTorch: weight (out, in), the first layer with weights is layer 0",
            "PyTorch documentation, torch.nn.Linear",
            Counting(input_layer=-1, first_weights=0, first_unit=0),
            {"W": "weight", "matrix": "weight", "b": "bias", "C": "loss", "J": "loss"}, layers="appended",
            loss="mean_of_squares", remarks={"delta": _MEAN},
        ),
    )
}  # fmt: skip


def notation_named(name: str | Notation) -> Notation:
    """Return the notation of that name, such as "nielsen".

    Raises
    ------
    UsageError
        If it is unknown.

    Examples
    --------
    >>> notation_named("nielsen").counting.from_to
    False
    """
    return name if isinstance(name, Notation) else PRESETS[course_named(name)]
