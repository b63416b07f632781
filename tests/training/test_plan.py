"""The plan's table: its names are the core's, and every bad value is refused by name."""

import dataclasses
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from chainrule.core.catalogue import ACTIVATIONS, LOSSES, Activation, activation_named, loss_named
from chainrule.core.initial_weights import INITS, initial_weights
from chainrule.core.loss_names import ALIASES, LOSS_NAMES
from chainrule.core.schedules import SCHEDULES, schedule_named
from chainrule.core.update_rules import UPDATE_RULES, UpdateRule, update_rule_named
from chainrule.engines.choose import ENGINES
from chainrule.engines.solvers import solver_named
from chainrule.errors import UsageError
from chainrule.training import plan as table
from chainrule.training.plan import TrainingPlan


@pytest.mark.parametrize(
    ("names", "core"),
    [
        (table.ACTIVATION_NAMES, ACTIVATIONS),
        (table.LOSS_NAMES, LOSSES),
        (table.UPDATE_NAMES, UPDATE_RULES),
        (table.SCHEDULE_NAMES, SCHEDULES),
        (table.INIT_NAMES, INITS),
        (table.ENGINE_NAMES, ENGINES),
        (table.DEFAULT_LEARNING_RATES, UPDATE_RULES),
    ],
)
def test_names_are_the_cores(names, core):
    assert set(names) == set(core)
    assert len(names) == len(core)


def test_every_name_works_in_the_core():
    for name in table.ACTIVATION_NAMES:
        assert activation_named(TrainingPlan(activation=name).hidden_activations[0]).name == name
    for name in table.LOSS_NAMES:
        assert loss_named(TrainingPlan(loss=name).loss).name == name
    for name in table.UPDATE_NAMES:
        plan = TrainingPlan(update=name)
        assert update_rule_named(plan.update).name == name
        assert plan.eta == table.DEFAULT_LEARNING_RATES[name]
    for name in table.SOLVER_NAMES:
        solver = solver_named(TrainingPlan(solver=name).solver)
        assert (solver.name if solver else "descent") == name
    for name in table.SCHEDULE_NAMES:
        assert schedule_named(TrainingPlan(schedule=name).schedule).name == name
    for name in table.INIT_NAMES:
        W, _ = initial_weights(TrainingPlan(init=name).init, 2, 3, np.random.default_rng(0))
        assert W.shape == (2, 3)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("hidden", "x,y"), ("hidden", 0.5), ("hidden", [0]), ("hidden", -3), ("hidden", True), ("hidden", None),
        ("hidden", {}.keys), ("hidden", [[2]]),
        ("activation", "sigmoid"), ("activation", 3), ("activation", None), ("activation", ["tanh", "x"]),
        ("output_activation", "probit"), ("output_activation", 1), ("output_activation", None),
        ("loss", "hinge"), ("loss", 0), ("loss", None),
        ("bias", "x1"), ("bias", None), ("bias", 2),
        ("init", "xavier"), ("init", 3), ("init", None),
        ("solver", "newton"), ("solver", None), ("solver", 3), ("bayes", "yes"), ("bayes", None),
        ("frozen", "first"), ("frozen", [0]), ("frozen", 9), ("frozen", None), ("frozen", 1.5),
        ("update", "sgd"), ("update", None), ("update", 0.1),
        ("learning_rate", 0), ("learning_rate", -1), ("learning_rate", math.nan), ("learning_rate", math.inf),
        ("learning_rate", "fast"), ("learning_rate", 10**400), ("learning_rate", True), ("learning_rate", [0.1]),
        ("learning_rate", 1j), ("learning_rate", np.array([0.1, 0.2])),
        ("schedule", "linear"), ("schedule", None), ("schedule", 1),
        ("weight_decay", -0.1), ("weight_decay", math.nan), ("weight_decay", math.inf), ("weight_decay", None),
        ("clip_norm", 0), ("clip_norm", "1"), ("clip_value", -1), ("clip_value", math.nan),
        ("dropout", 1), ("dropout", -0.1), ("dropout", math.nan), ("dropout", "half"), ("dropout", None),
        ("dropout", True), ("dropout", (0.5, 1.0)), ("dropout", ()), ("dropout", "0.2;0.5"), ("dropout", 0.5j),
        ("dropout", 10**400),
        ("reduction", "max"), ("reduction", "mean(2)"), ("reduction", None), ("reduction", 1),
        ("batch_size", 0), ("batch_size", "some"), ("batch_size", 2.5), ("batch_size", True), ("batch_size", None),
        ("shuffle", "yes"), ("shuffle", 2), ("shuffle", None),
        ("epochs", 0), ("epochs", 1.5), ("epochs", "10"), ("epochs", None), ("epochs", math.inf), ("epochs", True),
        ("target_cost", 0), ("target_cost", math.nan), ("patience", 0), ("patience", 2.5), ("tolerance", -1),
        ("tolerance", math.inf),
        ("time_limit", 0), ("time_limit", -1), ("starts", 0), ("starts", None),
        ("keep", "first"), ("keep", "best(1)"), ("keep", None),
        ("dtype", "float16"), ("dtype", np.float32), ("dtype", "float32(1)"),
        ("engine", "gpu"), ("engine", None), ("threads", 0), ("threads", 1.5), ("threads", "two"), ("threads", True),
        ("seed", -1), ("seed", 0.5), ("seed", None), ("seed", "a"),
    ],
)  # fmt: skip
def test_bad_values_are_refused(option, value):
    with pytest.raises(UsageError) as caught:
        TrainingPlan(**{option: value})
    message = str(caught.value)
    assert option in message
    received = value[-1] if isinstance(value, list) and option == "activation" else value
    if option != "frozen" or value != 9:
        assert (received if isinstance(received, str) else repr(received)) in message
    field = next(field for field in dataclasses.fields(TrainingPlan) if field.name == option)
    if isinstance(value, str) and field.metadata["words"] and option != "batch_size":
        assert all(word in message for word in field.metadata["words"])  # what is allowed
    elif value is not None:
        assert any(word in message for word in ("must be", "Allowed", "the network has layers 1 to 2"))


