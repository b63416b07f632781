"""A page that needs nothing but itself: no network, no script, readable on a phone, in the dark and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chainrule.show.markup import EMPTY, Html, element, join, text

# Styles may stand in the page; everything else, from scripts to images, is refused by the browser.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

# Blue and vermilion of Okabe and Ito's palette, which people of every colour vision can tell apart.
STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6372; --paper: #fff; --panel: #f5f6f8; --line: #e0e4ea;
  --first: #0072b2; --second: #c4500a; --heat-right: #0072b2; --heat-wrong: #d55e00; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #a3acba; --paper: #14171c;
  --panel: #1d2128; --line: #343a44;
  --first: #56b4e9; --second: #f2a154; --heat-right: #0a7dbd; --heat-wrong: #c05a10; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55; -webkit-text-size-adjust: 100%;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 3.5rem 1.5rem 5rem; }
section { margin-top: 4rem; }
h1 { font-size: 2.1rem; line-height: 1.2; font-weight: 650; letter-spacing: -.015em; margin: .3rem 0 1rem; }
h2 { font-size: 1.3rem; font-weight: 650; letter-spacing: -.005em; margin: 0 0 .75rem; }
h1, h2, p, dd, li { overflow-wrap: anywhere; }
p { max-width: 44rem; margin: .6rem 0; }
.above, .soft, figcaption, caption, dt { color: var(--soft); }
.above { font-size: .9rem; margin: 0; }
.lead { font-size: 1.1rem; max-width: 52rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1.75rem 2.5rem;
  margin: 2rem 0 1.5rem; }
.tiles dt { font-size: .9rem; }
.tiles dd { margin: 0; font-size: .9rem; color: var(--soft); }
.tiles dd.value { font-size: 2.3rem; font-weight: 600; line-height: 1.25; letter-spacing: -.02em; color: var(--ink);
  font-variant-numeric: tabular-nums; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 2.5rem 3rem;
  align-items: start; margin-top: 1.5rem; }
.figures.three { align-items: stretch; }
.three figure { display: flex; flex-direction: column; justify-content: space-between; }
.three figcaption b { flex-basis: 100%; }
.three svg { width: 100%; max-width: 34rem; }
@media (min-width: 58rem) { .figures.three { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 2rem; } }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figcaption { font-size: .9rem; margin-bottom: .5rem; display: flex; flex-wrap: wrap; gap: .15rem 1.25rem; }
figcaption b { color: var(--ink); font-weight: 600; }
.key { white-space: nowrap; }
.key::before { content: ""; display: inline-block; width: 1.1rem; height: 0; border-top: 3px solid;
  margin-right: .45rem; vertical-align: .28em; }
.key.first::before, .key.plus::before { border-color: var(--first); }
.key.second::before, .key.minus::before { border-color: var(--second); }
.key.right::before, .key.wrong::before { width: .8rem; height: .8rem; border: 0; border-radius: 2px;
  vertical-align: -.08em; }
.key.right::before { background: var(--heat-right); }
.key.wrong::before { background: var(--heat-wrong); }
.scroll { overflow-x: auto; margin: 1.25rem 0; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--first); outline-offset: 3px; }
table { border-collapse: collapse; font-size: .92rem; min-width: min(100%, 24rem); }
caption { text-align: left; padding-bottom: .5rem; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .42rem 1.6rem .42rem 0; border-bottom: 1px solid var(--line);
  min-width: 4rem; overflow-wrap: break-word; max-width: 30rem; }
th { font-weight: 600; }
thead th { color: var(--soft); font-weight: 500; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; overflow-wrap: normal; }
td.wide { min-width: 15rem; }
td.label { min-width: 9rem; }
pre { background: var(--panel); border-radius: 6px; padding: .9rem 1.1rem; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: .9rem; user-select: all;
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
summary { cursor: pointer; color: var(--soft); }
ul { padding-left: 1.2rem; max-width: 44rem; }
.advice li { margin-top: 1.2rem; }
.advice p { margin: .15rem 0; }
code.flag { white-space: nowrap; }
code { background: var(--panel); border-radius: 4px; padding: .1rem .4rem; font-size: .9em; user-select: all;
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
svg { display: block; max-width: 100%; height: auto; }
svg.network { max-width: none; }
svg.network.fits { max-width: 100%; min-width: 44rem; }
@media screen and (max-width: 60rem) { .scroll svg.matrix { max-width: none; } }
svg text { fill: var(--soft); font-size: 12.5px; font-family: inherit; font-variant-numeric: tabular-nums; }
svg .name, svg .word { fill: var(--ink); }
svg .word { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }
svg .middle, svg .count { text-anchor: middle; }
svg .end { text-anchor: end; }
.grid { stroke: var(--line); }
.axis { stroke: var(--soft); }
.mark { stroke: var(--soft); stroke-dasharray: 3 4; }
.curves path { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
path.first { stroke: var(--first); }
path.second { stroke: var(--second); }
.dot { stroke: var(--paper); stroke-width: 1.5; }
.dot.first, .bars rect, .points circle { fill: var(--first); }
.dot.second { fill: var(--second); }
.points circle { fill-opacity: .55; }
.bars rect { fill-opacity: .8; }
.matrix .base { fill: var(--panel); }
.matrix .right { fill: var(--heat-right); }
.matrix .wrong { fill: var(--heat-wrong); }
.matrix .none { fill: none; }
svg .count { fill: var(--ink); font-size: 13px; }
svg .zero { fill: var(--soft); }
.weights line { stroke-linecap: round; }
.weights .plus { stroke: var(--first); }
.weights .minus { stroke: var(--second); }
.weights .zero { stroke: var(--line); }
.weights .reach { stroke: transparent; stroke-width: 9; }
.weights g:hover line:not(.reach), .weights > line:hover { stroke-opacity: 1; stroke-width: 5; }
.unit { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5; }
footer { margin-top: 4rem; font-size: .85rem; color: var(--soft); }
@media (max-width: 40rem) { main { padding: 2rem 1.1rem 3rem; } h1 { font-size: 1.65rem; } section { margin-top: 3rem; }
  .figures:not(.three) .chart:not(.matrix) text { font-size: 15px; } .tiles dd.value { font-size: 1.9rem; } }
@media print { :root { font-size: 11.5px; } .figures, .figures.three { grid-template-columns: 1fr 1fr; }
  details { display: none; }
  main { max-width: none; padding: 0; } section { margin-top: 2rem; } .scroll { overflow: visible; }
  svg.network.network { max-width: 100%; min-width: 0; } tr { break-inside: avoid; } h2 { break-after: avoid; }
  svg, .key::before { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def page(title: str, body: Iterable[Html]) -> str:
    """Return a whole HTML document."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", text(title)),
        element("style", Html(STYLE)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, element('body', element('main', *body)), lang='en')}\n"


