"""`chainrule check`: the practical tips, tried on a table before it is trained on."""

from __future__ import annotations

from typing import Any

import click

from chainrule.cli.flags import SectionedCommand, given, plan_flags
from chainrule.cli.output import print_json, say
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError
from chainrule.training.plan import TrainingPlan


@click.command(cls=SectionedCommand)
@click.argument("data", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--verbose", is_flag=True, help="Also list the checks that passed.")
@plan_flags(TrainingPlan, "Network and training")
@plan_flags(EncodingPlan, "Columns and rows")
@plan_flags(ReadingPlan, "Reading the table")
def command(data: str | None, as_json: bool, verbose: bool, **flags: Any) -> int:
    """Look for what will hurt training DATA with these options, and name the remedy.

    Takes the flags of train. Ends with exit code 1 if it found a problem.
    """
    from chainrule.models.doctor import diagnose

    options = given(flags)
    if data is None and "sql" not in options:
        raise UsageError("check needs a table: a file, a built-in name such as wine, or a query with --sql.")
    diagnosis = diagnose(data, **options)
    if as_json:
        print_json(diagnosis.to_dict())
    else:
        say(diagnosis.text(verbose))
    return 0 if diagnosis.ok else 1
