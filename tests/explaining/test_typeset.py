"""What is typeset says what was meant: text, LaTeX and MathML, read back by an eye's rules, have the tree's value."""

import math

import pytest
import random_networks
import reading
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strength import few_and_many

import chainrule as cr
from chainrule.explaining.expressions import (
    Cases,
    Condition,
    Function,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    SumOver,
    Symbol,
)
from chainrule.explaining.latex_form import LatexWriter, latex_words
from chainrule.explaining.mathml_form import MathmlWriter
from chainrule.explaining.naming import Naming, Scripted
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import COST, Derivative, Quantity, State, a, delta, variable, weight, z
from chainrule.explaining.text_form import TextWriter
from chainrule.explaining.trees import evaluate, symbols

FORMS = {
    "text": (TextWriter, reading.text_signs),
    "latex": (LatexWriter, reading.latex_signs),
    "mathml": (MathmlWriter, reading.mathml_signs),
}
SIZES = (3, 4, 2)
NAMES = [weight(1, 0, 2), a(1, 1), a(0, 1), z(2, 0), delta(1, 1), Derivative(COST, weight(2, 1, 0)), Quantity("eta"),
         Quantity("slope", 1, (2,)), Derivative(a(2, 1), z(2, 1)), State("v", weight(1, 1, 1)), variable("q_1"),
         variable("omega")]  # fmt: skip
VALUES = [0.75, -1.5, 2.0, 0.3, -0.2, 1.25, 0.5, -3.0, 0.6, 1.7, -0.4, 2.5]
NUMBERS = [0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, -0.25, 1e-16, -3e-7, 2.5e20, 12345.0, 1234567.5, 0.1]


def typeset(form, e, naming, digits=None):
    """The value of an expression as it stands on the page."""
    writer_class, signs_of = FORMS[form]
    writer = writer_class(naming, digits)
    written, values = {}, {}
    for symbol in symbols(e):
        shown = naming.show(symbol.name)
        sup = isinstance(shown, Scripted) and shown.sup and not (form == "text" and shown.brackets)
        key = (repr(symbol.name), "raised") if sup else (repr(symbol.name),)
        written[writer.shown(shown)], values[key] = key, symbol.value
    return reading.computed(signs_of(writer.write(e), written), values)


def naive(e):
    """The value of a tree by plain arithmetic, in the order in which it stands there."""
    match e:
        case Number() | Rest() | Symbol():
            return e.value
        case Sum():
            return sum(map(naive, e.terms))
        case Product():
            return math.prod(map(naive, e.factors))
        case Quotient():
            return naive(e.top) / naive(e.bottom)
        case Power():
            return math.pow(naive(e.base), naive(e.exponent))
        case Negative():
            return -naive(e.of)
        case Function("abs"):
            return abs(naive(e.of))
        case Function("sqrt"):
            return math.sqrt(naive(e.of))
        case Function():
            return reading.FUNCTIONS[e.name](naive(e.of))
        case Cases():
            for c, branch in e.branches:
                if reading.COMPARED[{"<=": "≤", ">=": "≥"}.get(c.sign, c.sign)](naive(c.left), naive(c.right)):
                    return naive(branch)
            return naive(e.otherwise)
    raise TypeError(e)


def larger(inner):
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    functions = ["exp", "ln", "sqrt", "tanh", "abs", "sign", "sin", "logistic", "Phi"]
    return st.one_of(
        several.map(Sum), several.map(Product), st.builds(Quotient, inner, inner), st.builds(Power, inner, inner),
        st.builds(Power, inner, st.sampled_from([2.0, 3.0, -1.0, 0.5]).map(Number)), inner.map(Negative),
        st.builds(Function, st.sampled_from(functions), inner),
        st.builds(lambda e, r: Sum((e, Rest(12, r))), inner, st.sampled_from([-0.5, 2.0])),
    )  # fmt: skip


@st.composite
def trees(draw):
    leaf = st.one_of(
        st.sampled_from(NUMBERS).map(Number),
        st.sampled_from(list(zip(NAMES, VALUES, strict=True))).map(lambda pair: Symbol(*pair)),
    )
    e = draw(st.recursive(leaf, larger, max_leaves=12))
    if draw(st.booleans()):  # once in pieces, which is not read within itself
        condition = Condition(draw(leaf), draw(st.sampled_from(["<", "<=", ">", ">=", "="])), Number(0.0))
        e = Cases(((condition, e),), draw(leaf))
        e = draw(st.sampled_from([e, Power(e, Number(2.0)), Product((Number(2.0), e)), Sum((e, Number(1.0)))]))
    return e


def meant(e):
    """The tree's value; what has none, or loses it by cancellation, is no example."""
    try:
        value, plain = evaluate(e), naive(e)
    except (ArithmeticError, ValueError):
        value = plain = math.nan
    assume(isinstance(plain, float) and math.isfinite(plain) and value == pytest.approx(plain, rel=1e-9))
    return plain


@few_and_many(20, 200, trees(), st.sampled_from(sorted(PRESETS)))
@pytest.mark.parametrize("form", FORMS)
def test_what_is_typeset_has_the_value_of_the_tree(form, e, notation):
    value = meant(e)
    assert typeset(form, e, Naming(PRESETS[notation], SIZES)) == pytest.approx(value, rel=1e-9), e


test_many_typeset_trees = test_what_is_typeset_has_the_value_of_the_tree.many


