"""Who answers what: the course of a training and the weights, read off each kind of source."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.core.network import Network
from chainrule.errors import UsageError
from chainrule.models.ensemble import Ensemble
from chainrule.models.model import Model
from chainrule.show.plots.style import INSTALL
from chainrule.training.state import Epoch, History, TrainingState

SOURCES = "a fitted scikit-learn estimator, a pipeline or search that ends in one, or a chainrule Model"
_FIELD = {name: position for position, name in enumerate(Epoch._fields)}


class Course(NamedTuple):
    """How a training went, epoch by epoch; None is what was not measured, or not in every epoch.

    Attributes
    ----------
    epochs, loss : arrays (epochs,)
        Epochs count from 1.
    validation_loss, score, validation_score : arrays (epochs,) or None
    score_name : str
        What the scores are: "accuracy" or "R²".
    kept : int or None
        The epoch whose weights are kept.
    """

    epochs: np.ndarray
    loss: np.ndarray
    validation_loss: np.ndarray | None
    score: np.ndarray | None
    validation_score: np.ndarray | None
    score_name: str
    kept: int | None


def is_ours(source: Any) -> bool:
    """Say whether a source is a Model or an Ensemble, which know their own rows and columns."""
    return isinstance(source, (Model, Ensemble))


def name_of(source: Any) -> str:
    """Return what a legend calls a source."""
    if isinstance(source, Ensemble):
        return f"ensemble of {len(source.members)}"
    if isinstance(source, Model):
        return "-".join(map(str, source.network.sizes))
    return type(final(source)).__name__


def check_fitted(source: Any) -> None:
    """Raise UsageError unless a source is a fitted estimator.

    Raises
    ------
    UsageError
        If it is not fitted, or no estimator at all; or if scikit-learn is not installed.
    """
    exceptions, validation = (sklearn_part(f"sklearn.{part}") for part in ("exceptions", "utils.validation"))
    name = type(source).__name__
    if isinstance(source, type):
        raise UsageError(f"the class {source.__name__} is not an estimator yet. Make one and fit it.")
    if not hasattr(source, "fit"):
        raise UsageError(f"this picture is of {SOURCES}; received {name}.")
    try:
        validation.check_is_fitted(source)
    except exceptions.NotFittedError:
        raise UsageError(f"this {name} is not fitted yet. Call its fit method first.") from None
    except AttributeError:  # it has no tags
        raise UsageError(
            f"{name} has a fit method, but is no estimator of scikit-learn's kind: derive it from BaseEstimator."
        ) from None


def sklearn_part(module: str) -> Any:
    """Import a part of scikit-learn.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise UsageError(f"this picture needs scikit-learn, which is not installed. {INSTALL}") from None


def final(source: Any) -> Any:
    """Return the estimator at the end of pipelines and inside searches.

    Raises
    ------
    UsageError
        For a search that kept no estimator.
    """
    while True:
        if hasattr(source, "best_estimator_"):
            source = source.best_estimator_
        elif hasattr(source, "cv_results_"):
            raise UsageError(f"this {type(source).__name__} kept no estimator. Fit it with refit=True.")
        elif hasattr(source, "steps") and isinstance(source.steps, list):
            source = source.steps[-1][1]
        elif hasattr(source, "regressor_"):  # TransformedTargetRegressor
            source = source.regressor_
        else:
            return source


def course(source: Any) -> Course:
    """Return the learning curves.

    Raises
    ------
    UsageError
        If the source is not fitted or kept no curve.
    """
    table = _history(source)
    if table is not None:
        kept = _kept(source)
        return Course(
            table[:, _FIELD["epoch"]].astype(int), table[:, _FIELD["cost"]], _measured(table, "validation_cost"),
            _measured(table, "accuracy"), _measured(table, "validation_accuracy"), "accuracy", kept,
        )  # fmt: skip
    check_fitted(source)
    estimator = final(source)
    name = type(estimator).__name__
    loss = getattr(estimator, "loss_curve_", None)
    if loss is None or not len(loss):
        solver = getattr(estimator, "solver", None)
        why = f' with solver="{solver}"' if solver else ""
        raise UsageError(
            f"this {name} has no loss_curve_: it keeps no learning curve{why}. "
            'Fit a multilayer perceptron with solver="adam" or "sgd".'
        )
    n = len(loss)
    scores, validation_loss = (
        _of_every_epoch(getattr(estimator, name, None), n) for name in ("validation_scores_", "validation_loss_curve_")
    )
    score_name = "accuracy" if hasattr(estimator, "classes_") else "R²"
    kept = n if scores is None else _first_highest(scores, estimator)
    return Course(np.arange(1, n + 1), np.asarray(loss, dtype=float), validation_loss, None, scores, score_name, kept)


