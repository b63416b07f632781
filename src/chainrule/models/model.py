"""A trained model: the network, how a table becomes its inputs, and how it was trained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.core.passes import Record, forward
from chainrule.data.columns import Table
from chainrule.data.encoding import Encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.gaps import comparable
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.tables import read_with
from chainrule.engines.outputs import outputs
from chainrule.errors import DataError, UsageError
from chainrule.models.evaluation import Evaluation, evaluate_outputs
from chainrule.models.examples import Arrays
from chainrule.models.provenance import Provenance
from chainrule.options import divide_options
from chainrule.training.plan import TrainingPlan
from chainrule.training.state import Epoch


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network that takes a table's rows and answers in the target's own terms.

    Make one with `chainrule.train` or `chainrule.load`.

    Attributes
    ----------
    network : Network
    encoding : Encoding
        Columns to numbers and back.
    plan, encoding_plan : TrainingPlan, EncodingPlan
        With everything that was left open filled in.
    history : sequence of Epoch
    provenance : Provenance
    test : ClassEvaluation, ValueEvaluation or None
        Measured on the rows kept for testing, when the model was trained.
    parts : dict
        The tables "train", "validation" and "test" of this training; empty in a model that was loaded.
    learned : Arrays or None
        The encoded rows that it learned from; None in a model that was loaded.
    """

    network: Network
    encoding: Encoding
    plan: TrainingPlan
    encoding_plan: EncodingPlan
    history: Sequence[Epoch]
    provenance: Provenance
    test: Evaluation | None = None
    parts: dict[str, Table] = field(default_factory=dict, repr=False)
    learned: Arrays | None = field(default=None, repr=False)

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return self.encoding.task

    def predict(self, rows: Any, **reading: Any) -> np.ndarray:
        """Return labels, or values in the target's own units.

        Parameters
        ----------
        rows
            Whatever `chainrule.train` takes: a file, a frame, an array, a dict of columns, a list of dicts. Columns
            are found by name, in any order; others are passed over. An array has the input columns in their order.
        **reading
            Fields of `ReadingPlan`, for files.

        Returns
        -------
        array (N,), or (N, n targets) for several numeric targets

        Raises
        ------
        DataError
            If columns are missing, or hold values that training did not know.
        """
        return self.answers(rows, **reading)[0]

    def answers(self, rows: Any, **reading: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what `predict` gives and, for a classification, what `probabilities` gives, in one pass."""
        A = self.outputs(rows, **reading)
        if self.task == "classification":
            return self.encoding.decode_labels(A), self.encoding.probabilities(A)
        return self.encoding.decode_values(A), None

    def probabilities(self, rows: Any, **reading: Any) -> np.ndarray:
        """Return the probability of each class, shape (N, n classes), in the order of `classes`.

        Raises
        ------
        UsageError
            For a regression.
        """
        self._only("classification", "probabilities")
        return self.encoding.probabilities(self.outputs(rows, **reading))

    @property
    def classes(self) -> tuple[Any, ...]:
        """The labels of a classification."""
        self._only("classification", "classes")
        return self.encoding.classes

    def transform(self, rows: Any, layer: int | None = None, **reading: Any) -> np.ndarray:
        """Return the activations of a layer, shape (N, units); by default the last hidden one.

        Raises
        ------
        UsageError
            If there is no such layer.
        """
        L = len(self.network.layers)
        number = L - 1 if layer is None else layer
        if not isinstance(number, (int, np.integer)) or not 0 <= number <= L:
            raise UsageError(f"layer must be a number from 0 (the inputs) to {L} (the outputs); received {layer!r}.")
        return np.asarray(self.forward(rows, **reading).a[number])

    def forward(self, rows: Any, **reading: Any) -> Record:
        """Encode rows and feed them forward; the record holds every z and a.

        Raises
        ------
        DataError
            If rows cannot be encoded, or are so far from training's that an output is not finite.
        """
        table = self.read(rows, **reading)
        with np.errstate(all="ignore"):  # what is too large is found and named below
            record = forward(self.network, self._inputs(table))
        self._check_finite(table, record.output)
        return record

    def outputs(self, rows: Any, **reading: Any) -> np.ndarray:
        """Encode rows and return the network's outputs, (N, outputs), as `forward` does but without what lies between.

        Raises
        ------
        DataError
            As `forward` does.
        """
        table = self.read(rows, **reading)
        with np.errstate(all="ignore"):
            A = outputs(self.network, self._inputs(table))
        self._check_finite(table, A)
        return A

    def _inputs(self, table: Table) -> np.ndarray:
        return self.encoding.encode_inputs(table).astype(self.plan.dtype)

    def _check_finite(self, table: Table, A: np.ndarray) -> None:
        if not np.isfinite(A).all():
            row = int(np.argmin(np.isfinite(A).all(axis=1)))
            raise DataError(
                f"{table.at(row)}: its values lie so far from those of training that the network's numbers are no "
                f"longer finite in {self.plan.dtype}. Correct the row, or leave it out."
            )

    def evaluate(self, rows: Any = None, **reading: Any) -> Evaluation:
        """Compare predictions with the truth.

        Parameters
        ----------
        rows
            A table with the target column; by default, without `sql`, the rows kept for testing. Rows without a target
            are left out, as in training, unless the model was trained with missing="refuse".

        Raises
        ------
        UsageError
            If no rows were kept.
        """
        if rows is None and reading.get("sql") is None:
            if self.test is None:
                raise UsageError("this model was trained without rows for testing. Name a table to evaluate it on.")
            return self.test
        table = comparable(self.read(rows, **reading), self.encoding.target_names, self.encoding_plan.missing)
        return evaluate_outputs(self.encoding, self.outputs(table), self.encoding.encode_targets(table))

    def with_unknown(self, policy: str) -> Model:
        """Return the model with another policy for text values that training did not have: other or refuse.

        Raises
        ------
        UsageError
            For another word.
        """
        plan = replace(self.encoding_plan, unknown=policy)
        return replace(self, encoding=replace(self.encoding, unknown=plan.unknown), encoding_plan=plan)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model as one safetensors file, whole or not at all.

        Raises
        ------
        UsageError
            If it cannot be written there.
        """
        from chainrule.models.model_file import save_model

        return save_model(self, path)

    def read(self, rows: Any, **reading: Any) -> Table:
        """Read rows as this model needs them: columns that it knows as names stay names.

        Parameters
        ----------
        rows, **reading
            As in `predict`.
        """
        (options,) = divide_options(reading, ReadingPlan)
        encoding = self.encoding
        known = dict(encoding.writings)
        return read_with(rows, ReadingPlan(**options), encoding.text_columns, known, encoding.origins)

    def explain(
        self, rows: Any = None, *, example: int = 0, reading: dict[str, Any] | None = None, **options: Any
    ) -> Any:
        """Explain any number of this network at some rows: index the result by the name of a quantity.

        Inputs and outputs go by name too, as in "dC/dx[area]", "x[district=north]" and "a[2][setosa]".

        Parameters
        ----------
        rows
            As in `predict`; by default the rows that trained it. Where they have the target, so do the derivatives.
        example : int
            The row that is explained, counted from 0.
        reading : dict, optional
            Fields of `ReadingPlan`, for files.
        **options
            Of `chainrule.explain`: notation, detail, most, digits, ... The loss, the weight decay and the update rule
            are those that the model was trained with. "change W[1][2,3]" is then what the rule would do next, with
            these rows as one batch and nothing remembered; the steps that training took are explained by `replay`.

        Returns
        -------
        Explanation

        Raises
        ------
        UsageError, DataError
            If there are no rows, or they cannot be encoded.

        Examples
        --------
        >>> import chainrule as cr
        >>> model = cr.train("xor", hidden=2, epochs=5, seed=0)
        >>> why = model.explain(example=1)["dC/dW[1][2,1]"]
        >>> abs(why.value) > 0
        True
        """
        from chainrule.models.explained import explain_model

        return explain_model(self, rows, example=example, reading=reading, **options)

    def replay(self, source: Any = None, y: Any = None, *, step: Any = "last", **options: Any) -> Any:
        """Explain a step that training took: train again from the seed to it, and show what it was made of.

        Parameters
        ----------
        source, y
            The table that trained the model, as it was given to `chainrule.train`; a model that was not loaded from a
            file still knows its rows.
        step : int, (epoch, batch) or "last"
            The update's number, from 1, or its epoch and its place there.
        **options
            Those of `chainrule.models.replay.replay`: example, unroll, verify, sample_weight, validation_file,
            reading; notation, detail, most and digits as in `chainrule.explain`.

        Returns
        -------
        Replay
            Index it by the name of a quantity, such as "change W[1][2,3]".

        Raises
        ------
        UsageError
            If there is no such step, or it cannot be made again, with the reason.

        Examples
        --------
        >>> import chainrule as cr
        >>> model = cr.train("xor", hidden=2, epochs=5, seed=0)
        >>> step = model.replay(step=3)
        >>> step.exact, step.epoch, abs(step["change W[1][2,1]"].value) > 0
        (True, 3, True)
        """
        from chainrule.models.replay import replay

        return replay(self, source, y, step=step, **options)

    def _only(self, task: str, what: str) -> None:
        if self.task != task:
            raise UsageError(f"{what} belong to a {task}; this model was trained for {self.task}.")

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.network.sizes))
        return f"<Model {sizes}, {self.task} of {', '.join(self.encoding.target_names)}>"
