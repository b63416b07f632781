"""Derivations in the forms that people and programs read: text, LaTeX, MathML and plain data."""

from __future__ import annotations

from chainrule.explaining.latex_form import latex, latex_document
from chainrule.explaining.mathml_form import mathml
from chainrule.explaining.note_forms import latex_notes, mathml_notes, notes_text
from chainrule.explaining.plain_form import plain
from chainrule.explaining.text_form import array_text, name_text, text

__all__ = [
    "array_text",
    "latex",
    "latex_document",
    "latex_notes",
    "mathml",
    "mathml_notes",
    "name_text",
    "notes_text",
    "plain",
    "text",
]
