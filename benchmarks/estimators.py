"""scikit-learn's MLPClassifier beside `chainrule.fit`: the same network, rule, batches and epochs on wine and digits.

Softmax and cross-entropy, ReLU hidden units, shuffled batches, the same initial weights; the whole of fit counts.
"""

from __future__ import annotations

import statistics
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.cases import Parameters
from benchmarks.driver import Worker, WorkerError, rotated
from benchmarks.progress import say
from benchmarks.speed import Absence, failure

SAME_COST = 0.15  # relative difference of the last training costs up to which two trainings count as the same


@dataclass(frozen=True)
class Job:
    """One fit."""

    table: str
    hidden: int
    solver: str  # "adam", or "sgd" with Nesterov's momentum of 0.9
    batch: int
    epochs: int

    @property
    def name(self) -> str:
        """A name for messages and tables."""
        return f"{self.table}, {self.hidden} hidden, {self.solver}, batch {self.batch}, {self.epochs} epochs"


@dataclass(frozen=True)
class Fit:
    """Seconds of whole fits, and the training cost of the last epoch."""

    job: Job
    library: str
    threads: int
    times: list[float]
    cost: float

    @property
    def median(self) -> float:
        """Of the repeats."""
        return statistics.median(self.times)


def jobs(quick: bool) -> list[Job]:
    """Wine and digits, small batches and scikit-learn's default of at most 200, both solvers."""
    chosen = [("wine", 16, (16, 178), 200), ("digits", 64, (32, 200), 20)]
    every = [
        Job(table, hidden, solver, batch, epochs)
        for table, hidden, batches, epochs in chosen
        for batch in batches
        for solver in ("adam", "sgd")
    ]
    return [job for job in every if job.solver == "adam"] if quick else every


def table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return standardised inputs and class numbers."""
    from chainrule import read_table

    read = read_table(name)
    columns = [np.asarray(column.values, dtype=np.float64) for column in read.columns]
    X, y = np.stack(columns[:-1], axis=1), columns[-1].astype(np.int64)
    deviation = X.std(axis=0)
    X = (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return X.astype(np.float32), y - y.min()


def initial(inputs: int, hidden: int, classes: int) -> Parameters:
    """Small He weights, the same for both."""
    rng = np.random.default_rng(3)
    sizes = ((inputs, hidden), (hidden, classes))
    return [
        ((rng.standard_normal(shape) * np.sqrt(2 / shape[0])).astype(np.float32), np.zeros(shape[1], np.float32))
        for shape in sizes
    ]


class ChainruleFit:
    """Served by `benchmarks.worker`."""

    def set_up(self, job: dict[str, Any]) -> None:
        """Place the data and make the network."""
        from chainrule import Network

        self.job = Job(**job)
        self.X, y = table(self.job.table)
        self.Y = np.eye(y.max() + 1, dtype=np.float32)[y]
        parameters = initial(self.X.shape[1], self.job.hidden, self.Y.shape[1])
        self.network = Network.dense(
            (self.X.shape[1], self.job.hidden, self.Y.shape[1]),
            activation="relu",
            output_activation="softmax",
            weights=[W for W, _ in parameters],
            biases=[b for _, b in parameters],
        )

    def fit(self) -> dict[str, float]:
        """Fit once."""
        from chainrule import fit

        job = self.job
        start = time.perf_counter()
        state = fit(
            self.network,
            self.X,
            self.Y,
            loss="softmax_categorical_cross_entropy",
            update="adam" if job.solver == "adam" else "nesterov",
            learning_rate=0.001,
            batch_size=job.batch,
            epochs=job.epochs,
        )
        return {"seconds": time.perf_counter() - start, "cost": state.history[-1].cost}


class ScikitLearnFit:
    """Served by `benchmarks.worker`."""

    def set_up(self, job: dict[str, Any]) -> None:
        """Place the data."""
        from sklearn.exceptions import ConvergenceWarning

        warnings.simplefilter("ignore", ConvergenceWarning)
        self.job = Job(**job)
        self.X, self.y = table(self.job.table)

    def fit(self) -> dict[str, float]:
        """Fit once, from the weights that chainrule starts from."""
        from sklearn.neural_network import MLPClassifier

        job = self.job
        model = MLPClassifier(
            hidden_layer_sizes=(job.hidden,),
            activation="relu",
            solver=job.solver,
            alpha=0,
            batch_size=job.batch,
            learning_rate_init=0.001,
            max_iter=1,
            tol=0,
            n_iter_no_change=np.inf,
            warm_start=True,
            random_state=0,
        )
        model.fit(self.X[: job.batch], np.resize(np.unique(self.y), job.batch))  # makes the arrays filled below
        parameters = initial(self.X.shape[1], job.hidden, self.y.max() + 1)
        model.coefs_, model.intercepts_ = [W for W, _ in parameters], [b for _, b in parameters]
        model.set_params(max_iter=job.epochs)
        start = time.perf_counter()
        model.fit(self.X, self.y)
        return {"seconds": time.perf_counter() - start, "cost": float(model.loss_)}


LIBRARIES = {"chainrule": "ChainruleFit", "scikit-learn": "ScikitLearnFit"}


def measure(repeats: int, threads: tuple[int, ...], quick: bool, absences: list[Absence]) -> list[Fit]:
    """Fit in turns, each library in a process for each number of threads."""
    workers: list[Worker] = []
    fits = []
    try:
        for library, served in LIBRARIES.items():
            for n in threads:
                workers.append(Worker(library, f"benchmarks.estimators:{served}", n))
        for job in jobs(quick):
            answers: dict[int, list[dict[str, float]]] = {i: [] for i in range(len(workers))}
            for worker in workers:
                worker.ask("set_up", job=vars(job))
                worker.ask("fit")
            for turn in range(repeats):
                for i in rotated(list(answers), turn):
                    answers[i].append(workers[i].ask("fit"))
            for i, given in answers.items():
                worker = workers[i]
                times = [answer["seconds"] for answer in given]
                fits.append(Fit(job, worker.name, worker.threads, times, given[-1]["cost"]))
            say(f"estimators: {job.name}: {', '.join(f'{f.library} {f.median:.3g} s' for f in fits[-len(workers) :])}")
    except WorkerError as error:
        absences.append(failure("estimators", ", ".join(LIBRARIES), "the jobs after the last one shown", str(error)))
    finally:
        for worker in workers:
            worker.close()
    return fits


def best_fits(fits: list[Fit]) -> dict[Job, dict[str, Fit]]:
    """Return each library's fastest number of threads for each job, where both ended at the same cost."""
    best: dict[Job, dict[str, Fit]] = {}
    for fit in fits:
        of_job = best.setdefault(fit.job, {})
        if fit.library not in of_job or fit.median < of_job[fit.library].median:
            of_job[fit.library] = fit
    return {job: found for job, found in best.items() if len(found) == len(LIBRARIES)}


def same_work(found: dict[str, Fit]) -> bool:
    """Whether the libraries ended at the same training cost; the orders of the examples differ, so it is not exact."""
    costs = [fit.cost for fit in found.values()]
    return max(costs) - min(costs) <= SAME_COST * max(costs)
