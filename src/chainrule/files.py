"""Files that are either whole or not there: written beside the target, flushed, then renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chainrule.errors import UsageError


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write `content` to `path` so that a crash leaves the old file or the new one, never a part.

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
    check_writable(path)
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
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
    return path


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise UsageError unless a file could be written at `path`; asked before long work, not after it."""
    path = Path(path)
    if path.is_dir():
        raise UsageError(f'output "{path}" is a folder. Give the name of a file, such as {path / "model.safetensors"}.')
    if path.exists() and not path.is_file():
        raise UsageError(f'output "{path}" is no ordinary file, and would be replaced by one. Choose another name.')
    if not path.parent.is_dir():
        raise UsageError(
            f'output "{path}": the folder "{path.parent}" does not exist. Create it first, or choose another.'
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(f'output "{path}": no permission to write in "{path.parent}". Choose another folder.')


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
