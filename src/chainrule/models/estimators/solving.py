"""How the estimators train: minibatches with scikit-learn's rules for the learning rate and the end, L-BFGS, and LM."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Network
from chainrule.core.passes import cost, forward
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
    """

    network: Network
    X: Any
    Y: np.ndarray
    sample_weight: np.ndarray | None
    loss: Loss | FusedLoss

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


class Scorer:
    """Scores the network on the rows kept aside after each epoch, and remembers the best.

    Parameters
    ----------
    X, Y : arrays
        The rows, as `Problem` has them.
    loss, sample_weight
    score : callable (A) -> float, or None to measure the loss alone
        From outputs; higher is better.
    tol, patience
        Training ends when the score has not risen by `tol` in more than `patience` epochs.
    """

    def __init__(
        self,
        X: np.ndarray,
        Y: np.ndarray,
        sample_weight: np.ndarray | None,
        loss: Loss | FusedLoss,
        score: Callable[[np.ndarray], float] | None,
        tol: float,
        patience: float,
    ) -> None:
        self.X, self.Y, self.sample_weight, self.loss, self.score = X, Y, sample_weight, loss, score
        self.tol, self.patience = tol, patience
        self.scores: list[float] = []
        self.losses: list[float] = []
        self.best_score, self.waited = -math.inf, 0
        self.best: TrainingState | None = None

    def __call__(self, state: TrainingState) -> bool:
        """Look at the network after an epoch; true where training is to end."""
        with np.errstate(all="ignore"):
            record = forward(state.network, self.X)
            loss = cost(state.network, record, self.Y, self.loss, sample_weight=self.sample_weight)
        self.losses.append(float(loss))
        if self.score is None:
            return False
        score = self.score(np.asarray(record.output))
        self.scores.append(score)
        self.waited = self.waited + 1 if score < self.best_score + self.tol else 0
        if score > self.best_score:
            self.best_score, self.best = score, state
        return self.waited > self.patience


def by_descent(
    problem: Problem,
    parameters: Any,
    generator: np.random.Generator,
    *,
    memory: Memory,
    scorer: Scorer | None,
    callbacks: Sequence[Callback],
    epochs: int,
) -> Solved:
    """Train by minibatches with solver 'sgd' or 'adam'.

    Parameters
    ----------
    parameters
        An object with the parameters of the estimators as attributes.
    scorer : Scorer or None
        With a score it decides when training ends; the loss does otherwise.

    Raises
    ------
    DivergenceError
        With the last good state as its `state`.
    """
    scored = scorer is not None and scorer.score is not None
    waits = not scored and parameters.n_iter_no_change < math.inf
    rate = memory.learning_rate or parameters.learning_rate_init
    N = problem.n_examples
    batch = min(200, N) if parameters.batch_size == "auto" else min(parameters.batch_size, N)
    plan = TrainingPlan(
        update=_update(parameters),
        learning_rate=rate,
        schedule=_schedule(parameters, memory.seen, N),
        weight_decay=parameters.alpha / problem.mean_weight,
        dropout=parameters.dropout,
        batch_size=batch,
        shuffle=parameters.shuffle,
        epochs=epochs,
        patience=parameters.n_iter_no_change + 1 if waits else None,
        tolerance=parameters.tol if waits else 0.0,
        keep="last",
        dtype=str(problem.network.parameters[0].dtype),
        engine=parameters.engine,
    )
    training = _prepared(problem, plan, generator, decay_is_shared=True)
    start = replace(training.start, watched_cost=memory.best_loss, waited=memory.waited)
    if memory.rule_state is not None:
        start = replace(start, rule_state=memory.rule_state)
    if scorer is not None:
        callbacks = [scorer, *callbacks]
    adaptive = parameters.solver == "sgd" and parameters.learning_rate == "adaptive"
    state = start
    while True:
        state = run(training, state, callbacks)
        ended = _ended(state, scorer)
        if not (adaptive and ended == "improvement") or rate <= LOWEST_ADAPTIVE_RATE:
            break
        rate /= 5
        training = replace(training, plan=replace(training.plan, learning_rate=rate))
        state = replace(state, waited=0, stopped="")
        if scorer is not None:
            scorer.waited = 0
        if state.epoch >= epochs:
            ended = "epochs"
            break
    kept = Memory(state.watched_cost, state.waited, state.rule_state, rate, memory.seen + state.epoch * N)
    return Solved(state.network, state.history, state.history.table[:, 1].tolist(), kept, ended)


def by_levenberg_marquardt(
    problem: Problem, parameters: Any, generator: np.random.Generator, callbacks: Sequence[Callback]
) -> Solved:
    """Train with all rows at once by damped Gauss-Newton steps."""
    waits = parameters.n_iter_no_change < math.inf
    plan = TrainingPlan(
        solver="lm",
        weight_decay=parameters.alpha / problem.total_weight,
        epochs=parameters.max_iter,
        patience=parameters.n_iter_no_change + 1 if waits else None,
        tolerance=parameters.tol if waits else 0.0,
        keep="last",
        dtype=str(problem.network.parameters[0].dtype),
    )
    state = run(_prepared(problem, plan, generator), callbacks=callbacks)
    losses = state.history.table[:, 1].tolist()
    ended = "converged" if state.stopped.startswith("converged") else _ended(state, None)
    return Solved(state.network, state.history, losses, Memory(state.watched_cost, state.waited), ended)


def _prepared(
    problem: Problem, plan: TrainingPlan, generator: np.random.Generator, decay_is_shared: bool = False
) -> Training:
    X, Y, s = densely(problem.X), problem.Y, problem.sample_weight
    sparse = is_sparse(X)
    if sparse and s is not None:  # rows of weight 0 take no part, as `prepare` has it
        X, Y, s = X[s > 0], Y[s > 0], s[s > 0]
    training = prepare(
        plan, problem.network, X[:1].toarray() if sparse else X, Y[:1] if sparse else Y, loss=problem.loss,
        sample_weight=None if sparse else s, generator=generator, decay_is_shared=decay_is_shared,
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


def _ended(state: TrainingState, scorer: Scorer | None) -> str:
    if scorer is not None and scorer.waited > scorer.patience:
        return "improvement"
    words = {"no improvement": "improvement", "all epochs": "epochs", "stopped by": "callback"}
    return next((word for start, word in words.items() if state.stopped.startswith(start)), "interrupted")
