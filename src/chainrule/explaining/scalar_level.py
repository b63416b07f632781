"""A textbook derivation index by index: forward equations, chain rule, each local derivative, all of it together."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.explaining.expressions import (
    ONE,
    Equation,
    Expression,
    Function,
    Negative,
    Number,
    Product,
    Quotient,
    Sum,
    SumOver,
    Symbol,
    minus_outside,
    multiply,
    subtract,
)
from chainrule.explaining.formulas import activation_formula, exp, loss_formula
from chainrule.explaining.lesson import TARGETS, Lesson
from chainrule.explaining.quantities import BATCH_COST, COST, Derivative, Index, Quantity, a, bias, delta, weight, y, z


def scalar_level(lesson: Lesson) -> Iterator[Equation]:
    """One derivative of the cost: forward equations, chain rule, each local derivative, all of it together."""
    bottom, l = lesson.bottom, lesson.layer
    if bottom.kind in ("W", "b"):
        yield from _by_parameter(lesson, l)
        return
    j = bottom.units[0] if bottom.units else lesson.index(1)
    if bottom.kind == "delta":
        yield from forward_lines(lesson, l, lesson.index(0), j)
        yield loss_line(lesson)
        yield from _deltas(lesson, l, j)
        if l < lesson.L or lesson.together(Symbol(a(l, j)), Symbol(y(j))) is None:
            yield Equation(Symbol(delta(l, j)), (_delta_in_full(lesson, l, j, 0),), "all together")
        return
    if l < lesson.L:
        yield from forward_lines(lesson, l + 1, j, lesson.index(2))
    yield loss_line(lesson)
    if l == lesson.L:
        yield from _loss_slope(lesson, j)
        return
    yield _over_paths(lesson, l, j, lesson.index(2))
    yield from _deltas(lesson, l + 1, lesson.index(2), used=3)
    yield Equation(Symbol(Derivative(COST, a(l, j))), (_by_a_in_full(lesson, l, j, 0),), "all together")


def _by_parameter(lesson: Lesson, l: int) -> Iterator[Equation]:
    units = lesson.bottom.units or (lesson.index(0), lesson.index(1))
    i, j = units[0] if len(units) == 2 else lesson.index(0), units[-1]
    target = bias(l, j) if lesson.bottom.kind == "b" else weight(l, i, j)
    yield from forward_lines(lesson, l, i, j)
    yield loss_line(lesson)
    last = Derivative(z(l, j), target)
    through_z = (Symbol(delta(l, j)), Symbol(last))
    yield Equation(
        Symbol(Derivative(COST, target)), (lesson.ordered(through_z),),
        "chain rule: this parameter reaches the cost through one pre-activation only",
    )  # fmt: skip
    yield sum_by_parameter(lesson, l, i, j)
    yield from _deltas(lesson, l, j)
    inside = _delta_in_full(lesson, l, j, 0)
    whole = inside if lesson.bottom.kind == "b" else lesson.weighted(Symbol(a(l - 1, i)), inside)
    yield Equation(Symbol(Derivative(COST, target)), (whole,), "all together")
    yield over_examples(lesson, target)


def sum_by_parameter(lesson: Lesson, l: int, i: Index, j: Index) -> Equation:
    """What z gains from a weight or a bias."""
    if lesson.bottom.kind == "b":
        return Equation(Symbol(Derivative(z(l, j), bias(l, j))), (ONE,), "a bias is added as it is")
    left = Symbol(Derivative(z(l, j), weight(l, i, j)))
    return Equation(left, (Symbol(a(l - 1, i)),), "of the sum only one term holds this weight")


def forward_lines(lesson: Lesson, l: int, i: Index, j: Index) -> Iterator[Equation]:
    """z and a of a layer."""
    index = i if isinstance(i, str) else lesson.index(0)
    terms: Expression = SumOver(
        index, str(lesson.notation.counting.first_unit), lesson.last(l - 1),
        lesson.weighted(Symbol(a(l - 1, index)), Symbol(weight(l, index, j))),
    )  # fmt: skip
    if lesson.bias:
        terms = Sum((terms, Symbol(bias(l, j))))
    yield Equation(Symbol(z(l, j)), (terms,), "weighted sum")
    f: Expression = Function("f", Symbol(z(l, j)))
    formula = activation_formula(lesson.activations[l - 1].name)
    sides = (f,) if formula is None else (f, formula.value(Symbol(z(l, j))))
    if lesson.softmax(l):
        sides = (Quotient(exp(Symbol(z(l, j))), SumOver("r", lesson.first(), lesson.last(l), exp(Symbol(z(l, "r"))))),)
    yield Equation(Symbol(a(l, j)), sides, f"activation function: {lesson.activations[l - 1].name}")


def loss_line(lesson: Lesson) -> Equation:
    """C in terms of the outputs."""
    return Equation(Symbol(COST), (_cost(lesson),), f"loss: {lesson.loss.name}")


def _cost(lesson: Lesson) -> Expression:
    formula, L = loss_formula(lesson.loss.name, lesson.notation.error), lesson.L
    k = lesson.index(2)
    if formula is None:
        return Function("C", Symbol(a(L, k)))
    if lesson.loss.name == "softmax_categorical_cross_entropy":
        term: Expression = Negative(multiply(Symbol(y(k)), Function("ln", Symbol(a(L, k)))))
        return SumOver(k, lesson.first(), lesson.last(L), term)
    term = formula.term(Symbol(z(L, k)), Symbol(a(L, k)), Symbol(y(k)))
    whole = SumOver(k, lesson.first(), lesson.last(L), term)
    front = formula.front(lesson.sizes[-1])
    return whole if front is None else Negative(whole) if front == Number(-1.0) else Product((front, whole))


def _deltas(lesson: Lesson, l: int, j: Index, used: int = 2) -> Iterator[Equation]:
    """delta of the layer, of the next one, ... to the outputs; and what each slope is."""
    L = lesson.L
    for m in range(l, L + 1):
        yield from _delta(lesson, m, j if m == l else lesson.index(used - 1 + m - l), lesson.index(used + m - l))
    yield from slope_lines(lesson, range(l, L if lesson.fused or lesson.pair else L + 1))


def slope_lines(lesson: Lesson, layers: range) -> Iterator[Equation]:
    """What f'(z) is in each layer, and for a softmax the derivative of each unit by each sum."""
    k, r = lesson.index(1), "r"
    for m in layers:
        slope = lesson.slope_formula(m, k)
        if slope is not None:
            yield Equation(lesson.slope(m, k), (slope,), f"derivative of {lesson.activations[m - 1].name}")
        elif lesson.softmax(m):
            left = Symbol(Derivative(a(m, r), z(m, k)))
            yield Equation(left, (lesson.entry(m, r, k),), "derivative of softmax")


