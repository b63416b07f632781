"""How the estimators train: minibatches with scikit-learn's rules for the learning rate and the end, L-BFGS, and LM."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Network
from chainrule.core.schedules import Schedule
from chainrule.models.estimators.sparse_rows import densely, is_sparse, on_sparse_rows
from chainrule.training.loop import Callback, run
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import Training, prepare
from chainrule.training.state import History, TrainingState

LOWEST_ADAPTIVE_RATE = 1e-6  # where learning_rate="adaptive" ends; scikit-learn's


@dataclass(frozen=True)
class Problem:
    """What is to be learnt.

    Attributes
    ----------
    network : Network
        With the weights to start from.
    X, Y : arrays (N, inputs) and (N, outputs)
        X may be a sparse array of rows.
    sample_weight : array (N,) or None
    loss : Loss or FusedLoss
    validation : (X, Y, sample_weight or None) or None
        Dense rows to measure the loss on.
    middle : float or None
        As for `prepare`: accuracies are measured.
    """

    network: Network
    X: Any
    Y: np.ndarray
    sample_weight: np.ndarray | None
    loss: Loss | FusedLoss
    validation: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None = None
    middle: float | None = None

    @property
    def dtype(self) -> str:
        """Of the network: float32 or float64."""
        return str(self.network.parameters[0].dtype)

    @property
    def total_weight(self) -> float:
        """As many rows as there are, where a row of weight 2 counts as two."""
        return float(self.n_examples if self.sample_weight is None else self.sample_weight.sum())

    @property
    def mean_weight(self) -> float:
        """Of the rows that take part."""
        return 1.0 if self.sample_weight is None else self.total_weight / np.count_nonzero(self.sample_weight)

    @property
    def n_examples(self) -> int:
        """N."""
        return int(self.X.shape[0])


class Memory(NamedTuple):
    """What goes on from one fit to the next: with warm_start the loss to beat, with partial_fit all of it."""

    best_loss: float = math.inf
    waited: int = 0
    rule_state: Any = None
    learning_rate: float | None = None
    seen: int = 0  # rows


class Solved(NamedTuple):
    """What came of it.

    `ended` says why: "improvement" (there was too little of it), "epochs", "callback" or "interrupted"; of a solver
    that takes all rows at once "converged" or "epochs".
    """

    network: Network
    history: History
    losses: list[float]
    memory: Memory
    ended: str


class Watched:
    """A number that is looked at after each epoch, higher is better; training ends when it no longer rises.

    Parameters
    ----------
    value : callable (TrainingState) -> float
    tol, patience : float
        Training ends when it has not risen by `tol` in more than `patience` epochs.
    best, waited
        Where an earlier training has left off.
    """

    def __init__(
        self,
        value: Callable[[TrainingState], float],
        tol: float,
        patience: float,
        best: float = -math.inf,
        waited: int = 0,
    ) -> None:
        self.value, self.tol, self.patience = value, tol, patience
        self.best, self.waited = best, waited
        self.values: list[float] = []
        self.best_network: Network | None = None

    def __call__(self, state: TrainingState) -> bool:
        """Look at a training after an epoch; true where it is to end."""
        value = self.value(state)
        self.values.append(value)
        self.waited = self.waited + 1 if value < self.best + self.tol else 0
        if value > self.best:
            self.best, self.best_network = value, state.network
        return self.over

    @property
    def over(self) -> bool:
        """Whether it has waited long enough."""
        return self.waited > self.patience


def by_descent(
    problem: Problem,
    parameters: Any,
    generator: np.random.Generator,
    *,
    memory: Memory,
    scored: Watched | None,
    callbacks: Sequence[Callback],
    epochs: int,
) -> Solved:
    """Train by minibatches with solver 'sgd' or 'adam'.

    Parameters
    ----------
    parameters
        An object with the parameters of the estimators as attributes.
    scored : Watched or None
        The score of the rows kept aside, which decides when training ends; the loss does otherwise.

    Raises
    ------
    DivergenceError
        With the last good state as its `state`.
    """
    rate = memory.learning_rate or parameters.learning_rate_init
    N = problem.n_examples
    plan = TrainingPlan(
        update=_update(parameters),
        learning_rate=rate,
        schedule=_schedule(parameters, memory.seen, N),
        weight_decay=parameters.alpha / problem.mean_weight,
        dropout=parameters.dropout,
        batch_size=min(200, N) if parameters.batch_size == "auto" else min(parameters.batch_size, N),
        shuffle=parameters.shuffle,
        epochs=epochs,
        keep="last",
        dtype=problem.dtype,
        engine=parameters.engine,
    )
    watched = scored or _watched_loss(problem, parameters, memory)
    training = _prepared(problem, _with_patience(plan, parameters, watched), generator, decay_is_shared=True)
    state = replace(training.start, watched_cost=memory.best_loss, waited=memory.waited)
    if memory.rule_state is not None:
        state = replace(state, rule_state=memory.rule_state)
    if watched is not None:
        callbacks = [watched, *callbacks]
    adaptive = parameters.solver == "sgd" and parameters.learning_rate == "adaptive"
    while True:
        state = run(training, state, callbacks)
        ended = _ended(state, watched)
        if not adaptive or ended != "improvement" or rate <= LOWEST_ADAPTIVE_RATE or state.epoch == epochs:
            break
        rate /= 5
        training = replace(training, plan=replace(training.plan, learning_rate=rate))
        state = replace(state, waited=0, stopped="")
        if watched is not None:
            watched.waited = 0
    if adaptive and rate > LOWEST_ADAPTIVE_RATE and ended == "improvement":
        ended = "epochs"
    best, waited = (state.watched_cost, state.waited) if watched is None else (-watched.best, watched.waited)
    kept = Memory(best, waited, state.rule_state, rate, memory.seen + state.epoch * N)
    return Solved(state.network, state.history, state.history.table[:, 1].tolist(), kept, ended)


def by_levenberg_marquardt(
    problem: Problem, parameters: Any, generator: np.random.Generator, callbacks: Sequence[Callback]
) -> Solved:
    """Train with all rows at once by damped Gauss-Newton steps."""
    plan = TrainingPlan(
        solver="lm",
        weight_decay=parameters.alpha / problem.total_weight,
        epochs=parameters.max_iter,
        keep="last",
        dtype=problem.dtype,
    )
    watched = _watched_loss(problem, parameters, Memory())
    if watched is not None:
        callbacks = [watched, *callbacks]
    state = run(_prepared(problem, _with_patience(plan, parameters, watched), generator), callbacks=callbacks)
    losses = state.history.table[:, 1].tolist()
    ended = "converged" if state.stopped.startswith("converged") else _ended(state, watched)
    return Solved(state.network, state.history, losses, Memory(min(losses)), ended)


def _watched_loss(problem: Problem, parameters: Any, memory: Memory) -> Watched | None:
    """Where there are validation rows the engine would watch their loss; scikit-learn watches that of training."""
    if problem.validation is None:
        return None
    return Watched(
        lambda state: -state.history[-1].cost,
        parameters.tol,
        parameters.n_iter_no_change,
        best=-memory.best_loss,
        waited=memory.waited,
    )


def _with_patience(plan: TrainingPlan, parameters: Any, watched: Watched | None) -> TrainingPlan:
    """Let the engine wait for the loss to fall, unless something else is watched."""
    if watched is not None or parameters.n_iter_no_change == math.inf:
        return plan
    return replace(plan, patience=parameters.n_iter_no_change + 1, tolerance=parameters.tol)


def _prepared(
    problem: Problem, plan: TrainingPlan, generator: np.random.Generator, decay_is_shared: bool = False
) -> Training:
    X, Y, s = densely(problem.X), problem.Y, problem.sample_weight
    sparse = is_sparse(X)
    if sparse and s is not None:  # rows of weight 0 take no part, as `prepare` has it
        X, Y, s = X[s > 0], Y[s > 0], s[s > 0]
    training = prepare(
        plan, problem.network, X[:1].toarray() if sparse else X, Y[:1] if sparse else Y, loss=problem.loss,
        sample_weight=None if sparse else s, validation=problem.validation, middle=problem.middle,
        generator=generator, decay_is_shared=decay_is_shared,
    )  # fmt: skip
    return on_sparse_rows(training, X, Y, s, min(plan.batch_size, len(Y))) if sparse else training


def _update(parameters: Any) -> str:
    if parameters.solver == "adam":
        # scikit-learn adds its epsilon to the root of the running mean square as it stands.
        return f"adam({parameters.beta_1!r},{parameters.beta_2!r},0,{parameters.epsilon!r})"
    return f"{'nesterov' if parameters.nesterovs_momentum else 'momentum'}({parameters.momentum!r})"


def _schedule(parameters: Any, seen: int, N: int) -> Schedule | str:
    """learning_rate_init / (t + 1)^power_t after t rows, looked at between two epochs; or none."""
    if parameters.solver != "sgd" or parameters.learning_rate != "invscaling":
        return "constant"
    power = parameters.power_t

    def factor(epoch: Any, epochs: int) -> Any:
        return np.float_power(seen + np.floor(epoch) * N + 1, -power)

    return Schedule(f"invscaling({power!r})", factor, stretches=False, at_once=True)


def _ended(state: TrainingState, watched: Watched | None) -> str:
    if watched is not None and watched.over:
        return "improvement"
    words = {"no improvement": "improvement", "all epochs": "epochs", "stopped by": "callback"}
    return next((word for start, word in words.items() if state.stopped.startswith(start)), "interrupted")
