"""What can be exported, what cannot, and what is done with names and numbers before any language sees them."""

import ctypes
import datetime
import itertools
import math
import subprocess

import numpy as np
import pandas
import pytest
from export_cases import AWKWARD
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PowerTransformer

import chainrule as cr
from chainrule.models.export import to_c, to_javascript, to_onnx, to_python
from chainrule.models.export.program import Classes, NameColumn, NumberColumn, UnusedColumn, label_kind
from chainrule.models.export.sources import program_of
from chainrule.models.export.text import title

WRITERS = [to_c, to_javascript, to_onnx, to_python]


def test_a_program_worked_by_hand():
    table = {"size": [1.0, 3.0, 1.0, 3.0], "color": ["red", "blue", None, "red"], "y": ["no", "yes", "no", "yes"]}
    options = {"missing": "indicate", "hidden": "none", "validation": 0, "test": 0, "epochs": 1}
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
    estimator = MLPClassifier((2,), tol=10, random_state=0).fit(np.eye(4)[:, :2], [0, 1] * 2)
    estimator.encoding_ = model.encoding
    estimator.feature_names_in_ = np.array(["b", "constant", "a"])
    program = program_of(estimator)
    assert [(column.name, getattr(column, "node", None)) for column in program.columns] == [
        ("b", 1), ("constant", None), ("a", 0)
    ]  # fmt: skip
    assert isinstance(program.columns[1], UnusedColumn)


@pytest.mark.parametrize("write", WRITERS)
class TestRefused:
    def test_names_that_are_known_without_a_node(self, write):
        table = {"c": ["a", "b", "a", "b", "c"], "y": [1.0, 2.0, 1.5, 2.5, 3.0]}
        settings = {"max_categories": 2, "unknown": "refuse", "validation": 0, "test": 0, "epochs": 1}
        model = cr.train(table, target="y", **settings)
        with pytest.raises(cr.UsageError, match=r'"c" refuses new names but for 1 that the table.*other'):
            write(model)
        assert write(model.with_unknown("other"))

    def test_your_own_activation(self, write):
        square = cr.Activation("tanh", lambda Z: Z * Z, lambda Z, A, dC_dA: dC_dA * 2 * Z)
        with pytest.raises(cr.UsageError, match='layer 1 has the activation "tanh", which is not built in'):
            write(cr.Network.dense([2, 2], square, seed=0))

    def test_what_is_no_model(self, write):
        for thing in (None, "model.safetensors", MLPClassifier()):
            with pytest.raises(cr.UsageError, match=f"received {type(thing).__name__}. Fit an estimator first"):
                write(thing)

    def test_a_step_of_a_pipeline(self, write):
        pipeline = make_pipeline(PowerTransformer(), MLPClassifier((2,), tol=10, random_state=0))
        pipeline.fit(np.random.default_rng(0).normal(size=(8, 2)), [0, 1] * 4)
        with pytest.raises(cr.UsageError, match=r'the step "powertransformer" is a .*, which cannot be exported'):
            write(pipeline)

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
    estimator.classes_ = ["a", "b"]  # as a person puts them in
    assert program_of(estimator).answer.labels == ("a", "b")
    estimator.classes_ = [np.arange(2), np.arange(3)]
    with pytest.raises(cr.UsageError, match="an estimator of several columns of classes"):
        program_of(estimator)
    two = cr.MLPClassifier((2,), tol=10, random_state=0).fit(np.eye(6), np.c_[[0, 1, 2] * 2, [0, 1] * 3])
    with pytest.raises(cr.UsageError, match="an estimator of several columns of classes"):
        program_of(two)


@pytest.mark.parametrize("nothing", ["passthrough", None])
def test_steps_that_do_nothing_before_an_estimator_that_preprocesses(nothing):
    X = pandas.DataFrame(
        {"size": [1.0, 2.0, 4.0, 3.0], "sold": ["2020-01-01", "2020-01-05", "2020-02-01", "2020-03-01"]}
    )
    regressor = cr.MLPRegressor(hidden_layer_sizes=(2,), preprocess=True, tol=10, random_state=0)
    pipeline = Pipeline([("nothing", nothing), ("network", regressor)]).fit(X, [1.0, 2.0, 3.0, 4.0])
    module = {}
    exec(to_python(pipeline), module)
    assert module["predict"](X.iloc[1].to_dict()) == pytest.approx(pipeline.predict(X)[1])


def test_labels_of_every_kind():
    assert label_kind((0.5, 1.0)) == "number"
    assert label_kind((False, True)) == "boolean"
    assert label_kind((-(2**63), 2**63 - 1)) == "integer"
    with pytest.raises(cr.UsageError, match="beyond 64 bits"):
        label_kind((1, 2**63))
    X = np.eye(6)
    smallest = MLPClassifier((2,), tol=10, random_state=0).fit(X, np.array([-(2**63), 2**63 - 1] * 3))
    assert "(-9223372036854775807 - 1), 9223372036854775807" in to_c(smallest)


def test_members_of_an_ensemble_stand_side_by_side():
    ensemble = cr.train_ensemble("wine", members=3, epochs=1)
    program = program_of(ensemble)
    assert len(program.networks) == 3
    assert all(one[0].weights is not other[0].weights for one, other in itertools.pairwise(program.networks))
    assert title(program) == "The mean of 3 networks: each network of 13-16-3 units that chooses one of 3 classes."


