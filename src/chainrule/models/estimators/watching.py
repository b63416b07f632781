"""What decides when training ends and which weights are kept, where the engine does not watch it by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from chainrule.core.network import Network
from chainrule.training.state import TrainingState


class Score(NamedTuple):
    """What early stopping goes by, higher is better.

    Attributes
    ----------
    of : callable (TrainingState) -> float
    counted : bool
        Whether it is the accuracy on the validation rows, which the engine counts by itself.
    best : float
        To be beaten.
    """

    of: Callable[[TrainingState], float]
    counted: bool
    best: float = -math.inf


class Watched:
    """A number that is looked at after each epoch, higher is better; training ends when it no longer rises.

    Parameters
    ----------
    value : callable (TrainingState) -> float
    tol, patience : float
        Training ends when it has not risen by `tol` in more than `patience` epochs.
    best, waited, best_network
        Where an earlier training has left off.
    """

    def __init__(
        self,
        value: Callable[[TrainingState], float],
        tol: float,
        patience: float,
        best: float,
        waited: int,
        best_network: Network | None = None,
    ) -> None:
        self.value, self.tol, self.patience = value, tol, patience
        self.best, self.waited, self.best_network, self.best_epoch = best, waited, best_network, 0
        self.values: list[float] = []

    def __call__(self, state: TrainingState) -> bool:
        """Look at a training after an epoch; true where it is to end."""
        value = self.value(state)
        self.values.append(value)
        self.waited = self.waited + 1 if value < self.best + self.tol else 0
        if value > self.best:
            self.best, self.best_network, self.best_epoch = value, state.network, state.epoch
        return self.over

    @property
    def over(self) -> bool:
        """Whether it has waited long enough."""
        return self.waited > self.patience
