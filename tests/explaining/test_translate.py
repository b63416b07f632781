"""From one notation to another: values against the engine under each notation's own conventions."""

import numpy as np
import pytest
from hypothesis import given
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


@pytest.mark.matrix
@pytest.mark.parametrize("l", [1, 2, 3, 12])
@pytest.mark.parametrize("notation", sorted(PRESETS))
def test_names_of_a_network_that_nobody_described(notation, l):
    """The smallest network that has what is named is assumed: up to 12 layers, and units up to the fiftieth."""
    counting = PRESETS[notation].counting
    for i, k in ((0, 1), (2, 9), (40, 5), (48, 49)):
        for text in (f"dC/dW[{l}][{i + 1},{k + 1}]", f"z[{l}][{k + 1}]", f"x[{k + 1}]", f"y[{i + 1}]"):
            there = translate(text, source="chainrule", target=notation).text
            units = (i, k) if counting.from_to else (k, i)
            if "W" in text:
                first = counting.first_unit
                shown = f"[{counting.layer(l, 'W')}][{units[0] + first},{units[1] + first}]"
                assert there == f"dC/dW{shown}"
            assert translate(there, source=notation, target="chainrule").text == text
    for beyond in ("W[13][1,1]", "z[14]", "a[13][1] + a[13][1]"):
        with pytest.raises(UsageError, match=r"of a large network. Give its units per layer"):
            translate(beyond, source="chainrule", target=notation)


@pytest.mark.parametrize(("text", "sizes", "shown"), [
    ("W[1]", (2, 3, 2), "V"), ("W[2]", (2, 3, 2), "W"), ("a[2][1]", (2, 3, 2), "z₁"), ("z[1][2]", (2, 3, 2), "r₂"),
    ("z[2][2]", (2, 3, 2), "s₂"), ("z[3][1]", (2, 3, 2, 2), "sum⁽³⁾₁"), ("W[3][1,1]", (2, 3, 2, 2), "w⁽³⁾₁₁"),
    ("W[1]", None, "W⁽¹⁾"), ("a[2][1]", None, "a⁽²⁾₁"),
])  # fmt: skip
def test_letters_stand_for_the_layers_of_a_network_that_is_given(text, sizes, shown):
    assert translate(text, source="chainrule", target="tensors", sizes=sizes).shown == shown


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


KINDS = ("W", "b", "z", "a", "delta")


def named(kind, l, notation):
    return f"{kind}[{PRESETS[notation].counting.layer(l, kind)}]"


@pytest.mark.parametrize("source", sorted(PRESETS))
def test_nothing_of_a_network_is_said_where_no_network_is_given(source):
    """Without sizes the remarks are those of a network of any size, but for a factor with a letter in place of it."""
    names = [f"d{top}/d{named(kind, 1, source)}" for top in "CJ" for kind in ("W", "b")]
    names += [f"dC/d{named('a', 1, source)}", f"da[{PRESETS[source].counting.layer(2)}]/d{named('a', 1, source)}"]
    names += [named(kind, l, source) for kind in KINDS for l in (1, 2)] + ["C", "y"]
    for target in sorted(PRESETS):
        for name in names:
            try:
                free = translate(name, source=source, target=target, n_examples=5)
            except UsageError:  # as a delta where beta is sent back
                with pytest.raises(UsageError):
                    translate(name, source=source, target=target, n_examples=5, sizes=(4, 5, 6, 7))
                continue
            for n in (7, 11):
                given = translate(name, source=source, target=target, n_examples=5, sizes=(4, 5, 6, n))
                assert (free.text, free.shown) == (given.text, given.shown)
                assert len(free.changes) == len(given.changes)
                for loose, fixed in zip(free.changes, given.changes, strict=True):
                    if loose != fixed:
                        words, _, factor = loose.partition("times ")
                        assert fixed.startswith(words)
                        assert "n_outputs" in factor
                        assert f"{eval(factor, {'n_outputs': n}):g}" == fixed.partition("times ")[2]


def test_a_factor_of_unknown_outputs_by_hand():
    # 1/2 sum of (a - y)^2 against the mean of n squares: n/2 times the mean
    for name in ("dL/dW[0]", "dL/dW[1]"):
        said = str(translate(name, source="pytorch", target="chainrule"))
        assert "half_squared_error instead of mean_of_squares: times n_outputs / 2" in said
    assert "times 2 / n_outputs" in str(translate("dC/dW[1]", source="chainrule", target="keras"))
    assert "times n_outputs" in str(translate("dC/dW[0]", source="keras", target="gates"))
    assert "times 1 / n_outputs" in str(translate("dC/dW[1]", source="gates", target="keras"))


@pytest.mark.parametrize("name", ["z[99]", "W[1][60,1]", "W[2][70,1] + W[2][70,1]"])
def test_a_name_beyond_every_network_that_is_tried_asks_for_sizes(name):
    with pytest.raises(UsageError, match="Give its units per layer: sizes"):
        translate(name, source="chainrule", target="ng")
