"""Compressed files, known by their first bytes: a stream of what is in them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from chainrule.errors import DataError, UsageError

MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
ENDINGS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd", ".zip": "zip"}


def packing(path: Path) -> str:
    """Say how a file is compressed, by its first bytes or else by its name; nothing if it is not.

    A name alone will do, so that a damaged file is not taken for text.
    """
    with path.open("rb") as file:
        start = file.read(8)
    found = [name for magic, name in MAGIC.items() if start.startswith(magic)]
    return found[0] if found else ENDINGS.get(path.suffix.lower(), "")


def without_packing(name: str) -> str:
    """Return a file's name without the ending that says how it is compressed.

    >>> without_packing("wine.csv.bz2"), without_packing("wine.csv")
    ('wine.csv', 'wine.csv')
    """
    path = Path(name)
    return str(path.with_suffix("")) if path.suffix.lower() in ENDINGS else name


@contextmanager
def unpacked(path: Path, source: str) -> Iterator[IO[bytes]]:
    """Open a file, compressed or not, and read what is in it.

    Raises
    ------
    DataError
        If it is damaged, or a zip file that holds no file or several.
    UsageError
        If it is compressed in a way that needs a package which is not installed.
    """
    kind = packing(path)
    with ExitStack() as opened:
        try:
            yield opened.enter_context(_opened(path, source, kind, opened))
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
            raise DataError(f"{source} cannot be read: {error}.") from None
        except RuntimeError as error:  # of zip: a password
            if kind != "zip":
                raise
            raise DataError(f"{source} cannot be read: {error}. Unpack it first.") from None
        except Exception as error:
            if type(error).__name__ != "ZstdError":  # of a module that may not be there
                raise
            raise DataError(f"{source} cannot be read: {error}.") from None


def _opened(path: Path, source: str, kind: str, opened: ExitStack) -> IO[bytes]:
    if kind == "zstd":
        return _zstd(path, source)
    if kind == "zip":
        archive = opened.enter_context(zipfile.ZipFile(path))
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(files) != 1:
            names = ", ".join(entry.filename for entry in files[:5]) or "none"
            raise DataError(f"{source} holds {len(files)} files ({names}); one can be read. Unpack it first.")
        return archive.open(files[0])
    readers: dict[str, Any] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open, "": open}
    return cast(IO[bytes], readers[kind](path, "rb"))


def _zstd(path: Path, source: str) -> IO[bytes]:
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        try:
            from backports import zstd
        except ImportError:
            raise UsageError(
                f"{source} is compressed with zstd, which this Python does not read. "
                "Run: pip install backports.zstd; or unpack it first."
            ) from None
    return cast(IO[bytes], zstd.open(path, "rb"))
