"""What a model's inputs and outputs are called, and how the cells of its table became their numbers."""

import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import UsageError
from chainrule.data.encoding import fit_encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.tables import read_table
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import Quantity, a
from chainrule.models.input_words import names_of

ROWS = """area,net rent (m2),district,when,garden,price
82.5,9.25,north,2012-01-31,true,700
60,,south,2012-03-01,false,512.5
41,11,,2013-07-15,true,433
95,10.5,north,2012-12-24,false,1020
77,8,east,2011-05-05,true,610
"""
ODD = 'a_b & 100 % {x} <b> "q", [z]\\'


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    file = tmp_path_factory.mktemp("houses") / "houses.csv"
    file.write_text(ROWS)
    model = cr.train(
        file, target="price", hidden=3, epochs=3, seed=0, missing="indicate", validation=0, test=0, update="momentum"
    )
    return model, file


def test_cells_become_numbers_in_words(houses):
    model, file = houses
    why = model.explain(file, example=0)
    says = {unit["name"]: unit for name in why.called() if name[0] == "x" for unit in why[name].json()["units"]}
    assert list(says) == list(model.encoding.node_names)
    assert says["area"]["says"].startswith('"area", row 2: 82.5, (82.5 - 71.1) / ')
    assert says["district=north"]["says"] == '"district" is "north" in row 2 (node "district=north")'
    assert says["district=south"]["says"] == '"district" is "north" in row 2 (node "district=south")'
    assert (says["district=north"]["value"], says["district=south"]["value"]) == (1, 0)
    assert {key: says["area"][key] for key in ("column", "row", "cell")} == {"column": "area", "row": 2, "cell": "82.5"}
    assert says["net rent (m2)"]["cell"] == "9.25"
    second = model.explain(file, example=1)
    assert '"net rent (m2)", row 3: missing, 9.875 in its place, (9.875 - ' in str(second["x[net rent (m2)]"])
    assert second['x["net rent (m2) is missing"]'].value == 1
    assert '"net rent (m2)", row 3: missing (node "net rent (m2) is missing")' in str(
        second["x[net rent (m2) is missing]"]
    )
    third = model.explain(file, example=2)
    assert '"district" is missing in row 4 (node "district=north")' in str(third["x[district=north]"])


def test_dates_say_their_day(houses):
    model, file = houses
    why = model.explain(file, example=0)
    dated = [name for name, called in why.called().items() if name[0] == "x" and called.startswith("when")]
    assert dated
    assert all('"when", row 2: 2012-01-31' in str(why[name]) for name in dated)


def test_outputs_in_the_targets_unit(houses):
    model, file = houses
    why = model.explain(file, example=3)
    assert why["a[2][price]"].name == a(2, 0)
    assert f'"price", {float(model.predict(file)[3]):.6g} in the unit of the target' in str(why["a[2][price]"])
    assert '"price", row 5: 1020, (1020 - ' in str(why["y[price]"])
    iris = cr.train("iris", hidden=3, epochs=3, seed=0)
    names = iris.explain("iris", example=60)
    P = iris.probabilities("iris")[60]
    for k, label in enumerate(iris.classes):
        for text in (f"a[2][{label}]", f"a[2][species={label}]"):
            assert names[text].name == a(2, k)
            note = names[text].json("line")["units"][0]
            assert note["probability"] == pytest.approx(P[k], rel=1e-5)
    wine = cr.train("wine", hidden=3, epochs=3, seed=0).explain("wine", example=2)  # classes that are numbers
    assert [wine[f"y[class={k}]"].json()["units"][0]["says"] for k in (1, 2)] == [
        f'"class" is "1" in row 3 (node "class={k}")' for k in (1, 2)
    ]
    xor = cr.train("xor", hidden=2, epochs=3, seed=0)  # two classes on one node
    note = xor.explain("xor", example=1)["a[2][1]"].json("line")["units"][0]
    assert note["name"] == "y=1"
    assert note["probability"] == pytest.approx(xor.probabilities("xor")[1, 1], rel=1e-5)


numbers = st.lists(
    st.floats(-1e9, 1e9, allow_nan=False).filter(lambda v: v == 0 or abs(v) > 1e-6), min_size=6, max_size=6, unique=True
)


