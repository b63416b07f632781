"""scikit-learn's pipelines and column transformers around a network, as one description."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.export.category_steps import CATEGORY_STEPS
from chainrule.models.export.preparation import Feature, Preparation
from chainrule.models.export.scikit_steps import NUMBER_STEPS, back
from chainrule.models.export.steps import Step

Features = list[Feature]
STEPS = {**NUMBER_STEPS, **CATEGORY_STEPS}
COMPOSED = (
    "sklearn.pipeline.Pipeline", "sklearn.pipeline.FeatureUnion", "sklearn.compose.ColumnTransformer",
    "sklearn.compose.TransformedTargetRegressor",
)  # fmt: skip
METHODS = ("transform", "inverse_transform", "predict", "get_support", "_get_support_mask")  # what they do to rows


def kind_of(step: Any) -> str:
    """The public name of a class of scikit-learn, "sklearn.pipeline.Pipeline"; of any other class its own name.

    A subclass that leaves what it does to rows as it is counts as the class itself; one that changes it does not.
    """
    return next((public for public in map(_public, type(step).__mro__) if _does_as(step, public)), _public(type(step)))


def _does_as(step: Any, public: str) -> bool:
    """Whether a step does to rows what the class of that name does."""
    if public not in {*STEPS, *COMPOSED}:
        return False
    home, _, name = public.rpartition(".")
    base = getattr(sys.modules[home], name)
    of_base = {method: getattr(base, method, None) for method in METHODS}
    return all(getattr(type(step), method, None) is known for method, known in of_base.items())


def _public(kind: type) -> str:
    public = ".".join(part for part in kind.__module__.split(".") if not part.startswith("_"))
    if public.startswith("sklearn.") and getattr(sys.modules.get(public), kind.__name__, None) is kind:
        return f"{public}.{kind.__name__}"
    return f"{kind.__module__}.{kind.__name__}"


def parts_of(model: Any) -> tuple[list[tuple[str, Any]], Any, Any]:
    """Take a pipeline, or a regressor of transformed targets, apart.

    Parameters
    ----------
    model : fitted estimator, Pipeline or TransformedTargetRegressor

    Returns
    -------
    steps : list of (name, transformer)
    estimator
        The last step.
    transformer or None
        What turned the targets into those that the estimator learnt.

    Raises
    ------
    UsageError
        For a pipeline of another kind, or targets that are transformed twice.
    """
    steps: list[tuple[str, Any]] = []
    targets = None
    while True:
        kind = kind_of(model)
        if kind == "sklearn.pipeline.Pipeline":
            steps += model.steps[:-1]
            model = model.steps[-1][1]
        elif kind == "sklearn.compose.TransformedTargetRegressor":
            if not hasattr(model, "regressor_"):
                raise UsageError("this TransformedTargetRegressor is not fitted. Call fit first.")
            if targets is not None:
                raise UsageError(
                    "a TransformedTargetRegressor within another cannot be exported. Transform the targets once."
                )
            model, targets = model.regressor_, model.transformer_
        else:
            return steps, model, targets


def prepare(steps: Iterable[tuple[str, Any]], made: Preparation, features: Features, within: str = "") -> Features:
    """Add the transformers of a pipeline.

    Raises
    ------
    UsageError
        For one that cannot be exported, by its name and class.
    """
    for name, step in steps:
        features = _transformed(step, features, made, f"{within}{name}")
    return features


def turned_back(transformer: Any, n: int) -> tuple[Step, ...]:
    """The steps from what the estimator says to the targets' own values."""
    made = Preparation([f"target {k}" for k in range(n)])
    _refuse_unknown(transformer, "transformer", {*NUMBER_STEPS})
    back(transformer, list(range(n)), made, f'the transformer "{type(transformer).__name__}" of the targets')
    return made.steps


def _transformed(step: Any, features: Features, made: Preparation, name: str) -> Features:
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return features
    if isinstance(step, str) and step == "drop":
        return []
    kind = kind_of(step)
    if kind == "sklearn.pipeline.Pipeline":
        return prepare(step.steps, made, features, f"{name}: ")
    if kind == "sklearn.compose.ColumnTransformer":
        return _by_columns(step, features, made, name)
    if kind == "sklearn.pipeline.FeatureUnion":
        return _side_by_side(step, features, made, name)
    _refuse_unknown(step, name, {*STEPS})
    if not features:
        return []
    where = f'the step "{name}" ({type(step).__name__})'
    if getattr(step, "n_features_in_", len(features)) != len(features):
        raise UsageError(
            f"{where} was fitted with {step.n_features_in_} columns and gets {len(features)}. Fit it anew."
        )
    return STEPS[kind](step, features, made, where)


def _refuse_unknown(step: Any, name: str, known: set[str]) -> None:
    if kind_of(step) not in known or any(method in vars(step) for method in ("transform", "inverse_transform")):
        raise UsageError(
            f'the step "{name}" is a {type(step).__module__}.{type(step).__name__}, which cannot be exported. Allowed '
            f"are {', '.join(one.rpartition('.')[2] for one in STEPS)}, and Pipeline, ColumnTransformer and "
            "FeatureUnion of them, as they come from scikit-learn, with a transform of no other making. Take the step "
            "out of the pipeline, and do it to the rows before they reach the export."
        )


def _by_columns(step: Any, features: Features, made: Preparation, name: str) -> Features:
    out: Features = []
    for part, transformer, columns in step.transformers_:
        chosen = _chosen(step, columns, len(features))
        out += _transformed(transformer, [features[i] for i in chosen], made, f"{name}: {part}")
    return out


def _chosen(step: Any, columns: Any, width: int) -> list[int]:
    """The positions of the columns of a part of a ColumnTransformer: names, numbers, slices or masks."""
    if callable(columns):
        raise UsageError("a ColumnTransformer that is not fitted cannot be exported. Call fit first.")
    names = [str(name) for name in getattr(step, "feature_names_in_", [])]
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):  # with its end, as in pandas
            start = None if columns.start is None else names.index(columns.start)
            stop = None if columns.stop is None else names.index(columns.stop) + 1
            columns = slice(start, stop, columns.step)
        return [*range(*columns.indices(width))]
    listed = [columns] if isinstance(columns, (str, int, np.integer)) else list(columns)
    if listed and all(isinstance(one, (bool, np.bool_)) for one in listed):
        return [i for i, taken in enumerate(listed) if taken]
    return [names.index(one) if isinstance(one, str) else range(width)[int(one)] for one in listed]


def _side_by_side(step: Any, features: Features, made: Preparation, name: str) -> Features:
    out: Features = []
    weights = step.transformer_weights or {}
    for part, transformer in step.transformer_list:
        made_of_it = _transformed(transformer, features, made, f"{name}: {part}")
        if part in weights and made_of_it:
            numbers = made.numbers(made_of_it, f'the step "{name}: {part}"', gaps=True)
            made_of_it = [*made.each("multiply", numbers, weights[part])]
        out += made_of_it
    return out
