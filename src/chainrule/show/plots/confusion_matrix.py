"""The confusion matrix: how many rows of each class were called which class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.errors import unknown_name
from chainrule.show.plots.answers import labels_of
from chainrule.show.plots.sources import sklearn_part
from chainrule.show.plots.style import BLUE, FAINT, INK, VERMILLION, Grid, height_of, panels, short, title, width_of
from chainrule.show.plots.truth import Labels, in_words, labels_from

NORMALIZE = {"true": "of each true class", "pred": "of each predicted class", "all": "of all rows"}
LONGEST_NAME, FEW = 26, 6  # characters; classes of which names may be longer
LARGEST_TEXT, SMALLEST_TEXT = 10.0, 4.5  # points
CHARACTER = 0.6  # of a digit or letter, in its height
DARKEST = 0.7  # no darker, so that the number on it keeps its contrast


@dataclass(eq=False)
class ConfusionMatrixDisplay:
    """A confusion matrix: true classes downwards, predicted ones across; right answers blue, wrong ones red.

    Make one with `from_estimator` or `from_predictions`.

    Attributes
    ----------
    counts : int array (classes, classes)
        `counts[i, j]` rows of class i were called class j.
    confusion_matrix : array (classes, classes)
        What is written in the cells: the counts, or shares as `normalize` says; 0 where there is nothing to share.
    classes : tuple
        The labels.
    normalize : {None, "true", "pred", "all"}
        Shares of each row, of each column, or of all.
    text_ : array (classes, classes) of matplotlib Text or None
        None where a cell is empty, or too small to be written in.
    ax_, figure_
        The axes and the figure, once it is drawn.
    """

    counts: np.ndarray
    classes: tuple[Any, ...]
    normalize: str | None = None
    confusion_matrix: np.ndarray = field(init=False, repr=False)
    text_: Any = field(default=None, init=False, repr=False)
    ax_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.normalize is not None and self.normalize not in NORMALIZE:
            raise unknown_name("normalize", self.normalize, [*NORMALIZE, "None"])
        self.confusion_matrix = self.counts if self.normalize is None else shares(self.counts, self.normalize)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, normalize: str | None = None, ax: Any = None
    ) -> ConfusionMatrixDisplay:
        """Ask a classifier for its labels on some rows, and draw how they fit the truth.

        Parameters
        ----------
        estimator : classifier, Pipeline, search, Model or Ensemble
        X : array-like (N, inputs) or any table
            A Model takes by default the rows that it kept for testing.
        y : array-like (N,)
            A Model finds it in X.
        normalize : {None, "true", "pred", "all"}
            Shares of each true class, of each predicted class or of all rows in place of counts.
        ax : matplotlib Axes, optional
            By default a new figure, large enough for all classes.

        Returns
        -------
        ConfusionMatrixDisplay

        Raises
        ------
        UsageError
            If the estimator is not fitted or no classifier, or the rows do not fit it or have several labels each.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import ConfusionMatrixDisplay
        >>> model = cr.train("wine", hidden=4, epochs=20, seed=0)
        >>> display = ConfusionMatrixDisplay.from_estimator(model)
        >>> display.counts.tolist() == [list(row) for row in model.test.confusion]
        True
        """
        return cls._of(labels_of(estimator, X, y), normalize, ax)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_pred: Any, *, classes: Sequence[Any] | None = None, normalize: str | None = None,
        ax: Any = None,
    ) -> ConfusionMatrixDisplay:  # fmt: skip
        """Draw how labels that are already there fit the truth.

        Parameters
        ----------
        y_true, y_pred : array-like (N,)
        classes : sequence, optional
            All labels, in the order to show them; by default those that occur, sorted.
        normalize, ax
            As in `from_estimator`.

        Returns
        -------
        ConfusionMatrixDisplay

        Raises
        ------
        UsageError
            If lengths differ, or a label is none of the classes.

        Examples
        --------
        >>> from chainrule.show.plots import ConfusionMatrixDisplay
        >>> display = ConfusionMatrixDisplay.from_predictions(["a", "a", "b"], ["a", "b", "b"], normalize="true")
        >>> display.confusion_matrix.tolist()
        [[0.5, 0.5], [0.0, 1.0]]
        """
        return cls._of(labels_from(y_true, y_pred, classes), normalize, ax)

    @classmethod
    def _of(cls, labels: Labels, normalize: str | None, ax: Any) -> ConfusionMatrixDisplay:
        n = len(labels.classes)
        metrics = sklearn_part("sklearn.metrics")
        counts = metrics.confusion_matrix(labels.truth, labels.predicted, labels=np.arange(n))
        return cls(counts, labels.classes, normalize).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ConfusionMatrixDisplay:
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        ConfusionMatrixDisplay
            Itself.
        """
        n = len(self.classes)
        names = [short(in_words(label), LONGEST_NAME if n > FEW else 2 * LONGEST_NAME) for label in self.classes]
        words = [[self._words(i, j) for j in range(n)] for i in range(n)]
        digits = max(len(word) for row in words for word in row)
        side = max(2.4, max(0.075 * digits + 0.08, min(0.62, 0.28 + 1.8 / n)) * n)
        longest = max(map(len, names))
        turned = longest * CHARACTER * 9.5 > 0.95 * side * 72 / n
        size = side + 0.9 + 0.075 * longest, side + 1.1 + (0.055 * longest if turned else 0.0)
        with panels(ax, Grid(size=size)) as (own,):
            own.grid(False)
            own.spines[:].set_visible(False)
            own.imshow(self._shades(), aspect="equal")
            what = f"\n(shares {NORMALIZE[self.normalize]})" if self.normalize else ""
            own.set(xlabel="predicted class" + what, ylabel="true class")
            # Names take some of the room that given axes have.
            cell = side * 72 / n if ax is None else 0.75 * min(width_of(own), height_of(own)) / n
            self._name(own, names, cell)
            self.text_ = self._write(own, words, cell)
            # White lines between the cells.
            own.set_xticks(np.arange(n + 1) - 0.5, minor=True)
            own.set_yticks(np.arange(n + 1) - 0.5, minor=True)
            own.grid(True, which="minor", color="white", linewidth=1.2 if n <= 15 else 0.7)
            own.tick_params(which="both", length=0)
            title(own, "Confusion matrix")
        self.ax_, self.figure_ = own, own.figure
        return self

    def _shades(self) -> np.ndarray:
        """The colour of each cell, (classes, classes, 3): hue says right or wrong, depth the share of the class."""
        from matplotlib.colors import to_rgb

        share = shares(self.counts, "true" if self.normalize is None else self.normalize)
        top = share.max() if self.normalize == "all" and share.max() > 0 else 1.0
        depth = np.where(self.counts > 0, 0.12 + (DARKEST - 0.12) * share / top, 0.03)[:, :, None]
        right = np.eye(len(self.classes), dtype=bool)[:, :, None]
        hue = np.where(right, to_rgb(BLUE), np.where(self.counts[:, :, None] > 0, to_rgb(VERMILLION), to_rgb(INK)))
        shades: np.ndarray = 1 - depth * (1 - hue)
        return shades

    def _name(self, ax: Any, names: list[str], cell: float) -> None:
        size = max(SMALLEST_TEXT, min(9.5, 0.85 * cell))
        places = np.arange(len(names))
        turn = max(map(len, names)) * CHARACTER * size > 0.95 * cell
        # Turned by half a right angle lines of text need more room than upright ones.
        angle = 45 if cell > 1.8 * size else 90
        turned = {"rotation": angle, "ha": "right", "rotation_mode": "anchor"} if turn else {}
        turned |= {"va": "center"} if turn and angle == 90 else {}
        ax.set_xticks(places, names, fontsize=size, **turned)
        ax.set_yticks(places, names, fontsize=size)

    def _write(self, ax: Any, words: list[list[str]], cell: float) -> np.ndarray:
        longest = max(len(word) for row in words for word in row)
        size = min(LARGEST_TEXT, 0.5 * cell, 0.86 * cell / (CHARACTER * longest))
        written = np.full(self.counts.shape, None, dtype=object)
        if size < SMALLEST_TEXT:
            return written
        for i, row in enumerate(words):
            for j, word in enumerate(row):
                if self.counts[i, j] or len(words) <= 12:
                    colour = INK if self.counts[i, j] else FAINT
                    written[i, j] = ax.text(j, i, word, ha="center", va="center", fontsize=size, color=colour)
        return written

    def _words(self, i: int, j: int) -> str:
        if self.normalize is None:
            return f"{self.counts[i, j]:,}"
        # No rounding to 0 or 1 of what is neither.
        value = self.confusion_matrix[i, j]
        if self.counts[i, j] == 0 or value == 1:
            return f"{value:.0f}"
        return "<.01" if value < 0.005 else ">.99" if value >= 0.995 else f"{value:.2f}"


def shares(counts: np.ndarray, of: str) -> np.ndarray:
    """Divide counts by the sum of their row ("true"), of their column ("pred") or of all ("all"); 0 / 0 is 0.

    >>> shares(np.array([[1, 3], [0, 0]]), "true").tolist()
    [[0.25, 0.75], [0.0, 0.0]]
    """
    axis = {"true": 1, "pred": 0, "all": None}[of]
    total = counts.sum(axis=axis, keepdims=True)
    parts: np.ndarray = counts / np.maximum(total, 1)
    return parts
