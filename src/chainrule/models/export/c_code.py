"""A trained network as one file of C99 that needs the standard headers only, and compiles as C++ too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from chainrule.errors import UsageError
from chainrule.models.export import c_cells, c_functions
from chainrule.models.export.c_comment import has_dates, opening_comment
from chainrule.models.export.c_data import (
    column_tables,
    cycle_rows,
    label_array,
    label_table,
    prepared_column_tables,
    scaling_tables,
    weight_kind,
    weight_tables,
)
from chainrule.models.export.c_functions import filled
from chainrule.models.export.c_names import is_taken
from chainrule.models.export.c_steps import integers, step_code, step_tables
from chainrule.models.export.program import Classes, DenseLayer, Labels, Outputs, Program, Values
from chainrule.models.export.proof import proven_program
from chainrule.models.export.text import number, written


def to_c(model: Any, path: str | os.PathLike[str] | None = None, name: str = "predict") -> str:
    """Write a trained network as one file of C99 that needs math.h and, for text columns, string.h.

    Parameters
    ----------
    model : Model, Ensemble, Network, or fitted MLPClassifier or MLPRegressor, chainrule's or scikit-learn's
        Or a pipeline of scikit-learn that ends in one; with TransformedTargetRegressor around it, too.
    path : path-like, optional
        Where to write it as well, whole or not at all.
    name : str
        Of the function; every other name in the file begins with it. Names of C, C++ and their libraries are refused.

    Returns
    -------
    str
        The file, which compiles as C++ too. Its opening comment says what goes in and comes out. Numbers are doubles,
        NAN where missing; names are strings, NULL where missing; dates are days since 1970-01-01, for which the file
        has a function. The function gives -1, and NAN for every number, for a row that the model refuses. It computes
        in double precision, allocates nothing and keeps nothing between calls. Do not compile it with -ffast-math,
        which cannot tell a missing value from others.

    Raises
    ------
    UsageError
        If it cannot be exported, because of an activation of your own or a step of a pipeline for instance, if `name`
        is no name for a function, or if it cannot be written there.

    Examples
    --------
    >>> import chainrule as cr
    >>> code = to_c(cr.train("iris", epochs=50), name="iris")
    >>> "int iris(const double numbers[4], double probabilities[3])" in code
    True
    """
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,59}", name) or is_taken(name):
        raise UsageError(
            "name must be a name for a function in C and C++, of letters without accents, digits and single _, such as "
            "predict_wine: none that these languages or their libraries have, and not in capitals alone, as macros; "
            f"received {name!r}."
        )
    program = proven_program(model)
    sections = [
        opening_comment(program, name),
        "#include <math.h>" + ("\n#include <string.h>" if program.texts else ""),
        _declarations(program, name),
        *([NO_FAST_MATH] if program.checked else []),
        *_tables(program, name),
        *([filled(c_functions.DAYS, name)] if has_dates(program) else []),
        *([filled(c_functions.SINGLE, name)] if program.single else []),
        filled(c_functions.DENSE, name, kind=weight_kind(program)),
        *_activations(program, name),
        *_networks(program, name),
        *([_encode(program, name)] if program.checked else []),
        *_predict(program, name),
    ]
    return written("\n\n".join(sections) + "\n", path)


NO_FAST_MATH = """#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "Compile this file without -ffast-math and -ffinite-math-only: they cannot tell a missing value from others."
#endif"""


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
    if has_dates(program):
        lines.append(f"double {name}_days(int year, int month, int day);")
    if isinstance(program.answer, (Classes, Labels)):
        lines.append(f"extern {label_array(program.answer, name)};")
    return "\n".join(["#ifdef __cplusplus", 'extern "C" {', "#endif", *lines, "#ifdef __cplusplus", "}", "#endif"])


def _tables(program: Program, name: str) -> Iterator[str]:
    if isinstance(program.answer, (Classes, Labels)):
        yield label_table(program.answer, name)
    if program.nodes:
        yield from prepared_column_tables(program, name)
        yield from step_tables(program.steps, f"{name}_s")
        yield integers(f"{name}_inputs", program.nodes)
    elif not program.plain:
        yield from column_tables(program, name)
    yield weight_tables(program, name)
    if isinstance(program.answer, Values):
        yield scaling_tables(program.answer, name)
        yield from step_tables(program.after, f"{name}_t")


def _activations(program: Program, name: str) -> Iterator[str]:
    for used in program.activations:
        if used in c_functions.ACTIVATIONS:
            yield filled(c_functions.ACTIVATIONS[used], name)


def _networks(program: Program, name: str) -> Iterator[str]:
    for number_, layers in enumerate(program.networks, start=1):
        yield _network(program, layers, name, number_)
    several = len(program.networks)
    if several > 1:
        names = ", ".join(f"{name}_network_{number_}" for number_ in range(1, several + 1))
        yield f"static void (*const {name}_networks[{several}])(double *) = {{{names}}};"


