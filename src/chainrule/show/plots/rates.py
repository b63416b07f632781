"""ROC and precision-recall curves of each label, and their averages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.show.plots.sources import sklearn_part
from chainrule.show.plots.truth import Scores, refuse_one_class


class Curve(NamedTuple):
    """One curve and the area that sums it up.

    Attributes
    ----------
    name : str
    x, y : float arrays (points,)
        False and true positive rates, or recall and precision.
    area : float
        The area under a ROC curve, or the average precision.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    area: float


class Curves(NamedTuple):
    """The curve of each label that some rows have and others lack, and the averages of several labels.

    Attributes
    ----------
    each : tuple of Curve
    macro : Curve or None
        The mean of the curves, at each false positive rate or recall; its area is the mean of theirs.
    micro : Curve or None
        All pairs of a row and a label taken as one big binary question.
    absent : tuple of str
        Labels that no row has, or all of them: they have no curve.
    """

    each: tuple[Curve, ...]
    macro: Curve | None
    micro: Curve | None
    absent: tuple[str, ...]


def roc_curves(scores: Scores) -> Curves:
    """Return ROC curves.

    Raises
    ------
    UsageError
        If the rows are all of one class.

    Examples
    --------
    >>> from chainrule.show.plots.truth import scores_from
    >>> roc_curves(scores_from([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], None)).each[0].area
    0.75
    """
    metrics = sklearn_part("sklearn.metrics")

    def curve(name: str, truth: np.ndarray, score: np.ndarray) -> Curve:
        fpr, tpr, _ = metrics.roc_curve(truth, score)
        return Curve(name, fpr, tpr, float(metrics.auc(fpr, tpr)))

    return _curves(scores, curve, lambda each: _mean_roc(each, metrics))


def precision_recall_curves(scores: Scores) -> Curves:
    """Return precision-recall curves; points run from recall 1 down to 0, and precision holds down to the next one.

    Raises
    ------
    UsageError
        If the rows are all of one class.

    Examples
    --------
    >>> from chainrule.show.plots.truth import scores_from
    >>> round(precision_recall_curves(scores_from([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], None)).each[0].area, 4)
    0.8333
    """
    metrics = sklearn_part("sklearn.metrics")

    def curve(name: str, truth: np.ndarray, score: np.ndarray) -> Curve:
        precision, recall, _ = metrics.precision_recall_curve(truth, score)
        return Curve(name, recall, precision, float(metrics.average_precision_score(truth, score)))

    return _curves(scores, curve, _mean_precision)


def _curves(
    scores: Scores,
    curve: Callable[[str, np.ndarray, np.ndarray], Curve],
    mean: Callable[[Sequence[Curve]], Curve],
) -> Curves:
    refuse_one_class(scores)
    truth = scores.truth
    drawn = np.asarray(truth.any(axis=0) & ~truth.all(axis=0))
    each = tuple(curve(scores.names[j], truth[:, j], scores.scores[:, j]) for j in np.flatnonzero(drawn))
    absent = tuple(name for name, there in zip(scores.names, drawn, strict=True) if not there)
    if truth.shape[1] == 1:
        return Curves(each, None, None, absent)
    return Curves(each, mean(each), curve("micro average", truth.ravel(), scores.scores.ravel()), absent)


def _mean_roc(each: Sequence[Curve], metrics: Any) -> Curve:
    """The mean height at every false positive rate of any curve, below and above each jump."""
    grid = np.unique(np.concatenate([curve.x for curve in each]))
    heights = np.mean([_below_and_above(curve, grid) for curve in each], axis=0)
    # A mean curve begins in the corner, wherever the curves jump to.
    x, y = np.repeat(grid, 2), heights.T.ravel()
    return Curve("macro average", x, y, float(metrics.auc(x, y)))


def _below_and_above(curve: Curve, grid: np.ndarray) -> np.ndarray:
    """The heights of a curve as x is reached and as it is left, (2, points): they differ where it runs upright."""
    first = np.minimum(np.searchsorted(curve.x, grid, "left"), len(curve.x) - 1)
    last = np.maximum(np.searchsorted(curve.x, grid, "right") - 1, 0)
    between = np.interp(grid, curve.x, curve.y)
    there = curve.x[first] == grid
    return np.stack([np.where(there, curve.y[first], between), np.where(there, curve.y[last], between)])


def _mean_precision(each: Sequence[Curve]) -> Curve:
    """The mean precision at every recall of any curve; each is a staircase, and so is the mean."""
    grid = np.unique(np.concatenate([curve.x for curve in each]))[::-1]
    steps = []
    for curve in each:
        # The stair that leads down from a recall begins at the last point that is not below it.
        place = np.searchsorted(-curve.x, -grid, "right") - 1
        steps.append(curve.y[place])
    precision = np.mean(steps, axis=0)
    area = float(-np.sum(np.diff(grid) * precision[:-1]))
    return Curve("macro average", grid, precision, area)
