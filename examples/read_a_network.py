"""Every number of one forward and one backward pass, on the example of seed 003 ("Backpropagation Guided Notes").

    python examples/read_a_network.py

Two inputs, three logistic hidden units, one logistic output, no biases, all weights 1; one example x = (0.3, 1.0) with
the target 0.75. Layers are counted from 0, the inputs, so that the document's z(2), a(2), W(1) are z[1], a[1], W[1].
"""

from __future__ import annotations

import numpy as np

import chainrule as cr


def show(name: str, values: np.ndarray | None) -> None:
    """Print an array under its name, row by row."""
    if values is not None:
        rows = ["  ".join(f"{value:9.6f}" for value in row) for row in np.atleast_2d(values)]
        print(f"{name:<9} {rows[0]}")
        print("".join(f"{'':<9} {row}\n" for row in rows[1:]), end="")


def main() -> None:
    """Run both passes and print what they computed."""
    network = cr.Network.dense([2, 3, 1], "logistic", bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
    record = cr.forward(network, [[0.3, 1.0]])
    grads = cr.backward(network, record, [[0.75]], "half_squared_error", reduction="sum")

    print("forward")
    show("a[0]", record.a[0])
    for l in (1, 2):
        show(f"z[{l}]", record.z[l])
        show(f"a[{l}]", record.a[l])
    print(f"{'J':<9} {grads.cost:9.6f}")

    print("\nbackward")
    for l in (2, 1):
        show(f"dC/da[{l}]", grads.activations[l])
        show(f"delta[{l}]", grads.delta[l])
        show(f"dJ/dW[{l}]", grads.weights[l])
    show("dC/da[0]", grads.activations[0])

    report = cr.check_gradients(network, [[0.3, 1.0]], [[0.75]], reduction="sum")
    print(f"\nall {len(report.entries)} derivatives agree with central differences: {report.passed}")


if __name__ == "__main__":
    main()
