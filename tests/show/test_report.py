"""The report: one page that holds the numbers of the model, loads nothing, and means nothing but what it says."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from report_page import Page, refuses_to_load_anything

import chainrule as cr
from chainrule.models.evaluation import ClassEvaluation, evaluate_classes
from chainrule.numerals import number, percent, share
from chainrule.show.report import report_html, write_report
from chainrule.training.state import Epoch

HOSTILE = [
    "<script>alert(1)</script>",
    "\"&'",
    "</title></svg></style><b>",
    "a\x00b\ud800",
    "\u202ereversed",
    "--><!--",
]


@pytest.fixture(scope="module")
def wine():
    return cr.train("wine", epochs=20, seed=1)


@pytest.fixture(scope="module")
def diabetes():
    return cr.train("diabetes", epochs=10, seed=0)


@pytest.fixture(scope="module")
def two_targets():
    x = np.random.default_rng(0).normal(size=(120, 2))
    return cr.train(
        {"a": x[:, 0], "b": x[:, 1], "sum": x.sum(axis=1), "far": 1e6 * x[:, 0]}, target="sum,far", epochs=5, starts=2
    )


def test_a_classification(wine):
    written = report_html(wine, "chainrule train wine --epochs 20 --seed 1")
    refuses_to_load_anything(written)
    page = Page(written)
    assert "<title>wine: class</title>" in written
    assert "<h1>wine: class</h1>" in written
    assert percent(wine.test.accuracy) in page.text
    assert number(wine.test.log_loss) in page.text
    assert "on 36 test rows" in page.text
    for values in (wine.test.precision, wine.test.recall, wine.test.f1):
        assert all(share(value) in page.text for value in values)
    assert [word for word in page.words if word == "chainrule train wine --epochs 20 --seed 1"]
    assert f"kept: epoch {wine.provenance.best_epoch}" in page.text
    for name in wine.encoding.node_names:
        assert name in page.words
    for note in wine.provenance.notes:
        assert note in page.words


def test_every_drawing_says_what_it_shows(wine):
    page = Page(report_html(wine))
    drawings = page.names.count("svg")
    assert drawings == 5  # cost, accuracy, gradient norm, confusion, network
    labels = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert len(labels) == drawings
    assert all(labels)
    assert [value for tag, name, value in page.attributes if tag == "svg" and name == "role"] == ["img"] * drawings
    assert page.names.count("caption") == page.names.count("table")


def test_no_rows_to_test_are_said_and_shown_whole():
    page = Page(report_html(cr.train("xor", hidden=2, epochs=3)))
    assert "on 4 training rows" in page.text
    assert "No rows were kept for testing" in page.text
    assert "Every row of the training part, with the true and the predicted y" in page.words
    assert "95 %" not in page.text


@pytest.mark.parametrize("keep", ["best", "last"])
def test_over_training_is_said_with_its_remedy(keep):
    r = np.random.default_rng(0)
    model = cr.train(r.normal(size=(120, 8)), r.normal(size=120), hidden=64, epochs=300, keep=keep)
    page = Page(report_html(model))
    lowest = 1 + int(np.argmin([row.validation_cost for row in model.history]))
    assert f"After epoch {lowest} the validation cost rose while the training cost kept falling" in page.text
    assert "What could be better" in page.words
    assert "--patience 20" + (" --keep best" if keep == "last" else "") in page.words
    assert "--weight-decay" in page.words


def test_nothing_to_say_is_no_section(wine):
    page = Page(report_html(replace(wine, history=wine.history[:1])))
    assert "What could be better" not in page.text
    assert "by heart" not in page.text


@pytest.mark.parametrize("lowest", [0.0, 0.1234, 0.5, 0.83, 0.9, 0.97, 0.999, 1.0])
def test_the_axis_of_the_accuracy_starts_at_a_round_number_with_a_tick(wine, lowest):
    history = [Epoch(i + 1, 1.0, 1.0, a, a, 0.1, 1.0, 0.1) for i, a in enumerate([lowest, 1.0])]
    written = report_html(replace(wine, history=history))
    chart = written.partition("<b>Accuracy per epoch</b>")[2].partition("</svg>")[0]
    bottom = re.search(r'<line x1="[\d.]+" x2="[\d.]+" y1="([\d.]+)" y2="\1" class="axis"', chart)
    grid = re.findall(r'y1="([\d.]+)" y2="[\d.]+" class="grid"/><text [^>]*>([\d.]+)<', chart)
    assert grid[0][0] == bottom[1]
    assert float(grid[0][1]) <= lowest
    assert grid[-1][1].rstrip("0") == "1."


def test_three_charts_share_a_row(wine, diabetes):
    assert '<div class="figures three">' in report_html(wine)
    assert '<div class="figures three">' not in report_html(diabetes)


@pytest.mark.parametrize("name", ["wine", "diabetes", "two_targets"])
def test_a_model_from_a_file(name, request, tmp_path):
    model = request.getfixturevalue(name)
    written = report_html(cr.load(model.save(tmp_path / "m.safetensors")))
    refuses_to_load_anything(written)
    page = Page(written)
    assert percent(model.test.accuracy) in page.text if name == "wine" else number(model.test.rmse) in page.text
    assert ("The rows are not kept in a model file" in page.text) == (name != "wine")
    assert page.names.count("circle") < 60


def test_a_file_without_test_rows(tmp_path):
    model = cr.train("xor", hidden=2, epochs=3)
    page = Page(report_html(cr.load(model.save(tmp_path / "m.safetensors"))))
    assert "cannot say how good the predictions are" in page.text


def test_hostile_names_stay_text():
    r = np.random.default_rng(0)
    columns = {name: r.normal(size=80).tolist() for name in HOSTILE}
    columns["kind"] = r.choice(HOSTILE[:3], 80).tolist()
    columns["constant <b>"] = ["x"] * 80
    columns["target <img src=x onerror=alert(1)>"] = r.choice(HOSTILE[:4], 80).tolist()
    model = cr.train(columns, epochs=2, hidden=3)
    model = replace(model, provenance=replace(model.provenance, source="<i>\"'&.csv", stopped="<u>"))
    written = report_html(model, "chainrule train \"<script>x</script>\" && echo '&amp;'")
    refuses_to_load_anything(written)
    page = Page(written)
    assert "<script" not in written
    assert not {"i", "u", "img"} & set(page.names)
    assert page.names.count("b") == page.names.count("figure")  # only the titles of figures
    assert HOSTILE[0] in page.words
    assert HOSTILE[1] in page.words
    assert "a�b�" in page.words
    assert "\u202e" not in written
    assert "chainrule train \"<script>x</script>\" && echo '&amp;'" in page.words
    assert "Left out: 1 column" in page.words
    written.encode()


def test_histories_that_are_not_finite(wine):
    odd = [math.nan, math.inf, -math.inf, 1e308, 0.0, -1e308, 1e-320, 5.0]
    rows = [Epoch(i + 1, v, odd[-i - 1], v, math.nan, v, v, v) for i, v in enumerate(odd)]
    for history in ([], rows[:1], rows[:2], rows, [Epoch(1, *[math.nan] * 7)], rows[:5] * 300):
        page = Page(report_html(replace(wine, history=history)))
        for tag, name, value in page.attributes:
            if tag in ("path", "line", "circle", "rect", "text") and name in ("d", "x", "y", "x1", "y1", "cx", "cy"):
                assert "nan" not in (value or "")
                assert "inf" not in (value or "")


def test_a_training_that_diverged_says_so_and_shows_the_last_good_weights():
    with pytest.raises(cr.DivergenceError) as caught:
        cr.train("diabetes", update="gradient_descent", learning_rate=1e9, activation="relu", epochs=9)
    page = Page(report_html(caught.value.model))
    assert "The training diverged: these are the last good weights." in page.words


def test_long_trainings_are_thinned_out(wine):
    history = [Epoch(i + 1, 1 / (i + 1), 2 / (i + 1), 0.5, 0.5, 0.1, 1.0 + i % 7, 0.1 * i) for i in range(20_000)]
    model = replace(wine, history=history, provenance=replace(wine.provenance, best_epoch=12_345))
    written = report_html(model)
    page = Page(written)
    for data in [value or "" for tag, name, value in page.attributes if tag == "path" and name == "d"]:
        assert len(re.findall(r"[ML]", data)) <= 400
    assert "kept: epoch 12,345" in page.text
    # The mark of the kept epoch has its dot on both curves of both charts.
    assert (
        sum(tag == "circle" and name == "class" and "dot" in (value or "") for tag, name, value in page.attributes) == 4
    )


def test_what_was_never_called_has_no_precision(wine):
    truth, called = np.array([0, 0, 1]), np.array([0, 1, 1])
    test = evaluate_classes(truth, called, np.full((3, 3), 1 / 3), wine.classes)
    assert math.isnan(test.precision[2])
    page = Page(report_html(replace(wine, test=test)))
    assert page.words.count("–") >= 3
    assert "nan" not in page.text.split()


def test_many_classes_are_listed_by_their_mistakes(wine):
    n = 150
    confusion = np.eye(n, dtype=int)
    confusion[3, 4] = 7
    test = ClassEvaluation(
        n + 7, 0.9, math.inf, tuple(range(n)), tuple(map(tuple, confusion.tolist())), (1.0,) * n, (1.0,) * n, (1.0,) * n
    )
    page = Page(report_html(replace(wine, test=test)))
    assert "The commonest mistakes; with 150 classes a confusion matrix cannot be read" in page.words
    assert "∞" in page.words
    assert page.names.count("svg") == 4


def test_a_huge_network_stays_below_two_megabytes():
    r = np.random.default_rng(0)
    columns = {f"column {i}": r.normal(size=60) for i in range(1500)}
    columns["y"] = r.normal(size=60)
    model = cr.train(columns, hidden=(300, 300, 200), epochs=1)
    written = report_html(model)
    assert len(written.encode()) < 2_000_000
    assert "connections are drawn" in Page(written).text
    assert "The first 500 of 1,501 columns, and the targets." in Page(written).words


def test_the_options_that_were_chosen_are_listed():
    model = cr.train(
        "wine", hidden=(4, 3), activation="relu", update="momentum(0.95)", epochs=2, scale="robust", seed=3
    )
    page = Page(report_html(model))
    chosen = page.text.partition("Options that differ from their default")[2].partition("Every option")[0]
    for option, value in [
        ("hidden", "4, 3"), ("activation", "relu"), ("update", "momentum(0.95)"), ("scale", "robust"), ("seed", "3"),
        ("output_activation", "softmax"), ("loss", "softmax_categorical_cross_entropy"),
        ("learning_rate", "0.05 (by the update rule)"),
    ]:  # fmt: skip
        assert re.search(rf"\b{option} \s*{re.escape(value)}", chosen), option
    assert "batch_size" not in chosen


def test_the_report_is_written_whole(wine, tmp_path):
    path = write_report(wine, tmp_path / "wine.html", "x")
    assert path.read_text(encoding="utf-8") == report_html(wine, "x")
    with pytest.raises(cr.UsageError, match="does not exist"):
        write_report(wine, tmp_path / "no" / "wine.html")


def test_the_same_model_gives_the_same_page(diabetes):
    assert report_html(diabetes) == report_html(diabetes)
