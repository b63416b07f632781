"""Which names get a node of their own, by how many training rows have them, and what becomes of the others."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import name_input
from chainrule.data.columns import Column
from chainrule.data.encoding import Encoding, fit_encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.name_input import NameInput, fit_names
from chainrule.data.tables import read_table
from chainrule.errors import DataError


def text(cells) -> Column:
    return Column("c", "text", np.array(cells, dtype=object))


def fitted(cells, fit_rows=None, **options) -> NameInput:
    rows = np.arange(len(cells)) if fit_rows is None else np.asarray(fit_rows)
    found = fit_names(text(cells), rows, EncodingPlan(**options))
    assert isinstance(found, NameInput)
    return found


def test_up_to_fifty_names_have_a_node_each():
    cells = [*(f"n{i}" for i in range(50)), "n0"]  # 49 of them in a single row
    found = fitted(cells)
    assert (len(found.categories), found.other) == (50, False)


def test_of_more_those_in_two_rows_have_one_and_the_rest_share_one():
    cells = [f"n{i}" for i in range(40)] * 2 + [f"once{i}" for i in range(20)]
    found = fitted(cells)
    assert (len(found.categories), found.other) == (40, True)
    assert found.node_names[-1] == "c is other"
    nodes = found.encode(text(["n3", "once1", "new"]), read_table({"c": ["n3", "once1", "new"]}), "other")
    assert nodes.argmax(axis=1).tolist() == [found.categories.index("n3"), 40, 40]
    assert nodes.sum(axis=1).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("different", "rows_each", "limit"), [(51, 2, 50), (60, 4, 50), (80, 10, 80), (200, 5, 100), (1100, 10, 1000)]
)
def test_the_limit_follows_the_number_of_training_rows(different, rows_each, limit):
    cells = [f"n{i:04}" for i in range(different)] * rows_each
    found = fitted(cells)
    assert len(found.categories) == limit
    assert found.other == (limit < different)
    if found.other:  # all are as frequent: the first in order
        assert found.categories == tuple(sorted(set(cells)))[:limit]


def test_the_nodes_of_a_column_fit_into_memory(monkeypatch):
    cells = [f"n{i}" for i in range(80)] * 6
    assert len(fitted(cells).categories) == 50
    monkeypatch.setattr(name_input, "MOST_CELLS", 30 * 480)
    assert len(fitted(cells).categories) == 30
    assert len(fitted(cells, nominal="c").categories) == 30


def test_a_limit_of_ones_own():
    cells = ["a"] * 3 + ["b"] * 2 + ["c", "d"]
    found = fitted(cells, max_categories=3)
    assert (found.categories, found.other) == (("a", "b", "c"), True)
    assert fitted(cells, max_categories=4).other is False
    many = [f"n{i}" for i in range(300)] * 2
    assert len(fitted(many, max_categories=250).categories) == 250


def test_nominal_columns_have_a_node_for_each_value():
    cells = [f"n{i}" for i in range(300)]
    found = fitted(cells, nominal="c")
    assert (len(found.categories), found.other) == (300, False)


def test_a_column_without_a_name_in_two_training_rows_is_left_out():
    cells = [f"n{i}" for i in range(60)] * 2
    assert fit_names(text(cells), np.arange(60), EncodingPlan()) == "each of its values in a single training row"
    assert isinstance(fit_names(text(cells), np.arange(61), EncodingPlan()), NameInput)


def test_names_are_counted_in_the_training_rows():
    cells = ["a", "b", "a", "elsewhere", "elsewhere"]
    found = fitted(cells, [0, 1, 2])
    assert found.categories == ("a", "b")
    np.testing.assert_array_equal(found.encode(text(["elsewhere"]), read_table({"c": ["x"]}), "other"), [[0, 0]])


def test_a_node_for_gaps_where_the_training_rows_have_some():
    cells = ["a", "b", None, "a"]
    assert fitted(cells).node_names == ("c=a", "c=b", "c is missing")
    assert fitted(cells, [0, 1, 3]).node_names == ("c=a", "c=b")
    assert fitted(cells, max_categories=2).node_names[-1] == "c is missing"
    one = fitted([*["a"] * 3, "b", "c", None], max_categories=2)
    assert one.node_names == ("c=a", "c=b", "c is other", "c is missing")
    nodes = one.encode(text([None, "new", "a"]), read_table({"c": ["x"] * 3}), "other")
    np.testing.assert_array_equal(nodes, [[0, 0, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0]])


def test_a_real_name_called_other_has_a_node_beside():
    found = fitted(["other", "(other)", "other", "a", "(other)", "b"], max_categories=2)
    assert found.node_names == ("c=(other)", "c=other", "c is other")


def test_refusing_says_whether_training_knew_the_name():
    cells = ["a"] * 3 + ["b"] * 2 + ["c", "d"]
    table = read_table({"c": ["d"]})
    with pytest.raises(DataError, match='"d" has no node of its own: training had it in few rows, or not at all'):
        fitted(cells, max_categories=2).encode(text(["d"]), table, "refuse")
    strict = fitted(cells, max_categories=2, unknown="refuse")
    assert strict.others == ("c", "d")
    np.testing.assert_array_equal(strict.encode(text(["d"]), table, "refuse"), [[0, 0, 1]])
    with pytest.raises(DataError, match=r'"e" was not there in training.*--unknown other'):
        strict.encode(text(["e"]), table, "refuse")


NAMES = st.lists(st.sampled_from([None, *(f"n{i}" for i in range(70))]), min_size=2, max_size=300)


@given(NAMES, st.data())
def test_every_row_has_one_node_at_most_and_no_node_is_without_rows(cells, data):
    plan = EncodingPlan(
        max_categories=data.draw(st.none() | st.integers(2, 80)),
        missing=data.draw(st.sampled_from(["indicate", "impute"])),
        unknown=data.draw(st.sampled_from(["other", "refuse"])),
        nominal=data.draw(st.sampled_from(["", "c"])) or (),
    )
    fit_rows = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=len(cells), max_size=len(cells))))
    found = fit_names(text(cells), fit_rows, plan)
    counts = Counter(cells[row] for row in fit_rows)
    if isinstance(found, str):
        assert len(counts) <= 1 or max(n for name, n in counts.items() if name is not None) == 1
        return
    nodes = found.encode(text(cells), read_table({"c": ["x"] * len(cells)}), plan.unknown)
    assert nodes.shape == (len(cells), len(found.node_names))
    assert set(np.unique(nodes)) <= {0.0, 1.0}
    assert nodes.sum(axis=1).max() <= 1
    for row, cell in enumerate(cells):
        if cell in found.categories:
            assert nodes[row, found.categories.index(cell)] == 1
        elif cell in counts and cell is not None:
            assert nodes[row, len(found.categories)] == found.other == 1
    if plan.unknown == "other":
        assert nodes[fit_rows].max(axis=0).min() == 1
    kept = [counts[name] for name in found.categories]
    left = [n for name, n in counts.items() if name is not None and name not in found.categories]
    assert not left or min(kept) >= max(left)


def test_older_files_have_no_node_for_others():
    record = fit_encoding(read_table({"c": ["a", "b", "a"], "y": [0, 1, 1]}), EncodingPlan()).to_dict()
    for key in ("other", "others"):
        del record["inputs"][0][key]
    record["unknown"] = "ignore"
    encoding = Encoding.from_dict(record)
    assert encoding.unknown == "other"
    np.testing.assert_array_equal(encoding.encode_inputs(read_table({"c": ["z"]})), [[0, 0]])
