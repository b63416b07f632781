"""Levenberg-Marquardt: each epoch one step to the minimum of a parabola, as long as the parabola can be trusted.

Near the weights w the cost is close to a parabola with the gradient g and the generalised Gauss-Newton matrix G (see
`core.gauss_newton`). Its minimum is one linear system away. Far from there it is wrong, so the step is held back by mu:

    (G + D + mu I) step = -(g + D w)            D: the weight decay of each parameter, on the diagonal

A step that lowers the cost is taken and mu falls; otherwise mu rises and the step is tried again, shorter and closer
to plain gradient descent. When no mu up to its largest lowers the cost, there is nothing left to lower: converged.
Sources: Levenberg (1944), Marquardt (1963); Hagan and Menhaj (1994) for networks. G, g and D belong to the mean of C,
whatever the reduction, so that mu means the same for one example as for a million.

With `bayes` the weight decay is inferred from the training rows before each step; see `precisions`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.gauss_newton import refuse_without_curvature
from chainrule.core.network import Network
from chainrule.core.passes import Record, backward, cost, forward
from chainrule.engines.derivatives import gauss_newton
from chainrule.engines.precisions import TRIAL_STEPS, Damping, first_precisions, precisions
from chainrule.engines.reference import first_not_finite
from chainrule.engines.vectors import as_vector, at_vector, decayed_entries, examples_in_float64, in_float64
from chainrule.engines.work import Chunk, EpochNumbers, NotFiniteError, Solver, Work, count_right
from chainrule.errors import UsageError

# G has p^2 numbers, 200 MB for this p, and each trial of a mu takes about 2/3 p^3 multiplications: some seconds.
MOST_PARAMETERS = 5_000
SMALLEST_MU = 1e-20  # below it, mu is nothing beside any G


class Constants(NamedTuple):
    """How mu starts, rises after a step that fails, falls after one that succeeds, and where it ends the training."""

    mu: float
    rise: float
    fall: float
    largest: float


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
    system = _system(work, network, state, constants, bayes, epoch)
    converged, record = True, system.record
    mu = system.state.mu
    for trial in _trials(network, system, constants):
        mu = trial.mu * constants.rise
        if trial.lower:
            network, record, converged = trial.network, trial.record, False
            mu = max(trial.mu * constants.fall, SMALLEST_MU)
    state = system.state._replace(mu=min(mu, constants.largest), converged=converged)
    _, Y, s = system.examples
    return network, state, _measured(work, network, record, Y, s, system.g, system.n_examples)


class _System(NamedTuple):
    """The linear system of one step: G with its decay on the diagonal, g with D w, and what a trial is judged by."""

    G: np.ndarray
    g: np.ndarray
    decay: np.ndarray
    J: float
    record: Record
    mean_cost: Callable[[Network], tuple[float, Record]]
    state: Damping
    examples: tuple[np.ndarray, np.ndarray, np.ndarray | None]
    n_examples: float


def _system(work: Work, network: Network, state: Damping, constants: Constants, bayes: bool, epoch: int = 0) -> _System:
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
    return _System(G, g, decay, J, record, mean_cost, state, (X, Y, s), n_examples)


class Trial(NamedTuple):
    """A step that was tried: with this mu, to this network, whose mean cost is (or is not) lower than before."""

    mu: float
    cost: float
    lower: bool
    network: Network
    record: Record


def _trials(network: Network, system: _System, constants: Constants) -> Iterator[Trial]:
    """Try a step with mu, and while the cost is not lower with a larger one, up to the largest."""
    w, mu = as_vector(network.trainable_parameters), system.state.mu
    while mu <= constants.largest:
        there = at_vector(network, w - _solved(system.G, mu, system.g))
        J_there, record = system.mean_cost(there)
        lower = J_there < system.J  # false for a NaN, too
        yield Trial(mu, J_there, lower, there, record)
        if lower:
            return
        mu *= constants.rise


class StepTaken(NamedTuple):
    """How a step came about.

    Attributes
    ----------
    cost : float
        The mean cost, with its decay, where it starts.
    decay : float64 array (p,)
        The diagonal of D: the weight decay of each trainable parameter, by the mean of C.
    trials : tuple of Trial
        Those that did not lower the cost and, unless the training has converged, the one that did.
    """

    cost: float
    decay: np.ndarray
    trials: tuple[Trial, ...]


def step_taken(work: Work, network: Network, state: Damping, *, constants: Constants, bayes: bool) -> StepTaken:
    """Find how the step from these weights with this mu came about, by taking it once more.

    Parameters
    ----------
    work, network, state, constants, bayes
        As for `run`, before the step.
    """
    with np.errstate(all="ignore"):
        system = _system(work, network, state, constants, bayes)
        return StepTaken(system.J, system.decay, tuple(_trials(network, system, constants)))


def _solved(G: np.ndarray, mu: float, g: np.ndarray) -> np.ndarray:
    """(G + mu I)^-1 g; NaN where rounding leaves no solution, as an infinite step would."""
    try:
        return np.linalg.solve(G + mu * np.eye(len(g)), g)
    except np.linalg.LinAlgError:
        return np.full_like(g, math.nan)


def _tried(work: Work, network: Network, start: Damping, constants: Constants) -> float:
    """The evidence that a start leads to; not a number counts as none."""
    reached = run(
        work, network, start, None, np.empty((TRIAL_STEPS, 1)), constants=constants, bayes=True
    ).rule_state.log_evidence  # fmt: skip
    return reached if math.isfinite(reached) else -math.inf


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
