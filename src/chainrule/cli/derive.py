"""`chainrule derive`: the derivation as a textbook has it, without numbers."""

from __future__ import annotations

import re

import click
from click.core import ParameterSource

from chainrule.cli import explaining
from chainrule.cli.flags import SectionedCommand
from chainrule.errors import UsageError, did_you_mean

_OF_NETWORKS = {"loss", "activation", "output_activation", "bias", "level"}


class _Derive(SectionedCommand):
    """Takes a formula that starts with a minus for what it is, and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {name for parameter in self.get_params(ctx) for name in (*parameter.opts, *parameter.secondary_opts)}
        return super().parse_args(ctx, [f" {arg}" if _starts_with_minus(arg, options) else arg for arg in args])


def _starts_with_minus(arg: str, options: set[str]) -> bool:
    """Whether an argument is a formula such as -x**2, rather than an option, right or misspelled."""
    from chainrule.explaining.typed_formulas import is_formula

    if not arg.startswith("-") or arg.partition("=")[0] in options or re.fullmatch(r"--[A-Za-z][\w-]*(=.*)?", arg):
        return False
    word = re.fullmatch(r"-([A-Za-z]{2,})", arg)
    return is_formula(arg) and not (word and did_you_mean(f"--{word[1]}", options))


@click.command(cls=_Derive)
@click.argument("what")
@click.argument("quantity", required=False)
@click.option("--loss", metavar="NAME", help="Such as half-squared-error; by default the notation's own.")
@click.option("--activation", default="logistic", show_default=True, metavar="NAME", help="Of all layers.")
@click.option("--output-activation", metavar="NAME", help="Of the last layer.")
@click.option("--by", metavar="NAME", help="Of a formula: what varies. [default: the only name, or x]")
@click.option("--at", multiple=True, metavar="NAME=VALUE", help="Of a formula: a value, to evaluate every line.")
@click.option("--bias/--no-bias", default=True, help="Whether layers have biases. [default: yes]")
@click.option(
    "--level", type=click.Choice(["scalar", "matrix", "tensor"]), default="scalar", show_default=True,
    help="With indices, with matrices, or with Jacobian tensors.",
)  # fmt: skip
@explaining.notation
@explaining.form
@click.pass_context
def command(
    ctx: click.Context, what: str, quantity: str | None, loss: str | None, activation: str,
    output_activation: str | None, by: str | None, at: tuple[str, ...], bias: bool, level: str, notation: str,
    form: str,
) -> None:  # fmt: skip
    """Derive a gradient step by step.

    WHAT is a network such as 2-3-1, with QUANTITY such as "dC/dW[1]", "delta[1]", "dC/dx" or the Jacobian
    "da[2]/dz[1]"; or "equations" for the four equations of backpropagation; or the name of an activation or a loss,
    or a formula such as "x**3 * sin(x)", whose derivative is worked out rule by rule.
    """
    from chainrule.core.catalogue import ACTIVATIONS, LOSSES
    from chainrule.core.loss_names import own_name
    from chainrule.explaining.symbolic import backpropagation_equations, derive, derive_activation, derive_loss
    from chainrule.explaining.typed_derivations import derive_formula
    from chainrule.explaining.typed_formulas import is_formula

    def name(text: str | None) -> str | None:
        return None if text is None else text.replace("-", "_")

    head = what.partition("(")[0].replace("-", "_")
    what = what.strip()
    named = re.fullmatch(r"[\w-]+(\([\d., ]*\))?", what) is not None
    network = re.fullmatch(r"\d+(-\d+)+", what) is not None
    meant = did_you_mean(head, [*ACTIVATIONS, *LOSSES])
    formula = not (what == "equations" or network or (named and (head in ACTIVATIONS or own_name(head) in LOSSES)))
    if formula and quantity:
        raise UsageError(f'"{what}" is a formula and has no quantity "{quantity}": name what varies with --by.')
    if not (formula or network) and quantity:
        raise UsageError(f'"{what}" is no network and has no quantity "{quantity}".')
    if not formula and (by or at):
        raise UsageError(f'--by and --at belong to a formula; "{what}" is none.')
    taken = _OF_NETWORKS if network else {"loss"} if what == "equations" else set()
    for option in sorted(_OF_NETWORKS - taken):
        if ctx.get_parameter_source(option) is not ParameterSource.DEFAULT:
            flag = "--no-bias" if option == "bias" and not bias else f"--{option.replace('_', '-')}"
            raise UsageError(f'{flag} belongs to a network such as 2-3-1; "{what}" is none: leave it out.')
    if what == "equations":
        made = backpropagation_equations(notation, name(loss))
    elif named and head in ACTIVATIONS:
        made = derive_activation(name(what) or what, notation)
    elif named and own_name(head) in LOSSES:
        made = derive_loss(name(what) or what, notation)
    elif network:
        made = derive(
            what, quantity or "dC/dW[1]", activation=name(activation) or activation,
            output_activation=name(output_activation), loss=name(loss), bias=bias, notation=notation, level=level,
        )  # fmt: skip
    elif re.fullmatch(r"[A-Za-z][A-Za-z_-]+", what) and (meant or not is_formula(what)):
        raise UsageError(
            f'"{what}" is neither a network such as 2-3-1, nor "equations", nor an activation '
            f"({', '.join(ACTIVATIONS)}) or a loss ({', '.join(LOSSES)}), nor a formula such as x**3 * sin(x). "
            f"{meant}".strip()
        )
    elif "[" in what or re.fullmatch(r"[d∂]\w+\s*/\s*[d∂]\w+", what):
        raise UsageError(
            f'"{what}" is a quantity of a network: write the sizes of the network first, as in '
            f"chainrule derive 2-3-1 '{what}'."
        )
    else:
        made = derive_formula(what, by, _values(at), notation=notation)
    explaining.show(made, form)


def _values(at: tuple[str, ...]) -> dict[str, float]:
    """Read values such as x=2."""
    values = {}
    for given in at:
        name, sign, number = given.partition("=")
        try:
            values[name.strip()] = float(number)
        except ValueError:
            sign = ""
        if not sign:
            raise UsageError(f"--at {given}: write a name and its value, as in --at x=2.")
    return values
