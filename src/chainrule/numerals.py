"""Numbers as people read them: few digits, and never a 0, a 1 or a 100 % that is not exactly that."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

MISSING = "–"
MINUS = "−"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int | None = 4) -> str:
    """Write a number with that many significant digits; with None, with all that tell it from its neighbours.

    >>> number(0.123456), number(12345678), number(-0.00001234), number(float("nan")), number(3.0)
    ('0.1235', '12,345,678', '−1.234·10⁻⁵', '–', '3')
    >>> number(0.1234567890123, None), number(1e-16, None)
    ('0.1234567890123', '1·10⁻¹⁶')
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) < 1e9:
        return _signed(f"{abs(value):,.0f}", value)
    digits = min(digits or 17, significant_digits(value))
    exponent = int(f"{abs(value):.{digits - 1}e}".partition("e")[2])
    if not -4 <= exponent < 7:
        mantissa, _, power = f"{abs(value):.{digits - 1}e}".partition("e")
        return _signed(f"{_trimmed(mantissa)}·10{str(int(power)).translate(_RAISED)}", value)
    return _signed(_trimmed(f"{abs(value):,.{max(0, digits - 1 - exponent)}f}"), value)


def significant_digits(value: float) -> int:
    """How many significant digits tell a number from its neighbours.

    >>> significant_digits(0.25), significant_digits(-1.5e-7), significant_digits(1200.0), significant_digits(1 / 3)
    (2, 2, 2, 16)
    """
    mantissa = repr(abs(float(value))).partition("e")[0].replace(".", "")
    return len(mantissa.strip("0")) or 1


def share(value: float, decimals: int = 3) -> str:
    """Write a number between 0 and 1; more decimals where fewer would round it to 0 or 1.

    >>> share(0.5), share(0.99996), share(1.0), share(float("nan"))
    ('0.500', '0.99996', '1.000', '–')
    """
    return MISSING if math.isnan(value) else _signed(_between(abs(value), decimals, 1.0), value)


def percent(value: float, decimals: int = 1) -> str:
    """Write a share as a percentage.

    >>> percent(35 / 36), percent(0.99999), percent(1.0), percent(0.0)
    ('97.2 %', '99.999 %', '100 %', '0 %')
    """
    if math.isnan(value):
        return MISSING
    if value in (0.0, 1.0):
        return f"{100 * value:.0f} %"
    return _between(100 * value, decimals, 100.0) + " %"


def duration(seconds: float) -> str:
    """Write a length of time.

    >>> duration(0.0421), duration(3.21), duration(75), duration(7300)
    ('42 ms', '3.2 s', '1 min 15 s', '2 h 1 min')
    """
    if math.isnan(seconds):
        return MISSING
    if seconds < 0.9995:
        return f"{number(1000 * seconds, 2)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def plain(value: float, decimals: int) -> str:
    """Write a number with fixed decimals, as for the ticks of an axis.

    >>> plain(-0.25, 2), plain(1200, 0), plain(-0.0, 1)
    ('−0.25', '1,200', '0.0')
    """
    return _signed(f"{abs(value):,.{decimals}f}", value)


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Write a table: the first `left` columns and the last one stand at the left of their width, the others right.

    >>> print(aligned(["fold", "rows", "stopped"], [["1", "36", "all epochs run"], ["10", "9", "converged"]]))
    fold  rows  stopped
    1       36  all epochs run
    10       9  converged
    """
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    last = len(widths) - 1
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left or i == last else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _between(value: float, decimals: int, top: float) -> str:
    for more in range(decimals, 17):
        written = f"{value:.{more}f}"
        if value in (0.0, top) or float(written) not in (0.0, top):
            return written
    return f"{value:.4g}"


def _trimmed(written: str) -> str:
    return written.rstrip("0").rstrip(".") if "." in written else written


def _signed(written: str, value: float) -> str:
    return MINUS + written if value < 0 else written
