"""Pipelines of scikit-learn that are exported in the tests of every language: each transformer somewhere."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from chainrule.models import estimators

N = 60
AREAS = np.random.default_rng(5).normal(80, 20, N).round(1)
TOWNS = np.array(["Ulm", "Bern", "Bern", "né", "*/ ??/", "Ulm", "Bern"], dtype=object)[np.arange(N) % 7]
ROOMS = np.array([1, 2, 3, 2.5])[np.arange(N) % 4]
GARDEN = np.arange(N) % 3 == 0
PRICE = 3 * AREAS + 40 * (TOWNS == "Bern") + 10 * ROOMS
DEAR = np.where(PRICE > np.median(PRICE), "yes", "no")


COLUMNS = {
    "text": TOWNS,
    "text with NaN": np.where(np.arange(N) % 5, TOWNS, np.nan),
    "text with None": np.where(np.arange(N) % 5, TOWNS, None),
    "whole numbers": np.arange(N) % 4,
    "numbers with NaN": np.where(np.arange(N) % 5, np.arange(N) % 3 + 0.5, np.nan),
    "truth values": np.arange(N) % 2 == 0,
}


def frame(gaps: bool = True) -> pandas.DataFrame:
    """A table of numbers, text, whole numbers and truth values, with gaps in the first three."""
    table = pandas.DataFrame({"area": AREAS, "town": TOWNS, "rooms": ROOMS, "garden": GARDEN, "spare": 1.0})
    if gaps:
        table.loc[::7, "area"] = np.nan
        table.loc[::11, "town"] = np.nan
        table.loc[::13, "rooms"] = np.nan
    return table.astype({"town": object})


def classifier(kind: Any = MLPClassifier) -> Any:
    return kind(hidden_layer_sizes=(4,), max_iter=300, tol=10, random_state=0)


def regressor(kind: Any = MLPRegressor) -> Any:
    return kind(hidden_layer_sizes=(4,), activation="tanh", max_iter=300, tol=10, random_state=0)


def fitted(pipeline: Any, X: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the estimators say about ten epochs
        return pipeline.fit(X, y)


def numbers_in_a_row() -> tuple[Any, np.ndarray]:
    """Every scaler, products, components and a choice of columns, one behind the other."""
    X = np.random.default_rng(6).normal(5, 3, (N, 4))
    steps = [
        MinMaxScaler((-1, 2), clip=True), RobustScaler(), MaxAbsScaler(), PolynomialFeatures(3), StandardScaler(),
        VarianceThreshold(), SelectKBest(k=12), PCA(6, whiten=True), Normalizer(),
    ]  # fmt: skip
    return fitted(make_pipeline(*steps, classifier()), X, X[:, 0] > 5), X


def functions() -> tuple[Any, np.ndarray]:
    """Every function, on numbers for which some are not defined; what is then missing is filled in."""
    names = ("abs", "exp", "expm1", "log", "log10", "log1p", "log2", "negative", "sqrt", "square")
    X = np.random.default_rng(7).normal(0, 0.9, (N, 2))
    union = FeatureUnion(
        [(name, FunctionTransformer(getattr(np, name))) for name in names], transformer_weights={"exp": 2}
    )
    with np.errstate(all="ignore"):
        return fitted(make_pipeline(union, SimpleImputer(), StandardScaler(), regressor()), X, X.T[0]), X


def mixed(last: Any, gaps: bool = True) -> tuple[Any, pandas.DataFrame]:
    """Numbers, text and categories of a frame, each in a way of its own."""
    columns = ColumnTransformer(
        [
            ("sizes", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), ["area"]),
            ("towns", make_pipeline(
                SimpleImputer(strategy="most_frequent", add_indicator=True),
                OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=12),
            ), ["town"]),
            ("again", OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
            ), [1]),
            ("rooms", OneHotEncoder(handle_unknown="ignore", drop="if_binary"), slice("rooms", "garden")),
            ("garden", "passthrough", make_column_selector(dtype_include=bool)),
            ("nothing", "drop", ["spare"]),
        ]
    )  # fmt: skip
    table = frame(gaps)
    y = DEAR if hasattr(last, "predict_proba") else PRICE / 100
    return fitted(make_pipeline(columns, last), table, y), table


def strict() -> tuple[Any, pandas.DataFrame]:
    """Encoders that refuse what they do not know, without names: an array of text and numbers."""
    columns = ColumnTransformer(
        [("town", OneHotEncoder(drop="first", sparse_output=False), [1]), ("size", MinMaxScaler(), [0, 2])],
        remainder=make_pipeline(
            SimpleImputer(missing_values=False, strategy="constant", fill_value=7), StandardScaler()
        ),
    )
    rows = frame(False).drop(columns="spare").to_numpy(dtype=object)
    return fitted(make_pipeline(columns, classifier(estimators.MLPClassifier)), rows, DEAR), rows


def markers() -> tuple[Any, np.ndarray]:
    """-999 and 0 as missing values; columns without any value; indicators alone."""
    X = np.random.default_rng(8).normal(0, 1, (N, 3))
    X[::5, 0], X[::6, 1], X[::9, 2] = -999, 0, np.nan
    union = FeatureUnion([
        ("filled", ColumnTransformer([
            ("a", SimpleImputer(missing_values=-999, add_indicator=True), [0]),
            ("b", SimpleImputer(missing_values=0, strategy="constant", fill_value=5.5), [1]),
            ("c", SimpleImputer(strategy="most_frequent", keep_empty_features=True), [2]),
        ])),
        ("gaps", ColumnTransformer([("c", MissingIndicator(error_on_new=False), [2])])),
        ("short", make_pipeline(SimpleImputer(), TruncatedSVD(2, random_state=0))),
    ])  # fmt: skip
    return fitted(make_pipeline(union, classifier(estimators.MLPClassifier)), X, np.arange(N) % 3), X


def targets() -> tuple[Any, np.ndarray]:
    X = np.random.default_rng(9).normal(0, 1, (N, 3))
    inner = make_pipeline(StandardScaler(), regressor())
    return fitted(TransformedTargetRegressor(inner, func=np.log1p, inverse_func=np.expm1), X, np.exp(X[:, 0])), X


def scaled_targets(scaler: Any) -> tuple[Any, np.ndarray]:
    X = np.random.default_rng(9).normal(0, 1, (N, 3))
    last = TransformedTargetRegressor(regressor(estimators.MLPRegressor), transformer=scaler)
    return fitted(make_pipeline(StandardScaler(), last), X, 5 + 7 * X[:, :2]), X


PIPELINES = {
    "pipeline of numbers": numbers_in_a_row,
    "pipeline of functions": functions,
    "pipeline of a frame": lambda: mixed(classifier()),
    "pipeline of a frame, ours": lambda: mixed(regressor(estimators.MLPRegressor)),
    "pipeline that is strict": strict,
    "pipeline with markers": markers,
    "targets by functions": targets,
    "targets by their deviation": lambda: scaled_targets(StandardScaler()),
    "targets between ends": lambda: scaled_targets(MinMaxScaler()),
    "targets by quartiles": lambda: scaled_targets(RobustScaler()),
    "targets by the largest": lambda: scaled_targets(MaxAbsScaler()),
}
