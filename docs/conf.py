"""Sphinx settings. Build with `make docs`, or `python -m sphinx -W --keep-going -b html docs docs/_build/html`."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Any

project = "chainrule"
author = "The chainrule authors"
copyright = "the chainrule authors"
release = version = version_of("chainrule")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "dev"]

html_theme = "furo"
html_title = f"chainrule {release}"
html_show_sphinx = False

myst_heading_anchors = 3
# Words such as "parameters" in the description of a type are no references, but look like ambiguous ones.
suppress_warnings = ["ref.python"]

# Docstrings are in NumPy's style, with `names` in single backticks.
default_role = "code"
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # several names may share a line, as in "z, a : tuples"
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the Parameters sections say it in words
autodoc_preserve_defaults = True


def _skip(app: Any, what: str, name: str, member: Any, skip: bool, options: Any) -> bool:
    """Leave out the fields of named tuples, whose generated docstrings say nothing."""
    return skip or str(getattr(member, "__doc__", "")).startswith("Alias for field number")


_properties: dict[str, list[str]] = {}


def _keep(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Remember a property's docstring; napoleon takes what stands before a colon in it for its type."""
    if what == "property":
        _properties[name] = list(lines)


def _restore(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Put a property's docstring back."""
    if what == "property":
        lines[:] = _properties[name]


def setup(app: Any) -> None:
    """Connect what is above: before and after napoleon, whose priority is 500."""
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-docstring", _keep, priority=100)
    app.connect("autodoc-process-docstring", _restore, priority=900)
