"""One process of the benchmark: serves the methods of one object over a pipe, a JSON line each way.

`python -m benchmarks.worker MODULE:CLASS THREADS ARGUMENTS`, where ARGUMENTS is a JSON object for the constructor.
Between requests it is blocked on its pipe. Each answer says how much processor time went by since the answer before,
so that a library whose threads keep spinning is found out.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Serve until the pipe is closed."""
    home, threads, arguments = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    keep_to_cores(threads)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the log
    module, _, attribute = home.partition(":")
    served = getattr(import_module(module), attribute)(**arguments)
    print(json.dumps({"value": {"memory_after_import": memory()["now"]}, "idle": 0.0}), file=answers)
    before = time.process_time()
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {"idle": time.process_time() - before}
        try:
            answer["value"] = getattr(served, request.pop("call"))(**request)
        except Exception as error:
            print(f"--- {line}{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            answer["error"] = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
        gc.collect()
        before = time.process_time()
        print(json.dumps(answer), file=answers)


def keep_to_cores(threads: int) -> None:
    """Bind this process to so many cores, before any library starts its threads; XLA has no other dependable switch."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[-threads:])


def memory() -> dict[str, int]:
    """Resident bytes now and at their peak; of this program alone, which `getrusage` after a fork is not."""
    status = Path("/proc/self/status")
    if not status.exists():
        import psutil

        resident = psutil.Process().memory_info().rss
        return {"now": resident, "peak": resident}
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return {"now": 1024 * int(fields["VmRSS"].split()[0]), "peak": 1024 * int(fields["VmHWM"].split()[0])}


if __name__ == "__main__":
    main()
