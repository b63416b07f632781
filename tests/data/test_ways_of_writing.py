"""Small texts as people and programs write them, one for each rule: what is read, or what the refusal says."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pytest
from backports import zstd

from chainrule.data.tables import Table, read_table
from chainrule.errors import ChainruleError


def read(folder: Path, text: str | bytes, name: str = "t.csv", **options) -> Table:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, **options)


def lines(*cells: object, header: str = "a;b") -> str:
    """A table of two columns with these cells in the first."""
    return header + "\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells))


READ = {
    # Marks of decimals and thousands.
    "decimal commas": (lines("1,5", "2,25"), [1.5, 2.25]),
    "decimal commas with three digits among others": (lines("1,500", "2,25"), [1.5, 2.25]),
    "a zero before the mark": (lines("0,125", "4,602"), [0.125, 4.602]),
    "four digits before the mark": (lines("1234.567", "4.602"), [1234.567, 4.602]),
    "several marks": (lines("1,234,567", "4,602"), [1234567, 4602]),
    "both marks": (lines("1,234.50", "4,602"), [1234.5, 4602]),
    "both marks, the other way round": (lines("1.234,50", "4.602"), [1234.5, 4602]),
    "another column has decimal commas": ("a;b\n8.505;1,5\n950;2,5\n", [8505, 950]),
    "another column has decimal points": ("a;b\n8,505;1.5\n950;2.5\n", [8505, 950]),
    "another column has decimal points, for points": ("a;b\n8.505;1.5\n9.050;2.5\n", [8.505, 9.05]),
    "apostrophes": (lines("1'234", "950"), [1234, 950]),
    "spaces": (lines("1 234", "950"), [1234, 950]),
    "narrow spaces": (lines("1\u202f234,5", "950"), [1234.5, 950]),
    "India": (lines("12,34,567", "1,000"), [1234567, 1000]),
    "signs": (lines("-1,5", "+2,5", "\u22123,5"), [-1.5, 2.5, -3.5]),
    "brackets for minus": (lines("(1,234.50)", "7.00"), [-1234.5, 7]),
    # Money, percent, units.
    "dollars": (lines("$1.25", "$ 10.00", "-$3.00"), [1.25, 10, -3]),
    "euros": (lines("1,25 €", "10,00 €"), [1.25, 10]),
    "codes of currencies": (lines("USD 5", "USD 7"), [5, 7]),
    "percent": (lines("12 %", "7.5%"), [12, 7.5]),
    "kilograms": (lines("3.5 kg", "12 kg"), [3.5, 12]),
    "a unit that we do not know": (lines("3 widgets", "12 widgets"), [3, 12]),
    "millions": (lines("1,5 Mio", "2 Mio"), [1.5e6, 2e6]),
    "thousands and millions": (lines("950", "1.2k", "2.3M"), [950, 1200, 2.3e6]),
    "square metres": (lines("82 m2", "61 m²".replace("²", "2")), [82, 61]),
    # Dates, times, durations.
    "ISO": (lines("1970-01-02", "1970-01-03"), [1, 2]),
    "ISO with a time": (lines("1970-01-02 12:00", "1970-01-03T06:00:00"), [1.5, 2.25]),
    "what pandas writes": (lines("1970-01-02 12:00:00+00:00", "1970-01-03 00:00:00+00:00"), [1.5, 2]),
    "zones": (lines("1970-01-02T12:00:00+02:00", "1970-01-02T12:00:00-0500"), [1 + 10 / 24, 1 + 17 / 24]),
    "day first": (lines("31/01/1970", "02/01/1970"), [30, 1]),
    "month first": (lines("01/31/1970", "01/02/1970"), [30, 1]),
    "points": (lines("31.1.1970", "2.1.1970"), [30, 1]),
    "month names": (lines("2 Jan 1970", "January 3, 1970", "4-Jan-1970"), [1, 2, 3]),
    "German months": (lines("2. Januar 1970", "1. März 1970"), [1, 59]),
    "years and months": (lines("1970-01", "1970-03"), [0, 59]),
    "times of day": (lines("7:30", "18:45", "12:00"), [7.5, 18.75, 12]),
    "halves of the day": (lines("7:30 AM", "6:45 pm", "12:00 AM"), [7.5, 18.75, 0]),
    "durations": (lines("1:00:00", "25:30:00"), [3600, 91800]),
    "durations of pandas": (lines("0 days 10:00:00", "1 days 00:00:01.500000"), [36000, 86401.5]),
    "ISO durations": (lines("PT1H30M", "P1DT1S"), [5400, 86401]),
    # Codes and names.
    "zeros before": (lines("007", "12"), ["007", "12"]),
    "exponents that are none": (lines("0001E4", "0002E5"), ["0001E4", "0002E5"]),
    "codes with letters among them": (lines("0012", "00A3", "0014"), ["0012", "00A3", "0014"]),
    "more digits than a number holds": (lines("9007199254740993", "9007199254740995"),
                                        ["9007199254740993", "9007199254740995"]),
    "a letter before": (lines("A12", "A13"), ["A12", "A13"]),
    "rooms": (lines("101a", "102b"), ["101a", "102b"]),
    "versions": (lines("1.2.3", "1.10.0"), ["1.2.3", "1.10.0"]),
    "versions like dates": (lines("1.2.13", "1.3.14"), ["1.2.13", "1.3.14"]),
    "sizes": (lines("10x20", "30x40"), ["10x20", "30x40"]),
    "footnotes": (lines("(1)", "(2)"), ["(1)", "(2)"]),
    # Layout.
    "Excel's own line": ("sep=|\na|b\n1|2\n", [1]),
    "comments": ("# by hand\n# twice\na,b\n1,2\n3,4\n", [1, 3]),
    "a title": ("Sales of 2024\n\na,b\n1,2\n3,4\n", [1, 3]),
    "names in a comment": ("# by hand\n#a,b\n1,2\n3,4\n", [1, 3]),
    "names in a comment, aligned": ("# a   b\n  1   2\n 10  20\n", [1, 10]),
    "a title above sentences": ("Report\n\na|b\n1 000,0|x, y\n1,5|z, z\n", [1000, 1.5]),
    "aligned": ("a    b\n1    2\n10  20\n", [1, 10]),
    "a space before quotation marks": ('a, b\n1, "x, y"\n2, "z"\n', [1, 2]),
    "a delimiter at each end": ("a,b,\n1,2,\n3,4,\n", [1, 3]),
    "a delimiter at the end of rows": ("a,b\n1,2,\n3,4,\n", [1, 3]),
    "R's names of rows": ("a b\nr1 1 2\nr2 3 4\n", [1, 3]),
    "the names again": ("a,b\nx,y\na,b\nz,w\n", ["x", "z"]),
    "the names again, among numbers": ("a,b\n1,2\na,b\n3,4\n", [1, 3]),
    "units below the names": ("a,b\nkg,m\n1,2\n3,4\n", [1, 3]),
    "units in brackets": ("a,b\n[kg],\n1,2\n3,4\n", [1, 3]),
    "no byte order mark": ("a,b\n1,ä\n".encode("utf-16-le"), [1]),
    "no byte order mark, the other way round": ("a,b\n1,ä\n".encode("utf-16-be"), [1]),
    "one column with an empty cell": ('a\n1\n""\n3\n', [1, None, 3]),
    "a comment above rows without names": ("# by hand\n1,2\n3,4\n", [1, 3], "column1"),
    "Excel's own line above rows without names": ("sep=;\n1;2\n3;4\n", [1, 3], "column1"),
    "Mac's line ends": ("a,b\r1,2\r3,4\r", [1, 3]),
}  # fmt: skip


@pytest.mark.parametrize("way", READ)
def test_what_is_read(tmp_path, way):
    text, wanted, *named = READ[way]
    column = read(tmp_path, text).column(*(named or ["a"]))
    found = [None if gone else value for value, gone in zip(column.values.tolist(), column.missing, strict=True)]
    assert (
        found == pytest.approx(wanted, rel=1e-15) if column.kind == "number" and None not in wanted else found == wanted
    )


TWO = r'"4[.,]602" is 4,602 if (points|commas) mark thousands, and 4\.602 if they mark decimals'
REFUSED = {
    "points and commas": (lines(*["1.5"] * 9, "2,5"), '"2,5" is not a number. Clean the cell, or use --nominal a to'),
    "a word with a comma": (lines(*range(9), '"n,d"'), '"n,d" is not a number. Clean the cell, or use --nominal a to'),
    "days first and months first": (lines("13/06/2012", "06/13/2012", "01/01/2012"),
                                    r'row 3, column "a": "06/13/2012" is not a date'),
    "infinity after many": (lines(*range(300), "inf"), 'row 302, column "a": infinity'),
    "infinity with other points": (lines(*range(300), "inf", header="a;b.c"), 'row 302, column "a": infinity'),
    "a comma": (lines("4,602", "950"), rf'row 2, column "a": {TWO}.* --thousands "," or --decimal ","'),
    "a point": (lines("4.602", "950"), rf'row 2, column "a": {TWO}.* --thousands "\." or --decimal "\."'),
    "a point in every cell": (lines("4.602", "1.950"), TWO),
    "commas in quotation marks": ('a,b\n"4,602",1\n5,2\n', TWO),
    "money": (lines("$4,602", "$950"), r'"\$4,602" is 4,602 if'),
    "both ways in one column": (lines("1,234.5", "1.234,5"), r'row \d, column "a": .* is not a number'),
    "mixed units": (lines("3 kg", "4 kg", "5 lb"), r'"5 lb" and "3 kg" have different units'),
    "mixed currencies": (lines("$3", "€4"), "different units"),
    "two readings of a date": (lines("05/06/2012"), r"-06-05 \(dmy\), 2012-05-06 \(mdy\).* --dates dmy or --dates mdy"),
    "two digits of a year": (lines("05/06/12"), "3 readings"),
    "one bad date": (lines(*["2012-01-31"] * 9, "n.d."), r'row 11, column "a": "n\.d\." is not a date'),
    "one bad time": (lines(*["7:30"] * 9, "noon"), r'row 11, column "a": "noon" is not a time of day'),
    "a zone here and none there": (lines("2012-01-31 10:00+02:00", "2012-01-31 10:00"), "has no time zone"),
    "minutes or hours": (lines("75:30", "26:10"), "hours and minutes, or minutes and seconds"),
    "one bad number": (lines(*range(9), "few"), r'row 11, column "a": "few" is not a number'),
    "a decimal comma where commas divide": ('a,b\n"1,25",x\n2,y\n', r'"1,25" is not a number. Use --decimal ","'),
    "a title or a name": ("a\nBerlin, Germany\nParis, France\n", "the first line has one cell, and most others have 2"),
    "a code among decimals": (lines("1.5", "2.5", "3.5", "4.5", "0001E4"), '"0001E4" is not a number'),
    "a line of spaces": ("a,b\n1,2\n   \n3,4\n", "row 3: nothing but spaces"),
    "a text that ends inside a row": ("a,b\n1,2\n3", "row 3: 1 cell, but the first row has 2"),
    "a text that ends inside quotation marks": ('a,b\n1,"x', "quotation mark is opened but not closed"),
    "trailing cells that are not empty": ("a,b\n1,2,\n3,4,5\n", "row 2: 3 cells, but the first row has 2"),
}  # fmt: skip


@pytest.mark.parametrize("way", REFUSED)
def test_what_is_refused(tmp_path, way):
    text, said = REFUSED[way]
    with pytest.raises(ChainruleError, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "options", "wanted"),
    [
        (lines("4,602", "950"), {"thousands": ","}, [4602, 950]),
        (lines("4,602", "950"), {"decimal": ","}, [4.602, 950]),
        (lines("4.602", "950"), {"thousands": "."}, [4602, 950]),
        (lines("4.602", "950"), {"decimal": "."}, [4.602, 950]),
        ('a,b\n"1,200",1\n5,2\n', {"thousands": ","}, [1200, 5]),
        ('a,b\n"1,200",1\n5,2\n', {"decimal": "."}, [1200, 5]),
        (lines("05/06/2012"), {"dates": "dmy"}, [15496]),
        (lines("05/06/2012"), {"dates": "mdy"}, [15466]),
        (lines("05/06/12"), {"dates": "ymd"}, [12946]),
        (lines("05/06/12", "05/06/70"), {"dates": "dmy"}, [15496, 155]),
        (lines("1", "nil", "NA"), {"missing_tokens": "nil"}, [1, None, None]),
        (lines("None", "both"), {"not_missing": "None"}, ["None", "both"]),
        ("x\ny\na;b\n1;2\n", {"skip": 2}, [1]),
        ("a;b\n1;2\n%no\n3;4\n", {"comment": "%"}, [1, 3]),
        ("# a;b\n1;2\n", {"skip": 0, "header": True}, None),
    ],
)
def test_the_advice_works(tmp_path, text, options, wanted):
    table = read(tmp_path, text, **options)
    if wanted is None:
        assert table.names == ("# a", "b")
        return
    column = table.column("a")
    found = [None if gone else value for value, gone in zip(column.values.tolist(), column.missing, strict=True)]
    assert found == wanted


PACKED = {
    "t.csv.gz": gzip.compress,
    "t.csv.bz2": bz2.compress,
    "t.csv.xz": lzma.compress,
    "t.csv.zst": zstd.compress,
    "gzip under another name.csv": gzip.compress,
}


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "a,b\n1,ä\n")
    return out.getvalue()


@pytest.mark.parametrize("name", PACKED)
def test_compressed_files(tmp_path, name):
    assert read(tmp_path, PACKED[name]("a,b\n1,ä\n".encode()), name).column("b").values.tolist() == ["ä"]
    whole = PACKED[name](b"a,b\n" + b"1,2\n" * 5000)
    with pytest.raises(ChainruleError, match="cannot be read"):
        read(tmp_path, whole[: len(whole) // 2], name)


def test_zip_files(tmp_path):
    assert read(tmp_path, zipped("x.csv"), "t.zip").column("b").values.tolist() == ["ä"]
    with pytest.raises(ChainruleError, match=r"t\.zip holds 2 files \(x\.csv, y\.csv\); one can be read"):
        read(tmp_path, zipped("x.csv", "y.csv"), "t.zip")
    damaged = zipped("x.csv").replace(b"PK\x01\x02", b"PK\x01\x03")  # found by its end, but its list of files is none
    with pytest.raises(ChainruleError, match=r"t\.zip cannot be read"):
        read(tmp_path, damaged, "t.zip")
    with pytest.raises(ChainruleError, match="holds 0 files"):
        read(tmp_path, zipped(), "t.zip")


def test_the_notes(tmp_path):
    text = "stadt;einwohner;km;preis\nA;8.505;45,1;1,5 Mio €\nB;950;12,0;2 Mio €\n"
    assert read(tmp_path, text).notes == (
        'Commas were read as decimal points in "km", "preis"; --decimal "." forbids it.',
        'Points were read as marks of thousands in "einwohner"; --decimal "." reads them as decimal marks.',
        'Read without "€": "preis".',
        'Words for thousands, millions and billions were multiplied out in "preis".',
    )


def test_a_model_of_numbers_that_are_no_numbers_to_others(tmp_path):
    """Values that need every bit: what a mark or a unit was taken from is the number that Python reads."""
    rng = np.random.default_rng(0)
    values = np.round(rng.normal(size=200) * 10.0 ** rng.integers(-3, 6, 200), 2)
    for write in (lambda v: f"{v:,.2f} €", lambda v: f"$ {v:,.2f}", lambda v: f"{v:.2f}".replace(".", ",")):
        table = read(tmp_path, lines(*map(write, values)))
        np.testing.assert_array_equal(table.column("a").values, [float(f"{v:.2f}") for v in values])
