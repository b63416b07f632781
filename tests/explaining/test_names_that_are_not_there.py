"""Every number that a name may hold, on both sides of what is there: read as it is counted, or the nearest is named."""

import itertools
import re

import pytest

from chainrule import UsageError
from chainrule.explaining.grammar import parse
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import COST, Derivative, Path, Quantity, a, bias, weight

SIZES = (2, 3, 4, 2)
L = len(SIZES) - 1
EVERY = pytest.mark.parametrize("counting", [n.counting for n in PRESETS.values()], ids=list(PRESETS))


def refusal(text, counting):
    with pytest.raises(UsageError) as refused:
        parse(text, SIZES, counting)
    return str(refused.value)


def clamped(number, low, high):
    return low if number < low else high if number > high else number


def counted(counting, l, kind):
    """The number of a layer, or of its weights: the first has first_weights, the inputs have input_layer."""
    return l - 1 + counting.first_weights if kind in "Wb" else l + counting.input_layer


@EVERY
@pytest.mark.parametrize("kind", ["W", "b", "z", "a", "delta"])
def test_layers_and_units(kind, counting):
    first = counting.first_unit
    for l in range(-2, L + 3):
        least = 0 if kind == "a" else 1
        number, near = counted(counting, l, kind), counted(counting, clamped(l, least, L), kind)
        if not least <= l <= L:
            low, high = counted(counting, least, kind), counted(counting, L, kind)
            said = refusal(f"{kind}[{number}]", counting)
            assert f"{kind} is there for layers {low} to {high} of this network. Did you mean {kind}[{near}]?" in said
            continue
        assert parse(f"{kind}[{number}]", SIZES, counting) == Quantity(kind, l)
        for more in ("", f"[{number}]", f"[{number}][{first}][{first}]"):
            if more.count("[") != 1:
                said = refusal(f"{kind}{more}", counting)
                assert re.search(f"an? .* has a layer and a unit, as in {kind}\\[1\\]", said)
        if kind == "W":
            continue
        for u in range(-2, SIZES[l] + 3):
            text = f"{kind}[{number}][{u + first}]"
            if 0 <= u < SIZES[l]:
                assert parse(text, SIZES, counting) == Quantity(kind, l, (u,))
                continue
            there, near = f"{SIZES[l]} units, {first} to {SIZES[l] - 1 + first}", clamped(u, 0, SIZES[l] - 1) + first
            said = refusal(text, counting)
            assert f"layer {number} has {there}. Did you mean {kind}[{number}][{near}]?" in said


def written(counting, l, i, k):
    u, v = (i, k) if counting.from_to else (k, i)
    return f"W[{counted(counting, l, 'W')}][{u + counting.first_unit},{v + counting.first_unit}]"


@EVERY
def test_weights(counting):
    first, order = counting.first_unit, "from, to" if counting.from_to else "to, from"
    for l in range(1, L + 1):
        number, fan_in, fan_out = counted(counting, l, "W"), SIZES[l - 1], SIZES[l]
        for i, k in itertools.product(range(-2, fan_in + 3), range(-2, fan_out + 3)):
            if 0 <= i < fan_in and 0 <= k < fan_out:
                assert parse(written(counting, l, i, k), SIZES, counting) == weight(l, i, k)
                continue
            said = refusal(f"dC/d{written(counting, l, i, k)}", counting)
            turned = 0 <= k < fan_in and 0 <= i < fan_out
            near = (k, i) if turned else (clamped(i, 0, fan_in - 1), clamped(k, 0, fan_out - 1))
            assert f"W[{number}] leads from {fan_in} units to {fan_out}, its indices are [{order}]" in said
            assert (f", counted from {first}" in said) == (not turned)
            assert said.endswith(f"Did you mean dC/d{written(counting, l, *near)}?")


