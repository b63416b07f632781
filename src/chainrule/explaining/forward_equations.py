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
    Sum,
    add,
    multiply,
    square,
    subtract,
)
from chainrule.explaining.formulas import LARGE, activation_formula, exp, loss_formula
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
        powers, shifted = exponentials(here, l, n)
        rule = "softmax, with the largest z taken from all of them, which changes nothing" if shifted else "softmax"
        return rule, Quotient(powers(k), summed_exponentials(here, l, n))
    formula, Z_k = activation_formula(name), here.symbol(z(l, k, n))
    if formula is None:
        f = here.values.passes(n).record.f[l][0, k] if here.values.masked(l) else here.value(q)
        return f"activation function {name}", Function("f", Z_k, float(f))
    return f"activation function {name}", formula.value(Z_k)


def cost(here: Definitions, q: Quantity) -> tuple[str, Expression]:
    n, L = q.example, here.values.L
    name = here.values.loss.name
    formula = loss_formula(name, here.notation.error)
    A, Y = (here.values.array(Quantity(kind, layer, (), n)) for kind, layer in (("a", L), ("y", None)))
    if formula is None:
        return f"loss {name}", Number(here.value(q))
    ends = range(len(A))
    if name == "softmax_categorical_cross_entropy":
        return f"loss {name}", softmax_cross_entropy(here, n, A, Y)

    def term(k: int) -> Expression:
        return formula.term(here.symbol(z(L, k, n)), here.symbol(a(L, k, n)), here.symbol(y(k, n)))

    values = np.array([evaluate(term(k)) for k in ends])
    front, terms = formula.front(len(A)), long_sum(values, term, here.most)
    if front is None:
        return f"loss {name}", terms
    if front == Number(-1.0):
        return f"loss {name}", Negative(terms)
    return f"loss {name}", Product((front, terms))


def exponentials(here: Definitions, l: int, n: int | None) -> tuple[Callable[[int], Expression], bool]:
    """e^z_j of a layer; e^(z_j - z_m) with the largest z_m, and True, where e^z would leave the range of floats."""
    Z = here.values.array(Quantity("z", l, (), n))
    if abs(Z.max()) <= LARGE:
        return lambda j: exp(here.symbol(z(l, j, n))), False
    top = here.symbol(z(l, int(Z.argmax()), n))
    return lambda j: exp(subtract(here.symbol(z(l, j, n)), top)), True


def summed_exponentials(here: Definitions, l: int, n: int | None) -> Expression:
    """The sum that a softmax divides by."""
    Z = here.values.array(Quantity("z", l, (), n))
    powers, shifted = exponentials(here, l, n)
    return long_sum(np.exp(Z - Z.max() if shifted else Z), powers, here.most)


def softmax_cross_entropy(here: Definitions, n: int | None, A: np.ndarray, Y: np.ndarray) -> Expression:
    """C = sum_j y_j (ln sum_k e^z_k - z_j), or of many classes sum_j y_j (-ln a_j), where every a_j is there.

    The terms of targets that are 0 are left out.
    """
    L = here.values.L
    targets = np.flatnonzero(Y)
    if len(A) > here.most + 1 and (A[targets] > np.finfo(float).tiny).all():
        return long_sum(
            -Y[targets] * np.log(A[targets]),
            lambda i: Negative(
                multiply(here.symbol(y(int(targets[i]), n)), Function("ln", here.symbol(a(L, int(targets[i]), n))))
            ),
            here.most,
        )
    Z = here.values.array(Quantity("z", L, (), n))
    _, shifted = exponentials(here, L, n)
    log_sum: Expression = Function("ln", summed_exponentials(here, L, n))
    if shifted:
        log_sum = Sum((here.symbol(z(L, int(Z.argmax()), n)), log_sum))
    return long_sum(
        Y[targets] * (evaluate(log_sum) - Z[targets]),
        lambda i: multiply(
            here.symbol(y(int(targets[i]), n)), subtract(log_sum, here.symbol(z(L, int(targets[i]), n)))
        ),
        here.most,
    )


def batch_cost(here: Definitions) -> tuple[str, Expression]:
    values = here.values
    costs, r = values.batch.costs, values.shares
    parts = [over_examples(here, costs, r, lambda n: Quantity("C", example=n))]
    if values.weight_decay:
        parts.append(decay_term(here))
    return f"{values.reduction} over the examples" + (", and weight decay" if len(parts) > 1 else ""), add(*parts)


def decay_term(here: Definitions) -> Expression:
    """lambda / 2, or lambda / (2 N), times the sum of all squared weights, biases left out (seed 002)."""
    places = [(l, i, k) for l in range(1, here.values.L + 1) for i, k in np.ndindex(here.values.weights(l).shape)]
    squares = np.concatenate([here.values.weights(l).ravel() ** 2 for l in range(1, here.values.L + 1)])
    terms = long_sum(squares, lambda i: square(here.symbol(weight(*places[i]))), here.most)
    below = multiply(TWO, here.symbol(Quantity("N"))) if here.notation.decay == "over 2N" else TWO
    return Product((Quotient(here.symbol(Quantity("lambda")), below), terms))


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
