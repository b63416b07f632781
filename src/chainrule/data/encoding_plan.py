"""What to do with the columns of a table: the options of `data.encoding` and `data.splits`, stated once."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.errors import UsageError
from chainrule.options import checked, option

UNKNOWN = ("other", "refuse")
# Columns themselves, in the libraries of data frames.
NO_NAMES = ("Series", "DataFrame", "LazyFrame", "Table", "Column")


def _names(value: Any) -> tuple[str, ...] | None:
    """Accept one name, a comma-separated list, or a sequence of names."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = next(csv.reader([value], skipinitialspace=True), [""])  # "a,b",c names two columns
        except csv.Error:
            raise UsageError(
                f"columns are given by their names, with commas between; received {value!r}. A name with a comma or a "
                """line break in it stands in double quotes, as in '"a,b",c'."""
            ) from None
    elif isinstance(value, (bytes, Mapping)) or type(value).__name__ in NO_NAMES:
        raise UsageError(f"columns are given by their names; received a value of type {type(value).__name__}.")
    elif not hasattr(value, "__iter__"):
        value = (value,)  # a name that is no text, as the columns of a frame may have: 2
    names = tuple(str(name).strip() for name in value)
    if any(not name for name in names):
        raise UsageError(f"column names must not be empty; received {value!r}.")
    return names


def _target_names(value: Any) -> tuple[str, ...] | None:
    names = _names(value)
    if names == ():
        raise UsageError(
            f"target is the name of a column, or of several; received {value!r}. Leave it out for the last."
        )
    return names


def _name(value: Any) -> str | None:
    """Accept one name; a number is one in frames without names of their own."""
    names = (value,) if isinstance(value, str) else _names(value)
    if names is not None and len(names) != 1:
        raise UsageError(f"weights is the name of one column; received {value!r}.")
    return None if names is None else names[0]


def _unknown(value: Any) -> Any:
    if value not in UNKNOWN:
        received = f'"{value}"' if isinstance(value, str) else repr(value)
        now = ' What was called "ignore" is part of "other" now.' if value == "ignore" else ""
        raise UsageError(f"unknown must be {' or '.join(UNKNOWN)}; received {received}.{now}")
    return value


def _part(value: Any) -> Any:
    """A share of the rows: 0 for none, otherwise below 1."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    raise UsageError(
        f"validation and test are shares of the rows, at least 0 and below 1 (0.2 is a fifth); received {value!r}."
    )


@dataclass(frozen=True)
class EncodingPlan:
    """How columns become numbers, and which rows are kept for validation and test."""

    target: Sequence[str] | None = option(
        None, "Target column, or several separated by commas. Default: the last column.", check=_target_names
    )
    task: str = option("auto", "What to learn.", choices=("auto", "classification", "regression"))
    scale: str = option(
        "standard",
        "Scaling of numeric inputs: standard (mean 0, deviation 1), robust (median 0, interquartile range 1), "
        "unit ([0, 1]), symmetric ([-1, 1]) or none.",
        choices=("standard", "robust", "unit", "symmetric", "none"),
    )
    target_scale: str = option(
        "auto",
        "Scaling of numeric targets, so that the output activation can reach them; auto chooses by that activation. "
        "inside is [0.1, 0.9], or [-0.9, 0.9] for tanh.",
        choices=("auto", "standard", "unit", "symmetric", "inside", "none"),
    )
    soft_targets: bool = option(
        False, "Class targets 0.1 and 0.9 instead of 0 and 1, so that logistic outputs need not saturate."
    )
    missing: str = option(
        "indicate",
        "Missing input values: indicate (the median and a node that says so, or a node of their own for text), impute "
        "(the median alone), refuse, or drop, which leaves out the rows. Rows without a target are left out, but for "
        "refuse.",
        choices=("indicate", "impute", "refuse", "drop"),
    )
    unknown: str = option(
        "other",
        "A text value at prediction that training did not have: other (the node that rare values share; where there "
        "is none, all nodes of the column are 0), or refuse.",
        choices=UNKNOWN,
        check=_unknown,
    )
    nominal: Sequence[str] = option(
        (), "Columns to read as names rather than numbers, one node for each value.", check=_names
    )
    ignore: Sequence[str] = option((), "Columns to leave out.", check=_names)
    weights: str | None = option(None, "Column that holds the weight of each example; it is no input.", check=_name)
    max_categories: int | None = option(
        None,
        "Nodes for the values of a text column: the most frequent have their own, the rest share one. Default: one "
        "for each of up to 50 values; of more, for those in two training rows or more, up to a tenth of the training "
        "rows, at least 50 and at most 1000.",
        low=2,
    )
    validation: float = option(0.2, "Share of the rows kept to watch for over-training; 0 for none.", check=_part)
    test: float = option(0.2, "Share of the rows kept to test the finished model; 0 for none.", check=_part)

    def __post_init__(self) -> None:
        checked(self)
        if self.validation + self.test >= 1:
            raise UsageError(
                f"validation={self.validation} and test={self.test} leave no rows to train on. "
                "Their sum must be below 1."
            )
