"""A network as C: compiled without a warning as C99 and as C++, and the same answers."""

import ctypes
import math
import re
import subprocess
from ctypes import c_char_p, c_double, c_int, c_longlong

import numpy as np
import pytest
from export_cases import CASES, case, refused

import chainrule as cr
from chainrule.models.export import to_c
from chainrule.models.export.c_names import is_taken
from chainrule.models.export.program import Labels
from chainrule.models.export.sources import program_of

STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wno-float-conversion")
NAMES = {name: "case_" + re.sub(r"\W+", "_", name) for name in CASES}


def compile_c(source, target, *flags):
    subprocess.run(["cc", "-std=c99", *STRICT, *flags, source, "-lm", "-o", target], check=True, timeout=120)


def library(folder, text, optimised="-O1"):
    (source := folder / "exported.c").write_text(text)
    target = folder / f"exported{len(list(folder.iterdir()))}.so"  # a library that is loaded must not be replaced
    compile_c(source, target, optimised, "-shared", "-fPIC")
    return ctypes.CDLL(str(target))


@pytest.fixture(scope="module", params=["-O0", pytest.param("-O1", marks=pytest.mark.long)])
def compiled(request, tmp_path_factory):
    """All cases in one file, since every name in an export begins with the function's."""
    text = "\n".join(to_c(case(name).model, name=NAMES[name]) for name in CASES)
    return library(tmp_path_factory.mktemp("c"), text, request.param)


def call(function, program, row, width):
    """Call an exported function: what it returns, its numbers, and which labels are given where there are several."""
    columns = program.columns or [None] * len(row)  # a bare network has none
    names = [cell for column, cell in zip(columns, row, strict=True) if column in program.texts]
    numbers = [
        math.nan if cell is None else cell
        for column, cell in zip(columns, row, strict=True)
        if column in program.numbers or (column not in program.texts and not program.texts)
    ]
    arguments = [(c_double * len(numbers))(*numbers)] if numbers else []
    arguments += [(c_char_p * len(names))(*map(text, names))] if names else []
    result, given = (c_double * width)(), (c_int * width)()
    several = isinstance(program.answer, Labels)
    code = function(*arguments, *([given] if several else []), result)
    return code, list(result), list(given)


def text(cell):
    """A name as bytes: whole numbers without a point, as the table has them."""
    return None if cell is None else (cell if isinstance(cell, str) else f"{cell:g}").encode()


def labels_of(functions, name, labels):
    kind = {str: c_char_p, bool: c_int, int: c_longlong, float: c_double}[type(labels[0])]
    n = len(program_of(case(name).model).answer.labels)
    values = list((kind * n).in_dll(functions, NAMES[name] + "_classes"))
    return [value.decode() if isinstance(value, bytes) else value for value in values]


@pytest.mark.parametrize("name", CASES)
def test_the_answers_are_those_of_python(compiled, name):
    one = case(name)
    program, function = program_of(one.model), getattr(compiled, NAMES[name])
    answers = [call(function, program, row, one.numbers.shape[1]) for row in one.rows]
    received = np.array([numbers for _, numbers, _ in answers])
    np.testing.assert_allclose(received, one.numbers, rtol=one.tolerance, atol=one.tolerance)
    if one.labels and isinstance(one.labels[0], list):
        assert [given for _, _, given in answers] == one.labels
    elif one.labels:
        known = labels_of(compiled, name, one.labels)
        assert [known[position] for position, _, _ in answers] == one.labels


def test_all_of_it_is_cpp_too(tmp_path):
    files = [to_c(case(name).model, name=NAMES[name]) for name in CASES]
    (tmp_path / "exported.cpp").write_text("\n".join(files))
    command = ["c++", *STRICT, "-Wno-long-long", "-fsyntax-only", tmp_path / "exported.cpp"]
    subprocess.run(command, check=True, timeout=120)


def test_rows_that_the_model_refuses(tmp_path):
    model, (good, *bad) = refused()
    program, function = program_of(model), library(tmp_path, to_c(model)).predict
    code, numbers, _ = call(function, program, good, 1)
    assert (code, numbers) == (0, [pytest.approx(model.predict({"size": [1.0], "color": ["red"]})[0], rel=1e-12)])
    for row in bad:
        code, numbers, _ = call(function, program, row, 1)
        assert code == -1
        assert math.isnan(numbers[0])


def test_refused_classes_and_labels(tmp_path):
    wine = cr.train("wine", epochs=2, missing="refuse")
    for name, model in (("wine", wine), ("sklearn, several labels", case("sklearn, several labels").model)):
        function, program = library(tmp_path, to_c(model)).predict, program_of(model)
        code, numbers, given = call(function, program, [math.nan] * len(program.columns), 3)
        assert code == -1
        assert all(map(math.isnan, numbers))
        assert given == ([-1] * 3 if "labels" in name else [0] * 3)


