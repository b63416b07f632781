"""The doctor on a network that is stuck: its cost has settled far above what can be reached with these rows.

What can be reached is known where equal inputs come back, as in a truth table: the mean target of each. Elsewhere a
straight line through the rows reaches at least what it reaches. Both are measured by squared errors of the outputs,
which every loss that is not an oddity has its minimum in common with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule.core.network import Layer, Network
from chainrule.core.passes import forward
from chainrule.data.columns import count
from chainrule.models.doctor.findings import Finding, finding
from chainrule.models.doctor.network import SATURATED
from chainrule.models.doctor.outputs import head
from chainrule.models.model import Model
from chainrule.training.plan import DEFAULT_LEARNING_RATES

MOST_ROWS = 2000
STILL_FALLING = 0.05  # in the last tenth of the epochs, as in `trained.epochs`
FEWEST_EPOCHS = 20
FEW_CASES, REPEATS = 16, 8  # different inputs that make a table of cases, or how often each comes back on average
CASES_LEFT, LINE_LEFT = 0.15, 0.5  # shares of what can be reached that are not, from which a network is stuck
LEAST_LINE = 0.2  # R2 of a straight line, adjusted for its columns, that is no accident
LARGE_DECAY = 0.01
CAN_DIE = ("relu",)
SAME = 0.02  # outputs that are so close, in shares of the targets' range, are the same


class Reach(NamedTuple):
    """Mean squared errors: of the outputs, of the best constant, and of what can be reached; and how that is known."""

    error: float
    constant: float
    reachable: float
    cases: bool

    @property
    def left(self) -> float:
        """The share of what can be reached that is not."""
        return (self.error - self.reachable) / (self.constant - self.reachable)


def stuck(model: Model) -> Iterator[Finding]:
    """Look at the error, and see whether what is left of it is what nobody could learn."""
    if model.learned is None or not _settled(model):
        return
    chosen = slice(None, None, max(1, len(model.learned.X) // MOST_ROWS))
    X, Y = (np.asarray(M[chosen], dtype=np.float64) for M in (model.learned.X, model.learned.Y))
    s = model.learned.weights
    s = np.ones(len(X)) if s is None else np.asarray(s[chosen], dtype=np.float64)
    with np.errstate(all="ignore"):
        record = forward(model.network.astype("float64"), X)
    A = record.output
    reach = _reach(model, X, Y, A, s) if np.isfinite(A).all() else None
    if reach is None or reach.left <= (CASES_LEFT if reach.cases else LINE_LEFT):
        return
    remedy, options = _remedy(model, reach, [np.asarray(a) for a in record.a], Y)
    known = "these inputs decide their targets" if reach.cases else "a straight line through the rows does better"
    yield finding(
        "stuck",
        "warning",
        f"After {count(len(model.history), 'epoch')} the cost stays at {model.history[-1].cost:.4g}, though {known}. "
        f"{_same_answers(A, Y, X)}",
        "Where it has come to, no small step lowers the cost, or only very slowly: going on will not help.",
        remedy,
        **options,
    )


def _settled(model: Model) -> bool:
    """Whether the training cost no longer falls."""
    costs = np.array([row.cost for row in model.history])
    if model.provenance.stopped.startswith("converged"):
        return True
    if len(costs) < FEWEST_EPOCHS or not np.isfinite(costs).all():
        return False
    tenth = max(1, len(costs) // 10)
    return bool(costs[-tenth:].mean() >= (1 - STILL_FALLING) * costs[-2 * tenth : -tenth].mean())


def _reach(model: Model, X: np.ndarray, Y: np.ndarray, A: np.ndarray, s: np.ndarray) -> Reach | None:
    """What the network reached and what it could; None where that is not known."""

    def error(of: np.ndarray) -> float:
        return float(np.average(((of - Y) ** 2).sum(axis=1), weights=s))

    constant = error(np.broadcast_to(np.average(Y, axis=0, weights=s), Y.shape))
    if constant <= 1e-12:
        return None
    cases, which = np.unique(X, axis=0, return_inverse=True)
    which = which.ravel()
    whole = "train" in model.parts and model.parts["train"].whole
    few = whole or len(cases) <= FEW_CASES or len(X) >= REPEATS * len(cases)
    if few and (_is_straight(model.network) or model.network.n_parameters >= len(cases)):
        totals = np.bincount(which, weights=s)
        means = np.stack([np.bincount(which, weights=s * y) / totals for y in Y.T], axis=1)
        floor = error(means[which])
        return Reach(error(A), constant, floor, True) if constant - floor > LEAST_LINE * constant else None
    columns = np.column_stack([np.ones(len(X)), X])
    root = np.sqrt(s)[:, None]
    line = columns @ np.linalg.lstsq(columns * root, Y * root, rcond=None)[0]
    free = len(X) - np.linalg.matrix_rank(columns)
    adjusted = error(line) * (len(X) - 1) / free if free > 0 else constant
    return Reach(error(A), constant, adjusted, False) if constant - adjusted > LEAST_LINE * constant else None


def _same_answers(A: np.ndarray, Y: np.ndarray, X: np.ndarray) -> str:
    """Say which rows get the same output though their targets differ."""
    near = SAME * float(np.ptp(Y))
    if np.ptp(A, axis=0).max() <= near:
        return f"Every row gets the same output, {_written(A.mean(axis=0))}."
    best: np.ndarray = np.array([], dtype=int)
    for row in range(min(len(A), 200)):
        alike = np.flatnonzero(np.abs(A - A[row]).max(axis=1) <= near)
        if len(alike) > len(best) and np.ptp(Y[alike], axis=0).max() > near and np.ptp(X[alike], axis=0).max() > 0:
            best = alike
    if len(best) < 2:
        return "Its outputs miss too many of the targets."
    return (
        f"{len(best)} of {len(A)} training rows with different targets get the same output, "
        f"{_written(A[best].mean(axis=0))}."
    )


def _written(outputs: np.ndarray) -> str:
    shown = ", ".join(f"{a:.2g}" for a in outputs[:4]) + ", ..." * (len(outputs) > 4)
    return shown if len(outputs) == 1 else f"({shown})"


def _remedy(model: Model, reach: Reach, a: list[np.ndarray], Y: np.ndarray) -> tuple[str, dict[str, object]]:
    """What may help, from the surest cause to the last resort."""
    plan, network = model.plan, model.network
    kinds = {head(layer.activation) for layer in network.layers[:-1]}
    if reach.cases and _is_straight(network):
        what = "No straight line makes these targets. Give the network a hidden layer that bends."
        return what, {"hidden": plan.hidden or (4,), "activation": ("tanh",), "starts": 5}
    twins = next((l for l, A in enumerate(a[1:-1], start=1) if A.shape[1] > 1 and _all_alike(network, l)), 0)
    if twins:
        return f"The units of layer {twins} are copies of each other. Start from random weights.", {"init": "auto"}
    fused = {"logistic": "logistic_binary_cross_entropy", "softmax": "softmax_categorical_cross_entropy"}
    output = head(network.layers[-1].activation)
    wrong = np.abs(a[-1] - Y).max(axis=1) > 0.9
    if output in fused and model.task == "classification" and str(plan.loss) != fused[output] and wrong.mean() > 0.1:
        what = "Outputs are saturated on the wrong side, with almost no slope. A cross-entropy pulls them back."
        return what, {"loss": fused[output]}
    usual = _usual_rate(model)
    if plan.solver == "descent" and plan.eta < usual and _moved_little(model):
        return "The steps are tiny. Use a larger learning rate.", {"learning_rate": usual}
    if plan.weight_decay >= LARGE_DECAY:
        lighter = min(plan.weight_decay / 100, LARGE_DECAY / 10)
        return "The weight decay holds the weights down. Make it smaller.", {"weight_decay": lighter}
    lost = [_lost(layer, A) for layer, A in zip(network.layers[:-1], a[1:-1], strict=True)]
    if lost and max(lost) >= 0.5:
        dies = bool(kinds & set(CAN_DIE))
        options: dict[str, object] = {"activation": ("leaky_relu",)} if dies else {}
        options |= {"init": "auto"} if plan.init != "auto" else {}
        options |= {"learning_rate": usual} if plan.solver == "descent" and plan.eta > usual else {}
        most = f"{max(lost):.0%} of the units of layer {lost.index(max(lost)) + 1} have no slope"
        if options:
            return f"{most}: start from smaller weights, take smaller steps, or use leaky_relu.", options
    more = max(10, 3 * plan.starts)
    what = f"Train from several random starts and keep the best{', or use more hidden units' if plan.hidden else ''}."
    return what, {"starts": more}


def _is_straight(network: Network) -> bool:
    """Whether nothing before the output bends: such a network draws one straight line."""
    return all(head(layer.activation) == "identity" for layer in network.layers[:-1])


def _all_alike(network: Network, l: int) -> bool:
    W = np.asarray(network.layers[l - 1].weights)
    return bool(np.abs(W - W[:, :1]).max() <= 1e-6 * max(1.0, float(np.abs(W).max())))


def _lost(layer: Layer, A: np.ndarray) -> float:
    """The share of a layer's activations where it has hardly any slope."""
    name = head(layer.activation)
    if name in CAN_DIE:
        return float((A <= 0).all(axis=0).mean())
    if name not in SATURATED:
        return 0.0
    low, high = SATURATED[name]
    return float(((A < low) | (A > high)).mean())


def _usual_rate(model: Model) -> float:
    """The learning rate that most networks start well with, for this update rule."""
    rule = model.plan.update
    name = rule if isinstance(rule, str) else rule.name
    return DEFAULT_LEARNING_RATES.get(name.partition("(")[0], 0.01)


def _moved_little(model: Model) -> bool:
    """Whether the learning rate, times the largest gradient, times the steps, could not have moved the weights far."""
    norms = np.array([row.gradient_norm for row in model.history])
    learned = model.learned
    assert learned is not None
    size = len(learned.X) if model.plan.batch_size == "all" else min(model.plan.batch_size, len(learned.X))
    steps = len(norms) * -(-len(learned.X) // size)
    rule = model.plan.update
    name = rule if isinstance(rule, str) else rule.name
    by_sign = name.partition("(")[0] in ("adam", "adamw", "rmsprop", "rprop")  # whose steps are about eta long
    return bool(model.plan.eta * steps * (1.0 if by_sign else float(np.nanmax(norms))) < 1.0)
