"""A graph in the making: nodes that are added one after another, constants that come in as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

ML_DOMAIN = "ai.onnx.ml"


class GraphBuilder:
    """Nodes of ONNX, each of one output whose name is returned.

    Parameters
    ----------
    outputs, inputs : iterable of str
        The names of the graph's outputs and inputs, which no value within may have. An input with the name of an
        output gets an underscore behind its own.

    Examples
    --------
    >>> graph = GraphBuilder(["y"], ["x"])
    >>> x = graph.input("x", np.dtype(np.float64), 3)
    >>> graph.output("y", graph.add("Add", x, np.ones(3)), np.dtype(np.float64), 3)
    >>> [node.op_type for node in graph.nodes]
    ['Add', 'Identity']
    """

    def __init__(self, outputs: Iterable[str], inputs: Iterable[str]) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy_helper = helper, numpy_helper
        self._outputs = set(outputs)
        self._taken = {*self._outputs, *inputs}
        self.nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._results: list[Any] = []
        self._constants: list[Any] = []
        self._times: dict[str, int] = {}

    def input(self, name: str, dtype: np.dtype[Any] | None, width: int) -> str:
        """Declare an input (N, width) of numbers, or of strings without a dtype, and return its name."""
        while name in self._outputs:
            name = self._unused(f"{name}_")
        self._inputs.append(self._helper.make_tensor_value_info(name, self._kind(dtype), ["N", width]))
        return name

    def output(self, name: str, value: str, dtype: np.dtype[Any] | None, width: int | None) -> None:
        """Declare `value` as an output (N, width), or (N,) without a width."""
        shape: list[str | int | None] = ["N"] if width is None else ["N", width]
        self.nodes.append(self._helper.make_node("Identity", [value], [name], name=f"give {name}"))
        self._results.append(self._helper.make_tensor_value_info(name, self._kind(dtype), shape))

    def label_output(self, name: str, positions: str, labels: np.ndarray) -> None:
        """Declare the labels at some positions as an output (N,)."""
        dtype = None if labels.dtype == object else labels.dtype
        self.output(name, self.add("Gather", labels, positions), dtype, None)

    def add(self, operator: str, *values: str | np.ndarray, **attributes: Any) -> str:
        """Add a node and return the name of its output; arrays become constants."""
        return self._add(operator, values, "", attributes)

    def add_ml(self, operator: str, *values: str | np.ndarray, **attributes: Any) -> str:
        """Add a node of ONNX's operators for classical machine learning."""
        return self._add(operator, values, "", {"domain": ML_DOMAIN, **attributes})

    def look_up(self, table: np.ndarray, positions: str, otherwise: str) -> str:
        """Take entries of a table; a position beyond it fails, with the name of the node, `otherwise`, in the error."""
        times = self._times[otherwise] = self._times.get(otherwise, 0) + 1  # names of nodes are unique
        return self._add("Gather", (table, positions), otherwise if times == 1 else f"{otherwise} ({times})", {})

    def cast(self, value: str, dtype: np.dtype[Any]) -> str:
        """Convert to another dtype."""
        return self.add("Cast", value, to=self._kind(dtype))

    def refuse_not_finite(self, value: str, dtype: np.dtype[Any], otherwise: str) -> str:
        """Return `value`, or fail where it is NaN or infinite: there is no operator to fail, so a look-up does."""
        finite = self.add("Less", self.add("Abs", value), np.array(np.inf, dtype))
        wrong = self.cast(self.add("Not", finite), np.dtype(np.int64))
        return self.add("Add", value, self.look_up(np.zeros(1, dtype), wrong, otherwise))

    def model(
        self, *, opset: int, ml_opset: int, ir_version: int, description: str, facts: dict[str, str], version: str
    ) -> Any:
        """Return the whole as a ModelProto."""
        domains = [
            ("", opset),
            *([(ML_DOMAIN, ml_opset)] if any(node.domain == ML_DOMAIN for node in self.nodes) else []),
        ]
        graph = self._helper.make_graph(
            self.nodes, "chainrule", self._inputs, self._results, self._constants, doc_string=description
        )
        model = self._helper.make_model(
            graph,
            opset_imports=[self._helper.make_opsetid(domain, number) for domain, number in domains],
            ir_version=ir_version,
            producer_name="chainrule",
            producer_version=version,
            doc_string=description,
        )
        self._helper.set_model_props(model, facts)
        return model

    def _add(self, operator: str, values: Iterable[str | np.ndarray], label: str, attributes: dict[str, Any]) -> str:
        names = [value if isinstance(value, str) else self._constant(value) for value in values]
        result = self._unused(f"{operator.lower()}_{len(self.nodes) + 1}")
        self.nodes.append(self._helper.make_node(operator, names, [result], name=label or result, **attributes))
        return result

    def _constant(self, array: np.ndarray) -> str:
        name = self._unused(f"constant_{len(self._constants) + 1}")
        self._constants.append(self._numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return name

    def _unused(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def _kind(self, dtype: np.dtype[Any] | None) -> int:
        return int(self._helper.np_dtype_to_tensor_dtype(np.dtype(object) if dtype is None else dtype))