MAIN = """
#include <stdio.h>
int main(void)
{
    const double row[4] = {5.1, 3.5, 1.4, 0.2};
    double probabilities[3];
    puts(iris_classes[iris(row, probabilities)]);
    return 0;
}
"""


def test_a_program_of_its_own_calls_it(tmp_path):
    """The declarations of the file, copied into another one, as its comment says; in any locale."""
    code = to_c(case("iris, soft targets").model, tmp_path / "iris.c", name="iris")
    declarations = code[code.index("#ifdef __cplusplus") : code.rindex("#endif") + len("#endif")]
    (tmp_path / "main.c").write_text(declarations + MAIN)
    subprocess.run(["cc", "-std=c99", *STRICT, "iris.c", "main.c", "-lm", "-o", "iris"], check=True, cwd=tmp_path)
    locale = {"LC_ALL": "de_DE.UTF-8"}
    answer = subprocess.run([tmp_path / "iris"], capture_output=True, text=True, check=True, env=locale)
    assert answer.stdout == "setosa\n"


WRONG = ("", "2x", "my net", "for", "class", "main", "exp", "_x", "é", None, "x" * 61, "a__b", "NAN", "EOF", "std")


@pytest.mark.parametrize(
    "name", [*WRONG, "log", "logf", "strlen", "printf", "y1", "size_t", "template", "index", "read"]
)
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(cr.UsageError, match="name must be a name for a function"):
        to_c(case("xor").model, name=name)


HEADERS = [
    "assert",
    "complex",
    "ctype",
    "errno",
    "fenv",
    "float",
    "inttypes",
    "limits",
    "locale",
    "math",
    "setjmp",
    "signal",
    "stdarg",
    "stdbool",
    "stddef",
    "stdint",
    "stdio",
    "stdlib",
    "string",
    "tgmath",
    "time",
    "wchar",
    "wctype",
]


def test_every_function_of_the_standard_library_is_a_name_that_is_taken(tmp_path):
    (tmp_path / "all.c").write_text("".join(f"#include <{name}.h>\n" for name in HEADERS))
    command = ["cc", "-std=c99", "-E", "-P", "all.c"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    found = {name for name in re.findall(r"\b([A-Za-z][A-Za-z0-9_]*) *\(", text) if "__" not in name}
    assert {"log", "strlen", "wcstold", "clogl"} <= found
    assert {name for name in found if not is_taken(name)} == set()


def test_fast_math_is_refused_by_the_compiler(tmp_path):
    (tmp_path / "m.c").write_text(to_c(case("xor").model))
    command = ["cc", "-std=c99", "-ffast-math", "-fsyntax-only", "m.c"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode != 0
    assert "Compile this file without -ffast-math" in done.stderr


def test_what_c_cannot_hold_is_refused():
    for label, words in (("a\0b", "none of them is 0"), ("x" * 4096, "at most 4095 bytes")):
        table = {"name": [label, "b", "c", "d"], "y": [1.0, 2.0, 3.0, 4.0]}
        model = cr.train(table, target="y", epochs=1, validation=0, test=0)
        with pytest.raises(cr.UsageError, match=words):
            to_c(model)


def test_numbers_at_the_ends_of_their_range(tmp_path):
    weights = [np.array([[5e-324, 1.7976931348623157e308, 0.1, 1 / 3]]), np.eye(4)]
    for dtype, tiny, huge in (("float64", 5e-324, 1.7976931348623157e308), ("float32", 1e-45, 3.4028235e38)):
        weights[0][0, :2] = tiny, huge
        network = cr.Network.dense([1, 4, 4], "identity", weights=[W.astype(dtype) for W in weights])
        function = library(tmp_path, to_c(network)).predict
        _, numbers, _ = call(function, program_of(network), [1.0], 4)
        assert numbers == network.weights[1].astype(float)[0].tolist()


def test_a_large_network_stays_sane(tmp_path):
    network = cr.Network.dense([784, 128, 10], "relu", output_activation="softmax", seed=0, dtype="float32")
    text = to_c(network)
    # The numbers, and as many statements as a small network has: what a compiler works on does not grow with units.
    numbers_written = sum(W.size for W in (*network.weights[1:], *network.biases[1:]) if W is not None)
    assert len(text) < 30 * numbers_written
    small = to_c(cr.Network.dense([2, 3, 10], "relu", output_activation="softmax", seed=0, dtype="float32"))
    statements = [len(re.findall(r"[;{]\s*$", source, re.MULTILINE)) for source in (text, small)]
    assert abs(statements[0] - statements[1]) < 10
    function = library(tmp_path, text).predict
    x = np.random.default_rng(0).normal(size=784)
    _, numbers, _ = call(function, program_of(network), x.tolist(), 10)
    np.testing.assert_allclose(numbers, cr.forward(network.astype("float64"), x[None]).output[0], rtol=1e-9)
