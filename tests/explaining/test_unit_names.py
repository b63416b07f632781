"""Inputs and outputs by name: the quantity that is named is the quantity that is counted, in every notation."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import strategies as st
from strength import few_and_many

from chainrule import Network, UsageError, explain
from chainrule.explaining.grammar import written
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import (
    COST,
    Change,
    Derivative,
    Path,
    Quantity,
    a,
    bias,
    delta,
    weight,
    y,
    z,
)
from chainrule.explaining.unit_names import UnitNames, shown

SIZES = (4, 3, 3)
NET = Network.dense(list(SIZES), seed=0)
X, Y = np.linspace(-1, 1, 8).reshape(2, 4), np.eye(3)[:2]
ODD = 'a "[],=@/ vi0129W1x-ΔΩß\n'  # what could be taken for the grammar's own signs
PIECES = [" via ", "@ 2", "x[1]", "W[1][1,2]", "]", "[", '"', ",", "=", "/", "d", "7", "\n", "change "]
ONE = st.one_of(
    st.text(ODD, min_size=1, max_size=9), st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
)
NAMES = st.lists(ONE, min_size=7, max_size=7, unique=True)


def named(names, text, notation="chainrule"):
    return explain(NET, X, Y, notation=notation, update="momentum", input_names=names[:4], output_names=names[4:])[text]


def as_asked(name):
    """A name in quotes, whatever it is."""
    return '"' + name.replace('"', '""') + '"'


def with_names(name, counting, names):
    """A quantity as `written` has it, but with its inputs and outputs by name; made from its numbers alone."""

    def of(q):
        if q.kind == "a" and q.layer == 0:
            return f"x[{as_asked(names[q.units[0]])}]"
        if q.kind == "y":
            return f"y[{as_asked(names[4 + q.units[0]])}]"
        ends = {1: (0, None), 2: (None, 4)}[q.layer] if q.kind == "W" else (4,)
        units = [
            str(unit + counting.first_unit) if start is None else as_asked(names[start + unit])
            for unit, start in zip(q.units, ends, strict=True)
        ]
        if q.kind == "W" and not counting.from_to:
            units.reverse()
        return f"{q.kind}[{counting.layer(q.layer, q.kind)}][{','.join(units)}]"

    match name:
        case Derivative(top, bottom):
            return f"d{of(top) if top.units else top.kind}/d{of(bottom)}"
        case Path(derivative, via):
            inner, (hidden, output) = with_names(derivative, counting, names), via
            return f"{inner} via {hidden + counting.first_unit},{as_asked(names[4 + output])}"
        case Change(parameter):
            return f"change {of(parameter)}"
    return of(name)


def quantities(i, j, k):
    return [
        a(0, i), y(k), weight(1, i, j), weight(2, j, k), bias(2, k), z(2, k), a(2, k), delta(2, k),
        Derivative(COST, a(0, i)), Derivative(COST, weight(1, i, j)), Derivative(Quantity("J"), weight(2, j, k)),
        Derivative(COST, bias(2, k)), Derivative(a(2, k), a(0, i)), Derivative(z(2, k), weight(1, i, j)),
        Derivative(a(2, k), weight(2, j, k)), Path(Derivative(COST, a(0, i)), (j, k)), Change(weight(1, i, j)),
    ]  # fmt: skip


def test_a_name_on_a_path_may_look_like_a_quantity():
    names = ["area", "b", "c", "d", "x[area]", 'e via "1"', "f @ 2"]
    for k, name in enumerate(names[4:]):
        assert named(names, f"dC/dx[area] via 2,{as_asked(name)}").name == Path(Derivative(COST, a(0, 0)), (1, k))
        assert named(names, f"dC/dx[1] via 2,{as_asked(name)} @ 2").name.via == (1, k)


@few_and_many(40, 300, NAMES, st.sampled_from(sorted(PRESETS)), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2))
def test_a_quantity_by_name_is_the_quantity_by_number(names, notation, i, j, k):
    counting = PRESETS[notation].counting
    why = explain(NET, X, Y, notation=notation, update="momentum", input_names=names[:4], output_names=names[4:])
    for name in quantities(i, j, k):
        text = with_names(name, counting, names)
        assert why.asked(text) == why.asked(written(name, counting)) == name, text
        example = f"{text} @ 2"
        if not isinstance(name, Change) and "J" not in text.split("[")[0] and not text.startswith(("W", "b[")):
            assert why.asked(example) == why.asked(f"{written(name, counting)} @ 2"), example


test_many_quantities_by_name = test_a_quantity_by_name_is_the_quantity_by_number.many


@few_and_many(60, 300, NAMES, st.integers(0, 6), st.sampled_from(sorted(PRESETS)))
def test_a_name_without_quotes_is_that_unit_or_refused(names, place, notation):
    """A number is an index; what the grammar's signs cut up is refused, never another unit."""
    name, first = names[place], PRESETS[notation].counting.first_unit
    why = explain(NET, X, Y, notation=notation, input_names=names[:4], output_names=names[4:])
    text, meant = (f"x[{name}]", a(0, place)) if place < 4 else (f"y[{name}]", y(place - 4))
    found = None
    try:
        found = why.asked(text)
    except UsageError:
        assert re.search(r'[\[\]",]|^\s|\s$|^[+-]?\d+$', name), name  # any other name needs no quotes
    if found is not None and re.fullmatch(r"\s*[+-]?\d+\s*", name):
        assert found.units == (int(name) - first,)
    elif found is not None:
        same = [other for other in names if other.strip() == name.strip()]  # bare, spaces at its ends are left out
        assert found == meant or len(same) > 1


