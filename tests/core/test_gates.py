"""Gates: against central differences, against autograd, and against backward for whole networks."""

import math
import re
from dataclasses import replace
from itertools import product as every

import numpy as np
import pytest
from autograd import grad
from autograd import numpy as anp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chainrule import Activation, Loss, Network, UsageError, backward, forward, network_gates
from chainrule.core.gates import OPERATIONS, Gate, apply, gate, in_order, nudge, send_back, total

POSITIVE = {"log", "sqrt", "power", "divide", "reciprocal"}
INPUTS = {"add": 3, "max": 3, "min": 3, "subtract": 2, "multiply": 2, "divide": 2, "power": 2}


@pytest.mark.parametrize("name", OPERATIONS)
@given(data=st.data())
@settings(max_examples=settings.default.max_examples // 3)
def test_local_derivatives_are_those_of_central_differences(name, data):
    low = 0.2 if name in POSITIVE else -3.0
    count = INPUTS.get(name, 1)
    x = data.draw(st.lists(st.floats(low, 3.0), min_size=count, max_size=count))
    if name in ("relu", "abs", "step"):
        assume(abs(x[0]) > 1e-3)
    if name in ("max", "min"):
        assume(min(abs(x[i] - x[j]) for i in range(3) for j in range(i)) > 1e-3)
    made = apply(name, *(gate(v) for v in x))
    h = 1e-6
    for i, local in enumerate(made.locals):
        up, down = ([v + s * h * (k == i) for k, v in enumerate(x)] for s in (1, -1))
        numeric = (apply(name, *up).value - apply(name, *down).value) / (2 * h)
        assert local == pytest.approx(numeric, rel=1e-6, abs=1e-7)


def test_an_add_gate_and_its_error():
    # seed 000: E = desired - predicted = 20 - 14, over an add gate; raising h1 by 1 lowers E by 1
    h1, h2 = gate(6.0, "h1"), gate(8.0, "h2")
    E = gate(20.0, "desired") - (h1 + h2)
    assert E.value == 6
    assert send_back(E)[h1] == -1
    assert nudge(E, h1, 1.0).actual == -1


def test_a_value_used_twice_gets_the_sum_over_its_uses():
    x = gate(3.0, "x")
    out = x * x + x
    assert send_back(out)[x] == 7  # 2x + 1
    assert len(in_order(out)) == 3
    edges = send_back(out).edges
    assert sum(edge.passed for edge in edges if edge.source is x) == 7


def test_the_multivariate_example_of_seed_002():
    # f = 2 g1^2 - 3 g1 g2 + 1, g1 = 3x, g2 = x^2 + 2x at x = 2: g1 = 6, g2 = 8
    # df/dg1 = 4 g1 - 3 g2 = 0, df/dg2 = -3 g1 = -18, dg1/dx = 3, dg2/dx = 2x + 2 = 6: df/dx = -108
    x = gate(2.0, "x")
    g1, g2 = (3 * x).named("g1"), (x**2 + 2 * x).named("g2")
    f = 2 * g1**2 - 3 * g1 * g2 + 1
    flow = send_back(f)
    assert (f.value, flow[g1], flow[g2], flow[x]) == (-71, 0, -18, -108)


@given(st.lists(st.floats(0.3, 2.0), min_size=3, max_size=3))
def test_a_formula_agrees_with_autograd(values):
    def formula(x, y, w, exp, log, tanh):
        return (exp(x * y) / (1 + w**2) - log(x + y)) * tanh(w - x) + 1 / (x - 5) - (-y) ** 2 + abs(w - 9) + 2**x

    def plain(v):
        return formula(v[0], v[1], v[2], anp.exp, anp.log, anp.tanh)

    gates = [gate(v) for v in values]
    functions = [lambda g, name=name: apply(name, g) for name in ("exp", "log", "tanh")]
    out = formula(*gates, *functions)
    assert out.value == pytest.approx(plain(np.array(values)), rel=1e-12)
    flow = send_back(out)
    assert [flow[g] for g in gates] == pytest.approx(list(grad(plain)(np.array(values))), rel=1e-10)


def test_nudging_a_weight_of_0_001():
    # seed 001: a = sigmoid(w a0), C = (a - y)^2: how sensitive is C to a change of 0.001 in w?
    w = gate(1.2, "w")
    C = (apply("sigmoid", w * 0.8) - 1.0) ** 2
    moved = nudge(C, w)
    a = 1 / (1 + math.exp(-0.96))
    assert moved.derivative == pytest.approx(0.8 * a * (1 - a) * 2 * (a - 1), rel=1e-12)
    assert moved.predicted == pytest.approx(0.001 * moved.derivative)
    assert moved.actual == pytest.approx(moved.predicted, rel=1e-3)
    with pytest.raises(UsageError, match="not part of"):
        nudge(C, gate(1.0, "other"))


@pytest.mark.parametrize("make", [lambda: apply("sqrt", 0.0), lambda: gate(0.0) ** 0.5])
def test_derivatives_that_are_not_there_are_refused(make):
    made = make()
    flow = send_back(made)
    with pytest.raises(UsageError, match=r"at 0 has no (finite )?derivative"):
        flow[made.inputs[0]]


def test_at_kinks_gates_do_as_the_equations():
    for activation in ("relu", "leaky_relu(0.2)", "elu(0.5)", "selu"):
        for loss in ("quantile(0.9)", "absolute_error", "huber(0.5)"):
            net = Network.dense([1, 1], activation, weights=[[[1.0]]], biases=[[0.0]])
            graph = network_gates(net, [[0.0]], [[0.0]], loss)  # z = 0, a = 0 = y
            grads = backward(net, forward(net, [[0.0]]), [[0.0]], loss)
            assert send_back(graph.cost)[graph.biases[1][0]] == grads.biases[1][0]


@pytest.mark.parametrize("make", [lambda: apply("log", -1.0), lambda: 1 / gate(0.0), lambda: gate(-2.0) ** 0.5,
                                  lambda: apply("exp", 1000.0)])  # fmt: skip
def test_values_that_are_not_there_are_refused(make):
    with pytest.raises(UsageError, match=r"has no (real )?value at"):
        make()


def test_unknown_gates_are_refused():
    with pytest.raises(UsageError, match='gate "nand" is unknown'):
        apply("nand", 1.0, 2.0)


def test_deep_graphs_do_not_exhaust_the_stack():
    x = gate(1.0)
    out = x
    for _ in range(5000):
        out = out + x
    assert send_back(out)[x] == 5001


def test_total_of_one_is_itself():
    x = gate(2.0)
    assert total([x]) is x
    assert total([1.0, x]).value == 3


# ---- who is asked for: a gate, its name, the same gate under another name ---------------------------------------


def test_a_derivative_by_name():
    x, y = gate(3.0, "x"), gate(2.0, "y")
    flow = send_back((x * x).named("s") * y)
    assert (flow["x"], flow["y"], flow["s"]) == (12.0, 9.0, 2.0)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("z", 'no gate of this graph is called "z"'),
        ("exx", 'Did you mean "ex"'),
        ("w", '2 gates are called "w"; ask by the gate'),
        ("", 'no gate of this graph is called ""'),
        (3, "by a gate or its name; received 3"),
        (gate(3.0, "x"), "not part of"),
    ],
)
def test_what_is_not_in_the_graph_has_no_derivative(asked, message):
    x, w, other = gate(3.0, "ex"), gate(1.0, "w"), gate(1.0, "w")
    with pytest.raises(UsageError, match=message):
        send_back(x * w + other)[asked]


