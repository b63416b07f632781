"""What the doctor looks at, and what it says: a patient, findings with remedies, and the report."""

from __future__ import annotations

import dataclasses
import shlex
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from chainrule.data.columns import Column, Table, count, name_list
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.models.setup import Setup
from chainrule.training.plan import TrainingPlan

Severity = Literal["problem", "warning", "hint"]
SEVERITIES: tuple[Severity, ...] = ("problem", "warning", "hint")
SAMPLE_ROWS = 10_000  # enough for every measure that need not see all rows


@dataclass(frozen=True)
class Finding:
    """One thing that will hurt training, and what to do about it.

    Attributes
    ----------
    check : str
        Which check found it.
    severity : {"problem", "warning", "hint"}
        A problem keeps the network from learning the task, a warning costs accuracy, a hint may.
    what, why, remedy : str
        Sentences: what was measured and where, what it does to training, what to do.
    flag : str
        The remedy as typed, such as ``--scale standard``; empty where no option helps.
    options : dict
        The same for Python: give these beside the other options, and the finding is gone.
    """

    check: str
    severity: Severity
    what: str
    why: str
    remedy: str
    flag: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def finding(check: str, severity: Severity, what: str, why: str, remedy: str, **options: Any) -> Finding:
    """Make a finding whose flag says the same as its options.

    >>> finding("input scale", "warning", "Far apart.", "It hurts.", "Scale.", scale="standard").flag
    '--scale standard'
    """
    return Finding(check, severity, what, why, remedy, flags(options), options)


def flags(options: Mapping[str, Any]) -> str:
    """Write options as they are typed on the command line.

    >>> flags({"soft_targets": True, "hidden": (8, 4), "ignore": ("row id", "x"), "learning_rate": None})
    "--soft-targets --hidden 8,4 --ignore 'row id,x'"
    """
    words = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, (tuple, list)):
            words += [flag, ",".join(map(str, value)) or "none"] if value or name == "hidden" else []
        elif value is not None:
            words += [flag, str(value)]
    return " ".join(shlex.quote(word) for word in words)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings with the most severe first."""
    return tuple(sorted(findings, key=lambda found: SEVERITIES.index(found.severity)))


def together(findings: Iterable[Finding]) -> dict[str, Any]:
    """Join the options of several findings: columns are collected; otherwise the more severe finding decides.

    >>> a = finding("a", "hint", "", "", "", ignore=("x",), scale="robust")
    >>> b = finding("b", "problem", "", "", "", ignore=("y",), scale="standard")
    >>> together([a, b])
    {'ignore': ('y', 'x'), 'scale': 'standard'}
    """
    options: dict[str, Any] = {}
    for found in by_severity(findings):
        for name, value in found.options.items():
            if name in ("ignore", "nominal"):
                options[name] = tuple(dict.fromkeys((*options.get(name, ()), *value)))
            else:
                options.setdefault(name, value)
    if "nominal" in options:
        options["nominal"] = tuple(name for name in options["nominal"] if name not in options.get("ignore", ()))
        options = {name: value for name, value in options.items() if name != "nominal" or value}
    return options


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found. It prints itself.

    Attributes
    ----------
    subject : str
        What was examined.
    findings : tuple of Finding
        The most severe first.
    passed : tuple of str
        A sentence for each check that found nothing.
    """

    subject: str
    findings: tuple[Finding, ...]
    passed: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no finding of severity "problem"."""
        return all(found.severity != "problem" for found in self.findings)

    @property
    def options(self) -> dict[str, Any]:
        """All remedies that are options, at once; look at each before using them."""
        return together(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "subject": self.subject,
            "ok": self.ok,
            "findings": [dataclasses.asdict(found) for found in self.findings],
            "passed": list(self.passed),
        }

    def __str__(self) -> str:
        severities = [found.severity for found in self.findings]
        counts = [count(severities.count(s), s) for s in SEVERITIES if s in severities]
        lines = [self.subject, ", ".join(counts) if counts else "Nothing was found that will hurt training."]
        for found in self.findings:
            lines += ["", f"{found.severity.upper()}: {found.check}"]
            for text in (found.what, found.why, found.remedy):
                lines += _indented(text)
            if found.flag:
                lines.append(f"    {found.flag}")
        if self.passed:
            lines += ["", "Passed"]
            for sentence in self.passed:
                lines += _indented(sentence)
        return "\n".join(lines)


def quoted(names: Sequence[str]) -> str:
    """Write column names for a sentence, the first ten of them."""
    return name_list([f'"{name}"' for name in names], limit=10)


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


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
    """

    plan: TrainingPlan
    encoding_plan: EncodingPlan
    table: Table | None = None
    inputs: tuple[Column, ...] = ()
    targets: tuple[Column, ...] = ()
    task: str = ""
    setup: Setup | None = None
    file: bool = False

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
    least_rows, least_inputs : int
        In smaller tables chance would speak.
    parts : bool
        Whether it makes sense only where the rows are a sample, not for a truth table.
    """

    run: Callable[[Patient], Iterator[Finding]]
    passed: str
    needs: Literal["plan", "table", "setup"] = "table"
    least_rows: int = 0
    least_inputs: int = 0
    parts: bool = False

    def possible(self, patient: Patient) -> bool:
        """Say whether the patient has what the check needs."""
        if self.parts and patient.whole:
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


def _open(choice: Any) -> bool:
    return isinstance(choice, str) and choice == "auto"


def _varies(values: np.ndarray) -> bool:
    known = values[values == values]
    return len(known) > 0 and bool((known != known[0]).any())
