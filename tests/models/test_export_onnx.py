"""A network as an ONNX graph: the same answers in onnxruntime, and in ONNX's own reference implementation."""

import json
import sys

import numpy as np
import onnx
import onnx.reference
import onnxruntime
import pytest
from export_cases import CASES, case, refused

import chainrule as cr
from chainrule.models.export import to_onnx
from chainrule.models.export.program import UnusedColumn
from chainrule.models.export.sources import program_of

# Nothing below this is said: the errors of batches that are refused come as exceptions too.
onnxruntime.set_default_logger_severity(4)


def session(graph):
    return onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])


def feed(graph, program, rows):
    """The inputs of a graph for some rows."""
    types = {one.name: one.type.tensor_type.elem_type for one in graph.graph.input}
    dtype = {onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.DOUBLE: np.float64}
    if not program.texts:
        numbers = [[np.nan if cell is None else cell for cell in row] for row in rows]
        return {"X": np.array(numbers, dtype[types["X"]])}
    fed = {}
    used = [i for i, column in enumerate(program.columns) if not isinstance(column, UnusedColumn)]
    for one, i in zip(graph.graph.input, used, strict=True):
        cells = [row[i] for row in rows]
        if program.columns[i] in program.texts:
            fed[one.name] = np.array([[text(cell)] for cell in cells], dtype=object)
        else:
            fed[one.name] = np.array([[np.nan if cell is None else cell] for cell in cells], dtype[types[one.name]])
    return fed


def text(cell):
    return "" if cell is None else cell if isinstance(cell, str) else f"{cell:g}"


def compare(one, answers, tolerance):
    np.testing.assert_allclose(answers[-1], one.numbers, rtol=tolerance, atol=tolerance)
    if one.labels:
        assert answers[0].tolist() == one.labels


@pytest.mark.parametrize("name", CASES)
def test_the_answers_are_those_of_python(name):
    one = case(name)
    graph = to_onnx(one.model)
    fed = feed(graph, program_of(one.model), one.rows)
    with np.errstate(all="ignore"):
        compare(one, session(graph).run(None, fed), one.tolerance)
        compare(one, onnx.reference.ReferenceEvaluator(graph).run(None, fed), one.tolerance)


@pytest.mark.parametrize("name", ["wine", "diabetes", "names, indicators and two classes", "sklearn, several labels"])
def test_everything_in_float32(name):
    one = case(name)
    one = one._replace(rows=one.rows[:40], numbers=one.numbers[:40], labels=one.labels and one.labels[:40])
    graph = to_onnx(one.model, dtype="float32")
    kinds = {tensor.type.tensor_type.elem_type for tensor in (*graph.graph.input, *graph.graph.output)}
    assert onnx.TensorProto.DOUBLE not in kinds
    assert onnx.TensorProto.FLOAT in kinds
    compare(one, session(graph).run(None, feed(graph, program_of(one.model), one.rows)), 2e-5)


def test_a_network_of_float32_computes_in_float64_where_told():
    network = cr.Network.dense([2, 5, 1], "gelu", seed=0, dtype="float32")
    X = np.random.default_rng(0).normal(size=(6, 2))
    (received,) = session(to_onnx(network, dtype="float64")).run(None, {"X": X})
    np.testing.assert_allclose(received, cr.forward(network.astype("float64"), X).output, rtol=1e-12)
    with pytest.raises(cr.UsageError, match="dtype must be"):
        to_onnx(network, dtype="float16")


def test_columns_far_from_0_keep_their_digits():
    """A year has 4 digits before the difference that matters: the model subtracts in float64, and so does the graph."""
    days = np.arange(60) + 19_000.25
    model = cr.train({"day": days, "y": np.sin(days)}, target="y", epochs=30)
    (received,) = session(to_onnx(model)).run(None, {"X": days[:, None]})
    np.testing.assert_allclose(received[:, 0], model.predict({"day": days}), rtol=1e-6, atol=1e-6)


def test_it_is_written_for_old_runtimes_too(tmp_path):
    one = case("names, indicators and two classes")
    graph = to_onnx(one.model, tmp_path / "dear.onnx")
    assert graph.ir_version == 7
    assert {item.domain: item.version for item in graph.opset_import} == {"": 13, "ai.onnx.ml": 2}
    assert graph.producer_name == "chainrule"
    assert {item.domain for item in to_onnx(case("wine").model).opset_import} == {""}
    loaded = onnxruntime.InferenceSession(tmp_path / "dear.onnx", providers=["CPUExecutionProvider"])
    assert [one.name for one in loaded.get_inputs()] == ["area", "district", "rooms"]
    assert [one.name for one in loaded.get_outputs()] == ["label", "probabilities"]
    assert [tuple(one.shape) for one in loaded.get_outputs()] == [("N",), ("N", 2)]
    facts = loaded.get_modelmeta().custom_metadata_map
    assert json.loads(facts["columns"]) == ["area", "district", "rooms"]
    assert json.loads(facts["classes"]) == ["no", "yes"]
    assert onnx.load(tmp_path / "dear.onnx") == graph
    assert to_onnx(one.model).SerializeToString() == graph.SerializeToString()


def test_float64_has_nothing_that_older_runtimes_join_to_what_they_lack():
    """onnxruntime 1.15 makes FusedGemm of a Gemm and an activation, and QuickGelu of z Sigmoid(z); float32 only."""
    for name in CASES:
        operators = {node.op_type for node in to_onnx(case(name).model, dtype="float64").graph.node}
        assert not operators & {"Gemm", "Erf", "Elu", "Selu", "LeakyRelu", "Softplus"}
        assert "silu" not in name or "Sigmoid" not in operators


@pytest.mark.parametrize("name", ["wine", "diabetes", "names, indicators and two classes", "sklearn, two classes"])
def test_any_number_of_rows(name):
    one = case(name)
    graph = to_onnx(one.model)
    for n in (0, 1, 3):
        fed = {key: value[:n] for key, value in feed(graph, program_of(one.model), one.rows[: n or 1]).items()}
        answers = session(graph).run(None, fed)
        assert answers[-1].shape == (n, one.numbers.shape[1])
        assert len(answers[0]) == n


def test_batches_that_the_model_refuses():
    model, (good, *bad) = refused()
    graph, program = to_onnx(model), program_of(model)
    run = session(graph)
    expected = model.predict({"size": [1.0], "color": ["red"]})
    np.testing.assert_allclose(run.run(None, feed(graph, program, [good]))[0][:, 0], expected)
    for row in bad:
        with pytest.raises(Exception, match=r"refused: a (number is missing|name is missing or unknown in color)"):
            run.run(None, feed(graph, program, [good, row]))


def test_values_far_from_training_are_refused_like_by_the_model():
    table = {"x": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 1.0, 2.0, 4.0]}
    model = cr.train(table, target="y", epochs=2, activation="relu", validation=0, test=0, missing="refuse")
    run = session(to_onnx(model))
    for far in (1e39, 3e38, np.nan, np.inf):
        with pytest.raises(cr.DataError):
            model.predict({"x": [far]})
        with pytest.raises(Exception, match="refused: "):
            run.run(None, {"X": np.array([[far]])})


def test_without_onnx_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(cr.UsageError, match="pip install onnx"):
        to_onnx(case("xor").model)


def test_a_large_network_stays_sane():
    network = cr.Network.dense([784, 128, 10], "relu", output_activation="softmax", seed=0, dtype="float32")
    assert len(to_onnx(network).SerializeToString()) < 4.1e5
