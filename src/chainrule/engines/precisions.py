"""Bayesian regularisation for Levenberg-Marquardt: the weight decay inferred from the training rows.

MacKay (1992); Foresee and Hagan (1997). The weights
have a normal prior of precision alpha, the targets normal noise of precision beta, and the cost is

    beta E_D + alpha E_W,    E_D = sum of C,    E_W = 1/2 sum of w^2 over all trainable parameters

Before each step both follow from gamma, the number of parameters that the data determine, with h_i the eigenvalues of
the curvature of E_D and M the number of targets:

    gamma = sum_i beta h_i / (beta h_i + alpha),    alpha = gamma / (2 E_W),    beta = (M - gamma) / (2 E_D)

A cross-entropy is a log-likelihood as it stands: there beta stays 1.

The formulas hold at a minimum, and they may hold at several: where everything is noise and all weights are 0, and
where nothing is. Which of them a training ends at depends on how far the fit is ahead of the precisions. So it is given
a head start: the data begin with so many times the precision that the errors at the initial weights suggest, the prior
with as much less, and from one step to the next neither changes by more than LARGEST_CHANGE. Of several HEAD_STARTS the
first epoch takes the one with the largest evidence after TRIAL_STEPS (MacKay's log P(targets | alpha, beta), which is
what alpha and beta maximise):

    log evidence = -beta E_D - alpha E_W - 1/2 sum_i log(beta h_i + alpha) + p/2 log alpha + M/2 log(beta / 2 pi)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from chainrule.core.gauss_newton import GaussNewton

HEAD_STARTS, TRIAL_STEPS, LARGEST_CHANGE = (1.0, 10.0, 100.0), 30, 2.0
SQUARES = ("half_squared_error", "sum_of_squares", "mean_of_squares")


class Damping(NamedTuple):
    """What Levenberg-Marquardt remembers: mu, and for `bayes` the precisions and what they were found from."""

    mu: float
    alpha: float
    beta: float
    gamma: float
    log_evidence: float
    converged: bool


def first_precisions(
    state: Damping, parabola: GaussNewton, w: np.ndarray, n_examples: float, outputs: int, loss: str
) -> list[Damping]:
    """Return where alpha and beta may begin, one for each head start; its parameters are those of `precisions`."""
    M, E_D, E_W = n_examples * outputs, n_examples * parabola.cost, 0.5 * float(w @ w)
    alpha = w.size / (2 * E_W) if E_W > 0 else 1.0
    beta = M / (2 * E_D) if E_D > 0 else 1.0
    return [state._replace(alpha=alpha / ahead, beta=beta * ahead if loss in SQUARES else 1.0) for ahead in HEAD_STARTS]


def precisions(
    state: Damping, parabola: GaussNewton, w: np.ndarray, n_examples: float, outputs: int, loss: str
) -> Damping:
    """Return the precisions that explain the training rows best, given how well the weights are determined.

    Parameters
    ----------
    state : Damping
        With the precisions until now.
    parabola : GaussNewton
        Of the mean of C at `w`.
    w : float64 array (p,)
    n_examples : float
        The sum of their weights; each example has `outputs` targets.
    loss : str
        Squared errors leave beta to be found.
    """
    M, E_D, E_W = n_examples * outputs, n_examples * parabola.cost, 0.5 * float(w @ w)
    h = np.maximum(np.linalg.eigvalsh(n_examples * parabola.curvature), 0)
    alpha, beta = state.alpha, state.beta
    gamma = float(np.sum(beta * h / (beta * h + alpha)))
    if E_W > 0:
        alpha = _near(alpha, gamma / (2 * E_W))
    if loss in SQUARES and E_D > 0:
        beta = _near(beta, (M - gamma) / (2 * E_D))
    log_evidence = 0.5 * (w.size * math.log(alpha) + M * math.log(beta / (2 * math.pi)))
    log_evidence -= beta * E_D + alpha * E_W + 0.5 * float(np.sum(np.log(beta * h + alpha)))
    return state._replace(alpha=alpha, beta=beta, gamma=gamma, log_evidence=log_evidence)


def _near(before: float, wanted: float) -> float:
    """The wanted precision, or as far towards it as one step may go; never so near 0 or infinity that it is lost."""
    near = min(max(wanted, before / LARGEST_CHANGE), before * LARGEST_CHANGE)
    return min(max(near, 1e-100), 1e100)
