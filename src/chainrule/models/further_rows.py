"""What decides the parts of a table besides its inputs: files of their own, and a column that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chainrule.data.arrays import inputs_and_targets
from chainrule.data.columns import Column, Table, count, name_list
from chainrule.data.encoding_plan import EncodingPlan, Rows
from chainrule.data.messages import says
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.split_rules import Marks
from chainrule.data.tables import read_with
from chainrule.errors import DataError, did_you_mean


def read_further(table: Table, plan: EncodingPlan, reading: ReadingPlan) -> dict[str, Table]:
    """Read the tables that the plan has for validation and test, as the table was read.

    Raises
    ------
    UsageError, DataError
    """
    texts = [column.name for column in table.columns if column.kind == "text"]
    further: dict[str, Table] = {}
    for part in ("validation", "test"):
        source = getattr(plan, f"{part}_file")
        as_text = tuple(dict.fromkeys((*plan.nominal, *texts)))
        if not isinstance(source, Rows):
            further |= {} if source is None else {part: read_with(source, reading, as_text=as_text)}
            continue
        pair = isinstance(source.table, tuple) and len(source.table) == 2
        read = (
            inputs_and_targets(source.table[0], source.table[1], as_text=as_text)[0]
            if pair
            else read_with(source.table, reading, as_text)
        )
        further[part] = replace(read, source=f"{part}_file")
    return further


def overlaps(further: Mapping[str, Table], plan: EncodingPlan, marks: Marks | None) -> list[str]:
    """Say where rows of a file are of a group that the table has, too, or no later than the table's last."""
    notes = []
    for other in further.values():
        name = plan.group or plan.time
        if marks is None or name not in other.names:
            continue
        column = other.column(name)
        if marks.how == "group":
            known = set(marks.levels.as_text().values.tolist())
            both = len(known & set(column.as_text().values.tolist()))
            words = f'Of "{name}", {count(both, "value")} of {other.source} also stand in the table that trains: '
            notes += [words + "what is measured there is memory in part."] if both else []
        elif marks.how == "time" and column.kind == "number":
            early = int((column.values <= marks.levels.values[-1]).sum())
            words = f'By "{name}", {count(early, "row")} of {other.source} are no later than the last of the table '
            notes += [words + "that trains."] if early else []
    return notes


def take_marking(table: Table, plan: EncodingPlan) -> tuple[Table, Column | None]:
    """Return the table without a column that is no input, and the column that says how rows may be divided.

    Raises
    ------
    DataError
        If there is no such column.
    """
    how = next((how for how in ("group", "split", "time") if getattr(plan, how) is not None), None)
    if how is None:
        return table, None
    name = getattr(plan, how)
    if name not in table.names:
        raise DataError(
            f'--{how}: {says(table.source, "has")} no column "{name}". {did_you_mean(name, table.names)}'
            f"Columns: {name_list(table.names)}."
        )
    column = table.column(name)
    if how == "time":
        return table, column
    return replace(table, columns=tuple(other for other in table.columns if other.name != name)), column
