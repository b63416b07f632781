"""The results of a report: what was right and wrong on rows that training did not see."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from chainrule.data.columns import Column, Table, name_list
from chainrule.models.evaluation import ClassEvaluation, ValueEvaluation
from chainrule.models.model import Model
from chainrule.numerals import MISSING, number, percent, share
from chainrule.show.confusion import MatrixPlan, confusion_matrix
from chainrule.show.markup import EMPTY, Html
from chainrule.show.report.headline import Judged, Values, interval_words, r2_words
from chainrule.show.report.page import figure, figures, paragraph, section, table
from chainrule.show.svg import WIDTH, histogram, scatter

MOST_POINTS = 2000
MOST_CLASSES_DRAWN = 40
MOST_CLASSES_LISTED = 100
MOST_ROWS_LISTED, MOST_COLUMNS_LISTED = 20, 8
MOST_TARGETS_DRAWN = 12


def results_section(model: Model, judged: Judged | None) -> Html:
    """Show where the predictions were right and wrong."""
    if judged is None:
        return EMPTY
    found = judged.evaluation
    title = f"Results on the {judged.part} part"
    if isinstance(found, ClassEvaluation):
        content = _classes(found, judged.part)
    else:
        content = _values(found, judged)
    return section(title, *content, _few_rows(model, judged))


def _classes(found: ClassEvaluation, part: str) -> list[Html]:
    names = [str(label) for label in found.classes]
    content, beside = [_mix_ups(found, names)], False
    if len(names) <= MOST_CLASSES_DRAWN:
        picture = confusion_matrix(
            f"Confusion matrix of the {part} part: {percent(found.accuracy)} on the diagonal", names, found.confusion
        )
        keys = [("right", "right"), ("wrong", "wrong"), ("", "the stronger, the larger a share of the true class")]
        beside = MatrixPlan.of(names, found.confusion).width <= WIDTH
        content = [figure("Confusion matrix", picture, keys, wide=not beside)]
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
    content = [figures([*content, measures])] if beside else [*content, measures]
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


def _values(found: ValueEvaluation, judged: Judged) -> list[Html]:
    values = judged.values
    content = [_each_target(found, values)] if len(found.targets) > 1 else []
    if values is None:
        words = (
            "The rows are not kept in a model file: predictions beside the truth, intervals and the comparison with "
            "the training mean are there only right after training."
        )
        return [*content, paragraph(words)]
    n, rows = len(found.targets), len(values.truth)
    truth, predicted = values.truth, values.predicted
    if rows > MOST_POINTS:
        chosen = np.sort(np.random.default_rng(0).choice(rows, MOST_POINTS, replace=False))
        truth, predicted = truth[chosen], predicted[chosen]
        content.append(paragraph(f"Drawn from {MOST_POINTS:,} of the {rows:,} rows, taken at random."))
    for k, name in enumerate(found.targets[:MOST_TARGETS_DRAWN]):
        of = f" of {name}" if n > 1 else ""
        heading = f"Predicted and true values{of}"
        points = scatter(
            f"{heading} on the {judged.part} part; R² {r2_words(found.each[k][2])}", truth[:, k], predicted[:, k],
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


def _each_target(found: ValueEvaluation, values: Values | None) -> Html:
    """The measures of several targets; what needs the rows is left out without them."""
    intervals = values.intervals if values is not None else None
    columns = [("target", ""), ("R²", "n"), ("RMSE", "n"), ("mean absolute error", "n")]
    rows = [
        [name, r2_words(r2), number(rmse), number(mae)]
        for name, (rmse, mae, r2) in zip(found.targets, found.each, strict=True)
    ]
    rows.append(["all together", r2_words(found.r2), number(found.rmse), number(found.mae)])
    if intervals is not None:
        columns.append(("95 % interval of the RMSE", "n"))
        for row, interval in zip(rows, (*intervals.rmse, None), strict=True):
            row.append(interval_words(interval, lambda value: number(value, 3)) or MISSING)
    if values is not None:
        columns.append(("RMSE of the training mean", "n"))
        for row, rmse in zip(rows, (*values.means_rmse.tolist(), None), strict=True):
            row.append(number(rmse))
    return table("Each target, in its own units", columns, rows)


def _few_rows(model: Model, judged: Judged) -> Html:
    """A small part, such as a truth table, can be shown whole: the truth and the answers first, then the inputs."""
    rows = judged.rows
    names = [item.name for item in model.encoding.inputs]
    targets = list(model.encoding.target_names)
    if rows is None or rows.n_rows > MOST_ROWS_LISTED or len(names) + len(targets) > MOST_COLUMNS_LISTED:
        return EMPTY
    heads, answers = _answers(model, judged, rows)
    inputs = [rows.column(name) for name in names]
    shown = [column.as_text().values for column in inputs]
    body = [
        (rows.row_numbers[i], *answers[i], *(MISSING if values[i] is None else values[i] for values in shown))
        for i in range(rows.n_rows)
    ]
    columns = [("row", ""), *heads, *((column.name, _side(column)) for column in inputs)]
    caption = f"Every row of the {judged.part} part, with the true and the predicted {name_list(targets)}"
    return table(caption, columns, body)


def _answers(model: Model, judged: Judged, rows: Table) -> tuple[list[tuple[str, str]], list[tuple[str, ...]]]:
    """Headings and cells of the true and the predicted targets, side by side."""
    targets = model.encoding.target_names
    if judged.values is None:
        side = _side(rows.column(targets[0])) or "label"
        heads = [("true", side), ("predicted", side), ("its probability", "n")]
        triples = zip(model.encoding.true_labels(rows), model.predict(rows), model.probabilities(rows), strict=True)
        return heads, [(str(true), str(label), share(float(p.max()))) for true, label, p in triples]
    before = [""] if len(targets) == 1 else [f"{name}, " for name in targets]
    heads = [(name + which, "n") for name in before for which in ("true", "predicted")]
    pairs = np.stack([judged.values.truth, judged.values.predicted], axis=2).reshape(rows.n_rows, -1)
    return heads, [tuple(number(value) for value in row) for row in pairs.tolist()]


def _side(column: Column) -> str:
    """Numbers stand at the right of their cells, words at the left."""
    return "n" if column.kind == "number" else ""
