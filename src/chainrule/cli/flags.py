"""Command-line flags from the plans' tables: every field is a flag, with its help, its range and its default."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import click

from chainrule.errors import OTHER_NAMES


class SectionedCommand(click.Command):
    """A command whose help lists its flags by section, and whose `--hidden` takes several numbers: `--hidden 32 16`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, join_numbers(args, "--hidden"))
        except click.NoSuchOption as error:
            meant = OTHER_NAMES.get(error.option_name.lstrip("-").replace("-", "_"))
            if meant is None:
                raise
            flag = "--" + meant.replace("_", "-")
            raise click.NoSuchOption(error.option_name, possibilities=[flag], ctx=error.ctx) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):
                continue  # the text above explains it
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for name in sorted(sections, key=lambda section: section != "Options"):
            with formatter.section(name):
                formatter.write_dl(sections[name])


class PlanOption(click.Option):
    """A flag made from a plan's field; it knows its section of the help."""

    def __init__(self, *args: Any, section: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


def join_numbers(args: Sequence[str], flag: str) -> list[str]:
    """Make one value of the whole numbers that follow a flag.

    >>> join_numbers(["data.csv", "--hidden", "32", "16", "--epochs", "5"], "--hidden")
    ['data.csv', '--hidden', '32,16', '--epochs', '5']
    """
    joined: list[str] = []
    rest = list(args)
    while rest:
        joined.append(rest.pop(0))
        if joined[-1] == flag:
            numbers = []
            while rest and rest[0].isdigit():
                numbers.append(rest.pop(0))
            if numbers:
                joined.append(",".join(numbers))
    return joined


def plan_flags(plan: type, section: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a command with a flag for every field of a plan; a flag that is not given is passed as None."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for field in reversed(dataclasses.fields(plan)):
            command = click.option(*_names(field), cls=PlanOption, section=section, **_settings(field))(command)
        return command

    return decorate


def given(flags: dict[str, Any]) -> dict[str, Any]:
    """Return the flags that were given."""
    return {name: value for name, value in flags.items() if value is not None}


def _names(field: dataclasses.Field[Any]) -> list[str]:
    flag = field.name.replace("_", "-")
    return [f"--{flag}/--no-{flag}" if _is_switch(field) else f"--{flag}", field.name]


def _settings(field: dataclasses.Field[Any]) -> dict[str, Any]:
    rules = field.metadata
    help_text = rules["help"]
    if rules["words"] and not _names_all(help_text, rules["words"]):
        help_text += f" One of {', '.join(rules['words'])}."
    if not _is_switch(field) and field.default not in (None, ()):
        help_text += f" [default: {default_text(field.default)}]"
    settings: dict[str, Any] = {"default": None, "help": help_text}
    if not _is_switch(field):
        kind = str(field.type).partition(" ")[0]
        settings["type"] = {"int": int, "float": float}.get(kind, str)
        settings["metavar"] = {"int": "N", "float": "X"}.get(kind, "TEXT")
    return settings


def default_text(value: Any) -> str:
    """Write a default as a person would type it.

    >>> default_text((32, 16)), default_text(("", "NA"))
    ('32,16', 'empty,NA')
    """
    if isinstance(value, tuple):
        return ",".join(str(part) or "empty" for part in value)
    return str(value)


def _is_switch(field: dataclasses.Field[Any]) -> bool:
    return str(field.type).startswith("bool")


def _names_all(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)
