"""A network as a JavaScript module, run by Node: the same answers."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.models.export import to_javascript

sys.path.append(str(Path(__file__).parents[1] / "models"))
from export_cases import CASES, case, refused
from test_export_same_everywhere import MODELS, ODD, said_by_model, trained

pytestmark = pytest.mark.node

RUN = """
import * as module from "./exported.mjs";
let text = "";
for await (const chunk of process.stdin) text += chunk;
const answers = JSON.parse(text).map((row) => {
  try {
    return module.predict(row);
  } catch (error) {
    return { refused: `${error.name}: ${error.message}` };
  }
});
// JSON has no NaN and no infinities
console.log(JSON.stringify(answers, (key, value) => (Object.is(value, -0) || Number.isFinite(value) ? value :
  typeof value === "number" ? String(value) : typeof value === "bigint" ? Number(value) : value)));
"""


def answers_of(module, rows, folder):
    """What `predict` of a module gives for each row; NaN is written as null, and infinity as a number too large."""
    (folder / "exported.mjs").write_text(module)
    (folder / "run.mjs").write_text(RUN)
    text = json.dumps(rows).replace("NaN", "null").replace("Infinity", "1e999")
    done = subprocess.run(["node", "run.mjs"], input=text, capture_output=True, text=True, cwd=folder, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def numbers_of(answer):
    answer = answer["probabilities"] if isinstance(answer, dict) else answer
    return [float(one.replace("Infinity", "inf") if isinstance(one, str) else one) for one in np.atleast_1d(answer)]


@pytest.mark.parametrize("name", CASES)
def test_the_answers_are_those_of_python(name, tmp_path):
    one = case(name)
    answers = answers_of(to_javascript(one.model), one.rows, tmp_path)
    received = np.array([numbers_of(answer) for answer in answers])
    np.testing.assert_allclose(received, one.numbers, rtol=one.tolerance, atol=one.tolerance)
    if one.labels:
        key = "labels" if isinstance(one.labels[0], list) else "label"
        assert [answer[key] for answer in answers] == one.labels


@pytest.mark.parametrize("name", ["awkward names", "names, indicators and two classes", "wine"])
def test_a_row_can_be_an_object(name, tmp_path):
    one = case(name)
    by_name = [dict(zip(one.columns, row, strict=True)) for row in one.rows[:10]]
    module = to_javascript(one.model)
    assert answers_of(module, by_name, tmp_path) == answers_of(module, one.rows[:10], tmp_path)


def test_rows_that_the_model_refuses(tmp_path):
    model, (good, *bad) = refused()
    more = [["1", "red"], [1, "red", 2], {"size": 1}, {"size": 1, "Color": "red"}]
    answers = answers_of(to_javascript(model), [good, *bad, *more], tmp_path)
    assert answers[0] == pytest.approx(model.predict({"size": [1.0], "color": ["red"]})[0], rel=1e-12)
    assert all(answer["refused"].startswith("RangeError: ") for answer in answers[1:])
    said = " ".join(answer["refused"] for answer in answers[1:])
    for words in (
        'column "size": the value is missing', 'column "color": purple is none of blue, green, red',
        'column "size": 1 is not a number', "a row has 2 values; received 3", 'the row has no column "color"',
    ):  # fmt: skip
        assert words in said


@pytest.mark.parametrize("name", MODELS)
def test_odd_numbers(name, tmp_path):
    """NaN is written as null, and JSON has no infinities: 1e999 is one."""
    model = trained(*MODELS[name])
    answers = answers_of(to_javascript(model), [[cell] for cell in ODD], tmp_path)
    for cell, answer in zip(ODD, answers, strict=True):
        expected = said_by_model(model, cell)
        if expected is None:
            assert answer["refused"].startswith("RangeError: "), cell
        else:
            assert numbers_of(answer)[0] == pytest.approx(expected, rel=1e-4, abs=1e-5), cell


def test_dates(tmp_path):
    table = {"day": np.datetime64("2012-01-01") + np.arange(40), "y": np.sin(np.arange(40.0))}
    model = cr.train(table, target="y", epochs=3, dtype="float64", validation=0, test=0)
    moments = ["2012-01-31", "2012/02/29", "1969-12-31", "2012-02-29T12:30", "2012-02-29 12:30:15.5Z", "0004-02-29"]
    answers = answers_of(to_javascript(model), [[moment] for moment in moments], tmp_path)
    expected = [model.predict({"day": [moment]})[0] for moment in moments]
    np.testing.assert_allclose(answers, expected, rtol=1e-12)
    wrong = ["2012-02-30", "2012-1-1", "31.1.2012", "", "2012-01-31T25:00"]
    for answer in answers_of(to_javascript(model), [[moment] for moment in wrong], tmp_path):
        assert "is no date such as 2012-01-31" in answer["refused"]
    (tmp_path / "date.mjs").write_text(
        'import { predict } from "./exported.mjs";\nconsole.log(predict([new Date(Date.UTC(2012, 0, 31))]));\n'
        'try { predict([new Date("?")]); } catch (error) { console.error(error.message); }\n'
    )
    done = subprocess.run(["node", "date.mjs"], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert float(done.stdout) == pytest.approx(expected[0], rel=1e-12)
    assert 'column "day": this Date is none' in done.stderr


def test_names_that_were_numbers_and_truth_values(tmp_path):
    table = {"k": [1.0, 2.5, 1e-7, 1e16, 1e15] * 4, "y": [0.5, 1.0, 2.0, 3.0, 4.0] * 4}
    model = cr.train(table, target="y", nominal="k", unknown="refuse", epochs=2, dtype="float64", validation=0, test=0)
    answers = answers_of(to_javascript(model), [[k] for k in table["k"][:5]], tmp_path)
    np.testing.assert_allclose(answers, model.predict({"k": table["k"][:5]}), rtol=1e-12)
    wrong = answers_of(to_javascript(model), [[2], [True], [1e17], [-1]], tmp_path)
    assert all("is none of" in answer["refused"] for answer in wrong)


def test_numbers_beyond_what_javascript_counts_are_bigints(tmp_path):
    from sklearn.neural_network import MLPClassifier

    labels = np.array([2**53 + 1, 2**60, 5] * 5)
    X = np.eye(15)
    estimator = MLPClassifier((2,), tol=10, random_state=0).fit(X, labels)
    module = to_javascript(estimator)
    assert f"export const classes = [5, {2**53 + 1}n, {2**60}n];" in module
    answers = answers_of(module, X[:2].tolist(), tmp_path)
    assert all(math.isclose(sum(answer["probabilities"]), 1) for answer in answers)


def test_a_large_network_stays_sane(tmp_path):
    network = cr.Network.dense([784, 128, 10], "relu", output_activation="softmax", seed=0, dtype="float32")
    module = to_javascript(network)
    assert len(module) < 2e6
    assert max(map(len, module.splitlines())) <= 120
    x = np.random.default_rng(0).normal(size=784)
    (answer,) = answers_of(module, [x.tolist()], tmp_path)
    np.testing.assert_allclose(answer, cr.forward(network.astype("float64"), x[None]).output[0], rtol=1e-9)
