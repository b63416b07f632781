"""The cerebellum as a network: granule cells that never learn, and Purkinje cells that learn from climbing fibres.

    python examples/cerebellum.py

Seed 004: granule cells detect contexts, parallel fibres and Purkinje cells map contexts to actions, and climbing fibres
from the inferior olive bring the error that changes the parallel-Purkinje synapses. Here

    mossy fibres        the context: where an arm is, and where it should go (4 numbers)
    granule cells       a fixed layer; each hears 4 mossy fibres at random and fires only above a threshold
    parallel fibres     what they send on, sparse
    Purkinje cells      linear units, 2 of them: the command to each of two joints
    climbing fibres     target - output; each changes only the synapses of its own Purkinje cell, by the delta rule

No error goes back into the granule layer: it is frozen, which is all that tells this network from one with
backpropagation. The more granule cells, the better the contexts can be told apart.
"""

from __future__ import annotations

import numpy as np

import chainrule as cr

INPUTS, PURKINJE, HEARD = 4, 2, 4


def cerebellum(granule_cells: int, seed: int = 0) -> cr.Network:
    """Build the network: sparse fixed granule cells, plastic Purkinje cells."""
    rng = np.random.default_rng(seed)
    heard = np.zeros((INPUTS, granule_cells))
    for cell in range(granule_cells):
        heard[rng.integers(0, INPUTS, HEARD), cell] = rng.normal(0, 1.5, HEARD)
    thresholds = -np.abs(rng.normal(0.8, 0.4, granule_cells))
    return cr.Network.dense(
        [INPUTS, granule_cells, PURKINJE],
        ["relu", "identity"],
        weights=[heard, np.zeros((granule_cells, PURKINJE))],
        biases=[thresholds, np.zeros(PURKINJE)],
        trainable=[False, True],
    )


def movements(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Contexts and the commands that a teacher would give: smooth, but no linear function of the context."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, INPUTS))
    place, goal = X[:, :2], X[:, 2:]
    Y = np.column_stack([np.sin(2 * (goal[:, 0] - place[:, 0])), (goal[:, 1] - place[:, 1]) * np.cos(place[:, 0])])
    return X, Y


def main() -> None:
    """Train cerebella of several sizes by the delta rule; print how far off their commands are."""
    X, Y = movements(400, seed=1)
    X_new, Y_new = movements(200, seed=2)
    print("granule cells  active  error before  error after, on new movements")
    for cells in (10, 50, 250, 1000):
        net = cerebellum(cells)
        record = cr.forward(net, X)
        rate = 0.5 / float(np.mean(np.sum(record.a[1] ** 2, axis=1)))
        state = cr.fit(
            net,
            X,
            Y,
            loss="half_squared_error",
            update="gradient_descent",
            learning_rate=rate,
            batch_size=1,
            epochs=100,
        )
        off = [np.abs(cr.forward(n, X_new).output - Y_new).mean() for n in (net, state.network)]
        active = float(np.mean(record.a[1] > 0))
        print(f"{cells:>13}  {active:5.0%}  {off[0]:12.3f}  {off[1]:11.3f}")
        if cells == 250:
            trained = state.network
    same = np.array_equal(trained.weights[1], cerebellum(250).weights[1])
    print(f"granule cells unchanged: {same}")
    why = cr.explain(
        trained, X_new[:1], Y_new[:1], notation="delta-rule", update="gradient_descent", learning_rate=0.01
    )
    climbing = float(Y_new[0, 0] - why["a[2][1]"].value)
    fibre = int(np.argmax(why["a[1]"].value)) + 1
    change = why[f"change W[2][1,{fibre}]"]
    by_hand = 0.01 * climbing * why[f"a[1][{fibre}]"].value
    print(f"a synapse changes by eta * climbing fibre * parallel fibre: {change.value:.6f}, by hand {by_hand:.6f}")


if __name__ == "__main__":
    main()
