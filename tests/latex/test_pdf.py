"""LaTeX of derivations compiles to a PDF without a complaint."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

import chainrule as cr
from chainrule.explaining.latex_form import latex_document
from chainrule.explaining.presets import PRESETS
from chainrule.explaining.symbolic import backpropagation_equations, derive_activation

pytestmark = pytest.mark.latex

NET = cr.Network.dense([2, 3, 2], ["leaky_relu(0.2)", "logistic"], seed=0)
X, Y = np.array([[0.3, 1.0], [0.5, -0.2]]), np.array([[0.1, 0.9], [0.9, 0.1]])


def compiled(derivations, folder):
    """The log of pdflatex, which must not have stopped."""
    assert shutil.which("pdflatex"), "make test-latex needs LaTeX: apt install texlive-latex-base"
    (folder / "page.tex").write_text(latex_document(derivations), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert (folder / "page.pdf").stat().st_size > 5000
    return done.stdout


@pytest.mark.parametrize("notation", PRESETS)
def test_derivations_with_numbers(notation, tmp_path):
    why = cr.explain(NET, X, Y, notation=notation, weight_decay=0.1, update="adam", most=3)
    c = PRESETS[notation].counting
    first, W = c.first_unit, c.layer(1, "W")
    asked = [f"dC/dW[{W}][{first},{first + 1}]", f"change W[{W}][{first},{first}]", "J", f"a[{c.layer(1)}][{first}]",
             f"da[{c.layer(2)}][{first}]/dx[{first}]"]  # fmt: skip
    details = ("line", "factors", "layers", "paths", "scalars")
    compiled([why[name].latex(detail) for name in asked for detail in details], tmp_path)


@pytest.mark.parametrize("notation", PRESETS)
def test_derivations_without_numbers(notation, tmp_path):
    W = PRESETS[notation].counting.layer(1, "W")
    books = [
        cr.derive((2, 3, 1), f"dC/dW[{W}]", level=level, notation=notation) for level in ("scalar", "matrix", "tensor")
    ]
    books += [
        backpropagation_equations(notation),
        derive_activation("logistic", notation),
        derive_activation("softmax"),
    ]
    compiled([book.latex() for book in books], tmp_path)


def test_typed_formulas_and_jacobians(tmp_path):
    formulas = [
        "x**3 * sin(x)",
        "(x/(1 + x))^2",
        "relu(x_max)^2 + a_b^x1",
        "1e-16*x^-2",
        "exp(x)^2 * alpha",
        "x^x * log10(x)",
    ]
    books = [cr.derive_formula(text, by=by) for text, by in zip(formulas, ["x", "x", "x1", "x", "x", "x"], strict=True)]
    books.append(cr.derive_formula("sqrt(1 + x^2)", at={"x": -0.5}))
    books += [
        cr.derive((2, 3, 2), name, level=level, output_activation="softmax", loss="categorical_cross_entropy")
        for name in ("delta[1]", "dC/dx", "da[2]/dz[1]", "dz[2]/da[1]")
        for level in ("scalar", "matrix", "tensor")
    ]
    compiled([book.latex() for book in books], tmp_path)


def test_a_mistake_is_noticed(tmp_path):
    with pytest.raises(AssertionError):
        compiled([r"\begin{aligned} \nosuchcommand &= 1 \end{aligned}"], tmp_path)


def test_names_of_inputs_and_outputs(tmp_path):
    names = ['a_b & 100 % {x} $5 #1 "q" ^~', "\\end{aligned}", "größe in δ\n\nnew"]
    why = cr.explain(NET, X, Y, input_names=names[:2], output_names=["<p>", names[2]], update="adam")
    compiled(
        [why[name].latex() for name in ("dC/dW[1][1,2]", "change W[1][2,3]", "dC/dW[2]", "z[1][1]", "J")], tmp_path
    )
