"""`chainrule crossval`, and what the other commands make of a file with an ensemble."""

import pytest

import chainrule as cr


class TestCrossval:
    def test_a_table(self, cli):
        answer = cli("crossval", "wine", "--folds", 3, "--epochs", 4)
        assert answer.code == 0
        expected = cr.cross_validate("wine", folds=3, epochs=4)
        assert answer.out == f"{expected}\n"
        assert "network 3 of 3, epoch 4: cost " in answer.err
        assert "Output activation: softmax." in answer.err
        assert not list(cli.folder.iterdir())

    def test_json(self, cli):
        answer = cli("crossval", "sine", "--folds", 2, "--epochs", 3, "--starts", 2, "--hidden", 4, 2, "--json", "-q")
        expected = cr.cross_validate("sine", folds=2, epochs=3, starts=2, hidden=(4, 2))
        assert answer.err == ""
        assert answer.json["mean"] == expected.mean
        assert answer.json["rmse"] == list(expected.measures["rmse"])
        assert "Task: regression" in " ".join(answer.json["notes"])

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            ((), "crossval needs a table"),
            (("wine", "--folds", 1), "folds must be a whole number from 2"),
            (("wine", "--test", 0.2), "test has no meaning"),
            (("none.csv",), "none.csv"),
            (("xor",), "is a truth table"),
        ],
    )
    def test_refusals(self, cli, args, words):
        assert words in cli.refused("crossval", *args)

    def test_an_interrupt_is_told(self, cli, monkeypatch):
        from chainrule.training import loop

        def pressed(*args, **settings):
            raise KeyboardInterrupt

        monkeypatch.setattr(loop, "advance", pressed)
        answer = cli("crossval", "wine", "-q")
        assert answer.code == 130
        assert "5 folds not trained" in answer.out


class TestEnsembleFile:
    @pytest.fixture
    def ensemble(self, cli):
        ensemble = cr.train_ensemble("wine", members=3, epochs=4)
        ensemble.save("e.safetensors")
        return ensemble

    def test_predict(self, cli, ensemble):
        columns = cli("predict", "e.safetensors", "wine", "--json", "--unknown", "other").json
        assert columns["predicted class"] == ensemble.predict("wine").tolist()
        assert columns["p(2)"] == pytest.approx(ensemble.probabilities("wine")[:, 1].tolist(), rel=1e-5)

    def test_evaluate(self, cli, ensemble):
        assert cli("evaluate", "e.safetensors").out == f"{ensemble.evaluate()}\n"
        assert cli("evaluate", "e.safetensors", "wine", "--json").json["rows"] == 178

    def test_info(self, cli, ensemble):
        facts = cli("info", "e.safetensors", "--json").json
        assert facts["members"] == "3; below stands the first, but for the test"
        assert facts["test"].startswith("rows 36, accuracy")
