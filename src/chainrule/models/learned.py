"""The training of a model once more: from the rows that it still holds, or from the table that it learned from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule.data.columns import Table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError
from chainrule.models.examples import Arrays, divided, encoded, read_source, usable_rows
from chainrule.models.further_rows import read_further
from chainrule.models.setup import training_of_start, training_on
from chainrule.options import divide_options
from chainrule.training.prepare import Training

if TYPE_CHECKING:
    from chainrule.models.model import Model


class Again(NamedTuple):
    """A training that can be run again.

    Attributes
    ----------
    training : Training
        Of the random start that the model keeps, before its first epoch.
    table : Table
        Its rows, in their order.
    known : bool
        Whether the rows are certainly those of training.
    """

    training: Training
    table: Table
    known: bool


def training_again(
    model: Model,
    source: Any = None,
    y: Any = None,
    sample_weight: Any = None,
    reading: dict[str, Any] | None = None,
    validation_file: Any = None,
) -> Again:
    """Put the training of a model together again.

    Parameters
    ----------
    model : Model
    source, y, sample_weight, validation_file
        As they were given to `train`; left out, the rows that the model holds.
    reading : dict, optional
        Fields of `ReadingPlan`, for files.

    Raises
    ------
    UsageError, DataError
        If there are no rows, or not those that trained the model.
    """
    own = _own_parts(model)
    if own:
        raise UsageError(
            f"this model was trained with {own} of your own, and a file holds its name, not its code. Ask the model "
            "that train returned."
        )
    if source is None and not (reading or {}).get("sql"):
        if model.learned is None or "train" not in model.parts:
            raise UsageError(
                f"a model that was loaded keeps no rows, and its training cannot be run again without them. Name the "
                f"table that trained it: {model.provenance.source}."
            )
        arrays, table = model.learned, model.parts["train"]
    else:
        arrays, table = _from_table(model, source, y, sample_weight, reading or {}, validation_file)
    training = training_of_start(training_on(arrays, model.plan), model.provenance.start)
    return Again(training, table, bool(model.provenance.fingerprint))


def _own_parts(model: Model) -> str:
    """The names of what a loaded model was trained with and no longer has."""
    from chainrule.models.model_facts import OnlyName

    parts = {"loss": model.plan.loss, "update": model.plan.update, "schedule": model.plan.schedule}
    lost = [f'the {kind} "{part.name}"' for kind, part in parts.items() if isinstance(part, OnlyName)]
    return " and ".join(lost)


def _from_table(
    model: Model, source: Any, y: Any, sample_weight: Any, reading: dict[str, Any], validation_file: Any
) -> tuple[Arrays, Table]:
    (options,) = divide_options(reading, ReadingPlan)
    plan = model.encoding_plan if y is None else replace(model.encoding_plan, target=None)
    plan = replace(plan, validation_file=_watched(model, validation_file), **_untested(plan))
    table, plan = read_source(source, y, plan, ReadingPlan(**options))
    usable = usable_rows(table, plan, sample_weight, read_further(table, plan, ReadingPlan(**options)))
    split = divided(usable, model.plan.seed)
    found = (len(split.train), len(split.validation))
    expected = model.provenance.rows[:2]
    name = usable.table.source
    if found != expected:
        raise UsageError(
            f"{name} is not the table that trained this model: it makes {found[0]:,} training and {found[1]:,} "
            f"validation rows, where there were {expected[0]:,} and {expected[1]:,}. {_wanted(model)}"
        )
    arrays = encoded(usable, split, model.encoding).arrays(model.plan.dtype)
    if model.provenance.fingerprint not in ("", arrays.fingerprint):
        raise UsageError(
            f"{name} is not the table that trained this model: its training or validation rows, their order or their "
            f"weights differ. {_wanted(model)}"
        )
    return arrays, usable.table.take(split.train)


def _watched(model: Model, validation_file: Any) -> Any:
    """The validation rows of a file of their own; refused where they are wanted, or not wanted."""
    had = model.encoding_plan.validation_file
    if had is None and validation_file is not None:
        raise UsageError("this model was trained without validation_file. Leave it out.")
    if had is not None and validation_file is None:
        raise UsageError(
            f"this model was watched on the rows of {had}, without which its training cannot be run again. Give them "
            "as validation_file (--validation-file)."
        )
    return validation_file


def _untested(plan: EncodingPlan) -> dict[str, Any]:
    """A file of test rows is not needed to train again: the table is divided as if none were wanted."""
    return {} if plan.test_file is None else {"test_file": None, "test": 0.0}


def _wanted(model: Model) -> str:
    return (
        f"It learned from {model.provenance.source}. Give that table as it was, read with the same options (and with "
        "the same sample_weight, if there was one); of one fold of a cross-validation, or of a table that is gone, ask "
        "the model that train returned, which holds its rows."
    )
