"""What is shown, read back: printed numbers as Python computes them, and Jacobian entries to ask for."""

import itertools
import math
import re

from chainrule.explaining.quantities import Derivative, a, weight, z

DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def exp(x):
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


FUNCTIONS = {"exp": exp, "ln": math.log, "ln_of_1_plus": math.log1p, "exp_minus_1": math.expm1,
             "sqrt": math.sqrt, "tanh": math.tanh,
             "sign": lambda x: math.copysign(1, x) if x else 0,
             "Φ": lambda x: 0.5 * math.erfc(-x / math.sqrt(2)),
             "φ": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi)}  # fmt: skip


def number_shown(text):
    """The value of a side of an equation with its values put in."""
    text = re.sub(r"·10(⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "e" + m[1].translate(DIGITS), text.replace(",", ""))
    text = text.replace("ln(1 + ", "ln_of_1_plus(")
    text = re.sub(r"\(exp\(([^()]*)\) − 1\)", r"exp_minus_1(\1)", text)
    return eval(as_python(text), {"__builtins__": {}}, FUNCTIONS)


def as_python(text):
    """A side of an equation with its values put in, as Python reads it."""
    raised = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    out = ""
    for i, c in enumerate(text):
        if c in "⁰¹²³⁴⁵⁶⁷⁸⁹":
            out += ("**" if text[i - 1] not in "⁰¹²³⁴⁵⁶⁷⁸⁹" else "") + c.translate(raised)
        else:
            out += {"·": "*", "−": "-", "√": "sqrt", "^": "**"}.get(c, c)
    return out


def jacobian_names(sizes):
    """Some entries of Jacobians, of activations and of pre-activations."""
    layers = range(len(sizes))
    for m, l in itertools.product(layers, layers):
        for k, j in itertools.product(range(sizes[m])[:2], range(sizes[l])[:2]):
            if l <= m:
                yield Derivative(a(m, k), a(l, j))
            if 1 <= l <= m:
                yield Derivative(a(m, k), z(l, j))
                yield Derivative(z(m, k), z(l, j))
                yield Derivative(a(m, k), weight(l, 0, j))
            if l < m:
                yield Derivative(z(m, k), a(l, j))
