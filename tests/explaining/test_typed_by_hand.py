"""Formulas as a person reads and tidies them, one by one: each was worked by hand."""

import pytest

from chainrule import UsageError
from chainrule.explaining.naming import Naming
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.text_form import TextWriter
from chainrule.explaining.tidy import tidied
from chainrule.explaining.typed_formulas import parse_formula


def shown(e):
    return TextWriter(Naming(PRESETS["chainrule"]), None).write(e)


READ = {  # short for
    "2x": "2 * x", "3(x+1)": "3 * (x + 1)", "(x+1)(x-1)": "(x + 1) * (x - 1)", "2x^2": "2 * (x^2)", "-2x": "(-2) * x",
    "2(3)(4)": "2 * 3 * 4", "2x3": "2 * x3", "2pi": "2 * π", "2e": "2 * exp(1)", "2e3 x": "2000 * x",
    "2^(3)x": "(2^3) * x",
    "2*3x": "(2 * 3) * x", "4/2*3x": "((4 / 2) * 3) * x", "(1/2)x": "(1 / 2) * x", "2√(x)": "2 * sqrt(x)",
    "sin(x)cos(x)": "sin(x) * cos(x)", "x·2×y÷3−1": "((x * 2) * y) / 3 - 1", "x⁻²": "x^(-2)", "x²³": "x^23",
    "1,000x": "1000 * x", ".5x": "0.5 * x", "5.x": "5 * x", "1.5e-3 x": "0.0015 * x", "log10(x)": "ln(x) / ln(10)",
    "log2(x)": "ln(x) / ln(2)", "log(x)": "ln(x)", "sigmoid(x)": "logistic(x)", "arcsin(x)": "asin(x)", "+x": "x",
    "x--y": "x - (-y)", "x+-y": "x - y", "x*-y": "x * (-y)", "x/-y": "x / (-y)", "x^-y": "x^(-y)", "x^+y": "x^y",
    "2--3": "2 - (-3)", "x-(y-z)": "x - (y - z)", "x/y/z": "(x / y) / z", "x^y^z": "x^(y^z)", "-x^2": "-(x^2)",
    "x - 2y": "x - (2 * y)", "x*y^2/z": "(x * (y^2)) / z", "e^-x": "exp(-x)", "e^2^x": "exp(2^x)",
    "x-2(y)": "x - (2 * y)",
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_what_is_left_out_is_read_into_a_formula(text):
    assert shown(parse_formula(text)) == shown(parse_formula(READ[text]))


REFUSED = {  # the column of what could be read in two ways, or not at all
    "(x)2": 4, "x²3": 3, "2^3x": 4, "2^3(x)": 4, "x/2(x+1)": 4, "1/2x": 4, "2 3": 3, "2pi x": 5, "2e x": 4, "e^2x": 4,
    "1/(2)x": 6, "x^2(3)": 4, "√x": 1, "sin(x)2": 7, "x⁻": 2, "1,00": 2, "10,000.5x": 7, "2^-3x": 5, "x^--2(y)": 6,
    "e^-2x": 5, "x y": 3, "1/-2x": 5, "2^+3x": 5, "x)": 2, "x + * y": 5, "sin + x": 1, "x(y)": 1, "1e400": 1,
    "x +% y": 4,
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_where_it_stands(text):
    with pytest.raises(UsageError, match=f", column {REFUSED[text]}: "):
        parse_formula(text)


TIDY = {
    "x+x": "2 · x", "x-x": "0", "x+y+x": "2 · x + y", "x*y+y*x": "2 · x · y", "-(x-y)+x": "y", "x+(y+x)": "2 · x + y",
    "0*x": "0", "0/x": "0", "x/0": "x / 0", "0*x/0": "0 / 0", "x*x/x": "x", "x^2*x^3": "x⁵", "x^2/x^5": "1 / x³",
    "x^-2": "x^(−2)", "1/x^-2": "x²", "x^0": "1", "x^1": "x", "1^x": "1", "2^3": "8", "2^-3": "1 / 8", "(-2)^3": "−8",
    "2^39": "5.49755813888·10¹¹",
    "2^40": "2⁴⁰", "10^12": "1·10¹²", "10^13": "10¹³", "0.5^40": "0.5⁴⁰", "1^41": "1",
    "(x^2)^3": "x⁶", "(x^2)^-3": "(x²)^(−3)", "(x^-2)^3": "(x^(−2))³", "(x^0.5)^2": "(x^0.5)²", "(x^2)^0.5": "(x²)^0.5",
    "sqrt(4)": "2", "sqrt(1/4)": "1 / 2", "sqrt(2)": "√(2)", "sqrt(0)": "0", "sqrt(-4)": "√(−4)",
    "sqrt(8/9)": "√(8 / 9)",
    "exp(0)": "1", "cos(0)": "1", "sin(0)": "0", "tan(0)": "0", "asin(0)": "0", "atan(0)": "0", "sinh(0)": "0",
    "cosh(0)": "1", "tanh(0)": "0", "acos(0)": "acos(0)", "ln(1)": "0", "ln(exp(x))": "x", "exp(ln(x))": "exp(ln(x))",
    "2/4": "1 / 2", "2/-4": "−1 / 2", "0.5*x": "0.5 · x", "x/3+x/3": "2 · x / 3", "0.1*x+0.2*x": "0.3 · x",
    "0.1*x/3": "x / 30", "x*0.25+1/3": "0.25 · x + 1 / 3", "1/3*x": "x / 3", "-x/-y": "x / y", "x/-y": "−x / y",
    "2*x*y/(4*x)": "y / 2", "x/(y/z)": "x · z / y", "(x/y)/(z/x)": "x² / (y · z)", "x/y+x/y": "2 · x / y",
    "x/y-y/x": "x / y − y / x", "x*(-1)": "−x", "1e12*x*10": "1·10¹² · x · 10", "1e13*x": "1·10¹³ · x",
    "1e-12*x": "1·10⁻¹² · x", "1e-13*x": "1·10⁻¹³ · x", "2*sin(x)-sin(x)*2": "0", "(x+1)*(x+1)": "(x + 1)²",
    "(x+1)+(x+1)": "2 · x + 2", "(x+1)/(x+1)": "1", "3*(x+1)-3*(x+1)": "0", "5-5": "0", "1/2+1/3": "5 / 6",
    "0.5+0.25": "0.75", "2*0.5": "1", "x^(1+1)": "x²", "-(-x)": "x", "-0": "0", "x*2*y*3": "6 · x · y",
    "x^y*x": "x^y · x",
    "x^y*x^y": "(x^y)²", "x^y/x^y": "1", "sqrt(x)*sqrt(x)": "√(x)²", "999999999999*x+1*x": "1·10¹² · x",
    "-1000000000000*x-1*x": "−1·10¹² · x − x", "-1e12*x": "−1·10¹² · x", "-1e13*x": "(−1·10¹³) · x",
    "1000000000000*x+1*x": "1·10¹² · x + x", "x^2.5*x^0.5": "x³", "6/3*x": "2 · x", "0^2": "0²", "0^-1": "0^(−1)",
    "-2.5": "−2.5", "-(5/2)": "−5 / 2", "0.125*x/x": "0.125", "-0.5*x": "−0.5 · x", "x - 3*x": "−2 · x",
    "x/3*0.5": "x / 6",
}  # fmt: skip


@pytest.mark.parametrize("text", TIDY)
def test_tidied_up_as_a_person_would(text):
    tidy = tidied(parse_formula(text))
    assert shown(tidy) == TIDY[text]
    assert shown(tidied(tidy)) == TIDY[text]
