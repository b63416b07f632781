"""One update of a training that has ended: the training run again from its start, and what that update was made of.

The states at the ends of epochs come from the training's own engine. Within an epoch the engine is given the batches up
to the one asked for, with the order, the masks and the rates that the epoch has; that these pieces make the epoch is
seen by its end.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.network import Network
from chainrule.engines import node_by_node
from chainrule.engines.draws import draw_masks, draw_order
from chainrule.engines.work import NotFiniteError
from chainrule.errors import UsageError
from chainrule.training.course import learning_rates
from chainrule.training.divergence import diverged
from chainrule.training.loop import Callback, run
from chainrule.training.prepare import Training
from chainrule.training.state import TrainingState


@dataclass(frozen=True, eq=False)
class Taken:
    """An update that a training took.

    Attributes
    ----------
    number, epoch, batch : int
        Which, counted from 1: of the training, the epoch that it belongs to, and of that epoch.
    rows : int array (B,)
        The positions of its examples among the training's, in the order in which they were taken.
    masks : list of arrays (B, sizes[l]) or None, or None
        What dropout left of each hidden layer.
    learning_rate : float
        Of this update; NaN for a solver that has none.
    before, after : Network
        As the training held them, in its own precision.
    rule_state, rule_state_after
        What the update rule or the solver remembered.
    """

    number: int
    epoch: int
    batch: int
    rows: np.ndarray
    masks: list[Array | None] | None
    learning_rate: float
    before: Network
    after: Network
    rule_state: Any
    rule_state_after: Any


def place_of(step: Any, epochs: int, batches: int) -> tuple[int, int]:
    """Return the epoch and the batch of an update, both counted from 1.

    Parameters
    ----------
    step : int, (epoch, batch) or "last"
        The update's number, from 1, over all epochs; or its epoch and its place there.
    epochs, batches : int
        How many epochs were run, and the updates of each.

    Raises
    ------
    UsageError
        If there was no such update.

    Examples
    --------
    >>> place_of(7, 10, 3), place_of((2, 1), 10, 3), place_of("last", 10, 3)
    ((3, 1), (2, 1), (10, 3))
    """
    most = epochs * batches
    pair = isinstance(step, (tuple, list)) and len(step) == 2
    numbers = list(step) if pair else [most if step == "last" else step]
    if not all(hasattr(n, "__index__") and not isinstance(n, bool) for n in numbers):
        raise UsageError(
            f'step is the number of an update, from 1 to {most:,}, a pair (epoch, batch), or "last"; received {step!r}.'
        )
    if most == 0:
        raise UsageError("this training took no step: it ended before its first epoch.")
    if pair:
        epoch, batch = (n.__index__() for n in numbers)
        if not (1 <= epoch <= epochs and 1 <= batch <= batches):
            raise UsageError(
                f"this training had {epochs:,} epochs of {batches:,} update{'s' * (batches > 1)} each, counted from 1; "
                f"there is no update {batch} of epoch {epoch}."
            )
        return epoch, batch
    number = numbers[0].__index__()
    if not 1 <= number <= most:
        raise UsageError(
            f"this training took {most:,} steps, {epochs:,} epochs of {batches:,} update{'s' * (batches > 1)} each; "
            f"there is no step {number}. Ask for one from 1 to {most:,}."
        )
    return (number - 1) // batches + 1, (number - 1) % batches + 1


def without_stops(training: Training) -> Training:
    """Return the training without what could end it early: it is known how far it went."""
    plan = replace(training.plan, target_cost=None, patience=None, tolerance=None, time_limit=None)
    return replace(training, plan=plan)


def states_at(training: Training, wanted: Iterable[int]) -> Iterator[TrainingState]:
    """Run a training from its start and yield the states after some numbers of epochs, in rising order.

    A training that ends earlier, because a solver has converged, yields its last state and no more.

    Raises
    ------
    DivergenceError
        At the first number that is not finite.
    KeyboardInterrupt
        On Ctrl-C.
    """
    training = without_stops(training)
    state = training.start
    for epoch in sorted(set(wanted)):
        if epoch > state.epoch:
            state = run(training, state, [_stop_at(epoch)])
        if state.stopped == "interrupted":
            raise KeyboardInterrupt
        yield state
        if state.epoch < epoch:
            return


def _stop_at(epoch: int) -> Callback:
    def there(state: TrainingState) -> bool:
        return True

    there.every = epoch  # type: ignore[attr-defined]
    return there


class Walk:
    """The epoch that follows a state, a few updates at a time."""

    def __init__(self, training: Training, state: TrainingState) -> None:
        self._training, self._state = without_stops(training), state
        self._generator = state.generator()
        self._work = work = training.work
        self._rates = learning_rates(self._training, state)
        self.network, self.rule_state, self._done = state.network, state.rule_state, 0
        self._order: np.ndarray | None = None
        if work.updates_per_epoch > 1:
            order = draw_order(work, self._generator)
            self._order = np.arange(work.n_examples) if order is None else order
            if training.engine.run is node_by_node.run:  # it rounds to the training's precision where an epoch ends
                self.network = state.network.astype("float64")

    def take(self, batch: int) -> Taken:
        """Go on to an update, counted from 1, and take it."""
        self._run(batch - 1)
        network, memory = self.network, self.rule_state
        generator = copy.deepcopy(self._generator)
        rows = self._rows(batch - 1, batch)
        masks = draw_masks(self._work, network, len(rows), generator)
        rate = math.nan if self._training.plan.solver != "descent" else float(self._rates[0, batch - 1])
        self._run(batch)
        epoch, updates = self._state.epoch, self._work.updates_per_epoch
        return Taken(
            epoch * updates + batch, epoch + 1, batch, rows, masks, rate, network, self.network, memory, self.rule_state
        )

    def finish(self) -> Network:
        """Go on to the end of the epoch and return the network there, in the training's precision."""
        self._run(self._work.updates_per_epoch)
        like = self._state.network.parameters
        return self.network.with_parameters(
            [np.asarray(p).astype(np.asarray(q).dtype) for p, q in zip(self.network.parameters, like, strict=True)]
        )

    def _rows(self, first: int, last: int) -> np.ndarray:
        if self._order is None:
            return np.arange(self._work.n_examples)
        size = self._work.batch_size
        return self._order[first * size : last * size]

    def _run(self, last: int) -> None:
        """Run the batches up to this one."""
        first, work = self._done, self._work
        if first == last:
            return
        if self._order is not None:
            rows = self._rows(first, last)
            work = replace(work.part(rows, work.X[rows]), of_examples=work.n_examples)
        try:
            chunk = self._training.engine.run(
                work, self.network, self.rule_state, self._generator, self._rates[:, first:last]
            )
        except NotFiniteError as error:
            raise diverged(self._training, self._state, error) from None
        self.network, self.rule_state, self._done = chunk.network, chunk.rule_state, last
