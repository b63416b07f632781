"""L-BFGS: the way downhill, bent by what the last few steps taught about the curvature.

Newton's direction is -H^-1 g. BFGS learns H^-1 from what each step s did to the gradient, y = change of g; L-BFGS keeps
only the last m pairs (s, y) and applies the matrix that they make without ever writing it down (Nocedal 1980, algorithm
7.4 of Nocedal and Wright 2006). How far to go along it is found by `line_search`, which looks for the strong Wolfe
conditions. One epoch is one such step over all examples, in float64.

The memory is part of the training's state, so a training may be stopped after any epoch and resumed; this is why the
recursion is here, and not scipy.optimize.minimize, which keeps its memory to itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.network import Network
from chainrule.core.passes import backward, forward
from chainrule.engines.cost_and_gradient import CostAndGradient
from chainrule.engines.line_search import search
from chainrule.engines.outputs import outputs
from chainrule.engines.reference import first_not_finite
from chainrule.engines.vectors import as_vector, at_vector, examples_in_float64, in_float64
from chainrule.engines.work import Chunk, EpochNumbers, NotFiniteError, Solver, Work, count_right
from chainrule.errors import UsageError


class Memory(NamedTuple):
    """What L-BFGS remembers.

    `steps` and `changes` hold the last m steps and what they did to the gradient, (m, p) each, the newest last; of the
    m rows the last `pairs` are filled. `cost` and `gradient` are those after the last step; an infinite cost says that
    there was none yet.
    """

    steps: list[Array]
    changes: list[Array]
    pairs: int
    gradient: list[Array]
    cost: float
    converged: bool


class _Point(NamedTuple):
    """J and its gradient at some weights, w as a vector, rounded to the network's dtype."""

    network: Network
    w: np.ndarray
    J: float
    g: np.ndarray


def lbfgs(memory: float = 10) -> Solver:
    """Return the solver that remembers `memory` steps.

    Raises
    ------
    UsageError
        If it is no whole number of at least 1.
    """
    if not (1 <= memory <= 1000 and memory == int(memory)):
        raise UsageError(f"lbfgs(memory) needs a whole number from 1 to 1000, such as lbfgs(10); received {memory:g}.")

    def init(parameters: list[Array]) -> Memory:
        p = sum(int(parameter.size) for parameter in parameters)
        empty = np.zeros((int(memory), p))
        return Memory([empty], [empty], 0, [np.zeros(p)], math.inf, converged=False)

    return Solver("lbfgs", "lbfgs", init, run, lambda work, network: "")


def run(
    work: Work, network: Network, rule_state: Memory, generator: np.random.Generator, learning_rates: np.ndarray
) -> Chunk:
    """Take a step for each row of `learning_rates`, or fewer if it converges; all in float64.

    Parameters
    ----------
    work, network, rule_state, generator, learning_rates
        As for the reference engine; of the last two only the number of epochs counts.

    Returns
    -------
    Chunk
        Costs and accuracies are those after each step.

    Raises
    ------
    NotFiniteError
        If the cost or its gradient is not finite where a step starts.
    """
    measure = partial(_measured, CostAndGradient(work, network), network)
    numbers, w = [], as_vector(network.trainable_parameters)
    with np.errstate(all="ignore"):  # a trial may overflow: its cost is then not lower
        here = _Point(network, w, rule_state.cost, rule_state.gradient[0])
        if math.isinf(rule_state.cost):
            here = measure(w)
            _refuse_not_finite(work, here)
        for _ in learning_rates:
            norm = float(np.linalg.norm(here.g))
            here, rule_state = _step(measure, here, rule_state)
            numbers.append(EpochNumbers(here.J, _accuracy(work, here.network), norm))
            if rule_state.converged:
                break
    return Chunk(here.network, rule_state, tuple(numbers))


def _step(measure: Callable[[np.ndarray], _Point], here: _Point, memory: Memory) -> tuple[_Point, Memory]:
    """Go along the direction, or straight downhill if that leads nowhere; if neither lowers the cost, stay."""
    for pairs in (memory.pairs, 0) if memory.pairs else (0,):
        S, Y = (rows[len(rows) - pairs :] for rows in (memory.steps[0], memory.changes[0]))
        there, _ = _along(measure, here, direction(here.g, S, Y))
        if there is not None:
            return there, _with_pair(memory._replace(pairs=pairs), here, there)
    return measure(here.w), memory._replace(converged=True)