test_many_names_without_quotes = test_a_name_without_quotes_is_that_unit_or_refused.many


@pytest.mark.parametrize(
    ("notation", "text", "number"),
    [
        ("cs231n", "W1[area,1]", "W1[1,1]"),  # letters and layers as the notation prints them
        ("cs231n", "∂L/∂W1[area,1]", "∂L/∂W1[1,1]"),
        ("cs231n", "h2[north]", "h2[0]"),
        ("keras", "kernel0[area,2]", "kernel0[1,2]"),
        ("keras", "output[1][north]", "output[1][0]"),
        ("pytorch", "weight0[2,area]", "weight0[2,1]"),
        ("beta", "d[north]", "d[1]"),
        ("beta", "o[2][north]", "o[2][1]"),
        ("delta-rule", "sum[2][north]", "sum[2][1]"),
        ("rows", "dC/dX[area]", "dC/dX[2]"),
        ("ng", "dz[2][north]", "dz[2][1]"),
        ("ng", "dW[1][2,area]", "dW[1][2,2]"),
        ("nielsen", "σ′(z[3][north])", "σ′(z[3][1])"),
        ("tensors", "x[area]", "x[2]"),
        ("chainrule", "ΔW[1][area,2]", "ΔW[1][2,2]"),
        ("chainrule", "f'(z[2][north])", "f'(z[2][1])"),
        ("chainrule", "dC/dx[ area ] via 1, north", "dC/dx[2] via 1,1"),
        ("chainrule", "x[9]", "x[3]"),  # nothing but an index: 9 is not there
    ],
)
def test_the_letters_of_a_notation(notation, text, number):
    names = {"input_names": ["9", "area", "c", "d"], "output_names": ["north", "e", "f"]}
    why = explain(NET, X, Y, notation=notation, update="momentum", **names)
    if text == "x[9]":
        with pytest.raises(UsageError, match=re.escape('the input of that name is "9"')):
            why[text]
        assert why['x["9"]'].name == a(0, 0)
    else:
        assert why[text].name == why[number].name


def test_shorter_names_and_names_that_occur_twice():
    names = UnitNames(
        ("area", "kind=flat", "kind=house", "a=b", "a=b", "is missing"), ("species=setosa", "species=iris"),
        (("area",), ("kind",), ("kind",), ("a=b",), ("a",), ("area",)), (("species", "setosa"), ("species", "iris")),
    )  # fmt: skip
    assert [names.unit(text, "input", 1) for text in ("area", "kind=house", "a")] == [
        0,
        2,
        4,
    ]  # its own name goes first
    assert [names.unit(text, "output", 1) for text in ("iris", "species=iris", "setosa")] == [1, 1, 0]
    for text, side, said in [
        ("kind", "input", '"kind" has 2 inputs; name one: 2 "kind=flat", 3 "kind=house"'),
        ("a=b", "input", '4 "a=b", 5 "a=b", names that occur twice are asked for by their numbers'),
        ("species", "output", '"species" has 2 outputs'),
        ("setsa", "output", 'no output is called "setsa". Did you mean "setosa"?'),
    ]:
        with pytest.raises(Exception, match=re.escape(said)):
            names.unit(text, side, 1)


def test_what_is_refused():
    names = ["area", "net, area", "[c]", "d", "north", "e", "f"]
    for text, said in [
        ("x[aera]", 'no input is called "aera". Did you mean "area"?'),
        ("x[north]", 'no input is called "north"'),  # an output's
        ("a[1][area]", "only inputs and outputs have names; the units of layer 1 have none"),
        ("W[1][area,north]", "the units of layer 1 have none"),
        ("W[1][net, area,2]", "W has two units, and here stand 3. A name with commas stands in double quotes"),
        ('x["area]', "a name in double quotes stands in brackets"),
        ('"area"', "a name in double quotes stands in brackets"),
        ("x[area][2]", "x has one index"),
        ("W[area][1,2]", "a layer is a number"),
        ("dC/dx[area] via 1,area", 'no output is called "area"'),
    ]:
        with pytest.raises(UsageError, match=re.escape(said)):
            named(names, text)
    assert named(names, "x[net, area]").name == a(0, 1)  # one unit: its comma is its own
    for text in ("x[area]", 'y["area"]'):
        with pytest.raises(UsageError, match="have no names; count them from 1"):
            explain(NET, X, Y)[text]
    with pytest.raises(UsageError, match="input_names needs 4 names, one for each input; received 2"):
        explain(NET, X, Y, input_names=["a", "b"])
    for wrong in ("abcd", [1, 2, 3, 4]):
        with pytest.raises(UsageError, match="input_names is a list of names"):
            explain(NET, X, Y, input_names=wrong)


