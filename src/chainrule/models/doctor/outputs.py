"""The doctor's checks of activations and loss: whether they fit each other, the task and the targets.

Seed 004: "use target values of 0.1 (for zero) and 0.9 (for 1) to avoid saturation effects of sigmoids".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from chainrule.core.catalogue import Activation, FusedLoss, activation_named, loss_named
from chainrule.data.columns import count
from chainrule.errors import ChainruleError
from chainrule.models.doctor.findings import Finding, finding
from chainrule.models.doctor.patient import Check, Patient

DISTANCE_LOSSES = (
    "half_squared_error", "sum_of_squares", "mean_of_squares", "absolute_error", "huber", "quantile",
)  # fmt: skip
UNFUSED = {"binary_cross_entropy": "logistic", "categorical_cross_entropy": "softmax"}
FUSED = {"logistic": "logistic_binary_cross_entropy", "softmax": "softmax_categorical_cross_entropy"}
AUTO = {"output_activation": "auto", "loss": "auto"}


def head(own: Any) -> str:
    """Return the name of an activation, loss or update rule, without its numbers."""
    return (own if isinstance(own, str) else str(own.name)).partition("(")[0].strip()


def hidden_activations(patient: Patient) -> Iterator[Finding]:
    """Hidden units need a derivative that is not 0, and one that is not the same everywhere."""
    names = [head(own) for own in patient.plan.hidden_activations]
    if "step" in names:
        yield finding(
            "hidden activations",
            "problem",
            "Hidden units use step.",
            "Its derivative is 0, so no error reaches the weights before it: they keep their initial values.",
            "Use an activation with a slope.",
            activation=tuple("tanh" if name == "step" else name for name in names)[: len(patient.plan.activation)],
        )
    elif names and set(names) == {"identity"}:
        yield finding(
            "hidden activations",
            "hint",
            "All hidden units use identity.",
            "Layers without a bend are together one linear layer: the hidden units add weights but no power.",
            "Use a bent activation, or no hidden layer (--hidden none).",
            activation=("tanh",),
        )


def output_and_loss(patient: Patient) -> Iterator[Finding]:
    """The output activation, the loss and the task must make sense in terms of each other."""
    plan = patient.settled
    try:
        activation, loss = plan.output_activation, plan.loss
        chosen = None if activation == "auto" else activation_named(activation)
        loss = None if loss == "auto" else loss_named(loss)
    except ChainruleError:
        return  # the refusal says it
    if chosen is None or loss is None:
        return
    outputs = patient.setup.encoding.n_outputs if patient.setup is not None else 2
    found = _poisson(patient) if head(loss) == "poisson" and patient.task == "regression" else None
    found = found or _mismatch(chosen, loss, patient.task, outputs)
    if found is not None:
        severity, what, why, remedy, options = found
        yield finding("output and loss", severity, what, why, remedy, **options)


def _mismatch(activation: Activation, loss: Any, task: str, outputs: int) -> Any:
    """Return the first thing that is wrong with a pair, as (severity, what, why, remedy, options), or None."""
    a, c = head(activation), head(loss)
    pair = f"The output activation is {a} and the loss is {c}."
    low, high = activation.range
    regression = task == "regression"
    if isinstance(loss, FusedLoss) and loss.activation != a:
        why = f"This loss contains {loss.activation}: its derivative is right for that output activation only."
        options: dict[str, Any] = AUTO if regression else {"output_activation": loss.activation}
        return "problem", pair, why, "Take the output activation that belongs to the loss.", options
    if regression and (a in ("softmax", "step") or c in ("categorical_cross_entropy", "perceptron_criterion")):
        why = "They tell classes apart, but the task is a regression: the outputs must take any value."
        return "problem", pair, why, "Let the task choose both.", AUTO
    if a == "softmax" and outputs == 1:
        why = "Softmax divides by the sum of the outputs: with a single one it is always 1, whatever the weights."
        return (
            "problem",
            "Softmax has a single output.",
            why,
            "Use logistic.",
            {**AUTO, "output_activation": "logistic"},
        )
    if a == "step" and c != "perceptron_criterion":
        why = "The derivative of step is 0, so no gradient passes and nothing is learnt."
        return "problem", pair, why, "Use the perceptron's own criterion.", {"loss": "perceptron_criterion"}
    if c in UNFUSED and not (low >= 0 and high <= 1):
        why = f"Cross-entropy takes logarithms of probabilities, but {a} gives numbers from {low:g} to {high:g}."
        return "problem", pair, why, "Let the task choose both.", AUTO
    if c in UNFUSED and a in FUSED and UNFUSED[c] != a:
        why = {
            "softmax": "Softmax outputs share one probability, but this loss judges each output alone.",
            "logistic": "This loss looks at the right class's output alone: nothing holds the others down.",
        }[a]
        return "problem" if outputs == 1 else "warning", pair, why, f"Use {FUSED[a]}.", {"loss": FUSED[a]}
    if c in UNFUSED and a in FUSED:
        why = "An output that rounds to 0 or 1 has no finite logarithm; the fused loss computes both in one equation."
        return "hint", pair, why, "Use the fused loss: the same mathematics, safe numbers.", {"loss": FUSED[a]}
    if a == "softmax" and c in DISTANCE_LOSSES:
        why = "Where the network is surely wrong, the squared error through softmax is flat and learning stalls."
        return "warning", pair, why, f"Use {FUSED[a]}.", {"loss": FUSED[a]}
    if c == "poisson" and task == "classification":
        return "problem", pair, "Poisson is for counts, but the task is a classification.", "Use the task's own.", AUTO
    if c == "poisson" and low < 0:
        why = f"Poisson takes the logarithm of the output, but {a} gives numbers that are not positive."
        return "problem", pair, why, "Use exponential outputs.", {"output_activation": "exponential"}
    if a == "relu":
        why = "An output unit whose sum is negative for every example has no gradient: it stays at 0 for ever."
        better = {"output_activation": "softplus"} if regression and c != "poisson" else AUTO
        better = {"output_activation": "exponential"} if regression and c == "poisson" else better
        return "warning", "The output activation is relu.", why, "Use an output that always has a slope.", better
    if task == "classification" and c in DISTANCE_LOSSES and (low, high) == (-math.inf, math.inf):
        why = "Outputs are pulled back to the targets also where they are right by a wide margin."
        return "hint", pair, why, "Let the task choose: a probability and cross-entropy.", AUTO
    if regression and a in ("logistic", "tanh") and c in DISTANCE_LOSSES:
        why = "Predictions cannot go beyond the range that these outputs and the training targets set."
        return "hint", pair, why, "Use identity, unless that range is meant.", {"output_activation": "identity"}
    return None


def _poisson(patient: Patient) -> Any:
    """Return what is wrong with a Poisson loss whose targets are negative, as `_mismatch` does, or None."""
    negative = [c for c in patient.targets if c.kind == "number" and bool((c.values < 0).any())]
    if negative:
        cells = count(sum(int((column.values < 0).sum()) for column in negative), "target")
        why = "A count cannot be negative; the cost has no least value there."
        return "problem", f"The loss is poisson, and {cells} are below 0.", why, "Use another loss.", AUTO
    scaled = patient.encoding_plan.target_scale in ("standard", "symmetric")
    if scaled or (patient.setup is not None and bool((patient.setup.Y < 0).any())):
        why = "Scaling makes small counts negative, and the cost has no least value there."
        options = {"target_scale": "none", "output_activation": "exponential"}
        return (
            "problem",
            "The loss is poisson, and the counts are scaled.",
            why,
            "Leave the counts as they are.",
            options,
        )
    return None


def target_range(patient: Patient) -> Iterator[Finding]:
    """Use target values of 0.1 (for zero) and 0.9 (for 1) to avoid saturation effects of sigmoids."""
    setup = patient.setup
    assert setup is not None
    activation = activation_named(setup.plan.output_activation)
    a, c = head(activation), head(setup.plan.loss)
    if a not in ("step", "softmax") and c in DISTANCE_LOSSES:
        train = setup.Y[setup.split.train]
        lowest, highest = float(train.min()), float(train.max())
        low, high = activation.range
        reach = f"The targets go from {lowest:.4g} to {highest:.4g}, and {a} outputs"
        beyond = lowest < low or highest > high
        if patient.task == "classification":
            if not beyond and a in ("logistic", "tanh") and (lowest == low or highest == high):
                yield finding(
                    "target range",
                    "warning",
                    f"{reach} approach {low:g} and {high:g} only with endless weights.",
                    "The weights grow without end and the units saturate: their derivative goes to 0.",
                    "Use targets of 0.1 and 0.9, or cross-entropy (--loss auto).",
                    soft_targets=True,
                )
        elif beyond or (math.isfinite(low) and math.isfinite(high) and (lowest == low or highest == high)):
            inside = {"target_scale": "inside"} if a in ("logistic", "tanh") else {"target_scale": "unit"}
            named = a in ("logistic", "tanh", "relu", "softplus", "exponential", "elu", "selu", "gelu", "silu")
            yield finding(
                "target range",
                "problem" if beyond else "warning",
                f"{reach} " + (f"lie between {low:g} and {high:g}." if beyond else "never quite reach the ends."),
                "Targets out of reach leave an error that no weights remove, and drive the units into saturation.",
                "Scale the targets into reach, or use --output-activation identity.",
                **(inside if named else {"output_activation": "identity"}),
            )


OUTPUT_CHECKS = (
    Check(hidden_activations, "The hidden activations can learn.", "plan"),
    Check(output_and_loss, "Output activation, loss and task fit each other.", "plan"),
    Check(target_range, "The outputs can reach the targets without saturating.", "setup"),
)
