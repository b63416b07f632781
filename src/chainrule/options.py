"""Options as one table: each has a default, a range or choices, and its help, stated once.

A plan (`EncodingPlan`, `TrainingPlan`) is a frozen dataclass whose fields are made by `option`. The same
table checks values that arrive from Python, makes the command line's flags and fills the documentation.
This module imports no array library, so that `chainrule --help` stays fast.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.errors import UsageError, did_you_mean, unknown_name

MOST_THREADS = 1024  # that the kernel takes


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    check: Callable[[Any], Any] | None = None,
    words: tuple[str, ...] = (),
) -> Any:
    """Declare one field of a plan.

    Parameters
    ----------
    default
        The value when nothing is said.
    help
        One sentence for the command line and the documentation.
    choices
        The allowed words.
    low, high
        Inclusive bounds of a number.
    above
        An exclusive lower bound of a number.
    check
        Turns a received value into the stored one, or raises UsageError.
    words
        What `check` allows, for the help.
    """
    rules = {
        "help": help,
        "choices": choices,
        "low": low,
        "high": high,
        "above": above,
        "check": check,
        "words": choices or words,
    }
    return dataclasses.field(default=default, metadata=rules)


def checked(plan: Any) -> None:
    """Check every field of a frozen plan in place; call it in `__post_init__`.

    Raises
    ------
    UsageError
        Naming the option, what was received and what is allowed.
    """
    for field in dataclasses.fields(plan):
        value = getattr(plan, field.name)
        object.__setattr__(plan, field.name, _checked_value(field, value))


def _checked_value(field: dataclasses.Field[Any], value: Any) -> Any:
    rules = field.metadata
    if value is None:
        if field.default is None:
            return None
        raise UsageError(f"{field.name} must have a value; received None. Leave it out for {field.default!r}.")
    if rules["check"] is not None:
        value = rules["check"](value)
    if rules["choices"]:
        if not isinstance(value, str):
            raise UsageError(f"{field.name} must be one of {', '.join(rules['choices'])}; received {value!r}.")
        if value not in rules["choices"]:
            raise unknown_name(field.name, value, rules["choices"])
        return value
    if _bounds(rules):
        return _checked_number(field, value)
    kind = str(field.type)
    if kind.startswith("bool") and type(value).__name__ not in ("bool", "bool_"):  # Python's own, or NumPy's
        raise UsageError(f"{field.name} must be True or False; received {value!r}.")
    if kind.startswith("str") and not isinstance(value, str):
        raise UsageError(f"{field.name} must be text; received {value!r}.")
    return bool(value) if kind.startswith("bool") else value


def _checked_number(field: dataclasses.Field[Any], value: Any) -> float | int:
    rules = field.metadata
    whole = "float" not in str(field.type)
    try:
        if isinstance(value, (bool, str)):
            raise TypeError
        number: float | int = value.__index__() if whole else float(value)
        allowed = (
            (whole or math.isfinite(number))
            and (rules["low"] is None or number >= rules["low"])
            and (rules["high"] is None or number <= rules["high"])
            and (rules["above"] is None or number > rules["above"])
        )
    except (AttributeError, TypeError, ValueError, OverflowError):
        allowed = False
    if not allowed:
        kind = "a whole number" if whole else "a finite number"
        of = " " if rules["above"] is not None else " of "
        raise UsageError(f"{field.name} must be {kind}{of}{_bounds(rules)}; received {value!r}.")
    return number


def _bounds(rules: Mapping[str, Any]) -> str:
    parts = []
    if rules["above"] is not None:
        parts.append(f"above {rules['above']}")
    if rules["low"] is not None:
        parts.append(f"at least {rules['low']}")
    if rules["high"] is not None:
        parts.append(f"at most {rules['high']}")
    return " and ".join(parts)


def whole_number(text: str) -> int | None:
    """Read a whole number as people type one; None for anything else, and for one beyond all that can be counted.

    >>> whole_number(" 12"), whole_number("-1"), whole_number("\u00b2"), whole_number("9" * 5000)
    (12, None, None, None)
    """
    return int(text) if re.fullmatch(r"\s*[0-9]{1,18}\s*", text) else None


def divide_options(options: Mapping[str, Any], *plans: type) -> list[dict[str, Any]]:
    """Sort keyword arguments into the plans that own them.

    Raises
    ------
    UsageError
        For a name that no plan has, with the nearest one.
    """
    owners = [{field.name for field in dataclasses.fields(plan)} for plan in plans]
    every = sorted(set().union(*owners))
    for name in options:
        if name not in every:
            raise UsageError(f'option "{name}" is unknown. {did_you_mean(name, every)}Allowed: {", ".join(every)}.')
    return [{name: value for name, value in options.items() if name in owner} for owner in owners]
