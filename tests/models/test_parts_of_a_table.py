"""Training with groups, in time, and with files of their own for validation and test."""

from __future__ import annotations

import numpy as np
import pytest
from same import same_bits

import chainrule as cr
from chainrule.errors import DataError, UsageError
from chainrule.models.cross_validation import set_up_folds
from chainrule.models.setup import set_up


def patients(n: int = 60, rows: int = 10) -> dict:
    """Near-copies of each patient's numbers, and a label that nobody could know."""
    rng = np.random.default_rng(1)
    of = np.repeat(np.arange(n), rows)
    X = rng.normal(size=(n, 4))[of] + 0.01 * rng.normal(size=(len(of), 4))
    return {
        **{f"x{i}": X[:, i] for i in range(4)},
        "patient": [f"p{i}" for i in of],
        "sick": [f"s{i}" for i in rng.integers(0, 2, n)[of]],
    }


def numbers(n: int, seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return {"x": x, "colour": rng.choice(["red", "blue"], n), "y": 3 * x + rng.normal(size=n)}


def test_random_labels_of_patients_are_not_learnt():
    apart, together = (cr.train(patients(), group=group, ignore="patient", epochs=40) for group in (None, "patient"))
    assert apart.test.accuracy > 0.8
    assert together.test.accuracy < 0.75
    assert together.provenance.notes[0].startswith('Rows of one "patient" stay together: 36 of them train, 12 validate')
    assert "patient" not in together.encoding.columns
    found = [set(part.column("x0").values.round(1)) for part in together.parts.values()]
    assert len(found) == 3


def test_the_options_are_replayed_from_a_file(tmp_path):
    table = patients(30, 4)
    for options in ({"group": "patient"}, {"time": "x0"}, {"weights": "x1", "group": "patient"}):
        table["x1"] = np.abs(table["x1"])
        model = cr.train(table, epochs=3, **options)
        loaded = cr.load(model.save(tmp_path / "m.safetensors"))
        assert loaded.encoding_plan == model.encoding_plan
        assert loaded.replay(table, step=4).exact
        assert model.replay(step=4).rows.tolist() == loaded.replay(table, step=4).rows.tolist()


def test_files_of_their_own(tmp_path):
    table, validation, test = numbers(50), numbers(20, 1), numbers(13, 2)
    for name, part in (("v.csv", validation), ("t.csv", test)):
        lines = [f"{y},{x},{colour},more" for x, colour, y in zip(*part.values(), strict=True)]
        (tmp_path / name).write_text("\n".join(["y,x,colour,other", *lines]))
    files = {"validation_file": tmp_path / "v.csv", "test_file": str(tmp_path / "t.csv")}
    model = cr.train(table, epochs=5, **files)
    assert model.provenance.rows == (50, 20, 13)
    assert model.encoding.inputs[0].center == pytest.approx(table["x"].mean())  # of the training rows alone
    np.testing.assert_allclose(model.parts["validation"].column("y").values, validation["y"])
    np.testing.assert_allclose(model.parts["test"].column("x").values, test["x"])
    assert model.test == model.evaluate(test)
    assert "20 validation rows from" in " ".join(model.provenance.notes)
    other = cr.train(table, epochs=5, validation_file=validation, test_file=test)
    assert same_bits(model, other)
    loaded = cr.load(model.save(tmp_path / "m.safetensors"))
    assert loaded.encoding_plan.validation_file == str(tmp_path / "v.csv")
    assert loaded.replay(table, step=2, validation_file=tmp_path / "v.csv").exact
    with pytest.raises(UsageError, match="validation_file"):
        loaded.replay(table, step=2)
    with pytest.raises(UsageError, match="is not the table that trained"):
        loaded.replay(table, step=2, validation_file=numbers(20, 7))


def test_a_file_for_one_part_leaves_the_share_of_the_other():
    assert [len(part) for part in _parts(set_up(numbers(50), test_file=numbers(9, 1)))] == [40, 10, 9]
    assert [len(part) for part in _parts(set_up(numbers(50), validation_file=numbers(9, 1)))] == [40, 9, 10]
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), rng.normal(size=50)
    assert [len(part) for part in _parts(set_up(X, y, validation_file=(X[:7], y[:7]), test=0))] == [50, 7, 0]
    days = set_up(numbers(50), time="x", test_file=numbers(9, 1))
    values = days.table.column("x").values
    assert values[days.split.train].max() < values[days.split.validation].min()
    assert days.split.test.tolist() == list(range(50, 59))


def _parts(setup) -> list[np.ndarray]:
    return [setup.split.train, setup.split.validation, setup.split.test]


