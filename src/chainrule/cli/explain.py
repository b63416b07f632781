"""`chainrule explain`: where did this number of a model come from?"""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from chainrule.cli import explaining
from chainrule.cli.flags import SectionedCommand, plan_flags
from chainrule.cli.output import print_json
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError

DETAILS = ("line", "factors", "layers", "paths", "scalars")


@click.command(cls=SectionedCommand)
@click.argument("model")
@click.argument("data")
@click.argument("quantity", required=False)
@explaining.row
@click.option("--detail", type=click.Choice(DETAILS), default="factors", show_default=True, help="How much to show.")
@explaining.notation
@explaining.form
@explaining.digits
@explaining.most
@click.option(
    "--step",
    metavar="TEXT",
    help="Explain a step that training took: its number, an epoch and a batch as in 23:5, or last. DATA is the table "
    "that trained MODEL; --row counts within the step's batch.",
)
@click.option(
    "--unroll",
    default=0,
    type=click.IntRange(0),
    metavar="N",
    help="With --step: write running means as what the gradients of N steps before left in them.",
)
@click.option(
    "--member",
    type=click.IntRange(1),
    metavar="N",
    help="Of an ensemble: the network to look into, counted from 1; by default the mean of their outputs.",
)
@click.option("--list", "listed", is_flag=True, help="List the quantities that can be asked for.")
@plan_flags(ReadingPlan, "Reading the table")
def command(
    model: str, data: str, quantity: str | None, row: int, detail: str, notation: str, form: str, digits: int,
    most: int, step: str | None, unroll: int, member: int | None,
    listed: bool, **flags: Any,
) -> None:  # fmt: skip
    """Show the chain rule that made QUANTITY, such as "dC/dW[1][2,1]", for one row of DATA in MODEL.

    Quantities: x[2], y[1], W[1][2,3], b[1][3], z[1][3], a[1][3], C, J, delta[1][3], dC/da[1][3], dC/dW[1][2,3],
    dJ/dW[1][2,3], da[2][1]/da[0][2], "dC/dW[1][2,3] via 1", "change W[1][2,3]". Without one, or with --list, their
    names are listed.
    """
    options = {"notation": notation, "digits": digits, "most": most, "detail": detail}
    if step is not None:
        why = explaining.replayed(model, data, row, flags, step, unroll, member, **options)
    elif unroll:
        raise UsageError("--unroll writes out what the steps before a step left. Name the step, as in --step 137.")
    else:
        choose = partial(explaining.of_member, member=member)
        why = explaining.explained(model, data, row, flags, choose, **options)
    if listed or quantity is None:
        if form == "json":
            print_json({"quantities": why.names()})
        elif form == "text":
            click.echo("\n".join(why.names()))
        else:
            raise UsageError(
                "the list of quantities is printed as text or json. Name a quantity, or leave --format out."
            )
        return
    derivation = why[quantity]
    if step is not None and form == "text":
        click.echo(f"{why.heading()}{_in_training(why, derivation)}\n")
    if not hasattr(derivation, "latex"):
        if form != "text":
            raise UsageError(
                f"{quantity} is a whole array, which is printed as text. Name a unit, or leave --format out."
            )
        click.echo(derivation.text())
        return
    explaining.show(derivation, form, detail, **({} if step is None else {"step": why.json()}))


def _in_training(why: Any, derivation: Any) -> str:
    """What a step did to the weight whose change is asked for, in the training's own bits."""
    from chainrule.explaining.grammar import written
    from chainrule.explaining.quantities import Change

    name = derivation.name
    if not isinstance(name, Change) or not name.parameter.units:
        return ""
    before, after = why.weight(name)
    called = written(name.parameter, why.explanation.notation.counting)
    return f"\n{called}: {before:.9g} before the step, {after:.9g} after it"
