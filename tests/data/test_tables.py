"""Sources of tables: files of each kind, SQL, built-in names, and what is said when there is none."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import threading
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import stored
from chainrule.data.builtin_tables import STORED, builtin_names, is_truth_table, read_builtin
from chainrule.data.columns import name_list
from chainrule.data.tables import Column, Table, read_table
from chainrule.errors import DataError, ModelFileError, UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- columns and tables ---


def test_long_lists_are_cut():
    names = [f"n{i}" for i in range(21)]
    assert name_list(names[:20]) == ", ".join(names[:20])
    assert name_list(names) == ", ".join(names[:20]) + " and 1 more"
    with pytest.raises(ModelFileError, match=r"received '(a{78})'\. The file"):
        stored.flag("a" * 78, "it")
    with pytest.raises(ModelFileError, match=r"received '(a{76})\.\.\.\. The file"):
        stored.flag("a" * 79, "it")


def test_numbers_as_text():
    column = Column("a", "number", np.array([1.0, -2.5, 1e20, np.nan, 0.0]))
    assert column.as_text().values.tolist() == ["1", "-2.5", "1e+20", None, "0"]
    assert Column("a", "number", np.array([1, 0]), origin="boolean").as_text().values.tolist() == ["true", "false"]
    assert Column("a", "number", np.array([1, 0.5]), origin="date").as_text().values.tolist() == [
        "1970-01-02",
        "1970-01-01T12:00:00",
    ]


@given(st.lists(st.integers(-(10**14), 10**14), min_size=1))
def test_whole_numbers_as_text_have_no_point(numbers):
    column = Column("a", "number", np.array(numbers, dtype=float))
    assert column.as_text().values.tolist() == [str(n) for n in numbers]


def test_rows_keep_their_numbers():
    table = read_table({"a": [10, 20, 30], "b": ["x", "y", "z"]}).take([2, 0])
    assert table.column("b").values.tolist() == ["z", "x"]
    assert table.at(0, "a") == 'the dict, row 2, column "a"'
    assert table.take(np.array([True, False])).row_numbers.tolist() == [2]


def test_an_unknown_column_is_named_with_its_neighbour():
    with pytest.raises(DataError, match=r'wine has no column "alchol"\. Did you mean "alcohol"'):
        read_table("wine").column("alchol")


def test_a_table_is_returned_as_it_is():
    table = read_table("xor")
    assert read_table(table) is table
    assert read_table(table, as_text="y").column("y").kind == "text"


# --- files ---


def test_parquet(folder):
    frame = pl.DataFrame(
        {
            "whole": [1, 2, None],
            "number": [1.5, None, 2.5],
            "name": ["a", None, "c"],
            "yes": [True, False, None],
            "day": pl.Series(["1970-01-02", None, "1970-01-04"]).str.to_date(),
            "list": [[1], [2], [3]],
        }
    )
    frame.write_parquet("t.parquet")
    table = read_table("t.parquet")
    np.testing.assert_array_equal(table.column("whole").values, [1, 2, np.nan])
    np.testing.assert_array_equal(table.column("number").values, [1.5, np.nan, 2.5])
    assert table.column("name").values.tolist() == ["a", None, "c"]
    np.testing.assert_array_equal(table.column("yes").values, [1, 0, np.nan])
    np.testing.assert_array_equal(table.column("day").values, [1, np.nan, 3])
    origins = [column.origin for column in table.columns]
    assert origins == ["integer", "float", "text", "boolean", "date", "text"]
    assert "read as text" in table.column("list").note
    assert table.row_numbers.tolist() == [1, 2, 3]
    (folder / "named-otherwise").write_bytes((folder / "t.parquet").read_bytes())
    assert read_table("named-otherwise").names == table.names
    (folder / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=r"broken\.parquet cannot be read"):
        read_table("broken.parquet")


def test_times_with_and_without_a_zone_in_parquet(folder):
    moments = pd.to_datetime(["1970-01-01T06:00"])
    pd.DataFrame({"plain": moments, "zone": moments.tz_localize("Etc/GMT-6")}).to_parquet("t.parquet")
    table = read_table("t.parquet")
    assert table.column("plain").values.tolist() == [0.25]
    assert table.column("zone").values.tolist() == [0.0]


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.json"])
def test_json(folder, name):
    records = [{"a": 1, "b": "x", "c": True}, {"a": 2.5, "b": None}]
    lines = "\n".join(json.dumps(record) for record in records)
    Path(name).write_text(json.dumps(records) if name == "t.json" else lines)
    table = read_table(name)
    assert table.column("a").values.tolist() == [1, 2.5]
    assert table.column("b").values.tolist() == ["x", None]
    np.testing.assert_array_equal(table.column("c").values, [1, np.nan])


def test_json_that_is_no_table(folder):
    Path("t.json").write_text('{"a": [1, 2], "b": [3, 4]}')
    with pytest.raises(DataError, match="one record whose values are lists"):
        read_table("t.json")
    Path("t.json").write_text('{"a": [1, 2], "b": 3}')
    assert [column.kind for column in read_table("t.json").columns] == ["text", "number"]
    Path("t.json").write_text('[{"a": [1, 2]}, {"a": [3]}]')
    assert read_table("t.json").column("a").values.tolist() == ["[1, 2]", "[3]"]
    Path("t.json").write_text('{"a": ')
    with pytest.raises(DataError, match=r"t\.json cannot be read"):
        read_table("t.json")


@pytest.mark.parametrize(("name", "other"), [("t[1].csv", "t1.csv"), ("t*.csv", "tt.csv"), ("t?.csv", "t2.csv")])
def test_file_names_are_no_patterns(folder, name, other):
    Path(other).write_text("a,b\n5,6\n")
    Path(name).write_text("a,b\n1,2\n")
    assert read_table(name).column("a").values.tolist() == [1]
    assert read_table(name, sql="SELECT b FROM data").column("b").values.tolist() == [2]


def sqlite_file(tables: int = 1) -> None:
    connection = sqlite3.connect("t.db")
    for i in range(1, tables + 1):
        connection.execute(f'CREATE TABLE t{i} (a INTEGER, "b c" REAL, d TEXT)')
        connection.executemany(f"INSERT INTO t{i} VALUES (?, ?, ?)", [(i, 1.5, "x"), (None, None, None)])
    connection.commit()
    connection.close()


def test_sqlite(folder):
    sqlite_file()
    table = read_table("t.db")
    assert table.names == ("a", "b c", "d")
    np.testing.assert_array_equal(table.column("a").values, [1, np.nan])
    assert table.column("d").values.tolist() == ["x", None]
    joined = read_table("t.db", sql="SELECT a * 2 AS twice FROM t1 WHERE a IS NOT NULL")
    assert joined.column("twice").values.tolist() == [2]


def test_sqlite_with_several_tables(folder):
    sqlite_file(3)
    with pytest.raises(UsageError, match=r"t\.db has 3 tables: t1, t2, t3. Name one: --sqlite-table t1"):
        read_table("t.db")
    assert read_table("t.db", sqlite_table="t2").column("a").values[0] == 2
    with pytest.raises(UsageError, match=r'has no table "t22"\. Did you mean "t2"'):
        read_table("t.db", sqlite_table="t22")


def test_sqlite_problems(folder):
    sqlite_file(0)
    sqlite3.connect("t.db").execute("PRAGMA user_version = 1").connection.close()
    with pytest.raises(DataError, match="without tables"):
        read_table("t.db")
    sqlite_file(1)
    with pytest.raises(DataError, match="SQLite says: no such column"):
        read_table("t.db", sql="SELECT absent FROM t1")
    with pytest.raises(DataError, match=r"t\.db has no rows"):
        read_table("t.db", sql="SELECT a, d FROM t1 WHERE a > 100")
    with pytest.raises(UsageError, match=r"--sql only reads from t\.db"):
        read_table("t.db", sql="DROP TABLE t1")
    Path("t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="sqlite_table is for SQLite files"):
        read_table("t.csv", sqlite_table="t1")


def test_sql_over_files(folder):
    Path("a.csv").write_text("k,x\n1,10\n2,20\n")
    Path("b.csv").write_text("k,y\n2,z\n1,w\n")
    query = "SELECT x, y FROM 'a.csv' JOIN 'b.csv' USING (k) ORDER BY k;"
    table = read_table(None, sql=query)
    assert table.column("x").values.tolist() == [10, 20]
    assert table.column("y").values.tolist() == ["w", "z"]
    assert read_table("a.csv", sql="SELECT x FROM data WHERE x > 10").column("x").values.tolist() == [20]
    with pytest.raises(DataError, match=r"the SQL query failed: .*The query: SELEC"):
        read_table(None, sql="SELEC")
    with pytest.raises(DataError, match="the SQL query has no rows"):
        read_table(None, sql="SELECT * FROM 'a.csv' WHERE k > 5")
    with pytest.raises(UsageError, match="sql works on files"):
        read_table(pd.DataFrame({"a": [1]}), sql="SELECT a FROM data")


def test_sql_does_not_see_python_variables(folder):
    frame = pd.DataFrame({"a": [1]})
    with pytest.raises(DataError, match="the SQL query failed"):
        read_table(None, sql="SELECT * FROM frame")
    assert len(frame) == 1


def test_dates_of_json_are_those_of_other_files(folder):
    record = {"d": "1970-01-02", "slash": "1970/01/03", "us": "01-13-2020", "zone": "2020-01-01T00:00:00+02:00"}
    Path("t.jsonl").write_text(json.dumps(record) + "\n")
    Path("t.csv").write_text(",".join(record) + "\n" + ",".join(record.values()) + "\n")
    for name in ("t.jsonl", "t.csv"):
        table = read_table(name)
        assert [column.values[0] for column in table.columns] == [1, 2, 18274, 18262 - 2 / 24]
        assert table.notes == (
            'Dates were read as days since 1970-01-01 in "d", "slash", "us", "zone".',
            'Dates were read with the month first in "us".',
        )


def test_what_is_read_as_text_and_what_that_is_called(folder):
    query = """SELECT 'a' AS t, uuid() AS u, [1] AS l, {'k': 1} AS s,
               TIME '12:00' AS c, INTERVAL 1 DAY AS i, 'a'::BLOB AS b, 1 AS n, '1'::FLOAT AS f, true AS y"""
    notes = {column.name: column.note for column in read_table(None, sql=query).columns}
    assert all(notes[name] == "" for name in "tunfy")
    assert all(notes[name].endswith("values, read as text") for name in "lsb")
    kinds = {column.name: column.origin for column in read_table(None, sql=query).columns}
    assert (kinds["c"], kinds["i"]) == ("time", "duration")
    assert notes["l"] == "integer[] values, read as text"
    Path("t.jsonl").write_text('{"j": {"k": 1}}\n{"j": "x"}\n')
    column = read_table("t.jsonl").column("j")
    assert (column.values.tolist(), column.note) == (['{"k":1}', "x"], "")


def test_text_that_a_query_returns(folder):
    query = "SELECT '1970/01/02' AS d, '1,5' AS n, '1,500' AS grouped, '007' AS code"
    table = read_table(None, sql=query)
    assert [column.values[0] for column in table.columns] == [1, 1.5, "1,500", "007"]
    assert table.notes == (
        'Commas were read as decimal points in "n".',
        'Dates were read as days since 1970-01-01 in "d".',
    )
    whole = read_table(None, sql="SELECT '2,0' AS n, '0,5' AS f UNION ALL SELECT '3', NULL")
    assert [column.origin for column in whole.columns] == ["integer", "float"]
    assert read_table(None, sql="SELECT '12' AS n").column("n").kind == "text"
    assert read_table(None, sql=query, as_text=["n"]).column("n").values.tolist() == ["1,5"]
    assert read_table(None, sql="SELECT NULL::VARCHAR AS n").column("n").kind == "text"


@pytest.mark.parametrize(
    "option",
    [{"decimal": ","}, {"delimiter": ";"}, {"encoding": "utf-8"}, {"header": True}, {"sqlite_table": "t"},
     {"missing_tokens": ("nil",)}],
)  # fmt: skip
def test_options_that_a_query_passes_by(option):
    with pytest.raises(UsageError, match=f"{next(iter(option))} would have no effect on the result of sql"):
        read_table(None, sql="SELECT 1 AS a", **option)


# --- standard input and pipes ---


class Input:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input(monkeypatch, name):
    monkeypatch.setattr("sys.stdin", Input(b"a;b\n1,5;2\n"))
    table = read_table(name)
    assert table.source == "standard input"
    assert table.column("a").values.tolist() == [1.5]
    monkeypatch.setattr("sys.stdin", Input(b"a,b\n1,2\n"))
    assert read_table(name, sql="SELECT b FROM data").column("b").values.tolist() == [2]
    monkeypatch.setattr("sys.stdin", Input(b""))
    with pytest.raises(DataError, match="standard input is empty"):
        read_table(name)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="no standard input"):
        read_table(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe(folder):
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text("a,b\n1,2\n3,4\n"))
    writer.start()
    table = read_table("pipe")
    writer.join()
    assert table.source == "pipe"
    assert table.column("b").values.tolist() == [2, 4]
    writer = threading.Thread(target=lambda: Path("pipe").write_text("a,b\n1,2\n3,4\n"))
    writer.start()
    assert read_table("pipe", sql="select sum(b) as s from 'pipe'").column("s").values.tolist() == [6]
    writer.join()


# --- names ---


def test_a_file_goes_before_a_built_in_table(folder):
    assert read_table("xor").source == "xor"
    with pytest.raises(UsageError, match='sql works on files; "xor" is a built-in table'):
        read_table("xor", sql="select y from data")
    Path("xor").write_text("a,b\n1,2\n")
    assert read_table("xor").names == ("a", "b")
    assert read_table("xor", sql="select b from data").column("b").values.tolist() == [2]


def test_what_cannot_be_found(folder):
    Path("prices.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r'no file "price\.csv" was found') as caught:
        read_table("price.csv")
    assert 'Did you mean "prices.csv"? Built-in tables: xor' in str(caught.value)
    with pytest.raises(UsageError, match='Did you mean "wine"'):
        read_table("wien")
    with pytest.raises(UsageError, match=r'name\. Did you mean the built-in "iris"\? Built-in'):
        read_table("iris.csv")
    with pytest.raises(UsageError, match=r"name\. Built-in"):
        read_table("nothing of the kind")
    with pytest.raises(UsageError, match="a value of type set"):
        read_table({1, 2})
    with pytest.raises(UsageError, match="is a folder"):
        read_table(folder)
    with pytest.raises(UsageError, match="use --sql"):
        read_table("SELECT 1")
    with pytest.raises(UsageError, match=r"Name a table \(a file or a built-in name\), or give --sql"):
        read_table(None)
    with pytest.raises(UsageError, match="a value of type int"):
        read_table(5)
    with pytest.raises(UsageError, match="an empty list"):
        read_table([])
    with pytest.raises(DataError, match="has no columns"):
        read_table({})
    with pytest.raises(DataError, match="has no rows"):
        read_table(pd.DataFrame({"a": []}))
    Path("t.xls").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match="Save the sheet as CSV"):
        read_table("t.xls")


# --- built-in tables ---


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_tables_are_complete(name):
    table = read_table(name)
    assert table.n_rows >= 4
    assert not any(column.missing.any() for column in table.columns)
    assert table.whole == is_truth_table(name)


@pytest.mark.parametrize("name", STORED)
def test_built_in_tables_are_read_as_files_are(name):
    path = resources.files("chainrule.data").joinpath("builtin", STORED[name])
    for known, column in zip(read_builtin(name).columns, read_table(path).columns, strict=True):
        assert (known.name, known.kind, known.origin) == (column.name, column.kind, column.origin)
        assert known.values.tolist() == column.values.tolist()


def test_truth_tables():
    def rows(name: str) -> list:
        return np.column_stack([column.values for column in read_builtin(name).columns]).astype(int).tolist()

    assert rows("xor") == [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert rows("and") == [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 1]]
    assert rows("or") == [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    parity = np.array(rows("parity-5"))
    assert parity.shape == (32, 6)
    assert len(np.unique(parity, axis=0)) == 32
    assert (parity[:, :-1].sum(axis=1) % 2 == parity[:, -1]).all()
    assert rows("parity-2") == rows("xor")


@pytest.mark.parametrize("name", ["parity-1", "parity-13", "parity-", "wines"])
def test_unknown_built_in_tables(name):
    with pytest.raises(UsageError, match="is unknown"):
        read_builtin(name)


@pytest.mark.parametrize(
    ("name", "load", "first_class"),
    [
        ("wine", sklearn.datasets.load_wine, 1),
        ("digits", sklearn.datasets.load_digits, 0),
        ("diabetes", lambda: sklearn.datasets.load_diabetes(scaled=False), 0),
    ],
)
def test_built_in_tables_agree_with_scikit_learn(name, load, first_class):
    bunch = load()
    table = read_table(name)
    X = np.column_stack([column.values for column in table.columns[:-1]])
    np.testing.assert_allclose(X, bunch.data, rtol=5e-16)  # NumPy's readers differ in the last bit
    np.testing.assert_array_equal(table.columns[-1].values, bunch.target + first_class)


def test_iris_agrees_with_scikit_learn():
    bunch = sklearn.datasets.load_iris()
    table = read_table("iris")
    np.testing.assert_array_equal(np.column_stack([c.values for c in table.columns[:-1]]), bunch.data)
    assert table.column("species").values.tolist() == bunch.target_names[bunch.target].tolist()


def test_tables_without_columns_or_with_bad_names():
    assert isinstance(Table([Column("a", "number", np.zeros(1))], "t").columns, tuple)
    lengths = [Column(f"c{i}", "number", np.zeros(min(i, 1))) for i in range(25)]
    with pytest.raises(DataError, match=r'differ in length \("c0" 0, "c1" 1, .*"c19" 1\)\. They must'):
        Table(lengths, "t")
    with pytest.raises(DataError, match="column 1 has no name"):
        Table((Column("", "number", np.zeros(1)),), "t")
