"""Formulas that a person types: read as Python reads them, derived as autograd derives them, refused with the place."""

import math
import re

import autograd
import autograd.numpy as anp
import pytest
import reading
from hypothesis import assume
from hypothesis import strategies as st
from strength import few_and_many

import chainrule as cr
from chainrule import UsageError, derive_formula
from chainrule.explaining.calculus import MOST_PARTS, derivative
from chainrule.explaining.expressions import DerivativeOf, Number, Power, Symbol
from chainrule.explaining.latex_form import LatexWriter
from chainrule.explaining.mathml_form import MathmlWriter
from chainrule.explaining.quantities import variable
from chainrule.explaining.text_form import TextWriter
from chainrule.explaining.tidy import tidied
from chainrule.explaining.trees import evaluate, parts, rebuilt, substituted, symbols
from chainrule.explaining.typed_formulas import ALLOWED, parse_formula

PYTHON = {
    "exp": anp.exp, "ln": anp.log, "log": anp.log, "sqrt": anp.sqrt, "abs": anp.abs, "sin": anp.sin, "cos": anp.cos,
    "tan": anp.tan, "asin": anp.arcsin, "acos": anp.arccos, "atan": anp.arctan, "sinh": anp.sinh, "cosh": anp.cosh,
    "tanh": anp.tanh, "sign": anp.sign, "pi": math.pi, "e": math.e,
    "logistic": lambda z: 1 / (1 + anp.exp(-z)), "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "relu": lambda z: anp.where(z > 0, z, 0.0 * z), "leaky_relu": lambda z: anp.where(z > 0, z, 0.01 * z),
    "softplus": lambda z: anp.log(1 + anp.exp(z)), "silu": lambda z: z / (1 + anp.exp(-z)),
    "elu": lambda z: anp.where(z > 0, z, anp.exp(z) - 1), "log10": anp.log10, "log2": anp.log2,
}  # fmt: skip
AT = {"x": 0.7, "a": 1.3, "b2": -0.4}


def by_python(text, **at):
    return eval(text, {"__builtins__": {}}, {**PYTHON, **AT, **at})


def at_point(e, x):
    """The value of an expression, with central differences for what is still pending."""

    def settled(part):
        if not isinstance(part, DerivativeOf):
            return rebuilt(part, settled)
        h = 1e-6
        return Number((at_point(part.of, x + h) - at_point(part.of, x - h)) / (2 * h))

    known = {"π": math.pi, **AT, "x": x}
    return evaluate(substituted(settled(e), lambda s: Symbol(s.name, known[s.name.units[0]])))


def walked(e):
    return [e, *(part for inner in parts(e) for part in walked(inner))]


def larger(inner):
    functions = sorted(set(PYTHON) - {"pi", "e", "sign"})
    return st.one_of(
        st.builds("({} + {})".format, inner, inner), st.builds("({} - {})".format, inner, inner),
        st.builds("{} * {}".format, inner, inner), st.builds("({}) / ({})".format, inner, inner),
        st.builds("({})**({})".format, inner, inner), st.builds("-({})".format, inner),
        st.builds("({})**{}".format, inner, st.sampled_from(["2", "3", "-1", "0.5", "(1/3)"])),
        st.builds("{}({})".format, st.sampled_from(functions), inner),
    )  # fmt: skip


FORMULAS = st.recursive(st.sampled_from(["x", "x", "x", "2", "3", "0.5", "a", "b2", "pi", "e"]), larger, max_leaves=8)


@few_and_many(30, 200, FORMULAS)
def test_generated_formulas_agree_with_python_and_autograd(text):
    try:
        with anp.errstate(all="ignore"):
            value, slope = by_python(text), autograd.grad(lambda x: 1.0 * x + by_python(text, x=x))(0.7) - 1.0
        assume(isinstance(value, (float, int, anp.floating, anp.ndarray)))
    except (ArithmeticError, TypeError, ValueError):
        assume(False)
    assume(math.isfinite(value) and math.isfinite(slope) and abs(value) < 1e6 and 1e-9 < abs(slope) < 1e6)
    e = parse_formula(text)
    assume(not any(at_point(p.base, 0.7) == 0 for p in walked(e) if isinstance(p, Power)))  # u^v ends at u = 0
    assert at_point(e, 0.7) == pytest.approx(float(value), rel=1e-9, abs=1e-12)
    assert at_point(derivative(e, variable("x")), 0.7) == pytest.approx(float(slope), rel=1e-7, abs=1e-9)
    assert at_point(tidied(derivative(e, variable("x"))), 0.7) == pytest.approx(float(slope), rel=1e-7, abs=1e-9)


