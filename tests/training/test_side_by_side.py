"""Trainings side by side: each as if alone, told in their order, and ended by a callback, Ctrl-C or the clock."""

import numpy as np
import pytest
from training_tasks import classes, same_bits, training, without_seconds

from chainrule.core.network import Network
from chainrule.training import loop
from chainrule.training.loop import epochs_until_due, run, run_side_by_side
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare

DIVERGING = {"update": "gradient_descent", "learning_rate": 1e300, "activation": "identity"}


def in_float32(seed):
    plan = TrainingPlan(epochs=5, batch_size=4, seed=seed, dtype="float32")
    return prepare(plan, Network.dense([2, 3], "logistic", seed=seed, dtype="float32"), *classes())


def test_trainings_of_every_kind_go_as_if_alone():
    mixed = [training(epochs=4), in_float32(1), training(epochs=6, engine="reference"), training(epochs=3, seed=7),
             in_float32(2), training(epochs=5, solver="lm", batch_size="all"), training(epochs=9)]  # fmt: skip
    heard = []
    together = run_side_by_side(mixed, callbacks=[heard.append])
    for ready, (state, error) in zip(mixed, together, strict=True):
        alone = run(ready)
        assert error is None
        assert (state.epoch, state.stopped) == (alone.epoch, alone.stopped)
        assert same_bits(state.network, alone.network)
        assert without_seconds(state.history).tobytes() == without_seconds(alone.history).tobytes()
    assert [id(state) for state in heard] == [id(state) for state, _ in together]


def test_one_that_diverges_is_named_and_the_others_end():
    together = run_side_by_side([training(epochs=4), training(DIVERGING), training(epochs=3)])
    assert [state.stopped for state, _ in together] == ["all epochs run", "diverged", "all epochs run"]
    assert [error is not None for _, error in together] == [False, True, False]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_callback_stops_those_that_still_run(at):
    trainings = [training(epochs=n, engine="reference") for n in (2, 3, 4)]  # one after the other
    heard = []
    together = run_side_by_side(trainings, callbacks=[lambda state: heard.append(state) or len(heard) == at + 1])
    assert [state.stopped for state, _ in together] == ["all epochs run"] * (at + 1) + ["stopped by a callback"] * (
        2 - at
    )
    assert [state.epoch for state, _ in together] == [2, 3, 4][: at + 1] + [0] * (2 - at)


@pytest.mark.parametrize("diverging", [None, 1, 2])
def test_ctrl_c_when_all_have_ended_is_not_lost(diverging):
    """It is the last training that says so, unless it has diverged."""
    trainings = [training(DIVERGING if i == diverging else {}, epochs=3) for i in range(3)]
    heard = []

    def pressed(state):
        heard.append(state)
        if len(heard) == 3:
            raise KeyboardInterrupt

    together = run_side_by_side(trainings, callbacks=[pressed])
    ends = ["diverged" if i == diverging else "all epochs run" for i in range(3)]
    assert [state.stopped for state in heard] == ends
    assert [state.stopped for state, _ in together] == [*ends[:2], "diverged" if diverging == 2 else "interrupted"]


def test_ctrl_c_stops_those_that_run_and_not_those_that_have_ended(monkeypatch):
    """On two threads, for on one the first would run to its end before the others begin."""
    go_on = loop._go_on
    for order in ([10**9, 1, 1], [1, 10**9, 1], [1, 1, 10**9]):

        def pressed_when_the_short_ones_have_ended(trainings, reached, running, order=order):
            interrupted = go_on(trainings, reached, running)
            return interrupted or all(one.state.stopped for one, n in zip(reached, order, strict=True) if n == 1)

        monkeypatch.setattr(loop, "_go_on", pressed_when_the_short_ones_have_ended)
        together = run_side_by_side([training(epochs=n, threads=2) for n in order])
        wanted = ["all epochs run" if n == 1 else "interrupted" for n in order]
        assert [state.stopped for state, _ in together] == wanted


def test_an_error_in_a_callback_keeps_what_was_reached():
    def fails(state):
        raise RuntimeError("full")

    with pytest.raises(RuntimeError) as caught:
        run_side_by_side([training(epochs=3), training(epochs=2)], callbacks=[fails])
    assert [state.epoch for state, _ in caught.value.reached] == [3, 2]


def test_the_time_limit_is_for_all_together(monkeypatch):
    clock = iter(range(10_000))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: float(next(clock)))
    trainings = [training(epochs=3, engine="reference"), training(epochs=10**6, engine="reference"), training(epochs=2)]
    together = run_side_by_side(trainings, time_limit=60)
    assert [state.stopped for state, _ in together] == ["all epochs run", "time limit reached", "time limit reached"]
    assert together[0].state.epoch == 3
    assert 3 < together[1].state.epoch < 60
    assert together[2].state.epoch == 0


def test_until_a_callback_is_due():
    def every(n):
        return type("Callback", (), {"every": n})()

    assert epochs_until_due([], 5) > 10**9
    assert epochs_until_due([every(None)], 5) > 10**9
    assert [epochs_until_due([every(4), every(6), every(None)], epoch) for epoch in range(13)] == [
        4, 3, 2, 1, 2, 1, 2, 1, 4, 3, 2, 1, 4,
    ]  # fmt: skip
    assert epochs_until_due([lambda state: None, every(4)], 0) == 1


def test_a_network_with_one_array_of_parameters():
    X, Y = classes()
    ready = prepare(
        TrainingPlan(epochs=3, dtype="float64"), Network.dense([2, 3], "identity", bias=False, seed=0), X, Y
    )
    state = run(ready)
    assert state.epoch == 3
    assert np.isfinite(state.network.weights[1]).all()
