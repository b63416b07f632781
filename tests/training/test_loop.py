"""The loop: when it stops, which weights it keeps, what the history says, and that a divergence loses nothing."""

import copy
import dataclasses
import itertools
import math
import time
from dataclasses import replace

import array_api_strict as strict
import numpy as np
import pytest
from training_tasks import classes, same_bits, training, without_seconds

import chainrule as cr
from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.core.schedules import Schedule, schedule_named
from chainrule.engines.choose import Choice
from chainrule.engines.draws import draw_order
from chainrule.errors import DivergenceError, UsageError
from chainrule.training import course, loop
from chainrule.training.loop import epochs, run
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare


def mean_cost(network, rows, weight_decay=0.0):
    """J by its definition, from the outputs alone."""
    out = forward(network, rows.X).output
    data = np.mean([-math.log(out[n, rows.Y[n].argmax()]) for n in range(len(out))])
    return data + weight_decay / 2 * sum((layer.weights**2).sum() for layer in network.layers)


class TestStops:
    def test_after_all_epochs(self):
        state = run(training(epochs=7))
        assert (state.epoch, state.stopped) == (7, "all epochs run")
        assert [row.epoch for row in state.history] == list(range(1, 8))

    def test_target_cost(self):
        reached = [row.cost for row in run(training(epochs=40)).history]
        target = (reached[19] + reached[20]) / 2
        state = run(training(epochs=40, target_cost=target))
        assert state.stopped == "target cost reached"
        assert state.history[-1].cost <= target < min(row.cost for row in state.history[:-1])

    @pytest.mark.parametrize("engine", ["compiled", "reference"])
    def test_a_cost_exactly_at_its_target_has_reached_it(self, engine):
        costs = [row.cost for row in run(training(epochs=12, engine=engine)).history]
        assert costs[7] < min(costs[:7])
        state = run(training(epochs=12, engine=engine, target_cost=costs[7]))
        assert (state.epoch, state.stopped) == (8, "target cost reached")
        assert run(training(epochs=12, engine=engine, target_cost=np.nextafter(costs[7], 0))).epoch > 8

    @pytest.mark.parametrize("validation", [True, False])
    def test_patience(self, validation):
        state = run(training(epochs=2000, patience=5, learning_rate=0.2, noise=0.5, validation=validation))
        assert state.stopped == "no improvement for 5 epochs"
        watched = [row.validation_cost if validation else row.cost for row in state.history]
        best = int(np.argmin(watched))
        assert len(watched) == best + 1 + 5
        # and not before: every stretch of five epochs held an improvement
        for end in range(5, len(watched) - 1):
            assert min(watched[end - 4 : end + 1]) < min(watched[: end - 4])

    def test_time_limit(self, monkeypatch):
        clock = iter(range(1000))
        monkeypatch.setattr(loop.time, "perf_counter", lambda: float(next(clock)))
        # The clock moves by a second an epoch.
        state = run(training(epochs=100, time_limit=5, engine="reference"))
        assert (state.epoch, state.stopped) == (5, "time limit reached")
        assert [row.seconds for row in state.history] == [1, 2, 3, 4, 5]

    def test_time_limit_within_a_call_of_the_kernel(self):
        began = time.perf_counter()
        state = run(training(epochs=10**9, time_limit=0.25))
        assert state.stopped == "time limit reached"
        assert state.seconds >= 0.25
        assert time.perf_counter() - began >= 0.25
        before = [row.seconds for row in state.history[:-1]]
        assert before == sorted(before)
        assert all(seconds < 0.25 for seconds in before)  # it stopped at the first look at the clock

    def test_callback(self):
        seen = []

        def stop_at_4(state):
            seen.append(state.epoch)
            return state.epoch == 4

        state = run(training(epochs=9), callbacks=[lambda state: None, stop_at_4])
        assert (state.epoch, state.stopped, seen) == (4, "stopped by a callback", [1, 2, 3, 4])
        assert same_bits(state.network, run(training(epochs=4)).network)

    @pytest.mark.parametrize("engine", ["compiled", "reference"])
    def test_callbacks_of_different_every(self, engine):
        """Each hears of its own epochs and of the last one, however the epochs are handed to the engine."""

        def hears(every):
            def callback(state):
                callback.heard.append(state.epoch)

            callback.every, callback.heard = every, []
            return callback

        for together in ((1,), (4,), (4, 6), (5, 3, 1), (6, None, 4), (100, 7), (23,)):
            callbacks = [hears(every) for every in together]
            assert run(training(epochs=23, engine=engine), callbacks=callbacks).epoch == 23
            for every, callback in zip(together, callbacks, strict=True):
                if every is None:
                    assert callback.heard[-1] == 23
                    assert callback.heard == sorted(set(callback.heard))
                else:
                    assert callback.heard == sorted({*range(every, 24, every), 23})

    def test_states_are_frozen_and_independent(self):
        states = list(epochs(training(epochs=5)))
        assert [state.stopped for state in states] == ["", "", "", "", "all epochs run"]
        assert [len(state.history) for state in states] == [1, 2, 3, 4, 5]
        with pytest.raises(dataclasses.FrozenInstanceError):
            states[0].network = None
        for before, after in itertools.pairwise(states):
            assert not same_bits(before.network, after.network)

    def test_going_on_from_any_state_gives_the_same_bits(self):
        ready = training(epochs=8, update="adam", schedule="cosine")
        states = list(epochs(ready))
        for state in states[:-1]:
            again = run(ready, state)
            assert same_bits(again.network, states[-1].network)
            assert (without_seconds(again.history) == without_seconds(states[-1].history)).all()

    def test_a_training_that_has_ended_stays_where_it_is(self):
        ready = training(epochs=4)
        ended = run(ready)
        again = run(ready, dataclasses.replace(ended, stopped=""))
        assert (again.epoch, again.stopped) == (4, "all epochs run")
        assert same_bits(again.network, ended.network)
        assert list(epochs(ready, ended)) == []


