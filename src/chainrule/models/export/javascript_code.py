"""A trained network as an ECMAScript module, for Node and browsers."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.models.export import javascript_cells as cells
from chainrule.models.export import javascript_functions as functions
from chainrule.models.export.javascript_literals import literal, number
from chainrule.models.export.javascript_steps import TAKEN, step_functions, step_table
from chainrule.models.export.program import (
    Classes,
    Column,
    DenseLayer,
    Labels,
    NameColumn,
    NumberColumn,
    Outputs,
    Program,
    TextColumn,
    UnusedColumn,
    Values,
)
from chainrule.models.export.proof import proven_program
from chainrule.models.export.text import MADE_BY, bracketed, quoted, title, wrapped, written


def to_javascript(model: Any, path: str | os.PathLike[str] | None = None) -> str:
    """Write a trained network as a JavaScript module without dependencies, for Node and browsers.

    Parameters
    ----------
    model : Model, Ensemble, Network, or fitted MLPClassifier or MLPRegressor, chainrule's or scikit-learn's
        Or a pipeline of scikit-learn that ends in one; with TransformedTargetRegressor around it, too.
    path : path-like, optional
        Where to write it as well, whole or not at all.

    Returns
    -------
    str
        The module. It exports `predict(row)`, which gives `{label, probabilities}` for classes, `{labels,
        probabilities}` for several labels at once, and for values a number, or an array of several. A row is an object
        by column name, or an array in the order of the exported `columns`, with null, undefined or NaN where a value is
        missing; a date is a Date or ISO text. It computes in double precision. Rows that the model refuses throw a
        RangeError. A bare Network takes and gives an array of numbers, and refuses none.

    Raises
    ------
    UsageError
        If it cannot be exported, because of an activation of your own or a step of a pipeline for instance, or not be
        written there.

    Examples
    --------
    >>> import chainrule as cr
    >>> module = to_javascript(cr.train("iris", epochs=50))
    >>> "export function predict(row)" in module
    True
    """
    program = proven_program(model)
    used = program.activations
    sections = [
        _head(program),
        *([_columns(program)] if program.checked and (program.plain or not program.nodes) else []),
        *([_named_array("export const columns", [one.name for one in program.columns])] if program.nodes else []),
        *_answer_constants(program),
        _answer_functions(program),
        *(
            [functions.CHECKED_OUTPUTS if len(program.networks) == 1 else functions.OUTPUTS_OF_SEVERAL]
            * program.checked
        ),
        *([functions.USABLE, cells.CELLS, *_encoding(program)] if program.checked else []),
        functions.FORWARD_SINGLE if program.single else functions.FORWARD,
        *([functions.HIGHEST] if "softmax" in used or _chooses(program) else []),
        *([functions.NORMAL_CDF] if "gelu" in used else []),
        *(functions.ACTIVATIONS[name] for name in used),
        *_step_tables(program),
        _layers(program),
    ]
    return written("\n\n".join(section.strip("\n") for section in sections) + "\n", path)


def _head(program: Program) -> str:
    if not program.checked:
        lines = [f"predict(row) gives the {program.sizes[-1]} outputs for an array of {program.sizes[0]} numbers."]
    else:
        dates = [quoted(column.name) for column in program.numbers if column.date]
        lines = [_CALLS[type(program.answer)], *_ROWS, *([*_DATES, *wrapped(dates, "  ")] if dates else [])]
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
_DATES = (
    "A date is a Date, text such as 2012-01-31 or 2012-01-31T12:00, or a number of days since 1970-01-01, all in UTC,",
    "in:",
)


def _columns(program: Program) -> str:
    names = _named_array("export const columns", [column.name for column in program.columns])
    if program.plain:
        return names
    notes = """
