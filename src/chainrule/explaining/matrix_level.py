"""A textbook derivation with matrices over a batch, however the notation lays them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.errors import UsageError
from chainrule.explaining.expressions import (
    ONE,
    Equation,
    Expression,
    Function,
    Hadamard,
    Matmul,
    Product,
    Quotient,
    Sum,
    SumOver,
    Symbol,
    Transpose,
    minus_outside,
    multiply,
    subtract,
)
from chainrule.explaining.formulas import loss_formula
from chainrule.explaining.lesson import TARGETS, Lesson
from chainrule.explaining.notation import Notation
from chainrule.explaining.quantities import (
    BATCH_COST,
    COST,
    Derivative,
    Index,
    Quantity,
    a,
    bias,
    delta,
    shifted,
    variable,
    weight,
    y,
    z,
)

SOFTMAX = "softmax: z moves every unit; ones is the square matrix of ones"


@dataclass(frozen=True)
class MatrixForms:
    """The matrix equations as a notation writes them: examples as rows or columns, w from-to or to-from.

    Attributes
    ----------
    notation : Notation
    """

    notation: Notation

    @property
    def by_rows(self) -> bool:
        return self.notation.examples == "rows"

    @property
    def from_to(self) -> bool:
        return self.notation.counting.from_to

    def of(self, kind: str, l: Index) -> Symbol:
        """A layer's array."""
        return Symbol(Quantity(kind, l))

    def before(self, l: Index) -> Index:
        """The layer before, also for a letter."""
        return shifted(l, -1)

    def pre_activation(self, l: Index, with_bias: bool = True) -> Expression:
        """Z = A W, A W^T, W a or W^T a, plus b."""
        A, W = self.of("a", self.before(l)), self.of("W", l)
        if self.by_rows:
            product = Matmul((A, W if self.from_to else Transpose(W)))
        else:
            product = Matmul((Transpose(W) if self.from_to else W, A))
        return Sum((product, self.of("b", l))) if with_bias else product

    def by_activations(self, l: Index) -> Expression:
        """dC/dA of a layer: the next layer's delta through its weights."""
        after = shifted(l, 1)
        D, W = self.of("delta", after), self.of("W", after)
        if self.by_rows:
            return Matmul((D, Transpose(W) if self.from_to else W))
        return Matmul((W if self.from_to else Transpose(W), D))

    def delta(self, l: Index) -> Expression:
        """The next layer's delta through its weights, times the slope element by element."""
        return self.through(l, self.by_activations(l))

    def through(self, l: Index, by_a: Expression) -> Expression:
        """dC/dA through an activation that works element by element."""
        return minus_outside(by_a, lambda e: Hadamard((e, Symbol(Quantity("slope", l)))))

    def through_softmax(self, l: Index) -> Expression:
        """dC/dA through a softmax: what every output adds, less what all of a row add together."""
        A, G = self.of("a", l), Symbol(Derivative(COST, Quantity("a", l)))
        return Hadamard((A, subtract(G, self.of_all_units(Hadamard((G, A))))))

    def of_all_units(self, array: Expression) -> Expression:
        """What all units of an example add up to, at each of them."""
        ones = Symbol(variable("ones"))
        return Matmul((array, ones) if self.by_rows else (ones, array))

    def loss_slope(self, L: Index, loss: str, n: int | Expression) -> Expression | None:
        """dC/dA at the outputs; None where no matrix notation has it."""
        formula = loss_formula(loss, self.notation.error)
        if formula is None or formula.slope is None or divides(loss):
            return None
        return formula.slope(self.of("a", L), Symbol(Quantity("y")), n)

    def output_delta(self, L: Index, loss: str) -> Expression:
        """dC/dA times the slope, or a - y for a fused loss."""
        formula = loss_formula(loss, self.notation.error)
        A, Y = self.of("a", L), Symbol(Quantity("y"))
        if formula is not None and formula.delta is not None:
            return formula.delta(A, Y)
        slope = self.loss_slope(L, loss, Symbol(Quantity("n")))
        return self.through(L, Symbol(Derivative(COST, Quantity("a", L))) if slope is None else slope)

    def weight_gradient(self, l: Index) -> Expression:
        """A^T delta, delta^T A, delta a^T or a delta^T."""
        A, D = self.of("a", self.before(l)), self.of("delta", l)
        if self.by_rows:
            return Matmul((Transpose(A), D) if self.from_to else (Transpose(D), A))
        return Matmul((A, Transpose(D)) if self.from_to else (D, Transpose(A)))

    def scaled(self, gradient: Expression) -> Expression:
        """With 1/N in front, where the notation's J is a mean."""
        if self.notation.reduction != "mean":
            return gradient
        return Product((Quotient(ONE, Symbol(Quantity("N"))), gradient))


