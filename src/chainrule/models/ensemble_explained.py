"""An ensemble explained: its output is the mean of its members' outputs, each with a derivation of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.explaining import render
from chainrule.explaining.derivation import Derivation
from chainrule.explaining.explain import Explanation
from chainrule.explaining.expressions import ONE, Equation, Expression, Number, Product, Quotient, Symbol
from chainrule.explaining.grammar import written
from chainrule.explaining.plain_form import finite
from chainrule.explaining.quantities import Name, OfMember, Quantity, example_of
from chainrule.explaining.sums import long_sum
from chainrule.explaining.trees import with_values
from chainrule.explaining.unit_notes import Note, notes_on

if TYPE_CHECKING:
    from chainrule.models.ensemble import Ensemble


@dataclass(frozen=True, eq=False)
class EnsembleExplanation:
    """The numbers of an ensemble at some examples; index it by the name of an output, such as "a[2][1]".

    Make one with `Ensemble.explain`.

    Attributes
    ----------
    members : tuple of Explanation
        Of each network: index one of them for any other number, as in `why.members[0]["dC/dW[1][2,3]"]`.
    answers : float64 array (members, N, outputs)
        What each member answers: probabilities of the classes, or values in the target's units.
    classes : tuple
        The labels of a classification.
    """

    members: tuple[Explanation, ...]
    answers: np.ndarray
    classes: tuple[Any, ...] = ()

    def __getitem__(self, quantity: str | Name) -> MeanOf:
        """Return the mean of an output over the members.

        Raises
        ------
        UsageError
            If it is no name of a quantity, or one of a single network.
        """
        first = self.members[0]
        name = first.asked(quantity) if isinstance(quantity, str) else quantity
        L = len(first.network.layers)
        if not (isinstance(name, Quantity) and name.kind == "a" and name.layer == L and name.units):
            raise UsageError(
                f"{quantity} is a number of one network, and these are {len(self.members)} that answer by their mean. "
                f"Ask for an output, such as {self.names()[0]}, or ask one member: why.members[0][...], on the command "
                "line --member 1."
            )
        return MeanOf(self, name, tuple(_derivation(one, name) for one in self.members))

    def names(self) -> list[str]:
        """List the outputs, whose means can be asked for."""
        first = self.members[0]
        L = len(first.network.layers)
        return [written(Quantity("a", L, (k,)), first.notation.counting) for k in range(first.network.sizes[-1])]

    def called(self) -> dict[str, str]:
        """What the outputs are called."""
        first, there = self.members[0].called(), self.names()
        return {name: first[name] for name in there if name in first}

    def __repr__(self) -> str:
        return f"<Explanation of {len(self.members)} networks that answer by their mean>"


def _derivation(explanation: Explanation, name: Quantity) -> Derivation:
    found = explanation[name]
    assert isinstance(found, Derivation)
    return found


@dataclass(frozen=True, eq=False)
class MeanOf:
    """The mean of an output over the members of an ensemble, with each member's derivation.

    Attributes
    ----------
    ensemble : EnsembleExplanation
    name : Quantity
    members : tuple of Derivation
    """

    ensemble: EnsembleExplanation
    name: Quantity
    members: tuple[Derivation, ...]

    @property
    def value(self) -> float:
        """The mean."""
        return float(np.mean([one.value for one in self.members]))

    @property
    def expression(self) -> Expression:
        """1/M times the sum over the members."""
        symbols = [Symbol(OfMember(self.name, m), one.value) for m, one in enumerate(self.members)]
        most = self.members[0].definitions.most
        terms = long_sum(np.array([one.value for one in self.members]), lambda m: symbols[m], most)
        return Product((Quotient(ONE, Number(float(len(self.members)))), terms))

    @property
    def equation(self) -> Equation:
        """The mean, its expression, the expression with its values, and the value."""
        sides = (self.expression, with_values(self.expression), Number(self.value))
        rule = f"mean over the {len(self.members)} networks of the ensemble"
        return Equation(Symbol(OfMember(self.name), self.value), sides, rule)

    @property
    def answer(self) -> str:
        """What the ensemble answers for this output, in a sentence."""
        n = example_of(self.name)
        n = self.members[0].definitions.values.example if n is None else n
        k, classes = self.name.units[0], self.ensemble.classes
        k = k + (self.ensemble.answers.shape[2] - self.members[0].definitions.values.network.sizes[-1])
        each = self.ensemble.answers[:, n, k]
        digits = self.members[0].digits
        own = ", ".join(f"{value:.{digits}g}" for value in each[:10]) + ", ..." * (len(each) > 10)
        mean = f"{np.mean(each):.{digits}g}"
        if classes:
            return f"The ensemble gives class {classes[k]} the probability {mean}, the mean of its members' {own}."
        units = self.members[0].definitions.units
        target = f" for {units.called('output', k)}" if units is not None and len(units.outputs) > 1 else ""
        return f"The ensemble predicts {mean}{target}, the mean of its members' {own}."

    def text(self, detail: str | None = None) -> str:
        """Return the mean and every member's derivation as aligned Unicode text."""
        top = render.text((self.equation,), self._naming, self.members[0].digits)
        parts = [f"net{m}\n{one.text(detail)}" for m, one in enumerate(self.members, start=1)]
        return "\n\n".join([f"{top}\n{self.answer}", *parts])

    def latex(self, detail: str | None = None) -> str:
        """Return the mean as LaTeX; each of `members` has its own."""
        form = self._naming, self.members[0].digits
        return render.latex((self.equation,), *form, render.latex_notes(self._notes, *form))

    def mathml(self, detail: str | None = None) -> str:
        """Return the mean as MathML; each of `members` has its own."""
        form = self._naming, self.members[0].digits
        return render.mathml((self.equation,), *form, render.mathml_notes(self._notes, *form))

    @property
    def _notes(self) -> tuple[Note, ...]:
        return notes_on((self.equation,), self.members[0].definitions)

    def json(self, detail: str | None = None) -> dict[str, Any]:
        """Return the mean and every member's derivation as plain data."""
        return {
            "quantity": written(self.name, self.members[0].definitions.notation.counting),
            "value": finite(self.value),
            "answer": self.answer,
            "lines": render.plain((self.equation,), self._naming),
            "members": [one.json(detail) for one in self.members],
        }

    @property
    def _naming(self) -> Any:
        return self.members[0].definitions.naming

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<MeanOf {len(self.members)} members, {self.value:.6g}>"

    def __float__(self) -> float:
        return self.value


