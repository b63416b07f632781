"""What to do with the columns of a table: the options of `data.encoding` and `data.splits`, stated once."""

from __future__ import annotations

import csv
import math
import os
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


def _name(option: str) -> Any:
    """Accept one name; a number is one in frames without names of their own."""

    def check(value: Any) -> str | None:
        names = (value,) if isinstance(value, str) else _names(value)
        if names is not None and len(names) != 1:
            raise UsageError(f"{option} is the name of one column; received {value!r}.")
        return None if names is None else names[0]

    return check


class Rows:
    """A table in memory, given where a file's name may stand; equal where it is the same object."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self.table is other.table

    def __hash__(self) -> int:
        return id(self.table)

    def __repr__(self) -> str:
        return f"<rows of a {type(self.table).__name__}>"


def _class_weight(value: Any) -> Any:
    """Accept none, balanced, or the weights of classes by their names, which become pairs."""
    if isinstance(value, str) and value in ("none", "balanced"):
        return value
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    try:
        if not isinstance(pairs, (list, tuple)):
            raise TypeError
        found = tuple((label.item() if hasattr(label, "item") else label, float(weight)) for label, weight in pairs)
        if not found or not all(math.isfinite(weight) and weight >= 0 for _, weight in found):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise UsageError(
            "class_weight must be none, balanced, or in Python a dict of classes and their weights, numbers of at "
            f"least 0; received {value!r}."
        ) from None
    return found


def _file(value: Any) -> Any:
    """Accept a path, or whatever else holds a table."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    return value if value is None or isinstance(value, Rows) else Rows(value)


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
        "inside is [0.1, 0.9], or [-0.9, 0.9] for tanh; log is standard after arsinh(value / unit), auto's for "
        "skewed targets.",
        choices=("auto", "standard", "unit", "symmetric", "inside", "log", "none"),
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
    weights: str | None = option(
        None, "Column that holds the weight of each example; it is no input.", check=_name("weights")
    )
    class_weight: Any = option(
        "none",
        "Weights of classes: none, or balanced, n / (k n_c) for n_c of n training rows of k classes, so that rare "
        "classes count as much as common ones.",
        check=_class_weight,
        words=("none", "balanced"),
    )
    max_categories: int | None = option(
        None,
        "Nodes for the values of a text column: the most frequent have their own, the rest share one. Default: one "
        "for each of up to 50 values; of more, for those in two training rows or more, up to a tenth of the training "
        "rows, at least 50 and at most 1000.",
        low=2,
    )
    validation: float = option(0.2, "Share of the rows kept to watch for over-training; 0 for none.", check=_part)
    test: float = option(0.2, "Share of the rows kept to test the finished model; 0 for none.", check=_part)
    group: str | None = option(
        None,
        "Column whose rows of one value stay together in one part, such as all rows of a patient; it is no input.",
        check=_name("group"),
    )
    time: str | None = option(
        None,
        "Column of times (dates or numbers): train on the past, validate on what follows, test on the latest rows.",
        check=_name("time"),
    )
    split: str | None = option(
        None,
        "Column that says of each row whether it is for train, validation or test; it is no input.",
        check=_name("split"),
    )
    validation_file: Any = option(
        None,
        "Table with the validation rows, in place of a share of DATA; read like DATA, its columns found by name.",
        check=_file,
    )
    test_file: Any = option(None, "Table with the test rows, in place of a share of DATA; read like DATA.", check=_file)

    @property
    def no_inputs(self) -> tuple[str, ...]:
        """Columns that say something of the rows, and are neither inputs nor targets."""
        return tuple(name for name in (self.weights, self.group, self.split) if name is not None)

    def __post_init__(self) -> None:
        checked(self)
        self._refuse_contradictions()
        if self.validation + self.test >= 1:
            raise UsageError(
                f"validation={self.validation} and test={self.test} leave no rows to train on. "
                "Their sum must be below 1."
            )

    def _refuse_contradictions(self) -> None:
        """Refuse options of which one would undo the other."""
        ways = [name for name in ("group", "time", "split") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise UsageError(f"{ways[0]} and {ways[1]} each decide which rows are for what. Leave one of them out.")
        if len(set(self.no_inputs)) < len(self.no_inputs):
            raise UsageError(
                f"weights, group and split are columns of their own; received {self.no_inputs[0]!r} twice."
            )
        for name in self.no_inputs:
            if name in (self.target or ()):
                raise UsageError(f'column "{name}" is a target, and no column for weights, group or split.')
        if self.time is not None and self.time in (self.target or ()):
            raise UsageError(f'column "{self.time}" is a target, and cannot say which rows come first.')
        for part in ("validation", "test"):
            file = getattr(self, f"{part}_file")
            if file is not None and self.split is not None:
                raise UsageError(
                    f'split="{self.split}" says which rows are for what, and {part}_file brings rows of their own. '
                    "Leave one of them out."
                )
            if getattr(self, part) not in (0.0, 0.2) and (file is not None or self.split is not None):
                raise UsageError(
                    f"{part}={getattr(self, part)} would have no effect: "
                    f"{'split' if file is None else f'{part}_file'} says which rows these are. Leave one of them out."
                )
