"""What the commands that explain have in common: their flags, and how their answers are printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from chainrule.cli.output import print_json, say
from chainrule.cli.remarks import say_remarks
from chainrule.errors import UsageError

FORMATS = ("text", "latex", "mathml", "json")
NOTATION_HELP = (
    "How names are counted and formulas written: chainrule, gates, constituents, beta, columns, rows, delta-rule, "
    "tensors, nielsen, ng, cs231n, keras or pytorch."
)
LONG = 5.0  # seconds of a training that one would like to know about before they pass again
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

notation = click.option("--notation", default="chainrule", show_default=True, metavar="NAME", help=NOTATION_HELP)
form = click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to print it."
)
digits = click.option("--digits", default=5, show_default=True, type=click.IntRange(1, 17), help="Significant digits.")
most = click.option(
    "--most", default=8, show_default=True, type=click.IntRange(1), help="Terms of a sum shown; the rest stand as one."
)
row = click.option(
    "--row", default=1, show_default=True, type=click.IntRange(1), help="The row of DATA, counted from 1."
)


def show(derivation: Any, form: str, *arguments: Any, **more: Any) -> None:
    """Print a derivation in the form that was asked for; in JSON with what else there is to say."""
    if form == "json":
        made = derivation.json(*arguments)
        print_json({**more, **(made if isinstance(made, dict) else {"lines": made})})
    else:
        say(getattr(derivation, form)(*arguments))


def explained(
    model: str, data: str | None, row: int, flags: dict[str, Any], choose: Callable[[Any, str], Any] | None = None,
    **options: Any,
) -> Any:  # fmt: skip
    """Load a model and explain it at a row of a table; `choose` says what to look at, by default a single network.

    Raises
    ------
    UsageError
        If there is no such row, or no table.
    """
    from chainrule.cli.flags import given
    from chainrule.models.model_file import load

    reading = given(flags)
    if data is None and "sql" not in reading:
        raise UsageError("name the table after the model: a file, a built-in name, or a query with --sql.")
    trained = (choose or only_network)(load(model), model)
    table = trained.read(data, **reading)
    if row > table.n_rows:
        raise UsageError(f"{table.source} has {table.n_rows} rows; there is no row {row}.")
    why = trained.explain(table, example=row - 1, **options)
    say_remarks(trained, table)
    return why


def replayed(
    model: str,
    data: str | None,
    row: int,
    flags: dict[str, Any],
    step: str,
    unroll: int,
    member: int | None,
    validation_file: str | None,
    **options: Any,
) -> Any:
    """Load a model and explain a step of its training.

    Raises
    ------
    UsageError
        If there is no such step, or it cannot be made again.
    """
    from chainrule.cli.flags import given
    from chainrule.explaining.values import NoSuchExample
    from chainrule.models.model_file import load

    trained = only_network(of_member(load(model), model, member), model, "--member 1 asks the first of them.")
    seconds = trained.history[-1].seconds if trained.history else 0.0
    if seconds > LONG:
        say(f"Training again from the seed, up to the step; all of the training took {seconds:.0f} s.", aside=True)
    try:
        return trained.replay(
            data, step=step_of(step), example=row - 1, unroll=unroll, reading=given(flags),
            validation_file=validation_file, **options,
        )  # fmt: skip
    except NoSuchExample as error:
        N = error.n_examples
        raise UsageError(f"the batch of this step has {N} rows: --row is 1 to {N}; received {row}.") from error


def step_of(text: str) -> Any:
    """Read the number of a step, an epoch and a batch, or "last".

    >>> step_of("137"), step_of("23:5"), step_of("last")
    (137, (23, 5), 'last')

    Raises
    ------
    UsageError
        If it is none of them.
    """
    parts = [part.strip().replace(",", "") for part in text.split(":")]
    if text.strip() == "last":
        return "last"
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise UsageError(
            f'--step takes the number of a step, as in --step 137, an epoch and a batch, as in --step 23:5, or "last"; '
            f'received "{text}".'
        )
    numbers = tuple(map(int, parts))
    return numbers if len(numbers) == 2 else numbers[0]


def of_member(trained: Any, path: str, member: int | None) -> Any:
    """Return one member of an ensemble, counted from 1; without a number what was given.

    Raises
    ------
    UsageError
        If there is no such member.
    """
    if member is None:
        return trained
    members = getattr(trained, "members", None)
    if members is None:
        raise UsageError(f"{path} holds a single network. Leave --member out.")
    if member > len(members):
        raise UsageError(f"{path} holds {len(members)} networks; there is no member {member}.")
    return members[member - 1]


def only_network(trained: Any, path: str, remedy: str = "") -> Any:
    """Return a model, but refuse an ensemble, whose numbers are those of several networks."""
    members = getattr(trained, "members", None)
    if members is None:
        return trained
    remedy = remedy or f'Save one by itself: chainrule.load("{path}").members[0].save("member.safetensors").'
    raise UsageError(
        f"{path} holds {len(members)} networks that answer by their mean, and this looks into one. {remedy}"
    )
