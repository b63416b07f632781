"""The `chainrule` command: a table of subcommands, each loaded when it is used, and one place for errors."""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from chainrule import __version__
from chainrule.cli.output import begin, forget, say, show_every_letter, unsaid
from chainrule.cli.reading_progress import reading_shown
from chainrule.errors import ChainruleError, did_you_mean
from chainrule.interrupts import STOPS

# The help of `chainrule --help` stands here, so that it need not load the commands.
COMMANDS = {
    "train": "Train a network on a table; write the model, its history and a report.",
    "crossval": "Train on all folds of a table but one, and test on that one, for each.",
    "predict": "Predict a table's rows with a model.",
    "export": "Write a model for another tool: ONNX, C, JavaScript or Python.",
    "evaluate": "Compare a model's predictions with the truth.",
    "explain": "Show the chain rule that made any number of a model.",
    "shapes": "Print the symbols of a network, what they are, and their shapes.",
    "paths": "Show a derivative of a model as the sum of its paths.",
    "jacobian": "Print how one layer of a model moves with another.",
    "gradcheck": "Compare a model's gradient with central differences.",
    "derive": "Derive a gradient step by step, without numbers.",
    "check": "Look for what will hurt training, and name the remedy.",
    "info": "Show what a model or a table holds, or what is installed.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"chainrule.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(
                f'command "{args[0]}" is unknown. {did_you_mean(args[0], COMMANDS)}Allowed: {", ".join(COMMANDS)}.'
            )
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="chainrule")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Neural networks you can see through: train feed-forward networks on your table, and look inside."""


def main(args: list[str] | None = None) -> None:
    """Run the command line: exit code 0 for success, 1 for a failure, 2 for bad use, 130 for Ctrl-C and other stops."""
    program = args is None  # not called by another
    args = sys.argv[1:] if args is None else args
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - a shell may start us with either of them closed
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    stops: list[int] = []
    try:
        show_every_letter(sys.stdout, sys.stderr)
        begin()
        for number in STOPS:
            with suppress(ValueError):  # not in the main thread
                if signal.getsignal(number) == signal.SIG_DFL:  # neither ignored, as by nohup, nor somebody's own
                    signal.signal(number, signal.default_int_handler)  # a stop loses no more than Ctrl-C
                    stops.append(number)
        code = _exit_code(args)
    except KeyboardInterrupt:
        code = 130
    finally:
        for number in STOPS if program else stops:
            with suppress(ValueError):  # all is done: a program that ends anyway is not to be stopped
                signal.signal(number, signal.SIG_IGN if program else signal.SIG_DFL)
    sys.exit(code)


def _exit_code(args: list[str]) -> int:
    code = _code_of_command(args)
    if code == 0 and unsaid(aside=False):
        say(f"Error: {unsaid(aside=False)}.", aside=True)
    return 1 if code == 0 and (unsaid(aside=False) or unsaid(aside=True)) else code


def _code_of_command(args: list[str]) -> int:
    debug = "--debug" in args  # wherever it stands: people add it to the end of what has just failed
    try:
        plain = [arg for arg in args if arg != "--debug"]
        with reading_shown(quiet=not {"-q", "--quiet"}.isdisjoint(args)):
            result = cli.main(plain, prog_name="chainrule", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        say(shown.getvalue().rstrip("\n"), aside=True)
        return error.exit_code
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("Interrupted.", aside=True)
        return 130
    except (BrokenPipeError, SystemExit):  # the reader, `head` for instance, has seen enough; so click says it
        forget(sys.stdout)
        return 0
    except MemoryError:
        say("Error: not enough memory. Use fewer rows, a smaller --batch-size or a smaller --hidden.", aside=True)
        return 1
    except Exception as error:
        if debug:
            raise
        if isinstance(error, RuntimeError) and "interrupted" in str(error):  # DuckDB's word for Ctrl-C
            say("Interrupted.", aside=True)
            return 130
        code, text = 1, f"unexpected {type(error).__name__}: {error}. This is a mistake in chainrule; please report it."
        if isinstance(error, ChainruleError):
            code, text = error.exit_code, str(error)
        elif isinstance(error, OSError):  # a full disk, a folder that went away
            forget(sys.stdout)
            text = f"{error}."
        say(f"Error: {text}", aside=True)
        return code


if __name__ == "__main__":
    main()
