"""The outside of delimited text: its delimiter, the records that are looked at, its names, its encoding."""

from __future__ import annotations

from itertools import combinations

import pytest

from chainrule.data.dialect import DELIMITERS, find_dialect, sample
from chainrule.data.layout import first_line_is_data
from chainrule.data.tables import read_table
from chainrule.data.text_files import CHUNK, split_lines
from chainrule.errors import DataError


def find_delimiter(text):
    return find_dialect(split_lines(text), "t.csv", None, None, None)[0].delimiter


def records(text, delimiter):
    return sample(split_lines(text), delimiter)


@pytest.mark.parametrize(("first", "second"), list(combinations(DELIMITERS, 2)))
def test_of_delimiters_that_divide_alike_the_first_is_taken_and_the_evener_otherwise(first, second):
    alike = f"a{first}b{second}c\n" * 3
    assert find_delimiter(alike) == first
    assert find_delimiter(alike + f"a{second}b\n") == second
    assert find_delimiter(alike + f"a{first}b\n") == first


def test_one_column_is_divided_by_commas():
    assert find_delimiter("a\n1\n2\n") == ","
    assert find_delimiter("a\nb c\nd e\n") == ","
    with pytest.raises(DataError, match="the first line has one cell, and most others have 2, divided by ';'"):
        find_delimiter("a\nb;c\nb;c\n")


def test_the_records_of_a_sample():
    whole = [["a", "b"], ["1", "2"]]
    assert records("a;b\n1;2\n", ";") == records("a;b\n1;2", ";") == whole
    assert records("\n\na;b\n  \n1;2\n", ";") == whole
    assert records("a\n\n  \n1\n", ";") == [["a"], ["1"]]
    assert records("a;b\n;2\n;\n", ";") == [["a", "b"], ["", "2"], ["", ""]]


@pytest.mark.parametrize(
    ("text", "options", "names"),
    [
        ("1,5;x\n2,5;x\n", {}, ("column1", "column2")),
        ("1,5;x\n2,5;x\n", {"decimal": "."}, ("1,5", "x")),
        ('"1,5",x\n"2,5",x\n', {}, ("1,5", "x")),
        ("NA,1\n2,3\n", {}, ("column1", "column2")),
        ("NA,b\n2,3\n", {}, ("NA", "b")),
        (" 1 , 2\n3,4\n", {}, ("column1", "column2")),
    ],
)
def test_whether_the_first_line_is_names(tmp_path, text, options, names):
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert read_table(path, as_text=names, **options).names == names


def test_a_short_record_does_not_hide_whether_there_are_names(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1,a\n2\n3,a\n")
    with pytest.raises(DataError, match="row 2: 1 cell, but the first row has 2"):
        read_table(path, delimiter=",")
    assert first_line_is_data([["1", "a"], ["2"], ["3", "a"]], (), comma=False)
    assert not first_line_is_data([["1", "a"], ["2"], ["3", "b"]], (), comma=False)


@pytest.mark.parametrize("before", [b"", b"a", b"\n", b"\na,b\n", b"a,b\n\n\n"])
def test_the_line_of_bytes_that_are_no_text(tmp_path, before):
    path = tmp_path / "t.csv"
    path.write_bytes(before + b"\xe9,1\n")
    with pytest.raises(DataError, match=f"row {before.count(10) + 1}: the text is not valid utf-8"):
        read_table(path, encoding="utf-8")


@pytest.mark.parametrize("word", ["NA", "missing value", "-999"])
def test_words_between_two_pieces_of_a_file_are_found(tmp_path, word):
    """A file is looked through in pieces; what stands across their border must not be lost."""
    for shift in range(len(word) + 2):
        path = tmp_path / "t.csv"
        filler = "5" * (CHUNK - len("a,b\n1,2\n,3\n") - shift + 1)
        path.write_text(f"a,b\n1,2\n{filler},3\n{word},4\n" + "6,7\n" * 20)
        table = read_table(path, missing_tokens=[word])
        assert table.column("a").missing.sum() == 1, shift
        assert table.column("a").tokens == ((word, 1),)
