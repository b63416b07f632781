"""Where the value of every named quantity stands: in what `forward`, `backward` and the Jacobians computed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_float_array, check_matrix
from chainrule.core.catalogue import FusedLoss, Loss, activation_named
from chainrule.core.jacobians import UnitDerivatives, through_activation, unit_derivatives
from chainrule.core.layers import Layer
from chainrule.core.network import Network
from chainrule.core.passes import Record, backward, example_shares, forward
from chainrule.core.tensors import activation_jacobian, mixes_units
from chainrule.errors import UsageError
from chainrule.explaining.batches import Batch, Passes, sum_of_blocks
from chainrule.explaining.quantities import Derivative, Quantity


class NoSuchExample(UsageError):
    """There are fewer examples, `n_examples`, than the row that was asked for."""

    n_examples = 0


def beyond_floats() -> np.errstate:
    """Compute without warnings: where numbers become infinite is what a person may want to see."""
    return np.errstate(all="ignore")


@dataclass(frozen=True, eq=False)
class Values:
    """The numbers of a network at some examples.

    Attributes
    ----------
    network : Network
        In float64.
    X, Y : float64 arrays (N, inputs) and (N, outputs); Y may be None
    loss : Loss or FusedLoss
    reduction, weight_decay, sample_weight
        As in `backward`.
    example : int
        The row that quantities without an example of their own belong to.
    masks : list of arrays (N, sizes[l]) or None, or None
        What dropout left of the hidden layers, as `forward` takes it.
    """

    network: Network
    X: np.ndarray
    Y: np.ndarray | None
    loss: Loss | FusedLoss
    reduction: str
    weight_decay: float
    sample_weight: np.ndarray | None
    example: int
    masks: list[Any] | None = None
    _rows: dict[int, Passes] = field(default_factory=dict, repr=False)
    _units: dict[tuple[int, str, int, int], UnitDerivatives] = field(default_factory=dict, repr=False)

    def passes(self, n: int | None = None) -> Passes:
        """Return the passes over one example alone; those of a large batch need not run for it."""
        n = self.example if n is None else n
        if n not in self._rows:
            self._rows[n] = self._run(slice(n, n + 1))
        return self._rows[n]

    @cached_property
    def batch(self) -> Batch:
        """The passes over all examples.

        Raises
        ------
        UsageError
            If there are no targets.
        """
        self._need_targets()
        return sum_of_blocks(self._run, self.X, self.shares, self.weight_decay)

    def _run(self, rows: slice, **options: Any) -> Passes:
        with beyond_floats():
            masks = self.masks and [None if mask is None else mask[rows] for mask in self.masks]
            record = forward(self.network, self.X[rows], masks)
            if self.Y is None:
                return Passes(record, None)
            return Passes(record, backward(self.network, record, self.Y[rows], self.loss, **options))

    @cached_property
    def shares(self) -> Array:
        """Each example's share r of J, shape (N,)."""
        return example_shares(np.zeros(len(self.X)), self.reduction, self.sample_weight)

    def gradients(self, n: int | None = None) -> Any:
        """The derivatives of one example's cost."""
        found = self.passes(n).gradients
        if found is None:
            raise UsageError(
                "there are no targets here, so no cost and no derivatives of it. Give Y, or a target column."
            )
        return found

    def _need_targets(self) -> None:
        if self.Y is None:
            self.gradients(0)

    @property
    def L(self) -> int:
        """The number of the last layer."""
        return len(self.network.layers)

    @property
    def fused(self) -> bool:
        """Whether the loss goes from z[L] to C in one step."""
        return isinstance(self.loss, FusedLoss)

    def layer(self, l: int) -> Layer:
        """Layer number l."""
        return self.network.layers[l - 1]

    def weights(self, l: int) -> Array:
        """W[l] without a row for x0."""
        layer = self.layer(l)
        return np.asarray(layer.weights[int(layer.x0) :])

    def biases(self, l: int) -> Array | None:
        """b[l], also where it is the row of x0."""
        layer = self.layer(l)
        return np.asarray(layer.weights[0]) if layer.x0 else layer.biases

    def mixes(self, l: int) -> bool:
        """Whether the activations of a layer depend on each other's pre-activations, as those of a softmax do."""
        return mixes_units(self.network, self.passes().record, l)

    def masked(self, l: int) -> bool:
        """Whether dropout acts on a layer."""
        return self.masks is not None and 0 < l < self.L and self.masks[l - 1] is not None

    def array(self, q: Quantity | Derivative) -> Array:
        """Return all numbers of a kind in a layer, of the example it belongs to.

        Raises
        ------
        UsageError
            If the quantity is not there: targets, a bias, or dC/da at the outputs of a fused loss.
        """
        if isinstance(q, Derivative):
            return self._derivatives(q.top, q.bottom)
        l, n = q.layer, q.example
        n = n if isinstance(n, int) else None
        record = self.passes(n).record
        if q.kind == "y":
            self._need_targets()
            assert self.Y is not None
            return self.Y[self.example if n is None else n]
        if q.kind == "C":
            return np.asarray(self.gradients(n).costs[0])
        if q.kind == "J":
            return np.asarray(self.batch.cost)
        if q.kind == "share":
            return np.asarray(self.shares[self.example if n is None else n])
        assert isinstance(l, int)
        match q.kind:
            case "W":
                return self.weights(l)
            case "b":
                found = self.biases(l)
                if found is None:
                    raise UsageError(f"layer {l} has no biases.")
                return found
            case "a":
                return record.a[l][0]
            case "z":
                return record.z[l][0]
            case "mask":
                return record.masks[l][0]
            case "slope":
                return self._slopes(record, l)[0]
            case "delta":
                return self.gradients(n).delta[l][0]
            case "beta":
                return -self._by_activations(l, n)
        raise UsageError(f'"{q.kind}" has no value here.')

    @cached_property
    def _all(self) -> Passes:
        return self._run(slice(None))

    def of_all(self, q: Quantity | Derivative) -> Array:
        """Return a whole layer's numbers for all examples, (N, units); as `array` for what is not there."""
        one = np.asarray(self.array(q))  # refuses what is not there
        kind, l = (f"dC/d{q.bottom.kind}", q.bottom.layer) if isinstance(q, Derivative) else (q.kind, q.layer)
        if len(self.X) == 1:
            return one[None, :]
        if kind == "y":
            assert self.Y is not None
            return self.Y
        record, gradients = self._all.record, self._all.gradients
        match kind:
            case "a":
                return record.a[l]
            case "z":
                return record.z[l]
            case "delta":
                return gradients.delta[l]
            case "slope":
                return self._slopes(record, l)
        sign = -1.0 if kind == "beta" else 1.0
        return sign * gradients.activations[l]

    def _slopes(self, record: Record, l: int) -> Array:
        """f'(z), (N, units): what a unit's own pre-activation does to it."""
        if self.mixes(l):
            return np.diagonal(activation_jacobian(self.network, record, l), axis1=1, axis2=2)
        ones = np.ones_like(record.a[l])[:, None, :]  # all slopes in one pullback
        return through_activation(self.network, record, l, ones)[:, 0]

    def _by_activations(self, l: int, n: int | None) -> Array:
        found = self.gradients(n).activations[l]
        if found is None:
            unfused = {"softmax": "categorical_cross_entropy", "logistic": "binary_cross_entropy"}
            other = unfused.get(self.layer(l).activation.name, "a loss of the outputs")
            raise UsageError(
                f'"{self.loss.name}" goes from z to C in one step, so dC/da of the outputs is never computed. Ask for '
                f'delta of that layer, or explain with loss="{other}".'
            )
        return found[0]

    def _derivatives(self, top: Quantity, bottom: Quantity) -> Array:
        """The derivatives of one number with respect to all of a layer's a, z, W or b."""
        l = bottom.layer
        assert isinstance(l, int)
        n = top.example if isinstance(top.example, int) else None
        if top.kind == "J":
            grads = self.batch
            x0 = self.layer(l).x0
            if bottom.kind == "W":
                return grads.weights[l][int(x0) :]
            found = grads.weights[l][0] if x0 else grads.biases[l]
            if found is None:
                raise UsageError(f"layer {l} has no biases.")
            return found
        if bottom.kind in ("W", "b"):
            error = self._derivatives(top, Quantity("z", l))
            if bottom.kind == "b":
                self.array(bottom)  # a bias that is not there has no derivative
                return error
            return np.outer(self.passes(n).record.a[l - 1][0], error)
        if top.kind == "C":
            return self.gradients(n).delta[l][0] if bottom.kind == "z" else self._by_activations(l, n)
        near = self._near(top, bottom, n)
        if near is not None:
            return near
        back: Any = self.unit(top, n)
        return (back.delta if bottom.kind == "z" else back.activations)[l][0]

    def _near(self, top: Quantity, bottom: Quantity, n: int | None) -> Array | None:
        """Derivatives of a unit within its layer or by the layer before, which need no way back; None for others."""
        m, k = top.layer, top.units[0]
        if top.kind == "z" and bottom.kind == "a" and bottom.layer == m - 1:
            return self.weights(m)[:, k]
        if bottom.kind == "z" and bottom.layer == m and (top.kind == "z" or not self.mixes(m)):
            alone = np.zeros(self.network.sizes[m])
            alone[k] = 1.0 if top.kind == "z" else self.array(Quantity("slope", m, (), n))[k]
            return alone
        return None

    def unit(self, top: Quantity, n: int | None) -> UnitDerivatives:
        """The derivatives of a[m]_k, or z[m]_k, with respect to everything before it."""
        m, k = top.layer, top.units[0]
        assert isinstance(m, int)
        assert isinstance(k, int)
        n = self.example if n is None else n
        key = (n, top.kind, m, k)
        if key not in self._units:
            network, record = self.network, self.passes(n).record
            if top.kind == "z":  # the network up to z[m] is one whose last layer has the identity
                last = replace(network.layers[m - 1], activation=activation_named("identity"))
                network = Network((*network.layers[: m - 1], last))
                masks, f = (*record.masks[:m], None), (*record.f[:m], record.z[m])
                record = Record(record.z[: m + 1], (*record.a[:m], record.z[m]), *((masks, f) if record.masks else ()))
            self._units[key] = unit_derivatives(network, record, m, k)
        return self._units[key]

    def number(self, q: Quantity | Derivative) -> float:
        """Return the value of one quantity."""
        bottom = q.bottom if isinstance(q, Derivative) else q
        return float(self.array(q)[bottom.units] if bottom.units else self.array(q))


