"""The course of a training, whichever engine runs it: the learning rates of its epochs, and when it ends."""

from __future__ import annotations

import numpy as np

from chainrule.core.schedules import factors
from chainrule.training.divergence import schedule_diverged
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import Training
from chainrule.training.state import TrainingState


def learning_rates(training: Training, state: TrainingState, n_epochs: int = 1) -> np.ndarray:
    """The rate of every update of the next epochs, shape (n_epochs, updates); fewer if a later epoch's are infinite."""
    rate, steps = training.plan.eta * state.plateau.factor, training.work.updates_per_epoch
    times = state.epoch + np.arange(n_epochs)[:, None] + np.arange(steps) / steps
    with np.errstate(over="ignore"):
        rates = rate * factors(training.schedule, times, training.plan.epochs)
    beyond = np.isinf(rates.max(axis=1))
    if beyond[0]:
        raise schedule_diverged(training, state)
    return rates[: np.argmax(beyond)] if beyond.any() else rates


def why_stop(plan: TrainingPlan, state: TrainingState) -> str:
    """Return why a training ends at this state, or an empty string while it goes on."""
    if plan.target_cost is not None and state.history[-1].cost <= plan.target_cost:
        return "target cost reached"
    if getattr(state.rule_state, "converged", False):  # a solver's word; update rules say nothing of the kind
        return "converged: no step lowers the cost"
    if plan.patience is not None and state.waited >= plan.patience:
        return f"no improvement for {plan.patience} epochs"
    if plan.time_limit is not None and state.seconds >= plan.time_limit:
        return "time limit reached"
    return "all epochs run" if state.epoch >= plan.epochs else ""
