"""What every engine is asked and what it answers, so that one can stand for another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Network
from chainrule.core.update_rules import UpdateRule


@dataclass(frozen=True)
class Work:
    """What stays the same over a training: the examples and the rules.

    Parameters
    ----------
    X, Y : arrays (N, inputs) and (N, outputs)
        Of the network's dtype.
    sample_weight : array (N,) or None
        Above 0. For the mean, example n of a batch of B has the share s_n / (mean of all s) / B of that batch's J.
    loss : Loss or FusedLoss
    rule : UpdateRule
    batch_size : int
        N for training by batch, 1 for incremental training; the last batch of an epoch may be smaller.
    reduction, weight_decay
        How J is made of the costs, as in `backward`.
    clip_norm, clip_value : float or None
    middle : float or None
        For classification: the output halfway between the two target values; None counts no right answers.
    """

    X: Array
    Y: Array
    sample_weight: Array | None
    loss: Loss | FusedLoss
    rule: UpdateRule
    batch_size: int
    reduction: str = "mean"
    weight_decay: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    middle: float | None = None

    @property
    def decay_in_cost(self) -> float:
        """lambda as part of J: 0 where the update rule decays the weights beside it (AdamW)."""
        return 0.0 if self.rule.decoupled else self.weight_decay

    @property
    def n_examples(self) -> int:
        """N, the number of training examples."""
        return int(self.X.shape[0])

    @property
    def updates_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return -(-self.n_examples // self.batch_size)


class EpochNumbers(NamedTuple):
    """What an engine measures while an epoch runs.

    `cost` is J over the epoch's examples as they were met, each before its update (after its step where a solver takes
    them all at once); `accuracy` likewise, NaN where none is counted; `gradient_norm` is the largest of the epoch,
    before clipping.
    """

    cost: float
    accuracy: float
    gradient_norm: float


class Chunk(NamedTuple):
    """The answer to a run over some epochs: the network and the rule's state after them, and each epoch's numbers."""

    network: Network
    rule_state: Any
    epochs: tuple[EpochNumbers, ...]


class NotFiniteError(ArithmeticError):
    """Raised inside an engine at the first number that is not finite.

    Attributes
    ----------
    network : Network
        The network before the update that would have spoilt it.
    layer : int
        The first layer whose numbers are not finite, counted from 1.
    what : str
        Which of its numbers.
    epoch, batch : int
        Where in the chunk, counted from 0.
    """

    def __init__(self, network: Network, layer: int, what: str, epoch: int, batch: int) -> None:
        super().__init__(f"{what} of layer {layer} not finite in epoch {epoch}, batch {batch}")
        self.network = network
        self.layer = layer
        self.what = what
        self.epoch = epoch
        self.batch = batch


# An engine runs a chunk of epochs. `orders` holds each epoch's order of the examples, (epochs, N), or None to take
# them as they lie; `learning_rates` holds the rate of every update, (epochs, updates per epoch).
Engine = Callable[[Work, Network, Any, "np.ndarray | None", np.ndarray], Chunk]


def count_right(A: Array, Y: Array, middle: float) -> int:
    """Count the examples whose decision is the target's: the largest output, or the side of `middle` of a single one.

    >>> count_right(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([[1.0, 0.0], [0.0, 1.0]]), 0.5)
    1
    """
    xp = A.__array_namespace__()
    if A.shape[1] == 1:
        right = (A > middle) == (Y > middle)
    else:
        right = xp.argmax(A, axis=1) == xp.argmax(Y, axis=1)
    return int(xp.sum(xp.astype(right, xp.int64)))


class Solver(NamedTuple):
    """An engine with a way of its own to the minimum, in place of an update rule.

    `init(parameters)` makes its state, which is kept and passed on as an update rule's is; where the state has a field
    `converged` that is true, the training ends. `refusal(work, network)` says why it cannot do a work, or nothing.
    """

    name: str
    engine: str
    init: Callable[[list[Array]], Any]
    run: Engine
    refusal: Callable[[Work, Network], str]
