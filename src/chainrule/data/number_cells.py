"""How people write numbers: marks of decimals and of thousands, currencies, units, percent; read where it is certain.

A point or a comma before exactly three digits has two readings, a thousand times apart. Which one is meant is decided
from all cells of a column, and of its file; where they do not decide it, `Doubt` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

# What everybody writes, and what a cast to a double takes.
NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
INFINITY = re.compile(r"[+-]?([iI]nf|INF|[iI]nfinity)")
CODE = re.compile(r"0[0-9]+([eE][0-9]+)?|[+-]?[0-9]{16,}")
DIGITS = re.compile(r"[+-]?[0-9]+([eE][0-9]+)?")
SPACES = " \u00a0\u2009\u202f"
GROUP_MARKS = "'\u2019_" + SPACES  # that cannot be decimal marks
DECIMALS, THOUSANDS = (".", ","), (".", ",", *GROUP_MARKS)
MINUS = "\u2212-"  # the hyphen last, as it is put between brackets
SIGN = rf"[+{MINUS}]"
CELL = re.compile(
    rf"(?P<open>\()?(?P<sign>{SIGN})?(?P<prefix>[^\d.,()+{MINUS}]*?)(?P<inner>{SIGN})?"
    rf"(?P<body>[0-9](?:[0-9.,{GROUP_MARKS}]*[0-9.,])?|[.,][0-9]+)(?P<exponent>[eE][+-]?[0-9]+)?"
    rf"(?P<suffix>[^\d()][^()]*?)?(?P<close>\))?",
    re.ASCII,
)
CURRENCY_WORDS = """
    $ € £ ¥ ₹ ₽ ₩ ₺ ₪ ฿ ₫ ₴ R$ US$ A$ C$ HK$ NZ$ zł kr kr. Kč Ft lei Fr. SFr. Rs Rs. EUR USD GBP JPY CNY INR AUD CAD NZD
    CHF SEK NOK DKK PLN CZK HUF RON BRL MXN ZAR TRY RUB KRW SGD HKD ILS THB euro euros dollars Euro
"""
PERCENT = frozenset(("%", "\u2030", "percent", "pct", "Prozent"))
UNIT_WORDS = """
    nm um µm mm cm dm m km in inch inches ft yd mi mile miles mg g kg t lb lbs oz ml mL cl dl l L hl gal mm2 cm2 m2 km2
    cm3 mm3 m3 mm² cm² m² km² cm³ m³ ha ac acres sqft sqm °C °F ° K µs ms s sec secs min mins h hr hrs hour hours d day
    days wk week weeks month months yr yrs year years W kW MW GW Wh kWh MWh J kJ MJ cal kcal mV V kV mA A Hz kHz MHz GHz
    bit B kB KB MB GB TB kbps Mbps px pt rpm mph kph km/h m/s kn bar mbar hPa Pa kPa psi dB ppm ppb mol mmol bpm deg pcs
    Stk Stück hp PS cc x N kN Nm lm lx Tage Jahre Std
"""
CURRENCIES, UNITS = frozenset(CURRENCY_WORDS.split()), frozenset(UNIT_WORDS.split())
MAGNITUDES = {  # powers of ten
    **dict.fromkeys(("k", "K", "Tsd", "Tsd.", "tsd", "thousand"), 3),
    **dict.fromkeys(("M", "Mio", "Mio.", "mio", "mln", "mn", "million", "millions", "Million", "Millionen"), 6),
    **dict.fromkeys(("bn", "Bn", "B", "Mrd", "Mrd.", "mrd", "Milliarde", "Milliarden", "billion", "billions"), 9),
}
# A 64-bit float holds so many; what has more, in groups of three, is a list.
DIGITS_OF_A_NUMBER = 15
# One letter means a magnitude only where it stands at the number itself: 300 K is a temperature.
LETTERS = frozenset("kKMB")


@dataclass(frozen=True)
class Marks:
    """What is known of the marks in a text: a decimal mark and a mark of thousands, each perhaps not known."""

    decimal: str | None = None
    thousands: str | None = None


class Cell(NamedTuple):
    """A cell that may be a number, taken apart."""

    body: str
    negative: bool
    exponent: str
    unit: str
    power: int
    shape: str  # "plain", "decimal", "grouped", "both" or "doubtful"
    marks: Marks


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, read.

    Attributes
    ----------
    values : tuple of float
        One for each cell.
    marks : Marks
        Those that occur.
    unit : str
        What stands before or after each number; nothing if nothing does.
    scaled : bool
        Whether words such as Mio. were multiplied out.
    """

    values: tuple[float, ...]
    marks: Marks
    unit: str = ""
    scaled: bool = False


