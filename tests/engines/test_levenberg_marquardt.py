"""Levenberg-Marquardt against closed forms, against scipy, and its evidence against MacKay's formulas."""

import itertools
import math
from functools import partial

import array_api_strict as strict
import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.stats import multivariate_normal

import chainrule as cr
from chainrule.core.catalogue import Activation, loss_named
from chainrule.core.network import Network
from chainrule.core.update_rules import update_rule_named
from chainrule.engines import levenberg_marquardt as lm
from chainrule.engines import precisions
from chainrule.engines.solvers import solver_named
from chainrule.engines.work import NotFiniteError, Work
from chainrule.errors import DivergenceError, UsageError

RNG = np.random.default_rng(0)
SINE_X = np.sort(RNG.uniform(-1, 1, (40, 1)), axis=0)
SINE_Y = np.sin(4 * SINE_X) + 0.1 * RNG.normal(size=(40, 1))
CLASSES_X = RNG.normal(size=(30, 2))
CLASSES = (CLASSES_X[:, 0] + CLASSES_X[:, 1] > 0).astype(int) + (CLASSES_X[:, 0] > 0.5)


def small(output="identity", sizes=(1, 4, 1), **options):
    return Network.dense(sizes, ["tanh"] * (len(sizes) - 2) + [output], seed=1, **options)


def work_on(X, Y, loss="half_squared_error", **settings):
    settings.setdefault("sample_weight", None)
    rule = update_rule_named("adam")
    return Work(X, Y, settings.pop("sample_weight"), loss_named(loss), rule, X.shape[0], **settings)


def steps(work, network, epochs, name="lm", bayes=False, state=None):
    """Run the engine on its own."""
    solver = solver_named(name, bayes)
    state = solver.init(network.trainable_parameters) if state is None else state
    return solver.run(work, network, state, None, np.full((epochs, 1), math.nan))


def flat(network):
    return np.concatenate([p.ravel() for p in network.trainable_parameters])


