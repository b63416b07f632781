"""The outside of a delimited text file: unpacked, decoded, and looked through once, in pieces."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from chainrule.data.room import MORE, room, where
from chainrule.data.unpacking import packing, unpacked
from chainrule.errors import DataError, UsageError

CHUNK = 1 << 16  # bytes that are looked through at once: they stay in the processor's cache
SAMPLE_CHARACTERS = 1 << 20
LONGEST = 2_000_000  # bytes of a record
csv.field_size_limit(max(LONGEST, csv.field_size_limit()))  # Python's own module would stop earlier than DuckDB
LOOKED_FOR = (b'"', b".", b"_", b"+-", b"\0")
COMMON = b"0123456789.,;-\t\n"
NO_FILE_HAS = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"))
MARKS_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class Contents:
    """What a text holds somewhere, so that what it does not hold need not be looked for cell by cell.

    Attributes
    ----------
    pairs, returns, feeds : int
        Line ends: how many are a return and a line feed, how many of each of these there are.
    codes : bool
        Whether a cell may begin with a zero and another digit.
    found : set of bytes
        Which of `wanted` occur.
    last : bytes
        Its last byte.
    """

    pairs: int = 0
    returns: int = 0
    feeds: int = 0
    codes: bool = False
    blank: bool = True
    found: set[bytes] = field(default_factory=set)
    last: bytes = b""
    wanted: frozenset[bytes] = frozenset(LOOKED_FOR)

    @property
    def lines(self) -> int:
        """How many lines there are, whichever way they end."""
        return max(self.returns, self.feeds) + (self.last not in (b"\n", b"\r"))

    @property
    def mixed_ends(self) -> bool:
        """Whether its lines end in different ways."""
        return 0 < self.pairs < max(self.returns, self.feeds) or bool(self.returns and self.feeds and not self.pairs)

    def add(self, chunk: bytes) -> None:
        """Look through the next piece; it does not end inside a pair of line ends."""
        joined = self._tail + chunk
        self.feeds += int(np.count_nonzero(np.frombuffer(chunk, dtype=np.uint8) == 10))
        if b"\r" in chunk:
            self.returns += chunk.count(b"\r")
            self.pairs += chunk.count(b"\r\n")
        for word in self.wanted - self.found:
            if _rarest(word) in joined and word in joined:  # one byte is found much faster than two
                self.found.add(word)
        self.codes = self.codes or _codes(joined)
        self.blank = self.blank and not chunk.strip()
        self._tail, self.last = joined[-max(2, *map(len, self.wanted)) :], chunk[-1:]

    _tail: bytes = b"\n"


@cache
def _rarest(word: bytes) -> bytes:
    """The byte of a word that is least often in numbers."""
    byte = min(word, key=lambda byte: (bytes([byte]) in COMMON, byte != 43))
    return bytes([byte])


def _codes(text: bytes) -> bool:
    """Whether some cell may begin with a zero and another digit, perhaps after a space."""
    letters = np.frombuffer(text, dtype=np.uint8)
    before = letters[:-2]
    found = letters[1:-1] == ord("0")
    found &= (letters[2:] - ord("0")) < 10  # a digit: what is below it comes out above
    # Delimiters, quotation marks, white space and a few that do no harm.
    found &= (before < ord("-")) | (before == ord(";")) | (before == ord("|"))
    return bool(found.any())


@dataclass(frozen=True)
class TextFile:
    """A text as UTF-8 with one kind of line end, where DuckDB can read it, and what must be known to parse it.

    Attributes
    ----------
    path : Path
        The file itself, or a copy.
    start : str
        Its first characters.
    contents : Contents
    notes : tuple of str
        What the user should know about the encoding.
    """

    path: Path
    start: str
    contents: Contents
    notes: tuple[str, ...] = ()

    @cached_property
    def first_lines(self) -> list[str]:
        """The lines of `start`, with their ends, without a last one that is cut off."""
        lines = split_lines(self.start)
        return lines if len(self.start) < SAMPLE_CHARACTERS or len(lines) == 1 else lines[:-1]

    def lines(self) -> Iterator[str]:
        """Yield the lines, with their ends."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            yield from file


def open_text(path: Path, source: str, encoding: str | None, folder: str | Path, words: Sequence[str] = ()) -> TextFile:
    """Unpack and decode a file: the given encoding, else a byte order mark, else UTF-8, else Latin-1 with a note.

    Parameters
    ----------
    folder
        Where a copy may be written if the file itself is not UTF-8 with one kind of line end.
    words : sequence of str
        What else the text is looked through for.

    Raises
    ------
    DataError
        If the file is empty, is no text, or does not fit the given encoding.
    UsageError
        If the encoding's name is unknown.
    """
    with unpacked(path, source) as stream:
        start = stream.read(CHUNK)
    encodings, notes = _encoding(start, source, encoding)
    wanted = frozenset((*LOOKED_FOR, *(word.encode() for word in words if word)))
    copy = Path(folder) / "text.csv"
    for name, note in encodings:
        try:
            if name == "utf-8" and not packing(path):
                stored, contents = path, _looked_through(path, source, wanted)
            else:
                stored, contents = copy, _copied(path, source, name, copy, wanted)
            notes = (*notes, note) if note else notes
            break
        except UnicodeError as error:
            if name == encodings[-1][0]:
                raise _not_valid(path, source, encoding or name, error) from None
    if contents.blank:
        raise DataError(f"{source} is empty. A table needs at least one row.")
    if b"\0" in contents.found:
        raise DataError(
            f"{source} is not a text file: it contains zero bytes. Tables are read from CSV, Parquet, JSON lines, "
            "SQLite and Excel files; save it as one of these. If it is text in UTF-16, use --encoding utf-16-le or "
            "utf-16-be."
        )
    if contents.mixed_ends:
        stored, contents = _with_one_end(stored, source, Path(folder) / "lines.csv", wanted)
    with stored.open(encoding="utf-8-sig", newline="") as file:
        return TextFile(stored, file.read(SAMPLE_CHARACTERS), contents, notes)


