"""Cells that pack several things: found in every form that a learner meets, taken apart by the query that is named."""

import sqlite3
from contextlib import closing
from itertools import product

import numpy as np
import pytest

from chainrule.data.tables import read_table
from chainrule.models.doctor import diagnose
from chainrule.models.setup import set_up

N = 96


def cells(*different):
    order = np.random.default_rng(1).integers(0, len(different), N)
    order[: len(different)] = np.arange(len(different))
    return [different[i] for i in order]


def table(values):
    rng = np.random.default_rng(0)
    return {
        "f": np.array(values, dtype=object if isinstance(values[0], str) else None),
        "b": rng.normal(size=N),
        "price": rng.normal(size=N),
    }


def found(diagnosis):
    return [one for one in diagnosis.findings if one.check == "packed columns"]


BITS = ["".join(bits) for bits in product("01", repeat=3)]
# The cells, and the values of each part that the query must find in the first of them.
PACKED = {
    "three digits of text": (BITS[5:] + BITS[:5], "101"),
    "some of them": (["101", "010", "110"], "101"),
    "digits without their zeros": ([110, 101, 10, 11, 111, 1, 0, 100], "110"),
    "three such numbers": ([101, 10, 110], "101"),
    "codes of two places": ([11, 12, 21, 22], "11"),
    "codes of three places": ([112, 113, 111, 211, 212, 213], "12"),  # the middle one never changes
    "floor and room": ([101, 102, 103, 201, 202, 203], "11"),
    "semicolons": (["1;0;1", "0;0;1", "1;1;0"], "101"),
    "slashes": (["0/1/1", "1/1/0", "1/0/0"], "011"),
    "commas": (["1, 0, 1", "0, 0, 1", "1, 1, 0"], "101"),
    "spaces": (["1 0 1", "0 0 1", "1 1 0"], "101"),
    "lists": (["[1, 0, 1]", "[0, 0, 1]", "[1, 1, 0]"], "101"),
    "bars": (["1|0|1", "0|0|1", "1|1|0"], "101"),
    "dots": (["1.0.1", "0.0.1", "1.1.0"], "101"),
    "underscores": (["1_0_1", "0_0_1", "1_1_0"], "101"),
    "letters": (["YNY", "NNY", "YYN"], "YNY"),
    "signs": (["+-+", "--+", "++-"], "+-+"),
    "words": (["yes no yes", "no yes yes", "yes yes no"], ("yes", "no", "yes")),
    "two facts": (["light blue", "dark blue", "light red", "dark red"], ("light", "blue")),
    "letter and digit": (["a1", "a2", "b1", "b2"], "a1"),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_cells_are_found(name):
    (one,) = found(diagnose(table(cells(*PACKED[name][0]))))
    assert one.severity == "warning"
    assert '"f" packs' in one.what
    assert not [f for f in diagnose(table(cells(*PACKED[name][0]))).findings if f.check == "codes"]


@pytest.mark.parametrize("name", PACKED)
def test_the_query_takes_them_apart(name, tmp_path):
    different, parts = PACKED[name]
    columns = table(cells(*different))
    quote = '"' if isinstance(different[0], str) else ""
    lines = [
        f"{quote}{f}{quote},{b!r},{price!r}"
        for f, b, price in zip(columns["f"], columns["b"].tolist(), columns["price"].tolist(), strict=True)
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["f,b,price", *lines]) + "\n")
    (one,) = found(diagnose(path))
    assert set(one.options) == {"sql"}
    made = read_table(path, **one.options)
    assert not found(diagnose(made))
    new = [column for column in made.columns if column.name.startswith("f ")]
    first = [str(column.values[0]).removesuffix(".0") for column in new]
    assert first == list(parts)
    assert made.names[-1] == "price"  # the target is still the last
    assert "f" not in made.names
    assert set_up(made).X.size


