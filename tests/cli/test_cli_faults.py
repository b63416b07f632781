"""The n-th touch of a file fails, for each n and each command that writes: nothing is torn, left over or lost."""

import os
import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from command_line import run, start
from faults import Touched, at, full_disk, whole

import chainrule as cr

TRAIN = ("train", "xor", "--hidden", 2, "--epochs", 3, "--checkpoint", "c", "--checkpoint-every", 2)
COMMANDS = {
    "train": TRAIN,
    "predict": ("predict", "m.safetensors", "iris", "-o", "p.csv"),
    "onnx": ("export", "m.safetensors", "-o", "m.onnx"),
    "c": ("export", "m.safetensors", "-o", "m.c"),
    "javascript": ("export", "m.safetensors", "-o", "m.js"),
    "python": ("export", "m.safetensors", "-o", "m.py"),
}


@pytest.fixture(scope="module")
def iris():
    return cr.train("iris", hidden=2, epochs=2, seed=0)


@pytest.fixture
def shelter(tmp_path_factory, monkeypatch):
    """Where a model goes that its own place does not take: a folder for temporary files, and a home."""
    folder = tmp_path_factory.mktemp("shelter")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("HOME", str(folder))
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def write_at_once(cli, monkeypatch, args):
    """How often a command touches a file where nothing fails."""
    with monkeypatch.context() as patch:
        touched = Touched(patch)
        assert cli(*args).code == 0
    return len(touched.names)


@pytest.mark.parametrize("both", [False, pytest.param(True, marks=pytest.mark.long)], ids=["either", "both"])
@pytest.mark.parametrize("onwards", [False, True], ids=["once", "from then on"])
def test_train(cli, monkeypatch, shelter, onwards, both):
    """With yesterday's files there, and without: one of the two at every touch, or both."""
    count = write_at_once(cli, monkeypatch, TRAIN)
    assert count >= 20
    yesterday = contents(cli.folder)
    cr.train("xor", hidden=3, epochs=1).save(cli.folder / "xor.safetensors")
    yesterday |= {"xor.safetensors": (cli.folder / "xor.safetensors").read_bytes()}
    for n, old in product(range(1, count + 1), ({}, yesterday)):
        if not both and bool(old) == ((n + onwards) % 2):
            continue
        for path in [*cli.folder.iterdir(), *shelter.rglob("*.safetensors")]:
            path.unlink()
        for name, content in old.items():
            (cli.folder / name).write_bytes(content)
        with monkeypatch.context() as patch:
            Touched(patch, before=at(n, full_disk, onwards=onwards))
            answer = cli(*TRAIN)
        new = contents(cli.folder)
        assert not [name for name in new if name.endswith(".part")], n
        assert "Traceback" not in answer.err
        for name, content in new.items():
            assert content == old.get(name) or whole(name, content), (n, name)
        if answer.code == 0:  # a checkpoint that failed, and the next one did not
            assert 'Not written: the checkpoint "c"' in answer.err
            assert sorted(new) == sorted(yesterday)
            continue
        assert (answer.err + answer.out).count("Error:") == 1, (n, answer)
        assert answer.code == 1, (n, answer)
        said = re.search(r'not written: .*\. (The model is in "(.*)"|No place took the model)\.$', answer.err.strip())
        assert said, (n, answer.err)
        if said[2]:
            model = cr.load(cli.folder / said[2])
            assert (len(model.history), model.network.sizes) == (3, (2, 2, 1))
            assert ('the model "xor.safetensors"' in said[0]) == (said[2] != "xor.safetensors")
        else:
            assert onwards  # the disk is full, and all others are, too
            assert new.get("xor.safetensors") == old.get("xor.safetensors")
        for word, name in (("the history", "xor.history.csv"), ("the report", "xor.report.html")):
            named = f'{word} "{name}"' in said[0]
            assert named == (new.get(name) == old.get(name)) or not onwards, (n, name)
            assert not named or new.get(name) == old.get(name)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "train"])
