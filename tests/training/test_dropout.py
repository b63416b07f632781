"""Dropout through the training loop: its stream of random numbers, what the history measures, what is refused."""

import dataclasses
import math

import numpy as np
import pytest
from training_tasks import classes, same_bits, training, without_seconds

import chainrule as cr
from chainrule.cli.info import of_model
from chainrule.core.neurons import logistic_regression
from chainrule.core.passes import backward, cost, forward
from chainrule.engines.draws import draw_masks
from chainrule.errors import UsageError
from chainrule.models.doctor import diagnose
from chainrule.show.report.build import report_html
from chainrule.training.loop import epochs, run
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare


def masks_as_specified(generator, B, units, shares, dtype):
    """For each hidden layer in turn float32 numbers from [0, 1); those of at least p stay and count 1 / (1 - p)."""
    masks = []
    for n, p in zip(units, shares, strict=True):
        if p == 0:
            masks.append(None)
            continue
        U = generator.random((B, n), dtype=np.float32)
        masks.append(np.where(U >= np.float32(p), 1 / (1 - p), 0).astype(dtype))
    return masks


class TestTheStream:
    @pytest.mark.parametrize("engine", ["reference", "compiled"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("shuffle", [True, False])
    @pytest.mark.parametrize(("batch_size", "shares"), [(5, (0.3, 0.5)), (1, (0.0, 0.2)), ("all", (0.6, 0.0))])
    def test_a_training_draws_orders_and_masks_as_specified(self, batch_size, shares, shuffle, dtype, engine):
        """The whole training again: gradient descent by hand, with a generator of its own."""
        X, Y = classes()
        network = cr.Network.dense([2, 4, 3, 3], ["tanh", "logistic", "identity"], seed=1, dtype=dtype)
        plan = TrainingPlan(dropout=shares, shuffle=shuffle, batch_size=batch_size, epochs=4, seed=9, dtype=dtype,
                            update="gradient_descent", learning_rate=0.25, engine=engine)  # fmt: skip
        state = run(prepare(plan, network, X, Y))
        generator, by_hand = np.random.default_rng(9), network
        X, Y = X.astype(dtype), Y.astype(dtype)
        B = 24 if batch_size == "all" else batch_size
        for _ in range(4):
            order = generator.permutation(24) if shuffle and B < 24 else np.arange(24)
            for start in range(0, 24, B):
                rows = order[start : start + B]
                masks = masks_as_specified(generator, len(rows), (4, 3), shares, dtype)
                grads = backward(by_hand, forward(by_hand, X[rows], masks), Y[rows])
                by_hand = by_hand.with_parameters(
                    [p - 0.25 * g for p, g in zip(by_hand.parameters, grads.parameters, strict=True)]
                )
        for found, expected in zip(state.network.parameters, by_hand.parameters, strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14 if dtype == "float64" else 1e-6)
        assert same_bits(state.network, by_hand) or engine == "compiled"
        assert state.random_state == generator.bit_generator.state
        assert not same_bits(state.network, network)

    def test_the_stream_does_not_depend_on_the_dtype(self):
        works = [training(dropout=0.4).work]
        networks = [training(dropout=0.4).start.network]
        networks.append(networks[0].astype("float32"))
        one, other = (draw_masks(works[0], network, 6, np.random.default_rng(2))[0] for network in networks)
        assert (one.dtype, other.dtype) == (np.float64, np.float32)
        np.testing.assert_array_equal(one == 0, other == 0)
        assert other.max() == np.float32(1 / 0.6)

    @pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
    def test_masks_are_1_on_average(self, p):
        ready = training(hidden=400, dropout=p)
        (mask,) = draw_masks(ready.work, ready.start.network, 500, np.random.default_rng(0))
        deviation = math.sqrt(p / (1 - p) / mask.size)  # of the mean, if each unit is drawn by itself
        assert abs(mask.mean() - 1) < 5 * deviation
        assert set(np.unique(mask)) == {0, 1 / (1 - p)}

    def test_without_dropout_nothing_is_drawn(self):
        for share in (0, (0, 0)):
            ready = training(dropout=share, hidden=(4, 4), batch_size="all")
            assert ready.work.dropout == ()
            assert run(ready).random_state == ready.start.random_state
            assert same_bits(run(ready).network, run(training(hidden=(4, 4), batch_size="all")).network)

    def test_one_share_is_for_all_hidden_layers(self):
        assert training(dropout=0.3, hidden=(4, 5, 6)).work.dropout == (0.3, 0.3, 0.3)
        both = [run(training(dropout=dropout, hidden=(4, 5))) for dropout in (0.3, (0.3, 0.3))]
        assert same_bits(both[0].network, both[1].network)


class TestTheHistory:
    def test_training_cost_with_dropout_and_validation_cost_without(self):
        ready = training(dropout=0.4, batch_size="all", weight_decay=0.1, epochs=3, update="adam")
        state = ready.start
        for after in epochs(ready):
            masks = masks_as_specified(state.generator(), 24, (4,), (0.4,), "float64")
            record = forward(state.network, ready.work.X, masks)
            options = {"loss": ready.work.loss, "weight_decay": 0.1}
            row = after.history[-1]
            assert row.cost == pytest.approx(cost(state.network, record, ready.work.Y, **options), rel=1e-12)
            assert row.accuracy == (record.output.argmax(axis=1) == ready.work.Y.argmax(axis=1)).mean()
            grads = backward(state.network, record, ready.work.Y, **options)
            norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads.parameters]))
            assert row.gradient_norm == pytest.approx(norm, rel=1e-12)
            validation = forward(after.network, ready.validation.X)
            measured = cost(after.network, validation, ready.validation.Y, **options)
            assert row.validation_cost == pytest.approx(measured, rel=1e-14)
            right = validation.output.argmax(axis=1) == ready.validation.Y.argmax(axis=1)
            assert row.validation_accuracy == right.mean()
            state = after

    def test_going_on_from_any_state_gives_the_same_bits(self):
        ready = training(dropout=0.4, epochs=6)
        states = list(epochs(ready))
        for state in states[:-1]:
            again = run(ready, dataclasses.replace(state, stopped=""))
            assert same_bits(again.network, states[-1].network)
            assert without_seconds(again.history).tobytes() == without_seconds(states[-1].history).tobytes()


