"""The doctor's checks of single columns: scale, constants, gaps and rare names. The tip is seed 004's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.data.columns import count, name_list
from chainrule.data.roles import tells_rows_apart
from chainrule.data.spellings import variants_in_words
from chainrule.models.doctor.findings import Finding, finding, quoted
from chainrule.models.doctor.patient import Check, Patient

WIDEST_RATIO = 10.0
LARGEST_INPUT = 10.0
NEARLY_CONSTANT = 0.995
RARE = 3
COMMON_WORD = 0.05


def input_scale(patient: Patient) -> Iterator[Finding]:
    """Scale all input values to the same range, typically [0 1] or [-1 1]."""
    if patient.encoding_plan.scale != "none" or not patient.numbers:
        return
    lows = {name: float(np.nanmin(values)) for name, values in patient.all_numbers.items()}
    highs = {name: float(np.nanmax(values)) for name, values in patient.all_numbers.items()}
    widths = {name: highs[name] - lows[name] for name in lows}
    widest, narrowest = max(widths, key=widths.__getitem__), min(widths, key=widths.__getitem__)
    farthest = max(lows, key=lambda name: max(-lows[name], highs[name]))
    ratio, size = widths[widest] / widths[narrowest], max(-lows[farthest], highs[farthest])
    if ratio <= WIDEST_RATIO and size <= LARGEST_INPUT:
        return
    shown = dict.fromkeys((widest, narrowest) if ratio > WIDEST_RATIO else (farthest,))
    ranges = " and ".join(f'"{name}" from {lows[name]:.4g} to {highs[name]:.4g}' for name in shown)
    yield finding(
        "input scale",
        "problem" if ratio > 100 * WIDEST_RATIO or size > 100 * LARGEST_INPUT else "warning",
        f"The inputs are not scaled: {ranges}.",
        "Columns of large numbers drown the others and drive units into saturation; no learning rate suits all.",
        "Scale all inputs to the same range.",
        scale="standard",
    )


def constant_columns(patient: Patient) -> Iterator[Finding]:
    """A column that says the same of every example says nothing."""
    constant, nearly = [], []
    for column in patient.inputs:
        known = column.values[~column.missing]
        if len(known) == 0 or bool((known == known[0]).all()):
            constant.append(column.name)
            continue
        values = column.values[patient.rows]
        if column.kind == "text":
            share = max(Counter(values.tolist()).values()) / len(values)
        else:
            middle = np.median(values) if not np.isnan(values).any() else np.nanmedian(values)
            share = float(np.mean(values == middle))
        if share >= NEARLY_CONSTANT and len(values) >= 200 and len(values) * (1 - share) < 20:
            nearly.append(column.name)
    for names, what in ((constant, "the same value in every row"), (nearly, "the same value in almost every row")):
        if names:
            yield finding(
                "constant columns",
                "hint",
                f"{quoted(names)}: {what}.",
                "Such a column cannot tell examples apart"
                + ("; it is left out." if names is constant else ", and its few other rows invite learning by heart."),
                "Leave the column out.",
                ignore=patient.ignoring(names),
            )


def missing_values(patient: Patient) -> Iterator[Finding]:
    """Every input must have a number."""
    table, plan = patient.table, patient.encoding_plan
    assert table is not None
    targets = [(column.name, int(column.missing.sum())) for column in patient.targets]
    targets = [(name, gaps) for name, gaps in targets if gaps]
    inputs = [(column.name, int(column.missing.sum())) for column in patient.inputs if column.name not in plan.ignore]
    inputs = [(name, gaps) for name, gaps in inputs if 0 < gaps < table.n_rows]
    worst = max((gaps for _, gaps in inputs), default=0) / table.n_rows
    how = "indicate" if worst > 0.05 else "impute" if inputs else "drop"  # each leaves out rows without a target
    if targets and plan.missing == "refuse":
        yield finding(
            "missing values",
            "problem",
            f"The target is missing: {_gaps(targets)}.",
            "There is nothing to learn from such a row.",
            "Complete the rows or leave them out.",
            missing=how,
        )
    if inputs and plan.missing == "refuse":
        yield finding(
            "missing values",
            "problem",
            f"Values are missing: {_gaps(inputs)}, of {count(table.n_rows, 'row')}.",
            "A missing value is not a number, and training refuses to guess.",
            "Fill them in (impute), fill them in and tell the network (indicate), or leave the rows out (drop)."
            + (" A column that is mostly empty is better left out (--ignore)." if worst > 0.5 else ""),
            missing=how,
        )
    named = (column for column in (*patient.inputs, *patient.targets) if column.kind == "text")
    said = [(column.name, dict(column.tokens).get("None", 0)) for column in named]
    said = [(name, cells) for name, cells in said if cells > COMMON_WORD * table.n_rows]
    if said:
        yield finding(
            "missing values",
            "hint",
            f'Cells that say "None" were taken for missing: {_gaps(said)}.',
            "If it is a value of its own, as in a list of extras, it is a name like the others, and not a gap.",
            "If it is a value, say so.",
            not_missing=("None",),
        )


def _gaps(gaps: Sequence[tuple[str, int]]) -> str:
    return name_list([f'"{name}" {missing:,}' for name, missing in gaps], limit=10)


def categories(patient: Patient) -> Iterator[Finding]:
    """One node per value works where each value has enough rows to learn from."""
    plan = patient.encoding_plan
    lost: list[str] = []
    rare: list[str] = []
    rare_values = 0
    for column in patient.inputs:
        if column.kind != "text":
            continue
        counts = Counter(column.values.tolist())
        del counts[None]
        if column.name not in plan.nominal and tells_rows_apart(len(counts), sum(counts.values())):
            lost.append(column.name)
        elif len(counts) > 1 and (seldom := sum(n < RARE for n in counts.values())):
            rare.append(column.name)
            rare_values += seldom
    if lost:
        yield finding(
            "categories",
            "hint",
            f"{quoted(lost)}: left out, as most rows have a value of their own.",
            "Such a name tells rows apart, and says nothing of new ones.",
            "Say so with --ignore, or group the values into fewer.",
            ignore=patient.ignoring(lost),
        )
    if rare and plan.unknown == "refuse" and not patient.whole:
        yield finding(
            "categories",
            "hint",
            f"{quoted(rare)}: {count(rare_values, 'value')} in fewer than {RARE} rows.",
            "Where values are rare, new rows are likely to bring one that training did not have, and are refused.",
            "Let unknown values pass when predicting, or group rare values into one.",
            unknown="other",
        )


def spellings(patient: Patient) -> Iterator[Finding]:
    """One name, one way to write it."""
    plan = patient.encoding_plan
    targets = [column for column in patient.targets if patient.task == "classification"]
    for columns, severity, why in (
        (targets, "hint", "Classes count as one where that is all the difference, under the most frequent spelling."),
        (patient.inputs, "warning", "Each spelling is a name of its own, with a part of the rows to learn from."),
    ):
        found = [words for c in columns if c.name not in plan.nominal and (words := variants_in_words(c))]
        if found:
            yield finding(
                "spellings",
                "hint" if severity == "hint" else "warning",
                f"Names that differ in case or white space alone: {name_list(found, limit=5)}.",
                why,
                "Write each name in one way; if they are different things, name the column with --nominal.",
            )


COLUMN_CHECKS = (
    Check(input_scale, "The inputs have about the same range."),
    Check(constant_columns, "Every input tells examples apart."),
    Check(missing_values, "No value is missing, or it is said what to do."),
    Check(categories, "Names have enough rows each."),
    Check(spellings, "Each name is written in one way."),
)
