"""The gradient check finds mistakes, and does not call a corner of the cost a mistake."""

import math
from itertools import count

import numpy as np
import pytest

from chainrule.core.catalogue import ACTIVATIONS, Activation, Loss, activation_named
from chainrule.core.gradient_check import check_gradient_function, check_gradients
from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.errors import UsageError

X, Y = np.random.default_rng(0).normal(size=(6, 3)), np.random.default_rng(1).normal(size=(6, 2))
NET = Network.dense([3, 4, 2], "tanh", output_activation="identity", init="uniform(-1,1)", seed=0)


def with_mistake(change):
    """A cost and gradient function of NET's parameters, its gradients put through `change`."""

    def function(parameters):
        there = NET.with_parameters(parameters)
        grads = backward(there, forward(there, X), Y, weight_decay=0.1)
        return grads.cost, change(grads, there)

    return function


def right(grads, net):
    return grads.parameters


def changed(number, change):
    """Gradients with one array replaced."""
    return lambda grads, net: [change(g, net) if i == number else g for i, g in enumerate(grads.parameters)]


# ---- mistakes -----------------------------------------------------------------------------------------------------


def test_the_right_gradient_passes():
    report = check_gradient_function(with_mistake(right), NET.parameters)
    assert report.passed
    assert len(report.entries) == NET.n_parameters
    assert 0 < report.largest_relative_error < 1e-7
    assert all(entry.analytic != 0 for entry in report.entries)
    assert not report.kinks


@pytest.mark.parametrize(("mistake", "wrong"), [
    (changed(0, lambda g, net: 1.001 * g), 12),                         # a factor close to 1
    (changed(2, lambda g, net: -g), 8),                                 # a sign
    (changed(0, lambda g, net: g - 0.1 * net.weights[1]), 12),          # a missing term: weight decay
    (changed(3, lambda g, net: g + 0.1 * net.biases[2] + 0.1), 2),      # weight decay on the biases, and a constant
    (changed(1, lambda g, net: 0 * g), 4),                              # nothing at all
    (changed(2, lambda g, net: g * 6), 8),                              # the sum for the mean
    (changed(2, lambda g, net: g[:, ::-1]), 8),                         # outputs in another order
    (lambda grads, net: [1.00001 * g for g in grads.parameters], 26),   # ten times the tolerance
])  # fmt: skip
def test_mistakes_are_found(mistake, wrong):
    report = check_gradient_function(with_mistake(mistake), NET.parameters)
    assert not report.passed
    assert len(report.wrong) == wrong
    assert report.entries[: len(report.wrong)] == report.wrong  # the worst first
    assert "The gradient is wrong in " in str(report)


def test_the_report_lists_what_is_wrong_first_then_the_worst_and_kinks_last():
    """Two corners, three slopes off by too much and three by little, in an order of their own."""
    off = np.array([1e-9, 0.0, 0.02, 3e-7, 0.5, 0.0, 1e-8, 0.1])
    kinks, slopes = [1, 5], np.array([1.0, 0.0, 2.0, 3.0, 4.0, 0.0, 5.0, 6.0])

    def function(p):
        return float(slopes @ p + np.abs(p[kinks]).sum() * 2), slopes * (1 + off) + 0.3 * (slopes == 0)

    report = check_gradient_function(function, np.zeros(8))
    assert [entry.verdict for entry in report.entries] == ["wrong"] * 3 + ["right"] * 3 + ["kink"] * 2
    assert [entry.name for entry in report.entries[:4]] == ["p[5]", "p[8]", "p[3]", "p[4]"]
    for verdict in ("wrong", "right", "kink"):
        errors = [entry.relative_error for entry in report.entries if entry.verdict == verdict]
        assert errors == sorted(errors, reverse=True)


