"""A textbook derivation with the tensors of seed 004: Jacobians of whole layers, written out while they are small."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chainrule.explaining.expressions import (
    ONE,
    Equation,
    Expression,
    Matrix,
    Number,
    Product,
    Sum,
    Symbol,
    Transpose,
    add,
    minus_outside,
    multiply,
    subtract,
)
from chainrule.explaining.formulas import loss_formula
from chainrule.explaining.lesson import TARGETS, ZERO, Lesson
from chainrule.explaining.quantities import COST, Derivative, Quantity, a, weight, y
from chainrule.explaining.scalar_level import over_examples

MOST_ENTRIES = 64  # of a tensor that is written out


def tensor_level(lesson: Lesson) -> Iterator[Equation]:
    """A derivative as a chain of Jacobians in numerator layout, each written out while it is small."""
    top, bottom = lesson.top, Quantity("z" if lesson.bottom.kind == "delta" else lesson.bottom.kind, lesson.layer)
    outputs = Quantity("a", lesson.L) if top.kind in ("C", "J") else Quantity(top.kind, top.layer)
    if bottom.kind in ("W", "b"):
        yield from _by_parameter(lesson, outputs, bottom)
    else:
        yield from _between(lesson, outputs, bottom)
    if top.kind not in ("C", "J"):
        return
    yield from _to_the_loss(lesson, outputs, bottom)
    yield from _all_together(lesson, bottom)
    if top.kind == "J" and bottom.kind in ("W", "b"):
        yield over_examples(lesson, bottom)


def _by_parameter(lesson: Lesson, outputs: Quantity, parameter: Quantity) -> Iterator[Equation]:
    """The layer's own sums and activations by its weights or biases, then every layer after it."""
    l = lesson.layer
    sums, own = Quantity("z", l), Quantity("a", l)
    by_sums = Symbol(Derivative(sums, parameter))
    if outputs == sums:
        yield from _sums_by_parameter(lesson, by_sums)
        return
    by_own = Symbol(Derivative(own, parameter))
    yield Equation(by_own, (Product((Symbol(Derivative(own, sums)), by_sums)),), "chain rule for tensors")
    yield from _sums_by_parameter(lesson, by_sums)
    yield from _written(lesson, own, sums)
    if parameter.kind == "W" and lesson.sizes[l - 1] * lesson.sizes[l] ** 2 <= MOST_ENTRIES:
        yield Equation(by_own, (_by_weights(lesson, own),), "the two multiplied, inner vector by inner vector")
    for upper, lower in reversed(list(_neighbours(outputs, own))):
        left = Symbol(Derivative(upper, parameter))
        link = Product((Symbol(Derivative(upper, lower)), Symbol(Derivative(lower, parameter))))
        yield Equation(left, (link,), "chain rule: Jacobian times Jacobian")
        yield from _written(lesson, upper, lower)
        entries = lesson.sizes[l - 1] * lesson.sizes[l] * lesson.sizes[upper.layer]
        if parameter.kind == "W" and upper.layer == l + 1 and entries * _width(lesson, upper) <= MOST_ENTRIES:
            yield Equation(left, (_by_weights(lesson, upper),), "every inner vector times the Jacobian")


