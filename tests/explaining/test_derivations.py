"""Every derivation says what it shows: evaluated, a displayed expression gives its displayed value."""

import json
import math
import random as python_random
from dataclasses import replace

import numpy as np
import pytest
import random_networks
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reading import computed, text_signs
from shown import jacobian_names
from strength import few_and_many

from chainrule import Network, UsageError, backward, derive, explain, forward, layer_jacobians, translate
from chainrule.explaining import batches
from chainrule.explaining.definitions import Definitions
from chainrule.explaining.expressions import Rest, Sum
from chainrule.explaining.grammar import parse, written
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import COST, Derivative, Quantity, a, z
from chainrule.explaining.symbolic import backpropagation_equations
from chainrule.explaining.trees import evaluate, symbols

NOTEBOOK = Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def asked(why, seed, count=30):
    """Some of the names that can be asked for, and some Jacobian entries."""
    random = python_random.Random(seed)
    named = [parse(name, why.network.sizes, why.notation.counting) for name in why.names()]
    jacobians = list(jacobian_names(why.network.sizes))
    beta = [Quantity("beta", l, (0,)) for l in range(1, len(why.network.sizes) - 1)]
    return random.sample(named, min(count, len(named))) + random.sample(jacobians, min(15, len(jacobians))) + beta


@few_and_many(
    25, 200, random_networks.tasks(), st.sampled_from(sorted(PRESETS)), st.integers(1, 4), st.integers(0, 1000)
)
def test_every_expression_has_the_value_of_its_quantity(task, notation, most, seed):
    network, X, Y, options = task
    why = explain(network, X, Y, notation=notation, most=most, update="adam", learning_rate=0.1, **options)
    for name in asked(why, seed):
        value = why.definitions.value(name)
        for factors in (False, True):
            line = why.definitions.of(name, factors=factors)
            assert evaluate(line.expression) == close(value), (name, line)
            for symbol in symbols(line.expression):
                assert symbol.value == why.definitions.value(symbol.name)


test_many_expressions = test_every_expression_has_the_value_of_its_quantity.many


@few_and_many(12, 200, random_networks.tasks(), st.sampled_from(sorted(PRESETS)), st.integers(0, 1000))
def test_paths_add_up(task, notation, seed):
    network, X, Y, options = task
    why = explain(network, X, Y, notation=notation, most=3, **options)
    for name in asked(why, seed):
        derivation = why[name]
        if not derivation.has_paths:
            continue
        first, *paths = derivation.lines("paths")
        assert evaluate(first.expression) == close(derivation.value)
        for path in paths:
            assert evaluate(path.expression) == close(path.value)
        if len(derivation.lines("paths")) == 1:  # one path: the product itself
            continue
        everything = explain(network, X, Y, notation=notation, most=4**5, **options)[name].lines("paths")
        assert math.fsum(path.value for path in everything[1:]) == close(derivation.value)


test_many_paths = test_paths_add_up.many


@few_and_many(15, 200, random_networks.tasks(layers=(1, 3)), st.integers(0, 1000))
def test_expanded_down_to_weights_and_inputs(task, seed):
    network, X, Y, options = task
    why = explain(network, X, Y, most=1000, **options)
    for name in asked(why, seed, count=8):
        if why.definitions.is_given(name) or (isinstance(name, Derivative) and name.top.kind == "J"):
            continue
        whole = why[name].expanded()
        assert evaluate(whole) == pytest.approx(why[name].value, rel=1e-8, abs=1e-11)


test_many_expansions = test_expanded_down_to_weights_and_inputs.many


