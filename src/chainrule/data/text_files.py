"""The outside of a delimited text file: its encoding, its delimiter, whether its first line holds names.

Everything here is decided from the bytes and the first records, before the file is parsed as a whole.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chainrule.errors import DataError, UsageError

SAMPLE_CHARACTERS = 1 << 20
SAMPLE_RECORDS = 200
NO_FILE_HAS = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
# In this order among delimiters that divide every record alike: a comma may be a decimal comma, a space or a
# vertical bar may belong to a cell.
DELIMITERS = ("\t", ";", ",", "|", " ")
DELIMITER_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
DECIMAL_COMMA_NUMBER = re.compile(r"\s*[+-]?([0-9]+,?[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)


@dataclass(frozen=True)
class TextFile:
    """The text of a file, and what must be known to parse it.

    Attributes
    ----------
    text : str
        The content, without a byte order mark.
    as_stored : bool
        The file itself is UTF-8 with one kind of line end, so that it can be parsed where it lies.
    notes : tuple of str
        What the user should know about the encoding.
    """

    text: str
    as_stored: bool
    notes: tuple[str, ...] = ()


def open_text(path: Path, source: str, encoding: str | None) -> TextFile:
    """Read and decode a file: the given encoding, else a byte order mark, else UTF-8, else Latin-1 with a note.

    Raises
    ------
    DataError
        If the file is empty, is no text, or does not fit the given encoding.
    UsageError
        If the encoding's name is unknown.
    """
    data = _bytes(path, source)
    text, as_stored, notes = _decode(data, source, encoding)
    if not text or text.isspace():
        raise DataError(f"{source} is empty. A table needs at least one row.")
    if "\0" in text:
        raise DataError(
            f"{source} is not a text file: it contains zero bytes. "
            "Tables are read from CSV, Parquet, JSON lines and SQLite files; save it as one of these."
        )
    pairs, returns, feeds = text.count("\r\n"), text.count("\r"), text.count("\n")
    if 0 < pairs < max(returns, feeds) or (returns and feeds and not pairs):
        text, as_stored = text.replace("\r\n", "\n").replace("\r", "\n"), False
    return TextFile(text, as_stored and path.suffix != ".gz", notes)


def _bytes(path: Path, source: str) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{source} cannot be read: {error}.") from None


def _decode(data: bytes, source: str, encoding: str | None) -> tuple[str, bool, tuple[str, ...]]:
    if encoding is not None:
        name = _text_encoding(encoding)
        try:
            text = data.decode("utf-8-sig" if name == "utf-8" else name)
            text.encode()  # some can yield half a pair of surrogates, which is no letter
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{source}, row {line}: the text is not valid {encoding} ({error.reason}). Use another --encoding."
            ) from None
        except (UnicodeError, ValueError) as error:
            raise DataError(f"{source}: the text is not valid {encoding} ({error}). Use another --encoding.") from None
        return text.removeprefix("\ufeff"), name == "utf-8", ()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace"), False, (f"{source} was read as UTF-16.",)
    try:
        return data.decode("utf-8-sig"), True, ()
    except UnicodeDecodeError:
        note = f"{source} is not valid UTF-8 and was read as Latin-1; --encoding chooses another."
    try:
        return data.decode("cp1252"), False, (note,)  # Windows' superset of Latin-1: its quotes and dashes
    except UnicodeDecodeError:
        return data.decode("latin-1"), False, (note,)


def _text_encoding(received: str) -> str:
    """Python's name for an encoding of text, other than those of Python's own source and of host names."""
    with suppress(LookupError, ValueError):
        name = codecs.lookup(received).name
        with suppress(UnicodeDecodeError):
            b"a".decode(name)  # a LookupError where the name is that of another transformation, such as hex
        if name not in NO_FILE_HAS:
            return name
    raise UsageError(f'encoding "{received}" is unknown. Use a name such as utf-8, latin-1, cp1252 or utf-16.')


def records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number of its first line, cells) for each record that is not a blank line.

    Raises
    ------
    csv.Error
        If the text breaks a rule of the format; DuckDB's parser, which reads the cells, is the judge of that.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    for cells in reader:
        if cells and (len(cells) > 1 or cells[0].strip()):
            yield line, cells
        line = reader.line_num + 1


def find_delimiter(text: str, received: str | None) -> str:
    """Return the delimiter: the received one, else the one that divides the first records most evenly.

    Examples
    --------
    >>> find_delimiter("a;b\\n1,5;2\\n", None)
    ';'
    """
    if received is not None:
        delimiter = DELIMITER_WORDS.get(received.lower(), received)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise UsageError(
                f'delimiter must be one character, or tab, comma, semicolon, space or pipe; received "{received}".'
            )
        return delimiter
    best, best_share = ",", 0.0
    for delimiter in DELIMITERS:
        widths = [len(cells) for cells in sample(text, delimiter)]
        if widths and widths[0] > 1:
            share = sum(width == widths[0] for width in widths) / len(widths)
            if share > best_share:
                best, best_share = delimiter, share
    return best


def sample(text: str, delimiter: str) -> list[list[str]]:
    """Return the cells of the first records."""
    start = text[:SAMPLE_CHARACTERS]
    found: list[list[str]] = []
    with suppress(csv.Error):  # the parse of the whole file reports it, with its place
        for _, cells in records(start, delimiter):
            found.append(cells)
            if len(found) == SAMPLE_RECORDS:
                return found
    # The sample may end inside a record.
    return found[:-1] if len(start) < len(text) and len(found) > 1 else found


def first_line_is_data(rows: list[list[str]], missing_tokens: tuple[str, ...], comma: bool) -> bool:
    """Say whether the first record holds values rather than names.

    It does if every cell of it is a number or missing, or if some are numbers and each other cell occurs again
    further down in its column, as class names do. `comma` says whether a number may have a decimal comma.

    Examples
    --------
    >>> first_line_is_data([["5.1", "setosa"], ["4.9", "setosa"]], (), comma=False)
    True
    >>> first_line_is_data([["2019", "country"], ["1.5", "Chad"]], (), comma=False)
    False
    """

    def is_number(cell: str) -> bool:
        return bool(NUMBER.fullmatch(cell) or (comma and DECIMAL_COMMA_NUMBER.fullmatch(cell)))

    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    if not any(is_number(cell) for cell in first):
        return False
    others = [i for i, cell in enumerate(first) if cell and not is_number(cell) and cell not in missing_tokens]
    return all(any(i < len(row) and row[i].strip() == first[i] for row in rest) for i in others)
