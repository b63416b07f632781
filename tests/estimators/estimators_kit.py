"""Short networks, fits without warnings, and comparisons, for the estimators' tests."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 300, "learning_rate_init": 0.02, "random_state": 0}


def quietly(estimator, *data, **more):
    """Fit, however far it is from converging."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*data, **more)


def distance(one, other):
    """The largest difference between the weights or biases of two estimators."""
    pairs = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def same(one, other):
    """Whether they have the same bits."""
    return distance(one, other) == 0
