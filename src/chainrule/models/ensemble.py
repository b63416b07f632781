"""Ensembles: networks from different random starts that answer together, by their mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data.columns import Table
from chainrule.data.encoding import ClassTarget, Encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.errors import UsageError
from chainrule.models.attempts import attempts_side_by_side, model_of
from chainrule.models.evaluation import Evaluation, evaluate_classes, evaluate_values
from chainrule.models.many import refuse_of_one_training
from chainrule.models.model import Model
from chainrule.models.provenance import Provenance
from chainrule.models.setup import set_up
from chainrule.training.plan import TrainingPlan
from chainrule.training.state import Epoch


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks that share rows and encoding and differ in their random start; they answer by their mean.

    Make one with `chainrule.train_ensemble` or `chainrule.load`.

    Attributes
    ----------
    members : tuple of Model
    test : ClassEvaluation, ValueEvaluation or None
        Of the mean, on the rows kept for testing.
    """

    members: tuple[Model, ...]
    test: Evaluation | None = None

    @property
    def encoding(self) -> Encoding:
        """Columns to numbers and back, the same for all members."""
        return self.members[0].encoding

    @property
    def plan(self) -> TrainingPlan:
        """The training of every member."""
        return self.members[0].plan

    @property
    def encoding_plan(self) -> EncodingPlan:
        """What was asked for with the columns."""
        return self.members[0].encoding_plan

    @property
    def history(self) -> Sequence[Epoch]:
        """The history of the first member; each has its own."""
        return self.members[0].history

    @property
    def parts(self) -> dict[str, Table]:
        """The tables "train", "validation" and "test"; empty in an ensemble that was loaded."""
        return self.members[0].parts

    @property
    def provenance(self) -> Provenance:
        """How it came about: that of the first member, with the seconds and the starts of all."""
        all_of_them = [member.provenance for member in self.members]
        stopped = [one.stopped for one in all_of_them]
        return replace(
            all_of_them[0],
            seconds=sum(one.seconds for one in all_of_them),
            stopped="interrupted" if "interrupted" in stopped else stopped[0],
            starts=tuple(cost for one in all_of_them for cost in one.starts),
        )

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return self.members[0].task

    @property
    def classes(self) -> tuple[Any, ...]:
        """The labels of a classification."""
        return self.members[0].classes

    def predict(self, rows: Any, **reading: Any) -> np.ndarray:
        """Return labels, the most probable by the members' mean, or the mean of their values.

        Parameters
        ----------
        rows, **reading
            As for `Model.predict`.
        """
        return self.answers(rows, **reading)[0]

    def answers(self, rows: Any, **reading: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what `predict` gives and, for a classification, what `probabilities` gives, in one pass."""
        table = self.read(rows, **reading)
        if self.task == "classification":
            P = self.probabilities(table)
            return np.asarray(self.classes)[_highest(P)], P
        return _mean([member.predict(table) for member in self.members]), None

    def probabilities(self, rows: Any, **reading: Any) -> np.ndarray:
        """Return the mean of the members' probabilities, shape (N, n classes), in the order of `classes`.

        Raises
        ------
        UsageError
            For a regression.
        """
        table = self.read(rows, **reading)
        return _mean([member.probabilities(table) for member in self.members])

    def spread(self, rows: Any, **reading: Any) -> np.ndarray:
        """Return the standard deviation between the members (with n), of the shape of what is averaged.

        That is of each class's probability (N, n classes), or of each value. Where members disagree, the training rows
        said little.
        """
        table = self.read(rows, **reading)
        answers = [m.probabilities(table) if self.task == "classification" else m.predict(table) for m in self.members]
        spread: np.ndarray = np.std(np.asarray(answers, dtype=np.float64), axis=0)
        return spread

    def evaluate(self, rows: Any = None, **reading: Any) -> Evaluation:
        """Compare the mean's predictions with the truth.

        Parameters
        ----------
        rows
            A table with the target column; by default, without `sql`, the rows kept for testing.

        Raises
        ------
        UsageError
            If no rows were kept.
        """
        if rows is None and reading.get("sql") is None:
            if self.test is None:
                raise UsageError("this ensemble was trained without rows for testing. Name a table to evaluate it on.")
            return self.test
        table = self.read(rows, **reading)
        target = self.encoding.target
        Y = self.encoding.encode_targets(table)
        if isinstance(target, ClassTarget):
            P = self.probabilities(table)
            return evaluate_classes(target.positions(Y), _highest(P), P, self.classes)
        truth = self.encoding.decode_values(Y).reshape(table.n_rows, -1)
        predicted = self.predict(table).reshape(table.n_rows, -1)
        return evaluate_values(truth, predicted, self.encoding.target_names)

    def with_unknown(self, policy: str) -> Ensemble:
        """Return the ensemble with another policy for text values that training did not have: refuse or ignore."""
        return replace(self, members=tuple(member.with_unknown(policy) for member in self.members))

    def read(self, rows: Any, **reading: Any) -> Table:
        """Read rows as the members need them; see `Model.read`."""
        return self.members[0].read(rows, **reading)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all members as one safetensors file, whole or not at all; `chainrule.load` reads it.

        Raises
        ------
        UsageError
            If it cannot be written there.
        """
        from chainrule.models.ensemble_file import save_ensemble

        return save_ensemble(self, path)

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.members[0].network.sizes))
        names = ", ".join(self.encoding.target_names)
        return f"<Ensemble of {len(self.members)} networks {sizes}, {self.task} of {names}>"


