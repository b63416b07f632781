"""`chainrule paths`: a derivative as the sum of its paths, the largest first."""

from __future__ import annotations

from typing import Any

import click

from chainrule.cli import explaining
from chainrule.cli.flags import SectionedCommand, plan_flags
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError


@click.command(cls=SectionedCommand)
@click.argument("model")
@click.argument("data")
@click.argument("quantity")
@explaining.row
@explaining.notation
@explaining.form
@explaining.digits
@explaining.most
@plan_flags(ReadingPlan, "Reading the table")
def command(
    model: str, data: str, quantity: str, row: int, notation: str, form: str, digits: int, most: int, **flags: Any
) -> None:
    """Show the paths of QUANTITY, such as "dC/dW[1][2,1]" or "da[2][1]/da[0][2]", and that they add up to it.

    Inputs and outputs go by name too: "dC/dx[area]".
    """
    why = explaining.explained(model, data, row, flags, notation=notation, digits=digits, most=most)
    derivation = why[quantity]
    if not hasattr(derivation, "lines") or not derivation.has_paths:
        raise UsageError(
            f"{quantity} is no sum over paths: ask for a derivative of C, or of a unit, by one number, such as "
            "dC/dW[1][2,1]."
        )
    explaining.show(derivation, form, "paths")
