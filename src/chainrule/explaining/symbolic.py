"""The textbook derivation, without numbers: index by index, matrix by matrix, or tensor by tensor (seed 004).

Each function returns equations with the rule that each follows from, in a notation, for networks of any depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from chainrule.core.catalogue import FusedLoss, Loss, activation_named, loss_named
from chainrule.core.network import checked_sizes
from chainrule.errors import UsageError, unknown_name
from chainrule.explaining import render
from chainrule.explaining.derived_quantities import what_is_derived
from chainrule.explaining.expressions import Equation, Expression, Symbol
from chainrule.explaining.lesson import Lesson
from chainrule.explaining.matrix_jacobians import matrix_jacobian
from chainrule.explaining.matrix_level import four_equations, four_matrix_equations, matrix_level
from chainrule.explaining.naming import Naming
from chainrule.explaining.notation import Notation
from chainrule.explaining.presets import notation_named
from chainrule.explaining.quantities import COST, Derivative, Quantity
from chainrule.explaining.scalar_jacobians import scalar_jacobian
from chainrule.explaining.scalar_level import scalar_level
from chainrule.explaining.tensor_level import tensor_level
from chainrule.explaining.worked_derivatives import activation_equations, loss_equations
from chainrule.options import whole_number

LEVELS = ("scalar", "matrix", "tensor")


@dataclass(frozen=True)
class Textbook:
    """A derivation without numbers; it prints itself."""

    equations: tuple[Equation, ...]
    naming: Naming
    digits: int = 6

    def text(self) -> str:
        """Return it as Unicode text."""
        return render.text(self.equations, self.naming, self.digits)

    def latex(self) -> str:
        """Return it as LaTeX, an `aligned` environment."""
        return render.latex(self.equations, self.naming, self.digits)

    def mathml(self) -> str:
        """Return it as one `<math>` element."""
        return render.mathml(self.equations, self.naming, self.digits)

    def json(self) -> list[dict[str, object]]:
        """Return it as plain data."""
        return render.plain(self.equations, self.naming)

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"

    def _repr_html_(self) -> str:
        return self.mathml()


def derive(
    sizes: str | Sequence[int],
    quantity: str = "dC/dW[1]",
    *,
    activation: str | Sequence[str] = "logistic",
    output_activation: str | None = None,
    loss: str | Loss | FusedLoss | None = None,
    bias: bool = True,
    notation: str | Notation = "chainrule",
    level: str = "scalar",
) -> Textbook:
    """Derive a derivative of the cost, or of a layer, with respect to what comes before it.

    Parameters
    ----------
    sizes : sequence of int, or str
        Units per layer, such as (2, 3, 1) or "2-3-1".
    quantity : str
        "dC/dW[1]", "dJ/db[2]", "delta[1]", "dC/da[1]", "dC/dx", or a Jacobian such as "da[2]/dx", "dz[3]/dz[2]" or
        "dyhat/dW[1]", as the notation counts; or one unit or weight of it, "dC/dW[1][2,3]".
    activation, output_activation : str
        Of all layers, or one for each; of the last.
    loss : str
        By default what the notation's course minimises.
    bias : bool
    notation : str
    level : "scalar", "matrix" or "tensor"
        With indices; with matrices, over a batch for the cost and for one example for a Jacobian; with seed 004's
        Jacobians in numerator layout, which are written out while they are small.

    Returns
    -------
    Textbook

    Raises
    ------
    UsageError
        If names do not fit, or what is asked has no form at this level.

    Examples
    --------
    >>> print(derive((1, 1), "dC/dW[1]", level="matrix", notation="columns"))
    layer 2, all at once
      z⁽²⁾ = W⁽¹⁾ x + b⁽¹⁾
    element by element
      a⁽²⁾ = f(z⁽²⁾)
    at the outputs
      δ⁽²⁾ = (a⁽²⁾ − y) ⊙ f′(z⁽²⁾)
    all paths of all examples in one product
      ∂J/∂W⁽¹⁾ = 1 / m · (δ⁽²⁾ xᵀ)
    """
    convention = notation_named(notation)
    if isinstance(sizes, str):
        sizes = [part if (size := whole_number(part)) is None else size for part in sizes.split("-")]  # type: ignore[misc]
    sizes = checked_sizes(sizes)
    L = len(sizes) - 1
    names = [activation] * L if isinstance(activation, str) else list(activation)
    if len(names) != L:
        raise UsageError(f"activation must be given for each of the {L} layers; received {len(names)}.")
    if output_activation:
        names[-1] = output_activation
    loss = loss_named(loss or convention.loss)
    if isinstance(loss, FusedLoss):
        names[-1] = loss.activation
    top, bottom = what_is_derived(quantity, sizes, convention)
    if bottom.kind == "b" and not bias:
        raise UsageError(f"{quantity}: the layers have no biases here. Derive dC/dW, or leave --no-bias out.")
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    lesson = Lesson(sizes, tuple(activation_named(n) for n in names), loss, bias, convention, top, bottom)
    if isinstance(loss, FusedLoss) and top.kind == "C" and bottom == Quantity("a", lesson.L, bottom.units):
        raise UsageError(
            f"{quantity}: {loss.name} goes from z to C in one step, so dC/da of the outputs is never needed. Derive "
            f"delta[{convention.counting.layer(lesson.L)}], or choose a loss that is not fused."
        )
    of_cost = {"scalar": scalar_level, "matrix": matrix_level, "tensor": tensor_level}
    of_layer = {"scalar": scalar_jacobian, "matrix": matrix_jacobian, "tensor": tensor_level}
    made = (of_cost if top.kind in ("C", "J") else of_layer)[level]
    return Textbook(_with_the_courses_own(_each_once(made(lesson)), convention), Naming(convention, sizes))


def backpropagation_equations(notation: str | Notation = "chainrule", loss: str | None = None) -> Textbook:
    """Return the four equations of backpropagation for any network, with indices and then with matrices."""
    convention = notation_named(notation)
    loss_name = loss or convention.loss
    scalar, matrix = four_equations(convention, loss_name), four_matrix_equations(convention, loss_name)
    return Textbook(_with_the_courses_own((*scalar, *matrix), convention), Naming(convention))


def _each_once(equations: Iterable[Equation]) -> Iterator[Equation]:
    """The lines of a derivation without one that says what a line before has said."""
    said: set[tuple[Expression, tuple[Expression, ...]]] = set()
    for equation in equations:
        if (equation.left, equation.sides) not in said:
            said.add((equation.left, equation.sides))
            yield equation


def _with_the_courses_own(equations: Iterable[Equation], convention: Notation) -> tuple[Equation, ...]:
    """Say with the first delta what a course's own has in it."""
    made = list(equations)
    for i, equation in enumerate(made):
        name = equation.left.name if isinstance(equation.left, Symbol) else None
        by_sums = isinstance(name, Derivative) and name.top == COST and name.bottom.kind == "z"
        if "delta" in convention.remarks and (by_sums or (isinstance(name, Quantity) and name.kind == "delta")):
            made[i] = replace(equation, rule=f"{equation.rule} ({convention.remarks['delta']})")
            break
    return tuple(made)


def derive_activation(name: str, notation: str | Notation = "chainrule") -> Textbook:
    """Differentiate an activation function, one rule a line, down to its usual form.

    >>> "reciprocal rule" in str(derive_activation("logistic"))
    True
    """
    return Textbook(activation_equations(name), Naming(notation_named(notation)))


def derive_loss(name: str, notation: str | Notation = "chainrule") -> Textbook:
    """Differentiate one output's part of a loss with respect to that output, one rule a line."""
    convention = notation_named(notation)
    return Textbook(loss_equations(name, convention.error), Naming(convention))
