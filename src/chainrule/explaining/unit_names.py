"""What inputs and outputs are called: their names, what a name means, and what is said of a number beside its index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import UsageError, did_you_mean

LONGEST = 40  # characters of a name that are shown
MOST_LISTED = 12  # names in an error

Fact = Mapping[str, Any]
Tell = Callable[[str, int, int, np.ndarray], Fact]


class NoSuchName(Exception):
    """No unit, or more than one, is called so: why."""


@dataclass(frozen=True, eq=False)
class UnitNames:
    """The names of a network's inputs and outputs.

    Attributes
    ----------
    inputs, outputs : tuple of str
        One for each unit; empty where they have none.
    shorter_inputs, shorter_outputs : tuple of tuples of str
        For each unit what else it may be called: its column, its class. A unit's own name goes before these.
    tell : callable (kind, unit, example, numbers) -> dict, or None
        What there is to say of an input ("x"), an output ("a") or a target ("y") of an example, beside its number:
        "words", and whatever else a program may want to know. `numbers` are all that stand beside it, (units,).
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    shorter_inputs: tuple[tuple[str, ...], ...] = ()
    shorter_outputs: tuple[tuple[str, ...], ...] = ()
    tell: Tell | None = None

    def of(self, side: str) -> tuple[str, ...]:
        """The names of the inputs, or of the outputs."""
        return self.inputs if side == "input" else self.outputs

    def unit(self, text: str, side: str, first: int) -> int:
        """Return the only unit that is called so, counted from 0.

        Parameters
        ----------
        text : str
        side : {"input", "output"}
        first : int
            The number of the first unit, for errors.

        Raises
        ------
        NoSuchName
            With the nearest name, or the units that it may mean.

        Examples
        --------
        >>> names = UnitNames(("area", "kind=flat", "kind=house"), (), (("area",), ("kind",), ("kind",)))
        >>> names.unit("kind=house", "input", 1)
        2
        >>> names.unit("kind", "input", 1)
        Traceback (most recent call last):
        chainrule.explaining.unit_names.NoSuchName: "kind" has 2 inputs; name one: 2 "kind=flat", 3 "kind=house"
        """
        names = self.of(side)
        if not names:
            raise NoSuchName(
                f"the {side}s of this network have no names; count them from {first}. A model of a table has names, "
                f"and so has explain(..., {side}_names=[...])"
            )
        shorter = self.shorter_inputs if side == "input" else self.shorter_outputs
        found = [u for u, name in enumerate(names) if name == text]
        found = found or [u for u, others in enumerate(shorter) if text in others]
        if len(found) == 1:
            return found[0]
        listed = self._listed(names, found or range(len(names)), first)
        if found:
            raise NoSuchName(f"{quoted(text)} has {len(found)} {side}s; name one: {listed}")
        meant = did_you_mean(text, [*names, *(other for others in shorter for other in others)])
        raise NoSuchName(f"no {side} is called {quoted(text)}. {shown(meant, 200)}The {side}s are {listed}")

    def has(self, text: str, side: str) -> bool:
        """Whether an input or an output is called so."""
        shorter = self.shorter_inputs if side == "input" else self.shorter_outputs
        return text in self.of(side) or any(text in others for others in shorter)

    def called(self, side: str, unit: int) -> str:
        """A unit's name as it is shown, in quotes; empty where it has none."""
        names = self.of(side)
        return quoted(names[unit]) if names else ""

    @staticmethod
    def _listed(names: Sequence[str], units: Sequence[int], first: int) -> str:
        listed = [f"{u + first} {quoted(names[u])}" for u in units[:MOST_LISTED]]
        more = len(units) - len(listed)
        if len({names[u] for u in units}) < len(units):
            listed.append("names that occur twice are asked for by their numbers")
        return ", ".join(listed) + (f" and {more} more" if more else "")


def unit_names(inputs: Sequence[str] | None, outputs: Sequence[str] | None, sizes: Sequence[int]) -> UnitNames | None:
    """Names as a person gives them, or None where there are none.

    Raises
    ------
    UsageError
        If there are not as many as units, or one is no text.
    """
    if inputs is None and outputs is None:
        return None
    given: list[tuple[str, ...]] = []
    for side, names, size in (("input", inputs, sizes[0]), ("output", outputs, sizes[-1])):
        texts = () if names is None else tuple(names)
        if names is not None and (isinstance(names, str) or not all(isinstance(name, str) for name in texts)):
            raise UsageError(f"{side}_names is a list of names; received {names!r}.")
        if names is not None and len(texts) != size:
            raise UsageError(f"{side}_names needs {size} names, one for each {side}; received {len(texts)}.")
        given.append(texts)
    return UnitNames(given[0], given[1])


def shown(text: str, most: int = LONGEST) -> str:
    """Write a text on one line: what cannot be printed as its number, cut if it is long.

    >>> print(shown("net\\narea"), shown("a long name", 8))
    net\\narea a long …
    """
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return line if len(line) <= most else line[: most - 1] + "…"


def quoted(name: str) -> str:
    """Write a name in double quotes, as it is asked for.

    >>> print(quoted('5" pipe'))
    "5"" pipe"
    """
    return '"' + shown(name).replace('"', '""') + '"'
