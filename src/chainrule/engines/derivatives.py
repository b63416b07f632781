"""The derivatives of each example, on the kernel where it can and on the core otherwise, which defines them.

Each function has the signature, the results and the errors of the core's: what the kernel does not take (activations
and losses of your own, other array libraries, mixed dtypes, or what does not fit at all) is handed to the core.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np

from chainrule.core import gauss_newton as core_gauss_newton
from chainrule.core import jacobians as core
from chainrule.core.arrays import Array, as_float_array
from chainrule.core.catalogue import FusedLoss, Loss, loss_named
from chainrule.core.gauss_newton import GaussNewton
from chainrule.core.network import Network
from chainrule.core.passes import Record
from chainrule.engines import compiled_jacobians as kernel
from chainrule.engines.kernels import suits


@wraps(core.example_jacobians)
def example_jacobians(network: Network, X: Array) -> Array:
    X = as_float_array(X)
    if _learns(network) and suits(network, X):
        return kernel.output_jacobians(network, X)
    return core.example_jacobians(network, X)


@wraps(core.example_gradients)
def example_gradients(
    network: Network, X: Array, Y: Array, loss: str | Loss | FusedLoss = "half_squared_error"
) -> Array:
    loss, X = loss_named(loss), as_float_array(X)
    Y = as_float_array(Y, like=X)
    if _learns(network) and suits(network, X) and kernel.suits_loss(network, X, Y, loss):
        return kernel.example_gradients(network, X, Y, loss)
    return core.example_gradients(network, X, Y, loss)


@wraps(core.layer_jacobians)
def layer_jacobians(network: Network, record: Record, l: int, m: int) -> Array:
    if _is_of(record, network) and 0 <= l < m <= len(network.layers):
        beneath = Network(network.layers[:m])
        if suits(beneath, record.a[0]):
            return kernel.layer_jacobians(network, record.a[0], l, m)
    return core.layer_jacobians(network, record, l, m)


@wraps(core_gauss_newton.gauss_newton)
def gauss_newton(network: Network, X: Array, Y: Array, *loss: Any, **options: Any) -> GaussNewton:
    X = as_float_array(X, like=network.parameters[0])
    if _learns(network) and suits(network, X):
        options = {"products": kernel.jacobian_products, **options}
    return core_gauss_newton.gauss_newton(network, X, Y, *loss, **options)


def _learns(network: Network) -> bool:
    return any(layer.trainable for layer in network.layers)


def _is_of(record: Any, network: Network) -> bool:
    """Whether the kernel would come to the same record: one of these layers, without masks."""
    if not isinstance(record, Record) or record.masks:
        return False
    return all(isinstance(A, np.ndarray) for A in record.a) and tuple(A.shape[1] for A in record.a) == network.sizes
