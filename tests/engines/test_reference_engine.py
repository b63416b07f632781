"""The reference engine against a training loop written a second time, and against the formulas of seed 004."""

import math

import array_api_strict as strict
import numpy as np
import pytest
from plain_training import PlainPlan, plain_epoch

from chainrule.core.catalogue import loss_named
from chainrule.core.network import Network
from chainrule.core.update_rules import update_rule_named
from chainrule.engines import reference
from chainrule.engines.work import NotFiniteError, Work

EPOCHS = 20
RULES = ["gradient_descent", "momentum", "nesterov", "rmsprop", "adam", "adamw", "rprop"]
RATES = {"gradient_descent": 0.3, "momentum": 0.1, "nesterov": 0.1, "rprop": 0.01}
KINDS = {
    "softmax": ([3, 4, 3], ["tanh", "softmax"], "softmax_categorical_cross_entropy"),
    "logistic": ([3, 5, 2, 1], ["logistic", "logistic", "logistic"], "half_squared_error"),
}


def task(output):
    """Eleven examples: a batch size of 4 leaves a last batch of 3."""
    generator = np.random.default_rng(7)
    X = generator.normal(size=(11, 3))
    if output == "softmax":
        return X, np.eye(3)[generator.integers(0, 3, 11)]
    return X, (X[:, :1] * X[:, 1:2] > 0).astype(float)


def matrices_of(network):
    """The network's numbers in the plain loop's layout."""
    return [
        layer.weights.T if layer.biases is None else np.vstack([layer.biases, layer.weights]).T
        for layer in network.layers
    ]


def engine_and_plain(output, rule, *, batch_size=4, bias=True, frozen=(), shuffled=True, **settings):
    """Train both, epoch by epoch, and compare everything after each; return the last chunk."""
    sizes, activations, loss = KINDS[output]
    X, Y = task(output)
    trainable = [l not in frozen for l in range(1, len(sizes))]
    network = Network.dense(sizes, activations, bias=bias, trainable=trainable, init="uniform(-0.8,0.8)", seed=3)
    made = update_rule_named(rule)
    work = Work(X, Y, settings.pop("sample_weight", None), loss_named(loss), made, batch_size, middle=0.5,
                shuffle=shuffled, **settings)  # fmt: skip
    plan = PlainPlan(
        rule, output, activations[0], batch_size=batch_size, frozen=frozen, biases=bias is not False,
        sample_weight=work.sample_weight, random=np.random.default_rng(5), **settings,
    )  # fmt: skip
    matrices, state = matrices_of(network), made.init(network.trainable_parameters)
    generator = np.random.default_rng(5)
    eta = RATES.get(rule, 0.02)
    rates = eta * np.linspace(1, 0.5, EPOCHS * work.updates_per_epoch).reshape(EPOCHS, -1)
    first = matrices
    for epoch in range(EPOCHS):
        order = plan.random.permutation(11) if shuffled and batch_size < 11 else np.arange(11)
        network, state, numbers = reference.run(work, network, state, generator, rates[epoch : epoch + 1])
        matrices, cost, accuracy, norm = plain_epoch(plan, matrices, X, Y, order, rates[epoch])
        for found, expected in zip(matrices_of(network), matrices, strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
        np.testing.assert_allclose(numbers[0], (cost, accuracy, norm), rtol=1e-10)
    moved = [not np.allclose(a, b, atol=1e-3) for a, b in zip(first, matrices, strict=True)]
    assert moved == [l not in frozen for l in range(1, len(sizes))]
    assert 0 < numbers[0].accuracy <= 1
    assert generator.bit_generator.state == plan.random.bit_generator.state
    return network, work, rates


@pytest.mark.matrix(8)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [11, 1, 4], ids=["batch", "incremental", "minibatch"])
@pytest.mark.parametrize("output", KINDS)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_follows_the_same_path(rule, output, batch_size, reduction):
    engine_and_plain(output, rule, batch_size=batch_size, reduction=reduction)


