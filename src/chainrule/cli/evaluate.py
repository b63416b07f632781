"""`chainrule evaluate`: how good is a model on a table, or on the rows kept when it was trained?"""

from __future__ import annotations

from typing import Any

import click

from chainrule.cli.flags import SectionedCommand, given, plan_flags
from chainrule.cli.output import print_json, say
from chainrule.cli.remarks import say_remarks
from chainrule.data.reading_plan import ReadingPlan


@click.command(cls=SectionedCommand)
@click.argument("model")
@click.argument("data", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@plan_flags(ReadingPlan, "Reading the table")
def command(model: str, data: str | None, as_json: bool, **flags: Any) -> None:
    """Compare MODEL's predictions with the truth in DATA; without DATA, show the test made when it was trained."""
    from chainrule.data.gaps import comparable
    from chainrule.models.evaluation import evaluation_to_dict
    from chainrule.models.model_file import load

    trained = load(model)
    reading = given(flags)
    if data is None and "sql" not in reading:
        result = trained.evaluate()
    else:
        table = comparable(trained.read(data, **reading), trained.encoding.target_names, trained.encoding_plan.missing)
        result = trained.evaluate(table)
        say_remarks(trained, table)
    if as_json:
        print_json(evaluation_to_dict(result))
    else:
        say(str(result))
