"""Delimited text: what is recognised, what is refused, and where the message says it is."""

from __future__ import annotations

import csv
import gzip
import io
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.encoding import prepare_table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.tables import Table, read_table
from chainrule.errors import DataError, UsageError


@pytest.fixture
def read(tmp_path: Path):
    """Write bytes or text to a file and read it as a table."""

    def write_and_read(content: str | bytes, name: str = "wine.csv", **options) -> Table:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, **options)

    return write_and_read


def values(table: Table, name: str) -> list:
    """The column's values, None where missing."""
    column = table.column(name)
    return [None if gone else value for value, gone in zip(column.values.tolist(), column.missing, strict=True)]


# --- what is recognised ---


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_the_delimiter_is_found(read, delimiter):
    table = read(f"a{delimiter}b\n1{delimiter}x\n2{delimiter}y\n")
    assert values(table, "a") == [1, 2]
    assert values(table, "b") == ["x", "y"]


@pytest.mark.parametrize(("given_as", "character"), [("tab", "\t"), ("\\t", "\t"), ("semicolon", ";"), (":", ":")])
def test_the_delimiter_can_be_given(read, given_as, character):
    assert read(f"a{character}b\n1{character}2\n", delimiter=given_as).names == ("a", "b")


def test_semicolons_with_decimal_commas_are_not_divided_at_the_commas(read):
    table = read("a;b\n1,5;2,5\n-3,25;4\n")
    assert values(table, "a") == [1.5, -3.25]
    assert values(table, "b") == [2.5, 4]
    assert any("decimal point" in note and '"a", "b"' in note for note in table.notes)


def test_decimal_commas_without_a_header(read):
    table = read("1,5;2,5\n3,5;4,5\n")
    assert table.names == ("column1", "column2")
    assert values(table, "column1") == [1.5, 3.5]


def test_decimal_commas_can_be_forbidden(read):
    with pytest.raises(DataError, match='"1,5" is not a number'):
        read("a;b\n1,5;x\n2;y\n", decimal=".")


def test_an_explicit_decimal_comma_works_with_a_comma_as_delimiter(read):
    table = read('a,b\n"1,5","2"\n"2,25","3"\n', decimal=",")
    assert values(table, "a") == [1.5, 2.25]


def test_an_explicit_decimal_comma_refuses_points(read):
    with pytest.raises(DataError, match=r'row 3, column "a": "2\.5" is not a number'):
        read("a;b\n1,5;1\n2.5;1\n1,5;1\n1,5;1\n1,5;1\n1,5;1\n", decimal=",")


def test_quotation_marks_protect_delimiters_quotes_and_line_ends(read):
    table = read('a,b\n"x, ""y""\nz",1\nplain,2\n')
    assert values(table, "a") == ['x, "y"\nz', "plain"]
    assert table.row_numbers.tolist() == [2, 4]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end(read, end):
    table = read(end.join(["a,b", "1,x", "2,y", ""]))
    assert values(table, "b") == ["x", "y"]
    assert table.row_numbers.tolist() == [2, 3]


def test_mixed_line_ends(read):
    assert values(read("a,b\r\n1,2\n3,4\r\n"), "b") == [2, 4]


def test_blank_lines_are_passed_over_and_counted(read):
    table = read("\n\na,b\n\n1,2\n\n\n3,4")
    assert values(table, "a") == [1, 3]
    assert table.row_numbers.tolist() == [5, 8]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_numbered_by_their_lines(tmp_path, end):
    """Whatever blank lines there are, with or without names, and however the last line ends."""
    path = tmp_path / "t.csv"
    for named, lines, last in product([True, False], product(["1,2", ""], repeat=4), ["", end]):
        text = end.join([*(["a,b"] if named else []), *lines]) + last
        wanted = [line for line, content in enumerate(text.split(end), start=1) if content == "1,2"]
        if not wanted:
            continue
        path.write_text(text, newline="")
        table = read_table(path, delimiter=",", header=named)
        assert table.row_numbers.tolist() == wanted, repr(text)


