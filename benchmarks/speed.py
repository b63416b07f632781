"""The time of one update: every peer on every case, checked first, then timed in turns."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cases import Case
from benchmarks.driver import Worker, WorkerError, rotated
from benchmarks.exact import solve
from benchmarks.peers import HOMES
from benchmarks.progress import say

PEAK_LIBRARIES = {"chainrule": "NumPy", "PyTorch eager": "PyTorch", "JAX scan": "JAX"}  # whose process has which
LONG, FEWEST = 5, 3  # a repeat so many times as long as asked for, one epoch of a slow peer, is timed three times only
WORTH_TIMING = 1.2  # variants up to so many times the fastest one's first estimate are timed in turns


@dataclass(frozen=True)
class Settings:
    """How long to measure."""

    repeats: int
    seconds: float  # of each repeat
    quick: bool = False  # try fewer settings of each library


@dataclass(frozen=True)
class Timing:
    """One peer at one setting on one case; times are seconds of one update."""

    section: str
    network: str
    batch: int
    rows: int
    rule: str
    output: str
    n_weights: int
    flops: int
    peer: str
    threads: int
    variant: str
    default: bool
    best: bool
    median: float
    quarter: float
    three_quarters: float
    fastest: float
    repeats: int
    compile_s: float
    gradient_error: float | None
    cost_error: float | None
    note: str

    @property
    def case(self) -> tuple[str, int, str, str]:
        """What was trained."""
        return self.network, self.batch, self.rule, self.output


class Absence(NamedTuple):
    """What was not timed, and why."""

    section: str
    peer: str
    threads: int
    what: str
    why: str
    failed: bool  # False where the library does not have it


def failure(section: str, peer: str, what: str, why: str, threads: int = 1) -> Absence:
    """Say aloud, and return, that something could not be measured though it should."""
    say(f"FAILED: {peer}, {what}: {why}")
    return Absence(section, peer, threads, what, why, failed=True)


class Entry(NamedTuple):
    """One variant that takes turns."""

    worker: Worker
    variant: str
    answer: dict[str, Any]
    times: list[float]


class Pool:
    """The processes of some peers at some numbers of threads, all alive at once."""

    def __init__(self, peers: Iterable[str], threads: Iterable[int]) -> None:
        self.workers: list[Worker] = []
        self.absences: list[Absence] = []
        self.peaks: dict[int, dict[str, float]] = {}
        for n in threads:
            for peer in peers:
                self._start(peer, n)

    def close(self) -> None:
        """End them all."""
        for worker in self.workers:
            worker.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def idle(self) -> dict[str, float]:
        """Return the most processor seconds that each process burnt between two of its turns."""
        return {f"{w.name}, threads {w.threads}": w.idle for w in self.workers}

    def measure_peaks(self, size: int = 1536, times: int = 4) -> None:
        """Take the fastest large matrix product in each library that has one; the best of the whole run counts."""
        for worker in self.workers:
            library = PEAK_LIBRARIES.get(worker.name)
            if library:
                rates = self.peaks.setdefault(worker.threads, {})
                rates[library] = max(rates.get(library, 0.0), worker.ask("sgemm", size=size, times=times))

    def measure(
        self,
        case: Case,
        section: str,
        settings: Settings,
        only: Iterable[str] | None = None,
        threads: Iterable[int] | None = None,
        checked: bool = True,
    ) -> list[Timing]:
        """Set one case up in every process, check it, and time all in turns.

        Parameters
        ----------
        only : peer names, optional
        threads : numbers of threads, optional
        checked : bool
            False where 100 updates are no whole number of epochs; the code is that of cases that were checked.
        """
        workers = [
            w for w in self.workers if (only is None or w.name in only) and (threads is None or w.threads in threads)
        ]
        with tempfile.TemporaryDirectory() as folder:
            exact = None
            if checked:
                exact = Path(folder) / "exact.npz"
                solve(case).save(exact)
            entries = [entry for w in workers for entry in self._set_up(w, case, section, settings, exact)]
        for turn in range(settings.repeats):
            for entry in rotated(entries, turn):
                if turn < FEWEST or entry.answer["repeat_s"] <= LONG * settings.seconds:
                    self._time(entry, case, section)
        by_worker = [[e for e in entries if e.worker is w] for w in self.workers]
        timings = [timing for of_one in by_worker for timing in _summaries(of_one, case, section)]
        for worker in self.workers:
            worker.ask("forget")
        ours = min((t.median for t in timings if t.peer == "chainrule"), default=None)
        if ours is not None:
            say(f"{section}: {case.name}: {1e6 * ours:.4g} us an update")
        return timings

    def _start(self, peer: str, threads: int) -> None:
        worker = None
        try:
            worker = Worker(peer, "benchmarks.session:Session", threads, {"peer": peer, "threads": threads})
            most = worker.ask("most_threads")
            if threads > most:
                self._absent("", peer, threads, "everything", f"uses at most {most} thread", failed=False)
                worker.close()
                return
            worker.ask("warm_up")
        except WorkerError as error:
            self._absent("", peer, threads, "everything", str(error))
            if worker is not None:
                worker.close()
            return
        self.workers.append(worker)

    def _time(self, entry: Entry, case: Case, section: str) -> None:
        """Take one repeat; a process that fails here takes no more turns."""
        worker = entry.worker
        if worker not in self.workers:
            return
        try:
            entry.times.append(worker.ask("time", variant=entry.variant))
        except WorkerError as error:
            self._absent(section, worker.name, worker.threads, f"{case.name}, {entry.variant}", str(error))
            self._bury(worker)

    def _bury(self, worker: Worker) -> None:
        """Take a process out of the run."""
        worker.close()
        self.workers.remove(worker)

    def _set_up(self, worker: Worker, case: Case, section: str, settings: Settings, exact: Path | None) -> list[Entry]:
        """Set up and check every variant; return those worth timing, the default first."""
        facts = worker.ask("facts", case=case.to_json(), quick=settings.quick)
        if facts["refusal"]:
            self._absent(section, worker.name, worker.threads, case.name, facts["refusal"], failed=False)
            return []
        entries = []
        for variant in facts["variants"]:
            try:
                answer = worker.ask(
                    "set_up",
                    case=case.to_json(),
                    variant=variant,
                    seconds=settings.seconds,
                    exact=None if exact is None else str(exact),
                )
            except WorkerError as error:
                self._absent(section, worker.name, worker.threads, f"{case.name}, {variant}", str(error))
                if worker.process.poll() is not None:
                    self._bury(worker)
                    return []
                continue
            if exact is not None and not answer["passed"]:
                why = (
                    f"does other work: its first change is off by {answer['gradient_error']:.2g}, "
                    f"its cost after 100 updates by {answer['cost_error']:.2g}"
                )
                self._absent(section, worker.name, worker.threads, f"{case.name}, {variant}", why)
                continue
            entries.append(Entry(worker, variant, {**answer, "default": variant == facts["variants"][0]}, []))
        fastest = min((e.answer["update_s"] for e in entries), default=0.0)
        kept = [e for e in entries if e.answer["default"] or e.answer["update_s"] <= WORTH_TIMING * fastest]
        worker.ask("forget", keep=[e.variant for e in kept])
        return kept

    def _absent(self, section: str, peer: str, threads: int, what: str, why: str, failed: bool = True) -> None:
        say(f"{'FAILED' if failed else 'left out'}: {peer}, threads {threads}, {what}: {why}")
        self.absences.append(Absence(section, peer, threads, what, why, failed))


def _summaries(entries: list[Entry], case: Case, section: str) -> list[Timing]:
    """Medians and spreads of one process's variants; its best is the one with the lowest median."""
    best = min((statistics.median(e.times) for e in entries), default=0.0)
    timings = []
    for entry in entries:
        median = statistics.median(entry.times)
        quarters = statistics.quantiles(entry.times, n=4) if len(entry.times) > 1 else [median] * 3
        timings.append(
            Timing(
                section=section,
                network=case.network,
                batch=case.batch,
                rows=case.rows,
                rule=case.rule,
                output=case.output,
                n_weights=case.n_weights,
                flops=case.flops,
                peer=entry.worker.name,
                threads=entry.worker.threads,
                variant=entry.variant,
                default=entry.answer["default"],
                best=median == best,
                median=median,
                quarter=quarters[0],
                three_quarters=quarters[2],
                fastest=min(entry.times),
                repeats=len(entry.times),
                compile_s=entry.answer["compile_s"],
                gradient_error=entry.answer.get("gradient_error"),
                cost_error=entry.answer.get("cost_error"),
                note=entry.answer["note"],
            )
        )
    return timings


def all_peers() -> list[str]:
    """Every peer's name, chainrule's first."""
    return list(HOMES)