def test_one_wrong_entry_is_named():
    def off_by_one_entry(g, net):
        g = g.copy()
        g[1, 2] *= 1.001
        return g

    report = check_gradient_function(with_mistake(changed(0, off_by_one_entry)), NET.parameters)
    assert [entry.name for entry in report.wrong] == ["p1[2,3]"]
    assert report.wrong[0].relative_error == pytest.approx(1e-3, rel=0.01)
    assert report.wrong[0].analytic == pytest.approx(1.001 * report.wrong[0].numeric, rel=1e-6)


def test_a_transposed_gradient_is_found():
    W = np.random.default_rng(2).normal(size=(3, 3))

    def function(W):
        E = X @ W - X
        return float((E * E).sum() / 2), (X.T @ E).T

    report = check_gradient_function(function, W)
    right_on_the_diagonal = {"p[1,1]", "p[2,2]", "p[3,3]"}
    assert {entry.name for entry in report.entries if entry.verdict == "right"} == right_on_the_diagonal
    assert len(report.wrong) == 6


def test_a_transposed_gradient_of_another_shape_is_refused():
    with pytest.raises(UsageError, match=r"the gradient of p has shape \(2, 3\); its parameter has shape \(3, 2\)"):
        check_gradient_function(lambda W: (float((W * W).sum()), 2 * W.T), np.ones((3, 2)))


def test_a_wrong_pullback_in_a_network_is_found():
    # 1 - a for 1 - a^2: the layer's own parameters and those below are wrong, the output layer's are right.
    slip = Activation("slip", np.tanh, lambda Z, A, dC_dA: dC_dA * (1 - A))
    net = Network.dense([3, 4, 2], [slip, "identity"], init="uniform(-1,1)", seed=0)
    report = check_gradients(net, X, Y)
    assert {entry.name[:4] for entry in report.wrong} == {"W[1]", "b[1]"}
    assert len(report.wrong) == 16


def test_a_wrong_loss_is_found():
    no_half = Loss("slip", lambda A, Y: 0.5 * ((A - Y) ** 2).sum(axis=1), lambda A, Y: 2 * (A - Y))
    assert len(check_gradients(NET, X, Y, no_half).wrong) == NET.n_parameters


def test_a_gradient_that_is_not_finite_is_wrong():
    for bad in (math.nan, math.inf):
        report = check_gradient_function(lambda w, bad=bad: (float(w @ w), w * bad), np.array([1.0, 2.0]))
        assert len(report.wrong) == 2
        assert report.largest_relative_error == math.inf


@pytest.mark.matrix
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "step"])
@pytest.mark.parametrize("bias", [True, False, "x0"])
def test_every_network_of_ours_passes(activation, bias):
    net = Network.dense([3, 4, 2], activation, output_activation="softmax", bias=bias, init="uniform(-1,1)", seed=1)
    T = np.eye(2)[[0, 1, 1, 0, 1, 0]]
    for loss in ("half_squared_error", "softmax_categorical_cross_entropy"):
        report = check_gradients(net, X, T, loss, weight_decay=0.01, sample_weight=[1, 2, 1, 0, 3, 1])
        assert report.passed, str(report)
        assert any(entry.analytic != 0 for entry in report.entries)


def test_names_of_parameters():
    names = {entry.name for entry in check_gradients(Network.dense([2, 2, 1], seed=0), X[:, :2], Y[:, :1]).entries}
    assert names == {"W[1][1,1]", "W[1][1,2]", "W[1][2,1]", "W[1][2,2]", "b[1][1]", "b[1][2]"} | {
        "W[2][1,1]",
        "W[2][2,1]",
        "b[2][1]",
    }
    x0 = {entry.name for entry in check_gradients(Network.dense([1, 1], bias="x0", seed=0), X[:, :1], Y[:, :1]).entries}
    assert x0 == {"W[1][0,1]", "W[1][1,1]"}


# ---- corners ------------------------------------------------------------------------------------------------------


def corner(analytic, at=0.0, left=-1.0, right=3.0, curvature=0.5):
    """A cost of one number with a corner at `at`: slopes `left` and `right` beside it, and a little curvature."""

    def function(p):
        e = float(p[0]) - at
        return 2.0 + (left if e < 0 else right) * e + curvature * e * e, np.array([analytic])

    return function


