"""Why a weight changed in a step of a solver: Levenberg-Marquardt with its mu, L-BFGS with its memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.gauss_newton import gauss_newton
from chainrule.core.network import Network
from chainrule.engines import lbfgs, levenberg_marquardt
from chainrule.errors import UsageError
from chainrule.explaining.expressions import Expression, Negative, Number, Product, Quotient, add, multiply
from chainrule.explaining.quantities import BATCH_COST, Derivative, Quantity, State
from chainrule.explaining.sums import long_sum
from chainrule.explaining.updates import ToSymbol, Update, at_parameters, gradients_of, trainable_names
from chainrule.explaining.values import Values

if TYPE_CHECKING:
    from chainrule.training.prepare import Training


@dataclass(frozen=True, eq=False, kw_only=True)
class DampedUpdate(Update):
    """A step of Levenberg-Marquardt: (G + D + mu I) step = -(g + D w), all of the mean of C.

    Attributes
    ----------
    damping : float
        mu of the step that was taken; the last one tried where none was.
    decay : float64 array (p,)
        The diagonal of D.
    prior : bool
        Whether D is a prior beside J (Bayesian regularisation) and not the weight decay in it.
    refused : sequence of float
        The mu that were tried before, and did not lower the cost.
    taken : bool
        Whether a step was taken at all.
    """

    damping: float
    decay: np.ndarray
    prior: bool
    refused: Sequence[float]
    taken: bool

    def _computed(self, values: Values) -> list[np.ndarray]:
        inverse, _, g = self._system(values)
        step = -inverse @ g if self.taken else np.zeros(len(g))
        return at_parameters(values.network.trainable_parameters, step)

    def state_value(self, values: Values, name: State) -> float:
        if name.kind != "inverse" or name.column is None:
            raise UsageError("Levenberg-Marquardt remembers nothing of a parameter; leave state out.")
        inverse, names, _ = self._system(values)
        return float(inverse[names.index(name.parameter), names.index(name.column)])

    def state_equation(self, values: Values, name: State, symbol: ToSymbol) -> tuple[str, Expression]:
        return "an entry of the inverse matrix", Number(self.state_value(values, name))

    def _equation(self, values: Values, parameter: Quantity, symbol: ToSymbol) -> tuple[str, Expression]:
        tried = ", ".join(f"{mu:g}" for mu in self.refused)
        if not self.taken:
            return f"Levenberg-Marquardt: no step lowered the cost, with mu from {tried}: converged", Number(0.0)
        inverse, names, g = self._system(values)
        row = inverse[names.index(parameter)]

        def term(v: int) -> Expression:
            other = names[v]
            slope: Expression = symbol(Derivative(BATCH_COST, other))
            if values.reduction == "sum":
                alike = values.sample_weight is None
                slope = Quotient(slope, symbol(Quantity("N")) if alike else Number(_total(values)))
            if self.prior:
                slope = add(slope, multiply(Number(float(self.decay[v])), symbol(other)))
            return multiply(symbol(State("inverse", parameter, other)), slope)

        rule = f"Levenberg-Marquardt: minus the row of (G + D + mu I)^-1, mu = {self.damping:g}, times the gradient"
        if self.prior:
            rule += " with the pull of the prior"
        if self.refused:
            rule += f"; before it mu = {tried} did not lower the cost"
        return rule, Negative(long_sum(row * g, term, self.most))

    @cached_property
    def _systems(self) -> dict[Values, tuple[np.ndarray, list[Quantity], np.ndarray]]:
        return {}

    def _system(self, values: Values) -> tuple[np.ndarray, list[Quantity], np.ndarray]:
        """(G + D + mu I)^-1, the parameters in the order of its rows, and the gradient of the mean of C with D w."""
        if values not in self._systems:
            network = values.network
            parabola = gauss_newton(network, values.X, values.Y, values.loss, sample_weight=values.sample_weight)
            D = self.decay
            matrix = np.asarray(parabola.curvature) + np.diag(D + self.damping)
            g = np.concatenate([np.ravel(part) for part in gradients_of(values)])
            g = g / _total(values) if values.reduction == "sum" else g
            if self.prior:
                g = g + D * np.concatenate([np.ravel(p) for p in network.trainable_parameters])
            self._systems[values] = np.linalg.inv(matrix), list(trainable_names(values)), g
        return self._systems[values]


def _total(values: Values) -> float:
    """The weight of all examples together, by which a sum becomes a mean."""
    return float(len(values.X) if values.sample_weight is None else np.sum(values.sample_weight))


def damped_update(training: Training, network: Network, memory: Any, most: int) -> DampedUpdate:
    """Return the step of Levenberg-Marquardt that a training takes from these weights, remembering this."""
    solver = training.engine.run
    assert isinstance(solver, partial)
    step = levenberg_marquardt.step_taken(training.work, network, memory, **solver.keywords)
    return DampedUpdate(
        damping=step.trials[-1].mu if step.trials else memory.mu,
        decay=step.decay,
        prior=solver.keywords["bayes"],
        refused=[trial.mu for trial in step.trials if not trial.lower],
        taken=bool(step.trials and step.trials[-1].lower),
        most=most,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class BentUpdate(Update):
    """A step of L-BFGS: so far along a direction that the remembered steps and changes of the gradient make of g.

    The two loops of the algorithm add up to d = -gamma g + sum_i (c_i y_i + e_i s_i), with s_i a step, y_i what it did
    to the gradient.

    Attributes
    ----------
    length : float
        How many times the direction the step is; 0 where neither direction lowered the cost.
    steps, turns : float64 arrays (k, p)
        s and y, the newest last; k = 0 goes straight downhill, at most 1 far in one length.
    """

    length: float
    steps: np.ndarray
    turns: np.ndarray

    def _computed(self, values: Values) -> list[np.ndarray]:
        g = _flat(gradients_of(values))
        gamma, of_turns, of_steps = self._coefficients(g)
        d = -gamma * g + of_turns @ self.turns + of_steps @ self.steps
        return at_parameters(values.network.trainable_parameters, self.length * d)

    def state_value(self, values: Values, name: State) -> float:
        rows = {"moved": self.steps, "turned": self.turns}[name.kind]
        assert name.step is not None
        return float(rows[len(rows) - name.step, list(trainable_names(values)).index(name.parameter)])

    def state_equation(self, values: Values, name: State, symbol: ToSymbol) -> tuple[str, Expression]:
        what = "the weight's step" if name.kind == "moved" else "how that step changed the weight's gradient"
        return f"remembered: {what}, {name.step} back", Number(self.state_value(values, name))

    def _equation(self, values: Values, parameter: Quantity, symbol: ToSymbol) -> tuple[str, Expression]:
        if not self.length:
            return "L-BFGS: no step lowered the cost, neither along its direction nor downhill: converged", Number(0.0)
        g = _flat(gradients_of(values))
        gamma, of_turns, of_steps = self._coefficients(g)
        k = len(self.steps)
        terms: list[tuple[float, State | Derivative]] = [(-gamma, Derivative(BATCH_COST, parameter))]
        for back in range(1, k + 1):
            terms.append((float(of_turns[k - back]), State("turned", parameter, step=back)))
            terms.append((float(of_steps[k - back]), State("moved", parameter, step=back)))
        worth = np.array([front * (symbol(name).value or 0.0) for front, name in terms])

        def term(i: int) -> Expression:
            front, name = terms[i]
            product = multiply(Number(abs(front)), symbol(name))
            return Negative(product) if front < 0 else product

        inner = long_sum(worth, term, self.most)
        way = "straight downhill" if not k else f"bent by the {k} step{'s' * (k > 1)} that it remembers"
        rule = f"L-BFGS: {self.length:.5g} times its direction, {way}; the line search chose how far"
        return rule, Product((Number(self.length), inner))

    def _coefficients(self, g: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return gamma, and what each y and each s counts (algorithm 7.4 of Nocedal and Wright, 2006)."""
        S, Y = self.steps, self.turns
        if not len(S):
            return 1 / max(1.0, float(np.linalg.norm(g))), np.zeros(0), np.zeros(0)
        rho = 1 / np.sum(S * Y, axis=1)
        q, share, back = g.copy(), np.empty(len(S)), np.empty(len(S))
        for i in reversed(range(len(S))):
            share[i] = rho[i] * (S[i] @ q)
            q -= share[i] * Y[i]
        gamma = float((S[-1] @ Y[-1]) / (Y[-1] @ Y[-1]))
        q *= gamma
        for i in range(len(S)):
            back[i] = rho[i] * (Y[i] @ q)
            q += (share[i] - back[i]) * S[i]
        return gamma, gamma * share, back - share


def bent_update(training: Training, network: Network, memory: Any, most: int) -> BentUpdate:
    """Return the step of L-BFGS that a training takes from these weights, remembering this."""
    step = lbfgs.step_taken(training.work, network, memory)
    steps, turns = (rows[len(rows) - step.pairs :] for rows in (memory.steps[0], memory.changes[0]))
    return BentUpdate(length=step.length, steps=steps, turns=turns, most=most)


def _flat(gradients: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in gradients])