def matrix_level(lesson: Lesson) -> Iterator[Equation]:
    """The same for all units and examples at once.

    Raises
    ------
    UsageError
        If what is asked has no matrix notation.
    """
    forms, l = MatrixForms(lesson.notation), lesson.layer
    bottom = Quantity(lesson.bottom.kind, l)
    for m in range(1, lesson.L + 1):
        yield Equation(
            forms.of("z", m), (forms.pre_activation(m, lesson.bias),), f"layer {_number(lesson, m)}, all at once"
        )
        rule = "softmax of each example" if lesson.softmax(m) else "element by element"
        yield Equation(forms.of("a", m), (Function("f", forms.of("z", m)),), rule)
    if bottom.kind == "a" and l == lesson.L:
        slope = forms.loss_slope(l, lesson.loss.name, lesson.sizes[-1])
        if slope is None:
            raise UsageError(f"the derivative of {lesson.loss.name} has no matrix notation: take the level scalar.")
        yield Equation(Symbol(Derivative(COST, bottom)), (slope,), f"derivative of the loss {lesson.loss.name}")
        return
    yield from _output_lines(lesson, forms)
    for m in range(lesson.L - 1, l - (bottom.kind != "a"), -1):
        yield from _delta_lines(lesson, forms, m)
    if bottom.kind == "delta":
        return
    if bottom.kind == "a":
        yield Equation(Symbol(Derivative(COST, bottom)), (forms.by_activations(l),), "sent back through the weights")
        return
    left = Symbol(Derivative(BATCH_COST, bottom))
    if bottom.kind == "W":
        yield Equation(left, (forms.scaled(forms.weight_gradient(l)),), "all paths of all examples in one product")
        return
    n = lesson.notation.example
    total = SumOver(n, "1", lesson.notation.letter("N"), Symbol(Quantity("delta", l, (), n)))
    yield Equation(left, (forms.scaled(total),), "sum over the examples")


def _output_lines(lesson: Lesson, forms: MatrixForms) -> Iterator[Equation]:
    """delta at the outputs: a - y where loss and activation simplify, or dC/dA through the activation."""
    L, left = lesson.L, forms.of("delta", lesson.L)
    A, Y = forms.of("a", L), Symbol(Quantity("y"))
    together = lesson.together(A, Y)
    if together is not None and lesson.pair and lesson.softmax(L):
        every = Hadamard((A, forms.of_all_units(Y)))
        rule = "at the outputs: loss and softmax together; ones is the square matrix of ones"
        yield Equation(left, (subtract(every, Y),), rule)
        yield Equation(left, (together,), TARGETS)
        return
    if together is not None and (lesson.fused or lesson.pair or not divides(lesson.loss.name)):
        rule = f"at the outputs: {lesson.at_once}" if lesson.fused or lesson.pair else "at the outputs"
        yield Equation(left, (together,), rule)
        return
    slope = forms.loss_slope(L, lesson.loss.name, Symbol(Quantity("n")))
    by_a = Symbol(Derivative(COST, Quantity("a", L)))
    if not lesson.softmax(L):
        yield Equation(left, (forms.through(L, by_a if slope is None else slope),), "at the outputs")
        return
    if slope is not None:
        yield Equation(by_a, (slope,), f"derivative of the loss {lesson.loss.name}")
    yield Equation(left, (forms.through_softmax(L),), SOFTMAX)


