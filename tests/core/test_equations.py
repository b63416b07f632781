"""Every activation and loss against formulas in `math`, autograd's derivatives, central differences and the limits."""

import math

import autograd_oracle as oracle
import numpy as np
import pytest
from autograd import elementwise_grad, make_vjp

from chainrule.core.catalogue import ACTIVATIONS, LOSSES, FusedLoss, activation_named, loss_named
from chainrule.core.equations import with_x0
from chainrule.core.special import normal_cdf, normal_density
from chainrule.errors import UsageError

INF, NAN = math.inf, math.nan

# One number at a time, in `math`; each is the textbook's formula.
SCALAR = {
    "identity": lambda z: z,
    "step": lambda z: 1.0 if z >= 0 else 0.0,
    "logistic": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: max(z, 0.01 * z),
    "leaky_relu(0.2)": lambda z: max(z, 0.2 * z),
    "elu": lambda z: z if z > 0 else math.expm1(z),
    "elu(0.5)": lambda z: z if z > 0 else 0.5 * math.expm1(z),
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * math.expm1(z)),
    "gelu": lambda z: z * math.erfc(-z / math.sqrt(2)) / 2,
    "silu": lambda z: z / (1 + math.exp(-z)),
    "softplus": lambda z: math.log1p(math.exp(z)),
    "exponential": math.exp,
}
NAMES = [*SCALAR, "softmax"]
KINKED = {"step", "relu", "leaky_relu", "leaky_relu(0.2)", "elu(0.5)", "selu"}

# (value at -inf, value at +inf, derivative at -inf, derivative at +inf)
LIMITS = {
    "identity": (-INF, INF, 1, 1),
    "step": (0, 1, 0, 0),
    "logistic": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, INF, 0, 1),
    "leaky_relu": (-INF, INF, 0.01, 1),
    "leaky_relu(0.2)": (-INF, INF, 0.2, 1),
    "elu": (-1, INF, 0, 1),
    "elu(0.5)": (-0.5, INF, 0, 1),
    "selu": (-1.6732632423543772 * 1.0507009873554805, INF, 0, 1.0507009873554805),
    "softplus": (0, INF, 0, 1),
    "exponential": (0, INF, 0, INF),
}


def points():
    """Numbers on both sides of 0, small and moderate, none of them at a kink."""
    Z = np.random.default_rng(0).uniform(-4, 4, (6, 5))
    Z[0] = [-1e-3, 1e-3, -8, 8, 0.5]
    return Z


def test_every_activation_is_covered():
    assert {name.partition("(")[0] for name in NAMES} == set(ACTIVATIONS)
    assert {name.partition("(")[0] for name in oracle.ACTIVATIONS} == set(ACTIVATIONS)
    assert {name.partition("(")[0] for name in oracle.LOSSES} == set(LOSSES)


@pytest.mark.parametrize("name", SCALAR)
def test_activation_value_is_the_formula(name):
    Z = points()
    expected = [[SCALAR[name](z) for z in row] for row in Z.tolist()]
    np.testing.assert_allclose(activation_named(name).value(Z), expected, rtol=2e-15, atol=1e-17)


def test_softmax_value_is_the_formula():
    Z = points()
    expected = [[math.exp(z) / sum(math.exp(other) for other in row) for z in row] for row in Z.tolist()]
    np.testing.assert_allclose(activation_named("softmax").value(Z), expected, rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_pullback_is_autograds_vector_jacobian_product(name):
    f, Z = activation_named(name), points()
    dC_dA = np.random.default_rng(1).normal(size=Z.shape)
    vjp, A = make_vjp(oracle.ACTIVATIONS[name])(Z)
    found = f.pullback(Z, f.value(Z), dC_dA)
    np.testing.assert_allclose(f.value(Z), A, rtol=1e-12)
    np.testing.assert_allclose(found, vjp(dC_dA), rtol=1e-11, atol=1e-15)
    assert np.any(found != 0) == (name != "step")


@pytest.mark.parametrize("name", NAMES)
def test_pullback_is_the_central_difference(name):
    f, Z, h = activation_named(name), points(), 1e-5
    dC_dA = np.random.default_rng(2).normal(size=Z.shape)
    numeric = np.zeros_like(Z)
    for n, k in np.ndindex(Z.shape):
        nudge = np.zeros_like(Z)
        nudge[n, k] = h
        numeric[n, k] = np.sum(dC_dA * (f.value(Z + nudge) - f.value(Z - nudge))) / (2 * h)
    found = f.pullback(Z, f.value(Z), dC_dA)
    np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-8)
    assert np.any(found != 0) == (name != "step")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in KINKED])
