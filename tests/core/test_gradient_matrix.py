"""The whole gradient and its cost, as a pair, for every combination of what can be combined.

Each is compared with two things that do not know the core: autograd on a cost written again in
`autograd_oracle`, and central differences of that cost.
"""

from itertools import pairwise

import autograd_oracle as oracle
import numpy as np
import pytest
from autograd import grad, value_and_grad
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.network import Network
from chainrule.core.passes import backward, cost, example_shares, forward
from chainrule.core.update_rules import gradient_descent

REGRESSION = [
    "half_squared_error",
    "sum_of_squares",
    "mean_of_squares",
    "absolute_error",
    "huber",
    "huber(0.5)",
    "quantile",
    "quantile(0.9)",
]
POSITIVE = ["exponential", "softplus", "logistic", "softmax"]
BETWEEN_0_AND_1 = ["logistic", "softmax"]
OUTPUTS_FOR = {
    **{loss: [name for name in oracle.ACTIVATIONS if name != "step"] for loss in REGRESSION},
    "poisson": POSITIVE,
    "binary_cross_entropy": BETWEEN_0_AND_1,
    "categorical_cross_entropy": ["softmax", "logistic"],
    **{loss: [activation] for loss, activation in oracle.FUSED_OUTPUT.items()},
}
# What stands after the hidden layer under test.
USUAL_OUTPUT = {
    **dict.fromkeys(REGRESSION, "identity"),
    "poisson": "exponential",
    "binary_cross_entropy": "logistic",
    "categorical_cross_entropy": "softmax",
    **oracle.FUSED_OUTPUT,
}
KINKED = {"step", "relu", "leaky_relu", "leaky_relu(0.2)", "elu", "elu(0.5)", "selu"}
COMBINATIONS = [
    (reduction, weight_decay, weighted)
    for reduction in ("mean", "sum")
    for weight_decay in (0.0, 0.1)
    for weighted in (False, True)
]
SAMPLE_WEIGHT = np.array([0.5, 2.0, 0.0, 1.25, 1.0])


def targets_for(loss, N, outputs, random):
    if loss in REGRESSION:
        return random.normal(0, 2, (N, outputs))
    if loss == "poisson":
        return random.poisson(2, (N, outputs)).astype(float)
    if outputs == 1 or "binary" in loss or "perceptron" in loss:
        return random.integers(0, 2, (N, outputs)).astype(float)
    return np.eye(outputs)[random.integers(0, outputs, N)]


def far_from_kinks(network, activations, loss, X, Y, margin=1e-3):
    """Whether no corner lies within reach of a central difference."""
    Zs, As = oracle.layer_values(oracle.parameters_of(network), activations, X)
    near = [np.abs(Z).min() < margin for Z, name in zip(Zs, activations, strict=True) if name in KINKED]
    E = np.abs(As[-1] - Y)
    if loss.startswith(("absolute", "quantile")):
        near.append(E.min() < margin)
    if loss.startswith("huber"):
        near.append(np.abs(E - (0.5 if "0.5" in loss else 1.0)).min() < margin)
    return not any(near)


def example(activations, loss, sizes, bias=True):
    """A network and data for it, the first of the seeds at which no corner is near and no layer is dead."""
    for seed in range(50):
        random = np.random.default_rng(seed)
        weights = [random.normal(0, 1.1, shape) for shape in pairwise(sizes)]
        biases = [random.normal(0, 0.5, n) for n in sizes[1:]] if bias else None
        network = Network.dense(sizes, activations, weights=weights, biases=biases, bias=bias)
        X = random.normal(0, 1, (5, sizes[0]))
        Y = targets_for(loss, 5, sizes[-1], random)
        alive = all(np.any(Z > 0) for Z in forward(network, X).z[1:])
        # The perceptron learns from wrong decisions only; with an equal number on both sides its bias rests.
        errors = (forward(network, X).z[-1] >= 0) - Y
        wrong_side = np.any(errors.sum(axis=0)) and np.any(SAMPLE_WEIGHT @ errors)
        if (
            alive
            and (wrong_side or loss != "perceptron_criterion")
            and far_from_kinks(network, activations, loss, X, Y)
        ):
            return network, X, Y
    raise AssertionError("no example without a corner nearby")


