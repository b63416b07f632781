"""What is said of targets whose scale has kept a network from fitting them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.catalogue import loss_named
from chainrule.core.network import Network
from chainrule.models.estimators.rows import Rows
from chainrule.models.estimators.target_units import DEGREES, centers_and_deviations

# Outputs start around 0, of size 1: a mean up to so much, and a deviation from 0.1 to so much, is no matter.
USUAL_MEAN, USUAL_DEVIATION = 5.0, 10.0
MISSED = 0.1  # share of a constant's loss that other units for the outputs would save, where the scale is to blame
NOTHING = 10.0  # times tol: a loss so small has not far to fall before training ends


def poorly_scaled(regressor: Any, rows: Rows, by_tol: bool) -> str:
    """Name the targets whose scale is far from 1 and was not reached, or return an empty string.

    Both count. Scale alone is no mistake where the fit is good; and a poor fit has other reasons, unless moving and
    stretching what the network answers would make it clearly better, which is what training has not come to; or unless
    tol ended it, next to which the loss was nothing from the start.

    Parameters
    ----------
    regressor
        Fitted.
    rows : Rows
        Those it was fitted to.
    by_tol : bool
        Whether training ended because the loss no longer fell by tol.
    """
    if not isinstance(regressor.loss, str):
        return ""
    loss = loss_named(regressor.loss)
    head, _, number = loss.name.partition("(")
    if head not in DEGREES:
        return ""
    counts = np.ones(len(rows.Y), dtype=bool) if rows.weight is None else rows.weight > 0
    s = None if rows.weight is None else rows.weight[counts].astype(np.float64)
    Y = rows.Y[counts].astype(np.float64)
    means, deviations = centers_and_deviations(Y, None)
    far = (np.abs(means) > USUAL_MEAN) | (deviations > USUAL_DEVIATION) | (deviations < 1 / USUAL_DEVIATION)
    far &= np.ptp(Y, axis=0) > 0
    if not far.any():
        return ""
    q = float(number.rstrip(")") or 0.5) if head == "quantile" else 0.5
    network, X = regressor.network_, rows.X[counts]
    A = np.asarray(regressor._outputs_of(network, X), dtype=np.float64)
    # Every hidden unit off, for every row: the first steps went too far.
    dead = len(network.layers) > 1 and not regressor._outputs_of(Network(network.layers[:-1]), X).any()
    said, short = [], False
    for k in np.flatnonzero(far):
        a, y = A[:, k], Y[:, k]
        constant = np.full_like(y, means[k] if DEGREES[head] == 2 else np.quantile(y, q))
        moved = _stretched(a, y, s)
        if DEGREES[head] == 1:
            moved += np.quantile(y - moved, q)
        with np.errstate(all="ignore"):
            costs = [float(np.average(loss.value(c[:, None], y[:, None]), weights=s)) for c in (a, moved, constant)]
        ended_by_tol = by_tol and costs[2] <= NOTHING * regressor.tol and costs[0] > MISSED * costs[2]
        short = short or ended_by_tol
        if dead or ended_by_tol or not costs[0] - costs[1] <= MISSED * costs[2]:
            name = "y" if Y.shape[1] == 1 else f"column {k} of y"
            said.append(f"{name} has mean {means[k]:.4g} and standard deviation {deviations[k]:.4g}")
    if not said:
        return ""
    why = "The network starts with outputs around 0 of size 1, and has not come near them."
    if short:
        why = f"Their loss is so small that tol={regressor.tol:g} ended training before they were learnt."
    return (
        f"The targets are not scaled: {'; '.join(said)}. {why} Scale them (preprocess=True, or "
        "TransformedTargetRegressor with a StandardScaler)."
    )


def _stretched(a: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """The values c + d a with the least squared error."""
    s = np.ones_like(y) if weight is None else weight
    center, middle = np.average(a, weights=s), np.average(y, weights=s)
    spread = float(np.average((a - center) ** 2, weights=s))
    d = float(np.average((a - center) * (y - middle), weights=s)) / spread if spread > 0 else 0.0
    values: np.ndarray = middle + d * (a - center)
    return values
