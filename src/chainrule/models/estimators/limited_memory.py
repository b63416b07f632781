"""solver="lbfgs" of the estimators: the steps of SciPy's L-BFGS-B, which scikit-learn takes, with a memory that stays.

SciPy's own keeps what it has learnt about the curvature to itself, so that with warm_start every fit would begin as
steepest descent. Here it is part of what a fit leaves behind: k fits of n steps are one fit of k n steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.network import Network
from chainrule.core.passes import check_loss_fits
from chainrule.core.update_rules import gradient_descent
from chainrule.engines.cost_and_gradient import CostAndGradient
from chainrule.engines.lbfgs import direction
from chainrule.engines.line_search import search
from chainrule.engines.sparse_first_layer import SparseCostAndGradient
from chainrule.engines.vectors import as_vector, at_vector
from chainrule.engines.work import Work
from chainrule.errors import DivergenceError
from chainrule.interrupts import let_through
from chainrule.models.estimators.messages import what_helps
from chainrule.models.estimators.problem import Memory, Problem, Solved
from chainrule.models.estimators.sparse_rows import densely, is_thin
from chainrule.training.epoch import measured
from chainrule.training.loop import Callback, keep_with
from chainrule.training.state import Epoch, History, TrainingState

PAIRS = 10  # steps that are remembered, as SciPy has it
FLAT = 2.220446049250313e-09  # SciPy's ftol: a relative fall from which on a step is one too many
SAME = 1e-9  # relative difference up to which two costs, or two gradients, are those of one problem
EPS = float(np.finfo(np.float64).eps)


class Reached(NamedTuple):
    """Where L-BFGS stands, and what it remembers of the way.

    `w`, `J` and `g` are the parameters, the cost and its gradient; `S` and `Y` the last steps and what they did to the
    gradient, the newest last; `steps` counts all steps so far; `flat` says that the last one hardly lowered the cost.
    """

    w: np.ndarray
    J: float
    g: np.ndarray
    S: tuple[np.ndarray, ...] = ()
    Y: tuple[np.ndarray, ...] = ()
    steps: int = 0
    flat: bool = False


class _Measure:
    """J and its gradient at any parameters, in one vector; counts how often it was asked."""

    def __init__(self, problem: Problem, decay: float) -> None:
        self.calls = 0
        self.of: Callable[[np.ndarray], tuple[float, np.ndarray]]
        if is_thin(problem.X):
            self.of = SparseCostAndGradient(
                problem.network, problem.X, problem.Y, problem.loss, problem.sample_weight, decay
            )
            return
        rule, N = gradient_descent(), problem.n_examples
        work = Work(densely(problem.X), problem.Y, problem.sample_weight, problem.loss, rule, N, weight_decay=decay)
        self.of = CostAndGradient(work, problem.network)

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        self.calls += 1
        return self.of(w)


def by_lbfgs(problem: Problem, parameters: Any, memory: Memory, callbacks: Sequence[Callback] = ()) -> Solved:
    """Train with all rows at once by L-BFGS; Ctrl-C ends it and keeps the last step.

    Parameters
    ----------
    parameters
        An object with the parameters of the estimators as attributes.
    memory : Memory
        Of an earlier fit; it is taken up where weights, cost and gradient are still what they were.
    callbacks : sequence of callables (TrainingState) -> bool or None
        Called after each step; one that returns True ends the training.

    Raises
    ------
    DivergenceError
        If the loss is not finite at the initial weights.
    """
    check_loss_fits(problem.loss, problem.network)
    at, watch = _Measure(problem, parameters.alpha / problem.total_weight), _validation_loss(problem)
    here = _started(at, problem.network, memory)
    if not math.isfinite(here.J):
        raise DivergenceError(
            f"training diverged: the loss is not finite at the initial weights. {what_helps(parameters)}"
        )
    began, history, ended = time.perf_counter(), History(), ""

    def add(here: Reached) -> None:
        nonlocal history
        nan = math.nan
        validation_cost = nan if watch is None else watch(at_vector(problem.network, here.w))
        seconds = time.perf_counter() - began
        history = history.then([Epoch(len(history) + 1, here.J, validation_cost, nan, nan, nan, nan, seconds)])

    try:
        while not ended:
            if float(np.abs(here.g).max()) <= parameters.tol or here.flat:
                ended = "converged"
                break
            with let_through():
                there = step(at, here)
            if there is None:
                ended = "stuck"
                break
            here = there
            add(here)
            if callbacks:
                ended = "callback" if _told(callbacks, problem.network, here, history) else ""
            if not ended and (len(history) >= parameters.max_iter or at.calls > parameters.max_fun):
                ended = "epochs"
    except KeyboardInterrupt:
        ended = "interrupted"
    if not history:  # it ended where it began
        add(here)
    best_loss = float(history.table[:, 1].min())
    memory = Memory(best_loss, rule="lbfgs", rule_state=here if parameters.warm_start else None)
    return Solved(at_vector(problem.network, here.w), history, memory, ended)


def _told(callbacks: Sequence[Callback], network: Network, here: Reached, history: History) -> bool:
    """Call all of them; whether one says that it is enough. An error of theirs carries the state."""
    reached = at_vector(network, here.w)
    state = TrainingState(reached, None, {}, reached, len(history), here.J, history=history)
    try:
        with let_through():
            return any([callback(state) for callback in callbacks])  # noqa: C419 - all are told
    except Exception as error:
        keep_with(error, state=state)
        raise


def step(at: Callable[[np.ndarray], tuple[float, np.ndarray]], here: Reached) -> Reached | None:
    """Take one step of L-BFGS, with what is remembered or, where that leads nowhere, straight downhill; or none."""
    for pairs in (len(here.S), 0) if here.S else (0,):
        S, Y = here.S[len(here.S) - pairs :], here.Y[len(here.Y) - pairs :]
        d = direction(here.g, S, Y) if pairs else -here.g
        slope = float(here.g @ d)
        if not slope < 0:
            continue
        there: dict[float, tuple[np.ndarray, float, np.ndarray]] = {0.0: (here.w, here.J, here.g)}

        def along(
            t: float, d: np.ndarray = d, there: dict[float, tuple[np.ndarray, float, np.ndarray]] = there
        ) -> tuple[float, float]:
            if t not in there:
                w = here.w + t * d
                there[t] = (w, *at(w))
            _, J, g = there[t]
            return J, float(g @ d)

        first = 1.0 if here.steps else 1 / float(np.linalg.norm(d))
        with np.errstate(all="ignore"):  # a trial may go too far: its cost is then infinite
            t = search(along, here.J, slope, first)
        if t is None:
            continue
        w, J, g = there[t]
        y, fall = g - here.g, here.J - J
        if float(y @ d) > -EPS * slope:  # otherwise the step shows no curvature
            S, Y = (*S, t * d)[-PAIRS:], (*Y, y)[-PAIRS:]
        return Reached(w, J, g, S, Y, here.steps + 1, fall <= FLAT * max(abs(here.J), abs(J), 1.0))
    return None


def _started(at: _Measure, network: Network, memory: Memory) -> Reached:
    """Where to go on from, if this is still the same problem, or afresh."""
    w = as_vector(network.trainable_parameters)
    before = memory.rule_state if memory.rule == "lbfgs" else None
    if before is not None and before.w.size == w.size:
        now = as_vector(at_vector(network, before.w).trainable_parameters)
        if np.array_equal(now, w):
            J, g = at(before.w)
            same = abs(J - before.J) <= SAME * abs(J)
            if same and float(np.abs(g - before.g).max()) <= SAME * max(float(np.abs(g).max()), SAME * abs(J)):
                return Reached(*before)
    return Reached(w, *at(w))


def _validation_loss(problem: Problem) -> Callable[[Network], float] | None:
    """The loss on the validation rows, if there are any."""
    if problem.validation is None:
        return None
    X, Y, s = problem.validation
    rows = Work(X, Y, s, problem.loss, gradient_descent(), len(Y))
    return lambda network: measured(network, rows)[0]
