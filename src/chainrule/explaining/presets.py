"""The notations that are known by name: those of the five lectures, of a book, and of programs."""

from __future__ import annotations

from chainrule.errors import unknown_name
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import Counting

TO_FROM = Counting(from_to=False)

PRESETS = {
    notation.name: notation
    for notation in (
        Notation(
            "chainrule", "chainrule's own: rows are examples, w[from, to], layer 0 is the input",
            "shared by this project's code and documentation", letters={"W": "W"}, layers="brackets", capitals=True,
        ),
        Notation(
            "gates", "DSCI 572, Backpropagation (M. Abdul-Mageed): w_ji leads from i to j, no half before the squares",
            "seed 000, 000_57c45f56581a1ae0.txt", Counting(first_unit=0, from_to=False), {"f": "g"}, layers="plain",
            examples="columns", slope="fraction", loss="sum_of_squares", reduction="sum",
        ),
        Notation(
            "constituents", "AIML231, Neural Networks (Q. Chen): the constituent derivatives, C averaged over examples",
            "seed 001, 001_0975b10c4ccca1e2.txt", Counting(first_unit=0, from_to=False), {"f": "σ", "J": "C", "N": "n"},
            examples="columns", example_index="first", order="inner first", loss="sum_of_squares", example="i",
        ),
        Notation(
            "beta", "AIML231, Neural Networks (Q. Chen), its algorithm: beta = d - o is sent back, biases are w_0",
            "seed 001, 001_0975b10c4ccca1e2.txt", Counting(),
            {"z": "z", "a": "o", "y": "d", "J": "C", "f": "σ", "N": "n"}, examples="columns", error="y-a",
            error_term="beta", order="inner first", bias="w0", slope="fraction", reduction="sum", example="e",
        ),
        Notation(
            "columns", "Deep Learning, lecture 03: W_ij leads from j to i and has the number of the layer it leaves",
            "seed 002, 002_01cdf86171478bf2.txt", Counting(input_layer=1, first_weights=1, from_to=False),
            {"W": "W", "N": "m", "L": "n_l", "output": "", "C": "J"}, examples="columns",
        ),
        Notation(
            "rows", "Backpropagation Guided Notes: z = X W, targets minus outputs with the minus in front",
            "seed 003, 003_864c21fac4f9d984.txt", Counting(input_layer=1, first_weights=1),
            {"W": "W", "output": "ŷ", "x": "X", "C": "J"}, example_index="first", error="y-a",
            reduction="sum",
        ),
        Notation(
            "delta-rule", "The Good, the Bad and the Ugly (K. L. Downing), the delta rule: sum, o, t, w_ij from j to i",
            "seed 004, 004_ff07cd5b1bb64ac7.txt", TO_FROM,
            {"z": "sum", "a": "o", "y": "t", "C": "E", "J": "E", "f": "f", "N": "n"}, examples="columns",
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
            Counting(input_layer=1, first_weights=2, from_to=False),
            {"f": "σ", "matrix": "w", "C": "C", "J": "C", "N": "n"},
            layers="plain", examples="columns", example="x",
        ),
        Notation(
            "cs231n", "the NumPy style of CS231n: X @ W1 + b1, units from 0, the mean loss L",
            "Stanford CS231n, assignment 1, the two-layer network",
            Counting(first_unit=0), {"W": "W", "C": "L", "J": "L", "N": "N", "a": "h", "L": "last"}, layers="appended",
            capitals=True,
        ),
        Notation(
            "keras", "Keras: kernel (inputs, units), the first layer with weights is layer 0",
            "Keras documentation, Dense layer", Counting(input_layer=-1, first_weights=0, first_unit=0),
            {"W": "kernel", "matrix": "kernel", "b": "bias", "a": "output", "C": "loss", "J": "loss",
             "f": "activation"}, layers="appended", loss="mean_of_squares",
        ),
        Notation(
            "pytorch", "PyTorch: weight (out, in), the first layer with weights is layer 0",
            "PyTorch documentation, torch.nn.Linear",
            Counting(input_layer=-1, first_weights=0, first_unit=0, from_to=False),
            {"W": "weight", "matrix": "weight", "b": "bias", "C": "loss", "J": "loss"}, layers="appended",
            loss="mean_of_squares",
        ),
    )
}  # fmt: skip

ALIASES = {
    "seed-000": "gates", "seed-001": "constituents", "seed-002": "columns", "seed-003": "rows", "seed-004": "tensors",
    "rows-from-to": "rows", "columns-to-from": "columns", "numpy": "cs231n", "torch": "pytorch",
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
    if isinstance(name, Notation):
        return name
    found = ALIASES.get(name, name)
    if found not in PRESETS:
        raise unknown_name("notation", name, [*PRESETS, *ALIASES])
    return PRESETS[found]
