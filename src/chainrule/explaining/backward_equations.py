"""The backward pass as equations: delta, beta and the derivatives of C and J.

Sources: seeds 000 and 001 (the product of three factors, the sum over paths, beta), 002 (delta) and 004 (softmax).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.core.catalogue import head_and_numbers
from chainrule.core.tensors import activation_jacobian
from chainrule.explaining.expressions import (
    Expression,
    Function,
    Negative,
    Number,
    Product,
    Quotient,
    Sum,
    Symbol,
    minus_outside,
    multiply,
)
from chainrule.explaining.formulas import activation_formula, loss_formula, softmax_slope
from chainrule.explaining.forward_equations import over_examples, weighted
from chainrule.explaining.quantities import Derivative, Quantity, a, cost_of, delta, weight, y, z
from chainrule.explaining.sums import long_sum

if TYPE_CHECKING:
    from chainrule.explaining.definitions import Definitions


def of_batch(here: Definitions, d: Derivative) -> tuple[str, Expression]:
    """dJ/dw = sum_n r_n dC_n/dw + lambda w (seeds 001, 002, 004)."""
    l, units = d.bottom.layer, d.bottom.units
    batch = here.values.batch
    error = batch.delta[l][:, units[-1]]
    each = error if d.bottom.kind == "b" else error * batch.a[l - 1][:, units[0]]
    terms = over_examples(here, each, here.values.shares, lambda n: Derivative(Quantity("C", example=n), d.bottom))
    rule = f"{here.values.reduction} over the examples"
    if not here.values.weight_decay or d.bottom.kind == "b":
        return rule, terms
    lam: Expression = here.symbol(Quantity("lambda"))
    if here.notation.decay == "over 2N":
        lam = Quotient(lam, here.symbol(Quantity("N")))
    decay = multiply(lam, here.symbol(d.bottom))
    return rule + ", and weight decay", Sum((terms, decay))


def of_cost(here: Definitions, d: Derivative, factors: bool) -> tuple[str, Expression]:
    l, n, bottom = d.bottom.layer, d.top.example, d.bottom
    if bottom.kind == "a":
        return by_activation(here, l, bottom.units[0], n, factors)
    k = bottom.units[-1]
    separable = not here.values.mixes(l) and not (here.values.fused and l == here.values.L)
    if factors and separable:
        last = here.symbol(Derivative(z(l, k, n), bottom))
        chain = (here.symbol(Derivative(cost_of(n), a(l, k))), local_slope(here, l, k, n, fraction=True), last)
        return f"chain rule: {bottom.kind.lower()} moves z, z moves a, a moves C", Product(ordered(here, chain))
    if factors:
        pair = (here.symbol(delta(l, k, n)), here.symbol(Derivative(z(l, k, n), bottom)))
        return f"chain rule: {bottom.kind.lower()} moves z, z moves C", Product(ordered(here, pair))
    error = error_term(here, l, k, n)
    if bottom.kind == "b":
        return "a bias adds to z as it is", error
    return "chain rule: delta times what the weight multiplies", minus_outside(
        error, lambda e: weighted(here, here.symbol(a(l - 1, bottom.units[0], n)), e)
    )


def ordered(here: Definitions, chain: tuple[Expression, ...]) -> tuple[Expression, ...]:
    return chain if here.notation.order == "outer first" else chain[::-1]


def error_term(here: Definitions, l: int, k: int, n: int | None) -> Expression:
    """delta, or where a notation sends beta back, -(slope beta)."""
    if has_beta(here, l):
        return Negative(multiply(local_slope(here, l, k, n), here.symbol(Quantity("beta", l, (k,), n))))
    return here.symbol(delta(l, k, n))


def has_beta(here: Definitions, l: int) -> bool:
    if here.notation.error_term != "beta" or here.values.mixes(l):
        return False
    return not (here.values.fused and l == here.values.L)


def local_slope(here: Definitions, l: int, k: int, n: int | None, *, fraction: bool = False) -> Symbol:
    """f'(z) or da/dz, as the notation writes it."""
    if fraction or here.notation.slope == "fraction":
        return here.symbol(Derivative(a(l, k, n), z(l, k)))
    return here.symbol(Quantity("slope", l, (k,), n))


def by_activation(here: Definitions, l: int, k: int, n: int | None, factors: bool) -> tuple[str, Expression]:
    """dC/da: the loss's derivative at the outputs, a sum over paths before them (seeds 001, 002)."""
    L = here.values.L
    if l == L:
        return loss_slope(here, k, n)
    W = here.values.weights(l + 1)[k]
    next_delta = here.values.array(Quantity("delta", l + 1, (), n))
    separable = not here.values.mixes(l + 1) and not (here.values.fused and l + 1 == L)

    def term(j: int) -> Expression:
        if factors and separable:
            link = here.symbol(Derivative(z(l + 1, j, n), a(l, k)))
            chain = (
                here.symbol(Derivative(cost_of(n), a(l + 1, j))),
                local_slope(here, l + 1, j, n, fraction=True),
                link,
            )
            return Product(ordered(here, chain))
        if not factors and has_beta(here, l + 1):
            parts = (local_slope(here, l + 1, j, n), here.symbol(Quantity("beta", l + 1, (j,), n)))
            return Negative(multiply(here.symbol(weight(l + 1, k, j)), *parts))
        return multiply(here.symbol(weight(l + 1, k, j)), here.symbol(delta(l + 1, j, n)))

    return "sum over the paths through the next layer", long_sum(W * next_delta, term, here.most)


