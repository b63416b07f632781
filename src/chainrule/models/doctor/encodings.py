"""The doctor's checks of what a cell means: several things packed into one, and codes that look like numbers.

Seed 004: "Beware of tricky encodings", and "for discrete (e.g. nominal) values, one node per value".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainrule.data.columns import Column
from chainrule.data.number_input import COUNTED
from chainrule.models.doctor.findings import Finding, finding, quoted
from chainrule.models.doctor.packed_parts import packed_parts, parts_of
from chainrule.models.doctor.patient import Check, Patient

NUMBER = r"[-+]?\d[\d.,]*"
SEVERAL_NUMBERS = re.compile(rf"{NUMBER}(\s*[/x×:*;|~-]\s*{NUMBER}){{1,5}}\s*\D{{0,4}}")
WITH_UNIT = re.compile(rf"{NUMBER}\s*([^\W\d]{{1,6}}|[%°€$£]|[^\W\d]{{1,4}}[/²³][^\W\d]{{0,3}}\d?)")
WITH_CURRENCY = re.compile(rf"([€$£])\s*{NUMBER}")
# 2012/01/31, 31.1.2012, 1/31/12, with or without a time.
DATE = re.compile(
    r"(\d{4}([/.])(?P<day>\d\d?\2\d\d?)|(?P<first>\d\d?([/.-])\d\d?)\5(\d{4}|\d\d))([ T]\d\d?:\d\d(:\d\d)?.*)?"
)
# Separator, and the share of different cells that must hold it.
SEPARATORS = ((";", 0.2), ("|", 0.2), (",", 0.5), ("/", 0.8), ("&", 0.8))
NAME_WORDS = re.compile(
    r"(^|[_\W])(code|zip|zip_?code|plz|post_?code|postal|category|type|kind|region|country|city|model|brand|colou?r|"
    r"species|department|ward)([_\W]?(code|number|no|nr|id))?$",
    re.IGNORECASE,
)


def packed_columns(patient: Patient) -> Iterator[Finding]:
    """Beware of tricky encodings: don't combine too much info into a single node's activation value."""
    dates = [column for column in patient.inputs if holds_dates(column, patient) or _packed_date(column, patient)]
    others = tuple(column for column in patient.inputs if column not in dates)
    yield from packed_parts(replace(patient, inputs=others))
    for column in patient.inputs:
        if column in others and parts_of(column, patient):
            continue
        how = _packed_text(column, patient) if column.kind == "text" else _packed_date(column, patient)
        if column.kind == "text" and holds_dates(column, patient):
            first = next(value for value in column.values.tolist() if value is not None)
            yield finding(
                "packed columns",
                "warning",
                f'"{column.name}" holds dates, such as "{first}", read as names.',
                "As names, no day comes before another, and no new day was there in training.",
                "Write dates as 2012-01-01: such a column is read as a number of days.",
            )
        elif how:
            yield finding(
                "packed columns",
                "warning",
                f'"{column.name}" holds {how}.',
                "The network sees each combination as one value and must learn what it means, if it can.",
                "Make a column of each part before training (a query can, with --sql).",
            )


def holds_dates(column: Column, patient: Patient) -> bool:
    """Say whether a column of text holds dates that are not written as ISO 8601 has them."""
    if column.kind != "text":
        return False
    cells = list(dict.fromkeys(value for value in column.values[patient.rows].tolist() if value is not None))[:500]
    found = [match for match in (DATE.fullmatch(cell.strip()) for cell in cells) if match]
    if len(cells) < 3 or len(found) <= 0.9 * len(cells):
        return False
    days = [sorted(int(part) for part in re.findall(r"\d+", match["day"] or match["first"])) for match in found]
    return all(1 <= low <= 12 and high <= 31 for low, high in days)


def _packed_text(column: Column, patient: Patient) -> str:
    cells = list(dict.fromkeys(value for value in column.values[patient.rows].tolist() if value is not None))[:500]
    if len(cells) < 3:
        return ""
    if sum(bool(SEVERAL_NUMBERS.fullmatch(cell.strip())) for cell in cells) > 0.9 * len(cells):
        return f'several numbers in each cell, such as "{cells[0]}"'
    for pattern in (WITH_UNIT, WITH_CURRENCY):
        found = [match for match in (pattern.fullmatch(cell.strip()) for cell in cells) if match]
        if len(found) > 0.9 * len(cells) and len({match[1] for match in found}) <= min(3, len(found) // 2):
            return f'numbers with their unit, read as names, such as "{cells[0]}"'
    if sum(map(len, cells)) > 60 * len(cells):
        return ""  # prose
    for separator, least in SEPARATORS:
        lists = [cell for cell in cells if len([part for part in cell.split(separator) if part.strip()]) > 1]
        if len(lists) >= max(2, least * len(cells)):
            return f'several values in one cell, separated by "{separator}", such as "{lists[0]}"'
    return ""


def _packed_date(column: Column, patient: Patient) -> str:
    values = patient.numbers.get(column.name)
    if values is None or column.origin in COUNTED:
        return ""
    known = values[values == values]
    if not (known == np.floor(known)).all() or len(np.unique(known)) < 3:
        return ""
    for length, low, high, words in ((100, 19000101, 21001231, "year, month and day"), (1, 190001, 210012, "both")):
        if known.min() >= low and known.max() <= high:
            months, days = known // length % 100, known % length if length > 1 else np.ones(1)
            if ((months >= 1) & (months <= 12)).all() and ((days >= 1) & (days <= 31)).all():
                words = "year and month" if words == "both" else words
                return f"{words} in one number, such as {known[0]:.0f}"
    return ""


def codes(patient: Patient) -> Iterator[Finding]:
    """For discrete (e.g. nominal) values, one (input or output) node per value is often most effective."""
    named, sparse = [], []
    for column in patient.inputs:
        values = patient.numbers.get(column.name)
        if values is None or column.origin in (*COUNTED, "boolean") or parts_of(column, patient):
            continue
        known = values[values == values]
        if not (known == np.floor(known)).all():
            continue
        distinct, counts = np.unique(known, return_counts=True)
        if len(distinct) < 3 or len(known) < 5 * len(distinct):
            continue
        if _sparse(distinct, counts):
            sparse.append(column.name)
        elif NAME_WORDS.search(column.name):
            named.append(column.name)
    for names, severity, what in (
        (sparse, "warning", "few different whole numbers with wide, uneven gaps, as codes have"),
        (named, "hint", "whole numbers under a name that speaks of kinds"),
    ):
        if names:
            yield finding(
                "codes",
                "warning" if severity == "warning" else "hint",
                f"{quoted(names)}: {what}.",
                "As a number, code 4 is twice code 2: an order that is not there, and that must first be unlearnt.",
                "If these are codes, give each value a node of its own.",
                nominal=patient.as_names(names),
            )


def _sparse(distinct: np.ndarray, counts: np.ndarray) -> bool:
    """Say whether whole numbers look like codes: few, with wide gaps that neither repeat a step nor grow steadily."""
    gaps = np.diff(distinct).astype(np.int64)
    if len(distinct) > 50 or distinct[0] < 1 or counts.max() > 0.8 * counts.sum() or len(gaps) < 2:
        return False
    slots = (distinct[-1] - distinct[0]) / int(np.gcd.reduce(gaps)) + 1
    return bool(slots > 10 * len(distinct)) and not (np.diff(gaps) >= 0).all()


ENCODING_CHECKS = (
    Check(packed_columns, "Each column holds one thing."),
    Check(codes, "No code is read as a number."),
)
