"""`chainrule.train` from end to end: set-up, starts, checkpoints, failures and interruptions."""

import dataclasses
import math
import os

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.catalogue import Activation
from chainrule.data.encoding import split_table
from chainrule.errors import DataError, DivergenceError, ModelFileError, UsageError
from chainrule.models.attempts import judged_by
from chainrule.models.setup import set_up
from chainrule.training.loop import run


def same_bits(a, b):
    return all(p.tobytes() == q.tobytes() for p, q in zip(a.network.parameters, b.network.parameters, strict=True))


class TestSetUp:
    def test_what_is_chosen_is_said(self):
        setup = set_up("wine")
        assert setup.sizes == (13, 16, 3)
        assert (setup.plan.output_activation, setup.plan.loss) == ("softmax", "softmax_categorical_cross_entropy")
        assert setup.middle == 0.5
        notes = " ".join(setup.notes)
        for words in ("Output activation: softmax.", "Learning rate: 0.01, the default for adam.", 'Target: "class"'):
            assert words in notes
        assert len(set(setup.notes)) == len(setup.notes)

    @pytest.mark.parametrize(
        ("options", "output", "loss"),
        [
            ({}, "logistic", "logistic_binary_cross_entropy"),
            ({"output_activation": "softmax"}, "softmax", "softmax_categorical_cross_entropy"),
            ({"output_activation": "tanh"}, "tanh", "half_squared_error"),
            ({"output_activation": "step", "hidden": "none"}, "step", "perceptron_criterion"),
            ({"loss": "softmax_categorical_cross_entropy"}, "softmax", "softmax_categorical_cross_entropy"),
            ({"loss": "half_squared_error"}, "logistic", "half_squared_error"),
            ({"loss": "poisson", "task": "regression"}, "exponential", "poisson"),
            ({"task": "regression"}, "identity", "half_squared_error"),
        ],
    )
    def test_output_and_loss(self, options, output, loss):
        setup = set_up("xor", **options)
        assert (setup.plan.output_activation, setup.plan.loss) == (output, loss)
        assert setup.Y.shape == (4, 2 if output == "softmax" else 1)
        setup.training()

    def test_what_was_asked_for_is_not_a_note(self):
        notes = " ".join(set_up("wine", loss="half_squared_error", learning_rate=0.1).notes)
        assert "Learning rate" not in notes
        assert "Loss" not in notes

    @pytest.mark.parametrize("hidden", ["none", 3, (4, 2)])
    @pytest.mark.parametrize("bias", ["vector", "none", "x0"])
    def test_counts_of_weights(self, hidden, bias):
        setup = set_up("iris", hidden=hidden, bias=bias)
        network = setup.network(np.random.default_rng(0))
        assert network.sizes == setup.sizes
        assert network.n_parameters == setup.network_parameters

    def test_parts_are_disjoint_and_stratified(self):
        split = set_up("iris", seed=4).split
        parts = [split.train, split.validation, split.test]
        assert sorted(np.concatenate(parts)) == list(range(150))
        labels = set_up("iris").Y.argmax(axis=1)
        for part, size in zip(parts, (30, 10, 10), strict=True):
            assert np.bincount(labels[part]).tolist() == [size] * 3

    def test_truth_tables_are_not_split(self):
        setup = set_up("xor")
        assert len(setup.split.train) == 4
        assert any("truth table" in note for note in setup.notes)

    def test_scaling_comes_from_the_training_rows_alone(self):
        setup = set_up("wine", seed=2)
        train = setup.X[setup.split.train]
        np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(train.std(axis=0), 1, rtol=1e-12)
        assert not np.allclose(setup.X.mean(axis=0), 0, atol=1e-6)

    @pytest.mark.parametrize(
        ("source", "options", "error", "words"),
        [
            ("wine", {"hiden": 3}, UsageError, 'option "hiden" is unknown. Did you mean "hidden"'),
            ("wine", {"target": "klass"}, DataError, 'no column "klass". Did you mean "class"'),
            ("wien", {}, UsageError, 'no built-in table has that name. Did you mean "wine"'),
            ("wine", {"y": [1]}, UsageError, 'y goes with arrays; the source "wine" is a table'),
            ("wine", {"loss": "logistic_binary_cross_entropy", "output_activation": "tanh"}, UsageError,
             'contains the output activation "logistic"'),
            ("wine", {"update": "adam(2)"}, UsageError, "beta_1"),
            ("wine", {"engine": "node_by_node"}, UsageError, "knows logistic activations only"),
            ("iris", {"task": "regression"}, DataError, "regression needs numbers"),
            ("diabetes", {"output_activation": "softmax"}, UsageError, "a regression needs another output activation"),
        ],
    )  # fmt: skip
    def test_refusals_before_any_training(self, source, options, error, words):
        with pytest.raises(error, match=words):
            set_up(source, **options)


