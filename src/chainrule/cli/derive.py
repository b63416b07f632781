"""`chainrule derive`: the derivation as a textbook has it, without numbers."""

from __future__ import annotations

import re

import click

from chainrule.cli import explaining
from chainrule.cli.flags import SectionedCommand
from chainrule.errors import UsageError


@click.command(cls=SectionedCommand)
@click.argument("what")
@click.argument("quantity", required=False)
@click.option("--loss", metavar="NAME", help="Such as half-squared-error; by default the notation's own.")
@click.option("--activation", default="logistic", show_default=True, metavar="NAME", help="Of all layers.")
@click.option("--output-activation", metavar="NAME", help="Of the last layer.")
@click.option("--bias/--no-bias", default=True, help="Whether layers have biases. [default: yes]")
@click.option(
    "--level", type=click.Choice(["scalar", "matrix", "tensor"]), default="scalar", show_default=True,
    help="With indices, with matrices, or with Jacobian tensors.",
)  # fmt: skip
@explaining.notation
@explaining.form
def command(
    what: str, quantity: str | None, loss: str | None, activation: str, output_activation: str | None, bias: bool,
    level: str, notation: str, form: str,
) -> None:  # fmt: skip
    """Derive a gradient step by step.

    WHAT is a network such as 2-3-1, with QUANTITY such as "dC/dW[1]"; or "equations" for the four equations of
    backpropagation; or the name of an activation or a loss, whose derivative is worked out rule by rule.
    """
    from chainrule.core.catalogue import ACTIVATIONS, LOSSES
    from chainrule.core.loss_names import own_name
    from chainrule.explaining.symbolic import backpropagation_equations, derive, derive_activation, derive_loss

    def name(text: str | None) -> str | None:
        return None if text is None else text.replace("-", "_")

    head = what.partition("(")[0].replace("-", "_")
    if what == "equations":
        made = backpropagation_equations(notation, name(loss))
    elif head in ACTIVATIONS:
        made = derive_activation(name(what) or what, notation)
    elif own_name(head) in LOSSES:
        made = derive_loss(name(what) or what, notation)
    elif re.fullmatch(r"\d+(-\d+)+", what):
        made = derive(
            what, quantity or "dC/dW[1]", activation=name(activation) or activation,
            output_activation=name(output_activation), loss=name(loss), bias=bias, notation=notation, level=level,
        )  # fmt: skip
    else:
        raise UsageError(
            f'"{what}" is neither a network such as 2-3-1, nor "equations", nor an activation '
            f"({', '.join(ACTIVATIONS)}) or a loss ({', '.join(LOSSES)})."
        )
    explaining.show(made, form)
