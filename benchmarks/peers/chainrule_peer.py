"""chainrule itself: `fit` as users call it, and the engine below it over many epochs in one call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.cases import Case, Parameters
from benchmarks.peers.base import Peer
from chainrule import Network, TrainingPlan, fit
from chainrule.training.prepare import Training, prepare


def chainrule_network(case: Case) -> Network:
    """The case's network with its initial weights."""
    parameters = case.initial()
    return Network.dense(
        case.sizes,
        activation="logistic",
        output_activation=case.output,
        weights=[W for W, _ in parameters],
        biases=[b for _, b in parameters],
    )


def chainrule_options(case: Case) -> dict[str, Any]:
    """The case as fields of a training plan."""
    return {
        "update": case.rule,
        "learning_rate": case.learning_rate,
        "batch_size": case.batch,
        "shuffle": False,
        "engine": "auto",
    }


def chainrule_epochs(training: Training, network: Network, rule_state: Any, epochs: int) -> tuple[Network, Any]:
    """Run many epochs in one call of the engine: the least overhead that a user can have.

    The one place that knows the engine's signature.
    """
    rates = np.full((epochs, training.work.updates_per_epoch), training.plan.eta)
    chunk = training.engine.run(training.work, network, rule_state, np.random.default_rng(0), rates)
    return chunk.network, chunk.rule_state


class ChainrulePeer(Peer):
    """The engine that "auto" chooses."""

    variants = ("fit", "many epochs a call")

    def setup(self) -> None:
        self.X, self.Y = self.case.data()
        self.options = chainrule_options(self.case)
        if self.variant == "many epochs a call":
            self.training = self._prepared(self.X, self.Y)
            self.engine = self.training.engine.name

    def restart(self) -> None:
        self.network = chainrule_network(self.case)
        if self.variant == "many epochs a call":
            self.rule_state = self.training.work.rule.init(self.network.trainable_parameters)

    def first_step(self) -> None:
        X, Y = self.X[: self.case.batch], self.Y[: self.case.batch]
        if self.variant == "fit":
            self.network = fit(self.network, X, Y, epochs=1, **self.options).network
        else:
            first = replace(self.training, work=replace(self.training.work, X=X, Y=Y))
            self.network, self.rule_state = chainrule_epochs(first, self.network, self.rule_state, 1)

    def run(self, epochs: int) -> None:
        if self.variant == "fit":
            self.network = fit(self.network, self.X, self.Y, epochs=epochs, **self.options).network
        else:
            self.network, self.rule_state = chainrule_epochs(self.training, self.network, self.rule_state, epochs)

    def weights(self) -> Parameters:
        return [(layer.weights, layer.biases) for layer in self.network.layers]

    def _prepared(self, X: np.ndarray, Y: np.ndarray) -> Training:
        return prepare(TrainingPlan(**self.options), chainrule_network(self.case), X, Y)
