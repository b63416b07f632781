"""Ensembles: members are random starts, the answer is their mean, and one file holds them all."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from same import DIVERGING, interrupt_at_call, same_bits, same_training

import chainrule as cr
from chainrule.core.catalogue import Activation
from chainrule.errors import DataError, DivergenceError, ModelFileError, UsageError
from chainrule.models.model_file import KEY, load_model
from chainrule.models.setup import set_up
from chainrule.training.loop import run


@pytest.fixture(scope="module")
def wine():
    return cr.train_ensemble("wine", members=4, epochs=8, seed=2)


@pytest.fixture(scope="module")
def diabetes():
    return cr.train_ensemble("diabetes", members=3, epochs=8)


class TestMembers:
    def test_member_k_is_start_k(self, wine):
        setup = set_up("wine", epochs=8, seed=2)
        for k, member in enumerate(wine.members):
            state = run(setup.training(k))
            expected = [p.tobytes() for p in state.best_network.parameters]
            assert [p.tobytes() for p in member.network.parameters] == expected
        starts = cr.train("wine", epochs=8, seed=2, starts=4)
        assert wine.provenance.starts == starts.provenance.starts
        assert same_bits(starts, wine.members[int(np.argmin(starts.provenance.starts))])

    def test_a_single_member_is_the_model(self):
        ensemble = cr.train_ensemble("iris", members=1, epochs=5)
        alone = cr.train("iris", epochs=5)
        assert same_training(ensemble.members[0], alone)
        assert ensemble.test == alone.test
        assert (ensemble.predict("iris") == alone.predict("iris")).all()

    def test_members_differ(self, wine):
        assert len({member.network.parameters[0].tobytes() for member in wine.members}) == 4
        assert len(wine) == 4
        assert repr(wine) == "<Ensemble of 4 networks 13-16-3, classification of class>"


class TestMean:
    def test_of_probabilities(self, wine):
        P = sum(member.probabilities("wine") for member in wine.members) / 4
        np.testing.assert_allclose(wine.probabilities("wine"), P, rtol=0, atol=1e-15)
        assert (wine.predict("wine") == np.array(wine.classes)[P.argmax(axis=1)]).all()
        answers = np.array([member.probabilities("wine") for member in wine.members])
        np.testing.assert_allclose(wine.spread("wine"), answers.std(axis=0))
        assert wine.spread("wine").max() > 0.01

    def test_of_values(self, diabetes):
        values = [member.predict("diabetes") for member in diabetes.members]
        np.testing.assert_allclose(diabetes.predict("diabetes"), sum(values) / 3, rtol=1e-14)
        np.testing.assert_allclose(diabetes.spread("diabetes"), np.std(values, axis=0))
        with pytest.raises(UsageError, match="probabilities belong to a classification"):
            diabetes.probabilities("diabetes")

    def test_of_several_values_and_of_two_classes(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(40, 3))
        two = cr.train_ensemble(X, rng.normal(size=(40, 2)), members=2, epochs=3)
        assert two.predict(X).shape == (40, 2)
        assert two.evaluate().targets == ("y1", "y2")
        either = cr.train_ensemble(X, X[:, 0] > 0, members=3, epochs=3)
        P = np.mean([member.probabilities(X)[:, 1] for member in either.members], axis=0)
        assert (either.predict(X) == (P > 0.5)).all()

    def test_evaluations(self, wine, diabetes):
        test = wine.parts["test"]
        truth = wine.encoding.true_labels(test)
        assert wine.evaluate() == wine.evaluate(test)
        assert wine.evaluate().accuracy == np.mean(wine.predict(test) == truth)
        P = wine.probabilities(test)[np.arange(36), np.searchsorted(wine.classes, truth)]
        assert wine.evaluate().log_loss == pytest.approx(-np.log(P).mean())
        error = diabetes.predict(diabetes.parts["test"]) - diabetes.encoding.true_values(diabetes.parts["test"])
        assert diabetes.evaluate().rmse == pytest.approx(np.sqrt((error**2).mean()))
        # Jensen: the mean's squared error is at most the mean of the members'.
        assert diabetes.evaluate().rmse ** 2 <= np.mean([member.test.rmse**2 for member in diabetes.members])

    def test_without_test_rows(self):
        ensemble = cr.train_ensemble("xor", members=2, epochs=3)
        assert ensemble.test is None
        with pytest.raises(UsageError, match="without rows for testing"):
            ensemble.evaluate()
        assert ensemble.evaluate("xor").rows == 4

    def test_unknown_names(self):
        data = {"c": ["a", "b"] * 10, "y": list(np.arange(20.0) ** 2)}
        ensemble = cr.train_ensemble(data, members=2, epochs=2)
        assert ensemble.predict({"c": ["z"]}).shape == (1,)
        with pytest.raises(DataError, match='"z" was not there in training'):
            ensemble.with_unknown("refuse").predict({"c": ["z"]})


class TestFile:
    def test_saved_and_loaded(self, wine, diabetes, tmp_path):
        for ensemble, source in ((wine, "wine"), (diabetes, "diabetes")):
            loaded = cr.load(ensemble.save(tmp_path / "e.safetensors"))
            assert isinstance(loaded, cr.Ensemble)
            assert loaded.test == ensemble.test
            assert (loaded.predict(source) == ensemble.predict(source)).all()
            assert loaded.parts == {}
            for a, b in zip(ensemble.members, loaded.members, strict=True):
                assert same_training(a, b)

    def test_activations_of_your_own(self, tmp_path):
        double = Activation("double", lambda z: 2 * z, lambda z, a, g: 2 * g)
        path = cr.train_ensemble("xor", members=2, epochs=2, activation=double).save(tmp_path / "e.safetensors")
        with pytest.raises(UsageError, match='an activation "double" that is not built in'):
            cr.load(path)
        assert cr.load(path, [double]).predict("xor").shape == (4,)

    def test_where_a_single_network_is_needed(self, wine, tmp_path):
        path = wine.save(tmp_path / "e.safetensors")
        with pytest.raises(UsageError, match="holds an ensemble of 4 networks, and this needs a single one"):
            load_model(path)
        assert same_training(load_model(wine.members[1].save(path)), wine.members[1])

    @pytest.mark.parametrize(
        "change",
        [
            lambda facts, arrays: facts.update(members=[]),
            lambda facts, arrays: facts.update(members=3),
            lambda facts, arrays: facts.update(members={"0": facts["members"][0]}),
            lambda facts, arrays: facts["members"].pop(),
            lambda facts, arrays: facts["members"].append(facts["members"][0]),
            lambda facts, arrays: facts["members"][1].pop("provenance"),
            lambda facts, arrays: facts["members"].insert(0, None),
            lambda facts, arrays: facts.pop("test"),
            lambda facts, arrays: facts.pop("encoding"),
            lambda facts, arrays: arrays.pop("2/W[1]"),
            lambda facts, arrays: arrays.update({"2/W[1]": np.full((13, 16), np.nan, np.float32)}),
            lambda facts, arrays: arrays.update({"W[1]": np.zeros((13, 16), np.float32)}),
            lambda facts, arrays: arrays.update({"9/W[1]": np.zeros((13, 16), np.float32)}),
        ],
    )
    def test_damaged(self, wine, tmp_path, change):
        path = wine.save(tmp_path / "e.safetensors")
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__
            facts = json.loads(file.metadata()[KEY])
        change(facts, arrays)
        save_file(arrays, path, {KEY: json.dumps(facts)})
        with pytest.raises(ModelFileError, match="not a usable model file"):
            cr.load(path)


class TestEnds:
    def test_diverged_members_are_left_out(self):
        # Weights so large that some starts overflow at once and others do not.
        options = {"activation": "exponential", "init": "uniform(-100,100)", "hidden": 1, "seed": 1, "epochs": 2,
                   "update": "gradient_descent", "learning_rate": 1e-9, "scale": "none"}  # fmt: skip
        ensemble = cr.train_ensemble("xor", members=12, **options)
        gone = 12 - len(ensemble)
        assert 0 < gone < 12
        assert f"Left out {gone} of 12 members: diverged." in ensemble.provenance.notes
        with pytest.raises(DivergenceError, match="training diverged") as caught:
            cr.train_ensemble("wine", members=2, **DIVERGING)
        assert caught.value.model is not None

    def test_an_interrupt_keeps_the_members_that_had_begun(self, monkeypatch):
        from chainrule.models import attempts

        monkeypatch.setattr(attempts, "SIDE_BY_SIDE", 2)
        interrupt_at_call(monkeypatch, 2)
        ensemble = cr.train_ensemble("wine", members=5, epochs=3)
        assert len(ensemble) == 2
        assert "Left out 3 of 5 members: not begun." in ensemble.provenance.notes
        assert ensemble.test is not None

    @pytest.mark.parametrize("members", [0, -1, 2.0, True, "3", None])
    def test_members(self, members):
        with pytest.raises(UsageError, match="members must be a whole number of at least 1"):
            cr.train_ensemble("xor", members=members)

    def test_options_that_have_no_place(self):
        with pytest.raises(UsageError, match="Leave out starts"):
            cr.train_ensemble("xor", starts=3)
        with pytest.raises(UsageError, match="train_ensemble trains many networks and takes no on_epoch"):
            cr.train_ensemble("xor", on_epoch=print)
