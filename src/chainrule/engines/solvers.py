"""Which solver a training asked for, if it is not gradient descent and its update rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from chainrule.core.catalogue import made_by_name
from chainrule.core.network import Network
from chainrule.engines.choose import Choice
from chainrule.engines.lbfgs import lbfgs
from chainrule.engines.levenberg_marquardt import levenberg_marquardt
from chainrule.engines.work import Solver, Work
from chainrule.errors import UsageError


def solver_named(name: str, bayes: bool = False) -> Solver | None:
    """Return the solver of that name, None for "descent"; its numbers may follow, as in `lm(0.01,5,0.2)`.

    Raises
    ------
    UsageError
        If the name is unknown or its numbers are out of range.

    Examples
    --------
    >>> solver_named("lbfgs(20)").name
    'lbfgs(20)'
    """
    if name == "descent":
        return None
    makers: Mapping[str, Callable[..., Solver]] = {
        "lm": partial(levenberg_marquardt, bayes=bayes),
        "lbfgs": lbfgs,
    }
    solver: Solver = made_by_name("solver", makers, name)
    return solver


def choose_solver(solver: Solver, work: Work, network: Network) -> Choice:
    """Return the solver as the engine of a training.

    Raises
    ------
    UsageError
        If it cannot do this work.
    """
    why = solver.refusal(work, network)
    if why:
        raise UsageError(f'solver="{solver.name}" {why}.')
    return Choice(solver.run, solver.engine, "its solver was asked for")
