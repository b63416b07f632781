"""Formulas of whole arrays in every notation: generated ones keep their value, and the courses' own stay true."""

import re

import numpy as np
import pytest
from hypothesis import strategies as st
from strength import few_and_many

import chainrule as cr
from chainrule import UsageError, translate
from chainrule.explaining.grammar import written
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.quantities import Derivative, Quantity

SIZES, N = (2, 5, 3, 4), 6
X, Y = (np.random.default_rng(seed).normal(size=(N, size)) for seed, size in ((0, 2), (1, 4)))
NET = cr.Network.dense(SIZES, "tanh", seed=0)
RECORD = cr.forward(NET, X)
GRADS = cr.backward(NET, RECORD, Y, "half_squared_error")
J = Quantity("J")


def arrays():
    """(name, its numbers as rows and from-to, the labels of its shape) for all arrays of the network."""
    for l in range(4):
        yield Quantity("a", l), RECORD.a[l], ("N", l)
        if l:
            yield Quantity("W", l), NET.weights[l], (l - 1, l)
            yield Derivative(J, Quantity("W", l)), GRADS.weights[l], (l - 1, l)
            yield Quantity("z", l), RECORD.z[l], ("N", l)
            yield Quantity("delta", l), GRADS.delta[l], ("N", l)
    yield Quantity("y"), Y, ("N", 3)


ARRAYS = list(arrays())


class Array:
    """An array for Python's own reading of a formula: ** is the matrix product, * the one by element."""

    def __init__(self, value):
        self.value = np.asarray(value, dtype=float)

    def __pow__(self, other):
        assert self.value.ndim == other.value.ndim == 2
        return Array(self.value @ other.value)

    def __mul__(self, other):
        assert self.value.shape == other.value.shape or () in (self.value.shape, other.value.shape)
        return Array(self.value * other.value)

    def __add__(self, other):
        assert self.value.shape == other.value.shape
        return Array(self.value + other.value)

    def __sub__(self, other):
        return self + -other

    def __neg__(self):
        return Array(-self.value)

    T = property(lambda self: Array(self.value.T))


def read_by_python(formula, notation):
    """The value of a formula with `@` or a space, ⊙, ^T, + and -, this notation's arrays put in for their names."""
    n = PRESETS[notation]
    known, found = {}, {}
    for name, value, shape in ARRAYS:
        turned = n.examples == "columns" if "N" in shape else not n.counting.from_to
        known[written(name, n.counting)] = value.T if turned else value
    pattern = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))

    def named(match):
        found[f"v{len(found)}"] = Array(known[match.group(0)])
        return f"v{len(found) - 1}"

    python = re.sub(pattern, named, formula)
    python = re.sub(r"(?<=[\w)]) +(?=[\w(])", " @ ", python)  # side by side
    python = re.sub(r"\b\d+(\.\d+)?\b", lambda m: f"Array({m.group(0)})", python)
    python = python.replace("^T", ".T").replace("@", "**").replace("⊙", "*")
    return eval(python, {"__builtins__": {}, "Array": Array}, found).value