def verdict(function, p=0.0):
    return check_gradient_function(function, np.array([p])).entries[0].verdict


@pytest.mark.parametrize("analytic", [-1.0, 0.0, 0.7, 3.0])
def test_at_a_corner_every_value_between_the_slopes_will_do(analytic):
    assert verdict(corner(analytic)) == "kink"


def test_at_a_corner_the_middle_is_what_central_differences_say():
    assert verdict(corner(1.0)) == "right"


@pytest.mark.parametrize("analytic", [-1.1, 3.1, -3.0, 30.0, 1e-3 - 1.1])
def test_at_a_corner_a_value_outside_the_slopes_is_wrong(analytic):
    assert verdict(corner(analytic)) == "wrong"


DISTANCES = [s * m * 10.0**e for s in (-1, 1) for m in (1, 1.7, 3, 5.5, 9, 9.9) for e in (-9, -8, -7, -6, -5, -4, -3)]


@pytest.mark.parametrize("curvature", [0.0, 0.5, 20.0])
def test_beside_a_corner_the_right_value_is_never_called_wrong(curvature):
    for distance in DISTANCES:
        slope = -1.0 if distance < 0 else 3.0  # p = distance: on the left or the right of the corner at 0
        function = corner(slope + 2 * curvature * distance, curvature=curvature)
        assert verdict(function, distance) in ("right", "kink"), distance


def test_beside_a_corner_a_value_outside_the_slopes_is_wrong():
    for distance in DISTANCES:
        slope = -1.0 if distance < 0 else 3.0
        assert verdict(corner(1.2 * slope + distance), distance) == "wrong", distance
        assert verdict(corner(-slope - 5), distance) == "wrong", distance


def test_beyond_reach_of_the_smallest_step_the_corner_excuses_nothing():
    for distance in (d for d in DISTANCES if abs(d) > 1e-6):
        slope = -1.0 if distance < 0 else 3.0
        assert verdict(corner(0.99 * slope), distance) == "wrong", distance
        assert verdict(corner(1.0), distance) == "wrong", distance


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "selu", "elu(0.5)"])
def test_a_network_with_units_exactly_at_their_kink(activation):
    # Biases and the example are 0, so every hidden unit stands at z = 0.
    weights = [np.array([[1.0, -2.0], [0.5, 1.5]]), np.array([[1.0], [-1.0]])]
    net = Network.dense([2, 2, 1], [activation, "identity"], weights=weights)
    report = check_gradients(net, [[0.0, 0.0]], [[1.0]])
    assert report.passed, str(report)
    assert {entry.name for entry in report.kinks} == {"b[1][1]", "b[1][2]"}
    assert "2 at a kink, where any value between the two slopes is right." in str(report)


@pytest.mark.parametrize("z", [1e-9, -1e-9, 5e-7, 8e-7, -9.5e-7, 3e-6, -5e-6, 9e-6, 2e-5, -4e-4])
def test_a_network_with_a_unit_near_its_kink(z):
    weights = [np.array([[0.7], [0.2]]), np.array([[1.3]])]
    net = Network.dense([2, 1, 1], ["relu", "identity"], weights=weights, biases=[[z - 0.9], [0.0]])
    report = check_gradients(net, [[1.0, 1.0], [0.5, -2.0], [3.0, 2.0]], [[1.0], [0.0], [0.4]])
    assert report.passed, str(report)


@pytest.mark.parametrize("z", [0.0, 1e-8, -3e-7, 2e-5])
def test_a_network_with_a_step_unit_at_its_jump(z):
    # The cost jumps there; its derivative is 0 on both sides, and that is what backward says.
    net = Network.dense(
        [2, 2, 1], ["step", "identity"], weights=[[[1.0, 2.0], [0.5, 1.5]], [[1.0], [-2.0]]], biases=[[z, 0.4], [0.1]]
    )
    report = check_gradients(net, [[0.0, 0.0], [1.0, 0.0]], [[1.0], [0.0]])
    assert report.passed, str(report)
    assert {entry.name for entry in report.kinks} == ({"b[1][1]"} if z == 0 else set())
    assert all(entry.analytic == 0 for entry in report.entries if "[1][" in entry.name)
    assert any(entry.analytic != 0 for entry in report.entries)


