"""The plots of a run: time against network size and rows, the six networks, and time against threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.figures import at_own_batch
from benchmarks.results import OURS, Results

# One colour each, told apart by eyes that do not tell red from green (Okabe and Ito's), chainrule's the darkest.
COLOURS = {
    OURS: "#000000",
    "PyTorch eager": "#D55E00",
    "PyTorch compiled": "#E69F00",
    "JAX step": "#56B4E9",
    "JAX scan": "#0072B2",
    "Keras on JAX": "#009E73",
    "FANN": "#CC79A7",
    "scikit-learn": "#999999",
}
MARKERS = dict(zip(COLOURS, "os^vDPX*", strict=True))
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "chainrule",
    "figure.constrained_layout.use": True,
}


def draw(results: Results, folder: Path) -> list[Path]:
    """Write each plot that the run has numbers for, as SVG and as PNG."""
    made = []
    with mpl.rc_context(STYLE):
        for name, plot in (("size", _size), ("networks", _networks), ("threads", _threads)):
            figure = plot(results)
            if figure is None:
                continue
            for ending in ("svg", "png"):
                made.append(folder / f"{name}.{ending}")
                figure.savefig(made[-1], dpi=144, metadata={"Date": None} if ending == "svg" else None)
            plt.close(figure)
    return made


def _size(results: Results) -> Any:
    """Time of an update against weights x batch, and against the resident rows."""
    if not results.cases("widths"):
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.6), width_ratios=(3, 2))
    for peer in results.peers("widths"):
        best = [t for case in results.cases("widths") if (t := results.best("widths", case, peer))]
        _line(left, peer, [t.n_weights * t.batch for t in best], [1e6 * t.median for t in best])
    widest = [t for t in results.timings if t.section == "widths" and t.peer == OURS]
    if widest and results.peaks:
        threads = max(t.threads for t in widest)
        bound = sorted({(t.n_weights * t.batch, 1e6 * t.flops / results.peak(threads)) for t in widest})
        left.plot(*zip(*bound, strict=True), color="#777777", linestyle=(0, (4, 3)), linewidth=1)
        x, y = bound[len(bound) // 2]
        left.annotate(
            f"the matrix products alone,\nat the sgemm peak of {threads} core{'s' if threads > 1 else ''}",
            (x, y), xytext=(10, -26), textcoords="offset points", color="#555555", fontsize=8.5,
        )  # fmt: skip
    _log_log(left, "weights × batch (networks w-w-w, batch 32)")
    left.set_ylabel("microseconds of an update")
    left.set_title("Time against network size", loc="left")
    left.legend(loc="upper left")

    for peer in results.peers("rows"):
        fastest: dict[int, float] = {}
        for t in results.timings:
            if (t.section, t.peer) == ("rows", peer):
                fastest[t.rows] = min(t.median, fastest.get(t.rows, t.median))
        _line(right, peer, list(fastest), [1e6 * median for median in fastest.values()])
    _log_log(right, "resident rows (64-64-10, batch 32)")
    right.set_ylim(0.5 * right.get_ylim()[0], 2 * right.get_ylim()[1])
    right.set_title("… and against the number of rows", loc="left")
    return figure


def _networks(results: Results) -> Any:
    """Each peer's time as a multiple of chainrule's, on the six networks at their own batches."""
    cases = [c for c in results.cases("main") if c[2] == "gradient_descent"]
    peers = [p for p in results.peers("main") if p != OURS]
    if not cases or not peers:
        return None
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.17 * len(cases) * (len(peers) + 1.2)))
    height = 1 / (len(peers) + 1.2)
    for row, case in enumerate(cases):
        ours = results.best("main", case, OURS)
        for k, peer in enumerate(peers):
            theirs = results.best("main", case, peer)
            if ours is None or theirs is None:
                continue
            factor = theirs.median / ours.median
            y = row + (k - (len(peers) - 1) / 2) * height
            axes.barh(y, factor - 1, height * 0.86, left=1, color=COLOURS[peer], label=peer if row == 0 else None)
            axes.annotate(
                f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}",
                (factor, y), xytext=(3 if factor >= 1 else -3, 0), textcoords="offset points",
                va="center", ha="left" if factor >= 1 else "right", fontsize=8,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.axvline(1, color="#000000", linewidth=1.2)
    axes.set_yticks(range(len(cases)), [f"{c[0]}\nbatch {c[1]}" for c in cases])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.08)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.set_xlabel("time of an update, as a multiple of chainrule's (left of the line the peer is ahead)")
    axes.set_title("Each at its best, gradient descent", loc="left")
    handles, labels = axes.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=min(4, len(named)))
    return figure


def _threads(results: Results) -> Any:
    """Time of an update on each number of threads, as a share of the time on one."""
    threads = sorted({t.threads for t in results.timings if t.section == "main"})
    networks = list(dict.fromkeys(case[0] for case in results.cases("main")))
    if len(threads) < 2 or not networks:
        return None
    columns = 3
    rows = -(-len(networks) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(10.5, 2.9 * rows), sharex=True, squeeze=False)
    for axes, network in zip(grid.flat, networks, strict=False):
        case = at_own_batch(results, network)
        for peer in results.peers("main"):
            found = [results.best("main", case, peer, n) for n in threads] if case else []
            times = [(n, 1e6 * t.median) for n, t in zip(threads, found, strict=False) if t is not None]
            if times:
                _line(axes, peer, *map(list, zip(*times, strict=True)))
        axes.set_yscale("log")
        _plain_numbers(axes)
        axes.set_title(f"{network}, batch {case[1] if case else ''}", loc="left", fontsize=10)
        axes.set_xticks(threads)
        axes.margins(x=0.25, y=0.15)
    for axes in grid[-1]:
        axes.set_xlabel("threads")
    for axes in grid[:, 0]:
        axes.set_ylabel("microseconds of an update")
    for axes in list(grid.flat)[len(networks) :]:
        axes.set_visible(False)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, len(labels)))
    return figure


def _line(axes: Axes, peer: str, x: list[Any], y: list[Any]) -> None:
    axes.plot(
        x, y, color=COLOURS[peer], marker=MARKERS[peer], markersize=5, linewidth=2.4 if peer == OURS else 1.5,
        label=peer, zorder=3 if peer == OURS else 2,
    )  # fmt: skip


def _log_log(axes: Axes, x_label: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    _plain_numbers(axes)
    axes.set_xlabel(x_label)


def _plain_numbers(axes: Axes) -> None:
    """Write 0.1, 10 and 10,000 on a logarithmic axis, at powers of ten or, on a short one, at 1, 2 and 5 times them."""
    low, high = axes.get_ylim()
    if high / low < 100:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.7g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
