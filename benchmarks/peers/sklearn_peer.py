"""scikit-learn's MLPRegressor: its output layer is always the identity."""

from __future__ import annotations

import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from benchmarks.cases import BETA_1, BETA_2, EPSILON_BEFORE_CORRECTION, Case, Parameters
from benchmarks.peers.base import Peer


class ScikitLearn(Peer):
    """`fit` from warm weights, so that it goes on where it stopped; no early end."""

    variants = ("fit", "fit, no checks of the input")
    quick_variants = ("fit",)

    @classmethod
    def refusal(cls, case: Case) -> str:
        return "" if case.output == "identity" else "its regressor has no logistic output"

    def setup(self) -> None:
        case = self.case
        warnings.simplefilter("ignore", ConvergenceWarning)
        sklearn.set_config(
            assume_finite="no checks" in self.variant, skip_parameter_validation="no checks" in self.variant
        )
        self.X, self.Y = case.data()
        if self.Y.shape[1] == 1:
            self.Y = self.Y.ravel()
        self.model = MLPRegressor(
            hidden_layer_sizes=case.sizes[1:-1], activation="logistic", solver="adam" if case.rule == "adam" else "sgd",
            alpha=0, batch_size=case.batch, learning_rate_init=case.learning_rate, shuffle=False, tol=0,
            momentum=0, nesterovs_momentum=False, n_iter_no_change=np.inf, warm_start=True, max_iter=1,
            beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON_BEFORE_CORRECTION,
        )  # fmt: skip
        self.model.fit(self.X[: case.batch], self.Y[: case.batch])  # makes the arrays that `restart` fills

    def restart(self) -> None:
        parameters = self.case.initial()
        self.model.coefs_ = [W for W, _ in parameters]
        self.model.intercepts_ = [b for _, b in parameters]

    def first_step(self) -> None:
        self.model.set_params(max_iter=1).fit(self.X[: self.case.batch], self.Y[: self.case.batch])

    def run(self, epochs: int) -> None:
        self.model.set_params(max_iter=epochs).fit(self.X, self.Y)

    def weights(self) -> Parameters:
        return [(W.copy(), b.copy()) for W, b in zip(self.model.coefs_, self.model.intercepts_, strict=True)]
