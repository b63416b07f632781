"""`chainrule explain`: where did this number of a model come from?"""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from chainrule.cli import by_hand, explaining
from chainrule.cli.flags import SectionedCommand, given, plan_flags
from chainrule.cli.output import print_json, say
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError

DETAILS = ("line", "factors", "layers", "paths", "scalars")


@click.command(cls=SectionedCommand)
@click.argument("model")
@click.argument("data", required=False)
@click.argument("quantity", required=False)
@by_hand.options
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
    "--validation-file", metavar="FILE", help="With --step: the table of validation rows, if training was given one."
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
    model: str, data: str | None, quantity: str | None, row: int, detail: str, notation: str, form: str, digits: int,
    most: int, step: str | None, unroll: int, validation_file: str | None, member: int | None, listed: bool,
    **flags: Any,
) -> None:  # fmt: skip
    """Show the chain rule that made QUANTITY, such as "dC/dW[1][2,1]", for one row of DATA in MODEL.

    MODEL is a model's file, or a network by hand, such as 2-3-1; then there is no DATA, its examples stand in --x and
    --y: chainrule explain 2-3-1 --weights ones --x 0.3,1.0 --y 0.75 "dC/dW[2]".

    Quantities: x[2], y[1], W[1][2,3], b[1][3], z[1][3], a[1][3], C, J, delta[1][3], dC/da[1][3], dC/dW[1][2,3],
    dJ/dW[1][2,3], da[2][1]/da[0][2], "dC/dW[1][2,3] via 1", "change W[1][2,3]"; whole arrays: dJ/dW[1], delta[2],
    dz[2]/dz[1]. Inputs and outputs go by name too: x[area], x[district=north], dC/dW[1][area,2], a[2][setosa],
    'x["net area (m2)"]'. Without one, or with --list, their names are listed.
    """
    options: dict[str, Any] = {"notation": notation, "digits": digits, "most": most, "detail": detail}
    hand, flags = by_hand.taken(flags)
    if by_hand.is_network(model):
        if quantity is not None or given(flags):
            raise UsageError(f"{model} is a network by hand, whose examples stand in --x and --y; leave the table out.")
        if step is not None or unroll or member is not None:
            raise UsageError(
                f"{model} is a network by hand, which no training made; leave out --step, --unroll and --member."
            )
        quantity, why = data, by_hand.explained(model, row, hand, **options)
    else:
        by_hand.refuse(hand, model)
        if step is not None:
            why = explaining.replayed(model, data, row, flags, step, unroll, member, validation_file, **options)
        elif unroll:
            raise UsageError("--unroll writes out what the steps before a step left. Name the step, as in --step 137.")
        elif validation_file is not None:
            raise UsageError("--validation-file is for a step of the training. Name it, as in --step 137.")
        else:
            choose = partial(explaining.of_member, member=member)
            why = explaining.explained(model, data, row, flags, choose, **options)
    if listed or quantity is None:
        if form == "json":
            called = why.called()
            print_json({"quantities": why.names(), **({"names": called} if called else {})})
        elif form == "text":
            say("\n".join(_with_names(why)))
        else:
            raise UsageError(
                "the list of quantities is printed as text or json. Name a quantity, or leave --format out."
            )
        return
    derivation = why[quantity]
    if step is not None and form == "text":
        say(f"{why.heading()}{_in_training(why, derivation)}\n")
    explaining.show(derivation, form, detail, **({} if step is None else {"step": why.json()}))


def _with_names(why: Any) -> list[str]:
    """The quantities, those of inputs and outputs with their names beside them."""
    from chainrule.explaining.unit_names import quoted

    called = why.called()
    width = max(map(len, called), default=0)
    return [f"{name:{width}}  {quoted(called[name])}" if name in called else name for name in why.names()]


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
