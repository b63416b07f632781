"""How good are the predictions? Measures for classes and for values, computed from predictions and truth alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule.data.encoding import ClassTarget, Encoding
from chainrule.models.rankings import average_precision, over_classes, roc_auc
from chainrule.numerals import number, share

# Measures of a classification that are not carried by the commonest class.
OF_CLASSES = ("balanced_accuracy", "roc_auc", "average_precision")


@dataclass(frozen=True)
class ClassEvaluation:
    """Measures of a classification on `rows` examples; it prints itself.

    Attributes
    ----------
    rows : int
    accuracy : float
        Share of right labels.
    log_loss : float
        Mean of -log(probability given to the true class), in nats; no probability is below 1e-15.
    classes : tuple
        The labels, in the order of everything below.
    confusion : tuple of tuples of int
        `confusion[i][j]` counts examples of class i that were called class j.
    precision, recall, f1 : tuple of float
        Of each class; NaN where a class was never called, or never there.
    balanced_accuracy : float
        Mean recall over the classes that some rows have, so that a rare class counts as much as a common one.
    roc_auc : float
        Area under the ROC curve of the probabilities: of the second of two classes; of more, each against all others,
        averaged over the classes that some rows have. NaN where all rows are of one class, and in models of older
        versions, as the other two.
    average_precision : float
        Area under the precision-recall curve, as a sum over its steps; averaged like the ROC AUC.
    """

    rows: int
    accuracy: float
    log_loss: float
    classes: tuple[Any, ...]
    confusion: tuple[tuple[int, ...], ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    balanced_accuracy: float = math.nan
    roc_auc: float = math.nan
    average_precision: float = math.nan

    def summary(self) -> dict[str, float]:
        """Return the measures that are single numbers."""
        return {
            "rows": self.rows,
            "accuracy": self.accuracy,
            "log_loss": self.log_loss,
            **{name: getattr(self, name) for name in OF_CLASSES},
        }

    def __str__(self) -> str:
        labels = [str(label) for label in self.classes]
        width = max([len(label) for label in labels] + [5])
        lines = [f"accuracy {share(self.accuracy)}   log loss {number(self.log_loss, 3)}   rows {self.rows}"]
        lines += [self._over_classes(), ""]
        lines.append(f"{'class':<{width}}  precision  recall     f1   rows")
        for label, p, r, f, counts in zip(labels, self.precision, self.recall, self.f1, self.confusion, strict=True):
            lines.append(f"{label:<{width}}  {share(p):>9}  {share(r):>6}  {share(f):>5}  {sum(counts):>5}")
        if len(labels) <= 20:
            cell = max([len(str(n)) for row in self.confusion for n in row] + [len(label) for label in labels])
            lines += ["", "confusion (rows: true class, columns: predicted)"]
            lines.append(" " * width + "  " + "  ".join(f"{label:>{cell}}" for label in labels))
            for label, counts in zip(labels, self.confusion, strict=True):
                lines.append(f"{label:<{width}}  " + "  ".join(f"{n:>{cell}}" for n in counts))
        return "\n".join(lines)

    def _over_classes(self) -> str:
        """The measures that do not follow the commonest class; those that are not defined are said to be so."""
        values = [(name, getattr(self, name)) for name in OF_CLASSES]
        words = "   ".join(f"{words_of(name)} {share(value)}" for name, value in values)
        known = sum(map(sum, self.confusion)) and sum(sum(row) > 0 for row in self.confusion)
        return words + (" (all rows are of one class)" if known == 1 else "")


def words_of(measure: str) -> str:
    """Write a measure's name.

    >>> words_of("log_loss"), words_of("roc_auc")
    ('log loss', 'ROC AUC')
    """
    return {"roc_auc": "ROC AUC"}.get(measure, measure.replace("_", " "))


@dataclass(frozen=True)
class ValueEvaluation:
    """Measures of a regression on `rows` examples, in the targets' own units; it prints itself.

    Attributes
    ----------
    rows : int
    rmse : float
        Square root of the mean squared error, over all targets.
    mae : float
        Mean absolute error.
    r2 : float
        1 - (squared error) / (squared deviation from the mean), averaged over the targets; NaN for constant targets.
    targets : tuple of str
        The targets' names, in the order of `each`.
    each : tuple of (rmse, mae, r2)
        For each target.
    """

    rows: int
    rmse: float
    mae: float
    r2: float
    targets: tuple[str, ...]
    each: tuple[tuple[float, float, float], ...]

    def summary(self) -> dict[str, float]:
        """Return the measures that are single numbers."""
        return {"rows": self.rows, "rmse": self.rmse, "mae": self.mae, "r2": self.r2}

    def __str__(self) -> str:
        lines = [f"RMSE {number(self.rmse)}   MAE {number(self.mae)}   R2 {share(self.r2)}   rows {self.rows}"]
        if len(self.targets) > 1:
            width = max(len(name) for name in self.targets)
            lines += [
                f"{name:<{width}}  RMSE {number(rmse)}   MAE {number(mae)}   R2 {share(r2)}"
                for name, (rmse, mae, r2) in zip(self.targets, self.each, strict=True)
            ]
        return "\n".join(lines)


Evaluation = ClassEvaluation | ValueEvaluation


def evaluate_classes(
    truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, classes: Sequence[Any]
) -> ClassEvaluation:
    """Measure a classification.

    Parameters
    ----------
    truth, predicted : int arrays (N,)
        Positions in `classes`.
    probabilities : float array (N, n classes)
        Rows add up to 1.
    classes : sequence of labels

    Examples
    --------
    >>> result = evaluate_classes(np.array([0, 1]), np.array([0, 0]), np.array([[0.9, 0.1], [0.5, 0.5]]), ["no", "yes"])
    >>> result.accuracy, result.confusion, round(result.log_loss, 4)
    (0.5, ((1, 0), (1, 0)), 0.3993)
    """
    n = len(classes)
    confusion = np.zeros((n, n), dtype=np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    right = np.diag(confusion).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = right / confusion.sum(axis=0)
        recall = right / confusion.sum(axis=1)
        f1 = 2 * right / (confusion.sum(axis=0) + confusion.sum(axis=1))
        log_loss = float(-np.mean(np.log(probabilities[np.arange(len(truth)), truth])))
    return ClassEvaluation(
        rows=len(truth),
        accuracy=float(np.mean(truth == predicted)),
        log_loss=log_loss,
        classes=tuple(classes),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        precision=tuple(map(float, precision)),
        recall=tuple(map(float, recall)),
        f1=tuple(map(float, f1)),
        balanced_accuracy=float(recall[~np.isnan(recall)].mean()) if len(truth) else math.nan,
        roc_auc=over_classes(roc_auc, truth, probabilities),
        average_precision=over_classes(average_precision, truth, probabilities),
    )


def evaluate_values(truth: np.ndarray, predicted: np.ndarray, targets: Sequence[str]) -> ValueEvaluation:
    """Measure a regression.

    Parameters
    ----------
    truth, predicted : float arrays (N, n targets)
    targets : sequence of str

    Examples
    --------
    >>> result = evaluate_values(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]), ["y"])
    >>> result.mae, result.r2
    (0.5, 0.5)
    """
    with np.errstate(over="ignore", invalid="ignore"):  # errors beyond 1e154 have squares beyond float64: infinite
        error = predicted - truth
        squares = error**2
        rmse = np.sqrt(np.mean(squares, axis=0))
        mae = np.mean(np.abs(error), axis=0)
        spread = np.sum((truth - truth.mean(axis=0)) ** 2, axis=0)
        r2 = np.where(spread > 0, 1 - np.sum(squares, axis=0) / np.where(spread > 0, spread, 1), math.nan)
        over_all = np.sqrt(np.mean(squares)), np.mean(np.abs(error)), np.mean(r2)
    return ValueEvaluation(
        rows=len(truth),
        rmse=float(over_all[0]),
        mae=float(over_all[1]),
        r2=float(over_all[2]),
        targets=tuple(targets),
        each=tuple((float(a), float(b), float(c)) for a, b, c in zip(rmse, mae, r2, strict=True)),
    )


def evaluation_to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain lists and numbers, for JSON."""
    return asdict(evaluation)


