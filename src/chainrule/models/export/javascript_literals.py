"""Values as JavaScript writes them."""

from __future__ import annotations

import math
from typing import Any

from chainrule.models.export.text import number as finite

LARGEST_EXACT = 2**53  # whole numbers beyond it are BigInts


def literal(value: Any) -> str:
    """Write text, a truth value, a number, None or NaN as JavaScript has it; text in a way that no page breaks it.

    >>> print(literal('</script> "\\u2028'))
    "\\u003c/script> \\"\\u2028"
    """
    if isinstance(value, str):
        return '"' + "".join(map(_character, value)) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}n" if abs(value) > LARGEST_EXACT else str(value)
    return "NaN" if value is None else number(value)


def number(value: Any) -> str:
    """Write a float32 or float64 as JavaScript has it, with those that are not finite.

    >>> number(0.1), number(-math.inf)
    ('0.1', '-Infinity')
    """
    return finite(value) if math.isfinite(value) else "NaN" if value != value else f"{'-' * (value < 0)}Infinity"


def _character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable() and character != "<":
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\u{{{ord(character):x}}}"
