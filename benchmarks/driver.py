"""Start the processes that are measured, and ask one of them at a time.

Every (peer, threads) has a process of its own, since thread counts belong to processes. All but the one asked are
blocked on a pipe. OpenMP and OpenBLAS let idle threads spin for some milliseconds before they sleep; their waiting
policies are left as users have them, because `passive` would slow their owners down, and the driver rests after each
turn of a process with several threads instead. What a process burns between its turns is measured and reported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
REST = 0.06  # seconds: longer than OpenBLAS and OpenMP spin


class WorkerError(RuntimeError):
    """A measured process failed; its log says more."""


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process that may use so many threads."""
    n = str(threads)
    return {
        **os.environ,
        "OMP_NUM_THREADS": n,
        "OPENBLAS_NUM_THREADS": n,
        "MKL_NUM_THREADS": n,
        "NPROC": n,  # XLA's
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": "jax",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",  # compile times are those of a first run
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }


class Worker(AbstractContextManager["Worker"]):
    """A process that serves an object; see `benchmarks.worker`."""

    def __init__(self, name: str, home: str, threads: int = 1, arguments: dict[str, Any] | None = None) -> None:
        self.name, self.threads = name, threads
        self.idle = 0.0  # most processor seconds burnt between two turns
        log = RESULTS / "logs" / f"{name}-{threads}.log".replace(" ", "-")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker", home, str(threads), json.dumps(arguments or {})],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
                env=environment(threads),
                cwd=ROOT,
            )
        self.log = log
        self.started: dict[str, Any] = self._answer()

    def ask(self, call: str, **arguments: Any) -> Any:
        """Call a method of the served object and wait for its answer.

        Raises
        ------
        WorkerError
            If it raised or died.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"call": call, **arguments}) + "\n")
        except BrokenPipeError:
            raise WorkerError(f"{self.name} is gone; see {self.log}") from None
        value = self._answer()
        if self.threads > 1:
            time.sleep(REST)
        return value

    def close(self) -> None:
        """End the process."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"{self.name} ended with code {self.process.wait()}: {last_line(self.log)}")
        answer = json.loads(line)
        self.idle = max(self.idle, answer["idle"])
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer["value"]


def rotated(items: list[Any], turn: int) -> Iterator[Any]:
    """Yield all items, another one first each turn, so that nobody always follows the same neighbour."""
    first = turn % len(items) if items else 0
    yield from items[first:]
    yield from items[:first]


def last_line(log: Path) -> str:
    """Return the last line of a log, where a traceback has its message."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"
