"""L-BFGS against scipy's own on a cost written again, and its recursion against the matrix it stands for."""

import math
import sys

import array_api_strict as strict
import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from scipy.optimize import minimize

import chainrule as cr
from chainrule.core.catalogue import loss_named
from chainrule.core.network import Network
from chainrule.core.update_rules import update_rule_named
from chainrule.engines.lbfgs import direction, step_taken
from chainrule.engines.solvers import solver_named
from chainrule.engines.work import NotFiniteError, Work
from chainrule.errors import UsageError

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (40, 2))
Y = np.sin(3 * X[:, :1]) * X[:, 1:] + 0.05 * RNG.normal(size=(40, 1))
LABELS = (X[:, 0] > X[:, 1]).astype(int) + (X[:, 0] > 0.5)


def small(output="identity", sizes=(2, 4, 1), **options):
    return Network.dense(sizes, ["tanh", output], seed=1, **options)


def work_on(X, Y, loss="half_squared_error", **settings):
    weights = settings.pop("sample_weight", None)
    return Work(X, Y, weights, loss_named(loss), update_rule_named("adam"), X.shape[0], **settings)


def steps(work, network, epochs, name="lbfgs", state=None):
    """Run the engine on its own."""
    solver = solver_named(name)
    state = solver.init(network.trainable_parameters) if state is None else state
    return solver.run(work, network, state, None, np.full((epochs, 1), math.nan))


def flat(network):
    return np.concatenate([p.ravel() for p in network.trainable_parameters])


def plain_cost(w, sizes, output, Y, weight_decay):
    """J of a network with one hidden layer of tanh, written again; weights only are decayed."""
    i, h, o = sizes
    W1, b1 = anp.reshape(w[: i * h], (i, h)), w[i * h : i * h + h]
    W2, b2 = anp.reshape(w[i * h + h : i * h + h + h * o], (h, o)), w[i * h + h + h * o :]
    Z = anp.dot(anp.tanh(anp.dot(X, W1) + b1), W2) + b2
    if output == "softmax":
        C = anp.log(anp.sum(anp.exp(Z), axis=1)) - anp.sum(Z * Y, axis=1)
    else:
        C = anp.sum((Z - Y) ** 2, axis=1) / 2
    return anp.mean(C) + weight_decay / 2 * (anp.sum(W1**2) + anp.sum(W2**2))


@pytest.mark.parametrize(
    ("output", "sizes", "loss"),
    [("identity", (2, 4, 1), "half_squared_error"), ("softmax", (2, 3, 3), "softmax_categorical_cross_entropy")],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_cost_is_that_of_scipys_own(output, sizes, loss, seed):
    T = np.eye(3)[LABELS] if output == "softmax" else Y
    network = Network.dense(sizes, ["tanh", output], seed=seed)
    arguments = (sizes, output, T, 0.01)
    by_scipy = minimize(
        plain_cost, flat(network), args=arguments, jac=autograd.grad(plain_cost), method="L-BFGS-B",
        options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    state = cr.fit(network, X, T, solver="lbfgs", loss=loss, weight_decay=0.01, epochs=2000)
    assert state.stopped == "converged: no step lowers the cost"
    assert state.history[-1].cost == pytest.approx(plain_cost(flat(state.network), *arguments), rel=1e-12)
    assert state.history[-1].cost == pytest.approx(by_scipy.fun, rel=1e-7)
    assert state.history[0].cost > 1.02 * by_scipy.fun
    assert state.epoch < 5 * by_scipy.nit  # and it takes steps as good


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, 40)], ids=["even", "weighted"])
def test_a_linear_network_ends_at_its_normal_equations(weights, reduction):
    s = np.ones(40) if weights is None else weights
    r = s / s.sum() if reduction == "mean" else s
    X1 = np.column_stack([X, np.ones(40)])
    exact = np.linalg.solve(X1.T @ (r[:, None] * X1) + 0.3 * np.diag([1, 1, 0]), X1.T @ (r[:, None] * Y))
    work = work_on(X, Y, sample_weight=weights, reduction=reduction, weight_decay=0.3)
    after = steps(work, Network.dense([2, 1], "identity", seed=0), 60).network
    np.testing.assert_allclose(flat(after), exact[:, 0], rtol=1e-6, atol=1e-8)


