"""What a model answers over a plane of two features: the regions of classes, or a surface of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.show.plots.answers import own_rows
from chainrule.show.plots.plane import plane
from chainrule.show.plots.sources import is_ours
from chainrule.show.plots.style import INK, Grid, colours, panels, plain_numbers, short, title
from chainrule.show.plots.truth import in_words, numbers, positions

LONGEST_NAME = 24
PALEST, DARKEST = 0.12, 0.62  # of a region's colour: where the classes are even, and where one is certain
MANY = 2_000  # points, of which a file of lines would grow large


@dataclass(eq=False)
class DecisionBoundaryDisplay:
    """The answers over a plane of two features, all others at their medians, and some rows as points.

    A region's colour is the class with the highest probability, its depth that probability; lines part the regions.
    For values the colour is the value. Points keep their own two features, so that with more than two features they
    lie before or behind the plane: a point in another class's region need not be called wrong.

    Make one with `from_estimator`.

    Attributes
    ----------
    feature_names : (str, str)
    xx0, xx1 : arrays (n,)
        The grid's values of the two features.
    response : array (n, n, classes) or (n, n)
        Probabilities, or values; the first index belongs to `xx1`.
    classes : tuple or None
        The labels; None for values.
    fixed : dict
        The other features, with the median (or the most frequent value) that they have everywhere.
    points : array (N, 2) or None
    truth : array (N,) or None
        The points' positions in `classes`, or values.
    ax_, figure_
        The axes and the figure, once it is drawn.
    """

    feature_names: tuple[str, str]
    xx0: np.ndarray
    xx1: np.ndarray
    response: np.ndarray
    classes: tuple[Any, ...] | None = None
    fixed: dict[str, Any] = field(default_factory=dict)
    points: np.ndarray | None = None
    truth: np.ndarray | None = None
    ax_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, features: Sequence[Any] = (0, 1),
        grid_resolution: int = 200, output: Any = None, ax: Any = None,
    ) -> DecisionBoundaryDisplay:  # fmt: skip
        """Ask a source over the plane of two features, and draw what it answers.

        Parameters
        ----------
        estimator : classifier, regressor, Pipeline, search, Model or Ensemble
        X : array-like (N, inputs) or any table
            The rows to draw; they also set the features' ranges, and the medians of the others. A Model takes by
            default the rows that trained it.
        y : array-like (N,), optional
            The rows' truth, which colours them; a Model finds it in X. Without it no points are drawn.
        features : two names or positions
            Names of a frame's or a Model's columns; of an array x1, x2, ...
        grid_resolution : int
            Points along each side.
        output : int or str, optional
            Which of several targets, or of several labels a row.
        ax : matplotlib Axes, optional
            By default a new figure.

        Returns
        -------
        DecisionBoundaryDisplay

        Raises
        ------
        UsageError
            If the estimator is not fitted, there is no such feature or it is not numeric, or the rows do not fit.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import DecisionBoundaryDisplay
        >>> model = cr.train("iris", hidden=4, epochs=20, seed=0)
        >>> shown = DecisionBoundaryDisplay.from_estimator(
        ...     model, features=("petal_length", "petal_width"), grid_resolution=20
        ... )
        >>> shown.response.shape, sorted(shown.fixed)
        ((20, 20, 3), ['sepal_length', 'sepal_width'])
        """
        found = plane(estimator, X, features, grid_resolution, output)
        truth = _truth(estimator, X, y, found.classes, output)
        if truth is not None and len(truth) != len(found.points):
            raise UsageError(f"X has {len(found.points)} rows and y has {len(truth)}. They must have the same number.")
        points = None if truth is None else found.points
        return cls(found.names, *found.axes, found.answers, found.classes, found.fixed, points, truth).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> DecisionBoundaryDisplay:
        """Draw the plane and the points.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        DecisionBoundaryDisplay
            Itself.
        """
        with panels(ax, Grid(size=(6.6, 5.0))) as (own,):
            own.grid(False)
            extent = (self.xx0[0], self.xx0[-1], self.xx1[0], self.xx1[-1])
            # Before the colours' own axes take their part of the width, above which the title may stand too.
            n = len(self.fixed)
            rest = f", {n} other feature{'s' if n > 1 else ''} at the median" if n else ""
            title(own, "Predicted values" if self.classes is None else "Predicted classes", rest)
            (self._surface if self.classes is None else self._regions)(own, extent)
            own.set(xlim=extent[:2], ylim=extent[2:])
            own.set(xlabel=short(self.feature_names[0], 50), ylabel=short(self.feature_names[1], 50))
            for axis in (own.xaxis, own.yaxis):
                plain_numbers(axis, most=7)
        self.ax_, self.figure_ = own, own.figure
        return self

    def _regions(self, ax: Any, extent: tuple[Any, ...]) -> None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgb

        assert self.classes is not None
        k = len(self.classes)
        palette = np.array([to_rgb(colour) for colour in colours(k)])
        winner, P = self.response.argmax(axis=2), self.response.max(axis=2)
        depth = PALEST + (DARKEST - PALEST) * np.clip((P - 1 / k) / (1 - 1 / k), 0, 1)
        ax.imshow(
            1 - depth[:, :, None] * (1 - palette[winner]), extent=extent, origin="lower", aspect="auto", gid="regions"
        )
        for j in range(k if k > 2 else 1):
            ahead = self.response[:, :, j] - np.delete(self.response, j, axis=2).max(axis=2)
            if ahead.min() < 0 < ahead.max():
                ax.contour(self.xx0, self.xx1, ahead, levels=[0.0], colors=[INK], linewidths=0.8)
        if self.points is not None and self.truth is not None:
            self._points(ax, palette[self.truth])
        marks = np.arange(k + 1) - 0.5
        bar = ax.figure.colorbar(
            ScalarMappable(BoundaryNorm(marks, k), ListedColormap(palette)), ax=ax, ticks=np.arange(k), drawedges=False
        )
        bar.ax.set_yticklabels(
            [short(in_words(label), LONGEST_NAME) for label in self.classes], fontsize=9 if k <= 20 else 7
        )
        bar.ax.invert_yaxis()
        _plain(bar)

    def _surface(self, ax: Any, extent: tuple[Any, ...]) -> None:
        from matplotlib.colors import Normalize

        values = self.response if self.truth is None else np.concatenate([self.response.ravel(), self.truth])
        norm = Normalize(float(values.min()), float(values.max()))
        image = ax.imshow(
            self.response, extent=extent, origin="lower", aspect="auto", cmap="cividis", norm=norm, gid="surface"
        )
        if np.ptp(self.response) > 0:
            ax.contour(
                self.xx0,
                self.xx1,
                self.response,
                levels=8,
                colors="white",
                linewidths=0.5,
                alpha=0.6,
                linestyles="solid",
            )
        if self.points is not None and self.truth is not None:
            self._points(ax, image.cmap(norm(self.truth)))
        _plain(ax.figure.colorbar(image, ax=ax, label="value"))

    def _points(self, ax: Any, colour: Any) -> None:
        assert self.points is not None
        n = len(self.points)
        size = float(np.clip(9000 / n, 12, 34))
        ax.scatter(
            *self.points.T, s=size, c=colour, edgecolor="white", linewidth=0.2 + size / 60, rasterized=n > MANY,
            gid="points", zorder=3,
        )  # fmt: skip


def _plain(bar: Any) -> None:
    bar.outline.set_visible(False)
    bar.ax.tick_params(which="both", length=0)


def _truth(source: Any, X: Any, y: Any, classes: tuple[Any, ...] | None, output: Any) -> np.ndarray | None:
    """The truth of the rows that are drawn, as positions in the classes or as values."""
    if is_ours(source) and y is None:
        encoding, table = source.encoding, source.read(own_rows(source, "train") if X is None else X)
        if not set(encoding.target_names) <= set(table.names):
            return None
        y = encoding.true_values(table) if classes is None else encoding.true_labels(table)
        if np.ndim(y) == 2 and isinstance(output, str):
            output = encoding.target_names.index(output)
    if y is None:
        return None
    truth = np.asarray(y)
    if truth.ndim == 2:
        truth = truth[:, 0 if output is None else output]
    return numbers(truth, "y") if classes is None else positions(truth, np.asarray(classes), "y")