OVER_TRAINING = {"epochs": 150, "hidden": 30, "learning_rate": 0.05, "noise": 0.5, "batch_size": "all"}


class TestWeightsKept:
    def test_over_training_shows_and_the_best_weights_are_kept(self):
        ready = training(**OVER_TRAINING)
        state = run(ready)
        costs = [row.validation_cost for row in state.history]
        assert state.history[-1].cost < state.history[0].cost / 2  # the training rows are still learnt better
        assert state.best_epoch < state.epoch
        assert state.best_cost == min(costs) == costs[state.best_epoch - 1]
        assert costs[-1] > 1.2 * min(costs)  # the validation rows are not
        assert mean_cost(state.best_network, ready.validation) == pytest.approx(state.best_cost, rel=1e-12)
        assert mean_cost(state.network, ready.validation) == pytest.approx(costs[-1], rel=1e-12)

    def test_last(self):
        state = run(training(**OVER_TRAINING, keep="last"))
        assert state.best_epoch == state.epoch == 150
        assert same_bits(state.best_network, state.network)
        assert same_bits(state.network, run(training(**OVER_TRAINING)).network)

    def test_without_validation_rows_the_last_are_kept(self):
        state = run(training(epochs=6, validation=False))
        assert same_bits(state.best_network, state.network)
        assert state.best_epoch == 6
        assert all(math.isnan(row.validation_cost) for row in state.history)
        assert all(math.isnan(row.validation_accuracy) for row in state.history)

    def test_frozen_layers_keep_their_weights(self):
        ready = training(epochs=5, frozen=(1,), weight_decay=0.1)
        state = run(ready)
        for l, moved in ((1, False), (2, True)):
            before, after = ready.start.network.layers[l - 1], state.network.layers[l - 1]
            assert (before.weights.tobytes() != after.weights.tobytes()) == moved
            assert (before.biases.tobytes() != after.biases.tobytes()) == moved


class TestTolerance:
    @pytest.mark.parametrize("engine", ["compiled", "reference"])
    @pytest.mark.parametrize("tolerance", [None, 0.0, 1e-3, 0.02])
    def test_a_smaller_fall_is_none(self, tolerance, engine):
        """Counted here from the costs alone, against the epoch in which the training ended."""
        options = {"learning_rate": 0.02, "validation": False, "engine": engine}
        costs = [row.cost for row in run(training(epochs=120, **options)).history]
        best, waited, end = math.inf, 0, 120
        for epoch, cost in enumerate(costs, start=1):
            waited = 0 if (cost < best if tolerance is None else cost <= best - tolerance) else waited + 1
            best = min(best, cost)
            if waited == 4:
                end = epoch
                break
        state = run(training(epochs=120, patience=4, tolerance=tolerance, **options))
        assert state.epoch == end
        assert state.watched_cost == pytest.approx(best, rel=1e-12)
        assert (end < 120) == bool(tolerance)

    def test_without_patience_it_has_no_effect(self):
        with pytest.raises(UsageError, match="there is no patience"):
            TrainingPlan(tolerance=0.1)


