"""Tables from standard input and from pipes: read to the end into a file of their own, and then like any other."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from chainrule.data.room import MORE, room, where
from chainrule.errors import UsageError, readable
from chainrule.files import refuse_device

CHUNK = 1 << 20  # bytes that are read at once
STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


@contextmanager
def regular_file(received: str) -> Iterator[tuple[Path, str]]:
    """Give the path of a file that can be read more than once, and its name for messages.

    Parameters
    ----------
    received : str
        A path; "-" or /dev/stdin for standard input; or a pipe, as from a shell's ``<(command)``.

    Raises
    ------
    UsageError
        If it is a device, a pipe that cannot be read, or larger than the free disk lets it be.
    """
    path = Path(received)
    standard = received in STANDARD_INPUT
    if not standard and (path.is_file() or path.is_dir() or not path.exists()):
        yield path, readable(received)
        return
    if not standard:
        refuse_device(path)
    name = "standard input" if standard else readable(received)
    with tempfile.TemporaryDirectory() as folder:
        # Delimited text, unless its first bytes say otherwise.
        copy = Path(folder) / "table.csv"
        try:
            with copy.open("wb") as file:
                if standard:
                    _copy(_standard_input(), file, name, room(folder))
                else:
                    with path.open("rb") as pipe:
                        _copy(pipe, file, name, room(folder))
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {os.strerror(error.errno or 0)}.") from None
        yield copy, name


def _copy(source: IO[bytes], file: IO[bytes], name: str, most: int) -> None:
    while part := source.read(CHUNK):
        most -= len(part)
        if most < 0:
            raise UsageError(f"{name} holds more than {where()}. Check that it ends, or {MORE}")
        file.write(part)


def _standard_input() -> IO[bytes]:
    if sys.stdin is None or not hasattr(sys.stdin, "buffer"):
        raise UsageError("there is no standard input to read. Give a file's name.")
    return sys.stdin.buffer