def test_the_recursion_is_the_bfgs_matrix():
    """H <- (I - rho s y^T) H (I - rho y s^T) + rho s s^T, from H = gamma I (Nocedal and Wright 2006, 6.17 and 7.20)."""
    curvature = np.diag([1.0, 4.0, 9.0, 16.0, 25.0])
    rng = np.random.default_rng(1)
    S = rng.normal(size=(3, 5))
    changes = S @ curvature
    g = rng.normal(size=5)
    H = np.eye(5) * (S[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for s, y in zip(S, changes, strict=True):
        rho = 1 / (s @ y)
        V = np.eye(5) - rho * np.outer(y, s)
        H = V.T @ H @ V + rho * np.outer(s, s)
    np.testing.assert_allclose(direction(g, S, changes), -H @ g, rtol=1e-12)


def test_without_memory_it_goes_downhill():
    g = np.array([3.0, -4.0])
    np.testing.assert_allclose(direction(g, np.empty((0, 2)), np.empty((0, 2))), [-0.6, 0.8])
    np.testing.assert_allclose(direction(0.01 * g, np.empty((0, 2)), np.empty((0, 2))), [-0.03, 0.04])


def test_every_epoch_lowers_the_cost_and_only_so_much_is_remembered():
    chunk = steps(work_on(X, Y), small(), 30, "lbfgs(4)")
    costs = [numbers.cost for numbers in chunk.epochs]
    assert costs == sorted(costs, reverse=True)
    assert chunk.rule_state.steps[0].shape == (4, 17)
    assert chunk.rule_state.pairs == 4
    other = steps(work_on(X, Y), small(), 30, "lbfgs(20)")
    assert other.rule_state.pairs == 20
    assert costs[:5] == [numbers.cost for numbers in other.epochs][:5]
    assert costs[-1] != other.epochs[-1].cost


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_chunk_of_epochs_is_the_epochs_one_by_one(dtype):
    network = small(dtype=dtype)
    work = work_on(X.astype(dtype), Y.astype(dtype))
    whole = steps(work, network, 12)
    state, costs = None, []
    for _ in range(12):
        chunk = steps(work, network, 1, state=state)
        network, state = chunk.network, chunk.rule_state
        costs.append(chunk.epochs[0].cost)
    assert costs == [numbers.cost for numbers in whole.epochs]
    assert all((a == b).all() for a, b in zip(network.parameters, whole.network.parameters, strict=True))
    assert network.weights[1].dtype == dtype
    exact = network.astype("float64")
    J = cr.cost(exact, cr.forward(exact, work.X.astype(np.float64)), work.Y.astype(np.float64))
    assert costs[-1] == pytest.approx(J, rel=1e-12)  # of the weights as they are stored


@pytest.mark.parametrize("loss", ["absolute_error", "quantile(0.9)", "huber(0.05)", "half_squared_error"])
def test_only_steps_along_which_the_slope_grew_are_remembered(loss):
    """s y > 0 keeps the matrix positive. Where a cost is a plane the gradient does not change, and s y is 0."""
    T = np.array([[2.0], [7.0], [30.0], [31.0]])
    for network, rows, targets in (
        (Network.dense([1, 1], "identity", bias=False, init="zeros"), np.ones((4, 1)), T), (small(), X, 5 * Y),
    ):  # fmt: skip
        work, state, most = work_on(rows, targets, loss), None, 0
        for _ in range(12):
            chunk = steps(work, network, 1, state=state)
            network, state = chunk.network, chunk.rule_state
            first = len(state.steps[0]) - state.pairs
            assert all(s @ y > 0 for s, y in zip(state.steps[0][first:], state.changes[0][first:], strict=True))
            most = max(most, state.pairs)
            if state.converged:
                break
        assert most > 0


def test_a_step_is_taken_again():
    """The weights move by `length` times the direction that so many pairs make of the gradient."""
    network, work = small(), work_on(X, Y, weight_decay=0.01)
    state = solver_named("lbfgs(3)").init(network.trainable_parameters)
    for epoch in range(6):
        taken = step_taken(work, network, state)
        assert taken.pairs == min(epoch, 3)
        grads = cr.backward(network, cr.forward(network, X), Y, weight_decay=0.01)
        g = np.concatenate([part.ravel() for part in grads.parameters])
        first = 3 - taken.pairs
        d = direction(g, state.steps[0][first:], state.changes[0][first:])
        chunk = steps(work, network, 1, "lbfgs(3)", state=state)
        np.testing.assert_allclose(flat(chunk.network) - flat(network), taken.length * d, rtol=1e-6, atol=1e-12)
        network, state = chunk.network, chunk.rule_state
    there = steps(work, network, 500, "lbfgs(3)", state=state)
    assert there.rule_state.converged
    assert step_taken(work, there.network, there.rule_state) == (0, 0.0)


def test_frozen_layers_stay():
    network = small(trainable=[False, True])
    chunk = steps(work_on(X, Y), network, 10)
    assert (chunk.network.weights[1] == network.weights[1]).all()
    assert chunk.epochs[-1].cost < chunk.epochs[0].cost


def test_numbers_of_an_epoch():
    network = small("softmax", (2, 4, 3))
    T, loss = np.eye(3)[LABELS], "softmax_categorical_cross_entropy"
    chunk = steps(work_on(X, T, loss, middle=0.5), network, 5)
    before = cr.backward(network, cr.forward(network, X), T, loss)
    norm = math.sqrt(sum(float((g**2).sum()) for g in before.parameters))
    assert chunk.epochs[0].gradient_norm == pytest.approx(norm)  # where the step began
    right = (cr.forward(chunk.network, X).output.argmax(axis=1) == LABELS).mean()
    assert chunk.epochs[-1].accuracy == pytest.approx(right)  # where it ended


def test_array_api_strict():
    network = small()
    theirs = network.with_parameters([strict.asarray(p) for p in network.parameters])
    ours, other = steps(work_on(X, Y), network, 5), steps(work_on(strict.asarray(X), strict.asarray(Y)), theirs, 5)
    assert ours.epochs == other.epochs
    assert isinstance(other.network.weights[1], type(strict.asarray(0.0)))


def test_a_cost_that_is_not_finite_at_the_start_is_named():
    network = Network.dense([2, 2, 1], ["exponential", "identity"], weights=[np.full((2, 2), 2e3), np.ones((2, 1))])
    with pytest.raises(NotFiniteError) as caught:
        steps(work_on(X, Y), network, 1)
    assert (caught.value.layer, caught.value.what) == (1, "activations")


def test_steps_that_overflow_are_shortened():
    network = Network.dense([2, 2, 1], ["exponential", "identity"], init="uniform(-3,3)", seed=0)
    costs = [numbers.cost for numbers in steps(work_on(X, 1e6 * Y), network, 20).epochs]
    assert costs == sorted(costs, reverse=True)
    assert np.isfinite(costs).all()


def test_without_scipy(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert cr.fit(small(), X, Y, solver="lbfgs", epochs=2).epoch == 2
    assert cr.fit(small(), X, Y, solver="lm", epochs=2).epoch == 2


@pytest.mark.parametrize("name", ["lbfgs(0)", "lbfgs(2.5)", "lbfgs(-1)"])
def test_bad_memory(name):
    with pytest.raises(UsageError, match=r"lbfgs\(memory\) needs a whole number from 1 to 1000"):
        solver_named(name)
