"""Fixing, once, how the columns of a table become numbers: from the training rows and the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.data.class_target import ClassTarget, fit_classes
from chainrule.data.columns import Table, Writing, name_list
from chainrule.data.encoder import Encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import refuse_missing
from chainrule.data.input_nodes import fit_input
from chainrule.data.name_input import NameInput
from chainrule.data.number_input import NumberInput
from chainrule.data.number_targets import NumberTargets, fit_numbers, log_notes
from chainrule.data.remarks import COLUMNS, choices_in_words
from chainrule.data.roles import choose_roles, left_out_notes, prepare_table, strata
from chainrule.data.spellings import apart_note
from chainrule.data.split_rules import Marks, divide
from chainrule.data.splits import Split, split_rows
from chainrule.errors import DataError, UsageError

__all__ = [
    "ClassTarget",
    "Encoding",
    "NameInput",
    "NumberInput",
    "NumberTargets",
    "fit_encoding",
    "prepare_table",
    "split_table",
    "strata",
]


def fit_encoding(
    table: Table, plan: EncodingPlan, fit_rows: Any = None, output_activation: str = "auto", squares: bool = False
) -> Encoding:
    """Fix how the columns become numbers.

    Parameters
    ----------
    table : Table
        All rows that may be used; best from `prepare_table`.
    plan : EncodingPlan
        What to do with the columns.
    fit_rows : array of int or bool, optional
        The training rows: centers, scales, medians and names come from these alone. Classes come from all rows. By
        default every row.
    output_activation : str
        Of the last layer: it decides the number of nodes for two classes, and which targets can be reached.
    squares : bool
        Whether the loss squares errors, so that skewed targets are better put on a logarithmic scale.

    Returns
    -------
    Encoding

    Raises
    ------
    DataError
        If the table cannot be encoded; the message names the column and the remedy.
    UsageError
        If options do not fit together.

    Examples
    --------
    >>> from chainrule.data.tables import read_table
    >>> table = read_table({"color": ["red", "blue", "red"], "size": [1.0, 2.0, 3.0], "price": [10.5, 20.5, 30.0]})
    >>> encoding = fit_encoding(table, EncodingPlan(scale="unit"))
    >>> encoding.node_names
    ('color=blue', 'color=red', 'size')
    >>> encoding.encode_inputs(table)
    array([[0. , 1. , 0. ],
           [1. , 0. , 0.5],
           [0. , 1. , 1. ]])
    """
    activation = output_activation.partition("(")[0].strip()
    rows = np.arange(table.n_rows) if fit_rows is None else np.asarray(fit_rows)
    rows = np.flatnonzero(rows) if rows.dtype == bool else rows
    if rows.size == 0:
        raise UsageError("fit_rows names no row. The constants of an encoding need at least one.")
    roles = choose_roles(table, plan)
    if plan.missing in ("refuse", "drop"):
        refuse_missing(table, roles.inputs)
    fitted = [(column.name, fit_input(column, rows, plan, table.source)) for column in roles.inputs]
    untold = [(name, item) for name, item in fitted if isinstance(item, str)]
    inputs = tuple(item for _, item in fitted if not isinstance(item, str))
    if not inputs:
        detail = "; ".join(f'"{name}": {reason}' for name, reason in untold[:COLUMNS])
        raise DataError(f"{table.source}: no input column says anything in the training rows. {detail}. Use more rows.")
    target: ClassTarget | NumberTargets
    if roles.task == "classification":
        target = replace(fit_classes(roles.targets[0], plan, activation), spellings=roles.spellings)
    else:
        target = fit_numbers(roles.targets, rows, plan, activation, table, squares)
    used = {column.name for column in roles.targets} | set(plan.ignore)
    weights = () if plan.weights is None else ((plan.weights, "the weight of each example, as asked"),)
    notes = [
        *left_out_notes(untold),
        *choices_in_words(inputs, table),
        apart_note(column for column in roles.inputs if column.name not in plan.nominal),
    ]
    return Encoding(
        inputs,
        target,
        plan.unknown,
        tuple(name for name in table.names if name not in used),
        (*roles.left_out, *untold, *weights),
        (*roles.notes, *(note for note in notes if note), *log_notes(target, plan)),
        tuple((column.name, column.writing) for column in table.columns if column.writing != Writing()),
    )


def split_table(table: Table, plan: EncodingPlan, generator: np.random.Generator, marks: Marks | None = None) -> Split:
    """Divide the rows of a prepared table by the plan's shares, or as their marks say.

    Each part has its share of each class, or of each tenth of a numeric target's values. A part with a file of its own
    gets none of them. A truth table (`table.whole`) is not divided: all its rows are for training.

    Examples
    --------
    >>> from chainrule.data.tables import read_table
    >>> split = split_table(read_table("wine"), EncodingPlan(), np.random.default_rng(0))
    >>> len(split.train), len(split.validation), len(split.test)
    (107, 35, 36)
    """
    if table.whole:
        if marks is not None:
            raise UsageError(
                f"{table.source} is a truth table, all of whose rows are for training. Leave out --{marks.how}."
            )
        return split_rows(table.n_rows, 0.0, 0.0, generator)
    validation = plan.validation if plan.validation_file is None else 0.0
    test = plan.test if plan.test_file is None else 0.0
    if not (validation or test or marks):
        return split_rows(table.n_rows, 0.0, 0.0, generator)
    labels, classes = strata(table, plan)
    split = divide(table.n_rows, validation, test, generator, labels, marks)
    if marks is None or not classes:
        return split
    absent = np.setdiff1d(labels, labels[split.train])
    if not len(absent):
        return split
    target = choose_roles(table, plan).targets[0].as_text().values
    names = [f'"{target[np.argmax(labels == code)]}"' for code in absent.tolist()]
    note = f"No training row has the class {name_list(names, 10)}, which cannot be learnt."
    return replace(split, notes=(*split.notes, note))
