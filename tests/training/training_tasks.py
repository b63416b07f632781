"""Small tasks for the training loop's tests."""

import numpy as np

from chainrule.core.network import Network
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare


def classes(n=24, seed=0, noise=0.0):
    """Two inputs, three classes; `noise` is the share of labels that are drawn at random."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 2))
    labels = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 0] > 0.5)
    wrong = generator.random(n) < noise
    labels[wrong] = generator.integers(0, 3, wrong.sum())
    return X, np.eye(3)[labels]


def training(options=None, *, hidden=4, validation=True, start=0, noise=0.0, **more):
    """A training of a small classifier, in float64."""
    plan = TrainingPlan(hidden=hidden, dtype="float64", **{"batch_size": 5, "epochs": 12, **(options or {}), **more})
    X, Y = classes(noise=noise)
    generator = np.random.default_rng([plan.seed, start])
    trainable = [layer not in plan.frozen for layer in range(1, len(plan.hidden) + 2)]
    network = Network.dense([2, *plan.hidden, 3], [*plan.hidden_activations, "softmax"], trainable=trainable,
                            seed=generator)  # fmt: skip
    kept = classes(15, seed=1, noise=noise) if validation else None
    return prepare(plan, network, X, Y, loss="softmax_categorical_cross_entropy", validation=kept, middle=0.5,
                   generator=generator)  # fmt: skip


def same_bits(a, b):
    """Whether two networks hold the same numbers, bit for bit."""
    pairs = zip(a.parameters, b.parameters, strict=True)
    return all(np.asarray(p).tobytes() == np.asarray(q).tobytes() and p.dtype == q.dtype for p, q in pairs)


def without_seconds(history):
    """The history's numbers that do not depend on the clock."""
    return np.array([row[:-1] for row in history])
