"""A formula from one notation to another: turned around where arrays lie the other way, and proved by numbers."""

from __future__ import annotations

from itertools import product as every

import numpy as np

from chainrule.core.catalogue import FusedLoss, loss_named
from chainrule.core.network import Network
from chainrule.errors import UsageError
from chainrule.explaining.array_formulas import Node, names, read, transposes, write
from chainrule.explaining.array_shapes import Arrays, is_turned
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import Derivative, Name, Quantity, example_of, is_array
from chainrule.explaining.values import Values, make_values

_ACTIVATIONS = ("logistic", "tanh", "identity")  # of the networks that a formula is tried on
_SETTINGS = {"eta": 0.3, "lambda": 0.07}


def translate_formula(text: str, old: Notation, new: Notation, sizes: tuple[int, ...]) -> tuple[str, list[str]]:
    """Return a formula in the other notation, and what is to be said about it.

    Raises
    ------
    UsageError
        If it cannot be read, its arrays do not fit together, or the two formulas do not have the same value.
    """
    sides = [read(side, sizes, old) for side in text.split("=")]
    turned, transposed = _turned_around(sides, old, new, sizes)
    done = " = ".join(write(side, new) for side in turned)
    remarks = _proved(sides, done, transposed, old, new, sizes)
    if transposed and any(side.op not in ("name", "number", "setting") for side in sides):
        arrays = Arrays(old, len(sizes) - 1)
        products = ", so the products are turned around" if any(_multiplies(side, arrays) for side in sides) else ""
        remarks.insert(0, f"{'both sides are' if len(sides) > 1 else 'the whole is'} transposed{products}")
    return done, remarks


def _turned_around(sides: list[Node], old: Notation, new: Notation, sizes: tuple[int, ...]) -> tuple[list[Node], bool]:
    """All sides as they are or all transposed, whichever needs fewer transposes."""
    arrays = Arrays(old, len(sizes) - 1)
    shapes = [arrays.shape(side) for side in sides]
    for side, shape in zip(sides, shapes, strict=True):
        if shape != shapes[0]:
            raise UsageError(
                f'"{write(sides[0], old)}" and "{write(side, old)}" are arrays of different shapes in "{old.name}", so '
                "they cannot be equal."
            )
    tries = [[_oriented(side, want, arrays, new) for side in sides] for want in (False, True)]
    as_it_is, turned = (sum(map(transposes, made)) for made in tries)
    usual = old.examples != new.examples if "N" in shapes[0] else old.counting.from_to != new.counting.from_to
    best = shapes[0] != () and (turned < as_it_is or (turned == as_it_is and usual))
    return tries[best], best


def _oriented(node: Node, transposed: bool, arrays: Arrays, new: Notation) -> Node:
    """The node for the new notation, with the value that it had, or with its transpose."""
    if arrays.shape(node) == () and node.op in ("number", "setting", "name"):
        return node
    if node.op == "name":
        assert node.name is not None
        turned = is_turned(node.name, arrays.notation) != is_turned(node.name, new)
        return node if turned == transposed else Node("T", (node,), _transpose_sign(arrays))
    if node.op == "T":
        inner = _oriented(node.parts[0], not transposed, arrays, new)
        return Node("T", inner.parts, node.sign) if inner.op == "T" else inner
    parts = tuple(_oriented(part, transposed, arrays, new) for part in node.parts)
    if node.op == "product" and transposed and arrays.kind(node) == "matrix":
        left, right = parts
        if left.op == "product" and arrays.shape(node.parts[0].parts[0]) == ():  # 1/N A B: the number stays in front
            return Node("product", (Node("product", (left.parts[0], right), left.sign), left.parts[1]), node.sign)
        parts = right, left
    return Node(node.op, parts, node.sign, node.name)


def _multiplies(node: Node, arrays: Arrays) -> bool:
    """Whether a product of matrices stands in a formula."""
    here = node.op == "product" and arrays.kind(node) == "matrix"
    return here or any(_multiplies(part, arrays) for part in node.parts)


def _transpose_sign(arrays: Arrays) -> str:
    return ".T" if arrays.notation.name in ("cs231n", "keras", "pytorch") else "^T"


