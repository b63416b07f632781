"""The names of delimited text, and on which lines its rows are."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from chainrule.data.columns import count, name_list, refuse_bad_names
from chainrule.data.dialect import Dialect, sample, uncommented
from chainrule.data.number_cells import DIGITS, NUMBER, bare_number, take_apart
from chainrule.data.reading_notes import row_names_note
from chainrule.data.text_files import TextFile, records
from chainrule.errors import DataError

# What the first column is called while it has no name of its own.
ROW_NAMES = "(row names)"
# What the empty column is called that a delimiter at the end of each row makes.
NOTHING = "(nothing)"


@dataclass(frozen=True)
class Layout:
    """How the file divides into records and cells.

    Attributes
    ----------
    dialect : Dialect
    names : tuple of str
        The columns' names.
    header : bool
        Whether the names are the first record.
    begin : int
        The first line after the names.
    row_names : bool
        Whether the first column numbers or names the rows: its own name is empty, as R and pandas write it.
    trailing : bool
        Whether each row ends with a delimiter, which makes one more column with nothing in it.
    """

    dialect: Dialect
    names: tuple[str, ...]
    header: bool
    begin: int
    row_names: bool = False
    trailing: bool = False

    def records(self, file: TextFile) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, cells) for each record after the names."""
        for line, cells in every_record(file.lines(), self.dialect):
            if line >= self.begin:
                yield line, cells


def every_record(lines: Iterable[str], dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) for each record of the table in a file's lines, its names included."""
    table = ("\n" if i < dialect.skip else line for i, line in enumerate(lines))
    return records(uncommented(table, dialect.comment), dialect.delimiter, spaced=dialect.spaced)


def find_layout(
    file: TextFile,
    source: str,
    dialect: Dialect,
    header: bool | None,
    tokens: tuple[str, ...],
    comma: bool,
) -> tuple[Layout, list[str]]:
    """Find the names; return the layout, and notes on what was found out.

    Parameters
    ----------
    comma : bool
        Whether a number may have a decimal comma.

    Raises
    ------
    DataError
        If there is no row, or names are bad.
    """
    lines = file.first_lines[dialect.skip :]
    if dialect.names_after:
        lines = [lines[0].removeprefix(dialect.names_after).lstrip(), *lines[1:]]
        header = True if header is None else header
    rows = sample(lines, dialect.delimiter, dialect.spaced, dialect.comment)
    if not rows:
        raise DataError(
            f"{source} has no rows that can be read with the delimiter {dialect.delimiter!r}. Use --delimiter."
        )
    notes = []
    if header is None:
        header = not first_line_is_data(rows, tokens, comma)
        if not header:
            notes.append(
                f"The first line of {source} holds values, so the columns are called column1 to column{len(rows[0])}; "
                "--header takes it as names."
            )
        elif odd := [f'"{cell.strip()}"' for cell in rows[0] if _like_a_value(cell.strip())]:
            notes.append(
                f"The first line of {source} was taken for names, though some look like values: {name_list(odd, 5)}; "
                "--no-header takes it as a row."
            )
    names = tuple(name.strip() for name in rows[0]) if header else tuple(f"column{i + 1}" for i in range(len(rows[0])))
    trailing, unnamed = _one_cell_more(rows, names) if header else (False, False)
    if trailing:
        names = (*(names[:-1] if not names[-1] else names), NOTHING)
    elif unnamed:
        names = ("", *names)
    row_names = not names[0]  # of several: a line with one empty cell is blank
    if row_names:
        names = (ROW_NAMES, *names[1:])
        notes.append(row_names_note(source))
    refuse_bad_names(names, source)
    begin = _after_names(file, dialect) if header else dialect.skip + 1
    return Layout(dialect, names, header, begin, row_names, trailing), notes


def _after_names(file: TextFile, dialect: Dialect) -> int:
    """The first line after the first record."""
    read = 0

    def counted() -> Iterator[str]:
        nonlocal read
        for line in file.lines():
            read += 1
            yield line

    next(every_record(counted(), dialect))
    return read + 1


