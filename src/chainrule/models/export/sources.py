"""The program of whatever a person exports: a Model, an Ensemble, a bare Network, a fitted estimator or pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import ACTIVATIONS, Activation
from chainrule.core.layers import Layer
from chainrule.core.network import Network
from chainrule.data.class_target import ALMOST_0, LABEL_TYPES
from chainrule.data.encoding import ClassTarget, Encoding, NumberInput, NumberTargets
from chainrule.data.input_nodes import Input
from chainrule.errors import UsageError
from chainrule.models.ensemble import Ensemble
from chainrule.models.export.pipelines import parts_of, prepare, turned_back
from chainrule.models.export.preparation import Preparation
from chainrule.models.export.program import (
    Answer,
    Classes,
    Column,
    DenseLayer,
    Labels,
    NameColumn,
    NumberColumn,
    Outputs,
    Program,
    TextColumn,
    UnusedColumn,
    Values,
)
from chainrule.models.foreign import from_sklearn
from chainrule.models.model import Model


class Described(NamedTuple):
    """A program, and what it is tried with: values that the steps speak of, and what stands for a missing text."""

    program: Program
    known: dict[int, list[Any]]
    markers: dict[int, str]


def program_of(model: Any) -> Program:
    """Describe what a model, an ensemble, a network, or a fitted estimator or pipeline computes.

    Parameters
    ----------
    model : Model, Ensemble, Network, fitted MLPClassifier or MLPRegressor, chainrule's or scikit-learn's, or a pipeline
        that ends in one

    Returns
    -------
    Program

    Raises
    ------
    UsageError
        For anything else, a step that cannot be exported, an activation of your own, weights that are not finite, or
        names that no file can hold.

    Examples
    --------
    >>> program_of(Network.dense([2, 3, 1], "tanh", seed=0)).sizes
    (2, 3, 1)
    """
    return described(model).program


def described(model: Any) -> Described:
    """Describe as `program_of` does, with what it takes to try the description."""
    known: dict[int, list[Any]] = {}
    markers: dict[int, str] = {}
    if isinstance(model, (Model, Ensemble)):
        program = _of_model(model)
    elif isinstance(model, Network):
        program = Program((), (_layers(model),), Outputs(model.sizes[-1]))
    else:
        program, known, markers = _of_pipeline(model)
    _refuse_broken_names(program)
    return Described(program, known, markers)


def _of_model(model: Model | Ensemble) -> Program:
    target = model.encoding.target
    answer: Answer
    if isinstance(target, ClassTarget):
        answer = Classes(target.name, target.classes, target.low, target.high, target.one_node, ALMOST_0)
    else:
        answer = _values(target)
    names = [item.name for item in model.encoding.inputs]
    members = (model,) if isinstance(model, Model) else model.members
    networks = tuple(_layers(member.network) for member in members)
    return Program(_columns(model.encoding, names), networks, answer, single=model.plan.dtype == "float32")


def _of_pipeline(model: Any) -> Described:
    """An estimator, or what stands around one in a pipeline."""
    steps, estimator, transformer = parts_of(model)
    if not (hasattr(estimator, "coefs_") and hasattr(estimator, "predict")):
        raise UsageError(
            "only a Model, an Ensemble, a Network, a fitted MLPClassifier or MLPRegressor, or a pipeline that ends in "
            f"one can be exported; received {type(estimator).__name__}. Fit an estimator first; of a search, take "
            "best_estimator_."
        )
    program = _of_estimator(estimator)
    if transformer is not None:
        program = replace(program, after=turned_back(transformer, program.sizes[-1]))
    steps = [(name, step) for name, step in steps if not (step is None or isinstance(step, str))]  # "passthrough"
    if not steps:
        return Described(program, {}, {})
    if getattr(estimator, "encoding_", None) is not None:
        raise UsageError(
            "an estimator with preprocess=True behind other steps of a pipeline cannot be exported. Leave out "
            "preprocess, or the other steps."
        )
    made = Preparation(_names_of([model, *(step for _, step in steps)]))
    features = prepare(steps, made, made.cells())
    if len(features) != program.sizes[0]:
        raise UsageError(
            f"the steps of the pipeline give {len(features)} columns, and the network takes {program.sizes[0]}. Fit "
            "the pipeline as a whole, and export it as it is."
        )
    columns, taken, nodes = made.finished(features)
    return Described(replace(program, columns=columns, steps=taken, nodes=nodes), made.known, made.markers)


def _names_of(parts: Iterable[Any]) -> list[str]:
    """The columns' names, as the first part that knows them has them; x1, x2, ... without names."""
    width = None
    for part in parts:
        named = getattr(part, "feature_names_in_", None)
        if named is not None:
            return [str(name) for name in named]
        width = getattr(part, "n_features_in_", None)
        if width is not None:
            return [f"x{i + 1}" for i in range(int(width))]
    raise UsageError("no step of the pipeline knows how many columns a row has. Fit the pipeline first.")


def _values(target: NumberTargets) -> Values:
    units = tuple(unit or 0.0 for unit in target.log_units)
    return Values(target.names, target.centers, target.scales, units)


