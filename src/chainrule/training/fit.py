"""Train a network, or many, on bare arrays, without a table around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Network
from chainrule.core.neurons import Neuron
from chainrule.errors import UsageError
from chainrule.options import divide_options
from chainrule.training.loop import Callback, as_callbacks, run, run_side_by_side
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import Training, prepare, restarted
from chainrule.training.state import TrainingState

OF_THE_NETWORK = ("hidden", "activation", "output_activation", "bias", "init", "frozen", "dtype", "starts")


def fit(
    network: Network | Neuron,
    X: Array,
    Y: Array,
    *,
    loss: str | Loss | FusedLoss | None = None,
    sample_weight: Array | None = None,
    validation: tuple[Array, Array] | None = None,
    on_epoch: Callback | Sequence[Callback] = (),
    **options: Any,
) -> TrainingState:
    """Train a network on arrays as they are: no table, no scaling, no split.

    Parameters
    ----------
    network : Network or Neuron
        A neuron brings its loss, and learns by gradient descent after each example unless `options` say otherwise.
    X, Y : arrays (N, inputs) and (N, outputs)
    loss : name, Loss or FusedLoss, optional
        By default the neuron's, or half the squared error.
    sample_weight : array (N,), optional
    validation : (X, Y), optional
    on_epoch : callable or sequence of callables (TrainingState) -> bool or None
        Called after each epoch; one that returns True stops the training.
    **options
        Fields of `TrainingPlan` that decide how to train; the network is given, so those that describe it are refused.

    Returns
    -------
    TrainingState
        Its `best_network` is the trained network, its `history` the costs.

    Raises
    ------
    UsageError
        If shapes, names or numbers do not fit.
    DivergenceError
        At the first number that is not finite.

    Examples
    --------
    >>> from chainrule.core.neurons import perceptron
    >>> state = fit(perceptron(2), [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [0], [0], [1]], learning_rate=1, epochs=20)
    >>> state.history[-1].cost
    0.0
    """
    training = _prepared(network, X, Y, loss, sample_weight, validation, options)
    return run(training, callbacks=as_callbacks(on_epoch))


def fit_many(
    networks: Sequence[Network],
    X: Array,
    Y: Array,
    *,
    loss: str | Loss | FusedLoss | None = None,
    sample_weight: Array | None = None,
    validation: tuple[Array, Array] | None = None,
    **options: Any,
) -> list[TrainingState]:
    """Train many networks of the same shape on the same arrays, side by side on all cores.

    Parameters
    ----------
    networks : sequence of Network
        Each with its own initial weights.
    X, Y, loss, sample_weight, validation, **options
        As for `fit`. Network k takes the examples in the order that `fit` takes with the option `seed` k higher.

    Returns
    -------
    list of TrainingState
        One for each network, with the bits that `fit` gives it alone. One that diverged is at its last good weights,
        and its `stopped` says so.

    Raises
    ------
    UsageError
        If shapes, names or numbers do not fit.

    Examples
    --------
    >>> X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    >>> networks = [Network.dense([2, 2, 1], init="uniform(-1,1)", seed=seed) for seed in range(20)]
    >>> states = fit_many(networks, X, Y, update="gradient_descent", learning_rate=8, batch_size="all", epochs=5000)
    >>> sum(state.history[-1].cost < 0.001 for state in states)
    16
    """
    networks = list(networks)
    if not networks:
        raise UsageError("fit_many needs at least one network; received none.")
    first = _prepared(networks[0], X, Y, loss, sample_weight, validation, options)
    for number, network in enumerate(networks):
        shapes = [[(p.shape, p.dtype) for p in one.parameters] for one in (network, networks[0])]
        kinds = [[(layer.activation, layer.trainable) for layer in one.layers] for one in (network, networks[0])]
        if shapes[0] != shapes[1] or kinds[0] != kinds[1]:
            raise UsageError(
                f"fit_many takes networks of one shape; network {number} is {network!r}, the first {networks[0]!r}. "
                "Train those of other shapes in a call of their own."
            )
    seed = first.plan.seed
    trainings = [restarted(first, network, np.random.default_rng(seed + k)) for k, network in enumerate(networks)]
    return [reached.state for reached in run_side_by_side(trainings)]


def _prepared(
    network: Network | Neuron,
    X: Array,
    Y: Array,
    loss: str | Loss | FusedLoss | None,
    sample_weight: Array | None,
    validation: tuple[Array, Array] | None,
    options: dict[str, Any],
) -> Training:
    for name in OF_THE_NETWORK:
        if name in options:
            raise UsageError(
                f'option "{name}" has no effect here: the network is given. Set it when building the network.'
            )
    if isinstance(network, Neuron):
        if options.get("solver", "descent") == "descent":
            options = {"update": "gradient_descent", "batch_size": 1, **options}
        loss = loss or network.loss
        network = network.network
    (known,) = divide_options(options, TrainingPlan)
    plan = TrainingPlan(**known)
    if validation is not None and not (isinstance(validation, (tuple, list)) and len(validation) == 2):
        raise UsageError(f"validation must be a pair of arrays (X, Y); received {type(validation).__name__}.")
    return prepare(plan, network, X, Y, loss=loss, sample_weight=sample_weight, validation=validation)
