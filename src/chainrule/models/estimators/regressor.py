"""`MLPRegressor`, in place of scikit-learn's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from chainrule.core.catalogue import Activation, FusedLoss, Loss, is_of_the_catalogue, loss_named
from chainrule.errors import UsageError
from chainrule.models.estimators.parameters import documented
from chainrule.models.estimators.perceptron import MultilayerPerceptron
from chainrule.models.estimators.rows import Rows
from chainrule.models.estimators.target_scale import poorly_scaled
from chainrule.models.estimators.target_units import TargetUnits, units_of

OF_CLASSES = (
    "binary_cross_entropy", "categorical_cross_entropy", "softmax_categorical_cross_entropy", "perceptron_criterion",
)  # fmt: skip


@documented
class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    """A multi-layer perceptron for numbers: scikit-learn's parameters, attributes and results, sooner.

    Code written for `sklearn.neural_network.MLPRegressor` runs with the import changed. y may have several columns.

    Parameters
    ----------
    PARAMETERS

    Attributes
    ----------
    coefs_, intercepts_ : lists of arrays
        The weights (units before, units) and the biases (units,) of each layer.
    network_ : Network
        The same as a chainrule network.
    loss_, best_loss_, loss_curve_
        The loss of the last epoch, the lowest (None with early_stopping), and that of each.
    validation_scores_, best_validation_score_
        R^2 on the rows kept aside by early_stopping; None without.
    validation_loss_curve_ : list or None
        The loss on these rows, or on X_val.
    history_ : History
        Of the last fit: for each epoch its cost, learning rate, largest gradient norm and seconds.
    n_iter_, t_ : int
        Epochs of the last fit; rows seen.
    n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.
    encoding_ : Encoding or None
        With preprocess=True, how columns become inputs.

    Raises
    ------
    ValueError
        When fitting, if a parameter or the data are not allowed.

    Notes
    -----
    'squared_error' is C = 1/2 sum_k (a_k - y_k)^2 (seeds 002 and 003), summed over the outputs in the loss and in its
    gradient alike. scikit-learn's loss takes the mean over the outputs, its gradient the sum (its issue 8349): with k
    outputs `loss_` is k times what scikit-learn reports, and the weights follow the same path.
    'poisson' is the deviance for counts, with an exponential output. 'absolute_error', 'huber(1.0)', 'quantile(0.9)'
    and your own `Loss` have an identity output.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from chainrule import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MLPRegressor(hidden_layer_sizes=(10,), solver="lbfgs", alpha=1, max_iter=2000, random_state=1).fit(X, y)
    >>> bool(reg.score(X, y) > 0.5)
    True
    """

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        preprocess: bool = False,
        unknown: str = "ignore",
        max_categories: int = 1000,
        engine: str = "auto",
        on_epoch: Any = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.preprocess = preprocess
        self.unknown = unknown
        self.max_categories = max_categories
        self.engine = engine
        self.on_epoch = on_epoch

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted values, (n_samples,), or (n_samples, n_outputs) for several targets."""
        A = self._outputs(X)
        return A[:, 0] if A.shape[1] == 1 else A

    @property
    def _loss_name(self) -> str:
        """The name of a built-in loss, however it was given; of your own an empty string."""
        loss = self._loss()
        return loss.name if is_of_the_catalogue(loss) else ""

    def _check_targets(self, y: np.ndarray, resumed: bool, classes: Any) -> None:
        self._refuse_values(y)
        outputs = 1 if y.ndim == 1 else y.shape[1]
        if resumed and outputs != getattr(self, "n_outputs_", outputs):
            raise UsageError(
                f"y has {outputs} targets, but the network was fitted with {self.n_outputs_}. Give the same targets, "
                "or fit a new estimator."
            )

    def _units_to_learn(self, rows: Rows, resumed: bool) -> TargetUnits | None:
        units = units_of(rows.Y, self._loss_name, rows.weight) if self.preprocess else None
        before = self._units if resumed else None
        return units if units is None or before is None else replace(before, degree=units.degree)

    def _poorly_scaled(self, rows: Rows, ended: str) -> str:
        by_tol = ended == "improvement" and not self.early_stopping
        return "" if self._units is not None else poorly_scaled(self, rows, by_tol)

    def _check_validation_targets(self, y: np.ndarray) -> None:
        super()._check_validation_targets(y)
        self._refuse_values(y)

    def _refuse_values(self, y: np.ndarray) -> None:
        """Refuse values that are no numbers, or for which the loss has no least value."""
        if y.dtype.kind in "Mm":
            raise UsageError(
                f"y must hold numbers; received {'dates' if y.dtype.kind == 'M' else 'spans of time'} ({y.dtype}), "
                "whose unit says nothing. Give days or hours, as in (y - y.min()) / numpy.timedelta64(1, 'D')."
            )
        if self._loss_name == "poisson" and np.min(y) < 0:
            raise UsageError(
                f"loss='poisson' is for counts: y must be at least 0; received {np.min(y):g}. Take 'squared_error'."
            )
        if self._loss_name in OF_CLASSES:
            raise UsageError(f"loss={self.loss!r} is for classes. Take an MLPClassifier, or 'squared_error'.")
        if self._loss_name == "logistic_binary_cross_entropy" and not (np.min(y) >= 0 and np.max(y) <= 1):
            raise UsageError(
                f"loss={self.loss!r} is for shares: y must lie between 0 and 1; received {np.min(y):g} to "
                f"{np.max(y):g}. Take 'squared_error'."
            )

    def _encoded_targets(self, y: np.ndarray, dtype: Any) -> np.ndarray:
        with np.errstate(over="ignore"):  # what becomes infinite in float32 is refused by its place
            Y: np.ndarray = np.reshape(y, (len(y), -1)).astype(dtype, copy=False)
        return Y

    def _output_activation(self) -> str | Activation:
        loss = self._loss()
        if isinstance(loss, FusedLoss):
            return loss.activation
        return "exponential" if loss.name == "poisson" else "identity"

    def _loss(self) -> Loss | FusedLoss:
        return loss_named(self.loss)

    def _score_of(self, A: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> float:
        """R^2, the mean over the targets; asked for after every epoch, so without scikit-learn's checks."""
        Y = np.reshape(y, A.shape)
        s = np.ones(len(Y)) if weight is None else weight
        residual = s @ (Y - A) ** 2
        total = s @ (Y - s @ Y / s.sum()) ** 2
        alike = np.where(residual > 0, 0.0, 1.0)  # what is given to a target that is the same in every row
        return float(np.mean(np.where(total > 0, 1 - residual / np.where(total > 0, total, 1), alike)))

    def _constant_of_loss(self, Y: np.ndarray, weight: np.ndarray | None) -> float:
        """The Poisson deviance also has y log y - y, so that a perfect prediction costs nothing."""
        if self._loss_name != "poisson":
            return 0.0
        positive = np.where(Y > 0, Y, 1.0)
        return float(np.average((Y * np.log(positive) - Y).sum(axis=1), weights=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
