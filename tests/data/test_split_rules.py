"""Rows divided by groups, in time, or as a column says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.data.columns import Column, Table
from chainrule.data.encoding import split_table, strata
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.split_rules import PARTS, WORDS, Marks, divide, folds_of, marks_of
from chainrule.data.tables import read_table
from chainrule.errors import DataError, UsageError

SHARE = st.sampled_from([0.0, 0.1, 0.2, 1 / 3, 0.4])
CODES = st.lists(st.integers(0, 30), min_size=20, max_size=150)


def marks_from(values, **option) -> Marks:
    table = read_table({"mark": values, "x": list(range(len(values)))})
    return marks_of(table.column("mark"), table, EncodingPlan(**option))


def parts_of(split) -> list[np.ndarray]:
    return [split.train, split.validation, split.test]


def covers(split, n: int) -> bool:
    return sorted(np.concatenate(parts_of(split)).tolist()) == list(range(n))


@given(CODES, SHARE, SHARE, st.integers(0, 3), st.booleans())
def test_a_group_is_whole_in_one_part(codes, validation, test, seed, labelled):
    sizes = np.bincount(codes)
    assume((sizes > 0).sum() >= 6)
    labels = np.arange(len(codes)) % 3 if labelled else None
    marks = marks_from([f"g{code}" for code in codes], group="mark")
    split = divide(len(codes), validation, test, np.random.default_rng(seed), labels, marks)
    assert covers(split, len(codes))
    of_part = [set(np.array(codes)[rows].tolist()) for rows in parts_of(split)]
    assert sum(map(len, of_part)) == (sizes > 0).sum()
    for rows, share in zip(parts_of(split), (1 - validation - test, validation, test), strict=True):
        assert (len(rows) > 0) == (share > 0)
        if not labelled:  # each cut is at the nearest border of two groups, or beside the only group of a part
            assert abs(len(rows) - share * len(codes)) <= 2 * sizes.max()
    same = divide(len(codes), validation, test, np.random.default_rng(seed), labels, marks)
    assert all((a == b).all() for a, b in zip(parts_of(split), parts_of(same), strict=True))


@given(CODES, SHARE, SHARE)
def test_time_never_runs_backwards(codes, validation, test):
    assume(len(set(codes)) >= 4)
    split = divide(
        len(codes), validation, test, np.random.default_rng(0), None, marks_from([c / 2 for c in codes], time="mark")
    )
    assert covers(split, len(codes))
    times = [np.array(codes)[rows] for rows in parts_of(split) if len(rows)]
    for before, after in pairwise(times):
        assert before.max() < after.min()
    assert len(times) == 1 + (validation > 0) + (test > 0)


def test_times_are_cut_where_the_shares_are_nearest():
    """Ten days of ten rows each: 60 rows, 20 and 20."""
    marks = marks_from(np.repeat(np.arange(10.0), 10).tolist(), time="mark")
    split = divide(100, 0.2, 0.2, np.random.default_rng(0), None, marks)
    assert [len(rows) for rows in parts_of(split)] == [60, 20, 20]
    said = (
        'Divided by "mark", in the order of time: the rows train from 0 to 5, validate from 6 to 7, test from 8 to 9.'
    )
    assert split.notes == (said,)


def test_groups_of_one_size_are_divided_in_proportion():
    marks = marks_from(np.repeat([f"p{i}" for i in range(100)], 10).tolist(), group="mark")
    split = divide(1000, 0.2, 0.2, np.random.default_rng(0), None, marks)
    assert [len(rows) for rows in parts_of(split)] == [600, 200, 200]
    assert "60 of them train, 20 validate, 20 test" in split.notes[0]
    other = divide(1000, 0.2, 0.2, np.random.default_rng(1), None, marks)
    assert (split.test != other.test).any()


def test_groups_are_chosen_so_that_classes_keep_their_shares():
    """A tenth of the groups hold all of class 1: of 20 orders by chance, most would be farther off."""
    group = np.repeat(np.arange(50), 8)
    labels = (group < 10).astype(int)
    for seed in range(5):
        split = divide(400, 0.2, 0.2, np.random.default_rng(seed), labels, marks_from(group.tolist(), group="mark"))
        for rows in parts_of(split):
            assert abs(labels[rows].mean() - 0.2) <= 0.1


@given(CODES, st.integers(2, 5))
def test_folds_keep_groups_and_the_order_of_time(codes, k):
    assume(len(set(codes)) >= k + 1)
    n, array = len(codes), np.array(codes)
    folds = folds_of(n, k, np.random.default_rng(0), None, marks_from([f"g{c}" for c in codes], group="mark"))
    assert sorted(np.concatenate([fold.validation for fold in folds]).tolist()) == list(range(n))
    for fold in folds:
        assert not set(array[fold.train]) & set(array[fold.validation])
        assert len(fold.train) + len(fold.validation) == n
    chain = folds_of(n, k, np.random.default_rng(0), None, marks_from([float(c) for c in codes], time="mark"))
    assert len(chain) == k
    seen = set(chain[0].train.tolist())
    for fold in chain:
        assert set(fold.train.tolist()) == seen  # all that came before, and nothing else
        assert array[fold.train].max() < array[fold.validation].min()
        seen |= set(fold.validation.tolist())
    assert len(seen) == n


def test_a_column_may_say_it_in_any_usual_word():
    words = [(word, i) for i, part in enumerate(PARTS) for word in WORDS[part]]
    split = divide(
        len(words), 0.2, 0.2, np.random.default_rng(0), None, marks_from([w.upper() for w, _ in words], split="mark")
    )
    for i, rows in enumerate(parts_of(split)):
        assert rows.tolist() == [row for row, (_, part) in enumerate(words) if part == i]
    with pytest.raises(DataError, match=r'row 1, column "mark": "trian" does not say what the row is for'):
        marks_from(["train", "trian", "test"], split="mark")
    with pytest.raises(DataError, match=r'row 0, column "mark": "1" does not say'):
        marks_from([1, 0, 1], split="mark")
    with pytest.raises(UsageError, match="marks no row for training"):
        divide(2, 0.2, 0.2, np.random.default_rng(0), None, marks_from(["test", "val"], split="mark"))


@pytest.mark.parametrize("option", ["group", "time", "split"])
def test_a_row_without_a_value_is_refused(option):
    with pytest.raises(DataError, match=r'row 2, column "mark": the value is missing.*1 row in all'):
        marks_from(["2012-01-01", "2012-01-02", None, "2012-01-03"], **{option: "mark"})


def test_text_that_is_no_date_has_no_order():
    with pytest.raises(DataError, match=r'"Monday" was read as text, which has no order in time'):
        marks_from(["Monday", "Tuesday"], time="mark")


@pytest.mark.parametrize("option", ["group", "time"])
def test_too_few_values_are_refused(option):
    marks = marks_from([1.5, 1.5, 2.5, 2.5], **{option: "mark"})
    with pytest.raises(UsageError, match="2 different values, too few for 3 parts"):
        divide(4, 0.2, 0.2, np.random.default_rng(0), None, marks)
    with pytest.raises(UsageError, match="too few for"):
        folds_of(4, 3, np.random.default_rng(0), None, marks)


@pytest.mark.parametrize("seed", range(3))
def test_each_part_has_its_share_of_low_and_high_values(seed):
    """Skewed targets: without tenths, a part's mean would be off by a deviation or so of the mean."""
    rng = np.random.default_rng(seed)
    y = np.exp(2 * rng.normal(size=203))
    table = read_table({"x": rng.normal(size=203), "y": y})
    labels, classes = strata(table, EncodingPlan())
    assert not classes
    assert (np.abs(np.bincount(labels) - 20.3) < 1).all()
    assert all(y[labels == i].max() <= y[labels == i + 1].min() for i in range(9))
    split = split_table(table, EncodingPlan(), np.random.default_rng(seed))
    for rows, share in zip(parts_of(split), (0.6, 0.2, 0.2), strict=True):
        assert (np.abs(np.bincount(labels[rows], minlength=10) - share * np.bincount(labels)) < 1).all()


