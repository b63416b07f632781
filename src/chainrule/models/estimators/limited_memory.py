"""solver="lbfgs" of the estimators: SciPy's L-BFGS-B, which scikit-learn takes too, on our cost and gradient."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize

from chainrule.core.network import Network
from chainrule.core.passes import check_loss_fits
from chainrule.core.update_rules import gradient_descent
from chainrule.engines.cost_and_gradient import CostAndGradient
from chainrule.engines.vectors import as_vector, at_vector
from chainrule.engines.work import Work
from chainrule.errors import DivergenceError
from chainrule.interrupts import let_through
from chainrule.models.estimators.solving import Memory, Problem, Solved
from chainrule.models.estimators.sparse_first_layer import SparseCostAndGradient
from chainrule.models.estimators.sparse_rows import densely, is_thin
from chainrule.training.epoch import measured
from chainrule.training.loop import Callback, keep_with
from chainrule.training.state import Epoch, History, TrainingState


def by_lbfgs(problem: Problem, parameters: Any, callbacks: Sequence[Callback] = ()) -> Solved:
    """Train with all rows at once by L-BFGS; Ctrl-C ends it and keeps the last step.

    Parameters
    ----------
    parameters
        An object with the parameters of the estimators as attributes.
    callbacks : sequence of callables (TrainingState) -> bool or None
        Called after each step; one that returns True ends the training.

    Raises
    ------
    DivergenceError
        If the loss is not finite at the initial weights, or at what was found.
    """
    check_loss_fits(problem.loss, problem.network)
    at, watch = _cost_and_gradient(problem, parameters.alpha / problem.total_weight), _validation_loss(problem)
    w = as_vector(problem.network.trainable_parameters)
    if not math.isfinite(at(w)[0]):
        raise DivergenceError("training diverged: the loss is not finite at the initial weights.")
    began, reached, stopped = time.perf_counter(), w, False
    rows: list[Epoch] = []

    def add(x: np.ndarray, J: float) -> None:
        nonlocal reached, stopped
        reached, nan = x.copy(), math.nan
        validation_cost = nan if watch is None else watch(at_vector(problem.network, x))
        rows.append(Epoch(len(rows) + 1, J, validation_cost, nan, nan, nan, nan, time.perf_counter() - began))
        if callbacks:
            network = at_vector(problem.network, x)
            state = TrainingState(network, None, {}, network, len(rows), J, history=History(rows))
            stopped = any([callback(state) for callback in callbacks])  # noqa: C419 - every one is to be told

    def after_step(intermediate_result: Any) -> None:
        add(intermediate_result.x, float(intermediate_result.fun))
        if stopped:
            raise StopIteration

    options = {"maxfun": parameters.max_fun, "maxiter": parameters.max_iter, "gtol": parameters.tol}
    try:
        with let_through():
            found = minimize(at, w, method="L-BFGS-B", jac=True, options=options, callback=after_step)
        reached = np.asarray(found.x)
        ended = "callback" if stopped else ("converged", "epochs", "stuck")[found.status]
        if not (math.isfinite(found.fun) and np.isfinite(reached).all()):
            raise DivergenceError("training diverged: the loss is no longer finite.")
    except KeyboardInterrupt:
        ended = "interrupted"
    except Exception as error:
        if rows and not isinstance(error, DivergenceError):  # of a callback
            network, costs = at_vector(problem.network, reached), [row.cost for row in rows]
            state = TrainingState(network, None, {}, network, len(rows), costs[-1], min(costs), history=History(rows))
            keep_with(error, state=state)
        raise
    if not rows:  # it ended where it began
        add(reached, at(reached)[0])
    best_loss = min(row.cost for row in rows)
    return Solved(at_vector(problem.network, reached), History(rows), Memory(best_loss), ended)


def _cost_and_gradient(problem: Problem, decay: float) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    if is_thin(problem.X):
        return SparseCostAndGradient(problem.network, problem.X, problem.Y, problem.loss, problem.sample_weight, decay)
    rule, N = gradient_descent(), problem.n_examples
    work = Work(densely(problem.X), problem.Y, problem.sample_weight, problem.loss, rule, N, weight_decay=decay)
    return CostAndGradient(work, problem.network)


def _validation_loss(problem: Problem) -> Callable[[Network], float] | None:
    """The loss on the validation rows, if there are any."""
    if problem.validation is None:
        return None
    X, Y, s = problem.validation
    rows = Work(X, Y, s, problem.loss, gradient_descent(), len(Y))
    return lambda network: measured(network, rows)[0]
