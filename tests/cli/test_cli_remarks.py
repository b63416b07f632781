"""What predict, evaluate and explain say beside their result: how rows were read, and what training did not have."""

from __future__ import annotations

import pytest

ROWS = 60
SAID = (
    'Commas were read as decimal points in "area"',
    'Passed over, as training did not have it: "note".',
    "The columns stand in another order",
    'Missing values: "rooms" 1 (median 3).',
    'count as none of those it had: "town" 1 cell ("Köln"); --unknown refuse forbids it.',
    'Outside the range of the table of training: "area" 1 cell (50 to 109; the furthest is 400.5).',
)


@pytest.fixture
def trained(cli):
    lines = [f"{50 + i};{'Ulm' if i % 3 else 'Bonn'};{1 + i % 5};{2 * i + i % 5}" for i in range(ROWS)]
    (cli.folder / "flats.csv").write_text("\n".join(["area;town;rooms;price", *lines]), "utf-8")
    said = cli("train", "flats.csv", "--epochs", 3, "--no-report")
    assert said.code == 0
    (cli.folder / "new.csv").write_text("note;town;area;rooms;price\nx;Köln;70,5;;90\ny;Ulm;400,5;2;70\n", "utf-8")
    return cli


@pytest.mark.parametrize(
    "command",
    [("predict", "flats.safetensors", "new.csv"), ("evaluate", "flats.safetensors", "new.csv"),
     ("explain", "flats.safetensors", "new.csv", "z[1][1]"), ("predict", "flats.safetensors", "new.csv", "--json"),
     ("evaluate", "flats.safetensors", "new.csv", "--json"),
     ("explain", "flats.safetensors", "new.csv", "z[1][1]", "--format", "json")],
)  # fmt: skip
def test_everything_odd_is_said_beside_the_result(trained, command):
    answer = trained(*command)
    assert answer.code == 0
    lines = answer.err.splitlines()
    for words in SAID:
        assert sum(words in line for line in lines) == 1, words
    assert len(lines) == len(SAID)
    assert not any(words in answer.out for words in SAID)
    if "json" in command[-1]:
        assert isinstance(answer.json, dict)


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_nothing_is_said_of_the_table_of_training(trained, command):
    answer = trained(command, "flats.safetensors", "flats.csv")
    assert (answer.code, answer.err) == (0, "")


def test_a_model_of_dates_refuses_numbers_and_other_text(cli):
    days = "\n".join(f"2010-{1 + i % 12:02}-{1 + i % 28:02},{i % 9}.5" for i in range(ROWS))
    (cli.folder / "days.csv").write_text(f"day,y\n{days}\n")
    assert (
        "Inputs read as dates: day (3 nodes: elapsed days, week)."
        in cli("train", "days.csv", "--epochs", 2, "--no-report").out
    )
    for cell, words in (("20120605", "20120605 was read as numbers here, but"), ("soon", '"soon" is not a date, but')):
        (cli.folder / "new.csv").write_text(f"day\n{cell}\n")
        message = cli.refused("predict", "days.safetensors", "new.csv")
        assert f'new.csv, row 2, column "day": {words} this column was read as dates in training' in message
        assert "Write dates as 2012-01-31" in message


def test_gaps_are_counted_by_every_command_that_trains_or_checks(cli):
    cells = [f"{'' if i % 6 == 0 else 20 + i % 5},{'' if i % 7 == 0 else 'ab'[i % 2]},{i % 5}.5" for i in range(ROWS)]
    (cli.folder / "gaps.csv").write_text("\n".join(["age,cabin,y", *cells]))
    note = 'Missing values: "age" 10 (median 22, and a node that says so), "cabin" 9 (a node of their own); '
    note += "--missing refuse forbids it."
    assert note in cli("train", "gaps.csv", "--epochs", 2, "--no-report").out
    assert note in " ".join(cli("check", "gaps.csv").out.split())
    assert note in cli("crossval", "gaps.csv", "--epochs", 2, "--folds", 2).err
    message = cli.refused("train", "gaps.csv", "--missing", "refuse")
    assert "Complete them, or use --missing indicate (the median, and a node that says so)" in message


def test_rows_without_a_target_are_left_out_and_that_is_said(cli):
    cells = [f"{i},{'' if i == 7 else i % 5 + 0.5}" for i in range(ROWS)]
    (cli.folder / "few.csv").write_text("\n".join(["x,y", *cells]))
    answer = cli("train", "few.csv", "--epochs", 2, "--no-report")
    assert "Left out 1 row without a target." in answer.out
    assert "the target is missing" in cli.refused("train", "few.csv", "--missing", "refuse")


def test_evaluate_says_that_rows_without_a_target_are_left_out(cli):
    (cli.folder / "gaps.csv").write_text(
        "x,y\n" + "".join(f"{i},{2 * i if i % 7 else ''}\n" for i in range(60)), "utf-8"
    )
    assert cli("train", "gaps.csv", "--epochs", 3, "--no-report").code == 0
    said = cli("evaluate", "gaps.safetensors", "gaps.csv")
    assert (said.code, "rows 51" in said.out, said.err) == (0, True, "Left out 9 rows without a target.\n")
