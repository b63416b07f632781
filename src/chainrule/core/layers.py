"""One layer: weights, biases and an activation, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_float_array
from chainrule.core.catalogue import Activation, activation_named
from chainrule.core.equations import with_x0
from chainrule.core.weight_layouts import WeightLayout, layout_named, read_biases, read_weights
from chainrule.errors import UsageError


@dataclass(frozen=True, eq=False)
class Layer:
    """A dense layer, z_k = sum_i a_i w_ik + b_k followed by its activation.

    Parameters
    ----------
    weights : array (fan_in, fan_out), or (1 + fan_in, fan_out) with `x0`
        `weights[i, k]` is on the connection from unit i to unit k.
    biases : array (fan_out,) or None
        None for a layer without biases.
    activation : Activation
    trainable : bool
        False freezes the layer: its gradient is computed, its weights stay.
    x0 : bool
        True takes the bias as row 0 of the weights, on a constant input x0 = 1 (seed 001).
    """

    weights: Array
    biases: Array | None
    activation: Activation
    trainable: bool = True
    x0: bool = False

    @staticmethod
    def dense(
        weights: Array,
        biases: Array | None = None,
        activation: str | Activation = "logistic",
        *,
        notation: Any = "chainrule",
        bias: bool | str | None = None,
        trainable: bool = True,
    ) -> Layer:
        """Make a layer of weights and biases as a course writes them; the options are those of `Network.dense`.

        Raises
        ------
        UsageError
            If the shapes do not fit each other, or biases are given beside those among the weights.

        Examples
        --------
        >>> layer = Layer.dense([[1, 2], [3, 4], [5, 6]], [0, 0, 1], "tanh", notation="columns")
        >>> layer.fan_in, layer.fan_out
        (2, 3)
        """
        layout = layout_named(notation)
        W = as_float_array(weights)
        if W.ndim != 2:
            raise UsageError(f"weights must be a matrix; received shape {tuple(W.shape)}.")
        rows, columns = W.shape if layout.from_to else W.shape[::-1]
        kind = bias_kind(bias, layout)
        x0 = kind == "x0"
        if biases is not None and kind is not True:
            raise UsageError(f"biases were given beside bias={kind!r}; leave one of them out.")
        W = read_weights(W, layout, 1, rows - x0, columns, x0=x0)
        b = zeros_beside(W) if kind is True else None
        b = b if biases is None else read_biases(biases, layout, 1, columns)
        return Layer(W, b, activation_named(activation), trainable, x0)

    @property
    def fan_in(self) -> int:
        """Units of the layer before."""
        return int(self.weights.shape[0]) - self.x0

    @property
    def fan_out(self) -> int:
        """Units of this layer."""
        return int(self.weights.shape[1])

    @property
    def parameters(self) -> list[Array]:
        """The weights, then the biases where there are any."""
        return [self.weights] if self.biases is None else [self.weights, self.biases]

    @property
    def decayed(self) -> Array:
        """The weights that weight decay acts on: not the biases, so not row 0 of an `x0` layer."""
        if not self.x0:
            return self.weights
        xp = self.weights.__array_namespace__()
        return xp.concat([xp.zeros_like(self.weights[:1, :]), self.weights[1:, :]], axis=0)

    def inputs(self, A: Array) -> Array:
        """Return the matrix that the weights multiply: A, with the constant x0 before it where there is one."""
        return with_x0(A) if self.x0 else A


def check_layer(number: int, layer: Layer, before: int | None) -> None:
    """Raise UsageError unless a layer's parts fit each other and the number of units before it."""
    W, b = layer.weights, layer.biases
    if W.ndim != 2 or layer.fan_in < 1 or layer.fan_out < 1:
        raise UsageError(f"layer {number}: weights must have shape (units before, units); received {tuple(W.shape)}.")
    if before is not None and layer.fan_in != before:
        raise UsageError(
            f"layer {number}: its weights expect {layer.fan_in} units before it, layer {number - 1} has {before}."
        )
    if b is not None and tuple(b.shape) != (layer.fan_out,):
        raise UsageError(
            f"layer {number}: biases must have shape ({layer.fan_out},), one a unit; received {tuple(b.shape)}."
        )
    if b is not None and layer.x0:
        raise UsageError(f"layer {number} has both a bias vector and a bias row (x0); keep one of them.")


def bias_kind(bias: bool | str | None, layout: WeightLayout) -> bool | str:
    """Return True, False or "x0", as asked for or as a notation has it."""
    if bias is None:
        return "x0" if layout.bias == "w0" else True
    if not isinstance(bias, (bool, np.bool)) and bias != "x0":
        raise UsageError(f'bias must be True, False or "x0"; received {bias!r}.')
    return bias if isinstance(bias, str) else bool(bias)


def zeros_beside(W: Array) -> Array:
    """Return biases of 0 for a layer with these weights."""
    xp = W.__array_namespace__()
    return xp.zeros(W.shape[1:], dtype=W.dtype)