def test_every_option_refuses_something_above():
    """So that an option that is added later is not forgotten here."""
    tested = {mark.args[1][i][0] for mark in test_bad_values_are_refused.pytestmark for i in range(len(mark.args[1]))}
    assert tested == {field.name for field in dataclasses.fields(TrainingPlan)}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"hidden": "32 16"}, (32, 16)), ({"hidden": "32,16"}, (32, 16)), ({"hidden": 5}, (5,)),
        ({"hidden": np.int64(5)}, (5,)), ({"hidden": [4, np.int32(2)]}, (4, 2)), ({"hidden": "none"}, ()),
        ({"hidden": 0}, ()), ({"hidden": ()}, ()), ({"hidden": np.array([3, 2])}, (3, 2)),
        ({"frozen": 1}, (1,)), ({"frozen": "1,2", "hidden": (3, 3)}, (1, 2)), ({"frozen": [2]}, (2,)),
        ({"frozen": ""}, ()), ({"activation": "relu"}, ("relu",)),
        ({"activation": "leaky_relu(0.2), elu(0.5)", "hidden": (2, 2)}, ("leaky_relu(0.2)", "elu(0.5)")),
        ({"batch_size": "all"}, "all"), ({"batch_size": "8"}, 8), ({"batch_size": np.int64(8)}, 8),
        ({"bias": True}, "vector"), ({"bias": False}, "none"), ({"bias": "x0"}, "x0"),
        ({"learning_rate": 1}, 1.0), ({"learning_rate": Fraction(1, 4)}, 0.25),
        ({"learning_rate": np.float32(0.5)}, 0.5),
        ({"shuffle": False}, False), ({"shuffle": np.False_}, False),
        ({"epochs": np.int64(7)}, 7), ({"seed": 2**80}, 2**80), ({"patience": None}, None),
        ({"dropout": 0.5}, (0.5,)), ({"dropout": "0.5"}, (0.5,)), ({"dropout": "0.2,0.5"}, (0.2, 0.5)),
        ({"dropout": "0.2, 0"}, (0.2, 0.0)), ({"dropout": [0, np.float64(0.25)]}, (0.0, 0.25)),
        ({"dropout": 0}, (0.0,)), ({"dropout": np.array([0.25, 0.5])}, (0.25, 0.5)),
        ({"init": "uniform(-1,1)"}, "uniform(-1,1)"), ({"update": "momentum(0.5)"}, "momentum(0.5)"),
    ],
)  # fmt: skip
def test_good_values_are_stored_plainly(given, stored):
    (name,) = list(given)[:1]
    value = getattr(TrainingPlan(**given), name)
    assert value == stored
    assert type(value) is type(stored)


