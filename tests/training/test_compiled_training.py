"""Trainings on the compiled engine go as on the reference engine: when they stop, what they keep, how they fail."""

import math
from dataclasses import replace

import numpy as np
import pytest
from training_tasks import classes, same_bits, training, without_seconds

from chainrule.core.network import Network
from chainrule.engines import compiled
from chainrule.errors import DivergenceError
from chainrule.training.checkpoint import load_checkpoint, save_checkpoint
from chainrule.training.loop import epochs, run, run_side_by_side
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare

OVER_TRAINING = {"epochs": 80, "hidden": 30, "learning_rate": 0.05, "noise": 0.5, "batch_size": "all"}
COURSES = {
    "patience": {"patience": 5, "epochs": 300, "learning_rate": 0.1, "noise": 0.5},
    "patience without rows": {"patience": 3, "epochs": 300, "learning_rate": 0.1, "noise": 0.5, "validation": False},
    "target": {"target_cost": 0.3, "epochs": 300},
    "target in the first epoch": {"target_cost": 9.0},
    "plateau": {"schedule": "reduce_on_plateau(0.5,2)", "learning_rate": 0.1, "noise": 0.5, "epochs": 40},
    "plateau without rows": {"schedule": "reduce_on_plateau(0.2,1)", "learning_rate": 0.2, "noise": 0.5, "epochs": 40,
                             "validation": False},
    "best": OVER_TRAINING,
    "last": OVER_TRAINING | {"keep": "last"},
    "best of Adam with patience": OVER_TRAINING | {"patience": 15, "update": "adamw", "weight_decay": 0.01},
    "best of a small network": OVER_TRAINING | {"hidden": 7, "update": "adam", "batch_size": 16},
    "best of a tiny network": OVER_TRAINING | {"hidden": 4, "update": "momentum", "batch_size": 5},
    "cosine": {"schedule": "cosine(0.1)", "update": "momentum", "epochs": 30},
    "one cycle": {"schedule": "one_cycle", "update": "nesterov", "epochs": 30, "batch_size": 1},
    "dropout": {"dropout": (0.2, 0.4), "hidden": (6, 5), "epochs": 20},
    "frozen": {"frozen": (1,), "weight_decay": 0.1, "epochs": 20},
    "clipped": {"clip_norm": 0.1, "clip_value": 0.05, "update": "gradient_descent", "learning_rate": 0.5},
    "rprop": {"update": "rprop", "batch_size": "all", "epochs": 30},
}  # fmt: skip


@pytest.mark.parametrize("name", COURSES)
def test_the_same_course(name):
    found, wanted = (run(training(**COURSES[name], engine=engine)) for engine in ("compiled", "reference"))
    assert (found.stopped, found.epoch, found.best_epoch) == (wanted.stopped, wanted.epoch, wanted.best_epoch)
    assert (found.waited, found.random_state) == (wanted.waited, wanted.random_state)
    np.testing.assert_allclose(without_seconds(found.history), without_seconds(wanted.history), rtol=1e-7, atol=1e-9)
    assert found.plateau == pytest.approx(wanted.plateau, rel=1e-8)
    assert (found.best_cost, found.watched_cost) == pytest.approx((wanted.best_cost, wanted.watched_cost), rel=1e-7)
    for one in ("network", "best_network"):
        for p, q in zip(getattr(found, one).parameters, getattr(wanted, one).parameters, strict=True):
            np.testing.assert_allclose(p, q, rtol=0, atol=1e-8)
    assert not same_bits(found.network, training(**COURSES[name]).start.network)


@pytest.mark.parametrize("name", COURSES)
@pytest.mark.parametrize("stop", [1, 4])
def test_checkpoints_and_single_epochs_give_the_same_bits(name, stop, tmp_path):
    whole = run(training(**COURSES[name]))
    *_, in_steps = epochs(training(**COURSES[name]))
    reached = [in_steps]
    if whole.epoch > stop:
        ready = training(**COURSES[name])
        state = next(state for state in epochs(ready) if state.epoch == stop)
        save_checkpoint(tmp_path / "c", ready, state)
        reached.append(run(ready, load_checkpoint(tmp_path / "c", training(**COURSES[name]))))
    for other in reached:
        assert same_bits(other.network, whole.network)
        assert same_bits(other.best_network, whole.best_network)
        assert without_seconds(other.history).tobytes() == without_seconds(whole.history).tobytes()
        assert (other.stopped, other.best_epoch, other.waited) == (whole.stopped, whole.best_epoch, whole.waited)
        assert (other.plateau, other.random_state) == (whole.plateau, whole.random_state)


