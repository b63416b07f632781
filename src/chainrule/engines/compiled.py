"""The compiled engine: whole epochs in one call of the C++ kernel (kernel/), one network or many side by side.

It computes what the reference engine computes, within rounding; `tests/engines/test_compiled_engine.py` compares them.
Its results do not depend on the number of threads, nor on which other networks are trained beside.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.network import Network
from chainrule.core.schedules import PlateauState
from chainrule.engines import reference, sparse_first_layer
from chainrule.engines.kernels import (
    activation_code,
    cores,
    kernel,
    kernels,
    loss_code,
    on_kernel,
    refusal_of_loss,
    refusal_of_network,
    rule_code,
    weights_and_biases,
)
from chainrule.engines.sparse_first_layer import entries, is_sparse
from chainrule.engines.work import Chunk, EpochNumbers, Work
from chainrule.interrupts import asked_to_stop, take_interrupt

_ENDS = ("epochs", "time", "target", "patience", "not finite", "validation not finite", "interrupted")

# Where among a rule's constants those are that keep it from dividing by 0.
_EPSILONS_FROM = {"rmsprop": 1, "adam": 2, "adamw": 2}

# One thread does so many multiplications of a step sooner than it can share them.
FEWEST_TO_SHARE = 2_000_000


def refusal(work: Work, network: Network) -> str:
    """Return why this engine cannot do that work, or an empty string."""
    why = refusal_of_network(network, *([] if is_sparse(work.X) else [work.X]), work.Y) or refusal_of_loss(work.loss)
    if why:
        return why
    if work.rule.constants is None:
        return f'knows the built-in update rules only, not your own "{work.rule.name}"'
    head = work.rule.name.partition("(")[0]
    if head in _EPSILONS_FROM and not any(work.rule.constants[_EPSILONS_FROM[head] :]):
        return f"knows {work.rule.name} only with an epsilon above 0"
    return ""


class Watch(NamedTuple):
    """What is watched from epoch to epoch; `training/loop.py` says what becomes of it.

    Attributes
    ----------
    validation : Work or None
        Rows whose cost is watched; without them the training cost is.
    keep_best : bool
        Whether to return the weights of the epoch with the lowest watched cost so far.
    target_cost : float or None
        Stop once the training cost is this small.
    patience : int or None
        Stop when the watched cost has not fallen for so many epochs.
    tolerance : float or None
        What counts for `patience` is a watched cost at least this much below the lowest so far; by default any fall.
    accuracy : bool
        Watch minus the accuracy on the validation rows in place of their cost.
    reduce : (float, int) or None
        Multiply the learning rate by this factor whenever the watched cost has not fallen for so many epochs.
    watched_cost, waited, plateau
        Where the epochs before have left off.
    """

    validation: Work | None = None
    keep_best: bool = False
    target_cost: float | None = None
    patience: int | None = None
    tolerance: float | None = None
    accuracy: bool = False
    reduce: tuple[float, int] | None = None
    watched_cost: float = math.inf
    waited: int = 0
    plateau: PlateauState = PlateauState()


@dataclass(frozen=True)
class Job:
    """A network to train: what the other engines are given, and what to watch."""

    work: Work
    network: Network
    rule_state: Any
    generator: np.random.Generator
    learning_rates: np.ndarray
    watch: Watch = Watch()


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    network, rule_state
        After the last epoch; not to be used where a number was not finite.
    best_network, best_epoch
        The weights with the lowest watched cost, and how many epochs of this call they took; None and 0 where no epoch
        was better than those before.
    epochs : array (epochs run, 7)
        Cost, accuracy, gradient norm, validation cost, validation accuracy, seconds since the call, learning rate.
    end : str
        "epochs", "time", "target", "patience", "not finite", "validation not finite" or "interrupted".
    failed_batch : int
        Where a number was not finite, in the epoch after the last row, counted from 0.
    watched_cost, waited, plateau
        Where these epochs have left off.
    """

    network: Network
    rule_state: Any
    best_network: Network | None
    best_epoch: int
    epochs: np.ndarray
    end: str
    failed_batch: int
    watched_cost: float
    waited: int
    plateau: PlateauState


