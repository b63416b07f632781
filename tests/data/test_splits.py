"""Parts of a table: disjoint, covering, in proportion class by class, and repeatable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.data.encoding import split_table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.splits import k_folds, split_rows
from chainrule.data.tables import read_table
from chainrule.errors import UsageError

SHARE = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.25, 1 / 3, 0.4])


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(n_rows=st.integers(10, 300), validation=SHARE, test=SHARE, seed=st.integers(0, 5))
def test_parts_are_disjoint_and_cover_everything(n_rows, validation, test, seed):
    split = split_rows(n_rows, validation, test, generator(seed))
    together = np.concatenate([split.train, split.validation, split.test])
    assert sorted(together.tolist()) == list(range(n_rows))
    assert abs(len(split.validation) - n_rows * validation) <= 0.5
    assert abs(len(split.test) - n_rows * test) <= 0.5


@given(st.lists(st.integers(1, 60), min_size=2, max_size=12), SHARE, SHARE, st.integers(0, 5))
def test_every_class_gets_its_share_to_within_one_row(sizes, validation, test, seed):
    assume(sum(sizes) >= 40)
    assume(max(sizes) >= 12)
    labels = generator(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    split = split_rows(len(labels), validation, test, generator(seed), labels)
    together = np.concatenate([split.train, split.validation, split.test])
    assert sorted(together.tolist()) == list(range(len(labels)))
    shares = {"train": 1 - validation - test, "validation": validation, "test": test}
    for part, share in shares.items():
        counts = np.bincount(labels[getattr(split, part)], minlength=len(sizes))
        assert (np.abs(counts - share * np.array(sizes)) < 1 + 1e-6).all()
    assert (np.bincount(labels[split.train], minlength=len(sizes)) > 0).all()


def test_the_whole_keeps_its_proportions_over_many_classes():
    labels = np.repeat(np.arange(50), 4)
    split = split_rows(200, 0.2, 0.2, generator(), labels)
    assert abs(len(split.validation) - 40) <= 2
    assert abs(len(split.test) - 40) <= 2


def test_an_odd_row_goes_to_the_same_part_whatever_the_size_of_its_class():
    """Half of 3 and half of 33 are as far from a whole number: the first class has its odd row in validation."""
    for size in range(3, 40, 2):
        labels = np.repeat([0, 1], size)
        split = split_rows(2 * size, 0.5, 0, generator(), labels)
        assert [(labels[rows] == 0).sum() for rows in (split.train, split.validation)] == [size // 2, size // 2 + 1]
        assert len(split.train) == len(split.validation) == size


def test_labels_of_any_type():
    for labels in (["a"] * 10 + ["b"] * 10, [True] * 10 + [False] * 10, np.array(["a", "b"] * 10, dtype=object)):
        split = split_rows(20, 0.2, 0.2, generator(), labels)
        assert len({str(np.asarray(labels)[i]) for i in split.validation}) == 2


def test_the_same_seed_gives_the_same_parts():
    first, again, other = (split_rows(50, 0.2, 0.2, generator(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train, again.train)
    assert first.train.tolist() != other.train.tolist()


def test_rows_are_chosen_evenly():
    hits = sum(np.isin(np.arange(20), split_rows(20, 0.2, 0.0, generator(seed)).validation) for seed in range(400))
    assert hits.min() > 50
    assert hits.max() < 110


def test_no_parts_but_training():
    split = split_rows(3, 0, 0, generator())
    assert (split.train.tolist(), split.validation.tolist(), split.test.tolist()) == ([0, 1, 2], [], [])


@pytest.mark.parametrize(
    ("n_rows", "validation", "test", "message"),
    [
        (2, 0.2, 0.0, "validation=0.2 of 2 rows leaves no row.*--validation 0"),
        (2, 0.0, 0.1, "test=0.1 of 2 rows leaves no row"),
        (1, 0.9, 0.0, "1 row leave nothing to train on|leaves no row"),
        (9, 0.5, 0.5, "together below 1"),
        (9, -0.1, 0.5, "at least 0"),
        (9, float("nan"), 0.5, "at least 0"),
        (0, 0.0, 0.0, "nothing to train on"),
    ],
)
def test_shares_that_leave_nothing(n_rows, validation, test, message):
    with pytest.raises(UsageError, match=message):
        split_rows(n_rows, validation, test, generator())


def test_classes_too_small_for_a_part():
    with pytest.raises(UsageError, match="leaves no row"):
        split_rows(4, 0.2, 0.2, generator(), ["a", "b", "c", "d"])


def test_labels_of_another_length():
    with pytest.raises(UsageError, match=r"labels must have shape \(4,\)"):
        split_rows(4, 0, 0, generator(), [1, 2])


@given(n_rows=st.integers(10, 100), k=st.integers(2, 10), classes=st.integers(1, 5))
def test_folds(n_rows, k, classes):
    labels = generator().integers(0, classes, n_rows)
    folds = k_folds(n_rows, k, generator(1), labels)
    assert sorted(np.concatenate([fold.validation for fold in folds]).tolist()) == list(range(n_rows))
    sizes = [len(fold.validation) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for fold in folds:
        assert sorted([*fold.train, *fold.validation]) == list(range(n_rows))
        assert len(fold.test) == 0
    counts = np.array([np.bincount(labels[fold.validation], minlength=classes) for fold in folds])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()


@pytest.mark.parametrize("k", [1, 11, 2.5, True, "3"])
def test_numbers_of_folds_that_are_not_allowed(k):
    with pytest.raises(UsageError, match="k must be a whole number from 2"):
        k_folds(10, k, generator())


def test_a_fifth_is_for_validation_and_a_fifth_for_the_test():
    wine = read_table("wine")
    split = split_table(wine, EncodingPlan(), generator())
    for rows in (split.validation, split.test):
        counts = np.bincount(wine.column("class").values[rows].astype(int))[1:]
        assert (np.abs(counts - np.array([59, 71, 48]) / 5) < 1).all()


def test_a_truth_table_is_not_divided():
    split = split_table(read_table("xor"), EncodingPlan(), generator())
    assert split.train.tolist() == [0, 1, 2, 3]
    assert len(split.validation) == len(split.test) == 0


def test_a_regression_is_divided_without_classes():
    split = split_table(read_table("diabetes"), EncodingPlan(test=0), generator())
    assert len(split.validation) == 88
    assert len(split.test) == 0
