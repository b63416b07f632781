"""Model files: what was saved comes back bit for bit; what was damaged or made up is refused, never believed."""

import contextlib
import json
import os
import struct
from itertools import islice

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import chainrule as cr
from chainrule.core.catalogue import Activation
from chainrule.errors import ChainruleError, ModelFileError, UsageError
from chainrule.models.model_file import KEY, LARGEST_HEADER, NEWEST, SCHEMA

SQUARE = Activation("square", lambda Z: Z * Z, lambda Z, A, dC_dA: dC_dA * 2 * Z)


def mixed(n=50):
    generator = np.random.default_rng(3)
    return {
        "size": generator.normal(3, 2, n), "color": np.array(["red", "blue", "07"])[generator.integers(0, 3, n)],
        "gap": np.where(generator.random(n) < 0.2, np.nan, generator.normal(size=n)),
        "price": generator.normal(900, 50, n), "mass": generator.normal(size=n),
    }  # fmt: skip


CASES = {
    "classes": ("wine", {}),
    "one node": ("xor", {"hidden": 2}),
    "float64": ("wine", {"dtype": "float64"}),
    "x0": ("wine", {"bias": "x0"}),
    "no bias": ("wine", {"bias": "none"}),
    "no hidden layer": ("wine", {"hidden": "none"}),
    "frozen": ("wine", {"hidden": (4, 3), "frozen": (1, 2)}),
    "own activation": ("wine", {"activation": (SQUARE, "leaky_relu(0.1)"), "hidden": (3, 3)}),
    "regression": ("diabetes", {"loss": "huber(0.5)", "update": "momentum(0.8)", "schedule": "step(2,0.5)"}),
    "several targets": (mixed(), {"target": "price,mass", "missing": "indicate"}),
    "names": (mixed(), {"target": "color", "missing": "impute", "soft_targets": True}),
    "step": ("and", {"hidden": "none", "output_activation": "step"}),
    "interrupted at once": ("wine", {"interrupt": True}),
}


def trained(case):
    source, options = CASES[case]
    options = dict(options)

    def interrupt(state):
        raise KeyboardInterrupt

    if options.pop("interrupt", False):
        options["on_epoch"] = interrupt
    return source, cr.train(source, epochs=3, seed=0, **options)


@pytest.mark.parametrize("case", CASES)
def test_saved_and_loaded_bit_for_bit(case, tmp_path):
    source, model = trained(case)
    path = model.save(tmp_path / "a model.safetensors")
    loaded = cr.load(path, activations=[SQUARE])
    for a, b in zip(model.network.layers, loaded.network.layers, strict=True):
        assert (a.activation, a.trainable, a.x0) == (b.activation, b.trainable, b.x0)
        for p, q in zip(a.parameters, b.parameters, strict=True):
            assert (p.dtype, p.shape, p.tobytes()) == (q.dtype, q.shape, q.tobytes())
    assert model.predict(source).tolist() == loaded.predict(source).tolist()
    assert model.predict(source).dtype == loaded.predict(source).dtype
    assert model.forward(source).output.tobytes() == loaded.forward(source).output.tobytes()
    assert repr(model.evaluate(source)) == repr(loaded.evaluate(source))
    assert (loaded.plan, loaded.encoding_plan) == (model.plan, model.encoding_plan)
    assert loaded.encoding == model.encoding
    assert loaded.provenance == model.provenance
    assert repr(loaded.test) == repr(model.test)
    assert np.array(model.history[:]).tobytes() == np.array(loaded.history[:]).tobytes()
    assert [type(row.epoch) for row in loaded.history] == [int] * len(model.history)
    # and once more: what is saved again is the same file
    again = loaded.save(tmp_path / "again.safetensors")
    assert parts(again)[0] == parts(path)[0]
    assert again.stat().st_size == path.stat().st_size


def test_it_is_a_plain_safetensors_file_without_code(tmp_path):
    path = trained("classes")[1].save(tmp_path / "m.safetensors")
    facts, arrays = parts(path)
    assert set(arrays) == {"W[1]", "b[1]", "W[2]", "b[2]", "history"}
    assert facts["schema"] == SCHEMA
    assert arrays["W[1]"].shape == (13, 16)
    assert b"pickle" not in path.read_bytes()


def test_no_machine_path_in_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(20)))
    path = cr.train("data.csv", epochs=2).save("m.safetensors")
    assert str(tmp_path).encode() not in path.read_bytes()


