"""`chainrule crossval`: how well does such a network do on rows that it has not seen? A table of folds."""

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
@click.option("--folds", type=int, default=5, metavar="N", help="Parts, each of which tests one network. [default: 5]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; the rest goes to standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Print the result and errors only.")
@plan_flags(TrainingPlan, "Network and training")
@plan_flags(EncodingPlan, "Columns and rows")
@plan_flags(ReadingPlan, "Reading the table")
def command(data: str | None, folds: int, as_json: bool, quiet: bool, **flags: Any) -> int:
    """Train a network for each fold of DATA on the other folds, side by side, and test it on its own.

    Nothing is written. The flags are those of train; --test has no meaning, as each fold is a test.
    """
    from chainrule.models.cross_validation import set_up_folds, train_folds

    options = given(flags)
    if data is None and "sql" not in options:
        raise UsageError("crossval needs a table: a file, a built-in name such as wine, or a query with --sql.")
    setups = set_up_folds(data, folds=folds, **options)
    notes = tuple(dict.fromkeys(note for setup in setups for note in setup.notes))
    for note in notes:
        say(note, quiet=quiet, aside=True)
    result = train_folds(setups, [_Ended(folds * setups[0].plan.starts, quiet)])
    if as_json:
        print_json({**result.summary(), "notes": list(notes)})
    else:
        say(str(result))
    return 130 if any(model.provenance.stopped == "interrupted" for model in result.models) else 0


class _Ended:
    """Says after each network how many have ended, to standard error."""

    every = None

    def __init__(self, networks: int, quiet: bool) -> None:
        self._networks, self._quiet, self._ended = networks, quiet, 0

    def __call__(self, state: Any) -> None:
        from chainrule.cli.progress import line

        self._ended += 1
        last = line(state.history[-1]) if state.history else state.stopped
        say(f"network {self._ended} of {self._networks}, {last}", quiet=self._quiet, aside=True)
