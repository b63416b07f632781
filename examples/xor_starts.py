"""How often does a 2-2-1 network of logistic units learn XOR? From many random starts, by batch and incrementally.

    python examples/xor_starts.py                 100 starts, about a minute
    python examples/xor_starts.py --starts 10

All weights and biases start uniformly in [-1, 1], as in seed 004 (K. L. Downing, NTNU 2023); the cost is the half
squared error, the rule plain gradient descent. Training by batch adds up the changes of the four examples and makes
one update an epoch; incremental training makes four, in a new random order every epoch, with half the learning rate.
A start counts as learned when the mean cost has fallen to 0.01 and all four answers are right.
"""

from __future__ import annotations

import argparse
from statistics import median

import chainrule as cr

EPOCHS = 3000
LEARNED = 0.01  # mean half squared error of the four examples
WAYS = {
    "batch": {"batch_size": "all", "reduction": "sum", "learning_rate": 2.0, "target_cost": 4 * LEARNED},
    "incremental": {"batch_size": 1, "reduction": "mean", "learning_rate": 1.0, "target_cost": LEARNED},
}


def train_once(way: str, start: int) -> cr.Model:
    """Train from the start-th random weights."""
    return cr.train(
        "xor",
        hidden=2,
        activation="logistic",
        loss="half_squared_error",
        update="gradient_descent",
        init="uniform(-1,1)",
        epochs=EPOCHS,
        dtype="float64",
        seed=start,
        **WAYS[way],
    )


def learned(model: cr.Model) -> bool:
    """Whether the cost fell far enough, with every answer right."""
    return model.provenance.stopped == "target cost reached" and model.predict("xor").tolist() == [0, 1, 1, 0]


def main() -> None:
    """Print one line for each way of training."""
    parser = argparse.ArgumentParser(description="How often does a 2-2-1 network learn XOR?")
    parser.add_argument("--starts", type=int, default=100)
    starts = parser.parse_args().starts

    print(f"2-2-1 networks on XOR, {starts} random starts, at most {EPOCHS} epochs")
    print(f"{'training':<12} {'eta':>4}  {'learned':>10}  {'epochs needed (fewest, median, most)'}")
    for way, options in WAYS.items():
        models = [train_once(way, start) for start in range(starts)]
        epochs = sorted(len(model.history) for model in models if learned(model))
        needed = f"{epochs[0]}, {median(epochs):.0f}, {epochs[-1]}" if epochs else "-"
        print(f"{way:<12} {options['learning_rate']:>4}  {len(epochs):>3} of {starts:>3}  {needed}")


if __name__ == "__main__":
    main()