class TestDates:
    DAYS = np.datetime64("2012-01-01") + np.arange(40)

    @pytest.fixture
    def model(self):
        table = {"day": self.DAYS, "y": np.sin(np.arange(40.0))}
        return cr.train(table, target="y", missing="refuse", epochs=3, dtype="float64", validation=0, test=0)

    MOMENTS = ("2012-01-31", "2012/02/29", "1969-12-31", "2012-02-29T12:30", "2012-02-29 12:30:15.5Z", "0004-02-29")

    def test_a_date_is_known_as_one_from_file_to_export(self, model, tmp_path):
        model.save(tmp_path / "dates.safetensors")
        for one in (model, cr.load(tmp_path / "dates.safetensors")):
            assert program_of(one).numbers[0].date
        for text in (to_c(model), to_javascript(model), to_python(model)):
            assert "days since 1970-01-01" in text
        facts = {one.key: one.value for one in to_onnx(model).metadata_props}
        assert facts["days since 1970-01-01, in UTC"] == '["day"]'

    def test_python_takes_dates(self, model):
        module = {}
        exec(to_python(model), module)
        predict, days = module["predict"], module["as_days"]
        for moment in self.MOMENTS:
            expected = model.predict({"day": [moment]})[0]
            assert predict([moment]) == pytest.approx(expected, rel=1e-12)
        noon = datetime.datetime(2012, 2, 29, 12)
        for same in (noon, noon.replace(tzinfo=datetime.UTC), "2012-02-29T12:00", 15399.5, np.float64(15399.5)):
            assert days("day", same) == 15399.5
        east = noon.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
        assert days("day", east) == pytest.approx(15399.5 - 2 / 24, abs=1e-9)
        assert days("day", datetime.date(1970, 1, 2)) == 1.0
        for unit in ("D", "h", "us", "ns"):
            assert days("day", np.datetime64("2012-02-29").astype(f"datetime64[{unit}]")) == 15399.0
        for missing in (None, math.nan, pandas.NaT, pandas.NA, np.datetime64("NaT")):
            with pytest.raises(ValueError, match="the value is missing"):
                predict([missing])
        for wrong in ("2012-02-30", "2012-1-1", "31.1.2012", "", "2012-01-31T25:00", b"2012-01-31", [1]):
            with pytest.raises(ValueError, match=r"day|month|hour|column 'day'"):
                predict([wrong])

    def test_c_counts_days(self, model, tmp_path):
        (tmp_path / "dates.c").write_text(to_c(model, name="sine"))
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, "dates.c", "-lm", "-o", "dates.so"], check=True, cwd=tmp_path, timeout=60)
        count = ctypes.CDLL(str(tmp_path / "dates.so")).sine_days
        count.restype = ctypes.c_double
        for wrong in (
            (2012, 2, 30),
            (2011, 2, 29),
            (1900, 2, 29),
            (2012, 0, 1),
            (2012, 13, 1),
            (2012, 4, 31),
            (2012, 1, 0),
        ):
            assert math.isnan(count(*wrong))
        for day in (datetime.date(1, 1, 1), datetime.date(1970, 1, 1), datetime.date(2000, 2, 29), *self.DAYS.tolist()):
            assert count(day.year, day.month, day.day) == day.toordinal() - 719163

    def test_columns_of_dates_may_have_any_name(self):
        names = [name for name in AWKWARD if name.strip()]
        table = {name: self.DAYS + k for k, name in enumerate(names)} | {"y": np.sin(np.arange(40.0))}
        model = cr.train(table, target="y", epochs=2, dtype="float64", validation=0, test=0)
        module = {}
        exec(to_python(model), module)
        row = dict.fromkeys(names, "2012-01-31")
        expected = model.predict({name: [cell] for name, cell in row.items()})[0]
        assert module["predict"](row) == pytest.approx(expected, rel=1e-12)
        for write in (to_c, to_javascript, to_onnx):
            write(model)


def test_what_python_calls_a_number_or_a_name():
    table = {"k": [1.0, 2.0, 1e-7, 1e16] * 4, "x": [1.0, 2.0, 3.0, 4.0] * 4, "y": [0.5, 1.0, 2.0, 3.0] * 4}
    model = cr.train(table, target="y", nominal="k", epochs=2, dtype="float64", validation=0, test=0)
    module = {}
    exec(to_python(model), module)
    for k in (1, 1.0, 2, 1e-7, 1e16, 10**16, np.float64(1e-7), np.int32(2), True):
        cells = {"k": [k if not isinstance(k, np.generic) else k.item()], "x": [1.0]}
        try:
            expected = model.predict(cells)[0]
        except cr.DataError:
            expected = None
        try:
            received = module["predict"]([k, 1.0])
        except ValueError:
            received = None
        assert (received is None) == (expected is None), k
        assert expected is None or received == pytest.approx(expected, rel=1e-12), k
    for wrong in (b"1.5", "1.5", [1.0], 1j, 10**400, object()):
        with pytest.raises(ValueError, match="column 'x'"):
            module["predict"]([1, wrong])


def test_files_that_python_would_take_for_its_own(tmp_path):
    network = cr.Network.dense([1, 1], seed=0)
    for name in ("math.py", "random.py", "class.py"):
        with pytest.raises(cr.UsageError, match="a Python file cannot be called"):
            to_python(network, tmp_path / name)
        assert not (tmp_path / name).exists()
    to_python(network, tmp_path / "math2.py")