class TestWatchingTheAccuracy:
    @pytest.mark.parametrize("engine", ["compiled", "reference"])
    @pytest.mark.parametrize("tolerance", [None, 0.0, 0.05])
    def test_patience_and_the_best_weights_go_by_it(self, tolerance, engine):
        options = {"learning_rate": 0.02, "noise": 0.5, "engine": engine, "epochs": 60}
        rows = run(training(**options)).history
        best, kept, waited, end = -1.0, 0, 0, 60
        for row in rows:
            right = row.validation_accuracy
            waited = 0 if (right > best if tolerance is None else right >= best + tolerance) else waited + 1
            if right > best:
                best, kept = right, row.epoch
            if waited == 5:
                end = row.epoch
                break
        ready = training(patience=5, tolerance=tolerance, **options)
        state = run(replace(ready, watch_accuracy=True))
        assert (state.epoch, state.best_epoch) == (end, kept)
        assert state.watched_cost == -best
        A = forward(state.best_network, ready.validation.X).output
        assert np.mean(A.argmax(axis=1) == ready.validation.Y.argmax(axis=1)) == best


class TestSharedDecay:
    def test_each_example_has_its_part_of_it(self):
        """J of a batch of B is the mean cost + lambda / (2 B) sum w^2; 24 examples in batches of 10, 10 and 4."""
        ready = training(epochs=1, batch_size=10, shuffle=False, validation=False)
        shared = prepare(
            replace(ready.plan, weight_decay=0.6, update="gradient_descent"), ready.start.network, ready.work.X,
            ready.work.Y, loss=ready.work.loss, decay_is_shared=True,
        )  # fmt: skip
        network, J = ready.start.network, 0.0
        for rows in (slice(0, 10), slice(10, 20), slice(20, 24)):
            X, Y = ready.work.X[rows], ready.work.Y[rows]
            grads = backward(network, forward(network, X), Y, ready.work.loss, weight_decay=0.6 / len(X))
            J += grads.cost * len(X) / 24
            moved = [p - shared.plan.eta * g for p, g in zip(network.parameters, grads.parameters, strict=True)]
            network = network.with_parameters(moved)
        state = run(shared)
        assert state.history[0].cost == pytest.approx(J, rel=1e-12)
        for found, wanted in zip(state.network.parameters, network.parameters, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12)


class TestHistory:
    def test_numbers_of_an_epoch(self):
        """By batch, an epoch's cost, accuracy and gradient norm are those of the weights before it."""
        ready = training(epochs=4, batch_size="all", weight_decay=0.05)
        network = ready.start.network
        for state in epochs(ready):
            row = state.history[-1]
            record = forward(network, ready.work.X)
            grads = backward(network, record, ready.work.Y, ready.work.loss, weight_decay=0.05)
            assert row.cost == pytest.approx(mean_cost(network, ready.work, 0.05), rel=1e-12)
            right = record.output.argmax(axis=1) == ready.work.Y.argmax(axis=1)
            assert row.accuracy == pytest.approx(right.mean(), abs=1e-12)
            norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads.parameters]))
            assert row.gradient_norm == pytest.approx(norm, rel=1e-12)
            network = state.network
            assert row.validation_cost == pytest.approx(mean_cost(network, ready.validation, 0.05), rel=1e-12)
            kept = forward(network, ready.validation.X).output.argmax(axis=1) == ready.validation.Y.argmax(axis=1)
            assert row.validation_accuracy == pytest.approx(kept.mean(), abs=1e-12)

    @pytest.mark.parametrize("engine", ["compiled", "reference"])
    def test_time_runs_on(self, engine):
        seconds = [row.seconds for row in run(training(epochs=5, engine=engine)).history]
        assert seconds == sorted(seconds)
        assert seconds[-1] > 0
        assert seconds[0] > 0 or engine == "compiled"  # it looks at the clock once in many short epochs


