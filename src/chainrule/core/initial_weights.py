"""Initial weights: the seeds' uniform ranges, and the variances that keep deep networks alive."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.catalogue import head_and_numbers
from chainrule.errors import UsageError, unknown_name

INITS = ("auto", "uniform", "glorot", "glorot_normal", "he", "he_uniform", "lecun", "zeros")

LARGEST = 1e6  # no network can start from larger weights

# Which variance suits which activation; everything else is near-linear around 0 and takes Glorot's.
_AUTO = {
    "relu": "he",
    "leaky_relu": "he",
    "elu": "he",
    "gelu": "he",
    "silu": "he",
    "softplus": "he",
    "selu": "lecun",
}


def initial_weights(
    init: str, fan_in: int, fan_out: int, generator: np.random.Generator, activation: str = "identity"
) -> tuple[Any, Any]:
    """Draw the weights and biases of one layer.

    Parameters
    ----------
    init : str
        `uniform(low, high)` or `uniform(r)` for [-r, r]: weights and biases alike (seed 004 takes [-1, 1] for
        XOR and advises [-0.1, 0.1]). `glorot`, `glorot_normal` (Glorot and Bengio 2010, variance 2 / (in + out)),
        `he`, `he_uniform` (He et al. 2015, variance 2 / in), `lecun` (LeCun et al. 1998, variance 1 / in),
        `zeros`; these start the biases at 0. `auto` takes he, lecun or glorot by the layer's activation.
    fan_in, fan_out : int
        Units of the layer before, and of this layer.
    generator : numpy.random.Generator
        Where the numbers come from.
    activation : str
        The layer's activation, for `auto`.

    Returns
    -------
    (W, b) : float64 arrays of shapes (fan_in, fan_out) and (fan_out,)

    Raises
    ------
    UsageError
        If the name is unknown or its numbers make no range.

    Examples
    --------
    >>> W, b = initial_weights("uniform(-1,1)", 2, 3, np.random.default_rng(0))
    >>> W.shape, b.shape, bool((abs(W) <= 1).all())
    ((2, 3), (3,), True)
    """
    head, numbers = head_and_numbers("init", init)
    if head == "auto":
        head = _AUTO.get(activation.partition("(")[0], "glorot")
    shape = (fan_in, fan_out)
    if head == "uniform":
        low, high = _range(init, numbers)
        return generator.uniform(low, high, shape), generator.uniform(low, high, fan_out)
    if numbers:
        raise UsageError(f'init "{init}": only uniform takes numbers, as in uniform(-0.1,0.1).')
    zeros = np.zeros(fan_out)
    if head == "zeros":
        return np.zeros(shape), zeros
    if head in ("glorot", "he_uniform"):
        bound = math.sqrt(6 / (fan_in + fan_out) if head == "glorot" else 6 / fan_in)
        return generator.uniform(-bound, bound, shape), zeros
    variances = {"glorot_normal": 2 / (fan_in + fan_out), "he": 2 / fan_in, "lecun": 1 / fan_in}
    if head not in variances:
        raise unknown_name("init", head, INITS)
    return math.sqrt(variances[head]) * generator.standard_normal(shape), zeros


def _range(init: str, numbers: tuple[float, ...]) -> tuple[float, float]:
    if not numbers:
        numbers = (-0.1, 0.1)
    if len(numbers) == 1:
        numbers = (-numbers[0], numbers[0])
    if len(numbers) != 2 or not -LARGEST <= numbers[0] < numbers[1] <= LARGEST:
        raise UsageError(f'init "{init}" needs a low and a higher bound within {LARGEST:g}, as in uniform(-0.1,0.1).')
    return numbers[0], numbers[1]
