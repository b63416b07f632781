"""Why a weight changed: one update of all weights as equations, with what was remembered before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.update_rules import UpdateRule, clip_by_norm, clip_by_value, global_norm
from chainrule.errors import UsageError
from chainrule.explaining.expressions import (
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Symbol,
    add,
    multiply,
    square,
)
from chainrule.explaining.quantities import BATCH_COST, Derivative, Name, Quantity, State, bias, weight
from chainrule.explaining.rule_equations import RULE_EQUATIONS
from chainrule.explaining.sums import long_sum
from chainrule.explaining.values import Values

ToSymbol = Callable[[Name], Symbol]
STATES = {"v": "velocity", "mean": "mean", "mean_square": "mean_square", "step": "steps"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Update(ABC):
    """One update of all weights.

    Attributes
    ----------
    learning_rate, weight_decay : float
        The rate; the decay of a rule that shrinks weights beside the gradient (AdamW), which is otherwise part of J.
    most : int
        How many terms of a sum are shown.
    remark : str
        What must be known about this step, said with the rule that it follows.
    """

    learning_rate: float = 1.0
    weight_decay: float = 0.0
    most: int
    remark: str = ""
    _made: dict[Values, list[np.ndarray]] = field(default_factory=dict, repr=False)

    def change(self, values: Values, parameter: Quantity) -> float:
        """What the update adds to a weight or a bias."""
        place = place_of(values, parameter)
        if place is None:
            return 0.0
        number, index = place
        return float(self.changes(values)[number][index])

    def changes(self, values: Values) -> list[np.ndarray]:
        """What the update adds to each of `Network.trainable_parameters`."""
        if values not in self._made:
            self._made[values] = self._computed(values)
        return self._made[values]

    def equation(self, values: Values, parameter: Quantity, symbol: ToSymbol) -> tuple[str, Expression]:
        """The change of a parameter as the rule computes it."""
        if place_of(values, parameter) is None:
            rule, expression = "its layer is frozen", _zero()
        else:
            rule, expression = self._equation(values, parameter, symbol)
        return f"{rule} ({self.remark})" if self.remark else rule, expression

    @abstractmethod
    def state_value(self, values: Values, name: State) -> float:
        """What was remembered of a parameter before this update."""

    def writes_out(self, name: State) -> bool:
        """Whether a state has an equation of its own, and does not just stand there."""
        return False

    def state_equation(self, values: Values, name: State, symbol: ToSymbol) -> tuple[str, Expression]:
        """A state is what earlier updates left."""
        return "left by the updates before", Number(self.state_value(values, name))

    @abstractmethod
    def _computed(self, values: Values) -> list[np.ndarray]: ...

    @abstractmethod
    def _equation(self, values: Values, parameter: Quantity, symbol: ToSymbol) -> tuple[str, Expression]: ...


@dataclass(frozen=True, eq=False)
class Earlier:
    """An update before: its number, its learning rate, and the gradients that the rule received."""

    number: int
    learning_rate: float
    gradients: list[np.ndarray]


@dataclass(frozen=True, eq=False, kw_only=True)
class RuleUpdate(Update):
    """An update by a rule, from the state that it had before.

    Attributes
    ----------
    rule : UpdateRule
    state : the rule's state, or None before the first update
    clip_norm, clip_value : float or None
        How the gradient is clipped before the rule receives it.
    earlier : tuple of Earlier
        The updates just before this one, the oldest first: the state is written as what they and `oldest` make of it.
    oldest : the rule's state before them; None where they begin with the training's first
    """

    rule: UpdateRule
    state: Any = None
    clip_norm: float | None = None
    clip_value: float | None = None
    earlier: tuple[Earlier, ...] = ()
    oldest: Any = None

    def _computed(self, values: Values) -> list[np.ndarray]:
        network = values.network
        expected = type(self.rule.init(network.trainable_parameters))
        if not isinstance(self._before(values), expected):
            raise UsageError(f"state must be a {expected.__name__}, what {self.rule.name} remembers; leave it out.")
        changes, _ = self.rule.update(self.received(values), self._before(values), self.learning_rate)
        if not self.rule.decoupled or not self.weight_decay:
            return [np.asarray(change) for change in changes]
        decayed = [M for layer in network.layers if layer.trainable
                   for M in ([layer.decayed] + ([] if layer.biases is None else [0 * layer.biases]))]  # fmt: skip
        return [
            np.asarray(change - self.learning_rate * self.weight_decay * M)
            for change, M in zip(changes, decayed, strict=True)
        ]

    @property
    def is_clipped(self) -> bool:
        """Whether the rule may receive another gradient than that of J."""
        return self.clip_norm is not None or self.clip_value is not None

    def received(self, values: Values) -> list[Array]:
        """The gradients that the rule receives: those of J, clipped."""
        gradients = gradients_of(values)
        if self.clip_value is not None:
            gradients = clip_by_value(gradients, self.clip_value)
        return gradients if self.clip_norm is None else clip_by_norm(gradients, self.clip_norm)

    def _before(self, values: Values) -> Any:
        return self.rule.init(values.network.trainable_parameters) if self.state is None else self.state

    def state_value(self, values: Values, name: State) -> float:
        place = place_of(values, name.parameter)
        if place is None:
            return 0.0
        number, index = place
        if name.kind == "gradient":
            received = self.received(values)
            if name.step is not None:
                received = next(one.gradients for one in self.earlier if one.number == name.step)
            return float(received[number][index])
        if name.kind == "step":  # the step of this update, which has grown or shrunk already
            _, after = self.rule.update(self.received(values), self._before(values), self.learning_rate)
            return float(after.steps[number][index])
        state = self._before(values) if name.step is None else self.oldest
        before = getattr(state, STATES[name.kind], None)
        if before is None:
            raise UsageError(f"state is not what {self.rule.name} remembers; leave it out.")
        return float(before[number][index])

    def writes_out(self, name: State) -> bool:
        return name.step is None and (name.kind == "gradient" or (bool(self.earlier) and name.kind != "step"))

    def state_equation(self, values: Values, name: State, symbol: ToSymbol) -> tuple[str, Expression]:
        if name.kind == "gradient" and name.step is None:
            return self._clipped(values, name.parameter, symbol)
        if name.step is not None:
            what = "the gradient of that step" if name.kind == "gradient" else "left by the updates before that step"
            return what, Number(self.state_value(values, name))
        if not self.earlier or name.kind == "step":
            return super().state_equation(values, name, symbol)
        return self._unrolled(values, name, symbol)

    def _clipped(self, values: Values, parameter: Quantity, symbol: ToSymbol) -> tuple[str, Expression]:
        """The gradient as the rule receives it."""
        slope = symbol(Derivative(BATCH_COST, parameter))
        g: Expression = slope
        raw, rule = gradients_of(values), []
        if self.clip_value is not None:
            if slope.value is not None and abs(slope.value) > self.clip_value:
                g = Number(float(np.copysign(self.clip_value, slope.value)))
                rule.append(f"cut to {self.clip_value:g}")
            raw = clip_by_value(raw, self.clip_value)
        if self.clip_norm is not None and (norm := global_norm(raw)) > self.clip_norm:
            g = Product((g, Quotient(Number(self.clip_norm), Number(norm))))
            rule.append(f"all gradients scaled down together, from the norm {norm:.5g} to {self.clip_norm:g}")
        return "clipped: " + ", then ".join(rule), g

    def _unrolled(self, values: Values, name: State, symbol: ToSymbol) -> tuple[str, Expression]:
        """A running mean, or a velocity, as what each earlier gradient left in it."""
        assert self.rule.constants is not None
        kind, n = name.kind, len(self.earlier)
        share = self.rule.constants[1 if kind == "mean_square" and self.rule.name.startswith("adam") else 0]
        rates = np.array([one.learning_rate for one in self.earlier])
        fronts = -rates if kind == "v" else np.full(n, 1 - share)
        if kind == "mean" and not self.rule.name.startswith("adam"):
            fronts *= rates / self.learning_rate  # a velocity, by the rate of now
        fronts = fronts * np.float_power(share, np.arange(n - 1, -1, -1))
        gradients = [symbol(State("gradient", name.parameter, step=one.number)) for one in self.earlier]
        power = 2 if kind == "mean_square" else 1
        left = fronts * np.array([g.value or 0.0 for g in gradients]) ** power

        def term(i: int) -> Expression:
            front, g = float(fronts[i]), gradients[i]
            product = multiply(Number(abs(front)), square(g) if power == 2 else g)
            return Negative(product) if front < 0 else product

        further: list[Expression] = []
        if self.oldest is not None:
            first = symbol(State(kind, name.parameter, step=self.earlier[0].number))
            further = [multiply(Power(Number(share), Number(float(n))), first)]
        back = f"{n} updates before" if n > 1 else "update before"
        return f"what the gradients of the {back} left in it", long_sum(left, term, self.most, *further)

    def _equation(self, values: Values, parameter: Quantity, symbol: ToSymbol) -> tuple[str, Expression]:
        constants = self.rule.constants
        head = self.rule.name.partition("(")[0]
        if constants is None or head not in RULE_EQUATIONS:
            return f"update rule {self.rule.name}", Number(self.change(values, parameter))
        g = symbol(Derivative(BATCH_COST, parameter))
        received = symbol(State("gradient", parameter))
        g, eta = received if received.value != g.value else g, symbol(Quantity("eta"))
        if head == "rprop" and g.value and not self.change(values, parameter):
            return "update rule rprop: the sign of the derivative has turned, so it rests once", _zero()
        make, needed = RULE_EQUATIONS[head]
        updates = getattr(self._before(values), "updates", 0)
        states = {kind: symbol(State(kind, parameter)) for kind in needed}
        expression = make(eta, g, constants, states, updates + 1)
        if self.rule.decoupled and self.weight_decay and parameter.kind == "W":
            decay = Negative(multiply(eta, symbol(Quantity("lambda")), symbol(parameter)))
            expression = add(expression, decay)
        return f"update rule {self.rule.name}", expression


def gradients_of(values: Values) -> list[Array]:
    """dJ/dW and dJ/db of the layers that learn."""
    grads = values.batch
    found = []
    for l, layer in enumerate(values.network.layers, start=1):
        if layer.trainable:
            found += [g for g in (grads.weights[l], grads.biases[l]) if g is not None]
    return found


def place_of(values: Values, parameter: Quantity) -> tuple[int, tuple[int, ...]] | None:
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


def trainable_names(values: Values) -> Iterator[Quantity]:
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


def at_parameters(parameters: list[Array], flat: np.ndarray) -> list[np.ndarray]:
    """A vector of all trainable parameters as arrays of their shapes."""
    ends = np.cumsum([int(p.size) for p in parameters])
    return [part.reshape(p.shape) for part, p in zip(np.split(flat, ends[:-1]), parameters, strict=True)]


def _zero() -> Expression:
    return Number(0.0)
