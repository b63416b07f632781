"""Columns to numbers and back, against scikit-learn and by round trips."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import preprocessing

from chainrule.data.encoding import Encoding, NameInput, NumberInput, fit_encoding, prepare_table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.tables import Column, Table, read_table, table_from_arrays
from chainrule.errors import DataError, ModelFileError, UsageError


def fit(source, fit_rows=None, output_activation="auto", **options) -> Encoding:
    return fit_encoding(read_table(source), EncodingPlan(**options), fit_rows, output_activation)


def matrix(name: str) -> np.ndarray:
    return np.column_stack([column.values for column in read_table(name).columns[:-1]])


# --- inputs ---


@pytest.mark.parametrize(
    ("scale", "oracle"),
    [
        ("standard", preprocessing.StandardScaler()),
        ("robust", preprocessing.RobustScaler()),
        ("unit", preprocessing.MinMaxScaler()),
        ("symmetric", preprocessing.MinMaxScaler((-1, 1))),
        ("none", preprocessing.FunctionTransformer()),
    ],
)
def test_scaling_agrees_with_scikit_learn_on_the_training_rows(scale, oracle):
    rows = np.random.default_rng(0).permutation(178)[:100]
    encoding = fit("wine", rows, scale=scale)
    X = matrix("wine")
    wanted = oracle.fit(X[rows]).transform(X)
    np.testing.assert_allclose(encoding.encode_inputs(read_table("wine")), wanted, rtol=1e-12, atol=1e-12)


def test_training_rows_can_be_a_mask():
    mask = np.arange(178) < 100
    assert fit("wine", mask) == fit("wine", np.arange(100))
    with pytest.raises(UsageError, match="fit_rows names no row"):
        fit("wine", np.zeros(178, dtype=bool))


def test_names_agree_with_one_hot_encoding():
    colors = np.random.default_rng(0).choice(["red", "green", "blue"], 40)
    table = read_table({"color": colors, "x": np.arange(40), "y": [0, 1] * 20})
    encoding = fit_encoding(table, EncodingPlan(ignore="x"))
    wanted = preprocessing.OneHotEncoder(sparse_output=False).fit_transform(colors[:, None])
    np.testing.assert_array_equal(encoding.encode_inputs(table), wanted)
    assert encoding.node_names == ("color=blue", "color=green", "color=red")


def test_names_and_constants_come_from_the_training_rows():
    table = {"c": ["a", "b", "c"], "x": [1.0, 3.0, 100.0], "y": [0, 1, 1]}
    number = NumberInput("x", 2.0, 1.0, fill=2.0, low=1.0, high=100.0)
    encoding = fit(table, fit_rows=[0, 1])
    assert encoding.inputs == (NameInput("c", ("a", "b"), refuse_missing=False), number)
    np.testing.assert_array_equal(encoding.encode_inputs(read_table(table))[:, :2], [[1, 0], [0, 1], [0, 0]])


def test_where_new_names_are_refused_those_of_all_rows_are_known():
    table = {"c": ["a", "b", "c"], "x": [1.0, 3.0, 100.0], "y": [0, 1, 1]}
    encoding = fit(table, fit_rows=[0, 1], unknown="refuse")
    assert encoding.inputs[0].categories == ("a", "b", "c")
    few = fit(table, fit_rows=[0, 1], unknown="refuse", max_categories=2)
    assert (few.inputs[0].categories, few.inputs[0].others) == (("a", "b"), ("c",))
    np.testing.assert_array_equal(few.encode_inputs(read_table(table))[2, :2], [0, 0])
    with pytest.raises(DataError, match='"d" was not there in training'):
        few.encode_inputs(read_table({"c": ["d"], "x": [1.0]}))


def test_nominal_numbers_become_names_in_numeric_order():
    encoding = fit({"k": [10, 9, 1, 9], "y": [0, 1, 1, 0]}, nominal="k")
    assert encoding.node_names == ("k=1", "k=9", "k=10")


def test_columns_that_are_constant_in_training_are_left_out():
    encoding = fit({"a": [1, 1, 2], "x": [1, 2, 3], "y": [0, 1, 1]}, fit_rows=[0, 1])
    assert encoding.node_names == ("x",)
    assert encoding.left_out == (("a", "the same value in every training row"),)
    assert any('Left out "a"' in note for note in encoding.notes)
    with pytest.raises(DataError, match=r'says anything.*"a": the same value in every training row\. Use more rows'):
        fit({"a": [1, 1, 2], "y": [0, 1, 1]}, fit_rows=[0, 1])
    names = fit({"a": ["u", "u", "v"], "x": [1, 2, 3], "y": [0, 1, 1]}, fit_rows=[0, 1])
    assert names.left_out == (("a", "the same value in every training row"),)
    for empty in ([None, None, 2], [None, None, "b"]):
        encoding = fit({"a": empty, "x": [1, 2, 3], "y": [0, 1, 1]}, fit_rows=[0, 1])
        assert encoding.left_out == (("a", "no values in the training rows"),)


def test_values_that_rounding_makes_uneven_are_still_constant():
    with pytest.raises(DataError, match="the same value"):
        fit({"a": [0.1] * 7, "y": [0, 1, 1, 0, 0, 1, 1]})


def test_robust_scaling_where_the_quartiles_coincide():
    encoding = fit({"a": [0, 0, 0, 0, 0, 0, 9], "y": [0, 1, 1, 0, 0, 1, 1]}, scale="robust")
    np.testing.assert_allclose(encoding.inputs[0].scale, np.std([0, 0, 0, 0, 0, 0, 9]))


def test_numbers_at_the_limits():
    with pytest.raises(DataError, match=r'the numbers of column "a" are too large'):
        fit({"a": [-1.7e308, 1.7e308], "y": [0, 1]})
    tiny = fit({"a": [0.0, 5e-324], "y": [0, 1]})
    assert tiny.inputs[0].scale > 0
    for scale in ("standard", "robust"):  # whose deviation has a square that is 0: the range stands in for it
        assert fit({"a": [-5e-324, 5e-324, 0.0], "y": [0, 1, 1]}, scale=scale).inputs[0].scale in (1e-323, 5e-324)
    encoding = fit({"a": [0.0, 1e-300], "y": [0, 1]})
    with pytest.raises(DataError, match="too far from the training values"):
        encoding.encode_inputs(read_table({"a": [1e300]}))
    with pytest.raises(DataError, match=r"row 2.*1e\+300 is too far from the training values"):
        encoding.encode_inputs(read_table({"a": [0.0, 1e-300, 1e300]}))


# --- missing values ---

HOLES = {"x": [1.0, np.nan, 3.0, 8.0], "c": ["a", None, "b", "a"], "full": [1.0, 2.0, 3.0, 5.0], "y": [0, 1, 1, 0]}


def test_missing_values_are_refused():
    with pytest.raises(DataError, match=r'row 1, column "x": the value is missing.*"x" \(1 cell\), "c" \(1 cell\)'):
        fit(HOLES, missing="refuse")


def test_missing_values_are_imputed():
    encoding = fit(HOLES, missing="impute", scale="none")
    assert encoding.node_names == ("x", "c=a", "c=b", "c is missing", "full")
    np.testing.assert_array_equal(
        encoding.encode_inputs(read_table(HOLES)),
        [[1, 1, 0, 0, 1], [3, 0, 0, 1, 2], [3, 0, 1, 0, 3], [8, 1, 0, 0, 5]],
    )


def test_missing_values_are_indicated():
    encoding = fit(HOLES, missing="indicate", scale="none")
    assert encoding.node_names == ("x", "x is missing", "c=a", "c=b", "c is missing", "full")
    np.testing.assert_array_equal(encoding.encode_inputs(read_table(HOLES))[:, 1], [0, 1, 0, 0])


def test_a_constant_with_gaps_is_one_node_of_its_distance_and_one_of_its_gaps():
    encoding = fit({"x": [7.0, None, 7.0, 7.0], "y": [0, 1, 1, 0]}, missing="indicate")
    X = encoding.encode_inputs(read_table({"x": [7.0, None, 10.0]}))
    np.testing.assert_array_equal(X, [[0, 0], [0, 1], [3, 0]])


def test_the_median_is_that_of_the_training_rows():
    assert fit(HOLES, fit_rows=[0, 1, 3], missing="impute").inputs[0].fill == 4.5


def test_missing_values_at_prediction_where_training_had_none():
    new = read_table({"full": [None], "x": [2.0], "c": [None]})
    complete = {**HOLES, "x": [1.0, 2.0, 3.0, 8.0], "c": ["a", "a", "b", "a"]}
    encoding = fit(complete, missing="impute", scale="none")
    np.testing.assert_array_equal(encoding.encode_inputs(new), [[2, 0, 0, 2.5]])
    for policy in ("refuse", "drop"):
        with pytest.raises(DataError, match=r'row 0, column "c": the value is missing.*train with --missing indicate'):
            fit(complete, missing=policy).encode_inputs(new)


def test_a_number_column_without_values_at_prediction():
    encoding = fit(HOLES, missing="impute", scale="none")
    new = read_table({"x": [None], "c": [None], "full": [1]})
    np.testing.assert_array_equal(encoding.encode_inputs(new), [[3, 0, 0, 1, 1]])


def test_a_column_of_text_without_values_at_prediction():
    """As of a database, which has a type for a column in which nothing is known."""
    new = read_table({"x": [None, None], "c": [None, None], "full": [1, 2]})
    typed = Table(tuple(column.as_text() if column.name == "x" else column for column in new.columns), "new")
    for plan in ({"missing": "impute"}, {"missing": "indicate"}):
        encoding = fit(HOLES, **plan)
        np.testing.assert_array_equal(encoding.encode_inputs(typed), encoding.encode_inputs(new))
    complete = {**HOLES, "x": [1.0, 2.0, 3.0, 8.0], "c": ["a", "a", "b", "a"]}
    with pytest.raises(DataError, match=r'new, row 1, column "x": the value is missing'):
        fit(complete, missing="refuse").encode_inputs(typed)


# --- tables at prediction ---


def test_columns_are_found_by_name():
    encoding = fit("iris")
    table = read_table("iris")
    shuffled = Table((Column("extra", "number", np.zeros(150)), *reversed(table.columns)), "new")
    np.testing.assert_array_equal(encoding.encode_inputs(shuffled), encoding.encode_inputs(table))


def test_missing_columns_are_named():
    with pytest.raises(DataError) as caught:
        fit("iris").encode_inputs(read_table({"sepal_lenght": [1], "sepal_width": [1], "petal_width": [1]}))
    message = str(caught.value)
    assert "lacks 2 columns that the model needs: sepal_length, petal_length." in message
    assert 'Did you mean "sepal_lenght"?' in message
    for table, verb, have in (
        (read_table({"a": [1]}), "the dict lacks", "It has"),
        (table_from_arrays([[1]], names=["a"]), "the arrays lack", "They have"),
    ):
        with pytest.raises(DataError, match=rf"{verb} 4 columns that the model needs: .*\. {have}: a\.$"):
            fit("iris").encode_inputs(table)
        with pytest.raises(DataError, match=rf'{verb} the target column "species"\. {have}: a\.$'):
            fit("iris").encode_targets(table)
    with pytest.raises(DataError, match=r'lacks the target column "species"\. Did you mean "Species"'):
        fit("iris").encode_targets(read_table({"Species": ["setosa"]}))


def test_text_in_a_column_of_numbers():
    with pytest.raises(DataError, match='the dict, row 1, column "x": "big" is not a number, but'):
        fit({"x": [1, 2], "y": [0, 1]}).encode_inputs(read_table({"x": [None, "big"]}))


def test_numbers_in_a_column_of_names_are_taken_as_names():
    encoding = fit({"k": ["1", "2", "x"], "y": [0, 1, 1]})
    np.testing.assert_array_equal(encoding.encode_inputs(read_table({"k": [2.0]})), [[0, 1, 0]])
    assert encoding.text_columns == ("k",)
    assert fit({"k": ["1", "2", "x"], "n": [1, 2, 4], "y": ["a", "b", "b"]}).text_columns == ("k", "y")
    assert fit({"n": [1, 2, 3], "y": [0.5, 1, 2]}).text_columns == ()


def test_unknown_names():
    table = {"color": ["red", "blue", "red"], "y": [0, 1, 1]}
    new = read_table({"color": ["red", "rde"]})
    with pytest.raises(DataError) as caught:
        fit(table, unknown="refuse").encode_inputs(new)
    assert str(caught.value) == (
        'the dict, row 1, column "color": "rde" was not there in training. Did you mean "red"? '
        'Known: blue, red. Correct it, or use --unknown other (unknown="other" in Python) to take none of them.'
    )
    np.testing.assert_array_equal(fit(table).encode_inputs(new), [[0, 1], [0, 0]])


def test_arrays_without_names_are_matched_by_position():
    encoding = fit("wine")
    X, y = matrix("wine"), read_table("wine").columns[-1].values.astype(int)
    wanted, targets = encoding.encode(read_table("wine"))
    np.testing.assert_array_equal(encoding.encode_inputs(read_table(X)), wanted)
    found = encoding.encode(table_from_arrays(X, y))
    np.testing.assert_array_equal(found[0], wanted)
    np.testing.assert_array_equal(found[1], targets)


def test_arrays_of_another_width():
    encoding = fit("wine")
    for width in (12, 14):
        with pytest.raises(DataError, match=rf"{width} input columns, but the model was trained with 13: alcohol"):
            encoding.encode_inputs(read_table(np.zeros((2, width))))


def test_arrays_keep_columns_that_were_left_out():
    X = np.array([[1.0, 0.0, 5.0], [2.0, 0.0, 6.0], [3.0, 0.0, 9.0]])
    encoding = fit_encoding(table_from_arrays(X, [0, 1, 1]), EncodingPlan(scale="none"))
    assert encoding.node_names == ("x1", "x3")
    np.testing.assert_array_equal(encoding.encode_inputs(table_from_arrays(X)), X[:, [0, 2]])
    with pytest.raises(DataError, match="2 input columns, but the model was trained with 3"):
        encoding.encode_inputs(table_from_arrays(X[:, :2]))


def test_an_array_with_its_target_last():
    data = np.array([[0.0, 1.0, 7.5], [1.0, 5.0, 8.5]])
    encoding = fit(data)
    assert encoding.target_names == ("x3",)
    np.testing.assert_array_equal(
        encoding.encode_inputs(read_table(data[:, :2])), encoding.encode_inputs(read_table(data))
    )


# --- classes ---


@pytest.mark.parametrize("labels", [[2, 1, 1], ["b", "a", "a"], [True, False, False], [0.0, 1.0, 1.0], [-1, 1, 1]])
@pytest.mark.parametrize("output_activation", ["auto", "softmax", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("soft", [False, True])
def test_two_classes_come_back_in_their_type(labels, output_activation, soft):
    table = table_from_arrays(np.arange(3)[:, None], labels)
    encoding = fit_encoding(table, EncodingPlan(soft_targets=soft), None, output_activation)
    Y = encoding.encode_targets(table)
    assert Y.shape == (3, 2 if output_activation == "softmax" else 1)
    decoded = encoding.decode_labels(Y)
    assert decoded.tolist() == labels
    assert type(decoded.tolist()[0]) is type(labels[0])
    assert encoding.true_labels(table).tolist() == labels
    np.testing.assert_allclose(encoding.probabilities(Y).argmax(axis=1), [encoding.classes.index(x) for x in labels])
    low, high = (-1, 1) if output_activation == "tanh" else (0, 1)
    inset = 0.1 if soft else 0
    np.testing.assert_allclose(sorted(set(Y.ravel().tolist())), [low + inset, high - inset])


@pytest.mark.parametrize("output_activation", ["auto", "softmax", "logistic", "tanh"])
@pytest.mark.parametrize("soft", [False, True])
def test_several_classes(output_activation, soft):
    table = read_table("iris")
    encoding = fit("iris", None, output_activation, soft_targets=soft)
    Y = encoding.encode_targets(table)
    assert Y.shape == (150, 3)
    assert encoding.output_names == ("species=setosa", "species=versicolor", "species=virginica")
    assert encoding.decode_labels(Y).tolist() == table.column("species").values.tolist()
    np.testing.assert_allclose(encoding.probabilities(Y), Y == Y.max(), atol=1e-12)
    if output_activation in ("auto", "softmax"):
        np.testing.assert_allclose(Y.sum(axis=1), 1)
    else:
        low, high = {"logistic": (0, 1), "tanh": (-1, 1)}[output_activation]
        np.testing.assert_allclose([Y.min(), Y.max()], [low + 0.1, high - 0.1] if soft else [low, high])


@settings(max_examples=settings.default.max_examples * 2 // 3)
@given(
    st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.booleans(), st.sampled_from(["softmax", "logistic", "tanh"])
)
def test_probabilities_add_up_to_one(outputs, soft, output_activation):
    encoding = fit("iris", None, output_activation, soft_targets=soft)
    P = encoding.probabilities([outputs])
    assert P.shape == (1, 3)
    assert (P >= 0).all()
    np.testing.assert_allclose(P.sum(), 1)


def test_softmax_outputs_are_their_own_probabilities():
    np.testing.assert_allclose(fit("iris", None, "softmax").probabilities([[0.2, 0.5, 0.3]]), [[0.2, 0.5, 0.3]])
    np.testing.assert_allclose(fit("xor").probabilities([[0.3]]), [[0.7, 0.3]])
    np.testing.assert_allclose(fit("xor", None, "tanh").probabilities([[0.5]]), [[0.25, 0.75]])


def test_probabilities_of_outputs_beyond_their_range_are_probabilities():
    for activation in ("logistic", "tanh", "identity"):
        for table, n in (("xor", 1), ("iris", 3)):
            P = fit(table, None, activation).probabilities(np.outer([-9.0, 0.0, 1.0, 9.0], np.ones(n)))
            assert (P > 0).all()
            assert (P <= 1).all()
            np.testing.assert_allclose(P.sum(axis=1), 1)


def test_outputs_without_any_evidence_are_spread_evenly():
    np.testing.assert_allclose(fit("iris", None, "logistic").probabilities([[0, 0, 0]]), [[1 / 3] * 3])


def test_unknown_and_missing_classes():
    encoding = fit("iris")
    with pytest.raises(DataError, match=r'row 0, column "species": "setos" is not among.*Did you mean "setosa"'):
        encoding.encode_targets(read_table({"species": ["setos"]}))
    with pytest.raises(DataError, match=r'row 2, column "species": "setos" is not among'):
        encoding.encode_targets(read_table({"species": ["setosa", "virginica", "setos", "other"]}))
    with pytest.raises(DataError, match=r"row 1.*the target is missing"):
        encoding.encode_targets(read_table({"species": ["setosa", None]}))


@pytest.mark.parametrize(
    ("trained", "given"),
    [
        ([1, 2, 2], ["1", "2"]),
        ([True, False, False], ["False", "true"]),
        (["1", "2", "2"], [1, 2]),
        ([0.0, 1.0, 1.0], [False, True]),
        (["false", "true", "true"], [False, True]),
    ],
)
def test_classes_are_recognised_across_types(trained, given):
    encoding = fit_encoding(table_from_arrays(np.arange(3)[:, None], trained), EncodingPlan())
    assert encoding.encode_targets(read_table({"y": given})).ravel().tolist() == [0.0, 1.0]


def test_an_output_in_the_middle_is_the_first_class():
    for activation, middle in (("logistic", 0.5), ("tanh", 0.0)):
        above = np.nextafter(middle, 1)
        assert fit("xor", None, activation).decode_labels([[middle], [above], [-above]]).tolist() == [0, 1, 0]


def test_many_classes_are_described_in_short():
    table = read_table({"x": np.arange(24), "y": [f"c{i:02}" for i in range(12)] * 2})
    row = next(row for row in fit_encoding(table, EncodingPlan()).describe() if row["role"] == "target")
    assert row["done"].startswith("c00, c01, c02, c03, c04, c05, c06, c07, c08, c09 and 2 more; ")
    assert row["nodes"] == 12


def test_targets_of_values_that_are_no_numbers():
    encoding = fit("diabetes")
    name = encoding.target_names[0]
    with pytest.raises(DataError, match=rf'row 1, column "{name}": "a" is not a number'):
        encoding.encode_targets(read_table({name: [None, "a", "b"]}))
    for cells in ([1.5, None], [None, None]):
        with pytest.raises(DataError, match=rf'row {cells.index(None)}, column "{name}": the target is missing'):
            encoding.encode_targets(read_table({name: cells}))
    zero = fit({"x": [1, 2, 3], "y": [0.0, 0.5, 2.5]}, None, "relu", target_scale="none")
    np.testing.assert_array_equal(zero.decode_values([[0.0], [2.5]]), [0, 2.5])
    with pytest.raises(DataError, match=r"relu outputs are never negative and cannot reach -0\.5"):
        fit({"x": [1, 2, 3], "y": [0.0, -0.5, 2.5]}, None, "relu", target_scale="none")


def test_classes_of_numbers_in_numeric_order():
    table = table_from_arrays(np.arange(60)[:, None], np.tile([10, 9, 100], 20))
    assert fit_encoding(table, EncodingPlan()).classes == (9, 10, 100)
    assert fit_encoding(table, EncodingPlan(nominal="y")).classes == ("9", "10", "100")


# --- values ---


@pytest.mark.parametrize(
    ("output_activation", "low", "high"),
    [("logistic", 0.1, 0.9), ("tanh", -0.9, 0.9), ("elu", 0, 1), ("silu(1)", 0, 1)],
)
def test_targets_are_where_the_output_activation_reaches(output_activation, low, high):
    encoding = fit("diabetes", None, output_activation)
    Y = encoding.encode_targets(read_table("diabetes"))
    np.testing.assert_allclose([Y.min(), Y.max()], [low, high], atol=1e-12)


@pytest.mark.parametrize("output_activation", ["auto", "identity", "leaky_relu(0.1)"])
def test_targets_are_standardised_where_every_number_is_reached(output_activation):
    rows = np.arange(200)
    Y = fit("diabetes", rows, output_activation).encode_targets(read_table("diabetes"))
    np.testing.assert_allclose([Y[rows].mean(), Y[rows].std()], [0, 1], atol=1e-12)


@pytest.mark.parametrize("output_activation", ["relu", "softplus", "exponential"])
def test_targets_of_outputs_that_are_never_negative(output_activation):
    table = read_table("diabetes")
    Y = fit("diabetes", None, output_activation).encode_targets(table)
    np.testing.assert_array_equal(Y[:, 0], table.columns[-1].values)
    with pytest.raises(DataError, match=rf'row 1, column "y": {output_activation} outputs are never negative.*-2'):
        fit({"x": [1, 2, 3], "y": [1.5, -2.0, 0]}, None, output_activation)
    assert fit({"x": [1, 2, 3], "y": [1.5, -2.0, 0]}, None, output_activation, target_scale="unit").task == "regression"


@pytest.mark.parametrize("target_scale", ["standard", "unit", "symmetric", "inside", "none"])
@pytest.mark.parametrize("output_activation", ["identity", "tanh", "logistic"])
def test_values_come_back_in_their_units(target_scale, output_activation):
    table = read_table("iris")
    encoding = fit(
        "iris", np.arange(0, 150, 2), output_activation, target="petal_width,petal_length", target_scale=target_scale
    )
    Y = encoding.encode_targets(table)
    values = np.column_stack([table.column("petal_width").values, table.column("petal_length").values])
    np.testing.assert_allclose(encoding.decode_values(Y), values)
    np.testing.assert_array_equal(encoding.true_values(table), values)
    assert encoding.output_names == ("petal_width", "petal_length")


def test_one_target_has_one_dimension():
    encoding = fit("diabetes")
    table = read_table("diabetes")
    assert encoding.decode_values(encoding.encode_targets(table)).shape == (442,)
    assert encoding.true_values(table).shape == (442,)


def test_targets_that_cannot_be_learnt():
    with pytest.raises(UsageError, match="softmax outputs"):
        fit("diabetes", None, "softmax")
    with pytest.raises(DataError, match='the target "y" is 5 in all 2 training rows'):
        fit({"x": [1, 2, 3], "y": [5.0, 5.0, 6.5]}, fit_rows=[0, 1])
    with pytest.raises(DataError, match='the target "y" is too large'):
        fit({"x": [1, 2], "y": [-1.7e308, 1.7e308]}, task="regression")
    with pytest.raises(DataError, match='row 0, column "y": "a" is not a number'):
        fit({"x": [1, 2], "y": [0.5, 1]}).encode_targets(read_table({"y": ["a", "b"]}))
    with pytest.raises(DataError, match='row 1, column "y": the target is missing'):
        fit({"x": [1, 2], "y": [0.5, 1]}).encode_targets(read_table({"y": [1.0, None]}))


def test_the_wrong_way_to_decode():
    with pytest.raises(UsageError, match="predicts values, not classes"):
        fit("diabetes").decode_labels([[1.0]])
    with pytest.raises(UsageError, match="predicts values, not classes"):
        fit("diabetes").probabilities([[1.0]])
    with pytest.raises(UsageError, match="predicts classes"):
        fit("wine").decode_values([[1.0, 0, 0]])
    with pytest.raises(UsageError, match=r"outputs must have shape \(rows, 3\); received \(1, 2\)"):
        fit("wine").decode_labels([[1.0, 0]])
    with pytest.raises(UsageError, match="outputs must be finite; row 1"):
        fit("wine").decode_labels([[1.0, 0, 0], [np.nan, 0, 0]])


# --- the account ---


def test_the_description_accounts_for_every_column():
    table = read_table({**HOLES, "same": [1, 1, 1, 1], "skip": [1, 2, 3, 4]})
    plan = EncodingPlan(target="y", missing="indicate", ignore="skip")
    rows = fit_encoding(prepare_table(table, plan), plan).describe()
    assert {row["column"]: row["role"] for row in rows} == {
        "x": "input",
        "c": "input",
        "full": "input",
        "y": "target",
        "skip": "left out",
        "same": "left out",
    }
    assert all(set(row) == {"column", "role", "read_as", "nodes", "done"} for row in rows)
    by_name = {row["column"]: row for row in rows}
    assert by_name["x"]["nodes"] == 2
    assert "3 where missing" in by_name["x"]["done"]
    assert "2 names, one for missing" in by_name["c"]["done"]
    assert by_name["y"]["read_as"] == "classes"
    assert "one node, 0 or 1" in by_name["y"]["done"]


def test_the_description_of_a_regression():
    rows = fit("diabetes", target="s5,s6", target_scale="none", scale="none").describe()
    assert [row["done"] for row in rows[-2:]] == ["as it is", "as it is"]
    assert rows[0]["done"] == "as it is; 50 where missing"
    assert fit("diabetes", target="s5,s6", scale="none", missing="refuse").describe()[0]["done"] == "as it is"


@settings(max_examples=settings.default.max_examples * 2 // 3)
@given(data=st.data())
def test_encode_store_and_decode_any_table(data):
    n_rows = data.draw(st.integers(4, 12))

    def column(values):
        return st.lists(values, min_size=n_rows, max_size=n_rows)

    numbers = data.draw(column(st.floats(-1e6, 1e6) | st.none()))
    names = data.draw(column(st.text(max_size=3) | st.none()))
    labels = data.draw(column(st.integers(0, 2)) | column(st.sampled_from(["a", "b"])) | column(st.floats(-9, 9)))
    labels[:2] = ["a", "b"] if isinstance(labels[0], str) else [0, 2]
    plan = EncodingPlan(
        scale=data.draw(st.sampled_from(["standard", "robust", "unit", "symmetric", "none"])),
        missing=data.draw(st.sampled_from(["impute", "indicate"])),
        soft_targets=data.draw(st.booleans()),
    )
    activation = data.draw(st.sampled_from(["auto", "tanh", "logistic", "identity"]))
    table = prepare_table(read_table({"n": numbers, "c": names, "safe": np.arange(n_rows), "y": labels}), plan)
    encoding = fit_encoding(table, plan, None, activation)
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding
    X, Y = again.encode(table)
    assert X.shape == (n_rows, again.n_inputs)
    assert X.dtype == Y.dtype == np.float64
    assert np.isfinite(X).all()
    if again.task == "classification":
        assert again.decode_labels(Y).tolist() == labels
    else:
        np.testing.assert_allclose(again.decode_values(Y), labels, atol=1e-9)


def test_columns_named_by_what_is_no_text():
    assert EncodingPlan(target=2).target == ("2",)
    assert EncodingPlan(target=np.int64(2), ignore=(0, "a")).ignore == ("0", "a")
    assert EncodingPlan(weights=2).weights == "2"
    for wrong in (pd.Series([1]), {"a": 1}, b"a"):
        with pytest.raises(UsageError, match="columns are given by their names; received a value of type"):
            EncodingPlan(target=wrong)
    with pytest.raises(UsageError, match="weights is the name of one column"):
        EncodingPlan(weights=("a", "b"))


def test_the_words_of_unknown():
    with pytest.raises(UsageError, match=r'^unknown must be other or refuse; received "ignor"\.$'):
        EncodingPlan(unknown="ignor")
    with pytest.raises(UsageError, match=r'What was called "ignore" is part of "other" now\.$'):
        EncodingPlan(unknown="ignore")


def test_names_that_differ_in_case_only():
    table = read_table({"Size": [1, 2], "color": ["a", "b"], "y": [0.5, 1.5]})
    encoding = fit_encoding(table, EncodingPlan())
    with pytest.raises(DataError, match='differ only in upper and lower case: "size" for "Size", "COLOR" for "color"'):
        encoding.encode_inputs(read_table({"size": [1], "COLOR": ["a"]}))


def test_classes_beyond_float64_in_a_file():
    record = fit_encoding(read_table({"x": [1, 2], "y": [0, 1]}), EncodingPlan()).to_dict()
    record["target"]["classes"] = [0, 10**400]
    with pytest.raises(ModelFileError, match="a finite number"):
        Encoding.from_dict(record)


ORIGINS = ("float", "integer", "boolean", "date", "time", "duration")


@st.composite
def inputs_and_rows(draw):
    """Inputs of every kind, and a table for them in which little is as it should be."""
    n = draw(st.integers(1, 4))
    fills = st.none() | st.floats(-9, 9)
    usual, odd = st.floats(-100, 100), st.sampled_from([np.nan, 1e308, -1e308, 0.0])
    inputs, columns = [], []
    for k in range(draw(st.integers(1, 6))):
        name, origin = f"c{k}", draw(st.sampled_from(ORIGINS))
        if draw(st.booleans()):
            center, scale = draw(st.floats(-1e3, 1e3)), draw(st.sampled_from([1.0, 0.3, 1e-300]))
            fill = draw(fills)
            periods = draw(st.sampled_from([(), (7.0,), (365.2425, 24.0, 1.0)]))
            indicator = fill is not None and draw(st.booleans())
            inputs.append(NumberInput(name, center, scale, indicator, fill, origin, periods))
        else:
            names = ("1", "2", "red")
            others = draw(st.sampled_from([(), ("blue",)]))
            inputs.append(NameInput(name, names, draw(st.booleans()), draw(st.booleans()), draw(st.booleans()), others))
        if draw(st.integers(0, 5)):
            cells = draw(st.lists(usual if draw(st.integers(0, 2)) else usual | odd, min_size=n, max_size=n))
            same = isinstance(inputs[-1], NumberInput) and draw(st.integers(0, 9))
            columns.append(Column(name, "number", np.array(cells), "", origin if same else "float"))
        else:
            cells = draw(st.lists(st.sampled_from(["1", "red", "blue", None]), min_size=n, max_size=n))
            columns.append(Column(name, "text", np.array(cells, dtype=object)))
    order = draw(st.permutations(range(len(columns))))
    return tuple(inputs), Table(tuple(columns[k] for k in order), "rows"), draw(st.sampled_from(["refuse", "other"]))


@settings(max_examples=settings.default.max_examples * 2)
@given(inputs_and_rows())
def test_all_columns_at_once_are_encoded_as_one_after_the_other(case):
    """The same bits, or the same refusal: that of the first input."""
    inputs, table, unknown = case
    encoding = dataclasses.replace(fit("xor"), inputs=inputs, unknown=unknown)
    wanted = refusal = None
    try:
        wanted = np.column_stack([item.encode(table.column(item.name), table, unknown) for item in inputs])
    except DataError as error:
        refusal = str(error)
    if wanted is None:
        with pytest.raises(DataError) as raised:
            encoding.encode_inputs(table)
        assert str(raised.value) == refusal
    else:
        assert encoding.encode_inputs(table).tobytes() == wanted.tobytes()
