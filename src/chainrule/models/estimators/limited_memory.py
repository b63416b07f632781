"""solver="lbfgs" of the estimators: SciPy's L-BFGS-B, which scikit-learn takes too, on our cost and gradient."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from scipy.optimize import minimize

from chainrule.core.update_rules import gradient_descent
from chainrule.engines.cost_and_gradient import CostAndGradient
from chainrule.engines.vectors import as_vector, at_vector
from chainrule.engines.work import Work
from chainrule.errors import DivergenceError, UsageError
from chainrule.models.estimators.solving import Memory, Problem, Solved
from chainrule.models.estimators.sparse_rows import densely, is_sparse
from chainrule.training.state import Epoch, History


def by_lbfgs(problem: Problem, parameters: Any) -> Solved:
    """Train with all rows at once by L-BFGS; Ctrl-C ends it and keeps the last step.

    Raises
    ------
    UsageError
        If the rows are sparse and too large to be made dense.
    DivergenceError
        If the loss is not finite at the initial weights.
    """
    X = densely(problem.X)
    if is_sparse(X):
        raise UsageError(
            f"solver='lbfgs' takes all rows at once, and {X.shape[0]} sparse rows of {X.shape[1]} features are too "
            "many for that. Use solver='adam' or 'sgd', or fewer features."
        )
    decay = parameters.alpha / problem.total_weight
    work = Work(
        X, problem.Y, problem.sample_weight, problem.loss, gradient_descent(), problem.n_examples, weight_decay=decay
    )
    at = CostAndGradient(work, problem.network)
    w = as_vector(problem.network.trainable_parameters)
    if not math.isfinite(at(w)[0]):
        raise DivergenceError(
            "training diverged: the loss is not finite at the initial weights. Scale the inputs (StandardScaler, or "
            "preprocess=True) and, for a regression, the targets."
        )
    began, reached = time.perf_counter(), w
    rows: list[Epoch] = []

    def after_step(intermediate_result: Any) -> None:
        nonlocal reached
        reached, J = intermediate_result.x.copy(), float(intermediate_result.fun)
        rows.append(_row(len(rows) + 1, J, began))
        if parameters.verbose:
            print(f"Iteration {len(rows)}, loss = {J:.8f}")

    options = {"maxfun": parameters.max_fun, "maxiter": parameters.max_iter, "gtol": parameters.tol}
    try:
        found = minimize(at, w, method="L-BFGS-B", jac=True, options=options, callback=after_step)
        reached, ended = found.x, ("converged", "epochs", "stuck")[found.status]
        loss = float(found.fun)
    except KeyboardInterrupt:
        ended, loss = "interrupted", rows[-1].cost if rows else at(w)[0]
    if not rows:  # it ended where it began
        rows.append(_row(1, loss, began))
    network = at_vector(problem.network, np.asarray(reached))
    return Solved(network, History(rows), [row.cost for row in rows], Memory(loss), ended)


def _row(step: int, J: float, began: float) -> Epoch:
    nan = math.nan
    return Epoch(step, J, nan, nan, nan, nan, nan, time.perf_counter() - began)
