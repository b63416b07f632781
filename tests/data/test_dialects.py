"""Tables of known values, written in whatever way people and programs write them: read as they were, or refused."""

from __future__ import annotations

import csv
import datetime
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chainrule.data.tables import Table, read_table
from chainrule.errors import ChainruleError

EPOCH = datetime.datetime(1970, 1, 1)
WORDS = st.sampled_from(["north", "Zoë", "old town", "x, y", 'the "end"', "a;b", "ä|ö", "Straße", "tab\there"])


@dataclass(frozen=True)
class Dialect:
    """One way of writing a table."""

    delimiter: str
    decimal: str
    thousands: str
    places: int
    date: str
    unit: str
    missing: str
    encoding: str
    end: str
    quoting: int
    title: bool
    comment: bool
    sep: bool
    trailing: bool

    def number(self, value: float) -> str:
        """The number as this dialect writes it."""
        text = (
            f"{abs(value):,.{self.places}f}".replace(",", "T").replace(".", self.decimal).replace("T", self.thousands)
        )
        sign = "-" if value < 0 else ""
        return f"{sign}$ {text}" if self.unit == "$" else f"{sign}{text}{self.unit}"

    def meant(self, value: float) -> float:
        """The number that stands there then."""
        return float(f"{value:.{self.places}f}")


DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    thousands=st.sampled_from(["", "", ".", ",", " ", "'", "\u00a0"]),
    places=st.integers(0, 4),
    date=st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d %H:%M", "%d %b %Y", "%m-%d-%Y"]),
    unit=st.sampled_from(["", "", "", "$", " %", " kg", "€"]),
    missing=st.sampled_from(["", "NA", "n.d."]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    title=st.booleans(),
    comment=st.booleans(),
    sep=st.booleans(),
    trailing=st.booleans(),
).filter(lambda dialect: dialect.thousands != dialect.decimal)


def to_the_minute(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(second=0, microsecond=0)


NUMBERS = st.floats(-2e6, 2e6) | st.floats(-2000, 2000) | st.integers(-9999, 9999).map(float)
ROWS = st.lists(
    st.tuples(
        st.none() | NUMBERS,
        NUMBERS,
        st.integers(0, 10**6),
        st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2049, 12, 31)).map(to_the_minute),
        WORDS,
    ),
    min_size=2,
    max_size=12,
)
NAMES = ("amount", "size", "count", "day", "place")


def write(path: Path, dialect: Dialect, rows: list) -> None:
    """Write the rows in that dialect."""
    out = io.StringIO(newline="")
    if dialect.sep:
        out.write(f"sep={dialect.delimiter}{dialect.end}")
    elif dialect.title:
        out.write(f"Report{dialect.end}{dialect.end}")
    elif dialect.comment:
        out.write(f"# made by hand{dialect.end}")
    writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator=dialect.end, quoting=dialect.quoting)
    last = [""] if dialect.trailing else []
    writer.writerow([*NAMES, *last])
    for amount, size, count, day, place in rows:
        first = dialect.missing if amount is None else dialect.number(amount)
        cells = [first, dialect.number(size), str(count), day.strftime(dialect.date), place]
        writer.writerow([*cells, *last])
    path.write_bytes(out.getvalue().encode(dialect.encoding))


def wanted(dialect: Dialect, rows: list) -> dict[str, list]:
    """What the table holds."""
    days = [datetime.datetime.strptime(row[3].strftime(dialect.date), dialect.date) for row in rows]
    return {
        "amount": [np.nan if row[0] is None else dialect.meant(row[0]) for row in rows],
        "size": [dialect.meant(row[1]) for row in rows],
        "count": [float(row[2]) for row in rows],
        "day": [(day - EPOCH) / datetime.timedelta(days=1) for day in days],
        "place": [row[4] for row in rows],
    }


def differences(table: Table, columns: dict[str, list]) -> list[str]:
    """Which columns are not what they should be."""
    if table.names != NAMES or table.n_rows != len(columns["size"]):
        return [f"{table.names}, {table.n_rows} rows"]
    found = []
    for name, values in columns.items():
        column = table.column(name)
        if name != "place" and all(value != value for value in values):
            same = bool(column.missing.all())
        elif name == "place":
            same = column.values.tolist() == values
        else:
            same = column.kind == "number" and np.array_equal(column.values, values, equal_nan=True)
        if not same:
            found.append(f"{name}: {column.values.tolist()}, and not {values}")
    return found


@pytest.mark.parametrize("told", [False, True])
@given(dialect=DIALECTS, rows=ROWS)
def test_what_was_written_is_read_or_refused(tmp_path_factory, told, dialect, rows):
    path = tmp_path_factory.mktemp("dialects") / "t.csv"
    try:
        write(path, dialect, rows)
    except UnicodeEncodeError:
        return
    options = {"missing_tokens": ["n.d."]}
    if told:
        order = {"%d": "dmy", "%m": "mdy"}.get(dialect.date[:2])
        options |= {"decimal": dialect.decimal, "dates": order, "delimiter": dialect.delimiter}
        options |= {"thousands": dialect.thousands.replace("\u00a0", " ") or None, "header": True}
        options |= {"encoding": dialect.encoding, "skip": int(dialect.sep) or 2 * dialect.title or int(dialect.comment)}
    refused = ""
    try:
        table = read_table(path, **options)
    except ChainruleError as error:
        refused = str(error)
    event("refused" if refused else "read")
    if refused:
        assert not told
        assert "t.csv" in refused
    else:
        assert differences(table, wanted(dialect, rows)) == []
