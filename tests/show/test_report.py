"""The report: one page that holds the numbers of the model, loads nothing, and means nothing but what it says."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

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


class Page(HTMLParser):
    """Reads a page strictly: every element that opens is closed, in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, written: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.names: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(written)
        self.close()
        assert self.open == []
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        assert len({name for name, _ in attrs}) == len(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def refuses_to_load_anything(written: str) -> None:
    page = Page(written)
    assert not {"script", "img", "link", "iframe", "object", "embed", "base", "form", "use", "image"} & set(page.names)
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("href", "src", "srcset", "style", "xlink:href", "action", "background")
        assert "http:" not in (value or "")
    assert "https:" not in written
    assert "url(" not in written
    assert "@import" not in written
    policies = [value for _, name, value in page.attributes if name == "content" and "default-src" in (value or "")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


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
    assert "Predicting class from wine" in page.text
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


def test_a_regression(diabetes):
    page = Page(report_html(diabetes))
    for value in (diabetes.test.rmse, diabetes.test.mae):
        assert number(value) in page.words
    assert share(diabetes.test.r2) in page.words
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
    assert "2 of 2 run, with the costs" in page.text


def test_no_rows_to_test_are_said_and_shown_whole():
    page = Page(report_html(cr.train("xor", hidden=2, epochs=3)))
    assert "on 4 training rows" in page.text
    assert "No rows were kept for testing" in page.text
    assert "Every row of the training part" in page.words


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