class TestRefusals:
    @pytest.mark.parametrize(
        ("hidden", "dropout", "words"),
        [
            ((), 0.5, r"dropout is 0.5, but the network has no hidden layer .* Leave dropout out, or give"),
            ((4,), (0.2, 0.5), r"dropout names 2 shares \(0.2,0.5\), but the network has 1 hidden layer. Give one"),
            ((4, 4, 4), (0.2, 0.5), "the network has 3 hidden layers"),
        ],
    )
    def test_shares_that_do_not_fit_the_network(self, hidden, dropout, words):
        with pytest.raises(UsageError, match=words):
            training(hidden=hidden, dropout=dropout)
        with pytest.raises(UsageError, match=words):
            cr.train("wine", hidden=hidden, dropout=dropout)

    def test_a_neuron_has_nothing_to_leave_out(self):
        X, Y = classes()
        with pytest.raises(UsageError, match="no hidden layer"):
            cr.fit(logistic_regression(2), X, Y[:, :1], dropout=0.5)
        assert cr.fit(logistic_regression(2), X, Y[:, :1], dropout=0, epochs=2).epoch == 2

    def test_fit_goes_by_the_network(self):
        X, Y = classes()
        network = cr.Network.dense([2, 4, 5, 3], seed=0)
        assert cr.fit(network, X, Y, dropout=(0.2, 0.5), epochs=2).epoch == 2
        with pytest.raises(UsageError, match="has 2 hidden layers"):
            cr.fit(network, X, Y, dropout=(0.2, 0.5, 0.5))

    def test_node_by_node(self):
        with pytest.raises(UsageError, match=r'engine "node_by_node" knows no dropout\. Use engine="reference"'):
            cr.train("xor", engine="node_by_node", dropout=0.5, update="gradient_descent", activation="logistic",
                     loss="half_squared_error", output_activation="logistic")  # fmt: skip


class TestOnATable:
    def test_train_save_and_resume(self, tmp_path):
        options = {"hidden": "12,8", "dropout": "0.2,0.5", "epochs": 12, "seed": 4, "starts": 1}
        model = cr.train("wine", **options)
        assert cr.load(model.save(tmp_path / "wine.safetensors")).plan.dropout == (0.2, 0.5)
        rows = model.parts["test"]
        assert model.predict(rows).tolist() == model.predict(rows).tolist()  # nothing random is left
        path = tmp_path / "wine.checkpoint"
        cr.train("wine", **(options | {"epochs": 5}), checkpoint=path)
        resumed = cr.train("wine", **options, checkpoint=path, resume=True)
        assert same_bits(resumed.network, model.network)
        other = cr.train("wine", **(options | {"dropout": 0.2}))
        assert not same_bits(other.network, model.network)

    def test_a_start_alone_is_the_start_among_others(self):
        options = {"hidden": 6, "dropout": 0.3, "epochs": 8, "seed": 2}
        several = cr.train("wine", **options, starts=3)
        assert len(set(several.provenance.starts)) == 3
        assert several.provenance.starts[0] == cr.train("wine", **options).provenance.starts[0]

    def test_where_options_are_shown(self, tmp_path):
        plain, model = (cr.train("wine", epochs=3, dropout=dropout) for dropout in (0, "0.25"))
        for shown, page in ((True, report_html(model)), (False, report_html(plain))):
            assert ("<td>0.25</td>" in page) == shown
            assert ("while dropout leaves units out" in page) == shown
        assert of_model(model.save(tmp_path / "one.safetensors"))["dropout"] == [0.25]
        assert "dropout" not in of_model(plain.save(tmp_path / "two.safetensors"))

    def test_the_doctor_counts_it_as_holding_the_weights_back(self):
        checks = {found.check for found in diagnose("wine", hidden=500).findings}
        assert checks - {found.check for found in diagnose("wine", hidden=500, dropout=0.5).findings} == {
            "network size"
        }
