"""What is said of a query that SQLite does not answer with a table."""

import sqlite3

import pytest

import chainrule as cr
from chainrule import ChainruleError


@pytest.mark.parametrize(
    "query", ["reindex", "", "-- nothing", "select * from", "select * from nowhere", "select 1; select 2"]
)
def test_a_query_without_a_table(tmp_path, query):
    path = tmp_path / "one.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE one (a REAL, b REAL)")
    connection.close()
    with pytest.raises(ChainruleError) as refused:
        cr.read_table(path, sql=query)
    assert ".." not in str(refused.value).replace(str(path), "")
    assert "has no columns" not in str(refused.value)


@pytest.mark.parametrize("query", ["select * from data", "select * from one join data using (a)"])
def test_a_table_of_another_name(tmp_path, query):
    path = tmp_path / "one.db"
    with sqlite3.connect(path) as connection:
        connection.executescript("CREATE TABLE one (a REAL, b REAL); CREATE VIEW two AS SELECT a FROM one")
    connection.close()
    with pytest.raises(cr.UsageError, match=r"one.db has no table data. .* by their own names: one, two"):
        cr.read_table(path, sql=query)
