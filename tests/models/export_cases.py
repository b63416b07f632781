"""What is exported in the tests of every language: a model, some of its rows, and what Python answers to them."""

from __future__ import annotations

import math
import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas
from export_pipelines import PIPELINES
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule.models import estimators

# Names that break a careless writer: quotes, ends of comments and lines, trigraphs, keywords, what JavaScript's
# objects have of their own, characters that turn text around.
AWKWARD = (
    'q"uo\'te', "back\\slash", "line\nbreak", "*/ /* // #", "trigraph ??/", "???/", "</script><!--", "class",
    "__proto__", "constructor", "${name}", "{0} %s %d", "Größe", "名前", "\u202eturned", "\u2028", "null", "label",
    "X", " ", "\t",
)  # fmt: skip
EXTREME = np.array([0.0, -0.0, 1e-300, 1e-9, -1e-9, 0.5, -0.5, 3.0, -3.0, 30.0, -30.0, 750.0, -750.0, 1e300, -1e300])


class Case(NamedTuple):
    """A model, rows in the order of its columns with None where a value is missing, and Python's answers.

    `numbers` are probabilities, values or outputs, (N, n); `labels` are None where there are none.
    """

    model: Any
    columns: tuple[str, ...]
    rows: list[list[Any]]
    numbers: np.ndarray
    labels: list[Any] | None = None
    tolerance: float = 1e-9


def of_model(model: cr.Model | cr.Ensemble, columns: dict[str, list[Any]], tolerance: float = 1e-9) -> Case:
    """A case of a Model: what it says to the rows of a table."""
    names = tuple(item.name for item in model.encoding.inputs)
    table = {name: columns[name] for name in names}
    rows = [list(row) for row in zip(*table.values(), strict=True)]
    if model.task == "regression":
        return Case(model, names, rows, model.predict(table).reshape(len(rows), -1), None, tolerance)
    return Case(model, names, rows, model.probabilities(table), model.predict(table).tolist(), tolerance)


def of_builtin(name: str, **options: Any) -> Case:
    """A case of a built-in table: its first rows, and in float64 such that lie a million times further out."""
    model = cr.train(name, epochs=20, **options)
    names = [item.name for item in model.encoding.inputs]
    columns = {column: cr.read_table(name).column(column).values[:40].tolist() for column in names}
    if options.get("dtype") != "float64":
        return of_model(model, columns, 2e-6)
    far = {column: values + [value * 1e6 for value in values] for column, values in columns.items()}
    return of_model(model, far)


def mixed_table(n: int = 60) -> dict[str, list[Any]]:
    """Numbers and names, both with gaps."""
    rng = np.random.default_rng(0)
    area = rng.normal(80, 20, n).round(1)
    district = rng.choice(["north", "harbour", "old town", "né"], n)
    rooms = rng.integers(1, 5, n)
    price = 3 * area + 40 * (district == "harbour") + rng.normal(0, 5, n)
    return {
        "area": [None if i % 7 == 0 else value for i, value in enumerate(area.tolist())],
        "district": [None if i % 11 == 0 else value for i, value in enumerate(district.tolist())],
        "rooms": [None if i % 13 == 0 else value for i, value in enumerate(rooms.tolist())],
        "price": price.tolist(),
        "rent": (price / 20).tolist(),
        "dear": ["yes" if value > 250 else "no" for value in price],
        "large": [bool(value > 80) for value in area],
    }


def mixed(target: str, columns: tuple[str, ...] = ("area", "district", "rooms"), **options: Any) -> Case:
    table = mixed_table()
    used = {name: table[name] for name in (*columns, *target.split(","))}
    settings = {"epochs": 30, "dtype": "float64", "hidden": 5, "missing": "indicate", "nominal": "rooms"}
    if "rooms" not in columns:
        del settings["nominal"]
    return of_model(cr.train(used, target=target, **{**settings, **options}), used)


def awkward() -> Case:
    """Awkward names everywhere: of columns, of names in them and of classes."""
    n = 4 * len(AWKWARD)
    values = [AWKWARD[i % len(AWKWARD)] for i in range(n)]
    table: dict[str, list[Any]] = {
        name: [float((i * (k + 3)) % 7) for i in range(n)] if k % 2 else values[k:] + values[:k]
        for k, name in enumerate(AWKWARD)
    }
    table["<target> */ ??/"] = values
    model = cr.train(table, target="<target> */ ??/", epochs=5, dtype="float64", hidden=3, validation=0, test=0)
    return of_model(model, table)