def train_ensemble(
    source: Any, y: Any = None, *, members: int = 10, sample_weight: Any = None, **options: Any
) -> Ensemble:
    """Train networks from different random starts, side by side, to answer together.

    Member k, counted from 0, is start k of `train(..., starts=...)`, bit for bit. All have the same rows for
    training, validation and test.

    Parameters
    ----------
    source, y, sample_weight
        As for `train`.
    members : int
        How many networks.
    **options
        As for `train`, without `starts`, callbacks and checkpoints. `time_limit` counts for all members together.

    Returns
    -------
    Ensemble
        Without the members that diverged, and after Ctrl-C without those that had not begun; a note says how many.

    Raises
    ------
    UsageError, DataError
        As `train`.
    DivergenceError
        If all members diverged.

    Examples
    --------
    >>> import chainrule as cr
    >>> ensemble = cr.train_ensemble("wine", members=3, epochs=20, seed=0)
    >>> len(ensemble.members), ensemble.probabilities("wine").shape
    (3, (178, 3))
    """
    if not isinstance(members, (int, np.integer)) or isinstance(members, bool) or members < 1:
        raise UsageError(f"members must be a whole number of at least 1; received {members!r}.")
    refuse_of_one_training("train_ensemble", options)
    if "starts" in options:
        raise UsageError(
            "the members of an ensemble are its random starts. Leave out starts, and say how many members."
        )
    setup = set_up(source, y, sample_weight=sample_weight, **options)
    many = replace(setup, plan=replace(setup.plan, starts=int(members)))
    (attempts,) = attempts_side_by_side([many], (), setup.plan.time_limit)
    good = [attempt for attempt in attempts if attempt.failure is None]
    if not good:
        failure = attempts[0].failure
        assert failure is not None
        failure.model = model_of(setup, attempts[0], [attempts[0].cost])
        raise failure
    ends = [("diverged", len(attempts) - len(good)), ("not begun", int(members) - len(attempts))]
    left_out = [f"Left out {number} of {members} members: {why}." for why, number in ends if number]
    notes = (*setup.notes, *left_out)
    models = tuple(model_of(replace(setup, notes=notes), attempt, [attempt.cost]) for attempt in good)
    ensemble = Ensemble(models)
    tested = "test" in ensemble.parts and all(model.test is not None for model in models)
    return replace(ensemble, test=ensemble.evaluate(ensemble.parts["test"])) if tested else ensemble


def _mean(answers: Sequence[np.ndarray]) -> np.ndarray:
    mean: np.ndarray = np.mean(np.asarray(answers, dtype=np.float64), axis=0)
    return mean


def _highest(P: np.ndarray) -> np.ndarray:
    """The first of the highest, as a network's own outputs are read: with two classes the second only if above 1/2."""
    positions: np.ndarray = P.argmax(axis=1)
    return positions
