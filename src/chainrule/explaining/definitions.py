"""What each quantity is made of, as one equation with its rule: the lecture, a case at a time.

`Definitions.of(name)` answers in the notation's way; every symbol in the answer is a quantity that can be asked for in
turn. The equations themselves stand in forward_equations, backward_equations and jacobian_equations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from chainrule.errors import UsageError
from chainrule.explaining import backward_equations as backward
from chainrule.explaining import forward_equations as forward
from chainrule.explaining import jacobian_equations as jacobian
from chainrule.explaining.expressions import ONE, Equation, Expression, Negative, Number, Sum, Symbol, multiply
from chainrule.explaining.naming import Naming
from chainrule.explaining.not_finite import why_not_finite
from chainrule.explaining.notation import Notation
from chainrule.explaining.path_links import PathLinks
from chainrule.explaining.quantities import BATCH_COST, Change, Derivative, Name, Path, Quantity, State, is_backward
from chainrule.explaining.trees import evaluate, with_values
from chainrule.explaining.unit_names import UnitNames
from chainrule.explaining.updates import RuleUpdate, Update
from chainrule.explaining.values import Values, beyond_floats

GIVEN = ("y", "W", "b", "eta", "lambda", "N", "share", "mask")


@dataclass(frozen=True)
class Line:
    """One equation: a name, the rule that it follows from, what it equals, and the value of both sides."""

    name: Name
    rule: str
    expression: Expression
    value: float

    @property
    def equation(self) -> Equation:
        """Name = expression = expression with its values = value."""
        sides = (self.expression, with_values(self.expression), Number(self.value))
        return Equation(Symbol(self.name, self.value), sides, self.rule)


@dataclass(frozen=True)
class Definitions:
    """The equations of one network at some examples, in one notation.

    Attributes
    ----------
    values : Values
    notation : Notation
    most : int
        How many terms of a sum are shown.
    update : Update or None
        The rule by which weights change.
    without_update : str
        What to say where there is none; by default, how to name one.
    units : UnitNames or None
        What the inputs and outputs are called.
    """

    values: Values
    notation: Notation
    most: int
    update: Update | None
    without_update: str = ""
    units: UnitNames | None = None
    _lines: dict[tuple[Name, bool], Line] = field(default_factory=dict, repr=False, compare=False)

    @property
    def naming(self) -> Naming:
        """The notation applied to this network."""
        values = self.values
        alike = len(values.X) == 1 and values.shares[0] == 1 and not values.weight_decay  # then C is J
        return Naming(self.notation, values.network.sizes, None if alike else values.example)

    def value(self, name: Name) -> float:
        """Return what was computed for a name; a 0 has no sign."""
        with beyond_floats():
            return self._value(name) + 0.0

    def _value(self, name: Name) -> float:
        match name:
            case Path():
                return self.links.product(name)
            case Change():
                return self.needed_update().change(self.values, name.parameter)
            case State(kind="mean") if self._mean_momentum is not None:  # v = -alpha times the running mean
                velocity = self.needed_update().state_value(self.values, replace(name, kind="v"))
                return -velocity / self._setting("eta")
            case State():
                return self.needed_update().state_value(self.values, name)
            case Quantity(kind="eta" | "lambda" | "N"):
                return self._setting(name.kind)
        assert isinstance(name, (Quantity, Derivative))  # members have definitions of their own
        return self.values.number(name)

    def symbol(self, name: Name) -> Symbol:
        """Return a name with its value."""
        return Symbol(name, self.value(name))

    def of(self, name: Name, *, factors: bool = False) -> Line:
        """Return the equation of a quantity.

        Parameters
        ----------
        name : Name
        factors : bool
            Write derivatives of the cost as products of local derivatives rather than with delta.

        Raises
        ------
        UsageError
            If the quantity is not there.
        """
        if (name, factors) not in self._lines:
            self._lines[name, factors] = self._line(name, factors)
        return self._lines[name, factors]

    def _line(self, name: Name, factors: bool) -> Line:
        value = self.value(name)
        with beyond_floats():
            rule, expression = self._equation(name, factors)
            found = evaluate(expression)
        rule += self.remark(name, value)
        if found == value or (math.isnan(found) and math.isnan(value)) or math.isclose(found, value, rel_tol=1e-6):
            return Line(name, rule, expression, value)
        if math.isfinite(found) and math.isfinite(value):
            return Line(name, f"{rule} (what rounding leaves of terms that cancel)", expression, value)
        # The engine met an infinity on its way that this equation does not pass, or the other way round.
        return Line(name, f"{rule} (as computed: numbers on the way are beyond floats)", Number(value), value)

    def _equation(self, name: Name, factors: bool) -> tuple[str, Expression]:
        match name:
            case Derivative():
                return self._derivative(name, factors)
            case Path():
                return "product of the links of this path", self.links.expression(name, self.symbol)
            case Change(parameter) if self._mean_momentum is not None:
                return self._by_mean_momentum(self._mean_momentum, parameter)
            case Change():
                return self.needed_update().equation(self.values, name.parameter, self.symbol)
            case State():
                return self._state(name)
        assert isinstance(name, Quantity)
        return self._quantity(name, factors)

    def remark(self, name: Name, value: float) -> str:
        """What is said behind the rule: why a number is not finite, and what a course's own quantity has in it."""
        said = [self.of_the_course(name), "" if math.isfinite(value) else why_not_finite(self.values, name)]
        return "".join(f" ({words})" for words in said if words)

    def of_the_course(self, name: Name) -> str:
        """What a course's own quantity of this kind has and this one has not, and where its lambda is another."""
        kind, alone = name.kind if isinstance(name, Quantity) else "", len(self.values.X) == 1
        decays = kind in ("J", "lambda") or (isinstance(name, Derivative) and name.top.kind + name.bottom.kind == "JW")
        if decays and self.values.weight_decay and self.notation.decay == "over 2N" and not alone:
            N = self.notation.letter("N")
            return f"lambda is {N} times the weight decay that was given: J has lambda / (2 {N}), and is the same"
        mean = self.values.reduction == "mean" and not alone
        return self.notation.remarks.get(kind, "") if mean else ""

    def leads_on(self, name: Name) -> bool:
        """Whether a quantity belongs to the backward pass, or is a state that can be written out."""
        if isinstance(name, State):
            return self.update is not None and self.update.writes_out(name)
        return is_backward(name)

    def is_given(self, name: Name) -> bool:
        """Whether a quantity comes from outside: an input, a target, a weight, a setting."""
        return isinstance(name, Quantity) and (name.kind in GIVEN or (name.kind == "a" and name.layer == 0))

    def _quantity(self, q: Quantity, factors: bool) -> tuple[str, Expression]:
        if self.is_given(q):
            return f"given: {_given(q)}", Number(self.value(q))
        match q.kind:
            case "z":
                return forward.pre_activation(self, q)
            case "a":
                return forward.activation(self, q)
            case "slope":
                return backward.slope_equation(self, q.layer, q.units[0], q.example)
            case "delta":
                return backward.delta_equation(self, q, factors)
            case "beta":
                return backward.beta_equation(self, q)
            case "C":
                return forward.cost(self, q)
        return forward.batch_cost(self)

    def _derivative(self, d: Derivative, factors: bool) -> tuple[str, Expression]:
        match d.top.kind:
            case "J":
                return backward.of_batch(self, d)
            case "C":
                return backward.of_cost(self, d, factors)
            case "z":
                return jacobian.of_pre_activation(self, d)
        return jacobian.of_unit(self, d, factors)

    @property
    def links(self) -> PathLinks:
        """The paths of this network."""
        return PathLinks(self.values, self.notation.slope == "fraction")

    @property
    def _mean_momentum(self) -> float | None:
        """The share that stays of a running mean of the gradient, where this course writes momentum so."""
        update = self.update
        if self.notation.momentum != "mean" or not isinstance(update, RuleUpdate) or update.is_clipped:
            return None
        share = (update.rule.constants or (1.0,))[0]
        return share if update.rule.name.partition("(")[0] == "momentum" and share != 1 else None

    def _state(self, name: State) -> tuple[str, Expression]:
        update = self.needed_update()
        if name.kind == "mean" and self._mean_momentum is not None and not update.writes_out(name):
            rule, _ = update.state_equation(self.values, replace(name, kind="v"), self.symbol)
            return rule, Number(self._value(name))
        return update.state_equation(self.values, name, self.symbol)

    def _by_mean_momentum(self, beta: float, parameter: Quantity) -> tuple[str, Expression]:
        """-alpha (beta v + (1 - beta) g), which is mu v - eta g with beta = mu and alpha = eta / (1 - mu)."""
        update = self.needed_update()
        assert isinstance(update, RuleUpdate)
        if not self.values.layer(parameter.layer).trainable:
            return "its layer is frozen", Number(0.0)
        g = self.symbol(Derivative(BATCH_COST, parameter))
        mean = Sum((multiply(Number(beta), self.symbol(State("mean", parameter))),
                    multiply(Sum((ONE, Negative(Number(beta)))), g)))  # fmt: skip
        rate = f"learning rate {update.learning_rate:g} / (1 - {beta:g})"
        words = f"update rule {update.rule.name} with a running mean of the gradient, {rate}"
        words += f" ({update.remark})" if update.remark else ""
        return words, Negative(multiply(self.symbol(Quantity("eta")), mean))

    def _setting(self, kind: str) -> float:
        if kind == "eta":
            return self.needed_update().learning_rate / (1 - (self._mean_momentum or 0.0))
        N = float(len(self.values.X))
        if kind == "N":
            return N
        if self.values.weight_decay:  # lambda / (2 N) is the same decay with a lambda N times as large
            return self.values.weight_decay * (N if self.notation.decay == "over 2N" else 1.0)
        return self.update.weight_decay if self.update is not None else 0.0

    def needed_update(self) -> Update:
        """The update rule, or a refusal that asks for one."""
        if self.update is None:
            raise UsageError(
                self.without_update
                or 'how a weight changes depends on the update rule. Name it, as in explain(..., update="momentum", '
                "learning_rate=0.1)."
            )
        return self.update


def _given(q: Quantity) -> str:
    names = {
        "a": "an input", "y": "a target", "W": "a weight", "b": "a bias", "eta": "the learning rate",
        "lambda": "the weight decay", "N": "the number of examples", "share": "the example's weight in J",
        "mask": "what dropout makes of the unit",
    }  # fmt: skip
    return names[q.kind]
