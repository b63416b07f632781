"""preprocess=True: frames with text columns and missing values, through the encoding that `chainrule.train` has."""

from __future__ import annotations

import warnings
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from chainrule.data.columns import Column, Origin, Table, refuse_infinite
from chainrule.data.encoder import Encoding
from chainrule.data.encoding import fit_encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.frames import column_from_array, counted_from_zero, table_from_object
from chainrule.data.input_nodes import Input
from chainrule.data.name_input import NameInput
from chainrule.data.number_input import COUNTED, NumberInput
from chainrule.data.number_targets import NumberTargets
from chainrule.data.text_columns import read_text_columns
from chainrule.engines.sparse_first_layer import is_sparse
from chainrule.errors import UsageError

# A column of text in which most rows have a value of their own names the rows, as a number of a customer does: it has
# nothing to say of the next row. Fewer rows than that cannot tell.
NAMES_ROWS, ROWS_TO_TELL = 0.5, 20
# So many inputs of one column are said, where they have few rows each to learn from.
MANY_INPUTS, FEW_ROWS = 50, 4


def fit_rows(
    X: Any,
    y: np.ndarray,
    classify: bool,
    weight: np.ndarray | None = None,
    *,
    unknown: str = "ignore",
    max_categories: int = 1000,
) -> Encoding:
    """Fix how the columns of X become numbers: scaled, missing ones filled in, one node for each text value.

    Parameters
    ----------
    X : frame or array (N, columns)
    y : array (N,) or (N, targets)
    classify : bool
        Whether y holds labels.
    weight : array (N,), optional
        How much each row counts for scales and medians: one of weight 2 as two rows, one of weight 0 not at all.
    unknown : {"ignore", "refuse"}
        What becomes of a text that fit did not see: all inputs of its column are 0, or an error.
    max_categories : int
        A text column with more different values is left out.

    Warns
    -----
    UserWarning
        For a column that is left out, with the reason.
    """
    table = _table(X)
    if table.n_rows < 2:
        raise UsageError(
            f"preprocess=True finds out from the rows how to scale them; received n_samples={table.n_rows}, and at "
            "least 2 are needed."
        )
    targets = []
    for k, values in enumerate(np.reshape(y, (len(y), -1)).T):
        name = f"y{k + 1}"
        while name in table.names:
            name += "_"
        # What the inputs become does not depend on numbers to be learnt, which may all be the same.
        targets.append(column_from_array(name, values if classify else np.arange(len(y)), "y"))
    names = tuple(column.name for column in targets)
    if classify:  # nor on the further columns
        targets = targets[:1]
    naming = {column.name: reason for column in table.columns if (reason := _too_many(column, max_categories))}
    if len(naming) == len(table.columns):
        first = next(iter(naming))
        raise UsageError(f'preprocess=True finds no column to learn from: "{first}" is {naming[first]}.')
    plan = EncodingPlan(
        target=tuple(column.name for column in targets),
        task="classification" if classify else "regression",
        missing="impute",
        max_categories=max_categories,
        unknown="other" if unknown == "ignore" else unknown,
        ignore=tuple(naming),
        validation=0.0,
        test=0.0,
    )
    whole = replace(table, columns=(*table.columns, *targets))
    counts = None if weight is None else weight > 0
    encoding = fit_encoding(whole, plan, counts, output_activation="softmax" if classify else "identity")
    left_out = tuple((name, naming.get(name, reason)) for name, reason in encoding.left_out)
    columns = tuple(name for name in table.names if name not in names)
    inputs = tuple(_in_one_input(item, table, weight) for item in encoding.inputs)
    encoding = replace(encoding, inputs=inputs, left_out=left_out, columns=columns)
    for name, reason in left_out:
        warnings.warn(f'preprocess=True leaves out the column "{name}": {reason}.', stacklevel=6)
    _tell_of_many(encoding, table.n_rows)
    if classify:
        return encoding
    unscaled = NumberTargets(names, (0.0,) * len(names), (1.0,) * len(names))  # `target_units` scales them
    return replace(encoding, target=unscaled)


def refuse_other_containers(X: Any) -> None:
    """Refuse tables that scikit-learn cannot count or divide, before it says so in other words.

    Raises
    ------
    UsageError
        For a dict of columns, a list of dicts, and a frame that has not been computed yet.
    """
    if (isinstance(X, dict) and not is_sparse(X)) or (
        isinstance(X, (list, tuple)) and len(X) and isinstance(X[0], dict)
    ):
        kind = "a dict" if isinstance(X, dict) else f"a {type(X).__name__} of dicts"
        raise UsageError(
            f"X must be a frame or an array, with rows and columns; received {kind}. Take pandas.DataFrame(X)."
        )
    if hasattr(X, "collect") and not hasattr(X, "shape"):
        raise UsageError(f"X must be a frame with its rows; received a {type(X).__name__}. Take X.collect().")