def _over_paths(lesson: Lesson, l: int, j: Index, k: str) -> Equation:
    """dC/da as the sum over the units of the next layer."""
    paths = lesson.ordered((Symbol(delta(l + 1, k)), Symbol(Derivative(z(l + 1, k), a(l, j)))))
    known = multiply(Symbol(weight(l + 1, j, k)), Symbol(delta(l + 1, k)))
    sides = tuple(SumOver(k, lesson.first(), lesson.last(l + 1), term) for term in (paths, known))
    rule = "sum over paths: a reaches the cost through every unit of the next layer"
    return Equation(Symbol(Derivative(COST, a(l, j))), sides, rule)


def _delta(lesson: Lesson, m: int, j: Index, k: str) -> Iterator[Equation]:
    """delta[m]_j: at the outputs from the loss, before from the next layer's."""
    if m == lesson.L:
        yield from _output_delta(lesson, j, k)
        return
    if lesson.softmax(m):
        mixed = SumOver("r", lesson.first(), lesson.last(m), lesson.ordered(
            (Symbol(Derivative(COST, a(m, "r"))), Symbol(Derivative(a(m, "r"), z(m, j))))))  # fmt: skip
        yield Equation(Symbol(delta(m, j)), (mixed,), "softmax: z moves every unit of its layer")
        yield _over_paths(lesson, m, "r", k)
        return
    by_a = Derivative(COST, a(m, j))
    yield Equation(Symbol(delta(m, j)), (lesson.ordered((Symbol(by_a), lesson.slope(m, j))),), "chain rule: through a")
    yield _over_paths(lesson, m, j, k)