def central_differences(network, activations, loss, X, Y, h=1e-5):
    """dJ/dp of the oracle's cost for each combination: one list of arrays like the parameters for each."""
    pairs = [(W.copy(), None if b is None else b.copy()) for W, b in oracle.parameters_of(network)]
    arrays = [array for pair in pairs for array in pair if array is not None]
    found = [[np.zeros_like(array) for array in arrays] for _ in COMBINATIONS]

    def costs_of_all():
        costs = oracle.example_costs(pairs, activations, loss, X, Y)
        return [
            oracle.reduced(costs, pairs, reduction, weight_decay, SAMPLE_WEIGHT if weighted else None)
            for reduction, weight_decay, weighted in COMBINATIONS
        ]

    for number, array in enumerate(arrays):
        for index in np.ndindex(array.shape):
            p = array[index]
            array[index] = p + h
            above = costs_of_all()
            array[index] = p - h
            below = costs_of_all()
            array[index] = p
            for c in range(len(COMBINATIONS)):
                found[c][number][index] = (above[c] - below[c]) / (2 * h)
    return found


def assert_gradient(network, activations, loss, X, Y, zero=()):
    """Compare all combinations; `zero` names the layers (from 1) whose gradient is 0 apart from weight decay."""
    numeric = central_differences(network, activations, loss, X, Y)
    record = forward(network, X)
    pairs = oracle.parameters_of(network)
    for (reduction, weight_decay, weighted), differences in zip(COMBINATIONS, numeric, strict=True):
        s = SAMPLE_WEIGHT if weighted else None
        grads = backward(network, record, Y, loss, reduction=reduction, weight_decay=weight_decay, sample_weight=s)
        J, expected = value_and_grad(oracle.cost)(pairs, activations, loss, X, Y, reduction, weight_decay, s)
        expected = [array for pair in expected for array in pair if array is not None]
        assert grads.cost == pytest.approx(J, rel=1e-12)
        for found, automatic, difference in zip(grads.parameters, expected, differences, strict=True):
            size = np.abs(automatic).max()
            np.testing.assert_allclose(found, automatic, rtol=1e-6, atol=1e-13 * max(size, 1))
            assert np.abs(found - difference).max() <= max(1e-6 * size, 1e-9)
        for l, layer in enumerate(network.layers, start=1):
            if l in zero:
                np.testing.assert_allclose(grads.weights[l], weight_decay * layer.weights, atol=1e-15)
            else:
                assert np.any(np.abs(grads.weights[l]) > 1e-6)
                assert np.any(np.abs(grads.biases[l]) > 1e-6)


@pytest.mark.matrix(12)
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("loss", oracle.LOSSES)
@pytest.mark.parametrize("hidden", oracle.ACTIVATIONS)
def test_every_hidden_activation_with_every_loss(hidden, loss, outputs):
    last = USUAL_OUTPUT[loss]
    if loss == "categorical_cross_entropy" and outputs == 1:
        last = "logistic"  # a softmax over one output is constant: see the test below
    if loss == "softmax_categorical_cross_entropy" and outputs == 1:
        outputs = 2
    activations = [hidden, last]
    network, X, Y = example(activations, loss, [2, 4, outputs])
    # The step is flat: no error passes it, so nothing below it learns.
    assert_gradient(network, activations, loss, X, Y, zero={1} if hidden == "step" else set())


@pytest.mark.matrix(5)
@pytest.mark.parametrize(
    ("loss", "last", "outputs"),
    [
        (loss, last, outputs)
        for loss, names in OUTPUTS_FOR.items()
        for last in names
        for outputs in (1, 3)
        if (last, outputs) != ("softmax", 1)
    ],
)
def test_every_loss_with_every_output_activation(loss, last, outputs):
    activations = ["tanh", last]
    network, X, Y = example(activations, loss, [2, 3, outputs])
    assert_gradient(network, activations, loss, X, Y)


@pytest.mark.parametrize(
    "loss", ["half_squared_error", "categorical_cross_entropy", "softmax_categorical_cross_entropy"]
)
def test_a_softmax_over_one_output_learns_nothing(loss):
    activations = ["tanh", "softmax"]
    network, X, Y = example(activations, loss, [2, 3, 1])
    assert forward(network, X).output.tolist() == [[1]] * 5
    assert_gradient(network, activations, loss, X, Y, zero={1, 2})


