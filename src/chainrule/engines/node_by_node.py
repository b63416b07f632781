"""Backpropagation one node at a time, as seed 001 writes it down: no matrix anywhere.

Names follow that document: o is a node's output, d its desired output, w the weight i -> j, and beta_j says how much
a change of o_j would reduce the error:

    beta_z = d_z - o_z                                 for each output node
    beta_j = sum_k w_{j->k} o_k (1 - o_k) beta_k       for the others
    change of w_{i->j} = eta o_i o_j (1 - o_j) beta_j

A bias is the weight of a node that always puts out 1. It is gradient descent on the half squared error of logistic
nodes; `delta_j`, which everything else here uses, is -o_j (1 - o_j) beta_j.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.engines.draws import draw_order
from chainrule.engines.work import Chunk, EpochNumbers, NotFiniteError, Work, count_right
from chainrule.errors import UsageError

Weights = list[list[list[float]]]  # weights[l][i][j], with row 0 for the node that always puts out 1


def run(
    work: Work, network: Network, rule_state: Any, generator: np.random.Generator, learning_rates: np.ndarray
) -> Chunk:
    """Train for as many epochs as `learning_rates` has rows; signature and results as of the reference engine.

    Raises
    ------
    UsageError
        For anything but logistic nodes with biases, the half squared error and gradient descent.
    NotFiniteError
        When the error or a weight is no longer finite.
    """
    why = refusal(work, network)
    if why:
        raise UsageError(f'the node_by_node engine {why}. Use engine="reference".')
    weights = _to_lists(network)
    largest = float(np.finfo(network.layers[0].weights.dtype).max)
    X, D = work.X.tolist(), work.Y.tolist()
    numbers = []
    for epoch, rates in enumerate(learning_rates):
        drawn = draw_order(work, generator)
        order = range(work.n_examples) if drawn is None else drawn.tolist()
        error, right = 0.0, 0
        norm = 0.0
        for batch, start in enumerate(range(0, work.n_examples, work.batch_size)):
            examples = order[start : start + work.batch_size]
            total = [[[0.0] * len(row) for row in layer] for layer in weights]
            for n in examples:
                outputs = feed_forward(weights, X[n])
                betas = send_back(weights, outputs, D[n])
                _add_changes(total, outputs, betas)
                error += 0.5 * sum((d - o) * (d - o) for d, o in zip(D[n], outputs[-1], strict=True))
                if work.middle is not None:
                    right += count_right(np.array([outputs[-1]]), np.array([D[n]]), work.middle)
            if not math.isfinite(error):
                raise NotFiniteError(_to_network(network, weights), len(weights), "outputs", epoch, batch)
            share = 1 / len(examples) if work.reduction == "mean" else 1.0
            norm = max(norm, share * math.sqrt(sum(c * c for layer in total for row in layer for c in row)))
            changed = _changed(weights, total, float(rates[batch]) * share)
            for l, layer in enumerate(changed, start=1):
                if not all(abs(w) <= largest for row in layer for w in row):  # this way round a NaN is caught
                    raise NotFiniteError(_to_network(network, weights), l, "weights", epoch, batch)
            weights = changed
        cost = error / work.n_examples if work.reduction == "mean" else error
        numbers.append(EpochNumbers(cost, math.nan if work.middle is None else right / work.n_examples, norm))
    return Chunk(_to_network(network, weights), rule_state, tuple(numbers))


def feed_forward(weights: Weights, x: list[float]) -> list[list[float]]:
    """Return the outputs of every node, layer by layer, the inputs first."""
    outputs = [x]
    for layer in weights:
        before = [1.0, *outputs[-1]]
        sums = [sum(o * row[j] for o, row in zip(before, layer, strict=True)) for j in range(len(layer[0]))]
        outputs.append([_logistic(z) for z in sums])
    return outputs


def send_back(weights: Weights, outputs: list[list[float]], d: list[float]) -> list[list[float]]:
    """Return beta of every node of every layer that computes."""
    betas = [[d_z - o_z for d_z, o_z in zip(d, outputs[-1], strict=True)]]
    for layer, after in zip(reversed(weights[1:]), reversed(outputs[2:]), strict=True):
        later = betas[0]
        betas.insert(
            0,
            [
                sum(w * o_k * (1 - o_k) * beta_k for w, o_k, beta_k in zip(row, after, later, strict=True))
                for row in layer[1:]
            ],
        )
    return betas


def refusal(work: Work, network: Network) -> str:
    """Return why this engine cannot do that work, or an empty string."""
    if any(layer.activation.name != "logistic" for layer in network.layers):
        return "knows logistic activations only"
    if any(layer.biases is None or not layer.trainable for layer in network.layers):
        return "knows layers with a bias vector that all learn"
    if work.loss.name != "half_squared_error":
        return f'knows the loss half_squared_error only, not "{work.loss.name}"'
    if work.rule.name != "gradient_descent":
        return f'knows the update rule gradient_descent only, not "{work.rule.name}"'
    if work.weight_decay or work.clip_norm or work.clip_value or work.sample_weight is not None:
        return "knows neither weight decay, clipping nor sample weights"
    if any(work.dropout):
        return "knows no dropout"
    return ""


def _add_changes(total: Weights, outputs: list[list[float]], betas: list[list[float]]) -> None:
    """Add up o_i o_j (1 - o_j) beta_j for every weight i -> j."""
    for l, changes in enumerate(total):
        before, after = [1.0, *outputs[l]], outputs[l + 1]
        for o_i, row in zip(before, changes, strict=True):
            for j, (o_j, beta_j) in enumerate(zip(after, betas[l], strict=True)):
                row[j] += o_i * o_j * (1 - o_j) * beta_j


def _changed(weights: Weights, total: Weights, factor: float) -> Weights:
    """Return w + factor * change for every weight."""
    return [
        [
            [w + factor * change for w, change in zip(row, row_changes, strict=True)]
            for row, row_changes in zip(layer, changes, strict=True)
        ]
        for layer, changes in zip(weights, total, strict=True)
    ]


def _logistic(z: float) -> float:
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    e = math.exp(z)
    return e / (1 + e)


def _to_lists(network: Network) -> Weights:
    return [[layer.biases.tolist(), *layer.weights.tolist()] for layer in network.layers]  # type: ignore[union-attr]


def _to_network(network: Network, weights: Weights) -> Network:
    parameters = []
    for layer, rows in zip(network.layers, weights, strict=True):
        dtype = layer.weights.dtype
        parameters += [np.array(rows[1:], dtype=dtype), np.array(rows[0], dtype=dtype)]
    return network.with_parameters(parameters)
