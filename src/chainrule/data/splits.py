"""Which rows train, which watch for over-training, and which test the finished model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from chainrule.data.columns import count
from chainrule.errors import UsageError


@dataclass(frozen=True, eq=False)
class Split:
    """Row positions of each part: disjoint, ascending, and together every row.

    Attributes
    ----------
    train, validation, test : ndarray of int
        Positions in the table, counted from 0.
    notes : tuple of str
        What was done to divide them, where it is not at random.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    notes: tuple[str, ...] = ()


def split_rows(
    n_rows: int,
    validation: float,
    test: float,
    generator: np.random.Generator,
    labels: Any = None,
) -> Split:
    """Divide the rows at random into training, validation and test parts.

    Parameters
    ----------
    n_rows : int
        How many rows there are.
    validation, test : float
        Shares of the rows, at least 0 and together below 1.
    generator : numpy.random.Generator
        The same state gives the same parts.
    labels : array-like, shape (n_rows,), optional
        Class of each row, or the tenth of the values that it belongs to. Each part then gets its share of each to
        within one row, and every class is in the training part.

    Returns
    -------
    Split

    Raises
    ------
    UsageError
        If the shares are not allowed, or a part that was asked for would be empty.

    Examples
    --------
    >>> split = split_rows(10, 0.2, 0.2, np.random.default_rng(0))
    >>> len(split.train), len(split.validation), len(split.test)
    (6, 2, 2)
    """
    if not (0 <= validation < 1 and 0 <= test < 1 and validation + test < 1):
        raise UsageError(
            "validation and test are shares of the rows, at least 0 and together below 1; "
            f"received {validation} and {test}."
        )
    if validation == test == 0 and labels is None and n_rows:
        return Split(np.arange(n_rows), np.arange(0), np.arange(0))
    shares = np.array([1 - validation - test, validation, test])
    groups = _groups(n_rows, labels)
    if len(groups) == 1:
        sizes = [_whole_sizes(n_rows, validation, test)]
    else:
        sizes = _sizes_by_class([len(group) for group in groups], shares)
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for group, counts in zip(groups, sizes, strict=True):
        rows = generator.permutation(group)
        pieces = np.split(rows, np.cumsum(counts)[:-1])
        for part, piece in zip(parts, pieces, strict=True):
            part.append(piece)
    train, kept, tested = (np.sort(np.concatenate(part)).astype(np.intp) for part in parts)
    for name, share, rows in (("validation", validation, kept), ("test", test, tested)):
        if share > 0 and not len(rows):
            raise UsageError(
                f"{name}={share} of {count(n_rows, 'row')} leaves no row for that part. "
                f"Use --{name} 0, or a larger share, or more rows."
            )
    if not len(train):
        raise UsageError(
            f"{count(n_rows, 'row')} leave nothing to train on. Use --validation 0 --test 0, or more rows."
        )
    return Split(train, kept, tested)


def k_folds(n_rows: int, k: int, generator: np.random.Generator, labels: Any = None) -> tuple[Split, ...]:
    """Divide the rows into `k` parts, each of which is the validation part once.

    Parameters
    ----------
    n_rows : int
        How many rows there are.
    k : int
        At least 2, at most `n_rows`.
    generator : numpy.random.Generator
        The same state gives the same parts.
    labels : array-like, shape (n_rows,), optional
        Class of each row; each part then gets its share of each class to within one row.

    Returns
    -------
    tuple of Split
        `k` of them, with empty test parts. Sizes differ by at most one row.

    Raises
    ------
    UsageError
        If `k` is not allowed.

    Examples
    --------
    >>> [len(split.validation) for split in k_folds(10, 3, np.random.default_rng(0))]
    [4, 3, 3]
    """
    if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or not 2 <= k <= n_rows:
        raise UsageError(f"k must be a whole number from 2 to the number of rows, {n_rows}; received {k!r}.")
    # Rows class by class, dealt like cards: each class and the whole are spread evenly.
    dealt = np.concatenate([generator.permutation(group) for group in _groups(n_rows, labels)])
    fold = np.empty(n_rows, dtype=np.intp)
    fold[dealt] = np.arange(n_rows) % k
    nothing = np.empty(0, dtype=np.intp)
    return tuple(Split(np.flatnonzero(fold != i), np.flatnonzero(fold == i), nothing) for i in range(k))


def _groups(n_rows: int, labels: Any) -> list[np.ndarray]:
    if labels is None:
        return [np.arange(n_rows)]
    labels = np.asarray(labels)
    if labels.shape != (n_rows,):
        raise UsageError(f"labels must have shape ({n_rows},), one for each row; received {labels.shape}.")
    _, codes = np.unique(labels.astype(str) if labels.dtype == object else labels, return_inverse=True)
    if len(labels) and codes.max() < 2**15:
        codes = codes.astype(np.int16)  # which NumPy sorts by their digits
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _whole_sizes(n_rows: int, validation: float, test: float) -> tuple[int, ...]:
    kept, tested = round(n_rows * validation), round(n_rows * test)
    return n_rows - kept - tested, kept, tested


def _sizes_by_class(class_sizes: list[int], shares: np.ndarray) -> list[tuple[int, ...]]:
    """Round each class's exact sizes up or down so that the parts' totals stay as near as possible to theirs.

    Class by class, among the roundings of (train, validation, test) that add up to the class and leave it a row
    for training, take the one that best makes up for the errors so far.
    """
    sizes = []
    owed = np.zeros(3)
    for size in class_sizes:
        exact = np.round(size * shares, 9)  # 10 * 0.3 is 3, not a little more
        candidates = [counts for counts in _roundings(exact) if sum(counts) == size]
        errors = [
            (counts[0] == 0, round(float(np.sum((owed + exact - np.array(counts)) ** 2)), 9)) for counts in candidates
        ]
        best = candidates[errors.index(min(errors))]
        owed = owed + exact - np.array(best)
        sizes.append(best)
    return sizes


def _roundings(exact: np.ndarray) -> Iterator[tuple[int, ...]]:
    return product(*(sorted({int(np.floor(e)), int(np.ceil(e))}) for e in exact))
