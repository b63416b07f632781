"""The options of reading and encoding: what they accept, and what they refuse by its name."""

from __future__ import annotations

import pytest

from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError


def test_delimiters_by_character_and_by_name():
    assert ReadingPlan().delimiter is None
    names = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "|": "|"}
    assert {name: ReadingPlan(delimiter=name).delimiter for name in names} == names
    for wrong in ("", ";;", "semi", 5, b";"):
        with pytest.raises(UsageError, match="delimiter must be one character"):
            ReadingPlan(delimiter=wrong)


def test_other_options_of_reading():
    assert ReadingPlan(missing_tokens=" a, ,b").missing_tokens == ("a", "b")
    assert ReadingPlan(missing_tokens=["-", 9]).missing_tokens == ("-", "9")
    assert ReadingPlan(sql_files=" a.csv, b.csv").sql_files == ("a.csv", "b.csv")
    assert ReadingPlan(sql_files=[]).sql_files == ()
    assert ReadingPlan(decimal=",", header=False).header is False
    for wrong, said in (
        ({"decimal": ";"}, "decimal must be"),
        ({"header": "no"}, "header must be True or False"),
        ({"sql": 5}, "sql must be text"),
        ({"encoding": 8}, "encoding must be text"),
    ):
        with pytest.raises(UsageError, match=said):
            ReadingPlan(**wrong)


def test_columns_by_name():
    assert EncodingPlan(target=" a , b").target == ("a", "b")
    assert EncodingPlan(target=2).target == ("2",)
    assert EncodingPlan(weights="w").weights == "w"
    assert EncodingPlan(weights=["w"]).weights == "w"
    assert EncodingPlan(ignore="").ignore == ()
    for wrong, said in (
        ({"target": ""}, "target is the name of a column"),
        ({"target": []}, "target is the name of a column"),
        ({"target": "a,,b"}, "must not be empty"),
        ({"ignore": "a\nb"}, "line break in it stands in double quotes"),
        ({"ignore": b"a"}, "by their names; received a value of type bytes"),
        ({"nominal": {"a": 1}}, "by their names; received a value of type dict"),
        ({"weights": ["v", "w"]}, "weights is the name of one column"),
        ({"weights": []}, "weights is the name of one column"),
    ):
        with pytest.raises(UsageError, match=said):
            EncodingPlan(**wrong)
    assert EncodingPlan(ignore='"a\nb",c').ignore == ("a\nb", "c")


def test_parts_of_the_rows():
    assert EncodingPlan(validation=0, test=0.99).test == 0.99
    for wrong in (-0.1, 1, 1.5, True, "0.2", None):
        with pytest.raises(UsageError, match=r"validation|must have a value"):
            EncodingPlan(validation=wrong)
    for wrong in ({"validation": 0.5, "test": 0.5}, {"validation": 0.9, "test": 0.4}):
        with pytest.raises(UsageError, match="leave no rows to train on"):
            EncodingPlan(**wrong)


@pytest.mark.parametrize("most", [1, 0, -5, 2.5, "10", True])
def test_max_categories(most):
    assert EncodingPlan(max_categories=2).max_categories == 2
    with pytest.raises(UsageError, match="max_categories must be a whole number of at least 2"):
        EncodingPlan(max_categories=most)
