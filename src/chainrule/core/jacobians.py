"""Jacobians: the derivative of many numbers with respect to many, for each example apart.

`backward` starts from one number, the cost. Here as many derivatives are sent back as a layer has units, one row each:

    D       (N, k, n_l)     da_j / da[l] or dz_j / da[l] of every example, for the k units j it was started from
    J       (N, k, p)       the same with respect to all p trainable parameters

Parameters stand in the order of `Network.trainable_parameters`, each flattened row by row (C order).
Sources: seed 004 (the Jacobian J_Z^L of a layer, chained), seed 001 (constituent derivatives).
"""

from __future__ import annotations

from typing import NamedTuple

from chainrule.core.arrays import Array
from chainrule.core.catalogue import FusedLoss, Loss
from chainrule.core.equations import dense_pullback
from chainrule.core.layers import Layer
from chainrule.core.network import Network
from chainrule.core.passes import Record, backward, forward
from chainrule.errors import UsageError


def example_jacobians(network: Network, X: Array) -> Array:
    """Return the derivative of every output of every example with respect to all trainable parameters.

    Parameters
    ----------
    network : Network
        With p trainable parameters; frozen layers have no columns.
    X : array (N, inputs)

    Returns
    -------
    array (N, outputs, p)
        `[e, j, :]` is da_j / dw of example e, in the order of `network.trainable_parameters`, each in C order.

    Raises
    ------
    UsageError
        If X does not fit the network.

    Examples
    --------
    A single unit a = w_1 x_1 + w_2 x_2 + b has da/dw_1 = x_1, da/dw_2 = x_2 and da/db = 1:

    >>> net = Network.dense([2, 1], "identity", seed=0)
    >>> example_jacobians(net, [[0.3, 1.0]])
    array([[[0.3, 1. , 1. ]]])
    """
    return output_jacobians(network, forward(network, X))


def output_jacobians(network: Network, record: Record, *, pre_activations: bool = False) -> Array:
    """Return what `example_jacobians` does for a forward pass already made.

    Parameters
    ----------
    network : Network
    record : Record
        What `forward` returned for it.
    pre_activations : bool
        Of z[L] instead of a[L], as a fused loss needs it.

    Returns
    -------
    array (N, outputs, p)
    """
    L = len(network.layers)
    D = units_by_themselves(record.output)
    delta: list[Array | None] = [None] * (L + 1)
    for l in range(L, _lowest_trainable(network) - 1, -1):
        if l < L:
            D = dense_pullback(_connections(network.layers[l]), delta[l + 1])
        fused = l == L and pre_activations
        delta[l] = D if fused else through_activation(network, record, l, D)
    return _with_respect_to_parameters(network, record, delta)


def example_gradients(
    network: Network, X: Array, Y: Array, loss: str | Loss | FusedLoss = "half_squared_error"
) -> Array:
    """Return the gradient of each example's own cost C with respect to all trainable parameters.

    Parameters
    ----------
    network : Network
    X, Y : arrays (N, inputs) and (N, outputs)
    loss : name, Loss or FusedLoss

    Returns
    -------
    array (N, p)
        Their mean is the gradient of J = mean of C; the columns stand as in `example_jacobians`.

    Raises
    ------
    UsageError
        If shapes do not fit, or a fused loss does not fit the output activation.

    Examples
    --------
    >>> net = Network.dense([2, 1], "identity", init="zeros")
    >>> example_gradients(net, [[0.3, 1.0], [2.0, 0.5]], [[1.0], [-1.0]])
    array([[-0.3, -1. , -1. ],
           [ 2. ,  0.5,  1. ]])
    """
    record = forward(network, X)
    grads = backward(network, record, Y, loss)
    delta = [None if d is None else d[:, None, :] for d in grads.delta]  # the cost is one number: k = 1
    return _with_respect_to_parameters(network, record, delta)[:, 0, :]


def layer_jacobians(network: Network, record: Record, l: int, m: int) -> Array:
    """Return da[m] / da[l] for each example: how every unit of layer m moves with every unit of layer l.

    Parameters
    ----------
    network : Network
    record : Record
        What `forward` returned for it.
    l, m : int
        Layer numbers, 0 <= l <= m <= L; layer 0 is the input.

    Returns
    -------
    array (N, sizes[m], sizes[l])
        `[e, j, i]` is da[m]_j / da[l]_i of example e.

    Raises
    ------
    UsageError
        If there are no such layers, or the record is of another network.

    Notes
    -----
    The chain rule multiplies the Jacobians of the layers between: da[m]/da[l] = da[m]/da[m-1] ... da[l+1]/da[l]
    (seed 004).

    Examples
    --------
    >>> import numpy as np
    >>> W = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 1))]
    >>> net = Network.dense([2, 2, 1], "identity", bias=False, weights=W)
    >>> layer_jacobians(net, forward(net, [[0.3, 1.0]]), 0, 2)
    array([[[3., 7.]]])
    """
    L = len(network.layers)
    if not isinstance(record, Record) or tuple(A.shape[1] for A in record.a) != network.sizes:
        raise UsageError("record must be what forward returned for this network; this one has other layers.")
    if not 0 <= l <= m <= L:
        raise UsageError(
            f"layer_jacobians needs layers 0 <= l <= m <= {L}, from l forward to m; received l={l} and m={m}."
        )
    D = units_by_themselves(record.a[m])
    for k in range(m, l, -1):
        D = dense_pullback(_connections(network.layers[k - 1]), through_activation(network, record, k, D))
    return D