@st.composite
def formulas(draw, shape=None, depth=3):
    """A formula in chainrule's notation, with the labels of its shape."""
    if shape is None:
        shape = draw(st.sampled_from(sorted({s for _, _, s in ARRAYS}, key=str)))
        shape = draw(st.sampled_from([shape, shape[::-1]]))
    leaves = [(name, s) for name, _, s in ARRAYS if s in (shape, shape[::-1])]
    kinds = (
        ["product"] if not leaves else ["leaf"] if depth == 0 else ["leaf", "sum", "element", "minus", "times", "turn"]
    )
    if depth:
        kinds.append("product")
    match draw(st.sampled_from(kinds)):
        case "leaf":
            name, own = draw(st.sampled_from(leaves))
            text = written(name)
            text = f"({text})" if "/" in text and own != shape else text
            return text if own == shape else f"{text}^T"
        case "sum":
            sign = draw(st.sampled_from(["+", "-"]))
            return f"({draw(formulas(shape, depth - 1))} {sign} {draw(formulas(shape, depth - 1))})"
        case "element":
            return f"({draw(formulas(shape, depth - 1))} ⊙ {draw(formulas(shape, depth - 1))})"
        case "minus":
            return f"(-{draw(formulas(shape, depth - 1))})"
        case "times":
            return f"(2.5 * {draw(formulas(shape, depth - 1))})"
        case "turn":
            return f"({draw(formulas(shape[::-1], depth - 1))})^T"
    between = [b for b in ("N", 0, 1, 2, 3) if all(reachable(pair) for pair in ((shape[0], b), (b, shape[1])))]
    middle = draw(st.sampled_from(between))
    depth = max(depth - 1, 0)
    sign = draw(st.sampled_from(["@", "@", ""]))
    return f"({draw(formulas((shape[0], middle), depth))} {sign} {draw(formulas((middle, shape[1]), depth))})"


def reachable(pair):
    """Whether an array of the network has this shape."""
    return any(s in (pair, pair[::-1]) for _, _, s in ARRAYS)


@few_and_many(15, 400, formulas(), st.sampled_from(sorted(PRESETS)), st.sampled_from(sorted(PRESETS)))
def test_a_generated_formula_keeps_its_value_between_all_notations(formula, source, target):
    here = translate(formula, source="chainrule", target=source, sizes=SIZES, n_examples=N).text
    there = translate(here, source=source, target=target, sizes=SIZES, n_examples=N)
    value = read_by_python(formula, "chainrule")
    for text, notation in ((here, source), (there.text, target)):
        found = read_by_python(text, notation)
        assert any(found.shape == w.shape and np.allclose(found, w, rtol=1e-9, atol=1e-12) for w in (value, value.T)), (
            formula,
            text,
        )
    before, after = read_by_python(here, source), read_by_python(there.text, target)
    if before.shape != before.shape[::-1] and not re.fullmatch(r"\(*\S+\)*", here):  # of a name it is said otherwise
        said = "the whole is transposed" in "\n".join(there.changes)
        wanted = before.T if said else before
        assert after.shape == wanted.shape, (here, there)
        np.testing.assert_allclose(after, wanted, rtol=1e-9, atol=1e-12)
    back = translate(there.text, source=target, target="chainrule", sizes=SIZES, n_examples=N).text
    found = read_by_python(back, "chainrule")
    assert found.shape in (value.shape, value.shape[::-1])


test_many_generated_formulas = test_a_generated_formula_keeps_its_value_between_all_notations.many


OWN = {  # the equations of backpropagation as each course has them
    "nielsen": ["delta[3] = W[4]^T delta[4] ⊙ f'(z[3])", "z[3] = W[3] a[2] + b[3]", "dC/dW[3] = delta[3] a[2]^T"],
    "columns": ["delta[2] = (W[2]^T delta[3]) ⊙ f'(z[2])", "z[2] = W[1] x + b[1]", "dJ/dW[2] = 1/m delta[3] a[2]^T"],
    "rows": ["delta[2] = delta[3] W[2]^T ⊙ f'(z[2])", "dJ/dW[2] = a[2]^T delta[3]", "z[2] = X W[1] + b[1]"],
    "cs231n": ["delta[1] = delta[2] @ W[2].T * f'(z[1])", "dJ/dW[1] = 1 / N * X.T @ delta[1]", "a[1] = f(z[1])"],
    "pytorch": ["delta[0] = delta[1] @ W[1] * f'(z[0])", "dJ/dW[0] = 1 / N * delta[0].T @ x", "z[0] = x W[0].T + b[0]"],
    "chainrule": ["delta[2] = dC/da[2] ⊙ f'(z[2])", "dC/da[0] = delta[1] W[1]^T", "dC/da[0] = dC/da[2] da[2]/da[0]"],
}  # fmt: skip