def _proved(
    sides: list[Node], done: str, transposed: bool, old: Notation, new: Notation, sizes: tuple[int, ...]
) -> list[str]:
    """Evaluate both formulas on random networks; they must have the same values, and be true or false alike."""
    again = [read(side, sizes, new) for side in done.split("=")]
    arrays = Arrays(new, len(sizes) - 1)
    for side in again:
        arrays.shape(side)  # refuses what does not fit together
    remarks = []
    true_before, true_after = True, True
    for activation, seed in every(_ACTIVATIONS, range(2)):
        before = _values(sides, old, activation, seed, sizes)
        after = _values(again, new, activation, seed, sizes)
        same_costs = _values(again, new, activation, seed, sizes, costs_of=old)
        for side, one, other in zip(sides, before, same_costs, strict=True):
            if not np.all(np.isfinite(one)):
                raise UsageError(f'"{write(side, old)}" has no finite value on a random network, so nothing is proved.')
            wanted = one.T if transposed else one
            if wanted.shape != other.shape or not np.allclose(wanted, other, rtol=1e-7, atol=1e-10):
                raise UsageError(f'"{write(side, old)}" has another value than "{done}", so it is not translated.')
        true_before &= _all_equal(before)
        true_after &= _all_equal(after)
    if len(sides) > 1 and true_before and not true_after:
        raise UsageError(
            f'"{" = ".join(write(side, old) for side in sides)}" is true in "{old.name}", but "{done}" is not in '
            f'"{new.name}", whose cost is {new.loss} and the {new.reduction} over the examples, not {old.loss} and the '
            f"{old.reduction}: its terms need other factors there. What holds in both stands in dC/da and delta."
        )
    speaks_of_costs = any(map(_depends_on_costs, (name for side in sides for name in names(side))))
    if speaks_of_costs and (old.loss, old.reduction) != (new.loss, new.reduction):
        remarks.append(
            f"C and J are other numbers there: {new.loss} and the {new.reduction} over the examples, not {old.loss} "
            f"and the {old.reduction}; the formula keeps its terms"
        )
    if len(sides) > 1 and not true_before:
        remarks.append(
            f'the sides differ on random networks, in "{old.name}" as in the translation: it is translated as it '
            "stands, but is no formula of every network (is f' of a z missing?)"
        )
    return remarks


def _depends_on_costs(name: Name) -> bool:
    top = name.top if isinstance(name, Derivative) else name
    return isinstance(top, Quantity) and top.kind in ("C", "J", "delta", "beta")


def _all_equal(values: list[np.ndarray]) -> bool:
    return all(np.allclose(value, values[0], rtol=1e-7, atol=1e-10) for value in values)


def _values(
    sides: list[Node], notation: Notation, activation: str, seed: int, sizes: tuple[int, ...],
    costs_of: Notation | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """The numbers of each side on one random network, with the costs of a notation."""
    found = [name for side in sides for name in names(side)]
    N = _examples(found)
    values = _network(activation, seed, sizes, N, costs_of or notation)
    arrays = Arrays(notation, len(sizes) - 1)
    settings = {**_SETTINGS, "N": float(N)}
    with np.errstate(all="ignore"):
        return [arrays.compute(side, values, settings) for side in sides]


def _examples(found: list[Name]) -> int:
    """How many examples: one where a formula speaks of one example, else three."""
    pointed = [example for name in found if isinstance(example := example_of(name), int)]
    if pointed:
        return max(pointed) + 1
    return 1 if any(map(_of_one, found)) else 3


def _of_one(name: Name) -> bool:
    """Whether a name belongs to one example: C, its derivatives by weights, a Jacobian, a number of one unit."""
    if isinstance(name, Derivative):
        whole_layer = name.top.kind == "C" and name.bottom.kind in ("a", "z") and is_array(name)
        return name.top.kind != "J" and not whole_layer
    return isinstance(name, Quantity) and (name.kind == "C" or (bool(name.units) and name.kind not in ("W", "b")))


def _network(activation: str, seed: int, sizes: tuple[int, ...], N: int, notation: Notation) -> Values:
    random = np.random.default_rng(seed)
    loss = loss_named(notation.loss)
    last = loss.activation if isinstance(loss, FusedLoss) else activation
    network = Network.dense(sizes, [activation] * (len(sizes) - 2) + [last], init="uniform(-1,1)", seed=random)
    X, Y = random.normal(size=(N, sizes[0])), random.uniform(0.1, 0.9, size=(N, sizes[-1]))
    return make_values(
        network, X, Y, loss, 0, reduction=notation.reduction, weight_decay=0.0, sample_weight=None
    )  # fmt: skip
