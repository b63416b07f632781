"""Sparse rows on the compiled engine: what the reference engine makes of the same rows, dense."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse
from engine_equality import a_task, assert_equal
from kernel_kit import Kit

from chainrule.engines import compiled, reference, sparse_first_layer
from chainrule.engines.kernels import kernels
from chainrule.engines.work import NotFiniteError

OPTIONS = {
    "plain": {},
    "adam": {"rule": "adam", "shuffle": True, "weight_decay": 0.1, "decay_is_shared": True},
    "adamw, clipped": {"rule": "adamw", "weight_decay": 0.1, "clip_norm": 0.1, "clip_value": 0.01},
    "dropout": {"dropout": (0.3,), "shuffle": True, "weighted": True},
    "no biases": {"bias": False, "rule": "nesterov"},
    "x0": {"bias": "x0", "rule": "rprop"},
    "sum": {"reduction": "sum", "weight_decay": 0.1},
    "frozen": {"trainable": [False, True], "weight_decay": 0.1},
    "classes": {"output": "softmax", "loss": "softmax_categorical_cross_entropy", "classify": True},
    "one layer": {"sizes": (150, 3)},
}


def a_sparse_task(batch=33, N=100, dtype="float64", **options):
    """Return a work dense and sparse, and the network.

    The 150 columns have few entries: none in row 0, in column 7 and in columns 64 to 99; those of row 1 lie backwards,
    the last of them in two halves.
    """
    work, net = a_task(**{"sizes": (150, 40, 3), "batch": batch, "N": N, "dtype": dtype, **options})
    rng = np.random.default_rng(8)
    X = np.where(rng.random(work.X.shape) < 0.05, work.X, 0)
    X[0], X[:, 7], X[:, 64:100], X[1, 3:6] = 0, 0, 0, 1.5
    rows = scipy.sparse.csr_matrix(X)
    data, indices, starts = rows.data.tolist(), rows.indices.tolist(), rows.indptr.copy()
    of_row_1 = slice(starts[1], starts[2])
    values, columns = data[of_row_1][::-1], indices[of_row_1][::-1]
    data[of_row_1] = [*values[:-1], values[-1] / 2, values[-1] / 2]
    indices[of_row_1] = [*columns, columns[-1]]
    starts[2:] += 1
    rows = scipy.sparse.csr_matrix((np.array(data, dtype=dtype), np.array(indices), starts), shape=X.shape)
    assert not rows.has_canonical_format
    np.testing.assert_allclose(rows.toarray(), X)
    return dataclasses.replace(work, X=X), dataclasses.replace(work, X=rows), net


def on_both(dense, sparse, net, epochs=3, **how):
    """Train on the dense rows with the reference engine, and on the sparse ones with the compiled one."""
    rate = 0.05 / (dense.batch_size if dense.reduction == "sum" else 1)
    rates = rate * np.linspace(1, 0.5, epochs * dense.updates_per_epoch).reshape(epochs, -1)
    state = dense.rule.init(net.trainable_parameters)
    wanted = reference.run(dense, net, state, np.random.default_rng(1), rates)
    job = compiled.Job(sparse, net, state, np.random.default_rng(1), rates)
    (found,), _ = compiled.run_all([job], **how)
    return wanted, found


@pytest.mark.parametrize("instruction_set", kernels())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIONS)
def test_as_if_dense(name, dtype, instruction_set):
    assert compiled.refusal(*a_sparse_task(dtype=dtype, **OPTIONS[name])[1:]) == ""
    dense, sparse, net = a_sparse_task(dtype=dtype, **OPTIONS[name])
    wanted, found = on_both(dense, sparse, net, instruction_set=instruction_set)
    assert_equal(wanted, found, net, 1e-4 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("name", ["adam", "adamw, clipped", "sum"])
def test_a_batch_in_parts(name):
    dense, sparse, net = a_sparse_task(**OPTIONS[name] | {"batch": 1300, "N": 1700})
    wanted, found = on_both(dense, sparse, net)
    assert_equal(wanted, found, net, 1e-11)


def test_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(compiled, "FEWEST_TO_SHARE", 0)
    for task in (OPTIONS["adam"], OPTIONS["adamw, clipped"] | {"batch": 1300, "N": 1700}):
        alone, *others = [on_both(*a_sparse_task(**task), threads=threads)[1] for threads in (1, 2, 3, 16)]
        assert np.ptp(alone.network.parameters[0]) > 0
        for other in others:
            for a, b in zip(alone.network.parameters, other.network.parameters, strict=True):
                assert a.tobytes() == b.tobytes()
            assert alone.epochs[:, :3].tobytes() == other.epochs[:, :3].tobytes()


def test_validation_rows_are_dense():
    dense, sparse, net = a_sparse_task(**OPTIONS["classes"])
    rates, watch = np.full((4, dense.updates_per_epoch), 0.1), compiled.Watch(dense, keep_best=True)
    outcomes = []
    for work in (dense, sparse):
        state = work.rule.init(net.trainable_parameters)
        (outcome,), _ = compiled.run_all([compiled.Job(work, net, state, np.random.default_rng(0), rates, watch)])
        outcomes.append(outcome)
    np.testing.assert_allclose(outcomes[1].epochs[:, :5], outcomes[0].epochs[:, :5], rtol=1e-10)
    assert np.isfinite(outcomes[1].epochs[:, 3]).all()


def test_the_readable_engine_on_sparse_rows():
    dense, sparse, net = a_sparse_task(**OPTIONS["adam"])
    rates = np.full((2, dense.updates_per_epoch), 0.05)
    chunks = [
        engine.run(work, net, work.rule.init(net.trainable_parameters), np.random.default_rng(1), rates)
        for engine, work in ((reference, dense), (sparse_first_layer, sparse), (compiled, sparse))
    ]
    for chunk in chunks[1:]:
        for a, b in zip(chunk.network.parameters, chunks[0].network.parameters, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_what_is_not_finite_is_named():
    dense, sparse, net = a_sparse_task(activation="relu")
    state, rates = dense.rule.init(net.trainable_parameters), np.full((50, dense.updates_per_epoch), 1e300)
    with pytest.raises(NotFiniteError, match="layer"):
        compiled.run(sparse, net, state, np.random.default_rng(0), rates)


@pytest.mark.parametrize("kernel", kernels().values(), ids=kernels())
def test_entries_that_are_refused(kernel):
    kit = Kit(kernel)
    good = {
        "values": kit.ones(2), "columns": np.array([0, 2], np.int32), "starts": np.array([0, 1, 1, 1, 2, 2]),
        "Y": kit.ones(5, 2), "shares": None, "labels": None,
    }  # fmt: skip

    def made(layers=True, **changes):
        trainer = kit.new()
        if layers:
            trainer.add_layer(**kit.layer)
            trainer.set_plan(**kit.plan)
        trainer.set_sparse_examples(**good | changes)
        return trainer

    trainer = made()
    trainer.set_course(**kit.course)
    assert kit.train([trainer], 1, 1.0) is False
    for message, changes in {
        "add the layers": {"layers": False},
        "out of range": {"columns": np.array([0, 3], np.int32)},
        "out of range ": {"columns": np.array([-1, 0], np.int32)},
        "entries do not fit": {"values": kit.ones(3)},
        "entries do not fit ": {"starts": np.array([0, 1, 1, 1, 2, 3])},
        "never falling": {"starts": np.array([0, 2, 1, 1, 2, 2])},
        "from 0 on": {"starts": np.array([1, 1, 1, 1, 2, 2])},
        "from 0 on ": {"starts": np.empty(0, np.int64)},
        "too few": {"starts": np.array([0]), "values": kit.ones(0), "columns": np.empty(0, np.int32)},
        "Y does not fit": {"Y": kit.ones(4, 2)},
    }.items():
        with pytest.raises(ValueError, match=message.strip()):
            made(**changes)
    with pytest.raises(ValueError, match="before the course"):
        trainer.set_sparse_examples(**good)
