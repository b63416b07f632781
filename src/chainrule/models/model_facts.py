"""A model as plain facts and named arrays, and back again, trusting neither: the two parts of a model file."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.catalogue import Activation, activation_named
from chainrule.core.loss_names import LOSS_NAMES
from chainrule.core.network import Network
from chainrule.data.encoding import Encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.errors import ChainruleError, UsageError
from chainrule.models.evaluation import evaluation_from_dict, evaluation_to_dict, stored_count
from chainrule.models.model import Model
from chainrule.models.provenance import Provenance
from chainrule.training.plan import SCHEDULE_NAMES, UPDATE_NAMES, TrainingPlan
from chainrule.training.state import Epoch, History


def shared_facts(model: Model) -> dict[str, Any]:
    """Return what the members of an ensemble have in common, as JSON has it."""
    return {
        "sizes": list(model.network.sizes),
        "layers": [
            {
                "activation": layer.activation.name,
                "biases": layer.biases is not None,
                "x0": layer.x0,
                "trainable": layer.trainable,
            }
            for layer in model.network.layers
        ],
        "encoding": model.encoding.to_dict(),
        "plan": _plan_to_dict(model.plan),
        "encoding_plan": asdict(model.encoding_plan),
    }


def own_facts(model: Model) -> dict[str, Any]:
    """Return what each member of an ensemble has of its own."""
    return {
        "provenance": asdict(model.provenance),
        "test": None if model.test is None else evaluation_to_dict(model.test),
    }


def arrays_of(model: Model) -> dict[str, np.ndarray]:
    """Return the weights and the history by name."""
    arrays = {name: np.ascontiguousarray(array) for name, array in _named_parameters(model.network)}
    arrays["history"] = np.array([list(row) for row in model.history], dtype=np.float64).reshape(-1, len(Epoch._fields))
    return arrays


def model_of(facts: dict[str, Any], arrays: dict[str, np.ndarray], own: dict[str, Activation]) -> Model:
    """Build a model, trusting nothing.

    Raises
    ------
    KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError, ModelFileError
        If something is missing or does not fit.
    """
    network = _network(facts, arrays, own)
    encoding = Encoding.from_dict(facts["encoding"])
    if (encoding.n_inputs, encoding.n_outputs) != (network.sizes[0], network.sizes[-1]):
        raise ValueError("the encoding does not fit the network")
    provenance = facts["provenance"]
    return Model(
        network=network,
        encoding=encoding,
        plan=TrainingPlan(**_known_fields(TrainingPlan, _plan_from_dict(facts["plan"], own))),
        encoding_plan=_encoding_plan(facts["encoding_plan"]),
        history=_history(arrays),
        provenance=Provenance(
            source=str(provenance["source"]),
            rows=_three(provenance["rows"]),
            engine=str(provenance["engine"]),
            seconds=float(provenance["seconds"]),
            stopped=str(provenance["stopped"]),
            best_epoch=stored_count(provenance["best_epoch"]),
            starts=tuple(float(cost) for cost in provenance["starts"]),
            notes=tuple(str(note) for note in provenance["notes"]),
            version=str(provenance["version"]),
            start=stored_count(provenance.get("start", 0)),
            fingerprint=str(provenance.get("fingerprint", "")),
        ),
        test=None if facts["test"] is None else evaluation_from_dict(facts["test"]),
    )


class UnknownActivationError(ChainruleError, ValueError):
    """An activation that is neither built in nor given."""


def _network(facts: dict[str, Any], arrays: dict[str, np.ndarray], own: dict[str, Activation]) -> Network:
    """Build the network from arrays whose names, shapes, dtypes and numbers are what the facts promise."""
    sizes, layers = facts["sizes"], facts["layers"]
    if not isinstance(sizes, list) or not all(type(n) is int and n > 0 for n in sizes) or len(sizes) != len(layers) + 1:
        raise ValueError("its layer sizes make no network")
    expected: dict[str, tuple[int, ...]] = {}
    for l, layer in enumerate(layers, start=1):
        expected[f"W[{l}]"] = (sizes[l - 1] + bool(layer["x0"]), sizes[l])
        if layer["biases"]:
            expected[f"b[{l}]"] = (sizes[l],)
    if set(arrays) != {*expected, "history"}:
        raise ValueError(f"it holds the arrays {sorted(arrays)}, not {sorted(expected)}")
    dtypes = {arrays[name].dtype for name in expected}
    if len(dtypes) != 1 or dtypes.pop() not in (np.float32, np.float64):
        raise ValueError("its weights are not all float32 or all float64")
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} holds numbers that are not finite")
    bias: bool | str = "x0" if layers[0]["x0"] else bool(layers[0]["biases"])
    return Network.dense(
        sizes,
        [_activation(layer["activation"], own) for layer in layers],
        bias=bias,
        weights=[arrays[f"W[{l}]"] for l in range(1, len(sizes))],
        biases=[arrays[f"b[{l}]"] for l in range(1, len(sizes))] if bias is True else None,
        trainable=[bool(layer["trainable"]) for layer in layers],
    )


def _activation(name: Any, own: dict[str, Activation]) -> Activation | str:
    if not isinstance(name, str):
        raise TypeError("an activation has no name")
    if name in own:
        return own[name]
    try:
        return activation_named(name)
    except UsageError:
        raise UnknownActivationError(
            f'the model has an activation "{name}" that is not built in. Give it, as in '
            f"chainrule.load(path, activations=[{name}])."
        ) from None


def _three(rows: Any) -> tuple[int, int, int]:
    train, validation, test = rows
    return stored_count(train), stored_count(validation), stored_count(test)


def _history(arrays: dict[str, np.ndarray]) -> History:
    rows = arrays["history"]
    if rows.dtype != np.float64 or rows.ndim != 2 or rows.shape[1] != len(Epoch._fields):
        raise ValueError(f"its history has shape {rows.shape}")
    if not all(math.isfinite(row[0]) for row in rows):
        raise ValueError("its history has epochs that are no numbers")
    return History(Epoch(int(row[0]), *map(float, row[1:])) for row in rows)


def _named_parameters(network: Network) -> Iterable[tuple[str, np.ndarray]]:
    for l, layer in enumerate(network.layers, start=1):
        yield f"W[{l}]", np.asarray(layer.weights)
        if layer.biases is not None:
            yield f"b[{l}]", np.asarray(layer.biases)


def _plan_to_dict(plan: TrainingPlan) -> dict[str, Any]:
    """A plan with the names of your own activations, losses and rules in place of the objects."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple) and not hasattr(value, "name"):
            return [plain(part) for part in value]
        return getattr(value, "name", value)

    return {field.name: plain(getattr(plan, field.name)) for field in fields(plan)}


