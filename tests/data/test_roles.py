"""Which columns and rows are used, and what is said about the others."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.data.encoding import fit_encoding, prepare_table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.roles import choose_roles
from chainrule.data.tables import read_table
from chainrule.errors import DataError, UsageError


def roles(source, **options):
    return choose_roles(read_table(source), EncodingPlan(**options))


def names(columns) -> list[str]:
    return [column.name for column in columns]


def test_the_last_column_is_the_target_and_that_is_said():
    found = roles("wine")
    assert names(found.targets) == ["class"]
    assert 'Target: "class" (the last column; --target chooses another).' in found.notes


def test_the_target_can_be_chosen():
    found = roles("iris", target="petal_width")
    assert names(found.targets) == ["petal_width"]
    assert names(found.inputs) == ["sepal_length", "sepal_width", "petal_length", "species"]
    assert found.task == "regression"
    assert not any(note.startswith("Target") for note in found.notes)


def test_ignored_columns_are_neither_input_nor_default_target():
    found = roles("iris", ignore="species,sepal_length")
    assert names(found.targets) == ["petal_width"]
    assert ("species", "ignored, as asked") in found.left_out


@pytest.mark.parametrize("option", ["target", "ignore", "nominal"])
def test_unknown_columns_are_refused(option):
    with pytest.raises(DataError, match=rf'--{option}: wine has no column "alchol"\. Did you mean "alcohol"'):
        roles("wine", **{option: "alchol"})


def test_contradictions_are_refused():
    with pytest.raises(UsageError, match="both target and ignored"):
        roles("wine", target="hue", ignore="hue")
    with pytest.raises(UsageError, match="names a column twice"):
        roles("wine", target="hue,hue")
    with pytest.raises(DataError, match="every column is ignored"):
        roles("xor", ignore="x1,x2,y")
    with pytest.raises(DataError, match="no input column besides the target"):
        roles("xor", ignore="x1,x2")
    with pytest.raises(DataError, match="--delimiter"):
        roles({"a": [1, 2]})


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1, 1, 0], "classification"),
        ([0.0, 1.0, 1.0, 0.0], "classification"),
        ([-1, 1, 1, 1], "classification"),
        ([True, False, True, True], "classification"),
        ([True, None, True, False], "classification"),
        (["a", "b", "a", "c"], "classification"),
        ([0.5, 1.0, 0.5, 1.0], "regression"),
        ([1, 2, 3, 3], "regression"),
        ([1, 2, 3] * 4, "regression"),
        ([1, 2, 3] * 5, "classification"),
        (list(range(10)) * 5, "classification"),
        (list(range(11)) * 5, "regression"),
        ([np.datetime64("2020-01-01"), np.datetime64("2020-01-02")] * 5, "regression"),
    ],
)
def test_the_task_is_found_and_said(values, task):
    found = roles({"x": list(range(len(values))), "y": values})
    assert found.task == task
    note = next(note for note in found.notes if note.startswith("Task:"))
    assert task in note
    assert "--task" in note or values[0] == "a"


def test_the_task_can_be_given():
    assert roles("wine", task="regression").task == "regression"
    assert roles("iris", target="petal_width", task="classification").task == "classification"
    assert roles("wine", nominal="class").task == "classification"


def test_text_cannot_be_a_regression():
    with pytest.raises(DataError, match='iris, row 1, column "species": "setosa" is not a number, and a regression'):
        roles("iris", task="regression")


def test_several_targets():
    found = roles("iris", target="petal_width,petal_length")
    assert names(found.targets) == ["petal_width", "petal_length"]
    assert found.task == "regression"
    with pytest.raises(UsageError, match="classification has one target; received 2"):
        roles("iris", target="petal_width,petal_length", task="classification")
    with pytest.raises(DataError, match="several targets"):
        roles("iris", target="petal_width,species")


def test_columns_that_say_nothing_are_left_out_and_that_is_said():
    table = {
        "constant": [3, 3, 3],
        "always": ["a", "a", "a"],
        "empty": [None, None, None],
    }
    table = {name: values * 20 for name, values in table.items()}
    table |= {"id": [f"n{i}" for i in range(60)], "x": list(range(60)), "y": [0, 1, 1] * 20}
    found = roles(table)
    assert names(found.inputs) == ["x"]
    reasons = dict(found.left_out)
    assert reasons["constant"] == reasons["always"] == "the same value in every row"
    assert reasons["empty"] == "no values"
    assert "60 different values in 60 rows, which tells rows apart" in reasons["id"]
    assert 'Left out "constant", "always": the same value in every row.' in found.notes
    assert sum("--nominal keeps it" in note and '"id"' in note for note in found.notes) == 1
    assert names(roles(table, nominal="id").inputs) == ["id", "x"]
    with pytest.raises(DataError, match=r'no input column that can be used\. "constant": the same value'):
        roles({"constant": [1, 1], "y": [0, 1]})


def test_a_constant_with_gaps_is_kept_where_the_gaps_can_be_told():
    table = {"a": [1, None, 1], "b": ["u", None, "u"], "x": [1, 2, 3], "y": [0, 1, 1]}
    assert names(roles(table, missing="indicate").inputs) == ["a", "b", "x"]
    assert names(roles(table, missing="impute").inputs) == ["b", "x"]
    assert names(roles(table, missing="drop").inputs) == ["x"]


# --- rows ---

GAPS = {"a": [1, None, 3, 4, 5], "b": ["u", "v", None, "u", "v"], "free": [None, 2, 3, 4, 5], "y": [0, 1, 1, None, 1]}


def test_missing_inputs_are_refused_with_a_count_for_each_column():
    table = read_table({**GAPS, "y": [0, 1, 1, 0, 0]})
    with pytest.raises(DataError) as caught:
        prepare_table(table, EncodingPlan(missing="refuse"))
    message = str(caught.value)
    assert "Complete them, or use --missing indicate (the median, and a node that says so), " in message
    assert message.startswith('the dict, row 1, column "a": the value is missing.')
    assert '"a" (1 cell), "b" (1 cell), "free" (1 cell)' in message
    for remedy in ("--missing impute", "--missing indicate", "--missing drop"):
        assert remedy in message


def test_rows_with_gaps_are_dropped():
    table = prepare_table(read_table(GAPS), EncodingPlan(missing="drop", ignore="free"))
    assert table.row_numbers.tolist() == [0, 4]
    assert "Left out 3 of 5 rows because of missing values." in table.notes
    encoding = fit_encoding(table, EncodingPlan(missing="drop", ignore="free"))
    assert encoding.encode_inputs(table).shape == (2, 3)


def test_dropping_goes_on_until_the_columns_that_remain_are_complete():
    # Without the rows that "x" lacks, "text" has few enough names to be used, and its own gap counts.
    text = [*(f"n{i}" for i in range(60)), "a", "b", None]
    table = read_table({"text": text, "x": [*[None] * 60, 1, 2, 3], "y": [0, 1, 1] * 21})
    plan = EncodingPlan(missing="drop")
    prepared = prepare_table(table, plan)
    assert prepared.row_numbers.tolist() == [60, 61]
    assert fit_encoding(prepared, plan).n_inputs == 3


def test_nothing_left_after_dropping():
    table = read_table({"a": [1, 2, None, None], "b": [None, None, 3, 4], "y": [0, 1, 0, 1]})
    with pytest.raises(DataError, match="every row has a missing value"):
        prepare_table(table, EncodingPlan(missing="drop"))


def test_a_missing_target_is_refused():
    with pytest.raises(DataError, match=r'row 3, column "y": the target is missing \(1 row in all\)') as caught:
        prepare_table(read_table(GAPS), EncodingPlan(missing="refuse"))
    for remedy in ("--missing impute", "--missing indicate", '--missing drop (missing="drop" in Python)'):
        assert remedy in str(caught.value)


@pytest.mark.parametrize("missing", ["impute", "indicate"])
def test_rows_without_a_target_are_left_out_where_gaps_are_allowed(missing):
    table = prepare_table(read_table(GAPS), EncodingPlan(missing=missing))
    assert table.row_numbers.tolist() == [0, 1, 2, 4]
    assert "Left out 1 row without a target." in table.notes
    two = read_table({"x": [1, 2, 3], "y": [1, None, 2], "z": [None, 1, 2]})
    assert prepare_table(two.take([0, 1, 2, 2]), EncodingPlan(missing=missing, target="x")).notes == ()
    with pytest.raises(DataError, match="no row has all its targets"):
        prepare_table(two.take([0, 1]), EncodingPlan(missing=missing, target="y,z"))


def test_the_task_is_that_of_the_rows_that_are_left():
    table = read_table({"x": [1, 2, 3], "y": [1, 1, None]})
    with pytest.raises(DataError, match="nothing to learn"):
        prepare_table(table, EncodingPlan(missing="impute"))


def test_a_target_without_values():
    with pytest.raises(DataError, match='the target "y" has no values'):
        roles({"x": [1, 2], "y": [None, None]})


@pytest.mark.parametrize(
    ("values", "what"),
    [(["a", "a"], "two classes"), ([5, 5], "two values"), ([True, True], "two"), ([0.0, -0.0], "two values")],
)
def test_a_constant_target_is_refused(values, what):
    with pytest.raises(DataError, match=f"nothing to learn.*{what}"):
        prepare_table(read_table({"x": [1, 2], "y": values}), EncodingPlan())


def test_names_of_rows_are_left_out_where_there_are_more_than_fifty():
    for many, rows, used in ((50, 50, True), (51, 51, False), (51, 101, False), (51, 102, True), (400, 800, True)):
        cells = [f"n{i % many}" for i in range(rows)]
        found = roles({"name": cells, "x": list(range(rows)), "y": ([0, 1] * rows)[:rows]})
        assert ("name" in names(found.inputs)) == used, (many, rows)


def test_long_lists_of_columns_are_cut_after_ten():
    gaps = {f"g{i}": [1, None, 2, 3] for i in range(11)}
    constant = {f"k{i}": [1, 1, 1, 1] for i in range(11)}
    y = {"y": [0, 1, 1, 0]}
    with pytest.raises(DataError, match=r'with missing values: "g0" \(1 cell\), .*"g9" \(1 cell\) and 1 more\.'):
        prepare_table(read_table({**gaps, **y}), EncodingPlan(missing="refuse"))
    with pytest.raises(DataError, match=r'"k8": the same value in every row; "k9": the same value in every row\.$'):
        roles({**constant, **y})
    found = roles({**constant, "x": [1, 2, 3, 4], **y})
    assert any('"k8", "k9" and 1 more: the same value' in note for note in found.notes)
    single = {"x": list(range(31)), "y": [*"abcdefghijk", *["many"] * 20]}
    noted = prepare_table(read_table(single), EncodingPlan()).notes
    assert any("The classes a, b, c, d, e, f, g, h, i, j and 1 more have a single row each" in note for note in noted)


def test_identifiers_are_no_classes():
    names = [f"person {i}" for i in range(30)]
    with pytest.raises(DataError, match="30 different values in 30 rows, too many to be classes; choose another"):
        prepare_table(read_table({"x": list(range(30)), "name": names}), EncodingPlan())
    for rows, different, allowed in ((10, 10, True), (22, 11, True), (21, 11, False), (12, 11, False)):
        table = read_table({"x": list(range(rows)), "name": [f"person {i % different}" for i in range(rows)]})
        if allowed:
            prepare_table(table, EncodingPlan())
            continue
        with pytest.raises(DataError, match="too many to be classes"):
            prepare_table(table, EncodingPlan())
    ages = {"x": list(range(30)), "age": [20.5 + i for i in range(30)]}
    with pytest.raises(DataError, match="too many to be classes; use --task regression"):
        prepare_table(read_table(ages), EncodingPlan(task="classification"))


def test_classes_with_a_single_row_are_said():
    table = read_table({"x": [1, 2, 3, 4, 5], "y": ["a", "a", "b", "b", "c"]})
    assert any('The class "c" has a single row' in note for note in prepare_table(table, EncodingPlan()).notes)
    assert prepare_table(read_table("and"), EncodingPlan()).notes == ()