def _output_delta(lesson: Lesson, j: Index, k: str) -> Iterator[Equation]:
    L = lesson.L
    A, Y, left = Symbol(a(L, j)), Symbol(y(j)), Symbol(delta(L, j))
    together = lesson.together(A, Y)
    if lesson.fused and together is not None:
        yield Equation(left, (together,), f"{lesson.loss.name}: {lesson.at_once}")
        return
    if lesson.softmax(L):
        mixed = lesson.ordered((Symbol(Derivative(COST, a(L, k))), Symbol(Derivative(a(L, k), z(L, j)))))
        yield Equation(left, (SumOver(k, lesson.first(), lesson.last(L), mixed),), "softmax: z moves every output")
        yield from _loss_slope(lesson, k)
    else:
        by_a = Symbol(Derivative(COST, a(L, j)))
        yield Equation(left, (lesson.ordered((by_a, lesson.slope(L, j))),), "chain rule: through a")
        yield from _loss_slope(lesson, j)
    if together is None:
        return
    if lesson.softmax(L):
        slope = Symbol(Derivative(a(L, k), z(L, j)))
        yield Equation(slope, (lesson.entry(L, k, j),), "derivative of softmax")
        all_y = SumOver(k, lesson.first(), lesson.last(L), Symbol(y(k)))
        yield Equation(left, (subtract(multiply(A, all_y), Y),), "both put in: a divides out")
        yield Equation(left, (together,), TARGETS)
        return
    outer, slope_of = _slope_by_a(lesson, A, Y), lesson.slope_formula(L, j)
    assert outer is not None
    assert slope_of is not None
    if lesson.pair:
        yield Equation(lesson.slope(L, j), (slope_of,), f"derivative of {lesson.activations[-1].name}")
        yield Equation(left, (multiply(outer, slope_of),), "both put in")
    yield Equation(left, (together,), "multiplied out" if lesson.pair else "the slope of the identity is 1")


def _slope_by_a(lesson: Lesson, A: Expression, Y: Expression) -> Expression | None:
    """dC/da at an output; None for a loss of the user's own."""
    formula = loss_formula(lesson.loss.name, lesson.notation.error)
    return None if formula is None or formula.slope is None else formula.slope(A, Y, lesson.sizes[-1])


def _loss_slope(lesson: Lesson, j: Index) -> Iterator[Equation]:
    """What dC/da is at an output, where the loss has a formula."""
    slope = _slope_by_a(lesson, Symbol(a(lesson.L, j)), Symbol(y(j)))
    if slope is not None:
        left = Symbol(Derivative(COST, a(lesson.L, j)))
        yield Equation(left, (slope,), f"derivative of the loss {lesson.loss.name}")


def _delta_in_full(lesson: Lesson, m: int, j: Index, depth: int) -> Expression:
    """delta with the deltas after it put in, to the outputs."""
    A, Y, k = Symbol(a(m, j)), Symbol(y(j)), lesson.index(2 + depth)
    if m == lesson.L:
        together = lesson.together(A, Y)
        if together is not None:
            return together
        if lesson.softmax(m):
            slope = _slope_by_a(lesson, Symbol(a(m, k)), Symbol(y(k)))
            outer = Symbol(Derivative(COST, a(m, k))) if slope is None else slope
            term = minus_outside(outer, lambda e: multiply(e, Symbol(Derivative(a(m, k), z(m, j)))))
            return SumOver(k, lesson.first(), lesson.last(m), term)
        slope = _slope_by_a(lesson, A, Y)
        outer = Symbol(Derivative(COST, a(m, j))) if slope is None else slope
        return minus_outside(outer, lambda e: multiply(e, lesson.slope(m, j)))
    if lesson.softmax(m):
        inner = _by_a_in_full(lesson, m, k, depth + 1)
        term = multiply(Symbol(Derivative(a(m, k), z(m, j))), inner)
        return SumOver(k, lesson.first(), lesson.last(m), term)
    return multiply(lesson.slope(m, j), _by_a_in_full(lesson, m, j, depth))


def _by_a_in_full(lesson: Lesson, l: int, j: Index, depth: int) -> Expression:
    """dC/da of a layer before the last, down to the outputs."""
    k = lesson.index(2 + depth)
    inner = _delta_in_full(lesson, l + 1, k, depth + 1)
    term = minus_outside(inner, lambda e: multiply(Symbol(weight(l + 1, j, k)), e))
    return SumOver(k, lesson.first(), lesson.last(l + 1), term)


def over_examples(lesson: Lesson, target: Quantity) -> Equation:
    """J from the examples' costs."""
    n = lesson.notation.example
    whole: Expression = SumOver(
        n, "1", lesson.notation.letter("N"), Symbol(Derivative(Quantity("C", example=n), target))
    )
    if lesson.notation.reduction == "mean":
        whole = Product((Quotient(ONE, Symbol(Quantity("N"))), whole))
    rule = f"{lesson.notation.reduction} over the examples"
    if target.kind == "W":
        shared = f" / {lesson.notation.letter('N')}" if lesson.notation.decay == "over 2N" else ""
        rule += f"; with weight decay, add lambda w{shared}"
    return Equation(Symbol(Derivative(BATCH_COST, target)), (whole,), rule)
