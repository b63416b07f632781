"""An input of either kind, numbers or names: chosen from the rows of training, or rebuilt from a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.columns import Column
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.name_input import NameInput, fit_names, names_from_dict
from chainrule.data.number_input import NumberInput, fit_number, number_from_dict

Input = NumberInput | NameInput


def fit_input(column: Column, fit_rows: np.ndarray, plan: EncodingPlan, source: str) -> Input | str:
    """Choose the constants of an input from its training rows; the reason to leave it out where they say nothing.

    >>> fit_input(Column("a", "number", np.array([1.0, 1.0, 2.0])), np.array([0, 1]), EncodingPlan(), "t")
    'the same value in every training row'
    """
    if column.kind == "text":
        return fit_names(column, fit_rows, plan)
    return fit_number(column, fit_rows, plan, source)


def input_from_dict(record: Any, where: str) -> Input:
    """Rebuild an input from `to_dict`'s values.

    Raises
    ------
    ModelFileError
        If a value is missing or not what it must be.
    """
    name = stored.entry(record, "name", stored.text, where)
    if stored.entry(record, "kind", stored.choice("number", "names"), where) == "number":
        return number_from_dict(record, name, where)
    return names_from_dict(record, name, where)