def test_a_graph_without_names_says_how_to_give_one():
    with pytest.raises(UsageError, match="No gate has a name"):
        send_back(gate(2.0) * 3)["x"]


def test_a_gate_that_is_renamed_stays_the_same_gate():
    x = gate(3.0, "x")
    square = x * x
    out = square * 2
    assert send_back(out)[square.named("after")] == 2  # renamed after its use
    both = square + square.named("s")  # used under both names
    flow = send_back(both)
    assert (flow[square], flow["s"], flow[x], len(flow.gates)) == (2, 2, 12, 3)
    renamed = x.named("y") * x
    assert [send_back(renamed)[name] for name in ("x", "y")] == [6, 6]
    assert nudge(both, x.named("other"), 1e-6).actual == pytest.approx(12e-6, rel=1e-5)
    assert replace(x, value=4.0).key is not x.key  # another value is another gate


@pytest.mark.parametrize("value", [math.nan, math.inf, "2", None, 1j, 10**400, np.array([1.0])])
def test_a_gate_holds_a_finite_number(value):
    with pytest.raises(UsageError, match="a gate holds a finite number"):
        gate(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gate(1e200) * 1e200, "has no finite value at 1e"),
        (lambda: apply("max", 1.0), "does not take 1 inputs"),
        (lambda: apply("sigmoid", 1.0, 2.0), "does not take 2 inputs"),
        (lambda: gate(1.0) ** math.nan, "a gate holds a finite number"),
    ],
)
def test_what_has_no_value_is_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_numbers_of_numpy_are_numbers():
    x = gate(np.float32(2.0), "x")
    assert send_back(np.float64(3.0) * x + np.int64(1))["x"] == 3.0


