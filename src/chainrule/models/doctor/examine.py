"""The doctor: the documents' practical tips as checks, before training and after it.

Seed 004 ends its practical tips with "one improper choice can ruin the results". Each check holds one such choice
against the table and the plan, says what it measured, and names the remedy as an option.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from chainrule.data.columns import Table, count
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.remarks import choices_in_words
from chainrule.data.roles import choose_roles, left_out_notes
from chainrule.errors import ChainruleError, UsageError
from chainrule.models.doctor.belonging import BELONGING_CHECKS
from chainrule.models.doctor.columns import COLUMN_CHECKS
from chainrule.models.doctor.encodings import ENCODING_CHECKS
from chainrule.models.doctor.findings import Diagnosis, Finding, by_severity, finding, flags, together
from chainrule.models.doctor.leakage import LEAKAGE_CHECKS
from chainrule.models.doctor.network import NETWORK_CHECKS
from chainrule.models.doctor.outliers import OUTLIER_CHECKS
from chainrule.models.doctor.outputs import OUTPUT_CHECKS
from chainrule.models.doctor.patient import Check, Patient
from chainrule.models.doctor.rows import ROW_CHECKS
from chainrule.models.doctor.sums import SUM_CHECKS
from chainrule.models.examples import read_source
from chainrule.models.further_rows import read_further
from chainrule.models.setup import Setup, set_up
from chainrule.options import divide_options
from chainrule.training.plan import TrainingPlan

CHECKS: tuple[Check, ...] = (
    *COLUMN_CHECKS, *OUTLIER_CHECKS, *ENCODING_CHECKS, *ROW_CHECKS, *BELONGING_CHECKS, *LEAKAGE_CHECKS,
    *SUM_CHECKS, *OUTPUT_CHECKS, *NETWORK_CHECKS,
)  # fmt: skip
# Checks whose findings can be the very thing that training refuses.
REFUSED_TOO = ("missing values", "output and loss")
PLANS = (EncodingPlan, TrainingPlan, ReadingPlan)


def diagnose(source: Any, y: Any = None, *, sample_weight: Any = None, **options: Any) -> Diagnosis:
    """Say what will hurt training, before it starts.

    What `train` would refuse becomes a finding of severity "problem" with the refusal's words; whatever can still be
    checked is checked.

    Parameters
    ----------
    source, y, sample_weight, **options
        As for `chainrule.train`.

    Returns
    -------
    Diagnosis

    Examples
    --------
    >>> diagnosis = diagnose("wine", scale="none")
    >>> found = next(f for f in diagnosis.findings if f.check == "input scale")
    >>> found.severity, found.flag, found.options
    ('problem', '--scale standard', {'scale': 'standard'})
    >>> diagnose("wine", **found.options).ok
    True
    """
    plans, usable, findings = _plans(options)
    encoding_plan, plan, reading = plans
    try:
        table, encoding_plan = read_source(source, y, encoding_plan, reading)
    except ChainruleError as refused:
        findings.append(_refusal(refused, "The table cannot be read."))
        return _examined(Patient(plan, encoding_plan), _name(source, reading), findings)
    file = y is None and _takes_a_query(source, reading)
    patient = _patient(plan, encoding_plan, table, file)
    patient = replace(patient, reading=reading)
    usable = {name: value for name, value in usable.items() if name not in _names_of(ReadingPlan)}
    try:
        further = read_further(table, encoding_plan, reading)
        usable |= {f"{part}_file": other for part, other in further.items()}
    except ChainruleError as refused:
        findings.append(_refusal(refused, "The table of another part cannot be read."))
        usable |= {"validation_file": None, "test_file": None}
    setup, error, remedies = _set_up(patient, sample_weight, usable)
    if error is not None and not error.found:
        findings.append(_refusal(error.refusal, "Training is refused with these options.", remedies))
    patient = replace(patient, setup=setup, task=setup.encoding.task if setup is not None else patient.task)
    return _examined(patient, _subject(patient), findings, _notes(patient, error is not None))


def _examined(patient: Patient, subject: str, findings: list[Finding], notes: tuple[str, ...] = ()) -> Diagnosis:
    """Run all checks that are possible."""
    passed = []
    for check in CHECKS:
        if check.possible(patient):
            found = list(check.run(patient))
            findings += found
            if not found:
                passed.append(check.passed)
    return Diagnosis(subject, by_severity(findings), tuple(passed), notes)


def _plans(options: Mapping[str, Any]) -> tuple[tuple[Any, Any, Any], dict[str, Any], list[Finding]]:
    """Make the three plans; an option that is refused becomes a finding, and its default is used."""
    known = {name: value for name, value in options.items() if any(name in _names_of(plan) for plan in PLANS)}
    findings = []
    try:
        divide_options(options, *PLANS)
    except UsageError as refused:
        findings.append(_refusal(refused, "An option is unknown."))
    plans: list[Any] = []
    usable: dict[str, Any] = {}
    for plan, given in zip(PLANS, divide_options(known, *PLANS), strict=True):
        try:
            plans.append(plan(**given))
        except UsageError as refused:
            kept: dict[str, Any] = {}
            for name, value in given.items():
                try:
                    plan(**kept, **{name: value})
                except UsageError:
                    continue
                kept[name] = value
            defaults = {field.name: field.default for field in dataclasses.fields(plan)}
            instead = {name: defaults[name] for name in given if name not in kept}
            findings.append(_refusal(refused, "An option is not allowed.", instead))
            plans.append(plan(**kept))
            given = kept
        usable |= given
    return (plans[0], plans[1], plans[2]), usable, findings


def _names_of(plan: type) -> set[str]:
    return {field.name for field in dataclasses.fields(plan)}


def _refusal(refused: ChainruleError, why: str, remedies: Mapping[str, Any] | None = None) -> Finding:
    remedy = "Do as it says, or use the options below." if remedies and flags(remedies) else ""
    return finding("refused", "problem", str(refused), why, remedy, **(remedies or {}))


def _name(source: Any, reading: ReadingPlan) -> str:
    """Call a source that could not be read by the name that messages use."""
    if reading.sql is not None:
        return "the SQL query"
    return str(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else "the table"


def _takes_a_query(source: Any, reading: ReadingPlan) -> bool:
    """Whether a remedy may be a query over the source in DuckDB's SQL: a file that is read without further options."""
    if reading != ReadingPlan() or not isinstance(source, (str, os.PathLike)) or not os.path.isfile(source):
        return False  # a pipe has been read to its end
    try:
        with open(source, "rb") as file:
            return not file.read(16).startswith(b"SQLite format 3")
    except OSError:
        return False


