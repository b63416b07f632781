"""Checkpoints: a whole training state in one file, from which the same bits follow as without a stop."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.network import Network
from chainrule.core.schedules import PlateauState
from chainrule.errors import ModelFileError, UsageError
from chainrule.files import NOT_WRITTEN, check_writable, why, write_whole
from chainrule.training.loop import Callback
from chainrule.training.prepare import Training
from chainrule.training.state import Epoch, History, TrainingState

FORMAT = "chainrule-checkpoint-1"

# What may differ between the training that wrote a checkpoint and the one that goes on from it: when to stop.
_MAY_DIFFER = ("epochs", "target_cost", "patience", "tolerance", "time_limit", "threads")


class Checkpoints:
    """Where a training keeps its state, and how often. One that cannot be written does not end the training.

    Parameters
    ----------
    path : path-like
    every : int
        Epochs between two of them; the last state is always kept.

    Attributes
    ----------
    failure : Exception or None
        Why the last one could not be written.
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 10) -> None:
        if every < 1:
            raise UsageError(f"checkpoint_every must be at least 1 epoch; received {every}.")
        self.path, self.every = path, every
        self.failure: Exception | None = None
        self._written = 0  # epochs of the one that stands in the file

    def check(self, resume: bool) -> None:
        """Raise UsageError where no checkpoint can be written, or another file would be lost by it."""
        check_writable(self.path)
        if not resume and Path(self.path).exists() and not is_checkpoint(self.path):
            raise UsageError(f'checkpoint "{self.path}" is another file, which would be lost. Choose another name.')

    def save(self, training: Training, state: TrainingState) -> None:
        """Write a state, if it is not there already and can be written."""
        if state.epoch == self._written:
            return
        try:
            save_checkpoint(self.path, training, state)
        except NOT_WRITTEN as error:
            self.failure = error
        else:
            self.failure, self._written = None, state.epoch

    def of(self, training: Training) -> Callback:
        """Return the callback that writes those of one training."""

        def write(state: TrainingState) -> None:
            if state.epoch % self.every == 0:
                self.save(training, state)

        write.every = self.every  # type: ignore[attr-defined]
        return write

    def in_words(self) -> str:
        """Name what could not be written, and why; empty where all is well."""
        if self.failure is None:
            return ""
        kept = f"; it holds epoch {self._written}" if self._written else ""
        return f'the checkpoint "{self.path}" ({why(self.failure)}{kept})'


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
                f"{', '.join(_MAY_DIFFER[:5])} may). Repeat the command that wrote it, or start anew without resume."
            )
        return _state(facts, arrays, training)
    except (UsageError, ModelFileError):
        raise
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, OSError,
            RecursionError) as error:  # fmt: skip
        what = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ModelFileError(f'checkpoint "{path}" is damaged ({what}). Start the training anew.') from None


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a checkpoint, of whatever training."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(os.fspath(path), "numpy") as file:
            return FORMAT in (file.metadata() or {}).get("chainrule", "")
    except (SafetensorError, OSError):
        return False


def fingerprint(training: Training) -> str:
    """Return a hash of all that a training's numbers depend on: plan, data, network shape and initial weights."""
    names = [field.name for field in fields(training.plan) if field.name not in _MAY_DIFFER]
    plan = {name: _plain(getattr(training.plan, name)) for name in names}
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True).encode())
    if training.work.decay_is_shared or training.watch_accuracy:
        digest.update(str((training.work.decay_is_shared, training.watch_accuracy)).encode())
    if training.schedule.stretches:
        digest.update(str(training.plan.epochs).encode())
    parts = [training.work.X, training.work.Y, training.work.sample_weight, *training.start.network.parameters]
    if training.validation is not None:
        parts += [training.validation.X, training.validation.Y, training.validation.sample_weight]
    for part in parts:
        if part is not None:
            array = np.ascontiguousarray(part)
            digest.update(str((array.shape, array.dtype.str)).encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def _state(facts: dict[str, Any], arrays: dict[str, np.ndarray], training: Training) -> TrainingState:
    start = training.start
    rows = arrays["history"]
    if rows.dtype != np.float64 or rows.shape[1:] != (len(Epoch._fields),):
        raise ValueError(f"its history has shape {rows.shape}")
    if rows[:, 0].tolist() != list(range(1, len(rows) + 1)):
        raise ValueError("its history does not count its epochs")
    updates = len(rows) * training.work.updates_per_epoch
    rule_fields = {
        name: _like(template, f"rule.{name}", arrays)
        if isinstance(template, list)
        else _number(facts["rule"][name], type(template), updates if type(template) is int else math.inf)
        for name, template in start.rule_state._asdict().items()
    }
    factor, best, waited = facts["plateau"]
    state = TrainingState(
        network=_network(start.network, "network", arrays),
        rule_state=type(start.rule_state)(**rule_fields),
        random_state=facts["random_state"],
        best_network=_network(start.network, "best", arrays),
        best_epoch=_number(facts["best_epoch"], int, len(rows)),
        best_cost=_number(facts["best_cost"], float),
        watched_cost=_number(facts["watched_cost"], float),
        waited=_number(facts["waited"], int, len(rows)),
        plateau=PlateauState(_number(factor, float, 1.0), _number(best, float), _number(waited, int, len(rows))),
        history=History(Epoch(int(row[0]), *map(float, row[1:])) for row in rows),
    )
    if state.random_state["bit_generator"] != start.random_state["bit_generator"]:
        raise ValueError("its random state is of another generator")
    state.generator()  # refuses what is no state
    return state


def _number(value: Any, kind: type = int, most: float = math.inf) -> Any:
    """Accept a whole number of at least 0 or, as a float, any number; not above `most`."""
    if type(value) not in (int, kind) or not value <= most or (kind is int and value < 0):
        raise ValueError(f"{value!r} is not a number that can stand here")
    return kind(value)


def _network(template: Network, prefix: str, arrays: dict[str, np.ndarray]) -> Network:
    return template.with_parameters(_like(template.parameters, prefix, arrays))


def _like(templates: list[Any], prefix: str, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The arrays `prefix`.0, `prefix`.1, ..., each with the shape and dtype of its template, all numbers finite."""
    found = [arrays[f"{prefix}.{i}"] for i in range(len(templates))]
    for array, template in zip(found, templates, strict=True):
        if array.shape != template.shape or array.dtype != template.dtype:
            raise ValueError(f"an array of {prefix} has shape {array.shape}, not {template.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"an array of {prefix} holds numbers that are not finite")
    return found


def _plain(value: Any) -> Any:
    """An option as JSON has it: your own activations, losses and rules by their names."""
    if isinstance(value, (tuple, list)) and not hasattr(value, "name"):
        return [_plain(part) for part in value]
    return getattr(value, "name", value)


def _arrays(prefix: str, arrays: list[Any]) -> dict[str, np.ndarray]:
    return {f"{prefix}.{i}": np.ascontiguousarray(array) for i, array in enumerate(arrays)}
