"""A chain of dense layers and activations, put together operation by operation as another program computes it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.core.catalogue import activation_named
from chainrule.core.network import Layer, Network
from chainrule.errors import UsageError

ALLOWED = "A network here is one chain of dense layers, each followed by one activation or none."


@dataclass(frozen=True, eq=False)
class ForeignLayer:
    """A dense layer as far as it has been read.

    Parameters
    ----------
    weights : array (fan_in, fan_out), float32 or float64
    biases : array (fan_out,) or None
    size : array (fan_out,)
        How large the parts were that biases were summed from: what rounding there is a share of.
    activation : str
        A name of the catalogue.
    trainable, bias_trainable : bool
        Whether training changes them there; None for biases that no parameter is.
    origin : object
        Equal for two layers that share their weights.
    """

    weights: np.ndarray
    biases: np.ndarray | None
    size: np.ndarray
    activation: str
    trainable: bool
    bias_trainable: bool | None
    origin: object


@dataclass(frozen=True, eq=False)
class Chain:
    """What one value of another program's forward pass is, in terms of the inputs.

    Parameters
    ----------
    layers : tuple of ForeignLayer
    scale, shift : array or None
        What has been done to the last activations (or the inputs) and waits for a dense layer: a * scale + shift.
    folded : tuple of (str, int)
        Steps that became part of a layer's weights and biases: their places, and the layer's number.
    """

    layers: tuple[ForeignLayer, ...] = ()
    scale: np.ndarray | None = None
    shift: np.ndarray | None = None
    folded: tuple[tuple[str, int], ...] = ()

    def dense(self, weights: np.ndarray, place: str, *, trainable: bool = True, origin: object = None) -> Chain:
        """Multiply by weights (fan_in, fan_out)."""
        W = _checked(weights, place)
        b, size = None, np.zeros(W.shape[1])
        if self.scale is not None and self.shift is not None:
            scale, shift = (np.broadcast_to(part, W.shape[:1]) for part in (self.scale, self.shift))
            b, size = (shift @ W).astype(W.dtype), np.abs(shift) @ np.abs(W)
            W = (scale[:, None] * W).astype(W.dtype)
        layer = ForeignLayer(W, b, size, "identity", trainable, None, origin)
        return replace(self, layers=(*self.layers, layer), scale=None, shift=None)

    def affine(self, scale: Any, shift: Any, place: str, *, trainable: bool = False) -> Chain:
        """Multiply each feature by a number and add one; `scale` and `shift` have one number, or one a feature."""
        scale, shift = _numbers(scale, place), _numbers(shift, place)
        if (scale == 1).all() and (shift == 0).all():
            return self
        last = self.layers[-1] if self.layers and self.scale is None else None
        if last is not None and last.activation == "identity":
            dtype, width = last.weights.dtype, last.weights.shape[1]
            b = np.broadcast_to(shift + (0 if last.biases is None else last.biases * scale), (width,))
            size = np.broadcast_to(last.size * np.abs(scale) + np.abs(shift), (width,))
            W = (last.weights * scale).astype(dtype)
            changed = replace(last, weights=W, biases=b.astype(dtype), size=size)
            if last.bias_trainable is None and (scale == 1).all():  # the layer's own biases
                changed, folded = replace(changed, bias_trainable=trainable), self.folded
            else:
                folded = (*self.folded, (place, len(self.layers)))
            return replace(self, layers=(*self.layers[:-1], changed), folded=folded)
        if self.scale is not None:
            scale, shift = self.scale * scale, self.shift * scale + shift
        return replace(self, scale=scale, shift=shift, folded=(*self.folded, (place, len(self.layers) + 1)))

    def activated(self, name: str, place: str) -> Chain:
        """Apply an activation of the catalogue."""
        activation_named(name)
        if name == "identity":
            return self
        if not self.layers:
            raise UsageError(f"{place} comes before any dense layer; an activation belongs to a layer. {ALLOWED}")
        last = self.layers[-1]
        if last.activation != "identity" or self.scale is not None:
            before = last.activation if self.scale is None else "a change of scale"
            raise UsageError(f"{place} follows {before}: a layer has one activation here. {ALLOWED}")
        return replace(self, layers=(*self.layers[:-1], replace(last, activation=name)))

    @property
    def sizes(self) -> list[np.ndarray]:
        """`ForeignLayer.size` of each layer."""
        return [layer.size for layer in self.layers]

    def network(self) -> Network:
        """Return the network, or raise UsageError for what is none."""
        if not self.layers:
            raise UsageError(f"there is no dense layer in it. {ALLOWED}")
        if self.scale is not None:
            raise UsageError(
                f"{self.folded[-1][0]} changes the outputs after the activation {self.layers[-1].activation}, and no "
                f"dense layer follows whose weights could take it up. {ALLOWED}"
            )
        return Network(
            tuple(
                Layer(layer.weights, layer.biases, activation_named(layer.activation), layer.trainable)
                for layer in self.layers
            )
        )

    def tell(self, function: str) -> None:
        """Warn of what a person must know about the network beside its outputs."""
        for note in (*self._about_folded(), *self._about_parameters()):
            warnings.warn(f"{function}: {note}.", stacklevel=3)

    def _about_folded(self) -> Iterator[str]:
        for number in sorted({number for _, number in self.folded}):
            places = [place for place, layer in self.folded if layer == number]
            yield (
                f"{_listed(places)} became part of the weights and biases of layer {number}, and derivatives are with "
                "respect to those"
            )

    def _about_parameters(self) -> Iterator[str]:
        origins = [layer.origin for layer in self.layers]
        shared = [n for n, origin in enumerate(origins, start=1) if origin is not None and origins.count(origin) > 1]
        if shared:
            yield f"layers {_listed(shared)} share weights there; here each has a copy, which training changes alone"
        for number, layer in enumerate(self.layers, start=1):
            if layer.bias_trainable not in (None, layer.trainable):
                frozen, other = ("biases", "weights") if layer.trainable else ("weights", "biases")
                yield (
                    f"the {frozen} of layer {number} are frozen there and its {other} are not; a layer is frozen as a "
                    f"whole here, and this one is {'not' if layer.trainable else 'frozen'}"
                )


def _checked(weights: np.ndarray, place: str) -> np.ndarray:
    W = np.asarray(weights)
    if W.dtype not in (np.float32, np.float64):
        raise UsageError(f"{place} has weights of type {W.dtype}; float32 and float64 are taken.")
    if W.ndim != 2 or 0 in W.shape:
        raise UsageError(f"{place} has weights of shape {W.shape}: a layer needs at least one input and one unit.")
    if not np.isfinite(W).all():
        raise UsageError(f"{place} has weights that are not finite: its training diverged. Train it anew.")
    return np.array(W, order="C")  # a copy: the network does not change with the object that it was read from


def _numbers(values: Any, place: str) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise UsageError(f"{place} computes with numbers of type {array.dtype}; real numbers are taken.")
    array = np.array(array, np.float64)
    if not np.isfinite(array).all():
        raise UsageError(f"{place} computes with numbers that are not finite.")
    return array if array.ndim == 0 else array.reshape(-1)


def _listed(numbers: Sequence[object]) -> str:
    *before, last = map(str, numbers)
    return f"{', '.join(before)} and {last}" if before else last
