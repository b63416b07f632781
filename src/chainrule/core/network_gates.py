"""Any network as a graph of gates: the same numbers, and the same derivatives, one scalar operation at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.core import equations as eq
from chainrule.core.arrays import Array, as_float_array, check_matrix
from chainrule.core.catalogue import Activation, FusedLoss, Loss, head_and_numbers, loss_named
from chainrule.core.gate_operations import Operation
from chainrule.core.gates import Gate, apply, gate, total
from chainrule.core.network import Network
from chainrule.core.passes import check_loss_fits, example_shares
from chainrule.errors import UsageError

LARGEST = 200_000  # gates: beyond, a graph of Python objects is no way to see anything


class NetworkGates(NamedTuple):
    """A network as gates.

    Attributes
    ----------
    cost : Gate
        J.
    costs : list of Gate
        C of each example.
    weights, biases : list of object arrays
        The gates of W[l] and b[l], indexed by layer number; index 0 is None, as is a bias that is not there.
    z, a : list of object arrays (N, sizes[l])
    """

    cost: Gate
    costs: list[Gate]
    weights: list[np.ndarray | None]
    biases: list[np.ndarray | None]
    z: list[np.ndarray | None]
    a: list[np.ndarray]


def network_gates(
    network: Network,
    X: Array,
    Y: Array,
    loss: str | Loss | FusedLoss = "half_squared_error",
    *,
    reduction: str = "mean",
    weight_decay: float = 0.0,
    sample_weight: Array | None = None,
) -> NetworkGates:
    """Build the graph of J for some examples; `chainrule.gates.send_back(graph.cost)` differentiates it.

    Parameters
    ----------
    network, X, Y, loss, reduction, weight_decay, sample_weight
        As in `forward` and `backward`.

    Returns
    -------
    NetworkGates

    Raises
    ------
    UsageError
        If the graph would have more than 200,000 gates, or the loss is one of your own.

    Examples
    --------
    >>> from chainrule.core.gates import send_back
    >>> net = Network.dense([2, 3, 1], bias=False, weights=[np.ones((2, 3)), np.ones((3, 1))])
    >>> graph = network_gates(net, [[0.3, 1.0]], [[0.75]])
    >>> round(send_back(graph.cost)[graph.weights[2][0, 0]], 9)
    0.010151241
    """
    X, Y, loss = np.asarray(as_float_array(X)), np.asarray(as_float_array(Y)), loss_named(loss)
    check_loss_fits(loss, network)
    check_matrix("X", X, network.sizes[0], "inputs")
    check_matrix("Y", Y, network.sizes[-1], "outputs", rows=X.shape[0])
    size = 3 * X.shape[0] * network.n_parameters
    if size > LARGEST:
        raise UsageError(
            f"{X.shape[0]} examples through this network would make about {size:,} gates; at most {LARGEST:,} are "
            "built. Take fewer examples or a smaller network."
        )
    W: list[Any] = [None]
    b: list[Any] = [None]
    z: list[Any] = [None]
    a = [_gates(X, lambda n, j: f"x{j + 1}" if len(X) == 1 else f"x{j + 1}({n + 1})")]
    for l, layer in enumerate(network.layers, start=1):
        first = 0 if layer.x0 else 1
        W.append(_gates(np.asarray(layer.weights), lambda i, k, l=l, first=first: f"W[{l}][{i + first},{k + 1}]"))
        bias = layer.biases
        b.append(None if bias is None else _gates(np.asarray(bias), lambda k, l=l: f"b[{l}][{k + 1}]"))
        A = a[-1]
        if layer.x0:
            A = np.concatenate([np.array([[gate(1.0, "x0")] for _ in A], dtype=object), A], axis=1)
        z.append(_dense(A, W[l], b[l]))
        a.append(np.array([_activation(layer.activation)(row) for row in z[l]], dtype=object))
    make = _cost(loss)
    costs = [make(z_n, a_n, list(map(float, y_n))) for z_n, a_n, y_n in zip(z[-1], a[-1], Y, strict=True)]
    r = example_shares(np.zeros(len(costs)), reduction, sample_weight)
    J = total(C * float(r_n) if r_n != 1 else C for C, r_n in zip(costs, r, strict=True))
    if weight_decay:
        decayed = [M[int(layer.x0) :] for M, layer in zip(W[1:], network.layers, strict=True) if M is not None]
        J = J + total(w**2 for M in decayed for w in M.ravel()) * (0.5 * weight_decay)
    return NetworkGates(J.named("J"), costs, W, b, z, a)


def _gates(values: np.ndarray, name: Callable[..., str]) -> np.ndarray:
    """An array of inputs with their names."""
    made = np.empty(values.shape, dtype=object)
    for place, value in np.ndenumerate(values):
        made[place] = gate(float(value), name(*place))
    return made


def _dense(A: Any, W: Any, b: Any) -> np.ndarray:
    Z = np.empty((A.shape[0], W.shape[1]), dtype=object)
    for n, k in np.ndindex(Z.shape):
        terms = [A[n, i] * W[i, k] for i in range(W.shape[0])]
        Z[n, k] = total(terms if b is None else [*terms, b[k]])
    return Z


def _each(make: Callable[[Gate], Gate]) -> Callable[[Sequence[Gate]], list[Gate]]:
    return lambda row: [make(z) for z in row]


def _softmax(row: Sequence[Gate]) -> list[Gate]:
    top = max(z.value for z in row)  # a constant: it cancels, and keeps the exponentials small
    E = [apply("exp", z - top) for z in row]
    return [e / total(E) for e in E]


def _elu(z: Gate, alpha: float) -> Gate:
    return apply("relu", z) + alpha * (apply("exp", apply("min", z, 0.0)) - 1)


def _activation(activation: Activation) -> Callable[[Sequence[Gate]], list[Gate]]:
    """The gates of an activation, from a row of z to a row of a."""
    head, numbers = head_and_numbers("activation", activation.name)
    slope, alpha = (*numbers, 0.01)[0], (*numbers, 1.0)[0]
    made: dict[str, Callable[[Sequence[Gate]], list[Gate]]] = {
        "identity": list,
        "step": _each(lambda z: apply("step", z)),
        "logistic": _each(lambda z: apply("sigmoid", z)),
        "tanh": _each(lambda z: apply("tanh", z)),
        "relu": _each(lambda z: apply("relu", z)),
        "leaky_relu": _each(lambda z: apply("max" if slope <= 1 else "min", slope * z, z)),
        "elu": _each(lambda z: _elu(z, alpha)),
        "selu": _each(lambda z: eq.SELU_SCALE * _elu(z, eq.SELU_ALPHA)),
        "gelu": _each(lambda z: z * apply("normal_cdf", z)),
        "silu": _each(lambda z: z * apply("sigmoid", z)),
        "softplus": _each(lambda z: apply("softplus", z)),
        "exponential": _each(lambda z: apply("exp", z)),
        "softmax": _softmax,
    }
    return made.get(head, _each(lambda z: apply(_own(activation), z)))


def _own(activation: Activation) -> Operation:
    """A gate for an activation of the user's, from its value and its pullback."""

    def value(z: float) -> float:
        return float(activation.value(np.array([[z]]))[0, 0])

    def local(v: float, z: float) -> tuple[float]:
        return (float(activation.pullback(np.array([[z]]), np.array([[v]]), np.ones((1, 1)))[0, 0]),)

    return Operation(activation.name, activation.name, value, local)


