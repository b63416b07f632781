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
    ... @ 4                         of the fourth example rather than of the one chosen

Layers and units are counted as a notation counts them. Inside, layer 0 is the input, units count from 0, and a weight
has the unit that it comes from first.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from math import prod

from chainrule.errors import UsageError, did_you_mean
from chainrule.explaining.quantities import (
    BATCH_COST,
    CORE,
    COST,
    Change,
    Counting,
    Derivative,
    Index,
    Name,
    Path,
    Quantity,
    of_example,
    weight,
)

_KINDS = {"W": "weight", "b": "bias", "z": "pre-activation", "a": "activation", "x": "input", "y": "target",
          "delta": "delta", "beta": "beta", "C": "cost of an example", "J": "cost of the batch"}  # fmt: skip
_OTHER_NAMES = {"w": "W", "X": "x", "Y": "y", "t": "y", "d": "y", "net": "z", "sum": "z", "s": "z", "o": "a", "h": "a",
                "δ": "delta", "β": "beta", "E": "C", "L": "C", "A": "a", "Z": "z", "B": "b"}  # fmt: skip
_QUANTITY = re.compile(r"([A-Za-zδβ]+)((?:\[[^\[\]]*\])*)")


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
    reader = _Reader(text, sizes, counting)
    return reader.read()


