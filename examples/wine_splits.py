"""How well is the wine table learned? Ten random stratified splits, each with a network of 16 hidden units.

    python examples/wine_splits.py

A single split of 178 rows says little: one row of the test part is worth almost 3 %.
"""

from __future__ import annotations

import statistics

import chainrule as cr


def main(splits: int = 10) -> None:
    """Print the test accuracy of each split, and their mean and spread."""
    accuracies = [
        cr.train("wine", target="class", hidden=16, batch_size=16, seed=seed).evaluate().accuracy
        for seed in range(splits)
    ]
    print("test accuracies:", ", ".join(f"{accuracy:.3f}" for accuracy in accuracies))
    print(
        f"mean {statistics.mean(accuracies):.3f}, standard deviation {statistics.stdev(accuracies):.3f}, "
        f"from {min(accuracies):.3f} to {max(accuracies):.3f}"
    )


if __name__ == "__main__":
    main()
