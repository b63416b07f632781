"""The results of a report: what was right and wrong on rows that training did not see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data.columns import Table, count
from chainrule.models.evaluation import ClassEvaluation, Evaluation, ValueEvaluation
from chainrule.models.model import Model
from chainrule.numerals import MISSING, number, percent, share
from chainrule.show.markup import EMPTY, Html, element, text
from chainrule.show.report.page import figure, figures, paragraph, section, table
from chainrule.show.svg import confusion_matrix, histogram, scatter

MOST_POINTS = 2000
MOST_CLASSES_DRAWN = 40
MOST_CLASSES_LISTED = 100
MOST_ROWS_LISTED, MOST_COLUMNS_LISTED = 20, 8
MOST_TARGETS_DRAWN = 12


@dataclass(frozen=True)
class Judged:
    """What a report judges a model by.

    Attributes
    ----------
    part : {"test", "training"}
    evaluation : Evaluation
    rows : Table or None
        None for a model that was loaded from a file.
    """

    part: str
    evaluation: Evaluation
    rows: Table | None


def judge(model: Model) -> Judged | None:
    """Return the measures on the test part; without one those on the training part; None if there is neither."""
    if model.test is not None:
        return Judged("test", model.test, model.parts.get("test"))
    rows = model.parts.get("train")
    return None if rows is None else Judged("training", model.evaluate(rows), rows)


def headline(judged: Judged | None) -> Html:
    """Return the most important numbers, large."""
    if judged is None:
        return paragraph("No rows were kept for testing, so this report cannot say how good the predictions are.")
    found = judged.evaluation
    on = f"on {count(found.rows, judged.part + ' row')}"
    if isinstance(found, ClassEvaluation):
        right = sum(row[i] for i, row in enumerate(found.confusion))
        low, high = wilson_interval(right, found.rows)
        commonest = max(sum(row) for row in found.confusion) / max(1, found.rows)
        detail = f"{right:,} of {found.rows:,} right"
        if judged.part == "test":
            detail += f"; 95 % interval {percent(low)} to {percent(high)}"
        tiles = [
            (f"accuracy {on}", percent(found.accuracy), detail),
            ("for comparison", percent(commonest), "right if every answer were the commonest class"),
            ("log loss", number(found.log_loss), "mean of −ln(probability of the true class)"),
        ]
    else:
        tiles = _value_tiles(found, on)
    blocks = [
        element("div", element("dt", text(a)), element("dd", text(b), class_="value"), element("dd", text(c)))
        for a, b, c in tiles
    ]
    warning = ""
    if judged.part == "training":
        warning = "No rows were kept for testing: these are the rows it learned from, and new rows may go worse."
    return Html(element("dl", *blocks, class_="tiles") + paragraph(warning))


def _value_tiles(found: ValueEvaluation, on: str) -> list[tuple[str, str, str]]:
    n = len(found.targets)
    meaning = "share of the variance explained; the mean alone has 0"
    if n == 1:
        return [
            (f"R² {on}", _r2(found.r2), meaning),
            ("RMSE", number(found.rmse), f"root of the mean squared error, in the units of {found.targets[0]}"),
            ("mean absolute error", number(found.mae), f"in the units of {found.targets[0]}"),
        ]
    # Errors in different units have no sum: each target has its own.
    each = [
        (f"R² of {name}", _r2(r2), f"RMSE {number(rmse)}, mean absolute error {number(mae)}")
        for name, (rmse, mae, r2) in zip(found.targets[:5], found.each, strict=False)
    ]
    return [(f"R² {on}", _r2(found.r2), f"mean over {n} targets; {meaning}"), *each]


def wilson_interval(right: int, rows: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), which stays sensible near 0 and 1.

    >>> [round(end, 3) for end in wilson_interval(35, 36)]
    [0.858, 0.995]
    """
    if rows == 0:
        return 0.0, 1.0
    p, spread = right / rows, z * z / rows
    middle = (p + spread / 2) / (1 + spread)
    half = z * math.sqrt(p * (1 - p) / rows + spread / (4 * rows)) / (1 + spread)
    return (0.0 if right == 0 else middle - half), (1.0 if right == rows else middle + half)


def results_section(model: Model, judged: Judged | None) -> Html:
    """Show where the predictions were right and wrong."""
    if judged is None:
        return EMPTY
    found = judged.evaluation
    title = f"Results on the {judged.part} part"
    if isinstance(found, ClassEvaluation):
        content = _classes(found, judged.part)
    else:
        content = _values(model, found, judged)
    return section(title, *content, _few_rows(model, judged))


def _classes(found: ClassEvaluation, part: str) -> list[Html]:
    names = [str(label) for label in found.classes]
    content = [_mix_ups(found, names)]
    if len(names) <= MOST_CLASSES_DRAWN:
        picture = confusion_matrix(
            f"Confusion matrix of the {part} part: {percent(found.accuracy)} on the diagonal", names, found.confusion
        )
        keys = [("right", "right"), ("wrong", "wrong"), ("", "the stronger, the larger a share of the true class")]
        content = [figure("Confusion matrix", picture, keys, wide=len(names) > 12)]
    order = list(range(len(names)))
    caption = "Precision, recall and F1 of each class"
    if len(order) > MOST_CLASSES_LISTED:
        order.sort(key=lambda i: -1.0 if math.isnan(found.f1[i]) else found.f1[i])
        order = order[:MOST_CLASSES_LISTED]
        caption += f": the {MOST_CLASSES_LISTED} of {len(names)} with the lowest F1"
    rows = [
        (
            names[i],
            share(found.precision[i]),
            share(found.recall[i]),
            share(found.f1[i]),
            f"{sum(found.confusion[i]):,}",
        )
        for i in order
    ]
    columns = [("class", ""), ("precision", "n"), ("recall", "n"), ("F1", "n"), ("rows", "n")]
    meaning = (
        "Precision: of the rows called this class, the share that was. Recall: of the rows of this class, the share "
        f"that was called so. F1: their harmonic mean. {MISSING} stands where a class was never called, or never there."
    )
    measures = table(caption, columns, rows)
    content = [figures([*content, measures])] if len(names) <= 6 else [*content, measures]
    return [*content, paragraph(meaning, "soft")]


