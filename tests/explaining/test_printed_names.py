"""What `shapes`, `derive` and `translate` print is taken by `derive`, `translate` and `explain`, and means the same."""

import numpy as np
import pytest

from chainrule import Network, UsageError, derive, explain, shapes, translate
from chainrule.explaining.array_formulas import read
from chainrule.explaining.grammar import all_quantities, parse, written
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import BATCH_COST, COST, Derivative, Quantity, is_array
from chainrule.explaining.render import name_text
from chainrule.explaining.trees import symbols

SIZES = (2, 3, 2)
NET = Network.dense(SIZES, "tanh", seed=0)
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(4, 2)), RANDOM.uniform(size=(4, 2))
NOTATIONS = sorted(PRESETS)


def derivable(name):
    if isinstance(name, Quantity):
        return name.kind == "delta" and name.example is None
    return isinstance(name, Derivative)


@pytest.mark.matrix
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", [(2, 3, 2), (2, 3, 1), (2, 2, 2, 1)])
def test_the_symbols_of_the_table_of_shapes(notation, sizes):
    counting = PRESETS[notation].counting
    net = Network.dense(sizes, "tanh", seed=0)
    why = explain(net, X, RANDOM.uniform(size=(4, sizes[-1])), notation=notation)
    options = {"source": notation, "target": "chainrule", "sizes": sizes, "n_examples": 4}
    core = {translate(row.asked, **options).text: row
            for row in shapes(sizes, notation=notation, n_examples=4).rows}  # fmt: skip
    for text, row in core.items():
        done = translate(row.symbol, **options)
        assert done.text == text, row
        if row.symbol == "ŷ" and sizes[-1] == 1:  # of an only output and its array, explain takes the output
            assert why[row.symbol].value == pytest.approx(why[row.asked].value.flat[0], rel=1e-9)
        else:
            assert np.array_equal(why[row.symbol].value, why[row.asked].value), row
        if derivable(row.name):
            assert str(derive(sizes, row.symbol, notation=notation, level="matrix")) == str(
                derive(sizes, written(row.name, counting), notation=notation, level="matrix")
            ), row
        elif row.name != BATCH_COST:
            with pytest.raises(UsageError, match="what is derived is"):
                derive(sizes, row.symbol, notation=notation)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_what_derive_prints(notation):
    """Names of a derivation with numbers for indices; with letters they are of any unit, which nobody can ask for."""
    counting = PRESETS[notation].counting
    why = explain(NET, X, Y, notation=notation)
    met = set()
    for level in ("scalar", "matrix", "tensor"):
        for asked in (f"dC/dW[{counting.layer(1, 'W')}]", f"dC/db[{counting.layer(2, 'b')}]"):
            made = derive(SIZES, asked, notation=notation, level=level)
            names = {s.name for e in made.equations for side in (e.left, *e.sides) for s in symbols(side)}
            met |= {(name, name_text(name, made.naming)) for name in names if numbered(name)}
    assert len(met) > 20
    for name, text in met:
        one = translate(text, source=notation, target="chainrule", sizes=SIZES, n_examples=4)
        if isinstance(name, Quantity) and name.kind == "slope":
            assert one.text == written(name)
            assert np.array_equal(why[text].value, why[written(name, counting)].value)
            continue
        assert parse(one.text, SIZES) in same(name), text
        if isinstance(name, Derivative) and name.top.kind == "W":
            continue
        assert written(why[text].name) == one.text, text
        if isinstance(name, Derivative) and derivable(name):
            back = derive(SIZES, written(name, counting), notation=notation, level="scalar")
            assert str(derive(SIZES, text, notation=notation, level="scalar")) == str(back), text


def numbered(name):
    """Whether explain and translate know a name: its indices are numbers, and it is no derivative of weights or x."""
    if isinstance(name, Derivative):
        known = name.top.kind in ("C", "J", "a", "z") and not (name.top.kind == "a" and name.top.layer == 0)
        return known and numbered(name.top) and numbered(name.bottom)
    indices = (name.layer, *name.units, name.example)
    return (isinstance(name, Quantity) and name.kind in ("W", "b", "a", "z", "y", "slope", "delta") and all(
        isinstance(index, int | None) for index in indices
    )) or name in (COST, BATCH_COST)  # fmt: skip


def same(name):
    """A cost without an example is the batch's where a notation has one letter for both."""
    if isinstance(name, Derivative) and name.top.kind in ("C", "J"):
        return (name, *(Derivative(top, name.bottom) for top in (COST, BATCH_COST)))
    return (COST, BATCH_COST) if name in (COST, BATCH_COST) else (name,)


