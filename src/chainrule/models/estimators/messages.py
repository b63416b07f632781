"""What the estimators say when training did not end as it should: how far it came, and what to do next."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from chainrule.errors import DivergenceError
from chainrule.models.estimators.parameters import STOCHASTIC_SOLVERS
from chainrule.models.estimators.solving import Solved

SCALE = "StandardScaler, or preprocess=True"


def not_converged(solved: Solved, parameters: Any) -> str:
    """Say how far a training came that did not converge.

    Parameters
    ----------
    solved : Solved
    parameters
        An object with the parameters of the estimators as attributes.
    """
    losses, stochastic = solved.history.table[:, 1].tolist(), parameters.solver in STOCHASTIC_SOLVERS
    if solved.ended == "stuck":
        return (
            f"solver='lbfgs' found no lower loss along its direction after {len(losses)} steps (loss "
            f"{losses[-1]:.4g}), before the gradient was as small as tol={parameters.tol:g}. Scale the inputs "
            f"({SCALE}), or take a larger tol."
        )
    if parameters.solver == "lbfgs" and len(losses) < parameters.max_iter:
        return (
            f"Maximum evaluations of the loss (max_fun={parameters.max_fun}) reached after {len(losses)} steps (loss "
            f"{losses[-1]:.4g}). Raise max_fun."
        )
    told = f"Maximum iterations (max_iter={parameters.max_iter}) reached, and training has not converged yet. "
    last, rate = losses[-11:], f"learning_rate_init (now {parameters.learning_rate_init:g})"
    rises = sum(after > before for before, after in pairwise(last))
    if rises > len(last) // 3:
        told += f"The loss goes up and down (it is {last[-1]:.4g}): lower {rate}"
    else:
        unit = "epochs" if stochastic else "steps"
        told += f"The last {len(last) - 1} {unit} took the loss from {last[0]:.4g} to {last[-1]:.4g}: raise max_iter"
        if stochastic and not rises and last[-1] < 0.95 * last[0]:
            told += f", or {rate}, since it falls steadily"
    return f"{told}. Inputs that are not scaled slow training down ({SCALE})."


def diverged(error: DivergenceError, estimator: Any) -> DivergenceError:
    """Return the error with what helps in the words of the estimator's parameters."""
    helps = [f"scale the inputs ({SCALE})"]
    if estimator.solver in STOCHASTIC_SOLVERS:
        helps.append(f"lower learning_rate_init (now {estimator.learning_rate_init:g})")
    if not hasattr(estimator, "classes_"):
        helps.append("scale the targets (TransformedTargetRegressor)")
    where = str(error).partition(" What helps:")[0]
    told = DivergenceError(f"{where} What helps: {', or '.join(helps)}.")
    told.state = error.state
    return told
