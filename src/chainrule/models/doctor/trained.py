"""The doctor on a trained model: units that stopped learning, and a training that ended too early or too late."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from chainrule.core.layers import Layer
from chainrule.core.passes import Record
from chainrule.data.columns import count
from chainrule.models.doctor.findings import Diagnosis, Finding, by_severity, finding
from chainrule.models.doctor.network import SATURATED
from chainrule.models.doctor.outputs import head
from chainrule.models.doctor.stuck import CAN_DIE, MOST_ROWS, STILL_FALLING, stuck
from chainrule.models.evaluation import ClassEvaluation
from chainrule.models.model import Model


def diagnose_model(model: Model) -> Diagnosis:
    """Say what went wrong in a training.

    A model that was loaded has no rows, so that its hidden units cannot be looked at.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Diagnosis

    Examples
    --------
    >>> import chainrule as cr
    >>> diagnosis = diagnose_model(cr.train("wine", epochs=3))
    >>> [(found.check, found.flag) for found in diagnosis.findings]
    [('epochs', '--epochs 6')]
    """
    findings: list[Finding] = []
    passed = []
    checks = [
        (epochs(model), "Training went on until the cost had settled, or was stopped on purpose."),
        (over_training(model), "The validation cost did not rise while the training cost fell."),
        (worth(model), "The model is better than a constant answer."),
    ]
    if model.learned is not None:
        checks.append((stuck(model), "The cost is not stuck above what these rows allow."))
    if "train" in model.parts:
        rows = model.parts["train"]
        record = model.forward(rows.take(np.arange(0, rows.n_rows, max(1, rows.n_rows // MOST_ROWS))))
        checks.append((idle_units(model, record), "Every hidden unit tells examples apart."))
    for found, sentence in checks:
        new = list(found)
        findings += new
        if not new:
            passed.append(sentence)
    return Diagnosis(repr(model).strip("<>"), by_severity(findings), tuple(passed))


def epochs(model: Model) -> Iterator[Finding]:
    """Training that stops while the cost still falls leaves the rest unlearnt."""
    history = model.history
    if len(history) < 3 or len(history) < model.plan.epochs:
        return
    watched = [row.validation_cost if row.validation_cost == row.validation_cost else row.cost for row in history]
    tenth = max(1, len(history) // 10)
    before, now = float(np.mean(watched[-2 * tenth : -tenth])), float(np.mean(watched[-tenth:]))
    if now < (1 - STILL_FALLING) * before:
        yield finding(
            "epochs",
            "hint",
            f"In the last {count(tenth, 'epoch')} the cost still fell, from {before:.4g} to {now:.4g}.",
            "The network had not learnt all it can.",
            "Train longer.",
            epochs=2 * model.plan.epochs,
        )


def over_training(model: Model) -> Iterator[Finding]:
    """A cost that rises on new examples while it falls on the training examples: over-specialization."""
    history = model.history
    costs = np.array([row.validation_cost for row in history])
    if len(history) < 10 or np.isnan(costs).any():
        return
    best = int(costs.argmin())
    if best > 0.8 * len(history) or costs[-1] < 1.1 * costs[best] or history[-1].cost > history[best].cost:
        return
    kept = model.plan.keep == "best"
    yield finding(
        "over-training",
        "hint" if kept else "warning",
        f"The validation cost was least in epoch {history[best].epoch} ({costs[best]:.4g}) and rose to "
        f"{costs[-1]:.4g}, while the training cost fell from {history[best].cost:.4g} to {history[-1].cost:.4g}.",
        "From then on the network learnt its examples by heart."
        + (" The weights of the best epoch were kept." if kept else ""),
        "Stop in time, or use fewer hidden units, or hold the weights back with --weight-decay.",
        **({"patience": 20} if kept else {"patience": 20, "keep": "best"}),
    )


def worth(model: Model) -> Iterator[Finding]:
    """A model must beat the answer that looks at no input."""
    test = model.test
    if test is None or test.rows < 10:
        return
    if isinstance(test, ClassEvaluation):
        weighed = model.encoding_plan.class_weight != "none"  # then no class is meant to be called by its share
        commonest = max(map(sum, test.confusion)) / test.rows
        poor = test.accuracy <= commonest
        what = f"{test.accuracy:.0%} of the test rows are right; the commonest class alone makes {commonest:.0%}."
        if weighed:
            chance = 1 / sum(sum(row) > 0 for row in test.confusion)
            poor = test.balanced_accuracy <= chance < 1
            reached = f"The balanced accuracy on the test rows is {test.balanced_accuracy:.3f}"
            what = f"{reached}; a single answer makes {chance:.3f}."
    else:
        poor = not math.isnan(test.r2) and test.r2 <= 0
        what = f"R2 on the test rows is {test.r2:.3f}; always predicting the mean makes 0."
    if poor:
        yield finding(
            "worth",
            "warning",
            what,
            "The network has not found anything in the inputs that holds for new rows.",
            "Examine the table with chainrule check; the inputs may not tell.",
        )


def idle_units(model: Model, record: Record) -> Iterator[Finding]:
    """Units that are saturated, or silent, for every example have no gradient and stay so."""
    for number, layer in enumerate(model.network.layers[:-1], start=1):
        idle = _idle(layer, np.asarray(record.a[number]))
        if idle:
            share = idle / layer.fan_out
            slower = model.plan.solver == "descent"
            yield finding(
                "idle units",
                "warning" if share > 0.25 else "hint",
                f"In layer {number}, {idle} of {layer.fan_out} {head(layer.activation)} units give the same for "
                "every training row.",
                "Their derivative is 0 or nearly so: they add weights, but learn no more.",
                f"Use {'a smaller learning rate, or ' if slower else ''}smaller initial weights"
                + (", or leaky_relu." if head(layer.activation) in CAN_DIE else "."),
                **({"activation": ("leaky_relu",)} if head(layer.activation) in CAN_DIE else {}),
                **({"learning_rate": model.plan.eta / 10} if slower else {"init": "uniform(-0.1,0.1)"}),
            )


def _idle(layer: Layer, A: np.ndarray) -> int:
    name = head(layer.activation)
    if name in CAN_DIE:
        return int((A == 0).all(axis=0).sum())
    if name in SATURATED:
        low, high = SATURATED[name]
        return int(((A < low).all(axis=0) | (A > high).all(axis=0)).sum())
    return 0
