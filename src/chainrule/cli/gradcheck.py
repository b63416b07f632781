"""`chainrule gradcheck`: is a model's gradient right? Central differences, weight by weight."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import click

from chainrule.cli.explaining import only_network
from chainrule.cli.flags import SectionedCommand, given, plan_flags
from chainrule.cli.output import say
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import ChainruleError

LONGEST = 20  # characters of a name


@click.command(cls=SectionedCommand)
@click.argument("model")
@click.argument("data")
@click.option("--rows", default=32, show_default=True, type=click.IntRange(1), help="Check at the first so many rows.")
@click.option("--at-most", type=click.IntRange(1), help="Check so many parameters, drawn at random.")
@click.option("--tolerance", default=1e-6, show_default=True, type=float, help="Largest relative error allowed.")
@plan_flags(ReadingPlan, "Reading the table")
def command(model: str, data: str, rows: int, at_most: int | None, tolerance: float, **flags: Any) -> None:
    """Compare MODEL's gradient at rows of DATA with central differences of its cost; exit code 1 if it is wrong."""
    import numpy as np

    from chainrule.core.gradient_check import check_gradients
    from chainrule.models.model_file import load

    trained = only_network(load(model), model)
    table = trained.read(data, **given(flags))
    table = table.take(np.arange(min(rows, table.n_rows)))
    X, Y = trained.encoding.encode(table)
    plan = trained.plan
    report = check_gradients(
        trained.network, X, Y, plan.loss, reduction=plan.reduction, weight_decay=plan.weight_decay,
        tolerance=tolerance, at_most=at_most,
    )  # fmt: skip
    say(str(_with_names(report, trained.encoding, len(trained.network.layers))))
    if not report.passed:
        raise ChainruleError(f"{len(report.wrong)} of {len(report.entries)} derivatives are wrong.")


def _with_names(report: Any, encoding: Any, L: int) -> Any:
    """The report with the names of inputs and outputs beside the weights from and to them, and beside biases."""
    from chainrule.explaining.unit_names import shown

    def named(entry: Any) -> Any:
        kind, layer, *units = re.findall(r"\w+", entry.name)
        ends = [encoding.node_names[int(units[0]) - 1]] if kind == "W" and layer == "1" and units[0] != "0" else []
        ends += [encoding.output_names[int(units[-1]) - 1]] if int(layer) == L else []
        return replace(entry, name=" ".join([entry.name, *(shown(end, LONGEST) for end in ends)]))

    return replace(report, entries=tuple(map(named, report.entries)))
