"""Cells without a value: what is said about them, and which rows are left out because of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chainrule.data.columns import Column, Table, count, name_list
from chainrule.data.messages import remedy
from chainrule.errors import DataError


def refuse_missing(table: Table, columns: Iterable[Column]) -> None:
    """Raise DataError with a count for each input column that has missing values, if any has."""
    gaps = [column for column in columns if column.missing.any()]
    if gaps:
        counts = name_list([_counted(column) for column in gaps], limit=10)
        raise DataError(
            f"{table.at(int(np.argmax(gaps[0].missing)), gaps[0].name)}: {_why(gaps[0])} "
            f"Columns with missing values: {counts}. "
            "Complete them, or use --missing indicate (the median, and a node that says so), --missing impute (the "
            'median alone) or --missing drop (leaves out the rows); in Python missing="indicate" and so on.'
        )


def missing_value(table: Table, column: Column) -> DataError:
    """Build the error for a missing value that the encoding has no answer to."""
    return DataError(
        f"{table.at(int(np.argmax(column.missing)), column.name)}: {_why(column)} Complete it, "
        f"or train with {remedy('missing', 'indicate')} or --missing impute."
    )


def missing_target(table: Table, column: Column) -> DataError:
    """Build the error for a row without a target where every row must have one."""
    place = table.at(int(np.argmax(column.missing)), column.name)
    return DataError(f"{place}: {_sentence('the target is missing.', column)} Complete it, or leave out the row.")


def refuse_missing_targets(table: Table, targets: Iterable[Column]) -> None:
    """Raise DataError for the first target column with missing values, if any has."""
    for column in targets:
        missing = column.missing
        if missing.any():
            gaps = _sentence(f"the target is missing ({count(missing.sum(), 'row')} in all).", column)
            raise DataError(
                f"{table.at(int(np.argmax(missing)), column.name)}: {gaps} "
                "Complete it, or leave out such rows: --missing indicate or --missing impute, which fill in missing "
                f"inputs, or {remedy('missing', 'drop')}, which leaves out rows with missing inputs too."
            )


def with_targets(table: Table, targets: Iterable[Column]) -> Table:
    """Return the rows that have all targets, with a note if some have not."""
    known = ~np.any([column.missing for column in targets], axis=0)
    if known.all():
        return table
    if not known.any():
        raise DataError(f"{table.source}: no row has all its targets. Choose others with {remedy('target')}.")
    return table.take(known).with_notes(f"Left out {count((~known).sum(), 'row')} without a target.")


def comparable(table: Table, names: Iterable[str], missing: str) -> Table:
    """Return the rows that predictions can be compared with: those with targets, as training with `missing` has it."""
    targets = [table.column(name) for name in names if name in table.names]
    if missing == "refuse" or not targets or np.any([column.missing for column in targets], axis=0).all():
        return table  # encoding its targets says what is wrong
    return with_targets(table, targets)


def _counted(column: Column) -> str:
    cells = count(column.missing.sum(), "cell")
    tokens = ", ".join(f'"{token}"' for token, _ in column.tokens)
    return f'"{column.name}" ({cells}: {tokens})' if tokens else f'"{column.name}" ({cells})'


def _why(column: Column) -> str:
    """Why a cell counts as missing, in a sentence, and what to do if it should not."""
    alone = len(column.tokens) == 1 and column.tokens[0][1] == column.missing.sum()
    return _tokens(column) if alone else _sentence("the value is missing.", column)


def _sentence(missing: str, column: Column) -> str:
    return f"{missing} {_tokens(column)}".rstrip()


def _tokens(column: Column) -> str:
    """Say which words counted as missing, in a sentence; nothing if none did."""
    if not column.tokens:
        return ""
    counted = ", ".join(f'"{token}" counts as missing ({count(cells, "cell")})' for token, cells in column.tokens)
    return f"{counted}. If it is a value: {remedy('not_missing', column.tokens[0][0])}."
