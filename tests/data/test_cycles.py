"""Dates and times as numbers: elapsed days, and the place in the year, the week and the day."""

from __future__ import annotations

import datetime
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data.columns import Column, Table
from chainrule.data.encoding import Encoding, fit_encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.number_input import NumberInput, periods_of
from chainrule.data.tables import read_table
from chainrule.errors import DataError, ModelFileError

START = datetime.datetime(2020, 1, 1)


def moments(hours) -> list[str]:
    return [(START + datetime.timedelta(hours=int(hour))).isoformat() for hour in hours]


def fit(cells, **options) -> Encoding:
    return fit_encoding(read_table({"when": cells, "y": [0.5 * i for i in range(len(cells))]}), EncodingPlan(**options))


def test_a_date_worked_by_hand():
    """Thursday 1970-01-01 is day 0; 2020-01-02 at 06:00 is day 18263.25: 0.25 of a day, 0.0357... of a week."""
    hours = [24 * day + 6 * (day % 4) for day in range(0, 800, 7)] + [24]
    encoding = fit(moments(hours))
    assert encoding.node_names == (
        "when", "when (year, sine)", "when (year, cosine)", "when (week, sine)", "when (week, cosine)",
        "when (day, sine)", "when (day, cosine)",
    )  # fmt: skip
    table = read_table({"when": ["2020-01-02T06:00", "1969-12-31T00:00"]})
    X = encoding.encode_inputs(table)
    day = 18263.25
    year, week = day / 365.2425, (day % 7) / 7
    assert week == pytest.approx(0.25 / 7)
    expected = [math.sin(2 * math.pi * year), math.cos(2 * math.pi * year),
                math.sin(2 * math.pi * week), math.cos(2 * math.pi * week), 1.0, 0.0]  # fmt: skip
    np.testing.assert_allclose(X[0, 1:], expected, atol=1e-9)
    item = encoding.inputs[0]
    assert X[0, 0] == (day - item.center) / item.scale
    np.testing.assert_allclose(X[1, 5:], [0, 1], atol=1e-9)  # midnight, before 1970 too
    assert encoding.describe()[0]["read_as"] == "date"
    assert "sine and cosine of year, week, day" in encoding.describe()[0]["done"]


@pytest.mark.parametrize(
    ("hours", "cycles"),
    [
        ([24 * day for day in range(13)], ()),  # less than two weeks
        ([24 * day for day in range(20)], ("week",)),
        ([24 * 7 * week for week in range(10)], ()),  # always a Wednesday
        ([24 * 7 * week for week in range(60)], ("year",)),
        ([24 * day for day in range(0, 400, 9)], ("year", "week")),
        ([0, 5, 11], ("day",)),
        ([24 * day + 18 for day in range(5)], ()),  # always at six
    ],
)
def test_a_cycle_needs_dates_at_different_places_of_it(hours, cycles):
    assert fit(moments(hours)).inputs[0].cycles == cycles


def test_the_training_rows_decide():
    table = read_table({"when": moments(range(0, 24 * 800, 24)), "y": [0.5 * i for i in range(800)]})
    assert fit_encoding(table, EncodingPlan(), np.arange(10)).inputs[0].periods == ()


def test_times_of_day_and_durations():
    hours = Column("when", "number", np.array([0.0, 6.0, 23.5]), "", "time")
    seconds = Column("long", "number", np.array([0.0, 60.0, 3600.0]), "", "duration")
    y = Column("y", "number", np.array([0.5, 1.0, 3.0]))
    table = Table((hours, seconds, y), "t")
    encoding = fit_encoding(table, EncodingPlan())
    assert encoding.node_names == ("when", "when (day, sine)", "when (day, cosine)", "long")
    np.testing.assert_allclose(encoding.encode_inputs(table)[1, 1:3], [1, 0], atol=1e-12)
    assert [row["read_as"] for row in encoding.describe()[:2]] == ["time", "duration"]


