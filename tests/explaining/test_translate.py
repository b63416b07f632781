"""From one notation to another: values against the engine under each notation's own conventions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import UsageError, translate
from chainrule.explaining.presets import PRESETS

SIZES = (2, 3, 2)
X = np.random.default_rng(0).normal(size=(5, 2))
Y = np.random.default_rng(1).normal(size=(5, 2))
NET = cr.Network.dense(SIZES, "tanh", seed=0)


def as_written(notation, what):
    """What a course would have on paper: its cost, its orientation."""
    n = PRESETS[notation]
    grads = cr.backward(NET, cr.forward(NET, X), Y, n.loss, reduction=n.reduction)
    array = {"dJ/dW": grads.weights[2], "W": NET.weights[2], "delta": grads.delta[1], "z": cr.forward(NET, X).z[1]}[
        what
    ]
    if what in ("dJ/dW", "W"):
        return array if n.counting.from_to else array.T
    return array if n.examples == "rows" else array.T


@given(
    st.sampled_from(sorted(PRESETS)), st.sampled_from(sorted(PRESETS)), st.sampled_from(["dJ/dW", "W", "delta", "z"])
)
@settings(max_examples=150, deadline=None)
def test_an_array_arrives_as_the_other_course_would_have_it(source, target, what):
    kind, l = ("W", 2) if "W" in what else ("a", 1)
    number = PRESETS[source].counting.layer(l, kind)
    done = translate(
        f"{what}[{number}]", as_written(source, what), source=source, target=target, sizes=SIZES, n_examples=5
    )
    np.testing.assert_allclose(done.value, as_written(target, what), rtol=1e-12)
    assert done.text == f"{what}[{PRESETS[target].counting.layer(l, kind)}]"


def test_a_factor_by_hand():
    # the guided notes: 1/2 sum of squares, summed; PyTorch's MSELoss: the mean over two outputs and five examples
    done = translate("dJ/dW[1]", np.ones((2, 3)), source="rows", target="pytorch", sizes=SIZES, n_examples=5)
    assert done.value == pytest.approx(np.full((3, 2), 2 / 2 / 5))


def test_names_and_formulas():
    done = translate("dC/dW[1][3,2]", source="columns", target="nielsen", sizes=SIZES)
    assert done.text == "dC/dW[2][3,2]"
    assert done.shown == "∂C⟨ˣ⟩/∂w²₃₂"  # of an example; ∂C/∂w²₃₂ is that of the batch
    formula = translate("dC/dW[1][2,3] = a[0][2] * delta[1][3]", source="chainrule", target="columns", sizes=SIZES)
    assert formula.text == "dC/dW[1][3,2] = x[2] * delta[2][3]"
    assert any("transposed" in change for change in formula.changes)


def test_it_says_what_changed():
    done = translate("dJ/dW[1]", np.ones((3, 2)), source="columns", target="tensors", sizes=SIZES, n_examples=4)
    said = "\n".join(done.changes)
    assert "[from, to]" in said
    assert "mean_of_squares instead of half_squared_error: times 1" not in said  # 2/2 of two outputs: no change
    assert "sum over 4 examples instead of mean: times 4" in said
    assert "transposed, (3, 2) to (2, 3)" in said
    assert "nothing changes" in str(translate("W[1]", source="chainrule", target="chainrule", sizes=SIZES))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"what": "dJ/dW[1]", "source": "columns", "target": "rows"}, "give n_examples"),
        ({"what": "W[1]", "value": np.ones((2, 2)), "source": "columns", "target": "rows"}, r"in shape \(3, 2\)"),
        ({"what": "W[1][1,1]", "value": np.ones((2, 2)), "source": "columns", "target": "rows"}, "leave the units out"),
        ({"what": "z[9]", "source": "columns", "target": "rows"}, "layers 2 to 3"),
        ({"what": "W[1]", "source": "colums", "target": "rows"}, 'Did you mean "columns"'),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(UsageError, match=message):
        translate(**arguments, sizes=SIZES)
