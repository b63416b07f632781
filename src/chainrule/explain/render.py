"""Derivations in the forms that people and programs read: text, LaTeX, MathML and plain data."""

from __future__ import annotations

from chainrule.explain.latex_form import latex, latex_document
from chainrule.explain.mathml_form import mathml
from chainrule.explain.plain_form import plain
from chainrule.explain.text_form import array_text, name_text, text

__all__ = ["array_text", "latex", "latex_document", "mathml", "name_text", "plain", "text"]
