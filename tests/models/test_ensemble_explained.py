"""An ensemble explained: the mean of its members' outputs, each member by itself, and what only one network has."""

import copy
import json
import pickle
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UsageError
from chainrule.explaining.trees import evaluate
from chainrule.models.model import Model

KINDS = {
    "three classes": ("wine", {}),
    "two classes": ("xor", {}),
    "tanh coded": ("iris", {"output_activation": "tanh"}),
    "one value": ("diabetes", {}),
}


@pytest.fixture(scope="module", params=list(KINDS))
def trained(request):
    source, options = KINDS[request.param]
    return source, cr.train_ensemble(source, members=3, hidden=3, epochs=4, seed=1, **options)


def test_the_mean_of_the_outputs(trained):
    source, ensemble = trained
    why = ensemble.explain(source, example=2)
    assert why.names()
    for k, name in enumerate(why.names()):
        entry = why[name]
        outputs = [np.asarray(one.forward(source).output)[2, k] for one in ensemble.members]
        assert entry.value == pytest.approx(np.mean(outputs), rel=1e-5)
        assert evaluate(entry.expression) == pytest.approx(entry.value, rel=1e-12)
        assert [one.value for one in entry.members] == pytest.approx(outputs, rel=1e-5)
        for one in entry.members:
            assert evaluate(one.expression) == pytest.approx(one.value, rel=1e-9)
        labels, P = ensemble.answers(source)
        answer = labels[2] if P is None else P[2, k + (P.shape[1] - len(why.names()))]
        assert f" {float(answer):.5g}, the mean of its members' " in entry.answer
        assert entry.text("line").count("net2") == 2
        assert json.loads(json.dumps(entry.json()))["value"] == entry.value
        assert r"\mathrm{net3}" in entry.latex()
        ElementTree.fromstring(entry.mathml())
    at = f"{why.names()[0]} @ 4"
    assert why[at].value == ensemble.explain(source, example=3)[why.names()[0]].value


def test_every_member_by_itself(trained):
    source, ensemble = trained
    why = ensemble.explain(source)
    for one, explanation in zip(ensemble.members, why.members, strict=True):
        assert explanation["dC/dW[1][1,2]"].value == one.explain(source)["dC/dW[1][1,2]"].value
    for name in ("dC/dW[1][1,2]", "z[2][1]", "a[1][1]", "a[2]", "C"):
        with pytest.raises(UsageError, match="is a number of one network"):
            why[name]
    with pytest.raises(UsageError, match="layer"):
        why["a[7][1]"]


def test_rows_are_those_of_training_unless_named(trained, tmp_path):
    source, ensemble = trained
    name = ensemble.explain().names()[0]
    assert ensemble.explain()[name].value == ensemble.explain(ensemble.parts["train"])[name].value
    loaded = cr.load(ensemble.save(tmp_path / "e"))
    with pytest.raises(UsageError, match="keeps no rows"):
        loaded.explain()
    assert loaded.explain(source)[name].value == ensemble.explain(source)[name].value


def test_steps_of_a_member():
    ensemble = cr.train_ensemble("xor", members=2, hidden=2, epochs=3)
    assert ensemble.replay(member=1, step=2).exact
    assert ensemble.replay(member=1, step=2).weight("W[1][1,1]") == ensemble.members[1].replay(step=2).weight(
        "W[1][1,1]"
    )
    for wrong in (2, -1, True, "1", 0.0):
        with pytest.raises(UsageError, match="member must be a number from 0 to 1"):
            ensemble.replay(member=wrong, step=2)


def test_what_a_model_has_an_ensemble_has_or_refuses(trained):
    """Each public name of a model is there, or the refusal says why not; nothing is a bare AttributeError."""
    _, ensemble = trained
    refused = ("forward", "network", "outputs", "transform")
    names = {name for name in {*dir(Model), *Model.__dataclass_fields__} if not name.startswith("_")}
    for name in names - {"classes", *refused}:
        getattr(ensemble, name)
    for name in refused:
        with pytest.raises(UsageError, match=rf"Ask a member: ensemble\.members\[0\]\.{name}"):
            getattr(ensemble, name)
    assert not hasattr(ensemble, "network")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        ensemble.nonsense  # noqa: B018
    for again in (copy.copy(ensemble), pickle.loads(pickle.dumps(ensemble))):
        assert len(again) == 3
