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
from chainrule.data.gaps import comparable
from chainrule.errors import UsageError
from chainrule.models.evaluation import Evaluation, evaluate_classes, evaluate_values
from chainrule.models.examples import Arrays
from chainrule.models.model import Model
from chainrule.models.provenance import Provenance
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
            A table with the target column; by default, without `sql`, the rows kept for testing. See `Model.evaluate`.

        Raises
        ------
        UsageError
            If no rows were kept.
        """
        if rows is None and reading.get("sql") is None:
            if self.test is None:
                raise UsageError("this ensemble was trained without rows for testing. Name a table to evaluate it on.")
            return self.test
        table = comparable(self.read(rows, **reading), self.encoding.target_names, self.encoding_plan.missing)
        target = self.encoding.target
        Y = self.encoding.encode_targets(table)
        if isinstance(target, ClassTarget):
            P = self.probabilities(table)
            return evaluate_classes(target.positions(Y), _highest(P), P, self.classes)
        truth = self.encoding.decode_values(Y).reshape(table.n_rows, -1)
        predicted = self.predict(table).reshape(table.n_rows, -1)
        return evaluate_values(truth, predicted, self.encoding.target_names)

    def with_unknown(self, policy: str) -> Ensemble:
        """Return the ensemble with another policy for text values that training did not have: other or refuse."""
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

    def explain(
        self, rows: Any = None, *, example: int = 0, reading: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        """Explain the outputs at some rows: the mean over the members, with each member's derivation.

        Parameters
        ----------
        rows, example, reading, **options
            As for `Model.explain`.

        Returns
        -------
        EnsembleExplanation
            Index it by the name of an output; `members` has the `Explanation` of each network.

        Examples
        --------
        >>> import chainrule as cr
        >>> ensemble = cr.train_ensemble("xor", members=2, hidden=2, epochs=5, seed=0)
        >>> why = ensemble.explain(example=1)
        >>> mean = sum(member["a[2][1]"].value for member in why.members) / 2
        >>> abs(why["a[2][1]"].value - mean) < 1e-12
        True
        """
        from chainrule.models.ensemble_explained import explain_ensemble

        return explain_ensemble(self, rows, example=example, reading=reading, **options)

    def replay(self, source: Any = None, y: Any = None, *, member: int, step: Any = "last", **options: Any) -> Any:
        """Explain a step that the training of one member took, counted from 0; see `Model.replay`.

        Raises
        ------
        UsageError
            If there is no such member, or as `Model.replay`.
        """
        return self.member(member).replay(source, y, step=step, **options)

    def member(self, number: int) -> Model:
        """Return a member, counted from 0.

        Raises
        ------
        UsageError
            If there is none of that number.
        """
        if not hasattr(number, "__index__") or isinstance(number, bool) or not 0 <= number < len(self.members):
            raise UsageError(f"member must be a number from 0 to {len(self.members) - 1}; received {number!r}.")
        return self.members[number]

    @property
    def learned(self) -> Arrays | None:
        """The encoded rows that all members learned from; None in an ensemble that was loaded."""
        return self.members[0].learned

    def __getattr__(self, name: str) -> Any:
        if name in ("network", "forward", "transform", "outputs"):
            from chainrule.models.ensemble_explained import refusal

            raise refusal(name, len(self.members))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.members[0].network.sizes))
        names = ", ".join(self.encoding.target_names)
        return f"<Ensemble of {len(self.members)} networks {sizes}, {self.task} of {names}>"


def _mean(answers: Sequence[np.ndarray]) -> np.ndarray:
    mean: np.ndarray = np.mean(np.asarray(answers, dtype=np.float64), axis=0)
    return mean


def _highest(P: np.ndarray) -> np.ndarray:
    """The first of the highest, as a network's own outputs are read: with two classes the second only if above 1/2."""
    positions: np.ndarray = P.argmax(axis=1)
    return positions
