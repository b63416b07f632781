"""Cells of delimited text as DuckDB reads them: columns of plain numbers as numbers, at once; all others as text.

A column counts as plain if each of its cells is missing or a number as a cast to a double takes it, and if that is
surely what the cell means: not a code (007), and not a number with a mark of thousands (8.505 beside 950).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np

from chainrule.data.cell_sql import WHITE_SPACE, literal, token_sql
from chainrule.data.columns import Column, Origin, Writing, numbers_if_empty
from chainrule.data.dialect import sample
from chainrule.data.layout import Layout, parse_error
from chainrule.data.number_cells import NUMBER, Marks, bare_number, complete, evidence, take_apart
from chainrule.data.text_columns import Hints, agreed
from chainrule.data.text_files import TextFile

# Whole numbers from here on are not all exact as float64: they may be codes.
LONG = 10.0**15
# Expressions in one SQL statement: DuckDB holds buffers for each, too many for thousands of columns.
BATCH = 64
GUESSED_FROM = 20_000  # cells that are looked at to guess which columns hold numbers
# A decimal point for sure: not one before exactly three digits, and after one to three of which the first is no zero.
POINT = r"[+-]?(0[0-9]*|[0-9]{4,}|)\.[0-9]+|[+-]?[0-9]*\.([0-9]{1,2}|[0-9]{4,})"
# What a cast takes for a number, and nobody writes.
ODD = (b"_", b"+-")
T = TypeVar("T")
Mark = Literal[".", ","]


@dataclass(frozen=True)
class Cells:
    """A text that DuckDB has open, as a table of cells c0, c1, ..., all of them text.

    Attributes
    ----------
    connection : DuckDB connection
    reader : str
        The SQL that reads the text, with TOKENS for the list of words that count as missing.
    tokens : tuple of str
        Those words.
    found : tuple of str
        Those of them that the text holds.
    """

    connection: Any
    reader: str
    tokens: tuple[str, ...]
    found: tuple[str, ...]

    def fetch(self, selected: Sequence[str], end: str = "", *, tokens: bool = True) -> dict[str, Any]:
        """Return the values of SQL expressions of the cells, each by its name."""
        words = ", ".join(literal(token) for token in ("", *(self.found if tokens else ())))
        statement = f"SELECT {', '.join(selected)} FROM {self.reader.replace('TOKENS', words)} {end}"
        found: dict[str, Any] = self.connection.execute(statement).fetchnumpy()
        return found

    def which(self, columns: Sequence[int], condition: str) -> set[int]:
        """Return the columns in which a condition of the cell, called CELL, holds in some row."""
        found: set[int] = set()
        for batch in _batches(list(columns)):
            values = self.fetch([f"bool_or({condition.replace('CELL', f'c{i}')}) AS c{i}" for i in batch])
            found |= {i for i in batch if values[f"c{i}"][0] is np.True_ or values[f"c{i}"][0] is True}
        return found


def read_cells(
    cells: Cells, file: TextFile, layout: Layout, source: str, hints: Hints, as_text: set[str]
) -> tuple[list[Column], Marks]:
    """Read all columns: plain numbers as such, and all else as text; return also what the numbers show of the marks.

    Raises
    ------
    DataError
        If the text cannot be parsed.
    """
    import duckdb

    try:
        return _read_cells(cells, file, layout, hints, as_text)
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise  # no fault of the text; `unlimited` says what it is
    except duckdb.Error as error:
        raise parse_error(layout, file, source, str(error)) from None


def _read_cells(
    cells: Cells, file: TextFile, layout: Layout, hints: Hints, as_text: set[str]
) -> tuple[list[Column], Marks]:
    import duckdb

    names = layout.names
    plain = {i: mark for i, mark in _guessed(file, layout, hints, cells.tokens).items() if names[i] not in as_text}
    text = [i for i in range(len(names)) if i not in plain]
    try:
        found = _fetched(cells, plain, text)
    except duckdb.ConversionException:
        wrong = _not_numbers(cells, plain)
        plain = {i: mark for i, mark in plain.items() if i not in wrong}
        text = [i for i in range(len(names)) if i not in plain]
        found = _fetched(cells, plain, text)
    values = {i: _numbers(found.pop(f"c{i}")) for i in plain}
    shown, unsure = _marks_shown(cells, file, plain, values, found, hints)
    unsure = {i for i in unsure if plain[i] == "," or hints.marks_of(names[i]).decimal != "."}
    unsure |= {i for i, array in values.items() if not _sure(array)} | _odd(cells, file, list(plain))
    if unsure:
        found |= cells.fetch([f"c{i}" for i in sorted(unsure)])
    columns = []
    for i, name in enumerate(names):
        if i in values and i not in unsure:
            origin: Origin = "integer" if _whole(values[i]) else "float"
            writing = Writing(decimal=plain[i] if origin == "float" else None)
            columns.append(Column(name, "number", values[i], "", origin, writing=writing))
        else:
            column = Column(name, "text", trimmed(found.pop(f"c{i}"), cells.tokens), "", "text")
            columns.append(column if name in as_text else numbers_if_empty(column))
    return _with_tokens(cells, columns), shown


def _not_numbers(cells: Cells, plain: Mapping[int, Mark]) -> set[int]:
    """The columns with a cell that is no number."""
    wrong: set[int] = set()
    for mark in set(plain.values()):
        columns = [i for i in plain if plain[i] == mark]
        wrong |= cells.which(columns, f"CELL IS NOT NULL AND {_cast('CELL', mark, 'TRY_CAST')} IS NULL")
    return wrong


def _fetched(cells: Cells, plain: Mapping[int, Mark], text: Sequence[int]) -> dict[str, Any]:
    numbers = [f"{_cast(f'c{i}', mark, 'CAST')} AS c{i}" for i, mark in plain.items()]
    return cells.fetch([*numbers, *(f"c{i}" for i in text)])


def _cast(cell: str, mark: Mark, cast: str) -> str:
    return f"{cast}({cell} AS DOUBLE)" if mark == "." else f"{cast}(replace({cell}, ',', '.') AS DOUBLE)"


def _guessed(file: TextFile, layout: Layout, hints: Hints, tokens: tuple[str, ...]) -> dict[int, Mark]:
    """The columns whose first cells are plain numbers, with their decimal marks."""
    dialect = layout.dialect
    rows = sample(file.first_lines[dialect.skip :], dialect.delimiter, dialect.spaced, dialect.comment)
    rows = rows[layout.header :][: max(20, GUESSED_FROM // len(layout.names))]
    comma = hints.marks.decimal == "," or hints.marks.thousands == "."
    guessed: dict[int, Mark] = {}
    for i in range(len(layout.names)):
        column = (row[i].strip(WHITE_SPACE) for row in rows if len(row) > i)
        known = [cell for cell in column if cell and cell not in tokens]
        if all(NUMBER.fullmatch(cell) for cell in known):
            guessed[i] = "," if comma else "."
        elif hints.marks.decimal != "." and (comma or dialect.delimiter != ",") and _decimal_commas(known):
            guessed[i] = ","
    return guessed


def _decimal_commas(cells: Sequence[str]) -> bool:
    plain = [part for cell in cells if (part := bare_number(cell))]
    if len(plain) < len(cells):
        return False
    marks = evidence(plain)
    return marks is not None and marks.decimal == "," and marks.thousands is None


def _marks_shown(
    cells: Cells,
    file: TextFile,
    plain: Mapping[int, Mark],
    values: Mapping[int, np.ndarray],
    text: Mapping[str, Any],
    hints: Hints,
) -> tuple[Marks, set[int]]:
    """What the file's numbers show of its marks, and the columns of numbers that may mean something else."""
    points, commas = ([i for i in plain if plain[i] == mark] for mark in ".,")
    if b"." not in file.contents.found:
        return Marks(decimal="," if commas else None), set()
    unsure = cells.which(commas, "contains(CELL, '.')")
    if complete(hints.marks).decimal == ".":
        return Marks(), unsure
    shown = [Marks(decimal=",")] if set(commas) - unsure else []
    shown += [
        evidence(part for cell in _some(array) if (part := take_apart(cell))) or Marks() for array in text.values()
    ]
    if _has_point(cells, points):
        shown.append(Marks(decimal="."))
    agreement = agreed(shown)
    if agreement.decimal != ".":
        unsure |= cells.which([i for i in points if _doubtful(values[i])], "contains(CELL, '.')")
    return agreement, unsure


