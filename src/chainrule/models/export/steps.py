"""What lies between the cells of a row and a network, and behind it: steps from numbers to further numbers.

A row's numbers stand one behind the other: first those that its columns give, then those of each step. A step reads
some of them by their positions and adds its own at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

# Of a number v and perhaps a constant c. NaN is a missing number, which most let through.
EACH: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "add": lambda v, c: v + c,
    "subtract": lambda v, c: v - c,
    "multiply": lambda v, c: v * c,
    "divide": lambda v, c: v / c,
    "at_least": lambda v, c: np.where(v < c, c, v),
    "at_most": lambda v, c: np.where(v > c, c, v),
    "fill": lambda v, c: np.where(np.isnan(v), c, v),
    "missing_if": lambda v, c: np.where(v == c, np.nan, v),
    "equals": lambda v, c: (v == c).astype(float),
    "constant": lambda v, c: np.broadcast_to(c, v.shape),
    "missing": lambda v, c: np.isnan(v).astype(float),
    "negative": lambda v, c: -v,
    "absolute": lambda v, c: np.abs(v),
    "square": lambda v, c: v * v,
    "sqrt": lambda v, c: np.sqrt(v),
    "exp": lambda v, c: np.exp(v),
    "expm1": lambda v, c: np.expm1(v),
    "log": lambda v, c: np.log(v),
    "log1p": lambda v, c: np.log1p(v),
    "log2": lambda v, c: np.log2(v),
    "log10": lambda v, c: np.log10(v),
}
NORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "l1": lambda V: np.abs(V).sum(axis=1),
    "l2": lambda V: np.sqrt((V * V).sum(axis=1)),
    "max": lambda V: np.abs(V).max(axis=1),
}


@dataclass(frozen=True)
class Each:
    """An operation of EACH on each of some numbers.

    Attributes
    ----------
    operation : str
    inputs : tuple of int
    constants : tuple of float
        One for each input; empty where the operation has none.
    """

    operation: str
    inputs: tuple[int, ...]
    constants: tuple[float, ...] = ()

    @property
    def n_outputs(self) -> int:
        """How many numbers it adds."""
        return len(self.inputs)


@dataclass(frozen=True)
class Pairs:
    """The product, or the quotient, of each pair of numbers."""

    operation: Literal["product", "quotient"]
    inputs: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def n_outputs(self) -> int:
        """How many numbers it adds."""
        return len(self.inputs)


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums of some numbers: weights (inputs, outputs)."""

    inputs: tuple[int, ...]
    weights: np.ndarray

    @property
    def n_outputs(self) -> int:
        """How many numbers it adds."""
        return int(self.weights.shape[1])


@dataclass(frozen=True)
class Norm:
    """A norm of NORMS of some numbers, 1 where it is 0."""

    kind: str
    inputs: tuple[int, ...]
    n_outputs: int = 1


@dataclass(frozen=True)
class LookUp:
    """A number for each key, and one for a missing number and one for any other."""

    inputs: tuple[int]
    keys: tuple[float, ...]
    values: tuple[float, ...]
    missing: float
    unknown: float
    n_outputs: int = 1


@dataclass(frozen=True)
class Refuse:
    """Refuses a row with a number that is missing, or infinite, or either; it adds none.

    Attributes
    ----------
    what : {"missing", "infinite", "not finite"}
    inputs : tuple of int
    reason : str
        Ends the sentence "the row cannot be used: ".
    """

    what: Literal["missing", "infinite", "not finite"]
    inputs: tuple[int, ...]
    reason: str
    n_outputs: int = 0


Step = Each | Pairs | Sums | Norm | LookUp | Refuse


def moved(step: Step, place: Callable[[int], int]) -> Step:
    """Return a step that reads from other positions: `place` of those that it read from.

    >>> moved(Each("add", (0, 2), (1.0, 1.0)), lambda i: i + 5).inputs
    (5, 7)
    """
    if isinstance(step, Pairs):
        step = replace(step, others=tuple(map(place, step.others)))
    inputs = tuple(map(place, step.inputs))
    return replace(step, inputs=inputs)  # type: ignore[arg-type]


def after_steps(V: np.ndarray, steps: tuple[Step, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Take the steps for rows of numbers.

    Parameters
    ----------
    V : array (N, numbers)
    steps : tuple of Step

    Returns
    -------
    V : array (N, numbers and those of all steps)
    refused : array of bool (N,)

    Examples
    --------
    >>> after_steps(np.array([[3.0, np.nan]]), (Each("fill", (1,), (2.0,)), Pairs("product", (0,), (2,))))[0]
    array([[ 3., nan,  2.,  6.]])
    """
    refused = np.zeros(len(V), dtype=bool)
    with np.errstate(all="ignore"):
        for step in steps:
            chosen = V[:, list(step.inputs)]
            if isinstance(step, Refuse):
                refused |= _wrong(step, chosen).any(axis=1)
            else:
                V = np.hstack([V, _outputs(step, chosen, V)])
    return V, refused


def _wrong(step: Refuse, V: np.ndarray) -> np.ndarray:
    wrong = np.isnan(V) if step.what == "missing" else np.isinf(V) if step.what == "infinite" else ~np.isfinite(V)
    return np.asarray(wrong)


def _outputs(step: Step, chosen: np.ndarray, V: np.ndarray) -> np.ndarray:
    if isinstance(step, Each):
        return EACH[step.operation](chosen, np.asarray(step.constants))
    if isinstance(step, Pairs):
        others = V[:, list(step.others)]
        return np.asarray(chosen * others if step.operation == "product" else chosen / others)
    if isinstance(step, Sums):
        return np.asarray(chosen @ step.weights)
    if isinstance(step, Norm):
        norm = NORMS[step.kind](chosen)[:, None]
        return np.asarray(np.where(norm == 0, 1.0, norm))
    assert isinstance(step, LookUp)
    known = dict(zip(step.keys, step.values, strict=True))
    values = [step.missing if v != v else known.get(v, step.unknown) for v in chosen[:, 0].tolist()]
    return np.array(values, dtype=float).reshape(-1, 1)
