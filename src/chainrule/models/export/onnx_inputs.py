"""The inputs of an ONNX graph, and what is made of them before the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.export.onnx_builder import GraphBuilder
from chainrule.models.export.onnx_steps import Values
from chainrule.models.export.program import NameColumn, NumberColumn, Program, TextColumn, UnusedColumn


def input_nodes(graph: GraphBuilder, program: Program, dtype: np.dtype[Any]) -> str:
    """The input nodes of the network, (N, inputs)."""
    if not program.checked:
        return graph.input("X", dtype, program.sizes[0])
    given = _columns(graph, program, dtype)
    blocks: list[str] = []
    nodes: list[int] = []  # where each column of the blocks belongs
    if program.numbers:
        block, nodes = _numbers(graph, program, given, dtype)
        blocks = [block]
    for column in program.texts:
        text = given[column.name]
        if isinstance(column, NameColumn):
            blocks.append(_names(graph, column, text, dtype))
        else:
            blocks.append(_position(graph, column, text, dtype))
        nodes += range(column.node, column.node + column.n_nodes)
    if not blocks:  # no column is used: rows that are all the same
        raise UsageError(
            "no column of the row reaches the network, and a graph has rows of none. Train on other columns."
        )
    together = blocks[0] if len(blocks) == 1 else graph.add("Concat", *blocks, axis=1)
    if nodes != sorted(nodes):
        together = graph.add("Gather", together, np.argsort(nodes), axis=1)
    if not program.nodes:
        return together
    values = Values(graph, dtype)
    values.append(together, len(nodes))
    values.take(program.steps)
    return graph.refuse_not_finite(values.chosen(program.nodes), dtype, "refused: a value is missing or too large")


def _columns(graph: GraphBuilder, program: Program, dtype: np.dtype[Any]) -> dict[str, str]:
    """Declare an input for each column, in the order of a row, where there are text columns."""
    if not program.texts:
        return {}
    used = [column for column in program.columns if not isinstance(column, UnusedColumn)]
    return {one.name: graph.input(one.name, dtype if isinstance(one, NumberColumn) else None, 1) for one in used}


def _numbers(
    graph: GraphBuilder, program: Program, given: dict[str, str], dtype: np.dtype[Any]
) -> tuple[str, list[int]]:
    """The scaled numbers, then the indicators, and the node that each is."""
    columns = program.numbers
    if given:
        separate = [given[column.name] for column in columns]
        X = separate[0] if len(separate) == 1 else graph.add("Concat", *separate, axis=1)
    else:
        X = graph.input("X", dtype, len(program.columns))
        if len(columns) < len(program.columns):
            used = [i for i, column in enumerate(program.columns) if isinstance(column, NumberColumn)]
            X = graph.add("Gather", X, np.array(used), axis=1)
    nodes = [column.node for column in columns]
    waves, nodes_of_waves = _waves(graph, columns, X, dtype)
    missing = graph.add("IsNaN", X) if any(column.fill is not None for column in columns) else ""
    if missing:
        fill = np.array([np.nan if column.fill is None else column.fill for column in columns], dtype)
        X = graph.add("Where", missing, fill, X)
    if not (program.plain or program.nodes):
        X = graph.add("Sub", X, np.array([column.center for column in columns], dtype))
        X = graph.add("Div", X, np.array([column.scale for column in columns], dtype))
    if program.nodes and any(column.gaps for column in columns):
        infinite = graph.add("Equal", graph.add("Abs", X), np.array(np.inf, dtype))
        code = graph.cast(infinite, np.dtype(np.int64))
        X = graph.add("Add", X, graph.look_up(np.zeros(1, dtype), code, "refused: a number is too large"))
    else:
        X = graph.refuse_not_finite(X, dtype, "refused: a number is missing or too large")
    indicators = [i for i, column in enumerate(columns) if column.indicator]
    blocks = [X, *waves]
    if indicators:
        blocks.append(graph.add("Gather", graph.cast(missing, dtype), np.array(indicators), axis=1))
    nodes += nodes_of_waves + [columns[i].node + columns[i].n_nodes - 1 for i in indicators]
    return X if len(blocks) == 1 else graph.add("Concat", *blocks, axis=1), nodes


def _waves(
    graph: GraphBuilder, columns: Sequence[NumberColumn], X: str, dtype: np.dtype[Any]
) -> tuple[list[str], list[int]]:
    """The sines of all numbers' places in their periods, then the cosines, 0 where missing; and the nodes they are."""
    cycles = [(i, column.node + 1 + 2 * k, period) for i, column in enumerate(columns)
              for k, period in enumerate(column.periods)]  # fmt: skip
    if not cycles:
        return [], []
    places, sines, periods = zip(*cycles, strict=True)
    values = graph.add("Gather", X, np.array(places), axis=1)
    turns = graph.add("Div", values, np.array(periods, dtype))
    angle = graph.add("Mul", graph.add("Sub", turns, graph.add("Floor", turns)), np.array(2 * np.pi, dtype))
    gap, zero = graph.add("IsNaN", values), np.array(0, dtype)
    later = graph.add("Add", angle, np.array(np.pi / 2, dtype))  # older runtimes have no cosine in float64
    waves = [graph.add("Where", gap, zero, graph.add("Sin", one)) for one in (angle, later)]
    return waves, [*sines, *(node + 1 for node in sines)]


def _names(graph: GraphBuilder, column: NameColumn, text: str, dtype: np.dtype[Any]) -> str:
    """1 for the row's own name and 0 for the others, (N, nodes); a code beyond the nodes gives zeros or is refused."""
    none, refused = column.n_nodes, column.n_nodes + 1
    codes = {name: i for i, name in enumerate(column.names)}
    of_missing = {"node": column.n_nodes - 1, "none": none, "refused": refused}[column.missing]
    codes.setdefault("", of_missing)  # unless the empty string is a name
    unknown = {"node": len(column.names), "none": none, "refused": refused}[column.unknown]
    code = graph.add_ml(
        "LabelEncoder",
        text,
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=unknown,
    )
    if refused in (unknown, of_missing):
        code = graph.look_up(np.arange(refused), code, f"refused: a name is missing or unknown in {column.name}")
    return graph.cast(graph.add("Equal", code, np.arange(column.n_nodes)), dtype)


def _position(graph: GraphBuilder, column: TextColumn, text: str, dtype: np.dtype[Any]) -> str:
    """The position of a text among those of the column, (N, 1); behind them stand a missing one, and any other."""
    codes = {name: i for i, name in enumerate(column.names)}
    codes.setdefault("", len(column.names))  # unless the empty string is a name
    code = graph.add_ml(
        "LabelEncoder",
        text,
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=len(column.names) + 1,
    )
    return graph.cast(code, dtype)