@pytest.mark.matrix
@pytest.mark.parametrize("target", sorted(PRESETS))
@pytest.mark.parametrize("source", sorted(OWN))
def test_the_courses_own_equations_stay_true_or_are_refused(source, target):
    for formula in OWN[source]:
        sums_up = formula.startswith("dJ") and PRESETS[source].reduction != PRESETS[target].reduction
        if sums_up:  # 1/N is part of one course's formula and not of the other's
            with pytest.raises(UsageError, match=r"is true in .* is not in"):
                translate(formula, source=source, target=target)
            continue
        done = translate(formula, source=source, target=target)
        assert not any("sides differ" in change for change in done.changes), (formula, done.text)
        again = translate(done.text, source=target, target=source)
        assert not any("sides differ" in change for change in again.changes)


@pytest.mark.parametrize(
    ("formula", "source", "target", "shown"),
    [
        ("delta[3] = W[4]^T * delta[4]", "nielsen", "chainrule", "delta[2] = delta[3] * W[3]^T"),
        ("delta[2] = delta[3] * W[3]^T", "chainrule", "nielsen", "delta[3] = W[4]^T * delta[4]"),
        ("z[1] = x W[1] + b[1]", "chainrule", "nielsen", "z[2] = W[2] x + b[2]"),
        ("delta[1] = delta[2] @ W[2].T * f'(z[1])", "cs231n", "nielsen", "delta[2] = W[3].T @ delta[3] * σ'(z[2])"),
        ("(W[1] W[2])^T", "chainrule", "nielsen", "W[3] W[2]"),
        ("dC/dW[1] = x^T delta[1]", "chainrule", "pytorch", "dC/dW[0] = delta[0]^T x"),
        ("dC/dW[1] = x^T delta[1]", "chainrule", "columns", "dC/dW[1] = delta[2] x^T"),
        ("a[1] ⊙ (1 - a[1])", "chainrule", "rows", "a[2] ⊙ (1 - a[2])"),
        ("-dC/dW[1][2,3]", "chainrule", "columns", "-dC/dW[1][3,2]"),
        ("dJ/dW[1] = 1/N x^T delta[1]", "chainrule", "ng", "dJ/dW[1] = 1 / m delta[1] x^T"),
        ("x - x", "beta", "beta", "x - x"),  # no misspelt name
        ("W[1]W[2]", "chainrule", "ng", "W[2] W[1]"),
        ("a[1] @ (2 * a[1]^T)", "chainrule", "rows", "a[2] @ (2 * a[2]^T)"),  # not a[1] of example 2
        ("a[1] @ (W[1]^T * 3)", "chainrule", "ng", "W[1]^T * 3 @ a[1]"),
        ("(-W[1]) W[2]", "chainrule", "ng", "W[2] (-W[1])"),  # no difference
        ("a[1] @ 2.5", "chainrule", "rows", "a[2] @ (2.5)"),
        ("(a[0]*W[1])⊙(a[0]*W[1])", "chainrule", "rows", "(x * W[1]) ⊙ (x * W[1])"),
        ("a[0]*W[1] ⊙ z[1]", "chainrule", "nielsen", "(W[2] * x) ⊙ z[2]"),
        ("delta[1] ⊙ (delta[2] @ W[2]^T)", "chainrule", "rows", "delta[2] ⊙ (delta[3] @ W[2]^T)"),
        ("a[1] ⊙ z[1] ⊙ delta[1]", "chainrule", "rows", "a[2] ⊙ z[2] ⊙ delta[2]"),  # of one kind
        ("x (2 - x^T x)", "chainrule", "rows", "x (2 - x^T x)"),  # x is no function
        ("1/N (x^T delta[1])", "chainrule", "ng", "1 / m delta[1] x^T"),  # nor is m
        ("eta (W[1] - lambda (W[1]))", "ng", "columns", "eta (W[1] - lambda W[1])"),
        # Of two ways with as many transposes, the one in which the notation has such arrays.
        ("x W[1]", "chainrule", "pytorch", "x W[0]^T"),
        ("x^T delta[1]", "chainrule", "pytorch", "delta[0]^T x"),
        # Brackets where the value hangs on them.
        ("a[1] ⊙ (-(a[1] / z[1]))", "chainrule", "rows", "a[2] ⊙ (-a[2] / z[2])"),
        ("W[1] (-(W[2] / W[2]))", "chainrule", "rows", "W[1] (-W[2] / W[2])"),
        ("z[1] ((W[2] * W[2]) W[3])", "chainrule", "rows", "z[2] (W[2] * W[2] W[3])"),
    ],
)
def test_worked_by_hand(formula, source, target, shown):
    assert translate(formula, source=source, target=target).text == shown


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("delta[2] = W[2] delta[1]", r"units of layer 1 x units of layer 2.*cannot be multiplied"),
        ("delta[1] + delta[2]", "do not fit together"),
        ("W[1] = W[2]", "different shapes"),
        ("delta[2] = (a[2] - y) ⊙ f'(z[2])", "is true in .* is not in"),  # of an output with half the squared error
        ("(W[1]^T W[1]) * (W[1]^T W[1])", "may be either product"),
        ("sum(delta[1])", '"sum" is no function'),
        ("W[1] +", "at its end"),
        ("(W[1]", r"a \) is missing"),
        ("W[1] ^ W[2]", "after \\^ stands a number"),
        ("W[1] & W[2]", '"&" has no place'),
        ("(" * 45 + "W[1]" + ")" * 45, "nested more than 40"),
        ("W[1]" + " + W[1]" * 200, "more than 120"),
        ("change W[1] + W[1]", '"change" is no quantity'),
        ("1 / (W[1] - W[1])", "no finite value"),
        ("ln(z[1])", "no finite value"),  # of some elements
    ],
)
def test_refusals(formula, message):
    with pytest.raises(UsageError, match=message):
        translate(formula, source="chainrule", target="gates", sizes=(2, 3, 2))