@dataclass(frozen=True)
class Doubt:
    """A column whose numbers have two readings, or that mixes units: a cell, and why."""

    cell: str
    why: str


def take_apart(cell: str) -> Cell | None:
    """Take a cell apart that may be a number, or return None.

    Examples
    --------
    >>> take_apart("$1,234.50").shape, take_apart("4.602").shape, take_apart("0.602").shape, take_apart("A 12")
    ('both', 'doubtful', 'decimal', None)
    >>> take_apart("3,5 Mio. €").power
    6
    """
    found = CELL.fullmatch(cell)
    if not found or bool(found["open"]) != bool(found["close"]) or (found["sign"] and found["inner"]):
        return None
    affixes = _affixes(found["prefix"].strip(SPACES), found["suffix"] or "")
    shaped = _shape(found["body"], bool(found["exponent"]))
    if affixes is None or shaped is None or (found["exponent"] and found["suffix"] and affixes[1]):
        return None
    if found["suffix"] and found["body"][-1] in ".,":  # "1. White" is a name with its number
        return None
    if found["exponent"] and re.match("0[0-9]", found["body"]):  # 0001E4 is a code
        return None
    negative = bool(found["open"]) or (found["sign"] or found["inner"] or "+") in MINUS
    if found["open"] and (found["sign"] or found["inner"]):
        return None
    return Cell(found["body"], negative, found["exponent"] or "", *affixes, *shaped)


def bare_number(cell: str) -> Cell | None:
    """Take a cell apart that may be a number with nothing around it, or return None.

    >>> bare_number("4,602").shape, bare_number("4,602 kg"), bare_number("4.6k")
    ('doubtful', None, None)
    """
    part = take_apart(cell)
    return part if part and not part.unit and not part.power else None


def numbers_among(cells: Sequence[str], counts: Sequence[int]) -> int:
    """Count the rows with a cell that may be a number, in a known unit or in the one unknown word that most have.

    >>> numbers_among(["12 rolls", "7 rolls", "3 boxes", "5 kg", "none"], [4, 1, 2, 1, 1])
    6
    """
    by_word: dict[str, int] = {}
    for cell, n in zip(cells, counts, strict=True):
        part = take_apart(cell)
        if part or INFINITY.fullmatch(cell):
            word = part.unit if part and not is_unit(part.unit) else ""
            by_word[word] = by_word.get(word, 0) + n
    return by_word.pop("", 0) + max(by_word.values(), default=0)


def common_unit(cells: Sequence[str], counts: Sequence[int]) -> str:
    """The unit of the most rows.

    >>> common_unit(["$5", "$7", "12", "none"], [1, 1, 1, 9])
    '$'
    """
    rows: dict[str, int] = {}
    for cell, n in zip(cells, counts, strict=True):
        if part := take_apart(cell):
            rows[part.unit] = rows.get(part.unit, 0) + n
    return max(rows, key=rows.__getitem__, default="")


def is_unit(unit: str) -> bool:
    """Whether a word is a unit, a currency or percent, as far as they are known.

    >>> is_unit("kg"), is_unit("$"), is_unit("rolls")
    (True, True, False)
    """
    return unit in CURRENCIES or unit in PERCENT or unit in UNITS


def is_number(cell: str) -> bool:
    """Whether a cell may be a number, in whatever way of writing.

    >>> [is_number(cell) for cell in ("1.234,5", "-inf", "3 kg", "A3")]
    [True, True, True, False]
    """
    return bool(INFINITY.fullmatch(cell) or take_apart(cell))


