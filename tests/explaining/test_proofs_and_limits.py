"""Proofs that must fail fail, and what is limited is allowed up to its limit and refused right behind it."""

import re

import pytest

from chainrule import UsageError, derive_formula
from chainrule.explaining import array_formulas, typed_derivations, typed_formulas
from chainrule.explaining.expressions import Number, Sum
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.typed_formulas import parse_formula

# Of every size and steepness, each with another mistake.
MISTAKES = {
    "x^3*sin(x)": "1.001 * ({})", "1e-6*x": "({}) + 1e-7", "x^0.5": "-({})", "1000*sin(a*x)": "({}) + 1",
    "x^1000": "1.001 * ({})", "1/x": "({})^2", "exp(20*x)": "1.002 * ({})", "ln(-x)": "({}) * (1 + abs(x)/100)",
}  # fmt: skip


@pytest.mark.parametrize("formula", MISTAKES)
def test_a_wrong_derivative_is_never_returned(formula, monkeypatch):
    """The proof is by numbers alone: whatever the rules would have got wrong, it is seen."""
    lines = str(derive_formula(formula, "x")).splitlines()

    def mistaken(e):
        slope = lines[-1].split(" = ")[1]
        return parse_formula(MISTAKES[formula].format(slope))

    monkeypatch.setattr(typed_derivations, "tidied", mistaken)
    with pytest.raises(UsageError, match="the derivative that the rules give differs from central differences at"):
        derive_formula(formula, "x")


@pytest.mark.parametrize("at", [500.0, -40.0])
def test_a_derivative_is_proved_near_the_point_that_is_asked_about(at, monkeypatch):
    """A mistake that shows at one place only, where a random point is never tried."""
    right = typed_derivations.tidied
    width = 0.02 * max(1.0, abs(at))

    def mistaken(e):  # a bump of that width at the point
        bump = parse_formula(f"exp(-((x - ({at})) / {width})^2)")
        return Sum((right(e), bump)) if e != Number(0.0) else e

    assert derive_formula("x^2 + 3*x", at={"x": at})
    monkeypatch.setattr(typed_derivations, "tidied", mistaken)
    with pytest.raises(UsageError, match="differs from central differences"):
        derive_formula("x^2 + 3*x", at={"x": at})


@pytest.mark.parametrize(("formula", "points"), [("sqrt(-1 - x^2)", 0), ("x/0", 0), ("ln(-x^2 - 1)", 0), ("(-2)^x", 0)])
def test_what_has_no_value_is_not_proved(formula, points):
    with pytest.raises(UsageError, match=f"trusted at only {points} of 400 points"):
        derive_formula(formula)


DEEP, SIGNS = typed_formulas.MOST_NESTED, typed_formulas.MOST_SIGNS
TYPED = {  # n of what is limited -> a formula
    "letters": (typed_formulas.MOST_LETTERS, lambda n: "x" + " " * (n - 1)),
    "numbers, names and signs": (SIGNS, lambda n: "-" * (1 - n % 2) + "+".join("x" * ((n + 1) // 2))),
    "brackets": (DEEP, lambda n: "(" * n + "x" + ")" * n),
    "minus": (DEEP, lambda n: "-" * n + "x"),
    "plus": (DEEP, lambda n: "+" * n + "x"),
    "functions": (DEEP, lambda n: "sin(" * n + "x" + ")" * n),
    "exponents": (DEEP, lambda n: "x" + "^x" * n),
    "brackets behind brackets": (DEEP, lambda n: "(x)*" * 20 + "(" * n + "x" + ")" * n),
}
ARRAYS = {
    "names and signs": (array_formulas.MOST_SIGNS, lambda n: "-" * (1 - n % 2) + " + ".join(["W[1]"] * ((n + 1) // 2))),
    "nested": (array_formulas.MOST_NESTED - 1, lambda n: "(" * n + "W[1]" + ")" * n),
    "minus": (array_formulas.MOST_NESTED - 1, lambda n: "-" * n + "W[1]"),
    "brackets behind brackets": (
        array_formulas.MOST_NESTED - 1, lambda n: "(W[1]) + " * 10 + "(" * n + "W[1]" + ")" * n),
}  # fmt: skip


@pytest.mark.parametrize("case", TYPED)
def test_typed_formulas_up_to_their_limits(case):
    most, formula = TYPED[case]
    parse_formula(formula(most))
    with pytest.raises(UsageError, match=f"(longer|more) than {most}"):
        parse_formula(formula(most + 1))


@pytest.mark.parametrize("case", ARRAYS)
def test_formulas_of_arrays_up_to_their_limits(case):
    most, formula = ARRAYS[case]
    array_formulas.read(formula(most), (2, 3), PRESETS["chainrule"])
    with pytest.raises(UsageError, match=r"more than (40|120)"):
        array_formulas.read(formula(most + 1), (2, 3), PRESETS["chainrule"])


@pytest.mark.parametrize("text", ["x+2*y-sin(x)^2/4+1.5*pi", "x" * 30 + "+" + "y" * 40 + "*3", "x+1"])
def test_a_refused_letter_is_shown_where_it_stands(text):
    for place in range(len(text) + 1):
        wrong = f"{text[:place]}§{text[place:]}"
        with pytest.raises(UsageError) as refused:
            parse_formula(wrong)
        shown = re.fullmatch(r'"(.*)", column (\d+): "§" cannot be part of a formula\. .*', str(refused.value))
        assert int(shown[2]) == place + 1
        around = wrong[max(place - 25, 0) : place + 25]
        assert shown[1] == "..." * (place > 25) + around + "..." * (place + 25 < len(wrong))
