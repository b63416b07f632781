"""Tables that are in memory already: every library's types, and arrays."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule.data.tables import Column, read_table, table_from_arrays
from chainrule.errors import DataError, UsageError


def check(column: Column, kind: str, origin: str, values: list) -> None:
    assert (column.kind, column.origin) == (kind, origin)
    found = [None if gone else value for value, gone in zip(column.values.tolist(), column.missing, strict=True)]
    assert found == values


DAY = datetime.date(1970, 1, 3)
NOON = datetime.datetime(1970, 1, 1, 12)


def test_pandas_types():
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan],
            "int": [1, 2],
            "Int64": pd.array([1, None], dtype="Int64"),
            "Float64": pd.array([1.5, None], dtype="Float64"),
            "bool": [True, False],
            "boolean": pd.array([True, None], dtype="boolean"),
            "category": pd.Categorical(["a", None]),
            "numbers": pd.Categorical([3, 5]),
            "string": pd.array(["a", None], dtype="string"),
            "str": ["a", "b"],
            "object": pd.Series(["a", None], dtype=object),
            "time": pd.to_datetime(["1970-01-02", None]),
            "zone": pd.to_datetime(["1970-01-02T00:00", "1970-01-02T12:00"]).tz_localize("Etc/GMT-2"),
        }
    )
    table = read_table(frame)
    check(table.column("float"), "number", "float", [1.5, None])
    check(table.column("int"), "number", "integer", [1, 2])
    check(table.column("Int64"), "number", "integer", [1, None])
    check(table.column("Float64"), "number", "float", [1.5, None])
    check(table.column("bool"), "number", "boolean", [1, 0])
    check(table.column("boolean"), "number", "boolean", [1, None])
    check(table.column("category"), "text", "text", ["a", None])
    check(table.column("numbers"), "number", "integer", [3, 5])
    check(table.column("string"), "text", "text", ["a", None])
    check(table.column("str"), "text", "text", ["a", "b"])
    check(table.column("object"), "text", "text", ["a", None])
    check(table.column("time"), "number", "date", [1, None])
    check(table.column("zone"), "number", "date", [1 - 2 / 24, 1.5 - 2 / 24])
    assert table.row_numbers.tolist() == [0, 1]


def test_pandas_columns_that_are_named_twice():
    frame = pd.DataFrame(np.zeros((2, 2)), columns=["a", "a"])
    with pytest.raises(DataError, match='the data frame: the name "a" occurs twice'):
        read_table(frame)


def test_polars_types():
    frame = pl.DataFrame(
        {
            "float": [1.5, None],
            "int": [1, None],
            "bool": [True, None],
            "text": ["a", None],
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "date": [DAY, None],
            "time": [NOON, None],
            "decimal": [Decimal("1.25"), None],
            "nothing": [None, None],
        }
    )
    for source in (frame, frame.lazy()):
        table = read_table(source)
        check(table.column("float"), "number", "float", [1.5, None])
        check(table.column("int"), "number", "integer", [1, None])
        check(table.column("bool"), "number", "boolean", [1, None])
        check(table.column("text"), "text", "text", ["a", None])
        check(table.column("category"), "text", "text", ["a", "b"])
        check(table.column("date"), "number", "date", [2, None])
        check(table.column("time"), "number", "date", [0.5, None])
        check(table.column("decimal"), "number", "float", [1.25, None])
        check(table.column("nothing"), "number", "float", [None, None])


def test_arrow_types():
    table = read_table(
        pa.table(
            {
                "float": [1.5, None],
                "int": [1, None],
                "bool": [True, None],
                "text": ["a", None],
                "category": pa.array(["a", None]).dictionary_encode(),
                "date": [DAY, None],
                "time": [NOON, None],
            }
        )
    )
    check(table.column("float"), "number", "float", [1.5, None])
    check(table.column("int"), "number", "integer", [1, None])
    check(table.column("bool"), "number", "boolean", [1, None])
    check(table.column("text"), "text", "text", ["a", None])
    check(table.column("category"), "text", "text", ["a", None])
    check(table.column("date"), "number", "date", [2, None])
    check(table.column("time"), "number", "date", [0.5, None])


def test_dicts_and_lists_of_dicts():
    for source in ({"a": [1, None], "b": ["x", None]}, [{"a": 1, "b": "x"}, {"a": None}]):
        table = read_table(source)
        check(table.column("a"), "number", "integer", [1, None])
        check(table.column("b"), "text", "text", ["x", None])


def test_python_values_of_many_types():
    table = read_table(
        {
            "mixed": [1, "x", None],
            "numbers": [1, 2.5, True],
            "decimal": [Decimal("0.5"), None, np.float32(2)],
            "dates": [DAY, None, NOON],
            "moments": [np.datetime64("1970-01-02"), np.datetime64("NaT"), None],
            "zones": [NOON.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=6))), None, None],
            "nan": ["a", float("nan"), pd.NA],
        }
    )
    check(table.column("mixed"), "text", "text", ["1", "x", None])
    assert "several types" in table.column("mixed").note
    check(table.column("numbers"), "number", "float", [1, 2.5, 1])
    check(table.column("decimal"), "number", "float", [0.5, None, 2])
    check(table.column("dates"), "number", "date", [2, None, 0.5])
    check(table.column("moments"), "number", "date", [1, None, None])
    check(table.column("zones"), "number", "date", [0.25, None, None])
    check(table.column("nan"), "text", "text", ["a", None, None])


def test_numpy_arrays():
    table = read_table(np.array([[1, 2], [3, 4]]))
    assert table.names == ("x1", "x2")
    assert table.positional == 2
    check(table.column("x2"), "number", "integer", [2, 4])
    named = read_table(np.array([(1.5, "a"), (2.5, "b")], dtype=[("size", "f4"), ("name", "U3")]))
    check(named.column("size"), "number", "float", [1.5, 2.5])
    check(named.column("name"), "text", "text", ["a", "b"])
    masked = np.ma.MaskedArray([[1.0, 2.0]], mask=[[True, False]])
    check(read_table(masked).column("x1"), "number", "float", [None])


@pytest.mark.parametrize(
    ("X", "y", "names"),
    [
        ([[0, 1], [1, 1]], [1, 0], ("x1", "x2", "y")),
        (np.zeros((2, 1)), np.array([[1], [0]]), ("x1", "y")),
        (np.zeros((2, 1)), np.zeros((2, 2)), ("x1", "y1", "y2")),
        (pd.DataFrame({"a": [1, 2]}), pd.Series([1, 2], name="whatever"), ("a", "y")),
        (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"b": [1, 2]}), ("a", "b")),
        (np.zeros((2, 2)), None, ("x1", "x2")),
    ],
)
def test_arrays_of_inputs_and_targets(X, y, names):
    assert table_from_arrays(X, y).names == names


def test_array_labels_keep_their_type():
    for y, origin in (([1, 2], "integer"), ([1.0, 2.0], "float"), ([True, False], "boolean"), (["a", "b"], "text")):
        assert table_from_arrays(np.eye(2), y).column("y").origin == origin
    assert table_from_arrays([[1, "a"], [2, "b"]]).column("x1").kind == "number"


def test_names_for_arrays():
    table = table_from_arrays(np.eye(2), [0, 1], names=["a", "b"])
    assert table.names == ("a", "b", "y")
    assert table.positional == 0
    with pytest.raises(UsageError, match="must name the 2 columns of X; received 1"):
        table_from_arrays(np.eye(2), names=["a"])


def test_shapes_that_do_not_fit():
    with pytest.raises(UsageError, match="X has 2 rows and y has 3"):
        table_from_arrays(np.eye(2), [1, 2, 3])
    with pytest.raises(UsageError, match=r"two dimensions.*received shape \(3,\).*reshape\(-1, 1\)"):
        read_table(np.zeros(3))
    with pytest.raises(UsageError, match="same number of values"):
        table_from_arrays([[1, 2], [3]])
    with pytest.raises(DataError, match="the columns differ in length"):
        read_table({"a": [1], "b": [1, 2]})


def test_values_that_cannot_be_used():
    with pytest.raises(DataError, match='the dict, row 1, column "a": a value of type list'):
        read_table({"a": [1, [2]]})
    with pytest.raises(UsageError, match='column "a" of a dict must be a sequence'):
        read_table({"a": 1})
    with pytest.raises(DataError, match="complex128"):
        read_table(np.zeros((2, 2), dtype=complex))
    with pytest.raises(DataError, match='the arrays, row 1, column "x1": infinity'):
        table_from_arrays([[1.0], [np.inf]])


def test_the_source_stays_writable_and_the_table_does_not():
    array = np.zeros((2, 2))
    table = read_table(array)
    array[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        table.columns[0].values[0] = 5
