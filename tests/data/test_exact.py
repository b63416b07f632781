"""What must not be changed on the way in: long codes, masked cells, other files than the one named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.tables import Column, Table, table_from_arrays
from chainrule.errors import UsageError

LONG = [9007199254740993, 9007199254740997] * 20


def test_long_whole_numbers_stay_digit_for_digit(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("x,id\n" + "".join(f"{i},{code}\n" for i, code in enumerate(LONG)))
    tables = [cr.read_table(path), *(cr.read_table({"x": np.arange(40), "id": ids}) for ids in (LONG, np.array(LONG)))]
    for table in tables:
        assert table.column("id").kind == "text"
        assert table.column("id").values.tolist() == [str(code) for code in LONG]
        assert any("15 digits" in note for note in table.notes)
    assert set(cr.train(path, epochs=1).predict(path)) <= {str(code) for code in LONG}


WHOLE = {
    "pandas": pd.DataFrame,
    "pandas, with gaps": lambda columns: pd.DataFrame(columns, dtype="Int64").assign(name="a"),
    "a pandas series": lambda columns: table_from_arrays(np.zeros((3, 1)), pd.Series(columns["id"], dtype="Int64")),
    "polars": pl.DataFrame,
    "Arrow": pa.table,
    "a dict": dict,
    "Parquet": lambda columns: pl.DataFrame(columns).write_parquet("t.parquet") or "t.parquet",
    "JSON": lambda columns: pl.DataFrame(columns).write_ndjson("t.jsonl") or "t.jsonl",
    "SQL": lambda columns: " union all ".join(f"select {v or 'NULL'}::HUGEINT as id" for v in columns["id"]),
}


@pytest.mark.parametrize("source", WHOLE)
def test_whole_numbers_of_every_source_are_exact_or_text(source, tmp_path, monkeypatch):
    """Beyond 2^53 float64 takes neighbours for one number, so that two customers would become one."""
    monkeypatch.chdir(tmp_path)
    gap = 5 if source == "pandas" else None  # its plain whole numbers know no gaps
    for sign in (1, -1):
        for most, kind in ((7, "number"), (2**53, "number"), (2**53 + 1, "text")):
            written = {"id": [sign * most, gap, sign * (most - 2)]}
            made = WHOLE[source](written)
            table = cr.read_table(None, sql=made) if source == "SQL" else cr.read_table(made)
            column = next(column for column in table.columns if column.name in ("id", "y"))
            assert (column.kind, column.origin) == (kind, "integer" if kind == "number" else "text")
            assert [None if gap else int(v) for v, gap in zip(column.values, column.missing, strict=True)] == written[
                "id"
            ]


@pytest.mark.parametrize(
    ("number", "dtype"),
    [(107, "int64"), (2**53, "int64"), (-(2**53), "int64"), (2**53 + 2, "float64"), (-1e300, "float64")],
)
def test_whole_numbers_are_given_back_as_such_where_they_are_exact(number, dtype):
    column = Column("n", "number", np.array([7.0, number]), "", "integer")
    frame = Table((column,), "t").to_pandas()
    assert str(frame["n"].dtype) == dtype
    assert frame["n"].tolist() == [7, number]


@given(st.lists(st.integers(-(2**53), 2**53) | st.floats(allow_infinity=False), min_size=1))
@example([-0.0])
@example([0.0, -0.0, 1e15, 1e15 - 1, 1234567890123456.0, 1e16, -1e16, 1e16 - 2])
def test_numbers_as_names_are_those_of_the_numbers(numbers):
    """No name of a whole number has a point, and every name is read back as its number."""
    names = cr.read_table({"a": np.array(numbers, dtype=float)}).column("a").as_text().values.tolist()
    for number, name in zip(numbers, names, strict=True):
        assert (name is None) == (number != number)
        if name is not None:
            assert float(name) == number
            assert not name.endswith(".0")
            assert name == str(int(number)) or not float(number).is_integer() or abs(number) >= 1e16


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_long_whole_numbers_of_either_sign(dtype):
    limit = 2**53  # above it float64 does not tell neighbours apart
    signs = (1,) if dtype is np.uint64 else (1, -1)
    for sign in signs:
        for most, kind in ((limit, "number"), (limit + 1, "text")):
            column = cr.read_table({"a": np.array([0, sign * most], dtype=dtype)}).column("a")
            assert (column.kind, int(column.values[1])) == (kind, sign * most)


def test_masked_cells_are_missing():
    X = np.ma.masked_array([[1.0, 999.0], [2.0, 3.0], [4.0, 5.0]], mask=[[0, 1], [0, 0], [0, 0]])
    table = cr.read_table(X)
    assert table.columns[1].missing.tolist() == [True, False, False]
    y = np.ma.masked_array([1.0, 2.0], mask=[1, 0])
    with pytest.raises(cr.DataError, match="the target is missing"):
        cr.train(np.array([[1.0], [2.0]]), y, missing="refuse", validation=0, test=0)
    with pytest.raises(cr.DataError, match="missing"):
        cr.train(X, [0, 1, 1], missing="refuse", validation=0, test=0)
    with pytest.raises(UsageError, match="masked arrays are not taken"):
        cr.forward(cr.Network.dense([2, 1], seed=0), X)


def test_no_target_and_options_without_effect():
    X = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(UsageError, match="no target"):
        cr.train(X, np.zeros((40, 0)))
    with pytest.raises(UsageError, match="have no effect on arrays"):
        cr.train(X, X[:, 0], delimiter=";")


def test_a_tilde_is_no_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for folder, value in (("home", 1), ("~", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text(f"a,b\n{value},0\n")
    assert cr.read_table("~/t.csv").column("a").values.tolist() == [2]


@pytest.mark.parametrize(
    "sql",
    ["select 1 as a; copy (select 1) to 'out.csv'", "copy (select 1) to 'out.csv'", "create table t (a int)", ""],
)
def test_sql_is_one_query_that_only_reads(sql, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="takes one query"):
        cr.read_table(None, sql=sql)
    assert list(tmp_path.iterdir()) == []
    assert cr.read_table(None, sql="with t as (select 1 as a, 2 as b) from t;").n_rows == 1


def test_names_with_commas_are_quoted():
    assert EncodingPlan(target='"y,z"', ignore='"a,b", c').target == ("y,z",)
    assert EncodingPlan(ignore='"a,b", c').ignore == ("a,b", "c")
    assert EncodingPlan(ignore="a,b").ignore == ("a", "b")
