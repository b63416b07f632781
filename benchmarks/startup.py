"""How long does it take to start? Importing chainrule and its peers, and the commands' help, beside bare Python.

Medians of interleaved repeats, each in a fresh process. By itself: `python -m benchmarks.startup`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from benchmarks.driver import ROOT, environment, rotated

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import chainrule": ["-c", "import chainrule"],
    "import chainrule, then use numpy": ["-c", "import chainrule; chainrule.Network"],
    "chainrule.fit, ready to call": ["-c", "from chainrule import Network, fit"],
    "chainrule --help": ["-m", "chainrule", "--help"],
    "chainrule train --help": ["-m", "chainrule", "train", "--help"],
}
PEERS = {
    "import sklearn.neural_network": ["-c", "import sklearn.neural_network"],
    "import torch": ["-c", "import torch"],
    "import jax": ["-c", "import jax, jax.numpy"],
    "import keras, on JAX": ["-c", "import keras"],
}


def measure(repeats: int = 15, peers: bool = True) -> dict[str, list[float]]:
    """Return the seconds of each repeat; the first, which fills the file cache, is not counted."""
    commands = {**COMMANDS, **(PEERS if peers else {})}
    times: dict[str, list[float]] = {name: [] for name in commands}
    variables = environment(os.cpu_count() or 1)
    for turn in range(repeats + 1):
        for name in rotated(list(commands), turn):
            start = time.perf_counter()
            done = subprocess.run([sys.executable, *commands[name]], stdout=subprocess.DEVNULL, env=variables, cwd=ROOT)
            if done.returncode == 0 and turn:
                times[name].append(time.perf_counter() - start)
    return {name: measured for name, measured in times.items() if measured}


def main() -> None:
    """Print a table of medians in milliseconds."""
    for name, measured in measure(peers=False).items():
        print(f"{name:<34} {1000 * statistics.median(measured):7.1f} ms")


if __name__ == "__main__":
    main()
