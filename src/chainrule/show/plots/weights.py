"""Histograms of the weights and the biases of each layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.numerals import number
from chainrule.show.plots.histogram import Histogram, draw_bars, histogram
from chainrule.show.plots.sources import layers
from chainrule.show.plots.style import BLUE, GREEN, Grid, panels, title


@dataclass(eq=False)
class WeightHistogramDisplay:
    """Histograms of weights and biases, a row of two panels for each layer.

    Make one with `from_estimator`.

    Attributes
    ----------
    weights : tuple of arrays (fan_in, fan_out)
        Of layers 1, 2, ...
    biases : tuple of arrays (fan_out,) or None
        None is a layer without biases.
    bins : int or None
        Of each histogram; by default as many as the numbers call for.
    weight_histograms, bias_histograms : tuples of Histogram or None
        The counts that are drawn, and the edges between them.
    ax_, axes_, figure_
        The first axes, all axes, and the figure, once it is drawn.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray | None, ...]
    bins: int | None = None
    weight_histograms: tuple[Histogram, ...] = field(init=False, repr=False)
    bias_histograms: tuple[Histogram | None, ...] = field(init=False, repr=False)
    ax_: Any = field(default=None, init=False, repr=False)
    axes_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for values in (*self.weights, *self.biases):
            if values is not None and not np.isfinite(values).all():
                raise UsageError("weights must be finite; this network holds others. It has diverged: train it again.")
        self.weight_histograms = tuple(histogram(W, self.bins) for W in self.weights)
        self.bias_histograms = tuple(None if b is None else histogram(b, self.bins) for b in self.biases)

    @classmethod
    def from_estimator(cls, estimator: Any, *, bins: int | None = None, ax: Any = None) -> WeightHistogramDisplay:
        """Read the weights off a fitted source, and draw their histograms.

        Parameters
        ----------
        estimator : estimator, Pipeline, search, Model, TrainingState or Network
            Of a pipeline the last step, of a search its best estimator.
        bins : int, optional
        ax : matplotlib Axes, optional
            Where to draw; divided into the panels. By default a new figure.

        Returns
        -------
        WeightHistogramDisplay

        Raises
        ------
        UsageError
            If the source is not fitted, has no weights, or weights that are not finite.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import WeightHistogramDisplay
        >>> model = cr.train("iris", hidden=5, epochs=5, seed=0)
        >>> display = WeightHistogramDisplay.from_estimator(model)
        >>> [int(h.counts.sum()) for h in display.weight_histograms]
        [20, 15]
        """
        weights, biases = zip(*layers(estimator), strict=True)
        return cls(weights, biases, bins).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> WeightHistogramDisplay:
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        WeightHistogramDisplay
            Itself.
        """
        L = len(self.weights)
        columns = 2 if any(b is not None for b in self.biases) else 1
        with panels(ax, Grid(L, columns, (3.6 * columns, 2.2 * L + 0.3))) as axes:
            for l in range(L):
                where = f"layer {l + 1}" + (" (output)" if l == L - 1 else "")
                _panel(axes[columns * l], self.weights[l], self.weight_histograms[l], f"Weights, {where}", BLUE)
                if columns == 2:
                    _panel(axes[2 * l + 1], self.biases[l], self.bias_histograms[l], f"Biases, {where}", GREEN)
        self.ax_, self.axes_, self.figure_ = axes[0], tuple(axes), axes[0].figure
        return self


def _panel(ax: Any, values: np.ndarray | None, bars: Histogram | None, words: str, colour: str) -> None:
    if values is None or bars is None:
        ax.set_axis_off()
        return
    mean, spread = number(float(values.mean()), 2), number(float(values.std()), 2)
    draw_bars(ax, bars, colour, [f"{values.size:,} in all", f"mean {mean}", f"sd {spread}"])
    title(ax, words)
