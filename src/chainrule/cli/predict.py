"""`chainrule predict`: a model and a table in; predictions out, as CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import click

from chainrule.cli.flags import SectionedCommand, given, plan_flags
from chainrule.cli.inputs import refuse_to_replace
from chainrule.cli.output import plain, print_data, print_json, say
from chainrule.cli.remarks import say_remarks
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError
from chainrule.files import check_writable, refuse_same, write_whole


@click.command(cls=SectionedCommand)
@click.argument("model")
@click.argument("data", required=False)
@click.option("-o", "--output", metavar="FILE", help="Write CSV there instead of to standard output.")
@click.option("--probabilities/--no-probabilities", default=True, help="Add a column for each class. [default: yes]")
@click.option("--keep", is_flag=True, help="Repeat the table's own columns before the predictions.")
@click.option(
    "--unknown", metavar="TEXT", help="What to do with text values that training did not have: other or refuse."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of CSV.")
@plan_flags(ReadingPlan, "Reading the table")
def command(
    model: str,
    data: str | None,
    output: str | None,
    probabilities: bool,
    keep: bool,
    unknown: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Predict DATA's rows with MODEL. Columns are found by name; others are passed over."""
    from chainrule.models.model_file import load

    if data is None and "sql" not in given(flags):
        raise UsageError("predict needs a table after the model: a file, a built-in name, or a query with --sql.")
    if output:
        check_writable(output)
        refuse_to_replace(output, data, given(flags))
        refuse_same(output, model, "the model")
    trained = load(model)
    if unknown is not None:
        trained = trained.with_unknown(unknown)
    table = trained.read(data, **given(flags))
    columns: dict[str, list[Any]] = {}
    if keep:
        columns |= {column.name: column.as_text().values.tolist() for column in table.columns}
    names = trained.encoding.target_names
    answers, P = trained.answers(table)
    say_remarks(trained, table)
    predicted = answers.reshape(table.n_rows, -1)
    for i, name in enumerate(names):
        columns[f"predicted {name}"] = [_meant(value, trained.plan.dtype) for value in plain(predicted[:, i])]
    if P is not None and probabilities:
        for label, column in zip(trained.classes, P.T, strict=True):
            columns[f"p({label})"] = [float(f"{p:.6g}") for p in column]
    if as_json:
        print_json(columns)
        return
    text = _csv(columns)
    if output:
        say(f"Wrote {table.n_rows} predictions to {write_whole(output, text)}.", aside=True)
    else:
        print_data(text)


def _meant(value: Any, dtype: str) -> Any:
    """Cut a number to the digits that its precision holds; labels stay as they are."""
    return float(f"{value:.{7 if dtype == 'float32' else 15}g}") if isinstance(value, float) else value


def _csv(columns: dict[str, list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()
