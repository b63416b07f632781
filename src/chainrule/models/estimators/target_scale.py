"""What is said of targets whose scale has kept a network from fitting them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss, loss_named
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
    loss = loss_named(regressor.loss)
    if isinstance(loss, FusedLoss):  # of shares, which have no unit
        return ""
    head, _, number = regressor._loss_name.partition("(")
    counts = np.ones(len(rows.Y), dtype=bool) if rows.weight is None else rows.weight > 0
    s = None if rows.weight is None else rows.weight[counts].astype(np.float64)
    Y = rows.Y[counts].astype(np.float64)
    means, deviations = centers_and_deviations(Y, None)
    if head == "poisson":  # its outputs start around exp(0)
        far = (means > USUAL_DEVIATION) | (means < 1 / USUAL_DEVIATION)
    else:
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
        constant = np.full_like(y, np.quantile(y, q) if DEGREES.get(head) == 1 else means[k])
        moved = a * (np.average(y, weights=s) / np.average(a, weights=s)) if head == "poisson" else _stretched(a, y, s)
        if DEGREES.get(head) == 1:
            moved += np.quantile(y - moved, q)
        with np.errstate(all="ignore"):
            least, *costs = (_mean_cost(loss, one, y, s) for one in (y, a, moved, constant))
        costs = [cost - least for cost in costs]
        if not head and not np.isfinite(costs).all():  # what your own makes of other outputs is not known
            continue
        ended_by_tol = by_tol and costs[2] <= NOTHING * regressor.tol and costs[0] > MISSED * costs[2]
        short = short or ended_by_tol
        curved = head == "poisson" and costs[0] > costs[2]  # on its way to a far exp(z) it has bent what it answers
        if dead or ended_by_tol or curved or not costs[0] - costs[1] <= MISSED * costs[2]:
            name = "y" if Y.shape[1] == 1 else f"column {k} of y"
            said.append(f"{name} has mean {means[k]:.4g} and standard deviation {deviations[k]:.4g}")
    if not said:
        return ""
    why = "The network starts with outputs around 0 of size 1, and has not come near them."
    if head == "poisson":
        why = "The network starts with outputs around 1, and has not come near them."
    if short:
        why = f"Their loss is so small that tol={regressor.tol:g} ended training before they were learnt."
    with_units = "preprocess=True, or " if head in DEGREES else ""
    remedy = f"Scale them ({with_units}TransformedTargetRegressor with a StandardScaler)."
    if head == "poisson":
        remedy = "Divide them by their mean, and multiply the predictions by it."
    return f"The targets are not scaled: {'; '.join(said)}. {why} {remedy}"


def _mean_cost(loss: Loss, a: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> float:
    return float(np.average(loss.value(a[:, None], y[:, None]), weights=weight))


def _stretched(a: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """The values c + d a with the least squared error."""
    s = np.ones_like(y) if weight is None else weight
    center, middle = np.average(a, weights=s), np.average(y, weights=s)
    spread = float(np.average((a - center) ** 2, weights=s))
    d = float(np.average((a - center) * (y - middle), weights=s)) / spread if spread > 0 else 0.0
    values: np.ndarray = middle + d * (a - center)
    return values
