"""Skewed targets: when they are put on a logarithmic scale, and that it is undone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew

import chainrule as cr
from chainrule.data.encoder import Encoding
from chainrule.data.encoding import fit_encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.skew import log_unit, skewed, skewness
from chainrule.data.tables import read_table
from chainrule.errors import DataError, ModelFileError, UsageError

N = 300


def normal(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=N)


SKEWED = {
    "lognormal": np.exp(1.5 * normal()),
    "negative": -np.exp(1.5 * normal()),
    "counts": np.random.default_rng(1).poisson(np.exp(1.3 * normal())).astype(float),
    "with zeros": np.maximum(0, normal()) * np.exp(1.5 * normal(1)),
    "profits": np.exp(1.5 * normal()) * np.random.default_rng(2).uniform(-0.4, 1, N),
    "pareto": np.random.default_rng(4).pareto(1.5, N) + 1,
}
STRAIGHT = {
    "normal": normal(),
    "uniform": np.random.default_rng(5).uniform(0, 9, N),
    "exponential of little spread": np.exp(0.4 * normal()),
    "both tails": np.concatenate([normal()[:150] ** 3, -(normal()[:150] ** 3)]),
    "rare zero or one": (np.arange(N) % 20 == 0) * 1.0,
    "one error": np.append(normal(), 60.0),
    "three errors": np.append(normal(), [60.0, 70.0, 80.0]),
    "few": np.exp(3 * normal()[:20]),
    "constant": np.ones(N),
    "beyond squares": np.exp(2 * normal()) * 1e200,
}


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=50))
def test_skewness_is_scipys(values):
    array = np.array(values)
    if array.std() > max(1e-6 * np.abs(array).max(), 1e-50):  # below it, scipy's cubes are no numbers
        assert skewness(array) == pytest.approx(float(skew(array)), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", SKEWED)
def test_skewed_values_get_a_scale(name):
    unit = skewed(SKEWED[name])
    assert unit is not None
    sizes = np.abs(SKEWED[name][SKEWED[name] != 0])
    assert unit == pytest.approx(np.quantile(sizes, 0.9) if name == "profits" else np.median(sizes))
    assert abs(skew(np.arcsinh(SKEWED[name] / unit))) <= 0.5 * abs(skew(SKEWED[name]))


@pytest.mark.parametrize("name", STRAIGHT)
def test_others_stay_as_they_are(name):
    assert skewed(STRAIGHT[name]) is None


@pytest.mark.parametrize("name", ["diabetes", "sine"])
def test_built_in_tables_stay_as_they_are(name):
    assert cr.train(name, epochs=1).encoding.target.log_units == ()


def encoded(y: np.ndarray, activation: str = "identity", squares: bool = True, **options) -> Encoding:
    table = read_table({"x": np.arange(len(y)), "y": y})
    return fit_encoding(table, EncodingPlan(task="regression", **options), None, activation, squares)


@given(st.sampled_from(sorted(SKEWED)), st.sampled_from([1e-30, 1.0, 1e30]))
def test_values_come_back(name, size):
    y = SKEWED[name] * size
    encoding = encoded(y, target_scale="log")
    table = read_table({"x": np.arange(N), "y": y})
    Y = encoding.encode_targets(table)
    unit = encoding.target.log_units[0]
    z = np.array([math.asinh(value / unit) for value in y])  # the formula, value by value
    np.testing.assert_allclose(Y[:, 0], (z - z.mean()) / z.std(), atol=1e-9)
    np.testing.assert_allclose(encoding.decode_values(Y), y, rtol=1e-9, atol=1e-9 * unit)
    assert Encoding.from_dict(encoding.to_dict()) == encoding
    done = encoding.describe()[-1]["done"]
    assert done.startswith("(arsinh(value / ")


def test_auto_takes_it_only_where_it_may():
    y = SKEWED["lognormal"]
    assert encoded(y).target.log_units[0] == log_unit(y)
    assert any("--target-scale standard forbids it" in note for note in encoded(y).notes)
    assert encoded(y, squares=False).target.log_units == ()
    assert encoded(y, target_scale="standard").target.log_units == ()
    for activation in ("logistic", "tanh", "relu", "exponential", "softplus", "elu"):
        assert encoded(y, activation).target.log_units == ()
        with pytest.raises(UsageError, match=f"which {activation} outputs do not reach"):
            encoded(y, activation, target_scale="log")
    assert encoded(np.abs(normal()), target_scale="log").target.log_units[0] is not None
    assert not any("skewed" in note for note in encoded(y, target_scale="log").notes)  # as asked


def test_each_target_has_its_own_scale():
    table = read_table({"x": np.arange(N), "y": SKEWED["lognormal"], "z": normal()})
    target = fit_encoding(table, EncodingPlan(target="y,z"), None, "identity", True).target
    assert target.log_units == (log_unit(SKEWED["lognormal"]), None)
    assert target.centers[1] == pytest.approx(normal().mean())


def test_the_unit_comes_from_the_training_rows_alone():
    table = read_table({"x": np.arange(N), "y": SKEWED["lognormal"]})
    rows = np.arange(0, N, 2)
    target = fit_encoding(table, EncodingPlan(), rows, "identity", True).target
    assert target.log_units == (log_unit(SKEWED["lognormal"][rows]),)


def test_a_value_beyond_all_numbers_is_refused():
    encoding = encoded(SKEWED["lognormal"])
    A = np.array([[0.1], [5000.0]])
    with pytest.raises(DataError, match=r"row 1 \(counted from 0\).*beyond float64"):
        encoding.decode_values(A)


def test_files_of_older_versions_and_damaged_ones():
    record = encoded(normal()).to_dict()
    assert "log_units" not in record["target"]
    assert Encoding.from_dict(record).target.log_units == ()
    good = encoded(SKEWED["lognormal"]).to_dict()
    for wrong in ([-1.0], [0.0], ["a"], [1.0, 2.0], 3, [math.inf]):
        with pytest.raises(ModelFileError):
            Encoding.from_dict({**good, "target": {**good["target"], "log_units": wrong}})
