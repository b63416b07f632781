"""Which of several models is best? A table of what they differ in and how well they do on the validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from chainrule.errors import UsageError
from chainrule.models.ensemble import Ensemble
from chainrule.models.evaluation import OF_CLASSES, ClassEvaluation, Evaluation
from chainrule.models.model import Model
from chainrule.numerals import aligned, number, share

_SAME_RESULT = ("threads", "time_limit")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models in order, the best first; it prints itself as a table.

    Attributes
    ----------
    models : tuple of Model or Ensemble
        The best first.
    places : tuple of int
        Where each stood in the list that was compared, counted from 0.
    evaluations : tuple of ClassEvaluation or ValueEvaluation
        Measured on the validation rows of each, or on the rows that were given.
    differences : tuple of dict
        The options in which the models differ, and what each has.
    """

    models: tuple[Model | Ensemble, ...]
    places: tuple[int, ...]
    evaluations: tuple[Evaluation, ...]
    differences: tuple[dict[str, Any], ...]

    @property
    def best(self) -> Model | Ensemble:
        """The first."""
        return self.models[0]

    def rows(self) -> list[dict[str, Any]]:
        """Return the table as dicts, for a data frame: place, options, measures, epochs, stopped."""
        return [
            {
                "place": place,
                **differences,
                **evaluation.summary(),
                "epochs": len(model.history),
                "stopped": model.provenance.stopped,
            }
            for model, place, evaluation, differences in zip(
                self.models, self.places, self.evaluations, self.differences, strict=True
            )
        ]

    def __str__(self) -> str:
        rows = [{name: value for name, value in row.items() if name not in OF_CLASSES} for row in self.rows()]
        return aligned(
            [name.replace("_", " ") for name in rows[0]],
            [[_written(name, value) for name, value in row.items()] for row in rows],
        )


def compare(models: Sequence[Model | Ensemble], rows: Any = None, **reading: Any) -> Comparison:
    """Order models by how well they do on rows that did not train them.

    Parameters
    ----------
    models : sequence of Model or Ensemble
        For the same task; trained in this program, unless `rows` is given.
    rows
        A table to compare them on; by default the validation rows of each (the training rows where it has none). Test
        rows are left for the end: the best of many on the same rows looks better than it is.
    **reading
        Fields of `ReadingPlan`, for files.

    Returns
    -------
    Comparison
        A classification is ordered by accuracy and then by log loss, a regression by RMSE.

    Raises
    ------
    UsageError
        If there is no model, or one that holds no rows, or tasks differ.

    Examples
    --------
    >>> import chainrule as cr
    >>> models = cr.train_many("wine", cr.grid(hidden=[1, 16]), epochs=50)
    >>> cr.compare(models).best.plan.hidden
    (16,)
    """
    models = list(models)
    if not models or not all(isinstance(model, (Model, Ensemble)) for model in models):
        raise UsageError(f"compare takes a list of models; received {models!r}.")
    tasks = {(model.task, model.encoding.target_names) for model in models}
    if len(tasks) > 1:
        found = "; ".join(sorted(f"{task} of {', '.join(names)}" for task, names in tasks))
        raise UsageError(f"models are compared on one target; received {found}.")
    evaluations = [_evaluation(i, model, rows, reading) for i, model in enumerate(models)]
    order = sorted(range(len(models)), key=lambda i: _rank(evaluations[i]))
    options = _differences(models)
    return Comparison(
        tuple(models[i] for i in order),
        tuple(order),
        tuple(evaluations[i] for i in order),
        tuple(options[i] for i in order),
    )


def _evaluation(i: int, model: Model | Ensemble, rows: Any, reading: dict[str, Any]) -> Evaluation:
    if rows is None and not reading:
        rows = model.parts.get("validation", model.parts.get("train"))
        if rows is None:
            raise UsageError(
                f"models[{i}] holds no rows, as it was loaded from a file. Name a table, as in compare(models, rows)."
            )
    return model.evaluate(rows, **reading)


def _rank(evaluation: Evaluation) -> tuple[float, ...]:
    if isinstance(evaluation, ClassEvaluation):
        return -evaluation.accuracy, evaluation.log_loss
    return (evaluation.rmse,)


def _differences(models: Sequence[Model | Ensemble]) -> list[dict[str, Any]]:
    """The options that are not the same in all models."""
    plans = [(model.plan, model.encoding_plan) for model in models]
    found: list[dict[str, Any]] = [{} for _ in models]
    for which in (0, 1):
        for field in fields(plans[0][which]):
            values = [getattr(pair[which], field.name) for pair in plans]
            if field.name == "learning_rate":  # the one in force, of each rule its own
                values = [pair[0].eta for pair in plans]
            if field.name not in _SAME_RESULT and any(repr(value) != repr(values[0]) for value in values):
                for one, value in zip(found, values, strict=True):
                    one[field.name] = getattr(value, "name", value)
    return found


def _written(name: str, value: Any) -> str:
    if name in ("accuracy", "r2"):
        return share(value)
    if isinstance(value, tuple):
        return ",".join(str(getattr(part, "name", part)) for part in value) or "none"
    return number(value, 3) if isinstance(value, float) else str(value)
