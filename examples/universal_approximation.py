"""The universal approximation theorem, seen: the largest error of one hidden layer against its number of units.

    python examples/universal_approximation.py                 prints the table and writes approximation.svg
    python examples/universal_approximation.py --most 8        fewer units, for a hurry

The function is sin(2 pi x) + x / 2 on [0, 1]. F(x) = sum of alpha_i sigma(w_i x + b_i) has logistic units and a linear
output without a bias, as in the theorem (seed 002; Cybenko 1989, Hornik 1991). Weights are found by Levenberg-Marquardt
on 101 points, from eight random starts; the error is the largest over 1,001 points.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.show.svg import Curve, line_chart, standalone

UNITS = (1, 2, 3, 4, 6, 8, 12, 16)
STARTS = 8


def function(x: np.ndarray) -> np.ndarray:
    """The continuous function to approximate."""
    return np.sin(2 * np.pi * x) + x / 2


def theorem_network(units: int, seed: int) -> cr.Network:
    """Sigmas with biases, a linear output without one; weights that spread the sigmas over the interval."""
    rng = np.random.default_rng(seed)
    slopes = rng.uniform(5, 15, units) * rng.choice([-1, 1], units)
    centres = rng.uniform(0, 1, units)
    net = cr.Network.dense(
        [1, units, 1],
        ["logistic", "identity"],
        weights=[slopes[None, :], rng.uniform(-1, 1, (units, 1))],
        biases=[-slopes * centres, np.zeros(1)],
    )
    return cr.Network((net.layers[0], replace(net.layers[1], biases=None)))


def largest_error(network: cr.Network) -> float:
    """The largest distance from the function over 1,001 points."""
    x = np.linspace(0, 1, 1001)[:, None]
    return float(np.abs(cr.forward(network, x).output - function(x)).max())


def best_of_starts(units: int) -> float:
    """Train from several starts and return the smallest of their largest errors."""
    x = np.linspace(0, 1, 101)[:, None]
    trained = [
        cr.fit(theorem_network(units, seed), x, function(x), solver="lm", epochs=300).network for seed in range(STARTS)
    ]
    return min(map(largest_error, trained))


def main() -> None:
    """Print a line for each number of units, and draw them."""
    parser = argparse.ArgumentParser(description="One hidden layer comes as close as one likes to a function.")
    parser.add_argument("--most", type=int, default=UNITS[-1], help="units at most")
    most = parser.parse_args().most
    print("units  largest error")
    errors = []
    for units in (n for n in UNITS if n <= most):
        errors.append(best_of_starts(units))
        print(f"{units:>5}  {errors[-1]:.2g}")
    picture = line_chart(
        "The largest error against the number of units", [n for n in UNITS if n <= most],
        [Curve("largest error", errors)], x_label="units", y_label="largest error", log=True,
    )  # fmt: skip
    Path("approximation.svg").write_text(standalone(picture), encoding="utf-8")


if __name__ == "__main__":
    main()
