"""The one look of all pictures: colours, sizes, the axes to draw on, and how they are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.errors import UsageError
from chainrule.numerals import MINUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people tell apart with any kind of colour vision; their yellow is too pale for lines.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
# Paul Tol's muted colours, for areas of more classes than that.
MUTED = ("#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#777777")
INK, SOFT, GRID, FAINT = "#222222", "#666666", "#E4E4E4", "#ABABAB"

# Any, as the names of settings are a type of their own in matplotlib.
LOOK: Any = {
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.labelsize": 10.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.facecolor": "white",
    "figure.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.09,
    "figure.constrained_layout.w_pad": 0.09,
    "legend.fontsize": 9.0,
    "legend.title_fontsize": 9.0,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
}
INSTALL = 'Run: pip install "chainrule[plots]"'
TITLE_CHARACTER = 6.6  # points, on average
KEY_ROW, KEY, KEY_CHARACTER = 14.0, 30.0, 4.6  # points: the height of a row of keys, a key, a letter beside it
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Grid(NamedTuple):
    """How the panels of a picture are laid out.

    Attributes
    ----------
    rows, columns : int
    size : (float, float)
        Inches, of a figure of its own.
    heights : sequence of float or None
        The rows' heights relative to each other.
    share_x : bool
        Whether the panels of a column have the same x axis.
    """

    rows: int = 1
    columns: int = 1
    size: tuple[float, float] = (6.0, 4.2)
    heights: Sequence[float] | None = None
    share_x: bool = False


@contextmanager
def panels(ax: Any, grid: Grid) -> Iterator[list[Axes]]:
    """Give the axes to draw on, row by row, in this module's look; the person's own settings stay as they are.

    Parameters
    ----------
    ax : matplotlib Axes, sequence of Axes, or None
        None makes a new figure. Axes in the number of the panels are drawn on; single ones are divided where there
        are more panels.
    grid : Grid

    Raises
    ------
    UsageError
        If matplotlib is not installed, or `ax` is something else.
    """
    try:
        import matplotlib
        from matplotlib import pyplot
    except ImportError:
        raise UsageError(f"pictures need matplotlib, which is not installed. {INSTALL}") from None
    with matplotlib.rc_context(LOOK):
        if ax is None:
            figure = pyplot.figure(figsize=grid.size, layout="constrained")
            axes = _divided(figure, figure.add_gridspec(grid.rows, grid.columns, height_ratios=grid.heights), grid)
        else:
            axes = _given(ax, grid)
        for one in axes:
            _dress(one)
        yield axes


def _given(ax: Any, grid: Grid) -> list[Axes]:
    from matplotlib.axes import Axes
    from matplotlib.gridspec import GridSpec, GridSpecFromSubplotSpec

    n = grid.rows * grid.columns
    axes = list(np.ravel(np.asarray(ax, dtype=object)))
    if not axes or not all(isinstance(one, Axes) for one in axes):
        raise UsageError(f"ax must be matplotlib axes, as plt.subplots() makes them; received {type(ax).__name__}.")
    if len(axes) == n:
        return axes
    if len(axes) > 1:
        raise UsageError(f"this picture has {n} panels; received {len(axes)} axes. Give {n}, or one to be divided.")
    (whole,) = axes
    whole.set_axis_off()
    figure, spot = whole.get_figure(root=False), whole.get_subplotspec()
    division: Any
    if spot is not None:
        division = GridSpecFromSubplotSpec(grid.rows, grid.columns, subplot_spec=spot, height_ratios=grid.heights)
    else:  # axes that were placed by hand
        box = whole.get_position()
        edges = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
        division = GridSpec(grid.rows, grid.columns, figure=figure, height_ratios=grid.heights, **edges)
    return _divided(figure, division, grid)


def _divided(figure: Any, division: Any, grid: Grid) -> list[Axes]:
    axes: list[Axes] = []
    for place in range(grid.rows * grid.columns):
        row, column = divmod(place, grid.columns)
        above = axes[column] if grid.share_x and row else None
        axes.append(figure.add_subplot(division[row, column], sharex=above))
        if grid.share_x and row < grid.rows - 1:
            axes[-1].tick_params(labelbottom=False)
    return axes


def _dress(ax: Axes) -> None:
    """What settings do for new axes only, done for given ones too."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)


