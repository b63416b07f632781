"""One epoch of a training, whichever engine runs it."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from chainrule.core.network import Network
from chainrule.core.passes import cost, forward
from chainrule.core.schedules import after_epoch
from chainrule.engines.work import NotFiniteError, Work, count_right
from chainrule.errors import DivergenceError
from chainrule.interrupts import let_through
from chainrule.training.course import learning_rates, why_stop
from chainrule.training.divergence import diverged, validation_diverged
from chainrule.training.prepare import Training
from chainrule.training.state import Epoch, TrainingState


class Reached(NamedTuple):
    """Where a training stands: the last good state, and the error if it diverged there."""

    state: TrainingState
    error: DivergenceError | None = None


def one_epoch(training: Training, state: TrainingState) -> Reached:
    """Run the next epoch of a training, on any engine, and look at the validation rows."""
    plan, work = training.plan, training.work
    began = time.perf_counter() - state.seconds
    generator = state.generator()
    try:
        rates = learning_rates(training, state)
        with let_through():
            chunk = training.engine.run(work, state.network, state.rule_state, generator, rates)
    except NotFiniteError as error:
        return Reached(state, diverged(training, state, error))
    except DivergenceError as error:
        return Reached(state, error)

    (numbers,) = chunk.epochs
    validation_cost, validation_accuracy = measured(chunk.network, training.validation)
    if training.validation is not None and not math.isfinite(validation_cost):
        return Reached(state, validation_diverged(training, state, validation_cost))
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
    if training.watch_accuracy:
        watched = -validation_accuracy
    enough = fell = watched < state.watched_cost
    if plan.tolerance is not None:
        enough = watched <= state.watched_cost - plan.tolerance
    keep_best = training.validation is not None and plan.keep == "best"
    next_state = replace(
        state,
        network=chunk.network,
        rule_state=chunk.rule_state,
        random_state=dict(generator.bit_generator.state),
        watched_cost=min(watched, state.watched_cost),
        waited=0 if enough else state.waited + 1,
        plateau=after_epoch(training.schedule, state.plateau, watched),
        history=state.history.then([row]),
    )
    if fell or not keep_best:
        next_state = replace(next_state, best_network=chunk.network, best_epoch=row.epoch, best_cost=watched)
    return Reached(replace(next_state, stopped=why_stop(plan, next_state)))


def measured(network: Network, rows: Work | None) -> tuple[float, float]:
    """Return J and the accuracy of a network on other rows, NaN where not measured."""
    if rows is None:
        return math.nan, math.nan
    with np.errstate(all="ignore"):
        record = forward(network, rows.X)
        J = cost(
            network, record, rows.Y, rows.loss,
            reduction=rows.reduction, weight_decay=rows.decay_of(rows.n_examples), sample_weight=rows.sample_weight,
        )  # fmt: skip
    if rows.middle is None:
        return J, math.nan
    return J, count_right(record.output, rows.Y, rows.middle) / rows.n_examples
