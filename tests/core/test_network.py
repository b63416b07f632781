"""Networks: how they are made, what they refuse, and that a bias is a weight on a constant input."""

import math
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.catalogue import Activation, Loss, activation_named, head_and_numbers, loss_named
from chainrule.core.initial_weights import INITS, initial_weights
from chainrule.core.layers import Layer
from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.core.weight_layouts import LAYOUTS, course_named
from chainrule.errors import UsageError


def net_231(**options):
    return Network.dense([2, 3, 1], **{"seed": 0, **options})


# ---- construction -------------------------------------------------------------------------------------------------


def test_shapes_and_counts():
    net = Network.dense([4, 3, 5, 2], ["tanh", "relu", "softmax"], seed=0)
    assert net.sizes == (4, 3, 5, 2)
    assert net.weights[0] is None
    assert net.biases[0] is None
    assert [W.shape for W in net.weights[1:]] == [(4, 3), (3, 5), (5, 2)]
    assert [b.shape for b in net.biases[1:]] == [(3,), (5,), (2,)]
    assert net.n_parameters == 4 * 3 + 3 + 3 * 5 + 5 + 5 * 2 + 2
    assert [layer.activation.name for layer in net.layers] == ["tanh", "relu", "softmax"]
    assert [p.shape for p in net.parameters] == [(4, 3), (3,), (3, 5), (5,), (5, 2), (2,)]
    record = forward(net, np.ones((7, 4)))
    assert [a.shape for a in record.a] == [(7, 4), (7, 3), (7, 5), (7, 2)]
    assert record.z[0] is None
    assert record.output is record.a[3]


def test_forms_of_the_bias():
    assert [W.shape for W in net_231(bias="x0").weights[1:]] == [(3, 3), (4, 1)]
    assert net_231(bias="x0").sizes == (2, 3, 1)
    assert net_231(bias=False).biases == (None, None, None)
    assert net_231(bias=False).n_parameters == 9
    assert net_231(bias="x0").n_parameters == net_231().n_parameters == 13
    assert net_231(bias=np.True_).n_parameters == 13


def test_one_output_activation_and_own_activations():
    cube = Activation("cube", lambda Z: Z**3, lambda Z, A, dC_dA: dC_dA * 3 * Z**2)
    net = Network.dense([2, 3, 3, 1], "tanh", output_activation=cube, seed=0)
    assert [layer.activation.name for layer in net.layers] == ["tanh", "tanh", "cube"]
    own = Loss("fourth_power", lambda A, Y: ((A - Y) ** 4).sum(axis=1), lambda A, Y: 4 * (A - Y) ** 3)
    X, Y = np.ones((2, 2)), np.zeros((2, 1))
    grads = backward(net, forward(net, X), Y, own)
    assert grads.cost == pytest.approx(forward(net, X).output[0, 0] ** 4)
    assert np.any(grads.weights[1] != 0)


def test_weights_given():
    W1, W2 = np.arange(6.0).reshape(2, 3), np.ones((3, 1), dtype="float32")
    net = net_231(weights=[W1, W2])
    assert net.weights[1] is W1
    assert [b.tolist() for b in net.biases[1:]] == [[0, 0, 0], [0]]
    assert net.biases[2].dtype == np.float32
    from_lists = net_231(weights=[[[0, 1, 2], [3, 4, 5]], [[1], [1], [1]]], biases=[[1, 2, 3], [4]])
    assert from_lists.weights[1].tolist() == W1.tolist()
    assert from_lists.weights[1].dtype == from_lists.biases[1].dtype == np.float64


def test_layers_are_frozen():
    net = net_231()
    with pytest.raises(FrozenInstanceError):
        net.layers = ()
    with pytest.raises(FrozenInstanceError):
        net.layers[0].weights = np.ones((2, 3))


def test_with_parameters_round_trip():
    for bias in (True, False, "x0"):
        net = net_231(bias=bias, trainable=[False, True])
        again = net.with_parameters(net.parameters)
        assert [id(p) for p in again.parameters] == [id(p) for p in net.parameters]
        assert [layer.trainable for layer in again.layers] == [False, True]
        assert [layer.x0 for layer in again.layers] == [bias == "x0"] * 2
        doubled = net.with_parameters([2 * p for p in net.trainable_parameters], trainable_only=True)
        assert doubled.weights[1] is net.weights[1]
        np.testing.assert_array_equal(doubled.weights[2], 2 * net.weights[2])


