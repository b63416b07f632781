"""A fitted estimator as a network: its outputs, the activations of its layers, and where a number came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.core.catalogue import Activation, FusedLoss, Loss, activation_named
from chainrule.core.layers import Layer
from chainrule.core.network import Network
from chainrule.data.encoder import Encoding
from chainrule.engines.outputs import outputs, outputs_of_sparse
from chainrule.engines.sparse_first_layer import is_sparse
from chainrule.errors import UsageError
from chainrule.models.estimators.callbacks import CallbackSupport
from chainrule.models.estimators.mixed_columns import encode_rows, refuse_other_containers
from chainrule.models.estimators.parameters import hidden_activations
from chainrule.models.estimators.rows import dense

_OUT_NAMES = {"exponential": "exp"}  # what scikit-learn calls it
_OUR_NAMES = {theirs: ours for ours, theirs in _OUT_NAMES.items()}
FITTED = (
    "coefs_", "intercepts_", "network_", "loss_", "best_loss_", "loss_curve_", "validation_scores_",
    "best_validation_score_", "validation_loss_curve_", "history_", "n_iter_", "t_", "n_layers_", "n_outputs_",
    "out_activation_", "encoding_",
)  # fmt: skip


# What weights that a person has put in say by themselves.
DERIVED = {
    "n_features_in_": lambda fitted: fitted.network_.sizes[0],
    "n_outputs_": lambda fitted: fitted.network_.sizes[-1],
    "n_layers_": lambda fitted: len(fitted.coefs_) + 1,
    "out_activation_": lambda fitted: scikit_learns_name(fitted.network_.layers[-1].activation.name),
    "encoding_": lambda fitted: None,
}


class FittedNetwork(ClassNamePrefixFeaturesOutMixin, TransformerMixin, CallbackSupport, BaseEstimator):
    """What an estimator can do once `coefs_` and `intercepts_` are there."""

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    activation: Any
    preprocess: bool
    _fitted_attributes: tuple[str, ...] = FITTED

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in DERIVED and self.__sklearn_is_fitted__():
                return DERIVED[name](self)
            if name in self._fitted_attributes:
                raise NotFittedError(
                    f"This {type(self).__name__} instance has no {name} yet: it is there after a fit. Call 'fit' with "
                    "appropriate arguments before using this estimator."
                )
            return object.__getattribute__(self, name)  # whose error says what is missing

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there are weights, from a fit or put in by a person."""
        return all(self.__dict__.get(name) is not None for name in ("coefs_", "intercepts_"))

    @property
    def network_(self) -> Network:
        """The network, made of `coefs_` and `intercepts_` as they are now."""
        check_is_fitted(self)
        weights, biases = ([_numbers(one) for one in part] for part in (self.coefs_, self.intercepts_))
        if not weights or len(weights) != len(biases):
            raise UsageError(
                f"coefs_ has {len(weights)} arrays and intercepts_ {len(biases)}; there must be one of each for every "
                "layer, and at least one."
            )
        for name, there in (("n_layers_", len(weights) + 1), ("n_outputs_", np.shape(weights[-1])[-1])):
            said = self.__dict__.get(name, there)
            if said != there:
                raise UsageError(f"{name} is {said}, but coefs_ and intercepts_ make it {there}. Set {name}={there}.")
        layers = zip(weights, biases, self._activations_now(len(weights)), strict=True)
        return Network(tuple(Layer(W, b, f) for W, b, f in layers))

    def _activations_now(self, layers: int) -> list[Activation]:
        """Those of the last fit; of the parameters for weights that a person put in; and `out_activation_` as it is."""
        known = self.__dict__.get("_activations", ())
        if len(known) != layers:
            hidden = hidden_activations(self.activation, layers - 1)
            known = [*map(activation_named, hidden), None]
        said = self.__dict__.get("out_activation_")
        if said is None:
            return [*known[:-1], known[-1] or activation_named(self._output_activation())]
        if known[-1] is None or said != scikit_learns_name(known[-1].name):
            own = _OUR_NAMES.get(said, said)
            if str(own).startswith("softmax_by_column"):  # of several columns of classes, in no catalogue
                own = self._output_activation()
            return [*known[:-1], activation_named(own)]
        return list(known)

    @property
    def _encoding(self) -> Encoding | None:
        return self.__dict__.get("encoding_")

    def _output_activation(self) -> str | Activation:
        raise NotImplementedError

    def _loss(self) -> Loss | FusedLoss:
        raise NotImplementedError

    def _encoded_targets(self, y: np.ndarray, dtype: Any) -> np.ndarray:
        """Return the targets of the output units, (N, outputs)."""
        raise NotImplementedError

    def _checked_inputs(self, X: Any) -> Any:
        inputs = self.network_.sizes[0]
        if self._encoding is not None:
            if len(getattr(X, "shape", (0, 0))) == 1:
                raise UsageError(
                    f"X must have rows and columns; received shape {X.shape}. Reshape your data: X.reshape(1, -1) for "
                    "a single row."
                )
            refuse_other_containers(X)
            validate_data(self, X, reset=False, skip_check_array=True)
            rows = encode_rows(self._encoding, X)
        elif self.preprocess and "n_iter_" not in self.__dict__:
            raise NotFittedError(
                "preprocess=True learns in fit how columns become inputs, and this network was put in by hand. Call "
                "'fit', or set preprocess=False and give the inputs as numbers."
            )
        else:
            rows = validate_data(self, X, reset=False, accept_sparse="csr", dtype=(np.float64, np.float32))
        if rows.shape[1] != inputs:
            raise UsageError(
                f"X has {rows.shape[1]} features, but coefs_[0] has weights for {inputs}. Make them agree."
            )
        return rows

    def _outputs(self, X: Any) -> np.ndarray:
        """Return the activations of the output layer, (N, outputs), in the dtype of the weights."""
        check_is_fitted(self)
        return self._outputs_of(self.network_, self._checked_inputs(X))

    def _outputs_of(self, network: Network, X: Any) -> np.ndarray:
        X = X.astype(network.parameters[0].dtype, copy=False)
        with np.errstate(all="ignore"):
            return outputs_of_sparse(network, X) if is_sparse(X) else outputs(network, X)

    def transform(self, X: Any, layer: int | None = None) -> np.ndarray:
        """Return the activations of a layer, (n_samples, units): what the network has made of the inputs.

        Parameters
        ----------
        X : array or sparse array (n_samples, n_features)
        layer : int, optional
            1 for the first hidden layer, ..., `n_layers_` - 1 for the outputs; by default the last hidden layer.

        Raises
        ------
        UsageError
            If there is no such layer.
        """
        check_is_fitted(self)
        L = len(self.coefs_)
        number = L - 1 if layer is None else layer
        if not isinstance(number, (int, np.integer)) or not 0 <= number <= L:
            raise UsageError(f"layer must be a number from 0 (the inputs) to {L} (the outputs); received {layer!r}.")
        rows = self._checked_inputs(X)
        if number == 0:
            return rows.toarray() if is_sparse(rows) else np.asarray(rows)
        return self._outputs_of(Network(self.network_.layers[:number]), rows)

    @property
    def _n_features_out(self) -> int:
        """Columns of `transform`, which scikit-learn names after the class: mlpclassifier0, mlpclassifier1, ..."""
        sizes = self.network_.sizes
        return int(sizes[-2]) if len(sizes) > 2 else self.n_features_in_

    def explain(self, X: Any, y: Any = None, *, example: int = 0, **options: Any) -> Any:
        """Explain any number of the network at some rows: index the result by the name of a quantity.

        Parameters
        ----------
        X : array (n_samples, n_features)
        y : array, optional
            Without targets there are no costs, and no derivatives of them.
        example : int
            The row that is explained, counted from 0.
        **options
            Of `chainrule.explain`: notation, detail, digits, ...

        Returns
        -------
        Explanation

        Examples
        --------
        >>> from chainrule import MLPClassifier
        >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
        >>> clf = MLPClassifier((3,), "tanh", solver="lbfgs", random_state=1).fit(X, y)
        >>> round(clf.explain(X, y, example=1)["a[2][1]"].value, 2)
        1.0
        """
        from chainrule.explaining.explain import explain

        check_is_fitted(self)
        rows = self._checked_inputs(X)
        rows = rows.toarray() if is_sparse(rows) else rows
        Y = None if y is None else self._encoded_targets(dense(y), np.float64)
        named = {"input_names": self._names_of_inputs(), "output_names": self._names_of_outputs()}
        return explain(self.network_, rows, Y, example=example, **{"loss": self._loss(), **named, **options})

    def _names_of_inputs(self) -> list[str] | None:
        """The columns of the frame that it was fitted on, or what preprocess=True has made of them."""
        encoding = getattr(self, "_encoding", None)
        names = getattr(self, "feature_names_in_", None) if encoding is None else encoding.node_names
        return None if names is None or len(names) != self.network_.sizes[0] else list(map(str, names))

    def _names_of_outputs(self) -> list[str] | None:
        """The classes of the outputs; of two on one output, the second."""
        classes, n = getattr(self, "classes_", None), self.network_.sizes[-1]
        if classes is None or len(classes) not in (n, n + 1):
            return None
        return list(map(str, list(classes)[-n:]))


def scikit_learns_name(activation: str) -> str:
    """Return what scikit-learn calls an output activation.

    >>> scikit_learns_name("exponential"), scikit_learns_name("softmax")
    ('exp', 'softmax')
    """
    return _OUT_NAMES.get(activation, activation)


def _numbers(array: Any) -> np.ndarray:
    """Weights as a network takes them: floating-point numbers, whatever a person has put in."""
    try:
        values = np.asarray(array)
        numbers: np.ndarray = values if values.dtype.kind == "f" else values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"coefs_ and intercepts_ must be arrays of numbers: {error}.") from None
    return numbers
