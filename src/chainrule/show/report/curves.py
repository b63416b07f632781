"""The learning curves of a report: how cost, accuracy, learning rate and gradient norm went, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from chainrule.models.model import Model
from chainrule.numerals import number, percent
from chainrule.show.axes import LARGEST, thinned, wants_log
from chainrule.show.markup import Html
from chainrule.show.report.page import figure, figures, paragraph, section
from chainrule.show.svg import WIDTH, Curve, line_chart
from chainrule.training.state import Epoch

MOST_POINTS = 400
NARROW = 330  # of three charts in a row
_FIELD = {name: position for position, name in enumerate(Epoch._fields)}


def curves_section(model: Model, over_trained: bool = False) -> Html:
    """Draw the history of a training; `over_trained` adds a sentence on what the validation cost says."""
    if not len(model.history):
        return section("How it learned", paragraph("No finished epoch was recorded."))
    history = np.array([list(row) for row in model.history], dtype=np.float64)
    kept = model.provenance.best_epoch
    charts = _charts(history, kept)
    three = len(charts) == 3
    if three:
        charts = _charts(history, kept, NARROW)
    dropped = ""
    if any(model.plan.dropout):
        dropped = (
            "The training curves are measured while dropout leaves units out, the validation curves with all units, "
            "so that the training cost may well be the higher one."
        )
    thin = ""
    if len(history) > MOST_POINTS:
        thin = (
            f"Of {len(history):,} epochs at most {MOST_POINTS} are drawn: the lowest and the highest of each stretch."
        )
    return section(
        "How it learned",
        paragraph(_story(history, kept)),
        paragraph(_by_heart(history) if over_trained else ""),
        figures(charts, "figures three" if three else "figures"),
        paragraph(dropped, "soft"),
        paragraph(thin, "soft"),
    )


def _charts(history: np.ndarray, kept: int, width: float = WIDTH) -> list[Html]:
    """The charts that have something to show."""
    drawn = [_costs(history, kept, width), _accuracies(history, kept, width), *_small(history, width)]
    return [chart for chart in drawn if chart]


def _story(history: np.ndarray, kept: int) -> str:
    costs, watched = history[:, _FIELD["cost"]], history[:, _FIELD["validation_cost"]]
    if len(history) == 1:
        return f"The training cost was {number(costs[0])} in the only epoch."
    words = f"The training cost went from {number(costs[0])} to {number(costs[-1])}"
    row = _row_of(history, kept)
    if row is None or not math.isfinite(watched[row]):
        return words + "."
    words += f", the validation cost from {number(watched[0])} to {number(watched[-1])}."
    if kept == history[-1, 0]:
        return f"{words} The weights of the last epoch are kept."
    return f"{words} It was lowest, {number(watched[row])}, in epoch {kept:,}, whose weights are kept."


def _by_heart(history: np.ndarray) -> str:
    best = int(np.nanargmin(history[:, _FIELD["validation_cost"]]))
    return (
        f"After epoch {history[best, 0]:,.0f} the validation cost rose while the training cost kept falling: the "
        "network went on to learn its examples by heart. What helps is under “What could be better”."
    )


def _costs(history: np.ndarray, kept: int, width: float) -> Html:
    shown, curves = _curves(history, kept, "cost", "validation_cost")
    values = [value for curve in curves for value in curve.values]
    log = wants_log(values)
    finite = [value for value in values if math.isfinite(value) and abs(value) <= LARGEST]
    title = "Cost per epoch" + (" (log scale)" if log else "")
    picture = line_chart(
        _in_words(title, curves, number), shown, curves, x_label="epoch", y_label="cost", log=log,
        include=[0.0] if finite and min(finite) >= 0 and not log else [], mark=_mark(kept), width=width,
    )  # fmt: skip
    return figure(title, picture, _keys(curves))


def _accuracies(history: np.ndarray, kept: int, width: float) -> Html:
    shown, curves = _curves(history, kept, "accuracy", "validation_accuracy")
    title = "Accuracy per epoch"
    picture = line_chart(
        _in_words(title, curves, percent), shown, curves, x_label="epoch", y_label="accuracy",
        include=[_round_start(curves), 1.0], mark=_mark(kept), width=width,
    )  # fmt: skip
    return figure(title, picture, _keys(curves))


def _round_start(curves: list[Curve]) -> float:
    """The largest number below all accuracies from which round steps lead to 1."""
    lowest = min((value for curve in curves for value in curve.values if math.isfinite(value)), default=0.0)
    return max((start for start in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99) if start <= lowest), default=0.0)


def _small(history: np.ndarray, width: float) -> list[Html]:
    charts = []
    for field, title, label in (
        ("learning_rate", "Learning rate", "learning rate"),
        ("gradient_norm", "Norm of the gradient", "norm"),
    ):
        values = history[:, _FIELD[field]]
        finite = values[np.abs(values) <= LARGEST]
        if not len(finite) or finite.max() - finite.min() <= 1e-9 * np.abs(finite).max():
            continue
        chosen = thinned(values[None, :], MOST_POINTS)
        curve = Curve(field, values[chosen].tolist())
        log = field == "gradient_norm" and wants_log(curve.values)
        heading = title + (" (log scale)" if log else "")
        picture = line_chart(
            _in_words(heading, [curve], number), history[chosen, 0].tolist(), [curve], x_label="epoch", y_label=label,
            log=log, include=[] if log else [0.0], width=width,
        )  # fmt: skip
        charts.append(figure(heading, picture))
    return charts


def _curves(history: np.ndarray, kept: int, training: str, validation: str) -> tuple[list[float], list[Curve]]:
    """Thin out the two curves together, the kept epoch staying; a curve that was never measured is left out."""
    fields = [(training, "training", "first"), (validation, "validation", "second")]
    measured = [
        (name, words, tone) for name, words, tone in fields if np.isfinite(history[:, _FIELD[name]]).any()
    ]  # fmt: skip
    if not measured:
        return [], []
    values = history[:, [_FIELD[name] for name, _, _ in measured]].T
    row = _row_of(history, kept)
    chosen = thinned(values, MOST_POINTS, [] if row is None else [row])
    curves = [
        Curve(words, line[chosen].tolist(), tone) for line, (_, words, tone) in zip(values, measured, strict=True)
    ]
    return history[chosen, 0].tolist(), curves


def _row_of(history: np.ndarray, epoch: int) -> int | None:
    found = np.flatnonzero(history[:, 0] == epoch)
    return int(found[0]) if len(found) else None


def _mark(kept: int) -> tuple[float, str] | None:
    return (float(kept), f"kept: epoch {kept:,}") if kept else None


def _keys(curves: list[Curve]) -> list[tuple[str, str]]:
    return [(curve.tone, curve.name) for curve in curves]


def _in_words(title: str, curves: list[Curve], say: Callable[[float], str]) -> str:
    parts = []
    for curve in curves:
        finite = [value for value in curve.values if math.isfinite(value)]
        if finite:
            parts.append(f"{curve.name.replace('_', ' ')} from {say(finite[0])} to {say(finite[-1])}")
    return f"{title}: {', '.join(parts)}" if parts else title