def test_astype():
    net = net_231()
    narrow = net.astype("float32")
    assert {p.dtype.name for p in narrow.parameters} == {"float32"}
    np.testing.assert_allclose(narrow.weights[1], net.weights[1], rtol=1e-7)
    assert {p.dtype.name for p in net_231(dtype="float32").parameters} == {"float32"}
    record = forward(narrow, np.ones((2, 2), dtype="float32"))
    grads = backward(narrow, record, np.zeros((2, 1), dtype="float32"), weight_decay=0.1)
    assert {g.dtype.name for g in [*grads.parameters, *grads.delta[1:], record.output]} == {"float32"}


# ---- x0 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_x0_and_bias_vector_train_alike(weight_decay):
    # Seed 001: with x0 = 1 and w_0 = b, one block of code changes all weights. Twenty steps of gradient descent.
    random = np.random.default_rng(0)
    X, Y = random.normal(size=(6, 3)), random.uniform(size=(6, 2))
    nets = [
        Network.dense([3, 4, 2], ["tanh", "logistic"], bias=bias, init="uniform(-1,1)", seed=5) for bias in (True, "x0")
    ]
    start = nets[0]
    for _ in range(20):
        for i, net in enumerate(nets):
            grads = backward(net, forward(net, X), Y, weight_decay=weight_decay)
            steps = zip(net.parameters, grads.parameters, strict=True)
            nets[i] = net.with_parameters([p - 0.5 * g for p, g in steps])
    vector, row = nets
    for l in (1, 2):
        np.testing.assert_allclose(row.weights[l][1:], vector.weights[l], rtol=1e-12)
        np.testing.assert_allclose(row.weights[l][0], vector.biases[l], rtol=1e-12)
        assert np.abs(vector.weights[l] - start.weights[l]).min() > 1e-5
        assert np.abs(vector.biases[l] - start.biases[l]).min() > 1e-5


# ---- initial weights ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("init", [*INITS, "uniform(-1,1)", "uniform(0.3)", "uniform(0,2)"])
def test_a_seed_reproduces_and_another_differs(init):
    one, two, third = (Network.dense([3, 4, 2], "tanh", init=init, seed=seed) for seed in (1, 1, 2))
    for a, b in zip(one.parameters, two.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.array_equal(one.weights[1], third.weights[1]) == (init == "zeros")
    generator = np.random.default_rng(1)
    np.testing.assert_array_equal(
        Network.dense([3, 4, 2], "tanh", init=init, seed=generator).weights[1], one.weights[1]
    )


@pytest.mark.parametrize(("text", "low", "high"), [
    ("uniform", -0.1, 0.1), ("uniform(0.3)", -0.3, 0.3), ("uniform(-1,1)", -1, 1), ("uniform(0.5,2)", 0.5, 2),
])  # fmt: skip
def test_uniform_fills_its_range_with_weights_and_biases(text, low, high):
    W, b = initial_weights(text, 100, 200, np.random.default_rng(0))
    assert W.shape == (100, 200)
    for numbers in (W, b):
        assert low <= numbers.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < numbers.max() <= high
    assert W.mean() == pytest.approx((low + high) / 2, abs=0.01 * (high - low))


@pytest.mark.parametrize(("init", "variance", "bound"), [
    ("glorot", 2 / 500, math.sqrt(6 / 500)), ("glorot_normal", 2 / 500, math.inf), ("he", 2 / 200, math.inf),
    ("he_uniform", 2 / 200, math.sqrt(6 / 200)), ("lecun", 1 / 200, math.inf), ("zeros", 0, 0),
])  # fmt: skip
def test_variances(init, variance, bound):
    W, b = initial_weights(init, 200, 300, np.random.default_rng(0))
    assert W.var() == pytest.approx(variance, rel=0.03)
    assert abs(W.mean()) < 0.01
    assert np.abs(W).max() <= bound
    assert not b.any()
    if math.isfinite(bound):
        assert np.abs(W).max() >= 0.99 * bound


@pytest.mark.parametrize(("activation", "init"), [
    ("relu", "he"), ("leaky_relu(0.2)", "he"), ("elu(0.5)", "he"), ("gelu", "he"), ("silu", "he"), ("softplus", "he"),
    ("selu", "lecun"), ("tanh", "glorot"), ("logistic", "glorot"), ("softmax", "glorot"), ("identity", "glorot"),
])  # fmt: skip
def test_auto_suits_the_activation(activation, init):
    auto, _ = initial_weights("auto", 5, 4, np.random.default_rng(0), activation)
    named, _ = initial_weights(init, 5, 4, np.random.default_rng(0))
    np.testing.assert_array_equal(auto, named)


# ---- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["leaky_relu(0.2)", "elu(0.5)", "leaky_relu(0.123456789012345)", "elu(2)", "elu(1e-07)"]
)
def test_a_name_says_its_parameter_exactly(text):
    # A model file keeps the name alone, so the name must give back the same function.
    f = activation_named(text)
    assert f.name == text
    Z = np.array([[-1.5, 2.0]])
    np.testing.assert_array_equal(activation_named(f.name).value(Z), f.value(Z))
    assert not np.array_equal(f.value(Z), activation_named(text.partition("(")[0]).value(Z))


