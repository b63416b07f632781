"""A step that a training took, made again from the seed and explained; and the proof that it is that step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.network import Network
from chainrule.data.columns import name_list
from chainrule.errors import DivergenceError, UsageError
from chainrule.explaining.derivation import Derivation
from chainrule.explaining.explain import Explanation
from chainrule.explaining.quantities import Change, Name
from chainrule.explaining.taken_updates import explain_taken, off_by
from chainrule.explaining.updates import place_of as place_of_parameter
from chainrule.explaining.whole_arrays import ArrayOf
from chainrule.models.input_words import names_of
from chainrule.models.learned import training_again
from chainrule.models.proof import another_way, largest_difference, prove
from chainrule.training.prepare import Training
from chainrule.training.replay import Taken, Walk, place_of, states_at
from chainrule.training.state import Epoch, TrainingState

if TYPE_CHECKING:
    from chainrule.models.model import Model

AFFORDABLE = 3.0  # seconds that the recorded training took from the step to the kept weights


@dataclass(frozen=True, eq=False)
class Replay:
    """A step that training took; index it by the name of a quantity, as an `Explanation`.

    Quantities are those of the step's batch at the weights before it, each unit times what dropout made of it. Examples
    count within the batch, in the order in which they were taken.

    Attributes
    ----------
    explanation : Explanation
    taken : Taken
        The step as the training made it, in its own precision.
    epochs, updates : int
        How many epochs the training had, and how many steps each of them.
    rows : int array (B,)
        The numbers of the batch's rows in the table, in the order in which they were taken.
    source : str
        What the table is called.
    exact : bool
        Whether the training was run again bit for bit.
    remarks : tuple of str
        How that is known, and what else must be known about the step.
    """

    explanation: Explanation
    taken: Taken
    epochs: int
    updates: int
    rows: np.ndarray
    source: str
    exact: bool
    remarks: tuple[str, ...]

    @property
    def step(self) -> int:
        """The step's number, counted from 1 over all epochs."""
        return self.taken.number

    @property
    def epoch(self) -> int:
        """The epoch that it belongs to, counted from 1."""
        return self.taken.epoch

    @property
    def batch(self) -> int:
        """Its place in the epoch, counted from 1."""
        return self.taken.batch

    @property
    def learning_rate(self) -> float:
        """The rate of this step, with its schedule; NaN for a solver without one."""
        return self.taken.learning_rate

    @property
    def before(self) -> Network:
        """The network before the step, with the training's own bits."""
        return self.taken.before

    @property
    def after(self) -> Network:
        """The network after the step, with the training's own bits."""
        return self.taken.after

    def __getitem__(self, quantity: str | Name) -> Derivation | ArrayOf:
        return self.explanation[quantity]

    def names(self) -> list[str]:
        """List the quantities that can be asked for."""
        return self.explanation.names()

    def called(self) -> dict[str, str]:
        """What the inputs, targets and outputs are called."""
        return self.explanation.called()

    def weight(self, quantity: str | Name) -> tuple[float, float]:
        """Return a weight or a bias before and after the step, as the training held it.

        Parameters
        ----------
        quantity : str
            Its name, such as "W[1][2,3]", or that of its change.

        Raises
        ------
        UsageError
            If it is no weight and no bias.
        """
        name = self.explanation[quantity].name
        q = name.parameter if isinstance(name, Change) else name
        if getattr(q, "kind", "") not in ("W", "b") or not q.units:  # type: ignore[union-attr]
            raise UsageError(f'{quantity} is no single weight or bias. Ask for one, such as "W[1][2,3]".')
        place = place_of_parameter(self.explanation.definitions.values, q)  # type: ignore[arg-type]
        if place is None:
            value = self.explanation.definitions.value(q)
            return value, value
        number, index = place
        before, after = (network.trainable_parameters[number] for network in (self.before, self.after))
        return float(before[index]), float(after[index])

    def heading(self) -> str:
        """Say in lines of text which step it is, and what must be known about it."""
        taken = self.taken
        total, several = self.epochs * self.updates, self.updates > 1
        where = f": epoch {self.epoch:,}, batch {self.batch:,} of {self.updates:,}"
        parts = [f"step {self.step:,} of {total:,}{where if several else ''}"]
        rows = name_list(map(str, self.rows.tolist()), limit=12)
        parts.append(f"rows of {self.source}: {rows}" if len(self.rows) > 1 else f"row of {self.source}: {rows}")
        if taken.learning_rate == taken.learning_rate:
            parts.append(f"learning rate: {taken.learning_rate:.6g}")
        return "\n".join([*parts, *self.remarks])

    def json(self) -> dict[str, Any]:
        """Return which step it is as plain data."""
        rate = self.learning_rate
        return {
            "step": self.step, "epoch": self.epoch, "batch": self.batch, "updates": self.updates,
            "rows": self.rows.tolist(), "learning_rate": rate if rate == rate else None, "exact": self.exact,
            "remarks": list(self.remarks),
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<Replay of step {self.step} of {self.epochs * self.updates}: epoch {self.epoch}, batch {self.batch}>"


def replay(
    model: Model,
    source: Any = None,
    y: Any = None,
    *,
    step: Any = "last",
    example: int = 0,
    unroll: int = 0,
    verify: bool | None = None,
    sample_weight: Any = None,
    validation_file: Any = None,
    reading: dict[str, Any] | None = None,
    **options: Any,
) -> Replay:
    """Train again from the seed to a step that training took, and explain it.

    Parameters
    ----------
    model : Model
    source, y, sample_weight, validation_file
        The table that trained the model, as it was given to `train`; left out, the rows that the model holds.
    step : int, (epoch, batch) or "last"
        The update's number, from 1, or its epoch and its place there.
    example : int
        Of the step's batch, counted from 0: the one that derivatives of C belong to.
    unroll : int
        Write running means and velocities as what the gradients of so many steps before left in them.
    verify : bool, optional
        Whether to go on to the weights that the model keeps and compare them; by default where that takes seconds. The
        costs of all epochs up to the step are compared with the recorded ones in any case.
    reading : dict, optional
        Fields of `ReadingPlan`, for files.
    **options
        notation, detail, most and digits, as in `explain`.

    Raises
    ------
    UsageError
        If there is no such step, if the table is not the one that trained, or if the training goes another way now.
    """
    again = training_again(model, source, y, sample_weight, reading, validation_file)
    training, history = again.training, model.history
    updates = training.work.updates_per_epoch
    epoch, batch = place_of(step, len(history), updates)
    first = _first_unrolled(training, (epoch - 1) * updates + batch, unroll)
    kept = model.provenance.best_epoch
    wanted = {*range((first - 1) // updates, epoch + 1)}
    if kept <= epoch or verify or (verify is None and _seconds(history, epoch, kept) <= AFFORDABLE):
        wanted.add(kept)
    states: dict[int, TrainingState] = {}
    try:
        for state in states_at(training, wanted):
            states[state.epoch] = state
    except DivergenceError as error:
        raise another_way(again, model, f"it diverges now: {error}") from None
    proof = prove(model, again, states, epoch)
    before: list[Taken] = []
    walk = Walk(training, states[epoch - 1])
    if unroll:
        before = _taken_before(training, states, first, (epoch, batch), walk)
    taken = walk.take(batch)
    same_end = largest_difference(walk.finish(), states[epoch].network) == 0
    explanation = explain_taken(training, taken, before, example=example, **options)
    rows = again.table.take(taken.rows)
    named = replace(explanation.definitions, units=names_of(model.encoding, rows))
    explanation = replace(explanation, definitions=named)
    remarks = [*proof.remarks, *remarks_on(model, training, taken, explanation, same_end)]
    return Replay(
        explanation, taken, len(history), updates, rows.row_numbers, rows.source,
        proof.exact and same_end, tuple(remarks),
    )  # fmt: skip


def _first_unrolled(training: Training, number: int, unroll: int) -> int:
    if not hasattr(unroll, "__index__") or isinstance(unroll, bool) or unroll < 0:
        raise UsageError(f"unroll must be a whole number of steps, at least 0; received {unroll!r}.")
    if unroll and training.plan.solver != "descent":
        raise UsageError(
            f"unroll writes out the running means of an update rule; this model was trained by {training.plan.solver}, "
            "which has none. Leave unroll out."
        )
    return max(1, number - unroll)


def _taken_before(
    training: Training, states: dict[int, TrainingState], first: int, place: tuple[int, int], last: Walk
) -> list[Taken]:
    """The updates from the first one wanted to just before the place, the last of them taken by its own walk."""
    updates, (epoch, batch) = training.work.updates_per_epoch, place
    found = []
    for e in range((first - 1) // updates + 1, epoch + 1):
        walk = last if e == epoch else Walk(training, states[e - 1])
        begin = (first - 1) % updates + 1 if e == (first - 1) // updates + 1 else 1
        end = batch if e == epoch else updates + 1
        found += [walk.take(b) for b in range(begin, end)]
    return found


def _seconds(history: Sequence[Epoch], epoch: int, kept: int) -> float:
    return history[kept - 1].seconds - history[epoch - 1].seconds


def remarks_on(model: Model, training: Training, taken: Taken, explanation: Explanation, same_end: bool) -> list[str]:
    """Say what must be known about a step; `same_end` is whether the end of its epoch was reached bit for bit."""
    remarks = []
    if not same_end:
        remarks.append("The batches of this epoch, run one after the other, reach its end only within rounding.")
    miss, rounding = off_by(explanation, taken)
    if not miss <= rounding:
        remarks.append(
            f"Equations are worked out in float64 from the training's {model.plan.dtype} weights; its own changes "
            f"differ from theirs by up to {miss:.3g}."
        )
    masks = [l for l, mask in enumerate(taken.masks or [], start=1) if mask is not None]
    if masks:
        remarks.append(
            f"Dropout: a unit of layer {name_list(map(str, masks))} counts m times, m drawn for each example."
        )
    return remarks
