"""How long does it take to start? `import chainrule` beside `import numpy`, `chainrule --help` beside bare Python.

Medians of interleaved repeats, each in a fresh process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import chainrule": ["-c", "import chainrule"],
    "import chainrule, then use numpy": ["-c", "import chainrule; chainrule.Network"],
    "chainrule --help": ["-m", "chainrule", "--help"],
    "chainrule train --help": ["-m", "chainrule", "train", "--help"],
}


def main(repeats: int = 15) -> None:
    """Print a table of medians in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, arguments in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            times[name].append(1000 * (time.perf_counter() - start))
    for name, measured in times.items():
        print(f"{name:<34} {statistics.median(measured):7.1f} ms")


if __name__ == "__main__":
    main()