def test_names_with_numbers():
    assert head_and_numbers("x", " name ( 1 , -2.5e3 ) ".replace(" (", "(")) == ("name", (1.0, -2500.0))
    assert head_and_numbers("x", "name()") == ("name", ())
    assert head_and_numbers("x", "name") == ("name", ())
    assert activation_named("leaky_relu()").name == "leaky_relu"
    assert activation_named("tanh") == activation_named("tanh")
    assert activation_named("elu(0.5)").range == (-0.5, math.inf)
    f, loss = activation_named("tanh"), loss_named("huber")
    assert activation_named(f) is f
    assert loss_named(loss) is loss


# ---- weights as a course writes them ------------------------------------------------------------------------------


def as_the_course_writes(notation, W, b):
    """Weights and biases of one layer, turned and stacked by hand as each lecture has them."""
    layout = LAYOUTS[notation]
    if layout.bias == "w0":
        W, b = np.vstack([b[None, :], W]), None
    if b is not None and notation in ("columns", "ng", "nielsen"):
        b = b[:, None]  # vectors are columns there
    if b is not None and notation == "cs231n":
        b = b[None, :]
    return (W if layout.from_to else W.T), b


@pytest.mark.parametrize("notation", [*LAYOUTS, "torch", "seed-002"])
@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_the_same_network_given_in_any_notation_has_the_same_outputs(notation, sizes, seed):
    own = Network.dense([*sizes, sizes[-1]], "tanh", init="uniform(-1,1)", seed=seed)  # its last matrix is square
    course = course_named(notation)
    parts = [as_the_course_writes(course, layer.weights, layer.biases) for layer in own.layers]
    weights, biases = (list(given) for given in zip(*parts, strict=True))
    if LAYOUTS[course].bias == "w0":
        biases = None
    X = np.random.default_rng(seed).normal(size=(3, sizes[0]))
    net = Network.dense(own.sizes, "tanh", weights=weights, biases=biases, notation=notation)
    np.testing.assert_allclose(forward(net, X).a[-1], forward(own, X).a[-1], rtol=1e-12)
    layers = Network(tuple(
        Layer.dense(W, None if biases is None else biases[i], "tanh", notation=notation)
        for i, W in enumerate(weights)
    ))  # fmt: skip
    np.testing.assert_allclose(forward(layers, X).a[-1], forward(own, X).a[-1], rtol=1e-12)


def test_a_square_matrix_by_hand():
    # z_1 = w_11 x_1 + w_12 x_2 = 1 * 10 + 2 * 100 where w_ij leads from j to i, 1 * 10 + 3 * 100 where from i to j
    W = [[[1.0, 2.0], [3.0, 4.0]]]
    for notation, z in (("columns", [210, 430]), ("pytorch", [210, 430]), ("rows", [310, 420]), ("keras", [310, 420])):
        net = Network.dense([2, 2], "identity", weights=W, notation=notation)
        assert forward(net, [[10.0, 100.0]]).a[-1].tolist() == [z]


# ---- refusals -----------------------------------------------------------------------------------------------------

W1, W2, ONES = np.ones((2, 3)), np.ones((3, 1)), np.ones

