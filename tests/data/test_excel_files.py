"""Sheets of Excel files, written here by hand: the format is XML in a zip archive."""

from __future__ import annotations

import datetime
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from chainrule.data.tables import read_table
from chainrule.errors import ChainruleError, UsageError

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
FORMATS = {datetime.datetime: 1, datetime.time: 2, datetime.timedelta: 3}


def cell(value: object, column: int, row: int) -> str:
    where = f"{'ABCDEFGH'[column]}{row}"
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{where}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, bool):
        return f'<c r="{where}" t="b"><v>{int(value)}</v></c>'
    days = {
        datetime.datetime: lambda v: (v - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1),
        datetime.time: lambda v: (v.hour * 60 + v.minute) / 1440,
        datetime.timedelta: lambda v: v / datetime.timedelta(days=1),
    }.get(type(value))
    style = FORMATS.get(type(value), 0)
    return f'<c r="{where}" s="{style}"><v>{days(value) if days else value}</v></c>'


def write(path: Path, **sheets: list[list[object]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"></Types>')
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" Type="{OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        names = "".join(f'<sheet name="{name}" sheetId="{i + 1}" r:id="r{i}"/>' for i, name in enumerate(sheets))
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
        )
        parts = "".join(
            f'<Relationship Id="r{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(len(sheets))
        )
        styles = f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/>'
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships">{parts}{styles}</Relationships>',
        )
        formats = "".join(f'<xf numFmtId="{number}"/>' for number in (0, 22, 20, 46))
        archive.writestr(
            "xl/styles.xml", f'<styleSheet xmlns="{MAIN}"><cellXfs count="4">{formats}</cellXfs></styleSheet>'
        )
        for i, rows in enumerate(sheets.values()):
            text = "".join(
                f'<row r="{r}">{"".join(cell(value, c, r) for c, value in enumerate(row))}</row>'
                for r, row in enumerate(rows, start=1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{i}.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{text}</sheetData></worksheet>'
            )
    return path


ROWS = [
    ["size", "place", "day", "at", "took", "open"],
    [1.5, "north", datetime.datetime(1970, 1, 2, 12), datetime.time(7, 30), datetime.timedelta(hours=30), True],
    [None, "south & <east>", datetime.datetime(1970, 1, 3), datetime.time(18, 45), datetime.timedelta(hours=1), False],
    [],
    [3, "north", None, datetime.time(12), datetime.timedelta(hours=2), True],
]


def test_a_sheet(tmp_path):
    table = read_table(write(tmp_path / "t.xlsx", prices=ROWS))
    assert table.names == tuple(ROWS[0])
    assert table.row_numbers.tolist() == [2, 3, 5]
    kinds = [column.origin for column in table.columns]
    assert kinds == ["float", "text", "date", "time", "duration", "boolean"]
    assert table.column("size").missing.tolist() == [False, True, False]
    assert table.column("place").values.tolist() == ["north", "south & <east>", "north"]
    assert table.column("day").values[:2] == pytest.approx([1.5, 2])
    assert table.column("at").values == pytest.approx([7.5, 18.75, 12])
    assert table.column("took").values == pytest.approx([30 * 3600, 3600, 7200])


def test_an_index_as_pandas_writes_it_is_no_input(tmp_path):
    rows = [[None, "size", "place"], [0, 1.5, "north"], [1, 3, "south"]]
    table = read_table(write(tmp_path / "t.xlsx", s=rows))
    assert table.names == ("size", "place")
    assert table.column("size").values.tolist() == [1.5, 3]
    assert "t.xlsx has no name: it was taken for row names and left out." in table.notes[0]


def test_which_sheet(tmp_path):
    path = write(tmp_path / "t.xlsx", prices=ROWS, notes=[["a"], [1]])
    with pytest.raises(UsageError, match=r"has several sheets\. Name one with --sheet: prices, notes"):
        read_table(path)
    with pytest.raises(UsageError, match='has no sheet "price"'):
        read_table(path, sheet="price")
    assert read_table(path, sheet="notes").names == ("a",)
    path.rename(tmp_path / "renamed.csv")
    assert read_table(tmp_path / "renamed.csv", sheet="notes").names == ("a",)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], 'the sheet "s" is empty'),
        ([["a", None], [1, 2]], "column 2 has no name"),
        ([[1, 2], [3, 4]], "the first row holds values"),
        ([["a", "a"], [3, 4]], 'the name "a" occurs twice'),
        ([["a", "b"]], "has no rows"),
    ],
)
def test_what_is_no_table(tmp_path, rows, said):
    with pytest.raises(ChainruleError, match=said):
        read_table(write(tmp_path / "t.xlsx", s=rows))


def test_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(UsageError, match=r"needs python-calamine\. Run: pip install 'chainrule\[excel\]'"):
        read_table(write(tmp_path / "t.xlsx", s=ROWS))
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="sheet is for Excel files"):
        read_table(tmp_path / "t.csv", sheet="s")
