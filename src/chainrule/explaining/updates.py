"""Why a weight changed: the update rule as an equation, with the state that it had before the step.

The equations are those of `core.update_rules`; the changes come from the rule itself, and for Levenberg-Marquardt from
the solver's own step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.gauss_newton import gauss_newton
from chainrule.core.update_rules import UpdateRule
from chainrule.errors import UsageError
from chainrule.explaining.expressions import (
    ONE,
    Expression,
    Function,
    Negative,
    Number,
    Power,
    Quotient,
    Sum,
    Symbol,
    add,
    multiply,
    square,
)
from chainrule.explaining.quantities import BATCH_COST, Derivative, Name, Quantity, State, bias, weight
from chainrule.explaining.sums import long_sum
from chainrule.explaining.values import Values

ToSymbol = Callable[[Name], Symbol]
STATES = {"v": "velocity", "mean": "mean", "mean_square": "mean_square", "step": "steps"}


@dataclass(frozen=True, eq=False)
class Update:
    """One update of all weights: the rule, its learning rate, and what it remembered before.

    Attributes
    ----------
    rule : UpdateRule
    learning_rate : float
    weight_decay : float
        Of a rule that decays weights beside the gradient (AdamW); otherwise it is part of J.
    state : the rule's state, or None before the first update
    damping : float or None
        mu of the Levenberg-Marquardt step; then the rule has no say.
    """

    rule: UpdateRule | None
    learning_rate: float
    weight_decay: float = 0.0
    state: Any = None
    damping: float | None = None
    most: int = 8
    _made: dict[Values, list[np.ndarray]] = field(default_factory=dict, repr=False)

    def change(self, values: Values, parameter: Quantity) -> float:
        """What the update adds to a weight or a bias."""
        place = self._place(values, parameter)
        if place is None:
            return 0.0
        number, index = place
        return float(self._changes(values)[number][index])

    def _changes(self, values: Values) -> list[np.ndarray]:
        if values not in self._made:
            self._made[values] = self._computed(values)
        return self._made[values]

    def _computed(self, values: Values) -> list[np.ndarray]:
        network = values.network
        if self.damping is not None:
            return _at_parameters(network.trainable_parameters, -self._system(values)[0] @ self._mean_gradient(values))
        assert self.rule is not None
        expected = type(self.rule.init(network.trainable_parameters))
        if not isinstance(self._before(values), expected):
            raise UsageError(f"state must be a {expected.__name__}, what {self.rule.name} remembers; leave it out.")
        changes, _ = self.rule.update(self._gradients(values), self._before(values), self.learning_rate)
        if not self.rule.decoupled or not self.weight_decay:
            return [np.asarray(change) for change in changes]
        decayed = [M for layer in network.layers if layer.trainable
                   for M in ([layer.decayed] + ([] if layer.biases is None else [0 * layer.biases]))]  # fmt: skip
        return [
            np.asarray(change - self.learning_rate * self.weight_decay * M)
            for change, M in zip(changes, decayed, strict=True)
        ]

    def _gradients(self, values: Values) -> list[Array]:
        """dJ/dW and dJ/db of the layers that learn."""
        grads = values.batch
        found = []
        for l, layer in enumerate(values.network.layers, start=1):
            if layer.trainable:
                found += [g for g in (grads.weights[l], grads.biases[l]) if g is not None]
        return found

    def _before(self, values: Values) -> Any:
        assert self.rule is not None
        return self.rule.init(values.network.trainable_parameters) if self.state is None else self.state

    def _place(self, values: Values, parameter: Quantity) -> tuple[int, tuple[int, ...]] | None:
        """Where a parameter stands among the trainable ones: which array, and where in it; None if it is frozen."""
        number = 0
        for l, layer in enumerate(values.network.layers, start=1):
            if l == parameter.layer:
                if not layer.trainable:
                    return None
                if parameter.kind == "b":
                    return (number, (0, *parameter.units)) if layer.x0 else (number + 1, parameter.units)
                i, k = parameter.units
                return number, (i + layer.x0, k)
            if layer.trainable:
                number += len(layer.parameters)
        raise UsageError(f"there is no layer {parameter.layer}.")

    def state_value(self, values: Values, name: State) -> float:
        """What the rule remembered of a parameter before this update."""
        place = self._place(values, name.parameter)
        if place is None:
            return 0.0
        if name.kind == "inverse":
            assert name.column is not None
            row, column = (self._flat(values, parameter) for parameter in (name.parameter, name.column))
            return float(self._system(values)[0][row, column])
        if name.kind == "step":  # the step of this update, which has grown or shrunk already
            assert self.rule is not None
            _, after = self.rule.update(self._gradients(values), self._before(values), self.learning_rate)
            return float(after.steps[place[0]][place[1]])
        before = getattr(self._before(values), STATES[name.kind], None)
        if before is None:
            raise UsageError(f"state is not what {self.rule.name if self.rule else 'lm'} remembers; leave it out.")
        return float(before[place[0]][place[1]])

    def state_equation(self, name: State, symbol: ToSymbol) -> tuple[str, Expression]:
        """A state is what earlier updates left."""
        value = symbol(name).value
        assert value is not None
        rule = "an entry of the inverse matrix" if name.kind == "inverse" else "left by the updates before"
        return rule, Number(value)

    def equation(self, values: Values, parameter: Quantity, symbol: ToSymbol) -> tuple[str, Expression]:
        """The change of a parameter as the rule computes it."""
        if self._place(values, parameter) is None:
            return "its layer is frozen", Number(0.0)
        if self.damping is not None:
            return self._damped(values, parameter, symbol)
        assert self.rule is not None
        g, eta = symbol(Derivative(BATCH_COST, parameter)), symbol(Quantity("eta"))
        constants = self.rule.constants
        head = self.rule.name.partition("(")[0]
        if constants is None or head not in _EQUATIONS:
            return f"update rule {self.rule.name}", Number(self.change(values, parameter))
        if head == "rprop" and g.value and not self.change(values, parameter):
            return "update rule rprop: the sign of the derivative has turned, so it rests once", Number(0.0)
        make, needed = _EQUATIONS[head]
        updates = getattr(self._before(values), "updates", 0)
        states = {kind: symbol(State(kind, parameter)) for kind in needed}
        expression = make(eta, g, constants, states, updates + 1)
        if self.rule.decoupled and self.weight_decay and parameter.kind == "W":
            decay = Negative(multiply(eta, symbol(Quantity("lambda")), symbol(parameter)))
            expression = add(expression, decay)
        return f"update rule {self.rule.name}", expression

    # ---- Levenberg-Marquardt: (G + D + mu I) step = -(g + D w) ------------------------------------------------------

    def _damped(self, values: Values, parameter: Quantity, symbol: ToSymbol) -> tuple[str, Expression]:
        inverse, all_parameters = self._system(values)
        row = inverse[self._flat(values, parameter)]
        per_example = values.reduction == "sum"
        terms = row * self._mean_gradient(values)

        def term(v: int) -> Expression:
            other = all_parameters[v]
            g: Expression = symbol(Derivative(BATCH_COST, other))
            if per_example:
                g = Quotient(g, symbol(Quantity("N")))
            return multiply(symbol(State("inverse", parameter, other)), g)

        rule = f"Levenberg-Marquardt: minus the row of (G + D + mu I)^-1, mu = {self.damping:g}, times the gradient"
        return rule, Negative(long_sum(terms, term, self.most))

    def _mean_gradient(self, values: Values) -> np.ndarray:
        g = np.concatenate([np.ravel(part) for part in self._gradients(values)])
        return g / len(values.X) if values.reduction == "sum" else g

    @cached_property
    def _systems(self) -> dict[Values, tuple[np.ndarray, list[Quantity]]]:
        return {}

    def _system(self, values: Values) -> tuple[np.ndarray, list[Quantity]]:
        """(G + D + mu I)^-1 and the parameters in the order of its rows."""
        if values not in self._systems:
            network = values.network
            parabola = gauss_newton(network, values.X, values.Y, values.loss, sample_weight=values.sample_weight)
            names = list(_trainable(values))
            lam = values.weight_decay / (len(values.X) if values.reduction == "sum" else 1.0)
            D = np.array([lam * (name.kind == "W") for name in names])
            matrix = np.asarray(parabola.curvature) + np.diag(D + self.damping)
            self._systems[values] = np.linalg.inv(matrix), names
        return self._systems[values]

    def _flat(self, values: Values, parameter: Quantity) -> int:
        return self._system(values)[1].index(parameter)


def _trainable(values: Values) -> Iterator[Quantity]:
    """The trainable parameters, flattened in the order of `Network.trainable_parameters`."""
    for l, layer in enumerate(values.network.layers, start=1):
        if not layer.trainable:
            continue
        fan_out = layer.fan_out
        if layer.x0:
            yield from (bias(l, k) for k in range(fan_out))
        yield from (weight(l, i, k) for i in range(layer.fan_in) for k in range(fan_out))
        if layer.biases is not None:
            yield from (bias(l, k) for k in range(fan_out))


def _at_parameters(parameters: list[Array], flat: np.ndarray) -> list[np.ndarray]:
    ends = np.cumsum([int(p.size) for p in parameters])
    return [part.reshape(p.shape) for part, p in zip(np.split(flat, ends[:-1]), parameters, strict=True)]


# ---- the rules, as in core.update_rules: eta, the gradient g, the rule's constants, its state, which update ---------

States = dict[str, Symbol]
Constants = tuple[float, ...]


def _gradient_descent(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    return Negative(multiply(eta, g))


def _momentum(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    return Sum((multiply(Number(c[0]), s["v"]), Negative(multiply(eta, g))))


def _nesterov(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    return Sum((multiply(Number(c[0]), _momentum(eta, g, c, s, t)), Negative(multiply(eta, g))))


def _running(share: float, before: Symbol, new: Expression) -> Expression:
    return Sum((multiply(Number(share), before), multiply(Sum((ONE, Negative(Number(share)))), new)))


def _rmsprop(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    rho, epsilon = c
    root = Function("sqrt", _running(rho, s["mean_square"], square(g)))
    return Negative(Quotient(multiply(eta, g), Sum((root, Number(epsilon)))))


def _adam(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    beta_1, beta_2, *epsilons = c

    def share(beta: float) -> Expression:
        return Sum((ONE, Negative(Power(Number(beta), Number(float(t))))))

    def full(beta: float, running: Expression) -> Expression:
        return Quotient(running, share(beta))

    m = full(beta_1, _running(beta_1, s["mean"], g))
    root = Function("sqrt", full(beta_2, _running(beta_2, s["mean_square"], square(g))))
    made: tuple[Expression, Expression] = (
        Number(epsilons[0]),
        Quotient(Number(epsilons[1]), Function("sqrt", share(beta_2))),
    )
    added: list[Expression] = [term for term, epsilon in zip(made, epsilons, strict=True) if epsilon]
    return Negative(multiply(eta, Quotient(m, Sum((root, *(added or [Number(0.0)]))))))


def _rprop(eta: Symbol, g: Symbol, c: Constants, s: States, t: int) -> Expression:
    return Negative(multiply(eta, Function("sign", g), s["step"]))


_EQUATIONS: dict[str, tuple[Callable[..., Expression], tuple[str, ...]]] = {
    "gradient_descent": (_gradient_descent, ()),
    "momentum": (_momentum, ("v",)),
    "nesterov": (_nesterov, ("v",)),
    "rmsprop": (_rmsprop, ("mean_square",)),
    "adam": (_adam, ("mean", "mean_square")),
    "adamw": (_adam, ("mean", "mean_square")),
    "rprop": (_rprop, ("step",)),
}
