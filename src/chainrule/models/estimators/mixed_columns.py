"""preprocess=True: frames with text columns and missing values, through the encoding that `chainrule.train` has."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.data.columns import Column, Table
from chainrule.data.encoder import Encoding
from chainrule.data.encoding import fit_encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.frames import column_from_array, counted_from_zero, table_from_object
from chainrule.errors import UsageError
from chainrule.models.estimators.sparse_rows import is_sparse

MOST_NAMES = 1000  # different text values of a column, each of which has an input of its own


def fit_rows(X: Any, y: np.ndarray, classify: bool, taking_part: np.ndarray | None = None) -> Encoding:
    """Fix how the columns of X become numbers: scaled, missing ones filled in, one node for each text value.

    Parameters
    ----------
    X : frame or array (N, columns)
    y : array (N,) or (N, targets)
    classify : bool
        Whether y holds labels.
    taking_part : array of bool (N,), optional
        The rows whose numbers decide the scales; by default all.

    Warns
    -----
    UserWarning
        For a column that is left out, with the reason.
    """
    table = _table(X)
    targets = []
    for k, values in enumerate(np.reshape(y, (len(y), -1)).T):
        name = f"y{k + 1}"
        while name in table.names:
            name += "_"
        targets.append(column_from_array(name, values, "y"))
    if classify:  # what the inputs become does not depend on the further columns
        targets = targets[:1]
    plan = EncodingPlan(
        target=tuple(column.name for column in targets),
        task="classification" if classify else "regression",
        missing="impute",
        max_categories=MOST_NAMES,
        unknown="ignore",
        validation=0.0,
        test=0.0,
    )
    whole = replace(table, columns=(*table.columns, *targets))
    encoding = fit_encoding(whole, plan, taking_part, output_activation="softmax" if classify else "identity")
    for name, reason in encoding.left_out:
        warnings.warn(f'preprocess=True leaves out the column "{name}": {reason}.', stacklevel=6)
    return encoding


def encode_rows(encoding: Encoding, X: Any) -> np.ndarray:
    """Return the inputs of the network for rows of X, (N, nodes), float64."""
    return encoding.encode_inputs(_table(X))


def _table(X: Any) -> Table:
    if is_sparse(X):
        raise UsageError(
            "preprocess=True takes frames and dense arrays; received a sparse array. Leave preprocess out."
        )
    if hasattr(X, "dtype") and getattr(X, "ndim", 2) == 2 and not isinstance(X, np.ndarray):
        X = np.asarray(X)
    table = table_from_object(X)
    if table is not None:
        return table
    rows = np.asarray(X, dtype=object)
    if rows.ndim != 2:
        raise UsageError(f"X must have rows and columns; received shape {rows.shape}. Reshape your data.")
    columns: list[Column] = [column_from_array(f"x{i + 1}", rows[:, i], "X") for i in range(rows.shape[1])]
    return counted_from_zero(columns, "X", positional=len(columns))
