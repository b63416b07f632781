"""Every loss of every number of outputs, as equations and as the engine has it."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import explain
from chainrule.explaining.trees import evaluate

X = np.random.default_rng(3).normal(size=(6, 2))
OUTPUT = {"poisson": "exponential", "binary_cross_entropy": "logistic", "categorical_cross_entropy": "softmax",
          "logistic_binary_cross_entropy": "logistic", "softmax_categorical_cross_entropy": "softmax",
          "perceptron_criterion": "step"}  # fmt: skip
LOSSES = ["half_squared_error", "sum_of_squares", "mean_of_squares", "absolute_error", "huber", "huber(0.5)",
          "quantile", "quantile(0.9)", *OUTPUT]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_every_loss_of_every_number_of_outputs(loss, outputs):
    """Targets on both sides of the outputs, near and far; of a cross-entropy also 0 and 1."""
    net = cr.Network.dense([2, outputs], OUTPUT.get(loss, "identity"), init="uniform(-1,1)", seed=outputs)
    record = cr.forward(net, X)
    steps = np.array([[-1.5], [-0.3], [0.2], [0.4], [1.5], [0.7]])
    Y = record.a[1] + np.roll(np.tile(steps, outputs), np.arange(outputs), axis=0)
    if loss in OUTPUT:
        Y = np.eye(outputs)[np.arange(6) % outputs] if outputs > 1 else np.array([[0.0, 1, 0, 1, 1, 0]]).T
    grads = cr.backward(net, record, Y, loss, reduction="mean")
    for notation in ("chainrule", "rows"):
        why = explain(net, X, Y, loss=loss, notation=notation, reduction="mean")
        l = why.notation.counting.layer(1)
        for n in range(6):
            costs = why[f"C @ {n + 1}"]
            assert costs.value == pytest.approx(grads.costs[n], rel=1e-12)
            assert evaluate(costs.expression) == pytest.approx(grads.costs[n], rel=1e-12, abs=1e-15)
            for k in range(outputs):
                unit = k + why.notation.counting.first_unit
                error = why[f"delta[{l}][{unit}] @ {n + 1}"]
                assert evaluate(error.expression) == pytest.approx(grads.delta[1][n, k], rel=1e-12, abs=1e-15)
                if grads.activations[1] is not None:
                    slope = why[f"dC/da[{l}][{unit}] @ {n + 1}"]
                    assert evaluate(slope.expression) == pytest.approx(grads.activations[1][n, k], rel=1e-12, abs=1e-15)
        assert "rounding" not in str([why[name].rule for name in ("C", "J")])
    one = explain(net, X, Y, loss=loss)["C"].text("line")
    assert ("1 / " in one.splitlines()[1]) == (
        loss == "half_squared_error" or (loss == "mean_of_squares" and outputs > 1) or loss.startswith("huber")
    )
