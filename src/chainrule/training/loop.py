"""The training loop: a generator of frozen states, one an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.core.passes import cost, forward
from chainrule.core.schedules import after_epoch
from chainrule.engines.work import NotFiniteError, Work, count_right
from chainrule.errors import DivergenceError, UsageError
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import Training
from chainrule.training.state import Epoch, TrainingState

Callback = Callable[[TrainingState], "bool | None"]


def epochs(training: Training, state: TrainingState | None = None) -> Iterator[TrainingState]:
    """Train, and yield the state after each epoch; the last one says why the training stopped.

    Parameters
    ----------
    training : Training
    state : TrainingState, optional
        Where to go on from; the same bits follow as if there had been no stop.

    Raises
    ------
    DivergenceError
        At the first number that is not finite; the states yielded before are all good.

    Examples
    --------
    >>> from chainrule.training.prepare import prepare
    >>> net = Network.dense([2, 2, 1], init="uniform(-1,1)", seed=1)
    >>> X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    >>> plan = TrainingPlan(update="gradient_descent", learning_rate=4, batch_size="all", reduction="sum", epochs=5)
    >>> [round(state.history[-1].cost, 3) for state in epochs(prepare(plan, net, X, Y))]
    [0.506, 0.503, 0.502, 0.502, 0.501]
    """
    state = _started(training, state)
    began = time.perf_counter() - state.seconds
    while not state.stopped:
        state = _one_epoch(training, state, began)
        yield state


def run(
    training: Training,
    state: TrainingState | None = None,
    callbacks: Sequence[Callback] = (),
) -> TrainingState:
    """Train to the end and return the last state; Ctrl-C ends it early and loses nothing.

    Parameters
    ----------
    callbacks : sequence of callables (TrainingState) -> bool or None
        Called after each epoch; one that returns True stops the training.

    Raises
    ------
    DivergenceError
        With the last good state as its `state`.
    """
    state = _started(training, state)
    try:
        for reached in epochs(training, state):
            state = reached
            answers = [callback(state) for callback in callbacks]
            if any(answers) and not state.stopped:
                return replace(state, stopped="stopped by a callback")
    except KeyboardInterrupt:
        return replace(state, stopped="interrupted")
    except DivergenceError as error:
        error.state = replace(state, stopped="diverged")
        raise
    return state


def as_callbacks(on_epoch: Callback | Sequence[Callback]) -> list[Callback]:
    """Return a list of callbacks from one or several.

    Raises
    ------
    UsageError
        If one cannot be called.
    """
    callbacks: list[Any] = [on_epoch]
    if not callable(on_epoch):
        callbacks = list(on_epoch) if isinstance(on_epoch, (list, tuple)) else [None]
    if not all(callable(callback) for callback in callbacks):
        raise UsageError(
            f"on_epoch must be a function of the training state, or a list of them; received {on_epoch!r}."
        )
    return callbacks


def _started(training: Training, state: TrainingState | None) -> TrainingState:
    """Where to go on from; a training that had come to its end stays there."""
    if state is None or not state.history:
        return training.start if state is None else state
    return replace(state, stopped=_why_stop(training.plan, state))


def _one_epoch(training: Training, state: TrainingState, began: float) -> TrainingState:
    plan, work = training.plan, training.work
    generator = state.generator()
    orders = None
    if plan.shuffle and work.batch_size < work.n_examples:
        orders = generator.permutation(work.n_examples)[None, :]
    rates = _learning_rates(training, state)
    try:
        chunk = training.engine.run(work, state.network, state.rule_state, orders, rates)
    except NotFiniteError as error:
        raise _divergence(error, training, state) from None

    (numbers,) = chunk.epochs
    validation_cost, validation_accuracy = measured(chunk.network, training.validation)
    if training.validation is not None and not math.isfinite(validation_cost):
        why = "an output unit is so sure of a wrong answer, or so far off, that its loss is infinite"
        if math.isnan(validation_cost):
            why = "the weights have grown so large that the numbers they make are no longer finite"
        raise DivergenceError(
            f"training diverged: the validation cost is {validation_cost} after epoch {state.epoch + 1}: {why}. "
            f"{_kept(state)} {_remedies(training)}"
        )
    row = Epoch(
        state.epoch + 1,
        numbers.cost,
        validation_cost,
        numbers.accuracy,
        validation_accuracy,
        float(rates[0, 0]),
        numbers.gradient_norm,
        time.perf_counter() - began,
    )
    watched = numbers.cost if training.validation is None else validation_cost
    fell = watched < state.watched_cost
    keep_best = training.validation is not None and plan.keep == "best"
    next_state = replace(
        state,
        network=chunk.network,
        rule_state=chunk.rule_state,
        random_state=dict(generator.bit_generator.state),
        watched_cost=min(watched, state.watched_cost),
        waited=0 if fell else state.waited + 1,
        plateau=after_epoch(training.schedule, state.plateau, watched),
        history=state.history.then(row),
    )
    if fell or not keep_best:
        next_state = replace(next_state, best_network=chunk.network, best_epoch=row.epoch, best_cost=watched)
    return replace(next_state, stopped=_why_stop(plan, next_state))


def _learning_rates(training: Training, state: TrainingState) -> np.ndarray:
    """The rate of every update of the next epoch, shape (1, updates)."""
    rate, steps = training.plan.eta * state.plateau.factor, training.work.updates_per_epoch
    times = [state.epoch + k / steps for k in range(steps)]
    try:
        return rate * np.array([[training.schedule.factor(time, training.plan.epochs) for time in times]])
    except OverflowError:  # such as exponential(10) after 308 epochs
        raise DivergenceError(
            f"training diverged: in epoch {state.epoch + 1} the schedule {training.schedule.name} raises the learning "
            f"rate beyond every number. The weights of epoch {state.best_epoch} are kept. Lower its factor."
        ) from None


def _why_stop(plan: TrainingPlan, state: TrainingState) -> str:
    if plan.target_cost is not None and state.history[-1].cost <= plan.target_cost:
        return "target cost reached"
    if getattr(state.rule_state, "converged", False):  # a solver's word; update rules say nothing of the kind
        return "converged: no step lowers the cost"
    if plan.patience is not None and state.waited >= plan.patience:
        return f"no improvement for {plan.patience} epochs"
    if plan.time_limit is not None and state.seconds >= plan.time_limit:
        return "time limit reached"
    return "all epochs run" if state.epoch >= plan.epochs else ""


def measured(network: Network, rows: Work | None) -> tuple[float, float]:
    """Return J and the accuracy of a network on other rows, NaN where not measured."""
    if rows is None:
        return math.nan, math.nan
    with np.errstate(all="ignore"):
        record = forward(network, rows.X)
        J = cost(
            network, record, rows.Y, rows.loss,
            reduction=rows.reduction, weight_decay=rows.decay_in_cost, sample_weight=rows.sample_weight,
        )  # fmt: skip
    if rows.middle is None:
        return J, math.nan
    return J, count_right(record.output, rows.Y, rows.middle) / rows.n_examples


def _divergence(error: NotFiniteError, training: Training, state: TrainingState) -> DivergenceError:
    return DivergenceError(
        f"training diverged in epoch {state.epoch + 1}, batch {error.batch + 1} of {training.work.updates_per_epoch}: "
        f"numbers of layer {error.layer} are no longer finite ({error.what}). {_kept(state)} {_remedies(training)}"
    )


def _kept(state: TrainingState) -> str:
    if state.best_epoch == 0:
        return "No epoch was completed: the initial weights are kept."
    return f"The weights of epoch {state.best_epoch} are kept."


def _remedies(training: Training) -> str:
    if training.plan.solver != "descent":
        remedies = ["take smaller initial weights (--init)"]
    else:
        remedies = [f"lower the learning rate (now {training.plan.eta:g})"]
        if training.plan.clip_norm is None:
            remedies.append("set clip_norm=1 (--clip-norm 1)")
    fused = {
        "binary_cross_entropy": "logistic_binary_cross_entropy",
        "categorical_cross_entropy": "softmax_categorical_cross_entropy",
    }.get(training.work.loss.name)
    if fused:
        remedies.insert(0, f'take the loss "{fused}", which a saturated output cannot break')
    return f"What helps: {', or '.join(remedies)}; scale the inputs."