Row = Sequence[Gate]


def _times_log(y: float, a: Gate) -> list[Gate]:
    """y log a; where y is 0, 0 times a, by which every output still belongs to the graph of the cost."""
    return [y * apply("log", a) if y else 0.0 * a]


def _cost(loss: Loss | FusedLoss) -> Callable[[Row, Row, list[float]], Gate]:
    """The gates of a loss, from one example's z, a and y to C."""
    head, numbers = head_and_numbers("loss", loss.name)
    q, width = (*numbers, 0.5)[0], (*numbers, 1.0)[0]

    def squares(a: Row, y: list[float]) -> Gate:
        return total((a_k - y_k) ** 2 for a_k, y_k in zip(a, y, strict=True))

    def huber(a: Gate, y: float) -> Gate:
        error = abs(a - y)
        inner = apply("min", error, width)
        return 0.5 * inner**2 + width * (error - inner)

    def cross_entropy(a: Gate, y: float) -> Gate:
        return -total(_times_log(y, a) + _times_log(1 - y, 1 - a))

    def over(term: Callable[[Gate, float], Gate]) -> Callable[[Row, Row, list[float]], Gate]:
        return lambda z, a, y: total(term(a_k, y_k) for a_k, y_k in zip(a, y, strict=True))

    def over_z(term: Callable[[Gate, float], Gate]) -> Callable[[Row, Row, list[float]], Gate]:
        return lambda z, a, y: total(term(z_k, y_k) for z_k, y_k in zip(z, y, strict=True))

    def softmax_cross_entropy(z: Row, a: Row, y: list[float]) -> Gate:
        top = max(z_k.value for z_k in z)
        log_sum = apply("log", total(apply("exp", z_k - top) for z_k in z)) + top
        return total(y_k * (log_sum - z_k) for z_k, y_k in zip(z, y, strict=True))

    made: dict[str, Callable[[Row, Row, list[float]], Gate]] = {
        "half_squared_error": lambda z, a, y: 0.5 * squares(a, y),
        "sum_of_squares": lambda z, a, y: squares(a, y),
        "mean_of_squares": lambda z, a, y: squares(a, y) / len(a),
        "absolute_error": over(lambda a, y: abs(a - y)),
        "huber": over(huber),
        "quantile": over(lambda a, y: q * apply("relu", y - a) + (1 - q) * apply("relu", a - y)),
        "poisson": over(lambda a, y: total([a, *(-t for t in _times_log(y, a))])),
        "binary_cross_entropy": over(cross_entropy),
        "categorical_cross_entropy": lambda z, a, y: (
            -total(term for a_k, y_k in zip(a, y, strict=True) for term in _times_log(y_k, a_k))
        ),
        "logistic_binary_cross_entropy": over_z(lambda z, y: apply("softplus", z) - y * z),
        "softmax_categorical_cross_entropy": softmax_cross_entropy,
        "perceptron_criterion": over_z(lambda z, y: (apply("step", z) - y) * z),
    }
    if head not in made:
        raise UsageError(f'loss "{loss.name}" is not built of gates. Allowed: {", ".join(made)}.')
    return made[head]
