"""Steps that a training took, explained: every line has its value, and the step is the weights'."""

import numpy as np
import pytest
from shown import jacobian_names

import chainrule as cr
from chainrule.explaining.grammar import parse
from chainrule.explaining.quantities import Quantity
from chainrule.explaining.trees import evaluate

X = np.random.default_rng(5).normal(size=(24, 3))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
WEIGHTS = np.random.default_rng(6).uniform(0.5, 2.0, 24)


def trained(**options):
    return cr.train(X, Y, dtype="float64", seed=1, test=0.0, target_scale="none", **{"hidden": 2, **options})


@pytest.mark.matrix(4)
@pytest.mark.parametrize("unroll", [0, 1, 3, 100])
@pytest.mark.parametrize("update", ["momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_what_the_gradients_left_is_the_state(update, unroll):
    model = trained(update=update, epochs=3, batch_size=8, clip_norm=0.5, learning_rate=0.01)
    why = model.replay(step=5, unroll=unroll)
    entry, (before, after) = why["change W[1][3,2]"], why.weight("change W[1][3,2]")
    assert entry.value == pytest.approx(after - before, rel=1e-6)
    written_out = 0
    for line in entry.lines("factors"):
        assert evaluate(line.expression) == pytest.approx(line.value, rel=1e-9, abs=1e-15), line
        written_out += line.rule.startswith("what the gradients")
    assert written_out == (0 if not unroll else 2 if update.startswith("adam") else 1)


@pytest.mark.parametrize("unroll", [0, 1, 3, 100])
def test_momentum_as_a_running_mean_says_what_the_velocity_is(unroll):
    """v = -alpha times the running mean, with the rate of now, whatever the rates of the steps before were."""
    model = trained(update="momentum(0.8)", epochs=3, batch_size=8, learning_rate=0.01, schedule="exponential")
    here, there = (model.replay(step=5, unroll=unroll, notation=n) for n in ("chainrule", "ng"))
    mean, velocity = there["v(W[1][2,3])"], here["v(W[1][3,2])"]
    assert there["change W[1][2,3]"].value == pytest.approx(here["change W[1][3,2]"].value, rel=1e-12)
    assert velocity.value == pytest.approx(-there["α"].value * mean.value, rel=1e-12)
    for line in (mean.line, *there["change W[1][2,3]"].lines("scalars")):
        assert evaluate(line.expression) == pytest.approx(line.value, rel=1e-9, abs=1e-15)
        assert "rounding" not in line.rule
        assert "floats" not in line.rule
    assert mean.line.rule.startswith("what the gradients" if unroll else "left by the updates before")


@pytest.mark.matrix
@pytest.mark.parametrize("options", [
    {"solver": "lm", "weight_decay": 0.7, "reduction": "sum"}, {"solver": "lm", "weight_decay": 0.7},
    {"solver": "lm", "bayes": True}, {"solver": "lbfgs"}, {"solver": "lbfgs", "reduction": "sum"},
    {"solver": "lbfgs(2)", "weight_decay": 0.3},
])  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True])
def test_steps_of_solvers(options, weighted):
    model = trained(epochs=4, sample_weight=WEIGHTS if weighted else None, **options)
    for step in range(1, len(model.history) + 1):
        why = model.replay(step=step)
        for name in ("change W[1][3,2]", "change b[1][1]", "change W[2][2,1]", "change b[2][1]"):
            entry, (before, after) = why[name], why.weight(name)
            assert entry.value == pytest.approx(after - before, rel=1e-5, abs=1e-9), (step, name)
            assert evaluate(entry.expression) == pytest.approx(entry.value, rel=1e-6, abs=1e-12), (step, name)
            if options["solver"].startswith("lbfgs"):
                memory = min(step - 1, 2 if "(2)" in options["solver"] else 3)
                assert ("straight downhill" in entry.rule) == (memory == 0)
                assert f"bent by the {memory} step" in entry.rule or not memory


@pytest.mark.parametrize("notation", ["chainrule", "beta"])
@pytest.mark.parametrize("activation", ["tanh", "softmax", "relu", "gelu"])
def test_what_dropout_makes_of_every_number(activation, notation):
    """Units that are left out and units that count for more: every number of the step still is what it says."""
    options = {"dropout": 0.4, "epochs": 1, "batch_size": 12, "update": "gradient_descent", "learning_rate": 0.1}
    model = trained(hidden=(4, 3), activation=activation, **options)
    why = model.replay(step=2, notation=notation, example=3).explanation
    values = why.definitions.values
    left = [values.masks[l][3] for l in (0, 1)]
    assert {0.0} < {float(m) for mask in left for m in mask}  # some are left out, some count for more
    random = np.random.default_rng(0)
    names = [*jacobian_names(why.network.sizes), *(parse(name, why.network.sizes) for name in why.names())]
    for name in random.permutation(np.array(names, dtype=object))[:60]:
        for factors in (False, True):
            line = why.definitions.of(name, factors=factors)
            assert evaluate(line.expression) == pytest.approx(line.value, rel=1e-9, abs=1e-13), line
            assert not any(words in line.rule for words in ("rounding", "floats")), line
    for l, mask in enumerate(left, start=1):
        for k, m in enumerate(mask):
            unit, slope = why[Quantity("a", l, (k,))], why[Quantity("slope", l, (k,))]
            assert "times what dropout makes of the unit" in unit.rule
            if activation != "softmax" and not m:
                assert (unit.value, slope.value) == (0.0, 0.0)
                assert slope.rule == "dropout left this unit out"