def _patient(plan: TrainingPlan, encoding_plan: EncodingPlan, table: Table, file: bool) -> Patient:
    """Divide the columns as training would, or as well as can be where it would refuse."""
    unweighted = [column for column in table.columns if column.name not in encoding_plan.no_inputs]
    columns = [column.as_text() if column.name in encoding_plan.nominal else column for column in unweighted]
    offered = [column for column in columns if column.name not in encoding_plan.ignore]
    named = encoding_plan.target or tuple(column.name for column in offered[-1:])
    targets = tuple(column for column in offered if column.name in named)
    try:
        task = choose_roles(replace(table, columns=tuple(unweighted)), encoding_plan).task
    except ChainruleError:
        task = "" if encoding_plan.task == "auto" else encoding_plan.task
        task = "classification" if not task and any(column.kind == "text" for column in targets) else task
    inputs = tuple(column for column in offered if column.name not in named)
    return Patient(plan, encoding_plan, table, inputs, targets, task, None, file)


def _subject(patient: Patient) -> str:
    table = patient.table
    assert table is not None
    parts = [f"{table.source}: {count(table.n_rows, 'row')}", count(len(patient.inputs), "input column")]
    if patient.task:
        named = ", ".join(column.name for column in patient.targets)
        parts.append(f"{patient.task} of {named}")
    if patient.setup is not None:
        parts.append("network " + "-".join(map(str, patient.setup.sizes)))
    return ", ".join(parts)


def _notes(patient: Patient, refused: bool) -> tuple[str, ...]:
    """Say how the table was read: its notes, which column became the target by default, what was left out and why."""
    table, setup, plan = patient.table, patient.setup, patient.encoding_plan
    assert table is not None
    notes = table.notes
    left_out: tuple[tuple[str, str], ...] = ()
    if setup is not None and not refused:
        notes = (*setup.table.notes, *choices_in_words(setup.encoding.inputs, setup.table))
        left_out = setup.encoding.left_out
    else:  # a setup that only the remedies made possible would tell of them
        with suppress(ChainruleError):
            left_out = choose_roles(table, plan).left_out
    if plan.target is None and patient.file:
        last = (column.name for column in patient.targets)
        notes = (*notes, *(f'The target is the last column, "{name}"; --target chooses another.' for name in last))
    unasked = [(name, reason) for name, reason in left_out if name not in plan.ignore and name not in plan.no_inputs]
    return (*notes, *left_out_notes(unasked))


class Refused(NamedTuple):
    """Why training is refused, and whether a finding says the same."""

    refusal: ChainruleError
    found: bool


def _set_up(
    patient: Patient, sample_weight: Any, options: dict[str, Any]
) -> tuple[Setup | None, Refused | None, dict[str, Any]]:
    """Set up the training; where that is refused, set it up with the remedies found so far, and return these too."""

    def attempt(remedies: Mapping[str, Any]) -> Setup:
        target = {"target": patient.encoding_plan.target}  # the names of the columns of y
        return set_up(patient.table, sample_weight=sample_weight, **{**options, **target, **remedies})

    def removes(found: Finding) -> bool:
        try:
            attempt(found.options)
        except ChainruleError as other:
            return str(other) != str(refused)
        return True

    try:
        return attempt({}), None, {}
    except ChainruleError as error:
        refused = error
    findings = [found for check in CHECKS if check.possible(patient) for found in check.run(patient)]
    problems = [found for found in findings if found.severity == "problem"]
    same = any(found.check in REFUSED_TOO and removes(found) for found in problems)
    for remedies in (
        together(problems),
        {"output_activation": "auto", "loss": "auto"},
        {"validation": 0.0, "test": 0.0},
    ):
        try:
            if remedies:
                return attempt(remedies), Refused(refused, same), remedies
        except ChainruleError:
            continue
    return None, Refused(refused, same), {}
