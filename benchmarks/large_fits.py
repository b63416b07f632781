"""Large fits beside scikit-learn's, by `python -m benchmarks.large_fits`, and the prediction of one row.

The processor's time for an epoch, on one core and with one thread each: the difference between fits of many epochs and
of few, so that neither the start nor the end counts. The two take turns, and the ratio is the median of their turns'.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import chainrule

EPOCHS = (2, 7)


def cases() -> dict[str, tuple[Any, np.ndarray, dict[str, Any]]]:
    """X, y and settings; all else is at its default, 100 hidden units and adam."""
    rng = np.random.default_rng(0)
    rows = scipy.sparse.random(5000, 20_000, 0.001, format="csr", random_state=0, data_rvs=rng.standard_normal)
    X = rng.standard_normal((60_000, 50))
    return {
        "sparse rows, 5,000 x 20,000 at 0.1 %": (rows, rng.integers(0, 2, 5000), {}),
        "full batch, 60,000 x 50": (X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int), {"batch_size": 60_000}),
    }


def milliseconds(classifier: Any, X: Any, y: np.ndarray, settings: dict[str, Any]) -> float:
    """Return the processor's time for an epoch."""
    spent = []
    for epochs in EPOCHS:
        began = time.process_time()
        classifier(random_state=0, max_iter=epochs, **settings).fit(X, y)
        spent.append(time.process_time() - began)
    return 1000 * (spent[1] - spent[0]) / (EPOCHS[1] - EPOCHS[0])


def of_one_row(repeats: int = 200) -> tuple[float, float]:
    """Return the milliseconds of `Model.predict` for one row of 64 columns, of a frame and of an array."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((500, 64)), columns=[f"c{k}" for k in range(64)])
    model = chainrule.train(frame.assign(y=np.where(frame.c0 > 0, "a", "b")), target="y", seed=0, epochs=5)
    found = []
    for rows in (frame.iloc[:1], frame.iloc[:1].to_numpy()):
        spent = []
        for _ in range(repeats):
            began = time.perf_counter()
            model.predict(rows)
            spent.append(time.perf_counter() - began)
        found.append(1000 * statistics.median(spent))
    return found[0], found[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large_fits", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--turns", type=int, default=5, help="how often each is fitted")
    turns = parser.parse_args().turns
    warnings.simplefilter("ignore", ConvergenceWarning)
    threadpool_limits(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("| fit | chainrule, ms an epoch | scikit-learn | ratio |\n|---|---|---|---|")
    for name, case in cases().items():
        pairs = []
        for turn in range(turns):
            both = [chainrule.MLPClassifier, neural_network.MLPClassifier]
            spent = {which: milliseconds(which, *case) for which in (both if turn % 2 else both[::-1])}
            pairs.append([spent[which] for which in both])
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(theirs / ours for ours, theirs in pairs)
        print(f"| {name} | {ours:.1f} | {theirs:.1f} | {ratio:.1f} |", flush=True)
    frame, array = of_one_row()
    print(f"\nOne row of 64 columns, `Model.predict`: {frame:.2f} ms from a frame, {array:.2f} ms from an array.")


if __name__ == "__main__":
    main()