def _affixes(prefix: str, suffix: str) -> tuple[str, int] | None:
    """The unit around a number and the power of ten, or None where they are no such thing."""
    if prefix and prefix not in CURRENCIES:
        return None
    words = suffix.split()
    attached = bool(suffix) and suffix[0] not in SPACES
    power = 0
    if words and words[0] in MAGNITUDES and (words[0] not in LETTERS or attached):
        power = MAGNITUDES[words.pop(0)]
    unit = " ".join(words)
    if unit and not is_unit(unit) and (attached or not re.fullmatch(r"[^\W\d_]{2,15}", unit)):
        return None  # a word of its own may be a unit that we do not know, if all cells have it
    if prefix and unit:
        return None
    return prefix or unit, power


def _shape(body: str, exponent: bool) -> tuple[str, Marks] | None:
    """Say how a number's digits are divided: its shape and what it shows about the marks, or None for no number."""
    used = list(dict.fromkeys(letter for letter in body if not letter.isdigit()))
    if not used:
        return "plain", Marks()
    last = body[max(body.rfind(mark) for mark in used)]
    if len(used) == 1 and last in ".,":
        if body.count(last) > 1:
            return ("grouped", Marks(thousands=last)) if not exponent and _in_groups(body, last) else None
        before, _, after = body.partition(last)
        if exponent or len(after) != 3 or not 1 <= len(before) <= 3 or before.startswith("0"):
            return "decimal", Marks(decimal=last)
        return "doubtful", Marks(decimal=last)
    if exponent or len(used) > 2:
        return None
    if len(used) == 1:
        return ("grouped", Marks(thousands=last)) if _in_groups(body, last) else None
    first = used[0]
    if last not in ".," or body.count(last) > 1 or not _in_groups(body.partition(last)[0], first):
        return None
    return "both", Marks(last, first)


def _in_groups(body: str, mark: str) -> bool:
    """Whether digits stand in groups of three, or of two before the last three as in India."""
    groups = body.split(mark)
    if len(body) - len(groups) + 1 > DIGITS_OF_A_NUMBER:  # a list: 290,291,292, ...
        return False
    first, rest = groups[0], groups[1:]
    if not (first.isdigit() and first[0] != "0" and all(group.isdigit() for group in rest)):
        return False
    sizes = [len(group) for group in rest]
    return sizes[-1] == 3 and (
        (len(first) <= 3 and set(sizes) == {3}) or (mark == "," and len(first) <= 2 and set(sizes[:-1]) == {2})
    )


def evidence(cells: Iterable[Cell]) -> Marks | None:
    """What the cells of a column show for certain about its marks; None where they contradict each other.

    >>> evidence([take_apart("1.234,5"), take_apart("7.000")])
    Marks(decimal=',', thousands='.')
    """
    certain = [cell.marks for cell in cells if cell.shape != "doubtful"]
    decimals = {marks.decimal for marks in certain} - {None}
    thousands = {marks.thousands for marks in certain} - {None}
    if len(decimals) > 1 or len(thousands - set(SPACES)) + bool(thousands & set(SPACES)) > 1 or decimals & thousands:
        return None
    return Marks(next(iter(decimals), None), next(iter(sorted(thousands)), None))  # type: ignore[type-var]