@pytest.mark.parametrize(
    ("name", "slope"), [("sigmoid", lambda z: math.exp(-z)), ("tanh", lambda z: 4 * math.exp(-2 * z))]
)
@pytest.mark.parametrize("z", [20.0, 45.0, -45.0])
def test_a_saturated_gate_keeps_its_slope(name, slope, z):
    assert apply(name, gate(z)).locals[0] == pytest.approx(slope(abs(z)), rel=1e-8)


@given(st.data())
def test_random_graphs_with_sharing_and_renaming_agree_with_autograd(data):
    """Gates drawn from all that stand already, so that values are used again and again, under names and without."""
    start = data.draw(st.lists(st.floats(-1.5, 1.5), min_size=2, max_size=3))
    binary = {"add": anp.add, "subtract": anp.subtract, "multiply": anp.multiply}
    unary = {"sigmoid": lambda v: 1 / (1 + anp.exp(-v)), "tanh": anp.tanh, "sin": anp.sin, "cos": anp.cos,
             "negate": anp.negative}  # fmt: skip
    steps = []
    for size in range(len(start), len(start) + data.draw(st.integers(1, 7))):
        name = data.draw(st.sampled_from([*binary, *unary, "square", "constant"]))
        places = [data.draw(st.integers(0, size - 1)) for _ in range(1 + (name in binary))]
        steps.append((name, places, data.draw(st.booleans())))

    def run(values, apply_):
        made = list(values)
        for name, places, renamed in steps:
            inputs = [made[i] for i in places]
            if name in ("square", "constant"):
                new = inputs[0] ** 2 if name == "square" else 3.0 - 0.5 * inputs[0]
            else:
                new = apply_(name, *inputs)
            made.append(new)
            if renamed and isinstance(new, Gate):
                made[places[0]] = made[places[0]].named(f"again{len(made)}")
        return made

    gates = [gate(v, f"x{i}") for i, v in enumerate(start)]
    made = run(gates, apply)
    flow = send_back(made[-1])

    def plain(v):
        return run(list(v), lambda name, *x: {**binary, **unary}[name](*x))[-1]

    expected = grad(plain)(np.array(start))
    assert made[-1].value == pytest.approx(plain(np.array(start)), rel=1e-9, abs=1e-12)
    in_graph = {g.key for g in flow.gates}
    assert len(in_graph) == len(flow.gates)
    assert all(flow[g.name] == flow[g] for g in flow.gates if g.name)
    for g, slope in zip(gates, expected, strict=True):
        if g.key in in_graph:
            assert flow[g] == flow[g.named("q")] == pytest.approx(slope, rel=1e-9, abs=1e-12)
        else:
            assert slope == 0
            with pytest.raises(UsageError, match="not part of"):
                flow[g]


