"""scikit-learn's fitted transformers of numbers, as steps of an export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.export.preparation import Feature, Preparation
from chainrule.models.export.steps import Norm, Pairs, Sums

Features = list[Feature]


def standard_scaler(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """(x - mean) / deviation."""
    _hint(made, features, step.mean_, step.scale_)
    v = made.numbers(features, where, gaps=True)
    v = made.each("subtract", v, step.mean_) if step.with_mean else v
    return [*(made.each("divide", v, step.scale_) if step.with_std else v)]


def min_max_scaler(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """x * scale + min, perhaps cut off at the ends."""
    _hint(made, features, step.data_min_, step.data_range_)
    v = made.each("multiply", made.numbers(features, where, gaps=True), step.scale_)
    v = made.each("add", v, step.min_)
    if step.clip:
        low, high = step.feature_range
        v = made.each("at_most", made.each("at_least", v, low), high)
    return [*v]


def max_abs_scaler(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """x / largest absolute value."""
    _hint(made, features, 0.0, step.scale_)
    v = made.each("divide", made.numbers(features, where, gaps=True), step.scale_)
    if getattr(step, "clip", False):  # from scikit-learn 1.9 on
        v = made.each("at_most", made.each("at_least", v, -1.0), 1.0)
    return [*v]


def robust_scaler(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """(x - median) / range of the quartiles."""
    _hint(made, features, step.center_, step.scale_)
    v = made.numbers(features, where, gaps=True)
    v = made.each("subtract", v, step.center_) if step.with_centering else v
    return [*(made.each("divide", v, step.scale_) if step.with_scaling else v)]


def normalizer(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """Each row divided by its norm."""
    v = made.numbers(features, where, gaps=False)
    norm = made.add(Norm(step.norm, tuple(v)))
    return [*made.add(Pairs("quotient", tuple(v), tuple(norm) * len(v)))]


def polynomial_features(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """Products of powers, degree by degree: each is one of a lower degree times one of its factors."""
    v = made.numbers(features, where, gaps=False)
    wanted = [tuple(map(int, powers)) for powers in step.powers_]
    places: dict[tuple[int, ...], int] = {tuple(int(i == k) for i in range(len(v))): v[k] for k in range(len(v))}
    needed = set(wanted) - set(places)
    for powers in wanted:
        while sum(powers) > 2:
            powers = _divided(powers)[0]
            needed.add(powers)
    constant = (0,) * len(v)
    if constant in needed:
        (places[constant],) = made.each("constant", v[:1], 1.0)
    for degree in range(2, max(map(sum, wanted), default=1) + 1):
        products = sorted(powers for powers in needed if sum(powers) == degree)
        if not products:
            continue
        factors = [_divided(powers) for powers in products]
        pairs = Pairs("product", tuple(places[rest] for rest, _ in factors), tuple(v[i] for _, i in factors))
        places |= dict(zip(products, made.add(pairs), strict=True))
    return [places[powers] for powers in wanted]


def _divided(powers: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """A product without its last factor, and which that is."""
    last = max(i for i, power in enumerate(powers) if power)
    return tuple(power - (i == last) for i, power in enumerate(powers)), last


def pca(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """(x - mean) times the components, perhaps divided by their deviations."""
    v = made.numbers(features, where, gaps=False)
    _hint(made, features, step.mean_, 1.0)
    v = made.each("subtract", v, step.mean_)
    sums = made.add(Sums(tuple(v), np.asarray(step.components_, dtype=float).T))
    if step.whiten:
        deviation = np.sqrt(step.explained_variance_)
        sums = made.each("divide", sums, np.maximum(deviation, np.finfo(deviation.dtype).eps))
    return [*sums]


def truncated_svd(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """x times the components."""
    v = made.numbers(features, where, gaps=False)
    return [*made.add(Sums(tuple(v), np.asarray(step.components_, dtype=float).T))]


def selector(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """Some of the columns."""
    v = made.numbers(features, where, gaps=bool(step.__sklearn_tags__().input_tags.allow_nan))
    return [v[i] for i in step.get_support(indices=True)]


# The NumPy functions that FunctionTransformer may be given.
FUNCTIONS = {
    "abs": "absolute", "absolute": "absolute", "exp": "exp", "expm1": "expm1", "log": "log", "log10": "log10",
    "log1p": "log1p", "log2": "log2", "negative": "negative", "sqrt": "sqrt", "square": "square",
}  # fmt: skip


def function_transformer(step: Any, features: Features, made: Preparation, where: str) -> Features:
    """A function of NumPy on each number; without one nothing is done."""
    operation = operation_of(step.func, step.kw_args, where)
    if step.validate:
        features = [*made.numbers(features, where, gaps=False)]
    return [*made.each(operation, made.numbers(features, where, gaps=True))] if operation else features


def operation_of(function: Any, arguments: Any, where: str) -> str | None:
    """The operation of a function of NumPy; None for none.

    Raises
    ------
    UsageError
        For any other function.
    """
    if function is None:
        return None
    name = getattr(function, "__name__", "")
    if arguments or name not in FUNCTIONS or function is not getattr(np, name):
        raise UsageError(
            f"{where} has the function {name or function!r}{' with arguments of its own' if arguments else ''}, which "
            f"cannot be written in another language. Allowed are {', '.join(f'numpy.{name}' for name in FUNCTIONS)}."
        )
    return FUNCTIONS[name]


def _hint(made: Preparation, features: Features, center: Any, scale: Any) -> None:
    """Remember where a column's values lie."""
    n = len(features)
    centers = np.broadcast_to(np.zeros(n) if center is None else np.asarray(center, dtype=float), (n,))
    scales = np.broadcast_to(np.ones(n) if scale is None else np.asarray(scale, dtype=float), (n,))
    for feature, middle, width in zip(features, centers.tolist(), scales.tolist(), strict=True):
        made.hint(feature, [middle - width, middle, middle + width / 3, middle + 2 * width])


