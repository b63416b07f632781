"""Encoders and imputers in exports: each kind of column with each of their settings."""

import itertools
import warnings

import numpy as np
import pandas
import pytest
from export_pipelines import COLUMNS, DEAR, PRICE, TOWNS, classifier, fitted, regressor
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from chainrule.models.export.evaluate import evaluate
from chainrule.models.export.program import TextColumn
from chainrule.models.export.proof import proven_program

ONE_HOT = [
    OneHotEncoder(handle_unknown=unknown, drop=drop, **groups)
    for unknown, drop, groups in itertools.product(
        ["error", "ignore", "infrequent_if_exist"], [None, "first", "if_binary"], [{}, {"min_frequency": 13}]
    )
]
ORDINAL = [
    OrdinalEncoder(),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=-2),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=9, max_categories=2, encoded_missing_value=-1),
]


def compare_encoders(kind, encoders):
    """Each is compared with the pipeline by `proven_program`, on known, unknown and missing values."""
    text = kind.startswith("text")
    table = pandas.DataFrame({"a": pandas.Series(COLUMNS[kind], dtype=object if text else None), "b": PRICE})
    for encoder in encoders:
        columns = ColumnTransformer([("a", encoder, ["a"])], remainder="passthrough")
        pipeline = fitted(make_pipeline(columns, SimpleImputer(), StandardScaler(), regressor()), table, PRICE / 100)
        program = proven_program(pipeline)
        assert isinstance(program.columns[0], TextColumn) == text
        rows = [[None if cell is None or cell != cell else cell for cell in row] for row in table.to_numpy().tolist()]
        received = evaluate(program, rows)[:, 0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_allclose(received, pipeline.predict(table), rtol=1e-9, err_msg=str(encoder))


@pytest.mark.parametrize("kind", COLUMNS)
def test_encoders(kind):
    compare_encoders(kind, [*ONE_HOT[::5], *ORDINAL[1:]])


@pytest.mark.long
@pytest.mark.parametrize("kind", COLUMNS)
def test_encoders_of_every_kind(kind):
    compare_encoders(kind, [*ONE_HOT, *ORDINAL])


def test_imputers_of_every_kind():
    text, numbers = COLUMNS["text with NaN"], COLUMNS["numbers with NaN"]
    for strategy in ("most_frequent", "constant"):
        for indicator in (False, True):
            imputer = SimpleImputer(strategy=strategy, add_indicator=indicator)
            columns = ColumnTransformer([
                ("text", make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore", sparse_output=False)), [0]),
                ("numbers", make_pipeline(SimpleImputer(strategy=strategy, fill_value=1.5), StandardScaler()), [1]),
            ])  # fmt: skip
            rows = np.column_stack([text, numbers]).astype(object)
            proven_program(fitted(make_pipeline(columns, classifier()), rows, DEAR))
    for indicator in (False, True):  # where "Ulm" stands for a missing town, NaN is refused
        imputer = SimpleImputer(missing_values="Ulm", strategy="most_frequent", add_indicator=indicator)
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        rows = TOWNS[:, None].astype(object)
        program = proven_program(fitted(make_pipeline(imputer, encoder, classifier()), rows, DEAR))
        assert np.isnan(evaluate(program, [["Ulm"], [None], ["Bern"]])).any(axis=1).tolist() == [False, True, False]
    for strategy in ("mean", "median"):
        for marker in (np.nan, -1):
            rows = np.column_stack([np.where(np.isnan(numbers), marker, numbers), PRICE])
            imputer = SimpleImputer(missing_values=marker, strategy=strategy, add_indicator=True)
            proven_program(fitted(make_pipeline(imputer, StandardScaler(), classifier()), rows, DEAR))
