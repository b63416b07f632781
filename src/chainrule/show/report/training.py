"""The training in a report: which options were in force, how it went, and the command to repeat it."""

from __future__ import annotations

import math
from dataclasses import Field, fields
from typing import Any

import chainrule
from chainrule.models.model import Model
from chainrule.numerals import duration, number
from chainrule.show.markup import EMPTY, Html, element, text
from chainrule.show.report.page import paragraph, section, table


def training_section(model: Model, command: str) -> Html:
    """List the options that are not at their default, the course of the training, and how to repeat it."""
    every = [(plan, field) for plan in (model.plan, model.encoding_plan) for field in fields(plan)]
    chosen = [(plan, field) for plan, field in every if _differs(plan, field)]
    columns = [("option", ""), ("value", ""), ("default", ""), ("what it does", "wide")]
    whole = table("Every option", columns, [_row(plan, field) for plan, field in every])
    repeat = EMPTY
    if command:
        repeat = Html(paragraph("To repeat it:") + element("pre", text(command), tabindex=0))
    return section(
        "How it was trained",
        _facts(model),
        table("Options that differ from their default, or were filled in", columns, [_row(*item) for item in chosen]),
        element("details", element("summary", text("Every option")), whole),
        repeat,
    )


def _facts(model: Model) -> Html:
    came = model.provenance
    train, validation, test = came.rows
    facts = [
        ("rows", f"{train:,} to train, {validation:,} to validate, {test:,} to test"),
        ("engine", f"{came.engine}, {model.plan.dtype}"),
        (
            "epochs",
            f"{len(model.history):,} of at most {model.plan.epochs:,}; the weights of epoch {came.best_epoch:,} kept",
        ),
        ("stopped", came.stopped or "not said"),
        ("time", duration(came.seconds)),
        ("seed", str(model.plan.seed)),
    ]
    if len(came.starts) > 1 or model.plan.starts > 1:
        facts.append(("random starts", _starts(came.starts, model.plan.starts)))
    facts.append(("version", f"chainrule {came.version}"))
    if came.version != chainrule.__version__:
        facts.append(("report by", f"chainrule {chainrule.__version__}"))
    return table("The course of the training", [("", ""), ("", "wide")], facts)


def _starts(costs: tuple[float, ...], asked: int) -> str:
    """The cost of each start, in the order they were run."""
    judged = ["diverged" if math.isinf(cost) or math.isnan(cost) else number(cost) for cost in costs]
    words = f"{len(costs)} of {asked} run, with the costs {', '.join(judged[:50])}{', …' if len(costs) > 50 else ''}"
    finite = [cost for cost in costs if math.isfinite(cost)]
    return words + (f"; the lowest, {number(min(finite))}, is kept" if finite else "")


def _differs(plan: Any, field: Field[Any]) -> bool:
    value = getattr(plan, field.name)
    return _by_the_rule(plan, field) or bool(_written(value) != _written(field.default))


def _row(plan: Any, field: Field[Any]) -> tuple[str, str, str, str]:
    value = getattr(plan, field.name)
    shown = _written(value)
    if _by_the_rule(plan, field):
        shown = f"{number(plan.eta)} (by the update rule)"
    return field.name, shown, _written(field.default), field.metadata["help"]


def _by_the_rule(plan: Any, field: Field[Any]) -> bool:
    """Whether the update rule's own learning rate was filled in."""
    return field.name == "learning_rate" and plan.learning_rate is None and plan.solver == "descent"


def _written(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, 6)
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_written, value))
    return str(getattr(value, "name", value))