def test_a_single_column(read):
    table = read("a\n1\n\n2\n\n")
    assert values(table, "a") == [1, 2]
    assert table.row_numbers.tolist() == [2, 4]


def test_byte_order_marks(read):
    assert read(b"\xef\xbb\xbfa,b\n1,2\n").names == ("a", "b")
    table = read("a,b\n1,\u00e9\n".encode("utf-16"))
    assert values(table, "b") == ["\u00e9"]
    assert any("UTF-16" in note for note in table.notes)


def test_latin_1_is_read_with_a_note(read):
    table = read("name,n\nZo\u00eb,1\n".encode("latin-1"))
    assert values(table, "name") == ["Zo\u00eb"]
    assert any("Latin-1" in note for note in table.notes)


def test_bytes_that_windows_leaves_undefined_are_latin_1(read):
    assert values(read(b"a,b\n\x81\xe9,1\n"), "a") == ["\x81\u00e9"]


def test_the_encoding_can_be_given(read):
    assert values(read("a,b\n\u20ac,1\n".encode("cp1252"), encoding="cp1252"), "a") == ["\u20ac"]
    assert values(read("a,b\n\u0436,1\n".encode("koi8-r"), encoding="koi8-r"), "a") == ["\u0436"]
    with pytest.raises(DataError, match=r"row 2.*not valid utf-8"):
        read(b"a,b\n\xe9,1\n", encoding="utf-8")
    with pytest.raises(UsageError, match='encoding "utf-9" is unknown'):
        read("a,b\n1,2\n", encoding="utf-9")


def test_gzipped_text(read):
    assert values(read(gzip.compress(b"a,b\n1,2\n"), name="t.csv.gz"), "b") == [2]
    with pytest.raises(DataError, match="cannot be read"):
        read(b"no gzip", name="t.csv.gz")


def test_missing_tokens_and_white_space(read):
    table = read("a,b\n 1 ,x\nNA,?\n,  \n\u00a02\t,null\nNaN, y \n")
    assert values(table, "a") == [1, None, None, 2, None]
    assert values(table, "b") == ["x", None, None, None, "y"]


def test_own_missing_tokens(read):
    table = read("a,b\n-999,n.d.\n3,4\n,NA\n", missing_tokens=("-999", "n.d."))
    assert values(table, "a") == [None, 3, None]  # an empty cell is missing in any case
    assert values(table, "b") == [None, 4, None]  # and so are the usual words


def test_a_column_without_values_is_numeric_and_missing_throughout(read):
    column = read("a,b\nNA,1\n,2\n").column("a")
    assert column.kind == "number"
    assert column.missing.all()


def test_numbers_in_every_notation(read):
    written = ["1", "+2", "-3.", ".5", "1e3", "2.5E-2", "-0", "007", "12345678901234567890"]
    table = read("a,b\n" + "".join(f"{number},x\n" for number in written))
    assert values(table, "a") == [float(number) for number in written]


@pytest.mark.parametrize("cell", ["1_000", "+-1", "0x1F", "1d", "--1", "1 2", "\u0661", "1e", ".", "e5"])
def test_what_is_no_number(read, cell):
    assert read(f"a,b\n{cell},1\nx,1\ny,2\n", delimiter=",").column("a").kind == "text"


def test_whole_numbers_are_remembered_as_such(read):
    table = read("a,b,c\n1,1.5,2.0\n2,2,3.0\n")
    assert [column.origin for column in table.columns] == ["integer", "float", "integer"]


def test_dates_become_days(read):
    table = read("day,time,mixed\n1970-01-02,1970-01-01T12:00:00Z,2020-01-01\n1969-12-31,1970-01-03 06:00,x\n,,\n")
    assert values(table, "day") == [1, -1, None]
    assert values(table, "time") == [0.5, 2.25, None]
    assert table.column("mixed").kind == "text"
    assert table.column("day").origin == "date"
    assert any("days since 1970-01-01" in note and '"day", "time"' in note for note in table.notes)


