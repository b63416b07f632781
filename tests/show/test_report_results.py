"""The results in a report: measures with their intervals and comparisons, and every row of a small part."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from report_page import Page

import chainrule as cr
from chainrule.numerals import number, share
from chainrule.show.report import report_html
from chainrule.show.report.intervals import bootstrap


@pytest.fixture(scope="module")
def diabetes():
    return cr.train("diabetes", epochs=10, seed=0)


@pytest.fixture(scope="module")
def two_targets():
    x = np.random.default_rng(0).normal(size=(120, 2))
    return cr.train(
        {"a": x[:, 0], "b": x[:, 1], "sum": x.sum(axis=1), "far": 1e6 * x[:, 0]}, target="sum,far", epochs=5, starts=2
    )


def answers(model):
    rows, n = model.parts["test"], len(model.encoding.target_names)
    return model.encoding.true_values(rows).reshape(-1, n), model.predict(rows).reshape(-1, n)


def rmse_of_the_training_mean(model):
    truth, _ = answers(model)
    means = model.encoding.true_values(model.parts["train"]).reshape(-1, truth.shape[1]).mean(axis=0)
    return np.sqrt(np.mean((truth - means) ** 2, axis=0))


def test_a_regression(diabetes):
    page = Page(report_html(diabetes))
    for value in (diabetes.test.rmse, diabetes.test.mae):
        assert number(value) in page.words
    assert share(diabetes.test.r2) in page.words
    assert number(float(rmse_of_the_training_mean(diabetes)[0])) in page.words
    assert "RMSE if every answer were the training mean" in page.text
    low, high = bootstrap(*answers(diabetes)).rmse[0]
    assert f"95 % interval {number(low, 3)} to {number(high, 3)}" in page.text
    assert f"2,000 resamples of the {diabetes.test.rows} test rows (bootstrap)" in page.text
    # A point for each test row; the other circles are 2 marks of the kept epoch and the 10 + 16 + 1 units.
    assert page.names.count("circle") == diabetes.test.rows + 2 + 27


def test_several_targets_each_have_their_own_drawing(two_targets):
    page = Page(report_html(two_targets))
    for name, (rmse, mae, r2) in zip(two_targets.test.targets, two_targets.test.each, strict=True):
        assert f"Predicted and true values of {name}" in page.words
        assert f"Errors of {name}" in page.words
        assert number(rmse) in page.text
        assert number(mae) in page.text
        assert share(r2) in page.text
    for rmse, (low, high) in zip(
        rmse_of_the_training_mean(two_targets), bootstrap(*answers(two_targets)).rmse, strict=True
    ):
        assert f"for comparison, always the training mean: {number(rmse)}" in page.text
        assert number(rmse) in page.words
        assert f"{number(low, 3)} to {number(high, 3)}" in page.words
    assert "2 of 2 run, with the costs" in page.text


def heads_and_sides(model):
    written = report_html(model).partition("Every row of")[2].partition("</thead>")[0]
    return re.findall(r"<th scope=\"col\"(?: class=\"(\w+)\")?>([^<]*)</th>", written)


def test_truth_and_answer_stand_before_the_inputs_and_words_at_the_left():
    r = np.random.default_rng(0)
    columns = {"size": r.normal(size=60), "colour": r.choice(["red", "blue"], 60), "kind": r.choice(["a", "b"], 60)}
    model = cr.train(columns, target="kind", epochs=3)
    assert heads_and_sides(model) == [
        ("", "row"), ("label", "true"), ("label", "predicted"), ("n", "its probability"), ("n", "size"), ("", "colour"),
    ]  # fmt: skip
    columns |= {"u": columns["size"] * 2, "v": r.normal(size=60)}
    model = cr.train(columns, target="u,v", epochs=3)
    assert [head for _, head in heads_and_sides(model)] == [
        "row", "u, true", "u, predicted", "v, true", "v, predicted", "size", "colour", "kind",
    ]  # fmt: skip


@pytest.mark.parametrize("samples", [60, pytest.param(200, marks=pytest.mark.long)])
def test_the_bootstrap_covers_what_it_should(samples):
    # Samples of 60 rows whose errors have a root mean square of 1: most intervals of 95 % hold it.
    r = np.random.default_rng(0)
    intervals = [bootstrap(t, t + r.normal(size=t.shape)) for t in r.normal(size=(samples, 60, 1))]
    assert 0.85 <= np.mean([low <= 1 <= high for found in intervals for low, high in found.rmse]) <= 0.99


def test_odd_values_have_no_interval_or_an_undefined_one():
    truth = np.arange(12.0)[:, None]
    assert bootstrap(truth[:9], truth[:9]) is None
    assert bootstrap(truth, truth + 1e200) is None
    assert bootstrap(truth, truth * math.nan) is None
    constant = bootstrap(truth * 0 + 3, truth)
    assert all(map(math.isnan, (*constant.r2[0], *constant.mean_r2)))
    assert all(map(math.isfinite, constant.rmse[0]))
    both = bootstrap(np.hstack([truth, 1e6 * truth]), np.hstack([truth + 1, 1e6 * truth]))
    assert both.rmse == ((1.0, 1.0), (0.0, 0.0))
    assert both.r2[1] == (1.0, 1.0)
