"""Data for the estimators' tests, scaled."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.preprocessing import StandardScaler


@pytest.fixture(scope="session")
def wine():
    X, y = load_wine(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="session")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y / 100


@pytest.fixture(scope="session")
def labels(wine):
    """Three labels for each wine, any number of which may hold."""
    X, y = wine
    return X, np.stack([y == 0, y < 2, X[:, 0] > 0], axis=1).astype(int)
