"""Progress of a training: live cost curves in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.cli.output import is_terminal, lose, printable, say
from chainrule.training.state import Epoch, TrainingState

WIDTH, HEIGHT = 60, 9  # of the curves, in characters; each holds 2 x 4 Braille dots


class PlainProgress:
    """Prints about ten lines over a training, to standard error; none if it is to be quiet."""

    every = None  # called now and then, with all epochs since

    def __init__(
        self, epochs: int, starts: int = 1, quiet: bool = False, trouble: Callable[[], str] = lambda: ""
    ) -> None:
        self._every, self._trouble, self._told = max(1, epochs // 10), trouble, ""
        self._starts, self._quiet, self._printed = _Starts(starts), quiet, 0

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __call__(self, state: TrainingState) -> None:
        if self._quiet:
            return
        trouble = self._trouble()
        if trouble and not self._told:
            say(f"Not written: {trouble}. The training goes on.", aside=True)
        self._told = trouble
        which = self._starts.words(state)
        for row in state.history[self._printed :]:
            last = state.stopped and row.epoch == state.epoch
            if row.epoch % self._every == 0 or row.epoch == 1 or last:
                say(which + line(row), aside=True)
        self._printed = 0 if state.stopped else state.epoch


class _Starts:
    """Tells which random start a state belongs to: what comes after a state that has ended is of the next."""

    def __init__(self, starts: int) -> None:
        self._starts, self._start, self._ended = starts, 1, False

    def words(self, state: TrainingState) -> str:
        """Say so, or nothing where there is one start only."""
        self._start += self._ended
        self._ended = bool(state.stopped)
        return f"start {self._start} of {self._starts}, " if self._starts > 1 else ""


class LiveProgress:
    """Draws both cost curves and a bar while training runs, on standard error, until that can no longer be written."""

    every = None  # called now and then, with all epochs since

    def __init__(self, epochs: int, starts: int, trouble: Callable[[], str] = lambda: "") -> None:
        from rich.console import Console
        from rich.live import Live

        self._epochs, self._starts, self._trouble, self._drawn = epochs, _Starts(starts), trouble, 0.0
        # What the program prints stays where it is printed: the streams are the process's, not ours.
        self._live: Live | None = Live(
            console=Console(stderr=True), auto_refresh=False, transient=False, redirect_stdout=False,
            redirect_stderr=False,
        )  # fmt: skip

    def __enter__(self) -> LiveProgress:
        self._draw(lambda live: live.start())
        return self

    def __exit__(self, *error: Any) -> None:
        self._draw(lambda live: live.stop())

    def _draw(self, how: Callable[[Any], object]) -> None:
        if self._live is None:
            return
        try:
            how(self._live)
        except (OSError, ValueError) as error:  # the terminal is gone, or has no such characters
            self._live = None
            if not isinstance(error, UnicodeError):
                lose(error, aside=True)

    def __call__(self, state: TrainingState) -> None:
        which = self._starts.words(state)
        now = time.perf_counter()
        if now - self._drawn > 0.1 or state.stopped:
            self._drawn = now
            picture = self._picture(state, which)
            self._draw(lambda live: live.update(picture, refresh=True))

    def _picture(self, state: TrainingState, which: str) -> Any:
        from rich.text import Text

        rows = state.history[:]
        curves = [[row.cost for row in rows], [row.validation_cost for row in rows]]
        canvas, low, high = draw(curves, WIDTH, HEIGHT)
        text = Text()
        for i, characters in enumerate(canvas):
            label = f"{high:9.4g} " if i == 0 else f"{low:9.4g} " if i == HEIGHT - 1 else " " * 10
            text.append(label, style="dim")
            for character, curve in characters:
                text.append(character, style=("cyan", "yellow")[curve] if character != " " else "")
            text.append("\n")
        text.append(" " * 10)
        text.append("training cost", style="cyan")
        if not math.isnan(rows[-1].validation_cost):
            text.append("  validation cost", style="yellow")
        text.append(f"  (log scale)\n{bar(state.epoch, self._epochs, WIDTH + 10)}\n")
        text.append(which + line(rows[-1]))
        trouble = self._trouble()
        if trouble:
            text.append(printable(f"\nNot written: {trouble}. The training goes on."))
        return text


def progress(epochs: int, starts: int, quiet: bool, trouble: Callable[[], str] = lambda: "") -> Any:
    """Return the progress that suits where it is shown, as a context manager and a callback.

    `trouble` says what a person might want to mend while the training goes on, or nothing.
    """
    if is_terminal() and not quiet:
        return LiveProgress(epochs, starts, trouble)
    return PlainProgress(epochs, starts, quiet, trouble)


def line(row: Epoch) -> str:
    """One epoch in words.

    >>> line(Epoch(20, 0.25, 0.5, 0.75, math.nan, 0.01, 1.0, 2.0))
    'epoch 20: cost 0.25, validation cost 0.5, accuracy 0.750'
    """
    parts = [f"cost {row.cost:.4g}"]
    if not math.isnan(row.validation_cost):
        parts.append(f"validation cost {row.validation_cost:.4g}")
    if not math.isnan(row.accuracy):
        parts.append(f"accuracy {row.accuracy:.3f}")
    if not math.isnan(row.validation_accuracy):
        parts.append(f"validation accuracy {row.validation_accuracy:.3f}")
    return f"epoch {row.epoch}: {', '.join(parts)}"


def bar(done: int, total: int, width: int = 20) -> str:
    """A bar of `width` characters.

    >>> bar(1, 2, 4)
    '━━──'
    """
    full = round(width * min(done, total) / total)
    return "━" * full + "─" * (width - full)


def draw(
    curves: Sequence[Sequence[float]], width: int, height: int
) -> tuple[list[list[tuple[str, int]]], float, float]:
    """Draw curves on a log scale with Braille dots.

    Returns
    -------
    lines : list of lists of (character, which curve it belongs to)
    low, high : float
        The values at the bottom and at the top.

    Examples
    --------
    >>> lines, low, high = draw([[1.0, 0.1]], 2, 1)
    >>> "".join(character for character, _ in lines[0]), low, high
    ('⠉⣀', 0.1, 1.0)
    """
    values = [v for curve in curves for v in curve if math.isfinite(v) and v > 0]
    low, high = (min(values), max(values)) if values else (0.1, 1.0)
    span = math.log(high / low) or 1.0
    dots = [[0] * width for _ in range(height)]
    owner = [[0] * width for _ in range(height)]
    for which, curve in enumerate(curves):
        n = len(curve)
        for x in range(2 * width):
            v = curve[min(n - 1, round(x * (n - 1) / (2 * width - 1)))] if n else math.nan
            # Zeros have no logarithm; what is not finite is not drawn.
            if not (math.isfinite(v) and v > 0):
                continue
            y = round((4 * height - 1) * (math.log(high) - math.log(v)) / span)
            dots[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
            owner[y // 4][x // 2] = which
    lines = [
        [(chr(0x2800 + cell) if cell else " ", who) for cell, who in zip(cells, whose, strict=True)]
        for cells, whose in zip(dots, owner, strict=True)
    ]
    return lines, low, high


# The bits of a Braille character's dots, by row and column.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