def _sums_by_parameter(lesson: Lesson, by_sums: Symbol) -> Iterator[Equation]:
    """The weighted sums of a layer by its weights, with the product rule for tensors, or by its biases."""
    l = lesson.layer
    fan_in, fan_out = lesson.sizes[l - 1], lesson.sizes[l]
    if lesson.bottom.kind == "b":
        if fan_out**2 <= MOST_ENTRIES:
            identity = Matrix(tuple(tuple(Number(float(k == r)) for r in range(fan_out)) for k in range(fan_out)))
            yield Equation(by_sums, (identity,), "a bias moves its own sum as much as itself: the identity")
        return
    W, before = Quantity("W", l), Quantity("a", l - 1)
    by_before, by_itself = Symbol(Derivative(before, W)), Symbol(Derivative(W, W))
    turned = lesson.notation.activation_first != lesson.notation.counting.from_to  # Z = A W^T, or z = W^T a
    weights, inner = (Transpose(Symbol(W)), Transpose(by_itself)) if turned else (Symbol(W), by_itself)
    pairs: tuple[tuple[Expression, ...], ...] = ((by_before, weights), (Symbol(before), inner))
    if not lesson.notation.activation_first:  # the weights stand in front
        pairs = tuple(pair[::-1] for pair in pairs)
    said = ", each inner matrix transposed" if turned else ""
    yield Equation(by_sums, (Sum(tuple(map(Product, pairs))),), f"product rule for tensors{said}")
    yield Equation(by_before, (ZERO,), "the layer before does not depend on these weights")
    if (fan_in * fan_out) ** 2 <= MOST_ENTRIES:
        four = _over_weights(lesson, lambda i, k: _over_weights(lesson, lambda p, q: Number(float((i, k) == (p, q)))))
        yield Equation(by_itself, (four,), "four-dimensional: 1 where a weight meets itself, not simply 1")
    if fan_in * fan_out**2 <= MOST_ENTRIES:
        three = _three(lesson, lambda i, k, r: Symbol(a(l - 1, i)) if r == k else ZERO, fan_out)
        yield Equation(by_sums, (three,), "the layer before, times each inner matrix")


def _between(lesson: Lesson, outputs: Quantity, bottom: Quantity) -> Iterator[Equation]:
    """Layer by layer back, each Jacobian a matrix."""
    links = list(_neighbours(outputs, bottom))
    for upper, lower in links:
        yield from _written(lesson, upper, lower)
    if len(links) > 1:
        factors = tuple(Symbol(Derivative(upper, lower)) for upper, lower in links)
        yield Equation(Symbol(Derivative(outputs, bottom)), (Product(factors),), "chain rule: Jacobian times Jacobian")
    if not links:
        yield Equation(Symbol(Derivative(outputs, bottom)), (ONE,), "a layer by itself: the identity matrix")


def _written(lesson: Lesson, upper: Quantity, lower: Quantity) -> Iterator[Equation]:
    """A Jacobian of neighbours, written out where it is small; that of a softmax layer by its J and its weights."""
    if lower.kind == "a" and upper.kind == "a" and lesson.softmax(upper.layer):
        sums = Quantity("z", upper.layer)
        links = Symbol(Derivative(upper, sums)), Symbol(Derivative(sums, lower))
        yield Equation(Symbol(Derivative(upper, lower)), (Product(links),), "chain rule: through the sums")
        yield from _written(lesson, upper, sums)
        yield from _written(lesson, sums, lower)
    rows, columns = lesson.sizes[upper.layer], lesson.sizes[lower.layer]
    if rows * columns * _width(lesson, upper) > MOST_ENTRIES:
        return
    rule = "numerator layout: a row for each unit of the later layer"
    if lower.kind == "z":
        rule = "each activation moves with its own sum only"
    if upper.kind == "a" and lesson.softmax(upper.layer):
        rule = "softmax: its Jacobian J, where every sum moves every unit" + ("" if lower.kind == "z" else ", times W")
    J = tuple(tuple(_entry(lesson, upper, lower, k, j) for j in range(columns)) for k in range(rows))
    yield Equation(Symbol(Derivative(upper, lower)), (Matrix(J),), rule)


