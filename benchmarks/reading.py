"""From a table to encoded arrays: processor time and peak memory beside pandas and polars (`make bench-reading`).

Each measurement is a fresh process that reads the table, takes the last column for the target, scales the others to
mean 0 and deviation 1, and holds them as one float32 array of rows. Processor time counts all threads, and begins
after the libraries are imported; the peak is that of the whole process. Libraries take turns.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LIBRARIES = ("chainrule", "polars", "pandas")
CHUNK = 100_000  # rows that are made at once


@dataclass(frozen=True)
class Task:
    """A table to read.

    Attributes
    ----------
    name : str
    kind : {"csv", "parquet", "frame"}
        A frame is in memory before the clock starts, as the library's own; for chainrule it is one of polars.
    rows, columns : int
    """

    name: str
    kind: str
    rows: int
    columns: int

    @property
    def encoded_mb(self) -> float:
        """The size of the encoded arrays."""
        return 4 * self.rows * self.columns / 1e6


TASKS = (
    Task("CSV, 1,000,000 x 28", "csv", 1_000_000, 28),
    Task("CSV, 20,000 x 1,000", "csv", 20_000, 1000),
    Task("CSV, 200 x 10,001", "csv", 200, 10_001),
    Task("Parquet, 10,000,000 x 10", "parquet", 10_000_000, 10),
    Task("polars frame, 1,000,000 x 28", "polars", 1_000_000, 28),
    Task("pandas frame, 1,000,000 x 28", "pandas", 1_000_000, 28),
)


def write(task: Task, folder: Path) -> Path:
    """Write the table's numbers, with four places, into a file."""
    import polars as pl

    path = folder / f"{task.rows}x{task.columns}.{'csv' if task.kind == 'csv' else 'parquet'}"
    if path.exists():
        return path
    rng = np.random.default_rng(0)
    names = [f"f{i}" for i in range(task.columns)]
    if task.kind == "csv":
        with path.open("w") as file:
            file.write(",".join(names) + "\n")
            for begin in range(0, task.rows, CHUNK):
                part = rng.normal(size=(min(CHUNK, task.rows - begin), task.columns))
                pl.DataFrame(part, schema=names).write_csv(file, include_header=False, float_precision=4)
    else:
        pl.DataFrame({name: rng.normal(size=task.rows).round(4) for name in names}).write_parquet(path)
    return path


def by_chainrule(path: Path, kind: str) -> Callable[[], Any]:
    """What chainrule does before its first epoch."""
    import duckdb  # noqa: F401

    from chainrule.models.setup import set_up

    source: Any = path if kind in ("csv", "parquet") else _frame(path, kind)
    options = {"task": "regression", "validation": 0, "test": 0, "target_scale": "standard"}
    return lambda: set_up(source, **options).examples.arrays("float32").X


def by_polars(path: Path, kind: str) -> Callable[[], Any]:
    """The same with polars alone."""
    import polars as pl

    readers = {"csv": pl.read_csv, "parquet": pl.read_parquet}
    frame = None if kind in readers else _frame(path, kind)

    def work() -> Any:
        table = readers[kind](path) if kind in readers else pl.DataFrame(frame)
        inputs = pl.all().exclude(table.columns[-1])
        return table.select(((inputs - inputs.mean()) / inputs.std(ddof=0)).cast(pl.Float32)).to_numpy(order="c")

    return work


def by_pandas(path: Path, kind: str) -> Callable[[], Any]:
    """The same with pandas and NumPy."""
    import pandas as pd

    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet}
    frame = None if kind in readers else _frame(path, "pandas")

    def work() -> Any:
        table = readers[kind](path) if kind in readers else frame
        inputs = table.iloc[:, :-1]
        return ((inputs - inputs.mean()) / inputs.std(ddof=0)).to_numpy(np.float32)

    return work


def _frame(path: Path, kind: str) -> Any:
    import polars as pl

    frame = pl.read_parquet(path)
    return frame.to_pandas() if kind == "pandas" else frame


def measure(library: str, kind: str, path: Path) -> dict[str, float]:
    """Measure this process."""
    work = {"chainrule": by_chainrule, "polars": by_polars, "pandas": by_pandas}[library](path, kind)
    began = time.process_time()
    X = work()
    used = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    # Whoever read it, it is the same table.
    assert X.dtype == np.float32
    assert np.allclose(X.mean(axis=0, dtype=float), 0, atol=1e-4)
    assert np.allclose(X.std(axis=0, dtype=float), 1, atol=1e-3)
    return {"seconds": used, "peak": peak, "first": float(X[0, 0]), "rows": len(X)}


def main() -> None:
    """Measure all tasks, or what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="tasks whose name begins with this")
    parser.add_argument("--measure", nargs=3, metavar=("LIBRARY", "KIND", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        library, kind, path = given.measure
        print(json.dumps(measure(library, kind, Path(path))))
        return
    print("ratio: of the peer's processor time; limit: the encoded arrays and 300 MB")
    print(f"{'table':<30} {'library':<10} {'seconds':>8} {'ratio':>6} {'peak MB':>8} {'limit':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for task in (task for task in TASKS if task.name.startswith(given.only)):
            report(task, write(task, Path(folder)), given.repeats)


def report(task: Task, path: Path, repeats: int) -> None:
    """Measure one table by all libraries in turn, and print the medians."""
    found: dict[str, list[dict[str, float]]] = {library: [] for library in LIBRARIES}
    for _ in range(repeats):
        for library in LIBRARIES:
            if task.kind in LIBRARIES and library not in (task.kind, "chainrule"):
                continue
            command = [sys.executable, "-m", "benchmarks.reading", "--measure", library, task.kind, str(path)]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found[library].append(json.loads(output))
    peer = "pandas" if task.kind == "pandas" else "polars"
    unit = statistics.median(each["seconds"] for each in found[peer])
    assert len({round(each["first"], 4) for measured in found.values() for each in measured}) == 1
    for library, measured in found.items():
        if measured:
            seconds = statistics.median(each["seconds"] for each in measured)
            peak = statistics.median(each["peak"] for each in measured)
            limit = f"{task.encoded_mb + 300:>7.0f}" if library == "chainrule" else ""
            print(
                f"{task.name:<30} {library:<10} {seconds:>8.2f} {seconds / unit:>6.2f} {peak:>8.0f}{limit}", flush=True
            )


if __name__ == "__main__":
    main()
