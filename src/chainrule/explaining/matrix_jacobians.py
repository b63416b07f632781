"""Jacobians of whole layers as products of matrices, for one example, in the layout of the notation."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.errors import UsageError
from chainrule.explaining.expressions import Equation, Expression, Function, Matmul, Symbol, Transpose, subtract
from chainrule.explaining.lesson import Lesson
from chainrule.explaining.quantities import Derivative, Quantity


def matrix_jacobian(lesson: Lesson) -> Iterator[Equation]:
    """d top / d bottom of two layers as a product of diagonal and of weight matrices.

    Raises
    ------
    UsageError
        If it is one by weights, which has more than two dimensions.
    """
    if lesson.bottom.kind == "W":
        raise UsageError("a layer by a matrix of weights has three dimensions: take the level tensor, or scalar.")
    top, bottom = Quantity(lesson.top.kind, lesson.top.layer), Quantity(lesson.bottom.kind, lesson.layer)
    start = Quantity("z", bottom.layer) if bottom.kind == "b" else bottom
    links = list(chain(top, start))
    factors: list[Expression] = []
    for upper, lower in links:
        yield _link(lesson, upper, lower)
        factors.append(Symbol(Derivative(upper, lower)))
    whole = Symbol(Derivative(top, bottom))
    if not factors:
        yield Equation(whole, (Symbol(Quantity("variable", None, ("I",))),), "a layer by itself: the identity matrix")
        return
    if (bottom.kind == "b" and len(factors) == 1) or len(factors) > 1:
        turned = factors if lesson.notation.layout == "numerator" else factors[::-1]
        rule = "chain rule: Jacobian times Jacobian"
        if bottom.kind == "b":
            rule += "; a bias moves its sum as much as itself"
        yield Equation(whole, (turned[0] if len(turned) == 1 else Matmul(tuple(turned)),), rule)
    inner = [_link(lesson, upper, lower).sides[0] for upper, lower in links]
    inner = inner if lesson.notation.layout == "numerator" else inner[::-1]
    if len(inner) > 1 or bottom.kind == "b":
        yield Equation(whole, (inner[0] if len(inner) == 1 else Matmul(tuple(inner)),), "all together")


def chain(top: Quantity, bottom: Quantity) -> Iterator[tuple[Quantity, Quantity]]:
    """The neighbours on the way from one array back to another."""
    upper = top
    while (upper.kind, upper.layer) != (bottom.kind, bottom.layer):
        lower = Quantity("z", upper.layer) if upper.kind == "a" else Quantity("a", upper.layer - 1)
        yield upper, lower
        upper = lower


def _link(lesson: Lesson, upper: Quantity, lower: Quantity) -> Equation:
    """One local Jacobian."""
    left = Symbol(Derivative(upper, lower))
    numerator = lesson.notation.layout == "numerator"
    m = upper.layer
    if upper.kind == "z":
        W: Expression = Symbol(Quantity("W", m))
        made = Transpose(W) if lesson.notation.counting.from_to == numerator else W
        return Equation(left, (made,), "a weighted sum moves by the weights")
    if not lesson.softmax(m):
        diagonal = Function("diag", Symbol(Quantity("slope", m)))
        return Equation(left, (diagonal,), "each activation moves with its own sum only: a diagonal matrix")
    A = Symbol(Quantity("a", m))
    outer = Matmul((Transpose(A), A) if lesson.notation.examples == "rows" else (A, Transpose(A)))
    return Equation(left, (subtract(Function("diag", A), outer),), "softmax: J, with every unit in every entry")
