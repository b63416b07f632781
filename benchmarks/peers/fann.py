"""FANN, the C library, through a few lines of C around its own training functions."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.cases import Case, Parameters
from benchmarks.peers.base import Peer

SOURCE = Path(__file__).with_name("fann.c")
BUILT = SOURCE.parents[1] / "results" / "build" / "fann_bench.so"
MOST_FLOPS = 1e9  # an update beyond takes it seconds, and the check alone minutes


class FannMissing(RuntimeError):
    """FANN or a C compiler is not there."""


@functools.cache
def library() -> ctypes.CDLL:
    """Compile and load the C side.

    Raises
    ------
    FannMissing
        With what to install.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise FannMissing("no C compiler; on Debian: apt install gcc libfann-dev")
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", str(SOURCE), "-o", str(BUILT), "-lfann", "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise FannMissing(f"FANN is not installed; on Debian: apt install libfann-dev ({done.stderr.splitlines()[0]})")
    loaded = ctypes.CDLL(str(BUILT))
    loaded.bench_new.restype = ctypes.c_void_p
    return loaded


class Fann(Peer):
    """Incremental training for batches of one, else an update for each batch."""

    variants = ("fann_train_epoch",)
    most_threads = 1

    @classmethod
    def refusal(cls, case: Case) -> str:
        if case.rule != "gradient_descent":
            return "FANN has no Adam"
        return "an update takes it seconds" if case.flops > MOST_FLOPS else ""

    def setup(self) -> None:
        self.close()
        self.sizes = (ctypes.c_uint * len(self.case.sizes))(*self.case.sizes)
        X, Y = self.case.data()
        self.bench = self._bench(X, Y, self.case.updates)
        self.first = self._bench(X, Y, 1)
        self.current = self.bench

    def restart(self) -> None:
        flat = np.concatenate([p.ravel() for pair in self.case.initial() for p in pair])
        for bench in (self.bench, self.first):
            library().bench_set(bench, len(self.sizes), self.sizes, _pointer(flat))

    def first_step(self) -> None:
        self.current = self.first
        library().bench_run(self.first, 1)

    def run(self, epochs: int) -> None:
        self.current = self.bench
        library().bench_run(self.bench, epochs)

    def weights(self) -> Parameters:
        shapes = [(W.shape, b.shape) for W, b in self.case.initial()]
        flat = np.empty(sum(rows * columns + columns for (rows, columns), _ in shapes), np.float32)
        library().bench_get(self.current, len(self.sizes), self.sizes, _pointer(flat))
        parameters, at = [], 0
        for (rows, columns), _ in shapes:
            W = flat[at : at + rows * columns].reshape(rows, columns)
            at += rows * columns
            parameters.append((W, flat[at : at + columns]))
            at += columns
        return parameters

    def close(self) -> None:
        """Give FANN's memory back."""
        for name in ("bench", "first"):
            if hasattr(self, name):
                library().bench_free(getattr(self, name))
                delattr(self, name)

    def __del__(self) -> None:
        self.close()

    def _bench(self, X: np.ndarray, Y: np.ndarray, n_batches: int) -> ctypes.c_void_p:
        case = self.case
        pointer = library().bench_new(
            len(self.sizes), self.sizes, int(case.output == "identity"), int(case.batch == 1),
            ctypes.c_float(case.learning_rate), case.batch, n_batches, _pointer(X), _pointer(Y),
        )  # fmt: skip
        return ctypes.c_void_p(pointer)


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(np.ascontiguousarray(array).ctypes.data)