def title(ax: Axes, words: str, more: str = "", keys: bool = False) -> None:
    """Write the title at the left; `more` follows where there is room.

    `keys` puts what the legend knows between title and axes, where it covers nothing, in as many rows as it takes.
    """
    room = int(width_of(ax) / TITLE_CHARACTER)
    words = words + more if len(words + more) <= room else short(words, max(8, room))
    rows = _keys(ax) if keys else 0
    ax.set_title(words, loc="left", pad=8 + KEY_ROW * rows)


def _keys(ax: Axes) -> int:
    """Write the legend above the axes, and return in how many rows."""
    handles, labels = ax.get_legend_handles_labels()
    widest = max(len(str(label)) for label in labels) * KEY_CHARACTER + KEY
    together = sum(len(str(label)) * KEY_CHARACTER + KEY for label in labels)
    width = width_of(ax)
    columns = len(labels) if together <= width else max(1, int(width / widest))
    legend = ax.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, frameon=False, borderaxespad=0.1,
        borderpad=0.2, columnspacing=1.2, handlelength=1.6, handletextpad=0.5, labelspacing=0.2,
    )  # fmt: skip
    # Axes that were given keep their width; the title above already makes a layout leave room for these rows.
    legend.set_in_layout(False)
    return -(-len(labels) // columns)


def short(name: str, most: int) -> str:
    """Leave out the middle of a long name: names that begin alike often end differently.

    >>> short("class number 17", 10), short("short", 10)
    ('class … 17', 'short')
    """
    if len(name) <= most:
        return name
    kept = max(2, most - 1)
    tail = kept // 3
    return f"{name[: kept - tail]}…{name[-tail:] if tail else ''}"


def width_of(ax: Axes) -> float:
    """The width of axes in points, as far as it is known before a figure is drawn."""
    return _points(ax, ax.get_window_extent().width)


def height_of(ax: Axes) -> float:
    """The height of axes in points, as far as it is known before a figure is drawn."""
    return _points(ax, ax.get_window_extent().height)


def _points(ax: Axes, pixels: float) -> float:
    return float(pixels) * 72 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]


def whole_numbers(axis: Any, most: int = 8) -> None:
    """Mark whole numbers only, with commas between thousands."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def plain_numbers(axis: Any, most: int = 6) -> None:
    """Mark a few numbers, each written out whole: a common factor in a corner is easily missed."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def tick(value: float) -> str:
    """Write the number at a tick.

    >>> tick(0.1 + 0.2), tick(-2500.0), tick(1.5e6), tick(2e-7)
    ('0.3', '−2,500', '1.5·10⁶', '2·10⁻⁷')
    """
    if value == 0:
        return "0"
    sign = MINUS if value < 0 else ""
    if 1e-4 <= abs(value) < 1e5:
        return sign + f"{abs(value):,.6f}".rstrip("0").rstrip(".")
    mantissa, _, power = f"{abs(value):.4e}".partition("e")
    return f"{sign}{mantissa.rstrip('0').rstrip('.')}·10{str(int(power)).translate(_RAISED)}"


def colours(n: int) -> list[Any]:
    """Return colours for the areas of n classes."""
    if n <= len(SERIES):
        return list(SERIES[:n])
    if n <= len(MUTED):
        return list(MUTED[:n])
    import matplotlib

    return list(matplotlib.colormaps["turbo"](np.linspace(0.05, 0.95, n)))


def lines_so_far(ax: Axes) -> int:
    """How many curves these displays have drawn on the axes: the next one takes the next colour."""
    return sum(line.get_gid() == "curve" for line in ax.lines)