def evaluation_from_dict(facts: dict[str, Any]) -> Evaluation:
    """Return the evaluation that `evaluation_to_dict` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it did not.
    """
    if "accuracy" in facts:
        n = len(facts["classes"])
        return ClassEvaluation(
            rows=stored_count(facts["rows"]),
            accuracy=float(facts["accuracy"]),
            log_loss=float(facts["log_loss"]),
            classes=tuple(facts["classes"]),
            confusion=tuple(tuple(map(stored_count, row)) for row in _as_long(facts["confusion"], n, n)),
            precision=tuple(map(float, _as_long(facts["precision"], n))),
            recall=tuple(map(float, _as_long(facts["recall"], n))),
            f1=tuple(map(float, _as_long(facts["f1"], n))),
            **{name: float(facts.get(name, math.nan)) for name in OF_CLASSES},
        )
    return ValueEvaluation(
        rows=stored_count(facts["rows"]),
        rmse=float(facts["rmse"]),
        mae=float(facts["mae"]),
        r2=float(facts["r2"]),
        targets=tuple(map(str, facts["targets"])),
        each=tuple((float(a), float(b), float(c)) for a, b, c in _as_long(facts["each"], len(facts["targets"]))),
    )


def stored_count(value: Any) -> int:
    """Accept a whole number of at least 0 that a file may hold.

    Raises
    ------
    ValueError
        For anything else.
    """
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"{value!r} stands where a count should")
    return value


def _as_long(values: Any, n: int, inner: int | None = None) -> Any:
    """Return `values`, or raise ValueError unless they are n, each of `inner` values."""
    if len(values) != n or any(len(row) != inner for row in values if inner is not None):
        raise ValueError(f"an evaluation of {n} holds {len(values)} or rows of other lengths")
    return values


def evaluate_outputs(encoding: Encoding, A: np.ndarray, Y: np.ndarray) -> Evaluation:
    """Measure outputs against encoded targets, both of shape (N, outputs)."""
    A = A.astype(np.float64)
    if isinstance(encoding.target, ClassTarget):
        truth, predicted = encoding.target.positions(Y), encoding.target.positions(A)
        return evaluate_classes(truth, predicted, encoding.probabilities(A), encoding.classes)
    truth, predicted = (encoding.decode_values(M).reshape(len(M), -1) for M in (Y, A))
    return evaluate_values(truth, predicted, encoding.target_names)
