"""Reading a large table shows how far it is, on standard error; a quiet command and a small table do not."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from chainrule.cli import reading_progress
from chainrule.cli.main import main
from chainrule.data import watching
from chainrule.data.connections import connect


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of which every look at the progress is told."""
    path = tmp_path / "t.csv"
    rows = np.random.default_rng(0).normal(size=(20_000, 40))
    np.savetxt(path, rows, fmt="%.4f", delimiter=",", header=",".join(f"c{i}" for i in range(40)), comments="")
    monkeypatch.setattr(watching, "FIRST", 0.001)
    monkeypatch.setattr(watching, "THEN", 0.001)
    monkeypatch.setattr(reading_progress, "SECONDS", 0.0)
    # As DuckDB's newest version tells it; its oldest that is supported does not know.
    monkeypatch.setattr(watching, "share_done", lambda connection: 0.43)
    return str(path)


def run(*args: str) -> int | None:
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    return ended.value.code


def test_it_is_told_beside_the_result(table, capsys):
    assert not run("info", table)
    said = capsys.readouterr()
    assert set(said.err.splitlines()) == {"Reading: 43%"}
    assert "Reading" not in said.out


def test_a_quiet_command_says_nothing(table, capsys, tmp_path):
    assert not run("train", table, "-q", "--epochs", "1", "--no-report", "-o", str(tmp_path / "m.safetensors"))
    assert capsys.readouterr().err == ""


def test_in_a_terminal_one_line_changes_and_goes(table, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(reading_progress, "is_terminal", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    assert not run("info", table)
    written = terminal.getvalue()
    assert "\rReading:  43%" in written
    assert written.endswith("\r")
    assert "\n" not in written


def test_a_small_table_is_read_without(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert not run("info", str(tmp_path / "t.csv"))
    assert capsys.readouterr().err == ""


def test_duckdb_tells_a_share_or_that_it_does_not_know(tmp_path):
    class Connection:
        def query_progress(self):
            return 43

    assert watching.share_done(Connection()) == 0.43
    with connect() as (connection, _):
        connection.execute("SELECT sum(range) FROM range(1000)").fetchall()
        assert watching.share_done(connection) <= 1
