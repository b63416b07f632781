"""What is said about inputs: what training decided about gaps and rare names, and what is odd about later rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data.columns import Column, Table, count, name_list
from chainrule.data.input_nodes import Input
from chainrule.data.name_input import NameInput
from chainrule.data.number_input import NumberInput

if TYPE_CHECKING:
    from chainrule.data.encoder import Encoding

COLUMNS, NAMES = 10, 5  # as many are named


def remarks_on(encoding: Encoding, table: Table) -> tuple[str, ...]:
    """Return a sentence for each kind of thing that training did not have; see `Encoding.remarks`."""
    columns = {column.name: column for column in table.columns}
    pairs = [(item, columns[item.name]) for item in encoding.inputs if item.name in columns]
    numbers = [(item, column) for item, column in pairs if isinstance(item, NumberInput) and column.kind == "number"]
    named = [(item, column) for item, column in pairs if isinstance(item, NameInput)]
    sentences = (
        _sentence("Passed over, as training did not have it", _extra(encoding, table)),
        _order(encoding, table),
        _sentence("Missing values", gaps_in_words(pairs), "."),
        *_new_names(named, encoding.unknown),
        _sentence("True and false count as 1 and 0, as training had numbers, in", _booleans(numbers)),
        _sentence("Outside the range of the table of training", _outside(numbers)),
    )
    return tuple(sentence for sentence in sentences if sentence)


def choices_in_words(inputs: Sequence[Input], table: Table) -> list[str]:
    """Say what training decided about missing values and about names with few rows, each with the flag for it."""
    gaps = gaps_in_words((item, table.column(item.name)) for item in inputs)
    notes = [_sentence("Missing values", gaps, "; --missing refuse forbids it.")] if gaps else []
    shared = []
    for item in inputs:
        if isinstance(item, NameInput) and item.other:
            names = set(table.column(item.name).as_text().values.tolist()) - {None}
            shared.append(f'"{item.name}" ({len(item.categories):,} of {len(names):,})')
    if shared:
        end = "; the others share one. --max-categories changes how many."
        notes.append(_sentence("The most frequent names have a node each", shared, end))
    return notes


def gaps_in_words(pairs: Iterable[tuple[Input, Column]]) -> list[str]:
    """Say for each column with missing values how many there are, and what stands in for them."""
    gaps = [(item, int(column.missing.sum())) for item, column in pairs]
    return [f'"{item.name}" {cells:,} ({item.stands_in()})' for item, cells in gaps if cells and not _refused(item)]


def _refused(item: Input) -> bool:
    return item.refuse_missing if isinstance(item, NameInput) else item.fill is None


def _sentence(beginning: str, parts: Sequence[str], end: str = ".") -> str:
    return f"{beginning}: {name_list(parts, COLUMNS)}{end}" if parts else ""


def _extra(encoding: Encoding, table: Table) -> list[str]:
    known = {*encoding.columns, *encoding.target_names, *(name for name, _ in encoding.left_out)}
    return [f'"{name}"' for name in table.names if name not in known]


def _order(encoding: Encoding, table: Table) -> str:
    used = {item.name for item in encoding.inputs}
    here = [name for name in table.names if name in used]
    trained = [name for name in encoding.columns if name in here]
    if here == trained or len(trained) < len(here):
        return ""
    return "The columns stand in another order than in training: they are found by their names."


def _new_names(named: Sequence[tuple[NameInput, Column]], unknown: str) -> list[str]:
    if unknown == "refuse":
        return []
    said: dict[bool, list[str]] = {True: [], False: []}
    for item, column in named:
        new = item.new_names(column)
        if new:
            first = name_list([f'"{name}"' for name in dict.fromkeys(new)], NAMES)
            said[item.other].append(f'"{item.name}" {count(len(new), "cell")} ({first})')
    forbid = "; --unknown refuse forbids it."
    return [
        _sentence("Names that training did not have, or in few rows, count as other", said[True], forbid),
        _sentence("Names that training did not have count as none of those it had", said[False], forbid),
    ]


def _booleans(numbers: Sequence[tuple[NumberInput, Column]]) -> list[str]:
    """Columns of truth values where training had numbers other than 0 and 1."""
    odd = [item for item, column in numbers if column.origin == "boolean" and item.origin != "boolean"]
    return [f'"{item.name}"' for item in odd if item.low is not None and (item.low, item.high) != (0, 1)]


def _outside(numbers: Sequence[tuple[NumberInput, Column]]) -> list[str]:
    said = []
    for item, column in numbers:
        if item.low is None or item.high is None:
            continue
        with np.errstate(invalid="ignore", over="ignore"):
            beyond = np.maximum(item.low - column.values, column.values - item.high)
        cells = int(np.sum(beyond > 0))
        if cells:
            furthest = float(column.values[int(np.nanargmax(beyond))])
            said.append(
                f'"{item.name}" {count(cells, "cell")} ({item.shown(item.low)} to {item.shown(item.high)}; '
                f"the furthest is {item.shown(furthest)})"
            )
    return said
