"""`chainrule jacobian`: how every unit of one layer moves with every unit of another."""

from __future__ import annotations

from typing import Any

import click

from chainrule.cli import explaining
from chainrule.cli.flags import SectionedCommand, plan_flags
from chainrule.cli.output import print_json, say
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError
from chainrule.numerals import aligned, number

LONGEST = 20  # characters of a name


@click.command(cls=SectionedCommand)
@click.argument("model")
@click.argument("data")
@explaining.row
@click.option("--from", "start", default=0, show_default=True, type=int, help="Layer; 0 is the input.")
@click.option("--to", "end", type=int, help="Layer. [default: the outputs]")
@click.option(
    "--layout", type=click.Choice(["numerator", "denominator"]), default="numerator", show_default=True,
    help="Rows for the later layer's units, or for the earlier one's.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@explaining.digits
@plan_flags(ReadingPlan, "Reading the table")
def command(
    model: str, data: str, row: int, start: int, end: int | None, layout: str, as_json: bool, digits: int, **flags: Any
) -> None:
    """Print the Jacobian between two layers of MODEL at one row of DATA."""
    from chainrule.core.jacobians import layer_jacobians

    definitions = explaining.explained(model, data, row, flags).definitions
    values = definitions.values
    last = values.L if end is None else end
    if not 0 <= start <= last <= values.L:
        raise UsageError(
            f"--from and --to name layers from 0 (the inputs) to {values.L} (the outputs), forward; received {start} "
            f"and {last}."
        )
    J = layer_jacobians(values.network, values.passes().record, start, last)[0]
    names = [f"a[{last}][{k + 1}]" for k in range(J.shape[0])], [f"a[{start}][{i + 1}]" for i in range(J.shape[1])]
    called = [_called(definitions.units, values.L, l) for l in (last, start)]
    if layout == "denominator":
        J, names, called = J.T, names[::-1], called[::-1]
    if as_json:
        facts = {"rows": names[0], "columns": names[1], "layout": layout, "jacobian": J}
        print_json({**facts, "row_names": called[0] or None, "column_names": called[1] or None})
        return
    rows, columns = map(_beside, names, called)
    body = [[name, *(number(float(value), digits) for value in line)] for name, line in zip(rows, J, strict=True)]
    say(f"da[{last}] / da[{start}], {layout} layout, row {row}")
    say(aligned(["", *columns], body))


def _beside(names: list[str], called: tuple[str, ...]) -> list[str]:
    """Indices with names beside them, where there are any."""
    from chainrule.explaining.unit_names import shown

    return [f"{name} {shown(own, LONGEST)}" for name, own in zip(names, called, strict=True)] if called else names


def _called(units: Any, L: int, layer: int) -> tuple[str, ...]:
    """The names of a layer's units; none of a hidden one."""
    return units.inputs if layer == 0 else units.outputs if layer == L else ()
