"""`chainrule export`: a model as a file for another tool: ONNX, C, JavaScript or Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli.flags import SectionedCommand
from chainrule.cli.output import say
from chainrule.errors import UsageError
from chainrule.files import check_writable, refuse_same

LANGUAGES = {".onnx": "onnx", ".c": "c", ".js": "javascript", ".mjs": "javascript", ".py": "python"}


@click.command(cls=SectionedCommand)
@click.argument("model")
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="Where to write it; it ends in .onnx, .c, .js, .mjs or .py."
)
@click.option("--name", metavar="NAME", help="In C, the name of the function. [default: predict]")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    help="In ONNX, of everything; by default columns and answers are float64, with the model's own between.",
)
@click.option(
    "--unknown", metavar="TEXT", help="What to do with text values that training did not have: other or refuse."
)
def command(model: str, output: str, name: str | None, dtype: str | None, unknown: str | None) -> None:
    """Write MODEL for another tool, with what is done to its columns inside: ONNX, C, JavaScript or Python.

    The ending of FILE chooses the language.
    """
    language = _language(output)
    for flag, value, owner in (("--name", name, "c"), ("--dtype", dtype, "onnx")):
        if value is not None and language != owner:
            raise UsageError(f'{flag} belongs to .{owner} files; the output is "{output}". Leave it out.')
    check_writable(output)
    refuse_same(output, model, "the model")
    from chainrule.models import export
    from chainrule.models.model_file import load

    trained: Any = load(model)
    if unknown is not None:
        trained = trained.with_unknown(unknown)
    if language == "onnx":
        export.to_onnx(trained, output, dtype=dtype)
    elif language == "c":
        export.to_c(trained, output, name="predict" if name is None else name)
    elif language == "javascript":
        export.to_javascript(trained, output)
    else:
        export.to_python(trained, output)
    say(f"Wrote {output}.")


def _language(output: str) -> str:
    suffix = Path(output).suffix.lower()
    if suffix not in LANGUAGES:
        raise UsageError(
            f'output "{output}": its ending says no language. Allowed: {", ".join(LANGUAGES)}, as in '
            f"{Path(output).stem or 'model'}.onnx."
        )
    return LANGUAGES[suffix]
