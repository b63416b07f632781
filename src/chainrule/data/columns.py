"""What a table is once it has been read: named columns of numbers or of text, and where they came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from chainrule.data.messages import says
from chainrule.errors import DataError, UsageError, did_you_mean

Kind = Literal["number", "text"]
Origin = Literal["float", "integer", "boolean", "date", "time", "duration", "text"]


@dataclass(frozen=True)
class Writing:
    """How the cells of a column of text are written, so that the cells of another table are read in the same way.

    Attributes
    ----------
    decimal, thousands : str or None
        The marks that occur.
    unit : str
        What stands at every number, such as "$" or "kg".
    scaled : bool
        Whether words such as Mio. stand there.
    dates : {"dmy", "mdy", "ymd"} or None
        How day, month and year follow each other where the year does not stand first with four digits.
    """

    decimal: str | None = None
    thousands: str | None = None
    unit: str = ""
    scaled: bool = False
    dates: Literal["dmy", "mdy", "ymd"] | None = None


@dataclass(frozen=True, eq=False)
class Column:
    """One column: numbers or text, with missing values marked.

    Attributes
    ----------
    name : str
        The column's name.
    kind : {"number", "text"}
        How the column was read.
    values : ndarray, shape (n_rows,), read-only
        float64 with NaN where missing, or an object array of str with None where missing.
    note : str
        A sentence about how it was read, or an empty string.
    origin : {"float", "integer", "boolean", "date", "time", "duration", "text"}
        What the numbers were before they became float64: labels are given back in this type. Dates are counted in
        days since 1970-01-01, times of day in hours since midnight, durations in seconds.
    tokens : tuple of (str, int)
        Which words of delimited text counted as missing, and in how many cells of the source.
    writing : Writing
        How its cells are written.

    Examples
    --------
    >>> Column("age", "number", np.array([31.0, np.nan])).missing
    array([False,  True])
    """

    name: str
    kind: Kind
    values: np.ndarray
    note: str = ""
    origin: Origin = "float"
    tokens: tuple[tuple[str, int], ...] = ()
    writing: Writing = Writing()

    def __post_init__(self) -> None:
        # A view, so that the caller's own array stays writable.
        values = np.asarray(self.values, dtype=np.float64 if self.kind == "number" else object).view()
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        if self.kind == "text" and self.origin != "text":
            object.__setattr__(self, "origin", "text")

    @property
    def missing(self) -> np.ndarray:
        """Boolean array, shape (n_rows,): True where there is no value."""
        missing: np.ndarray = np.isnan(self.values) if self.kind == "number" else self.values == None  # noqa: E711
        return missing

    def as_text(self) -> Column:
        """Return the column as names: whole numbers without ".0", booleans as true and false, ISO dates.

        Examples
        --------
        >>> Column("size", "number", np.array([1.0, 2.5, np.nan])).as_text().values
        array(['1', '2.5', None], dtype=object)
        """
        if self.kind == "text":
            return self
        distinct, positions = np.unique(self.values, return_inverse=True)
        names = np.array([_number_name(value, self.origin) for value in distinct.tolist()], dtype=object)
        values = names[positions] if len(names) else np.empty(0, dtype=object)
        return Column(self.name, "text", values, self.note, "text", self.tokens)

    def take(self, indices: Any) -> Column:
        """Return the column with the rows at `indices` (integers or a boolean mask)."""
        return replace(self, values=self.values[indices])


def numbers_if_empty(column: Column) -> Column:
    """Return a column of text without any value as one of numbers, which says as little; others as they are.

    >>> numbers_if_empty(Column("a", "text", np.array([None], dtype=object))).kind
    'number'
    """
    return Column(column.name, "number", np.full(len(column.values), np.nan)) if column.missing.all() else column


def _typed_values(column: Column) -> np.ndarray:
    """The values in the type they had before they became float64, where it can hold them."""
    values = column.values
    if column.origin == "date":
        return _moments(values)
    if column.kind == "text" or column.missing.any():
        return values.copy()
    if column.origin == "boolean":
        return values.astype(bool)
    exact = column.origin == "integer" and bool((np.abs(values) <= 2**53).all())
    return values.astype(np.int64) if exact else values.copy()


def _moments(days: np.ndarray) -> np.ndarray:
    known = ~np.isnan(days)
    moments = np.full(len(days), np.datetime64("NaT"), dtype="datetime64[us]")
    moments[known] = np.round(days[known] * 86_400_000_000).astype(np.int64).astype("datetime64[us]")
    return moments


def _number_name(value: float, origin: Origin) -> str | None:
    if value != value:
        return None
    if origin == "boolean":
        return "true" if value else "false"
    if origin == "date":
        moment = str(np.datetime64(round(value * 86_400_000_000), "us"))
        return moment.removesuffix("T00:00:00.000000").removesuffix(".000000")
    return number_text(value)


def number_text(value: float) -> str:
    """Write a number as a name: whole numbers without a point, others as Python does.

    >>> number_text(2.0), number_text(0.5), number_text(1234567890123456.0), number_text(1e16)
    ('2', '0.5', '1234567890123456', '1e+16')
    """
    return repr(value + 0.0).removesuffix(".0")  # -0.0 + 0.0 is 0.0


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, and what to call them in messages.

    Attributes
    ----------
    columns : tuple of Column
        In the order of the source; names are unique.
    source : str
        The file's name, or words such as "the data frame"; messages begin with it.
    notes : tuple of str
        Plain sentences about how it was read, for the user to see.
    row_numbers : ndarray of int, shape (n_rows,)
        The number people see for each row: the line in an editor for delimited text (the header is line 1),
        1, 2, ... for other files and queries, 0, 1, ... for data that is already in memory.
    whole : bool
        The table is complete as it is (a truth table): use all rows for training, none for validation or test.
    positional : int
        How many leading columns are known by position only, because they came from an array without names.
    files : tuple of str
        Where rows come from several files: what each is called. Messages about a row begin with its own.
    file_of : ndarray of int, shape (n_rows,)
        The position of each row's file in `files`.

    Raises
    ------
    DataError
        If columns differ in length, or a name is empty or occurs twice.
    """

    columns: tuple[Column, ...]
    source: str
    notes: tuple[str, ...] = ()
    row_numbers: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    whole: bool = False
    positional: int = 0
    files: tuple[str, ...] = ()
    file_of: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        refuse_bad_names(self.names, self.source)
        lengths = {len(column.values) for column in self.columns}
        if len(lengths) > 1:
            detail = ", ".join(f'"{column.name}" {len(column.values)}' for column in self.columns[:20])
            raise DataError(
                f"{self.source}: the columns differ in length ({detail}). They must have the same number of rows."
            )
        if len(self.row_numbers) != self.n_rows:
            object.__setattr__(self, "row_numbers", np.arange(1, self.n_rows + 1))

    def __repr__(self) -> str:
        return f"<Table {self.source}: {count(self.n_rows, 'row')}, {count(len(self.columns), 'column')}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0].values) if self.columns else 0

    def column(self, name: str) -> Column:
        """Return the column called `name`.

        Raises
        ------
        DataError
            If there is none, with the nearest name.
        """
        if name in self._by_name:
            return self._by_name[name]
        raise DataError(
            f'{says(self.source, "has")} no column "{name}". {did_you_mean(name, self.names)}'
            f"Columns: {name_list(self.names)}."
        )

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def take(self, indices: Any) -> Table:
        """Return the rows at `indices` (integers or a boolean mask); they keep their row numbers."""
        columns = tuple(column.take(indices) for column in self.columns)
        file_of = self.file_of[indices] if self.files else self.file_of
        return replace(self, columns=columns, row_numbers=self.row_numbers[indices], file_of=file_of)

    def with_notes(self, *notes: str) -> Table:
        """Return the table with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def to_pandas(self) -> Any:
        """Return the table as a pandas DataFrame, its index the row numbers that messages use.

        Whole numbers and booleans without gaps and dates have those types again; all other numbers are float64.

        Raises
        ------
        UsageError
            If pandas is not installed.

        Examples
        --------
        >>> table = Table((Column("n", "number", np.array([7.0, 8.0]), "", "integer"),), "t")
        >>> table.take([1]).to_pandas().to_dict()
        {'n': {2: 8}}
        """
        try:
            import pandas
        except ImportError:
            raise UsageError("to_pandas needs pandas, which is not installed. Run: pip install pandas") from None
        values = {column.name: _typed_values(column) for column in self.columns}
        return pandas.DataFrame(values, index=pandas.Index(self.row_numbers, name="row"), columns=list(self.names))

    def at(self, row: int, column: str | None = None) -> str:
        """Say where a cell is, for the beginning of a message.

        Examples
        --------
        >>> Table((Column("a", "number", np.array([1.0, 2.0])),), "wine.csv", row_numbers=np.array([2, 3])).at(1, "a")
        'wine.csv, row 3, column "a"'
        """
        source = self.files[self.file_of[row]] if self.files else self.source
        place = f"{source}, row {self.row_numbers[row]}"
        return place if column is None else f'{place}, column "{column}"'


def refuse_bad_names(names: Iterable[str], source: str) -> None:
    """Raise DataError for a column without a name, or a name that occurs twice."""
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"{source}: column {position} has no name. Write one in the first line, or remove the column."
            )
        if name in seen:
            raise DataError(
                f'{source}: the name "{name}" occurs twice, in columns {seen[name]} and {position}. '
                "Rename or remove one of them."
            )
        seen[name] = position


def refuse_infinite(table: Table) -> Table:
    """Return `table`, or raise DataError naming the first infinite number."""
    for column in table.columns:
        if column.kind == "number":
            infinite = np.isinf(column.values)
            if infinite.any():
                row = int(np.argmax(infinite))
                sign = "-" if column.values[row] < 0 else ""
                raise DataError(
                    f"{table.at(row, column.name)}: {sign}infinity cannot be used as a number "
                    f"({count(infinite.sum(), 'such cell')} in this column). "
                    "Leave the cell empty if the value is missing, or correct it."
                )
    return table


def name_list(names: Iterable[str], limit: int = 20) -> str:
    """Join names for a message, cut after `limit`.

    >>> name_list(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    names = list(names)
    if len(names) <= limit:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} and {len(names) - limit} more"


def count(number: Any, noun: str, plural: str = "") -> str:
    """Write a number with its noun.

    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{int(number):,} {noun if int(number) == 1 else plural or noun + 's'}"
