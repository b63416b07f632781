"""Tables that are in memory already: every library's types, and arrays."""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.frames import pandas_column, table_from_object
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
            "some": pd.Categorical([3, None]),
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
    check(table.column("some"), "number", "integer", [3, None])
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


@pytest.mark.parametrize(
    "X", [[[1, 2], [3, 4]], [[1, 0.5], [3, 4]], [[True, False], [False, False]], [[1, "a"], [2, "b"]]]
)
def test_nested_lists_are_arrays(X):
    """Numbers as NumPy takes them; beside text each column keeps what it holds."""
    found = table_from_arrays(X, X).columns
    array = np.array(X, dtype=object if any("a" in row for row in X) else None)
    for column, wanted in zip(found, table_from_arrays(array, array).columns, strict=True):
        assert (column.name, column.kind, column.origin) == (wanted.name, wanted.kind, wanted.origin)
        assert column.values.tolist() == wanted.values.tolist()
    assert [column.kind for column in found[:2]] == ["number", "text" if X[0][1] == "a" else "number"]


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
        (pd.DataFrame({"a": [1, 2]}), pd.Series([1, 2], name="whatever"), ("a", "whatever")),
        (pd.DataFrame({"a": [1, 2]}), pd.Series([1, 2]), ("a", "y")),
        (np.zeros((2, 1)), pl.Series("price", [1, 2]), ("x1", "price")),
        (np.zeros((2, 1)), pl.Series([1, 2]), ("x1", "y")),
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
    assert table_from_arrays(np.eye(2), [0, 1]).positional == 2
    assert table_from_arrays(pd.DataFrame(np.eye(2), columns=["a", "b"]), [0, 1]).positional == 0
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


def test_a_target_that_is_among_the_inputs():
    frame = pd.DataFrame({"a": [1, 2], "price": [3, 4]})
    with pytest.raises(UsageError, match='the target "price" is among the inputs: X has a column of that name'):
        table_from_arrays(frame, frame["price"])


def test_numbers_beyond_float64():
    with pytest.raises(DataError, match='the dict, row 1, column "a": a number of more than 308 digits'):
        read_table({"a": [1.5, 10**400]})


def test_the_arrays_are_plural():
    with pytest.raises(DataError, match=r'^the arrays have no column "z"'):
        table_from_arrays([[1, 2]], [3]).column("z")


# --- dates in text ---


def test_dates_in_text_are_days_whatever_the_source():
    days = ["1970-01-02", "1970/01/03", None]
    sources = (
        {"d": days, "x": [1, 2, 3]},
        [{"d": day, "x": 1} for day in days],
        pd.DataFrame({"d": days}),
        pl.DataFrame({"d": days}),
        pa.table({"d": days}),
    )
    for source in sources:
        table = read_table(source)
        check(table.column("d"), "number", "date", [1, 2, None])
        assert table.notes == ('Dates were read as days since 1970-01-01 in "d".',)
    pair = table_from_arrays(pd.DataFrame({"d": days[:2]}), [0, 1])
    check(pair.column("d"), "number", "date", [1, 2])
    assert pair.notes


def test_moments_in_text():
    table = read_table({"t": ["1970-01-01T12:00Z", "1970-01-02 06:00:00.123456789", "1969-12-31"]})
    assert table.column("t").values.tolist() == pytest.approx([0.5, 1.25 + 0.123456 / 86_400, -1])


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-30",
        "2020-13-01",
        "2020-01/02",
        "20200102",
        "2020-01-01 10:0012",
    ],
)
def test_other_dates_stay_text(text):
    table = read_table({"d": ["2020-01-01", text]})
    assert table.column("d").values.tolist() == ["2020-01-01", text]
    assert table.notes == ()


def test_dates_that_are_wanted_as_names_keep_their_spelling():
    assert read_table({"d": ["2020/01/01"]}, as_text=["d"]).column("d").values.tolist() == ["2020/01/01"]


# --- to pandas ---


def test_to_pandas_and_back():
    table = read_table(
        {
            "whole": [1, 2],
            "gap": [1, None],
            "number": [1.5, 2.0],
            "flag": [True, False],
            "doubt": [True, None],
            "day": [DAY, None],
            "name": ["a", None],
            "huge": [10**20, 1],
        }
    )
    frame = table.take([1, 0]).to_pandas()
    assert frame.index.tolist() == [1, 0]
    assert [str(frame[name].dtype) for name in ("whole", "gap", "flag", "day")] == [
        "int64", "float64", "bool", "datetime64[us]",
    ]  # fmt: skip
    assert frame["huge"].dtype == pd.Series(["text"]).dtype  # a type of its own since pandas 3
    again = read_table(frame)
    for column in table.take([1, 0]).columns:
        found = again.column(column.name)
        assert found.kind == column.kind
        np.testing.assert_array_equal(found.values, column.values)


def test_to_pandas_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="to_pandas needs pandas"):
        read_table("xor").to_pandas()


NUMBERS = [np.bool_, np.int8, np.int64, np.uint64, np.float32, np.float64]
OTHERS = {
    "masked": lambda rng, n: pd.array([None, *rng.integers(9, size=n - 1)], dtype="Int64"),
    "masked floats": lambda rng, n: pd.array([None, *rng.random(n - 1)], dtype="Float64"),
    "boolean": lambda rng, n: pd.array([None, *rng.integers(2, size=n - 1)], dtype="boolean"),
    "text": lambda rng, n: [None, *map(str, rng.integers(9, size=n - 1))],
    "categories": lambda rng, n: pd.Categorical([*map(str, rng.integers(9, size=n))]),
    "moments": lambda rng, n: pd.to_datetime(rng.integers(10**9, size=n), unit="s"),
    "objects": lambda rng, n: np.array([None, *rng.integers(9, size=n - 1)], dtype=object),
    "sparse": lambda rng, n: pd.arrays.SparseArray(rng.integers(2, size=n).astype(float)),
}


@settings(max_examples=settings.default.max_examples // 2)
@given(
    kinds=st.lists(st.sampled_from([*NUMBERS, *OTHERS]), min_size=1, max_size=8),
    n=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_columns_of_a_frame_are_read_together_as_each_alone(kinds, n, seed):
    rng = np.random.default_rng(seed)
    made = [
        OTHERS[kind](rng, n) if isinstance(kind, str) else (rng.standard_normal(n) * 1e18).astype(np.int64).astype(kind)
        for kind in kinds
    ]
    frame = pd.DataFrame({f"c{k}": values for k, values in enumerate(made)})
    found = table_from_object(frame).columns
    assert [column.name for column in found] == list(frame.columns)
    for column in found:
        alone = pandas_column(column.name, frame[column.name])
        assert (column.kind, column.origin, column.note) == (alone.kind, alone.origin, alone.note)
        np.testing.assert_array_equal(column.values, alone.values)
        assert column.values.dtype == alone.values.dtype
