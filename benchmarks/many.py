"""1,000 XOR networks of 1,000 epochs: all at once, in a loop, and vmapped in JAX.

2-2-1 logistic units, half squared error, gradient descent by batch, each network from its own initial weights.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.cases import Case
from benchmarks.driver import Worker, WorkerError, rotated
from benchmarks.progress import say
from benchmarks.speed import Absence, failure

NETWORKS, EPOCHS = 1_000, 1_000
LEARNING_RATE = 8.0
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
Y = np.array([[0], [1], [1], [0]], np.float32)
RIGHT = 0.5  # an output on its target's side of this


@dataclass(frozen=True)
class Many:
    """How long all networks took; `trained` of them were, and `seconds` is scaled to all where they are fewer."""

    way: str
    threads: int
    seconds: float
    compile_s: float
    trained: int
    learned: float  # the share of them that computes XOR


def initial() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Uniform weights in [-1, 1] for every network: W1, b1, W2, b2 with the networks along axis 0."""
    rng = np.random.default_rng(4)
    shapes = ((2, 2), (2,), (2, 1), (1,))
    W1, b1, W2, b2 = (rng.uniform(-1, 1, (NETWORKS, *shape)).astype(np.float32) for shape in shapes)
    return W1, b1, W2, b2


class ChainruleLoop:
    """`chainrule.fit`, one network after the other; served by `benchmarks.worker`."""

    def __init__(self, most_seconds: float) -> None:
        self.most_seconds = most_seconds

    def run(self) -> dict[str, Any]:
        """Train the networks, as many as fit the time."""
        from chainrule import Network, fit, forward

        started = time.perf_counter()
        outputs = []
        for W1, b1, W2, b2 in zip(*initial(), strict=True):
            network = Network.dense((2, 2, 1), weights=[W1, W2], biases=[b1, b2])
            state = fit(
                network,
                X,
                Y,
                update="gradient_descent",
                learning_rate=LEARNING_RATE,
                batch_size="all",
                epochs=EPOCHS,
            )
            outputs.append(forward(state.network, X).output)
            if time.perf_counter() - started > self.most_seconds:
                break
        return _answer(time.perf_counter() - started, np.stack(outputs))


class ChainruleMany:
    """All in one call; served by `benchmarks.worker`."""

    def run(self) -> dict[str, Any]:
        """Train them all."""
        from chainrule import Network, fit_many, forward

        started = time.perf_counter()
        networks = [
            Network.dense((2, 2, 1), weights=[W1, W2], biases=[b1, b2])
            for W1, b1, W2, b2 in zip(*initial(), strict=True)
        ]
        states = fit_many(
            networks, X, Y, update="gradient_descent", learning_rate=LEARNING_RATE, batch_size="all", epochs=EPOCHS
        )
        took = time.perf_counter() - started
        return _answer(took, np.stack([forward(state.network, X).output for state in states]))


class JaxVmapped:
    """One compiled loop over the epochs of vmapped networks; served by `benchmarks.worker`."""

    def __init__(self) -> None:
        import jax
        import jax.numpy as jnp

        from benchmarks.peers.jax_update import update_of

        update = update_of(Case((2, 2, 1), 4))

        def train(parameters: Any) -> Any:
            state = {"parameters": parameters}
            return jax.lax.fori_loop(0, EPOCHS, lambda _, s: update(s, X, Y, LEARNING_RATE), state)["parameters"]

        def outputs(parameters: Any) -> Any:
            A = jnp.asarray(X)
            for W, b in parameters:
                A = jax.nn.sigmoid(A @ W + b)
            return A

        W1, b1, W2, b2 = map(jnp.asarray, initial())
        self.parameters = [(W1, b1), (W2, b2)]
        started = time.perf_counter()
        self.train = jax.jit(jax.vmap(train)).lower(self.parameters).compile()
        self.compile_s = time.perf_counter() - started
        self.outputs = jax.jit(jax.vmap(outputs))

    def run(self) -> dict[str, Any]:
        """Train them all."""
        started = time.perf_counter()
        trained = self.train(self.parameters)
        trained[0][0].block_until_ready()
        took = time.perf_counter() - started
        return {**_answer(took, np.asarray(self.outputs(trained))), "compile_s": self.compile_s}


WAYS = {
    "chainrule, all at once": "ChainruleMany",
    "chainrule.fit in a loop": "ChainruleLoop",
    "JAX, vmapped": "JaxVmapped",
}


def measure(repeats: int, threads: tuple[int, ...], loop_seconds: float, absences: list[Absence]) -> list[Many]:
    """Train in turns; the loop once only for each number of threads, since it takes longest."""
    found = []
    workers: list[Worker] = []
    try:
        for way, served in WAYS.items():
            arguments = {"most_seconds": loop_seconds} if served == "ChainruleLoop" else {}
            for n in threads:
                workers.append(Worker(way, f"benchmarks.many:{served}", n, arguments))
        answers: dict[int, list[dict[str, Any]]] = {i: [] for i in range(len(workers))}
        for turn in range(repeats):
            for i in rotated(list(answers), turn):
                if not (answers[i] and "loop" in workers[i].name):
                    answers[i].append(workers[i].ask("run"))
        for i, given in answers.items():
            worker = workers[i]
            seconds = statistics.median(answer["seconds"] for answer in given)
            last = given[-1]
            row = Many(
                worker.name, worker.threads, seconds * NETWORKS / last["trained"], last.get("compile_s", 0.0),
                last["trained"], last["learned"],
            )  # fmt: skip
            say(f"many networks: {row.way}, threads {row.threads}: {row.seconds:.3g} s")
            found.append(row)
    except WorkerError as error:
        absences.append(failure("many", ", ".join(WAYS), "many networks", str(error)))
    finally:
        for worker in workers:
            worker.close()
    return found


def _answer(seconds: float, outputs: np.ndarray) -> dict[str, Any]:
    right = np.all((outputs > RIGHT) == (Y > RIGHT), axis=(1, 2))
    return {"seconds": seconds, "trained": len(outputs), "learned": float(np.mean(right))}