def make_values(network: Network, X: Any, Y: Any, loss: Loss | FusedLoss, example: int, **options: Any) -> Values:
    """Check and convert what a person gave.

    Raises
    ------
    UsageError
        If shapes, the reduction, sample weights or the weight decay do not fit, or there is no such example.
    """
    X = np.asarray(as_float_array(X), dtype=np.float64)
    check_matrix("X", X, network.sizes[0], "inputs")
    if Y is not None:
        Y = np.asarray(as_float_array(Y), dtype=np.float64)
        check_matrix("Y", Y, network.sizes[-1], "outputs", rows=len(X))
    for name, M in (("X", X), ("Y", Y)):
        if M is not None and not np.isfinite(M).all():
            row = int(np.argmin(np.isfinite(M).all(axis=1)))
            what = "an infinity" if np.isinf(M[row]).any() else "a NaN"
            raise UsageError(f"{name} holds {what} in row {row}, counted from 0; give finite numbers.")
    if not isinstance(example, (int, np.integer)) or not 0 <= example < len(X):
        said = f"example must be a row from 0 to {len(X) - 1}, counted from 0; received {example!r}."
        error = NoSuchExample(said)
        error.n_examples = len(X)
        raise error
    if not options["weight_decay"] >= 0:
        raise UsageError(f"weight_decay must be at least 0; received {options['weight_decay']!r}.")
    example_shares(np.zeros(len(X)), options["reduction"], options["sample_weight"])
    return Values(network.astype("float64"), X, Y, loss, example=int(example), **options)
