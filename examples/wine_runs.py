"""Runs of a 13-5-3 network of logistic units on the wine table: error curves and test accuracies.

    python examples/wine_runs.py       prints a line a run and writes wine-runs.svg

As in seed 004: inputs scaled to one range, one output node a class with targets 0.1 and 0.9, small initial weights,
half squared errors, plain gradient descent by batch.
"""

from __future__ import annotations

from pathlib import Path

import chainrule as cr
from chainrule.show.svg import Curve, line_chart, standalone

RUNS, EPOCHS = 5, 1000


def main() -> None:
    """Train, print and draw."""
    models = [
        cr.train(
            "wine", target="class", hidden=5, activation="logistic", output_activation="logistic",
            loss="half_squared_error", update="gradient_descent", learning_rate=2.0, batch_size="all",
            init="uniform(-0.1,0.1)", scale="unit", soft_targets=True, epochs=EPOCHS, dtype="float64", seed=seed,
        )
        for seed in range(RUNS)
    ]  # fmt: skip
    print("run  cost after 100 and 1000 epochs  right on the test rows")
    for run, model in enumerate(models):
        costs = [model.history[epoch - 1].cost for epoch in (100, len(model.history))]
        print(f"{run:>3}  {costs[0]:8.4f} {costs[1]:8.4f}               {model.test.accuracy:.3f}")
    length = min(len(model.history) for model in models)
    shown = range(0, length, 5)
    curves = [Curve(f"run {run}", [model.history[epoch].cost for epoch in shown]) for run, model in enumerate(models)]
    picture = line_chart(
        "Wine runs", [epoch + 1 for epoch in shown], curves, x_label="epoch", y_label="mean of C", log=True
    )
    Path("wine-runs.svg").write_text(standalone(picture), encoding="utf-8")


if __name__ == "__main__":
    main()
