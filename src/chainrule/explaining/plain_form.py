"""Derivations as plain data: nested dictionaries that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.explaining.expressions import (
    Cases,
    DerivativeOf,
    Equation,
    Expression,
    Function,
    Hadamard,
    Matmul,
    Matrix,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    SumOver,
    Symbol,
    Transpose,
)
from chainrule.explaining.naming import Naming
from chainrule.explaining.text_form import TextWriter


def plain(equations: Sequence[Equation], naming: Naming) -> list[dict[str, Any]]:
    """Return equations as plain data."""
    return [
        {"left": tree(equation.left, naming), "rule": equation.rule, "sides": [tree(e, naming) for e in equation.sides]}
        for equation in equations
    ]


def tree(e: Expression, naming: Naming) -> dict[str, Any]:
    """Return an expression as nested dictionaries with an "is" each."""
    writer = TextWriter(naming, None)
    match e:
        case Number():
            return {"is": "number", "value": finite(e.value)}
        case Symbol():
            return {"is": "quantity", "name": writer.shown(naming.show(e.name)), "value": finite(e.value)}
        case Rest():
            return {"is": "rest", "count": e.count, "value": finite(e.value)}
        case Sum():
            return {"is": "sum", "of": [tree(part, naming) for part in e.terms]}
        case Product():
            return {"is": "product", "of": [tree(part, naming) for part in e.factors]}
        case Quotient():
            return {"is": "quotient", "of": [tree(e.top, naming), tree(e.bottom, naming)]}
        case Power():
            return {"is": "power", "of": [tree(e.base, naming), tree(e.exponent, naming)]}
        case Negative():
            return {"is": "negative", "of": [tree(e.of, naming)]}
        case Function():
            return {"is": "function", "name": e.name, "of": [tree(e.of, naming)]}
        case Cases():
            conditions = [
                {"if": [tree(c.left, naming), c.sign, tree(c.right, naming)], "then": tree(b, naming)}
                for c, b in e.branches
            ]
            return {"is": "cases", "of": conditions, "otherwise": tree(e.otherwise, naming)}
        case SumOver():
            return {"is": "sum over", "index": e.index, "from": e.first, "to": e.last, "of": [tree(e.term, naming)]}
        case DerivativeOf():
            return {"is": "derivative", "by": writer.shown(naming.show(e.by)), "of": [tree(e.of, naming)]}
        case Matmul():
            return {"is": "matrix product", "of": [tree(part, naming) for part in e.factors]}
        case Hadamard():
            return {"is": "product by element", "of": [tree(part, naming) for part in e.factors]}
        case Transpose():
            return {"is": "transpose", "of": [tree(e.of, naming)]}
        case Matrix():
            return {"is": "matrix", "rows": [[tree(entry, naming) for entry in row] for row in e.rows]}
    raise TypeError(f"{type(e).__name__} is no expression")


def finite(value: float | None) -> float | None:
    """Return a number that JSON has, None for NaN and infinities; 0 has no sign."""
    return value + 0.0 if value is not None and math.isfinite(value) else None
