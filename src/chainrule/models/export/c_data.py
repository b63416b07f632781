"""The tables of an exported file of C: labels, columns, weights, scaling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.export.c_cells import CYCLE_TABLE, NAME_TABLE, NUMBER_TABLE, TEXT_TABLE
from chainrule.models.export.c_functions import filled
from chainrule.models.export.c_steps import integers
from chainrule.models.export.program import Classes, Labels, NameColumn, NumberColumn, Program, Values, label_kind
from chainrule.models.export.text import bracketed, number

LONGEST_STRING = 4095  # bytes that every compiler of C99 takes in one string
_LABEL_TYPES = {"text": "char *const", "boolean": "int", "integer": "long long", "number": "double"}


def string(text: str) -> str:
    r"""Write text as a string of C: what is not plain ASCII as its UTF-8 bytes in octal, which end after three digits.

    Raises
    ------
    UsageError
        If a string of C cannot hold it.

    Examples
    --------
    >>> print(string('"a"??/é'))
    "\"a\"\?\?/\303\251"
    """
    data = text.encode()
    if 0 in data or len(data) > LONGEST_STRING:
        raise UsageError(
            f"the name {text[:40]!r} cannot be written in C: a string there has at most {LONGEST_STRING} bytes, and "
            "none of them is 0. Rename it in the table, and train anew."
        )
    return '"' + "".join(map(_byte, data)) + '"'


def _byte(byte: int) -> str:
    character = chr(byte)
    if character in '"\\?':  # a question mark could begin a trigraph
        return "\\" + character
    return character if 32 <= byte < 127 else f"\\{byte:03o}"


def array(declaration: str, items: Iterable[str]) -> str:
    """Write an array with its items.

    >>> print(array("static const int a[2]", ["1", "2"]))
    static const int a[2] = {1, 2};
    """
    return bracketed(f"{declaration} = {{", items, "};")


def label_array(answer: Classes | Labels, name: str) -> str:
    """Declare the array of the labels."""
    return f"const {_LABEL_TYPES[label_kind(answer.labels)]} {name}_classes[{len(answer.labels)}]"


def label_table(answer: Classes | Labels, name: str) -> str:
    """The labels."""
    return array(label_array(answer, name), map(_label, answer.labels))


def _label(label: Any) -> str:
    if isinstance(label, str):
        return string(label)
    if isinstance(label, float):
        return number(label)
    if int(label) == -(2**63):
        return "(-9223372036854775807 - 1)"  # C has no negative literals, only negated ones
    return str(int(label))


def number_places(program: Program) -> list[tuple[int, NumberColumn]]:
    """Where each number stands: among the numbers where there are names too, else in the whole row."""
    columns = program.numbers if program.texts else program.columns
    return [(i, column) for i, column in enumerate(columns) if isinstance(column, NumberColumn)]


def column_tables(program: Program, name: str) -> list[str]:
    """How each column becomes nodes."""
    tables = []
    if program.numbers:
        rows = [_number_row(i, column) for i, column in number_places(program)]
        tables.append(filled(NUMBER_TABLE, name, count=len(rows), rows="\n".join(rows)))
        cycles = cycle_rows(program)
        tables += [filled(CYCLE_TABLE, name, count=len(cycles), rows="\n".join(cycles))] if cycles else []
    if program.texts:
        for i, column in enumerate(program.texts):
            names = f"static const char *const {name}_names_{i}[{len(column.names)}]"
            tables.append(array(names, map(string, column.names)))
        rows = [_name_row(i, column, name) for i, column in enumerate(program.texts) if isinstance(column, NameColumn)]
        tables.append(filled(NAME_TABLE, name, count=len(rows), rows="\n".join(rows)))
    return tables


def prepared_column_tables(program: Program, name: str) -> list[str]:
    """Where each column's number, or the position of its text, stands among those that the steps go on from."""
    tables = []
    if program.numbers:
        places = number_places(program)
        tables.append(integers(f"{name}_places", (i for i, _ in places)))
        tables.append(integers(f"{name}_at", (column.node for _, column in places)))
    if program.texts:
        rows = []
        for i, column in enumerate(program.texts):
            names = f"static const char *const {name}_names_{i}[{len(column.names) or 1}]"
            tables.append(array(names, map(string, column.names or ("",))))
            rows.append(f"    {{{name}_names_{i}, {len(column.names)}, {column.node}}},")
        tables.append(filled(TEXT_TABLE, name, count=len(rows), rows="\n".join(rows)))
    return tables


def _number_row(i: int, column: NumberColumn) -> str:
    fill = "NAN" if column.fill is None else number(column.fill)
    indicator = column.node + column.n_nodes - 1 if column.indicator else -1
    return f"    {{{i}, {column.node}, {indicator}, {number(column.center)}, {number(column.scale)}, {fill}}},"


def cycle_rows(program: Program) -> list[str]:
    """The cycles of all columns: where the number stands, the node of its sine, and the period."""
    return [
        f"    {{{i}, {column.node + 1 + 2 * k}, {number(period)}}},"
        for i, column in number_places(program)
        for k, period in enumerate(column.periods)
    ]


def _name_row(i: int, column: NameColumn, name: str) -> str:
    places = {"refused": f"{name}_refused", "none": f"{name}_none"}
    missing = places.get(column.missing, str(column.node + column.n_nodes - 1))
    unknown = places.get(column.unknown, str(column.node + len(column.names)))
    return f"    {{{name}_names_{i}, {len(column.names)}, {column.node}, {column.n_nodes}, {missing}, {unknown}}},"


def weight_kind(program: Program) -> str:
    """The type of weights: float holds every digit of a float32."""
    return "float" if program.dtype == np.float32 else "double"


def weight_tables(program: Program, name: str) -> str:
    """The weights and biases of all layers."""
    kind = weight_kind(program)
    tables = [
        "/* W1 has the weights into the first unit of layer 1, then those into its second, ...; b1 the biases. */"
    ]
    several = len(program.networks) > 1
    for number_, layers in enumerate(program.networks, start=1):
        suffix = f"_{number_}" if several else ""
        for l, layer in enumerate(layers, start=1):
            n_in, n_out = layer.weights.shape
            weights = f"static const {kind} {name}_W{l}{suffix}[{n_out} * {n_in}]"
            tables.append(array(weights, _numbers(layer.weights.T, kind)))
            tables.append(array(f"static const {kind} {name}_b{l}{suffix}[{n_out}]", _numbers(layer.biases, kind)))
    return "\n".join(tables)


def _numbers(values: np.ndarray, kind: str) -> Iterable[str]:
    suffix = "f" if kind == "float" else ""
    return (number(value) + suffix for value in values.ravel())


def scaling_tables(answer: Values, name: str) -> str:
    """How outputs become values in the targets' units."""
    n = len(answer.names)
    scales = array(f"static const double {name}_scales[{n}]", map(number, answer.scales))
    tables = scales + "\n" + array(f"static const double {name}_centers[{n}]", map(number, answer.centers))
    if answer.units:
        tables += "\n" + array(f"static const double {name}_units[{n}]", map(number, answer.units))
    return tables
