"""Precision-recall curves: how many of the rows called a class are of it, for every share of it that is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.show.plots.answers import scores_of
from chainrule.show.plots.one_vs_rest import LONGEST_NAME, draw_curves, size_of
from chainrule.show.plots.rates import Curve, precision_recall_curves
from chainrule.show.plots.sources import name_of
from chainrule.show.plots.style import Grid, panels, short, title
from chainrule.show.plots.truth import Scores, scores_from


@dataclass(eq=False)
class PrecisionRecallDisplay:
    """Precision-recall curves with their average precision: of two classes one, of several each against the rest.

    Make one with `from_estimator` or `from_predictions`.

    Attributes
    ----------
    curves : tuple of Curve
        Of each label: `name`, `x` (recall, from 1 down to 0), `y` (precision), `area` (average precision).
    macro, micro : Curve or None
        Of several labels the mean curve, and that of all pairs of a row and a label.
    prevalence : float
        The share of rows that have the label, and so the precision of guessing; the mean over several labels.
    absent : tuple of str
        Labels that no row has, or every row: they have no curve, and the legend says so.
    name : str or None
        What the legend calls the source.
    ax_, figure_
        The axes and the figure, once it is drawn.
    """

    curves: tuple[Curve, ...]
    macro: Curve | None
    micro: Curve | None
    prevalence: float
    absent: tuple[str, ...] = ()
    name: str | None = None
    ax_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, pos_label: Any = None, name: str | None = None,
        ax: Any = None,
    ) -> PrecisionRecallDisplay:  # fmt: skip
        """Ask a classifier for its scores on some rows, and draw their precision-recall curves.

        Parameters
        ----------
        estimator : classifier, Pipeline, search, Model or Ensemble
            Its predict_proba is asked, or else its decision_function.
        X : array-like (N, inputs) or any table
            A Model takes by default the rows that it kept for testing.
        y : array-like (N,) of labels, or (N, k) of 0 and 1
            A Model finds them in X.
        pos_label : optional
            The one class to tell from the rest; by default the second of two, and each of several.
        name : str, optional
            For the legend; by default that of the estimator's class, or a Model's layer sizes.
        ax : matplotlib Axes, optional
            Where to draw; those of another display take this one's curve beside it. By default a new figure.

        Returns
        -------
        PrecisionRecallDisplay

        Raises
        ------
        UsageError
            If the estimator is not fitted or no classifier, the rows do not fit it, or are all of one class.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import PrecisionRecallDisplay
        >>> model = cr.train("wine", hidden=4, epochs=20, seed=0)
        >>> display = PrecisionRecallDisplay.from_estimator(model, pos_label="2")
        >>> len(display.curves), round(display.prevalence, 3)
        (1, 0.389)
        """
        scores = scores_of(estimator, X, y, pos_label)
        if name is None and len(scores.names) == 1:
            name = name_of(estimator)
        return cls._of(scores, name, ax)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_score: Any, *, classes: Sequence[Any] | None = None, pos_label: Any = None,
        name: str | None = None, ax: Any = None,
    ) -> PrecisionRecallDisplay:  # fmt: skip
        """Draw the precision-recall curves of scores that are already there.

        Parameters
        ----------
        y_true : array-like (N,) of labels, or (N, k) of 0 and 1 for several labels a row
        y_score : array-like (N,) for the positive one of two classes, or (N, k)
        classes : sequence, optional
            What the columns of `y_score` stand for; by default the labels in `y_true`, sorted.
        pos_label, name, ax
            As in `from_estimator`.

        Returns
        -------
        PrecisionRecallDisplay

        Raises
        ------
        UsageError
            If lengths, shapes or labels do not fit together, or all rows are of one class.

        Examples
        --------
        >>> from chainrule.show.plots import PrecisionRecallDisplay
        >>> display = PrecisionRecallDisplay.from_predictions([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> round(display.curves[0].area, 4), display.prevalence
        (0.8333, 0.5)
        """
        return cls._of(scores_from(y_true, y_score, classes, pos_label), name, ax)

    @classmethod
    def _of(cls, scores: Scores, name: str | None, ax: Any) -> PrecisionRecallDisplay:
        found = precision_recall_curves(scores)
        prevalence = float(scores.truth.mean())
        return cls(found.each, found.macro, found.micro, prevalence, found.absent, name).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> PrecisionRecallDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        PrecisionRecallDisplay
            Itself.
        """
        several = self.macro is not None
        with panels(ax, Grid(size=size_of(self))) as (own,):
            draw_curves(
                own, self, name=self.name, steps=True, chance=self.prevalence, corner="lower left", roomy=ax is None
            )
            of = "" if several else f" of “{short(self.curves[0].name, LONGEST_NAME)}”"
            own.set(xlabel="recall" + of, ylabel="precision")
            title(
                own,
                "Precision-recall" if several else "Precision-recall curve",
                ", one versus the rest" if several else "",
            )
        self.ax_, self.figure_ = own, own.figure
        return self
