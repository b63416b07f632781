"""A plane through the inputs: two of them vary over a grid, the others stay at their medians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.data.columns import Table, count, name_list
from chainrule.errors import UsageError, did_you_mean
from chainrule.show.plots.answers import asker, check_columns, own_rows
from chainrule.show.plots.sources import check_fitted, is_ours, sklearn_part

AROUND = 0.08  # of a feature's range, beyond its lowest and highest value


class Plane(NamedTuple):
    """What a source answers on a grid of two features.

    Attributes
    ----------
    names : (str, str)
        The two features.
    points : float array (N, 2)
        Where the given rows lie.
    axes : (float array (n,), float array (n,))
        The grid's values of each.
    classes : tuple or None
        The labels; None for values.
    answers : float array (n, n, classes) or (n, n)
        Probabilities (or 0 and 1 where there are none) or values; the first index belongs to the second feature.
    fixed : dict
        The other features and the values that they have everywhere.
    """

    names: tuple[str, str]
    points: np.ndarray
    axes: tuple[np.ndarray, np.ndarray]
    classes: tuple[Any, ...] | None
    answers: np.ndarray
    fixed: dict[str, Any]


def plane(source: Any, X: Any, features: Sequence[Any], resolution: int, output: Any) -> Plane:
    """Ask a source on a grid of two features.

    Parameters
    ----------
    source
        A fitted estimator, or a Model or Ensemble.
    X : array-like (N, inputs) or any table, optional
        Rows that give the features' ranges and medians; of a Model by default those that trained it.
    features : two names or positions
    resolution : int
        Points along each side.
    output : int or str, optional
        Which of several targets or labels.

    Raises
    ------
    UsageError
        If features, rows or source do not fit.
    """
    if isinstance(resolution, bool) or not isinstance(resolution, (int, np.integer)) or resolution < 2:
        raise UsageError(f"grid_resolution must be a whole number of at least 2; received {resolution!r}.")
    columns, rebuild = _columns_of_ours(source, X) if is_ours(source) else _columns_of_rows(source, X)
    names = list(columns)
    chosen = _chosen(features, names)
    points = np.column_stack([_as_numbers(columns[name], name) for name in chosen])
    across, up = (_side(points[:, i], resolution) for i in (0, 1))
    fixed = {name: _middle(values) for name, values in columns.items() if name not in chosen}
    grid = {chosen[0]: np.tile(across, resolution), chosen[1]: np.repeat(up, resolution)}
    rows = rebuild({name: grid[name] if name in grid else _repeated(fixed[name], resolution**2) for name in names})
    classes, answers = (_ask_ours if is_ours(source) else _ask)(source, rows, output)
    shape = (resolution, resolution) if classes is None else (resolution, resolution, len(classes))
    return Plane(chosen, points, (across, up), classes, answers.reshape(shape), fixed)


Rebuild = Callable[[dict[str, Any]], Any]


def _columns_of_ours(source: Any, X: Any) -> tuple[dict[str, Any], Rebuild]:
    table: Table = source.read(own_rows(source, "train") if X is None else X)
    if table.positional:  # an array without names; the model knows them
        if table.positional != len(source.encoding.columns):
            raise UsageError(f"X has {table.positional} columns, but this model has {len(source.encoding.columns)}.")
        columns = {
            name: column.values for name, column in zip(source.encoding.columns, table.columns, strict=False)
        }  # fmt: skip
    else:
        columns = {item.name: table.column(item.name).values for item in source.encoding.inputs}
    used = [item.name for item in source.encoding.inputs]
    return {name: columns[name] for name in used}, dict


def _columns_of_rows(source: Any, X: Any) -> tuple[dict[str, Any], Rebuild]:
    check_fitted(source)
    if X is None:
        raise UsageError("an estimator keeps no rows. Give X: it sets the features' ranges, and the others' medians.")
    check_columns(source, X)
    if hasattr(X, "columns") and not isinstance(X, np.ndarray):  # a frame, which is asked for as one again
        kind = type(X)
        return {str(name): np.asarray(X[name]) for name in X.columns}, lambda columns: kind(columns)
    array = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    return {f"x{i + 1}": array[:, i] for i in range(array.shape[1])}, lambda columns: np.column_stack(
        list(columns.values())
    )


def _chosen(features: Sequence[Any], names: list[str]) -> tuple[str, str]:
    if isinstance(features, str) or len(features) != 2:
        raise UsageError(f"features must be two names or positions, as in features=(0, 1); received {features!r}.")
    if len(names) < 2:
        raise UsageError(f"a plane needs two features; there is only {name_list(names)}.")
    chosen = []
    for feature in features:
        if isinstance(feature, str):
            if feature not in names:
                raise UsageError(
                    f'there is no feature "{feature}". {did_you_mean(feature, names)}Features: {name_list(names)}.'
                )
            chosen.append(feature)
        elif isinstance(feature, (int, np.integer)) and not isinstance(feature, bool) and 0 <= feature < len(names):
            chosen.append(names[int(feature)])
        else:
            raise UsageError(f"a feature is a name or a position from 0 to {len(names) - 1}; received {feature!r}.")
    if chosen[0] == chosen[1]:
        raise UsageError(f'both features are "{chosen[0]}". Choose two different ones.')
    return chosen[0], chosen[1]


def _as_numbers(values: Any, name: str) -> np.ndarray:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f'feature "{name}" is not numeric, so it has no axis. Choose another with features.') from None
    if not np.isfinite(numbers).any():
        raise UsageError(f'feature "{name}" has no finite value in these rows. Give others.')
    return numbers


def _side(values: np.ndarray, resolution: int) -> np.ndarray:
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    room = AROUND * (high - low) or 0.5
    return np.linspace(low - room, high + room, resolution)


def _middle(values: Any) -> Any:
    """The median of numbers, the most frequent of anything else."""
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        known = [value for value in values if value is not None]
        distinct, counts = np.unique(np.asarray(known, dtype=object), return_counts=True)
        return distinct[int(np.argmax(counts))]
    return float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else float("nan")


def _repeated(value: Any, n: int) -> np.ndarray:
    return np.full(n, value, dtype=np.float64 if isinstance(value, float) else object)


def _ask_ours(source: Any, rows: Any, output: Any) -> tuple[tuple[Any, ...] | None, np.ndarray]:
    if source.task == "classification":
        return tuple(source.classes), source.probabilities(rows)
    return None, _one_of(source.predict(rows), output, source.encoding.target_names)


def _ask(source: Any, rows: Any, output: Any) -> tuple[tuple[Any, ...] | None, np.ndarray]:
    if not sklearn_part("sklearn.base").is_classifier(source):
        return None, _one_of(asker(source, "predict")(rows), output, None)
    named = asker(source, "predict")(rows)
    if named.ndim == 2 and named.shape[1] > 1:
        label = _place(output, named.shape[1], None)
        P = asker(source, "predict_proba")(rows) if hasattr(source, "predict_proba") else named
        return (0, 1), np.stack([1.0 - P[:, label], P[:, label]], axis=1)
    classes = tuple(np.asarray(source.classes_).tolist())  # one column of them
    if hasattr(source, "predict_proba"):
        return classes, asker(source, "predict_proba")(rows)
    return classes, (named.reshape(-1)[:, None] == np.asarray(source.classes_)[None, :]).astype(float)


def _one_of(values: np.ndarray, output: Any, names: Sequence[str] | None) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    column: np.ndarray = values[:, _place(output, values.shape[1], names)]
    return column


def _place(output: Any, k: int, names: Sequence[str] | None) -> int:
    """The position of the target or label that was asked for; there is no choice among one."""
    if output is None and k == 1:
        return 0
    if isinstance(output, str) and names is not None and output in names:
        return list(names).index(output)
    if isinstance(output, (int, np.integer)) and not isinstance(output, bool) and 0 <= output < k:
        return int(output)
    known = f" ({name_list(names)})" if names is not None else ""
    raise UsageError(
        f"there are {count(k, 'target')}{known}, and this picture is of one: output must be a position from 0 to "
        f"{k - 1}{' or a name' if names is not None else ''}; received {output!r}."
    )