def test_without_a_kink_the_derivative_does_not_jump(name):
    f = activation_named(name)
    Z = np.array([[-1e-9], [1e-9]])
    left, right = f.pullback(Z, f.value(Z), np.ones((2, 1)))[:, 0]
    assert left == pytest.approx(right, abs=1e-8)


@pytest.mark.parametrize("name", sorted(KINKED))
def test_a_kink_is_one(name):
    f, h = activation_named(name), 1e-7
    below, at, above = f.value(np.array([[-h], [0.0], [h]]))[:, 0]
    assert abs((above - at) / h - (at - below) / h) > 0.1


@pytest.mark.parametrize("name", sorted(KINKED))
def test_at_its_corner_an_activation_has_the_slope_below(name):
    """As PyTorch and TensorFlow have it: relu'(0) = 0 and leaky_relu'(0) is the slope of the leak."""
    f = activation_named(name)
    Z = np.array([[-1e-12], [0.0], [-0.0]])
    below, at, at_minus_0 = f.pullback(Z, f.value(Z), np.full((3, 1), 3.0))[:, 0]
    assert at == at_minus_0 == pytest.approx(below, rel=1e-9)
    assert below == pytest.approx(3e12 * SCALAR[name](0.0) - 3e12 * SCALAR[name](-1e-12), rel=1e-9) or name == "step"


@pytest.mark.parametrize("name", NAMES)
def test_declared_range_holds_the_values_and_is_approached(name):
    f = activation_named(name)
    Z = (
        np.linspace(-30, 30, 20_001)[:, None]
        if f.name != "softmax"
        else np.random.default_rng(0).normal(0, 20, (999, 3))
    )
    A = f.value(Z)
    low, high = f.range
    assert low - 1e-3 <= A.min() < (low + 1e-2 if math.isfinite(low) else -0.2)
    assert (high - 1e-2 if math.isfinite(high) else 20) < A.max() <= high


@pytest.mark.parametrize("m", [2, 3, 7])
def test_softmax_pullback_is_the_full_jacobian_of_seed_004(m):
    f = activation_named("softmax")
    Z = np.random.default_rng(m).normal(size=(1, m))
    s = f.value(Z)[0]
    J = np.array([[s[i] - s[i] ** 2 if i == k else -s[i] * s[k] for k in range(m)] for i in range(m)])
    for i in range(m):
        e_i = np.eye(m)[i : i + 1]  # the row vector J_S^L that picks ds_i/dz
        np.testing.assert_allclose(f.pullback(Z, s[None, :], e_i)[0], J[i], rtol=1e-13)
    J_S_L = np.arange(1.0, m + 1)[None, :]
    np.testing.assert_allclose(f.pullback(Z, s[None, :], J_S_L), J_S_L @ J, rtol=1e-12)
    assert np.all(J != 0)
    np.testing.assert_allclose(J.sum(axis=0), 0, atol=1e-15)  # the outputs always sum to 1