class TestStarts:
    def test_a_start_alone_is_the_start_among_others(self):
        """Bit for bit: start k draws from its own generator."""
        setup = set_up("wine", starts=4, epochs=4, seed=9)
        seen = {}

        def watch(state):
            if state.stopped:
                seen[len(seen)] = state

        model = cr.train("wine", starts=4, epochs=4, seed=9, on_epoch=watch)
        costs = []
        for start in (3, 1, 0, 2):  # in another order
            alone = run(setup.training(start))
            for p, q in zip(alone.network.parameters, seen[start].network.parameters, strict=True):
                assert p.tobytes() == q.tobytes()
            costs.append((start, judged_by(setup.training(start), alone)))
        assert list(model.provenance.starts) == [cost for _, cost in sorted(costs)]
        best = int(np.argmin(model.provenance.starts))
        for p, q in zip(model.network.parameters, seen[best].best_network.parameters, strict=True):
            assert p.tobytes() == q.tobytes()
        assert model.provenance.seconds == pytest.approx(sum(state.seconds for state in seen.values()))

    def test_judged_on_the_validation_rows(self):
        setup = set_up("wine", epochs=200, seed=1, update="adamw", weight_decay=0.1)
        state = run(setup.training())
        assert state.best_epoch < 200  # so that it matters which weights are judged
        assert judged_by(setup.training(), state) == pytest.approx(state.best_cost, rel=1e-5)
        assert judged_by(setup.training(), state) == pytest.approx(min(row.validation_cost for row in state.history))

    def test_judged_on_the_training_rows_with_their_weights(self):
        weights = np.linspace(0.1, 3, 178)
        setup = set_up("wine", epochs=3, validation=0, test=0, sample_weight=weights, weight_decay=0.5)
        state = run(setup.training())
        network = state.best_network.astype("float64")
        record = cr.forward(network, setup.X)
        J = cr.cost(network, record, setup.Y, setup.plan.loss, weight_decay=0.5, sample_weight=weights)
        assert judged_by(setup.training(), state) == pytest.approx(J, rel=1e-5)

    def test_the_seed_makes_the_streams_that_the_documentation_names(self):
        """The split from [seed], start k (counted from 0) from [seed, 1 + k]: weights first, then orders."""
        setup = set_up("wine", seed=7, hidden=4)
        for k in (0, 2):
            generator = np.random.default_rng([7, 1 + k])
            bound = math.sqrt(6 / (13 + 4))  # Glorot's, for tanh
            W = generator.uniform(-bound, bound, (13, 4)).astype("float32")
            assert (setup.training(k).start.network.weights[1] == W).all()
        split = split_table(setup.table, setup.encoding_plan, np.random.default_rng(7))
        assert (split.test == setup.split.test).all()

    def test_same_seed_same_bits_and_others_differ(self):
        a, b, c = (cr.train("wine", epochs=3, seed=seed) for seed in (5, 5, 6))
        assert same_bits(a, b)
        assert a.test == b.test
        assert not same_bits(a, c)

    def test_a_start_that_diverges_does_not_take_the_others_along(self):
        # Weights so large that some starts overflow at once and others do not.
        options = {"activation": "exponential", "init": "uniform(-100,100)", "hidden": 1, "seed": 1, "epochs": 2,
                   "update": "gradient_descent", "learning_rate": 1e-9, "scale": "none"}  # fmt: skip
        outcomes = []
        for seed in range(12):
            try:
                outcomes.append((seed, cr.train("xor", **{**options, "seed": seed})))
            except DivergenceError as error:
                outcomes.append((seed, error))
        bad = [isinstance(outcome, DivergenceError) for _, outcome in outcomes]
        assert any(bad)
        assert not all(bad)
        found = False
        for seed in range(12):
            try:
                model = cr.train("xor", **{**options, "seed": seed}, starts=4)
            except DivergenceError:
                continue
            starts = model.provenance.starts
            assert len(starts) == 4
            found |= math.inf in starts  # one diverged, and another is kept
            assert model.provenance.stopped != "diverged"
            assert all(np.isfinite(p).all() for p in model.network.parameters)
        assert found


