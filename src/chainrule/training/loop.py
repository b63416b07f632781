"""The training loop: a generator of frozen states, one an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_float_array, check_matrix
from chainrule.core.catalogue import FusedLoss, Loss, loss_named
from chainrule.core.network import Network
from chainrule.core.passes import check_loss_fits, decay_cost, example_shares, forward
from chainrule.core.schedules import Schedule, after_epoch, schedule_named
from chainrule.core.update_rules import update_rule_named
from chainrule.engines.choose import Choice, choose_engine
from chainrule.engines.work import NotFiniteError, Work, count_right
from chainrule.errors import DivergenceError, UsageError
from chainrule.training.plan import TrainingPlan
from chainrule.training.state import Epoch, TrainingState

Callback = Callable[[TrainingState], "bool | None"]


@dataclass(frozen=True)
class Training:
    """A training that can be run: the plan, what to learn from, and the engine.

    Make one with `prepare`.
    """

    plan: TrainingPlan
    work: Work
    validation: Work | None
    schedule: Schedule
    engine: Choice
    start: TrainingState


def prepare(
    plan: TrainingPlan,
    network: Network,
    X: Array,
    Y: Array,
    *,
    loss: str | Loss | FusedLoss | None = None,
    sample_weight: Array | None = None,
    validation: tuple[Array, Array] | None = None,
    middle: float | None = None,
    generator: np.random.Generator | None = None,
) -> Training:
    """Check everything that a training needs, before its first epoch.

    Parameters
    ----------
    plan : TrainingPlan
        Its `hidden`, activations and `init` are not looked at: the network is given.
    network : Network
        Its dtype is that of the training.
    X, Y : arrays (N, inputs) and (N, outputs)
    loss : name, Loss or FusedLoss, optional
        Where the plan says "auto".
    sample_weight : array (N,), optional
        An example of weight 0 takes no part.
    validation : (X, Y), optional
        Rows to watch for over-training; the best weights are those with the lowest cost on them.
    middle : float, optional
        For classification, the output halfway between the two target values: accuracies are measured.
    generator : numpy.random.Generator, optional
        Draws the orders; by default one with the plan's seed.

    Raises
    ------
    UsageError
        If shapes, names or numbers do not fit.
    """
    rule = update_rule_named(plan.update)
    chosen_loss = loss_named(plan.loss if plan.loss != "auto" else (loss or "half_squared_error"))
    check_loss_fits(chosen_loss, network)

    def work_on(X: Array, Y: Array, s: Array | None) -> Work:
        like = network.parameters[0]
        X, Y = _in_dtype(X, like), _in_dtype(Y, like)
        check_matrix("X", X, network.sizes[0], "inputs")
        with np.errstate(all="ignore"):  # one row, for the shape of the outputs
            record = forward(network, X[:1, :])
        if Y.ndim != 2 or tuple(Y.shape) != (X.shape[0], record.output.shape[1]):
            raise UsageError(
                f"Y must have shape ({X.shape[0]}, {record.output.shape[1]}), a row for each row of X and a column for "
                f"each output; received {tuple(Y.shape)}."
            )
        _refuse_not_finite("X", X)
        _refuse_not_finite("Y", Y)
        if s is not None:
            s = _in_dtype(s, like)
            example_shares(Y[:, 0], plan.reduction, s)  # for its checks
            X, Y, s = _that_count(X, Y, s)
        size = X.shape[0] if plan.batch_size == "all" else min(plan.batch_size, X.shape[0])
        return Work(
            X, Y, s, chosen_loss, rule, size, plan.reduction, plan.weight_decay, plan.clip_norm, plan.clip_value, middle
        )  # fmt: skip

    work = work_on(as_float_array(X), as_float_array(Y), sample_weight)
    generator = np.random.default_rng(plan.seed) if generator is None else generator
    state = TrainingState(
        network, rule.init(network.trainable_parameters), dict(generator.bit_generator.state), best_network=network
    )
    return Training(
        plan,
        work,
        None if validation is None else work_on(as_float_array(validation[0]), as_float_array(validation[1]), None),
        schedule_named(plan.schedule),
        choose_engine(plan.engine, work, network),
        state,
    )


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
    rate = plan.eta * state.plateau.factor
    steps = work.updates_per_epoch
    rates = np.array([[rate * training.schedule.factor(state.epoch + k / steps, plan.epochs) for k in range(steps)]])
    try:
        chunk = training.engine.run(work, state.network, state.rule_state, orders, rates)
    except NotFiniteError as error:
        raise _divergence(error, training, state) from None

    (numbers,) = chunk.epochs
    validation_cost, validation_accuracy = _measured(chunk.network, training.validation)
    if training.validation is not None and not math.isfinite(validation_cost):
        why = "an output unit is so sure of a wrong answer, or so far off, that its loss is infinite"
        if math.isnan(validation_cost):
            why = "the weights have grown so large that the numbers they make are no longer finite"
        raise DivergenceError(
            f"training diverged: the validation cost is {validation_cost} after epoch {state.epoch + 1}: {why}. "
            f"The weights of epoch {state.best_epoch} are kept. {_remedies(training)}"
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


def _why_stop(plan: TrainingPlan, state: TrainingState) -> str:
    if plan.target_cost is not None and state.history[-1].cost <= plan.target_cost:
        return "target cost reached"
    if plan.patience is not None and state.waited >= plan.patience:
        return f"no improvement for {plan.patience} epochs"
    if plan.time_limit is not None and state.seconds >= plan.time_limit:
        return "time limit reached"
    return "all epochs run" if state.epoch >= plan.epochs else ""


def _measured(network: Network, rows: Work | None) -> tuple[float, float]:
    """J and the accuracy on other rows, NaN where not measured."""
    if rows is None:
        return math.nan, math.nan
    with np.errstate(all="ignore"):
        record = forward(network, rows.X)
        costs = rows.loss.cost(record.z[-1], record.output, rows.Y)
        shares = example_shares(costs, rows.reduction, None)
        cost = float(costs.__array_namespace__().sum(shares * costs)) + decay_cost(network, rows.weight_decay)
    if rows.middle is None:
        return cost, math.nan
    return cost, count_right(record.output, rows.Y, rows.middle) / rows.n_examples


def _divergence(error: NotFiniteError, training: Training, state: TrainingState) -> DivergenceError:
    work = training.work
    return DivergenceError(
        f"training diverged: {error.what} of layer {error.layer} are no longer finite in epoch {state.epoch + 1}, "
        f"batch {error.batch + 1} of {work.updates_per_epoch}. The weights of epoch {state.best_epoch} are kept. "
        f"{_remedies(training)}"
    )


def _remedies(training: Training) -> str:
    remedies = [f"lower the learning rate (now {training.plan.eta:g})"]
    if training.plan.clip_norm is None:
        remedies.append("set clip_norm=1")
    fused = {
        "binary_cross_entropy": "logistic_binary_cross_entropy",
        "categorical_cross_entropy": "softmax_categorical_cross_entropy",
    }.get(training.work.loss.name)
    if fused:
        remedies.insert(0, f'take the loss "{fused}", which a saturated output cannot break')
    return f"What helps: {', or '.join(remedies)}; scale the inputs."


def _in_dtype(values: Any, like: Array) -> Array:
    array = as_float_array(values)
    xp = like.__array_namespace__()
    if isinstance(array, np.ndarray):
        with np.errstate(over="ignore"):  # what becomes infinite is refused by its place
            return xp.asarray(array.astype(str(like.dtype).rpartition(".")[2]))
    return xp.astype(array, like.dtype)


def _that_count(X: Array, Y: Array, s: Array) -> tuple[Array, Array, Array]:
    """Leave out the examples of weight 0: a batch of nothing else would have no mean."""
    chosen = np.flatnonzero(np.asarray(s))
    if len(chosen) == s.shape[0]:
        return X, Y, s
    xp = X.__array_namespace__()
    rows = xp.asarray(chosen)
    return xp.take(X, rows, axis=0), xp.take(Y, rows, axis=0), xp.take(s, rows, axis=0)


def _refuse_not_finite(name: str, M: Array) -> None:
    xp = M.__array_namespace__()
    if bool(xp.all(xp.isfinite(M))):
        return
    bad = np.argwhere(~np.isfinite(np.asarray(M)))[0]
    raise UsageError(
        f"{name} has values that are not finite, the first in row {bad[0]}, column {bad[1]} (counted from 0). Remove "
        'those rows or fill them in; values beyond float32 need dtype="float64".'
    )
