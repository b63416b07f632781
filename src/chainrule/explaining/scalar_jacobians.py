"""Derivatives of a layer's units by what stands before them, index by index."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.explaining.expressions import ONE, Equation, Expression, SumOver, Symbol, multiply
from chainrule.explaining.lesson import Lesson
from chainrule.explaining.quantities import Derivative, Quantity, a, bias, weight, z
from chainrule.explaining.scalar_level import forward_lines, slope_lines, sum_by_parameter


def scalar_jacobian(lesson: Lesson) -> Iterator[Equation]:
    """da[m]_k or dz[m]_k by a unit, a weight or a bias of an earlier layer, or of the same."""
    top, bottom, l = lesson.top, lesson.bottom, lesson.layer
    m, k = top.layer, top.units[0] if top.units else lesson.index(2)
    assert isinstance(m, int)
    i, j = lesson.index(0), bottom.units[-1] if bottom.units else lesson.index(1)
    head = z(m, k) if top.kind == "z" else a(m, k)
    if bottom.kind in ("W", "b"):
        i = bottom.units[0] if len(bottom.units) == 2 else i
        target = bias(l, j) if bottom.kind == "b" else weight(l, i, j)
        yield from forward_lines(lesson, l, i, j)
        before = z(l, j)
        chain = lesson.ordered((Symbol(Derivative(head, before)), Symbol(Derivative(before, target))))
        rule = "chain rule: this parameter reaches the unit through one pre-activation only"
        yield Equation(Symbol(Derivative(head, target)), (chain,), rule)
        yield sum_by_parameter(lesson, l, i, j)
        yield from _lines(lesson, head, before)
        whole = _whole(lesson, head, before, 3)
        last = ONE if bottom.kind == "b" else Symbol(a(l - 1, i))
        together = whole if last == ONE else multiply(whole, last)
        yield Equation(Symbol(Derivative(head, target)), (together,), "all together")
        return
    before = a(l, j) if bottom.kind == "a" else z(l, j)
    first = max(l + 1, 1) if bottom.kind == "a" else l
    if first <= m:
        yield from forward_lines(lesson, first, lesson.index(0), k if first == m else lesson.index(1))
    yield from _lines(lesson, head, before)
    yield Equation(Symbol(Derivative(head, before)), (_whole(lesson, head, before, 3),), "all together")


def _lines(lesson: Lesson, head: Quantity, before: Quantity) -> Iterator[Equation]:
    """From the unit back to what it is differentiated by, one local derivative a line."""
    l, passed = before.layer, []
    number = 3
    while (head.kind, head.layer) != (before.kind, before.layer):
        left, k, m = Symbol(Derivative(head, before)), head.units[0], head.layer
        if head.kind == "a":
            passed.append(m)
            if (before.kind, l) == ("z", m):
                rule = "softmax: every unit moves with every sum" if lesson.softmax(m) else (
                    "each activation moves with its own sum only")  # fmt: skip
                yield Equation(left, (lesson.entry(m, k, before.units[0]),), rule)
                break
            if lesson.softmax(m):
                q = lesson.index(number)
                number += 1
                chain = lesson.ordered((Symbol(Derivative(head, z(m, q))), Symbol(Derivative(z(m, q), before))))
                total = SumOver(q, lesson.first(), lesson.last(m), chain)
                yield Equation(left, (total,), "softmax: every sum of the layer moves it")
                head = z(m, q)
            else:
                chain = lesson.ordered((lesson.slope(m, k), Symbol(Derivative(z(m, k), before))))
                yield Equation(left, (chain,), "chain rule: through z")
                head = z(m, k)
        else:
            if (before.kind, l) == ("a", m - 1):
                known = Symbol(weight(m, before.units[0], k))
                yield Equation(left, (known,), "of the sum only one term holds this unit")
                break
            p = lesson.index(number)
            number += 1
            inner = Symbol(Derivative(a(m - 1, p), before))
            total = SumOver(p, lesson.first(), lesson.last(m - 1), multiply(Symbol(weight(m, p, k)), inner))
            yield Equation(left, (total,), "sum over the units of the layer before")
            head = a(m - 1, p)
    else:
        same = lesson.where_equal(head.units[0], before.units[0], ONE)
        yield Equation(Symbol(Derivative(head, before)), (same,), "a number moves with itself")
    for m in passed:
        if not (lesson.softmax(m) and (before.kind, l) == ("z", m)):
            yield from slope_lines(lesson, range(m, m + 1))


def _whole(lesson: Lesson, head: Quantity, before: Quantity, number: int) -> Expression:
    """The derivative with everything put in; `number` is the next free index."""
    l, j, k, m = before.layer, before.units[0], head.units[0], head.layer
    if (head.kind, m) == (before.kind, l):
        return lesson.where_equal(k, j, ONE)
    letter = lesson.index(number)
    if head.kind == "a":
        if (before.kind, l) == ("z", m):
            return lesson.entry(m, k, j)
        if lesson.softmax(m):
            inner = _whole(lesson, z(m, letter), before, number + 1)
            term = multiply(Symbol(Derivative(head, z(m, letter))), inner)
            return SumOver(letter, lesson.first(), lesson.last(m), term)
        return multiply(lesson.slope(m, k), _whole(lesson, z(m, k), before, number))
    if (before.kind, l) == ("a", m - 1):
        return Symbol(weight(m, j, k))
    if (before.kind, l) == ("z", m - 1) and not lesson.softmax(m - 1):  # of the sum only the unit itself moves
        return multiply(Symbol(weight(m, j, k)), lesson.slope(m - 1, j))
    inner = _whole(lesson, a(m - 1, letter), before, number + 1)
    return SumOver(letter, lesson.first(), lesson.last(m - 1), multiply(Symbol(weight(m, letter, k)), inner))