def test_a_wrong_value_at_a_networks_kink_is_still_wrong():
    outside = Activation("slip", activation_named("relu").value, lambda Z, A, dC_dA: dC_dA * np.where(Z < 0, 0.0, 1.5))
    net = Network.dense([1, 1, 1], [outside, "identity"], weights=[[[1.0]], [[1.0]]])
    report = check_gradients(net, [[0.0]], [[1.0]])
    assert [entry.name for entry in report.wrong] == ["b[1][1]"]


def test_absolute_error_at_its_corner():
    net = Network.dense([1, 1], "identity", weights=[[[2.0]]])
    assert check_gradients(net, [[1.0]], [[2.0]], "absolute_error").passed
    report = check_gradients(net, [[1.0]], [[2.0]], "quantile(0.9)")  # slopes -0.9 and 0.1, analytic 0
    assert report.passed
    assert len(report.kinks) == 2


# ---- rounding -----------------------------------------------------------------------------------------------------


def test_tiny_gradients_beside_a_large_cost_are_not_failed():
    # 1e6 + 1e-9 w^2: rounding of the cost hides the slope entirely, so nothing can be said against it.
    report = check_gradient_function(lambda w: (1e6 + 1e-9 * float(w @ w), 2e-9 * w), np.array([1.0, -3.0]))
    assert report.passed


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6, 1e12])
def test_the_scale_of_the_cost_does_not_matter(scale):
    w = np.array([0.3, -1.2])
    good = check_gradient_function(lambda w: (scale * float(np.sin(w).sum()), scale * np.cos(w)), w)
    bad = check_gradient_function(lambda w: (scale * float(np.sin(w).sum()), 1.001 * scale * np.cos(w)), w)
    assert good.passed
    assert len(bad.wrong) == 2


def test_a_small_slope_on_a_small_cost_is_judged_too():
    report = check_gradient_function(lambda w: (1e-6 + 1e-12 * math.sin(w), 1.001e-12 * math.cos(w)), 0.5)
    assert len(report.wrong) == 1
    assert check_gradient_function(lambda w: (1e-6 + 1e-12 * math.sin(w), 1e-12 * math.cos(w)), 0.5).passed


@pytest.mark.parametrize("size", [1e2, 3e3, 3e4, 1e5, 1e6])
def test_inputs_that_nobody_scaled(size):
    # The cost bends within a weight's change of 1 / size, so only fine steps can measure its slope.
    net = Network.dense([1, 2, 1], ["tanh", "identity"], weights=[[[0.7 / size, -0.4 / size]], [[1.0], [0.5]]])
    x, y = np.array([[size], [-2 * size]]), [[0.3], [0.9]]
    assert check_gradients(net, x, y).passed

    def slightly_off(parameters):
        there = net.with_parameters(parameters)
        grads = backward(there, forward(there, x), y)
        return grads.cost, [1.001 * g for g in grads.parameters]

    assert len(check_gradient_function(slightly_off, net.parameters).wrong) == net.n_parameters


def test_a_saturated_fused_loss_passes():
    # The cost is log(e^z + e^-z) - z, a tiny number left over from large ones.
    for z in np.linspace(1, 40, 79):
        net = Network.dense([1, 2], "softmax", weights=[[[z, -z]]])
        report = check_gradients(net, [[1.0]], [[1.0, 0.0]], "softmax_categorical_cross_entropy")
        assert report.passed, (z, str(report))


@pytest.mark.parametrize("p", [1e-8, 1.0, 1e4, -1e8])
def test_small_and_large_parameters(p):
    report = check_gradient_function(lambda w: (float(np.log1p(w @ w)), 2 * w / (1 + w @ w)), np.array([p]))
    assert report.passed, str(report)


