"""Files that are either whole or not there: written beside the target, flushed, then renamed."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import UsageError


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write `content` to `path` so that a crash leaves the old file or the new one, never a part.

    An interrupt waits until the file is whole.

    Parameters
    ----------
    path : path-like
        Where the file ends up. Its folder must exist.
    content : bytes or str
        Text is written as UTF-8.

    Returns
    -------
    Path
        The path written.

    Raises
    ------
    UsageError
        If the folder does not exist or cannot be written to.
    OSError
        If writing fails, as on a full disk; the old file is still there.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = tempfile.mkdtemp()
    >>> write_whole(f"{folder}/note.txt", "hello").read_text()
    'hello'
    """
    path = Path(path)
    with interrupts_held():
        check_writable(path)
        _replace(path, content.encode() if isinstance(content, str) else content)
    return path


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let Ctrl-C and a stop from outside wait until the block is left, so that it leaves nothing half done.

    >>> with interrupts_held():
    ...     pass
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread only
        return
    arrived: list[int] = []
    before = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, lambda number, frame: arrived.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    for number in arrived[:1]:
        signal.raise_signal(number)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise UsageError unless a file could be written at `path`; asked before long work, not after it."""
    path = Path(path)
    if len(os.fsencode(path.name)) > 255:
        raise UsageError(f'output "{path.name[:40]}...": the name is too long for a file. Choose a shorter one.')
    if path.is_dir():
        raise UsageError(f'output "{path}" is a folder. Give the name of a file, such as {path / "model.safetensors"}.')
    if path.exists() and not path.is_file():
        raise UsageError(f'output "{path}" is no ordinary file, and would be replaced by one. Choose another name.')
    if not path.parent.is_dir():
        raise UsageError(
            f'output "{path}": the folder "{path.parent}" does not exist. Create it first, or choose another.'
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f'output "{path}": "{path.parent}" cannot be written to ({reason}). Choose another.') from None


def refuse_same(path: str | os.PathLike[str], taken: Any, what: str) -> None:
    """Raise UsageError where writing to `path` would replace `taken`, a file that is read."""
    if isinstance(taken, (str, os.PathLike)) and os.path.realpath(path) == os.path.realpath(taken):
        raise UsageError(f'output "{path}" is {what} itself, and would replace it. Choose another name.')


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
