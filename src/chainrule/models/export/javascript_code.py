"""A trained network as an ECMAScript module, for Node and browsers."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.models.export import javascript_functions as functions
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
from chainrule.models.export.text import MADE_BY, bracketed, number, title, written

LARGEST_EXACT = 2**53  # whole numbers beyond it are BigInts


def to_javascript(model: Any, path: str | os.PathLike[str] | None = None) -> str:
    """Write a trained network as a JavaScript module without dependencies, for Node and browsers.

    Parameters
    ----------
    model : Model, Network, or fitted MLPClassifier or MLPRegressor, chainrule's or scikit-learn's
    path : path-like, optional
        Where to write it as well, whole or not at all.

    Returns
    -------
    str
        The module. It exports `predict(row)`, which gives `{label, probabilities}` for classes, `{labels,
        probabilities}` for several labels at once, and for values a number, or an array of several. A row is an object
        by column name, or an array in the order of the exported `columns`, with null, undefined or NaN where a value is
        missing. It computes in double precision. Rows that the model refuses throw a RangeError. A bare Network takes
        and gives an array of numbers, and refuses none.

    Raises
    ------
    UsageError
        If it cannot be exported, because of an activation of your own for instance, or not be written there.

    Examples
    --------
    >>> import chainrule as cr
    >>> module = to_javascript(cr.train("iris", epochs=50))
    >>> "export function predict(row)" in module
    True
    """
    program = program_of(model)
    used = dict.fromkeys(layer.activation for layer in program.layers)
    sections = [
        _head(program),
        *([_columns(program)] if program.checked else []),
        *_answer_constants(program),
        _answer_functions(program),
        *([functions.CHECKED_OUTPUTS, functions.CELLS, *_encoding(program)] if program.checked else []),
        functions.FORWARD,
        *([functions.HIGHEST] if "softmax" in used or _chooses(program) else []),
        *([functions.NORMAL_CDF] if "gelu" in used else []),
        *(functions.ACTIVATIONS[name] for name in used),
        _layers(program),
    ]
    return written("\n\n".join(section.strip("\n") for section in sections) + "\n", path)


def literal(value: Any) -> str:
    """Write text, a truth value, a number, None or NaN as JavaScript has it; text in a way that no page breaks it.

    >>> print(literal('</script> "\\u2028'))
    "\\u003c/script> \\"\\u2028"
    """
    if isinstance(value, str):
        return '"' + "".join(map(_character, value)) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}n" if abs(value) > LARGEST_EXACT else str(value)
    return "NaN" if value is None else number(value)


def _character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable() and character != "<":
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\u{{{ord(character):x}}}"


def _head(program: Program) -> str:
    if not program.checked:
        lines = [f"predict(row) gives the {program.sizes[-1]} outputs for an array of {program.sizes[0]} numbers."]
    else:
        lines = [_CALLS[type(program.answer)], *_ROWS]
    return "\n".join(f"// {line}" for line in [f"{title(program)} {MADE_BY}", *lines])


_CALLS: dict[type, str] = {
    Classes: "predict(row) gives { label, probabilities }, the probabilities in the order of `classes`.",
    Labels: "predict(row) gives { labels, probabilities }, both in the order of `labels`: 1 for a label that is given.",
    Values: "predict(row) gives the value; for several targets an array, in the order of `targets`.",
}
_ROWS = (
    "A row is an object by column name, or an array in the order of `columns`; a missing value is null, undefined or",
    "NaN. What cannot be used throws a RangeError: a missing value or an unknown name where training did not provide",
    "for one, text in place of a number.",
)


def _columns(program: Program) -> str:
    names = _named_array("export const columns", [column.name for column in program.columns])
    if program.plain:
        return names
    notes = """
