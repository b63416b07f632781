"""Measure chainrule beside its peers: `python -m benchmarks [--quick] [--only SECTION ...]`.

Writes results.json, results.md and the plots to benchmarks/results/. Run it on a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks import cold_start, estimators, many, memory, scaling, startup
from benchmarks.cases import identity_cases, main_cases, other_batches
from benchmarks.driver import RESULTS
from benchmarks.environment_facts import facts
from benchmarks.figures import behind, figures
from benchmarks.progress import say
from benchmarks.results import OURS, Results
from benchmarks.speed import Pool, Settings, all_peers
from benchmarks.tables import page

SECTIONS = ("main", "identity", "batches", "scaling", "estimators", "many", "cold", "startup", "memory")
THREADS = (1, 2)
# The quick run does gradient descent at each network's own batch, beside the peers that the figures name; compiling
# with torch.compile and Keras alone would take longer than it may.
QUICK_PEERS = (OURS, "PyTorch eager", "JAX step", "JAX scan", "FANN", "scikit-learn")
QUICK_SECTIONS = tuple(section for section in SECTIONS if section != "batches")
QUICK_FLOPS = 1e7  # of an update, beyond which FANN is left out of it
QUICK_THREADS = ((1e5, (1,)), (1e9, THREADS), (math.inf, (2,)))  # up to so many: small networks have no use for two
BATCH_PEERS = (OURS, "PyTorch eager", "JAX step", "JAX scan", "FANN")  # at other batches: those that compile fast
QUICK_MEMORY = (OURS, "PyTorch eager", "JAX scan")
FULL, QUICK = Settings(repeats=9, seconds=0.15), Settings(repeats=5, seconds=0.04, quick=True)


def main() -> int:
    """Measure, write, and say what was reached; 1 if chainrule itself failed a check."""
    arguments = read_arguments()
    began = time.perf_counter()
    results = Results(arguments.quick, facts())
    RESULTS.mkdir(parents=True, exist_ok=True)
    measure_updates(results, arguments.only, arguments.peers)
    measure_the_rest(results, arguments.only, arguments.peers)
    results.seconds = time.perf_counter() - began
    write(results, arguments.output)
    return int(any(absence.failed and absence.peer.startswith(OURS) for absence in results.absences))


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer peers, cases and repeats; within five minutes")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--peers", nargs="+", choices=all_peers(), metavar="PEER", help="beside chainrule")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FOLDER", help="where the results go")
    arguments = parser.parse_args()
    arguments.only = tuple(arguments.only or (QUICK_SECTIONS if arguments.quick else SECTIONS))
    peers = arguments.peers or (QUICK_PEERS if arguments.quick else all_peers())
    arguments.peers = tuple(dict.fromkeys((OURS, *peers)))
    return arguments


def measure_updates(results: Results, sections: tuple[str, ...], peers: tuple[str, ...]) -> None:
    """Fill the sections that time single updates, with all processes alive from the first case to the last."""
    if not {"main", "identity", "batches", "scaling"} & set(sections):
        return
    quick = results.quick
    settings = QUICK if quick else FULL
    rules = ("gradient_descent",) if quick else ("gradient_descent", "adam")
    plans = {
        "main": (main_cases(rules), tuple(p for p in peers if p != "scikit-learn")),
        "identity": (identity_cases(rules)[: 4 if quick else None], (OURS, "scikit-learn")),
        "batches": (other_batches(rules), BATCH_PEERS),
    }
    with Pool(peers, THREADS) as pool:
        for section, (cases, chosen) in plans.items():
            for case in cases if section in sections else ():
                pool.measure_peaks()
                large = quick and case.flops > QUICK_FLOPS
                only = [peer for peer in chosen if not (large and peer == "FANN")]
                threads = next(n for most, n in QUICK_THREADS if case.flops <= most) if quick else THREADS
                results.timings += pool.measure(case, section, settings, only, threads)
        if "scaling" in sections:
            results.timings += scaling.over_widths(pool, settings, quick)
            results.timings += scaling.over_rows(pool, settings, quick)
        pool.measure_peaks()
        results.absences += pool.absences
        results.peaks, results.idle = pool.peaks, pool.idle()


def measure_the_rest(results: Results, sections: tuple[str, ...], peers: tuple[str, ...]) -> None:
    """Fill the sections that bring their own processes."""
    quick = results.quick
    if "estimators" in sections:
        results.fits = estimators.measure(5 if quick else 9, THREADS[:1] if quick else THREADS, quick, results.absences)
    if "many" in sections:
        results.many = many.measure(
            3 if quick else 7, THREADS[:1] if quick else THREADS, 5.0 if quick else 60.0, results.absences
        )
    if "cold" in sections:
        results.cold = cold_start.measure(3 if quick else 11, results.absences)
    if "startup" in sections:
        results.startup = startup.measure(2 if quick else 15)
    if "memory" in sections:
        chosen = [p for p in peers if p in memory.VARIANTS and (not quick or p in QUICK_MEMORY)]
        results.memory = memory.measure(chosen, quick, results.absences)


def write(results: Results, folder: Path) -> None:
    """Write the files and print the figures."""
    from benchmarks.plots import draw

    folder.mkdir(parents=True, exist_ok=True)
    computed = figures(results)
    reports = [{**asdict(f), "value": f.value if f.measured else None, "verdict": f.verdict} for f in computed]
    results.save(folder / "results.json", reports)
    (folder / "results.md").write_text(page(results, computed))
    made = draw(results, folder)
    for figure in computed:
        if figure.measured:
            print(f"{figure.verdict:>8}  {figure.value:10.3g} {figure.unit:<2} {figure.wanted:<16} {figure.name}")
    print(f"A peer is ahead in {len(behind(results))} rows.")
    say(f"wrote {', '.join(str(path) for path in (folder / 'results.md', folder / 'results.json', *made))}")


if __name__ == "__main__":
    sys.exit(main())
