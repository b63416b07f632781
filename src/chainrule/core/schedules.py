"""Schedules: the factor on the learning rate as training goes on.

Time is counted in epochs and runs on within an epoch: with 10 updates an epoch, the fifth stands at 0.4. Powers are
taken by np.float_power, whose last bit depends neither on the processor nor on how many times are asked for at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import made_by_name
from chainrule.errors import UsageError


class Schedule(NamedTuple):
    """A schedule: `factor(epoch, epochs)` multiplies the learning rate at a time in training.

    `plateau` holds (factor, patience) of a schedule that follows the cost instead of the time; `stretches` says that
    the factor at an epoch depends on how many there will be; `at_once` that `factor` takes an array of times, as those
    below do. Your own schedule may take one time after the other.
    """

    name: str
    factor: Callable[[Any, int], Any]
    plateau: tuple[float, int] | None = None
    stretches: bool = True
    at_once: bool = False


class PlateauState(NamedTuple):
    """What reduce_on_plateau remembers."""

    factor: float = 1.0
    best: float = math.inf
    waited: int = 0


def constant() -> Schedule:
    """1 throughout."""
    return Schedule("constant", lambda epoch, epochs: 1.0, stretches=False, at_once=True)


def step(every: float = 30, factor: float = 0.1) -> Schedule:
    """Multiply by `factor` after every `every` epochs."""
    _check(every >= 1, "step(every, factor)", "every of at least 1 epoch", every)
    _check(factor > 0, "step(every, factor)", "a factor above 0", factor)
    return Schedule(
        "step", lambda epoch, epochs: np.float_power(factor, np.floor(epoch / every)), stretches=False, at_once=True
    )


def exponential(rate: float = 0.99) -> Schedule:
    """rate^epoch."""
    _check(rate > 0, "exponential(rate)", "a rate above 0", rate)
    return Schedule("exponential", lambda epoch, epochs: np.float_power(rate, epoch), stretches=False, at_once=True)


def cosine(end: float = 0.0) -> Schedule:
    """Half a cosine from 1 down to `end` (Loshchilov and Hutter 2017, without restarts)."""
    _check(0 <= end <= 1, "cosine(end)", "an end from 0 to 1", end)

    def factor(epoch: Any, epochs: int) -> Any:
        return end + (1 - end) * 0.5 * (1 + np.cos(math.pi * epoch / epochs))

    return Schedule("cosine", factor, at_once=True)


def one_cycle(rise: float = 0.3, start: float = 0.04, end: float = 0.0001) -> Schedule:
    """Rise from `start` to 1 in the first share `rise` of training, then fall to `end`, both along half a cosine
    (Smith and Topin 2019)."""
    _check(0 < rise < 1, "one_cycle(rise, start, end)", "a rise between 0 and 1", rise)
    _check(0 <= start <= 1, "one_cycle(rise, start, end)", "a start from 0 to 1", start)
    _check(0 <= end <= 1, "one_cycle(rise, start, end)", "an end from 0 to 1", end)

    def factor(epoch: Any, epochs: int) -> Any:
        t = epoch / epochs
        up = start + (1 - start) * 0.5 * (1 - np.cos(math.pi * t / rise))
        down = end + (1 - end) * 0.5 * (1 + np.cos(math.pi * (t - rise) / (1 - rise)))
        return np.where(t < rise, up, down)

    return Schedule("one_cycle", factor, at_once=True)


def reduce_on_plateau(factor: float = 0.5, patience: float = 10) -> Schedule:
    """Multiply by `factor` when the watched cost has not improved for `patience` epochs."""
    _check(0 < factor < 1, "reduce_on_plateau(factor, patience)", "a factor between 0 and 1", factor)
    _check(
        1 <= patience <= 1e9 and patience == int(patience),
        "reduce_on_plateau(factor, patience)",
        "a whole patience from 1 to 1e9",
        patience,
    )
    at_all_times = constant().factor  # what follows the cost is in PlateauState
    return Schedule("reduce_on_plateau", at_all_times, (factor, int(patience)), stretches=False, at_once=True)


def factors(schedule: Schedule, times: np.ndarray, epochs: int) -> np.ndarray:
    """Return the factor at each time.

    Parameters
    ----------
    schedule : Schedule
    times : float array of any shape
        In epochs.
    epochs : int
        How many there will be.

    Returns
    -------
    float array of the shape of `times`
        Infinite where a factor is beyond every number, such as exponential(10) after 308 epochs.

    Examples
    --------
    >>> factors(step(50, 0.5), np.array([0.0, 49.9, 50.0, 120.0]), 200).tolist()
    [1.0, 1.0, 0.5, 0.25]
    """

    def factor_or_infinity(time: float) -> float:
        try:
            return float(schedule.factor(time, epochs))
        except OverflowError:
            return math.inf

    if not schedule.at_once:
        return np.array([factor_or_infinity(time) for time in times.ravel().tolist()]).reshape(times.shape)
    with np.errstate(over="ignore"):
        return np.broadcast_to(schedule.factor(times, epochs), times.shape)


def after_epoch(schedule: Schedule, state: PlateauState, cost: float) -> PlateauState:
    """Tell a schedule the watched cost of the epoch that has ended; only reduce_on_plateau listens.

    >>> slow = reduce_on_plateau(0.5, 2)
    >>> state = PlateauState()
    >>> for cost in (1.0, 1.0, 1.0):
    ...     state = after_epoch(slow, state, cost)
    >>> state.factor
    0.5
    """
    if schedule.plateau is None:
        return state
    factor, patience = schedule.plateau
    if cost < state.best:
        return state._replace(best=cost, waited=0)
    if state.waited + 1 < patience:
        return state._replace(waited=state.waited + 1)
    return state._replace(factor=state.factor * factor, waited=0)


SCHEDULES: Mapping[str, Callable[..., Schedule]] = {
    "constant": constant,
    "step": step,
    "exponential": exponential,
    "cosine": cosine,
    "one_cycle": one_cycle,
    "reduce_on_plateau": reduce_on_plateau,
}


def schedule_named(name: str | Schedule) -> Schedule:
    """Return the schedule of that name, with its numbers in parentheses, as in `step(50,0.5)`.

    >>> float(schedule_named("step(50,0.5)").factor(120, 200))
    0.25
    """
    return name if isinstance(name, Schedule) else made_by_name("schedule", SCHEDULES, name)


def _check(holds: bool, form: str, needed: str, received: float) -> None:
    if not holds:
        raise UsageError(f"schedule {form} needs {needed}; received {received:g}.")