REFUSED_NETWORKS = {
    "sizes not whole": (lambda: Network.dense([2, 3.5, 1]), "sizes must be whole numbers, such as [2, 3, 1]"),
    "sizes text": (lambda: Network.dense("231"), "sizes must be whole numbers"),
    "sizes one number": (lambda: Network.dense(3), "sizes must be whole numbers"),
    "sizes too few": (lambda: Network.dense([2]), "at least one layer"),
    "sizes empty": (lambda: Network.dense([]), "at least one layer"),
    "sizes zero": (lambda: Network.dense([2, 0, 1]), "each at least 1"),
    "no layers": (lambda: Network(()), "at least one layer; received none"),
    "activation": (lambda: Network.dense([2, 1], "logistc"), '"logistc" is unknown. Did you mean "logistic"?'),
    "activation far": (lambda: Network.dense([2, 1], "qqq"), 'activation "qqq" is unknown. Allowed: identity, step,'),
    "activation none": (lambda: Network.dense([2, 1], None), "activation must be given for each of the 1 layers"),
    "activation number": (lambda: Network.dense([2, 1], [3]), "activation must be a name or an object"),
    "activation count": (lambda: net_231(activation=["tanh"]), "for each of the 2 layers; received 1"),
    "output": (lambda: net_231(output_activation="sotfmax"), 'Did you mean "softmax"?'),
    "parameter count": (lambda: net_231(activation="elu(1,2)"), 'activation "elu(1,2)": elu does not take 2 numbers'),
    "parameter of none": (lambda: net_231(activation="tanh(1)"), "tanh does not take 1 numbers"),
    "parameter text": (lambda: net_231(activation="elu(x)"), 'activation "elu(x)" cannot be read. Write a name'),
    "parameter open": (lambda: net_231(activation="elu(1"), "cannot be read"),
    "parameter nan": (lambda: net_231(activation="elu(nan)"), "cannot be read"),
    "bias": (lambda: net_231(bias="x1"), 'bias must be True, False or "x0"; received \'x1\''),
    "bias number": (lambda: net_231(bias=1), 'bias must be True, False or "x0"; received 1'),
    "bias array": (lambda: net_231(bias=[1]), "bias must be True, False"),
    "biases with x0": (lambda: net_231(bias="x0", weights=[W1, W2], biases=[[0] * 3, [0]]), "leave one of them out"),
    "biases alone": (lambda: net_231(biases=[[0] * 3, [0]]), "biases were given without weights"),
    "biases count": (lambda: net_231(weights=[W1, W2], biases=[[0] * 3]), "biases must be given for each"),
    "biases shape": (lambda: net_231(weights=[W1, W2], biases=[[0] * 2, [0]]), "layer 1: biases must have shape (3,)"),
    "weights count": (lambda: net_231(weights=[W1]), "weights must be given for each of the 2 layers; received 1"),
    "weights number": (lambda: net_231(weights=3), "weights must be given for each of the 2 layers"),
    "weights order": (lambda: net_231(weights=[W1, ONES((2, 1))]), "layer 2: weights must have shape (3, 1)"),
    "weights 1-D": (lambda: net_231(weights=[ONES(6), W2]), "layer 1: weights must have shape (2, 3), (from, to)"),
    "weights turned": (lambda: net_231(weights=[W1.T, W2.T]), 'Turned, they fit: name the notation'),
    "weights to-from": (lambda: net_231(weights=[W1, W2], notation="columns"), "shape (3, 2), (to, from)"),
    "weights with x0": (lambda: net_231(weights=[W1, W2], notation="beta"), "They fit without biases: give bias=False"),
    "weights of an unknown course": (lambda: net_231(weights=[W1, W2], notation="nielson"), 'Did you mean "nielsen"?'),
    "weights of no course": (lambda: net_231(weights=[W1, W2], notation=3), "a chainrule.Notation; received 3"),
    "biases of w_0": (lambda: net_231(weights=[W1, W2], biases=[[0] * 3, [0]], notation="beta"), "as w_0; leave one"),
    "biases turned": (lambda: net_231(weights=[W1, W2], biases=[ONES((3, 1)), [0]]), "(3,), one a unit, or (1, 3)"),
    "layer and columns": (lambda: Layer.dense(W1, [0, 0], notation="cs231n"), "biases must have shape (3,)"),
    "layer of a vector": (lambda: Layer.dense([1, 2]), "weights must be a matrix; received shape (2,)"),
    "layer of two biases": (lambda: Layer.dense(W1, [0, 0, 0], notation="beta"), "leave one of them out"),
    "layers unfit": (lambda: Network((Layer.dense(W1), Layer.dense(W1))), "layer 2: its weights expect 2"),
    "weights text": (lambda: net_231(weights=[[["a", "b", "c"]] * 2, W2]), "expected real numbers"),
    "weights ragged": (lambda: net_231(weights=[[[1, 2, 3], [4]], W2]), "rows of one length"),
    "weights and sizes": (lambda: Network.dense([2, 3, 2], weights=[W1, W2]), "layer 2: weights must have shape"),
    "weights empty": (lambda: Network.dense([2, 1], weights=[ONES((2, 0))]), "weights must have shape"),
    "trainable": (lambda: net_231(trainable=[True]), "trainable must be given for each of the 2 layers"),
    "dtype": (lambda: net_231(dtype="int64"), 'dtype must be "float32" or "float64"; received \'int64\''),
    "astype": (lambda: net_231().astype("float16"), 'dtype must be "float32" or "float64"'),
    "init": (lambda: net_231(init="glorrot"), 'init "glorrot" is unknown. Did you mean "glorot"?'),
    "init numbers": (lambda: net_231(init="he(2)"), "only uniform takes numbers, as in uniform(-0.1,0.1)"),
    "init order": (lambda: net_231(init="uniform(1,-1)"), "a low and a higher bound"),
    "init negative": (lambda: net_231(init="uniform(-1)"), "a low and a higher bound"),
    "init three": (lambda: net_231(init="uniform(1,2,3)"), "a low and a higher bound"),
    "init object": (lambda: net_231(init=0.1), "init must be a name; received 0.1"),
    "both biases": (lambda: Network((Layer(W1, ONES(3), activation_named("tanh"), x0=True),)), "keep one of them"),
    "x0 alone": (lambda: Network((Layer(ONES((1, 3)), None, activation_named("tanh"), x0=True),)), "weights must have"),
    "too few arrays": (lambda: net_231().with_parameters([W1]), "its weights and biases in turn; received 1"),
    "too many arrays": (lambda: net_231().with_parameters([W1] * 5), "takes 4 arrays"),
    "arrays unfit": (lambda: net_231().with_parameters([W1, ONES(3), ONES((2, 1)), ONES(1)]), "layer 2: its weights"),
}  # fmt: skip


