"""Checkpoints: the same bits follow as without a stop; what does not belong or is damaged is refused."""

import dataclasses
import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from training_tasks import same_bits, training, without_seconds

from chainrule.core.catalogue import Activation
from chainrule.errors import ChainruleError, ModelFileError, UsageError
from chainrule.training.checkpoint import load_checkpoint, save_checkpoint
from chainrule.training.loop import epochs, run

RULES = ["gradient_descent", "momentum", "nesterov", "rmsprop", "adam", "adamw", "rprop"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.checkpoint"


def after(ready, n):
    """The state after n epochs."""
    for state in epochs(ready):
        if state.epoch == n:
            return state
    raise AssertionError


@pytest.mark.parametrize(
    "options",
    [
        *({"update": rule} for rule in RULES),
        {"schedule": "reduce_on_plateau(0.5,2)", "learning_rate": 0.3, "noise": 0.5},
        {"schedule": "one_cycle", "update": "momentum(0.8)"},
        {"patience": 7, "learning_rate": 0.1, "noise": 0.5, "epochs": 200},
        {"patience": 7, "learning_rate": 0.1, "noise": 0.5, "epochs": 200, "validation": False},
        {"batch_size": 1, "weight_decay": 0.01, "frozen": (1,)},
        {"batch_size": "all", "keep": "last"},
        {"dropout": 0.3},
        {"dropout": (0.2, 0.5), "hidden": (5, 3), "batch_size": 1},
        {"dropout": 0.5, "batch_size": "all", "hidden": 3, "shuffle": False},
    ],
    ids=lambda options: "+".join(f"{name}={value}" for name, value in options.items()),
)
@pytest.mark.parametrize("stop", [1, 5, 7])
def test_resuming_gives_the_same_bits(options, stop, path):
    whole = run(training(**options))
    assert whole.epoch > stop
    save_checkpoint(path, training(**options), after(training(**options), stop))
    ready = training(**options)  # made anew, as another process would
    resumed = run(ready, load_checkpoint(path, ready))
    assert same_bits(resumed.network, whole.network)
    assert same_bits(resumed.best_network, whole.best_network)
    assert (resumed.best_epoch, resumed.best_cost) == (whole.best_epoch, whole.best_cost)
    assert (resumed.waited, resumed.plateau, resumed.stopped) == (whole.waited, whole.plateau, whole.stopped)
    assert without_seconds(resumed.history).tobytes() == without_seconds(whole.history).tobytes()
    assert resumed.random_state == whole.random_state


def test_every_field_of_the_state_comes_back(path):
    options = {"update": "adam", "schedule": "reduce_on_plateau(0.5,1)", "learning_rate": 0.5, "noise": 0.5}
    state = after(training(**options), 11)
    assert state.plateau.factor < 1
    assert state.best_epoch < 11
    save_checkpoint(path, training(**options), state)
    loaded = load_checkpoint(path, training(**options))
    for field in dataclasses.fields(state):
        ours, theirs = getattr(state, field.name), getattr(loaded, field.name)
        if field.name in ("network", "best_network"):
            assert same_bits(ours, theirs)
        elif field.name == "rule_state":
            assert ours.updates == theirs.updates == 55
            for a, b in zip(ours.mean + ours.mean_square, theirs.mean + theirs.mean_square, strict=True):
                assert a.tobytes() == b.tobytes()
        elif field.name == "history":
            assert np.array(list(ours)).tobytes() == np.array(list(theirs)).tobytes()
        else:
            assert ours == theirs


def test_more_epochs_may_follow(path):
    ended = run(training(epochs=5))
    save_checkpoint(path, training(epochs=5), ended)
    again = run(training(epochs=5), load_checkpoint(path, training(epochs=5)))
    assert (again.epoch, again.stopped) == (5, "all epochs run")
    longer = run(training(epochs=9), load_checkpoint(path, training(epochs=9)))
    assert longer.epoch == 9
    assert same_bits(longer.network, run(training(epochs=9)).network)


def test_own_activations(path):
    options = {"activation": Activation("cube", lambda Z: Z**3, lambda Z, A, dC_dA: dC_dA * 3 * Z**2), "epochs": 6}
    save_checkpoint(path, training(**options), after(training(**options), 3))
    resumed = run(training(**options), load_checkpoint(path, training(**options)))
    assert same_bits(resumed.network, run(training(**options)).network)
    with pytest.raises(UsageError, match="belongs to another training"):
        load_checkpoint(path, training(epochs=6))


@pytest.mark.parametrize(
    "other",
    [
        {"learning_rate": 0.02}, {"update": "adam(0.8)"}, {"batch_size": 6}, {"seed": 1}, {"start": 1}, {"hidden": 5},
        {"weight_decay": 0.1}, {"noise": 0.2}, {"validation": False}, {"activation": "logistic"},
        {"reduction": "sum"}, {"shuffle": False}, {"schedule": "step(3,0.5)"}, {"clip_norm": 1.0}, {"keep": "last"},
        {"dropout": 0.1},
    ],
)  # fmt: skip
def test_another_plan_or_other_data_are_refused(other, path):
    save_checkpoint(path, training(), after(training(), 3))
    with pytest.raises(UsageError, match=r"belongs to another training.*start anew without resume"):
        load_checkpoint(path, training(**other))


def test_a_schedule_that_stretches_keeps_its_length(path):
    save_checkpoint(path, training(schedule="cosine"), after(training(schedule="cosine"), 3))
    with pytest.raises(UsageError, match="belongs to another training"):
        load_checkpoint(path, training(schedule="cosine", epochs=13))


def test_missing_file(path):
    with pytest.raises(UsageError, match=r"does not exist\. Leave out resume"):
        load_checkpoint(path, training())


def test_truncated_anywhere(path):
    ready = training()
    save_checkpoint(path, ready, after(ready, 3))
    content = path.read_bytes()
    header = int.from_bytes(content[:8], "little")
    places = [0, 1, 7, 8, 9, 8 + header // 2, 8 + header - 1, 8 + header, 8 + header + 1, len(content) - 1]
    for place in [*places, *np.linspace(0, len(content) - 1, 40, dtype=int).tolist()]:
        path.write_bytes(content[:place])
        with pytest.raises(ModelFileError, match="damaged"):
            load_checkpoint(path, ready)


@pytest.mark.parametrize("content", [b"", b"text\n" * 100, os.urandom(4000), b"\xff" * 64, bytes(64)])
def test_something_else(content, path):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged"):
        load_checkpoint(path, training())


def parts(path):
    with safe_open(path, "numpy") as file:
        facts = json.loads(file.metadata()["chainrule"])
        return facts, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__


def mutations(value, place=()):
    """Every entry of nested dicts and lists with something else in its place, and every entry removed."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from mutations(value[key], (*place, key))
    if place:
        for other in (None, [], {}, "x", -1, 1.5, float("inf"), float("nan"), 10**400, True):
            if other != value:
                yield place, other


def with_mutation(facts, place, other):
    changed = json.loads(json.dumps(facts))
    record = changed
    for key in place[:-1]:
        record = record[key]
    record[place[-1]] = other
    return changed


def test_every_entry_of_another_kind(path):
    """Refused as damaged or foreign, or a state that a training goes on from; never another error."""
    ready = training(update="adam", epochs=4)
    save_checkpoint(path, ready, after(ready, 2))
    facts, arrays = parts(path)
    refusals, tried = [], 0
    for place, other in mutations(facts):
        try:
            metadata = json.dumps(with_mutation(facts, place, other))
        except ValueError:
            continue
        save_file(arrays, path, {"chainrule": metadata})
        tried += 1
        try:
            state = load_checkpoint(path, ready)
        except ChainruleError as error:
            refusals.append(str(error))
            continue
        run(ready, state)
    assert all("run.checkpoint" in message for message in refusals)
    refused = len(refusals)
    assert tried > 100
    assert refused > tried / 2


def test_every_array_of_another_kind(path):
    ready = training(update="adam", epochs=4)
    save_checkpoint(path, ready, after(ready, 2))
    facts, arrays = parts(path)
    metadata = {"chainrule": json.dumps(facts)}
    for name, array in arrays.items():
        removed = {other: value for other, value in arrays.items() if other != name}
        spoilt = array.copy()
        spoilt.flat[0] = np.inf
        changes = [
            removed, {**removed, name: array[..., :-1].copy()}, {**removed, name: array.astype("float16")},
            {**removed, name: array.ravel()}, {**removed, name: np.zeros((0,) * array.ndim)},
        ]  # fmt: skip
        if array.ndim == 1:  # ravel() is the array itself
            changes[3] = {**removed, name: array[None]}
        if name != "history":
            changes.append({**removed, name: spoilt})
        for change in changes:
            save_file(change, path, metadata)
            with pytest.raises(ModelFileError, match="damaged"):
                load_checkpoint(path, ready)


def test_a_model_is_no_checkpoint(tmp_path):
    import chainrule

    path = chainrule.train("xor", hidden=2, epochs=2).save(tmp_path / "xor.safetensors")
    with pytest.raises(ModelFileError, match="damaged"):
        load_checkpoint(path, training())


def test_a_failing_write_leaves_the_old_checkpoint(path, monkeypatch):
    ready = training()
    save_checkpoint(path, ready, after(ready, 3))

    def full(*arguments):
        raise OSError(28, "No space left on device")

    for function in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, full)
            with pytest.raises(OSError, match="No space left"):
                save_checkpoint(path, ready, after(ready, 5))
        assert [entry.name for entry in path.parent.iterdir()] == ["run.checkpoint"]
        assert load_checkpoint(path, ready).epoch == 3
