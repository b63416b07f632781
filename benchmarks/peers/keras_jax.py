"""Keras on its JAX backend: `fit`, the same with several updates to an execution, and `train_on_batch`."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras

from benchmarks.cases import BETA_1, BETA_2, EPSILON_BEFORE_CORRECTION, Parameters
from benchmarks.peers.base import Peer


class KerasOnJax(Peer):
    """Compiled by XLA, as Keras does unasked."""

    variants = ("fit", "fit, steps_per_execution", "train_on_batch")

    def setup(self) -> None:
        keras.backend.clear_session()
        case = self.case
        self.X, self.Y = case.data()
        self.batches = [
            (self.X[start : start + case.batch], self.Y[start : start + case.batch])
            for start in range(0, len(self.X), case.batch)
        ]
        layers = [keras.layers.Dense(units, activation="sigmoid") for units in case.sizes[1:]]
        if case.output == "identity":
            layers[-1].activation = keras.activations.linear
        self.model = keras.Sequential([keras.Input((case.sizes[0],)), *layers])
        if case.rule == "adam":
            optimizer = keras.optimizers.Adam(
                case.learning_rate, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON_BEFORE_CORRECTION
            )
        else:
            optimizer = keras.optimizers.SGD(case.learning_rate)
        self.model.compile(
            optimizer=optimizer,
            loss=lambda y, a: 0.5 * keras.ops.sum(keras.ops.square(a - y), axis=-1),
            jit_compile=True,
            steps_per_execution=min(10, case.updates) if "steps" in self.variant else 1,
        )
        optimizer.build(self.model.trainable_variables)
        self.fresh_optimizer = [variable.numpy() for variable in optimizer.variables]

    def restart(self) -> None:
        self.model.set_weights([p for pair in self.case.initial() for p in pair])
        for variable, value in zip(self.model.optimizer.variables, self.fresh_optimizer, strict=True):
            variable.assign(value)

    def first_step(self) -> None:
        if self.variant == "train_on_batch":
            self.model.train_on_batch(*self.batches[0])
        else:
            x, y = self.batches[0]
            self.model.fit(x, y, batch_size=self.case.batch, epochs=1, shuffle=False, verbose=0)

    def run(self, epochs: int) -> None:
        if self.variant == "train_on_batch":
            for _ in range(epochs):
                for x, y in self.batches:
                    self.model.train_on_batch(x, y)
        else:
            self.model.fit(self.X, self.Y, batch_size=self.case.batch, epochs=epochs, shuffle=False, verbose=0)

    def weights(self) -> Parameters:
        arrays = self.model.get_weights()
        return list(zip(arrays[::2], arrays[1::2], strict=True))