@pytest.mark.matrix(17)
@pytest.mark.parametrize("batch_size", [11, 1, 4])
@pytest.mark.parametrize("rule", ["gradient_descent", "adam", "adamw"])
@pytest.mark.parametrize(
    "settings",
    [
        {"weight_decay": 0.1},
        {"clip_norm": 0.05},
        {"clip_value": 0.02},
        {"clip_norm": 0.05, "clip_value": 0.02, "weight_decay": 0.3, "reduction": "sum"},
        {"sample_weight": np.linspace(0.2, 3, 11)},
        {"sample_weight": np.linspace(3, 0.5, 11), "reduction": "sum", "weight_decay": 0.05},
        {"frozen": (1,)},
        {"frozen": (2,), "clip_norm": 0.05},
        {"bias": "x0", "weight_decay": 0.1},
        {"bias": False, "weight_decay": 0.1},
        {"shuffled": False},
        {"dropout": (0.4,)},
        {"dropout": (0.25,), "shuffled": False, "weight_decay": 0.1, "sample_weight": np.linspace(0.2, 3, 11)},
    ],
    ids=lambda settings: "+".join(settings),
)
@pytest.mark.parametrize("output", KINDS)
def test_every_setting_follows_the_same_path(output, settings, rule, batch_size):
    if "dropout" in settings and output == "logistic":  # it has two hidden layers
        settings = settings | {"dropout": (0.0, 0.3) if settings.get("shuffled", True) else (0.3, 0.5)}
    engine_and_plain(output, rule, batch_size=batch_size, **settings)


def test_settings_change_the_path():
    """The comparison above would pass if a setting did nothing on both sides."""
    plain = engine_and_plain("softmax", "gradient_descent")[0]
    for settings in (
        {"weight_decay": 0.1}, {"clip_norm": 0.05}, {"clip_value": 0.02}, {"batch_size": 1}, {"reduction": "sum"},
        {"sample_weight": np.linspace(0.2, 3, 11)}, {"sample_weight": np.linspace(0.2, 3, 11), "batch_size": 1},
        {"dropout": (0.4,)}, {"dropout": (0.4,), "batch_size": 11},
    ):  # fmt: skip
        other = engine_and_plain("softmax", "gradient_descent", **settings)[0]
        assert not np.allclose(plain.weights[1], other.weights[1], atol=1e-3)


@pytest.mark.parametrize("dropout", [(), (0.4,)])
@pytest.mark.parametrize("rule", RULES)
def test_a_chunk_of_epochs_is_the_epochs_one_by_one(rule, dropout):
    network, work, rates = engine_and_plain("softmax", rule, dropout=dropout)
    start = Network.dense(*KINDS["softmax"][:2], init="uniform(-0.8,0.8)", seed=3)
    chunk = reference.run(work, start, work.rule.init(start.trainable_parameters), np.random.default_rng(5), rates)
    assert len(chunk.epochs) == EPOCHS
    for found, expected in zip(chunk.network.parameters, network.parameters, strict=True):
        assert (found == expected).all()


def seed_004_layer():
    """Three sigmoid nodes on two inputs, four training cases; weights w[i, j] from input j to node i."""
    x = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0], [0.1, 0.9]])
    t = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    w = np.array([[0.2, -0.4], [0.7, 0.1], [-0.3, 0.6]])
    network = Network.dense([2, 3], "logistic", bias=False, weights=[w.T.copy()])
    return x, t, w, network


def sigmoid(s):
    return 1 / (1 + math.exp(-s))


def run_gradient_descent(network, x, t, batch_size, eta, seed=None):
    """The weights after an epoch; with a seed in the order that it draws."""
    rule = update_rule_named("gradient_descent")
    work = Work(x, t, None, loss_named("half_squared_error"), rule, batch_size, reduction="sum",
                shuffle=seed is not None)  # fmt: skip
    rates = np.full((1, work.updates_per_epoch), eta)
    generator = np.random.default_rng(seed)
    return reference.run(work, network, rule.init(network.parameters), generator, rates).network.weights[1].T


def test_seed_004_batch_update():
    """Delta w_ij = eta sum over d of (t_id - o_id) o_id (1 - o_id) x_jd, once an epoch."""
    x, t, w, network = seed_004_layer()
    expected = w.copy()
    for i in range(3):
        for j in range(2):
            for d in range(4):
                o = sigmoid(sum(w[i, k] * x[d, k] for k in range(2)))
                expected[i, j] += 0.7 * (t[d, i] - o) * o * (1 - o) * x[d, j]
    np.testing.assert_allclose(run_gradient_descent(network, x, t, 4, 0.7), expected, rtol=1e-14)


def test_seed_004_incremental_update():
    """Delta w_ij = eta (t_id - o_id) o_id (1 - o_id) x_jd after each case d, in the order given."""
    x, t, w, network = seed_004_layer()
    order = np.random.default_rng(50).permutation(4).tolist()
    assert order == [2, 0, 3, 1]
    expected = w.copy()
    for d in order:
        o = [sigmoid(sum(expected[i, k] * x[d, k] for k in range(2))) for i in range(3)]
        for i in range(3):
            for j in range(2):
                expected[i, j] += 0.7 * (t[d, i] - o[i]) * o[i] * (1 - o[i]) * x[d, j]
    found = run_gradient_descent(network, x, t, 1, 0.7, seed=50)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert not np.allclose(found, run_gradient_descent(network, x, t, 1, 0.7), atol=1e-4)  # the order matters


