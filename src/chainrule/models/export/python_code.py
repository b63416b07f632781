"""A trained network as a Python module that needs the standard library only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.models.export import python_functions as functions
from chainrule.models.export.program import (
    Classes,
    Column,
    DenseLayer,
    Labels,
    NameColumn,
    NumberColumn,
    Outputs,
    Program,
    Values,
)
from chainrule.models.export.sources import program_of
from chainrule.models.export.text import MADE_BY, bracketed, title, written


def to_python(model: Any, path: str | os.PathLike[str] | None = None) -> str:
    """Write a trained network as a Python module that needs neither chainrule nor NumPy.

    Parameters
    ----------
    model : Model, Network, or fitted MLPClassifier or MLPRegressor, chainrule's or scikit-learn's
    path : path-like, optional
        Where to write it as well, whole or not at all.

    Returns
    -------
    str
        The module. `predict(row)` gives a label, a value, or a list of several; for classes and labels there is
        `probabilities(row)` too. A row is a dict by column name, or a list in the order of the module's COLUMNS, with
        None or NaN where a value is missing. It computes in double precision. Rows that the model refuses raise
        ValueError. A bare Network takes and gives a list of numbers, and refuses none.

    Raises
    ------
    UsageError
        If it cannot be exported, because of an activation of your own for instance, or not be written there.

    Examples
    --------
    >>> import chainrule as cr
    >>> module = {}
    >>> exec(to_python(cr.train("iris", epochs=50)), module)
    >>> module["predict"]([5.1, 3.5, 1.4, 0.2])
    'setosa'
    >>> [round(p, 2) for p in module["probabilities"]({"sepal_length": 6.3, "sepal_width": 3.3, "petal_length": 6.0,
    ...                                                "petal_width": 2.5})][0]
    0.0
    """
    program = program_of(model)
    sections = [
        _head(program),
        *([_columns(program)] if program.checked else []),
        *_answer_constants(program),
        _weights(program),
        _answer_functions(program),
        *([functions.CHECKED_OUTPUTS, functions.CELLS, *_encoding(program)] if program.checked else []),
        functions.FORWARD,
        *(functions.ACTIVATIONS[name] for name in dict.fromkeys(layer.activation for layer in program.layers)),
        _layer_table(program),
    ]
    return written("\n\n\n".join(section.strip("\n") for section in sections) + "\n", path)


def _head(program: Program) -> str:
    if not program.checked:
        calls = f"    predict(row)         the {program.sizes[-1]} outputs for a list of {program.sizes[0]} numbers"
        rows = ""
    else:
        calls = _CALLS[type(program.answer)]
        rows = _ROWS
    return f'"""{title(program)} {MADE_BY}\n\n{calls}\n{rows}\nIt needs the standard library only.\n"""\n\nimport math'


_CALLS: dict[type, str] = {
    Classes: "    predict(row)         the label\n"
    "    probabilities(row)   a list with the probability of each class, in the order of CLASSES",
    Labels: "    predict(row)         a list with 1 for each of LABELS that is given, and 0 for the others\n"
    "    probabilities(row)   a list with the probability of each, in the order of LABELS",
    Values: "    predict(row)         the value; for several targets a list, in the order of TARGETS",
}
_ROWS = """
A row is a dict by column name, or a list in the order of COLUMNS; a missing value is None or NaN. What cannot be used
raises ValueError: a missing value or an unknown name where training did not provide for one, text in place of a number.
"""


def _columns(program: Program) -> str:
    if program.plain:
        return _named_list("COLUMNS", [column.name for column in program.columns])
    notes = """