def test_what_writes_one_file(cli, monkeypatch, iris, command):
    args = COMMANDS[command]
    iris.save("m.safetensors")
    count = write_at_once(cli, monkeypatch, args)
    target = cli.folder / args[-1]
    assert count >= 5
    for n in range(1, count + 1):
        for old in (None, b"old"):
            target.unlink(missing_ok=True)
            if old:
                target.write_bytes(old)
            with monkeypatch.context() as patch:
                Touched(patch, before=at(n, full_disk))
                answer = cli(*args)
            assert answer.code == 1
            assert (answer.err.count("Error:"), answer.err.count("\n"), answer.out) == (1, 1, "")
            assert "No space left on device" in answer.err
            assert args[-1] in answer.err
            assert (target.read_bytes() if target.exists() else None) == old
            assert sorted(contents(cli.folder)) == sorted({"m.safetensors", *([target.name] if old else [])})


_opened = []  # for writing, while somebody listens; a hook of Python's own cannot be taken away again
_listening = [False]


def _listen(event, arguments):
    if _listening[0] and event == "open":
        path, _, flags = arguments
        if isinstance(path, (str, bytes, os.PathLike)) and flags & (os.O_WRONLY | os.O_RDWR):
            _opened.append(Path(os.fsdecode(path)).absolute())


def test_no_file_is_written_in_another_way(cli, iris):
    """What the tests above make fail is all that there is: every file begins beside its target."""
    sys.addaudithook(_listen)
    iris.save("m.safetensors")
    _opened.clear()
    try:
        _listening[0] = True
        codes = [cli(*args).code for args in COMMANDS.values()]
        codes += [cli("evaluate", "m.safetensors", "iris").code, cli("crossval", "xor", "--epochs", 2).code]
        codes += [cli("explain", "m.safetensors", "iris", "dC/dW[1][1,1]").code, cli("info", "m.safetensors").code]
    finally:
        _listening[0] = False
    assert codes[: len(COMMANDS)] == [0] * len(COMMANDS)
    ours = [path for path in _opened if cli.folder in (path, *path.parents)]
    assert sum(path.suffix == ".part" for path in ours) == 2 + 3 + 5  # checkpoints, a training's files, the others'
    for path in ours:  # or, to see whether a folder can be written to, a file that has no name
        assert path.suffix == ".part" or path == cli.folder or path.name.startswith("tmp"), path


def test_an_ensemble_and_a_checkpoint_in_python(tmp_path, monkeypatch):
    """Saving raises, and leaves what was there; a checkpoint that fails does not end its training."""
    ensemble = cr.train_ensemble("xor", members=2, hidden=2, epochs=2, seed=0)
    path = ensemble.save(tmp_path / "e")
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        touched = Touched(patch)
        ensemble.save(path)
        count = len(touched.names)
    assert count >= 5
    for n in range(1, count + 1):
        with monkeypatch.context() as patch:
            Touched(patch, before=at(n, full_disk))
            with pytest.raises(OSError, match="No space left on device") as caught:
                ensemble.save(path)
        assert str(path) in str(caught.value)
        assert path.read_bytes() == before
        assert [entry.name for entry in tmp_path.iterdir()] == ["e"]