class TestOwnActivations:
    def test_without_them_the_remedy_is_named(self, tmp_path):
        path = trained("own activation")[1].save(tmp_path / "m.safetensors")
        with pytest.raises(UsageError, match=r'activation "square" that is not built in.*activations=\[square\]'):
            cr.load(path)

    def test_built_in_names_need_nothing(self, tmp_path):
        model = cr.train("xor", activation="elu(0.3)", epochs=2)
        path = model.save(tmp_path / "m.safetensors")
        assert cr.load(path).network.layers[0].activation.name == "elu(0.3)"


class TestWriting:
    def test_where_it_cannot_be_written(self, tmp_path):
        model = trained("one node")[1]
        with pytest.raises(UsageError, match="is a folder"):
            model.save(tmp_path)
        with pytest.raises(UsageError, match="does not exist"):
            model.save(tmp_path / "missing" / "m.safetensors")
        assert list(tmp_path.iterdir()) == []

    def test_a_failing_write_leaves_the_old_model(self, tmp_path, monkeypatch):
        path = trained("one node")[1].save(tmp_path / "m.safetensors")
        before = path.read_bytes()

        def full(*arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            trained("classes")[1].save(path)
        assert path.read_bytes() == before
        assert [entry.name for entry in tmp_path.iterdir()] == ["m.safetensors"]


def parts(path):
    with safe_open(path, "numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__
        return json.loads(file.metadata()[KEY]), arrays


def refused(path, words=None):
    with pytest.raises(ModelFileError, match=words) as caught:
        cr.load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


class TestDamaged:
    @pytest.fixture
    def path(self, tmp_path):
        return trained("classes")[1].save(tmp_path / "m.safetensors")

    def test_truncated_anywhere(self, path):
        content = path.read_bytes()
        header = int.from_bytes(content[:8], "little")
        places = {0, 1, 7, 8, 9, 8 + header // 2, 8 + header - 1, 8 + header, 8 + header + 1, len(content) - 1}
        places |= set(np.linspace(0, len(content) - 1, 60, dtype=int).tolist())
        for place in places:
            path.write_bytes(content[:place])
            refused(path, "not a usable model file")

    def test_bytes_after_the_end(self, path):
        path.write_bytes(path.read_bytes() + b"more")
        refused(path)

    def test_a_flipped_byte_never_gives_another_error(self, path):
        content = bytearray(path.read_bytes())
        header = int.from_bytes(content[:8], "little")
        generator = np.random.default_rng(0)
        for place in [*range(8), *generator.integers(8, 8 + header, 150), *generator.integers(0, len(content), 50)]:
            spoilt = bytearray(content)
            spoilt[place] ^= 1 << int(generator.integers(0, 8))
            path.write_bytes(spoilt)
            with contextlib.suppress(ChainruleError):
                cr.load(path).predict("wine")

    @pytest.mark.parametrize(
        "content",
        [
            b"", b"x", b"alcohol,class\n1,2\n" * 50, bytes(1000), b"\xff" * 1000, b"{}", b"\x80\x04K\x01.",
            struct.pack("<Q", 2) + b"{}", struct.pack("<Q", 4) + b"null", struct.pack("<Q", 2) + b"[]",
            struct.pack("<Q", 2**63) + b"{}", struct.pack("<Q", 10**9) + b"{}",
            struct.pack("<Q", 200000) + b"[" * 200000,
        ],
        ids=range(13),
    )  # fmt: skip
    def test_no_model_at_all(self, tmp_path, content):
        path = tmp_path / "m.safetensors"
        path.write_bytes(content)
        refused(path)

    def test_random_bytes(self, tmp_path):
        path = tmp_path / "m.safetensors"
        for seed in range(30):
            noise = np.random.default_rng(seed).bytes(500)
            path.write_bytes(noise if seed % 2 else struct.pack("<Q", 400) + noise)
            refused(path)

    def test_a_header_that_claims_too_much(self, tmp_path):
        path = tmp_path / "m.safetensors"
        with path.open("wb") as file:  # a file with a hole: as long as it claims, and on the disk almost empty
            file.write(struct.pack("<Q", LARGEST_HEADER + 1))
            file.truncate(LARGEST_HEADER + 100)
        refused(path, f"header claims {LARGEST_HEADER + 1} bytes")

    def test_another_safetensors_file(self, tmp_path):
        path = tmp_path / "m.safetensors"
        save_file({"W[1]": np.zeros((2, 2))}, path)
        refused(path, "is a safetensors file, but no chainrule model")
        save_file({"W[1]": np.zeros((2, 2))}, path, {"format": "pt"})
        refused(path, "no chainrule model")

    def test_a_checkpoint_is_no_model(self, tmp_path):
        cr.train("xor", epochs=2, checkpoint=tmp_path / "c")
        refused(tmp_path / "c")

    def test_missing_file(self, tmp_path):
        with pytest.raises(UsageError, match=r"does not exist. Train one with: chainrule train DATA -o m.safetensors"):
            cr.load(tmp_path / "m.safetensors")

    def test_newer_versions_say_so(self, path):
        facts, arrays = parts(path)
        save_file(arrays, path, {KEY: json.dumps({**facts, "schema": NEWEST + 1})})
        refused(path, rf"written by a newer chainrule \(model version {NEWEST + 1}.*Update chainrule")

    @pytest.mark.parametrize(
        "text", ["", "null", "[]", "3", '"x"', "{}", '{"schema": null}', '{"schema": 1}', "{", "[" * 100000,
                 '{"schema": ' + "9" * 5000 + "}", '{"schema": 1e400}', '{"schema": true, "a": NaN}'],
        ids=range(13),
    )  # fmt: skip
    def test_metadata_that_is_no_record(self, path, text):
        save_file(parts(path)[1], path, {KEY: text})
        refused(path)

    def test_every_array_of_another_kind(self, path):
        facts, arrays = parts(path)
        for name, array in arrays.items():
            others = {other: value for other, value in arrays.items() if other != name}
            changes = [
                others, {**others, name: array[..., :-1].copy()}, {**others, name: array.astype("float16")},
                {**others, name: array.astype("int32")}, {**others, name: array[None]}, {**arrays, "extra": array},
                {**others, name: np.zeros((0,) * array.ndim, array.dtype)}, {**others, f"{name} ": array},
            ]  # fmt: skip
            if name == "W[1]":
                changes.append({**others, name: np.ascontiguousarray(array.T)})
            for number in (np.nan, np.inf, -np.inf):
                spoilt = array.copy()
                spoilt.flat[0] = number
                changes.append({**others, name: spoilt})
            if name != "history":
                changes.append({**others, name: array.astype("float64")})  # half of them float32
            for change in changes:
                save_file(change, path, {KEY: json.dumps(facts)})
                refused(path, "not a usable model file")

    def test_all_weights_in_another_precision_are_still_a_model(self, path):
        facts, arrays = parts(path)
        save_file({name: array.astype("float64") for name, array in arrays.items()}, path, {KEY: json.dumps(facts)})
        assert cr.load(path).predict("wine").shape == (178,)


def mutations(value, place=()):
    """Every entry of nested dicts and lists with something else in its place."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from mutations(value[key], (*place, key))
    if place:
        for other in (None, [], {}, "x", "", -1, 0, 1.5, 1e308, float("inf"), float("nan"), 10**400, True, [None],
                      "remove"):  # fmt: skip
            if other != value:
                yield place, other


def changed(facts, place, other):
    copy = json.loads(json.dumps(facts))
    record = copy
    for key in place[:-1]:
        record = record[key]
    if isinstance(other, str) and other == "remove":
        del record[place[-1]]
    else:
        record[place[-1]] = other
    return copy


@pytest.mark.parametrize("one_in", [11, pytest.param(1, marks=pytest.mark.long)])  # which is prime to the 15 kinds
@pytest.mark.parametrize("case", ["one node", "several targets", "names"])
def test_every_entry_of_another_kind(case, one_in, tmp_path):
    """Each entry of the metadata replaced: an error of chainrule's own, or a model that still works in every way."""
    from chainrule.cli.info import of_model

    source, model = trained(case)
    path = model.save(tmp_path / "m.safetensors")
    facts, arrays = parts(path)
    facts["provenance"]["notes"] = facts["provenance"]["notes"][:1]
    refusals = tried = 0
    for place, other in islice(mutations(facts), 0, None, one_in):
        if len(place) > 1 and place[-1] not in (0, 1) and isinstance(place[-1], int):
            continue  # the first two of every list stand for the others
        save_file(arrays, path, {KEY: json.dumps(changed(facts, place, other))})
        tried += 1
        try:
            loaded = cr.load(path)
            loaded.predict(source)
            str(loaded.evaluate(source))
        except ChainruleError as error:
            refusals += 1
            assert str(error)  # noqa: PT017 - which of the errors it is, is not the point
            continue
        repr(loaded)
        str(loaded.test)
        of_model(str(path))
        loaded.save(tmp_path / "again.safetensors")
        cr.load(tmp_path / "again.safetensors")
    assert tried > 500 / one_in
    assert refusals > tried / 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_model_is_read_from_an_ordinary_file_only(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "is a pipe"),
        (tmp_path / "no", "does not exist"),
    ):
        with pytest.raises(UsageError, match=said):
            cr.load(path)