@given(random_networks.tasks(layers=(1, 4)), st.integers(0, 1000))
@settings(max_examples=settings.default.max_examples // 3, suppress_health_check=[HealthCheck.filter_too_much])
def test_jacobian_entries_agree_with_differences(task, seed):
    """The values, which every derivation trusts, against a network that is nudged at a pre-activation."""
    network, X, Y, options = task
    X = 0.5 * X
    smooth = {"identity", "logistic", "tanh", "gelu", "silu", "softplus", "exponential", "softmax"}
    assume({layer.activation.name for layer in network.layers} <= smooth)
    why = explain(network, X, Y, **options)
    n, L = options["example"], len(network.layers)
    random = python_random.Random(seed)
    l, m = sorted(random.choices(range(1, L + 1), k=2))
    j, k = random.randrange(network.sizes[l]), random.randrange(network.sizes[m])

    def run(shift):
        A, Z = X[n : n + 1], None
        for number, layer in enumerate(network.layers, start=1):
            Z = layer.inputs(A) @ layer.weights + (0 if layer.biases is None else layer.biases)
            if number == l:
                Z[0, j] += shift
            A = layer.activation.value(Z)
            if number == m:
                break
        return A[0, k]

    h = 1e-6
    with np.errstate(all="ignore"):
        numeric = (run(h) - run(-h)) / (2 * h)
    assume(abs(numeric) < 1e6)  # exponentials of exponentials: differences say nothing there
    assert why.definitions.value(Derivative(a(m, k), z(l, j))) == pytest.approx(numeric, rel=1e-5, abs=1e-7)


# ---- worked by hand ----------------------------------------------------------------------------------------------


def test_the_guided_notes_in_their_own_notation():
    # dJ/dW2 = -(y - yhat) f'(z3) a2 = 0.163528915 * 0.078993836 * 0.785834983 = 0.010151241 (seed 003, question 11)
    why = explain(NOTEBOOK, [[0.3, 1.0]], [[0.75]], notation="rows", digits=8)
    assert str(why["dC/dW[2][1,1]"]) == "\n".join([
        "chain rule: w moves z, z moves a, a moves C",
        "  ∂J/∂W⁽²⁾₁₁ = ∂J/∂ŷ · ∂ŷ/∂z⁽³⁾₁ · ∂z⁽³⁾₁/∂W⁽²⁾₁₁",
        "             = 0.16352892 · 0.078993836 · 0.78583498",
        "             = 0.010151241",
        "derivative of the loss half_squared_error",
        "  ∂J/∂ŷ = −(y − ŷ)",
        "        = −(0.75 − 0.91352892)",
        "        = 0.16352892",
        "derivative of logistic",
        "  ∂ŷ/∂z⁽³⁾₁ = ŷ · (1 − ŷ)",
        "            = 0.91352892 · (1 − 0.91352892)",
        "            = 0.078993836",
        "only one term of z holds this weight",
        "  ∂z⁽³⁾₁/∂W⁽²⁾₁₁ = a⁽²⁾₁",
        "                 = 0.78583498",
    ])  # fmt: skip


def test_levels_of_detail():
    why = explain(NOTEBOOK, [[0.3, 1.0]], [[0.75]])
    entry = why["dC/dW[1][2,1]"]
    assert [len(entry.lines(detail)) for detail in ("line", "factors", "layers", "paths", "scalars")] == [
        1,
        4,
        6,
        1,
        14,
    ]
    assert [written(line.name) for line in entry.lines("scalars")][-1] == "dC/dW[1][2,1]"
    assert entry.lines("layers")[0].value == pytest.approx(0.002174041, abs=5e-10)
    assert {written(operand.name) for operand in entry.operands} == {"delta[1][1]", "x[2]"}
    with pytest.raises(UsageError, match='detail "all" is unknown'):
        entry.text("all")


def test_a_batch_shows_its_mean():
    X, Y = [[0.3, 1.0], [0.5, 0.2], [1.0, 0.4]], [[0.75], [0.82], [0.93]]
    why = explain(NOTEBOOK, X, Y, reduction="sum")
    # the sum over three examples of seed 003's question 16, computed by hand in tests/documents/test_seed_003.py
    assert why["dJ/dW[2][1,1]"].value == pytest.approx(0.013664039, abs=5e-10)
    assert str(why["dJ/dW[2][1,1]"].text("line")).count("@") == 3
    mean = explain(NOTEBOOK, X, Y)["dJ/dW[2][1,1]"]
    assert mean.value == pytest.approx(0.013664039 / 3, abs=5e-10)
    assert "1 / N · (" in mean.text("line")
    assert why["C @ 2"].value != why["C"].value


def test_long_sums_show_the_largest_terms():
    net = Network.dense([300, 20, 3], ["tanh", "softmax"], seed=0)
    X = np.random.default_rng(0).normal(size=(2, 300))
    why = explain(net, X, [[1, 0, 0], [0, 1, 0]], loss="softmax_categorical_cross_entropy", most=5)
    line = why["z[1][4]"].line
    assert isinstance(line.expression, Sum)
    assert len(line.expression.terms) == 7  # five terms, the rest and the bias
    rest = next(term for term in line.expression.terms if isinstance(term, Rest))
    assert rest.count == 295
    products = X[0] * net.weights[1][:, 3]
    shown = [evaluate(term) for term in line.expression.terms[:5]]
    assert sorted(map(abs, shown), reverse=True) == sorted(map(abs, products), reverse=True)[:5]
    assert rest.value == pytest.approx(products.sum() - sum(shown))
    assert "[295 more: " in str(why["z[1][4]"])


def test_your_own_activation_is_shown_as_f():
    import chainrule as cr

    square = cr.Activation("square", lambda Z: Z * Z, lambda Z, A, dC_dA: dC_dA * 2 * Z)
    net = Network.dense([2, 2, 1], [square, "identity"], seed=0)
    why = explain(net, [[1.0, 2.0]], [[0.5]])
    assert "f(z[1][1])" in why["a[1][1]"].text("line")
    assert why["dC/dz[1][1]"].value == pytest.approx(evaluate(why["dC/dz[1][1]"].expression))
    assert "f′(" in why["da[1][1]/dz[1][1]"].text("line")


@pytest.mark.parametrize(
    ("asked_for", "message"),
    [
        (
            "dC/dW[1][3,2]",
            r"W\[1\] leads from 2 units to 3, its indices are \[from, to\]. Did you mean dC/dW\[1\]\[2,3\]",
        ),
        ("C @ 4", "there are 1 examples"),
        ("dC/db[1][1]", "layer 1 has no biases"),
        ("change W[1][1,1]", "depends on the update rule"),
    ],
)
def test_refusals(asked_for, message):
    with pytest.raises(UsageError, match=message):
        explain(NOTEBOOK, [[0.3, 1.0]], [[0.75]])[asked_for]


GIVEN = {"X": np.ones((2, 2)), "Y": np.ones((2, 1))}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"Y": np.ones((1, 1))}, "Y has 1 rows for 2 examples"),
        ({"X": np.ones((2, 3))}, "X"),
        ({"X": np.ones((0, 2))}, "X"),
        ({"reduction": "men"}, "reduction must be"),
        ({"sample_weight": [1.0]}, "sample_weight must have shape"),
        ({"weight_decay": -1.0}, "weight_decay must be at least 0"),
        ({"example": "1"}, "example must be a row"),
        ({"example": 1.5}, "example must be a row"),
        ({"update": "adam", "learning_rate": -1.0}, "learning_rate must be a finite number above 0"),
        ({"update": "adam", "learning_rate": math.nan}, "learning_rate must be a finite number above 0"),
        ({"update": "adam", "step": 1.5}, "step counts updates from 1"),
        ({"update": "adam", "step": 2, "state": 3}, "state belongs to the first update"),
        ({"network": 3}, "takes a Network or a Neuron"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(options, message):
    with pytest.raises(UsageError, match=message):
        explain(**{"network": NOTEBOOK, **GIVEN, **options})


@pytest.mark.parametrize("asked_for", [1, None, ("C", "J")])
def test_what_is_no_name_is_refused(asked_for):
    with pytest.raises(UsageError, match="by its name"):
        explain(NOTEBOOK, **GIVEN)[asked_for]


def test_a_state_of_another_rule_is_refused():
    with pytest.raises(UsageError, match="state must be a Velocity"):
        explain(NOTEBOOK, **GIVEN, update="momentum", state=3)["change W[1][1,1]"]


def test_large_layers_are_listed_as_arrays():
    net = Network.dense([300, 200, 2], "tanh", seed=0)
    names = explain(net, np.ones((1, 300)), np.ones((1, 2))).names()
    assert {"C", "J", "W[1]", "dC/dW[1]", "dC/dW[2][200,2]", "delta[1][200]", "x[300]"} <= set(names)
    assert "W[1][1,1]" not in names
    assert len(names) < 6000


def test_sums_that_nearly_cancel_are_shown_with_more_digits():
    # 0.51232... * -1.6517... + 0.88736... * 1.0201... + ...: five digits of each leave two of the sum
    net = Network.dense([3, 4, 3, 2], ["tanh", "tanh", "identity"], seed=13)
    random = np.random.default_rng(13)
    X, Y = random.normal(size=(2, 3)), random.normal(size=(2, 2))
    for name in ("dC/da[1][4]", "z[1][3]", "dC/dW[1][1,4]", "dC/dW[3][2,1]"):
        shown = explain(net, X, Y)[name].text("line").splitlines()[2:]
        sides = [computed(text_signs(line.split("=", 1)[1].strip(), {}), {}) for line in shown]
        assert sides[0] == pytest.approx(sides[-1], rel=2e-4)


def test_what_is_not_a_number_is_called_so():
    net = NOTEBOOK.with_parameters([np.full_like(W, math.nan) for W in NOTEBOOK.parameters])
    why = explain(net, [[1.0, 1.0]], [[0.5]])
    assert "NaN" in why["dC/dW[1][1,1]"].text("line")
    assert json.loads(json.dumps(why["dC/dW[1][1,1]"].json(), allow_nan=False))["value"] is None


def test_a_single_path_is_the_product_itself():
    (line,) = explain(NOTEBOOK, **GIVEN)["dC/dW[2][1,1]"].lines("paths")
    assert evaluate(line.expression) == pytest.approx(line.value)
    assert "only path" in line.rule


def test_without_targets_the_forward_pass_is_explained():
    why = explain(NOTEBOOK, [[0.3, 1.0]])
    assert why["a[2][1]"].value == pytest.approx(0.913528915, abs=5e-10)
    assert why["da[2][1]/dx[2]"].value != 0
    assert not any("C" in name or "delta" in name for name in why.names())
    with pytest.raises(UsageError, match="no targets"):
        why["dC/dW[1][1,1]"]


def test_a_fused_loss_says_where_it_has_no_derivative():
    net = Network.dense([2, 3], "softmax", seed=0)
    why = explain(net, [[1.0, 2.0]], [[1, 0, 0]], loss="softmax_categorical_cross_entropy")
    assert why["delta[1][1]"].text("line").splitlines()[1].strip() == "δ[1][1] = a[1][1] − y[1]"
    with pytest.raises(UsageError, match='explain with loss="categorical_cross_entropy"'):
        why["dC/da[1][1]"]


def test_whole_arrays():
    why = explain(NOTEBOOK, [[0.3, 1.0]], [[0.75]])
    assert why["dC/dW[1]"].value.shape == (2, 3)
    assert "shape (2, 3)" in str(why["dC/dW[1]"])
    turned = explain(NOTEBOOK, [[0.3, 1.0]], [[0.75]], notation="columns")
    assert turned["dC/dW[1]"].value.shape == (3, 2)


def test_a_whole_jacobian_in_either_layout():
    net = Network.dense([3, 4, 2], "tanh", seed=0)
    X = np.random.default_rng(0).normal(size=(2, 3))
    J = layer_jacobians(net, forward(net, X), 0, 2)[1]
    assert np.allclose(explain(net, X, example=1)["da[2]/dx"].value, J)
    turned = replace(PRESETS["chainrule"], name="turned", layout="denominator", share="inside")
    assert np.allclose(explain(net, X, example=1, notation=turned)["da[2]/dx"].value, J.T)
    done = translate("da[2]/dx", J, source="chainrule", target=turned, sizes=net.sizes)
    assert np.allclose(done.value, J.T)
    assert "Jacobians have denominator layout" in done.changes
    entry = explain(net, X, X[:, :2], notation=turned)["dJ/dW[1][1,1]"]  # 1/N within each term
    assert entry.text("line").count("1 / N ·") == 2
    assert evaluate(entry.expression) == pytest.approx(entry.value)


def test_definitions_are_immutable():
    why = explain(NOTEBOOK, [[0.3, 1.0]], [[0.75]])
    line = why["C"].line
    with pytest.raises(AttributeError):
        line.value = 3
    with pytest.raises(AttributeError):
        line.expression.factors = ()
    assert isinstance(why.definitions, Definitions)
    assert COST == Quantity("C")


def test_a_derivation_that_is_cut_says_so():
    net = Network.dense([6, 30, 30, 3], "tanh", seed=0)
    text = explain(net, np.ones((1, 6)), np.ones((1, 3)), most=100)["C"].text("scalars")
    assert text.splitlines()[-1].startswith("... and more: 80 equations are shown")
    assert "... and more" not in explain(NOTEBOOK, [[0.3, 1.0]])["a[2][1]"].text("scalars")


@pytest.mark.parametrize("notation", PRESETS)
def test_an_examples_cost_and_the_batchs_never_look_alike(notation):
    # Courses that write E or J for both tell them apart by the example's index.
    net = Network.dense([2, 2, 1], "logistic", init="uniform(-1,1)", seed=1)
    why = explain(net, [[0.1, 0.2], [0.3, 0.4]], [[0.0], [1.0]], loss="half_squared_error", notation=notation)
    parameter = Quantity("b", 2, (0,))
    cost, batch = (why[Derivative(Quantity(kind), parameter)].text("line").splitlines()[1] for kind in ("C", "J"))
    assert cost.split(" = ")[0] != batch.split(" = ")[0]


def test_an_example_stands_beneath_both_ends_of_a_slope():
    net = Network.dense([2, 2, 1], "logistic", init="uniform(-1,1)", seed=1)
    why = explain(net, [[0.1, 0.2], [0.3, 0.4]], [[0.0], [1.0]], notation="delta-rule")
    assert why["da[1][2]/dz[1][2] @ 2"].text("line").splitlines()[1].strip().startswith("∂o⁽¹⁾₂₂/∂sum⁽¹⁾₂₂ =")


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, [1, 2, 0, 0, 3, 1, 0.5], [1, 0, 1, 2, 1, 2, 4]])
def test_a_batch_in_blocks_is_the_whole_batch(monkeypatch, reduction, weights):
    # Blocks of two; in the first list of weights one block weighs nothing.
    monkeypatch.setattr(batches, "BLOCK", 2)
    net = Network.dense([3, 4, 2], "tanh", bias="x0", seed=3)
    X, Y = np.random.default_rng(0).normal(size=(7, 3)), np.random.default_rng(1).normal(size=(7, 2))
    options = {"reduction": reduction, "weight_decay": 0.3, "sample_weight": weights}
    why = explain(net, X, Y, loss="sum_of_squares", **options)
    grads = backward(net, forward(net, X), Y, "sum_of_squares", **options)
    assert why["J"].value == pytest.approx(grads.cost, rel=1e-13)
    assert evaluate(why["J"].expression) == pytest.approx(grads.cost, rel=1e-13)
    for l in (1, 2):
        for i, k in np.ndindex(grads.weights[l][1:].shape):
            entry = why[f"dJ/dW[{l}][{i + 1},{k + 1}]"]
            assert entry.value == pytest.approx(grads.weights[l][i + 1, k], rel=1e-12)
            assert evaluate(entry.expression) == pytest.approx(entry.value, rel=1e-12)
        assert why[f"dJ/db[{l}][1]"].value == pytest.approx(grads.weights[l][0, 0], rel=1e-12)