test_many_typed_formulas = test_generated_formulas_agree_with_python_and_autograd.many


KNOWN = [
    "x**3 * sin(x)", "2**x", "a**x", "x**x", "x**(a*x)", "sin(x)", "cos(x)", "tan(x)", "exp(x)", "log(x)", "sqrt(x)",
    "logistic(x)", "tanh(x)", "relu(x)", "asin(x)", "acos(x)", "atan(x)", "sinh(x)", "cosh(x)", "log10(x)", "log2(x)",
    "abs(x)", "silu(x)", "softplus(2*x)", "elu(x)", "leaky_relu(x)", "sin(x)/x", "1/(1 + e**-x)", "pi*x**2", "e**x",
    "-x**2", "-x**-2", "x**2**3", "(x + 1)*(x - 1)", "ln(x**2)", "x*x*x", "3*x**2 - 2*x + 1", "sin(cos(tan(x)))",
    "(x/(1 + x))/(2 + x)", "1e-16*x**2", "0.1*x**2 + 0.25*x", "a*x + b2", "x**0.5*x**0.5", "7", "tanh(x)**2",
]  # fmt: skip


@pytest.mark.parametrize("text", KNOWN)
def test_every_line_is_the_derivative(text):
    book = derive_formula(text, "x" if "x" in text else None)
    wanted = autograd.grad(lambda x: 1.0 * x + by_python(text, x=x))(0.7) - 1.0
    lines = [side for equation in book.equations[1:] for side in equation.sides]
    for line in lines:  # what is pending is differenced
        assert at_point(line, 0.7) == pytest.approx(float(wanted), rel=1e-5, abs=1e-8)
    assert at_point(lines[-1], 0.7) == pytest.approx(float(wanted), rel=1e-9, abs=1e-12)
    typeset_too(lines[-1], book)


def typeset_too(e, book):
    """Text, LaTeX and MathML of a result, read back."""
    forms = ((TextWriter, reading.text_signs), (LatexWriter, reading.latex_signs), (MathmlWriter, reading.mathml_signs))
    for writer_class, signs_of in forms:
        writer = writer_class(book.naming, book.digits)
        names = {writer.shown(book.naming.show(s.name)): (s.name.units[0],) for s in symbols(e)}
        values = {("π",): math.pi, **{(name,): value for name, value in AT.items()}}
        shown = reading.computed(signs_of(writer.write(e), names), values)
        assert shown == pytest.approx(at_point(e, 0.7), rel=1e-4)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("x**3 * sin(x)", "x³ · cos(x) + 3 · x² · sin(x)"),
        ("x*x*x", "3 · x²"),
        ("sqrt(1 + x^2)", "x / √(1 + x²)"),
        ("ln(x^2)", "2 / x"),
        ("x^x", "x^x · (ln(x) + 1)"),
        ("2^x", "2^x · ln(2)"),
        ("x/x", "0"),
        ("sin(x)^2 + cos(x)^2", "0"),
        ("(x+1)(x-1)", "2 · x"),
        ("0.1x^2 + 0.25x", "0.2 · x + 0.25"),
        ("x^2^3", "8 · x⁷"),
        ("-x^-2", "2 / x³"),
        ("x^(1/2)", "1 / (2 · x^(1 / 2))"),
        ("x²·3 − 2 · x", "6 · x − 2"),
        ("1,000 · x", "1,000"),
        ("e^(2x)", "2 · exp(2 · x)"),
        ("pi x^2".replace(" ", "*"), "2 · π · x"),
    ],
)
def test_what_a_person_would_write(text, result):
    assert str(derive_formula(text)).splitlines()[-1].split(" = ")[1] == result


def test_rules_are_named_step_by_step():
    rules = [equation.rule for equation in derive_formula("x**3 * sin(2*x)").equations]
    assert rules == ["the formula, by x", "product rule", "sin u has the derivative cos u; chain rule",
                     "multiplication by a constant", "power rule"]  # fmt: skip


