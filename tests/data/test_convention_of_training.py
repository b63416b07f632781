"""The way in which training's cells were written holds for the tables of predictions; another is said or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.data.columns import Writing
from chainrule.errors import DataError


def trained(folder: Path, cells: list[str], **options) -> cr.Model:
    """A model of one column, written so, and its number of the row."""
    text = "x;y\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells * 4))
    (folder / "train.csv").write_text(text)
    model = cr.train(folder / "train.csv", epochs=1, validation=0, test=0, task="regression", seed=0, **options)
    return cr.load(model.save(folder / "m.safetensors"))


def read(folder: Path, model: cr.Model, text: str, **options) -> list[float]:
    (folder / "new.csv").write_text(text)
    return model.read(folder / "new.csv", **options).column("x").values.tolist()


PLAIN = ["1", "2", "30", "400"]
POINTS = ["1.5", "2.25", "30.125", "400"]
COMMAS = ["1.234,5", "2,25", "30", "4.000"]
DAYS = ["31/01/2012", "01/02/2012", "03/04/2013", "05/06/2013"]


@pytest.mark.parametrize(
    ("cells", "text", "wanted"),
    [
        (POINTS, "x\n4.602\n", [4.602]),
        (POINTS, "x;z\n4,602;1\n", [4602]),
        (COMMAS, "x;z\n4.602;1\n950;2\n", [4602, 950]),
        (COMMAS, "x;z\n4,602;1\n950;2\n", [4.602, 950]),
        (DAYS, "x\n05/06/2012\n", [15496]),
        (DAYS, "x\n2012-06-05\n", [15496]),
        (["$1.50", "$2", "$30", "$4"], "x\n$4.602\n", [4.602]),
        (["25:00:00", "1:00:00", "2:00:00", "3:00:00"], "x\n1:00:00\n", [3600]),
    ],
)
def test_it_decides_what_has_two_readings(tmp_path, cells, text, wanted):
    assert read(tmp_path, trained(tmp_path, cells), text) == wanted


@pytest.mark.parametrize(
    ("cells", "text", "said"),
    [
        (PLAIN, "x\tz\n1,200\t1\n950\t2\n", r'row 2, column "x": "1,200" is 1,200 if commas .* --thousands ","'),
        (PLAIN, "x;z\n1.200;a\n950;b\n", r'"1\.200" is 1,200 if points mark thousands'),
        (["3 kg", "4 kg", "5 kg", "6 kg"], "x\n3 lb\n", r'have the unit "lb", and training had "kg"'),
        (PLAIN, "x\n3 lb\n", r'have the unit "lb", and training had no unit'),
        (["2012-01-31", "2012-02-01", "2012-03-01", "2012-04-01"], "x\n05/06/2012\n", "2 readings"),
    ],
)
def test_what_it_does_not_decide_is_refused(tmp_path, cells, text, said):
    model = trained(tmp_path, cells)
    with pytest.raises(DataError, match=said):
        read(tmp_path, model, text)


def test_flags_go_before_it(tmp_path):
    model = trained(tmp_path, COMMAS)
    assert read(tmp_path, model, "x;z\n4.602;1\n950;2\n", decimal=".") == [4.602, 950]


def test_a_unit_that_is_left_out_is_said(tmp_path):
    model = trained(tmp_path, ["$1.50", "$2", "$30", "$4"])
    (tmp_path / "new.csv").write_text("x\n4\n")
    assert (
        'Training had a unit in "x" ("$"), and here is none: it was taken for the same.'
        in model.read(tmp_path / "new.csv").notes
    )


def test_the_model_keeps_it(tmp_path):
    writings = dict(trained(tmp_path, COMMAS).encoding.writings)
    assert writings["x"] == Writing(",", ".")
    assert dict(trained(tmp_path, ["2 Mio €"] * 3 + ["1,5 Mio €"]).encoding.writings)["x"] == Writing(
        ",", None, "€", True
    )
    assert dict(trained(tmp_path, DAYS).encoding.writings)["x"].dates == "dmy"
    assert trained(tmp_path, PLAIN).encoding.writings == ()


def test_rows_and_precision_of_an_encoding():
    """Chosen rows in float32 are those of all rows in float64, rounded once."""
    rng = np.random.default_rng(0)
    table = cr.read_table(
        {
            "a": rng.normal(1e6, 1, 300),
            "b": [None if i % 7 == 0 else i / 3 for i in range(300)],
            "c": [None if i % 11 == 0 else "xyz"[i % 3] for i in range(300)],
            "y": rng.normal(size=300),
        }
    )
    model = cr.train(table, epochs=1, seed=0)
    whole = model.encoding.encode_inputs(table)
    rows = rng.permutation(300)[:100]
    np.testing.assert_array_equal(model.encoding.encode_inputs(table, rows), whole[rows])
    single = model.encoding.encode_inputs(table, rows, np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, whole[rows].astype(np.float32))
