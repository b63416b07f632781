"""What the passes over a whole batch leave: J and its derivatives are sums over blocks of examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array

BLOCK = 2048  # examples whose numbers stay near the processor on their way through the network


@dataclass(frozen=True)
class Passes:
    """One forward and one backward pass over one example, or a block of them."""

    record: Any  # a Record; its z[0] is None, which no one asks for
    gradients: Any  # Gradients, or None without targets


class Batch(NamedTuple):
    """What the passes over all examples leave; z and dC/da of one example come from passes of its own.

    Attributes
    ----------
    a : list of arrays (N, sizes[l])
        The inputs of every layer, a[0] to a[L-1].
    cost, costs, delta, weights, biases
        As in `Gradients`.
    """

    a: list[Any]
    cost: float
    costs: Any
    delta: list[Any]
    weights: list[Any]
    biases: list[Any]


def sum_of_blocks(run: Callable[..., Passes], X: np.ndarray, shares: Array, weight_decay: float) -> Batch:
    """Run the passes over all examples, block by block.

    Parameters
    ----------
    run : callable (slice of the rows, and the options of `backward`) -> Passes
    shares : array (N,)
        Each example's share of J.
    """
    blocks = [slice(start, start + BLOCK) for start in range(0, len(X), BLOCK)]
    if not all(shares[rows].any() for rows in blocks):  # backward refuses examples that all weigh nothing
        blocks = [slice(None)]
    cost, a, costs, delta = 0.0, [], [], []
    weights: list[Any] = []
    biases: list[Any] = []
    for rows in blocks:
        decay = weight_decay if rows is blocks[0] else 0.0  # J holds it once
        part = run(rows, reduction="sum", sample_weight=shares[rows], weight_decay=decay)
        g = part.gradients
        cost += g.cost
        weights = _each_layer(sum, (weights, g.weights) if weights else (g.weights,))
        biases = _each_layer(sum, (biases, g.biases) if biases else (g.biases,))
        a.append(part.record.a[1:-1])
        costs.append(g.costs)
        delta.append(g.delta)
    return Batch(
        [X, *_each_layer(np.concatenate, a)],
        cost,
        np.concatenate(costs),
        _each_layer(np.concatenate, delta),
        weights,
        biases,
    )


def _each_layer(combine: Callable[[Sequence[Any]], Any], blocks: Sequence[Sequence[Any]]) -> list[Any]:
    """Combine what the blocks have of each layer; None where no block has anything."""
    there = [[part for part in parts if part is not None] for parts in zip(*blocks, strict=True)]
    return [combine(parts) if parts else None for parts in there]
