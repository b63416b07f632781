"""What the estimators say when training did not end as it should: how far it came, and what to do next."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from chainrule.errors import DivergenceError
from chainrule.models.estimators.parameters import STOCHASTIC_SOLVERS
from chainrule.models.estimators.problem import Solved

SCALE = "StandardScaler, or preprocess=True"


def not_converged(solved: Solved, parameters: Any, target_scale: str = "") -> str:
    """Say how far a training came that did not converge.

    Parameters
    ----------
    solved : Solved
    parameters
        An object with the parameters of the estimators as attributes.
    target_scale : str
        What there is to say of the targets' scale.
    """
    unscaled = "" if parameters.preprocess else f" Inputs that are not scaled slow training down ({SCALE})."
    unscaled = f" {target_scale}" if target_scale else unscaled
    losses, stochastic = solved.history.table[:, 1].tolist(), parameters.solver in STOCHASTIC_SOLVERS
    if solved.ended == "stuck":
        return (
            f"solver='lbfgs' found no lower loss along its direction after {len(losses)} steps (loss "
            f"{losses[-1]:.4g}), before the gradient was as small as tol={parameters.tol:g}. Take a larger tol."
            f"{unscaled}"
        )
    if parameters.solver == "lbfgs" and len(losses) < parameters.max_iter:
        return (
            f"Maximum evaluations of the loss (max_fun={parameters.max_fun}) reached after {len(losses)} steps (loss "
            f"{losses[-1]:.4g}). Raise max_fun.{f' {target_scale}' if target_scale else ''}"
        )
    told = f"Maximum iterations (max_iter={parameters.max_iter}) reached, and training has not converged yet. "
    last, rate = losses[-11:], f"learning_rate_init (now {parameters.learning_rate_init:g})"
    rises = sum(after > before for before, after in pairwise(last))
    if rises > len(last) // 3:
        told += f"The loss goes up and down (it is {last[-1]:.4g}): lower {rate}"
    else:
        unit = "epochs" if stochastic else "steps"
        fell = f"The last {len(last) - 1} {unit} took the loss from {last[0]:.4g} to {last[-1]:.4g}"
        told += f"{fell if len(last) > 1 else f'The loss is {last[0]:.4g}'}: raise max_iter"
        if stochastic and not rises and last[-1] < 0.95 * last[0]:
            told += f", or {rate}, since it falls steadily"
    return f"{told}.{unscaled}"


def what_helps(estimator: Any) -> str:
    """What to do where numbers are no longer finite, in the words of the estimator's parameters."""
    helps = []
    if not estimator.preprocess:
        helps.append(f"scale the inputs ({SCALE})")
    if estimator.solver in STOCHASTIC_SOLVERS:
        helps.append(f"lower learning_rate_init (now {estimator.learning_rate_init:g})")
    if not hasattr(estimator, "classes_") and not estimator.preprocess:
        helps.append("scale the targets (preprocess=True, or TransformedTargetRegressor)")
    helps = helps or ["raise alpha, or take other initial weights (random_state)"]
    return f"What helps: {', or '.join(helps)}."


def diverged(solved: Solved, estimator: Any) -> DivergenceError:
    """Return the error of a training with what is kept, and what helps in the words of the estimator's parameters."""
    error = solved.error
    assert error is not None
    where = str(error).partition(" What helps:")[0]
    if solved.best_network is not None:  # early stopping
        best = f"epoch {solved.best_epoch}" if solved.best_epoch else "the fit before"
        where = re.sub(r"The weights of epoch \d+ are kept", f"The weights of {best}, the best on the validation rows, "
                       "are kept", where)  # fmt: skip
    told = DivergenceError(f"{where} {what_helps(estimator)}")
    told.state = error.state
    return told
