"""The network of a fitted scikit-learn perceptron: read from its attributes, then compared with its predictions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.errors import UsageError
from chainrule.models.foreign.chain import Chain
from chainrule.models.foreign.proof import prove

_NAMES = {name: name for name in ("identity", "logistic", "tanh", "relu", "softmax")}
_METHODS = ("predict", "predict_proba")  # what says what an estimator makes of a row
_NEEDED = ("coefs_", "intercepts_", "activation", "out_activation_", "predict")


def from_sklearn(estimator: Any) -> Network:
    """Return the network of a fitted scikit-learn `MLPClassifier` or `MLPRegressor`, or of chainrule's own.

    Parameters
    ----------
    estimator
        With `coefs_`, `intercepts_`, `activation` and `out_activation_`, as they are now; or with `network_`, which for
        chainrule's estimators with `preprocess=True` takes the encoded columns. It stays as it is.

    Returns
    -------
    Network
        Its outputs are `predict`'s of a regressor; of a classifier the probabilities of each class, of the second one
        where there are two, of each label where there are several.

    Raises
    ------
    UsageError
        If it is not fitted or no such estimator (a pipeline or a search has one inside), if its weights do not fit
        together, or if its predictions are not those of its weights, as in a subclass with a `predict` of its own.

    Notes
    -----
    Two computations count as equal if they differ by no more than thirty times what rounding typically does to them.
    """
    kind = type(estimator).__name__
    network = getattr(estimator, "network_", None)
    if isinstance(network, Network):
        _prove_ours(estimator, network, kind)
        return network
    if isinstance(estimator, type):
        raise UsageError(f"from_sklearn takes a fitted estimator; received the class {estimator.__name__}.")
    _refuse_containers(estimator, kind)
    missing = [name for name in _NEEDED if not hasattr(estimator, name)]
    if missing:
        raise UsageError(
            f"from_sklearn takes a fitted MLPClassifier or MLPRegressor; this {kind} has no {', '.join(missing)}. "
            "Call fit first."
        )
    chain = _chain(estimator, kind)
    network = chain.network()
    prove(network, lambda X: _outputs(estimator, kind, X), kind)
    return network


def _prove_ours(estimator: Any, network: Network, kind: str) -> None:
    """See that an estimator of chainrule's predicts what its network says, where it has a method of another making."""
    home = _home(estimator, "chainrule.")
    own = [name for name in _METHODS if _method(estimator, name) is not getattr(home, name, None)]
    if not own:
        return
    if getattr(estimator, "encoding_", None) is not None or isinstance(getattr(estimator, "classes_", None), list):
        raise UsageError(
            f"{kind} has a {own[0]} of its own, which a network has not. Take an estimator of the class "
            f"{home.__name__}: set its coefs_, intercepts_ and other fitted attributes."
        )
    prove(network, lambda X: _outputs(estimator, kind, X), kind)


def _method(estimator: Any, name: str) -> Any:
    """What is called by that name, before it is bound."""
    return vars(estimator).get(name, getattr(type(estimator), name, None))


def _home(estimator: Any, package: str | tuple[str, ...]) -> Any:
    """The class of that package that an estimator is, or its own class where there is none."""
    classes = type(estimator).__mro__
    return next((kind for kind in classes if kind.__module__.startswith(package)), classes[0])


def _refuse_containers(estimator: Any, kind: str) -> None:
    inside = {
        "steps": "pipeline[-1] is its last step, whose network takes what the steps before it make of a row",
        "best_estimator_": "search.best_estimator_ is the estimator that it found",
        "estimators_": "its members, in estimators_, have a network each",
    }
    for name, where in inside.items():
        if hasattr(estimator, name):
            raise UsageError(f"from_sklearn takes a fitted MLPClassifier or MLPRegressor, and {kind} is none: {where}.")


def _chain(estimator: Any, kind: str) -> Chain:
    weights = [np.asarray(W) for W in estimator.coefs_]
    biases = [np.asarray(b) for b in estimator.intercepts_]
    if not weights or len(weights) != len(biases):
        raise UsageError(
            f"{kind} has {len(weights)} arrays in coefs_ and {len(biases)} in intercepts_; both need one for each "
            "layer."
        )
    names = [estimator.activation] * (len(weights) - 1) + [estimator.out_activation_]
    chain = Chain()
    before = None
    for l, (W, b, name) in enumerate(zip(weights, biases, names, strict=True)):
        place = f"{kind}, coefs_[{l}],"
        if name not in _NAMES:
            raise UsageError(f'{kind} has the activation "{name}"; allowed are {", ".join(_NAMES)}.')
        if W.ndim != 2 or b.shape != W.shape[1:] or before not in (None, W.shape[0]):
            expected = "" if before is None else f"{before} rows, and "
            raise UsageError(
                f"{place} has shape {W.shape} and its intercepts have {b.shape}; expected are {expected}a number in "
                "the intercepts for each of its columns."
            )
        if not np.isfinite(b).all():
            raise UsageError(f"{kind}, intercepts_[{l}], has numbers that are not finite: its training diverged.")
        chain = chain.dense(W, place).affine(1.0, b, place, trainable=True).activated(name, place)
        before = W.shape[1]
    return chain


def _outputs(estimator: Any, kind: str, X: np.ndarray) -> np.ndarray:
    """What the estimator predicts, as outputs of a network."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that rows have no names
            if not hasattr(estimator, "classes_"):
                return np.asarray(estimator.predict(X))
            P, labels = np.asarray(estimator.predict_proba(X)), np.asarray(estimator.predict(X))
            usual = np.asarray(_home(estimator, ("chainrule.", "sklearn.")).predict(estimator, X))
    except Exception as error:
        raise UsageError(f"{kind} cannot predict with its weights as they are: {error}") from error
    if not np.array_equal(labels, usual):
        raise UsageError(
            f"{kind} predicts other classes than its probabilities say: it has a predict of its own, which a network "
            "has not."
        )
    return P[:, 1] if estimator.coefs_[-1].shape[1] == 1 else P