def written(name: Name, counting: Counting = CORE) -> str:
    """Write a name as `parse` reads it.

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
    assert isinstance(name, Quantity)  # a state is no name that is asked for
    q, head = name, name.kind
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


class _Reader:
    """Reads one name; every refusal names the text, what is allowed, and the nearest thing that exists."""

    def __init__(self, text: str, sizes: tuple[int, ...], counting: Counting) -> None:
        self.text, self.sizes, self.counting = text, sizes, counting

    def read(self) -> Name:
        text = self.text.strip().replace("∂", "d").replace("δ", "delta").replace("β", "beta").replace("Δ", "change ")
        if not text:
            raise self.error("a quantity is written as z[1][2] or dC/dW[1][2,1]")
        text, at, row = text.partition("@")
        example = self.number(row, "an example, counted from 1, stands after @") - 1 if at else None
        if example is not None and example < 0:
            raise self.error("examples are counted from 1")
        text, through, via = f"{text.strip()} ".partition(" via ")
        name = self.name(text.strip())
        if through:
            name = self.path(name, via)
        if example is None:
            return name
        if of_example(name, example) == name:
            raise self.error("this belongs to no single example; leave @ out")
        return of_example(name, example)

    def name(self, text: str) -> Name:
        if text.startswith(("change ", "update ")):
            parameter = self.quantity(text.split(None, 1)[1])
            if parameter.kind not in ("W", "b"):
                raise self.error("a change is one of a weight or a bias, as in change W[1][2,1]")
            return Change(parameter)
        if "/" not in text:
            return self.quantity(text)
        top, _, bottom = text.partition("/")
        if not (top.strip().startswith("d") and bottom.strip().startswith("d")):
            raise self.error("a derivative is written as dC/dW[1][2,1]")
        return self.derivative(self.quantity(top.strip()[1:]), self.quantity(bottom.strip()[1:]))

    def derivative(self, top: Quantity, bottom: Quantity) -> Name:
        if top.kind not in ("C", "J", "a", "z") or bottom.kind not in ("a", "z", "W", "b"):
            raise self.error("what is differentiated is C, J, a or z; by a, z, x, W or b")
        if top.kind == "J" and bottom.kind not in ("W", "b"):
            raise self.error("J belongs to a batch and is differentiated by W or b; for one example write dC/...")
        if top.kind == "C" and bottom.kind == "z":
            return replace(bottom, kind="delta")
        whole = top.kind == bottom.kind == "a" and not top.units and not bottom.units
        if isinstance(top.layer, int) and isinstance(bottom.layer, int) and not top.units and not whole:
            raise self.error(f"which unit? write d{top.kind}[{self.counting.layer(top.layer)}][1]/...")
        if isinstance(top.layer, int) and isinstance(bottom.layer, int):
            after = bottom.layer > top.layer or (top.kind == "z" and bottom.kind == "a" and bottom.layer == top.layer)
            if after:
                raise self.error("what is differentiated must come after what it is differentiated by")
        return Derivative(top, bottom)

    def path(self, name: Name, via: str) -> Path:
        if isinstance(name, Quantity) and name.kind == "delta":
            name = Derivative(COST, replace(name, kind="z"))
        if not isinstance(name, Derivative) or name.top.kind == "J" or not name.bottom.units:
            raise self.error("a path belongs to a derivative of C or of a unit, as in dC/dW[1][2,1] via 3")
        start, L = int(name.bottom.layer or 0), len(self.sizes) - 1
        end = L + 1 if name.top.kind == "C" else int(name.top.layer or 0)
        layers = range(start + 1, end)
        if not layers:
            raise self.error("there is one path only, which passes no other unit; leave via out")
        units = [self.number(part, "units are numbers") - self.counting.first_unit for part in via.split(",")]
        if len(units) != len(layers):
            s = "s" * (len(layers) > 1)
            raise self.error(f"this path passes {len(layers)} layer{s}, so via names {len(layers)} unit{s}")
        for l, unit in zip(layers, units, strict=True):
            self.check(unit, self.sizes[l], f"layer {self.counting.layer(l)}")
        return Path(name, tuple(units))

    def quantity(self, text: str) -> Quantity:
        match = _QUANTITY.fullmatch(text.replace(" ", ""))
        if not match:
            raise self.error("a quantity is written as z[1][2] or dC/dW[1][2,1]")
        kind, brackets = match.group(1), re.findall(r"\[([^\[\]]*)\]", match.group(2))
        kind = kind if kind in _KINDS else _OTHER_NAMES.get(kind, kind)
        if kind not in _KINDS:
            near = did_you_mean(kind, _KINDS).strip()
            raise self.error(f'"{kind}" is no quantity. {near + " " if near else ""}Allowed: {", ".join(_KINDS)}')
        if kind in ("C", "J"):
            return self.without_brackets(kind, brackets)
        if kind in ("x", "y"):
            return self.input_or_target(kind, brackets)
        if not 1 <= len(brackets) <= 2:
            form = "[1][2,1]" if kind == "W" else "[1][2]"
            article = "an" if _KINDS[kind][0] in "aeiou" else "a"
            raise self.error(f"{article} {_KINDS[kind]} has a layer and a unit, as in {kind}{form}")
        layer = self.layer(kind, self.number(brackets[0], "a layer is a number"))
        if len(brackets) == 1:
            return Quantity("a" if kind == "x" else kind, layer)
        return self.weight(layer, brackets[1]) if kind == "W" else self.unit(kind, layer, brackets[1])

    def without_brackets(self, kind: str, brackets: list[str]) -> Quantity:
        if brackets:
            raise self.error(f"{kind} is one number: write {kind}, or {kind} @ 2 for the second example")
        return Quantity(kind)

    def input_or_target(self, kind: str, brackets: list[str]) -> Quantity:
        if len(brackets) > 1:
            raise self.error(f"{kind} has one index, as in {kind}[2]")
        quantity = Quantity("a", 0) if kind == "x" else Quantity("y")
        if not brackets:
            return quantity
        size = self.sizes[0] if kind == "x" else self.sizes[-1]
        unit = self.number(brackets[0], "a unit is a number") - self.counting.first_unit
        self.check(unit, size, "the input" if kind == "x" else "the output")
        return replace(quantity, units=(unit,))

    def layer(self, kind: str, number: int) -> int:
        c, L = self.counting, len(self.sizes) - 1
        first = 0 if kind == "a" else 1
        layer = number - (c.first_weights - 1 if kind in ("W", "b") else c.input_layer)
        if not first <= layer <= L:
            low, high = c.layer(first, kind), c.layer(L, kind)
            raise self.error(f"{kind} is there for layers {low} to {high} of this network", (kind, number, low, high))
        return layer

    def unit(self, kind: str, layer: int, bracket: str) -> Quantity:
        unit = self.number(bracket, "a unit is one number") - self.counting.first_unit
        self.check(unit, self.sizes[layer], f"layer {self.counting.layer(layer, kind)}")
        return Quantity(kind, layer, (unit,))

    def weight(self, layer: int, bracket: str) -> Quantity:
        c = self.counting
        given = [self.number(part, "a weight has two units") - c.first_unit for part in bracket.split(",")]
        if len(given) != 2:
            raise self.error("a weight has two units, as in W[1][2,1]")
        i, k = given if c.from_to else given[::-1]
        fan_in, fan_out = self.sizes[layer - 1], self.sizes[layer]
        if 0 <= i < fan_in and 0 <= k < fan_out:
            return weight(layer, i, k)
        order = "from, to" if c.from_to else "to, from"
        here = f"W[{c.layer(layer, 'W')}] leads from {fan_in} units to {fan_out}, its indices are [{order}]"
        if 0 <= k < fan_in and 0 <= i < fan_out:
            u, v = given[1] + c.first_unit, given[0] + c.first_unit
            raise self.error(f"{here}. Did you mean {self.text.replace(f'[{bracket}]', f'[{u},{v}]')}?")
        raise self.error(f"{here}, counted from {c.first_unit}")

    def check(self, unit: int, size: int, where: str) -> None:
        first = self.counting.first_unit
        if not 0 <= unit < size:
            nearest = min(max(unit, 0), size - 1) + first
            meant = re.sub(rf"\b{unit + first}\b(?=[^\d]*$)", str(nearest), self.text)
            raise self.error(
                f"{where} has {size} unit{'s' * (size > 1)}, {first} to {size - 1 + first}. Did you mean {meant}?"
            )

    def number(self, text: str, otherwise: str) -> int:
        if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
            raise self.error(f'{otherwise}; received "{text.strip()}"')
        return int(text)

    def error(self, what: str, range_: tuple[str, int, Index, Index] | None = None) -> UsageError:
        near = ""
        if range_:
            kind, number, low, high = range_
            nearest = min(max(number, int(low)), int(high))
            near = f". Did you mean {self.text.replace(f'{kind}[{number}]', f'{kind}[{nearest}]')}?"
        return UsageError(f"{self.text.strip() or chr(34) * 2}: {what}{near or ('' if what.endswith('?') else '.')}")
