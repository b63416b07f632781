"""Values out of a file that may be damaged or made up: each is checked before it is used."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from chainrule.errors import ModelFileError

T = TypeVar("T")


def entry(record: Any, key: str, read: Callable[[Any, str], T], where: str) -> T:
    """Return `record[key]`, read by one of the functions below.

    Raises
    ------
    ModelFileError
        If `record` is no mapping, the key is missing, or the value is not what `read` expects.

    Examples
    --------
    >>> entry({"scale": 2}, "scale", number, "the input")
    2.0
    """
    if not isinstance(record, Mapping):
        raise wrong(where, "a record", record)
    if key not in record:
        raise ModelFileError(f'{where} has no "{key}". The file is damaged; save the model again.')
    return read(record[key], f'"{key}" of {where}')


def text(value: Any, where: str) -> str:
    """Accept a string."""
    if not isinstance(value, str):
        raise wrong(where, "text", value)
    return value


def flag(value: Any, where: str) -> bool:
    """Accept True or False."""
    if not isinstance(value, bool):
        raise wrong(where, "true or false", value)
    return value


def number(value: Any, where: str) -> float:
    """Accept a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _finite(value):
        raise wrong(where, "a finite number", value)
    return float(value)


def scale(value: Any, where: str) -> float:
    """Accept a finite number above 0."""
    if number(value, where) <= 0:
        raise wrong(where, "a number above 0", value)
    return float(value)


def number_or_none(value: Any, where: str) -> float | None:
    """Accept a finite number or nothing."""
    return None if value is None else number(value, where)


def choice(*allowed: str) -> Callable[[Any, str], str]:
    """Accept one of some words."""

    def read(value: Any, where: str) -> str:
        if value not in allowed:
            raise wrong(where, f"one of {', '.join(allowed)}", value)
        return str(value)

    return read


def several(read: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    """Accept a list, each element of which `read` accepts."""

    def read_all(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, (list, tuple)):
            raise wrong(where, "a list", value)
        return tuple(read(item, f"item {i + 1} in {where}") for i, item in enumerate(value))

    return read_all


def distinct(values: tuple[T, ...], where: str) -> tuple[T, ...]:
    """Return `values`, or raise ModelFileError if one occurs twice."""
    if len(set(values)) < len(values):
        raise wrong(where, "values that are all different", list(values))
    return values


def wrong(where: str, expected: str, received: Any) -> ModelFileError:
    """Build the error for a value of the wrong kind; long values are cut."""
    shown = repr(received)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return ModelFileError(f"{where} must be {expected}; received {shown}. The file is damaged; save the model again.")


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond float64
        return False
