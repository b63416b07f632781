"""Runs of a 2-2-1 network on XOR: each is different, since each starts from other weights.

    python examples/xor_runs.py        prints where each run ended and writes xor-runs.svg

Weights and biases start uniformly in [-1, 1], an epoch is all four rows, training is by batch (seed 004).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.show.svg import Curve, line_chart, standalone

RUNS, EPOCHS = 8, 3000
X, Y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])


def main() -> None:
    """Train all runs side by side, print and draw their costs."""
    networks = [cr.Network.dense([2, 2, 1], "logistic", init="uniform(-1,1)", seed=seed) for seed in range(RUNS)]
    states = cr.fit_many(
        networks, X, Y, update="gradient_descent", learning_rate=2.0, reduction="sum", batch_size="all", epochs=EPOCHS
    )
    print("run  cost after 300, 1000 and 3000 epochs   answers")
    for run, state in enumerate(states):
        costs = [state.history[epoch - 1].cost for epoch in (300, 1000, EPOCHS)]
        answers = cr.forward(state.network, X).output.ravel()
        written = " ".join(f"{a:.2f}" for a in answers)
        print(f"{run:>3}  {costs[0]:8.4f} {costs[1]:8.4f} {costs[2]:8.4f}          {written}")
    shown = range(0, EPOCHS, 10)
    curves = [Curve(f"run {run}", [state.history[epoch].cost for epoch in shown]) for run, state in enumerate(states)]
    picture = line_chart(
        "XOR runs", [epoch + 1 for epoch in shown], curves, x_label="epoch", y_label="sum of C", log=True
    )
    Path("xor-runs.svg").write_text(standalone(picture), encoding="utf-8")


if __name__ == "__main__":
    main()