# ---- forms of the parameters --------------------------------------------------------------------------------------


def linear_fit(W, b):
    E = X @ W + b - Y
    return float((E * E).sum() / 2), X.T @ E, E.sum(axis=0)


def test_parameters_as_mapping_list_tuple_array_and_number():
    W, b = np.random.default_rng(3).normal(size=(3, 2)), np.array([0.7, -1.2])

    def of_mapping(p):
        cost, dW, db = linear_fit(p["W"], p["b"])
        return cost, {"b": db, "W": dW}  # in any order

    def of_list(p):
        cost, *gradients = linear_fit(*p)
        return cost, gradients

    named = check_gradient_function(of_mapping, {"W": W, "b": b})
    assert named.passed
    assert {entry.name for entry in named.entries} >= {"W[1,1]", "W[3,2]", "b[1]", "b[2]"}
    for parameters in ([W, b], (W, b), [W.tolist(), b.tolist()]):
        report = check_gradient_function(of_list, parameters)
        assert report.passed
        assert {entry.analytic for entry in report.entries} == {entry.analytic for entry in named.entries}
    mixed = check_gradient_function(lambda p: (float(p[0] * p[1].sum()), [p[1].sum(), p[0] * np.ones(2)]), [2.0, b])
    assert mixed.passed
    assert {entry.name for entry in mixed.entries} == {"p1", "p2[1]", "p2[2]"}
    assert check_gradient_function(lambda p: (float(p[0] ** 2 * p[1]), [2 * p[0] * p[1], p[0] ** 2]), [3.0, 2.0]).passed
    number = check_gradient_function(lambda x: (float(x) ** 3, 3 * x**2), 2.0)
    assert number.passed
    assert [entry.name for entry in number.entries] == ["p"]


def test_the_parameters_passed_in_are_left_alone():
    W = np.ones((2, 2))

    def spoils(W):
        cost = float((W**3).sum())
        gradient = 3 * W**2
        W += 100
        return cost, gradient

    assert check_gradient_function(spoils, W).passed
    assert W.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("gradients", [{"W": 1}, {"W": 1, "c": 2}, [1, 2], np.ones(2)])
def test_gradients_of_another_form_are_refused(gradients):
    with pytest.raises(UsageError, match=r"the gradients must have the form of the parameters \(W, b\); received"):
        check_gradient_function(lambda p: (1.0, gradients), {"W": np.ones(2), "b": np.ones(1)})


def test_too_few_gradients_are_refused():
    with pytest.raises(UsageError, match=r"the form of the parameters \(p1, p2\)"):
        check_gradient_function(lambda p: (1.0, [p[0]]), [np.ones(2), np.ones(1)])


# ---- a sample of many parameters ----------------------------------------------------------------------------------


def test_at_most_draws_that_many_of_a_large_network():
    net = Network.dense([30, 100, 50, 2], "tanh", output_activation="identity", seed=0)
    wide = np.random.default_rng(4).normal(size=(6, 30))
    report = check_gradients(net, wide, Y, at_most=100, seed=1)
    assert report.passed
    names = [entry.name for entry in report.entries]
    assert len(names) == len(set(names)) == 100
    assert {name[:4] for name in names} >= {"W[1]", "W[2]"}
    assert set(names) == {entry.name for entry in check_gradients(net, wide, Y, at_most=100, seed=1).entries}
    assert set(names) != {entry.name for entry in check_gradients(net, wide, Y, at_most=100, seed=2).entries}
    assert "... and 90 more, none of them worse." in str(report)
    assert len(check_gradients(NET, X, Y, at_most=10_000).entries) == NET.n_parameters


@pytest.mark.parametrize("at_most", [0, -3])
def test_checking_nothing_is_refused(at_most):
    with pytest.raises(UsageError, match="at_most must be at least 1"):
        check_gradients(NET, X, Y, at_most=at_most)


@pytest.mark.parametrize("tolerance", [0, 1, -1e-6, math.nan])
def test_a_tolerance_that_allows_nothing_or_everything_is_refused(tolerance):
    with pytest.raises(UsageError, match="tolerance must be a relative error between 0 and 1"):
        check_gradients(NET, X, Y, tolerance=tolerance)


