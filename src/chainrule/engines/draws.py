"""What is random in an epoch, drawn in one fixed order, so that every engine can draw the same bits.

At the start of an epoch its order, where examples are shuffled; then, batch after batch, the masks of the hidden
layers 1, 2, ..., L-1 that have dropout.
"""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.network import Network
from chainrule.engines.work import Work


def draw_order(work: Work, generator: np.random.Generator) -> np.ndarray | None:
    """Return the order of an epoch's examples, int array (N,), or None to take them as they lie.

    Nothing is drawn where the order cannot matter: without `shuffle`, and in training by batch.
    """
    if work.shuffle and work.batch_size < work.n_examples:
        return generator.permutation(work.n_examples)
    return None


def draw_masks(work: Work, network: Network, B: int, generator: np.random.Generator) -> list[Array | None] | None:
    """Return for each hidden layer the mask of a batch of B examples, as `forward` takes them; None without dropout.

    Each unit of each example is kept with probability 1 - p and then counts 1 / (1 - p) times, so that the sums that
    it enters keep their expected value and nothing needs scaling afterwards ("inverted" dropout).

    Returns
    -------
    list of arrays (B, sizes[l]) or None, or None
        Of 0 and 1 / (1 - p), in the network's dtype and array library; None for a layer with p = 0.

    Notes
    -----
    The stream is the same for every dtype: a layer takes B * sizes[l] float32 numbers U from [0, 1), row by row, and
    keeps the units with U >= p, p rounded to float32. Srivastava et al. 2014, section 4.

    Examples
    --------
    >>> from chainrule.core.catalogue import loss_named
    >>> from chainrule.core.update_rules import gradient_descent
    >>> X, Y = np.zeros((4, 2)), np.zeros((4, 1))
    >>> work = Work(X, Y, None, loss_named("half_squared_error"), gradient_descent(), 2, dropout=(0.5,))
    >>> draw_masks(work, Network.dense([2, 5, 1]), 2, np.random.default_rng(1))
    [array([[0., 2., 2., 2., 0.],
           [0., 2., 2., 0., 0.]])]
    """
    if not any(work.dropout):
        return None
    masks: list[Array | None] = []
    for layer, p in zip(network.layers, work.dropout, strict=False):  # the output layer has no p
        if p == 0:
            masks.append(None)
            continue
        U = generator.random((B, layer.fan_out), dtype=np.float32)
        mask = np.where(U >= np.float32(p), 1 / (1 - p), 0.0)
        W = layer.weights
        masks.append(W.__array_namespace__().asarray(mask.astype(str(W.dtype).rpartition(".")[2])))
    return masks
