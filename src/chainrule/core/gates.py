"""Computing with gates: a formula as a graph of scalar operations, each with its value and its local derivative.

Write a formula with ordinary operators on gates; every gate keeps its value as it is made. `send_back` then takes the
derivative 1 of the output with respect to itself back along every edge:

    upstream            dOut / dGate, what arrives at a gate: the sum over the edges that leave it
    local               dGate / dInput, from the table below, with the values put in
    upstream * local    what the edge passes on to that input

Sources: seed 000 (computing with gates, a change in input causes a change in output), seed 001 (how sensitive is the
loss to a change of 0.001), seed 002 (the chain rule in one and in several variables).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from chainrule.errors import UsageError

Number = float | int


@dataclass(frozen=True)
class Operation:
    """A kind of gate: its value, and its derivative with respect to each input.

    Attributes
    ----------
    name, symbol : str
    value : callable (*inputs) -> float
    locals : callable (value, *inputs) -> tuple of float
        The local derivatives, one an input.
    """

    name: str
    symbol: str
    value: Callable[..., float]
    locals: Callable[..., tuple[float, ...]]


def _logistic(x: float) -> float:
    e = math.exp(-abs(x))
    return 1 / (1 + e) if x >= 0 else e / (1 + e)


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _normal_density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _power_locals(v: float, a: float, b: float) -> tuple[float, float]:
    """b a^(b-1), and a^b ln a, which is only there for a > 0, and 0 at a = 0 with b > 0."""
    by_b = v * math.log(a) if a > 0 else 0.0 if a == 0 and b > 0 else math.nan
    return (b * a ** (b - 1) if b else 0.0), by_b


def _chosen_locals(v: float, *x: float) -> tuple[float, ...]:
    """1 for the input that was chosen, 0 for the others; of equals the first."""
    chosen = x.index(v)
    return tuple(float(i == chosen) for i in range(len(x)))


# Value and local derivatives side by side: v is the value, a and b are the inputs.
OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("add", "+", lambda *x: math.fsum(x), lambda v, *x: (1.0,) * len(x)),
        Operation("subtract", "−", lambda a, b: a - b, lambda v, a, b: (1.0, -1.0)),
        Operation("multiply", "×", lambda a, b: a * b, lambda v, a, b: (b, a)),
        Operation("divide", "÷", lambda a, b: a / b, lambda v, a, b: (1 / b, -a / (b * b))),
        Operation("power", "^", lambda a, b: a**b, _power_locals),
        Operation("negate", "−", lambda a: -a, lambda v, a: (-1.0,)),
        Operation("reciprocal", "1/x", lambda a: 1 / a, lambda v, a: (-1 / (a * a),)),
        Operation("exp", "exp", math.exp, lambda v, a: (v,)),
        Operation("log", "ln", math.log, lambda v, a: (1 / a,)),
        Operation("sqrt", "√", math.sqrt, lambda v, a: (0.5 / v,)),
        Operation("abs", "|x|", abs, lambda v, a: (math.copysign(1.0, a) if a else 0.0,)),
        Operation("max", "max", max, _chosen_locals),
        Operation("min", "min", min, _chosen_locals),
        Operation("sigmoid", "σ", _logistic, lambda v, a: (v * (1 - v),)),
        Operation("tanh", "tanh", math.tanh, lambda v, a: (1 - v * v,)),
        Operation("relu", "relu", lambda a: max(a, 0.0), lambda v, a: (float(a > 0),)),
        Operation("softplus", "softplus", lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))),
                  lambda v, a: (_logistic(a),)),
        Operation("step", "step", lambda a: float(a >= 0), lambda v, a: (0.0,)),
        Operation("normal_cdf", "Φ", _normal_cdf, lambda v, a: (_normal_density(a),)),
        Operation("sin", "sin", math.sin, lambda v, a: (math.cos(a),)),
        Operation("cos", "cos", math.cos, lambda v, a: (-math.sin(a),)),
    )
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Gate:
    """A number in a computation, and where it came from. Make inputs with `gate`, the rest with operators.

    Attributes
    ----------
    value : float
    name : str
        Of an input or of a gate that was named; empty otherwise.
    operation : Operation or None
        None for an input.
    inputs : tuple of Gate

    Examples
    --------
    >>> x, y = gate(-2.0, "x"), gate(5.0, "y")
    >>> out = (x + y) * 3
    >>> out.value, send_back(out)[x]
    (9.0, 3.0)
    """

    value: float
    name: str = ""
    operation: Operation | None = None
    inputs: tuple[Gate, ...] = ()

    def named(self, name: str) -> Gate:
        """Return this gate under a name."""
        return Gate(self.value, name, self.operation, self.inputs)

    @property
    def locals(self) -> tuple[float, ...]:
        """The local derivatives dGate/dInput, one an input."""
        if self.operation is None:
            return ()
        inputs = [gate.value for gate in self.inputs]
        try:
            return self.operation.locals(self.value, *inputs)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            received = ", ".join(f"{x:g}" for x in inputs)
            raise UsageError(f"gate {self.operation.name} has no derivative at {received} ({error}).") from None

    def __add__(self, other: Gate | Number) -> Gate:
        return apply("add", self, other)

    def __radd__(self, other: Number) -> Gate:
        return apply("add", other, self)

    def __sub__(self, other: Gate | Number) -> Gate:
        return apply("subtract", self, other)

    def __rsub__(self, other: Number) -> Gate:
        return apply("subtract", other, self)

    def __mul__(self, other: Gate | Number) -> Gate:
        return apply("multiply", self, other)

    def __rmul__(self, other: Number) -> Gate:
        return apply("multiply", other, self)

    def __truediv__(self, other: Gate | Number) -> Gate:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Number) -> Gate:
        return apply("reciprocal", self) if other == 1 else apply("divide", other, self)

    def __pow__(self, other: Gate | Number) -> Gate:
        return apply("power" if isinstance(other, Gate) else _constant_power(float(other)), self, *_gates_of(other))

    def __rpow__(self, other: Number) -> Gate:
        return apply("power", other, self)

    def __neg__(self) -> Gate:
        return apply("negate", self)

    def __abs__(self) -> Gate:
        return apply("abs", self)

    def __repr__(self) -> str:
        what = self.operation.name if self.operation else "input"
        return f"<Gate {self.name or what} = {self.value:.6g}>"


def _gates_of(value: Gate | Number) -> tuple[Gate, ...]:
    return (value,) if isinstance(value, Gate) else ()


_RAISED = str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹")


def _constant_power(b: float) -> Operation:
    """x^b for a number b, which is no input: nothing flows back to it."""
    symbol = "x" + f"{b:g}".translate(_RAISED)
    return Operation(f"power {b:g}", symbol, lambda a: a**b, lambda v, a: (b * a ** (b - 1) if b else 0.0,))


def gate(value: Number, name: str = "") -> Gate:
    """Return an input with a value and, better, a name."""
    if not isinstance(value, (int, float)):
        raise UsageError(f"a gate holds a number; received {value!r}.")
    return Gate(float(value), name)


def apply(operation: str | Operation, *inputs: Gate | Number) -> Gate:
    """Put inputs through a gate of `OPERATIONS`, such as "sigmoid", or through one of your own.

    Raises
    ------
    UsageError
        If the operation is unknown, or not defined at these values (log of -1, 1 / 0).

    Examples
    --------
    >>> apply("sigmoid", gate(0.0, "x"))
    <Gate sigmoid = 0.5>
    """
    if isinstance(operation, str):
        if operation not in OPERATIONS:
            raise UsageError(f'gate "{operation}" is unknown. Allowed: {", ".join(OPERATIONS)}.')
        operation = OPERATIONS[operation]
    gates = tuple(x if isinstance(x, Gate) else gate(x) for x in inputs)
    return Gate(_value(operation, [x.value for x in gates]), "", operation, gates)


class Edge(NamedTuple):
    """A connection in the graph, with what flows back along it.

    Attributes
    ----------
    source, target : Gate
    local : float
        dTarget / dSource.
    upstream : float
        dOut / dTarget.
    passed : float
        upstream * local, this edge's part of dOut / dSource.
    """

    source: Gate
    target: Gate
    local: float
    upstream: float
    passed: float


@dataclass(frozen=True, eq=False)
class Derivatives:
    """What `send_back` found; index it by a gate.

    Attributes
    ----------
    output : Gate
    gates : tuple of Gate
        All of the graph, every gate after its inputs.
    edges : tuple of Edge
        In the order in which the derivative went back.
    """

    output: Gate
    gates: tuple[Gate, ...]
    edges: tuple[Edge, ...]
    _upstream: Mapping[int, float]

    def __getitem__(self, gate: Gate) -> float:
        """Return dOut / dGate; 0 for a gate that is not in the graph."""
        return self._upstream.get(id(gate), 0.0)


def send_back(output: Gate) -> Derivatives:
    """Return the derivative of a gate with respect to every gate before it.

    Notes
    -----
    Where a value is used several times, its derivative is the sum over its uses: the multivariate chain rule.
    """
    if not isinstance(output, Gate):
        raise UsageError(f"send_back takes a gate; received {output!r}.")
    gates = in_order(output)
    upstream = {id(g): 0.0 for g in gates}
    upstream[id(output)] = 1.0
    edges = []
    for g in reversed(gates):
        arrived = upstream[id(g)]
        for source, local in zip(g.inputs, g.locals, strict=True):
            edge = Edge(source, g, local, arrived, arrived * local)
            upstream[id(source)] += edge.passed
            edges.append(edge)
    return Derivatives(output, gates, tuple(edges), upstream)


class Nudge(NamedTuple):
    """What a small change of an input did: the change that the derivative predicts, and the one that came."""

    change: float
    derivative: float
    predicted: float
    actual: float


def nudge(output: Gate, source: Gate, change: float = 0.001) -> Nudge:
    """Change one input a little, compute everything anew, and compare with the derivative's prediction.

    Raises
    ------
    UsageError
        If the input is not part of the output.

    Examples
    --------
    >>> w = gate(0.5, "w")
    >>> moved = nudge(apply("sigmoid", w * 2) ** 2, w)
    >>> round(moved.predicted, 6), round(moved.actual, 6)
    (0.000575, 0.000575)
    """
    gates = in_order(output)
    if all(g is not source for g in gates):
        raise UsageError(f"{source!r} is not part of {output!r}, so changing it changes nothing there.")
    derivative = send_back(output)[source]
    values: dict[int, float] = {}
    for g in gates:
        if g is source:
            values[id(g)] = g.value + change
        elif g.operation is None:
            values[id(g)] = g.value
        else:
            values[id(g)] = _value(g.operation, [values[id(x)] for x in g.inputs])
    return Nudge(change, derivative, derivative * change, values[id(output)] - output.value)


def in_order(output: Gate) -> tuple[Gate, ...]:
    """Return all gates of a graph, each once and after its inputs."""
    order: list[Gate] = []
    seen: set[int] = set()
    waiting: list[tuple[Gate, bool]] = [(output, False)]
    while waiting:
        g, ready = waiting.pop()
        if ready:
            order.append(g)
        elif id(g) not in seen:
            seen.add(id(g))
            waiting.append((g, True))
            waiting += [(x, False) for x in reversed(g.inputs)]
    return tuple(order)


def total(terms: Iterable[Gate | Number]) -> Gate:
    """Add any number of gates in one."""
    found = list(terms)
    return apply("add", *found) if len(found) != 1 else (found[0] if isinstance(found[0], Gate) else gate(found[0]))


def _value(operation: Operation, inputs: list[float]) -> float:
    try:
        value = operation.value(*inputs)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        received = ", ".join(f"{x:g}" for x in inputs)
        raise UsageError(f"gate {operation.name} has no value at {received} ({error}).") from None
    if isinstance(value, complex):
        raise UsageError(f"gate {operation.name} has no real value at {', '.join(f'{x:g}' for x in inputs)}.")
    return float(value)
