"""The same answers and the same refusals: odd inputs, in every language, for every activation and both precisions."""

import ctypes
import math
import subprocess

import numpy as np
import onnxruntime
import pytest

import chainrule as cr
from chainrule.core.catalogue import ACTIVATIONS
from chainrule.models.export import to_c, to_onnx, to_python

onnxruntime.set_default_logger_severity(4)
ODD = (
    0.0, -0.0, 1.0, -1.0, 5e-324, 1e-46, 1e30, -1e30, 1e38, -1e38, 3.5e38, -3.5e38, 1e39, -1e39, 1e300, -1e300,
    math.inf, -math.inf, math.nan, None,
)  # fmt: skip
TABLE = {"x": [0.0, 1.0, 2.0, 4.0] * 3, "y": [0.0, 1.0, 2.0, 4.0] * 3, "kind": ["a", "b", "c", "b"] * 3}
MODELS = {
    f"{activation} in {dtype}": (activation, dtype, "y")
    for activation in ACTIVATIONS
    for dtype in ("float32", "float64")
} | {"classes in float32": ("relu", "float32", "kind"), "classes in float64": ("relu", "float64", "kind")}  # fmt: skip


def trained(activation, dtype, target):
    columns = {"x": TABLE["x"], target: TABLE[target]}
    return cr.train(
        columns,
        target=target,
        hidden=3,
        activation=activation,
        dtype=dtype,
        epochs=3,
        seed=1,
        validation=0,
        test=0,
        missing="refuse",
    )


def said_by_model(model, cell):
    """The first number of an answer, None for a refusal."""
    try:
        return float(np.ravel(model.answers({"x": [cell]})[-1 if model.task == "classification" else 0])[0])
    except cr.DataError:
        return None


def said_by_python(model):
    module = {}
    exec(to_python(model), module)
    ask = module["probabilities" if model.task == "classification" else "predict"]

    def answer(cell):
        try:
            return float(np.ravel(ask([cell]))[0])
        except ValueError:
            return None

    return answer


def said_by_onnx(model):
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])

    def answer(cell):
        try:
            value = math.nan if cell is None else cell
            return float(session.run(None, {"X": np.array([[value]])})[-1][0, 0])
        except Exception:  # onnxruntime's errors have no class in common
            return None

    return answer


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """All models in one file of C."""
    folder = tmp_path_factory.mktemp("odd")
    models = {name: trained(*settings) for name, settings in MODELS.items()}
    text = "\n".join(to_c(model, name=f"model_{k}") for k, model in enumerate(models.values()))
    (folder / "odd.c").write_text(text)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "odd.c", "-lm", "-o", "odd.so"], check=True, timeout=120, cwd=folder)
    return models, ctypes.CDLL(str(folder / "odd.so"))


def said_by_c(library, name, n):
    function = getattr(library, f"model_{list(MODELS).index(name)}")

    def answer(cell):
        result = (ctypes.c_double * n)()
        code = function((ctypes.c_double * 1)(math.nan if cell is None else cell), result)
        assert (code < 0) == math.isnan(result[0])
        return None if code < 0 else result[0]

    return answer


@pytest.mark.parametrize("name", MODELS)
def test_odd_numbers(compiled, name):
    models, library = compiled
    model = models[name]
    expected = [said_by_model(model, cell) for cell in ODD]
    assert expected[0] is not None
    assert expected[-4:] == [None] * 4
    languages = {
        "Python": said_by_python(model),
        "C": said_by_c(library, name, 3 if model.task == "classification" else 1),
        "ONNX": said_by_onnx(model),
    }
    for language, ask in languages.items():
        received = [ask(cell) for cell in ODD]
        for cell, mine, theirs in zip(ODD, expected, received, strict=True):
            assert (mine is None) == (theirs is None), f"{language}, {cell}: {theirs}, the model {mine}"
            if mine is not None:
                assert theirs == pytest.approx(mine, rel=1e-4, abs=1e-5), f"{language}, {cell}"
