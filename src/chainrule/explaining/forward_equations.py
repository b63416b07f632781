"""The forward pass as equations: z, a, C and J, each in terms of what it was computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chainrule.explaining.expressions import (
    ONE,
    TWO,
    Expression,
    Function,
    Negative,
    Number,
    Product,
    Quotient,
    add,
    multiply,
    square,
)
from chainrule.explaining.formulas import activation_formula, exp, loss_formula, softmax_cross_entropy
from chainrule.explaining.quantities import Name, Quantity, a, bias, weight, y, z
from chainrule.explaining.sums import long_sum
from chainrule.explaining.trees import evaluate

if TYPE_CHECKING:
    from chainrule.explaining.definitions import Definitions


def pre_activation(here: Definitions, q: Quantity) -> tuple[str, Expression]:
    l, k, n = q.layer, q.units[0], q.example
    A, W = here.values.array(Quantity("a", l - 1, (), n)), here.values.weights(l)[:, k]
    further: list[Expression] = []
    if here.values.biases(l) is not None:
        b = here.symbol(bias(l, k))
        further = [multiply(b, ONE) if here.notation.bias == "w0" else b]
    terms = long_sum(
        A * W, lambda i: weighted(here, here.symbol(a(l - 1, i, n)), here.symbol(weight(l, i, k))), here.most, *further
    )
    return "weighted sum of the layer before", terms


def weighted(here: Definitions, unit: Expression, w: Expression) -> Expression:
    return multiply(unit, w) if here.notation.activation_first else multiply(w, unit)


def activation(here: Definitions, q: Quantity) -> tuple[str, Expression]:
    if here.values.masked(q.layer):
        rule, f = _unmasked(here, q)
        return f"{rule}, times what dropout makes of the unit", multiply(here.symbol(replace(q, kind="mask")), f)
    return _unmasked(here, q)


def _unmasked(here: Definitions, q: Quantity) -> tuple[str, Expression]:
    l, k, n = q.layer, q.units[0], q.example
    name = here.values.layer(l).activation.name
    if name == "softmax":
        Z = here.values.array(Quantity("z", l, (), n))
        if Z.max() < 700:
            bottom = long_sum(np.exp(Z), lambda j: exp(here.symbol(z(l, j, n))), here.most)
            return "softmax", Quotient(exp(here.symbol(z(l, k, n))), bottom)
    formula, Z_k = activation_formula(name), here.symbol(z(l, k, n))
    if formula is None:
        f = here.values.passes(n).record.f[l][0, k] if here.values.masked(l) else here.value(q)
        return f"activation function {name}", Function("f", Z_k, float(f))
    return f"activation function {name}", formula.value(Z_k)


def cost(here: Definitions, q: Quantity) -> tuple[str, Expression]:
    n, L = q.example, here.values.L
    name = here.values.loss.name
    formula = loss_formula(name, here.notation.error)
    A, Z, Y = (here.values.array(Quantity(kind, layer, (), n)) for kind, layer in (("a", L), ("z", L), ("y", None)))
    if formula is None:
        return f"loss {name}", Number(here.value(q))
    ends = range(len(A))
    if name == "softmax_categorical_cross_entropy":
        if len(A) > here.most + 1 or Z.max() >= 700:
            return long_cross_entropy(here, q, Z, Y)
        return f"loss {name}", softmax_cross_entropy(
            [here.symbol(z(L, k, n)) for k in ends], [here.symbol(y(k, n)) for k in ends]
        )

    def term(k: int) -> Expression:
        return formula.term(here.symbol(z(L, k, n)), here.symbol(a(L, k, n)), here.symbol(y(k, n)))

    values = np.array([evaluate(term(k)) for k in ends])
    front, terms = formula.front(len(A)), long_sum(values, term, here.most)
    if front is None:
        return f"loss {name}", terms
    if front == Number(-1.0):
        return f"loss {name}", Negative(terms)
    return f"loss {name}", Product((front, terms))


def long_cross_entropy(here: Definitions, q: Quantity, Z: np.ndarray, Y: np.ndarray) -> tuple[str, Expression]:
    """Of many classes show those that are the target: C = sum of y_j (-ln a_j)."""
    L, n = here.values.L, q.example
    A = here.values.array(Quantity("a", L, (), n))
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(Y == 0, 0.0, -Y * np.log(A))
    terms = long_sum(
        values, lambda k: Negative(multiply(here.symbol(y(k, n)), Function("ln", here.symbol(a(L, k, n))))), here.most
    )
    return f"loss {here.values.loss.name}", terms


def batch_cost(here: Definitions) -> tuple[str, Expression]:
    values = here.values
    costs, r = values.batch.costs, values.shares
    parts = [over_examples(here, costs, r, lambda n: Quantity("C", example=n))]
    if values.weight_decay:
        parts.append(decay_term(here))
    return f"{values.reduction} over the examples" + (", and weight decay" if len(parts) > 1 else ""), add(*parts)


def decay_term(here: Definitions) -> Expression:
    """lambda / 2 times the sum of all squared weights, biases left out (seed 002)."""
    places = [(l, i, k) for l in range(1, here.values.L + 1) for i, k in np.ndindex(here.values.weights(l).shape)]
    squares = np.concatenate([here.values.weights(l).ravel() ** 2 for l in range(1, here.values.L + 1)])
    terms = long_sum(squares, lambda i: square(here.symbol(weight(*places[i]))), here.most)
    return Product((Quotient(here.symbol(Quantity("lambda")), TWO), terms))


def over_examples(here: Definitions, each: np.ndarray, r: np.ndarray, name: Callable[[int], Name]) -> Expression:
    """sum_n r_n each_n: with 1/N in front or inside, with weights, or plain."""
    alike = here.values.sample_weight is None
    share: Expression | None = None
    if alike and here.values.reduction == "mean":
        share = Quotient(ONE, here.symbol(Quantity("N")))

    def term(n: int) -> Expression:
        symbol = here.symbol(name(n))
        if alike:
            return symbol if share is None or here.notation.share != "inside" else multiply(share, symbol)
        return multiply(here.symbol(Quantity("share", example=n)), symbol)

    if share is not None and here.notation.share == "front":
        inner = long_sum(each, term, here.most)
        return Product((share, inner))
    return long_sum(r * each, term, here.most)