# ---- extremes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIMITS)
def test_infinities_give_the_limits(name):
    f = activation_named(name)
    Z = np.array([[-INF], [INF]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        A = f.value(Z)
        dA = f.pullback(Z, A, np.ones_like(Z))
    assert A[:, 0].tolist() == pytest.approx(LIMITS[name][:2])
    assert dA[:, 0].tolist() == pytest.approx(LIMITS[name][2:])


def test_softmax_takes_minus_infinity_as_impossible():
    f = activation_named("softmax")
    Z = np.array([[0.0, -INF, math.log(3)]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(f.value(Z), [[0.25, 0, 0.75]], rtol=1e-15)


def test_softmax_of_plus_infinity_is_not_a_number():
    with np.errstate(invalid="ignore"):  # inf - inf: which of several infinities is larger is not known
        assert np.isnan(activation_named("softmax").value(np.array([[INF, 0.0]]))).all()


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_visible(name):
    f = activation_named(name)
    A = f.value(np.array([[NAN, 1.0], [0.5, 1.0]]))
    if name == "step":  # a decision has no third answer
        assert A.tolist() == [[0, 1], [1, 1]]
        return
    assert np.isnan(A[0, 0])
    assert np.isfinite(A[1]).all()
    dC_dA = np.where(np.isnan(A), NAN, 1.0)  # a NaN output makes the cost NaN, and its derivative
    assert np.isnan(f.pullback(np.array([[NAN, 1.0], [0.5, 1.0]]), A, dC_dA)[0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "exponential"])
def test_large_numbers_do_not_overflow(name, dtype):
    f = activation_named(name)
    Z = np.array([[-1e4, 1e4], [1e4, 1e4], [-1e4, 0.0], [-100.0, 100.0], [-40.0, 40.0]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        A = f.value(Z)
        delta = f.pullback(Z, A, np.ones_like(Z))
    assert np.isfinite(A).all()
    assert np.isfinite(delta).all()
    if name != "softmax":
        limits = LIMITS.get(name, (0, INF))  # GELU and SiLU: infinity times 0 is no number, but 100 is large enough
        at_100 = [limits[i] if math.isfinite(limits[i]) else SCALAR[name]((-100, 100)[i]) for i in (0, 1)]
        np.testing.assert_allclose(A[3], at_100, rtol=1e-6, atol=1e-30)


def test_the_exponential_overflows_openly():
    f = activation_named("exponential")
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        f.value(np.array([[1e4]]))
    with np.errstate(over="ignore"):
        assert f.value(np.array([[1e4, -1e4]])).tolist() == [[INF, 0]]


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32_and_is_close(name):
    f, Z = activation_named(name), points()
    Z32, dC_dA = Z.astype("float32"), np.ones_like(Z)
    dC_dA[:, 0] = 2
    A32 = f.value(Z32)
    delta32 = f.pullback(Z32, A32, dC_dA.astype("float32"))
    assert A32.dtype == delta32.dtype == np.float32
    Z = Z32.astype("float64")
    np.testing.assert_allclose(A32, f.value(Z), rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(delta32, f.pullback(Z, f.value(Z), dC_dA), rtol=1e-5, atol=3e-7)


# ---- the normal distribution --------------------------------------------------------------------------------------


def test_normal_cdf_against_math():
    z = np.concatenate([np.linspace(-8, 8, 4001), [-1e-12, 1e-300, 5.3e-9]])
    expected = np.array([math.erfc(-x / math.sqrt(2)) / 2 for x in z])
    np.testing.assert_allclose(normal_cdf(z), expected, rtol=1e-14, atol=0)
    by_erf = np.array([(1 + math.erf(x / math.sqrt(2))) / 2 for x in z])
    np.testing.assert_allclose(normal_cdf(z), by_erf, rtol=0, atol=3e-16)


def test_normal_cdf_far_out_and_beyond():
    z = np.array([-35.0, -20.0, 12.0, INF, -INF, NAN])
    found = normal_cdf(z)
    np.testing.assert_allclose(found[:2], [math.erfc(x / math.sqrt(2)) / 2 for x in (35.0, 20.0)], rtol=3e-13)
    assert found[2:5].tolist() == [1, 1, 0]
    assert math.isnan(found[5])


def test_normal_density_is_the_derivative_of_the_cdf():
    z, h = np.linspace(-4, 4, 41), 1e-4
    np.testing.assert_allclose(normal_density(z), (normal_cdf(z + h) - normal_cdf(z - h)) / (2 * h), rtol=1e-6)
    assert normal_density(np.array([0.0]))[0] == pytest.approx(1 / math.sqrt(2 * math.pi), rel=1e-15)


# ---- losses -------------------------------------------------------------------------------------------------------

A2 = [[0.5, 2.0], [0.25, 0.75]]
Y2 = [[1.0, 1.75], [0.0, 1.0]]
# e = a - y is [[-0.5, 0.25], [0.25, -0.25]]
LOG2, LOG34 = math.log(2), math.log(0.75)
BY_HAND = {
    "half_squared_error": [0.5 * (0.25 + 0.0625), 0.5 * (0.0625 + 0.0625)],
    "sum_of_squares": [0.3125, 0.125],
    "mean_of_squares": [0.15625, 0.0625],
    "absolute_error": [0.75, 0.5],
    "huber": [0.15625, 0.0625],  # all within 1
    "huber(0.25)": [0.25 * (0.5 - 0.125) + 0.03125, 0.0625],  # -0.5 lies beyond 0.25
    "quantile": [0.375, 0.25],  # half the absolute error
    "quantile(0.9)": [0.9 * 0.5 + 0.1 * 0.25, 0.1 * 0.25 + 0.9 * 0.25],
    "poisson": [0.5 + LOG2 + 2.0 - 1.75 * LOG2, 0.25 + 0.75 - LOG34],
}


@pytest.mark.parametrize("name", BY_HAND)
def test_loss_values_by_hand(name):
    loss = loss_named(name)
    np.testing.assert_allclose(loss.value(np.array(A2), np.array(Y2)), BY_HAND[name], rtol=1e-15)


def test_cross_entropies_by_hand():
    A, Y = np.array([[0.5, 0.25, 0.25], [0.2, 0.5, 0.3]]), np.array([[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]])
    # -log 1/4 = log 4;  -(log 0.2 + log 0.5) / 2 = log(10) / 2
    found = loss_named("categorical_cross_entropy").value(A, Y)
    np.testing.assert_allclose(found, [math.log(4), math.log(10) / 2], rtol=1e-15)
    # -log 0.5 - log 0.25 - log 0.75 = log(32/3)
    # -(log 0.2 + log 0.8) / 2 - log 0.5 - log 0.7 = -log(0.4 * 0.5 * 0.7) = log(1 / 0.14)
    found = loss_named("binary_cross_entropy").value(A, Y)
    np.testing.assert_allclose(found, [math.log(32 / 3), math.log(1 / 0.14)], rtol=1e-15)


def test_perceptron_criterion_by_hand():
    # z = 2 with target 0: wrong side by 2. z = -3 with target 1: wrong side by 3. Both right: 0.
    Z, Y = np.array([[2.0, 0.5], [-3.0, 1.0], [2.0, -1.0]]), np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    loss = loss_named("perceptron_criterion")
    assert loss.value(Z, Y).tolist() == [2, 4, 0]
    assert loss.delta(Z, np.where(Z >= 0, 1.0, 0.0), Y).tolist() == [[1, 0], [-1, 1], [0, 0]]


PLAIN = [name for name in oracle.LOSSES if name not in oracle.FUSED_OUTPUT]


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", PLAIN)
def test_loss_pullback_is_autograds(name, outputs):
    random = np.random.default_rng(3)
    A, Y = random.uniform(0.05, 0.95, (8, outputs)), random.uniform(0.05, 0.95, (8, outputs))
    A[0], Y[0] = 0.9, 0.1  # beyond the width of huber(0.5)
    loss = loss_named(name)
    expected = elementwise_grad(lambda A: oracle.LOSSES[name](None, A, Y))(A)
    found = loss.pullback(A, Y)
    np.testing.assert_allclose(loss.value(A, Y), oracle.LOSSES[name](None, A, Y).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.all(found != 0)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", [*oracle.FUSED_OUTPUT])
def test_fused_delta_is_autograds(name, outputs):
    random = np.random.default_rng(4)
    Z, Y = random.normal(size=(8, outputs)), random.uniform(0, 1, (8, outputs))
    f, loss = oracle.ACTIVATIONS[oracle.FUSED_OUTPUT[name]], loss_named(name)
    assert isinstance(loss, FusedLoss)
    expected = elementwise_grad(lambda Z: np.ones((1, 8)) @ oracle.LOSSES[name](Z, f(Z), Y))(Z)
    found = loss.delta(Z, f(Z), Y)
    np.testing.assert_allclose(loss.value(Z, Y), oracle.LOSSES[name](Z, f(Z), Y).sum(axis=1), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-15)
    if name == "softmax_categorical_cross_entropy" and outputs == 1:
        np.testing.assert_allclose(found, 0, atol=1e-15)  # one output is always 1: nothing to learn
    else:
        assert np.all(found != 0)


@pytest.mark.parametrize("targets", ["one of n", "soft", "soft, not summing to 1"])
@pytest.mark.parametrize(
    ("fused", "activation", "unfused"),
    [
        ("logistic_binary_cross_entropy", "logistic", "binary_cross_entropy"),
        ("softmax_categorical_cross_entropy", "softmax", "categorical_cross_entropy"),
    ],
)
def test_fused_equals_unfused(fused, activation, unfused, targets):
    random = np.random.default_rng(5)
    Z = random.normal(0, 2, (20, 4))
    Y = {
        "one of n": np.eye(4)[random.integers(0, 4, 20)],
        "soft": random.dirichlet(np.ones(4), 20),
        "soft, not summing to 1": random.uniform(0, 1, (20, 4)),
    }[targets]
    f, one, two = activation_named(activation), loss_named(fused), loss_named(unfused)
    A = f.value(Z)
    np.testing.assert_allclose(one.cost(Z, A, Y), two.cost(Z, A, Y), rtol=1e-13)
    delta = one.delta(Z, A, Y)
    np.testing.assert_allclose(delta, f.pullback(Z, A, two.pullback(A, Y)), rtol=1e-9, atol=1e-14)
    assert np.all(delta != 0)


def test_fused_stays_finite_where_the_unfused_saturates():
    Z, Y = np.array([[800.0, -800.0]]), np.array([[0.0, 1.0]])
    for activation, fused, unfused, cost in [
        ("logistic", "logistic_binary_cross_entropy", "binary_cross_entropy", 1600),
        ("softmax", "softmax_categorical_cross_entropy", "categorical_cross_entropy", 1600),
    ]:
        A = activation_named(activation).value(Z)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            assert loss_named(fused).cost(Z, A, Y).tolist() == [cost]
            assert loss_named(fused).delta(Z, A, Y).tolist() == [[1, -1]]
        with np.errstate(divide="ignore"):
            assert loss_named(unfused).cost(Z, A, Y).tolist() == [INF]


def test_zero_log_zero_is_zero():
    # An output of exactly 0 or 1 that agrees with its target costs nothing and pulls nowhere.
    A, Y = np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]])
    with np.errstate(all="raise"):
        for name in ("binary_cross_entropy", "categorical_cross_entropy"):
            assert loss_named(name).value(A, Y).tolist() == [0]
        assert loss_named("binary_cross_entropy").pullback(A, Y).tolist() == [[1, -1]]  # (1 - y) / (1 - a), -y / a
        assert loss_named("categorical_cross_entropy").pullback(A, Y).tolist() == [[0, -1]]
        assert loss_named("poisson").value(np.array([[0.0, 3.0]]), np.zeros((1, 2))).tolist() == [3]
        assert loss_named("poisson").pullback(np.array([[0.0, 3.0]]), np.zeros((1, 2))).tolist() == [[1, 1]]


def test_the_kinks_of_losses_take_the_slope_0():
    E0 = np.array([[2.0]])
    for name in ("absolute_error", "quantile(0.9)"):
        assert loss_named(name).pullback(E0, E0).tolist() == [[0]]


@pytest.mark.parametrize("name", PLAIN)
def test_losses_keep_nan_visible_and_float32(name):
    loss = loss_named(name)
    A, Y = np.array([[NAN, NAN], [0.5, 0.25]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert np.isnan(loss.value(A, Y)).tolist() == [True, False]
    assert np.isnan(loss.pullback(A, Y)[0, 1])
    A, Y = A[1:].astype("float32"), Y[1:].astype("float32")
    assert loss.value(A, Y).dtype == loss.pullback(A, Y).dtype == np.float32


def test_x0_stands_before_the_columns():
    assert with_x0(np.array([[2.0, 3.0], [4.0, 5.0]])).tolist() == [[1, 2, 3], [1, 4, 5]]


@pytest.mark.parametrize(
    "name", ["quantile(0)", "quantile(1)", "quantile(1.5)", "quantile(-0.1)", "huber(0)", "huber(-1)"]
)
def test_numbers_that_make_no_loss(name):
    with pytest.raises(UsageError, match="needs q between 0 and 1" if "quantile" in name else "needs a width above 0"):
        loss_named(name)
    assert loss_named("quantile").value(np.array([[3.0]]), np.array([[1.0]])).tolist() == [1]  # half of 2
