"""Random networks with examples and a loss that fits, for property tests."""

import numpy as np
from hypothesis import strategies as st

from chainrule import Network

ACTIVATIONS = [
    "identity", "step", "logistic", "tanh", "relu", "leaky_relu(0.2)", "elu(0.5)", "selu", "gelu", "silu", "softplus",
    "exponential", "softmax",
]  # fmt: skip
OUTPUTS = {
    "half_squared_error": ACTIVATIONS,
    "sum_of_squares": ACTIVATIONS,
    "mean_of_squares": ACTIVATIONS,
    "absolute_error": ACTIVATIONS,
    "huber(0.5)": ACTIVATIONS,
    "quantile(0.9)": ACTIVATIONS,
    "poisson": ["exponential", "softplus", "logistic", "softmax"],
    "binary_cross_entropy": ["logistic", "softmax"],
    "categorical_cross_entropy": ["softmax", "logistic"],
    "logistic_binary_cross_entropy": ["logistic"],
    "softmax_categorical_cross_entropy": ["softmax"],
    "perceptron_criterion": ["step"],
}


def targets_for(loss, shape, random):
    if loss == "poisson":
        return random.integers(0, 4, shape).astype(float)
    if "categorical" in loss:
        return np.eye(shape[1])[random.integers(0, shape[1], shape[0])]
    if "binary" in loss or loss == "perceptron_criterion":
        return random.integers(0, 2, shape).astype(float)
    return random.normal(0, 1, shape)


@st.composite
def tasks(draw, layers=(1, 5)):
    """(network, X, Y, options): a random network of 1 to 5 layers, 1 to 8 examples, a loss, a reduction, a decay."""
    L = draw(st.integers(*layers))
    sizes = draw(st.lists(st.integers(1, 4), min_size=L + 1, max_size=L + 1))
    loss = draw(st.sampled_from(sorted(OUTPUTS)))
    names = [draw(st.sampled_from(ACTIVATIONS)) for _ in range(L - 1)] + [draw(st.sampled_from(OUTPUTS[loss]))]
    if loss == "binary_cross_entropy" and names[-1] == "softmax":
        sizes[-1] = max(sizes[-1], 2)  # softmax of one unit is 1, where ln(1 - a) has no value
    grown = [l for l, name in enumerate(names) if name == "exponential"]
    for l in grown[:-1]:
        names[l] = "tanh"  # exponentials of exponentials leave the range of numbers
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    network = Network.dense(
        sizes, names, bias=draw(st.sampled_from([True, False, "x0"])), init="uniform(-1,1)", seed=random
    )
    N = draw(st.integers(1, 8))
    options = {
        "loss": loss,
        "reduction": draw(st.sampled_from(["mean", "sum"])),
        "weight_decay": draw(st.sampled_from([0.0, 0.1])),
        "sample_weight": draw(st.sampled_from([None, random.uniform(0.5, 2, N)])),
        "example": draw(st.integers(0, N - 1)),
    }
    return network, random.normal(0, 1, (N, sizes[0])), targets_for(loss, (N, sizes[-1]), random), options