class TestInterruptions:
    def test_keyboard_interrupt_gives_a_model(self, tmp_path):
        def interrupt(state):
            if state.epoch == 5:
                raise KeyboardInterrupt

        model = cr.train("wine", epochs=50, seed=0, on_epoch=interrupt, keep="last")
        assert model.provenance.stopped == "interrupted"
        assert len(model.history) == 5
        assert same_bits(model, cr.train("wine", epochs=5, seed=0, keep="last"))
        path = model.save(tmp_path / "m.safetensors")
        assert cr.load(path).provenance.stopped == "interrupted"

    def test_the_best_weights_are_kept(self):
        costs = []

        def interrupt(state):
            costs.append(state.history[-1].validation_cost)
            if len(costs) > 30 and costs[-1] > min(costs):
                raise KeyboardInterrupt

        model = cr.train("wine", epochs=5000, learning_rate=0.05, seed=0, on_epoch=interrupt)
        assert model.provenance.stopped == "interrupted"
        assert model.provenance.best_epoch == 1 + int(np.argmin(costs)) < len(costs)

    def test_an_interrupt_ends_all_starts(self):
        def interrupt(state):
            raise KeyboardInterrupt

        model = cr.train("xor", starts=50, epochs=5, on_epoch=interrupt)
        assert len(model.provenance.starts) == 1

    def test_callbacks(self):
        seen = []
        model = cr.train("xor", epochs=9, on_epoch=[lambda state: seen.append(state.epoch), lambda s: s.epoch == 3])
        assert seen == [1, 2, 3]
        assert model.provenance.stopped == "stopped by a callback"

    def test_divergence_hands_over_the_last_good_model(self, tmp_path):
        with pytest.raises(DivergenceError, match="lower the learning rate") as caught:
            cr.train("diabetes", update="gradient_descent", learning_rate=1e6, activation="identity", epochs=100)
        model = caught.value.model
        assert model.provenance.stopped == "diverged"
        assert all(np.isfinite(p).all() for p in model.network.parameters)
        assert np.isfinite(model.predict("diabetes")).all()
        assert same_bits(cr.load(model.save(tmp_path / "m.safetensors")), model)
        assert caught.value.state.stopped == "diverged"


class TestCheckpoints:
    def test_resume_gives_the_same_bits(self, tmp_path):
        path = tmp_path / "run.checkpoint"
        options = {"epochs": 20, "seed": 2, "patience": 15, "schedule": "reduce_on_plateau(0.5,3)"}
        whole = cr.train("wine", **options)

        def interrupt(state):
            if state.epoch == 8:
                raise KeyboardInterrupt

        stopped = cr.train("wine", **options, checkpoint=path, checkpoint_every=100, on_epoch=interrupt)
        assert stopped.provenance.stopped == "interrupted"
        resumed = cr.train("wine", **options, checkpoint=path, resume=True)
        assert same_bits(resumed, whole)
        assert [row[:-1] for row in resumed.history[:]] == [row[:-1] for row in whole.history[:]]
        assert resumed.test == whole.test
        again = cr.train("wine", **options, checkpoint=path, resume=True)  # it has ended: nothing is added
        assert same_bits(again, whole)
        assert len(again.history) == len(whole.history)
        assert again.provenance.stopped == whole.provenance.stopped
        more = cr.train("wine", **{**options, "epochs": 25}, checkpoint=path, resume=True)
        assert same_bits(more, cr.train("wine", **{**options, "epochs": 25}))

    def test_written_every_so_many_epochs(self, tmp_path, monkeypatch):
        path, written = tmp_path / "c", []
        original = os.replace
        monkeypatch.setattr(os, "replace", lambda a, b: (written.append(b), original(a, b)))
        cr.train("xor", epochs=7, checkpoint=path, checkpoint_every=3)
        assert len(written) == 3  # after 3, 6 and at the end
        assert [entry.name for entry in tmp_path.iterdir()] == ["c"]

    def test_refusals(self, tmp_path):
        path = tmp_path / "c"
        for options, words in (
            ({"resume": True}, "resume needs the checkpoint to go on from"),
            ({"checkpoint": path, "starts": 2}, "holds one training, but starts=2"),
            ({"checkpoint": path, "checkpoint_every": 0}, "at least 1 epoch; received 0"),
            ({"checkpoint": tmp_path}, "is a folder"),
            ({"checkpoint": tmp_path / "no" / "c"}, "does not exist. Create it"),
            ({"checkpoint": path, "resume": True}, "does not exist. Leave out resume"),
        ):
            with pytest.raises(UsageError, match=words):
                cr.train("xor", epochs=2, **options)
        cr.train("xor", epochs=2, checkpoint=path)
        with pytest.raises(UsageError, match="belongs to another training"):
            cr.train("and", epochs=2, checkpoint=path, resume=True)
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(ModelFileError, match="is damaged"):
            cr.train("xor", epochs=2, checkpoint=path, resume=True)


