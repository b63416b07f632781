"""Computing with gates: a formula as a graph of scalar operations, each with its value and its local derivative.

Write a formula with ordinary operators on gates; every gate keeps its value as it is made. `send_back` then takes the
derivative 1 of the output with respect to itself back along every edge:

    upstream            dOut / dGate, what arrives at a gate: the sum over the edges that leave it
    local               dGate / dInput, from the table of `gate_operations`, with the values put in
    upstream * local    what the edge passes on to that input

A gate under another name is the same gate, and a derivative is asked for by the gate or by its name.

Sources: seed 000 (computing with gates, a change in input causes a change in output), seed 001 (how sensitive is the
loss to a change of 0.001), seed 002 (the chain rule in one and in several variables).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import NamedTuple

from chainrule.core.gate_operations import OPERATIONS, Operation, computed, constant_power, local_derivatives
from chainrule.errors import UsageError, did_you_mean

Number = float | int


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
    key : object
        What tells this gate from all others; a gate under another name has the same.

    Examples
    --------
    >>> x, y = gate(-2.0, "x"), gate(5.0, "y")
    >>> out = (x + y) * 3
    >>> out.value, send_back(out)[x], send_back(out)["y"]
    (9.0, 3.0, 3.0)
    """

    value: float
    name: str = ""
    operation: Operation | None = None
    inputs: tuple[Gate, ...] = ()
    key: object = field(default_factory=object, init=False, repr=False)

    def named(self, name: str) -> Gate:
        """Return this gate under a name: it stays the same gate, whichever of the two a formula goes on with."""
        same = Gate(self.value, name, self.operation, self.inputs)
        object.__setattr__(same, "key", self.key)
        return same

    @property
    def locals(self) -> tuple[float, ...]:
        """The local derivatives dGate/dInput, one an input; NaN or infinite for one that is not there."""
        if self.operation is None:
            return ()
        return local_derivatives(self.operation, self.value, [gate.value for gate in self.inputs])

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
        return apply("divide", other, self) if isinstance(other, Gate) or other != 1 else apply("reciprocal", self)

    def __pow__(self, other: Gate | Number) -> Gate:
        return (
            apply("power", self, other) if isinstance(other, Gate) else apply(constant_power(gate(other).value), self)
        )

    def __rpow__(self, other: Number) -> Gate:
        return apply("power", other, self)

    def __neg__(self) -> Gate:
        return apply("negate", self)

    def __abs__(self) -> Gate:
        return apply("abs", self)

    def __repr__(self) -> str:
        what = self.operation.name if self.operation else "input"
        return f"<Gate {self.name or what} = {self.value:.6g}>"


