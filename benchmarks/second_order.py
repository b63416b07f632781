"""Cost reached against time: Levenberg-Marquardt, Bayesian regularisation, L-BFGS, Adam and scipy's least_squares.

    python benchmarks/second_order.py            # needs scipy

Each method fits the same network from the same initial weights, in float64, to all rows of the noisy sine and of the
diabetes table, as chainrule encodes them. The cost is the mean of half the squared error, without any weight decay.
What Bayesian regularisation minimises is another cost, so it must stay above; it is here for its time. Matrices are
small here: where other programs keep the processor busy, OPENBLAS_NUM_THREADS=1 spares the threads waiting for each
other.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import numpy as np
from scipy.optimize import least_squares

import chainrule as cr
from chainrule.models.setup import set_up

TASKS = {"sine": (10,), "diabetes": (5,)}
METHODS = {
    "lm": {"solver": "lm"},
    "lm --bayes": {"solver": "lm", "bayes": True},
    "lbfgs": {"solver": "lbfgs"},
    "adam, batches of 32": {"update": "adam"},
    "adam, by batch": {"update": "adam", "batch_size": "all"},
}
Curve = list[tuple[float, float]]  # (seconds, cost)


def main() -> None:
    """Print a table for each task: the lowest cost reached after each time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="time for each method")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    times = arguments.seconds * 2.0 ** np.arange(-7, 1)
    for table, hidden in TASKS.items():
        setup = set_up(table, hidden=hidden, dtype="float64", validation=0, test=0, seed=arguments.seed)
        network, X, Y = setup.training().start.network, setup.X, setup.Y
        print(f"\n{table}: {len(X)} rows, network {'-'.join(map(str, network.sizes))}, {network.n_parameters} weights")
        print(f"{'cost after seconds':<24}" + "".join(f"{seconds:>10.3f}" for seconds in times))
        for name, options in METHODS.items():
            report(name, with_chainrule(network, X, Y, arguments.seconds, **options), times)
        report("scipy least_squares", with_scipy(network, X, Y, arguments.seconds), times)


def report(name: str, curve: Curve, times: np.ndarray) -> None:
    """Print the lowest cost of a curve until each time; a dash where there was none yet."""
    costs = [min((cost for at, cost in curve if at <= limit), default=None) for limit in times]
    print(f"{name:<24}" + "".join(f"{'-':>10}" if cost is None else f"{cost:>10.5f}" for cost in costs))


def with_chainrule(network: cr.Network, X: np.ndarray, Y: np.ndarray, seconds: float, **options: object) -> Curve:
    """Train and return the course of the cost.

    With Adam the cost of an epoch is measured as the epoch goes, so it lags by about half of one.
    """
    state = cr.fit(network, X, Y, epochs=10**6, time_limit=seconds, seed=0, **options)
    return [(row.seconds, row.cost) for row in state.history]


def with_scipy(network: cr.Network, X: np.ndarray, Y: np.ndarray, seconds: float) -> Curve:
    """Run scipy's Levenberg-Marquardt (MINPACK) with the exact Jacobian, both written in plain NumPy."""
    residuals, jacobian, w = plain_functions(network, X, Y)
    curve: Curve = []
    began = time.perf_counter()

    class OutOfTimeError(Exception):
        pass

    def watched(w: np.ndarray) -> np.ndarray:
        found = residuals(w)
        now = time.perf_counter() - began
        curve.append((now, 0.5 * float(found @ found) / len(X)))
        if now > seconds:
            raise OutOfTimeError
        return found

    with suppress(OutOfTimeError):
        least_squares(watched, w, jacobian, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=10**6)
    return curve


def plain_functions(
    network: cr.Network, X: np.ndarray, Y: np.ndarray
) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Return residuals(w), their Jacobian(w) and the first w, for one hidden layer of tanh and one output."""
    sizes = network.sizes
    ends = np.cumsum([n for before, units in pairwise(sizes) for n in (before * units, units)])[:-1]

    def parts(w: np.ndarray) -> list[np.ndarray]:
        W1, b1, W2, b2 = np.split(w, ends)
        return [W1.reshape(sizes[0], sizes[1]), b1, W2, b2]

    def residuals(w: np.ndarray) -> np.ndarray:
        W1, b1, W2, b2 = parts(w)
        return np.tanh(X @ W1 + b1) @ W2 + b2 - Y[:, 0]

    def jacobian(w: np.ndarray) -> np.ndarray:
        W1, b1, W2, _ = parts(w)
        A = np.tanh(X @ W1 + b1)
        delta = W2 * (1 - A * A)
        dW1 = (X[:, :, None] * delta[:, None, :]).reshape(len(X), -1)
        return np.hstack([dW1, delta, A, np.ones((len(X), 1))])

    return residuals, jacobian, np.concatenate([p.ravel() for p in network.parameters])


if __name__ == "__main__":
    main()
