"""One input column to input nodes: a scaled number, or one node for each name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.columns import Column, Table, name_list
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import missing_value
from chainrule.data.messages import remedy
from chainrule.data.moment_cells import Moments, read_moments
from chainrule.data.number_cells import NUMBER
from chainrule.errors import DataError, did_you_mean


@dataclass(frozen=True)
class NumberInput:
    """A numeric column: one node with (value - center) / scale, and perhaps one that says where it is missing.

    Attributes
    ----------
    name : str
    center, scale : float
        From the training rows.
    indicator : bool
        Whether a second node is 1 where the value is missing, and 0 elsewhere.
    fill : float or None
        What stands in for a missing value, in the column's units; None if missing values are refused.
    date : bool
        Whether the values are dates, in days since 1970-01-01.
    """

    name: str
    center: float
    scale: float
    indicator: bool = False
    fill: float | None = None
    date: bool = False

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of its nodes."""
        return (self.name, f"{self.name} is missing") if self.indicator else (self.name,)

    def encode(self, column: Column, table: Table, unknown: str) -> np.ndarray:
        """Return the nodes' values, shape (n_rows, number of nodes), float64; `unknown` is of no concern here."""
        if column.kind == "text" and column.missing.all():  # as of a database, which knows the type of no value
            column = Column(column.name, "number", np.full(len(column.values), np.nan), tokens=column.tokens)
        if column.kind == "text":
            row, date = _first_other(column, self.date), self.date
            raise DataError(
                f'{table.at(row, self.name)}: "{column.values[row]}" is not a {"date" if date else "number"}, '
                f"but the model was trained with {'dates' if date else 'numbers'} in this column. "
                f"{'Write dates as 2012-01-31' if date else 'Clean the column'}."
            )
        missing = column.missing
        if missing.any() and self.fill is None:
            raise missing_value(table, column)
        values = column.values if self.fill is None else np.where(missing, self.fill, column.values)
        with np.errstate(over="ignore", under="ignore"):
            nodes = ((values - self.center) / self.scale)[:, None]
        if not np.isfinite(nodes).all():
            row = int(np.argmin(np.isfinite(nodes[:, 0])))
            raise DataError(
                f"{table.at(row, self.name)}: {values[row]:g} is too far from the training values to be scaled."
            )
        return np.column_stack([nodes, missing]) if self.indicator else nodes

    def describe(self) -> tuple[str, str]:
        """Say how the column was read, and what was done with it."""
        done = scaling_in_words(self.center, self.scale)
        if self.fill is not None:
            done += f"; {self.fill:.6g} where missing"
        return "number", done + ("; a node says where it is missing" if self.indicator else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": "number", **asdict(self)}


def encode_numbers(X: np.ndarray, places: Sequence[tuple[NumberInput, Column, int]]) -> bool:
    """Write the nodes of many inputs at once, as `NumberInput.encode` has them; False where one is to be refused.

    Parameters
    ----------
    X : float64 array (n_rows, nodes), written to
    places : sequence of (NumberInput, Column, int)
        Each with its column and its first node.

    Examples
    --------
    >>> X = np.zeros((2, 3))
    >>> age = Column("age", "number", np.array([31.0, np.nan]))
    >>> encode_numbers(X, [(NumberInput("age", 30.0, 2.0, indicator=True, fill=32.0), age, 1)])
    True
    >>> X
    array([[0. , 0.5, 0. ],
           [0. , 1. , 1. ]])
    """
    if any(column.kind == "text" for _, column, _ in places):
        return False
    items = [item for item, _, _ in places]
    starts = np.array([start for _, _, start in places], dtype=np.intp)
    V = np.empty((len(X), len(places)))
    for k, (_, column, _) in enumerate(places):
        V[:, k] = column.values
    missing = np.isnan(V)
    indicated = np.array([item.indicator for item in items], dtype=bool)
    X[:, starts[indicated] + 1] = missing[:, indicated]
    if missing.any():
        fills = np.array([np.nan if item.fill is None else item.fill for item in items])
        np.copyto(V, fills, where=missing)  # what is not filled in stays NaN, and is refused below
    with np.errstate(over="ignore", under="ignore"):
        V -= np.array([item.center for item in items])
        V /= np.array([item.scale for item in items])
    X[:, starts] = V
    return bool(np.isfinite(V).all())


@dataclass(frozen=True)
class NameInput:
    """A text column: one node for each name, 1 for the row's own and 0 for the others.

    Attributes
    ----------
    name : str
    categories : tuple of str
        The names, from the whole table, numbers in numeric order.
    missing_node : bool
        Whether a further node is 1 where the value is missing.
    refuse_missing : bool
        Whether a missing value is an error; otherwise, without a node for it, all nodes are 0.
    """

    name: str
    categories: tuple[str, ...]
    missing_node: bool = False
    refuse_missing: bool = True

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of its nodes, such as "color=red"."""
        names = tuple(f"{self.name}={category}" for category in self.categories)
        return (*names, f"{self.name} is missing") if self.missing_node else names

    def encode(self, column: Column, table: Table, unknown: str) -> np.ndarray:
        """Return the nodes' values, shape (n_rows, number of nodes), float64.

        `unknown` says what to do with a name that training did not have: "refuse" it or "ignore" it (all nodes 0).
        """
        position = {category: i for i, category in enumerate(self.categories)}
        values = column.as_text().values.tolist()
        nowhere = len(self.node_names)  # one more column, cut off at the end
        codes = np.array([position.get(value, nowhere) for value in values], dtype=np.intp)
        missing = column.missing
        if missing.any():
            if self.refuse_missing:
                raise missing_value(table, column)
            codes[missing] = len(self.categories) if self.missing_node else nowhere
        new = (codes == nowhere) & ~missing
        if new.any() and unknown == "refuse":
            row = int(np.argmax(new))
            raise DataError(
                f'{table.at(row, self.name)}: "{values[row]}" was not there in training. '
                f"{did_you_mean(values[row], self.categories)}Known: {name_list(self.categories)}. "
                f"Correct it, or use {remedy('unknown', 'ignore')} to take none of them."
            )
        nodes = np.zeros((len(values), nowhere + 1))
        nodes[np.arange(len(values)), codes] = 1.0
        return nodes[:, :nowhere]

    def describe(self) -> tuple[str, str]:
        """Say how the column was read, and what was done with it."""
        done = f"one node for each of {len(self.categories)} names"
        return "names", done + (", one for missing" if self.missing_node else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": "names", **asdict(self), "categories": list(self.categories)}


def fit_input(column: Column, fit_rows: np.ndarray, plan: EncodingPlan, source: str) -> NumberInput | NameInput | None:
    """Choose the constants of an input from its training rows; None if it is constant there.

    Categories come from all rows, so that a rare name does not make the validation rows unreadable.
    """
    gaps = bool(column.missing.any())
    if column.kind == "text":
        names = sorted(set(column.values[~column.missing].tolist()), key=name_order)
        mind = plan.missing in ("refuse", "drop")
        return NameInput(column.name, tuple(names), gaps and not mind, mind)
    values = column.values[fit_rows]
    values = values[~np.isnan(values)]
    indicator = gaps and plan.missing == "indicate"
    if len(values) == 0:
        return None
    center, scale = scaling(values, plan.scale)
    if scale == 0:
        if not indicator:
            return None
        scale = 1.0  # the value node is 0 throughout; the indicator may still say something
    if not (np.isfinite(center) and np.isfinite(scale)):
        raise DataError(
            f'{source}: the numbers of column "{column.name}" are too large to be scaled. Change their unit.'
        )
    fill = float(np.median(values)) if plan.missing in ("impute", "indicate") else None
    return NumberInput(column.name, center, scale, indicator, fill, column.origin == "date")


def scaling(values: np.ndarray, kind: str) -> tuple[float, float]:
    """Return (center, scale) for (value - center) / scale; the scale is 0 for values that are all the same.

    Parameters
    ----------
    values : ndarray, shape (n,), float64
        Without missing values.
    kind : {"standard", "robust", "unit", "symmetric", "none"}
        The deviation is the one with n, not n - 1. Where the quartiles coincide, robust uses the deviation.

    Examples
    --------
    >>> scaling(np.array([1.0, 3.0]), "standard")
    (2.0, 1.0)
    >>> scaling(np.array([1.0, 3.0]), "unit")
    (1.0, 2.0)
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, 0.0
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if kind == "none":
            return 0.0, 1.0
        if kind == "unit":
            return low, high - low
        if kind == "symmetric":
            return (low + high) / 2, (high - low) / 2
        deviation = float(values.std())
        if kind == "robust":
            first, middle, third = np.quantile(values, [0.25, 0.5, 0.75])
            return float(middle), float(third - first) or deviation
        # A deviation so small that its square is 0: the range is of the same size.
        return float(values.mean()), deviation or high - low


def scaling_in_words(center: float, scale: float) -> str:
    """Write a scaling as a formula.

    >>> scaling_in_words(-2.0, 0.5)
    '(value + 2) / 0.5'
    """
    if (center, scale) == (0, 1):
        return "as it is"
    return f"(value {'-' if center >= 0 else '+'} {abs(center):.6g}) / {scale:.6g}"


def input_from_dict(record: Any, where: str) -> NumberInput | NameInput:
    """Rebuild an input from `to_dict`'s values.

    Raises
    ------
    ModelFileError
        If a value is missing or not what it must be.
    """
    name = stored.entry(record, "name", stored.text, where)
    if stored.entry(record, "kind", stored.choice("number", "names"), where) == "number":
        return NumberInput(
            name,
            stored.entry(record, "center", stored.number, where),
            stored.entry(record, "scale", stored.scale, where),
            stored.entry(record, "indicator", stored.flag, where),
            stored.entry(record, "fill", stored.number_or_none, where),
            "date" in record and stored.entry(record, "date", stored.flag, where),  # older files do not say
        )
    categories = stored.entry(record, "categories", stored.several(stored.text), where)
    return NameInput(
        name,
        stored.distinct(categories, f'"categories" of {where}'),
        stored.entry(record, "missing_node", stored.flag, where),
        stored.entry(record, "refuse_missing", stored.flag, where),
    )


def name_order(name: str) -> tuple[bool, float, str]:
    """Return a sorting key: numbers in numeric order, then other names in alphabetical order.

    >>> sorted(["b", "10", "9", "a"], key=name_order)
    ['9', '10', 'a', 'b']
    """
    try:
        value = float(name)
    except ValueError:
        return True, 0.0, name
    return value != value, value if value == value else 0.0, name


def _first_other(column: Column, date: bool) -> int:
    """The first row of a column of text that is no date, or no number."""

    def other(row: int) -> bool:
        text = str(column.values[row])
        if not date:
            return not NUMBER.fullmatch(text)
        return not isinstance(read_moments([text], [1], 1.0), Moments)

    there = np.flatnonzero(~column.missing).tolist()
    return next((row for row in there if other(row)), there[0])
