"""What a command reads is not replaced by what it writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from chainrule.data.reading_plan import ReadingPlan
from chainrule.files import refuse_same


def refuse_to_replace(path: str | os.PathLike[str], data: str | None, flags: Mapping[str, Any]) -> None:
    """Raise UsageError where an output is the table, or a file that the query reads."""
    refuse_same(path, data, "the table")
    for part in ("validation", "test"):
        refuse_same(path, flags.get(f"{part}_file"), f"the table of {part} rows")
    if flags.get("sql") is None or not os.path.exists(path):
        return
    from chainrule.data.queries import files_read

    files = ReadingPlan(sql_files=flags.get("sql_files")).sql_files
    for read in files_read(flags["sql"], files, with_data=data is not None):
        refuse_same(path, read, "a table of the query")