def test_a_float32_network_is_checked_in_float64():
    report = check_gradients(NET.astype("float32"), X.astype("float32"), Y.astype("float32"))
    assert report.passed
    assert report.largest_relative_error < 1e-7


@pytest.mark.parametrize("count", [9, 10, 11, 12])
def test_the_report_prints_ten_and_counts_the_rest(count):
    text = str(check_gradient_function(lambda w: (float(w @ w), 2 * w), np.arange(1.0, count + 1)))
    assert sum(line.startswith("p[") for line in text.splitlines()) == min(count, 10)
    assert (f"... and {count - 10} more, none of them worse." in text) == (count > 10)
    assert ("... and" in text) == (count > 10)
    assert "parameter        analytic         numeric  rel. error  verdict" in text


def test_the_report_prints_itself():
    text = str(check_gradient_function(lambda w: (float(w @ w), np.array([2.0, 5.0])), np.array([1.0, 2.0])))
    first, header, wrong, fine = text.splitlines()
    assert first.startswith("The gradient is wrong in 1 of 2: 2 parameters checked by central differences")
    assert header.split() == ["parameter", "analytic", "numeric", "rel.", "error", "verdict"]
    assert wrong.split() == ["p[2]", "5.000000e+00", "4.000000e+00", "2.0e-01", "wrong"]
    assert fine.split()[0] == "p[1]"
    assert fine.split()[-1] == "right"


# ---- how often it errs --------------------------------------------------------------------------------------------


def many_networks(count):
    for seed in range(count):
        random = np.random.default_rng(seed)
        activation = ["relu", "leaky_relu", "tanh", "logistic", "gelu", "selu"][seed % 6]
        loss = ["half_squared_error", "softmax_categorical_cross_entropy", "huber(0.3)"][seed // 2 % 3]
        net = Network.dense([3, 4, 3, 2], activation, output_activation="softmax", init="uniform(-1,1)", seed=seed)
        yield net, random.normal(size=(6, 3)), np.eye(2)[random.integers(0, 2, 6)], loss


@pytest.mark.parametrize("count", [6, pytest.param(18, marks=pytest.mark.long)])
def test_no_right_entry_is_called_wrong_and_no_factor_of_1_001_right(count):
    checked = missed = 0
    for net, X, T, loss in many_networks(count):
        report = check_gradients(net, X, T, loss)
        assert report.passed, str(report)

        def slightly_off(parameters, net=net, X=X, T=T, loss=loss):
            there = net.with_parameters(parameters)
            grads = backward(there, forward(there, X), T, loss)
            return grads.cost, [1.001 * g for g in grads.parameters]

        entries = check_gradient_function(slightly_off, net.parameters).entries
        seen = [entry for entry in entries if abs(entry.analytic) > 1e-7]
        checked += len(seen)
        missed += sum(entry.verdict != "wrong" for entry in seen)
    assert checked > 28 * count
    assert missed == 0


CALLS = count()


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_cost_may_come_as_an_array_of_one_number(shape):
    report = check_gradient_function(lambda w: (np.reshape(w @ w, shape), 2 * w), np.array([1.0, 2.0]))
    assert report.passed
    assert report.entries[0].analytic != 0


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda w: 2 * w, "must return (cost, gradients); yours returned a ndarray"),
        (lambda w: {"w": 2 * w}, "yours returned a dict"),
        (lambda w: (2 * w, float(w @ w)), "one number for the cost. They seem to be swapped"),
        (lambda w: (w, w), "one number for the cost"),
        (lambda w: ("low", w), "the cost must be a number; received 'low'"),
        (lambda w: (next(CALLS), w), "another one at each call"),
    ],
)
def test_answers_of_another_form(function, message):
    with pytest.raises(UsageError) as caught:
        check_gradient_function(function, np.array([1.0, 2.0]))
    assert message in str(caught.value)
