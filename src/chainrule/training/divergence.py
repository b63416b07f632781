"""What is said when a training diverges: where, what is kept, and what helps."""

from __future__ import annotations

import math

from chainrule.engines.work import NotFiniteError
from chainrule.errors import DivergenceError
from chainrule.training.prepare import Training
from chainrule.training.state import TrainingState


def diverged(training: Training, state: TrainingState, error: NotFiniteError) -> DivergenceError:
    """Return the error for a number that is not finite in the epoch after `state`."""
    return DivergenceError(
        f"training diverged in epoch {state.epoch + 1}, batch {error.batch + 1} of {training.work.updates_per_epoch}: "
        f"numbers of layer {error.layer} are no longer finite ({error.what}). {_kept(state)} {_remedies(training)}"
    )


def validation_diverged(training: Training, state: TrainingState, cost: float) -> DivergenceError:
    """Return the error for a validation cost that is not finite after the epoch that follows `state`."""
    why = "an output unit is so sure of a wrong answer, or so far off, that its loss is infinite"
    if math.isnan(cost):
        why = "the weights have grown so large that the numbers they make are no longer finite"
    return DivergenceError(
        f"training diverged: the validation cost is {cost} after epoch {state.epoch + 1}: {why}. "
        f"{_kept(state)} {_remedies(training)}"
    )


def schedule_diverged(training: Training, state: TrainingState) -> DivergenceError:
    """Return the error for a schedule that leaves the numbers."""
    return DivergenceError(
        f"training diverged: in epoch {state.epoch + 1} the schedule {training.schedule.name} raises the learning "
        f"rate beyond every number. {_kept(state)} Lower its factor."
    )


def _kept(state: TrainingState) -> str:
    if state.best_epoch == 0:
        return "No epoch was completed: there are no better weights than the initial ones."
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
