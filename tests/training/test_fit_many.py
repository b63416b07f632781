"""Many networks in one call of `fit_many`."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UsageError

X = np.random.default_rng(0).standard_normal((30, 3))
Y = np.sin(X[:, :2])


def networks(n, dtype="float64", **settings):
    return [cr.Network.dense([3, 5, 2], ["tanh", "identity"], seed=seed, dtype=dtype, **settings) for seed in range(n)]


@pytest.mark.matrix(4)
@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"validation": (X[:7], Y[:7]), "patience": 3}, {"dropout": 0.2}])
def test_each_has_the_bits_that_it_has_alone(engine, dtype, options):
    options = {"epochs": 20, "batch_size": 4, "learning_rate": 0.02, "engine": engine, **options}
    nets = networks(5, dtype)
    together = cr.fit_many(nets, X, Y, seed=3, **options)
    for k, (state, net) in enumerate(zip(together, nets, strict=True)):
        alone = cr.fit(net, X, Y, seed=3 + k, **options)
        assert state.stopped == alone.stopped
        assert state.best_epoch == alone.best_epoch
        for one, other in zip(state.best_network.parameters, alone.best_network.parameters, strict=True):
            assert one.tobytes() == other.tobytes()
        assert state.history.table[:, :7].tobytes() == alone.history.table[:, :7].tobytes()
        assert not np.array_equal(state.network.weights[1], net.weights[1])


def test_one_that_diverges_leaves_the_others_alone():
    nets = networks(3)
    spoilt = [nets[0], nets[1].with_parameters([1e200 * p for p in nets[1].parameters]), nets[2]]
    states = cr.fit_many(spoilt, X, Y, epochs=5, batch_size="all", update="gradient_descent")
    assert [state.stopped for state in states] == ["all epochs run", "diverged", "all epochs run"]
    assert states[1].epoch == 0


def test_refusals():
    with pytest.raises(UsageError, match="at least one network"):
        cr.fit_many([], X, Y)
    with pytest.raises(UsageError, match="network 1 is <Network 3-4-2"):
        cr.fit_many([*networks(1), cr.Network.dense([3, 4, 2])], X, Y)
    with pytest.raises(UsageError, match="has no effect here"):
        cr.fit_many(networks(1), X, Y, hidden=3)
