"""Cross-validation: every row tests a network that has not seen it, and the folds train side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data.columns import Table, count
from chainrule.data.encoding import strata
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.split_rules import divide, folds_of
from chainrule.data.splits import Split
from chainrule.errors import DataError, UsageError
from chainrule.models.evaluation import Evaluation
from chainrule.models.examples import Usable, encode, read_source, usable_rows
from chainrule.models.many import refuse_of_one_training, train_setups
from chainrule.models.model import Model
from chainrule.models.setup import Setup, output_of, plans_of, set_up_on, squares
from chainrule.numerals import aligned, number, share
from chainrule.training.loop import Callback


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """A network for each fold, tested on that fold; it prints itself as a table.

    Attributes
    ----------
    models : tuple of Model
        Trained without their fold, in the order of the folds.
    splits : tuple of Split
        Positions of the training, validation and test rows among the rows that could be used; `test` is the fold.
    """

    models: tuple[Model, ...]
    splits: tuple[Split, ...]

    @property
    def evaluations(self) -> tuple[Evaluation | None, ...]:
        """What each model reached on its fold; None where it was not trained, as after Ctrl-C."""
        return tuple(model.test if len(model.history) or _diverged(model) else None for model in self.models)

    @property
    def measures(self) -> dict[str, tuple[float, ...]]:
        """Each measure (accuracy and log_loss, or rmse, mae and r2) on every fold; NaN where it was not trained."""
        summaries = [{} if evaluation is None else evaluation.summary() for evaluation in self.evaluations]
        names = ("accuracy", "log_loss") if self.models[0].task == "classification" else ("rmse", "mae", "r2")
        return {name: tuple(summary.get(name, math.nan) for summary in summaries) for name in names}

    @property
    def mean(self) -> dict[str, float]:
        """Mean of each measure over the folds that were trained."""
        return {name: float(known.mean()) if len(known) else math.nan for name, known in self._known()}

    @property
    def deviation(self) -> dict[str, float]:
        """Standard deviation of each measure between those folds, with n - 1; NaN for fewer than two."""
        return {name: float(known.std(ddof=1)) if len(known) > 1 else math.nan for name, known in self._known()}

    def _known(self) -> list[tuple[str, np.ndarray]]:
        arrays = {name: np.array(values) for name, values in self.measures.items()}
        return [(name, values[~np.isnan(values)]) for name, values in arrays.items()]

    def summary(self) -> dict[str, Any]:
        """Return the table as plain numbers, for JSON."""
        return {
            "folds": len(self.models),
            "mean": self.mean,
            "deviation": self.deviation,
            **{name: list(values) for name, values in self.measures.items()},
            "rows": [len(split.test) for split in self.splits],
            "epochs": [len(model.history) for model in self.models],
            "best_epoch": [model.provenance.best_epoch for model in self.models],
            "stopped": [model.provenance.stopped for model in self.models],
        }

    def __str__(self) -> str:
        measures = self.measures
        rows = [
            [
                str(i + 1),
                str(len(split.test)),
                *(_written(name, values[i]) for name, values in measures.items()),
                str(len(model.history)),
                str(model.provenance.best_epoch),
                model.provenance.stopped,
            ]
            for i, (model, split) in enumerate(zip(self.models, self.splits, strict=True))
        ]
        rows += [
            [label, "", *(_written(name, value) for name, value in values.items()), "", "", ""]
            for label, values in (("mean", self.mean), ("deviation", self.deviation))
        ]
        head = ["fold", "rows", *(name.replace("_", " ") for name in measures), "epochs", "kept", "stopped"]
        untrained = sum(evaluation is None for evaluation in self.evaluations)
        note = f"\n{count(untrained, 'fold')} not trained, and left out of the mean." if untrained else ""
        return aligned(head, rows) + note

    def __repr__(self) -> str:
        name, mean = next(iter(self.mean.items()))
        return f"<CrossValidation of {len(self.models)} folds, mean {name} {_written(name, mean)}>"


def cross_validate(
    source: Any, y: Any = None, *, folds: int = 5, sample_weight: Any = None, **options: Any
) -> CrossValidation:
    """Train a network for each fold of the rows on all the others, side by side, and test it on its fold.

    The rows are dealt to the folds at random, class by class for a classification and tenth by tenth of the target's
    values for a regression. With `group`, the rows of one group are in one fold. With `time`, the rows are cut into
    folds + 1 blocks in their order, and each block but the first tests a network that was trained on all blocks before
    it. What an encoding takes from the values (centers, scales, medians) comes from each network's own training rows;
    names and classes from all rows.

    Parameters
    ----------
    source, y, sample_weight
        As for `train`.
    folds : int
        At least 2; at most as many as there are rows, or rows of the rarest class.
    **options
        As for `train`; `validation` is a share of the rows outside the fold, and `test` has no meaning. Every fold
        starts from the same seed. `time_limit` counts for all folds together.

    Returns
    -------
    CrossValidation
        A fold that diverged is tested with its last good weights, and `stopped` says so. Ctrl-C leaves out of the mean
        the folds that had not begun.

    Raises
    ------
    UsageError, DataError
        As `train`, and if the rows are too few for the folds.
    DivergenceError
        If all folds diverged.

    Examples
    --------
    >>> import chainrule as cr
    >>> result = cr.cross_validate("wine", folds=3, epochs=30)
    >>> [len(split.test) for split in result.splits]
    [60, 59, 59]
    >>> result.mean["accuracy"] > 0.9
    True
    """
    setups = set_up_folds(source, y, folds=folds, sample_weight=sample_weight, **options)
    return train_folds(setups)


def train_folds(setups: Sequence[Setup], callbacks: Sequence[Callback] = ()) -> CrossValidation:
    """Train what `set_up_folds` prepared; see `cross_validate`.

    Parameters
    ----------
    callbacks : sequence of callables (TrainingState) -> bool or None
        Called with the last state of each network.
    """
    models = train_setups(setups, callbacks)
    return CrossValidation(tuple(models), tuple(setup.split for setup in setups))


def set_up_folds(source: Any, y: Any = None, *, folds: int, sample_weight: Any = None, **options: Any) -> list[Setup]:
    """Prepare the training of each fold; see `cross_validate`."""
    refuse_of_one_training("cross_validate", options)
    for name in ("test", "split", "validation_file", "test_file"):
        if name in options:
            raise UsageError(f"each fold is the test part of one network, so {name} has no meaning here. Leave it out.")
    encoding_plan, plan, reading = plans_of({**options, "test": 0.0})
    usable = usable_rows(*read_source(source, y, encoding_plan, reading), sample_weight)
    splits = _splits(usable, folds, np.random.default_rng(plan.seed))
    return [set_up_on(encode(usable, split, output_of(plan), squares(plan)), plan) for split in splits]


def _splits(usable: Usable, folds: int, generator: np.random.Generator) -> list[Split]:
    """Deal the rows to the folds, and take the validation rows of each from those outside it."""
    table, plan, marks = usable.table, usable.plan, usable.marks
    if table.whole:
        raise UsageError(
            f"{table.source} is a truth table: a network cannot learn the rows that it is not shown. "
            "Train it with chainrule.train."
        )
    if not isinstance(folds, (int, np.integer)) or isinstance(folds, bool) or not 2 <= folds <= table.n_rows:
        raise UsageError(
            f"folds must be a whole number from 2 to the number of rows, {table.n_rows}; received {folds!r}."
        )
    labels, classes = strata(table, plan)
    if classes and marks is None:
        _refuse_rare(table, plan, folds, labels)
    notes = () if marks is None else (_NOTES[marks.how].format(marks.name),)
    splits = []
    for fold in folds_of(table.n_rows, folds, generator, labels, marks):
        inner = None if marks is None else marks.take(fold.train)
        parts = divide(len(fold.train), plan.validation, 0.0, generator, labels[fold.train], inner)
        splits.append(Split(fold.train[parts.train], fold.train[parts.validation], fold.validation, notes))
    return splits


_NOTES = {
    "group": 'Rows of one "{}" are in one fold. The column is no input.',
    "time": 'In the order of "{}": each fold tests a network that was trained on the rows before it.',
}


def _refuse_rare(table: Table, plan: EncodingPlan, folds: int, labels: np.ndarray) -> None:
    counts = np.bincount(labels)
    if counts.min() >= folds:
        return
    name = plan.target[0] if plan.target is not None else [n for n in table.names if n not in plan.ignore][-1]
    label = table.column(name).as_text().values[int(np.argmax(labels == counts.argmin()))]
    most = int(counts.min())
    remedy = f"Use at most {most} folds" if most > 1 else "Add rows of that class, or leave it out"
    raise DataError(
        f'{table.source}, column "{name}": the class "{label}" has {count(most, "row")}, too few for {folds} folds, '
        f"each of which should test it. {remedy}."
    )


def _diverged(model: Model) -> bool:
    return model.provenance.stopped == "diverged"


def _written(name: str, value: float) -> str:
    return share(value) if name in ("accuracy", "r2") else number(value, 3)
