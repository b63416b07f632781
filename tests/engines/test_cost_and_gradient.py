"""J and its gradient as functions of one vector: against `backward`, and against central differences of J."""

from dataclasses import replace

import numpy as np
import pytest
from engine_equality import a_task

from chainrule.core.passes import backward, forward
from chainrule.engines import compiled, cost_and_gradient
from chainrule.engines.cost_and_gradient import CostAndGradient
from chainrule.engines.reference import trainable_gradients
from chainrule.engines.vectors import as_vector, at_vector, examples_in_float64, in_float64

CASES = {
    "mean": {},
    "sum": {"reduction": "sum", "weight_decay": 0.3},
    "weighted": {"weighted": True, "weight_decay": 0.3},
    "weighted sum": {"weighted": True, "reduction": "sum"},
    "frozen": {"trainable": [False, True], "weight_decay": 0.2},
    "x0": {"bias": "x0", "weight_decay": 0.2},
    "no bias": {"bias": False},
    "shared decay": {"weight_decay": 0.5, "decay_is_shared": True},
    "classes": {"output": "softmax", "loss": "softmax_categorical_cross_entropy", "classify": True},
    "clipped, shuffled, dropped": {"clip_norm": 0.01, "shuffle": True, "dropout": (0.5,)},  # which are not J's
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [10, 300])  # in one block, and in two
@pytest.mark.parametrize("name", CASES)
def test_against_backward_and_differences(name, rows, dtype, monkeypatch):
    work, net = a_task((3, 4, 2), dtype=dtype, batch=3, rule="adam", N=rows, **CASES[name])
    monkeypatch.setattr(cost_and_gradient, "CACHE", 1)
    at = CostAndGradient(work, net)
    assert at.on_kernel
    assert len(at.blocks) == (1 if rows == 10 else 2)
    w = as_vector(net.trainable_parameters) + 0.01
    J, g = at(w)
    X, Y, s = examples_in_float64(work)
    exact = at_vector(in_float64(net), w)
    grads = backward(
        exact, forward(exact, X), Y, work.loss, reduction=work.reduction, weight_decay=work.decay_of(len(X)),
        sample_weight=s,
    )  # fmt: skip
    assert J == pytest.approx(grads.cost, rel=1e-12)
    np.testing.assert_allclose(g, as_vector(trainable_gradients(exact, grads)), rtol=1e-9, atol=1e-13)
    assert np.abs(g).max() > 1e-3
    for i in (0, len(w) // 2, len(w) - 1):
        step = np.zeros(len(w))
        step[i] = 1e-5
        assert (at(w + step)[0] - at(w - step)[0]) / 2e-5 == pytest.approx(g[i], rel=1e-5, abs=1e-7 * abs(J))
    monkeypatch.setattr(compiled, "refusal", lambda work, network: "is away")
    away = CostAndGradient(work, net)
    assert not away.on_kernel
    assert away(w)[0] == pytest.approx(J, rel=1e-12)
    np.testing.assert_allclose(away(w)[1], g, rtol=1e-9, atol=1e-13)


def test_a_point_too_far_away_costs_infinity():
    work, net = a_task((3, 4, 2), "relu")
    w = as_vector(net.trainable_parameters)
    assert CostAndGradient(work, net)(w * 1e200)[0] == np.inf
    assert np.isfinite(CostAndGradient(work, net)(w)[0])


def test_parts_of_a_work_have_the_weights_of_the_whole():
    work, _ = a_task((3, 4, 2), weighted=True, N=10)
    rows = np.array([7, 1, 3])
    part = work.part(rows, work.X[rows])
    np.testing.assert_allclose(part.shares, work.shares[rows], rtol=1e-15)
    np.testing.assert_allclose(replace(part, clip_norm=1.0).shares, work.shares[rows], rtol=1e-15)
    np.testing.assert_array_equal(part.Y, work.Y[rows])
    assert not part.shuffle
    assert abs(part.shares.mean() - 1) > 0.01  # which it would be among themselves
