"""What the classifier and the regressor have in common: scikit-learn's conventions around a network."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, validate_data

from chainrule.core.catalogue import Activation, activation_named
from chainrule.engines.outputs import outputs
from chainrule.errors import DivergenceError, UsageError
from chainrule.models.estimators.callbacks import callbacks_of
from chainrule.models.estimators.fitted_network import FittedNetwork
from chainrule.models.estimators.limited_memory import by_lbfgs
from chainrule.models.estimators.messages import diverged, not_converged
from chainrule.models.estimators.mixed_columns import encode_rows, fit_rows
from chainrule.models.estimators.parameters import (
    STOCHASTIC_SOLVERS,
    check_parameters,
    hidden_activations,
    hidden_sizes,
)
from chainrule.models.estimators.solving import Memory, Problem, Solved, Watched, by_descent, by_levenberg_marquardt
from chainrule.models.estimators.sparse_rows import is_sparse
from chainrule.training.loop import as_callbacks
from chainrule.training.state import History, TrainingState

_OUT_NAMES = {"exponential": "exp"}  # what scikit-learn calls it


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


class MultilayerPerceptron(FittedNetwork):
    """Fitting, by scikit-learn's conventions; the classifier and the regressor add their targets."""

    solver: str
    hidden_layer_sizes: Any
    activation: Any
    random_state: Any
    early_stopping: bool
    warm_start: bool
    max_iter: int

    # ---- what the two add -----------------------------------------------------------------------------------------

    def _checked_targets(self, y: Any, resumed: bool, classes: Any) -> None:
        """Learn what the targets are from y, or see that they fit what is known."""
        raise NotImplementedError

    def _weighed(self, y: Any, sample_weight: np.ndarray | None) -> np.ndarray | None:
        """Return the rows' weights, with those of their classes."""
        return sample_weight

    def _output_activation(self) -> str | Activation:
        raise NotImplementedError

    def _score_of(self, A: np.ndarray, y: Any, sample_weight: np.ndarray | None) -> float:
        raise NotImplementedError

    def _middle(self) -> float | None:
        """The output halfway between two classes, where an engine can count the right answers."""
        return None

    def _strata(self, y: Any) -> Any:
        return None

    def _constant_of_loss(self, Y: np.ndarray, sample_weight: np.ndarray | None) -> float:
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
            If a parameter or the data are not allowed.
        DivergenceError
            If a number is no longer finite; the weights are then those of the last good epoch.
        """
        kept = None if X_val is None and y_val is None else (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, kept)

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
        return self._fit(X, y, sample_weight, None, incremental=True)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        kept: tuple[Any, Any, Any] | None,
        incremental: bool = False,
        classes: Any = None,
    ) -> Any:
        check_parameters(self.get_params(deep=False))
        if incremental and self.early_stopping:
            raise UsageError("partial_fit does not support early_stopping=True: there is no epoch to go back to.")
        if kept is not None and (kept[0] is None or kept[1] is None):
            raise UsageError("X_val and y_val belong together; received only one of them. Give both, or none.")
        resumed = hasattr(self, "coefs_") and (self.warm_start or incremental)
        X, y = self._checked_rows(X, y, reset=not resumed)
        self._checked_targets(y, resumed or incremental, classes)
        Y = self._encoded_targets(y, X.dtype)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=X.dtype)
        if weight is not None and not (weight >= 0).all():
            raise UsageError(f"sample_weight must be at least 0; received {weight.min()!r}.")
        if weight is not None and not weight.any():
            raise UsageError("sample_weight is 0 for every row; at least one must be above 0.")
        random = check_random_state(self.random_state)
        if not resumed:
            self._start(X, Y, random)
        elif self.network_.sizes != (sizes := (X.shape[1], *hidden_sizes(self.hidden_layer_sizes), Y.shape[1])):
            raise UsageError(
                f"the network to go on with is {'-'.join(map(str, self.network_.sizes))}, but its parameters and the "
                f"data ask for {'-'.join(map(str, sizes))}. Set warm_start=False, or fit a new estimator."
            )
        parts = [(X, y, Y, weight)]
        if kept is not None:
            parts.append(self._validation_rows(*kept, X.dtype))
        elif self.early_stopping and self.solver in STOCHASTIC_SOLVERS:
            parts = self._divided(X, y, Y, weight, random)
        generator = np.random.default_rng([random.randint(2**31), self.t_])
        return self._solve(parts, generator, incremental, resumed)

    def _checked_rows(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        if not self.preprocess:
            return validate_data(self, X, y, reset=reset, dtype=(np.float64, np.float32), **self._checks_of_rows())
        _, y = validate_data(self, X, y, reset=reset, skip_check_array=True)
        if y is None:
            raise UsageError("y is needed to fit; received None.")
        y = np.asarray(y)
        if reset:
            self.encoding_ = fit_rows(X, y, classify=is_classifier(self))
        assert self.encoding_ is not None
        return encode_rows(self.encoding_, X), y

    def _checks_of_rows(self) -> dict[str, Any]:
        return {"accept_sparse": "csr", "multi_output": True}

    def _start(self, X: Any, Y: np.ndarray, random: np.random.RandomState) -> None:
        """Draw the initial weights, as scikit-learn draws them: the same seed starts from the same network."""
        if not self.preprocess:
            self.encoding_ = None
        self.n_outputs_ = Y.shape[1]
        sizes = [X.shape[1], *hidden_sizes(self.hidden_layer_sizes), Y.shape[1]]
        self.n_layers_ = len(sizes)
        self.n_iter_, self.t_ = 0, 0
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] | None = None
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -math.inf if self.early_stopping else None
        self.best_loss_: float | None = math.inf
        self.coefs_, self.intercepts_ = [], []
        self._memory = Memory()
        hidden = hidden_activations(self.activation, len(sizes) - 2)
        self._activations = [activation_named(name) for name in [*hidden, self._output_activation()]]
        for l, (before, units) in enumerate(pairwise(sizes)):
            nearest = hidden[min(l, len(hidden) - 1)] if hidden else self.activation
            bound = math.sqrt((2 if nearest == "logistic" else 6) / (before + units))
            self.coefs_.append(random.uniform(-bound, bound, (before, units)).astype(X.dtype, copy=False))
            self.intercepts_.append(random.uniform(-bound, bound, units).astype(X.dtype, copy=False))
        name = self._activations[-1].name
        self.out_activation_ = _OUT_NAMES.get(name, name)

    # ---- the rows that are watched ----------------------------------------------------------------------------------

    def _divided(self, X: Any, y: Any, Y: np.ndarray, weight: Any, random: np.random.RandomState) -> list[Any]:
        """Keep rows aside for early_stopping, the same that scikit-learn keeps with that random_state."""
        arrays = [X, y, Y] if weight is None else [X, y, Y, weight]
        split = train_test_split(
            *arrays, random_state=random, test_size=self.validation_fraction, stratify=self._strata(y)
        )
        parts = [(*split[i::2], None)[:4] for i in (0, 1)]
        if parts[1][0].shape[0] < 2:
            raise UsageError(
                "The validation set is too small: early_stopping needs at least 2 rows to score. Raise "
                "validation_fraction, give more rows, or pass X_val and y_val."
            )
        return parts

    def _validation_rows(self, X: Any, y: Any, weight: Any, dtype: Any) -> tuple[Any, Any, np.ndarray, Any]:
        X = self._checked_inputs(X).astype(dtype, copy=False)
        y = np.asarray(y)
        if len(y) != X.shape[0]:
            raise UsageError(f"X_val has {X.shape[0]} rows and y_val {len(y)}; there must be one for each.")
        Y = self._encoded_targets(y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y, dtype)
        if Y.shape[1] != self.n_outputs_:
            raise UsageError(f"y_val has {Y.shape[1]} outputs, y has {self.n_outputs_}. Give the same targets.")
        return X, y, Y, None if weight is None else _check_sample_weight(weight, X, dtype=dtype)

    def _scored(self, part: tuple[Any, Any, np.ndarray, Any], resumed: bool) -> Watched:
        """Watch the score of the rows kept aside; where the engine counts the right answers, its count."""
        X, y, _, weight = part

        def value(state: TrainingState) -> float:
            if self._middle() is not None and weight is None:
                return state.history[-1].validation_accuracy
            return self._score_of(outputs(state.network, X), y, weight)

        watched = Watched(value, self.tol, self.n_iter_no_change)
        if resumed and self.best_validation_score_ is not None:
            watched.best, watched.best_network = self.best_validation_score_, self.network_
            watched.waited = self._memory.waited
        return watched

    # ---- the solvers, and what is kept of them ----------------------------------------------------------------------

    def _solve(self, parts: list[Any], generator: np.random.Generator, incremental: bool, resumed: bool) -> Any:
        X, y, Y, weight = parts[0]
        weight = self._weighed(y, weight)
        weight = None if weight is None else weight.astype(X.dtype, copy=False)
        if self.solver in STOCHASTIC_SOLVERS and self.batch_size != "auto" and self.batch_size > len(Y):
            warnings.warn(
                f"batch_size is {self.batch_size}, but there are {len(Y)} rows to train on: all of them make one "
                "batch.", stacklevel=4,
            )  # fmt: skip
        validation = scored = None
        if len(parts) > 1:
            X_val, y_val, Y_val, weight_val = parts[1]
            X_val = X_val.toarray() if is_sparse(X_val) else X_val
            validation = (X_val, Y_val, weight_val)
            if self.early_stopping and self.solver in STOCHASTIC_SOLVERS:
                scored = self._scored((X_val, y_val, Y_val, weight_val), resumed)
        problem = Problem(self.network_, X, Y, weight, self._loss(), validation, self._middle())
        constant = self._constant_of_loss(Y, weight)
        with callbacks_of(self, X, y, self.max_iter) as theirs:
            callbacks = [*as_callbacks(self.on_epoch or ()), *theirs]
            if self.verbose:
                callbacks.append(lambda state: self._report(state, scored, constant))
            try:
                if self.solver in STOCHASTIC_SOLVERS:
                    memory = self._memory if resumed else Memory()
                    if not incremental:
                        memory = memory._replace(rule_state=None, learning_rate=None)
                    solved = by_descent(
                        problem, self, generator, memory=memory, scored=scored, callbacks=callbacks,
                        epochs=1 if incremental else self.max_iter,
                    )  # fmt: skip
                elif self.solver == "lm":
                    solved = by_levenberg_marquardt(problem, self, generator, callbacks)
                else:
                    solved = by_lbfgs(problem, self)
            except DivergenceError as error:
                raise self._diverged(error, scored, constant) from None
        self._keep(solved, scored, constant)
        if validation is not None and self.solver != "lbfgs":
            constant = self._constant_of_loss(validation[1], validation[2])
            measured = (solved.history.table[:, 2] + constant).tolist()
            self.validation_loss_curve_ = [*(self.validation_loss_curve_ or []), *measured]
        if not incremental:
            self._warn(solved)
        return self

    def _keep(self, solved: Solved, scored: Watched | None, constant: float) -> None:
        network = solved.network
        losses = [float(loss + constant) for loss in solved.losses]
        self.n_iter_, self.loss_ = len(losses), losses[-1] if losses else math.nan
        self.history_: History = solved.history
        self.loss_curve_ = self.loss_curve_ + losses if self.solver in STOCHASTIC_SOLVERS else losses
        self._memory = solved.memory
        self.best_loss_ = None if self.early_stopping else float(solved.memory.best_loss + constant)
        if self.solver in STOCHASTIC_SOLVERS:
            self.t_ = solved.memory.seen
        if scored is not None:
            self.validation_scores_ = [*(self.validation_scores_ or []), *scored.values]
            if scored.best_network is not None:
                self.best_validation_score_, network = scored.best, scored.best_network
        self.coefs_ = [np.asarray(layer.weights) for layer in network.layers]
        self.intercepts_ = [np.asarray(layer.biases) for layer in network.layers]

    def _diverged(self, error: DivergenceError, scored: Watched | None, constant: float) -> DivergenceError:
        """Keep the last good weights, and say what helps in the words of these parameters."""
        state = error.state
        if state is not None:
            losses = state.history.table[:, 1].tolist()
            memory = Memory(state.watched_cost, seen=self.t_)
            self._keep(Solved(state.network, state.history, losses, memory, "diverged"), scored, constant)
        return diverged(error, self)

    def _report(self, state: TrainingState, scored: Watched | None, constant: float) -> None:
        print(f"Iteration {state.epoch}, loss = {state.history[-1].cost + constant:.8f}")
        if scored is not None:
            print(f"Validation score: {scored.values[-1]:f}")

    def _warn(self, solved: Solved) -> None:
        if solved.ended == "interrupted":
            warnings.warn("Training interrupted by user: the weights reached so far are kept.", stacklevel=5)
        elif solved.ended in ("epochs", "stuck"):
            warnings.warn(not_converged(solved, self), ConvergenceWarning, stacklevel=5)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_") and hasattr(self, "loss_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.preprocess
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = self.preprocess
        return tags
