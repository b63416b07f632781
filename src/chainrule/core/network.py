"""A network: layers of weights, biases and activations, frozen.

Layers are counted as in the documents: layer 0 is the input, layers 1..L compute. `weights[l]` leads into layer l.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.catalogue import Activation, activation_named
from chainrule.core.initial_weights import initial_weights
from chainrule.core.layers import Layer, bias_kind, check_layer, zeros_beside
from chainrule.core.weight_layouts import layout_named, read_biases, read_weights
from chainrule.errors import UsageError

__all__ = ["Layer", "Network", "checked_sizes"]


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A feed-forward network: frozen, so a trained network is a new one.

    Parameters
    ----------
    layers : tuple of Layer
        Layers 1..L, each fitting the one before.

    Examples
    --------
    >>> net = Network.dense([2, 3, 1], activation="logistic", seed=0)
    >>> net.sizes, net.n_parameters
    ((2, 3, 1), 13)
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise UsageError("a network needs at least one layer; received none.")
        for number, layer in enumerate(self.layers, start=1):
            check_layer(number, layer, self.layers[number - 2].fan_out if number > 1 else None)

    def __repr__(self) -> str:
        names = ", ".join(layer.activation.name for layer in self.layers)
        return f"<Network {'-'.join(map(str, self.sizes))}: {names}; {self.n_parameters} weights and biases>"

    @staticmethod
    def dense(
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "logistic",
        *,
        output_activation: str | Activation | None = None,
        bias: bool | str | None = None,
        weights: Sequence[Array] | None = None,
        biases: Sequence[Array] | None = None,
        notation: Any = "chainrule",
        trainable: Sequence[bool] | None = None,
        init: str = "auto",
        seed: int | np.random.Generator | None = None,
        dtype: str = "float64",
    ) -> Network:
        """Build a network of dense layers.

        Parameters
        ----------
        sizes : sequence of int
            Units per layer, from the inputs to the outputs, such as [2, 3, 1].
        activation : name, Activation, or one for each of the L layers
        output_activation : name or Activation, optional
            For the last layer; by default that of the others.
        bias : True, False or "x0", optional
            "x0" keeps each layer's bias as row 0 of its weights, on a constant input of 1. By default as the notation
            has it: "x0" where it writes biases as w_0, else True.
        weights : sequence of L arrays, optional
            `weights[l - 1]` has shape (sizes[l - 1], sizes[l]), one row more with bias="x0"; turned where the notation
            writes weights to-from.
        biases : sequence of L arrays, optional
            Vectors, or the columns or rows that the notation has. Zeros where only `weights` is given.
        notation : name or Notation
            The course in whose way `weights` and `biases` are written: a square matrix fits either way round. The
            network keeps them as (from, to).
        trainable : sequence of L bool, optional
        init : str
            See `initial_weights`; used where `weights` is not given.
        seed : int or numpy.random.Generator, optional
        dtype : "float64" or "float32"
            Of weights drawn here; weights passed in keep theirs.

        Raises
        ------
        UsageError
            If sizes, names or shapes do not fit.

        Examples
        --------
        >>> import numpy as np
        >>> net = Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
        >>> net.weights[2].shape
        (3, 1)
        """
        sizes = checked_sizes(sizes)
        L = len(sizes) - 1
        names = _one_each("activation", activation, L)
        if output_activation is not None:
            names[-1] = output_activation
        activations = [activation_named(name) for name in names]
        flags = _one_each("trainable", True if trainable is None else trainable, L)
        layout = layout_named(notation)
        kind = bias_kind(bias, layout)
        if biases is not None and kind is not True:
            how = f"bias={kind!r}" if bias is not None else "this notation has them among the weights, as w_0"
            raise UsageError(f"biases were given, but {how}; leave one of them out.")
        if weights is None and biases is not None:
            raise UsageError("biases were given without weights; give both or neither.")
        _check_dtype(dtype)
        x0 = kind == "x0"
        fans = list(pairwise(sizes))
        if weights is None:
            generator = np.random.default_rng(seed)
            drawn = [
                initial_weights(init, fan_in, fan_out, generator, chosen.name)
                for (fan_in, fan_out), chosen in zip(fans, activations, strict=True)
            ]
            matrices = [(np.vstack([b[None, :], W]) if x0 else W).astype(dtype) for W, b in drawn]
            vectors = [b.astype(dtype) if kind is True else None for _, b in drawn]
        else:
            matrices = [
                read_weights(W, layout, l, *fan, x0=x0)
                for l, (W, fan) in enumerate(zip(_exactly("weights", weights, L), fans, strict=True), start=1)
            ]
            if biases is not None:
                given = enumerate(_exactly("biases", biases, L), start=1)
                vectors = [read_biases(b, layout, l, sizes[l]) for l, b in given]
            else:
                vectors = [zeros_beside(W) if kind is True else None for W in matrices]
        return Network(
            tuple(
                Layer(W, b, chosen, bool(flag), x0)
                for W, b, chosen, flag in zip(matrices, vectors, activations, flags, strict=True)
            )
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units per layer, the inputs first."""
        return (self.layers[0].fan_in, *(layer.fan_out for layer in self.layers))

    @property
    def weights(self) -> tuple[Array | None, ...]:
        """`weights[l]` leads into layer l; `weights[0]` is None."""
        return (None, *(layer.weights for layer in self.layers))

    @property
    def biases(self) -> tuple[Array | None, ...]:
        """`biases[l]` of layer l, None where it has none."""
        return (None, *(layer.biases for layer in self.layers))

    @property
    def parameters(self) -> list[Array]:
        """All weights and biases, layer by layer."""
        return [parameter for layer in self.layers for parameter in layer.parameters]

    @property
    def trainable_parameters(self) -> list[Array]:
        """The weights and biases that training changes, layer by layer."""
        return [parameter for layer in self.layers if layer.trainable for parameter in layer.parameters]

    @property
    def n_parameters(self) -> int:
        """How many numbers the network holds."""
        return sum(int(parameter.size) for parameter in self.parameters)

    def with_parameters(self, parameters: Iterable[Array], *, trainable_only: bool = False) -> Network:
        """Return the network with other numbers, in the order of `parameters` or `trainable_parameters`."""
        given = list(parameters)
        wanted = len(self.trainable_parameters if trainable_only else self.parameters)
        if len(given) != wanted:
            raise UsageError(
                f"the network takes {wanted} arrays, its weights and biases in turn; received {len(given)}."
            )
        supply = iter(given)
        return Network(tuple(_refilled(layer, supply, trainable_only) for layer in self.layers))

    def astype(self, dtype: str) -> Network:
        """Return the network with weights of another dtype, "float32" or "float64"."""
        parameters = [p.__array_namespace__().astype(p, _dtype_of(p, dtype)) for p in self.parameters]
        return self.with_parameters(parameters)


