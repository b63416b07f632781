"""The columns of an exported Python module: what stands in each cell, and the functions that read it."""

from __future__ import annotations

from typing import Any

from chainrule.models.export import python_functions as functions
from chainrule.models.export.program import Column, NameColumn, NumberColumn, Program, TextColumn, UnusedColumn
from chainrule.models.export.text import bracketed


def column_table(program: Program) -> str:
    """The columns of a row and what is done with each."""
    if program.plain:
        return bracketed("COLUMNS = [", (repr(column.name) for column in program.columns), "]")
    notes = _NOTES_OF_STEPS if program.nodes else _NOTES
    lines = "\n".join(f"    {{{_column(program, column)}}}," for column in program.columns)
    width = "" if program.nodes else f"\nWIDTH = {program.sizes[0]}"
    return f"{notes}COLUMNS = [\n{lines}\n]{width}"


_NOTES = """
# A number gives (value - center) / scale, with "fill" for a missing one (None: it is refused), and with "indicator" a
# last number, 1 where it was missing. Names give a 1 for the row's own and 0 for the others; "missing" and "unknown"
# say whether such a name is "refused", gives zeros ("none"), or has a "node" behind those of the names.
"""
_NOTES_OF_STEPS = """
# Each gives a number, for a text its position among "texts"; the steps go on from these numbers.
"""


def _cyclic(program: Program) -> bool:
    return any(column.periods for column in program.numbers)


def _column(program: Program, column: Column) -> str:
    facts: dict[str, Any] = {"name": column.name}
    if isinstance(column, UnusedColumn):
        return _pairs(facts)
    if isinstance(column, NumberColumn):
        if not column.gaps:
            facts |= {
                "node": column.node,
                "center": column.center,
                "scale": column.scale,
                "fill": column.fill,
                "indicator": column.indicator,
            }
            facts |= {"periods": list(column.periods)} if _cyclic(program) else {}
        kind = "number_or_gap" if column.gaps else "date_nodes" if column.date else "number_nodes"
    elif isinstance(column, NameColumn):
        facts |= {
            "node": column.node,
            "names": list(column.names),
            "missing": column.missing,
            "unknown": column.unknown,
            "width": column.n_nodes,
        }
        kind = "name_nodes"
    else:
        facts["texts"] = list(column.names)
        kind = "text_position"
    return f'{_pairs(facts)}, "kind": {kind}'


def _pairs(facts: dict[str, Any]) -> str:
    return repr(facts)[1:-1]


def encoding(program: Program) -> list[str]:
    """The functions that turn a row into the numbers of the input nodes."""
    if program.plain:
        return [functions.ENCODE_PLAIN]
    used = [functions.ENCODE_WITH_STEPS if program.nodes else functions.ENCODE]
    waves = '*waves(column["periods"], value), ' if _cyclic(program) else ""
    numbers = functions.NUMBER_NODES.replace("WAVES", waves).replace
    used += [functions.WAVES] if waves else []
    if any(not column.gaps and not column.date for column in program.numbers):
        used.append(numbers("READ", "as_number"))
    if any(column.date for column in program.numbers):
        used += [numbers("READ", "as_days").replace("def number_nodes", "def date_nodes"), functions.AS_DAYS]
    if any(column.gaps for column in program.numbers):
        used.append(functions.NUMBER_OR_GAP)
    if any(isinstance(column, NameColumn) for column in program.texts):
        used += [functions.AS_TEXT, functions.NAME_NODES]
    if any(isinstance(column, TextColumn) for column in program.texts):
        used.append(functions.TEXT_POSITION)
    return used
