"""The comment that opens an exported file of C."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.models.export.c_data import number_places
from chainrule.models.export.program import Classes, Labels, Outputs, Program, Values
from chainrule.models.export.text import MADE_BY, quoted, title, what_a_column_takes, wrapped


def opening_comment(program: Program, name: str) -> str:
    """The comment at the beginning of the file: what it computes, how to call it, and what stands where."""
    lines = [f"{title(program)} {MADE_BY}", "", *_calling(program, name), *_meanings(program, name)]
    lines += ["", "To call it from another file, copy the declarations below into that one."]
    return "/*\n" + "\n".join(f"   {line}".rstrip() for line in lines) + "\n*/"


def _calling(program: Program, name: str) -> list[str]:
    if isinstance(program.answer, Outputs):
        return [f"{name} computes the outputs of the network for some inputs."]
    gives = {
        Classes: f"{name} gives the position of the predicted class in {name}_classes, and each class's probability.",
        Labels: f"{name} gives 0, 1 for each of {name}_classes that is given and 0 for the others, and probabilities.",
        Values: f"{name} gives 0, and the predicted values.",
    }
    return [
        gives[type(program.answer)],
        "It gives -1, and NAN for every number, where a row cannot be used: a value is missing (NAN, a name NULL) or a",
        "name is unknown, and training did not provide for that; or a number is too large.",
    ]


def _meanings(program: Program, name: str) -> Iterator[str]:
    """What stands at each place of the arrays."""
    if program.checked and program.plain:
        yield from ["", "numbers:", *wrapped((quoted(column.name) for column in program.columns), "  ")]
    elif program.numbers:
        places = number_places(program)
        yield from ["", "numbers:", *(f"  [{i}] {quoted(one.name)}: {what_a_column_takes(one)}" for i, one in places)]
    if program.texts:
        texts = enumerate(program.texts)
        yield from ["", "names:", *(f"  [{i}] {quoted(one.name)}: {what_a_column_takes(one)}" for i, one in texts)]
    if has_dates(program):
        yield from [
            "",
            f"A date is a number of days since 1970-01-01, in UTC: {name}_days(2012, 1, 31) for the day, plus",
        ]
        yield "(hours + minutes / 60.0) / 24 for the time."
    answer = program.answer
    if isinstance(answer, (Classes, Labels)):
        yield from ["", "probabilities:", *wrapped((quoted(str(label)) for label in answer.labels), "  ")]
    elif isinstance(answer, Values):
        yield from ["", "values:", *wrapped(map(quoted, answer.names), "  ")]


def has_dates(program: Program) -> bool:
    """Whether a column takes dates."""
    return any(column.date for column in program.numbers)
