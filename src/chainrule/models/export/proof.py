"""An export proves itself: what its description computes is compared with what the model says, on rows of all kinds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from chainrule.core.network import Network
from chainrule.core.passes import forward
from chainrule.data import columns as table_columns
from chainrule.data.columns import Table
from chainrule.errors import UsageError
from chainrule.models.ensemble import Ensemble
from chainrule.models.export.evaluate import evaluate
from chainrule.models.export.program import (
    Classes,
    Column,
    Labels,
    NameColumn,
    NumberColumn,
    Outputs,
    Program,
    TextColumn,
    UnusedColumn,
)
from chainrule.models.export.sources import Described, described
from chainrule.models.model import Model

USUAL, UNUSUAL, ALONE = 24, 96, 24  # how many rows of each kind are tried
TOLERANCE, TOLERANCE_SINGLE = 1e-6, 2e-3  # relative to the largest answer of a row: rounding, far below any mistake
EXTREMES = (0.0, -0.0, 0.5, -3.0, 1e39, -1e39, 1e300, -1e300)
STRANGE = ("", "\x00", "no such name")


def proven_program(model: Any) -> Program:
    """Describe what a model computes, and compare the description with the model.

    Usual rows, rows with gaps, unknown names and extreme numbers are tried, with random numbers from a fixed seed.

    Raises
    ------
    UsageError
        If it cannot be described, or the two differ in any row: in an answer, or in whether the row is refused.
    """
    made = described(model)
    program = made.program
    random = np.random.default_rng(0)
    rows = [*_usual(made, random), *_unusual(made, random)]
    ours = evaluate(program, rows)
    answered = [i for i in range(len(rows)) if np.isfinite(ours[i]).all()]
    theirs = np.full(ours.shape, np.nan)
    if answered:
        theirs[answered] = _asked(model, made, [rows[i] for i in answered], ours)
    left = [i for i in range(len(rows)) if i not in set(answered)]
    for i in random.permutation(left)[:ALONE].tolist() if left else []:
        try:
            theirs[i] = _says(model, made, [rows[i]])
        except Exception:  # any refusal will do
            continue
    _compare(program, rows, ours, theirs)
    return program


def _slack(program: Program, rows: Sequence[Any], ours: np.ndarray) -> np.ndarray:
    """How far rounding may take the answers: in float32, what it does to them, which large weights multiply."""
    size = 1 + np.abs(np.where(np.isfinite(ours), ours, 0)).max(axis=1, keepdims=True)
    if program.dtype != np.float32:
        return np.asarray(TOLERANCE * size)
    with np.errstate(all="ignore"):
        exactly = np.abs(evaluate(replace(program, single=False), rows) - ours)
    return np.asarray(TOLERANCE_SINGLE * size + 20 * np.where(np.isfinite(exactly), exactly, 0))


def _compare(program: Program, rows: Sequence[Any], ours: np.ndarray, theirs: np.ndarray) -> None:
    """Raise UsageError where the two differ by more than rounding; answers that are not finite count as refused."""
    with np.errstate(all="ignore"):
        far = np.abs(ours - theirs) > _slack(program, rows, ours)
    finite = np.isfinite(ours).all(axis=1), np.isfinite(theirs).all(axis=1)
    wrong = (finite[0] != finite[1]) | (finite[0] & finite[1] & far.any(axis=1))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise UsageError(
            f"the export says {_shown(ours[i])} to the row {rows[i]!r}, and the model {_shown(theirs[i])}. It is not "
            "written. This is a mistake in chainrule's description of the model; please report it, with the steps."
        )


def _shown(answer: np.ndarray) -> str:
    return "nothing" if not np.isfinite(answer).all() else str(answer.round(6).tolist())


# ---- what the model says --------------------------------------------------------------------------------------------


def _asked(model: Any, made: Described, rows: list[list[Any]], ours: np.ndarray) -> np.ndarray:
    try:
        return _says(model, made, rows)
    except Exception as error:
        for row in rows:  # which of them?
            try:
                _says(model, made, [row])
            except Exception as reason:
                raise UsageError(
                    f"the export answers to the row {row!r}, which the model refuses: {reason}. It is not written."
                ) from error
        raise


def _says(model: Any, made: Described, rows: list[list[Any]]) -> np.ndarray:
    """What the model answers, (N, n): probabilities, values or outputs."""
    program = made.program
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if isinstance(model, Network):
            return np.asarray(forward(model.astype("float64"), np.array(rows)).output)
        if isinstance(model, (Model, Ensemble)):
            columns = [_as_read(column, [row[k] for row in rows]) for k, column in enumerate(program.columns)]
            labels, P = model.answers(Table(tuple(columns), "the rows"))
        else:
            X = _as_fitted(model, made, rows)
            labels = model.predict(X)
            labels = labels.toarray() if hasattr(labels, "toarray") else labels  # of sparse labels
            P = model.predict_proba(X) if isinstance(program.answer, (Classes, Labels)) else None
    if P is None:
        return np.asarray(labels, dtype=float).reshape(len(rows), -1)
    _compare_labels(program, np.asarray(labels), np.asarray(P, dtype=float))
    return np.asarray(P, dtype=float)


def _as_read(column: Column, cells: list[Any]) -> table_columns.Column:
    """Cells as a table has them that was read: dates as days of dates."""
    if isinstance(column, NumberColumn):
        numbers = np.array([np.nan if cell is None else cell for cell in cells], dtype=float)
        return table_columns.Column(column.name, "number", numbers, "", cast(table_columns.Origin, column.origin))
    return table_columns.Column(column.name, "text", np.array(cells, dtype=object))


def _compare_labels(program: Program, labels: np.ndarray, P: np.ndarray) -> None:
    """See that labels are read from probabilities as the description has it, where these are not all but equal."""
    margin = 10 * (TOLERANCE_SINGLE if program.dtype == np.float32 else TOLERANCE)
    if isinstance(program.answer, Labels):
        fine = (labels == (P > 0.5)) | (np.abs(P - 0.5) < margin)
    else:
        assert isinstance(program.answer, Classes)
        two = np.sort(P, axis=1)[:, -2:]
        named = np.asarray(program.answer.labels, dtype=object)[P.argmax(axis=1)]
        fine = (labels == named) | ~(two[:, 1] - two[:, 0] >= margin)
    if not np.all(fine):
        raise UsageError("the model's labels are not those of the highest probability; it cannot be exported.")


def _as_fitted(model: Any, made: Described, rows: list[list[Any]]) -> Any:
    """Rows as an array, or as a frame where the model was fitted with names."""
    program, columns = made.program, made.program.columns
    cells = [[_cell(column, row[k], made.markers.get(k)) for k, column in enumerate(columns)] for row in rows]
    named = any(
        hasattr(part, "feature_names_in_") for part in (model, *(one for _, one in getattr(model, "steps", [])))
    )
    if not named:
        return np.array(cells, dtype=object if program.texts else float)
    try:
        import pandas
    except ImportError:
        raise UsageError("a pipeline of a frame's columns is tried with a frame. Run: pip install pandas") from None
    kinds = {column.name: object if isinstance(column, (NameColumn, TextColumn)) else float for column in columns}
    return pandas.DataFrame(cells, columns=[column.name for column in columns], dtype=object).astype(kinds)


def _cell(column: Column, value: Any, marker: str | None) -> Any:
    if value is not None or (isinstance(column, TextColumn) and marker == "None"):
        return value
    return np.nan


# ---- the rows -------------------------------------------------------------------------------------------------------


def _usual(made: Described, random: np.random.Generator) -> list[list[Any]]:
    columns = made.program.columns
    if isinstance(made.program.answer, Outputs):
        return [list(row) for row in random.normal(size=(USUAL, made.program.sizes[0])).tolist()]
    drawn = [_drawn(column, made.known.get(k, []), random) for k, column in enumerate(columns)]
    return [list(row) for row in zip(*drawn, strict=True)]


def _drawn(column: Column, known: list[Any], random: np.random.Generator) -> list[Any]:
    """Values such as a column of training may have had."""
    if isinstance(column, UnusedColumn):
        return [0.0] * USUAL
    if isinstance(column, (NameColumn, TextColumn)):
        names = column.names or ("",)
        return [names[i] for i in random.integers(len(names), size=USUAL)]
    numbers = [float(value) for value in known if not isinstance(value, str) and np.isfinite(float(value))]
    if numbers:
        return [numbers[i] for i in random.integers(len(numbers), size=USUAL)]
    return list((column.center + column.scale * random.normal(size=USUAL)).tolist())


def _unusual(made: Described, random: np.random.Generator) -> list[list[Any]]:
    """Usual rows with something unusual in a single column."""
    if isinstance(made.program.answer, Outputs):
        return []
    rows = _usual(made, random)
    changes = list(_changes(made.program.columns))
    chosen = random.permutation(len(changes))[:UNUSUAL].tolist()
    return [
        [changes[i][1] if k == changes[i][0] else value for k, value in enumerate(rows[j % len(rows)])]
        for j, i in enumerate(chosen)
    ]


def _changes(columns: Sequence[Column]) -> Iterator[tuple[int, Any]]:
    for k, column in enumerate(columns):
        if isinstance(column, NumberColumn):
            yield from ((k, value) for value in (None, *EXTREMES, np.inf))
        elif not isinstance(column, UnusedColumn):
            yield from ((k, value) for value in (None, *STRANGE))
