"""The figures to reach, each computed from one run: reached, missed or not measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.estimators import best_fits, same_work
from benchmarks.results import OURS, Results, median_of
from benchmarks.scaling import slope_beyond_cache, spread_over_rows
from benchmarks.speed import Timing

# Times as fast as PyTorch eager at its best, and as JAX's scan at its best with compiling left out.
AGAINST_PYTORCH = {
    "2-2-1": 1500.0,
    "13-16-3": 350.0,
    "64-64-10": 20.0,
    "784-128-10": 2.3,
    "28-300-300-1": 1.3,
    "784-1024-1024-10": 1.05,
}
AGAINST_JAX_SCAN = {
    "2-2-1": 1.0,
    "13-16-3": 10.0,
    "64-64-10": 1.8,
    "784-128-10": 1.6,
    "28-300-300-1": 1.1,
    "784-1024-1024-10": 1.05,
}
AHEAD_WITH_COMPILING = ("2-2-1", "13-16-3", "64-64-10", "784-128-10")
UPDATES_WITH_COMPILING = 10_000  # the length of a training that compiling is counted in
AGAINST_SCIKIT_LEARN = {"wine": 250.0, "digits": 12.0}
# Of the better of NumPy's and PyTorch's products, and of the best of all libraries measured: XLA's products can be
# faster on processors that the others' libraries do not know.
PEAKS = {"NumPy's or PyTorch's": ("NumPy", "PyTorch"), "any library's": None}
SHARES_OF_PEAK = {"64-64-10": (1, 0.50), "784-128-10": (1, 0.75), "784-1024-1024-10": (2, 0.85)}  # threads, share
COLD = {"scikit-learn": 4.0, "PyTorch": 6.0}
SLOPE = (0.85, 1.15)  # of log time over log (weights x batch), beyond the cache
FLAT = 1.25  # the slowest number of rows against the fastest
QUICK_SECONDS = 300.0


@dataclass(frozen=True)
class Figure:
    """A figure to reach; `value` is NaN where this run did not measure it."""

    name: str
    wanted: str
    value: float
    reached: bool
    unit: str = "x"

    @property
    def measured(self) -> bool:
        """Whether this run measured it."""
        return not math.isnan(self.value)

    @property
    def verdict(self) -> str:
        """One or two words."""
        return ("reached" if self.reached else "missed") if self.measured else "not measured"


def figures(results: Results) -> list[Figure]:
    """Compute all of them."""
    return [
        *_against(results, "PyTorch eager", AGAINST_PYTORCH),
        *_against(results, "JAX scan", AGAINST_JAX_SCAN),
        *_with_compiling(results),
        *_classifiers(results),
        *_shares(results),
        *_cold(results),
        *_growth(results),
        *_memory(results),
        *([_at_most("this quick run, seconds", QUICK_SECONDS, results.seconds, "s")] if results.quick else []),
    ]


def at_own_batch(results: Results, network: str, rule: str = "gradient_descent") -> tuple[str, int, str, str] | None:
    """The main case of a network."""
    cases = [c for c in results.cases("main") if c[0] == network and c[2] == rule]
    return cases[0] if cases else None


def ratio(results: Results, network: str, peer: str, rule: str = "gradient_descent") -> float:
    """How many times as fast as a peer at its best, NaN where not measured."""
    case = at_own_batch(results, network, rule)
    if case is None:
        return math.nan
    ours, theirs = results.best("main", case, OURS), results.best("main", case, peer)
    return math.nan if ours is None or theirs is None else theirs.median / ours.median


def _against(results: Results, peer: str, wanted: dict[str, float]) -> list[Figure]:
    return [
        _at_least(f"{network} against {peer} at its best", w, ratio(results, network, peer))
        for network, w in wanted.items()
    ]


def _with_compiling(results: Results) -> list[Figure]:
    found = []
    for network in AHEAD_WITH_COMPILING:
        case = at_own_batch(results, network)
        totals = {
            peer: min(
                (_training(t) for t in results.timings if (t.section, t.case, t.peer) == ("main", case, peer)),
                default=math.nan,
            )
            for peer in (OURS, "JAX scan")
        }
        name = f"{network} against JAX scan, compiling and {UPDATES_WITH_COMPILING:,} updates"
        found.append(_at_least(name, 1.0, totals["JAX scan"] / totals[OURS]))
    return found


def _training(timing: Timing) -> float:
    return timing.compile_s + UPDATES_WITH_COMPILING * timing.median


def _classifiers(results: Results) -> list[Figure]:
    best = best_fits(results.fits)
    found = []
    for table, wanted in AGAINST_SCIKIT_LEARN.items():
        rows = [(job, fits) for job, fits in best.items() if job.table == table]
        for job, fits in rows:
            value = fits["scikit-learn"].median / fits[OURS].median
            figure = _at_least(f"{job.name}, against scikit-learn's MLPClassifier", wanted, value)
            if not same_work(fits):
                figure = Figure(f"{figure.name} (the costs differ)", figure.wanted, value, reached=False)
            found.append(figure)
        if not rows:
            found.append(_at_least(f"{table}, against scikit-learn's MLPClassifier", wanted, math.nan))
    return found


def _shares(results: Results) -> list[Figure]:
    found = []
    for network, (threads, wanted) in SHARES_OF_PEAK.items():
        case = at_own_batch(results, network)
        ours = None if case is None else results.best("main", case, OURS, threads)
        cores = "one core" if threads == 1 else "both cores"
        for whose, libraries in PEAKS.items():
            value = math.nan if ours is None else 100 * results.share_of_peak(ours, libraries)
            found.append(_at_least(f"{network}, share of {whose} sgemm peak on {cores}", 100 * wanted, value, "%"))
    return found


def _cold(results: Results) -> list[Figure]:
    ours = median_of(results.cold, "chainrule train")
    return [
        _at_least(f"cold process to trained wine, against {peer}", wanted, median_of(results.cold, peer) / ours)
        for peer, wanted in COLD.items()
    ]


def _growth(results: Results) -> list[Figure]:
    ours = {section: _best_by_size(results, section) for section in ("widths", "rows")}
    slope = slope_beyond_cache(ours["widths"])
    low, high = SLOPE
    return [
        Figure("exponent of the time in weights x batch, beyond the cache", f"{low} to {high}", slope,
               low <= slope <= high, ""),
        _at_most("slowest against fastest number of rows, 1,000 and up", FLAT, spread_over_rows(ours["rows"])),
    ]  # fmt: skip


def _best_by_size(results: Results, section: str) -> list[Timing]:
    """chainrule's fastest setting for each width, or each number of rows."""
    best: dict[tuple[str, int], Timing] = {}
    for t in results.timings:
        if t.section == section and t.peer == OURS:
            size = (t.network, t.rows)
            if size not in best or t.median < best[size].median:
                best[size] = t
    return list(best.values())


