"""The same start, the same path, the same attributes: number by number beside scikit-learn 1.9's own classes."""

import warnings
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from estimators_kit import SMALL, distance, quietly
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

from chainrule import MLPClassifier, MLPRegressor

IN_ORDER = {"shuffle": False, "random_state": 3}


def both(cls, X, y, *, weights=None, **parameters):
    """Fit ours and theirs."""
    fitted = []
    for one in (cls, getattr(neural_network, cls.__name__)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.append(one(**parameters).fit(X, y, sample_weight=weights))
    return fitted


def moved(estimator, X, y):
    """How far it has come from its start, so that two that stand still are not taken for equal."""
    start = type(estimator)(**{**estimator.get_params(), "max_iter": 1, "learning_rate_init": 1e-30})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return distance(start.fit(X, y), estimator)


RULES = {
    "sgd without momentum": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd"},
    "adam": {},
    "adam with other constants": {"beta_1": 0.7, "beta_2": 0.95, "epsilon": 1e-3},
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("batch_size", ["auto", 16, 1])
def test_the_weights_follow_the_same_path_for_20_epochs(wine, name, batch_size):
    X, y = wine
    for epochs in (1, 2, 5, 20):
        ours, theirs = both(
            MLPClassifier, X, y, **IN_ORDER, **RULES[name], max_iter=epochs, batch_size=batch_size,
            learning_rate_init=0.01, hidden_layer_sizes=(30,), n_iter_no_change=100,
        )  # fmt: skip
        assert distance(ours, theirs) < 1e-10
        assert ours.n_iter_ == theirs.n_iter_ == epochs
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10, atol=1e-10)
        assert moved(ours, X, y) > 1e-3


WAYS = {
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "max_iter": 600, "tol": 1e-3},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "max_iter": 30},
    "until it no longer falls": {"learning_rate_init": 0.01, "max_iter": 500, "tol": 1e-2},
    "early stopping": {"early_stopping": True, "max_iter": 300, "validation_fraction": 0.2},
    "adaptive, early stopping": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "early_stopping": True,
        "max_iter": 500,
    },
    "strong decay": {"alpha": 5.0, "max_iter": 30},
    "logistic": {"activation": "logistic", "max_iter": 30},
    "tanh, two layers": {"activation": "tanh", "hidden_layer_sizes": (12, 7), "max_iter": 30},
    "no hidden layer": {"hidden_layer_sizes": (), "max_iter": 30},
    "lbfgs": {"solver": "lbfgs", "max_iter": 10, "activation": "tanh"},
}  # fmt: skip
# Rounding, other on other processors, grows along a path: these have hundreds of epochs, or a line search in each.
LONG = ("adaptive", "until it no longer falls", "early stopping", "adaptive, early stopping", "lbfgs")


@pytest.mark.matrix(4)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "values", "counts"])
def test_every_way_to_train(wine, diabetes, labels, way, kind):
    parameters = dict(IN_ORDER, **WAYS[way])
    cls = MLPClassifier
    if kind in ("values", "counts"):
        cls, (X, y) = MLPRegressor, diabetes
        parameters["learning_rate_init"] = 0.005  # what suits classes sends these astray
        if kind == "counts":
            y = np.round(4 * y)
            parameters["loss"] = "poisson"
    else:
        X, y = labels if kind == "multilabel" else wine
        y = y == 1 if kind == "binary" else y
    ours, theirs = both(cls, X, y, **parameters)
    near = 1e-6 if way in LONG else 1e-8
    assert distance(ours, theirs) < (1e-6 if way in LONG else 1e-10)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=near)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"):
        if getattr(theirs, name, None) is None:
            assert way == "lbfgs" or getattr(ours, name) is None
        else:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=near, atol=near)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=100 * near, atol=near)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), rel=1e-6)
    if cls is MLPClassifier:
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sample_weights_with_all_rows_in_one_batch(diabetes, solver):
    X, y = diabetes
    weights = np.linspace(0.1, 3, len(y))
    ours, theirs = both(MLPRegressor, X, y, **IN_ORDER, weights=weights, solver=solver, max_iter=20, batch_size=len(y),
                        alpha=1.0)  # fmt: skip
    assert distance(ours, theirs) < (1e-10 if solver == "adam" else 1e-6)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-8)