def encode_rows(encoding: Encoding, X: Any) -> np.ndarray:
    """Return the inputs of the network for rows of X, (N, nodes), float64."""
    table = _table(X, encoding.text_columns, encoding.columns)
    counted = {item.name: item for item in encoding.inputs if isinstance(item, NumberInput)}
    columns = [_counted_so(column, counted.get(column.name)) for column in table.columns]
    return encoding.encode_inputs(replace(table, columns=tuple(columns)))


def _counted_so(column: Column, item: NumberInput | None) -> Column:
    """A column of plain numbers in the units of training's: dates may come as days since 1970."""
    if item is None or column.kind == "text" or item.takes(column) or column.origin in COUNTED:
        return column
    return replace(column, origin=cast(Origin, item.origin))


def _in_one_input(item: Input, table: Table, weight: np.ndarray | None) -> Input:
    """The same input without cycles, and with mean, deviation and median of rows that count by their weights."""
    if isinstance(item, NameInput):
        return item
    item = replace(item, periods=(), low=None, high=None)
    if weight is None:
        return item
    column = table.column(item.name)
    known = ~column.missing & (weight > 0)
    values, s = column.values[known], weight[known].astype(np.float64)
    center = float(np.average(values, weights=s))
    deviation = float(np.sqrt(np.average((values - center) ** 2, weights=s)))
    scale = deviation if deviation > 0 else item.scale
    return replace(item, center=center, scale=scale, fill=weighted_median(values, s))


def weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the value in the middle, each counted by its weight; between two middle ones their mean.

    >>> weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]))
    2.0
    >>> weighted_median(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    1.5
    """
    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(weight[order])
    half = below[-1] / 2
    first, after = np.searchsorted(below, half, side="left"), np.searchsorted(below, half, side="right")
    return float((values[first] + values[min(after, len(values) - 1)]) / 2)


def _too_many(column: Column, most: int) -> str:
    """The reason to leave out a column of text with too many values, or one that tells nothing but the rows apart."""
    if column.kind != "text":
        return ""
    values = column.values[~column.missing].tolist()
    different = len(set(values))
    if len(values) < ROWS_TO_TELL or different <= NAMES_ROWS * len(values):
        many = f"text with {different:,} different values (max_categories raises the limit of {most})"
        return many if different > most else ""
    return (
        f"text with {different:,} different values in {len(values):,} rows, which tells rows apart and says nothing of "
        "new ones. Drop it, or group its values into fewer"
    )


def _tell_of_many(encoding: Encoding, n_rows: int) -> None:
    """Warn of a column of text that makes many inputs with few rows each, such as a number of a customer."""
    for item in encoding.inputs:
        n = len(item.categories) if isinstance(item, NameInput) else 0
        if n >= MANY_INPUTS and n_rows < FEW_ROWS * n:
            warnings.warn(
                f'preprocess=True makes {n:,} inputs of the column "{item.name}", one for each text, from {n_rows:,} '
                "rows: few for each. Drop it, group its values into fewer, or lower max_categories.", stacklevel=7,
            )  # fmt: skip


def _table(X: Any, as_text: Container[str] = (), names: Sequence[str] = ()) -> Table:
    """The table of X, in which text that holds nothing but dates is days since 1970, as everywhere in chainrule.

    `as_text` are columns that stay text, `names` what the columns were called when they were fitted: those of an array
    have their places alone.
    """
    if is_sparse(X):
        raise UsageError(
            "preprocess=True takes frames and dense arrays; received a sparse array. Leave preprocess out."
        )
    if hasattr(X, "dtype") and getattr(X, "ndim", 2) == 2 and not isinstance(X, np.ndarray):
        X = np.asarray(X)
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) == 2 and shape[1] == 0:
        raise UsageError(f"Found array with 0 feature(s) (shape={tuple(shape)}) while a minimum of 1 is required.")
    table = table_from_object(X)
    if table is None:
        rows = np.asarray(X, dtype=object)
        if rows.ndim != 2:
            raise UsageError(f"X must have rows and columns; received shape {rows.shape}. Reshape your data.")
        columns: list[Column] = [column_from_array(f"x{i + 1}", rows[:, i], "X") for i in range(rows.shape[1])]
        table = counted_from_zero(columns, "X", positional=len(columns))
    if table.positional and len(names) == len(table.columns):
        named = zip(table.columns, names, strict=True)
        table = replace(table, columns=tuple(replace(column, name=name) for column, name in named), positional=0)
    return refuse_infinite(read_text_columns(table, as_text))