def test_true_and_false_stay_text(read):
    assert values(read("a,b\ntrue,1\nfalse,2\n"), "a") == ["true", "false"]


def test_columns_as_text_keep_their_spelling(read):
    table = read("code,x\n007,1\n1.0,2\nNA,3\n", as_text=("code", "absent"))
    assert values(table, "code") == ["007", "1.0", None]


# --- the header ---


def test_a_first_line_of_numbers_is_no_header(read):
    table = read("1,2\n3,4\n")
    assert table.names == ("column1", "column2")
    assert values(table, "column1") == [1, 3]
    assert table.row_numbers.tolist() == [1, 2]
    assert any("column1 to column2" in note for note in table.notes)


def test_a_first_line_with_a_class_name_is_no_header(read):
    table = read("5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,versicolor\n")
    assert table.n_rows == 3
    assert values(table, "column3") == ["setosa", "setosa", "versicolor"]


def test_years_as_names_are_a_header(read):
    assert read("country,2019,2020\nChad,1,2\nPeru,3,4\n").names == ("country", "2019", "2020")


def test_the_header_can_be_forced(read):
    assert read("1,2\n3,4\n", header=True).names == ("1", "2")
    assert read("a,b\nc,d\n", header=False).n_rows == 2


def test_names_are_stripped_and_may_be_quoted(read):
    assert read('" a ",b c ,"d,e"\n1,2,3\n').names == ("a", "b c", "d,e")


# --- what is refused, and how it is said ---


def test_the_message_of_a_bad_cell(read):
    rows = "".join(f"{i},x\n" for i in range(15))
    with pytest.raises(DataError) as caught:
        read(f'alcohol,b\n{rows}"13,2",y\n')
    message = str(caught.value)
    assert message.endswith(
        'wine.csv, row 17, column "alcohol": "13,2" is not a number. Use --decimal "," or clean the cell.'
    )


def test_many_bad_cells_are_counted(read):
    rows = "".join(f"{i}\tx\n" for i in range(8))
    with pytest.raises(DataError) as caught:
        read(f"a b\tc\n{rows}12 _\ty\n13 _\ty\n")
    message = str(caught.value)
    assert 'row 10, column "a b": "12 _" is not a number. (2 of the 10 cells of this column are not.)' in message
    assert '--missing-tokens "12 _"' in message
    assert '--nominal "a b"' in message
    with pytest.raises(DataError, match="or --nominal a to read the column"):
        read("a,b\n1,1\n2,1\n3,1\n4,1\nx,1\n")


def test_below_four_fifths_of_numbers_a_column_is_text(read):
    assert read("a,b\n1,1\n2,1\n3,1\nx,1\n").column("a").kind == "text"
    with pytest.raises(DataError, match='"x" is not a number'):
        read("a,b\n1,1\n2,1\n3,1\n4,1\nx,1\n")


def test_the_remedy_of_the_message_helps(read):
    content = "a,b\n1,1\n2,1\n3,1\n4,1\n3+,1\n"
    assert values(read(content, as_text=("a",)), "a") == ["1", "2", "3", "4", "3+"]
    assert values(read(content, missing_tokens=("3+",)), "a") == [1, 2, 3, 4, None]


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e400"])
def test_infinity_is_refused_with_its_place(read, cell):
    with pytest.raises(DataError, match=r'row 3, column "b": -?infinity cannot be used'):
        read(f"a,b\n1,1\n2,{cell}\n")


def test_rows_of_different_lengths(read):
    with pytest.raises(DataError, match="row 4: 3 cells, but the first row has 2"):
        read("a,b\n1,2\n3,4\n5,6,7\n")
    with pytest.raises(DataError, match="row 5: 1 cell, but the first row has 2"):
        read('a,b\n"x\ny",2\n3,4\n1\n')


