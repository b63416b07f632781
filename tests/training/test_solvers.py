"""Solvers in the ordinary loop: what they refuse, when they stop, and that a training can be resumed."""

import numpy as np
import pytest
from training_tasks import classes, same_bits, training, without_seconds

import chainrule as cr
from chainrule.errors import UsageError
from chainrule.training.checkpoint import load_checkpoint, save_checkpoint
from chainrule.training.loop import epochs, run
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare

SOLVERS = [{"solver": "lm"}, {"solver": "lm", "bayes": True}, {"solver": "lbfgs"}, {"solver": "lbfgs(3)"}]


def plan_of(solver, **more):
    """The helper's batch size is not the default, which a solver would refuse."""
    return {**solver, "batch_size": "all", **more}


class TestRefusals:
    @pytest.mark.parametrize("solver", ["lm", "lbfgs"])
    @pytest.mark.parametrize(
        "option",
        [{"update": "momentum"}, {"learning_rate": 0.1}, {"schedule": "cosine"}, {"clip_norm": 1.0},
         {"clip_value": 1.0}, {"batch_size": 8}, {"shuffle": False}, {"engine": "reference"}],
    )  # fmt: skip
    def test_what_has_no_effect(self, solver, option):
        (name,) = option
        with pytest.raises(UsageError, match=rf'^{name}=.* has no effect with solver="{solver}"'):
            TrainingPlan(solver=solver, **option)
        TrainingPlan(**option)

    def test_training_by_batch_may_be_said(self):
        assert TrainingPlan(solver="lm", batch_size="all").solver == "lm"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"bayes": True}, 'bayes=True belongs to solver="lm"'),
            ({"bayes": True, "solver": "lbfgs"}, 'bayes=True belongs to solver="lm"'),
            ({"bayes": True, "solver": "lm", "weight_decay": 0.1}, "finds the weight decay itself, but weight_decay"),
            ({"solver": "adam"}, 'solver "adam" is an update rule: write update="adam"'),
            ({"solver": "trainlm"}, 'Did you mean "lm"?'),
            ({"solver": "L-BFGS-B"}, 'Did you mean "lbfgs"?'),
            ({"solver": 3}, "solver must be one of descent, lm, lbfgs; received 3"),
        ],
    )
    def test_other_combinations(self, options, message):
        with pytest.raises(UsageError) as caught:
            TrainingPlan(**options)
        assert message in str(caught.value)

    def test_numbers_are_looked_at_before_the_training(self):
        with pytest.raises(UsageError, match="lm does not take 5 numbers"):
            training(plan_of({"solver": "lm(1,2,0.3,4,5)"}))
        with pytest.raises(UsageError, match="descent takes no numbers"):
            TrainingPlan(solver="descent(3)")

    def test_a_perceptron_has_no_curvature(self):
        X, Y = np.array([[0.0], [1]]), np.array([[0.0], [1]])
        with pytest.raises(UsageError, match='loss "perceptron_criterion" has no curvature'):
            cr.fit(cr.neurons.perceptron(1), X, Y, solver="lm")
        state = cr.fit(cr.neurons.linear_regression(1), X, Y, solver="lm", epochs=20)
        assert state.history[-1].cost < 1e-12