# ---- what courses have beside their letters ----------------------------------------------------------------------


def test_lambda_over_2m_is_the_same_decay():
    X, Y = [[0.3, 1.0], [0.5, 0.2]], [[0.75], [0.82]]
    halves, shares = (
        explain(NOTEBOOK, X, Y, notation=n, reduction="mean", weight_decay=0.1) for n in ("chainrule", "ng")
    )
    for name in ("J", "dJ/dW[1][2,2]"):
        assert halves[name].value == shares[name].value == close(evaluate(shares[name].line.expression))
    assert "λ / (2 · m)" in shares["J"].text("line")
    assert "+ 0.2 / 2 · 1" in shares["dJ/dW[1][2,2]"].text("line")  # lambda = m 0.1 = 0.2, over m = 2
    alone = explain(NOTEBOOK, X, Y, notation="ng", update="adamw", weight_decay=0.1)
    assert "0.1" in alone["change W[1][1,1]"].text("line")  # beside J it is no lambda / 2m
    for notation, added in (("chainrule", "lambda w"), ("ng", "lambda w / m")):
        assert f"with weight decay, add {added}\n" in str(derive("2-3-1", "dJ/dW[2][1,1]", notation=notation))


@pytest.mark.parametrize(("notation", "delta"), [("cs231n", "delta[1][0]"), ("pytorch", "delta[0][0]")])
def test_what_a_courses_own_delta_has_in_it_is_said(notation, delta):
    X, Y = [[0.3, 1.0], [0.5, 0.2]], [[0.75], [0.82]]
    assert "has the 1/N of the mean in it" in explain(NOTEBOOK, X, Y, notation=notation)[delta].rule
    assert "1/N" not in explain(NOTEBOOK, X[:1], Y[:1], notation=notation)[delta].rule  # of one example it is the same
    assert "1/N" not in explain(NOTEBOOK, X, Y, notation=notation, reduction="sum")[delta].rule


