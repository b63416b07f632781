"""The targets of a regression in multiples of their own deviation: what preprocess=True trains on, and the way back.

A network with identity outputs that fits (y - center) / scale fits y once the weights of its last layer are multiplied
by the scale, and its biases moved by the center as well. So all that a person sees is in the targets' units: weights,
predictions, scores and losses; what is trained on never leaves the solvers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.core.network import Network
from chainrule.engines.outputs import outputs
from chainrule.errors import DataError
from chainrule.models.estimators.problem import Problem, Solved
from chainrule.training.loop import Callback
from chainrule.training.state import History, TrainingState

# Losses with loss(s a, s y) = s^degree loss(a, y); the width of huber is one in multiples of the scale.
DEGREES = {
    "half_squared_error": 2, "sum_of_squares": 2, "mean_of_squares": 2, "huber": 2, "absolute_error": 1, "quantile": 1,
}  # fmt: skip
COST, VALIDATION_COST = 1, 2  # columns of a history


@dataclass(frozen=True, eq=False)
class TargetUnits:
    """How targets are scaled.

    Attributes
    ----------
    centers, scales : arrays (outputs,)
    degree : int
        Of the loss.
    """

    centers: np.ndarray
    scales: np.ndarray
    degree: int

    @property
    def factors(self) -> np.ndarray:
        """What a cost of 1 of each scaled target is in the target's unit, (outputs,)."""
        with np.errstate(over="ignore", under="ignore"):
            costs: np.ndarray = self.scales**self.degree
        return costs

    @property
    def factor(self) -> float | None:
        """The one factor of all targets, if there is one."""
        factors = self.factors
        return float(factors[0]) if bool((factors == factors[0]).all()) else None

    def scaled(self, Y: np.ndarray) -> np.ndarray:
        """Return targets (N, outputs) without their units."""
        values: np.ndarray = ((Y - self.centers) / self.scales).astype(Y.dtype, copy=False)
        return values

    def fold(self, network: Network) -> Network:
        """Return the network whose outputs have the targets' units."""
        W, b = network.layers[-1].weights, network.layers[-1].biases
        return self._with_last(network, W * self.scales, b * self.scales + self.centers)

    def unfold(self, network: Network) -> Network:
        """Return the network whose outputs are those of the scaled targets."""
        W, b = network.layers[-1].weights, network.layers[-1].biases
        return self._with_last(network, W / self.scales, (b - self.centers) / self.scales)

    def _with_last(self, network: Network, W: np.ndarray, b: np.ndarray) -> Network:
        dtype = network.layers[-1].weights.dtype
        last = replace(network.layers[-1], weights=W.astype(dtype, copy=False), biases=b.astype(dtype, copy=False))
        return Network((*network.layers[:-1], last))


def units_of(Y: np.ndarray, loss: str, weight: np.ndarray | None) -> TargetUnits | None:
    """Find the mean and the deviation of each target; None for a loss that is not of this kind, such as your own.

    Parameters
    ----------
    Y : array (N, outputs)
    loss : str
        Its name; empty for your own.
    weight : array (N,) or None
        How much each row counts.

    Raises
    ------
    DataError
        If a deviation is beyond every number.
    """
    degree = DEGREES.get(loss.partition("(")[0])
    if degree is None:
        return None
    rows = Y if weight is None else Y[weight > 0]
    with np.errstate(over="ignore", invalid="ignore"):
        s = None if weight is None else weight[weight > 0].astype(np.float64)
        centers, scales = centers_and_deviations(rows, s)
        costs = scales**degree * len(rows)
    if not (np.isfinite(centers).all() and np.isfinite(costs).all()):
        raise DataError(f"y has values up to {np.abs(rows).max():g}, too large to be scaled. Change its unit.")
    # A target that is the same in every row keeps its unit; rounding may have made a deviation of it.
    scales = np.where(np.ptp(rows, axis=0) > 0, scales, 1.0)
    scales = np.where(scales > 0, scales, 1.0)
    return TargetUnits(centers, scales, degree)


