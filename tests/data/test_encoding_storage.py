"""An encoding out of a file: what was written comes back, and what was made up is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.encoding import Encoding, fit_encoding
from chainrule.data.encoding_plan import EncodingPlan
from chainrule.data.tables import read_table
from chainrule.errors import ModelFileError

TABLE = {
    "x": [1.0, None, 3.0, 9.0],
    "c": ["a", "b", None, "a"],
    "same": [1, 1, 1, 1],
    "y": [0, 1, 1, 0],
    "z": [1.5, 2, 3, 4],
}


def record(target: str = "y") -> dict[str, Any]:
    plan = EncodingPlan(missing="indicate", target=target, unknown="refuse")
    return json.loads(json.dumps(fit_encoding(read_table(TABLE), plan).to_dict()))


@pytest.mark.parametrize("target", ["y", "z", "z,y"])
def test_it_comes_back(target):
    stored = record(target)
    assert Encoding.from_dict(stored).to_dict() == stored


@pytest.mark.parametrize(
    "labels",
    [[1, 2, 2, 1], [1.5, 2.5, 2.5, 1.5], ["a", "b", "b", "a"], [True, False, True, True], [1.0, 2.0, 1.0, 1.0]],
)
def test_labels_keep_their_type(labels):
    encoding = fit_encoding(read_table({"x": [1, 2, 3, 4], "y": labels}), EncodingPlan(task="classification"))
    classes = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict()))).classes
    assert [type(label) for label in classes] == [type(labels[0])] * 2


def put(stored: dict[str, Any], path: tuple, value: Any) -> dict[str, Any]:
    """Return a copy with the value at a path replaced, or removed if it is `...`."""
    changed = copy.deepcopy(stored)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("inputs",), ..., 'has no "inputs"'),
        (("inputs",), {}, "must be a list"),
        (("inputs",), [], "at least one input"),
        (("inputs", 0), "x", "must be a record"),
        (("inputs", 0, "kind"), "magic", "one of number, names"),
        (("inputs", 0, "kind"), ["number"], "one of number, names"),
        (("inputs", 0, "name"), 5, "must be text"),
        (("inputs", 0, "center"), float("nan"), "a finite number"),
        (("inputs", 0, "center"), "0", "a finite number"),
        (("inputs", 0, "center"), True, "a finite number"),
        (("inputs", 0, "center"), 10**400, "a finite number"),
        (("inputs", 0, "scale"), 0, "above 0"),
        (("inputs", 0, "scale"), -1.0, "above 0"),
        (("inputs", 0, "scale"), float("inf"), "a finite number"),
        (("inputs", 0, "indicator"), 1, "true or false"),
        (("inputs", 0, "fill"), "none", "a finite number"),
        (("inputs", 1, "categories"), ["a", "a"], "all different"),
        (("inputs", 1, "categories"), ["a", 1], "must be text"),
        (("inputs", 1, "name"), "x", "all different|given twice"),
        (("inputs", 1, "missing_node"), None, "true or false"),
        (("target",), None, "must be a record"),
        (("target", "kind"), "other", "one of classes, numbers"),
        (("target", "label_type"), "complex", "one of bool, int, float, str"),
        (("target", "classes"), [0], "two classes or more"),
        (("target", "classes"), [0, 1, 2], "two for one node"),
        (("target", "classes"), [0, 0], "all different"),
        (("target", "classes"), [0, "1"], "a label of type int"),
        (("target", "classes"), [0, True], "a label of type int"),
        (("target", "classes"), [0, [1]], "a label of type int"),
        (("target", "low"), 1.0, '"low" below "high"'),
        (("target", "one_node"), "yes", "true or false"),
        (("unknown",), "perhaps", "one of other, refuse"),
        (("columns",), [1], "must be text"),
        (("left_out",), [["a"]], "pairs of a name and a reason"),
        (("notes",), "a note", "must be a list"),
    ],
)
def test_damage_is_refused(path, value, message):
    with pytest.raises(ModelFileError, match=message):
        Encoding.from_dict(put(record(), path, value))


@pytest.mark.parametrize(
    ("key", "value"),
    [("names", []), ("names", ["z", "z"]), ("centers", [1.0]), ("scales", [0.0, 1.0]), ("scales", [1.0, float("nan")])],
)
def test_damaged_numeric_targets_are_refused(key, value):
    with pytest.raises(ModelFileError):
        Encoding.from_dict(put(record("z,y"), ("target", key), value))


@pytest.mark.parametrize("value", [None, [], "encoding", 5])
def test_what_is_no_record(value):
    with pytest.raises(ModelFileError, match="the encoding must be a record"):
        Encoding.from_dict(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def paths(value: Any, start: tuple = ()) -> list[tuple]:
    """List the path of every value inside."""
    found = [start] if start else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += paths(inner, (*start, key))
    return found


@settings(max_examples=settings.default.max_examples * 2)
@given(data=st.data())
def test_any_change_is_either_refused_or_a_usable_encoding(data):
    stored = record()
    changed = put(stored, data.draw(st.sampled_from(paths(stored))), data.draw(JSON | st.just(...)))
    try:
        encoding = Encoding.from_dict(changed)
    except ModelFileError:
        return
    assert Encoding.from_dict(encoding.to_dict()) == encoding
    assert encoding.n_inputs > 0
    assert encoding.n_outputs > 0