def _entry(lesson: Lesson, upper: Quantity, lower: Quantity, k: int, j: int) -> Expression:
    """One entry of the Jacobian of two arrays that are at most three links apart."""
    if (upper.kind, upper.layer) == (lower.kind, lower.layer):
        return ONE if k == j else ZERO
    m = upper.layer
    if upper.kind == "z":
        before, least = Quantity("a", m - 1), range(lesson.sizes[m - 1])
        if before == lower:
            return Symbol(weight(m, j, k))
        return add(*_nonzero(_times(Symbol(weight(m, p, k)), _entry(lesson, before, lower, p, j)) for p in least))
    if (lower.kind, lower.layer) == ("z", m):
        return lesson.entry(m, k, j)
    below = Quantity("z", m)
    through = range(lesson.sizes[m]) if lesson.softmax(m) else [k]
    return add(*_nonzero(_times(lesson.entry(m, k, q), _entry(lesson, below, lower, q, j)) for q in through))


def _to_the_loss(lesson: Lesson, outputs: Quantity, bottom: Quantity) -> Iterator[Equation]:
    left, first = Symbol(Derivative(COST, bottom)), Symbol(Derivative(COST, outputs))
    if outputs != bottom:
        rule = "first of the Jacobians: that of the loss"
        yield Equation(left, (Product((first, Symbol(Derivative(outputs, bottom)))),), rule)
    L, n = lesson.L, lesson.sizes[-1]
    formula = loss_formula(lesson.loss.name, lesson.notation.error)
    if n > MOST_ENTRIES // 4 or formula is None:
        return
    if formula.slope is not None:
        row = tuple(formula.slope(Symbol(a(L, k)), Symbol(y(k)), n) for k in range(n))
        yield Equation(first, (Matrix((row,)),), f"derivative of the loss {lesson.loss.name}")
    together = [lesson.together(Symbol(a(L, k)), Symbol(y(k))) for k in range(n)]
    if (lesson.fused or lesson.pair) and all(entry is not None for entry in together):
        row = tuple(entry for entry in together if entry is not None)
        sums = Quantity("z", L)
        by_sums = Symbol(Derivative(COST, sums))
        if lesson.pair and bottom != sums:
            links = Symbol(Derivative(COST, Quantity("a", L))), Symbol(Derivative(Quantity("a", L), sums))
            yield Equation(by_sums, (Product(links),), "its Jacobian times that of the output activation")
        if lesson.pair and lesson.softmax(L):
            all_y = add(*(Symbol(y(k)) for k in range(n)))
            full = tuple(subtract(multiply(Symbol(a(L, k)), all_y), Symbol(y(k))) for k in range(n))
            yield Equation(by_sums, (Matrix((full,)),), "multiplied out")
            yield Equation(by_sums, (Matrix((row,)),), TARGETS)
        else:
            yield Equation(by_sums, (Matrix((row,)),), "multiplied out" if lesson.pair else lesson.at_once)


def _all_together(lesson: Lesson, bottom: Quantity) -> Iterator[Equation]:
    """What was asked as one product from the loss back, and written out while it is small."""
    L, l, n = lesson.L, lesson.layer, lesson.sizes[-1]
    first, ends = _ends(lesson)
    below = Quantity("a" if bottom.kind == "a" else "z", l)
    if ends is None or first == bottom or below == Quantity("a", L):  # of the outputs the loss's own line says it all
        return
    left = Symbol(Derivative(COST, bottom))
    links = list(_neighbours(first, below))
    if first.kind == "z" and links:  # the sums of the last layer by the layer before
        yield from _written(lesson, *links[0])
    factors = [Symbol(Derivative(COST, first)), *(Symbol(Derivative(*link)) for link in links)]
    if bottom != below:
        factors.append(Symbol(Derivative(below, bottom)))
    if len(factors) > 2 or first.kind == "z":
        yield Equation(left, (Product(tuple(factors)),), "all together")
    paths = n
    for m in range(l, L + 1):
        paths *= (lesson.sizes[m] if l < m < L else 1) * (lesson.sizes[m] if m and lesson.softmax(m) else 1)
    size = lesson.sizes[l] * (lesson.sizes[l - 1] if bottom.kind == "W" else 1)
    if size * paths > MOST_ENTRIES:
        return
    units = range(lesson.sizes[l])
    by_unit = [add(*_nonzero(_times(end, _entry(lesson, first, below, k, j)) for k, end in enumerate(ends)))
               for j in units]  # fmt: skip
    whole = Matrix((tuple(by_unit),))
    if bottom.kind == "W":
        whole = _over_weights(lesson, lambda i, k: lesson.weighted(Symbol(a(l - 1, i)), by_unit[k]))
    yield Equation(left, (whole,), "all together, written out")


