"""Is this gradient right? Central differences, one parameter at a time, that know a kink from a mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_float_array
from chainrule.core.catalogue import FusedLoss, Loss, loss_named
from chainrule.core.finite_differences import GradientEntry, judged_entry
from chainrule.core.network import Network
from chainrule.core.passes import backward, cost, forward
from chainrule.errors import UsageError


@dataclass(frozen=True)
class GradientReport:
    """The result of a gradient check; it prints itself.

    Attributes
    ----------
    entries : tuple of GradientEntry
        One a parameter, the worst first.
    tolerance : float
        The relative error up to which an entry is right.
    """

    entries: tuple[GradientEntry, ...]
    tolerance: float

    @property
    def wrong(self) -> tuple[GradientEntry, ...]:
        """The entries whose analytic value is not the derivative."""
        return tuple(entry for entry in self.entries if entry.verdict == "wrong")

    @property
    def kinks(self) -> tuple[GradientEntry, ...]:
        """The entries at a corner of the cost."""
        return tuple(entry for entry in self.entries if entry.verdict == "kink")

    @property
    def passed(self) -> bool:
        """Whether no entry is wrong."""
        return not self.wrong

    @property
    def largest_relative_error(self) -> float:
        """Of the entries that are not at a kink; 0 where there are none."""
        return max((entry.relative_error for entry in self.entries if entry.verdict != "kink"), default=0.0)

    def __str__(self) -> str:
        count = len(self.entries)
        head = "The gradient is right" if self.passed else f"The gradient is wrong in {len(self.wrong)} of {count}"
        lines = [
            f"{head}: {count} parameters checked by central differences, largest relative error "
            f"{self.largest_relative_error:.1e} (allowed {self.tolerance:.0e})."
        ]
        if self.kinks:
            lines.append(f"{len(self.kinks)} at a kink, where any value between the two slopes is right.")
        width = max([len(entry.name) for entry in self.entries[:10]] + [9])
        lines.append(f"{'parameter':<{width}}  {'analytic':>14}  {'numeric':>14}  {'rel. error':>10}  verdict")
        lines += [
            f"{entry.name:<{width}}  {entry.analytic:>14.6e}  {entry.numeric:>14.6e}  "
            f"{entry.relative_error:>10.1e}  {entry.verdict}"
            for entry in self.entries[:10]
        ]
        if count > 10:
            lines.append(f"... and {count - 10} more, none of them worse.")
        return "\n".join(lines)


def check_gradients(
    network: Network,
    X: Array,
    Y: Array,
    loss: str | Loss | FusedLoss = "half_squared_error",
    *,
    reduction: str = "mean",
    weight_decay: float = 0.0,
    sample_weight: Array | None = None,
    tolerance: float = 1e-6,
    at_most: int | None = None,
    seed: int = 0,
) -> GradientReport:
    """Compare `backward` with central differences of the cost, for every weight and bias of a network.

    Parameters
    ----------
    network : Network
        Checked in float64, whatever its dtype.
    X, Y : arrays (N, inputs) and (N, outputs)
    loss, reduction, weight_decay, sample_weight
        As in `backward`.
    tolerance : float
        Relative error up to which an entry counts as right.
    at_most : int, optional
        Check that many parameters, drawn at random, rather than all.
    seed : int
        For that draw.

    Returns
    -------
    GradientReport

    Examples
    --------
    >>> net = Network.dense([2, 3, 1], activation="tanh", seed=0)
    >>> report = check_gradients(net, [[0.3, 1.0]], [[0.75]])
    >>> report.passed, len(report.entries)
    (True, 13)
    """
    network = network.astype("float64")
    X = as_float_array(X)
    X = X.__array_namespace__().asarray(X, dtype=network.parameters[0].dtype)
    loss = loss_named(loss)
    options: dict[str, Any] = {"reduction": reduction, "weight_decay": weight_decay, "sample_weight": sample_weight}

    def cost_and_gradients(parameters: list[Array]) -> tuple[float, list[Array]]:
        there = network.with_parameters(parameters)
        grads = backward(there, forward(there, X), Y, loss, **options)
        return grads.cost, grads.parameters

    def cost_alone(parameters: list[Array]) -> float:
        there = network.with_parameters(parameters)
        return cost(there, forward(there, X), Y, loss, **options)

    return _compare(cost_and_gradients, cost_alone, network.parameters, _names(network), tolerance, at_most, seed)


def check_gradient_function(
    function: Callable[[Any], tuple[float, Any]],
    parameters: Any,
    *,
    tolerance: float = 1e-6,
    at_most: int | None = None,
    seed: int = 0,
) -> GradientReport:
    """Check any function that returns a cost and its gradient: your homework, or another library's.

    Parameters
    ----------
    function : callable (parameters) -> (cost, gradients)
        `gradients` has the form and shapes of `parameters`.
    parameters : array, sequence of arrays, or mapping from names to arrays
        Where to check; converted to float64.
    tolerance, at_most, seed
        As in `check_gradients`.

    Returns
    -------
    GradientReport

    Raises
    ------
    UsageError
        If the gradients do not have the form and shapes of the parameters.

    Examples
    --------
    >>> report = check_gradient_function(lambda w: (float(w @ w), 3 * w), np.array([1.0, 2.0]))
    >>> sorted((entry.name, entry.analytic, round(entry.numeric, 6)) for entry in report.wrong)
    [('p[1]', 3.0, 2.0), ('p[2]', 6.0, 4.0)]
    """
    keys = _keys(parameters)
    arrays = _as_list(parameters, keys)
    arrays = [np.array(array, dtype=np.float64) for array in arrays]

    def cost_and_gradients(values: list[Array]) -> tuple[float, list[Array]]:
        J, gradients = _answer(function(_in_form_of(parameters, keys, [value.copy() for value in values])))
        found = [np.asarray(gradient, dtype=np.float64) for gradient in _gradients_as_list(gradients, parameters, keys)]
        for key, gradient, array in zip(keys, found, arrays, strict=True):
            if gradient.shape != array.shape:
                raise UsageError(
                    f"the gradient of {key} has shape {gradient.shape}; its parameter has shape {array.shape}."
                )
        return J, found

    if cost_and_gradients(arrays)[0] != cost_and_gradients(arrays)[0]:
        raise UsageError("the cost is another one at each call with the same parameters. Fix its random seed.")
    names = [
        f"{key}{_index(position)}"
        for key, array in zip(keys, arrays, strict=True)
        for position in np.ndindex(array.shape)
    ]
    return _compare(
        cost_and_gradients, lambda values: cost_and_gradients(values)[0], arrays, names, tolerance, at_most, seed
    )


def _answer(answer: Any) -> tuple[float, Any]:
    """Take apart what a user's function returned."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise UsageError(f"the function must return (cost, gradients); yours returned a {type(answer).__name__}.")
    J, gradients = answer
    if isinstance(J, Mapping) or np.size(J) != 1:
        swapped = " They seem to be swapped." if not isinstance(gradients, Mapping) and np.size(gradients) == 1 else ""
        raise UsageError(f"the function must return (cost, gradients) with one number for the cost.{swapped}")
    try:
        return float(np.asarray(J, dtype=np.float64).reshape(())), gradients
    except (TypeError, ValueError):
        raise UsageError(f"the cost must be a number; received {J!r}.") from None