@pytest.mark.parametrize("name", [name for name in PACKED if not isinstance(PACKED[name][0][0], str)])
def test_numbers_in_a_frame_can_be_read_as_names(name):
    columns = table(cells(*PACKED[name][0]))
    (one,) = found(diagnose(columns))
    assert one.options == {"nominal": ("f",)}
    assert not found(diagnose(columns, **one.options))


def test_several_columns_and_targets_in_one_query(tmp_path):
    rng = np.random.default_rng(0)
    bits, targets = cells(*BITS), cells(101, 10, 110, 1, 111, 11)
    columns = zip(bits, rng.normal(size=N), cells(11, 12, 21, 22), targets, strict=True)
    rows = [f"{a},{b:.3f},{c},{d}" for a, b, c, d in columns]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b,c,d", *rows]) + "\n")
    options = {"target": "d", "task": "regression"}
    (one,) = found(diagnose(path, **options))
    assert one.what.count("packs") == 3
    assert one.options["target"] == ("d 1", "d 2", "d 3")
    setup = set_up(path, **{**options, **one.options})
    assert setup.Y.shape[1] == 3
    assert not found(diagnose(path, **{**options, **one.options}))


PLAIN = {
    "powers of ten": [0, 1, 10, 100],
    "one and eleven": [1, 10, 11],
    "tens": [0, 10, 20, 30],
    "fives": [10, 15, 20, 25, 30, 35],
    "a range": [10, 11, 12, 13],
    "a longer range": list(range(10, 40)),
    "years": [2008, 2009, 2018, 2019],
    "few": [1, 2, 3],
    "two": [10, 20],
    "hundreds": [100, 200, 300, 1000],
    "months": list(range(1, 13)),
    "odd": [3, 7, 12, 18, 31],
    "fractions": [1.5, 2.5, 10.5, 11.5],
    "negative": [-11, -10, 10, 11],
    "words": ["red", "blue", "bay"],
    "places": ["north-east", "north-west", "south", "west"],
    "hyphens": ["self-employed", "un-employed", "re-tired"],
    "grades": ["A+", "A", "A-", "B+", "B"],
    "two names": ["aa", "ab"],
    "genotypes": ["AA", "AG", "GG"],
    "genotypes with a slash": ["A/A", "A/G", "G/G"],
    "numbered": ["01", "02", "03"],
    "sizes": ["S", "M", "L", "XL"],
    "people": ["Ann Smith", "Bob Jones", "Cy Young", "Di Brown"],
    "versions": ["1.0", "1.1", "2.0"],
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_cells_are_left_alone(name):
    assert not [one for one in found(diagnose(table(cells(*PLAIN[name])))) if "packs" in one.what]


def test_numbers_by_chance_are_left_alone():
    rng = np.random.default_rng(3)
    for _ in range(60):
        low, width = int(rng.integers(0, 300)), int(rng.integers(2, 400))
        different = np.unique(rng.integers(low, low + width, int(rng.integers(3, 12))))
        if len(different) < 3 or set("".join(map(str, different))) <= {"0", "1"}:
            continue
        values = cells(*different.tolist())
        assert not [one for one in found(diagnose(table(values))) if "packs" in one.what], different


def test_a_query_is_named_only_where_it_can_be_used(tmp_path):
    """A file that is read with options of its own, or by another engine's SQL, gets words in place of a flag."""
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["f;b;price", *(f"{f};{i % 7};{i % 5},5" for i, f in enumerate(cells(*BITS)))]) + "\n")
    (one,) = found(diagnose(path, decimal=","))
    assert one.options == {}
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection, connection:
        connection.execute("create table t (f text, b real, price real)")
        connection.executemany(
            "insert into t values (?, ?, ?)", [(f, i % 7, i % 5) for i, f in enumerate(cells(*BITS))]
        )
    (one,) = found(diagnose(tmp_path / "t.db"))
    assert one.options == {}
    assert "--sql" in one.remedy
