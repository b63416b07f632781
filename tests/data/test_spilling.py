"""Temporary files, of DuckDB and of pipes: how much of the disk they may fill, and that nothing of them stays."""

from __future__ import annotations

import io
import threading
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from chainrule.data.tables import read_table
from chainrule.errors import DataError, UsageError


@pytest.fixture
def little_disk(tmp_path, monkeypatch):
    """Temporary files stand below tmp_path: a function that sets how much of the disk is free."""

    def disk(free: int) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=free))

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return disk


@pytest.fixture
def little_room(little_disk, monkeypatch):
    """DuckDB has 8 MB of memory, too."""
    import duckdb

    def connection(*args, config, opened=duckdb.connect):
        return opened(*args, config=config | {"memory_limit": "8MB"})

    monkeypatch.setattr("duckdb.connect", connection)
    return little_disk


NO_ROOM = "it needs more room than there is, in memory and on 50% of the free disk under .*TMPDIR"
SPILLING = {
    "a result": "select random() as x from range(3000000)",
    "a cross join": "select a.range * b.range as x from range(3000) a, range(1000) b",
    "a sort": "select hash(range) as x from range(1000000) order by x",
}


@pytest.mark.parametrize(
    "what", ["a result", *(pytest.param(what, marks=pytest.mark.long) for what in SPILLING if what != "a result")]
)
def test_a_query_that_runs_away_does_not_fill_the_disk(tmp_path, little_room, what):
    """With room for what it spills it ends well; with little, of which half may be filled, it is refused."""
    sql = SPILLING[what]
    little_room(200_000_000)
    assert read_table(None, sql=sql).n_rows >= 500_000
    little_room(8_000_000)
    with pytest.raises(DataError, match=f"the SQL query failed: {NO_ROOM}.*The query: select") as caught:
        read_table(None, sql=sql)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_query_leaves_nothing_of_what_it_spilled(tmp_path, little_room, monkeypatch):
    seen = []

    class Interrupted(threading.Event):
        """Ctrl-C comes once something has been spilled."""

        def wait(self, timeout: float | None = None) -> bool:
            if not seen:
                seen.extend(path for path in tmp_path.rglob("*.tmp") if path.stat().st_size)
                if seen:
                    raise KeyboardInterrupt
                timeout = 0.01
            return super().wait(timeout)

    here = SimpleNamespace(Event=Interrupted, Thread=threading.Thread)
    monkeypatch.setattr("chainrule.data.connections.threading", here)
    little_room(10**12)
    with pytest.raises(KeyboardInterrupt):
        read_table(None, sql="select a.range from range(1000000) a, range(1000000) b")
    assert seen
    assert list(tmp_path.iterdir()) == []


def test_lines_of_json_that_need_more_room_than_there_is(tmp_path, tmp_path_factory, little_room):
    file = tmp_path_factory.mktemp("tables") / "big.jsonl"
    pl.DataFrame({"x": np.random.default_rng(0).random(1_200_000)}).write_ndjson(file)
    little_room(0)
    with pytest.raises(DataError, match=f"cannot be read: {NO_ROOM}"):
        read_table(file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["big.csv", "big.parquet"])
def test_text_and_parquet_need_no_room(tmp_path, tmp_path_factory, little_room, name):
    file = tmp_path_factory.mktemp("tables") / name
    frame = pl.DataFrame({"x": np.random.default_rng(0).random(300_000), "y": 1})
    {"csv": frame.write_csv, "parquet": frame.write_parquet}[file.suffix[1:]](file)
    little_room(0)
    assert read_table(file).n_rows == 300_000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("endless", [False, True])
def test_standard_input_does_not_fill_the_disk(tmp_path, little_disk, monkeypatch, endless):
    content = b"a,b\n" + b"1,2\n" * 9

    class Source(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return content if endless else super().read(size)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Source(content)))
    little_disk(2 * len(content))
    if not endless:
        assert read_table("-").n_rows == 9
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Source(content + b"3")))
    with pytest.raises(UsageError, match=r"^standard input holds more than 50% of the free disk under .*TMPDIR"):
        read_table("-")
    assert list(tmp_path.iterdir()) == []