def test_values_are_put_into_every_line():
    # x^3 sin x at 2: 8 * 0.909297427 = 7.274379414; its derivative 8 cos 2 + 12 sin 2 = 7.582394430
    book = derive_formula("x**3 * sin(x)", at={"x": 2})
    values = [evaluate(equation.sides[-1]) for equation in book.equations]
    assert values == pytest.approx([7.274379415] + [7.582394430] * 3, abs=1e-9)
    assert "= 2³ · (−0.416147) + 12 · sin(2)" in str(book)
    line = derive_formula("w*x + b", by="w", at={"w": 3, "x": 2, "b": 1})
    assert [evaluate(equation.sides[-1]) for equation in line.equations] == [7, 2, 2]


def test_every_function_has_a_derivative():
    for name in ALLOWED:
        assert derive_formula(f"{name}(x/2)").json()
    assert cr.derive_formula is derive_formula


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os')", 'column 1: "_" cannot be part of a formula'),
        ("x.y", "column 2"), ("x[0]", "column 2"), ("lambda: 1", "column 7"), ("x % 2", "column 3"),
        ("x if x else 1", 'column 3: a sign is missing between "x" and "if"'),
        ("2 +", "at its end: something is missing"), ("", "at its end"), ("(x", r"a \) is missing"),
        ("x)", r'column 2: "\)" is left over'), ("x +* 2", r'column 4: "\*" cannot stand here'),
        ("sin x", r"column 1: sin is a function: write sin\(...\)"), ("x(3)", "column 1: x is no function"),
        ("sine(x)", 'Did you mean "sin'), ("1/2x", r"column 4: write the \* before"), ("x y", "a sign is missing"),
        ("1e999*x", "too large"), ("9007199254740993*x", "more digits than a number keeps"), ("12,34", "column 3"),
        ("x1 + x_1", "would look alike"), ("y*z", "say which one varies"), ("(-2)^x", "cannot be proved"),
        ("ln(-x^2 - 1)", "cannot be proved"), ("x/0", "cannot be proved"), ("x ; y", "column 3"),
        ("x" * 3000, "longer than 2000"), ("(" * 90 + "x" + ")" * 90, "nested more than 30"),
        ("-" * 150 + "x", "nested more than 30"), ("x^" * 60 + "x", "nested more than 30"),
        ("x+" * 300 + "x", "more than 200"), ("sin(" * 40 + "x" + ")" * 40, "nested more than 30"),
    ],
)  # fmt: skip
def test_refusals(text, message):
    with pytest.raises(UsageError, match=message):
        derive_formula(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "t"}, '"t" does not stand in the formula'),
        ({"by": "e"}, "e and pi are numbers"),
        ({"at": {"y": 1}}, "there is no y"),
        ({"at": {"x": 2}}, "a has none"),
        ({"at": {"x": "two", "a": 1}}, "values must be numbers"),
        ({"at": {"x": math.nan, "a": 1}}, "must be finite"),
        ({"at": {"x": -1, "a": 1}}, "no finite value"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(UsageError, match=message):
        derive_formula("a * ln(x)", **options)
    with pytest.raises(UsageError, match="a formula is a text"):
        derive_formula(3)


@pytest.mark.parametrize(
    "text",
    ["*".join(["x"] * 100), "/".join(["x"] * 60), "x^" * 15 + "x", "x^99999999999", "2^2^2^2^2^2*x",
     "sin(" * 25 + "x" + ")" * 25, "+".join(f"x^{k}" for k in range(40)), "1/(1+" * 15 + "x" + ")" * 15,
     "9^999999999*x", "exp(" * 9 + "x" + ")" * 9, "*".join(["(1+x)"] * 30), "x*sin(" * 12 + "x" + ")" * 12],
)  # fmt: skip
def test_large_input_ends_in_a_derivation_or_a_refusal(text):
    try:
        book = derive_formula(text)
    except UsageError as refusal:
        reason = str(refusal)
        assert re.search("grows beyond|cannot be proved|differs from central", reason), reason
        return
    assert max(len(walked(side)) for equation in book.equations for side in equation.sides) <= 2 * MOST_PARTS


@pytest.mark.parametrize("name", ["x_", "x__", "a__b", "a_b_", "x1_"])
def test_names_with_nothing_below_a_letter_are_refused(name):
    with pytest.raises(UsageError, match="is no name"):
        derive_formula(f"{name} * 2")
    assert "x_{1}" in derive_formula("x_1 * 2").latex()