def _dtype_of(array: Array, dtype: str) -> Any:
    _check_dtype(dtype)
    return getattr(array.__array_namespace__(), dtype)


def _check_dtype(dtype: str) -> None:
    if dtype not in ("float32", "float64"):
        raise UsageError(f'dtype must be "float32" or "float64"; received {dtype!r}.')


def _refilled(layer: Layer, supply: Iterator[Array], trainable_only: bool) -> Layer:
    if trainable_only and not layer.trainable:
        return layer
    W = next(supply)
    return replace(layer, weights=W, biases=None if layer.biases is None else next(supply))


def checked_sizes(sizes: Sequence[Any]) -> tuple[int, ...]:
    """Return the units per layer, the inputs first, or raise UsageError for what is none."""
    try:
        checked = tuple(int(n.__index__()) for n in sizes)
    except (AttributeError, TypeError):
        raise UsageError(f"sizes must be whole numbers, such as [2, 3, 1]; received {sizes!r}.") from None
    if len(checked) < 2 or min(checked) < 1:
        raise UsageError(
            f"sizes must name the inputs and at least one layer, each at least 1, as in [2, 3, 1]; received {sizes!r}."
        )
    return checked


def _one_each(name: str, value: Any, L: int) -> list[Any]:
    """Spread one value over the layers, or take one for each."""
    if isinstance(value, (str, Activation, bool)):
        return [value] * L
    return list(_exactly(name, value, L))


def _exactly(name: str, values: Sequence[Any], L: int) -> Sequence[Any]:
    if not hasattr(values, "__len__"):
        raise UsageError(f"{name} must be given for each of the {L} layers, in a list; received {values!r}.")
    if len(values) != L:
        raise UsageError(f"{name} must be given for each of the {L} layers; received {len(values)}.")
    return values
