"""From a source to encoded rows, in parts for training, validation and test; many trainings can share them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import as_float_array
from chainrule.data.arrays import inputs_and_targets
from chainrule.data.class_weights import by_class
from chainrule.data.columns import Table, name_list
from chainrule.data.encoding import ClassTarget, Encoding, fit_encoding, prepare_table, split_table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.further_tables import joined
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.split_rules import Marks, marks_of
from chainrule.data.splits import Split
from chainrule.data.tables import read_with
from chainrule.errors import DataError, UsageError
from chainrule.models.further_rows import overlaps, take_marking


class Usable(NamedTuple):
    """The rows of a source that can be used, and what decides how they are divided.

    Attributes
    ----------
    table : Table
        The rows of the table itself, and below them those of the files for validation and test.
    weights : float64 array (N,) or None
    plan : EncodingPlan
        With the targets that came as `y`, and the names of further files.
    marks : Marks or None
        What a column says of how the table's own rows may be divided.
    further : mapping of str to int
        How many rows "validation" and "test" have from files of their own.
    """

    table: Table
    weights: np.ndarray | None
    plan: EncodingPlan
    marks: Marks | None = None
    further: Mapping[str, int] = MappingProxyType({})

    @property
    def own(self) -> Table:
        """The rows of the table itself, which are divided."""
        return self.table.take(slice(self.table.n_rows - sum(self.further.values()))) if self.further else self.table


@dataclass(frozen=True, eq=False)
class Arrays:
    """The training and validation rows as a training takes them, with the weights of the first.

    Validation rows are (X, Y), or (X, Y, weights) where classes have weights.
    """

    X: np.ndarray
    Y: np.ndarray
    validation: tuple[np.ndarray, ...] | None
    weights: np.ndarray | None
    middle: float | None

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all these numbers, by which the table that trained a model is known again."""
        watched = self.validation or ()
        return digest_of(self.X, self.Y, self.weights, *watched)


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows, divided and encoded.

    Attributes
    ----------
    table : Table
        The usable rows, in the order of the source.
    split : Split
        Which of them train, validate and test.
    encoding : Encoding
        Fitted on the training rows.
    plan : EncodingPlan
    Y : float64 array (N, outputs)
        All rows' targets, encoded.
    weights : float64 array (N,) or None
        Of each row, times the weight of its class.
    of_class : float64 array (N,) or None
        The weight of each row's class, where classes have weights.
    """

    table: Table
    split: Split
    encoding: Encoding
    plan: EncodingPlan
    Y: np.ndarray
    weights: np.ndarray | None
    of_class: np.ndarray | None = None

    @property
    def middle(self) -> float | None:
        """Halfway between the two targets of a classification."""
        target = self.encoding.target
        return 0.5 * (target.low + target.high) if isinstance(target, ClassTarget) else None

    @cached_property
    def parts(self) -> dict[str, Table]:
        """The tables "train", "validation" and "test", without those that are empty."""
        parts = {name: self.table.take(getattr(self.split, name)) for name in ("train", "validation", "test")}
        return {name: part for name, part in parts.items() if part.n_rows}

    @cached_property
    def X(self) -> np.ndarray:
        """All rows' inputs, encoded: float64 array (N, inputs)."""
        return self.encoding.encode_inputs(self.table)

    def arrays(self, dtype: str) -> Arrays:
        """Return the training and validation rows in one precision; all trainings share them."""
        if dtype not in self._arrays:
            train, validation = self.split.train, self.split.validation
            watched: tuple[np.ndarray, ...] | None = self.part("validation", dtype) if len(validation) else None
            if watched is not None and self.of_class is not None:
                watched = (*watched, self.of_class[validation])
            weights = None if self.weights is None else self.weights[train]
            self._arrays[dtype] = Arrays(*self.part("train", dtype), watched, weights, self.middle)
        return self._arrays[dtype]

    def part(self, name: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of the rows of "train", "validation" or "test", in one precision.

        Raises
        ------
        DataError
            If a row cannot be encoded, or its numbers are too large for that precision.
        """
        if (name, dtype) not in self._encoded:
            rows = getattr(self.split, name)
            all_rows = len(rows) == self.table.n_rows
            X = self.encoding.encode_inputs(self.table, None if all_rows else rows, dtype)
            found = X, _as(self.Y if all_rows else self.Y[rows], dtype)
            for M in found:
                if M.size and not np.isfinite([M.min(), M.max()]).all():  # NaN would be both
                    finite = np.isfinite(M).all(axis=1)
                    raise DataError(
                        f"{self.table.at(int(rows[np.argmin(finite)]))}: a value is too large for {dtype}. "
                        "Correct or scale it, or use --dtype float64."
                    )
            self._encoded[name, dtype] = found
        return self._encoded[name, dtype]

    @cached_property
    def _arrays(self) -> dict[str, Arrays]:
        return {}

    @cached_property
    def _encoded(self) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
        return {}


def usable_rows(
    table: Table, plan: EncodingPlan, sample_weight: Any = None, further: Mapping[str, Table] | None = None
) -> Usable:
    """Take the rows that can be used, their weights, and what decides how they are divided.

    Parameters
    ----------
    table, plan
        From `read_source`.
    sample_weight : array (N,), optional
    further : mapping of str to Table, optional
        From `read_further`.

    Raises
    ------
    UsageError, DataError
    """
    table, weights = _take_weights(table, plan.weights, sample_weight)
    table, marking = take_marking(table, plan)
    away = plan.no_inputs
    plan = replace(
        plan,
        ignore=tuple(name for name in plan.ignore or () if name not in away),
        nominal=tuple(name for name in plan.nominal or () if name not in away),
    )
    usable = prepare_table(table, plan)
    kept = np.isin(table.row_numbers, usable.row_numbers) if usable.n_rows < table.n_rows else slice(None)
    weights = None if weights is None else weights[kept]
    marks = None if marking is None else marks_of(marking.take(kept), usable, plan)
    if not further:
        return Usable(usable, weights, plan, marks)
    together = joined(usable, further, plan).with_notes(*overlaps(further, plan, marks))
    names: dict[str, Any] = {f"{part}_file": other.source for part, other in further.items()}
    rows = {part: int((together.file_of == i).sum()) for i, part in enumerate(further, start=1)}
    if weights is not None:  # only those of training rows count
        weights = np.concatenate([weights, np.ones(sum(rows.values()))])
    return Usable(together, weights, replace(plan, **names), marks, rows)


def divided(usable: Usable, seed: int) -> Split:
    """Decide which rows train, validate and test.

    Raises
    ------
    UsageError, DataError
    """
    split = split_table(usable.own, usable.plan, np.random.default_rng(seed), usable.marks)
    start = usable.table.n_rows - sum(usable.further.values())
    for part, rows in usable.further.items():
        own: dict[str, Any] = {part: np.arange(start, start + rows)}
        split, start = replace(split, **own), start + rows
    return split


def encode(usable: Usable, split: Split, output: str, squares: bool) -> Examples:
    """Fit the encoding on the training rows of a split and encode all rows.

    Parameters
    ----------
    output : str
        Name of the output activation.
    squares : bool
        Whether the loss squares errors.
    """
    encoding = fit_encoding(usable.own, usable.plan, split.train, output, squares)
    return encoded(usable, split, encoding)


def encoded(usable: Usable, split: Split, encoding: Encoding) -> Examples:
    """Encode all rows by an encoding that is there."""
    Y = encoding.encode_targets(usable.table)
    of_class = _weights_of_classes(usable.plan.class_weight, encoding, Y, split.train)
    weights = usable.weights
    if of_class is not None:
        weights = of_class if weights is None else weights * of_class
    return Examples(usable.table, split, encoding, usable.plan, Y, weights, of_class)


def _weights_of_classes(wanted: Any, encoding: Encoding, Y: np.ndarray, train: np.ndarray) -> np.ndarray | None:
    """Return the weight of each row's class, or None where classes have none."""
    if wanted == "none":
        return None
    if not isinstance(encoding.target, ClassTarget):
        raise UsageError("class_weight is for a classification; this is a regression. Leave it out, or use weights.")
    codes = encoding.target.positions(Y)
    weights: np.ndarray = by_class(encoding.target, wanted, codes[train])[codes]
    return weights


def refuse_beyond(examples: Examples, dtype: str) -> None:
    """Refuse rows that the training's precision cannot hold: those kept for testing would fail after the training."""
    for name in ("train", "validation", "test"):
        examples.part(name, dtype)


def digest_of(*parts: np.ndarray | None) -> str:
    """Return a hash of arrays: their shapes, precisions and numbers.

    >>> digest_of(np.ones(2)) == digest_of(np.ones(2)), digest_of(np.ones(2)) == digest_of(np.ones((2, 1)))
    (True, False)
    """
    digest = hashlib.sha256()
    for part in parts:
        if part is not None:
            array = np.ascontiguousarray(part)
            digest.update(str((array.shape, array.dtype.str)).encode())
            digest.update(array.data)
    return digest.hexdigest()


def _as(M: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        return M.astype(dtype)


def read_source(source: Any, y: Any, plan: EncodingPlan, reading: ReadingPlan) -> tuple[Table, EncodingPlan]:
    """Read the table; the columns of `y` become the targets of the plan.

    Raises
    ------
    UsageError
        If `y` comes with a table that is read, or with `target` as well.
    """
    if y is None:
        return read_with(source, reading, as_text=plan.nominal), plan
    if reading != ReadingPlan():
        raise UsageError("options for reading files (sql, delimiter, ...) have no effect on arrays. Leave them out.")
    if isinstance(source, str):
        raise UsageError(
            f'y goes with arrays; the source "{source}" is a table. Name its target column, as in target="price".'
        )
    if isinstance(y, str):
        raise UsageError(f'y holds the values of the target; to name its column, write target="{y}".')
    if plan.target is not None and not (np.ndim(y) == 2 and np.shape(y)[1] > 1):
        raise UsageError(
            f"give y or target, not both: y holds the target, and target names {name_list(plan.target)}. "
            "Leave one of them out, and with y the target's column out of the inputs."
        )
    table, names = inputs_and_targets(source, y, as_text=plan.nominal)
    if plan.target is None:
        return table, replace(plan, target=names)
    # Some columns of y may be chosen; no other column may be a target, and none of y's an input.
    others = [name for name in names if name not in (*plan.target, *plan.ignore)]
    if not set(plan.target) <= set(names) or others:
        detail = "ignore the others" if set(plan.target) <= set(names) else "choose among them, or leave out target"
        raise UsageError(f"y holds {name_list(names)}, and target names {name_list(plan.target)}: {detail}.")
    return table, plan


def _take_weights(table: Table, name: str | None, sample_weight: Any) -> tuple[Table, np.ndarray | None]:
    """Return the table without its column of weights, and the weights."""
    if name is None and sample_weight is None:
        return table, None
    if name is not None and sample_weight is not None:
        raise UsageError(f'weights came twice: as sample_weight and as the column "{name}". Give one of them.')
    if name is None:
        weights = as_float_array(sample_weight)
        if weights.shape != (table.n_rows,):
            raise UsageError(f"sample_weight must have shape ({table.n_rows},), one a row; received {weights.shape}.")
        where = "sample_weight"
    else:
        column = table.column(name)
        if column.kind != "number":
            raise DataError(f'{table.source}, column "{name}": weights must be numbers. Name another column.')
        weights, where = column.values, f'{table.source}, column "{name}"'
        table = replace(table, columns=tuple(other for other in table.columns if other.name != name))
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise DataError(f"{where}: weights must be numbers of at least 0, with none missing.")
    return table, np.array(weights, dtype=np.float64)
