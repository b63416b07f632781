"""The generalised Gauss-Newton matrix: the curvature of J as far as first derivatives of the network tell it.

With o the outputs, J_e = do/dw of example e, c_e = dC/do and H_e = d2C/do2, and the examples' shares r_e of J:

    gradient = sum_e r_e J_e^T c_e
    G        = sum_e r_e J_e^T H_e J_e

The Hessian of J has one term more, which holds the second derivatives of the network itself. G leaves it out: it needs
the Jacobian only, and it has no negative curvature where the loss has none, so that a minimum along it always exists.
For squared errors H is 1 and G is the J'J of Gauss, Levenberg and Marquardt. For a fused loss o is z[L], so that H is
a (1 - a) for the logistic and diag(a) - a a^T for the softmax (Schraudolph 2002); for others o is a[L].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chainrule.core.arrays import Array, as_float_array, check_matrix
from chainrule.core.catalogue import FusedLoss, Loss, loss_named
from chainrule.core.jacobians import output_jacobians
from chainrule.core.network import Network
from chainrule.core.passes import Record, check_loss_fits, example_shares, forward
from chainrule.errors import UsageError

# Numbers in the Jacobian of one block of examples: 32 MB in float64, and about four arrays of that size at a time.
LARGEST_BLOCK = 2**22


# (network, record, c, H, pre_activations) -> (J^T c, J^T H J), with the Jacobian of o, its rows below each other.
Products = Callable[[Network, Record, Array, Array, bool], tuple[Array, Array]]


class GaussNewton(NamedTuple):
    """J without weight decay near some weights: its value, its gradient (p,) and its curvature G (p, p)."""

    cost: float
    gradient: Array
    curvature: Array


def jacobian_products(
    network: Network, record: Record, c: Array, H: Array, pre_activations: bool
) -> tuple[Array, Array]:
    """Return J^T c and J^T H J, summed over the examples of a record.

    Parameters
    ----------
    network : Network
        With p trainable parameters.
    record : Record
    c : array (N, outputs)
    H : array (N, outputs, outputs)
    pre_activations : bool
        Whether J is the Jacobian of z[L] instead of a[L].

    Returns
    -------
    array (p,), array (p, p)
    """
    D = output_jacobians(network, record, pre_activations=pre_activations)
    xp, p = D.__array_namespace__(), D.shape[2]
    flat = xp.reshape(D, (-1, p))  # the rows of all outputs of all examples below each other
    return flat.T @ xp.reshape(c, (-1,)), flat.T @ xp.reshape(H @ D, (-1, p))


def gauss_newton(
    network: Network,
    X: Array,
    Y: Array,
    loss: str | Loss | FusedLoss = "half_squared_error",
    *,
    reduction: str = "mean",
    sample_weight: Array | None = None,
    largest_block: int = LARGEST_BLOCK,
    products: Products = jacobian_products,
) -> GaussNewton:
    """Return the cost, its gradient and the generalised Gauss-Newton matrix.

    Parameters
    ----------
    network : Network
        With p trainable parameters, which stand in the order of `trainable_parameters`, each in C order.
    X, Y : arrays (N, inputs) and (N, outputs)
    loss : name, Loss or FusedLoss
        One with a curvature.
    reduction, sample_weight
        As in `backward`.
    largest_block : int
        The Jacobian is made for so many examples at a time that it holds at most this many numbers (or those of one
        example), so memory does not grow with N.
    products : callable
        What multiplies the Jacobian; an engine may have another.

    Returns
    -------
    GaussNewton

    Raises
    ------
    UsageError
        If shapes do not fit, or the loss has no curvature.

    Examples
    --------
    A line a = w x + b through two points: G is the mean of [x 1]^T [x 1].

    >>> net = Network.dense([1, 1], "identity", init="zeros")
    >>> gauss_newton(net, [[1.0], [3.0]], [[2.0], [4.0]]).curvature
    array([[5., 2.],
           [2., 1.]])
    """
    loss = loss_named(loss)
    check_loss_fits(loss, network)
    refuse_without_curvature(loss)
    X = as_float_array(X, like=network.parameters[0])
    Y = as_float_array(Y, like=network.parameters[0])
    check_matrix("Y", Y, network.sizes[-1], "outputs", rows=X.shape[0])
    xp = X.__array_namespace__()
    r = example_shares(Y[:, 0], reduction, sample_weight)
    p = sum(int(parameter.size) for parameter in network.trainable_parameters)
    rows = max(1, largest_block // (p * network.sizes[-1]))

    J = 0.0
    gradient, G = xp.zeros(p, dtype=X.dtype), xp.zeros((p, p), dtype=X.dtype)
    for start in range(0, X.shape[0], rows):
        block = slice(start, min(start + rows, X.shape[0]))
        record, y, share = forward(network, X[block, :]), Y[block, :], r[block]
        c, H = _derivatives(loss, record, y)
        rc, rH = share[:, None] * c, share[:, None, None] * H
        part, G_part = products(network, record, rc, rH, isinstance(loss, FusedLoss))
        gradient, G = gradient + part, G + G_part
        J += float(xp.sum(share * loss.cost(record.z[-1], record.output, y)))
    return GaussNewton(J, gradient, G)


def refuse_without_curvature(loss: Loss | FusedLoss) -> None:
    """Raise UsageError for a loss that bends nowhere, or does not say how."""
    if loss.curvature is None:
        raise UsageError(
            f'loss "{loss.name}" has no curvature to build on: it is made of straight lines, or is a loss of your own '
            'that states none. Take another, such as half_squared_error or huber, or solver="lbfgs", which needs the '
            "gradient only."
        )


def _derivatives(loss: Loss | FusedLoss, record: Record, Y: Array) -> tuple[Array, Array]:
    """dC/do and d2C/do2 of each example: with respect to z[L] for a fused loss, otherwise a[L]."""
    Z, A = record.z[-1], record.output
    assert loss.curvature is not None  # refused above
    if isinstance(loss, FusedLoss):
        return loss.delta(Z, A, Y), loss.curvature(Z, A, Y)
    return loss.pullback(A, Y), loss.curvature(A, Y)
