"""Names that differ in case or white space alone: one class, said; different names of an input, said."""

from __future__ import annotations

import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.data.encoding import Encoding, fit_encoding, prepare_table, strata
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.roles import choose_roles
from chainrule.data.tables import read_table
from chainrule.errors import DataError, ModelFileError

CLASSES = ["Yes", "yes", "no", "Yes", "no ", "Yes", "YES", "no", "no", "no"] * 6
TABLE = {"x": [float(i % 7) for i in range(60)], "t": CLASSES}
ONE = ["Yes" if name.strip().lower() == "yes" else "no" for name in CLASSES]


def test_classes_in_several_spellings_are_one_everywhere():
    table = read_table(TABLE)
    plan = EncodingPlan()
    assert np.bincount(strata(prepare_table(table, plan), plan)[0]).tolist() == [30, 30]
    encoding = fit_encoding(table, plan)
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding
    assert encoding.classes == ("Yes", "no")
    assert encoding.true_labels(table).tolist() == ONE
    assert encoding.decode_labels(encoding.encode_targets(table)).tolist() == ONE
    (note,) = [note for note in encoding.notes if "count as one" in note]
    assert '"t" ("no" 24, "no " 6, "Yes" 18, "YES" 6, "yes" 6)' in note or '"Yes" 18, "YES" 6, "yes" 6' in note
    assert "--nominal t keeps them apart" in note


def test_a_model_and_its_file_know_one_class(tmp_path):
    model = cr.train(TABLE, epochs=2, seed=0)
    model.save(tmp_path / "m.safetensors")
    for one in (model, cr.load(tmp_path / "m.safetensors")):
        assert one.classes == ("Yes", "no")
        assert one.evaluate(TABLE).rows == 60
        assert sum(map(sum, one.evaluate(TABLE).confusion)) == 60
        with pytest.raises(DataError, match='"nO" is not among the classes'):
            one.evaluate({"x": [1.0], "t": ["nO"]})


def test_nominal_keeps_them_apart():
    encoding = fit_encoding(read_table(TABLE), EncodingPlan(nominal="t"))
    assert encoding.classes == ("YES", "Yes", "no", "no ", "yes")
    assert not any("count as one" in note for note in encoding.notes)


def test_case_that_is_all_there_is_to_learn_stays():
    letters = {"x": list(range(20)), "t": ["a", "A"] * 10}
    assert choose_roles(read_table(letters), EncodingPlan()).spellings == ()
    assert fit_encoding(read_table(letters), EncodingPlan()).classes == ("A", "a")


def test_names_of_an_input_stay_apart_and_that_is_said():
    table = read_table({"c": ["a", "A", "b", "b "] * 5, "y": [0, 1, 1, 0] * 5})
    encoding = fit_encoding(table, EncodingPlan())
    assert encoding.n_inputs == 4
    (note,) = [note for note in encoding.notes if "count as different" in note]
    assert '"c" ("A" 5, "a" 5, "b" 5, "b " 5)' in note
    assert not any("count as different" in n for n in fit_encoding(table, EncodingPlan(nominal="c")).notes)


@pytest.mark.parametrize("pairs", [[["yes"]], [["yes", "maybe"]], [["Yes", "no"]], "yes", [["a", 1]]])
def test_made_up_spellings_are_refused(pairs):
    record = fit_encoding(read_table(TABLE), EncodingPlan()).to_dict()
    record["target"]["spellings"] = pairs
    with pytest.raises(ModelFileError):
        Encoding.from_dict(record)