def of_network(network: cr.Network, X: np.ndarray, tolerance: float = 1e-9) -> Case:
    A = np.asarray(cr.forward(network, X.astype(network.parameters[0].dtype)).output)
    return Case(network, (), X.tolist(), A, None, tolerance)


def activation(name: str) -> Case:
    """A network with an activation within and at its end, on numbers that reach its ends."""
    with np.errstate(all="ignore"):
        weights = [np.array([[1.0, 0.5, -1.0]]), np.array([[0.5, 1.0], [1.0, -1.0], [-0.25, 0.5]])]
        return of_network(cr.Network.dense([1, 3, 2], name, weights=weights, bias=False), EXTREME[:, None])


def layers_of_all_kinds() -> cr.Network:
    """Frozen layers, layers with a bias as row 0 of their weights, and layers without."""
    parts = [
        cr.Network.dense([3, 4], "tanh", bias="x0", trainable=[False], seed=1).layers,
        cr.Network.dense([4, 3], "relu", bias=False, seed=2).layers,
        cr.Network.dense([3, 2], "softmax", seed=3).layers,
    ]
    return cr.Network(tuple(layer for part in parts for layer in part))


def of_sklearn(kind: Any, y: np.ndarray, dtype: Any = np.float64, **options: Any) -> Case:
    X = np.random.default_rng(0).normal(size=(40, 4)).astype(dtype)
    estimator = kind(hidden_layer_sizes=(5,), max_iter=400, random_state=0, tol=0.1, **options).fit(X, y)
    rows, tolerance = X.tolist(), 2e-6 if dtype == np.float32 else 1e-9
    names = tuple(f"x{i}" for i in range(1, 5))
    if hasattr(estimator, "classes_"):
        P = estimator.predict_proba(X)
        return Case(estimator, names, rows, P, estimator.predict(X).tolist(), tolerance)
    return Case(estimator, names, rows, estimator.predict(X).reshape(len(X), -1), None, tolerance)


def of_ours(kind: Any, target: str, *names: str) -> Case:
    """Our own estimator, which encodes a frame with text and gaps itself; it leaves out a column that is constant."""
    table = mixed_table() | {"unused": [5.0] * 60}
    frame = pandas.DataFrame({name: table[name] for name in names})
    estimator = kind(hidden_layer_sizes=4, activation="gelu", preprocess=True, max_iter=300, tol=1e3, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "preprocess=True leaves out")
        estimator.fit(frame, table[target])
    rows = [list(row) for row in zip(*(table[name] for name in names), strict=True)]
    if not hasattr(estimator, "classes_"):
        return Case(estimator, names, rows, estimator.predict(frame).reshape(len(rows), -1))
    return Case(estimator, names, rows, estimator.predict_proba(frame), estimator.predict(frame).tolist())


def of_pipeline(name: str) -> Case:
    """A pipeline, and what it says to the rows that it was fitted on."""
    pipeline, X = PIPELINES[name]()
    table = X if isinstance(X, pandas.DataFrame) else pandas.DataFrame(X)
    columns = tuple(f"x{i + 1}" for i in range(table.shape[1])) if table is not X else tuple(table.columns)
    rows = [[None if cell != cell else cell for cell in row] for row in table.to_numpy(dtype=object).tolist()]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the encoders' about unknown categories
        if hasattr(pipeline, "predict_proba"):
            return Case(pipeline, columns, rows, pipeline.predict_proba(X), pipeline.predict(X).tolist())
        return Case(pipeline, columns, rows, pipeline.predict(X).reshape(len(rows), -1))


def dates() -> Case:
    """A column of dates with gaps, which every language takes as days too."""
    days = [None if i % 7 == 0 else 15340.0 + i / 4 for i in range(40)]
    moments = [None if day is None else np.datetime64("1970-01-01", "s") + int(day * 86400) for day in days]
    table = {"day": moments, "y": [math.sin(i) for i in range(40)]}
    model = cr.train(table, target="y", epochs=3, dtype="float64", missing="indicate", validation=0, test=0)
    return of_days(model, moments, days)


def of_days(model: cr.Model, moments: list[Any], days: list[float | None]) -> Case:
    """A case of a column of dates, whose rows are the days since 1970 that other languages take."""
    said = model.predict({"day": moments}).reshape(len(days), -1)
    return Case(model, ("day",), [[day] for day in days], said, None)