def run(
    work: Work, network: Network, rule_state: Any, generator: np.random.Generator, learning_rates: np.ndarray
) -> Chunk:
    """Train for as many epochs as `learning_rates` has rows; signature and results as of the reference engine.

    Raises
    ------
    NotFiniteError
        At the first number that is not finite, found again with the reference engine, which can name it.
    KeyboardInterrupt
        On Ctrl-C.
    """
    before = generator.bit_generator.state
    (outcome,), interrupted = run_all([Job(work, network, rule_state, generator, learning_rates)])
    if interrupted:
        raise KeyboardInterrupt
    if outcome.end == "not finite":
        generator.bit_generator.state = before
        again = sparse_first_layer.run if is_sparse(work.X) else reference.run
        return again(work, network, rule_state, generator, learning_rates)
    rows = outcome.epochs[:, :3].tolist()
    return Chunk(outcome.network, outcome.rule_state, tuple(EpochNumbers(*row) for row in rows))


def run_all(
    jobs: Sequence[Job], *, threads: int | None = None, seconds: float = math.inf, instruction_set: str | None = None
) -> tuple[list[Outcome], bool]:
    """Train networks side by side, each for as many epochs as its learning rates have rows, or until it is to stop.

    Parameters
    ----------
    jobs : sequence of Job
        All of one dtype.
    threads : int, optional
        By default one for each core. Several networks share them; a single one uses them where its steps are large.
    seconds : float
        Come back after the epochs that are running then.
    instruction_set : str, optional
        One of `kernels()`, by default the best.

    Returns
    -------
    outcomes : list of Outcome
    interrupted : bool
        Whether Ctrl-C was pressed.
    """
    module = kernel() if instruction_set is None else kernels()[instruction_set]
    threads = threads or cores()
    single = np.dtype(jobs[0].network.parameters[0].dtype) == np.float32
    prepared = [_Prepared(module, job, single, _threads_of(job, threads) if len(jobs) == 1 else 1) for job in jobs]
    train = module.train32 if single else module.train64
    asked = asked_to_stop if threading.current_thread() is threading.main_thread() else None
    interrupted = train([one.trainer for one in prepared], threads, min(seconds, 1e9), asked)
    if interrupted:
        take_interrupt()
    return [one.outcome() for one in prepared], interrupted


def predict(network: Network, X: np.ndarray, *, threads: int | None = None) -> np.ndarray:
    """Return the outputs of a network, (N, outputs), without keeping what lies between."""
    dtype = network.parameters[0].dtype
    trainer = on_kernel(network)
    A = np.empty((X.shape[0], network.sizes[-1]), dtype=dtype)
    large = X.shape[0] * network.n_parameters > FEWEST_TO_SHARE
    trainer.predict(np.ascontiguousarray(X, dtype=dtype), A, (threads or cores()) if large else 1)
    return A


def _threads_of(job: Job, most: int) -> int:
    multiplications = 3 * job.network.n_parameters * job.work.batch_size
    return most if multiplications >= FEWEST_TO_SHARE else 1