# ---- squared errors: closed forms, and scipy ---------------------------------------------------------------------


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("loss", ["half_squared_error", "sum_of_squares", "mean_of_squares"])
@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, 25)], ids=["even", "weighted"])
def test_a_linear_network_is_solved_by_its_normal_equations(weights, loss, reduction, weight_decay):
    """The cost is a parabola: with mu near 0 one step ends at the weighted ridge regression."""
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(25, 3)), rng.normal(size=(25, 2))
    s = np.ones(25) if weights is None else weights
    r = s / s.sum() if reduction == "mean" else s
    factor = {"half_squared_error": 1, "sum_of_squares": 2, "mean_of_squares": 2 / 2}[loss]
    X1 = np.column_stack([X, np.ones(25)])
    normal = factor * X1.T @ (r[:, None] * X1) + weight_decay * np.diag([1, 1, 1, 0])  # the bias is not decayed
    exact = np.linalg.solve(normal, factor * X1.T @ (r[:, None] * Y))

    network = Network.dense([3, 2], "identity", seed=0)
    work = work_on(X, Y, loss, sample_weight=weights, reduction=reduction, weight_decay=weight_decay)
    after = steps(work, network, 1, "lm(1e-12)").network
    np.testing.assert_allclose(after.weights[1], exact[:3], rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(after.biases[1], exact[3], rtol=1e-7, atol=1e-10)
    slow = steps(work, network, 12).network  # mu starts at 0.001 and fades
    np.testing.assert_allclose(slow.weights[1], exact[:3], rtol=1e-7, atol=1e-10)


def plain_residuals(w, sizes, X, Y):
    """The residuals of a tanh network written out again; scipy differentiates them by itself."""
    A, at = X, 0
    for l, (before, units) in enumerate(itertools.pairwise(sizes), start=1):
        W = w[at : at + before * units].reshape(before, units)
        b = w[at + before * units : at + (before + 1) * units]
        A, at = A @ W + b, at + (before + 1) * units
        if l < len(sizes) - 1:
            A = np.tanh(A)
    return (A - Y).ravel()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_minimum_is_scipys(seed):
    sizes = (1, 3, 1)
    network = Network.dense(sizes, ["tanh", "identity"], seed=seed)
    by_scipy = least_squares(
        plain_residuals, flat(network), method="lm", args=(sizes, SINE_X, SINE_Y), xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    state = cr.fit(network, SINE_X, SINE_Y, solver="lm", reduction="sum", epochs=500)
    assert state.history[-1].cost == pytest.approx(by_scipy.cost, rel=1e-9)
    residuals = (cr.forward(state.network, SINE_X).output - SINE_Y).ravel()
    np.testing.assert_allclose(residuals, by_scipy.fun, rtol=0, atol=1e-5)
    assert state.history[0].cost > 10 * by_scipy.cost  # there was something to do


def test_a_step_by_hand():
    """a = w x with x = 2, y = 3, w = 0.5: e = -2, J = x = 2, so dw = -J e / (J J + mu) = 4 / (4 + mu)."""
    network = Network.dense([1, 1], "identity", bias=False, weights=[np.array([[0.5]])])
    chunk = steps(work_on(np.array([[2.0]]), np.array([[3.0]])), network, 1, "lm(1,10,0.1)")
    assert chunk.network.weights[1].item() == pytest.approx(0.5 + 4 / 5)
    assert chunk.rule_state.mu == pytest.approx(0.1)
    (numbers,) = chunk.epochs
    assert numbers.cost == pytest.approx(0.5 * (2 * 1.3 - 3) ** 2)  # after the step
    assert numbers.gradient_norm == pytest.approx(4)  # where it began


def test_mu_rises_until_the_cost_falls():
    """From a saturated unit, where the slope is small, the parabola's minimum lies far beyond the true one."""
    network = Network.dense([1, 1], "tanh", bias=False, weights=[np.array([[3.0]])])
    work = work_on(np.array([[1.0]]), np.array([[0.5]]))
    chunk = steps(work, network, 1, "lm(1e-9,10,0.1)")
    a, w, g, H = math.tanh(3), 3.0, (math.tanh(3) - 0.5) * (1 - math.tanh(3) ** 2), (1 - math.tanh(3) ** 2) ** 2
    mu = 1e-9
    while not (math.tanh(w - g / (H + mu)) - 0.5) ** 2 < (a - 0.5) ** 2:
        mu *= 10
    assert mu > 1e-9
    assert chunk.rule_state.mu == pytest.approx(mu / 10)
    assert chunk.network.weights[1].item() == pytest.approx(w - g / (H + mu))


def test_each_trial_of_a_step_is_ten_times_shorter_of_breath():
    """step_taken shows them all; at a minimum every mu up to the largest is tried, that one included."""
    line, work = Network.dense([1, 1], "identity", seed=0), work_on(SINE_X, SINE_Y)
    there = steps(work, line, 50)
    state = there.rule_state._replace(mu=1.0, converged=False)
    taken = lm.step_taken(work, there.network, state, constants=lm.Constants(1.0, 10.0, 0.1, 1000.0), bayes=False)
    assert [trial.mu for trial in taken.trials] == [1.0, 10.0, 100.0, 1000.0]
    assert not any(trial.lower for trial in taken.trials)
    assert taken.cost == pytest.approx(there.epochs[-1].cost, rel=1e-12)


@pytest.mark.parametrize("mu", [1e-9, 1e-3])
def test_a_step_is_taken_again(mu):
    network, work = small(), work_on(SINE_X, SINE_Y, weight_decay=0.01)
    state = solver_named(f"lm({mu})").init(network.trainable_parameters)
    for _ in range(4):
        constants = lm.Constants(mu, 10.0, 0.1, 1e10)
        taken = lm.step_taken(work, network, state, constants=constants, bayes=False)
        chunk = steps(work, network, 1, f"lm({mu})", state=state)
        *failed, last = taken.trials
        assert last.lower
        assert last.cost < taken.cost
        assert all(trial.cost >= taken.cost and not trial.lower for trial in failed)
        assert (flat(last.network) == flat(chunk.network)).all()
        assert chunk.rule_state.mu == pytest.approx(last.mu / 10, rel=1e-12, abs=0)
        assert taken.decay.tolist() == [0.01] * 4 + [0.0] * 4 + [0.01] * 4 + [0.0]
        network, state = chunk.network, chunk.rule_state


def test_without_bayes_nothing_is_inferred():
    """No prior, noise of precision 1, and every one of the 13 parameters is effective."""
    state = steps(work_on(SINE_X, SINE_Y), small(), 3).rule_state
    assert (state.alpha, state.beta, state.gamma, state.log_evidence) == (0.0, 1.0, 13.0, -math.inf)


def test_mu_does_not_fade_to_nothing():
    """However often it falls, it stays a number that can rise again: from 0, no factor leads back."""
    line = Network.dense([1, 1], "identity", seed=0)
    for fall, mu in ((0.5, 5e-20), (0.01, 1e-20), (1e-300, 1e-20)):
        state = steps(work_on(SINE_X, SINE_Y), line, 1, f"lm(1e-19,10,{fall})").rule_state
        assert not state.converged
        assert state.mu == pytest.approx(mu, rel=1e-12, abs=0)


@pytest.mark.parametrize("bias", [True, False, "x0"])
def test_reductions_take_the_same_path(bias):
    network = small(bias=bias)
    mean = steps(work_on(SINE_X, SINE_Y), network, 6)
    total = steps(work_on(SINE_X, SINE_Y, reduction="sum"), network, 6)
    np.testing.assert_allclose(flat(mean.network), flat(total.network), rtol=1e-6, atol=1e-9)
    for one, other in zip(mean.epochs, total.epochs, strict=True):
        assert other.cost == pytest.approx(40 * one.cost, rel=1e-6)
        assert other.gradient_norm == pytest.approx(40 * one.gradient_norm, rel=1e-5)
    decayed = steps(work_on(SINE_X, SINE_Y, weight_decay=0.1), network, 6)
    as_sum = steps(work_on(SINE_X, SINE_Y, weight_decay=4.0, reduction="sum"), network, 6)
    np.testing.assert_allclose(flat(decayed.network), flat(as_sum.network), rtol=1e-6, atol=1e-9)
    assert np.abs(flat(decayed.network)).max() < np.abs(flat(mean.network)).max()


@pytest.mark.parametrize("bayes", [False, True])
def test_weights_of_examples_are_repeated_rows(bayes):
    counts = np.array([1.0, 2, 3, 1] * 10)
    repeated = np.repeat(np.arange(40), counts.astype(int))
    network = small()
    weighted = steps(work_on(SINE_X, SINE_Y, sample_weight=counts), network, 8, bayes=bayes)
    rows = steps(work_on(SINE_X[repeated], SINE_Y[repeated]), network, 8, bayes=bayes)
    np.testing.assert_allclose(flat(weighted.network), flat(rows.network), rtol=1e-6, atol=1e-9)
    assert weighted.rule_state.gamma == pytest.approx(rows.rule_state.gamma, rel=1e-6)
    plain = steps(work_on(SINE_X, SINE_Y), network, 8, bayes=bayes)
    assert not np.allclose(flat(plain.network), flat(rows.network), atol=1e-3)


@pytest.mark.parametrize("frozen", [1, 2])
@pytest.mark.parametrize("bayes", [False, True])
def test_frozen_layers_stay(frozen, bayes):
    network = small(sizes=(1, 4, 3, 1), trainable=[l != frozen for l in (1, 2, 3)])
    chunk = steps(work_on(SINE_X, SINE_Y), network, 5, bayes=bayes)
    for l in (1, 2, 3):
        assert (chunk.network.weights[l] == network.weights[l]).all() == (l == frozen)
        assert (chunk.network.biases[l] == network.biases[l]).all() == (l == frozen)
    decayed = steps(work_on(SINE_X, SINE_Y, weight_decay=0.1), network, 1)
    J = cr.cost(decayed.network, cr.forward(decayed.network, SINE_X), SINE_Y, weight_decay=0.1)
    assert decayed.epochs[0].cost == pytest.approx(J, rel=1e-12)  # the frozen layer's squares are part of J


def test_every_epoch_lowers_the_cost():
    for loss, output in (("half_squared_error", "identity"), ("huber(0.2)", "identity"), ("poisson", "exponential")):
        Y = SINE_Y + 2
        costs = [numbers.cost for numbers in steps(work_on(SINE_X, Y, loss), small(output), 25).epochs]
        assert costs == sorted(costs, reverse=True)
        assert costs[-1] < costs[0]


# ---- classification: the generalised Gauss-Newton matrix -----------------------------------------------------------


@pytest.mark.parametrize("loss", ["softmax_categorical_cross_entropy", "categorical_cross_entropy"])
def test_softmax_regression_ends_where_its_gradient_is_nothing(loss):
    network = Network.dense([2, 3], "softmax", seed=0)
    chunk = steps(work_on(CLASSES_X, np.eye(3)[CLASSES], loss, weight_decay=0.01, middle=0.5), network, 100)
    final = chunk.network
    grads = cr.backward(final, cr.forward(final, CLASSES_X), np.eye(3)[CLASSES], loss, weight_decay=0.01)
    assert max(np.abs(g).max() for g in grads.parameters) < 1e-6
    right = (cr.forward(final, CLASSES_X).output.argmax(axis=1) == CLASSES).mean()
    assert chunk.epochs[-1].accuracy == pytest.approx(right)


def test_logistic_regression_is_newtons_method():
    """For one logistic unit G is the whole Hessian, so the step at mu = 0 is that of iterated least squares."""
    y = (CLASSES > 0).astype(float)[:, None]
    network = Network.dense([2, 1], "logistic", init="zeros")
    X1 = np.column_stack([CLASSES_X, np.ones(30)])
    w = np.zeros(3)
    for _ in range(3):
        a = 1 / (1 + np.exp(-X1 @ w))
        w = w - np.linalg.solve(X1.T @ ((a * (1 - a))[:, None] * X1), X1.T @ (a - y[:, 0]))
    after = steps(work_on(CLASSES_X, y, "logistic_binary_cross_entropy"), network, 3, "lm(1e-14)").network
    np.testing.assert_allclose(flat(after), w, rtol=1e-6)


def test_xor():
    X, Y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
    for seed in range(3):
        network = Network.dense([2, 4, 1], ["tanh", "logistic"], seed=seed)
        state = cr.fit(network, X, Y, solver="lm", epochs=60, target_cost=1e-6)
        assert state.stopped == "target cost reached"
        assert (np.round(cr.forward(state.network, X).output) == Y).all()


# ---- Bayesian regularisation ---------------------------------------------------------------------------------------


def mackay(network, X, Y, alpha, beta):
    """gamma, and from it alpha and beta, as MacKay (1992) and Foresee and Hagan (1997) write them."""
    w = flat(network)
    shapes = [p.shape for p in network.trainable_parameters]

    def errors(v):
        parts = np.split(v, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        moved = network.with_parameters([part.reshape(s) for part, s in zip(parts, shapes, strict=True)])
        return (cr.forward(moved, X).output - Y).ravel()

    h = 1e-6
    J = np.stack([(errors(w + h * e) - errors(w - h * e)) / (2 * h) for e in np.eye(w.size)], axis=1)
    A = beta * J.T @ J + alpha * np.eye(w.size)
    gamma = w.size - alpha * np.trace(np.linalg.inv(A))
    return gamma, gamma / (w @ w), (Y.size - gamma) / (errors(w) @ errors(w))


def test_each_step_begins_with_mackays_precisions():
    """Or as near to them as a factor of 2 leads."""
    network = small()
    work = work_on(SINE_X, SINE_Y)
    state, reached = None, 0
    for epoch in range(60):
        chunk = steps(work, network, 1, bayes=True, state=state)
        found = chunk.rule_state
        if epoch == 0:  # a head start of 1, 10 or 100 before what all parameters and all errors suggest
            w, E = flat(network), cr.forward(network, SINE_X).output - SINE_Y
            begun = [(13 / (w @ w) / ahead, 40 / np.sum(E**2) * ahead) for ahead in (1, 10, 100)]
        else:
            begun = [(state.alpha, state.beta)]
        matching = 0
        for alpha_before, beta_before in begun:
            gamma, alpha, beta = mackay(network, SINE_X, SINE_Y, alpha_before, beta_before)
            expected = [gamma, np.clip(alpha, alpha_before / 2, alpha_before * 2),
                        np.clip(beta, beta_before / 2, beta_before * 2)]  # fmt: skip
            matching += np.allclose([found.gamma, found.alpha, found.beta], expected, rtol=1e-5)
            reached += np.allclose(expected[1:], [alpha, beta], rtol=1e-9)
        assert matching == 1
        assert 0 <= found.gamma <= 13
        network, state = chunk.network, found
    assert reached > 30  # not only steps of a factor of 2
    assert 1 / math.sqrt(state.beta) == pytest.approx(0.1, rel=0.3)  # the noise that was put in
    assert 3 < state.gamma < 12


def test_the_evidence_is_the_probability_of_the_targets():
    """For a linear network it can be written down: Y is normal with covariance X X^T / alpha + 1 / beta."""
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(12, 2)), rng.normal(size=(12, 1))
    network = Network.dense([2, 1], "identity", bias=False, seed=0)
    state = cr.fit(network, X, Y, solver="lm", bayes=True, epochs=500)
    found = state.rule_state
    covariance = X @ X.T / found.alpha + np.eye(12) / found.beta
    assert found.log_evidence == pytest.approx(multivariate_normal(np.zeros(12), covariance).logpdf(Y[:, 0]), rel=1e-6)


def test_the_head_start_with_the_largest_evidence_is_taken(monkeypatch):
    network, work, found = small(sizes=(1, 20, 1)), work_on(SINE_X[::2], SINE_Y[::2]), {}
    for ahead in (1.0, 10.0, 100.0):
        monkeypatch.setattr(precisions, "HEAD_STARTS", (ahead,))
        found[ahead] = steps(work, network, 31, bayes=True)
    best = max(found.values(), key=lambda chunk: chunk.rule_state.log_evidence)
    monkeypatch.undo()
    chosen = steps(work, network, 31, bayes=True)
    assert chosen.rule_state == best.rule_state
    assert len({chunk.rule_state.gamma for chunk in found.values()}) > 1


def test_the_training_ends_at_the_fixed_point():
    state = cr.fit(small(), SINE_X, SINE_Y, solver="lm", bayes=True, epochs=3000)
    found = state.rule_state
    expected = mackay(state.network, SINE_X, SINE_Y, found.alpha, found.beta)
    np.testing.assert_allclose((found.gamma, found.alpha, found.beta), expected, rtol=1e-3)
    # and the weights are the minimum of beta E_D + alpha E_W
    grads = cr.backward(state.network, cr.forward(state.network, SINE_X), SINE_Y, reduction="sum")
    g = found.beta * np.concatenate([p.ravel() for p in grads.parameters]) + found.alpha * flat(state.network)
    assert np.abs(g).max() < 1e-2 * np.abs(found.alpha * flat(state.network)).max()


def test_it_tames_over_fitting():
    """25 noisy points, 61 weights: the truth between the points is met better than by plain LM, on every try."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = np.sort(rng.uniform(-1, 1, (25, 1)), axis=0)
        Y = np.sin(4 * X) + 0.2 * rng.normal(size=X.shape)
        truth_X = np.linspace(-0.95, 0.95, 200)[:, None]
        network = Network.dense([1, 20, 1], ["tanh", "identity"], init="uniform(-1,1)", seed=seed)
        rmse = {}
        for bayes in (False, True):
            state = cr.fit(network, X, Y, solver="lm", bayes=bayes, epochs=200)
            rmse[bayes] = np.sqrt(np.mean((cr.forward(state.network, truth_X).output - np.sin(4 * truth_X)) ** 2))
        assert rmse[True] < 0.15
        assert rmse[True] < 0.6 * rmse[False]
        assert 4 < state.rule_state.gamma < 15


def test_beta_is_in_the_units_of_the_loss():
    network = small(sizes=(1, 3, 1))
    halves = steps(work_on(SINE_X, SINE_Y), network, 500, bayes=True).rule_state
    wholes = steps(work_on(SINE_X, SINE_Y, "sum_of_squares"), network, 500, bayes=True).rule_state
    assert wholes.beta == pytest.approx(halves.beta / 2, rel=1e-3)
    assert (wholes.alpha, wholes.gamma) == pytest.approx((halves.alpha, halves.gamma), rel=1e-3)


def test_a_cross_entropy_has_no_noise_to_find():
    network = small("softmax", (2, 3, 3))
    work = work_on(CLASSES_X, np.eye(3)[CLASSES], "softmax_categorical_cross_entropy")
    chunk = steps(work, network, 30, bayes=True)
    assert chunk.rule_state.beta == 1
    assert 1 < chunk.rule_state.gamma < network.n_parameters
    assert np.abs(flat(chunk.network)).max() < np.abs(flat(steps(work, network, 30).network)).max()


def test_more_weights_than_targets():
    """The data determine no more of 301 weights than there are targets."""
    chunk = steps(work_on(SINE_X, SINE_Y), small(sizes=(1, 100, 1)), 15, bayes=True)
    assert chunk.rule_state.beta > 0
    assert 0 < chunk.rule_state.gamma < 40


def test_weights_of_zero_and_errors_of_zero():
    zeros = Network.dense([1, 1], "identity", init="zeros")
    chunk = steps(work_on(SINE_X, SINE_Y), zeros, 5, bayes=True)
    assert np.isfinite([chunk.rule_state.alpha, chunk.rule_state.beta]).all()
    exact = Network.dense([1, 1], "identity", bias=False, weights=[np.array([[2.0]])])
    chunk = steps(work_on(SINE_X, 2 * SINE_X), exact, 5, bayes=True)
    assert np.isfinite([chunk.rule_state.alpha, chunk.rule_state.beta]).all()


# ---- as an engine --------------------------------------------------------------------------------------------------


def test_it_ends_when_no_step_lowers_the_cost():
    chunk = steps(work_on(SINE_X, SINE_Y), Network.dense([1, 1], "identity", seed=0), 50)
    assert chunk.rule_state.converged
    assert len(chunk.epochs) < 30
    assert chunk.epochs[-1].cost == chunk.epochs[-2].cost
    assert chunk.rule_state.mu == 1e10
    state = cr.fit(Network.dense([1, 1], "identity", seed=0), SINE_X, SINE_Y, solver="lm", epochs=50)
    assert state.stopped == "converged: no step lowers the cost"
    assert state.epoch == len(chunk.epochs)


@pytest.mark.parametrize("bayes", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_chunk_of_epochs_is_the_epochs_one_by_one(dtype, bayes):
    network = small(dtype=dtype)
    work = work_on(SINE_X.astype(dtype), SINE_Y.astype(dtype))
    whole = steps(work, network, 7, bayes=bayes)
    state, costs = None, []
    for _ in range(7):
        chunk = steps(work, network, 1, bayes=bayes, state=state)
        network, state = chunk.network, chunk.rule_state
        costs.append(chunk.epochs[0].cost)
    assert costs == [numbers.cost for numbers in whole.epochs]
    assert state == whole.rule_state
    assert all((a == b).all() for a, b in zip(network.parameters, whole.network.parameters, strict=True))
    assert network.weights[1].dtype == dtype


def test_array_api_strict():
    network = small()
    theirs = network.with_parameters([strict.asarray(p) for p in network.parameters])
    ours = steps(work_on(SINE_X, SINE_Y, weight_decay=0.01), network, 5)
    other = steps(work_on(strict.asarray(SINE_X), strict.asarray(SINE_Y), weight_decay=0.01), theirs, 5)
    assert ours.epochs == other.epochs
    for found, expected in zip(other.network.parameters, ours.network.parameters, strict=True):
        assert isinstance(found, type(strict.asarray(0.0)))
        assert (np.asarray(found) == expected).all()


def test_blocks_of_examples_do_not_change_the_result(monkeypatch):
    whole = steps(work_on(SINE_X, SINE_Y), small(), 6)
    monkeypatch.setattr(lm, "gauss_newton", partial(lm.gauss_newton, largest_block=50))
    np.testing.assert_allclose(flat(steps(work_on(SINE_X, SINE_Y), small(), 6).network), flat(whole.network), rtol=1e-8)


def test_own_activations():
    own = Activation("softsign", lambda Z: Z / (1 + abs(Z)), lambda Z, A, dC_dA: dC_dA / (1 + abs(Z)) ** 2)
    state = cr.fit(Network.dense([1, 4, 1], [own, "identity"], seed=0), SINE_X, SINE_Y, solver="lm", epochs=40)
    assert state.history[-1].cost < 0.02


def test_numbers_that_are_not_finite_are_named():
    network = Network.dense([1, 2, 1], ["exponential", "identity"], weights=[np.full((1, 2), 2000.0), np.ones((2, 1))])
    with pytest.raises(NotFiniteError) as caught:
        steps(work_on(SINE_X, SINE_Y), network, 1)
    assert (caught.value.layer, caught.value.what) == (1, "activations")
    with pytest.raises(DivergenceError, match=r"layer 1 .*What helps: take smaller initial weights") as divergence:
        cr.fit(network, SINE_X, SINE_Y, solver="lm")
    assert "learning rate" not in str(divergence.value)


def test_too_many_weights():
    with pytest.raises(UsageError) as caught:
        cr.fit(Network.dense([100, 50, 1], seed=0), np.zeros((3, 100)), np.zeros((3, 1)), solver="lm")
    message = str(caught.value)
    for part in ('solver="lm"', "5,101 equations", "at most 5,000", "0.2 GB", "fewer hidden units", 'solver="lbfgs"'):
        assert part in message
    frozen = Network.dense([100, 50, 1], seed=0, trainable=[False, True])  # 51 of them learn
    X = np.random.default_rng(3).normal(size=(9, 100))
    assert cr.fit(frozen, X, np.ones((9, 1)), solver="lm", epochs=2).epoch == 2


@pytest.mark.parametrize("loss", ["absolute_error", "quantile(0.9)"])
def test_losses_without_curvature(loss):
    with pytest.raises(UsageError, match="has no curvature to build on"):
        cr.fit(small(), SINE_X, SINE_Y, solver="lm", loss=loss)


@pytest.mark.parametrize("name", ["lm(0)", "lm(1,1)", "lm(1,10,1)", "lm(1,10,0)", "lm(1,10,0.1,0.5)"])
def test_bad_constants(name):
    with pytest.raises(UsageError, match=r"lm\(mu, rise, fall, largest\) needs 0 < mu < largest"):
        solver_named(name)


def test_constants_change_the_path():
    usual = steps(work_on(SINE_X, SINE_Y), small(), 5).rule_state.mu
    assert usual == pytest.approx(0.001 * 0.1**5) or usual > 0
    assert steps(work_on(SINE_X, SINE_Y), small(), 5, "lm(10,3,0.5)").rule_state.mu != usual
