"""Drawing the curves of one label or of many, each against the rest, with their areas in the legend."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from chainrule.numerals import share
from chainrule.show.plots.rates import Curve
from chainrule.show.plots.style import FAINT, INK, SERIES, SOFT, height_of, lines_so_far, short

MOST_NAMED = len(SERIES)  # labels that get a colour each; of more the lowest do
LONGEST_NAME = 26
ORDER = ("curve", "other", "macro average", "micro average", "absent", "chance")


class Drawn(Protocol):
    """What a display of such curves has."""

    curves: tuple[Curve, ...]
    macro: Curve | None
    micro: Curve | None
    absent: tuple[str, ...]


def draw_curves(
    ax: Any, curves: Drawn, *, name: str | None, steps: bool, chance: float, corner: str, roomy: bool
) -> None:
    """Draw all curves and the level of chance, and write the legend.

    Parameters
    ----------
    ax : matplotlib Axes
    curves : Drawn
    name : str or None
        Of the source, for the legend; None names single curves by their class.
    steps : bool
        True draws a staircase (precision and recall), False straight lines (ROC).
    chance : float
        The precision of guessing; a ROC's is the diagonal.
    corner : str
        Where the legend stands: a corner that good curves leave free.
    roomy : bool
        Whether there is room for a long legend beside the axes.
    """
    style = {"drawstyle": "steps-post" if steps else "default"}
    named, others = _divided(curves.curves)
    if others:
        for curve in others:
            ax.plot(curve.x, curve.y, color=FAINT, linewidth=0.9, zorder=1.8, gid="other", **style)
        low, high = share(others[0].area), share(others[-1].area)
        # The key stands for all of them.
        ax.lines[-1].set_label(f"{len(others)} others: {low} to {high}" if len(others) > 1 else f"1 other: {low}")
    several = curves.macro is not None
    for curve in named:
        label = short(curve.name, LONGEST_NAME)
        if name is not None:
            label = f"{name}: {label}" if several else name
        colour = SERIES[lines_so_far(ax) % len(SERIES)]
        ax.plot(curve.x, curve.y, color=colour, label=f"{label}  {share(curve.area)}", gid="curve", **style)
    for average, dashes in ((curves.macro, (0, (5, 2))), (curves.micro, (0, (1, 1)))):
        if average is not None:
            ax.plot(
                average.x, average.y, color=INK, linewidth=2.2, linestyle=dashes, zorder=3,
                label=f"{average.name}  {share(average.area)}", gid=average.name, **style,
            )  # fmt: skip
    _chance(ax, chance, steps, several)
    for absent in curves.absent:
        ax.plot([], [], " ", label=f"{short(absent, LONGEST_NAME)}  no curve", gid="absent")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    _legend(ax, "average precision" if steps else "area under the curve", None if several and roomy else corner)


def _legend(ax: Any, heading: str, corner: str | None) -> None:
    """Write the legend into a corner, or beside the axes where there is none; classes come first and chance last."""
    keys = sorted(zip(*ax.get_legend_handles_labels(), strict=True), key=lambda key: ORDER.index(key[0].get_gid()))
    # In small axes the letters shrink, so that curves remain to be seen.
    size = float(np.clip(0.55 * height_of(ax) / (1.35 * (len(keys) + 1)), 6, 9))
    place: dict[str, Any] = {"loc": corner, "framealpha": 0.88, "edgecolor": "none"}
    if corner is None:
        place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
    ax.legend(
        [handle for handle, _ in keys], [label for _, label in keys], title=heading, alignment="left", fontsize=size,
        title_fontsize=size, labelspacing=0.35, handlelength=1.9, borderpad=0.3, **place,
    )  # fmt: skip


def size_of(curves: Drawn) -> tuple[float, float]:
    """Return the size in inches of a figure of its own: square, and beside it the legend where it is long."""
    if curves.macro is None:
        return 5.2, 5.2
    names = [short(curve.name, LONGEST_NAME) for curve in curves.curves]
    longest = max(map(len, [*names, *(short(name, LONGEST_NAME) + "   " for name in curves.absent), "micro average"]))
    return 5.2 + 0.5 + 0.07 * max(LONGEST_NAME, longest + 7), 5.2


def _divided(each: tuple[Curve, ...]) -> tuple[list[Curve], list[Curve]]:
    """Which curves are named, in their own order, and which are not, from the lowest to the highest."""
    if len(each) <= MOST_NAMED:
        return list(each), []
    by_area = sorted(each, key=lambda curve: curve.area)
    lowest = by_area[: MOST_NAMED - 1]
    return lowest, by_area[MOST_NAMED - 1 :]


def _chance(ax: Any, chance: float, steps: bool, several: bool) -> None:
    if any(line.get_gid() == "chance" for line in ax.lines):
        return
    y = np.array([chance, chance]) if steps else np.array([0.0, 1.0])
    label = "chance" + (f"  {share(chance)}" if steps else "") + (" (mean)" if steps and several else "")
    ax.plot([0, 1], y, color=SOFT, linewidth=1, linestyle=":", label=label, zorder=1.5, gid="chance")
