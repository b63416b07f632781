"""What must not be changed on the way in: long codes, masked cells, other files than the one named."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.data.encoding_plan import EncodingPlan
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
        cr.train(np.array([[1.0], [2.0]]), y, validation=0, test=0)
    with pytest.raises(cr.DataError, match="missing"):
        cr.train(X, [0, 1, 1], validation=0, test=0)
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
