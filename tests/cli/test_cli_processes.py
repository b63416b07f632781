"""The command as a process of its own: signals, pipes, terminals, exit codes."""

import os
import pty
import signal
import subprocess
import time
from importlib.metadata import distribution
from pathlib import Path

import pytest
from command_line import ended, run, start

import chainrule as cr


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_trains_and_says_so(folder):
    answer = run("train", "wine", "--epochs", 30, "--json")
    assert answer.code == 0
    assert answer.json["test"]["accuracy"] > 0.8
    assert sorted(path.name for path in folder.iterdir()) == [
        "wine.history.csv", "wine.report.html", "wine.safetensors",
    ]  # fmt: skip
    again = run("evaluate", "wine.safetensors", "--json")
    assert again.json["accuracy"] == answer.json["test"]["accuracy"]


def test_exit_codes_and_streams():
    bad = run("train", "wine", "--activation", "logistc")
    assert (bad.code, bad.out) == (2, "")
    assert bad.err.startswith('Error: activation "logistc" is unknown. Did you mean "logistic"?')
    assert bad.err.count("\n") == 1
    traced = run("train", "wine", "--activation", "logistc", "--debug")
    assert traced.code == 1
    assert "Traceback (most recent call last)" in traced.err
    assert "UsageError" in traced.err


def test_the_installed_command_is_the_same():
    files = distribution("chainrule").files
    (command,) = [file.locate() for file in files if file.stem == "chainrule" and "bin" in file.parts[:-1]]
    answer = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout == run("--version").out


def wait_for(stream, words):
    """Read lines until one holds the words."""
    for line in stream:
        if words in line:
            return
    pytest.fail(f"the process ended before it said {words!r}")


def test_ctrl_c_leaves_a_model(folder):
    process = start("train", "wine", "--epochs", 10**6, "--checkpoint", "c")
    wait_for(process.stderr, "epoch 1:")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    answer = ended(process)
    assert answer.code == 130
    assert "Traceback" not in answer.err
    assert "interrupted" in answer.out
    model = cr.load("wine.safetensors")
    assert model.provenance.stopped == "interrupted"
    assert len(model.history) > 1
    rows = (folder / "wine.history.csv").read_text().splitlines()
    assert len(rows) == len(model.history) + 1
    assert model.predict("wine").shape == (178,)
    assert not list(folder.glob(".*.part"))
    # and the training goes on from there
    epochs = len(model.history) + 5
    assert run("train", "wine", "--epochs", epochs, "--checkpoint", "c", "--resume", "--no-report").code == 0
    assert len(cr.load("wine.safetensors").history) == epochs


def test_a_kill_leaves_the_old_model_whole(folder):
    run("train", "wine", "--epochs", 2, "--no-report")
    before = (folder / "wine.safetensors").read_bytes()
    process = start("train", "wine", "--epochs", 10**6, "--checkpoint", "c", "--checkpoint-every", 1)
    wait_for(process.stderr, "epoch 1:")
    time.sleep(0.3)
    process.kill()
    ended(process)
    assert (folder / "wine.safetensors").read_bytes() == before
    answer = run("train", "wine", "--epochs", 10**6, "--checkpoint", "c", "--resume", "--time-limit", 0.01)
    assert answer.code == 0  # the checkpoint is whole, too


@pytest.mark.parametrize(
    "args",
    [
        ("info", "wine"),
        ("--help",),
        ("predict", "m.safetensors", "digits"),
        pytest.param(("train", "--help"), marks=pytest.mark.long),
        pytest.param(("evaluate", "m.safetensors", "digits"), marks=pytest.mark.long),
        pytest.param(("predict", "m.safetensors", "digits", "--json"), marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pipe_that_is_closed_early(args, unbuffered):
    if "m.safetensors" in args:
        cr.train("digits", epochs=1).save("m.safetensors")
    process = start(*args, environment={"PYTHONUNBUFFERED": unbuffered})
    process.stdout.read(1)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=300) == 0
    assert err == ""


def test_a_training_whose_reader_went_away_still_writes_its_model(folder):
    process = start("train", "wine", "--epochs", 30, stderr=subprocess.DEVNULL)
    process.stdout.close()
    assert process.wait(timeout=300) == 0
    assert len(cr.load("wine.safetensors").history) == 30
    assert (folder / "wine.report.html").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("args", [("info", "wine"), ("predict", "m.safetensors", "digits"), ("--help",)])
def test_a_full_disk(args):
    if "m.safetensors" in args:
        cr.train("digits", epochs=1).save("m.safetensors")
    with open("/dev/full", "w") as full:
        answer = run(*args, stdout=full)
    assert answer.code == 1
    assert answer.err == "Error: [Errno 28] No space left on device.\n"


def test_a_terminal_shows_curves():
    """Standard error is a terminal: the curves are drawn there, and standard output stays clean."""
    ours, theirs = pty.openpty()
    process = start("train", "wine", "--epochs", 60, "--json", "--no-report", stderr=theirs)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not piece:
            break
        drawn += piece
    os.close(ours)
    out = ended(process).out
    assert process.returncode == 0
    text = drawn.decode()
    assert "training cost" in text
    assert "━" in text
    assert "epoch 60: cost" in text
    assert "\x1b" not in out
    assert out.count("\n") == 1