def _mix_ups(found: ClassEvaluation, names: Sequence[str]) -> Html:
    confusion = np.array(found.confusion)
    np.fill_diagonal(confusion, 0)
    commonest = np.argsort(-confusion, axis=None, kind="stable")[:20]
    pairs = [divmod(int(position), len(names)) for position in commonest]
    rows = [(names[i], names[k], f"{confusion[i, k]:,}") for i, k in pairs if confusion[i, k]]
    if not rows:
        return paragraph("Every row was called its own class.")
    caption = f"The commonest mistakes; with {len(names)} classes a confusion matrix cannot be read"
    return table(caption, [("true class", ""), ("called", ""), ("rows", "n")], rows)


def _values(model: Model, found: ValueEvaluation, judged: Judged) -> list[Html]:
    content = []
    if len(found.targets) > 1:
        rows = [
            (name, _r2(r2), number(rmse), number(mae))
            for name, (rmse, mae, r2) in zip(found.targets, found.each, strict=True)
        ]
        rows.append(("all together", _r2(found.r2), number(found.rmse), number(found.mae)))
        columns = [("target", ""), ("R²", "n"), ("RMSE", "n"), ("mean absolute error", "n")]
        content.append(table("Each target, in its own units", columns, rows))
    if judged.rows is None:
        words = (
            "The rows are not kept in a model file: predictions beside the truth are drawn only right after training."
        )
        return [*content, paragraph(words)]
    rows_shown = judged.rows
    if rows_shown.n_rows > MOST_POINTS:
        chosen = np.sort(np.random.default_rng(0).choice(rows_shown.n_rows, MOST_POINTS, replace=False))
        rows_shown = rows_shown.take(chosen)
        content.append(paragraph(f"Drawn from {MOST_POINTS:,} of the {judged.rows.n_rows:,} rows, taken at random."))
    n = len(found.targets)
    truth = np.asarray(model.encoding.true_values(rows_shown), dtype=np.float64).reshape(-1, n)
    predicted = np.asarray(model.predict(rows_shown), dtype=np.float64).reshape(-1, n)
    for k, name in enumerate(found.targets[:MOST_TARGETS_DRAWN]):
        of = f" of {name}" if n > 1 else ""
        heading = f"Predicted and true values{of}"
        points = scatter(
            f"{heading} on the {judged.part} part; R² {_r2(found.each[k][2])}", truth[:, k], predicted[:, k],
            x_label="true", y_label="predicted",
        )  # fmt: skip
        errors = predicted[:, k] - truth[:, k]
        bars = histogram(
            f"Errors{of} on the {judged.part} part, predicted minus true; mean {number(float(errors.mean()), 3)}",
            errors, x_label="predicted − true",
        )  # fmt: skip
        content.append(figures([figure(heading, points), figure(f"Errors{of}", bars)]))
    if n > MOST_TARGETS_DRAWN:
        content.append(paragraph(f"Drawn for the first {MOST_TARGETS_DRAWN} of {n} targets."))
    else:
        content.append(paragraph("On the dashed line a prediction is exactly right.", "soft"))
    return content


def _few_rows(model: Model, judged: Judged) -> Html:
    """A small part, such as a truth table, can be shown whole."""
    rows = judged.rows
    inputs = [item.name for item in model.encoding.inputs]
    targets = list(model.encoding.target_names)
    if rows is None or rows.n_rows > MOST_ROWS_LISTED or len(inputs) + len(targets) > MOST_COLUMNS_LISTED:
        return EMPTY
    answers: list[tuple[str, ...]]
    truth: list[tuple[str, ...]]
    columns = [rows.column(name).as_text().values for name in inputs]
    if model.task == "classification":
        sure = model.probabilities(rows)
        answers = [(str(label), share(float(p.max()))) for label, p in zip(model.predict(rows), sure, strict=True)]
        truth = [(str(label),) for label in model.encoding.true_labels(rows)]
        heads = [("predicted", "n"), ("its probability", "n")]
    else:
        values = np.asarray(model.predict(rows)).reshape(rows.n_rows, -1)
        answers = [tuple(number(float(value)) for value in row) for row in values]
        known = np.asarray(model.encoding.true_values(rows)).reshape(rows.n_rows, -1)
        truth = [tuple(number(float(value)) for value in row) for row in known]
        heads = [("predicted" if len(targets) == 1 else f"{name}, predicted", "n") for name in targets]
    body: list[tuple[Any, ...]] = [
        (
            rows.row_numbers[i],
            *(MISSING if column[i] is None else column[i] for column in columns),
            *truth[i],
            *answers[i],
        )
        for i in range(rows.n_rows)
    ]
    names = [("row", ""), *((name, "n") for name in inputs), *((f"{name}, true", "n") for name in targets), *heads]
    return table(f"Every row of the {judged.part} part", names, body)


def _r2(value: float) -> str:
    return share(value) if -10 < value <= 1 else number(value)
