"""What the arrays of a formula are: their shapes in a notation, what each product therefore is, and their numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.explaining.array_formulas import BY_ELEMENT, Node, write
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import Derivative, Name, Quantity, is_array
from chainrule.explaining.values import Values

Shape = tuple[Any, ...]  # labels: the number of a layer for its units, "N" for the examples, "1"; () for a number
_FUNCTIONS: dict[str, Any] = {
    "exp": np.exp, "ln": np.log, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "abs": np.abs,
}  # fmt: skip
OF_EXAMPLES = ("a", "z", "y", "delta", "beta", "slope")


def shape_of(name: Name, L: int) -> Shape:
    """The shape of a name with examples as rows, weights from-to and Jacobians in numerator layout."""
    if not is_array(name):
        return ()
    if isinstance(name, Derivative) and name.top.kind not in ("C", "J"):
        return name.top.layer, name.bottom.layer
    of = name.bottom if isinstance(name, Derivative) else name
    if not isinstance(of, Quantity) or of.kind not in (*OF_EXAMPLES, "W", "b"):
        raise UsageError("a change of a whole array has no place in a formula.")
    if of.kind == "W":
        return of.layer - 1, of.layer
    layer = L if of.kind == "y" else of.layer
    return ("1" if of.kind == "b" else "N"), layer


def is_turned(name: Name, notation: Notation) -> bool:
    """Whether a notation has an array the other way round than `shape_of`."""
    if isinstance(name, Derivative) and name.top.kind not in ("C", "J"):
        return notation.layout == "denominator"
    of = name.bottom if isinstance(name, Derivative) else name
    if isinstance(of, Quantity) and of.kind == "W":
        return not notation.counting.from_to
    return notation.examples == "columns"


@dataclass(frozen=True)
class Arrays:
    """A notation's arrays in a network of L layers."""

    notation: Notation
    L: int
    _known: dict[int, tuple[Node, Shape]] = field(default_factory=dict, repr=False, compare=False)

    def shape(self, node: Node) -> Shape:
        """The shape of a formula.

        Raises
        ------
        UsageError
            If its arrays do not fit together.
        """
        if id(node) not in self._known:
            self._known[id(node)] = node, self._shape(node)
        return self._known[id(node)][1]

    def _shape(self, node: Node) -> Shape:
        match node.op:
            case "number" | "setting":
                return ()
            case "name":
                assert node.name is not None
                shape = shape_of(node.name, self.L)
                return shape[::-1] if is_turned(node.name, self.notation) else shape
            case "call" | "neg" | "^":
                return self.shape(node.parts[0])
            case "T":
                return self.shape(node.parts[0])[::-1]
            case "product" if self.kind(node) == "matrix":
                return self.shape(node.parts[0])[0], self.shape(node.parts[1])[1]
        return self._together(node)

    def kind(self, node: Node) -> str:
        """What a product is: "scalar", "element" or "matrix"."""
        left, right = map(self.shape, node.parts)
        if () in (left, right):
            return "scalar"
        if node.sign in BY_ELEMENT or (node.sign in ("*", "·") and left == right and left[1] != left[0]):
            self._together(node)
            return "element"
        if left[1] == right[0]:
            if node.sign in ("*", "·") and left == right:
                raise UsageError(f'"{self._shown(node)}" may be either product: write @ for matrices or ⊙ by element.')
            return "matrix"
        if node.sign in ("*", "·") and "1" in (left[0], right[0], left[1], right[1]):
            self._together(node)
            return "element"
        raise UsageError(
            f"{self._shown(node)}: {self._said(node.parts[0])} and {self._said(node.parts[1])} cannot be multiplied in "
            f'"{self.notation.name}". Is a transpose (^T) missing, or the order another?'
        )

    def _together(self, node: Node) -> Shape:
        """The shape of arrays that are added, divided or multiplied by element."""
        left, right = map(self.shape, node.parts)
        if () in (left, right):
            return left or right
        fits = [p == q or ("1" in (p, q) and "N" in (p, q)) for p, q in zip(left, right, strict=True)]
        if not all(fits):
            raise UsageError(
                f"{self._shown(node)}: {self._said(node.parts[0])} and {self._said(node.parts[1])} do not fit together "
                f'element by element in "{self.notation.name}".'
            )
        return tuple("N" if "N" in pair else pair[0] for pair in zip(left, right, strict=True))

    def _shown(self, node: Node) -> str:
        return write(node, self.notation)

    def _said(self, node: Node) -> str:
        """An array with its shape in words."""
        sides = {"N": "examples", "1": "1"}
        counting = self.notation.counting
        said = " x ".join(sides.get(side, f"units of layer {counting.layer(side)}") for side in self.shape(node))
        return f"{self._shown(node)} ({said or 'a number'})"

    def compute(self, node: Node, values: Values, settings: dict[str, float]) -> np.ndarray:
        """The numbers of a formula in this notation."""

        def of(part: Node) -> np.ndarray:
            return self.compute(part, values, settings)

        match node.op:
            case "number":
                return np.asarray(float(node.sign))
            case "setting":
                return np.asarray(settings[node.sign])
            case "name":
                assert node.name is not None
                array = numbers(node.name, values)
                return array.T if is_turned(node.name, self.notation) else array
            case "call":
                return _applied(node, of(node.parts[0]), values)
            case "T":
                return of(node.parts[0]).T
            case "neg":
                return -of(node.parts[0])
            case "^":
                return np.asarray(of(node.parts[0]) ** float(node.sign))
        left, right = map(of, node.parts)
        if node.op == "product" and self.kind(node) == "matrix":
            return np.asarray(left @ right)
        by_element: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
            "product": np.multiply, "/": np.divide, "+": np.add, "-": np.subtract,
        }  # fmt: skip
        return np.asarray(by_element[node.op](left, right))


def numbers(name: Name, values: Values) -> np.ndarray:
    """An array of a network with examples as rows, weights from-to and Jacobians in numerator layout."""
    if not isinstance(name, (Quantity, Derivative)):
        raise UsageError("paths and changes have no place in a formula.")
    if not is_array(name):
        return np.asarray(values.number(name))
    if isinstance(name, Derivative) and name.top.kind not in ("C", "J"):
        units = range(values.network.sizes[name.top.layer])
        tops = [replace(name.top, units=(k,)) for k in units]
        return np.stack([values.array(Derivative(top, name.bottom)) for top in tops])
    of = name.bottom if isinstance(name, Derivative) else name
    if of.kind == "W":
        return np.asarray(values.array(name))
    if of.kind == "b":
        return np.asarray(values.array(name))[None, :]
    rows = range(len(values.X))
    if isinstance(name, Derivative):
        return np.stack([values.array(replace(name, top=replace(name.top, example=n))) for n in rows])
    return np.stack([values.array(replace(name, example=n)) for n in rows])


def _applied(node: Node, x: np.ndarray, values: Values) -> np.ndarray:
    """A function of each element; f and f' are those of the layer that z belongs to."""
    if node.sign in ("f", "f'"):
        inner = node.parts[0].name
        layer = inner.layer if isinstance(inner, Quantity) and inner.kind == "z" else 1
        activation = values.layer(layer).activation
        rows = np.atleast_2d(x)
        A = activation.value(rows)
        made = A if node.sign == "f" else activation.pullback(rows, A, np.ones_like(rows))
        return np.asarray(made).reshape(x.shape)
    return np.asarray(_FUNCTIONS[node.sign](x))
