"""The float64 reference that every peer is checked against: plain NumPy, independent of chainrule."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.cases import BETA_1, BETA_2, CHECKED_UPDATES, EPSILON, Case, Parameters

LARGEST_GRADIENT_ERROR = 2e-3  # of the norm of the first change of each array, beyond float32's rounding of the weights
LARGEST_COST_ERROR = 2e-3  # of the fall of the cost over the checked updates
SMALLEST_COUNTED = 1e-3  # of an array's largest gradient; below, float32 does not settle the sign that Adam goes by


class Exact(NamedTuple):
    """Where a case must get: each array in turn (W, b, W, b, ...), and the cost over all its examples."""

    initial: list[np.ndarray]
    gradient: list[np.ndarray]
    after_one: list[np.ndarray]
    cost_before: float
    cost_after: float

    def save(self, path: Path) -> None:
        """Write an .npz file."""
        arrays = {
            f"{name}_{i}": array
            for name, values in zip(self._fields[:3], self[:3], strict=True)
            for i, array in enumerate(values)
        }
        np.savez(path, costs=np.array(self[3:]), **arrays)

    @staticmethod
    def load(path: Path) -> Exact:
        """Read what `save` wrote."""
        with np.load(path) as file:
            n = (len(file.files) - 1) // 3
            lists = [[file[f"{name}_{i}"] for i in range(n)] for name in Exact._fields[:3]]
            return Exact(*lists, *map(float, file["costs"]))


class Check(NamedTuple):
    """How far a peer's first change and its cost after 100 updates are from the reference, relatively."""

    gradient_error: float
    cost_error: float

    @property
    def passed(self) -> bool:
        """Whether the peer does the same work; a NaN does not pass."""
        return self.gradient_error <= LARGEST_GRADIENT_ERROR and self.cost_error <= LARGEST_COST_ERROR


def solve(case: Case) -> Exact:
    """Train 100 updates in float64."""
    X, Y = (M.astype(np.float64) for M in case.data())
    initial = [p.astype(np.float64) for pair in case.initial() for p in pair]
    parameters, moments = initial, [(0.0, 0.0)] * len(initial)
    first_gradient: list[np.ndarray] = []
    after_one: list[np.ndarray] = []
    for t in range(1, CHECKED_UPDATES + 1):
        start = (t - 1) % case.updates * case.batch
        gradients = _gradients(parameters, X[start : start + case.batch], Y[start : start + case.batch], case.output)
        if case.rule == "adam":
            moments = [
                (BETA_1 * m + (1 - BETA_1) * g, BETA_2 * s + (1 - BETA_2) * g * g)
                for (m, s), g in zip(moments, gradients, strict=True)
            ]
            changes = [(m / (1 - BETA_1**t)) / (np.sqrt(s / (1 - BETA_2**t)) + EPSILON) for m, s in moments]
        else:
            changes = gradients
        parameters = [p - case.learning_rate * dp for p, dp in zip(parameters, changes, strict=True)]
        if t == 1:
            first_gradient, after_one = gradients, parameters
    return Exact(
        initial, first_gradient, after_one, _cost(initial, X, Y, case.output), _cost(parameters, X, Y, case.output)
    )


def check(case: Case, exact: Exact, after_one: Parameters, after_all: Parameters) -> Check:
    """Compare a peer's weights after one update and after 100 with the reference's."""
    errors = []
    given = [p.astype(np.float64) for pair in after_one for p in pair]
    for before, gradient, wanted, got in zip(exact.initial, exact.gradient, exact.after_one, given, strict=True):
        counted = np.abs(gradient) >= SMALLEST_COUNTED * np.abs(gradient).max()
        change = np.linalg.norm((wanted - before)[counted])
        rounding = np.spacing(np.abs(before).astype(np.float32))
        beyond = np.maximum(np.abs(got - wanted) - rounding, 0)
        errors.append(np.linalg.norm(beyond[counted]) / change)
    X, Y = (M.astype(np.float64) for M in case.data())
    cost_after = _cost([p.astype(np.float64) for pair in after_all for p in pair], X, Y, case.output)
    fall = abs(exact.cost_before - exact.cost_after)
    return Check(float(np.max(errors)), abs(cost_after - exact.cost_after) / fall)


def _activations(parameters: list[np.ndarray], X: np.ndarray, output: str) -> list[np.ndarray]:
    A, L = [X], len(parameters) // 2
    for l in range(L):
        Z = A[-1] @ parameters[2 * l] + parameters[2 * l + 1]
        A.append(Z if output == "identity" and l == L - 1 else 1 / (1 + np.exp(-Z)))
    return A


def _cost(parameters: list[np.ndarray], X: np.ndarray, Y: np.ndarray, output: str) -> float:
    return float(0.5 * np.sum((_activations(parameters, X, output)[-1] - Y) ** 2) / len(X))


def _gradients(parameters: list[np.ndarray], X: np.ndarray, Y: np.ndarray, output: str) -> list[np.ndarray]:
    A = _activations(parameters, X, output)
    delta = (A[-1] - Y) / len(X)
    if output == "logistic":
        delta = delta * A[-1] * (1 - A[-1])
    gradients: list[np.ndarray] = []
    for l in range(len(A) - 1, 0, -1):
        gradients[:0] = [A[l - 1].T @ delta, delta.sum(axis=0)]
        if l > 1:
            delta = (delta @ parameters[2 * l - 2].T) * A[l - 1] * (1 - A[l - 1])
    return gradients
