"""What the classifier and the regressor have in common: fitting, by scikit-learn's conventions."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from chainrule.engines.sparse_first_layer import is_sparse
from chainrule.errors import DivergenceError, UsageError
from chainrule.models.estimators.class_targets import rows_of_labels
from chainrule.models.estimators.learning import Learning
from chainrule.models.estimators.mixed_columns import encode_rows, fit_rows, refuse_other_containers
from chainrule.models.estimators.parameters import STOCHASTIC_SOLVERS, check_parameters, hidden_sizes
from chainrule.models.estimators.rows import Rows, checked_weight, dense, kept_aside
from chainrule.models.estimators.target_units import TargetUnits


def has_partial_fit(estimator: Any) -> bool:
    """Whether the solver takes minibatches; what `available_if` asks.

    Raises
    ------
    AttributeError
        That says why not.
    """
    if estimator.solver in STOCHASTIC_SOLVERS:
        return True
    raise AttributeError(f"partial_fit is only available for solver 'sgd' and 'adam'; it is {estimator.solver!r}.")


class MultilayerPerceptron(Learning):
    """Fitting; the classifier and the regressor add their targets."""

    hidden_layer_sizes: Any
    random_state: Any
    warm_start: bool
    unknown: str
    max_categories: int

    # ---- what the two add -----------------------------------------------------------------------------------------

    def _check_targets(self, y: np.ndarray, resumed: bool, classes: Any) -> None:
        """Learn what the targets are from y, or see that they fit what is known."""
        raise NotImplementedError

    def _strata(self, y: np.ndarray) -> Any:
        return None

    def _units_to_learn(self, rows: Rows, resumed: bool) -> TargetUnits | None:
        """The units of the targets, where they are scaled before training."""
        return None

    # ---- fit --------------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train the network.

        Parameters
        ----------
        X : array or sparse array (n_samples, n_features), or a frame
            float32 is trained in float32, all else in float64.
        y : array (n_samples,) or (n_samples, n_outputs)
        sample_weight : array (n_samples,), optional
            A row of weight 2 counts as much as two rows; one of weight 0 takes no part.
        X_val, y_val, sample_weight_val : optional
            Rows to watch: `validation_loss_curve_` has their loss, and with early_stopping their score decides in
            place of that of rows kept aside.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or the data are not allowed; the estimator is then as it was.
        DivergenceError
            If a number is no longer finite; the weights are then those of the last good epoch.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go on training, for one epoch with the given rows.

        Parameters
        ----------
        X : array or sparse array (n_samples, n_features)
        y : array (n_samples,) or (n_samples, n_outputs)
        sample_weight : array (n_samples,), optional

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        kept: tuple[Any, Any, Any] = (None, None, None),
        incremental: bool = False,
        classes: Any = None,
    ) -> Any:
        as_it_was, random = self.__dict__.copy(), self.random_state
        drawn = random.get_state() if isinstance(random, np.random.RandomState) else None
        try:
            return self._fit_or_refuse(X, y, sample_weight, kept, incremental, classes)
        except BaseException as error:
            if not isinstance(error, DivergenceError) or error.state is None:  # nothing is kept of it
                self.__dict__.clear()
                self.__dict__.update(as_it_was)
                if drawn is not None:
                    random.set_state(drawn)
            raise

    def _fit_or_refuse(
        self, X: Any, y: Any, sample_weight: Any, kept: tuple[Any, Any, Any], incremental: bool, classes: Any
    ) -> Any:
        check_parameters(self.get_params(deep=False))
        if incremental and self.early_stopping:
            raise UsageError("partial_fit does not support early_stopping=True: there is no epoch to go back to.")
        watched = kept[0] is not None
        if watched != (kept[1] is not None) or (kept[2] is not None and not watched):
            raise UsageError("X_val and y_val belong together; received only one of them. Give both, or none.")
        resumed = self.__sklearn_is_fitted__() and (self.warm_start or incremental)
        if resumed:
            self._complete_the_record()
        told, sparse_labels = (X, y), is_sparse(y)
        if self.preprocess:
            refuse_other_containers(X)
        y = rows_of_labels(y)
        X, y, weight = self._checked_rows(X, y, sample_weight, resumed)
        self._labels_came_sparse = sparse_labels
        self._check_targets(y, resumed or incremental, classes)
        rows = Rows(X, y, self._encoded_targets(y, X.dtype), self._weighed(y, weight, X))
        random = check_random_state(self.random_state)
        sizes = [X.shape[1], *hidden_sizes(self.hidden_layer_sizes), rows.Y.shape[1]]
        units = self._units_to_learn(rows, resumed)
        if not resumed:
            self._start(sizes, X.dtype, random)
        elif self.network_.sizes != tuple(sizes):
            raise UsageError(
                f"the network to go on with is {'-'.join(map(str, self.network_.sizes))}, but its parameters and the "
                f"data ask for {'-'.join(map(str, sizes))}. Set warm_start=False, or fit a new estimator."
            )
        self._units = units
        self._name_activations()
        if not resumed and units is not None:
            self._scaled_network = self.network_  # where training starts is drawn for scaled targets
            self._take_weights(units.fold(self.network_))
        validation = self._validation_rows(*kept) if watched else None
        if validation is None and self.early_stopping and self.solver in STOCHASTIC_SOLVERS:
            rows, validation = kept_aside(rows, self.validation_fraction, random, self._strata(y))
        generator = np.random.default_rng([random.randint(2**31), self.t_])
        return self._solve(rows, validation, generator, incremental, resumed, told)

    # ---- the rows ---------------------------------------------------------------------------------------------------

    def _checked_rows(
        self, X: Any, y: Any, sample_weight: Any, resumed: bool
    ) -> tuple[Any, np.ndarray, np.ndarray | None]:
        if resumed and (self._encoding is not None) != self.preprocess:
            raise UsageError(
                f"the network to go on with was fitted with preprocess={not self.preprocess}. Leave it so, or set "
                "warm_start=False."
            )
        new = not resumed or "n_features_in_" not in self.__dict__
        if not self.preprocess:
            self.encoding_ = None
            X, y = validate_data(
                self, X, y, reset=new, dtype=(np.float64, np.float32), accept_sparse="csr", multi_output=True,
                y_numeric=not is_classifier(self),
            )  # fmt: skip
            return X, _without_a_single_column(y), checked_weight("sample_weight", sample_weight, X)
        _, y = validate_data(self, X, y, reset=new, skip_check_array=True)
        y = self._checked_y(y, "y")
        check_consistent_length(X, y)
        weight = checked_weight("sample_weight", sample_weight, np.empty((len(y), 1)))
        if not resumed:
            self.encoding_ = fit_rows(
                X, y, is_classifier(self), weight, unknown=self.unknown,
                max_categories=self.max_categories,
            )  # fmt: skip
        assert self.encoding_ is not None
        return encode_rows(self.encoding_, X), y, weight

    def _checked_y(self, y: Any, name: str) -> np.ndarray:
        if y is None:
            raise UsageError(f"{name} is needed to fit; received None.")
        kind = None if is_classifier(self) else "numeric"
        y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=kind, input_name=name)
        return _without_a_single_column(y)

    def _validation_rows(self, X: Any, y: Any, weight: Any) -> Rows:
        X = self._checked_inputs(X).astype(self.coefs_[0].dtype, copy=False)
        y = self._checked_y(rows_of_labels(y), "y_val")
        if len(y) != X.shape[0]:
            raise UsageError(f"X_val has {X.shape[0]} rows and y_val {len(y)}; there must be one for each.")
        self._check_validation_targets(y)
        return Rows(X, y, self._encoded_targets(y, X.dtype), checked_weight("sample_weight_val", weight, X))

    def _check_validation_targets(self, y: np.ndarray) -> None:
        """See that they are of the same kind as those of training."""
        columns = 1 if y.ndim == 1 else y.shape[1]
        if columns != self.n_outputs_:
            raise UsageError(f"y_val has {columns} targets, y has {self.n_outputs_}. Give the same targets.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.preprocess
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = self.preprocess
        return tags


def _without_a_single_column(y: Any) -> np.ndarray:
    y = dense(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return y
