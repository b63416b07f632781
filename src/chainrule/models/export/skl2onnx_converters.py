"""Our estimators inside the pipelines that skl2onnx converts: its converters for them, which are our own graphs."""

from __future__ import annotations

from typing import Any

from chainrule.errors import UsageError
from chainrule.models.export.onnx_graph import graph_of
from chainrule.models.export.program import Program
from chainrule.models.export.proof import proven_program


def register_with_skl2onnx() -> None:
    """Tell skl2onnx how `MLPClassifier` and `MLPRegressor` are converted, in this process.

    From then on `skl2onnx.to_onnx` and `convert_sklearn` take them, alone and inside pipelines, with every activation.
    The options of classifiers (`zipmap`, `nocl`, `output_class_labels`) are those of scikit-learn's own; ONNX's ZipMap
    takes probabilities of float32 alone, so rows of float64 need `zipmap=False` or `"columns"`. Rows of float64 are
    computed in float64, all others in float32. Calling it again does no harm. `chainrule.to_onnx` does not need it: it
    takes pipelines by itself, and this is for those with steps that it does not know.

    Raises
    ------
    UsageError
        If skl2onnx is not installed.

    Examples
    --------
    >>> import chainrule as cr
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import QuantileTransformer
    >>> from skl2onnx import to_onnx
    >>> X, y = np.random.default_rng(0).normal(size=(60, 3)), [0, 1, 2] * 20
    >>> pipeline = make_pipeline(QuantileTransformer(n_quantiles=9), cr.MLPClassifier((4,), tol=1)).fit(X, y)
    >>> cr.register_with_skl2onnx()
    >>> graph = to_onnx(pipeline, X[:1], options={"zipmap": False}).graph
    >>> [one.name for one in graph.output]
    ['label', 'probabilities']
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError:
        raise UsageError("skl2onnx is not installed. Run: pip install skl2onnx") from None
    from chainrule.models.estimators import MLPClassifier, MLPRegressor

    options = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [True, False]}
    update_registered_converter(MLPClassifier, "ChainruleMLPClassifier", _shapes, _convert, options=options)
    update_registered_converter(MLPRegressor, "ChainruleMLPRegressor", _shapes, _convert)


def _shapes(operator: Any) -> None:
    """State the types and shapes of the outputs, as skl2onnx does for scikit-learn's own, and of several targets."""
    from skl2onnx.common import shape_calculator

    estimator = operator.raw_operator
    if not hasattr(estimator, "classes_"):
        shape_calculator.calculate_linear_regressor_output_shapes(operator)
        operator.outputs[0].type.shape = [None, estimator.n_outputs_]
        return
    shape_calculator.calculate_linear_classifier_output_shapes(operator)
    if estimator.n_outputs_ > 1 and estimator.out_activation_ == "logistic":  # labels, each of its own
        operator.outputs[0].type.shape = [None, estimator.n_outputs_]


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add our graph of an estimator to one of skl2onnx's, under names that are free there."""
    program = _usable(operator.raw_operator)
    given = operator.inputs[0]
    double = type(given.type).__name__ == "DoubleTensorType"
    graph = graph_of(program, "float64" if double else "float32").graph
    kind = graph.input[0].type.tensor_type.elem_type
    names = {graph.input[0].name: scope.get_unique_variable_name("chainrule_input")}
    container.add_node("Cast", [given.full_name], [names["X"]], name=scope.get_unique_operator_name("Cast"), to=kind)
    for tensor in graph.initializer:
        names[tensor.name] = scope.get_unique_variable_name(f"chainrule_{tensor.name}")
        container.add_initializer(names[tensor.name], tensor.data_type, list(tensor.dims), _content(tensor))
    for node in graph.node:
        for name in node.output:
            names[name] = scope.get_unique_variable_name(f"chainrule_{name}")
        _add(container, scope, node, names)
    for ours, theirs in zip(graph.output, operator.outputs, strict=True):
        _give(container, scope, names[ours.name], theirs, ours.name)


def _give(container: Any, scope: Any, value: str, output: Any, name: str) -> None:
    """Name a value as skl2onnx wants its output; truth values and whole numbers are its 64-bit integers."""
    if name == "label" and type(output.type).__name__ == "Int64TensorType":
        attributes: dict[str, Any] = {"to": 7}  # TensorProto.INT64
        operator = "Cast"
    else:
        attributes, operator = {}, "Identity"
    free = scope.get_unique_operator_name(operator)
    container.add_node(operator, [value], [output.full_name], name=free, **attributes)


def _add(container: Any, scope: Any, node: Any, names: dict[str, str]) -> None:
    from onnx.helper import get_attribute_value

    attributes = {one.name: get_attribute_value(one) for one in node.attribute}
    # The name of a node that refuses says why: it is what the error of a runtime shows.
    name = node.name if node.name.startswith("refused") else node.op_type
    container.add_node(
        node.op_type,
        [names[one] for one in node.input],
        [names[one] for one in node.output],
        op_domain=node.domain,
        op_version=13 if not node.domain else 2,
        name=scope.get_unique_operator_name(name),
        **attributes,
    )


def _content(tensor: Any) -> Any:
    from onnx.numpy_helper import to_array

    array = to_array(tensor)
    return array.ravel().tolist() if array.dtype == object else array


def _usable(estimator: Any) -> Program:
    """The description of an estimator, where skl2onnx has inputs for it."""
    program = proven_program(estimator)
    if program.texts or any(column.date for column in program.numbers):
        raise UsageError(
            "an estimator with preprocess=True that takes text or dates has inputs of several kinds, and skl2onnx "
            "gives it one of numbers. Use chainrule.to_onnx."
        )
    return program
