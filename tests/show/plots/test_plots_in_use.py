"""The look of the pictures, the axes they are drawn in, and what is refused in which words."""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np
import pytest
from plots_kit import Rows, classifier, fitted, regressor
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC, OneClassSVM

import chainrule as cr
from chainrule.show import plots
from chainrule.show.plots import (
    CalibrationDisplay,
    ConfusionMatrixDisplay,
    DecisionBoundaryDisplay,
    LossCurveDisplay,
    PredictionErrorDisplay,
    ResidualHistogramDisplay,
    RocCurveDisplay,
)

# ---- the look ------------------------------------------------------------------------------------------------------


def test_settings_of_the_person_stay(wine):
    with mpl.rc_context({"font.size": 17.0, "axes.spines.top": True}):
        before = dict(mpl.rcParams)
        display = LossCurveDisplay.from_estimator(wine)
        assert dict(mpl.rcParams) == before
    assert not display.ax_.spines["top"].get_visible()


def test_pictures_go_into_given_axes(wine, diabetes):
    from matplotlib import pyplot

    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(15, 4))
    whole = LossCurveDisplay.from_estimator(wine, ax=left)
    assert whole.figure_ is figure
    assert not left.axison
    box, inside = left.get_position(), whole.axes_[0].get_position()
    assert (inside.x0, inside.x1, inside.y1) == pytest.approx((box.x0, box.x1, box.y1))
    assert ConfusionMatrixDisplay.from_estimator(wine, ax=middle).ax_ is middle
    assert PredictionErrorDisplay.from_estimator(diabetes, ax=right).ax_ is right
    by_hand = figure.add_axes((0.1, 0.1, 0.2, 0.2))
    placed = plots.TrainingStateDisplay.from_estimator(wine, ax=by_hand)
    assert placed.axes_[1].get_position().y0 == pytest.approx(0.1)
    _, two = pyplot.subplots(2)
    assert plots.TrainingStateDisplay.from_estimator(wine, ax=two).axes_ == tuple(two)


def test_a_display_draws_itself_again(wine):
    display = RocCurveDisplay.from_estimator(wine)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


