"""The reliability curve: of the rows with a probability of 0.7, are seven in ten of the class?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.errors import UsageError, unknown_name
from chainrule.show.plots.answers import scores_of
from chainrule.show.plots.sources import name_of, sklearn_part
from chainrule.show.plots.style import SERIES, SOFT, Grid, lines_so_far, panels, short, title, whole_numbers
from chainrule.show.plots.truth import Scores, refuse_one_class, scores_from

STRATEGIES = ("uniform", "quantile")
NAMED, EACH = "the named class", "each label"
LONGEST_NAME = 26


@dataclass(eq=False)
class CalibrationDisplay:
    """A reliability curve, and below it how many rows stand behind each of its points.

    Of two classes it asks about the second one. Of several classes it asks about the one that was named for each row:
    how sure the classifier was, against how often it was right. (A curve for each class would leave few rows to each
    point; `pos_label` draws the one of a class.) Of several labels it takes all pairs of a row and a label.

    Make one with `from_estimator` or `from_predictions`.

    Attributes
    ----------
    prob_pred : array (points,)
        The mean probability in each bin that has rows.
    prob_true : array (points,)
        The share of these rows that are of the class, or were named right.
    counts : int array (bins,)
        Rows in each bin, also the empty ones.
    edges : array (bins + 1,)
        Of the bins.
    about : str
        What the probabilities are of.
    name : str or None
        What the legend calls the source.
    ax_, axes_, figure_
        The axes of the curve, all axes, and the figure, once it is drawn.
    """

    prob_pred: np.ndarray
    prob_true: np.ndarray
    counts: np.ndarray
    edges: np.ndarray
    about: str
    name: str | None = None
    ax_: Any = field(default=None, init=False, repr=False)
    axes_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, n_bins: int = 10, strategy: str = "uniform",
        pos_label: Any = None, name: str | None = None, ax: Any = None,
    ) -> CalibrationDisplay:  # fmt: skip
        """Ask a classifier for its probabilities on some rows, and draw how far they hold.

        Parameters
        ----------
        estimator : classifier with predict_proba, Pipeline, search, Model or Ensemble
        X : array-like (N, inputs) or any table
            A Model takes by default the rows that it kept for testing.
        y : array-like (N,) of labels, or (N, k) of 0 and 1
            A Model finds them in X.
        n_bins : int
        strategy : {"uniform", "quantile"}
            Bins of the same width, or of about the same number of rows.
        pos_label : optional
            The one class to ask about.
        name : str, optional
            For the legend; by default that of the estimator's class, or a Model's layer sizes.
        ax : matplotlib Axes, optional
            Where to draw, divided into two panels; `axes_` of another display take this one's curve beside it.

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        UsageError
            If the estimator is not fitted or has no probabilities, the rows do not fit it, or are all of one class.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import CalibrationDisplay
        >>> model = cr.train("wine", hidden=4, epochs=20, seed=0)
        >>> display = CalibrationDisplay.from_estimator(model, n_bins=5)
        >>> int(display.counts.sum()), display.about
        (36, 'the named class')
        """
        scores = scores_of(estimator, X, y, pos_label, only_probabilities=True)
        return cls._of(scores, n_bins, strategy, name_of(estimator) if name is None else name, ax)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_prob: Any, *, classes: Sequence[Any] | None = None, n_bins: int = 10,
        strategy: str = "uniform", pos_label: Any = None, name: str | None = None, ax: Any = None,
    ) -> CalibrationDisplay:  # fmt: skip
        """Draw how far probabilities hold that are already there.

        Parameters
        ----------
        y_true : array-like (N,) of labels, or (N, k) of 0 and 1 for several labels a row
        y_prob : array-like (N,) for the positive one of two classes, or (N, k)
        classes : sequence, optional
            What the columns of `y_prob` stand for; by default the labels in `y_true`, sorted.
        n_bins, strategy, pos_label, name, ax
            As in `from_estimator`.

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        UsageError
            If lengths, shapes or labels do not fit together, a number is no probability, or all rows are of one class.

        Examples
        --------
        >>> from chainrule.show.plots import CalibrationDisplay
        >>> display = CalibrationDisplay.from_predictions([0, 1, 1, 1], [0.1, 0.4, 0.9, 0.9], n_bins=2)
        >>> display.prob_pred.tolist(), display.prob_true.tolist(), display.counts.tolist()
        ([0.25, 0.9], [0.5, 1.0], [2, 2])
        """
        return cls._of(scores_from(y_true, y_prob, classes, pos_label), n_bins, strategy, name, ax)

    @classmethod
    def _of(cls, scores: Scores, n_bins: int, strategy: str, name: str | None, ax: Any) -> CalibrationDisplay:
        if isinstance(n_bins, bool) or not isinstance(n_bins, (int, np.integer)) or n_bins < 1:
            raise UsageError(f"n_bins must be a whole number of at least 1; received {n_bins!r}.")
        if strategy not in STRATEGIES:
            raise unknown_name("strategy", strategy, STRATEGIES)
        if scores.scores.min() < 0 or scores.scores.max() > 1 + 1e-6:
            low, high = scores.scores.min(), scores.scores.max()
            raise UsageError(f"probabilities lie between 0 and 1; received numbers from {low:.4g} to {high:.4g}.")
        refuse_one_class(scores)
        truth, P, about = _pairs(scores)
        edges = _edges(P, n_bins, strategy)
        counts = np.bincount(np.searchsorted(edges[1:-1], P), minlength=n_bins)
        curve = sklearn_part("sklearn.calibration").calibration_curve
        prob_true, prob_pred = curve(truth, P, pos_label=1, n_bins=n_bins, strategy=strategy)
        return cls(prob_pred, prob_true, counts, edges, about, name).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> CalibrationDisplay:
        """Draw the curve and the counts.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        CalibrationDisplay
            Itself.
        """
        with panels(ax, Grid(2, 1, (5.4, 5.8), (3, 1), share_x=True)) as (curve, bars):
            place = lines_so_far(curve)
            colour = SERIES[place % len(SERIES)]
            if not place:
                curve.plot([0, 1], [0, 1], ":", color=SOFT, linewidth=1, label="as it should be", gid="ideal")
            label = self.name if self.name is not None else "predictions"
            curve.plot(
                self.prob_pred, self.prob_true, "o-", color=colour, markersize=5, label=label, gid="curve",
                clip_on=False, zorder=3,
            )  # fmt: skip
            curve.set(xlim=(0, 1), ylim=(0, 1), ylabel="share of rows " + self._of_what())
            title(curve, "Probabilities and what came true", keys=True)
            # Filled for the first source, outlines for those drawn over it.
            if place:
                bars.stairs(self.counts, self.edges, color=colour, linewidth=1.6)
            else:
                bars.bar(
                    self.edges[:-1], self.counts, np.diff(self.edges), align="edge", color=colour, edgecolor="white",
                    linewidth=0.6,
                )  # fmt: skip
            whole_numbers(bars.yaxis, most=4)
            bars.grid(False, axis="x")
            bars.set(xlabel=f"probability of {short(self.about, LONGEST_NAME)}", ylabel="rows in bin")
        self.ax_, self.axes_, self.figure_ = curve, (curve, bars), curve.figure
        return self

    def _of_what(self) -> str:
        words = {NAMED: "named right", EACH: "that have the label"}
        return words.get(self.about, f"of {short(self.about, LONGEST_NAME)}")


def _pairs(scores: Scores) -> tuple[np.ndarray, np.ndarray, str]:
    """What came true, with which probability, and what that is of."""
    if scores.exclusive:
        rows, named = np.arange(len(scores.scores)), scores.scores.argmax(axis=1)
        truth, P, about = scores.truth[rows, named], scores.scores[rows, named], NAMED
    elif len(scores.names) == 1:
        truth, P, about = scores.truth[:, 0], scores.scores[:, 0], f"“{scores.names[0]}”"
    else:
        truth, P, about = scores.truth.ravel(), scores.scores.ravel(), EACH
    return truth.astype(int), np.minimum(P, 1.0), about


def _edges(P: np.ndarray, n_bins: int, strategy: str) -> np.ndarray:
    """The edges that scikit-learn's calibration_curve puts between its bins."""
    steps = np.linspace(0, 1, n_bins + 1)
    return steps if strategy == "uniform" else np.percentile(P, steps * 100)
