"""What the tests of the pictures share: rows, and estimators that are fitted to them."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor


def fitted(estimator, X, y):
    """Fit without the warning that a short training is short."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


class Rows:
    """Some rows and what may be learnt from them."""

    rng = np.random.default_rng(3)
    X = rng.normal(size=(90, 3))
    two = np.where(X[:, 0] + 0.8 * rng.normal(size=90) > 0, "yes", "no")
    three = np.digitize(X[:, 0] + 0.8 * rng.normal(size=90), [-0.5, 0.5]) * 10
    labels = (X + 0.8 * rng.normal(size=(90, 3)) > [0, 0.5, 0.2]).astype(int)
    value = X @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=90)
    values = np.column_stack([value, 100 * X[:, 0]])


def classifier(y, **options):
    return fitted(MLPClassifier((6,), max_iter=25, random_state=0, learning_rate_init=0.02, **options), Rows.X, y)


def regressor(y, **options):
    options = {"hidden_layer_sizes": (6,), "max_iter": 40, "random_state": 0, "learning_rate_init": 0.02, **options}
    return fitted(MLPRegressor(**options), Rows.X, y)