def test_an_open_quotation_mark(read):
    with pytest.raises(DataError, match="row 3: a quotation mark is opened but not closed"):
        read('a,b\n1,2\n1,"x\n3,4\n')


def test_a_row_without_end(read):
    with pytest.raises(DataError, match="row 2: the row is longer than 2,000,000 bytes"):
        read(f"a,b\n{'x' * 3_000_000},1\ny,2\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("a,b\n", "has column names but no rows"),
        ("a,b,a\n1,2,3\n", 'the name "a" occurs twice, in columns 1 and 3'),
        (",a,a\n1,2,3\n", 'the name "a" occurs twice, in columns 2 and 3'),
        ("a,,b\n1,2,3\n", "column 2 has no name. Write one"),
        (b"\x89PNG\x00\x01", "not a text file"),
    ],
)
def test_what_is_no_table(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)


@pytest.mark.parametrize("first", ["", '""'])
def test_row_names_are_left_out(read, first):
    """R and pandas write a first column without a name; it numbers the rows, and a network could learn from it."""
    table = read(f"{first},a,b\nr1,1,2\nr2,3,4\n")
    assert table.names == ("a", "b")
    assert any("row names" in note for note in table.notes)


def test_codes_with_leading_zeros_are_names(read):
    """00120 is no quantity: as numbers, 007 and 7 would become one value."""
    table = read("zip,size\n00120,1\n 01121 ,2\n7,3\n")
    assert values(table, "zip") == ["00120", "01121", "7"]
    assert values(table, "size") == [1, 2, 3]
    assert any("zeros before the numbers" in note and '"zip"' in note for note in table.notes)
    assert values(read("a,b\n007,1\n2.5,2\n"), "a") == [7, 2.5]  # a decimal among them: a measurement
    assert values(read("a,b\n0,1\n10,2\n"), "a") == [0, 10]


def test_bad_options(read):
    with pytest.raises(UsageError, match="delimiter must be one character"):
        read("a,b\n1,2\n", delimiter=",,")
    with pytest.raises(UsageError, match="decimal must be"):
        read("a,b\n1,2\n", decimal="'")


# --- against other readers ---

CELL = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=8)
TOKENS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")


def one_kind_of_line_end(cell: str) -> str:
    """Line ends inside cells may be made alike where a file mixes them."""
    return cell.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=settings.default.max_examples // 3)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20), end=st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_csv_module_writes_is_read_back(rows, end, tmp_path_factory):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("first", "second"), *rows])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
    table = read_table(path, delimiter=",", header=True, as_text=("first", "second"))

    def expected(cell: str) -> str | None:
        cell = cell.strip(" \t\r\n\u00a0")
        return None if cell in TOKENS else one_kind_of_line_end(cell)

    for i, name in enumerate(table.names):
        found = [cell and one_kind_of_line_end(cell) for cell in values(table, name)]
        assert found == [expected(row[i]) for row in rows]


@settings(max_examples=settings.default.max_examples // 3)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_numbers_keep_every_bit(numbers, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text("x,y\n" + "".join(f"{number!r},1\n" for number in numbers))
    assert read_table(path).column("x").values.tolist() == numbers


def test_a_larger_table_agrees_with_pandas_and_keeps_its_order(tmp_path):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": generator.normal(size=50_000),
            "holes": np.where(generator.random(50_000) < 0.1, np.nan, generator.integers(0, 9, 50_000)),
            "name": generator.choice(["red", "green", "blue"], 50_000),
            "row": np.arange(50_000),
        }
    )
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    table = read_table(path)
    for name in ("number", "holes", "row"):
        np.testing.assert_array_equal(table.column(name).values, frame[name].to_numpy(dtype=float))
    assert table.column("name").values.tolist() == frame["name"].tolist()
    assert table.row_numbers[0] == 2
    assert table.row_numbers[-1] == 50_001


