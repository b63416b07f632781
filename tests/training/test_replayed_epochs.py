"""An update taken again is the one that training took: by the core's functions, and bit for bit."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from training_tasks import classes, same_bits, training

from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.engines.choose import Choice
from chainrule.errors import DivergenceError, UsageError
from chainrule.training.loop import epochs, run
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare
from chainrule.training.replay import Walk, place_of, states_at

CASES = {
    "compiled": {"update": "adam", "schedule": "cosine"},
    "reference": {"engine": "reference", "update": "momentum"},
    "dropout": {"dropout": (0.4, 0.2), "hidden": (5, 3)},
    "as they lie": {"shuffle": False},
    "by batch": {"batch_size": "all"},
    "one by one": {"batch_size": 1, "update": "rmsprop"},
}


@pytest.mark.parametrize("name", CASES)
def test_each_update_follows_from_what_is_said_of_it(name):
    ready = training(epochs=3, **CASES[name])
    work, number = ready.work, 0
    for before, after in pairwise([ready.start, *epochs(ready)]):
        walk, network, order = Walk(ready, before), before.network, np.arange(24)
        if work.shuffle and work.batch_size < 24:
            order = before.generator().permutation(24)
        for batch, first in enumerate(range(0, 24, work.batch_size), start=1):
            taken, number = walk.take(batch), number + 1
            assert (taken.number, taken.epoch, taken.batch) == (number, before.epoch + 1, batch)
            assert taken.rows.tolist() == order[first : first + work.batch_size].tolist()
            assert same_bits(taken.before, network)
            assert (taken.masks is not None) == (name == "dropout")
            record = forward(network, work.X[taken.rows], taken.masks)
            grads = backward(network, record, work.Y[taken.rows], work.loss)
            changes, memory = work.rule.update(grads.parameters, taken.rule_state, taken.learning_rate)
            for old, change, new in zip(network.parameters, changes, taken.after.parameters, strict=True):
                np.testing.assert_allclose(new, old + change, rtol=1e-9, atol=1e-12)
            for wanted, found in zip(memory, taken.rule_state_after, strict=True):
                np.testing.assert_allclose(
                    *([part] if isinstance(part, int) else np.concatenate([M.ravel() for M in part])
                      for part in (wanted, found)), rtol=1e-9, atol=1e-12,
                )  # fmt: skip
            network = taken.after
            if batch == 3:  # and without those before it
                assert same_bits(Walk(ready, before).take(3).after, network)
        assert same_bits(walk.finish(), after.network)
        assert same_bits(Walk(ready, before).finish(), after.network)
    assert number == 3 * work.updates_per_epoch


def test_a_solvers_step_is_taken_again():
    ready = training(epochs=3, solver="lm", batch_size="all")
    states = [ready.start, *epochs(ready)]
    taken = Walk(ready, states[1]).take(1)
    assert (taken.number, taken.epoch, taken.batch, taken.rows.tolist()) == (2, 2, 1, list(range(24)))
    assert np.isnan(taken.learning_rate)
    assert same_bits(taken.before, states[1].network)
    assert same_bits(taken.after, states[2].network)


def test_the_engine_without_matrices_rounds_where_an_epoch_ends():
    X, Y = classes()
    plan = TrainingPlan(engine="node_by_node", update="gradient_descent", batch_size=5, epochs=2, dtype="float32")
    ready = prepare(plan, Network.dense([2, 3, 3], "logistic", seed=0, dtype="float32"), X, Y)
    states = [ready.start, *epochs(ready)]
    for before, after in pairwise(states):
        walk = Walk(ready, before)
        for batch in range(1, 6):
            assert walk.take(batch).after.weights[1].dtype == np.float64
        assert same_bits(walk.finish(), after.network)


def test_an_update_that_diverges_says_so():
    ready = training(update="gradient_descent", learning_rate=1e200, activation="identity", clip_norm=None)
    with pytest.raises(DivergenceError, match="in epoch 1, batch"):
        Walk(ready, ready.start).finish()


def test_the_states_at_some_epochs():
    """Whatever could have ended the training earlier: it is known how far it went."""
    options = {"epochs": 9, "learning_rate": 0.3}
    states = [training(**options).start, *epochs(training(**options))]
    ready = training(**options, patience=1, tolerance=1e9, target_cost=1e9)
    assert run(ready).epoch == 1
    found = list(states_at(ready, [6, 2, 0, 2, 9]))
    assert [state.epoch for state in found] == [0, 2, 6, 9]
    assert all(same_bits(state.network, states[state.epoch].network) for state in found)


def test_the_states_of_a_training_that_ends_earlier():
    ready = prepare(TrainingPlan(solver="lm", epochs=90), Network.dense([2, 3], "identity", seed=0), *classes())
    found = list(states_at(ready, [1, 40, 80]))
    assert [state.stopped for state in found] == ["stopped by a callback", "converged: no step lowers the cost"]


def test_ctrl_c_ends_a_replay():
    def interrupted(*arguments):
        raise KeyboardInterrupt

    ready = replace(training(), engine=Choice(interrupted, "interrupted", "a test"))
    with pytest.raises(KeyboardInterrupt):
        list(states_at(ready, [2, 4]))


# ---- which update -------------------------------------------------------------------------------------------------


def test_updates_are_counted_through_all_epochs():
    places = [(epoch, batch) for epoch in range(1, 5) for batch in range(1, 4)]
    assert [place_of(step, 4, 3) for step in range(1, 13)] == places
    assert [place_of(np.int64(step), 4, 3) for step in range(1, 13)] == places
    assert [place_of(place, 4, 3) for place in places] == places == [place_of(list(place), 4, 3) for place in places]
    assert place_of("last", 4, 3) == (4, 3) == place_of((np.int64(4), 3), 4, 3)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (0, "12 steps, 4 epochs of 3 updates each; there is no step 0. Ask for one from 1 to 12."),
        (13, "there is no step 13"), (-1, "there is no step -1"), (True, "received True"), (1.0, "received 1.0"),
        ("first", "received 'first'"), ((1, True), r"received (1, True)"), ((1,), "received (1,)"),
        ((1, 2, 3), "received (1, 2, 3)"), (None, "received None"),
        ((0, 1), "4 epochs of 3 updates each, counted from 1; there is no update 1 of epoch 0."),
        ((5, 1), "no update 1 of epoch 5"), ((1, 0), "no update 0 of epoch 1"), ((1, 4), "no update 4 of epoch 1"),
    ],
)  # fmt: skip
def test_updates_that_were_not_taken(step, words):
    with pytest.raises(UsageError) as caught:
        place_of(step, 4, 3)
    assert words in str(caught.value)


def test_one_update_an_epoch_and_none_at_all():
    with pytest.raises(UsageError, match="2 epochs of 1 update each"):
        place_of(3, 2, 1)
    with pytest.raises(UsageError, match="2 epochs of 1 update each"):
        place_of((3, 1), 2, 1)
    for step in ("last", 1, (1, 1)):
        with pytest.raises(UsageError, match="took no step"):
            place_of(step, 0, 3)
