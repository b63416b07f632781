"""HTML and SVG as text that is safe by construction: data enters through `text` or an attribute, and both escape it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import NewType

# mypy refuses a plain str where Html is wanted, so nothing gets into a page unescaped by oversight.
Html = NewType("Html", str)

EMPTY = Html("")
SHAPES = frozenset({"line", "circle", "rect", "path"})
_VOID = frozenset({"meta", "br"})
# Control characters are not allowed in HTML, half a surrogate pair cannot be written as UTF-8, and a character that
# turns the direction of writing would turn the words after it too.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def text(value: object) -> Html:
    """Return any value as text that means nothing but itself.

    >>> text('<script> & "quotes"')
    '&lt;script&gt; &amp; &quot;quotes&quot;'
    """
    return Html(html.escape(_FORBIDDEN.sub("�", str(value)), quote=True))


def element(name: str, /, *content: Html, **attributes: object) -> Html:
    """Return an element; attributes that are None are left out.

    `class_` stands for class and `stroke_width` for stroke-width. Floats are written with two decimals, which is
    finer than a screen shows.

    >>> element("p", text("a < b"), class_="note")
    '<p class="note">a &lt; b</p>'
    >>> element("circle", cx=1.0, cy=2.346, r=3)
    '<circle cx="1" cy="2.35" r="3"/>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    if name in SHAPES and not content:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{''.join(content)}</{name}>")


def join(parts: Iterable[Html], between: str = "") -> Html:
    """Return the parts one after the other."""
    return Html(text(between).join(parts))


def pixel(value: float) -> str:
    """Write a coordinate.

    >>> pixel(12.0), pixel(0.126), pixel(-0.001)
    ('12', '0.13', '0')
    """
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def _attribute(value: object) -> str:
    return pixel(value) if isinstance(value, float) else text(value)
