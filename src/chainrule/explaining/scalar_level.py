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
)
from chainrule.explaining.formulas import activation_formula, exp, loss_formula
from chainrule.explaining.lesson import Lesson
from chainrule.explaining.quantities import BATCH_COST, COST, Derivative, Index, Quantity, a, bias, delta, weight, y, z


def scalar_level(lesson: Lesson) -> Iterator[Equation]:
    """One weight or bias: forward equations, chain rule, each local derivative, all of it together."""
    l, units = lesson.layer, lesson.bottom.units or (lesson.index(0), lesson.index(1))
    i, j = units[0] if len(units) == 2 else lesson.index(0), units[-1]
    target = bias(l, j) if lesson.bottom.kind == "b" else weight(l, i, j)
    yield from _forward(lesson, l, i, j)
    top = COST
    last = Derivative(z(l, j), target)
    through_z = (Symbol(delta(l, j)), Symbol(last))
    yield Equation(
        Symbol(Derivative(top, target)), (lesson.ordered(through_z),),
        "chain rule: this parameter reaches the cost through one pre-activation only",
    )  # fmt: skip
    if lesson.bottom.kind == "W":
        yield Equation(Symbol(last), (Symbol(a(l - 1, i)),), "of the sum only one term holds this weight")
    else:
        yield Equation(Symbol(last), (ONE,), "a bias is added as it is")
    yield from _deltas(lesson, l, j)
    inside = _delta_in_full(lesson, l, j, 0)
    whole = inside if lesson.bottom.kind == "b" else lesson.weighted(Symbol(a(l - 1, i)), inside)
    yield Equation(Symbol(Derivative(top, target)), (whole,), "all together")
    yield _over_examples(lesson, target)


def _forward(lesson: Lesson, l: int, i: Index, j: Index) -> Iterator[Equation]:
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
    yield Equation(Symbol(COST), (_cost(lesson),), f"loss: {lesson.loss.name}")


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


def _deltas(lesson: Lesson, l: int, j: Index) -> Iterator[Equation]:
    """delta of the layer, of the next one, ... to the outputs; and what each slope is."""
    for m in range(l, lesson.L + 1):
        yield from _delta(lesson, m, j if m == l else lesson.index(1 + m - l), lesson.index(2 + m - l))
    for m in range(l, lesson.L + 1):
        formula = activation_formula(lesson.activations[m - 1].name)
        if formula is not None and not (lesson.fused and m == lesson.L):
            k = lesson.index(1)
            slope = formula.slope(Symbol(z(m, k)), Symbol(a(m, k)))
            yield Equation(lesson.slope(m, k), (slope,), f"derivative of {lesson.activations[m - 1].name}")


def _delta(lesson: Lesson, m: int, j: Index, k: str) -> Iterator[Equation]:
    """delta[m]_j: at the outputs from the loss, before from the next layer's."""
    by_a = Derivative(COST, a(m, j))
    if m == lesson.L:
        yield from _output_delta(lesson, j, k)
        return
    if lesson.softmax(m):
        mixed = SumOver("r", lesson.first(), lesson.last(m), lesson.ordered(
            (Symbol(Derivative(COST, a(m, "r"))), Symbol(Derivative(a(m, "r"), z(m, j))))))  # fmt: skip
        yield Equation(Symbol(delta(m, j)), (mixed,), "softmax: z moves every unit of its layer")
    else:
        yield Equation(
            Symbol(delta(m, j)), (lesson.ordered((Symbol(by_a), lesson.slope(m, j))),), "chain rule: through a"
        )
    paths = lesson.ordered((Symbol(delta(m + 1, k)), Symbol(Derivative(z(m + 1, k), a(m, j)))))
    known = multiply(Symbol(weight(m + 1, j, k)), Symbol(delta(m + 1, k)))
    sides = tuple(SumOver(k, lesson.first(), lesson.last(m + 1), term) for term in (paths, known))
    yield Equation(Symbol(by_a), sides, "sum over paths: a reaches the cost through every unit of the next layer")


def _output_delta(lesson: Lesson, j: Index, k: str) -> Iterator[Equation]:
    L, formula = lesson.L, loss_formula(lesson.loss.name, lesson.notation.error)
    A, Y = Symbol(a(L, j)), Symbol(y(j))
    left = Symbol(delta(L, j))
    if formula is not None and formula.delta is not None:
        yield Equation(left, (formula.delta(A, Y),), f"{lesson.loss.name}: loss and activation together")
        return
    by_a = Derivative(COST, a(L, j))
    if lesson.softmax(L):
        mixed = lesson.ordered((Symbol(Derivative(COST, a(L, k))), Symbol(Derivative(a(L, k), z(L, j)))))
        yield Equation(left, (SumOver(k, lesson.first(), lesson.last(L), mixed),), "softmax: z moves every output")
    else:
        yield Equation(left, (lesson.ordered((Symbol(by_a), lesson.slope(L, j))),), "chain rule: through a")
    if formula is not None and formula.slope is not None:
        slope = formula.slope(A, Y, lesson.sizes[-1])
        yield Equation(Symbol(by_a), (slope,), f"derivative of the loss {lesson.loss.name}")


def _delta_in_full(lesson: Lesson, m: int, j: Index, depth: int) -> Expression:
    """delta with the deltas after it put in, to the outputs."""
    formula = loss_formula(lesson.loss.name, lesson.notation.error)
    A, Y = Symbol(a(m, j)), Symbol(y(j))
    if m == lesson.L and formula is not None and formula.delta is not None:
        return formula.delta(A, Y)
    if lesson.softmax(m) or (m == lesson.L and formula is None):
        return Symbol(delta(m, j))
    if m == lesson.L:
        assert formula is not None
        assert formula.slope is not None
        return minus_outside(formula.slope(A, Y, lesson.sizes[-1]), lambda e: multiply(e, lesson.slope(m, j)))
    k = lesson.index(2 + depth)
    inner = _delta_in_full(lesson, m + 1, k, depth + 1)
    term = minus_outside(inner, lambda e: multiply(Symbol(weight(m + 1, j, k)), e))
    return multiply(lesson.slope(m, j), SumOver(k, lesson.first(), lesson.last(m + 1), term))


def _over_examples(lesson: Lesson, target: Quantity) -> Equation:
    n = lesson.notation.example
    whole: Expression = SumOver(
        n, "1", lesson.notation.letter("N"), Symbol(Derivative(Quantity("C", example=n), target))
    )
    if lesson.notation.reduction == "mean":
        whole = Product((Quotient(ONE, Symbol(Quantity("N"))), whole))
    rule = f"{lesson.notation.reduction} over the examples; with weight decay, add lambda w"
    return Equation(
        Symbol(Derivative(BATCH_COST, target)), (whole,), rule if target.kind == "W" else rule.split(";")[0]
    )
