"""`make mutants`: how many small mistakes in a room's code do the tests of that room notice?

    python tests/mutants [--folder core ...] [--sample 60] [--seed 0 ...] [--seconds 3600] [--jobs 2]

For each folder of src/chainrule fixed samples of mutants (mutations.py) are tried, which change only where the code
does. A mutant is killed where a test of tests/FOLDER fails or never ends; only the tests that reach the mutated line
run, by coverage. What survives is printed. A mutant that changes nothing anybody could see stands in equivalent.txt
with the reason, and does not count: `path: before -> after  in the line  # reason` (the line may be left out).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy: processes are forked

# What tests import is loaded once, for all forks; nothing of chainrule is.
import array_api_strict  # noqa: F401
import autograd  # noqa: F401
import duckdb  # noqa: F401
import pytest  # noqa: F401
import safetensors.numpy  # noqa: F401
import scipy.optimize
import scipy.stats  # noqa: F401
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

    def __init__(self, folder: str, jobs: int) -> None:
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
            pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"-n{jobs}", "--hypothesis-seed=0"]
            done = subprocess.run(
                [*pytest, *measured, f"tests/{folder}"], cwd=ROOT, capture_output=True, text=True, env=here
            )
            if done.returncode:
                sys.exit(f"The tests of the code as it is fail:\n{done.stdout}{done.stderr}")
            self.seconds: dict[str, float] = json.loads(times.read_text())
            coverage = CoverageData(str(data))
            coverage.read()
            self.of_line = {
                os.path.relpath(path, ROOT): coverage.contexts_by_lineno(path) for path in coverage.measured_files()
            }

    def quick(self) -> dict[str, float]:
        """Return those that take no longer than most."""
        return {name: seconds for name, seconds in self.seconds.items() if seconds <= median(self.seconds.values())}

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
    """Return a fixed sample of the folder's mutants: each is drawn or not by its own text, whatever else changes."""
    files = sorted((ROOT / "src/chainrule" / folder).rglob("*.py"))
    known = {line.partition("  # ")[0] for line in EQUIVALENT.read_text(encoding="utf-8").splitlines()}
    drawn, seen = [], Counter[str]()
    for file in files:
        for mutant in mutants_of(ROOT, str(file.relative_to(ROOT))):
            draw = f"{seed} {seen[mutant.text]} {mutant.text}"
            drawn.append((hashlib.sha256(draw.encode()).digest(), mutant))
            seen[mutant.text] += 1
    chosen = [mutant for _, mutant in sorted(drawn, key=lambda pair: pair[0])[:count]]
    return [mutant for mutant in chosen if known.isdisjoint((mutant.text, f"{mutant.path}: {mutant.change}"))]


def outcomes(
    mutants: list[Mutant | None], tests: Tests, jobs: int, until: float
) -> Iterator[tuple[Mutant | None, int]]:
    """Yield each mutant with the exit code of its tests, as they end; None is the code as it is, on the quick ones."""
    waiting, running = list(mutants), {}
    while waiting or running:
        while waiting and len(running) < jobs and time.monotonic() < until:
            mutant = waiting.pop(0)
            chosen = tests.reaching(mutant) if mutant else tests.quick()
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
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the samples, one after the other")
    parser.add_argument(
        "--seconds", type=float, default=3600, help="for all folders together; what was not tried is said"
    )
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    until, poor, table = time.monotonic() + options.seconds, [], []
    for folder in options.folder:
        tests, as_it_is = Tests(folder, options.jobs), [None]
        for seed in options.seed:
            mutants, killed, survived = sample(folder, options.sample, seed), 0, []
            for mutant, code in outcomes([*as_it_is, *mutants], tests, options.jobs, until):
                if code not in (PASSED, NO_TEST, *KILLED) or (mutant is None and code != PASSED):
                    print(f"{folder}: the trial itself failed (exit code {code}) on {mutant or 'the code as it is'}")
                    return 2
                killed += code in KILLED
                if mutant and code not in KILLED:
                    survived.append(mutant)
                    unseen = ", reached by no test" if code == NO_TEST else ""
                    print(f"survived{unseen}: {mutant}  in {mutant.around}", flush=True)
            tried, as_it_is = killed + len(survived), []
            untried = f", {len(mutants) - tried} not tried within the time" if tried < len(mutants) else ""
            table.append(
                f"{folder}, seed {seed}: {killed} of {tried} mutants killed ({killed / max(tried, 1):.0%}){untried}"
            )
            print(table[-1], flush=True)
            if killed < WANTED * tried:
                poor.append(f"{folder}, seed {seed}")
    print("", *table, sep="\n")
    if poor:
        print(f"Below {WANTED:.0%}: {'; '.join(poor)}.")
    return bool(poor)


if __name__ == "__main__":
    sys.exit(main())