def test_several_targets_same_path_and_the_loss_that_belongs_to_it(diabetes):
    """scikit-learn's issue 8349: its gradient belongs to the sum over the outputs, its loss is the mean over them."""
    X, y = diabetes
    Y = np.stack([y, y**2, -y], axis=1)
    ours, theirs = both(MLPRegressor, X, Y, **IN_ORDER, max_iter=20, alpha=0.0)
    assert distance(ours, theirs) < 1e-10
    assert ours.loss_ == pytest.approx(3 * theirs.loss_, rel=1e-10)
    # Central differences of the loss give the gradient that was followed, which sends theirs astray.
    network, eps = ours.network_, 1e-6
    W = [p.copy() for p in network.parameters]

    def loss(step):
        W[0][2, 5] += step
        A = network.with_parameters(W)
        hidden = np.maximum(X @ A.weights[1] + A.biases[1], 0)
        J = 0.5 * np.mean(np.sum((hidden @ A.weights[2] + A.biases[2] - Y) ** 2, axis=1))
        W[0][2, 5] -= step
        return J

    slope = (loss(eps) - loss(-eps)) / (2 * eps)
    one = MLPRegressor(**{**ours.get_params(), "solver": "sgd", "momentum": 0.0, "learning_rate_init": 1.0,
                          "batch_size": len(X), "max_iter": 1, "warm_start": True})  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one.fit(X, Y)
        one.coefs_, one.intercepts_ = [w.copy() for w in ours.coefs_], [b.copy() for b in ours.intercepts_]
        one.fit(X, Y)
    assert ours.coefs_[0][2, 5] - one.coefs_[0][2, 5] == pytest.approx(slope, rel=1e-6)
    assert abs(slope) > 1e-6