def test_side_by_side_as_alone():
    trainings = [training(**options, start=i) for i, options in enumerate(COURSES.values())]
    for ready, (state, error) in zip(trainings, run_side_by_side(trainings), strict=True):
        alone = run(ready)
        assert error is None
        assert same_bits(state.network, alone.network)
        assert same_bits(state.best_network, alone.best_network)
        assert (state.stopped, state.best_epoch) == (alone.stopped, alone.best_epoch)
        assert without_seconds(state.history).tobytes() == without_seconds(alone.history).tobytes()


class TestDivergence:
    def errors(self, make):
        errors = []
        for engine in ("compiled", "reference"):
            with pytest.raises(DivergenceError) as caught:
                run(make(engine))
            errors.append(caught.value)
        found, wanted = errors
        assert str(found) == str(wanted)  # layer, epoch, batch, what, and what helps
        assert (found.state.epoch, found.state.stopped) == (wanted.state.epoch, "diverged")
        assert found.state.best_epoch == wanted.state.best_epoch
        for one in ("network", "best_network"):
            for p, q in zip(getattr(found.state, one).parameters, getattr(wanted.state, one).parameters, strict=True):
                assert np.isfinite(p).all()
                np.testing.assert_allclose(p, q, rtol=1e-6)
        return found

    @pytest.mark.parametrize("batch_size", [1, 5, "all"])
    @pytest.mark.parametrize(
        ("update", "rate"),
        [("gradient_descent", 1e30), ("momentum", 1e40), ("nesterov", 1e60), ("rmsprop", 1e200), ("adam", 1e220),
         ("adamw", 1e240)],
    )  # fmt: skip
    def test_exploding_learning_rates(self, update, rate, batch_size):
        error = self.errors(
            lambda engine: training(engine=engine, update=update, learning_rate=rate, batch_size=batch_size,
                                    activation="identity", weight_decay=1.0, epochs=60, validation=False)
        )  # fmt: skip
        assert "lower the learning rate" in str(error)

    @pytest.mark.parametrize("what", ["activations", "pre-activations", "delta", "gradients", "cost"])
    def test_in_the_first_batch(self, what):
        X, Y = np.full((4, 1), 1e200), np.ones((4, 1))

        def make(engine):
            activation = {"activations": "exponential"}.get(what, "identity")
            W = [np.array([[1e200 if what == "pre-activations" else 1e-100]]), np.array([[1e-100]])]
            if what == "cost":
                W = [np.array([[1.0]]), np.array([[1.0]])]
            if what == "delta":  # the cost is finite, and its derivative times a weight is not
                W = [np.array([[1e-200]]), np.array([[1e160]])]
            if what == "gradients":
                W = [np.array([[1e-200]]), np.array([[1e110]])]
            network = Network.dense([1, 1, 1], [activation, "identity"], weights=W)
            loss = "absolute_error" if what in ("delta", "gradients") else "half_squared_error"
            Y_ = Y * (1e155 if what == "delta" else 1)
            plan = TrainingPlan(dtype="float64", engine=engine, epochs=3, batch_size=2, learning_rate=1e-3)
            loss = "half_squared_error" if what == "delta" else loss
            return prepare(plan, network, X, Y_, loss=loss)

        error = self.errors(make)
        assert error.state.epoch == 0
        assert "in epoch 1, batch 1 of 2" in str(error)
        assert "No epoch was completed" in str(error)

    def test_later_in_an_epoch(self):
        X = np.array([[1.0], [1.0], [1.0], [1e170], [1.0]])

        def make(engine):
            network = Network.dense([1, 2, 1], "identity", seed=0)
            plan = TrainingPlan(
                dtype="float64", engine=engine, epochs=3, batch_size=1, shuffle=False, update="momentum"
            )
            return prepare(plan, network, X, np.ones((5, 1)))

        assert "in epoch 1, batch 4 of 5" in str(self.errors(make))

    @pytest.mark.parametrize("keep", ["best", "last"])
    def test_infinite_validation_cost(self, keep):
        X, Y = np.array([[0.0], [0.1]]), np.array([[0.0], [1.0]])
        network = Network.dense([1, 1], "logistic", weights=[np.array([[1.0]])])

        def make(engine):
            plan = TrainingPlan(epochs=3, learning_rate=1e-3, engine=engine, keep=keep)
            return prepare(plan, network, X, Y, loss="binary_cross_entropy", validation=([[1e6]], [[0.0]]))

        assert "validation cost is inf after epoch 1" in str(self.errors(make))

    def test_infinite_validation_cost_after_good_epochs(self):
        """The weights grow until one kept row's cost is beyond the numbers."""
        X, Y = np.array([[1.0], [2.0]]), np.array([[3.0], [6.0]])
        network = Network.dense([1, 1], "exponential", weights=[np.array([[0.1]])])

        def make(engine):
            plan = TrainingPlan(epochs=200, learning_rate=0.01, update="momentum(0.5)", engine=engine, dtype="float64")
            return prepare(plan, network, X, Y, validation=([[700.0]], [[0.0]]))

        error = self.errors(make)
        assert error.state.epoch == 3
        assert "validation cost is inf" in str(error)

    @pytest.mark.parametrize("size", [1e19, 1e20, 1e25, 1e37])
    def test_gradients_whose_squares_are_beyond_float32(self, size):
        """Each gradient is a number, and so is their norm: clipping brings them down, and nothing diverges."""
        X, Y = np.array([[size], [1.0], [0.5]]), np.array([[1.0], [2.0], [0.0]])
        tasks = [{"clip_norm": 1.0}, {"clip_value": 1.0}]
        if size < 1e30:  # a rate that brings larger ones down is no number in float32
            tasks.append({"learning_rate": 1e-30, "update": "momentum"})
        for options in tasks:
            states = []
            for engine in ("compiled", "reference"):
                network = Network.dense([1, 1], "identity", weights=[np.array([[0.5 / size]])]).astype("float32")
                plan = TrainingPlan(epochs=4, engine=engine, batch_size=2, shuffle=False, **options)
                states.append(run(prepare(plan, network, X, Y, loss="absolute_error")))
            found, wanted = states
            np.testing.assert_allclose(without_seconds(found.history), without_seconds(wanted.history), rtol=1e-4)
            for p, q in zip(found.network.parameters, wanted.network.parameters, strict=True):
                np.testing.assert_allclose(p, q, rtol=1e-4)

    def test_float32_overflow(self):
        X = np.array([[3e38], [2e38]])

        def make(engine):
            network = Network.dense([1, 1], "identity", weights=[np.array([[1e-38]])]).astype("float32")
            plan = TrainingPlan(epochs=4, engine=engine, batch_size="all", reduction="sum", update="gradient_descent")
            return prepare(plan, network, X, np.zeros((2, 1)), loss="half_squared_error")

        assert "gradients of the weights" in str(self.errors(make))


def test_the_number_of_threads_is_the_plan_s(monkeypatch):
    monkeypatch.setattr(compiled, "FEWEST_TO_SHARE", 0)
    networks = [run(training(threads=threads, batch_size="all")).network for threads in (1, 2, 3, None)]
    assert all(same_bits(networks[0], other) for other in networks[1:])


def test_weight_0_and_accuracy_as_in_the_reference_engine():
    X, Y = classes()
    s = np.linspace(0, 2, 24)
    histories = []
    for engine in ("compiled", "reference"):
        network = Network.dense([2, 4, 3], ["tanh", "softmax"], seed=0)
        plan = TrainingPlan(epochs=9, dtype="float64", batch_size=5, engine=engine)
        ready = prepare(plan, network, X, Y, loss="softmax_categorical_cross_entropy", sample_weight=s, middle=0.5,
                        validation=(X[:7], Y[:7]))  # fmt: skip
        histories.append(without_seconds(run(replace(ready)).history))
    np.testing.assert_allclose(*histories, rtol=1e-10)
    assert not math.isnan(histories[0].sum())
