"""What the doctor looks at: a patient, and the checks' common form."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from chainrule.data.columns import Column, Table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.models.doctor.findings import Finding
from chainrule.models.setup import Setup
from chainrule.training.plan import TrainingPlan

SAMPLE_ROWS = 10_000  # enough for every measure that need not see all rows


@dataclass(frozen=True, eq=False)
class Patient:
    """What the checks look at. Parts that could not be made are None, and the checks that need them are left out.

    Attributes
    ----------
    plan, encoding_plan : TrainingPlan, EncodingPlan
        As given.
    table : Table or None
        As read, without a column of weights.
    inputs, targets : tuple of Column
        All columns offered as inputs, also those that the encoding leaves out; the target columns.
    task : str
        "classification", "regression", or "" if that cannot be said.
    setup : Setup or None
        The training that would start; its plan has everything filled in.
    file : bool
        Whether the table came from a file, so that a query can run over it.
    reading : ReadingPlan
        As given.
    """

    plan: TrainingPlan
    encoding_plan: EncodingPlan
    table: Table | None = None
    inputs: tuple[Column, ...] = ()
    targets: tuple[Column, ...] = ()
    task: str = ""
    setup: Setup | None = None
    file: bool = False
    reading: ReadingPlan = field(default_factory=ReadingPlan)

    @property
    def n_rows(self) -> int:
        """Rows of the table as read."""
        return self.table.n_rows if self.table is not None else 0

    @property
    def whole(self) -> bool:
        """Whether the table holds every case there is, as a truth table does."""
        return self.table is not None and self.table.whole

    @property
    def settled(self) -> TrainingPlan:
        """The plan as given, with the output activation and the loss filled in where they were left open."""
        if self.setup is None:
            return self.plan
        plan, chosen = self.plan, self.setup.plan
        return dataclasses.replace(
            plan,
            output_activation=chosen.output_activation if _open(plan.output_activation) else plan.output_activation,
            loss=chosen.loss if _open(plan.loss) else plan.loss,
        )

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Columns that the encoding leaves out by itself."""
        return () if self.setup is None else tuple(name for name, _ in self.setup.encoding.left_out)

    @cached_property
    def rows(self) -> np.ndarray:
        """Positions of a sample of the rows, in order."""
        if self.n_rows <= SAMPLE_ROWS:
            return np.arange(self.n_rows)
        return np.sort(np.random.default_rng(0).choice(self.n_rows, SAMPLE_ROWS, replace=False))

    @cached_property
    def numbers(self) -> dict[str, np.ndarray]:
        """The sampled values of every numeric input that is not constant, with NaN where missing."""
        sampled = {column.name: column.values[self.rows] for column in self.inputs if column.kind == "number"}
        return {name: values for name, values in sampled.items() if _varies(values)}

    @cached_property
    def all_numbers(self) -> dict[str, np.ndarray]:
        """All values of the same inputs, for what a sample can miss."""
        return {column.name: column.values for column in self.inputs if column.name in self.numbers}

    @cached_property
    def codes(self) -> dict[str, np.ndarray]:
        """For every text input that is not constant, the sampled values as numbers: equal where the text is equal."""
        texts = {column.name: codes_of(column, self.rows) for column in self.inputs if column.kind == "text"}
        return {name: codes for name, codes in texts.items() if _varies(codes)}

    def ignoring(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the value of `ignore` that leaves out these columns too."""
        return tuple(dict.fromkeys((*self.encoding_plan.ignore, *names)))

    def as_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the value of `nominal` that reads these columns as names too."""
        return tuple(dict.fromkeys((*self.encoding_plan.nominal, *names)))


@dataclass(frozen=True)
class Check:
    """A check, and when it can say something.

    Attributes
    ----------
    run : callable (Patient) -> iterator of Finding
    passed : str
        What to say when it finds nothing.
    needs : {"plan", "table", "setup"}
    task : {"classification", "regression", ""}
        The only task for which it can find something.
    least_rows, least_inputs : int
        In smaller tables chance would speak.
    parts : bool
        Whether it makes sense only where the rows are a sample, not for a truth table.
    """

    run: Callable[[Patient], Iterator[Finding]]
    passed: str
    needs: Literal["plan", "table", "setup"] = "table"
    task: str = ""
    least_rows: int = 0
    least_inputs: int = 0
    parts: bool = False

    def possible(self, patient: Patient) -> bool:
        """Say whether the patient has what the check needs."""
        if (self.parts and patient.whole) or self.task not in ("", patient.task):
            return False
        if patient.n_rows < self.least_rows or len(patient.inputs) < self.least_inputs:
            return False
        if self.needs == "setup":
            return patient.setup is not None
        return self.needs == "plan" or patient.table is not None


def codes_of(column: Column, rows: Any) -> np.ndarray:
    """Return a number for each of these rows: equal where the values are equal, counted by first appearance.

    >>> codes_of(Column("c", "text", np.array(["b", "a", None, "b"], dtype=object)), slice(None))
    array([0, 1, 2, 0])
    """
    values = column.values[rows]
    if column.kind == "number":
        _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.intp)
        rank[np.argsort(first)] = np.arange(len(first))
        numbered: np.ndarray = rank[inverse]
        return numbered
    position: dict[Any, int] = {}
    return np.array([position.setdefault(value, len(position)) for value in values.tolist()], dtype=np.intp)


def standardised(values: np.ndarray) -> np.ndarray:
    """Return the values with mean 0 and deviation 1; zeros for values that are all the same."""
    largest = float(np.abs(values).max())
    centered: np.ndarray = values / largest if largest else values  # so that squares neither overflow nor vanish
    centered = centered - centered.mean()
    deviation = float(centered.std())
    return centered / deviation if deviation > 1e-12 else np.zeros_like(centered)


def _open(choice: Any) -> bool:
    return isinstance(choice, str) and choice == "auto"


def _varies(values: np.ndarray) -> bool:
    known = values[values == values]
    return len(known) > 0 and bool((known != known[0]).any())
