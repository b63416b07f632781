"""What a derived formula says beside its lines: what varies, what it is called, how many digits, where it was tried."""

import pytest

from chainrule import UsageError, derive_formula
from chainrule.explaining.text_form import TextWriter
from chainrule.explaining.trees import evaluate


@pytest.mark.parametrize("formula", [
    "ln(x)*ln(0.01-x)", "ln(x-100)", "ln(-x)", "sqrt(-x-2)", "ln(x-2)*ln(3-x)", "x^30001", "x^-30000",
    "ln(x)*ln(1.009-x)", "x^5000*ln(x-1)", "acos(x+2)*x", "ln(-x-1)*x^3000",
])  # fmt: skip
def test_a_formula_with_values_in_one_region_alone_is_proved(formula):
    """Of either sign, small, large, and close to 1 and to -1, where large powers stay finite."""
    assert derive_formula(formula, "x").equations


@pytest.mark.parametrize(("formula", "by", "head", "left"), [
    ("x^2", None, "the formula, by x", ("f", "∂f/∂x")), ("z^2", None, "the formula, by z", ("f", "∂f/∂z")),
    ("a*x", None, "the formula, by x; constant: a", ("f", "∂f/∂x")),
    ("a*x", "a", "the formula, by a; constant: x", ("f", "∂f/∂a")),
    ("f*g*x", None, "the formula, by x; constant: f, g", ("h", "∂h/∂x")),
    ("F*G*f*g*h*x", "x", "the formula, by x; constant: F, G, f, g, h", ("H", "∂H/∂x")),
    ("7", None, "the formula, by x", ("f", "∂f/∂x")), ("7*pi", "t", "the formula, by t", ("f", "∂f/∂t")),
])  # fmt: skip
def test_what_varies_and_what_it_is_called(formula, by, head, left):
    book = derive_formula(formula, by)
    assert book.equations[0].rule == head
    writer = TextWriter(book.naming, None)
    assert tuple(dict.fromkeys(writer.write(equation.left) for equation in book.equations)) == left


def test_as_many_digits_as_were_typed():
    assert str(derive_formula("1.23456789*x^2")).endswith("= 2.46913578 · x")
    assert str(derive_formula("x^2/3", at={"x": 1})).endswith("= 0.666667")
    assert str(derive_formula("1.23456789*x", at={"x": 1})).endswith("= 1.23456789")
    assert "9.8696" in str(derive_formula("pi^2*x", at={"x": 1}))


def test_every_line_at_a_point_has_its_value():
    book = derive_formula("a*x^3 + pi*x", "x", {"x": 2, "a": 3})  # 3 * 8 + 2 pi; then 9 * 4 + pi
    values = [evaluate(equation.sides[-1]) for equation in book.equations]
    assert values == pytest.approx([30.283185307, *[39.141592654] * (len(values) - 1)], abs=1e-9)
    for equation in book.equations:
        assert evaluate(equation.sides[1]) == pytest.approx(evaluate(equation.sides[2]), rel=1e-12)
    steep = derive_formula("7", at={"x": 2})
    assert [evaluate(equation.sides[-1]) for equation in steep.equations] == [7, 0]


@pytest.mark.parametrize(("formula", "options", "message"), [
    ("y*z", {}, r"has the names y, z: say which one varies, such as y"), ("x*y", {"by": "z"}, r"Its names: x, y;"),
    ("7", {"by": "2"}, '"2" is no name that can vary'), ("7", {"by": "pi"}, '"pi" is no name that can vary'),
    ("7", {"by": "sin x"}, "is no name that can vary"),
    ("7", {"at": {"y": 1}}, "there is no y in the formula, whose names are none"),
    ("speed*x", {"at": {"sped": 1, "x": 1}}, r'there is no sped .* whose names are speed, x. Did you mean "speed"'),
    ("a*b*x", {"at": {"x": 1}}, "values are needed for all names: a, b has none"),
    ("a*x", {"at": {"x": 1, "a": float("inf")}}, "values must be finite numbers"),
    ("1/x", {"at": {"x": 0}}, "at x = 0 the formula or its derivative has no finite value"),
    ("sqrt(x)", {"at": {"x": 0}}, "at x = 0 the formula or its derivative has no finite value"),
])  # fmt: skip
def test_what_cannot_be_asked(formula, options, message):
    with pytest.raises(UsageError, match=message):
        derive_formula(formula, **options)
