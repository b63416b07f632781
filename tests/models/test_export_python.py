"""A network as a Python module: the same answers, from the standard library alone."""

import subprocess
import sys

import numpy as np
import pytest
from export_cases import CASES, case, refused

import chainrule as cr
from chainrule.models.export import to_python


def module_of(model):
    names = {"__name__": "exported"}
    exec(to_python(model), names)
    return names


@pytest.mark.parametrize("name", CASES)
def test_the_answers_are_those_of_python(name):
    one = case(name)
    module = module_of(one.model)
    numbers = module["probabilities" if one.labels else "predict"]
    received = np.array([numbers(row) for row in one.rows]).reshape(len(one.rows), -1)
    np.testing.assert_allclose(received, one.numbers, rtol=one.tolerance, atol=one.tolerance)
    if one.labels:
        assert [module["predict"](row) for row in one.rows] == one.labels
        assert type(module["predict"](one.rows[0])) is type(one.labels[0])


def test_it_needs_the_standard_library_only(tmp_path):
    one = case("names, indicators and two classes")
    to_python(one.model, tmp_path / "dear.py")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import dear; print(dear.predict({one.rows[1]!r})); "
        "print(sorted({'numpy', 'chainrule'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == [one.labels[1], "[]"], done.stderr


@pytest.mark.parametrize("name", ["awkward names", "names, indicators and two classes", "wine"])
def test_a_row_can_be_a_dict(name):
    one = case(name)
    module = module_of(one.model)
    for row in one.rows[:10]:
        by_name = {"something else": 5, **dict(zip(one.columns, row, strict=True))}
        assert module["probabilities"](by_name) == module["probabilities"](row)


def test_rows_that_the_model_refuses():
    model, (good, *bad) = refused()
    predict = module_of(model)["predict"]
    assert predict(good) == pytest.approx(model.predict({"size": [1.0], "color": ["red"]})[0])
    for row in bad:
        with pytest.raises(ValueError, match=r"column '(size|color)'"):
            predict(row)
    with pytest.raises(ValueError, match="column 'size': '1' is not a number"):
        predict(["1", "red"])
    with pytest.raises(ValueError, match="a row has 2 values; received 3"):
        predict([1, "red", 2])
    with pytest.raises(ValueError, match="the row has no column 'color'"):
        predict({"size": 1})
    network = cr.Network.dense([2, 1], "identity", weights=[np.full((2, 1), 1e300)])
    with pytest.raises(ValueError, match="a row has 2 numbers; received 1"):
        module_of(network)["predict"]([1.0])
    assert module_of(network)["predict"]([1e300, np.nan])[0] != module_of(network)["predict"]([1e300, 1.0])[0] == np.inf


def test_values_far_from_training_are_refused_like_by_the_model():
    table = {"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 1.0, 2.0, 4.0]}
    model = cr.train(table, target="y", epochs=2, dtype="float64", activation="relu", validation=0, test=0)
    big = 1.7e308
    with pytest.raises(cr.DataError):
        model.predict({"x": [big]})
    with pytest.raises(ValueError, match=r"missing, or too large|no longer finite"):
        module_of(model)["predict"]([big])


def test_names_that_were_numbers_and_truth_values():
    table = {"k": [1, 2, 3, 1, 2, 3] * 3, "y": [0.5, 1.0, 2.0, 0.6, 1.1, 2.1] * 3}
    model = cr.train(table, target="y", nominal="k", unknown="refuse", epochs=5, dtype="float64", validation=0, test=0)
    predict = module_of(model)["predict"]
    assert predict([2]) == predict([2.0]) == predict(["2"]) == pytest.approx(model.predict({"k": [2]})[0], rel=1e-12)
    with pytest.raises(ValueError, match=r"'2\.5' is none of 1, 2, 3"):
        predict([2.5])
    with pytest.raises(ValueError, match="'true' is none of"):
        predict([True])


def test_a_large_network_stays_sane():
    text = to_python(cr.Network.dense([784, 128, 10], "relu", output_activation="softmax", seed=0))
    assert len(text) < 4e6
    assert max(map(len, text.splitlines())) <= 120
