"""Notes on inputs and outputs in the forms that people read: text, and rows of LaTeX and of MathML."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape

from chainrule.explaining.latex_form import LatexWriter, latex_escaped
from chainrule.explaining.mathml_form import MathmlWriter
from chainrule.explaining.naming import Naming
from chainrule.explaining.text_form import WIDTH, TextWriter
from chainrule.explaining.unit_names import shown
from chainrule.explaining.unit_notes import HEADING, Note

MOST = 24  # notes that are shown
_LONG = 10_000  # characters: what has been cut already


def notes_text(notes: Sequence[Note], naming: Naming, digits: int | None) -> str:
    """Write notes below a heading, each value on a line and names alone side by side; nothing without notes."""
    if not notes:
        return ""
    writer = TextWriter(naming, digits)
    lines, names = [], []
    for note in notes[:MOST]:
        left, words = writer.shown(naming.show(note.name)), shown(note.words, _LONG)
        if note.value is None:
            names.append(f"{left}: {words}")
        else:
            lines.append(f"{left} = {writer.number(note.value)}: {words}")
    lines += [f"{'; '.join(names)}"] if names else []
    lines += _rest(notes)
    return "\n".join(["", HEADING, *(row for line in lines for row in _wrapped(line))])


def latex_notes(notes: Sequence[Note], naming: Naming, digits: int | None) -> list[str]:
    """Return the rows of notes in an `aligned` environment."""
    if not notes:
        return []
    writer = LatexWriter(naming, digits)
    rows = []
    for note in notes[:MOST]:
        equals = "" if note.value is None else f"= {writer.number(note.value)}"
        words = latex_escaped(shown(note.words, _LONG))
        rows.append(rf"{writer.shown(naming.show(note.name))} &{equals} && \text{{{words}}}")
    heading, *rest = (rf"& && \text{{{line}}}" for line in (HEADING, *_rest(notes)))
    return [heading, *rows, *rest]


def mathml_notes(notes: Sequence[Note], naming: Naming, digits: int | None) -> list[str]:
    """Return the rows of notes in a table of three columns."""
    if not notes:
        return []
    writer = MathmlWriter(naming, digits)
    rows = []
    for note in notes[:MOST]:
        sign = "" if note.value is None else "<mo>=</mo>"
        value = "" if note.value is None else f"{writer.number(note.value)}<mtext>: </mtext>"
        words = f"<mrow>{value}<mtext>{escape(shown(note.words, _LONG))}</mtext></mrow>"
        rows.append(
            f'<mtr><mtd style="text-align:right">{writer.shown(naming.show(note.name))}</mtd><mtd>{sign}</mtd>'
            f'<mtd style="text-align:left">{words}</mtd></mtr>'
        )
    return [_words(HEADING), *rows, *map(_words, _rest(notes))]


def _words(text: str) -> str:
    style = "text-align:left;padding-top:0.8em"
    return f'<mtr><mtd columnspan="3" style="{style}"><mtext>{escape(text)}</mtext></mtd></mtr>'


def _rest(notes: Sequence[Note]) -> list[str]:
    return [f"... and {len(notes) - MOST:,} more"] if len(notes) > MOST else []


def _wrapped(line: str) -> list[str]:
    if len(line) + 2 <= WIDTH:
        return [f"  {line}"]
    return textwrap.wrap(
        line, WIDTH, initial_indent="  ", subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
    )
