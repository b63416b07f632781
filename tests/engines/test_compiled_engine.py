"""The compiled engine equals the reference engine: every activation, loss, rule, option and instruction set."""

from dataclasses import replace

import numpy as np
import pytest
from engine_equality import TOLERANCE, a_task, assert_equal, run_both
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.core.catalogue import ACTIVATIONS, LOSSES
from chainrule.engines import compiled
from chainrule.engines.kernels import kernels

SETS = list(kernels())
DTYPES = ["float32", "float64"]

# Activations of the output layer whose values each loss can take.
ANY = [*ACTIVATIONS, "leaky_relu(0.2)", "elu(0.7)"]
POSITIVE = ["exponential", "softplus", "logistic", "softmax"]
OUTPUTS = {
    "poisson": POSITIVE,
    "binary_cross_entropy": ["logistic"],
    "categorical_cross_entropy": POSITIVE,
    "logistic_binary_cross_entropy": ["logistic"],
    "softmax_categorical_cross_entropy": ["softmax"],
    "perceptron_criterion": ["step"],
}


def learns(net, loss, l):
    """Whether layer l has a gradient by its nature: nothing above it is flat."""
    above = [layer.activation.name for layer in net.layers[l - 1 :]]
    fused = loss.endswith(("binary_cross_entropy", "perceptron_criterion")) and loss not in ("binary_cross_entropy",)
    if above[-1] == "softmax" and net.sizes[-1] == 1:
        return False  # its only output is 1
    return "step" not in above[:-1] and (above[-1] != "step" or fused)


def compare(work, net, instruction_set, tolerance=None, epochs=3, rate=0.1):
    wanted, found = run_both(work, net, epochs, rate, instruction_set=instruction_set)
    assert_equal(wanted, found, net, tolerance or TOLERANCE[str(net.parameters[0].dtype)])
    for l, (old, new) in enumerate(zip(net.layers, found.network.layers, strict=True), start=1):
        moved = [(a != b).any() for a, b in zip(old.parameters, new.parameters, strict=True)]
        if not old.trainable:
            assert not any(moved)
        elif learns(net, work.loss.name, l):
            assert moved[0]  # the steps of a bias may add up to nothing, for a loss that knows only two slopes


@pytest.mark.matrix(2)
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [*ACTIVATIONS, "leaky_relu(0.2)", "elu(0.7)"])
def test_hidden_activations_with_every_loss(activation, dtype, instruction_set):
    # Exponentials of exponentials leave the numbers within some updates.
    hidden = ["tanh", activation] if activation == "exponential" else [activation, activation]
    for i, loss in enumerate([*LOSSES, "huber(0.4)", "quantile(0.9)"]):
        for outputs in (1, 3):
            classify = "entropy" in loss
            work, net = a_task(
                (3, 5, 4, outputs), [*hidden, "identity"], loss=loss, dtype=dtype, seed=i + 3, classify=classify
            )
            compare(work, net, instruction_set, rate=0.001 if activation == "exponential" else 0.1)


@pytest.mark.matrix(2)
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [*LOSSES, "huber(0.4)", "quantile(0.9)"])
def test_losses_with_every_output_activation(loss, dtype, instruction_set):
    for output in OUTPUTS.get(loss, ANY):
        for outputs in (1, 3, 18):
            work, net = a_task((3, 4, outputs), "tanh", output, loss, dtype=dtype, seed=outputs)
            compare(work, net, instruction_set)


RULES = [
    "gradient_descent", "momentum", "nesterov", "rmsprop", "adam", "adamw", "rprop",
    "momentum(0.5)", "nesterov(0)", "rmsprop(0.5,0.001)", "adam(0.5,0.9,0.0001)", "adamw(0,0,1)",
    "rprop(1.5,0.3,0.2,0.001)", "momentum(1)", "nesterov(1)", "adam(0.9,0.99,0,0.01)", "adamw(0.5,0.9,0.1,0.02)",
]  # fmt: skip


@pytest.mark.matrix(2)
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", RULES)
def test_update_rules(rule, dtype, instruction_set):
    for options in ({}, {"weight_decay": 0.3}, {"clip_norm": 0.2}, {"clip_value": 0.01, "batch": 10}):
        work, net = a_task((3, 20, 2), rule=rule, dtype=dtype, **options)
        compare(work, net, instruction_set, epochs=4, rate=0.02)


BATCHES = [1, 2, 3, 4, 5, 7, 12, 13, 24, 25, 31, 150]  # ragged last batches of 1, 3, 1, 3, 1, 3, 7, 7, ... of 31


@pytest.mark.matrix(2)
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
def test_batch_sizes(batch, dtype, instruction_set):
    for reduction in ("mean", "sum"):
        for sizes in ((3, 17, 2), (1, 1, 1), (33, 5, 70, 4), (2, 3)):
            work, net = a_task(sizes, batch=batch, N=31, dtype=dtype, reduction=reduction, shuffle=True,
                               weight_decay=0.01)  # fmt: skip
            compare(work, net, instruction_set, rate=0.02 if reduction == "mean" else 0.02 / min(batch, 31))