@pytest.mark.parametrize("loss", REGRESSION)
def test_a_step_output_with_a_differentiable_loss_learns_nothing(loss):
    activations = ["tanh", "step"]
    network, X, Y = example(activations, loss, [2, 3, 2])
    assert_gradient(network, activations, loss, X, Y, zero={1, 2})


def test_the_perceptron_criterion_passes_its_error_round_the_step():
    # delta = a - y reaches the layers below although the step itself is flat: it is a fused loss.
    network, X, Y = example(["tanh", "step"], "perceptron_criterion", [2, 3, 1])
    record = forward(network, X)
    grads = backward(network, record, Y, "perceptron_criterion")
    assert grads.activations[2] is None
    np.testing.assert_array_equal(grads.delta[2], record.output - Y)
    np.testing.assert_allclose(grads.weights[2], record.a[1].T @ (record.output - Y) / 5, rtol=1e-14)
    assert np.any(grads.weights[1] != 0)


# ---- forms of the bias, frozen layers -----------------------------------------------------------------------------


def with_x0_rows(network):
    """The same network with every bias as row 0 of its weights."""
    rows = [np.vstack([b[None, :], W]) for W, b in zip(network.weights[1:], network.biases[1:], strict=True)]
    activations = [layer.activation for layer in network.layers]
    return Network.dense(network.sizes, activations, bias="x0", weights=rows)