def centers_and_deviations(Y: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the deviation of each column of Y, whatever their size.

    >>> [f"{part[0]:.4g}" for part in centers_and_deviations(np.array([[1e-300], [3e-300]]), None)]
    ['2e-300', '1e-300']
    """
    Y = Y.astype(np.float64)
    centers = np.average(Y, axis=0, weights=weight)
    # A power of two is taken out, which costs no digit: no square then leaves the range of numbers.
    unit = np.ldexp(1.0, np.frexp(np.abs(Y - centers).max(axis=0))[1] - 1)
    return centers, unit * np.sqrt(np.average(((Y - centers) / unit) ** 2, axis=0, weights=weight))


class InUnits:
    """What is seen of a training on scaled targets, in the targets' units.

    One factor leads from a cost to the same in the target's unit. Where targets have different factors none does: the
    rows are then measured after each epoch.

    Parameters
    ----------
    units : TargetUnits
    problem : Problem
        With the targets in their units.
    decay : float
        Of J = mean of C + decay / 2 sum w^2, on scaled targets.
    """

    def __init__(self, units: TargetUnits, problem: Problem, decay: float) -> None:
        self.units, self.problem, self.decay = units, problem, decay
        self.history = History()

    @property
    def scaled_problem(self) -> Problem:
        """The problem that is solved."""
        scaled, validation = self.units.scaled, self.problem.validation
        if validation is not None:
            validation = (validation[0], scaled(validation[1]), validation[2])
        return replace(self.problem, Y=scaled(self.problem.Y), validation=validation)

    def callbacks(self, callbacks: Sequence[Callback]) -> list[Callback]:
        """Return callbacks that are told of costs and weights in the targets' units."""
        looks: list[Callback] = [] if self.units.factor is not None else [self._look]
        return [*looks, *map(self._told, callbacks)]

    def solved(self, solved: Solved) -> Solved:
        """Return what came of the training on scaled targets in the targets' units; its memory stays as it is."""
        history = self._history(solved.history, solved.network)
        best = solved.best_network
        return solved._replace(
            network=self.units.fold(solved.network),
            history=history,
            best_network=None if best is None else self.units.fold(best),
        )

    def _told(self, callback: Callback) -> Callback:
        def told(state: TrainingState) -> bool | None:
            fold = self.units.fold
            history = self._history(state.history, state.network)
            seen = replace(state, network=fold(state.network), best_network=fold(state.best_network), history=history)
            return callback(seen)

        told.every = getattr(callback, "every", 1)  # type: ignore[attr-defined]
        return told

    def _look(self, state: TrainingState) -> None:
        self._history(state.history, state.network)

    def _history(self, history: History, network: Network) -> History:
        """The history so far; a training only ever adds to it."""
        new = history.table[len(self.history) :].copy()
        if len(new):
            if self.units.factor is not None:
                with np.errstate(over="ignore", under="ignore"):
                    new[:, [COST, VALIDATION_COST]] *= self.units.factor
            else:
                new[:, COST] = self._cost(network, self.problem.X, self.problem.Y, self.problem.sample_weight)
                new[:, COST] += self.decay / 2 * self.units.factors.mean() * _squares(network)
                if self.problem.validation is not None:
                    new[:, VALIDATION_COST] = self._cost(network, *self.problem.validation)
            self.history = self.history.then(new)
        return self.history

    def _cost(self, network: Network, X: np.ndarray, Y: np.ndarray, weight: np.ndarray | None) -> float:
        """The mean over the rows of the loss, each target in its own unit."""
        loss, T = self.problem.loss, self.units.scaled(Y)
        with np.errstate(all="ignore"):
            A = outputs(network, X)
            each = [np.average(loss.value(A[:, [k]], T[:, [k]]), weights=weight) for k in range(T.shape[1])]
            total = float(np.dot(self.units.factors, each))
        return total / T.shape[1] if loss.name == "mean_of_squares" else total


def _squares(network: Network) -> float:
    return sum(float(np.sum(np.square(layer.weights))) for layer in network.layers)


def same_weights(one: Network, other: Network) -> bool:
    """Whether two networks have the same bits."""
    pairs = zip(one.parameters, other.parameters, strict=False)
    return one.sizes == other.sizes and all(np.array_equal(a, b) for a, b in pairs)
