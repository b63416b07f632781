"""What is said about rows that are taken: what training did not have."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from chainrule.data.columns import Column, Table
from chainrule.data.encoding import Encoding, NumberInput, fit_encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.tables import read_table, table_from_arrays

TRAINING = {
    "age": [18.0, 30.0, None, 90.0, 40.0],
    "town": ["Ulm", "Bonn", None, "Ulm", "Bonn"],
    "on": ["2012-01-31", "2012-02-01", "2012-03-01", "2012-02-03", "2012-02-04"],
    "flag": [True, False, True, True, False],
    "y": [1.0, 2.0, 3.5, 4.0, 2.5],
}
USUAL = {"age": [20.0], "town": ["Ulm"], "on": ["2012-02-01"], "flag": [True]}


def encoding(table=TRAINING, **options) -> Encoding:
    return fit_encoding(read_table(table), EncodingPlan(**options))


def remarks(new, **options) -> tuple[str, ...]:
    made = encoding(**options)
    table = read_table({**USUAL, **new})
    made.encode_inputs(table)
    return made.remarks(table)


def test_nothing_is_said_where_nothing_is_odd():
    assert remarks({}) == ()
    assert remarks({"y": [5.0]}) == ()
    assert encoding().remarks(read_table(TRAINING)) == (
        'Missing values: "age" 1 (median 35, and a node that says so), "town" 1 (a node of their own).',
    )
    complete = {name: values * 2 for name, values in {**USUAL, "y": [1.0]}.items()}
    complete |= {"age": [1.0, 2.0], "town": ["a", "b"], "on": ["2012-02-01", "2012-02-03"], "y": [1.0, 2.5]}
    complete["flag"] = [True, False]
    assert encoding(complete).remarks(read_table(complete)) == ()


def test_new_names():
    new = {name: values * 3 for name, values in USUAL.items()} | {"town": ["Jena", "Ulm", "Jena"]}
    said = 'count as none of those it had: "town" 2 cells ("Jena"); --unknown refuse forbids it.'
    assert remarks(new) == (f"Names that training did not have {said}",)
    few = {**TRAINING, "town": ["Ulm", "Bonn", None, "Ulm", "Köln"]}
    made = encoding(few, max_categories=2)
    (said,) = made.remarks(read_table({**USUAL, "town": ["Köln"]}))
    assert said.startswith('Names that training did not have, or in few rows, count as other: "town" 1 cell ("Köln");')


def test_long_lists_are_cut():
    new = {name: values * 30 for name, values in USUAL.items()} | {"town": [f"n{i}" for i in range(30)]}
    assert '"town" 30 cells ("n0", "n1", "n2", "n3", "n4" and 25 more)' in remarks(new)[0]
    (extra,) = remarks({f"e{i}": [1] for i in range(12)})
    assert extra.endswith('"e9" and 2 more.')


def test_gaps_also_where_training_had_none():
    (said,) = remarks({"on": [None], "age": [None]})
    assert said == 'Missing values: "age" 1 (median 35, and a node that says so), "on" 1 (median 2012-02-03).'
    assert remarks({"town": [None]}, missing="impute") == ('Missing values: "town" 1 (a node of their own).',)


def test_numbers_outside_the_range_of_training():
    new = {name: values * 4 for name, values in USUAL.items()} | {"age": [17.0, 120.0, 50.0, 91.0]}
    assert remarks(new) == (
        'Outside the range of the table of training: "age" 3 cells (18 to 90; the furthest is 120).',
    )
    (said,) = remarks({"on": ["2013-01-01"]})
    assert said.endswith('"on" 1 cell (2012-01-31 to 2012-03-01; the furthest is 2013-01-01).')
    (said,) = remarks({"age": [3.0]})
    assert "the furthest is 3" in said


def test_the_range_is_that_of_the_whole_table():
    made = fit_encoding(read_table(TRAINING), EncodingPlan(), np.array([0, 1, 4]))
    assert not any("Outside" in said for said in made.remarks(read_table(TRAINING)))
    items = (
        dataclasses.replace(item, low=None, high=None) if isinstance(item, NumberInput) else item
        for item in made.inputs
    )
    older = dataclasses.replace(made, inputs=tuple(items))
    far = read_table({**USUAL, "age": [500.0]})
    assert (len(made.remarks(far)), older.remarks(far)) == (1, ())


def test_columns_that_are_passed_over_or_in_another_order():
    (said,) = remarks({"note": ["x"], "id": [7]})
    assert said == 'Passed over, as training did not have it: "note", "id".'
    made = encoding()
    reordered = read_table({name: USUAL[name] for name in reversed(USUAL)})
    assert made.remarks(reordered) == (
        "The columns stand in another order than in training: they are found by their names.",
    )
    assert encoding(ignore="age").remarks(read_table(USUAL)) == ()
    weighted = encoding({**TRAINING, "w": [1.0] * 5, "z": [1.0, 2.0, 5.0, 7.0, 8.0]}, weights="w", target="y")
    assert not any('"w"' in said for said in weighted.remarks(read_table({**USUAL, "w": [1.0], "z": [2.0]})))


def test_truth_values_in_a_column_of_numbers():
    assert remarks({"age": [True]})[0] == ('True and false count as 1 and 0, as training had numbers, in: "age".')
    assert not any("True and false" in said for said in remarks({"flag": [1.0]}))
    (said,) = remarks({"flag": [2.0]})
    assert '"flag" 1 cell (0 to 1; the furthest is 2)' in said


def test_arrays_without_names():
    X = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]])
    made = fit_encoding(table_from_arrays(X, [0.5, 1.0, 2.0]), EncodingPlan(target="y"))
    assert made.remarks(read_table(X)) == ()
    assert any("Outside" in said for said in made.remarks(read_table(X * 10)))


@pytest.mark.parametrize("frame", [pd.DataFrame, dict])
def test_frames(frame):
    made = encoding()
    table = read_table(frame({**USUAL, "age": [500.0]}))
    assert len(made.remarks(table)) == 1


def test_columns_of_another_kind_do_not_stop_the_remarks():
    table = Table((Column("age", "text", np.array(["x"], dtype=object)),), "t")
    assert encoding().remarks(table) == ()
