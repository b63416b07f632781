"""What an estimator's training begins with, and what comes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Network
from chainrule.errors import DivergenceError
from chainrule.training.state import History


@dataclass(frozen=True)
class Problem:
    """What is to be learnt.

    Attributes
    ----------
    network : Network
        With the weights to start from.
    X, Y : arrays (N, inputs) and (N, outputs)
        X may be a sparse array of rows.
    sample_weight : array (N,) or None
    loss : Loss or FusedLoss
    validation : (X, Y, sample_weight or None) or None
        Dense rows to measure the loss on.
    middle : float or None
        As for `prepare`: accuracies are measured.
    """

    network: Network
    X: Any
    Y: np.ndarray
    sample_weight: np.ndarray | None
    loss: Loss | FusedLoss
    validation: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None = None
    middle: float | None = None

    @property
    def dtype(self) -> str:
        """Of the network: float32 or float64."""
        return str(self.network.parameters[0].dtype)

    @property
    def total_weight(self) -> float:
        """As many rows as there are, where a row of weight 2 counts as two."""
        return float(self.n_examples if self.sample_weight is None else self.sample_weight.sum(dtype=np.float64))

    @property
    def mean_weight(self) -> float:
        """Of the rows that take part."""
        return 1.0 if self.sample_weight is None else self.total_weight / np.count_nonzero(self.sample_weight)

    @property
    def n_examples(self) -> int:
        """N."""
        return int(self.X.shape[0])


class Memory(NamedTuple):
    """What goes on from one fit to the next: with warm_start what to beat, with partial_fit all of it."""

    best_loss: float = math.inf
    waited: int = 0
    rule: str = ""
    rule_state: Any = None
    learning_rate: float | None = None
    seen: int = 0  # rows


class Solved(NamedTuple):
    """What came of it.

    `ended` says why: "improvement" (there was too little of it), "epochs", "callback", "interrupted" or "diverged"; of
    a solver that takes all rows at once "converged", "epochs" or "stuck". `scores` and `best_score` are empty and -inf,
    and `best_network` is None, where nothing was scored; `best_epoch` is 0 where no epoch was better than what there
    was before. `error` is that of a training which diverged; all else is then what was good.
    """

    network: Network
    history: History
    memory: Memory
    ended: str
    scores: tuple[float, ...] = ()
    best_score: float = -math.inf
    best_network: Network | None = None
    best_epoch: int = 0
    error: DivergenceError | None = None
