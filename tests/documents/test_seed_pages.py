"""What the walk-throughs show beyond formulas: approximation, decisions, the cerebellum; and that coverage is real."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.catalogue import ACTIVATIONS, LOSSES

ROOT = Path(__file__).resolve().parents[2]
COVERAGE = (ROOT / "docs" / "seeds" / "coverage.md").read_text(encoding="utf-8")


def example(name):
    return runpy.run_path(str(ROOT / "examples" / name))


def test_every_test_that_coverage_names_exists():
    named = set(re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", COVERAGE.replace("`examples/", "`../examples/")))
    assert len(named) > 60
    for path, test in named:
        file = ROOT / "tests" / path if (ROOT / "tests" / path).is_file() else ROOT / path
        assert file.is_file(), path
        assert not test or f"def {test}(" in file.read_text(encoding="utf-8"), f"{path}::{test}"


def test_every_row_of_coverage_has_a_formula_what_computes_it_and_a_test():
    rows = [line for line in COVERAGE.splitlines() if line.startswith("| ") and not line.startswith("| heading")]
    assert len(rows) > 90
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 4, row
        assert all(cells), row
        assert ".py" in cells[3], row


def test_what_coverage_says_computes_a_formula_is_there():
    for name in re.findall(r"`(tensors|gates|paths|neurons)\.(\w+)", COVERAGE):
        assert hasattr(getattr(cr, name[0]), name[1]), name
    for name in re.findall(r"`(forward|backward|fit|layer_jacobians|example_gradients|diagnose)\b", COVERAGE):
        assert name in cr.__all__
    for name in ("sum_of_squares", "half_squared_error", "mean_of_squares", "binary_cross_entropy"):
        assert name in LOSSES
    assert {"step", "logistic", "identity"} <= set(ACTIVATIONS)


@pytest.mark.parametrize(
    ("units", "least", "most"), [(1, 0.3, 2), (3, 0, 0.1), pytest.param(8, 0, 0.01, marks=pytest.mark.long)]
)
def test_more_units_approximate_better(units, least, most):
    run = example("universal_approximation.py")
    assert least < run["best_of_starts"](units) < most
    net = run["theorem_network"](3, 0)
    assert net.biases[2] is None  # F(x) has no constant of its own


def test_the_cerebellum_learns_with_fixed_granule_cells():
    run = example("cerebellum.py")
    X, Y = run["movements"](300, seed=1)
    net = run["cerebellum"](250)
    assert np.count_nonzero(net.weights[1], axis=0).max() <= 4  # each granule cell hears a few mossy fibres
    assert (cr.forward(net, X).a[1] > 0).mean() < 0.5  # and is silent most of the time
    state = cr.fit(net, X, Y, update="gradient_descent", learning_rate=0.01, batch_size=1, epochs=30)
    assert np.array_equal(state.network.weights[1], net.weights[1])
    assert np.abs(cr.forward(state.network, X).output - Y).mean() < 0.3 * np.abs(Y).mean()
    # the delta rule: eta times the climbing fibre's error times the parallel fibre's activity
    why = cr.explain(net, X, Y, update="gradient_descent", learning_rate=0.1, reduction="sum", example=0)
    error, activity = why["y[1]"].value - why["a[2][1]"].value, cr.forward(net, X[:1]).a[1][0]
    one = cr.explain(net, X[:1], Y[:1], update="gradient_descent", learning_rate=0.1)
    for cell in (0, 100, 249):
        assert one[f"change W[2][{cell + 1},1]"].value == pytest.approx(
            0.1 * error * activity[cell], rel=1e-12, abs=1e-15
        )