x, two, tiny = Symbol(variable("x"), -1.5), Number(2.0), Number(1e-16)
half = Quotient(Number(1.0), two)
BY_HAND = {
    "the square of a fraction": (Power(half, two), 0.25),
    "a fraction in a fraction": (Quotient(half, Quotient(two, Number(3.0))), 0.75),
    "a fraction below a fraction": (Quotient(two, half), 4.0),
    "the square of a derivative": (Power(Symbol(Derivative(COST, a(1, 1)), 3.0), two), 9.0),
    "the square of a raised name": (Power(Symbol(a(1, 1), 3.0), two), 9.0),
    "the square of e^u": (Power(Function("exp", half), two), math.e),
    "a power of a function": (Power(Function("abs", x), Number(3.0)), 3.375),
    "a power of a negative": (Power(Negative(two), two), 4.0),
    "the negative of a power": (Negative(Power(two, two)), -4.0),
    "minus minus": (Negative(Negative(Negative(two))), -2.0),
    "a product of sums": (Product((Sum((two, x)), Sum((two, Negative(x))))), 1.75),
    "minus a sum": (Sum((two, Negative(Sum((two, x))))), 1.5),
    "divided twice": (Quotient(Quotient(two, Number(4.0)), two), 0.25),
    "over a product": (Quotient(two, Product((two, x))), -2 / 3),
    "times a fraction": (Product((Number(3.0), Quotient(two, Number(3.0)), two)), 4.0),
    "a power of ten to a power": (Power(Number(1e-8), two), 1e-16),
    "over a power of ten": (Quotient(two, tiny), 2e16),
    "to a power of ten": (Power(two, Number(1e-8)), 2.0 ** 1e-8),
    "a power of a power": (Power(Power(two, Number(3.0)), two), 64.0),
    "to a power that is a power": (Power(two, Power(Number(3.0), two)), 512.0),
    "a function of a product": (Function("tanh", Product((two, x))), math.tanh(-3)),
    "minus 0": (Product((two, Number(-0.0))), 0.0),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("notation", ["chainrule", "nielsen", "columns"])
def test_every_case_of_precedence(form, notation):
    for case, (e, value) in BY_HAND.items():
        assert typeset(form, e, Naming(PRESETS[notation], SIZES)) == pytest.approx(value, rel=1e-12), case


@pytest.mark.parametrize("form", FORMS)
def test_sums_over_an_index(form):
    # (x + sum_k (k + x^2)^2 + sum_k k) * 2 = (-1.5 + 3.25^2 + 4.25^2 + 5.25^2 + 6) * 2 = 121.375
    k = Symbol(variable("k"))
    term = Power(Sum((k, Power(x, two))), two)
    e = Product((Sum((x, SumOver("k", "1", "3", term), SumOver("k", "1", "3", k))), two))
    writer_class, signs_of = FORMS[form]
    writer = writer_class(Naming(PRESETS["chainrule"]), None)
    names = {writer.shown(writer.naming.show(s.name)): (s.name.units[0],) for s in (x, k)}
    values = {("x",): -1.5, ("k",): lambda bound: bound["k"], "ranges": {"k": (1, 3)}}
    assert reading.computed(signs_of(writer.write(e), names), values) == pytest.approx(121.375)


@pytest.mark.parametrize("form", FORMS)
@given(task=random_networks.tasks(layers=(1, 3)), notation=st.sampled_from(sorted(PRESETS)), data=st.data())
@settings(max_examples=settings.default.max_examples // 3)
def test_the_printed_numbers_evaluate_to_the_printed_value(form, task, notation, data):
    network, X, Y, options = task
    why = cr.explain(network, X, Y, notation=notation, most=3, update="adam", **options)
    line = why[data.draw(st.sampled_from(why.names()))].line
    for side in line.equation.sides[:2]:
        assume(math.isfinite(line.value) and not any(f.name in ("f", "f′") for f in functions(side)))
        try:
            shown = typeset(form, side, why.definitions.naming)
        except (ZeroDivisionError, ValueError):  # ln 0 and 1 / 0, where the engine takes the limit
            continue
        assert shown == pytest.approx(line.value, rel=1e-6, abs=1e-9)


def functions(e):
    from chainrule.explaining.trees import parts

    return [*([e] if isinstance(e, Function) else []), *(f for part in parts(e) for f in functions(part))]


def test_the_reader_notices():
    """The reader refuses what LaTeX draws ambiguously, and reads a wrong bracket as the wrong number."""
    for ambiguous in (r"{\frac{1}{2}}^{2}", r"{e^{1}}^{2}", "{{2}^{3}}^{2}", r"2 \cdot -1"):
        with pytest.raises(reading.Misread):
            reading.computed(reading.latex_signs(ambiguous, {}), {})
    assert reading.computed(reading.latex_signs(r"{2 \cdot 3}^{2}", {}), {}) == 18.0
    assert reading.computed(reading.latex_signs(r"-2^{2}", {}), {}) == -4.0


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("e^u is its own derivative", "$e^{u}$ is its own derivative"),
        ("1 - tanh^2 u", r"1 - $\mathrm{tanh}^{2}$ u"),
        ("so e^-z / 2 = 1 - a", "so $e^{-z}$ / 2 = 1 - a"),
        ("sum over λ and β, n_l of β₁", r"sum over $\lambda$ and $\beta$, $n_{l}$ of $\beta$₁"),
        ("leaky_relu(0.2), 50 % & #1 {x}", r"leaky\_relu(0.2), 50 \% \& \#1 \{x\}"),
        ("a \\ b ^ c ~ d < e", r"a \textbackslash{} b \textasciicircum{} c \textasciitilde{} d $<$ e"),
    ],
)
def test_words_in_latex(words, shown):
    assert latex_words(words) == shown
