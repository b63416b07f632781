"""Path products: every way from one unit to another, the product of the links along it, and their sum.

Seed 004: "distant gradients = sums of path products". A link from unit j of a layer to unit k of the next is
da[l+1]_k / da[l]_j, an entry of the Jacobian between neighbours; the sum over all paths is the entry of the Jacobian
between the distant layers. There are as many paths as the product of the sizes between, so only the largest are
listed where they are many: found layer by layer, keeping the best of each unit, which is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from chainrule.core.jacobians import layer_jacobians
from chainrule.core.network import Network
from chainrule.core.passes import Record
from chainrule.core.tensors import jacobian_chain
from chainrule.errors import UsageError


class PathProduct(NamedTuple):
    """One path: its units from the start to the end, and the product of its links."""

    units: tuple[int, ...]
    product: float


class Paths(NamedTuple):
    """The paths between two units.

    Attributes
    ----------
    listed : tuple of PathProduct
        The largest by magnitude, first the largest.
    number : int
        How many there are.
    total : float
        The sum over all of them: the entry of the Jacobian.
    """

    listed: tuple[PathProduct, ...]
    number: int
    total: float

    @property
    def rest(self) -> float:
        """The sum of those that are not listed."""
        return self.total - sum(path.product for path in self.listed)


def paths_between(
    network: Network, record: Record, start: tuple[int, int], end: tuple[int, int], *, example: int = 0, most: int = 10
) -> Paths:
    """List the paths from one unit to another for one example.

    Parameters
    ----------
    network : Network
    record : Record
        What `forward` returned for it.
    start, end : (layer, unit)
        Layers 0..L, units counted from 0; the start's layer comes before the end's.
    example : int
        Row of the record.
    most : int
        How many paths to list at most.

    Returns
    -------
    Paths

    Raises
    ------
    UsageError
        If there are no such units, or the end does not come after the start.

    Examples
    --------
    Two paths lead from the input to the output, through either hidden unit (3 = 1 * 1 + 1 * 2):

    >>> import numpy as np
    >>> from chainrule.core.passes import forward
    >>> W = [np.array([[1.0, 2.0]]), np.ones((2, 1))]
    >>> net = Network.dense([1, 2, 1], "identity", bias=False, weights=W)
    >>> found = paths_between(net, forward(net, [[0.5]]), (0, 0), (2, 0))
    >>> found.listed[0], found.number, found.total
    (PathProduct(units=(0, 1, 0), product=2.0), 2, 3.0)
    """
    (l, i), (m, k) = start, end
    sizes = network.sizes
    if not 0 <= l < m <= len(network.layers) or not (0 <= i < sizes[l] and 0 <= k < sizes[m]):
        raise UsageError(
            f"paths lead from a unit to one of a later layer, as from (0, 1) to (2, 0); received {start} and {end} "
            f"for a network of {'-'.join(map(str, sizes))}."
        )
    if not 0 <= example < record.output.shape[0]:
        raise UsageError(f"example must be a row from 0 to {record.output.shape[0] - 1}; received {example}.")
    one = Record(*(tuple(None if M is None else M[example : example + 1] for M in part) for part in record))
    links = [np.asarray(layer_jacobians(network, one, q, q + 1)[0]) for q in range(l, m)]
    total = float(jacobian_chain(network, one, l, m)[0, k, i])
    return Paths(largest_paths(links, i, k, most), prod(sizes[l + 1 : m]), total)


def largest_paths(links: Sequence[np.ndarray], start: int, end: int, most: int) -> tuple[PathProduct, ...]:
    """Return the paths with the largest products, where links[q][k, j] leads from unit j to unit k.

    Of the paths that reach a unit, only the `most` largest can be part of a largest path, so no others are carried on.
    """
    routes: list[tuple[int, ...]] = [(start,)]
    products = np.ones(1)
    for number, J in enumerate(links, start=1):
        at = [route[-1] for route in routes]
        reached: list[tuple[int, ...]] = []
        values: list[np.ndarray] = []
        for k in [end] if number == len(links) else range(J.shape[0]):
            onward = products * J[k, at]
            kept = np.argsort(-np.abs(onward), kind="stable")[:most]
            reached += [(*routes[i], k) for i in kept]
            values.append(onward[kept])
        routes, products = reached, np.concatenate(values)
    return tuple(PathProduct(route, float(product)) for route, product in zip(routes, products, strict=True))
