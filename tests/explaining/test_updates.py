"""Why did this weight change at step t? The equation of every update rule, against the training that made the step."""

import numpy as np
import pytest

from chainrule import Network, UsageError, explain, fit
from chainrule.explaining.grammar import parse
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import Change, State, bias, weight
from chainrule.explaining.trees import evaluate, symbols

X = np.random.default_rng(1).normal(size=(6, 2))
Y = np.random.default_rng(2).normal(size=(6, 1))
RULES = [
    "gradient_descent",
    "momentum",
    "momentum(0.5)",
    "nesterov",
    "rmsprop",
    "adam",
    "adam(0.8,0.9)",
    "adam(0.9,0.99,0,0.001)",
    "adam(0.9,0.99,0.01,0.001)",
    "adamw",
    "rprop",
]


def network(bias=True):
    return Network.dense([2, 3, 1], ["tanh", "identity"], bias=bias, init="uniform(-1,1)", seed=4)


def trained(net, rule, epochs, **options):
    return fit(net, X, Y, batch_size="all", epochs=epochs, learning_rate=0.05, update=rule, **options).network


@pytest.mark.parametrize("step", [1, 2, 5])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_the_change_is_the_one_that_training_makes(rule, step, weight_decay):
    net = network()
    before = trained(net, rule, step - 1, weight_decay=weight_decay) if step > 1 else net
    after = trained(net, rule, step, weight_decay=weight_decay)
    why = explain(net, X, Y, update=rule, learning_rate=0.05, step=step, weight_decay=weight_decay)
    for text, made in (
        ("change W[1][2,3]", after.weights[1][1, 2] - before.weights[1][1, 2]),
        ("change W[2][1,1]", after.weights[2][0, 0] - before.weights[2][0, 0]),
        ("change b[1][2]", after.biases[1][1] - before.biases[1][1]),
    ):
        entry = why[text]
        assert entry.value == pytest.approx(made, rel=1e-6, abs=1e-12)
        assert evaluate(entry.expression) == pytest.approx(entry.value, rel=1e-12)
        assert rule.partition("(")[0] in entry.rule


@pytest.mark.parametrize(("notation", "rule"), [
    *((notation, "momentum") for notation in sorted(PRESETS)),
    *((notation, rule) for notation in ("chainrule", "ng") for rule in ("nesterov", "adam", "adamw", "rprop", "lm")),
])  # fmt: skip
def test_everything_behind_a_change_has_its_value(notation, rule):
    """Down to what the rule remembers, in every notation; a frozen layer does not change and nothing of it is kept."""
    net = Network.dense([2, 2, 1, 1], "tanh", trainable=[True, False, True], init="uniform(-1,1)", seed=4)
    why = explain(net, X, Y, update=rule, learning_rate=0.05, step=3, notation=notation)
    moved = 0
    for parameter in (weight(1, 1, 0), bias(1, 1), weight(3, 0, 0)):
        for line in why[Change(parameter)].lines("scalars"):
            assert evaluate(line.expression) == pytest.approx(line.value, rel=1e-9, abs=1e-15), line
            assert not any(words in line.rule for words in ("rounding", "floats")), line
            states = [s.name for s in symbols(line.expression) if isinstance(s.name, State)]
            moved += bool(states)
    assert moved or rule == "lm"
    frozen = why[Change(weight(2, 0, 0))]
    assert (frozen.value, frozen.rule) == (0.0, "its layer is frozen")
    for kind in {"momentum": ["v"], "adam": ["mean", "mean_square"], "rprop": ["step"]}.get(rule, []):
        assert why[State(kind, weight(2, 0, 0))].value == 0.0


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_levenberg_marquardt(reduction):
    net = network()
    options = {"reduction": reduction, "weight_decay": 0.01}
    after = fit(net, X, Y, solver="lm(0.01)", epochs=1, **options).network
    why = explain(net, X, Y, update="lm(0.01)", **options)
    for text in ("change W[1][2,3]", "change b[2][1]"):
        entry = why[text]
        parameter = parse(text, net.sizes).parameter
        part = "weights" if parameter.kind == "W" else "biases"
        arrays = [getattr(n, part)[parameter.layer][parameter.units] for n in (after, net)]
        assert entry.value == pytest.approx(arrays[0] - arrays[1], rel=1e-6)
        assert evaluate(entry.expression) == pytest.approx(entry.value, rel=1e-9)
    assert "H⁻¹(" in entry.text("line")


def test_what_a_solver_does_not_remember_is_refused():
    for update, state in (("lm", State("v", weight(1, 0, 0))), ("lm", State("inverse", weight(1, 0, 0)))):
        with pytest.raises(UsageError, match="remembers nothing of a parameter"):
            explain(network(), X, Y, update=update)[state]
    with pytest.raises(UsageError, match="is not what momentum remembers"):
        explain(network(), X, Y, update="momentum")[State("mean_square", weight(1, 0, 0))]


def test_frozen_layers_and_bias_rows():
    frozen = Network.dense([2, 3, 1], "tanh", trainable=[False, True], seed=0)
    why = explain(frozen, X, Y, update="adam")
    assert why["change W[1][1,1]"].value == 0
    assert why["change W[1][1,1]"].rule == "its layer is frozen"
    assert why["change W[2][1,1]"].value != 0
    x0 = Network.dense([2, 3, 1], "tanh", bias="x0", seed=0)
    after = fit(x0, X, Y, batch_size="all", epochs=1, learning_rate=0.05, update="momentum").network
    why = explain(x0, X, Y, update="momentum", learning_rate=0.05)
    assert why["change b[1][2]"].value == pytest.approx(after.weights[1][0, 1] - x0.weights[1][0, 1], rel=1e-9)
    assert why["change W[1][1,2]"].value == pytest.approx(after.weights[1][1, 1] - x0.weights[1][1, 1], rel=1e-9)


def test_a_state_of_a_training_explains_its_next_step():
    net = network()
    state = fit(net, X, Y, batch_size="all", epochs=3, update="adam", learning_rate=0.05)
    after = trained(net, "adam", 4)
    why = explain(state.network, X, Y, update="adam", learning_rate=0.05, state=state.rule_state)
    assert why["change W[1][1,1]"].value == pytest.approx(
        after.weights[1][0, 0] - state.network.weights[1][0, 0], rel=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"update": "adam", "step": 0}, "step counts updates from 1"),
        ({"update": "adan"}, 'update "adan" is unknown'),
        ({"most": 0}, "at least 1"),
        ({"detail": "everything"}, 'detail "everything" is unknown'),
        ({"notation": "nielson"}, 'Did you mean "nielsen"'),
        ({"example": 6}, "from 0 to 5"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(UsageError, match=message):
        explain(network(), X, Y, **options)