class TestInTheLoop:
    @pytest.mark.parametrize("solver", SOLVERS, ids=str)
    def test_validation_best_weights_and_patience(self, solver):
        ready = training(plan_of(solver, epochs=60, patience=5), noise=0.4, hidden=8)
        state = run(ready)
        watched = [row.validation_cost for row in state.history]
        assert state.best_cost == min(watched) == watched[state.best_epoch - 1]
        assert state.stopped in ("no improvement for 5 epochs", "converged: no step lowers the cost", "all epochs run")
        if state.stopped.startswith("no improvement"):
            assert state.epoch == state.best_epoch + 5
        assert all(np.isnan(row.learning_rate) for row in state.history)
        assert all(0 < row.accuracy <= 1 for row in state.history)

    @pytest.mark.parametrize("solver", SOLVERS, ids=str)
    def test_target_callbacks_and_time(self, solver):
        reached = run(training(plan_of(solver, epochs=8))).history
        target = (reached[3].cost + reached[2].cost) / 2
        if reached[3].cost < reached[2].cost:
            state = run(training(plan_of(solver, epochs=8, target_cost=target)))
            assert state.stopped == "target cost reached"
            assert state.history[-1].cost <= target
        stopped = run(training(plan_of(solver)), callbacks=[lambda state: state.epoch == 2])
        assert (stopped.epoch, stopped.stopped) == (2, "stopped by a callback")
        short = run(training(plan_of(solver, time_limit=1e-9)))
        assert (short.epoch, short.stopped) == (1, "time limit reached")

    @pytest.mark.parametrize("solver", SOLVERS, ids=str)
    def test_an_interruption_keeps_what_was_reached(self, solver):
        def interrupt(state):
            if state.epoch == 3:
                raise KeyboardInterrupt

        state = run(training(plan_of(solver)), callbacks=[interrupt])
        assert (state.epoch, state.stopped) == (3, "interrupted")

    @pytest.mark.parametrize("solver", SOLVERS[:1] + SOLVERS[2:], ids=str)
    def test_convergence_ends_it_and_is_no_error(self, solver):
        X, Y = classes()
        network = cr.Network.dense([2, 3], "identity", seed=0)
        state = cr.fit(network, X, Y, epochs=300, **solver)
        assert state.stopped == "converged: no step lowers the cost"
        assert state.epoch < 100
        assert state.history[-1].cost == min(row.cost for row in state.history)

    @pytest.mark.matrix
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("solver", SOLVERS, ids=str)
    @pytest.mark.parametrize("stop", [1, 5])
    def test_resuming_gives_the_same_bits(self, solver, dtype, stop, tmp_path):
        def ready():
            X, Y = classes(noise=0.3)
            network = cr.Network.dense([2, 4, 3], ["tanh", "softmax"], seed=0, dtype=dtype)
            return prepare(
                TrainingPlan(epochs=12, **solver), network, X, Y, loss="softmax_categorical_cross_entropy",
                validation=classes(15, seed=1), middle=0.5,
            )  # fmt: skip

        whole = run(ready())
        path = tmp_path / "run.checkpoint"
        state = next(state for state in epochs(ready()) if state.epoch == stop)
        save_checkpoint(path, ready(), state)
        resumed = run(ready(), load_checkpoint(path, ready()))
        assert same_bits(resumed.network, whole.network)
        assert same_bits(resumed.best_network, whole.best_network)
        assert without_seconds(resumed.history).tobytes() == without_seconds(whole.history).tobytes()
        assert resumed.stopped == whole.stopped

    def test_a_converged_training_stays_converged(self, tmp_path):
        X, Y = classes()
        path = tmp_path / "run.checkpoint"
        ready = prepare(
            TrainingPlan(hidden="none", solver="lm", epochs=300), cr.Network.dense([2, 3], "identity"), X, Y
        )
        ended = run(ready)
        save_checkpoint(path, ready, ended)
        again = run(ready, load_checkpoint(path, ready))
        assert (again.epoch, again.stopped) == (ended.epoch, "converged: no step lowers the cost")

    def test_another_solver_cannot_resume(self, tmp_path):
        path = tmp_path / "run.checkpoint"
        save_checkpoint(path, training(plan_of(SOLVERS[0])), run(training(plan_of(SOLVERS[0], epochs=2))))
        for other in (SOLVERS[1], SOLVERS[2], {"solver": "lm(1)"}):
            with pytest.raises(UsageError, match="belongs to another training"):
                load_checkpoint(path, training(plan_of(other)))


class TestTables:
    @pytest.mark.parametrize("solver", SOLVERS[:3], ids=str)
    def test_regression(self, solver):
        assert cr.train("sine", seed=0, epochs=100, **solver).evaluate().r2 > 0.95
        model = cr.train("diabetes", seed=0, epochs=60, **solver)
        assert model.evaluate().r2 > 0.2
        assert not any("Learning rate" in note for note in model.provenance.notes)
        assert model.provenance.engine == ("lbfgs" if solver["solver"] == "lbfgs" else "levenberg_marquardt")

    @pytest.mark.parametrize("solver", SOLVERS[:3], ids=str)
    def test_classification(self, solver):
        assert cr.train("wine", seed=0, epochs=30, **solver).evaluate().accuracy > 0.9
        if "bayes" not in solver:  # four examples do not speak against noise
            assert cr.train("xor", seed=0, epochs=60, **solver).predict("xor").tolist() == [0, 1, 1, 0]

    def test_bayes_says_what_it_found_and_is_kept_in_the_model(self, tmp_path):
        model = cr.train("diabetes", solver="lm", bayes=True, validation=0, epochs=60, seed=0)
        (note,) = [note for note in model.provenance.notes if "Bayesian" in note]
        assert "of 193 weights and biases" in note
        assert model.evaluate().r2 > cr.train("diabetes", solver="lm", validation=0, epochs=60, seed=0).evaluate().r2
        loaded = cr.load(model.save(tmp_path / "diabetes.safetensors"))
        assert (loaded.plan.solver, loaded.plan.bayes) == ("lm", True)
        assert note in loaded.provenance.notes

    def test_several_starts(self):
        model = cr.train("xor", solver="lm", hidden=2, starts=4, epochs=40, seed=0)
        assert len(model.provenance.starts) == 4
        assert min(model.provenance.starts) < 0.1

    @pytest.mark.parametrize("solver", SOLVERS[:3], ids=str)
    def test_the_doctor_and_the_report(self, solver, tmp_path):
        from chainrule.show.report import write_report

        cr.diagnose("sine", **solver)
        model = cr.train("sine", seed=0, epochs=15, **solver)
        assert "nan" not in str(cr.diagnose_model(model)).lower()
        write_report(model, tmp_path / "report.html", command="")
        text = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "by the update rule" not in text
        assert solver["solver"] in text
