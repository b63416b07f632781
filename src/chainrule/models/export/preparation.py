"""A fitted preprocessing as steps, in the making: the columns that come in, and what has been made of them so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.errors import UsageError
from chainrule.models.export.program import Column, NumberColumn, TextColumn, UnusedColumn
from chainrule.models.export.steps import Each, LookUp, Refuse, Step, moved

REFUSED = np.inf  # what a look-up gives for what is refused; a step behind it says so


class Gap:
    """A missing text; `OTHER` is any that no step knows."""


GAP, OTHER = Gap(), Gap()
Text = str | Gap


@dataclass(frozen=True)
class Cell:
    """A cell that no step has read as a number: what has been put in place of some texts in it."""

    column: int
    replaced: tuple[tuple[Text, Text], ...] = ()

    def now(self, text: Text) -> Text:
        """What has become of a text."""
        for was, new in self.replaced:
            text = new if text == was else text
        return text

    @property
    def names(self) -> set[str]:
        """The texts that are replaced."""
        return {was for was, _ in self.replaced if isinstance(was, str)}


Feature = Cell | int  # an int is the position of a number


class Preparation:
    """Collects steps; positions of numbers begin with one for each column.

    Parameters
    ----------
    names : sequence of str
        Of the columns of a row.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.known: dict[int, list[Any]] = {}  # values of a column that the steps speak of, to try the program with
        self.markers: dict[int, str] = {}  # what stands for a missing text in a column: "NaN" or "None"
        self._kinds: dict[int, Literal["number", "text"]] = {}
        self._steps: list[Step | tuple[int, Callable[[Text], float]]] = []
        self._texts: dict[int, set[str]] = {}
        self._count = len(names)
        self._bounded: set[int] = set()

    def cells(self) -> list[Feature]:
        """The row as it comes."""
        return [Cell(i) for i in range(len(self.names))]

    def number(self, feature: Feature, where: str) -> int:
        """The position of a feature that is read as a number."""
        if isinstance(feature, int):
            return feature
        if feature.replaced or self._kind(feature.column, "number", where) != "number":
            raise UsageError(
                f'{where} takes the column "{self.names[feature.column]}" as numbers, and another step takes it as '
                "text: a cell of an exported row is one or the other. Encode the column before it is used as numbers."
            )
        self._bounded.add(feature.column)
        return feature.column

    def numbers(self, features: Iterable[Feature], where: str, *, gaps: bool) -> list[int]:
        """The positions of features that a step reads as numbers: none infinite, and without `gaps` none missing."""
        positions = [self.number(feature, where) for feature in features]
        unchecked = tuple(i for i in dict.fromkeys(positions) if i not in self._bounded)
        if not gaps:
            self._steps.append(Refuse("not finite", tuple(dict.fromkeys(positions)), f"{where} got a missing number"))
        elif unchecked:
            self._steps.append(Refuse("infinite", unchecked, f"{where} got an infinite number"))
        self._bounded.update(unchecked)
        return positions

    def refuse(self, what: Literal["missing", "infinite", "not finite"], positions: Sequence[int], reason: str) -> None:
        """Add a check."""
        self._steps.append(Refuse(what, tuple(positions), reason))

    def each(self, operation: str, positions: Sequence[int], constants: Any = ()) -> list[int]:
        """Add an operation on each number, and return where the results stand."""
        constants = (
            tuple(np.broadcast_to(np.asarray(constants, dtype=float), (len(positions),)).tolist())
            if (np.size(constants))
            else ()
        )
        return self.add(Each(operation, tuple(positions), constants)) if positions else []

    def add(self, step: Step) -> list[int]:
        """Add a step, and return where its numbers stand."""
        self._steps.append(step)
        self._count += step.n_outputs
        return list(range(self._count - step.n_outputs, self._count))

    def hint(self, feature: Feature, values: Iterable[Any]) -> None:
        """Remember values of a column that a step speaks of."""
        column = feature.column if isinstance(feature, Cell) else feature
        if column < len(self.names):
            self.known.setdefault(column, []).extend(values)

    def look_up_text(self, cell: Cell, names: Iterable[str], answer: Callable[[Text], float], where: str) -> int:
        """Add a number for each text of a cell: `answer` for the names, for GAP and for OTHER."""
        if self._kind(cell.column, "text", where) != "text":
            raise UsageError(
                f'{where} takes the column "{self.names[cell.column]}" as text, and another step takes it as numbers: '
                "a cell of an exported row is one or the other. Make it text, or numbers, before fitting."
            )
        self._texts.setdefault(cell.column, set()).update({*names, *cell.names})
        self._steps.append((cell.column, lambda text: answer(cell.now(text))))
        self._count += 1
        return self._count - 1

    def mark(self, column: int, value: Any, where: str) -> None:
        """Note what stands for a missing text in a column."""
        marker = "None" if value is None else "NaN"
        if self.markers.setdefault(column, marker) != marker:
            raise UsageError(
                f'{where} tells None from NaN in the column "{self.names[column]}", and an export has one kind of '
                "missing value. Replace None by NaN before fitting."
            )

    def finished(self, features: Sequence[Feature]) -> tuple[tuple[Column, ...], tuple[Step, ...], tuple[int, ...]]:
        """The columns, the steps, and the positions of the numbers that go into the network."""
        nodes = [self.number(feature, "the network") for feature in features]
        width, used = len(self.names), sorted(self._kinds)
        place = {column: k for k, column in enumerate(used)}

        def moves(i: int) -> int:
            return place[i] if i < width else i - width + len(used)

        steps = tuple(
            moved(step if not isinstance(step, tuple) else self._look_up(*step), moves) for step in self._steps
        )
        columns = tuple(self._column(i, place) for i in range(width))
        positions = tuple(map(moves, nodes))
        as_they_stand = not steps and positions == tuple(range(len(used)))
        return columns, steps, () if as_they_stand else positions

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far, where none looks up text."""
        return tuple(step for step in self._steps if not isinstance(step, tuple))

    def _kind(self, column: int, kind: Literal["number", "text"], where: str) -> str:
        return self._kinds.setdefault(column, kind)

    def _column(self, i: int, place: dict[int, int]) -> Column:
        if i not in self._kinds:
            return UnusedColumn(self.names[i])
        if self._kinds[i] == "text":
            return TextColumn(self.names[i], place[i], tuple(sorted(self._texts[i])))
        return NumberColumn(self.names[i], place[i], gaps=bool(self._steps))

    def _look_up(self, column: int, answer: Callable[[Text], float]) -> LookUp:
        names = sorted(self._texts[column])
        texts: list[Text] = [*names, GAP]
        values = [answer(text) for text in texts]
        unknown = answer(OTHER)
        keys = [k for k, value in enumerate(values) if not _same(value, unknown)]
        return LookUp((column,), tuple(map(float, keys)), tuple(values[k] for k in keys), unknown, unknown)


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


__all__ = ["GAP", "OTHER", "REFUSED", "Cell", "Feature", "Preparation", "Text"]
