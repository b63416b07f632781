"""What the classifier and the regressor have in common: fitting, by scikit-learn's conventions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from chainrule.core.network import Network
from chainrule.errors import DivergenceError, UsageError
from chainrule.interrupts import interrupts_held
from chainrule.models.estimators.callbacks import callbacks_of
from chainrule.models.estimators.learning_record import LearningRecord
from chainrule.models.estimators.limited_memory import by_lbfgs
from chainrule.models.estimators.messages import diverged
from chainrule.models.estimators.mixed_columns import encode_rows, fit_rows
from chainrule.models.estimators.parameters import STOCHASTIC_SOLVERS, check_parameters, hidden_sizes
from chainrule.models.estimators.rows import Rows, checked_weight, dense, kept_aside
from chainrule.models.estimators.solving import Problem, Solved, by_descent, by_levenberg_marquardt
from chainrule.models.estimators.sparse_rows import densely, is_sparse
from chainrule.models.estimators.watching import Score
from chainrule.training.loop import as_callbacks
from chainrule.training.state import TrainingState


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


class MultilayerPerceptron(LearningRecord):
    """Fitting; the classifier and the regressor add their targets."""

    hidden_layer_sizes: Any
    random_state: Any
    warm_start: bool

    # ---- what the two add -----------------------------------------------------------------------------------------

    def _check_targets(self, y: np.ndarray, resumed: bool, classes: Any) -> None:
        """Learn what the targets are from y, or see that they fit what is known."""
        raise NotImplementedError

    def _weighed(self, y: np.ndarray, weight: np.ndarray | None, X: Any) -> np.ndarray | None:
        """Return the rows' weights, with those of their classes."""
        return weight

    def _score_of(self, A: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> float:
        raise NotImplementedError

    def _middle(self) -> float | None:
        """The output halfway between two classes, where an engine can count the right answers."""
        return None

    def _strata(self, y: np.ndarray) -> Any:
        return None

    def _constant_of_loss(self, Y: np.ndarray, weight: np.ndarray | None) -> float:
        """What scikit-learn's loss has that depends on the targets alone."""
        return 0.0

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
        as_it_was = self.__dict__.copy()
        try:
            return self._fit_or_refuse(X, y, sample_weight, kept, incremental, classes)
        except Exception as error:
            if not isinstance(error, DivergenceError) or error.state is None:  # nothing is kept of it
                self.__dict__.clear()
                self.__dict__.update(as_it_was)
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
        resumed = hasattr(self, "coefs_") and (self.warm_start or incremental)
        told = X, y
        X, y, weight = self._checked_rows(X, y, sample_weight, resumed)
        self._check_targets(y, resumed or incremental, classes)
        rows = Rows(X, y, self._encoded_targets(y, X.dtype), self._weighed(y, weight, X))
        random = check_random_state(self.random_state)
        sizes = [X.shape[1], *hidden_sizes(self.hidden_layer_sizes), rows.Y.shape[1]]
        if not resumed:
            self._start(sizes, X.dtype, random)
        elif self.network_.sizes != tuple(sizes):
            raise UsageError(
                f"the network to go on with is {'-'.join(map(str, self.network_.sizes))}, but its parameters and the "
                f"data ask for {'-'.join(map(str, sizes))}. Set warm_start=False, or fit a new estimator."
            )
        self._name_activations()
        validation = self._validation_rows(*kept) if watched else None
        if validation is None and self.early_stopping and self.solver in STOCHASTIC_SOLVERS:
            rows, validation = kept_aside(rows, self.validation_fraction, random, self._strata(y))
        generator = np.random.default_rng([random.randint(2**31), self.t_])
        return self._solve(rows, validation, generator, incremental, resumed, told)

    # ---- the rows ---------------------------------------------------------------------------------------------------

    def _checked_rows(
        self, X: Any, y: Any, sample_weight: Any, resumed: bool
    ) -> tuple[Any, np.ndarray, np.ndarray | None]:
        if resumed and (self.encoding_ is not None) != self.preprocess:
            raise UsageError(
                f"the network to go on with was fitted with preprocess={not self.preprocess}. Leave it so, or set "
                "warm_start=False."
            )
        if not self.preprocess:
            self.encoding_ = None
            X, y = validate_data(
                self, X, y, reset=not resumed, dtype=(np.float64, np.float32), accept_sparse="csr", multi_output=True,
                y_numeric=not is_classifier(self),
            )  # fmt: skip
            return X, _without_a_single_column(y), checked_weight("sample_weight", sample_weight, X)
        _, y = validate_data(self, X, y, reset=not resumed, skip_check_array=True)
        y = self._checked_y(y, "y")
        check_consistent_length(X, y)
        weight = checked_weight("sample_weight", sample_weight, np.empty((len(y), 1)))
        if not resumed:
            self.encoding_ = fit_rows(X, y, is_classifier(self), None if weight is None else weight > 0)
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
        y = self._checked_y(y, "y_val")
        if len(y) != X.shape[0]:
            raise UsageError(f"X_val has {X.shape[0]} rows and y_val {len(y)}; there must be one for each.")
        self._check_validation_targets(y)
        return Rows(X, y, self._encoded_targets(y, X.dtype), checked_weight("sample_weight_val", weight, X))

    def _check_validation_targets(self, y: np.ndarray) -> None:
        """See that they are of the same kind as those of training."""
        columns = 1 if y.ndim == 1 else y.shape[1]
        if columns != self.n_outputs_:
            raise UsageError(f"y_val has {columns} targets, y has {self.n_outputs_}. Give the same targets.")

    # ---- the solvers ------------------------------------------------------------------------------------------------

    def _solve(
        self,
        rows: Rows,
        validation: Rows | None,
        generator: np.random.Generator,
        incremental: bool,
        resumed: bool,
        told: tuple[Any, Any],
    ) -> Any:
        stochastic = self.solver in STOCHASTIC_SOLVERS
        if stochastic and self.batch_size != "auto" and self.batch_size > len(rows.Y):
            warnings.warn(
                f"batch_size is {self.batch_size}, but there are {len(rows.Y)} rows to train on: all of them make one "
                "batch.", stacklevel=5,
            )  # fmt: skip
        constant, validation_constant, measured, score = self._constant_of_loss(rows.Y, rows.weight), 0.0, None, None
        if validation is not None:
            X = densely(validation.X)
            weight = self._weighed(validation.y, validation.weight, X)
            measured = None if is_sparse(X) else (X, validation.Y, weight)  # the engine has them dense, or not at all
            validation_constant = self._constant_of_loss(validation.Y, weight)
            if self.early_stopping and stochastic:
                score = self._score(X, validation.y, validation.weight, resumed)
        problem = Problem(self._network_in(rows.X), rows.X, rows.Y, rows.weight, self._loss(), measured, self._middle())
        with interrupts_held() as held:
            try:
                solved = self._solved(problem, told, generator, score, constant, incremental)
            except DivergenceError as error:
                if error.state is not None:
                    self._keep_the_good(error, len(rows.Y), constant, validation_constant)
                raise diverged(error, self) from None
            self._keep(solved, constant, validation_constant)
            if held.taken():
                solved = solved._replace(ended="interrupted")
        self._warn(solved, incremental)
        return self

    def _network_in(self, X: Any) -> Network:
        """The network in one precision, whatever a person has put into `coefs_`."""
        network = self.network_
        dtype = np.result_type(*network.parameters)
        dtype = dtype if dtype in (np.float32, np.float64) else X.dtype
        return network.with_parameters([np.ascontiguousarray(p, dtype=dtype) for p in network.parameters])

    def _score(self, X: Any, y: np.ndarray, weight: np.ndarray | None, resumed: bool) -> Score:
        """What early stopping goes by; without weights the accuracy that the engine counts."""
        best = self.best_validation_score_ if resumed else None
        before = -math.inf if best is None else best
        if self._middle() is not None and weight is None and not is_sparse(X):
            return Score(lambda state: state.history[-1].validation_accuracy, counted=True, best=before)
        return Score(
            lambda state: self._score_of(self._outputs_of(state.network, X), y, weight), counted=False, best=before
        )

    def _solved(
        self,
        problem: Problem,
        told: tuple[Any, Any],
        generator: np.random.Generator,
        score: Score | None,
        constant: float,
        incremental: bool,
    ) -> Solved:
        def report(state: TrainingState) -> None:
            self._report(state.history[-1], constant, None if score is None else score.of(state))

        with callbacks_of(self, *told, self.max_iter, constant) as theirs:
            callbacks = [*as_callbacks(self.on_epoch or ()), *theirs, *([report] if self.verbose else [])]
            if self.solver == "lbfgs":
                return by_lbfgs(problem, self, callbacks)
            if self.solver == "lm":
                return by_levenberg_marquardt(problem, self, generator, callbacks)
            memory = self._memory if incremental else self._memory._replace(rule_state=None)
            return by_descent(
                problem, self, generator, memory=memory, score=score, callbacks=callbacks,
                epochs=1 if incremental else self.max_iter,
            )  # fmt: skip

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_") and hasattr(self, "loss_")

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
