"""The histogram of residuals: how far true values lie above or below the predicted ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.numerals import number
from chainrule.show.plots.answers import values_of
from chainrule.show.plots.histogram import Histogram, draw_bars, histogram
from chainrule.show.plots.style import BLUE, INK, VERMILLION, Grid, panels, title
from chainrule.show.plots.truth import Values, values_from


@dataclass(eq=False)
class ResidualHistogramDisplay:
    """Histograms of the residuals, true value minus predicted value, a panel for each target.

    Make one with `from_estimator` or `from_predictions`.

    Attributes
    ----------
    residuals : array (N, targets)
    targets : tuple of str
        The targets' names; empty for a single one without a name.
    bins : int or None
        Of each histogram; by default as many as the numbers call for.
    histograms : tuple of Histogram
        The counts that are drawn, and the edges between them.
    ax_, axes_, figure_
        The first axes, all axes, and the figure, once it is drawn.
    """

    residuals: np.ndarray
    targets: tuple[str, ...] = ()
    bins: int | None = None
    histograms: tuple[Histogram, ...] = field(init=False, repr=False)
    ax_: Any = field(default=None, init=False, repr=False)
    axes_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.histograms = tuple(histogram(column, self.bins) for column in self.residuals.T)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, bins: int | None = None, ax: Any = None
    ) -> ResidualHistogramDisplay:
        """Ask a regressor for its values on some rows, and draw how far they lie from the truth.

        Parameters
        ----------
        estimator : regressor, Pipeline, search, Model or Ensemble
        X : array-like (N, inputs) or any table
            A Model takes by default the rows that it kept for testing.
        y : array-like (N,) or (N, targets)
            A Model finds it in X.
        bins : int, optional
        ax : matplotlib Axes, optional
            Where to draw; divided if there are several targets. By default a new figure.

        Returns
        -------
        ResidualHistogramDisplay

        Raises
        ------
        UsageError
            If the estimator is not fitted or no regressor, or the rows do not fit it.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import ResidualHistogramDisplay
        >>> model = cr.train("diabetes", hidden=4, epochs=20, seed=0)
        >>> display = ResidualHistogramDisplay.from_estimator(model)
        >>> display.residuals.shape == (model.test.rows, 1)
        True
        """
        return cls._of(values_of(estimator, X, y), bins, ax)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_pred: Any, *, targets: Sequence[str] | None = None, bins: int | None = None, ax: Any = None
    ) -> ResidualHistogramDisplay:
        """Draw how far values that are already there lie from the truth.

        Parameters
        ----------
        y_true, y_pred : array-like (N,) or (N, targets)
        targets : sequence of str, optional
            The targets' names.
        bins, ax
            As in `from_estimator`.

        Returns
        -------
        ResidualHistogramDisplay

        Raises
        ------
        UsageError
            If shapes differ, or a value is not finite.

        Examples
        --------
        >>> from chainrule.show.plots import ResidualHistogramDisplay
        >>> display = ResidualHistogramDisplay.from_predictions([1.0, 2.0, 3.0], [1.0, 2.0, 2.0], bins=2)
        >>> display.histograms[0].counts.tolist()
        [2, 1]
        """
        return cls._of(values_from(y_true, y_pred, targets), bins, ax)

    @classmethod
    def _of(cls, values: Values, bins: int | None, ax: Any) -> ResidualHistogramDisplay:
        return cls(values.truth - values.predicted, values.names, bins).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ResidualHistogramDisplay:
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        ResidualHistogramDisplay
            Itself.
        """
        k = self.residuals.shape[1]
        columns = min(k, 3)
        rows = -(-k // columns)
        size = (6.0, 3.9) if k == 1 else (3.9 * columns, 3.2 * rows)
        with panels(ax, Grid(rows, columns, size)) as axes:
            for j, own in enumerate(axes):
                if j >= k:
                    own.set_axis_off()
                    continue
                self._panel(own, j)
                if j % columns == 0:
                    own.set_ylabel("rows")
                if j + columns >= k:
                    own.set_xlabel("true − predicted")
        self.ax_, self.axes_, self.figure_ = axes[0], tuple(axes[:k]), axes[0].figure
        return self

    def _panel(self, ax: Any, j: int) -> None:
        values, bars = self.residuals[:, j], self.histograms[j]
        mean = float(values.mean())
        draw_bars(
            ax, bars, BLUE, [f"mean {number(mean, 3)} (dashed)", f"sd {number(float(values.std()), 3)}"]
        )  # fmt: skip
        top = bars.counts.max()
        ax.vlines(0, 0, top, color=INK, linewidth=1, gid="zero")
        ax.vlines(mean, 0, top, color=VERMILLION, linewidth=1.5, linestyle="--", gid="mean")
        title(ax, self.targets[j] if self.targets else "Residuals")
