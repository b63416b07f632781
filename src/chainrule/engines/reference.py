"""The reference engine: training spelled out with the core's own functions. It defines what is right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.network import Network
from chainrule.core.passes import Gradients, Record, backward, forward
from chainrule.core.update_rules import clip_by_norm, clip_by_value, global_norm
from chainrule.engines.draws import draw_masks, draw_order
from chainrule.engines.work import Chunk, EpochNumbers, NotFiniteError, Work, count_right


def run(
    work: Work, network: Network, rule_state: Any, generator: np.random.Generator, learning_rates: np.ndarray
) -> Chunk:
    """Train for as many epochs as `learning_rates` has rows.

    Parameters
    ----------
    work : Work
    network : Network
    rule_state
        What `work.rule.init` or the chunk before returned.
    generator : numpy.random.Generator
        Draws the orders and the masks of dropout, and is moved on by it.
    learning_rates : float array (epochs, updates per epoch)

    Returns
    -------
    Chunk

    Raises
    ------
    NotFiniteError
        At the first cost, value, derivative or weight that is not finite.
    """
    numbers = []
    # Overflow is looked for in the results themselves, once a batch, where it can be named.
    with np.errstate(all="ignore"):
        for epoch, rates in enumerate(learning_rates):
            network, rule_state, measured = _epoch(work, network, rule_state, generator, rates, epoch)
            numbers.append(measured)
    return Chunk(network, rule_state, tuple(numbers))


def _epoch(
    work: Work, network: Network, rule_state: Any, generator: np.random.Generator, rates: np.ndarray, epoch: int
) -> tuple[Network, Any, EpochNumbers]:
    N = work.n_examples
    cost = right = largest_norm = 0.0
    order = draw_order(work, generator)
    for batch, start in enumerate(range(0, N, work.batch_size)):
        stop = min(start + work.batch_size, N)
        X, Y, s = _rows(work, order, start, stop)
        share = (stop - start) / N  # over an epoch the batches' costs add up to J: a mean counts by its size
        decay = work.decay_of(stop - start)
        reduction = work.reduction
        if s is not None and reduction == "mean":
            # Weighed against all examples, not against its batch alone: a batch of one would undo its weight.
            s, reduction = s / (stop - start), "sum"
        record = forward(network, X, draw_masks(work, network, stop - start, generator))
        grads = backward(network, record, Y, work.loss, reduction=reduction, weight_decay=decay, sample_weight=s)
        gradients = trainable_gradients(network, grads)
        norm = global_norm(gradients)
        if not (math.isfinite(grads.cost) and math.isfinite(norm)):
            layer, what = first_not_finite(record, grads)
            raise NotFiniteError(network, layer, what, epoch, batch)

        changed, rule_state = updated(work, network, gradients, rule_state, float(rates[batch]))
        if not all(_finite(parameter) for parameter in changed.trainable_parameters):
            layer = 1 + [all(map(_finite, one.parameters)) for one in changed.layers].index(False)
            raise NotFiniteError(network, layer, "weights", epoch, batch)
        largest_norm = max(largest_norm, norm)
        cost += grads.cost * (share if work.reduction == "mean" else 1.0)
        if work.middle is not None:
            right += count_right(record.output, Y, work.middle)
        network = changed
    accuracy = math.nan if work.middle is None else right / N
    return network, rule_state, EpochNumbers(cost, accuracy, largest_norm)


def _rows(work: Work, order: np.ndarray | None, start: int, stop: int) -> tuple[Array, Array, Array | None]:
    """The batch's rows of X, Y and the sample weights."""
    if order is None:
        chosen: Any = slice(start, stop)
        s = work.shares
        return work.X[chosen, :], work.Y[chosen, :], None if s is None else s[chosen]
    xp = work.X.__array_namespace__()
    chosen = xp.asarray(order[start:stop])
    s = work.shares
    X, Y = xp.take(work.X, chosen, axis=0), xp.take(work.Y, chosen, axis=0)
    return X, Y, None if s is None else xp.take(s, chosen, axis=0)


def trainable_gradients(network: Network, grads: Gradients) -> list[Array]:
    """The gradients of the parameters that training changes, in their order."""
    pairs = zip(network.layers, grads.weights[1:], grads.biases[1:], strict=True)
    return [g for layer, dW, db in pairs if layer.trainable for g in (dW, db) if g is not None]


def updated(
    work: Work, network: Network, gradients: list[Array], rule_state: Any, learning_rate: float
) -> tuple[Network, Any]:
    """Make one update: clip, apply the rule, add the changes."""
    if work.clip_value is not None:
        gradients = clip_by_value(gradients, work.clip_value)
    if work.clip_norm is not None:
        gradients = clip_by_norm(gradients, work.clip_norm)
    changes, rule_state = work.rule.update(gradients, rule_state, learning_rate)
    if work.rule.decoupled and work.weight_decay:
        shrink = learning_rate * work.weight_decay
        decayed = [
            layer.decayed if W_or_b is layer.weights else None
            for layer in network.layers
            if layer.trainable
            for W_or_b in layer.parameters
        ]
        changes = [dw if W is None else dw - shrink * W for dw, W in zip(changes, decayed, strict=True)]
    parameters = [p + dp for p, dp in zip(network.trainable_parameters, changes, strict=True)]
    return network.with_parameters(parameters, trainable_only=True), rule_state


def first_not_finite(record: Record, grads: Gradients) -> tuple[int, str]:
    """Find the first layer, in the order of computation, with a number that is not finite, and say which."""
    L = len(record.a) - 1
    for l in range(1, L + 1):
        if not _finite(record.z[l]):
            return l, "pre-activations"
        if not _finite(record.a[l]):
            return l, "activations"
    if not _finite(grads.costs):
        return L, "the cost after the activations"
    for l in range(L, 0, -1):
        if not _finite(grads.delta[l]):
            return l, "delta"
    for l in range(1, L + 1):
        if not _finite(grads.weights[l]):
            return l, "gradients of the weights"
    return L, "the sum of the gradients' squares"


def _finite(M: Array) -> bool:
    xp = M.__array_namespace__()
    return bool(xp.all(xp.isfinite(M)))
