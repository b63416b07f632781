"""`chainrule info`: what is in a model, what is in a table, what is installed."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from chainrule import __version__
from chainrule.cli.flags import SectionedCommand, given, plan_flags
from chainrule.cli.output import print_json, say, table_text
from chainrule.data.reading_plan import ReadingPlan


@click.command(cls=SectionedCommand)
@click.argument("what", required=False)
@click.option("--engine", is_flag=True, help="Show which engines there are, and which is the default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@plan_flags(ReadingPlan, "Reading the table")
def command(what: str | None, engine: bool, as_json: bool, **flags: Any) -> None:
    """Show what WHAT holds, a model file or a table; without it, what is installed and the built-in tables."""
    reading = given(flags)
    if what is None and "sql" not in reading:
        facts = installed(engine)
    elif what is not None and Path(what).suffix == ".safetensors":
        facts = of_model(what)
    else:
        facts = of_table(what, reading)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if name == "notes":
            say("\n".join(["notes:", *(f"  {note}" for note in value)]), quiet=not value)
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = table_text(([row[key] for key in value[0]] for row in value), list(value[0]))
            say(f"{name}:\n  " + rows.replace("\n", "\n  "))
        else:
            say(f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}")


def installed(engine_only: bool) -> dict[str, Any]:
    """Versions, engines and built-in tables."""
    from chainrule.data.builtin_tables import builtin_names
    from chainrule.engines.choose import ENGINES

    facts: dict[str, Any] = {
        "engines": [name for name in ENGINES if name != "auto"],
        "default engine": _default_engine(),
    }
    if engine_only:
        return facts
    packages = ("numpy", "duckdb", "click", "rich", "safetensors")
    return {
        "chainrule": __version__,
        "python": sys.version.split()[0],
        **{name: version(name) for name in packages},
        **facts,
        "built-in tables": list(builtin_names()),
    }


def _default_engine() -> str:
    """Which engine "auto" takes, its instruction set and its threads."""
    from chainrule.engines.kernels import NOT_BUILT, cores, kernel, kernels

    best = kernel()
    if best is None:
        return f"reference (NumPy); the compiled engine {NOT_BUILT}"
    name, count = next(iter(kernels())), cores()
    family = {"native": "of this processor"}.get(name, f"x86-64-{name}")
    return f"compiled; instruction set {family}, vectors of {best.vector_bits} bits, up to {count} threads"


def of_model(path: str) -> dict[str, Any]:
    """What a model file holds."""
    from chainrule.models.ensemble import Ensemble
    from chainrule.models.model_file import load

    found = load(path)
    of_the_first = {}
    if isinstance(found, Ensemble):
        model = found.members[0]
        of_the_first = {"members": f"{len(found)}; below stands the first, but for the test"}
    else:
        model = found
    provenance = model.provenance
    plan = model.plan
    return {
        "model": path,
        **of_the_first,
        "learned from": provenance.source,
        "task": model.task,
        "target": list(model.encoding.target_names),
        **({"classes": list(model.classes)} if model.task == "classification" else {}),
        "sizes": "-".join(map(str, model.network.sizes)),
        "activations": [layer.activation.name for layer in model.network.layers],
        "weights and biases": model.network.n_parameters,
        "precision": plan.dtype,
        "loss": getattr(plan.loss, "name", plan.loss),
        **_way_down(plan),
        "epochs run": len(model.history),
        "kept epoch": provenance.best_epoch,
        "stopped": provenance.stopped,
        "seconds": round(provenance.seconds, 3),
        "engine": provenance.engine,
        "rows": "{} train, {} validate, {} test".format(*provenance.rows),
        "test": "not measured" if found.test is None else _measures(found.test.summary()),
        "columns": model.encoding.describe(),
        "notes": list(provenance.notes),
        "trained by": f"chainrule {provenance.version}",
    }


def _way_down(plan: Any) -> dict[str, Any]:
    """The options that decided how the minimum was looked for."""
    if plan.solver != "descent":
        return {"solver": plan.solver, **({"bayes": True} if plan.bayes else {})}
    return {
        "update": getattr(plan.update, "name", plan.update),
        "learning rate": plan.eta,
        "batch size": plan.batch_size,
        **({"dropout": list(plan.dropout)} if any(plan.dropout) else {}),
    }


def of_table(what: str | None, reading: dict[str, Any]) -> dict[str, Any]:
    """What a table holds."""
    from dataclasses import replace

    import numpy as np

    from chainrule.data.tables import read_with

    table = read_with(what, ReadingPlan(**reading))
    columns = []
    for column in table.columns:
        known = column.values[~column.missing]
        distinct = len(set(known.tolist()))
        if column.kind == "number" and len(known):
            ends = replace(column, values=np.array([np.min(known), np.max(known)]))
            shown = ends.as_text().values if column.origin == "date" else map("{:g}".format, ends.values)
            span = " to ".join(shown)
        else:
            span = ", ".join(sorted(set(map(str, known)))[:4]) + (", ..." if distinct > 4 else "")
        columns.append(
            {
                "column": column.name,
                "kind": column.origin if column.origin in ("date", "time", "duration") else column.kind,
                "missing": int(column.missing.sum()),
                "different": distinct,
                "values": span if len(span) <= 50 else span[:47] + "...",
            }
        )
    return {"table": table.source, "rows": table.n_rows, "columns": columns, "notes": list(table.notes)}


def _measures(summary: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in summary.items())