PAIRS = [(NOTATIONS[i], NOTATIONS[(i + 5) % len(NOTATIONS)]) for i in range(len(NOTATIONS))]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_translation_leads_back(source, target):
    """By its text and as it is shown; also where nobody gives the sizes, unless it says that they are missing."""
    arrays = [row.name for row in shapes(SIZES, n_examples=4).rows]
    led_back = 0
    for name in [*arrays, *all_quantities(SIZES)[::9]]:
        text = written(name, PRESETS[source].counting)
        for sizes in (SIZES, None):
            options = {"sizes": sizes, "n_examples": 4}
            there = translate(text, source=source, target=target, **options)
            for back in (there.text, there.shown):
                if sizes is None and "ŷ" in back:
                    with pytest.raises(UsageError, match="give sizes"):
                        translate(back, source=target, target=source, **options)
                    continue
                again = translate(back, source=target, target=source, **options)
                assert same_text(again.text, text, source), (text, there)
                led_back += 1
    assert led_back > 50


def same_text(one, other, notation):
    asked = [translate(text, source=notation, target="chainrule", sizes=SIZES, n_examples=4).text
             for text in (one, other)]  # fmt: skip
    return asked[0] == asked[1]


@pytest.mark.parametrize(
    ("formula", "source", "plain"),
    [
        ("dW[2] = 1/m * dZ[2] * A[1]^T", "ng", "dJ/dW[2] = 1/m * dz[2] * a[1]^T"),
        ("dz[1] = W[2]ᵀ dz[2] ⊙ g′(Z[1])", "ng", "delta[1] = W[2]^T delta[2] ⊙ g'(z[1])"),
        ("δ⁽²⁾ = W⁽²⁾ᵀ δ⁽³⁾ ⊙ f′(z⁽²⁾)", "columns", "delta[2] = W[2]^T delta[3] ⊙ f'(z[2])"),
        ("∂C/∂w² = 1 / n · (δ² xᵀ)", "nielsen", "dJ/dW[2] = 1/n * (delta[2] x^T)"),
        ("(a² − x²)²", "nielsen", None),
        ("∂L/∂W1 = 1 / N · (Xᵀ δ1)", "cs231n", "dJ/dW[1] = 1/N * (x.T delta[1])"),
        ("∂loss/∂kernel0 = 1 / N · (xᵀ δ0)", "keras", "dJ/dW[0] = 1/N * (x.T delta[0])"),
        ("∂L/∂V = Xᵀ δ′", "tensors", "dJ/dW[1] = x^T delta[1]"),
        ("Z = f(S)", "tensors", "a[2] = f(z[2])"),
        ("(a[1] - a[1])²", "chainrule", "(a[1] - a[1])^2"),
        ("a[1]²", "chainrule", "a[1]^2"),
        ("x² + 2 x²", "nielsen", "x^2 + 2 x^2"),
    ],
)
def test_formulas_as_they_are_printed(formula, source, plain):
    if plain is None:
        with pytest.raises(UsageError):
            translate(formula, source=source, target="chainrule", sizes=SIZES)
        return
    for side, wanted in zip(formula.split("="), plain.split("="), strict=True):
        one, other = (signless(read(text, SIZES, PRESETS[source])) for text in (side, wanted))
        assert one == other
    done, wanted = (translate(text, source=source, target=source, sizes=SIZES).text for text in (formula, plain))
    sides = [[signless(read(side, SIZES, PRESETS[source])) for side in text.split("=")] for text in (done, wanted)]
    assert sides[0] == sides[1]


def signless(node):
    """A formula without the signs that were typed for its products."""
    sign = node.sign if node.op in ("number", "setting", "call", "^") else ""
    return node.op, tuple(map(signless, node.parts)), sign, node.name


@pytest.mark.parametrize(("text", "notation"), [("ŷ", "rows"), ("ŷ₁", "rows")])
def test_the_outputs_of_a_network_that_nobody_described(text, notation):
    with pytest.raises(UsageError, match="give sizes"):
        translate(text, source=notation, target="chainrule")


@pytest.mark.parametrize("formula", ["x1 + 2", "a[1]2", "z[1][1]3 + 1", "delta[1]2"])
def test_a_number_glued_to_a_name_is_no_factor(formula):
    with pytest.raises(UsageError):
        translate(f"({formula})", source="chainrule", target="rows", sizes=SIZES)


def test_the_slopes_of_a_layer():
    why = explain(NET, X, Y)
    assert is_array(why["f'(z[1])"].name)
    assert np.allclose(why["f′(Z[1])"].value, 1 - why["a[1]"].value ** 2, rtol=1e-12)
    assert np.allclose(why["f'(z[1])"].value[2], 1 - why["a[1] @ 3"].value ** 2)
    softmax = explain(Network.dense((2, 3), "softmax", seed=0), X)
    A = softmax["a[1]"].value  # f' of one of its units is what its own z does to it
    assert np.allclose(softmax["f'(z[1])"].value, A * (1 - A), rtol=1e-12)