class UnitDerivatives(NamedTuple):
    """The derivatives of one unit's activation a[m]_k with respect to all before it, for each example.

    Attributes
    ----------
    activations : tuple
        da[m]_k / da[l], (N, sizes[l]), for l = 0..m.
    delta : tuple
        da[m]_k / dz[l], (N, sizes[l]), for l = 1..m; delta[0] is None.
    """

    activations: tuple[Array, ...]
    delta: tuple[Array | None, ...]


def unit_derivatives(network: Network, record: Record, m: int, k: int) -> UnitDerivatives:
    """Send one unit back through the network, as `backward` does with the cost.

    Parameters
    ----------
    network : Network
    record : Record
        What `forward` returned for it.
    m, k : int
        The unit: layer number 0..L, and its place in the layer, counted from 0.

    Returns
    -------
    UnitDerivatives

    Raises
    ------
    UsageError
        If there is no such unit.

    Examples
    --------
    >>> import numpy as np
    >>> W = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 1))]
    >>> net = Network.dense([2, 2, 1], "identity", bias=False, weights=W)
    >>> unit_derivatives(net, forward(net, [[0.3, 1.0]]), 2, 0).activations[0]
    array([[3., 7.]])
    """
    L = len(network.layers)
    if not 0 <= m <= L or not 0 <= k < network.sizes[m]:
        raise UsageError(f"unit_derivatives needs a layer from 0 to {L} and one of its units; received {m=} and {k=}.")
    D = units_by_themselves(record.a[m])[:, k : k + 1, :]
    activations, delta = [D], []
    for l in range(m, 0, -1):
        D = through_activation(network, record, l, D)
        delta.append(D)
        D = dense_pullback(_connections(network.layers[l - 1]), D)
        activations.append(D)
    back = [d[:, 0, :] for d in reversed(delta)]
    return UnitDerivatives(tuple(d[:, 0, :] for d in reversed(activations)), (None, *back))


def units_by_themselves(A: Array) -> Array:
    """da_j / da_k of a layer with itself: the identity, for each example."""
    xp = A.__array_namespace__()
    one = xp.eye(A.shape[1], dtype=A.dtype)
    return xp.zeros_like(A)[:, :, None] + one[None, :, :]


def through_activation(network: Network, record: Record, l: int, D: Array) -> Array:
    """Send the k rows of D, d/da[l] of shape (N, k, n), back to d/dz[l]: softmax mixes the units of a layer.

    Where there are masks, a = m f with f = f(z), so d/df = m d/da.
    """
    f, mask = record.a[l], record.masks[l] if record.masks else None
    if mask is not None:
        f, D = record.f[l], mask[:, None, :] * D
    pullback, Z = network.layers[l - 1].activation.pullback, record.z[l]
    return D.__array_namespace__().stack([pullback(Z, f, D[:, j, :]) for j in range(D.shape[1])], axis=1)


def _connections(layer: Layer) -> Array:
    """The weights from the units before: without the row of x0, which no unit feeds."""
    return layer.weights[1:, :] if layer.x0 else layer.weights


def _lowest_trainable(network: Network) -> int:
    """The layer below which no derivative is wanted."""
    numbers = [l for l, layer in enumerate(network.layers, start=1) if layer.trainable]
    return numbers[0] if numbers else len(network.layers) + 1


def _with_respect_to_parameters(network: Network, record: Record, delta: list[Array | None]) -> Array:
    """From delta[l], shape (N, k, n_l), to all parameters: d/dw_ij = a_i delta_j and d/db_j = delta_j."""
    xp = record.output.__array_namespace__()
    columns = []
    for l, layer in enumerate(network.layers, start=1):
        if not layer.trainable:
            continue
        A, d = layer.inputs(record.a[l - 1]), delta[l]
        assert d is not None  # only layers below the lowest trainable one have none
        dW = A[:, None, :, None] * d[:, :, None, :]
        columns.append(xp.reshape(dW, (*d.shape[:2], A.shape[1] * d.shape[2])))
        if layer.biases is not None:
            columns.append(d)
    if not columns:
        raise UsageError("the network has no trainable layer, so there is nothing to differentiate with respect to.")
    return xp.concat(columns, axis=2)
