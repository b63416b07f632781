"""How delimited text divides into records and cells, and on which lines they are."""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from chainrule.data.columns import count, refuse_bad_names
from chainrule.data.text_files import find_delimiter, first_line_is_data, records, sample
from chainrule.errors import DataError

# What the first column is called while it has no name of its own.
ROW_NAMES = "(row names)"


@dataclass(frozen=True)
class Layout:
    """How the file divides into records and cells.

    Attributes
    ----------
    text : str
        The whole text, for the line numbers of messages.
    delimiter : str
        One character.
    names : tuple of str
        The columns' names.
    header : bool
        Whether the names are the first record.
    row_names : bool
        Whether the first column numbers or names the rows: its own name is empty, as R and pandas write it.
    """

    text: str
    delimiter: str
    names: tuple[str, ...]
    header: bool
    row_names: bool = False


def find_layout(
    text: str, source: str, delimiter: str | None, decimal: str | None, header: bool | None, tokens: tuple[str, ...]
) -> tuple[Layout, list[str]]:
    """Find the delimiter and the names; return the layout, and notes on what was found out.

    Raises
    ------
    DataError
        If there is no row, or names are bad.
    """
    chosen = find_delimiter(text, delimiter)
    rows = sample(text, chosen)
    if not rows:
        raise DataError(f"{source} has no rows that can be read with the delimiter {chosen!r}. Use --delimiter.")
    notes = []
    if header is None:
        header = not first_line_is_data(rows, tokens, comma=decimal != "." and chosen != ",")
        if not header:
            notes.append(
                f"The first line of {source} holds values, so the columns are called column1 to column{len(rows[0])}; "
                "--header takes it as names."
            )
    names = tuple(name.strip() for name in rows[0]) if header else tuple(f"column{i + 1}" for i in range(len(rows[0])))
    row_names = not names[0]  # of several: a line with one empty cell is blank
    if row_names:
        names = (ROW_NAMES, *names[1:])
        notes.append(f"The first column of {source} has no name: it was taken for row names and left out.")
    refuse_bad_names(names, source)
    return Layout(text, chosen, names, header, row_names), notes


def parse_error(layout: Layout, source: str, message: str) -> DataError:
    """Build the error for text that DuckDB could not parse, from its message and the text itself."""
    found = re.search(r"Line: (\d+)", message)
    place = f", row {found[1]}" if found else ""
    if "unterminated quote" in message:
        return DataError(
            f'{source}{place}: a quotation mark is opened but not closed. Close it, or write it twice ("").'
        )
    width = len(layout.names)
    with suppress(csv.Error):
        for line, cells in records(layout.text, layout.delimiter):
            if len(cells) != width:
                return DataError(
                    f"{source}, row {line}: {count(len(cells), 'cell')}, but the first row has {width}. "
                    f"Complete the row, put quotation marks around cells that contain {layout.delimiter!r}, "
                    "or name another --delimiter."
                )
    if "Maximum line size" in message:
        return DataError(
            f"{source}{place}: the row is longer than 2,000,000 bytes. Close its quotation marks, or shorten it."
        )
    return DataError(
        f"{source}{place}: the row cannot be read as delimited text. Look for stray quotation marks in it."
    )


def line_numbers(layout: Layout, n_rows: int) -> np.ndarray:
    """Return the line on which each row begins; the first line is 1."""
    first = 2 if layout.header else 1
    text = layout.text
    ends = text.count("\n") or text.count("\r")
    if ends + (not text.endswith(("\n", "\r"))) == n_rows + first - 1:
        return np.arange(first, first + n_rows)
    # Blank lines, or line ends inside quotation marks: look where each record begins.
    lines: list[int] = []
    with suppress(csv.Error):
        lines = [line for line, _ in records(text, layout.delimiter)][first - 1 :]
    return np.array(lines) if len(lines) == n_rows else np.arange(first, first + n_rows)
