"""Files that are either whole or not there: written beside the target, flushed, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from chainrule.errors import UsageError

# What writing a file may raise: a full disk, a folder that is gone or may no longer be written to, no memory.
NOT_WRITTEN = (OSError, UsageError, MemoryError)


def why(error: Exception) -> str:
    """Say in a few words why a file was not written.

    >>> why(OSError(28, "No space left on device", "model.safetensors"))
    'No space left on device'
    """
    return (getattr(error, "strerror", None) or str(error) or "not enough memory").rstrip(".")


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write `content` to `path` so that a crash, an error or an interrupt leaves the old file or the new one, whole.

    A file that is replaced keeps its permissions, and its owner where that is allowed; a new one has those of any new
    file. Where `path` is a symbolic link, the file that it leads to is written. Nothing of the process is changed on
    the way, so threads may write at the same time.

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
        If no file can be written there: a folder, a device, a file that is read-only, a folder that does not exist.
    OSError
        If writing fails, as on a full disk; the old file is still there.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = tempfile.mkdtemp()
    >>> write_whole(f"{folder}/note.txt", "hello").read_text()
    'hello'
    """
    target = _target(path)
    try:
        _replace(target, content.encode() if isinstance(content, str) else content)
    except OSError as error:  # by the name that was asked for, not by the temporary one
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise _no_entry(path, target, error) from None
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from None
    return Path(path)


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")  # whose name is nobody else's
    try:
        _fill(temporary, data, target)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _fill(temporary: Path, data: bytes, target: Path) -> None:
    # The system takes the umask away from these permissions.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        _take_permissions(handle, target)
        _flush(handle)
    finally:
        os.close(handle)


def _take_permissions(handle: int, target: Path) -> None:
    """Give a new file those of the one that it replaces, if there is one."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return
    if not hasattr(os, "fchmod"):  # another system, whose files have none
        return
    new = os.fstat(handle)
    permissions = old.st_mode & 0o777
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(handle, old.st_uid, old.st_gid)
        except OSError:  # not ours to give: then nobody is allowed more than in the old file and in any new one
            permissions &= new.st_mode
    if permissions != stat.S_IMODE(new.st_mode):
        os.fchmod(handle, permissions)


def _flush(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that has no such thing
            raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise UsageError unless a file could be written at `path`; asked before long work, not after it."""
    target = _target(path)
    try:
        with tempfile.TemporaryFile(dir=target.parent):  # without a name, where the system has such files
            pass
    except OSError as error:
        raise _no_entry(path, target, error) from None


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that writing to `path` replaces or makes: behind symbolic links, where it is one."""
    path = Path(path)
    if "\0" in str(path):
        raise UsageError(f"output {str(path)!r} is no name of a file: it holds the character NUL. Choose another.")
    try:
        target = _behind_links(path)
        is_folder, is_file, is_there = target.is_dir(), target.is_file(), target.exists()
        has_folder = target.parent.is_dir()
    except OSError as error:  # links in a circle, a folder that may not be entered
        raise UsageError(
            f'output "{path}" cannot be reached ({error.strerror or error}). Choose another name.'
        ) from None
    if is_folder:
        raise UsageError(f'output "{path}" is a folder. Give the name of a file, such as {path / "model.safetensors"}.')
    if is_there and not is_file:
        raise _not_ordinary(path)
    if not has_folder:
        raise UsageError(
            f'output "{path}": the folder "{target.parent}" does not exist. Create it first, or choose another.'
        )
    if is_there and not os.access(target, os.W_OK):
        raise UsageError(f'output "{path}" is there already, and is read-only. Choose another name, or allow writing.')
    return target


def _behind_links(path: Path) -> Path:
    """Follow symbolic links one by one: /dev/stdout and the like end in a folder of the system's own."""
    target = path
    for _ in range(40):
        if len(os.fsencode(target.name)) > _longest_name(target.parent):
            raise UsageError(f'output "{target.name[:40]}...": the name is too long for a file. Choose a shorter one.')
        if Path(os.path.realpath(target.parent)).parts[1:2] == ("proc",):
            raise _not_ordinary(path)
        if not target.is_symlink():
            return target
        target = target.parent / os.readlink(target)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _longest_name(folder: Path) -> int:
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # another system, or no such folder
        return 255


def _not_ordinary(path: Path) -> UsageError:
    return UsageError(f'output "{path}" is no ordinary file, and would be replaced by one. Choose another name.')


def _no_entry(path: str | os.PathLike[str], target: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(f'output "{path}": "{target.parent}" cannot be written to ({reason}). Choose another.')


def refuse_device(path: str | os.PathLike[str]) -> None:
    """Raise UsageError for a device, which may be read for ever."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # not there, or no name of a file
        return
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise UsageError(f'"{os.fspath(path)}" is a device. Give the name of a file.')


def refuse_same(path: str | os.PathLike[str], taken: Any, what: str) -> None:
    """Raise UsageError where writing to `path` would replace `taken`, a file that is read."""
    if not isinstance(taken, (str, os.PathLike)) or "\0" in os.fspath(taken):
        return
    if os.path.realpath(path) == os.path.realpath(taken):
        raise UsageError(f'output "{path}" is {what} itself, and would replace it. Choose another name.')
