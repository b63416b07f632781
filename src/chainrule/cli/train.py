"""`chainrule train`: a table in; a model, its history and a report out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.flags import SectionedCommand, given, plan_flags
from chainrule.cli.inputs import refuse_to_replace
from chainrule.cli.leaving import Left, leave
from chainrule.cli.output import print_json, say, unsaid
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.reading_plan import ReadingPlan
from chainrule.errors import UsageError, readable
from chainrule.files import check_writable, refuse_same, why
from chainrule.interrupts import interrupts_held
from chainrule.training.plan import TrainingPlan

if TYPE_CHECKING:
    from chainrule.models.model import Model
    from chainrule.training.checkpoint import Checkpoints


@click.command(cls=SectionedCommand)
@click.argument("data", required=False)
@click.option("-o", "--output", metavar="FILE", help="Model file. [default: DATA's name with .safetensors]")
@click.option("--report/--no-report", default=True, help="Write an HTML report beside the model. [default: yes]")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object at the end; the rest goes to standard error."
)
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@click.option("--checkpoint", metavar="FILE", help="Keep the training's state in this file, to resume after a stop.")
@click.option(
    "--checkpoint-every", type=int, default=10, metavar="N", help="Epochs between two checkpoints. [default: 10]"
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint, as if there had been no stop.")
@plan_flags(TrainingPlan, "Network and training")
@plan_flags(EncodingPlan, "Columns and rows")
@plan_flags(ReadingPlan, "Reading the table")
def command(
    data: str | None,
    output: str | None,
    report: bool,
    as_json: bool,
    quiet: bool,
    checkpoint: str | None,
    checkpoint_every: int,
    resume: bool,
    **flags: Any,
) -> int:
    """Train a network on DATA: a built-in table (xor, wine, iris, ...) or a file (CSV, TSV, Parquet, JSON, SQLite).

    Writes the model, FILE.history.csv and FILE.report.html. Without options the last column is the target.
    """
    from chainrule.cli.progress import progress
    from chainrule.models.setup import set_up
    from chainrule.models.train import train_setup
    from chainrule.training.checkpoint import Checkpoints

    options = given(flags)
    if data is None and "sql" not in options:
        raise UsageError("train needs a table: a file, a built-in name such as wine, or a query with --sql.")
    paths = output_paths(data, output, report)
    for path in paths.values():
        check_writable(path)
        refuse_to_replace(path, data, options)
        refuse_same(path, checkpoint, "the checkpoint")
    replaced = [path for path in paths.values() if path.exists()]
    checkpoints = None if checkpoint is None else Checkpoints(checkpoint, checkpoint_every)

    setup = set_up(data, **options)
    for note in (*columns_in_words(setup.encoding), *setup.notes):
        say(note, quiet=quiet, aside=as_json)
    network = f"Network {'-'.join(map(str, setup.sizes))}, {setup.network_parameters} weights and biases."
    rows = [len(part) for part in (setup.split.train, setup.split.validation, setup.split.test)]
    say(f"{network} Rows: {rows[0]} train, {rows[1]} validate, {rows[2]} test.", quiet=quiet, aside=as_json)

    failure: BaseException | None = None
    model: Model | None = None
    with interrupts_held() as held:
        try:
            with progress(setup.plan.epochs, setup.plan.starts, quiet, _trouble(checkpoints)) as watcher:
                model = train_setup(setup, [watcher], checkpoints=checkpoints, resume=resume)
        except BaseException as error:
            failure, model = error, getattr(error, "model", model)
        if model is None:
            assert failure is not None
            raise failure
        if not len(model.history) and (failure or model.provenance.stopped == "interrupted"):
            say("No epoch was completed: nothing is written.", aside=True)
            raise failure or KeyboardInterrupt
        left = leave(model, paths, repeat_command())
        interrupted = held.taken() or left.interrupted or model.provenance.stopped == "interrupted"

    if checkpoints is not None and checkpoints.failure is not None:
        left.missing.append(checkpoints.in_words())
    if as_json and failure is None:
        print_json(summary(model, {**dict.fromkeys(paths), **left.paths}, left.missing + _unsaid()))
    elif not quiet and failure is None:
        _print_result(model, left.paths, replaced)
    if left.interrupted:
        say(f'The report "{paths["report"]}" was left out: interrupted.', aside=True)
    missing = left.missing + _unsaid()
    if missing:
        _say_somewhere(f"Error: {Left(left.paths, missing).in_words()}", not as_json)
    if failure is not None:
        if "model" in left.paths and not missing:
            say(f'The weights kept are in "{left.paths["model"]}".', aside=True)
        raise failure
    if left.missing:
        return 1
    return 130 if interrupted else 1 if missing else 0


def _trouble(checkpoints: Checkpoints | None) -> Callable[[], str]:
    return (lambda: "") if checkpoints is None else checkpoints.in_words


def _unsaid() -> list[str]:
    """Progress that could not be shown to its end."""
    error = unsaid(aside=True)
    return [] if error is None else [f"progress and remarks ({why(error)})"]


def _say_somewhere(text: str, on_output: bool) -> None:
    """Say it aside or, where nothing can be said there, on standard output."""
    say(text, aside=not on_output or unsaid(aside=True) is None)


def output_paths(data: str | None, output: str | None, report: bool) -> dict[str, Path]:
    """Return where the model, its history and its report go."""
    stem = Path(data.removesuffix(".gz")).stem if data else "model"
    model = Path(output) if output else Path(f"{stem}.safetensors")
    if not model.suffix and not model.is_dir():  # a folder is refused as one
        model = model.with_suffix(".safetensors")
    beside = model.parent / model.stem
    paths = {"model": model, "history": Path(f"{beside}.history.csv")}
    return {**paths, "report": Path(f"{beside}.report.html")} if report else paths


def columns_in_words(encoding: Any) -> list[str]:
    """Say which columns were read as numbers, dates and times, and which as names, with how many nodes."""
    from chainrule.data.columns import name_list

    rows = [row for row in encoding.describe() if row["role"] == "input"]
    cycles = {item.name: getattr(item, "cycles", ()) for item in encoding.inputs}
    said: dict[str, list[str]] = {}
    for row in rows:
        name, nodes = row["column"], f"{row['nodes']} nodes"
        if row["read_as"] == "names":
            name += f" ({nodes})"
        elif cycles[name]:
            elapsed = "elapsed days" if row["read_as"] == "date" else "hours"
            name += f" ({nodes}: {', '.join((elapsed, *cycles[name]))})"
        said.setdefault(row["read_as"], []).append(name)
    kinds = {"number": "numbers", "date": "dates", "time": "times of day", "duration": "durations", "names": "names"}
    return [f"Inputs read as {words}: {name_list(said[kind])}." for kind, words in kinds.items() if kind in said]


def repeat_command() -> str:
    """The command line as it was typed, but for bytes that are no letters."""
    return readable(shlex.join(["chainrule", *sys.argv[1:]]))


def summary(model: Any, paths: Mapping[str, Path | None], missing: Sequence[str] = ()) -> dict[str, Any]:
    """What `--json` prints; no path stands for what could not be written, and `missing` says why."""
    provenance = model.provenance
    return {
        "task": model.task,
        "target": list(model.encoding.target_names),
        "test": None if model.test is None else model.test.summary(),
        "epochs": len(model.history),
        "best_epoch": provenance.best_epoch,
        "stopped": provenance.stopped,
        "seconds": provenance.seconds,
        "engine": provenance.engine,
        "rows": dict(zip(("train", "validation", "test"), provenance.rows, strict=True)),
        "sizes": list(model.network.sizes),
        "cost": model.history[-1].cost if len(model.history) else None,
        "loss": getattr(model.plan.loss, "name", model.plan.loss),
        "starts": list(provenance.starts),
        "seed": model.plan.seed,
        "notes": list(provenance.notes),
        **{name: None if path is None else str(path) for name, path in paths.items()},
        "not_written": list(missing),
    }


def _say_if_stuck(model: Any) -> None:
    """Say so where the cost has settled far above what can be reached; the report has the other findings."""
    from chainrule.models.doctor.stuck import stuck

    for found in stuck(model):
        say(f"\n{found.text()}")


def _print_result(model: Any, paths: dict[str, Path], replaced: list[Path]) -> None:
    provenance = model.provenance
    say(
        f"Stopped after {len(model.history)} epochs ({provenance.stopped}) and {provenance.seconds:.2f} s on the "
        f"{provenance.engine} engine; weights of epoch {provenance.best_epoch} kept."
    )
    if len(provenance.starts) > 1:
        best, worst = min(provenance.starts), max(provenance.starts)
        say(f"Best of {len(provenance.starts)} starts: cost {best:.4g}, worst {worst:.4g}.")
    if model.test is None:
        say("\nNo rows were kept for testing.")
        if model.history:
            last = model.history[-1]
            accuracy = "" if last.accuracy != last.accuracy else f", accuracy {last.accuracy:.3f}"
            say(f"On the training rows: cost {last.cost:.4g}{accuracy}.")
    else:
        say(f"\nTest: {model.test}")
    _say_if_stuck(model)
    written = [f"{path} (replaced)" if path in replaced else str(path) for path in paths.values()]
    say(f"\nWrote {', '.join(written)}.")