class TestCosts:
    @pytest.mark.parametrize("update", ["adam", "adamw"])
    def test_training_and_validation_cost_are_the_same_cost(self, update):
        """On the same rows both curves start from the same J; AdamW's decay is no part of it."""
        ready = training(update=update, weight_decay=1.0, batch_size="all", learning_rate=1e-12, epochs=1)
        ready = replace(ready, validation=ready.work)
        (row,) = run(ready).history
        assert row.validation_cost == pytest.approx(row.cost, rel=1e-9)
        squares = sum((W**2).sum() for W in ready.start.network.weights[1:])
        plain = training(update=update, batch_size="all", learning_rate=1e-12, epochs=1)
        decay = row.cost - run(plain).history[0].cost
        assert decay == pytest.approx(0.5 * squares if update == "adam" else 0, abs=1e-9)

    def test_accuracy_counts_by_the_middle_of_the_targets(self):
        """Targets of 0.1 and 0.9 meet at 0.5, those of -1 and 1 at 0: the history's accuracy is the model's."""
        for options in ({"output_activation": "tanh"}, {"soft_targets": True, "output_activation": "tanh"}):
            table = {"x": list(range(40)), "y": [int(i >= 25) for i in range(40)]}
            model = cr.train(table, epochs=60, hidden=3, test=0, keep="last", learning_rate=0.05, **options)
            rows = model.parts["validation"]
            assert model.history[-1].validation_accuracy == pytest.approx(model.evaluate(rows).accuracy)
            assert model.evaluate(rows).accuracy > 0.8


class TestSchedules:
    @pytest.mark.parametrize(
        ("schedule", "factors"),
        [
            ("constant", [1, 1, 1, 1, 1, 1]),
            ("step(2,0.5)", [1, 1, 0.5, 0.5, 0.25, 0.25]),
            ("exponential(0.8)", [0.8**k for k in range(6)]),
            ("cosine", [0.5 * (1 + math.cos(math.pi * k / 6)) for k in range(6)]),
            ("cosine(0.1)", [0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * k / 6)) for k in range(6)]),
        ],
    )
    def test_learning_rate_column(self, schedule, factors):
        state = run(training(epochs=6, schedule=schedule, learning_rate=0.2))
        found = [row.learning_rate for row in state.history]
        np.testing.assert_allclose(found, [0.2 * factor for factor in factors], rtol=1e-12)

    def test_one_cycle_rises_and_falls(self):
        rates = [row.learning_rate for row in run(training(epochs=20, schedule="one_cycle", learning_rate=0.1)).history]
        top = int(np.argmax(rates))
        assert rates[:top] == sorted(rates[:top])
        assert rates[top:] == sorted(rates[top:], reverse=True)
        assert rates[0] == pytest.approx(0.004)
        assert rates[top] == pytest.approx(0.1)
        assert top == 6

    def test_rates_reach_every_update(self):
        """An engine that writes down what it is given: the schedule runs on within an epoch."""
        ready = training(epochs=3, schedule="exponential(0.5)", learning_rate=0.2)  # 24 examples in batches of 5
        given = []

        def watch(work, network, rule_state, generator, rates):
            given.append(rates)
            return ready.engine.run(work, network, rule_state, generator, rates)

        run(dataclasses.replace(ready, engine=Choice(watch, "watch", "a test")))
        expected = 0.2 * 0.5 ** (np.arange(15) / 5)
        np.testing.assert_allclose(np.concatenate(given, axis=1)[0], expected, rtol=1e-12)

    @pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "exponential(0.9)", "step(2,0.3)"])
    def test_rates_of_several_epochs_are_those_of_each(self, schedule):
        ready = training(epochs=9, schedule=schedule)
        states = [ready.start, *epochs(ready)]
        together = course.learning_rates(ready, states[2], 6)
        assert together.shape == (6, 5)
        alone = [course.learning_rates(ready, state) for state in states[2:8]]
        assert together.tobytes() == np.concatenate(alone).tobytes()

    def test_rates_end_before_an_epoch_whose_rates_are_infinite(self):
        ready = training(epochs=400, schedule="exponential(10)")
        assert len(course.learning_rates(ready, ready.start, 400)) == 308

    def test_your_own_schedule(self):
        own = Schedule("own", lambda epoch, epochs: 1.0 if epoch < 2 else 0.5 ** math.floor(epoch))
        state = run(training(epochs=5, schedule=own, learning_rate=0.2))
        expected = [0.2, 0.2, 0.05, 0.025, 0.0125]
        np.testing.assert_allclose([row.learning_rate for row in state.history], expected, rtol=1e-15)

    def test_a_schedule_changes_the_weights(self):
        assert not same_bits(run(training(schedule="step(3,0.1)")).network, run(training()).network)

    @pytest.mark.parametrize("validation", [True, False])
    def test_reduce_on_plateau(self, validation):
        ready = training(epochs=60, schedule="reduce_on_plateau(0.5,3)", learning_rate=0.3, noise=0.5,
                         validation=validation)  # fmt: skip
        state = run(ready)
        rate, best, waited, expected = 0.3, math.inf, 0, []
        for row in state.history:
            expected.append(rate)
            cost = row.validation_cost if validation else row.cost
            if cost < best:
                best, waited = cost, 0
            else:
                waited += 1
                if waited == 3:
                    rate, waited = rate / 2, 0
        assert [row.learning_rate for row in state.history] == pytest.approx(expected, rel=1e-12)
        assert expected[-1] < 0.3

    def test_a_rate_beyond_every_number(self):
        ready = training(epochs=400, schedule="exponential(10)", clip_value=1e-300, weight_decay=0.0)
        with pytest.raises(DivergenceError, match=r"in epoch 309 the schedule exponential\(10\)") as caught:
            run(ready)
        assert caught.value.state.epoch == 308