OPTIONS = {
    "sum": {"reduction": "sum", "weight_decay": 0.1},
    "decay": {"weight_decay": 0.5},
    "decay-shared": {"weight_decay": 0.5, "decay_is_shared": True},
    "decay-shared-sum": {"weight_decay": 0.1, "decay_is_shared": True, "reduction": "sum"},
    "decay-shared-frozen": {"weight_decay": 0.5, "decay_is_shared": True, "trainable": [False, True, True]},
    "weighted": {"weighted": True},
    "weighted-sum": {"weighted": True, "reduction": "sum", "weight_decay": 0.2},
    "clip-norm": {"clip_norm": 0.05},
    "clip-norm-that-is-not-reached": {"clip_norm": 1e6},
    "clip-value": {"clip_value": 0.003},
    "clip-both": {"clip_norm": 0.01, "clip_value": 0.003, "weight_decay": 0.2},
    "frozen-first": {"trainable": [False, True, True], "weight_decay": 0.3},
    "frozen-middle": {"trainable": [True, False, True], "weight_decay": 0.3},
    "frozen-last": {"trainable": [True, True, False], "clip_norm": 0.1},
    "frozen-all-but-last": {"trainable": [False, False, True]},
    "frozen-all-but-first": {"trainable": [True, False, False]},
    "no-bias": {"bias": False},
    "x0": {"bias": "x0", "weight_decay": 0.3},
    "x0-frozen": {"bias": "x0", "weight_decay": 0.3, "trainable": [False, True, True]},
    "dropout": {"dropout": (0.4, 0.2), "shuffle": True},
    "dropout-of-one-layer": {"dropout": (0.0, 0.5)},
    "dropout-of-softmax-units": {"dropout": (0.3, 0.3), "activation": "softmax"},
    "dropout-frozen-x0": {"dropout": (0.3, 0.3), "trainable": [True, False, True], "bias": "x0"},
    "shuffle": {"shuffle": True, "weighted": True},
    "one-class-output": {"classify": True, "output": "logistic", "loss": "logistic_binary_cross_entropy", "last": 1},
    "classes": {"classify": True, "output": "softmax", "loss": "softmax_categorical_cross_entropy", "last": 9},
    "not-fused-classes": {"classify": True, "output": "softmax", "loss": "half_squared_error", "weighted": True},
}


@pytest.mark.matrix
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", ["gradient_descent", "adam", "momentum"])
@pytest.mark.parametrize("name", OPTIONS)
def test_options(name, rule, dtype, instruction_set):
    options = dict(OPTIONS[name])
    last = options.pop("last", 3)
    for batch in (1, 3, 4, 26, 40):
        work, net = a_task((5, 19, 40, last), rule=rule, batch=batch, N=40, dtype=dtype, **options)
        # What a layer of softmax with dropout returns is small; more epochs would only add rounding.
        compare(work, net, instruction_set, epochs=2, rate=0.002, tolerance=4 * TOLERANCE[dtype])


def test_parameters_in_fortran_order():
    work, net = a_task((4, 6, 3), rule="adam")
    turned = net.with_parameters([np.asfortranarray(p) for p in net.parameters])
    rates = np.full((3, work.updates_per_epoch), 0.1)
    outcomes = []
    for one in (net, turned):
        watch = compiled.Watch(work, keep_best=True)
        job = compiled.Job(work, one, work.rule.init(one.parameters), np.random.default_rng(0), rates, watch)
        outcomes += compiled.run_all([job])[0]
    for name in ("network", "best_network"):
        for p, q in zip(*(getattr(outcome, name).parameters for outcome in outcomes), strict=True):
            assert (p == q).all()
            assert (p != 0).all()


def test_examples_in_fortran_order_or_with_gaps():
    work, net = a_task((4, 6, 3))
    found = []
    for X in (work.X, np.asfortranarray(work.X), np.repeat(work.X, 2, axis=1)[:, ::2]):
        found.append(run_both(replace(work, X=X), net)[1].network)
    for other in found[1:]:
        assert all((p == q).all() for p, q in zip(found[0].parameters, other.parameters, strict=True))


@pytest.mark.matrix(15)
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", ["gradient_descent", "momentum", "adam(0.9,0.99,0.001)"])
@pytest.mark.parametrize("inputs", [5, 4, 1])  # up to 4 everywhere is tiny
@pytest.mark.parametrize("outputs", [1, 2, 3, 4, 5])
def test_few_outputs(outputs, inputs, rule, dtype, instruction_set):
    loss = "softmax_categorical_cross_entropy" if outputs > 1 else "logistic_binary_cross_entropy"
    for batch in (1, 4, 6, 8, 9, 16, 20, 33, 64):
        work, net = a_task(
            (inputs, 3, outputs), "logistic", loss=loss, rule=rule, batch=batch, N=70, dtype=dtype,
            classify=True, shuffle=batch % 2 == 0, weighted=batch == 9,
        )  # fmt: skip
        wanted, found = run_both(work, net, 3, 0.02, instruction_set=instruction_set)
        assert assert_equal(wanted, found, net, TOLERANCE[dtype]) > 1e-4
        assert 0 < found.epochs[-1, 1] <= 1  # the accuracy, which assert_equal has compared


