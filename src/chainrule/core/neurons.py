"""The neurons of the lectures: networks of one layer, each with its own training rule.

All four compute z = w . x + b. They differ in the activation and in the error that their rule feeds back; written as
a loss, each rule is gradient descent, so the same training runs them all:

    perceptron            a = step(z)       delta = a - y          perceptron rule       seed 002
    adaline               a = z             delta = a - y          Widrow-Hoff, delta    seed 004
    linear regression     a = z             delta = a - y          least squares         seed 002
    logistic regression   a = logistic(z)   delta = a - y          cross-entropy         seed 002

Adaline and linear regression share their equations: an adaline decides, by the side of 1/2 its output lies on, what a
regression predicts. A delta rule through a logistic unit (seed 004) is `loss="half_squared_error"` on that network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainrule.core.network import Network


class Neuron(NamedTuple):
    """A network of one layer and the name of the loss whose gradient descent is its rule."""

    network: Network
    loss: str


def perceptron(n_inputs: int, n_outputs: int = 1, *, init: str = "zeros", seed: int | None = None) -> Neuron:
    """A step unit with the perceptron rule, w <- w + eta (y - a) x.

    With weights from 0, the learning rate only scales the weights; 1 is usual.

    >>> perceptron(2).loss
    'perceptron_criterion'
    """
    return Neuron(_one_layer(n_inputs, n_outputs, "step", init, seed), "perceptron_criterion")


def adaline(n_inputs: int, n_outputs: int = 1, *, init: str = "uniform(-0.1,0.1)", seed: int | None = None) -> Neuron:
    """A linear unit with the Widrow-Hoff rule, w <- w + eta (y - z) x; its decision is the side of 1/2."""
    return Neuron(_one_layer(n_inputs, n_outputs, "identity", init, seed), "half_squared_error")


def linear_regression(n_inputs: int, n_outputs: int = 1, *, init: str = "zeros", seed: int | None = None) -> Neuron:
    """A linear unit that minimises half the squared error."""
    return Neuron(_one_layer(n_inputs, n_outputs, "identity", init, seed), "half_squared_error")


def logistic_regression(n_inputs: int, n_outputs: int = 1, *, init: str = "zeros", seed: int | None = None) -> Neuron:
    """A logistic unit that minimises the cross-entropy; delta = a - y."""
    return Neuron(_one_layer(n_inputs, n_outputs, "logistic", init, seed), "logistic_binary_cross_entropy")


def _one_layer(n_inputs: int, n_outputs: int, activation: str, init: str, seed: int | None) -> Network:
    return Network.dense([n_inputs, n_outputs], activation, init=init, seed=np.random.default_rng(seed))
