"""The result of a report in a few large numbers, with what they are to be compared with."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.data.columns import Table, count
from chainrule.models.evaluation import ClassEvaluation, Evaluation, ValueEvaluation, words_of
from chainrule.models.model import Model
from chainrule.numerals import number, percent, share
from chainrule.show.markup import EMPTY, Html, element, text
from chainrule.show.report.intervals import Bootstrap, Interval, bootstrap, wilson_interval
from chainrule.show.report.page import paragraph

MOST_TILES = 5  # for targets; the others are in the table of the results
Tile = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Values:
    """Of a regression whose rows are at hand: what was predicted, and what that is measured against.

    Attributes
    ----------
    truth, predicted : float arrays (N, n targets)
    means : float array (n targets,)
        Of the training rows.
    means_rmse : float array (n targets,)
        The RMSE if every answer were that mean.
    intervals : Bootstrap or None
        None for too few rows, and for the rows that were learned from.
    """

    truth: np.ndarray
    predicted: np.ndarray
    means: np.ndarray
    means_rmse: np.ndarray
    intervals: Bootstrap | None


@dataclass(frozen=True, eq=False)
class Judged:
    """What a report judges a model by.

    Attributes
    ----------
    part : {"test", "training"}
    evaluation : Evaluation
    rows : Table or None
        None for a model that was loaded from a file.
    values : Values or None
        For a regression with rows.
    """

    part: str
    evaluation: Evaluation
    rows: Table | None
    values: Values | None = None


def judge(model: Model) -> Judged | None:
    """Return the measures on the test part; without one those on the training part; None if there is neither."""
    learned_from = model.parts.get("train")
    if model.test is not None:
        part, evaluation, rows = "test", model.test, model.parts.get("test")
    elif learned_from is not None:
        part, evaluation, rows = "training", model.evaluate(learned_from), learned_from
    else:
        return None
    if rows is None or learned_from is None or isinstance(evaluation, ClassEvaluation):
        return Judged(part, evaluation, rows)
    return Judged(part, evaluation, rows, _values(model, rows, learned_from, part == "test"))


def _values(model: Model, rows: Table, learned_from: Table, unseen: bool) -> Values:
    n = len(model.encoding.target_names)
    truth = np.asarray(model.encoding.true_values(rows), dtype=np.float64).reshape(-1, n)
    predicted = np.asarray(model.predict(rows), dtype=np.float64).reshape(-1, n)
    means = np.asarray(model.encoding.true_values(learned_from), dtype=np.float64).reshape(-1, n).mean(axis=0)
    with np.errstate(over="ignore"):
        means_rmse = np.sqrt(np.mean((truth - means) ** 2, axis=0))
    return Values(truth, predicted, means, means_rmse, bootstrap(truth, predicted) if unseen else None)


def headline(judged: Judged | None) -> Html:
    """Return the most important numbers, large."""
    if judged is None:
        return paragraph("No rows were kept for testing, so this report cannot say how good the predictions are.")
    found = judged.evaluation
    tiles = _class_tiles(judged, found) if isinstance(found, ClassEvaluation) else _value_tiles(judged, found)
    blocks = [
        element("div", element("dt", text(a)), element("dd", text(b), class_="value"), element("dd", text(c)))
        for a, b, c in tiles
    ]
    after = EMPTY
    if judged.part == "training":
        after = paragraph(
            "No rows were kept for testing: these are the rows it learned from, and new rows may go worse."
        )
    elif judged.values is not None and judged.values.intervals is not None:
        after = paragraph(
            f"The 95 % intervals come from {judged.values.intervals.resamples:,} resamples of the "
            f"{count(found.rows, 'test row')} (bootstrap): how far other test rows could move the numbers, "
            "not how far another training could.",
            "soft",
        )
    return Html(element("dl", *blocks, class_="tiles") + after)


def _on(judged: Judged) -> str:
    return f"on {count(judged.evaluation.rows, judged.part + ' row')}"


_OF_RANKS = {
    "roc_auc": "share of pairs of rows of two classes that the probabilities put in the right order",
    "average_precision": "mean precision over the rows of a class, in the order of their probabilities",
}


def _class_tiles(judged: Judged, found: ClassEvaluation) -> list[Tile]:
    right = sum(row[i] for i, row in enumerate(found.confusion))
    low, high = wilson_interval(right, found.rows)
    commonest = max(sum(row) for row in found.confusion) / max(1, found.rows)
    detail = f"{right:,} of {found.rows:,} right"
    if judged.part == "test":
        detail += f"; 95 % interval {percent(low)} to {percent(high)}"
    return [
        (f"accuracy {_on(judged)}", percent(found.accuracy), detail),
        ("for comparison", percent(commonest), "right if every answer were the commonest class"),
        ("log loss", number(found.log_loss), "mean of −ln(probability of the true class)"),
        ("balanced accuracy", percent(found.balanced_accuracy), "mean over the classes of the share that is found"),
        *(
            (words_of(name), share(value), detail)
            for name, detail in _OF_RANKS.items()
            if not math.isnan(value := getattr(found, name))
        ),
    ]


def _value_tiles(judged: Judged, found: ValueEvaluation) -> list[Tile]:
    n, values = len(found.targets), judged.values
    intervals = values.intervals if values is not None else None
    none: tuple[Interval | None, ...] = (None,) * n
    r2s, rmses, mean_r2 = (intervals.r2, intervals.rmse, intervals.mean_r2) if intervals else (none, none, None)
    meaning = "share of the variance explained"
    if n == 1:
        units = f"in the units of {found.targets[0]}"
        error = f"root of the mean squared error, {units}"
        tiles = [
            (f"R² {_on(judged)}", r2_words(found.r2), _with(r2s[0], r2_words, meaning)),
            ("RMSE", number(found.rmse), _with(rmses[0], _short, error)),
        ]
        if values is not None:
            comparison = f"RMSE if every answer were the training mean, {number(float(values.means[0]))}"
            tiles.append(("for comparison", number(float(values.means_rmse[0])), comparison))
        return [*tiles, ("mean absolute error", number(found.mae), units)]
    # Errors in different units have no sum: each target has its own.
    tiles = [
        (
            f"R² {_on(judged)}",
            r2_words(found.r2),
            _with(mean_r2, r2_words, f"mean over {n} targets; {meaning}"),
        )
    ]
    for k, (name, (rmse, _, r2)) in enumerate(zip(found.targets[:MOST_TILES], found.each, strict=False)):
        error = f"RMSE {number(rmse)}"
        if values is not None:
            error += f"; for comparison, always the training mean: {number(float(values.means_rmse[k]))}"
        tiles.append((f"R² of {name}", r2_words(r2), _with(r2s[k], r2_words, error)))
    return tiles


def interval_words(interval: Interval | None, say: Callable[[float], str]) -> str:
    """Write an interval, or nothing where there is none."""
    if interval is None or not all(map(math.isfinite, interval)):
        return ""
    return f"{say(interval[0])} to {say(interval[1])}"


def r2_words(value: float) -> str:
    """Write an R², which may be far below 0."""
    return share(value) if -10 < value <= 1 else number(value)


def _short(value: float) -> str:
    return number(value, 3)


def _with(interval: Interval | None, say: Callable[[float], str], words: str) -> str:
    written = interval_words(interval, say)
    return f"{words}; 95 % interval {written}" if written else words
