"""Ridge regression has a closed form, so it shows which J a training really minimises."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

N, DECAY = 20, 5.0
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 1))
Y = 2 * X + 0.3 * RNG.normal(size=(N, 1))


def closed_form(reduction):
    """w that minimises r/2 * sum (w x - y)^2 + lambda/2 w^2, with r = 1 for the sum and 1/N for the mean."""
    r = 1 if reduction == "sum" else 1 / N
    return r * (X.T @ Y).item() / (r * (X.T @ X).item() + DECAY)


@pytest.mark.parametrize("batch_size", ["all", 7, 1])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_every_batch_size_minimises_the_same_cost(reduction, batch_size):
    network = cr.Network.dense([1, 1], "identity", bias=False, init="zeros")
    rate = 1e-3 if reduction == "sum" else 2e-2
    state = cr.fit(
        network, X, Y, reduction=reduction, weight_decay=DECAY, batch_size=batch_size, learning_rate=rate,
        update="gradient_descent", schedule="cosine", epochs=2000,
    )  # fmt: skip
    w = float(state.network.weights[1][0, 0])
    # Incremental training hovers around the minimum by about the learning rate; the cosine lets that go to 0.
    assert w == pytest.approx(closed_form(reduction), rel=2e-2)
    assert abs(w) > 0.1
    J = cr.cost(state.network, cr.forward(state.network, X), Y, reduction=reduction, weight_decay=DECAY)
    assert state.history[-1].cost == pytest.approx(J, rel=1e-3)