def _has_point(cells: Cells, columns: Sequence[int]) -> bool:
    """Whether some cell of these columns has a decimal point for sure."""
    for batch in _batches(list(columns)):
        conditions = " OR ".join(f"regexp_full_match(c{i}, '{POINT}')" for i in batch)
        if len(cells.fetch(["1 AS found"], f"WHERE {conditions} LIMIT 1")["found"]):
            return True
    return False


def _some(array: Any) -> list[str]:
    """A thousand cells of a column of text."""
    known = np.ma.compressed(array) if isinstance(array, np.ma.MaskedArray) else array
    return [str(cell).strip() for cell in known[:: max(1, len(known) // 1000)]]


def _doubtful(values: np.ndarray) -> bool:
    """Whether all numbers could be written with one point before three digits, and so be thousands."""
    known = np.abs(values[np.isfinite(values)])
    fractions = known[known % 1 != 0]
    thousandths = fractions * 1000
    return bool(((fractions >= 1) & (fractions < 1000) & (np.abs(thousandths - np.round(thousandths)) < 1e-6)).all())


def _sure(values: np.ndarray) -> bool:
    """Whether numbers are surely no codes, and exact."""
    return not (np.abs(values) >= LONG).any()


def _odd(cells: Cells, file: TextFile, columns: Sequence[int]) -> set[int]:
    """The columns of numbers with codes such as 007 in them, or with what only a cast takes for a number."""
    found: set[int] = set()
    if file.contents.codes:
        found |= cells.which(columns, "ltrim(CELL) >= '00' AND ltrim(CELL) < '0:'")
    if any(odd in file.contents.found for odd in ODD):
        found |= cells.which(columns, "contains(CELL, '_') OR contains(CELL, '+-')")
    return found


def _numbers(fetched: Any) -> np.ndarray:
    """What DuckDB fetched as float64, with NaN where it was NULL and infinity where it is no number."""
    values: np.ndarray = np.ma.getdata(fetched)
    unknown = np.isnan(values)
    missing = np.ma.getmaskarray(fetched) if isinstance(fetched, np.ma.MaskedArray) else np.zeros(0, dtype=bool)
    if unknown.any():
        values[unknown & ~missing if len(missing) else unknown] = np.inf  # the word nan: `_sure` finds it
    if len(missing):
        values[missing] = np.nan
    return values


def _whole(values: np.ndarray) -> bool:
    for some in (values[:1000], values):  # most columns with fractions are known by a few
        known = some[~np.isnan(some)]
        if (known != np.floor(known)).any():
            return False
    return len(known) > 0


def trimmed(fetched: Any, tokens: Sequence[str]) -> np.ndarray:
    """Return cells without white space around them, and None for those that count as missing.

    >>> trimmed(np.array([" a ", " NA", "b"], dtype=object), ("NA",))
    array(['a', None, 'b'], dtype=object)
    """
    values = np.ma.getdata(fetched).astype(object)
    if isinstance(fetched, np.ma.MaskedArray):
        values[np.ma.getmaskarray(fetched)] = None
    bare = {cell: cell.strip(WHITE_SPACE) for cell in set(values.tolist()) if cell is not None}
    changed = {cell: None if text in ("", *tokens) else text for cell, text in bare.items()}
    if any(cell != text for cell, text in changed.items()):
        values[:] = [changed.get(cell) for cell in values.tolist()]
    return values


def _with_tokens(cells: Cells, columns: list[Column]) -> list[Column]:
    """Count, for each column with gaps, the words that stand for a missing value."""
    words = cells.found
    gaps = [i for i, column in enumerate(columns) if column.missing.any()] if words else []
    for batch in _batches(gaps):
        counts = cells.fetch([f"histogram({token_sql(f'c{i}', words)}) AS c{i}" for i in batch], tokens=False)
        for i in batch:
            counted = counts[f"c{i}"][0]
            found = tuple(counted.items()) if isinstance(counted, dict) else ()
            columns[i] = replace(columns[i], tokens=found)
    return columns


def _batches(items: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