def _plan_from_dict(facts: dict[str, Any], own: dict[str, Activation]) -> dict[str, Any]:
    restored = dict(facts)
    restored["activation"] = tuple(own.get(name, name) for name in facts["activation"])
    restored["output_activation"] = own.get(facts["output_activation"], facts["output_activation"])
    for option, known in (("loss", LOSS_NAMES), ("update", UPDATE_NAMES), ("schedule", SCHEDULE_NAMES)):
        name = facts[option]
        if name != "auto" and str(name).partition("(")[0] not in known:
            restored[option] = OnlyName(str(name))
    return restored


def _encoding_plan(facts: dict[str, Any]) -> EncodingPlan:
    """Files are known by their names; a file holds no rows. What older files call "ignore" is part of "other"."""
    for name in ("validation_file", "test_file"):
        if not isinstance(facts.get(name), (str, type(None))):
            raise ValueError(f"its {name} is no name")
    today = {**facts, "unknown": "other"} if facts.get("unknown") == "ignore" else facts
    return EncodingPlan(**_known_fields(EncodingPlan, today))


class OnlyName(NamedTuple):
    """A loss, update rule or schedule of the user's own: it is not needed to predict, so its name will do."""

    name: str


def _known_fields(plan: type, facts: dict[str, Any]) -> dict[str, Any]:
    """Leave out options that this version does not have; the weights do not depend on them."""
    names = {field.name for field in fields(plan)}
    return {name: value for name, value in facts.items() if name in names}