# A number gives (value - center) / scale, with "fill" for a missing one (None: it is refused), and with "indicator" a
# second number, 1 where it was missing. Names give a 1 for the row's own and 0 for the others; "missing" and "unknown"
# say whether such a name is "refused", gives zeros ("none"), or for a missing one has a "node" of its own.
"""
    lines = "\n".join(f"    {_column(column)}," for column in program.columns)
    return f"{notes}COLUMNS = [\n{lines}\n]"


def _column(column: Column) -> str:
    if isinstance(column, NumberColumn):
        facts = {
            "name": column.name,
            "center": column.center,
            "scale": column.scale,
            "fill": column.fill,
            "indicator": column.indicator,
        }
    elif isinstance(column, NameColumn):
        facts = {
            "name": column.name,
            "names": list(column.names),
            "missing": column.missing,
            "unknown": column.unknown,
        }
    else:
        facts = {"name": column.name}
    return repr(facts)


def _named_list(name: str, items: Iterable[Any]) -> str:
    return bracketed(f"{name} = [", map(repr, items), "]")


def _answer_constants(program: Program) -> list[str]:
    answer = program.answer
    if isinstance(answer, Classes):
        return [f"TARGET = {answer.target!r}\n" + _named_list("CLASSES", answer.labels)]
    if isinstance(answer, Labels):
        return [_named_list("LABELS", answer.labels)]
    if isinstance(answer, Values):
        scaling = [_named_list("CENTERS", answer.centers), _named_list("SCALES", answer.scales)]
        return [_named_list("TARGETS", answer.names)] + (["\n".join(scaling)] if _scaled(answer) else [])
    return []


def _scaled(answer: Values) -> bool:
    return any(scale != 1 for scale in answer.scales) or any(center != 0 for center in answer.centers)


def _weights(program: Program) -> str:
    """The arrays of each layer: for each unit the weights that lead into it, so that its sum is one line."""
    parts = ["# W1 has a list for each unit of layer 1: the weights that lead into it; B1 has the units' biases."]
    for l, layer in enumerate(program.layers, start=1):
        units = "\n".join(bracketed("[", _numbers(unit), "],", "    ") for unit in layer.weights.T)
        parts.append(f"W{l} = [\n{units}\n]\n" + bracketed(f"B{l} = [", _numbers(layer.biases), "]"))
    return "\n".join(parts)


def _numbers(array: np.ndarray) -> Iterable[str]:
    return map(repr, array.astype(np.float64).tolist())  # as the doubles that they are: nothing is rounded twice


def _layer_table(program: Program) -> str:
    def row(l: int, layer: DenseLayer) -> str:
        return f"    (W{l}, B{l}, {layer.activation}, {layer.parameters!r}),"

    rows = "\n".join(row(l, layer) for l, layer in enumerate(program.layers, start=1))
    return f"# Weights, biases, activation, and its parameters.\nLAYERS = [\n{rows}\n]"


def _answer_functions(program: Program) -> str:
    answer = program.answer
    if isinstance(answer, Outputs):
        return functions.PREDICT_OUTPUTS.replace("INPUTS", str(program.sizes[0]))
    if isinstance(answer, Labels):
        return functions.PREDICT_LABELS
    if isinstance(answer, Values):
        values = "[a * s + c for a, s, c in zip(outputs(row), SCALES, CENTERS)]" if _scaled(answer) else "outputs(row)"
        several = "values" if len(answer.names) > 1 else "values[0]"
        return (
            f'def predict(row):\n    """Return the predicted value of each target."""\n'
            f"    values = {values}\n    return {several}"
        )
    chosen = f"a[0] > {answer.middle!r}" if answer.one_node else "a.index(max(a))"
    predict = f'def predict(row):\n    """Return the label."""\n    a = outputs(row)\n    return CLASSES[{chosen}]'
    return f"{predict}\n\n\n{_probabilities(answer)}"


def _probabilities(answer: Classes) -> str:
    lines = [
        "def probabilities(row):",
        '    """Return the probability of each class, in the order of CLASSES."""',
        "    p = outputs(row)",
    ]
    if answer.floor is not None:
        share = f"(a - {answer.low!r}) / {answer.high - answer.low!r}"
        lines.append(f"    p = [min(max({share}, {answer.floor!r}), {1 - answer.floor!r}) for a in p]")
    if answer.one_node:
        lines.append("    return [1 - p[0], p[0]]")
    elif answer.floor is None:
        lines.append("    return p")
    else:
        lines += ["    total = sum(p)", "    return [share / total for share in p]"]
    return "\n".join(lines)


def _encoding(program: Program) -> list[str]:
    if program.plain:
        return [functions.ENCODE_PLAIN]
    used = [functions.NUMBER_NODES] if program.numbers else []
    return [functions.ENCODE, *used, *([functions.NAME_NODES] if program.texts else [])]