def test_gaps():
    cells = [None, *moments(range(0, 24 * 800, 24))]
    encoding = fit(cells)
    assert encoding.node_names[-1] == "when is missing"
    X = encoding.encode_inputs(read_table({"when": [None, "2021-01-01"]}))
    np.testing.assert_array_equal(X[0, 1:], [0, 0, 0, 0, 1])
    assert X[1, -1] == 0
    assert X[0, 0] == (encoding.inputs[0].fill - encoding.inputs[0].center) / encoding.inputs[0].scale


@given(st.floats(-1e6, 1e6), st.integers(-50, 50), st.sampled_from([365.2425, 7.0, 1.0, 24.0]))
def test_a_wave_is_the_same_a_period_later(value, turns, period):
    item = NumberInput("c", 0.0, 1.0, periods=(period,))
    waves = item.waves(np.array([value, value + turns * period]))
    np.testing.assert_allclose(waves[0], waves[1], atol=1e-6)
    np.testing.assert_allclose((waves**2).sum(axis=1), 1.0)
    np.testing.assert_allclose(
        waves[0], [np.sin(2 * np.pi * value / period), np.cos(2 * np.pi * value / period)], atol=1e-6
    )


def test_they_come_back_from_a_file_and_are_not_trusted():
    encoding = fit(moments(range(0, 24 * 800, 24)))
    record = json.loads(json.dumps(encoding.to_dict()))
    assert Encoding.from_dict(record) == encoding
    for key, value in [
        ("periods", [0.0]), ("periods", [7.0, 7.0]), ("periods", 7.0), ("periods", ["7"]), ("origin", "month"),
        ("low", "x"), ("high", math.inf), ("periods", [-1.0]),
    ]:  # fmt: skip
        damaged = {**record, "inputs": [{**record["inputs"][0], key: value}]}
        with pytest.raises(ModelFileError):
            Encoding.from_dict(damaged)


def test_older_files_say_only_whether_it_was_a_date():
    record = fit(moments(range(0, 24 * 10, 24))).to_dict()
    item = {key: value for key, value in record["inputs"][0].items() if key not in ("origin", "periods", "low", "high")}
    for date, origin in ((True, "date"), (False, "float")):
        old = Encoding.from_dict({**record, "inputs": [{**item, "date": date}]}).inputs[0]
        assert (old.origin, old.periods, old.low, old.high) == (origin, (), None, None)
    assert Encoding.from_dict({**record, "inputs": [item]}).inputs[0].origin == "float"


DAYS = ["2012-01-31", "2012-02-01", "2012-02-03"]


@pytest.mark.parametrize(
    "wrong",
    [[20120605, 20120606], [1.5, 2.5], np.array([15000, 15001]), [None, 20120605], [True, False]],
)
def test_numbers_are_no_dates(wrong):
    with pytest.raises(DataError) as refused:
        fit(DAYS).encode_inputs(read_table({"when": wrong}))
    message = str(refused.value)
    assert 'column "when": ' in message
    assert "was read as numbers here, but this column was read as dates in training" in message
    assert "from 2012-01-31 to 2012-02-03. Write dates as 2012-01-31; in Python give dates, not numbers." in message


def test_dates_are_no_numbers():
    table = {"when": [20120131, 20120201, 20120203], "y": [0.5, 1.0, 2.5]}
    encoding = fit_encoding(read_table(table), EncodingPlan())
    with pytest.raises(DataError, match=r'column "when": 2012-01-31 was read as dates here, but .* as numbers'):
        encoding.encode_inputs(read_table({"when": DAYS}))


def test_text_is_no_date():
    with pytest.raises(DataError, match='"soon" is not a date, but this column was read as dates in training'):
        fit(DAYS).encode_inputs(read_table({"when": ["2012-01-31", "soon"]}))


def test_periods_of_nothing():
    assert periods_of("duration", np.array([1.0, 1e9])) == ()
    assert periods_of("time", np.array([3.0, 3.0])) == ()
