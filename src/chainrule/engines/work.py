"""What every engine is asked and what it answers, so that one can stand for another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
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
    shuffle : bool
        Whether the examples are taken in a new random order every epoch, where an epoch has several batches.
    dropout : tuple of float
        For each hidden layer 1..L-1 the share p of its units that are left out, at least 0 and below 1; empty for none.
    decay_is_shared : bool
        For the mean: whether the examples of a batch of B share the weight decay, lambda / B, as scikit-learn has it;
        otherwise every batch has the whole.
    share_factor : float or None
        What makes `sample_weight` shares of the mean: 1 / (mean of all) where these are some of the examples.
    of_examples : int or None
        How many examples there are, where these are some of an epoch's: for the sum they share the weight decay by it.
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
    shuffle: bool = False
    dropout: tuple[float, ...] = ()
    decay_is_shared: bool = False
    share_factor: float | None = None
    of_examples: int | None = None

    @cached_property
    def shares(self) -> Array | None:
        """Each example's weight in J beside an ordinary one's: s_n / (mean of all s) for a mean, s_n for a sum."""
        if self.sample_weight is None or self.reduction == "sum":
            return self.sample_weight
        return self.sample_weight * self._share_factor

    @property
    def _share_factor(self) -> float:
        if self.share_factor is not None:
            return self.share_factor
        return self.n_examples / float(np.sum(np.asarray(self.sample_weight)))

    @cached_property
    def labels(self) -> np.ndarray | None:
        """For classification, int32 (N,): the column of the largest target; for a single one, 1 above `middle`."""
        if self.middle is None:
            return None
        Y = np.asarray(self.Y)
        return (Y[:, 0] > self.middle if Y.shape[1] == 1 else np.argmax(Y, axis=1)).astype(np.int32)

    def decay_of(self, count: int) -> float:
        """Return lambda as part of the J of so many examples: 0 where the rule decays weights beside it (AdamW)."""
        if self.rule.decoupled:
            return 0.0
        if self.reduction == "sum":  # over an epoch the batches' shares add up to lambda
            return self.weight_decay * (count / (self.of_examples or self.n_examples))
        return self.weight_decay / count if self.decay_is_shared else self.weight_decay

    def part(self, rows: np.ndarray | slice, X: Array) -> Work:
        """Return the work on some of the rows, taken in that order, each with the weight it has among all.

        Parameters
        ----------
        rows : int array (M,) or slice
        X : array (M, inputs)
            Their inputs.
        """
        s = self.sample_weight
        factor = None if s is None else self._share_factor
        return replace(
            self, X=X, Y=self.Y[rows], sample_weight=None if s is None else s[rows], share_factor=factor, shuffle=False
        )

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

    `cost` is J over the epoch's examples as they were met, each before its update and with the units that dropout
    left (after its step where a solver takes them all at once); `accuracy` likewise, NaN where none is counted;
    `gradient_norm` is the largest of the epoch, before clipping.
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


# An engine runs a chunk of epochs: run(work, network, rule_state, generator, learning_rates). It draws what is random
# from the generator, as `engines/draws.py` says, and leaves it where the next epoch goes on; `learning_rates` holds the
# rate of every update, (epochs, updates per epoch).
Engine = Callable[[Work, Network, Any, np.random.Generator, np.ndarray], Chunk]


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
