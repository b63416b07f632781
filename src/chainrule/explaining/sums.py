"""Sums that stay readable: the largest terms, and the rest as one, with the total right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.explaining.expressions import Expression, Rest, add


def long_sum(values: np.ndarray, term: Callable[[int], Expression], most: int, *further: Expression) -> Expression:
    """Return the sum of `values` as expressions; of many, the largest by magnitude and what the others add up to.

    Parameters
    ----------
    values : array (n,)
        The value of each term.
    term : callable (int) -> Expression
        The expression of a term.
    most : int
        How many to show, at least 1.
    *further
        Terms that always stand at the end, such as a bias.

    Examples
    --------
    >>> from chainrule.explaining.expressions import Number
    >>> long_sum(np.array([1.0, 5.0, 2.0, 7.0]), lambda i: Number(float(i)), 2)
    Sum(terms=(Number(value=1.0), Number(value=3.0), Rest(count=2, value=3.0)))
    """
    values = np.ravel(values)
    if len(values) <= most + 1:  # a rest of one term is no shorter than the term
        return add(*(term(i) for i in range(len(values))), *further)
    shown = np.sort(np.argsort(-np.abs(values), kind="stable")[:most])
    hidden = np.delete(values, shown)
    return add(*(term(int(i)) for i in shown), Rest(len(hidden), float(np.sum(hidden))), *further)
