"""The doctor's checks across columns and rows: columns that repeat each other or the target, rows that are too few."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from chainrule.data.columns import Column, count, name_list
from chainrule.models.doctor.findings import Finding, finding, quoted
from chainrule.models.doctor.patient import Check, Patient, codes_of, standardised

SAME = 0.9999
FEW_TO_JUDGE = 20
MOST_COMPARED = 400
ENOUGH_TO_COMPARE = 2000
MOST_REPEATED = 0.1
MOSTLY_ONE_CLASS = 0.8
ID_NAME = re.compile(r"(^|[_\W])(id|row|index|nr|no|number|key|serial)$|^unnamed", re.IGNORECASE)


def duplicate_columns(patient: Patient) -> Iterator[Finding]:
    """Only add as many nodes as necessary: two columns that say the same need one."""
    twins: list[tuple[str, str]] = [*_equal_names(patient), *_correlated(patient)]
    if twins:
        pairs = name_list([f'"{second}" with "{first}"' for first, second in twins], limit=8)
        yield finding(
            "duplicate columns",
            "hint",
            f"Columns that say the same: {pairs} (correlation above {SAME}).",
            "The weights of both share one task in any proportion; that makes them unreadable and slow to settle.",
            "Keep one of each.",
            ignore=patient.ignoring(dict.fromkeys(second for _, second in twins)),
        )


def _equal_names(patient: Patient) -> Iterator[tuple[str, str]]:
    first: dict[bytes, str] = {}
    for name, codes in patient.codes.items():
        if name in patient.left_out:
            continue
        twin = first.setdefault(codes.tobytes(), name)
        if twin != name:
            yield twin, name


def _correlated(patient: Patient) -> Iterator[tuple[str, str]]:
    complete = {name: values for name, values in patient.numbers.items() if not np.isnan(values).any()}
    complete = {name: values[:: max(1, len(values) // ENOUGH_TO_COMPARE)] for name, values in complete.items()}
    names = list(complete)[:MOST_COMPARED]
    if len(names) < 2:
        return
    M = np.column_stack([standardised(complete[name]) for name in names])
    R = np.abs(M.T @ M) / len(M)
    taken: set[int] = set()
    for i, j in np.argwhere(np.triu(R > SAME, 1)).tolist():
        if i not in taken and j not in taken:
            taken.add(j)
            yield names[i], names[j]


def row_numbers(patient: Patient) -> Iterator[Finding]:
    """A number that only counts the rows, or names them, holds for no other row."""
    names = [c.name for c in patient.inputs if c.name not in patient.left_out and _names_rows(c, patient)]
    if names:
        yield finding(
            "row numbers",
            "warning",
            f"{quoted(names)}: a different value in each row, as row numbers and identifiers have.",
            "The network can tell the training rows apart by it, and learn them by heart.",
            "Leave the column out.",
            ignore=patient.ignoring(names),
        )


def _names_rows(column: Column, patient: Patient) -> bool:
    values = column.values
    if bool(column.missing.any()) or column.origin == "date":
        return False
    if column.kind == "text":
        return column.name in patient.codes and len(set(values.tolist())) == len(values)
    if not (values == np.floor(values)).all():
        return False
    steps = np.diff(values)
    if (steps > 0).all() or (steps < 0).all():
        return True
    return bool(ID_NAME.search(column.name)) and len(np.unique(values)) == len(values)


def repeated_rows(patient: Patient) -> Iterator[Finding]:
    """A test row that was also trained on measures memory."""
    setup = patient.setup
    assert setup is not None
    test = setup.split.test if len(setup.split.test) else setup.split.validation
    if not len(test):
        return
    share = repeated_share(patient, test)
    if share <= MOST_REPEATED or few_cases(_columns(patient), setup.table.n_rows):
        return
    yield finding(
        "repeated rows",
        "warning",
        f"{share:.0%} of the {'test' if test is setup.split.test else 'validation'} rows are also training rows, "
        "value for value.",
        "The network has seen their answers, so the measured accuracy is too good.",
        "Remove repeated rows" + (" with a query." if patient.file else " from the table."),
        **({"sql": "select distinct * from data"} if patient.file else {}),
    )


def _columns(patient: Patient) -> list[Column]:
    assert patient.setup is not None
    names = [column.name for column in (*patient.inputs, *patient.targets) if column.name not in patient.left_out]
    return [patient.setup.table.column(name) for name in names]


def repeated_share(patient: Patient, test: np.ndarray) -> float:
    """Return the share of these rows that are training rows too, value for value (or less, below MOST_REPEATED)."""
    setup = patient.setup
    assert setup is not None
    share, key = 1.0, np.zeros(setup.table.n_rows, dtype=np.uint64)
    for kind in ("number", "text"):  # rows whose numbers differ need no look at their text, which takes longer
        key = _row_keys(key, [column for column in _columns(patient) if column.kind == kind])
        share = float(np.isin(key[test], key[setup.split.train]).mean())
        if share <= MOST_REPEATED:
            break
    return share


def _row_keys(key: np.ndarray, columns: list[Column]) -> np.ndarray:
    """Mix columns into a number for each row: equal for equal rows and, but for chance, different for others."""
    for column in columns:
        if column.kind == "text":
            bits = codes_of(column, slice(None)).astype(np.uint64)
        else:
            bits = (column.values + 0.0).view(np.uint64)  # + 0.0 makes -0 and 0 the same
        key = (key ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        key = key ^ (key >> np.uint64(29))
    return key


def few_cases(columns: list[Column], n_rows: int) -> bool:
    """Say whether there are so few possible rows that repetition cannot be avoided."""
    cases = 1
    for column in columns:
        cases *= len(set(column.values[:2000].tolist()))
        if cases > 5 * n_rows:
            return False
    return True


def classes(patient: Patient) -> Iterator[Finding]:
    """A class that is rarely met is rarely learnt."""
    if not patient.targets:
        return
    table = patient.table if patient.setup is None else patient.setup.table
    weights = None if patient.setup is None else patient.setup.sample_weight
    assert table is not None
    values = table.column(patient.targets[0].name).as_text().values
    names, inverse, rows = np.unique(
        np.array([value for value in values.tolist() if value is not None]), return_inverse=True, return_counts=True
    )
    if len(names) < 2:
        return
    weighed = rows if weights is None else np.bincount(inverse, weights=weights, minlength=len(names))
    ratio = float(weighed.max() / weighed.min()) if weighed.min() > 0 else np.inf
    few = [f'"{name}" {n:,}' for name, n in zip(names.tolist(), rows.tolist(), strict=True) if n < 10]
    if few:
        yield finding(
            "classes",
            "warning",
            f"Classes with fewer than 10 rows: {name_list(few, limit=10)}.",
            "Divided into training, validation and test, a handful of rows neither teaches nor tests.",
            "Collect more rows of these classes, or join them with others.",
        )
    if ratio > 10:
        low, high = names[weighed.argmin()], names[weighed.argmax()]
        rarest, commonest = weighed.min() / weighed.sum(), weighed.max() / weighed.sum()
        yield finding(
            "classes",
            "warning" if commonest > MOSTLY_ONE_CLASS else "hint",
            f'"{high}" has {ratio:.0f} times the rows of "{low}" ({rows[weighed.argmax()]:,} and '
            f"{rows[weighed.argmin()]:,}" + (", by their weights)." if weights is not None else ")."),
            f'Calling everything "{high}" is right for {commonest:.1%} of the rows, and never saying "{low}" costs '
            f"{rarest:.1%}: there is little to gain by learning it.",
            "Give the rows of rare classes a larger weight, so that all classes count the same.",
            class_weight="balanced",
        )


def few_rows(patient: Patient) -> Iterator[Finding]:
    """A network learns from examples, and is judged by examples."""
    setup = patient.setup
    assert setup is not None
    train, test = len(setup.split.train), len(setup.split.test)
    if train < 30:
        yield finding(
            "rows",
            "warning",
            f"There are {count(train, 'training row')}.",
            "What so few rows have in common may be chance.",
            "Collect more rows, and keep the network small.",
        )
    elif 0 < test < 20:
        yield finding(
            "rows",
            "hint",
            f"There are {count(test, 'test row')}.",
            f"Each of them is {1 / test:.0%} of the measured accuracy, so that it depends on the seed.",
            "Compare several seeds, or keep a larger share for the test (--test).",
        )


NO_TWINS = f"No two columns say the same (correlation above {SAME})."
ROW_CHECKS = (
    Check(
        duplicate_columns,
        NO_TWINS,
        least_rows=FEW_TO_JUDGE,
        parts=True,
    ),
    Check(row_numbers, "No input just counts or names the rows.", least_rows=FEW_TO_JUDGE, least_inputs=2, parts=True),
    Check(repeated_rows, "Test rows are not among the training rows.", "setup", parts=True),
    Check(classes, "Every class has its share of rows.", task="classification", parts=True),
    Check(few_rows, "There are rows enough to learn from and to test on.", "setup", parts=True),
)
