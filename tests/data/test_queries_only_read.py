"""Queries read what the command names and nothing else, and leave every file as it was."""

from __future__ import annotations

import http.server
import os
import sqlite3
import subprocess
import sys
import threading
import time
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from chainrule.data.connections import connect, execute, what_failed
from chainrule.data.queries import files_read
from chainrule.data.query_tree import FUNCTIONS, refuse_harm
from chainrule.data.sqlite_files import opened
from chainrule.data.tables import read_table
from chainrule.errors import ChainruleError, DataError, UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of files to read and to spare; home and temporary files are in it too."""
    for name in ("home", "temporary", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "work")
    Path("data.csv").write_text("k,x\n1,10\n2,20\n")
    Path("other.csv").write_text("k,y\n1,7\n2,8\n")
    Path("precious.csv").write_text("do not touch\n1\n")
    Path("link.csv").symlink_to("precious.csv")
    Path("secret.txt").write_text("s3cr3t\n")
    pd.DataFrame({"k": [1, 2], "z": [0.5, 1.5]}).to_parquet("more.parquet")
    with sqlite3.connect("t.db") as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    connection.close()
    return tmp_path


def snapshot(folder: Path) -> dict[str, object]:
    """Every name below a folder, with what it holds."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else "a folder"
        found[str(path.relative_to(folder))] = content
    return found


ATTEMPTS = [
    # writing
    "copy (select 1) to 'precious.csv'",
    "copy data to 'new.csv'",
    "copy (select 1) to 'data.csv' (use_tmp_file false)",
    "copy (select 1) to 'parts' (format parquet, partition_by (a))",
    "with x as (copy (select 1) to 'precious.csv') select 1",
    "with x as (copy (select 1) to 'data.csv' (use_tmp_file false)) select * from x",
    "with recursive x as (copy (select 1) to 'data.csv') select * from x",
    "select (with x as (copy (select 1) to 'data.csv' (use_tmp_file false)) select count(*) from x)",
    "select * from data where exists (with x as (copy data to 'new.csv') select * from x)",
    "select * from (with x as (copy data to '/dev/stdout') select * from x)",
    "select 1 union all (with x as (copy (select 1) to 'data.csv' (use_tmp_file false)) select 1)",
    "from (pivot (with x as (copy data to 'new.csv') from data) on k in (1, 2) using sum(x))",
    "from data order by (with x as (copy (select 1) to 'new.csv') select 1)",
    "with x as (insert into data values (1, 2) returning *) select * from x",
    "with x as (delete from data returning *) select * from x",
    "export database 'exported'",
    "import database 'exported'",
    "attach 'new.db'",
    "attach 'new.db' as n; select 1",
    "attach 't.db' (type sqlite)",
    "create table t as select 1",
    "create view v as select 1",
    "create macro m() as table select 1",
    "create persistent secret s (type http)",
    "insert into data values (1, 2)",
    "update data set x = 1",
    "delete from data",
    "drop view data",
    "vacuum",
    "checkpoint",
    "select 1; copy (select 1) to 'new.csv'",
    "select 1 /* ; */ ; -- one more\ncopy (select 1) to 'new.csv'",
    "-- nothing\n/* select */ copy (select 1) to 'new.csv'",
    "explain analyze copy (select 1) to 'new.csv'",
    "prepare p as select 1",
    "execute p",
    "call enable_logging(level => 'debug', storage => 'file', storage_path => 'logs')",
    "select * from enable_logging(level => 'debug', storage => 'file', storage_path => 'logs')",
    "from enable_profiling()",
    "from json_execute_serialized_sql('{}')",
    "select * from query('select 1')",
    "select * from query('with x as (copy (select 1) to ''data.csv'') select 1')",
    "select * from query_table('precious.csv')",
    "select * from system.main.query('select 1')",
    "select * from \"query\"('select 1')",
    "select * from QUERY('select 1')",
    # settings and extensions
    "set enable_external_access = true",
    "set temp_directory = 'spilled'",
    "set log_query_path = 'log.txt'",
    "reset lock_configuration",
    "pragma enable_profiling = 'json'",
    "pragma profiling_output = 'profile.json'",
    "set extension_directory = '.'",
    "install httpfs",
    "load httpfs",
    "load './own.duckdb_extension'",
    "force install spatial from 'http://127.0.0.1:1'",
    "select getenv('HOME')",
    "from duckdb_secrets()",
    "from duckdb_settings()",
    # reading what was not named
    "from '**'",
    "from '*.csv'",
    "from 'data''.csv'",
    "from \"data\"\".csv\"",
    "from 'other.csv; copy (select 1) to new.csv'",
    "from read_csv('other.csv')",
    "from read_csv(['data.csv', 'other.csv'])",
    "from read_csv('*.csv')",
    "from read_csv('data.csv' || '/../other.csv')",
    "from read_csv_auto('secret.txt')",
    "from main.read_csv('other.csv')",
    "from read_parquet('more.parquet')",
    "from parquet_scan('*.parquet')",
    "from read_json('secret.txt')",
    "from read_text('secret.txt')",
    "from read_text('data.csv')",
    "from read_blob('secret.txt')",
    "from read_duckdb('t.db')",
    "from sniff_csv('other.csv')",
    "from parquet_metadata('more.parquet')",
    "from parquet_kv_metadata('more.parquet')",
    "from glob('*')",
    "from glob('/')",
    "from sqlite_scan('t.db', 't')",
    "from 't.db'",
    "from '/etc/passwd'",
    "from read_csv('/etc/passwd', header = false)",
    "from read_csv('~/.netrc')",
    "from read_csv('/dev/stdin')",
    "from '/dev/stdin'",
    "from read_csv('/proc/self/environ')",
    "from read_text('/proc/self/environ')",
    "from read_text('/proc/self/fd/0')",
    # the network
    "from 'http://127.0.0.1:{port}/a.csv'",
    "from 'https://127.0.0.1:{port}/a.parquet'",
    "from read_csv('http://127.0.0.1:{port}/a.csv')",
    "from read_parquet('s3://bucket/a.parquet')",
    "from 's3://bucket/a.csv'",
    "from 'hf://datasets/a/b.csv'",
    "from 'file:other.csv'",
    "from read_csv('file://{work}/other.csv')",
]  # fmt: skip


