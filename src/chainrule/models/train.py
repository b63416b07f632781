"""`chainrule.train`: from a table to a model in one call."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.errors import DivergenceError, UsageError
from chainrule.files import check_writable
from chainrule.models.attempts import Attempt, attempt, attempts_side_by_side, best_of
from chainrule.models.model import Model
from chainrule.models.setup import Setup, set_up
from chainrule.training.checkpoint import is_checkpoint, load_checkpoint, save_checkpoint
from chainrule.training.loop import Callback, as_callbacks, run
from chainrule.training.prepare import Training
from chainrule.training.state import TrainingState


def train(
    source: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    on_epoch: Callback | Sequence[Callback] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 10,
    resume: bool = False,
    **options: Any,
) -> Model:
    """Train a network on a table.

    Parameters
    ----------
    source
        A built-in table's name, a file (CSV, TSV, Parquet, JSON lines, SQLite), a pandas, polars or pyarrow table, a
        dict of columns, a list of dicts, or an array of inputs with `y`.
    y : array (N,) or (N, targets), optional
        Targets, when `source` is an array.
    sample_weight : array (N,), optional
        Weight of each example; or name a column with the option `weights`.
    on_epoch : callable or sequence of callables (TrainingState) -> bool or None
        Called after each epoch; one that returns True stops the training.
    checkpoint : path, optional
        Where to keep the training's state, so that it can be resumed after a stop; for a single start.
    checkpoint_every : int
        Epochs between two checkpoints; the last state is always kept.
    resume : bool
        Go on from the checkpoint: the same bits follow as if there had been no stop.
    **options
        Fields of `TrainingPlan` (hidden, activation, loss, update, learning_rate, epochs, ...), of `EncodingPlan`
        (target, scale, missing, validation, test, ...) and of `ReadingPlan` (sql, delimiter, ...). `chainrule train
        --help` lists them all.

    Returns
    -------
    Model

    Raises
    ------
    UsageError
        If an option is unknown or not allowed.
    DataError
        If the table cannot be used as it is.
    DivergenceError
        At the first number that is not finite; its `model` holds the last good weights.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.train("wine", target="class", hidden=(16,), epochs=50, batch_size=16, seed=0)
    >>> model.evaluate().accuracy > 0.9
    True
    """
    callbacks = as_callbacks(on_epoch)
    setup = set_up(source, y, sample_weight=sample_weight, **options)
    return train_setup(setup, callbacks, checkpoint=checkpoint, checkpoint_every=checkpoint_every, resume=resume)


def train_setup(
    setup: Setup,
    callbacks: Sequence[Callback] = (),
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 10,
    resume: bool = False,
) -> Model:
    """Train what `set_up` prepared: every random start, keeping the best; see `train`."""
    _check_checkpoint(setup, checkpoint, checkpoint_every, resume)
    began = time.perf_counter()
    seconds = None
    if setup.plan.starts > 1 and all(getattr(callback, "every", 1) is None for callback in callbacks):
        (attempts,) = attempts_side_by_side([setup], callbacks, setup.plan.time_limit)
        seconds = time.perf_counter() - began
    else:
        attempts = _in_turn(setup, callbacks, checkpoint, checkpoint_every, resume)
    model, best = best_of(setup, attempts, seconds)
    if best.failure is not None:  # all of them diverged
        best.failure.model = model
        raise best.failure
    return model


def _in_turn(
    setup: Setup,
    callbacks: Sequence[Callback],
    checkpoint: str | os.PathLike[str] | None,
    checkpoint_every: int,
    resume: bool,
) -> list[Attempt]:
    """One random start after the other, for callbacks that follow each, and for a checkpoint."""
    attempts: list[Attempt] = []
    seconds = 0.0
    for start in range(setup.plan.starts):
        training = setup.training(start)
        if start and setup.plan.time_limit is not None:
            if seconds >= setup.plan.time_limit:
                break
            training = replace(training, plan=replace(training.plan, time_limit=setup.plan.time_limit - seconds))
        state = load_checkpoint(checkpoint, training) if resume and checkpoint is not None else training.start
        watchers = list(callbacks)
        if checkpoint is not None:
            watchers.append(_checkpointer(checkpoint, training, checkpoint_every))
        failure = None
        try:
            state = run(training, state, watchers)
        except DivergenceError as error:
            failure, state = error, error.state
        attempts.append(attempt(training, state, failure, start))
        seconds += state.seconds
        if checkpoint is not None and state.epoch:
            save_checkpoint(checkpoint, training, state)
        if state.stopped == "interrupted":
            break
    return attempts


def _check_checkpoint(
    setup: Setup, checkpoint: str | os.PathLike[str] | None, checkpoint_every: int, resume: bool
) -> None:
    if checkpoint is None:
        if resume:
            raise UsageError('resume needs the checkpoint to go on from, as in checkpoint="run.checkpoint".')
        return
    if setup.plan.starts > 1:
        raise UsageError(f"a checkpoint holds one training, but starts={setup.plan.starts}; leave out one of them.")
    if checkpoint_every < 1:
        raise UsageError(f"checkpoint_every must be at least 1 epoch; received {checkpoint_every}.")
    check_writable(checkpoint)
    if not resume and Path(checkpoint).exists() and not is_checkpoint(checkpoint):
        raise UsageError(f'checkpoint "{checkpoint}" is another file, which would be lost. Choose another name.')


def _checkpointer(path: str | os.PathLike[str], training: Training, every: int) -> Callback:
    def write(state: TrainingState) -> None:
        if state.epoch % every == 0:
            save_checkpoint(path, training, state)

    write.every = every  # type: ignore[attr-defined]
    return write
