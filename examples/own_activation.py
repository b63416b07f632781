"""An activation of your own: its value, its pullback, the check, a training, a saved model.

    python examples/own_activation.py

The softsign, a = z / (1 + |z|), has the derivative 1 / (1 + |z|)^2. Once its pullback has passed the gradient check it
can stand wherever a built-in activation can.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import chainrule as cr


def softsign_value(Z: np.ndarray) -> np.ndarray:
    """Z of shape (N, n) to A of the same shape."""
    return Z / (1 + np.abs(Z))


def softsign_pullback(Z: np.ndarray, A: np.ndarray, dC_dA: np.ndarray) -> np.ndarray:
    """One link of the chain rule: dC/dA to dC/dZ."""
    return dC_dA / (1 + np.abs(Z)) ** 2


softsign = cr.Activation("softsign", softsign_value, softsign_pullback, range=(-1, 1))


def main() -> None:
    """Check it, train with it, save and load."""
    network = cr.Network.dense([4, 5, 3], activation=[softsign, "identity"], seed=0)
    generator = np.random.default_rng(1)
    report = cr.check_gradients(network, generator.normal(size=(10, 4)), generator.normal(size=(10, 3)))
    print(f"{len(report.entries)} derivatives checked, {len(report.wrong)} wrong")

    model = cr.train("iris", hidden=8, activation=softsign, epochs=100, seed=0)
    print(f"iris with softsign units: test accuracy {model.evaluate().accuracy:.3f}")

    with tempfile.TemporaryDirectory() as folder:
        path = model.save(Path(folder) / "iris.safetensors")
        again = cr.load(path, activations=[softsign])  # a file holds the activation's name, not its code
    same = np.array_equal(again.predict("iris"), model.predict("iris"))
    print(f"the loaded model predicts the same: {same}")


if __name__ == "__main__":
    main()
