"""The one grammar in which a person writes the names of numbers, read with good errors.

    x[2]  y[1]                      an input, a target
    W[1][2,3]  b[1][3]              a weight, a bias
    z[1][3]  a[1][3]                a pre-activation, an activation
    C  J                            the cost of an example, of the batch with its weight decay
    delta[1][3]                     dC/dz[1][3]
    dC/da[1][3]  dC/dW[1][2,3]      derivatives of the example's cost, by a, z, x, W or b
    dJ/dW[1][2,3]  dJ/db[1][3]      of the batch's
    da[2][1]/da[0][2]               an entry of a Jacobian, by a, z, x, W or b
    dC/dW[1][2,3] via 1             one path of it: through unit 1 of the next layer
    change W[1][2,3]                what the update does to a weight or a bias
    dC/dW[1]  da[2]/da[0]           a whole matrix, a whole Jacobian
    dz[3]/dz[2]  da[2]/dW[1]        between layers; delta[2], z[1], x: of all examples
    ... @ 4                         of the fourth example rather than of the one chosen
    x[area]  W[1]["a, b",2]         inputs and outputs by name, for which `names_in_text` writes numbers

Layers and units are counted as a notation counts them. Inside, layer 0 is the input, units count from 0, and a weight
has the unit that it comes from first.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod

from chainrule.explaining.name_reader import Reader, read_or_refuse
from chainrule.explaining.quantities import (
    BATCH_COST,
    CORE,
    COST,
    Change,
    Counting,
    Derivative,
    Name,
    Path,
    Quantity,
    State,
)


def parse(text: str, sizes: tuple[int, ...], counting: Counting = CORE) -> Name:
    """Read a quantity's name.

    Parameters
    ----------
    text : str
        In the grammar above.
    sizes : tuple of int
        Units per layer of the network, the inputs first.
    counting : Counting

    Raises
    ------
    UsageError
        If it is no name of a quantity, or names a layer or unit that is not there.

    Examples
    --------
    >>> parse("dC/dW[1][2,3]", (2, 3, 1)).bottom
    Quantity(kind='W', layer=1, units=(1, 2), example=None)
    >>> parse("z[1][4]", (2, 3, 1))
    Traceback (most recent call last):
    chainrule.errors.UsageError: z[1][4]: layer 1 has 3 units, 1 to 3. Did you mean z[1][3]?
    """
    return read_or_refuse(text, lambda candidate: Reader(candidate, sizes, counting).read())


def written(name: Name, counting: Counting = CORE) -> str:
    """Write a name as `parse` reads it.

    >>> from chainrule.explaining.quantities import weight
    >>> written(Derivative(COST, weight(1, 1, 2)))
    'dC/dW[1][2,3]'
    """
    match name:
        case Derivative():
            example = name.top.example
            top, bottom = (written(replace(q, example=None), counting) for q in (name.top, name.bottom))
            return f"d{top}/d{bottom}" + (f" @ {example + 1}" if isinstance(example, int) else "")
        case Path():
            inner = replace(name.derivative, top=replace(name.derivative.top, example=None))
            example, via = name.derivative.top.example, ",".join(str(u + counting.first_unit) for u in name.via)
            return f"{written(inner, counting)} via {via}" + (f" @ {example + 1}" if isinstance(example, int) else "")
        case Change():
            return f"change {written(name.parameter, counting)}"
        case State():
            of = (name.parameter,) if name.column is None else (name.parameter, name.column)
            return f"{name.kind}({', '.join(written(q, counting) for q in of)})"
    assert isinstance(name, Quantity)
    q, head = name, name.kind
    if q.kind == "slope":
        return f"f'({written(replace(q, kind='z'), counting)})"
    if q.kind == "a" and q.layer == 0:
        head, q = "x", replace(q, layer=None)
    if q.layer is not None:
        head += f"[{counting.layer(q.layer, q.kind)}]"
    if q.units:
        head += f"[{','.join(map(str, counting.units(q)))}]"
    return head + (f" @ {q.example + 1}" if isinstance(q.example, int) else "")


def all_names(sizes: tuple[int, ...], counting: Counting = CORE) -> list[str]:
    """List the names of a network's quantities, forwards, then backwards; Jacobians and paths are left out.

    >>> all_names((1, 1))[:6]
    ['x[1]', 'y[1]', 'W[1][1,1]', 'b[1][1]', 'z[1][1]', 'a[1][1]']
    """
    return [written(name, counting) for name in all_quantities(sizes)]


def all_quantities(sizes: tuple[int, ...], *, most: int = 1000) -> list[Name]:
    """List what `all_names` names; where a layer has more than `most` of a kind, their array stands for them."""

    def each(kind: str, l: int | None, shape: tuple[int, ...]) -> list[Quantity]:
        if prod(shape) > most:
            return [Quantity(kind, l)]
        return [Quantity(kind, l, units) for units in product(*map(range, shape))]

    L = len(sizes) - 1
    parameters = {
        l: each("W", l, (sizes[l - 1], sizes[l])) + each("b", l, (sizes[l],)) for l in range(1, L + 1)
    }  # fmt: skip
    names: list[Name] = [*each("a", 0, (sizes[0],)), *each("y", None, (sizes[-1],))]
    for l in range(1, L + 1):
        names += [*parameters[l], *each("z", l, (sizes[l],)), *each("a", l, (sizes[l],))]
    names += [COST, BATCH_COST]
    for l in range(L, 0, -1):
        names += [Derivative(COST, unit) for unit in each("a", l, (sizes[l],))]
        names += each("delta", l, (sizes[l],))
        names += [Derivative(top, p) for top in (COST, BATCH_COST) for p in parameters[l]]
        names += [Change(p) for p in parameters[l]]
    return names
