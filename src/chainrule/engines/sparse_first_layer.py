"""Networks on sparse inputs, of which only the first product takes notice: z_1 = x W_1 + b_1.

What lies behind z_1 is a network of its own on dense rows: a first layer of weights 1 with the activation of layer 1,
then the other layers. Its delta[1] is dC/dz_1, and X^T delta[1] the gradient of W_1. `run` is the readable engine for
such rows, with which the compiled one (kernel/sparse_rows.h) is compared.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.layers import Layer
from chainrule.core.network import Network
from chainrule.core.passes import Gradients, Record, backward, forward
from chainrule.core.update_rules import global_norm
from chainrule.engines.draws import draw_masks, draw_order
from chainrule.engines.reference import first_not_finite, updated
from chainrule.engines.vectors import as_vector, at_vector, in_float64
from chainrule.engines.work import Chunk, EpochNumbers, NotFiniteError, Work, count_right


def is_sparse(X: Any) -> bool:
    """Whether X is a scipy.sparse array or matrix."""
    return hasattr(X, "toarray")


def entries(X: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the values of a sparse array of rows, their columns (int32), and where each row's begin (int64)."""
    return (
        np.ascontiguousarray(X.data),
        np.ascontiguousarray(X.indices, dtype=np.int32),
        np.ascontiguousarray(X.indptr, dtype=np.int64),
    )


def behind_first(network: Network, X: Any) -> tuple[Network, np.ndarray]:
    """Return the network behind the pre-activations of layer 1, and these, (N, units), for sparse rows."""
    first = network.layers[0]
    W = np.asarray(first.weights)
    Z = np.asarray(X @ W) if first.biases is None else np.asarray(X @ W) + np.asarray(first.biases)
    ones = np.eye(first.fan_out, dtype=W.dtype)
    return Network((Layer(ones, None, first.activation), *network.layers[1:])), Z.astype(W.dtype, copy=False)


class SparseCostAndGradient:
    """J and dJ/dw at any w, in float64, as `CostAndGradient` has it for dense rows.

    Parameters
    ----------
    network : Network
        Its parameters say which shapes w holds.
    X : sparse array (N, inputs)
    Y : array (N, outputs)
    loss, sample_weight
    weight_decay : float
    """

    def __init__(
        self,
        network: Network,
        X: Any,
        Y: np.ndarray,
        loss: Loss | FusedLoss,
        sample_weight: np.ndarray | None,
        weight_decay: float,
    ) -> None:
        self.network, self.loss = in_float64(network), loss
        self.X, self.Y = X.astype(np.float64), Y.astype(np.float64)
        s = np.ones(len(Y)) if sample_weight is None else sample_weight.astype(np.float64)
        self.shares, self.weight_decay = s / s.sum(), weight_decay

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return J, infinite where it is no number, and the gradient (p,) at the parameters w (p,)."""
        with np.errstate(all="ignore"):  # a trial may go too far: its cost is then infinite
            passed = _passed(at_vector(self.network, w), self.X, self.Y, self.loss, self.shares, self.weight_decay)
        return (passed.J if math.isfinite(passed.J) else math.inf), as_vector(passed.gradients)


def run(
    work: Work, network: Network, rule_state: Any, generator: np.random.Generator, learning_rates: np.ndarray
) -> Chunk:
    """Train on sparse rows; signature and results as of the reference engine, within rounding."""
    numbers = []
    with np.errstate(all="ignore"):
        for epoch, rates in enumerate(learning_rates):
            order, J, right, largest = draw_order(work, generator), 0.0, 0, 0.0
            for batch, rate in enumerate(rates.tolist()):
                rows: Any = slice(batch * work.batch_size, (batch + 1) * work.batch_size)
                rows = rows if order is None else order[rows]
                Y, count = work.Y[rows], len(work.Y[rows])
                shares = np.full(count, 1 / count, Y.dtype) if work.shares is None else work.shares[rows] / count
                masks = draw_masks(work, network, count, generator)
                passed = _passed(network, work.X[rows], Y, work.loss, shares, work.decay_of(count), masks)
                norm = global_norm(passed.gradients)
                if not (math.isfinite(passed.J) and math.isfinite(norm)):
                    raise NotFiniteError(network, *first_not_finite(passed.record, passed.behind), epoch, batch)
                network, rule_state = updated(work, network, passed.gradients, rule_state, rate)
                J, largest = J + passed.J * count / work.n_examples, max(largest, norm)
                right += 0 if work.middle is None else count_right(passed.record.output, Y, work.middle)
            accuracy = math.nan if work.middle is None else right / work.n_examples
            numbers.append(EpochNumbers(J, accuracy, largest))
    return Chunk(network, rule_state, tuple(numbers))


class _Passed(NamedTuple):
    """The passes through what lies behind the first pre-activations, J, and the gradients of the whole network."""

    record: Record
    behind: Gradients
    J: float
    gradients: list[np.ndarray]


def _passed(
    network: Network,
    X: Any,
    Y: np.ndarray,
    loss: Loss | FusedLoss,
    shares: np.ndarray,
    weight_decay: float,
    masks: list[Any] | None = None,
) -> _Passed:
    """Go forward and back, J = sum of shares C + weight_decay / 2 sum w^2."""
    rest, Z = behind_first(network, X)
    record = forward(rest, Z, masks)
    behind = backward(rest, record, Y, loss, reduction="sum", sample_weight=shares)
    delta = shares[:, None] * np.asarray(behind.delta[1])
    gradients = [np.asarray(X.T @ delta), delta.sum(axis=0), *behind.parameters[1:]]
    J = float(behind.cost)
    for l, layer in enumerate(network.layers):
        J += 0.5 * weight_decay * float(np.sum(layer.weights * layer.weights))
        gradients[2 * l] = gradients[2 * l] + weight_decay * layer.weights
    return _Passed(record, behind, J, gradients)
