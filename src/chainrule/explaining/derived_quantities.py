"""What a textbook derivation can be asked for: derivatives of the cost, and Jacobians of layers or units."""

from __future__ import annotations

import re
from dataclasses import replace

from chainrule.errors import UsageError
from chainrule.explaining.asking import ask
from chainrule.explaining.naming import Naming
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import COST, Derivative, Quantity

_OUTPUT = re.compile(r"(ŷ|yhat|y_hat)(?=\s*$|\s*\[)")
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
    naming = Naming(notation, sizes)

    def quantity(part: str) -> Quantity:
        read = ask(_OUTPUT.sub(f"a[{notation.counting.layer(len(sizes) - 1)}]", part.strip()), naming)
        if not isinstance(read, Quantity) or read.example is not None or "@" in part:
            raise UsageError(f"{text}: what is derived is {FORMS}.")
        return read

    above, slash, below = (part.strip() for part in text.partition("/"))
    if not slash:
        name = ask(text, naming)
        if isinstance(name, Quantity) and name.kind == "delta" and name.example is None:
            return Quantity("C"), name
        if not isinstance(name, Derivative) or name.top.example is not None:
            raise UsageError(f"{text}: what is derived is {FORMS}.")
        top, bottom = name.top, name.bottom
    elif not (above.startswith(("d", "∂")) and below.startswith(("d", "∂"))):
        raise UsageError(f"{text}: a derivative is written as dC/dW[1]; what is derived is {FORMS}.")
    else:
        top, bottom = quantity(above[1:]), quantity(below[1:])
    if top.kind not in ("C", "J", "a", "z") or bottom.kind not in ("a", "z", "W", "b"):
        raise UsageError(f"{text}: what is derived is {FORMS}.")
    if top.kind in ("C", "J"):
        if top.kind == "J" and bottom.kind not in ("W", "b") and notation.letter("C") == notation.letter("J"):
            top = COST  # printed with the letter of both
        elif top.kind == "J" and bottom.kind not in ("W", "b"):
            raise UsageError(f"{text}: J belongs to a batch, so it is differentiated by W or b; else write dC/...")
        return top, replace(bottom, kind="delta") if bottom.kind == "z" else bottom
    if bottom.layer > top.layer - (top.kind == "z" and bottom.kind == "a"):
        raise UsageError(f"{text}: what is differentiated must come after what it is differentiated by.")
    return top, bottom
