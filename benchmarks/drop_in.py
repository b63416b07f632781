"""chainrule's estimators beside scikit-learn's: test scores and times of fit, by `python -m benchmarks.drop_in`.

The same rows, splits, settings and seeds for both, everything not named left at its default; inputs scaled. A pause
before each fit lets the threads of the one before fall asleep. Run it on a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import chainrule
from benchmarks.environment_facts import facts

PAUSE = 0.1  # seconds
NOISE = 3  # standard errors of the mean difference up to which two scores count as the same

WAYS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam"},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs"},
    "adam, 16 units, batches of 32": {"hidden_layer_sizes": (16,), "batch_size": 32},
}


def tables() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Five that scikit-learn brings and two synthetic ones: X and y."""
    return {
        "iris": datasets.load_iris(return_X_y=True),
        "wine": datasets.load_wine(return_X_y=True),
        "digits": datasets.load_digits(return_X_y=True),
        "breast_cancer": datasets.load_breast_cancer(return_X_y=True),
        "three classes": datasets.make_classification(1000, 20, n_informative=8, n_classes=3, random_state=0),
        "diabetes": datasets.load_diabetes(return_X_y=True),
        "Friedman 1": datasets.make_friedman1(1000, noise=1.0, random_state=0),
    }


@dataclass(frozen=True)
class Row:
    """Test scores (accuracy or R^2) and seconds of fit, ours and theirs, one of each for every seed."""

    table: str
    way: str
    scores: np.ndarray  # (seeds, 2)
    seconds: np.ndarray

    @property
    def difference(self) -> tuple[float, float]:
        """Ours minus theirs, its mean over the seeds and the standard error of that."""
        difference = self.scores[:, 0] - self.scores[:, 1]
        return float(difference.mean()), float(difference.std(ddof=1) / math.sqrt(len(difference)))

    @property
    def within_noise(self) -> bool:
        """Whether ours is no worse than chance would make it."""
        mean, error = self.difference
        return mean >= -NOISE * error - 1e-12

    @property
    def ratio(self) -> float:
        """How many times longer theirs takes, of the medians over the seeds."""
        ours, theirs = (statistics.median(column) for column in self.seconds.T.tolist())
        return theirs / ours

    def markdown(self) -> str:
        """A line of the table."""
        ours, theirs = self.scores.mean(axis=0)
        spread = self.scores.std(axis=0, ddof=1)
        mean, error = self.difference
        times = [1000 * statistics.median(column) for column in self.seconds.T.tolist()]
        scores = f"{ours:.3f} ± {spread[0]:.3f} | {theirs:.3f} ± {spread[1]:.3f} | {mean:+.4f} ± {error:.4f}"
        return f"| {self.table} | {scores} | {times[0]:.1f} | {times[1]:.1f} | {self.ratio:.1f} |"


def measure(table: str, X: np.ndarray, y: np.ndarray, way: str, seeds: int) -> Row:
    """Fit both on the same three quarters of the rows, and score them on the rest, for every seed."""
    kind = "MLPRegressor" if y.dtype.kind == "f" else "MLPClassifier"
    scores, seconds = np.empty((seeds, 2)), np.empty((seeds, 2))
    for seed in range(seeds):
        strata = None if y.dtype.kind == "f" else y
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=strata)
        scaler = StandardScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
        if strata is None:
            mean, deviation = y_train.mean(), y_train.std()
            y_train, y_test = (y_train - mean) / deviation, (y_test - mean) / deviation
        order = [0, 1] if seed % 2 else [1, 0]
        for which in order:
            estimator = getattr((chainrule, neural_network)[which], kind)(random_state=seed, **WAYS[way])
            time.sleep(PAUSE)
            began = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                estimator.fit(X_train, y_train)
            seconds[seed, which] = time.perf_counter() - began
            scores[seed, which] = estimator.score(X_test, y_test)
    return Row(table, way, scores, seconds)


def main() -> int:
    """Measure and print the page; 1 if a score is worse than noise explains."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drop_in", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="splits and starts of each")
    arguments = parser.parse_args()
    data = tables()
    for X, y in data.values():  # both are loaded, and have made their threads, before the first is timed
        measure("", X, y, "adam", 1)
        break
    known = facts()
    print(", ".join(f"{name} {value}" for name, value in known.items() if name in ("processor", "cores", "date")))
    worse = []
    for way in WAYS:
        print(f"\n**{way}**\n")
        print("| table | chainrule | scikit-learn | difference | ms | ms, scikit-learn | ratio |")
        print("|---|---|---|---|---|---|---|")
        for table, (X, y) in data.items():
            row = measure(table, X, y, way, arguments.seeds)
            print(row.markdown(), flush=True)
            if not row.within_noise:
                worse.append(f"{table}, {way}")
    print("\nWorse than noise explains: " + ("; ".join(worse) or "none") + ".")
    return int(bool(worse))


if __name__ == "__main__":
    raise SystemExit(main())
