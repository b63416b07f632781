"""What a fit begins with and leaves behind: the attributes that end in an underscore."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.core.catalogue import activation_named
from chainrule.core.network import Network
from chainrule.models.estimators.fitted_network import FittedNetwork, scikit_learns_name
from chainrule.models.estimators.parameters import STOCHASTIC_SOLVERS, hidden_activations
from chainrule.models.estimators.problem import Memory, Solved
from chainrule.training.state import Epoch, History


class LearningRecord(FittedNetwork):
    """Initial weights, and what is kept of a training."""

    solver: str
    activation: Any
    early_stopping: bool
    preprocess: bool
    verbose: Any
    max_iter: int
    t_: int
    loss_curve_: list[Any]
    validation_loss_curve_: list[float] | None
    validation_scores_: list[float] | None
    best_loss_: Any
    best_validation_score_: float | None
    _memory: Memory

    def _start(self, sizes: list[int], dtype: Any, random: np.random.RandomState) -> None:
        """Draw the initial weights, as scikit-learn draws them: the same seed starts from the same network."""
        self.n_outputs_, self.n_layers_ = sizes[-1], len(sizes)
        for name, value in _nothing_learnt().items():
            setattr(self, name, value)
        self.coefs_, self.intercepts_ = [], []
        hidden = hidden_activations(self.activation, len(sizes) - 2)
        for l, (before, units) in enumerate(pairwise(sizes)):
            nearest = hidden[min(l, len(hidden) - 1)] if hidden else self.activation
            bound = math.sqrt((2 if nearest == "logistic" else 6) / (before + units))
            self.coefs_.append(random.uniform(-bound, bound, (before, units)).astype(dtype, copy=False))
            self.intercepts_.append(random.uniform(-bound, bound, units).astype(dtype, copy=False))

    def _complete_the_record(self) -> None:
        """Add what a network has not that a person put in, and that is now to go on learning."""
        self.n_outputs_, self.n_layers_ = self.network_.sizes[-1], len(self.coefs_) + 1
        for name, value in _nothing_learnt().items():
            if name not in self.__dict__:
                setattr(self, name, value)

    def _name_activations(self) -> None:
        """Take the parameters' activations; between two fits they may be changed."""
        hidden = hidden_activations(self.activation, len(self.coefs_) - 1)
        self._activations = [activation_named(name) for name in [*hidden, self._output_activation()]]
        self.out_activation_ = scikit_learns_name(self._activations[-1].name)

    def _keep(self, solved: Solved, constant: float, validation_constant: float) -> None:
        """Take the attributes from a training; the constants are what their loss has beside the network's."""
        table, stochastic = solved.history.table, self.solver in STOCHASTIC_SOLVERS
        losses = list(table[:, 1] + constant)  # NumPy's numbers, as scikit-learn's are
        self.n_iter_, self.history_ = len(losses), solved.history
        self.loss_curve_ = self.loss_curve_ + losses if stochastic else losses
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.float64(math.nan)
        before = self.best_loss_ if stochastic and self.best_loss_ is not None else math.inf
        self.best_loss_ = None if self.early_stopping and stochastic else np.float64(min([before, *losses]))
        self._memory = solved.memory._replace(seen=solved.memory.seen if stochastic else self.t_)
        self.t_ = self._memory.seen
        if not np.isnan(table[:, 2]).all():
            measured = (table[:, 2] + validation_constant).tolist()
            self.validation_loss_curve_ = [*(self.validation_loss_curve_ or []), *measured]
        network = solved.network
        if solved.best_network is not None:
            self.validation_scores_ = [*(self.validation_scores_ or []), *solved.scores]
            self.best_validation_score_, network = solved.best_score, solved.best_network
        self._take_weights(network)

    def _take_weights(self, network: Network) -> None:
        self.coefs_ = [np.asarray(layer.weights) for layer in network.layers]
        self.intercepts_ = [np.asarray(layer.biases) for layer in network.layers]

    def _report(self, row: Epoch, constant: float, score: float | None) -> None:
        """Print what scikit-learn prints after an epoch."""
        print(f"Iteration {row.epoch}, loss = {row.cost + constant:.8f}")
        if score is not None:
            print(f"Validation score: {score:f}")


def _nothing_learnt() -> dict[str, Any]:
    """What an estimator has that has not learnt yet, beside its weights."""
    return {
        "n_iter_": 0, "t_": 0, "loss_curve_": [], "loss_": np.float64(math.nan), "best_loss_": math.inf,
        "history_": History(), "validation_loss_curve_": None, "validation_scores_": None,
        "best_validation_score_": None, "_memory": Memory(), "_units": None, "_scaled_network": None,
    }  # fmt: skip
