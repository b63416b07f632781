"""Calls of the command line, inside this process and in one of their own."""

import json
import os
import signal
import subprocess
import sys
from typing import NamedTuple

import pytest

from chainrule.cli.main import main


class Answer(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        (line,) = self.out.splitlines()
        return json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


class Here:
    """Runs commands in this process, in a folder of their own."""

    def __init__(self, capsys, folder):
        self._capsys, self.folder = capsys, folder

    def __call__(self, *args):
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main([str(arg) for arg in args])
        return Answer(exit_.value.code, *self._capsys.readouterr())

    def refused(self, *args):
        """The message of a command that must fail: on standard error, without a traceback, with nothing left over."""
        before = sorted(self.folder.iterdir())
        answer = self(*args)
        assert answer.code == 2
        assert "Traceback" not in answer.err
        assert "Error: " in answer.err
        assert answer.out == ""
        assert sorted(self.folder.iterdir()) == before
        return answer.err.partition("Error: ")[2]


def start(*args, environment=(), **settings):
    """Start a process with the command line; its output is text in pipes unless told otherwise."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **settings}
    environment = {
        **os.environ,
        "PYTHONWARNINGS": "error",
        "PYTHONFAULTHANDLER": "1",
        "COLUMNS": "100",
        "TERM": "xterm",
        **dict(environment),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "chainrule", *map(str, args)], env=environment, preexec_fn=_listen_to_ctrl_c, **settings
    )


def _listen_to_ctrl_c():
    """A shell that starts the tests in the background ignores Ctrl-C, and what is started from there inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*args, **settings):
    return ended(start(*args, **settings))


def ended(process, seconds=300):
    """Wait for a process; one that hangs is ended, and says where it stood."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        out, err = process.communicate()
        pytest.fail(f"still running after {seconds} s; it had printed {out!r}; {err}")
    return Answer(process.returncode, out, err)
