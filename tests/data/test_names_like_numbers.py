"""Text that begins like a number: labels with their number, lists of numbers, and names of columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.data.columns import Table
from chainrule.data.tables import read_table
from chainrule.errors import DataError


def table(folder: Path, text: str) -> Table:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path)


LABELS = [
    ["1. White", "2. Black", "3. Asian"],
    ["1. < HS Grad", "2. HS Grad", "3. Some College"],
    ["2. Middle Atlantic", "2. Middle Atlantic"],
    ["1. kg", "2. kg", "3. kg"],
    ["1 Yes", "2 No", "3 Perhaps"],
    ["1) low", "2) high"],
    ["1 - low", "2 - high"],
    ["4 doors", "convertible", "2 wheels"],
    ["1st", "2nd", "3rd"],
    ["18-24", "25-34", "65+"],
    ["10,000 to 20,000", "20,000 to 30,000"],
]


@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: labels[0])
def test_labels_with_their_number_are_names(labels: list[str], tmp_path: Path) -> None:
    rows = "".join(f'"{label}",{i}\n' for i, label in enumerate(labels * 5))
    column = table(tmp_path, "label,y\n" + rows).column("label")
    assert (column.kind, column.values.tolist()) == ("text", labels * 5)


def test_another_word_among_numbers_of_one_unit_is_a_mistake(tmp_path: Path) -> None:
    rows = "".join(f"{i} rolls,{i}\n" for i in range(1, 20))
    assert table(tmp_path, "amount,y\n" + rows).column("amount").values.tolist() == [*range(1, 20)]
    with pytest.raises(DataError, match='row 21, column "amount": "20 boxes"'):
        table(tmp_path, "amount,y\n" + rows + "20 boxes,20\n")


@pytest.mark.parametrize("cell", ["${}", "{} %", "{}.50 kg", "{} rolls"])
def test_a_mistake_among_numbers_with_a_unit_is_the_cell_that_is_named(cell: str, tmp_path: Path) -> None:
    rows = "".join(f"{cell.format(i)},{i}\n" for i in range(1, 20))
    with pytest.raises(DataError, match=r'row 21, column "amount": "unclear" is not a number\. Clean the cell'):
        table(tmp_path, "amount,y\n" + rows + "unclear,20\n")


@given(st.integers(6, 60), st.integers(100, 900))
def test_a_list_of_numbers_is_no_number(tmp_path_factory: pytest.TempPathFactory, length: int, first: int) -> None:
    """What pandas writes of lists that were joined: read with marks of thousands, it would be a giant, or infinite."""
    folder = tmp_path_factory.mktemp("lists")
    lists = [",".join(str(first + (i + j) % 99) for j in range(length)) for i in range(5)]
    column = table(folder, "waves,y\n" + "".join(f'"{cells}",{i}\n' for i, cells in enumerate(lists))).column("waves")
    assert (column.kind, column.values.tolist()) == ("text", lists)


def test_fifteen_digits_in_groups_are_a_number(tmp_path: Path) -> None:
    text = 'debt,y\n"123,456,789,012,345",1\n"950,000,000,000",2\n'
    assert table(tmp_path, text).column("debt").values.tolist() == [123456789012345, 950000000000]


@pytest.mark.parametrize(
    ("names", "odd"),
    [
        ('CN01,001,"Autauga County, AL",2009,"23,288",9.7', '"001", "23,288", "9.7"'),
        ("a,1.5,b,c,d,e", '"1.5"'),
        ("country,1990,1991,1992,1993,1994", ""),
        ("a,0,1,2,3,4", ""),
        ("a,5 km,12 %,1st,b2,c", ""),
    ],
)
def test_names_that_look_like_values_are_said(names: str, odd: str, tmp_path: Path) -> None:
    notes = table(tmp_path, names + '\nCN02,003,"Baldwin County, AL",2009,81,9.8\n').notes
    said = [note for note in notes if "look like values" in note]
    assert len(said) == bool(odd)
    if odd:
        assert f"some look like values: {odd}; --no-header" in said[0]


@pytest.mark.parametrize("form", ["{}h {}m", "{}h{}m", "{} hours {} min", "{} hrs, {} minutes"])
def test_durations_in_words(form: str, tmp_path: Path) -> None:
    rows = "".join(f'"{form.format(i % 5, 7 * i % 60)}",{i}\n' for i in range(20))
    column = table(tmp_path, "took,y\n" + rows + "45m,20\n2h,21\n").column("took")
    assert column.origin == "duration"
    assert column.values.tolist() == [*(i % 5 * 3600 + 7 * i % 60 * 60 for i in range(20)), 2700, 7200]
    with pytest.raises(DataError, match='row 22, column "took": "unclear" is not a duration'):
        table(tmp_path, "took,y\n" + rows + "unclear,20\n")


def test_one_unit_alone_stays_a_number(tmp_path: Path) -> None:
    column = table(tmp_path, "long,y\n45m,1\n3m,2\n").column("long")
    assert (column.origin, column.values.tolist()) == ("integer", [45, 3])


def test_minutes_after_training_on_durations_are_seconds(tmp_path: Path) -> None:
    rows = [f"{i % 4}h {5 * i % 60}m" for i in range(40)]
    (tmp_path / "old.csv").write_text(
        "took,y\n" + "".join(f"{row},{i}\n" for i, row in enumerate(rows)), encoding="utf-8"
    )
    model = cr.train(tmp_path / "old.csv", epochs=2)
    (tmp_path / "new.csv").write_text("took\n45m\n50m\n", encoding="utf-8")
    assert model.read(tmp_path / "new.csv").column("took").values.tolist() == [2700, 3000]
