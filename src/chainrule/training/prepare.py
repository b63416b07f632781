"""Before the first epoch: everything that a training needs, checked and put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_float_array, check_matrix
from chainrule.core.catalogue import FusedLoss, Loss, loss_named
from chainrule.core.network import Network
from chainrule.core.passes import check_loss_fits, example_shares
from chainrule.core.schedules import Schedule, schedule_named
from chainrule.core.update_rules import update_rule_named
from chainrule.engines.choose import Choice, choose_engine
from chainrule.engines.solvers import choose_solver, solver_named
from chainrule.engines.work import Work
from chainrule.errors import UsageError
from chainrule.training.plan import TrainingPlan
from chainrule.training.state import TrainingState


@dataclass(frozen=True)
class Training:
    """A training that can be run: the plan, what to learn from, and the engine.

    Make one with `prepare`. `remember` makes what the update rule or the solver remembers before the first epoch.
    `watch_accuracy` says that patience and the best weights go by the accuracy on the validation rows, not their cost.
    """

    plan: TrainingPlan
    work: Work
    validation: Work | None
    schedule: Schedule
    engine: Choice
    start: TrainingState
    remember: Callable[[list[Array]], Any]
    watch_accuracy: bool = False


def prepare(
    plan: TrainingPlan,
    network: Network,
    X: Array,
    Y: Array,
    *,
    loss: str | Loss | FusedLoss | None = None,
    sample_weight: Array | None = None,
    validation: tuple[Array, ...] | None = None,
    middle: float | None = None,
    generator: np.random.Generator | None = None,
    decay_is_shared: bool = False,
) -> Training:
    """Check everything that a training needs, before its first epoch.

    Parameters
    ----------
    plan : TrainingPlan
        Its `hidden`, activations and `init` are not looked at: the network is given.
    network : Network
        Its dtype is that of the training.
    X, Y : arrays (N, inputs) and (N, outputs)
    loss : name, Loss or FusedLoss, optional
        Where the plan says "auto".
    sample_weight : array (N,), optional
        An example of weight 0 takes no part.
    validation : (X, Y) or (X, Y, sample_weight), optional
        Rows to watch for over-training; the best weights are those with the lowest cost on them.
    middle : float, optional
        For classification, the output halfway between the two target values: accuracies are measured.
    generator : numpy.random.Generator, optional
        Draws the orders and what dropout leaves out; by default one with the plan's seed.
    decay_is_shared : bool
        Whether the examples of a batch share the weight decay, as `Work` says.

    Raises
    ------
    UsageError
        If shapes, names or numbers do not fit.
    """
    rule = update_rule_named(plan.update)
    solver = solver_named(plan.solver, plan.bayes)
    chosen_loss = loss_named(plan.loss if plan.loss != "auto" else (loss or "half_squared_error"))
    check_loss_fits(chosen_loss, network)
    dropout = _dropout_of_layers(plan.dropout, hidden=len(network.layers) - 1)

    def work_on(X: Array, Y: Array, s: Array | None) -> Work:
        like = network.parameters[0]
        X, Y = _in_dtype(X, like), _in_dtype(Y, like)
        check_matrix("X", X, network.sizes[0], "inputs")
        check_matrix("Y", Y, network.sizes[-1], "outputs", rows=X.shape[0])
        _refuse_not_finite("X", X)
        _refuse_not_finite("Y", Y)
        if s is not None:
            s = _in_dtype(s, like)
            example_shares(Y[:, 0], plan.reduction, s)  # for its checks
            X, Y, s = _that_count(X, Y, s)
        whole = plan.batch_size == "all" or solver is not None
        size = X.shape[0] if whole else min(plan.batch_size, X.shape[0])
        return Work(
            X, Y, s, chosen_loss, rule, size, plan.reduction, plan.weight_decay, plan.clip_norm, plan.clip_value,
            middle, plan.shuffle, dropout, decay_is_shared,
        )  # fmt: skip

    work = work_on(X, Y, sample_weight)
    generator = np.random.default_rng(plan.seed) if generator is None else generator
    remember = (rule if solver is None else solver).init
    memory = remember(network.trainable_parameters)
    state = TrainingState(network, memory, dict(generator.bit_generator.state), best_network=network)
    return Training(
        plan,
        work,
        None if validation is None else work_on(*validation, *(() if len(validation) == 3 else (None,))),
        schedule_named(plan.schedule),
        choose_engine(plan.engine, work, network) if solver is None else choose_solver(solver, work, network),
        state,
        remember,
    )


def restarted(training: Training, network: Network, generator: np.random.Generator) -> Training:
    """Return the same training from other initial weights, of the same shapes; the examples are shared.

    Parameters
    ----------
    generator : numpy.random.Generator
        Draws the orders and what dropout leaves out.
    """
    memory = training.remember(network.trainable_parameters)
    state = TrainingState(network, memory, dict(generator.bit_generator.state), best_network=network)
    return replace(training, start=state)


def _dropout_of_layers(shares: tuple[float, ...], hidden: int) -> tuple[float, ...]:
    """Spread one share over the hidden layers of the network, or take one for each; none at all if all are 0."""
    if not any(shares):
        return ()
    if hidden == 0:
        raise UsageError(
            f"dropout is {_listed(shares)}, but the network has no hidden layer whose units could be left out. Leave "
            "dropout out, or give the network hidden units."
        )
    if len(shares) not in (1, hidden):
        raise UsageError(
            f"dropout names {len(shares)} shares ({_listed(shares)}), but the network has {hidden} hidden "
            f"layer{'s' if hidden > 1 else ''}. Give one share, or one for each."
        )
    return shares if len(shares) == hidden else shares * hidden


def _listed(shares: tuple[float, ...]) -> str:
    return ",".join(f"{p:g}" for p in shares)


def _in_dtype(values: Any, like: Array) -> Array:
    array = as_float_array(values)
    xp = like.__array_namespace__()
    if isinstance(array, np.ndarray):
        with np.errstate(over="ignore"):  # what becomes infinite is refused by its place
            return xp.asarray(array.astype(str(like.dtype).rpartition(".")[2], copy=False))
    return xp.astype(array, like.dtype)


def _that_count(X: Array, Y: Array, s: Array) -> tuple[Array, Array, Array]:
    """Leave out the examples of weight 0: a batch of nothing else would have no mean."""
    chosen = np.flatnonzero(np.asarray(s))
    if len(chosen) == s.shape[0]:
        return X, Y, s
    xp = X.__array_namespace__()
    rows = xp.asarray(chosen)
    return xp.take(X, rows, axis=0), xp.take(Y, rows, axis=0), xp.take(s, rows, axis=0)


def _refuse_not_finite(name: str, M: Array) -> None:
    xp = M.__array_namespace__()
    with np.errstate(all="ignore"):  # one sum is sooner taken than every number looked at
        if bool(xp.isfinite(xp.sum(M))) or bool(xp.all(xp.isfinite(M))):
            return
    bad = np.argwhere(~np.isfinite(np.asarray(M)))[0]
    raise UsageError(
        f"{name} has values that are not finite, the first in row {bad[0]}, column {bad[1]} (counted from 0). Remove "
        'those rows or fill them in; values beyond float32 need dtype="float64".'
    )