def loss_slope(here: Definitions, k: int, n: int | None) -> tuple[str, Expression]:
    L, name = here.values.L, here.values.loss.name
    formula = loss_formula(name, here.notation.error)
    if formula is None or formula.slope is None:
        value = here.value(Derivative(cost_of(n), a(L, k)))
        return f"derivative of the loss {name}", Number(value)
    A_k, Y_k = here.symbol(a(L, k, n)), here.symbol(y(k, n))
    return f"derivative of the loss {name}", formula.slope(A_k, Y_k, here.values.network.sizes[-1])


def delta_equation(here: Definitions, q: Quantity, factors: bool) -> tuple[str, Expression]:
    l, k, n = q.layer, q.units[0], q.example
    if l == here.values.L and here.values.fused:
        return fused_delta(here, k, n)
    if here.values.mixes(l):
        D, J = mixed(here, l, n)
        return f"{here.values.layer(l).activation.name}: z moves every unit of its layer", long_sum(
            D * J[:, k],
            lambda j: Product(
                ordered(
                    here, (here.symbol(Derivative(cost_of(n), a(l, j))), here.symbol(Derivative(a(l, j, n), z(l, k))))
                )
            ),
            here.most,
        )
    if has_beta(here, l) and not factors:
        return "minus the slope times beta", error_term(here, l, k, n)
    if l == here.values.L or factors:
        pair = (here.symbol(Derivative(cost_of(n), a(l, k))), local_slope(here, l, k, n, fraction=factors))
        return "chain rule: through the activation function", Product(ordered(here, pair))
    _, paths = by_activation(here, l, k, n, factors=False)
    return "sum over the paths, through the activation function", Product((paths, local_slope(here, l, k, n)))


def mixed(here: Definitions, l: int, n: int | None) -> tuple[np.ndarray, np.ndarray]:
    """dC/da of a layer, and its Jacobian da/dz."""
    D = here.values.array(Derivative(cost_of(n), Quantity("a", l)))
    record = here.values.passes(n).record
    return D, activation_jacobian(here.values.network, record, l)[0]


def fused_delta(here: Definitions, k: int, n: int | None) -> tuple[str, Expression]:
    L, name = here.values.L, here.values.loss.name
    formula = loss_formula(name, here.notation.error)
    A_k, Y_k = here.symbol(a(L, k, n)), here.symbol(y(k, n))
    rule = f"{name}: loss and activation differentiated together"
    if formula is None or formula.delta is None:
        return rule, Number(here.value(delta(L, k, n)))
    targets = here.values.array(Quantity("y", None, (), n))
    if name == "softmax_categorical_cross_entropy" and abs(float(targets.sum()) - 1) > 1e-12:
        total = long_sum(targets, lambda j: here.symbol(y(j, n)), here.most)
        return rule, Sum((multiply(A_k, total), Negative(Y_k)))
    return rule, formula.delta(A_k, Y_k)


def beta_equation(here: Definitions, q: Quantity) -> tuple[str, Expression]:
    """beta = -dC/da, which for half squared errors is d - o; before, the sum over paths (seed 001)."""
    l, k, n = q.layer, q.units[0], q.example
    if l == here.values.L:
        _, slope = loss_slope(here, k, n)
        return "minus the derivative of the loss", slope.of if isinstance(slope, Negative) else Negative(slope)
    W, next_delta = here.values.weights(l + 1)[k], here.values.array(Quantity("delta", l + 1, (), n))

    def term(j: int) -> Expression:
        w = here.symbol(weight(l + 1, k, j))
        if has_beta(here, l + 1):
            return multiply(w, local_slope(here, l + 1, j, n), here.symbol(Quantity("beta", l + 1, (j,), n)))
        return Negative(multiply(w, here.symbol(delta(l + 1, j, n))))

    return "sum over the units that this one feeds", long_sum(-W * next_delta, term, here.most)


def slope_equation(here: Definitions, l: int, k: int, n: int | None) -> tuple[str, Expression]:
    """f'(z) of one unit; with dropout times what that makes of the unit, as a = m f(z)."""
    if here.values.masked(l):
        mask = here.symbol(Quantity("mask", l, (k,), n))
        if not mask.value:
            return "dropout left this unit out", mask
        rule, slope = _slope(here, l, k, n, Quotient(here.symbol(a(l, k, n)), mask))
        return f"{rule}, times what dropout makes of the unit", multiply(mask, slope)
    return _slope(here, l, k, n, here.symbol(a(l, k, n)))


def _slope(here: Definitions, l: int, k: int, n: int | None, A_k: Expression) -> tuple[str, Expression]:
    activation = here.values.layer(l).activation
    rule = f"derivative of {activation.name}"
    formula = activation_formula(activation.name)
    if formula is None:
        if head_and_numbers("activation", activation.name)[0] == "softmax":
            return rule, softmax_slope(A_k, A_k, True)
        value = here.value(Quantity("slope", l, (k,), n))
        if here.values.masked(l):
            value /= here.value(Quantity("mask", l, (k,), n))
        return rule, Function("f′", here.symbol(z(l, k, n)), value)
    return rule, formula.slope(here.symbol(z(l, k, n)), A_k)