NUMBER_STEPS: dict[str, Callable[[Any, Features, Preparation, str], Features]] = {
    "sklearn.preprocessing.StandardScaler": standard_scaler,
    "sklearn.preprocessing.MinMaxScaler": min_max_scaler,
    "sklearn.preprocessing.MaxAbsScaler": max_abs_scaler,
    "sklearn.preprocessing.RobustScaler": robust_scaler,
    "sklearn.preprocessing.Normalizer": normalizer,
    "sklearn.preprocessing.PolynomialFeatures": polynomial_features,
    "sklearn.preprocessing.FunctionTransformer": function_transformer,
    "sklearn.decomposition.PCA": pca,
    "sklearn.decomposition.TruncatedSVD": truncated_svd,
    "sklearn.feature_selection.VarianceThreshold": selector,
    "sklearn.feature_selection.SelectKBest": selector,
    "sklearn.feature_selection.SelectPercentile": selector,
    "sklearn.feature_selection.SelectFromModel": selector,
}


# ---- behind the network: what turns predictions back ---------------------------------------------------------------


def back(step: Any, values: list[int], made: Preparation, where: str) -> list[int]:
    """The inverse of a transformer, for the targets of a TransformedTargetRegressor.

    Raises
    ------
    UsageError
        For a transformer whose inverse is not known here.
    """
    kind = type(step).__name__
    if kind == "FunctionTransformer":
        operation = operation_of(step.inverse_func, step.inv_kw_args, where)
        return made.each(operation, values) if operation else values
    if kind == "StandardScaler":
        values = made.each("multiply", values, step.scale_) if step.with_std else values
        return made.each("add", values, step.mean_) if step.with_mean else values
    if kind == "MinMaxScaler":
        return made.each("divide", made.each("subtract", values, step.min_), step.scale_)
    if kind == "MaxAbsScaler":
        return made.each("multiply", values, step.scale_)
    if kind == "RobustScaler":
        values = made.each("multiply", values, step.scale_) if step.with_scaling else values
        return made.each("add", values, step.center_) if step.with_centering else values
    raise UsageError(
        f"{where}: a {kind} cannot be turned back in an export. Allowed are StandardScaler, MinMaxScaler, "
        "MaxAbsScaler, RobustScaler and FunctionTransformer, or a func and an inverse_func of NumPy."
    )