@pytest.mark.matrix(17)
@pytest.mark.parametrize(
    "settings", [{}, {"clip_norm": 0.05, "clip_value": 0.1, "weight_decay": 0.1}, {"dropout": (0.3,)}]
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [11, 4, 1])
@pytest.mark.parametrize("rule", RULES)
def test_array_api_strict(rule, batch_size, weighted, settings):
    """An array library with nothing but the standard gives NumPy's numbers."""
    sizes, activations, loss = KINDS["softmax"]
    X, Y = task("softmax")
    s = np.linspace(1, 2, 11) if weighted else None
    network = Network.dense(sizes, activations, init="uniform(-0.8,0.8)", seed=3)
    made = update_rule_named(rule)
    answers = []
    for convert in (np.asarray, strict.asarray):
        own = network.with_parameters([convert(p) for p in network.parameters])
        work = Work(
            convert(X), convert(Y), None if s is None else convert(s), loss_named(loss), made, batch_size,
            middle=0.5, shuffle=True, **settings,
        )  # fmt: skip
        rates = np.full((3, work.updates_per_epoch), 0.05)
        answers.append(reference.run(work, own, made.init(own.trainable_parameters), np.random.default_rng(5), rates))
    numpy, other = answers
    np.testing.assert_allclose(numpy.epochs, other.epochs, rtol=1e-12)
    for a, b, first in zip(numpy.network.parameters, other.network.parameters, network.parameters, strict=True):
        assert isinstance(b, type(strict.asarray([0.0])))
        np.testing.assert_allclose(a, np.asarray(b), rtol=0, atol=1e-12)
        assert not np.allclose(a, first, atol=1e-6)


def test_not_finite_says_where_and_keeps_the_network_before():
    X, Y = task("logistic")
    network = Network.dense([3, 2, 1], ["identity", "identity"], seed=0)
    rule = update_rule_named("gradient_descent")
    work = Work(X, Y, None, loss_named("half_squared_error"), rule, 4)
    with pytest.raises(NotFiniteError) as caught:
        reference.run(work, network, rule.init(network.parameters), np.random.default_rng(0), np.full((50, 3), 1e20))
    assert caught.value.layer in (1, 2)
    assert caught.value.batch in (0, 1, 2)
    assert all(np.isfinite(p).all() for p in caught.value.network.parameters)


@pytest.mark.parametrize(
    ("spoil", "layer", "what"),
    [
        ("weights", 1, "pre-activations"),
        ("cost", 2, "the cost after the activations"),
        ("activation", 1, "activations"),
        ("update", 1, "weights"),
    ],
)
def test_not_finite_names_the_first_number(spoil, layer, what):
    activations = ["exponential" if spoil == "activation" else "tanh", "logistic" if spoil == "cost" else "identity"]
    network = Network.dense([1, 1, 1], activations, weights=[np.array([[1.0]]), np.array([[1.0]])])
    X, Y, rate = np.array([[1.0]]), np.array([[1.0]]), 0.1
    loss = "half_squared_error"
    if spoil == "weights":
        X = np.array([[1e300]])
        network = Network.dense([1, 1, 1], "identity", weights=[np.array([[1e300]]), np.array([[1.0]])])
    if spoil == "activation":
        X = np.array([[1e3]])
    if spoil == "cost":  # the output is exactly 1, and the target says 0
        network = Network.dense([1, 1, 1], activations, weights=[np.array([[1.0]]), np.array([[1e4]])])
        Y, loss = np.array([[0.0]]), "binary_cross_entropy"
    if spoil == "update":
        Y, rate = np.array([[1e10]]), 1e300
    rule = update_rule_named("gradient_descent")
    work = Work(X, Y, None, loss_named(loss), rule, 1)
    with pytest.raises(NotFiniteError) as caught:
        reference.run(work, network, rule.init(network.parameters), np.random.default_rng(0), np.full((1, 1), rate))
    assert (caught.value.layer, caught.value.what) == (layer, what)


def test_weights_that_overflow_are_named_by_their_layer():
    """A step of 2e308 of the second layer, the only one that learns."""
    network = Network.dense([1, 1, 1], "identity", weights=[[[1.0]], [[1.0]]], trainable=[False, True], bias=False)
    work = Work(np.array([[1.0]]), np.array([[3.0]]), None, loss_named("half_squared_error"),
                update_rule_named("gradient_descent"), 1)  # fmt: skip
    with pytest.raises(NotFiniteError) as caught:
        reference.run(work, network, (), np.random.default_rng(0), np.array([[1.5e308]]))
    assert (caught.value.layer, caught.value.what) == (2, "weights")
    assert (caught.value.epoch, caught.value.batch) == (0, 0)
