"""What can be exported, what cannot, and what is done with names and numbers before any language sees them."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.models.export import to_c, to_javascript, to_onnx, to_python
from chainrule.models.export.program import Classes, NameColumn, NumberColumn, UnusedColumn, label_kind
from chainrule.models.export.sources import program_of

WRITERS = [to_c, to_javascript, to_onnx, to_python]


def test_a_program_worked_by_hand():
    table = {"size": [1.0, 3.0, 1.0, 3.0], "color": ["red", "blue", None, "red"], "y": ["no", "yes", "no", "yes"]}
    options = {"missing": "indicate", "hidden": "none", "validation": 0, "test": 0, "epochs": 1, "unknown": "ignore"}
    program = program_of(cr.train(table, target="y", **options))
    assert program.columns == (
        NumberColumn("size", 0, center=2.0, scale=1.0, fill=2.0),
        NameColumn("color", 1, ("blue", "red"), missing="node", unknown="none"),
    )
    assert program.answer == Classes("y", ("no", "yes"), 0.0, 1.0, one_node=True, floor=1e-15)
    assert program.sizes == (4, 1)
    assert not program.plain


def test_columns_keep_their_places_in_the_rows_of_an_estimator():
    X = np.random.default_rng(0).normal(size=(20, 3))
    estimator = MLPClassifier((2,), tol=10, random_state=0).fit(X, [0, 1] * 10)
    program = program_of(estimator)
    assert program.plain
    assert [column.name for column in program.columns] == ["x1", "x2", "x3"]
    model = cr.train({"a": [1.0, 2.0] * 9, "b": [3.0, 4.0] * 9, "y": [0, 1] * 9}, target="y", epochs=1)
    estimator.encoding_ = model.encoding
    estimator.network_ = model.network
    estimator.feature_names_in_ = np.array(["b", "constant", "a"])
    program = program_of(estimator)
    assert [(column.name, getattr(column, "node", None)) for column in program.columns] == [
        ("b", 1), ("constant", None), ("a", 0)
    ]  # fmt: skip
    assert isinstance(program.columns[1], UnusedColumn)


@pytest.mark.parametrize("write", WRITERS)
class TestRefused:
    def test_your_own_activation(self, write):
        square = cr.Activation("tanh", lambda Z: Z * Z, lambda Z, A, dC_dA: dC_dA * 2 * Z)
        with pytest.raises(cr.UsageError, match='layer 1 has the activation "tanh", which is not built in'):
            write(cr.Network.dense([2, 2], square, seed=0))

    def test_what_is_no_model(self, write):
        X = np.eye(4)
        pipeline = make_pipeline(StandardScaler(), MLPClassifier((2,), tol=10, random_state=0)).fit(X, [0, 1, 0, 1])
        for thing in (None, "model.safetensors", MLPClassifier(), pipeline):
            with pytest.raises(cr.UsageError, match=f"received {type(thing).__name__}. Fit an estimator first"):
                write(thing)

    def test_an_ensemble(self, write):
        with pytest.raises(cr.UsageError, match=r"Export a member, such as ensemble.members\[0\]"):
            write(cr.train_ensemble("xor", members=2, epochs=1))

    def test_weights_that_are_not_finite(self, write):
        with pytest.raises(cr.UsageError, match="layer 1 has weights that are not finite"):
            write(cr.Network.dense([1, 1], weights=[np.array([[np.nan]])]))

    def test_half_of_a_character(self, write):
        table = {"a": ["x", "\ud800", "x", "y"], "y": [1.0, 2.0, 3.0, 4.0]}
        with pytest.raises(cr.UsageError, match="holds half of a character"):
            write(cr.train(table, target="y", epochs=1, validation=0, test=0))

    def test_a_folder_that_is_not_there(self, write, tmp_path):
        with pytest.raises(cr.UsageError, match="does not exist"):
            write(cr.Network.dense([1, 1], seed=0), tmp_path / "nowhere" / "model")


@pytest.mark.parametrize("write", [to_c, to_javascript, to_python])
def test_what_is_written_is_what_is_returned_and_always_the_same(write, tmp_path):
    model = cr.train("iris", epochs=2)
    text = write(model, tmp_path / "model")
    assert (tmp_path / "model").read_text(encoding="utf-8") == text == write(model)
    assert f"Made by chainrule {cr.__version__}." in text
    assert text.endswith("\n")
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_estimators_without_a_choice_or_with_several():
    estimator = MLPClassifier((2,), tol=10, random_state=0).fit(np.eye(4), [3, 3, 3, 3])
    with pytest.raises(cr.UsageError, match="knows a single class, 3"):
        program_of(estimator)
    for classes in ([None, "a"], [1.0, np.nan], [1, "a"], np.array(["2020", "2021"], dtype="datetime64[Y]")):
        estimator.classes_ = np.array(classes) if hasattr(classes, "dtype") else np.array(classes, dtype=object)
        with pytest.raises(cr.UsageError, match="classes must be text, truth values or numbers"):
            program_of(estimator)
    estimator.classes_ = np.array([np.str_("a"), np.str_("b")], dtype=object)
    assert program_of(estimator).answer.labels == ("a", "b")
    estimator.classes_ = [np.arange(2), np.arange(3)]
    with pytest.raises(cr.UsageError, match="an estimator of several columns of classes"):
        program_of(estimator)


def test_labels_of_every_kind():
    assert label_kind((0.5, 1.0)) == "number"
    assert label_kind((False, True)) == "boolean"
    assert label_kind((-(2**63), 2**63 - 1)) == "integer"
    with pytest.raises(cr.UsageError, match="beyond 64 bits"):
        label_kind((1, 2**63))
    X = np.eye(6)
    smallest = MLPClassifier((2,), tol=10, random_state=0).fit(X, np.array([-(2**63), 2**63 - 1] * 3))
    assert "(-9223372036854775807 - 1), 9223372036854775807" in to_c(smallest)
