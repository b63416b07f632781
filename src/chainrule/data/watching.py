"""Who is told how far the reading of a table is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

# Called with the share that has been read, from 0 to 1, now and then, and with None at the end; from another thread.
Watcher = Callable[[float | None], None]
watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)
FIRST, THEN = 1.0, 0.5  # seconds: what is read at once needs no progress


def share_done(connection: Any) -> float:
    """Ask DuckDB how far its statement is; below 0 if that is not known, as its older versions do not."""
    return float(getattr(connection, "query_progress", lambda: -100.0)()) / 100


@contextmanager
def watched(connection: Any) -> Iterator[None]:
    """Tell the watcher, if there is one, how far a DuckDB connection's statements are."""
    tell = watcher.get()
    if tell is None:
        yield
        return
    done, told = threading.Event(), False

    def look() -> None:
        nonlocal told
        wait = FIRST
        while not done.wait(wait):
            wait = THEN
            with suppress(Exception):  # a connection that is being closed
                share = share_done(connection)
                if 0 < share <= 1:
                    told = True
                    tell(share)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(THEN)
        if told:
            tell(None)