def test_lbfgs_with_several_targets_ends_at_a_minimum_of_the_sum(diabetes):
    """Loss and gradient belong together: a line search that is told one and the other ends where the gradient is 0."""
    X, y = diabetes
    Y = np.stack([y, y**2, -y, X[:, 0] ** 2], axis=1)
    settings = {"solver": "lbfgs", "random_state": 0, "max_iter": 2000, "tol": 1e-7, "alpha": 50.0}
    N = len(X)
    straight = MLPRegressor(hidden_layer_sizes=(), **settings).fit(X, Y)
    # Without hidden units there is one minimum, that of ridge regression, for each target by itself.
    X1, eye = np.column_stack([X, np.ones(N)]), np.diag([1.0] * X.shape[1] + [0.0])
    ridge = np.linalg.solve(X1.T @ X1 + 50.0 * eye, X1.T @ Y)
    np.testing.assert_allclose(straight.coefs_[0], ridge[:-1], atol=1e-3)
    np.testing.assert_allclose(straight.intercepts_[0], ridge[-1], atol=1e-3)
    # With hidden units there are many; where it ends, the derivative of 1/2 sum over the outputs is small.
    bent = MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", **settings)
    start = MLPRegressor(**{**bent.get_params(), "max_iter": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        bent.fit(X, Y), start.fit(X, Y)
    slopes = []
    for reg in (start, bent):
        (W1, W2), (b1, b2) = reg.coefs_, reg.intercepts_
        A = np.tanh(X @ W1 + b1)
        error = (A @ W2 + b2 - Y) / N
        hidden = error @ W2.T * (1 - A * A)
        grads = [X.T @ hidden + 50.0 / N * W1, hidden.sum(axis=0), A.T @ error + 50.0 / N * W2, error.sum(axis=0)]
        slopes.append(max(float(np.abs(g).max()) for g in grads))
    assert slopes[1] < 0.01 * slopes[0]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_warm_start_and_partial_fit(wine, solver):
    X, y = wine
    for cls in (MLPClassifier, MLPRegressor):
        found = []
        for one in (cls, getattr(neural_network, cls.__name__)):
            first = {"classes": [0, 1, 2]} if cls is MLPClassifier else {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                warm = one(**IN_ORDER, solver=solver, warm_start=True, max_iter=5)
                for _ in range(3):
                    warm.fit(X, y)
                part = one(**IN_ORDER, solver=solver, learning_rate="invscaling", batch_size=50)
                for rows in (slice(0, 90), slice(90, 178), slice(0, 178)):
                    part.partial_fit(X[rows], y[rows], **first)
                    first = {}
                mixed = one(**IN_ORDER, solver=solver, max_iter=5).fit(X, y).partial_fit(X, y)
            found.append((warm, part, mixed))
        for ours, theirs in zip(*found, strict=True):
            assert distance(ours, theirs) < 1e-10
            for name in ("n_iter_", "t_", "loss_", "best_loss_", "loss_curve_"):
                assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-9), name


def test_float32_stays_float32_and_is_near(wine):
    X, y = wine
    X = X.astype(np.float32)
    ours, theirs = both(MLPClassifier, X, y, **IN_ORDER, max_iter=10)
    assert {p.dtype for p in ours.coefs_ + ours.intercepts_} == {np.dtype(np.float32)}
    assert ours.predict_proba(X).dtype == np.float32
    assert distance(ours, theirs) < 1e-5


def test_the_same_rows_are_kept_for_early_stopping(wine):
    """Seen in the score: it is that of the best weights on these rows, which only the right split gives."""
    X, y = wine
    ours, theirs = both(MLPClassifier, X, y == 1, **IN_ORDER, early_stopping=True, max_iter=60, tol=0.0)
    assert ours.validation_scores_ == pytest.approx(theirs.validation_scores_, rel=1e-12)
    assert 0 < ours.best_validation_score_ <= 1


def test_shuffled_epochs_reach_the_same_accuracy(wine):
    X, y = wine
    ours, theirs = both(MLPClassifier, X, y, random_state=0, max_iter=150, batch_size=20)
    assert ours.score(X, y) == theirs.score(X, y) == 1.0
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.5)


@pytest.mark.parametrize("estimator", [MLPClassifier(), MLPRegressor()])
def test_parameters_are_those_of_scikit_learn_and_more(estimator):
    theirs = signature(getattr(neural_network, type(estimator).__name__)).parameters
    ours = signature(type(estimator)).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for name, parameter in theirs.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind), name


def test_callbacks_of_scikit_learn(wine):
    X, y = wine

    class Watch:
        def __init__(self):
            self.told, self.scores = [], []

        def setup(self, estimator, context):
            self.told.append("setup")

        def teardown(self, estimator, context):
            self.told.append("teardown")

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
            if context.task_name == "epoch":
                self.scores.append(fitted_estimator.score(X, y))
                return len(self.scores) == 5
            return False

    watch = Watch()
    clf = MLPClassifier(**SMALL).set_callbacks(watch).fit(X, y)
    assert watch.told == ["setup", "teardown"]
    assert clf.n_iter_ == len(watch.scores) == 5
    assert watch.scores[-1] == clf.score(X, y)


def test_callbacks_of_scikit_learn_see_the_loss_that_is_reported(diabetes):
    seen = []

    class Watch:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "epoch":
                seen.append(fitted_estimator.loss_)

    X, y = diabetes
    reg = quietly(MLPRegressor("poisson", max_iter=4, random_state=0).set_callbacks(Watch()), X, np.round(3 * y))
    assert seen == reg.loss_curve_


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scikit_learns_monitor_sees_the_rows_that_fit_was_given(wine, solver):
    from sklearn.callback import ScoringMonitor

    X, y = wine
    frame = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "high", "low")})
    monitor = ScoringMonitor(scoring="accuracy")
    clf = MLPClassifier((4,), preprocess=True, random_state=0, max_iter=6, solver=solver).set_callbacks(monitor)
    quietly(clf, frame, y)
    assert len(monitor.get_logs().data_as_pandas) == clf.n_iter_