def _one_cell_more(rows: list[list[str]], names: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether each row ends with a delimiter, and whether rows begin with a name of their own, as R writes them."""
    rest = rows[1:]
    widths = {len(row) for row in rest}
    if len(names) < 2 or len(widths) != 1 or widths.pop() - len(names) not in (0, 1):
        return False, False
    more = len(rest[0]) > len(names)
    if (more or not names[-1]) and not any(row[-1].strip() for row in rest):
        return True, False
    first = [row[0].strip() for row in rest]
    counted = first == [str(i + 1) for i in range(len(first))]
    return False, more and (counted or (len(set(first)) == len(first) and not any(map(take_apart, first))))


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
        return bool(NUMBER.fullmatch(cell) or (comma and bare_number(cell.strip())))

    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    if not any(is_number(cell) for cell in first):
        return False
    others = [i for i, cell in enumerate(first) if cell and not is_number(cell) and cell not in missing_tokens]
    return all(any(i < len(row) and row[i].strip() == first[i] for row in rest) for i in others)


def _like_a_value(name: str) -> bool:
    """Whether a name looks like a value. A whole number does not: it may be a year, or a number of its column.

    >>> [_like_a_value(name) for name in ("23,288", "9.7", "001", "2009", "area", "")]
    [True, True, True, False, False, False]
    """
    if DIGITS.fullmatch(name):
        return len(name) > 1 and name[0] == "0"
    return bare_number(name) is not None


def parse_error(layout: Layout, file: TextFile, source: str, message: str) -> DataError:
    """Build the error for text that could not be parsed, from the parser's message and the text itself."""
    found = re.search(r"Line: (\d+)", message)
    place = f", row {found[1]}" if found else ""
    if "unterminated quote" in message:
        return DataError(
            f'{source}{place}: a quotation mark is opened but not closed. Close it, or write it twice ("").'
        )
    width = len(layout.names)
    blank = next((i for i, line in enumerate(file.lines(), 1) if line.isspace() and line.strip("\r\n")), 0)
    if found and blank == int(found[1]):
        return DataError(f"{source}, row {blank}: nothing but spaces. Remove them, or the line.")
    with suppress(csv.Error):
        for line, cells in layout.records(file):
            if len(cells) != width:
                return uneven(layout, source, line, len(cells))
    if "Maximum line size" in message or "field larger" in message:
        return DataError(
            f"{source}{place}: the row is longer than 2,000,000 bytes. Close its quotation marks, or shorten it."
        )
    return DataError(
        f"{source}{place}: the row cannot be read as delimited text. Look for stray quotation marks in it."
    )


def uneven(layout: Layout, source: str, line: int, cells: int) -> DataError:
    """Build the error for a row that has more or fewer cells than the first."""
    return DataError(
        f"{source}, row {line}: {count(cells, 'cell')}, but the first row has {len(layout.names)}. "
        f"Complete the row, put quotation marks around cells that contain {layout.dialect.delimiter!r}, "
        "or name another --delimiter; --skip leaves out lines before the table, --comment lines that begin with a mark."
    )


def line_numbers(layout: Layout, file: TextFile, source: str, n_rows: int) -> np.ndarray:
    """Return the line on which each row begins; the first line is 1.

    Raises
    ------
    DataError
        If the file's lines make another number of rows: one would have been lost, or made.
    """
    contents = file.contents
    if b'"' not in contents.found and contents.lines == n_rows + layout.begin - 1:
        return np.arange(layout.begin, layout.begin + n_rows)
    # Blank lines, or line ends inside quotation marks: look where each record begins.
    try:
        lines = [line for line, _ in layout.records(file)]
    except csv.Error as error:
        raise parse_error(layout, file, source, str(error)) from None
    if len(lines) != n_rows:
        raise DataError(
            f"{source}: its lines make {count(len(lines), 'row')} or {n_rows:,}, as quotation marks are read. "
            'Look for stray quotation marks; inside of a quoted cell they are written twice ("").'
        )
    return np.array(lines, dtype=np.int64)