def test_a_class_that_training_lacks_is_said():
    table = read_table({"when": range(40), "x": np.arange(40) % 7, "y": ["a", "b"] * 15 + ["c"] * 10})
    plan = EncodingPlan(time="when")
    split = split_table(table, plan, np.random.default_rng(0), marks_of(table.column("when"), table, plan))
    assert split.notes[1] == 'No training row has the class "c", which cannot be learnt.'


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"group": "a", "time": "b"}, "group and time each decide"),
        ({"time": "a", "split": "b"}, "time and split each decide"),
        ({"group": "a", "weights": "a"}, "columns of their own"),
        ({"group": "a", "target": "a"}, "is a target"),
        ({"time": "a", "target": "a,b"}, "is a target"),
        ({"split": "a", "test_file": "b.csv"}, "brings rows of their own"),
        ({"validation": 0.3, "validation_file": "b.csv"}, "validation=0.3 would have no effect"),
        ({"test": 0.3, "split": "a"}, "test=0.3 would have no effect"),
        ({"group": ("a", "b")}, "group is the name of one column"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        EncodingPlan(**options)


def test_a_part_of_a_table_still_names_its_file():
    column = Column("x", "number", np.arange(4.0))
    table = Table((column,), "a.csv", row_numbers=np.array([2, 3, 2, 3]), files=("a.csv", "b.csv"),
                  file_of=np.array([0, 0, 1, 1]))  # fmt: skip
    assert table.at(1) == "a.csv, row 3"
    assert table.take([0, 2]).at(1, "x") == 'b.csv, row 2, column "x"'
