"""Levenberg-Marquardt: each epoch one step to the minimum of a parabola, as long as the parabola can be trusted.

Near the weights w the cost is close to a parabola with the gradient g and the generalised Gauss-Newton matrix G (see
`core.gauss_newton`). Its minimum is one linear system away. Far from there it is wrong, so the step is held back by mu:

    (G + D + mu I) step = -(g + D w)            D: the weight decay of each parameter, on the diagonal

A step that lowers the cost is taken and mu falls; otherwise mu rises and the step is tried again, shorter and closer
to plain gradient descent. When no mu up to its largest lowers the cost, there is nothing left to lower: converged.
Sources: Levenberg (1944), Marquardt (1963); Hagan and Menhaj (1994) for networks. G, g and D belong to the mean of C,
whatever the reduction, so that mu means the same for one example as for a million.

With `bayes` the weight decay is inferred from the training rows (MacKay 1992; Foresee and Hagan 1997). The weights
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
from functools import partial
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.gauss_newton import GaussNewton, refuse_without_curvature
from chainrule.core.network import Network
from chainrule.core.passes import Record, backward, cost, forward
from chainrule.engines.derivatives import gauss_newton
from chainrule.engines.reference import first_not_finite
from chainrule.engines.vectors import as_vector, at_vector, decayed_entries, examples_in_float64, in_float64
from chainrule.engines.work import Chunk, EpochNumbers, NotFiniteError, Solver, Work, count_right
from chainrule.errors import UsageError

# G has p^2 numbers, 200 MB for this p, and each trial of a mu takes about 2/3 p^3 multiplications: some seconds.
MOST_PARAMETERS = 5_000
SMALLEST_MU = 1e-20  # below it, mu is nothing beside any G
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


class Constants(NamedTuple):
    """How mu starts, rises after a step that fails, falls after one that succeeds, and where it ends the training."""

    mu: float = 0.001
    rise: float = 10.0
    fall: float = 0.1
    largest: float = 1e10


def levenberg_marquardt(
    mu: float = 0.001, rise: float = 10.0, fall: float = 0.1, largest: float = 1e10, *, bayes: bool = False
) -> Solver:
    """Return the solver; its four numbers are MATLAB's mu, mu_inc, mu_dec and mu_max.

    Raises
    ------
    UsageError
        If they are out of range.
    """
    if not (0 < mu < largest and rise > 1 and 0 < fall < 1):
        raise UsageError(
            "lm(mu, rise, fall, largest) needs 0 < mu < largest, rise > 1 and 0 < fall < 1, as in "
            f"lm(0.001,10,0.1,1e10); received lm({mu:g},{rise:g},{fall:g},{largest:g})."
        )
    constants = Constants(mu, rise, fall, largest)

    def init(parameters: list[Array]) -> Damping:
        """No prior yet: every parameter is effective."""
        p = sum(int(parameter.size) for parameter in parameters)
        return Damping(constants.mu, alpha=0.0, beta=1.0, gamma=float(p), log_evidence=-math.inf, converged=False)

    return Solver("lm", "levenberg_marquardt", init, partial(run, constants=constants, bayes=bayes), refusal)


def refusal(work: Work, network: Network) -> str:
    """Return why this cannot be done by solving a linear system, or an empty string."""
    refuse_without_curvature(work.loss)
    p = sum(int(parameter.size) for parameter in network.trainable_parameters)
    if p <= MOST_PARAMETERS:
        return ""
    return (
        f"solves a system of {p:,} equations with {p:,} unknowns in every step, one for each weight and bias to train "
        f'({8e-9 * p * p:,.1f} GB); at most {MOST_PARAMETERS:,} are taken. Use fewer hidden units, solver="lbfgs" '
        "(--solver lbfgs), or leave the solver out"
    )


def run(
    work: Work,
    network: Network,
    rule_state: Damping,
    generator: np.random.Generator | None,
    learning_rates: np.ndarray,
    *,
    constants: Constants,
    bayes: bool,
) -> Chunk:
    """Take a step for each row of `learning_rates`, or fewer if it converges; all in float64.

    Parameters
    ----------
    work, network, rule_state, generator, learning_rates
        As for the reference engine; of the last two only the number of epochs counts.
    constants : Constants
    bayes : bool

    Returns
    -------
    Chunk
        Costs and accuracies are those after each step.

    Raises
    ------
    NotFiniteError
        If the cost or its derivatives are not finite where a step starts.
    """
    numbers = []
    with np.errstate(all="ignore"):  # a trial may overflow: its cost is then not lower
        for epoch in range(len(learning_rates)):
            network, rule_state, measured = _step(work, network, rule_state, constants, bayes, epoch)
            numbers.append(measured)
            if rule_state.converged:
                break
    return Chunk(network, rule_state, tuple(numbers))


def _step(
    work: Work, network: Network, state: Damping, constants: Constants, bayes: bool, epoch: int
) -> tuple[Network, Damping, EpochNumbers]:
    X, Y, s = examples_in_float64(work)
    n_examples = float(len(X) if s is None else np.sum(s))
    exact = in_float64(network)
    parabola = gauss_newton(exact, X, Y, work.loss, sample_weight=s)
    if not all(np.isfinite(part).all() for part in parabola):
        record = forward(exact, X)
        layer, what = first_not_finite(record, backward(exact, record, Y, work.loss, sample_weight=s))
        raise NotFiniteError(network, layer, what, epoch, 0)

    w = as_vector(network.trainable_parameters)
    if bayes:
        if state.alpha == 0:
            starts = first_precisions(state, parabola, w, n_examples, Y.shape[1], work.loss.name)
            state = max(starts, key=lambda start: _tried(work, network, start, constants))
        state = precisions(state, parabola, w, n_examples, Y.shape[1], work.loss.name)
        decay = np.full(w.size, state.alpha / (state.beta * n_examples))
    else:
        lam = work.decay_of(work.n_examples) / (n_examples if work.reduction == "sum" else 1.0)
        decay = lam * decayed_entries(network)

    def mean_cost(there: Network) -> tuple[float, Record]:
        record = forward(in_float64(there), X)
        C = cost(exact, record, Y, work.loss, sample_weight=s)
        v = as_vector(there.trainable_parameters)
        return C + 0.5 * float(decay @ (v * v)), record

    J, record = mean_cost(network)
    g = parabola.gradient + decay * w
    G = parabola.curvature + np.diag(decay)
    mu, converged = state.mu, True
    while mu <= constants.largest:
        trial = at_vector(network, w - _solved(G, mu, g))
        J_trial, record_trial = mean_cost(trial)
        if J_trial < J:  # false for a NaN, too
            network, record, converged = trial, record_trial, False
            mu = max(mu * constants.fall, SMALLEST_MU)
            break
        mu *= constants.rise
    state = state._replace(mu=min(mu, constants.largest), converged=converged)
    return network, state, _measured(work, network, record, Y, s, g, n_examples)


def _solved(G: np.ndarray, mu: float, g: np.ndarray) -> np.ndarray:
    """(G + mu I)^-1 g; NaN where rounding leaves no solution, as an infinite step would."""
    try:
        return np.linalg.solve(G + mu * np.eye(len(g)), g)
    except np.linalg.LinAlgError:
        return np.full_like(g, math.nan)


def first_precisions(
    state: Damping, parabola: GaussNewton, w: np.ndarray, n_examples: float, outputs: int, loss: str
) -> list[Damping]:
    """Return where alpha and beta may begin, one for each head start; its parameters are those of `precisions`."""
    M, E_D, E_W = n_examples * outputs, n_examples * parabola.cost, 0.5 * float(w @ w)
    alpha = w.size / (2 * E_W) if E_W > 0 else 1.0
    beta = M / (2 * E_D) if E_D > 0 else 1.0
    return [state._replace(alpha=alpha / ahead, beta=beta * ahead if loss in SQUARES else 1.0) for ahead in HEAD_STARTS]


def _tried(work: Work, network: Network, start: Damping, constants: Constants) -> float:
    """The evidence that a start leads to; not a number counts as none."""
    reached = run(
        work, network, start, None, np.empty((TRIAL_STEPS, 1)), constants=constants, bayes=True
    ).rule_state.log_evidence  # fmt: skip
    return reached if math.isfinite(reached) else -math.inf


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


def _measured(
    work: Work, network: Network, record: Record, Y: np.ndarray, s: np.ndarray | None, g: np.ndarray, n_examples: float
) -> EpochNumbers:
    """The numbers of an epoch: J and the accuracy after its step, the norm of the gradient that the step began with."""
    J = cost(
        in_float64(network), record, Y, work.loss,
        reduction=work.reduction, weight_decay=work.decay_of(work.n_examples), sample_weight=s,
    )  # fmt: skip
    accuracy = math.nan if work.middle is None else count_right(record.output, Y, work.middle) / work.n_examples
    norm = float(np.linalg.norm(g)) * (n_examples if work.reduction == "sum" else 1.0)
    return EpochNumbers(J, accuracy, norm)
