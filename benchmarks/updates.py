"""How long does one update take? Networks of growing size on the reference engine, in microseconds.

Medians of repeats; logistic units, half squared error, gradient descent, float32.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from chainrule.core.network import Network
from chainrule.training.plan import TrainingPlan
from chainrule.training.prepare import prepare

CASES = (((2, 2, 1), 4), ((13, 16, 3), 16), ((64, 64, 10), 32), ((784, 128, 10), 64), ((28, 300, 300, 1), 256))


def main(repeats: int = 7) -> None:
    """Print a table of medians."""
    print(f"{'network':<16} {'batch':>5} {'microseconds per update':>25}")
    for sizes, batch in CASES:
        print(f"{'-'.join(map(str, sizes)):<16} {batch:>5} {measure(sizes, batch, repeats):>25.1f}")


def measure(sizes: tuple[int, ...], batch: int, repeats: int) -> float:
    """Return the median time of an update in microseconds."""
    rng = np.random.default_rng(0)
    updates = 50
    X, Y = rng.standard_normal((batch * updates, sizes[0])), rng.random((batch * updates, sizes[-1]))
    plan = TrainingPlan(hidden=sizes[1:-1], update="gradient_descent", batch_size=batch, shuffle=False)
    training = prepare(plan, Network.dense(sizes, seed=0, dtype="float32"), X, Y)
    rates = np.full((1, updates), 0.1)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        training.engine.run(training.work, training.start.network, training.start.rule_state, rng, rates)
        times.append((time.perf_counter() - start) / updates * 1e6)
    return statistics.median(times)


if __name__ == "__main__":
    main()
