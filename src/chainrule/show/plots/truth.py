"""Truth beside answers, in the shapes that the pictures draw: labels, scores of labels, and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.data.columns import name_list
from chainrule.errors import UsageError


class Labels(NamedTuple):
    """True and predicted labels as positions in `classes`, int arrays (N,)."""

    truth: np.ndarray
    predicted: np.ndarray
    classes: tuple[Any, ...]


class Scores(NamedTuple):
    """For each of k labels: which rows have it, and how much speaks for it.

    Attributes
    ----------
    truth : bool array (N, k)
    scores : float array (N, k)
        Probabilities or values of a decision function; of two classes only the positive one's.
    names : tuple of str
        The k labels.
    exclusive : bool
        Whether each row has just one of them; False for multi-label, and where k is 1.
    """

    truth: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]
    exclusive: bool


class Values(NamedTuple):
    """True and predicted values, float arrays (N, targets), and the targets' names, empty where there are none."""

    truth: np.ndarray
    predicted: np.ndarray
    names: tuple[str, ...]


def labels_from(truth: Any, predicted: Any, classes: Sequence[Any] | None = None) -> Labels:
    """Check labels and return their positions.

    Parameters
    ----------
    truth, predicted : array-like (N,)
    classes : sequence, optional
        All labels in the order to show them; by default those that occur, sorted.

    Raises
    ------
    UsageError
        If they are not single labels, differ in length, or are not among the classes.

    Examples
    --------
    >>> labels_from(["no", "yes"], ["no", "no"]).predicted
    array([0, 0])
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    for values, what in ((truth, "y_true"), (predicted, "y_pred")):
        if values.ndim == 2 and values.shape[1] > 1:
            raise UsageError(
                f"{what} has {values.shape[1]} labels for each row. A confusion matrix is of one: give one column, as "
                "in from_predictions(y_true[:, 0], y_pred[:, 0])."
            )
    truth, predicted = truth.reshape(-1), predicted.reshape(-1)
    _same_length(truth, predicted, "y_pred")
    known = _sorted(np.concatenate([truth, predicted])) if classes is None else np.asarray(classes)
    return Labels(positions(truth, known, "y_true"), positions(predicted, known, "y_pred"), tuple(known.tolist()))


def scores_from(truth: Any, scores: Any, classes: Sequence[Any] | None, pos_label: Any = None) -> Scores:
    """Check scores of labels and return them with the truth, a column for each label.

    Parameters
    ----------
    truth : array-like (N,) of labels, or (N, k) of 0 and 1 for several labels a row
    scores : array-like (N,) for the positive one of two classes, or (N, k)
    classes : sequence, optional
        What the columns of the scores stand for; by default the labels that occur, sorted.
    pos_label : optional
        The one label that is asked about.

    Raises
    ------
    UsageError
        If shapes or labels do not fit together, or a score is not finite.

    Examples
    --------
    >>> result = scores_from(["no", "yes"], [0.2, 0.9], None)
    >>> result.truth.tolist(), result.names
    ([[False], [True]], ('yes',))
    """
    truth, given = np.asarray(truth), numbers(scores, "y_score")
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    _same_length(truth, given, "y_score")
    if given.ndim > 2 or truth.ndim > 2:
        raise UsageError(f"y_score must have shape (rows,) or (rows, labels); received {given.shape}.")
    if truth.ndim == 2:
        return _of_several_labels(truth, given, classes, pos_label)
    known = _sorted(truth) if classes is None else np.asarray(classes)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    columns = 2 if given.ndim == 1 else given.shape[1]
    if len(known) != columns:
        if classes is None and len(known) == 1:
            raise _one_class(known[0])
        shape = "one column, for the second of 2 classes," if given.ndim == 1 else f"{columns} columns"
        raise UsageError(
            f"y_score has {shape} and there are {len(known)} classes: {name_list(map(in_words, known))}. Give a column "
            "for each, and name them with classes=[...] if y_true does not have them all."
        )
    codes = positions(truth, known, "y_true")
    if columns > 2 and pos_label is None:
        names = tuple(in_words(label) for label in known)
        return Scores(codes[:, None] == np.arange(columns), given, names, True)
    place = columns - 1 if pos_label is None else position(pos_label, known)
    column = given if given.ndim == 1 else given[:, place]
    return Scores((codes == place)[:, None], column[:, None], (in_words(known[place]),), False)


def values_from(truth: Any, predicted: Any, names: Sequence[Any] | None = None) -> Values:
    """Check values and return them as (N, targets).

    Parameters
    ----------
    truth, predicted : array-like (N,) or (N, targets)
    names : sequence, optional
        Of the targets.

    Raises
    ------
    UsageError
        If shapes differ, or a value is not finite.

    Examples
    --------
    >>> values_from([1.0, 2.0], [1.5, 2.0], ["price"]).truth.shape
    (2, 1)
    """
    Y, A = (numbers(values, what) for values, what in ((truth, "y_true"), (predicted, "y_pred")))
    Y, A = (M[:, None] if M.ndim == 1 else M for M in (Y, A))
    _same_length(Y, A, "y_pred")
    if Y.ndim != 2 or Y.shape != A.shape:
        raise UsageError(f"y_true has shape {Y.shape} and y_pred {A.shape}. They must be the same: (rows, targets).")
    k = Y.shape[1]
    if names is not None and len(names) != k:
        raise UsageError(f"there are {k} targets; received {len(names)} names for them.")
    given = names if names is not None else [f"target {j + 1}" for j in range(k)] if k > 1 else []
    return Values(Y, A, tuple(map(str, given)))


def positions(labels: np.ndarray, classes: np.ndarray, what: str) -> np.ndarray:
    """Return where each label stands among the classes, int (N,).

    Raises
    ------
    UsageError
        For a label that is none of them.
    """
    found = labels[:, None] == classes[None, :]
    if not found.any(axis=1).all():
        row = int(np.argmin(found.any(axis=1)))
        words, known = in_words(labels[row]), [in_words(label) for label in classes]
        hint = " One of them is text and the other a number: give both alike." if words in known else ""
        raise UsageError(f'{what}, row {row}: "{words}" is none of the classes {name_list(known)}.{hint}')
    places: np.ndarray = found.argmax(axis=1)
    return places


def position(label: Any, classes: Any) -> int:
    """Return where one label, which a person named, stands among the classes.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    for place, known in enumerate(classes):
        if known == label or in_words(known) == str(label):
            return place
    raise UsageError(f'pos_label "{label}" is none of the classes {name_list(map(in_words, classes))}.')


