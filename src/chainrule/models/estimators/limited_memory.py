"""solver="lbfgs" of the estimators: SciPy's L-BFGS-B, which scikit-learn takes too, on our cost and gradient."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from chainrule.core.network import Network
from chainrule.core.update_rules import gradient_descent
from chainrule.engines.cost_and_gradient import CostAndGradient
from chainrule.engines.vectors import as_vector, at_vector
from chainrule.engines.work import Work
from chainrule.errors import DivergenceError
from chainrule.models.estimators.solving import Memory, Problem, Solved
from chainrule.models.estimators.sparse_rows import all_at_once
from chainrule.training.epoch import measured
from chainrule.training.state import Epoch, History


def by_lbfgs(problem: Problem, parameters: Any, tell: Callable[[Epoch], None] | None = None) -> Solved:
    """Train with all rows at once by L-BFGS; Ctrl-C ends it and keeps the last step.

    Parameters
    ----------
    parameters
        An object with the parameters of the estimators as attributes.
    tell : callable (Epoch), optional
        Called after each step.

    Raises
    ------
    UsageError
        If the rows are sparse and too large to be made dense.
    DivergenceError
        If the loss is not finite at the initial weights.
    """
    X = all_at_once(problem.X, "solver='lbfgs'")
    decay = parameters.alpha / problem.total_weight
    work = Work(
        X, problem.Y, problem.sample_weight, problem.loss, gradient_descent(), problem.n_examples, weight_decay=decay
    )
    watch = _loss_of(work, problem)
    at = CostAndGradient(work, problem.network)
    w = as_vector(problem.network.trainable_parameters)
    if not math.isfinite(at(w)[0]):
        raise DivergenceError("training diverged: the loss is not finite at the initial weights.")
    began, reached = time.perf_counter(), w
    rows: list[Epoch] = []

    def add(x: np.ndarray, J: float) -> None:
        validation_cost = watch(at_vector(problem.network, x))
        nan = math.nan
        seconds = time.perf_counter() - began
        rows.append(Epoch(len(rows) + 1, J, validation_cost, nan, nan, nan, nan, seconds))

    def after_step(intermediate_result: Any) -> None:
        nonlocal reached
        reached = intermediate_result.x.copy()
        add(reached, float(intermediate_result.fun))
        if tell is not None:
            tell(rows[-1])

    options = {"maxfun": parameters.max_fun, "maxiter": parameters.max_iter, "gtol": parameters.tol}
    try:
        found = minimize(at, w, method="L-BFGS-B", jac=True, options=options, callback=after_step)
        reached, ended = np.asarray(found.x), ("converged", "epochs", "stuck")[found.status]
    except KeyboardInterrupt:
        ended = "interrupted"
    if not rows:  # it ended where it began
        add(reached, at(reached)[0])
    best_loss = min(row.cost for row in rows)
    return Solved(at_vector(problem.network, reached), History(rows), Memory(best_loss), ended)


def _loss_of(work: Work, problem: Problem) -> Callable[[Network], float]:
    """The loss on the validation rows, NaN without any."""
    if problem.validation is None:
        return lambda network: math.nan
    X, Y, s = problem.validation
    rows = replace(work, X=X, Y=Y, sample_weight=s, weight_decay=0.0)
    return lambda network: measured(network, rows)[0]
