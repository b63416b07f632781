"""What is printed can be asked for, in every notation; what was meant can be asked for, and is not what was typed."""

import re
from dataclasses import replace

import numpy as np
import pytest
import random_networks
from hypothesis import strategies as st
from strength import few_and_many

from chainrule import Network, UsageError, explain
from chainrule.explaining.asking import ask
from chainrule.explaining.grammar import parse, written
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import (
    Change,
    Derivative,
    Path,
    Quantity,
    State,
    bias,
    delta,
    example_of,
    of_example,
    weight,
    z,
)
from chainrule.explaining.render import name_text
from chainrule.explaining.trees import symbols

DETAILS = ("line", "factors", "layers", "paths", "scalars")


def same(one, other, why):
    """The same quantity: the example explained need not be named, and C of the only example is J."""
    explained = why.definitions.values.example

    def plain(name):
        return of_example(name, None) if example_of(name) == explained else name

    if plain(one) == plain(other):
        return True
    if why.network.sizes[-1] == 1 and one == Quantity("y"):  # y, printed without a number, is the column of targets
        return plain(other) == Quantity("y", None, (0,))
    costs = {repr(plain(name)).replace("kind='J'", "kind='C'") for name in (one, other)}
    alike = why.definitions.naming.example is None and len(costs) == 1
    return alike and why.definitions.value(one) == pytest.approx(why.definitions.value(other), rel=1e-12)


@few_and_many(30, 200, random_networks.tasks(), st.sampled_from(sorted(PRESETS)), st.data())
def test_every_name_that_a_derivation_prints_can_be_asked_for(task, notation, data):
    network, X, Y, options = task
    rule = data.draw(st.sampled_from(["momentum", "nesterov", "adam", "rprop"]))
    why = explain(network, X, Y, notation=notation, update=rule, learning_rate=0.1, **options)
    asked = data.draw(st.sampled_from(why.names()))
    detail = data.draw(st.sampled_from(DETAILS))
    entry = why[asked]
    assert why[entry.json("line")["quantity"]].name == entry.name
    shown = set()
    for line in entry.lines(detail):
        shown |= {symbol.name for side in (line.equation.left, line.expression) for symbol in symbols(side)}
    for name in shown:
        text = name_text(name, why.definitions.naming)
        assert same(why[text].name, name, why), (text, name, why[text].name)


test_many_printed_names = test_every_name_that_a_derivation_prints_can_be_asked_for.many


@pytest.mark.matrix
@pytest.mark.parametrize("n", [None, 0, 1, 11, 12])
@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_wide_layers_and_many_examples(notation, n):
    """Numbers of two digits: unit 12 is not unit 2 of example 1."""
    net = Network.dense([13, 12, 11], seed=0)
    X, Y = np.ones((14, 13)), np.zeros((14, 11))
    why = explain(net, X, Y, notation=notation, example=12)
    for units in ((0,), (1,), (10,)):
        for kind, l in (("a", 0), ("z", 1), ("a", 1), ("a", 2), ("delta", 2), ("y", None)):
            name = Quantity(kind, l, units, n)
            text = name_text(name, why.definitions.naming)
            assert same(why[text].name, name, why), (text, name)
    for i, k in ((0, 0), (0, 10), (10, 1), (11, 10)):
        name = Derivative(Quantity("C", example=n), weight(2, i, k))
        assert same(why[name_text(name, why.definitions.naming)].name, name, why)


@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_an_only_example_may_be_named(notation):
    why = explain(Network.dense([2, 3, 2], seed=0), np.ones((1, 2)), np.zeros((1, 2)), notation=notation)
    for name in (z(1, 1), delta(1, 2), Quantity("a", 0, (1,)), Quantity("a", 2, (1,)), Quantity("y", None, (1,))):
        text = name_text(replace(name, example=0), why.definitions.naming)
        assert text != name_text(name, why.definitions.naming)
        assert same(why[text].name, name, why), text


@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_a_path_is_written_as_it_is_read(notation):
    counting = PRESETS[notation].counting
    for via in ((0, 1, 0), (2, 0, 0)):
        name = Path(Derivative(Quantity("C"), Quantity("a", 0, (0,))), via)
        assert parse(written(name, counting), (2, 3, 2, 1), counting) == name


NET = Network.dense([2, 3, 1], seed=0)
X0 = Network.dense([2, 3, 1], seed=0, bias="x0")


