"""An update that a training took, explained: its weights, its batch, its masks, its clipping and its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.explaining.definitions import Definitions
from chainrule.explaining.explain import Explanation, check_showing
from chainrule.explaining.presets import notation_named
from chainrule.explaining.solver_updates import bent_update, damped_update
from chainrule.explaining.updates import Earlier, RuleUpdate, Update
from chainrule.explaining.values import Values, make_values
from chainrule.training.prepare import Training
from chainrule.training.replay import Taken


def explain_taken(
    training: Training,
    taken: Taken,
    before: Sequence[Taken] = (),
    *,
    example: int = 0,
    notation: Any = "chainrule",
    detail: str = "factors",
    most: int = 8,
    digits: int = 5,
) -> Explanation:
    """Explain an update that a training took.

    Parameters
    ----------
    training : Training
    taken : Taken
    before : sequence of Taken
        The updates just before it, the oldest first, whose gradients its running means are written as.
    example, notation, detail, most, digits
        As for `explain`; the examples are those of the batch, in the order in which they were taken.

    Notes
    -----
    The equations are worked out in float64 from the weights and the state that the training held.
    """
    check_showing(detail, most, digits)
    values = _values(training, taken, example)
    return Explanation(
        Definitions(values, notation_named(notation), most, _update(training, taken, before, most)), detail, digits
    )


def off_by(explanation: Explanation, taken: Taken) -> tuple[float, float]:
    """Return by how much the explained changes miss those that the training made, and what rounding may do.

    The first is the largest difference over all weights and biases; the second a few last places of the largest of
    them, and of the largest change, in the training's precision.
    """
    values, update = explanation.definitions.values, explanation.definitions.needed_update()
    pairs = list(zip(taken.before.trainable_parameters, taken.after.trainable_parameters, strict=True))
    made = [np.asarray(q, dtype=np.float64) - np.asarray(p, dtype=np.float64) for p, q in pairs]
    eps = max(float(np.finfo(np.asarray(q).dtype).eps) for _, q in pairs)
    miss = max(float(np.max(np.abs(a - b), initial=0.0)) for a, b in zip(made, update.changes(values), strict=True))
    size = max(float(np.max(np.abs(np.asarray(q)), initial=0.0)) for _, q in pairs)
    moved = max(float(np.max(np.abs(change), initial=0.0)) for change in made)
    return miss, 4 * eps * size + 1e4 * eps * moved


def _values(training: Training, taken: Taken, example: int) -> Values:
    work, rows = training.work, taken.rows
    X, Y = (np.asarray(M, dtype=np.float64)[rows] for M in (work.X, work.Y))
    reduction, s = work.reduction, work.sample_weight
    if s is not None:
        s = np.asarray(s, dtype=np.float64)[rows]
        if training.plan.solver == "descent" and reduction == "mean":
            # Weighed against all examples, not against its batch alone.
            reduction, s = "sum", np.asarray(work.shares, dtype=np.float64)[rows] / len(rows)
    masks = taken.masks and [None if mask is None else np.asarray(mask, dtype=np.float64) for mask in taken.masks]
    decay = work.decay_of(len(rows))
    return make_values(
        taken.before, X, Y, work.loss, example, reduction=reduction, weight_decay=decay, sample_weight=s, masks=masks
    )


def _update(training: Training, taken: Taken, before: Sequence[Taken], most: int) -> Update:
    work, solver = training.work, training.plan.solver.partition("(")[0]
    if solver == "lm":
        return damped_update(training, taken.before, taken.rule_state, most)
    if solver == "lbfgs":
        return bent_update(training, taken.before, taken.rule_state, most)
    return RuleUpdate(
        rule=work.rule,
        learning_rate=taken.learning_rate,
        weight_decay=work.weight_decay if work.rule.decoupled else 0.0,
        state=taken.rule_state,
        clip_norm=work.clip_norm,
        clip_value=work.clip_value,
        most=most,
        earlier=tuple(_earlier(training, one) for one in before),
        oldest=before[0].rule_state if before and before[0].number > 1 else None,
    )


def _earlier(training: Training, taken: Taken) -> Earlier:
    update = _update(training, taken, (), 1)
    assert isinstance(update, RuleUpdate)
    received = update.received(_values(training, taken, 0))
    return Earlier(taken.number, taken.learning_rate, [np.asarray(g) for g in received])
