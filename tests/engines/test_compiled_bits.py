"""The compiled engine gives the same bits however its work is divided: over threads, over calls, beside others."""

import dataclasses

import numpy as np
import pytest
from engine_equality import a_task

from chainrule.core.passes import forward
from chainrule.engines import compiled
from chainrule.engines.kernels import kernels

DTYPES = ["float32", "float64"]

TASKS = {
    "by-batch": {"sizes": (7, 33, 5), "batch": 200, "N": 200},
    "minibatches": {"sizes": (7, 40, 20, 3), "batch": 33, "N": 100, "shuffle": True, "rule": "adam"},
    "incremental": {"sizes": (3, 6, 2), "batch": 1, "N": 30, "shuffle": True, "weighted": True},
    "small-batches": {"sizes": (5, 9, 2), "batch": 3, "N": 31, "rule": "momentum", "bias": "x0"},
    "clipped": {"sizes": (50, 70, 2), "batch": 50, "N": 120, "clip_norm": 0.1, "clip_value": 0.01},
    "frozen": {"sizes": (5, 30, 20, 2), "batch": 40, "N": 90, "trainable": [False, True, True], "weight_decay": 0.1},
    "dropout": {"sizes": (5, 30, 20, 2), "batch": 40, "N": 90, "dropout": (0.3, 0.5), "shuffle": True},
    "classes": {"sizes": (5, 20, 7), "batch": 64, "N": 300, "classify": True, "output": "softmax",
                "loss": "softmax_categorical_cross_entropy", "shuffle": True, "rule": "rprop"},
    "in-parts": {"sizes": (7, 40, 20, 3), "batch": 1700, "N": 2300, "rule": "adam", "shuffle": True,
                 "weight_decay": 0.1},
    "clipped-parts": {"sizes": (50, 70, 2), "batch": 1300, "N": 1300, "clip_norm": 0.1, "weighted": True},
    "wide": {"sizes": (20, 130, 140), "activation": "relu", "batch": 100, "N": 130, "rule": "adamw",
             "weight_decay": 0.1},
}  # fmt: skip


def job(name, dtype, epochs=4, watched=True, seed=3):
    """A job whose validation rows are watched, whose best weights are kept, and whose learning rate falls."""
    work, net = a_task(dtype=dtype, **TASKS[name])
    rows, _ = a_task(dtype=dtype, **(TASKS[name] | {"N": 300, "batch": 300, "weighted": False}), seed=5)
    watch = compiled.Watch(rows, keep_best=True, reduce=(0.5, 1)) if watched else compiled.Watch()
    rates = 0.02 * np.linspace(1, 0.5, epochs * work.updates_per_epoch).reshape(epochs, -1)
    state = work.rule.init(net.trainable_parameters)
    return compiled.Job(work, net, state, np.random.default_rng(seed), rates, watch)


def bits(outcome, generator):
    """All that a job left behind, but the time it took."""
    parts = [*outcome.network.parameters, *(outcome.best_network.parameters if outcome.best_network else ())]
    for value in outcome.rule_state:
        parts += value if isinstance(value, list) else [np.array(value)]
    numbers = np.delete(outcome.epochs, 5, axis=1)
    places = (outcome.best_epoch, outcome.end, outcome.watched_cost, outcome.waited, outcome.plateau)
    return [p.tobytes() for p in [*parts, numbers]], places, str(generator.bit_generator.state)


def run(one, **how):
    (outcome,), interrupted = compiled.run_all([one], **how)
    assert not interrupted
    return bits(outcome, one.generator)


@pytest.mark.matrix
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [2, 3, 5, 16])  # some of them get no rows, or no weights
@pytest.mark.parametrize("name", TASKS)
def test_any_number_of_threads(name, threads, dtype, monkeypatch):
    monkeypatch.setattr(compiled, "FEWEST_TO_SHARE", 0)
    assert run(job(name, dtype), threads=threads) == run(job(name, dtype), threads=1)


