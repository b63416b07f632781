"""How people write dates, times of day and durations; read where it is certain.

05/06/2012 has two readings. Which one is meant is decided from all cells of a column, and of its file; where they do
not decide it, `Doubt` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np

from chainrule.data.number_cells import Doubt

MICROSECONDS_PER_DAY = 86_400_000_000
EPOCH, MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
Order = Literal["dmy", "mdy", "ymd"]
Origin = Literal["date", "time", "duration"]
ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
PIVOT = 69  # years of two digits from here on are of the twentieth century, as POSIX has it
MONTHS = {
    name: number
    for names in (
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "january february march april may june july august september october november december",
        "jan feb mär apr mai jun jul aug sept okt nov dez",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "janv févr mars avr mai juin juil août sept oct nov déc",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "ene feb mar abr may jun jul ago sep oct nov dic",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    )
    for number, name in enumerate(names.split(), start=1)
}
CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
HALF = r"(?:\s?(?P<half>[aApP])\.?[mM]\.?)?"
ZONE = r"\s?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?"
TIME = rf"(?:(?:T|,?\s+){CLOCK}{HALF}{ZONE})?"
WEEKDAY = r"(?:[^\W\d_]{2,9}\.?,?\s+)?"
NUMERIC = re.compile(
    rf"(?P<a>[0-9]{{1,4}})(?P<mark>[-/.])(?P<b>[0-9]{{1,2}})(?:(?P=mark)(?P<c>[0-9]{{1,4}}))?{TIME}", re.ASCII
)
# What NumPy reads, all at once.
PLAIN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?P<zone>Z|\+00:00)?)?", re.ASCII
)
DAY_FIRST = re.compile(
    rf"{WEEKDAY}(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|\.)?[-\s/]?\s?(?P<month>[^\W\d_]{{3,10}})\.?,?[-\s/]?\s?"
    rf"(?P<year>[0-9]{{4}}){TIME}"
)
MONTH_FIRST = re.compile(
    rf"{WEEKDAY}(?P<month>[^\W\d_]{{3,10}})\.?\s(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,?\s(?P<year>[0-9]{{4}}){TIME}"
)
MONTH_ALONE = re.compile(r"(?P<month>[^\W\d_]{3,10})\.?[-\s/]?(?P<year>[0-9]{4})")
OF_DAY = re.compile(rf"{CLOCK}{HALF}", re.ASCII)
LONG = re.compile(
    r"(?P<sign>-)?(?P<hours>[0-9]+):(?P<minutes>[0-9]{2})(?::(?P<seconds>[0-9]{2}(?:[.,][0-9]+)?))?", re.ASCII
)
# As pandas writes them, and as ISO 8601 does.
DAYS = re.compile(
    r"(?P<days>-?[0-9]+) days?,? ?\+?"
    r"(?:(?P<hours>[0-9]{1,2}):(?P<minutes>[0-9]{2}):(?P<seconds>[0-9]{2}(?:\.[0-9]+)?))?",
    re.ASCII,
)
ISO = re.compile(
    r"(?P<sign>-)?P(?:(?P<days>[0-9]+)D)?(?:T(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?"
    r"(?:(?P<seconds>[0-9]+(?:[.,][0-9]+)?)S)?)?",
    re.ASCII,
)

# As people write them. One part alone, as in 45 m, may be a length, and is a number with a unit.
PARTS = re.compile(
    r"(?:(?P<days>[0-9]+)\s?(?:days?|d)(?:,?\s*))?(?:(?P<hours>[0-9]+)\s?(?:hours?|hrs?|h)(?:,?\s*))?"
    r"(?:(?P<minutes>[0-9]+)\s?(?:minutes?|mins?|m)(?:,?\s*))?"
    r"(?:(?P<seconds>[0-9]+(?:[.,][0-9]+)?)\s?(?:seconds?|secs?|s))?",
    re.ASCII,
)


class Moment(NamedTuple):
    """Microseconds since 1970-01-01 in UTC; whether the cell names a zone other than UTC, None if it has no time."""

    microseconds: int
    zone: bool | None


@dataclass(frozen=True)
class Moments:
    """A column of dates, times of day or durations, read.

    Attributes
    ----------
    values : float64 array
        One for each cell: days since 1970-01-01, hours since midnight, or seconds.
    origin : {"date", "time", "duration"}
    order : {"dmy", "mdy", "ymd"} or None
        How day, month and year follow each other where the year does not stand first with four digits.
    """

    values: np.ndarray
    origin: Origin
    order: Order | None = None


@dataclass(frozen=True)
class BadCell:
    """A column of dates (of this order), times or durations in which this cell is none."""

    cell: str
    origin: Origin
    order: Order | None = None


def read_moments(
    cells: Sequence[str],
    counts: Sequence[int],
    mostly: float,
    order: Order | None = None,
    origin: str | None = None,
) -> Moments | Doubt | BadCell | None:
    """Read a column's different cells as dates, times of day or durations.

    Parameters
    ----------
    cells : sequence of str
        Without white space around them.
    counts : sequence of int
        In how many rows each stands.
    mostly : float
        The share of rows from which on a column holds dates with mistakes in it.
    order
        As in `Moments`, where it is known from elsewhere.
    origin : str, optional
        Of a column that held times or durations before, which of the two.

    Returns
    -------
    Moments, Doubt, BadCell or None
        None if the column holds something else.

    Examples
    --------
    >>> read_moments(["31/01/2012", "01/02/2012"], [1, 1], 0.8)
    Moments(values=array([15370., 15371.]), origin='date', order='dmy')
    >>> read_moments(["01/02/2012"], [1], 0.8).cell
    '01/02/2012'
    >>> read_moments(["7:30", "18:45"], [1, 1], 0.8)
    Moments(values=array([ 7.5 , 18.75]), origin='time', order=None)
    """
    found = _plain_dates(cells) or _dates(cells, counts, mostly, order)
    if found is not None:
        return found
    seconds = _seconds_of_parts if origin == "duration" or any(map(_has_parts, cells)) else _seconds
    readers: dict[Origin, Callable[[str], float | None]] = {"time": _hours, "duration": seconds}
    for kind, read in readers.items():
        if origin in readers and origin != kind:
            continue
        values = [read(cell) for cell in cells]
        share = sum(n for n, value in zip(counts, values, strict=True) if value is not None) / sum(counts)
        if share == 1 and kind == "duration" and (cell := next((c for c in cells if c.count(":") == 1), None)):
            return Doubt(
                cell, f'"{cell}" may be hours and minutes, or minutes and seconds. Write hours:minutes:seconds.'
            )
        if share == 1:
            return Moments(np.array(values, dtype=np.float64), kind)
        if share >= mostly and (kind == "duration" or not all(map(seconds, cells))):
            return BadCell(cells[values.index(None)], kind)
    return None


def _plain_dates(cells: Sequence[str]) -> Moments | None:
    """Dates as ISO 8601 writes them, in UTC; None where a cell is anything else."""
    found = [PLAIN.fullmatch(cell) for cell in cells]
    if not all(found):
        return None
    try:
        moments = np.array([cell.partition("+")[0].rstrip("Z")[:26] for cell in cells], dtype="datetime64[us]")
    except ValueError:  # such as the 30th of February
        return None
    return Moments(moments.astype(np.int64) / MICROSECONDS_PER_DAY, "date")


def _dates(
    cells: Sequence[str], counts: Sequence[int], mostly: float, known: Order | None
) -> Moments | Doubt | BadCell | None:
    readings = {order: [_date(cell, order, short=True) for cell in cells] for order in ([known] if known else ORDERS)}
    weights = {order: sum(n for n, m in zip(counts, found, strict=True) if m) for order, found in readings.items()}
    most = max(weights.values())
    dates = sum(n for n, cell in zip(counts, cells, strict=True) if any(_date(cell, o, short=True) for o in ORDERS))
    if most == 0 or dates < mostly * sum(counts):  # of whatever order
        return None
    likely = {order: found for order, found in readings.items() if weights[order] == most}
    order, found = next(iter(likely.items()))
    if most < sum(counts):
        return BadCell(cells[found.index(None)], "date", order)
    for i, cell in enumerate(cells):
        different = {other: moments[i] for other, moments in likely.items()}
        if len(set(different.values())) > 1:
            shown = ", ".join(f"{_day(moment)} ({name})" for name, moment in different.items() if moment)
            flags = " or ".join(f"--dates {name}" for name in different)
            return Doubt(
                cell, f'"{cell}" has {len(different)} readings, {shown}; the file does not show which. Use {flags}.'
            )
    moments = [moment for moment in found if moment is not None]
    without = [cell for cell, moment in zip(cells, moments, strict=True) if moment.zone is False and _no_zone(cell)]
    if without and any(moment.zone for moment in moments):
        cell = without[0]
        return Doubt(cell, f'"{cell}" has no time zone, and other cells of the column have one. Write it in all cells.')
    free = all(_date(cell, "ymd", short=False) for cell in cells)  # no numeric date but those with the year first
    days = np.array([moment.microseconds for moment in moments], dtype=np.int64) / MICROSECONDS_PER_DAY
    return Moments(days, "date", None if free else order)


def _date(cell: str, order: Order, *, short: bool) -> Moment | None:
    """The date in a cell, or None; `short` says whether its year may have two digits."""
    found = NUMERIC.fullmatch(cell)
    if found is None:
        return _named(cell)
    a, b, c = found["a"], found["b"], found["c"]
    if len(a) == 4:
        if found["mark"] == "." and c is None:
            return None  # a number
        return None if c is not None and len(c) > 2 else _moment(a, b, c or "1", found)
    if c is None or len(a) > 2 or len(c) not in ((2, 4) if short else (4,)):
        return None
    if len(c) == 2 and found["mark"] == "." and not len(a) == len(b) == 2:
        return None  # a version, such as 1.2.13
    if order == "ymd":
        return _moment(_long(a), b, c, found) if len(a) == len(b) == len(c) == 2 else None
    if found["mark"] == "." and order == "mdy":
        return None
    return _moment(_long(c), *((b, a) if order == "dmy" else (a, b)), found)


def _long(year: str) -> str:
    return year if len(year) == 4 else f"{'19' if int(year) >= PIVOT else '20'}{year}"


def _named(cell: str) -> Moment | None:
    """The date in a cell that names the month, or None."""
    for pattern in (DAY_FIRST, MONTH_FIRST, MONTH_ALONE):
        found = pattern.fullmatch(cell)
        if found and (month := MONTHS.get(found["month"].lower())):
            groups = found.groupdict()
            return _moment(groups["year"], str(month), groups.get("day", "1"), found)
    return None


def _moment(year: str, month: str, day: str, found: re.Match[str]) -> Moment | None:
    """The moment in UTC, or None where there is no such day or time."""
    groups = found.groupdict()
    try:
        moment = datetime(int(year), int(month), int(day))
    except ValueError:
        return None
    if groups.get("hour") is None:
        return Moment((moment - EPOCH) // MICROSECOND, None)
    clock = _clock(groups)
    if clock is None:
        return None
    offset = _offset(groups["zone"] or "Z")
    return Moment((moment - EPOCH) // MICROSECOND + clock - offset, offset != 0)


def _clock(groups: dict[str, str | None]) -> int | None:
    """Microseconds since midnight, or None where there is no such time."""
    hour, minute, second = (int(groups[name] or 0) for name in ("hour", "minute", "second"))
    half = groups["half"]
    if minute > 59 or second > 59 or not (1 <= hour <= 12 if half else hour <= 23):
        return None
    if half:
        hour = hour % 12 + 12 * (half in "pP")
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((groups["fraction"] or "").ljust(6, "0")[:6])


def _offset(zone: str) -> int:
    """Microseconds by which a zone's clock is ahead of UTC."""
    if zone[0] not in "+-":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    return (-1 if zone[0] == "-" else 1) * (hours * 60 + minutes) * 60_000_000