@pytest.mark.parametrize("target", sorted(PRESETS))
def test_what_is_true_of_one_example_is_not_of_a_batch(target):
    """Whatever stands for the examples in a formula, it is tried on several: a mean is no sum."""
    of_a = "((dC/da[2] ⊙ f'(z[2])) W[2]^T ⊙ f'(z[1]))"
    for error in ("delta[1]", of_a):
        formula = f"dJ/dW[1] = 1 / N x^T {error}"
        if PRESETS[target].reduction == "mean":
            changes = translate(formula, source="chainrule", target=target).changes
            assert not any("sides differ" in change for change in changes)
        else:
            with pytest.raises(UsageError, match=r"is true in .* is not in"):
                translate(formula, source="chainrule", target=target)


@pytest.mark.parametrize("length", [57, 60, 61, 90])
def test_a_refused_formula_is_shown_up_to_a_length(length):
    formula = "W[1] " * (length // 5) + "&" * (length % 5 or 5) if length % 5 else "W[1] " * (length // 5 - 1) + "W[1]&"
    with pytest.raises(UsageError) as refused:
        translate(formula, source="chainrule", target="rows", sizes=(2, 2))
    start = formula if len(formula) <= 60 else formula[:57] + "..."
    place = formula.index("&")
    assert str(refused.value).startswith(
        f'"{start}", at "{formula[place : place + 20]}": "&" has no place in a formula'
    )


def test_what_is_said():
    formula = translate("delta[3] = W[4]^T * delta[4]", source="nielsen", target="chainrule")
    assert any("products are turned around" in change for change in formula.changes)
    assert any("sides differ on random networks" in change for change in formula.changes)
    for text in ("a[1] + a[1]", "f(z[1])", "2 * a[1]"):
        turned = translate(text, source="chainrule", target="ng")
        assert "the whole is transposed" in turned.changes  # and there is no product to turn around
    forward = translate("z[1] = x W[1] + b[1]", source="chainrule", target="tensors")
    assert not any("C and J" in change for change in forward.changes)