def _encoding(start: bytes, source: str, encoding: str | None) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """The encodings to try, each with what is to be said if it fits, and what is to be said in any case."""
    if encoding is not None:
        return [(_text_encoding(encoding), "")], ()
    for mark, name in MARKS:
        if start.startswith(mark):
            return [(name, "")], () if name == "utf-8" else (f"{source} was read as UTF-32.",)
    if start.startswith(MARKS_16):
        return [("utf-16", "")], (f"{source} was read as UTF-16.",)
    for name, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        half, other = start[first::2], start[1 - first :: 2]
        if len(half) > 1 and half.count(0) > 0.5 * len(half) and 0 not in other:
            return [(name, "")], (f"{source} was read as UTF-16; it has no byte order mark. --encoding forbids it.",)
    note = f"{source} is not valid UTF-8 and was read as Latin-1; --encoding chooses another."
    # cp1252 is Windows' superset of Latin-1, with its quotes and dashes.
    return [("utf-8", ""), ("cp1252", note), ("latin-1", note)], ()


def _looked_through(path: Path, source: str, wanted: frozenset[bytes]) -> Contents:
    """Look through a file that should be UTF-8."""
    contents = Contents(wanted=wanted)
    for chunk in _checked(_chunks(path, source)):
        contents.add(chunk)
    return contents


def _checked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass on pieces of UTF-8, or raise UnicodeError."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    waiting = False
    for chunk in chunks:
        if waiting or not chunk.isascii():
            decoder.decode(chunk)
            waiting = bool(decoder.getstate()[0])
        yield chunk
    decoder.decode(b"", final=True)


def _copied(path: Path, source: str, name: str, copy: Path, wanted: frozenset[bytes]) -> Contents:
    """Write a file's text as UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if name == "utf-8" else name)()
    contents, first, most = Contents(wanted=wanted), True, room(copy.parent)
    with copy.open("wb") as file:
        for piece in (*_chunks(path, source), None):
            text = decoder.decode(b"", final=True) if piece is None else decoder.decode(piece)
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            chunk = text.encode()  # some encodings can yield half a pair of surrogates, which is no letter
            contents.add(chunk)
            most -= len(chunk)
            if most < 0:
                raise DataError(f"{source} holds more than {where()}. Unpack it first, or {MORE}")
            file.write(chunk)
    return contents


def _with_one_end(stored: Path, source: str, copy: Path, wanted: frozenset[bytes]) -> tuple[Path, Contents]:
    """Write a text again, with line feeds for all its line ends."""
    with stored.open(encoding="utf-8-sig", newline=None) as file, copy.open("w", encoding="utf-8", newline="") as out:
        while text := file.read(CHUNK):
            out.write(text)
    return copy, _looked_through(copy, source, wanted)


def _chunks(path: Path, source: str) -> Iterator[bytes]:
    """Yield a file in pieces, none of which ends between a return and a line feed."""
    with unpacked(path, source) as stream:
        while chunk := stream.read(CHUNK):
            while chunk.endswith(b"\r") and (more := stream.read(1)):
                chunk += more
            yield chunk


def _not_valid(path: Path, source: str, encoding: str, error: UnicodeError) -> DataError:
    """Build the error for text that does not fit its encoding, with its row where it can be known."""
    if not isinstance(error, UnicodeDecodeError):
        return DataError(f"{source}: the text is not valid {encoding} ({error}). Use another --encoding.")
    with unpacked(path, source) as stream:
        data = stream.read()
    place = error.start
    try:
        data.decode(_text_encoding(encoding))
    except UnicodeDecodeError as whole:
        place = whole.start
    line = data.count(b"\n", 0, place) + 1
    return DataError(
        f"{source}, row {line}: the text is not valid {encoding} ({error.reason}). Use another --encoding."
    )


def _text_encoding(received: str) -> str:
    """Python's name for an encoding of text, other than those of Python's own source and of host names."""
    with suppress(LookupError, ValueError):
        name = codecs.lookup(received).name
        with suppress(UnicodeDecodeError):
            b"a".decode(name)  # a LookupError where the name is that of another transformation, such as hex
        if name not in NO_FILE_HAS:
            return name
    raise UsageError(f'encoding "{received}" is unknown. Use a name such as utf-8, latin-1, cp1252 or utf-16.')


def split_lines(text: str) -> list[str]:
    """Divide a text at its line feeds and returns, which stay, and at no other character.

    >>> split_lines("a\\r\\nb\\x0bc\\r")
    ['a\\r\\n', 'b\\x0bc\\r']
    """
    return list(io.StringIO(text, newline=""))


def records(lines: Iterable[str], delimiter: str, *, spaced: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number of its first line, cells) for each record that is not a blank line.

    Parameters
    ----------
    lines : iterable of str
        With their ends.
    delimiter : str
    spaced : bool
        Whether spaces after a delimiter belong to it.

    Raises
    ------
    csv.Error
        If the text breaks a rule of the format; DuckDB's parser, which reads the cells, is the judge of that.

    Examples
    --------
    >>> list(records(["a b\\n", "1  2\\n"], " ", spaced=True))
    [(1, ['a', 'b']), (2, ['1', '2'])]
    """
    if spaced and delimiter == " ":
        lines = (line.rstrip(" \r\n") + "\n" for line in lines)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced)
    line = 1
    for cells in reader:
        if cells and (len(cells) > 1 or cells[0].strip() or cells[0] == ""):
            yield line, cells
        line = reader.line_num + 1
