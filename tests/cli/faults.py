"""Faults on purpose: the n-th time that a file is touched, something goes wrong, or a signal arrives."""

import json
import os
import signal
import sys
from pathlib import Path

from chainrule import files

TOUCHING = ("open", "write", "fsync", "fchmod", "close", "replace")


class Touched:
    """Stands in for `os` in `chainrule.files`, through which every file is written; counts what touches a file.

    `before` and `after` are called with the count and the name of the function, before and after it.
    """

    def __init__(self, monkeypatch, before=None, after=None):
        self.names, self._before, self._after = [], before, after
        monkeypatch.setattr(files, "os", self)

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in TOUCHING:
            return real

        def watched(*arguments):
            self.names.append(name)
            n = len(self.names)
            try:
                if self._before:
                    self._before(n, name)
            except OSError:
                if name == "close":
                    real(*arguments)  # as the system does, whatever it answers
                raise
            result = real(*arguments)
            if self._after:
                self._after(n, name)
            return result

        return watched


def full_disk(n, name):
    raise OSError(28, "No space left on device")


def at(which, what, *, onwards=False):
    """Do something at the n-th touch, or from there on."""

    def maybe(n, name):
        if n == which or (onwards and n > which):
            what(n, name)

    return maybe


def whole(name, content):
    """Whether a file is all of what it should be."""
    if name == "c" or name.endswith(".safetensors"):  # a checkpoint or a model
        length = int.from_bytes(content[:8], "little")
        tensors = json.loads(content[8 : 8 + length])
        ends = [about["data_offsets"][1] for about in tensors.values() if "data_offsets" in about]
        return len(content) == 8 + length + max(ends)
    if name.endswith(".history.csv"):
        return content.startswith(b"epoch,") and content.endswith(b"\n")
    return content.rstrip().endswith(b"</html>")


class SignalAtLine:
    """Within the block, raises a signal when a line of some files is about to run for the first time.

    Attributes
    ----------
    lines : list of (file, line)
        Those that ran, in the order in which they first did.
    """

    def __init__(self, folder, names, target=None, number=signal.SIGINT, arrived=None):
        self._files = {str(Path(folder) / f"{name}.py") for name in names}
        self._target, self._number, self._arrived = target, number, arrived
        self.lines = []

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *error):
        sys.settrace(self._before)

    def _call(self, frame, event, argument):
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame, event, argument):
        where = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and where not in self.lines:
            self.lines.append(where)
            if where == self._target:
                if self._arrived:
                    self._arrived(frame)
                signal.raise_signal(self._number)
        return self._line