@pytest.mark.parametrize("instruction_set", kernels())
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_company(dtype, instruction_set):
    names = [*TASKS, *TASKS, "clipped", "classes"]
    jobs = [job(name, dtype, epochs=1 + i % 5, watched=bool(i % 3)) for i, name in enumerate(names)]
    again = [job(name, dtype, epochs=1 + i % 5, watched=bool(i % 3)) for i, name in enumerate(names)]
    assert len(jobs) == 24
    outcomes, interrupted = compiled.run_all(jobs, threads=3, instruction_set=instruction_set)
    assert not interrupted
    together = [bits(outcome, one.generator) for one, outcome in zip(jobs, outcomes, strict=True)]
    assert together == [run(one, instruction_set=instruction_set) for one in again]
    assert len({str(one[0]) for one in together}) > 10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TASKS)
def test_any_number_of_calls(name, dtype):
    """Ten epochs in one call, and one in each of ten."""
    whole = job(name, dtype, epochs=10)
    expected = run(whole)
    one = job(name, dtype, epochs=10)
    rows, best, rates = [], None, one.learning_rates
    for epoch in range(10):
        factor = one.watch.plateau.factor  # what is handed in holds the factor reached so far
        part = dataclasses.replace(one, learning_rates=factor * rates[epoch : epoch + 1])
        (outcome,), _ = compiled.run_all([part])
        rows.append(outcome.epochs)
        if outcome.best_network is not None:
            best, best_epoch = outcome.best_network, epoch + 1
        places = {"watched_cost": outcome.watched_cost, "waited": outcome.waited, "plateau": outcome.plateau}
        one = dataclasses.replace(one, network=outcome.network, rule_state=outcome.rule_state,
                                  watch=one.watch._replace(**places))  # fmt: skip
    found = dataclasses.replace(outcome, epochs=np.concatenate(rows), best_network=best, best_epoch=best_epoch)
    assert bits(found, one.generator) == expected
    assert (found.epochs[1:, 0] != found.epochs[:-1, 0]).all()  # it learned something in every epoch


def test_any_time_limit():
    """A call that time runs out on comes back after a whole epoch, and the next goes on from there."""
    expected = run(job("minibatches", "float64", epochs=6, watched=False))
    one = job("minibatches", "float64", epochs=6, watched=False)
    rows = []
    while sum(map(len, rows)) < 6:
        rates = job("minibatches", "float64", epochs=6).learning_rates[sum(map(len, rows)) :]
        (outcome,), _ = compiled.run_all([dataclasses.replace(one, learning_rates=rates)], seconds=0)
        assert len(outcome.epochs) >= 1
        rows.append(outcome.epochs)
        one = dataclasses.replace(one, network=outcome.network, rule_state=outcome.rule_state)
    places = {"best_epoch": 6, "end": "epochs"}  # counted from the start of the call
    found = dataclasses.replace(outcome, epochs=np.concatenate(rows), **places)
    assert bits(found, one.generator) == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_predict_gives_the_same_bits_on_any_number_of_threads(dtype, monkeypatch):
    monkeypatch.setattr(compiled, "FEWEST_TO_SHARE", 0)
    for sizes in ((3, 5, 2), (40, 100, 30, 1), (2, 2)):
        _, net = a_task(sizes, ["tanh"] * (len(sizes) - 2) + ["softmax" if sizes[-1] > 1 else "logistic"], dtype=dtype)
        for N in (0, 1, 2, 127, 128, 129, 1000):
            X = np.random.default_rng(N).standard_normal((N, sizes[0])).astype(dtype)
            outputs = [compiled.predict(net, X, threads=threads) for threads in (1, 2, 3)]
            assert outputs[0].shape == (N, sizes[-1])
            for other in outputs[1:]:
                assert other.tobytes() == outputs[0].tobytes()
            if N:
                tolerance = 1e-13 if dtype == "float64" else 1e-5
                np.testing.assert_allclose(outputs[0], forward(net, X).output, rtol=tolerance, atol=tolerance)
