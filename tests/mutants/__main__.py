"""`make mutants`: how many small mistakes in a room's code do the tests of that room notice?

    python tests/mutants [--folder core ...] [--sample 60] [--seed 0] [--seconds 3600] [--jobs 2]

For each folder of src/chainrule a fixed sample of mutants (mutations.py) is tried. A mutant is killed where a test of
tests/FOLDER fails or never ends; only the tests that reach the mutated line run, by coverage. What survives is printed.
A mutant that changes nothing anybody could see stands in equivalent.txt with the reason, and does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy: processes are forked

import duckdb  # noqa: F401  loaded once, for all forks
import numpy as np  # noqa: F401
import pytest  # noqa: F401
from coverage import CoverageData
from mutations import Mutant, mutants_of
from trial import STOPPED, begin, end

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("core", "engines", "explaining", "data", "training")
WANTED = 0.9
# Exit codes of a trial: STOPPED, and pytest's (a test failed, a module could not be imported; all passed; none there).
KILLED, PASSED, NO_TEST = (1, 2, STOPPED), 0, 5
EQUIVALENT = Path(__file__).with_name("equivalent.txt")


class Tests:
    """The tests of a folder: how long each takes, and which reach a line."""

    def __init__(self, folder: str) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            data, times = Path(scratch) / "coverage", Path(scratch) / "times.json"
            here = os.environ | {"COVERAGE_FILE": str(data), "TIMES": str(times), "PYTHONPATH": str(EQUIVALENT.parent)}
            measured = [
                "-p",
                "durations_to_file",
                f"--cov=src/chainrule/{folder}",
                "--cov-context=test",
                "--cov-report=",
                "-m",
                "not long",
            ]
            pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
            subprocess.run(
                [*pytest, *measured, f"tests/{folder}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=here
            )
            self.seconds: dict[str, float] = json.loads(times.read_text())
            coverage = CoverageData(str(data))
            coverage.read()
            self.of_line = {
                os.path.relpath(path, ROOT): coverage.contexts_by_lineno(path) for path in coverage.measured_files()
            }

    def reaching(self, mutant: Mutant) -> dict[str, float]:
        """Return the tests that run the line, with their seconds; for one that runs at import, those of its file."""
        lines = self.of_line.get(mutant.path, {})
        names = _tests(lines.get(mutant.line, []))
        if not names:
            names = {name for contexts in lines.values() for name in _tests(contexts)}
        return {name: self.seconds[name] for name in names if name in self.seconds}


def _tests(contexts: list[str]) -> set[str]:
    return {context.rpartition("|")[0] for context in contexts if context}


def sample(folder: str, count: int, seed: int) -> list[Mutant]:
    """Return a fixed sample of the folder's mutants."""
    files = sorted((ROOT / "src/chainrule" / folder).rglob("*.py"))
    known = {line.partition("  # ")[0] for line in EQUIVALENT.read_text(encoding="utf-8").splitlines()}
    all_of_them = [mutant for file in files for mutant in mutants_of(ROOT, str(file.relative_to(ROOT)))]
    chosen = random.Random(seed).sample(all_of_them, min(count, len(all_of_them)))
    return [mutant for mutant in chosen if without_line(mutant) not in known]


def without_line(mutant: Mutant) -> str:
    """Return a mutant's text as equivalent.txt has it: without its line number, which moves."""
    return str(mutant).replace(f":{mutant.line}:", ":", 1)


def outcomes(
    mutants: list[Mutant | None], tests: Tests, jobs: int, until: float
) -> Iterator[tuple[Mutant | None, int]]:
    """Yield each mutant with the exit code of its tests, as they end; None is the code as it is, with all tests."""
    waiting, running = list(mutants), {}
    while waiting or running:
        while waiting and len(running) < jobs and time.monotonic() < until:
            mutant = waiting.pop(0)
            chosen = tests.reaching(mutant) if mutant else tests.seconds
            if not chosen:
                yield mutant, NO_TEST
                continue
            running[begin(ROOT, mutant, chosen)] = mutant, time.monotonic() + 60 + 10 * sum(chosen.values())
        if not running:
            return
        for pid, (mutant, deadline) in list(running.items()):
            code = end(pid, deadline)
            if code is not None:
                del running[pid]
                yield mutant, code
        time.sleep(0.02)


def main() -> int:
    """Try the mutants of each folder and print the share that was killed."""
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", nargs="+", default=FOLDERS, choices=FOLDERS)
    parser.add_argument("--sample", type=int, default=60, help="mutants a folder")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument(
        "--seconds", type=float, default=3600, help="for all folders together; what was not tried is said"
    )
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    until, poor = time.monotonic() + options.seconds, []
    for folder in options.folder:
        mutants = sample(folder, options.sample, options.seed)
        tests, killed, survived = Tests(folder), 0, []
        for mutant, code in outcomes([None, *mutants], tests, options.jobs, until):
            if code not in (PASSED, NO_TEST, *KILLED) or (mutant is None and code != PASSED):
                print(f"{folder}: the trial itself failed (exit code {code}) on {mutant or 'the code as it is'}")
                return 2
            killed += code in KILLED
            if mutant and code not in KILLED:
                survived.append(mutant)
                print(f"survived{', reached by no test' if code == NO_TEST else ''}: {mutant}", flush=True)
        tried = killed + len(survived)
        untried = f", {len(mutants) - tried} not tried within the time" if tried < len(mutants) else ""
        print(f"{folder}: {killed} of {tried} mutants killed ({killed / max(tried, 1):.0%}){untried}", flush=True)
        if killed < WANTED * tried:
            poor.append(folder)
    if poor:
        print(f"Below {WANTED:.0%}: {', '.join(poor)}.")
    return bool(poor)


if __name__ == "__main__":
    sys.exit(main())
