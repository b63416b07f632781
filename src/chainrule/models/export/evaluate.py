"""What a description computes, in NumPy: an export is held to it before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.catalogue import activation_named
from chainrule.models.export.program import (
    Classes,
    Column,
    DenseLayer,
    Labels,
    NameColumn,
    NumberColumn,
    Program,
    UnusedColumn,
    Values,
)
from chainrule.models.export.steps import after_steps


def evaluate(program: Program, rows: Sequence[Sequence[Any]]) -> np.ndarray:
    """Return what a description says to rows of cells: probabilities, values or outputs.

    Parameters
    ----------
    program : Program
    rows : sequence of sequences
        Numbers and text, None where missing.

    Returns
    -------
    array (N, n)
        NaN in the rows that are refused.

    Examples
    --------
    >>> from chainrule.models.export.program import Outputs
    >>> layer = DenseLayer(np.ones((2, 1)), np.zeros(1), "identity")
    >>> evaluate(Program((), ((layer,),), Outputs(1)), [[1.0, 2.0]])
    array([[3.]])
    """
    refused = np.zeros(len(rows), dtype=bool)
    if not program.checked:
        V = np.array(rows, dtype=float).reshape(len(rows), -1)
    else:
        V = np.empty((len(rows), 0))
        for k, column in enumerate(program.columns):
            V, wrong = _with_column(V, column, [row[k] for row in rows])
            refused |= wrong
        V = V[:, np.argsort(_nodes(program.columns))]
        V, wrong = after_steps(V, program.steps)
        refused |= wrong
        V = V[:, list(program.nodes)] if program.nodes else V
        refused |= ~np.isfinite(V).all(axis=1)
    with np.errstate(all="ignore"):
        outputs = [
            _forward(layers, V.astype(program.dtype if program.single else float)) for layers in program.networks
        ]
        if program.checked:
            for A in outputs:
                refused |= ~np.isfinite(A).all(axis=1)
        answers = np.mean([_answer(program, A.astype(float)) for A in outputs], axis=0)
    if program.checked:
        answers[refused] = np.nan
    if program.after:
        answers = after_steps(answers, program.after)[0][:, -answers.shape[1] :]
    return np.asarray(answers)


def _nodes(columns: Sequence[Column]) -> list[int]:
    """The node of each number, in the order in which the columns give them."""
    return [
        column.node + k for column in columns if not isinstance(column, UnusedColumn) for k in range(column.n_nodes)
    ]


def _with_column(V: np.ndarray, column: Column, cells: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers with those of one more column, and which rows it refuses."""
    fine = np.zeros(len(cells), dtype=bool)
    if isinstance(column, UnusedColumn):
        return V, fine
    if isinstance(column, NumberColumn):
        v = np.array([np.nan if cell is None else float(cell) for cell in cells])
        missing = np.isnan(v)
        with np.errstate(all="ignore"):
            node = (np.where(missing, np.nan if column.fill is None else column.fill, v) - column.center) / column.scale
        refused = np.isinf(node) if column.gaps else ~np.isfinite(node)
        waves = [wave for period in column.periods for wave in _waves(v, period)]
        return np.column_stack([V, node, *waves, *([missing] if column.indicator else [])]), refused
    places = {name: k for k, name in enumerate(column.names)}
    n = len(column.names)
    if not isinstance(column, NameColumn):
        codes = np.array([n if cell is None else places.get(cell, n + 1) for cell in cells], dtype=int)
        return np.column_stack([V, codes]), fine
    none, refused_code = -1, -2
    of_missing = {"refused": refused_code, "none": none, "node": column.n_nodes - 1}[column.missing]
    of_unknown = {"refused": refused_code, "none": none, "node": n}[column.unknown]
    codes = np.array([of_missing if cell is None else places.get(cell, of_unknown) for cell in cells], dtype=int)
    return np.hstack([V, (codes[:, None] == np.arange(column.n_nodes)).astype(float)]), codes == refused_code


def _waves(v: np.ndarray, period: float) -> list[np.ndarray]:
    """Sine and cosine of each number's place in a period; 0 where it is missing."""
    with np.errstate(all="ignore"):
        angle = 2 * np.pi * (v / period % 1.0)
        return [np.where(np.isnan(v), 0.0, wave(angle)) for wave in (np.sin, np.cos)]


def _forward(layers: Sequence[DenseLayer], A: np.ndarray) -> np.ndarray:
    for layer in layers:
        parameters = ",".join(map(repr, layer.parameters))
        activation = activation_named(f"{layer.activation}({parameters})" if parameters else layer.activation)
        A = np.asarray(activation.value(A @ layer.weights + layer.biases))
    return A


def _answer(program: Program, A: np.ndarray) -> np.ndarray:
    """Outputs as probabilities or values."""
    answer = program.answer
    if isinstance(answer, Values):
        z = A * np.asarray(answer.scales) + np.asarray(answer.centers)
        if answer.units:
            units = np.asarray(answer.units)
            z = np.where(units > 0, units * np.sinh(z), z)
        return np.asarray(z)
    if not isinstance(answer, Classes):
        assert isinstance(answer, Labels) or not program.checked
        return A
    if answer.floor is not None:
        A = np.clip((A - answer.low) / (answer.high - answer.low), answer.floor, 1 - answer.floor)
    if answer.one_node:
        return np.column_stack([1 - A[:, 0], A[:, 0]])
    return A if answer.floor is None else np.asarray(A / A.sum(axis=1, keepdims=True))
