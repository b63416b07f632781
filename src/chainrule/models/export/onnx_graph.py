"""A trained network as an ONNX graph, with the encoding of its table inside."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from chainrule import __version__
from chainrule.errors import UsageError
from chainrule.files import write_whole
from chainrule.models.export.onnx_activations import activation_nodes
from chainrule.models.export.onnx_builder import GraphBuilder
from chainrule.models.export.onnx_inputs import input_nodes
from chainrule.models.export.onnx_steps import Values
from chainrule.models.export.program import (
    Answer,
    Classes,
    DenseLayer,
    Labels,
    Outputs,
    Program,
    label_kind,
)
from chainrule.models.export.program import Values as PredictedValues
from chainrule.models.export.proof import proven_program
from chainrule.models.export.text import title

# Old enough for the runtimes of many years (1.15 to 1.32 of onnxruntime were tried), and new enough for all operators.
OPSET, ML_OPSET, IR_VERSION = 13, 2, 7
DTYPES = ("float32", "float64")


def to_onnx(model: Any, path: str | os.PathLike[str] | None = None, *, dtype: str | None = None) -> Any:
    """Write a trained network as an ONNX graph that takes rows of the table as they are.

    Parameters
    ----------
    model : Model, Ensemble, Network, or fitted MLPClassifier or MLPRegressor, chainrule's or scikit-learn's
        Or a pipeline of scikit-learn that ends in one; with TransformedTargetRegressor around it, too.
    path : path-like, optional
        Where to write it as well, whole or not at all.
    dtype : "float32" or "float64", optional
        Of everything in the graph. By default a Model's columns, probabilities and values are float64, as the model
        reads and gives them, with a network of the model's own dtype between; a bare Network has its own throughout.
        float32 suits devices without float64, and keeps 7 digits of a column.

    Returns
    -------
    onnx.ModelProto
        Checked by `onnx.checker`, opset 13. Its input is `X` (N, columns). Where there are text columns, each column is
        an input (N, 1) by its own name instead, strings for text. NaN is a missing number, the empty string a missing
        name unless training had it as a name; dates are days since 1970-01-01. Its outputs are `label` (N,) and
        `probabilities` (N, classes) for classes, `label` (N, labels) of 0 and 1 for several labels at once, `values`
        (N, targets) for values and `output` (N, units) for a bare Network. A batch with a row that the model refuses
        fails, with an error that names the reason. An input with the name of an output gets an underscore behind it.

    Raises
    ------
    UsageError
        If onnx is not installed, if it cannot be exported, because of an activation of your own for instance, or not be
        written there.

    Examples
    --------
    >>> import chainrule as cr
    >>> graph = to_onnx(cr.train("iris", epochs=50)).graph
    >>> [one.name for one in graph.input], [one.name for one in graph.output]
    (['X'], ['label', 'probabilities'])
    """
    try:
        import onnx
    except ImportError:
        raise UsageError("to_onnx needs onnx, which is not installed. Run: pip install onnx") from None
    if dtype is not None and dtype not in DTYPES:
        raise UsageError(f'dtype must be "float32", "float64" or None; received {dtype!r}.')
    program = proven_program(model)
    made = graph_of(program, dtype)
    onnx.checker.check_model(made, full_check=True)
    if path is not None:
        write_whole(path, made.SerializeToString(deterministic=True))
    return made


def graph_of(program: Program, dtype: str | None = None) -> Any:
    """Write a description as a ModelProto, as `to_onnx` does."""
    own = np.float32 if program.single or (not program.checked and program.dtype == np.float32) else np.float64
    network_dtype = np.dtype(dtype or own)
    outside = network_dtype if dtype or not program.checked else np.dtype(np.float64)
    names = [column.name for column in program.columns] if program.texts else ["X"]
    graph = GraphBuilder(_outputs(program.answer), names)
    nodes = graph.cast(input_nodes(graph, program, outside), network_dtype)
    outputs = []
    for layers in program.networks:
        a = nodes
        for layer in layers:
            z = _dense(graph, a, layer, network_dtype)
            a = activation_nodes(graph, z, layer.activation, layer.parameters, network_dtype)
        outputs.append(graph.cast(a, outside))
    _answer(graph, program, outputs, outside)
    return graph.model(
        opset=OPSET,
        ml_opset=ML_OPSET,
        ir_version=IR_VERSION,
        description=title(program),
        facts=_facts(program),
        version=__version__,
    )


def _outputs(answer: Answer) -> list[str]:
    if isinstance(answer, Outputs):
        return ["output"]
    return ["values"] if isinstance(answer, PredictedValues) else ["label", "probabilities"]


def _facts(program: Program) -> dict[str, str]:
    """What a person who finds the file wants to know, as metadata."""
    answer = program.answer
    facts: dict[str, Any] = {
        "columns": [column.name for column in program.columns],
        "days since 1970-01-01, in UTC": [column.name for column in program.numbers if column.date],
    }
    if isinstance(answer, (Classes, Labels)):
        facts["classes"] = list(answer.labels)
    elif isinstance(answer, PredictedValues):
        facts["targets"] = list(answer.names)
    return {name: json.dumps(value, ensure_ascii=False) for name, value in facts.items() if value}


def _dense(graph: GraphBuilder, a: str, layer: DenseLayer, dtype: np.dtype[Any]) -> str:
    """z = a W + b. In float64 not as Gemm: older onnxruntimes join that with an activation, and lack the result."""
    W, b = layer.weights.astype(dtype), layer.biases.astype(dtype)
    return graph.add("Gemm", a, W, b) if dtype == np.float32 else graph.add("Sum", graph.add("MatMul", a, W), b)


def _answer(graph: GraphBuilder, program: Program, outputs: list[str], dtype: np.dtype[Any]) -> None:
    answer = program.answer
    if isinstance(answer, Outputs):
        graph.output("output", outputs[0], dtype, answer.number)
        return
    reason = "refused: a row lies so far from training that outputs are not finite"
    outputs = [graph.refuse_not_finite(a, dtype, reason) for a in outputs]
    if isinstance(answer, PredictedValues):
        scaled = [graph.add("Mul", a, np.array(answer.scales, dtype)) for a in outputs]
        members = [graph.add("Add", a, np.array(answer.centers, dtype)) for a in scaled]
        values = _mean(graph, [_in_units(graph, z, answer.units, dtype) for z in members], dtype)
        if program.after:
            taken = Values(graph, dtype)
            taken.append(values, len(answer.names))
            taken.take(program.after)
            last = len(answer.names) + sum(step.n_outputs for step in program.after)
            values = taken.chosen(range(last - len(answer.names), last))
        graph.output("values", values, dtype, len(answer.names))
    elif isinstance(answer, Labels):
        (a,) = outputs
        given = graph.add("Greater", a, np.array(0.5, dtype))
        graph.output("label", graph.cast(given, np.dtype(np.int64)), np.dtype(np.int64), len(answer.labels))
        graph.output("probabilities", a, dtype, len(answer.labels))
    else:
        P = _mean(graph, [_probabilities(graph, answer, a, dtype) for a in outputs], dtype)
        if len(outputs) == 1:
            positions = _positions(graph, answer, outputs[0], dtype)
        else:
            positions = graph.add("ArgMax", P, axis=1, keepdims=0)
        graph.label_output("label", positions, _label_array(answer.labels))
        graph.output("probabilities", P, dtype, len(answer.labels))


def _in_units(graph: GraphBuilder, z: str, units: tuple[float, ...], dtype: np.dtype[Any]) -> str:
    """Values from logarithmic scales: u sinh z = u tanh(z / 2) (1 + cosh z), which keeps its digits around 0."""
    if not units:
        return z
    bent = np.array([unit > 0 for unit in units])
    z_bent = graph.add("Mul", z, bent.astype(dtype))  # 0 where a value has no such scale, so that nothing overflows
    up, down = graph.add("Exp", z_bent), graph.add("Exp", graph.add("Neg", z_bent))
    cosh = graph.add("Mul", graph.add("Add", up, down), np.array(0.5, dtype))
    factor = graph.add("Add", cosh, np.array(1, dtype))
    half = graph.add("Tanh", graph.add("Mul", z_bent, np.array(0.5, dtype)))
    values = graph.add("Mul", graph.add("Mul", half, factor), np.array(units, dtype))
    straight = graph.add("Mul", z, np.array(~bent, dtype))
    reason = "refused: a row lies so far from training that its value is beyond all numbers"
    return graph.refuse_not_finite(graph.add("Add", values, straight), dtype, reason)


def _mean(graph: GraphBuilder, answers: list[str], dtype: np.dtype[Any]) -> str:
    if len(answers) == 1:
        return answers[0]
    return graph.add("Div", graph.add("Sum", *answers), np.array(len(answers), dtype))


def _positions(graph: GraphBuilder, answer: Classes, a: str, dtype: np.dtype[Any]) -> str:
    """Each row's class as a position, (N,)."""
    if not answer.one_node:
        return graph.add("ArgMax", a, axis=1, keepdims=0)
    above = graph.cast(graph.add("Greater", a, np.array(answer.middle, dtype)), np.dtype(np.int64))
    return graph.add("Reshape", above, np.array([-1]))


def _label_array(labels: tuple[Any, ...]) -> np.ndarray:
    kinds = {"text": object, "boolean": np.bool_, "integer": np.int64, "number": np.float64}
    return np.array(labels, dtype=kinds[label_kind(labels)])


def _probabilities(graph: GraphBuilder, answer: Classes, a: str, dtype: np.dtype[Any]) -> str:
    p = a
    if answer.floor is not None:
        p = graph.add("Sub", p, np.array(answer.low, dtype))
        p = graph.add("Div", p, np.array(answer.high - answer.low, dtype))
        p = graph.add("Clip", p, np.array(answer.floor, dtype), np.array(1 - answer.floor, dtype))
    if answer.one_node:
        return graph.add("Concat", graph.add("Sub", np.array(1, dtype), p), p, axis=1)
    if answer.floor is None:
        return p
    return graph.add("Div", p, graph.add("ReduceSum", p, np.array([1]), keepdims=1))
