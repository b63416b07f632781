"""Columns of names with many values are learnt from: states, and a thousand shops."""

from __future__ import annotations

import numpy as np

import chainrule as cr


def effects(different: int, rows_each: int, seed: int = 0) -> dict[str, list]:
    """y = an effect of the name + x, in a random order."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(0, 2, different)
    names = rng.permutation(np.repeat(np.arange(different), rows_each))
    x = rng.normal(size=len(names))
    return {"name": [f"s{i:04}" for i in names], "x": x.tolist(), "y": (effect[names] + x).tolist()}


def test_fifty_one_states():
    model = cr.train(effects(51, 40), epochs=120, seed=0)
    assert model.encoding.n_inputs == 52
    assert model.test.r2 > 0.99


def test_a_thousand_shops_of_twenty_rows():
    model = cr.train(effects(1000, 20), epochs=60, seed=0)
    assert model.encoding.n_inputs == 1001
    assert model.test.r2 > 0.9


def test_frequent_names_are_learnt_and_rare_ones_together(tmp_path):
    table = effects(60, 40)
    rare = {"name": [f"rare{i}" for i in range(200)], "x": [0.0] * 200, "y": [10.0] * 200}
    both = {key: table[key] + rare[key] for key in table}
    model = cr.train(both, epochs=120, seed=0)
    assert model.encoding.node_names[-2:] == ("name is other", "x")
    assert len([note for note in model.provenance.notes if "the others share one" in note]) == 1
    model.save(tmp_path / "m.safetensors")
    for one in (model, cr.load(tmp_path / "m.safetensors")):
        assert one.predict({"name": ["never seen"], "x": [0.0]})[0] > 7
    assert model.test.r2 > 0.98


def test_names_of_rows_are_left_out_once_and_aloud():
    table = {**effects(51, 4), "id": [f"id{i}" for i in range(204)]}
    table["y"] = table.pop("y")
    model = cr.train(table, epochs=3, seed=0)
    assert [name for name, _ in model.encoding.left_out] == ["id"]
    assert sum('"id"' in note and "--nominal keeps it" in note for note in model.provenance.notes) == 1
