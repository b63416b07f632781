"""Derivatives of each example from the C++ kernel (kernel/jacobians.h): those of core/jacobians.py, within rounding.

These functions check nothing: `kernels.suits` and `suits_loss` say beforehand whether the kernel can do it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.network import Network
from chainrule.core.passes import Record
from chainrule.engines.compiled import FEWEST_TO_SHARE
from chainrule.engines.kernels import cores, loss_code, on_kernel, refusal_of_loss


def suits_loss(network: Network, X: np.ndarray, Y: Any, loss: Loss | FusedLoss) -> bool:
    """Whether the kernel knows the loss, and it and the targets fit as well."""
    if isinstance(loss, FusedLoss) and loss.activation != network.layers[-1].activation.name:
        return False
    fits = isinstance(Y, np.ndarray) and Y.dtype == X.dtype and Y.shape == (X.shape[0], network.sizes[-1])
    return fits and not refusal_of_loss(loss)


def output_jacobians(
    network: Network,
    X: np.ndarray,
    *,
    pre_activations: bool = False,
    threads: int | None = None,
    instruction_set: str | None = None,
) -> np.ndarray:
    """Return the derivative of every output (or z[L]) with respect to all trainable parameters, (N, outputs, p)."""
    J = np.empty((X.shape[0], network.sizes[-1], _count(network)), dtype=X.dtype)
    on_kernel(network, instruction_set).output_jacobians(
        np.ascontiguousarray(X), _biases_first(network), pre_activations, J, threads or _threads(J.size)
    )
    return J


def example_gradients(
    network: Network,
    X: np.ndarray,
    Y: np.ndarray,
    loss: Loss | FusedLoss,
    *,
    threads: int | None = None,
    instruction_set: str | None = None,
) -> np.ndarray:
    """Return the gradient of each example's own cost, (N, p)."""
    gradients = np.empty((X.shape[0], _count(network)), dtype=X.dtype)
    on_kernel(network, instruction_set).example_gradients(
        np.ascontiguousarray(X), np.ascontiguousarray(Y), *loss_code(loss), _biases_first(network), gradients,
        threads or _threads(gradients.size),
    )  # fmt: skip
    return gradients


def layer_jacobians(
    network: Network,
    X: np.ndarray,
    l: int,
    m: int,
    *,
    threads: int | None = None,
    instruction_set: str | None = None,
) -> np.ndarray:
    """Return da[m] / da[l] of each example, (N, sizes[m], sizes[l]), for l < m."""
    D = np.empty((X.shape[0], network.sizes[m], network.sizes[l]), dtype=X.dtype)
    multiplications = D.shape[0] * D.shape[1] * sum(n * units for n, units in pairwise(network.sizes[l : m + 1]))
    on_kernel(Network(network.layers[:m]), instruction_set).layer_jacobians(
        np.ascontiguousarray(X), l, D, threads or _threads(multiplications)
    )
    return D


def jacobian_products(
    network: Network,
    record: Record,
    c: np.ndarray,
    H: np.ndarray,
    pre_activations: bool,
    *,
    threads: int | None = None,
    instruction_set: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return J^T c and J^T H J, as core's function of this name, without ever having the whole J; H is symmetric."""
    X, p = record.a[0], _count(network)
    gradient, curvature = np.empty(p, dtype=X.dtype), np.empty((p, p), dtype=X.dtype)
    on_kernel(network, instruction_set).curvature(
        np.ascontiguousarray(X), np.ascontiguousarray(c), np.ascontiguousarray(H), _biases_first(network),
        pre_activations, gradient, curvature, threads or _threads(c.size * p * p // 2),
    )  # fmt: skip
    return gradient, curvature


def _count(network: Network) -> int:
    """How many numbers learn."""
    return sum(parameter.size for parameter in network.trainable_parameters)


def _biases_first(network: Network) -> list[bool]:
    """The biases of an x0 layer are row 0 of its weights."""
    return [layer.x0 for layer in network.layers]


def _threads(multiplications: int) -> int:
    """As many threads as have enough to do."""
    return max(1, min(cores(), multiplications // FEWEST_TO_SHARE))