def cycles() -> Case:
    """Dates with gaps over three years, at different times of day: three cycles, before 1970 too."""
    days = [None if i % 9 == 0 else -400.0 + 17 * i + i % 4 / 4 for i in range(70)]
    moments = [None if day is None else np.datetime64("1970-01-01", "s") + int(day * 86400) for day in days]
    table = {"day": moments, "y": [math.sin(i) for i in range(70)]}
    model = cr.train(table, target="y", epochs=9, hidden=3, dtype="float64", validation=0, test=0)
    assert model.encoding.n_inputs == 8
    return of_days(model, moments, days)


def others(unknown: str = "other") -> Case:
    """Names with a node for all others, with and without a node for gaps."""
    n = 66
    towns = ["Bonn", "Ulm", "Jena", "Köln", "other", "(other)"]
    table = {
        "town": [towns[i * i % 7 % 6] for i in range(n)],
        "shop": [None if i % 5 == 0 else towns[i % 6] for i in range(n)],
        "y": [math.cos(i) for i in range(n)],
    }
    model = cr.train(table, target="y", max_categories=2, epochs=9, hidden=3, dtype="float64", validation=0, test=0)
    assert [len(item.node_names) for item in model.encoding.inputs] == [3, 4]
    new = {"town": ["Paris", "Ulm", None, *table["town"]], "shop": ["Ulm", "Paris", None, *table["shop"]]}
    if unknown == "refuse":
        both = {None, *model.encoding.inputs[0].categories} & {None, *model.encoding.inputs[1].categories}
        pairs = list(zip(new["town"], new["shop"], strict=True))
        known = [i for i, pair in enumerate(pairs) if both.issuperset(pair)]
        new = {name: [cells[i] for i in known] for name, cells in new.items()}
        assert None in new["shop"]
    return of_model(model.with_unknown(unknown), new)


def of_ensemble(name: str, columns: dict[str, list[Any]] | None = None, **options: Any) -> Case:
    """An ensemble of three, and what it says to the first rows of its table, or to others."""
    ensemble = cr.train_ensemble(name if columns is None else columns, members=3, epochs=10, **options)
    names = [item.name for item in ensemble.encoding.inputs]
    table = cr.read_table(name) if columns is None else None
    rows = {one: table.column(one).values[:30].tolist() if table else columns[one] for one in names}
    return of_model(ensemble, rows)


def skewed_table() -> dict[str, list[Any]]:
    """Targets that are learnt on a logarithmic scale, of one sign and of both, and one that is not."""
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, 80))
    profit = 5 * a * np.abs(a) ** 4 + b
    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "y": np.exp(2 * a + b).tolist(),
        "p": profit.tolist(),
        "s": (a + b).tolist(),
    }


def skewed(target: str, tolerance: float = 1e-9, members: int = 0, **options: Any) -> Case:
    table, ignore = skewed_table(), ",".join(name for name in "yps" if name not in target)
    settings = {"target": target, "ignore": ignore, "epochs": 8, "target_scale": "auto", **options}
    model = cr.train_ensemble(table, members=members, **settings) if members else cr.train(table, **settings)
    assert any(unit is not None for unit in model.encoding.target.log_units)
    return of_model(model, {name: table[name] for name in "ab"}, tolerance)