def _network(program: Program, layers: Sequence[DenseLayer], name: str, number_: int) -> str:
    suffix = f"_{number_}" if len(program.networks) > 1 else ""
    lines = [
        "/* The network: a holds the inputs, then the activations of each layer, at last the outputs. */",
        f"static void {name}_network_{number_}(double *a)",
        "{",
        f"    double z[{max(program.sizes)}];",
    ]
    if program.single or any(layer.activation != "softmax" for layer in layers):
        lines.append("    int k;")
    if program.single:
        lines.append(f"    for (k = 0; k < {program.sizes[0]}; k++) a[k] = {name}_single(a[k]);")
    for l, layer in enumerate(layers, start=1):
        n_in, n_out = layer.weights.shape
        lines.append(f"    {name}_dense({n_in}, {n_out}, {name}_W{l}{suffix}, {name}_b{l}{suffix}, a, z);")
        if program.single:
            lines.append(f"    for (k = 0; k < {n_out}; k++) z[k] = {name}_single(z[k]);")
        if layer.activation == "softmax":
            lines.append(f"    {name}_softmax({n_out}, z, a);")
        else:
            parameters = "".join(f", {number(parameter)}" for parameter in layer.parameters)
            value = "z[k]" if layer.activation == "identity" else f"{name}_{layer.activation}(z[k]{parameters})"
            value = f"{name}_single({value})" if program.single else value
            lines.append(f"    for (k = 0; k < {n_out}; k++) a[k] = {value};")
    return "\n".join([*lines, "}"])


def _encode(program: Program, name: str) -> str:
    if program.plain:
        return filled(c_cells.ENCODE_PLAIN, name, count=len(program.columns))
    arguments = ["const double *numbers"] if program.numbers or not program.texts else []
    arguments += ["const char *const *names"] if program.texts else []
    words: dict[str, Any] = {"arguments": ", ".join(arguments)}
    loops = []
    if program.numbers:
        template = c_cells.NUMBERS_OR_GAPS if program.nodes else c_cells.ENCODE_NUMBERS
        loops.append(filled(template, name, count=len(program.numbers)))
        cycles = len(cycle_rows(program))
        loops += [filled(c_cells.ENCODE_CYCLES, name, count=cycles)] if cycles else []
    if program.texts:
        template = c_cells.TEXT_POSITIONS if program.nodes else c_cells.ENCODE_NAMES
        loops.append(filled(template, name, count=len(program.texts)))
    if not program.nodes:
        return filled(c_cells.ENCODE, name, loops="\n".join(loops), **words)
    words |= {
        "count": program.n_values + sum(step.n_outputs for step in program.steps),
        "columns": "\n".join(loops),
        "steps": step_code(program.steps, f"{name}_s", program.n_values),
        "inputs": program.sizes[0],
    }
    return filled(c_cells.ENCODE_WITH_STEPS, name, **words)


def _predict(program: Program, name: str) -> Iterator[str]:
    answer, n_out = program.answer, program.sizes[-1]
    columns = [*(["numbers"] if program.numbers or not program.texts else []), *(["names"] if program.texts else [])]
    words: dict[str, Any] = {
        "signature": _signature(program, name),
        "columns": ", ".join(columns),
        "position": "position = -1, " if isinstance(answer, Classes) else "",
        "widest": max(program.sizes),
        "inputs": program.sizes[0],
        "outputs": n_out,
        "networks": len(program.networks),
    }
    if isinstance(answer, Outputs):
        yield filled(c_functions.PREDICT_OUTPUTS, name, **words)
    elif isinstance(answer, Labels):
        yield filled(c_functions.PREDICT_LABELS, name, begin=filled(c_functions.BEGIN, name, **words), **words)
    elif isinstance(answer, Values):
        if answer.units:
            yield filled(c_functions.IN_UNIT, name)
        yield _predict_values(program, answer, name, words)
    else:
        if answer.floor is not None:
            yield filled(c_functions.BETWEEN, name)
        words |= {"classes": len(answer.labels), **_choice_and_probabilities(answer, n_out, name)}
        if len(program.networks) == 1:
            begin = filled(c_functions.BEGIN, name, **words)
        else:
            shares = _indented(words["probabilities"])
            words |= {"choice": filled(c_functions.MEAN_CLASS, name, **words), "probabilities": ""}
            words |= {"answers": words["classes"], "answer": shares, "one": "probabilities"}
            begin = filled(c_functions.BEGIN_SEVERAL, name, **words)
        code = filled(c_functions.PREDICT_CLASS, name, begin=begin, **words)
        yield "\n".join(line for line in code.split("\n") if line)


def _predict_values(program: Program, answer: Values, name: str, words: dict[str, Any]) -> str:
    n_out = program.sizes[-1]
    value = f"a[k] * {name}_scales[k] + {name}_centers[k]"
    if answer.units:
        value = f"{name}_in_unit({value}, {name}_units[k])"
    if len(program.networks) == 1:
        begin = filled(c_functions.BEGIN, name, **words)
    else:
        one = f"            for (k = 0; k < {n_out}; k++) a[k] = {value};"
        begin = filled(c_functions.BEGIN_SEVERAL, name, answers=n_out, answer=one, one="a", **words)
        value = f"mean[k] / {len(program.networks)}"
    after = ""
    if program.after:
        last = sum(step.n_outputs for step in program.after)
        begin = f"    double v[{n_out + last}];\n{begin}"
        code = step_code(program.after, f"{name}_t", n_out)
        after = f"    for (k = 0; k < {n_out}; k++) v[k] = usable ? {value} : 0;\n{code}\n"
        value = f"v[{last} + k]"
    check = filled(c_functions.CHECK_VALUES, name, **words) + "\n" if answer.units else ""
    return filled(c_functions.PREDICT_VALUES, name, begin=begin, after=after, value=value, check=check, **words)


def _indented(code: str) -> str:
    return "\n".join(f"        {line}" for line in code.split("\n"))


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
