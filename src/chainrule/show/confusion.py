"""The confusion matrix as a picture: counts as a heat map, true classes downwards, predictions across."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.show.markup import Html, element, text
from chainrule.show.svg import WIDTH, drawing

CHARACTER = 7.5  # pixels, of a wide character
PAGE = 960.0
SHORTEST_CUT, LONGEST_CUT = 16, 40  # characters


@dataclass(frozen=True)
class MatrixPlan:
    """Where the parts of a matrix stand, in pixels.

    Attributes
    ----------
    names : tuple of str
        The classes, cut where there is no room for all of their letters.
    left, top, cell : float
        The corner of the first cell, and the side of each.
    upright : bool
        Whether the names over the columns fit without being turned.
    """

    names: tuple[str, ...]
    left: float
    top: float
    cell: float
    upright: bool

    @classmethod
    def of(cls, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> MatrixPlan:
        """Find the room: beside another figure if names and counts allow it, else over the page."""
        n = len(classes)
        digits = max(len(f"{count:,}") for row in counts for count in row)
        least = max(9 * digits + 8, min(40, 440 / n))
        room = int((PAGE - n * least - 46) / CHARACTER)
        names = tuple(cut(name, min(LONGEST_CUT, max(SHORTEST_CUT, room))) for name in classes)
        longest = CHARACTER * max(map(len, names))
        left = 40 + longest
        cell = max(least, min(64, (WIDTH - 6 - left) / n))
        upright = longest + 8 <= cell
        return cls(names, left, 44 if upright else 30 + longest, cell, upright)

    @property
    def side(self) -> float:
        """Of the square of all cells."""
        return self.cell * len(self.names)

    @property
    def width(self) -> int:
        """Of the whole picture."""
        return round(self.left + self.side + 6)


def confusion_matrix(title: str, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Html:
    """Draw counts as a heat map: rows are true classes, columns predictions, shades the share of a row."""
    plan = MatrixPlan.of(classes, counts)
    left, top, cell = plan.left, plan.top, plan.cell
    parts = []
    for i, row in enumerate(counts):
        total = max(1, sum(row))
        for j, count in enumerate(row):
            parts.append(
                _cell(left + j * cell, top + i * cell, cell, count, count / total, i == j, (classes[i], classes[j]))
            )
    for i, name in enumerate(plan.names):
        middle = (i + 0.5) * cell
        whole = element("title", text(classes[i]))
        parts.append(element("text", whole, text(name), x=left - 8, y=top + middle + 4, class_="tick end"))
        turn = None if plan.upright else f"rotate(-90 {left + middle + 4:g} {top - 8:g})"
        x = left + middle + (0 if plan.upright else 4)
        side = "tick middle" if plan.upright else "tick"
        parts.append(element("text", whole, text(name), x=x, y=top - 8, transform=turn, class_=side))
    parts.append(element("text", text("predicted"), x=left + plan.side / 2, y=14, class_="name middle"))
    down = top + plan.side / 2
    turned = f"rotate(-90 14 {down:g})"
    parts.append(element("text", text("true"), x=14, y=down, transform=turned, class_="name middle"))
    return drawing(title, *parts, width=plan.width, height=round(top + plan.side + 6), class_="chart matrix")


def _cell(x: float, y: float, size: float, count: int, part: float, right: bool, names: tuple[str, str]) -> Html:
    words = f"{count:,} of class {names[0]} called {names[1]}"
    # No darker than this: the number on it keeps its contrast.
    shade = 0.0 if count == 0 else 0.2 + 0.5 * part
    tone = ("right" if right else "wrong") if count else "none"
    number_tone = "count" if count else "count zero"
    return element(
        "g",
        element("title", text(words)),
        element("rect", x=x + 1, y=y + 1, width=size - 2, height=size - 2, rx=3, class_="base"),
        element("rect", x=x + 1, y=y + 1, width=size - 2, height=size - 2, rx=3, class_=tone, fill_opacity=shade),
        element("text", text(f"{count:,}"), x=x + size / 2, y=y + size / 2 + 4.5, class_=number_tone),
    )


def cut(name: str, most: int) -> str:
    """Shorten a name to so many characters.

    >>> cut("a long name", 8)
    'a long …'
    """
    return name if len(name) <= most else name[: most - 1] + "…"