def explain_ensemble(
    ensemble: Ensemble, rows: Any = None, *, reading: dict[str, Any] | None = None, **options: Any
) -> EnsembleExplanation:
    """Explain an ensemble at some rows; see `Ensemble.explain`."""
    if rows is None:
        if "train" not in ensemble.parts:
            raise UsageError("an ensemble that was loaded keeps no rows. Name the table to explain it at.")
        rows = ensemble.parts["train"]
    table = ensemble.read(rows, **(reading or {}))
    members = tuple(one.explain(table, **options) for one in ensemble.members)
    if ensemble.task == "classification":
        answers = np.array([one.probabilities(table) for one in ensemble.members])
        return EnsembleExplanation(members, answers, ensemble.classes)
    values = [np.reshape(one.predict(table), (table.n_rows, -1)) for one in ensemble.members]
    return EnsembleExplanation(members, np.array(values))


class NotOfAnEnsemble(UsageError, AttributeError):
    """What a single network has and several have not."""


def refusal(name: str, count: int) -> NotOfAnEnsemble:
    """Return why an ensemble has no such attribute of a model."""
    why = {
        "network": "each of its members has a network of its own",
        "forward": "each of its members feeds forward by itself",
        "transform": "hidden units of different members have nothing in common that a mean would keep",
        "outputs": "the members' probabilities are averaged, or values in the target's units: `answers` has them",
    }[name]
    return NotOfAnEnsemble(
        f"an ensemble of {count} networks has no {name}: {why}. Ask a member: ensemble.members[0].{name}."
    )
