"""What a Keras model computes, as a chain: its graph, and inside its layers the graphs that their `call` makes."""

from __future__ import annotations

import inspect
from typing import Any

from chainrule.errors import UsageError
from chainrule.models.foreign.chain import ALLOWED, Chain
from chainrule.models.foreign.keras_operations import Operation, applied, known_layer


class NotCallableError(UsageError):
    """A `call` that a placeholder does not get through."""


def followed(keras: Any, model: Any, shape: tuple[int, ...], dtype: str, what: str) -> Chain:
    """Return the chain of a model for rows of that shape.

    Raises
    ------
    UsageError
        If it is none, with the first operation that is none.
    """
    return _Walk(keras, dtype).through(model, Chain(), shape, {}, what)


class _Walk:
    """From a model's inputs to its outputs."""

    def __init__(self, keras: Any, dtype: str) -> None:
        self.keras, self.dtype = keras, dtype

    def through(self, layer: Any, chain: Chain, shape: tuple[int, ...], keywords: dict[str, Any], place: str) -> Chain:
        """The chain behind a model, a layer or an operation with a `call` of its own."""
        known = known_layer(layer, chain, place)
        if known is not None:
            return known
        if _is_functional(layer):
            if len(layer.inputs) != 1:
                raise UsageError(f"{place} has {len(layer.inputs)} inputs; one is needed. {ALLOWED}")
            start, end = layer.inputs[0], layer._outputs_struct
        else:
            start = self.keras.Input(shape, dtype=self.dtype)
            end = self._called(layer, start, keywords, place)
        ends = self.keras.tree.flatten(end)
        if len(ends) != 1 or not isinstance(ends[0], self.keras.KerasTensor):
            raise UsageError(f"{place} returns {len(ends)} values; one tensor is needed. {ALLOWED}")
        end = ends[0]
        for node, operation in _steps(start, end, place):
            chain = self._step(node, operation, chain, place)
        return chain

    def _called(self, layer: Any, start: Any, keywords: dict[str, Any], place: str) -> Any:
        """What `call` makes of a placeholder."""
        parameters = inspect.signature(layer.call).parameters
        training = bool(keywords.pop("training", False))  # what reached it from around it, where it takes it
        if "training" in parameters:
            keywords["training"] = training
        try:
            return layer.call(start, **keywords)
        except Exception as error:
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise NotCallableError(
                f"{place} cannot be followed: it must take one tensor of rows and compute with Keras's own operations "
                f"(keras.ops) alone, without a choice by values. Keras says: {text}"
            ) from error

    def _step(self, node: Any, operation: Any, chain: Chain, place: str) -> Chain:
        args, keywords = list(node.arguments.args), dict(node.arguments.kwargs)
        source = node.input_tensors[0]
        inside = f'{type(operation).__name__} "{operation.name}" in {place}'
        if _own(operation):
            given = _by_name(operation, args, keywords)
            result = node.output_tensors
            return applied(
                chain,
                Operation(
                    type(operation).__name__,
                    operation,
                    given,
                    next((name for name, value in given.items() if value is source), ""),
                    tuple(source.shape),
                    tuple(result[0].shape) if len(result) == 1 else (),
                    inside,
                ),
            )
        if not args or args[0] is not source or len(args) > 1:
            raise UsageError(f"{inside} takes its inputs in a way that is not known here. {ALLOWED}")
        keywords.pop("mask", None)
        return self.through(operation, chain, tuple(source.shape[1:]), keywords, inside)


def _steps(start: Any, end: Any, place: str) -> list[tuple[Any, Any]]:
    """The nodes from one tensor to another, each with its operation."""
    found = []
    while end is not start:
        history = getattr(end, "_keras_history", None)
        if history is None or history.operation is None:
            raise UsageError(f"{place} has outputs that do not come from its inputs alone. {ALLOWED}")
        node = history.operation._inbound_nodes[history.node_index]
        if len(node.input_tensors) != 1:
            kind = f'{type(history.operation).__name__} "{history.operation.name}"'
            why = "joins two values that both come from the inputs" if node.input_tensors else "is another input"
            raise UsageError(f"{kind} in {place} {why}. {ALLOWED}")
        found.append((node, history.operation))
        end = node.input_tensors[0]
    return found[::-1]


def _own(operation: Any) -> bool:
    """Whether it is one of Keras's elementary operations, not a layer and nobody's own."""
    return type(operation).__module__.startswith(("keras.src.ops.", "keras.src.activations."))


def _is_functional(layer: Any) -> bool:
    """Whether a model is a graph already, and computes that: a subclass may have another `call`."""
    call = getattr(type(layer), "call", None)
    return getattr(call, "__module__", "") == "keras.src.models.functional" and bool(getattr(layer, "inputs", None))


def _by_name(operation: Any, args: list[Any], keywords: dict[str, Any]) -> dict[str, Any]:
    bound = inspect.signature(operation.call).bind(*args, **keywords)
    bound.apply_defaults()
    return dict(bound.arguments)