@EVERY
def test_inputs_targets_examples_and_paths(counting):
    first, layer, W = counting.first_unit, counting.layer(1), f"dC/dW[{counted(counting, 1, 'W')}]"
    for letter, where, size in (("x", "input", 2), ("y", "output", 2)):
        assert parse(letter, SIZES, counting) == (Quantity("a", 0) if letter == "x" else Quantity("y"))
        for u in range(-2, size + 3):
            if 0 <= u < size:
                read = parse(f"{letter}[{u + first}] @ {u + 1}", SIZES, counting)
                assert read == (a(0, u, u) if letter == "x" else Quantity("y", None, (u,), u))
            else:
                near = clamped(u, 0, size - 1) + first
                said = refusal(f"{letter}[{u + first}]", counting)
                assert f"the {where} has 2 units, {first} to {first + 1}. Did you mean {letter}[{near}]?" in said
        assert f"{letter} has one index" in refusal(f"{letter}[{first}][{first}]", counting)
    assert all("examples are counted from 1" in refusal(f"C @ {n}", counting) for n in (0, -1))
    assert parse("C @ 1", SIZES, counting) == Quantity("C", example=0)
    # From a weight of layer 1 to C a path passes one of the 4 units of layer 2 and one of the 2 of layer 3.
    entry = f"{W}[{first},{first}]"
    for p, q in itertools.product(range(-1, 5), range(-1, 3)):
        text = f"{entry} via {p + first},{q + first}"
        if 0 <= p < 4 and 0 <= q < 2:
            assert parse(text, SIZES, counting) == Path(Derivative(COST, weight(1, 0, 0)), (p, q))
        else:
            l, size = (2, 4) if not 0 <= p < 4 else (3, 2)
            assert f"layer {layer + l - 1} has {size} units, {first} to {first + size - 1}" in refusal(text, counting)
    for via in (f"{first}", f"{first},{first},{first}"):
        assert "this path passes 2 layers, so via names 2 units" in refusal(f"{entry} via {via}", counting)
    z, b = counting.layer(3), counted(counting, 3, "b")
    one = parse(f"dz[{z}][{first}]/dx[{first}] via {first},{first}", SIZES, counting)
    assert one == Path(Derivative(Quantity("z", 3, (0,)), a(0, 0)), (0, 0))
    assert "one path only" in refusal(f"dC/db[{b}][{first}] via {first}", counting)
    assert "a path belongs to a derivative" in refusal(f"dJ/db[{b}][{first}] via {first}", counting)
    assert "a path belongs to a derivative" in refusal(f"{W} via {first},{first}", counting)


@EVERY
def test_what_is_differentiated_comes_after_what_it_is_differentiated_by(counting):
    """Of a network's numbers in the order of computing: W[1], b[1], z[1], a[1], W[2], ..."""
    first = counting.first_unit
    places = {("a", 0): 0} | {
        (kind, l): 3 * l + at for l in range(1, L + 1) for kind, at in {"W": 0, "b": 0, "z": 1, "a": 2}.items()
    }
    for (top, m), (bottom, l) in itertools.product(places, places):
        two = f"{first},{first}" if bottom == "W" else f"{first}"
        upper, lower = f"{top}[{counted(counting, m, top)}]", f"{bottom}[{counted(counting, l, bottom)}]"
        if top in "Wb":
            assert "what is differentiated is C, J, a or z" in refusal(f"d{upper}/d{lower}", counting)
            continue
        for text, units in ((f"d{upper}[{first}]/d{lower}[{two}]", True), (f"d{upper}/d{lower}", False)):
            if places[bottom, l] > places[top, m]:
                assert "must come after" in refusal(text, counting)
            else:
                inner = ((0, 0) if bottom == "W" else (0,)) if units else ()
                read = parse(text, SIZES, counting)
                assert read == Derivative(Quantity(top, m, (0,) if units else ()), Quantity(bottom, l, inner))
        asked = f"which unit? write d{top}[{counting.layer(m)}][{first}]/..."
        assert asked in refusal(f"d{upper}/d{lower}[{two}]", counting)
    delta = parse(f"dC/dz[{counting.layer(1)}][{first}]", SIZES, counting)
    assert delta == Quantity("delta", 1, (0,))
    assert parse(f"dJ/db[{counted(counting, 2, 'b')}][{first}]", SIZES, counting) == Derivative(
        Quantity("J"), bias(2, 0)
    )