def read_numbers(cells: Sequence[str], known: Marks, told: bool = False) -> Numbers | Doubt | None:
    """Read a column's different cells as numbers.

    Parameters
    ----------
    cells : sequence of str
        Without white space around them.
    known : Marks
        What is known from elsewhere: from the user, from training, or from other columns.
    told : bool
        Whether that is certain for this column, so that its cells must keep to it.

    Returns
    -------
    Numbers, Doubt or None
        None unless every cell is a number, in one way of writing and one unit.

    Examples
    --------
    >>> read_numbers(["8.505", "950"], Marks(decimal=","))
    Numbers(values=(8505.0, 950.0), marks=Marks(decimal=None, thousands='.'), unit='', scaled=False)
    >>> read_numbers(["8.505", "950"], Marks()).cell
    '8.505'
    """
    plain = [cell for cell in cells if not INFINITY.fullmatch(cell)]
    apart = [take_apart(cell) for cell in plain]
    parts = [part for part in apart if part is not None]
    if len(parts) < len(plain):
        return None
    units = dict.fromkeys(part.unit for part in parts)
    if len(units) > 1:
        return _mixed_units(plain, parts)
    marks = known if told else _decided(parts, known)
    if marks is None:
        return None
    for cell, part in zip(plain, parts, strict=True):
        if part.shape == "doubtful" and part.body[-4] not in (marks.decimal, marks.thousands):
            return Doubt(cell, _two_readings(cell, part))
    values = {cell: _value(part, marks) for cell, part in zip(plain, parts, strict=True)}
    if None in values.values():
        return None
    numbers = tuple(float(cell) if cell not in values else values[cell] for cell in cells)
    used = {letter for part in parts for letter in part.body if not letter.isdigit()}
    occurring = Marks(*(mark if mark in used else None for mark in (marks.decimal, marks.thousands)))
    return Numbers(numbers, occurring, next(iter(units), ""), any(part.power for part in parts))  # type: ignore[arg-type]


def _decided(parts: Sequence[Cell], known: Marks) -> Marks | None:
    """The marks of a column: what its own cells show, completed by what is known; None where cells contradict."""
    marks = evidence(parts)
    if marks is None:
        return None
    for other in ("decimal", "thousands"):
        mark, against = getattr(known, other), marks.thousands if other == "decimal" else marks.decimal
        if getattr(marks, other) is None and mark is not None and mark != against:
            marks = replace(marks, **{other: mark})
    return complete(marks)


def complete(marks: Marks) -> Marks:
    """Point and comma share the two tasks: where one is known to be a decimal mark, the other can only group.

    >>> complete(Marks(decimal=",")), complete(Marks(thousands=","))
    (Marks(decimal=',', thousands='.'), Marks(decimal='.', thousands=','))
    """
    other = {".": ",", ",": "."}
    if marks.thousands is None and marks.decimal in other:
        return replace(marks, thousands=other[marks.decimal])
    if marks.decimal is None and marks.thousands in other:
        return replace(marks, decimal=other[marks.thousands])
    return marks


def _value(part: Cell, marks: Marks) -> float | None:
    """The number, or None where it is not written with these marks."""
    body = part.body
    decimal = marks.decimal or "."
    whole, mark, fraction = body.partition(decimal)
    groups = [letter for letter in whole if not letter.isdigit()]
    if groups:
        same = set(groups) <= {marks.thousands} or (set(groups) <= set(GROUP_MARKS))
        if not same or not _in_groups(whole, groups[0]):
            return None
    digits = "".join(letter for letter in whole if letter.isdigit())
    if mark and not (fraction.isdigit() or not fraction):
        return None
    exponent = part.exponent or (f"e{part.power}" if part.power else "")
    number = float(f"{digits or '0'}.{fraction or '0'}{exponent}")
    return -number if part.negative else number


def _two_readings(cell: str, part: Cell) -> str:
    mark = part.body[-4]
    named = {".": "points", ",": "commas"}[mark]
    as_group, as_decimal = part.body.replace(mark, ""), part.body.replace(mark, ".")
    return (
        f'"{cell}" is {int(as_group):,} if {named} mark thousands, and {as_decimal} if they mark decimals; '
        f'the file does not show which. Use --thousands "{mark}" or --decimal "{mark}".'
    )


def _mixed_units(cells: Sequence[str], parts: Sequence[Cell]) -> Doubt | None:
    """Say that units differ, where they are surely units; otherwise the column holds no numbers."""
    units = {part.unit for part in parts} - {""}
    if not all(map(is_unit, units)):
        return None
    first = parts[0].unit
    i = next(i for i, part in enumerate(parts) if part.unit != first)
    return Doubt(cells[i], f'"{cells[i]}" and "{cells[0]}" have different units. Write all cells in one unit.')