def _of_estimator(estimator: Any) -> Program:
    network = from_sklearn(estimator)
    encoding = getattr(estimator, "encoding_", None)
    named = getattr(estimator, "feature_names_in_", None)
    names = _names_of([estimator])
    if encoding is None:
        columns: tuple[Column, ...] = tuple(NumberColumn(name, i) for i, name in enumerate(names))
    else:
        columns = _columns(encoding, names if named is not None else list(encoding.columns))
    answer = _estimators_answer(estimator, network.sizes[-1])
    layers = (_layers(network),)
    ours = hasattr(estimator, "network_")  # scikit-learn's computes in the precision of the rows, whatever its own
    single = ours and layers[0][0].weights.dtype == np.float32
    return Program(columns, layers, answer, single=single)


def _estimators_answer(estimator: Any, n_outputs: int) -> Answer:
    """What outputs mean to scikit-learn: they are the probabilities, or the values."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        names = ("y",) if n_outputs == 1 else tuple(f"y{k + 1}" for k in range(n_outputs))
        return Values(names, (0.0,) * n_outputs, (1.0,) * n_outputs)
    if isinstance(classes, (list, tuple)) and any(np.ndim(column) for column in classes):
        raise UsageError(
            "an estimator of several columns of classes cannot be exported. Fit one for each column, and export those."
        )
    labels = _labels(classes)
    if n_outputs > 1 and estimator.out_activation_ == "logistic":
        return Labels(labels)
    return Classes("y", labels, one_node=n_outputs == 1)


def _labels(classes: np.ndarray) -> tuple[Any, ...]:
    """Classes as plain text, truth values or numbers."""
    labels = tuple(label.item() if isinstance(label, np.generic) else label for label in np.asarray(classes).tolist())
    kinds = {type(label) for label in labels}
    if len(kinds) > 1 or not kinds <= set(LABEL_TYPES.values()) or any(label != label for label in labels):
        raise UsageError(f"classes must be text, truth values or numbers, all of one kind; received {labels!r}.")
    if len(labels) < 2:
        raise UsageError(f"the estimator knows a single class, {labels[0]!r}: its answer is always that. Fit it anew.")
    return labels


def _columns(encoding: Encoding, names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a row in the order of `names`, each with the place of its nodes."""
    inputs = {item.name: item for item in encoding.inputs}
    first: dict[str, int] = {}
    node = 0
    for item in encoding.inputs:
        first[item.name] = node
        node += len(item.node_names)
    return tuple(
        _column(inputs[name], first[name], encoding.unknown) if name in inputs else UnusedColumn(name) for name in names
    )


def _column(item: Input, node: int, unknown: str) -> Column:
    if isinstance(item, NumberInput):
        constants = (item.center, item.scale, item.fill, item.indicator)
        return NumberColumn(item.name, node, *constants, item.origin, item.periods)
    if item.others and unknown == "refuse":
        raise UsageError(
            f'the column "{item.name}" refuses new names but for {len(item.others):,} that the table of training had, '
            "which no exported file tells apart. Export it with unknown names as others: --unknown other "
            '(with_unknown("other") in Python).'
        )
    return NameColumn(
        item.name,
        node,
        item.categories,
        "refused" if item.refuse_missing else "node" if item.missing_node else "none",
        "refused" if unknown == "refuse" else "node" if item.other else "none",
        item.other and unknown == "refuse",
    )


def _layers(network: Network) -> tuple[DenseLayer, ...]:
    parameters = [np.asarray(parameter) for parameter in network.parameters]
    dtype = np.result_type(*parameters)  # float64 where layers differ: it holds every float32
    layers = []
    for number, layer in enumerate(network.layers, start=1):
        W, b = _weights_and_biases(layer)
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise UsageError(f"layer {number} has weights that are not finite: its training diverged. Train it anew.")
        name, numbers = _built_in(layer.activation, number)
        layers.append(DenseLayer(W.astype(dtype), b.astype(dtype), name, numbers))
    return tuple(layers)


def _weights_and_biases(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    W = np.asarray(layer.weights)
    if layer.x0:
        return W[1:], W[0]
    return W, np.zeros(layer.fan_out, W.dtype) if layer.biases is None else np.asarray(layer.biases)


def _equation(activation: Activation) -> Any:
    """The function behind an activation, without the number that it was given."""
    return getattr(activation.value, "func", activation.value)


_NAMES = {_equation(make()): name for name, make in ACTIVATIONS.items()}


def _built_in(activation: Activation, number: int) -> tuple[str, tuple[float, ...]]:
    """The catalogue's name of an activation and its numbers, found by its function: names can be anything."""
    name = _NAMES.get(_equation(activation))
    if name is None:
        raise UsageError(
            f'layer {number} has the activation "{activation.name}", which is not built in: its Python function cannot '
            f"be written in another language. Allowed are {', '.join(ACTIVATIONS)}."
        )
    return name, tuple(map(float, getattr(activation.value, "keywords", {}).values()))


def _refuse_broken_names(program: Program) -> None:
    for name in _all_names(program):
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"the name {name!r} holds half of a character, which no file can hold. Rename it in the table, and "
                "train anew."
            ) from None
    seen: set[str] = set()
    for column in program.columns:
        if not column.name or column.name in seen:
            raise UsageError(
                f"the columns of a row must have names, each its own, to be exported; received {column.name!r}"
                f"{' twice' if column.name else ''}. Rename the columns, and train anew."
            )
        seen.add(column.name)


def _all_names(program: Program) -> Iterable[str]:
    for column in program.columns:
        yield column.name
        yield from column.names if isinstance(column, (NameColumn, TextColumn)) else ()
    answer = program.answer
    if isinstance(answer, Values):
        yield from answer.names
    elif not isinstance(answer, Outputs):
        yield from (label for label in answer.labels if isinstance(label, str))
