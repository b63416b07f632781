"""A fitted estimator as a network: its outputs, the activations of its layers, and where a number came from."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.core.catalogue import Activation, FusedLoss, Loss
from chainrule.core.layers import Layer
from chainrule.core.network import Network
from chainrule.data.encoder import Encoding
from chainrule.engines.outputs import outputs
from chainrule.errors import UsageError
from chainrule.models.estimators.callbacks import CallbackSupport
from chainrule.models.estimators.mixed_columns import encode_rows
from chainrule.models.estimators.rows import dense
from chainrule.models.estimators.sparse_first_layer import outputs_of
from chainrule.models.estimators.sparse_rows import is_sparse


class FittedNetwork(ClassNamePrefixFeaturesOutMixin, TransformerMixin, CallbackSupport, BaseEstimator):
    """What an estimator can do once `coefs_` and `intercepts_` are there."""

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    encoding_: Encoding | None
    n_layers_: int
    _activations: list[Activation]

    @property
    def network_(self) -> Network:
        """The network, made of `coefs_` and `intercepts_` as they are now."""
        check_is_fitted(self, "coefs_")
        layers = zip(self.coefs_, self.intercepts_, self._activations, strict=True)
        return Network(tuple(Layer(np.asarray(W), np.asarray(b), f) for W, b, f in layers))

    def _loss(self) -> Loss | FusedLoss:
        raise NotImplementedError

    def _encoded_targets(self, y: np.ndarray, dtype: Any) -> np.ndarray:
        """Return the targets of the output units, (N, outputs)."""
        raise NotImplementedError

    def _checked_inputs(self, X: Any) -> Any:
        if self.encoding_ is not None:
            validate_data(self, X, reset=False, skip_check_array=True)
            return encode_rows(self.encoding_, X)
        return validate_data(self, X, reset=False, accept_sparse="csr", dtype=(np.float64, np.float32))

    def _outputs(self, X: Any) -> np.ndarray:
        """Return the activations of the output layer, (N, outputs), in the dtype of the weights."""
        check_is_fitted(self)
        return self._outputs_of(self.network_, self._checked_inputs(X))

    def _outputs_of(self, network: Network, X: Any) -> np.ndarray:
        X = X.astype(network.parameters[0].dtype, copy=False)
        with np.errstate(all="ignore"):
            return outputs_of(network, X) if is_sparse(X) else outputs(network, X)

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
        L = self.n_layers_ - 1
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
        return int(self.coefs_[-2].shape[1]) if len(self.coefs_) > 1 else self.n_features_in_

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
        return explain(self.network_, rows, Y, example=example, **{"loss": self._loss(), **options})
