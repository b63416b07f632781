"""How far the reading of a large table is, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from chainrule.cli.output import is_terminal, say
from chainrule.data.watching import watcher

SECONDS = 10.0  # between two lines where standard error is no terminal


class ReadingProgress:
    """Shows a share: in a terminal in one line that changes, elsewhere as a line now and then."""

    def __init__(self) -> None:
        self._said, self._terminal = time.monotonic(), is_terminal()

    def __call__(self, share: float | None) -> None:
        if self._terminal:
            with suppress(OSError, ValueError):
                sys.stderr.write("\r" + " " * 20 + "\r" if share is None else f"\rReading: {share:4.0%}")
                sys.stderr.flush()
        elif share is not None and time.monotonic() - self._said >= SECONDS:
            self._said = time.monotonic()
            say(f"Reading: {share:.0%}", aside=True)


@contextmanager
def reading_shown(quiet: bool) -> Iterator[None]:
    """Show, inside of the block, how far the reading of a table is."""
    if quiet:
        yield
        return
    token = watcher.set(ReadingProgress())
    try:
        yield
    finally:
        watcher.reset(token)
