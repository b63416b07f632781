"""What `derive` takes for a formula: whatever can be read as one and is no network, activation or loss."""

import pytest


@pytest.mark.parametrize(
    ("formula", "arguments", "slope"),
    [
        ("-x**2", (), "-2 · x"),
        ("-x", (), "-1"),
        ("-2*x", (), "-2"),
        ("-2 * -x", (), "2"),
        ("-(x + 1)**2", (), None),
        ("-sin(x)", (), "-cos(x)"),
        ("--2*x", (), "2"),
        ("x-y", ("--by", "x"), "1"),
        ("a-b-x", (), "-1"),
        ("pi-x", (), "-1"),
        ("alpha", (), "1"),
        ("y", (), "1"),
        ("-alpha", (), "-1"),
    ],
)
def test_formulas(cli, formula, arguments, slope):
    for args in ((formula, *arguments), (*arguments, formula), ("--notation", "rows", formula, *arguments)):
        out = cli("derive", *args).out.replace("−", "-")
        assert "the formula, by" in out
        assert slope is None or out.splitlines()[-1].rpartition("= ")[2] == slope
    assert cli("derive", *arguments, "--", formula).out == cli("derive", formula, *arguments).out


@pytest.mark.parametrize("option", ["--lvel", "--lvel=matrix", "--x", "-notation", "-loss", "-z9["])
def test_misspelled_options_are_no_formulas(cli, option):
    assert "No such option" in cli.refused("derive", "2-3-1", option) or option == "-z9["


@pytest.mark.parametrize(
    "option",
    [("--level", "matrix"), ("--level", "scalar"), ("--loss", "huber"), ("--activation", "tanh"), ("--no-bias",),
     ("--output-activation", "tanh")],
)  # fmt: skip
@pytest.mark.parametrize("what", ["x**2", "logistic", "half-squared-error", "equations"])
def test_options_of_networks(cli, what, option):
    if (what, option[0]) != ("equations", "--loss"):
        assert f"{option[0]} belongs to a network" in cli.refused("derive", what, *option)


@pytest.mark.parametrize("formula", ["0x10*x", "0b1 + x", "1e5x", "x + 0o7", "00x", "2E3x", "-0x1"])
def test_names_glued_to_numbers_that_look_like_one_number(cli, formula):
    assert "looks like one number" in cli.refused("derive", "x * 1 + " + formula, "--by", "x")


@pytest.mark.parametrize(
    "formula", ["asin(x-50)", "sqrt(1e-8 - x**2)", "acos(x + 700)", "ln(x - 1e5)", "sqrt(1e6 - x**2)", "asin(1e4 * x)"]
)
def test_formulas_with_values_in_a_narrow_place(cli, formula):
    assert "∂f/∂x" in cli("derive", formula).out


def test_a_place_that_is_given(cli):
    hidden = "asin(x - 50.5 * 77.25)"
    assert "--at x=" in cli.refused("derive", hidden)
    assert "∂f/∂x" in cli("derive", hidden, "--at", "x=3901.1").out
