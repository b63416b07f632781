"""The training loop: a generator of frozen states, one an epoch."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

from chainrule.engines.kernels import cores
from chainrule.errors import DivergenceError, UsageError
from chainrule.interrupts import interrupts_held, let_through, take_interrupt
from chainrule.training.chunks import advance, runs_in_chunks
from chainrule.training.course import why_stop
from chainrule.training.epoch import Reached, one_epoch
from chainrule.training.prepare import Training
from chainrule.training.state import TrainingState

Callback = Callable[[TrainingState], "bool | None"]

SECONDS_OF_A_CHUNK = 0.1  # after so long the engine comes back, to show how far it is and to hear of Ctrl-C
SECONDS_OF_A_WEIGHT = 5e-7  # the same for each: to hand it over and back takes a twentieth of that


def epochs(training: Training, state: TrainingState | None = None) -> Iterator[TrainingState]:
    """Train, and yield the state after each epoch; the last one says why the training stopped.

    Parameters
    ----------
    training : Training
    state : TrainingState, optional
        Where to go on from; the same bits follow as if there had been no stop.

    Raises
    ------
    DivergenceError
        At the first number that is not finite; the states yielded before are all good.

    Examples
    --------
    >>> from chainrule.training.plan import TrainingPlan
    >>> from chainrule import Network, TrainingPlan
    >>> from chainrule.training.prepare import prepare
    >>> net = Network.dense([2, 2, 1], init="uniform(-1,1)", seed=1)
    >>> X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    >>> plan = TrainingPlan(update="gradient_descent", learning_rate=4, batch_size="all", reduction="sum", epochs=5)
    >>> [round(state.history[-1].cost, 3) for state in epochs(prepare(plan, net, X, Y))]
    [0.506, 0.503, 0.502, 0.502, 0.501]
    """
    for reached in _states(training, _started(training, state), lambda state: 1):
        if reached.error is not None:
            raise reached.error
        yield reached.state


def run(
    training: Training,
    state: TrainingState | None = None,
    callbacks: Sequence[Callback] = (),
) -> TrainingState:
    """Train to the end and return the last state; Ctrl-C ends it early and loses nothing.

    Parameters
    ----------
    callbacks : sequence of callables (TrainingState) -> bool or None
        Called after each epoch; one that returns True stops the training. A callback with an attribute `every` is
        called after so many epochs, or with `every = None` about ten times a second, and at the end: epochs of a small
        network take microseconds.

    Raises
    ------
    DivergenceError
        With the last good state as its `state`; so have the errors that a callback raises.
    """
    state = _started(training, state)
    with interrupts_held() as held:
        try:
            for reached in _states(training, state, lambda state: epochs_until_due(callbacks, state.epoch)):
                state = reached.state
                if reached.error is not None:
                    raise reached.error
                due = [callback for callback in callbacks if state.stopped or is_due(callback, state.epoch)]
                if any(_answers(due, state)) and not state.stopped:
                    state = replace(state, stopped="stopped by a callback")
                    break
        except KeyboardInterrupt:
            state = replace(state, stopped="interrupted")
        except BaseException as error:
            keep_with(error, state=replace(state, stopped=_why_failed(error)))
            raise
        return replace(state, stopped="interrupted") if held.taken() else state


def run_side_by_side(
    trainings: Sequence[Training], callbacks: Sequence[Callback] = (), time_limit: float | None = None
) -> list[Reached]:
    """Train many networks to their ends, on all cores; each comes out as if it had been trained alone.

    Parameters
    ----------
    trainings : sequence of Training
        Of any kind. Those of one precision run at the same time; on an engine other than the compiled one they run one
        after the other.
    callbacks : sequence of callables (TrainingState) -> bool or None
        Called with the last state of each training, in their order; one that returns True stops those still running.
    time_limit : float, optional
        Seconds for all of them together.

    Returns
    -------
    list of Reached
        For each training its last state, whose `stopped` says why it ended, and its error if it diverged.
    """
    began = time.perf_counter()
    reached = [Reached(training.start) for training in trainings]
    told, stop, at_once = 0, "", max(32, cores())
    with interrupts_held() as held:
        while not stop and (running := _next(trainings, reached, at_once)):
            try:
                interrupted = _go_on(trainings, reached, running)
                if all(reached[i].state.stopped for i in running):
                    at_once *= 2
                if interrupted or held.taken():
                    stop = "interrupted"
                elif time_limit is not None and time.perf_counter() - began >= time_limit:
                    stop = "time limit reached"
                while told < len(reached) and reached[told].state.stopped:
                    told += 1
                    if any(_answers(callbacks, reached[told - 1].state)):
                        stop = stop or "stopped by a callback"
            except KeyboardInterrupt:
                stop = "interrupted"
            except BaseException as error:
                keep_with(error, reached=reached)
                raise
        if stop == "interrupted" and reached[-1].error is None and all(one.state.stopped for one in reached):
            reached[-1] = Reached(replace(reached[-1].state, stopped=stop))  # it came when all had ended
        return [one if one.state.stopped else Reached(replace(one.state, stopped=stop)) for one in reached]


def _answers(callbacks: Sequence[Callback], state: TrainingState) -> list[bool | None]:
    """Call them: what a training has reached is safe meanwhile."""
    if not callbacks:
        return []
    with let_through():
        return [callback(state) for callback in callbacks]


def _why_failed(error: BaseException) -> str:
    return "diverged" if isinstance(error, DivergenceError) else "stopped by an error"


def keep_with(error: BaseException, **reached: Any) -> None:
    """Give an error that ends a training what the training had reached."""
    for name, value in reached.items():
        with suppress(AttributeError, TypeError):  # an error that takes no attributes
            setattr(error, name, value)


def _next(trainings: Sequence[Training], reached: Sequence[Reached], at_once: int) -> list[int]:
    """The first that have not ended, of those that can run at the same time."""
    going = (i for i, (state, _) in enumerate(reached) if not state.stopped)
    first = next(going, None)
    if first is None:
        return []
    if not runs_in_chunks(trainings[first]):
        return [first]
    kind = _kind(trainings[first])
    return [first, *islice((i for i in going if _kind(trainings[i]) == kind), at_once - 1)]


def _kind(training: Training) -> tuple[bool, str, int | None]:
    return runs_in_chunks(training), training.plan.dtype, training.plan.threads


def _go_on(trainings: Sequence[Training], reached: list[Reached], running: list[int]) -> bool:
    """Run these a little further; return whether Ctrl-C was pressed."""
    interrupted = False
    if runs_in_chunks(trainings[running[0]]):
        moved, interrupted = advance(
            [trainings[i] for i in running], [reached[i].state for i in running],
            epochs=sys.maxsize, seconds=_seconds_of_a_chunk([trainings[i] for i in running]),
        )  # fmt: skip
    else:
        moved = [one_epoch(trainings[running[0]], reached[running[0]].state)]
    for i, (state, error) in zip(running, moved, strict=True):
        reached[i] = Reached(state if error is None else replace(state, stopped="diverged"), error)
    return interrupted


def _seconds_of_a_chunk(trainings: Sequence[Training]) -> float:
    """After how long the engine comes back."""
    n_parameters = sum(training.start.network.n_parameters for training in trainings)
    return max(SECONDS_OF_A_CHUNK, SECONDS_OF_A_WEIGHT * n_parameters)


def _states(training: Training, state: TrainingState, epochs_due: Callable[[TrainingState], int]) -> Iterator[Reached]:
    """What is reached after each epoch or, where the engine can, after as many as are due together."""
    while not state.stopped:
        if take_interrupt():
            raise KeyboardInterrupt
        interrupted = False
        if runs_in_chunks(training):
            (reached,), interrupted = advance(
                [training], [state], epochs=epochs_due(state), seconds=_seconds_of_a_chunk([training])
            )
        else:
            reached = one_epoch(training, state)
        moved, state = reached.state is not state, reached.state
        if moved or reached.error is not None:
            yield reached
        if reached.error is not None:
            return
        if interrupted:
            raise KeyboardInterrupt


def epochs_until_due(callbacks: Sequence[Callback], epoch: int) -> int:
    """How many epochs there are until one of the callbacks is to be called."""
    every = [getattr(callback, "every", 1) for callback in callbacks]
    return min((n - epoch % n for n in every if n is not None), default=sys.maxsize)


def is_due(callback: Callback, epoch: int) -> bool:
    """Whether a callback is to be called after this epoch."""
    every = getattr(callback, "every", 1)
    return every is None or epoch % every == 0


def as_callbacks(on_epoch: Callback | Sequence[Callback]) -> list[Callback]:
    """Return a list of callbacks from one or several.

    Raises
    ------
    UsageError
        If one cannot be called.
    """
    callbacks: list[Any] = [on_epoch]
    if not callable(on_epoch):
        callbacks = list(on_epoch) if isinstance(on_epoch, (list, tuple)) else [None]
    if not all(callable(callback) for callback in callbacks):
        raise UsageError(
            f"on_epoch must be a function of the training state, or a list of them; received {on_epoch!r}."
        )
    return callbacks


def _started(training: Training, state: TrainingState | None) -> TrainingState:
    """Where to go on from; a training that had come to its end stays there."""
    if state is None or not state.history:
        return training.start if state is None else state
    return replace(state, stopped=why_stop(training.plan, state))
