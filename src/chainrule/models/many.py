"""A list of settings: a network for each, read once and trained side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from chainrule.data.columns import Table
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import DataError, DivergenceError, UsageError
from chainrule.interrupts import interrupts_held
from chainrule.models.attempts import attempts_side_by_side, best_of, interrupted
from chainrule.models.examples import Examples, Usable, divided, encode, read_source, usable_rows
from chainrule.models.further_rows import read_further
from chainrule.models.model import Model
from chainrule.models.setup import Setup, output_of, plans_of, set_up_on, squares
from chainrule.options import divide_options
from chainrule.training.loop import Callback
from chainrule.training.plan import TrainingPlan

_OF_ONE_TRAINING = ("on_epoch", "checkpoint", "checkpoint_every", "resume")


def train_many(
    source: Any, settings: Sequence[Mapping[str, Any]], y: Any = None, *, sample_weight: Any = None, **common: Any
) -> list[Model]:
    """Train a network for each of many settings, side by side on all cores.

    The table is read once. Each model is the one that `train` gives with the same options, bit for bit.

    Parameters
    ----------
    source, y, sample_weight
        As for `train`.
    settings : sequence of dicts
        Options of `train` for each network; `grid` writes such a list. A setting may repeat an option of `common`,
        and goes before it.
    **common
        Options of `train` that all networks share. `time_limit` counts for all of them together, so it stands here;
        callbacks and checkpoints are for `train` alone.

    Returns
    -------
    list of Model
        One for each setting, in their order. Where all starts of a setting diverged, its model holds the last good
        weights, its `provenance.stopped` is "diverged" and its last note says where. Ctrl-C ends all trainings: the
        models hold what was reached, those that had not begun their initial weights and an empty history.

    Raises
    ------
    UsageError, DataError
        As `train`, naming the setting by its place, as in "settings[2]".
    DivergenceError
        If all networks diverged.

    Examples
    --------
    >>> import chainrule as cr
    >>> models = cr.train_many("wine", cr.grid(hidden=[(4,), (16,)], learning_rate=[0.01, 0.03]), epochs=20)
    >>> [(model.plan.hidden, model.plan.eta) for model in models]
    [((4,), 0.01), ((4,), 0.03), ((16,), 0.01), ((16,), 0.03)]
    """
    setups = _set_up_all(Reader(source, y, sample_weight), _list_of_settings(settings), common)
    return train_setups(setups)


def grid(**values: Any) -> list[dict[str, Any]]:
    """Return every combination of some values of options, as `train_many` takes them; the last option changes fastest.

    Parameters
    ----------
    **values : lists
        For each option the values to try; a range or an array will do as well.

    Raises
    ------
    UsageError
        If an option is unknown, or has no list of values.

    Examples
    --------
    >>> grid(hidden=[8, (16, 8)], activation=["tanh", "relu"])[1:3]
    [{'hidden': 8, 'activation': 'relu'}, {'hidden': (16, 8), 'activation': 'tanh'}]
    """
    divide_options(values, EncodingPlan, TrainingPlan, ReadingPlan)
    lists = {}
    for name, several in values.items():
        if isinstance(several, np.ndarray) and several.ndim == 1:
            several = several.tolist()
        if not isinstance(several, (list, range)) or not len(several):
            raise UsageError(
                f"grid takes a list of values for each option; received {name}={several!r}. "
                f"For a single value write {name}=[{several!r}]."
            )
        lists[name] = several
    return [dict(zip(lists, chosen, strict=True)) for chosen in product(*lists.values())]


def train_setups(setups: Sequence[Setup], callbacks: Sequence[Callback] = ()) -> list[Model]:
    """Train what was prepared, side by side; a model for each. The time limit of the first is that of all together.

    Raises
    ------
    DivergenceError
        If all of them diverged.
    """
    models, failures = [], []
    with interrupts_held() as held:
        all_attempts = attempts_side_by_side(setups, callbacks, setups[0].plan.time_limit)
        for setup, attempts in zip(setups, all_attempts, strict=True):
            model, best = best_of(setup, attempts)
            if best.failure is not None:
                failures.append(best.failure)
                notes = (*model.provenance.notes, str(best.failure))
                model = replace(model, provenance=replace(model.provenance, notes=notes))
            models.append(model)
        if held.taken():
            models = [model if model.provenance.stopped == "diverged" else interrupted(model) for model in models]
    if len(failures) == len(models):
        error = failures[0]
        if len(failures) > 1:
            error = DivergenceError(f"all {len(failures)} networks diverged; of the first: {failures[0]}")
            error.state = failures[0].state
        error.model = models[0]
        raise error
    return models


class Reader:
    """A source that is read once, and encoded once for all trainings that want it alike."""

    def __init__(self, source: Any, y: Any, sample_weight: Any) -> None:
        self._source, self._y, self._weights = source, y, sample_weight
        self._tables: dict[Any, Table] = {}
        self._usable: dict[Any, Usable] = {}
        self._further: dict[Any, dict[str, Table]] = {}
        self._encoded: dict[Any, Examples] = {}

    def set_up(self, options: Mapping[str, Any]) -> Setup:
        """Do what `chainrule.models.setup.set_up` does."""
        encoding_plan, plan, reading = plans_of(options)
        output = output_of(plan)
        key = (encoding_plan, reading, plan.seed, output.partition("(")[0], squares(plan))
        if key not in self._encoded:
            usable = self.usable(encoding_plan, reading)
            self._encoded[key] = encode(usable, divided(usable, plan.seed), output, squares(plan))
        return set_up_on(self._encoded[key], plan)

    def usable(self, plan: EncodingPlan, reading: ReadingPlan) -> Usable:
        """Return the rows that can be used."""
        key = (plan, reading)
        if key not in self._usable:
            table, plan = self._read(plan, reading)
            self._usable[key] = usable_rows(table, plan, self._weights, self._read_further(table, plan, reading))
        return self._usable[key]

    def _read(self, plan: EncodingPlan, reading: ReadingPlan) -> tuple[Table, EncodingPlan]:
        if self._y is not None:
            return read_source(self._source, self._y, plan, reading)
        key = (reading, plan.nominal)  # all that decides how cells are read
        if key not in self._tables:
            self._tables[key], _ = read_source(self._source, None, plan, reading)
        return self._tables[key], plan

    def _read_further(self, table: Table, plan: EncodingPlan, reading: ReadingPlan) -> dict[str, Table]:
        key = (reading, plan.nominal, plan.validation_file, plan.test_file)
        if key not in self._further:
            self._further[key] = read_further(table, plan, reading)
        return self._further[key]


def _list_of_settings(settings: Any) -> list[dict[str, Any]]:
    many = not isinstance(settings, (str, bytes, Mapping)) and hasattr(settings, "__iter__")
    listed = list(settings) if many else []
    if not listed or not all(isinstance(one, Mapping) for one in listed):
        received = "an empty list" if many and not listed else repr(settings)
        raise UsageError(
            "settings is a list of dicts of options, one for each network, as in "
            f'[{{"hidden": 8}}, {{"hidden": 16}}]; received {received}.'
        )
    return [dict(one) for one in listed]


def _set_up_all(reader: Reader, settings: Sequence[Mapping[str, Any]], common: Mapping[str, Any]) -> list[Setup]:
    divide_options(refuse_of_one_training("train_many", common), EncodingPlan, TrainingPlan, ReadingPlan)
    setups = []
    for i, one in enumerate(settings):
        try:
            if "time_limit" in one:
                raise UsageError(
                    "time_limit counts for all networks together. Give it to train_many itself, beside the settings."
                )
            refuse_of_one_training("train_many", one)
            setups.append(reader.set_up({**common, **one}))
        except (UsageError, DataError) as error:
            raise type(error)(f"settings[{i}]: {error}") from None
    return setups


def refuse_of_one_training(function: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options, or refuse those that are for `train` alone."""
    for name in _OF_ONE_TRAINING:
        if name in options:
            raise UsageError(f"{function} trains many networks and takes no {name}, which is for chainrule.train.")
    return options
