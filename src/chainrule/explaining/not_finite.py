"""Why a number is infinite or no number where all that came in is finite: what rounded to 0 or 1, and what to do."""

from __future__ import annotations

import numpy as np

from chainrule.explaining.quantities import Change, Derivative, Name, OfMember, Path, Quantity, State
from chainrule.explaining.values import Values

# Losses that divide by a, or take its logarithm, with the output activation whose fused loss needs neither.
_FUSED_WITH = {"binary_cross_entropy": "logistic", "categorical_cross_entropy": "softmax", "poisson": ""}


def why_not_finite(values: Values, name: Name) -> str:
    """What is to be said of a number that is not finite.

    Parameters
    ----------
    values : Values
    name : Name
        What the number belongs to.
    """
    if not all(np.isfinite(np.asarray(p)).all() for p in values.network.parameters):
        return "not finite, as a weight is not"
    loss = values.loss.name
    if not (_is_of_costs(name) and loss in _FUSED_WITH and _reaches_an_end(values, name)):
        return "not finite: numbers on the way are beyond what float64 holds"
    ends = "0 or 1" if loss == "binary_cross_entropy" else "0"
    said = f"not finite: an output is {ends} in float64, where {loss} is not finite"
    activation = values.layer(values.L).activation.name
    if _FUSED_WITH[loss] != activation:
        return said
    return f"{said}; {activation}_{loss} is"


def _reaches_an_end(values: Values, name: Name) -> bool:
    """Whether an output of the examples that a number belongs to is where its loss has no finite slope."""
    if values.Y is None:
        return False
    n = _example(values, name)
    rows = range(len(values.X)) if n is None else [n]
    for row in rows:
        A, Y = values.passes(row).record.a[values.L][0], values.Y[row]
        at_0, at_1 = A == 0, A == 1
        if (at_0 | at_1).any() if values.loss.name == "binary_cross_entropy" else (at_0 & (Y != 0)).any():
            return True
    return False


def _example(values: Values, name: Name) -> int | None:
    """The row that a number of one example belongs to; None for numbers of all examples."""
    match name:
        case Path():
            return _example(values, name.derivative)
        case Derivative():
            return _example(values, name.top)
        case Quantity() if name.kind != "J":
            return name.example if isinstance(name.example, int) else values.example
    return None


def _is_of_costs(name: Name) -> bool:
    """Whether a number is a cost, or comes from the derivative of one."""
    match name:
        case Path():
            return _is_of_costs(name.derivative)
        case Derivative():
            return name.top.kind in ("C", "J")
        case Quantity():
            return name.kind in ("C", "J", "delta", "beta")
    return isinstance(name, (Change, State, OfMember))
