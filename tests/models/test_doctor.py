"""The doctor: every check has tables that trigger it and one that does not; remedies are options and they work."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.cli.check import command
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.data.tables import read_table
from chainrule.errors import ChainruleError
from chainrule.models.doctor import CHECKS, Diagnosis, Finding, diagnose, diagnose_model
from chainrule.models.doctor.findings import flags
from chainrule.models.setup import set_up
from chainrule.training.plan import TrainingPlan

FIELDS = {f.name: f for plan in (TrainingPlan, EncodingPlan, ReadingPlan) for f in dataclasses.fields(plan)}
N = 200


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def numbers(**more: Any) -> dict[str, Any]:
    """A table that is in order: two numeric inputs and a numeric target; `more` columns come before the target."""
    rng = draw()
    a, b = rng.normal(size=N), rng.normal(size=N)
    return {"a": a, "b": b, **more, "price": a - 2 * b + rng.normal(size=N)}


def named(**more: Any) -> dict[str, Any]:
    """The same with two classes."""
    table = numbers(**more)
    return {**table, "price": np.where(table["price"] > 0, "high", "low")}


def words(*values: str, n: int = N) -> np.ndarray:
    return np.array(values, dtype=object)[draw(1).integers(0, len(values), n)]


def with_gaps(share: float) -> np.ndarray:
    values = draw(2).normal(size=N)
    values[: int(share * N)] = np.nan
    return values


def unequal(rare: int) -> dict[str, Any]:
    table = numbers()
    return {**table, "price": np.array(["rare"] * rare + ["common"] * (N - rare))}


def blobs() -> dict[str, Any]:
    """Counts as a target."""
    table = numbers()
    return {**table, "price": draw(3).poisson(20, N) + 0.0}


REFUSE = {"missing": "refuse"}


def copies(*, of: str = "", noise: float = 0.01, rows: int = 10) -> dict[str, Any]:
    """Rows of the same patient, shuffled: four measurements with small changes, and a label that nobody can know."""
    rng = draw(4)
    patient = rng.permutation(np.repeat(np.arange(60), rows))
    table = {f"m{i}": rng.normal(size=60)[patient] + noise * rng.normal(size=60 * rows) for i in range(4)}
    name = {of: [f"p{i}" for i in patient]} if of else {}
    return {**name, **table, "ill": rng.choice(["yes", "no"], 60)[patient]}


def days(rows: np.ndarray) -> list[str]:
    return [str(np.datetime64("2020-01-01") + int(i)) for i in rows]


def rentals(total: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> dict[str, Any]:
    rng = draw(7)
    casual, registered = rng.integers(0, 300, N), rng.integers(0, 900, N)
    return {
        "temperature": rng.normal(size=N), "casual": casual, "registered": registered, "wind": rng.normal(size=N),
        "total": total(casual, registered),
    }  # fmt: skip


# What triggers a check: (check, severity, columns or words that the finding names, a table, options)
Case = tuple[str, str, tuple[str, ...], Callable[[], Any], dict[str, Any]]
TRIGGERS: dict[str, Case] = {
    "wine unscaled": ("input scale", "problem", ("proline", "1680"), lambda: "wine", {"scale": "none"}),
    "iris shifted": (
        "input scale",
        "warning",
        ("a", "52"),
        lambda: numbers() | {"a": draw().normal(size=N) + 50},
        {"scale": "none"},
    ),
    "a unit in the cell": (
        "packed columns",
        "warning",
        ("weight", "12 kg"),
        lambda: numbers(weight=np.array(["12 kg", *words("12 kg", "9 kg", "7.5 kg", "30 kg")[1:]])),
        {},
    ),
    "dollars": ("packed columns", "warning", ("cost",), lambda: numbers(cost=words("$3", "$4.50", "$1,200", "$9")), {}),
    "blood pressure": (
        "packed columns",
        "warning",
        ("bp",),
        lambda: numbers(bp=words("120/80", "110/70", "90/60")),
        {},
    ),
    "sizes": ("packed columns", "warning", ("size",), lambda: numbers(size=words("3x4", "5x5", "10 x 2", "1x1")), {}),
    "lists": ("packed columns", "warning", ("tags",), lambda: numbers(tags=words("a;b", "a", "b;c", "c;a;b")), {}),
    "people": (
        "packed columns",
        "warning",
        ("who",),
        lambda: numbers(who=words("Smith, John", "Smith, Ann", "Doe, Jane", "Roe, Ann")),
        {},
    ),
    "dates as numbers": (
        "packed columns",
        "warning",
        ("day", "20"),
        lambda: numbers(day=draw(1).integers(1, 13, N) * 100 + 20200000.0 + draw(2).integers(1, 29, N)),
        {},
    ),
    "zip codes": (
        "codes",
        "warning",
        ("area",),
        lambda: numbers(area=np.array([10115.0, 20095, 80331, 50667, 60311])[draw(1).integers(0, 5, N)]),
        {},
    ),
    "named codes": ("codes", "hint", ("car_model",), lambda: numbers(car_model=draw(1).integers(1, 6, N)), {}),
    "constant": ("constant columns", "hint", ("same",), lambda: numbers(same=np.full(N, 3.0)), {}),
    "constant text": ("constant columns", "hint", ("same",), lambda: numbers(same=["yes"] * N), {}),
    "nearly constant": (
        "constant columns",
        "hint",
        ("once",),
        lambda: numbers(once=np.where(np.arange(N) == 7, 1.5, 0.0)),
        {},
    ),
    "gaps": ("missing values", "problem", ("gap", "6"), lambda: numbers(gap=with_gaps(0.03)), REFUSE),
    "many gaps": (
        "missing values",
        "problem",
        ("gap", "120", "--ignore"),
        lambda: numbers(gap=with_gaps(0.6)),
        {"missing": "refuse"},
    ),
    "target gaps": (
        "missing values",
        "problem",
        ("price", "2"),
        lambda: {**numbers(), "price": with_gaps(0.01)},
        {"missing": "refuse"},
    ),
    "many names": (
        "categories",
        "hint",
        ("who",),
        lambda: numbers(who=[f"name {chr(65 + i % 26)}{chr(65 + i % 60 // 26)}{i % 60 % 7}" for i in range(N)]),
        {},
    ),
    "a class in two spellings": (
        "spellings",
        "hint",
        ("price", '"High"', '"high"'),
        lambda: named() | {"price": np.where(np.arange(N) % 3 == 0, np.char.title(named()["price"]), named()["price"])},
        {},
    ),
    "names in two spellings": (
        "spellings",
        "warning",
        ("who", '"ann" ', '"Ann" '),
        lambda: numbers(who=words("ann", "Ann", "bob", " bob")),
        {},
    ),
    "rare names": (
        "categories",
        "hint",
        ("who", "1 value"),
        lambda: numbers(who=np.array(["zoe", *words("ann", "bob")[1:]])),
        {"unknown": "refuse"},
    ),
    "outlier": (
        "outliers",
        "hint",
        ("far", "40", "by the quartiles"),
        # 40 in deviations of 1 and a little, but in quartile ranges of 1.35.
        lambda: {
            "far": np.where(np.arange(100 * N) == 5, 40, draw(4).normal(size=100 * N)),
            "b": draw(5).normal(size=100 * N),
            "price": draw(6).normal(size=100 * N),
        },
        {},
    ),
    "outlier in the target": (
        "outliers",
        "hint",
        ("price", "-1e+06"),
        lambda: {**numbers(), "price": np.where(np.arange(N) == 5, -1e6, draw(4).normal(size=N))},
        {},
    ),
    "twins": ("duplicate columns", "hint", ("c", "a"), lambda: numbers(c=-3 * numbers()["a"] + 7), {}),
    "text twins": (
        "duplicate columns",
        "hint",
        ("fr", "en"),
        lambda: numbers(en=words("red", "blue"), fr=words("rouge", "bleu")),
        {},
    ),
    "target copied": ("leakage", "problem", ("copy",), lambda: numbers(copy=numbers()["price"]), {}),
    "target in pounds": ("leakage", "warning", ("pounds",), lambda: numbers(pounds=0.8 * numbers()["price"]), {}),
    "target renamed": (
        "leakage",
        "problem",
        ("code",),
        lambda: named(code=np.where(named()["price"] == "high", 7, 3)),
        {},
    ),
    "genus": (
        "leakage",
        "warning",
        ("detail",),
        lambda: named(detail=np.where(named()["price"] == "high", words("h1", "h2"), words("l1", "l2"))),
        {},
    ),
    "measured, then named": (
        "leakage",
        "warning",
        ("weight", "a cut between", "100%"),
        lambda: numbers(weight=draw(6).normal(size=N)) | {"price": np.where(draw(6).normal(size=N) > 0.3, "hi", "lo")},
        {},
    ),
    "an interval": (
        "leakage",
        "warning",
        ("weight", "2 cuts"),
        lambda: (
            numbers(weight=draw(6).normal(size=N)) | {"price": np.where(abs(draw(6).normal(size=N)) < 0.7, "y", "n")}
        ),
        {},
    ),
    "grades from points": (
        "leakage",
        "warning",
        ("points", "3 cuts"),
        lambda: {
            **numbers(points=draw(6).uniform(0, 100, N)),
            "price": np.array(list("DCBA"))[np.digitize(draw(6).uniform(0, 100, N), [50, 65, 85])],
        },
        {},
    ),
    "named, with a slip": (
        "leakage",
        "warning",
        ("ward", "99.5%"),
        lambda: named(
            ward=np.where(
                (named()["price"] == "high") != (np.arange(N) == 5), words("h1", "h2", "h3"), words("l1", "l2", "l3")
            )
        ),
        {},
    ),
    "a later logarithm": ("leakage", "warning", ("log", "rises"), lambda: numbers(log=np.exp(numbers()["price"])), {}),
    "missing afterwards": (
        "leakage",
        "warning",
        ("died", "whether it is missing"),
        lambda: named(died=np.where(named()["price"] == "high", np.nan, draw(6).normal(size=N))),
        {"missing": "indicate"},
    ),
    "row counter": ("row numbers", "warning", ("nr",), lambda: numbers(nr=np.arange(N)), {}),
    "shuffled ids": ("row numbers", "warning", ("row_id",), lambda: numbers(row_id=draw().permutation(N)), {}),
    "text ids": (
        "row numbers",
        "warning",
        ("who",),
        lambda: {k: v[:40] for k, v in numbers(who=[f"person {chr(65 + i % 26)}{i}q" for i in range(N)]).items()},
        {},
    ),
    "everything twice": (
        "repeated rows",
        "warning",
        ("%",),
        lambda: {name: np.concatenate([values, values]) for name, values in numbers().items()},
        {},
    ),
    "few of a class": ("classes", "warning", ("rare", "9"), lambda: {k: v[:89] for k, v in unequal(9).items()}, {}),
    "imbalance": ("classes", "warning", ("common", "19 times"), lambda: unequal(10), {}),
    "imbalance among several": (
        "classes",
        "hint",
        ("common", "11 times"),
        lambda: numbers() | {"price": np.array(["rare"] * 10 + ["common"] * 110 + ["other"] * 80)},
        {},
    ),
    "few rows": ("rows", "warning", ("12 training rows",), lambda: {k: v[:20] for k, v in numbers().items()}, {}),
    "few test rows": ("rows", "hint", ("10 test rows",), lambda: numbers(), {"test": 0.05}),
    "hidden steps": ("hidden activations", "problem", ("step",), lambda: "wine", {"activation": "step"}),
    "one step of two": (
        "hidden activations",
        "problem",
        ("step",),
        lambda: "wine",
        {"hidden": (4, 4), "activation": "relu,step"},
    ),
    "hidden identity": ("hidden activations", "hint", ("identity",), lambda: "wine", {"activation": "identity"}),
    "softmax, squared": (
        "output and loss",
        "warning",
        ("softmax",),
        lambda: "wine",
        {"output_activation": "softmax", "loss": "half_squared_error"},
    ),
    "identity, cross-entropy": (
        "output and loss",
        "problem",
        ("identity",),
        lambda: "wine",
        {"output_activation": "identity", "loss": "categorical_cross_entropy"},
    ),
    "unfused": (
        "output and loss",
        "hint",
        ("softmax",),
        lambda: "wine",
        {"output_activation": "softmax", "loss": "categorical_cross_entropy"},
    ),
    "softmax, binary": (
        "output and loss",
        "warning",
        ("softmax",),
        lambda: "wine",
        {"output_activation": "softmax", "loss": "binary_cross_entropy"},
    ),
    "logistic, categorical": (
        "output and loss",
        "warning",
        ("logistic",),
        lambda: "wine",
        {"output_activation": "logistic", "loss": "categorical_cross_entropy"},
    ),
    "logistic, categorical, one output": (
        "output and loss",
        "problem",
        ("logistic",),
        lambda: named(),
        {"output_activation": "logistic", "loss": "categorical_cross_entropy"},
    ),
    "fused with another": (
        "output and loss",
        "problem",
        ("softmax", "tanh"),
        lambda: "wine",
        {"output_activation": "tanh", "loss": "softmax_categorical_cross_entropy"},
    ),
    "step, squared": (
        "output and loss",
        "problem",
        ("step",),
        lambda: named(),
        {"output_activation": "step", "loss": "half_squared_error"},
    ),
    "softmax regression": (
        "output and loss",
        "problem",
        ("softmax",),
        lambda: "diabetes",
        {"output_activation": "softmax", "loss": "half_squared_error"},
    ),
    "step regression": (
        "output and loss",
        "problem",
        ("step",),
        lambda: "diabetes",
        {"output_activation": "step", "loss": "half_squared_error"},
    ),
    "regression, perceptron": (
        "output and loss",
        "problem",
        ("perceptron",),
        lambda: "diabetes",
        {"loss": "perceptron_criterion"},
    ),
    "regression, logistic": (
        "output and loss",
        "hint",
        ("logistic",),
        lambda: "diabetes",
        {"output_activation": "logistic", "loss": "half_squared_error"},
    ),
    "classes, identity": (
        "output and loss",
        "hint",
        ("identity",),
        lambda: "wine",
        {"output_activation": "identity", "loss": "half_squared_error"},
    ),
    "relu output": (
        "output and loss",
        "warning",
        ("relu",),
        lambda: blobs(),
        {"output_activation": "relu", "loss": "half_squared_error"},
    ),
    "patients": ("groups", "warning", ("patient", "60", "10 rows"), lambda: copies(of="patient"), {}),
    "unnamed groups": ("groups", "warning", ("sample of",), lambda: copies(of="sample of"), {}),
    "numbered groups": (
        "groups",
        "warning",
        ("n",),
        lambda: {"n": np.array([int(p[1:]) for p in copies(of="p")["p"]]) * 3, **copies()},
        {},
    ),
    "users by name": (
        "groups",
        "hint",
        ("userId", "name"),
        lambda: numbers(userId=draw().permutation(np.arange(N) // 5)),
        {},
    ),
    "sorted dates": ("time order", "warning", ("day", "sorted"), lambda: numbers(day=days(np.arange(N))), {}),
    "dates": ("time order", "hint", ("day",), lambda: numbers(day=days(draw().permutation(N))), {}),
    "sorted years": (
        "time order",
        "hint",
        ("year",),
        lambda: numbers(year=np.sort(draw().integers(1990, 2020, N))),
        {},
    ),
    "copies of unknown origin": ("near-copies", "warning", ("nearly the same", "--group"), lambda: copies(), {}),
    "a sum": (
        "computed target",
        "problem",
        ('"casual" + "registered"',),
        lambda: rentals(lambda a, b: a + b),
        {},
    ),
    "a difference": (
        "computed target",
        "problem",
        ('"registered"', '- 0.25 times "casual"'),
        lambda: rentals(lambda a, b: b - 0.25 * a + 7),
        {},
    ),
    "poisson, identity": (
        "output and loss",
        "problem",
        ("poisson",),
        lambda: blobs(),
        {"output_activation": "identity", "loss": "poisson"},
    ),
    "poisson of what is negative": (
        "output and loss",
        "problem",
        ("below 0",),
        lambda: numbers(),
        {"loss": "poisson", "output_activation": "exponential"},
    ),
    "poisson of scaled counts": (
        "output and loss",
        "problem",
        ("scaled",),
        lambda: blobs(),
        {"loss": "poisson", "target_scale": "standard"},
    ),
    "poisson of classes": ("output and loss", "problem", ("poisson",), lambda: named(), {"loss": "poisson"}),
    "saturating classes": (
        "target range",
        "warning",
        ("0", "1", "logistic"),
        lambda: named(),
        {"output_activation": "logistic", "loss": "half_squared_error"},
    ),
    "saturating tanh": (
        "target range",
        "warning",
        ("-1", "tanh"),
        lambda: named(),
        {"output_activation": "tanh", "loss": "half_squared_error"},
    ),
    "out of reach": (
        "target range",
        "problem",
        ("logistic",),
        lambda: "diabetes",
        {"output_activation": "logistic", "loss": "half_squared_error", "target_scale": "none"},
    ),
    "to the ends": (
        "target range",
        "warning",
        ("0", "1"),
        lambda: "diabetes",
        {"output_activation": "logistic", "loss": "half_squared_error", "target_scale": "unit"},
    ),
    "below elu": (
        "target range",
        "problem",
        ("elu",),
        lambda: "diabetes",
        {"output_activation": "elu", "loss": "half_squared_error", "target_scale": "standard"},
    ),
    "large weights": ("initial weights", "problem", ("%", "tanh"), lambda: "wine", {"init": "uniform(-5,5)"}),
    "large weights, relu": (
        "initial weights",
        "warning",
        ("layer 1",),
        lambda: "wine",
        {"init": "uniform(-9,9)", "activation": "relu"},
    ),
    "large inputs": ("initial weights", "problem", ("%",), lambda: "wine", {"scale": "none", "init": "glorot"}),
    "zero weights": ("initial weights", "problem", ("same weights",), lambda: "wine", {"init": "zeros"}),
    "faint weights": (
        "initial weights",
        "hint",
        ("differs",),
        lambda: "wine",
        {"init": "uniform(-0.01,0.01)", "hidden": (8, 8, 8)},
    ),
    "too many weights": (
        "network size",
        "warning",
        ("8,503 weights", "107 training rows"),
        lambda: "wine",
        {"hidden": 500},
    ),
    "rather many weights": (
        "network size",
        "hint",
        ("weights",),
        lambda: "wine",
        {"hidden": (20, 10), "activation": "tanh,relu"},
    ),
    "more columns than rows": (
        "network size",
        "warning",
        ("weights",),
        lambda: (draw().normal(size=(60, 300)), draw(1).normal(size=60)),
        {},
    ),
    "large rate": ("learning rate", "warning", ("0.5", "adam"), lambda: "wine", {"learning_rate": 0.5}),
    "large rate of a sum": (
        "learning rate",
        "warning",
        ("sum of 107",),
        lambda: "wine",
        {"learning_rate": 0.5, "update": "gradient_descent", "reduction": "sum", "batch_size": "all"},
    ),
    "small rate": ("learning rate", "warning", ("1e-06",), lambda: "wine", {"learning_rate": 1e-6}),
    "few updates": ("updates", "hint", ("8 in all",), lambda: "wine", {"epochs": 2}),
    "batch too large": ("updates", "hint", ("5,000",), lambda: "wine", {"batch_size": 5000}),
    "patience alone": ("patience", "warning", ("validation",), lambda: "wine", {"patience": 5, "validation": 0}),
    "no bias": ("bias", "hint", ("biases",), lambda: "wine", {"bias": "none"}),
}
# Without an option that would remove them: the cells, the rows or the classes themselves must change.
NO_OPTION = ("packed columns", "repeated rows", "near-copies", "classes", "rows", "spellings")

# Tables and options that must not trigger the check: near misses.
SILENT: list[tuple[str, Callable[[], Any], dict[str, Any]]] = [
    ("input scale", lambda: numbers(), {"scale": "none"}),
    ("input scale", lambda: "wine", {}),
    ("packed columns", lambda: numbers(school=words("10th", "1st-4th", "HS-grad", "Some-college", "12th")), {}),
    ("packed columns", lambda: numbers(color=words("red", "blue", "light green")), {}),
    ("packed columns", lambda: numbers(year=draw().integers(1990, 2020, N)), {}),
    ("packed columns", lambda: numbers(size=words("S", "M", "L", "3XL")), {}),
    ("codes", lambda: numbers(cylinders=np.array([3, 4, 5, 6, 8])[draw().integers(0, 5, N)]), {}),
    ("codes", lambda: numbers(sum=np.array([100, 200, 500, 1000, 5000])[draw().integers(0, 5, N)]), {}),
    ("codes", lambda: numbers(memory=2 ** draw().integers(0, 14, N)), {}),
    ("codes", lambda: "digits", {}),
    ("constant columns", lambda: numbers(flag=draw().integers(0, 2, N)), {}),
    ("missing values", lambda: numbers(gap=with_gaps(0.1)), {"missing": "impute"}),
    ("missing values", lambda: {**numbers(), "price": with_gaps(0.01)}, {"missing": "drop"}),
    ("categories", lambda: numbers(who=words("ann", "bob", "cy")), {"unknown": "refuse"}),
    ("categories", lambda: numbers(who=words(*(f"n{i}" for i in range(60)))), {}),
    ("spellings", lambda: numbers(who=words("ann", "anne", "bob")), {}),
    ("spellings", lambda: numbers(who=words("ann", "Ann")), {"nominal": "who"}),
    ("outliers", lambda: numbers(wide=draw().lognormal(size=N)), {}),
    ("outliers", lambda: "digits", {}),
    ("duplicate columns", lambda: numbers(c=numbers()["a"] + 0.1 * draw(5).normal(size=N)), {}),
    ("leakage", lambda: numbers(near=numbers()["price"] + draw(5).normal(size=N)), {}),
    ("leakage", lambda: named(sex=words("m", "f")), {}),
    ("leakage", lambda: "and", {}),
    *(("leakage", lambda name=name: name, {}) for name in ("wine", "iris", "diabetes", "digits", "parity-5")),
    # Seven in eight right by a cut; a tenth of one class only; names with too few rows each; too few rows.
    ("leakage", lambda: named(near=named()["a"]), {}),
    ("leakage", lambda: named(part=np.where(named()["price"] == "high", draw(6).integers(0, 9, N), 8)), {}),
    ("leakage", lambda: named(who=[f"{p} {i // 4}" for i, p in enumerate(named()["price"])]), {"max_categories": 99}),
    ("leakage", lambda: {"a": np.arange(24) % 5, "x": np.arange(24) % 12, "y": np.arange(24) % 12 > 5}, {}),
    ("leakage", lambda: numbers(close=np.exp(numbers()["price"] + 0.2 * draw(5).normal(size=N))), {}),
    ("leakage", lambda: numbers(sparse=np.arange(N) > 120) | {"price": np.maximum(0, np.arange(N) - 120) ** 2}, {}),
    ("row numbers", lambda: numbers(x=np.sort(draw().normal(size=N))), {}),
    ("row numbers", lambda: {"x": np.arange(N), "y": np.arange(N) % 7 * 0.5}, {}),
    ("repeated rows", lambda: "iris", {}),
    ("repeated rows", lambda: {"x": words("p", "q"), "y": words("u", "v", "w")}, {}),
    ("classes", lambda: unequal(90), {}),
    ("rows", lambda: "xor", {}),
    ("rows", lambda: "wine", {}),
    # Names of shops, a whole number that is no name, one row each, rows of a patient that are not alike.
    ("groups", lambda: numbers(shop=words("a", "b", "c", "d")), {}),
    ("groups", lambda: numbers(age=draw().integers(20, 60, N)), {}),
    ("groups", lambda: numbers(patient=np.arange(N)), {}),
    ("groups", lambda: copies(of="code", noise=1.0), {}),
    ("groups", lambda: copies(of="patient"), {"group": "patient"}),
    (
        "groups",
        lambda: {"x": draw().integers(0, 30, N), "twice": np.arange(N) % 30 * 2.0, "y": draw().normal(size=N)},
        {},
    ),
    ("time order", lambda: numbers(year=draw().integers(1990, 2020, N)), {}),
    ("time order", lambda: numbers(dose=np.arange(N)), {}),
    ("time order", lambda: numbers(day=days(np.arange(N))), {"time": "day"}),
    ("near-copies", lambda: copies(noise=1.0), {}),
    ("near-copies", lambda: copies(of="patient"), {"group": "patient"}),
    ("near-copies", lambda: numbers(), {}),
    *(
        ("near-copies", lambda name=name: name, {})
        for name in ("wine", "iris", "diabetes", "digits", "sine", "spirals")
    ),
    ("computed target", lambda: rentals(lambda a, b: a + b + (np.arange(N) == 7)), {}),
    ("computed target", lambda: {**rentals(lambda a, b: a + b), "late": draw().normal(size=N)}, {"target": "late"}),
    ("computed target", lambda: rentals(lambda a, b: a + b), {"ignore": "casual"}),
    ("computed target", lambda: numbers(), {}),
    ("hidden activations", lambda: "wine", {"activation": "relu"}),
    ("hidden activations", lambda: "wine", {"hidden": "none", "activation": "identity"}),
    ("output and loss", lambda: "wine", {"output_activation": "logistic", "loss": "logistic_binary_cross_entropy"}),
    ("output and loss", lambda: "diabetes", {"loss": "quantile(0.9)"}),
    ("output and loss", lambda: "diabetes", {"loss": "huber(0.5)"}),
    ("output and loss", lambda: blobs(), {"loss": "poisson", "output_activation": "exponential"}),
    ("output and loss", lambda: named(), {"output_activation": "step", "hidden": "none"}),
    ("target range", lambda: "wine", {"output_activation": "logistic"}),
    ("target range", lambda: "diabetes", {"output_activation": "tanh"}),
    ("target range", lambda: named(), {"output_activation": "tanh", "soft_targets": True}),
    ("initial weights", lambda: "wine", {"init": "uniform(-0.1,0.1)"}),
    ("initial weights", lambda: "digits", {"activation": "logistic"}),
    ("initial weights", lambda: "digits", {"activation": "relu", "hidden": (64, 64, 64, 64)}),
    ("initial weights", lambda: "wine", {"init": "zeros", "hidden": "none"}),
    ("network size", lambda: "wine", {"hidden": 500, "weight_decay": 0.01}),
    ("network size", lambda: "xor", {"hidden": 50}),
    ("learning rate", lambda: "wine", {"learning_rate": 0.05}),
    (
        "learning rate",
        lambda: "xor",
        {"learning_rate": 4, "update": "gradient_descent", "reduction": "sum", "batch_size": "all"},
    ),
    ("updates", lambda: "xor", {"epochs": 100}),
    ("patience", lambda: "wine", {"patience": 5}),
    ("bias", lambda: "wine", {"bias": "x0"}),
]


def examined(source: Any, options: dict[str, Any]) -> Diagnosis:
    return diagnose(*source, **options) if isinstance(source, tuple) else diagnose(source, **options)


def of_check(diagnosis: Diagnosis, check: str) -> list[Finding]:
    return [found for found in diagnosis.findings if found.check == check]


@pytest.mark.parametrize("name", TRIGGERS)
def test_it_is_found_and_its_remedy_removes_it(name: str) -> None:
    check, severity, mentioned, table, options = TRIGGERS[name]
    source = table()
    diagnosis = examined(source, options)
    (found,) = of_check(diagnosis, check)
    assert found.severity == severity
    for word in mentioned:
        assert word in found.what + found.remedy
    for sentence in (found.what, found.why, found.remedy):
        assert sentence[-1] in ".)"
    flags_are_options(diagnosis)
    if check not in NO_OPTION:
        assert found.flag
        assert found.options
        assert not of_check(examined(source, {**options, **found.options}), check)
    if severity == "problem":  # all remedies together leave none, and one can train
        together = {**options, **diagnosis.options}
        assert examined(source, together).ok
        arrays = source if isinstance(source, tuple) else (source,)
        assert set_up(*arrays, **together).X.size


def flags_are_options(diagnosis: Diagnosis) -> None:
    for found in diagnosis.findings:
        typed = [word for word in shlex.split(found.flag) if word.startswith("--")]
        assert [word.removeprefix("--").removeprefix("no-").replace("-", "_") for word in typed] == [*found.options]
        assert set(found.options) <= set(FIELDS)


@pytest.mark.parametrize(("check", "table", "options"), SILENT)
def test_near_misses_are_left_alone(check: str, table: Callable[[], Any], options: dict[str, Any]) -> None:
    assert not of_check(examined(table(), options), check)


def test_every_check_has_both() -> None:
    triggered, silent = {case[0] for case in TRIGGERS.values()}, {case[0] for case in SILENT}
    assert triggered == silent
    assert len(triggered) == len(CHECKS)


@pytest.mark.parametrize("name", ["wine", "iris", "diabetes", "digits", "sine", "spirals", "xor", "and", "parity-5"])
def test_built_in_tables_are_healthy(name: str) -> None:
    diagnosis = diagnose(name)
    assert diagnosis.ok
    assert all(found.severity == "hint" for found in diagnosis.findings)


def test_a_refusal_becomes_a_problem_and_the_rest_is_checked() -> None:
    table = named(gap=with_gaps(0.1), same=np.ones(N))
    with pytest.raises(ChainruleError) as refused:
        set_up(table, init="uniform(-5,5)", missing="refuse")
    diagnosis = diagnose(table, init="uniform(-5,5)", missing="refuse")
    assert not diagnosis.ok
    # One fact, one finding: that values are missing is why training is refused.
    assert "missing" in str(refused.value)
    assert not of_check(diagnosis, "refused")
    (found,) = of_check(diagnosis, "missing values")
    assert found.options == {"missing": "indicate"}
    # Found in the training that these options allow.
    assert of_check(diagnosis, "constant columns")
    assert of_check(diagnosis, "initial weights")


@pytest.mark.parametrize(
    ("options", "word", "remedy"),
    [
        ({"hiden": 4}, "hidden", {}),
        ({"epochs": 0, "scale": "none"}, "epochs", {"epochs": 200}),
        ({"target": "clas", "scale": "none"}, '"class"', {}),
        ({"sqlite_table": "t", "decimal": ";"}, "decimal", {"decimal": None}),
    ],
)
def test_refused_options_are_reported(options: dict[str, Any], word: str, remedy: dict[str, Any]) -> None:
    diagnosis = diagnose("wine", **options)
    found = of_check(diagnosis, "refused")[0]
    assert word in found.what
    assert found.options == remedy
    assert bool(of_check(diagnosis, "input scale")) == ("scale" in options)


def test_odd_tables_are_examined_and_every_refusal_is_a_problem() -> None:
    rng = draw(7)
    kinds: list[Callable[[int], Any]] = [
        lambda n: rng.normal(size=n),
        lambda n: np.full(n, np.nan),
        lambda n: np.full(n, 1e300) * rng.choice([1, -1], n),
        lambda n: 1e-310 * rng.integers(0, 3, n),
        lambda n: 1e9 + 1e-6 * rng.normal(size=n),
        lambda n: rng.integers(0, 2, n).astype(bool),
        lambda n: [None if rng.random() < 0.3 else f"v{rng.integers(0, 4)}" for _ in range(n)],
        lambda n: [None] * n,
        lambda n: ["" if i % 2 else " , " for i in range(n)],
        lambda n: [f"12/{i}" for i in range(n)],
        lambda n: rng.poisson(3, n),
    ]
    choices: dict[str, list[Any]] = {
        "missing": ["impute", "indicate", "drop"],
        "scale": ["none", "robust", "unit"],
        "output_activation": ["logistic", "softmax", "step", "identity", "relu"],
        "loss": ["poisson", "half_squared_error", "binary_cross_entropy", "perceptron_criterion"],
        "hidden": ["none", (4, 4, 4)],
        "target": ["c0", ("c0", "c1"), "absent"],
        "ignore": ["c0", "c1"],
        "nominal": ["c0"],
        "task": ["classification", "regression"],
        "init": ["zeros", "uniform(-5,5)", "glorot(3)"],
        "weights": ["c0"],
        "validation": [0.0],
    }
    refused = 0
    for _ in range(200):
        n = int(rng.choice([1, 2, 5, 25, 60]))
        table = {f"c{j}": kinds[rng.integers(len(kinds))](n) for j in range(rng.integers(2, 6))}
        options = {name: rng.permutation(len(of)).tolist() for name, of in choices.items() if rng.random() < 0.2}
        options = {name: choices[name][order[0]] for name, order in options.items()}
        diagnosis = diagnose(table, **options)
        assert str(diagnosis)
        json.dumps(diagnosis.to_dict(), allow_nan=False)
        try:
            set_up(table, **options)
        except ChainruleError:
            assert not diagnosis.ok
            refused += 1
        else:
            assert not of_check(diagnosis, "refused")
    assert 20 < refused < 195


def test_a_refusal_that_no_finding_explains_stays() -> None:
    table = numbers(gap=with_gaps(0.1)) | {"price": np.ones(N)}
    diagnosis = diagnose(table, missing="impute")
    assert "nothing to learn" in of_check(diagnosis, "refused")[0].what
    assert not of_check(diagnosis, "missing values")


def test_a_table_that_is_not_there() -> None:
    diagnosis = diagnose("no such file.csv", bias="none")
    (found,) = of_check(diagnosis, "refused")
    assert diagnosis.subject == "no such file.csv"
    assert "no such file.csv" in found.what
    assert (found.remedy, found.flag) == ("", "")  # the message says what to do
    assert of_check(diagnosis, "bias")


def test_a_table_that_cannot_be_read_is_named(tmp_path: Any) -> None:
    path = tmp_path / "cars.csv"
    path.write_text("size,price\n" + "4,1.5\n" * 20 + "rotary,3\n")
    diagnosis = diagnose(path)
    assert diagnosis.subject == str(path)
    assert "--nominal size" in str(diagnosis).replace("\n ", "")
    assert diagnose(None, sql="select 1 from").subject == "the SQL query"
    assert diagnose([object()]).subject == "the table"


def written(path: Any, **columns: Any) -> Any:
    """Write columns as CSV, with row names as R writes them."""
    rows = [",".join(map(str, cells)) for cells in zip(range(1, N + 1), *columns.values(), strict=True)]
    path.write_text("\n".join([",".join(['""', *columns]), *rows]))
    return path


def test_notes_say_what_was_left_out(tmp_path: Any) -> None:
    names = [f"name {i}x" for i in range(N)]
    diagnosis = diagnose(written(tmp_path / "rows.csv", who=names, **numbers()))
    assert [note.split(": ")[-1].partition(" (")[0] for note in diagnosis.notes] == [
        "it was taken for row names and left out.",
        'The target is the last column, "price"; --target chooses another.',
        "text with 200 different values in 200 rows, which tells rows apart and says nothing of new ones",
    ]
    lines = str(diagnosis).splitlines()
    assert lines[1].startswith("  The first column of")
    assert diagnosis.to_dict()["notes"] == list(diagnosis.notes)
    # What was asked for needs no note, nor does what only a remedy would do.
    assert diagnose(numbers(who=names), ignore="who").notes == ()
    assert diagnose(numbers(gap=with_gaps(0.1)), missing="refuse").notes == ()
    (gaps,) = diagnose(numbers(gap=with_gaps(0.1))).notes
    assert gaps.startswith('Missing values: "gap" 20 (median ')
    assert gaps.endswith(", and a node that says so); --missing refuse forbids it.")


def test_none_may_be_a_value(tmp_path: Any) -> None:
    bags = words("None", "driver", "both")
    path = written(tmp_path / "cars.csv", bags=bags, **numbers())
    hint = of_check(diagnose(path), "missing values")[-1]
    assert (hint.severity, hint.options) == ("hint", {"not_missing": ("None",)})
    assert f'"bags" {(bags == "None").sum()}' in hint.what
    assert diagnose(path, **hint.options).ok
    assert not of_check(diagnose(path, **hint.options), "missing values")
    # Empty cells and NA are gaps, and one "None" in a hundred may be one, too.
    few = np.where(np.arange(N) < 2, "None", np.where(bags == "None", "NA", bags))
    few_file = written(tmp_path / "few.csv", bags=few, **numbers())
    assert len(of_check(diagnose(few_file, missing="refuse"), "missing values")) == 1
    assert not of_check(diagnose(few_file), "missing values")


def test_skewed_columns_are_not_scaled_by_quartiles() -> None:
    rain = np.where(draw(1).random(N) < 0.6, 0, draw(2).lognormal(0, 1.15, N))
    (found,) = of_check(diagnose(numbers(rain=rain)), "outliers")
    assert "Skewed" in found.what
    assert "logarithm" in found.remedy
    assert found.options == {}
    # One huge value of 200: by the quartiles it would be larger still.
    (found,) = of_check(diagnose(numbers(far=np.where(np.arange(N) == 5, 1e4, draw(4).normal(size=N)))), "outliers")
    assert "errors" in found.remedy
    assert found.options == {}


def test_extremes_are_looked_for_in_all_rows() -> None:
    rng, n = draw(8), 60_000
    for row in (7, 30_011, 59_990):
        far, price = rng.normal(size=n), rng.normal(size=n)
        far[row] = price[row] = -60
        found = of_check(diagnose({"far": far, "b": rng.normal(size=n), "price": price}), "outliers")
        assert ['"far" -60' in found[0].what, '"price" -60' in found[1].what] == [True, True]


def test_the_commonest_class_is_stated() -> None:
    (found,) = of_check(diagnose(unequal(10)), "classes")
    assert "95.0% of the rows" in found.why


def test_network_size_names_all_three_remedies() -> None:
    (found,) = of_check(diagnose("wine", hidden=500), "network size")
    assert found.flag == "--weight-decay 0.01"
    assert re.search(r"--hidden \d+.*--patience", found.remedy)


def test_passed_sentences_suit_the_task() -> None:
    regression, classification = diagnose("diabetes").passed, diagnose("wine").passed
    assert "Every class has its share of rows." not in regression
    assert "Every class has its share of rows." in classification
    assert "No single input is a copy of the target or decides it." in regression
    assert any("0.9999" in sentence for sentence in regression)


def test_too_few_rows_to_divide() -> None:
    diagnosis = diagnose({"x": [1.5, 2.0], "y": [0.25, 0.5]})
    assert of_check(diagnosis, "refused")[0].options == {"validation": 0.0, "test": 0.0}


def test_arrays_with_several_targets_and_weights() -> None:
    rng = draw()
    X, Y, s = rng.normal(size=(N, 3)), rng.normal(size=(N, 2)), rng.uniform(1, 2, N)
    diagnosis = diagnose(X, Y, sample_weight=s)
    assert diagnosis.subject == "the arrays: 200 rows, 3 input columns, regression of y1, y2, network 3-16-2"
    assert diagnosis.findings == ()


def test_weights_even_out_the_classes() -> None:
    table = unequal(10)
    table = {"w": np.where(table["price"] == "rare", 10.0, 1.0), **table}
    assert not of_check(diagnose(table, weights="w"), "classes")
    (found,) = of_check(diagnose(table, ignore="w"), "classes")
    assert found.flag == "--class-weight balanced"
    assert not of_check(diagnose(table, ignore="w", **found.options), "classes")
    assert of_check(diagnose(table, ignore="w"), "classes")


@pytest.mark.parametrize("seed", range(12))
def test_rows_by_chance_are_no_near_copies(seed: int) -> None:
    """Of all kinds of distributions: rounded, with few values, in clumps, on a curve, with long tails."""
    rng = draw(seed)
    n, m = 700, 4
    curve = rng.uniform(size=n)
    X = {
        0: lambda: rng.uniform(size=(n, m)),
        1: lambda: rng.normal(size=(8, m))[rng.integers(0, 8, n)] * 3 + 0.3 * rng.normal(size=(n, m)),
        2: lambda: np.round(rng.normal(size=(n, m)), 1),
        3: lambda: np.column_stack([np.sin(3 * curve), np.cos(5 * curve), curve, curve**2]),
        4: lambda: np.column_stack([rng.standard_cauchy(n), rng.integers(0, 30, n), rng.lognormal(size=(n, 2))]),
        5: lambda: np.column_stack([rng.integers(0, 3, size=(n, 3)), rng.normal(size=n)]),
    }[seed % 6]()
    found = diagnose(X, rng.normal(size=n)).findings
    assert not {"near-copies", "groups", "computed target", "time order"} & {one.check for one in found}


def test_rows_are_divided_in_one_way_only() -> None:
    table = {"day": days(np.arange(600)), **copies(of="patient")}
    diagnosis = diagnose(table)
    assert {"groups", "time order"} <= {one.check for one in diagnosis.findings}
    assert len({"group", "time"} & set(diagnosis.options)) == 1
    assert set_up(table, **diagnosis.options).X.size


def test_a_model_with_class_weights_is_measured_by_them() -> None:
    rng = draw()
    x = rng.normal(size=2000)
    table = {"x": x, "y": np.where(x + rng.normal(size=2000) > 2.5, "rare", "usual")}
    model = cr.train(table, epochs=20, class_weight="balanced")
    assert model.test.accuracy < max(map(sum, model.test.confusion)) / model.test.rows
    assert "worth" not in {one.check for one in diagnose_model(model).findings}
    blind = cr.train({**table, "x": rng.normal(size=2000)}, epochs=1, class_weight={"rare": 1000.0})
    assert "worth" in {one.check for one in diagnose_model(blind).findings}


def test_a_target_made_of_all_inputs_is_the_task() -> None:
    rng = draw()
    a, b = rng.normal(size=N), rng.normal(size=N)
    assert not of_check(diagnose({"a": a, "b": b, "y": a + b}), "computed target")


def test_repeated_rows_of_a_file_have_a_query(tmp_path: Any) -> None:
    path = tmp_path / "rows.csv"
    rows = [f"{a:.3f},{b:.3f}" for a, b in draw().normal(size=(60, 2))]
    path.write_text("\n".join(["x,y", *rows, *rows, *rows]))
    (found,) = of_check(diagnose(path), "repeated rows")
    assert found.flag == "--sql 'select distinct * from data'"
    assert not of_check(diagnose(path, **found.options), "repeated rows")


def test_options_given_before_are_kept() -> None:
    (found,) = of_check(diagnose(numbers(same=np.ones(N), note=words("p", "q")), ignore="note"), "constant columns")
    assert found.options == {"ignore": ("note", "same")}


def test_own_activation_and_loss() -> None:
    own = cr.Activation("bent", np.tanh, lambda Z, A, d: d * (1 - A * A), range=(-1, 1))
    loss = cr.Loss("own", lambda A, Y: ((A - Y) ** 2).sum(axis=1), lambda A, Y: 2 * (A - Y))
    diagnosis = diagnose("diabetes", activation=(own,), output_activation=own, loss=loss)
    assert diagnosis.ok


def test_the_report() -> None:
    diagnosis = diagnose("wine", scale="none", bias="none")
    text = str(diagnosis)
    assert text.startswith("wine: 178 rows, 13 input columns, classification of class, network 13-16-3\n")
    assert "2 problems, 1 hint" in text
    assert "    --scale standard" in text.splitlines()
    assert max(map(len, text.splitlines())) <= 100
    assert [f.severity for f in diagnosis.findings] == ["problem", "problem", "hint"]
    assert diagnosis.options == {"scale": "standard", "bias": "vector"}
    facts = json.loads(json.dumps(diagnosis.to_dict()))
    assert facts["ok"] is False
    assert facts["findings"][0]["options"] == {"scale": "standard"}
    well = diagnose("wine")
    assert str(well).splitlines()[1] == "Nothing was found that will hurt training."
    assert str(well).splitlines()[-1] == f"{len(well.passed)} checks passed."
    assert [line.strip() for line in well.text(verbose=True).splitlines()[-len(well.passed) :]] == list(well.passed)
    assert well.to_dict()["passed"] == list(well.passed)


def test_flags_are_quoted() -> None:
    assert flags({"hidden": (), "nominal": ("a b",), "shuffle": False}) == "--hidden none --nominal 'a b' --no-shuffle"


def test_its_time_grows_as_the_table_does() -> None:
    rng = draw()

    def seconds(n: int) -> float:
        columns = {f"c{i}": rng.normal(size=n) for i in range(20)}
        columns |= {f"t{i}": words(*"abcdefgh", n=n) for i in range(5)}
        table = read_table({**columns, "y": rng.normal(size=n)})
        began = time.process_time()
        assert "duplicate columns" in {found.check for found in diagnose(table).findings}
        return time.process_time() - began

    seconds(2_000)  # what is loaded at the first use
    assert seconds(64_000) < 25 * seconds(8_000)  # 8 times the rows; with pairs of rows it would be 64


def test_a_trained_model_that_is_well() -> None:
    diagnosis = diagnose_model(cr.train("iris", epochs=400, seed=1))
    assert diagnosis.findings == ()
    assert len(diagnosis.passed) == 5
    assert diagnosis.subject.startswith("Model 4-16-3")


def test_a_model_that_stopped_early_can_go_on() -> None:
    (found,) = diagnose_model(cr.train("wine", epochs=4)).findings
    assert (found.check, found.options) == ("epochs", {"epochs": 8})


def test_a_model_that_learnt_by_heart() -> None:
    rng = draw()
    model = cr.train(rng.normal(size=(120, 8)), rng.normal(size=120), hidden=64, epochs=300, keep="last")
    found = {f.check: f for f in diagnose_model(model).findings}
    assert found["over-training"].severity == "warning"
    assert found["over-training"].options == {"patience": 20, "keep": "best"}
    assert "worth" in found


def test_dead_and_saturated_units() -> None:
    dead = cr.train("wine", activation="relu", init="uniform(-0.2,-0.1)", scale="unit", epochs=1, learning_rate=1e-4)
    (found,) = of_check(diagnose_model(dead), "idle units")
    assert found.severity == "warning"
    assert "16 of 16 relu" in found.what
    stuck = cr.train("wine", init="uniform(2,3)", scale="unit", epochs=1)
    assert of_check(diagnose_model(stuck), "idle units")


def test_the_command_lists_what_passed_on_demand() -> None:
    short, long = (CliRunner().invoke(command, ["wine", *more]).output for more in ((), ("--verbose",)))
    passed = diagnose("wine").passed
    assert short.splitlines()[-1] == f"{len(passed)} checks passed."
    assert long.splitlines()[-len(passed) :] == [f"  {sentence}" for sentence in passed]
