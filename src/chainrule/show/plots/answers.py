"""Who answers what: the truth and the answers on some rows, asked of each kind of source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.data.columns import name_list
from chainrule.errors import UsageError
from chainrule.show.plots.sources import check_fitted, final, is_ours, sklearn_part
from chainrule.show.plots.truth import Labels, Scores, Values, labels_from, scores_from, values_from

INSTEAD = {
    "classification": "For values there are PredictionErrorDisplay and ResidualHistogramDisplay",
    "regression": "For classes there are ConfusionMatrixDisplay, RocCurveDisplay, PrecisionRecallDisplay and "
    "CalibrationDisplay",
}


def scores_of(source: Any, X: Any, y: Any, pos_label: Any, only_probabilities: bool = False) -> Scores:
    """Ask a classifier for the probability of each class, or else for its decision function.

    Parameters
    ----------
    source
        A fitted classifier, or a Model or Ensemble.
    X, y
        The rows and their truth; see `truth_and_rows`.
    pos_label
        One class to be told from the rest; None is the second of two, or each of several.
    only_probabilities : bool
        Refuse a classifier that has none.

    Raises
    ------
    UsageError
        If the source or the rows do not fit.
    """
    truth, rows = truth_and_rows(source, X, y, "classification")
    if is_ours(source):
        return scores_from(truth, source.probabilities(rows), source.classes, pos_label)
    classes = _label_names(source, y)
    if hasattr(source, "predict_proba"):
        return scores_from(truth, _asked(source, "predict_proba", rows), classes, pos_label)
    if only_probabilities or not hasattr(source, "decision_function"):
        also = "" if only_probabilities else " and no decision_function"
        raise UsageError(f"this {type(final(source)).__name__} has no predict_proba{also}. Take another classifier.")
    scores = _asked(source, "decision_function", rows)
    # A decision function of two classes speaks for the second one.
    turned = scores.ndim == 1 and pos_label is not None and pos_label == np.asarray(classes)[0]
    return scores_from(truth, -scores if turned else scores, classes, pos_label)


def labels_of(source: Any, X: Any, y: Any) -> Labels:
    """Ask a classifier for its labels; parameters and errors as for `scores_of`."""
    truth, rows = truth_and_rows(source, X, y, "classification")
    if is_ours(source):
        return labels_from(truth, source.predict(rows), source.classes)
    return labels_from(truth, _asked(source, "predict", rows), None if np.ndim(truth) > 1 else source.classes_)


def values_of(source: Any, X: Any, y: Any) -> Values:
    """Ask a regressor for its values; parameters and errors as for `scores_of`."""
    truth, rows = truth_and_rows(source, X, y, "regression")
    if is_ours(source):
        return values_from(truth, source.predict(rows), source.encoding.target_names)
    named = getattr(y, "columns", None)
    names = [getattr(y, "name", None)] if named is None else list(named)
    known = all(name is not None for name in names)
    return values_from(truth, _asked(source, "predict", rows), names if known else None)


def truth_and_rows(source: Any, X: Any, y: Any, task: str) -> tuple[np.ndarray, Any]:
    """Return the truth and the rows to ask about.

    Parameters
    ----------
    source
    X : array-like (N, inputs) or any table, optional
        For a Model by default the rows kept for testing.
    y : array-like (N,) or (N, k), optional
        For a Model by default the target's own columns in X.
    task : {"classification", "regression"}
        What the picture is of.

    Raises
    ------
    UsageError
        If there are no rows, or the source is for another task, not fitted, or was fitted with other columns.
    """
    check_task(source, task)
    if not is_ours(source):
        if X is None or y is None:
            raise UsageError("an estimator keeps no rows. Give X and y; best rows that it was not fitted to.")
        check_columns(source, X)
        truth = np.asarray(y)
        _check_lengths(shape_of(X)[0], truth)
        return truth, X
    if X is None and y is not None:
        raise UsageError("y came without X. Give the rows that it belongs to, or neither.")
    table = source.read(own_rows(source, "test") if X is None else X)
    if y is not None:
        _check_lengths(table.n_rows, np.asarray(y))
        return np.asarray(y), table
    encoding = source.encoding
    return (encoding.true_labels if task == "classification" else encoding.true_values)(table), table


def own_rows(source: Any, part: str) -> Any:
    """Return the rows that a Model kept of its training: "train", "validation" or "test".

    Raises
    ------
    UsageError
        If it kept none.
    """
    if part not in source.parts:
        why = "was trained without such rows" if source.parts else "was loaded from a file, which holds no rows"
        raise UsageError(f'this model has no "{part}" rows: it {why}. Give the rows as the second argument.')
    return source.parts[part]


def check_task(source: Any, task: str) -> None:
    """Raise UsageError unless a source is fitted and for this task."""
    if is_ours(source):
        actual = source.task
    else:
        check_fitted(source)
        base = sklearn_part("sklearn.base")
        actual = "classification" if base.is_classifier(source) else "regression" if base.is_regressor(source) else ""
    if actual != task:
        kind = {"classification": "for classes", "regression": "for values"}
        found = f", which is {kind[actual]}" if actual else ""
        raise UsageError(
            f"this picture is of a model {kind[task]}; received {type(final(source)).__name__}{found}. {INSTEAD[task]}."
        )


def check_columns(source: Any, X: Any) -> None:
    """Raise UsageError unless rows have the shape and the number of columns that an estimator was fitted with."""
    shape = shape_of(X)
    if len(shape) != 2:
        raise UsageError(f"X must have two dimensions, rows and columns; received shape {shape}.")
    expected = getattr(source, "n_features_in_", None)
    if expected is not None and shape[1] != expected:
        names = getattr(source, "feature_names_in_", None)
        which = "" if names is None else f" ({name_list(map(str, names))})"
        raise UsageError(
            f"X has {shape[1]} columns, but this {type(source).__name__} was fitted with {expected}{which}. "
            "Give the same columns in the same order."
        )


def shape_of(X: Any) -> tuple[int, ...]:
    """Return the shape of rows; sparse ones know it themselves."""
    return tuple(X.shape) if hasattr(X, "shape") else np.shape(X)


def asker(source: Any, method: str) -> Callable[[Any], np.ndarray]:
    """Return a method of an estimator whose refusals are UsageErrors."""
    return lambda rows: _asked(source, method, rows)


def _asked(source: Any, method: str, rows: Any) -> np.ndarray:
    try:
        answer = getattr(source, method)(rows)
    except ValueError as error:
        raise UsageError(f"{type(source).__name__}.{method} refused these rows: {error}") from error
    if isinstance(answer, list):  # an array for each column of y
        if any(np.shape(P) != (len(answer[0]), 2) for P in answer):
            raise UsageError(
                f"this {type(final(source)).__name__} answers with {len(answer)} columns of classes. Draw one: "
                "give from_predictions that column of y and its scores."
            )
        answer = np.column_stack([P[:, 1] for P in answer])
    return np.asarray(answer)


def _label_names(source: Any, y: Any) -> Any:
    """The classes that the columns of the scores stand for; a frame of several labels names them itself."""
    columns = getattr(y, "columns", None)
    if columns is not None and len(columns) > 1:
        return list(columns)
    classes = getattr(source, "classes_", None)
    return None if isinstance(classes, list) else classes


def _check_lengths(rows: int, truth: np.ndarray) -> None:
    if truth.ndim == 0 or len(truth) != rows:
        received = "a single value" if truth.ndim == 0 else f"{len(truth)}"
        raise UsageError(f"X has {rows} rows and y has {received}. They must have the same number.")
