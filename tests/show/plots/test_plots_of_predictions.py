"""Pictures of predictions: the numbers drawn are scikit-learn's or worked by hand, and the artists hold them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from plots_kit import Rows, classifier, regressor
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

import chainrule as cr
from chainrule.show.plots import (
    CalibrationDisplay,
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    ResidualHistogramDisplay,
    RocCurveDisplay,
)


def drawn(display, gid="curve"):
    """The data of the lines of one kind, in the order in which they were drawn."""
    return [np.column_stack(line.get_data()) for line in display.ax_.lines if line.get_gid() == gid]


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


# ---- ROC and precision-recall --------------------------------------------------------------------------------------


def test_a_binary_roc_curve_is_scikit_learns(binary):
    display = RocCurveDisplay.from_estimator(binary, Rows.X, Rows.two)
    P = binary.predict_proba(Rows.X)[:, 1]
    fpr, tpr, _ = metrics.roc_curve(Rows.two == "yes", P)
    np.testing.assert_array_equal(drawn(display)[0], np.column_stack([fpr, tpr]))
    area = metrics.roc_auc_score(Rows.two, P)
    assert display.curves[0].area == pytest.approx(area)
    assert legend(display) == [f"MLPClassifier  {area:.3f}", "chance"]
    assert display.ax_.get_ylabel() == "true positive rate of “yes”"
    assert display.macro is display.micro is None
    assert display.figure_ is display.ax_.figure


def test_another_positive_class_is_asked_about(binary):
    display = RocCurveDisplay.from_estimator(binary, Rows.X, Rows.two, pos_label="no")
    fpr, tpr, _ = metrics.roc_curve(Rows.two == "no", binary.predict_proba(Rows.X)[:, 0])
    np.testing.assert_array_equal(drawn(display)[0], np.column_stack([fpr, tpr]))


def test_a_decision_function_does_where_there_are_no_probabilities():
    svm = LinearSVC(random_state=0).fit(Rows.X, Rows.two)
    scores = svm.decision_function(Rows.X)
    display = RocCurveDisplay.from_estimator(svm, Rows.X, Rows.two)
    assert display.curves[0].area == pytest.approx(metrics.roc_auc_score(Rows.two == "yes", scores))
    turned = RocCurveDisplay.from_estimator(svm, Rows.X, Rows.two, pos_label="no")
    assert turned.curves[0].area == pytest.approx(metrics.roc_auc_score(Rows.two == "no", -scores))
    with pytest.raises(cr.UsageError, match="LinearSVC has no predict_proba"):
        CalibrationDisplay.from_estimator(svm, Rows.X, Rows.two)


def test_several_classes_each_against_the_rest(multiclass):
    P = multiclass.predict_proba(Rows.X)
    display = RocCurveDisplay.from_estimator(multiclass, Rows.X, Rows.three)
    assert [curve.name for curve in display.curves] == ["0", "10", "20"]
    one_hot = Rows.three[:, None] == [0, 10, 20]
    areas = metrics.roc_auc_score(one_hot, P, average=None)
    assert [curve.area for curve in display.curves] == pytest.approx(areas)
    assert display.macro.area == pytest.approx(metrics.roc_auc_score(Rows.three, P, multi_class="ovr", average="macro"))
    assert display.micro.area == pytest.approx(metrics.roc_auc_score(one_hot, P, average="micro"))
    assert [len(line) for line in drawn(display)] == [len(curve.x) for curve in display.curves]
    assert legend(display)[3] == f"macro average  {areas.mean():.3f}"


def test_the_mean_roc_curve_by_hand():
    # Class "a" is told perfectly: its curve jumps to 1 at 0. The rows of "b" score 0.1, 0.9 and the others 0.5, 0.5,
    # so its curve is (0, 0), (0, 1/2), (1, 1/2), (1, 1). "c" has no rows of its own and no curve.
    truth = np.array(["a", "a", "b", "b"])
    scores = np.array([[0.9, 0.5, 0], [0.8, 0.5, 0], [0.1, 0.1, 0], [0.1, 0.9, 0]])
    display = RocCurveDisplay.from_predictions(truth, scores, classes=["a", "b", "c"])
    assert [curve.area for curve in display.curves] == [1.0, 0.5]
    np.testing.assert_allclose(drawn(display, "macro average")[0], [[0, 0], [0, 0.75], [1, 0.75], [1, 1]])
    assert display.macro.area == pytest.approx(0.75)
    assert display.absent == ("c",)
    assert "c  no curve" in legend(display)


def test_precision_and_recall_of_several_labels(multilabel):
    P = multilabel.predict_proba(Rows.X)
    display = PrecisionRecallDisplay.from_estimator(multilabel, Rows.X, Rows.labels)
    assert [curve.name for curve in display.curves] == ["label 0", "label 1", "label 2"]
    for j, (curve, line) in enumerate(zip(display.curves, drawn(display), strict=True)):
        precision, recall, _ = metrics.precision_recall_curve(Rows.labels[:, j], P[:, j])
        np.testing.assert_array_equal(line, np.column_stack([recall, precision]))
        assert curve.area == pytest.approx(metrics.average_precision_score(Rows.labels[:, j], P[:, j]))
    assert display.macro.area == pytest.approx(metrics.average_precision_score(Rows.labels, P, average="macro"))
    assert display.micro.area == pytest.approx(metrics.average_precision_score(Rows.labels, P, average="micro"))
    assert display.prevalence == pytest.approx(Rows.labels.mean())
    np.testing.assert_allclose(drawn(display, "chance")[0][:, 1], Rows.labels.mean())
    assert all(line.get_drawstyle() == "steps-post" for line in display.ax_.lines if line.get_gid() == "curve")


def test_curves_of_two_sources_share_axes(binary):
    first = RocCurveDisplay.from_estimator(binary, Rows.X, Rows.two)
    other = LogisticRegression().fit(Rows.X, Rows.two)
    second = RocCurveDisplay.from_estimator(other, Rows.X, Rows.two, name="by a line", ax=first.ax_)
    assert second.ax_ is first.ax_
    assert [words.split("  ")[0] for words in legend(second)] == ["MLPClassifier", "by a line", "chance"]
    lines = [line for line in second.ax_.lines if line.get_gid() == "curve"]
    assert lines[0].get_color() != lines[1].get_color()


def test_of_many_classes_the_lowest_are_named():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 30, 900)
    scores = rng.random((900, 30)) + (truth[:, None] == np.arange(30)) * rng.random(30)
    display = RocCurveDisplay.from_predictions(truth, scores, classes=range(30))
    named = [words.split("  ")[0] for words in legend(display)[:5]]
    by_area = sorted(display.curves, key=lambda curve: curve.area)
    assert named == [curve.name for curve in by_area[:5]]
    assert legend(display)[5] == f"25 others: {by_area[5].area:.3f} to {by_area[-1].area:.3f}"
    assert len(display.curves) == 30
    assert len(drawn(display, "other")) == 25


# ---- calibration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_a_reliability_curve_is_scikit_learns(binary, strategy):
    display = CalibrationDisplay.from_estimator(binary, Rows.X, Rows.two, n_bins=6, strategy=strategy)
    P = binary.predict_proba(Rows.X)[:, 1]
    true, predicted = calibration_curve(Rows.two == "yes", P, n_bins=6, strategy=strategy)
    np.testing.assert_allclose(drawn(display)[0], np.column_stack([predicted, true]))
    assert display.counts.sum() == 90
    assert (display.counts > 0).sum() == len(true)
    assert [bar.get_height() for bar in display.axes_[1].patches] == display.counts.tolist()
    assert display.about == "“yes”"
    # The points are the means of what lies between their edges.
    inside = (display.edges[0] <= P) & (display.edges[1] >= P)
    assert display.counts[0] == inside.sum()


def test_of_several_classes_the_named_one_is_asked_about(multiclass):
    P = multiclass.predict_proba(Rows.X)
    right = multiclass.predict(Rows.X) == Rows.three
    display = CalibrationDisplay.from_estimator(multiclass, Rows.X, Rows.three, n_bins=5)
    true, predicted = calibration_curve(right, P.max(axis=1), n_bins=5)
    np.testing.assert_allclose(display.prob_true, true)
    np.testing.assert_allclose(display.prob_pred, predicted)
    one = CalibrationDisplay.from_estimator(multiclass, Rows.X, Rows.three, n_bins=5, pos_label=10)
    np.testing.assert_allclose(one.prob_true, calibration_curve(Rows.three == 10, P[:, 1], n_bins=5)[0])


def test_pairs_of_rows_and_labels_are_pooled(multilabel):
    display = CalibrationDisplay.from_estimator(multilabel, Rows.X, Rows.labels)
    assert display.counts.sum() == Rows.labels.size
    true, _ = calibration_curve(Rows.labels.ravel(), multilabel.predict_proba(Rows.X).ravel(), n_bins=10)
    np.testing.assert_allclose(display.prob_true, true)


def test_the_axes_of_a_reliability_curve_take_another(binary):
    first = CalibrationDisplay.from_estimator(binary, Rows.X, Rows.two)
    second = CalibrationDisplay.from_predictions(Rows.two, np.full(90, 0.5), name="a coin", ax=first.axes_)
    assert second.axes_ == first.axes_
    assert legend(second) == ["as it should be", "MLPClassifier", "a coin"]
    assert (second.prob_pred.tolist(), second.prob_true.tolist()) == ([0.5], [(Rows.two == "yes").mean()])


# ---- confusion matrix ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_a_confusion_matrix_is_scikit_learns(multiclass, normalize):
    display = ConfusionMatrixDisplay.from_estimator(multiclass, Rows.X, Rows.three, normalize=normalize)
    expected = metrics.confusion_matrix(Rows.three, multiclass.predict(Rows.X), normalize=normalize)
    np.testing.assert_allclose(display.confusion_matrix, expected)
    written = [[text.get_text() for text in row] for row in display.text_]
    if normalize is None:
        assert written == [[f"{count}" for count in row] for row in expected.tolist()]
    else:
        assert [len(row) for row in written] == [3, 3, 3]
        assert all(
            abs(float(word) - share) <= 0.005
            for row, shares in zip(written, expected, strict=True)
            for word, share in zip(row, shares, strict=True)
            if word not in ("<.01", ">.99")
        )
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == ["0", "10", "20"]


def test_shares_are_not_rounded_to_nothing():
    display = ConfusionMatrixDisplay.from_predictions([0] * 1000 + [1], [0] * 999 + [1, 1], normalize="true")
    assert [text.get_text() for text in display.text_.ravel()] == [">.99", "<.01", "0", "1"]


def test_right_is_blue_wrong_is_red_and_more_is_darker():
    display = ConfusionMatrixDisplay.from_predictions([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0])
    red, _, blue = np.moveaxis(np.asarray(display.ax_.images[0].get_array()), 2, 0)
    assert (blue > red).tolist() == [[True, False], [False, True]]
    assert red[0, 0] < red[1, 1]  # three quarters of class 0 are right, and half of class 1
    assert blue[1, 0] < blue[0, 1]


def test_thirty_long_names_stay_apart():
    names = np.array([f"a class with a long name, number {i:02d}" for i in range(30)])
    truth = np.repeat(np.arange(30), 40)
    display = ConfusionMatrixDisplay.from_predictions(names[truth], names[(truth * 7) % 30])
    display.figure_.canvas.draw()
    labels = [tick.get_text() for tick in display.ax_.get_yticklabels()]
    assert len(set(labels)) == 30
    boxes = [tick.get_window_extent() for tick in display.ax_.get_yticklabels()]
    assert all(lower.y1 <= upper.y0 + 1 for upper, lower in pairwise(boxes))
    assert all(display.figure_.bbox.containsx(box.x0) for box in boxes)
    cell = display.ax_.get_window_extent().width / 30
    assert all(text.get_window_extent().width < cell for text in display.text_.ravel() if text is not None)


def test_a_small_picture_has_colours_only():
    from matplotlib import pyplot

    _, ax = pyplot.subplots(figsize=(1.5, 1.5))
    display = ConfusionMatrixDisplay.from_predictions(np.arange(20), np.arange(20), ax=ax)
    assert all(text is None for text in display.text_.ravel())


# ---- values --------------------------------------------------------------------------------------------------------


def test_predicted_and_true_values():
    both = regressor(Rows.values)
    display = PredictionErrorDisplay.from_estimator(both, Rows.X, Rows.values)
    A = both.predict(Rows.X)
    assert len(display.axes_) == 2
    for j, ax in enumerate(display.axes_):
        np.testing.assert_array_equal(ax.collections[0].get_offsets(), np.column_stack([Rows.values[:, j], A[:, j]]))
        assert display.r2[j] == pytest.approx(metrics.r2_score(Rows.values[:, j], A[:, j]))
        assert display.rmse[j] == pytest.approx(np.sqrt(np.mean((Rows.values[:, j] - A[:, j]) ** 2)))
    assert [ax.get_title("left") for ax in display.axes_] == ["target 1", "target 2"]


def test_a_constant_target_has_no_r2():
    assert np.isnan(PredictionErrorDisplay.from_predictions([2.0, 2.0], [1.0, 3.0]).r2[0])


def test_residuals_are_truth_minus_prediction():
    display = ResidualHistogramDisplay.from_predictions([[1.0, 0], [2, 0], [4, 5]], [[0.0, 0], [0, 0], [0, 0]], bins=3)
    assert display.residuals.tolist() == [[1, 0], [2, 0], [4, 5]]
    counts, edges = np.histogram([1, 2, 4], 3)
    assert [bar.get_height() for bar in display.axes_[0].patches] == counts.tolist()
    assert [bar.get_x() for bar in display.axes_[0].patches] == pytest.approx(edges[:-1])
    assert [h.counts.sum() for h in display.histograms] == [3, 3]
    (mean,) = [lines for lines in display.ax_.collections if lines.get_gid() == "mean"]
    assert mean.get_segments()[0][:, 0] == pytest.approx([7 / 3, 7 / 3])


@pytest.mark.parametrize("values", [[0.0, 0.0], [1e12, 1e12], [1e-300, 2e-300], [0.0, 1e6] + [1e-9] * 50])
def test_any_residuals_can_be_counted(values):
    display = ResidualHistogramDisplay.from_predictions(values, np.zeros(len(values)))
    assert display.histograms[0].counts.sum() == len(values)
    assert len(display.histograms[0].counts) <= 120
    display.figure_.canvas.draw()


# ---- the rows of a Model -------------------------------------------------------------------------------------------


def test_a_model_answers_on_its_test_rows(wine, diabetes):
    assert ConfusionMatrixDisplay.from_estimator(wine).counts.tolist() == [list(row) for row in wine.test.confusion]
    test = wine.parts["test"]
    P, truth = wine.probabilities(test), wine.encoding.true_labels(test)
    display = RocCurveDisplay.from_estimator(wine)
    assert display.macro.area == pytest.approx(metrics.roc_auc_score(truth, P, multi_class="ovr"))
    errors = PredictionErrorDisplay.from_estimator(diabetes)
    assert (errors.rmse[0], errors.r2[0]) == pytest.approx((diabetes.test.rmse, diabetes.test.r2))
    assert errors.targets == ("progression",)


def test_a_model_takes_rows_as_tables_and_as_arrays(wine):
    whole = ConfusionMatrixDisplay.from_estimator(wine, "wine")
    assert whole.counts.sum() == 178
    frame = wine.read("wine").to_pandas()
    apart = ConfusionMatrixDisplay.from_estimator(wine, frame.drop(columns="class"), frame["class"])
    assert (apart.counts == whole.counts).all()


def test_an_ensemble_answers_by_its_mean():
    ensemble = cr.train_ensemble("iris", members=2, hidden=3, epochs=5, seed=0)
    display = ConfusionMatrixDisplay.from_estimator(ensemble)
    assert display.counts.tolist() == [list(row) for row in ensemble.test.confusion]
    assert RocCurveDisplay.from_estimator(ensemble, pos_label="setosa").name == "ensemble of 2"


def test_frames_name_labels_and_targets():
    import pandas as pd

    labels = pd.DataFrame(Rows.labels, columns=["red", "round", "sweet"])
    display = RocCurveDisplay.from_estimator(classifier(Rows.labels), Rows.X, labels)
    assert [curve.name for curve in display.curves] == ["red", "round", "sweet"]
    one = RocCurveDisplay.from_estimator(classifier(Rows.labels), Rows.X, labels, pos_label="round")
    assert one.curves[0].area == display.curves[1].area
    prices = pd.Series(Rows.value, name="price")
    assert PredictionErrorDisplay.from_estimator(regressor(Rows.value), Rows.X, prices).targets == ("price",)
