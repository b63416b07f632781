"""Checkpoints: a whole training state in one file, from which the same bits follow as without a stop."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.core.schedules import PlateauState
from chainrule.errors import ModelFileError, UsageError
from chainrule.files import write_whole
from chainrule.training.loop import Training
from chainrule.training.state import Epoch, History, TrainingState

FORMAT = "chainrule-checkpoint-1"

# What may differ between the training that wrote a checkpoint and the one that goes on from it: when to stop.
_MAY_DIFFER = ("epochs", "target_cost", "patience", "time_limit", "keep", "starts", "engine")


def save_checkpoint(path: str | os.PathLike[str], training: Training, state: TrainingState) -> None:
    """Write a state so that a crash leaves the old checkpoint or the new one, never a part.

    Raises
    ------
    UsageError
        If the path cannot be written to.
    """
    from safetensors.numpy import save

    arrays = _arrays("network", state.network.parameters) | _arrays("best", state.best_network.parameters)
    rule: dict[str, Any] = {}
    for name, value in state.rule_state._asdict().items():
        if isinstance(value, list):
            arrays |= _arrays(f"rule.{name}", value)
        else:
            rule[name] = value
    arrays["history"] = np.array([list(row) for row in state.history], dtype=np.float64).reshape(-1, len(Epoch._fields))
    facts = {
        "format": FORMAT,
        "training": fingerprint(training),
        "rule": rule,
        "random_state": state.random_state,
        "best_epoch": state.best_epoch,
        "best_cost": state.best_cost,
        "watched_cost": state.watched_cost,
        "waited": state.waited,
        "plateau": list(state.plateau),
    }
    write_whole(path, save(arrays, {"chainrule": json.dumps(facts)}))


def load_checkpoint(path: str | os.PathLike[str], training: Training) -> TrainingState:
    """Read the state that `save_checkpoint` wrote for the same training.

    Raises
    ------
    UsageError
        If the file is not there, or belongs to other data, another plan or another network.
    ModelFileError
        If it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise UsageError(f'checkpoint "{path}" does not exist. Leave out resume to start a new training.')
    try:
        with safe_open(os.fspath(path), "numpy") as file:
            facts = json.loads((file.metadata() or {})["chainrule"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__
        if facts["format"] != FORMAT:
            raise ModelFileError(f'checkpoint "{path}" has format {facts["format"]!r}; this version reads {FORMAT}.')
        if facts["training"] != fingerprint(training):
            raise UsageError(
                f'checkpoint "{path}" belongs to another training: the data, the network or the plan differ (only '
                f"{', '.join(_MAY_DIFFER[:4])} may). Repeat the command that wrote it, or start anew without resume."
            )
        return _state(facts, arrays, training)
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError, OSError) as error:
        if isinstance(error, (UsageError, ModelFileError)):
            raise
        raise ModelFileError(f'checkpoint "{path}" is damaged ({error}). Start the training anew.') from None


def fingerprint(training: Training) -> str:
    """Return a hash of all that a training's numbers depend on: plan, data, network shape and initial weights."""
    plan = {name: value for name, value in asdict(training.plan).items() if name not in _MAY_DIFFER}
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True, default=lambda own: own.name).encode())
    if not training.schedule.name.startswith(("constant", "step", "exponential", "reduce")):
        digest.update(str(training.plan.epochs).encode())  # these schedules stretch with the number of epochs
    parts = [training.work.X, training.work.Y, training.work.sample_weight, *training.start.network.parameters]
    if training.validation is not None:
        parts += [training.validation.X, training.validation.Y]
    for part in parts:
        if part is not None:
            array = np.ascontiguousarray(part)
            digest.update(str((array.shape, array.dtype.str)).encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def _state(facts: dict[str, Any], arrays: dict[str, np.ndarray], training: Training) -> TrainingState:
    start = training.start
    rule_fields = {
        name: facts["rule"][name]
        if name in facts["rule"]
        else [arrays[f"rule.{name}.{i}"] for i in range(len(template))]
        for name, template in start.rule_state._asdict().items()
    }
    history = History(Epoch(int(row[0]), *map(float, row[1:])) for row in arrays["history"])
    return TrainingState(
        network=_network(start.network, "network", arrays),
        rule_state=type(start.rule_state)(**rule_fields),
        random_state=facts["random_state"],
        best_network=_network(start.network, "best", arrays),
        best_epoch=int(facts["best_epoch"]),
        best_cost=float(facts["best_cost"]),
        watched_cost=float(facts["watched_cost"]),
        waited=int(facts["waited"]),
        plateau=PlateauState(*facts["plateau"]),
        history=history,
    )


def _network(template: Network, prefix: str, arrays: dict[str, np.ndarray]) -> Network:
    found = [arrays[f"{prefix}.{i}"] for i in range(len(template.parameters))]
    for array, parameter in zip(found, template.parameters, strict=True):
        if array.shape != parameter.shape or array.dtype != parameter.dtype:
            raise ValueError(f"an array of {prefix} has shape {array.shape}, not {parameter.shape}")
    return template.with_parameters(found)


def _arrays(prefix: str, arrays: list[Any]) -> dict[str, np.ndarray]:
    return {f"{prefix}.{i}": np.ascontiguousarray(array) for i, array in enumerate(arrays)}
