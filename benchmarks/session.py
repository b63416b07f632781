"""What a measured process does with its library: set a case up, check it, and time it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CHECKED_UPDATES, Case
from benchmarks.exact import Exact, check
from benchmarks.peers import peer_class
from benchmarks.peers.base import Peer
from benchmarks.worker import memory

WARM_UP = Case((3, 4, 2), 5, updates=2)


class Session:
    """One peer with one number of threads; served by `benchmarks.worker`."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer = peer_class(peer)
        self.threads = threads
        self.ready: dict[str, Peer] = {}
        self.epochs: dict[str, int] = {}

    def most_threads(self) -> int:
        """Return how many threads the library can use."""
        return self.peer.most_threads

    def warm_up(self) -> None:
        """Load what the library loads at its first training, so that compile times are of compiling alone."""
        output = "logistic" if not self.peer.refusal(WARM_UP) else "identity"
        case = Case(WARM_UP.sizes, WARM_UP.batch, updates=WARM_UP.updates, output=output)
        for variant in self.peer.variants:
            peer = self.peer(case, variant, self.threads)
            peer.setup()
            peer.restart()
            peer.run(1)

    def facts(self, case: dict[str, Any], quick: bool = False) -> dict[str, Any]:
        """Return the variants to try, and why the case cannot be done, if so."""
        variants = (quick and self.peer.quick_variants) or self.peer.variants
        return {"variants": list(variants), "refusal": self.peer.refusal(Case.from_json(case))}

    def set_up(self, case: dict[str, Any], variant: str, seconds: float, exact: str | None) -> dict[str, Any]:
        """Set a variant up, check its work, and choose how many epochs make a repeat of about `seconds`."""
        job = Case.from_json(case)
        peer = self.peer(job, variant, self.threads)
        start = time.perf_counter()
        peer.setup()
        peer.restart()
        peer.run(1)
        first = time.perf_counter() - start
        answer: dict[str, Any] = {"note": getattr(peer, "engine", "")}
        if exact is not None:
            peer.restart()
            peer.first_step()
            after_one = [(np.array(W), np.array(b)) for W, b in peer.weights()]
            peer.restart()
            peer.run(CHECKED_UPDATES // job.updates)
            found = check(job, Exact.load(Path(exact)), after_one, peer.weights())
            answer |= {**found._asdict(), "passed": found.passed}
        peer.restart()
        epoch = self._epoch(peer, seconds / 4)
        self.ready[variant] = peer
        self.epochs[variant] = max(1, round(seconds / epoch))
        repeat = self.epochs[variant] * epoch
        return {**answer, "compile_s": max(0.0, first - epoch), "update_s": epoch / job.updates, "repeat_s": repeat}

    def time(self, variant: str) -> float:
        """Return the seconds of one update, from one repeat."""
        peer, epochs = self.ready[variant], self.epochs[variant]
        start = time.perf_counter()
        peer.run(epochs)
        return (time.perf_counter() - start) / epochs / peer.case.updates

    def forget(self, keep: list[str] | None = None) -> None:
        """Let go of all variants but some."""
        for variant in [v for v in self.ready if v not in (keep or [])]:
            del self.ready[variant]

    def peak_memory(self, case: dict[str, Any], variant: str) -> dict[str, int]:
        """Train two epochs and return the resident bytes at their peak; for a fresh process."""
        peer = self.peer(Case.from_json(case), variant, self.threads)
        peer.setup()
        peer.restart()
        peer.run(2)
        return memory()

    def sgemm(self, size: int, times: int) -> float:
        """Return the flops per second of the best of some square float32 products in this process's library."""
        A, B = (np.random.default_rng(seed).random((size, size), dtype=np.float32) for seed in (0, 1))
        if self.peer.__name__ == "TorchEager":
            import torch

            torch.set_num_threads(self.threads)
            left, right = torch.from_numpy(A), torch.from_numpy(B)
            out = torch.empty_like(left)
            return best_rate(lambda: torch.mm(left, right, out=out), size, times)
        if self.peer.__name__ == "JaxScan":
            import jax

            product, first, second = jax.jit(lambda a, b: a @ b), jax.numpy.asarray(A), jax.numpy.asarray(B)
            return best_rate(lambda: jax.block_until_ready(product(first, second)), size, times)
        C = np.empty_like(A)
        return best_rate(lambda: np.matmul(A, B, out=C), size, times)

    @staticmethod
    def _epoch(peer: Peer, seconds: float) -> float:
        """Seconds of one epoch: many at a time where they are short."""
        epochs = 1
        while True:
            start = time.perf_counter()
            peer.run(epochs)
            took = time.perf_counter() - start
            if took >= seconds or epochs >= 1_000_000:
                return took / epochs
            epochs = max(2 * epochs, int(epochs * seconds / max(took, 1e-6)))


def best_rate(product: Any, size: int, times: int) -> float:
    """Flops per second of the fastest of `times` products."""
    product()
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best
