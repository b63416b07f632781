"""Chunks of epochs on the compiled engine: one call for several epochs of one training, or of many side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.engines import compiled
from chainrule.errors import DivergenceError
from chainrule.training.course import learning_rates, why_stop
from chainrule.training.divergence import validation_diverged
from chainrule.training.epoch import Reached, one_epoch
from chainrule.training.prepare import Training
from chainrule.training.state import Epoch, TrainingState

MOST_RATES = 1_000_000  # learning rates handed over at once, one for each update


def runs_in_chunks(training: Training) -> bool:
    """Whether the training's engine takes several epochs in one call."""
    return training.engine.run is compiled.run


def advance(
    trainings: Sequence[Training], states: Sequence[TrainingState], *, epochs: int, seconds: float
) -> tuple[list[Reached], bool]:
    """Run the next epochs of trainings, side by side.

    Parameters
    ----------
    trainings, states : sequences
        Trainings that have not ended, all of one dtype, and where each stands.
    epochs : int
        At most so many of each.
    seconds : float
        Come back after about so long, each training between two of its epochs.

    Returns
    -------
    reached : list of Reached
        A training whose turn did not come stands where it stood.
    interrupted : bool
        Whether Ctrl-C was pressed.
    """
    began = time.perf_counter()
    jobs: list[compiled.Job] = []
    reached = [Reached(state) for state in states]
    for i, (training, state) in enumerate(zip(trainings, states, strict=True)):
        try:
            jobs.append(_job(training, state, epochs, seconds))
        except DivergenceError as error:  # the schedule leaves the numbers
            reached[i] = Reached(state, error)
    going = [i for i, one in enumerate(reached) if one.error is None]
    if not going:
        return reached, False
    plans = [trainings[i].plan for i in going]
    limits = [plan.time_limit - states[i].seconds for i, plan in zip(going, plans, strict=True) if plan.time_limit]
    budget = max(0.0, min([seconds, *limits]))
    outcomes, interrupted = compiled.run_all(jobs, threads=plans[0].threads, seconds=budget)
    if len(jobs) == 1 and len(outcomes[0].epochs):
        outcomes[0].epochs[-1, 5] = time.perf_counter() - began  # with what it takes to hand everything over
    for i, job, outcome in zip(going, jobs, outcomes, strict=True):
        reached[i] = _reached(trainings[i], states[i], job, outcome)
    return reached, interrupted


def _job(training: Training, state: TrainingState, epochs: int, seconds: float) -> compiled.Job:
    plan, work = training.plan, training.work
    # Not many more than there will be time for, since each has its learning rates.
    likely = 16 + int(2 * seconds / _fewest_seconds(training))
    most = min(epochs, plan.epochs - state.epoch, likely, max(1, MOST_RATES // work.updates_per_epoch))
    watch = compiled.Watch(
        training.validation,
        training.validation is not None and plan.keep == "best",
        plan.target_cost,
        plan.patience,
        plan.tolerance,
        training.watch_accuracy,
        training.schedule.plateau,
        state.watched_cost,
        state.waited,
        state.plateau,
    )
    rates = learning_rates(training, state, most)
    return compiled.Job(work, state.network, state.rule_state, state.generator(), rates, watch)


def _fewest_seconds(training: Training) -> float:
    """About as long as an epoch takes at best: 10^11 operations a second, and a tenth of a microsecond an update."""
    work, network = training.work, training.start.network
    return 1e-7 * work.updates_per_epoch + 6e-11 * network.n_parameters * work.n_examples


def _reached(training: Training, state: TrainingState, job: compiled.Job, outcome: compiled.Outcome) -> Reached:
    if outcome.end == "validation not finite":
        good = _again(training, state, job, len(outcome.epochs) - 1)
        return Reached(good, validation_diverged(training, good, float(outcome.epochs[-1, 3])))
    if outcome.end == "not finite":
        # Once more by itself, where the reference engine names what is not finite, or finds that it still is: the sum
        # of squares of a gradient near the largest number.
        return one_epoch(training, _again(training, state, job, len(outcome.epochs)))
    return Reached(_next_state(training, state, job, outcome))


def _again(training: Training, state: TrainingState, job: compiled.Job, epochs: int) -> TrainingState:
    """The state before the epoch that went wrong: the same epochs once more give the same bits."""
    if epochs == 0:
        return state
    job = replace(job, generator=state.generator(), learning_rates=job.learning_rates[:epochs])
    (outcome,), _ = compiled.run_all([job])
    return _next_state(training, state, job, outcome)


def _next_state(
    training: Training, state: TrainingState, job: compiled.Job, outcome: compiled.Outcome
) -> TrainingState:
    if not len(outcome.epochs):
        return state
    measured = outcome.epochs
    rows = np.empty((len(measured), len(Epoch._fields)))
    rows[:, 0] = np.arange(state.epoch + 1, state.epoch + 1 + len(rows))
    # cost, validation cost, accuracy, validation accuracy, learning rate, norm, seconds
    rows[:, 1:] = measured[:, [0, 3, 1, 4, 6, 2, 5]]
    rows[:, 7] += state.seconds
    best: dict[str, Any] = {}
    if not job.watch.keep_best:
        watched = float(rows[-1, 1 if job.watch.validation is None else 2])
        best = {"best_network": outcome.network, "best_epoch": state.epoch + len(rows), "best_cost": watched}
    elif outcome.best_network is not None:
        reached = state.epoch + outcome.best_epoch
        best = {"best_network": outcome.best_network, "best_epoch": reached, "best_cost": outcome.watched_cost}
    next_state = replace(
        state,
        network=outcome.network,
        rule_state=outcome.rule_state,
        random_state=dict(job.generator.bit_generator.state),
        watched_cost=outcome.watched_cost,
        waited=outcome.waited,
        plateau=outcome.plateau,
        history=state.history.then(rows),
        **best,
    )
    return replace(next_state, stopped=why_stop(training.plan, next_state))