def _hours(cell: str) -> float | None:
    """Hours since midnight, or None."""
    found = OF_DAY.fullmatch(cell)
    clock = _clock(found.groupdict()) if found else None
    return None if clock is None else clock / 3_600_000_000


def _has_parts(cell: str) -> bool:
    """Whether a cell is a duration in two parts or more, as in 1h 30m."""
    found = PARTS.fullmatch(cell)
    return found is not None and sum(value is not None for value in found.groups()) > 1


def _seconds_of_parts(cell: str) -> float | None:
    """The seconds of a duration, which may be written as 1h 30m or 45m, or None.

    >>> _seconds_of_parts("1h 30m"), _seconds_of_parts("2 days, 3 hours"), _seconds_of_parts("45m")
    (5400.0, 183600.0, 2700.0)
    """
    return _seconds(cell, (LONG, DAYS, ISO, PARTS))


def _seconds(cell: str, patterns: Sequence[re.Pattern[str]] = (LONG, DAYS, ISO)) -> float | None:
    """The seconds of a duration, or None."""
    found = next((found for pattern in patterns if (found := pattern.fullmatch(cell))), None)
    if found is None or not any(letter.isdigit() for letter in cell):
        return None
    groups = {name: value or "0" for name, value in found.groupdict().items()}
    seconds = int(groups["hours"]) * 3600 + int(groups["minutes"]) * 60 + float(groups["seconds"].replace(",", "."))
    total = int(groups.get("days", "0")) * 86_400 + seconds
    return -total if groups.get("sign") == "-" else total


def _no_zone(cell: str) -> bool:
    found = next(found for pattern in (NUMERIC, DAY_FIRST, MONTH_FIRST) if (found := pattern.fullmatch(cell)))
    return found["zone"] is None


def _day(moment: Moment) -> str:
    return str(np.datetime64(moment.microseconds, "us").astype("datetime64[D]"))
