"""Tables that are already in memory: pandas, polars and pyarrow tables, NumPy arrays, dicts, lists of dicts."""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.data.columns import Column, Origin, Table
from chainrule.data.reading_notes import CODES_NOTE, DATE_NOTE
from chainrule.errors import DataError, UsageError

EPOCH = datetime.datetime(1970, 1, 1)
DAY = datetime.timedelta(days=1)
EXACT = 2**53  # beyond it float64 does not hold every whole number


def table_from_object(source: Any) -> Table | None:
    """Return the Table for an object of a known kind, or None. Rows are counted from 0, as Python does.

    Recognised: an array of two dimensions or with named fields, a mapping of columns, a list of mappings, and
    pandas, polars and pyarrow tables.
    """
    library = type(source).__module__.partition(".")[0]
    if library == "pandas" and hasattr(source, "columns"):
        return counted_from_zero(_pandas_columns(source), "the data frame")
    if library == "polars" and hasattr(source, "collect_schema"):
        frame = source.collect() if type(source).__name__ == "LazyFrame" else source
        return counted_from_zero([polars_column(s.name, s) for s in frame.get_columns()], "the data frame")
    if library == "pyarrow" and hasattr(source, "column_names"):
        pairs = zip(source.column_names, source.columns, strict=True)
        return counted_from_zero([_arrow_column(n, c) for n, c in pairs], "the Arrow table")
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Mapping):
        columns = [column_from_objects(str(n), _one_dimension(n, v), "the dict") for n, v in source.items()]
        return counted_from_zero(columns, "the dict")
    if isinstance(source, (list, tuple)) and source and all(isinstance(row, Mapping) for row in source):
        names = list(dict.fromkeys(name for row in source for name in row))
        cells = ([row.get(name) for row in source] for name in names)
        columns = [column_from_objects(str(n), c, "the list") for n, c in zip(names, cells, strict=True)]
        return counted_from_zero(columns, "the list")
    return None


def counted_from_zero(columns: Sequence[Column], source: str, positional: int = 0) -> Table:
    """Make a table whose rows are numbered 0, 1, ..., as Python counts."""
    rows = np.arange(len(columns[0].values) if columns else 0)
    return Table(tuple(columns), source, row_numbers=rows, positional=positional)


def _from_array(array: np.ndarray) -> Table:
    if array.dtype.names:
        columns = [column_from_array(name, array[name], "the array") for name in array.dtype.names]
        return counted_from_zero(columns, "the array")
    matrix = two_dimensions(array, "the array")
    columns = [column_from_array(f"x{i + 1}", matrix[:, i], "the array") for i in range(matrix.shape[1])]
    return counted_from_zero(columns, "the array", positional=len(columns))


def two_dimensions(array: np.ndarray, source: str) -> np.ndarray:
    """Return `array`, or raise UsageError unless it has rows and columns."""
    if array.ndim != 2:
        remedy = " Use reshape(-1, 1) for one column." if array.ndim == 1 else ""
        raise UsageError(f"{source} must have two dimensions, rows and columns; received shape {array.shape}.{remedy}")
    return array


def _one_dimension(name: Any, values: Any) -> Any:
    shape = getattr(values, "shape", None)
    if shape is not None and len(shape) != 1:
        raise UsageError(f'column "{name}" of a dict must have one dimension; received shape {tuple(shape)}.')
    if shape is None and (isinstance(values, (str, bytes)) or not isinstance(values, Sequence)):
        raise UsageError(f'column "{name}" of a dict must be a sequence of values; received {values!r}.')
    return values


def column_from_array(name: str, array: Any, source: str) -> Column:
    """Make a Column of a one-dimensional NumPy array of any type."""
    kind = array.dtype.kind
    if isinstance(array, np.ma.MaskedArray):
        objects = np.ma.getdata(array).astype(object)
        objects[np.ma.getmaskarray(array)] = None
        array, kind = objects, "O"
    if kind in "biuf":
        if kind in "iu" and array.size and max(abs(int(array.min())), abs(int(array.max()))) > EXACT:
            return Column(name, "text", array.astype(str).astype(object), CODES_NOTE, "text")
        return Column(name, "number", array.astype(np.float64), "", _origin(kind))
    if kind == "M":
        microseconds = array.astype("datetime64[us]").astype(np.int64)
        days = np.where(np.isnat(array), np.nan, microseconds / 86_400_000_000)
        return Column(name, "number", days, DATE_NOTE, "date")
    if kind == "U":
        return Column(name, "text", array.astype(object), "", "text")
    if kind == "O":
        return column_from_objects(name, array.tolist(), source)
    raise DataError(f'{source}, column "{name}": values of type {array.dtype} cannot be used. Give numbers or text.')