// A number gives (value - center) / scale, with `fill` for a missing one (NaN: it is refused), and with `indicator` a
// second number, 1 where it was missing. Names give a 1 for the row's own and 0 for the others; `missing` and `unknown`
// say whether such a name is "refused", gives zeros ("none"), or for a missing one has a "node" of its own.
"""
    lines = "\n".join(f"  {_column(column)}," for column in program.columns)
    return f"{names}\n{notes}const encodings = [\n{lines}\n];"


def _column(column: Column) -> str:
    facts: dict[str, Any] = {}
    if isinstance(column, NumberColumn):
        facts = {"center": column.center, "scale": column.scale, "fill": column.fill, "indicator": column.indicator}
    elif isinstance(column, NameColumn):
        names = ", ".join(map(literal, column.names))
        return f'{{ names: [{names}], missing: "{column.missing}", unknown: "{column.unknown}" }}'
    return f"{{ {', '.join(f'{name}: {literal(value)}' for name, value in facts.items())} }}" if facts else "{}"


def _named_array(name: str, items: Iterable[Any]) -> str:
    return bracketed(f"{name} = [", map(literal, items), "];")


def _answer_constants(program: Program) -> list[str]:
    answer = program.answer
    if isinstance(answer, Classes):
        target = f"export const target = {literal(answer.target)};\n"
        return [target + _named_array("export const classes", answer.labels)]
    if isinstance(answer, Labels):
        return [_named_array("export const labels", answer.labels)]
    if isinstance(answer, Values):
        scaling = [_named_array("const centers", answer.centers), _named_array("const scales", answer.scales)]
        return [_named_array("export const targets", answer.names) + "\n" + "\n".join(scaling)]
    return []


def _answer_functions(program: Program) -> str:
    answer = program.answer
    if isinstance(answer, Outputs):
        return functions.PREDICT_OUTPUTS.replace("INPUTS", str(program.sizes[0]))
    if isinstance(answer, Labels):
        return functions.PREDICT_LABELS
    if isinstance(answer, Values):
        return functions.PREDICT_VALUES.replace("ANSWER", "values" if len(answer.names) > 1 else "values[0]")
    chosen = f"a[0] > {number(answer.middle)} ? 1 : 0" if answer.one_node else "a.indexOf(highest(a))"
    if answer.floor is None:
        share = "a"
    else:
        low, width = number(answer.low), number(answer.high - answer.low)
        floor, ceiling = number(answer.floor), number(1 - answer.floor)
        share = f"a.map((output) => Math.min(Math.max((output - {low}) / {width}, {floor}), {ceiling}))"
    if answer.one_node:
        probabilities = "[1 - p[0], p[0]]"
    else:
        probabilities = "p" if answer.floor is None else "divided(p)"
    divided = f"\n{functions.DIVIDED}" if probabilities == "divided(p)" else ""
    predict = functions.PREDICT_CLASS.replace("CHOSEN", chosen).replace("SHARE", share)
    return predict.replace("ANSWER", probabilities) + divided


def _encoding(program: Program) -> list[str]:
    return [functions.ENCODE_PLAIN] if program.plain else [functions.ENCODE]


def _layers(program: Program) -> str:
    """The layers at the end of the module: the weights into each unit stand together."""
    rows = "\n".join(_layer(layer) for layer in program.layers)
    note = "// The weights that lead into a layer's first unit, then those into its second, ..."
    return f"{note}\nconst layers = [\n{rows}\n];"


def _layer(layer: DenseLayer) -> str:
    kind = "Float32Array" if layer.weights.dtype == np.float32 else "Float64Array"
    lines = [
        bracketed(f"{field}: new {kind}([", map(number, array.ravel()), "]),", "    ")
        for field, array in (("weights", layer.weights.T), ("biases", layer.biases))
    ]
    parameters = ", ".join(map(number, layer.parameters))
    lines += [f"    activation: {layer.activation},", f"    parameters: [{parameters}],"]
    return "\n".join(["  {", *lines, "  },"])


def _chooses(program: Program) -> bool:
    return isinstance(program.answer, Classes) and not program.answer.one_node