// A number gives (value - center) / scale, with `fill` for a missing one (NaN: it is refused), and with `indicator` a
// last number, 1 where it was missing. Names give a 1 for the row's own and 0 for the others; `missing` and `unknown`
// say whether such a name is "refused", gives zeros ("none"), or has a "node" behind those of the names.
"""
    return f"{names}\n{notes}{_encodings(program)}"


def _encodings(program: Program) -> str:
    lines = "\n".join(f"  {_column(program, column)}," for column in program.columns)
    return f"const encodings = [\n{lines}\n];"


def _cyclic(program: Program) -> bool:
    return any(column.periods for column in program.numbers)


def _column(program: Program, column: Column) -> str:
    facts: dict[str, str] = {}
    if isinstance(column, UnusedColumn):
        return "{}"
    if isinstance(column, NumberColumn):
        if column.gaps:
            return "{ kind: numberOrGap }"
        facts = {"kind": "numberNodes", "read": "asDays" if column.date else "asNumber", "node": str(column.node)}
        values = {"center": column.center, "scale": column.scale, "fill": column.fill, "indicator": column.indicator}
        facts |= {name: literal(value) for name, value in values.items()}
        facts |= {"periods": f"[{', '.join(map(literal, column.periods))}]"} if _cyclic(program) else {}
    else:
        names = f"[{', '.join(map(literal, column.names))}]"
        if isinstance(column, NameColumn):
            facts = {"kind": "nameNodes", "node": str(column.node), "names": names}
            facts |= {"missing": literal(column.missing), "unknown": literal(column.unknown)}
            facts |= {"width": str(column.n_nodes)}
        else:
            facts = {"kind": "textPosition", "texts": names}
    return f"{{ {', '.join(f'{name}: {value}' for name, value in facts.items())} }}"


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
        if answer.units:
            scaling.append(_named_array("const units", answer.units))
        return [_named_array("export const targets", answer.names) + "\n" + "\n".join(scaling)]
    return []


def _answer_functions(program: Program) -> str:
    answer, several = program.answer, len(program.networks) > 1
    if isinstance(answer, Outputs):
        return functions.PREDICT_OUTPUTS.replace("INPUTS", str(program.sizes[0]))
    if isinstance(answer, Labels):
        return functions.PREDICT_LABELS
    if isinstance(answer, Values):
        return _values(program, answer, several)
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
    template = functions.PREDICT_CLASS_BY_SEVERAL if several else functions.PREDICT_CLASS
    predict = template.replace("CHOSEN", chosen).replace("SHARE", share)
    return predict.replace("ANSWER", probabilities) + divided


def _values(program: Program, answer: Values, several: bool) -> str:
    n = len(answer.names)
    values = "VALUES.map((output, k) => output * scales[k] + centers[k])"
    if answer.units:
        values = f"usable({values}.map((z, k) => (units[k] > 0 ? units[k] * Math.sinh(z) : z)))"
    if several:
        values = f"mean(outputs(row).map((a) => {values.replace('VALUES', 'a')}))"
    else:
        values = values.replace("VALUES", "outputs(row)")
    values = f"taken({values}, after).slice(-{n})" if program.after else values
    return functions.PREDICT_VALUES.replace("VALUES", values).replace("ANSWER", "values" if n > 1 else "values[0]")


def _outputs(program: Program) -> str:
    return functions.CHECKED_OUTPUTS if len(program.networks) == 1 else functions.OUTPUTS_OF_SEVERAL


def _encoding(program: Program) -> list[str]:
    if program.plain:
        return [cells.ENCODE_PLAIN]
    columns, used = program.columns, []
    used.append(cells.ENCODE_WITH_STEPS if program.nodes else cells.ENCODE.replace("WIDTH", str(program.sizes[0])))
    if any(not column.gaps for column in program.numbers):
        used.append(cells.CYCLIC_NUMBER_NODES if _cyclic(program) else cells.NUMBER_NODES)
    if any(column.date for column in program.numbers):
        used.append(cells.AS_DAYS)
    if any(column.gaps for column in program.numbers):
        used.append(cells.NUMBER_OR_GAP)
    if any(isinstance(column, NameColumn) for column in columns):
        used.append(cells.NAME_NODES)
    if any(isinstance(column, TextColumn) for column in columns):
        used.append(cells.TEXT_POSITION)
    return used


def _step_tables(program: Program) -> list[str]:
    if not (program.nodes or program.after):
        return []
    tables = [TAKEN, *step_functions((*program.steps, *program.after))]
    if program.nodes:
        nodes = bracketed("const inputs = [", map(str, program.nodes), "];")
        tables += [_encodings(program), step_table("steps", program.steps) + "\n" + nodes]
    return tables + ([step_table("after", program.after)] if program.after else [])


def _layers(program: Program) -> str:
    """The layers at the end of the module: the weights into each unit stand together."""
    note = "// The weights that lead into a layer's first unit, then those into its second, ..."
    networks = ["\n".join(_layer(layer) for layer in layers) for layers in program.networks]
    if len(networks) == 1:
        return f"{note}\nconst layers = [\n{networks[0]}\n];"
    return "\n".join([note, "const networks = [", *(f"  [\n{rows}\n  ]," for rows in networks), "];"])


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
    return isinstance(program.answer, Classes) and (not program.answer.one_node or len(program.networks) > 1)
