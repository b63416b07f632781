"""The network of a Keras model: followed through its graph of operations, then compared with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.errors import UsageError
from chainrule.models.foreign.chain import ALLOWED, Chain
from chainrule.models.foreign.keras_graph import NotCallableError, followed
from chainrule.models.foreign.keras_operations import as_numpy
from chainrule.models.foreign.proof import prove


def from_keras(model: Any) -> Network:
    """Return the network that a Keras 3 model computes, sequential, functional or with a `call` of its own.

    The model's graph is followed operation by operation, into its layers, nested models and functions. What is a chain
    of dense layers and activations is taken; everything else is refused. Dropout is left out, as in any prediction.
    Batch normalisation, Normalization, Rescaling and other scaling by constants become part of a layer's weights, which
    a warning says. Before the network is returned, its outputs are compared with the model's.

    Parameters
    ----------
    model : keras.Model
        Built, with any backend: it takes rows (N, inputs), or such as it flattens itself, and returns (N, outputs). It
        stays as it is.

    Returns
    -------
    Network
        With the model's dtype. A layer is not trainable where its weights are frozen.

    Raises
    ------
    UsageError
        If the model computes anything else, with the operation and its place; if it is not built, or computes in half
        precision.

    Warns
    -----
    UserWarning
        If weights hold more than one of the model's parts, or layers share weights.

    Notes
    -----
    Two computations count as equal if they differ by no more than thirty times what rounding typically does to them.
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
        raise UsageError(f"from_keras takes a keras.Model of Keras 3; received {kind}.")
    if int(keras.__version__.partition(".")[0]) < 3:
        raise UsageError(f"from_keras needs Keras 3; this model is of Keras {keras.__version__}.")
    layers = model._flatten_layers(include_self=True, recursive=True)
    what = f'{type(model).__name__} "{model.name}"'
    dtype = _checked(layers, what)
    with _graphs_restored(layers):
        shape, chain = _shape_and_chain(keras, model, layers, dtype, what)
        network = chain.network()
        if prod(shape) != network.sizes[0]:
            raise UsageError(f"{what} takes rows of shape {shape} and flattens them in no way that is known here.")

        def outputs(X: np.ndarray) -> np.ndarray:
            rows = keras.ops.convert_to_tensor(X.reshape(len(X), *shape), dtype=dtype)
            try:
                answer = model(_structured(keras, model, rows), training=False)
            except Exception as error:
                raise UsageError(f"{what} cannot be called with {len(X)} rows: {error}") from error
            return as_numpy(keras.tree.flatten(answer)[0])

        # Keras multiplies matrices of float64 in float32 unless that is its default everywhere.
        prove(network, outputs, what, sizes=chain.sizes, precision="float32")
    chain.tell("from_keras")
    return network


def _checked(layers: list[Any], what: str) -> str:
    """The dtype of a built model's weights, where they all have one of ours."""
    for layer in layers:
        if not layer.built:
            raise UsageError(
                f'{what} is not built: its {type(layer).__name__} "{layer.name}" has no weights yet. Call it once on '
                "a row."
            )
        if getattr(layer, "quantization_mode", None):
            raise UsageError(
                f'{what} has a layer "{layer.name}" that computes in {layer.quantization_mode}. Read the model '
                "from before it was quantised."
            )
        if layer.compute_dtype not in ("float32", "float64"):
            raise UsageError(
                f'{what} computes in {layer.compute_dtype} in its layer "{layer.name}"; float32 and float64 are taken. '
                'Make the model anew with dtype="float32", and give it these weights: '
                "new.set_weights(model.get_weights())."
            )
    weights = [variable for layer in layers for variable in layer.weights]
    for variable in weights:
        if not np.isfinite(as_numpy(variable).astype(np.float64)).all():
            raise UsageError(f'{what} has weights "{variable.path}" that are not finite: its training diverged.')
    types = {layer.compute_dtype: layer.name for layer in layers}
    if len(types) > 1:
        where = " and ".join(f'in {dtype} (in "{name}")' for dtype, name in sorted(types.items()))
        raise UsageError(
            f"{what} computes {where}, and rounds on the way from one to the other. Make it anew with one dtype, and "
            "give it these weights: new.set_weights(model.get_weights())."
        )
    return str(next(iter(types)))


def _shape_and_chain(keras: Any, model: Any, layers: list[Any], dtype: str, what: str) -> tuple[tuple[int, ...], Chain]:
    """The shape of one row, and the chain; tried with the widths of the dense layers where the model does not say."""
    said = getattr(model, "inputs", None)
    if said:
        if len(said) != 1:
            raise UsageError(f"{what} has {len(said)} inputs; one is needed. {ALLOWED}")
        shape = tuple(said[0].shape[1:])
        if None in shape or not shape:
            raise UsageError(f"{what} takes rows of shape {shape}; a fixed number of inputs is needed.")
        return shape, followed(keras, model, shape, dtype, what)
    widths = dict.fromkeys(
        [*_built_for(model), *(v.shape[0] for layer in layers for v in layer.weights if len(v.shape) == 2)]
    )
    problems: list[UsageError] = []
    for width in widths:
        try:
            return (int(width),), followed(keras, model, (int(width),), dtype, what)
        except UsageError as error:
            problems.append(error)
    if not problems:
        raise UsageError(f"there is no dense layer in {what}. {ALLOWED}")
    raise next((problem for problem in problems if not isinstance(problem, NotCallableError)), problems[0])


def _built_for(model: Any) -> list[int]:
    """The width of the rows that a model was built for, where it remembers that."""
    shape = (model.get_build_config() or {}).get("input_shape")
    return [shape[1]] if isinstance(shape, (tuple, list)) and len(shape) == 2 and isinstance(shape[1], int) else []


def _structured(keras: Any, model: Any, rows: Any) -> Any:
    """Rows as the model takes them: as they are, or in a list or dict of one."""
    structure = getattr(model, "_inputs_struct", None)
    return rows if structure is None else keras.tree.pack_sequence_as(structure, [rows])


@contextmanager
def _graphs_restored(layers: list[Any]) -> Iterator[None]:
    """Take back what calling layers on placeholders adds to their records of calls."""
    lists = [getattr(layer, name) for layer in layers for name in ("_inbound_nodes", "_outbound_nodes")]
    lengths = [len(nodes) for nodes in lists]
    try:
        yield
    finally:
        for nodes, length in zip(lists, lengths, strict=True):
            del nodes[length:]
