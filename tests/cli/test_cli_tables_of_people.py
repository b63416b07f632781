"""Tables as people have them, through `info`, `check`, `train` and `predict`: read rightly, or refused with advice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainrule.cli.main import main

ROWS = range(60)
TRAIN_NUMBERS = "x,y\n" + "".join(f"{i},{2 * i}\n" for i in ROWS)
TRAIN_DATES = "day,y\n" + "".join(f"20{10 + i // 12}-{1 + i % 12:02}-{1 + i % 28:02},{i}\n" for i in ROWS)


class Said:
    """What a command left: its exit code, and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(args))
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(int(ended.value.code or 0), said.out, said.err)

    return call


# Name, content, and what `info --json` says of its columns: (kind, different values) or what the refusal says.
TABLES = {
    "decimal commas prove thousands": (
        "a;people;km;rent\n" + "".join(f"c{i % 9};{8 + i % 9}.{100 + i};{i},5;{i}\n" for i in ROWS),
        {"people": ("number", "8100 to 16153"), "km": ("number", "0.5")},
    ),
    "thousands or decimals": (
        "city\tpop\tprice\n" + "".join(f"c{i}\t{1 + i},{602 + i}\t{i}\n" for i in ROWS),
        'column "pop": "1,602" is 1,602 if commas mark thousands',
    ),
    "thousands or decimals in quotation marks": (
        'a,b\n"1,200",1\n"7,000",2\n5,3\n',
        'column "a": "1,200" is 1,200 if commas mark thousands',
    ),
    "codes like numbers": ("id,y\n" + "".join(f"{i:05}E{i % 10},{i}\n" for i in ROWS), {"id": ("text", "00000E0")}),
    "one bad date": (TRAIN_DATES.replace("2012-02-26", "n.d."), 'row 27, column "day": "n.d." is not a date'),
    "dates of pandas": (
        TRAIN_DATES.replace(",", " 10:00:00+00:00,").replace("day 10:00:00+00:00", "day"),
        {"day": ("date", "2010-01-01T10:00:00 to 2014-12-04T10:00:00")},
    ),
    "dollars": ("usd,y\n" + "".join(f"${1.25 * i:.2f},{i}\n" for i in ROWS), {"usd": ("number", "0 to 73.75")}),
    "spellings": ("x,t\n" + "".join(f"{i},{('Yes', 'yes', 'No')[i % 3]}\n" for i in ROWS), {"t": ("text", "No")}),
    "names again": ("name,city\nA,X\nB,Y\nname,city\nC,Z\n", {"name": ("text", "A, B, C")}),
    "a space before a quotation mark": (
        'a, b\n1, "x, y"\n2, "z"\n',
        {"a": ("number", "1 to 2"), "b": ("text", "x, y")},
    ),
    "sep": ("sep=;\nOne;Two\n1;2\n5;6\n", {"One": ("number", "1 to 5")}),
    "a title": ("File: report\nDate: 2024-01-01\n\nname,age\nA,25\nB,30\n", {"age": ("number", "25 to 30")}),
    "comments": ("# made by tool\na,b,c\n1,2,3\n4,5,6\n", {"a": ("number", "1 to 4")}),
    "aligned": ("a   b    c\n1   2    3\n10  20   30\n", {"c": ("number", "3 to 30")}),
    "one column": ('x\n1\n""\n3\n', {"x": ("number", "1 to 3")}),
}


@pytest.mark.parametrize("table", TABLES)
def test_what_info_and_check_say(run, table):
    text, wanted = TABLES[table]
    Path("t.csv").write_text(text)
    info, check = run("info", "t.csv", "--json"), run("check", "t.csv")
    if isinstance(wanted, str):
        assert info.code == 2
        assert wanted in info.err
        assert check.code == 1
        assert wanted.split(":")[0] in " ".join(check.out.split())
        return
    assert info.code == 0
    columns = {row["column"]: row for row in json.loads(info.out)["columns"]}
    for name, (kind, values) in wanted.items():
        assert columns[name]["kind"] == kind
        assert values in columns[name]["values"]
    assert "t.csv" in check.out


@pytest.mark.parametrize(
    ("train", "new", "wanted"),
    [
        (TRAIN_NUMBERS, 'x\n1\n""\n3\n', 3),
        (TRAIN_NUMBERS, "x\ty\n1,200\t1\n950\t2\n", '"1,200" is 1,200 if commas mark thousands'),
        (TRAIN_NUMBERS, "x;note\n1.200;a\n950;b\n", '"1.200" is 1,200 if points mark thousands'),
        (TRAIN_NUMBERS, "x\n2012-01-31\n", "was read as dates here, but this column was read as numbers in training"),
        (TRAIN_NUMBERS, "x\nseven\n", '"seven" is not a number, but this column was read as numbers in training'),
        (TRAIN_DATES, "day\n20120605\n", "was read as numbers here, but this column was read as dates in training"),
        (TRAIN_DATES, "day\n05/06/2012\n", '"05/06/2012" has 2 readings'),
        (TRAIN_DATES, "day\nsoon\n", '"soon" is not a date, but this column was read as dates in training'),
        (TRAIN_DATES, "day\n2012-06-05\n2012-06-06T12:00\n", 2),
    ],
)
def test_what_predict_does(run, train, new, wanted):
    Path("t.csv").write_text(train)
    Path("n.csv").write_text(new)
    assert run("train", "t.csv", "-q", "--no-report", "--epochs", "2").code == 0
    said = run("predict", "t.safetensors", "n.csv")
    if isinstance(wanted, str):
        assert said.code == 2
        assert wanted in said.err
        assert "row 2, column" in said.err
        assert said.out == ""
    else:
        assert said.code == 0
        assert len(said.out.splitlines()) == wanted + 1


def test_many_states_are_learnt(run):
    states = [f"S{i}" for i in range(51)]
    rows = [(state, x, 3 * i % 7 + x) for i, state in enumerate(states) for x in range(20)]
    Path("t.csv").write_text("state,x,y\n" + "".join(f"{s},{x},{y}\n" for s, x, y in rows))
    said = run("train", "t.csv", "--no-report", "--json", "--seed", "0", "--task", "regression")
    assert json.loads(said.out)["test"]["r2"] > 0.95


def test_the_advice_for_missing_words_ends(run):
    Path("t.csv").write_text("a,y\n" + "".join(f"{i},{i}\n" for i in ROWS) + "nil,1\nNA,2\n")
    said = run("train", "t.csv", "-q", "--no-report", "--epochs", "2")
    assert said.code == 2
    assert '--missing-tokens "nil"' in said.err
    said = run("train", "t.csv", "-q", "--no-report", "--epochs", "2", "--missing-tokens", "nil")
    assert (said.code, said.err) == (0, "")


def test_gaps_are_told_by_column(run):
    Path("t.csv").write_text(
        "a,b,y\n" + "".join(f"{i if i % 5 else ''},{'xy'[i % 2] if i % 7 else ''},{i}\n" for i in ROWS)
    )
    said = run("train", "t.csv", "--no-report", "--epochs", "2")
    assert said.code == 0
    assert 'Missing values: "a" 12 (median ' in said.out
    assert '"b" 9 (a node of their own); --missing refuse forbids it.' in said.out
