"""Random starts as attempts: many networks trained side by side, and the best start of each made a model."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

import chainrule
from chainrule.core.network import Network
from chainrule.engines.outputs import outputs
from chainrule.engines.precisions import Damping
from chainrule.errors import DataError, DivergenceError
from chainrule.interrupts import interrupts_held
from chainrule.models.evaluation import Evaluation, evaluate_outputs
from chainrule.models.model import Model
from chainrule.models.provenance import Provenance
from chainrule.models.setup import Setup
from chainrule.training.epoch import Reached, measured
from chainrule.training.loop import Callback, keep_with, run_side_by_side
from chainrule.training.prepare import Training
from chainrule.training.state import TrainingState

SIDE_BY_SIDE = 256  # networks that are made ready together
EARLY = ("interrupted", "time limit reached", "stopped by a callback")


class Attempt(NamedTuple):
    """A random start, counted from 0: the cost it is judged by, infinite where it diverged, and how it ended."""

    cost: float
    training: Training
    state: TrainingState
    failure: DivergenceError | None
    start: int = 0

    @property
    def rank(self) -> tuple[bool, float]:
        """What the best has the least of."""
        return self.failure is not None, self.cost


def attempt(training: Training, state: TrainingState, failure: DivergenceError | None, start: int = 0) -> Attempt:
    """Judge how a start ended."""
    cost = judged_by(training, state) if failure is None else math.inf
    return Attempt(cost, training, state, failure, start)


def judged_by(training: Training, state: TrainingState) -> float:
    """Return J as random starts are compared by it: on the validation rows, or on the training rows without any."""
    try:
        J, _ = measured(state.best_network, training.validation or training.work)
    except MemoryError:  # all rows at once; training had them in batches
        row = state.history[max(state.best_epoch, 1) - 1] if state.history else None
        J = math.inf if row is None else row.cost if training.validation is None else row.validation_cost
    return J if math.isfinite(J) else math.inf


def attempts_side_by_side(
    setups: Sequence[Setup], callbacks: Sequence[Callback] = (), time_limit: float | None = None
) -> list[list[Attempt]]:
    """Train all random starts of all setups, on all cores.

    Parameters
    ----------
    setups : sequence of Setup
        Their own time limits are not looked at.
    callbacks : sequence of callables
        As for `run_side_by_side`.
    time_limit : float, optional
        Seconds for all of them together.

    Returns
    -------
    list of lists of Attempt
        For each setup its starts, in their order. Ctrl-C, a callback or the time limit leave out those that had not
        begun; a setup of which none had begun has its first start, untrained.
    """
    attempts: list[list[Attempt]] = [[] for _ in setups]
    with interrupts_held() as held:
        stopped = _in_groups(setups, callbacks, time_limit, attempts, held)
        for setup, own in zip(setups, attempts, strict=True):
            if not own:
                training = setup.training()
                own.append(attempt(training, replace(training.start, stopped=stopped), None))
        if stopped == "interrupted" and all(one.state.stopped != stopped for own in attempts for one in own):
            held.renew()  # nobody of those that are left says so
    return attempts


def _in_groups(
    setups: Sequence[Setup],
    callbacks: Sequence[Callback],
    time_limit: float | None,
    attempts: list[list[Attempt]],
    held: interrupts_held,
) -> str:
    """Train them a group at a time, and add each to the attempts of its setup; return what ended it early."""
    began = time.perf_counter()
    starts = [(i, start) for i, setup in enumerate(setups) for start in range(setup.plan.starts)]
    starts.sort(key=lambda one: -_length(setups[one[0]]))  # long ones first, so that no core waits for the last
    for group in (starts[k : k + SIDE_BY_SIDE] for k in range(0, len(starts), SIDE_BY_SIDE)):
        trainings = [_without_limit(setups[i].training(start)) for i, start in group]
        if held.taken():
            return "interrupted"
        left = None if time_limit is None else time_limit - (time.perf_counter() - began)
        reached: Sequence[Reached] = []
        try:
            reached = run_side_by_side(trainings, callbacks, left)
        except BaseException as error:
            reached = getattr(error, "reached", [])
            keep_with(error, attempts=attempts)
            raise
        finally:
            for (i, start), training, (state, failure) in zip(group, trainings, reached, strict=False):
                if state.epoch or failure is not None:
                    attempts[i].append(attempt(training, state, failure, start))
        stopped = next((state.stopped for state, _ in reached if state.stopped in EARLY), "")
        if stopped:
            return stopped
    return ""


def _length(setup: Setup) -> int:
    """How much there is to compute in a training, at most."""
    return setup.network_parameters * len(setup.split.train) * setup.plan.epochs


def _without_limit(training: Training) -> Training:
    return replace(training, plan=replace(training.plan, time_limit=None))


def best_of(setup: Setup, attempts: Sequence[Attempt], seconds: float | None = None) -> tuple[Model, Attempt]:
    """Make a model of the best attempt.

    Parameters
    ----------
    seconds : float, optional
        What they took; by default the sum over them.

    Returns
    -------
    model : Model
        The last good weights where all attempts diverged.
    best : Attempt
    """
    best = min(attempts, key=lambda attempt: attempt.rank)  # the first of equals
    model = model_of(setup, best, [attempt.cost for attempt in attempts])
    ends = [attempt.state.stopped for attempt in attempts]
    stopped = "interrupted" if "interrupted" in ends else best.state.stopped
    seconds = sum(attempt.state.seconds for attempt in attempts) if seconds is None else seconds
    return replace(model, provenance=replace(model.provenance, seconds=seconds, stopped=stopped)), best


def interrupted(model: Model) -> Model:
    """Say of a model that Ctrl-C came after its last epoch."""
    return replace(model, provenance=replace(model.provenance, stopped="interrupted"))


def model_of(setup: Setup, chosen: Attempt, costs: Sequence[float]) -> Model:
    """Make a model of an attempt, and test it on the rows kept for that; `costs` are those of all starts."""
    training, state = chosen.training, chosen.state
    network = state.best_network
    split = setup.split
    test, notes = None, setup.notes
    if len(split.test):
        try:
            test = _tested(setup, network)
            if test is None:
                notes = (*notes, "Not tested: outputs for the rows kept for testing are not finite.")
        except MemoryError:
            notes = (*notes, "Not tested: there was not enough memory for the rows kept for testing.")
    if training.plan.bayes:
        notes = (*notes, _in_words(state.rule_state, network))
    learned = setup.examples.arrays(setup.plan.dtype)
    provenance = Provenance(
        source=setup.table.source,
        rows=(len(split.train), len(split.validation), len(split.test)),
        engine=training.engine.name,
        seconds=state.seconds,
        stopped=state.stopped,
        best_epoch=state.best_epoch,
        starts=tuple(costs),
        notes=notes,
        version=chainrule.__version__,
        start=chosen.start,
        fingerprint=learned.fingerprint,
    )
    return Model(
        network, setup.encoding, setup.plan, setup.encoding_plan, state.history, provenance, test, setup.examples.parts,
        learned,
    )  # fmt: skip


def _tested(setup: Setup, network: Network) -> Evaluation | None:
    """How well it does on the rows kept for testing; None where its outputs are not finite."""
    X, _ = setup.examples.part("test", setup.plan.dtype)
    with np.errstate(all="ignore"):
        A = outputs(network, X)
    if not np.isfinite(A).all():
        return None
    try:
        return evaluate_outputs(setup.encoding, A, setup.Y[setup.split.test])
    except DataError:  # a value on a logarithmic scale is beyond float64
        return None


def _in_words(found: Damping, network: Network) -> str:
    """What Bayesian regularisation found."""
    weights = sum(int(parameter.size) for parameter in network.trainable_parameters)
    return (
        f"Bayesian regularisation: at the end the training rows determined {found.gamma:.1f} of {weights} weights "
        f"and biases (alpha {found.alpha:.4g}, beta {found.beta:.4g})."
    )
