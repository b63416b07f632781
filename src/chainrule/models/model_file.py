"""One file holds a model: a safetensors file with the weights, and everything else as JSON in its metadata.

Nothing in a file is trusted: names, shapes, dtypes, sizes and every number are checked before use, and nothing in it
is ever executed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.catalogue import Activation
from chainrule.errors import ModelFileError, UsageError
from chainrule.files import write_whole
from chainrule.models.model import Model
from chainrule.models.model_facts import UnknownActivationError, arrays_of, model_of, own_facts, shared_facts

if TYPE_CHECKING:
    from chainrule.models.ensemble import Ensemble

SCHEMA = 1
NEWEST = 2  # of ensembles; see ensemble_file.py
LARGEST_HEADER = 64 * 1024 * 1024  # bytes; the header of a model with 10,000 columns takes about 1 MB
KEY = "chainrule"


def save_model(model: Model, path: str | os.PathLike[str]) -> Path:
    """Write a model as one safetensors file, whole or not at all.

    Raises
    ------
    UsageError
        If it cannot be written there.
    """
    from safetensors.numpy import save

    facts = {"schema": SCHEMA, **shared_facts(model), **own_facts(model)}
    return write_whole(path, save(arrays_of(model), {KEY: json.dumps(facts)}))


def load(path: str | os.PathLike[str], activations: Iterable[Activation] = ()) -> Model | Ensemble:
    """Read a model that `Model.save` or `chainrule train` wrote, or an ensemble that `Ensemble.save` wrote.

    Parameters
    ----------
    path : path-like
    activations : iterable of Activation
        Your own activations, if the model has any: a file holds their names, not their code.

    Returns
    -------
    Model or Ensemble

    Raises
    ------
    UsageError
        If there is no such file, or an activation of your own is missing.
    ModelFileError
        If the file is damaged, no model, or from a newer version.

    Examples
    --------
    >>> import tempfile, chainrule as cr
    >>> model = cr.train("xor", hidden=2, epochs=5)
    >>> path = model.save(tempfile.mkdtemp() + "/xor.safetensors")
    >>> cr.load(path).network.sizes
    (2, 2, 1)
    """
    path = Path(path)
    _refuse_no_file(path)
    facts, arrays = _read(path)
    own = {activation.name: activation for activation in activations}
    try:
        if "members" in facts:
            from chainrule.models.ensemble_file import ensemble_of

            return ensemble_of(facts, arrays, own)
        return model_of(facts, arrays, own)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        if isinstance(error, UnknownActivationError):
            raise UsageError(str(error)) from None
        what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise _damaged(path, what) from None


def _refuse_no_file(path: Path) -> None:
    if path.is_file():
        return
    if path.is_dir():
        raise UsageError(f'model "{path}" is a folder. Give the name of a file in it.')
    if os.path.exists(path):
        raise UsageError(f'model "{path}" is a pipe or a device. Give the name of an ordinary file.')
    raise UsageError(f'model "{path}" does not exist. Train one with: chainrule train DATA -o {path.name}')


def load_model(path: str | os.PathLike[str], activations: Iterable[Activation] = ()) -> Model:
    """Read a single network, as `load` does.

    Raises
    ------
    UsageError
        If the file holds an ensemble, or as `load`.
    """
    found = load(path, activations)
    if isinstance(found, Model):
        return found
    raise UsageError(
        f'"{path}" holds an ensemble of {len(found)} networks, and this needs a single one. Save a member by itself: '
        f'chainrule.load("{path}").members[0].save("member.safetensors")'
    )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the file's two parts; the JSON only after its size was looked at."""
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb") as file:
            start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > path.stat().st_size - 8:
            raise _damaged(
                path, "it is cut off, or no model file (a table goes second, as in: chainrule predict MODEL DATA)"
            )
        if length > LARGEST_HEADER:
            raise _damaged(path, f"its header claims {length} bytes; at most {LARGEST_HEADER} are read")
        with safe_open(os.fspath(path), "numpy") as file:
            metadata = file.metadata() or {}
            if KEY not in metadata:
                raise ModelFileError(
                    f'"{path}" is a safetensors file, but no chainrule model. Give a file that train wrote.'
                )
            facts = json.loads(metadata[KEY], parse_int=_whole_number)
            if not isinstance(facts, dict) or not isinstance(facts.get("schema"), int) or facts["schema"] < 1:
                raise _damaged(path, "it does not say which version it is")
            if facts["schema"] > NEWEST:
                raise ModelFileError(
                    f'"{path}" was written by a newer chainrule (model version {facts["schema"]}; this one reads up to '
                    f"{NEWEST}). Update chainrule."
                )
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__
    except ModelFileError:
        raise
    except (SafetensorError, ValueError, TypeError, OSError, RecursionError) as error:
        raise _damaged(path, str(error)) from None
    return facts, arrays


def _whole_number(digits: str) -> int:
    """Refuse whole numbers beyond any float; nothing in a model has them, and they overflow wherever they are used."""
    if len(digits) > 300:
        raise ValueError(f"it holds a whole number of {len(digits)} digits")
    return int(digits)


def _damaged(path: Path, why: str) -> ModelFileError:
    return ModelFileError(f'"{path}" is not a usable model file: {why}. Copy it again, or train it again.')
