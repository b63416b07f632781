"""Reading a report in tests: strictly, and with what it must never hold."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Reads a page strictly: every element that opens is closed, in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, written: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.names: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(written)
        self.close()
        assert self.open == []
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        assert len({name for name, _ in attrs}) == len(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def refuses_to_load_anything(written: str) -> None:
    page = Page(written)
    assert not {"script", "img", "link", "iframe", "object", "embed", "base", "form", "use", "image"} & set(page.names)
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("href", "src", "srcset", "style", "xlink:href", "action", "background")
        assert "http:" not in (value or "")
    assert "https:" not in written
    assert "url(" not in written
    assert "@import" not in written
    policies = [value for _, name, value in page.attributes if name == "content" and "default-src" in (value or "")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
