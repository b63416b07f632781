"""Names of numbers: read, written, counted as a notation counts, and refused with what was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import UsageError
from chainrule.explaining.grammar import all_names, parse, written
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import (
    COST,
    Change,
    Counting,
    Derivative,
    Path,
    Quantity,
    a,
    bias,
    delta,
    weight,
    z,
)

SIZES = (2, 3, 1)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("x[2]", a(0, 1)),
        ("a[0][2]", a(0, 1)),
        ("y[1]", Quantity("y", None, (0,))),
        ("z[1][3]", z(1, 2)),
        ("net[1][3]", z(1, 2)),
        ("W[1][2,3]", weight(1, 1, 2)),
        ("w[1][2, 3]", weight(1, 1, 2)),
        ("b[2][1]", bias(2, 0)),
        ("C", COST),
        ("E @ 3", Quantity("C", example=2)),
        ("delta[1][2]", delta(1, 1)),
        ("δ[1][2]", delta(1, 1)),
        ("dC/dz[1][2]", delta(1, 1)),
        ("∂C/∂a[1][2]", Derivative(COST, a(1, 1))),
        ("dC/dW[1][2,3] @ 2", Derivative(Quantity("C", example=1), weight(1, 1, 2))),
        ("dJ/db[2][1]", Derivative(Quantity("J"), bias(2, 0))),
        ("da[2][1]/da[0][2]", Derivative(a(2, 0), a(0, 1))),
        ("dz[2][1]/dW[1][2,3]", Derivative(z(2, 0), weight(1, 1, 2))),
        ("dC/dW[1][2,3] via 1", Path(Derivative(COST, weight(1, 1, 2)), (0,))),
        ("da[2][1]/dx[2] via 3", Path(Derivative(a(2, 0), a(0, 1)), (2,))),
        ("change W[1][2,3]", Change(weight(1, 1, 2))),
        ("ΔW[1][2,3]", Change(weight(1, 1, 2))),
        ("dC/dW[1]", Derivative(COST, Quantity("W", 1))),
    ],
)
def test_reads(text, meant):
    assert parse(text, SIZES) == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("z[1][4]", r"layer 1 has 3 units, 1 to 3\. Did you mean z\[1\]\[3\]\?"),
        ("z[0][1]", r"z is there for layers 1 to 2 of this network\. Did you mean z\[1\]\[1\]\?"),
        ("dC/dW[1][3,2]", r"Did you mean dC/dW\[1\]\[2,3\]\?"),
        ("W[1][5,9]", "leads from 2 units to 3"),
        ("W[1][1]", "a weight has two units"),
        ("q[1][1]", '"q" is no quantity'),
        ("dela[1][1]", r"Did you mean delta\[1\]\[1\]\?"),
        ("z", "a pre-activation has a layer and a unit"),
        ("C[1]", "C is one number"),
        ("dC/dC", "what is differentiated is C, J, a or z"),
        ("dJ/da[1][1]", "J belongs to a batch"),
        ("da[1][1]/da[2][1]", "must come after"),
        ("W[1][a,b]", 'received "a"'),
        ("C @ 0", "counted from 1"),
        ("dC/dW[1][1,1] via 1,2", "this path passes 1 layer, so via names 1 unit"),
        ("dC/dW[2][1,1] via 1", "one path only"),
        ("dC/dW[1][1,1] via", "units are numbers"),
        ("J @ 2", "belongs to no single example"),
        ("W[1][1,1] @ 2", "belongs to no single example"),
        ("C @", "an example, counted from 1"),
        ("a", "an activation has a layer"),
        ("change z[1][1]", "a change is one of a weight or a bias"),
        ("y[2]", "the output has 1 unit"),
        ("dW[1][1,1]", '"dW" is no quantity'),
        ("", "is written as"),
        ("da[2]/dx[1]", "which unit"),
    ],
)
def test_refuses(text, message):
    with pytest.raises(UsageError, match=message):
        parse(text, SIZES)


@given(st.sampled_from(sorted(PRESETS)), st.lists(st.integers(1, 4), min_size=2, max_size=5), st.data())
def test_what_is_written_is_read_again(preset, sizes, data):
    counting = PRESETS[preset].counting
    names = all_names(tuple(sizes), counting)
    text = data.draw(st.sampled_from(names))
    assert written(parse(text, tuple(sizes), counting), counting) == text
    assert len(names) == len(set(names))


def test_counting():
    nielsen = PRESETS["nielsen"].counting  # layer 1 is the input, w^2_jk leads from k to j
    assert parse("W[2][3,1]", SIZES, nielsen) == weight(1, 0, 2)
    assert parse("z[2][3]", SIZES, nielsen) == z(1, 2)
    columns = PRESETS["columns"].counting  # W^(1) leaves layer 1, the input
    assert parse("W[1][3,2]", SIZES, columns) == weight(1, 1, 2)
    assert written(z(1, 2), columns) == "z[2][3]"
    torch = PRESETS["pytorch"].counting
    assert parse("W[0][2,1]", SIZES, torch) == weight(1, 1, 2)
    assert Counting().layer("L") == "L"
