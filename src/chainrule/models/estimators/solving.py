"""How the estimators train: minibatches with scikit-learn's rules for the learning rate and the end, and LM."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Network
from chainrule.core.schedules import Schedule
from chainrule.errors import UsageError
from chainrule.models.estimators.sparse_first_layer import on_sparse_rows
from chainrule.models.estimators.sparse_rows import all_at_once, densely, is_thin
from chainrule.models.estimators.watching import Score, Watched
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
        return float(self.n_examples if self.sample_weight is None else self.sample_weight.sum(dtype=np.float64))

    @property
    def mean_weight(self) -> float:
        """Of the rows that take part."""
        return 1.0 if self.sample_weight is None else self.total_weight / np.count_nonzero(self.sample_weight)

    @property
    def n_examples(self) -> int:
        """N."""
        return int(self.X.shape[0])


class Memory(NamedTuple):
    """What goes on from one fit to the next: with warm_start what to beat, with partial_fit all of it."""

    best_loss: float = math.inf
    waited: int = 0
    rule: str = ""
    rule_state: Any = None
    learning_rate: float | None = None
    seen: int = 0  # rows


class Solved(NamedTuple):
    """What came of it.

    `ended` says why: "improvement" (there was too little of it), "epochs", "callback" or "interrupted"; of a solver
    that takes all rows at once "converged", "epochs" or "stuck". `scores` and `best_score` are empty and -inf, and
    `best_network` is None, where nothing was scored.
    """

    network: Network
    history: History
    memory: Memory
    ended: str
    scores: tuple[float, ...] = ()
    best_score: float = -math.inf
    best_network: Network | None = None


def by_descent(
    problem: Problem,
    parameters: Any,
    generator: np.random.Generator,
    *,
    memory: Memory,
    score: Score | None,
    callbacks: Sequence[Callback],
    epochs: int,
) -> Solved:
    """Train by minibatches with solver 'sgd' or 'adam'.

    Parameters
    ----------
    parameters
        An object with the parameters of the estimators as attributes.
    memory : Memory
        The state of its rule is taken up where the rule is still the same.
    score : Score or None
        Decides when training ends, and which weights are kept; the loss does otherwise.

    Raises
    ------
    DivergenceError
        With the last good state as its `state`.
    """
    N = problem.n_examples
    resumed = memory.rule_state is not None and memory.rule == _rule(problem, parameters)
    rate = (memory.learning_rate if resumed else None) or parameters.learning_rate_init
    plan = TrainingPlan(
        update=_update(parameters),
        learning_rate=rate,
        schedule=_schedule(parameters, memory.seen, N, resumed),
        weight_decay=parameters.alpha / problem.mean_weight,
        dropout=parameters.dropout,
        batch_size=min(200, N) if parameters.batch_size == "auto" else min(parameters.batch_size, N),
        shuffle=parameters.shuffle,
        epochs=epochs,
        keep="last",
        dtype=problem.dtype,
        engine=parameters.engine,
    )
    watched = _watched(problem, parameters, score, memory)
    if watched is not None:
        callbacks = [watched, *callbacks]
    counted = score is not None and score.counted
    training = _prepared(problem, _with_patience(plan, parameters, watched, counted), generator, shared=True)
    training = replace(training, watch_accuracy=counted)
    before = -score.best if score is not None and counted else memory.best_loss
    state = replace(training.start, watched_cost=before, waited=memory.waited)
    if resumed:
        state = replace(state, rule_state=memory.rule_state)
    adaptive = parameters.solver == "sgd" and parameters.learning_rate == "adaptive"
    while True:
        state = run(training, state, callbacks)
        ended = _ended(state, watched)
        if not adaptive or ended != "improvement" or rate <= LOWEST_ADAPTIVE_RATE:
            break
        rate /= 5
        training = replace(training, plan=replace(training.plan, learning_rate=rate))
        state = replace(state, waited=0, stopped="")
        if watched is not None:
            watched.waited = 0
        if state.epoch == epochs:
            ended = "epochs"
            break
    best_loss = math.inf if score is not None else state.watched_cost if watched is None else -watched.best
    waited = state.waited if watched is None else watched.waited
    seen = memory.seen + state.epoch * N
    kept = Memory(best_loss, waited, _rule(problem, parameters), state.rule_state, rate, seen)
    return Solved(state.network, state.history, kept, ended, *_scored(state, score, watched))


def by_levenberg_marquardt(
    problem: Problem, parameters: Any, generator: np.random.Generator, callbacks: Sequence[Callback]
) -> Solved:
    """Train with all rows at once by damped Gauss-Newton steps.

    Raises
    ------
    UsageError
        If the rows are sparse and too large to be made dense.
    """
    problem = replace(problem, X=all_at_once(problem.X))
    plan = TrainingPlan(
        solver="lm",
        weight_decay=parameters.alpha / problem.total_weight,
        epochs=parameters.max_iter,
        keep="last",
        dtype=problem.dtype,
    )
    watched = _watched(problem, parameters, None, Memory())
    if watched is not None:
        callbacks = [watched, *callbacks]
    state = run(_prepared(problem, _with_patience(plan, parameters, watched), generator), callbacks=callbacks)
    ended = "converged" if state.stopped.startswith("converged") else _ended(state, watched)
    best_loss = float(state.history.table[:, 1].min(initial=math.inf))
    return Solved(state.network, state.history, Memory(best_loss), ended)


def _watched(problem: Problem, parameters: Any, score: Score | None, memory: Memory) -> Watched | None:
    """What is to be watched from outside the engine: a score that it does not count; and where there are validation
    rows, whose loss the engine would watch, the loss of training, as scikit-learn does."""
    if score is not None and not score.counted:
        return Watched(score.of, parameters.tol, parameters.n_iter_no_change, score.best, memory.waited)
    if score is None and problem.validation is not None:
        return Watched(
            lambda state: -state.history[-1].cost,
            parameters.tol,
            parameters.n_iter_no_change,
            -memory.best_loss,
            memory.waited,
        )
    return None


def _with_patience(plan: TrainingPlan, parameters: Any, watched: Watched | None, counted: bool = False) -> TrainingPlan:
    """Let the engine wait for an improvement, unless something else is watched."""
    if counted:
        plan = replace(plan, keep="best")
    if watched is not None or parameters.n_iter_no_change == math.inf:
        return plan
    return replace(plan, patience=parameters.n_iter_no_change + 1, tolerance=parameters.tol)


def _scored(state: TrainingState, score: Score | None, watched: Watched | None) -> tuple[Any, ...]:
    """The scores of all epochs, the highest, and its network."""
    if score is None:
        return ()
    if watched is not None:
        return tuple(watched.values), watched.best, watched.best_network
    return tuple(state.history.table[:, 4].tolist()), -state.watched_cost, state.best_network


def _prepared(problem: Problem, plan: TrainingPlan, generator: np.random.Generator, shared: bool = False) -> Training:
    sparse = is_thin(problem.X)
    X, Y, s = problem.X if sparse else densely(problem.X), problem.Y, problem.sample_weight
    if sparse:  # what `prepare` does with dense rows
        with np.errstate(over="ignore"):
            X, Y = X.astype(problem.dtype), Y.astype(problem.dtype)
        if not np.isfinite(Y).all():
            raise UsageError(f"y has values beyond {problem.dtype}. Scale the targets, or give X in float64.")
        if s is not None:
            X, Y, s = X[s > 0], Y[s > 0], s[s > 0].astype(problem.dtype)
    training = prepare(
        plan, problem.network, X[:1].toarray() if sparse else X, Y[:1] if sparse else Y, loss=problem.loss,
        sample_weight=None if sparse else s, validation=problem.validation, middle=problem.middle,
        generator=generator, decay_is_shared=shared,
    )  # fmt: skip
    if training.validation is not None:  # what is told of these rows is their loss alone
        training = replace(training, validation=replace(training.validation, weight_decay=0.0))
    return on_sparse_rows(training, X, Y, s, min(plan.batch_size, len(Y))) if sparse else training


def _rule(problem: Problem, parameters: Any) -> str:
    """What the state of the update rule belongs to."""
    return f"{parameters.solver} in {problem.dtype}"


def _update(parameters: Any) -> str:
    name, constants = "nesterov" if parameters.nesterovs_momentum else "momentum", [parameters.momentum]
    if parameters.solver == "adam":
        # scikit-learn adds its epsilon to the root of the running mean square as it stands.
        name, constants = "adam", [parameters.beta_1, parameters.beta_2, 0, parameters.epsilon]
    return f"{name}({','.join(repr(float(constant)) for constant in constants)})"


def _schedule(parameters: Any, seen: int, N: int, resumed: bool) -> Schedule | str:
    """learning_rate_init / (t + 1)^power_t after t rows, looked at between two epochs; or none.

    A first epoch that resumes nothing has learning_rate_init, however many rows there were before.
    """
    if parameters.solver != "sgd" or parameters.learning_rate != "invscaling":
        return "constant"
    power = float(parameters.power_t)

    def factor(epoch: Any, epochs: int) -> Any:
        factors = np.float_power(seen + np.floor(epoch) * N + 1, -power)
        return factors if resumed else np.where(np.floor(epoch) == 0, 1.0, factors)

    return Schedule(f"invscaling({power!r})", factor, stretches=False, at_once=True)


def _ended(state: TrainingState, watched: Watched | None) -> str:
    if watched is not None and watched.over:
        return "improvement"
    words = {"no improvement": "improvement", "all epochs": "epochs", "stopped by": "callback"}
    return next((word for start, word in words.items() if state.stopped.startswith(start)), "interrupted")
