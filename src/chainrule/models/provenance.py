"""How a model came about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Provenance:
    """How a model came about.

    Attributes
    ----------
    source : str
        The table it learned from.
    rows : (int, int, int)
        How many rows trained, validated and tested.
    engine : str
    seconds : float
        Spent in epochs, over all starts.
    stopped : str
        Why training ended.
    best_epoch : int
        The epoch whose weights are kept.
    starts : tuple of float
        The cost that each random start was judged by, infinite where it diverged; the lowest is kept.
    notes : tuple of str
        What was decided without being asked for.
    version : str
        The chainrule that trained it.
    start : int
        Which of the random starts is kept, counted from 0.
    fingerprint : str
        A hash of the encoded rows that trained and validated; empty in a model of an older version.
    """

    source: str
    rows: tuple[int, int, int]
    engine: str
    seconds: float
    stopped: str
    best_epoch: int
    starts: tuple[float, ...]
    notes: tuple[str, ...]
    version: str
    start: int = 0
    fingerprint: str = ""
