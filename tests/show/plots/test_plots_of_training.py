"""Pictures of a training, of weights and of the plane of two features."""

from __future__ import annotations

import numpy as np
import pytest
from plots_kit import Rows, classifier, fitted, regressor
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import chainrule as cr
from chainrule.show import plots


def line(ax, gid="curve", which=0):
    return np.column_stack([found.get_data() for found in ax.lines if found.get_gid() == gid][which])


def curve(ax, which=0):
    return [found.get_ydata() for found in ax.lines if found.get_gid() == "curve"][which]


# ---- learning curves -----------------------------------------------------------------------------------------------


def test_the_curves_of_a_model(wine):
    display = plots.LossCurveDisplay.from_estimator(wine)
    table = np.array([list(epoch) for epoch in wine.history])
    loss, score = display.axes_
    np.testing.assert_array_equal(curve(loss, 0), table[:, 1])
    np.testing.assert_array_equal(curve(loss, 1), table[:, 2])
    np.testing.assert_array_equal(curve(score, 0), table[:, 3])
    np.testing.assert_array_equal(curve(score, 1), table[:, 4])
    assert display.kept == wine.provenance.best_epoch
    words = [text.get_text() for text in loss.get_legend().get_texts()]
    assert words[:2] == ["training", "validation"]
    assert words[2].startswith(f"kept: epoch {display.kept} (")
    (ring,) = [found for found in loss.lines if found.get_label().startswith("kept")]
    assert ring.get_xydata().tolist() == [[display.kept, table[display.kept - 1, 2]]]


def test_the_curves_of_an_estimator_with_early_stopping():
    estimator = classifier(Rows.two, early_stopping=True)
    display = plots.LossCurveDisplay.from_estimator(estimator)
    np.testing.assert_array_equal(curve(display.ax_), estimator.loss_curve_)
    np.testing.assert_array_equal(curve(display.axes_[1]), estimator.validation_scores_)
    assert display.kept == int(np.argmax(estimator.validation_scores_)) + 1
    assert display.axes_[1].get_ylabel() == "validation accuracy"
    other = plots.LossCurveDisplay.from_estimator(regressor(Rows.value, early_stopping=True))
    assert other.axes_[1].get_ylabel() == "validation R²"


def test_the_curves_of_our_estimators():
    estimator = fitted(cr.MLPClassifier((4,), max_iter=15, random_state=0, early_stopping=True), Rows.X, Rows.two)
    display = plots.LossCurveDisplay.from_estimator(make_pipeline(StandardScaler(), estimator))
    np.testing.assert_array_equal(curve(display.ax_, 1), estimator.validation_loss_curve_)
    assert display.kept == int(np.argmax(estimator.validation_scores_)) + 1
    state = plots.TrainingStateDisplay.from_estimator(estimator)
    np.testing.assert_array_equal(state.learning_rate, [epoch.learning_rate for epoch in estimator.history_])


