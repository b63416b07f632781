"""What a fit begins with and leaves behind: the attributes that end in an underscore."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule.core.catalogue import Activation, activation_named
from chainrule.errors import DivergenceError
from chainrule.models.estimators.fitted_network import FittedNetwork
from chainrule.models.estimators.messages import not_converged
from chainrule.models.estimators.parameters import STOCHASTIC_SOLVERS, hidden_activations
from chainrule.models.estimators.solving import Memory, Solved
from chainrule.training.state import Epoch, History

_OUT_NAMES = {"exponential": "exp"}  # what scikit-learn calls it


class LearningRecord(FittedNetwork):
    """Initial weights, and what is kept of a training."""

    solver: str
    activation: Any
    early_stopping: bool
    preprocess: bool
    verbose: Any
    max_iter: int
    history_: History

    def _output_activation(self) -> str | Activation:
        raise NotImplementedError

    def _start(self, sizes: list[int], dtype: Any, random: np.random.RandomState) -> None:
        """Draw the initial weights, as scikit-learn draws them: the same seed starts from the same network."""
        self.n_outputs_, self.n_layers_ = sizes[-1], len(sizes)
        self.n_iter_, self.t_ = 0, 0
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] | None = None
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None
        self.best_loss_: float | None = math.inf
        self.coefs_, self.intercepts_ = [], []
        self._memory = Memory()
        hidden = hidden_activations(self.activation, len(sizes) - 2)
        for l, (before, units) in enumerate(pairwise(sizes)):
            nearest = hidden[min(l, len(hidden) - 1)] if hidden else self.activation
            bound = math.sqrt((2 if nearest == "logistic" else 6) / (before + units))
            self.coefs_.append(random.uniform(-bound, bound, (before, units)).astype(dtype, copy=False))
            self.intercepts_.append(random.uniform(-bound, bound, units).astype(dtype, copy=False))

    def _name_activations(self) -> None:
        """Take the parameters' activations; between two fits they may be changed."""
        hidden = hidden_activations(self.activation, self.n_layers_ - 2)
        self._activations = [activation_named(name) for name in [*hidden, self._output_activation()]]
        name = self._activations[-1].name
        self.out_activation_ = _OUT_NAMES.get(name, name)

    def _keep(self, solved: Solved, constant: float, validation_constant: float) -> None:
        """Take the attributes from a training; the constants are what their loss has beside the network's."""
        table, stochastic = solved.history.table, self.solver in STOCHASTIC_SOLVERS
        losses = list(table[:, 1] + constant)  # NumPy's numbers, as scikit-learn's are
        self.n_iter_, self.loss_ = len(losses), losses[-1] if losses else np.float64(math.nan)
        self.history_ = solved.history
        self.loss_curve_ = self.loss_curve_ + losses if stochastic else losses
        self.best_loss_ = None if self.early_stopping and stochastic else np.float64(solved.memory.best_loss + constant)
        self._memory = solved.memory._replace(seen=solved.memory.seen if stochastic else self.t_)
        self.t_ = self._memory.seen
        if not np.isnan(table[:, 2]).all():
            measured = (table[:, 2] + validation_constant).tolist()
            self.validation_loss_curve_ = [*(self.validation_loss_curve_ or []), *measured]
        network = solved.network
        if solved.best_network is not None:
            self.validation_scores_ = [*(self.validation_scores_ or []), *solved.scores]
            self.best_validation_score_, network = solved.best_score, solved.best_network
        self.coefs_ = [np.asarray(layer.weights) for layer in network.layers]
        self.intercepts_ = [np.asarray(layer.biases) for layer in network.layers]

    def _keep_the_good(self, error: DivergenceError, rows: int, constant: float, validation_constant: float) -> None:
        """Take what a training had reached before it diverged."""
        state = error.state
        memory = Memory(state.watched_cost, seen=self.t_ + state.epoch * rows)
        self._keep(Solved(state.best_network, state.history, memory, "diverged"), constant, validation_constant)

    def _report(self, row: Epoch, constant: float, score: float | None) -> None:
        """Print what scikit-learn prints after an epoch."""
        print(f"Iteration {row.epoch}, loss = {row.cost + constant:.8f}")
        if score is not None:
            print(f"Validation score: {score:f}")

    def _warn(self, solved: Solved, incremental: bool) -> None:
        if solved.ended == "interrupted":
            warnings.warn("Training interrupted by user: the weights reached so far are kept.", stacklevel=5)
        elif solved.ended in ("epochs", "stuck") and not incremental:
            warnings.warn(not_converged(solved, self), ConvergenceWarning, stacklevel=5)
