"""What a training leaves behind: its model first of all, its history, its report; and what could not be written."""

from __future__ import annotations

import csv
import io
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainrule.files import NOT_WRITTEN, why, write_whole
from chainrule.interrupts import let_through


@dataclass
class Left:
    """What was written, and why the rest was not.

    Attributes
    ----------
    paths : dict of str to Path
        Where the model, its history and its report are; without what is missing.
    missing : list of str
        What could not be written, and why.
    interrupted : bool
        Whether the report was left out because of an interrupt.
    """

    paths: dict[str, Path] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    interrupted: bool = False

    def in_words(self) -> str:
        """Name what could not be written, and where the model is."""
        where = f'The model is in "{self.paths["model"]}".' if "model" in self.paths else "No place took the model."
        return f"not written: {'; '.join(self.missing)}. {where}"


def leave(model: Any, paths: dict[str, Path], command: str) -> Left:
    """Write a model, and then what describes it; whatever fails, the rest is written.

    Interrupts are held by the caller: one leaves out the report, which may take a while, and nothing else.
    """
    left = Left()
    _leave_model(model, paths["model"], left)
    try:
        left.paths["history"] = write_whole(paths["history"], history_csv(model.history))
    except NOT_WRITTEN as error:
        left.missing.append(_what("the history", paths["history"], error))
    if "report" not in paths:
        return left
    try:
        with let_through():
            from chainrule.show.report import write_report

            left.paths["report"] = write_report(model, paths["report"], command=command)
    except NOT_WRITTEN as error:
        left.missing.append(_what("the report", paths["report"], error))
    except KeyboardInterrupt:
        left.interrupted = True
    return left


def _leave_model(model: Any, path: Path, left: Left) -> None:
    """Where its own place fails, in a folder of its own among the temporary files, or else at home."""
    try:
        left.paths["model"] = model.save(path)
        return
    except NOT_WRITTEN as error:
        left.missing.append(_what("the model", path, error))
    for place in (tempfile.gettempdir, Path.home):
        folder = None
        with suppress(*NOT_WRITTEN, RuntimeError):  # no temporary folder, no home
            folder = Path(tempfile.mkdtemp(prefix="chainrule-", dir=place()))
            left.paths["model"] = model.save(folder / path.name)
            return
        if folder is not None:
            with suppress(OSError):
                folder.rmdir()


def _what(name: str, path: Path, error: Exception) -> str:
    return f'{name} "{path}" ({why(error)})'


def history_csv(history: Any) -> str:
    """Write a history as CSV, with empty cells for what was not measured.

    >>> from chainrule.training.state import Epoch
    >>> print(history_csv([Epoch(1, 0.5, float("nan"), 1.0, 1.0, 0.1, 2.0, 0.25)]).splitlines()[1])
    1,0.5,,1.0,1.0,0.1,2.0,0.25
    """
    from chainrule.training.state import Epoch

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Epoch._fields)
    writer.writerows(["" if value != value else value for value in row] for row in history)
    return text.getvalue()
