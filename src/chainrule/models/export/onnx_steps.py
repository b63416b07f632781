"""The steps of an export as nodes of ONNX; some numbers of a row are columns of one tensor, others of another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from chainrule.models.export.onnx_builder import GraphBuilder
from chainrule.models.export.steps import Each, LookUp, Norm, Pairs, Refuse, Step, Sums


class Values:
    """The numbers of the rows so far, each a column of a tensor (N, columns).

    Parameters
    ----------
    graph : GraphBuilder
    dtype : dtype
    """

    def __init__(self, graph: GraphBuilder, dtype: np.dtype[Any]) -> None:
        self.graph, self.dtype = graph, dtype
        self._places: list[tuple[str, int]] = []
        self._widths: dict[str, int] = {}

    def append(self, tensor: str, width: int) -> None:
        """Add the columns of a tensor."""
        self._places += [(tensor, k) for k in range(width)]
        self._widths[tensor] = width

    def chosen(self, positions: Sequence[int]) -> str:
        """A tensor of the numbers at some positions."""
        places = [self._places[i] for i in positions]
        blocks = []
        for tensor, group in groupby(places, key=lambda place: place[0]):
            columns = [k for _, k in group]
            whole = columns == list(range(self._widths[tensor]))
            blocks.append(tensor if whole else self.graph.add("Gather", tensor, np.array(columns), axis=1))
        return blocks[0] if len(blocks) == 1 else self.graph.add("Concat", *blocks, axis=1)

    def take(self, steps: Sequence[Step]) -> None:
        """Add the numbers of the steps."""
        for step in steps:
            V = self.chosen(step.inputs)
            if isinstance(step, Refuse):
                self._replace(step.inputs, self._refused(step, V))
            else:
                self.append(self._of(step, V), step.n_outputs)

    def _replace(self, positions: Sequence[int], tensor: str) -> None:
        """Let later steps read checked numbers, so that the check is not left out as unused."""
        self._widths[tensor] = len(positions)
        for k, i in enumerate(positions):
            self._places[i] = (tensor, k)

    def _refused(self, step: Refuse, V: str) -> str:
        graph, reason = self.graph, f"refused: {step.reason}"
        wrong = {
            "missing": lambda: graph.add("IsNaN", V),
            "infinite": lambda: graph.add("Equal", graph.add("Abs", V), np.array(np.inf, self.dtype)),
            "not finite": lambda: graph.add(
                "Not", graph.add("Less", graph.add("Abs", V), np.array(np.inf, self.dtype))
            ),
        }[step.what]()
        code = graph.cast(wrong, np.dtype(np.int64))
        return graph.add("Add", V, graph.look_up(np.zeros(1, self.dtype), code, reason))

    def _of(self, step: Step, V: str) -> str:
        graph = self.graph
        if isinstance(step, Each):
            return EACH[step.operation](self, V, np.array(step.constants, self.dtype))
        if isinstance(step, Pairs):
            return graph.add("Mul" if step.operation == "product" else "Div", V, self.chosen(step.others))
        if isinstance(step, Sums):
            return graph.add("MatMul", V, step.weights.astype(self.dtype))
        if isinstance(step, Norm):
            return self._norm(step, V)
        assert isinstance(step, LookUp)
        return self._look_up(step, V)

    def _norm(self, step: Norm, V: str) -> str:
        graph = self.graph
        if step.kind == "l2":
            norm = graph.add("Sqrt", graph.add("ReduceSum", graph.add("Mul", V, V), np.array([1]), keepdims=1))
        elif step.kind == "l1":
            norm = graph.add("ReduceSum", graph.add("Abs", V), np.array([1]), keepdims=1)
        else:
            norm = graph.add("ReduceMax", graph.add("Abs", V), axes=[1], keepdims=1)
        positive = graph.add("Greater", norm, np.array(0, self.dtype))
        return graph.add("Where", positive, norm, np.array(1, self.dtype))

    def _look_up(self, step: LookUp, V: str) -> str:
        """The position of the first key that is equal, or of what stands behind the keys, in a table of values."""
        graph, n = self.graph, len(step.keys)
        missing = graph.add("IsNaN", V)
        columns = [graph.cast(missing, np.dtype(np.float32))]
        table = [step.missing]
        if n:
            equal = graph.add("Equal", V, np.array(step.keys, self.dtype)[None, :])
            columns.append(graph.cast(equal, np.dtype(np.float32)))
            table += step.values
        known = columns[0] if len(columns) == 1 else graph.add("Concat", *columns, axis=1)
        none = graph.add("Sub", np.array(1, np.float32), graph.add("ReduceMax", known, axes=[1], keepdims=1))
        code = graph.add("ArgMax", graph.add("Concat", known, none, axis=1), axis=1, keepdims=1)
        return graph.add("Gather", np.array([*table, step.unknown], self.dtype), code)

    def number(self, value: float) -> np.ndarray:
        """A constant."""
        return np.array(value, self.dtype)


def _operator(name: str) -> Callable[[Values, str, np.ndarray], str]:
    return lambda values, V, c: values.graph.add(name, V, *([c[None, :]] if c.size else []))


def _where(condition: str) -> Callable[[Values, str, np.ndarray], str]:
    return lambda values, V, c: values.graph.add("Where", values.graph.add(condition, V, c[None, :]), c[None, :], V)


def _fill(values: Values, V: str, c: np.ndarray) -> str:
    return values.graph.add("Where", values.graph.add("IsNaN", V), c[None, :], V)


def _missing_if(values: Values, V: str, c: np.ndarray) -> str:
    return values.graph.add("Where", values.graph.add("Equal", V, c[None, :]), values.number(np.nan), V)


def _equals(values: Values, V: str, c: np.ndarray) -> str:
    return values.graph.cast(values.graph.add("Equal", V, c[None, :]), values.dtype)


def _constant(values: Values, V: str, c: np.ndarray) -> str:
    none = values.graph.add("Where", values.graph.add("Equal", V, V), values.number(0), values.number(0))
    return values.graph.add("Add", none, c[None, :])


def _missing(values: Values, V: str, c: np.ndarray) -> str:
    return values.graph.cast(values.graph.add("IsNaN", V), values.dtype)


def _square(values: Values, V: str, c: np.ndarray) -> str:
    return values.graph.add("Mul", V, V)


def _log_of(base: float) -> Callable[[Values, str, np.ndarray], str]:
    return lambda values, V, c: values.graph.add("Div", values.graph.add("Log", V), values.number(math.log(base)))


def _expm1(values: Values, V: str, c: np.ndarray) -> str:
    """e^x - 1 as 2 t / (1 - t) with t = tanh(x/2), which keeps its digits where x is small; e^x - 1 where it is not."""
    graph = values.graph
    t = graph.add("Tanh", graph.add("Mul", V, values.number(0.5)))
    small = graph.add("Div", graph.add("Mul", t, values.number(2)), graph.add("Sub", values.number(1), t))
    large = graph.add("Sub", graph.add("Exp", V), values.number(1))
    return graph.add("Where", graph.add("Less", graph.add("Abs", V), values.number(1)), small, large)


def _log1p(values: Values, V: str, c: np.ndarray) -> str:
    """log(1 + x) as x log(w) / (w - 1) with w = 1 + x as rounded, which keeps its digits where x is small."""
    graph = values.graph
    w = graph.add("Add", V, values.number(1))
    rest = graph.add("Sub", w, values.number(1))
    log = graph.add("Log", w)
    exact = graph.add("Div", graph.add("Mul", V, log), rest)
    exact = graph.add("Where", graph.add("Equal", rest, values.number(0)), V, exact)
    return graph.add("Where", graph.add("Less", graph.add("Abs", V), values.number(1)), exact, log)


EACH: dict[str, Callable[[Values, str, np.ndarray], str]] = {
    "add": _operator("Add"),
    "subtract": _operator("Sub"),
    "multiply": _operator("Mul"),
    "divide": _operator("Div"),
    "at_least": _where("Less"),
    "at_most": _where("Greater"),
    "fill": _fill,
    "missing_if": _missing_if,
    "equals": _equals,
    "constant": _constant,
    "missing": _missing,
    "negative": _operator("Neg"),
    "absolute": _operator("Abs"),
    "square": _square,
    "sqrt": _operator("Sqrt"),
    "exp": _operator("Exp"),
    "expm1": _expm1,
    "log": _operator("Log"),
    "log1p": _log1p,
    "log2": _log_of(2.0),
    "log10": _log_of(10.0),
}
