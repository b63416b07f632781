"""Training written a second time, from the papers and with another layout, to compare the engines with.

Examples are columns. M[l] has a row for each unit of layer l and a column for each unit before it, the bias first
(where there is one), so nothing here has the shape that it has in the package.
"""

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass
class PlainPlan:
    """What a plain training is told; the fields mean what the package's own mean."""

    rule: str
    output: str  # "softmax" with cross-entropy, or "logistic" with half the squared error
    hidden: str = "tanh"
    reduction: str = "mean"
    batch_size: int = 4
    weight_decay: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    sample_weight: np.ndarray | None = None
    frozen: tuple = ()
    biases: bool = True
    dropout: tuple = ()  # the share left out of each hidden layer
    random: np.random.Generator | None = None  # draws the masks
    memory: dict = field(default_factory=dict)


def squash(name, z):
    if name == "tanh":
        return np.sinh(z) / np.cosh(z)
    if name == "softmax":
        return np.stack([np.exp(column) / sum(math.exp(v) for v in column) for column in z.T], axis=1)
    return 1 / (1 + np.exp(-z))


def slope(name, a):
    return 1 - a**2 if name == "tanh" else a - a**2


def with_ones(plan, a):
    return np.concatenate([np.ones((1, a.shape[1])), a]) if plan.biases else a


def outputs(plan, matrices, x, kept):
    """What each layer hands on; `kept` holds what the inputs and each layer are multiplied by."""
    values = [x]
    for l, M in enumerate(matrices, start=1):
        name = plan.output if l == len(matrices) else plan.hidden
        values.append(squash(name, M @ with_ones(plan, values[-1])) * kept[l])
    return values


def draw_kept(plan, matrices, n):
    """0 for a unit that is left out, and else the factor that makes up for those that are."""
    kept = [1.0] * (len(matrices) + 1)
    for l, p in enumerate(plan.dropout, start=1):
        if p > 0:
            draws = plan.random.random((n, len(matrices[l - 1])), dtype=np.float32)
            kept[l] = np.array([[0 if u < np.float32(p) else 1 / (1 - p) for u in row] for row in draws]).T
    return kept


def costs(plan, out, y):
    if plan.output == "softmax":
        return -np.log(np.sum(out * y, axis=0))  # y holds a single 1
    return ((out - y) ** 2).sum(axis=0) / 2


def data_gradients(plan, matrices, x, y, share, kept):
    """The derivative of sum_n share_n C_n for every matrix."""
    values = outputs(plan, matrices, x, kept)
    out = values[-1]
    error = (out - y) if plan.output == "softmax" else (out - y) * slope("logistic", out)
    found = [None] * len(matrices)
    for l in range(len(matrices) - 1, -1, -1):
        found[l] = np.einsum("n,kn,in->ki", share, error, with_ones(plan, values[l]))
        if l:
            before = squash(plan.hidden, matrices[l - 1] @ with_ones(plan, values[l - 1]))
            error = (matrices[l][:, plan.biases :].T @ error) * kept[l] * slope(plan.hidden, before)
    return found


def without_biases(plan, M):
    M = M.copy()
    if plan.biases:
        M[:, 0] = 0
    return M


def change(plan, l, g, M, eta):
    """What one update adds to a matrix, by the rules' papers."""
    memory = plan.memory.setdefault(l, {"t": 0, "a": np.zeros_like(g), "b": np.zeros_like(g)})
    memory["t"] += 1
    t = memory["t"]
    if plan.rule == "gradient_descent":
        return -eta * g
    if plan.rule in ("momentum", "nesterov"):
        before = memory["a"]
        memory["a"] = v = 0.9 * before - eta * g
        return v if plan.rule == "momentum" else 1.9 * v - 0.9 * before
    if plan.rule == "rmsprop":
        memory["a"] = memory["a"] + 0.1 * (g**2 - memory["a"])
        return -eta * g / (memory["a"] ** 0.5 + 1e-8)
    if plan.rule in ("adam", "adamw"):
        # The form at the end of section 2 of Kingma and Ba: both corrections in the step.
        memory["a"] = memory["a"] + (1 - 0.9) * (g - memory["a"])
        memory["b"] = memory["b"] + (1 - 0.999) * (g**2 - memory["b"])
        root = math.sqrt(1 - 0.999**t)
        adam = -eta * root / (1 - 0.9**t) * memory["a"] / (np.sqrt(memory["b"]) + 1e-8 * root)
        return adam - (eta * plan.weight_decay * without_biases(plan, M) if plan.rule == "adamw" else 0)
    assert plan.rule == "rprop"
    if t == 1:
        memory["b"] = np.ones_like(g)
    result = np.zeros_like(g)
    for place in np.ndindex(g.shape):
        now, before, step = g[place], memory["a"][place], memory["b"][place]
        if now * before > 0:
            step = min(step * 1.2, 50.0)
        elif now * before < 0:
            step, now = max(step * 0.5, 1e-6), 0.0
        memory["a"][place], memory["b"][place] = now, step
        result[place] = -eta * step * (int(now > 0) - int(now < 0))
    return result


def plain_epoch(plan, matrices, X, Y, order, rates, on_update=None):
    """One epoch; returns the new matrices and the epoch's cost, accuracy and largest gradient norm.

    `on_update` is told of each update: the rows that it took, and the matrices before and after it.
    """
    N = len(X)
    s = np.ones(N) if plan.sample_weight is None else plan.sample_weight
    cost, right, largest = 0.0, 0, 0.0
    for batch, start in enumerate(range(0, N, plan.batch_size)):
        rows = order[start : start + plan.batch_size]
        x, y = X[rows].T, Y[rows].T
        # The mean weighs each example against all of them: s_n / (mean of s) / (examples in this batch).
        share = s[rows] / (s.mean() * len(rows)) if plan.reduction == "mean" else s[rows]
        # The batches of an epoch add up to J, so a sum gives each its share of the decay.
        decay = 0.0 if plan.rule == "adamw" else plan.weight_decay
        decay *= len(rows) / N if plan.reduction == "sum" else 1
        squares = sum((without_biases(plan, M) ** 2).sum() for M in matrices)
        kept = draw_kept(plan, matrices, len(rows))
        out = outputs(plan, matrices, x, kept)[-1]
        data = (share * costs(plan, out, y)).sum()
        cost += (data + decay / 2 * squares) * (len(rows) / N if plan.reduction == "mean" else 1)
        if len(out) == 1:
            right += int(sum((out[0] > 0.5) == (y[0] > 0.5)))
        else:
            right += int(sum(np.argmax(out, axis=0) == np.argmax(y, axis=0)))

        gradients = data_gradients(plan, matrices, x, y, share, kept)
        gradients = [g + decay * without_biases(plan, M) for g, M in zip(gradients, matrices, strict=True)]
        learning = [l for l in range(len(matrices)) if l + 1 not in plan.frozen]
        largest = max(largest, math.sqrt(sum((gradients[l] ** 2).sum() for l in learning)))
        if plan.clip_value is not None:
            gradients = [np.minimum(np.maximum(g, -plan.clip_value), plan.clip_value) for g in gradients]
        if plan.clip_norm is not None:
            norm = math.sqrt(sum((gradients[l] ** 2).sum() for l in learning))
            gradients = [g * (min(1, plan.clip_norm / norm) if norm else 1) for g in gradients]
        before, matrices = (
            matrices,
            [
                M + change(plan, l, gradients[l], M, rates[batch]) if l in learning else M
                for l, M in enumerate(matrices)
            ],
        )
        if on_update is not None:
            on_update(rows, before, matrices)
    return matrices, cost, right / N, largest