class TestDivergence:
    def diverge(self, **options):
        settings = {"learning_rate": 1e30, "update": "gradient_descent", "epochs": 60, **options}
        ready = training(settings, validation=False)
        seen = []
        with pytest.raises(DivergenceError) as caught:
            run(ready, callbacks=[seen.append])
        return ready, caught.value, seen

    @pytest.mark.parametrize("batch_size", [5, 1, "all"])
    def test_names_place_and_remedy_and_loses_nothing(self, batch_size):
        # Identity in the hidden layer: nothing saturates, so the numbers grow.
        ready, error, seen = self.diverge(activation="identity", batch_size=batch_size, weight_decay=1.0)
        state = error.state
        assert state.stopped == "diverged"
        assert len(state.history) == len(seen)
        message = str(error)
        steps = ready.work.updates_per_epoch
        assert f"in epoch {len(seen) + 1}, batch " in message
        assert f"of {steps}: " in message
        assert "of layer 1" in message or "of layer 2" in message
        assert "lower the learning rate (now 1e+30)" in message
        assert "clip_norm=1" in message
        for network in (state.network, state.best_network):
            assert all(np.isfinite(p).all() for p in network.parameters)
        if seen:
            assert same_bits(state.network, seen[-1].network)

    def test_clipping_is_not_advised_where_it_is_on(self):
        _, error, _ = self.diverge(activation="identity", clip_norm=1e10, learning_rate=1e300)
        assert "clip_norm" not in str(error)

    @pytest.mark.parametrize(
        ("output", "loss", "fused"),
        [
            ("logistic", "binary_cross_entropy", "logistic_binary_cross_entropy"),
            ("softmax", "categorical_cross_entropy", "softmax_categorical_cross_entropy"),
        ],
    )
    def test_unfused_cross_entropy_suggests_the_fused(self, output, loss, fused):
        X, Y = classes()
        network = Network.dense([2, 3], output, weights=[np.full((2, 3), 500.0) * [1, -1, 1]])
        with pytest.raises(DivergenceError, match=f'What helps: take the loss "{fused}".*, or lower'):
            run(prepare(TrainingPlan(epochs=5, dtype="float64"), network, X, Y, loss=loss))
        state = run(prepare(TrainingPlan(epochs=5, dtype="float64"), network, X, Y, loss=fused))
        assert math.isfinite(state.history[-1].cost)

    def test_on_the_validation_rows_alone(self):
        X, Y = np.array([[0.0], [0.1]]), np.array([[0.0], [1.0]])
        network = Network.dense([1, 1], "logistic", weights=[np.array([[1.0]])])
        plan = TrainingPlan(epochs=3, learning_rate=1e-3)
        ready = prepare(plan, network, X, Y, loss="binary_cross_entropy", validation=([[1e6]], [[0.0]]))
        with pytest.raises(DivergenceError, match="validation cost is inf after epoch 1") as caught:
            run(ready)
        assert "so sure of a wrong answer" in str(caught.value)
        assert 'take the loss "logistic_binary_cross_entropy"' in str(caught.value)
        assert same_bits(caught.value.state.network, network)

    def test_weights_that_only_the_next_pass_finds_too_large(self):
        ready = training({"learning_rate": 1e30, "update": "gradient_descent", "batch_size": "all"}, epochs=60,
                         activation="identity", weight_decay=1.0)  # fmt: skip
        with pytest.raises(DivergenceError, match="the weights have grown so large") as caught:
            run(ready)
        assert all(np.isfinite(p).all() for p in caught.value.state.best_network.parameters)
        assert math.isfinite(caught.value.state.best_cost)


