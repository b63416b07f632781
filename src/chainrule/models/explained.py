"""A trained model explained at the rows of a table, as its weights are now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chainrule.errors import UsageError
from chainrule.explaining.explain import Explanation, explain
from chainrule.models.input_words import names_of

if TYPE_CHECKING:
    from chainrule.models.model import Model

NOT_TAKEN = (
    "not a step that training took: from the trained weights, with all {rows} as one batch and nothing remembered; "
    "for one that it took, model.replay(step=...) or --step"
)


def explain_model(
    model: Model, rows: Any = None, *, example: int = 0, reading: dict[str, Any] | None = None, **options: Any
) -> Explanation:
    """Explain a model's numbers at some rows; see `Model.explain`."""
    if rows is None:
        if "train" not in model.parts:
            raise UsageError("a model that was loaded keeps no rows. Name the table to explain it at.")
        rows = model.parts["train"]
    table = model.read(rows, **(reading or {}))
    X = model.encoding.encode_inputs(table)
    known = {column.name for column in table.columns}
    Y = model.encoding.encode_targets(table) if set(model.encoding.target_names) <= known else None
    plan = model.plan
    trained = {"loss": plan.loss, "reduction": plan.reduction, "weight_decay": plan.weight_decay}
    if Y is not None and plan.solver == "descent":
        trained |= {"update": plan.update, "learning_rate": plan.eta}
    made = explain(model.network, X, Y, example=example, **{**trained, **options})
    definitions = replace(made.definitions, units=names_of(model.encoding, table))
    if definitions.update is not None:
        remark = NOT_TAKEN.format(rows=f"{len(X)} rows" if len(X) > 1 else "this row")
        definitions = replace(definitions, update=replace(definitions.update, remark=remark))
    elif Y is not None:
        definitions = replace(
            definitions,
            without_update=f"this model was trained by {plan.solver}, whose next step from the trained weights is none "
            "that training took. Ask for one that it took: model.replay(step=...), or --step on the command line.",
        )
    return replace(made, definitions=definitions)
