"""The doctor's checks of the network and its training: weight ranges, layer sizes, learning rates.

Seed 004: "check that all your layer sizes, activation functions, activation ranges, weight ranges, learning rates, etc.
make sense in terms of each other".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.core.passes import forward
from chainrule.data.columns import count
from chainrule.models.doctor.findings import Finding, finding
from chainrule.models.doctor.outputs import head
from chainrule.models.doctor.patient import Check, Patient
from chainrule.models.setup import Setup
from chainrule.training.plan import DEFAULT_LEARNING_RATES

# |a| or a beyond which the derivative of the unit is less than a tenth of its largest value.
SATURATED = {"tanh": (-0.97, 0.97), "logistic": (0.03, 0.97)}
SATURATED_SHARE = 0.25
LARGE_SUM = 10.0
FADED = 1e-3

# Steps above these rarely settle with inputs and targets of size 1.
HIGHEST_RATES = {
    "gradient_descent": 10.0, "momentum": 1.0, "nesterov": 1.0, "rmsprop": 0.1, "adam": 0.1, "adamw": 0.1, "rprop": 1.0,
}  # fmt: skip
FEWEST_UPDATES = 100


def initial_weights(patient: Patient) -> Iterator[Finding]:
    """All initial weights should be relatively small: [-0.1 0.1]."""
    setup = patient.setup
    assert setup is not None
    network = setup.training().start.network.astype("float64")
    hidden = network.layers[:-1]
    if not hidden:
        return
    for number, layer in enumerate(hidden, start=1):
        if layer.fan_out > 1 and bool((layer.weights == layer.weights[:, :1]).all()):
            yield finding(
                "initial weights",
                "problem",
                f"The {layer.fan_out} units of layer {number} start with the same weights (init {setup.plan.init}).",
                "Units that start alike get the same gradient and stay alike: the layer works as a single unit.",
                "Start from small random weights.",
                init="auto",
            )
            return
    train = setup.split.train
    X = setup.encoding.encode_inputs(setup.table, train[:: max(1, len(train) // 1000)])
    with np.errstate(all="ignore"):
        record = forward(network, X)
    remedy = _calmer(setup, X)
    for number, layer in enumerate(hidden, start=1):
        A, Z, name = np.asarray(record.a[number]), np.asarray(record.z[number]), head(layer.activation)
        low, high = SATURATED.get(name, (-math.inf, math.inf))
        share = float(np.mean((A < low) | (A > high)))
        size = float(np.sqrt(np.mean(np.minimum(np.abs(Z), 1e100) ** 2)))
        if share > SATURATED_SHARE or (name not in SATURATED and size > LARGE_SUM):
            large = name not in SATURATED
            detail = (
                f"the sums that enter layer {number} are of size {size:.3g}"
                if large
                else f"{share:.0%} of the {name} activations of layer {number} are outside [{low:g}, {high:g}]"
            )
            yield finding(
                "initial weights",
                "problem" if share > 0.5 or size > 10 * LARGE_SUM else "warning",
                f"Before training, {detail} (init {setup.plan.init}, {count(layer.fan_in, 'input')} a unit).",
                "Where sums are large, activations hardly change and derivatives are near 0, or steps are far too big.",
                "Start from smaller weights" + (", and scale the inputs." if "scale" in remedy else "."),
                **remedy,
            )
            return
    last = np.asarray(record.a[-2])
    if len(hidden) > 2 and setup.plan.init != "auto" and float(last.std(axis=0).max()) < FADED < float(X.std()):
        yield finding(
            "initial weights",
            "hint",
            f"Before training, the last hidden layer differs between examples by {last.std(axis=0).max():.1g} only.",
            "Very small weights make the signal, and the error on its way back, fade from layer to layer.",
            "Let the width of each layer decide its weights.",
            init="auto",
        )


def _calmer(setup: Setup, X: np.ndarray) -> dict[str, Any]:
    """Return the options that make the first sums small: the inputs' scale where it is to blame, else the weights'."""
    options: dict[str, Any] = {} if setup.plan.init == "auto" else {"init": "auto"}
    if setup.encoding_plan.scale == "none" and float(np.abs(X).max()) > 3:
        options["scale"] = "standard"
    return options or {"init": "uniform(-0.1,0.1)"}


def network_size(patient: Patient) -> Iterator[Finding]:
    """Only add as many hidden layers and hidden nodes as necessary: more weights to learn, more over-specialization."""
    setup = patient.setup
    assert setup is not None
    plan, rows, outputs = setup.plan, len(setup.split.train), setup.encoding.n_outputs
    held = plan.weight_decay > 0 or any(plan.dropout) or plan.bayes
    if held or (plan.patience is not None and len(setup.split.validation)):
        return
    weights = sum(int(p.size) for p in setup.network(np.random.default_rng(0)).trainable_parameters)
    given = rows * outputs
    if weights <= given:
        return
    fitting = (given - outputs) // (setup.encoding.n_inputs + 1 + outputs)
    fewer = f"fewer hidden units (--hidden {fitting})" if plan.hidden and fitting >= 2 else ""
    targets = count(given, "target number")
    yield finding(
        "network size",
        "warning" if weights > 5 * given else "hint",
        f"{count(weights, 'weight')} for {count(rows, 'training row')} with {targets}.",
        "With more weights than numbers to fit, a network can learn its examples by heart.",
        "Hold the weights back; or use "
        + (f"{fewer}, or " if fewer else "")
        + ("--dropout 0.2, or " if plan.hidden else "")
        + "--patience 20, which stops in time.",
        weight_decay=0.01,
    )


def learning_rate(patient: Patient) -> Iterator[Finding]:
    """Learning rates must make sense in terms of everything else."""
    plan, rule = patient.plan, head(patient.plan.update)
    if plan.learning_rate is None or rule not in HIGHEST_RATES:
        return
    default = DEFAULT_LEARNING_RATES[rule]
    # A sum of many gradients is as long as their number; rules that divide by the gradient's size do not care.
    summed = plan.reduction == "sum" and rule in ("gradient_descent", "momentum", "nesterov")
    rows = len(patient.setup.split.train) if patient.setup is not None else 0
    batch = rows if plan.batch_size == "all" else min(plan.batch_size, rows) if rows else plan.batch_size
    factor = max(batch, 1) if summed else 1
    # The sum over a truth table's few rows is how the seeds train.
    if plan.eta * factor > HIGHEST_RATES[rule] * (10 if patient.whole and summed else 1):
        what = f"The learning rate is {plan.eta:g} with {rule}"
        options: dict[str, Any] = {"learning_rate": default}
        if factor > 1:
            what += f", on the sum of {factor:,} gradients"
            options["reduction"] = "mean"
        yield finding(
            "learning rate",
            "warning",
            f"{what}.",
            "Steps that are too long jump over the valley: the cost goes up and down, or grows without end.",
            f"Use a rate near {default:g}.",
            **options,
        )
    updates = _updates(patient)
    if rule in ("adam", "adamw", "rmsprop") and updates is not None and plan.eta * updates < 0.1:
        yield finding(
            "learning rate",
            "warning",
            f"The learning rate is {plan.eta:g} with {rule}, for {count(updates, 'update')}.",
            f"With {rule} no weight can move much farther than their product, {plan.eta * updates:.2g}.",
            f"Use a rate near {default:g}.",
            learning_rate=default,
        )


def updates(patient: Patient) -> Iterator[Finding]:
    """Training needs enough updates; a batch cannot be larger than the training part."""
    setup = patient.setup
    assert setup is not None
    plan, rows = patient.plan, len(setup.split.train)
    if plan.solver != "descent":
        return  # its updates are few and long
    total = _updates(patient)
    if total is not None and total < FEWEST_UPDATES:
        yield finding(
            "updates",
            "hint",
            f"{count(plan.epochs, 'epoch')} of {count(total // plan.epochs, 'update')} make {total} in all.",
            "Each update moves the weights by one small step; a hundred is few.",
            "Train longer, or with smaller batches.",
            epochs=math.ceil(2 * FEWEST_UPDATES / (total // plan.epochs)),
        )
    if plan.batch_size != "all" and plan.batch_size > max(rows, 32):
        yield finding(
            "updates",
            "hint",
            f"The batch size is {plan.batch_size:,}, but there are {count(rows, 'training row')}.",
            "Every epoch is then a single update with all rows.",
            "Say so, or use smaller batches.",
            batch_size="all",
        )


def _updates(patient: Patient) -> int | None:
    if patient.setup is None:
        return None
    size = patient.plan.batch_size
    return patient.plan.epochs * (1 if size == "all" else -(-len(patient.setup.split.train) // size))


def patience(patient: Patient) -> Iterator[Finding]:
    """Over-training shows only on rows that were not trained on."""
    plan = patient.plan
    if plan.patience is not None and patient.encoding_plan.validation == 0:
        yield finding(
            "patience",
            "warning",
            f"patience is {plan.patience}, but no validation rows are kept.",
            "The training cost goes on falling while the network learns its examples by heart, so nothing stops it.",
            "Keep a part of the rows for validation.",
            validation=0.2,
        )


def bias(patient: Patient) -> Iterator[Finding]:
    """Bias nodes can be helpful for complicated data sets."""
    if patient.plan.bias == "none":
        yield finding(
            "bias",
            "hint",
            "The network has no biases.",
            "Every unit's border then goes through the origin: for an input of zeros its sum is 0, whatever it learns.",
            "Bias nodes can be helpful for complicated data.",
            bias="vector",
        )


NETWORK_CHECKS = (
    Check(initial_weights, "The initial weights leave the hidden units where they can learn.", "setup"),
    Check(network_size, "The examples outnumber the weights, or the weights are held back.", "setup", parts=True),
    Check(learning_rate, "The learning rate is in proportion.", "plan"),
    Check(updates, "There are enough updates, and batches fit the rows.", "setup"),
    Check(patience, "Patience has rows to watch, or is not asked for.", "plan", parts=True),
    Check(bias, "The units have biases.", "plan"),
)