def pace(source: Any) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Return the epochs, the norm of the gradient and the learning rate; None is what was not measured.

    Raises
    ------
    UsageError
        If the source kept neither of them.
    """
    table = _history(source)
    if table is None:
        check_fitted(source)
        kept = getattr(final(source), "history_", None)
        if not isinstance(kept, History):
            raise UsageError(
                f"this {type(final(source)).__name__} keeps no gradient norms and learning rates. "
                "chainrule's models and estimators do."
            )
        table = kept.table
    norm, rate = _measured(table, "gradient_norm"), _measured(table, "learning_rate")
    if norm is None and rate is None:
        raise UsageError("this training has neither gradient norms nor learning rates to show: no epoch measured them.")
    return table[:, _FIELD["epoch"]].astype(int), norm, rate


def layers(source: Any) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Return the weights and the biases of each layer, first to last.

    Raises
    ------
    UsageError
        If the source has none, or is not fitted.
    """
    network = source if isinstance(source, Network) else getattr(source, "network", None)
    if isinstance(network, Network):
        return [_apart(layer) for layer in network.layers]
    if isinstance(source, Ensemble):
        raise UsageError("an Ensemble has many networks. Give one of its members.")
    check_fitted(source)
    estimator = final(source)
    if not hasattr(estimator, "coefs_"):
        raise UsageError(
            f"this {type(estimator).__name__} has no coefs_. Weights by layer are those of a multilayer perceptron."
        )
    biases = getattr(estimator, "intercepts_", None) or [None] * len(estimator.coefs_)
    return [
        (np.asarray(W, dtype=float), None if b is None else np.asarray(b, dtype=float))
        for W, b in zip(estimator.coefs_, biases, strict=True)
    ]


def _apart(layer: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """A layer's weights and biases; on an x0 layer the biases are row 0 of the weights."""
    W = np.asarray(layer.weights, dtype=float)
    if layer.x0:
        return W[1:], W[0]
    return W, None if layer.biases is None else np.asarray(layer.biases, dtype=float)


def _history(source: Any) -> np.ndarray | None:
    """The rows of one of our own trainings, or None for another kind of source."""
    rows = source if isinstance(source, History) else source.history if _keeps_history(source) else None
    if rows is None:
        return None
    table = (rows if isinstance(rows, History) else History(rows)).table
    if not len(table):
        raise UsageError("this training has no finished epoch, so there is nothing to draw. Train for one at least.")
    return table


def _keeps_history(source: Any) -> bool:
    return is_ours(source) or isinstance(source, TrainingState)


def _kept(source: Any) -> int | None:
    if isinstance(source, TrainingState):
        return source.best_epoch or None
    return source.provenance.best_epoch or None if is_ours(source) else None


def _measured(table: np.ndarray, field: str) -> np.ndarray | None:
    values: np.ndarray = table[:, _FIELD[field]]
    return values if np.isfinite(values).any() else None


def _of_every_epoch(values: Any, n: int) -> np.ndarray | None:
    """Values of n epochs, or None; after several fits there may be fewer, and nothing says of which epochs."""
    return None if values is None or len(values) != n else np.asarray(values, dtype=float)


def _first_highest(scores: np.ndarray, estimator: Any) -> int | None:
    """The epoch that early stopping keeps: of the last fit the first with the highest score."""
    before = len(scores) - min(len(scores), int(getattr(estimator, "n_iter_", len(scores))))
    last_fit = scores[before:]
    return before + int(np.nanargmax(last_fit)) + 1 if np.isfinite(last_fit).any() else None