def _memory(results: Results) -> list[Figure]:
    return [
        _at_most(f"{m.network}, peak memory, MB (data + 3 x parameters + 60 MB)", m.bound / 1e6, m.peak / 1e6, "MB")
        for m in results.memory
        if m.peer == OURS
    ]


def _at_least(name: str, wanted: float, value: float, unit: str = "x") -> Figure:
    return Figure(name, f"at least {wanted:g}", value, value >= wanted, unit)


def _at_most(name: str, wanted: float, value: float, unit: str = "x") -> Figure:
    return Figure(name, f"at most {wanted:.4g}", value, value <= wanted, unit)


@dataclass(frozen=True)
class Behind:
    """Where a peer is ahead: seconds of both, or bytes of memory."""

    what: str
    peer: str
    theirs: float
    ours: float
    unit: str

    @property
    def factor(self) -> float:
        """How many times as much chainrule takes."""
        return self.ours / self.theirs


def behind(results: Results) -> list[Behind]:
    """Every measured row in which a peer at its best is ahead of chainrule at its best."""
    found: list[Behind] = []
    for section in ("main", "identity", "batches", "widths"):
        for case in results.cases(section):
            ours = results.best(section, case, OURS)
            for peer in results.peers(section):
                theirs = results.best(section, case, peer)
                if ours and theirs and theirs.median < ours.median:
                    network, batch, rule, output = case
                    what = f"{network}, batch {batch}, {rule.replace('_', ' ')}, {output} output"
                    found.append(Behind(what, peer, 1e6 * theirs.median, 1e6 * ours.median, "us an update"))
    for job, fits in best_fits(results.fits).items():
        theirs_s, ours_s = fits["scikit-learn"].median, fits[OURS].median
        found.append(Behind(f"classifier: {job.name}", "scikit-learn", theirs_s, ours_s, "s"))
    for peer in ("scikit-learn", "PyTorch"):
        ours_s = median_of(results.cold, "chainrule train")
        found.append(Behind("cold process to trained wine", peer, median_of(results.cold, peer), ours_s, "s"))
    ways = [m for way in ("chainrule, all at once", "chainrule.fit in a loop") if (m := results.many_named(way))]
    vmapped = results.many_named("JAX, vmapped")
    if ways and vmapped:
        best = min(m.seconds for m in ways)
        found.append(Behind("1,000 XOR networks of 1,000 epochs", "JAX, vmapped", vmapped.seconds, best, "s"))
    own_memory = {m.network: m.peak for m in results.memory if m.peer == OURS}
    for m in results.memory:
        if m.network in own_memory:
            found.append(
                Behind(
                    f"peak memory above the imports, {m.network}",
                    m.peer,
                    m.peak / 1e6,
                    own_memory[m.network] / 1e6,
                    "MB",
                )
            )
    return sorted((row for row in found if row.theirs < row.ours), key=lambda row: -row.factor)