def test_pipelines_and_searches_lead_to_their_last_step(multiclass):
    display = plots.LossCurveDisplay.from_estimator(multiclass)
    np.testing.assert_array_equal(display.loss, multiclass[-1].loss_curve_)
    assert (display.kept, len(display.axes_)) == (25, 1)
    search = fitted(GridSearchCV(multiclass, {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=2), Rows.X, Rows.three)
    found = plots.LossCurveDisplay.from_estimator(search)
    np.testing.assert_array_equal(found.loss, search.best_estimator_[-1].loss_curve_)
    counts = plots.ConfusionMatrixDisplay.from_estimator(search, Rows.X, Rows.three).counts
    assert np.trace(counts) == (search.predict(Rows.X) == Rows.three).sum()


def test_a_training_state_has_curves_too():
    states = []
    cr.train("wine", hidden=3, epochs=3, seed=0, on_epoch=states.append)
    display = plots.LossCurveDisplay.from_estimator(states[-1])
    assert display.epochs.tolist() == [1, 2, 3]
    moved = plots.TrainingStateDisplay.from_estimator(states[-1])
    assert curve(moved.ax_).tolist() == [epoch.gradient_norm for epoch in states[-1].history]
    assert len(plots.WeightHistogramDisplay.from_estimator(states[-1]).weights) == 2
    with pytest.raises(cr.UsageError, match="no finished epoch"):
        plots.LossCurveDisplay.from_estimator(type(states[0].history)())


@pytest.mark.parametrize("epochs", [1, 2, 5_000])
def test_any_number_of_epochs(epochs):
    model = cr.train("xor", hidden=2, epochs=epochs, seed=0)
    for display in (plots.LossCurveDisplay.from_estimator(model), plots.TrainingStateDisplay.from_estimator(model)):
        display.figure_.canvas.draw()
        ticks = display.axes_[-1].get_xticks()
        assert (ticks == np.round(ticks)).all()


def test_axes_are_logarithmic_where_that_suits():
    display = plots.TrainingStateDisplay(np.arange(1, 5), np.array([1e3, 10, 1, 0.1]), np.full(4, 0.01)).plot()
    assert [ax.get_yscale() for ax in display.axes_] == ["log", "linear"]
    assert [ax.get_yscale() for ax in display.plot(log=False).axes_] == ["linear", "linear"]
    only = plots.TrainingStateDisplay(np.arange(1, 5), None, np.full(4, 0.01)).plot()
    assert len(only.axes_) == 1


# ---- weights -------------------------------------------------------------------------------------------------------


def test_weights_are_counted_layer_by_layer(binary):
    display = plots.WeightHistogramDisplay.from_estimator(binary, bins=5)
    for l in range(2):
        for values, ax in ((binary.coefs_[l], display.axes_[2 * l]), (binary.intercepts_[l], display.axes_[2 * l + 1])):
            assert [bar.get_height() for bar in ax.patches] == np.histogram(values, 5)[0].tolist()
    assert display.axes_[2].get_title("left") == "Weights, layer 2 (output)"


def test_biases_are_found_wherever_they_are():
    as_weights = cr.Network.dense([2, 3, 1], "tanh", bias="x0", seed=0)
    display = plots.WeightHistogramDisplay.from_estimator(as_weights)
    np.testing.assert_array_equal(display.biases[0], as_weights.layers[0].weights[0])
    assert display.weights[0].shape == (2, 3)


# ---- the plane of two features -------------------------------------------------------------------------------------


def test_regions_are_the_probabilities_at_the_medians(multiclass):
    display = plots.DecisionBoundaryDisplay.from_estimator(
        multiclass, Rows.X, Rows.three, features=("x3", 0), grid_resolution=15
    )
    assert display.feature_names == ("x3", "x1")
    middle = float(np.median(Rows.X[:, 1]))
    assert display.fixed == {"x2": middle}
    row = [display.xx1[4], middle, display.xx0[9]]
    np.testing.assert_allclose(display.response[4, 9], multiclass.predict_proba([row])[0])
    np.testing.assert_array_equal(display.points, Rows.X[:, [2, 0]])
    (points,) = display.ax_.collections[-1:]
    np.testing.assert_array_equal(points.get_offsets(), Rows.X[:, [2, 0]])
    assert display.ax_.get_title("left") == "Predicted classes, 1 other feature at the median"


def test_a_region_is_deeper_where_the_class_is_surer():
    rows, P = np.array([0.0, 1.0]), np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.1, 0.9]]])
    display = plots.DecisionBoundaryDisplay(("a", "b"), rows, rows, P, ("no", "yes")).plot()
    red, _, blue = np.moveaxis(np.asarray(display.ax_.images[0].get_array()), 2, 0)
    assert red[0, 0] < red[0, 1] < red[1, 0] < 1  # "no" is blue
    assert blue[1, 1] < red[1, 1]  # "yes" is red
    names = [text.get_text() for text in display.figure_.axes[1].get_yticklabels()]
    assert names == ["no", "yes"]


