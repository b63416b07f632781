"""What an exported network computes, step by step: the one description that every target language is written from.

row --columns--> numbers of the input nodes --layers--> outputs --answer--> labels, probabilities or values
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.errors import UsageError

# What is done with a name that is missing, or that training did not have: it is refused, it sets no node, or (for a
# missing one) a node of its own.
Rule = Literal["refused", "none", "node"]


@dataclass(frozen=True)
class NumberColumn:
    """A node with (value - center) / scale, and perhaps one that is 1 where the value is missing.

    Attributes
    ----------
    name : str
    node : int
        The position of its first node among the inputs of layer 1.
    center, scale : float
    fill : float or None
        What stands in for a missing value; None where a missing value is refused.
    indicator : bool
        Whether the next node says that the value is missing.
    """

    name: str
    node: int
    center: float = 0.0
    scale: float = 1.0
    fill: float | None = None
    indicator: bool = False

    @property
    def n_nodes(self) -> int:
        """How many nodes it has."""
        return 1 + self.indicator

    @property
    def as_it_is(self) -> bool:
        """Whether the node is the number itself."""
        return (self.center, self.scale, self.fill, self.indicator) == (0.0, 1.0, None, False)


@dataclass(frozen=True)
class NameColumn:
    """A node for each name, 1 for the row's own.

    Attributes
    ----------
    name : str
    node : int
        The position of its first node among the inputs of layer 1.
    names : tuple of str
    missing : {"refused", "none", "node"}
        With "node", the node behind those of the names is 1 where the name is missing.
    unknown : {"refused", "none"}
    """

    name: str
    node: int
    names: tuple[str, ...]
    missing: Rule = "refused"
    unknown: Rule = "refused"

    @property
    def n_nodes(self) -> int:
        """How many nodes it has."""
        return len(self.names) + (self.missing == "node")


@dataclass(frozen=True)
class UnusedColumn:
    """A column that stands in the row and has no node."""

    name: str
    n_nodes: int = 0


Column = NumberColumn | NameColumn | UnusedColumn


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """z_k = sum_i a_i w_ik + b_k, followed by an activation.

    Attributes
    ----------
    weights : array (fan_in, fan_out)
    biases : array (fan_out,)
        Zeros for a layer without biases.
    activation : str
        One of the catalogue's names, without parentheses.
    parameters : tuple of float
        The slope of leaky_relu, the alpha of elu.
    """

    weights: np.ndarray
    biases: np.ndarray
    activation: str
    parameters: tuple[float, ...] = ()


@dataclass(frozen=True)
class Classes:
    """Outputs as the probabilities of classes.

    Attributes
    ----------
    target : str
    labels : tuple of bool, int, float or str
    low, high : float
        What an output says for "another class" and for "this class".
    one_node : bool
        Whether a single output tells two classes apart.
    floor : float or None
        The least probability, as `ClassTarget.probabilities` has it; None where the outputs are the probabilities.
    """

    target: str
    labels: tuple[Any, ...]
    low: float = 0.0
    high: float = 1.0
    one_node: bool = False
    floor: float | None = None

    @property
    def middle(self) -> float:
        """Above it a single output means the second class."""
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Labels:
    """Each output the probability of a label of its own, which is given where it is above 0.5."""

    labels: tuple[Any, ...]


@dataclass(frozen=True)
class Values:
    """Outputs as values in units of their own, output * scale + center."""

    names: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]


@dataclass(frozen=True)
class Outputs:
    """Outputs as they are: those of a network without a table."""

    number: int


Answer = Classes | Labels | Values | Outputs


@dataclass(frozen=True, eq=False)
class Program:
    """Everything that an exported network computes.

    Attributes
    ----------
    columns : tuple of NumberColumn, NameColumn or UnusedColumn
        In the order of a row; empty for a network without a table, whose rows are the inputs themselves.
    layers : tuple of DenseLayer
    answer : Classes, Labels, Values or Outputs
    """

    columns: tuple[Column, ...]
    layers: tuple[DenseLayer, ...]
    answer: Answer

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units per layer, the inputs first."""
        return (int(self.layers[0].weights.shape[0]), *(int(layer.weights.shape[1]) for layer in self.layers))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the weights: float32 or float64."""
        return self.layers[0].weights.dtype

    @property
    def numbers(self) -> tuple[NumberColumn, ...]:
        """The columns of numbers."""
        return tuple(column for column in self.columns if isinstance(column, NumberColumn))

    @property
    def texts(self) -> tuple[NameColumn, ...]:
        """The columns of names."""
        return tuple(column for column in self.columns if isinstance(column, NameColumn))

    @property
    def plain(self) -> bool:
        """Whether a row of the table is the row of input nodes, number by number."""
        return len(self.numbers) == len(self.columns) and all(column.as_it_is for column in self.numbers)

    @property
    def checked(self) -> bool:
        """Whether rows are refused that the model refuses; a bare network takes any number, as `forward` does."""
        return not isinstance(self.answer, Outputs)


def label_kind(labels: tuple[Any, ...]) -> Literal["text", "boolean", "integer", "number"]:
    """Say what the labels are: "text", "boolean", "integer" (of 64 bits) or "number".

    Raises
    ------
    UsageError
        For a whole number beyond 64 bits, which most languages do not have.

    Examples
    --------
    >>> label_kind((1, 2)), label_kind(("a", "b"))
    ('integer', 'text')
    """
    if isinstance(labels[0], str):
        return "text"
    if isinstance(labels[0], bool):
        return "boolean"
    if isinstance(labels[0], float):
        return "number"
    for label in labels:
        if not -(2**63) <= label < 2**63:
            raise UsageError(
                f"the class {label} is a whole number beyond 64 bits, which cannot be exported. Train with the classes "
                "as text."
            )
    return "integer"