def test_what_is_wrong_in_a_file_is_said_of_that_file(tmp_path):
    path = tmp_path / "v.csv"

    def refusal(text: str, table: dict | None = None, **options) -> str:
        path.write_text(text)
        with pytest.raises((DataError, UsageError)) as caught:
            set_up(numbers(50) if table is None else table, validation_file=path, **options)
        return str(caught.value)

    assert f'{path}, row 3, column "x": "much" is not a number' in refusal("x,colour,y\n1,red,2\nmuch,red,3\nx,blue,4")
    assert f"{path} lacks 1 column that the dict has: colour" in refusal("x,color,y\n1,red,2\n2,blue,3")
    assert f'{path}, row 3, column "y"' in refusal("x,colour,y\n1,red,2\n2,blue,NA\n3,red,1", missing="refuse")
    assert f'{path}, row 4, column "colour": "green"' in refusal(
        "x,colour,y\n1,red,2\n2,blue,3\n3,green,1", unknown="refuse"
    )
    classes = {**numbers(50), "y": ["a", "b"] * 25}
    assert f'{path}, row 2, column "y": "c" is not among the classes' in refusal(
        "x,colour,y\n1,red,c\n2,red,a", classes
    )
    dates = {**numbers(50), "x": [f"2012-01-{day % 28 + 1:02}" for day in range(50)]}
    assert f'{path}, row 2, column "x": "20120101" is no date' in refusal(
        "x,colour,y\n20120101,red,2\n20120102,red,3", dates
    )
    table = numbers(6)
    rows = [f"{float(x)!r},{colour},{float(y)!r}" for x, colour, y in zip(*table.values(), strict=True)]
    assert "holds the rows that are to train" in refusal("\n".join(["x,colour,y", *rows]), table, test=0)


def test_groups_and_times_on_both_sides_are_said():
    table, other = patients(12, 4), patients(3, 2)
    setup = set_up(table, group="patient", test_file=other)
    assert 'Of "patient", 3 values of test_file also stand in the table that trains' in " ".join(setup.notes)

    later = {name: values + 9 if name == "x" else values for name, values in numbers(9, 1).items()}
    assert "are no later" not in " ".join(set_up(numbers(50), time="x", test_file=later).notes)
    later["x"][:2] = 0
    said = 'By "x", 2 rows of test_file are no later than the last of the table that trains.'
    assert said in set_up(numbers(50), time="x", test_file=later).notes


def test_missing_values_of_a_file_are_treated_as_in_the_table():
    other = {**numbers(6, 1), "x": [1.0, None, 2.0, 3.0, 4.0, 5.0]}
    other["y"] = [1.0, 2.0, None, 3.0, 4.0, 5.0]
    sizes = {
        missing: len(set_up(numbers(50), validation_file=other, missing=missing).split.validation)
        for missing in ("drop", "impute", "indicate")
    }
    assert sizes == {"drop": 4, "impute": 5, "indicate": 5}


def test_cross_validation_keeps_groups_and_the_order_of_time():
    table = patients(20, 5)
    setups = set_up_folds(table, folds=4, group="patient")
    of = np.array([int(name[1:]) for name in table["patient"]])
    for setup in setups:
        sets = [set(of[part]) for part in _parts(setup)]
        assert sum(map(len, sets)) == 20
        assert all(sets)
    assert sorted(np.concatenate([setup.split.test for setup in setups]).tolist()) == list(range(100))
    for setup in set_up_folds(numbers(60), folds=3, time="x"):
        x = setup.table.column("x").values
        train, validation, test = (x[part] for part in _parts(setup))
        assert train.max() < validation.min() <= validation.max() < test.min()
        assert len(test) == 15
    result = cr.cross_validate(numbers(60), folds=3, time="x", epochs=2)
    assert "trained on the rows before it" in result.models[0].provenance.notes[0]
    for option in ({"split": "colour"}, {"validation_file": numbers(9)}, {"test_file": numbers(9)}):
        with pytest.raises(UsageError, match="has no meaning here"):
            set_up_folds(numbers(60), folds=3, **option)


def test_many_settings_share_the_files():
    settings = [{"hidden": 2}, {"hidden": 3, "group": "colour", "test": 0}]
    models = cr.train_many(numbers(50), settings, epochs=2, validation_file=numbers(20, 1))
    assert [model.provenance.rows for model in models] == [(40, 20, 10), (50, 20, 0)]
    assert same_bits(models[0], cr.train(numbers(50), hidden=2, epochs=2, validation_file=numbers(20, 1)))


def test_a_training_with_parts_of_its_own_is_resumed(tmp_path):
    table = patients(20, 5)
    options = {"group": "patient", "class_weight": "balanced", "validation_file": patients(6, 4)}
    whole = cr.train(table, epochs=6, **options)
    cr.train(table, epochs=6, **options, checkpoint=tmp_path / "c", on_epoch=lambda state: state.epoch == 3)
    again = cr.train(table, epochs=6, **options, checkpoint=tmp_path / "c", resume=True)
    assert same_bits(whole, again)
    assert len(again.history) == 6


def test_a_truth_table_is_not_divided():
    with pytest.raises(UsageError, match="xor is a truth table"):
        cr.train("xor", time="x1")


@pytest.mark.parametrize("option", ["group", "time", "split"])
def test_a_column_that_is_not_there_is_named_with_its_option(option):
    with pytest.raises(DataError, match=f'--{option}: the dict has no column "colur". Did you mean "colour"'):
        set_up(numbers(50), **{option: "colur"})


def test_the_doctor_reads_the_files_too(tmp_path):
    (tmp_path / "v.csv").write_text("x;colour;y\n1;red;2\n2;blue;3\n2,5;red;4")
    assert cr.diagnose(numbers(80), validation_file=numbers(30, 1)).ok
    found = cr.diagnose(numbers(80), validation_file=tmp_path / "none.csv").findings
    assert any("no file" in one.what for one in found)
    assert not cr.diagnose(numbers(80), group="nobody").ok
