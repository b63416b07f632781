"""What is trained: networks, batches and update rules, with the data and initial weights that every peer is handed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

Parameters = list[tuple[np.ndarray, np.ndarray]]  # (W, b) of each layer; W has shape (fan_in, fan_out)

CHECKED_UPDATES = 100
RESIDENT_NUMBERS = 2**21  # about 8 MB of float32: what one case's inputs may take
EPOCH_FLOPS = 2e9  # what an epoch may take, unless ten updates take more

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # Adam's
# Keras and scikit-learn add epsilon before the bias of the mean square is corrected; with this one their first update
# is that of the others.
EPSILON_BEFORE_CORRECTION = EPSILON * math.sqrt(1 - BETA_2)


@dataclass(frozen=True)
class Case:
    """One job: logistic units, half the squared error averaged over a batch, float32, examples in order.

    Parameters
    ----------
    sizes : tuple of int
        Units per layer, the inputs first.
    batch : int
    rule : "gradient_descent" or "adam"
    updates : int
        Batches in the resident data, so updates per epoch.
    output : "logistic" or "identity"
        Activation of the output layer; scikit-learn's regressor has identity only.
    """

    sizes: tuple[int, ...]
    batch: int
    rule: str = "gradient_descent"
    updates: int = CHECKED_UPDATES
    output: str = "logistic"

    @property
    def network(self) -> str:
        """The sizes as a name."""
        return "-".join(map(str, self.sizes))

    @property
    def name(self) -> str:
        """A name for messages."""
        return f"{self.network} batch {self.batch} {self.rule} {self.output}"

    @property
    def rows(self) -> int:
        """Resident examples."""
        return self.batch * self.updates

    @property
    def n_weights(self) -> int:
        """Weights without biases."""
        return sum(fan_in * fan_out for fan_in, fan_out in pairwise(self.sizes))

    @property
    def parameter_bytes(self) -> int:
        """Float32 weights and biases."""
        return 4 * (self.n_weights + sum(self.sizes[1:]))

    @property
    def data_bytes(self) -> int:
        """Float32 inputs and targets."""
        return 4 * self.rows * (self.sizes[0] + self.sizes[-1])

    @property
    def flops(self) -> int:
        """Multiplications and additions in the matrix products of one update: the first layer sends nothing back."""
        return 2 * self.batch * (3 * self.n_weights - self.sizes[0] * self.sizes[1])

    @property
    def learning_rate(self) -> float:
        """A rate at which 100 updates move the cost and stay well within stability, whose bound is 2 / curvature.

        The outputs' curvature is about a quarter of the units before them, a sixteenth of that with logistic outputs;
        near the bound rounding would grow until no two libraries agree.
        """
        if self.rule == "adam":
            return 0.001
        if self.output == "logistic":
            return min(0.5, 32 / self.sizes[-2])
        return 1 / (2 + self.sizes[-2] / 2)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs in [-1, 1] and targets in [0.1, 0.9], float32, with no temporary copies."""
        rng = np.random.default_rng(1)
        X = rng.random((self.rows, self.sizes[0]), dtype=np.float32)
        Y = rng.random((self.rows, self.sizes[-1]), dtype=np.float32)
        X *= 2
        X -= 1
        Y *= 0.8
        Y += 0.1
        return X, Y

    def initial(self) -> Parameters:
        """Glorot's uniform weights and small biases, float32."""
        rng = np.random.default_rng(2)
        parameters = []
        for fan_in, fan_out in pairwise(self.sizes):
            r = math.sqrt(6 / (fan_in + fan_out))
            W, b = rng.uniform(-r, r, (fan_in, fan_out)), rng.uniform(-0.1, 0.1, fan_out)
            parameters.append((W.astype(np.float32), b.astype(np.float32)))
        return parameters

    def to_json(self) -> dict[str, Any]:
        """Fields that JSON can hold; `from_json` reads them."""
        return asdict(self)

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Case:
        """Read what `to_json` wrote."""
        return Case(**{**fields, "sizes": tuple(fields["sizes"])})


def resident(case: Case) -> Case:
    """Give a case as many batches as fit some megabytes and some hundredths of a second; the number divides 100."""
    fitting = [
        n
        for n in (100, 50, 20, 10)
        if n * case.batch * case.sizes[0] <= RESIDENT_NUMBERS and n * case.flops <= EPOCH_FLOPS
    ]
    return replace(case, updates=fitting[0] if fitting else 10)


# Each network at the batch it is known by, and the other batches that make sense for it.
NETWORKS: dict[tuple[int, ...], tuple[int, ...]] = {
    (2, 2, 1): (4, 1, 32, 256),
    (13, 16, 3): (16, 1, 32, 256),
    (64, 64, 10): (32, 1, 256),
    (784, 128, 10): (64, 1, 32, 256),
    (28, 300, 300, 1): (256, 1, 32),
    (784, 1024, 1024, 10): (256, 32),
}
RULES = ("gradient_descent", "adam")


def main_cases(rules: tuple[str, ...] = RULES) -> list[Case]:
    """The six networks, each at its own batch."""
    return [resident(Case(sizes, batches[0], rule)) for sizes, batches in NETWORKS.items() for rule in rules]


def identity_cases(rules: tuple[str, ...] = RULES) -> list[Case]:
    """The same with an identity output, as scikit-learn's regressor has it."""
    return [replace(case, output="identity") for case in main_cases(rules)]


def other_batches(rules: tuple[str, ...] = RULES) -> list[Case]:
    """The six networks at the other batches."""
    return [
        resident(Case(sizes, batch, rule))
        for sizes, batches in NETWORKS.items()
        for batch in batches[1:]
        for rule in rules
    ]