@pytest.mark.parametrize("notation", [name for name, n in PRESETS.items() if "delta" in n.remarks])
def test_every_answer_that_has_a_delta_says_what_the_courses_own_has_in_it(notation):
    counting, said = PRESETS[notation].counting, "the 1/N of the mean in it"
    name = f"delta[{counting.layer(1)}]"
    X, Y = [[0.3, 1.0], [0.5, 0.2]], [[0.75], [0.82]]
    for detail in ("line", "factors"):
        assert said in explain(NOTEBOOK, X, Y, notation=notation)[name].text(detail)
    assert said not in explain(NOTEBOOK, X[:1], Y[:1], notation=notation)[name].text()
    assert said not in explain(NOTEBOOK, X, Y, notation=notation, reduction="sum")[name].text()
    for level in ("scalar", "matrix", "tensor"):
        for loss in ("half_squared_error", "logistic_binary_cross_entropy"):
            text = str(derive("2-3-1", name, notation=notation, level=level, loss=loss))
            assert text.count(said) == 1
            assert said not in str(derive("2-3-1", f"delta[{1}]", level=level, loss=loss))
    assert str(backpropagation_equations(notation)).count(said) == 1
    formula = f"{name} = {name}"
    for what in (name, formula):
        assert said in str(translate(what, source=notation, target="chainrule", sizes=(2, 3, 1)))
        assert said not in str(translate(what, source=notation, target=notation, sizes=(2, 3, 1)))
    back = translate(name, source=notation, target="chainrule", sizes=(2, 3, 1)).text
    assert said in str(translate(back, source="chainrule", target=notation, sizes=(2, 3, 1)))
    assert said not in str(translate(f"z[{counting.layer(1)}]", source=notation, target="chainrule"))


