"""What every peer does: the same job, each the way its user would write a fast loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from benchmarks.cases import Case, Parameters


class Peer(ABC):
    """One library at one setting.

    `variants` names its settings: the first is its default, what its introduction shows; the others are what its
    experts would try. All of them are checked and tried, and the fastest is measured as its best.

    `weights()` must come out of the code that `run` times, so that the check is of what is measured.
    """

    variants: ClassVar[tuple[str, ...]]
    quick_variants: ClassVar[tuple[str, ...]] = ()  # what the quick run tries: the default and what is mostly the best
    most_threads: ClassVar[int] = 2

    def __init__(self, case: Case, variant: str, threads: int) -> None:
        self.case = case
        self.variant = variant
        self.threads = threads

    @classmethod
    def refusal(cls, case: Case) -> str:
        """Return why the library cannot do a case, or an empty string."""
        return ""

    @abstractmethod
    def setup(self) -> None:
        """Build the model and place the data; what is compiled on first use may wait until then."""

    @abstractmethod
    def restart(self) -> None:
        """Go back to the initial weights and an update rule that remembers nothing."""

    @abstractmethod
    def first_step(self) -> None:
        """Update once, on the first batch, with the code that `run` times."""

    @abstractmethod
    def run(self, epochs: int) -> None:
        """Train on for whole epochs; return when the last weight is there."""

    @abstractmethod
    def weights(self) -> Parameters:
        """Return the weights as they stand, W of shape (fan_in, fan_out), in NumPy arrays."""
