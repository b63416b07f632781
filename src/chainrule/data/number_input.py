"""A column of numbers, dates or times as input nodes: the scaled value, its place in cycles, whether it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule.data import stored
from chainrule.data.columns import Column, Table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import missing_value
from chainrule.data.moment_cells import Moments, read_moments
from chainrule.data.number_cells import NUMBER
from chainrule.data.scaling import scaling, scaling_in_words
from chainrule.errors import DataError

ORIGINS = ("float", "integer", "boolean", "date", "time", "duration")
# What is counted in a unit of its own is no plain number, and a plain number none of it.
COUNTED = {"date": "dates", "time": "times of day", "duration": "durations"}
WRITTEN = {"date": "dates as 2012-01-31", "time": "times as 18:30", "duration": "durations as in training"}
YEAR, WEEK, DAY = 365.2425, 7.0, 1.0  # in days, as dates are
CYCLES = {("date", YEAR): "year", ("date", WEEK): "week", ("date", DAY): "day", ("time", 24.0): "day"}
MEDIAN_ROWS = 10_000  # of a column without gaps
BLOCK = 1 << 16  # numbers that are scaled at once: they stay in the processor's cache
READ_AS = {"date": "date", "time": "time", "duration": "duration"}


@dataclass(frozen=True)
class NumberInput:
    """A numeric column: a node with (value - center) / scale, and perhaps others.

    Attributes
    ----------
    name : str
    center, scale : float
        From the training rows.
    indicator : bool
        Whether the last node is 1 where the value is missing, and 0 elsewhere.
    fill : float or None
        What stands in for a missing value, in the column's units; None if missing values are refused.
    origin : {"float", "integer", "boolean", "date", "time", "duration"}
        What the numbers were: dates are counted in days since 1970-01-01, times in hours, durations in seconds.
    periods : tuple of float
        In the column's units: for each there are two nodes after the first, sin(2 pi value / period) and
        cos(2 pi value / period); both are 0 where the value is missing.
    low, high : float or None
        The range in the table of training, of all its rows, where it is known.
    """

    name: str
    center: float
    scale: float
    indicator: bool = False
    fill: float | None = None
    origin: str = "float"
    periods: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def cycles(self) -> tuple[str, ...]:
        """The names of the periods, such as "year"."""
        return tuple(CYCLES.get((self.origin, period), f"period {period:g}") for period in self.periods)

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of its nodes."""
        waves = (f"{self.name} ({cycle}, {wave})" for cycle in self.cycles for wave in ("sine", "cosine"))
        return (self.name, *waves, *([f"{self.name} is missing"] if self.indicator else []))

    def encode(self, column: Column, table: Table, unknown: str) -> np.ndarray:
        """Return the nodes' values, shape (n_rows, number of nodes), float64; `unknown` is of no concern here.

        Raises
        ------
        DataError
            For text, for plain numbers in place of dates and the other way round, for a value that is missing and must
            not be, and for one that is too far away to be scaled.
        """
        self._refuse_other(column, table)
        if column.kind == "text":  # without values, as of a database, which knows the type of none
            column = Column(column.name, "number", np.full(len(column.values), np.nan), tokens=column.tokens)
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
        return np.column_stack([nodes, self.waves(column.values), *([missing] if self.indicator else [])])

    def waves(self, values: np.ndarray) -> np.ndarray:
        """Return sine and cosine of each period, shape (n_rows, 2 x periods); 0 where a value is missing.

        >>> NumberInput("hour", 0.0, 1.0, origin="time", periods=(24.0,)).waves(np.array([6.0, np.nan])).round(9)
        array([[1., 0.],
               [0., 0.]])
        """
        turns = values[:, None] / np.array(self.periods)
        with np.errstate(invalid="ignore"):  # what is infinite is refused elsewhere
            angles = 2 * np.pi * (turns - np.floor(turns))
            waves = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(values), -1)
        return np.where(np.isnan(waves), 0.0, waves)

    def takes(self, column: Column) -> bool:
        """Whether a column holds what this one held in training: numbers, dates, times of day or durations."""
        return column.kind == "number" and COUNTED.get(column.origin) == COUNTED.get(self.origin)

    def shown(self, value: float) -> str:
        """Write a value as the column has it: a date as a date.

        >>> NumberInput("day", 0.0, 1.0, origin="date").shown(1.0)
        '1970-01-02'
        """
        if self.origin == "date" and abs(value) < 1e7:
            moment = Column(self.name, "number", np.array([value]), origin="date").as_text().values[0]
            return str(moment)
        return f"{value:.6g}"

    def stands_in(self) -> str:
        """Say what stands in for a missing value."""
        assert self.fill is not None
        return f"median {self.shown(self.fill)}" + (", and a node that says so" if self.indicator else "")

    def describe(self) -> tuple[str, str]:
        """Say how the column was read, and what was done with it."""
        done = scaling_in_words(self.center, self.scale)
        if self.periods:
            done += f"; sine and cosine of {', '.join(self.cycles)}"
        if self.fill is not None:
            done += f"; {self.shown(self.fill)} where missing"
        return READ_AS.get(self.origin, "number"), done + (
            "; a node says where it is missing" if self.indicator else ""
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": "number", **asdict(self), "periods": list(self.periods)}

    def _refuse_other(self, column: Column, table: Table) -> None:
        if self.takes(column) or column.missing.all():
            return
        held = COUNTED.get(self.origin, "numbers")
        write = f"Write {WRITTEN[self.origin]}" if self.origin in WRITTEN else "Clean the column"
        seen = ""
        if self.origin == "date" and self.low is not None and self.high is not None:
            seen = f", from {self.shown(self.low)} to {self.shown(self.high)}"
        trained = f"this column was read as {held} in training{seen}"
        if column.kind == "text":
            row = _first_other(column, self.origin)
            one = held[:-1] if held != "times of day" else "time of day"
            raise DataError(
                f'{table.at(row, self.name)}: "{column.values[row]}" is not a {one}, but {trained}. {write}.'
            )
        row = int(np.argmin(column.missing))
        cell = column.take([row]).as_text().values[0]
        found = COUNTED.get(column.origin, "numbers")
        instead = f"{write}; in Python give {held}, not numbers." if found == "numbers" else f"{write}."
        raise DataError(f"{table.at(row, self.name)}: {cell} was read as {found} here, but {trained}. {instead}")


def encode_numbers(
    X: np.ndarray, places: Sequence[tuple[NumberInput, Column, int]], rows: np.ndarray | None = None
) -> bool:
    """Write the nodes of many inputs at once, as `NumberInput.encode` has them; False where one is to be refused.

    Parameters
    ----------
    X : float array (n_rows, nodes), written to
        Of any precision: numbers are scaled in float64 and rounded once.
    places : sequence of (NumberInput, Column, int)
        Each with its column and its first node.
    rows : int array (n_rows,), optional
        Which rows of the columns; by default all.

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
    if not all(item.takes(column) for item, column, _ in places):
        return False
    if not places:
        return True
    items = [item for item, _, _ in places]
    starts = np.array([start for _, _, start in places], dtype=np.intp)
    indicated = np.flatnonzero([item.indicator for item in items])
    last = starts + np.array([1 + 2 * len(item.periods) for item in items], dtype=np.intp)
    centers, scales = np.array([item.center for item in items]), np.array([item.scale for item in items])
    fills = np.array([np.nan if item.fill is None else item.fill for item in items])
    waving = [(k, item) for k, item in enumerate(items) if item.periods]
    together = slice(starts[0], starts[-1] + 1) if (np.diff(starts) == 1).all() else starts
    size = max(16, BLOCK // len(places))
    for begin in range(0, len(X), size):
        block = X[begin : begin + size]
        which = slice(begin, begin + size) if rows is None else rows[begin : begin + size]
        V = np.empty((len(block), len(places)))
        for k, (_, column, _) in enumerate(places):
            V[:, k] = column.values[which]
        missing = np.isnan(V)
        for k, item in waving:
            block[:, starts[k] + 1 : last[k]] = item.waves(V[:, k])
        block[:, last[indicated]] = missing[:, indicated]
        if missing.any():
            np.copyto(V, fills, where=missing)  # what is not filled in stays NaN, and is refused below
        with np.errstate(over="ignore", under="ignore"):
            V -= centers
            V /= scales
            block[:, together] = V
        if not np.isfinite(V).all():
            return False
    return True


def fit_number(column: Column, fit_rows: np.ndarray, plan: EncodingPlan, source: str) -> NumberInput | str:
    """Choose the constants of an input from its training rows; the reason to leave it out where they say nothing."""
    values = column.values if len(fit_rows) == len(column.values) else column.values[fit_rows]
    gaps = bool(np.isnan(values.min())) if len(values) else False
    if gaps:
        values = values[~np.isnan(values)]
    if len(values) == 0:
        return "no values in the training rows"
    indicator = gaps and plan.missing == "indicate"
    center, scale = scaling(values, plan.scale)
    if scale == 0:
        if not indicator:
            return "the same value in every training row"
        scale = 1.0  # the value node is 0 throughout; the indicator may still say something
    if not (np.isfinite(center) and np.isfinite(scale)):
        raise DataError(
            f'{source}: the numbers of column "{column.name}" are too large to be scaled. Change their unit.'
        )
    # A gap that only predictions have needs no median of more than many rows.
    step = 1 if gaps else max(1, len(values) // MEDIAN_ROWS)
    fill = float(np.median(values[::step])) if plan.missing in ("impute", "indicate") else None
    low, high = float(np.fmin.reduce(column.values)), float(np.fmax.reduce(column.values))
    periods = periods_of(column.origin, values)
    return NumberInput(column.name, center, scale, indicator, fill, column.origin, periods, low, high)


def periods_of(origin: str, values: np.ndarray) -> tuple[float, ...]:
    """Return the cycles in which the values of training have different places.

    The year for dates that span one, the week for dates that span two and fall on different days of it, the day for
    dates with different times of day, and for times of day.

    >>> periods_of("date", np.array([0.0, 1.0, 400.0]))
    (365.2425, 7.0)
    >>> periods_of("date", np.array([0.25, 0.75])), periods_of("time", np.array([6.0, 18.0])), periods_of("float", [])
    ((1.0,), (24.0,), ())
    """
    if origin == "time":
        return (24.0,) if values.min() < values.max() else ()
    if origin != "date":
        return ()
    span, days = values.max() - values.min(), np.floor(values)
    varies = {
        YEAR: span >= YEAR,
        WEEK: span >= 2 * WEEK and len(np.unique(days % WEEK)) > 1,
        DAY: len(np.unique(values - days)) > 1,
    }
    return tuple(period for period, there in varies.items() if there)


def number_from_dict(record: Any, name: str, where: str) -> NumberInput:
    """Rebuild an input from `to_dict`'s values; older files lack some, and said only whether it held dates."""

    def entry(key: str, read: Any, default: Any) -> Any:
        return stored.entry(record, key, read, where) if key in record else default

    origin = "date" if entry("date", stored.flag, False) else "float"
    periods = entry("periods", stored.several(stored.scale), ())
    return NumberInput(
        name,
        stored.entry(record, "center", stored.number, where),
        stored.entry(record, "scale", stored.scale, where),
        stored.entry(record, "indicator", stored.flag, where),
        stored.entry(record, "fill", stored.number_or_none, where),
        entry("origin", stored.choice(*ORIGINS), origin),
        stored.distinct(periods, f'"periods" of {where}'),
        entry("low", stored.number_or_none, None),
        entry("high", stored.number_or_none, None),
    )


def _first_other(column: Column, origin: str) -> int:
    """The first row of a column of text that is no number, or no date."""

    def other(row: int) -> bool:
        text = str(column.values[row])
        if origin in COUNTED:
            return not isinstance(read_moments([text], [1], 1.0, origin=origin), Moments)
        return not NUMBER.fullmatch(text)

    there = np.flatnonzero(~column.missing).tolist()
    return next((row for row in there if other(row)), there[0])
