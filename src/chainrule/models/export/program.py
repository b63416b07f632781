"""What an exported network computes, step by step: the one description that every target language is written from.

row --columns--> numbers --steps--> numbers of the input nodes --layers--> outputs --answer--> labels, probabilities or
values
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.export.steps import Step

# What is done with a name that is missing, or that has no node: it is refused, it sets no node, or one for all such.
Rule = Literal["refused", "none", "node"]


@dataclass(frozen=True)
class NumberColumn:
    """A node with (value - center) / scale, perhaps sines and cosines, perhaps one that is 1 where it is missing.

    Attributes
    ----------
    node : int
        The position of its first node among the inputs of layer 1.
    fill : float or None
        What stands in for a missing value; None where a missing value is refused.
    indicator : bool
        Whether the last node says that the value is missing.
    origin : {"float", "integer", "boolean", "date", "time", "duration"}
        What the values are: dates in days since 1970-01-01, times of day in hours, durations in seconds.
    periods : tuple of float
        For each two nodes behind the first, sin(2 pi value / period) and cos(2 pi value / period), 0 where missing.
    gaps : bool
        Whether a missing value goes on as NaN, for the steps behind.
    """

    name: str
    node: int
    center: float = 0.0
    scale: float = 1.0
    fill: float | None = None
    indicator: bool = False
    origin: str = "float"
    periods: tuple[float, ...] = ()
    gaps: bool = False

    @property
    def n_nodes(self) -> int:
        """How many nodes it has."""
        return 1 + 2 * len(self.periods) + self.indicator

    @property
    def date(self) -> bool:
        """Whether the values are dates."""
        return self.origin == "date"

    @property
    def as_it_is(self) -> bool:
        """Whether the node is the number itself, and must be there."""
        return (self.center, self.scale, self.fill, self.n_nodes, self.date, self.gaps) == _AS_IT_IS


_AS_IT_IS = (0.0, 1.0, None, 1, False, False)


@dataclass(frozen=True)
class NameColumn:
    """A node for each name, 1 for the row's own.

    Attributes
    ----------
    node : int
        The position of its first node among the inputs of layer 1.
    names : tuple of str
    missing : {"refused", "none", "node"}
        With "node", the last node is 1 where the name is missing.
    unknown : {"refused", "none", "node"}
        With "node", the one behind those of the names is 1 for every other name.
    spare : bool
        Whether there is such a node, although no name that is not refused sets it.
    """

    name: str
    node: int
    names: tuple[str, ...]
    missing: Rule = "refused"
    unknown: Rule = "refused"
    spare: bool = False

    @property
    def n_nodes(self) -> int:
        """How many nodes it has."""
        return len(self.names) + (self.unknown == "node" or self.spare) + (self.missing == "node")


@dataclass(frozen=True)
class TextColumn:
    """The position of a row's text in a list, for the steps behind; two more stand for missing and for any other."""

    name: str
    node: int
    names: tuple[str, ...]
    n_nodes: int = 1


@dataclass(frozen=True)
class UnusedColumn:
    """A column that stands in the row and has no node."""

    name: str
    n_nodes: int = 0


Column = NumberColumn | NameColumn | TextColumn | UnusedColumn


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
    """Outputs as values in units of their own: z = output * scale + center, or unit * sinh(z) where there is a unit.

    Attributes
    ----------
    names : tuple of str
    centers, scales : tuple of float
    units : tuple of float
        0 where a value has no logarithmic scale; empty where none has.
    """

    names: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]
    units: tuple[float, ...] = ()


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
    columns : tuple of NumberColumn, NameColumn, TextColumn or UnusedColumn
        In the order of a row; empty for a network without a table, whose rows are its inputs.
    networks : tuple of tuple of DenseLayer
        One, or several that answer by their mean.
    answer : Classes, Labels, Values or Outputs
    steps : tuple of Step
        From the numbers of the columns to further ones.
    nodes : tuple of int
        Which of all these numbers go into layer 1; empty where those of the columns do, as they stand.
    after : tuple of Step
        From predicted values to others; the last ones, as many as there are targets, are the answer.
    single : bool
        Whether it computes in float32, where numbers beyond 3.4e38 become infinite.
    """

    columns: tuple[Column, ...]
    networks: tuple[tuple[DenseLayer, ...], ...]
    answer: Answer
    steps: tuple[Step, ...] = ()
    nodes: tuple[int, ...] = ()
    after: tuple[Step, ...] = ()
    single: bool = False

    @property
    def layers(self) -> tuple[DenseLayer, ...]:
        """Those of the first network; the others have the same sizes and activations."""
        return self.networks[0]

    @property
    def activations(self) -> tuple[str, ...]:
        """The different activations of all layers."""
        return tuple(dict.fromkeys(layer.activation for layers in self.networks for layer in layers))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units per layer, the inputs first."""
        return (int(self.layers[0].weights.shape[0]), *(int(layer.weights.shape[1]) for layer in self.layers))

    @property
    def n_values(self) -> int:
        """How many numbers the columns give."""
        return sum(column.n_nodes for column in self.columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the weights: float32 or float64."""
        return np.result_type(*(layers[0].weights.dtype for layers in self.networks))

    @property
    def numbers(self) -> tuple[NumberColumn, ...]:
        """The columns of numbers."""
        return tuple(column for column in self.columns if isinstance(column, NumberColumn))

    @property
    def texts(self) -> tuple[NameColumn | TextColumn, ...]:
        """The columns of names."""
        return tuple(column for column in self.columns if isinstance(column, (NameColumn, TextColumn)))

    @property
    def plain(self) -> bool:
        """Whether a row of the table is the row of input nodes, number by number."""
        as_it_is = all(column.as_it_is for column in self.numbers)
        return not self.nodes and len(self.numbers) == len(self.columns) and as_it_is

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