def gate(value: Number, name: str = "") -> Gate:
    """Return an input with a value and, better, a name.

    Raises
    ------
    UsageError
        If the value is no finite number.
    """
    try:
        number = float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UsageError(f"a gate holds a finite number; received {value!r}.")
    return Gate(number, name)


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
    return Gate(computed(operation, [x.value for x in gates]), "", operation, gates)


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

    Examples
    --------
    >>> x = gate(3.0, "x")
    >>> flow = send_back(x * x)
    >>> flow[x], flow["x"]
    (6.0, 6.0)
    """

    output: Gate
    gates: tuple[Gate, ...]
    edges: tuple[Edge, ...]
    _upstream: Mapping[object, float]
    _not_there: Mapping[object, str]

    def __getitem__(self, gate: Gate | str) -> float:
        """Return dOut / dGate for a gate of the graph, or for the only one of that name.

        Raises
        ------
        UsageError
            If the gate is not part of the graph, or no gate or several have the name; or if the derivative is not
            there, or not finite.
        """
        if isinstance(gate, str):
            return self._of_key(self._of_name(gate))
        if not isinstance(gate, Gate):
            raise UsageError(f"ask for a derivative by a gate or its name; received {gate!r}.")
        if gate.key not in self._upstream:
            raise UsageError(
                f"{gate!r} is not part of {self.output!r}: it was made anew, or stands in another formula."
            )
        return self._of_key(gate.key)

    def _of_key(self, key: object) -> float:
        if key in self._not_there:
            raise UsageError(self._not_there[key])
        return self._upstream[key]

    def _of_name(self, name: str) -> object:
        """The gate of a name; a gate may have several."""
        named: dict[str, set[object]] = {}
        for g in (self.output, *(e.source for e in self.edges)):
            if g.name:
                named.setdefault(g.name, set()).add(g.key)
        if name not in named:
            known = f"Named are: {', '.join(named)}." if named else 'No gate has a name; gate(2.0, "x") gives one.'
            raise UsageError(f'no gate of this graph is called "{name}". {did_you_mean(name, named)}{known}')
        if len(named[name]) > 1:
            raise UsageError(f'{len(named[name])} gates are called "{name}"; ask by the gate, or name them apart.')
        return next(iter(named[name]))


def send_back(output: Gate) -> Derivatives:
    """Return the derivative of a gate with respect to every gate before it.

    Notes
    -----
    Where a value is used several times, its derivative is the sum over its uses: the multivariate chain rule. A
    derivative that is not there, or not finite, is refused when it is asked for, and with it those that it leads to.
    """
    if not isinstance(output, Gate):
        raise UsageError(f"send_back takes a gate; received {output!r}.")
    gates = in_order(output)
    upstream = {g.key: 0.0 for g in gates}
    upstream[output.key] = 1.0
    edges = []
    not_there: dict[object, str] = {}
    for g in reversed(gates):
        arrived = upstream[g.key]
        for source, local in zip(g.inputs, g.locals, strict=True):
            edge = Edge(source, g, local, arrived, arrived * local)
            upstream[source.key] += edge.passed
            edges.append(edge)
            if g.key in not_there:
                not_there.setdefault(source.key, not_there[g.key])
            elif not math.isfinite(upstream[source.key]):
                not_there.setdefault(source.key, _why(edge))
    return Derivatives(output, gates, tuple(edges), upstream, not_there)


def _why(edge: Edge) -> str:
    """What is wrong where no finite derivative arrives."""
    at = ", ".join(f"{x.name} = {x.value:g}" if x.name else f"{x.value:g}" for x in edge.target.inputs)
    operation = edge.target.operation
    gate = f"gate {operation.name if operation else edge.target.name} at {at}"
    if math.isfinite(edge.local):
        return f"{gate}: the derivative that is sent back through it is beyond floats."
    by = f" by {edge.source.name}" if edge.source.name else ""
    return f"{gate} has no {'' if math.isnan(edge.local) else 'finite '}derivative{by}."


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
    flow = send_back(output)
    derivative = flow[source]
    values: dict[object, float] = {}
    for g in flow.gates:
        if g.key is source.key:
            values[g.key] = g.value + change
        elif g.operation is None:
            values[g.key] = g.value
        else:
            values[g.key] = computed(g.operation, [values[x.key] for x in g.inputs])
    return Nudge(change, derivative, derivative * change, values[output.key] - output.value)


def in_order(output: Gate) -> tuple[Gate, ...]:
    """Return all gates of a graph, each once and after its inputs; of one with several names the first that has one."""
    order: list[object] = []
    met: dict[object, Gate] = {}
    waiting: list[tuple[Gate, bool]] = [(output, False)]
    while waiting:
        g, ready = waiting.pop()
        if ready:
            order.append(g.key)
            continue
        if g.key not in met:
            waiting.append((g, True))
            waiting += [(x, False) for x in reversed(g.inputs)]
        if g.key not in met or not met[g.key].name:
            met[g.key] = g
    return tuple(met[key] for key in order)


def total(terms: Iterable[Gate | Number]) -> Gate:
    """Add any number of gates in one."""
    found = list(terms)
    return apply("add", *found) if len(found) != 1 else (found[0] if isinstance(found[0], Gate) else gate(found[0]))
