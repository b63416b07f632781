"""How the estimators train: minibatches with scikit-learn's rules for the learning rate and the end, and LM."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.schedules import Schedule
from chainrule.engines import sparse_first_layer
from chainrule.engines.choose import choose_engine
from chainrule.errors import DivergenceError, UsageError
from chainrule.models.estimators.parameters import several
from chainrule.models.estimators.problem import Memory, Problem, Solved
from chainrule.models.estimators.sparse_rows import all_at_once, densely, is_thin
from chainrule.models.estimators.watching import Score, Watched
from chainrule.training.loop import Callback, run
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import Training, prepare
from chainrule.training.state import TrainingState

LOWEST_ADAPTIVE_RATE = 1e-6  # where learning_rate="adaptive" ends; scikit-learn's


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
    """
    N = problem.n_examples
    resumed = memory.rule_state is not None and memory.rule == _rule(problem, parameters)
    rate = (memory.learning_rate if resumed else None) or parameters.learning_rate_init
    plan = TrainingPlan(
        update=_update(parameters),
        learning_rate=rate,
        schedule=_schedule(parameters, memory.seen, N, resumed),
        weight_decay=parameters.alpha / problem.mean_weight,
        dropout=tuple(several(parameters.dropout)),
        batch_size=min(200, N) if parameters.batch_size == "auto" else min(parameters.batch_size, N),
        shuffle=parameters.shuffle,
        epochs=epochs,
        keep="last",
        dtype=problem.dtype,
        engine=parameters.engine,
    )
    watched, heard = _watched(problem, parameters, score, memory), Heard()
    callbacks = [*([] if watched is None else [watched]), *map(heard.on, callbacks)]
    counted = score is not None and score.counted
    training = _prepared(problem, _with_patience(plan, parameters, watched, counted), generator, shared=True)
    training = replace(training, watch_accuracy=counted)
    before = -score.best if score is not None and counted else memory.best_loss
    state = replace(training.start, watched_cost=before, waited=memory.waited)
    if resumed:
        state = replace(state, rule_state=memory.rule_state)
    adaptive = parameters.solver == "sgd" and parameters.learning_rate == "adaptive"
    while True:
        state, error = _run(training, state, callbacks, watched)
        ended = "callback" if heard.true else _ended(state, watched)
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
    kept = Memory(best_loss, waited, seen=memory.seen + state.epoch * N)
    if error is None:  # what drove the weights astray is not to go on
        kept = kept._replace(rule=_rule(problem, parameters), rule_state=state.rule_state, learning_rate=rate)
    solved = Solved(state.network, state.history, kept, ended, *_scored(state, score, watched))
    return solved._replace(error=error)


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
    training = _prepared(problem, _with_patience(plan, parameters, watched), generator)
    state, error = _run(training, training.start, callbacks, watched)
    ended = "converged" if state.stopped.startswith("converged") else _ended(state, watched)
    best_loss = float(state.history.table[:, 1].min(initial=math.inf))
    return Solved(state.network, state.history, Memory(best_loss), ended, error=error)


class Heard:
    """Whether a callback has asked for the end, also in the epoch in which training would have ended by itself."""

    def __init__(self) -> None:
        self.true = False

    def on(self, callback: Callback) -> Callback:
        """Return the callback, listened to."""

        def called(state: TrainingState) -> bool | None:
            answer = callback(state)
            self.true = self.true or bool(answer)
            return answer

        called.every = getattr(callback, "every", 1)  # type: ignore[attr-defined]
        return called


def _run(
    training: Training, state: TrainingState, callbacks: Sequence[Callback], watched: Watched | None
) -> tuple[TrainingState, DivergenceError | None]:
    """Train to the end, or as far as all numbers are finite."""
    error = None
    try:
        state = run(training, state, callbacks)
    except DivergenceError as diverged:
        error = diverged
        state = state if diverged.state is None else diverged.state
    if watched is not None and len(watched.values) < state.epoch:  # Ctrl-C came before it was looked at
        watched(state)
    return state, error


def _watched(problem: Problem, parameters: Any, score: Score | None, memory: Memory) -> Watched | None:
    """What is to be watched from outside the engine: a score that it does not count; and where there are validation
    rows, whose loss the engine would watch, the loss of training, as scikit-learn does."""
    if score is not None and not score.counted:
        best = problem.network if score.best > -math.inf else None
        return Watched(score.of, parameters.tol, parameters.n_iter_no_change, score.best, memory.waited, best)
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
    """The scores of all epochs, the highest, its network and its epoch."""
    if score is None or not state.history:
        return ()
    if watched is not None:
        return tuple(watched.values), watched.best, watched.best_network, watched.best_epoch
    return tuple(state.history.table[:, 4].tolist()), -state.watched_cost, state.best_network, state.best_epoch


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
    return _on_sparse_rows(training, X, Y, s) if sparse else training


def _on_sparse_rows(training: Training, X: Any, Y: np.ndarray, sample_weight: np.ndarray | None) -> Training:
    """A training that was prepared for one dense row, for all sparse rows instead."""
    plan = training.plan
    work = replace(training.work, X=X, Y=Y, sample_weight=sample_weight, batch_size=min(plan.batch_size, len(Y)))
    engine = choose_engine(plan.engine, work, training.start.network)
    if engine.name != "compiled":
        engine = engine._replace(run=sparse_first_layer.run)
    return replace(training, work=work, engine=engine)


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
    if watched is not None and watched.over and state.stopped not in ("interrupted", "diverged"):
        return "improvement"
    words = {
        "no improvement": "improvement", "all epochs": "epochs", "stopped by": "callback", "diverged": "diverged",
    }  # fmt: skip
    return next((word for start, word in words.items() if state.stopped.startswith(start)), "interrupted")