class TestCheckpointsInPython:
    OPTIONS = {"hidden": 2, "epochs": 6, "seed": 0, "checkpoint_every": 2}  # noqa: RUF012

    def test_one_that_fails_is_made_good_by_the_next(self, tmp_path, monkeypatch):
        path = tmp_path / "c"
        with monkeypatch.context() as patch:
            Touched(patch, before=at(6, full_disk))  # the first of the second one
            model = cr.train("xor", **self.OPTIONS, checkpoint=path)
        assert len(model.history) == 6
        more = cr.train("xor", **{**self.OPTIONS, "epochs": 9}, checkpoint=path, resume=True)
        straight = cr.train("xor", **{**self.OPTIONS, "epochs": 9})
        assert all((p == q).all() for p, q in zip(more.network.parameters, straight.network.parameters, strict=True))

    def test_a_disk_that_stays_full(self, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            Touched(patch, before=at(1, full_disk, onwards=True))
            with pytest.warns(UserWarning, match=r'Not written: the checkpoint ".*c" \(No space left on device\)'):
                model = cr.train("xor", **self.OPTIONS, checkpoint=tmp_path / "c")
        straight = cr.train("xor", **self.OPTIONS)
        pairs = zip(model.network.parameters, straight.network.parameters, strict=True)
        assert all((p == q).all() for p, q in pairs)
        assert list(tmp_path.iterdir()) == []

    def test_the_model_comes_with_a_warning_that_is_an_error(self, tmp_path, monkeypatch):
        Touched(monkeypatch, before=at(1, full_disk, onwards=True))
        with pytest.raises(UserWarning) as caught:
            cr.train("xor", **self.OPTIONS, checkpoint=tmp_path / "c")
        assert len(caught.value.model.history) == 6


def test_the_command_tells_of_a_checkpoint_at_once_and_at_the_end(cli, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chainrule.training.checkpoint.write_whole", fail)
    answer = cli("train", "xor", "--epochs", 30, "--checkpoint", "c", "--checkpoint-every", 10, "--no-report")
    assert answer.code == 1
    lines = answer.err.splitlines()
    assert lines.count('Not written: the checkpoint "c" (No space left on device). The training goes on.') == 1
    assert lines[-1] == (
        'Error: not written: the checkpoint "c" (No space left on device). The model is in "xor.safetensors".'
    )
    assert len(cr.load("xor.safetensors").history) == 30
    answer = cli("train", "xor", "--epochs", 30, "--checkpoint", "c", "--no-report", "--json")
    assert answer.code == 1
    assert answer.json["not_written"] == ['the checkpoint "c" (No space left on device)']
    assert answer.json["model"] == "xor.safetensors"


def test_a_folder_that_goes_away(cli, shelter):
    """While it is trained for; the model goes among the temporary files, and the folder for it is the person's own."""
    (cli.folder / "there").mkdir()
    import chainrule.cli.progress as progress

    ended = progress.PlainProgress.__exit__
    try:
        progress.PlainProgress.__exit__ = lambda self, *error: (cli.folder / "there").rmdir()
        answer = cli("train", "xor", "--epochs", 3, "-o", "there/m.safetensors", "--json")
    finally:
        progress.PlainProgress.__exit__ = ended
    assert answer.code == 1
    assert [fact.partition(" (")[0] for fact in answer.json["not_written"]] == [
        'the model "there/m.safetensors"', 'the history "there/m.history.csv"', 'the report "there/m.report.html"',
    ]  # fmt: skip
    assert answer.json["history"] is answer.json["report"] is None
    path = Path(answer.json["model"])
    assert path.parent.parent == shelter
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(cr.load(path).history) == 3


@pytest.mark.parametrize("name", ["__call__", "__exit__"])
@pytest.mark.parametrize("error", [RuntimeError("a mistake"), MemoryError()])
def test_a_mistake_while_progress_is_shown(cli, monkeypatch, name, error):
    """Whatever goes wrong once an epoch is done: the model is there, and the error is told."""

    def fail(*arguments):
        raise error

    monkeypatch.setattr(f"chainrule.cli.progress.PlainProgress.{name}", fail)
    answer = cli("train", "xor", "--epochs", 5)
    assert answer.code == 1
    assert 'The weights kept are in "xor.safetensors".\nError: ' in answer.err
    assert ("a mistake" in answer.err) == isinstance(error, RuntimeError)
    assert 1 <= len(cr.load("xor.safetensors").history) <= 5


def test_a_terminal_that_fails_while_curves_are_drawn(cli, monkeypatch):
    from rich.live import Live

    def gone(*arguments, **options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("chainrule.cli.progress.is_terminal", lambda: True)
    for name in ("start", "update", "stop"):
        with monkeypatch.context() as patch:
            patch.setattr(Live, name, gone)
            answer = cli("train", "xor", "--epochs", 5, "--no-report")
        assert answer.code == 1, name
        assert "not written: progress and remarks (Input/output error)." in answer.out
        assert len(cr.load("xor.safetensors").history) == 5
    with monkeypatch.context() as patch:  # letters that a terminal does not have are no failure
        patch.setattr(Live, "update", lambda *arguments, **options: "━".encode("ascii"))
        assert cli("train", "xor", "--epochs", 5, "--no-report").code == 0


def test_no_memory_for_the_test_rows(cli, monkeypatch):
    def large(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr("chainrule.models.attempts.outputs", large)
    monkeypatch.setattr("chainrule.models.attempts.measured", large)
    answer = cli("train", "wine", "--epochs", 3, "--json")
    assert answer.code == 0
    assert "Not tested: there was not enough memory for the rows kept for testing." in answer.json["notes"]
    (cost,) = answer.json["starts"]
    assert np.isfinite(cost)


class TestReal:
    """The system's own limits, in processes of their own."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch, shelter):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TMPDIR", str(shelter))
        self.folder, self.shelter = tmp_path, shelter

    def limited(self, size, *args):
        import resource

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        answer = subprocess.run(
            [sys.executable, "-m", "chainrule", *map(str, args)], capture_output=True, text=True, preexec_fn=limit,
            timeout=120, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert "Traceback" not in answer.stderr
        return answer

    def test_files_that_may_not_be_as_large(self):
        args = ("train", "xor", "--hidden", 2, "--epochs", 3)
        assert self.limited(10**7, *args).returncode == 0
        sizes = {path.name: path.stat().st_size for path in self.folder.iterdir()}
        for path in self.folder.iterdir():
            path.unlink()
        assert sizes["xor.report.html"] > sizes["xor.safetensors"] > sizes["xor.history.csv"] + 10
        answer = self.limited(sizes["xor.safetensors"] + 100, *args)
        assert answer.returncode == 1
        assert answer.stderr.splitlines()[-1] == (
            'Error: not written: the report "xor.report.html" (File too large). The model is in "xor.safetensors".'
        )
        assert sorted(contents(self.folder)) == ["xor.history.csv", "xor.safetensors"]
        before = contents(self.folder)
        answer = self.limited(sizes["xor.history.csv"] + 10, *args)
        assert answer.returncode == 1
        assert "No place took the model." in answer.stderr
        assert contents(self.folder)["xor.safetensors"] == before["xor.safetensors"]
        assert sorted(contents(self.folder)) == ["xor.history.csv", "xor.safetensors"]
        assert list(self.shelter.rglob("*")) == []

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
    def test_progress_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            answer = run("train", "xor", "--epochs", 30, "--no-report", stderr=full)
            assert answer.code == 1
            assert answer.out.splitlines()[-1] == (
                'Error: not written: progress and remarks (No space left on device). The model is in "xor.safetensors".'
            )
            assert len(cr.load("xor.safetensors").history) == 30
            facts = run("train", "xor", "--epochs", 20, "--no-report", "--json", stderr=full)
            assert facts.code == 1
            assert facts.json["not_written"] == ["progress and remarks (No space left on device)"]
            assert len(cr.load("xor.safetensors").history) == 20
            with open("/dev/full", "w") as other:
                assert run("train", "xor", "--epochs", 10, "--no-report", stderr=full, stdout=other).code == 1
            assert len(cr.load("xor.safetensors").history) == 10

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
    def test_a_result_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            answer = run("train", "xor", "--epochs", 30, "--no-report", stdout=full)
        assert answer.code == 1
        assert answer.err.endswith("Error: [Errno 28] No space left on device.\n")
        assert len(cr.load("xor.safetensors").history) == 30

    def test_a_terminal_that_is_closed(self):
        """Nothing can be read of it any more, nor written to it; the training goes to its end."""
        import pty

        ours, theirs = pty.openpty()
        os.close(ours)
        process = start("train", "xor", "--epochs", 30, "--no-report", stderr=theirs)
        os.close(theirs)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "not written: progress and remarks (Input/output error)" in out
        assert len(cr.load("xor.safetensors").history) == 30
