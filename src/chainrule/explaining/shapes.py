"""The table of a network's symbols, what they are, and their shapes, as a lecture opens with it (seed 003)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chainrule.core.network import Network, checked_sizes
from chainrule.core.neurons import Neuron
from chainrule.errors import UsageError
from chainrule.explaining.grammar import written
from chainrule.explaining.latex_form import LatexWriter
from chainrule.explaining.mathml_form import MathmlWriter
from chainrule.explaining.naming import Naming
from chainrule.explaining.notation import Notation
from chainrule.explaining.presets import notation_named
from chainrule.explaining.quantities import BATCH_COST, COST, Derivative, Name, Quantity
from chainrule.explaining.render import name_text
from chainrule.numerals import aligned


@dataclass(frozen=True)
class Shape:
    """One row of the table.

    Attributes
    ----------
    name : Name
    asked : str
        How it is asked for: in the grammar, as the notation counts.
    symbol : str
        How the notation writes it.
    what : str
    dimensions : tuple of str
        What each dimension counts.
    shape : tuple of int
    """

    name: Name
    asked: str
    symbol: str
    what: str
    dimensions: tuple[str, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Shapes:
    """All symbols of a network with their shapes; it prints itself, and shows itself in a notebook.

    Attributes
    ----------
    rows : tuple of Shape
    naming : Naming
    """

    rows: tuple[Shape, ...]
    naming: Naming

    def text(self) -> str:
        """Return the table as text."""
        body = [[r.asked, r.symbol, r.what, _product(r.dimensions), _product(map(str, r.shape))] for r in self.rows]
        return aligned(["name", "symbol", "what it is", "dimensions", "shape"], body, left=4)

    def latex(self) -> str:
        """Return the table as LaTeX, an `array` environment for use within display mathematics."""
        writer = LatexWriter(self.naming, None)
        shown = [writer.shown(self.naming.show(r.name)) for r in self.rows]
        sizes = [r" \times ".join(map(str, r.shape)) or "1" for r in self.rows]
        lines = [
            rf"{symbol} & \text{{{r.what}}} & {size}" for symbol, r, size in zip(shown, self.rows, sizes, strict=True)
        ]
        return "\\begin{array}{lll}\n" + " \\\\\n".join(lines) + "\n\\end{array}"

    def mathml(self) -> str:
        """Return the table as MathML, one `<math>` element."""
        writer = MathmlWriter(self.naming, None)
        cells = [
            (writer.shown(self.naming.show(r.name)), f"<mtext>{r.what}</mtext>",
             "<mo>×</mo>".join(f"<mn>{n}</mn>" for n in r.shape) or "<mn>1</mn>")
            for r in self.rows
        ]  # fmt: skip
        left = '<mtd style="text-align:left">'
        body = "".join(f"<mtr>{''.join(f'{left}<mrow>{c}</mrow></mtd>' for c in row)}</mtr>" for row in cells)
        return f'<math display="block"><mtable>{body}</mtable></math>'

    def json(self) -> dict[str, Any]:
        """Return the table as plain data."""
        rows = [
            {"name": r.asked, "symbol": r.symbol, "what": r.what, "dimensions": list(r.dimensions),
             "shape": list(r.shape)}
            for r in self.rows
        ]  # fmt: skip
        return {"notation": self.naming.notation.name, "symbols": rows}

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.mathml()


def shapes(
    network: Network | Neuron | Sequence[int],
    *,
    notation: str | Notation = "chainrule",
    n_examples: int = 1,
    bias: bool | None = None,
) -> Shapes:
    """Return the table of a network's symbols: names, what they are, and shapes.

    Parameters
    ----------
    network : Network, Neuron or sequence of int
        Or only its sizes, such as [2, 3, 1].
    notation : name or Notation
    n_examples : int
    bias : bool, optional
        Whether layers have biases; by default as the network has them, and True for sizes alone.

    Returns
    -------
    Shapes
        Rows, columns and layouts as the notation has them: what `explain` answers for these names has these shapes.

    Raises
    ------
    UsageError
        If sizes, the notation or the number of examples do not fit.

    Examples
    --------
    The table of the guided notes (seed 003):

    >>> table = shapes([2, 3, 1], notation="rows", n_examples=3, bias=False)
    >>> [(row.symbol, row.shape) for row in table.rows if row.asked in ("x", "W[1]", "z[3]", "delta[3]", "dJ/dW[1]")]
    [('X', (3, 2)), ('W⁽¹⁾', (2, 3)), ('z⁽³⁾', (3, 1)), ('δ⁽³⁾', (3, 1)), ('∂J/∂W⁽¹⁾', (2, 3))]
    """
    if isinstance(network, Neuron):
        network = network.network
    convention = notation_named(notation)
    if isinstance(network, Network):
        sizes = network.sizes
        biased = [layer.x0 or layer.biases is not None for layer in network.layers]
    else:
        sizes = checked_sizes(network)
        biased = [True] * (len(sizes) - 1)
    if bias is not None:
        biased = [bool(bias)] * (len(sizes) - 1)
    if isinstance(n_examples, bool) or not isinstance(n_examples, int) or n_examples < 1:
        raise UsageError(f"n_examples must be a whole number, at least 1; received {n_examples!r}.")
    naming = Naming(convention, sizes)
    rows = [
        Shape(
            name, written(name, convention.counting), name_text(name, naming), what, *_shape(name, naming, n_examples)
        )
        for name, what in _symbols(sizes, biased)
    ]
    return Shapes(tuple(rows), naming)


def _symbols(sizes: tuple[int, ...], biased: Sequence[bool]) -> list[tuple[Name, str]]:
    """Every array of a network, forwards, then backwards."""
    L = len(sizes) - 1
    found: list[tuple[Name, str]] = [(Quantity("a", 0), "inputs"), (Quantity("y"), "targets")]
    layers = range(1, L + 1)
    for l in layers:
        found.append((Quantity("W", l), "weights"))
        if biased[l - 1]:
            found.append((Quantity("b", l), "biases"))
    for l in layers:
        found += [(Quantity("z", l), "pre-activations"), (Quantity("a", l), "outputs" if l == L else "activations")]
    found.append((BATCH_COST, "cost of the batch"))
    for l in reversed(layers):
        found.append((Derivative(COST, Quantity("a", l)), "derivative of each example's cost by a"))
        found.append((Quantity("delta", l), "delta, each example's derivative by z"))
        found.append((Derivative(BATCH_COST, Quantity("W", l)), "derivative of the cost by the weights"))
        if biased[l - 1]:
            found.append((Derivative(BATCH_COST, Quantity("b", l)), "derivative of the cost by the biases"))
    for m, l in pairwise(reversed(layers)):
        found.append((Derivative(Quantity("z", m), Quantity("z", l)), "Jacobian, of one example"))
    found.append((Derivative(Quantity("a", L), Quantity("a", 0)), "Jacobian of the network, of one example"))
    return found


def _shape(name: Name, naming: Naming, N: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """What the dimensions of an array count, and how many there are, as the notation has them."""
    n, sizes = naming.notation, naming.sizes
    assert sizes is not None
    of = name.bottom if isinstance(name, Derivative) else name
    assert isinstance(of, Quantity)
    if of.kind == "J":
        return (), ()

    def units(l: int) -> tuple[str, int]:
        last = "outputs" if l == len(sizes) - 1 else f"units of layer {n.counting.layer(l)}"
        return ("inputs" if l == 0 else last), sizes[l]

    l = len(sizes) - 1 if of.kind == "y" else of.layer
    if isinstance(name, Derivative) and name.top.kind in ("a", "z"):
        pairs, turned = [units(name.top.layer), units(l)], n.layout == "denominator"
    elif of.kind == "W":
        pairs, turned = [units(l - 1), units(l)], not n.counting.from_to
    elif of.kind == "b":
        pairs, turned = [units(l), *([("1", 1)] if n.examples == "columns" else [])], False
    else:
        pairs, turned = [("examples", N), units(l)], n.examples == "columns"
    words, numbers = zip(*(pairs[::-1] if turned else pairs), strict=True)
    return tuple(words), tuple(numbers)


def _product(parts: Any) -> str:
    return " × ".join(parts) or "1"
