"""ROC curves: what share of the rows of a class is found, for every share of false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.show.plots.answers import scores_of
from chainrule.show.plots.one_vs_rest import LONGEST_NAME, draw_curves, size_of
from chainrule.show.plots.rates import Curve, roc_curves
from chainrule.show.plots.sources import name_of
from chainrule.show.plots.style import Grid, panels, short, title
from chainrule.show.plots.truth import Scores, scores_from


@dataclass(eq=False)
class RocCurveDisplay:
    """ROC curves with the areas under them: of two classes one curve, of several each against the rest.

    Make one with `from_estimator` or `from_predictions`.

    Attributes
    ----------
    curves : tuple of Curve
        Of each label: `name`, `x` (false positive rates), `y` (true positive rates), `area`.
    macro, micro : Curve or None
        Of several labels the mean curve, and that of all pairs of a row and a label.
    absent : tuple of str
        Labels that no row has, or every row: they have no curve, and the legend says so.
    name : str or None
        What the legend calls the source.
    ax_, figure_
        The axes and the figure, once it is drawn.
    """

    curves: tuple[Curve, ...]
    macro: Curve | None = None
    micro: Curve | None = None
    absent: tuple[str, ...] = ()
    name: str | None = None
    ax_: Any = field(default=None, init=False, repr=False)
    figure_: Any = field(default=None, init=False, repr=False)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, pos_label: Any = None, name: str | None = None,
        ax: Any = None,
    ) -> RocCurveDisplay:  # fmt: skip
        """Ask a classifier for its scores on some rows, and draw their ROC curves.

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
        RocCurveDisplay

        Raises
        ------
        UsageError
            If the estimator is not fitted or no classifier, the rows do not fit it, or are all of one class.

        Examples
        --------
        >>> import chainrule as cr
        >>> from chainrule.show.plots import RocCurveDisplay
        >>> model = cr.train("wine", hidden=4, epochs=20, seed=0)
        >>> display = RocCurveDisplay.from_estimator(model)
        >>> [curve.name for curve in display.curves], bool(display.macro.area > 0.9)
        (['1', '2', '3'], True)
        """
        scores = scores_of(estimator, X, y, pos_label)
        if name is None and len(scores.names) == 1:
            name = name_of(estimator)
        return cls._of(scores, name, ax)

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_score: Any, *, classes: Sequence[Any] | None = None, pos_label: Any = None,
        name: str | None = None, ax: Any = None,
    ) -> RocCurveDisplay:  # fmt: skip
        """Draw the ROC curves of scores that are already there.

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
        RocCurveDisplay

        Raises
        ------
        UsageError
            If lengths, shapes or labels do not fit together, or all rows are of one class.

        Examples
        --------
        >>> from chainrule.show.plots import RocCurveDisplay
        >>> display = RocCurveDisplay.from_predictions([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> display.curves[0].area
        0.75
        """
        return cls._of(scores_from(y_true, y_score, classes, pos_label), name, ax)

    @classmethod
    def _of(cls, scores: Scores, name: str | None, ax: Any) -> RocCurveDisplay:
        found = roc_curves(scores)
        return cls(found.each, found.macro, found.micro, found.absent, name).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> RocCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        RocCurveDisplay
            Itself.
        """
        several = self.macro is not None
        with panels(ax, Grid(size=size_of(self))) as (own,):
            draw_curves(own, self, name=self.name, steps=False, chance=0.5, corner="lower right", roomy=ax is None)
            of = "" if several else f" of “{short(self.curves[0].name, LONGEST_NAME)}”"
            own.set(xlabel="false positive rate", ylabel="true positive rate" + of)
            title(own, "ROC" if several else "ROC curve", ", one versus the rest" if several else "")
        self.ax_, self.figure_ = own, own.figure
        return self
