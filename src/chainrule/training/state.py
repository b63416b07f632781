"""Where a training stands: everything that the next epoch depends on, frozen after each one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

import numpy as np

from chainrule.core.network import Network
from chainrule.core.schedules import PlateauState


class Epoch(NamedTuple):
    """One row of the history.

    Costs are J (with weight decay). The training cost is taken as the examples are met, each before its update and with
    the units that dropout left (with a solver such as lm after its step), the validation cost after the epoch and with
    all units; accuracies likewise. What was not measured is NaN. `seconds` counts from the start of the training.
    """

    epoch: int
    cost: float
    validation_cost: float
    accuracy: float
    validation_accuracy: float
    learning_rate: float
    gradient_norm: float
    seconds: float


class History(Sequence[Epoch]):
    """The rows of a training so far: a tuple to its readers, and one shared table underneath.

    A tuple would be copied at every epoch, which is quadratic in their number; and epochs of a small network take less
    time than making an `Epoch` of each.

    >>> row = Epoch(1, 0.5, 0.6, 0.9, 0.8, 0.1, 1.0, 0.01)
    >>> one = History().then([row])
    >>> len(History()), len(one), one[-1].cost
    (0, 1, 0.5)
    """

    def __init__(self, rows: Iterable[Sequence[float]] = ()) -> None:
        table = np.array([list(row) for row in rows], dtype=np.float64).reshape(-1, len(Epoch._fields))
        self._table, self._length = _Table(table, len(table)), len(table)

    def then(self, rows: Sequence[Sequence[float]] | np.ndarray) -> History:
        """Return the history with these rows more; this one stays as it is."""
        longer = History.__new__(History)
        longer._table = self._table if self._table.used == self._length else _Table(self.table.copy(), self._length)
        longer._table.append(np.asarray(rows, dtype=np.float64))
        longer._length = self._length + len(rows)
        return longer

    @property
    def table(self) -> np.ndarray:
        """All rows as an array (epochs, 8), with the columns of `Epoch`."""
        return self._table.rows[: self._length]

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"<History of {self._length} epochs>"

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self[:])

    @overload
    def __getitem__(self, index: int) -> Epoch: ...
    @overload
    def __getitem__(self, index: slice) -> list[Epoch]: ...
    def __getitem__(self, index: int | slice) -> Epoch | list[Epoch]:
        if isinstance(index, slice):
            return [Epoch(int(row[0]), *row[1:]) for row in self.table[index].tolist()]
        row = self.table[range(self._length)[index]].tolist()
        return Epoch(int(row[0]), *row[1:])


@dataclass
class _Table:
    """Rows with room for more behind them."""

    rows: np.ndarray
    used: int

    def append(self, more: np.ndarray) -> None:
        wanted = self.used + len(more)
        if wanted > len(self.rows):
            roomier = np.empty((max(wanted, 2 * len(self.rows)), len(Epoch._fields)))
            roomier[: self.used] = self.rows[: self.used]
            self.rows = roomier
        self.rows[self.used : wanted] = more
        self.used = wanted


@dataclass(frozen=True, repr=False)
class TrainingState:
    """A training after some epochs.

    Attributes
    ----------
    network, rule_state
        The current weights and what the update rule remembers.
    best_network, best_epoch, best_cost
        The weights with the lowest validation cost so far; without validation rows the current ones.
    watched_cost : float
        The lowest watched cost so far (validation if there is any, else training), which patience waits on; minus the
        highest accuracy where that is watched.
    waited : int
        Epochs since it last fell.
    plateau : PlateauState
    random_state : dict
        Of the generator that draws the orders and what dropout leaves out.
    history : History
        A row for each epoch
    stopped : str
        Why the training ended; empty while it goes on.
    """

    network: Network
    rule_state: Any
    random_state: dict[str, Any]
    best_network: Network
    best_epoch: int = 0
    best_cost: float = math.inf
    watched_cost: float = math.inf
    waited: int = 0
    plateau: PlateauState = PlateauState()
    history: History = field(default_factory=History)
    stopped: str = ""

    def __repr__(self) -> str:
        last = f", cost {self.history[-1].cost:.4g}" if self.history else ""
        return f"<TrainingState after {self.epoch} epochs{last}, best epoch {self.best_epoch}>"

    @property
    def epoch(self) -> int:
        """How many epochs were run."""
        return len(self.history)

    @property
    def seconds(self) -> float:
        """Time spent in them."""
        return self.history[-1].seconds if self.history else 0.0

    def generator(self) -> np.random.Generator:
        """Return the generator as it stood after the last epoch."""
        bits = getattr(np.random, self.random_state["bit_generator"])()
        bits.state = self.random_state
        return np.random.Generator(bits)
