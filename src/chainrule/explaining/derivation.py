"""A number with where it came from: its equation, and the equations behind it, as far down as is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

from chainrule.errors import unknown_name
from chainrule.explaining import render
from chainrule.explaining.asking import asked_as
from chainrule.explaining.definitions import Definitions, Line
from chainrule.explaining.expressions import Equation, Expression, Number, Rest, Sum, Symbol
from chainrule.explaining.naming import Naming
from chainrule.explaining.plain_form import finite
from chainrule.explaining.quantities import (
    Name,
    as_derivative,
    has_paths,
    is_backward,
)
from chainrule.explaining.trees import substituted, symbols
from chainrule.explaining.unit_notes import Note, notes_on, plain_notes
from chainrule.explaining.values import beyond_floats

DETAILS = ("line", "factors", "layers", "paths", "scalars")
LONGEST = 80  # equations of one derivation: beyond, ask for one of its operands


@dataclass(frozen=True, eq=False)
class Derivation:
    """A number with where it came from; it prints itself, and shows itself in a notebook.

    Attributes
    ----------
    definitions : Definitions
        The equations that it follows, with their values.
    name : Name
    detail, digits
        What it shows by default.
    """

    definitions: Definitions
    name: Name
    detail: str
    digits: int

    @cached_property
    def line(self) -> Line:
        """The equation that defines this number."""
        return self.definitions.of(self.name)

    @property
    def value(self) -> float:
        """The number, as the engine computed it."""
        return self.definitions.value(self.name)

    @property
    def expression(self) -> Expression:
        """What it equals: an immutable tree of quantities with their values."""
        return self.line.expression

    @property
    def rule(self) -> str:
        """The rule that the equation follows from."""
        return self.line.rule

    @property
    def operands(self) -> tuple[Derivation, ...]:
        """The derivations of the quantities in the expression, each once."""
        found = dict.fromkeys(symbol.name for symbol in symbols(self.expression))
        return tuple(replace(self, name=name) for name in found)

    @property
    def has_paths(self) -> bool:
        """Whether this is a derivative of one example's cost, or of a unit: a sum over paths."""
        return has_paths(self.name)

    def lines(self, detail: str | None = None) -> tuple[Line, ...]:
        """Return the equations of a derivation.

        Parameters
        ----------
        detail : str
            "line" (one equation), "factors" (the chain rule's local derivatives, each worked out), "layers" (delta
            after delta, to the cost), "paths" (every path from the number to the cost) or "scalars" (every number on
            the way, forward and backward).

        Raises
        ------
        UsageError
            For another word.
        """
        detail = detail or self.detail
        if detail not in DETAILS:
            raise unknown_name("detail", detail, DETAILS)
        if detail == "line":
            return (self.line,)
        if detail == "factors":
            return self._factors()
        if detail == "paths" and has_paths(self.name):
            return self._paths()
        return self._expanded(forward=detail == "scalars")

    def equations(self, detail: str | None = None) -> tuple[Equation, ...]:
        """Return the same as equations, ready to be rendered."""
        return tuple(line.equation for line in self.lines(detail))

    def notes(self, detail: str | None = None) -> tuple[Note, ...]:
        """Return what the inputs and outputs in its equations are called, and what they were in the table."""
        return notes_on(self.equations(detail), self.definitions)

    def _factors(self) -> tuple[Line, ...]:
        definitions = self.definitions
        first = definitions.of(self.name, factors=True)
        parts = dict.fromkeys(s.name for s in symbols(first.expression) if definitions.leads_on(s.name))
        return (first, *(definitions.of(part, factors=True) for part in parts))

    def _paths(self) -> tuple[Line, ...]:
        definitions = self.definitions
        derivative = as_derivative(self.name)
        links, remark = definitions.links, definitions.remark(self.name, self.value)
        with beyond_floats():
            listed, count = links.paths(derivative, definitions.most + 1)
            if count > len(listed):  # a rest of one path is no shorter than the path
                listed, count = links.paths(derivative, definitions.most)
        if count == 1:
            expression = links.expression(listed[0], definitions.symbol)
            return (Line(self.name, f"product of the links of its only path{remark}", expression, self.value),)
        terms: list[Expression] = [definitions.symbol(path) for path in listed]
        rest = self.value - sum(term.value or 0.0 for term in terms if isinstance(term, Symbol))
        if count > len(listed):
            terms.append(Rest(count - len(listed), rest))
        first = Line(self.name, f"sum over {count:,} paths{remark}", Sum(tuple(terms)), self.value)
        return (first, *(definitions.of(path) for path in listed))

    def _expanded(self, *, forward: bool) -> tuple[Line, ...]:
        """Every equation on the way, each once: from here back, or with the forward pass in the order of computing."""
        definitions = self.definitions
        lines: dict[Name, Line] = {}
        waiting = [self.name]
        while waiting and len(lines) < LONGEST:
            name = waiting.pop(0)
            if name in lines:
                continue
            lines[name] = definitions.of(name)
            for symbol in symbols(lines[name].expression):
                wanted = forward or definitions.leads_on(symbol.name) or not is_backward(self.name)
                if wanted and not definitions.is_given(symbol.name):
                    waiting.append(symbol.name)
        return tuple(_computed_in_order(lines)) if forward else tuple(lines.values())

    def expanded(self, depth: int = 100) -> Expression:
        """Return one expression with every quantity replaced by what it is made of, down to weights and inputs.

        Parameters
        ----------
        depth : int
            How many times to replace; the size of the expression grows with the network's.
        """
        definitions = self.definitions

        @cache
        def replaced(symbol: Symbol, left: int) -> Expression:
            if not left or definitions.is_given(symbol.name):
                return symbol
            inner = definitions.of(symbol.name).expression
            return symbol if isinstance(inner, Number) else substituted(inner, lambda s: replaced(s, left - 1))

        return substituted(self.expression, lambda s: replaced(s, depth))

    def text(self, detail: str | None = None) -> str:
        """Return the derivation as aligned Unicode text."""
        equations = self.equations(detail)
        written = render.text(equations, *self._form)
        if len(equations) >= LONGEST:
            written += f"\n... and more: {LONGEST} equations are shown. Ask for one of these quantities to go on."
        return written + render.notes_text(self.notes(detail), *self._form)

    def latex(self, detail: str | None = None) -> str:
        """Return the derivation as LaTeX, an `aligned` environment for use within display mathematics."""
        return render.latex(self.equations(detail), *self._form, render.latex_notes(self.notes(detail), *self._form))

    def mathml(self, detail: str | None = None) -> str:
        """Return the derivation as MathML, one `<math>` element."""
        return render.mathml(self.equations(detail), *self._form, render.mathml_notes(self.notes(detail), *self._form))

    def json(self, detail: str | None = None) -> dict[str, Any]:
        """Return the derivation as plain data: names, rules, trees and values; "units" where inputs have names."""
        naming, notes = self.definitions.naming, self.notes(detail)
        return {
            "quantity": asked_as(self.name, naming),
            "value": finite(self.value),
            "notation": self.definitions.notation.name,
            "lines": render.plain(self.equations(detail), naming),
            **({"units": plain_notes(notes, naming)} if notes else {}),
        }

    @property
    def _form(self) -> tuple[Naming, int]:
        return self.definitions.naming, self.digits

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Derivation {render.name_text(self.name, self.definitions.naming)} = {self.value:.6g}>"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"

    def _repr_html_(self) -> str:
        return f'<div class="chainrule-derivation">{self.mathml()}</div>'

    def __float__(self) -> float:
        return self.value


def _computed_in_order(lines: dict[Name, Line]) -> Iterator[Line]:
    """Each equation after those that it needs."""
    done: set[Name] = set()

    def visit(name: Name) -> Iterator[Line]:
        if name in done or name not in lines:
            return
        done.add(name)
        for symbol in symbols(lines[name].expression):
            yield from visit(symbol.name)
        yield lines[name]

    for name in lines:
        yield from visit(name)