def test_names_are_shortened_in_the_middle():
    from chainrule.show.plots.style import short

    assert short("experiment A, repeat 17", 12) == "experime… 17"
    assert short("abc", 3) == "abc"


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: LossCurveDisplay.from_estimator(MLPClassifier()), "MLPClassifier is not fitted yet. Call its fit"),
        (lambda: LossCurveDisplay.from_estimator(MLPClassifier), "the class MLPClassifier is not an estimator yet"),
        (lambda: LossCurveDisplay.from_estimator(7), "received int"),
        (
            lambda: LossCurveDisplay.from_estimator(classifier(Rows.two, solver="lbfgs")),
            'no loss_curve_: it keeps no learning curve with solver="lbfgs"',
        ),
        (lambda: plots.TrainingStateDisplay.from_estimator(classifier(Rows.two)), "keeps no gradient norms"),
        (
            lambda: plots.WeightHistogramDisplay.from_estimator(LinearSVC().fit(Rows.X, Rows.two)),
            "LinearSVC has no coefs_",
        ),
        (
            lambda: RocCurveDisplay.from_estimator(regressor(Rows.value), Rows.X, Rows.value),
            "model for classes; received MLPRegressor, which is for values. For values there are Predict",
        ),
        (
            lambda: PredictionErrorDisplay.from_estimator(classifier(Rows.two), Rows.X, Rows.two),
            "model for values; received MLPClassifier, which is for classes",
        ),
        (lambda: RocCurveDisplay.from_estimator(OneClassSVM().fit(Rows.X), Rows.X, Rows.two), "OneClassSVM"),
        (lambda: RocCurveDisplay.from_estimator(classifier(Rows.two)), "keeps no rows. Give X and y"),
        (
            lambda: RocCurveDisplay.from_estimator(classifier(Rows.two), Rows.X[:, :2], Rows.two),
            "X has 2 columns, but this MLPClassifier was fitted with 3",
        ),
        (
            lambda: ConfusionMatrixDisplay.from_estimator(classifier(Rows.two), Rows.X, Rows.two[:7]),
            "X has 90 rows and y has 7",
        ),
        (
            lambda: RocCurveDisplay.from_estimator(classifier(Rows.two), Rows.X, np.full(90, "yes")),
            'all rows are of class "yes"',
        ),
        (
            lambda: RocCurveDisplay.from_estimator(classifier(Rows.two), Rows.X, np.full(90, "maybe")),
            'y_true, row 0: "maybe" is none of the classes no, yes',
        ),
        (
            lambda: RocCurveDisplay.from_estimator(classifier(Rows.two), Rows.X, Rows.two, pos_label="ja"),
            'pos_label "ja" is none of the classes no, yes',
        ),
        (lambda: RocCurveDisplay.from_predictions([0, 1], [0.5]), "y_true has 2 rows and y_score 1"),
        (lambda: RocCurveDisplay.from_predictions([0, 1, 2], [0.1, 0.2, 0.3]), "there are 3 classes: 0, 1, 2"),
        (lambda: RocCurveDisplay.from_predictions([0, 1], [0.1, np.nan]), "y_score, row 1: nan is not finite"),
        (lambda: RocCurveDisplay.from_predictions([[0, 3]] * 2, [[0.1, 0.2]] * 2), "must hold 0 and 1"),
        (lambda: RocCurveDisplay.from_predictions([[0, 1]] * 2, [[0.1, 0.2]] * 2), "no label tells"),
        (lambda: CalibrationDisplay.from_predictions([0, 1], [0.1, 1.5]), "between 0 and 1; received"),
        (lambda: CalibrationDisplay.from_predictions([0, 1], [0.1, 0.5], n_bins=0), "n_bins must be"),
        (lambda: CalibrationDisplay.from_predictions([0, 1], [0.1, 0.5], strategy="even"), 'strategy "even"'),
        (lambda: ConfusionMatrixDisplay.from_predictions([0, 1], [0, 1], normalize="rows"), 'normalize "rows"'),
        (lambda: ConfusionMatrixDisplay.from_predictions([[0, 1]], [[0, 1]]), "2 labels for each row"),
        (lambda: PredictionErrorDisplay.from_predictions([1.0], [1.0, 2.0]), "y_true has 1 rows and y_pred 2"),
        (lambda: PredictionErrorDisplay.from_predictions(["a"], ["b"]), "y_true must be an array of numbers"),
        (lambda: ResidualHistogramDisplay.from_predictions([1.0], [1.0], bins=0), "bins must be a whole number"),
        (lambda: DecisionBoundaryDisplay.from_estimator(classifier(Rows.two), Rows.X, features=(0, 9)), "received 9"),
        (lambda: DecisionBoundaryDisplay.from_estimator(classifier(Rows.two), Rows.X, features=(1, 1)), "different"),
        (
            lambda: DecisionBoundaryDisplay.from_estimator(classifier(Rows.two), Rows.X, Rows.two[:5]),
            "X has 90 rows and y has 5",
        ),
    ],
)
def test_bad_use_is_refused_in_words(draw, words):
    with pytest.raises(cr.UsageError) as refusal:
        draw()
    assert words in str(refusal.value)


def test_a_model_that_kept_no_rows_says_so(wine, tmp_path):
    loaded = cr.load(wine.save(tmp_path / "wine.safetensors"))
    with pytest.raises(cr.UsageError, match='no "test" rows: it was loaded from a file'):
        RocCurveDisplay.from_estimator(loaded)
    assert RocCurveDisplay.from_estimator(loaded, "wine").macro is not None
    with pytest.raises(cr.UsageError, match='no "test" rows: it was trained without such rows'):
        RocCurveDisplay.from_estimator(cr.train("xor", hidden=2, epochs=2, seed=0))


@pytest.mark.parametrize("given", ["here", [1, 2]])
def test_axes_must_be_axes(wine, given):
    with pytest.raises(cr.UsageError, match="ax must be matplotlib axes"):
        RocCurveDisplay.from_estimator(wine, ax=given)


def test_so_many_axes_as_panels(wine):
    from matplotlib import pyplot

    _, three = pyplot.subplots(3)
    with pytest.raises(cr.UsageError, match="has 2 panels; received 3 axes"):
        LossCurveDisplay.from_estimator(wine, ax=three)


@pytest.mark.parametrize("missing", ["matplotlib", "sklearn.metrics"])
def test_what_is_not_installed_is_named(wine, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(cr.UsageError, match=r'not installed. Run: pip install "chainrule\[plots\]"'):
        RocCurveDisplay.from_estimator(wine)


def test_a_searching_estimator_that_kept_nothing():
    search = fitted(
        GridSearchCV(MLPClassifier((2,), max_iter=3), {"alpha": [0.0, 1.0]}, cv=2, refit=False), Rows.X, Rows.two
    )
    with pytest.raises(cr.UsageError, match=r"kept no estimator\. Fit it with refit=True"):
        LossCurveDisplay.from_estimator(search)