def in_words(label: Any) -> str:
    """Write a label: a whole number without decimals, everything else as it is.

    >>> in_words(2.0), in_words(np.str_("red")), in_words(False)
    ('2', 'red', 'False')
    """
    if isinstance(label, np.generic):
        label = label.item()
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def refuse_one_class(scores: Scores) -> None:
    """Raise UsageError if no label tells rows apart: each belongs to all of them or to none."""
    share = scores.truth.mean(axis=0)
    if ((share == 0) | (share == 1)).all():
        raise _one_class(scores.names[int(np.argmax(share))], of_several=len(share) > 1, absent=share.max() == 0)


def numbers(values: Any, what: str) -> np.ndarray:
    """Return an array of finite floats.

    Raises
    ------
    UsageError
        If it is none.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"{what} must be an array of numbers; received {type(values).__name__}.") from None
    if array.ndim == 0 or not array.size:
        raise UsageError(f"{what} must hold at least one row; received shape {array.shape}.")
    finite = np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise UsageError(f"{what}, row {row}: {array[row].tolist()} is not finite. Leave such rows out.")
    return array


def _of_several_labels(truth: np.ndarray, given: np.ndarray, classes: Any, pos_label: Any) -> Scores:
    k = truth.shape[1]
    if given.shape != truth.shape:
        raise UsageError(
            f"y_true has {k} labels for each row, and y_score the shape {given.shape}. It must be {truth.shape}."
        )
    if not np.isin(truth, (0, 1)).all():
        raise UsageError("y_true has several columns, so they must hold 0 and 1: whether the row has each label.")
    known = range(k) if classes is None else classes
    if len(known) != k:
        raise UsageError(f"there are {k} labels; received {len(known)} names for them.")
    names = tuple(f"label {name}" if isinstance(name, (int, np.integer)) else str(name) for name in known)
    if pos_label is None:
        return Scores(truth.astype(bool), given, names, False)
    j = position(pos_label, known)
    return Scores(truth[:, [j]].astype(bool), given[:, [j]], (names[j],), False)


def _sorted(labels: np.ndarray) -> np.ndarray:
    try:
        distinct = np.unique(labels)
    except TypeError:
        raise UsageError("labels must be of one type, and none may be missing.") from None
    if distinct.dtype.kind == "f" and np.isnan(distinct).any():
        raise UsageError("a label is missing (NaN). Leave such rows out.")
    return distinct


def _one_class(label: Any, of_several: bool = False, absent: bool = False) -> UsageError:
    if of_several:
        return UsageError("no label tells these rows apart: each belongs to all of them or to none. Give more rows.")
    words = "no row is" if absent else "all rows are"
    return UsageError(f'{words} of class "{in_words(label)}". This picture needs rows with it and rows without it.')


def _same_length(truth: np.ndarray, other: np.ndarray, what: str) -> None:
    n, m = (len(values) if values.ndim else 0 for values in (truth, other))
    if n == 0 or n != m:
        raise UsageError(f"y_true has {n} rows and {what} {m}. They must have the same number, at least one.")