def test_a_lambda_that_is_n_times_what_was_given_is_said():
    X, Y, said = [[0.3, 1.0], [0.5, 0.2]], [[0.75], [0.82]], "lambda is m times the weight decay that was given"
    why = explain(NOTEBOOK, X, Y, notation="ng", weight_decay=0.1)
    for name in ("J", "dJ/dW[1][2,2]", "dJ/dW[1]"):
        assert said in str(why[name])
        assert "times the weight decay" not in str(explain(NOTEBOOK, X, Y, weight_decay=0.1)[name])
        assert said not in str(explain(NOTEBOOK, X, Y, notation="ng")[name])
        assert said not in str(explain(NOTEBOOK, X[:1], Y[:1], notation="ng", weight_decay=0.1)[name])
    assert said not in str(why["C"])


def test_momentum_as_a_running_mean_is_the_same_step():
    """Run by hand: v <- beta v + (1 - beta) g, w <- w - alpha v, with alpha = eta / (1 - beta), is mu v - eta g."""
    X, Y, eta, beta = np.array([[0.3, 1.0], [0.5, 0.2]]), np.array([[0.75], [0.82]]), 0.5, 0.9
    alpha, net = eta / (1 - beta), NOTEBOOK
    v = [0.0 * p for p in net.parameters]
    for step in range(1, 5):
        why = explain(NOTEBOOK, X, Y, notation="ng", update=f"momentum({beta})", learning_rate=eta, step=step)
        grads = backward(net, forward(net, X), Y)
        assert why["v(W[1][3,2])"].value == pytest.approx(v[0][1, 2], rel=1e-9, abs=1e-15)  # before this step
        v = [beta * m + (1 - beta) * g for m, g in zip(v, grads.weights[1:], strict=True)]
        changes = [-alpha * m for m in v]
        line = why["change W[1][3,2]"].line
        assert why["change W[1][3,2]"].value == pytest.approx(changes[0][1, 2], rel=1e-9)
        assert evaluate(line.expression) == pytest.approx(changes[0][1, 2], rel=1e-9)
        net = net.with_parameters([p + c for p, c in zip(net.parameters, changes, strict=True)])
    assert "= −α · (0.9 · v(W[1][3,2]) + (1 − 0.9) · ∂J/∂W[1][3,2])" in why["change W[1][3,2]"].text("line")
    assert why["α"].value == pytest.approx(5.0)
