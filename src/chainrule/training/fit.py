"""Train a network on bare arrays, without a table around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.core.arrays import Array
from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Network
from chainrule.core.neurons import Neuron
from chainrule.errors import UsageError
from chainrule.options import divide_options
from chainrule.training.loop import Callback, as_callbacks, run
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare
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
    training = prepare(plan, network, X, Y, loss=loss, sample_weight=sample_weight, validation=validation)
    return run(training, callbacks=as_callbacks(on_epoch))
