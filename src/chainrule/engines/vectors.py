"""Parameters as one long vector of float64, for solvers that see a network as a point in a space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.network import Network
from chainrule.engines.work import Work


def as_vector(arrays: Sequence[Array]) -> np.ndarray:
    """Return the entries of all arrays one after the other, each in C order, in float64.

    >>> as_vector([np.array([[1.0, 2.0]]), np.array([3.0])])
    array([1., 2., 3.])
    """
    return np.concatenate([np.asarray(array, dtype=np.float64).ravel() for array in arrays])


def at_vector(network: Network, w: np.ndarray) -> Network:
    """Return the network with the trainable parameters that `w` holds, rounded to the network's own dtype."""
    wanted = network.trainable_parameters
    parts = np.split(w, np.cumsum([parameter.size for parameter in wanted])[:-1])
    return network.with_parameters(
        [
            like.__array_namespace__().asarray(part.reshape(like.shape).astype(str(like.dtype).rpartition(".")[2]))
            for part, like in zip(parts, wanted, strict=True)
        ],
        trainable_only=True,
    )


def in_float64(network: Network) -> Network:
    """Return the network with the same numbers as NumPy arrays of float64: exact, since no dtype here has more bits."""
    return network.with_parameters([np.asarray(parameter, dtype=np.float64) for parameter in network.parameters])


def decayed_entries(network: Network) -> np.ndarray:
    """Return 1 for each trainable parameter that weight decay acts on and 0 for the others, the biases.

    >>> decayed_entries(Network.dense([2, 1], "identity", seed=0))
    array([1., 1., 0.])
    """
    ones = network.with_parameters([np.ones(parameter.shape) for parameter in network.parameters])
    return as_vector(
        [
            layer.decayed if parameter is layer.weights else np.zeros(parameter.shape)
            for layer in ones.layers
            if layer.trainable
            for parameter in layer.parameters
        ]
    )


def examples_in_float64(work: Work) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return X, Y and the examples' weights in float64."""
    s = work.sample_weight
    X, Y = np.asarray(work.X, dtype=np.float64), np.asarray(work.Y, dtype=np.float64)
    return X, Y, None if s is None else np.asarray(s, dtype=np.float64)
