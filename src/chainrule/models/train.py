"""`chainrule.train`: from a table to a model in one call."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from chainrule.errors import DivergenceError, UsageError
from chainrule.interrupts import interrupts_held
from chainrule.models.attempts import Attempt, attempt, attempts_side_by_side, best_of, interrupted
from chainrule.models.model import Model
from chainrule.models.setup import Setup, set_up
from chainrule.training.checkpoint import Checkpoints, load_checkpoint
from chainrule.training.loop import Callback, as_callbacks, keep_with, run


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

    Warns
    -----
    UserWarning
        If the last checkpoint could not be written; the training goes on all the same.

    Notes
    -----
    Ctrl-C ends the training, and the model of the epochs so far is returned; its `provenance.stopped` is
    "interrupted". An error that `on_epoch` raises passes through, with the model so far as its attribute `model`.

    Examples
    --------
    >>> import chainrule as cr
    >>> model = cr.train("wine", target="class", hidden=(16,), epochs=50, batch_size=16, seed=0)
    >>> model.evaluate().accuracy > 0.9
    True
    """
    callbacks = as_callbacks(on_epoch)
    checkpoints = None if checkpoint is None else Checkpoints(checkpoint, checkpoint_every)
    setup = set_up(source, y, sample_weight=sample_weight, **options)
    model = train_setup(setup, callbacks, checkpoints=checkpoints, resume=resume)
    if checkpoints is not None and checkpoints.failure is not None:
        try:
            warnings.warn(f"Not written: {checkpoints.in_words()}.", stacklevel=2)
        except Warning as error:  # warnings are errors here
            keep_with(error, model=model)
            raise
    return model


def train_setup(
    setup: Setup,
    callbacks: Sequence[Callback] = (),
    *,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
) -> Model:
    """Train what `set_up` prepared: every random start, keeping the best; see `train`."""
    _check_checkpoints(setup, checkpoints, resume)
    began = time.perf_counter()
    seconds = None
    attempts: list[Attempt] = []
    with interrupts_held() as held:
        try:
            if setup.plan.starts > 1 and all(getattr(callback, "every", 1) is None for callback in callbacks):
                (attempts,) = attempts_side_by_side([setup], callbacks, setup.plan.time_limit)
                seconds = time.perf_counter() - began
            else:
                _in_turn(setup, callbacks, checkpoints, resume, attempts)
        except BaseException as error:  # of a callback, or of the system's: memory that ran out
            reached = getattr(error, "attempts", [attempts])[0]
            if any(one.state.epoch for one in reached):
                with suppress(Exception):
                    keep_with(error, model=best_of(setup, reached)[0])
            raise
        model, best = best_of(setup, attempts, seconds)
        if held.taken():
            model = interrupted(model)
    if best.failure is not None:  # all of them diverged
        best.failure.model = model
        raise best.failure
    return model


def _in_turn(
    setup: Setup,
    callbacks: Sequence[Callback],
    checkpoints: Checkpoints | None,
    resume: bool,
    attempts: list[Attempt],
) -> None:
    """One random start after the other, for callbacks that follow each, and for a checkpoint; added to `attempts`."""
    seconds = 0.0
    for start in range(setup.plan.starts):
        training = setup.training(start)
        if start and setup.plan.time_limit is not None:
            if seconds >= setup.plan.time_limit:
                break
            training = replace(training, plan=replace(training.plan, time_limit=setup.plan.time_limit - seconds))
        state, watchers = training.start, list(callbacks)
        if checkpoints is not None:
            watchers.append(checkpoints.of(training))
            if resume:
                state = load_checkpoint(checkpoints.path, training)
        failure = None
        try:
            state = run(training, state, watchers)
        except DivergenceError as error:
            failure, state = error, error.state
        except BaseException as error:
            state = getattr(error, "state", state)
            attempts.append(attempt(training, state, None, start))
            raise
        finally:
            if checkpoints is not None and state.epoch:
                checkpoints.save(training, state)
        attempts.append(attempt(training, state, failure, start))
        seconds += state.seconds
        if state.stopped == "interrupted":
            break


def _check_checkpoints(setup: Setup, checkpoints: Checkpoints | None, resume: bool) -> None:
    if checkpoints is None:
        if resume:
            raise UsageError('resume needs the checkpoint to go on from, as in checkpoint="run.checkpoint".')
        return
    if setup.plan.starts > 1:
        raise UsageError(f"a checkpoint holds one training, but starts={setup.plan.starts}; leave out one of them.")
    checkpoints.check(resume)
