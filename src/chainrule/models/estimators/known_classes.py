"""What the outputs of a classifier stand for, also where a person has put in the weights, the classes, or both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import UsageError
from chainrule.models.estimators.class_targets import ClassTargets

# What decides which of the kinds it is, where no fit has: the classes, the outputs and their activation.
BY_HAND = (
    "set classes_ to the labels in the order of the outputs (two for one logistic output), and out_activation_ to "
    "'softmax' for classes of which one holds, or 'logistic' for labels of which any may hold"
)

OF_OUTPUTS = {"logistic": "multilabel", "softmax": "multiclass"}


def known_targets(classifier: Any) -> ClassTargets:
    """Return what the outputs stand for.

    Parameters
    ----------
    classifier
        With `coefs_`; and with what a fit learnt, `classes_`, or the `_label_binarizer` that scikit-learn's own class
        keeps its labels in.

    Raises
    ------
    UsageError
        If the labels do not fit the outputs, or nothing says what they are.
    """
    learnt: ClassTargets | None = classifier.__dict__.get("_class_targets")
    classes = known_classes(classifier)
    if learnt is not None and (classes is None or _alike(classes, learnt.classes)):
        return learnt
    check_is_fitted(classifier)
    outputs = int(np.shape(classifier.coefs_[-1])[-1])
    if classes is None:
        raise UsageError(f"this network was put in by hand, and nothing says what its outputs stand for: {BY_HAND}.")
    columns = tuple(map(np.asarray, classes)) if isinstance(classes, (list, tuple)) and _nested(classes) else None
    columns = (np.asarray(classes),) if columns is None else columns
    if learnt is not None and tuple(map(len, columns)) == tuple(map(len, learnt.columns)):
        return replace(learnt, columns=columns)  # renamed
    kind = _kind(classifier, columns, outputs)
    made = ClassTargets(kind, (np.arange(outputs),) if kind == "multilabel" else columns)
    if made.n_outputs != outputs or (kind == "binary" and len(columns[0]) > 2):
        counts = " and ".join(str(len(column)) for column in columns)
        raise UsageError(f"classes_ has {counts} classes, but coefs_ ends in {outputs} outputs: {BY_HAND}.")
    return made


def known_classes(classifier: Any) -> Any:
    """Return `classes_`, those of a `_label_binarizer`, or None."""
    if "classes_" in classifier.__dict__:
        return classifier.__dict__["classes_"]
    return getattr(classifier.__dict__.get("_label_binarizer"), "classes_", None)


def _kind(classifier: Any, columns: tuple[np.ndarray, ...], outputs: int) -> str:
    if len(columns) > 1:
        return "multioutput"
    if outputs == 1:
        return "binary"
    binarizer = classifier.__dict__.get("_label_binarizer")
    labels = getattr(binarizer, "y_type_", "") == "multilabel-indicator"
    said = classifier.__dict__.get("out_activation_", "logistic" if labels else None)
    if said not in OF_OUTPUTS:
        what = "is not set" if said is None else f"is {said!r}"
        raise UsageError(f"out_activation_ {what}, and nothing else says what {outputs} outputs stand for: {BY_HAND}.")
    return OF_OUTPUTS[said]


def _nested(classes: Any) -> bool:
    return all(np.ndim(column) == 1 for column in classes)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, list) != isinstance(other, list) or len(one) != len(other):
        return False
    pairs = zip(one, other, strict=True) if isinstance(one, list) else [(one, other)]
    return all(np.array_equal(a, b) for a, b in pairs)
