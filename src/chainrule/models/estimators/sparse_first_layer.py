"""Networks on sparse inputs, of which only the first product takes notice: z_1 = x W_1 + b_1.

What lies behind z_1 is a network of its own on dense rows: a first layer of weights 1 with the activation of layer 1,
then the other layers. Its delta[1] is dC/dz_1, and X^T delta[1] the gradient of W_1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Layer, Network
from chainrule.core.passes import backward, cost, forward
from chainrule.engines.outputs import outputs
from chainrule.engines.vectors import as_vector, at_vector, decayed_entries, in_float64


def behind_first(network: Network, X: Any) -> tuple[Network, np.ndarray]:
    """Return the network behind the pre-activations of layer 1, and these, (N, units), for sparse rows."""
    first = network.layers[0]
    W = np.asarray(first.weights)
    Z = np.asarray(X @ W) if first.biases is None else np.asarray(X @ W) + np.asarray(first.biases)
    ones = np.eye(first.fan_out, dtype=W.dtype)
    return Network((Layer(ones, None, first.activation), *network.layers[1:])), Z.astype(W.dtype, copy=False)


def outputs_of(network: Network, X: Any) -> np.ndarray:
    """Return the outputs for sparse rows, (N, outputs)."""
    rest, Z = behind_first(network, X)
    return outputs(rest, Z)


def loss_of(network: Network, X: Any, Y: np.ndarray, loss: Loss | FusedLoss, weight: np.ndarray | None) -> float:
    """Return the mean loss on sparse rows."""
    rest, Z = behind_first(network, X)
    with np.errstate(all="ignore"):
        return float(cost(rest, forward(rest, Z), Y, loss, sample_weight=weight))


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
        self.columns = self.X.T.tocsr()
        self.weight = None if sample_weight is None else sample_weight.astype(np.float64)
        s = np.ones(len(Y)) if self.weight is None else self.weight
        self.shares = (s / s.sum())[:, None]
        self.decay = weight_decay * decayed_entries(self.network)

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return J, infinite where it is no number, and the gradient (p,) at the parameters w (p,)."""
        network = at_vector(self.network, w)
        with np.errstate(all="ignore"):  # a trial may go too far: its cost is then infinite
            rest, Z = behind_first(network, self.X)
            gradients = backward(rest, forward(rest, Z), self.Y, self.loss, sample_weight=self.weight)
            delta = self.shares * gradients.delta[1]
            first = [np.asarray(self.columns @ delta), delta.sum(axis=0)]
            g = as_vector([*first, *gradients.parameters[1:]]) + self.decay * w
            J = float(gradients.cost) + 0.5 * float(self.decay @ (w * w))
        return (J if math.isfinite(J) else math.inf), g
