"""The estimators inside scikit-learn's tools: code written for its own classes, with the import changed."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from estimators_kit import SMALL
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_digits, load_iris, make_circles, make_classification, make_moons, make_regression
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from chainrule import MLPClassifier, MLPRegressor


def test_pipeline(wine):
    X, y = wine
    pipe = Pipeline([("scale", StandardScaler()), ("mlp", MLPClassifier(**SMALL))]).fit(X, y)
    assert pipe.score(X, y) > 0.97
    assert pipe.predict_proba(X).shape == (178, 3)
    assert pipe[-1].n_iter_ > 1
    behind = make_pipeline(MLPClassifier(**SMALL), LogisticRegression()).fit(X, y)  # its hidden units as inputs
    assert behind.score(X, y) > 0.97
    assert behind[1].coef_.shape == (3, 8)


def test_grid_search_in_two_processes(wine):
    X, y = wine
    grid = {"hidden_layer_sizes": [(4,), (8, 4)], "alpha": [1e-4, 0.1], "activation": ["relu", "elu"]}
    search = GridSearchCV(MLPClassifier(**SMALL), grid, n_jobs=2, cv=3).fit(X, y)
    assert search.best_score_ > 0.9
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    found = RandomizedSearchCV(MLPRegressor(**SMALL), {"alpha": [0.01, 1.0]}, n_iter=2, cv=2).fit(X, y)
    assert found.best_estimator_.predict(X).shape == (178,)


def test_a_grid_with_settings_that_fail_goes_on(wine):
    X, y = wine
    grid = {"learning_rate_init": [0.01, 1e30]}
    search = GridSearchCV(MLPClassifier(solver="sgd", max_iter=300), grid, cv=2)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        search.fit(X, y)
    failed = [str(one.message) for one in told if one.category is FitFailedWarning]
    assert len(failed) == 1
    assert "training diverged in epoch" in failed[0]
    assert search.best_params_ == {"learning_rate_init": 0.01}


def test_cross_validation(wine, diabetes):
    X, y = wine
    assert cross_val_score(MLPClassifier(**SMALL), X, y, cv=5).mean() > 0.94
    assert cross_val_predict(MLPClassifier(**SMALL), X, y, cv=3, method="predict_proba").shape == (178, 3)
    scores = cross_validate(MLPRegressor(**SMALL), *diabetes, cv=3, scoring=["r2", "neg_mean_absolute_error"])
    assert scores["test_r2"].mean() > 0.3


def test_ensembles(wine):
    X, y = wine
    one = MLPClassifier(**SMALL)
    assert CalibratedClassifierCV(one, cv=3).fit(X, y).score(X, y) > 0.95
    assert BaggingClassifier(one, n_estimators=4, random_state=0).fit(X, y).score(X, y) > 0.95
    stack = StackingClassifier([("mlp", one), ("lr", LogisticRegression())], cv=3).fit(X, y)
    assert stack.score(X, y) > 0.95
    vote = VotingClassifier([("mlp", one), ("lr", LogisticRegression())], voting="soft").fit(X, y)
    assert vote.score(X, y) > 0.95
    many = MultiOutputClassifier(one).fit(X, np.stack([y, y > 0], axis=1))
    assert many.predict(X).shape == (178, 2)


def test_inspection(wine, diabetes):
    X, y = wine
    clf = MLPClassifier(**SMALL).fit(X, y)
    importance = permutation_importance(clf, X, y, n_repeats=3, random_state=0)
    assert importance.importances_mean.max() > 0.02
    reg = MLPRegressor(**SMALL).fit(*diabetes)
    assert partial_dependence(reg, diabetes[0], [2], grid_resolution=5)["average"].shape == (1, 5)


def test_transformed_targets_and_learning_curve(diabetes):
    X, y = diabetes
    reg = TransformedTargetRegressor(MLPRegressor(**SMALL), func=np.log1p, inverse_func=np.expm1).fit(X, y)
    assert reg.score(X, y) > 0.4
    small = MLPRegressor(**{**SMALL, "max_iter": 2000})
    sizes, train, test = learning_curve(small, X, y, train_sizes=[0.3, 1.0], cv=3)
    assert train.shape == test.shape == (2, 3)
    assert sizes[1] > sizes[0]
    train, _ = validation_curve(small, X, y, param_name="alpha", param_range=[0.01, 1.0], cv=2)
    assert train.shape == (2, 2)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "lm"])
def test_pickle_joblib_clone(wine, tmp_path, solver):
    X, y = wine
    clf = MLPClassifier(hidden_layer_sizes=(4,), max_iter=60, solver=solver, random_state=0, tol=0.1).fit(X, y)
    joblib.dump(clf, tmp_path / "clf.joblib")
    for other in (pickle.loads(pickle.dumps(clf)), joblib.load(tmp_path / "clf.joblib")):
        np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))
        assert other.get_params() == clf.get_params()
        if solver in ("adam", "sgd"):
            one, two = (est.partial_fit(X, y) for est in (other, pickle.loads(pickle.dumps(clf))))
            np.testing.assert_array_equal(one.coefs_[0], two.coefs_[0])
    fresh = clone(clf)
    assert not hasattr(fresh, "coefs_")
    assert fresh.get_params() == clf.get_params()


def test_frames_and_their_names(wine):
    X, y = wine
    names = [f"feature {i}" for i in range(13)]
    frame = pd.DataFrame(X, columns=names)
    plain = MLPClassifier(**SMALL).fit(X, y)
    for one in (frame, pl.DataFrame(X, schema=names)):
        clf = MLPClassifier(**SMALL).fit(one, y)
        np.testing.assert_array_equal(clf.predict_proba(one), plain.predict_proba(X))
        assert list(clf.feature_names_in_) == names
    clf = MLPClassifier(**SMALL).fit(frame, pd.Series(y))
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(frame.rename(columns={"feature 0": "other"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.predict(X)
    with pytest.raises(ValueError, match="12 features"):
        plain.predict(X[:, :12])
    transformed = clf.set_output(transform="pandas").transform(frame)
    assert list(transformed.columns) == [f"mlpclassifier{k}" for k in range(8)]


def test_arrays_of_every_make(wine):
    X, y = wine
    wanted = MLPClassifier(**SMALL).fit(X, y).predict_proba(X)
    frozen = X.copy()
    frozen.flags.writeable = False
    answers = {
        "read-only": frozen,
        "columns first": np.asfortranarray(X),
        "every other": np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
        "list": X.tolist(),
        "csr": scipy.sparse.csr_matrix(X),
        "csc": scipy.sparse.csc_array(X),
    }
    for name, rows in answers.items():
        found = MLPClassifier(**SMALL).fit(rows, y).predict_proba(rows)
        # Sparse rows are multiplied entry by entry.
        np.testing.assert_allclose(found, wanted, rtol=1e-10 if name in ("csr", "csc") else 0, err_msg=name)
    assert MLPClassifier(**SMALL).fit(X.astype(np.float16), y).coefs_[0].dtype == np.float64
    assert MLPClassifier(**SMALL).fit(X.astype(np.int32), y).coefs_[0].dtype == np.float64


def test_metadata_routing(wine):
    X, y = wine
    weight = np.where(y == 0, 5.0, 0.5)
    with config_context(enable_metadata_routing=True):
        clf = MLPClassifier(**SMALL).set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), clf)
        pipe.fit(X, y, sample_weight=weight)
        assert cross_validate(clf, X, y, params={"sample_weight": weight}, cv=2)["test_score"].mean() > 0.8
    alone = MLPClassifier(**SMALL).fit(StandardScaler().fit_transform(X), y, sample_weight=weight)
    np.testing.assert_allclose(pipe[-1].coefs_[0], alone.coefs_[0])
    assert np.abs(pipe[-1].coefs_[0] - MLPClassifier(**SMALL).fit(X, y).coefs_[0]).max() > 1e-3


def test_what_it_is():
    assert is_classifier(MLPClassifier())
    assert is_regressor(MLPRegressor())
    assert "MLPClassifier" in MLPClassifier(alpha=0.5)._repr_html_()
    assert repr(MLPClassifier(alpha=0.5)) == "MLPClassifier(alpha=0.5)"
    tags = MLPClassifier().__sklearn_tags__()
    assert tags.classifier_tags.multi_label
    assert tags.target_tags.multi_output
    assert tags.input_tags.sparse


# ---- the examples and snippets of scikit-learn's own documentation -------------------------------------------------


def test_the_users_guide():
    """Section 1.17: classification, multi-label, tips."""
    X, y = [[0.0, 0.0], [1.0, 1.0]], [0, 1]
    clf = MLPClassifier(solver="lbfgs", alpha=1e-5, hidden_layer_sizes=(5, 2), random_state=1)
    clf.fit(X, y)
    assert clf.predict([[2.0, 2.0], [-1.0, -2.0]]).tolist() == [1, 0]
    assert [coef.shape for coef in clf.coefs_] == [(2, 5), (5, 2), (2, 1)]
    # its page prints [[1.967...e-04, 9.998...e-01], [1.967...e-04, 9.998...e-01]]
    np.testing.assert_allclose(clf.predict_proba([[2.0, 2.0], [1.0, 2.0]])[:, 0], 1.967e-4, rtol=1e-3)
    X, y = [[0.0, 0.0], [1.0, 1.0]], [[0, 1], [1, 1]]
    clf = MLPClassifier(solver="lbfgs", alpha=1e-5, hidden_layer_sizes=(15,), random_state=1)
    clf.fit(X, y)
    assert clf.predict([[1.0, 2.0]]).tolist() == [[1, 1]]
    assert clf.predict([[0.0, 0.0]]).tolist() == [[0, 1]]
    # "More control with warm_start"
    clf = MLPClassifier(hidden_layer_sizes=(15,), random_state=1, max_iter=1, warm_start=True)
    for _ in range(10):
        with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
            clf.fit(X, y)
    assert len(clf.loss_curve_) == 10


def test_the_examples_of_the_classes():
    X, y = make_classification(n_samples=100, random_state=1)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=1)
    clf = MLPClassifier(random_state=1, max_iter=300).fit(X_train, y_train)
    # the page prints [[0.0383, 0.961]], [1, 0, 1, 0, 1] and 0.8...
    np.testing.assert_allclose(clf.predict_proba(X_test[:1]), [[0.0383, 0.961]], atol=0.01)
    assert clf.predict(X_test[:5, :]).tolist() == [1, 0, 1, 0, 1]
    assert 0.8 <= clf.score(X_test, y_test) < 0.9
    X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
    regr = MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X_train, y_train)
    np.testing.assert_allclose(regr.predict(X_test[:2]), [28.98, -291.0], rtol=0.1)
    assert regr.score(X_test, y_test) > 0.98


def test_the_example_on_stochastic_learning_strategies():
    """`plot_mlp_training_curves`: every strategy, by its loss curve."""
    X, y = load_iris(return_X_y=True)
    X = (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
    params = [
        {"solver": "sgd", "learning_rate": "constant", "momentum": 0, "learning_rate_init": 0.2},
        {"solver": "sgd", "learning_rate": "constant", "momentum": 0.9, "nesterovs_momentum": False,
         "learning_rate_init": 0.2},
        {"solver": "sgd", "learning_rate": "invscaling", "momentum": 0, "learning_rate_init": 0.2},
        {"solver": "sgd", "learning_rate": "invscaling", "momentum": 0.9, "nesterovs_momentum": False,
         "learning_rate_init": 0.2},
        {"solver": "adam", "learning_rate_init": 0.01},
    ]  # fmt: skip
    losses = []
    for param in params:
        with pytest.warns(Warning, match="Maximum iterations"):
            mlp = MLPClassifier(random_state=0, max_iter=60, **param).fit(X, y)
        assert len(mlp.loss_curve_) == 60
        losses.append(mlp.loss_)
    assert min(losses) < 0.15 < max(losses)


def test_the_example_on_regularization():
    """`plot_mlp_alpha`: a larger alpha gives smaller weights and a smoother boundary."""
    X, y = make_moons(noise=0.3, random_state=0)
    norms = []
    for alpha in np.logspace(-1, 1, 5):
        clf = make_pipeline(
            StandardScaler(),
            MLPClassifier(
                solver="lbfgs",
                alpha=alpha,
                random_state=1,
                max_iter=2000,
                early_stopping=True,
                hidden_layer_sizes=[10, 10],
            ),
        ).fit(X, y)
        assert clf.score(X, y) > 0.8
        norms.append(sum((W**2).sum() for W in clf[-1].coefs_))
    assert norms[-1] < norms[0] / 2  # those between depend on which minimum is found


def test_the_comparison_of_classifiers():
    """`plot_classifier_comparison`."""
    for X, y in (make_moons(noise=0.3, random_state=0), make_circles(noise=0.2, factor=0.5, random_state=1)):
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=42)
        clf = make_pipeline(StandardScaler(), MLPClassifier(alpha=1, max_iter=1000, random_state=42))
        assert clf.fit(X_train, y_train).score(X_test, y_test) >= 0.85
        assert clf.predict_proba(X_test).shape == (40, 2)


def test_the_example_on_weights_as_pictures():
    """`plot_mnist_filters`, on the digits that scikit-learn brings."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0, test_size=0.7)
    mlp = MLPClassifier(
        hidden_layer_sizes=(40,), max_iter=8, alpha=1e-4, solver="sgd", verbose=10, random_state=1,
        learning_rate_init=0.2,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        mlp.fit(X_train, y_train)
    assert mlp.score(X_test, y_test) > 0.7
    filters = [coef.reshape(8, 8) for coef in mlp.coefs_[0].T]
    assert len(filters) == 40
    assert np.ptp(filters[0]) > 0.1


def test_the_example_on_mixed_columns():
    """As `plot_partial_dependence` does: columns encoded one way or another, in front of the regressor."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"hour": rng.uniform(0, 24, 200), "weather": rng.choice(["clear", "rain"], 200)})
    y = frame["hour"] / 10 + (frame["weather"] == "rain")
    encode = make_column_transformer((StandardScaler(), ["hour"]), (OneHotEncoder(), ["weather"]))
    model = make_pipeline(encode, MLPRegressor(hidden_layer_sizes=(10, 5), learning_rate_init=0.01, max_iter=500,
                                               early_stopping=True, random_state=0))  # fmt: skip
    assert model.fit(frame, y).score(frame, y) > 0.95
