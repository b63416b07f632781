"""The core on array-api-strict, which has nothing but the standard: each result equals NumPy's."""

import array_api_strict as strict
import numpy as np
import pytest

from chainrule.core.catalogue import ACTIVATIONS, LOSSES, FusedLoss, activation_named, loss_named
from chainrule.core.gradient_check import check_gradients
from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.core.special import normal_cdf
from chainrule.core.update_rules import UPDATE_RULES, clip_by_norm, clip_by_value, global_norm, update_rule_named

DTYPES = ["float32", "float64"]
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}


def other(array):
    """The same numbers as an array of the other library."""
    return None if array is None else strict.asarray(array)


def assert_same(found, expected, dtype):
    assert isinstance(found, strict.asarray([0]).__class__)
    assert found.dtype == getattr(strict, dtype)
    assert expected.dtype == dtype
    np.testing.assert_allclose(np.asarray(found), expected, rtol=10 * TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert np.any(expected != 0)


def matrix(dtype, seed=0, shape=(5, 3)):
    return np.random.default_rng(seed).normal(0, 2, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*ACTIVATIONS, "leaky_relu(0.2)", "elu(0.5)"])
def test_activation(name, dtype):
    f, Z, dC_dA = activation_named(name), matrix(dtype), matrix(dtype, 1)
    A = f.value(Z)
    assert_same(f.value(other(Z)), A, dtype)
    found, expected = f.pullback(other(Z), other(A), other(dC_dA)), f.pullback(Z, A, dC_dA)
    if name == "step":
        assert not np.asarray(found).any()
    else:
        assert_same(found, expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*LOSSES, "huber(0.5)", "quantile(0.9)"])
def test_loss(name, dtype):
    loss, Z = loss_named(name), matrix(dtype)
    Y = (matrix("float64", 1) > 0).astype(dtype)
    A = activation_named(loss.activation if isinstance(loss, FusedLoss) else "softmax").value(Z)
    arguments = (Z, A, Y)
    elsewhere = tuple(other(array) for array in arguments)
    assert_same(loss.cost(*elsewhere), loss.cost(*arguments), dtype)
    if isinstance(loss, FusedLoss):
        assert_same(loss.delta(*elsewhere), loss.delta(*arguments), dtype)
    else:
        assert_same(loss.pullback(*elsewhere[1:]), loss.pullback(*arguments[1:]), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal_cdf(dtype):
    Z = matrix(dtype)
    assert_same(normal_cdf(other(Z)), normal_cdf(Z), dtype)


def networks(bias, dtype):
    """A network of six layers with NumPy's arrays, and the same with the other library's."""
    names = ["tanh", "relu", "gelu", "elu", "softplus", "softmax"]
    one = Network.dense([3, 4, 4, 3, 3, 4, 3], names, bias=bias, init="uniform(-1,1)", seed=3, dtype=dtype)
    return one, one.with_parameters([other(p) for p in one.parameters])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False, "x0"])
@pytest.mark.parametrize(
    "loss", ["half_squared_error", "categorical_cross_entropy", "softmax_categorical_cross_entropy"]
)
def test_forward_and_backward(loss, bias, dtype):
    one, two = networks(bias, dtype)
    X, Y = matrix(dtype, 1), np.eye(3, dtype=dtype)[[0, 1, 2, 1, 0]]
    s = np.array([1.0, 2.0, 0.5, 1.0, 0.0], dtype=dtype)
    record, elsewhere = forward(one, X), forward(two, other(X))
    for l in range(1, 7):
        assert_same(elsewhere.z[l], record.z[l], dtype)
        assert_same(elsewhere.a[l], record.a[l], dtype)
    for reduction in ("mean", "sum"):
        options = {"reduction": reduction, "weight_decay": 0.1}
        grads = backward(one, record, Y, loss, sample_weight=s, **options)
        found = backward(two, elsewhere, other(Y), loss, sample_weight=other(s), **options)
        assert found.cost == pytest.approx(grads.cost, rel=10 * TOLERANCE[dtype])
        assert len(found.parameters) == len(grads.parameters)
        for a, b in zip(found.parameters, grads.parameters, strict=True):
            assert_same(a, b, dtype)
        for l in range(1, 7):
            assert_same(found.delta[l], grads.delta[l], dtype)
        assert_same(found.activations[0], grads.activations[0], dtype)


def test_targets_and_weights_may_be_lists():
    one, two = networks(True, "float64")
    X, Y, s = matrix("float64", 1, (2, 3)), [[0, 1, 0], [1, 0, 0]], [1, 3]
    expected = backward(one, forward(one, X), Y, sample_weight=s)
    found = backward(two, forward(two, other(X)), Y, sample_weight=s)
    assert found.cost == pytest.approx(expected.cost, rel=1e-14)
    assert_same(found.weights[1], expected.weights[1], "float64")


@pytest.mark.parametrize("at_most", [8, pytest.param(30, marks=pytest.mark.long)])
def test_gradient_check(at_most):
    one, two = networks(True, "float32")
    X, Y = matrix("float64", 1), np.eye(3)[[0, 1, 2, 1, 0]]
    for loss in ("half_squared_error", "softmax_categorical_cross_entropy"):
        report = check_gradients(one, X, Y, loss, at_most=at_most)
        elsewhere = check_gradients(two, other(X), other(Y), loss, at_most=at_most)
        assert report.passed
        assert elsewhere.passed
        expected = {entry.name: entry.analytic for entry in report.entries}
        assert {entry.name: entry.analytic for entry in elsewhere.entries} == pytest.approx(expected, rel=1e-10)
        assert sum(value != 0 for value in expected.values()) > len(expected) // 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UPDATE_RULES)
def test_update_rule(name, dtype):
    rule, parameters = update_rule_named(name), [matrix(dtype), matrix(dtype, 1, (3,))]
    state, elsewhere = rule.init(parameters), rule.init([other(p) for p in parameters])
    for t in range(4):  # gradients whose signs turn for some entries
        gradients = [matrix(dtype, 10 + t), matrix(dtype, 20 + t, (3,))]
        changes, state = rule.update(gradients, state, 0.1)
        found, elsewhere = rule.update([other(g) for g in gradients], elsewhere, 0.1)
        for a, b in zip(found, changes, strict=True):
            assert_same(a, b, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_clips(dtype):
    gradients = [matrix(dtype), matrix(dtype, 1, (3,))]
    elsewhere = [other(g) for g in gradients]
    assert global_norm(elsewhere) == pytest.approx(global_norm(gradients), rel=10 * TOLERANCE[dtype])
    for clip in (clip_by_norm, clip_by_value):
        for largest in (0.5, 1e3):
            for a, b in zip(clip(elsewhere, largest), clip(gradients, largest), strict=True):
                assert_same(a, b, dtype)


def test_astype_and_round_trip_keep_the_library():
    _, two = networks("x0", "float64")
    narrow = two.astype("float32")
    assert {p.dtype for p in narrow.parameters} == {strict.float32}
    assert {p.dtype for p in narrow.astype("float64").parameters} == {strict.float64}