def direction(g: np.ndarray, S: Sequence[np.ndarray], Y: Sequence[np.ndarray]) -> np.ndarray:
    """Return -H^-1 g by the two-loop recursion.

    Parameters
    ----------
    g : array (p,)
        The gradient.
    S, Y : arrays (k, p), or sequences of k arrays (p,)
        The last k steps and the changes of the gradient along them, the newest last. Without any the direction is -g,
        shortened to length 1: a first step should not be longer than a weight is large.
    """
    if not len(S):
        return -g / max(1.0, float(np.linalg.norm(g)))
    rho = [1 / float(s @ y) for s, y in zip(S, Y, strict=True)]
    q, share = -g, [0.0] * len(S)
    for i in reversed(range(len(S))):
        share[i] = rho[i] * float(S[i] @ q)
        q -= share[i] * Y[i]
    q *= 1 / (rho[-1] * float(Y[-1] @ Y[-1]))  # the curvature along the newest step stands for all others
    for i in range(len(S)):
        q += (share[i] - rho[i] * float(Y[i] @ q)) * S[i]
    return q


def _along(measure: Callable[[np.ndarray], _Point], here: _Point, d: np.ndarray) -> tuple[_Point | None, float]:
    """Return a point along d with a lower cost, or None, and how many times d it is away."""
    slope, points = float(here.g @ d), {0.0: here}
    if not slope < 0:
        return None, 0.0

    def at(t: float) -> tuple[float, float]:
        if t not in points:
            points[t] = measure(here.w + t * d)
        return points[t].J, float(points[t].g @ d)

    t = search(at, here.J, slope, 1.0)
    if t is None:
        return None, 0.0
    there = points[t]
    return (there if there.J < here.J and np.isfinite(there.g).all() else None), t


class StepTaken(NamedTuple):
    """How a step came about: w moved by `length` times the direction that these `pairs` of the memory make of g.

    `pairs` 0 is straight downhill; `length` 0 says that neither direction lowered the cost.
    """

    pairs: int
    length: float


def step_taken(work: Work, network: Network, memory: Memory) -> StepTaken:
    """Find how the step from these weights with this memory came about, by taking it once more.

    Parameters
    ----------
    work : Work
    network : Network
        Before the step.
    memory : Memory
        Before the step.
    """
    measure = partial(_measured, CostAndGradient(work, network), network)
    with np.errstate(all="ignore"):
        here = measure(as_vector(network.trainable_parameters))
        if not math.isinf(memory.cost):
            here = here._replace(J=memory.cost, g=memory.gradient[0])
        for pairs in (memory.pairs, 0) if memory.pairs else (0,):
            S, Y = (rows[len(rows) - pairs :] for rows in (memory.steps[0], memory.changes[0]))
            there, length = _along(measure, here, direction(here.g, S, Y))
            if there is not None:
                return StepTaken(pairs, length)
    return StepTaken(0, 0.0)


def _with_pair(memory: Memory, here: _Point, there: _Point) -> Memory:
    """Remember a step, in place of the oldest; not one that shows no curvature, which rounding alone can make."""
    memory = memory._replace(gradient=[there.g], cost=there.J)
    s, y = there.w - here.w, there.g - here.g
    if not s @ y > 1e-12 * float(y @ y):
        return memory
    steps, changes = (np.vstack([rows[1:], new]) for rows, new in ((memory.steps[0], s), (memory.changes[0], y)))
    return memory._replace(steps=[steps], changes=[changes], pairs=min(memory.pairs + 1, len(steps)))


def _measured(at: CostAndGradient, network: Network, w: np.ndarray) -> _Point:
    """J and its gradient at the weights w, as the network's dtype holds them."""
    there = at_vector(network, w)
    rounded = as_vector(there.trainable_parameters)
    return _Point(there, rounded, *at(rounded))


def _accuracy(work: Work, network: Network) -> float:
    if work.middle is None:
        return math.nan
    X, Y, _ = examples_in_float64(work)
    return count_right(outputs(in_float64(network), X), Y, work.middle) / work.n_examples


def _refuse_not_finite(work: Work, here: _Point) -> None:
    if math.isfinite(here.J) and np.isfinite(here.g).all():
        return
    X, Y, _ = examples_in_float64(work)
    exact = in_float64(here.network)
    record = forward(exact, X)
    raise NotFiniteError(here.network, *first_not_finite(record, backward(exact, record, Y, work.loss)), 0, 0)