def test_a_surface_of_values(diabetes):
    display = plots.DecisionBoundaryDisplay.from_estimator(diabetes, features=("bmi", "s5"), grid_resolution=12)
    train = diabetes.parts["train"]
    rows = {name: [np.median(train.column(name).values)] for name in diabetes.encoding.columns}
    rows |= {"bmi": [display.xx0[3]], "s5": [display.xx1[8]]}
    assert display.response[8, 3] == pytest.approx(diabetes.predict(rows)[0])
    np.testing.assert_array_equal(np.asarray(display.ax_.images[0].get_array()), display.response)
    np.testing.assert_array_equal(display.truth, diabetes.encoding.true_values(train))


def test_text_columns_stay_at_their_most_frequent_value():
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "colour": ["red"] * 40 + ["blue"] * 20, "b": rng.normal(size=60)})
    y = (frame["a"] + frame["b"] > 0).to_numpy()
    steps = make_column_transformer((OneHotEncoder(), ["colour"]), remainder="passthrough")
    pipe = fitted(make_pipeline(steps, MLPClassifier((4,), max_iter=10, random_state=0)), frame, y)
    display = plots.DecisionBoundaryDisplay.from_estimator(pipe, frame, y, features=("a", "b"), grid_resolution=9)
    assert display.fixed == {"colour": "red"}
    with pytest.raises(cr.UsageError, match='feature "colour" is not numeric'):
        plots.DecisionBoundaryDisplay.from_estimator(pipe, frame, y, features=("a", "colour"))
    model = cr.train(frame.assign(y=y), target="y", hidden=3, epochs=5, seed=0)
    ours = plots.DecisionBoundaryDisplay.from_estimator(model, features=("b", "a"), grid_resolution=9)
    assert ours.fixed == {"colour": "red"}
    assert ours.classes == (False, True)


def test_one_of_several_labels_or_targets(multilabel):
    display = plots.DecisionBoundaryDisplay.from_estimator(multilabel, Rows.X, Rows.labels, output=2, grid_resolution=8)
    row = [display.xx0[1], display.xx1[5], np.median(Rows.X[:, 2])]
    assert display.response[5, 1, 1] == pytest.approx(multilabel.predict_proba([row])[0, 2])
    np.testing.assert_array_equal(display.truth, Rows.labels[:, 2])
    with pytest.raises(cr.UsageError, match=r"there are 3 targets.*output must be a position from 0 to 2"):
        plots.DecisionBoundaryDisplay.from_estimator(multilabel, Rows.X)
    table = {"a": Rows.X[:, 0], "b": Rows.X[:, 1], "u": Rows.value, "v": Rows.X[:, 2]}
    model = cr.train(table, target="u,v", hidden=3, epochs=5, seed=0)
    named = plots.DecisionBoundaryDisplay.from_estimator(model, output="v", grid_resolution=8)
    np.testing.assert_array_equal(named.truth, model.encoding.true_values(model.parts["train"])[:, 1])


def test_probabilities_are_not_needed_for_regions():
    svm = LinearSVC(random_state=0).fit(Rows.X, Rows.two)
    display = plots.DecisionBoundaryDisplay.from_estimator(svm, Rows.X, grid_resolution=6)
    assert set(np.unique(display.response)) == {0.0, 1.0}
    line = LogisticRegression().fit(Rows.X[:, :1], Rows.two)
    with pytest.raises(cr.UsageError, match="a plane needs two features"):
        plots.DecisionBoundaryDisplay.from_estimator(line, Rows.X[:, :1])


def test_a_network_without_biases_has_one_column():
    display = plots.WeightHistogramDisplay.from_estimator(cr.Network.dense([2, 3, 1], "tanh", bias=False, seed=0))
    assert (len(display.axes_), display.biases) == (2, (None, None))
