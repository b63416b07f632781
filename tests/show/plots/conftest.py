"""Sources of every kind; and after each test matplotlib's settings must be as they were."""

from __future__ import annotations

import matplotlib as mpl
import pytest
from plots_kit import Rows, classifier, fitted
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr


@pytest.fixture(autouse=True)
def settings_stay():
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="session")
def binary():
    return classifier(Rows.two)


@pytest.fixture(scope="session")
def multiclass():
    return fitted(make_pipeline(StandardScaler(), MLPClassifier((6,), max_iter=25, random_state=0)), Rows.X, Rows.three)


@pytest.fixture(scope="session")
def multilabel():
    return classifier(Rows.labels)


@pytest.fixture(scope="session")
def wine():
    return cr.train("wine", hidden=4, epochs=12, seed=0)


@pytest.fixture(scope="session")
def diabetes():
    return cr.train("diabetes", hidden=4, epochs=12, seed=0)