class _Prepared:
    """A job as the kernel takes it: arrays of its own, which the kernel writes to in place."""

    def __init__(self, module: Any, job: Job, single: bool, threads: int) -> None:
        self.job = job
        work, network, watch = job.work, job.network, job.watch
        self.trainer = trainer = module.Trainer32() if single else module.Trainer64()
        self.parameters = [p.copy() for p in network.parameters]
        self.best = [np.empty_like(p, order="C") for p in network.parameters] if watch.keep_best else []
        lists = [value for value in job.rule_state if isinstance(value, list)]
        self.own = [[array.copy() for array in arrays] for arrays in lists]
        own = [iter(arrays) for arrays in self.own]
        parameters, best = iter(self.parameters), iter(self.best)
        for l, layer in enumerate(network.layers):
            n = len(layer.parameters)
            W, b = weights_and_biases([next(parameters) for _ in range(n)], layer.x0)
            kept = []
            if layer.trainable:
                kept = [weights_and_biases([next(arrays) for _ in range(n)], layer.x0) for arrays in own]
            best_W, best_b = weights_and_biases([next(best) for _ in range(n)], layer.x0) if self.best else (None, None)
            dropout = work.dropout[l] if l < len(work.dropout) else 0.0
            trainer.add_layer(
                W, b, *activation_code(layer.activation.name), layer.trainable, dropout,
                [W for W, _ in kept], [b for _, b in kept if b is not None],
                [] if best_W is None else [best_W], [] if best_b is None else [best_b],
            )  # fmt: skip
        assert work.rule.constants is not None
        trainer.set_plan(
            *loss_code(work.loss),
            rule_code(work.rule.name),
            list(work.rule.constants),
            work.batch_size, work.reduction == "mean", work.shuffle, _weight_decay(work), work.decay_is_shared,
            work.clip_norm or 0.0, work.clip_value or 0.0, work.middle or 0.0,
        )  # fmt: skip
        if is_sparse(work.X):
            trainer.set_sparse_examples(*entries(work.X), *_targets(work))
        else:
            trainer.set_examples(*_examples(work))
        if watch.validation is not None:
            rows = watch.validation
            trainer.set_validation(*_examples(rows), rows.decay_of(rows.n_examples))
        self.updates = getattr(job.rule_state, "updates", 0)
        trainer.set_course(np.ascontiguousarray(job.learning_rates), job.generator, self.updates, threads)
        inside = trainer.watch
        inside.watched_cost, inside.waited, inside.keep_best = watch.watched_cost, watch.waited, watch.keep_best
        inside.target_cost = -math.inf if watch.target_cost is None else watch.target_cost
        inside.patience, inside.accuracy = watch.patience or 0, watch.accuracy
        inside.tolerance = -1.0 if watch.tolerance is None else watch.tolerance
        if watch.reduce is not None:
            inside.reduce_by, inside.plateau_patience = watch.reduce
        # The learning rates handed in hold the factor reached so far.
        inside.plateau_best, inside.plateau_waited = watch.plateau.best, watch.plateau.waited

    def outcome(self) -> Outcome:
        trainer, job, inside = self.trainer, self.job, self.trainer.watch
        found = iter(self.own)
        state = {
            name: next(found) if isinstance(value, list) else value for name, value in job.rule_state._asdict().items()
        }
        if "updates" in state:
            state["updates"] = trainer.updates
        best = inside.best_epoch > 0 and job.watch.keep_best
        return Outcome(
            _refilled(job.network, self.parameters),
            type(job.rule_state)(**state),
            _refilled(job.network, self.best) if best else None,
            inside.best_epoch,
            trainer.rows,
            _ENDS[trainer.end],
            trainer.failed_batch,
            inside.watched_cost,
            inside.waited,
            PlateauState(job.watch.plateau.factor * inside.plateau_factor, inside.plateau_best, inside.plateau_waited),
        )


def _weight_decay(work: Work) -> float:
    """What to hand over as lambda. The kernel shares it by the examples it has, which may be some of an epoch's."""
    if work.of_examples is None or work.reduction == "mean" or work.rule.decoupled:
        return work.weight_decay
    count, N = min(work.batch_size, work.n_examples), work.n_examples
    wanted = work.weight_decay * count / work.of_examples
    near = wanted * N / count
    candidates = [near, *(math.nextafter(near, end) for end in (0.0, math.inf))]
    return min(candidates, key=lambda lam: abs(lam * count / N - wanted))


def _refilled(network: Network, parameters: list[np.ndarray]) -> Network:
    """The network with new numbers where it learns; frozen layers keep their own arrays."""
    supply = iter(parameters)
    pairs = [(layer.trainable, old, next(supply)) for layer in network.layers for old in layer.parameters]
    return network.with_parameters([new if trainable else old for trainable, old, new in pairs])


def _examples(work: Work) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
    return np.ascontiguousarray(work.X), *_targets(work)


def _targets(work: Work) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Y, shares and labels."""
    Y = np.ascontiguousarray(work.Y)
    shares = None if work.shares is None else np.ascontiguousarray(work.shares, dtype=Y.dtype)
    return Y, shares, work.labels
