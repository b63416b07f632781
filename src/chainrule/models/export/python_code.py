"""A trained network as a Python module that needs the standard library only."""

from __future__ import annotations

import keyword
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.export import python_functions as functions
from chainrule.models.export.program import (
    Classes,
    DenseLayer,
    Labels,
    Outputs,
    Program,
    Values,
)
from chainrule.models.export.proof import proven_program
from chainrule.models.export.python_columns import column_table, encoding
from chainrule.models.export.python_steps import TAKEN, step_functions, step_table
from chainrule.models.export.text import MADE_BY, bracketed, quoted, title, written


def to_python(model: Any, path: str | os.PathLike[str] | None = None) -> str:
    """Write a trained network as a Python module that needs neither chainrule nor NumPy.

    Parameters
    ----------
    model : Model, Ensemble, Network, or fitted MLPClassifier or MLPRegressor, chainrule's or scikit-learn's
        Or a pipeline of scikit-learn that ends in one; with TransformedTargetRegressor around it, too.
    path : path-like, optional
        Where to write it as well, whole or not at all.

    Returns
    -------
    str
        The module. `predict(row)` gives a label, a value, or a list of several; for classes and labels there is
        `probabilities(row)` too. A row is a dict by column name, or a list in the order of the module's COLUMNS, with
        None or NaN where a value is missing; a date is a date, datetime or ISO text. It computes in double precision.
        Rows that the model refuses raise ValueError. A bare Network takes and gives a list of numbers, and refuses
        none.

    Raises
    ------
    UsageError
        If it cannot be exported, because of an activation of your own or a step of a pipeline for instance, or not be
        written there.

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
    program = proven_program(model)
    refuse_stolen_name(path)
    sections = [
        _head(program),
        *([column_table(program)] if program.plain else []),
        *_answer_constants(program),
        _weights(program),
        _answer_functions(program),
        *(_outputs(program) if program.checked else []),
        *([functions.CELLS, *encoding(program)] if program.checked else []),
        functions.FORWARD_SINGLE if program.single else functions.FORWARD,
        *(functions.ACTIVATIONS[name] for name in program.activations),
        *_step_tables(program),
        *([] if program.plain or not program.checked else [column_table(program)]),
        _layer_table(program),
    ]
    return written("\n\n\n".join(section.strip("\n") for section in sections) + "\n", path)


def refuse_stolen_name(path: str | os.PathLike[str] | None) -> None:
    """Refuse a file that Python could not import, or would import in place of a module of its own.

    Raises
    ------
    UsageError
    """
    stem = "" if path is None else Path(path).stem
    if stem in sys.stdlib_module_names or keyword.iskeyword(stem):
        what = "a word of Python's own" if keyword.iskeyword(stem) else "the name of a module of Python's own"
        raise UsageError(f'a Python file cannot be called "{Path(str(path)).name}": {stem} is {what}. Rename it.')


def _head(program: Program) -> str:
    if not program.checked:
        calls = f"    predict(row)         the {program.sizes[-1]} outputs for a list of {program.sizes[0]} numbers"
        rows = ""
    else:
        calls = _CALLS[type(program.answer)]
        rows = _ROWS
    dates = any(column.date for column in program.numbers)
    rows += _DATES.format(dates=", ".join(quoted(one.name) for one in program.numbers if one.date)) if dates else ""
    imports = "import datetime\nimport math\nimport re" if dates else "import math"
    raw = "r" if dates else ""  # names of columns may hold backslashes
    return (
        f'{raw}"""{title(program)} {MADE_BY}\n\n{calls}\n{rows}\nIt needs the standard library only.\n"""\n\n{imports}'
    )


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
_DATES = """
A date is a date or datetime, text such as 2012-01-31 or 2012-01-31T12:00, or a number of days since 1970-01-01, all in
UTC, in: {dates}.
"""


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
        if answer.units:
            scaling.append(_named_list("UNITS", answer.units))
        return [_named_list("TARGETS", answer.names)] + (["\n".join(scaling)] if _scaled(answer) else [])
    return []


def _scaled(answer: Values) -> bool:
    return any(scale != 1 for scale in answer.scales) or any(center != 0 for center in answer.centers + answer.units)


def _weights(program: Program) -> str:
    """The arrays of each layer: for each unit the weights that lead into it, so that its sum is one line."""
    several = len(program.networks) > 1
    note = "# W1 has a list for each unit of layer 1: the weights that lead into it; B1 has the units' biases."
    parts = [note + (" W1_2 and B1_2\n# are those of the second network." if several else "")]
    for number, layers in enumerate(program.networks, start=1):
        for l, layer in enumerate(layers, start=1):
            suffix = f"{l}_{number}" if several else f"{l}"
            units = "\n".join(bracketed("[", _numbers(unit), "],", "    ") for unit in layer.weights.T)
            parts.append(f"W{suffix} = [\n{units}\n]\n" + bracketed(f"B{suffix} = [", _numbers(layer.biases), "]"))
    return "\n".join(parts)


def _numbers(array: np.ndarray) -> Iterable[str]:
    return map(repr, array.astype(np.float64).tolist())  # as the doubles that they are: nothing is rounded twice


def _layer_table(program: Program) -> str:
    def row(suffix: str, layer: DenseLayer) -> str:
        return f"(W{suffix}, B{suffix}, {layer.activation}, {layer.parameters!r}),"

    note = "# Weights, biases, activation, and its parameters."
    if len(program.networks) == 1:
        rows = "\n".join(f"    {row(str(l), layer)}" for l, layer in enumerate(program.layers, start=1))
        return f"{note}\nLAYERS = [\n{rows}\n]"
    networks = []
    for number, layers in enumerate(program.networks, start=1):
        rows = "\n".join(f"        {row(f'{l}_{number}', layer)}" for l, layer in enumerate(layers, start=1))
        networks.append(f"    [\n{rows}\n    ],")
    return "\n".join([note, "NETWORKS = [", *networks, "]"])


def _outputs(program: Program) -> list[str]:
    several = len(program.networks) > 1
    return [functions.OUTPUTS_OF_SEVERAL if several else functions.CHECKED_OUTPUTS, functions.USABLE]


def _answer_functions(program: Program) -> str:
    answer, several = program.answer, len(program.networks) > 1
    if isinstance(answer, Outputs):
        return functions.PREDICT_OUTPUTS.replace("INPUTS", str(program.sizes[0]))
    if isinstance(answer, Labels):
        return functions.PREDICT_LABELS
    if isinstance(answer, Values):
        return _values(program, answer)
    if several:
        predict = "p = probabilities(row)\n    return CLASSES[p.index(max(p))]"
    else:
        chosen = f"a[0] > {answer.middle!r}" if answer.one_node else "a.index(max(a))"
        predict = f"a = outputs(row)\n    return CLASSES[{chosen}]"
    predict = f'def predict(row):\n    """Return the label."""\n    {predict}'
    return f"{predict}\n\n\n{_probabilities(answer, several)}"


def _values(program: Program, answer: Values) -> str:
    scaled = "[a * s + c for a, s, c in zip({}, SCALES, CENTERS)]" if _scaled(answer) else "{}"
    scaled = f"in_units({scaled})" if answer.units else scaled
    n = len(answer.names)
    if len(program.networks) > 1:
        lines = [f"values = mean([{scaled.format('a')} for a in outputs(row)])"]
    else:
        lines = [f"values = {scaled.format('outputs(row)')}"]
    lines += [f"values = taken(values, AFTER)[-{n}:]"] if program.after else []
    lines.append(f"return values{'' if n > 1 else '[0]'}")
    predict = "\n    ".join(["def predict(row):", '"""Return the predicted value of each target."""', *lines])
    return f"{predict}\n\n{functions.IN_UNITS}" if answer.units else predict


def _probabilities(answer: Classes, several: bool) -> str:
    """The function of the probabilities; of several networks the mean of each one's shares."""
    signature = ["def probabilities(row):", '    """Return the probability of each class, in the order of CLASSES."""']
    if several:
        head = [*signature, "    return mean([shares(a) for a in outputs(row)])", "", ""]
        head += ["def shares(p):", '    """Return the probabilities that the outputs of a network stand for."""']
    else:
        head = [*signature, "    p = outputs(row)"]
    lines = []
    if answer.floor is not None:
        share = f"(a - {answer.low!r}) / {answer.high - answer.low!r}"
        lines.append(f"    p = [min(max({share}, {answer.floor!r}), {1 - answer.floor!r}) for a in p]")
    if answer.one_node:
        lines.append("    return [1 - p[0], p[0]]")
    elif answer.floor is None:
        lines.append("    return p")
    else:
        lines += ["    total = sum(p)", "    return [share / total for share in p]"]
    return "\n".join([*head, *lines])


def _step_tables(program: Program) -> list[str]:
    if not (program.nodes or program.after):
        return []
    tables = [TAKEN, *step_functions((*program.steps, *program.after))]
    if program.nodes:
        tables.append(step_table("STEPS", program.steps) + "\n" + bracketed("NODES = [", map(str, program.nodes), "]"))
    return tables + ([step_table("AFTER", program.after)] if program.after else [])
