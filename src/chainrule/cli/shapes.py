"""`chainrule shapes`: the symbols of a network, what they are, and their shapes."""

from __future__ import annotations

from typing import Any

import click

from chainrule.cli import by_hand, explaining
from chainrule.cli.flags import SectionedCommand


@click.command(cls=SectionedCommand)
@click.argument("network")
@click.option("--examples", default=1, show_default=True, type=click.IntRange(1), help="How many examples.")
@click.option("--bias/--no-bias", default=None, help="Whether layers have biases. [default: as the model, else yes]")
@explaining.notation
@explaining.form
def command(network: str, examples: int, bias: bool | None, notation: str, form: str) -> None:
    """Print the table of symbols, names and shapes of NETWORK: a model's file, or sizes such as 2-3-1."""
    from chainrule.explaining.shapes import shapes

    of: Any
    if by_hand.is_network(network):
        of = [int(n) for n in network.split("-")]
    else:
        from chainrule.models.model_file import load

        of = explaining.only_network(load(network), network).network
    explaining.show(shapes(of, notation=notation, n_examples=examples, bias=bias), form)
