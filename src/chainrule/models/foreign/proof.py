"""The proof of an import: the network and the object that it was read from give the same outputs, or it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.core.network import Network
from chainrule.errors import UsageError
from chainrule.models.foreign.rounding import derivatives, expected

_ROWS = 16  # for each scale
_SURELY = 30  # times the typical rounding error: no rounding reaches that far
_BATCHES = (1, 2, 7)

Evaluate = Callable[[np.ndarray], np.ndarray]
Differentiate = Callable[[np.ndarray, np.ndarray], "np.ndarray | None"]


def prove(
    network: Network,
    evaluate: Evaluate,
    what: str,
    *,
    sizes: Sequence[np.ndarray] | None = None,
    precision: str | None = None,
    differentiate: Differentiate | None = None,
) -> None:
    """Raise UsageError unless both give the same outputs, and the same derivatives where those can be asked for.

    Parameters
    ----------
    network : Network
    evaluate : callable (X) -> outputs
        Rows (N, inputs) of the network's dtype to outputs (N, n), or (N,) for one output.
    what : str
        How the object that it was read from is called in messages.
    sizes : list of arrays, optional
        For each layer how large the parts of its biases were (see `expected`); the biases where left out.
    precision : "float32" or "float64", optional
        What the other program computes in; the dtype of the weights where left out.
    differentiate : callable (X, R) -> dC/dX or None, optional
        The derivative of C = sum of R * outputs; None where there is none.
    """
    X = rows(network)
    if sizes is None:
        sizes = [np.zeros(layer.fan_out) if layer.biases is None else np.abs(layer.biases) for layer in network.layers]
    wanted, error, largest, sharp = expected(network, X, sizes, precision or str(X.dtype))
    within = largest < 1e-3 * float(np.finfo(X.dtype).max)  # beyond that the other program may have overflowed
    allowed = np.where(within[:, None], _SURELY * error, np.inf)
    telling = allowed.max(axis=1) <= 0.05 * np.maximum(np.abs(wanted).max(axis=1), 0.01)
    if telling.sum() < _ROWS:
        raise UsageError(
            f"{what} computes with numbers so large that rounding hides its outputs: they cannot be compared with "
            "those of the network that was read. Use float64, or smaller weights."
        )
    _compare(evaluate(X), wanted, allowed, f"{what}, for {len(X)} rows at once")
    for size in _BATCHES:
        some = np.flatnonzero(telling)[-size:]
        _compare(evaluate(X[some]), wanted[some], allowed[some], f"{what}, for {size} row{'s' * (size > 1)} at once")
    if differentiate is not None and sharp.any():
        _compare_derivatives(network, X[sharp], differentiate, what)


def rows(network: Network) -> np.ndarray:
    """Return rows of several scales, in the dtype of the weights: small, usual and large, of either sign, and zero.

    >>> rows(Network.dense([3, 1], seed=0)).shape
    (113, 3)
    """
    W = np.asarray(network.layers[0].weights)
    random = np.random.default_rng(0)
    usual = float(np.median(np.sqrt((W.astype(np.float64) ** 2).sum(axis=0)))) or 1.0
    scales = (0.03 / usual, 1 / usual, 30 / usual, 1.0, 1000.0)
    blocks = [scale * random.normal(size=(_ROWS, W.shape[0])) for scale in scales]
    signs = [sign * np.abs(random.normal(size=(_ROWS, W.shape[0]))) for sign in (1, -1)]
    X = np.vstack([np.zeros((1, W.shape[0])), *blocks, *signs])
    clipped: np.ndarray = np.clip(X, -1e30, 1e30).astype(np.result_type(*network.parameters))
    return clipped


def _compare(received: np.ndarray, wanted: np.ndarray, allowed: np.ndarray, what: str) -> None:
    received = np.asarray(received)
    if received.size == wanted.size and (received.shape == wanted.shape[:1] or len(wanted) == 1):
        received = received.reshape(wanted.shape)  # one output without its axis, or one row without the axis of rows
    if received.shape != wanted.shape:
        raise UsageError(f"{what}, returns shape {received.shape}; {wanted.shape} is that of a network's outputs.")
    with np.errstate(all="ignore"):
        off = np.abs(received - wanted)
        wrong = ~(off <= allowed) & ~np.isinf(allowed)
    if wrong.any():
        far = float(np.max(off[wrong]))
        raise UsageError(
            f"{what}, gives other outputs than the network that was read from it (up to {far:.3g} apart): it computes "
            "something that cannot be followed, such as a choice by values or by the number of rows or random numbers, "
            "or computes in less than the precision of its weights."
        )


def _compare_derivatives(network: Network, X: np.ndarray, differentiate: Differentiate, what: str) -> None:
    R = np.random.default_rng(1).normal(size=(len(X), network.sizes[-1]))
    received = differentiate(X, R)
    if received is None:
        return
    wanted, most = derivatives(network, X, R)
    if not (np.abs(received - wanted) <= 1e-3 * most[:, None] + 1e-30).all():  # below that, squares underflow
        raise UsageError(
            f"{what} gives the same outputs as the network that was read from it, but other derivatives: it stops or "
            "replaces them on the way back (detach, no_grad, a backward of its own), and an explanation would differ."
        )