def _delta_lines(lesson: Lesson, forms: MatrixForms, m: int) -> Iterator[Equation]:
    if not lesson.softmax(m):
        yield Equation(forms.of("delta", m), (forms.delta(m),), "sent back through the weights and the activation")
        return
    by_a = Symbol(Derivative(COST, Quantity("a", m)))
    yield Equation(by_a, (forms.by_activations(m),), "sent back through the weights")
    yield Equation(forms.of("delta", m), (forms.through_softmax(m),), SOFTMAX)


def _number(lesson: Lesson, m: int) -> Index:
    return lesson.notation.counting.layer(m)


def four_equations(convention: Notation, loss: str) -> list[Equation]:
    """One to four, with indices, for a layer that the notation calls l."""
    formula = loss_formula(loss, convention.error)
    A, Y = Symbol(a("L", "j")), Symbol(y("j"))
    here = shifted("l", -convention.counting.input_layer)
    before, after = shifted(here, -1), shifted(here, 1)

    def slope(l: Index) -> Symbol:
        fraction = convention.slope == "fraction"
        return Symbol(Derivative(a(l, "j"), z(l, "j")) if fraction else Quantity("slope", l, ("j",)))

    by_a: Expression = Symbol(Derivative(COST, a("L", "j")))
    at_outputs: tuple[Expression, ...] = (multiply(by_a, slope("L")),)
    if formula is not None and formula.delta is not None:
        at_outputs = (formula.delta(A, Y),)
    elif formula is not None and formula.slope is not None and not divides(loss):
        at_outputs += (minus_outside(formula.slope(A, Y, Symbol(Quantity("n"))), lambda e: multiply(e, slope("L"))),)
    back = SumOver(
        "k",
        str(convention.counting.first_unit),
        "s" if convention.counting.first_unit else "s-1",
        multiply(Symbol(weight(after, "j", "k")), Symbol(delta(after, "k"))),
    )
    gradient = multiply(Symbol(a(before, "i")), Symbol(delta(here, "j")))
    return [
        Equation(Symbol(delta("L", "j")), at_outputs, f"1: the error at the outputs{_for_targets(loss)}"),
        Equation(
            Symbol(delta(here, "j")), (multiply(back, slope(here)),), "2: the error of a layer, from the next one's"
        ),
        Equation(Symbol(Derivative(COST, bias(here, "j"))), (Symbol(delta(here, "j")),), "3: the derivative by a bias"),
        Equation(Symbol(Derivative(COST, weight(here, "i", "j"))), (gradient,), "4: the derivative by a weight"),
    ]


def four_matrix_equations(convention: Notation, loss: str) -> list[Equation]:
    """The same for all units and examples at once."""
    forms = MatrixForms(convention)
    here = shifted("l", -convention.counting.input_layer)
    total = SumOver(
        convention.example, "1", convention.letter("N"), Symbol(Quantity("delta", here, (), convention.example))
    )
    return [
        Equation(
            forms.of("delta", "L"), (forms.output_delta("L", loss),), f"1, for all units at once{_for_targets(loss)}"
        ),
        Equation(forms.of("delta", here), (forms.delta(here),), "2"),
        Equation(Symbol(Derivative(BATCH_COST, Quantity("b", here))), (forms.scaled(total),), "3, over a batch"),
        Equation(
            Symbol(Derivative(BATCH_COST, Quantity("W", here))), (forms.scaled(forms.weight_gradient(here)),), "4"
        ),
    ]


def _for_targets(loss: str) -> str:
    return f", for {TARGETS}" if loss == "softmax_categorical_cross_entropy" else ""


def divides(loss: str) -> bool:
    """Losses whose slope is a quotient of matrices, which no matrix notation has."""
    return loss.partition("(")[0] in (
        "poisson",
        "binary_cross_entropy",
        "categorical_cross_entropy",
        "huber",
        "quantile",
    )
