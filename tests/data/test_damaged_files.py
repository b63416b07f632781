"""Files that are damaged or strange: a clear refusal or a table, and nothing else."""

from __future__ import annotations

import codecs
import contextlib
import encodings.aliases
import gzip
import json
import random
import sqlite3
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chainrule.data.tables import read_table
from chainrule.data.text_files import open_text
from chainrule.errors import ChainruleError, DataError, UsageError
from chainrule.models.model_file import load

ROWS = [{"k": i, "x": i / 7, "name": "ab"[i % 2], "day": f"2020-01-{i + 1:02}"} for i in range(9)]
FEW, MANY = 3, pytest.param(100, marks=pytest.mark.long)  # damaged copies of each file


def whole_files(folder: Path) -> dict[str, bytes]:
    """One small file of each kind that is read, or that people try to have read."""
    frame = pd.DataFrame(ROWS)
    csv = frame.to_csv(index=False).encode()
    frame["day"] = pd.to_datetime(frame["day"])
    frame.to_parquet(folder / "t.parquet")
    with sqlite3.connect(folder / "t.db") as connection:
        frame.to_sql("t", connection, index=False)
    connection.close()
    np.savez(folder / "t.npz", a=np.eye(3))
    lines = "\n".join(map(json.dumps, ROWS)).encode()
    return {
        "t.csv": csv,
        "t.tsv": csv.replace(b",", b"\t"),
        "u.csv": csv.decode().encode("utf-16"),
        "t.csv.gz": gzip.compress(csv, mtime=0),
        "t.parquet": (folder / "t.parquet").read_bytes(),
        "t.json": json.dumps(ROWS).encode(),
        "t.jsonl": lines,
        "t.db": (folder / "t.db").read_bytes(),
        "t.npz": (folder / "t.npz").read_bytes(),
        "t.xlsx": b"PK\x03\x04" + bytes(range(256)),
        "t.csv.zst": b"\x28\xb5\x2f\xfd" + bytes(range(256)),
    }


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The file cut off, with bytes changed, removed, doubled or put in, or zeros from some place on."""
    place = draw.randrange(len(content))
    end = min(len(content), place + draw.choice([1, 2, 8, 300]))
    return draw.choice(
        [
            content[:place],
            content[:place] + draw.randbytes(end - place) + content[end:],
            content[:place] + content[end:],
            content[:end] + content[place:],
            content[:place] + draw.choice([b"\0", b"\xff\xff", b"\r", b'"', b"\n\n", b"\xf0\x9f"]) + content[place:],
            content[:place] + bytes(len(content) - place),
        ]
    )


@pytest.mark.parametrize("rounds", [FEW, MANY])
@pytest.mark.parametrize(
    "name",
    ["t.csv", "t.tsv", "u.csv", "t.csv.gz", "t.parquet", "t.json", "t.jsonl", "t.db", "t.npz", "t.xlsx", "t.csv.zst"],
)
def test_damaged_bytes_are_refused_or_read(tmp_path, monkeypatch, name, rounds):
    monkeypatch.chdir(tmp_path)
    content = whole_files(tmp_path)[name]
    draw = random.Random(name)
    refused = 0
    for _ in range(rounds):
        Path(name).write_bytes(damaged(content, draw))
        for options in ({}, {"sql": "select * from t" if name == "t.db" else "from data"}):
            said = refusal(name, **options)
            refused += bool(said)
            assert "\n" not in said  # one line; the command line shows control characters by their numbers
    assert refused or name in ("t.csv", "t.tsv", "u.csv")


def refusal(*arguments: object, **options: object) -> str:
    """What is said where a table is not read; nothing where it is."""
    try:
        assert read_table(*arguments, **options).n_rows > 0
    except ChainruleError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("rounds", [FEW, MANY])
def test_a_damaged_model_is_refused_or_usable(tmp_path, rounds):
    import chainrule as cr

    path = cr.train("xor", hidden=2, epochs=2, seed=0).save(tmp_path / "m.safetensors")
    content, draw = path.read_bytes(), random.Random(0)
    for _ in range(8 * rounds):
        path.write_bytes(damaged(content, draw))
        with contextlib.suppress(ChainruleError):
            load(path).predict("xor")


@pytest.mark.parametrize("word", ["\udcff", "\0", "a\0b", "'", "'') --", "\\", "é"])
def test_missing_tokens_are_no_sql(tmp_path, word):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n,y\n", encoding="utf-8")
    table = read_table(path, missing_tokens=("", word))
    assert table.column("a").missing.tolist() == [False, True]
    assert table.column("b").values.tolist() == ["x", "y"]


def test_a_gzip_file_that_is_damaged_inside(tmp_path):
    """Its header is whole, so that the error comes from the decompressor and not from the module around it."""
    path = tmp_path / "t.csv.gz"
    content = bytearray(gzip.compress(b"a,b\n1,2\n" * 1000))
    content[10:14] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read"):
        read_table(path)


def test_names_of_columns_may_be_any_text(tmp_path):
    """They come from the file, and are no part of any statement."""
    names = ["a\0b", 'quo"te', "semi;colon", "--", "c0", "result", "rowid", "', drop", "ä", "\n", " "]
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(dict.fromkeys(names, 1)) + "\n" + json.dumps(dict.fromkeys(names, 2)) + "\n")
    table = read_table(path)
    assert table.names == tuple(names)
    assert all(column.values.tolist() == [1, 2] for column in table.columns)
    frame = pd.DataFrame({name: [1, 2] for name in names if "\0" not in name})
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").names == tuple(frame.columns)
    assert read_table(tmp_path / "t.parquet", sql="select * from data").names == tuple(frame.columns)


@pytest.mark.parametrize("date", ["5874897-12-31", "infinity", "-infinity"])
def test_dates_that_cannot_be_counted(tmp_path, monkeypatch, date):
    import duckdb

    monkeypatch.chdir(tmp_path)
    query = f"select unnest([date '2020-01-01', date '{date}', null]) as day"
    duckdb.sql(query).write_parquet("t.parquet")
    for options in ({"source": "t.parquet"}, {"source": None, "sql": query}):
        with pytest.raises(DataError, match=rf'column "day": the date {date} cannot be used'):
            read_table(**options)


def test_every_codec_that_python_knows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\n1,é\n2,x\n".encode())
    own = {"undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "hex", "rot13", "base64", "zip"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        distinct = {}
        for name in sorted({*encodings.aliases.aliases.values(), *own}):
            with contextlib.suppress(LookupError):
                distinct[codecs.lookup(name).name] = name
        for name in [*distinct.values(), "", "no", "a\0b", "é"]:
            with contextlib.suppress(ChainruleError):
                assert open_text(path, "t.csv", name, tmp_path).start
    for name in own:
        with pytest.raises(UsageError, match=f'encoding "{name}" is unknown'):
            read_table(path, encoding=name)
    path.write_bytes(b"a,b\n1,+2AA-\n")  # UTF-7 for half a pair of surrogates
    with pytest.raises(DataError, match=r"is not valid utf-7"):
        read_table(path, encoding="utf-7")
