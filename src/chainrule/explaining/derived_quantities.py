"""What a textbook derivation can be asked for: derivatives of the cost, and Jacobians of layers or units."""

from __future__ import annotations

import re
from dataclasses import replace

from chainrule.errors import UsageError
from chainrule.explaining.grammar import parse
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import Quantity

_OUTPUT = re.compile(r"ŷ|yhat|y_hat")
FORMS = (
    "dC/dW[1], dJ/dW[1], dC/db[1], delta[1], dC/da[1], dC/dx, da[2]/dx, da[2]/dz[1], dz[2]/dz[1] or dyhat/dW[1], or a "
    "unit or weight of one"
)


def what_is_derived(text: str, sizes: tuple[int, ...], notation: Notation) -> tuple[Quantity, Quantity]:
    """Read what is differentiated and by what; `delta` is C by z.

    Raises
    ------
    UsageError
        If it is none of `FORMS`, or does not fit the network.
    """
    outputs = f"a[{notation.counting.layer(len(sizes) - 1)}]"
    read = _OUTPUT.sub(outputs, text.replace("∂", "d"))
    above, slash, below = (part.strip() for part in read.partition("/"))
    if not slash:
        name = parse(read, sizes, notation.counting)
        if isinstance(name, Quantity) and name.kind == "delta" and name.example is None:
            return Quantity("C"), name
        raise UsageError(f"{text}: what is derived is {FORMS}.")
    if not (above.startswith("d") and below.startswith("d")):
        raise UsageError(f"{text}: a derivative is written as dC/dW[1]; what is derived is {FORMS}.")
    top, bottom = parse(above[1:], sizes, notation.counting), parse(below[1:], sizes, notation.counting)
    if not isinstance(top, Quantity) or not isinstance(bottom, Quantity) or "@" in text:
        raise UsageError(f"{text}: what is derived is {FORMS}.")
    if top.kind not in ("C", "J", "a", "z") or bottom.kind not in ("a", "z", "W", "b"):
        raise UsageError(f"{text}: what is derived is {FORMS}.")
    if top.kind in ("C", "J"):
        parse(read, sizes, notation.counting)  # J is differentiated by weights and biases alone
        return top, replace(bottom, kind="delta") if bottom.kind == "z" else bottom
    if bottom.layer > top.layer - (top.kind == "z" and bottom.kind == "a"):
        raise UsageError(f"{text}: what is differentiated must come after what it is differentiated by.")
    return top, bottom
