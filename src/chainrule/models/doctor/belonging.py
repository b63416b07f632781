"""The doctor's checks of rows that belong together, of which a random test measures memory: groups, time, copies."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from chainrule.data.columns import Column, count
from chainrule.models.doctor.findings import Finding, finding
from chainrule.models.doctor.patient import Check, Patient, codes_of
from chainrule.models.doctor.rows import MOST_REPEATED, repeated_share

FEW_TO_JUDGE = 60
FEWEST_GROUPS = 10
ROWS_PER_GROUP = 2.0
ALIKE = 0.9  # share of a column's variance that lies between the groups, in the middle of all columns
GROUP_NAME = re.compile(
    r"(^|[_\W])(patient|subject|person|user|customer|client|member|student|pupil|participant|respondent|animal|donor|"
    r"household|account|session|speaker)s?([_\W]?(id|name|no|nr|number|code|key))?$|(^|[_\W])id$",
    re.IGNORECASE,
)
TIME_NAME = re.compile(r"(^|[_\W])(time|timestamp|date|datetime|epoch|year|day|when)$", re.IGNORECASE)
FEWEST_TIMES = 10
# Near-copies: the nearest training row is this much nearer than the density around a test row lets expect ...
NEARER = 0.1
# ... for more than this share of the test rows; by chance it is a tenth of them where inputs lie on a line, else fewer.
MOST_NEAR = 0.3
NEIGHBOURS = 40
FEW_VALUES, LEAST_FINE = 20, 3
MOST_ROWS = 30_000
MOST_TESTED = 300


def divided_as_asked(patient: Patient) -> bool:
    """Whether it was said already how rows are divided."""
    plan = patient.encoding_plan
    return any(value is not None for value in (plan.group, plan.time, plan.split, plan.test_file))


def groups(patient: Patient) -> Iterator[Finding]:
    """Rows of one patient are no independent examples: they train or test together."""
    if divided_as_asked(patient):
        return
    for column, alike in _groups(patient):
        values = len(set(column.values[~column.missing].tolist()))
        rows = patient.n_rows / values
        yield finding(
            "groups",
            "warning" if alike else "hint",
            f'"{column.name}" has {count(values, "different value")} with {rows:.3g} rows each on average'
            + (", and the rows of one value are alike in the other inputs." if alike else ", as its name lets expect."),
            "Divided at random, rows of one value are in training and test both: the network is tested on what it can "
            "remember, and the measured accuracy is too good for new values.",
            "Keep the rows of one value together.",
            group=column.name,
        )
        return  # one column can keep rows together


def _groups(patient: Patient) -> list[tuple[Column, bool]]:
    """Find columns that say which rows belong together, and whether these are alike; such first."""
    found = []
    for column in patient.inputs:
        if not _may_group(column):
            continue
        codes = codes_of(column, slice(None))
        sizes = np.bincount(codes)
        if len(sizes) < FEWEST_GROUPS or len(codes) < ROWS_PER_GROUP * len(sizes):
            continue
        alike = _alike(patient, column, codes)
        named = GROUP_NAME.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name)) is not None
        if alike or named:
            found.append((column, alike))
    return sorted(found, key=lambda one: not one[1])


def _may_group(column: Column) -> bool:
    if column.missing.any() or column.origin not in ("text", "integer", "float"):
        return False
    return column.kind == "text" or bool((column.values == np.floor(column.values)).all())


def _alike(patient: Patient, column: Column, codes: np.ndarray) -> bool:
    """Whether rows of one value are nearly the same in most of the other inputs."""
    generator = np.random.default_rng(0)
    sizes = np.bincount(codes)
    order = generator.permutation(len(sizes))
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[order[: max(FEWEST_GROUPS, int(np.searchsorted(np.cumsum(sizes[order]), 10_000)))]] = True
    rows = np.flatnonzero(chosen[codes])
    group = np.unique(codes[rows], return_inverse=True)[1]
    if len(rows) < ROWS_PER_GROUP * (int(group.max()) + 1):
        return False
    explained = [
        share
        for other in patient.inputs
        if other.name != column.name and (share := _between(other, rows, group)) is not None
    ]
    return len(explained) >= 2 and float(np.median(explained)) >= ALIKE


def _between(column: Column, rows: np.ndarray, group: np.ndarray) -> float | None:
    """How much of a column's variance lies between the groups, beyond chance; None for a column that is constant.

    1 - (squares within groups / (n - groups)) / (squares / (n - 1)); a name counts as a number for each of its values.
    """
    known = ~column.missing[rows]
    group = np.unique(group[known], return_inverse=True)[1]
    n, groups = len(group), int(group.max(initial=-1)) + 1
    if n <= groups:
        return None
    sizes = np.bincount(group)
    if column.kind == "number":
        values = column.values[rows[known]]
        values = values - values.mean()
        values = values / (np.abs(values).max() or 1.0)
        total = float((values**2).sum())
        within = total - float((np.bincount(group, weights=values) ** 2 / sizes).sum())
    else:
        code = codes_of(column, rows[known])
        total = n - float((np.bincount(code) ** 2).sum()) / n
        pairs, pair_counts = np.unique(group * (int(code.max()) + 1) + code, return_counts=True)
        within = n - float((pair_counts**2 / sizes[pairs // (int(code.max()) + 1)]).sum())
    return None if total <= 1e-12 * n else 1.0 - (within / (n - groups)) / (total / (n - 1))


def time_order(patient: Patient) -> Iterator[Finding]:
    """A model that will predict what comes next is tested on what came last."""
    if divided_as_asked(patient):
        return
    for column in patient.inputs:
        if column.kind != "number" or column.missing.any() or len(np.unique(column.values)) < FEWEST_TIMES:
            continue
        steps = np.diff(column.values)
        ordered = bool((steps >= 0).all() or (steps <= 0).all())
        date = column.origin == "date"
        if not date and not (ordered and TIME_NAME.search(column.name)):
            continue
        yield finding(
            "time order",
            "warning" if date and ordered else "hint",
            f'"{column.name}" holds {"dates" if date else "times"}'
            + (", and the rows are sorted by it." if ordered else "."),
            "Rows drawn at random for the test lie between training rows in time. If the model shall predict what "
            "comes later, that is easier than its task, and the measured accuracy is too good.",
            "If so, train on the past and test on the latest rows.",
            time=column.name,
        )
        return


def near_copies(patient: Patient) -> Iterator[Finding]:
    """A test row that is nearly a training row measures memory, too."""
    setup = patient.setup
    assert setup is not None
    test = setup.split.test if len(setup.split.test) else setup.split.validation
    if not len(test) or repeated_share(patient, test) > MOST_REPEATED or any(alike for _, alike in _groups(patient)):
        return  # these findings say it
    share = _near(setup.X, setup.split.train, test)
    if share > MOST_NEAR:
        which = "test" if test is setup.split.test else "validation"
        yield finding(
            "near-copies",
            "warning",
            f"{share:.0%} of the {which} rows have a training row that is nearly the same in all inputs, far nearer "
            "than the other rows around them.",
            "Such rows were measured on the same thing, or are repeated with small changes: the network is tested on "
            "what it can remember, and the measured accuracy is too good.",
            "Name the column that says which rows belong together with --group, or keep a test of other origin "
            "(--test-file).",
        )


def _near(X: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Return the share of test rows whose nearest training row is far nearer than expected.

    Around a row, the distance to its kth neighbour grows like k^(1/m) in m dimensions; m is measured between the kth
    and the 2kth, and says where the first is expected. Nodes with few different values, which are met again
    by chance, are left out.
    """
    train, test = train[train < MOST_ROWS], test[test < MOST_ROWS]
    if len(train) < 4 * NEIGHBOURS or not len(test):
        return 0.0
    levels = [np.unique(column) for column in X[train].T]
    fine = [j for j, values in enumerate(levels) if len(values) > FEW_VALUES]
    if len(fine) < LEAST_FINE:
        return 0.0
    X = X[:, fine]
    step = float(np.sqrt(sum(np.median(np.diff(levels[j])) ** 2 for j in fine)))  # what rounding can bring together
    test = test[:: max(1, -(-len(test) // MOST_TESTED))]
    T, V = X[train].astype(np.float32), X[test].astype(np.float32)
    with np.errstate(all="ignore"):
        squares = (V**2).sum(axis=1)[:, None] - 2 * V @ T.T + (T**2).sum(axis=1)
    nearest = train[np.argpartition(squares, 2 * NEIGHBOURS, axis=1)[:, : 2 * NEIGHBOURS]]
    d = np.sort(np.sqrt(((X[nearest] - X[test][:, None]) ** 2).sum(axis=2)), axis=1)
    first, kth, last = d[:, 0], d[:, NEIGHBOURS - 1], d[:, -1]
    judged = last > kth * (1 + 1e-6)
    if judged.sum() < 0.5 * len(test):
        return 0.0
    with np.errstate(divide="ignore"):
        m = np.log(2) / np.log(last[judged] / kth[judged])
    expected = kth[judged] * NEIGHBOURS ** (-1 / m)
    return float((first[judged] + step < NEARER * expected).sum() / len(test))


BELONGING_CHECKS = (
    Check(groups, "No column names rows that belong together.", least_rows=FEW_TO_JUDGE, parts=True),
    Check(time_order, "The rows have no order in time.", least_rows=FEW_TO_JUDGE, parts=True),
    Check(
        near_copies, "Test rows are no near-copies of training rows.", "setup", least_rows=FEW_TO_JUDGE, least_inputs=2,
        parts=True,
    ),
)  # fmt: skip
