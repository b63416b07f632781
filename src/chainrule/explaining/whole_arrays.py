"""Whole arrays: a layer's numbers of one kind, of all examples or of one, and Jacobians between layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.explaining import render
from chainrule.explaining.asking import asked_as
from chainrule.explaining.block_form import matrix_text
from chainrule.explaining.definitions import Definitions
from chainrule.explaining.expressions import Equation, Expression, Matmul, Matrix, Number, Sum, Symbol, Transpose
from chainrule.explaining.not_finite import why_not_finite
from chainrule.explaining.plain_form import finite
from chainrule.explaining.quantities import Change, Derivative, Name, Quantity, has_examples
from chainrule.explaining.trees import substituted
from chainrule.explaining.unit_notes import Note, plain_notes, whole_layers
from chainrule.explaining.values import beyond_floats

WRITTEN_OUT = 24  # entries of an array whose equation is shown
LARGEST = 400  # entries of an array that is printed whole


@dataclass(frozen=True, eq=False)
class ArrayOf:
    """A whole layer's numbers of one kind, such as dJ/dW[1], or a Jacobian between layers, da[2]/da[0].

    Attributes
    ----------
    definitions : Definitions
    name : Name
        Pre-activations, activations, inputs, targets, delta and dC/da without an example of their own are of all
        examples: (N, units), or (units, N) where the notation has examples as columns. Of one example (`delta[2] @ 3`)
        they have shape (units,). Weights are (from, to) or (to, from), biases a column where examples are, and
        Jacobians in numerator or denominator layout, as the notation has them.
    detail : str
        "line" shows the numbers alone; every other word the equation written out as well, where it fits.
    digits : int
    """

    definitions: Definitions
    name: Name
    detail: str
    digits: int

    @cached_property
    def value(self) -> np.ndarray:
        """The numbers, as the notation has them."""
        with beyond_floats():
            return self._laid_out(self._numbers()) + 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `value`."""
        return self.value.shape

    @property
    def _of(self) -> Quantity:
        """The array that decides the shape: what is differentiated by, or the quantity itself."""
        match self.name:
            case Derivative():
                return self.name.bottom
            case Change():
                return self.name.parameter
        assert isinstance(self.name, Quantity)
        return self.name

    @property
    def is_batch(self) -> bool:
        """Whether this is an array of all examples."""
        return has_examples(self.name)

    @property
    def _is_jacobian(self) -> bool:
        return isinstance(self.name, Derivative) and self.name.top.kind in ("a", "z") and not self.name.top.units

    def _laid_out(self, M: np.ndarray) -> np.ndarray:
        """An array of numbers, or of their names, turned as the notation has it."""
        notation, of = self.definitions.notation, self._of
        if of.kind == "W":
            return M if notation.counting.from_to else np.swapaxes(M, -1, -2)
        if self._is_jacobian:
            return M.T if notation.layout == "denominator" else M
        if self.is_batch:
            return M if notation.examples == "rows" else M.T
        return M[:, None] if of.kind == "b" and notation.examples == "columns" else M

    def _numbers(self) -> np.ndarray:
        values, name = self.definitions.values, self.name
        if self.is_batch:
            assert isinstance(name, (Quantity, Derivative))
            return np.asarray(values.of_all(name))
        if isinstance(name, (Quantity, Derivative)) and not self._is_jacobian:
            return np.asarray(values.array(name))
        if isinstance(name, Derivative):
            units = range(values.network.sizes[name.top.layer])
            return np.stack([values.array(replace(name, top=replace(name.top, units=(k,)))) for k in units])
        return np.asarray(np.vectorize(self.definitions.value, otypes=[float])(self._names()))

    def _names(self) -> np.ndarray:
        """The name of each number, as (N, units) and (from, to)."""
        values, of, name = self.definitions.values, self._of, self.name
        shape = np.shape(values.array(of)) if of.kind != "y" else (values.network.sizes[-1],)
        N = len(values.X)
        tops: list[Any] = [None]
        if self.is_batch:
            tops = list(range(N)) if N > 1 else [None]
        elif self._is_jacobian:
            assert isinstance(name, Derivative)
            tops = [replace(name.top, units=(k,)) for k in range(values.network.sizes[name.top.layer])]
        made = np.empty((len(tops), *shape), dtype=object)
        for place in np.ndindex(made.shape):
            made[place] = self._entry(tops[place[0]], replace(of, units=place[1:]))
        return made if self.is_batch or self._is_jacobian else made[0]

    def _entry(self, top: Any, of: Quantity) -> Name:
        match self.name:
            case Derivative():
                if self._is_jacobian:
                    return Derivative(top, of)
                return Derivative(replace(self.name.top, example=top) if self.is_batch else self.name.top, of)
            case Change():
                return Change(of)
        return replace(of, example=top) if self.is_batch else of

    @cached_property
    def names(self) -> np.ndarray:
        """The name of each number, an object array in the shape of `value`."""
        return self._laid_out(self._names())

    def equations(self, detail: str | None = None) -> tuple[Equation, ...]:
        """Return the equation of the array written out: its names, what each is made of, and the numbers."""
        self._printable()
        left, numbers = Symbol(self.name), _matrix(self.value, lambda value: Number(float(value)))
        if self.value.ndim > 2:
            return ()
        symbols = _matrix(self.names, self._symbol)
        remark = self._remark
        if (detail or self.detail) == "line":
            return (Equation(left, (numbers,), remark),)
        if self.value.size > WRITTEN_OUT:
            return (Equation(left, (symbols, numbers), remark),)
        lines = {name: self.definitions.of(name) for name in self.names.flat}
        rules = {line.rule.partition(" (")[0] for line in lines.values()}
        sides: list[Expression] = [symbols, *self._products()]
        if not any(map(self.definitions.is_given, self.names.flat)):
            sides.append(_matrix(self.names, lambda name: self._worked(lines[name].expression)))
        rule = rules.pop() if len(rules) == 1 else ""
        return (Equation(left, (*sides, numbers), f"{rule} ({remark})" if rule and remark else rule or remark),)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What the inputs and outputs are called that its rows or columns belong to."""
        match self.name:
            case Derivative(top, bottom):
                return whole_layers(self.definitions, (top, bottom))
        return whole_layers(self.definitions, (self._of,))

    @property
    def _remark(self) -> str:
        """What is said of all of the array: what a course's own has in it, and why a number of it is not finite."""
        lost = np.flatnonzero(~np.isfinite(self.value))
        why = why_not_finite(self.definitions.values, self.names.flat[lost[0]]) if len(lost) else ""
        return "; ".join(filter(None, (self.definitions.of_the_course(self.name), why)))

    def _symbol(self, name: Name) -> Expression:
        return self.definitions.symbol(name)

    def _worked(self, e: Expression) -> Expression:
        """An entry's expression; derivatives of each example by a weight stand as the products that they are."""

        def product(symbol: Symbol) -> Expression:
            d = symbol.name
            if isinstance(d, Derivative) and d.top.kind == "C" and d.bottom.kind in ("W", "b"):
                return self.definitions.of(d).expression
            return symbol

        return substituted(e, product)

    def _products(self) -> list[Expression]:
        """Z = A W + b as matrices."""
        name, values = self.name, self.definitions.values
        if not isinstance(name, Quantity) or name.kind != "z" or not self.is_batch:
            return []
        A, W = (
            _matrix(replace(self, name=q).names, self._symbol)
            for q in (Quantity("a", name.layer - 1), Quantity("W", name.layer))
        )
        rows = self.definitions.notation.examples == "rows"
        weights = W if rows == self.definitions.notation.counting.from_to else Transpose(W)
        product = Matmul((A, weights) if rows else (weights, A))
        if values.biases(name.layer) is None:
            return [product]
        b = replace(self, name=Quantity("b", name.layer))._names()
        spread = np.tile(b, (len(values.X), 1))
        return [Sum((product, _matrix(spread if rows else spread.T, self._symbol)))]

    def text(self, detail: str | None = None) -> str:
        """Return name, shape and numbers, with the equation written out before them where it fits."""
        naming = self.definitions.naming
        notes = render.notes_text(self.notes, naming, self.digits)
        numbers = render.array_text(self.name, self.value, naming, self.digits) + notes
        large = self.value.size > WRITTEN_OUT or self.value.ndim > 2
        if (detail or self.detail) == "line" or large or all(map(self.definitions.is_given, self.names.flat)):
            return f"{self._remark}\n{numbers}".lstrip()
        made = [replace(e, sides=e.sides[:-1] or e.sides) for e in self.equations(detail)]  # the numbers stand below
        return f"{matrix_text(made, naming, self.digits)}\n{numbers}"

    def latex(self, detail: str | None = None) -> str:
        """Return the array as LaTeX, an `aligned` environment for use within display mathematics."""
        naming = self.definitions.naming
        further = render.latex_notes(self.notes, naming, self.digits)
        return render.latex(self._matrices(detail), naming, self.digits, further)

    def mathml(self, detail: str | None = None) -> str:
        """Return the array as MathML, one `<math>` element."""
        naming = self.definitions.naming
        further = render.mathml_notes(self.notes, naming, self.digits)
        return render.mathml(self._matrices(detail), naming, self.digits, further)

    def json(self, detail: str | None = None) -> dict[str, Any]:
        """Return the array as plain data: its shape, its numbers and, where it fits, its equation."""
        small = self.value.size <= LARGEST and self.value.ndim <= 2
        return {
            "quantity": asked_as(self.name, self.definitions.naming),
            "shape": list(self.value.shape),
            "value": _nested(self.value),
            "notation": self.definitions.notation.name,
            "lines": render.plain(self.equations(detail), self.definitions.naming) if small else [],
            **({"units": plain_notes(self.notes, self.definitions.naming)} if self.notes else {}),
        }

    def _matrices(self, detail: str | None) -> tuple[Equation, ...]:
        if self.value.ndim <= 2:
            return self.equations(detail)
        self._printable()
        name = self.name  # of more than two dimensions, one matrix for each unit that is differentiated
        assert isinstance(name, Derivative)
        tops = [replace(name, top=replace(name.top, units=(k,))) for k in range(len(self.value))]
        return tuple(e for top in tops for e in replace(self, name=top).equations("line"))

    def _printable(self) -> None:
        if self.value.size > LARGEST:
            raise UsageError(
                f"this array has {self.value.size:,} numbers; up to {LARGEST} are written out. Take its value, its "
                "text or its JSON, or ask for one of its numbers."
            )

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{render.name_text(self.name, self.definitions.naming)}, shape {self.value.shape}>"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"

    def _repr_html_(self) -> str:
        if self.value.size > LARGEST:
            return f"<pre>{self.text()}</pre>"
        return f'<div class="chainrule-derivation">{self.mathml()}</div>'

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value, dtype=dtype)


def _matrix(M: np.ndarray, entry: Any) -> Matrix:
    """A matrix of expressions; a vector is a row."""
    return Matrix(tuple(tuple(entry(x) for x in row) for row in np.atleast_2d(M)))


def _nested(M: np.ndarray) -> Any:
    return [_nested(part) for part in M] if M.ndim else finite(float(M))
