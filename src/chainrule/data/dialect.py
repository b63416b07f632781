"""How delimited text divides into cells: its delimiter, and the lines before the table that are none of its rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from chainrule.data.number_cells import is_number
from chainrule.data.text_files import records
from chainrule.errors import DataError, UsageError

SAMPLE_RECORDS = 200
# In this order among delimiters that divide every record alike: a comma may be a decimal comma, a space or a
# vertical bar may belong to a cell.
DELIMITERS = ("\t", ";", ",", "|", " ")
DELIMITER_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
EXCEL = re.compile(r"sep=(.)[\r\n]*")
SPACED_QUOTE = re.compile(r' +"')
COMMENTS = ("#", "%", "//")
MOST_PREAMBLE = 50  # records


@dataclass(frozen=True)
class Dialect:
    """How a text divides into cells.

    Attributes
    ----------
    delimiter : str
        One character.
    spaced : bool
        Whether spaces after a delimiter belong to it, as in aligned columns.
    skip : int
        So many lines stand before the table.
    comment : str
        Lines that begin with this are no rows; nothing for none.
    names_after : str
        The mark of a comment whose line holds the names; nothing where they stand in a line of their own.
    """

    delimiter: str
    spaced: bool = False
    skip: int = 0
    comment: str = ""
    names_after: str = ""


def find_dialect(
    lines: list[str], source: str, delimiter: str | None, skip: int | None, comment: str | None
) -> tuple[Dialect, list[str]]:
    """Find how a text divides into cells; what is given is not looked for.

    Parameters
    ----------
    lines : list of str
        The text's first lines, with their ends.
    source : str
    delimiter : str, optional
    skip : int, optional
        Lines before the table.
    comment : str, optional
        What lines begin with that are no rows.

    Returns
    -------
    Dialect
    list of str
        What was found out, for the user to see.

    Raises
    ------
    DataError
        If lines may be a title or names.

    Examples
    --------
    >>> find_dialect(["a;b\\n", "1,5;2\\n"], "t.csv", None, None, None)
    (Dialect(delimiter=';', spaced=False, skip=0, comment='', names_after=''), [])
    >>> lines = ["Sales of 2024\\n", "\\n", "shop,sold\\n", "A,25\\n"]
    >>> dialect, notes = find_dialect(lines, "t.csv", None, None, None)
    >>> dialect.skip, notes
    (2, ['The first 2 lines of t.csv are no rows of the table and were left out; --skip 0 reads them.'])
    """
    received = _received(delimiter)
    notes: list[str] = []
    first, mark = skip or 0, ""
    excel = EXCEL.fullmatch(lines[0]) if lines and skip is None else None
    if excel:
        received, first = received or excel[1], 1
        notes.append(f"The first line of {source} names the delimiter, as Excel writes it: {excel[1]!r}.")
    elif skip is None and comment is None:
        first, mark = _leading_comments(lines)
    if received is None:
        chosen, spaced, share = _best(lines[first:], comment)
        if skip is None and not excel and share < 1:
            found = _preamble(lines[first:], comment)
            if found:
                chosen, spaced, first = found[0], False, first + found[1]
            elif share == 0:
                _refuse_a_title(lines[first:], source, comment)
    else:
        chosen = received
        spaced, _ = _division(lines[first:], chosen, comment)
    named = bool(mark) and _names_columns(lines[first - 1], mark, lines[first:], chosen, spaced)
    if named:
        first -= 1
        notes.append(
            f"The names of the columns of {source} stand in a comment, line {first + 1}; --no-header forbids it."
        )
    if first and skip is None and not excel:
        if first == 1:
            notes.append(f"The first line of {source} is no row of the table and was left out; --skip 0 reads it.")
        else:
            words = f"The first {first} lines of {source} are no rows of the table and were left out"
            notes.append(f"{words}; --skip 0 reads them.")
    return Dialect(chosen, spaced, first, comment or "", mark if named else ""), notes


def _received(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    named = DELIMITER_WORDS.get(delimiter.lower(), delimiter)
    if len(named) != 1 or named in '"\r\n':
        raise UsageError(
            f'delimiter must be one character, or tab, comma, semicolon, space or pipe; received "{delimiter}".'
        )
    return named


def sample(lines: list[str], delimiter: str, spaced: bool = False, comment: str | None = None) -> list[list[str]]:
    """Return the cells of the first records.

    >>> sample(["a;b\\n", "1;2\\n", "3"], ";")
    [['a', 'b'], ['1', '2'], ['3']]
    """
    return [cells for _, cells in _numbered_sample(lines, delimiter, spaced, comment)]


def _numbered_sample(
    lines: list[str], delimiter: str, spaced: bool = False, comment: str | None = None
) -> list[tuple[int, list[str]]]:
    """The same, each record with its line."""
    found: list[tuple[int, list[str]]] = []
    with suppress(csv.Error):  # the parse of the whole file reports it, with its place
        for record in islice(records(uncommented(lines, comment), delimiter, spaced=spaced), SAMPLE_RECORDS):
            found.append(record)
    return found


def uncommented(lines: list[str] | Iterator[str], comment: str | None) -> Iterator[str]:
    """Yield lines, with blank ones in place of comments; a line inside quotation marks is none.

    >>> list(uncommented(["# made by hand\\n", "1,2\\n"], "#"))
    ['\\n', '1,2\\n']
    """
    inside = False
    for line in lines:
        if comment and not inside and line.lstrip().startswith(comment):
            yield "\n"
            continue
        inside ^= bool(line.count('"') % 2)
        yield line


def _best(lines: list[str], comment: str | None) -> tuple[str, bool, float]:
    """The delimiter that divides the first records most evenly, whether spaces belong to it, and how evenly."""
    best, best_spaced, best_share = ",", False, 0.0
    for delimiter in DELIMITERS:
        spaced, share = _division(lines, delimiter, comment)
        if share > best_share:
            best, best_spaced, best_share = delimiter, spaced, share
    return best, best_spaced, best_share


def _division(lines: list[str], delimiter: str, comment: str | None) -> tuple[bool, float]:
    """Whether spaces belong to a delimiter, and the share of records that are as long as the first."""
    rows = sample(lines, delimiter, False, comment)
    share = evenness(rows)
    spaces = any(' "' in line for line in lines)
    before_quote = spaces and any(SPACED_QUOTE.match(cell) for row in rows for cell in row)
    if delimiter == " " or before_quote:
        spaced = evenness(sample(lines, delimiter, True, comment))
        if spaced > share or (before_quote and spaced == share):
            return True, spaced
    return False, share


def evenness(rows: list[list[str]]) -> float:
    """Return the share of records that are as long as the first; nearly 1 where all others have one cell more.

    >>> evenness([["a", "b"], ["1", "2"], ["1"]]), evenness([["a", "b"], ["1", "2", "3"], ["4", "5", "6"]])
    (0.6666666666666666, 0.99)
    """
    if not rows or len(rows[0]) < 2:
        return 0.0
    widths = [len(row) for row in rows]
    if len(rows) > 1 and set(widths[1:]) == {widths[0] + 1}:
        return 0.99  # names of rows, or a delimiter at the end of each
    return sum(width == widths[0] for width in widths) / len(widths)


def _leading_comments(lines: list[str]) -> tuple[int, str]:
    """How many lines before the table are comments, and the mark that they begin with."""
    for mark in COMMENTS:
        n = next((i for i, line in enumerate(lines) if not line.startswith(mark)), 0)
        if n:
            return n, mark
    return 0, ""


def _names_columns(line: str, mark: str, rest: list[str], delimiter: str, spaced: bool) -> bool:
    """Whether a comment holds the names of the columns: as many words as the rows below have cells, which hold numbers.

    >>> [_names_columns(line, "#", ["1,2\\n"], ",", False) for line in ("# a, b\\n", "# by me\\n")]
    [True, False]
    """
    rows = sample(rest, delimiter, spaced)
    names = [name.strip() for row in sample([line[len(mark) :].lstrip()], delimiter, spaced) for name in row]
    if len(names) < 2 or not rows or {len(row) for row in rows} != {len(names)}:
        return False
    return all(names) and not any(map(is_number, names)) and any(is_number(cell.strip()) for cell in rows[0])


def _refuse_a_title(lines: list[str], source: str, comment: str | None) -> None:
    """Refuse a first line of one cell above records of several: whether it is a title or a name is not to be known."""
    for delimiter in DELIMITERS[:-1]:
        widths = [len(row) for row in sample(lines, delimiter, comment=comment)]
        width, n = Counter(widths[1:]).most_common(1)[0] if len(widths) > 1 else (1, 0)
        if width > 1 and 2 * n > len(widths) - 1:
            raise DataError(
                f"{source}: the first line has one cell, and most others have {width}, divided by {delimiter!r}. "
                "Use --skip if it is no row of the table, or --delimiter if each line is one cell."
            )


def _preamble(lines: list[str], comment: str | None) -> tuple[str, int] | None:
    """A delimiter that divides all records alike but for a title before them, and the number of lines of that.

    The title is clear if its records are of one cell, the first record after it holds names, and there is a blank line,
    a second line of title, or a number below: it could else be the name of a column of sentences.
    """
    found = [one for delimiter in DELIMITERS[:-1] if (one := _title(lines, comment, delimiter))]  # words are no columns
    return min(found, key=lambda one: one[1], default=None)


def _title(lines: list[str], comment: str | None, delimiter: str) -> tuple[str, int] | None:
    """The same for one delimiter."""
    sampled = _numbered_sample(lines, delimiter, comment=comment)
    found = [(line, [cell.strip() for cell in cells]) for line, cells in sampled]
    widths = [len(cells) for _, cells in found]
    if not widths or widths[0] != 1:
        return None
    begin = next((i for i, n in enumerate(widths) if n != 1), 0)
    rest = found[begin:]
    names, rows = rest[0][1], [cells for _, cells in rest[1:]]
    holds_names = (
        all(names[:-1])
        and len(set(names)) == len(names)
        and not any(map(is_number, names))
        and not any(name == cell for row in rows for name, cell in zip(names, row, strict=False))
    )
    apart = begin > 1 or rest[0][0] > found[begin - 1][0] + 1
    clear = apart or any(is_number(cell) for row in rows for cell in row)
    even = 0 < begin <= MOST_PREAMBLE and len(rows) > 0 and len(set(widths[begin:])) == 1
    return (delimiter, rest[0][0] - 1) if even and holds_names and clear else None
