"""Entries of Jacobians as equations: what a unit, or its pre-activation, owes to what came before it (seed 004)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.tensors import activation_jacobian
from chainrule.explaining.backward_equations import local_slope, ordered, slope_equation
from chainrule.explaining.expressions import ONE, Expression, Number, Product
from chainrule.explaining.formulas import softmax_slope
from chainrule.explaining.quantities import Derivative, Quantity, a, weight, z
from chainrule.explaining.sums import long_sum

if TYPE_CHECKING:
    from chainrule.explaining.definitions import Definitions


def of_unit(here: Definitions, d: Derivative, factors: bool) -> tuple[str, Expression]:
    """da[m]_k by anything before it (seed 004)."""
    m, k, n = d.top.layer, d.top.units[0], d.top.example
    l, bottom = d.bottom.layer, d.bottom
    unit = Quantity("a", m, (k,), n)
    match bottom.kind:
        case "a":
            return unit_by_activation(here, m, k, n, l, bottom.units[0])
        case "z":
            return unit_by_pre_activation(here, m, k, n, l, bottom.units[0])
    j = bottom.units[-1]
    link = here.symbol(Derivative(z(l, j, n), bottom))
    if factors and l < m and not here.values.mixes(l):
        chain = (here.symbol(Derivative(unit, a(l, j))), local_slope(here, l, j, n, fraction=True), link)
        return f"chain rule: {bottom.kind.lower()} moves z, z moves a", Product(ordered(here, chain))
    return f"chain rule: {bottom.kind.lower()} moves z, z moves a", Product(
        ordered(here, (here.symbol(Derivative(unit, z(l, j))), link))
    )


def unit_by_activation(here: Definitions, m: int, k: int, n: int | None, l: int, i: int) -> tuple[str, Expression]:
    if l == m:
        return "a unit moves with itself only", Number(float(i == k))
    if l == m - 1:
        W, mixed = here.values.weights(m)[i], here.values.mixes(m)
        if not mixed:
            pair = (local_slope(here, m, k, n), here.symbol(weight(m, i, k)))
            return "through the weight and the activation function", Product(ordered(here, pair))
        J = activation_jacobian(here.values.network, here.values.passes(n).record, m)[0]
        return "sum over the pre-activations of the layer", long_sum(
            J[k] * W,
            lambda j: Product(
                ordered(here, (here.symbol(Derivative(a(m, k, n), z(m, j))), here.symbol(weight(m, i, j))))
            ),
            here.most,
        )
    far = here.values.array(Derivative(a(m, k, n), Quantity("a", l + 1)))
    near = neighbours(here, l, n)[:, i]
    return "product of Jacobians: sum over the units between", long_sum(
        far * near,
        lambda j: Product(
            ordered(
                here,
                (here.symbol(Derivative(a(m, k, n), a(l + 1, j))), here.symbol(Derivative(a(l + 1, j, n), a(l, i)))),
            )
        ),
        here.most,
    )


def neighbours(here: Definitions, l: int, n: int | None) -> Array:
    """da[l+1] / da[l]."""
    J = activation_jacobian(here.values.network, here.values.passes(n).record, l + 1)[0]
    return J @ here.values.weights(l + 1).T


def unit_by_pre_activation(here: Definitions, m: int, k: int, n: int | None, l: int, j: int) -> tuple[str, Expression]:
    mixed = here.values.mixes(l)
    if l == m:
        name = here.values.layer(l).activation.name
        if mixed and name == "softmax" and not here.values.masked(l):
            return "derivative of softmax", softmax_slope(here.symbol(a(m, k, n)), here.symbol(a(m, j, n)), j == k)
        if mixed:
            return f"derivative of {name}", Number(here.value(Derivative(a(m, k, n), z(l, j))))
        return slope_equation(here, l, k, n) if j == k else ("another unit's z does not move it", Number(0.0))
    if not mixed:
        pair = (here.symbol(Derivative(a(m, k, n), a(l, j))), local_slope(here, l, j, n))
        return "chain rule: through the activation function", Product(ordered(here, pair))
    J = activation_jacobian(here.values.network, here.values.passes(n).record, l)[0]
    far = here.values.array(Derivative(a(m, k, n), Quantity("a", l)))
    return "sum over the activations of the layer", long_sum(
        far * J[:, j],
        lambda i: Product(
            ordered(here, (here.symbol(Derivative(a(m, k, n), a(l, i))), here.symbol(Derivative(a(l, i, n), z(l, j)))))
        ),
        here.most,
    )


def of_pre_activation(here: Definitions, d: Derivative) -> tuple[str, Expression]:
    """dz[m]_k by anything before it: z is linear in its own weights and in the activations before it."""
    m, k, n = d.top.layer, d.top.units[0], d.top.example
    l, bottom = d.bottom.layer, d.bottom
    if l == m:
        if bottom.units[-1] != k:
            return "it is another unit's", Number(0.0)
        if bottom.kind == "W":
            return "only one term of z holds this weight", here.symbol(a(m - 1, bottom.units[0], n))
        return ("a bias is added as it is" if bottom.kind == "b" else "itself"), ONE
    if bottom.kind == "a" and l == m - 1:
        return "only one term of z holds this unit", here.symbol(weight(m, bottom.units[0], k))
    W = here.values.weights(m)[:, k]
    units = [here.value(Derivative(a(m - 1, i, n), bottom)) for i in range(len(W))]
    return "sum over the units of the layer before", long_sum(
        W * np.array(units),
        lambda i: Product(
            ordered(here, (here.symbol(weight(m, i, k)), here.symbol(Derivative(a(m - 1, i, n), bottom))))
        ),
        here.most,
    )
