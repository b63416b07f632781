"""Write `command-line.md` from the commands themselves.

    python docs/make_reference.py

A test compares the page with what this script makes, so that it cannot fall behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

from chainrule.cli.main import COMMANDS, cli

PAGE = Path(__file__).with_name("command-line.md")

INTRODUCTION = """\
# Command line

This page is made from the program by `docs/make_reference.py`; `chainrule COMMAND --help` says the same.

Results go to standard output; progress and remarks of a training go to standard error. With `--json` standard output
holds one JSON object and nothing else, with `null` for a number that is not finite. Files are written whole or not at
all: a crash leaves the old file or the new one. A file that is replaced keeps its permissions; behind a symbolic link
the file that it leads to is written.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | a failure: training diverged, memory ran out, something could not be written, or `check` found a problem |
| 2 | bad use: an unknown flag or name, a table or a file that cannot be used |
| 130 | interrupted with Ctrl-C, or stopped from outside; `train` still writes the model of the epochs run |
"""

# Flags that several commands share are listed once, under these headings.
SHARED = ("Network and training", "Columns and rows", "Reading the table", "A network by hand")


def page() -> str:
    """Return the whole page."""
    context = click.Context(cli, info_name="chainrule")
    parts = [INTRODUCTION, "## chainrule\n", f"{cli.help}\n", "\n".join(_table(cli.params)), ""]
    shared: dict[str, list[click.Parameter]] = {}
    for name in COMMANDS:
        command = import_module(f"chainrule.cli.{name}").command
        sections = _sections(command)
        usage = " ".join(command.collect_usage_pieces(click.Context(command, parent=context, info_name=name)))
        parts += [f"## chainrule {name}\n", f"```text\nchainrule {name} {usage}\n```\n", f"{_prose(command.help)}\n"]
        parts += ["\n".join(_table(sections.pop("Options"))), ""]
        if sections:
            links = [f"[{section}](#{section.lower().replace(' ', '-')})" for section in sections]
            parts.append(f"It also takes the flags under {_listed(links)}.\n")
        shared = sections | shared
    assert set(shared) == set(SHARED), "a new section of flags: add it to SHARED"
    for section in SHARED:
        parts += [f"## {section}\n", "\n".join(_table(shared[section])), ""]
    return "\n".join(parts)


def _sections(command: click.Command) -> dict[str, list[click.Parameter]]:
    sections: dict[str, list[click.Parameter]] = {"Options": []}
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            sections.setdefault(getattr(parameter, "section", "Options"), []).append(parameter)
    return sections


def _table(parameters: list[click.Parameter]) -> Iterator[str]:
    yield "| flag | meaning |"
    yield "|---|---|"
    for parameter in parameters:
        assert isinstance(parameter, click.Option)
        assert parameter.help, f"{parameter.name} has no help"
        flags = ", ".join(f"`{flag}`" for flag in (*parameter.opts, *parameter.secondary_opts))
        value = "" if parameter.is_flag or parameter.metavar is None else f" `{parameter.metavar}`"
        yield f"| {flags}{value} | {_cell(parameter.help)} |"


def _cell(text: str) -> str:
    """Help text as a table cell, with its default set apart."""
    words, _, default = text.partition("[default: ")
    words = " ".join(words.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
    return f"{words} Default: `{default[:-1]}`." if default else words


def _prose(text: str | None) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (text or "").split("\n\n"))


def _listed(links: list[str]) -> str:
    return links[0] if len(links) == 1 else f"{', '.join(links[:-1])} and {links[-1]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