def test_what_derivations_say():
    names = ["area", 'b"\n_%&<', "c" * 60, "d", "north", "e", "f"]
    text = named(names, "dC/dW[1][area,2]").text()
    assert '\n  x[1] = −1: "area"' in text
    assert "a[2][1] = " in text
    assert "x[2]" not in text.partition("inputs and outputs by name")[2]  # not in the derivation
    change = named(names, "change W[1][2,3]").text("line")
    assert change.endswith('inputs and outputs by name\n  x[2]: "b""\\n_%&<"')
    array = named(names, "dC/dW[1]")
    assert 'x[1]: "area"; x[2]: "b""\\n_%&<"; x[3]: "' + "c" * 39 + '…"; x[4]: "d"' in array.text().replace(
        "\n     ", ""
    )
    assert [unit["name"] for unit in array.json()["units"]] == names[:4]
    for derivation in (array, named(names, "z[1][2]"), named(names, "da[2][1]/dx[2]")):
        assert r"''b''''\textbackslash{}n\_\%\&$<$''" in derivation.latex()
        assert 'b""\\n_%&<' in "".join(ElementTree.fromstring(derivation.mathml()).itertext())
    assert explain(NET, X, Y)["z[1][2]"].json().get("units") is None


def test_every_input_in_the_equations_has_its_note():
    """Found in what is printed, for every preset: each x in a sum is named, and none that is not there."""
    names = ["alpha", "bravo", "charlie", "delta", "north", "east", "south"]
    for notation in PRESETS:
        entry = named(
            names, f"z[{PRESETS[notation].counting.layer(1)}][{PRESETS[notation].counting.first_unit}]", notation
        )
        notes = {unit["name"]: unit for unit in entry.json("line")["units"]}
        assert set(notes) == set(names[:4])
        for i, name in enumerate(names[:4]):
            assert notes[name]["value"] == X[0, i]
            assert named(names, notes[name]["quantity"], notation).name == a(0, i)
        assert entry.text("line").count('"alpha"') == 1


def test_examples_have_their_own_numbers():
    names = ["alpha", "bravo", "charlie", "delta", "north", "east", "south"]
    units = named(names, "x[bravo] @ 2").json()["units"]
    assert [(unit["quantity"], unit["value"]) for unit in units] == [("x[2] @ 2", X[1, 1])]
    other = named(names, "dC/dW[1][bravo,2] @ 2").json("line")["units"]
    assert ("x[2] @ 2", X[1, 1]) in [(unit["quantity"], unit["value"]) for unit in other]


def test_many_notes_are_cut_and_long_names_too():
    net = Network.dense([60, 1], seed=0)
    why = explain(net, np.ones((1, 60)), input_names=[f"column {i}" for i in range(60)], most=60)
    entry = why["z[1][1]"]
    text = entry.text()
    assert text.endswith("... and 36 more")  # of 60; the output has no name
    assert len(entry.json()["units"]) == 60
    rows = entry.latex().split(" \\\\\n")
    assert rows[-1] == "& && \\text{... and 36 more}\n\\end{aligned}"
    assert rows[-2] == "x_{24} &= 1 && \\text{''column 23''}"
    drawn = list(ElementTree.fromstring(entry.mathml()).iter("mtr"))
    assert "".join(drawn[-1].itertext()) == "... and 36 more"
    assert "".join(drawn[-2].itertext()).endswith('=1: "column 23"')
    names = str(why["W[1]"]).partition("by name\n")[2].splitlines()
    assert max(map(len, names)) <= 110
    assert [line[:6] for line in names[-3:]] == ["      ", "      ", "  ... "]
    with pytest.raises(UsageError, match=r'The inputs are 1 "column 0", .*, 12 "column 11" and 48 more\.$'):
        why["x[nothing like it]"]
    assert shown("a" * 41) == "a" * 39 + "…"


def test_called_lists_what_is_asked_for():
    names = ["area", "b", "c", "d", "north", "e", "f"]
    why = explain(NET, X, Y, notation="pytorch", input_names=names[:4], output_names=names[4:])
    called = why.called()
    assert list(called.values()) == [*names, *names[4:]]
    assert all(quantity in why.names() for quantity in called)
    assert all(why[f"{quantity.partition('[')[0]}[{name}]"].name == why[quantity].name for quantity, name in
               called.items() if quantity[0] in "xy")  # fmt: skip
    assert explain(NET, X, Y).called() == {}
