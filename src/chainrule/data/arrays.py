"""A table from an array of inputs and an array of targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.data.columns import Column, Table, refuse_infinite
from chainrule.data.frames import (
    column_from_array,
    counted_from_zero,
    pandas_column,
    polars_column,
    table_from_object,
    two_dimensions,
)
from chainrule.data.messages import ARRAYS
from chainrule.data.text_columns import read_text_columns
from chainrule.errors import UsageError


def table_from_arrays(X: Any, y: Any = None, names: Sequence[str] | None = None) -> Table:
    """Make a table from an array of inputs and an array of targets.

    Parameters
    ----------
    X : array-like, shape (n_rows, n_inputs)
        Numbers, text or objects; a data frame keeps its column names.
    y : array-like, shape (n_rows,) or (n_rows, n_targets), optional
        The column "y", or the columns "y1", "y2", ...; a pandas or polars series or frame keeps its names.
    names : sequence of str, optional
        Names of the input columns; by default x1, x2, ...

    Returns
    -------
    Table
        The inputs, then the targets; rows are counted from 0.

    Raises
    ------
    UsageError
        If the shapes do not fit together, or X has a column with the name of a target.
    DataError
        If a number is infinite or a cell is of an unknown kind.

    Examples
    --------
    >>> table_from_arrays([[0, 1], [1, 1]], [1, 0]).names
    ('x1', 'x2', 'y')
    """
    return inputs_and_targets(X, y, names)[0]


def inputs_and_targets(
    X: Any, y: Any, names: Sequence[str] | None = None, as_text: Sequence[str] = ()
) -> tuple[Table, tuple[str, ...]]:
    """Make the table of `table_from_arrays`, and return it with the names of the columns of `y`.

    `as_text` names columns in which dates stay text.
    """
    known = table_from_object(X) if not isinstance(X, (np.ndarray, list, tuple)) else None
    if known is not None:
        inputs, positional = known.columns, 0
    else:
        matrix = two_dimensions(_array(X), "X")
        labels = [f"x{i + 1}" for i in range(matrix.shape[1])] if names is None else [str(n) for n in names]
        if len(labels) != matrix.shape[1]:
            raise UsageError(f"names must name the {matrix.shape[1]} columns of X; received {len(labels)}.")
        inputs = tuple(column_from_array(n, matrix[:, i], "X") for i, n in enumerate(labels))
        positional = len(inputs) if names is None else 0
    n_rows = len(inputs[0].values) if inputs else 0
    targets = _target_columns(y)
    taken = {column.name for column in inputs}
    for column in targets:
        if len(column.values) != n_rows:
            raise UsageError(f"X has {n_rows} rows and y has {len(column.values)}. They must have the same number.")
        if column.name in taken:
            raise UsageError(
                f'the target "{column.name}" is among the inputs: X has a column of that name. Leave it out of X, '
                f'or leave out y and give target="{column.name}".'
            )
    table = counted_from_zero((*inputs, *targets), ARRAYS, positional)
    return refuse_infinite(read_text_columns(table, as_text)), tuple(column.name for column in targets)


def _target_columns(y: Any) -> tuple[Column, ...]:
    if y is None:
        return ()
    library = type(y).__module__.partition(".")[0]
    if library in ("pandas", "polars") and type(y).__name__ == "Series":
        name = "y" if y.name is None or str(y.name) == "" else str(y.name)
        return (pandas_column(name, y) if library == "pandas" else polars_column(name, y),)
    known = table_from_object(y) if library in ("pandas", "polars", "pyarrow") else None
    if known is not None:
        return known.columns
    array = _array(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 1:
        return (column_from_array("y", array, "y"),)
    matrix = two_dimensions(array, "y")
    if matrix.shape[1] == 0:
        raise UsageError(f"y has shape {matrix.shape}: no target. Give one value a row.")
    return tuple(column_from_array(f"y{i + 1}", matrix[:, i], "y") for i in range(matrix.shape[1]))


def _array(value: Any) -> np.ndarray:
    try:
        array = np.asanyarray(value) if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
    except ValueError:  # rows of different lengths
        raise UsageError("the rows of an array must have the same number of values.") from None
    if array.dtype.kind in "US" and not isinstance(value, np.ndarray):
        # NumPy turns [[1, "a"]] into text throughout; objects keep the numbers.
        array = np.array(value, dtype=object)
    return array
