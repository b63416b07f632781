"""scikit-learn's encoders and imputers as steps of an export: what they do to each value is asked of themselves."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.export.preparation import GAP, OTHER, REFUSED, Cell, Feature, Preparation, Text
from chainrule.models.export.steps import LookUp

Features = list[Feature]


def is_gap(value: Any) -> bool:
    """Whether a value stands for a missing one: None, NaN or pandas.NA."""
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and value != value)


# ---- OneHotEncoder and OrdinalEncoder --------------------------------------------------------------------------------


def one_hot_encoder(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """A number for each category, 1 for the row's own; through the position of that number."""
    groups = getattr(step, "infrequent_categories_", None) if _groups(step) else None
    widths = []
    for i, categories in enumerate(step.categories_):
        rare = None if groups is None else groups[i]
        dropped = step.drop_idx_ is not None and step.drop_idx_[i] is not None
        widths.append(len(categories) - (0 if rare is None else len(rare) - 1) - dropped)
    starts = np.cumsum([0, *widths])
    out: Features = []
    for i, feature in enumerate(features):
        block = slice(starts[i], starts[i + 1])
        position = _encoded(step, i, feature, made, where, partial(_only_one, block=block, where=where))
        out += made.each("equals", [position] * widths[i], np.arange(widths[i])) if widths[i] else []
    return out


def _groups(step: Any) -> bool:
    return step.min_frequency is not None or step.max_categories is not None


def _only_one(row: np.ndarray, block: slice, where: str) -> float:
    """The position of the only 1 in a block of a row, -1 where there is none."""
    row = row[block]
    if not np.isin(row, (0, 1)).all() or row.sum() > 1:
        raise UsageError(f"{where} gives {row.tolist()[:5]} for a category, which is no one-hot code.")
    return float(np.argmax(row)) if row.any() else -1.0


