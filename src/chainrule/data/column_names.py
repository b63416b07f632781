"""The columns of training in another table: found by their names, or by their places where they have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chainrule.data.columns import Column, Table, count, name_list
from chainrule.data.messages import it_has, says
from chainrule.errors import DataError, did_you_mean


def named(table: Table, columns: Sequence[str], targets: Sequence[str]) -> Table:
    """Give the columns of an array without names the names they had in training, by position.

    Raises
    ------
    DataError
        If there are more of them, or fewer.
    """
    if not table.positional:
        return table
    unnamed = [column for column in table.columns[: table.positional] if column.name not in targets]
    rest = [column for column in table.columns if column not in unnamed]
    if len(unnamed) != len(columns):
        raise DataError(
            f"{table.source}: {count(len(unnamed), 'input column')}, but the model was trained with "
            f"{len(columns)}: {name_list(columns)}. Give the same columns in the same order."
        )
    inputs = [replace(column, name=name) for column, name in zip(unnamed, columns, strict=True)]
    if len(rest) == len(targets):
        rest = [replace(column, name=name) for column, name in zip(rest, targets, strict=True)]
    return replace(table, columns=(*inputs, *rest), positional=0)


def found(table: Table, names: Sequence[str]) -> dict[str, Column]:
    """Return the table's columns by name.

    Raises
    ------
    DataError
        If some of `names` are not there.
    """
    columns = {column.name: column for column in table.columns}
    absent = [name for name in names if name not in columns]
    if not absent:
        return columns
    lower = {name.lower(): name for name in table.names}
    cases = [f'"{lower[name.lower()]}" for "{name}"' for name in absent if name.lower() in lower]
    if len(cases) == len(absent):
        near = f"Names differ only in upper and lower case: {name_list(cases)}. Rename them. "
    else:
        near = did_you_mean(absent[0], table.names)
    raise DataError(
        f"{says(table.source, 'lacks')} {count(len(absent), 'column')} that the model needs: {name_list(absent)}. "
        f"{near}{it_has(table.source)}: {name_list(table.names)}."
    )


def target_columns(table: Table, names: Sequence[str]) -> tuple[Column, ...]:
    """Return the target columns of a table.

    Raises
    ------
    DataError
        If one is not there.
    """
    for name in names:
        if name not in table.names:
            raise DataError(
                f'{says(table.source, "lacks")} the target column "{name}". {did_you_mean(name, table.names)}'
                f"{it_has(table.source)}: {name_list(table.names)}."
            )
    return tuple(table.column(name) for name in names)
