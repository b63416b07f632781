"""Enough digits that what is shown has the value that is shown, and none where they tell nothing; brackets likewise."""

import itertools
import math
import re

import pytest
from shown import number_shown

from chainrule.explaining.array_formulas import read, write
from chainrule.explaining.expressions import Function, Negative, Number, Sum
from chainrule.explaining.naming import Naming
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.text_form import TextWriter
from chainrule.explaining.writing import lost_digits

CHAINRULE = PRESETS["chainrule"]


def shown(e, digits=5):
    return TextWriter(Naming(CHAINRULE), digits).write(e)


def digits_of(text):
    """How many significant digits the longest number has."""
    return max(len(n.replace(".", "").lstrip("0")) for n in re.findall(r"[\d.]+", text))


@pytest.mark.parametrize("away", [0.3123456, 0.1123456, 0.0987654321, 0.0123456789, 1.23456789e-3, 1.23456789e-5])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_logarithm_near_1(away, sign):
    x = 1 + sign * away
    text = shown(Function("ln", Number(x)))
    assert number_shown(text) == pytest.approx(math.log(x), rel=1e-3 if away > 0.1 else 1.1e-4)
    more = 0 if away >= 0.1 else math.ceil(-math.log10(away))
    assert digits_of(text) == 5 + more


@pytest.mark.parametrize("x", [0.98765432, 1.23456789, 12.3456789, 123.456789, 612.3456789])
@pytest.mark.parametrize("sign", [-1, 1])
def test_an_exponential_of_a_large_number(x, sign):
    for e in (Number(sign * x), Negative(Number(-sign * x)) if sign < 0 else Negative(Number(-x))):
        text = shown(Function("exp", e))
        assert number_shown(text) == pytest.approx(math.exp(sign * x), rel=1e-4)
        assert digits_of(text) == 5 + (0 if x < 1 else math.ceil(math.log10(x)))


@pytest.mark.parametrize("rest", [0.9, 0.1, 0.0123456789, 1.23456789e-4, 1.23456789e-7, 1.23456789e-11])
@pytest.mark.parametrize("turned", [False, True])
def test_terms_that_nearly_cancel(rest, turned):
    one, other = 3.141592653589793, 3.141592653589793 - rest
    terms = (Negative(Number(one)), Number(other)) if turned else (Number(one), Negative(Number(other)))
    text = shown(Sum(terms))
    assert number_shown(text) == pytest.approx(-rest if turned else rest, rel=1.1e-3)
    lost = math.ceil(math.log10(one / rest)) if one > 20 * rest else 0
    assert digits_of(text) == 5 + lost or rest < 1e-10  # a number has no more than its own digits
    assert digits_of(shown(Sum((Number(one), Number(other))))) == 5
    assert shown(Sum((Number(0.1), Negative(Number(0.1))))) == "0.1 − 0.1"


@pytest.mark.parametrize("total", [0.05, 0.005, -0.05])
def test_the_largest_term_may_be_negative(total):
    terms = [Number(-1000.0), Number(300.0), Number(300.0), Number(400.0 + total)]
    text = shown(Sum(tuple(terms)))
    assert number_shown(text) == pytest.approx(total, rel=1e-6)
    assert lost_digits(Sum(tuple(terms))) == math.ceil(math.log10(1000 / abs(total)))


def test_what_cancels_to_nothing_is_shown_whole():
    one, other = Function("tanh", Number(0.5)), Number(math.tanh(0.5))
    assert shown(Sum((one, Negative(other)))) == f"tanh(0.5) − {math.tanh(0.5)!r}"
    assert shown(Sum((Number(1 / 3), Negative(Number(1 / 3))))) == "0.33333 − 0.33333"
    assert lost_digits(Sum((one, Negative(other), Number(1.0)))) == 0


# ---- formulas of arrays ------------------------------------------------------------------------------------------

PIECES = ["{}^T", "-{}", "{} + {}", "{} - {}", "{} @ {}", "{} * {}", "{} {}", "{} ⊙ {}", "{} / {}", "{}^2", "f({})",
          "exp({})"]  # fmt: skip


def filled(piece, inner, place):
    """A piece with another in brackets at one of its places, and names at the others."""
    count = piece.count("{}")
    return piece.format(*(f"({inner})" if i == place else f"W[{i + 1}]" for i in range(count)))


def meaning(node):
    """(sign, what a formula says without it): (A B) C is A (B C), and -(A B) is (-A) B."""
    parts = [meaning(part) for part in node.parts]
    if node.op == "neg":
        return -parts[0][0], parts[0][1]
    if node.op not in ("product", "/"):
        return 1, (node.op, node.sign, node.name, *parts)
    head, factors = (node.op, node.sign), [part for _, part in parts]
    if node.op == "product":
        factors = [each for part in factors for each in (part[2:] if part[:2] == head else [part])]
    return math.prod(sign for sign, _ in parts), (*head, *factors)


@pytest.mark.parametrize("outer", PIECES)
def test_a_formula_is_written_as_it_is_read_again(outer):
    sizes, leaves = (2, 2, 2, 2), itertools.cycle(["a[1]", "da[2]/da[1]", "a[1] @ 2", "2", "a[1]"])
    for place, middle in itertools.product(range(outer.count("{}")), PIECES):
        for at, inner in itertools.product(range(middle.count("{}")), ["-{}", "{} {}", "{} * {}", "{} / {}", "{}^2"]):
            deep = inner.format(f"({next(leaves)})", "delta[2]")
            tree = read(filled(outer, filled(middle, deep, at), place), sizes, CHAINRULE)
            text = write(tree, CHAINRULE)
            assert meaning(read(text, sizes, CHAINRULE)) == meaning(tree), text


WRITTEN = [
    "-W[1] W[2]", "-W[1] W[2] W[3]", "-W[1] + W[2]", "W[1] - -W[2]", "-W[1] ⊙ W[2]", "-(W[1] ⊙ W[2])", "2 * W[1]",
    "-(W[1] + W[2])", "W[1] - (W[2] - W[3])", "W[1] + W[2] - W[3]", "W[1] W[2] W[3]", "W[1] @ W[2] * W[3]", "-W[1]^2",
    "(W[1] W[2])^T", "W[1]^T W[2]", "(W[1] + W[2])^2", "W[1]^2 W[2]", "W[1] W[2]^2", "W[1]^T^2", "W[1] W[2] / W[3]",
    "W[1] (W[2] ⊙ W[3])", "(W[1] W[2]) ⊙ W[3]", "W[1] ⊙ (W[2] W[3])", "W[1] / (W[2] W[3])", "W[1] @ (2)",
    "W[1] (-W[2])", "f(W[1] + W[2])", "f'(z[1]) ⊙ delta[1]", "exp(-z[1])", "1 / N x^T delta[1]", "-1 / N * x^T",
    "(da[2]/da[1])^T", "da[2]/da[1] da[1]/dx", "(a[1] @ 2)^T", "a[1] @ 2 + a[1]", "(-W[1])^T", "(-W[1])^2",
    "W[1] (W[2] / W[3])",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_a_formula_is_written_as_a_person_would(text):
    assert write(read(text, (2, 2, 2, 2), CHAINRULE), CHAINRULE) == text
