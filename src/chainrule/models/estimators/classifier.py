"""`MLPClassifier`, in place of scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from chainrule.core.catalogue import Activation, FusedLoss, Loss, loss_named
from chainrule.errors import UsageError
from chainrule.models.estimators.class_targets import ClassTargets, class_targets, rows_of_labels, typed
from chainrule.models.estimators.class_weights import weights_by_class
from chainrule.models.estimators.fitted_network import FITTED
from chainrule.models.estimators.known_classes import known_classes, known_targets
from chainrule.models.estimators.parameters import CLASSIFIER_LOSSES, documented
from chainrule.models.estimators.perceptron import MultilayerPerceptron, has_partial_fit
from chainrule.models.estimators.rows import checked_weight


@documented
class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """A multi-layer perceptron for classes: scikit-learn's parameters, attributes and results, sooner.

    Code written for `sklearn.neural_network.MLPClassifier` runs with the import changed. y may have two classes, more,
    several labels for a row (an array of 0 and 1), or several columns of classes.

    Parameters
    ----------
    PARAMETERS

    Attributes
    ----------
    classes_ : array, or a list of arrays for several columns
        The labels, sorted.
    coefs_, intercepts_ : lists of arrays
        The weights (units before, units) and the biases (units,) of each layer.
    network_ : Network
        The same as a chainrule network.
    loss_, best_loss_, loss_curve_
        The loss of the last epoch, the lowest (None with early_stopping), and that of each.
    validation_scores_, best_validation_score_
        Accuracies on the rows kept aside by early_stopping; None without.
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
    J = mean of -log p(true class) + alpha / (2 B) sum w^2 for a minibatch of B rows; seeds 002 and 004 derive its
    gradient. Adam is Kingma and Ba (2015), momentum Polyak (1964) and Nesterov (1983).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from chainrule import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(solver="lbfgs", alpha=0.1, max_iter=1000, random_state=1).fit(X, y)
    >>> clf.predict(X[:1]), bool(clf.score(X, y) > 0.95)
    (array([0]), True)
    """

    _fitted_attributes = (*FITTED, "classes_")

    def __init__(
        self,
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
        loss: Any = "log_loss",
        class_weight: Any = None,
        dropout: Any = 0.0,
        preprocess: bool = False,
        unknown: str = "ignore",
        max_categories: int = 1000,
        engine: str = "auto",
        on_epoch: Any = None,
    ) -> None:
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
        self.loss = loss
        self.class_weight = class_weight
        self.dropout = dropout
        self.preprocess = preprocess
        self.unknown = unknown
        self.max_categories = max_categories
        self.engine = engine
        self.on_epoch = on_epoch

    @available_if(has_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Go on training, for one epoch with the given rows.

        Parameters
        ----------
        X : array or sparse array (n_samples, n_features)
        y : array (n_samples,) or (n_samples, n_outputs)
        sample_weight : array (n_samples,), optional
        classes : array (n_classes,), or a list of arrays for several columns
            All labels there will ever be; needed in the first call.

        Returns
        -------
        self
        """
        if known_classes(self) is None and classes is None:
            raise UsageError("classes must be passed on the first call to partial_fit: y need not have them all.")
        if isinstance(self.class_weight, str):
            raise UsageError(
                "class_weight='balanced' is not taken by partial_fit, whose rows need not be like those to come. Give "
                "the weight of each class in a dict; compute_class_weight finds them."
            )
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, (n_samples,); (n_samples, n_outputs) for several targets.

        Where fit had the labels in a sparse array they are returned in one.
        """
        labels = self._targets.labels(self._outputs(X))
        return csr_matrix(labels) if self._sparse_labels else labels

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, (n_samples, n_classes), in the order of `classes_`.

        For several labels the probability of each; for several columns of classes a list with an array for each.
        """
        A = self._outputs(X)
        return self._targets.probabilities(A)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy; for several targets the share of the rows that are right in all of them."""
        check_is_fitted(self)
        if self._targets.kind != "multioutput":
            of_objects = np.ndim(y) == 1 and getattr(getattr(y, "dtype", None), "kind", "") == "O"
            y = typed(y) if of_objects else y  # as fit took it
            return float(super().score(X, y, sample_weight))
        return self._score_of(self._outputs(X), self._checked_y(rows_of_labels(y), "y"), sample_weight)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`."""
        P = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return [np.log(p) for p in P] if isinstance(P, list) else np.log(P)

    @property
    def _targets(self) -> ClassTargets:
        """What the outputs stand for: as the last fit learnt, with the names that `classes_` has now."""
        return known_targets(self)

    @property
    def _sparse_labels(self) -> bool:
        """Whether labels came sparse, as a fit saw or the binarizer of scikit-learn's own class says."""
        binarizer = self.__dict__.get("_label_binarizer")
        sparse = self.__dict__.get("_labels_came_sparse", getattr(binarizer, "sparse_input_", False))
        return bool(sparse) and self._targets.kind == "multilabel"

    def _check_targets(self, y: np.ndarray, resumed: bool, classes: Any) -> None:
        if not resumed or known_classes(self) is None:
            self._class_targets: ClassTargets = class_targets(y, classes)
            self.__dict__.pop("_label_binarizer", None)
            self.classes_ = self._class_targets.classes
            return
        known = self._targets
        if classes is not None and not _same(class_targets(y, classes).columns, known.columns):
            raise UsageError(
                f"classes={classes!r} is not the same as on the last call to partial_fit, {self.classes_!r}. Leave it "
                "out, or start with a new estimator."
            )
        if self.warm_start and classes is None and not _same(class_targets(y).columns, known.columns):
            raise UsageError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {class_targets(y).classes}. Fit a new estimator."
            )

    def _check_validation_targets(self, y: np.ndarray) -> None:
        known, columns = self._targets, 1 if y.ndim == 1 else y.shape[1]
        wanted = len(known.columns[0]) if known.kind == "multilabel" else len(known.columns)
        if columns != wanted or (known.kind == "multilabel" and not np.isin(y, (0, 1)).all()):
            raise UsageError(
                f"y_val must hold what y held, {known.kind} targets in {wanted} columns; received {columns} columns of "
                f"{class_targets(y).kind} targets."
            )

    def _encoded_targets(self, y: np.ndarray, dtype: Any) -> np.ndarray:
        return self._targets.encode(y, dtype)

    def _weighed(self, y: np.ndarray, weight: np.ndarray | None, X: Any) -> np.ndarray | None:
        if self.class_weight is None:
            return weight
        of_class = weights_by_class(self._targets, self.class_weight, y)
        return checked_weight("class_weight", of_class if weight is None else of_class * weight, X)

    def _output_activation(self) -> str | Activation:
        return self._targets.output_activation

    def _loss(self) -> Loss | FusedLoss:
        loss = loss_named(self._targets.log_loss if self.loss in CLASSIFIER_LOSSES else self.loss)
        if loss.name == "categorical_cross_entropy" and self._targets.kind in ("binary", "multilabel"):
            raise UsageError(
                "loss='categorical_cross_entropy' needs an output for each class, and two classes or labels have one "
                "that says yes or no. Take 'log_loss'."
            )
        return loss

    def _score_of(self, A: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> float:
        """The share of the rows that are right in every label."""
        right = np.reshape(self._targets.labels(A) == y, (len(A), -1)).all(axis=1)
        return float(np.average(right, weights=weight))

    def _middle(self) -> float | None:
        known = len(self._targets.columns[0]) > 1 and self._targets.kind in ("binary", "multiclass")
        return 0.5 if known else None

    def _strata(self, y: np.ndarray) -> Any:
        return (
            y if y.ndim == 1 and type_of_target(y) == "binary" else None
        )  # as scikit-learn has it: other rows would be kept

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


def _same(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))