@pytest.mark.parametrize("n", [100, pytest.param(400, marks=pytest.mark.long)])
def test_hundreds_of_columns(read, n):
    numbers = read(",".join(f"n{i}" for i in range(n)) + "\n" + ",".join(["1.5"] * n) + "\n")
    assert {column.kind for column in numbers.columns} == {"number"}
    rows = [",".join(f"v{r}" if i % 2 else str(r) for i in range(n)) for r in range(20)]
    mixed = read("\n".join([",".join(f"n{i}" for i in range(n)), *rows]))
    assert [column.kind for column in mixed.columns[:2]] == ["number", "text"]
    assert mixed.columns[-1].values[7] == "v7"


# --- words that count as missing ---


def test_the_words_that_count_as_missing_are_named(read):
    table = read("bags,x,y\nNone,1,0\nboth,NA,1\n None ,,1\ndriver,4,0\n")
    assert table.column("bags").tokens == (("None", 2),)
    assert table.column("x").tokens == (("NA", 1),)
    assert table.column("y").tokens == ()
    with pytest.raises(DataError) as caught:
        prepare_table(table, EncodingPlan(missing="refuse"))
    message = str(caught.value)
    assert 'row 2, column "bags": "None" counts as missing (2 cells). If it is a value: --not-missing None' in message
    assert 'Columns with missing values: "bags" (2 cells: "None"), "x" (2 cells: "NA").' in message
    with pytest.raises(DataError, match=r'"x": the value is missing\. "NA" counts .* --not-missing NA'):
        prepare_table(table, EncodingPlan(missing="refuse", ignore="bags"))
    with pytest.raises(DataError, match=r'the target is missing \(2 rows in all\)\. "None" counts as missing'):
        prepare_table(table, EncodingPlan(missing="refuse", target="bags", ignore="x"))


def test_the_remedy_for_words_that_count_as_missing_helps(read):
    content = "bags,x\nNone,1\nboth,2\n"
    assert values(read(content, not_missing=("None",)), "bags") == ["None", "both"]
    assert values(read(content.replace("None", "NA"), not_missing=["NA", "?"]), "bags") == ["NA", "both"]


def test_dates_with_slashes(read):
    assert values(read("d,u\n1970/01/02,1\n1970-01-03,2\n"), "d") == [1, 2]
    assert read("d,x\n1970/01-02,1\n").column("d").kind == "text"


def test_dates_that_occur_again(read):
    cells = ["1970-01-02", "1970-01-02", "1970-01-05", "1970-01-02", "1970-01-03"]
    for table in (read("d,x\n" + "".join(f"{cell},1\n" for cell in cells)), read_table({"d": cells})):
        assert table.column("d").values.tolist() == [1, 1, 4, 1, 2]
    assert read_table({"d": [*cells, "soon", "later"]}).column("d").kind == "text"
    assert read("n;x\n1,5;1,0\n2;3\n").column("n").origin == "float"
    assert read("n;x\n1,5;1,0\n2;3\n").column("x").origin == "integer"


def test_times_beyond_microseconds_are_cut(read):
    cells = ["1970-01-01T00:00:00.123456789", "1970-01-01T00:00:00.9999999"]
    found = [read("t,x\n" + "".join(f"{cell},1\n" for cell in cells)), read_table({"t": cells})]
    for table in found:
        microseconds = np.round(table.column("t").values * 86_400_000_000)
        np.testing.assert_array_equal(microseconds, [123456, 999999])


@settings(max_examples=settings.default.max_examples // 3)
@given(moments=st.lists(st.datetimes(allow_imaginary=False), min_size=1, max_size=20), mark=st.sampled_from("-/"))
def test_dates_of_files_are_dates_of_frames(moments, mark, tmp_path_factory):
    texts = [moment.isoformat().replace("-", mark) for moment in moments]
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text("d,x\n" + "".join(f"{text},1\n" for text in texts))
    np.testing.assert_array_equal(read_table(path).column("d").values, read_table({"d": texts}).column("d").values)
