"""`chainrule.train_ensemble`: networks from different random starts, side by side, to answer together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.interrupts import interrupts_held
from chainrule.models.attempts import Attempt, attempts_side_by_side, interrupted, model_of
from chainrule.models.ensemble import Ensemble
from chainrule.models.many import refuse_of_one_training
from chainrule.models.setup import Setup, set_up


def train_ensemble(
    source: Any, y: Any = None, *, members: int = 10, sample_weight: Any = None, **options: Any
) -> Ensemble:
    """Train networks from different random starts, side by side, to answer together.

    Member k, counted from 0, is start k of `train(..., starts=...)`, bit for bit. All have the same rows for
    training, validation and test.

    Parameters
    ----------
    source, y, sample_weight
        As for `train`.
    members : int
        How many networks.
    **options
        As for `train`, without `starts`, callbacks and checkpoints. `time_limit` counts for all members together.

    Returns
    -------
    Ensemble
        Without the members that diverged, and after Ctrl-C without those that had not begun; a note says how many.

    Raises
    ------
    UsageError, DataError
        As `train`.
    DivergenceError
        If all members diverged.

    Examples
    --------
    >>> import chainrule as cr
    >>> ensemble = cr.train_ensemble("wine", members=3, epochs=20, seed=0)
    >>> len(ensemble.members), ensemble.probabilities("wine").shape
    (3, (178, 3))
    """
    if not isinstance(members, (int, np.integer)) or isinstance(members, bool) or members < 1:
        raise UsageError(f"members must be a whole number of at least 1; received {members!r}.")
    refuse_of_one_training("train_ensemble", options)
    if "starts" in options:
        raise UsageError(
            "the members of an ensemble are its random starts. Leave out starts, and say how many members."
        )
    setup = set_up(source, y, sample_weight=sample_weight, **options)
    many = replace(setup, plan=replace(setup.plan, starts=int(members)))
    with interrupts_held() as held:
        ensemble = _ensemble(setup, attempts_side_by_side([many], (), setup.plan.time_limit)[0], int(members))
        if held.taken():
            ensemble = replace(ensemble, members=tuple(map(interrupted, ensemble.members)))
    return ensemble


def _ensemble(setup: Setup, attempts: Sequence[Attempt], many: int) -> Ensemble:
    """The members that did not diverge, with a note on the others of so many."""
    good = [attempt for attempt in attempts if attempt.failure is None]
    if not good:
        failure = attempts[0].failure
        assert failure is not None
        failure.model = model_of(setup, attempts[0], [attempts[0].cost])
        raise failure
    ends = [("diverged", len(attempts) - len(good)), ("not begun", many - len(attempts))]
    left_out = [f"Left out {number} of {many} members: {why}." for why, number in ends if number]
    notes = (*setup.notes, *left_out)
    models = tuple(model_of(replace(setup, notes=notes), attempt, [attempt.cost]) for attempt in good)
    ensemble = Ensemble(models)
    tested = "test" in ensemble.parts and all(model.test is not None for model in models)
    return replace(ensemble, test=ensemble.evaluate(ensemble.parts["test"])) if tested else ensemble