def ordinal_encoder(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """The category's number."""
    return [_encoded(step, i, one, made, where, itemgetter(i)) for i, one in enumerate(features)]


def _encoded(
    step: Any, i: int, feature: Feature, made: Preparation, where: str, read: Callable[[np.ndarray], float]
) -> int:
    """Add the number that an encoder gives for each category of a column, as `read` finds it in what it returns."""
    categories = list(step.categories_[i])
    known = [value for value in categories if not is_gap(value)]
    gaps = [value for value in categories if is_gap(value)]
    if len(gaps) > 1:
        raise UsageError(f"{where} tells None from NaN, and an export has one kind of missing value. Use one of them.")
    text = bool(known) and all(isinstance(value, str) for value in known)
    other = "\x00 none of them" if text else _another(known, where)
    table = {value: float(read(row)) for value, row in zip(known, _answers(step, i, known), strict=True)}
    unknown, missing = (_answer(step, i, value, read) for value in (other, gaps[0] if gaps else np.nan))
    name = f"{where} got a category that it does not know"
    if text:
        if not isinstance(feature, Cell):
            raise UsageError(f"{where} takes numbers as text, which cannot be exported. Encode the column as it comes.")
        if gaps:
            made.mark(feature.column, gaps[0], where)
        made.hint(feature, known)
        position = made.look_up_text(feature, known, _text_answer(table, missing, unknown), where)
    else:
        (position,) = made.numbers([feature], where, gaps=True)
        made.hint(feature, map(float, known))
        keys = tuple(map(float, known))
        (position,) = made.add(LookUp((position,), keys, tuple(table.values()), missing, unknown))
    if REFUSED in (unknown, missing):
        made.refuse("infinite", [position], name)
    return position


def _text_answer(table: Mapping[Any, float], missing: float, unknown: float) -> Callable[[Text], float]:
    return lambda text: missing if text is GAP else unknown if text is OTHER else table.get(text, unknown)


def _another(known: list[Any], where: str) -> float:
    """A number that is no category."""
    if not all(map(_is_number, known)):
        raise UsageError(
            f"{where} has categories that are neither all text nor all numbers: {known[:5]!r}. Make them one of the "
            "two before fitting."
        )
    return float(max(map(float, known), default=0.0)) + 1.0


def _is_number(value: Any) -> bool:
    """Whether float64 holds a value exactly."""
    return isinstance(value, (bool, int, float, np.bool_, np.number)) and abs(float(value)) <= 2**53


def _answers(step: Any, i: int, values: list[Any]) -> np.ndarray:
    """What the encoder makes of rows with such values in column i, and the first categories in the others."""
    if not values:
        return np.empty((0, 0))
    rows = np.empty((len(values), len(step.categories_)), dtype=object)
    rows[:] = [categories[0] for categories in step.categories_]
    rows[:, i] = values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        received = step.transform(rows)
    return np.asarray(received.toarray() if hasattr(received, "toarray") else received, dtype=float)


def _answer(step: Any, i: int, value: Any, read: Callable[[np.ndarray], float]) -> float:
    """The number for a value that may be refused."""
    try:
        return float(read(_answers(step, i, [value])[0]))
    except (ValueError, TypeError):
        return REFUSED


# ---- SimpleImputer and MissingIndicator ------------------------------------------------------------------------------


def simple_imputer(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """What stands in for missing values; columns without any value fall out; indicators come last."""
    fills = np.asarray(step.statistics_).tolist()
    out: Features = []
    for feature, fill in zip(features, fills, strict=True):
        if is_gap(fill) and not step.keep_empty_features:
            continue
        out.append(_imputed(feature, fill, step, made, where))
    if step.indicator_ is not None:
        marked = step.indicator_.features_.tolist()
        out += [_marked(features[i], step, made, where, isinstance(fills[i], str)) for i in marked]
    return out


def missing_indicator(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """1 where a value is missing, and 0 elsewhere."""
    if step.error_on_new and step.features == "missing-only":
        raise UsageError(
            f"{where} refuses a missing value in a column that had none in training, which cannot be exported. Set "
            "error_on_new=False."
        )
    return [_marked(features[i], step, made, where, isinstance(step.missing_values, str)) for i in step.features_]


def _imputed(feature: Feature, fill: Any, step: Any, made: Preparation, where: str) -> Feature:
    marker = step.missing_values
    if isinstance(fill, str) or isinstance(marker, str) or marker is None:
        if not isinstance(feature, Cell) or not isinstance(fill, str):
            raise UsageError(f"{where} puts {fill!r} in place of {marker!r}: a number and text, which no export mixes.")
        made.hint(feature, [fill])
        return Cell(feature.column, (*feature.replaced, (_marker(feature, step, made, where), fill)))
    (v,) = _gaps(feature, step, made, where)
    made.hint(feature, [float(fill)])
    return made.each("fill", [v], float(fill))[0]


def _marked(feature: Feature, step: Any, made: Preparation, where: str, textual: bool) -> int:
    """1 where a value is missing."""
    if isinstance(feature, Cell) and (textual or feature.replaced):
        was = _marker(feature, step, made, where)
        names = [was] if isinstance(was, str) else []
        return made.look_up_text(feature, names, lambda text: float(text is GAP if was is GAP else text == was), where)
    return made.each("missing", _gaps(feature, step, made, where))[0]


def _marker(feature: Cell, step: Any, made: Preparation, where: str) -> Text:
    if isinstance(step.missing_values, str):  # then NaN is refused
        made.mark(feature.column, np.nan, where)
        made.hint(feature, [step.missing_values])
        gap = made.look_up_text(feature, [], lambda text: REFUSED if text is GAP else 0.0, where)
        made.refuse("infinite", [gap], f"{where} got a missing text")
        return step.missing_values
    made.mark(feature.column, step.missing_values, where)
    return GAP


def _gaps(feature: Feature, step: Any, made: Preparation, where: str) -> list[int]:
    """A number that is NaN where it is missing."""
    if is_gap(step.missing_values):
        return made.numbers([feature], where, gaps=True)
    marker = float(step.missing_values)
    made.hint(feature, [marker])
    return made.each("missing_if", made.numbers([feature], where, gaps=False), marker)


CATEGORY_STEPS: dict[str, Callable[[Any, Features, Preparation, str], Features]] = {
    "sklearn.preprocessing.OneHotEncoder": one_hot_encoder,
    "sklearn.preprocessing.OrdinalEncoder": ordinal_encoder,
    "sklearn.impute.SimpleImputer": simple_imputer,
    "sklearn.impute.MissingIndicator": missing_indicator,
}
