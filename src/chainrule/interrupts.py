"""Ctrl-C, and stops from outside, while there is something to lose: they wait, and are heard where nothing can be."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any

# What asks a program to end: Ctrl-C, a stop from outside, a terminal that closes, a limit on processor time.
STOPS = tuple(
    int(getattr(signal, name)) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU") if hasattr(signal, name)
)


class interrupts_held:
    """Keep interrupts waiting within a block: what is reached there is not lost between one line and the next.

    What waits at the end of the block is raised as KeyboardInterrupt then, unless it was `taken` before. Only signals
    that Python's own handler of Ctrl-C answers are held, and only in the main thread, where alone they are handled: a
    handler of your own stays, and is called at once. Blocks may stand within each other.

    Examples
    --------
    >>> with interrupts_held() as held:
    ...     held.taken()
    False
    """

    _innermost: interrupts_held | None = None  # of the main thread

    def __init__(self) -> None:
        self._waiting = self._open = False
        self._process = os.getpid()
        self._replaced: list[int] = []
        self._outer: interrupts_held | None = None

    def __enter__(self) -> interrupts_held:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._outer = interrupts_held._innermost
        try:
            for number in STOPS:
                if signal.getsignal(number) is signal.default_int_handler:
                    self._replaced.append(number)
                    signal.signal(number, _arrived)  # until the last line it raises what arrives
        except BaseException:
            _put_back(self._replaced)
            raise
        interrupts_held._innermost = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if interrupts_held._innermost is not self or threading.current_thread() is not threading.main_thread():
            return
        interrupts_held._innermost = self._outer
        _put_back(self._replaced)
        if not self.taken():
            return
        if self._outer is not None and not self._outer._open:
            self._outer._waiting = True
        elif error is None:
            raise KeyboardInterrupt

    def taken(self) -> bool:
        """Whether an interrupt waits; it waits no longer."""
        waited, self._waiting = self._waiting, False
        return waited

    def renew(self) -> None:
        """Let one that was taken wait again, for a block around this one."""
        self._waiting = True


class let_through:
    """Within the block an interrupt is raised at once, and one that waits first of all: what it breaks off can be lost.

    >>> with let_through():
    ...     pass
    """

    def __enter__(self) -> None:
        self._held = held = _here()
        if held is not None:
            if held.taken():
                raise KeyboardInterrupt
            held._open = True

    def __exit__(self, *error: Any) -> None:
        if self._held is not None:
            self._held._open = False


def asked_to_stop() -> bool:
    """Whether an interrupt waits, in this thread.

    >>> asked_to_stop()
    False
    """
    held = _here()
    return held is not None and held._waiting


def take_interrupt() -> bool:
    """Whether an interrupt waits, in this thread; it waits no longer."""
    held = _here()
    return held is not None and held.taken()


def _here() -> interrupts_held | None:
    """The block that this thread is in."""
    return interrupts_held._innermost if threading.current_thread() is threading.main_thread() else None


def _arrived(number: int, frame: Any) -> None:
    held = interrupts_held._innermost
    if held is None:  # between the last line of a block and the handlers' return
        _put_back(STOPS)
    elif not held._open and held._process == os.getpid():  # a process forked meanwhile has nothing to lose
        held._waiting = True
        return
    else:
        held._open = False  # what is raised leaves the block that let it through
    signal.default_int_handler(number, frame)


def _put_back(numbers: Iterable[int]) -> None:
    for number in numbers:
        if signal.getsignal(number) is _arrived:
            signal.signal(number, signal.default_int_handler)