class TestOwnParts:
    def test_own_activation(self):
        own = Activation("tenth", lambda Z: Z / 10, lambda Z, A, dC_dA: dC_dA / 10)
        model = cr.train("wine", activation=own, epochs=3, seed=0)
        Z = model.forward("wine").z[1]
        assert (model.transform("wine") == Z / 10).all()

    def test_own_update_rule(self):
        from chainrule.core.update_rules import update_rule_named

        rule = update_rule_named("momentum(0.5)")
        assert same_bits(
            cr.train("xor", update=rule, learning_rate=0.1, epochs=3),
            cr.train("xor", update="momentum(0.5)", learning_rate=0.1, epochs=3),
        )

    def test_several_hidden_activations(self):
        model = cr.train("wine", hidden=(4, 3), activation="relu,leaky_relu(0.2)", epochs=2)
        names = [layer.activation.name for layer in model.network.layers]
        assert names == ["relu", "leaky_relu(0.2)", "softmax"]

    def test_frozen_layer_keeps_its_weights(self):
        setup = set_up("wine", frozen=1, epochs=3, seed=0)
        model = cr.train("wine", frozen=1, epochs=3, seed=0)
        first = setup.training().start.network
        assert (model.network.weights[1] == first.weights[1]).all()
        assert not np.allclose(model.network.weights[2], first.weights[2])


def test_provenance():
    model = cr.train("wine", epochs=3, seed=0)
    provenance = model.provenance
    assert provenance.source == "wine"
    assert provenance.rows == (107, 35, 36)
    assert sum(table.n_rows for table in model.parts.values()) == 178
    assert provenance.engine == "compiled"
    assert provenance.version == cr.__version__
    assert provenance.stopped == "all epochs run"
    assert provenance.seconds > 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.network = None


def test_data_are_left_as_they_are():
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
    before = X.copy(), y.copy()
    cr.train(X, y, epochs=2)
    assert (X == before[0]).all()
    assert (y == before[1]).all()
    assert X.flags.writeable


def test_values_beyond_the_precision_are_refused_before_training():
    """Also where the row is kept for the test, which comes last."""
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = X.sum(axis=1)
    test_row = int(set_up(X, y, seed=0).split.test[3])
    X[test_row, 1] = 1e60
    for scale in ("none", "standard"):
        with pytest.raises(DataError, match=f"row {test_row}: a value is too large for float32.*--dtype float64"):
            cr.train(X, y, seed=0, scale=scale)
    assert cr.train(X, y, seed=0, epochs=2, dtype="float64").predict(X).shape == (40,)


def test_a_row_that_overflows_in_use_is_named():
    model = cr.train("diabetes", activation="exponential", epochs=2, learning_rate=1e-6, seed=0)
    rows = {column.name: np.array(column.values[:3]) for column in model.read("diabetes").columns}
    assert np.isfinite(model.predict(rows)).all()
    for value in (1e5, 1e300):
        rows["bmi"][2] = value
        with pytest.raises(DataError, match="row 2: its values lie so far from those of training"):
            model.predict(rows)


def test_outputs_that_overflow_on_the_test_rows_do_not_lose_the_model():
    X = np.random.default_rng(0).normal(size=(40, 1))
    y = np.arange(40.0)
    test_row = int(set_up(X, y, task="regression", seed=0).split.test[0])
    X[test_row] = 1e5
    model = cr.train(X, y, hidden=1, activation="exponential", epochs=2, scale="none", learning_rate=1e-6, seed=0,
                     init="uniform(0.5,1)")  # fmt: skip
    assert model.test is None
    assert any(note.startswith("Not tested") for note in model.provenance.notes)


def test_a_time_limit_holds_for_all_starts_together():
    model = cr.train("xor", starts=10_000, epochs=10**10, time_limit=0.3)  # no start comes to its end
    assert model.provenance.stopped == "time limit reached"
    assert len(model.provenance.starts) < 10_000  # for each of them alone it would take 50 minutes
    assert model.provenance.seconds >= 0.3