def _ends(lesson: Lesson) -> tuple[Quantity, list[Expression] | None]:
    """The last layer's array that the derivation comes back from, and the cost by its units; None where unknown."""
    L, n = lesson.L, lesson.sizes[-1]
    units = [(Symbol(a(L, k)), Symbol(y(k))) for k in range(n)]
    if lesson.fused or lesson.pair:
        made = [lesson.together(*unit) for unit in units]
        return Quantity("z", L), None if None in made else [entry for entry in made if entry is not None]
    formula = loss_formula(lesson.loss.name, lesson.notation.error)
    if formula is None or formula.slope is None:
        return Quantity("a", L), None
    return Quantity("a", L), [formula.slope(*unit, n) for unit in units]


def _neighbours(top: Quantity, bottom: Quantity) -> Iterator[tuple[Quantity, Quantity]]:
    """The layers on the way from one back to another: activations by activations, sums only at the ends."""
    upper = top
    while (upper.kind, upper.layer) != (bottom.kind, bottom.layer):
        own_sums = upper.kind == "a" and (bottom.kind, bottom.layer) == ("z", upper.layer)
        lower = bottom if own_sums else Quantity("a", upper.layer - 1)
        yield upper, lower
        upper = lower


def _width(lesson: Lesson, upper: Quantity) -> int:
    """How many terms an entry of a Jacobian of a layer has."""
    return lesson.sizes[upper.layer] if upper.kind == "a" and lesson.softmax(upper.layer) else 1


def _by_weights(lesson: Lesson, upper: Quantity) -> Matrix:
    """A layer's derivatives by the weights of this layer, through its sums."""
    l, sums = lesson.layer, Quantity("z", lesson.layer)

    def entry(i: int, k: int, r: int) -> Expression:
        unit, link = Symbol(a(l - 1, i)), _entry(lesson, upper, sums, r, k)
        return _times(unit, link) if upper.layer == l else _times(link, unit)

    return _three(lesson, entry, lesson.sizes[upper.layer])


def _three(lesson: Lesson, entry: Callable[[int, int, int], Expression], units: int) -> Matrix:
    """A tensor over the weights of a layer, with an inner vector for each: a row, or a column where examples are."""

    def inner(i: int, k: int) -> Matrix:
        entries = tuple(entry(i, k, r) for r in range(units))
        return Matrix((entries,) if lesson.notation.activation_first else tuple((e,) for e in entries))

    return _over_weights(lesson, inner)


def _over_weights(lesson: Lesson, entry: Callable[[int, int], Expression]) -> Matrix:
    """An entry for each weight of the layer, the weights as the notation has them: from-to or to-from."""
    befores, units = (range(lesson.sizes[l]) for l in (lesson.layer - 1, lesson.layer))
    if lesson.notation.counting.from_to:
        return Matrix(tuple(tuple(entry(i, k) for k in units) for i in befores))
    return Matrix(tuple(tuple(entry(i, k) for i in befores) for k in units))


def _times(left: Expression, right: Expression) -> Expression:
    """A product without zeros and ones."""
    if ZERO in (left, right):
        return ZERO
    if ONE in (left, right):
        return right if left == ONE else left
    return minus_outside(left, lambda e: minus_outside(right, lambda f: multiply(e, f)))


def _nonzero(terms: Iterator[Expression]) -> list[Expression]:
    return [term for term in terms if term != ZERO]
