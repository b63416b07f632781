"""Our estimators in skl2onnx's conversions: what onnxruntime answers is what they predict."""

import sys

import numpy as np
import onnxruntime
import pytest
import skl2onnx
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr

X = np.random.default_rng(0).normal(size=(40, 4))
Y = np.random.default_rng(1).normal(size=(40, 3))
TARGETS = {
    "text": np.where(Y[:, 0] > 0, "no", "yés"),
    "three": (Y[:, 0] > 0) + (Y[:, 0] > 1).astype(int) - 7,
    "truth values": Y[:, 0] > 0,
    "whole numbers as floats": np.where(Y[:, 0] > 0, 2.0, 5.0),
    "labels": (Y > 0).astype(int),
    "value": Y[:, 0],
    "values": Y,
}


@pytest.fixture(autouse=True)
def registered():
    onnxruntime.set_default_logger_severity(3)
    cr.register_with_skl2onnx()
    cr.register_with_skl2onnx()  # once more does no harm


def estimator(y, activation="gelu"):
    kind = cr.MLPRegressor if y.dtype == float and len(np.unique(y)) > 5 else cr.MLPClassifier
    return kind(hidden_layer_sizes=(5,), activation=activation, random_state=0, tol=1)


def run(model, rows, **options):
    graph = skl2onnx.to_onnx(model, rows[:1], options=options or None)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": rows})


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TARGETS)
def test_it_answers_as_the_pipeline_does(name, dtype):
    rows, y = X.astype(dtype), TARGETS[name]
    model = make_pipeline(StandardScaler(), estimator(y)).fit(rows, y)
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    if not hasattr(model, "predict_proba"):
        (values,) = run(model, rows)
        np.testing.assert_allclose(values, model.predict(rows).reshape(values.shape), rtol=tolerance, atol=tolerance)
        return
    labels, P = run(model, rows, zipmap=False)
    assert P.dtype == dtype
    np.testing.assert_allclose(P, model.predict_proba(rows), rtol=tolerance, atol=tolerance)
    assert labels.tolist() == model.predict(rows).tolist()


@pytest.mark.parametrize("activation", ["elu(0.5)", "selu", "silu", "softplus", "leaky_relu", "step", "exponential"])
def test_every_activation(activation):
    model = estimator(TARGETS["three"], activation).fit(X, TARGETS["three"])
    np.testing.assert_allclose(run(model, X, zipmap=False)[1], model.predict_proba(X), rtol=1e-9)


def test_probabilities_by_label():
    model = estimator(TARGETS["text"]).fit(X.astype("float32"), TARGETS["text"])
    labels, P = run(model, X.astype("float32"), zipmap=True)
    assert labels.tolist() == model.predict(X.astype("float32")).tolist()
    assert set(P[0]) == {"no", "yés"}
    columns = run(model, X, zipmap="columns")
    np.testing.assert_allclose(columns[2], model.predict_proba(X)[:, 1], rtol=1e-5)


def test_whole_numbers_and_refused_rows():
    model = estimator(TARGETS["three"]).fit(X, TARGETS["three"])
    whole = np.round(X * 2).astype(np.int64)
    np.testing.assert_allclose(run(model, whole, zipmap=False)[1], model.predict_proba(whole), rtol=1e-5)
    onnxruntime.set_default_logger_severity(4)
    with pytest.raises(Exception, match="refused__a_number_is_missing_or_too_large"):
        run(model, np.full((1, 4), np.nan), zipmap=False)


def test_what_it_has_no_inputs_for_is_refused(monkeypatch):
    table = np.column_stack([X[:, :1].astype(object), np.where(Y[:, 0] > 0, "a", "b")])
    mixed = cr.MLPRegressor(hidden_layer_sizes=(2,), tol=1, random_state=0, preprocess=True).fit(table, Y[:, 0])
    types = [("X", skl2onnx.common.data_types.FloatTensorType([None, 2]))]
    with pytest.raises(cr.UsageError, match="skl2onnx gives it one of numbers"):
        skl2onnx.convert_sklearn(mixed, initial_types=types)
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(cr.UsageError, match="pip install skl2onnx"):
        cr.register_with_skl2onnx()
