"""A gradient written by hand, a mistake in it, and how the check finds where it is.

    python examples/homework_check.py

The network is that of seed 003 ("Backpropagation Guided Notes") with three examples: two inputs, three logistic hidden
units, one logistic output, no biases, J = sum of 1/2 (y - yhat)^2. The first version forgets f'(z2), the link through
the hidden units. The report says that every entry of W1 is wrong and every entry of W2 right: so the error lies
between the two layers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import chainrule as cr

X = np.array([[0.3, 1.0], [0.5, 0.2], [1.0, 0.4]])
Y = np.array([[0.75], [0.82], [0.93]])
START = {
    "W1": np.array([[0.5, -0.3, 0.8], [-0.6, 0.9, 0.1]]),
    "W2": np.array([[0.7], [-0.4], [0.2]]),
}
Weights = dict[str, np.ndarray]


def logistic(z: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-z)."""
    return 1 / (1 + np.exp(-z))


def first_try(weights: Weights) -> tuple[float, Weights]:
    """J and its gradients, with a mistake."""
    a2 = logistic(X @ weights["W1"])
    yhat = logistic(a2 @ weights["W2"])
    J = 0.5 * np.sum((Y - yhat) ** 2)
    delta3 = -(Y - yhat) * yhat * (1 - yhat)
    delta2 = delta3 @ weights["W2"].T  # f'(z2) is missing
    return float(J), {"W1": X.T @ delta2, "W2": a2.T @ delta3}


def second_try(weights: Weights) -> tuple[float, Weights]:
    """J and its gradients, corrected."""
    a2 = logistic(X @ weights["W1"])
    yhat = logistic(a2 @ weights["W2"])
    J = 0.5 * np.sum((Y - yhat) ** 2)
    delta3 = -(Y - yhat) * yhat * (1 - yhat)
    delta2 = delta3 @ weights["W2"].T * a2 * (1 - a2)
    return float(J), {"W1": X.T @ delta2, "W2": a2.T @ delta3}


def verdict(function: Callable[[Weights], tuple[float, Weights]]) -> None:
    """Print what the check says of each array."""
    report = cr.check_gradient_function(function, START)
    print(report)
    for name, array in START.items():
        wrong = [entry for entry in report.wrong if entry.name.startswith(name)]
        print(f"{name}: {len(wrong)} of {array.size} entries wrong")


def main() -> None:
    """Check both versions."""
    print("first try")
    verdict(first_try)
    print("\nsecond try")
    verdict(second_try)


if __name__ == "__main__":
    main()