@pytest.mark.parametrize("loss", ["half_squared_error", "softmax_categorical_cross_entropy"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_x0_gradient_is_the_bias_gradient_above_the_weight_gradient(loss, weight_decay):
    activations = ["logistic", "tanh", USUAL_OUTPUT[loss]]
    network, X, Y = example(activations, loss, [3, 4, 3, 2])
    twin = with_x0_rows(network)
    grads = backward(network, forward(network, X), Y, loss, weight_decay=weight_decay)
    found = backward(twin, forward(twin, X), Y, loss, weight_decay=weight_decay)
    assert found.cost == pytest.approx(grads.cost, rel=1e-14)
    assert found.biases == (None,) * 4
    for l in (1, 2, 3):
        np.testing.assert_allclose(found.weights[l][0], grads.biases[l], rtol=1e-12)
        np.testing.assert_allclose(found.weights[l][1:], grads.weights[l], rtol=1e-12)
        np.testing.assert_allclose(found.delta[l], grads.delta[l], rtol=1e-12)
        assert np.all(found.weights[l] != 0)
    np.testing.assert_allclose(found.activations[0], grads.activations[0], rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_network_without_biases(reduction):
    activations = ["tanh", "gelu", "identity"]
    network, X, Y = example(activations, "huber", [2, 3, 3, 2], bias=False)
    grads = backward(network, forward(network, X), Y, "huber", reduction=reduction, weight_decay=0.1)
    Ws = [layer.weights for layer in network.layers]
    J, expected = value_and_grad(
        lambda Ws: oracle.cost([(W, None) for W in Ws], activations, "huber", X, Y, reduction, 0.1)
    )(Ws)
    assert grads.cost == pytest.approx(J, rel=1e-13)
    assert grads.biases == (None,) * 4
    assert len(grads.parameters) == 3
    for found, automatic in zip(grads.parameters, expected, strict=True):
        np.testing.assert_allclose(found, automatic, rtol=1e-10, atol=1e-15)
        assert np.all(found != 0)


def test_a_frozen_layer_has_its_gradient_and_keeps_its_weights():
    activations = ["tanh", "tanh", "identity"]
    network, X, Y = example(activations, "half_squared_error", [2, 3, 3, 1])
    parts = {"weights": network.weights[1:], "biases": network.biases[1:]}
    frozen = Network.dense(network.sizes, activations, **parts, trainable=[True, False, True])
    grads, same = (backward(net, forward(net, X), Y) for net in (network, frozen))
    for one, other in zip(grads.parameters, same.parameters, strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.any(one != 0)

    assert [p.shape for p in frozen.trainable_parameters] == [(2, 3), (3,), (3, 1), (1,)]
    g = [g for l in (1, 3) for g in (same.weights[l], same.biases[l])]
    changes, _ = gradient_descent().update(g, None, 0.1)
    moved = frozen.with_parameters(
        [p + change for p, change in zip(frozen.trainable_parameters, changes, strict=True)], trainable_only=True
    )
    assert moved.weights[2] is frozen.weights[2]
    assert moved.biases[2] is frozen.biases[2]
    for l in (1, 3):
        np.testing.assert_allclose(moved.weights[l], frozen.weights[l] - 0.1 * same.weights[l])
        assert np.any(moved.weights[l] != frozen.weights[l])


# ---- what stands beside the gradient of the parameters ------------------------------------------------------------


def test_delta_and_activations_are_derivatives_of_each_examples_own_cost():
    activations = ["logistic", "tanh", "softmax"]
    network, X, Y = example(activations, "categorical_cross_entropy", [3, 4, 3, 3])
    pairs = oracle.parameters_of(network)
    record = forward(network, X)
    for reduction in ("mean", "sum"):  # neither has a factor of the batch, whatever the reduction
        grads = backward(network, record, Y, "categorical_cross_entropy", reduction=reduction, weight_decay=0.1)
        np.testing.assert_allclose(
            grads.costs, oracle.example_costs(pairs, activations, "categorical_cross_entropy", X, Y), rtol=1e-13
        )
        for l in (1, 2, 3):

            def costs_from_z(Z, l=l):
                A = oracle.ACTIVATIONS[activations[l - 1]](Z)
                return costs_from_a(A, l)

            def costs_from_a(A, l=l):
                _, As = oracle.layer_values(pairs[l:], activations[l:], A)
                return (
                    np.ones(5) @ oracle.LOSSES["categorical_cross_entropy"](None, As[-1] if As else A, Y) @ np.ones(3)
                )

            np.testing.assert_allclose(grads.delta[l], grad(costs_from_z)(record.z[l]), rtol=1e-9, atol=1e-15)
            expected = grad(costs_from_a)(record.a[l])
            np.testing.assert_allclose(grads.activations[l], expected, rtol=1e-9, atol=1e-15)
            assert np.all(grads.delta[l] != 0)
        dC_dX = grad(lambda X: sum(oracle.example_costs(pairs, activations, "categorical_cross_entropy", X, Y)))(X)
        np.testing.assert_allclose(grads.activations[0], dC_dX, rtol=1e-9)


@pytest.mark.parametrize("loss", ["half_squared_error", "softmax_categorical_cross_entropy"])
def test_the_batch_is_the_sum_of_its_examples(loss):
    network, X, Y = example(["gelu", USUAL_OUTPUT[loss]], loss, [3, 4, 2])
    together = backward(network, forward(network, X), Y, loss, reduction="sum")
    mean = backward(network, forward(network, X), Y, loss)
    alone = [backward(network, forward(network, X[n : n + 1]), Y[n : n + 1], loss, reduction="sum") for n in range(5)]
    assert together.cost == pytest.approx(sum(one.cost for one in alone), rel=1e-14)
    for l in (1, 2):
        np.testing.assert_allclose(together.delta[l], np.vstack([one.delta[l] for one in alone]), rtol=1e-13)
        np.testing.assert_allclose(together.weights[l], sum(one.weights[l] for one in alone), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(together.biases[l], together.delta[l].sum(axis=0), rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(mean.weights[l], together.weights[l] / 5, rtol=1e-13, atol=1e-16)
        np.testing.assert_array_equal(mean.delta[l], together.delta[l])
        assert np.all(together.weights[l] != 0)


def test_a_weight_of_2_is_the_example_twice_and_0_is_without_it():
    network, X, Y = example(["tanh", "identity"], "half_squared_error", [2, 3, 1])
    s = np.array([2.0, 0.0, 1.0, 1.0, 0.0])
    rows = [0, 0, 2, 3]
    for reduction in ("mean", "sum"):
        weighted = backward(network, forward(network, X), Y, reduction=reduction, sample_weight=s)
        repeated = backward(network, forward(network, X[rows]), Y[rows], reduction=reduction)
        assert weighted.cost == pytest.approx(repeated.cost, rel=1e-14)
        for one, other in zip(weighted.parameters, repeated.parameters, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
            assert np.any(one != 0)


def decay_in_cost(network, weight_decay):
    """What weight decay adds to J, for one example that costs nothing without it."""
    record = forward(network, [[0.0]])
    return cost(network, record, record.output, weight_decay=weight_decay)


def test_shares_and_decay_by_hand():
    costs = np.array([1.0, 2.0, 5.0])
    assert example_shares(costs, "mean", None).tolist() == [1 / 3] * 3
    assert example_shares(costs, "sum", None).tolist() == [1, 1, 1]
    assert example_shares(costs, "mean", [1, 3, 0]).tolist() == [0.25, 0.75, 0]
    assert example_shares(costs, "sum", [1, 3, 0]).tolist() == [1, 3, 0]
    # 0.5 * 0.1 * (1 + 4 + 9 + 16 + 25) = 2.75; the biases 7 and 8 do not count, nor does row 0 of an x0 layer.
    weights = [np.array([[1.0, 2.0]]), np.array([[3.0], [-4.0]])]
    network = Network.dense([1, 2, 1], "tanh", weights=weights, biases=[[7.0, 8.0], [9.0]])
    assert decay_in_cost(network, 0.1) == pytest.approx(0.05 * 30, rel=1e-12)
    rows = [np.vstack([[[7.0, 8.0]], weights[0]]), np.vstack([[[9.0]], weights[1]])]
    assert decay_in_cost(Network.dense([1, 2, 1], bias="x0", weights=rows), 0.1) == pytest.approx(1.5, rel=1e-12)
    assert decay_in_cost(network, 0.0) == 0


# ---- any architecture ---------------------------------------------------------------------------------------------


@st.composite
def architectures(draw):
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=6))
    L = len(sizes) - 1
    activations = draw(st.lists(st.sampled_from(list(oracle.ACTIVATIONS)), min_size=L, max_size=L))
    loss = draw(st.sampled_from(list(oracle.LOSSES)))
    lasts = OUTPUTS_FOR[loss]
    if loss == "binary_cross_entropy" and sizes[-1] == 1:
        lasts = ["logistic"]  # a softmax over one output is 1 whatever its target: the cost is infinite
    last = draw(st.sampled_from(lasts))
    return {
        "sizes": sizes,
        "activations": [*activations[:-1], last],
        "loss": loss,
        "N": draw(st.integers(1, 8)),
        "reduction": draw(st.sampled_from(["mean", "sum"])),
        "weight_decay": draw(st.sampled_from([0.0, 0.01, 0.3])),
        "weighted": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**16)),
    }


@settings(derandomize=True)
@given(architectures())
def test_any_architecture(case):
    sizes, activations, loss, N = case["sizes"], case["activations"], case["loss"], case["N"]
    random = np.random.default_rng(case["seed"])
    weights = [random.normal(0, 1, shape) / np.sqrt(shape[0]) for shape in pairwise(sizes)]
    biases = [random.normal(0, 0.3, n) for n in sizes[1:]]
    network = Network.dense(sizes, activations, weights=weights, biases=biases)
    X = random.normal(0, 1, (N, sizes[0]))
    Y = targets_for(loss, N, sizes[-1], random)
    s = random.uniform(0.1, 2, N) if case["weighted"] else None

    record = forward(network, X)
    options = {"reduction": case["reduction"], "weight_decay": case["weight_decay"], "sample_weight": s}
    grads = backward(network, record, Y, loss, **options)

    assert [a.shape for a in record.a] == [(N, n) for n in sizes]
    for l, layer in enumerate(network.layers, start=1):
        assert grads.delta[l].shape == record.z[l].shape == record.a[l].shape
        assert grads.weights[l].shape == layer.weights.shape
        assert grads.biases[l].shape == layer.biases.shape
    J, expected = value_and_grad(oracle.cost)(oracle.parameters_of(network), activations, loss, X, Y, **options)
    assert grads.cost == pytest.approx(J, rel=1e-11)
    expected = [array for pair in expected for array in pair]
    scale = max(1.0, max(np.abs(array).max() for array in expected))
    for found, automatic in zip(grads.parameters, expected, strict=True):
        np.testing.assert_allclose(found, automatic, rtol=1e-7, atol=1e-12 * scale)