@pytest.mark.parametrize(("build", "message"), REFUSED_NETWORKS.values(), ids=REFUSED_NETWORKS)
def test_refused_networks(build, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        build()


REFUSED_X = {
    "masked": (np.ma.masked_less([[0.3, 1.0]], 0.5), "masked arrays are not taken: fill in the masked values first"),
    "one example": ([0.3, 1.0], "X must have two dimensions, (examples, inputs); received shape (2,). "
                    "For one example write X[None, :], for one column X[:, None]."),
    "number": (3.0, "X must have two dimensions, (examples, inputs); received shape ()."),
    "three dimensions": (ONES((2, 2, 2)), "received shape (2, 2, 2)."),
    "too wide": (ONES((4, 3)), "X has 3 columns, but the network has 2 inputs."),
    "empty": (ONES((0, 2)), "X has no rows; at least one example is needed."),
    "empty list": ([], "X must have two dimensions"),
    "text": ([["a", "b"]], "expected real numbers in rows of one length; received [['a', 'b']]"),
    "numbers as text": ([["1.5", "2"]], "expected real numbers"),
    "None": ([[None, 1.0]], "expected real numbers"),
    "ragged": ([[1, 2], [3]], "expected real numbers in rows of one length"),
    "complex": ([[1j, 2]], "expected real numbers"),
    "dates": (np.array([["2024-01-01", "2024-01-02"]], dtype="datetime64[D]"), "expected real numbers"),
    "long": ([["x" * 100, 1]], "..."),
}  # fmt: skip


@pytest.mark.parametrize(("X", "message"), REFUSED_X.values(), ids=REFUSED_X)
def test_refused_inputs(X, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        forward(net_231(), X)


X2, Y2 = ONES((2, 2)), ONES((2, 1))
REFUSED_BACKWARD = {
    "1-D targets": ({"Y": ONES(2)}, "Y must have two dimensions, (examples, outputs); received shape (2,)."),
    "wide targets": ({"Y": ONES((2, 3))}, "Y has 3 columns, but the network has 1 outputs."),
    "more targets": ({"Y": ONES((3, 1))}, "Y has 3 rows for 2 examples;"),
    "no targets": ({"Y": ONES((0, 1))}, "Y has no rows"),
    "text targets": ({"Y": [["a"], ["b"]]}, "expected real numbers"),
    "loss": ({"loss": "half_square_error"}, 'loss "half_square_error" is unknown. Did you mean "half_squared_error"?'),
    "loss object": ({"loss": 3}, "loss must be a name or an object of that kind; received 3"),
    "huber": ({"loss": "huber(0)"}, "huber(width) needs a width above 0; received 0"),
    "quantile": ({"loss": "quantile(1)"}, "quantile(q) needs q between 0 and 1, such as 0.9; received 1"),
    "fused": ({"loss": "softmax_categorical_cross_entropy"},
              'contains the output activation "softmax", but the last layer has "logistic". Set the output activation'),
    "reduction": ({"reduction": "average"}, 'reduction must be "mean" or "sum"; received \'average\''),
    "negative weight": ({"sample_weight": [1, -1]}, "finite numbers of at least 0, not all of them 0"),
    "zero weights": ({"sample_weight": [0, 0]}, "not all of them 0"),
    "nan weight": ({"sample_weight": [1, math.nan]}, "finite numbers"),
    "infinite weight": ({"sample_weight": [1, math.inf]}, "finite numbers"),
    "weight count": ({"sample_weight": [1, 1, 1]}, "must have shape (2,), one weight an example; received (3,)"),
    "weight column": ({"sample_weight": ONES((2, 1))}, "received (2, 1)"),
    "weight text": ({"sample_weight": ["a", "b"]}, "expected real numbers"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "message"), REFUSED_BACKWARD.values(), ids=REFUSED_BACKWARD)
def test_refused_backward(options, message):
    net = net_231()
    options = {"Y": Y2, **options}
    with pytest.raises(UsageError, match=re.escape(message)):
        backward(net, forward(net, X2), **options)


def test_lists_integers_and_booleans_are_numbers():
    net = net_231()
    expected = forward(net, np.array([[1.0, 0.0]]))
    for X in ([[1, 0]], [[True, False]], np.array([[1, 0]], dtype="uint8"), np.array([[1, 0]], dtype="float16")):
        assert forward(net, X).output.dtype == np.float64
        np.testing.assert_array_equal(forward(net, X).output, expected.output)
    grads, again = backward(net, expected, [[1.0]]), backward(net, expected, [[True]])
    np.testing.assert_array_equal(grads.weights[1], again.weights[1])
    assert np.any(grads.weights[1] != 0)


@pytest.mark.parametrize("kind", ["bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
                                  "float16", "longdouble"])  # fmt: skip
def test_numbers_of_every_kind_are_their_float64(kind):
    """0 and 1 fit all; 0 - 1 does not fit unsigned ones, so nothing may be computed in them."""
    net, X, Y, s = net_231(), np.array([[0, 1], [1, 1], [1, 0]]), np.array([[1], [0], [1]]), np.array([1, 0, 1])
    wanted = backward(net, forward(net, X.astype(float)), Y.astype(float), sample_weight=s.astype(float))
    found = backward(net, forward(net, X.astype(kind)), Y.astype(kind), sample_weight=s.astype(kind))
    assert found.cost == wanted.cost > 0
    for one, other in zip(found.parameters, wanted.parameters, strict=True):
        assert one.dtype == np.float64
        np.testing.assert_array_equal(one, other)


def test_weights_of_examples_may_be_as_small_as_they_like():
    net = net_231()
    record, Y = forward(net, X2), [[1.0], [0.0]]
    even = backward(net, record, Y)
    for s in ([0.25, 0.25], [1e-9, 1e-9], [1e9, 1e9]):
        found = backward(net, record, Y, sample_weight=s)
        assert found.cost == pytest.approx(even.cost, rel=1e-14)
        np.testing.assert_allclose(found.weights[1], even.weights[1], rtol=1e-13)
    first = backward(net, record, Y, sample_weight=[0.5, 0.0])
    assert first.cost == pytest.approx(float(even.costs[0]), rel=1e-14)


def test_a_record_of_another_network_and_a_bad_decay_are_refused():
    net, other = Network.dense([2, 3, 1], seed=0), Network.dense([2, 4, 1], seed=0)
    with pytest.raises(UsageError, match="record must be what forward returned"):
        backward(net, forward(other, ONES((2, 2))), ONES((2, 1)))
    with pytest.raises(UsageError, match="record must be what forward returned"):
        backward(net, ONES((2, 2)), ONES((2, 1)))
    for decay in (-1.0, float("nan")):
        with pytest.raises(UsageError, match="weight_decay must be at least 0"):
            backward(net, forward(net, ONES((2, 2))), ONES((2, 1)), weight_decay=decay)
