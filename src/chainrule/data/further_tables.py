"""Rows from files of their own: put under the table's rows, their columns found by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chainrule.data.columns import Column, Table, count, name_list
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import refuse_missing, refuse_missing_targets, with_targets
from chainrule.data.number_input import NumberInput
from chainrule.data.roles import Roles, choose_roles
from chainrule.errors import DataError, UsageError, did_you_mean

MOMENTS = ("date", "time", "duration")  # origins of numbers that are no plain numbers


def joined(table: Table, further: Mapping[str, Table], plan: EncodingPlan) -> Table:
    """Return the usable rows of a table, and below them those of further tables, in the order of these.

    Parameters
    ----------
    table : Table
        From `prepare_table`; it decides which column is what.
    further : mapping of str to Table
        As read, by the part that they are for: "validation" or "test".
    plan : EncodingPlan

    Returns
    -------
    Table
        Whose `files` say where each row is from.

    Raises
    ------
    DataError
        If a further table lacks a column, or holds another kind of values in it, or values that may not be missing.
    UsageError
        If it is the table itself.

    Examples
    --------
    >>> from chainrule.data.tables import read_table
    >>> table, other = read_table({"x": [1, 2], "y": [3, 4.5]}), read_table({"y": [7.5], "x": [5]})
    >>> joined(table, {"test": other}, EncodingPlan()).column("y").values
    array([3. , 4.5, 7.5])
    """
    roles = choose_roles(table, plan)
    tables = [table]
    notes = list(table.notes)
    for part, other in further.items():
        fitted = _usable(_like(table, other, roles), roles, plan)
        if _same(table, fitted, roles):
            raise UsageError(
                f"{part}_file holds the rows that are to train, value for value: they would measure memory. Name "
                "another file; with sql, let the query read the table that is called data."
            )
        tables.append(fitted)
        notes += [f"{other.source}: {note}" for note in fitted.notes if note not in table.notes]
        notes.append(f"{count(fitted.n_rows, f'{part} row')} from {other.source}.")
    columns = tuple(
        replace(column, values=np.concatenate([one.column(column.name).values for one in tables]))
        for column in table.columns
    )
    return replace(
        table,
        columns=columns,
        notes=tuple(notes),
        row_numbers=np.concatenate([one.row_numbers for one in tables]),
        whole=False,
        files=tuple(one.source for one in tables),
        file_of=np.repeat(np.arange(len(tables)), [one.n_rows for one in tables]),
    )


def _like(table: Table, other: Table, roles: Roles) -> Table:
    """Return another table with the columns of the first; those that are not used may be missing."""
    used = [column.name for column in (*roles.inputs, *roles.targets)]
    absent = [name for name in used if name not in other.names]
    if absent:
        raise DataError(
            f"{other.source} lacks {count(len(absent), 'column')} that {table.source} has: {name_list(absent)}. "
            f"{did_you_mean(absent[0], other.names)}It has: {name_list(other.names)}."
        )
    columns = [_column(column, other, table, column.name in used) for column in table.columns]
    return replace(other, columns=tuple(columns), positional=0)


def _column(wanted: Column, other: Table, table: Table, used: bool) -> Column:
    if wanted.name in other.names:
        column = other.column(wanted.name)
        if wanted.kind == "text" or column.missing.all():
            return column.as_text() if wanted.kind == "text" else _empty(wanted, other.n_rows)
        moment = {one for one in (wanted.origin, column.origin) if one in MOMENTS}
        if column.kind == "number" and (not moment or column.origin == wanted.origin):
            return replace(column, origin=wanted.origin)
        if used and column.kind == "text":  # refuses it, naming the cell
            NumberInput(column.name, 0.0, 1.0, fill=0.0, origin=wanted.origin).encode(column, other, "")
        if used:
            row = int(np.argmax(~column.missing))
            raise DataError(
                f'{other.at(row, column.name)}: "{column.as_text().values[row]}" is no {_kind(wanted)}, but '
                f"{table.source} has {_kind(wanted)}s in this column. Write both in one way."
            )
    return _empty(wanted, other.n_rows)


def _kind(column: Column) -> str:
    return column.origin if column.origin in MOMENTS else "number"


def _empty(wanted: Column, rows: int) -> Column:
    nothing = None if wanted.kind == "text" else np.nan
    return replace(wanted, values=np.full(rows, nothing, dtype=object if wanted.kind == "text" else float))


def _usable(other: Table, roles: Roles, plan: EncodingPlan) -> Table:
    """Treat missing values as `prepare_table` does in the table itself."""
    inputs = [other.column(column.name) for column in roles.inputs]
    targets = [other.column(column.name) for column in roles.targets]
    if plan.missing == "drop":
        complete = ~np.any([column.missing for column in (*inputs, *targets)], axis=0)
        if not complete.any():
            raise DataError(f"{other.source}: every row has a missing value. Use --missing impute.")
        if not complete.all():
            left_out = f"Left out {count((~complete).sum(), 'row')} because of missing values."
            other = other.take(complete).with_notes(left_out)
        return other
    if plan.missing != "refuse":
        return with_targets(other, targets)
    refuse_missing_targets(other, targets)
    refuse_missing(other, inputs)
    return other


def _same(table: Table, other: Table, roles: Roles) -> bool:
    """Whether they hold the same values in the same rows."""
    if table.n_rows != other.n_rows:
        return False
    names = [column.name for column in (*roles.inputs, *roles.targets)]
    return all(_equal(table.column(name), other.column(name)) for name in names)


def _equal(a: Column, b: Column) -> bool:
    return np.array_equal(a.values, b.values, equal_nan=a.kind == "number")
