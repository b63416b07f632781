"""Sheets of Excel files (.xlsx), read by python-calamine, which is an extra."""

from __future__ import annotations

import datetime
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.data.columns import Column, Table, name_list, refuse_bad_names
from chainrule.data.frames import column_from_objects
from chainrule.data.reading_notes import row_names_note
from chainrule.errors import DataError, UsageError

ENDINGS = (".xlsx", ".xlsm")


def is_excel(path: Path) -> bool:
    """Whether a file is an Excel workbook: by its name, or by what its archive holds."""
    if path.suffix.lower() in ENDINGS:
        return True
    with suppress(zipfile.BadZipFile, OSError), zipfile.ZipFile(path) as archive:
        return "xl/workbook.xml" in archive.namelist()
    return False


def read_excel(path: Path, source: str, sheet: str | None) -> Table:
    """Read one sheet, whose first row with cells holds the names; rows are numbered as in Excel.

    Raises
    ------
    UsageError
        If python-calamine is not installed, or there are several sheets and none is named.
    DataError
        If the file is damaged or the sheet holds no table.
    """
    try:
        import python_calamine
    except ImportError:
        raise UsageError(
            f"{source} is an Excel file; reading it needs python-calamine. "
            "Run: pip install 'chainrule[excel]'; or save the sheet as CSV."
        ) from None
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise DataError(f"{source} cannot be read: {error}.") from None
    chosen = _chosen(book.sheet_names, source, sheet)
    try:
        rows = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise DataError(f"{source} cannot be read: {error}.") from None
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if any(map(_filled, row))]
    if not numbered:
        raise DataError(f'{source}: the sheet "{chosen}" is empty.')
    header = numbered[0][1]
    places = [i for i in range(len(header)) if _filled(header[i]) or any(_filled(row[i]) for _, row in numbered)]
    names = [str(header[i]).strip() if _filled(header[i]) else "" for i in places]
    notes: tuple[str, ...] = ()
    if len(names) > 1 and not names[0]:  # as pandas writes its index
        names, places, notes = names[1:], places[1:], (row_names_note(source),)
    refuse_bad_names(names, source)
    if not all(isinstance(header[i], str) for i in places):
        raise DataError(f'{source}, sheet "{chosen}": the first row holds values. Write the columns\' names there.')
    columns: list[Column] = []
    for name, i in zip(names, places, strict=True):
        cells = [_cell(row[i]) for _, row in numbered[1:]]
        columns.append(column_from_objects(name, cells, source))
    lines = np.array([number for number, _ in numbered[1:]], dtype=np.int64)
    return Table(tuple(columns), source, notes, lines)


def _chosen(sheets: list[str], source: str, sheet: str | None) -> str:
    if sheet is None and len(sheets) == 1:
        return sheets[0]
    if sheet not in sheets:
        said = "has several sheets" if sheet is None else f'has no sheet "{sheet}"'
        raise UsageError(f"{source} {said}. Name one with --sheet: {name_list(sheets)}.")
    return str(sheet)


def _filled(value: Any) -> bool:
    return value is not None and value != ""


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return f"{value.days} days {datetime.timedelta(seconds=value.seconds, microseconds=value.microseconds)}"
    return value
