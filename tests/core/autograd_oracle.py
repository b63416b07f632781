"""An independent network in autograd.numpy: every activation, loss and cost written again, from the textbook formula.

Nothing here comes from `chainrule.core`. Formulas are the plain ones, without guards against overflow, so they hold
for moderate numbers only. Derivatives are autograd's (HIPS); only the normal distribution's is stated by hand.
"""

import math

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive


@primitive
def normal_cdf(Z):
    return np.vectorize(lambda z: math.erfc(-z / math.sqrt(2)) / 2, otypes=[float])(Z)


defvjp(normal_cdf, lambda ans, Z: lambda g: g * anp.exp(-Z * Z / 2) / math.sqrt(2 * math.pi))

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017


def _elu(Z, alpha):
    negative = anp.where(Z > 0, 0.0, Z)
    return anp.where(Z > 0, Z, alpha * (anp.exp(negative) - 1))


ACTIVATIONS = {
    "identity": lambda Z: Z,
    "step": lambda Z: anp.where(Z >= 0, 1.0, 0.0) + 0 * Z,  # 0 * Z lets autograd follow it
    "logistic": lambda Z: 1 / (1 + anp.exp(-Z)),
    "tanh": lambda Z: (anp.exp(Z) - anp.exp(-Z)) / (anp.exp(Z) + anp.exp(-Z)),
    "relu": lambda Z: anp.where(Z > 0, Z, 0.0),
    "leaky_relu": lambda Z: anp.where(Z > 0, Z, 0.01 * Z),
    "leaky_relu(0.2)": lambda Z: anp.where(Z > 0, Z, 0.2 * Z),
    "elu": lambda Z: _elu(Z, 1.0),
    "elu(0.5)": lambda Z: _elu(Z, 0.5),
    "selu": lambda Z: SELU_SCALE * _elu(Z, SELU_ALPHA),
    "gelu": lambda Z: Z * normal_cdf(Z),
    "silu": lambda Z: Z / (1 + anp.exp(-Z)),
    "softplus": lambda Z: anp.log(1 + anp.exp(Z)),
    "exponential": lambda Z: anp.exp(Z),
    "softmax": lambda Z: anp.exp(Z) / anp.sum(anp.exp(Z), axis=1, keepdims=True),
}


def _huber(E, width):
    return anp.where(anp.abs(E) <= width, E * E / 2, width * anp.abs(E) - width * width / 2)


def _pinball(E, q):
    return anp.where(E >= 0, (1 - q) * E, -q * E)


# Each takes the output layer's Z and A, and the targets, and gives one cost an entry; a cost sums over the outputs.
LOSSES = {
    "half_squared_error": lambda Z, A, Y: (A - Y) ** 2 / 2,
    "sum_of_squares": lambda Z, A, Y: (A - Y) ** 2,
    "mean_of_squares": lambda Z, A, Y: (A - Y) ** 2 / Y.shape[1],
    "absolute_error": lambda Z, A, Y: anp.abs(A - Y),
    "huber": lambda Z, A, Y: _huber(A - Y, 1.0),
    "huber(0.5)": lambda Z, A, Y: _huber(A - Y, 0.5),
    "quantile": lambda Z, A, Y: _pinball(A - Y, 0.5),
    "quantile(0.9)": lambda Z, A, Y: _pinball(A - Y, 0.9),
    "poisson": lambda Z, A, Y: A - Y * anp.log(A),
    "binary_cross_entropy": lambda Z, A, Y: -Y * anp.log(A) - (1 - Y) * anp.log(1 - A),
    "categorical_cross_entropy": lambda Z, A, Y: -Y * anp.log(A),
    "logistic_binary_cross_entropy": lambda Z, A, Y: -Y * anp.log(A) - (1 - Y) * anp.log(1 - A),
    "softmax_categorical_cross_entropy": lambda Z, A, Y: -Y * anp.log(A),
    "perceptron_criterion": lambda Z, A, Y: anp.where(Z >= 0, 1 - Y, -Y) * Z,
}

FUSED_OUTPUT = {
    "logistic_binary_cross_entropy": "logistic",
    "softmax_categorical_cross_entropy": "softmax",
    "perceptron_criterion": "step",
}


def layer_values(parameters, activations, X, masks=None):
    """Return the lists of Z and A of the layers; a pair (W, None) has no bias, a mask of None leaves a layer whole."""
    A, Zs, As = X, [], []
    masks = [None] * len(parameters) if masks is None else [*masks, None]
    for (W, b), activation, mask in zip(parameters, activations, masks, strict=True):
        Z = anp.dot(A, W) if b is None else anp.dot(A, W) + b
        A = ACTIVATIONS[activation](Z)
        A = A if mask is None else A * mask
        Zs.append(Z)
        As.append(A)
    return Zs, As


def example_costs(parameters, activations, loss, X, Y, masks=None):
    Zs, As = layer_values(parameters, activations, X, masks)
    return anp.sum(LOSSES[loss](Zs[-1], As[-1], Y), axis=1)


def reduced(costs, parameters, reduction, weight_decay, sample_weight):
    """Return J by its definition: a weighted mean or sum, and half lambda for every squared weight, not the biases."""
    s = np.ones(len(costs)) if sample_weight is None else sample_weight
    total = anp.sum(s * costs)
    if reduction == "mean":
        total = total / anp.sum(s)
    for W, _ in parameters:
        total = total + weight_decay / 2 * anp.sum(W**2)
    return total


def cost(parameters, activations, loss, X, Y, reduction="mean", weight_decay=0.0, sample_weight=None):
    costs = example_costs(parameters, activations, loss, X, Y)
    return reduced(costs, parameters, reduction, weight_decay, sample_weight)


def parameters_of(network):
    """The numbers of a chainrule network as (W, b) pairs."""
    return [(layer.weights, layer.biases) for layer in network.layers]
