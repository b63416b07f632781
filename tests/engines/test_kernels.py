"""What the kernel is handed: how many cores, which networks suit it, and that it watches the rows it is given."""

import os

import numpy as np
import pytest
from engine_equality import a_task

import chainrule as cr
from chainrule.core.jacobians import layer_jacobians
from chainrule.core.network import Network
from chainrule.engines import compiled, derivatives, kernels
from chainrule.options import MOST_THREADS

built = pytest.mark.skipif(kernels.kernel() is None, reason="the kernel was not built")


def test_the_cores_are_those_that_this_process_may_use(monkeypatch):
    allowed = {0: {2, 3, 7}, 1: {0}}
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: allowed[process], raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert kernels.cores() == 3
    allowed[0] = set(range(10 * MOST_THREADS))
    assert kernels.cores() == MOST_THREADS
    monkeypatch.delattr(os, "sched_getaffinity")
    assert kernels.cores() == min(64, MOST_THREADS)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert kernels.cores() == 1


@built
def test_which_arrays_suit():
    net, X = Network.dense([3, 2], "tanh", seed=0), np.ones((4, 3))
    assert kernels.suits(net, X)
    assert kernels.suits(net, X[:1])
    assert kernels.suits(net.astype("float32"), X.astype("float32"))
    for other in (X[:0], X[:, :2], X[0], X[None], X.astype("float32"), X.astype(int), X.tolist()):
        assert not kernels.suits(net, other)


@built
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_rows_that_are_watched_are_measured(dtype, decay):
    """Cost and accuracy after each epoch, as the core measures them."""
    work, net = a_task((3, 4, 2), dtype=dtype, classify=True, weight_decay=decay, N=20)
    rows, _ = a_task((3, 4, 2), dtype=dtype, classify=True, weight_decay=decay, N=9, seed=4)
    for epochs in (1, 3):
        job = compiled.Job(work, net, work.rule.init(net.trainable_parameters), np.random.default_rng(1),
                           np.full((epochs, 5), 0.1), compiled.Watch(rows))  # fmt: skip
        (outcome,), _ = compiled.run_all([job])
        record = cr.forward(outcome.network, rows.X)
        cost, accuracy = outcome.epochs[-1, 3:5]
        wanted = cr.cost(outcome.network, record, rows.Y, weight_decay=decay)
        assert cost == pytest.approx(wanted, rel=1e-5 if dtype == "float32" else 1e-12)
        assert accuracy == (record.output.argmax(axis=1) == rows.Y.argmax(axis=1)).mean()
        assert outcome.watched_cost == outcome.epochs[:, 3].min()


def test_the_jacobians_of_a_record_with_masks_are_those_of_the_masked_network():
    net, X = Network.dense([3, 4, 2], "tanh", seed=0), np.random.default_rng(0).normal(size=(5, 3))
    mask = np.array([2.0, 0.0, 2.0, 0.0]) * np.ones((5, 1))
    record = cr.forward(net, X, [mask])
    found = derivatives.layer_jacobians(net, record, 0, 2)
    np.testing.assert_allclose(found, layer_jacobians(net, record, 0, 2), rtol=1e-12)
    alone = Network.dense([3, 2, 2], "tanh", weights=[net.weights[1][:, ::2], 2 * net.weights[2][::2]])
    np.testing.assert_allclose(found, layer_jacobians(alone, cr.forward(alone, X), 0, 2), rtol=1e-12)
