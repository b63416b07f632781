"""Seed 004's tensors, one function each: a layer's Jacobians in both layouts, their chains, and one backward step.

A layer takes Y to Z = f(Sum) with Sum = Y . W; in this project's letters a[l-1] to a[l] = f(z[l]). For each example:

    J_Sum^Z     (N, k, k)          da[l]_j / dz[l]_i: diagonal, but for softmax
    J_Y^Z       (N, k, i)          da[l]_k / da[l-1]_i, `layer_jacobians`
    dW/dW       (i, k, i, k)       1 where both pairs of indices are equal, else 0
    J_W^Z       (N, i, k, k)       da[l]_r / dW[l]_ik in denominator layout, nearly all of it 0
    Jhat_W^Z    (N, i, k)          the part of J_W^Z that is not 0: the simplified Jacobian
    J_Z^L       (N, 1, k)          dC / da[l]

Numerator layout puts the index of what is differentiated first, denominator layout the index of what it is
differentiated by. Everything here can be had from `backward` in one sweep; these are the steps, laid out.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.core.arrays import Array
from chainrule.core.catalogue import ACTIVATIONS, FusedLoss, Loss, loss_named
from chainrule.core.jacobians import layer_jacobians, through_activation, units_by_themselves
from chainrule.core.network import Network
from chainrule.core.passes import Record
from chainrule.errors import UsageError

LAYOUTS = ("numerator", "denominator")


def activation_jacobian(network: Network, record: Record, l: int) -> Array:
    """Return J_Sum^Z of a layer: how each of its activations moves with each of its pre-activations.

    Parameters
    ----------
    network : Network
    record : Record
        What `forward` returned for it.
    l : int
        Layer number, 1 to L.

    Returns
    -------
    array (N, sizes[l], sizes[l])
        `[e, j, i]` is da[l]_j / dz[l]_i of example e. It is diagonal for every activation but softmax, where it is
        seed 004's J^soft with s_j - s_j^2 on the diagonal and -s_j s_i beside it.

    Raises
    ------
    UsageError
        If there is no such layer.

    Examples
    --------
    >>> from chainrule.core.passes import forward
    >>> net = Network.dense([2, 2], "softmax", init="zeros")
    >>> activation_jacobian(net, forward(net, [[0.3, 1.0]]), 1)
    array([[[ 0.25, -0.25],
            [-0.25,  0.25]]])
    """
    check_layer(network, l)
    return through_activation(network, record, l, units_by_themselves(record.a[l]))


def weight_by_weight(W: Array) -> Array:
    """Return dW/dW, shape (i, k, i, k): 1 where a weight meets itself, 0 elsewhere (seed 004: "not simply 1").

    Examples
    --------
    >>> import numpy as np
    >>> weight_by_weight(np.ones((2, 1)))[:, :, 1, 0]
    array([[0.],
           [1.]])
    """
    xp = W.__array_namespace__()
    fan_in, fan_out = W.shape
    one = xp.eye(fan_in * fan_out, dtype=W.dtype)
    return xp.reshape(one, (fan_in, fan_out, fan_in, fan_out))


def sum_weight_jacobian(network: Network, record: Record, l: int) -> Array:
    """Return dSum/dW = Y . dW/dW, how the pre-activations of a layer move with its weights.

    Returns
    -------
    array (N, i, k, k)
        Denominator layout: `[e, i, k, r]` is dz[l]_r / dW[l]_ik, which is a[l-1]_i for r = k and 0 otherwise. Seed 004
        takes the dot product of Y with each inner matrix of dW/dW.
    """
    layer = network.layers[check_layer(network, l) - 1]
    A = layer.inputs(record.a[l - 1])
    xp = A.__array_namespace__()
    # dz_r/dw_ik = sum over j of y_j dw_jr/dw_ik, an (N, j) by (j, r, i, k) product
    products = xp.tensordot(A, weight_by_weight(layer.weights), axes=1)
    return xp.permute_dims(products, (0, 2, 3, 1))


def weight_jacobian(network: Network, record: Record, l: int, *, layout: str = "denominator") -> Array:
    """Return J_W^Z in full, with its zeros: how the activations of a layer move with the weights into it.

    Parameters
    ----------
    network, record, l
        As in `activation_jacobian`.
    layout : "denominator" or "numerator"
        Denominator layout, (N, i, k, r), has the shape of W in front: seed 004 finds it more readable. Numerator
        layout is (N, r, i, k).

    Raises
    ------
    UsageError
        If there is no such layer or layout.

    Notes
    -----
    J_W^Z = J_Sum^Z . dSum/dW (seed 004, "Tensor calculations across several layers").
    """
    check_layout(layout)
    inner = sum_weight_jacobian(network, record, l)
    N, fan_in, fan_out, _ = inner.shape
    xp = inner.__array_namespace__()
    rows = xp.reshape(inner, (N, fan_in * fan_out, fan_out))
    J = xp.matmul(rows, xp.matrix_transpose(activation_jacobian(network, record, l)))
    J = xp.reshape(J, (N, fan_in, fan_out, fan_out))
    return J if layout == "denominator" else other_layout(J, 2)


def simplified_weight_jacobian(network: Network, record: Record, l: int) -> Array:
    """Return Jhat_W^Z = Y (x) Diag(J_Sum^Z), the outer product that keeps only what is not 0 in J_W^Z.

    Returns
    -------
    array (N, i, k)
        `[e, i, k]` is da[l]_k / dW[l]_ik.

    Raises
    ------
    UsageError
        For softmax: there each weight moves every output, so nothing may be left out. Put the softmax behind a linear
        layer as one more layer (`across_softmax`), as seed 004 does.
    """
    layer = network.layers[check_layer(network, l) - 1]
    J_sum = activation_jacobian(network, record, l)
    xp = J_sum.__array_namespace__()
    diagonal = xp.linalg.diagonal(J_sum)
    if mixes_units(network, record, l):
        raise UsageError(
            f'layer {l} has "{layer.activation.name}": each of its weights moves several outputs, so its Jacobian has '
            "no simplified form. Take weight_jacobian, or send the error across the softmax first."
        )
    return layer.inputs(record.a[l - 1])[:, :, None] * diagonal[:, None, :]


def loss_jacobian(record: Record, Y: Array, loss: str | Loss = "half_squared_error") -> Array:
    """Return J_N^L, the derivative of each example's cost with respect to the outputs: the first of the Jacobians.

    Returns
    -------
    array (N, 1, outputs)
        A row vector an example, as numerator layout has it.

    Raises
    ------
    UsageError
        For a fused loss, which goes past the outputs.
    """
    named = loss_named(loss)
    if isinstance(named, FusedLoss):
        raise UsageError(
            f'"{named.name}" goes from z to the cost in one step and has no derivative by the outputs. Choose the loss '
            "without its activation, such as categorical_cross_entropy."
        )
    return named.pullback(record.output, Y)[:, None, :]


def jacobian_chain(network: Network, record: Record, l: int, m: int, *, direction: str = "backward") -> Array:
    """Return J_l^m, the Jacobian from layer l to layer m, as the product of those between neighbours.

    Parameters
    ----------
    network, record
    l, m : int
        Layer numbers, 0 <= l <= m <= L.
    direction : "backward" or "forward"
        Backward is seed 004's loop, R <- R . J_(q-1)^q from q = m down; forward multiplies from the other end,
        R <- J_(q-1)^q . R from q = l + 1 up. The result is one; the work is not (few outputs: backward).

    Returns
    -------
    array (N, sizes[m], sizes[l])

    Raises
    ------
    UsageError
        If there are no such layers or directions.
    """
    if direction not in ("backward", "forward"):
        raise UsageError(f'direction must be "backward" or "forward"; received {direction!r}.')
    neighbours = [layer_jacobians(network, record, q - 1, q) for q in range(l + 1, m + 1)]
    return multiplied(neighbours, units_by_themselves(record.a[m if direction == "backward" else l]), direction)


def multiplied(jacobians: Sequence[Array], R: Array, direction: str = "backward") -> Array:
    """Multiply Jacobians, given from the inputs towards the outputs, onto R from one end or the other."""
    xp = R.__array_namespace__()
    if direction == "backward":
        for J in reversed(jacobians):
            R = xp.matmul(R, J)
    else:
        for J in jacobians:
            R = xp.matmul(J, R)
    return R


def distant_weight_jacobian(network: Network, record: Record, l: int, m: int) -> Array:
    """Return J_W^n = J_m^n . J_W^m: how the activations of layer m move with the weights into layer l.

    Returns
    -------
    array (N, i, k, r)
        Denominator layout: `[e, i, k, r]` is da[m]_r / dW[l]_ik. Every inner vector of J_W^l is multiplied by J_l^m.

    Raises
    ------
    UsageError
        If there are no such layers, 1 <= l <= m <= L.
    """
    check_layer(network, l)
    J = weight_jacobian(network, record, l)
    R = layer_jacobians(network, record, l, m)
    xp = J.__array_namespace__()
    N, fan_in, fan_out, _ = J.shape
    product = xp.matmul(xp.reshape(J, (N, fan_in * fan_out, fan_out)), xp.matrix_transpose(R))
    return xp.reshape(product, (N, fan_in, fan_out, R.shape[1]))


def backward_across_layer(
    network: Network, record: Record, l: int, J_Z: Array, *, simplified: bool = False
) -> tuple[Array, Array]:
    """Take the error across one layer, as seed 004 lays it out: receive J_Z^L, compute J_W^L, pass J_Y^L back.

    Parameters
    ----------
    network, record, l
    J_Z : array (N, 1, sizes[l])
        J_Z^L, the derivative of the cost with respect to the layer's activations.
    simplified : bool
        Multiply the columns of Jhat_W^Z by J_Z^L, rather than take dot products with the full J_W^Z.

    Returns
    -------
    J_W : array (N, i, k)
        dC / dW[l] of each example.
    J_Y : array (N, 1, sizes[l - 1])
        What the layer before receives.
    """
    xp = J_Z.__array_namespace__()
    if simplified:
        J_W = J_Z * simplified_weight_jacobian(network, record, l)
    else:
        J_W = xp.sum(weight_jacobian(network, record, l) * J_Z[:, None, :, :], axis=3)
    return J_W, xp.matmul(J_Z, layer_jacobians(network, record, l - 1, l))


def across_softmax(S: Array, J_S: Array) -> Array:
    """Return J_Z^L = J_S^L . J_Z^S: the error behind a softmax, seen as a layer without weights.

    Parameters
    ----------
    S : array (N, k)
        What the softmax gave.
    J_S : array (N, 1, k)

    Returns
    -------
    array (N, 1, k)
    """
    xp = S.__array_namespace__()
    diagonal = S[:, :, None] * xp.eye(S.shape[1], dtype=S.dtype)[None, :, :]
    return xp.matmul(J_S, diagonal - S[:, :, None] * S[:, None, :])


def other_layout(J: Array, in_front: int, *, examples: bool = True) -> Array:
    """Turn numerator layout into denominator layout or back: the first group of indices goes behind the second.

    Parameters
    ----------
    J : array
    in_front : int
        How many indices the first group has.
    examples : bool
        Whether a first index over examples stays where it is.

    Examples
    --------
    >>> import numpy as np
    >>> other_layout(np.zeros((5, 3, 2, 4)), 1).shape
    (5, 2, 4, 3)
    """
    kept = list(range(int(examples)))
    moved = list(range(len(kept), J.ndim))
    return J.__array_namespace__().permute_dims(J, tuple(kept + moved[in_front:] + moved[:in_front]))


def mixes_units(network: Network, record: Record, l: int) -> bool:
    """Whether an activation of layer l moves with more than its own pre-activation, as softmax does."""
    head = network.layers[l - 1].activation.name.partition("(")[0]
    if head in ACTIVATIONS:
        return head == "softmax"
    J = activation_jacobian(network, record, l)
    xp = J.__array_namespace__()
    off = 1 - xp.eye(J.shape[1], dtype=J.dtype)
    return bool(xp.any(J * off[None, :, :] != 0))


def check_layer(network: Network, l: int) -> int:
    """Return a layer number from 1 to L, or say what is wrong with it."""
    L = len(network.layers)
    if not isinstance(l, int) or not 1 <= l <= L:
        raise UsageError(f"a layer with weights has a number from 1 to {L}; received {l!r}.")
    return l


def check_layout(layout: str) -> None:
    """Raise UsageError for a layout that is not one of two."""
    if layout not in LAYOUTS:
        raise UsageError(f'layout must be "numerator" or "denominator"; received {layout!r}.')
