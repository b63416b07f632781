"""Weights of classes in `train`: scikit-learn's rule, on the training rows, in training and watching alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from same import same_bits
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

import chainrule as cr
from chainrule.data.class_weights import balanced
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.errors import UsageError
from chainrule.models.estimators.class_targets import class_targets
from chainrule.models.estimators.class_weights import weights_by_class
from chainrule.models.setup import set_up


def rare(n: int = 300, classes: str = "ny") -> dict:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    return {"x": x, "z": rng.uniform(1, 2, n), "y": np.where(x + rng.normal(size=n) > 1.6, classes[1], classes[0])}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_balanced_weights_are_sklearns(codes):
    codes = np.array(codes)
    present = np.unique(codes)
    ours = balanced(codes, 6)
    np.testing.assert_allclose(ours[present], compute_class_weight("balanced", classes=present, y=codes))
    assert ours[codes].sum() == pytest.approx(len(codes))
    assert (ours[np.setdiff1d(np.arange(6), present)] == 1).all()


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab")), min_size=2, max_size=30))
def test_the_estimators_have_the_same_rule(rows):
    one = np.array([code for code, _ in rows] + [0, 1])
    np.testing.assert_allclose(
        weights_by_class(class_targets(one), "balanced", one), compute_sample_weight("balanced", one)
    )
    two = np.array([[str(code), letter] for code, letter in rows] + [["0", "a"], ["1", "b"]])
    np.testing.assert_allclose(
        weights_by_class(class_targets(two), "balanced", two), compute_sample_weight("balanced", two)
    )


def test_weights_come_from_the_training_rows_and_multiply_those_of_the_rows():
    setup = set_up(rare(), class_weight="balanced", weights="z")
    train = setup.split.train
    labels = setup.table.column("y").values.astype(str)
    expected = compute_class_weight("balanced", classes=np.array(["n", "y"]), y=labels[train])
    z = np.array(rare()["z"])
    np.testing.assert_allclose(setup.sample_weight, z * np.where(labels == "y", expected[1], expected[0]))
    arrays = setup.examples.arrays("float64")
    np.testing.assert_allclose(arrays.weights, setup.sample_weight[train])
    watched = labels[setup.split.validation]
    np.testing.assert_allclose(arrays.validation[2], np.where(watched == "y", expected[1], expected[0]))
    assert len(set_up(rare()).examples.arrays("float64").validation) == 2


def test_it_is_training_with_those_weights_and_finds_more_of_the_rare_class():
    plain, weighed = (cr.train(rare(2000), epochs=20, class_weight=w, ignore="z") for w in ("none", "balanced"))
    assert weighed.test.recall[1] > plain.test.recall[1] + 0.2
    assert weighed.test.balanced_accuracy > plain.test.balanced_accuracy
    setup = set_up(rare(2000), ignore="z")
    codes = setup.encoding.target.positions(setup.Y)
    weight = balanced(codes[setup.split.train], 2)[codes]
    by_hand = cr.train(rare(2000), epochs=20, keep="last", sample_weight=weight, ignore="z")
    assert same_bits(by_hand, cr.train(rare(2000), epochs=20, keep="last", class_weight="balanced", ignore="z"))


@pytest.mark.parametrize(("classes", "given_"), [("ny", {"y": 5}), ((0, 1), {1: 2.5}), ((False, True), {True: 4})])
def test_weights_by_name_are_kept_in_the_file(tmp_path, classes, given_):
    table = rare(200, "ny")
    table["y"] = [classes[int(label == "y")] for label in table["y"]]
    model = cr.train(table, epochs=3, class_weight=given_)
    assert model.encoding_plan.class_weight == tuple((key, float(value)) for key, value in given_.items())
    loaded = cr.load(model.save(tmp_path / "m.safetensors"))
    assert loaded.encoding_plan == model.encoding_plan
    assert loaded.replay(table, step=2).exact
    setup = set_up(table, class_weight=given_)
    assert sorted(set(setup.sample_weight.tolist())) == [1.0, next(iter(given_.values()))]


def test_what_is_not_allowed():
    for wrong in ("heavy", {"a": -1}, {"a": "b"}, {}, 3, {"a": float("nan")}):
        with pytest.raises(UsageError, match="class_weight must be none, balanced"):
            EncodingPlan(class_weight=wrong)
    with pytest.raises(UsageError, match=r"class_weight names 'maybe', which is none of the classes n, y"):
        set_up(rare(), class_weight={"maybe": 2})
    with pytest.raises(UsageError, match="class_weight is for a classification"):
        set_up("diabetes", class_weight="balanced")


def test_cross_validation_weighs_each_fold_by_its_own_rows():
    result = cr.cross_validate(rare(), folds=3, epochs=2, class_weight="balanced")
    assert len(result.models) == 3
