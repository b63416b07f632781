"""export: a model file in, a file for another tool out."""

import pytest

import chainrule as cr
from chainrule.models.export import to_c, to_javascript, to_onnx, to_python


@pytest.fixture
def houses(cli):
    table = {"area": [50.0, 70.0, 90.0, 120.0] * 5, "place": ["north", "south"] * 10, "price": [1.0, 2.0, 3.0, 5.0] * 5}
    model = cr.train(table, target="price", epochs=3, seed=0)
    model.save("houses.safetensors")
    return model


@pytest.mark.parametrize(
    ("file", "write"),
    [("m.c", to_c), ("m.js", to_javascript), ("m.mjs", to_javascript), ("m.py", to_python), ("M.PY", to_python)],
)
def test_the_ending_chooses_the_language(cli, houses, file, write):
    assert cli("export", "houses.safetensors", "-o", file) == (0, f"Wrote {file}.\n", "")
    assert (cli.folder / file).read_text(encoding="utf-8") == write(houses)


def test_onnx(cli, houses):
    assert cli("export", "houses.safetensors", "-o", "m.onnx").code == 0
    assert (cli.folder / "m.onnx").read_bytes() == to_onnx(houses).SerializeToString(deterministic=True)
    assert cli("export", "houses.safetensors", "-o", "m.onnx", "--dtype", "float32").code == 0
    single = to_onnx(houses, dtype="float32").SerializeToString(deterministic=True)
    assert (cli.folder / "m.onnx").read_bytes() == single


def test_names_and_unknown_values(cli, houses):
    assert cli("export", "houses.safetensors", "-o", "m.c", "--name", "price", "--unknown", "refuse").code == 0
    assert (cli.folder / "m.c").read_text() == to_c(houses.with_unknown("refuse"), name="price")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("houses.safetensors", "-o", "m.txt"), "Allowed: .onnx, .c, .js, .mjs, .py, as in m.onnx"),
        (("houses.safetensors", "-o", "model"), "its ending says no language"),
        (("houses.safetensors",), "Missing option '-o' / '--output'"),
        (("houses.safetensors", "-o", "m.py", "--name", "f"), "--name belongs to .c files"),
        (("houses.safetensors", "-o", "m.c", "--dtype", "float32"), "--dtype belongs to .onnx files"),
        (("houses.safetensors", "-o", "m.c", "--name", "a b"), "name must be a name for a function"),
        (("houses.safetensors", "-o", "m.c", "--name", "log"), "their libraries have"),
        (("houses.safetensors", "-o", "math.py"), "a Python file cannot be called"),
        (("houses.safetensors", "-o", "nowhere/m.c"), 'the folder "nowhere" does not exist'),
        (("other.safetensors", "-o", "m.c"), "other.safetensors"),
    ],
)
def test_what_is_refused(cli, houses, args, words):
    assert words in cli.refused("export", *args)


def test_an_ensemble(cli):
    ensemble = cr.train_ensemble("xor", members=2, epochs=1)
    ensemble.save("two.safetensors")
    assert cli("export", "two.safetensors", "-o", "m.c").code == 0
    assert (cli.folder / "m.c").read_text(encoding="utf-8") == to_c(ensemble)