@pytest.mark.matrix
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False, "x0"])
@pytest.mark.parametrize("rule", ["gradient_descent", "nesterov", "rmsprop", "adamw", "rprop"])
def test_tiny_networks(rule, bias, dtype, instruction_set):
    for sizes in ((2, 2, 1), (3, 4, 4, 2), (1, 1), (4, 3, 4, 1, 3)):
        for batch in (1, 3, 16, 50):
            work, net = a_task(sizes, rule=rule, dtype=dtype, bias=bias, batch=batch, N=50, weight_decay=0.1,
                               reduction="sum" if batch == 3 else "mean")  # fmt: skip
            compare(work, net, instruction_set, rate=0.01)


@pytest.mark.matrix
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [2, 70])
@pytest.mark.parametrize("rule", ["adam", "adam(0.5,0.9,0.001)", "adamw"])
def test_running_means_of_many_updates(rule, batch, dtype):
    work, net = a_task((3, 20, 2), rule=rule, dtype=dtype, batch=batch, N=70)
    compare(work, net, None, epochs=140, rate=0.001)


@pytest.mark.parametrize("instruction_set", SETS)
def test_wide_layers(instruction_set):
    for sizes in ((130, 129, 10), (64, 32, 16), (7, 200, 1)):
        work, net = a_task(sizes, "relu", batch=40, N=100, rule="adam", shuffle=True)
        compare(work, net, instruction_set, epochs=2, rate=0.001)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_architecture(data):
    draw = data.draw
    units = draw(st.lists(st.integers(1, 150), min_size=0, max_size=4), label="hidden")
    sizes = (draw(st.integers(1, 40), label="inputs"), *units, draw(st.integers(1, 20), label="outputs"))
    dtype = draw(st.sampled_from(DTYPES))
    # In float32 a sum is so often near to 0 that its rounding would decide on which side it lies.
    kinks = {"step", "relu", "leaky_relu"} if dtype == "float32" else set()
    activation = [draw(st.sampled_from(sorted(set(ACTIVATIONS) - kinks - {"exponential"}))) for _ in units]
    output = draw(st.sampled_from(["identity", "tanh", "logistic", "softmax", "softplus", "selu"]))
    work, net = a_task(
        sizes, [*activation, output], output,
        loss=draw(st.sampled_from(["half_squared_error", "mean_of_squares", "huber"])),
        rule=draw(st.sampled_from(["gradient_descent", "momentum", "nesterov", "adam(0.9,0.99,0.001)"])),
        batch=draw(st.integers(1, 40), label="batch"), N=draw(st.integers(1, 60), label="N"),
        dtype=dtype, bias=draw(st.sampled_from([True, False, "x0"])),
        weighted=draw(st.booleans()), shuffle=draw(st.booleans()),
        reduction="mean", weight_decay=draw(st.sampled_from([0.0, 0.01])),
        dropout=draw(st.sampled_from([(), (0.5,) * len(units)])) if units else (), seed=draw(st.integers(0, 99)),
    )  # fmt: skip
    instruction_set = draw(st.sampled_from(SETS))
    wanted, found = run_both(work, net, 2, 0.001, instruction_set=instruction_set)
    assert_equal(wanted, found, net, 20 * TOLERANCE[str(net.parameters[0].dtype)])


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_the_random_stream_is_that_of_numpy(bits):
    """The order by the weights it leads to, and where the generator stands afterwards."""
    for N in [*range(1, 40), 63, 64, 65, 127, 128, 129, 255, 257, 1000, 1023, 1024, 1025, 5000]:
        work, net = a_task((2, 1), N=N, batch=1, shuffle=True, dropout=())
        generator = np.random.Generator(bits(N))
        generator.random(N % 3, dtype=np.float32)  # a generator that keeps half of a word for later
        twin = np.random.Generator(bits(N))
        twin.random(N % 3, dtype=np.float32)
        state, rates = work.rule.init(net.parameters), np.full((2, N), 0.05)
        (found,), _ = compiled.run_all([compiled.Job(work, net, state, generator, rates)])
        orders = [twin.permutation(N) for _ in range(2 if N > 1 else 0)]
        assert str(generator.bit_generator.state) == str(twin.bit_generator.state)
        w, b = net.weights[1][:, 0], net.biases[1][0]
        for order in orders:
            for n in order:
                delta = work.X[n] @ w + b - work.Y[n, 0]
                w, b = w - 0.05 * delta * work.X[n], b - 0.05 * delta
        if orders:
            np.testing.assert_allclose(found.network.weights[1][:, 0], w, rtol=1e-9)
