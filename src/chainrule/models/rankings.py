"""How well scores put the rows of a class before all others: ROC AUC and average precision, ties counted right."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def roc_auc(there: np.ndarray, score: np.ndarray) -> float:
    """Return the share of pairs, a row of the class and another, whose scores are in the right order; ties are a half.

    With R the sum of the ranks of the n1 rows of the class among all rows (equal scores share their mean rank), and n0
    other rows, it is (R - n1 (n1 + 1) / 2) / (n1 n0); see Hanley and McNeil (1982).

    Parameters
    ----------
    there : bool array (N,)
        Which rows are of the class.
    score : float array (N,)

    Returns
    -------
    float
        NaN where no row is of the class, or every row.

    Examples
    --------
    >>> roc_auc(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    n1 = int(np.count_nonzero(there))
    n0 = len(there) - n1
    if not n1 or not n0:
        return math.nan
    _, place, rows = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(rows) - (rows - 1) / 2
    return float((ranks[place[there]].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def average_precision(there: np.ndarray, score: np.ndarray) -> float:
    """Return the mean precision over the rows of the class, each at its score.

    It is the sum over the different scores, from the highest down, of (R_i - R_(i-1)) P_i: recall and precision where
    all rows with at least that score are called the class.

    Parameters
    ----------
    there : bool array (N,)
    score : float array (N,)

    Returns
    -------
    float
        NaN where no row is of the class, or every row.

    Examples
    --------
    >>> round(average_precision(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8])), 4)
    0.8333
    """
    if not there.any() or there.all():
        return math.nan
    _, place, rows = np.unique(-score, return_inverse=True, return_counts=True)
    hits = np.bincount(place, weights=there)
    precision = np.cumsum(hits) / np.cumsum(rows)
    return float((hits * precision).sum() / hits.sum())


def over_classes(
    measure: Callable[[np.ndarray, np.ndarray], float], truth: np.ndarray, probabilities: np.ndarray
) -> float:
    """Return a measure of the second of two classes; of more, its mean over the classes that some rows have.

    Parameters
    ----------
    measure : `roc_auc` or `average_precision`
    truth : int array (N,)
        Positions of the classes.
    probabilities : float array (N, n classes)

    Returns
    -------
    float
        NaN where all rows are of one class.
    """
    classes = (1,) if probabilities.shape[1] == 2 else np.unique(truth).tolist()
    found = [measure(truth == c, probabilities[:, c]) for c in classes]
    return math.nan if not found or any(map(math.isnan, found)) else sum(found) / len(found)
