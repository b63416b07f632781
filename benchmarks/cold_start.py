"""From a cold process to a wine model in a file: the command `chainrule train`, and what users of the peers write.

Everything counts: the interpreter, imports, reading the CSV file, splitting, scaling, 200 epochs, testing, saving.
chainrule also writes the history; its report, which the others do not have, is left out in one row and
written in another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.driver import ROOT, environment, last_line, rotated
from benchmarks.speed import Absence, failure

WINE = ROOT / "src" / "chainrule" / "data" / "builtin" / "wine.csv"
SCRIPTS = Path(__file__).with_name("cold")
TRAIN = ["-m", "chainrule", "train", "wine", "--target", "class", "--hidden", "16", "--epochs", "200"]
OPTIONS = ["--validation", "0", "--batch-size", "16", "--seed", "0", "--quiet"]


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the arguments of Python for each library."""
    ours = [*TRAIN, *OPTIONS, "--output"]
    return {
        "chainrule train": [*ours, str(folder / "model.safetensors"), "--no-report"],
        "chainrule train, with its report": [*ours, str(folder / "reported.safetensors")],
        "scikit-learn": [str(SCRIPTS / "sklearn_wine.py"), str(WINE), str(folder / "model.joblib")],
        "PyTorch": [str(SCRIPTS / "torch_wine.py"), str(WINE), str(folder / "model.pt")],
    }


def measure(repeats: int, absences: list[Absence]) -> dict[str, list[float]]:
    """Return the seconds of each repeat; the first, which fills the file cache, is not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder, log = Path(name), Path(name) / "log"
        jobs = commands(folder)
        times: dict[str, list[float]] = {job: [] for job in jobs}
        variables = environment(os.cpu_count() or 1)
        for turn in range(repeats + 1):
            for job in rotated(list(jobs), turn):
                for made in folder.iterdir():
                    made.unlink()
                start = time.perf_counter()
                with log.open("w") as errors:
                    command = [sys.executable, *jobs[job]]
                    done = subprocess.run(command, stdout=errors, stderr=errors, env=variables, cwd=folder)
                took = time.perf_counter() - start
                if done.returncode:
                    absences.append(failure("cold", job, "cold process to trained wine", last_line(log)))
                elif turn:
                    times[job].append(took)
    return {job: measured for job, measured in times.items() if measured}