def column_from_objects(name: str, values: Any, source: str) -> Column:
    """Make a Column of Python objects: all numbers, booleans, dates or text; a mixture becomes text, with a note.

    Raises
    ------
    DataError
        For a value that is none of these, naming its row.
    """
    if isinstance(values, np.ndarray):
        return column_from_array(name, values, source)
    cells = [None if _is_missing(value) else value for value in values]
    kinds = set(map(_kind, {type(value) for value in cells}))
    if None in kinds:
        row, value = next((i, v) for i, v in enumerate(cells) if _kind(type(v)) is None)
        raise DataError(
            f'{source}, row {row}, column "{name}": a value of type {type(value).__name__} cannot be used. '
            "Give numbers, text, booleans or dates, or leave the column out."
        )
    kinds.discard("missing")
    if not kinds:
        return Column(name, "number", np.full(len(cells), np.nan))
    if kinds == {"text"}:
        return Column(name, "text", _objects(cells), "", "text")
    if kinds == {"date"}:
        days = [np.nan if value is None else _days(value) for value in cells]
        return Column(name, "number", np.array(days), DATE_NOTE, "date")
    if kinds == {"integer"} and any(value is not None and abs(value) > EXACT for value in cells):
        codes = [value if value is None else str(value) for value in cells]
        return Column(name, "text", _objects(codes), CODES_NOTE, "text")
    if not kinds & {"text", "date"}:
        return Column(name, "number", _floats(name, cells, source), "", kinds.pop() if len(kinds) == 1 else "float")  # type: ignore[arg-type]
    text = [value if value is None else str(value) for value in cells]
    return Column(name, "text", _objects(text), "values of several types, read as text", "text")


def _floats(name: str, cells: Sequence[Any], source: str) -> np.ndarray:
    values = np.full(len(cells), np.nan)
    for row, value in enumerate(cells):
        try:
            if value is not None:
                values[row] = float(value)
        except OverflowError:
            raise DataError(
                f'{source}, row {row}, column "{name}": a number of more than 308 digits cannot be used. '
                "Change its unit, or give it as text."
            ) from None
    return values


def _kind(kind: type) -> str | None:
    if kind is type(None):
        return "missing"
    if issubclass(kind, str):
        return "text"
    if issubclass(kind, (bool, np.bool_)):
        return "boolean"
    if issubclass(kind, numbers.Integral):
        return "integer"
    if issubclass(kind, (numbers.Real, decimal.Decimal)):
        return "float"
    if issubclass(kind, (datetime.date, np.datetime64)):
        return "date"
    return None


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, (float, np.floating, decimal.Decimal, np.datetime64)):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType")  # pandas, without importing it


def _days(value: Any) -> float:
    if isinstance(value, np.datetime64):
        return float(value.astype("datetime64[us]").astype(np.int64)) / 86_400_000_000
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return float((value - EPOCH) / DAY)


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _pandas_columns(frame: Any) -> list[Column]:
    """A Column of each of a pandas frame's; NumPy's own numbers all at once, since taking out a Series takes long."""
    names, dtypes = [str(name) for name in frame.columns], list(frame.dtypes)
    places = [i for i, dtype in enumerate(dtypes) if isinstance(dtype, np.dtype) and dtype.kind in "biuf"]
    numeric = frame if len(places) == len(names) else frame.iloc[:, places]
    found = dict(zip(places, numeric.to_numpy(dtype=np.float64).T, strict=True))
    return [
        Column(name, "number", found[i], "", _origin(dtypes[i].kind))
        if i in found and (dtypes[i].kind not in "iu" or exact(found[i]))
        else pandas_column(name, frame.iloc[:, i])
        for i, name in enumerate(names)
    ]


def exact(values: np.ndarray) -> bool:
    """Say whether whole numbers that became float64 are surely the same still; NaN is none of them.

    >>> exact(np.array([-7.0, np.nan])), exact(np.array([2.0**53]))
    (True, False)
    """
    return not (np.abs(values) >= EXACT).any()


def _origin(kind: str) -> Origin:
    return "boolean" if kind == "b" else "float" if kind == "f" else "integer"


def pandas_column(name: str, series: Any) -> Column:
    """Make a Column of a pandas Series."""
    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    if kind in "biuf":
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        if kind not in "iu" or exact(values):
            return Column(name, "number", values, "", _origin(kind))
    if kind == "M":
        moments = series.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(dtype, "tz", None) else series
        return column_from_array(name, moments.to_numpy(dtype="datetime64[us]"), "the data frame")
    return column_from_objects(name, series.tolist(), "the data frame")


def polars_column(name: str, series: Any) -> Column:
    """Make a Column of a polars Series."""
    dtype = series.dtype
    if dtype.is_numeric() or str(dtype) == "Boolean":
        values = series.to_list() if dtype.is_decimal() else series.cast(_polars_float()).to_numpy()
        floats = np.array([np.nan if v is None else float(v) for v in values]) if dtype.is_decimal() else values
        origin: Origin = "boolean" if str(dtype) == "Boolean" else "integer" if dtype.is_integer() else "float"
        if origin != "integer" or exact(floats):
            return Column(name, "number", floats, "", origin)
    return column_from_objects(name, series.to_list(), "the data frame")


def _polars_float() -> Any:
    import polars

    return polars.Float64


def _arrow_column(name: str, column: Any) -> Column:
    import pyarrow.types as types

    kind = column.type
    if types.is_floating(kind) or types.is_integer(kind):
        values = column.cast("float64", safe=False).to_numpy()
        if not types.is_integer(kind) or exact(values):
            return Column(name, "number", values, "", "integer" if types.is_integer(kind) else "float")
    return column_from_objects(name, column.to_pylist(), "the Arrow table")
