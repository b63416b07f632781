"""How the time of an update grows: with weights x batch, and with the number of resident rows."""

from __future__ import annotations

import math

from benchmarks.cases import Case, resident
from benchmarks.speed import Pool, Settings, Timing

WIDTHS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
QUICK_WIDTHS, QUICK_THREADS = (8, 64, 512, 1024), (1,)  # the quick run's; its peers were checked on the main cases
ROWS = (1_000, 10_000, 100_000, 1_000_000)
PEERS = ("chainrule", "PyTorch eager", "JAX scan")
BATCH = 32
BEYOND_CACHE = 512  # from this width on, a network w-w-w has more weights than a core's cache of about a megabyte


def over_widths(pool: Pool, settings: Settings, quick: bool) -> list[Timing]:
    """Networks w-w-w at a batch of 32."""
    return [
        timing
        for w in (QUICK_WIDTHS if quick else WIDTHS)
        for timing in pool.measure(
            resident(Case((w, w, w), BATCH)),
            "widths",
            settings,
            only=PEERS,
            threads=QUICK_THREADS if quick else None,
            checked=not quick,
        )
    ]


def over_rows(pool: Pool, settings: Settings, quick: bool) -> list[Timing]:
    """64-64-10 at a batch of 32, over more and more rows."""
    return [
        timing
        for n in (ROWS[:3] if quick else ROWS)
        for timing in pool.measure(
            Case((64, 64, 10), BATCH, updates=n // BATCH),
            "rows",
            settings,
            only=PEERS[:1] if quick else PEERS,
            threads=QUICK_THREADS if quick else None,
            checked=False,
        )
    ]


def slope_beyond_cache(timings: list[Timing]) -> float:
    """The exponent of the time in weights x batch, by least squares between the widths beyond the cache."""
    points = [
        (math.log(t.n_weights * t.batch), math.log(t.median))
        for t in timings
        if int(t.network.split("-")[0]) >= BEYOND_CACHE
    ]
    if len(points) < 2:
        return math.nan
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum((x - x_mean) ** 2 for x, _ in points)


def spread_over_rows(timings: list[Timing]) -> float:
    """The slowest number of rows against the fastest."""
    medians = [t.median for t in timings]
    return max(medians) / min(medians) if medians else math.nan