def test_activations_and_layers_must_match():
    with pytest.raises(UsageError, match="names 2 activations for 3 hidden layers"):
        TrainingPlan(hidden=(3, 3, 3), activation="tanh,relu")
    with pytest.raises(UsageError, match="frozen names layer 4; the network has layers 1 to 3"):
        TrainingPlan(hidden=(3, 3), frozen=(4,))
    assert TrainingPlan(hidden=(3, 3)).hidden_activations == ["tanh", "tanh"]
    assert TrainingPlan(hidden=(3, 3), activation="tanh,relu").hidden_activations == ["tanh", "relu"]
    assert TrainingPlan(hidden="none").hidden_activations == []


def test_own_objects_are_taken_as_they_are():
    own = Activation("square", lambda Z: Z * Z, lambda Z, A, dC_dA: dC_dA * 2 * Z)
    plan = TrainingPlan(activation=own, output_activation=own, update=update_rule_named("adam"))
    assert plan.activation == (own,)
    assert plan.output_activation is own
    assert plan.eta == 0.01


def test_near_names_are_suggested():
    with pytest.raises(UsageError, match='Did you mean "logistic"'):
        TrainingPlan(activation="logistc")
    with pytest.raises(UsageError, match='Did you mean "nesterov"'):
        TrainingPlan(update="nesterow")


def test_every_field_has_help():
    for field in dataclasses.fields(TrainingPlan):
        help_text = field.metadata["help"]
        assert help_text.endswith(".")
        assert help_text[0].isupper() or help_text.startswith("lambda")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frozen": "1,2"}, "frozen names every layer"),
        ({"hidden": 10**19}, "at most 1,000,000"),
        ({"activation": "sigmoid"}, 'Did you mean "logistic"?'),
        ({"loss": "cross_entropy"}, 'Did you mean "softmax_categorical_cross_entropy"?'),
        ({"update": "SGD"}, 'Did you mean "gradient_descent"?'),
    ],
)
def test_more_refusals(options, message):
    with pytest.raises(UsageError) as caught:
        TrainingPlan(**options)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_a_loss_of_ours_however_its_words_are_joined(name):
    for spelled in (name.upper(), name.replace("_", "-"), name.title().replace("_", ""), f"{name}_loss"):
        assert TrainingPlan(loss=spelled).loss == loss_named(spelled).name == name


@pytest.mark.parametrize("typed", ALIASES)
def test_a_loss_by_the_name_that_other_programs_have(typed):
    ours = ALIASES[typed]
    spellings = (typed, typed.upper(), typed.replace("_", "-"), f" {typed} ", typed.replace("_", " "), f"{typed}_loss",
                 typed.title().replace("_", ""))  # fmt: skip
    for spelled in spellings:
        assert TrainingPlan(loss=spelled).loss == loss_named(spelled).name == ours
    assert typed not in LOSS_NAMES
    assert ours in LOSS_NAMES
    if ours in ("quantile", "huber"):
        assert TrainingPlan(loss=f"{typed}(0.9)").loss == loss_named(f"{typed}(0.9)").name == f"{ours}(0.9)"


def test_the_usual_learning_rates_are_those_that_are_documented():
    """The table of update rules in docs/training.md: its last column."""
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(\w+)`.*\| ([\d.]+) \|$", page, re.MULTILINE))
    assert set(table.UPDATE_NAMES) <= set(documented)
    for name in table.UPDATE_NAMES:
        assert TrainingPlan(update=name).eta == float(documented[name])
        assert TrainingPlan(update=name, learning_rate=0.3).eta == 0.3
    own = UpdateRule("own", lambda parameters: (), lambda gradients, state, rate: (gradients, state))
    assert TrainingPlan(update=own).eta == float(documented["adam"])
    assert math.isnan(TrainingPlan(solver="lm").eta)