@settings(deadline=None)
@given(numbers, st.sampled_from(["standard", "unit", "symmetric", "robust", "none"]), st.integers(0, 5))
def test_a_formula_gives_the_number(values, scale, row):
    """Read back and evaluated; the cell is the number that the table holds."""
    table = read_table({"v": values, "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    encoding = fit_encoding(table, EncodingPlan(scale=scale, target=("y",)))
    x = encoding.encode_inputs(table)[row]
    told = names_of(encoding, table).tell("x", 0, row, x)
    assert float(told["cell"]) == values[row]
    formula = re.search(r"\((\S+) ([+-]) (\S+)\) / (\S+)$", told["words"])
    if formula is None:
        assert told["words"].endswith("as it is")
        assert x[0] == values[row]
    else:
        v, sign, c, s = formula.groups()
        assert (float(v) + (float(c) if sign == "+" else -float(c))) / float(s) == pytest.approx(
            x[0], rel=2e-5, abs=1e-6
        )


def test_odd_names_in_every_form_and_notation():
    table = {ODD: [1.0, 2.0, 3.0, 4.0], "δ\nline": ["p&q", "<r>", "p&q", "<r>"], "y": [1.0, 2.0, 1.5, 4.0]}
    model = cr.train(table, target="y", hidden=2, epochs=2, validation=0, test=0)
    asked = '"' + ODD.replace('"', '""') + '"'
    for notation in PRESETS:
        why = model.explain(table, example=1, notation=notation)
        entry = why[f"dC/dx[{asked}]"]
        assert entry.name == why[f"dC/d{next(iter(why.called()))}"].name
        whole = why[f"x[{asked}]"]
        tree = ElementTree.fromstring(whole.mathml())
        assert '"a_b & 100 % {x} <b> ""q"", [z]\\"' in "".join(tree.itertext())
        assert r"a\_b \& 100 \% \{x\} $<$b$>$ ''''q'''', [z]\textbackslash{}''" in whole.latex()
        assert why['x["δ\nline=p&q"]'].json()["units"][0]["cell"] == "<r>"
        assert '"δ\\nline" is "<r>"' in str(why['x["δ\nline=p&q"]'])
        json.dumps(whole.json())
    assert "\n\n" not in whole.latex()


def test_replay_and_ensembles(houses):
    model, file = houses
    step = model.replay(step=2)
    assert step["change W[1][area,2]"].name == step["change W[1][1,2]"].name
    assert step.weight("W[1][area,2]") == step.weight("W[1][1,2]")
    assert str(step["change W[1][area,2]"].text("line")).endswith('inputs and outputs by name\n  x[1]: "area"')
    again = model.replay(file, step=2)
    for replayed in (step, again):  # the batch's rows, in the order in which they were taken
        for n in range(len(replayed.rows)):
            note = replayed[f"x[area] @ {n + 1}"].json()["units"][0]
            assert note["row"] == replayed.rows[n]
            assert float(note["cell"]) == [82.5, 60, 41, 95, 77][note["row"] - 2]
    ensemble = cr.train_ensemble(file, target="price", members=2, hidden=2, epochs=3, seed=0, missing="indicate")
    why = ensemble.explain(file)
    assert why["a[2][price]"].name == why["a[2][1]"].name
    assert why.called() == {"a[2][1]": "price"}
    with pytest.raises(UsageError, match='no output is called "prize"'):
        why["a[2][prize]"]
    assert "price" in why["a[2][1]"].latex()
    ElementTree.fromstring(why["a[2][1]"].mathml())


def test_a_column_of_names_alone_is_refused_with_its_nodes(houses):
    model, file = houses
    why = model.explain(file)
    with pytest.raises(UsageError) as refused:
        why["dC/dx[district]"]
    for number, name in enumerate(model.encoding.node_names, start=1):
        assert (f'{number} "{name}"' in str(refused.value)) == name.startswith("district")


def test_arrays_without_names_have_the_names_of_training():
    X, Y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    model = cr.train(X, Y, hidden=2, epochs=2, validation=0, test=0)
    first = model.encoding.node_names[0]
    why = model.explain(X, example=4)
    assert f'"{first}", row 4: 8, ' in str(why[f"x[{first}]"])
    assert why["a[2][1]"].json("line")["units"][0]["name"] == model.encoding.output_names[0]


def test_a_name_that_is_a_number():
    table = {"2019": [1.0, 2.0, 3.0, 4.0], "2": [4.0, 3.0, 5.0, 2.0], "y": [1.0, 2.0, 1.5, 4.0]}
    why = cr.train(table, target="y", hidden=2, epochs=2, validation=0, test=0).explain(table)
    assert why["x[2]"].name == Quantity("a", 0, (1,))
    assert why['x["2"]'].name == Quantity("a", 0, (1,))
    assert why['x["2019"]'].name == Quantity("a", 0, (0,))
    with pytest.raises(UsageError, match='the input of that name is "2019"'):
        why["x[2019]"]
