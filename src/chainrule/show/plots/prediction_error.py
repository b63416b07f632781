"""Predicted values beside true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.numerals import number, share
from chainrule.show.plots.answers import values_of
from chainrule.show.plots.sources import sklearn_part
from chainrule.show.plots.style import BLUE, INK, SOFT, Grid, panels, plain_numbers, title, width_of
from chainrule.show.plots.truth import Values, values_from

MANY = 2_000  # points, of which a file of lines would grow large


@dataclass(eq=False)
class PredictionErrorDisplay:
    """Predicted values against true ones, a panel for each target; on the line both are the same.

    Make one with `from_estimator` or `from_predictions`.

    Attributes
    ----------
    y_true, y_pred : arrays (N, targets)
    targets : tuple of str
        The targets' names; empty for a single one without a name.
    r2, rmse : tuples of float
        Of each target; R² is NaN where the target is constant.
    ax_, axes_, figure_
        The first axes, all axes, and the figure, once it is drawn.
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    targets: tuple[str, ...] = ()
    r2: tuple[float, ...] = field(init=False)
    rmse: tuple[float, ...] = field(init=False)
    ax_: Any = field(default=None, init=False, repr=False)
    axes_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        metrics = sklearn_part("sklearn.metrics")
        columns = [(self.y_true[:, j], self.y_pred[:, j]) for j in range(self.y_true.shape[1])]
        self.r2 = tuple(float(metrics.r2_score(y, a)) if np.ptp(y) > 0 else float("nan") for y, a in columns)
        self.rmse = tuple(float(metrics.root_mean_squared_error(y, a)) for y, a in columns)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any = None, y: Any = None, *, ax: Any = None) -> PredictionErrorDisplay:
        """Ask a regressor for its values on some rows, and draw them beside the truth.

        Parameters
        ----------
        estimator : regressor, Pipeline, search, Model or Ensemble
        X : array-like (N, inputs) or any table
            A Model takes by default the rows that it kept for testing.
        y : array-like (N,) or (N, targets)
            A Model finds it in X.
        ax : matplotlib Axes, optional
            Where to draw; divided if there are several targets. By default a new figure.

        Returns
        -------
        PredictionErrorDisplay

        Raises
        ------
        UsageError
            If the estimator is not fitted or no regressor, or the rows do not fit it.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import PredictionErrorDisplay
        >>> model = cr.train("diabetes", hidden=4, epochs=20, seed=0)
        >>> display = PredictionErrorDisplay.from_estimator(model)
        >>> abs(display.rmse[0] - model.test.rmse) < 1e-9
        True
        """
        return cls._of(values_of(estimator, X, y), ax)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_pred: Any, *, targets: Sequence[str] | None = None, ax: Any = None
    ) -> PredictionErrorDisplay:
        """Draw values that are already there beside the truth.

        Parameters
        ----------
        y_true, y_pred : array-like (N,) or (N, targets)
        targets : sequence of str, optional
            The targets' names.
        ax
            As in `from_estimator`.

        Returns
        -------
        PredictionErrorDisplay

        Raises
        ------
        UsageError
            If shapes differ, or a value is not finite.

        Examples
        --------
        >>> from chainrule.show.plots import PredictionErrorDisplay
        >>> PredictionErrorDisplay.from_predictions([1.0, 2.0, 3.0], [1.0, 2.0, 2.0]).r2
        (0.5,)
        """
        return cls._of(values_from(y_true, y_pred, targets), ax)

    @classmethod
    def _of(cls, values: Values, ax: Any) -> PredictionErrorDisplay:
        return cls(*values).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> PredictionErrorDisplay:
        """Draw the points.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        PredictionErrorDisplay
            Itself.
        """
        k = self.y_true.shape[1]
        columns = min(k, 3)
        rows = -(-k // columns)
        size = (5.0, 5.0) if k == 1 else (3.7 * columns, 3.8 * rows)
        with panels(ax, Grid(rows, columns, size)) as axes:
            for j, own in enumerate(axes):
                if j >= k:
                    own.set_axis_off()
                    continue
                self._panel(own, j)
                if j % columns == 0:
                    own.set_ylabel("predicted value")
                if j + columns >= k:
                    own.set_xlabel("true value")
        self.ax_, self.axes_, self.figure_ = axes[0], tuple(axes[:k]), axes[0].figure
        return self

    def _panel(self, ax: Any, j: int) -> None:
        y, a = self.y_true[:, j], self.y_pred[:, j]
        n = len(y)
        low, high = float(min(y.min(), a.min())), float(max(y.max(), a.max()))
        room = 0.05 * (high - low) or 0.5
        ends = (low - room, high + room)
        ax.plot(ends, ends, color=SOFT, linewidth=1, zorder=1.5, gid="ideal")
        # More points are smaller and paler, so that crowds show; many of them are stored as an image.
        ax.scatter(
            y, a, s=float(np.clip(6000 / n, 5, 30)), alpha=float(np.clip(90 / np.sqrt(n), 0.12, 0.75)), color=BLUE,
            edgecolor="none", rasterized=n > MANY, gid="points",
        )  # fmt: skip
        ax.set(xlim=ends, ylim=ends, aspect="equal")
        for axis in (ax.xaxis, ax.yaxis):
            plain_numbers(axis, most=max(2, min(5, int(width_of(ax) / 40))))
        facts = f"R² {share(self.r2[j])}\nRMSE {number(self.rmse[j], 3)}"
        ax.annotate(
            facts, (0, 1), xycoords="axes fraction", xytext=(6, -5), textcoords="offset points", va="top", color=INK,
            fontsize=9,
        )  # fmt: skip
        title(ax, self.targets[j] if self.targets else "Predicted and true values")
