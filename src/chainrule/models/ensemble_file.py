"""One file holds an ensemble: as a model file, what the members share once, their arrays by their numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.catalogue import Activation
from chainrule.files import write_whole
from chainrule.models.ensemble import Ensemble
from chainrule.models.evaluation import evaluation_from_dict, evaluation_to_dict
from chainrule.models.model_facts import arrays_of, model_of, own_facts, shared_facts
from chainrule.models.model_file import KEY, NEWEST


def save_ensemble(ensemble: Ensemble, path: str | os.PathLike[str]) -> Path:
    """Write an ensemble as one safetensors file, whole or not at all.

    Raises
    ------
    UsageError
        If it cannot be written there.
    """
    from safetensors.numpy import save

    arrays = {
        f"{k}/{name}": array for k, member in enumerate(ensemble.members) for name, array in arrays_of(member).items()
    }
    facts = {
        "schema": NEWEST,
        **shared_facts(ensemble.members[0]),
        "members": [own_facts(member) for member in ensemble.members],
        "test": None if ensemble.test is None else evaluation_to_dict(ensemble.test),
    }
    return write_whole(path, save(arrays, {KEY: json.dumps(facts)}))


def ensemble_of(facts: dict[str, Any], arrays: dict[str, np.ndarray], own: dict[str, Activation]) -> Ensemble:
    """Build an ensemble, trusting nothing; errors as of `model_facts.model_of`."""
    members = facts["members"]
    if not isinstance(members, list) or not members:
        raise ValueError("it holds an ensemble without members")
    of_member: dict[str, dict[str, np.ndarray]] = {str(k): {} for k in range(len(members))}
    for name, array in arrays.items():
        k, _, inner = name.partition("/")
        of_member[k][inner] = array
    shared = {name: value for name, value in facts.items() if name not in ("members", "test")}
    return Ensemble(
        tuple(
            model_of({**shared, "provenance": one["provenance"], "test": one["test"]}, of_member[str(k)], own)
            for k, one in enumerate(members)
        ),
        None if facts["test"] is None else evaluation_from_dict(facts["test"]),
    )
