"""The measures against scikit-learn's."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    r2_score,
    roc_auc_score,
)

import chainrule as cr
from chainrule.models.evaluation import (
    OF_CLASSES,
    evaluate_classes,
    evaluate_values,
    evaluation_from_dict,
    evaluation_to_dict,
)


def assert_equals_sklearn(result, truth, predicted, probabilities, classes):
    """`truth` and `predicted` hold labels."""
    labels = list(classes)
    assert result.accuracy == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
    assert np.array(result.confusion).tolist() == confusion_matrix(truth, predicted, labels=labels).tolist()
    p, r, f, support = precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=np.nan)
    # f1 is 0 where a class was called or there, but never rightly; scikit-learn agrees.
    np.testing.assert_allclose(result.precision, p, rtol=1e-12)
    np.testing.assert_allclose(result.recall, r, rtol=1e-12)
    np.testing.assert_allclose(result.f1, f, rtol=1e-12)
    assert [sum(row) for row in result.confusion] == support.tolist()
    assert result.rows == len(truth)
    positions = {label: i for i, label in enumerate(labels)}
    codes = [positions[label] for label in truth]
    assert result.log_loss == pytest.approx(log_loss(codes, probabilities, labels=range(len(labels))), rel=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@given(st.integers(2, 5), st.integers(1, 40), st.integers(0, 10**6))
def test_classes(n_classes, n_rows, seed):
    generator = np.random.default_rng(seed)
    truth, predicted = generator.integers(0, n_classes, (2, n_rows))
    P = generator.uniform(0.01, 1, (n_rows, n_classes))
    P /= P.sum(axis=1, keepdims=True)
    classes = [f"class {i}" for i in range(n_classes)]
    result = evaluate_classes(truth, predicted, P, classes)
    names = np.array(classes)
    assert_equals_sklearn(result, names[truth], names[predicted], P, classes)


@given(st.integers(1, 3), st.integers(2, 40), st.integers(0, 10**6))
def test_values(n_targets, n_rows, seed):
    generator = np.random.default_rng(seed)
    truth, predicted = generator.normal(3, 5, (2, n_rows, n_targets))
    names = [f"y{i}" for i in range(n_targets)]
    result = evaluate_values(truth, predicted, names)
    assert result.rmse == pytest.approx(math.sqrt(mean_squared_error(truth, predicted)), rel=1e-12)
    assert result.mae == pytest.approx(mean_absolute_error(truth, predicted), rel=1e-12)
    assert result.r2 == pytest.approx(r2_score(truth, predicted), rel=1e-9, abs=1e-9)
    for i, (rmse, mae, r2) in enumerate(result.each):
        assert rmse**2 == pytest.approx(mean_squared_error(truth[:, i], predicted[:, i]), rel=1e-12)
        assert mae == pytest.approx(mean_absolute_error(truth[:, i], predicted[:, i]), rel=1e-12)
        assert r2 == pytest.approx(r2_score(truth[:, i], predicted[:, i]), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("options", [{}, {"soft_targets": True}, {"output_activation": "logistic"}])
@pytest.mark.parametrize("table", ["wine", "iris", "digits"])
def test_a_models_evaluation(table, options):
    model = cr.train(table, epochs=4, hidden=8, seed=1, **options)
    rows = model.parts["validation"]
    truth = model.encoding.true_labels(rows)
    result = model.evaluate(rows)
    assert_equals_sklearn(result, truth, model.predict(rows), model.probabilities(rows), model.classes)
    assert result.accuracy < 1  # so that the measures above had something to tell


def test_a_regressions_evaluation():
    model = cr.train("diabetes", epochs=5, hidden=8, seed=1)
    rows = model.parts["test"]
    truth, predicted = model.encoding.true_values(rows), model.predict(rows)
    result = model.evaluate(rows)
    assert truth.max() > 100  # the target's own units
    assert result.rmse**2 == pytest.approx(mean_squared_error(truth, predicted), rel=1e-9)
    assert result.r2 == pytest.approx(r2_score(truth, predicted), rel=1e-9)
    assert model.evaluate() is model.test
    np.testing.assert_allclose(model.test.each, result.each, rtol=1e-12)


def test_limits():
    never = evaluate_classes(np.array([0, 0]), np.array([0, 0]), np.array([[1.0, 0.0], [0.0, 1.0]]), ["a", "b"])
    assert never.log_loss == math.inf  # a true class got 0
    assert math.isnan(never.precision[1])
    assert math.isnan(never.recall[1])
    assert math.isnan(never.f1[1])
    constant = evaluate_values(np.array([[2.0], [2.0]]), np.array([[1.0], [3.0]]), ["y"])
    assert math.isnan(constant.r2)
    assert constant.rmse == 1


def test_they_print_themselves():
    result = evaluate_classes(np.array([0, 1, 1]), np.array([0, 0, 1]), np.full((3, 2), 0.5), ["no", "yes"])
    text = str(result)
    assert text.splitlines()[0] == "accuracy 0.667   log loss 0.693   rows 3"
    assert text.splitlines()[-2:] == ["no       1    0", "yes      1    1"]
    assert text.splitlines()[1] == "balanced accuracy 0.750   ROC AUC 0.500   average precision 0.667"
    assert result.summary() == {
        "rows": 3, "accuracy": 2 / 3, "log_loss": pytest.approx(math.log(2)), "balanced_accuracy": 0.75,
        "roc_auc": 0.5, "average_precision": pytest.approx(2 / 3),
    }  # fmt: skip
    alone = evaluate_classes(np.array([1, 1]), np.array([0, 1]), np.full((2, 2), 0.5), ["no", "yes"])
    words = "balanced accuracy 0.500   ROC AUC –   average precision – (all rows are of one class)"
    assert str(alone).splitlines()[1] == words
    one = evaluate_values(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]), ["y"])
    assert str(one) == "RMSE 0.7071   MAE 0.5   R2 0.500   rows 2"
    two = evaluate_values(np.array([[1.0, 1], [3, 2]]), np.array([[1.0, 1], [2, 2]]), ["long name", "y"])
    assert [line.split("  ")[0] for line in str(two).splitlines()[1:]] == ["long name", "y"]
    many = evaluate_classes(np.arange(30), np.arange(30), np.eye(30), list(range(30)))
    assert "confusion" not in str(many)


@pytest.mark.parametrize(
    "result",
    [
        evaluate_classes(np.array([0, 1]), np.array([0, 0]), np.full((2, 2), 0.5), [False, True]),
        evaluate_values(np.array([[1.0, 5]]), np.array([[1.0, 4]]), ["a", "b"]),
    ],
)
def test_to_plain_values_and_back(result):
    again = evaluation_from_dict(evaluation_to_dict(result))
    assert repr(again) == repr(result)  # equal, NaN included


@given(
    st.integers(2, 5),
    st.integers(2, 40),
    st.integers(1, 6),  # different values of a score: few make ties
    st.integers(0, 2**32 - 1),
)
def test_rank_measures_equal_sklearns_with_ties_and_absent_classes(n_classes, n, levels, seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n)
    predicted = rng.integers(0, n_classes, n)
    P = rng.integers(0, levels, (n, n_classes)) + 0.25
    P /= P.sum(axis=1, keepdims=True)
    result = evaluate_classes(truth, predicted, P, list(range(n_classes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are called and not there
        assert result.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, predicted))
    there = np.unique(truth)
    if len(there) == 1:
        assert math.isnan(result.roc_auc)
        assert math.isnan(result.average_precision)
        return
    each = [1] if n_classes == 2 else there.tolist()
    areas = [roc_auc_score(truth == c, P[:, c]) for c in each]
    precisions = [average_precision_score(truth == c, P[:, c]) for c in each]
    assert result.roc_auc == pytest.approx(np.mean(areas), abs=1e-12)
    assert result.average_precision == pytest.approx(np.mean(precisions), abs=1e-12)
    if 2 < n_classes == len(there):
        macro = roc_auc_score(truth, P, multi_class="ovr", average="macro")
        assert result.roc_auc == pytest.approx(macro, abs=1e-12)


def test_a_model_of_an_older_version_lacks_the_newer_measures():
    facts = evaluation_to_dict(evaluate_classes(np.array([0, 1]), np.array([0, 1]), np.eye(2) * 0.5 + 0.25, [0, 1]))
    assert facts["roc_auc"] == 1.0
    older = {name: value for name, value in facts.items() if name not in OF_CLASSES}
    found = evaluation_from_dict(older)
    assert found.accuracy == 1.0
    assert all(math.isnan(getattr(found, name)) for name in OF_CLASSES)
