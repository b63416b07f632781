"""A derivative as a sum over paths: the links of one path, and the largest of all of them.

A path from a weight, a bias, a pre-activation or an activation leads from one pre-activation to the next, until it ends
in the cost or in a unit. Its links:

    dz[l]_j / dW[l]_ij = a[l-1]_i               into the network
    dz[l+1]_k / dz[l]_j = f'(z[l]_j) W[l+1]_jk  from layer to layer
    dC / dz[L]_k = delta[L]_k                   out of it

Where a layer mixes its units, as softmax does, its link is the sum over them, one derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from chainrule.core.arrays import Array
from chainrule.core.paths import largest_paths
from chainrule.core.tensors import activation_jacobian
from chainrule.errors import UsageError
from chainrule.explaining.expressions import ONE, Expression, Symbol, multiply
from chainrule.explaining.quantities import Derivative, Name, Path, Quantity, a, cost_of, delta, weight, z
from chainrule.explaining.trees import evaluate
from chainrule.explaining.values import Values

ToSymbol = Callable[[Name], Symbol]


@dataclass(frozen=True)
class PathLinks:
    """The paths of one network at its examples; slopes are written f'(z), or as fractions."""

    values: Values
    fractions: bool = False

    def product(self, path: Path) -> float:
        """The product of a path's links."""
        return evaluate(self.expression(path, self._symbol))

    def _symbol(self, name: Name) -> Symbol:
        assert isinstance(name, (Quantity, Derivative))
        return Symbol(name, self.values.number(name))

    def expression(self, path: Path, symbol: ToSymbol) -> Expression:
        """The links of a path, multiplied: from the end back to the start."""
        top, bottom, via = path.derivative.top, path.derivative.bottom, path.via
        n = top.example
        l, unit = bottom.layer, bottom.units[-1]
        links: list[Expression] = []
        if bottom.kind == "W":
            links.append(symbol(a(l - 1, bottom.units[0], n)))
        at_z = bottom.kind != "a"
        layers = range(l + 1, l + 1 + len(via))
        for m, k in zip(layers, via, strict=True):
            links.append(self._link(m, unit, k, n, at_z, symbol))
            unit, at_z = k, True
        end = l + len(via)
        if top.kind == "C":
            links.append(self._to_cost(end, unit, n, at_z, symbol))
        else:
            links.append(self._to_unit(top, end, unit, at_z, symbol))
        links = [link for link in links if link != ONE] or [ONE]
        return multiply(*reversed(links))

    def _slope(self, l: int, j: int, n: int | None) -> Name:
        return Derivative(a(l, j, n), z(l, j)) if self.fractions else Quantity("slope", l, (j,), n)

    def _link(self, m: int, j: int, k: int, n: int | None, at_z: bool, symbol: ToSymbol) -> Expression:
        """dz[m]_k by a[m-1]_j, or by z[m-1]_j."""
        w = symbol(weight(m, j, k))
        if not at_z:
            return w
        if self.values.mixes(m - 1):
            return symbol(Derivative(z(m, k, n), z(m - 1, j)))
        return multiply(w, symbol(self._slope(m - 1, j, n)))

    def _to_cost(self, l: int, unit: int, n: int | None, at_z: bool, symbol: ToSymbol) -> Expression:
        return symbol(delta(l, unit, n) if at_z else Derivative(cost_of(n), a(l, unit)))

    def _to_unit(self, top: Quantity, l: int, unit: int, at_z: bool, symbol: ToSymbol) -> Expression:
        """From the last unit on the way to the unit that is differentiated."""
        m, k, n = top.layer, top.units[0], top.example
        here = z(l, unit) if at_z else a(l, unit)
        if (l, unit) == (m, k) and top.kind == ("z" if at_z else "a"):
            return ONE
        if l == m:
            alone = at_z and top.kind == "a" and unit == k and not self.values.mixes(m)
            return symbol(self._slope(m, k, n)) if alone else symbol(Derivative(top, here))
        if top.kind == "z":
            return self._link(m, unit, k, n, at_z, symbol)
        if self.values.mixes(m) or (at_z and self.values.mixes(l)):
            return symbol(Derivative(top, here))
        last = multiply(symbol(self._slope(m, k, n)), symbol(weight(m, unit, k)))
        return multiply(last, symbol(self._slope(l, unit, n))) if at_z else last

    def paths(self, derivative: Derivative, most: int) -> tuple[list[Path], int]:
        """Return the largest paths of a derivative, in order of their units, and how many there are in all."""
        top, bottom = derivative.top, derivative.bottom
        l, n = bottom.layer, top.example
        end = self.values.L + 1 if top.kind == "C" else top.layer
        between = range(l + 1, end)
        sizes = self.values.network.sizes
        if top.kind == "J" or not bottom.units:
            raise UsageError("paths lead from one number to the cost of one example, or to one unit.")
        if not between:
            return [Path(derivative, ())], 1
        links = [self._links_into(m, n, at_z=m > l + 1 or bottom.kind != "a") for m in between]
        last = self._ends(top, end, n)
        found = largest_paths([*links, last], bottom.units[-1], 0, most)
        return sorted((Path(derivative, p.units[1:-1]) for p in found), key=lambda p: p.via), prod(
            sizes[m] for m in between
        )

    def _links_into(self, m: int, n: int | None, *, at_z: bool) -> Array:
        """dz[m] by a[m-1] or z[m-1], (sizes[m], sizes[m-1])."""
        W = self.values.weights(m).T
        if not at_z:
            return W
        return W @ activation_jacobian(self.values.network, self.values.passes(n).record, m - 1)[0]

    def _ends(self, top: Quantity, end: int, n: int | None) -> Array:
        """The last links, (1, units of the last layer between)."""
        if top.kind == "C":
            return self.values.array(Quantity("delta", end - 1, (), n))[None, :]
        return self.values.array(Derivative(top, Quantity("z", end - 1)))[None, :]