Y = np.random.default_rng(1).normal(size=(40, 3))
ACTIVATIONS = {
    f"activation {name}": lambda name=name: activation(name)
    for name in (
        "identity", "step", "logistic", "tanh", "relu", "leaky_relu", "leaky_relu(0.2)", "elu", "elu(0.5)", "selu",
        "gelu", "silu", "softplus", "exponential", "softmax",
    )
}  # fmt: skip
MIXED = {name: mixed_table()[name] for name in ("area", "district", "dear")}
MAKERS = {
    "wine": lambda: of_builtin("wine", dtype="float64"),
    "wine in float32": lambda: of_builtin("wine"),
    "wine, unscaled": lambda: of_builtin("wine", scale="none", dtype="float64"),
    "iris, logistic outputs": lambda: of_builtin("iris", output_activation="logistic", dtype="float64"),
    "iris, soft targets": lambda: of_builtin("iris", soft_targets=True, dtype="float64", activation="gelu"),
    "digits": lambda: of_builtin("digits", hidden=20),
    "diabetes": lambda: of_builtin("diabetes", dtype="float64"),
    "diabetes in float32": lambda: of_builtin("diabetes", activation="silu"),
    "xor": lambda: of_builtin("xor", dtype="float64"),
    "one column": lambda: of_builtin("sine", dtype="float64"),
    "names, indicators and two classes": lambda: mixed("dear"),
    "several targets, no names": lambda: mixed("price,rent", ("area",), missing="impute"),
    "names only": lambda: mixed("price", ("district", "rooms"), missing="impute", unknown="other"),
    "truth values, tanh outputs": lambda: mixed("large", output_activation="tanh", missing="impute"),
    "soft targets of -0.9 and 0.9": lambda: mixed("dear", output_activation="tanh", soft_targets=True),
    "softmax of two classes": lambda: mixed("dear", output_activation="softmax"),
    "identity outputs of classes": lambda: mixed("dear", output_activation="identity", loss="half_squared_error"),
    "awkward names": awkward,
    "layers of all kinds": lambda: of_network(layers_of_all_kinds(), np.random.default_rng(4).normal(size=(9, 3))),
    "network in float32": lambda: of_network(layers_of_all_kinds().astype("float32"), np.eye(3), 1e-6),
    **ACTIVATIONS,
    "sklearn, two classes": lambda: of_sklearn(MLPClassifier, np.where(Y[:, 0] > 0, "yes", "no")),
    "sklearn, three classes": lambda: of_sklearn(MLPClassifier, (Y[:, 0] > 0) + (Y[:, 0] > 1).astype(int) - 2),
    "sklearn, several labels": lambda: of_sklearn(MLPClassifier, (Y > 0).astype(int), activation="logistic"),
    "sklearn, a value": lambda: of_sklearn(MLPRegressor, Y[:, 0]),
    "sklearn, several values": lambda: of_sklearn(MLPRegressor, Y, activation="tanh"),
    "sklearn in float32": lambda: of_sklearn(MLPRegressor, Y[:, 0].astype(np.float32), np.float32),
    "ours, two classes": lambda: of_sklearn(estimators.MLPClassifier, np.where(Y[:, 0] > 0, "yes", "no")),
    "ours, three classes": lambda: of_sklearn(
        estimators.MLPClassifier, (Y[:, 0] > 0) + (Y[:, 0] > 1).astype(int), activation="elu(0.5)"
    ),
    "ours, several labels": lambda: of_sklearn(estimators.MLPClassifier, (Y > 0).astype(int), activation="silu"),
    "ours, several values": lambda: of_sklearn(estimators.MLPRegressor, Y, activation="leaky_relu(0.1)"),
    "ours, counts": lambda: of_sklearn(estimators.MLPRegressor, np.round(np.exp(Y[:, 0])), loss="poisson"),
    "our own classifier of a frame": lambda: of_ours(
        estimators.MLPClassifier, "dear", "area", "unused", "district", "rooms"
    ),
    "our own regressor of a frame": lambda: of_ours(estimators.MLPRegressor, "price", "area", "district", "rooms"),
    "dates, by days": dates,
    "dates in three cycles": cycles,
    "names with others": others,
    "names with others that are refused": lambda: others("refuse"),
    "ensemble of classes": lambda: of_ensemble("iris", dtype="float64"),
    "ensemble of two classes": lambda: of_ensemble("", MIXED, target="dear", missing="indicate", dtype="float64"),
    "ensemble of values": lambda: of_ensemble("diabetes", dtype="float64"),
    "logarithmic value": lambda: skewed("y", dtype="float64"),
    "logarithmic value in float32": lambda: skewed("y", 1e-4),
    "logarithmic and other values": lambda: skewed("y,p,s", dtype="float64"),
    "ensemble of logarithmic values": lambda: skewed("p", members=3, target_scale="log", dtype="float64"),
    **{name: lambda name=name: of_pipeline(name) for name in PIPELINES},
}


@cache
def case(name: str) -> Case:
    """The case of that name, made once."""
    return MAKERS[name]()


CASES = tuple(MAKERS)


def refused() -> tuple[cr.Model, list[list[Any]]]:
    """A model that provides for nothing, and rows that it refuses; the first of its rows is a good one."""
    table = {
        "size": [1.0, 2.0, 4.0, 8.0] * 3,
        "color": ["red", "blue", "red", "green"] * 3,
        "y": [1.0, 2.0, 3.0, 5.0] * 3,
    }
    strict = {"missing": "refuse", "unknown": "refuse"}
    model = cr.train(table, target="y", epochs=3, dtype="float64", validation=0, test=0, **strict)
    bad = [[None, "red"], [1.0, None], [1.0, "purple"], [float("inf"), "red"], [-float("inf"), "red"], [1.0, "Red"]]
    return model, [[1.0, "red"], *bad]