def _keys(parameters: Any) -> list[Any]:
    """Names for the arrays of a mapping, a sequence of arrays, or one array."""
    if isinstance(parameters, Mapping):
        return list(parameters)
    if isinstance(parameters, (list, tuple)) and any(np.ndim(parameter) > 0 for parameter in parameters):
        return [f"p{i}" for i in range(1, len(parameters) + 1)]
    return ["p"]


def _as_list(structure: Any, keys: list[Any]) -> list[Any]:
    if isinstance(structure, Mapping):
        return [structure[key] for key in keys]
    return [structure] if keys == ["p"] else list(structure)


def _gradients_as_list(gradients: Any, parameters: Any, keys: list[Any]) -> list[Any]:
    if isinstance(parameters, Mapping):
        fits = isinstance(gradients, Mapping) and set(gradients) == set(keys)
    else:
        fits = not isinstance(gradients, Mapping) and (keys == ["p"] or len(gradients) == len(keys))
    if not fits:
        names = ", ".join(str(key) for key in keys)
        received = list(gradients) if isinstance(gradients, Mapping) else type(gradients).__name__
        raise UsageError(f"the gradients must have the form of the parameters ({names}); received {received}.")
    return _as_list(gradients, keys)


def _in_form_of(structure: Any, keys: list[Any], arrays: list[Array]) -> Any:
    if isinstance(structure, Mapping):
        return dict(zip(keys, arrays, strict=True))
    return arrays[0] if keys == ["p"] else arrays


def _compare(
    cost_and_gradients: Callable[[list[Array]], tuple[float, list[Array]]],
    cost_alone: Callable[[list[Array]], float],
    arrays: list[Array],
    names: list[str],
    tolerance: float,
    at_most: int | None,
    seed: int,
) -> GradientReport:
    if at_most is not None and at_most < 1:
        raise UsageError(f"at_most must be at least 1, or None for all parameters; received {at_most!r}.")
    if not 0 < tolerance < 1:
        raise UsageError(f"tolerance must be a relative error between 0 and 1, such as 1e-6; received {tolerance!r}.")
    J, gradients = cost_and_gradients(arrays)
    numbers = [np.array(np.asarray(array), dtype=np.float64) for array in arrays]
    flat = np.concatenate([array.ravel() for array in numbers])
    analytic = np.concatenate([np.asarray(gradient, dtype=np.float64).ravel() for gradient in gradients])

    def cost_at(position: int, value: float) -> float:
        moved = flat.copy()
        moved[position] = value
        ends = np.cumsum([array.size for array in numbers])[:-1]
        parts = np.split(moved, ends)
        return cost_alone(
            [
                array.__array_namespace__().asarray(part.reshape(array.shape))
                if hasattr(array, "__array_namespace__")
                else part
                for array, part in zip(arrays, parts, strict=True)
            ]
        )

    chosen = np.arange(flat.size)
    if at_most is not None and at_most < flat.size:
        chosen = np.sort(np.random.default_rng(seed).choice(flat.size, at_most, replace=False))
    entries = [
        judged_entry(names[i], partial(cost_at, int(i)), J, float(flat[i]), float(analytic[i]), tolerance)
        for i in chosen
    ]
    order = {"wrong": 0, "right": 1, "kink": 2}
    entries.sort(key=lambda entry: (order[entry.verdict], -entry.relative_error))
    return GradientReport(tuple(entries), tolerance)


def _names(network: Network) -> list[str]:
    """W[l][i,j] and b[l][j], counted from 1 as in the documents; row 0 of an x0 layer is w_0."""
    names = []
    for number, layer in enumerate(network.layers, start=1):
        first = 0 if layer.x0 else 1
        rows, columns = layer.weights.shape
        names += [f"W[{number}][{i + first},{j + 1}]" for i in range(rows) for j in range(columns)]
        if layer.biases is not None:
            names += [f"b[{number}][{j + 1}]" for j in range(columns)]
    return names


def _index(position: tuple[int, ...]) -> str:
    return f"[{','.join(str(i + 1) for i in position)}]" if position else ""
