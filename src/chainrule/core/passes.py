"""The two passes over a network: forward keeps every value, backward every derivative, and nothing else does either.

Both are indexed by layer number, as in the documents: layer 0 is the input, layers 1..L compute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chainrule.core.arrays import Array, as_float_array, check_matrix
from chainrule.core.catalogue import FusedLoss, Loss, loss_named
from chainrule.core.equations import dense, dense_gradients, dense_pullback
from chainrule.core.network import Network
from chainrule.errors import UsageError

REDUCTIONS = ("mean", "sum")


class Record(NamedTuple):
    """Everything a forward pass computed, indexed by layer number.

    z[0] is None, a[0] is X; z[l] and a[l] have shape (N, sizes[l]).

    With masks (dropout), a[l] = f[l] * masks[l], where f[l] = f_l(z[l]); masks[l] is None where a layer has none, and
    f[l] is then a[l]. Without any, both tuples are empty.
    """

    z: tuple[Array | None, ...]
    a: tuple[Array, ...]
    masks: tuple[Array | None, ...] = ()
    f: tuple[Array, ...] = ()

    @property
    def output(self) -> Array:
        """a[L], shape (N, outputs)."""
        return self.a[-1]


class Gradients(NamedTuple):
    """Everything a backward pass computed, indexed by layer number.

    Attributes
    ----------
    cost : float
        J: the mean or sum of `costs`, plus weight_decay / 2 times the sum of squared weights.
    costs : array (N,)
        C of each example.
    activations : tuple
        dC/da[l] per example, (N, sizes[l]), with a[l] behind its mask; activations[0] is dC/dX. For a fused loss
        activations[L] is None: such an equation goes from C straight to delta[L].
    delta : tuple
        dC/dz[l] per example, (N, sizes[l]), without any factor of the batch; delta[0] is None.
    weights, biases : tuple
        dJ/dW[l] and dJ/db[l], of the shapes of W[l] and b[l]; index 0 is None, as is a bias that is not there.
    """

    cost: float
    costs: Array
    activations: tuple[Array | None, ...]
    delta: tuple[Array | None, ...]
    weights: tuple[Array | None, ...]
    biases: tuple[Array | None, ...]

    @property
    def parameters(self) -> list[Array]:
        """dJ/dW and dJ/db in the order of `Network.parameters`."""
        pairs = zip(self.weights[1:], self.biases[1:], strict=True)
        return [gradient for pair in pairs for gradient in pair if gradient is not None]


def forward(network: Network, X: Array, masks: Sequence[Array | None] | None = None) -> Record:
    """Feed examples forward and keep every value.

    Parameters
    ----------
    network : Network
    X : array (N, inputs)
        One example a row; a list of lists will do.
    masks : sequence of L - 1 arrays or None, optional
        For each hidden layer what its activations are multiplied by, shape (N, sizes[l]), or None: dropout. The
        outputs have no mask: a fused loss contains their activation.

    Returns
    -------
    Record

    Raises
    ------
    UsageError
        If X is not two-dimensional or its width is not the network's, or if masks do not fit.

    Notes
    -----
    Seed 002: z = W a + b and a = f(z), layer after layer; here with examples as rows, Z = A W + b. Masks:
    Srivastava et al. 2014, section 4, with 1 / (1 - p) in the mask instead of 1 - p in the weights afterwards.

    Examples
    --------
    >>> import numpy as np
    >>> net = Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
    >>> forward(net, [[0.3, 1.0]]).z[1]
    array([[1.3, 1.3, 1.3]])
    """
    X = as_float_array(X)
    check_matrix("X", X, network.sizes[0], "inputs")
    mask = (None, *_checked_masks(network, X, masks), None)
    z: list[Array | None] = [None]
    f, a = [X], [X]
    for l, layer in enumerate(network.layers, start=1):
        Z = dense(layer.inputs(a[-1]), layer.weights, layer.biases)
        A = layer.activation.value(Z)
        z.append(Z)
        f.append(A)
        a.append(A if mask[l] is None else A * mask[l])
    return Record(tuple(z), tuple(a)) if masks is None else Record(tuple(z), tuple(a), mask, tuple(f))


def backward(
    network: Network,
    record: Record,
    Y: Array,
    loss: str | Loss | FusedLoss = "half_squared_error",
    *,
    reduction: str = "mean",
    weight_decay: float = 0.0,
    sample_weight: Array | None = None,
) -> Gradients:
    """Send the error back and keep every derivative.

    Parameters
    ----------
    network : Network
    record : Record
        What `forward` returned for the same network.
    Y : array (N, outputs)
        Targets.
    loss : name, Loss or FusedLoss
    reduction : "mean" or "sum"
        How the examples' costs make J.
    weight_decay : float
        lambda in J = ... + lambda / 2 * sum of squared weights (weights, not biases; seed 002).
    sample_weight : array (N,), optional
        Weight of each example: J is the weighted mean or the weighted sum.

    Returns
    -------
    Gradients

    Raises
    ------
    UsageError
        If shapes do not fit, or a fused loss does not fit the output activation.

    Notes
    -----
    delta[L] = dC/da[L] through f'; delta[l] = (delta[l+1] W[l+1]^T) through f'; dJ/dW[l] = A[l-1]^T (r delta[l])
    + lambda W[l], where r holds each example's share of J (seeds 001, 002, 003, 004). A mask m stands between a and
    f: a = m f, so dC/df = m dC/da.

    Examples
    --------
    >>> import numpy as np
    >>> net = Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
    >>> grads = backward(net, forward(net, [[0.3, 1.0]]), [[0.75]])
    >>> grads.weights[2].round(5).ravel()
    array([0.01015, 0.01015, 0.01015])
    """
    loss = loss_named(loss)
    check_loss_fits(loss, network)
    if not isinstance(record, Record) or tuple(A.shape[1] for A in record.a) != network.sizes:
        raise UsageError("record must be what forward returned for this network; this one has other layers.")
    if not weight_decay >= 0:
        raise UsageError(f"weight_decay must be at least 0; received {weight_decay!r}.")
    Y = as_float_array(Y, like=record.output)
    check_matrix("Y", Y, network.sizes[-1], "outputs", rows=record.output.shape[0])

    J, costs, r = _cost_and_shares(network, record, Y, loss, reduction, weight_decay, sample_weight)

    L = len(network.layers)
    activations: list[Array | None] = [None] * (L + 1)
    delta: list[Array | None] = [None] * (L + 1)
    dW: list[Array | None] = [None] * (L + 1)
    db: list[Array | None] = [None] * (L + 1)
    if isinstance(loss, FusedLoss):
        delta[L] = loss.delta(record.z[L], record.output, Y)
    else:
        activations[L] = loss.pullback(record.output, Y)
    for l in range(L, 0, -1):
        layer = network.layers[l - 1]
        if delta[l] is None:
            f, dC_df = record.a[l], activations[l]
            mask = record.masks[l] if record.masks else None
            if mask is not None:
                f, dC_df = record.f[l], mask * activations[l]
            delta[l] = layer.activation.pullback(record.z[l], f, dC_df)
        dW[l], db_l = dense_gradients(layer.inputs(record.a[l - 1]), delta[l] * r[:, None])
        db[l] = None if layer.biases is None else db_l
        if weight_decay:
            dW[l] = dW[l] + weight_decay * layer.decayed
        connections = layer.weights[1:, :] if layer.x0 else layer.weights
        activations[l - 1] = dense_pullback(connections, delta[l])
    return Gradients(J, costs, tuple(activations), tuple(delta), tuple(dW), tuple(db))


def cost(
    network: Network,
    record: Record,
    Y: Array,
    loss: str | Loss | FusedLoss = "half_squared_error",
    *,
    reduction: str = "mean",
    weight_decay: float = 0.0,
    sample_weight: Array | None = None,
) -> float:
    """Return J, the number that `backward` differentiates; its parameters are those of `backward`.

    Examples
    --------
    >>> import numpy as np
    >>> net = Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
    >>> round(cost(net, forward(net, [[0.3, 1.0]]), [[0.75]]), 5)
    0.01337
    """
    Y = as_float_array(Y, like=record.output)
    return _cost_and_shares(network, record, Y, loss_named(loss), reduction, weight_decay, sample_weight)[0]


def _cost_and_shares(
    network: Network,
    record: Record,
    Y: Array,
    loss: Loss | FusedLoss,
    reduction: str,
    weight_decay: float,
    sample_weight: Array | None,
) -> tuple[float, Array, Array]:
    """Return J, the cost C of each example and its share r: J = sum_n r_n C_n + lambda / 2 sum of w^2 (seed 002)."""
    costs = loss.cost(record.z[-1], record.output, Y)
    r = example_shares(costs, reduction, sample_weight)
    J = float(r.__array_namespace__().sum(r * costs))
    if weight_decay:
        J += 0.5 * weight_decay * sum(_sum_of_squares(layer.decayed) for layer in network.layers)
    return J, costs, r


def example_shares(costs: Array, reduction: str, sample_weight: Array | None) -> Array:
    """Return r, shape (N,), with J = sum_n r_n C_n: the one place where a batch's factor stands.

    Raises
    ------
    UsageError
        If the reduction is unknown, or the weights are negative, not finite, all 0 or of another shape.
    """
    xp = costs.__array_namespace__()
    if reduction not in REDUCTIONS:
        raise UsageError(f'reduction must be "mean" or "sum"; received {reduction!r}.')
    if sample_weight is None:
        share = 1 / costs.shape[0] if reduction == "mean" else 1.0
        return xp.full_like(costs, share)
    s = xp.astype(as_float_array(sample_weight, like=costs), costs.dtype)
    if s.shape != costs.shape:
        raise UsageError(
            f"sample_weight must have shape {tuple(costs.shape)}, one weight an example; received {tuple(s.shape)}."
        )
    total = float(xp.sum(s))
    if not bool(xp.all(s >= 0)) or not 0 < total < float("inf"):
        raise UsageError("sample_weight must be finite numbers of at least 0, not all of them 0.")
    return s / total if reduction == "mean" else s


def check_loss_fits(loss: Loss | FusedLoss, network: Network) -> None:
    """Raise UsageError where a fused loss meets an output activation that it does not contain."""
    activation = network.layers[-1].activation.name
    if isinstance(loss, FusedLoss) and loss.activation != activation:
        raise UsageError(
            f'loss "{loss.name}" contains the output activation "{loss.activation}", but the last layer has '
            f'"{activation}". Set the output activation to "{loss.activation}" or choose another loss.'
        )


def _checked_masks(network: Network, X: Array, masks: Sequence[Array | None] | None) -> list[Array | None]:
    """One mask or None for each hidden layer, of X's library."""
    hidden = network.sizes[1:-1]
    if masks is None:
        return [None] * len(hidden)
    if len(masks) != len(hidden):
        raise UsageError(f"masks must be given for each of {len(hidden)} hidden layers; received {len(masks)}.")
    checked = [None if mask is None else as_float_array(mask, like=X) for mask in masks]
    for l, (mask, units) in enumerate(zip(checked, hidden, strict=True), start=1):
        if mask is not None and tuple(mask.shape) != (X.shape[0], units):
            raise UsageError(
                f"the mask of layer {l} must have shape {X.shape[0], units}; received {tuple(mask.shape)}."
            )
    return checked


def _sum_of_squares(W: Array) -> float:
    return float(W.__array_namespace__().sum(W * W))