def test_outputs_that_a_loss_leaves_out_have_derivative_0():
    # C = -y ln a: with y = 0 nothing of the second output counts
    net = Network.dense([1, 2], "logistic", seed=0)
    graph = network_gates(net, [[1.0]], [[1.0, 0.0]], "categorical_cross_entropy")
    flow = send_back(graph.cost)
    assert flow[graph.weights[1][0, 1]] == 0 != flow[graph.weights[1][0, 0]]


ACTIVATIONS = ["identity", "step", "logistic", "tanh", "relu", "leaky_relu(0.2)", "elu(0.5)", "selu", "gelu", "silu",
               "softplus", "exponential", "softmax"]  # fmt: skip
LOSSES = {
    "half_squared_error": "tanh", "sum_of_squares": "identity", "mean_of_squares": "identity",
    "absolute_error": "identity", "huber(0.5)": "identity", "quantile(0.9)": "identity", "poisson": "exponential",
    "binary_cross_entropy": "logistic", "categorical_cross_entropy": "softmax",
    "logistic_binary_cross_entropy": "logistic", "softmax_categorical_cross_entropy": "softmax",
    "perceptron_criterion": "step",
}  # fmt: skip


@pytest.mark.matrix(25)
@pytest.mark.parametrize("bias", [True, False, "x0"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_as_gates_has_the_same_gradient(activation, loss, reduction, bias):
    random = np.random.default_rng(len(activation) + 31 * len(loss))
    net = Network.dense([3, 3, 2], [activation, LOSSES[loss]], bias=bias, init="uniform(-1,1)", seed=random)
    X = random.normal(size=(3, 3))
    Y = np.eye(2)[[0, 1, 0]] if "entropy" in loss or loss == "perceptron_criterion" else random.uniform(0, 3, (3, 2))
    options = {"reduction": reduction, "weight_decay": 0.1, "sample_weight": [1.0, 2.0, 0.5]}
    graph = network_gates(net, X, Y, loss, **options)
    grads = backward(net, forward(net, X), Y, loss, **options)
    flow = send_back(graph.cost)
    assert graph.cost.value == pytest.approx(grads.cost, rel=1e-12)
    for l in (1, 2):
        found = np.vectorize(lambda g: flow[g])(graph.weights[l])
        np.testing.assert_allclose(found, grads.weights[l], rtol=1e-10, atol=1e-14)
        if net.biases[l] is not None:
            np.testing.assert_allclose([flow[g] for g in graph.biases[l]], grads.biases[l], rtol=1e-10, atol=1e-14)


def test_your_own_activation_becomes_a_gate():
    square = Activation("square", lambda Z: Z * Z, lambda Z, A, dC_dA: dC_dA * 2 * Z)
    net = Network.dense([2, 2, 1], [square, "identity"], seed=0)
    X, Y = np.array([[0.5, -1.0]]), np.array([[1.0]])
    graph = network_gates(net, X, Y)
    grads = backward(net, forward(net, X), Y)
    flow = send_back(graph.cost)
    np.testing.assert_allclose(np.vectorize(lambda g: flow[g])(graph.weights[1]), grads.weights[1], rtol=1e-12)


def test_what_cannot_be_built_of_gates_is_refused():
    net = Network.dense([2, 1], seed=0)
    own = Loss("own", lambda A, Y: ((A - Y) ** 4).sum(axis=1), lambda A, Y: 4 * (A - Y) ** 3)
    with pytest.raises(UsageError, match='loss "own" is not built of gates'):
        network_gates(net, [[1, 2]], [[1]], own)
    with pytest.raises(UsageError, match="Take fewer examples"):
        network_gates(Network.dense([300, 300, 1], seed=0), np.ones((10, 300)), np.ones((10, 1)))


@pytest.mark.parametrize("bias", [True, False, "x0"])
def test_parameters_are_asked_for_as_documents_count_them(bias):
    """W[l][i,j] from 1; row 0 of an x0 layer is w_0, the weight of x0 = 1."""
    net = Network.dense([2, 3, 1], "tanh", bias=bias, init="uniform(-1,1)", seed=0)
    X, Y = np.array([[0.5, -1.0], [0.2, 0.7]]), np.array([[1.0], [0.0]])
    flow, grads = send_back(network_gates(net, X, Y).cost), backward(net, forward(net, X), Y)
    for l in (1, 2):
        first = 0 if bias == "x0" else 1
        for i, k in np.ndindex(grads.weights[l].shape):
            assert flow[f"W[{l}][{i + first},{k + 1}]"] == pytest.approx(grads.weights[l][i, k], rel=1e-10)
        if bias is True:
            assert flow[f"b[{l}][1]"] == pytest.approx(grads.biases[l][0], rel=1e-10)


def test_only_gates_send_back():
    for no_gate in (3.0, None, "C"):
        with pytest.raises(UsageError, match="send_back takes a gate; received"):
            send_back(no_gate)


def test_names_that_several_gates_have():
    x, y = gate(2.0, "x"), gate(3.0, "x")
    with pytest.raises(UsageError, match='2 gates are called "x"'):
        send_back(x * y)["x"]
    assert send_back(x * x)["x"] == 4  # one gate, used twice


def test_a_nudge_of_the_usual_size():
    x = gate(3.0, "x")
    moved = nudge(x * x, x)
    assert moved.actual == pytest.approx(3.001**2 - 9, rel=1e-9)
    assert moved.predicted == pytest.approx(0.006, rel=1e-9)


HARD = (-2.0, -1.0, -0.0, 0.0, 5e-324, 1e-200, 0.5, 2.0, 1e200)


BEHIND = (lambda out: out, lambda out: out * 0.0, lambda out: out * 1e200 * 1e200, lambda out: out + 1)


def answer(make):
    """What is made, or the message of the refusal."""
    try:
        return make()
    except UsageError as error:
        return str(error)


def test_a_derivative_is_finite_or_refused_when_it_is_asked_for():
    """Every operation at hard values, alone and before others."""
    answered = refused = 0
    for name, values, behind in every(OPERATIONS, [(a,) for a in HARD] + list(every(HARD, HARD)), BEHIND):
        inputs = [gate(value, letter) for value, letter in zip(values, "xy", strict=False)]
        flow = answer(lambda inputs=inputs, name=name, behind=behind: send_back(behind(apply(name, *inputs))))
        if isinstance(flow, str):
            assert re.search("has no (real |finite )?value|does not take", flow)
            continue
        for x in inputs:
            found = answer(lambda flow=flow, x=x: flow[x])
            if isinstance(found, str):
                refused += 1
                assert re.search(r"^gate .* has no (finite )?derivative by [xy]\.$|is beyond floats\.$", found)
            else:
                answered += 1
                assert math.isfinite(found), (name, values)
    assert answered > 500
    assert refused > 20


@pytest.mark.parametrize(
    ("make", "asked", "expected"),
    [
        (lambda x, y: x**y, "x", -4.0),
        (lambda x, y: x**y, "y", None),
        (lambda x, y: x**2, "x", -4.0),
        (lambda x, y: (x + 2) ** (y - 2), "y", None),
        (lambda x, y: x / (y * 0.5e-200), "y", None),
        (lambda x, y: 1 / (y * 0.5e-200), "y", None),
        (lambda x, y: apply("sqrt", x + 2) * y, "x", None),
        (lambda x, y: apply("sqrt", x + 2) * y, "y", 0.0),
        (lambda x, y: apply("sqrt", (x + 2) * 0.0) * 0.0 + y, "x", None),
    ],
)
def test_what_has_no_derivative_is_refused_where_it_is_asked_for(make, asked, expected):
    flow = send_back(make(gate(-2.0, "x"), gate(2.0, "y")))
    if expected is None:
        with pytest.raises(UsageError, match=r"gate .*derivative"):
            flow[asked]
    else:
        assert flow[asked] == expected
