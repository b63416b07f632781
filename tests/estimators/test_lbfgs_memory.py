"""solver="lbfgs" with warm_start: so many short fits are one long fit, until something changes."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from estimators_kit import distance, quietly, same
from sklearn.datasets import load_digits

from chainrule import MLPClassifier, MLPRegressor
from chainrule.models.estimators import sparse_rows

SETTINGS = {"hidden_layer_sizes": (6,), "activation": "tanh", "solver": "lbfgs", "random_state": 0, "alpha": 0.1}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 16, y[:300]


def warm(cls, data, fits, steps, between=lambda one: one, **more):
    one = cls(**{**SETTINGS, **more}, warm_start=True, max_iter=steps)
    for _ in range(fits):
        one = between(quietly(one, *data))
    return one


@pytest.mark.matrix
@pytest.mark.parametrize(("fits", "steps"), [(12, 1), (4, 3), (3, 4)])
@pytest.mark.parametrize("kind", ["classes", "values", "preprocessed", "float32", "weighted", "validated"])
def test_k_fits_of_n_steps_are_one_fit_of_k_n(wine, diabetes, kind, fits, steps):
    cls, data, more = MLPClassifier, wine, {}
    if kind in ("values", "preprocessed"):
        cls, data = MLPRegressor, diabetes
    if kind == "preprocessed":
        data, more = (data[0], 1e4 * data[1] - 3e6), {"preprocess": True}
    if kind == "float32":
        data = data[0].astype(np.float32), data[1]
    if kind == "weighted":
        data = *data, np.linspace(0, 2, len(data[1]))
    if kind == "validated":
        data = data[0], data[1], None, data[0][:20], data[1][:20]
    at_once = quietly(cls(**SETTINGS, **more, max_iter=fits * steps), *data)
    assert at_once.n_iter_ == fits * steps
    assert same(warm(cls, data, fits, steps, **more), at_once)
    assert same(warm(cls, data, fits, steps, lambda one: pickle.loads(pickle.dumps(one)), **more), at_once)


def test_one_step_at_a_time_reaches_what_one_fit_reaches(digits):
    """scikit-learn's issue 13656: its own comes to 0.659 in 500 fits of one step, where one fit comes to 0.996."""
    at_once = quietly(MLPClassifier(**{**SETTINGS, "alpha": 1e-4}, max_iter=500), *digits)
    one = warm(MLPClassifier, digits, at_once.n_iter_ + 5, 1, alpha=1e-4)  # the last five find that it has converged
    assert same(one, at_once)
    assert one.score(*digits) == at_once.score(*digits) > 0.95


def test_sparse_rows(wine, monkeypatch):
    monkeypatch.setattr(sparse_rows, "MANY_FEATURES", 1)
    monkeypatch.setattr(sparse_rows, "THIN", 1.0)
    rows = scipy.sparse.csr_matrix(np.where(wine[0] > 0.5, wine[0], 0.0)), wine[1]
    at_once = quietly(MLPClassifier(**SETTINGS, max_iter=8), *rows)
    assert same(warm(MLPClassifier, rows, 4, 2), at_once)


CHANGES = {
    "rows": lambda one, X, y: (X[::2], y[::2]),
    "a number": lambda one, X, y: (X + 0.1, y),
    "labels": lambda one, X, y: (X, y[::-1]),
    "alpha": lambda one, X, y: one.set_params(alpha=3.0) and (X, y),
    "activation": lambda one, X, y: one.set_params(activation="logistic") and (X, y),
    "loss": lambda one, X, y: one.set_params(loss="half_squared_error") and (X, y),
    "a class's weight": lambda one, X, y: one.set_params(class_weight={0: 5.0}) and (X, y),
    "the weights": lambda one, X, y: one.coefs_[0].__imul__(0.5) is not None and (X, y),
    "a bias": lambda one, X, y: one.intercepts_[0].__iadd__(1.0) is not None and (X, y),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_starts_afresh_where_something_has_changed(wine, change):
    """As an estimator does that was given these weights and has no past."""
    one = warm(MLPClassifier, wine, 1, 10)
    data = CHANGES[change](one, *wine)
    fresh = MLPClassifier(**one.get_params())
    fresh.coefs_, fresh.intercepts_ = [W.copy() for W in one.coefs_], [b.copy() for b in one.intercepts_]
    fresh.classes_, fresh.out_activation_ = one.classes_, one.out_activation_
    assert same(quietly(one, *data), quietly(fresh, *data))
    assert distance(one, warm(MLPClassifier, wine, 2, 10)) > 1e-6


def test_another_solver_between(wine):
    one = warm(MLPClassifier, wine, 1, 5)
    quietly(one.set_params(solver="adam"), *wine)
    quietly(one.set_params(solver="lbfgs"), *wine)
    assert np.isfinite(one.coefs_[0]).all()
    assert one.loss_ < quietly(MLPClassifier(**SETTINGS, max_iter=5), *wine).loss_


def test_converged_stays_converged(wine):
    one = MLPClassifier(**SETTINGS, warm_start=True, max_iter=500)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = [W.copy() for W in one.fit(*wine).coefs_]
        one.fit(*wine)
    assert all(np.array_equal(a, b) for a, b in zip(one.coefs_, before, strict=True))