@pytest.mark.parametrize(
    ("text", "notation", "network", "meant"),
    [
        ("f'(z[1][1])", "chainrule", NET, Quantity("slope", 1, (0,))),
        ("f′(z[1][1])", "chainrule", NET, Quantity("slope", 1, (0,))),
        ("σ′(z²₁)", "nielsen", NET, Quantity("slope", 1, (0,))),
        ("dL/dW1[0,1]", "cs231n", NET, Derivative(Quantity("C"), weight(1, 0, 1))),
        ("∂L/∂W1[0,1]", "cs231n", NET, Derivative(Quantity("C"), weight(1, 0, 1))),
        ("dloss/dkernel0[0,1]", "keras", NET, Derivative(Quantity("C"), weight(1, 0, 1))),
        ("kernel[0][0,1]", "keras", NET, weight(1, 0, 1)),
        ("w⁽¹⁾₀₂", "beta", X0, bias(1, 1)),
        ("w^(1)_02", "beta", X0, None),
        ("w^{(1)}_{02}", "beta", X0, bias(1, 1)),
        ("w[1][0,2]", "beta", X0, bias(1, 1)),
        ("W[1][0,2]", "chainrule", X0, bias(1, 1)),
        ("dC/dw[1][0,2]", "beta", NET, Derivative(Quantity("C"), bias(1, 1))),
        ("dz[1][2]", "ng", NET, delta(1, 1)),
        ("ŷ", "rows", NET, Quantity("a", 2, (0,))),
        ("z₁", "tensors", NET, Quantity("a", 2, (0,))),
        ("ΔW⁽¹⁾₂₃", "rows", NET, Change(weight(1, 1, 2))),
        ("v(W[1][2,3])", "chainrule", NET, State("v", weight(1, 1, 2))),
        ("η", "chainrule", NET, Quantity("eta")),
        ("∂C/∂x[1] via 3,1", "chainrule", NET, Path(Derivative(Quantity("C"), Quantity("a", 0, (0,))), (2, 0))),
    ],
)
def test_as_it_is_printed(text, notation, network, meant):
    why = explain(network, [[0.3, 1.0]], [[0.75]], notation=notation, update="momentum")
    if meant is None:
        with pytest.raises(UsageError):
            why[text]
    else:
        assert why[text].name == meant


def test_c_alone_is_what_the_notation_calls_so():
    X, Y = [[0.3, 1.0], [0.5, 0.2]], [[0.75], [0.82]]
    why = explain(NET, X, Y, notation="nielsen")
    assert why["C"].name == Quantity("J")  # C = 1/n sum of C_x
    assert {"C @ 1", "J"} <= set(why.names())
    assert why["∂C/∂w²₁₁"].name.top == Quantity("J")
    assert why["dC/dw[2][1,1]"].name.top == Quantity("C")  # the grammar's own letters: C of an example, J of the batch
    assert explain(NET, X, Y)["C"].name == Quantity("C")


# ---- did you mean ------------------------------------------------------------------------------------------------


@few_and_many(80, 300, st.sampled_from(sorted(PRESETS)), st.booleans(), st.data())
def test_what_was_meant_can_be_asked_for(notation, targets, data):
    """Names with a letter or a number changed: what is suggested is there, and is not what was typed."""
    net = Network.dense([2, 3, 2], bias=data.draw(st.sampled_from([True, False])), seed=0)
    why = explain(net, np.ones((2, 2)), np.ones((2, 2)) if targets else None, notation=notation)
    name = data.draw(st.sampled_from([*why.names(), "da[2][1]/da[1][1]", "dz[2][1]/dW[1][1,1]", "dC/dW[1][1,1] via 1",
                                      "delta[1][1] @ 2", "J", "C"]))  # fmt: skip
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, max(len(name) - 1, 0)))
        name = name[:place] + data.draw(st.sampled_from([*"0123456789aWbzx[],@ ", ""])) + name[place + 1 :]
    try:
        why[name]
    except UsageError as error:
        meant = re.search(r"Did you mean (.*)\?$", str(error))
        if meant:
            assert meant[1].strip() != name.strip()
            why[meant[1]]


test_many_meant_names = test_what_was_meant_can_be_asked_for.many


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("z[9][9]", "z[2][1]"),  # both mended
        ("dC/dW[3][1,9]", "dC/dW[2][1,1]"),
        ("dz[2][3]/da[1][3]", "dz[2][1]/da[1][3]"),  # not the 3 that is right
        ("W[1][5,9]", "W[1][2,3]"),
        ("dela[1][1]", "delta[1][1]"),
    ],
)
def test_the_nearest_is_named(text, meant):
    with pytest.raises(UsageError, match=re.escape(f"Did you mean {meant}?")):
        explain(NET, [[0.3, 1.0]], [[0.75]])[text]


@pytest.mark.parametrize("text", ["b[1][9]", "delta[1][9]", "dela[1][1]", "z[1][9] @ 7"])
def test_nothing_is_meant_that_is_not_there(text):
    net = Network.dense([2, 3, 1], bias=False, seed=0)
    with pytest.raises(UsageError) as refused:
        explain(net, [[0.3, 1.0]])[text]  # no biases, no targets, one example
    assert "Did you mean" not in str(refused.value)


def test_a_notation_of_your_own_reads_what_it_prints():
    own = replace(PRESETS["columns"], name="own", letters={"W": "Θ", "z": "s", "delta": "err", "C": "cost"})
    why = explain(NET, [[0.3, 1.0]], [[0.75]], notation=own)
    for name in (weight(1, 1, 2), z(1, 2), delta(2, 0), Derivative(Quantity("C"), weight(1, 1, 2))):
        text = name_text(name, why.definitions.naming)
        assert ask(text, why.definitions.naming) == name