class TestInterrupts:
    def test_from_a_callback(self):
        def interrupt(state):
            if state.epoch == 6:
                raise KeyboardInterrupt

        state = run(training(epochs=50), callbacks=[interrupt])
        assert (state.epoch, state.stopped) == (6, "interrupted")
        assert same_bits(state.network, run(training(epochs=6)).network)

    @pytest.mark.parametrize("epoch", [0, 4])
    def test_inside_an_engine(self, epoch):
        ready = training(epochs=50)
        calls = []

        def interrupted(*arguments):
            calls.append(arguments)
            if len(calls) > epoch:
                raise KeyboardInterrupt
            return ready.engine.run(*arguments)

        state = run(dataclasses.replace(ready, engine=Choice(interrupted, "interrupted", "a test")))
        assert (state.epoch, state.stopped) == (epoch, "interrupted")
        expected = run(training(epochs=epoch)).best_network if epoch else ready.start.network
        assert same_bits(state.best_network, expected)

    def test_other_errors_are_not_hidden(self):
        def fail(state):
            raise RuntimeError("in a callback")

        with pytest.raises(RuntimeError, match="in a callback"):
            run(training(), callbacks=[fail])


class TestRandomness:
    def test_same_seed_same_bits(self):
        a, b = run(training(seed=3)), run(training(seed=3))
        assert same_bits(a.network, b.network)
        assert (without_seconds(a.history) == without_seconds(b.history)).all()

    def test_another_seed_or_start_is_another_training(self):
        networks = [run(training(seed=seed, start=start)).network for seed, start in ((3, 0), (4, 0), (3, 1))]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert not np.allclose(networks[a].weights[1], networks[b].weights[1])

    def test_the_global_generator_is_left_alone(self):
        np.random.seed(1)  # noqa: NPY002 - this is what must not matter
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        run(training())
        assert (np.random.get_state()[1] == before).all()  # noqa: NPY002

    def test_orders_differ_between_epochs_and_hold_every_example_once(self):
        ready = training(epochs=6)
        orders = []

        def watch(work, network, rule_state, generator, rates):
            orders.append(draw_order(work, copy.deepcopy(generator)).tolist())
            return ready.engine.run(work, network, rule_state, generator, rates)

        run(dataclasses.replace(ready, engine=Choice(watch, "watch", "a test")))
        assert all(sorted(order) == list(range(24)) for order in orders)
        assert len(set(map(tuple, orders))) == 6

    @pytest.mark.parametrize("options", [{"shuffle": False}, {"batch_size": "all"}, {"batch_size": 100}])
    def test_no_order_where_none_is_needed(self, options):
        ready = training(epochs=2, **options)
        assert draw_order(ready.work, None) is None
        assert run(ready).random_state == ready.start.random_state

    def test_engines_go_the_same_way(self):
        """The engine without matrices through the whole loop, shuffled orders and schedule included."""
        X, Y = classes()
        network = Network.dense([2, 3, 3], "logistic", seed=0)
        settings = {"update": "gradient_descent", "schedule": "cosine", "batch_size": 1, "epochs": 10}
        states = [
            run(prepare(TrainingPlan(**settings, engine=engine, dtype="float64"), network, X, Y, middle=0.5))
            for engine in ("reference", "node_by_node")
        ]
        for a, b in zip(*(state.network.parameters for state in states), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
        np.testing.assert_allclose(*(without_seconds(state.history) for state in states), rtol=1e-10)


class TestPrepare:
    network = Network.dense([2, 3, 1], "logistic", seed=0)
    plan = TrainingPlan(dtype="float64")

    @pytest.mark.parametrize(
        ("X", "Y", "settings", "words"),
        [
            ([1.0, 2.0], [[1.0]], {}, "X must have two dimensions"),
            ([[1.0]], [[1.0]], {}, "X has 1 columns, but the network has 2 inputs"),
            (np.empty((0, 2)), np.empty((0, 1)), {}, "X has no rows"),
            ([[1.0, 2.0]], [1.0], {}, r"Y must have two dimensions, \(examples, outputs\)"),
            ([[1.0, 2.0]], [[1.0, 0.0]], {}, "Y has 2 columns, but the network has 1 outputs"),
            ([[1.0, 2.0]], [[1.0], [0.0]], {}, "Y has 2 rows for 1 examples"),
            ([[1.0, math.nan]], [[1.0]], {}, "X has values that are not finite, the first in row 0, column 1"),
            ([[1.0, 2.0]], [[math.inf]], {}, "Y has values that are not finite"),
            ([["a", "b"]], [[1.0]], {}, "expected real numbers"),
            ([[1.0, 2.0]], [[1.0]], {"sample_weight": [1.0, 2.0]}, "sample_weight must have shape"),
            ([[1.0, 2.0]], [[1.0]], {"sample_weight": [-1.0]}, "at least 0"),
            ([[1.0, 2.0]], [[1.0]], {"sample_weight": [0.0]}, "not all of them 0"),
            ([[1.0, 2.0]], [[1.0]], {"validation": ([[1.0]], [[1.0]])}, "X has 1 columns"),
            ([[1.0, 2.0]], [[1.0]], {"loss": "hinge"}, 'loss "hinge" is unknown'),
            ([[1.0, 2.0]], [[1.0]], {"loss": "softmax_categorical_cross_entropy"}, "contains the output activation"),
        ],
    )
    def test_refusals(self, X, Y, settings, words):
        with pytest.raises(UsageError, match=words):
            prepare(self.plan, self.network, X, Y, **settings)

    def test_numbers_beyond_float32(self):
        with pytest.raises(UsageError, match='values beyond float32 need dtype="float64"'):
            prepare(TrainingPlan(), self.network.astype("float32"), [[1e300, 0.0]], [[1.0]])
        assert prepare(self.plan, self.network, [[1e300, 0.0]], [[1.0]]).work.X.dtype == np.float64

    def test_engine_that_cannot_is_refused_before_the_first_epoch(self):
        with pytest.raises(UsageError, match='node_by_node" knows the update rule gradient_descent only, not "adam"'):
            prepare(TrainingPlan(engine="node_by_node"), self.network, [[1.0, 2.0]], [[1.0]])

    @pytest.mark.parametrize("batch_size", [1, 2, "all"])
    def test_weight_0_takes_no_part(self, batch_size):
        X, Y = classes(8)
        s = np.array([1, 0, 2, 1, 0, 0, 1, 3.0])
        plan = TrainingPlan(epochs=4, batch_size=batch_size, dtype="float64", shuffle=False)
        network = Network.dense([2, 3], "logistic", seed=0)
        with_zeros = run(prepare(plan, network, X, Y, sample_weight=s))
        without = run(prepare(plan, network, X[s > 0], Y[s > 0], sample_weight=s[s > 0]))
        assert same_bits(with_zeros.network, without.network)

    def test_array_api_strict_through_the_loop(self):
        X, Y = classes()
        states = []
        for convert in (np.asarray, strict.asarray):
            network = Network.dense([2, 3, 3], ["tanh", "softmax"], seed=0)
            network = network.with_parameters([convert(p) for p in network.parameters])
            plan = TrainingPlan(epochs=4, batch_size=5, dtype="float64", patience=3)
            loss = "softmax_categorical_cross_entropy"
            s = convert(np.linspace(0, 2, 24))
            ready = prepare(plan, network, convert(X), convert(Y), loss=loss, sample_weight=s, middle=0.5,
                            validation=(convert(X[:6]), convert(Y[:6])))  # fmt: skip
            states.append(run(ready))
        numpy, other = states
        np.testing.assert_allclose(without_seconds(numpy.history), without_seconds(other.history), rtol=1e-12)
        for a, b in zip(numpy.best_network.parameters, other.best_network.parameters, strict=True):
            assert isinstance(b, type(strict.asarray([0.0])))
            np.testing.assert_allclose(a, np.asarray(b), atol=1e-13)

    def test_schedules_and_rules_with_bad_numbers(self):
        for options, words in (
            ({"schedule": "step(0)"}, "step"), ({"update": "momentum(2)"}, "mu"), ({"update": "adam(1,2,3,4)"}, "adam"),
            ({"schedule": "cosine(x)"}, "cannot be read"),
        ):  # fmt: skip
            with pytest.raises(UsageError, match=words):
                prepare(TrainingPlan(**options), self.network, [[1.0, 2.0]], [[1.0]])
        assert schedule_named("constant").factor(3, 9) == 1
