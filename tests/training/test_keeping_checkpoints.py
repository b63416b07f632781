"""When a training's checkpoint is written, what is said where it could not be, and which files it may replace."""

import pytest
from safetensors.numpy import save_file
from training_tasks import same_bits, training

from chainrule.errors import UsageError
from chainrule.training import checkpoint
from chainrule.training.checkpoint import Checkpoints, is_checkpoint, load_checkpoint, save_checkpoint
from chainrule.training.loop import run


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.checkpoint"


@pytest.mark.parametrize("every", [1, 3])
def test_it_is_written_after_so_many_epochs(every, path):
    ready, seen = training(epochs=7, engine="reference"), []

    def look(state):
        seen.append(load_checkpoint(path, ready).epoch if path.exists() else 0)

    kept = Checkpoints(path, every)
    last = run(ready, callbacks=[kept.of(ready), look])
    assert seen == [epoch - epoch % every for epoch in range(1, 8)]
    kept.save(ready, last)
    assert same_bits(load_checkpoint(path, ready).network, last.network)
    assert kept.in_words() == ""
    written = path.stat().st_ino, path.stat().st_mtime_ns
    kept.save(ready, last)  # it stands there already
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == written


def test_nothing_is_written_before_the_first_epoch(path):
    ready = training()
    Checkpoints(path).save(ready, ready.start)
    assert not path.exists()


def test_what_could_not_be_written_is_said(path, monkeypatch):
    ready, kept = training(epochs=4), Checkpoints(path, 1)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    for epoch, state in enumerate(training_states(ready), start=1):
        with monkeypatch.context() as disk:
            if epoch != 2:
                disk.setattr(checkpoint, "write_whole", full)
            kept.save(ready, state)
        holds = ["", None, "; it holds epoch 2", "; it holds epoch 2"][epoch - 1]
        wanted = "" if holds is None else f'the checkpoint "{path}" (No space left on device{holds})'
        assert kept.in_words() == wanted
    assert load_checkpoint(path, ready).epoch == 2


def training_states(ready):
    states = []
    run(ready, callbacks=[states.append])
    return states


def test_another_file_is_not_replaced(path):
    Checkpoints(path).check(resume=False)
    path.write_text("thesis")
    assert not is_checkpoint(path)
    with pytest.raises(UsageError, match="is another file, which would be lost"):
        Checkpoints(path).check(resume=False)
    Checkpoints(path).check(resume=True)  # reading it will say what is wrong with it
    path.unlink()
    save_checkpoint(path, training(), run(training()))
    assert is_checkpoint(path)
    Checkpoints(path).check(resume=False)
    save_file({}, path, {"chainrule": "a model"})
    assert not is_checkpoint(path)
    save_file({}, path)
    assert not is_checkpoint(path)
    with pytest.raises(UsageError):
        Checkpoints(path.parent / "nowhere" / "file").check(resume=False)


def test_every_so_many_epochs_is_at_least_one(path):
    assert Checkpoints(path, 1).every == 1
    assert Checkpoints(path).every == 10
    with pytest.raises(UsageError, match="checkpoint_every must be at least 1 epoch; received 0"):
        Checkpoints(path, 0)
