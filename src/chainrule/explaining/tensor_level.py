"""A textbook derivation with the tensors of seed 004: Jacobians of whole layers, written out while they are small."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chainrule.errors import UsageError
from chainrule.explaining.expressions import Equation, Expression, Matrix, Number, Product, Sum, Symbol, multiply
from chainrule.explaining.formulas import loss_formula
from chainrule.explaining.lesson import Lesson
from chainrule.explaining.matrix_level import MatrixForms
from chainrule.explaining.quantities import COST, Derivative, Quantity, a, weight, y

MOST_ENTRIES = 64  # of a tensor that is written out


def tensor_level(lesson: Lesson) -> Iterator[Equation]:
    """d outputs / dW as a chain of Jacobians, written out while it is small."""
    if lesson.bottom.kind != "W":
        raise UsageError("the tensor level follows the weights of a layer, as in dC/dW[1].")
    forms, l, L = MatrixForms(lesson.notation), lesson.layer, lesson.L
    W = Quantity("W", l)
    by_W = Symbol(Derivative(Quantity("a", l), W))
    sums = Symbol(Derivative(Quantity("z", l), W))
    slope = Symbol(Derivative(Quantity("a", l), Quantity("z", l)))
    yield Equation(by_W, (Product((slope, sums)),), "chain rule for tensors")
    product = Symbol(Derivative(Quantity("a", l - 1), W)), Symbol(W), forms.of("a", l - 1), Symbol(Derivative(W, W))
    pairs = (product[:2], product[2:])
    if not lesson.notation.activation_first:  # the weights stand in front
        pairs = (product[:2][::-1], product[2:][::-1])
    yield Equation(sums, (Sum(tuple(map(Product, pairs))),), "product rule for tensors")
    yield Equation(product[0], (Number(0.0),), "the layer before does not depend on these weights")
    yield from _written_out(lesson, l, product[3], sums, slope, by_W)
    for m in range(l + 1, L + 1):
        yield from _across(lesson, m, l)
    yield from _to_the_loss(lesson, l)


def _written_out(
    lesson: Lesson, l: int, identity: Symbol, sums: Symbol, slope: Symbol, by_W: Symbol
) -> Iterator[Equation]:
    fan_in, fan_out = lesson.sizes[l - 1], lesson.sizes[l]
    if fan_in * fan_in * fan_out * fan_out <= MOST_ENTRIES:
        four = Matrix(tuple(
            tuple(_inner([[Number(float((i, k) == (p, q))) for q in range(fan_out)] for p in range(fan_in)])
                  for k in range(fan_out)) for i in range(fan_in)))  # fmt: skip
        yield Equation(identity, (four,), "four-dimensional: 1 where a weight meets itself, not simply 1")
    if fan_in * fan_out * fan_out > MOST_ENTRIES:
        return

    def entries(entry: Callable[[int, int, int], Expression]) -> Matrix:
        return Matrix(tuple(
            tuple(_inner([[entry(i, k, r) for r in range(fan_out)]]) for k in range(fan_out)) for i in range(fan_in)
        ))  # fmt: skip

    unit = [Symbol(a(l - 1, i)) for i in range(fan_in)]
    zero = Number(0.0)
    inner = entries(lambda i, k, r: unit[i] if r == k else zero)
    yield Equation(sums, (inner,), "the layer before, times each inner matrix")
    if lesson.softmax(l):
        return
    diagonal = Matrix(tuple(
        tuple(lesson.slope(l, k) if r == k else zero for r in range(fan_out)) for k in range(fan_out)
    ))  # fmt: skip
    yield Equation(slope, (diagonal,), "each activation moves with its own sum only")
    yield Equation(
        by_W, (entries(lambda i, k, r: multiply(unit[i], lesson.slope(l, k)) if r == k else zero),),
        "the two multiplied, inner vector by inner vector",
    )  # fmt: skip


def _across(lesson: Lesson, m: int, l: int) -> Iterator[Equation]:
    W, before = Quantity("W", l), Quantity("a", m - 1)
    left = Symbol(Derivative(Quantity("a", m), W))
    neighbours = Symbol(Derivative(Quantity("a", m), before))
    yield Equation(left, (Product((neighbours, Symbol(Derivative(before, W)))),), "chain rule: Jacobian times Jacobian")
    rows, columns = lesson.sizes[m], lesson.sizes[m - 1]
    if rows * columns <= MOST_ENTRIES and not lesson.softmax(m):
        J = Matrix(tuple(
            tuple(multiply(lesson.slope(m, k), Symbol(weight(m, j, k))) for j in range(columns)) for k in range(rows)
        ))  # fmt: skip
        yield Equation(neighbours, (J,), "numerator layout: a row for each unit of the later layer")
    fan_in, fan_out = lesson.sizes[l - 1], lesson.sizes[l]
    if m == l + 1 and fan_in * fan_out * rows <= MOST_ENTRIES and not lesson.softmax(m) and not lesson.softmax(l):

        def entry(i: int, k: int, r: int) -> Expression:
            return multiply(lesson.slope(m, r), Symbol(weight(m, k, r)), lesson.slope(l, k), Symbol(a(l - 1, i)))

        full = Matrix(tuple(
            tuple(_inner([[entry(i, k, r) for r in range(rows)]]) for k in range(fan_out)) for i in range(fan_in)
        ))  # fmt: skip
        yield Equation(left, (full,), "every inner vector times the Jacobian")


def _to_the_loss(lesson: Lesson, l: int) -> Iterator[Equation]:
    L, W = lesson.L, Quantity("W", l)
    outputs = Quantity("a", L)
    left = Symbol(Derivative(COST, W))
    first = Symbol(Derivative(COST, outputs))
    yield Equation(
        left, (Product((first, Symbol(Derivative(outputs, W)))),), "first of the Jacobians: that of the loss"
    )
    formula = loss_formula(lesson.loss.name, lesson.notation.error)
    if formula is not None and formula.slope is not None and lesson.sizes[-1] <= MOST_ENTRIES // 4:
        row = tuple(formula.slope(Symbol(a(L, k)), Symbol(y(k)), lesson.sizes[-1]) for k in range(lesson.sizes[-1]))
        yield Equation(first, (Matrix((row,)),), f"derivative of the loss {lesson.loss.name}")


def _inner(rows: list[list[Expression]]) -> Matrix:
    return Matrix(tuple(tuple(row) for row in rows))
