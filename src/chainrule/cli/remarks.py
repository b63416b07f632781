"""What is said about rows that a model takes: how they were read, and what training did not have."""

from __future__ import annotations

from typing import Any

from chainrule.cli.output import say


def say_remarks(model: Any, table: Any) -> None:
    """Say to standard error how a table was read and what is odd about it for a model; nothing where nothing is."""
    for note in dict.fromkeys((*table.notes, *model.encoding.remarks(table))):
        say(note, aside=True)
