"""The results as one Markdown page."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from benchmarks.driver import REST
from benchmarks.estimators import best_fits, same_work
from benchmarks.figures import UPDATES_WITH_COMPILING, Figure, behind, ratio
from benchmarks.many import EPOCHS, NETWORKS
from benchmarks.results import OURS, Results
from benchmarks.speed import Timing

BUSY = 0.5  # load on the machine before the run, from which on its times are worth little


def page(results: Results, figures: list[Figure]) -> str:
    """Put the whole page together."""
    parts = [_heading(results), _figures(results, figures), _behind(results)]
    parts += [_matrix(results, section, title) for section, title in MATRICES]
    parts += [
        _classifiers(results), _many(results), _cold(results), _memory(results), _scaling(results),
        _absences(results), _details(results),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


MATRICES = (
    ("main", "The six networks"),
    ("batches", "The same at other batches"),
    ("identity", "With an identity output, as scikit-learn's regressor has it"),
)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are set to the right."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def number(value: float) -> str:
    """Three significant digits, or a dash."""
    if math.isnan(value):
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _heading(results: Results) -> str:
    facts = results.environment
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    peaks = "; ".join(
        f"{threads} {'core' if threads == 1 else 'cores'} "
        + " and ".join(f"{rate / 1e9:.0f} GFlop/s in {library}" for library, rate in rates.items())
        for threads, rates in results.peaks.items()
    )
    busy = ""
    if facts["load_before"] > BUSY:
        busy = f"\n\n**The machine was busy (load {facts['load_before']} before the run): the times are worth little.**"
    quick = (
        "\n\nThe quick run tries the settings of each library that are mostly the best, leaves out Adam, other "
        "batches, Keras, torch.compile and FANN on larger networks, and repeats less: the full run is the one to quote."
    )
    return (
        f"# Benchmarks{', the quick run' if results.quick else ''}\n\n"
        f"{facts['date']}, {facts['processor']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}; "
        f"{versions}. The run took {results.seconds / 60:.1f} minutes.\n\n"
        f"Measured sgemm peak: {peaks or 'not measured'}.\n\n"
        "Logistic units, half the squared error averaged over the batch, float32, examples in order, the same initial "
        "weights for all. Before it is timed, each setting's first change of the weights and its cost after 100 "
        'updates are compared with a float64 reference. Times are medians of repeats taken in turns. "Best" is the '
        "fastest of a library's settings and numbers of threads, chainrule's too."
        + (quick if results.quick else "")
        + busy
    )


def _figures(results: Results, figures: list[Figure]) -> str:
    reached, measured = sum(f.reached for f in figures if f.measured), sum(f.measured for f in figures)
    rows = [(f.name, f.wanted, f"{number(f.value)} {f.unit}".strip(), f.verdict) for f in figures]
    networks = [case[0] for case in results.cases("main") if case[2] == "adam"]
    adam = ""
    if networks:
        adam = "\n\nThe figures are of gradient descent. With Adam:\n\n" + table(
            ("network", "against PyTorch eager", "against JAX scan"),
            [
                (n, *(f"{number(ratio(results, n, peer, 'adam'))} x" for peer in ("PyTorch eager", "JAX scan")))
                for n in networks
            ],
        )
    return (
        f"## Figures to reach: {reached} of {measured} measured\n\n"
        + table(("figure", "wanted", "measured", ""), rows)
        + f"\n\nCompiling counts in a training of {UPDATES_WITH_COMPILING:,} updates."
        + adam
    )


def _behind(results: Results) -> str:
    rows = [
        (
            row.what,
            row.peer,
            f"{number(row.theirs)} {row.unit}",
            f"{number(row.ours)} {row.unit}",
            f"{row.factor:.2f} x",
        )
        for row in behind(results)
    ]
    if not rows:
        return "## Where a peer is ahead\n\nNowhere in this run."
    return f"## Where a peer is ahead: {len(rows)} rows\n\n" + table(
        ("what", "who", "theirs", "chainrule's", "chainrule takes"), rows
    )


def _matrix(results: Results, section: str, title: str) -> str:
    """Microseconds of an update: a row for each case, a column for each peer at its best."""
    peers, rows = results.peers(section), []
    if not peers:
        return ""
    for case in results.cases(section):
        network, batch, rule, _ = case
        cells = [results.best(section, case, peer) for peer in peers]
        name = f"{network}, batch {batch}, {'Adam' if rule == 'adam' else 'descent'}"
        rows.append((name, *("–" if t is None else number(1e6 * t.median) for t in cells)))
    return f"## {title}: microseconds of an update, each at its best\n\n" + table(("network", *peers), rows)


def _details(results: Results) -> str:
    """Every setting that was timed."""
    header = (
        "peer", "setting", "threads", "us an update", "middle half", "updates/s", "examples/s", "sgemm peak",
        "compile s",
    )  # fmt: skip
    parts = ["## Every setting"]
    for section, title in (*MATRICES, ("widths", "Widths"), ("rows", "Rows")):
        for case in results.cases(section):
            timings = [t for t in results.timings if (t.section, t.case) == (section, case)]
            network, batch, rule, _ = case
            parts.append(f"### {title}: {network}, batch {batch}, {rule.replace('_', ' ')}")
            parts.append(table(header, [_detail(results, t) for t in timings]))
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _detail(results: Results, t: Timing) -> tuple[object, ...]:
    marks = ", ".join(word for word, holds in (("default", t.default), ("best", t.best)) if holds)
    setting = f"{t.variant} ({marks})" if marks else t.variant
    if t.note:
        setting += f", engine {t.note}"
    if t.section == "rows":
        setting += f", {t.rows:,} rows"
    return (
        t.peer, setting, t.threads, number(1e6 * t.median),
        f"{number(1e6 * t.quarter)} to {number(1e6 * t.three_quarters)}", number(1 / t.median),
        number(t.batch / t.median), f"{number(100 * results.share_of_peak(t))} %", number(t.compile_s),
    )  # fmt: skip


def _classifiers(results: Results) -> str:
    rows = []
    for job, fits in best_fits(results.fits).items():
        ours, theirs = fits[OURS], fits["scikit-learn"]
        same = "" if same_work(fits) else " (they differ)"
        rows.append(
            (
                job.name,
                number(ours.median),
                number(theirs.median),
                f"{number(theirs.median / ours.median)} x",
                f"{ours.cost:.4f}",
                f"{theirs.cost:.4f}{same}",
            )
        )
    if not rows:
        return ""
    return "## Against scikit-learn's MLPClassifier: seconds of a fit\n\n" + table(
        ("job", "chainrule", "scikit-learn", "ratio", "cost", "scikit-learn's cost"), rows
    )


def _many(results: Results) -> str:
    if not results.many:
        return ""
    loop = results.many_named("chainrule.fit in a loop")
    rows = [
        (
            m.way,
            m.threads,
            number(m.seconds),
            number(m.compile_s),
            "–" if loop is None else f"{number(loop.seconds / m.seconds)} x",
            f"{100 * m.learned:.0f} %",
            "all" if m.trained == NETWORKS else f"{m.trained}, and scaled",
        )
        for m in results.many
    ]
    missing = (
        "" if any("at once" in m.way for m in results.many) else "\n\nchainrule has no call for many networks yet."
    )
    return (
        f"## {NETWORKS:,} XOR networks of {EPOCHS:,} epochs\n\n"
        + table(("way", "threads", "seconds", "compile s", "against the loop", "learned XOR", "networks run"), rows)
        + missing
    )


def _cold(results: Results) -> str:
    parts = []
    for title, times in (("From a cold process to a trained wine model", results.cold), ("Starting", results.startup)):
        if times:
            rows = [
                (name, number(1000 * statistics.median(t)), f"{number(1000 * min(t))} to {number(1000 * max(t))}")
                for name, t in times.items()
            ]
            parts.append(f"## {title}: milliseconds\n\n" + table(("process", "median", "range"), rows))
    return "\n\n".join(parts)


def _memory(results: Results) -> str:
    if not results.memory:
        return ""
    rows = [
        (m.network, m.peer, *(f"{b / 1e6:.0f}" for b in (m.imported, m.peak, m.data, m.parameters)))
        for m in results.memory
    ]
    return "## Peak resident memory: megabytes, two epochs in a fresh process\n\n" + table(
        ("network", "peer", "after imports", "peak above them", "data", "parameters"), rows
    )


def _scaling(results: Results) -> str:
    parts = []
    for section, title in (
        ("widths", "Width of a network w-w-w, batch 32"),
        ("rows", "Resident rows, 64-64-10, batch 32"),
    ):
        peers = results.peers(section)
        sizes = list(dict.fromkeys((t.network, t.rows) for t in results.timings if t.section == section))
        rows = []
        for network, n in sizes:
            best = [
                min(
                    (
                        t.median
                        for t in results.timings
                        if (t.section, t.network, t.rows, t.peer) == (section, network, n, p)
                    ),
                    default=math.nan,
                )
                for p in peers
            ]
            rows.append((network.split("-")[0] if section == "widths" else f"{n:,}", *(number(1e6 * b) for b in best)))
        if rows:
            parts.append(f"## {title}: microseconds of an update\n\n" + table((section, *peers), rows))
    return "\n\n".join(parts)


def _absences(results: Results) -> str:
    parts = []
    for failed, title in ((True, "Failed"), (False, "Left out, and why")):
        rows: dict[tuple[str, str], list[str]] = {}
        for a in results.absences:
            if a.failed == failed:
                rows.setdefault((a.peer, a.why), []).append(f"{a.what} (threads {a.threads})")
        if rows:
            shown = [
                (peer, why, "; ".join(w[:3]) + (f"; {len(w) - 3} more" if len(w) > 3 else ""))
                for (peer, why), w in rows.items()
            ]
            parts.append(f"## {title}\n\n" + table(("peer", "why", "what"), shown))
    if results.idle:
        restless = "; ".join(f"{name}: {1000 * t:.0f} ms" for name, t in results.idle.items() if t > REST)
        most = f"none burnt more than {1000 * max(results.idle.values()):.0f} ms, most of it in the rest after its turn"
        parts.append(f"Processor time that processes took between two of their turns: {restless or most}.")
    return "\n\n".join(parts)
