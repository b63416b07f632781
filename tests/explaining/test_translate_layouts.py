"""What a translation turns around: Jacobians by their layout, arrays by kind, and what it says of each convention."""

from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule import UsageError, translate
from chainrule.explaining.presets import PRESETS

SIZES = (2, 3, 4)
NET = cr.Network.dense(SIZES, "tanh", seed=0)
OWN = PRESETS["chainrule"]
DENOMINATOR = replace(OWN, name="turned", layout="denominator")
X, Y = np.ones((5, 2)), np.zeros((5, 4))


@pytest.mark.parametrize("name", ["da[2]/dx", "da[2]/da[1]", "dz[2]/dz[1]", "dz[2]/da[1]", "da[1]/dz[1]"])
def test_jacobians_have_the_layout_of_their_notation(name):
    J, turned = (cr.explain(NET, X, Y, notation=n)[name].value for n in (OWN, DENOMINATOR))
    np.testing.assert_array_equal(J, turned.T)
    for value, source, target in ((J, OWN, DENOMINATOR), (turned, DENOMINATOR, OWN)):
        done = translate(name, value, source=source, target=target, sizes=SIZES)
        np.testing.assert_array_equal(done.value, value.T)
        assert f"Jacobians have {target.layout} layout" in done.changes
        assert any(change.startswith("transposed") for change in done.changes)
        same = translate(name, value, source=source, target=source, sizes=SIZES)
        np.testing.assert_array_equal(same.value, value)
        assert same.changes == ()
    if J.shape != turned.shape:
        with pytest.raises(UsageError, match="has this array in shape"):
            translate(name, J, source=DENOMINATOR, target=OWN, sizes=SIZES)


def test_parts_of_jacobians_and_biases_arrive_as_the_other_course_would_have_them():
    """What `explain` answers in one notation, translated, is what it answers in the other."""
    for source, target in (("chainrule", "ng"), ("ng", "chainrule"), (OWN, DENOMINATOR)):
        before, after = (cr.explain(NET, X, Y, notation=n) for n in (source, target))
        for name in ("da[2][1]/da[1]", "dz[2][3]/dW[1]", "dz[2][3]/db[1]", "b[1]", "dC/db[2]", "dC/dW[1]", "z[1] @ 2"):
            done = translate(name, before[name].value, source=source, target=target, sizes=SIZES)
            np.testing.assert_allclose(np.squeeze(done.value), np.squeeze(after[name].value), err_msg=name)
        with pytest.raises(UsageError, match="a tensor is not translated"):
            translate("dz[2]/dW[1]", before["dz[2]/dW[1]"].value, source=source, target=target, sizes=SIZES)
    for wrong in (np.ones((3, 2)), np.ones((2, 3))):
        with pytest.raises(UsageError, match="has this array in shape"):
            translate("b[1]", wrong, source="chainrule", target="ng", sizes=SIZES)


def test_a_formula_of_jacobians():
    done = translate("dC/da[1] = dC/da[2] da[2]/da[1]", source=OWN, target=DENOMINATOR, sizes=SIZES)
    assert done.text == "dC/da[1] = dC/da[2] (da[2]/da[1])^T"
    assert translate(done.text, source=DENOMINATOR, target=OWN, sizes=SIZES).text.endswith("= dC/da[2] da[2]/da[1]")
    chain = translate("da[2]/dx = da[2]/da[1] da[1]/dx", source=OWN, target=DENOMINATOR, sizes=SIZES)
    assert chain.text == "da[2]/dx = da[1]/dx da[2]/da[1]"


@pytest.mark.parametrize(("source", "target"), [("chainrule", "ng"), ("ng", "chainrule")])
@pytest.mark.parametrize(
    ("name", "units"), [("x", 2), ("y", 4), ("z[1]", 3), ("a[2]", 4), ("delta[1]", 3), ("dC/da[1]", 3)]
)
def test_numbers_of_examples_are_turned_and_those_of_one_are_not(source, target, name, units):
    rows = np.arange(5.0 * units).reshape(5, units)
    value = rows if source == "chainrule" else rows.T
    done = translate(name, value, source=source, target=target, sizes=SIZES)
    np.testing.assert_array_equal(done.value, value.T)
    one = translate(name, rows[0], source=source, target=target, sizes=SIZES)
    np.testing.assert_array_equal(one.value, rows[0])
    assert not any(change.startswith("transposed") for change in one.changes)
    for wrong in (np.ones((units + 1, units + 1)), np.ones(units + 1)):
        with pytest.raises(UsageError, match="has this array in shape"):
            translate(name, wrong, source=source, target=target, sizes=SIZES)


@pytest.mark.parametrize(
    ("source", "target", "name", "said"),
    [
        ("chainrule", "gates", "W[1]", {"units count from 0, not 1", "nothing of layers"}),
        ("chainrule", "columns", "W[1]", {"the input is layer 1, not 0", "weight matrices are transposed"}),
        ("columns", "chainrule", "W[1]", {"the input is layer 0, not 1", "indices are [from, to] now"}),
        ("columns", "nielsen", "W[1]", {"the weights out of the input have number 2, not 1"}),
        ("rows", "chainrule", "z[2]", {"the error is written a - y, without a minus"}),
        ("chainrule", "rows", "z[1]", {"the error is written y - a, with a minus before it"}),
        ("chainrule", "beta", "z[1]", {"beta = -dC/da is sent back, where it was delta = dC/dz"}),
        ("beta", "chainrule", "z[1]", {"delta = dC/dz is sent back, where it was beta = -dC/da"}),
    ],
)
def test_each_convention_that_differs_is_said(source, target, name, said):
    changes = "\n".join(translate(name, source=source, target=target, sizes=SIZES).changes)
    for words in said - {"nothing of layers"}:
        assert words in changes
    if "nothing of layers" in said:
        assert "layer" not in changes


@pytest.mark.parametrize("source", sorted(PRESETS))
def test_between_equal_notations_nothing_changes(source):
    n = PRESETS[source]
    for kind in ("W", "a", "delta"):
        done = translate(f"{kind}[{n.counting.layer(2, kind)}]", source=source, target=source, sizes=SIZES)
        assert done.changes == ()
