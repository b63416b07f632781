"""A trained network as one file of C99 that needs the standard headers only, and compiles as C++ too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from chainrule.errors import UsageError
from chainrule.models.export import c_functions
from chainrule.models.export.c_data import (
    column_tables,
    label_array,
    label_table,
    number_places,
    scaling_tables,
    weight_kind,
    weight_tables,
)
from chainrule.models.export.c_functions import filled
from chainrule.models.export.program import Classes, Labels, Outputs, Program, Values
from chainrule.models.export.sources import program_of
from chainrule.models.export.text import MADE_BY, number, quoted, title, what_a_column_takes, wrapped, written

# Words between blanks that C, C++ or the headers have.
_TAKEN = (
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const constexpr continue "
    "decltype default delete do double else enum explicit export extern false float for friend goto if inline int long "
    "main mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
    "requires restrict return short signed sizeof static static_assert struct switch template this thread_local throw "
    "true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq "
    "erfc exp expm1 fabs isfinite isnan log1p sqrt strcmp tanh "
)


def to_c(model: Any, path: str | os.PathLike[str] | None = None, name: str = "predict") -> str:
    """Write a trained network as one file of C99 that needs math.h and, for text columns, string.h.

    Parameters
    ----------
    model : Model, Network, or fitted MLPClassifier or MLPRegressor, chainrule's or scikit-learn's
    path : path-like, optional
        Where to write it as well, whole or not at all.
    name : str
        Of the function; every other name in the file begins with it.

    Returns
    -------
    str
        The file, which compiles as C++ too. Its opening comment says what goes in and comes out. Numbers are doubles,
        NAN where missing; names are strings, NULL where missing. The function gives -1, and NAN for every number, for
        a row that the model refuses. It computes in double precision, allocates nothing and keeps nothing between
        calls. Do not compile it with -ffast-math, which cannot tell a missing value from others.

    Raises
    ------
    UsageError
        If it cannot be exported, because of an activation of your own for instance, if `name` is no name for a
        function, or if it cannot be written there.

    Examples
    --------
    >>> import chainrule as cr
    >>> code = to_c(cr.train("iris", epochs=50), name="iris")
    >>> "int iris(const double numbers[4], double probabilities[3])" in code
    True
    """
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,59}", name) or f" {name} " in _TAKEN:
        raise UsageError(
            "name must be a name for a function in C and C++, of letters without accents, digits and _, such as "
            f"predict_wine, and none that these languages have; received {name!r}."
        )
    program = program_of(model)
    sections = [
        _head(program, name),
        "#include <math.h>" + ("\n#include <string.h>" if program.texts else ""),
        _declarations(program, name),
        *_tables(program, name),
        filled(c_functions.DENSE, name, kind=weight_kind(program)),
        *_activations(program, name),
        _network(program, name),
        *([_encode(program, name)] if program.checked else []),
        *_predict(program, name),
    ]
    return written("\n\n".join(sections) + "\n", path)


def _head(program: Program, name: str) -> str:
    lines = [f"{title(program)} {MADE_BY}", "", *_calling(program, name), *_meanings(program)]
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


def _meanings(program: Program) -> Iterator[str]:
    """What stands at each place of the arrays."""
    if program.checked and program.plain:
        yield from ["", "numbers:", *wrapped((quoted(column.name) for column in program.columns), "  ")]
    elif program.numbers:
        places = number_places(program)
        yield from ["", "numbers:", *(f"  [{i}] {quoted(one.name)}: {what_a_column_takes(one)}" for i, one in places)]
    if program.texts:
        texts = enumerate(program.texts)
        yield from ["", "names:", *(f"  [{i}] {quoted(one.name)}: {what_a_column_takes(one)}" for i, one in texts)]
    answer = program.answer
    if isinstance(answer, (Classes, Labels)):
        yield from ["", "probabilities:", *wrapped((quoted(str(label)) for label in answer.labels), "  ")]
    elif isinstance(answer, Values):
        yield from ["", "values:", *wrapped(map(quoted, answer.names), "  ")]


def _signature(program: Program, name: str) -> str:
    answer, n_out = program.answer, program.sizes[-1]
    if isinstance(answer, Outputs):
        return f"void {name}(const double inputs[{program.sizes[0]}], double outputs[{n_out}])"
    n_numbers = len(program.numbers) if program.texts else len(program.columns)
    arguments = [f"const double numbers[{n_numbers}]"] if n_numbers else []
    arguments += [f"const char *const names[{len(program.texts)}]"] if program.texts else []
    arguments += {
        Classes: [f"double probabilities[{len(answer.labels) if isinstance(answer, Classes) else 0}]"],
        Labels: [f"int given[{n_out}]", f"double probabilities[{n_out}]"],
        Values: [f"double values[{n_out}]"],
    }[type(answer)]
    return f"int {name}({', '.join(arguments)})"


def _declarations(program: Program, name: str) -> str:
    lines = [f"{_signature(program, name)};"]
    if isinstance(program.answer, (Classes, Labels)):
        lines.append(f"extern {label_array(program.answer, name)};")
    return "\n".join(["#ifdef __cplusplus", 'extern "C" {', "#endif", *lines, "#ifdef __cplusplus", "}", "#endif"])


def _tables(program: Program, name: str) -> Iterator[str]:
    if isinstance(program.answer, (Classes, Labels)):
        yield label_table(program.answer, name)
    if not program.plain:
        yield from column_tables(program, name)
    yield weight_tables(program, name)
    if isinstance(program.answer, Values):
        yield scaling_tables(program.answer, name)


def _activations(program: Program, name: str) -> Iterator[str]:
    for used in dict.fromkeys(layer.activation for layer in program.layers):
        if used in c_functions.ACTIVATIONS:
            yield filled(c_functions.ACTIVATIONS[used], name)


def _network(program: Program, name: str) -> str:
    lines = [
        "/* The network: a holds the inputs, then the activations of each layer, at last the outputs. */",
        f"static void {name}_network(double *a)",
        "{",
        f"    double z[{max(program.sizes)}];",
    ]
    if any(layer.activation != "softmax" for layer in program.layers):
        lines.append("    int k;")
    for l, layer in enumerate(program.layers, start=1):
        n_in, n_out = layer.weights.shape
        lines.append(f"    {name}_dense({n_in}, {n_out}, {name}_W{l}, {name}_b{l}, a, z);")
        if layer.activation == "softmax":
            lines.append(f"    {name}_softmax({n_out}, z, a);")
        else:
            parameters = "".join(f", {number(parameter)}" for parameter in layer.parameters)
            value = "z[k]" if layer.activation == "identity" else f"{name}_{layer.activation}(z[k]{parameters})"
            lines.append(f"    for (k = 0; k < {n_out}; k++) a[k] = {value};")
    return "\n".join([*lines, "}"])


def _encode(program: Program, name: str) -> str:
    if program.plain:
        return filled(c_functions.ENCODE_PLAIN, name, count=len(program.columns))
    arguments, loops = [], []
    if program.numbers:
        arguments.append("const double *numbers")
        loops.append(filled(c_functions.ENCODE_NUMBERS, name, count=len(program.numbers)))
    if program.texts:
        arguments.append("const char *const *names")
        loops.append(filled(c_functions.ENCODE_NAMES, name, count=len(program.texts)))
    return filled(c_functions.ENCODE, name, arguments=", ".join(arguments), loops="\n".join(loops))


def _predict(program: Program, name: str) -> Iterator[str]:
    answer, n_out = program.answer, program.sizes[-1]
    columns = [*(["numbers"] if program.numbers else []), *(["names"] if program.texts else [])]
    words: dict[str, Any] = {
        "signature": _signature(program, name),
        "columns": ", ".join(columns),
        "widest": max(program.sizes),
        "inputs": program.sizes[0],
        "outputs": n_out,
    }
    if isinstance(answer, Outputs):
        yield filled(c_functions.PREDICT_OUTPUTS, name, **words)
    elif isinstance(answer, Labels):
        yield filled(c_functions.PREDICT_LABELS, name, **words)
    elif isinstance(answer, Values):
        yield filled(c_functions.PREDICT_VALUES, name, **words)
    else:
        if answer.floor is not None:
            yield filled(c_functions.BETWEEN, name)
        words |= {"classes": len(answer.labels), **_choice_and_probabilities(answer, n_out, name)}
        yield filled(c_functions.PREDICT_CLASS, name, **words)


def _choice_and_probabilities(answer: Classes, n_out: int, name: str) -> dict[str, str]:
    output = "a[0]" if answer.one_node else "a[k]"
    share = output
    if answer.floor is not None:
        low, width = number(answer.low), number(answer.high - answer.low)
        share = f"{name}_between(({output} - {low}) / {width}, {number(answer.floor)}, {number(1 - answer.floor)})"
    if answer.one_node:
        choice = filled(c_functions.CHOICE_OF_ONE_NODE, name, middle=number(answer.middle))
        return {"choice": choice, "probabilities": filled(c_functions.PROBABILITIES_OF_ONE_NODE, name, share=share)}
    choice = filled(c_functions.CHOICE_OF_SEVERAL, name, outputs=n_out)
    shares = c_functions.PROBABILITIES_AS_THEY_ARE if answer.floor is None else c_functions.PROBABILITIES_DIVIDED
    return {"choice": choice, "probabilities": filled(shares, name, outputs=n_out, share=share)}