def section(title: str, *content: Html) -> Html:
    """Return a part of the page under its heading."""
    return element("section", element("h2", text(title)), *content)


def paragraph(words: str, class_: str | None = None) -> Html:
    """Return a paragraph of plain text, or nothing for no words."""
    return element("p", text(words), class_=class_) if words else EMPTY


def figure(title: str, picture: Html, keys: Sequence[tuple[str, str]] = (), wide: bool = False) -> Html:
    """Return a picture under its title and its key, pairs of (class, words), words
    alone where the class is empty; nothing without a picture.

    `wide` pictures scroll sideways where they do not fit.
    """
    if not picture:
        return EMPTY
    legend = [element("span", text(words), class_=f"key {tone}" if tone else None) for tone, words in keys]
    caption = element("figcaption", element("b", text(title)), *legend)
    return element("figure", caption, _scrolling(title, picture) if wide else picture)


def figures(parts: Iterable[Html], class_: str = "figures") -> Html:
    """Return figures side by side where there is room, "figures three" all in one row; nothing if all are empty."""
    shown = [part for part in parts if part]
    return element("div", *shown, class_=class_) if shown else EMPTY


def table(
    caption: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]], row_names: bool = True
) -> Html:
    """Return a table that scrolls sideways where it does not fit.

    Parameters
    ----------
    caption : str
    columns : sequence of (heading, class)
        The class is "n" for numbers, "label" for names, "wide" for sentences, or empty. Without any
        heading there is no head.
    rows : iterable of sequences
        Plain values; they are escaped here.
    row_names : bool
        Whether the first cell of a row names it.
    """
    head = [element("th", text(name), scope="col", class_=kind or None) for name, kind in columns]
    body = []
    for row in rows:
        cells = []
        for position, (value, (_, kind)) in enumerate(zip(row, columns, strict=True)):
            named = row_names and position == 0
            cells.append(
                element(
                    "th" if named else "td", text(value), scope="row" if named else None, class_=kind or None
                )
            )  # fmt: skip
        body.append(element("tr", *cells))
    content = element(
        "table",
        element("caption", text(caption)),
        element("thead", element("tr", *head)) if any(name for name, _ in columns) else EMPTY,
        element("tbody", join(body, "\n")),
    )
    return _scrolling(caption, content)


def _scrolling(name: str, content: Html) -> Html:
    """A box that can be reached and scrolled by the keyboard."""
    return element("div", content, class_="scroll", tabindex=0, role="region", aria_label=name)
