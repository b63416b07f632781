"""Everything that one run measured, and how to look things up in it."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.estimators import Fit
from benchmarks.many import Many
from benchmarks.memory import Memory
from benchmarks.speed import Absence, Timing

OURS = "chainrule"


@dataclass
class Results:
    """Filled section by section."""

    quick: bool
    environment: dict[str, Any]
    timings: list[Timing] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    peaks: dict[int, dict[str, float]] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)
    memory: list[Memory] = field(default_factory=list)
    startup: dict[str, list[float]] = field(default_factory=dict)
    cold: dict[str, list[float]] = field(default_factory=dict)
    fits: list[Fit] = field(default_factory=list)
    many: list[Many] = field(default_factory=list)
    seconds: float = 0.0

    def peak(self, threads: int, libraries: tuple[str, ...] | None = None) -> float:
        """The best measured sgemm rate of some libraries or all, flops per second, NaN where none was measured."""
        rates = self.peaks.get(threads, {})
        return max((rate for name, rate in rates.items() if libraries is None or name in libraries), default=math.nan)

    def share_of_peak(self, timing: Timing, libraries: tuple[str, ...] | None = None) -> float:
        """The flops of the matrix products per second, against the peak of as many cores."""
        return timing.flops / timing.median / self.peak(timing.threads, libraries)

    def cases(self, section: str) -> list[tuple[str, int, str, str]]:
        """The cases of a section in the order of their measurement."""
        return list(dict.fromkeys(t.case for t in self.timings if t.section == section))

    def best(
        self, section: str, case: tuple[str, int, str, str], peer: str, threads: int | None = None
    ) -> Timing | None:
        """A peer's fastest setting on a case, over all numbers of threads or for one."""
        return min(
            (
                t
                for t in self.timings
                if (t.section, t.case, t.peer) == (section, case, peer) and threads in (None, t.threads)
            ),
            key=lambda t: t.median,
            default=None,
        )

    def peers(self, section: str) -> list[str]:
        """Who was timed in a section, chainrule first."""
        return list(
            dict.fromkeys(t.peer for t in sorted(self.timings, key=lambda t: t.peer != OURS) if t.section == section)
        )

    def many_named(self, way: str) -> Many | None:
        """The fastest number of threads of one way to train many networks."""
        return min((m for m in self.many if m.way == way), key=lambda m: m.seconds, default=None)

    def save(self, path: Path, figures: list[dict[str, Any]]) -> None:
        """Write JSON."""
        everything = asdict(self)
        for row, timing in zip(everything["timings"], self.timings, strict=True):
            row["updates_per_second"] = 1 / timing.median
            row["examples_per_second"] = timing.batch / timing.median
            share = self.share_of_peak(timing)
            row["share_of_sgemm_peak"] = None if math.isnan(share) else share
        everything["absences"] = [absence._asdict() for absence in self.absences]
        everything["figures"] = figures
        path.write_text(json.dumps(everything, indent=1, allow_nan=False))


def median_of(times: dict[str, list[float]], name: str) -> float:
    """The median of one named list, NaN where it was not measured."""
    return statistics.median(times[name]) if times.get(name) else math.nan
