"""Which column is an input, which the target, which is left out; which rows can be used; what is to be learnt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.data.columns import Column, Table, count, name_list
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import refuse_missing, refuse_missing_targets, with_targets
from chainrule.data.messages import remedy, says
from chainrule.data.number_input import COUNTED
from chainrule.data.spellings import joined_note, one_spelling, respelled
from chainrule.errors import DataError, UsageError, did_you_mean

# A column of whole numbers is taken for class labels up to this many, if each has enough rows on average.
MAX_NUMBER_CLASSES = 10
ROWS_PER_CLASS = 5
# Rows are divided so that each part has its share of each so many-th of a numeric target's values.
QUANTILES = 10
ROWS_PER_QUANTILE = 10
# More different texts than this, most of them in a single row, tell rows apart.
MAX_NAMES_OF_ROWS = 50


@dataclass(frozen=True, eq=False)
class Roles:
    """What each column is for.

    Attributes
    ----------
    inputs, targets : tuple of Column
        Columns that `plan.nominal` names are text here; classes have one spelling each.
    task : {"classification", "regression"}
    left_out : tuple of (name, reason)
        Columns that are neither.
    notes : tuple of str
        Choices that were made for the user, each with the flag that changes it.
    spellings : tuple of (str, str)
        Other spellings of a class in the table, and the class.
    """

    inputs: tuple[Column, ...]
    targets: tuple[Column, ...]
    task: str
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    spellings: tuple[tuple[str, str], ...] = ()


def choose_roles(table: Table, plan: EncodingPlan) -> Roles:
    """Divide the columns into inputs, targets and those left out, and choose the task.

    Raises
    ------
    DataError
        If a named column does not exist, no input is left, or the target does not suit the task.
    UsageError
        If a column is both target and ignored, or named twice as target.

    Examples
    --------
    >>> from chainrule.data.tables import read_table
    >>> roles = choose_roles(read_table("iris"), EncodingPlan())
    >>> roles.targets[0].name, roles.task, len(roles.inputs)
    ('species', 'classification', 4)
    """
    for option in ("ignore", "nominal", "target"):
        _refuse_unknown(table, getattr(plan, option) or (), option)
    columns = [c.as_text() if c.name in plan.nominal else c for c in table.columns if c.name not in plan.ignore]
    targets, notes = _targets(table, columns, plan)
    candidates = [column for column in columns if column not in targets]
    if not candidates:
        raise DataError(
            f"{says(table.source, 'has')} no input column besides the target {_quoted_names(targets)}. "
            "A network needs at least one. If the cells were not told apart, use --delimiter."
        )
    task, note = _task(table, targets, plan)
    reasons = {column.name: _reason_to_leave_out(column, plan) for column in candidates}
    inputs = tuple(column for column in candidates if not reasons[column.name])
    left_out = [(name, reason) for name, reason in reasons.items() if reason]
    if not inputs:
        detail = "; ".join(f'"{name}": {reason}' for name, reason in left_out[:10])
        raise DataError(f"{says(table.source, 'has')} no input column that can be used. {detail}.")
    ignored = [(column.name, "ignored, as asked") for column in table.columns if column.name in plan.ignore]
    spellings: dict[str, str] = {}
    if task == "classification" and targets[0].kind == "text" and targets[0].name not in plan.nominal:
        spellings = one_spelling(targets[0].values.tolist())
    joined = [joined_note(targets[0])] if spellings else []
    targets = (respelled(targets[0], spellings), *targets[1:])
    notes = [*notes, *note, *joined, *left_out_notes(left_out)]
    return Roles(inputs, targets, task, (*ignored, *left_out), tuple(notes), tuple(spellings.items()))


def prepare_table(table: Table, plan: EncodingPlan) -> Table:
    """Return the rows that can be used, before they are divided into parts, or say why there are none.

    Rows without a target are left out, with a note, and under ``missing="drop"`` also rows with a missing input.
    Under ``missing="refuse"`` both are refused.

    Parameters
    ----------
    table : Table
        As read.
    plan : EncodingPlan
        Which columns are targets, which are ignored, and what to do with missing values.

    Returns
    -------
    Table
        All columns, and the rows that can be used, with their row numbers.

    Raises
    ------
    DataError
        If values are missing and must not be, or no row is left, or the target has one value only.

    Examples
    --------
    >>> from chainrule.data.tables import read_table
    >>> table = read_table({"x": [1, None, 3, 4], "y": [0, 1, 1, 0]})
    >>> prepare_table(table, EncodingPlan(missing="drop")).n_rows
    3
    """
    roles = choose_roles(table, plan)
    if plan.missing == "drop":
        complete = table
        # Which columns count can change as rows go: one may become constant, or lose its surplus of names.
        while True:
            usable = ~np.any([column.missing for column in (*roles.inputs, *roles.targets)], axis=0)
            if usable.all():
                break
            if not usable.any():
                raise DataError(
                    f"{table.source}: every row has a missing value. Use --missing indicate, or --ignore columns."
                )
            complete = complete.take(usable)
            roles = choose_roles(complete, plan)
        if complete.n_rows < table.n_rows:
            dropped = table.n_rows - complete.n_rows
            table = complete.with_notes(f"Left out {dropped:,} of {table.n_rows:,} rows because of missing values.")
    elif plan.missing != "refuse":
        table = with_targets(table, roles.targets)
        roles = choose_roles(table, plan)
    refuse_missing_targets(table, roles.targets)
    if plan.missing in ("refuse", "drop"):
        refuse_missing(table, roles.inputs)
    notes = [_check_target(table, column, roles.task) for column in roles.targets]
    return table.with_notes(*(note for note in notes if note))


def strata(table: Table, plan: EncodingPlan) -> tuple[np.ndarray, bool]:
    """Return what rows are divided by, as a number for each, and whether these are classes.

    For a regression it is the tenth of the rows, in the order of the (first) target, that a row belongs to; in small
    tables the rows are cut into fewer, so that each holds ten.

    >>> from chainrule.data.tables import read_table
    >>> np.bincount(strata(read_table("wine"), EncodingPlan())[0])
    array([59, 71, 48])
    >>> np.bincount(strata(read_table({"x": range(25), "y": np.arange(25) ** 2.0}), EncodingPlan())[0])
    array([13, 12])
    """
    roles = choose_roles(table, plan)
    target = roles.targets[0]
    if roles.task == "classification":
        values = target.values.astype(str) if target.kind == "text" else target.values
        return np.unique(values, return_inverse=True)[1], True
    rank = np.empty(table.n_rows, dtype=np.intp)
    rank[np.argsort(target.values, kind="stable")] = np.arange(table.n_rows)
    bins = min(QUANTILES, max(1, table.n_rows // ROWS_PER_QUANTILE))
    return rank * bins // max(1, table.n_rows), False


def left_out_notes(left_out: Sequence[tuple[str, str]]) -> list[str]:
    """Say which columns were left out, one sentence for each reason."""
    notes = []
    for reason in dict.fromkeys(reason for _, reason in left_out):
        names = [f'"{name}"' for name, other in left_out if other == reason]
        notes.append(f"Left out {name_list(names, limit=10)}: {reason}.")
    return notes


def _refuse_unknown(table: Table, names: Iterable[str], option: str) -> None:
    for name in names:
        if name not in table.names:
            raise DataError(
                f'--{option}: {says(table.source, "has")} no column "{name}". {did_you_mean(name, table.names)}'
                f"Columns: {name_list(table.names)}."
            )


def _targets(table: Table, columns: list[Column], plan: EncodingPlan) -> tuple[tuple[Column, ...], list[str]]:
    if plan.target is None:
        if not columns:
            raise DataError(f"{table.source}: every column is ignored. Name fewer with --ignore.")
        return (columns[-1],), [f'Target: "{columns[-1].name}" (the last column; --target chooses another).']
    if len(set(plan.target)) < len(plan.target):
        raise UsageError(f"target names a column twice: {', '.join(plan.target)}. Name each once.")
    for name in plan.target:
        if name in plan.ignore:
            raise UsageError(f'column "{name}" is both target and ignored. Take it out of one of them.')
    return tuple(next(c for c in columns if c.name == name) for name in plan.target), []


def _task(table: Table, targets: tuple[Column, ...], plan: EncodingPlan) -> tuple[str, list[str]]:
    for column in targets:
        if column.missing.all():
            raise DataError(
                f'{table.source}: the target "{column.name}" has no values. Choose another with {remedy("target")}.'
            )
    texts = [column for column in targets if column.kind == "text"]
    if texts and (plan.task == "regression" or len(targets) > 1):
        column = texts[0]
        row = int(np.argmax(~column.missing))
        wanted = "a regression" if plan.task == "regression" else "a network with several targets"
        instead = (
            f"Use {remedy('task', 'classification')}"
            if len(targets) == 1
            else "Name a single target to learn its classes"
        )
        raise DataError(
            f'{table.at(row, column.name)}: "{column.values[row]}" is not a number, and {wanted} needs numbers. '
            f"{instead}, or choose another {remedy('target')}."
        )
    if len(targets) > 1:
        if plan.task == "classification":
            names = ", ".join(f'"{column.name}"' for column in targets)
            raise UsageError(f"classification has one target; received {len(targets)}: {names}. Name one of them.")
        return "regression", []
    if plan.task != "auto":
        return plan.task, []
    column = targets[0]
    name = f'"{column.name}"'
    if texts:
        return "classification", [f"Task: classification, because {name} holds names."]
    known = column.values[~column.missing]
    values = np.unique(known)
    few = len(values) <= MAX_NUMBER_CLASSES and (len(values) == 2 or len(known) >= ROWS_PER_CLASS * len(values))
    if column.origin == "boolean" or (column.origin not in COUNTED and few and (values == np.floor(values)).all()):
        found = "true and false" if column.origin == "boolean" else count(len(values), "different whole number")
        return "classification", [f"Task: classification, because {name} has {found}; --task regression changes that."]
    return "regression", [f"Task: regression, because {name} holds numbers; --task classification changes that."]


def _reason_to_leave_out(column: Column, plan: EncodingPlan) -> str:
    if column.kind == "number" and column.values.min() < column.values.max():  # which is not so where one is missing
        return ""
    missing = column.missing
    if missing.all():
        return "no values"
    # Where missing values get a node of their own, whether a value is there can still say something.
    telling = missing.any() and (plan.missing == "indicate" or (plan.missing == "impute" and column.kind == "text"))
    if column.kind == "number":
        known = column.values[~missing]
        return "the same value in every row" if known.min() == known.max() and not telling else ""
    known = column.values[~missing].tolist()
    distinct = len(set(known))
    if distinct == 1 and not telling:
        return "the same value in every row"
    if tells_rows_apart(distinct, len(known)) and column.name not in plan.nominal:
        return (
            f"text with {distinct:,} different values in {len(known):,} rows, which tells rows apart and says nothing "
            "of new ones (--nominal keeps it as names)"
        )
    return ""


def tells_rows_apart(different: int, cells: int) -> bool:
    """Whether text has so many different values that they are names of rows: more than 50, and than half the cells.

    >>> tells_rows_apart(51, 100), tells_rows_apart(51, 102), tells_rows_apart(50, 50)
    (True, False, False)
    """
    return different > max(MAX_NAMES_OF_ROWS, cells / 2)


def _check_target(table: Table, column: Column, task: str) -> str:
    """Refuse a target that cannot be learnt; return a note about classes with a single row, or nothing."""
    known = column.as_text().values if task == "classification" else column.values
    values, counts = np.unique(known.astype(str) if known.dtype == object else known, return_counts=True)
    what = "class" if task == "classification" else "value"
    if len(values) == 1:
        value = column.as_text().values[0]
        raise DataError(
            f'{table.source}: the target "{column.name}" is {value} in every row, '
            f"so there is nothing to learn. It needs at least two {what}{'es' if what == 'class' else 's'}."
        )
    if task == "regression":
        return ""
    if len(values) > MAX_NUMBER_CLASSES and len(values) > table.n_rows / 2:
        instead = f"use {remedy('task', 'regression')}" if column.kind == "number" else "choose another with --target"
        raise DataError(
            f'{table.source}: the target "{column.name}" has {len(values):,} different values in {table.n_rows:,} '
            f"rows, too many to be classes; {instead}."
        )
    single = values[counts == 1].tolist()
    if not single or table.whole:
        return ""
    if len(single) == 1:
        return f'The class "{single[0]}" has a single row, which goes to training: nothing will test it.'
    return (
        f"The classes {name_list(single, 10)} have a single row each, which goes to training: nothing will test them."
    )


def _quoted_names(columns: Iterable[Column]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)