# Files that a query names as tables, which counts if nothing else is named.
TABLES = [
    "from 'other.csv'",
    "from \"other.csv\"",
    "from './other.csv'",
    "from 'data.csv/../other.csv'",
    "from '../work/other.csv'",
    "from 'link.csv'",
    "from 'oth*.csv'",
    "from 'othe?.csv'",
    "from 'othe[r].csv'",
    "from 'more.parquet'",
    "from data join 'other.csv' using (k)",
    "select x, (select max(y) from 'other.csv') from data",
    "from data where k in (select k from 'other.csv')",
    "with o as (from 'other.csv') from o",
]  # fmt: skip


@pytest.fixture
def server():
    """A server on this machine, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield served.server_address[1], asked
        served.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("given", "one_in"),
    [
        ({"source": "data.csv"}, 2),
        pytest.param({"source": "data.csv"}, 1, marks=pytest.mark.long),
        pytest.param({"source": "data.csv", "sql_files": ["t.db"]}, 1, marks=pytest.mark.long),
    ],
)
def test_no_attempt_gets_through(folder, server, given, one_in):
    port, asked = server
    before = snapshot(folder)
    assert len(ATTEMPTS + TABLES) > 100
    for attempt in ATTEMPTS[::one_in] + TABLES:
        sql = attempt.replace("{port}", str(port)).replace("{work}", str(folder / "work"))
        if given.get("sql_files") and sql == "from 't.db'":
            continue  # named now; no table for DuckDB
        with pytest.raises(ChainruleError) as caught:
            read_table(sql=sql, **given)
        assert "s3cr3t" not in str(caught.value)
        assert snapshot(folder) == before, sql
    assert asked == []


@pytest.mark.parametrize("one_in", [2, pytest.param(1, marks=pytest.mark.long)])  # the others of a plain run
def test_no_attempt_gets_through_without_a_table(folder, server, one_in):
    """Without DATA a query names its files by itself, as tables; all else is as refused as with it."""
    port, asked = server
    before = snapshot(folder)
    for attempt in ATTEMPTS[one_in - 1 :: one_in]:
        sql = attempt.replace("{port}", str(port)).replace("{work}", str(folder / "work"))
        with pytest.raises(ChainruleError):
            read_table(None, sql=sql)
        assert snapshot(folder) == before, sql
    assert asked == []
    for sql in TABLES:
        if "data" in sql:
            continue  # which is not there
        assert read_table(None, sql=sql).n_rows, sql
        with pytest.raises(UsageError, match=r"which the command does not name"):
            read_table(None, sql=sql, sql_files=[])
    assert snapshot(folder) == before


ORDINARY = {
    "select x from data": [10, 20],
    "from data select x": [10, 20],
    "SELECT x FROM 'data.csv';": [10, 20],
    "select x from './data.csv' -- a remark": [10, 20],
    "select x from data d join (select 1 as k) using (k)": [10],
    "with twice as (select x * 2 as x from data), m as materialized (from twice) select x from m": [20, 40],
    "with recursive n(x) as (select 1 union all select x + 1 from n where x < 3) select x from n": [1, 2, 3],
    "select sum(x) over (order by k) as x from data": [10, 30],
    "select x from data qualify row_number() over (order by x desc) = 1": [20],
    "select x from data order by k desc limit 50%": [20],
    "select distinct on (k) x from data order by k": [10, 20],
    "select \"1\" as x from (pivot data on k in (1, 2) using sum(x)) where \"1\" is not null": [10],
    "select v as x from (unpivot data on x into name n value v)": [10, 20],
    "select range as x from range(3)": [0, 1, 2],
    "select unnest([4, 5]) as x": [4, 5],
    "select x from read_csv('data.csv', delim = ',', header = true)": [10, 20],
    "values (3), (4)": [3, 4],
    "select list_sum(list_transform([1, 2], lambda y: y + 1)) as x": [5],
    "select x from data union all by name select k as x from data": [10, 20, 1, 2],
    "select a.x from data a, lateral (select a.k) b where exists (select 1)": [10, 20],
    "select x * 0.5 as x from data where x > 0.5": [5, 10],
    "select x::decimal(9, 1) as x from data where k::tinyint > 1": [20],
    "select length('b'::enum ('a', 'b')::varchar) as x": [1],
    "select case when x > 10 then 1 else 0 end as x from data tablesample 100%": [0, 1],
}  # fmt: skip


def test_ordinary_queries_run(folder):
    before = snapshot(folder)
    for sql, expected in ORDINARY.items():
        if "lambda" in sql and duckdb_is_old():
            continue
        assert read_table("data.csv", sql=sql).columns[0].values.tolist() == expected, sql
    assert snapshot(folder) == before


def duckdb_is_old() -> bool:
    """Whether DuckDB writes lambda functions with an arrow only."""
    import duckdb

    return tuple(map(int, duckdb.__version__.split(".")[:2])) < (1, 3)


def test_further_files_are_named(folder):
    query = "select y from data join 'other.csv' using (k)"
    with pytest.raises(UsageError, match=r'reads "other\.csv", which the command does not name.*--sql-files'):
        read_table("data.csv", sql=query)
    for files in (["other.csv"], "other.csv", [str(Path("other.csv").resolve())], ["*.csv"], [Path("other.csv")]):
        assert read_table("data.csv", sql=query, sql_files=files).column("y").values.tolist() == [7, 8]
    three = "select y + z as s from 'other.csv' join 'more.parquet' using (k)"
    assert read_table(None, sql=three, sql_files="other.csv, more.parquet").column("s").values.tolist() == [7.5, 9.5]
    assert read_table(None, sql="from read_csv('other.csv')", sql_files="other.csv").names == ("k", "y")
    assert read_table(None, sql="from 'data.csv' join 'other.csv' using (k)").names == ("k", "x", "y")
    with pytest.raises(UsageError, match=r'sql_files: no file "absent\.csv" was found'):
        read_table("data.csv", sql="from data", sql_files=["absent.csv"])
    with pytest.raises(UsageError, match="there is no query"):
        read_table("data.csv", sql_files=["other.csv"])
    with pytest.raises(UsageError, match="SQLite runs the query"):
        read_table("t.db", sql="select a from t", sql_files=["other.csv"])


def test_tables_are_found_in_any_order(folder):
    """Each by what it is: DuckDB itself knows no table by an ending such as this."""
    Path("more.parquet").rename("more.table")
    for first, second, third in permutations(["data", "'data.csv'", "'more.table'"]):
        query = f"select data.x, z from {first} join {second} using (k) join {third} using (k)"
        table = read_table("data.csv", sql=query, sql_files=["more.table"])
        assert [column.values.tolist() for column in table.columns] == [[10, 20], [0.5, 1.5]], query


def test_queries_of_any_depth_run_or_are_refused(folder):
    """By DuckDB, whose limits differ, or by the look at the tree, which is as deep."""
    for n in (3, 300, 3000):
        for nested in (
            f"select {'1 + ' * n}1 as x from data",
            f"{'select * from (' * n}from data{')' * n}",
            f"select x from data where k in ({'select k from data where k in (' * n}1{')' * n})",
        ):
            said = ""
            try:
                read_table("data.csv", sql=nested)
            except ChainruleError as error:
                said = str(error)
            assert not (said and n == 3), nested


def test_patterns_name_several_files(folder):
    Path("parts").mkdir()
    for i in range(3):
        Path(f"parts/{i}.csv").write_text(f"a\n{i}\n")
    assert read_table(None, sql="from 'parts/*.csv' order by a").columns[0].values.tolist() == [0, 1, 2]
    assert read_table(None, sql="from 'parts/[12].csv' order by a").columns[0].values.tolist() == [1, 2]
    query = "select sum(a) as s from 'parts/*.csv'"
    assert read_table(None, sql=query, sql_files=["parts/*.csv"]).columns[0].values.tolist() == [3]


def test_files_of_a_pattern_are_read_by_their_names(folder):
    for i in (7, 2, 9, 4, 0, 8, 1):
        Path(f"deep/{i % 3}").mkdir(parents=True, exist_ok=True)
        Path(f"deep/{i % 3}/{i}.csv").write_text(f"a\n{i}\n")
    wanted = [0, 9, 1, 4, 7, 2, 8]
    assert read_table(None, sql="from 'deep/**/*.csv'").columns[0].values.tolist() == wanted
    assert read_table(None, sql="from 'deep/*/*.csv'").columns[0].values.tolist() == wanted
    found = files_read("from 'deep/**/*.csv' join 'other.csv' on true")
    assert [str(path) for path in found] == [*(f"deep/{i % 3}/{i}.csv" for i in wanted), "other.csv"]


def test_the_files_that_a_query_will_read(folder):
    query = "select * from data, 'other.csv' where 'secret.txt' = 'more.parquet'"
    assert files_read(query) == [Path("other.csv")]
    assert files_read(query, with_data=True) == files_read(query, []) == files_read(query, [], with_data=True) == []
    for with_data in (False, True):
        assert files_read(query, ["m*.parquet", "data.csv"], with_data=with_data) == [
            Path("more.parquet"),
            Path("data.csv"),
        ]
    assert files_read("from 't.db' join 'secret.txt' using (k) join 'absent.csv' using (k)") == [Path("secret.txt")]
    with pytest.raises(UsageError, match="takes one query"):
        files_read("copy data to 'new.csv'")


NAMES = ["a'b.csv", 'a"b.csv', "a;b.csv", "a--b.csv", "a b.csv", "[a].csv", "a[1].csv", "a*.csv", "a?.csv", "ä.csv",
         "a\\b.csv", "a\nb.csv", "'; drop view data; --.csv", "~.csv", "http:.csv", "a%s{}.csv", "-a.csv", "a.csv.CSV",
         "noending", "data", "a.txt"]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not have")
def test_names_of_files_are_no_sql(folder):
    Path("ab.csv").write_text("v\n0\n")
    Path("a1.csv").write_text("v\n0\n")
    for i, name in enumerate(NAMES, start=1):
        Path(name).write_text(f"v\n{i}\n")
        before = snapshot(folder)
        assert read_table(name).column("v").values.tolist() == [i], name
        assert read_table(name, sql="from data").column("v").values.tolist() == [i], name
        quote = "'\""[i % 2]
        written = quote + name.replace(quote, 2 * quote) + quote
        found = read_table(None, sql=f"from {written}", sql_files=[Path(name)])
        assert found.column("v").values.tolist() == [i], name
        assert snapshot(folder) == before
        Path(name).unlink()


def test_a_file_is_copied_where_there_are_no_links(folder, monkeypatch):
    """As on Windows, for who may not make any."""

    def refused(self: Path, target: object) -> None:
        raise OSError("no privilege")

    monkeypatch.setattr(Path, "symlink_to", refused)
    Path("data.csv").rename("data[1].csv")
    Path("more.parquet").rename("more[1].parquet")
    assert read_table("data[1].csv").column("x").values.tolist() == [10, 20]
    assert read_table("more[1].parquet").column("z").values.tolist() == [0.5, 1.5]


def test_names_that_sql_does_not_tell_apart(folder):
    Path("UP.csv").write_text("v\n1\n")
    if Path("up.csv").exists():
        return  # nor does this file system
    Path("up.csv").write_text("v\n2\n")
    assert read_table(None, sql="from 'up.csv'").columns[0].values.tolist() == [2]
    assert read_table(None, sql="from 'UP.csv'").columns[0].values.tolist() == [1]
    with pytest.raises(UsageError, match="does not tell apart"):
        read_table(None, sql="from 'up.csv' union all from 'UP.csv'")


# --- SQLite ---

SQLITE_ATTEMPTS = [
    "vacuum", "vacuum into 'new.db'", "vacuum into 'precious.csv'", "attach 'new.db' as n",
    "attach 'file:new.db?mode=rwc' as n", "attach 'file:precious.csv?mode=rwc' as n", "attach ':memory:' as n",
    "attach '' as n", "detach main", "pragma writable_schema = on", "pragma journal_mode = wal",
    "pragma journal_mode = delete", "pragma query_only = off", "pragma user_version = 7", "pragma wal_checkpoint",
    "pragma temp_store_directory = '.'", "pragma table_info(t)", "select * from pragma_table_info('t')",
    "select * from pragma_database_list", "select load_extension('./own')", "select load_extension('x', 'y')",
    "select writefile('new.txt', 'a')", "select readfile('secret.txt')", "select edit('a')",
    "select fts3_tokenizer('simple')", "insert into t values (3, 'z')", "replace into t values (1, 'z')",
    "update t set a = 0", "delete from t", "drop table t", "create table n (a)", "create temp table n (a)",
    "create view v as select 1", "create temp view v as select 1", "create index i on t (a)",
    "create trigger r after insert on t begin select 1; end", "create virtual table v using fts5(a)",
    "create virtual table temp.v using dbstat", "alter table t add column c", "reindex", "analyze", "begin",
    "begin immediate", "begin exclusive", "savepoint s", "commit", "select 1; delete from t",
    "with x as (select 1) insert into t select 1, 'x'", "with x as (select 1) delete from t",
    "insert into t values (4, 'w') returning a", 
    "update sqlite_master set sql = ''", "delete from sqlite_sequence", "/* select */ delete from t",
    "-- select\ndelete from t", "select a from other.t", "", ";",
]  # fmt: skip


def test_no_attempt_gets_through_sqlite(folder):
    before = snapshot(folder)
    for sql in SQLITE_ATTEMPTS:
        with pytest.raises(ChainruleError):
            read_table("t.db", sql=sql)
        assert snapshot(folder) == before, sql


@pytest.mark.parametrize(
    ("sql", "asked"),
    [
        ("select load_extension('./own')", "function load_extension"),
        ("pragma journal_mode = wal", "pragma journal_mode"),
        ("attach 'new.db' as n", "attach"),
        ("create table n (a)", "create table n|insert sqlite_master|a change"),
        ("delete from t", "a change|transaction BEGIN"),
        ("with x as (select 1) delete from t", "a change|transaction BEGIN"),
        ("savepoint s", "savepoint"),
        ("analyze", "analyze|a change|transaction|create table|read"),
    ],
)
def test_what_sqlite_was_asked_for_is_named(folder, sql, asked):
    with pytest.raises(
        UsageError, match=rf"only reads from t\.db; SQLite was asked for more \(({asked}).*\)"
    ) as caught:
        read_table("t.db", sql=sql)
    assert repr(sql) in str(caught.value)


def test_a_long_query_of_sqlite_ends(folder):
    """Looks for Ctrl-C on the way do not end it."""
    count = "with recursive n(a) as (select 1 union all select a + 1 from n where a < 60000) select count(*) from n"
    assert read_table("t.db", sql=count).columns[0].values.tolist() == [60000]


def test_ordinary_queries_of_sqlite_run(folder):
    before = snapshot(folder)
    for sql, expected in {
        "select a from t": [1, 2],
        "SELECT a FROM t;": [1, 2],
        "with b as (select a * 2 as a from t) select a from b": [2, 4],
        "select sum(a) over (order by a) from t": [1, 3],
        "with recursive n(a) as (select 1 union all select a + 1 from n where a < 3) select a from n": [1, 2, 3],
        "select upper(b) is 'X', a from t order by random() limit 0 + 2": None,
        "select count(*) from t where b like 'x%'": [1],
        "select value from json_each('[1, 2]')": [1, 2],
    }.items():
        found = read_table("t.db", sql=sql).columns[0].values.tolist()
        assert expected is None or found == expected, sql
    assert snapshot(folder) == before


def test_virtual_tables_of_sqlite_are_read(folder):
    with sqlite3.connect("search.db") as connection:
        connection.execute("CREATE VIRTUAL TABLE boxes USING rtree (id, low, high)")
        connection.execute("INSERT INTO boxes VALUES (1, 2, 3)")
    connection.close()
    before = snapshot(folder)
    assert read_table("search.db", sql="select low from boxes where id = 1").columns[0].values.tolist() == [2]
    made = 0
    for module in ("fts5", "fts4", "fts3"):  # not every SQLite has all of them
        with sqlite3.connect(f"{module}.db") as connection:
            try:
                connection.execute(f"CREATE VIRTUAL TABLE notes USING {module} (a)")
            except sqlite3.OperationalError:
                continue
            connection.execute("INSERT INTO notes VALUES ('one two'), ('three')")
        connection.close()
        made += 1
        found = read_table(f"{module}.db", sql="select a from notes where notes match 'two'")
        assert found.column("a").values.tolist() == ["one two"]
    assert made
    for sql in ("pragma data_version = 7", "pragma page_size", "pragma user_version"):
        with pytest.raises(UsageError, match="only reads"):
            read_table("search.db", sql=sql)
    before = snapshot(folder)
    for sql in ("insert into boxes values (2, 3, 4)", "delete from boxes", "drop table boxes"):
        with pytest.raises(UsageError, match="only reads"):
            read_table("search.db", sql=sql)
    assert snapshot(folder) == before


@pytest.mark.parametrize("state", ["closed", "in use", "log left behind", "log without its index"])
def test_a_log_beside_a_database_stays_as_it_is(folder, state):
    """What is in the log counts, and reading leaves neither a log nor its index behind."""
    import shutil

    writer = sqlite3.connect("wal.db")
    writer.execute("PRAGMA journal_mode = wal")
    writer.execute("CREATE TABLE t (a)")
    writer.execute("INSERT INTO t VALUES (1)")
    writer.commit()
    name = "wal.db"
    if state == "closed":
        writer.close()
    elif state != "in use":
        name = "copy.db"
        for ending in ("", "-wal", "-shm") if state == "log left behind" else ("", "-wal"):
            shutil.copyfile(f"wal.db{ending}", f"copy.db{ending}")
    before = snapshot(folder)
    assert read_table(name).columns[0].values.tolist() == [1]
    assert read_table(name, sql="select a + 1 as a from t").columns[0].values.tolist() == [2]
    after = snapshot(folder)
    if state == "in use":  # by this very process, whose SQLite notes its readers in the index that it has in memory
        del before["work/wal.db-shm"], after["work/wal.db-shm"]
    assert after == before
    writer.close()


def test_a_journal_left_beside_a_database(folder):
    """A half-finished write is not taken for the table, nor taken back: SQLite must do that first."""
    Path("t.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(600))
    before = snapshot(folder)
    with pytest.raises(DataError, match=r"SQLite says.*A write to it was broken off"):
        read_table("t.db")
    assert snapshot(folder) == before


# --- queries that do not end ---

ENDLESS = {
    "data.csv": "select count(*) from range(10000000) a, range(10000000) b where a.range + b.range < 0",
    "t.db": "with recursive n(a) as (select 1 union all select a + 1 from n) select count(*) from n",
}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
@pytest.mark.parametrize("source", ENDLESS)
def test_a_query_that_runs_away_is_stopped_by_ctrl_c(folder, source):
    import signal

    code = (
        "import sys, chainrule.cli.main as main; import duckdb, chainrule.data.sqlite_files, chainrule.data.queries\n"
        "print('ready', flush=True); main.main(sys.argv[1:])"
    )
    before = snapshot(folder)
    command = [sys.executable, "-c", code, "train" if source == "t.db" else "info", source, "--sql", ENDLESS[source]]
    environment = {**os.environ, "TMPDIR": str(folder / "temporary")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        while process.poll() is None:  # a signal before the query has begun is answered as one within it
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                continue
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read().strip()) == (130, b"Interrupted.")
    assert snapshot(folder) == before


def test_an_interrupted_statement_has_ended_before_its_connection_closes(monkeypatch):
    class Connection:
        """Executes a statement until it is told not to, and takes a moment to end."""

        def __init__(self) -> None:
            self.told, self.ended = threading.Event(), False

        def execute(self, statement: str) -> None:
            self.told.wait()
            time.sleep(0.2)
            self.ended = True

        def interrupt(self) -> None:
            self.told.set()

    class Interrupted(threading.Event):
        """Ctrl-C comes at the first wait."""

        def wait(self, timeout: float | None = None) -> bool:
            if not connection.told.is_set():
                raise KeyboardInterrupt
            return super().wait(timeout)

    class Thread(threading.Thread):
        def start(self) -> None:
            assert self.daemon  # so that a statement that does not end keeps no program from ending
            super().start()

    connection = Connection()
    here = SimpleNamespace(Event=Interrupted, Thread=Thread)
    monkeypatch.setattr("chainrule.data.connections.threading", here)
    with pytest.raises(KeyboardInterrupt):
        execute(connection, "select 1")
    assert connection.ended


def test_what_duckdb_says_is_one_line_that_can_be_printed():
    assert what_failed(ValueError(" Binder: x\x1b \0. \nLINE 1")) == r"Binder: x\x1b \x00."
    assert what_failed(ValueError("é at \udcff...\n")) == r"é at \udcff."


# --- the two guards, each by itself ---


def test_duckdb_itself_refuses_what_was_not_named(folder):
    """Without the look at the query's tree: the connection alone."""
    import duckdb

    before = snapshot(folder)
    with connect(Path("data.csv")) as (connection, (name,)):
        assert connection.execute("SELECT count(*) FROM read_csv(?)", [name]).fetchone() == (2,)
        for statement in (
            "COPY (SELECT 1) TO 'precious.csv'",
            "COPY (SELECT 1) TO 'new.csv' (USE_TMP_FILE false)",
            "FROM read_csv('other.csv')",
            "FROM read_text('secret.txt')",
            "FROM glob('*')",
            "ATTACH 'new.db'",
            "EXPORT DATABASE 'exported'",
            "LOAD httpfs",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SET allowed_paths = ['/']",
            "RESET lock_configuration",
            "FROM read_csv('http://127.0.0.1:1/a.csv')",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
    assert snapshot(folder) == before


def test_sqlite_itself_refuses_what_changes(folder):
    """Without the look at what a statement asks for: the connection alone."""
    before = snapshot(folder)
    with opened(Path("t.db"), []) as connection:
        connection.set_authorizer(None)
        for statement in ("ATTACH ':memory:' AS n", "ATTACH 'new.db' AS n", "DELETE FROM t", "CREATE TABLE n (a)"):
            with pytest.raises(sqlite3.Error, match=r"too many attached|readonly"):
                connection.execute(statement)
        for setting, value in {"query_only": 1, "temp_store": 2, "trusted_schema": 0}.items():
            assert connection.execute(f"PRAGMA {setting}").fetchone() == (value,)
        assert connection.execute("PRAGMA mmap_size").fetchone() in ((0,), None)
    assert snapshot(folder) == before


def test_the_tree_alone_refuses_what_writes(folder):
    """Without the connection's limits: a plain connection that could write anywhere, asked about every attempt."""
    import duckdb

    with duckdb.connect() as connection:
        writing = ATTEMPTS[: ATTEMPTS.index("set enable_external_access = true")]
        for sql in writing:
            with pytest.raises(ChainruleError):
                refuse_harm(connection, sql)
        for sql in ORDINARY:
            if not ("lambda" in sql and duckdb_is_old()):
                refuse_harm(connection, sql)
        every = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'table'"
        )
        others = {row[0] for row in every.fetchall()} - set(FUNCTIONS)
        assert {"glob", "read_text", "read_blob", "query"} <= others
        for name in others:
            with pytest.raises(UsageError, match="is not allowed"):
                refuse_harm(connection, f'from "{name}"()')


@pytest.mark.parametrize("sql", ["select '\udcff'", "select 1 as a, '\0'", "\0", "from 'a\0b.csv'", ""])
@pytest.mark.parametrize("source", ["data.csv", "t.db", None])
def test_queries_that_are_no_text(folder, source, sql):
    try:
        read_table(source, sql=sql)
    except ChainruleError:
        pass
    else:
        assert "\0" in sql
